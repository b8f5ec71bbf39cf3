"""The tables of a file before they are read: which there are, which is meant, its cells column by column."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from commlab.errors import DataError, ParameterError, listing
from commlab.intake import layout, values, words
from commlab.intake.commas import Commas, decimal_commas
from commlab.intake.layout import Block, Layout
from commlab.intake.sheets import Sheet, letters, open_sheets

__all__ = ["Body", "Found", "choose", "tables_of", "unique"]

_MOST_TABLES = 200
_FEW = 4
"""Of so many rows at least one is blank where a column names the first row of each group only."""


@dataclass(frozen=True)
class Found:
    """One table of a file before it is read: where its blocks are."""

    name: str
    sheet: Sheet
    layout: Layout
    blocks: list[Block]
    commas: Commas = field(default_factory=dict)
    """Cells whose decimal comma was read."""
    unclear: Commas = field(default_factory=dict)
    """Cells whose comma may part thousands or decimals."""

    @property
    def n(self) -> int:
        return sum(len(block.rows("data")) for block in self.blocks)

    def told(self) -> str:
        return f"{self.name!r}: {self.n} rows of {listing(self.blocks[0].labels, most=4)}"


def tables_of(path: Path, *, header: bool = True) -> list[Found]:
    out: list[Found] = []
    sheets = open_sheets(path)
    for sheet in sheets:
        if not sheet.rows:
            continue
        sheet, commas, unclear = decimal_commas(sheet)
        if sheet.text == "sav":
            found = Layout(
                [_sav_block(sheet)], {r: "data" if r else "header" for r in range(len(sheet.rows))}
            )
        else:
            found = layout.find(sheet, header=header)
        groups: dict[tuple[str, ...], list[Block]] = {}
        for block in found.blocks:
            groups.setdefault(tuple(words.folded(label) for label in block.labels), []).append(block)
        filled = [blocks for blocks in groups.values() if any(block.rows("data") for block in blocks)]
        for i, blocks in enumerate(filled or list(groups.values())[:1]):
            name = sheet.name if i == 0 else f"{sheet.name}!{i + 1}"
            out.append(Found(name, sheet, found, blocks, commas, unclear))
    if len(out) > _MOST_TABLES:
        raise DataError(
            f"seems to hold {len(out):,} tables, more than {_MOST_TABLES}: give every table one row of labels, and "
            "keep the tables of one kind under the same labels",
            file=path.name,
        )
    several = [one for one in out if len(one.blocks[0].columns) > 1]
    # A lone column of words beside real tables is a list of choices or instructions.
    return several or out


def _sav_block(sheet: Sheet) -> Block:
    columns = list(range(sheet.width))
    block = Block(columns, [str(cell) for cell in sheet.rows[0]], [0], [False] * len(columns))
    block.kinds = {row: "data" if row else "header" for row in range(len(sheet.rows))}
    return block


def choose(found: list[Found], path: Path, sheet: str | None) -> Found:
    file = path.name
    if not found:
        raise DataError(
            "no table was found: a table needs a row of labels above its rows; add one, or write header: none in "
            "study.yaml and name its columns by their letters",
            file=file,
        )
    if sheet is not None:
        if not isinstance(sheet, str):
            raise ParameterError(
                f"sheet must be a sheet's name, not {sheet!r}; the file has {listing(f.name for f in found)}"
            )
        chosen = [one for one in found if sheet in (one.name, f"{one.name}!1")]
        chosen = chosen or [one for one in found if words.folded(one.name) == words.folded(sheet)]
        if not chosen:
            raise DataError(
                f"has no table on a sheet {sheet!r}; it has {'; '.join(one.told() for one in found)}",
                file=file,
            )
        return chosen[0]
    open_ones = [one for one in found if not one.sheet.hidden] or found
    filled = [one for one in open_ones if one.n] or open_ones[:1]
    if len(filled) > 1:
        raise DataError(
            f"holds {len(filled)} different tables; say which with sheet=: "
            f"{'; '.join(one.told() for one in filled)}",
            file=file,
        )
    return filled[0]


class Body:
    """The data rows, then the total rows, of a table's blocks, column by column."""

    def __init__(self, found: Found) -> None:
        self.found = found
        self.grid = found.sheet.rows
        self.turned = list(zip(*self.grid, strict=True))
        self.runs = [
            (b, sorted(block.rows(kind)))
            for kind in ("data", "total")
            for b, block in enumerate(found.blocks)
        ]
        self.places = [(b, row) for b, rows in self.runs for row in rows]
        self.n = found.n
        self.labels = unique(found.blocks[0].labels)
        self.filled = self._merged()
        self._columns: dict[int, list[Any]] = {}

    def _merged(self) -> dict[int, dict[int, Any]]:
        """Words of vertically merged cells for each of their rows: column -> place -> word.

        A merged number counts once, in its first row.
        """
        out: dict[int, dict[int, Any]] = {}
        if not self.found.sheet.merges:
            return out
        at = {
            (row, column): (p, i)
            for p, (b, row) in enumerate(self.places[: self.n])
            for i, column in enumerate(self.found.blocks[b].columns)
        }
        for top, left, bottom, _ in self.found.sheet.merges:
            if bottom > top and (top, left) in at:
                cell = self.grid[top][left]
                if isinstance(cell, str) and not values.is_number(cell):
                    for row in range(top + 1, bottom + 1):
                        if (row, left) in at:
                            p, i = at[row, left]
                            out.setdefault(i, {})[p] = cell
        return out

    def merged_numbers(self) -> list[tuple[int, int]]:
        body = {row for _, row in self.places[: self.n]}
        return [
            (top, left)
            for top, left, bottom, _ in self.found.sheet.merges
            if bottom > top and top in body and bottom in body and values.is_number(self.grid[top][left])
        ]

    def column(self, i: int) -> list[Any]:
        if i not in self._columns:
            out: list[Any] = []
            for b, rows in self.runs:
                cells = self.turned[self.found.blocks[b].columns[i]]
                out += [cells[row] for row in rows]
            for p, cell in self.filled.get(i, {}).items():
                out[p] = cell
            self._columns[i] = out
        return self._columns[i]

    def told(self, i: int) -> list[Any]:
        """A column's cells as values are read from them: names filled in, numbers that may mean two taken out."""
        out = self.column(i)
        if not self.found.unclear and i not in self.grouped:
            return out
        at = [(row, self.found.blocks[b].columns[i]) for b, row in self.places]
        named = self.grouped.get(i, {})
        return [
            named.get(p, None if place in self.found.unclear else cell)
            for p, (place, cell) in enumerate(zip(at, out, strict=True))
        ]

    @cached_property
    def grouped(self) -> dict[int, dict[int, str]]:
        """Names of groups that stand only in the first of their rows: column -> place -> name."""
        out: dict[int, dict[int, str]] = {}
        first = self.found.blocks[0]
        keys = [first.columns.index(c) for c in first.keys]
        keys = [
            i
            for i in keys
            if not words.is_serial(self.labels[i]) and not values.is_code_label(self.labels[i])
        ]
        upper: list[Any] = [None] * self.n
        for k, i in enumerate(keys[:-1]):
            cells = self.column(i)[: self.n]
            if not words.are_groups(self.labels[i], [cell for cell in cells if cell is not None]):
                break
            rest = list(zip(*(self.column(j)[: self.n] for j in keys[k + 1 :]), strict=True))
            out[i] = self._filled_down(cells, upper, rest)
            upper = [out[i].get(p, cell) for p, cell in enumerate(cells)]
        return {i: filled for i, filled in out.items() if filled}

    def _filled_down(self, cells: list[Any], upper: list[Any], rest: list[tuple[Any, ...]]) -> dict[int, str]:
        """Blanks of a column that the name above them holds for.

        None are filled unless every name stands once within the group left of it, the columns right of it tell the
        rows of a name apart, and blanks are many; nothing but rows of data may lie between a name and a blank.
        """
        names: set[tuple[Any, Any]] = set()
        rows: set[tuple[Any, ...]] = set()
        out: dict[int, str] = {}
        name: str | None = None
        before = (-1, 0)
        for p, (b, row) in enumerate(self.places[: self.n]):
            kinds = self.found.blocks[b].kinds
            parted = b != before[0] or any(
                kinds.get(r) not in ("data", "blank", "header") for r in range(before[1] + 1, row)
            )
            if words.total_kind(cells[p]) or words.is_part(cells[p]):
                name = None
            elif cells[p] is not None:
                name = str(cells[p])
                if (upper[p], name) in names:
                    return {}
                names.add((upper[p], name))
            elif parted or not any(rest[p]) or upper[p] != upper[p - 1]:
                name = None
            elif name is not None:
                out[p] = name
            if name is not None and (upper[p], name, *rest[p]) in rows:
                return {}
            rows.add((upper[p], name, *rest[p]))
            before = (b, row)
        return out if len(out) * _FEW >= self.n else {}

    @property
    def key_labels(self) -> list[str]:
        first = self.found.blocks[0]
        return [self.labels[first.columns.index(c)] for c in first.keys]

    def cell(self, position: int, i: int) -> str:
        b, row = self.places[position]
        return f"{letters(self.found.blocks[b].columns[i])}{row + 1}"


def unique(labels: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    out = []
    for label in labels:
        seen[label] = seen.get(label, 0) + 1
        out.append(label if seen[label] == 1 else f"{label}#{seen[label]}")
    return out
