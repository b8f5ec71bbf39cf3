"""Workbooks: numbers are numbers, text is text, nothing executes, same bytes."""

import datetime as dt
import io
import re
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pytest

from commlab.errors import ParameterError
from commlab.report import Col, Cover, Sheet, write_workbook
from commlab.report.xlsx import workbook_bytes
from commlab.text import SAMPLE_MARK
from tests.report_samples import HOSTILE

COVER = Cover("五华区附表", "2019年第四季度", [("单位", "五华区")], sample=True)
TABLE = pd.DataFrame(
    {
        "unit": ["五华区", "=1+1", None],
        "score": [81.25, np.nan, np.inf],
        "share": [0.285, 1.0, None],
        "n": [1200, 3, 4],
        "on": pd.to_datetime(["2019-12-31", None, "2018-09-01"]),
        "p": [0.0004, 0.5, np.nan],
        "move": [0.031, -0.02, 0.0],
    }
)
COLUMNS = {
    "unit": Col("地区"),
    "score": Col("得分", "number"),
    "share": Col("满意率", "percent", group="居民"),
    "n": Col("样本", "integer"),
    "on": Col("日期", "date"),
    "p": Col("p", "p_value"),
    "move": Col("变化(百分点)", "points"),
}


def opened(*sheets, **options):
    return openpyxl.load_workbook(io.BytesIO(workbook_bytes(sheets, cover=COVER, **options)))


def test_a_sheet_has_title_header_values_and_formats():
    sheet = opened(Sheet("得分", TABLE, "指标得分", "各项得分。", COLUMNS))["得分"]
    assert sheet["A1"].value == f"指标得分　[{SAMPLE_MARK}]"
    assert [c.value for c in sheet[2]] == ["地区", "得分", "居民/满意率", "样本", "日期", "p", "变化(百分点)"]
    assert [c.value for c in sheet[3]] == [
        "五华区",
        81.25,
        0.285,
        1200,
        dt.datetime(2019, 12, 31),
        0.0004,
        3.1,
    ]
    assert [c.value for c in sheet[4]] == ["=1+1", None, 1, 3, None, 0.5, -2]
    assert [c.value for c in sheet[5]] == [None, "∞", None, 4, dt.datetime(2018, 9, 1), None, 0]
    assert [c.number_format for c in sheet[3]][1:4] == ["#,##0.0", "0.0%", "#,##0"]
    assert sheet.freeze_panes == "B3"
    assert sheet.print_title_rows == "$1:$2" and sheet.print_area == "'得分'!$A$1:$G$5"
    assert sheet.auto_filter.ref == "A2:G5"
    assert all(d.width >= 8 for d in sheet.column_dimensions.values())


def test_the_cover_explains_each_sheet():
    page = opened(Sheet("得分", TABLE, about="各项得分。"), Sheet("名单", TABLE.head(1)))["说明"]
    told = [[c.value for c in row if c.value is not None] for row in page.iter_rows()]
    assert told[0] == ["五华区附表"] and told[2][0].startswith(SAMPLE_MARK)
    assert told[-2:] == [["得分", "各项得分。", 3], ["名单", "名单", 1]]


def test_nothing_is_executed_and_no_text_is_lost():
    content = workbook_bytes([Sheet(h[:60], pd.DataFrame({h[:90]: HOSTILE})) for h in HOSTILE], cover=COVER)
    book = openpyxl.load_workbook(io.BytesIO(content))
    for sheet in book.worksheets:
        assert not [c for row in sheet.iter_rows() for c in row if c.data_type == "f" or c.hyperlink]
    cells = [c.value for c in book.worksheets[1]["A"]][2:]
    for cell, payload in zip(cells, HOSTILE, strict=True):
        assert cell == re.sub("[\x08\x0b\uffff]", "", payload)
    assert len(book.sheetnames) == len({n.casefold() for n in book.sheetnames}) == len(HOSTILE) + 1
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert not [n for n in archive.namelist() if "external" in n.lower() or "vba" in n.lower()]
        sheets = b"".join(archive.read(n) for n in archive.namelist() if "worksheets" in n)
    assert b"<f>" not in sheets and b"hyperlink" not in sheets


def test_what_looks_like_a_formula_stays_text_when_edited():
    sheet = opened(Sheet("a", pd.DataFrame({"x": ["=1+1", "-2", "正常", " ＝1"]})))["a"]
    assert [c.quotePrefix for c in sheet["A"][2:]] == [True, True, False, True]


def test_zones_and_booleans_are_written_too():
    odd = pd.DataFrame({"on": pd.to_datetime(["2020-01-01"], utc=True), "a": [True]})
    assert [c.value for c in opened(Sheet("a", odd))["a"][3]] == [dt.datetime(2020, 1, 1), "是"]


def test_long_text_gets_the_lines_it_needs():
    sheet = opened(Sheet("a", pd.DataFrame({"x": ["短", "很长的说明文字。" * 20]})))["a"]
    assert sheet.row_dimensions[4].height > 3 * 15


@pytest.mark.parametrize("table", [TABLE.iloc[:0], pd.DataFrame({"a": []}), pd.DataFrame()])
def test_empty_tables_are_sheets_too(table):
    assert opened(Sheet("空", table))["空"]["A1"].value.startswith("空")


def test_same_input_same_bytes_and_english(tmp_path):
    sheets = [Sheet("a", TABLE, columns=COLUMNS)]
    path = write_workbook(
        tmp_path / "附 表" / "appendix.xlsx", sheets, cover=COVER, language="en", sample=False
    )
    assert path.read_bytes() == workbook_bytes(sheets, cover=COVER, language="en", sample=False)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Cover", "a"] and book["a"]["A1"].value == "a"
    assert book.properties.created == dt.datetime(2000, 1, 1)


@pytest.mark.parametrize(
    ("sheets", "message"),
    [
        ([], "a workbook needs at least one sheet"),
        ([Sheet("a", TABLE, columns={"no": Col("x")})], "sheet 'a': its table has no column no"),
    ],
)
def test_errors_say_what_to_do(sheets, message):
    with pytest.raises(ParameterError, match=re.escape(message)):
        workbook_bytes(sheets, cover=COVER)
