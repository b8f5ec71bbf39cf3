"""The index page: numbers, order keys, links, and nothing that executes but its own script."""

import base64
import hashlib
import re

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from commlab.errors import ParameterError
from commlab.report import Cover, write_index
from commlab.report.index_page import index_text
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
    assert all(svg["aria-hidden"] == "true" for svg in soup.find_all("svg"))
    links = soup.find(id="rows").find_all("a")
    assert [a["aria-label"] for a in links] == ["五华区 HTML", "五华区 PDF"]


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
