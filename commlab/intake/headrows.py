"""Where the header of an export stands: below a title, in two rows, and again where files were pasted together.

A codebook tells a header by the questions in it; without one it is the first row that is filled as widely as
the rows below. Two rows are one header where the second names what stands below a merged or blank cell of the
first (``请评价`` over ``办事服务``), or where both name every column (names and questions). Rows of tags (HXL,
ImportId) belong to the header.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from commlab.errors import DataError
from commlab.intake.forms import squash
from commlab.intake.questions import question_key

if TYPE_CHECKING:
    from commlab.intake.export import Levels

__all__ = ["PEEK", "Head", "Recognised", "answers_only", "find_head", "score"]

PEEK = 12
"""Rows from the top among which the header must stand."""
_LAST = re.compile(r"[:/_-]")
_NUMERIC = re.compile(r"-?[\d.,:/%\s]*")
_ANSWER = {"response", "open-endedresponse", "回答", "答案"}
_NOTE = re.compile(
    r"^(?:注[:：]|说明[:：]|备注[:：]|合计|总计|小计|共\d|共计|制表|填表|审核|数据来源|导出时间)"
)
_LIKE = 0.6


@dataclass(frozen=True)
class Recognised:
    """Rows that are no answers: why, in words, how many, where."""

    rule: str
    told: str
    n: int
    cells: tuple[str, ...] = ()


@dataclass(frozen=True)
class Head:
    """``start`` rows above, ``depth`` header rows, ``tags`` rows of tags below them."""

    start: int
    depth: int
    tags: int
    headers: list[str]
    names: list[str]

    @property
    def plain(self) -> bool:
        return (self.start, self.depth, self.tags) == (0, 1, 0)

    @property
    def end(self) -> int:
        return self.start + self.depth + self.tags

    def recognised(self) -> list[Recognised]:
        told = f"header of {len(self.headers)} columns" + (f" in {self.depth} rows" if self.depth > 1 else "")
        found = [Recognised("header row", told, self.depth + self.tags)]
        if self.start:
            found.insert(0, Recognised("title row", f"{self.start} rows above the header", self.start))
        return found


def score(row: Sequence[str], known: Collection[str]) -> int:
    """How many cells of a row are headings that the codebook knows."""
    keys = [question_key(cell) for cell in row]
    return sum(key in known or _LAST.split(key)[-1] in known for key in keys if key)


def find_head(rows: Sequence[Sequence[str]], known: Collection[str], *, merged: Collection[int] = ()) -> Head:
    """The header among the first rows of a sheet.

    Parameters
    ----------
    rows : sequence of rows of str
        The first ``PEEK`` rows, all of one length.
    known : collection of str
        Keys of the headings that a codebook expects; empty: none is known.
    merged : collection of int
        Rows in which a cell is merged with the one below.
    """
    scores = [score(row, known) for row in rows]
    filled = [sum(map(bool, row)) for row in rows]
    if max(scores, default=0) > 0:
        start = scores.index(max(scores))
    else:
        start = next((k for k, n in enumerate(filled) if n >= 2 and 2 * n >= max(filled)), 0)
    # A row of names above the row of questions, or below it, is header too.
    if start and 2 * filled[start - 1] >= filled[start] and scores[start - 1] >= 2:
        start -= 1
    top = list(rows[start]) if rows else []
    below = list(rows[start + 1]) if start + 1 < len(rows) else []
    headers, names, depth = top, top, 1
    if below and _parts(top, below, start in merged):
        headers, depth = _joined(top, below), 2
        names = headers
    elif below and scores[start + 1] >= max(2, scores[start] // 2):
        headers, depth = [b or a for a, b in zip(top, below, strict=True)], 2
    tags = 0
    while start + depth + tags < len(rows) and _tagged(rows[start + depth + tags]):
        tags += 1
    return Head(start, depth, tags, headers, names)


def _parts(top: Sequence[str], below: Sequence[str], merged: bool) -> bool:
    """Whether the second row names the parts of what the first names."""
    first = next((k for k, cell in enumerate(top) if cell), 0)
    texts = [cell for cell in below if cell]
    if not texts or any(_NUMERIC.fullmatch(cell) for cell in texts):
        return False
    return merged or (not below[first] and any(b and not t for t, b in zip(top, below, strict=True)))


def _joined(top: Sequence[str], below: Sequence[str]) -> list[str]:
    out, above = [], ""
    for cell, part in zip(top, below, strict=True):
        above = cell or (above if part else "")
        own = "" if squash(part) in _ANSWER or part == above else part
        out.append(f"{above}/{own}" if above and own else above or own)
    return out


def _tagged(row: Sequence[str]) -> bool:
    cells = [cell for cell in row if cell]
    return bool(cells) and (all(c.startswith("#") for c in cells) or all('"ImportId"' in c for c in cells))


def answers_only(
    head: Head, columns: Sequence[Levels], *, file: str, sheet: str
) -> tuple[np.ndarray, list[Recognised]]:
    """Which rows below the header are answers, and what the others are.

    Raises
    ------
    DataError
        If a second header stands in the middle in another order of columns.
    """
    n = len(columns[0].codes) if columns else 0
    first = head.end + 1
    rest, own, other = (np.zeros(n, dtype=kind) for kind in (bool, "int16", "int16"))
    titles = [
        {cell for cell in (name, header) if cell}
        for name, header in zip(head.names, head.headers, strict=True)
    ]
    every = set().union(*titles) if titles else set()
    for place, column in enumerate(columns):
        if place:
            rest |= column.codes >= 0
        other += column.among(every)
        own += column.among(titles[place] if place < len(titles) else set())
    lead = columns[0].codes >= 0 if columns else rest
    blank = ~(lead | rest)
    again = np.zeros(n, dtype=bool)
    for row in np.flatnonzero(other >= min(2, len(columns))):
        full = sum(int(column.codes[row] >= 0) for column in columns)
        if other[row] < _LIKE * full:
            continue
        if own[row] < _LIKE * full:
            raise DataError(
                "a second header stands in the middle of the answers in another order of columns; part the file there",
                file=file,
                sheet=sheet or None,
                cell=f"row {row + first}",
            )
        again[row] = True
    note = np.zeros(n, dtype=bool)
    for row in np.flatnonzero(lead & ~rest) if len(columns) > 1 else ():
        note[row] = bool(_NOTE.match(columns[0].at(int(row))))
    found = []
    for rule, told, rows in (
        ("blank row", "blank rows", blank),
        ("repeated header", "rows repeat the header: files pasted together", again),
        ("note row", "rows hold a note in their first cell and nothing else", note),
    ):
        count = int(rows.sum())
        if count:
            cells = tuple(f"{k + first}:{k + first}" for k in np.flatnonzero(rows)[:5].tolist())
            found.append(Recognised(rule, f"{count} {told}", count, cells))
    return ~(blank | again | note), found
