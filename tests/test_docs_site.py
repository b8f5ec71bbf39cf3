"""The handbook: it builds, stays on its own, has no dead link; its tutorial and its errors are those of the code."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from openpyxl import Workbook, load_workbook

import commlab as cl
from commlab import batch, cli

BLOCK = re.compile(r"^```\w* ?(?:title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^```$", flags=re.S | re.M)
PERIOD = "2026Q4"


# ------------------------------------------------------------------------------------------------- the site
@pytest.fixture(scope="module")
def site(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("handbook") / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(target)]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, BeautifulSoup]:
    return {
        p.resolve(): BeautifulSoup(p.read_text(encoding="utf-8"), "html.parser") for p in site.rglob("*.html")
    }


def _targets(page: BeautifulSoup) -> set[str]:
    return {
        str(tag[key])
        for tag in page.find_all(True)
        for key in ("href", "src", "srcset", "action", "data", "poster")
        if tag.get(key)
    }


def test_no_page_loads_or_links_anything_outside(site: Path, pages: dict[Path, BeautifulSoup]) -> None:
    assert len(pages) > 25
    outside = {
        (path.name, t)
        for path, page in pages.items()
        for t in _targets(page)
        if re.match(r"(?i)(?:[a-z][a-z0-9+.-]*:|//)", t)
    }
    assert not outside
    for sheet in site.rglob("*.css"):
        found = re.findall(r"url\(\s*[\"']?((?:https?:)?//[^)]*)", sheet.read_text(encoding="utf-8"))
        assert not found, (sheet.name, found)


def test_no_link_is_dead_and_every_page_can_be_reached(site: Path, pages: dict[Path, BeautifulSoup]) -> None:
    ids = {path: {str(t["id"]) for t in page.find_all(id=True)} for path, page in pages.items()}
    dead, linked = [], set()
    for path, page in pages.items():
        for target in _targets(page):
            name, _, anchor = unquote(target).partition("#")
            goal = (path.parent / name).resolve() if name else path
            if path.name == "404.html":
                continue
            if goal.is_dir():
                goal /= "index.html"
            linked.add(goal)
            if not goal.is_file() or (anchor and goal in ids and anchor not in ids[goal]):
                dead.append((path.relative_to(site).as_posix(), target))
    assert not dead
    assert {p.name for p in set(pages) - linked} <= {"404.html"}


def test_the_glossary_has_the_chinese_that_reports_print(site: Path) -> None:
    text = (site / "glossary.html").read_text(encoding="utf-8")
    assert (
        "<td>Coverage</td>\n<td>覆盖率</td>" in text and "<td>cleaning ledger</td>\n<td>清洗台账</td>" in text
    )


def test_the_api_pages_document_what_the_packages_export(site: Path) -> None:
    for package in ("framework", "intake", "survey", "weights", "scoring", "figures", "study"):
        text = (site / f"api/{package}.html").read_text(encoding="utf-8")
        known = importlib.import_module(f"commlab.{package}").__all__
        lacking = [name for name in known if not re.search(rf'id="commlab\.{package}(\.\w+)*\.{name}"', text)]
        assert not lacking, (package, lacking)


def test_errors_in_the_handbook_are_messages_of_the_code(repository: Path) -> None:
    messages = []
    for path in (repository / "commlab").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [v.value if isinstance(v, ast.Constant) else "…" for v in node.values]
                messages.append("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                messages.append(node.value)
    known = "\n".join(messages)
    faq = (repository / "docs/faq.md").read_text(encoding="utf-8")
    quoted = re.findall(r"^\*\*`(.+)`\*\*$", faq, flags=re.M)
    assert len(quoted) > 15
    strange = [
        (message, piece)
        for message in quoted
        for piece in re.split(r"…|; …", message)
        if piece.strip(" :;") and piece.strip() not in known
    ]
    assert not strange


def test_the_chinese_tutorial_ends_with_what_check_says(repository: Path) -> None:
    tutorial = (repository / "docs/tutorial.zh.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| ([^|`-][^|]*) \|", tutorial.split("| `check` 说 |")[1], flags=re.M)
    known = (repository / "commlab/locale/zh.po").read_text(encoding="utf-8")
    assert len(told) > 7 and not [message for message in told if message not in known]


# --------------------------------------------------------------------------------------------- the tutorial
def _blocks(page: Path) -> list[tuple[str, str]]:
    return [(m["title"] or "", m["text"]) for m in BLOCK.finditer(page.read_text(encoding="utf-8"))]


def test_both_tutorials_have_the_same_blocks(repository: Path) -> None:
    english, chinese = (_blocks(repository / f"docs/{name}.md") for name in ("tutorial", "tutorial.zh"))
    assert english == chinese and len(english) == 9


def _spreadsheet(path: Path) -> None:
    """What an office sends: title, merged header in two rows, units in cells, subtotals, a note."""
    book = Workbook()
    sheet = book.active
    rows = [
        ["云溪市2026年第四季度社区治理情况汇总表"],
        ["序号", "区", "社区", "家庭户数", "社会组织", "", "矛盾纠纷", "", "备注"],
        ["", "", "", "", "已登记(个)", "已备案(个)", "受理(件)", "办结(件)", ""],
        [1, "河东区", "和平社区居委会", "1,850户", 3, 4, 22, 21, ""],
        [2, "", "东风 社区", 2310, 2, 6, "约30", 28, "9月合并"],
        [3, "", "新华社区", 1540, 1, 3, 14, 14, ""],
        ["", "", "小计", 5700, 6, 13, 66, 63, ""],
        [4, "河西区", "人民社区", 2105, 4, 5, 33, 29, ""],
        [5, "", "团结社区（筹）", 980, 0, "—", 8, 8, "无备案"],
        [6, "", "建设社区", 1675, 2, 4, 19, 18, ""],
        ["", "", "小计", 4760, 6, 9, 60, 55, ""],
        ["合计", "", "", 10460, 12, 22, 126, 118, ""],
        ["注：社会组织含已登记和备案。"],
    ]
    for row in rows:
        sheet.append(row)
    for merged in ("A1:I1", "A2:A3", "B2:B3", "C2:C3", "D2:D3", "E2:F2", "G2:H2", "I2:I3", "B4:B7", "B8:B11"):
        sheet.merge_cells(merged)
    book.save(path)


def _export(path: Path) -> None:
    """What 问卷星 exports by text, with two people who answered twice."""
    n, words = 260, ["非常满意", "满意", "一般", "不满意", "非常不满意", "说不清"]
    rows = {
        "序号": range(1, n + 1),
        "提交答卷时间": [f"2026/11/{i % 28 + 1} {9 + i % 9}:{i % 60:02d}:07" for i in range(n)],
        "所用时间": [f"{70 + i * 7 % 200}秒" for i in range(n)],
        "来源": ["手机提交"] * n,
        "来源详情": ["N/A"] * n,
        "来自IP": [f"10.1.{i // 250}.{i % 250}(云南-云溪)" for i in range(n)],
        "1、您居住在哪个区 ": [("河东区", "河西区")[i * i % 5 % 2] for i in range(n)],
        "2、您的性别 ": [("男", "女")[i * 3 % 7 % 2] for i in range(n)],
        "3、您的年龄 ": [("18-39岁", "40-59岁", "60岁及以上")[i % 3] for i in range(n)],
        "4、您对社区办事服务是否满意": [words[i * i % 11 % 6] for i in range(n)],
        "5、您对小区环境卫生是否满意": [words[i * 5 % 13 % 6] for i in range(n)],
        "6、总的来说，您对社区工作是否满意": [words[i * 7 % 17 % 6] for i in range(n)],
        "7、您的建议": [f"第{i}条：路灯再亮些" if i % 9 == 0 else "" for i in range(n)],
    }
    pd.DataFrame(rows).to_excel(path, index=False)


def test_a_newcomer_who_follows_the_tutorial_gets_a_report(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMMLAB_KEY", "of the test")
    monkeypatch.chdir(tmp_path)
    commands = [
        c for title, text in _blocks(repository / "docs/tutorial.md") if not title for c in text.split("\n")
    ]
    blocks = {title: text for title, text in _blocks(repository / "docs/tutorial.md") if title}
    done = iter(c.split()[1:] for c in commands if c.startswith("commlab "))
    root, raw = tmp_path / "yunxi", tmp_path / "yunxi/data/raw" / PERIOD
    assert cli.main(next(done)) == 0
    monkeypatch.chdir(root)
    assert cli.main(next(done)) == 1, "nothing has been sent"

    settings = (root / "study.yaml").read_text(encoding="utf-8")
    settings = settings[: settings.index("inputs:")].replace("city: 示例市", "city: 云溪市") + blocks.pop(
        "study.yaml: inputs"
    )
    (root / "study.yaml").write_text(settings, encoding="utf-8")
    (root / "data/register/codebooks/resident.yaml").unlink()
    _spreadsheet(raw / "社区治理汇总(最终版2).xlsx")
    (raw / "居民问卷").mkdir()
    _export(raw / "居民问卷/导出.xlsx")
    for title in ("data/register/units.csv", "data/register/survey_frame.csv", "framework.yaml"):
        (root / title).write_text(blocks.pop(title), encoding="utf-8")
    assert cli.main(next(done)) == 0
    draft = (root / "data/register/codebooks/resident.yaml").read_text(encoding="utf-8")
    assert "instrument: resident\n" in draft and "q4:" in draft and "路灯" not in draft
    ((title, text),) = blocks.items()
    (root / title).write_text(text, encoding="utf-8")

    for form in (root / "forms").rglob("*.xlsx"):
        form.unlink()
    assert cli.main(next(done)) == 0
    form = root / f"forms/{PERIOD}/专家评分/（姓名）.xlsx"
    book = load_workbook(form)
    rows = [row for row in book.worksheets[0].iter_rows(min_row=3) if row[0].value]
    assert [(r[0].value, r[1].value) for r in rows] == [("河东区", "A2.2"), ("河西区", "A2.2")]
    for k, row in enumerate(rows):
        row[3].value = 80 + 5 * k
    (raw / "专家评分").mkdir()
    book.save(raw / "专家评分/王老师.xlsx")

    capsys.readouterr()
    assert cli.main(next(done)) == 0, capsys.readouterr().out
    told = capsys.readouterr().out
    assert "约30" in told and "社会组织/已登记(个)" in told and "错误0" in told
    period = cl.open_study(root).period()
    result = batch.run(period, units=["河东区"], formats=("html",), workers=1)
    assert result.exit_code == 0
    total = period.scores().query("code == 'total'").set_index("unit")
    assert total["score"].notna().all() and list(total.index) == ["河东区", "河西区"]
    assert len(period.responses) == 260 and (period.satisfaction(by="district")["n"] > 100).any()
    assert "社区治理汇总" in str(period.trace("河东区", "A2.1"))
