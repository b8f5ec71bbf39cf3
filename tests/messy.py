"""Workbooks as offices make them: ``write`` a given one, ``messy`` a random one with its truth."""

from __future__ import annotations

import csv
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Rows = Sequence[Sequence[Any]]


def write(
    path: Path, sheets: Mapping[str, Rows] | Rows, merges: Sequence[str] = (), *, hidden: Sequence[int] = ()
) -> Path:
    """Write an .xlsx: rows per sheet (or of one sheet), merged ranges and hidden rows (1-based) of the first.

    Values: None is blank, a text starting with ``=`` a formula with the result 0, ``#DIV/0!`` an error,
    ("0%", 0.5) a number with its format.
    """
    import xlsxwriter

    book = xlsxwriter.Workbook(str(path))
    if not isinstance(sheets, Mapping):
        sheets = {"统计表": sheets}
    for k, (name, rows) in enumerate(sheets.items()):
        sheet = book.add_worksheet(name)
        first: dict[tuple[int, int], Any] = {}
        for r, row in enumerate(rows):
            for c, value in enumerate(row):
                if value is not None:
                    first[r, c] = value
        if k == 0:
            for area in merges:
                sheet.merge_range(area, "")
            for row in hidden:
                sheet.set_row(row - 1, None, None, {"hidden": True})
        for (r, c), value in first.items():
            if isinstance(value, tuple):
                sheet.write_number(r, c, value[1], book.add_format({"num_format": value[0]}))
            elif value == "#DIV/0!":
                sheet.write_formula(r, c, "=1/0", None, "#DIV/0!")
            elif isinstance(value, str) and value.startswith("="):
                sheet.write_formula(r, c, value)
            elif hasattr(value, "year"):
                sheet.write_datetime(r, c, value, book.add_format({"num_format": "yyyy-mm-dd"}))
            elif isinstance(value, str):
                sheet.write_string(r, c, value)
            else:
                sheet.write(r, c, value)
    book.close()
    return path


def write_text(path: Path, rows: Rows, *, encoding: str = "utf-8", delimiter: str = ",") -> Path:
    """Write a delimited text; None is blank."""
    with path.open("w", encoding=encoding, newline="") as stream:
        csv.writer(stream, delimiter=delimiter).writerows(rows)
    return path


