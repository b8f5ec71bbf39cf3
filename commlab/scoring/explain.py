"""Why a score moved between two periods: an exact, additive account."""

from __future__ import annotations

import numpy as np
import pandas as pd

from commlab.errors import DataError, listing
from commlab.framework import TOTAL

__all__ = ["EFFECTS", "explain_change"]

EFFECTS = ("values", "weights", "coverage", "membership", "method")
"""What can move a score."""
_ROUNDING = 1e-9


def explain_change(
    before: pd.DataFrame,
    after: pd.DataFrame,
    *,
    unit_changes: pd.DataFrame | None = None,
    households: pd.Series | None = None,
) -> pd.DataFrame:
    """Split the change of every unit's total into what values, weights, coverage, membership and method did.

    Parameters
    ----------
    before, after : DataFrame
        As ``aggregate`` gives them for two periods (arithmetic means).
    unit_changes : DataFrame, optional
        Clean table of mergers, splits and renamings between the periods (before, after, share): earlier
        results are put on the later boundaries, predecessors weighing by share and ``households``.
    households : Series, optional
        Households of the earlier units. Default: all the same.

    Returns
    -------
    DataFrame
        unit, code, effect, change. A row for every leaf and effect that is not 0; with code ``total`` the
        sum of each effect and, as effect ``total``, the whole change: both kinds add up to it exactly. A
        unit that exists in one period only has one row with effect ``not_comparable``.

    Raises
    ------
    DataError
        If columns or contributions are missing (a mean that is not arithmetic has none).

    Notes
    -----
    A leaf adds e x to the total T: x its score, e its ``effective`` weight, w its ``weight`` among what
    applies, h = e / w what the unmeasured handed on. With bars for means over the two periods, leaves
    measured in both have
    (1) values = e_bar (x1 - x0)  (2) weights = (x_bar - T_bar) h_bar (w1 - w0)
    (3) coverage = (x_bar - T_bar) w_bar (h1 - h0)
    A leaf measured in one period only moves the total by (x - T_bar) e: coverage where it is missing in the
    other, membership where it does not apply there, method where the other framework lacks it.
    (4) method also takes what is left: bonus, veto, other full marks.
    """
    first, last = _checked(before, "before"), _checked(after, "after")
    if unit_changes is not None and len(unit_changes):
        first = _on_later_boundaries(first, unit_changes, households)
    old = {str(u): g.set_index("code") for u, g in first.groupby("unit", sort=False)}
    new = {str(u): g.set_index("code") for u, g in last.groupby("unit", sort=False)}
    rows: list[tuple[str, str, str, float]] = []
    for unit in dict.fromkeys([*new, *old]):
        if unit in old and unit in new:
            rows += _explained(unit, old[unit], new[unit])
        else:
            rows.append((unit, TOTAL, "not_comparable", np.nan))
    columns = ["unit", "code", "effect", "change"]
    return pd.DataFrame(rows, columns=columns).astype({"unit": "str", "code": "str", "effect": "str"})


def _checked(nodes: pd.DataFrame, name: str) -> pd.DataFrame:
    needed = ("unit", "code", "score", "state", "weight", "contribution", "effective", "leaf")
    lacking = [c for c in needed if c not in nodes]
    if lacking:
        raise DataError(
            f"{name}: the scores lack the columns {listing(lacking)}; give what aggregate returns"
        )
    again = nodes[nodes.duplicated(["unit", "code"])]
    if len(again):
        raise DataError(f"{name}: {again.iloc[0]['unit']} has {again.iloc[0]['code']} more than once")
    if nodes["contribution"].isna().any():
        raise DataError(f"{name}: contributions are missing; only arithmetic means can be explained")
    return nodes


