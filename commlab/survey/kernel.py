"""The fast way for many answers: a few sums per unit instead of an influence per row.

Rows are counted up in *cells*: unit x domain (second-stage stratum x domain where rows are units, for then the
rows inside matter one by one), and, once weights are calibrated, x cell of the calibration. ``moments`` says what
a column comes to in a cell.

After calibration the influence of row i on domain d is w_i (u_i - b_rd), u = (y - c) / W inside the domain, 0
outside, r the row's calibration cell and b the fitted values of ``Calibration``. With A and B the sums of w and
w^2 by unit and calibration cell over all rows, a unit's total and sum of squares are

(1) T_d - sum_r A_r b_rd     (2) Q_d - 2 sum_r b_rd X_rd + sum_r B_r b_rd^2,  X = sum w a u

where A, B and X take the weights a as they were calibrated; w differs from them where it was trimmed later.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from commlab.survey.moments import Coded, Moments, Sums, Table
from commlab.survey.plan import Plan
from commlab.survey.structure import FloatArray, IntArray, compact, tally
from commlab.survey.variance import fail_if_lonely, scale_of

if TYPE_CHECKING:
    from commlab.survey.weighting import Calibration

__all__ = ["MANY", "TOGETHER", "Kernel"]

MANY = 20_000
"""Rows from which the sums pay."""
TOGETHER = 3
"""Columns to hand over at a time."""
_TABLE = 2**18
"""Most cells of a table of several columns: what a processor's cache holds."""
_NOISE = 1e-12
"""Share of a sum of squares below which what is left of it is rounding."""
_DENSE = 2_000_000
"""Most numbers of a dense matrix unit x domain."""


