"""The same workbook in every format, and files that mean harm: what comes out, what is refused.

``data/office.xls`` and ``data/office.ods`` are ``ROWS`` written by ``messy.write`` and converted by LibreOffice
(``soffice --headless --convert-to xls``), so that .xls and .ods are read as office programs write them.
"""

from __future__ import annotations

import datetime as dt
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from messy import write, write_ods, write_text

from commlab.errors import DataError
from commlab.intake.encoding import decode
from commlab.intake.sheets import open_sheets
from commlab.intake.table import RawTable, read_table, read_tables

DATA = Path(__file__).parent / "data"
ROWS = [
    ["附件3"],
    ["五华区2019年第四季度社区统计表"],
    ["填报单位(公章):五华区民政局", None, None, None, "填报时间:2019年12月30日"],
    ["街道", "社区", "基本情况", None, "经费(万元)", None, None, "办结率(%)", "成立日期", "社区代码"],
    [None, None, "户数(户)", "人口(人)", "小计", "其中", None, None, None, None],
    [None, None, None, None, None, "财政", "自筹", None, None, None],
    ["华山街道", "翠湖社区", 1200, 3000, 8, 5, 3, ("0%", 0.95), dt.datetime(2018, 9, 1), "530102001001"],
    [None, "北门社区", 800, "约2000", 7.5, 7, 0.5, ("0%", 0.85), dt.datetime(2017, 3, 1), "530102001002"],
    [None, "合计坊社区", 100, "5-9", "#DIV/0!", 1, 1, 90, 43738, "530102001003"],
    ["大观街道", "大观社区", 50, "—", 1, 1, 0, ("0.0%", 0.5), dt.datetime(2019, 1, 1), "530102002001"],
    ["合计", None, 2150, None, None, 14, 4.5, None, None, None],
    ["注:户数含租户"],
]
MERGES = ["A1:J1", "A2:J2", "A4:A6", "B4:B6", "C4:D4", "C5:C6", "D5:D6", "E4:G4", "E5:E6", "F5:G5"]
MERGES += ["H4:H6", "I4:I6", "J4:J6", "A7:A9", "A11:B11"]


def office(path: Path) -> Path:
    return write(path, ROWS, MERGES, hidden=[8])


def lost(table: RawTable) -> int:
    rows = table.ledger[table.ledger["action"].isin(["recognised", "rejected"])]
    return table.rows_read - table.rows.nunique() - int(rows["n"].sum())


@pytest.mark.parametrize("suffix", [".xls", ".ods"])
def test_every_format_of_a_workbook_reads_alike(tmp_path, suffix):
    table = read_table(office(tmp_path / "a.xlsx"), name="a")
    other = read_table(DATA / f"office{suffix}", name="a")
    pd.testing.assert_frame_equal(other.frame, table.frame)
    pd.testing.assert_frame_equal(other.totals, table.totals)
    pd.testing.assert_frame_equal(other.ledger, table.ledger)
    assert other.notes == table.notes and other.source.tolist() == table.source.tolist()
    assert lost(table) == lost(other) == 0


def test_what_the_workbook_says(tmp_path):
    table = read_table(office(tmp_path / "a.xlsm"))
    frame = table.frame
    assert list(frame.columns) == [
        "街道",
        "社区",
        "基本情况/户数(户)",
        "基本情况/人口(人)",
        "经费(元)/小计",
        "经费(元)/其中/财政",
        "经费(元)/其中/自筹",
        "办结率(%)",
        "成立日期",
        "社区代码",
    ]
    assert frame["街道"].tolist() == ["华山街道"] * 3 + ["大观街道"]
    assert frame["经费(元)/其中/自筹"].tolist() == [30000.0, 5000.0, 10000.0, 0.0]
    assert frame["办结率(%)"].tolist() == [0.95, 0.85, 0.9, 0.5]
    assert frame["成立日期"].tolist()[2] == pd.Timestamp(2019, 9, 30)
    assert frame["社区代码"].tolist()[0] == "530102001001"
    assert frame.iloc[:, 3:5].isna().to_numpy().tolist() == [[False, False]] * 2 + [
        [True, True],
        [True, False],
    ]
    found = table.ledger.set_index("rule")
    assert found.loc["error", "first_cells"] == "E9" and found.loc["hidden_rows", "first_cells"] == "8:8"
    assert not (table.ledger["severity"] == "error").any()


