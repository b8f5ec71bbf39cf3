"""On which page of the Word document a heading comes to stand, computed from the layout.

A contents list must show numbers before any word processor has set the pages. The heights used here are
those of ``docx_styles``; lines are counted from character widths.
"""

from __future__ import annotations

import math

from commlab.report.document import Document, Heading, Items, Picture, Table
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

__all__ = ["FIRST_ROWS", "LAST_ROWS", "first_pages", "keep_together"]

TIMES = 0.9
"""Width of a letter or digit of Times New Roman where half a Chinese character is 1."""
HEADING_PT, CAPTION_PT, NOTE_PT, PICTURE_PT = 14.0, 34.0, 18.0, 42.0
"""Space that goes with a heading, a table's caption, a note, a picture's caption."""
FIRST_ROWS, LAST_ROWS = 3, 4
"""Rows at the beginning and at the end of a broken table that stay together: no page holds one row alone."""
TOGETHER, FEW_TOGETHER = 1 / 4, 1 / 2
"""Parts of a page up to which a table is not broken, and one of few rows: a longer one would leave as much empty."""


def first_pages(document: Document) -> dict[str, int]:
    """The page of every heading.

    Returns
    -------
    dict of anchor -> page
    """
    layout = LAYOUTS[document.language]
    room = (PAGE_MM[1] - MARGINS_MM["top"] - MARGINS_MM["bottom"]) * POINTS_PER_MM
    room_landscape = (PAGE_MM[0] - LANDSCAPE_MM["top"] - LANDSCAPE_MM["bottom"]) * POINTS_PER_MM
    cover = _cover(document, layout)
    flow = _Flow(layout, 1 + int(cover // room), cover % room)
    pages: dict[str, int] = {}
    turned = False
    for landscape, parts in document.spreads:
        if landscape != turned:
            flow.turn()
        turned = landscape
        flow.room = room_landscape if landscape else room
        flow.width_mm = TEXT_WIDTH_MM[landscape]
        for part in parts:
            if isinstance(part, Heading):
                if not pages or part.appendix:
                    flow.turn()
                flow.block(flow.heading, keep=2 * layout.line_pt)
                pages[part.anchor] = flow.page
            elif isinstance(part, Table):
                flow.table(part)
            elif isinstance(part, Picture):
                flow.block(part.height_mm * POINTS_PER_MM + PICTURE_PT)
            else:
                for text in part.items if isinstance(part, Items) else [part.text]:
                    flow.lines(text)
    return pages


class _Flow:
    """The place reached: page, and points used on it."""

    def __init__(self, layout: Layout, page: int, used: float) -> None:
        self.layout, self.page, self.used = layout, page, used
        self.room, self.width_mm = 0.0, TEXT_WIDTH_MM[0]
        self.heading = max(layout.line_pt, layout.body_pt * 1.4) + HEADING_PT

    def turn(self) -> None:
        """A new page, unless this one is still empty."""
        if self.used:
            self.page, self.used = self.page + 1, 0.0

    def block(self, height: float, *, keep: float = 0.0) -> None:
        if self.used + height + keep > self.room:
            self.turn()
        self.used += height

    def lines(self, text: str) -> None:
        width = self.width_mm * POINTS_PER_MM / (self.layout.body_pt / 2)
        for _ in range(math.ceil((characters(text, latin=TIMES) + 2 * self.layout.indent) / width)):
            self.block(self.layout.line_pt)

    def table(self, table: Table) -> None:
        head, *rows = _rows(table)
        whole = CAPTION_PT + head + sum(rows)
        self.block(
            CAPTION_PT + head,
            keep=whole - CAPTION_PT - head if keep_together(table) else sum(rows[:FIRST_ROWS]),
        )
        for height in rows:
            if self.used + height > self.room:
                self.turn()
                self.used = head
            self.used += height
        self.used += NOTE_PT * len(table.notes)


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
