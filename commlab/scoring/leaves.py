"""From evidence to parts and from parts to leaves: rules applied, shares put together, matrices of units x leaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.framework import Framework, Part
from commlab.framework.rules import RULES
from commlab.scoring.rules import score_rows
from commlab.tables import STATES

__all__ = ["MISSING", "Leaves", "leaf_matrices", "score"]

MISSING = ("measured", "zero")
_ROUNDING = 1e-9
_SCORED, _FAILED, _MISSING, _NOT_APPLICABLE, _VETOED = range(len(STATES))


def score(evidence: pd.DataFrame, framework: Framework) -> pd.DataFrame:
    """Score every part by its rule.

    Parameters
    ----------
    evidence : DataFrame
        As ``collect`` gives it; only ``role`` main is scored (a table without ``role`` is all main).
    framework : Framework

    Returns
    -------
    DataFrame
        unit, code, part, value, score (0 to the part's full marks, missing where nothing was measured), state
        (``scored failed missing not_applicable vetoed``), source, inherited; a row a unit and part.

    Raises
    ------
    DataError
        If the evidence lacks columns, or has more than one main row for a unit and part.
    ParameterError
        If it names a code that the framework does not have.
    """
    if not isinstance(evidence, pd.DataFrame):
        raise ParameterError(f"evidence is the frame that collect gives, not {type(evidence).__name__}")
    lacking = [c for c in ("unit", "code", "part", "value", "state") if c not in evidence]
    if lacking:
        raise DataError(f"the evidence lacks the columns {listing(lacking)}")
    main = evidence[evidence["role"] == "main"] if "role" in evidence else evidence
    for column, empty in (
        ("numerator", np.nan),
        ("denominator", np.nan),
        ("per", 1.0),
        ("statistic", None),
        ("source", ""),
    ):
        if column not in main:
            main = main.assign(**{column: empty})
    main = main.assign(code=main["code"].map({c: framework.code(c) for c in main["code"].unique()}))
    again = main[main.duplicated(["unit", "code", "part"])]
    if len(again):
        first = again.iloc[0]
        raise DataError(
            f"{len(again)} unit(s) have more than one main row of evidence, first {first['unit']}"
            f" {first['code']} part {first['part']}"
        )
    main = main.reset_index(drop=True)
    found = {(p.code, p.part): rows for p, rows in _by_part(main, framework)}
    inside = main[["value", "numerator", "denominator", "per", "state", "statistic"]]
    ordered = [p for c in framework.leaves for p in framework.parts(c) if (c, p.part) in found]
    results = [score_rows(part, inside.iloc[found[part.code, part.part]]) for part in ordered]
    rows = np.concatenate([found[p.code, p.part] for p in ordered]) if ordered else np.zeros(0, dtype=int)
    out = main[["unit", "code", "part", "value"]].iloc[rows].reset_index(drop=True)
    out["score"] = np.concatenate([r[0] for r in results]) if results else np.zeros(0)
    number = np.concatenate([r[1] for r in results]) if results else np.zeros(0, dtype=int)
    out["state"] = pd.array(np.array(STATES, dtype=object)[number], dtype="str")
    out["source"] = main["source"].iloc[rows].to_numpy()
    out["inherited"] = (main["state"].iloc[rows] == "inherited").to_numpy(dtype=bool)
    return out.astype({**dict.fromkeys(["unit", "code", "part", "source"], "str"), "value": "float64"})


@dataclass(frozen=True)
class Leaves:
    """Leaf results as matrices of units x leaves.

    ``share`` is the leaf's score over its full marks (NaN: not measured), ``applicable`` whether the leaf
    concerns the unit, ``covered`` the measured part of the leaf, ``bonus`` points on top, ``failed``
    whether a norm was missed; ``vetoes`` lists (unit row, node, score share).
    """

    units: tuple[str, ...]
    share: np.ndarray
    applicable: np.ndarray
    covered: np.ndarray
    bonus: np.ndarray
    failed: np.ndarray
    vetoes: tuple[tuple[int, str, float], ...]


def leaf_matrices(scores: pd.DataFrame, framework: Framework, *, missing: str = "measured") -> Leaves:
    """Put the parts of each leaf together by their shares."""
    if missing not in MISSING:
        raise ParameterError(f"missing is {missing!r}; it must be one of {', '.join(MISSING)}")
    lacking = [c for c in ("unit", "code", "score", "state") if c not in scores]
    if lacking:
        raise DataError(f"the scores lack the columns {listing(lacking)}")
    strange = set(scores["code"]) - set(framework.leaves)
    if strange:
        raise DataError(
            f"the scores name codes that are no leaves of {framework.name}: {listing(sorted(strange))}"
        )
    _check(scores)
    at_unit, names = pd.factorize(scores["unit"])
    units = tuple(names)
    shape = (len(units), len(framework.leaves))
    top, measured, wanted = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    bonus, failed = np.zeros(shape), np.zeros(shape, bool)
    vetoes: list[tuple[int, str, float]] = []
    column = {c: j for j, c in enumerate(framework.leaves)}
    values = scores["score"].to_numpy(float)
    state_number, found = pd.factorize(scores["state"])
    wrong = [s for s in found if s not in STATES]
    if wrong:
        raise DataError(f"the scores have the states {listing(wrong)}; states are {', '.join(STATES)}")
    states = np.array([STATES.index(s) for s in found], dtype=int)[state_number]
    for part, rows in _by_part(scores, framework):
        at, value, state = at_unit[rows], values[rows], states[rows]
        times = np.bincount(at)
        if times.max(initial=0) > 1:
            doubled = [units[i] for i in np.flatnonzero(times > 1)]
            raise DataError(f"{part.code} part {part.part} is scored more than once for {listing(doubled)}")
        j = column[part.code]
        if not RULES[part.rule].shared:
            _outside(part, framework, at, value, state, j, bonus, vetoes)
            continue
        seen = np.isfinite(value) & (state <= _FAILED)
        over = np.flatnonzero(seen & (value > part.full * (1 + _ROUNDING)))
        if len(over):
            first = f"{units[at[over[0]]]}: {value[over[0]]:g}"
            raise DataError(
                f"{part.code} part {part.part} has {len(over)} score(s) above {part.full:g}, first {first}"
            )
        wanted[at, j] += part.share * (state != _NOT_APPLICABLE)
        measured[at, j] += part.share * seen
        top[at, j] += part.share * np.where(seen, value, 0.0) / part.full
        failed[at, j] |= state == _FAILED
    applicable = wanted > 0
    below = wanted if missing == "zero" else measured
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(below > 0, top / below, np.nan)
        covered = np.where(applicable, measured / wanted, np.nan)
    if missing == "zero":
        share = np.where(applicable, share, np.nan)
    return Leaves(units, share, applicable, covered, bonus, failed, tuple(vetoes))


def _check(scores: pd.DataFrame) -> None:
    """Scores are finite numbers from 0, and each has its unit."""
    if scores["unit"].isna().any():
        raise DataError(f"{int(scores['unit'].isna().sum())} score(s) name no unit")
    numbers = pd.to_numeric(scores["score"], errors="coerce")
    for wrong, what in (
        (numbers.isna() & scores["score"].notna(), "no numbers"),
        (np.isinf(numbers), "infinite"),
        (numbers < 0, "below 0"),
    ):
        if wrong.any():
            first = scores[wrong].iloc[0]
            where = f"{first['unit']} {first['code']}: {first['score']}"
            raise DataError(f"{int(wrong.sum())} score(s) are {what}, first {where}")


def _by_part(scores: pd.DataFrame, framework: Framework) -> Iterator[tuple[Part, np.ndarray]]:
    """Each part of the framework with the row numbers of its scores."""
    if "part" in scores:
        names = scores["part"]
    else:
        names = scores["code"].map({c: framework.parts(c)[0].part for c in framework.leaves})
    code_number, codes = pd.factorize(scores["code"])
    name_number, parts = pd.factorize(names)
    number = code_number * max(1, len(parts)) + name_number
    order = np.argsort(number.astype(np.int16) if len(codes) * len(parts) < 2**15 else number, kind="stable")
    counts = np.bincount(number, minlength=len(codes) * len(parts)) if len(number) else np.zeros(0, int)
    ends = np.cumsum(counts)
    for k in np.flatnonzero(counts):
        code, name = codes[k // len(parts)], parts[k % len(parts)]
        start, end = ends[k] - counts[k], ends[k]
        part = next((p for p in framework.parts(code) if p.part == name), None)
        if part is None:
            raise DataError(
                f"{code} has no part {name!r}; it has {listing(p.part for p in framework.parts(code))}"
            )
        yield part, order[start:end]


def _outside(
    part: Part,
    framework: Framework,
    at: np.ndarray,
    value: np.ndarray,
    state: np.ndarray,
    j: int,
    bonus: np.ndarray,
    vetoes: list[tuple[int, str, float]],
) -> None:
    if part.rule == "bonus":
        bonus[at, j] += np.where(np.isfinite(value) & (state <= _FAILED), value, 0.0)
        return
    sets = part.params.get("sets", 0)
    node = framework.code(sets) if isinstance(sets, str) and "/" not in sets else part.code
    for i in np.flatnonzero(state == _VETOED):
        vetoes.append((int(at[i]), node, float(np.nan_to_num(value[i])) / framework.full(node)))
