"""How sure every rank is: joint draws of weights, sampling error, rater disagreement and rule choices.

Each draw re-scores all units at once: its own weights, its own errors of survey and expert scores, its own
rules. What moved together in the data moves together in the draws. Draws are taken in blocks, so memory
stays bounded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.framework import TOTAL, Framework
from commlab.framework.rules import RULES
from commlab.scoring.aggregate import HOWS, MISSING, Leaves, aggregate, leaf_matrices, score
from commlab.scoring.ranks import ranks

__all__ = ["Dirichlet", "Draws", "draw_scores", "rank_uncertainty"]

_BLOCK_CELLS = 4_000_000
"""Draws x units held at once."""


@dataclass(frozen=True)
class Dirichlet:
    """Weights drawn around the framework's own in every sibling group.

    ``concentration`` k: local weights ~ Dirichlet(k * n * w) for a group of n; a larger k keeps them closer
    (each weight's variance is w (1 - w) / (k n + 1)).
    """

    concentration: float


@dataclass(frozen=True)
class Draws:
    """Drawn total scores, units x draws, with the scores they vary around and the sources that were drawn."""

    units: tuple[str, ...]
    scores: np.ndarray
    base: pd.Series
    sources: tuple[str, ...]


def rank_uncertainty(
    evidence: pd.DataFrame,
    framework: Framework,
    *,
    weights: pd.DataFrame | Dirichlet | None = None,
    sampling: pd.DataFrame | pd.Series | str | None = "evidence",
    ratings: pd.DataFrame | pd.Series | str | None = "evidence",
    choices: Mapping[str, Sequence[str]] | None = None,
    within: pd.Series | None = None,
    top: int | pd.Series = 1,
    draws: int = 10_000,
    seed: int = 0,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Intervals for the rank and score of every unit, and its probability of being among the best.

    Parameters
    ----------
    evidence : DataFrame
        As ``collect`` gives it.
    framework : Framework
        With the weights that the published scores use.
    weights : DataFrame (draws x leaves) or Dirichlet, optional
        Global leaf weights of each draw (rows are used in turn when there are fewer than ``draws``), or a
        distribution around the framework's own. Default: fixed weights.
    sampling, ratings : DataFrame or Series, optional
        Errors of survey scores and of expert scores. ``"evidence"``: the ``se`` of the evidence,
        independent between units and standards. A Series of variances, or a square DataFrame of
        covariances, both indexed by
        (unit, code), in points of the leaf's 0-100. None: no error.
    choices : mapping, optional
        Rules that may differ: ``how`` (of ``arithmetic geometric harmonic``) and ``missing`` (of ``measured
        zero``); each draw takes one combination at random.
    within : Series, optional
        Group of each unit; ranks and ``top`` are inside groups.
    top : int or Series by group
        How many count as best.
    draws : int
    seed : int
        The same seed gives the same numbers.
    confidence : float
        Of all intervals.

    Returns
    -------
    DataFrame
        unit, rank (of the scores as published), rank_low, rank_median, rank_high, p_top, score, score_low,
        score_high, sources (what was drawn, comma-separated). Ties share the better rank. Units without a
        score are left out.

    Raises
    ------
    ParameterError
        If ``draws``, ``confidence``, ``top`` or a choice is out of range.
    DataError
        If weights or covariances do not fit the leaves and units, are negative or not finite.

    Notes
    -----
    A drawn leaf weight takes the place of the published one at every step of the tree: what is not measured
    or not applicable for a unit hands its weight to its siblings in each draw, as in ``aggregate``. Scores of
    draws stay within 0 and full marks.
    """
    if not 0 < confidence < 1:
        raise ParameterError(f"confidence is {confidence}; it must lie between 0 and 1")
    drawn = draw_scores(
        evidence,
        framework,
        weights=weights,
        sampling=sampling,
        ratings=ratings,
        choices=choices,
        draws=draws,
        seed=seed,
    )
    units = pd.Index(drawn.units, name="unit")
    group = _grouped(units, within)
    quota = _quota(group, top)
    rank = ranks(drawn.base, within=within)
    tail = (1 - confidence) / 2
    out = pd.DataFrame(
        index=units, columns=["rank", "rank_low", "rank_median", "rank_high", "p_top"], dtype="float64"
    )
    out["rank"] = rank
    for name in dict.fromkeys(group):
        at = np.flatnonzero(group == name)
        placed = _ranked(drawn.scores[at])
        low, middle, high = np.quantile(placed, [tail, 0.5, 1 - tail], axis=1, method="inverted_cdf")
        out.iloc[at, 1], out.iloc[at, 2], out.iloc[at, 3] = low, middle, high
        out.iloc[at, 4] = (placed <= quota[name]).mean(axis=1)
    low, high = np.quantile(drawn.scores, [tail, 1 - tail], axis=1)
    out["score"], out["score_low"], out["score_high"] = drawn.base, low, high
    out["sources"] = ", ".join(drawn.sources)
    return out.reset_index().astype({"unit": "str", "sources": "str"})


def _ranked(scores: np.ndarray) -> np.ndarray:
    """Ranks of each column, 1 the highest; ties share the better rank (units x draws)."""
    n = len(scores)
    if n == 0:
        return np.empty(scores.shape)
    order = np.argsort(-scores, axis=0, kind="stable")
    ordered = np.take_along_axis(scores, order, axis=0)
    place = np.broadcast_to(np.arange(1, n + 1, dtype=np.int32)[:, None], scores.shape)
    new = np.vstack([np.ones((1, scores.shape[1]), bool), ordered[1:] != ordered[:-1]])
    if not new.all():
        place = np.maximum.accumulate(np.where(new, place, 0), axis=0)
    out = np.empty(scores.shape, dtype=np.int32)
    np.put_along_axis(out, order, place.astype(np.int32), axis=0)
    return out


def _grouped(units: pd.Index, within: pd.Series | None) -> np.ndarray:
    if within is None:
        return np.full(len(units), "", dtype=object)
    group = within.reindex(units)
    if group.isna().any():
        raise DataError(f"units belong to no group: {listing(units[group.isna().to_numpy()])}")
    return group.astype("object").to_numpy()


def _quota(group: np.ndarray, top: int | pd.Series) -> dict[object, float]:
    names = list(dict.fromkeys(group))
    if isinstance(top, pd.Series):
        lacking = [g for g in names if g not in top.index]
        if lacking:
            raise DataError(f"top has no number for {listing(lacking)}")
        out = {g: float(top[g]) for g in names}
    else:
        out = dict.fromkeys(names, float(top))
    if any(not (v >= 0) for v in out.values()):
        raise ParameterError(f"top must be numbers from 0, not {listing(out.values())}")
    return out


def draw_scores(
    evidence: pd.DataFrame,
    framework: Framework,
    *,
    weights: pd.DataFrame | Dirichlet | None = None,
    sampling: pd.DataFrame | pd.Series | str | None = "evidence",
    ratings: pd.DataFrame | pd.Series | str | None = "evidence",
    choices: Mapping[str, Sequence[str]] | None = None,
    draws: int = 10_000,
    seed: int = 0,
) -> Draws:
    """Total scores of every draw; the arguments are those of ``rank_uncertainty``."""
    if not isinstance(draws, int | np.integer) or draws < 1:
        raise ParameterError(f"draws is {draws!r}; it must be a whole number from 1")
    rules = _choices(choices)
    parts = score(evidence, framework)
    variants = [(how, missing, leaf_matrices(parts, framework, missing=missing)) for how, missing in rules]
    base = aggregate(parts, framework, how=rules[0][0], missing=rules[0][1])
    published = base[base["code"] == TOTAL].set_index("unit")["score"]
    leaves = variants[0][2]
    keep = np.flatnonzero(np.isfinite(published.reindex(list(leaves.units)).to_numpy(float)))
    units = tuple(leaves.units[i] for i in keep)
    rng = np.random.default_rng(seed)
    leaf_weights, weight_source = _leaf_weights(framework, weights, int(draws), rng)
    errors = _Errors(evidence, framework, units, sampling, ratings)
    which = rng.integers(len(rules), size=draws) if len(rules) > 1 else np.zeros(draws, dtype=int)
    out = np.empty((len(units), draws))
    block = max(1, _BLOCK_CELLS // max(1, len(units)))
    for start in range(0, draws, block):
        at = np.arange(start, min(start + block, draws))
        noise = errors.draw(len(at), rng)
        for k, (how, _, matrices) in enumerate(variants):
            mine = np.flatnonzero(which[at] == k)
            if len(mine):
                out[:, at[mine]] = _totals(
                    framework, matrices, keep, leaf_weights[at[mine]], noise, mine, how
                )
    sources = [*weight_source, *errors.sources, *(f"choice of {k}" for k in choices or {})]
    base_scores = pd.Series(
        published[list(units)].to_numpy(float), index=pd.Index(units, name="unit"), name="score"
    )
    return Draws(units, out, base_scores, tuple(sources))


def _choices(choices: Mapping[str, Sequence[str]] | None) -> list[tuple[str, str]]:
    given = {"how": ["arithmetic"], "missing": ["measured"]} | {
        k: list(v) for k, v in (choices or {}).items()
    }
    known = {"how": HOWS, "missing": MISSING}
    for key, values in given.items():
        if key not in known:
            raise ParameterError(f"choices has {key!r}; known are {', '.join(known)}")
        wrong = [v for v in values if v not in known[key]]
        if wrong or not values:
            raise ParameterError(
                f"choices {key}: {listing(wrong) or 'nothing'}; known are {', '.join(known[key])}"
            )
    return list(product(given["how"], given["missing"]))


def _leaf_weights(
    framework: Framework, weights: pd.DataFrame | Dirichlet | None, draws: int, rng: np.random.Generator
) -> tuple[np.ndarray, list[str]]:
    """Global leaf weights of every draw, draws x leaves, each row summing to 1."""
    base = framework.global_weights()
    if weights is None:
        return np.broadcast_to(base.to_numpy(), (draws, len(base))), []
    if isinstance(weights, Dirichlet):
        if not weights.concentration > 0:
            raise ParameterError(f"the concentration is {weights.concentration}; it must be above 0")
        return _dirichlet(framework, weights.concentration, draws, rng), [
            f"weights (Dirichlet {weights.concentration:g})"
        ]
    if not isinstance(weights, pd.DataFrame):
        raise ParameterError(
            f"weights are a frame of draws x leaves or Dirichlet(k), not {type(weights).__name__}"
        )
    codes = [framework.code(str(c)) for c in weights.columns]
    lacking = [c for c in framework.leaves if c not in codes]
    if lacking or len(codes) != len(framework.leaves):
        raise DataError(
            f"the weight draws have {len(codes)} columns, not one for each leaf; missing {listing(lacking)}"
        )
    table = weights.set_axis(codes, axis=1)[list(framework.leaves)].to_numpy(float)
    if not len(table):
        raise DataError("there are no weight draws")
    if not np.isfinite(table).all() or (table < 0).any() or (table.sum(axis=1) <= 0).any():
        raise DataError(
            "the weight draws hold negative or missing weights, or a draw whose weights are all 0"
        )
    rows = np.resize(np.arange(len(table)), draws)
    return (table / table.sum(axis=1, keepdims=True))[rows], ["weights"]


def _dirichlet(framework: Framework, k: float, draws: int, rng: np.random.Generator) -> np.ndarray:
    local = framework.local_weights
    reach: dict[str | None, np.ndarray] = {None: np.ones(draws)}
    for parent in [None, *(n.code for n in framework.nodes if framework.children(n.code))]:
        group = framework.children(parent)
        w = local[list(group)].to_numpy()
        drawn = np.zeros((draws, len(group)))
        open_ = w > 0
        drawn[:, open_] = rng.dirichlet(k * len(group) * w[open_], size=draws)
        for j, c in enumerate(group):
            reach[c] = reach[parent] * drawn[:, j]
    return np.column_stack([reach[c] for c in framework.leaves])


class _Errors:
    """Errors of leaf scores, as shares of full marks: sampling of residents and disagreement of raters."""

    def __init__(
        self,
        evidence: pd.DataFrame,
        framework: Framework,
        units: tuple[str, ...],
        sampling: pd.DataFrame | pd.Series | str | None,
        ratings: pd.DataFrame | pd.Series | str | None,
    ) -> None:
        self.shape = (len(units), len(framework.leaves))
        self._unit = {u: i for i, u in enumerate(units)}
        self._leaf = {c: j for j, c in enumerate(framework.leaves)}
        self.framework = framework
        self.variance = np.zeros(self.shape)
        self.factors: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self.sources: list[str] = []
        for given, rules, name in (
            (sampling, ("survey",), "survey sampling error"),
            (ratings, ("judged", "count"), "disagreement of raters"),
        ):
            if given is None:
                continue
            if isinstance(given, str):
                if given != "evidence":
                    raise ParameterError(
                        f"errors are 'evidence', a Series, a DataFrame or None, not {given!r}"
                    )
                found = self._from_evidence(evidence, rules)
            elif isinstance(given, pd.Series):
                found = self._independent(given)
            elif isinstance(given, pd.DataFrame):
                found = self._joint(given, name)
            else:
                raise ParameterError(
                    f"errors are 'evidence', a Series, a DataFrame or None, not {type(given).__name__}"
                )
            if found:
                self.sources.append(name)

    def _from_evidence(self, evidence: pd.DataFrame, rules: tuple[str, ...]) -> bool:
        if "se" not in evidence:
            return False
        main = evidence[evidence["role"] == "main"] if "role" in evidence else evidence
        main = main[main["se"].notna() & (main["se"] > 0)]
        parts = {
            (c, p.part): p for c in self.framework.leaves for p in self.framework.parts(c) if p.rule in rules
        }
        told: dict[tuple[int, int], float] = {}
        for unit, code, name, se in zip(main["unit"], main["code"], main["part"], main["se"], strict=True):
            part = parts.get((code, name))
            if part is not None and unit in self._unit:
                key = (self._unit[unit], self._leaf[code])
                # parts of one leaf that rest on the same judgement err together: their errors add up
                told[key] = told.get(key, 0.0) + part.share * se / 100
        for (i, j), se in told.items():
            self.variance[i, j] += se**2
        return bool(told)

    def _at(self, index: pd.Index) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if index.nlevels != 2:
            raise DataError("errors of scores are indexed by (unit, code)")
        codes = {c: self.framework.code(str(c)) for c in index.get_level_values(1).unique()}
        rows = np.array([self._unit.get(u, -1) for u in index.get_level_values(0)])
        columns = np.array([self._leaf.get(codes[c], -1) for c in index.get_level_values(1)])
        branches = sorted({c for c, j in zip(index.get_level_values(1), columns, strict=True) if j < 0})
        if branches:
            raise DataError(f"errors are given for codes that are no leaves: {listing(branches)}")
        return rows, columns, rows >= 0

    def _independent(self, given: pd.Series) -> bool:
        value = given.to_numpy(float)
        if not np.isfinite(value).all() or (value < 0).any():
            raise DataError("variances of scores must be finite and >= 0")
        rows, columns, keep = self._at(given.index)
        np.add.at(self.variance, (rows[keep], columns[keep]), value[keep] / 100**2)
        return bool(keep.any())

    def _joint(self, given: pd.DataFrame, name: str) -> bool:
        if not given.index.equals(given.columns):
            raise DataError(f"{name}: a covariance has the same (unit, code) in rows and columns")
        rows, columns, keep = self._at(given.index)
        matrix = given.to_numpy(float)[np.ix_(keep, keep)] / 100**2
        if not np.isfinite(matrix).all() or not np.allclose(matrix, matrix.T, rtol=1e-8, atol=1e-12):
            raise DataError(f"{name}: the covariance is not finite or not symmetric")
        values, vectors = np.linalg.eigh(matrix)
        if len(values) and values.min() < -1e-8 * max(values.max(), 1e-12):
            raise DataError(f"{name}: the covariance has a negative eigenvalue ({values.min():.3g})")
        self.factors.append((rows[keep], columns[keep], vectors * np.sqrt(np.clip(values, 0, None))))
        return bool(keep.any())

    def draw(self, draws: int, rng: np.random.Generator) -> list[tuple[int, np.ndarray, np.ndarray]]:
        """Errors of one block, by leaf: (leaf, units, errors of units x draws)."""
        found: dict[int, np.ndarray] = {}
        for j in np.flatnonzero(self.variance.any(axis=0)):
            at = np.flatnonzero(self.variance[:, j])
            error = np.zeros((self.shape[0], draws))
            error[at] = rng.standard_normal((len(at), draws)) * np.sqrt(self.variance[at, j])[:, None]
            found[int(j)] = error
        for rows, columns, factor in self.factors:
            joint = factor @ rng.standard_normal((factor.shape[1], draws))
            for j in np.unique(columns):
                pick = columns == j
                target = found.setdefault(int(j), np.zeros((self.shape[0], draws)))
                target[rows[pick]] += joint[pick]
        return [(j, np.flatnonzero(e.any(axis=1)), e) for j, e in sorted(found.items())]


def _totals(
    framework: Framework,
    leaves: Leaves,
    keep: np.ndarray,
    weights: np.ndarray,
    noise: list[tuple[int, np.ndarray, np.ndarray]],
    mine: np.ndarray,
    how: str,
) -> np.ndarray:
    """Total scores of units x draws of one rule, in points."""
    share, applies = leaves.share[keep], leaves.applicable[keep]
    full = framework.full(TOTAL)
    bonus = leaves.bonus[keep] / np.array([framework.full(c) for c in framework.leaves])
    outside = np.array([all(not RULES[p.rule].shared for p in framework.parts(c)) for c in framework.leaves])
    added = leaves.bonus[keep][:, outside].sum(axis=1)
    share = share + np.where(outside, 0.0, bonus)
    errors = {j: np.where(np.isfinite(share[:, [j]]), e[:, mine], 0.0) for j, _, e in noise}
    if how == "arithmetic":
        out = _linear(framework, share, applies, weights, errors)
    else:
        out = _curved(framework, share, applies, weights, errors, how)
    out = out * full + added[:, None]
    rows = {int(k): i for i, k in enumerate(keep)}
    for row, node, value in leaves.vetoes:
        if node == TOTAL and row in rows:
            out[rows[row]] = value * full
    return out


def _noisy(share: np.ndarray, j: int, errors: Mapping[int, np.ndarray]) -> np.ndarray:
    """Score of a leaf in every draw, kept within 0 and full marks."""
    x = share[:, [j]]
    return np.clip(x + errors[j], np.minimum(x, 0), np.maximum(x, 1)) if j in errors else x


def _linear(
    framework: Framework,
    share: np.ndarray,
    applies: np.ndarray,
    weights: np.ndarray,
    errors: Mapping[int, np.ndarray],
) -> np.ndarray:
    """Arithmetic means all the way: one matrix product for each pattern of what was measured."""
    out = np.zeros((len(share), len(weights)))
    seen = np.isfinite(share) & applies
    patterns, which = np.unique(seen, axis=0, return_inverse=True)
    for k, pattern in enumerate(patterns):
        at = np.flatnonzero(which.ravel() == k)
        effective = _handed_down(framework, pattern, weights)
        out[at] = np.where(pattern, share[at], 0.0) @ effective.T
        for j in errors:
            if pattern[j]:
                moved = _noisy(share[at], j, {j: errors[j][at]}) - share[at][:, [j]]
                out[at] += moved * effective[:, j]
    return out


def _handed_down(framework: Framework, pattern: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Leaf weights of each draw after what was not measured handed its weight on (draws x leaves)."""
    if pattern.all():
        return weights
    column = {c: j for j, c in enumerate(framework.leaves)}
    out = np.zeros_like(weights)

    def down(code: str | None, scale: np.ndarray) -> None:
        below = framework.children(code)
        if not below:
            j = column[str(code)]
            out[:, j] = weights[:, j] * scale
            return
        mass = {c: weights[:, [column[x] for x in framework.leaves_of(c)]].sum(axis=1) for c in below}
        live = [c for c in below if pattern[[column[x] for x in framework.leaves_of(c)]].any()]
        total, kept = sum(mass.values()), sum(mass[c] for c in live)
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = np.where(kept > 0, total / np.where(kept > 0, kept, 1.0), 0.0)
        for c in live:
            down(c, scale * ratio)

    if pattern.any():
        down(None, np.ones(len(weights)))
    return out


def _curved(
    framework: Framework,
    share: np.ndarray,
    applies: np.ndarray,
    weights: np.ndarray,
    errors: Mapping[int, np.ndarray],
    how: str,
) -> np.ndarray:
    """Geometric or harmonic means: node by node."""
    column = {c: j for j, c in enumerate(framework.leaves)}

    def up(code: str | None) -> tuple[np.ndarray, np.ndarray]:
        below = framework.children(code)
        if not below:
            j = column[str(code)]
            x = np.broadcast_to(_noisy(share, j, errors), (len(share), len(weights)))
            return np.where(applies[:, [j]], x, np.nan), weights[:, j]
        top = np.zeros((len(share), len(weights)))
        kept = np.zeros_like(top)
        mass = np.zeros(len(weights))
        for c in below:
            x, w = up(c)
            seen = np.isfinite(x)
            with np.errstate(divide="ignore", invalid="ignore"):
                part = np.log(x) if how == "geometric" else 1 / x
            top += np.where(seen & (w > 0), w * part, 0.0)
            kept += np.where(seen, w, 0.0)
            mass = mass + w
        with np.errstate(divide="ignore", invalid="ignore"):
            out = np.exp(top / kept) if how == "geometric" else kept / top
        return np.where(kept > 0, out, np.nan), mass

    return up(None)[0]
