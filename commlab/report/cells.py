"""Cells of a workbook that calculates: text as text, numbers, and formulas with the value they had when written."""

from __future__ import annotations

import datetime as dt
import io
import math
import unicodedata
from collections.abc import Sequence
from typing import Any

from commlab.report.finding import Cover
from commlab.report.xlsx import LONGEST_CELL, LONGEST_NAME
from commlab.text import SAMPLE_MARK, Text, clean

__all__ = ["Page", "Workbook", "at", "spread"]

_CREATED = dt.datetime(2000, 1, 1)
_FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\", "_"))
_ENTRY = {"bg_color": "#FFF7D6", "font_color": "#1F4E79"}


def at(row: int, column: int, *, fixed: bool = False) -> str:
    """A cell's address: ``B3``, or ``$B$3``.

    >>> at(2, 1), at(2, 27, fixed=True)
    ('B3', '$AB$3')
    """
    letters, column = "", column + 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"${letters}${row + 1}" if fixed else f"{letters}{row + 1}"


def spread(top: int, left: int, bottom: int, right: int, *, fixed: bool = False) -> str:
    """A range's address: ``B3:B5``."""
    return f"{at(top, left, fixed=fixed)}:{at(bottom, right, fixed=fixed)}"


class Workbook:
    """A workbook with a cover that lists its pages; the same calls give the same bytes."""

    def __init__(self, cover: Cover, t: Text) -> None:
        import xlsxwriter

        self.cover, self.t, self._out = cover, t, io.BytesIO()
        options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        self.file = xlsxwriter.Workbook(self._out, {**options, "in_memory": True})
        self.file.set_properties(
            {"title": clean(cover.title)[:255], "author": "commlab", "created": _CREATED}
        )
        self.file.set_calc_mode("auto")
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}
        self._told: list[tuple[str, str]] = []
        self.front = Page(self, self._tab(t("Cover")))

    @property
    def mark(self) -> str:
        """What stands on every page of a workbook made from sample data."""
        return SAMPLE_MARK if self.cover.sample else ""

    def page(self, name: str, about: str) -> Page:
        """A new page; ``about`` goes on the cover."""
        tab = self._tab(name)
        self._told.append((tab, about))
        return Page(self, tab)

    def _tab(self, name: str) -> str:
        plain = clean(name).replace("\n", " ").translate(_FORBIDDEN).strip("' ")[:LONGEST_NAME] or "Sheet"
        taken = {sheet.get_name().casefold() for sheet in self.file.worksheets()} | {"history"}
        tab, again = plain, 2
        while tab.casefold() in taken:
            tab, again = f"{plain[: LONGEST_NAME - 4]} ({again})", again + 1
        return tab

    def format(self, **look: Any) -> Any:
        """One format a look, of which a workbook keeps one each."""
        key = tuple(sorted(look.items()))
        if key not in self._formats:
            base = {"font_name": "宋体", "font_size": 10.5, "valign": "vcenter"}
            self._formats[key] = self.file.add_format({**base, **look})
        return self._formats[key]

    def content(self) -> bytes:
        """The finished file."""
        front, cover = self.front, self.cover
        front.title(cover.title)
        facts = [(key, value) for key, value in cover.facts]
        row = 1
        if self.mark:
            front.text(
                row,
                0,
                self.t("模拟数据 / sample data: fabricated for demonstration, not real results"),
                bold=True,
            )
            row += 1
        for key, value in facts:
            front.text(row, 0, key, note=True)
            front.text(row, 1, value)
            row += 1
        front.head(row + 1, [self.t("Sheet"), self.t("What it holds")], texts=(0, 1))
        for k, (tab, about) in enumerate(self._told, start=row + 2):
            front.text(k, 0, tab)
            front.text(k, 1, about)
        front.close(row + 1 + len(self._told), 2)
        front.widths([26, 80])
        self.file.close()
        return self._out.getvalue()


