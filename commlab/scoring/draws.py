"""Drawn total scores: every draw re-scores all units with its own weights, errors and rules.

Each source of error has a stream of random numbers of its own, so that one can be drawn anew while the
others stand still. Matrices are draws x units: what is sorted and summed lies next to each other.
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
from commlab.scoring.aggregate import HOWS, total_scores
from commlab.scoring.errors import Errors, Noise
from commlab.scoring.leaves import MISSING, Leaves, leaf_matrices, score

__all__ = ["SOURCES", "Dirichlet", "Draws", "draw_scores"]

SOURCES = ("weights", "sampling", "ratings", "choices")
"""What can be drawn; each has its own stream."""
_BLOCK_CELLS = 4_000_000
"""Draws x units held at once."""
_FAR = 6.0
"""A score this many standard errors away from 0 and full marks is never cut."""


@dataclass(frozen=True)
class Dirichlet:
    """Weights drawn around the framework's own in every sibling group.

    ``concentration`` k: local weights ~ Dirichlet(k * n * w) for a group of n; a larger k keeps them closer
    (each weight's variance is w (1 - w) / (k n + 1)).
    """

    concentration: float


@dataclass(frozen=True)
class Draws:
    """Drawn total scores, draws x units, with the scores they vary around and the sources that were drawn."""

    units: tuple[str, ...]
    scores: np.ndarray
    base: pd.Series
    sources: tuple[str, ...]


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
    again: Sequence[str] = (),
    aligned: bool = False,
) -> Draws:
    """Total scores of every draw; the arguments are those of ``rank_uncertainty``.

    ``again`` names sources whose numbers are drawn from a second, independent stream. ``aligned``: a draw's
    errors do not depend on which rules it uses (sensitivity compares draws that differ in their rules only).
    """
    if not isinstance(draws, int | np.integer) or draws < 1:
        raise ParameterError(f"draws is {draws!r}; it must be a whole number from 1")
    rules = _choices(choices)
    parts = score(evidence, framework)
    variants = [(how, missing, leaf_matrices(parts, framework, missing=missing)) for how, missing in rules]
    leaves = variants[0][2]
    published = total_scores(framework, leaves, how=rules[0][0])
    keep = np.flatnonzero(np.isfinite(published))
    units = tuple(leaves.units[i] for i in keep)
    streams = _streams(seed, again)
    leaf_weights, weight_source = _leaf_weights(framework, weights, int(draws), streams["weights"])
    errors: list[Errors] = []
    if sampling is not None:
        name = "survey sampling error"
        errors.append(Errors(evidence, framework, units, sampling, ("survey",), name, streams["sampling"]))
    if ratings is not None:
        name = "disagreement of raters"
        errors.append(
            Errors(evidence, framework, units, ratings, ("judged", "count"), name, streams["ratings"])
        )
    which = streams["choices"].integers(len(rules), size=draws)
    out = np.empty((draws, len(units)))
    block = max(1, _BLOCK_CELLS // max(1, len(units)))
    for start in range(0, draws, block):
        at = np.arange(start, min(start + block, draws))
        for k, (how, _, matrices) in enumerate(variants):
            mine = np.flatnonzero(which[at] == k)
            if aligned or len(mine):
                tree = _Totals(framework, matrices, keep, how)
                noise = [tree.noise(e, len(at) if aligned else len(mine)) for e in errors]
                rows = at[mine]
                taken = [n.take(mine) if aligned else n for n in noise]
                out[rows] = tree.totals(leaf_weights[rows], taken)
    sources = [
        *weight_source,
        *(e.name for e in errors if e.drawn),
        *(f"choice of {k}" for k, v in (choices or {}).items() if len(v) > 1),
    ]
    base_scores = pd.Series(published[keep], index=pd.Index(units, name="unit"), name="score")
    return Draws(units, out, base_scores, tuple(sources))


def _streams(seed: int, again: Sequence[str]) -> dict[str, np.random.Generator]:
    strange = [a for a in again if a not in SOURCES]
    if strange:
        raise ParameterError(f"again names {listing(strange)}; sources are {', '.join(SOURCES)}")
    first, second = (np.random.SeedSequence(seed).spawn(2 * len(SOURCES))[i::2] for i in (0, 1))
    chosen = [second[i] if name in again else first[i] for i, name in enumerate(SOURCES)]
    return {
        name: np.random.Generator(np.random.SFC64(one)) for name, one in zip(SOURCES, chosen, strict=True)
    }


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


class _Totals:
    """Total scores of draws x units under one rule, in points."""

    def __init__(self, framework: Framework, leaves: Leaves, keep: np.ndarray, how: str) -> None:
        self.framework, self.leaves, self.keep, self.how = framework, leaves, keep, how
        full = np.array([framework.full(c) for c in framework.leaves])
        bonus = leaves.bonus[keep]
        outside = np.array(
            [all(not RULES[p.rule].shared for p in framework.parts(c)) for c in framework.leaves]
        )
        self.added = bonus[:, outside].sum(axis=1)
        self.share = leaves.share[keep] + np.where(outside, 0.0, bonus / full)
        self.applies = leaves.applicable[keep]

    def noise(self, errors: Errors, draws: int) -> Noise:
        """Errors of one source: single ones near 0 and full marks, and wherever means are not linear."""
        if self.how != "arithmetic":
            return Noise(errors.fields(draws, np.ones(self.share.shape, bool)), None, None)
        reach = _FAR * np.sqrt(errors.variance)
        near = (self.share - reach < 0) | (self.share + reach > 1)
        far = np.where(near | ~np.isfinite(self.share), 0.0, errors.variance)
        fields = errors.fields(draws, near)
        common = errors.rng.standard_normal((draws, len(self.share))) if far.any() else None
        return Noise(fields, far if far.any() else None, common)

    def totals(self, weights: np.ndarray, noise: Sequence[Noise]) -> np.ndarray:
        errors: dict[int, np.ndarray] = {}
        for source in noise:
            for j, e in source.fields.items():
                errors[j] = errors[j] + e if j in errors else e
        if self.how == "arithmetic":
            out = _linear(self.framework, self.share, self.applies, weights, errors, noise)
        else:
            out = _curved(self.framework, self.share, self.applies, weights, errors, self.how)
        out *= self.framework.full(TOTAL)
        out += self.added
        rows = {int(k): i for i, k in enumerate(self.keep)}
        for row, node, value in self.leaves.vetoes:
            if node == TOTAL and row in rows:
                out[:, rows[row]] = value * self.framework.full(TOTAL)
        return out


def _moved(share: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Error of a leaf in every draw, cut so that the score stays within 0 and full marks."""
    low, high = np.minimum(-share, 0).astype(error.dtype), np.maximum(1 - share, 0).astype(error.dtype)
    return np.clip(error, low, high)


def _linear(
    framework: Framework,
    share: np.ndarray,
    applies: np.ndarray,
    weights: np.ndarray,
    errors: Mapping[int, np.ndarray],
    noise: Sequence[Noise],
) -> np.ndarray:
    """Arithmetic means all the way: one matrix product for each pattern of what was measured."""
    out = np.zeros((len(weights), len(share)))
    seen = np.isfinite(share) & applies
    patterns, which = np.unique(seen, axis=0, return_inverse=True)
    for k, pattern in enumerate(patterns):
        at = slice(None) if len(patterns) == 1 else np.flatnonzero(which.ravel() == k)
        effective = _handed_down(framework, pattern, weights)
        total = effective @ np.where(pattern, share[at], 0.0).T
        for j, error in errors.items():
            if pattern[j]:
                total += effective[:, [j]] * _moved(share[at, j], error[:, at])
        for source in noise:
            if source.common is not None and source.variance is not None:
                total += source.common[:, at] * np.sqrt(effective**2 @ source.variance[at].T)
        out[:, at] = total
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
    shape = (len(weights), len(share))

    def up(code: str | None) -> tuple[np.ndarray, np.ndarray]:
        """Score (units, or draws x units where it is drawn) and drawn weight (draws x 1) of a node."""
        below = framework.children(code)
        if not below:
            j = column[str(code)]
            x = share[:, j]
            if j in errors:
                x = x.astype(errors[j].dtype) + _moved(share[:, j], errors[j])
            return np.where(applies[:, j], x, np.nan), weights[:, [j]]
        top, kept, mass = np.zeros(shape), np.zeros(shape), np.zeros((len(weights), 1))
        for c in below:
            x, w = up(c)
            seen = np.isfinite(x)
            with np.errstate(divide="ignore", invalid="ignore"):
                part = np.log(x) if how == "geometric" else 1 / x
                part = w * (part if seen.all() else np.where(seen, part, 0.0))
            top += part if (w > 0).all() else np.where(w > 0, part, 0.0)
            kept += w if seen.all() else np.where(seen, w, 0.0)
            mass = mass + w
        with np.errstate(divide="ignore", invalid="ignore"):
            out = np.exp(top / kept) if how == "geometric" else kept / top
        return np.where(kept > 0, out, np.nan), mass

    return up(None)[0]
