"""Why a score moved between two periods: an exact, additive account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.framework import TOTAL, Framework
from commlab.scoring.aggregate import aggregate
from commlab.scoring.boundaries import on_later_boundaries, successors, went
from commlab.scoring.given import table
from commlab.scoring.leaves import score

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
    evidence: pd.DataFrame | None = None,
    framework: Framework | None = None,
    missing: str = "measured",
) -> pd.DataFrame:
    """Split the change of every unit's total into what values, weights, coverage, membership and method did.

    Parameters
    ----------
    before, after : DataFrame
        As ``aggregate`` gives them for two periods (arithmetic means).
    unit_changes : DataFrame, optional
        Clean table of mergers, splits and renamings between the periods (before, after, share): the earlier
        period is put on the later boundaries, predecessors weighing by share and ``households``.
    households : Series, optional
        Households of the earlier units. Default: all the same.
    evidence, framework, missing
        What ``before`` was scored from and by (``missing`` as in ``aggregate``): successors are then scored anew from
        the evidence of their predecessors put together (``on_later_boundaries``). Without them the predecessors'
        results are averaged, which is not the same where a rule has a threshold, and the result says so.

    Returns
    -------
    DataFrame
        unit, code, effect, change. A row for every leaf and effect that is not 0; with code ``total`` the
        sum of each effect and, as effect ``total``, the whole change: both kinds add up to it exactly. A
        unit that exists in one period only has one row with effect ``not_comparable``; one whose earlier result is an
        average of its predecessors' (or of a part of one) has a row with effect ``averaged`` and change 0.

    Raises
    ------
    DataError
        If columns or contributions are missing (a mean that is not arithmetic has none).
    ParameterError
        If only one of evidence and framework is given.

    Notes
    -----
    A leaf adds e x to the total T: x its score on the scale of the total (score / ``full`` times full marks of the
    whole), e = n m h its ``effective`` weight on that scale, of which n is its ``nominal``
    weight in the framework, m what the not applicable handed on (``weight`` / n), h what the unmeasured handed on
    (e / ``weight``). With bars for means over the two periods, leaves measured in both have
    (1) values = e_bar (x1 - x0)  (2) weights, membership, coverage = (x_bar - T_bar) times the parts of e1 - e0 that
    n, m and h have in it (Shapley values of the product: every order in which they change counts alike).
    A leaf measured in one period only moves the total by (x - T_bar) e: coverage where it is missing in the
    other, membership where it does not apply there, method where the other framework lacks it. Points of a bonus
    and what a veto does are values. (3) method takes what is left, such as other full marks.
    """
    first, last = _checked(before, "before"), _checked(after, "after")
    if (evidence is None) != (framework is None):
        raise ParameterError("units are scored anew from evidence= by framework=; give both or neither")
    averaged: set[str] = set()
    if unit_changes is not None and len(table(unit_changes, "unit_changes")):
        after_of = successors(first["unit"].unique(), unit_changes, households)
        followed = went(
            unit_changes.dropna(subset="after")
        )  # what has no successor is listed as not comparable
        kept = first[~first["unit"].isin([*followed, *after_of])]
        if evidence is not None and framework is not None:
            put = on_later_boundaries(evidence, framework, unit_changes, households=households)
            made = aggregate(score(put[put["unit"].isin(after_of)], framework), framework, missing=missing)
        else:
            made = _averages(first, after_of)
            averaged = {u for u, shares in after_of.items() if [s for s, _ in shares.values()] != [1.0]}
        first = pd.concat([kept, made], ignore_index=True)
    old = {str(u): g.set_index("code") for u, g in first.groupby("unit", sort=False)}
    new = {str(u): g.set_index("code") for u, g in last.groupby("unit", sort=False)}
    rows: list[tuple[str, str, str, float]] = []
    for unit in dict.fromkeys([*new, *old]):
        if unit in old and unit in new:
            rows += _explained(unit, old[unit], new[unit])
            if unit in averaged:
                rows.append((unit, TOTAL, "averaged", 0.0))
        else:
            rows.append((unit, TOTAL, "not_comparable", np.nan))
    columns = ["unit", "code", "effect", "change"]
    return pd.DataFrame(rows, columns=columns).astype({"unit": "str", "code": "str", "effect": "str"})


def _checked(nodes: pd.DataFrame, name: str) -> pd.DataFrame:
    needed = ("unit", "code", "score", "state", "weight", "contribution", "effective", "leaf")
    lacking = [c for c in needed if c not in table(nodes, name)]
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
        struck = [c for nodes in (b, a) for c in nodes.index[(nodes["state"] == "vetoed").to_numpy()]]
        rows.append((unit, struck[0], "values", rest) if struck else (unit, TOTAL, "method", rest))
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
    old, new = _read(code, a), _read(code, b)
    extra = new.extra - old.extra
    rows = [("values", extra)] if extra else []
    if old.seen and new.seen:
        x, e = (old.score + new.score) / 2, (old.effective + new.effective) / 2
        rows.append(("values", e * (new.score - old.score)))
        parts = _shapley(old.factors, new.factors)
        return [
            *rows,
            *(
                (k, (x - middle) * p)
                for k, p in zip(("weights", "membership", "coverage"), parts, strict=True)
            ),
        ]
    if not old.seen and not new.seen:
        return rows
    moved = (new.score - middle) * new.effective if new.seen else -(old.score - middle) * old.effective
    other = a if new.seen else b
    if code not in other.index:
        return [*rows, ("method", moved)]
    gone = other.loc[code, "state"] == "not_applicable"
    return [*rows, ("membership" if gone else "coverage", moved)]


def _shapley(old: tuple[float, ...], new: tuple[float, ...]) -> list[float]:
    """Parts that three factors have in the change of their product; they add up to it."""
    out = []
    for k in range(3):
        (p0, q0), (p1, q1) = ([f for i, f in enumerate(side) if i != k] for side in (old, new))
        others = (p0 * q0 + p1 * q1) / 3 + (p0 * q1 + p1 * q0) / 6
        out.append((new[k] - old[k]) * others)
    return out


class _Leaf(NamedTuple):
    """A leaf in one period; ``factors``: nominal weight, what was handed on by membership, and by coverage."""

    score: float
    effective: float
    factors: tuple[float, float, float]
    extra: float
    seen: bool


def _read(code: str, nodes: pd.DataFrame) -> _Leaf:
    if code not in nodes.index:
        return _Leaf(np.nan, 0.0, (0.0, 1.0, 1.0), 0.0, False)
    row = nodes.loc[code]
    scale = float(nodes.loc[TOTAL, "full"] / row["full"]) if "full" in nodes else 1.0
    e, w = float(row["effective"]) / scale, float(row["weight"])
    n = float(row["nominal"]) if "nominal" in nodes else w
    seen = bool(pd.notna(row["score"]) and e > 0)
    extra = 0.0 if seen or e != 0 else float(row["contribution"])
    return _Leaf(float(row["score"]) * scale, e, (n, w / n if n else 0.0, e / w if w else 0.0), extra, seen)


def _averages(nodes: pd.DataFrame, after_of: Mapping[str, Mapping[str, tuple[float, float]]]) -> pd.DataFrame:
    """Earlier results of predecessors, averaged for each successor."""
    frames = [nodes.iloc[:0]]
    for successor, shares in after_of.items():
        parts = nodes[nodes["unit"].isin(shares)]
        if len(parts):
            w = parts["unit"].map({u: weight for u, (_, weight) in shares.items()})
            frames.append(
                _averaged(parts, w / w.groupby(parts["code"]).transform("sum")).assign(unit=successor)
            )
    return pd.concat(frames, ignore_index=True)


def _averaged(parts: pd.DataFrame, w: pd.Series) -> pd.DataFrame:
    """Contributions and weights are averaged; the score is what they imply."""
    columns = [c for c in ("effective", "weight", "nominal", "contribution") if c in parts]
    scaled = parts[columns].mul(w, axis=0)
    out = scaled.groupby(parts["code"], sort=False).sum()
    for column in ("leaf", "full"):
        if column in parts:
            out[column] = parts.groupby("code", sort=False)[column].first()
    measured = parts.assign(score=parts["score"].notna()).groupby("code", sort=False)["score"].any()
    with np.errstate(invalid="ignore", divide="ignore"):
        value = out["contribution"] / out["effective"].where(out["effective"] > 0)
    out["score"] = value.where(measured)
    applies = parts["state"].ne("not_applicable").groupby(parts["code"], sort=False).any()
    states = np.where(measured, "scored", np.where(applies, "missing", "not_applicable"))
    out["state"] = pd.Series(states, index=measured.index)
    return out.reset_index()
