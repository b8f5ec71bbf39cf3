"""On which page of the Word document a heading comes to stand, computed from the layout.

A contents list must show numbers before any word processor has set the pages. The heights used here are
those of ``docx_styles``; lines are counted from character widths.
"""

from __future__ import annotations

import math

from commlab.report.document import (
    CELL_PADDING_PT,
    POINTS_PER_MM,
    TEXT_WIDTH_MM,
    Document,
    Heading,
    Items,
    Para,
    Picture,
    Table,
    characters,
)
from commlab.report.docx_styles import LANDSCAPE_MM, LAYOUTS, MARGINS_MM, PAGE_MM, Layout

__all__ = ["first_pages"]

SINGLE = 1.3
"""Height of a line of single spacing, in type sizes."""
CELL_MARGINS_PT = 3.0


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
    page, used = 1 + int(cover // room), cover % room
    pages: dict[str, int] = {}
    parts = list(document.parts)
    for k, part in enumerate(parts):
        if isinstance(part, Heading):
            height = max(layout.line_pt, layout.body_pt * 1.4) + 14
            first = not pages
            if first or part.appendix or used + height + 2 * layout.line_pt > room:
                page, used = page + 1, 0.0
            pages[part.anchor] = page
            used += height
        elif isinstance(part, Table) and part.landscape:
            rows = _rows(part)
            page += 1 + int((sum(rows) + 40) // room_landscape)
            more = k + 1 < len(parts)
            page, used = page + (1 if more else 0), 0.0
        elif isinstance(part, Table):
            rows = _rows(part)
            head = 34.0 + rows[0]
            if used + head + sum(rows[1:3]) > room or (len(rows) <= 15 and used + 34 + sum(rows) > room):
                page, used = page + 1, 0.0
            used += 34
            for height in rows:
                if used + height > room:
                    page, used = page + 1, rows[0]
                used += height
            used += 18.0 * len(part.notes)
        elif isinstance(part, Picture):
            height = part.height_mm * POINTS_PER_MM + 42
            if used + height > room:
                page, used = page + 1, 0.0
            used += height
        else:
            page, used = _lines(part, layout, page, used, room)
    return pages


def _lines(part: Para | Items, layout: Layout, page: int, used: float, room: float) -> tuple[int, float]:
    texts = part.items if isinstance(part, Items) else [part.text]
    width = TEXT_WIDTH_MM[0] * POINTS_PER_MM / (layout.body_pt / 2)
    for text in texts:
        lines = math.ceil((characters(text) + 2 * layout.indent) / width)
        for _ in range(lines):
            if used + layout.line_pt > room:
                page, used = page + 1, 0.0
            used += layout.line_pt
    return page, used


def _cover(document: Document, layout: Layout) -> float:
    listed = sum(h.level <= 2 for h in document.headings)
    return 90 + layout.line_pt * 2 + 32 * bool(document.mark) + 24 * (len(document.facts) + listed)


def _rows(table: Table) -> list[float]:
    """Heights of the header and of every row, in points."""
    width = TEXT_WIDTH_MM[table.landscape] * POINTS_PER_MM
    rooms = [max(1.0, (c.share * width - CELL_PADDING_PT) / (table.size_pt / 2)) for c in table.columns]
    line = table.size_pt * SINGLE

    def height(cells: tuple[str, ...]) -> float:
        lines = max(
            sum(math.ceil(max(1.0, characters(x)) / room) for x in cell.split("\n"))
            for cell, room in zip(cells, rooms, strict=True)
        )
        return lines * line + CELL_MARGINS_PT

    head = height(tuple(c.label for c in table.columns)) + (line + CELL_MARGINS_PT if table.groups else 0)
    return [head, *(height(row) for row in table.rows)]
