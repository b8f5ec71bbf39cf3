"""The layout of pages and tables: which page a table needs, how wide its columns are, what goes with it.

Widths are counted in characters, so that Word and PDF pages come out alike and no font has to be measured.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from commlab.report.document import Table

__all__ = [
    "CELL_PADDING_PT",
    "LINE_HEIGHT",
    "PAGE_PT",
    "POINTS_PER_MM",
    "TEXT_WIDTH_MM",
    "characters",
    "laid_out",
    "row_heights",
]

TEXT_WIDTH_MM = (156.0, 223.0)
"""Width of the text on an upright and on a landscape page (A4, GB/T 9704 margins)."""
PAGE_PT = (638.0, 442.0)
"""Height of the text on an upright and on a landscape page, in points."""
CELL_PADDING_PT = 9.0
SHORTEST_LINE = 12
"""Half-width characters (six Chinese ones) that a column of text has at least, so that it can be read."""
LONGEST_UNBROKEN = 24.0
"""Words and numbers up to this length are never broken."""
LATIN_WIDTH = 1.15
"""Width of a Latin letter where half a Chinese character is 1."""
DIGIT_WIDTH = 1.0
"""Width of a digit, as it is set in tables."""
BROAD_MORE = 0.7
"""How much wider a capital or a per cent sign is than other Latin characters."""
_BROAD = re.compile(r"[A-Z%@]")
NARROW_LESS = 0.4
"""How much narrower a point, comma, bracket or space is."""
_NARROW = re.compile(r"[ .,:;()\[\]]")
SEAM = 0.5
"""Space that word processors set between a Chinese character and a Latin one."""
_SEAM = re.compile(r"(?<=[\u2e80-\u9fff])(?=[0-9A-Za-z])|(?<=[0-9A-Za-z%])(?=[\u2e80-\u9fff])")
SNUG = 0.05
"""What a table costs whose columns leave nothing to spare, in pages."""
HEADER_LINES = 3
"""Lines that the header of a narrow column of numbers may take."""
SHORT_HEADER = 6
"""A header of at most three Chinese characters is not broken."""
LINE_HEIGHT = 1.3
"""Height of a line in a table, in type sizes."""
ROW_PADDING_PT = 3.0
POINTS_PER_MM = 72 / 25.4


@dataclass(frozen=True)
class Page:
    """A page that a table is tried on; ``dearer`` and ``extra`` say what small type and turning cost."""

    landscape: bool
    size_pt: float
    dearer: float
    extra: float


PAGES = (
    Page(False, 12.0, 1.0, 0.0),
    Page(False, 10.5, 1.15, 0.05),
    Page(True, 10.5, 1.15, 0.5),
    Page(False, 9.0, 1.6, 0.3),
    Page(True, 9.0, 1.6, 0.8),
)
"""Upright or landscape, in 小四, 五号 or 小五."""


def characters(text: str, *, latin: float = LATIN_WIDTH) -> float:
    """Length of the longest line, in halves of a Chinese character.

    Latin letters and digits of the reports' own fonts are a little wider than half a Chinese character, those
    of Times New Roman narrower.

    >>> characters("五华区"), round(characters("81.3"), 2)
    (6.0, 4.14)
    """
    return max(2.0 * wide + latin * narrow for wide, narrow in _counted(text))


@lru_cache(maxsize=1 << 14)
def _counted(text: str) -> tuple[tuple[int, float], ...]:
    """Chinese and other characters of every line; the same cells are measured for several pages and formats."""
    lines = text.split("\n")
    wide = [0 if x.isascii() else sum(unicodedata.east_asian_width(c) in "WFA" for c in x) for x in lines]
    return tuple(
        (
            w,
            len(x)
            - w
            + len(_BROAD.findall(x)) * BROAD_MORE
            - len(_NARROW.findall(x)) * NARROW_LESS
            + len(_SEAM.findall(x)) * SEAM,
        )
        for w, x in zip(wide, lines, strict=True)
    )


def _longest_word(text: str, latin: float) -> float:
    """What cannot be broken over lines: Latin words and numbers; Chinese breaks anywhere."""
    words = "".join(" " if unicodedata.east_asian_width(c) in "WF" else c for c in text).split()
    return max((characters(word, latin=latin) for word in words), default=0.0)


@dataclass(frozen=True)
class _Need:
    """Widths of one column, in halves of a Chinese character.

    ``hard`` breaks no number, ``least`` no word of the header either; ``wish`` keeps nine cells in ten on one
    line, ``most`` all of them.
    """

    hard: float
    least: float
    wish: float
    most: float


def laid_out(table: Table) -> Table:
    """Choose page, type size and shares of the width.

    Every column gets what it needs at least; what is left is shared out by what they wish. Of the ``PAGES``
    that hold every minimum, the one on which the table takes the least room wins; an upright page is set
    snugly before a table is turned.

    Raises
    ------
    ValueError
        If the numbers of all columns do not fit side by side on any page.
    """
    ways = LATIN_WIDTH, DIGIT_WIDTH  # letters with room to spare; as narrow as digits are
    loose, tight = (
        [[[characters(x, latin=latin) for x in cell.split("\n")] for cell in row] for row in table.rows]
        for latin in ways
    )
    needs, closer = ([_need(table, j, latin) for j in range(len(table.columns))] for latin in ways)
    roomy, snug = ([n.least for n in each] for each in (needs, closer))
    hard = [n.hard for n in closer]
    for tried in (((roomy, loose, 0.0), (snug, tight, SNUG)), ((hard, tight, 0.0),)):
        costs: list[tuple[float, int, list[float]]] = []
        for least, lengths, extra in tried:
            for k, page in enumerate(PAGES):
                room = _room(page, len(needs))
                lowest = len(lengths) * (page.size_pt * LINE_HEIGHT + ROW_PADDING_PT)
                bound = page.dearer * lowest / PAGE_PT[page.landscape] + page.extra + extra
                if sum(least) <= room and (not costs or bound < min(costs)[0]):
                    widths = _widths(least, needs if lengths is loose else closer, room)
                    height = sum(row_heights(lengths, widths, page.size_pt))
                    cost = page.dearer * height / PAGE_PT[page.landscape] + page.extra + extra
                    costs.append((cost, k, widths))
        if costs:
            _, k, widths = min(costs)
            page = PAGES[k]
            padding = CELL_PADDING_PT / (page.size_pt / 2)
            total = sum(widths) + padding * len(widths)
            columns = zip(table.columns, widths, strict=True)
            shares = tuple(replace(c, share=(w + padding) / total) for c, w in columns)
            return replace(table, columns=shares, size_pt=page.size_pt, landscape=page.landscape)
    raise ValueError(
        f"its {len(needs)} columns do not fit on a page; print fewer, or put it into the workbook"
    )


def _need(table: Table, j: int, latin: float) -> _Need:
    column = table.columns[j]
    cells = [row[j] for row in table.rows]
    lengths = sorted(characters(v, latin=latin) for v in cells) or [0.0]
    body, usual = lengths[-1], lengths[int(0.9 * (len(lengths) - 1))]
    head = characters(column.label, latin=latin)
    word = max((_longest_word(v, latin) for v in cells), default=0.0)
    if column.align == "left":
        hard = max(word, body if body <= SHORTEST_LINE else min(usual, SHORTEST_LINE))
    else:
        hard = body
    hard = max(2.0, min(hard, LONGEST_UNBROKEN))
    word = min(_longest_word(column.label, latin), LONGEST_UNBROKEN)
    if column.group:
        shared_by = sum(other.group == column.group for other in table.columns)
        word = max(word, _longest_word(column.group, latin) / shared_by)
    lines = head if head <= SHORT_HEADER else 2 * math.ceil(head / 2 / HEADER_LINES)
    least = max(hard, word, lines)
    claim = column.share or 1.0  # what the chapter asked for, until the shares are known
    longest = 8 * SHORTEST_LINE
    wish = max(least, claim * min(usual, longest), min(head, 2 * SHORTEST_LINE))
    return _Need(hard, least, wish, max(wish, min(body, longest)))


def _room(page: Page, columns: int) -> float:
    """Room for text in a line of the table, in halves of a Chinese character."""
    points = TEXT_WIDTH_MM[page.landscape] * POINTS_PER_MM - columns * CELL_PADDING_PT
    return points / (page.size_pt / 2)


def _widths(least: list[float], needs: list[_Need], room: float) -> list[float]:
    """Every column its minimum, then its wish, then room for its longest cell as far as there is any."""
    wished = _shared_out(least, [max(w, n.wish) for w, n in zip(least, needs, strict=True)], room)
    return _shared_out(wished, [max(w, n.most) for w, n in zip(wished, needs, strict=True)], room)


def _shared_out(least: list[float], wish: list[float], room: float) -> list[float]:
    """Fill up the columns that want little first; the others share what is left."""
    widths = list(least)
    spare = max(0.0, room - sum(least))
    order = sorted(range(len(least)), key=lambda j: wish[j] - least[j])
    for k, j in enumerate(order):
        more = min(wish[j] - least[j], spare / (len(order) - k))
        widths[j] += more
        spare -= more
    return widths


def row_heights(
    lengths: Sequence[Sequence[Sequence[float]]], widths: Sequence[float], size: float
) -> list[float]:
    """Heights of rows in points, from the lengths of the lines in each cell and the room of each column."""
    heights = []
    for row in lengths:
        lines = max(
            sum(max(1, math.ceil(length / max(width, 1.0))) for length in cell)
            for cell, width in zip(row, widths, strict=True)
        )
        heights.append(lines * size * LINE_HEIGHT + ROW_PADDING_PT)
    return heights
