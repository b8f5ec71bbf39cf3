"""Periods: 2019, 2019H1, 2019Q4, 2019M11; ordered by their end."""

from __future__ import annotations

import re

from commlab.errors import ParameterError

__all__ = ["GRAMMAR", "period_key", "previous_period"]

GRAMMAR = r"\d{4}(H[12]|Q[1-4]|M(0[1-9]|1[0-2]))?"
"""How a period is written, as a regular expression."""


def period_key(period: str) -> tuple[int, int, int]:
    """Order periods by their end: (year, last month, length in months).

    >>> sorted(["2019Q4", "2019M11", "2019", "2019H1"], key=period_key)
    ['2019H1', '2019M11', '2019Q4', '2019']

    Raises
    ------
    ParameterError
        If the text is not ``2019``, ``2019H1``, ``2019Q4`` or ``2019M11``.
    """
    if not re.fullmatch(GRAMMAR, str(period)):
        raise ParameterError(f"{period!r} is not a period; write 2019, 2019H1, 2019Q4 or 2019M11")
    year, rest = int(period[:4]), period[4:]
    if not rest:
        return year, 12, 12
    months = {"H": 6, "Q": 3, "M": 1}[rest[0]]
    return year, int(rest[1:]) * months, months


def previous_period(period: str, known: list[str]) -> str | None:
    """The latest known period of the same kind that ends before ``period``.

    >>> previous_period("2019Q4", ["2019", "2019Q2", "2019Q3", "2019Q4"])
    '2019Q3'
    """
    year, month, length = period_key(period)
    before = [p for p in known if period_key(p)[2] == length and period_key(p)[:2] < (year, month)]
    return max(before, key=period_key) if before else None
