"""Weights that experts give directly: ratings, shares of a budget, ranks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing

__all__ = ["budget_allocation", "direct_rating", "rank_weights"]

RANK_METHODS = ("roc", "sum", "reciprocal")


def direct_rating(
    ratings: pd.DataFrame, *, expert_weights: Mapping[Any, float] | pd.Series | None = None
) -> pd.Series:
    """Weigh items by the experts' ratings of their importance.

    Parameters
    ----------
    ratings : DataFrame, shape (experts, items)
        >= 0 on any scale; each expert's row is normalised, so that a generous expert counts no more.
    expert_weights : mapping or Series, optional
        Each expert's say. Default: equal.

    Returns
    -------
    Series, shape (items,)

    Raises
    ------
    DataError
        If a rating is missing, negative or infinite (expert and item named), or an expert rates all items 0.

    >>> direct_rating(pd.DataFrame({"a": [10, 3], "b": [30, 1]}, index=["x", "y"])).to_dict()
    {'a': 0.5, 'b': 0.5}
    """
    x, experts, items = _answers(ratings, "ratings")
    say = _say(experts, expert_weights)
    return pd.Series(say @ (x / x.sum(axis=1, keepdims=True)), index=items, name="weight")


def budget_allocation(
    points: pd.DataFrame,
    *,
    total: float = 100.0,
    tolerance: float = 0.5,
    expert_weights: Mapping[Any, float] | pd.Series | None = None,
) -> pd.Series:
    """Weigh items by how the experts share out a fixed number of points.

    Parameters
    ----------
    points : DataFrame, shape (experts, items)
        Each row adds up to ``total`` within ``tolerance`` (then normalised); blank = 0 points.
    expert_weights : mapping or Series, optional
        Each expert's say. Default: equal.

    Returns
    -------
    Series, shape (items,)

    Raises
    ------
    DataError
        If a value is negative or infinite, or a row does not add up (expert and sum named).

    >>> budget_allocation(pd.DataFrame({"a": [60, 20], "b": [40, 80]}, index=["x", "y"])).round(4).to_dict()
    {'a': 0.4, 'b': 0.6}
    """
    x, experts, items = _answers(points.fillna(0) if isinstance(points, pd.DataFrame) else points, "points")
    sums = x.sum(axis=1)
    off = [f"{e}: {s:g}" for e, s in zip(experts, sums, strict=True) if abs(s - total) > tolerance]
    if off:
        raise DataError(
            f"points must add up to {total:g}; they do not for {listing(off)}: return them to the expert"
        )
    say = _say(experts, expert_weights)
    return pd.Series(say @ (x / sums[:, None]), index=items, name="weight")


def rank_weights(ranks: pd.Series | Mapping[Any, float], *, method: str = "roc") -> pd.Series:
    """Weigh items by their rank of importance alone.

    Parameters
    ----------
    ranks : Series, length n
        1 = most important; equal ranks share the mean of the weights they cover.
    method : str
        ``roc`` rank-order centroid, ``sum`` rank sum, ``reciprocal`` rank reciprocal.

    Returns
    -------
    Series, length n

    Raises
    ------
    DataError
        If a rank is missing, no number or below 1, an item is ranked twice, or there is none.

    Notes
    -----
    (1) roc: w_(r) = sum_{k=r..n} 1/k / n    (2) sum: w_(r) ~ n + 1 - r    (3) reciprocal: w_(r) ~ 1 / r
    Source: Stillwell, Seaver and Edwards (1981); Barron and Barrett, Management Science 42 (1996) 1515-1523.

    >>> rank_weights({"a": 1, "b": 2, "c": 3}).round(4).to_dict()
    {'a': 0.6111, 'b': 0.2778, 'c': 0.1111}
    """
    if method not in RANK_METHODS:
        raise ParameterError(f"method must be one of {', '.join(RANK_METHODS)}; found {method!r}")
    given = pd.Series(ranks)
    if given.empty:
        raise DataError("there are no ranks")
    numbers = pd.to_numeric(given, errors="coerce").astype("float64")
    if not given.index.is_unique:
        raise DataError(f"items are ranked twice: {listing(given.index[given.index.duplicated()].unique())}")
    odd = numbers.index[~(np.isfinite(numbers) & (numbers >= 1))]
    if len(odd):
        raise DataError(f"no rank of 1 or more for {listing(odd)}; rank every item, the most important 1")
    n = len(numbers)
    place = np.arange(1.0, n + 1)
    if method == "roc":
        by_place = np.cumsum(1 / place[::-1])[::-1] / n
    elif method == "sum":
        by_place = (n + 1.0) - place
    else:
        by_place = 1.0 / place
    by_place = by_place / by_place.sum()
    ordered = numbers.sort_values(kind="stable")
    weights = pd.Series(by_place, index=ordered.index)
    shared = weights.groupby(ordered.to_numpy()).transform("mean")
    return shared.reindex(given.index).rename("weight")


def _answers(frame: Any, what: str) -> tuple[np.ndarray, pd.Index, pd.Index]:
    if not isinstance(frame, pd.DataFrame):
        raise ParameterError(f"{what} must be a DataFrame, experts x items; found {type(frame).__name__}")
    if frame.empty:
        raise DataError(f"the {what} are empty")
    if not (frame.columns.is_unique and frame.index.is_unique):
        raise DataError(f"experts or items repeat in the {what}")
    numbers = frame.apply(pd.to_numeric, errors="coerce").to_numpy("float64")
    odd = [
        f"({frame.index[i]}, {frame.columns[j]})"
        for i, j in np.argwhere(~(np.isfinite(numbers) & (numbers >= 0)))
    ]
    if odd:
        raise DataError(f"{what} must be numbers of 0 or more; mend (expert, item) {listing(odd)}")
    empty = frame.index[numbers.sum(axis=1) == 0]
    if len(empty):
        raise DataError(f"{listing(empty)} gave every item 0, which weighs nothing; leave the expert out")
    return numbers, frame.index, frame.columns


def _say(experts: pd.Index, expert_weights: Mapping[Any, float] | pd.Series | None) -> np.ndarray:
    from commlab.weights.panel import expert_shares

    say = expert_shares(list(experts), expert_weights)
    return say / say.sum()
