"""Tables on a terminal: columns that line up, Chinese characters being two columns wide."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

__all__ = ["columns", "plain", "width"]


def plain(text: object) -> str:
    """Text without control characters: a file's name or cell must not steer the terminal.

    >>> plain("a\\x1b[31mb\\nc")
    'a [31mb c'
    """
    return "".join(c if unicodedata.category(c) not in ("Cc", "Cf") else " " for c in str(text))


def width(text: str) -> int:
    """Columns a text takes on a terminal.

    >>> width("五华区"), width("city")
    (6, 4)
    """
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    marks = sum(bool(unicodedata.combining(c)) for c in text)
    return len(text) + wide - marks


def columns(rows: Iterable[Sequence[object]], header: Sequence[str] = ()) -> str:
    """Rows as lines of aligned columns, two spaces apart.

    >>> print(columns([("五华区", "fresh"), ("city", "stale")]))
    五华区  fresh
    city    stale
    """
    cells = [[plain(c) for c in row] for row in ([header, *rows] if header else rows)]
    if not cells:
        return ""
    widths = [max(width(row[i]) for row in cells) for i in range(len(cells[0]))]
    lines = ["  ".join(c + " " * (w - width(c)) for c, w in zip(row, widths, strict=True)) for row in cells]
    return "\n".join(line.rstrip() for line in lines)
