"""From parts to leaves, from leaves up the tree to the total: score, state, coverage, weight, contribution.

Matrices of units x nodes do the work; the long frames are their print. A weight that nothing was measured
under goes to its siblings (``missing="measured"``) or counts as zero (``missing="zero"``); what is not
applicable leaves both sides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.framework import TOTAL, Framework, Part
from commlab.framework.rules import RULES
from commlab.scoring.rules import score_rows
from commlab.tables import STATES

__all__ = ["HOWS", "Leaves", "aggregate", "climb", "leaf_matrices", "score", "total_scores"]

HOWS = ("arithmetic", "geometric", "harmonic")
MISSING = ("measured", "zero")
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


def climb(
    share: np.ndarray,
    applicable: np.ndarray,
    weights: np.ndarray,
    how: str,
) -> np.ndarray:
    """One step up: the weighted mean of children, over those that have a score.

    Parameters
    ----------
    share : ndarray, shape (n_units, n_children)
        NaN: no score.
    applicable : ndarray of bool, same shape
    weights : ndarray, shape (n_children,)
    how : str

    Returns
    -------
    ndarray, shape (n_units,)
        (1) arithmetic: sum w x / sum w  (2) geometric: exp(sum w ln x / sum w)  (3) harmonic: sum w / sum w
        / x
    """
    seen = np.isfinite(share) & applicable
    w = np.where(seen, weights, 0.0)
    total = w.sum(axis=1)
    x = np.where(seen, share, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        if how == "arithmetic":
            out = (w * x).sum(axis=1) / total
        elif how == "geometric":
            out = np.exp(np.where(w > 0, w * np.log(x), 0.0).sum(axis=1) / total)
        else:
            out = total / np.where(w > 0, w / x, 0.0).sum(axis=1)
    return np.where(total > 0, out, np.nan)


def _chosen(framework: Framework, how: str | Mapping[str, str]) -> dict[str, str]:
    codes = [TOTAL, *(n.code for n in framework.nodes if framework.children(n.code))]
    if isinstance(how, str):
        given: dict[str, str] = dict.fromkeys(codes, how)
    elif isinstance(how, Mapping):
        given = {framework.code(c): h for c, h in how.items()}
        leaves = [c for c in given if c not in codes]
        if leaves:
            raise ParameterError(
                f"how names leaves ({listing(leaves)}): only nodes with children are aggregated"
            )
    else:
        raise ParameterError(f"how is {how!r}; it must be text, or a mapping of code to text")
    wrong = sorted({str(h) for h in given.values() if h not in HOWS})
    if wrong:
        raise ParameterError(f"how is {listing(wrong)}; it must be one of {', '.join(HOWS)}")
    return {c: given.get(c, "arithmetic") for c in codes}


def aggregate(
    scores: pd.DataFrame,
    framework: Framework,
    *,
    how: str | Mapping[str, str] = "arithmetic",
    missing: str = "measured",
) -> pd.DataFrame:
    """Carry the scores of parts up the tree.

    Parameters
    ----------
    scores : DataFrame
        unit, code, part, score, state, as ``score`` gives them.
    framework : Framework
        Its local weights; equal among siblings where it has none.
    how : str or mapping of code to str
        ``arithmetic``, ``geometric`` or ``harmonic`` for all nodes, or for the children of each code
        (``total`` included); nodes that a mapping does not name are arithmetic.
    missing : str
        ``measured``: the weight of what was not measured goes to its siblings. ``zero``: it counts as 0.

    Returns
    -------
    DataFrame
        unit, code, score, state, coverage, weight, contribution, effective, leaf; a row for ``total`` and
        every node of each unit, in the framework's order.
        ``coverage`` = measured / applicable weight below the node (failed counts as measured).
        ``weight`` is the node's share in the total among what applies to the unit (the leaves' sum to 1).
        ``effective`` is its weight in the score after what was not measured handed its own to its siblings.
        ``contribution`` = effective * score is what the node adds to the total; at every level these sum to
        it
        (bonus and veto apart). Both are missing where a mean above is not arithmetic.

    Raises
    ------
    DataError
        If a score is negative or names no leaf or part, or a unit has two scores of one part.
    ParameterError
        If ``how`` or ``missing`` is not known.
    """
    hows = _chosen(framework, how)
    low = scores[scores["score"] < 0] if "score" in scores else scores.iloc[:0]
    if len(low):
        first = low.iloc[0]
        raise DataError(
            f"{len(low)} score(s) are below 0, first {first['unit']} {first['code']}: {first['score']:g}"
        )
    leaves = leaf_matrices(scores, framework, missing=missing)
    tree = _Tree(framework, leaves, hows)
    tree.hand_down()
    return tree.frame()


def total_scores(
    framework: Framework, leaves: Leaves, *, how: str | Mapping[str, str] = "arithmetic"
) -> np.ndarray:
    """Total score of every unit, in points; missing where nothing was measured."""
    tree = _Tree(framework, leaves, _chosen(framework, how))
    share, bonus = tree.share[TOTAL] * framework.full(TOTAL), tree.bonus[TOTAL]
    return np.where(bonus > 0, np.nan_to_num(share) + bonus, share)


class _Tree:
    """Node vectors over units, filled from the leaves up and then weights from the top down."""

    def __init__(self, framework: Framework, leaves: Leaves, hows: Mapping[str, str]) -> None:
        self.framework, self.leaves, self.hows = framework, leaves, hows
        self.local = framework.local_weights
        n = len(leaves.units)
        self.share: dict[str, np.ndarray] = {}
        self.applicable: dict[str, np.ndarray] = {}
        self.covered: dict[str, np.ndarray] = {}
        self.bonus: dict[str, np.ndarray] = {}
        self.failed: dict[str, np.ndarray] = {}
        self.vetoed = {c: np.zeros(n, bool) for c in [TOTAL, *(x.code for x in framework.nodes)]}
        self._struck: dict[str, list[tuple[int, float]]] = {}
        for row, node, value in leaves.vetoes:
            self._struck.setdefault(node, []).append((row, value))
        self.weight: dict[str, np.ndarray] = {TOTAL: np.ones(n)}
        self.part_of_total: dict[str, np.ndarray] = {}
        self._up(TOTAL)

    def hand_down(self) -> None:
        """Weights from the top: what each node weighs in what applies, and in the score."""
        self.part_of_total[TOTAL] = np.ones(len(self.leaves.units))
        self._down(TOTAL, self.hows[TOTAL] == "arithmetic")

    def _up(self, code: str) -> None:
        below = self.framework.children(code)
        if not below:
            j = self.framework.leaves.index(code)
            only_outside = all(not RULES[p.rule].shared for p in self.framework.parts(code))
            full = self.framework.full(code)
            self.share[code] = self.leaves.share[:, j].copy()
            self.applicable[code] = self.leaves.applicable[:, j]
            self.covered[code] = self.leaves.covered[:, j]
            self.failed[code] = self.leaves.failed[:, j]
            self.bonus[code] = self.leaves.bonus[:, j] if only_outside else np.zeros(len(self.leaves.units))
            if not only_outside:
                self.share[code] += self.leaves.bonus[:, j] / full
        else:
            for c in below:
                self._up(c)
            w = self.local[list(below)].to_numpy()
            share = np.column_stack([self.share[c] for c in below])
            applies = np.column_stack([self.applicable[c] for c in below])
            covered = np.column_stack([np.nan_to_num(self.covered[c]) for c in below])
            self.share[code] = climb(share, applies, w, self.hows[code])
            self.applicable[code] = (applies & (w > 0)).any(axis=1)
            wanted = (applies * w).sum(axis=1)
            with np.errstate(invalid="ignore", divide="ignore"):
                self.covered[code] = np.where(
                    wanted > 0, (applies * covered * w).sum(axis=1) / wanted, np.nan
                )
            self.failed[code] = np.zeros(len(self.leaves.units), bool)
            self.bonus[code] = sum((self.bonus[c] for c in below), np.zeros(len(self.leaves.units)))
        for row, value in self._struck.get(code, []):
            self.share[code][row] = value
            self.bonus[code][row] = 0.0
            self.vetoed[code][row] = True
            self.applicable[code][row] = True
            self.covered[code][row] = 1.0 if np.isnan(self.covered[code][row]) else self.covered[code][row]

    def _down(self, code: str, arithmetic: bool) -> None:
        below = self.framework.children(code)
        if not below:
            return
        w = self.local[list(below)].to_numpy()
        applies = np.column_stack([self.applicable[c] for c in below])
        seen = applies & np.column_stack([np.isfinite(self.share[c]) for c in below])
        wanted, measured = (applies * w).sum(axis=1), (seen * w).sum(axis=1)
        for k, c in enumerate(below):
            with np.errstate(invalid="ignore", divide="ignore"):
                among = np.where(wanted > 0, applies[:, k] * w[k] / wanted, 0.0)
                in_score = np.where(measured > 0, seen[:, k] * w[k] / measured, 0.0)
            self.weight[c] = self.weight[code] * among
            self.part_of_total[c] = (
                self.part_of_total[code] * in_score if arithmetic else np.full(len(among), np.nan)
            )
            self._down(c, arithmetic and self.hows.get(c, "arithmetic") == "arithmetic")

    def frame(self) -> pd.DataFrame:
        """The long table, unit by unit, nodes in the framework's order."""
        codes = [TOTAL, *(n.code for n in self.framework.nodes)]
        n, k = len(self.leaves.units), len(codes)
        top = self.framework.full(TOTAL)
        full = np.array([self.framework.full(c) for c in codes])

        def table(of: Mapping[str, np.ndarray]) -> np.ndarray:
            return np.column_stack([of[c] for c in codes]) if n else np.empty((0, k))

        share, bonus, applies = table(self.share), table(self.bonus), table(self.applicable).astype(bool)
        covered, in_total = table(self.covered), table(self.part_of_total)
        seen = np.isfinite(share)
        value = np.where(bonus > 0, np.nan_to_num(share * full) + bonus, share * full)
        measured = (np.nan_to_num(covered) > 0) & seen
        number = np.where(table(self.failed).astype(bool), _FAILED, _SCORED)
        number = np.where(measured, number, _MISSING)
        number = np.where(applies, number, np.where(bonus > 0, _SCORED, _NOT_APPLICABLE))
        number = np.where(table(self.vetoed).astype(bool), _VETOED, number)
        added = np.where(seen, in_total * np.nan_to_num(share) * top, 0.0)
        return pd.DataFrame(
            {
                "unit": pd.array(list(self.leaves.units), dtype="str").repeat(k),
                "code": pd.array(codes * n, dtype="str"),
                "score": value.ravel(),
                "state": pd.array(np.array(STATES, dtype=object)[number.ravel()], dtype="str"),
                "coverage": covered.ravel(),
                "weight": table(self.weight).ravel(),
                "contribution": np.where(np.isnan(in_total), np.nan, added + bonus).ravel(),
                "effective": (in_total * top / full).ravel(),
                "leaf": [not self.framework.children(c) for c in codes] * n,
            }
        ).astype({"leaf": "bool"})
