"""The rules: what score a piece of evidence earns, and whether it meets a printed norm.

Every function works on the main evidence rows of one part. A norm is compared exactly: numbers near the
target are compared as fractions, so that 6 of 9 meets two thirds.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from commlab.framework import Part, exact
from commlab.scoring.gather import Fact
from commlab.tables import STATES

__all__ = ["FOUND", "Rows", "deduct", "meets", "meets_one", "score_rows"]

FOUND = ("observed", "inherited", "missing", "not_applicable")
"""States of evidence; ``Rows`` hold their positions."""
_KNOWN, _GONE = 1, 3
Rows = Mapping[str, np.ndarray]
"""Main evidence of one part as arrays: value, numerator, denominator, per, state (position in ``FOUND``) and share
(whether the value is a share of units that meet the norm)."""

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
    "==": operator.eq,
}
_NEAR = 1e-9
"""Relative distance within which floats are compared as fractions."""
PERCENT = 100.0
_SCORED, _FAILED, _MISSING, _NOT_APPLICABLE, _VETOED = range(len(STATES))


def meets(rows: Any, op: str, target: object) -> np.ndarray:
    """Whether each value stands in the relation to the target; missing never does.

    Parameters
    ----------
    rows : mapping of arrays, or DataFrame
        value, numerator, denominator, per; where both sides are known, value = numerator / denominator * per.

    Examples
    --------
    >>> rows = {"value": [6 / 9], "numerator": [6.0], "denominator": [9.0], "per": [1.0]}
    >>> bool(meets(rows, ">=", "2/3")[0])
    True
    """
    goal = exact(target)
    limit = float(goal)
    value, top, bottom, per = (
        np.asarray(rows[c], dtype=float) for c in ("value", "numerator", "denominator", "per")
    )
    out = np.asarray(_COMPARE[op](value, limit), dtype=bool)
    near = np.flatnonzero(np.abs(value - limit) <= _NEAR * max(1.0, abs(limit)))
    if len(near):
        told = np.column_stack([value[near], top[near], bottom[near], per[near]])
        kinds, which = np.unique(told, axis=0, return_inverse=True, equal_nan=True)
        met = [
            _COMPARE[op](_printed(Fact(v, a, b, p, "observed", "")), goal) for v, a, b, p in kinds.tolist()
        ]
        out[near] = np.array(met, dtype=bool)[which.ravel()]
    return out & np.isfinite(value)


def meets_one(fact: Fact, op: str, target: object) -> bool:
    """Whether one measured value stands in the relation to the target, exactly."""
    goal = exact(target)
    if abs(fact.value - float(goal)) > _NEAR * max(1.0, abs(float(goal))):
        return bool(_COMPARE[op](fact.value, float(goal)))
    return fact.value == fact.value and bool(_COMPARE[op](_printed(fact), goal))


def _printed(fact: Fact) -> Fraction:
    if math.isfinite(fact.numerator) and math.isfinite(fact.denominator) and fact.denominator != 0:
        return exact(fact.numerator) / exact(fact.denominator) * exact(fact.per)
    return exact(fact.value)


def deduct(
    counts: Mapping[str, float], items: Sequence[Mapping[str, Any]], full: float, floor: float
) -> float:
    """Points left after deductions; missing counts deduct nothing.

    >>> items = [{"item": "late", "per": 2, "cap": 5}, {"item": "death", "all": True}]
    >>> deduct({"late": 4, "death": 0}, items, 10, 0), deduct({"late": 0, "death": 1}, items, 10, 0)
    (5.0, 0.0)
    """
    left = float(full)
    for item in items:
        count = counts.get(item["item"], np.nan)
        if not np.isfinite(count) or count <= 0:
            continue
        if item.get("all"):
            return float(floor)
        taken = float(exact(item["per"])) * count
        left -= min(taken, float(exact(item["cap"]))) if "cap" in item else taken
    return max(left, float(floor))


def _judged(part: Part, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    return rows["value"] / PERCENT * part.full, np.zeros(len(rows["value"]), bool)


def _count(part: Part, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """The judgement; between the goalposts of a study, the share of the way from one to the other."""
    if part.goalposts is None:
        return _judged(part, rows)
    low, high = part.goalposts
    reached = np.clip((rows["value"] - low) / (high - low), 0, 1)
    return reached * part.full, np.zeros(len(rows["value"]), bool)


def _norm(part: Part, rows: Rows, op: str, target: object) -> tuple[np.ndarray, np.ndarray]:
    """Full marks where the norm is met; below it none, or where graded the share of the way to it."""
    met = meets(rows, op, target)
    value, goal = rows["value"], float(exact(target))
    reached = np.zeros(len(rows["value"]))
    if part.graded and op in (">=", ">") and goal > 0:
        reached = np.clip(value / goal, 0, 1)
    elif part.graded and op in ("<=", "<") and goal > 0:
        reached = np.clip(goal / np.where(value > 0, value, goal), 0, 1)
    return np.where(met, 1.0, reached) * part.full, ~met


def _threshold(part: Part, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    share = rows["share"]
    score, failed = _norm(part, rows, part.params["op"], part.params["target"])
    return _by_share(part, rows, share, score, failed)


def _by_share(
    part: Part, rows: Rows, share: np.ndarray, score: np.ndarray, failed: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rows that hold a share of units meeting the norm score that share; they fail where none meets it."""
    value = rows["value"]
    return np.where(share, value * part.full, score), np.where(share, value == 0, failed)


