"""The layout of pages and tables: which page a table needs, how wide its columns are, what goes with it.

Widths are counted in characters, so that Word and PDF pages come out alike and no font has to be measured.
"""

from __future__ import annotations

import math
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from commlab.report.document import Table

__all__ = ["CELL_PADDING_PT", "POINTS_PER_MM", "TEXT_WIDTH_MM", "characters", "laid_out"]

TEXT_WIDTH_MM = (156.0, 223.0)
"""Width of the text on an upright and on a landscape page (A4, GB/T 9704 margins)."""
PAGES = ((False, 12.0), (False, 10.5), (True, 10.5), (False, 9.0), (True, 9.0))
"""Pages (landscape?) and type sizes in points (小四, 五号, 小五) that a table is tried on, in this order."""
CELL_PADDING_PT = 9.0
SHORTEST_LINE = 12
"""Half-width characters (six Chinese ones) that a column of text has at least, so that it can be read."""
LATIN_WIDTH = 1.15
"""Width of a Latin letter or digit where half a Chinese character is 1."""
HEADER_LINES = 3
"""Lines that the header of a narrow column of numbers may take."""
SHORT_HEADER = 6
"""A header of at most three Chinese characters is not broken."""
MOST_LINES = 5
"""A cell with more lines than this makes the table try a landscape page."""
POINTS_PER_MM = 72 / 25.4


def characters(text: str, *, latin: float = LATIN_WIDTH) -> float:
    """Length of the longest line, in halves of a Chinese character.

    Latin letters and digits of the reports' own fonts are a little wider than half a Chinese character, those
    of Times New Roman narrower.

    >>> characters("五华区"), round(characters("81.3"), 2)
    (6.0, 4.6)
    """
    return max((sum(_width(c, latin) for c in line) for line in text.split("\n")), default=0.0)


def _width(character: str, latin: float = LATIN_WIDTH) -> float:
    return 2.0 if unicodedata.east_asian_width(character) in "WFA" else latin


def _longest_word(text: str) -> float:
    """What cannot be broken over lines: Latin words and numbers; Chinese breaks anywhere."""
    longest = run = 0.0
    for c in text:
        breaks = unicodedata.east_asian_width(c) in "WF" or c.isspace()
        run = 0.0 if breaks else run + _width(c)
        longest = max(longest, run)
    return longest


def laid_out(table: Table) -> Table:
    """Choose page, type size and shares of the width.

    A column is at least as wide as its longest number or word and, for text, as ``SHORTEST_LINE``; what is
    left is shared out by how much wider the columns would like to be (for nine cells in ten to stay on one
    line). Of ``PAGES``, the first that holds every minimum in few lines wins, else the first that holds it
    at all, else the last.
    """
    least: list[float] = []
    wish: list[float] = []
    for j, c in enumerate(table.columns):
        cells = [row[j] for row in table.rows]
        body = max((characters(v) for v in cells), default=0)
        head = characters(c.label)
        word = max([_longest_word(c.label), *(_longest_word(v) for v in cells)])
        if c.align == "left":
            low = max(min(body, SHORTEST_LINE), min(word, 2 * SHORTEST_LINE), min(head, 4))
        else:
            low = max(min(body, 2 * SHORTEST_LINE), min(word, 2 * SHORTEST_LINE), min(head, 4))
        if c.group:
            low = max(low, _longest_word(c.group) / sum(other.group == c.group for other in table.columns))
        low = max(low, head if head <= SHORT_HEADER else 2 * math.ceil(head / 2 / HEADER_LINES))
        least.append(low)
        usual = sorted(characters(v) for v in cells)[int(0.9 * (len(cells) - 1))] if cells else 0.0
        claim = c.share or 1.0  # what the chapter asked for, until the shares are known
        wish.append(max(low, claim * min(usual, 8 * SHORTEST_LINE), min(head, 2 * SHORTEST_LINE)))
    rooms = [_room(landscape, size, len(least)) for landscape, size in PAGES]
    fitting = [k for k, room in enumerate(rooms) if sum(least) <= room]
    readable = [k for k in fitting if _few_lines(table, _shared_out(least, wish, rooms[k]))]
    k = [*readable, *fitting, len(PAGES) - 1][0]
    landscape, size = PAGES[k]
    padding = CELL_PADDING_PT / (size / 2)
    widths = [w + padding for w in _shared_out(least, wish, rooms[k])]
    total = sum(widths)
    columns = tuple(replace(c, share=w / total) for c, w in zip(table.columns, widths, strict=True))
    return replace(table, columns=columns, size_pt=size, landscape=landscape)


def _room(landscape: bool, size: float, columns: int) -> float:
    """Half-width characters in a line of the table."""
    points = TEXT_WIDTH_MM[landscape] * POINTS_PER_MM - columns * CELL_PADDING_PT
    return points / (size / 2)


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


def _few_lines(table: Table, widths: list[float]) -> bool:
    """Whether all but one row in twenty keep to ``MOST_LINES`` lines."""
    lines = [
        max(
            sum(math.ceil(max(1, characters(line)) / width) for line in cell.split("\n"))
            for cell, width in zip(row, widths, strict=True)
        )
        for row in table.rows
    ]
    return sum(n > MOST_LINES for n in lines) <= len(lines) / 20
