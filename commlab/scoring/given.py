"""What callers hand over, held against what is asked: tables, columns by label, single numbers, words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Any

import pandas as pd

from commlab.errors import DataError, ParameterError, listing

__all__ = ["by_label", "number", "number_columns", "one_of", "table", "whole"]


def table(given: Any, what: str, columns: Iterable[str] = ()) -> pd.DataFrame:
    """The frame, where it is one that has the columns."""
    if not isinstance(given, pd.DataFrame):
        raise ParameterError(f"{what} must be a table (DataFrame), not {type(given).__name__}")
    lacking = [c for c in columns if c not in given]
    if lacking:
        raise DataError(f"{what} lack the columns {listing(lacking)}")
    return given


def number_columns(given: Any, what: str) -> pd.DataFrame:
    """The frame, where its columns are called differently and hold numbers that have an order."""
    again = table(given, what).columns[given.columns.duplicated()]
    if len(again):
        raise DataError(f"{what}: {listing(again.unique())} is listed more than once")
    odd = [c for c in given if pd.api.types.is_complex_dtype(given[c].dtype)]
    if odd:
        raise DataError(f"{what}: the columns {listing(odd)} are not numbers")
    return given


def by_label(given: Any, what: str) -> pd.Series:
    """The Series, where it is one with every label once."""
    if not isinstance(given, pd.Series):
        raise ParameterError(f"{what} must be a Series by label, not {type(given).__name__}")
    if given.index.nlevels > 1 or pd.api.types.is_complex_dtype(given.dtype):
        raise ParameterError(f"{what} must be a Series of numbers or texts with one label a row")
    again = given.index[given.index.duplicated()]
    if len(again):
        raise DataError(f"{what}: {listing(again.unique())} is listed more than once")
    return given


def number(given: Any, what: str, *, low: float = -math.inf) -> float:
    """One finite number, at least ``low``."""
    if isinstance(given, bool) or not isinstance(given, Real) or not math.isfinite(given) or given < low:
        least = "" if low == -math.inf else f" from {low:g}"
        raise ParameterError(f"{what} is {_short(given)}; it must be a number{least}")
    return float(given)


def whole(given: Any, what: str, *, low: int = 0) -> int:
    """One whole number, at least ``low``."""
    if isinstance(given, bool) or not isinstance(given, Integral) or given < low:
        raise ParameterError(f"{what} is {_short(given)}; it must be a whole number from {low}")
    return int(given)


def one_of(given: Any, what: str, known: Sequence[str]) -> str:
    """One of the words known."""
    if not isinstance(given, str) or given not in known:
        raise ParameterError(f"{what} is {_short(given)}; it must be one of {', '.join(known)}")
    return given


def _short(given: Any) -> str:
    plain = given is None or isinstance(given, str | int | float | complex)
    return repr(given) if plain else type(given).__name__
