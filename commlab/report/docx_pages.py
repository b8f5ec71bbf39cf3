"""How the Word document falls into pages, computed from the layout.

A contents list must show numbers before any word processor has set the pages, and pictures are to leave no page half
empty. The heights used here are those of ``docx_styles``; lines are counted from character widths.
"""

from __future__ import annotations

import math
from dataclasses import replace

from commlab.report.document import Document, Heading, Items, Para, Part, Picture, Table
from commlab.report.docx_styles import (
    COVER_LINE_PT,
    LANDSCAPE_MM,
    LAYOUTS,
    MARGINS_MM,
    PAGE_MM,
    Layout,
)
from commlab.report.layout import (
    CELL_PADDING_PT,
    LINE_HEIGHT,
    PAGE_PT,
    POINTS_PER_MM,
    ROW_PADDING_PT,
    TEXT_WIDTH_MM,
    characters,
    row_heights,
)

__all__ = ["FIRST_ROWS", "LAST_ROWS", "keep_together", "set_pages"]

TIMES = 0.9
"""Width of a letter or digit of Times New Roman where half a Chinese character is 1."""
HEADING_PT, CAPTION_PT, NOTE_PT, PICTURE_PT = 14.0, 34.0, 18.0, 42.0
"""Space that goes with a heading, a table's caption, a note, a picture's caption."""
NOTE_SIZE_PT, NOTE_LINE_PT, NOTE_WORD = (9.0, 10.5), 14.0, 6.0
"""Type size of a table's note in English and Chinese, its further lines, the word before it (in half characters)."""
LIST_INDENT_PT = 18.0
SMALLEST = 0.8
"""What a picture may be reduced to so that it fits on a page."""
FIRST_ROWS, LAST_ROWS = 3, 4
"""Rows at the beginning and at the end of a broken table that stay together: no page holds one row alone."""
TOGETHER, FEW_TOGETHER = 1 / 4, 1 / 2
"""Parts of a page up to which a table is not broken, and one of few rows: a longer one would leave as much empty."""


