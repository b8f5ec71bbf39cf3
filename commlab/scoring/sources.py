"""Source strings of many cells told shortly: ``file#sheet!F12:F76`` instead of sixty-five cells."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["join_sources"]

_CELL = re.compile(r"^(?P<place>.*#.*!)(?P<column>[A-Z]+)(?P<row>\d+)$")
_MOST_RUNS = 12


def join_sources(sources: Iterable[object]) -> str:
    """Join sources; cells below each other become a range, and beyond a dozen ranges a sheet tells its count.

    >>> join_sources(["a.xlsx#S!F12", "a.xlsx#S!F13", "a.xlsx#S!F15", "b.csv#!C2"])
    'a.xlsx#S!F12:F13,F15; b.csv#!C2'
    """
    unique = list(dict.fromkeys(str(s) for s in sources if s is not None and s == s and str(s)))
    if len(unique) < 2:
        return "".join(unique)
    cells: dict[tuple[str, str], set[int]] = {}
    whole: dict[str, None] = {}
    for source in unique:
        for one in source.split("; "):
            found = _CELL.match(one)
            if found:
                cells.setdefault((found["place"], found["column"]), set()).add(int(found["row"]))
            else:
                whole[one] = None
    told: dict[str, list[str]] = {}
    for (place, column), rows in cells.items():
        told.setdefault(place, []).extend(_runs(column, sorted(rows)))
    out = []
    for place, runs in told.items():
        more = f",... ({len(runs)} ranges)" if len(runs) > _MOST_RUNS else ""
        out.append(place + ",".join(runs[:_MOST_RUNS]) + more)
    return "; ".join([*out, *whole])


def _runs(column: str, rows: list[int]) -> list[str]:
    runs: list[list[int]] = []
    for row in rows:
        if runs and row == runs[-1][1] + 1:
            runs[-1][1] = row
        else:
            runs.append([row, row])
    return [f"{column}{a}" if a == b else f"{column}{a}:{column}{b}" for a, b in runs]
