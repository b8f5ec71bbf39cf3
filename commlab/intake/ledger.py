"""A pad to write ledger lines on: what was done to the data, where, how often, in words.

Readers collect their lines here instead of raising at the first bad cell, and hand the frame back at the
end. A line never holds a personal value: whatever a reader quotes, ``REMOVED`` stands for it.

>>> pad = Pad(file="a.csv", table="measures")
>>> pad.add("unknown column", 'column "备注" is claimed by no metric', column="备注")
>>> pad.frame()[["file", "rule", "action", "severity", "n"]].to_dict("records")
[{'file': 'a.csv', 'rule': 'unknown column', 'action': 'flagged', 'severity': 'warning', 'n': 1}]
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from typing import Any

import pandas as pd

from commlab import tables
from commlab.intake.identifiers import find
from commlab.text import clean

__all__ = ["REMOVED", "Pad", "cells_of", "few", "joined", "runs", "split_source"]

REMOVED = "‹removed›"
"""Stands in a ledger line for a personal value."""
_MOST_CELLS = 12
_IN_NAMES = frozenset(("mobile", "id", "email"))
_MEAN = re.compile(r"-?\d+\.\d+")
_CELL = re.compile(r"([A-Z]+)([0-9]+)")
_RUN = re.compile(r"([A-Z]+)([0-9]+)(?::([A-Z]+)([0-9]+))?")


@lru_cache(maxsize=1 << 12)
def quoted(text: str, *, name: bool = False) -> str:
    """A text that may quote a cell or a header, with ``REMOVED`` for whatever identifies a person, without what nobody sees.

    Numbers of the ledger's own (a mean with its decimals, a count) stay. ``name`` is for what files and sheets are
    called, by which they are found again: a stamp of time and their author's name stay there.

    >>> quoted('"打13912345678" stands where 0.33333 belongs')
    '"打‹removed›" stands where 0.33333 belongs'
    """
    out = text = clean(text)
    for start, end, kind in reversed(find(text, free=False)):
        if kind in _IN_NAMES if name else kind != "coordinate" or not _MEAN.fullmatch(text, start, end):
            out = out[:start] + REMOVED + out[end:]
    return out


class Pad:
    """Collects ledger lines about one file."""

    def __init__(
        self, *, period: str | None = None, file: str = "", sheet: str = "", table: str = ""
    ) -> None:
        self._where = {
            "period": period,
            "file": quoted(file, name=True),
            "sheet": quoted(sheet, name=True),
            "table": table,
        }
        self._lines: list[dict[str, Any]] = []

    def add(
        self,
        rule: str,
        message: str,
        *,
        column: str = "",
        before: object = None,
        after: object = None,
        action: str = "flagged",
        severity: str = "warning",
        n: int = 1,
        cells: Sequence[str] = (),
    ) -> None:
        """Write one line; ``cells`` are places such as ``F12``, of which the first few are kept, runs as ``F12:F20``."""
        self._lines.append(
            {
                **self._where,
                "column": quoted(str(column)),
                "rule": rule,
                "before": None if before is None else quoted(str(before)),
                "after": None if after is None else quoted(str(after)),
                "action": action,
                "severity": severity,
                "n": int(n),
                "first_cells": ", ".join(runs(cells)[:_MOST_CELLS]),
                "message": self._quoted(message),
            }
        )

    def _quoted(self, message: str) -> str:
        """A message without identifiers; the name of its file stays as it is."""
        file = self._where["file"]
        return file.join(map(quoted, message.split(file))) if file else quoted(message)

    def __len__(self) -> int:
        return len(self._lines)

    def frame(self) -> pd.DataFrame:
        """The lines as a ``ledger`` table, in the order they were written."""
        blank = _blank()
        return pd.DataFrame(
            {c: pd.Series([line[c] for line in self._lines], dtype=t) for c, t in blank.items()}
        )


@cache
def _blank() -> dict[str, Any]:
    return tables.empty("ledger").dtypes.to_dict()


def joined(ledgers: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Several ledgers under each other.

    >>> len(joined([Pad().frame(), Pad().frame()]))
    0
    """
    filled = [one for one in ledgers if len(one)]
    return pd.concat(filled, ignore_index=True) if filled else tables.empty("ledger")


def few(names: Iterable[object], most: int = 3) -> str:
    """The first few names, in no language.

    >>> few("abcd")
    'a, b, c …'
    """
    shown = [str(name) for name in names]
    return ", ".join(shown[:most]) + (" …" if len(shown) > most else "")


def split_source(source: str) -> tuple[str, str, str]:
    """File, sheet and cells of a source string.

    >>> split_source("data/raw/2019Q4/a.xlsx#统计表!12:12")
    ('data/raw/2019Q4/a.xlsx', '统计表', '12:12')
    """
    file, _, rest = str(source).rpartition("#")
    sheet, _, cells = rest.rpartition("!")
    return file, sheet, cells


def runs(cells: Iterable[object]) -> list[str]:
    """Cells in their order, those that follow each other down a column as one range.

    >>> runs(["B4", "B5", "B6", "D9", "7:7"])
    ['B4:B6', 'D9', '7:7']
    """
    out: list[list[str]] = []
    last = ("", 0)
    for cell in map(str, cells):
        match = _CELL.fullmatch(cell)
        if match and (match[1], int(match[2]) - 1) == last:
            out[-1][1:] = [cell]
        else:
            out.append([cell])
        last = (match[1], int(match[2])) if match else ("", 0)
    return [":".join(run) for run in out]


def cells_of(text: object) -> Iterator[tuple[str, int]]:
    """Column letters and row of every cell that a ledger line names.

    >>> list(cells_of("B4:B6, D9"))
    [('B', 4), ('B', 5), ('B', 6), ('D', 9)]
    """
    for column, first, _, last in _RUN.findall(text if isinstance(text, str) else ""):
        yield from ((column, row) for row in range(int(first), int(last or first) + 1))
