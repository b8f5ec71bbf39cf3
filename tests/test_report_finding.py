"""What a finding prints, and what it refuses."""

import re

import numpy as np
import pandas as pd
import pytest

from commlab.errors import ParameterError
from commlab.figures import Figure
from commlab.report import Bullets, Col, Cover, Finding, Paragraph, Section
from commlab.report.finding import MIME, MOST_CHARACTERS, blocks

TABLE = pd.DataFrame(
    {
        "unit": ["五华区", "<b>盘龙区</b>", None],
        "score": [81.25, np.nan, -0.01],
        "share": [0.285, 1.0, np.nan],
        "rank": [1, 2, 3],
        "on": pd.to_datetime(["2019-12-31", None, "2018-09-01"]),
        "p": [0.0004, 0.5, np.nan],
        "total": [False, False, True],
    }
)
COLUMNS = {
    "unit": Col("地区"),
    "score": Col("得分", "number", group="本区"),
    "share": Col("满意率", "percent", digits=0, group="本区"),
    "rank": Col("排名", "integer", align="center"),
    "on": Col("日期", "date"),
    "p": Col("p", "p_value"),
}
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20


def finding(**more):
    return Finding(TABLE, "一句话。", title="得分", columns=COLUMNS, **more)


def only(item):
    return [block for block, _ in blocks(item)]


def test_cells_are_printed_by_their_column():
    text, table = only(finding(strong="total", notes=["注", " "]))
    assert text == {"type": "paragraph", "text": "一句话。", "role": ""}
    assert table["rows"] == [
        ["五华区", "81.3", "29%", "1", "2019年12月31日", "<0.001"],
        ["<b>盘龙区</b>", "—", "100%", "2", "—", "0.500"],
        ["—", "0.0", "—", "3", "2018年9月1日", "—"],
    ]
    assert [c["align"] for c in table["columns"]] == ["left", "right", "right", "center", "left", "right"]
    assert [c["group"] for c in table["columns"]] == ["", "本区", "本区", "", "", ""]
    assert table["strong"] == [2] and table["notes"] == ["注"]


def test_other_values_are_printed_in_words():
    odd = pd.DataFrame({"a": [True, (1, 2), b"x", float("inf")]}, dtype=object)
    assert only(Finding(odd, "x"))[1]["rows"] == [["是"], ["(1, 2)"], ["b'x'"], ["inf"]]


def test_columns_follow_their_type_where_nobody_says():
    table = only(Finding(TABLE[["unit", "score", "rank", "on"]], "x", language="en"))[1]
    assert table["rows"][0] == ["五华区", "81.3", "1", "31 December 2019"]


def test_a_named_index_is_printed_as_the_first_column():
    by_unit = TABLE.head(1).set_index("unit")[["score"]]
    assert only(Finding(by_unit, "x"))[1]["rows"] == [["五华区", "81.3"]]
    assert only(Finding(by_unit, "x", columns={"unit": Col("地区")}))[1]["rows"] == [["五华区"]]


def test_an_empty_table_leaves_only_its_sentence():
    assert [b["type"] for b in only(Finding(TABLE.iloc[:0], "没有数据。"))] == ["paragraph"]
    assert [b["type"] for b in only(finding(show_table=False))] == ["paragraph"]


def test_a_figure_comes_with_its_picture_and_alternative_text():
    shown = list(blocks(finding(figure=Figure(PNG, "五华区 81.3", 100, 50, "scores"), figure_title="得分图")))
    block, png = shown[-1]
    assert png == PNG
    assert block == {
        "type": "figure",
        "title": "得分图",
        "alt": "五华区 81.3",
        "width_mm": 100,
        "height_mm": 50,
        "name": "scores",
    }


def test_sections_nest_and_skip_what_is_empty():
    section = Section(
        "方法",
        1,
        ["第一段。\n\n第二段。", Bullets([" ", "一"]), Bullets([]), Section("样本", 2, [finding()])],
    )
    assert [b["type"] for b in only(section)] == [
        "heading",
        "paragraph",
        "paragraph",
        "list",
        "heading",
        "paragraph",
        "table",
    ]


def test_a_long_cell_is_cut():
    table = only(Finding(pd.DataFrame({"a": ["楼" * 40_000]}), "x"))[1]
    assert table["rows"] == [["楼" * MOST_CHARACTERS + "…"]]


def test_a_notebook_shows_data_and_escaped_html(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    section = Section(
        "<i>得分</i>", 1, [finding(figure=Figure(PNG, "alt", 100, 50)), Bullets(["<u>"], ordered=True)]
    )
    Cover("<b>", facts=[("a", "<b>")])._ipython_display_()
    section._ipython_display_()
    assert [data[MIME]["type"] for data in shown] == [
        "cover",
        "heading",
        "paragraph",
        "table",
        "figure",
        "list",
    ]
    eye = "".join(data.get("text/html", "") for data in shown)
    assert "&lt;b&gt;盘龙区&lt;/b&gt;" in eye and not re.search("<[bui]>", eye)
    assert shown[4]["image/png"].startswith("iVBORw0KGgo")
    assert all(data["text/plain"] for data in shown)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Finding([1], "x"), "a finding needs a DataFrame, not list"),
        (lambda: Finding(TABLE, None, title="得分"), "finding '得分' says nothing; compute its sentence"),
        (
            lambda: Finding(TABLE, "x", "x.png", title="得分"),
            "its figure is a str; use a function of commlab.figures",
        ),
        (lambda: Finding(TABLE, " ", title="得分"), "finding '得分' says nothing; compute its sentence"),
        (
            lambda: Finding(TABLE, "x", columns={"no": Col("a")}),
            "its table has no column no; it has unit, score",
        ),
        (lambda: Finding(TABLE, "x", strong="no"), "its table has no column no"),
        (lambda: Finding(TABLE[["unit", "unit"]], "x", title="t"), "finding 't': its table has unit twice"),
        (lambda: Finding(TABLE, "x", columns={}), "prints no column; name them, or set show_table=False"),
        (lambda: Col("得分", "procent"), "column '得分' has the format 'procent'; known: text, label, date"),
        (lambda: Col("得分", align="top"), "is aligned 'top'; known: left, center, right"),
        (lambda: Section(" "), "a section needs a title"),
        (lambda: Section("x", 4), "has level 4; headings have level 1, 2 or 3"),
        (lambda: Cover(""), "a document needs a title"),
        (lambda: Cover("x", language="fr"), "no language is called 'fr'"),
        (
            lambda: list(blocks(Section("x", 1, [TABLE]))),
            "a section cannot print a DataFrame; use text, Finding",
        ),
        (
            lambda: list(blocks(Finding(TABLE, "x", columns={"unit": Col("a", "number")}))),
            "'五华区' is not a number",
        ),
    ],
)
def test_errors_say_what_to_do(call, message):
    with pytest.raises(ParameterError, match=re.escape(message)):
        call()


def test_roles():
    assert only(Paragraph("x", "lead")) == [{"type": "paragraph", "text": "x", "role": "lead"}]