def write_ods(path: Path, rows: Rows) -> Path:
    """Write a bare OpenDocument sheet of texts and numbers."""
    import zipfile
    from xml.sax.saxutils import escape

    def cell(value: Any) -> str:
        if value is None:
            return "<table:table-cell/>"
        if isinstance(value, (int, float)):
            return f'<table:table-cell office:value-type="float" office:value="{value}"/>'
        text = f"<text:p>{escape(str(value))}</text:p>"
        return f'<table:table-cell office:value-type="string">{text}</table:table-cell>'

    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    width = max(map(len, rows), default=0)
    body = "".join(
        "<table:table-row>"
        + "".join(cell(v) for v in [*row, *[None] * (width - len(row))])
        + "</table:table-row>"
        for row in rows
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "META-INF/manifest.xml",
            '<?xml version="1.0"?><manifest:manifest '
            'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        )
        archive.writestr(
            "content.xml",
            f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {spaces} office:version="1.2">'
            f'<office:body><office:spreadsheet><table:table table:name="表">{body}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )
    return path


# ------------------------------------------------------------------------------------------- random workbooks


@dataclass
class Truth:
    """What a messy workbook says: columns, rows, row numbers, how many totals, the cells of wrong ones."""

    columns: list[str] = field(default_factory=list)
    rows: list[list[Any]] = field(default_factory=list)
    where: list[int] = field(default_factory=list)
    totals: int = 0
    wrong: set[str] = field(default_factory=set)


@dataclass
class _Column:
    printed: str
    named: str
    kind: str
    group: str = ""
    times: float = 1.0
    dirt: bool = True


_COUNTS = ["户数(户)", "人口(人)", "社会组织(个)", "活动(场次)", "调解员", "议事会(次)", "志愿者人数"]
_GROUPS = ["社区基本情况", "治理投入", "2019年第四季度", "共建共治"]
_MONEY = "工作经费(万元)"
_NAMES = [
    "翠湖",
    "北门",
    "合计坊",
    "大观",
    "小计里",
    "金碧",
    "状元楼",
    "全市通",
    "平均巷",
    "东华",
    "江岸",
    "豆腐营",
]
_DISTRICTS = ["五华区", "盘龙区", "官渡区(含大板桥街道)"]
_TITLES = ["附件2", "2019年第四季度社区治理统计表", "昆明市社区治理创新试点任务分解表", "(试行)"]
_NOTES = [
    "注:本表不含行政村。",
    "备注:数据截至2019年12月31日",
    "说明:1.经费含各级财政投入",
    "数据来源:区民政局",
]
_SIGNED = [
    ["审核人:", None, "填表人:张三"],
    ["单位负责人:李四", "联系电话:", None],
    ["填报单位(盖章):五华区"],
]
_FULL = str.maketrans("0123456789,.", "０１２３４５６７８９，．")


def _columns(rng: random.Random, districts: bool) -> list[_Column]:
    out = [_Column("序号", "序号", "serial", dirt=False)] if rng.random() < 0.4 else []
    if districts:
        out.append(_Column("区县", "区县", "district", dirt=False))
    out.append(_Column("社区名称", "社区名称", "name", dirt=False))
    if rng.random() < 0.3:
        out.append(_Column("社区代码", "社区代码", "code", dirt=False))
    body = [_Column(c, c, "count") for c in rng.sample(_COUNTS, rng.randint(1, 5))]
    if rng.random() < 0.5:
        body.append(_Column("工作经费(万元)", "工作经费(元)", "money", times=1e4))
    if rng.random() < 0.4:
        body.append(_Column("办结率(%)", "办结率(%)", "rate", times=0.01))
    if rng.random() < 0.3:
        body.append(_Column("成立日期", "成立日期", "date"))
    if rng.random() < 0.3:
        body.append(_Column("情况说明", "情况说明", "words", dirt=False))
    return out + body


def _group(rng: random.Random, columns: list[_Column]) -> None:
    """Give runs of columns behind the names a common upper label."""
    at = next(i for i, c in enumerate(columns) if c.kind == "count")
    names = rng.sample(_GROUPS, len(_GROUPS))
    while at < len(columns) and names:
        width = rng.randint(1, 3)
        run = columns[at : at + width]
        if len(run) >= 2 and rng.random() < 0.7:
            label = names.pop()
            for column in run:
                column.group = label
        at += width


def _split_money(columns: list[_Column]) -> None:
    """Print the amounts in two columns whose unit stands in the upper label alone."""
    for at, column in enumerate(columns):
        if column.kind == "money" and not column.group:
            columns[at : at + 1] = [
                _Column(label, label, "money", _MONEY, column.times) for label in ("财政", "社会资本")
            ]
            return


def _value(rng: random.Random, column: _Column, place: int, district: str, plain: bool) -> tuple[Any, Any]:
    """A printed cell and what it means."""
    if column.kind == "serial":
        return place + 1, float(place + 1)
    if column.kind == "district":
        return district, district
    if column.kind == "name":
        name = (
            _NAMES[place % len(_NAMES)] + ("社区" if place % 3 else "") + (str(place) if place >= 12 else "")
        )
        return name, name
    if column.kind == "code":
        code = 530102001000 + place
        return (str(code) if plain or rng.random() < 0.5 else code), str(code)
    if column.kind == "words":
        word = rng.choice(["正常", "整改中", "已达标(见附件)", "待定"])
        return word, word
    if column.kind == "date":
        year, month = rng.randint(2015, 2019), rng.randint(2, 9)
        return rng.choice(
            [f"{year}年{month}月", f"{year}-{month}-01", f"{year}.{month}", f"{year}/{month}/1"]
        ), (f"{year}-{month:02d}-01")
    number = {
        "count": rng.randint(0, 3000),
        "money": rng.randint(1, 400) / 4,
        "rate": rng.randint(400, 1000) / 10,
    }
    value = number[column.kind]
    return value, value


def _dirt(rng: random.Random, column: _Column, value: float) -> tuple[Any, float]:
    """A number as a person may have typed it, and what it means in the printed unit."""
    kind = rng.choice(["full", "comma", "about", "missing", "none", "range", "unit", "text"])
    text = f"{value:g}" if value < 1e6 else str(value)
    nothing = float("nan")
    if kind == "full":
        return text.translate(_FULL), value
    if kind == "comma":
        return f"{value:,}", value
    if kind == "about":
        return rng.choice(["约", "近"]) + text, value
    if kind == "missing":
        return rng.choice(["—", "不详", "/", "-"]), nothing
    if kind == "none":
        return "无", nothing
    if kind == "range":
        return "5-9", nothing
    if kind == "unit":
        if column.kind == "rate":
            return f"{text}%", value
        return ("1.5万", 15000 / column.times) if column.kind == "count" else ("1.5万元", 1.5)
    return text, value


def messy(path: Path, seed: int) -> Truth:
    """Write a random workbook or text to ``path`` (its suffix decides) and say what it means."""
    rng = random.Random(seed)
    text = path.suffix != ".xlsx"
    districts = rng.random() < 0.4
    columns = _columns(rng, districts)
    more = random.Random(-seed)
    commas = text and path.suffix == ".csv" and more.random() < 0.3  # a western file: 2,5 and nothing odd
    if rng.random() < 0.5:
        _group(rng, columns)
    if rng.random() < 0.2:
        _split_money(columns)
    for column in columns:
        column.dirt = column.dirt and not commas
    grouped = any(c.group for c in columns)
    left, truth = rng.choice([0, 0, 1, 2]), Truth()
    grid: list[list[Any]] = []
    merges: list[str] = []

    def letter(column: int) -> str:
        return chr(65 + left + column)

    def put(cells: Sequence[Any]) -> int:
        grid.append([None] * left + list(cells))
        return len(grid)

    for title in rng.sample(_TITLES, rng.randint(0, 2)):
        row = put([title])
        if rng.random() < 0.6:
            merges.append(f"{letter(0)}{row}:{letter(len(columns) - 1)}{row}")
    money = next((c for c in columns if c.kind == "money" and c.group != _MONEY), None)
    if rng.random() < 0.5:
        line: list[Any] = [None] * max(len(columns), 3)
        line[0] = "填报单位:五华区民政局"
        if money and rng.random() < 0.5:
            money.printed = money.named = "工作经费"
            line[-1] = "单位:万元"
        put(line)
    if rng.random() < 0.3:
        put([])
    header: list[list[Any]] = [[c.printed for c in columns]]
    if grouped:
        upper = [
            None if i and c.group and c.group == columns[i - 1].group else (c.group or c.printed)
            for i, c in enumerate(columns)
        ]
        header = [upper, [c.printed if c.group else None for c in columns]]
    top = len(grid) + 1
    for line in header:
        put(line)
    if grouped and rng.random() < 0.7:
        for i, c in enumerate(columns):
            if not c.group:
                merges.append(f"{letter(i)}{top}:{letter(i)}{top + 1}")
            elif upper[i] is not None:
                last = max(k for k, other in enumerate(columns) if other.group == c.group)
                if last > i:
                    merges.append(f"{letter(i)}{top}:{letter(last)}{top}")
    base = {_MONEY: "工作经费(元)"}
    truth.columns = [f"{base.get(c.group, c.group)}/{c.named}" if c.group else c.named for c in columns]

    n = rng.randint(2, 10)
    owners = sorted(rng.choice(_DISTRICTS[: rng.randint(1, 3)]) for _ in range(n)) if districts else [""] * n
    clean, meant = [], []
    for i in range(n):
        pairs = [_value(rng, c, i, owners[i], text) for c in columns]
        clean.append([p[0] for p in pairs])
        meant.append([p[1] for p in pairs])
    dirty = [list(row) for row in clean]
    for j, column in enumerate(columns):
        if column.kind in ("count", "money", "rate") and column.dirt:
            for i in range(n // 2):  # most of a column stays plain, so that it is a column of numbers
                if rng.random() < 0.25:
                    dirty[i][j], meant[i][j] = _dirt(rng, column, clean[i][j])
    again = [i for i in range(1, n) if owners[i] == owners[i - 1]]
    if districts and len(again) * 4 >= n and more.random() < 0.4:  # a district stands in its first row only
        for i in again:
            dirty[i][next(j for j, c in enumerate(columns) if c.kind == "district")] = None
    key = next(j for j, c in enumerate(columns) if c.kind in ("district", "name"))

    def total(label: str, over: list[int]) -> list[Any]:
        out: list[Any] = [None] * len(columns)
        out[key] = label
        for j, column in enumerate(columns):
            known = [meant[i][j] for i in over if meant[i][j] == meant[i][j]]
            if column.kind in ("count", "money") and known:
                out[j] = round(sum(known), 6)
            elif column.kind == "rate" and known:
                out[j] = round(sum(known) / len(known), 2)
        return out

    def put_total(line: list[Any]) -> None:
        row = put(line)
        truth.totals += 1
        sums = [j for j, c in enumerate(columns) if c.kind == "count" and line[j]]
        # The first count is wrong now and then; the others still say which rows are meant.
        if len(sums) >= 3 and rng.random() < 0.3:
            grid[-1][left + sums[0]] = -line[sums[0]] - 7
            truth.wrong.add(f"{letter(sums[0])}{row}")

    everything = list(range(n))
    place = rng.choice(["top", "bottom", "bottom", "none"])
    label = rng.choice(["合计", "总计", "合 计", "全市", "全区合计", "总计:"])
    if place == "top":
        put_total(total(label, everything))
    for i in range(n):
        row = put(dirty[i])
        truth.where.append(row)
        if districts and place == "bottom" and (i + 1 == n or owners[i + 1] != owners[i]):
            put_total(
                total(
                    f"{owners[i]}小计" if seed % 2 else "小计",
                    [k for k in everything if owners[k] == owners[i]],
                )
            )
        if rng.random() < 0.05:
            put([])
        if rng.random() < 0.03 and i + 1 < n:
            for line in header:
                put(line)
    if place == "bottom":
        put_total(total(label, everything))
    for note in rng.sample(_NOTES, rng.randint(0, 2)):
        put([note])
    if rng.random() < 0.4:
        put(rng.choice(_SIGNED))
    for row_meant in meant:
        truth.rows.append(
            [
                value * c.times
                if isinstance(value, float | int) and c.kind in ("count", "money", "rate")
                else value
                for value, c in zip(row_meant, columns, strict=True)
            ]
        )
    if path.suffix == ".ods":
        write_ods(path, grid)
    elif text:
        encoding = rng.choice(["utf-8", "utf-8-sig", "gb18030"])
        delimiter = rng.choice([",", ";", "\t"])
        if commas:
            grid = [
                [f"{v:.12g}".replace(".", ",") if isinstance(v, float) else v for v in row] for row in grid
            ]
            delimiter = ";"
        write_text(path, grid, encoding=encoding, delimiter=delimiter)
    else:
        write(path, grid, merges, hidden=[r for r in truth.where if rng.random() < 0.05])
    return truth
