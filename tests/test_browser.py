"""Index and report in headless Chromium, from files: search, sorting, comparing, keyboard, print, contrast, 380 px.

One browser for all tests of a worker. Where Chromium is not installed they are left out and pytest says so.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pandas as pd
import pytest

import commlab as cl
from commlab.report import read_document
from commlab.report.html import html_text
from commlab.report.overview import index
from tests.report_samples import as_notebook, sample_items

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None, reason="needs Chromium (apt-get install chromium); .ci/run installs it"
    ),
]

# WCAG 2.1, 1.4.3: contrast of every text that is seen with what lies behind it; 3 for large text, else 4.5.
CONTRAST = """() => {
  const parse = c => { const m = c.match(/[\\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
  const light = c => { const f = v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; };
    return .2126 * f(c[0]) + .7152 * f(c[1]) + .0722 * f(c[2]); };
  const behind = e => { let c = [255, 255, 255]; const chain = [];
    for (let x = e; x; x = x.parentElement) { chain.unshift(parse(getComputedStyle(x).backgroundColor)); }
    for (const b of chain) { c = c.map((v, i) => b[i] * b[3] + v * (1 - b[3])); } return c; };
  const low = [], seen = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT); let n = 0;
  while (seen.nextNode()) { const e = seen.currentNode.parentElement, s = getComputedStyle(e);
    if (!seen.currentNode.data.trim() || !e.checkVisibility() || ["SCRIPT", "STYLE"].includes(e.tagName)) continue;
    const [a, b] = [light(parse(s.color)), light(behind(e))].sort((p, q) => q - p), ratio = (a + .05) / (b + .05);
    const size = parseFloat(s.fontSize), large = size >= 24 || (size >= 18.66 && Number(s.fontWeight) >= 700);
    n += 1; if (ratio < (large ? 3 : 4.5)) low.push([seen.currentNode.data.trim().slice(0, 30), ratio]); }
  return {n, low}; }"""
NAMELESS = """() => [...document.querySelectorAll("a[href], button, input, select, summary, [role=region]")]
  .filter(e => e.checkVisibility() && !(e.getAttribute("aria-label") || e.textContent.trim() || (e.labels && e.labels.length)
    || document.getElementById(e.getAttribute("aria-labelledby")))).map(e => e.outerHTML.slice(0, 80))"""
FOCUS = """() => { const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();
  return {tag: e.tagName, id: e.id, text: (e.textContent || "").trim().slice(0, 20), outline: s.outlineStyle !== "none" &&
    parseFloat(s.outlineWidth) >= 2, seen: r.width > 0 && r.bottom > 0 && r.top < innerHeight}; }"""


@pytest.fixture(scope="module")
def pages(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reports folder of the tiny study: its index in both languages, and a report for the city and each district."""
    folder = tmp_path_factory.mktemp("reports of 昆明") / "2019Q4"
    study = cl.open_study(tiny)
    report = html_text(read_document(as_notebook(sample_items())))
    for unit in ["city", *study.register.districts]:
        for period in ("2019Q3", "2019Q4"):
            place = folder.parent / period / unit
            place.mkdir(parents=True)
            for name in ("report.html", "report.en.html"):
                (place / name).write_text(report, encoding="utf-8")
    statuses = pd.DataFrame(
        {"unit": study.register.districts, "kind": "district", "state": "fresh", "why": ""}
    )
    for language, name in (("zh", "index.html"), ("en", "index.en.html")):
        index(study.period("2019Q4"), statuses, folder / name, language=language)
    return folder


@pytest.fixture(scope="module")
def context() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        made = browser.new_context(
            viewport={"width": 1280, "height": 800}, offline=True, reduced_motion="reduce"
        )
        yield made
        browser.close()


class Page:
    """A page, with what it asked for and complained about."""

    def __init__(self, context: Any, path: Path) -> None:
        self.path, self.asked, self.said = path, [], []
        self.page = context.new_page()
        self.page.set_default_timeout(10_000)
        self.page.on("request", lambda r: self.asked.append(r.url))
        self.page.on("console", lambda m: self.said.append(m.text))
        self.page.on("pageerror", lambda e: self.said.append(str(e)))
        self.page.goto(path.as_uri())

    def rows(self) -> list[str]:
        return self.page.locator("#rows tr:visible th").all_inner_texts()

    def quiet(self) -> None:
        assert not self.said
        assert {urlsplit(a).scheme for a in self.asked} <= {"file", "data"}


@pytest.fixture
def home(context: Any, pages: Path) -> Iterator[Page]:
    opened = Page(context, pages / "index.html")
    yield opened
    opened.quiet()
    opened.page.close()


@pytest.fixture
def report(context: Any, pages: Path) -> Iterator[Page]:
    opened = Page(context, pages / "五华区" / "report.html")
    yield opened
    opened.quiet()
    opened.page.close()


# -- the index page --------------------------------------------------------------------------------------------


def test_search_takes_characters_pinyin_and_initials(home: Page) -> None:
    field = home.page.get_by_label("名称、拼音或首字母")
    for typed, found in {
        "wuhua": ["五华区"], "wh": ["五华区"], "WHQ": ["五华区"], "wu hua": ["五华区"], "wǔhuá": ["五华区"],
        "五华": ["五华区"], "hua": ["五华区"], "plq": ["盘龙区"], "panlongq": ["盘龙区"], "yzh": ["阳宗海风景区"],
        "fengjing": ["阳宗海风景区"], "q": ["五华区", "盘龙区", "阳宗海风景区"], "zzz": [], "<b>": [],
    }.items():  # fmt: skip
        field.fill("")
        field.press_sequentially(typed)
        assert home.rows() == found, typed
        assert home.page.locator("#panels li:visible .name").all_inner_texts() == found
        assert home.page.locator("#shown").inner_text() == f"显示{len(found)}个，共3个"
    field.fill("")
    group = home.page.get_by_label("分组")
    group.select_option("主城五区")
    assert home.rows() == ["五华区", "盘龙区"]
    field.fill("pl")
    assert home.rows() == ["盘龙区"]


def test_sorting_by_mouse_and_by_keyboard(home: Page) -> None:
    scores = home.page.evaluate(
        "[...document.querySelectorAll('#rows tr')].map(r => [r.dataset.name, +r.cells[1].dataset.key])"
    )
    upwards = [name for name, _ in sorted(scores, key=lambda s: s[1])]
    button = home.page.get_by_role("button", name="得分")
    head = home.page.locator("th", has=button)
    button.click()
    assert home.rows() == upwards and head.get_attribute("aria-sort") == "ascending"
    assert home.page.locator("#panels .name").all_inner_texts() == upwards
    assert "升序" in home.page.locator("#shown").inner_text()
    button.press("Enter")
    assert home.rows() == upwards[::-1] and head.get_attribute("aria-sort") == "descending"
    name = home.page.get_by_role("button", name="县区")
    name.press("Space")
    assert home.rows() == ["盘龙区", "五华区", "阳宗海风景区"]  # pán, wǔ, yáng
    assert head.get_attribute("aria-sort") == "none"
    # The city's row stays where it is.
    assert home.page.locator("tbody.city tr").count() == 1


def test_two_districts_and_two_periods_are_compared(home: Page, tiny: Path) -> None:
    period = cl.open_study(tiny).period("2019Q4")
    page = home.page

    def row(label: str) -> list[str]:
        return (
            page.locator("#pair tr", has=page.get_by_role("rowheader", name=label, exact=True))
            .locator("td")
            .all_inner_texts()
        )

    page.locator("#unit-a").select_option("五华区")
    page.locator("#unit-b").select_option("盘龙区")
    ranks = period.ranks().set_index("unit")
    first, second, gap, _ = row("得分")
    assert first.startswith(f"{ranks.loc['五华区', 'score']:.1f} [") and second.startswith(
        f"{ranks.loc['盘龙区', 'score']:.1f} ["
    )
    assert float(gap) == pytest.approx(ranks.loc["盘龙区", "score"] - ranks.loc["五华区", "score"], abs=0.051)
    assert page.locator("#pair td a").first.get_attribute("href") == "%E4%BA%94%E5%8D%8E%E5%8C%BA/report.html"
    assert row("满意率")[2].endswith("个百分点")
    # By keyboard: the second one's district again, and the period before.
    page.locator("#unit-b").focus()
    page.keyboard.press("ArrowUp")
    page.locator("#period-b").focus()
    page.keyboard.press("ArrowDown")
    assert page.locator("#pairt").inner_text() == "五华区（2019年第四季度）与五华区（2019年第三季度）"
    change = period.change().set_index(["district", "item"]).loc[("五华区", "q_overall_satisfaction")]
    now, before, gap, _ = row("总体满意度（指数）")
    assert now.startswith(f"{change['after']:.1f}") and before.startswith(f"{change['before']:.1f}")
    assert float(gap) == pytest.approx(-change["estimate"], abs=0.051)
    page.get_by_role("button", name="互换").press("Space")
    assert float(row("总体满意度（指数）")[2]) == pytest.approx(change["estimate"], abs=0.051)
    page.locator("#period-a").select_option("2019Q4")
    assert page.locator("#told").inner_text() == "请选择不同的两个单位或两个期次。"


def test_every_link_leads_to_a_file(home: Page) -> None:
    links = home.page.eval_on_selector_all("a[href]", "all => all.map(a => a.href)")
    assert len(links) > 40
    for link in {urlsplit(a)._replace(fragment="").geturl() for a in links}:
        assert Path(unquote(urlsplit(link).path)).is_file(), link
    numbers = home.page.locator("#rows tr").first.locator("td a")
    assert numbers.count() >= 5 and numbers.first.inner_text()[0].isdigit()


def test_the_keyboard_reaches_everything_in_order_and_shows_where_it_is(home: Page) -> None:
    order = []
    for _ in range(60):
        home.page.keyboard.press("Tab")
        at = home.page.evaluate(FOCUS)
        if at["tag"] == "BODY":
            break
        assert at["outline"] and at["seen"], at
        order.append(at["id"] or at["text"])
    wanted = ["跳到正文", "filter", "group", "县区↕", "unit-a", "period-a", "unit-b", "period-b", "swap"]
    places = [next(i for i, name in enumerate(order) if name.startswith(w.removesuffix("↕"))) for w in wanted]
    assert places == sorted(places)


def test_the_english_index_speaks_english(context: Any, pages: Path) -> None:
    opened = Page(context, pages / "index.en.html")
    opened.page.get_by_label("Name, pinyin or initials").fill("wh")
    assert opened.rows() == ["五华区"]
    assert opened.page.locator("#shown").inner_text() == "1 of 3 shown"
    opened.page.get_by_role("button", name="Score").click()
    assert opened.page.locator("#shown").inner_text().endswith("sorted by Score [interval], ascending")
    opened.page.locator("#period-b").select_option("2019Q3")
    assert "figures can be compared" in opened.page.locator("#told").inner_text()
    assert opened.page.locator("#rows td a").first.get_attribute("href").endswith("/report.en.html")
    opened.quiet()
    opened.page.close()


# -- a report --------------------------------------------------------------------------------------------------


def test_collapsed_parts_open_by_keyboard_and_contents_jump(report: Page) -> None:
    parts = report.page.locator("details")
    assert parts.count() > 0
    for i in range(parts.count()):
        for key in ("Enter", "Space"):
            before = parts.nth(i).evaluate("d => d.open")
            parts.nth(i).locator("summary").press(key)
            assert parts.nth(i).evaluate("d => d.open") != before
    links = report.page.locator("nav.contents a")
    assert links.count() > 2
    last = links.nth(links.count() - 1)
    last.press("Enter")
    target = unquote(last.get_attribute("href"))
    place = report.page.locator(target)
    place.wait_for()
    report.page.wait_for_function(
        "t => document.querySelector(t).getBoundingClientRect().top < innerHeight", arg=target
    )
    assert unquote(urlsplit(report.page.url).fragment) == target[1:]


def test_on_paper_what_is_for_the_screen_is_left_out(report: Page) -> None:
    report.page.emulate_media(media="print")
    style = report.page.evaluate(
        """() => { const of = (s, p) => getComputedStyle(document.querySelector(s))[p];
        return [of("nav.contents", "display"), of(".skip", "display"), of(".scroll", "overflowX"), of("thead", "display"),
                of(".mark", "position"), of("tbody tr", "breakInside")]; }"""
    )
    assert style == ["none", "none", "visible", "table-header-group", "static", "avoid"]
    assert report.page.pdf()[:5] == b"%PDF-"


# -- both ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["index.html", "index.en.html", "五华区/report.html"])
def test_it_can_be_read_narrow_and_by_everybody(context: Any, pages: Path, name: str) -> None:
    opened = Page(context, pages / name)
    contrast = opened.page.evaluate(CONTRAST)
    assert contrast["n"] > 50 and not contrast["low"]
    assert not opened.page.evaluate(NAMELESS)
    assert opened.page.evaluate("[...document.images].every(i => i.alt)")
    opened.page.add_style_tag(content="h1{color:#8a8a8a!important;font-size:17px!important}")
    assert len(opened.page.evaluate(CONTRAST)["low"]) == 1  # the measure finds what is too pale
    opened.page.set_viewport_size({"width": 380, "height": 700})
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 380
    opened.quiet()
    opened.page.close()
