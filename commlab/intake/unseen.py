"""Characters that nobody sees, in what offices send: taken out of every cell when a file is opened, and told.

Zero-width and control characters and those that turn the direction of writing come in with copies from chats and web pages,
or hide what a name really is.

>>> rows = [["朝\u200b阳区", 1.0], ["\u202e", "b"]]
>>> strip_cells(rows), rows
({(0, 0): '\\u200b', (1, 0): '\\u202e'}, [['朝阳区', 1.0], [None, 'b']])
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from commlab.errors import listing
from commlab.intake.ledger import Pad
from commlab.text import clean, unseen

__all__ = ["named", "strip_cells", "unseen_line"]

_MOST_CELLS = 5


def strip_cells(rows: list[list[Any]]) -> dict[tuple[int, int], str]:
    """Take what nobody sees out of cells, in place: which characters, by cell (row, column)."""
    texts = {cell for row in rows for cell in row if type(cell) is str}
    odd = {t: gone for t in texts if not (t.isascii() and t.isprintable()) and (gone := _odd(t))}
    if not odd:
        return {}
    found = {
        (i, j): odd[cell]
        for i, row in enumerate(rows)
        for j, cell in enumerate(row)
        if type(cell) is str and cell in odd
    }
    for i, j in found:
        rows[i][j] = clean(rows[i][j]).strip() or None
    return {cell: gone for cell, gone in found.items() if gone != "\r"}


def _odd(text: str) -> str:
    """What nobody sees, and line ends that no keyboard has."""
    return unseen(text) + "".join(c for c in "\r\x85\u2028\u2029" if c in text)


def named(characters: Iterable[str]) -> str:
    """Characters by their numbers.

    >>> named(["\u202e\u200b", "\u200b"])
    'U+200B, U+202E'
    """
    return listing(sorted({f"U+{ord(c):04X}" for text in characters for c in text}))


def unseen_line(pad: Pad, taken: Mapping[str, str]) -> None:
    """A line about what was taken out, by cell."""
    names = named(taken.values())
    pad.add(
        "unseen_characters",
        f"characters that nobody sees were taken out: {names}",
        before=names,
        action="changed",
        severity="note",
        n=len(taken),
        cells=list(taken)[:_MOST_CELLS],
    )
