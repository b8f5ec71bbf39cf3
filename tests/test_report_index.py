"""The index page: numbers, order keys, links, and nothing that executes but its own script."""

import base64
import hashlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

import commlab as cl
from commlab.errors import ParameterError
from commlab.report import Cover, write_index
from commlab.report.chapters import Report
from commlab.report.compared import Compared, compared
from commlab.report.index_page import index_text
from commlab.report.wording import study_text
from commlab.text import SAMPLE_MARK

COVER = Cover("昆明市社区治理评价", "2019年第四季度", sample=True)
ROWS = pd.DataFrame(
    {
        "unit": ["昆明市", "五华区", "盘龙区", "<script>alert(1)</script>"],
        "score": [76.0, 81.25, np.nan, 60.0],
        "score_low": [75.0, 79.9, np.nan, np.nan],
        "score_high": [77.0, 82.7, np.nan, np.nan],
        "satisfied": [0.75, 0.804, np.nan, 0.5],
        "satisfied_low": [0.74, 0.78, np.nan, 0.4],
        "satisfied_high": [0.76, 0.83, np.nan, 0.6],
        "coverage": [1.0, 0.956, np.nan, 0.5],
        "rank": [np.nan, 1, np.nan, 2],
        "rank_low": [np.nan, 1, np.nan, 1],
        "rank_high": [np.nan, 2, np.nan, 2],
        "state": ["fresh", "fresh", "failed", "outstanding"],
        "why": ["", "", '盘龙区.xlsx [统计表] F12: "abc" <b>', "nothing sent"],
    }
)
LINKS = {u: {"HTML": f"{u}/report.html", "PDF": "a b/report.pdf"} for u in ("昆明市", "五华区", "盘龙区")}


def made(**options):
    given = {"cover": COVER, "links": LINKS, "city": "昆明市", **options}
    text = index_text(given.pop("rows", ROWS), **given)
    return text, BeautifulSoup(text, "html.parser")


def test_rows_print_their_numbers_and_carry_sorting_keys():
    _, soup = made(methods=[("权重", "methods/20-weights.html")], notes=["区间为95%。"])
    city, rows = soup.table.find_all("tbody")
    assert [tr["data-name"] for tr in city.find_all("tr")] == ["昆明市"]
    first = rows.find_all("tr")[0]
    told = [cell.get_text(" ", strip=True) for cell in first.find_all(["th", "td"])]
    assert told == [
        "五华区",
        "81.3 [79.9, 82.7]",
        "1 [1, 2]",
        "80.4% [78.0%, 83.0%]",
        "95.6%",
        "已更新",
        "HTML PDF",
    ]
    assert [td.get("data-key") for td in first.find_all("td")][:4] == ["81.25", "1.0", "0.804", "0.956"]
    failed = rows.find_all("tr")[1]
    assert [td.get("data-key") for td in failed.find_all("td")][:4] == [""] * 4
    assert "出错" in failed.get_text() and '"abc" <b>' in failed.get_text() and not failed.find("a")
    assert soup.nav.a["href"] == "methods/20-weights.html"
    assert "nan" not in soup.get_text().lower()