def _growth(part: Part, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    return _norm(part, rows, ">=", part.params["target"])


def _range(part: Part, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    share = rows["share"]
    inside = meets(rows, ">=", part.params["low"]) & meets(rows, "<=", part.params["high"])
    return _by_share(part, rows, share, np.where(inside, part.full, 0.0), ~inside)


def _yes_no(part: Part, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    share = rows["share"]
    yes = rows["value"] > 0
    return _by_share(part, rows, share, np.where(yes, part.full, 0.0), ~yes)


def _checklist(part: Part, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Share of points that passed; ``graded: false`` asks for all of them."""
    value = rows["value"]
    if part.params.get("graded", True):
        return value * part.full, value == 0
    all_passed = meets(rows, ">=", 1)
    return np.where(all_passed, part.full, 0.0), ~all_passed


def _deduction(part: Part, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    return rows["value"], np.zeros(len(rows["value"]), bool)


def _bonus(part: Part, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    earned = rows["value"] * float(exact(part.params["per"]))
    cap = float(exact(part.params["cap"])) if "cap" in part.params else np.inf
    return np.clip(earned, 0, cap), np.zeros(len(rows["value"]), bool)


def _bands(part: Part, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Score of the band that holds the value; a value outside all bands scores 0 and fails."""
    score, found = np.zeros(len(rows["value"])), np.zeros(len(rows["value"]), bool)
    for band in part.params["bands"]:
        closed = band.get("closed", "left")
        inside = np.isfinite(rows["value"])
        if "low" in band:
            inside &= meets(rows, ">=" if closed in ("left", "both") else ">", band["low"])
        if "high" in band:
            inside &= meets(rows, "<=" if closed in ("right", "both") else "<", band["high"])
        score[inside] = float(exact(band["score"]))
        found |= inside
    return score, ~found


def _veto(part: Part, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    struck = rows["value"] > 0
    sets = part.params.get("sets", 0)
    return np.where(
        struck, 0.0 if isinstance(sets, str) and "/" not in sets else float(exact(sets)), np.nan
    ), struck


_RULES: dict[str, Callable[[Part, Rows], tuple[np.ndarray, np.ndarray]]] = {
    "judged": _judged,
    "count": _count,
    "survey": _judged,
    "threshold": _threshold,
    "rate": _threshold,
    "range": _range,
    "growth": _growth,
    "yes_no": _yes_no,
    "checklist": _checklist,
    "deduction": _deduction,
    "bonus": _bonus,
    "bands": _bands,
    "veto": _veto,
}


def score_rows(part: Part, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Score the main evidence rows of one part.

    Parameters
    ----------
    part : Part
    rows : Rows

    Returns
    -------
    tuple of ndarray
        Scores (0 to the part's full marks, missing where nothing is known) and states (positions in
        ``STATES``). A soft part never fails; a veto that struck is ``vetoed``, one that did not is
        ``not_applicable``.
    """
    score, failed = _RULES[part.rule](part, rows)
    known = (rows["state"] <= _KNOWN) & np.isfinite(rows["value"])
    if part.rule == "veto":
        states = np.where(failed, _VETOED, _NOT_APPLICABLE)
    elif part.soft:
        states = np.full(len(known), _SCORED)
    else:
        states = np.where(failed, _FAILED, _SCORED)
    if known.all():
        return score, states
    other = np.where(rows["state"] == _GONE, _NOT_APPLICABLE, _MISSING)
    return np.where(known, score, np.nan), np.where(known, states, other)
