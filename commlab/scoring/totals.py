"""Total scores of many draws under one rule: weighted means collapse to one product for each pattern of gaps.

With one kind of mean f all the way up, the total is f^-1(sum_j w_j f(x_j)) over the leaves, where w are the drawn weights
after what was not measured handed its own on. So a block of draws is a matrix product, plus what the errors of single
leaves move.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from commlab.framework import TOTAL, Framework
from commlab.framework.rules import RULES
from commlab.scoring.errors import Errors, normals
from commlab.scoring.leaves import Leaves

__all__ = ["Noise", "Totals"]

_FAR = 5.0
"""A score this many standard errors away from 0 and full marks is never cut."""
_WIDE = 0.7
"""Where more of the units than this have an error in a leaf, it is drawn for all of them: plain rows are quicker."""
_ENDLESS = 1e30
"""Stands for the infinite logarithm or reciprocal of a score of 0; finite, so that a weight of 0 leaves it out."""
_LIGHTEST = 1e12
"""No weight that counts is smaller than one part in this."""

_Bent = Callable[[np.ndarray], np.ndarray]


def _log(x: np.ndarray) -> np.ndarray:
    none = x <= 0
    out = np.log(np.where(none, 1, x))
    np.putmask(out, none, -_ENDLESS)
    return out


def _inverse(x: np.ndarray) -> np.ndarray:
    none = x <= 0
    out = np.reciprocal(np.where(none, 1, x))
    np.putmask(out, none, _ENDLESS)
    return out


def _back(sums: np.ndarray) -> np.ndarray:
    """Harmonic mean from the sum of reciprocals: 0 where one of them is endless."""
    plain = (sums > 0) & (sums < _ENDLESS / _LIGHTEST)
    return np.where(plain, 1 / np.where(plain, sums, 1), 0.0)


_BENT: dict[str, tuple[_Bent | None, _Bent | None]] = {
    "arithmetic": (None, None),
    "geometric": (_log, np.exp),
    "harmonic": (_inverse, _back),
}


class Noise:
    """Errors of one source in one block of draws: leaf by leaf, in the order of the leaves.

    ``single`` (units x leaves) marks errors that are drawn one by one; of those far from 0 and full marks only the sum
    matters, which is normal: one number a draw and unit (``common``) stands for all of them.
    """

    def __init__(self, errors: Errors, draws: int, single: np.ndarray, far: bool) -> None:
        self.errors, self.draws = errors, draws
        self.sd = np.where(single, np.sqrt(errors.variance), 0.0).astype(np.float32)
        self.joint = errors.together(draws)
        self.common = normals(errors.rng, (draws, len(single))) if far else None

    def leaf(self, j: int, cells: np.ndarray) -> np.ndarray | None:
        """Errors of a leaf: draws x ``cells`` (units); None where the source has none there."""
        out: np.ndarray | None = None
        sd = self.sd[cells, j]
        if sd.any():
            out = normals(self.errors.rng, (self.draws, len(cells)))
            out *= sd
        for units, error in self.joint.get(j, ()):
            if out is None:
                out = np.zeros((self.draws, len(cells)), dtype=np.float32)
            out[:, np.searchsorted(cells, units)] += error
        return out


class Totals:
    """Total scores of draws x units in points, under one mean and one treatment of what is missing."""

    def __init__(
        self, framework: Framework, leaves: Leaves, keep: np.ndarray, how: str, errors: Sequence[Errors]
    ) -> None:
        self.framework, self.errors = framework, errors
        self.bend, self.back = _BENT[how]
        full = np.array([framework.full(c) for c in framework.leaves])
        bonus = leaves.bonus[keep]
        outside = np.array(
            [all(not RULES[p.rule].shared for p in framework.parts(c)) for c in framework.leaves]
        )
        self.share = leaves.share[keep] + np.where(outside, 0.0, bonus / full)
        self.applies = leaves.applicable[keep].copy()
        still = np.zeros(self.share.shape, bool)
        added = np.where(outside, bonus, 0.0)
        self.struck: dict[int, float] = {}
        self._overrule(leaves, keep, still, added)
        self.added = added.sum(axis=1)
        seen = np.isfinite(self.share) & self.applies
        self.share = np.where(seen, self.share, 0.0)
        # (0) f(x) of what was measured, 0 elsewhere
        self.base = np.where(seen, self.share if self.bend is None else self.bend(self.share), 0.0)
        patterns, which = np.unique(seen, axis=0, return_inverse=True)
        self.patterns = [(p, np.flatnonzero(which.ravel() == k)) for k, p in enumerate(patterns)]
        self.seen, self.moves = seen, seen & ~still
        self.single, self.far = self._cells(self.moves)

    def _overrule(self, leaves: Leaves, keep: np.ndarray, still: np.ndarray, added: np.ndarray) -> None:
        """A veto fixes the score of a node: whatever the weights, all below it is that score and does not move."""
        rows = {int(k): i for i, k in enumerate(keep)}
        depth = {n.code: n.level for n in self.framework.nodes} | {TOTAL: 0}
        for row, node, value in sorted(leaves.vetoes, key=lambda v: -depth[v[1]]):
            if row not in rows:
                continue
            i = rows[row]
            if node == TOTAL:
                self.struck[i] = value
                continue
            below = [self.framework.leaves.index(c) for c in self.framework.leaves_of(node)]
            self.share[i, below], self.applies[i, below], still[i, below] = value, True, True
            added[i, below] = 0.0

    def _cells(self, moves: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray | None]]:
        """For each source: errors that are drawn one by one, and the variances of those of which only the sum is."""
        single: list[np.ndarray] = []
        far: list[np.ndarray | None] = []
        shared = np.sum([(e.variance > 0) | e.joint_cells() for e in self.errors], axis=0) > 1
        for e in self.errors:
            reach = _FAR * np.sqrt(e.variance)
            near = (self.share - reach < 0) | (self.share + reach > 1) | shared
            one_by_one = moves & (e.variance > 0) & (near if self.bend is None else True)
            rest = np.where(moves & ~one_by_one, e.variance, 0.0)
            single.append(one_by_one)
            far.append(rest if rest.any() else None)
        self.cells: list[np.ndarray] = []
        self.limits: list[tuple[np.ndarray, ...]] = []
        joint = [e.joint_cells() for e in self.errors]
        for j in range(moves.shape[1]):
            asked = np.zeros(len(moves), bool)
            for one, together in zip(single, joint, strict=True):
                asked |= one[:, j] | together[:, j]
            everywhere = asked.mean() > _WIDE if len(asked) else False
            self.cells.append(np.arange(len(asked)) if everywhere else np.flatnonzero(asked))
            if self.bend is not None:
                self.base[self.cells[j], j] = 0.0  # what is drawn enters as f(x + e), not as a difference
            x = self.share[self.cells[j], j].astype(np.float32)
            still = ~moves[self.cells[j], j]
            ends = np.minimum(-x, 0), np.maximum(1 - x, 0)
            self.limits.append((x, *(np.where(still, np.float32(0), e) for e in ends)))
        return single, far

    def noise(self, draws: int) -> list[Noise]:
        """What every source draws for one block."""
        return [
            Noise(e, draws, one, rest is not None)
            for e, one, rest in zip(self.errors, self.single, self.far, strict=True)
        ]

    def totals(self, weights: np.ndarray, noise: Sequence[Noise]) -> np.ndarray:
        """Total scores of a block."""
        out = np.zeros((len(weights), len(self.share)))
        effective = [handed_down(self.framework, pattern, weights) for pattern, _ in self.patterns]
        for w, (_, at) in zip(effective, self.patterns, strict=True):
            if len(self.patterns) == 1:
                np.matmul(w, self.base.T, out=out)
            else:
                out[:, at] = w @ self.base[at].T
        if noise and effective:
            out += self._moved(effective, noise)
            if self.bend is None:  # errors are narrow floats: their last digit must not leave the scale
                np.clip(out, 0, self.share.max(initial=1), out=out)
        return self._told(out)

    def moved_by(self, weights: np.ndarray, error: np.ndarray) -> np.ndarray:
        """Total scores under errors that are given, draws x units x leaves, as shares of full marks."""
        x = np.clip(self.share + error * self.moves, 0, np.maximum(self.share, 1))
        if self.bend is not None:
            x = self.bend(x)
        x = np.where(self.seen, x, 0.0)
        out = np.zeros(x.shape[:2])
        for pattern, at in self.patterns:
            w = handed_down(self.framework, pattern, weights)
            out[:, at] = np.matmul(x[:, at], w[:, :, None])[:, :, 0]
        return self._told(out)

    def _told(self, out: np.ndarray) -> np.ndarray:
        """Points from sums over leaves: the mean turned back, full marks, bonus, and what a veto fixed."""
        if self.back is not None:
            out = self.back(out)
        out *= self.framework.full(TOTAL)
        out += self.added
        for i, value in self.struck.items():
            out[:, i] = value * self.framework.full(TOTAL)
        return out

    def _moved(self, effective: Sequence[np.ndarray], noise: Sequence[Noise]) -> np.ndarray:
        """What the errors add to the sums over leaves."""
        out = np.zeros((len(effective[0]), len(self.share)), dtype=np.float32)
        narrow = [w.astype(np.float32) for w in effective]
        owner = np.zeros(len(self.share), dtype=int)
        for k, (_, at) in enumerate(self.patterns):
            owner[at] = k
        for j, cells in enumerate(self.cells):
            if not len(cells):
                continue
            drawn = [e for n in noise if (e := n.leaf(j, cells)) is not None]
            if not drawn:
                continue
            error = drawn[0] if len(drawn) == 1 else np.sum(drawn, axis=0)
            moved = self._bent(j, cells, error)
            if len(narrow) == 1:
                moved *= narrow[0][:, [j]]
            else:
                for k in np.unique(owner[cells]):
                    mine = owner[cells] == k
                    moved[:, mine] *= narrow[k][:, [j]]
            if len(cells) == len(self.share):
                out += moved
            else:
                out[:, cells] += moved
        for n, variance in zip(noise, self.far, strict=True):
            if n.common is None or variance is None:
                continue
            for w, (_, at) in zip(narrow, self.patterns, strict=True):
                place = slice(None) if len(narrow) == 1 else at
                # (1) sd of sum w e, for independent e
                out[:, place] += n.common[:, place] * np.sqrt(w**2 @ variance[at].T.astype(np.float32))
        return out

    def _bent(self, j: int, cells: np.ndarray, error: np.ndarray) -> np.ndarray:
        """What a leaf adds beside its base: e, or f(x + e) where f bends; x + e stays within 0 and full marks."""
        x, low, high = self.limits[j]
        np.maximum(error, low, out=error)
        np.minimum(error, high, out=error)
        if self.bend is None:
            return error
        error += x
        return self.bend(error)


def handed_down(framework: Framework, pattern: np.ndarray, weights: np.ndarray) -> np.ndarray:
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
