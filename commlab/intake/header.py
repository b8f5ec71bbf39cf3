"""Which rows of a band are its header, and what its columns are called.

The header is the first row that fills at least half of the table's width with words; rows above it join when
merged cells or blanks say that they are its upper levels, rows below it when it leaves labels open.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Sequence
from typing import Any

from commlab.intake import words
from commlab.intake.grid import Grid, is_mark
from commlab.intake.readings import read
from commlab.intake.units import is_unit
from commlab.intake.values import is_number, shown

__all__ = ["as_label", "header_row", "header_rows", "is_counted", "joined_labels"]

_MOST_HEADER_ROWS = 4
_MOST_PASSED = 2
_SAMPLE = 200
_STEMS = "甲乙丙丁戊己庚辛壬癸"
_WHOSE = re.compile(r"\d年|季度|月份|单位|[区县市]$")
_COUNT_WORDS = words.word_set("栏次 行次 序号")


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


def is_counted(grid: Grid, columns: Sequence[int], row: int) -> bool:
    """Whether a row below a header counts its columns: 1, 2, 3, after 甲, 乙 or 栏次 perhaps.

    A community may be called 甲, and numbers may happen to be 1, 2, 3: the rows below tell.
    """
    filled = grid.filled(row, columns)
    words_at = [c for c in filled if not is_number(grid.rows[row][c])]
    told = [words.folded(grid.rows[row][c]) for c in words_at]
    if len(filled) * 2 < len(columns) or len(filled) < 2 or not _counts_up(grid, row, filled):
        return False
    if told and set(told) <= _COUNT_WORDS:
        return True
    if told and told != list(_STEMS[: len(told)]):
        return False
    below = [r for r in range(row + 1, min(row + 1 + _SAMPLE, len(grid.rows))) if grid.filled(r, columns)]
    if told:
        return bool(below) and words.folded(grid.rows[below[0]][words_at[0]]) not in _STEMS
    named = [c for c in filled if any(_names(grid.rows[r][c]) for r in below)]
    return len(filled) >= 3 and bool(named)


def _names(cell: Any) -> bool:
    return isinstance(cell, str) and read(cell).kind == "text"


def _counts_up(grid: Grid, row: int, filled: Sequence[int]) -> bool:
    cells = [grid.rows[row][c] for c in filled if is_number(grid.rows[row][c])]
    numbers = [float(str(c)) for c in cells if re.fullmatch(r"\s*\d+(\.0)?\s*", str(c))]
    if not numbers or len(numbers) < len(cells) or numbers[0] not in (0, 1):
        return False
    return numbers == [numbers[0] + i for i in range(len(numbers))]


def _counts(grid: Grid, row: int, filled: Sequence[int]) -> bool:
    """Whether a header names its columns 1, 2, 3 beside a word."""
    numbers = sum(is_number(grid.rows[row][c]) for c in filled)
    return 3 <= numbers < len(filled) and _counts_up(grid, row, filled)


def header_row(grid: Grid, columns: list[int], counts: dict[int, int], start: int, enough: int) -> int | None:
    passed = 0
    for row in range(start, len(grid.rows)):
        if counts[row] < 2:
            continue
        filled = grid.filled(row, columns)
        cells = [grid.rows[row][c] for c in filled]
        if words.is_fill_in(cells):
            continue
        width = len({c for f in filled for c in range(f, f + grid.span(row, f))})
        if width < enough:
            continue
        named = sum(map(_is_word, cells))
        # Below a line of numbers (columns counted, a date in pieces) only a row of nothing but words will do.
        mixed = named * 2 >= len(cells) and _heads_numbers(grid, filled, row)
        if named == len(cells) or (not passed and (mixed or _counts(grid, row, filled))):
            return row + 1 if _is_subtitle(grid, columns, row) else row
        passed += 1
        if passed > _MOST_PASSED:
            return None
    return None


def _heads_numbers(grid: Grid, filled: Sequence[int], row: int) -> bool:
    """Whether words stand above numbers: a row that is words above words and numbers above numbers is a row of data."""
    words_at = [c for c in filled if _is_word(grid.rows[row][c]) and not is_mark(grid.rows[row][c])]
    below = grid.rows[row + 1 : row + 1 + _SAMPLE]
    return any(sum(is_number(line[c]) for line in below) * 2 > len(below) for c in words_at)


def _is_subtitle(grid: Grid, columns: list[int], row: int) -> bool:
    """Whether a row of few words (a district and a quarter, say) stands above a full header of one level."""
    if row + 2 >= len(grid.rows) or any((row, c) in grid.merges for c in columns):
        return False
    filled, below = grid.filled(row, columns), grid.filled(row + 1, columns)
    cells = [grid.rows[row + 1][c] for c in below]
    return (
        len(filled) < len(below) == len(columns)
        and all(map(_is_word, cells))
        and not _is_child(grid, columns, [row], row + 1)
        and any(is_number(grid.rows[row + 2][c]) for c in below)
    )


def header_rows(grid: Grid, columns: list[int], row: int, start: int) -> list[int]:
    header = list(range(_first_above(grid, columns, row, start), row + 1))
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


def _first_above(grid: Grid, columns: list[int], row: int, start: int) -> int:
    """The row above a header that names a column which the header leaves open, or the header's own.

    Without merged cells, the names of groups and of the first columns stand in the upper rows only.
    """
    here = set(grid.filled(row, columns))
    below = grid.rows[row + 1 : row + 1 + _SAMPLE]
    bare = [
        c for c in columns if c not in here and sum(line[c] is not None for line in below) * 2 > len(below)
    ]
    for upper in range(row - 1, max(start, row + 1 - _MOST_HEADER_ROWS) - 1, -1):
        filled = grid.filled(upper, columns)
        cells = [grid.rows[upper][c] for c in filled]
        if (
            len(filled) < 2
            or not all(map(_is_word, cells))
            or words.is_fill_in(cells)
            or words.is_note(cells[0])
        ):
            break
        if set(bare) & set(filled):
            return upper
    return row


def _is_parent(grid: Grid, columns: list[int], upper: int, lower: int) -> bool:
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
    groups = all(c + 1 in columns and c + 1 not in filled and c + 1 in below for c in filled)
    if groups and filled[0] > columns[0] and below == set(columns) and not any(map(_is_place_or_time, cells)):
        return True
    down = [
        c
        for c in filled
        if c not in below or words.folded(grid.rows[lower][c]) == words.folded(grid.rows[upper][c])
    ]
    return bool(down) and any(c in below for c in columns if c not in filled and c > filled[0])


def _is_place_or_time(cell: Any) -> bool:
    """Whether a cell of a line above the labels says whose table it is, or when: such a line is a title."""
    return not isinstance(cell, str) or bool(_WHOSE.search(words.folded(cell)))


def _is_child(grid: Grid, columns: list[int], header: list[int], row: int) -> bool:
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
    if not all(map(_is_word, cells)):
        return False
    opened, closed, merged = _open_columns(grid, columns, header)
    if not opened & set(filled) or _recurs(grid, filled, row):
        return False
    if any(words.total_kind(grid.rows[row][c]) for c in filled if c in closed):
        return False
    if merged & set(filled):
        return True
    if not closed:
        return False
    return any(
        c not in filled or words.folded(grid.rows[row][c]) == words.folded(grid.label(last, c))
        for c in closed
    )


def _open_columns(grid: Grid, columns: list[int], header: list[int]) -> tuple[set[int], set[int], set[int]]:
    """Columns below labels that span several, columns with a complete label, columns below merged labels."""
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


def _recurs(grid: Grid, filled: list[int], row: int) -> bool:
    """Whether a row's words come back further down in their columns, as answers do and labels do not."""
    # where the row above comes back as well, the whole header is repeated, as on a new page
    below = [
        r
        for r in range(row + 1, min(row + 1 + _SAMPLE, len(grid.rows)))
        if grid.rows[r - 1] != grid.rows[row - 1]
    ]
    again = sum(1 for c in filled if any(grid.rows[r][c] == grid.rows[row][c] for r in below))
    return again * 3 > len(filled)


def as_label(cell: Any) -> str:
    """A label as printed; only line breaks go."""
    if not isinstance(cell, str):
        return shown(cell)
    return re.sub(r"(?<=[!-~])[\r\n]+(?=[!-~])", " ", cell).replace("\r", "").replace("\n", "")


def joined_labels(grid: Grid, columns: list[int], header: list[int]) -> list[str]:
    levels: list[dict[int, str | None]] = []
    for i, row in enumerate(header):
        level: dict[int, str | None] = {}
        for k, c in enumerate(columns):
            area = grid.merges.get((row, c))
            cell = grid.label(row, c) if not area or area[0] >= header[0] else None
            level[c] = as_label(cell) if cell is not None else None
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