def test_hidden_columns_are_read_and_told(tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    for row in (["社区", "户数", "人口"], ["甲社区", 1, 2], ["乙社区", 2, 3]):
        book.active.append(row)
    book.active.column_dimensions["B"].hidden = True
    book.save(tmp_path / "a.xlsx")
    table = read_table(tmp_path / "a.xlsx")
    assert table.frame["户数"].tolist() == [1.0, 2.0]
    assert table.ledger.loc[table.ledger["rule"] == "hidden_columns", "first_cells"].tolist() == ["B:B"]


def test_sav_keeps_what_is_declared_missing_apart(tmp_path):
    import pyreadstat

    frame = pd.DataFrame({"q1": [1.0, 2.0, 9.0, 98.0], "day": pd.to_datetime(["2019-09-30"] * 3 + [None])})
    pyreadstat.write_sav(
        frame,
        str(tmp_path / "a.sav"),
        variable_value_labels={"q1": {1: "男", 9: "拒答"}},
        missing_ranges={"q1": [9, {"lo": 97, "hi": 99}]},
    )
    table = read_table(tmp_path / "a.sav")
    assert table.frame["q1"].isna().tolist() == [False, False, True, True]
    assert table.frame["day"].tolist()[0] == pd.Timestamp(2019, 9, 30)
    told = table.ledger[table.ledger["rule"] == "declared_missing"]
    assert told["first_cells"].tolist() == ["A4", "A5"] and "9 (拒答)" in told["message"].iloc[0]
    assert lost(table) == 0


# ---------------------------------------------------------------------------------------------------- texts

TEXT = "社区名称,户数\n翠湖社区,1200\n北门社区,800\n" * 5


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (TEXT.encode(), "utf-8"),
        (TEXT.encode("gb18030"), "gb18030"),
        ("社区,𠮷𠮷\n".encode("gb18030"), "gb18030"),
        (("1,a\n" * 99 + "2,合计\n").encode("gb18030"), "gb18030"),
        ("name;café\nJosé;Müller – 5 €\n".encode("cp1252"), "cp1252"),
        ("ÄÖÜ ÄÖ,É\nö,ÉÊ,Ü\n".encode("cp1252"), "cp1252"),
    ],
)
def test_encodings_are_told_apart(data, encoding):
    assert decode(data)[1] == encoding


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize("spoil", [lambda d: d[:-1], lambda d: d[:25] + b"\xff" + d[25:]])
def test_spoilt_texts_are_refused_not_garbled(encoding, spoil):
    with pytest.raises(DataError, match=r"spoilt or cut off"):
        decode(spoil((TEXT + "北门").encode(encoding)), file="a.csv")


# --------------------------------------------------------------------------------------------- files that harm


def _changed(source: Path, target: Path, part: str, change) -> Path:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            data = old.read(info)
            new.writestr(info.filename, change(data) if info.filename == part else data)
    return target


def _doctype(tag: bytes):
    told = b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]>'
    return lambda xml: xml.replace(tag, told + tag, 1).replace(b">1<", b">&f;<")


PLAIN = [["社区", "户数"], ["甲社区", 1], ["乙社区", 2]]
CELL = b'<table:table-cell office:value-type="float" office:value="1"/>'
FAR = (
    b'<table:table-row table:number-rows-repeated="%d"><table:table-cell table:number-columns-repeated="%d"/>'
    + CELL
)


def _ods(tmp_path: Path, change) -> Path:
    return _changed(write_ods(tmp_path / "b.ods", PLAIN), tmp_path / "a.ods", "content.xml", change)


def _locked_xls(path: Path) -> Path:
    """The record behind the workbook's first becomes FILEPASS, as in an encrypted one."""
    data = bytearray((DATA / "office.xls").read_bytes())
    at = data.index(b"\x09\x08\x10\x00\x00\x06\x05\x00") + 20
    data[at : at + 2] = b"\x2f\x00"
    path.write_bytes(bytes(data))
    return path


HARM = {
    "xlsx that names a file": (
        lambda p: _changed(write(p / "b.xlsx", PLAIN), p / "a.xlsx", "xl/worksheets/sheet1.xml", _doctype(b"<worksheet")),
        "declares a document type",
    ),
    "ods that names a file": (lambda p: _ods(p, _doctype(b"<office:document-content")), "declares a document type"),
    "ods with a far cell": (
        lambda p: _ods(p, lambda d: d.replace(b"</table:table>", FAR % (1, 16_000) + b"</table:table-row>" + FAR % (999, 0) + b"</table:table-row></table:table>")),
        "1,003 rows and 16,001 columns",
    ),
    "ods of endless rows": (
        lambda p: _ods(p, lambda d: d.replace(b"</table:table>", FAR % (10**12, 1) + b"</table:table-row></table:table>")),
        "at most 6,000,000 cells",
    ),
    "ods with a password": (
        lambda p: _changed(
            write_ods(p / "b.ods", PLAIN), p / "a.ods", "META-INF/manifest.xml",
            lambda d: d.replace(b"/>", b"><manifest:encryption-data/></manifest:manifest>"),
        ),
        "password",
    ),
    "xls with a password": (lambda p: _locked_xls(p / "a.xls"), "password"),
    "csv wider than a sheet": (lambda p: write_text(p / "a.csv", [["x"] * 17_000, ["1"] * 17_000]), "17,000 columns"),
    "csv of endless tables": (
        lambda p: write_text(p / "a.csv", [row for i in range(300) for row in ([f"a{i}", f"b{i}"], ["x", 1], [])]),
        "seems to hold 300 tables",
    ),
    "folder": (lambda p: (p / "a.xlsx").mkdir() or p / "a.xlsx", "no ordinary file"),
}  # fmt: skip