def test_it_works_offline_and_only_its_own_script_may_run():
    text, soup = made()
    script = soup.find_all("script")
    assert len(script) == 1
    digest = base64.b64encode(hashlib.sha256(script[0].string.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in text
    addresses = [a["href"] for a in soup.find_all("a")]
    assert "%E4%BA%94%E5%8D%8E%E5%8C%BA/report.html" in addresses and "a%20b/report.pdf" in addresses
    assert not re.findall(r"https?://", text)
    assert len(text.encode()) < 1_000_000
    assert soup.find("div", class_="mark").get_text().startswith(SAMPLE_MARK)


def test_it_can_be_sorted_by_keyboard_and_read_aloud():
    _, soup = made()
    heads = soup.thead.find_all("th")
    assert [th.get("aria-sort") for th in heads] == ["none"] * 6 + [None]
    assert all(th.button["type"] == "button" for th in heads[:6])
    assert soup.find("label")["for"] == soup.find("input")["id"] == "filter"
    assert soup.find("output")["aria-live"] == "polite"
    assert all(svg["aria-hidden"] == "true" for svg in soup.table.find_all("svg"))
    links = soup.find(id="rows").find_all("a", attrs={"aria-label": True})
    assert [a["aria-label"] for a in links] == ["五华区 HTML", "五华区 PDF"]


def test_numbers_lead_to_the_report_they_are_from():
    _, soup = made()
    first, failed, _ = soup.find(id="rows").find_all("tr")
    numbers = [a for a in first.find_all("a") if not a.get("aria-label")]
    assert [a.get_text() for a in numbers] == [
        "81.3 [79.9, 82.7]",
        "1 [1, 2]",
        "80.4% [78.0%, 83.0%]",
        "95.6%",
    ]
    assert {a["href"] for a in numbers} == {"%E4%BA%94%E5%8D%8E%E5%8C%BA/report.html"}
    assert not failed.find_all("a")


def test_units_can_be_filtered_by_group_and_state():
    _, soup = made(rows=ROWS.assign(group=["", "主城五区", "主城五区", "郊县"]))
    assert [o.get_text() for o in soup.find(id="group").find_all("option")] == ["全部", "主城五区", "郊县"]
    assert [o["value"] for o in soup.find(id="state").find_all("option")] == [
        "",
        "fresh",
        "failed",
        "outstanding",
    ]
    assert soup.find(id="rows").tr["data-spelled"] == "wu hua qu/ou"
    _, bare = made(rows=ROWS.assign(state="fresh"))
    assert not bare.find(id="group") and not bare.find(id="state")


FIGURES = Compared(
    pd.DataFrame(
        [
            ("2019Q4", "昆明市", "Ⅱ-1", 70.0, np.nan, np.nan, ""),
            ("2019Q4", "五华区", "Ⅱ-1", 72.5, np.nan, np.nan, ""),
            ("2019Q4", "盘龙区", "Ⅱ-1", 69.0, np.nan, np.nan, ""),
            ("2019Q4", "五华区", "satisfied", 0.804, 0.78, 0.83, ""),
            ("2019Q3", "五华区", "satisfied", np.nan, np.nan, np.nan, "*"),
            ("2019Q4", "盘龙区", "satisfied", np.nan, np.nan, np.nan, ""),
            ("2019Q4", "五华区", "rank", 1.0, 1.0, 2.0, ""),
        ],
        columns=["period", "unit", "measure", "value", "low", "high", "sign"],
    ),
    pd.DataFrame(
        [
            ("rank", "名次", "integer", "得分", False),
            ("Ⅱ-1", "Ⅱ-1 </script><b>", "number", "得分", True),
            ("satisfied", "满意率", "percent", "居民", False),
        ],
        columns=["measure", "label", "kind", "part", "profile"],
    ),
    {("2019Q3", "五华区"): "../2019Q3/五华区/report.html"},
)


def test_what_is_compared_is_what_is_printed():
    text, soup = made(figures=FIGURES, period="2019Q4")
    data = json.loads(soup.find(id="data").string)
    assert data["periods"] == [["2019Q4", "2019年第四季度"], ["2019Q3", "2019年第三季度"]]
    assert data["cells"]["2019Q4"]["五华区"] == {
        "Ⅱ-1": ["72.5", 72.5],
        "satisfied": ["80.4% [78.0%, 83.0%]", 0.804, 0.78, 0.83],
        "rank": ["1 [1, 2]", 1.0, 1.0, 2.0],
    }
    assert data["cells"]["2019Q3"]["五华区"] == {"satisfied": ["*"]}
    assert "satisfied" not in data["cells"]["2019Q4"]["盘龙区"]
    assert data["links"] == {"2019Q3": {"五华区": "../2019Q3/%E4%BA%94%E5%8D%8E%E5%8C%BA/report.html"}}
    assert data["measures"][1][1] == "Ⅱ-1 </script><b>" and "</script><b>" not in text
    assert soup.find(id="compare").has_attr("hidden")  # without the script there is nothing to choose from
    assert len(text.encode()) < 1_000_000


def test_a_drawing_says_what_it_shows():
    _, soup = made(figures=FIGURES, period="2019Q4")
    panels = soup.find(id="panels").find_all("li")
    assert [p["data-name"] for p in panels] == ["五华区", "盘龙区"]
    told = panels[0].svg["aria-label"]
    assert panels[0].svg["role"] == "img"
    assert (
        told
        == "五华区：1项指标中1项高于全市均值；最高Ⅱ-1 </script><b>（+2.5），最低Ⅱ-1 </script><b>（+2.5）。"
    )
    # One scale for all: the largest gap fills its half.
    heights = [float(p.rect["height"]) for p in panels]
    assert heights == [40.0, 16.0]


@pytest.mark.slow
def test_both_periods_are_whole_where_their_results_are_stored(tiny, tmp_path):
    root = tmp_path / "study"
    shutil.copytree(tiny, root, ignore=shutil.ignore_patterns("notebooks"))
    study = cl.open_study(root)
    report = Report(study, study.period("2019Q4"), study.config.city, study_text(study, "zh", "2019Q4"))
    short = compared(report)
    told = short.figures[short.figures["period"] == "2019Q3"].set_index(["unit", "measure"])
    change = study.period("2019Q4").change().set_index(["district", "item"])
    for key, row in change.iterrows():
        assert told.loc[key, "value"] == pytest.approx(row["before"], nan_ok=True)
    study.period("2019Q3").build()
    whole = compared(report)
    then = whole.figures[whole.figures["period"] == "2019Q3"].set_index(["unit", "measure"])
    ranks = study.period("2019Q3").ranks().set_index("unit")
    for unit in study.register.districts:
        assert then.loc[(unit, "score"), "value"] == ranks.loc[unit, "score"]
        assert then.loc[(unit, "Ⅱ-4"), "sign"] == ""
    assert set(whole.figures["unit"]) == {study.config.city, *study.register.districts}
    assert not whole.figures.duplicated(["period", "unit", "measure"]).any()
    withheld = whole.figures[whole.figures["sign"] != ""]
    assert withheld["value"].isna().all()
    assert list(short.measures["measure"]) == list(whole.measures["measure"])


def test_english_and_without_sample_or_city(tmp_path):
    path = write_index(tmp_path / "index.en.html", ROWS, cover=Cover("Kunming", language="en"), links={})
    soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    assert soup.html["lang"] == "en" and "up to date" in soup.get_text() and "已更新" not in soup.get_text()
    assert not soup.find("div", class_="mark") and len(soup.find(id="rows").find_all("tr")) == 4


def test_a_period_without_any_report_is_still_a_page():
    bare = ROWS.assign(state="outstanding")[["unit", "score", "satisfied", "coverage", "rank", "state"]]
    bare[["score", "satisfied", "coverage", "rank"]] = np.nan
    _, soup = made(rows=bare)
    assert not soup.find_all("svg") and soup.get_text().count("未报送") == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rows": ROWS.drop(columns=["rank"])}, "the index page needs the columns rank; it got unit, score"),
        (
            {"rows": ROWS.assign(state="old")},
            "no report has the state old; known: fresh, stale, failed, outstanding",
        ),
        ({"rows": pd.concat([ROWS, ROWS.tail(1)])}, "stands twice on the index page; one row a unit"),
        (
            {"links": {"五华区": {"HTML": "javascript:alert(1)"}}},
            "is not an address inside the reports folder",
        ),
        ({"links": {"五华区": {"HTML": "../../etc/passwd"}}}, "is not an address inside the reports folder"),
        ({"links": {"五华区": {"HTML": "//host/x"}}}, "is not an address inside the reports folder"),
        ({"methods": [("x", "https://example.org")]}, "is not an address inside the reports folder"),
    ],
)
def test_errors_say_what_to_do(options, message):
    with pytest.raises(ParameterError, match=re.escape(message)):
        made(**options)


