"""Workbooks in which every text is written as text, and only the library's own formulas calculate.

One sheet a table, with frozen headers, widths, number formats and print settings; a cover that says what each
sheet holds. Numbers stay numbers: they are formatted by the cell, not turned into text. A column may carry a formula for
each row beside its value; the value is stored with it, so that programs which do not calculate show it too.
"""

from __future__ import annotations

import datetime as dt
import io
import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import ParameterError, listing
from commlab.report.finding import Col, Cover, columns_by_type
from commlab.report.layout import characters
from commlab.store import write_bytes
from commlab.text import SAMPLE_MARK, Text, clean

__all__ = ["Sheet", "workbook_bytes", "write_workbook"]

LONGEST_CELL = 32_000
"""A spreadsheet cell holds 32,767 characters."""
LONGEST_NAME = 31
WIDEST, NARROWEST = 60, 8
LINE_PT = 15.0
MOST_LINES = 20
LANDSCAPE_FROM = 95
"""Total width in characters from which a sheet is printed on landscape pages."""
_CREATED = dt.datetime(2000, 1, 1)
_FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\", "_"))
_PATTERNS = {
    "integer": "#,##0",
    "number": "#,##0{d}",
    "signed": "+#,##0{d};-#,##0{d};0{d}",
    "percent": "0{d}%",
    "points": "+0{d};-0{d};0{d}",
    "p_value": '[<0.001]"<0.001";0.000',
    "date": "yyyy-mm-dd",
}


@dataclass(frozen=True)
class Sheet:
    """One sheet of a workbook.

    Parameters
    ----------
    name : str
        On the tab; characters that spreadsheets refuse are replaced, names too long are cut.
    table : DataFrame
    title : str
        Printed above the table.
    about : str
        One sentence for the cover: what the sheet holds.
    columns : mapping of column -> Col, optional
        As for a ``Finding``; a callable format is not used here. Default: all, by their type.
    formulas : mapping of column -> sequence of str
        For each row the formula behind the value (``=B3/C3``), or nothing; made by the library, never from data.
    """

    name: str
    table: pd.DataFrame
    title: str = ""
    about: str = ""
    columns: Mapping[str, Col] | None = field(default=None)
    formulas: Mapping[str, Sequence[str]] = field(default_factory=dict)


def write_workbook(
    path: str | Path,
    sheets: Sequence[Sheet],
    *,
    cover: Cover,
    language: str | None = None,
    sample: bool | None = None,
) -> Path:
    """Write a workbook with a cover.

    Parameters
    ----------
    path : path
        The file; it appears complete or not at all.
    sheets : sequence of Sheet
        At least one.
    cover : Cover
        Title and facts; language and sample mark too where these are not given.

    Returns
    -------
    Path
        The path; the same input is the same bytes.

    Raises
    ------
    ParameterError
        If there is no sheet, or a sheet's columns are not in its table.
    """
    content = workbook_bytes(sheets, cover=cover, language=language, sample=sample)
    write_bytes(path, content)
    return Path(path)


def workbook_bytes(
    sheets: Sequence[Sheet], *, cover: Cover, language: str | None = None, sample: bool | None = None
) -> bytes:
    """The workbook as bytes; see ``write_workbook``."""
    import xlsxwriter

    if not sheets:
        raise ParameterError("a workbook needs at least one sheet")
    for sheet in sheets:
        lacking = [c for c in sheet.columns or {} if c not in sheet.table]
        if lacking:
            raise ParameterError(f"sheet {sheet.name!r}: its table has no column {listing(lacking)}")
    t = Text(language or cover.language)
    marked = cover.sample if sample is None else sample
    mark = t("模拟数据 / sample data: fabricated for demonstration, not real results") if marked else ""
    out = io.BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(out, {**options, "in_memory": True, "nan_inf_to_errors": False})
    book.set_properties({"title": clean(cover.title)[:255], "author": "commlab", "created": _CREATED})
    names = _names([t("Cover"), *(s.name for s in sheets)])
    writer = _Writer(book, t, mark)
    writer.cover(names[0], cover, list(zip(names[1:], sheets, strict=True)))
    for name, sheet in zip(names[1:], sheets, strict=True):
        writer.sheet(name, sheet)
    book.close()
    return out.getvalue()


