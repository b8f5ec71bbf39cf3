"""A sheet's cells with what the layout asks of them again and again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from commlab.intake.readings import read
from commlab.intake.sheets import Range, Sheet

__all__ = ["Grid", "is_mark"]


def is_mark(cell: Any) -> bool:
    """Whether a text stands where a number is missing or was spoilt.

    >>> is_mark("不详"), is_mark("5-9"), is_mark("五华区")
    (True, True, False)
    """
    return isinstance(cell, str) and read(cell).kind in ("missing", "none", "error", "range", "lossy")


class Grid:
    """A sheet's cells with what is asked of them again and again."""

    def __init__(self, sheet: Sheet) -> None:
        self.rows = sheet.rows
        self.width = sheet.width
        self._filled: dict[tuple[int, int, int], list[int]] = {}
        self.merges: dict[tuple[int, int], Range] = {}
        for area in sheet.merges:
            top, left, bottom, right = area
            for row in range(top, min(bottom, len(self.rows) - 1) + 1):
                for column in range(left, min(right, self.width - 1) + 1):
                    self.merges[row, column] = area

    def filled(self, row: int, columns: Sequence[int]) -> list[int]:
        key = row, columns[0], len(columns)  # no two bands or blocks of a row share these
        if key not in self._filled:
            line = self.rows[row]
            self._filled[key] = [c for c in columns if line[c] is not None]
        return self._filled[key]

    def label(self, row: int, column: int) -> Any:
        """A cell's value; in a merged range the value of its first cell."""
        area = self.merges.get((row, column))
        return self.rows[area[0]][area[1]] if area else self.rows[row][column]

    def span(self, row: int, column: int) -> int:
        area = self.merges.get((row, column)) if self.merges else None
        return area[3] - area[1] + 1 if area else 1
