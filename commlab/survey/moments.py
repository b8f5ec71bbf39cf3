"""The fast way for many answers: a few sums per unit instead of an influence per row.

Every estimate's variance needs only, per unit x domain (or stratum x domain where rows are units),

(1) S0 = sum w, S1 = sum w y, S2 = sum w y^2          (2) Q0 = sum w^2, Q1 = sum w^2 y, Q2 = sum w^2 y^2

(3) sum of influences T = (S1 - ybar S0) / W     (4) sum of their squares (Q2 - 2 ybar Q1 + ybar^2 Q0) / W^2

A column that hardly varies in some domain would lose digits in (4); it takes the slow way.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from commlab.survey.plan import Plan
from commlab.survey.structure import FloatArray, IntArray

__all__ = ["MANY", "Cells", "Moments"]

MANY = 100_000
"""Rows from which the sums pay."""
_ENOUGH = 1e-6
"""Smallest share of the second moment that is variance, for all digits to be kept."""


class Moments:
    """What a column comes to, by domain."""

    def __init__(
        self,
        estimate: FloatArray,
        variance: FloatArray,
        n: IntArray,
        df: IntArray,
        spread: FloatArray,
        size: FloatArray,
        alone: npt.NDArray[np.bool_],
    ) -> None:
        self.estimate, self.variance, self.n, self.df = estimate, variance, n, df
        self.spread, self.size, self.alone = spread, size, alone


class Cells:
    """The cells of a plan and their sums of weights.

    Parameters
    ----------
    plan : Plan
    w : float array, shape (n_plan_rows,)
        Weights.
    deep : bool
        Rows are second-stage units, and they matter.
    """

    def __init__(self, plan: Plan, w: FloatArray, *, deep: bool) -> None:
        self.plan, self.w, self.deep = plan, w, deep
        first = plan.stage(0)
        self.of_rows = deep or first.pair is None
        self.pair: IntArray = np.zeros(0, dtype=np.int64)
        """First-stage pair of each cell, where cells are those of the second stage."""
        if deep:
            stage = plan.stage(1)
            self.code, self.n_cells, self.domain = stage.cell, stage.n_cells, stage.cell_domain
            row = np.zeros(self.n_cells, dtype=np.int64)
            row[self.code[::-1]] = np.arange(len(self.code))[::-1]
            if first.pair is not None:
                self.pair = first.pair[row]
        elif first.pair is None:
            self.code, self.n_cells, self.domain = first.cell, first.n_cells, first.cell_domain
        else:
            self.code, self.n_cells, self.domain = first.pair, first.n_pairs, first.cell_domain[first.cell]
        self._wy, self._work = np.empty(len(w)), np.empty(len(w))
        self.rows = np.bincount(self.code, minlength=self.n_cells)
        self.s0 = np.bincount(self.code, w, self.n_cells)
        self.q0 = np.bincount(self.code, w * w, self.n_cells) if self.of_rows else np.zeros(0)

    @classmethod
    def of(cls, plan: Plan, w: FloatArray) -> Cells | None:
        """Cells, where there are many rows and the design is simple enough; else None."""
        stages = plan.structure.stages
        if len(plan.rows) < MANY or len(stages) > 2:
            return None
        if len(stages) == 1:
            return cls(plan, w, deep=False)
        if not stages[1].rows_are_units or stages[0].rows_are_units:
            return None
        return cls(plan, w, deep=True)

    def column(self, y: FloatArray, *, total: bool) -> Moments | None:
        """Estimate a mean or total; None where it must go the slow way."""
        plan, g, d = self.plan, self.plan.n_domains, self.domain
        w, rows, s0, q0 = self.w, self.rows, self.s0, self.q0
        if np.isnan(y.sum()):
            valid = ~np.isnan(y)
            w, y = np.where(valid, w, 0.0), np.where(valid, y, 0.0)
            rows = np.bincount(self.code, valid, self.n_cells).astype(np.int64)
            s0 = np.bincount(self.code, w, self.n_cells)
            q0 = np.bincount(self.code, w * w, self.n_cells) if self.of_rows else q0
        wy, work = np.multiply(w, y, out=self._wy), self._work  # no new memory: page faults cost more
        s1 = np.bincount(self.code, wy, self.n_cells)
        s2 = np.bincount(d, np.bincount(self.code, np.multiply(wy, y, out=work), self.n_cells), g)
        size, sums = np.bincount(d, s0, g), np.bincount(d, s1, g)
        mean = np.divide(sums, size, out=np.full(g, np.nan), where=size > 0)
        spread = s2 - np.nan_to_num(mean) * sums
        if ((spread < _ENOUGH * s2) & (s2 > 0)).any():
            return None
        n, units, df, inside = self._counts(rows)
        alone = np.zeros(g, dtype=bool) if total or not self.deep else units <= 1
        if total:
            centre, scale = np.zeros(g), np.ones(g)
        else:
            centre, scale = np.nan_to_num(mean), np.divide(1, size, out=np.zeros(g), where=size > 0)
        t = (s1 - centre[d] * s0) * scale[d]  # (3)
        squares = np.zeros(0)
        if self.of_rows:
            q1 = np.bincount(self.code, np.multiply(w, wy, out=work), self.n_cells)
            q2 = np.bincount(self.code, np.multiply(wy, wy, out=work), self.n_cells)
            squares = (q2 - 2 * centre[d] * q1 + centre[d] ** 2 * q0) * scale[d] ** 2  # (4)

        def of_stage(s: int) -> FloatArray:
            p, stage = plan.stage(s), plan.structure.stages[s]
            if not stage.rows_are_units:
                pairs = np.bincount(self.pair, t, p.n_pairs).astype(float) if self.deep else t
                return plan.squares(s, pairs)
            return p.scale * (squares - np.where(p.centred, t**2 / stage.size[p.cell_stratum], 0.0))

        variance = np.clip(plan.assemble(of_stage, alone), 0, None)
        estimate = sums if total else mean
        return Moments(
            estimate.astype(float),
            variance,
            n,
            np.where(alone, inside, df),
            spread,
            size.astype(float),
            units <= 1,
        )

    def _counts(self, rows: IntArray) -> tuple[IntArray, IntArray, IntArray, IntArray]:
        """Rows, first-stage units, degrees of freedom, and those inside one unit, by domain."""
        g, d, first = self.plan.n_domains, self.domain, self.plan.stage(0)
        has = rows > 0
        n = np.bincount(d, rows, g).astype(np.int64)
        inside = np.bincount(d, rows - has, g).astype(np.int64)
        if first.pair is None:
            return n, n, inside, inside
        seen = np.bincount(self.pair, has, first.n_pairs) > 0 if self.deep else has
        per_cell = np.bincount(first.cell, seen, first.n_cells)
        units = np.bincount(first.cell_domain, per_cell, g).astype(np.int64)
        open_ = np.where(self.plan.structure.certain[first.cell_stratum], 0, per_cell - (per_cell > 0))
        df = np.bincount(first.cell_domain, open_, g)
        if self.deep and self.plan.structure.certain.any():
            certain = self.plan.structure.certain[first.cell_stratum][first.cell][self.pair]
            df = df + np.bincount(d, np.where(certain, rows - has, 0), g)
        return n, units, df.astype(np.int64), inside
