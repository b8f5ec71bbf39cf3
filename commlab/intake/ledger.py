"""A pad to write ledger lines on: what was done to the data, where, how often, in words.

Readers collect their lines here instead of raising at the first bad cell, and hand the frame back at the
end. A line never holds a personal value: ``REMOVED`` stands for it.

>>> pad = Pad(file="a.csv", table="measures")
>>> pad.add("unknown column", 'column "备注" is claimed by no metric', column="备注")
>>> pad.frame()[["file", "rule", "action", "severity", "n"]].to_dict("records")
[{'file': 'a.csv', 'rule': 'unknown column', 'action': 'flagged', 'severity': 'warning', 'n': 1}]
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import pandas as pd

from commlab import tables

__all__ = ["REMOVED", "Pad", "joined", "split_source"]

REMOVED = "‹removed›"
"""Stands in a ledger line for a personal value."""
_MOST_CELLS = 5


class Pad:
    """Collects ledger lines about one file."""

    def __init__(
        self, *, period: str | None = None, file: str = "", sheet: str = "", table: str = ""
    ) -> None:
        self._where = {"period": period, "file": file, "sheet": sheet, "table": table}
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
        """Write one line; ``cells`` are places such as ``F12``, of which the first few are kept."""
        self._lines.append(
            {
                **self._where,
                "column": str(column),
                "rule": rule,
                "before": None if before is None else str(before),
                "after": None if after is None else str(after),
                "action": action,
                "severity": severity,
                "n": int(n),
                "first_cells": ", ".join(str(c) for c in cells[:_MOST_CELLS]),
                "message": message,
            }
        )

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


def split_source(source: str) -> tuple[str, str, str]:
    """File, sheet and cells of a source string.

    >>> split_source("data/raw/2019Q4/a.xlsx#统计表!12:12")
    ('data/raw/2019Q4/a.xlsx', '统计表', '12:12')
    """
    file, _, rest = str(source).rpartition("#")
    sheet, _, cells = rest.rpartition("!")
    return file, sheet, cells
