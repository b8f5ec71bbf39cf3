"""Decimal commas of a delimited text: 2,5 where the file as a whole shows that its comma stands before decimals.

The sign of such a file: its cells are not parted by commas, some number has a comma that cannot group thousands
(2,5 or 0,125), and no number has a decimal point or groups by commas (12.5, 1,234,567). Its numbers are then
rewritten with a point. What may be either (1,234 in a column that does not show its decimals) is refused by name.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from commlab.intake.readings import is_number
from commlab.intake.sheets import Sheet

__all__ = ["Commas", "decimal_commas"]

_MOST_ABOVE = 6
Commas = dict[tuple[int, int], str]
"""Cells (row, column) as they were written."""
_MARK = r"[-+\u2212]?[\u7ea6\u8fd1]?"  # a sign; 约 or 近
_COMMA = re.compile(rf"{_MARK}(\d+|\d{{1,3}}(?:\.\d{{3}})+),(\d+)(?=[^\d.,]*$)")
_GROUPS = re.compile(rf"{_MARK}\d{{1,3}}(?:\.\d{{3}})+(?=[^\d.,]*$)")
_AGAINST = re.compile(
    rf"{_MARK}(?:\d{{1,3}}(?:,\d{{3}}){{2,}}|\d{{1,3}}(?:,\d{{3}})+\.\d+|\d+\.(?!\d{{3}}(?!\d))\d+)[^\d.,]*"
)
_YEAR = re.compile(r"(?:19|20)\d\d\.\d{1,2}")


def decimal_commas(sheet: Sheet) -> tuple[Sheet, Commas, Commas]:
    """A sheet with points for decimal commas, the cells that were rewritten and those that may mean two numbers.

    >>> sheet, changed, unclear = decimal_commas(Sheet("", [["a", "b"], ["2,5", "1,234"]], separator=";"))
    >>> sheet.rows[1], changed, unclear
    (['2.5', '1,234'], {(1, 0): '2,5'}, {(1, 1): '1,234'})
    """
    if sheet.separator in ("", ","):
        return sheet, {}, {}
    cells = [
        (i, j, cell.strip())
        for i, row in enumerate(sheet.rows)
        for j, cell in enumerate(row)
        if isinstance(cell, str) and ("," in cell or "." in cell)
    ]
    commas = {(i, j): found for i, j, text in cells if (found := _COMMA.match(text))}
    shown = {
        at
        for at, found in commas.items()
        if len(found[2]) != 3 or found[1].startswith("0") or "." in found[1]
    }
    if not shown or any(_AGAINST.fullmatch(text) and not _YEAR.fullmatch(text) for _, _, text in cells):
        return sheet, {}, {}
    columns = {j for j in sorted({j for _, j in shown}) if _counted(sheet, j, commas)}
    if not columns:
        return sheet, {}, {}
    tails = {j: {len(found[2]) for (_, c), found in commas.items() if c == j} for j in columns}
    rows: list[list[Any]] = [list(row) for row in sheet.rows]
    changed: Commas = {}
    unclear: Commas = {}
    for i, j, text in cells:
        found, groups = commas.get((i, j)), _GROUPS.match(text)
        if found and j in columns and ((i, j) in shown or tails[j] == {3}):
            rows[i][j] = text[: found.start(1)] + found[1].replace(".", "") + "." + text[found.start(2) :]
            changed[i, j] = text
        elif groups and text.count(".") > 1 and _counted(sheet, j, commas):
            rows[i][j], changed[i, j] = text.replace(".", ""), text
        elif (found or (groups and "." in text)) and _counted(sheet, j, commas):
            unclear[i, j] = text
    return replace(sheet, rows=rows), changed, unclear


def _counted(sheet: Sheet, column: int, commas: dict[tuple[int, int], re.Match[str]]) -> bool:
    """Whether a column holds more numbers than words, a title and a header above them aside."""
    told = [
        (i, column) in commas or is_number(row[column]) for i, row in enumerate(sheet.rows) if row[column]
    ]
    above = told.index(True) if True in told else len(told)
    return sum(told) > max(above - _MOST_ABOVE, 0) + told[above:].count(False)
