"""Files opened, nothing interpreted: every sheet as a grid of cells, with merged ranges and hidden rows.

What a file is follows from its bytes, not from its name; a file that is not what its name says is refused.
Sizes are checked before anything is unpacked, formulas are never computed (the stored results are read) and
links are never followed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from commlab.errors import DataError
from commlab.intake import biff, encoding, package, spss
from commlab.intake.peek import MOST_CELLS, MOST_COLUMNS, Peek, Range, refuse_size
from commlab.intake.unseen import strip_cells
from commlab.text import clean

__all__ = ["KINDS", "Range", "Sheet", "letters", "open_sheets"]

KINDS = {
    ".xlsx": "package",
    ".xlsm": "package",
    ".ods": "package",
    ".xls": "ole",
    ".csv": "text",
    ".tsv": "text",
    ".txt": "text",
    ".sav": "sav",
    ".zsav": "sav",
}
"""Extensions that are read, and what their bytes must be."""

_MOST_BYTES = {"text": 256 << 20, "ole": 256 << 20, "package": 256 << 20, "sav": 1 << 30}
_TALL = 100_000
_MOST_MERGED = 2_000_000
_OLE = bytes.fromhex("D0CF11E0A1B11AE1")
_SAV = (b"$FL2", b"$FL3")
_ADVICE = {
    "package": "an Excel workbook (.xlsx)",
    "ole": "an old Excel workbook (.xls)",
    "sav": "an SPSS file (.sav)",
    "text": "a text file (.csv)",
}


@dataclass(frozen=True)
class Sheet:
    """One sheet as a rectangle of cells that starts at A1.

    ``rows`` holds None for a blank cell, else str, float, int, bool, date, datetime, time or timedelta;
    ``errors`` are cells that show an error such as #DIV/0!; ``uncomputed`` are formulas stored without a
    result; ``missing`` are cells (row, column, value, label) that an SPSS file declares missing; ``unseen`` are the characters
    that nobody sees, by the cell they were taken out of.
    """

    name: str
    rows: list[list[Any]]
    merges: tuple[Range, ...] = ()
    hidden: bool = False
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    uncomputed: tuple[tuple[int, int], ...] = ()
    percents: frozenset[tuple[int, int]] | None = frozenset()
    remarks: tuple[str, ...] = ()
    missing: tuple[tuple[int, int, Any, str], ...] = ()
    unseen: dict[tuple[int, int], str] = field(default_factory=dict)
    text: str = ""
    separator: str = ""

    @property
    def width(self) -> int:
        return max((len(row) for row in self.rows), default=0)


def letters(column: int) -> str:
    """Spreadsheet letters of a zero-based column.

    >>> letters(0), letters(25), letters(26), letters(701), letters(702)
    ('A', 'Z', 'AA', 'ZZ', 'AAA')
    """
    out = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        out = chr(65 + rest) + out
    return out


def open_sheets(path: str | Path) -> list[Sheet]:
    """All worksheets of a file, in the file's order; a text file is one sheet without a name.

    Parameters
    ----------
    path : str or Path
        .xlsx .xlsm .xls .ods .csv .tsv .txt .sav

    Raises
    ------
    DataError
        If the file is missing, empty, too large, protected by a password, damaged, or not what its name says.
    """
    path = Path(path)
    name = path.name
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        raise DataError(
            f"files of type {path.suffix or '(no extension)'!r} are not read; save it as .xlsx or .csv "
            f"(read are {', '.join(KINDS)})",
            file=name,
        )
    if not path.is_file():
        told = (
            "is no ordinary file; save the table as .xlsx or .csv"
            if path.exists()
            else "there is no such file"
        )
        raise DataError(told, file=str(path))
    try:
        size = path.stat().st_size
        if size == 0:
            raise DataError("the file is empty (0 bytes); ask for it again", file=name)
        with path.open("rb") as stream:
            head = stream.read(4096)
    except OSError as error:
        raise DataError(f"cannot be opened: {error.strerror}", file=name) from None
    _refuse_disguise(name, path, kind, head)
    found = _kind_of(head)
    if size > _MOST_BYTES[found]:
        raise DataError(
            f"is {size >> 20} MB; at most {_MOST_BYTES[found] >> 20} MB are read: part it into several files",
            file=name,
        )
    if found == "text":
        sheets = [_text(path)]
    elif found == "sav":
        rows, labels, missing = spss.read(path)
        sheets = [Sheet("", rows, text="sav", remarks=labels, missing=missing)]
    else:
        sheets = _workbook(path, found)
    return [replace(sheet, name=clean(sheet.name), unseen=strip_cells(sheet.rows)) for sheet in sheets]


def _kind_of(head: bytes) -> str:
    if head.startswith(b"PK"):
        return "package"
    if head.startswith(_OLE):
        return "ole"
    return "sav" if head.startswith(_SAV) else "text"


def _refuse_disguise(name: str, path: Path, kind: str, head: bytes) -> None:
    found = _kind_of(head)
    if found == kind or (path.suffix.lower() == ".xls" and found == "package"):
        return
    if kind == "package" and found == "ole":
        if package.is_encrypted(path):
            raise DataError("is protected by a password; save it without one and send it again", file=name)
        raise DataError("is an old Excel workbook with a new name; save it as .xlsx", file=name)
    start = head.lstrip().lower()
    if found == "text" and (
        start.startswith((b"<html", b"<!doctype", b"<table", b"<?xml")) or b"<table" in start
    ):
        raise DataError(
            f"is a web page named {path.suffix}; open it in a spreadsheet and save it as .xlsx", file=name
        )
    raise DataError(
        f"is named {path.suffix} but is {_ADVICE[found]}; give it the right extension or save it again",
        file=name,
    )


def _text(path: Path) -> Sheet:
    text, coding = encoding.decode(path.read_bytes(), file=path.name)
    delimiter = encoding.separator(text)
    cells = text.count(delimiter) + text.count("\n")
    if cells > MOST_CELLS:
        raise DataError(
            f"holds some {cells:,} cells; at most {MOST_CELLS:,} are read as a table: part it "
            "(questionnaires have a "
            "reader of their own)",
            file=path.name,
        )
    rows: list[list[Any]] = [
        [cell if cell and not cell.isspace() else None for cell in row]
        for row in encoding.records(text, delimiter, file=path.name)
    ]
    remarks = () if coding.startswith("utf-8") else (f"read as {coding}",)
    if max(map(len, rows), default=0) > MOST_COLUMNS:
        raise DataError(
            f"has {max(map(len, rows)):,} columns; at most {MOST_COLUMNS:,} are read, as in a spreadsheet: turn "
            "the table, or part it",
            file=path.name,
        )
    return Sheet("", _square(rows), remarks=remarks, text=coding, separator=delimiter)


def _square(rows: list[list[Any]]) -> list[list[Any]]:
    """Rows of equal length, without blank rows and columns at the end."""
    while rows and all(cell is None for cell in rows[-1]):
        rows.pop()
    width = 0
    for row in rows:
        if len(row) > width:
            last = len(row)
            while last > width and row[last - 1] is None:
                last -= 1
            width = max(width, last)
    return [row[:width] if len(row) >= width else row + [None] * (width - len(row)) for row in rows]


def _workbook(path: Path, found: str) -> list[Sheet]:
    import python_calamine as calamine

    name = path.name
    if found == "ole" and package.is_encrypted(path):
        raise DataError("is protected by a password; save it without one and send it again", file=name)
    peek = package.inspect(path) if found == "package" else biff.inspect(path.read_bytes(), file=name)
    out = []
    try:
        with calamine.CalamineWorkbook.from_path(str(path)) as book:
            for meta in book.sheets_metadata:
                if meta.typ != calamine.SheetTypeEnum.WorkSheet:
                    continue
                sheet = book.get_sheet_by_name(meta.name)
                if sheet.end:
                    refuse_size(sheet.total_height, sheet.total_width, file=name, sheet=meta.name)
                rows = sheet.to_python(skip_empty_area=False)
                _refuse_stray(rows, name, meta.name)
                seen = peek.get(meta.name, Peek(percents=None))
                merges = seen.merges if seen.merges is not None else _ranges(sheet.merged_cell_ranges or ())
                grid = _clean(rows, seen.errors)
                out.append(
                    Sheet(
                        meta.name,
                        grid,
                        merges=_merges(merges, grid, name, meta.name),
                        hidden=meta.visible != calamine.SheetVisibleEnum.Visible,
                        hidden_rows=seen.hidden_rows,
                        hidden_columns=seen.hidden_columns,
                        errors=seen.errors,
                        uncomputed=seen.uncomputed,
                        percents=seen.percents,
                    )
                )
    except calamine.PasswordError:
        raise DataError(
            "is protected by a password; save it without one and send it again", file=name
        ) from None
    except (calamine.CalamineError, ValueError, OverflowError, OSError) as error:
        raise DataError(
            f"is damaged and cannot be read ({error}); open and save it again", file=name
        ) from None
    except BaseException as error:
        # The reader's own panics are no Exception; whatever else comes by goes on.
        if type(error).__name__ != "PanicException":
            raise
        raise DataError("is damaged and cannot be read; open and save it again", file=name) from None
    if not out:
        raise DataError("holds no worksheet", file=name)
    return out


def _refuse_stray(rows: list[list[Any]], name: str, sheet: str) -> None:
    """A cell hundreds of thousands of rows below a table is a slip of the mouse, and costs minutes."""
    if len(rows) <= _TALL:
        return
    filled = sum(1 for row in rows if any(cell != "" for cell in row))
    if filled * 20 < len(rows):
        raise DataError(
            f"the last filled cell stands in row {len(rows):,}, but only {filled:,} rows are filled: delete stray "
            "cells far from the table and send it again",
            file=name,
            sheet=sheet,
        )


def _ranges(corners: Iterable[tuple[tuple[int, int], tuple[int, int]]]) -> list[Range]:
    return [(top, left, bottom, right) for (top, left), (bottom, right) in corners]


def _merges(ranges: Iterable[Range], grid: list[list[Any]], name: str, sheet: str) -> tuple[Range, ...]:
    """Merged ranges of more than one cell, cut to the filled part of the sheet."""
    height, width = len(grid), len(grid[0]) if grid else 0
    out = []
    cells = 0
    for top, left, bottom, right in ranges:
        bottom, right = min(bottom, height - 1), min(right, width - 1)
        if top > bottom or left > right or (top, left) == (bottom, right):
            continue
        cells += (bottom - top + 1) * (right - left + 1)
        if cells > _MOST_MERGED:
            raise DataError(
                f"merges more than {_MOST_MERGED:,} cells; undo the merges and send it again",
                file=name,
                sheet=sheet,
            )
        out.append((top, left, bottom, right))
    return tuple(out)


def _clean(rows: list[list[Any]], errors: dict[tuple[int, int], str]) -> list[list[Any]]:
    grid = [
        [None if cell == "" or (type(cell) is str and cell.isspace()) else cell for cell in row]
        for row in rows
    ]
    for (row, column), shown in errors.items():
        while len(grid) <= row:
            grid.append([])
        if len(grid[row]) <= column:
            grid[row] += [None] * (column + 1 - len(grid[row]))
        if grid[row][column] is None:
            grid[row][column] = shown
    # Midnight comes back as a date; a moment and a day are the same kind here.
    for line in grid:
        if dt.date not in set(map(type, line)):
            continue
        for i, cell in enumerate(line):
            if type(cell) is dt.date:
                line[i] = dt.datetime(cell.year, cell.month, cell.day)
    return _square(grid)