def set_pages(document: Document) -> tuple[list[tuple[bool, list[Part]]], dict[str, int]]:
    """The runs of pages as they are set, and the page of every heading.

    A picture that a page has too little room for is set a little smaller; where that does not help, the text and tables
    that follow it in its section and still fit go before it. Pictures and tables keep their own order.

    Returns
    -------
    spreads : list of (landscape, parts)
    pages : dict of anchor -> page
    """
    layout = LAYOUTS[document.language]
    room = (PAGE_MM[1] - MARGINS_MM["top"] - MARGINS_MM["bottom"]) * POINTS_PER_MM
    room_landscape = (PAGE_MM[0] - LANDSCAPE_MM["top"] - LANDSCAPE_MM["bottom"]) * POINTS_PER_MM
    cover = _cover(document, layout)
    flow = _Flow(layout, 1 + int(cover // room), cover % room)
    spreads: list[tuple[bool, list[Part]]] = []
    turned = False
    for landscape, parts in document.spreads:
        if landscape != turned:
            flow.turn()
        turned = landscape
        flow.room = room_landscape if landscape else room
        flow.width_mm = TEXT_WIDTH_MM[landscape]
        spreads.append((landscape, flow.placed(parts)))
    return spreads, flow.pages


class _Flow:
    """The place reached: page, and points used on it."""

    def __init__(self, layout: Layout, page: int, used: float) -> None:
        self.layout, self.page, self.used = layout, page, used
        self.room, self.width_mm = 0.0, TEXT_WIDTH_MM[0]
        self.heading = max(layout.line_pt, layout.body_pt * 1.4) + HEADING_PT
        self.pages: dict[str, int] = {}

    def placed(self, parts: list[Part]) -> list[Part]:
        """The parts in the order in which they are set, pictures in their size."""
        waiting, done = list(parts), []
        while waiting:
            part = waiting.pop(0)
            if isinstance(part, Picture):
                part = self.fitted(part)
                moved = self.in_its_place(part, waiting)
                if moved:
                    waiting[:moved] = [*waiting[:moved], part]
                    continue
            self.put(part)
            done.append(part)
        return done

    def fitted(self, picture: Picture) -> Picture:
        """The picture, smaller where it then fits on the page."""
        left = self.room - self.used - PICTURE_PT
        scale = left / (picture.height_mm * POINTS_PER_MM)
        if not SMALLEST <= scale < 1:
            return picture
        return replace(picture, width_mm=picture.width_mm * scale, height_mm=picture.height_mm * scale)

    def in_its_place(self, picture: Picture, after: list[Part]) -> int:
        """How many of the following parts fit where the picture does not."""
        left = self.room - self.used
        if self.height(picture) <= left:
            return 0
        for k, part in enumerate(after):
            left -= self.height(part)
            if left < 0 or isinstance(part, (Heading, Picture)):
                return k
        return 0

    def put(self, part: Part) -> None:
        if isinstance(part, Heading):
            if not self.pages or part.appendix:
                self.turn()
            self.block(self.heading, keep=2 * self.layout.line_pt)
            self.pages[part.anchor] = self.page
        elif isinstance(part, Table):
            self.table(part)
        elif isinstance(part, Picture):
            self.block(self.height(part))
        else:
            for _ in range(self.lines(part)):
                self.block(self.layout.line_pt)

    def height(self, part: Part) -> float:
        """What a part takes on one page."""
        if isinstance(part, Heading):
            return self.heading
        if isinstance(part, Table):
            return CAPTION_PT + sum(_rows(part)) + self.notes(part)
        if isinstance(part, Picture):
            return part.height_mm * POINTS_PER_MM + PICTURE_PT
        return self.lines(part) * self.layout.line_pt

    def turn(self) -> None:
        """A new page, unless this one is still empty."""
        if self.used:
            self.page, self.used = self.page + 1, 0.0

    def block(self, height: float, *, keep: float = 0.0) -> None:
        if self.used + height + keep > self.room:
            self.turn()
        self.used += height

    def lines(self, part: Para | Items) -> int:
        size = self.layout.body_pt / 2
        width, first = self.width_mm * POINTS_PER_MM, 2.0 * self.layout.indent
        texts = part.items if isinstance(part, Items) else [part.text]
        if isinstance(part, Items):
            width, first = width - LIST_INDENT_PT, 0.0
        return sum(math.ceil((characters(text, latin=TIMES) + first) / (width / size)) for text in texts)

    def notes(self, table: Table) -> float:
        width = self.width_mm * POINTS_PER_MM / (NOTE_SIZE_PT[self.layout.indent > 0] / 2)
        lines = [math.ceil((characters(note, latin=TIMES) + NOTE_WORD) / width) for note in table.notes]
        return sum(NOTE_PT + (n - 1) * NOTE_LINE_PT for n in lines)

    def table(self, table: Table) -> None:
        head, *rows = _rows(table)
        begun = sum(rows) if keep_together(table) else sum(rows[:FIRST_ROWS])
        self.block(CAPTION_PT + head, keep=begun)
        for height in rows:
            if self.used + height > self.room:
                self.turn()
                self.used = head
            self.used += height
        self.used += self.notes(table)


def _cover(document: Document, layout: Layout) -> float:
    listed = sum(h.level <= 2 for h in document.headings)
    return 90 + layout.line_pt * 2 + 32 * bool(document.mark) + COVER_LINE_PT * (len(document.facts) + listed)


def keep_together(table: Table) -> bool:
    """Whether a table is kept on one page: where it is short, or has too few rows for two parts."""
    few = len(table.rows) < FIRST_ROWS + LAST_ROWS
    most = PAGE_PT[table.landscape] * (FEW_TOGETHER if few else TOGETHER)
    return CAPTION_PT + sum(_rows(table)) < most


def _rows(table: Table) -> list[float]:
    """Heights of the header and of every row, in points."""
    width = TEXT_WIDTH_MM[table.landscape] * POINTS_PER_MM
    rooms = [(c.share * width - CELL_PADDING_PT) / (table.size_pt / 2) for c in table.columns]
    texts = [[c.label for c in table.columns], *table.rows]
    lengths = [[[characters(x, latin=TIMES) for x in cell.split("\n")] for cell in row] for row in texts]
    head, *rows = row_heights(lengths, rooms, table.size_pt)
    return [head + (table.size_pt * LINE_HEIGHT + ROW_PADDING_PT if table.groups else 0), *rows]
