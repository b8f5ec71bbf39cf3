"""From evidence to parts and from parts to leaves: rules applied, shares put together, matrices of units x leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.framework import Framework, Part
from commlab.framework.rules import RULES
from commlab.scoring.given import one_of, table
from commlab.scoring.keys import Group, group_rows, numbered
from commlab.scoring.rules import FOUND, score_rows
from commlab.scoring.texts import chosen
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
    if not isinstance(framework, Framework):
        raise ParameterError(f"framework is what load_framework gives, not {type(framework).__name__}")
    lacking = [c for c in ("unit", "code", "part", "value", "state") if c not in evidence]
    if lacking:
        raise DataError(f"the evidence lacks the columns {listing(lacking)}")
    is_main = (
        np.ones(len(evidence), bool)
        if "role" not in evidence
        else (evidence["role"] == "main").to_numpy(bool)
    )
    main = evidence if is_main.all() else evidence[is_main]
    found = {}
    groups, units = group_rows(main, main["part"])
    printed = {g.code: framework.code(g.code) for g in groups}
    if any(code != own for own, code in printed.items()):
        main = main.assign(code=main["code"].map(printed).astype("str"))
        groups, units = group_rows(main, main["part"])
    for g in groups:
        part = _part(framework, g.code, g.part)
        if not g.unique:
            first = units[int(np.flatnonzero(np.bincount(g.units) > 1)[0])]
            raise DataError(
                f"units have more than one main row of evidence, first {first} {g.code} part {g.part}"
            )
        found[part.code, part.part] = part, g
    columns = _arrays(main)
    ordered = [found[c, p.part] for c in framework.leaves for p in framework.parts(c) if (c, p.part) in found]
    results = [score_rows(part, {k: v[g.rows] for k, v in columns.items()}) for part, g in ordered]
    rows = _in_a_row([g.rows for _, g in ordered], len(main))
    out = main[["unit", "code", "part"]].iloc[rows].reset_index(drop=True)
    texts = {c: "str" for c in out if not isinstance(out[c].dtype, pd.StringDtype)}
    out = out.astype(texts) if texts else out
    out["value"] = columns["value"][rows]
    out["score"] = np.concatenate([r[0] for r in results]) if results else np.zeros(0)
    out["state"] = chosen(STATES, [r[1] for r in results])
    source = main["source"] if "source" in main else pd.Series("", index=main.index, dtype="str")
    out["source"] = source.astype("str").array[rows]
    out["inherited"] = columns["state"][rows] == FOUND.index("inherited")
    return out


def _in_a_row(parts: Sequence[np.ndarray | slice], n: int) -> np.ndarray | slice:
    """The rows of one part after the other; a slice where they stand so already."""
    if all(isinstance(p, slice) for p in parts):
        ends = [0, *(p.stop for p in parts)]  # type: ignore[union-attr]
        if ends[-1] == n and [p.start for p in parts] == ends[:-1]:  # type: ignore[union-attr]
            return slice(None)
    at = np.arange(n)
    return np.concatenate([at[p] for p in parts]) if parts else at


def _arrays(main: pd.DataFrame) -> dict[str, np.ndarray]:
    """The columns that rules look at."""
    out: dict[str, np.ndarray] = {}
    for column, empty in (("value", np.nan), ("numerator", np.nan), ("denominator", np.nan), ("per", 1.0)):
        out[column] = main[column].to_numpy(float) if column in main else np.full(len(main), empty)
    number, states = numbered(main["state"])
    place = [FOUND.index(s) if s in FOUND else FOUND.index("missing") for s in [*states, "missing"]]
    out["state"] = np.array(place, dtype=np.int8)[number]
    out["share"] = np.zeros(len(main), bool)
    if "statistic" in main:
        number, words = numbered(main["statistic"])
        out["share"] = np.array([*(w == "share_meeting" for w in words), False])[number]
    return out


def _part(framework: Framework, code: str, name: str) -> Part:
    part = next((p for p in framework.parts(code) if p.part == name), None)
    if part is None:
        told = listing(p.part for p in framework.parts(code))
        raise DataError(f"{code} has no part {name!r}; it has {told}")
    return part


@dataclass(frozen=True)
class Leaves:
    """Leaf results as matrices of units x leaves, stored leaf by leaf.

    ``share`` is the leaf's score over its full marks (NaN: not measured), ``applicable`` whether the leaf
    concerns the unit, ``covered`` the measured part of the leaf, ``bonus`` points on top, ``failed``
    whether a norm was missed; ``vetoes`` lists (unit row, node, score share).
    """

    units: pd.Index
    share: np.ndarray
    applicable: np.ndarray
    covered: np.ndarray
    bonus: np.ndarray
    failed: np.ndarray
    vetoes: tuple[tuple[int, str, float], ...]
    plain: bool = False
    """Every leaf applies to every unit and was measured; there is no bonus, veto or missed norm."""


def leaf_matrices(scores: pd.DataFrame, framework: Framework, *, missing: str = "measured") -> Leaves:
    """Put the parts of each leaf together by their shares."""
    one_of(missing, "missing", MISSING)
    table(scores, "the scores", ("unit", "code", "score", "state"))
    values = _check(scores)
    if "part" in scores:
        names = scores["part"]
    else:
        number, codes = numbered(scores["code"])
        first = [framework.parts(c)[0].part if c in framework.leaves else "" for c in codes]
        names = pd.Series(pd.array([*first, None], dtype="str").take(number), scores.index, name="part")
    groups, units = group_rows(scores, names)
    strange = {g.code for g in groups} - set(framework.leaves)
    if strange:
        raise DataError(
            f"the scores name codes that are no leaves of {framework.name}: {listing(sorted(strange))}"
        )
    state_number, found = numbered(scores["state"])
    wrong = [s for s in found if s not in STATES]
    if wrong:
        raise DataError(f"the scores have the states {listing(wrong)}; states are {', '.join(STATES)}")
    states = np.array([STATES.index(s) for s in found], dtype=np.int8)[state_number]
    n, everyone = len(units), np.arange(len(units))
    by_leaf: dict[str, list[Group]] = {c: [] for c in framework.leaves}
    for g in groups:
        by_leaf[g.code].append(g)
    share: np.ndarray = np.empty((n, len(by_leaf)), order="F")
    sides: dict[str, list[np.ndarray | float]] = {name: [] for name in _USUAL}
    vetoes: list[tuple[int, str, float]] = []
    for j, (code, own) in enumerate(by_leaf.items()):
        top, measured, wanted, extra = np.zeros((4, n))
        missed = np.zeros(n, bool)
        for g in own:
            part = _part(framework, code, g.part)
            value, state = values[g.rows], states[g.rows]
            if not g.unique:
                doubled = [units[i] for i in np.flatnonzero(np.bincount(g.units) > 1)]
                raise DataError(f"{code} part {part.part} is scored more than once for {listing(doubled)}")
            if not RULES[part.rule].shared:
                _outside(part, framework, g.units, value, state, extra, vetoes)
                continue
            seen = np.isfinite(value) & (state <= _FAILED)
            over = np.flatnonzero(seen & (value > part.full * (1 + _ROUNDING)))
            if len(over):
                worst = f"{units[g.units[over[0]]]}: {value[over[0]]:g}"
                raise DataError(
                    f"{code} part {part.part} has {len(over)} score(s) above {part.full:g}, first {worst}"
                )
            at = slice(None) if np.array_equal(g.units, everyone) else g.units
            wanted[at] += part.share * (state != _NOT_APPLICABLE)
            measured[at] += part.share * seen
            top[at] += part.share * np.where(seen, value, 0.0) / part.full
            missed[at] |= state == _FAILED
        concerned = wanted > 0
        below = wanted if missing == "zero" else measured
        with np.errstate(invalid="ignore", divide="ignore"):
            share[:, j] = np.where(below > 0, top / below, np.nan)
            part_seen = np.where(concerned, measured / wanted, np.nan)
        for (name, usual), column in zip(_USUAL.items(), (concerned, part_seen, extra, missed), strict=True):
            sides[name].append(usual if (column == usual).all() else column)
    applicable, covered, bonus, failed = (_matrix(sides[name], usual, n) for name, usual in _USUAL.items())
    return Leaves(units, share, applicable, covered, bonus, failed, tuple(vetoes))


_USUAL: dict[str, float | bool] = {"applicable": True, "covered": 1.0, "bonus": 0.0, "failed": False}
"""What a leaf's column nearly always holds."""


