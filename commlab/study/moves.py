"""What reports and the trace tell of a total: its steps since the last quarter, and whom it cannot be told apart from."""

from __future__ import annotations

import pandas as pd

from commlab.framework import TOTAL

__all__ = ["MOST_MOVES", "moves", "not_apart"]

MOST_MOVES = 8
"""Standards whose own part in a change is told one by one."""
_ROUNDING = 1e-9


def moves(explained: pd.DataFrame, unit: str, *, most: int = MOST_MOVES) -> pd.DataFrame:
    """The steps from a unit's earlier total to its present one; they add up to the change.

    Parameters
    ----------
    explained : DataFrame
        As ``explain_change`` gives it.
    most : int
        Standards told one by one, the largest changes first.

    Returns
    -------
    DataFrame
        code, effect, change. First what the values of single standards did, then (code ``total``) ``values``: all
        other standards together, and ``weights``, ``coverage``, ``membership``, ``method`` where they are not 0. Empty
        where the unit cannot be compared.
    """
    mine = explained[explained["unit"] == unit]
    if mine.empty or mine["effect"].eq("not_comparable").any():
        return pd.DataFrame({"code": [], "effect": [], "change": []}).astype({"code": "str", "effect": "str"})
    told = mine[(mine["code"] != TOTAL) & (mine["effect"] == "values")]
    told = told.groupby("code", sort=False, as_index=False)["change"].sum().assign(effect="values")
    order = told["change"].abs().sort_values(ascending=False, kind="stable").index
    single = told.loc[order[:most]]
    sums = mine[(mine["code"] == TOTAL) & (mine["effect"] != TOTAL)].set_index("effect")["change"].copy()
    rest = sums["values"] - single["change"].sum()
    sums["values"] = rest if abs(rest) > _ROUNDING else 0.0
    others = pd.DataFrame({"code": TOTAL, "effect": sums.index, "change": sums.to_numpy()})
    others = others[others["change"] != 0]
    return pd.concat([single, others], ignore_index=True)[["code", "effect", "change"]]


def not_apart(pairs: pd.DataFrame, of: str, unit: str) -> pd.Series:
    """Others of a set (``district``, ``candidate``) that a unit cannot be told apart from -> share of draws in which it leads."""
    pairs = pairs[(pairs["set"] == of) & ~pairs["apart"].astype(bool)]
    ahead, behind = pairs[pairs["a"] == unit], pairs[pairs["b"] == unit]
    shares = [*(1 - behind["p_lead"]), *ahead["p_lead"]]
    return pd.Series(shares, index=[*behind["a"], *ahead["b"]], dtype="float64")
