"""Where the tables stand on a sheet, and what every row of it is.

A sheet is parted into bands by its blank columns. In a band the header is the first row that fills at least half of
the table's width with words; rows above join it when merged cells or blanks say that they are its upper levels. Below
it each row is data, a total, a note, a repeated header, a section or blank, until another header begins. Labels that
repeat from left to right are blocks set side by side.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from commlab.intake import words
from commlab.intake.readings import read
from commlab.intake.sheets import Range, Sheet, letters
from commlab.intake.units import is_unit
from commlab.intake.values import is_number, shown

__all__ = ["ROW_KINDS", "Block", "Layout", "find"]

ROW_KINDS = ("data", "total", "header", "section", "fill-in", "note", "title", "form", "blank")
"""What a row can be, the stronger first: a row that is data in one block is data."""

_MOST_HEADER_ROWS = 4
_SAMPLE = 200
_ENOUGH = 400
_LONG = 40


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

    def rows(self, kind: str) -> list[int]:
        return [row for row, is_a in self.kinds.items() if is_a == kind]

    @property
    def keys(self) -> list[int]:
        """Columns of words left of the first column of numbers: where a row is named."""
        first = next(
            (i for i, n in enumerate(self.numeric) if n and not words.is_serial(self.labels[i])), None
        )
        head = self.columns[: max(first if first is not None else len(self.columns), 1)]
        return head if first is not None else head[:3]


@dataclass
class Layout:
    """The blocks of a sheet and the kind of each of its rows."""

    blocks: list[Block]
    kinds: dict[int, str]


class _Grid:
    """A sheet's cells with what is asked of them again and again."""

    def __init__(self, sheet: Sheet) -> None:
        self.rows = sheet.rows
        self.width = sheet.width
        self._filled: dict[tuple[int, int, int], list[int]] = {}
        self.merges: dict[tuple[int, int], Range] = {}
        for area in sheet.merges:
            top, left, bottom, right = area
            if (bottom - top + 1) * (right - left + 1) > 100_000:
                continue
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


def find(sheet: Sheet) -> Layout:
    """Find every block of a sheet and say what each of its rows is.

    Returns
    -------
    Layout
        ``kinds`` covers each row of the sheet exactly once.
    """
    grid = _Grid(sheet)
    blocks: list[Block] = []
    by_row: dict[int, list[str]] = {row: [] for row in range(len(grid.rows))}
    for columns in _bands(grid):
        found, kinds = _band(grid, columns, alone=grid.width == 1)
        blocks += found
        for row, kind in kinds.items():
            by_row[row].append(kind)
    kinds = {}
    for row, found_kinds in by_row.items():
        loose = "note" if any(cell is not None for cell in grid.rows[row]) else "blank"
        strongest = min(found_kinds, key=ROW_KINDS.index, default="blank")
        kinds[row] = loose if strongest == "blank" else strongest
    return Layout(blocks, kinds)


# ---------------------------------------------------------------------------------------------------- bands


def _bands(grid: _Grid) -> list[list[int]]:
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
    bands: list[list[int]] = []
    for column in range(grid.width):
        if column not in filled:
            continue
        if bands and bands[-1][-1] == column - 1:
            bands[-1].append(column)
        else:
            bands.append([column])
    joined: list[list[int]] = []
    for band in bands:
        named = any(wordy.get(c, 0) * 2 > filled[c] + 2 for c in band)
        if joined and (len(band) == 1 or not named):
            joined[-1] += band
        else:
            joined.append(band)
    if not joined and grid.width:
        joined = [list(range(grid.width))]
    return joined


# ------------------------------------------------------------------------------------------------- one band


