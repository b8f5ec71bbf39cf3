"""What the layout of a sheet is made of: its cells, asked again and again, and the blocks found in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from commlab.intake import words
from commlab.intake.readings import is_number, read
from commlab.intake.sheets import Range, Sheet

__all__ = ["ROW_KINDS", "Block", "Grid", "Layout", "bands", "is_mark"]

ROW_KINDS = ("data", "total", "header", "section", "fill-in", "note", "title", "form", "blank")
"""What a row can be, the stronger first: a row that is data in one block is data."""

_MOST_KEYS = 3
_ENOUGH = 400


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


def bands(grid: Grid) -> list[list[int]]:
    """Runs of columns that rows of several cells fill; spacer columns inside a table do not part it."""
    filled: dict[int, int] = {}
    wordy: dict[int, int] = {}
    looked = 0
    for row, line in enumerate(grid.rows):
        if (
            looked >= _ENOUGH
        ):  # what these rows hold is known; only columns that none of them fills are of interest
            if len(filled) == grid.width:
                break
            cells = [c for c in range(grid.width) if c not in filled and line[c] is not None]
            if not cells or sum(cell is not None for cell in line) < 2:
                continue
        else:
            cells = [c for c, cell in enumerate(line) if cell is not None]
        if len(cells) < 2 and grid.width > 1 and looked < _ENOUGH:
            continue
        if len(cells) <= 8 and words.is_fill_in([line[c] for c in cells]):
            continue
        looked += 1
        for c in cells:
            for inside in range(c, c + grid.span(row, c)):
                filled[inside] = filled.get(inside, 0) + 1
            if isinstance(line[c], str) and not is_number(line[c]):
                wordy[c] = wordy.get(c, 0) + 1
    runs: list[list[int]] = []
    for column in range(grid.width):
        if column not in filled:
            continue
        if runs and runs[-1][-1] == column - 1:
            runs[-1].append(column)
        else:
            runs.append([column])
    joined: list[list[int]] = []
    for band in runs:
        named = any(wordy.get(c, 0) * 2 > filled[c] + 2 for c in band)
        if joined and (len(band) == 1 or not named):
            joined[-1] += band
        else:
            joined.append(band)
    if not joined and grid.width:
        joined = [list(range(grid.width))]
    return joined


@dataclass
class Block:
    """One block of rows and columns under one header; rows and columns are zero-based."""

    columns: list[int]
    labels: list[str]
    header: list[int]
    numeric: list[bool]
    kinds: dict[int, str] = field(default_factory=dict)
    above: list[int] = field(default_factory=list)
    folded: list[dict[int, str]] = field(default_factory=list)
    keys: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.find_keys()

    def rows(self, kind: str) -> list[int]:
        return [row for row, is_a in self.kinds.items() if is_a == kind]

    def find_keys(self) -> None:
        """Columns of words left of the first column of numbers are keys: there a row is named."""
        numeric = [
            n and not words.is_serial(label) for n, label in zip(self.numeric, self.labels, strict=True)
        ]
        start = numeric.index(False) if False in numeric else 0
        if True in numeric[start:]:
            self.keys = self.columns[: max(numeric.index(True, start), 1)]
        else:
            self.keys = self.columns[: start + _MOST_KEYS]


@dataclass
class Layout:
    """The blocks of a sheet and the kind of each of its rows."""

    blocks: list[Block]
    kinds: dict[int, str]