@pytest.mark.parametrize("case", HARM)
def test_files_that_harm_are_refused(tmp_path, case):
    make, message = HARM[case]
    path = make(tmp_path)
    with pytest.raises(DataError, match=message) as caught:
        read_table(path)
    assert path.name in str(caught.value)


def test_a_sheet_of_two_gigabytes_is_refused_unopened(tmp_path):
    path = write(tmp_path / "b.xlsx", PLAIN)
    block = b"<row><c><v>1</v></c></row>" * 40_000
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/worksheets/sheet9.xml", "w") as part,
    ):
        for _ in range(50):
            part.write(block)
    with pytest.raises(DataError, match=r"zip bomb"):
        read_table(path)
    sparse = tmp_path / "a.csv"
    with sparse.open("wb") as stream:
        stream.truncate(2 << 30)
    with pytest.raises(DataError, match=r"2048 MB"):
        read_table(sparse)


def test_links_and_formulas_are_neither_followed_nor_executed(tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["社区", "户数", "链接"])
    book.active.append(["甲社区", 1, '=HYPERLINK("http://192.0.2.1/x","点")'])
    book.active.append(["乙社区", 2, "='http://192.0.2.1/[a.xlsx]S'!A1"])
    book.active["A2"].hyperlink = "http://192.0.2.1/"
    book.save(tmp_path / "a.xlsx")
    table = read_table(tmp_path / "a.xlsx")
    assert table.frame["社区"].tolist() == ["甲社区", "乙社区"] and table.frame["链接"].isna().all()
    text = read_table(
        write_text(tmp_path / "a.csv", [["社区", "户数"], ["=cmd|' /C calc'!A0", 1], ["@SUM(1)", 2]])
    )
    assert text.frame["社区"].tolist() == ["=cmd|' /C calc'!A0", "@SUM(1)"]


@pytest.mark.parametrize("suffix", [".xls", ".ods"])
def test_damaged_workbooks_are_refused_or_read_never_crash(tmp_path, suffix):
    whole = (DATA / f"office{suffix}").read_bytes()
    rng = np.random.default_rng(7)
    path = tmp_path / f"b{suffix}"
    for k in range(60):
        data = bytearray(whole)
        for at in rng.integers(0, len(data), size=1 + k % 20):
            data[at] = rng.integers(256)
        path.write_bytes(bytes(data[: len(data) if k % 3 else int(rng.integers(1, len(data)))]))
        try:
            assert all(lost(table) == 0 for table in read_tables(path).values())
        except DataError as error:
            assert path.name in str(error)


def test_a_damaged_sav_never_takes_the_process_down(tmp_path):
    import pyreadstat

    frame = pd.DataFrame({"q1": [1.0, 2.0], "name": ["甲", "乙"], "day": pd.to_datetime(["2019-09-30"] * 2)})
    path = tmp_path / "a.sav"
    pyreadstat.write_sav(frame, str(path), variable_value_labels={"q1": {1: "男"}})
    whole = path.read_bytes()
    rng = np.random.default_rng(3)
    for k in range(40):
        data = bytearray(whole)
        for at in rng.integers(0, len(data), size=1 + k % 10):
            data[at] = rng.integers(256)
        path.write_bytes(bytes(data))
        try:
            read_table(path)
        except DataError as error:
            assert "a.sav" in str(error)


def test_repeated_rows_of_an_ods_stand_where_they_are(tmp_path):
    row = b"<table:table-row%s>" + CELL.replace(b'office:value="1"', b'office:value="0.5"').replace(
        b"float", b"percentage"
    )
    rows = row % b' table:number-rows-repeated="2" table:visibility="collapse"' + b"</table:table-row>"
    (sheet,) = open_sheets(_ods(tmp_path, lambda d: d.replace(b"</table:table>", rows + b"</table:table>")))
    assert [line[0] for line in sheet.rows] == ["社区", "甲社区", "乙社区", 0.5, 0.5]
    assert sheet.hidden_rows == {3, 4} and sheet.percents == {(3, 0), (4, 0)}