class Kernel:
    """The cells of a plan, and how many columns become estimates through them.

    Parameters
    ----------
    plan : Plan
    w : float array, shape (n_plan_rows,)
        Weights.
    calibration : Calibration, optional
        What the weights were calibrated on. They need not be its ``after``: they may have been trimmed since.
    satterthwaite : bool
        Degrees of freedom are those of the variance.
    """

    def __init__(
        self,
        plan: Plan,
        w: FloatArray,
        calibration: Calibration | None = None,
        *,
        satterthwaite: bool = False,
    ) -> None:
        self.plan, self.w, self.calibration, self.satterthwaite = plan, w, calibration, satterthwaite
        stages, first = plan.structure.stages, plan.stage(0)
        self.deep = len(stages) == 2
        self.of_rows = self.deep or first.pair is None
        first_pair: IntArray = np.zeros(0, dtype=np.int64) if first.pair is None else first.pair
        finest = plan.stage(1) if self.deep else first
        if self.of_rows:
            code, self.domain, self.ground = finest.cell, finest.cell_domain, finest.cell_stratum
        else:
            code, self.domain, self.ground = first_pair, first.cell_domain[first.cell], first.pair_unit
        self.n_coarse = len(self.domain)
        self.pair: IntArray = np.zeros(0, dtype=np.int64)
        """First-stage pair of each cell, where cells are those of the second stage."""
        if self.deep:
            self.pair = np.zeros(self.n_coarse, dtype=np.int64)
            self.pair[code] = first_pair
        self.code, self.coarse, self.rake = code, np.arange(self.n_coarse), np.zeros(0, dtype=np.int64)
        if calibration is not None:
            cells = len(calibration.mass)
            found, self.code = compact(code * cells + plan.take(calibration.cell))
            self.coarse, self.rake = found // cells, found % cells
        self.n_cells = len(self.coarse)
        self.rows = np.bincount(self.code, minlength=self.n_cells)
        self.squares = w * w if self.of_rows else np.zeros(0)
        self._joint = np.empty(len(w), dtype=np.int64)
        self.crossing: FloatArray | None = None
        if calibration is not None:
            self.a, self.b = self._masses(calibration)
            after = plan.take(calibration.after)
            if self.of_rows and not np.array_equal(w, after):
                self.crossing = w * after

    def _masses(self, calibration: Calibration) -> tuple[sp.csr_matrix, sp.csr_matrix]:
        """A and B, and which first-stage unit each of their rows lies in."""
        last = self.plan.structure.stages[-1]
        row_ground = last.stratum if self.of_rows else last.unit
        self.n_ground = len(last.size) if self.of_rows else last.n_units
        self.parent = np.arange(self.n_ground)
        if self.deep:
            self.parent[row_ground] = self.plan.structure.stages[0].unit
        known = np.flatnonzero(calibration.cell >= 0)
        cells = len(calibration.mass)
        found, code = compact(row_ground[known] * cells + calibration.cell[known])
        after = calibration.after[known]
        a, b = (
            sp.csr_matrix(
                (tally(code, mass, len(found)), (found // cells, found % cells)),
                shape=(self.n_ground, cells),
            )
            for mass in (after, after**2)
        )
        return a, b

    @classmethod
    def of(
        cls, plan: Plan, w: FloatArray, calibrations: tuple[Calibration, ...], *, satterthwaite: bool
    ) -> Kernel | None:
        """A kernel, where there are many rows and design and weights are simple enough; else None."""
        stages = plan.structure.stages
        if len(plan.rows) < MANY or len(stages) > 2 or len(calibrations) > 1 or plan.lonely_matters:
            return None
        if len(stages) == 2 and (not stages[1].rows_are_units or stages[0].rows_are_units):
            return None
        calibration = calibrations[0] if calibrations else None
        return cls(plan, w, calibration, satterthwaite=satterthwaite)

    def columns(self, given: Sequence[FloatArray | Coded], *, total: bool) -> list[list[Moments | None]]:
        """Estimate means or totals; None where a column must go the slow way.

        Parameters
        ----------
        given : float arrays or Coded, each of shape (n_plan_rows,)
            Coded ones are counted up together while their joint codes are few: one pass serves them all.

        Returns
        -------
        list
            A list for each one given, with an item for each of its columns.
        """
        coded = [y if isinstance(y, Coded) else Coded.of(y) for y in given]
        out: dict[int, list[Moments | None]] = {}
        together: list[int] = []
        for i, one in enumerate(coded):
            if one is None:
                out[i] = [self.moments(self._sums(np.asarray(given[i])), total=total)]
                continue
            levels = np.prod([len(c.values) for j in [*together, i] if (c := coded[j]) is not None])
            if together and (self.n_cells * levels > _TABLE or levels > np.iinfo(np.int16).max):
                out |= self._tables(coded, together, total=total)
                together = []
            together.append(i)
        if together:
            out |= self._tables(coded, together, total=total)
        return [out[i] for i in range(len(given))]

    def _tables(
        self, coded: Sequence[Coded | None], places: Sequence[int], *, total: bool
    ) -> dict[int, list[Moments | None]]:
        """Columns of small codes through one joint table."""
        found = {i: c for i in places if (c := coded[i]) is not None}
        levels = [len(c.values) for c in found.values()]
        code, *rest = (c.code.astype(np.int16) if len(found) > 1 else c.code for c in found.values())
        for own, more in zip(levels[1:], rest, strict=True):
            code = code * np.int16(own) + more
        joint = np.multiply(code, self.n_cells, out=self._joint, dtype=np.int64)
        joint += self.code
        shape = (*levels, self.n_cells)
        size = int(np.prod(shape))
        s = tally(joint, self.w, size).reshape(shape)
        q = tally(joint, self.squares, size).reshape(shape) if self.of_rows else None
        x = q if self.crossing is None else tally(joint, self.crossing, size).reshape(shape)
        counts: npt.NDArray | None = None
        out: dict[int, list[Moments | None]] = {}
        for place, (i, one) in enumerate(found.items()):
            others = tuple(a for a in range(len(levels)) if a != place)
            mine, valid = s.sum(axis=others), ~np.isnan(one.values)
            squares = np.zeros((0, 0)) if q is None else q.sum(axis=others)
            crossed = squares if x is q or x is None else x.sum(axis=others)
            n = np.repeat(self.rows[None, :], valid.shape[1], axis=0)
            if not valid[mine.any(axis=1)].all():
                if counts is None:
                    counts = np.bincount(joint, minlength=size).reshape(shape)
                n = valid.T.astype(np.int64) @ counts.sum(axis=others)
            out[i] = [
                self.moments(Table(n[j], mine, squares, crossed, one.values[:, j]), total=total)
                for j in range(valid.shape[1])
            ]
        return out

    def _sums(self, y: FloatArray) -> Sums:
        w, squares, n, s0, q0 = self.w, self.squares, self.rows, self._s0, self._q0
        if np.isnan(y.sum()):
            valid = ~np.isnan(y)
            w, y = np.where(valid, w, 0.0), np.where(valid, y, 0.0)
            squares = w * w if self.of_rows else squares
            n = tally(self.code, valid, self.n_cells).astype(np.int64)
            s0 = tally(self.code, w, self.n_cells)
            q0 = tally(self.code, squares, self.n_cells) if self.of_rows else q0

        def powers(mass: FloatArray, zeroth: FloatArray) -> FloatArray:
            work = np.multiply(mass, y, out=self._work)  # no new memory: page faults cost more than sums
            first = tally(self.code, work, self.n_cells)
            np.multiply(work, y, out=work)
            return np.array([zeroth, first, tally(self.code, work, self.n_cells)])

        none = np.zeros((0, 0))
        q = powers(squares, q0) if self.of_rows else none
        if self.crossing is None:
            return Sums(n, powers(w, s0), q, q)
        crossing = np.where(w > 0, self.crossing, 0.0)
        return Sums(n, powers(w, s0), q, powers(crossing, tally(self.code, crossing, self.n_cells)))

    @cached_property
    def _work(self) -> FloatArray:
        return np.empty(len(self.w))

    @cached_property
    def _s0(self) -> FloatArray:
        return tally(self.code, self.w, self.n_cells)

    @cached_property
    def _q0(self) -> FloatArray:
        return tally(self.code, self.squares, self.n_cells) if self.of_rows else np.zeros(0)

    def moments(self, column: Sums | Table, *, total: bool) -> Moments | None:
        """From sums per cell to estimates by domain; None where they have lost digits."""
        g, d = self.plan.n_domains, self.domain[self.coarse]
        size, sums = tally(d, column.s0, g), tally(d, column.s1, g)
        mean = np.divide(sums, size, out=np.full(g, np.nan), where=size > 0)
        t, spread, q = column.centred(np.nan_to_num(mean)[d])
        spread = tally(d, spread, g)
        if not column.exact(spread, d):
            return None
        n, units, df, inside = self._counts(tally(self.coarse, column.n, self.n_coarse))
        alone = np.zeros(g, dtype=bool) if total or not self.deep else units <= 1
        centre = np.zeros(g) if total else np.nan_to_num(mean)
        scale = np.ones(g) if total else np.divide(1, size, out=np.zeros(g), where=size > 0)
        if total:
            t, _, q = column.centred(centre[d])
        t = t * scale[d]
        q = q * scale[d] ** 2 if self.of_rows else q
        variance, own_df = self._plain(t, q, alone)
        if self.calibration is not None and not alone.all():
            first = column.crossed(centre[d]) * scale[d] if self.of_rows else np.zeros(0)
            open_ = np.flatnonzero(~alone)
            variance[open_], own_df[open_] = self._calibrated(self.calibration, t, first, q, open_)
        estimate = sums if total else mean
        counted = own_df if self.satterthwaite else np.where(alone, inside, df)
        return Moments(estimate, variance, n, counted, spread, size, units <= 1)

    def _coarse(self, values: FloatArray) -> FloatArray:
        if not len(self.rake):
            return values
        return tally(self.coarse, values, self.n_coarse)

    def _plain(
        self, t: FloatArray, q: FloatArray, alone: npt.NDArray[np.bool_]
    ) -> tuple[FloatArray, FloatArray]:
        """Variance and its own degrees of freedom by domain, as without calibration."""
        plan = self.plan
        if self.calibration is not None and not alone.any():
            return np.zeros(plan.n_domains), np.zeros(plan.n_domains)
        t, q = self._coarse(t), self._coarse(q) if self.of_rows else q

        def of_stage(s: int) -> FloatArray:
            p, stage = plan.stage(s), plan.structure.stages[s]
            if not stage.rows_are_units:
                pairs = tally(self.pair, t, p.n_pairs) if self.deep else t
                return plan.squares(s, pairs)
            around = np.where(p.centred, t**2 / stage.size[p.cell_stratum], 0.0)
            return p.scale * _left(q, around, q)

        return plan.assemble(of_stage, alone)

    def _calibrated(
        self, calibration: Calibration, t: FloatArray, first: FloatArray, q: FloatArray, domains: IntArray
    ) -> tuple[FloatArray, FloatArray]:
        """Variance and its own degrees of freedom for some domains."""
        variance, df = np.zeros(len(domains)), np.zeros(len(domains))
        step = max(1, _DENSE // self.n_ground)
        for start in range(0, len(domains), step):
            part = slice(start, start + step)
            variance[part], df[part] = self._calibrated_part(calibration, t, first, q, domains[part])
        return variance, df

    def _calibrated_part(
        self, calibration: Calibration, t: FloatArray, first: FloatArray, q: FloatArray, domains: IntArray
    ) -> tuple[FloatArray, FloatArray]:
        plan, m = self.plan, len(domains)
        cells, ground = len(calibration.mass), self.n_ground
        column = np.full(plan.n_domains, -1)
        column[domains] = np.arange(m)
        place = column[self.domain[self.coarse]]
        mine = np.flatnonzero(place >= 0)
        place, rake, at = place[mine], self.rake[mine], self.ground[self.coarse[mine]] * m + place[mine]

        def spread_out(code: IntArray, values: FloatArray, rows: int) -> FloatArray:
            return tally(code, values, rows * m).reshape(rows, m).astype(float)

        b = calibration.fitted(spread_out(rake * m + place, t[mine], cells))
        totals = spread_out(at, t[mine], ground) - self.a @ b  # (1)
        squares, size = np.zeros((0, 0)), np.zeros((0, 0))
        if self.of_rows:
            everywhere = self.b @ b**2
            size = spread_out(at, q[mine], ground) + everywhere
            squares = spread_out(at, q[mine] - 2 * b[rake, place] * first[mine], ground) + everywhere  # (2)
        value, fourth = np.zeros(m), np.zeros(m)
        for s, stage in enumerate(plan.structure.stages):
            scale, single, centred = scale_of(stage, plan.lonely)
            if s > 0:
                single = single & (stage.reach > 0)
            inner = self.of_rows and s == len(plan.structure.stages) - 1
            stratum = np.arange(ground) if inner else stage.unit_stratum[self.parent]
            if plan.lonely == "fail":
                touched = np.unique(stratum[totals.any(axis=1)])
                fail_if_lonely(plan.structure, plan.data, s, touched, single)
            if plan.lonely == "average":
                scale = scale * (len(single) / (~single).sum() if (~single).any() else np.nan)
            share = np.where(centred, 1 / stage.size, 0.0)[:, None]
            if inner:
                part = _left(squares, share * totals**2, size)
            else:
                units = _added(self.parent, totals, stage.n_units)
                away = units - (share * _added(stage.unit_stratum, units, len(share)))[stage.unit_stratum]
                part = _added(stage.unit_stratum, away**2, len(share))
            part = part * (scale * stage.reach)[:, None]
            value += part.sum(axis=0)
            fourth += (part**2 / np.maximum(stage.size - 1, 1)[:, None]).sum(axis=0)
        return value, np.divide(value**2, fourth, out=np.zeros(m), where=fourth > 0)

    def _counts(self, rows: FloatArray) -> tuple[IntArray, IntArray, IntArray, IntArray]:
        """Rows, first-stage units, degrees of freedom, and those inside one unit, by domain."""
        g, d, first = self.plan.n_domains, self.domain, self.plan.stage(0)
        has = rows > 0
        n = tally(d, rows, g).astype(np.int64)
        inside = tally(d, rows - has, g).astype(np.int64)
        if first.pair is None:
            return n, n, inside, inside
        seen = tally(self.pair, has, first.n_pairs) > 0 if self.deep else has
        per_cell = tally(first.cell, seen, first.n_cells)
        units = tally(first.cell_domain, per_cell, g).astype(np.int64)
        open_ = np.where(self.plan.structure.certain[first.cell_stratum], 0, per_cell - (per_cell > 0))
        df = tally(first.cell_domain, open_, g)
        if self.deep and self.plan.structure.certain.any():
            certain = self.plan.structure.certain[first.cell_stratum][first.cell][self.pair]
            df = df + tally(d, np.where(certain, rows - has, 0), g)
        return n, units, df.astype(np.int64), inside


def _left(squares: FloatArray, around: FloatArray, size: FloatArray) -> FloatArray:
    """Sum of squares about the mean; what is within rounding of ``size`` is nothing."""
    left = squares - around
    return np.where(left > _NOISE * size, left, 0.0)


def _added(codes: IntArray, values: FloatArray, n: int) -> FloatArray:
    """Rows of a matrix added up by code."""
    rows = len(codes)
    return sp.csr_matrix((np.ones(rows), (codes, np.arange(rows))), shape=(n, rows)) @ values
