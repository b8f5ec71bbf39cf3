"""Where the tables stand on a sheet, and what every row of it is.

A sheet is parted into bands by its blank columns; ``header`` finds the header of a band. Below it each row
is data, a total, a note, a repeated header, a section or blank, until another header begins. Labels that
repeat from left to right are blocks set side by side.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Any

from commlab.intake import words
from commlab.intake.grid import ROW_KINDS, Block, Grid, Layout, bands, is_mark
from commlab.intake.header import as_label, header_row, header_rows, is_counted, joined_labels
from commlab.intake.sheets import Sheet, letters
from commlab.intake.values import is_code_label, is_number

__all__ = ["ROW_KINDS", "Block", "Layout", "find"]

_SAMPLE = 200
_TOLD_NUMBER = re.compile(
    r"[\d零〇一二三四五六七八九十百千万两半几约近多余不无未暂待同]"
)  # 五十, ▲5, 不清楚, 同上: no label
_LONG = 40


def find(sheet: Sheet, *, header: bool = True) -> Layout:
    """Find every block of a sheet and say what each of its rows is.

    Parameters
    ----------
    sheet : Sheet
    header : bool
        Whether its tables have rows of labels; without, their columns are called by their letters.

    Returns
    -------
    Layout
        ``kinds`` covers each row of the sheet exactly once.
    """
    grid = Grid(sheet)
    blocks: list[Block] = []
    by_row: dict[int, list[str]] = {row: [] for row in range(len(grid.rows))}
    for columns in bands(grid):
        found, kinds = _band(grid, columns, alone=grid.width == 1, labelled=header)
        blocks += found
        for row, kind in kinds.items():
            by_row[row].append(kind)
    kinds = {}
    for row, found_kinds in by_row.items():
        loose = "note" if any(cell is not None for cell in grid.rows[row]) else "blank"
        strongest = min(found_kinds, key=ROW_KINDS.index, default="blank")
        kinds[row] = loose if strongest == "blank" else strongest
    return Layout(blocks, kinds)


# ------------------------------------------------------------------------------------------------- one band


def _band(
    grid: Grid, columns: list[int], *, alone: bool, labelled: bool
) -> tuple[list[Block], dict[int, str]]:
    counts = {row: len(grid.filled(row, columns)) for row in range(len(grid.rows))}
    several = sorted(n for n in counts.values() if n >= 2)
    kinds: dict[int, str] = {}
    blocks: list[Block] = []
    if not several:
        if alone:
            return _one_column(grid, columns, counts)
        return [], {row: "blank" if not n else "note" for row, n in counts.items()}
    enough = max(2, -(-several[int(0.8 * (len(several) - 1))] // 2))
    if not labelled:
        return _without_labels(grid, columns, counts, enough)
    row, last = 0, len(grid.rows)
    while row < last:
        start = header_row(grid, columns, counts, row, enough)
        if start is None:
            break
        header = header_rows(grid, columns, start, row)
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


def _without_labels(
    grid: Grid, columns: list[int], counts: dict[int, int], enough: int
) -> tuple[list[Block], dict[int, str]]:
    """A table that begins with its first row of a number beside words; its columns are called by their letters."""
    rows = (r for r, n in counts.items() if n >= enough and any(map(is_number, grid.rows[r])))
    first = next((r for r in rows if _outside(grid, columns, r, "") == ""), None)
    if first is None:
        return [], {row: _outside(grid, columns, row, "note") for row in counts}
    kinds = {row: _outside(grid, columns, row, "title") for row in range(first)}
    above = [row for row, kind in kinds.items() if kind != "blank"]
    block, _ = _block(grid, columns, [letters(c) for c in columns], [], above, first)
    return [block], kinds | block.kinds


def _outside(grid: Grid, columns: Sequence[int], row: int, otherwise: str) -> str:
    cells = [grid.rows[row][c] for c in grid.filled(row, columns)]
    if not cells:
        return "blank"
    if words.is_fill_in(cells):
        return "fill-in"
    return "note" if words.is_note(cells[0]) else otherwise


def _one_column(grid: Grid, columns: list[int], counts: dict[int, int]) -> tuple[list[Block], dict[int, str]]:
    """A list of names or numbers under one word; lines of prose are notes."""
    rows = [row for row, n in counts.items() if n]
    texts = [str(grid.rows[row][columns[0]]) for row in rows]
    prose = any(words.is_note(t) for t in texts[:1]) or sum(map(len, texts)) > 30 * max(len(texts), 1)
    if len(rows) < 2 or prose or is_number(grid.rows[rows[0]][columns[0]]):
        return [], {row: "note" if n else "blank" for row, n in counts.items()}
    numeric = sum(is_number(grid.rows[row][columns[0]]) for row in rows[1:]) * 2 > len(rows) - 1
    block = Block(columns, [as_label(grid.rows[rows[0]][columns[0]])], [rows[0]], [numeric])
    for row, n in counts.items():
        block.kinds[row] = "header" if row == rows[0] else "data" if n else "blank"
    return [block], dict(block.kinds)


# ------------------------------------------------------------------------------------------------------ rows


def _blocks_under(
    grid: Grid, columns: list[int], header: list[int], above: list[int]
) -> tuple[list[Block], int]:
    labels = joined_labels(grid, columns, header)
    period = _period(labels)
    parts = [list(range(len(columns)))]
    if period:
        named = [i for i, label in enumerate(labels) if label]
        starts = named[::period]
        parts = [list(range(a, b)) for a, b in zip(starts, [*starts[1:], len(columns)], strict=True)]
    made: list[Block] = []
    end = len(grid.rows)
    for part in parts:
        own = [labels[i] for i in part]
        block, stop = _block(grid, [columns[i] for i in part], own, header, above, header[-1] + 1)
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
    grid: Grid, columns: list[int], labels: list[str], header: list[int], above: list[int], first: int
) -> tuple[Block, int]:
    block = Block(
        columns,
        labels,
        header,
        _numeric(grid, columns, labels, _first_rows(grid, columns, first)),
        above=above,
    )
    block.kinds.update(dict.fromkeys(header, "header"))
    row = first
    while row < len(grid.rows):
        if not grid.filled(row, columns):
            block.kinds[row] = "blank"
            row += 1
            continue
        if header and row > first and _starts_table(grid, block, row):
            row = _back_to_titles(grid, block, row)
            break
        block.kinds[row] = _row_kind(grid, block, row, row - first)
        if block.kinds[row] == "header" and row > first:
            for title in _lone_names(grid, block, row):
                block.kinds[title] = "section"
        row += 1
    _settle(grid, block)
    data = block.rows("data")
    block.numeric = _numeric(grid, columns, labels, data[:_SAMPLE])
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
    block.find_keys()
    return block, row


def _first_rows(grid: Grid, columns: list[int], first: int) -> list[int]:
    """Rows below a header down to the first gap: they tell columns of numbers from columns of words."""
    rows: list[int] = []
    for row in range(first, min(first + _SAMPLE, len(grid.rows))):
        n = len(grid.filled(row, columns))
        if not n and rows:
            break
        if n >= 2:
            rows.append(row)
    return rows


def _numeric(grid: Grid, columns: list[int], labels: list[str], rows: list[int]) -> list[bool]:
    """Which columns hold numbers that are counted or measured; codes are names."""
    out = []
    for c, label in zip(columns, labels, strict=True):
        cells = [grid.rows[r][c] for r in rows]
        if is_code_label(label):
            out.append(False)
            continue
        numbers = sum(map(is_number, cells))
        others = sum(1 for cell in cells if cell is not None and not is_number(cell) and not is_mark(cell))
        out.append(numbers > others)
    return out


def _lone_names(grid: Grid, block: Block, row: int) -> list[int]:
    """Rows just above a header that hold one text unlike the names of the table: titles of what follows."""
    lone = []
    while (row := row - 1) in block.kinds:
        filled = grid.filled(row, block.columns)
        if not filled:
            continue
        if len(filled) > 1 or block.kinds[row] != "data" or not isinstance(grid.rows[row][filled[0]], str):
            break
        lone.append((row, grid.rows[row][filled[0]].strip()[-1:]))
    if not lone or block.kinds.get(lone[-1][0] - 1) in ("blank", "total"):
        return [above for above, _ in lone]
    names = {
        str(grid.rows[r][c]).strip()[-1:]
        for r in block.rows("data")
        for c in block.columns[:2]
        if len(grid.filled(r, block.columns)) > 1
    }
    return [row for row, _ in takewhile(lambda found: found[1] not in names, lone)]


def _row_kind(grid: Grid, block: Block, row: int, place: int) -> str:
    filled = grid.filled(row, block.columns)
    line = grid.rows[row]
    cells = [line[c] for c in filled]
    if place < 2 and is_counted(grid, block.columns, row):
        return "header"
    if len(filled) >= 2 and _repeats_header(grid, block, line, filled):
        return "header"
    first = cells[0]
    if isinstance(first, str):
        if len(filled) <= 3 and (words.is_note(first) or _opens_note(grid, block, row, filled)):
            return "note"
        if words.is_fill_in(cells) and len(filled) <= 8 and not any(isinstance(c, float) for c in cells[2:]):
            return "fill-in"
    if any(isinstance(line[c], str) and words.total_kind(line[c]) for c in block.keys):
        return "data" if _is_scope(block, line, filled) else "total"
    if words.is_part(first) and block.kinds.get(row - 1) == "total":
        return "total"
    if len(filled) == 1:
        return _single(grid, block, row, filled[0])
    return "data"


def _is_scope(block: Block, line: Sequence[Any], filled: list[int]) -> bool:
    """Whether 全区 says how far an entry of a list reaches: it sums up nothing, and words say what the entry is."""
    told = [c for c in filled if isinstance(line[c], str) and words.total_kind(line[c])]
    wordy = [
        c
        for c in filled
        if isinstance(line[c], str) and c not in told and not is_number(line[c]) and not is_mark(line[c])
    ]
    if not all(words.is_whole(line[c]) for c in told):
        return False
    numbers = any(n and is_number(line[c]) for c, n in zip(block.columns, block.numeric, strict=True))
    return len(wordy) >= (2 if numbers else 1)


def _opens_note(grid: Grid, block: Block, row: int, filled: list[int]) -> bool:
    """Whether a row is 备注 and words, where the table has numbers."""
    numeric = {c for c, n in zip(block.columns, block.numeric, strict=True) if n}
    told = [grid.rows[row][c] for c in filled[1:]]
    return (
        words.is_note_word(grid.rows[row][filled[0]])
        and bool(told)
        and filled[1] in numeric
        and all(isinstance(cell, str) and not is_number(cell) and not is_mark(cell) for cell in told)
    )


def _repeats_header(grid: Grid, block: Block, line: Sequence[Any], filled: list[int]) -> bool:
    if not block.folded:
        block.folded = [{c: words.folded(grid.label(h, c)) for c in block.columns} for h in block.header]
    first = words.folded(line[filled[0]])
    return any(
        first == level[filled[0]] and all(words.folded(line[c]) == level[c] for c in filled)
        for level in block.folded
    )


def _single(grid: Grid, block: Block, row: int, column: int) -> str:
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


def _settle(grid: Grid, block: Block) -> None:
    """Lone texts below the last full row are notes, unless they are named like the rows above; streets without a
    number above their communities are headings."""
    named = [c for c, label in zip(block.columns, block.labels, strict=True) if not words.is_serial(label)]
    if len(named) < 2:  # 编号 beside one column is what tells its rows apart
        named = block.columns
    told = {row: [c for c in grid.filled(row, block.columns) if c in named] for row in block.kinds}
    full = [r for r, k in block.kinds.items() if k in ("data", "total") and len(told[r]) > 1]
    last = max(full, default=-1)
    names = [words.folded(grid.rows[r][c]) for r in full for c in block.keys[-1:] if grid.rows[r][c]]
    highest = max(map(words.level, names), default=9)
    for row, kind in block.kinds.items():
        if kind == "data" and row < last and told[row] == block.keys[-1:]:
            if words.level(words.folded(grid.rows[row][block.keys[-1]])) > highest:
                block.kinds[row] = "section"
        elif kind == "section" and row > last:
            block.kinds[row] = "note"
        elif kind == "data" and row > last and len(block.columns) > 1:
            cell = grid.rows[row][grid.filled(row, block.columns)[0]]
            if (
                isinstance(cell, str)
                and not is_number(cell)
                and cell.strip()[-1:] not in {n[-1:] for n in names}
            ):
                block.kinds[row] = "note"


def _starts_table(grid: Grid, block: Block, row: int) -> bool:
    """Whether a row of words heads another table: words where this table has numbers, numbers below."""
    line = grid.rows[row]
    if any(type(line[c]) is float for c in block.columns):
        return False
    filled = grid.filled(row, block.columns)
    cells = [line[c] for c in filled]
    if len(filled) < 2 or not all(isinstance(c, str) and not is_number(c) for c in cells):
        return False
    if words.is_fill_in(cells) or words.is_note(cells[0]):
        return False
    if any(words.total_kind(line[c]) for c in filled if c in block.keys):
        return False
    if "data" not in block.kinds.values():
        return False
    if _repeats_header(grid, block, line, filled):
        return False
    over = [c for c, n in zip(block.columns, block.numeric, strict=True) if n and c in filled]
    wordy = [c for c in over if len(words.folded(grid.rows[row][c])) >= 2 and not is_mark(grid.rows[row][c])]
    numbers = sum(block.numeric)
    if len(wordy) == 1 and block.kinds.get(row - 1) == "data" and _TOLD_NUMBER.search(line[wordy[0]]):
        return False
    if not numbers or len(wordy) * 2 < min(len(filled), numbers) or not wordy:
        return False
    below: Iterable[int] = range(row + 1, min(row + 6, len(grid.rows)))
    return any(is_number(grid.rows[r][c]) for r in below for c in filled)


def _back_to_titles(grid: Grid, block: Block, row: int) -> int:
    """Titles and fill-in lines just above another table are that table's: go back over them."""
    lone = set(_lone_names(grid, block, row))
    while block.kinds.get(row - 1) in ("section", "fill-in", "title", "note") or row - 1 in lone:
        row -= 1
        del block.kinds[row]
    return row
