"""Workbooks as offices make them, written for tests: ``write`` a given one, ``messy`` a random one with its truth."""

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
