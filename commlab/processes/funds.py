"""Money against its printed floor: which places get at least what their kind must get, and what is lacking.

Where a document prints "at least so much for each", only each counts; the mean over all is told beside it and decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from commlab.errors import DataError, listing
from commlab.framework import exact

__all__ = ["against_floors", "floors_met"]

STATES = ("met", "below", "missing", "no_floor")


def against_floors(amounts: pd.DataFrame, floors: pd.DataFrame) -> pd.DataFrame:
    """Compare the money of each place with the floor of its kind.

    Parameters
    ----------
    amounts : DataFrame
        ``unit``, ``kind`` (of place), ``fund``, ``amount`` (元; missing: not known), a row a unit and fund; further columns
        are kept.
    floors : DataFrame
        ``fund``, ``kind`` (missing: for all kinds without one of their own), ``floor`` (元).

    Returns
    -------
    DataFrame
        The columns given, then floor, gap (what is lacking to the floor, 0 where it is met) and state (``met``, ``below``,
        ``missing``, or ``no_floor`` where no floor is printed for the kind). At the floor is met.

    Raises
    ------
    DataError
        If columns are missing, a fund of a unit or a floor stands twice, or an amount is negative.

    Examples
    --------
    >>> amounts = pd.DataFrame({"unit": ["a", "b"], "kind": ["town", "city"], "fund": "work", "amount": [9.0, 12.0]})
    >>> floors = pd.DataFrame({"fund": ["work", "work"], "kind": [None, "city"], "floor": [10, 12]})
    >>> against_floors(amounts, floors)[["state", "gap"]].to_numpy().tolist()
    [['below', 1.0], ['met', 0.0]]
    """
    for name, frame, needed, key in (
        ("amounts", amounts, ["unit", "kind", "fund", "amount"], ["unit", "fund"]),
        ("floors", floors, ["fund", "kind", "floor"], ["fund", "kind"]),
    ):
        lacking = [c for c in needed if c not in frame]
        if lacking:
            raise DataError(f"{name} lack the columns {listing(lacking)}; they have {listing(frame.columns)}")
        again = frame[frame.duplicated(key)]
        if len(again):
            first = again.iloc[0]
            raise DataError(
                f"{name}: {' '.join(str(first[k]) for k in key)} stands more than once; keep one row"
            )
    given = pd.to_numeric(amounts["amount"], errors="coerce").astype("float64")
    wrong = amounts[(given < 0) | np.isinf(given)]
    if len(wrong):
        first = wrong.iloc[0]
        raise DataError(f"{first['unit']} has {first['amount']} for {first['fund']}; amounts are 0 or more")
    own = {
        (f, None if pd.isna(k) else k): exact(v)
        for f, k, v in floors[["fund", "kind", "floor"]].itertuples(index=False)
    }
    out = amounts.reset_index(drop=True).copy()
    floor, gap, state = [], [], []
    for fund, kind, amount in zip(out["fund"], out["kind"], given, strict=True):
        least = own.get((fund, None if pd.isna(kind) else kind), own.get((fund, None)))
        known = bool(np.isfinite(amount))
        # Exactly: 99,999.99 of 100,000 is below, and no sum of cents may round it up.
        lacks = max(least - exact(float(amount)), exact(0)) if known and least is not None else None
        floor.append(np.nan if least is None else float(least))
        gap.append(np.nan if lacks is None else float(lacks))
        state.append("no_floor" if least is None else "missing" if not known else "below" if lacks else "met")
    return out.assign(
        amount=given.to_numpy(), floor=floor, gap=gap, state=pd.Series(state, index=out.index, dtype="str")
    )


def floors_met(compared: pd.DataFrame, by: Sequence[str] = ("fund",)) -> pd.DataFrame:
    """How many places reach their floor, and what those below lack together.

    Parameters
    ----------
    compared : DataFrame
        As ``against_floors`` returns it.
    by : sequence of str
        Columns that make a row, for instance ``fund`` and ``kind``.

    Returns
    -------
    DataFrame
        ``by``, n (places with a floor), met, below, missing, rate (met of those whose amount is known), mean (amount), lowest,
        gap (元, together).

    Examples
    --------
    >>> amounts = pd.DataFrame({"unit": ["a", "b"], "kind": "town", "fund": "work", "amount": [9.0, 12.0]})
    >>> done = against_floors(amounts, pd.DataFrame({"fund": ["work"], "kind": [None], "floor": [10]}))
    >>> floors_met(done)[["n", "met", "rate", "gap"]].to_numpy().tolist()
    [[2.0, 1.0, 0.5, 1.0]]
    """
    keys = list(by)
    lacking = [c for c in (*keys, "state", "gap", "amount") if c not in compared]
    if lacking:
        raise DataError(f"the table lacks the columns {listing(lacking)}; make it with against_floors")
    rows = compared[compared["state"] != "no_floor"]
    rows = rows.assign(**{s: rows["state"] == s for s in STATES[:3]})
    out = rows.groupby(keys, sort=False, as_index=False, dropna=False).agg(
        n=("state", "size"), met=("met", "sum"), below=("below", "sum"), missing=("missing", "sum"),
        mean=("amount", "mean"), lowest=("amount", "min"), gap=("gap", "sum"),
    )  # fmt: skip
    known = out["met"] + out["below"]
    out.insert(len(keys) + 4, "rate", out["met"] / known.where(known > 0))
    return out
