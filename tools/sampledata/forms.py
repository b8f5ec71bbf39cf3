"""Sheets in the shapes that offices send: titles, merged headers, subtotals, notes, signatures."""

from __future__ import annotations

import calendar
import csv
import datetime as dt
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

CREATED = dt.datetime(2019, 10, 1, 9, 0, 0)
"""Fixed, so that the same content gives the same bytes."""

Row = Sequence[Any]


def quarter_end(period: str) -> str:
    year, quarter = int(period[:4]), int(period[-1])
    return f"{year}年{quarter * 3}月{calendar.monthrange(year, quarter * 3)[1]}日"


class Sheet:
    """One worksheet written from the top: lines across the sheet, a header of one or two levels, rows."""

    def __init__(self, book: xlsxwriter.Workbook, name: str, width: int) -> None:
        self.book, self.sheet, self.width, self.at = book, book.add_worksheet(name), width, 0
        self.title = book.add_format({"bold": True, "font_size": 16, "align": "center", "valign": "vcenter"})
        self.head = book.add_format(
            {"bold": True, "border": 1, "align": "center", "valign": "vcenter", "text_wrap": True}
        )
        self.body = book.add_format({"border": 1})
        self.total = book.add_format({"border": 1, "bold": True})

    def _across(self, row: int, left: int, right: int, text: str, style: Any) -> None:
        if right > left:
            self.sheet.merge_range(row, left, row, right, text, style)
        else:
            self.sheet.write(row, left, text, style)

    def line(self, text: str) -> None:
        """A title across the whole width."""
        self._across(self.at, 0, self.width - 1, text, self.title)
        self.at += 1

    def words(self, cells: dict[int, str]) -> None:
        """Loose words in a row: reporting office, unit of measure, note, signature."""
        for column, text in cells.items():
            self.sheet.write(self.at, column, text)
        self.at += 1

    def header(self, labels: Sequence[tuple[str, ...]]) -> None:
        """One label a column; with two levels, equal neighbours above are merged and single ones run down."""
        deep = any(len(label) == 2 for label in labels)
        column = 0
        while column < len(labels):
            label = labels[column]
            end = column
            if len(label) == 1:
                if deep:
                    self.sheet.merge_range(self.at, column, self.at + 1, column, label[0], self.head)
                else:
                    self.sheet.write(self.at, column, label[0], self.head)
            else:
                while end + 1 < len(labels) and len(labels[end + 1]) == 2 and labels[end + 1][0] == label[0]:
                    end += 1
                self._across(self.at, column, end, label[0], self.head)
                for k in range(column, end + 1):
                    self.sheet.write(self.at + 1, k, labels[k][1], self.head)
            column = end + 1
        self.at += 2 if deep else 1

    def row(self, cells: Row, *, total: bool = False, hidden: bool = False, join: int = 0) -> None:
        """One row; ``join`` merges that many first cells, ``None`` stays blank."""
        style = self.total if total else self.body
        start = 0
        if join:
            self._across(self.at, 0, join - 1, str(cells[0]), style)
            start = join
        for column, cell in enumerate(cells):
            if column < start:
                continue
            if cell is None:
                self.sheet.write_blank(self.at, column, None, style)
            elif isinstance(cell, str):
                self.sheet.write_string(self.at, column, cell, style)
            else:
                self.sheet.write_number(self.at, column, cell, style)
        if hidden:
            self.sheet.set_row(self.at, None, None, {"hidden": True})
        self.at += 1


def workbook(path: Path) -> xlsxwriter.Workbook:
    path.parent.mkdir(parents=True, exist_ok=True)
    book = xlsxwriter.Workbook(str(path), {"in_memory": True})
    book.set_properties({"created": CREATED, "comments": "模拟数据 sample data"})
    return book


def plain_sheet(
    book: xlsxwriter.Workbook,
    name: str,
    labels: Sequence[tuple[str, ...]],
    rows: Sequence[Row],
    *,
    title: str = "",
) -> Sheet:
    """A sheet of a title, a header and rows."""
    sheet = Sheet(book, name, len(labels))
    if title:
        sheet.line(title)
    sheet.header(labels)
    for row in rows:
        sheet.row(row)
    return sheet


def write_csv(path: Path, rows: Sequence[Row], *, encoding: str, newline: str = "\r\n") -> None:
    """Rows as an office's software saves them: quotes only where needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    csv.writer(text, lineterminator=newline).writerows(
        [["" if c is None else c for c in row] for row in rows]
    )
    path.write_bytes(text.getvalue().encode(encoding))