def test_the_page_is_made_anew_where_an_earlier_period_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from types import SimpleNamespace

    from commlab import store
    from commlab.batch import states
    from commlab.report import overview

    made = []

    def page(period: object, rows: pd.DataFrame, path: Path, *, language: str) -> None:
        made.append(path)
        store.write_text(path, language)

    monkeypatch.setattr(overview, "index", page)
    study = SimpleNamespace(root=tmp_path, periods=("2019Q3", "2019Q4"))
    period, job = SimpleNamespace(study=study, name="2019Q4"), SimpleNamespace(language="zh", fingerprint="1")
    statuses = pd.DataFrame({"unit": ["五华区"], "state": ["fresh"], "seconds": [0.1]})
    reports, earlier = tmp_path / "reports", store.ProcessedFolder(tmp_path, "2019Q3")

    def again() -> int:
        index = states.index_page(period, [job], statuses, None)
        states.remember(reports / "2019Q4", statuses, index=index)
        return len(made)

    assert [again(), again()] == [1, 1]
    earlier.path.mkdir(parents=True)
    for count, name, value in (
        (2, "stage.json", {"key": "1"}),
        (3, "stage.json", {"key": "2"}),
        (4, "inputs.json", {"hashes": {"raw": "1"}}),
    ):
        store.write_json(earlier.path / name, value)
        assert [again(), again()] == [count, count]
    store.write_text(reports / "2019Q3" / "五华区" / "report.html", "")
    assert [again(), again()] == [5, 5]