def _explained(unit: str, a: pd.DataFrame, b: pd.DataFrame) -> list[tuple[str, str, str, float]]:
    if pd.isna(a.loc[TOTAL, "score"]) or pd.isna(b.loc[TOTAL, "score"]):
        return [(unit, TOTAL, "not_comparable", np.nan)]
    whole = float(b.loc[TOTAL, "score"] - a.loc[TOTAL, "score"])
    middle = float(b.loc[TOTAL, "score"] + a.loc[TOTAL, "score"]) / 2
    leaves = dict.fromkeys([*b.index[b["leaf"].to_numpy()], *a.index[a["leaf"].to_numpy()]])
    rows: list[tuple[str, str, str, float]] = []
    for code in leaves:
        rows += [
            (unit, code, effect, change) for effect, change in _of_leaf(code, a, b, middle) if change != 0
        ]
    rest = whole - float(np.sum([r[3] for r in rows]))
    if abs(rest) > _ROUNDING * max(1.0, abs(middle)):
        rows.append((unit, TOTAL, "method", rest))
    elif rows:
        # what is left is rounding of the last digit; the largest row takes it, so that sums are exact
        k = int(np.argmax([abs(r[3]) for r in rows]))
        rows[k] = (*rows[k][:3], rows[k][3] + rest)
    inside = [r for r in rows if r[1] != TOTAL]
    sums = []
    for effect in EFFECTS:
        total = float(np.sum([r[3] for r in rows if r[2] == effect]))
        sums.append((unit, TOTAL, effect, total))
    return [*inside, *sums, (unit, TOTAL, "total", whole)]


def _of_leaf(code: str, a: pd.DataFrame, b: pd.DataFrame, middle: float) -> list[tuple[str, float]]:
    x0, e0, w0, seen0 = _read(code, a)
    x1, e1, w1, seen1 = _read(code, b)
    if seen0 and seen1:
        x, e = (x0 + x1) / 2, (e0 + e1) / 2
        h0, h1 = (e0 / w0 if w0 else 0.0), (e1 / w1 if w1 else 0.0)
        return [
            ("values", e * (x1 - x0)),
            ("weights", (x - middle) * (h0 + h1) / 2 * (w1 - w0)),
            ("coverage", (x - middle) * (w0 + w1) / 2 * (h1 - h0)),
        ]
    if not seen0 and not seen1:
        return []
    moved = (x1 - middle) * e1 if seen1 else -(x0 - middle) * e0
    other = a if seen1 else b
    if code not in other.index:
        return [("method", moved)]
    return [("membership" if other.loc[code, "state"] == "not_applicable" else "coverage", moved)]


def _read(code: str, nodes: pd.DataFrame) -> tuple[float, float, float, bool]:
    if code not in nodes.index:
        return np.nan, 0.0, 0.0, False
    row = nodes.loc[code]
    seen = bool(pd.notna(row["score"]) and row["effective"] > 0)
    return float(row["score"]), float(row["effective"]), float(row["weight"]), seen


def _on_later_boundaries(
    nodes: pd.DataFrame, changes: pd.DataFrame, households: pd.Series | None
) -> pd.DataFrame:
    """Earlier results of predecessors, averaged for each successor."""
    lacking = [c for c in ("before", "after") if c not in changes]
    if lacking:
        raise DataError(f"unit_changes lacks the columns {listing(lacking)}")
    moved = changes[changes["after"].notna()]
    gone = set(changes["before"])
    frames = [nodes[~nodes["unit"].isin(gone)]]
    for successor, links in moved.groupby("after", sort=False):
        weights: dict[str, float] = {}
        for before, share in zip(
            links["before"], links.get("share", pd.Series(1.0, links.index)), strict=True
        ):
            size = 1.0 if households is None else float(households.get(before, np.nan))
            if not size > 0:
                raise DataError(f"households of {before} are not known; they weigh it within {successor}")
            weights[str(before)] = size * (1.0 if pd.isna(share) else float(share))
        parts = nodes[nodes["unit"].isin(weights)]
        if parts.empty:
            continue
        w = parts["unit"].map(weights)
        w = w / w.groupby(parts["code"]).transform("sum")
        frames.append(_averaged(parts, w).assign(unit=str(successor)))
    return pd.concat(frames, ignore_index=True)


def _averaged(parts: pd.DataFrame, w: pd.Series) -> pd.DataFrame:
    """Contributions and weights are averaged; the score is what they imply."""
    scaled = parts[["effective", "weight", "contribution"]].mul(w, axis=0)
    out = scaled.groupby(parts["code"], sort=False).sum()
    out["leaf"] = parts.groupby("code", sort=False)["leaf"].first()
    measured = parts.assign(score=parts["score"].notna()).groupby("code", sort=False)["score"].any()
    with np.errstate(invalid="ignore", divide="ignore"):
        value = out["contribution"] / out["effective"].where(out["effective"] > 0)
    out["score"] = value.where(measured)
    applies = parts["state"].ne("not_applicable").groupby(parts["code"], sort=False).any()
    states = np.where(measured, "scored", np.where(applies, "missing", "not_applicable"))
    out["state"] = pd.Series(states, index=measured.index)
    return out.reset_index()
