"""The tables of a file before they are read: which there are, which is meant, its cells column by column."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commlab.errors import DataError, ParameterError, listing
from commlab.intake import layout, values, words
from commlab.intake.layout import Block, Layout
from commlab.intake.sheets import Sheet, letters, open_sheets

__all__ = ["Body", "Found", "choose", "tables_of", "unique"]

_MOST_TABLES = 200


@dataclass(frozen=True)
class Found:
    """One table of a file before it is read: where its blocks are."""

    name: str
    sheet: Sheet
    layout: Layout
    blocks: list[Block]

    @property
    def n(self) -> int:
        return sum(len(block.rows("data")) for block in self.blocks)

    def told(self) -> str:
        return f"{self.name!r}: {self.n} rows of {listing(self.blocks[0].labels, most=4)}"


def tables_of(path: Path) -> list[Found]:
    out: list[Found] = []
    sheets = open_sheets(path)
    for sheet in sheets:
        if not sheet.rows:
            continue
        if sheet.text == "sav":
            found = Layout(
                [_sav_block(sheet)], {r: "data" if r else "header" for r in range(len(sheet.rows))}
            )
        else:
            found = layout.find(sheet)
        groups: dict[tuple[str, ...], list[Block]] = {}
        for block in found.blocks:
            groups.setdefault(tuple(words.folded(label) for label in block.labels), []).append(block)
        filled = [blocks for blocks in groups.values() if any(block.rows("data") for block in blocks)]
        for i, blocks in enumerate(filled or list(groups.values())[:1]):
            out.append(Found(sheet.name if i == 0 else f"{sheet.name}!{i + 1}", sheet, found, blocks))
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
            "no table was found: a table needs a row of labels above its rows; add one, or send the "
            "file that has it",
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