def _matrix(columns: Sequence[np.ndarray | float], usual: float | bool, n: int) -> np.ndarray:
    """Columns side by side; where all are as usual, no memory is filled."""
    if all(np.ndim(c) == 0 for c in columns):
        return np.broadcast_to(np.asarray(usual), (n, len(columns)))
    out: np.ndarray = np.empty((n, len(columns)), dtype=type(usual), order="F")
    for j, column in enumerate(columns):
        out[:, j] = column
    return out


def _check(scores: pd.DataFrame) -> np.ndarray:
    """The scores as numbers: each is finite, at least 0 and has its unit."""
    if scores["unit"].isna().any():
        raise DataError(f"{int(scores['unit'].isna().sum())} score(s) name no unit")
    column = scores["score"]
    plain = column.dtype == np.float64
    numbers = column.to_numpy() if plain else pd.to_numeric(column, errors="coerce").to_numpy(float)
    wordy = np.zeros(len(numbers), bool) if plain else (np.isnan(numbers) & column.notna().to_numpy())
    for wrong, what in ((wordy, "no numbers"), (np.isinf(numbers), "infinite"), (numbers < 0, "below 0")):
        if wrong.any():
            first = scores[wrong].iloc[0]
            where = f"{first['unit']} {first['code']}: {first['score']}"
            raise DataError(f"{int(wrong.sum())} score(s) are {what}, first {where}")
    return numbers


def _outside(
    part: Part,
    framework: Framework,
    at: np.ndarray,
    value: np.ndarray,
    state: np.ndarray,
    bonus: np.ndarray,
    vetoes: list[tuple[int, str, float]],
) -> None:
    if part.rule == "bonus":
        bonus[at] += np.where(np.isfinite(value) & (state <= _FAILED), value, 0.0)
        return
    sets = part.params.get("sets", 0)
    node = framework.code(sets) if isinstance(sets, str) and "/" not in sets else part.code
    for i in np.flatnonzero(state == _VETOED):
        vetoes.append((int(at[i]), node, float(np.nan_to_num(value[i])) / framework.full(node)))