class Page:
    """One sheet. Rows and columns count from 0."""

    def __init__(self, book: Workbook, tab: str) -> None:
        self.book, self.tab = book, tab
        self.sheet = book.file.add_worksheet(tab)
        self.sheet.hide_gridlines(2)
        self.sheet.set_paper(9)
        self.sheet.set_landscape()
        self.sheet.fit_to_pages(1, 0)
        if book.mark:
            self.sheet.set_header("&R&9" + book.mark.replace("&", "&&"))
        self.sheet.set_footer("&C&9— &P / &N —")

    def outside(self, row: int, column: int) -> str:
        """The address of a cell as other sheets write it."""
        tab = self.tab.replace("'", "''")
        return f"'{tab}'!{at(row, column, fixed=True)}"

    def title(self, text: str) -> None:
        shown = f"{text}　[{self.book.mark}]" if self.book.mark else text
        self.text(0, 0, shown, font_name="黑体", font_size=13)
        self.sheet.set_row(0, 22)

    def text(self, row: int, column: int, value: object, *, note: bool = False, **look: Any) -> None:
        """Text that no program takes for a formula."""
        shown = clean(value)[:LONGEST_CELL]
        if unicodedata.normalize("NFKC", shown.lstrip())[:1] in ("=", "+", "-", "@") or shown[:1] == "\t":
            look["quote_prefix"] = True
        if note:
            look["font_color"] = "#4A5563"
        self.sheet.write_string(row, column, shown, self.book.format(**look))

    def head(self, row: int, labels: Sequence[str], *, first: int = 0, texts: Sequence[int] = (0,)) -> None:
        """The header of a three-line table; ``texts`` are its columns of text, which stand left."""
        for k, label in enumerate(labels):
            look: dict[str, Any] = {
                "bold": True,
                "top": 2,
                "bottom": 1,
                "align": "left" if k + first in texts else "right",
            }
            self.text(row, first + k, label, **look)

    def close(self, row: int, columns: int) -> None:
        """The last line of a three-line table, below its last row."""
        for column in range(columns):
            self.sheet.write_blank(row + 1, column, None, self.book.format(top=2))

    def number(
        self, row: int, column: int, value: float, pattern: str, *, entry: bool = False, settled: bool = False,
        between: tuple[float, float] | None = None,
    ) -> None:  # fmt: skip
        """A number. ``entry``: a cell to change; ``settled``: it follows from others, but by no formula."""
        look: dict[str, Any] = {"num_format": pattern}
        if entry:
            look |= _ENTRY
        if settled:
            look |= {"italic": True, "font_color": "#8A8F98"}
        self.sheet.write_number(row, column, float(value), self.book.format(**look))
        if between:
            low, high = between
            rule = {"validate": "decimal", "criteria": "between", "minimum": low, "maximum": high}
            self.sheet.data_validation(row, column, row, column, {**rule, "error_type": "warning"})

    def formula(
        self, row: int, column: int, told: str, value: float | str, pattern: str = "", *, bold: bool = False
    ) -> None:
        """A formula (without its sign of equality) and the value it has now."""
        look: dict[str, Any] = {"num_format": pattern} if pattern else {"align": "right"}
        if bold:
            look["bold"] = True
        known = value if isinstance(value, str) else float(value)
        if isinstance(known, float) and not math.isfinite(known):
            known = ""
        self.sheet.write_formula(row, column, f"={told}", self.book.format(**look), known)

    def widths(self, widths: Sequence[float]) -> None:
        for column, width in enumerate(widths):
            self.sheet.set_column(column, column, width)

    def fold(self, first: int, last: int) -> None:
        """Fold columns away; a click on the outline shows them."""
        self.sheet.set_column(first, last, 9, None, {"level": 1, "hidden": True})
        self.sheet.set_column(last + 1, last + 1, 9, None, {"collapsed": True})

    def freeze(self, rows: int, columns: int) -> None:
        self.sheet.freeze_panes(rows, columns)