def _names(wanted: Sequence[str]) -> list[str]:
    """Tab names that every spreadsheet accepts, each once."""
    names: list[str] = []
    for k, name in enumerate(wanted):
        plain = clean(name).replace("\n", " ").translate(_FORBIDDEN).strip("' ")[:LONGEST_NAME] or f"Sheet{k}"
        if plain.casefold() == "history":
            plain = f"{plain}_"
        again, base = 2, plain
        while plain.casefold() in (n.casefold() for n in names):
            plain = f"{base[: LONGEST_NAME - 4]} ({again})"
            again += 1
        names.append(plain)
    return names


def _lines(value: object, width: float) -> int:
    """Lines that a wrapped text takes; spreadsheets do not all find out by themselves."""
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return 1
    return sum(
        max(1, math.ceil(characters(line) / (width - 1))) for line in clean(value)[:LONGEST_CELL].split("\n")
    )


def _careful(shown: str, look: dict[str, Any]) -> dict[str, Any]:
    first = unicodedata.normalize("NFKC", shown.lstrip())[:1]
    return {**look, "quote_prefix": True} if first in ("=", "+", "-", "@") or shown[:1] == "\t" else look


class _Writer:
    """Writes sheets; keeps the cell formats, of which a workbook has one each."""

    def __init__(self, book: Any, t: Text, mark: str) -> None:
        self.book, self.t, self.mark = book, t, mark
        self.formats: dict[tuple[tuple[str, Any], ...], Any] = {}

    def format(self, **wanted: Any) -> Any:
        key = tuple(sorted(wanted.items()))
        if key not in self.formats:
            base = {"font_name": "宋体", "font_size": 11, "valign": "vcenter"}
            self.formats[key] = self.book.add_format({**base, **wanted})
        return self.formats[key]

    def text(self, page: Any, row: int, column: int, value: object, **look: Any) -> None:
        """Text as text; what looks like a formula is also marked as text for those who edit the cell."""
        shown = clean(value)[:LONGEST_CELL]
        page.write_string(row, column, shown, self.format(**_careful(shown, look)))

    def cover(self, name: str, cover: Cover, sheets: Sequence[tuple[str, Sheet]]) -> None:
        page = self.book.add_worksheet(name)
        page.hide_gridlines(2)
        page.set_column(0, 0, 26)
        page.set_column(1, 1, 66)
        page.set_column(2, 2, 10)
        self.text(page, 0, 0, cover.title, font_name="黑体", font_size=18)
        page.set_row(0, 30)
        row = 1
        if cover.subtitle:
            self.text(page, row, 0, cover.subtitle, font_size=12)
            row += 1
        if self.mark:
            self.text(page, row, 0, self.mark, font_color="#9A3412", bold=True)
            row += 1
        for key, value in cover.facts:
            self.text(page, row, 0, key, font_color="#4A5563")
            self.text(page, row, 1, value, text_wrap=True)
            row += 1
        row += 1
        for j, label in enumerate((self.t("Sheet"), self.t("What it holds"), self.t("Rows"))):
            self.text(page, row, j, label, bold=True, top=2, bottom=1, align="center" if j == 2 else "left")
        for k, (tab, sheet) in enumerate(sheets):
            row += 1
            last = {"bottom": 2} if k == len(sheets) - 1 else {}
            self.text(page, row, 0, tab, text_wrap=True, **last)
            about = sheet.about or sheet.title or tab
            self.text(page, row, 1, about, text_wrap=True, **last)
            page.set_row(row, LINE_PT * max(1, _lines(about, 66), _lines(tab, 26)))
            page.write_number(row, 2, len(sheet.table), self.format(num_format="#,##0", **last))
        self._printed(page, name, rows=row + 1, columns=3, landscape=False)

    def sheet(self, name: str, sheet: Sheet) -> None:
        page = self.book.add_worksheet(name)
        table = sheet.table
        columns = dict(sheet.columns) if sheet.columns is not None else columns_by_type(table)
        title = sheet.title or name
        self.text(
            page, 0, 0, f"{title}　[{SAMPLE_MARK}]" if self.mark else title, font_name="黑体", font_size=13
        )
        page.set_row(0, 24)
        total = 0.0
        lines = [1] * len(table)
        for j, (column, col) in enumerate(columns.items()):
            label = f"{col.group}/{col.label}" if col.group else col.label
            look: dict[str, Any] = {
                "bold": True,
                "bg_color": "#E9EFF6",
                "top": 2,
                "bottom": 1,
                "text_wrap": True,
            }
            if col.alignment == "left" and j:
                look["indent"] = 1
            self.text(page, 1, j, label, align="left" if col.alignment == "left" else "center", **look)
            longest = self._column(page, j, col, table[column], sheet.formulas.get(column, ()))
            width = min(WIDEST, max(NARROWEST, longest + 3, min(characters(label) + 2, 22)))
            page.set_column(j, j, width)
            total += width
            if col.format in ("text", "label"):
                texts = [str(v) for v in table[column]]
                taken = {
                    text: _lines(v, width) for text, v in dict(zip(texts, table[column], strict=True)).items()
                }
                lines = [max(n, taken[text]) for n, text in zip(lines, texts, strict=True)]
        for i, n in enumerate(lines, start=2):
            if n > 1:
                page.set_row(i, LINE_PT * min(n, MOST_LINES))
        page.freeze_panes(2, 1)
        if len(table) and columns:
            page.autofilter(1, 0, 1 + len(table), len(columns) - 1)
        self._printed(
            page, title, rows=2 + len(table), columns=max(1, len(columns)), landscape=total > LANDSCAPE_FROM
        )

    def _column(self, page: Any, j: int, col: Col, values: pd.Series, formulas: Sequence[str]) -> float:
        """Write one column; returns its longest cell in characters."""
        kind = col.format if isinstance(col.format, str) and col.format != "label" else "text"
        decimals = "." + "0" * col.digits if col.digits else ""
        pattern = _PATTERNS.get(kind, "").replace("{d}", decimals)
        align = {"align": col.align} if col.align else {}
        wrap: dict[str, Any] = {"text_wrap": True} if kind == "text" else {}
        if kind == "text" and col.alignment == "left" and j:
            wrap["indent"] = 1  # text does not touch the number before it
        look, known = self.format(num_format=pattern, **align), values.notna().to_numpy()
        texts: dict[tuple[type, str], tuple[str, Any, float]] = {}  # most texts stand in many rows
        numbers: list[float] = []
        longest = 0.0
        for i, value in enumerate(values):
            if formulas and formulas[i]:
                page.write_formula(i + 2, j, formulas[i], look, float(value) if known[i] else "")
                numbers += [float(value)] if known[i] else []
                continue
            if not known[i]:
                continue
            if isinstance(value, (bool, np.bool_)):
                value = col.cell(value, self.t)
            if kind == "text" or isinstance(value, str):
                key = (type(value), str(value))
                if key not in texts:
                    shown = clean(col.cell(value, self.t) if col.format == "label" else value)[:LONGEST_CELL]
                    own = self.format(**_careful(shown, {**align, **wrap}))
                    texts[key] = shown, own, characters(clean(value)[: 2 * WIDEST])
                page.write_string(i + 2, j, *texts[key][:2])
            elif kind == "date":
                page.write_datetime(i + 2, j, pd.Timestamp(value).tz_localize(None).to_pydatetime(), look)
                longest = max(longest, 10)
            elif not math.isfinite(float(value)):
                self.text(page, i + 2, j, "∞" if value > 0 else "-∞", align="right")
            else:
                page.write_number(i + 2, j, float(value) * (100 if kind == "points" else 1), look)
                numbers.append(float(value))
        # with as many decimals each, the longest number is the greatest or the least
        ends = [characters(col.cell(end(numbers), self.t)) for end in (min, max) if numbers]
        return max([longest, *ends, *(wide for _, _, wide in texts.values())])

    def _printed(self, page: Any, title: str, *, rows: int, columns: int, landscape: bool) -> None:
        page.set_paper(9)
        if landscape:
            page.set_landscape()
        page.fit_to_pages(1, 0)
        page.print_area(0, 0, rows - 1, columns - 1)
        if rows > 2:
            page.repeat_rows(0, 1)
        page.set_margins(left=0.6, right=0.6, top=0.8, bottom=0.8)
        # `&` starts a code in headers and footers.
        page.set_header("&R&9" + (self.mark or clean(title)[:100]).replace("&", "&&"))
        page.set_footer("&C&9— &P / &N —")
