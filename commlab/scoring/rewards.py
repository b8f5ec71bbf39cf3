"""A pool of money shared by declared rules, to the cent."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.framework import exact
from commlab.scoring.given import by_label, number, one_of
from commlab.scoring.ranks import SAME, totals

__all__ = ["allocate_rewards"]

HOWS = ("equal", "proportional", "weights")
CENTS = 100


def allocate_rewards(
    scores: pd.Series | pd.DataFrame,
    pool: float | Decimal | int,
    *,
    how: str = "equal",
    weights: pd.Series | None = None,
    least: float | None = None,
    top: int | None = None,
    floor: float = 0.0,
    cap: float | None = None,
) -> pd.DataFrame:
    """Share a pool among units so that the amounts add up to it exactly.

    Parameters
    ----------
    scores : Series or DataFrame
        Score by unit, or the frame of ``aggregate``.
    pool : number
        Money in yuan, at most two decimals.
    how : str
        ``equal``, ``proportional`` to the score, or by ``weights`` (a Series by unit: households, a grade's
        factor).
    least : float, optional
        Only units with at least this score take part.
    top : int, optional
        Only the best so many; units that tie on the last place all take part.
    floor, cap : float
        Least and most that each unit taking part gets, in yuan; the others share the rest.

    Returns
    -------
    DataFrame
        unit, score, share (of the pool), amount (yuan), eligible; amounts sum to the pool to the cent.
        Cents that cannot be split go to the largest remainders, of equal ones to the higher score, then the
        earlier row.

    Raises
    ------
    ParameterError
        If the pool is negative or has fractions of a cent, ``how`` is unknown, or floor and cap cannot be
        kept.
    DataError
        If no unit takes part, or weights are missing or negative.

    Examples
    --------
    >>> allocate_rewards(pd.Series({"a": 90.0, "b": 80.0, "c": 70.0}), 100)["amount"].tolist()
    [33.34, 33.33, 33.33]
    """
    score = totals(scores)
    cents = _cents(pool, "pool")
    low, high = _cents(floor, "floor"), cents if cap is None else _cents(cap, "cap")
    one_of(how, "how", HOWS)
    if (how == "weights") != (weights is not None):
        raise ParameterError("weights= goes with how='weights', and only with it")
    takes, settled = score.notna(), score.round(SAME)
    if least is not None:
        takes &= settled >= number(least, "least")
    if top is not None:
        if number(top, "top") < 1:
            raise ParameterError(f"top is {top}; it must be 1 or more")
        takes &= settled.where(takes).rank(ascending=False, method="min") <= top
    units = list(score.index[takes.to_numpy()])
    if not units:
        raise DataError("no unit takes part: no score, or none that reaches the limit")
    if low > high or low * len(units) > cents or high * len(units) < cents:
        raise ParameterError(
            f"{len(units)} units cannot share {cents / CENTS:.2f} with at least {low / CENTS:.2f} and at most"
            f" {high / CENTS:.2f} each"
        )
    parts = _parts(how, score, weights, units)
    amounts = _rounded(_bounded(parts, cents, low, high), score, units, cents, low, high)
    out = pd.DataFrame({"unit": score.index, "score": score.to_numpy(), "eligible": takes.to_numpy()})
    out["amount"] = [amounts.get(u, 0) / CENTS for u in score.index]
    out["share"] = out["amount"] / (cents / CENTS) if cents else np.nan
    return out[["unit", "score", "share", "amount", "eligible"]].astype({"unit": "str"})


def _cents(amount: object, name: str) -> int:
    try:
        value = exact(str(amount) if isinstance(amount, Decimal) else amount) * CENTS
    except ValueError as error:
        raise ParameterError(f"{name}: {error}") from None
    if value < 0 or value.denominator != 1:
        raise ParameterError(f"{name} is {amount}; it must be an amount >= 0 with at most two decimals")
    return int(value)


def _parts(how: str, score: pd.Series, weights: pd.Series | None, units: list[str]) -> dict[str, Fraction]:
    if how == "equal":
        return dict.fromkeys(units, Fraction(1))
    given = score if weights is None else pd.to_numeric(by_label(weights, "weights"), errors="coerce")
    source: Mapping[str, float] = given.to_dict()
    lacking = [u for u in units if not np.isfinite(source.get(u, np.nan))]
    if lacking:
        raise DataError(f"units have no weight: {listing(lacking)}")
    parts = {u: exact(float(source[u])) for u in units}
    if min(parts.values()) < 0 or sum(parts.values()) == 0:
        raise DataError("weights must be >= 0 and not all 0")
    return parts


def _bounded(parts: dict[str, Fraction], cents: int, low: int, high: int) -> dict[str, Fraction]:
    """Exact amounts between the bounds: shares are scaled until the clipped amounts add up to the pool."""
    fixed: dict[str, Fraction] = {}
    while True:
        free = [u for u in parts if u not in fixed]
        left = cents - sum(fixed.values(), Fraction(0))
        base = sum((parts[u] for u in free), Fraction(0))
        if not free:
            return fixed
        trial = {u: left * parts[u] / base if base else Fraction(left, len(free)) for u in free}
        over = sum((v - high for v in trial.values() if v > high), Fraction(0))
        under = sum((low - v for v in trial.values() if v < low), Fraction(0))
        if not over and not under:
            return fixed | trial
        # fix the side that is broken more: its bound binds in the solution
        if over >= under:
            fixed |= {u: Fraction(high) for u, v in trial.items() if v > high}
        else:
            fixed |= {u: Fraction(low) for u, v in trial.items() if v < low}


def _rounded(
    amounts: dict[str, Fraction], score: pd.Series, units: list[str], cents: int, low: int, high: int
) -> dict[str, int]:
    """Whole cents by largest remainder."""
    whole = {u: int(amounts[u]) for u in units}
    left = cents - sum(whole.values())
    order = sorted(units, key=lambda u: (-(amounts[u] - whole[u]), -float(score[u])))
    for u in [u for u in order if whole[u] < high][:left]:
        whole[u] += 1
    return whole