def _band(grid: _Grid, columns: list[int], *, alone: bool) -> tuple[list[Block], dict[int, str]]:
    counts = {row: len(grid.filled(row, columns)) for row in range(len(grid.rows))}
    several = sorted(n for n in counts.values() if n >= 2)
    kinds: dict[int, str] = {}
    blocks: list[Block] = []
    if not several:
        if alone:
            return _one_column(grid, columns, counts)
        return [], {row: "blank" if not n else "note" for row, n in counts.items()}
    enough = max(2, -(-several[int(0.8 * (len(several) - 1))] // 2))
    row, last = 0, len(grid.rows)
    while row < last:
        start = _header_row(grid, columns, counts, row, enough)
        if start is None:
            break
        header = _header_rows(grid, columns, start, row)
        above = []
        for r in range(row, header[0]):
            kinds[r] = _outside(grid, columns, r, "title")
            if kinds[r] != "blank":
                above.append(r)
        made, row = _blocks_under(grid, columns, header, above)
        for block in made:
            for r, kind in block.kinds.items():
                if r not in kinds or ROW_KINDS.index(kind) < ROW_KINDS.index(kinds[r]):
                    kinds[r] = kind
        blocks += made
    for r in range(row, last):
        kinds[r] = _outside(grid, columns, r, "note")
    return blocks, kinds


def _outside(grid: _Grid, columns: Sequence[int], row: int, otherwise: str) -> str:
    cells = [grid.rows[row][c] for c in grid.filled(row, columns)]
    if not cells:
        return "blank"
    if words.is_fill_in(cells):
        return "fill-in"
    return "note" if words.is_note(cells[0]) else otherwise


def _one_column(
    grid: _Grid, columns: list[int], counts: dict[int, int]
) -> tuple[list[Block], dict[int, str]]:
    """A list of names or numbers under one word; lines of prose are notes."""
    rows = [row for row, n in counts.items() if n]
    texts = [str(grid.rows[row][columns[0]]) for row in rows]
    prose = any(words.is_note(t) for t in texts[:1]) or sum(map(len, texts)) > 30 * max(len(texts), 1)
    if len(rows) < 2 or prose or is_number(grid.rows[rows[0]][columns[0]]):
        return [], {row: "note" if n else "blank" for row, n in counts.items()}
    numeric = sum(is_number(grid.rows[row][columns[0]]) for row in rows[1:]) * 2 > len(rows) - 1
    block = Block(columns, [_text(grid.rows[rows[0]][columns[0]])], [rows[0]], [numeric])
    for row, n in counts.items():
        block.kinds[row] = "header" if row == rows[0] else "data" if n else "blank"
    return [block], dict(block.kinds)


def _is_word(cell: Any) -> bool:
    """Whether a cell may stand in a header: words, years and dates."""
    if isinstance(cell, str):
        reading = read(cell)
        # 2018年 and 1月 are words here
        named = reading.kind != "number" or reading.rule == "unit_in_cell"
        return named or bool(re.fullmatch(r"(19|20)\d\d(\.\d+)?", reading.text))
    if isinstance(cell, float):
        return cell.is_integer() and 1990 <= cell <= 2100
    return isinstance(cell, dt.date)


def _counted(cells: Sequence[Any]) -> bool:
    """Whether cells are running numbers 1, 2, 3 (after 甲, 乙 perhaps), as printed below a header."""
    numbers = [float(str(c)) for c in cells if is_number(c) and re.fullmatch(r"\s*\d+(\.0)?\s*", str(c))]
    rest = [c for c in cells if not is_number(c)]
    return (
        len(numbers) >= 3
        and numbers == [float(i) for i in range(int(numbers[0]), int(numbers[0]) + len(numbers))]
        and numbers[0] in (0, 1)
        and len(numbers) + len(rest) == len(cells)
        and all(
            words.folded(c) in tuple("甲乙丙丁戊") or words.folded(c) in ("栏次", "行次", "序号")
            for c in rest
        )
    )


def _counts(cells: Sequence[Any]) -> bool:
    """Whether a header names its columns 1, 2, 3 beside a word."""
    return not all(map(is_number, cells)) and _counted([c for c in cells if is_number(c)])


def _header_row(
    grid: _Grid, columns: list[int], counts: dict[int, int], start: int, enough: int
) -> int | None:
    for row in range(start, len(grid.rows)):
        if counts[row] < 2:
            continue
        cells = [grid.rows[row][c] for c in grid.filled(row, columns)]
        if words.is_fill_in(cells):
            continue
        width = len({c for f in grid.filled(row, columns) for c in range(f, f + grid.span(row, f))})
        if width < enough:
            continue
        if sum(map(_is_word, cells)) * 2 >= len(cells) or _counts(cells):
            return row
        return None
    return None


def _header_rows(grid: _Grid, columns: list[int], row: int, start: int) -> list[int]:
    header = [row]
    while (
        header[0] > start
        and len(header) < _MOST_HEADER_ROWS
        and _is_parent(grid, columns, header[0] - 1, header[0])
    ):
        header.insert(0, header[0] - 1)
    while header[-1] + 1 < len(grid.rows) and len(header) < _MOST_HEADER_ROWS:
        if not _is_child(grid, columns, header, header[-1] + 1):
            break
        header.append(header[-1] + 1)
    return header


def _is_parent(grid: _Grid, columns: list[int], upper: int, lower: int) -> bool:
    filled = grid.filled(upper, columns)
    cells = [grid.rows[upper][c] for c in filled]
    if not cells or not all(map(_is_word, cells)) or words.is_fill_in(cells) or words.is_note(cells[0]):
        return False
    if any(grid.merges.get((upper, c), (0, 0, upper, 0))[2] > upper for c in filled):
        return True
    wide = [c for c in filled if 1 < grid.span(upper, c) < len(columns)]
    if wide and (len(filled) > 1 or wide[0] != columns[0]):
        return True
    if len(filled) < 2:
        return False
    below = set(grid.filled(lower, columns))
    down = [
        c
        for c in filled
        if c not in below or words.folded(grid.rows[lower][c]) == words.folded(grid.rows[upper][c])
    ]
    return bool(down) and any(c in below for c in columns if c not in filled and c > filled[0])


def _is_child(grid: _Grid, columns: list[int], header: list[int], row: int) -> bool:
    """Whether a row is a further level of the header above it."""
    filled = grid.filled(row, columns)
    last = header[-1]
    if any((row, c) in grid.merges and grid.merges[row, c][0] in header for c in columns):
        return True
    if len(filled) < 1:
        return False
    cells = [grid.rows[row][c] for c in filled]
    if len(filled) >= 2 and all(isinstance(c, str) and is_unit(c) for c in cells):
        return True
    if not all(map(_is_word, cells)) or any(words.total_kind(c) for c in cells[:1]):
        return False
    opened, closed, merged = _open_columns(grid, columns, header)
    if not opened & set(filled) or _recurs(grid, filled, row):
        return False
    if merged & set(filled):
        return True
    if not closed:
        return opened <= set(filled) and len({words.folded(c) for c in cells}) > 1
    return any(
        c not in filled or words.folded(grid.rows[row][c]) == words.folded(grid.label(last, c))
        for c in closed
    )


def _open_columns(grid: _Grid, columns: list[int], header: list[int]) -> tuple[set[int], set[int], set[int]]:
    """Columns below labels that span several, columns whose label is complete, columns below merged labels."""
    closed: set[int] = set()
    opened: set[int] = set()
    merged: set[int] = set()
    for level in header:
        labels = {c: grid.label(level, c) for c in columns}
        merged = {c for c in columns if grid.span(level, c) > 1 and labels[c] is not None}
        opened, parents = set(merged), set(merged)
        free = [c for c in columns if c not in closed]
        for left, c in itertools.pairwise(free):
            if c in merged:
                continue
            blank = labels[c] is None and (labels[left] is not None or left in opened) and left not in merged
            if blank or (labels[c] is not None and labels[c] == labels[left]):
                opened.add(c)
                parents |= {left, c}
        closed |= {c for c in free if labels[c] is not None and c not in parents}
    return opened, closed, merged


def _recurs(grid: _Grid, filled: list[int], row: int) -> bool:
    """Whether a row's words come back further down in their columns, as answers do and labels do not."""
    # where the row above comes back as well, the whole header is repeated, as on a new page
    below = [
        r
        for r in range(row + 1, min(row + 1 + _SAMPLE, len(grid.rows)))
        if grid.rows[r - 1] != grid.rows[row - 1]
    ]
    again = sum(1 for c in filled if any(grid.rows[r][c] == grid.rows[row][c] for r in below))
    return again * 3 > len(filled)


# --------------------------------------------------------------------------------------------------- labels


def _text(cell: Any) -> str:
    """A label as printed; only line breaks go."""
    if not isinstance(cell, str):
        return shown(cell)
    return re.sub(r"(?<=[!-~])[\r\n]+(?=[!-~])", " ", cell).replace("\r", "").replace("\n", "")


def _labels(grid: _Grid, columns: list[int], header: list[int]) -> list[str]:
    levels: list[dict[int, str | None]] = []
    for i, row in enumerate(header):
        level: dict[int, str | None] = {}
        for k, c in enumerate(columns):
            area = grid.merges.get((row, c))
            cell = grid.label(row, c) if not area or area[0] >= header[0] else None
            level[c] = _text(cell) if cell is not None else None
            if level[c] is None and k and i + 1 < len(header) and not area:
                left = columns[k - 1]
                # Blank in place of a merge: the label to the left holds for what stands below.
                below = any(grid.label(lower, c) is not None for lower in header[i + 1 :])
                same = all(upper[c] == upper[left] for upper in levels)
                whole = any(levels[j][c] is not None for j in range(i)) and not levels[i - 1][left]
                if below and same and not whole and (row, left) not in grid.merges:
                    level[c] = level[left]
        levels.append(level)
    out = []
    for c in columns:
        path: list[str] = []
        for level in levels:
            word = level[c]
            if word is not None and (not path or words.folded(path[-1]) != words.folded(word)):
                path.append(word)
        out.append("/".join(path))
    return out


# ------------------------------------------------------------------------------------------------------ rows


def _blocks_under(
    grid: _Grid, columns: list[int], header: list[int], above: list[int]
) -> tuple[list[Block], int]:
    labels = _labels(grid, columns, header)
    period = _period(labels)
    parts = [list(range(len(columns)))]
    if period:
        named = [i for i, label in enumerate(labels) if label]
        starts = named[::period]
        parts = [list(range(a, b)) for a, b in zip(starts, [*starts[1:], len(columns)], strict=True)]
    made: list[Block] = []
    end = len(grid.rows)
    for part in parts:
        block, stop = _block(grid, [columns[i] for i in part], [labels[i] for i in part], header, above)
        made.append(block)
        end = min(end, stop) if period else stop
    for block in made:
        block.kinds = {row: kind for row, kind in block.kinds.items() if row < end}
    return made, end


def _period(labels: list[str]) -> int:
    """Number of labels after which they repeat to the end, or 0."""
    named = [words.folded(label) for label in labels if label]
    for period in range(2, len(named) // 2 + 1):
        if len(named) % period == 0 and all(named[i] == named[i % period] for i in range(len(named))):
            return period if len(set(named[:period])) > 1 else 0
    return 0


def _block(
    grid: _Grid, columns: list[int], labels: list[str], header: list[int], above: list[int]
) -> tuple[Block, int]:
    first = header[-1] + 1
    block = Block(
        columns, labels, header, _numeric(grid, columns, _first_rows(grid, columns, first)), above=above
    )
    block.kinds.update(dict.fromkeys(header, "header"))
    row = first
    while row < len(grid.rows):
        if row > first and _starts_table(grid, block, row):
            row = _back_to_titles(grid, block, row)
            break
        block.kinds[row] = _row_kind(grid, block, row, row - first)
        if block.kinds[row] == "header" and row > first:
            for title in _lone_names(grid, block, row):
                block.kinds[title] = "section"
        row += 1
    _settle(grid, block)
    data = block.rows("data")
    block.numeric = _numeric(grid, columns, data[:_SAMPLE])
    bare = {
        i
        for i, c in enumerate(columns)
        if not labels[i] and all(grid.rows[r][c] is None for r in (*data, *block.rows("total")))
    }
    kept = [i for i in range(len(columns)) if i not in bare]
    block.columns = [columns[i] for i in kept]
    block.labels = [labels[i] or f"({letters(columns[i])})" for i in kept]
    block.numeric = [block.numeric[i] for i in kept]
    block.folded = []
    return block, row


def _first_rows(grid: _Grid, columns: list[int], first: int) -> list[int]:
    """Rows below a header down to the first gap: what they hold tells columns of numbers from columns of words."""
    rows: list[int] = []
    for row in range(first, min(first + _SAMPLE, len(grid.rows))):
        n = len(grid.filled(row, columns))
        if not n and rows:
            break
        if n >= 2:
            rows.append(row)
    return rows


def _numeric(grid: _Grid, columns: list[int], rows: list[int]) -> list[bool]:
    out = []
    for c in columns:
        cells = [grid.rows[r][c] for r in rows]
        numbers = sum(map(is_number, cells))
        others = sum(1 for cell in cells if cell is not None and not is_number(cell) and not _is_mark(cell))
        out.append(numbers > others)
    return out


def _lone_names(grid: _Grid, block: Block, row: int) -> list[int]:
    """Rows just above a header that hold one text unlike the names of the table: titles of what follows."""
    names = {
        str(grid.rows[r][c]).strip()[-1:]
        for r in block.rows("data")
        for c in block.columns[:2]
        if len(grid.filled(r, block.columns)) > 1
    }
    out = []
    while (row := row - 1) in block.kinds:
        filled = grid.filled(row, block.columns)
        if not filled:
            continue
        cell = grid.rows[row][filled[0]]
        if len(filled) > 1 or block.kinds[row] != "data" or not isinstance(cell, str):
            break
        if cell.strip()[-1:] in names:
            break
        out.append(row)
    return out


def _row_kind(grid: _Grid, block: Block, row: int, place: int) -> str:
    filled = grid.filled(row, block.columns)
    if not filled:
        return "blank"
    line = grid.rows[row]
    cells = [line[c] for c in filled]
    if place < 2 and _counted(cells) and len(cells) * 2 >= len(block.columns):
        return "header"
    if len(filled) >= 2 and _repeats_header(grid, block, line, filled):
        return "header"
    first = cells[0]
    if isinstance(first, str):
        if len(filled) <= 3 and words.is_note(first):
            return "note"
        if words.is_fill_in(cells) and len(filled) <= 8 and not any(isinstance(c, float) for c in cells[2:]):
            return "fill-in"
    if any(isinstance(line[c], str) and words.total_kind(line[c]) for c in block.keys):
        return "total"
    if len(filled) == 1:
        return _single(grid, block, row, filled[0])
    return "data"


def _repeats_header(grid: _Grid, block: Block, line: Sequence[Any], filled: list[int]) -> bool:
    if not block.folded:
        block.folded = [{c: words.folded(grid.label(h, c)) for c in block.columns} for h in block.header]
    first = words.folded(line[filled[0]])
    return any(
        first == level[filled[0]] and all(words.folded(line[c]) == level[c] for c in filled)
        for level in block.folded
    )


def _single(grid: _Grid, block: Block, row: int, column: int) -> str:
    cell = grid.rows[row][column]
    at = block.columns.index(column)
    if words.is_serial(block.labels[at]) and is_number(cell):
        return "form"
    if not isinstance(cell, str) or is_number(cell):
        return "data"
    if (
        len(block.columns) > 1
        and grid.span(row, column) * 2 >= len(block.columns)
        and grid.span(row, column) > 1
    ):
        return "section"
    if words.is_section(cell) or len(cell) > _LONG:
        return "section"
    return "data"


def _settle(grid: _Grid, block: Block) -> None:
    """Lone texts below the last full row are notes, unless they are named like the rows above."""
    full = [
        r for r, k in block.kinds.items() if k in ("data", "total") and len(grid.filled(r, block.columns)) > 1
    ]
    last = max(full, default=-1)
    names = [str(grid.rows[r][c]).strip()[-1:] for r in full for c in block.keys[-1:] if grid.rows[r][c]]
    for row, kind in block.kinds.items():
        if kind == "section" and row > last:
            block.kinds[row] = "note"
        elif kind == "data" and row > last and len(block.columns) > 1:
            filled = grid.filled(row, block.columns)
            cell = grid.rows[row][filled[0]]
            if isinstance(cell, str) and not is_number(cell) and cell.strip()[-1:] not in names:
                block.kinds[row] = "note"


def _starts_table(grid: _Grid, block: Block, row: int) -> bool:
    """Whether a row of words heads another table: words where this table has numbers, numbers below."""
    line = grid.rows[row]
    if any(type(line[c]) is float for c in block.columns):
        return False
    filled = grid.filled(row, block.columns)
    cells = [line[c] for c in filled]
    if len(filled) < 2 or not all(isinstance(c, str) and not is_number(c) for c in cells):
        return False
    if words.is_fill_in(cells) or words.is_note(cells[0]) or words.total_kind(cells[0]):
        return False
    if "data" not in block.kinds.values():
        return False
    if _repeats_header(grid, block, line, filled):
        return False
    over = [c for c, n in zip(block.columns, block.numeric, strict=True) if n and c in filled]
    wordy = [c for c in over if len(words.folded(grid.rows[row][c])) >= 2 and not _is_mark(grid.rows[row][c])]
    numbers = sum(block.numeric)
    if not numbers or len(wordy) * 2 < min(len(filled), numbers) or not wordy:
        return False
    below: Iterable[int] = range(row + 1, min(row + 6, len(grid.rows)))
    return any(is_number(grid.rows[r][c]) for r in below for c in filled)


def _is_mark(cell: Any) -> bool:
    """Whether a text stands where a number is missing or was spoilt."""
    return isinstance(cell, str) and read(cell).kind in ("missing", "none", "error", "range", "lossy")


def _back_to_titles(grid: _Grid, block: Block, row: int) -> int:
    """Titles and fill-in lines just above another table are that table's: go back over them."""
    lone = set(_lone_names(grid, block, row))
    while block.kinds.get(row - 1) in ("section", "fill-in", "title", "note") or row - 1 in lone:
        row -= 1
        del block.kinds[row]
    return row
