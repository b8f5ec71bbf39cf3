"""Variances of many items in the same domains: the design is crossed with the domains once.

The formulas are those of ``variance``; here they run over the unit x domain pairs and stratum x domain cells
that occur, so that 742 domains cost hardly more than one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from commlab.survey.structure import FloatArray, IntArray, Structure
from commlab.survey.variance import fail_if_lonely, scale_of, stages_needed

__all__ = ["Plan", "StagePlan"]


@dataclass(frozen=True)
class StagePlan:
    """Units and strata of one stage, crossed with the domains that have cases in them."""

    pair: IntArray | None  # unit x domain of each row; None where rows are units
    cell: IntArray  # stratum x domain of each pair
    n_pairs: int
    n_cells: int
    cell_stratum: IntArray
    cell_domain: IntArray
    missing: FloatArray  # units of the stratum without a case in the domain, per cell
    scale: FloatArray
    centred: npt.NDArray[np.bool_]
    inflate: FloatArray | None  # per domain, for lonely="average"


class Plan:
    """Where the rows of each domain lie in the design, worked out once for many items.

    Parameters
    ----------
    structure : Structure
    data : DataFrame
        Only for the names in messages.
    domain : int array, shape (n_rows,)
        Domain code of each row, -1 for rows in none.
    n_domains : int
    lonely : str
        One of ``LONELY``.
    inside : bool
        Each domain is known to lie inside one first-stage unit, so that lonely strata do not matter.
    """

    def __init__(
        self,
        structure: Structure,
        data: pd.DataFrame,
        domain: IntArray,
        n_domains: int,
        lonely: str,
        *,
        inside: bool = False,
    ) -> None:
        self.inside = inside
        self.structure, self.data, self.lonely, self.n_domains = structure, data, lonely, n_domains
        self.rows = np.flatnonzero(domain >= 0)
        self.all_rows = len(self.rows) == len(domain)
        self.domain = domain if self.all_rows else domain[self.rows]
        self._plans: dict[int, StagePlan] = {}
        self._complete: tuple[IntArray, IntArray, IntArray] | None = None

    def take(self, values: npt.NDArray) -> npt.NDArray:
        """The plan's rows of an array over all rows."""
        return values if self.all_rows else values[self.rows]

    def stage(self, s: int) -> StagePlan:
        """Units and strata of a stage, crossed with the domains."""
        if s in self._plans:
            return self._plans[s]
        stage, g = self.structure.stages[s], self.n_domains
        unit, stratum = self.take(stage.unit), self.take(stage.stratum)
        if stage.rows_are_units:
            pair, pair_domain, pair_stratum, n_pairs = None, self.domain, stratum, len(self.rows)
        else:
            pair, found = _crossed(unit, stage.n_units, self.domain, g)
            pair_domain, n_pairs = found % g, len(found)
            pair_stratum = stage.unit_stratum[found // g]
        cell, cells = _crossed(pair_stratum, len(stage.size), pair_domain, g)
        cell_stratum, cell_domain = cells // g, cells % g
        scale, alone, centred = scale_of(stage, self.lonely)
        if s > 0:
            alone = alone & (stage.reach > 0)
        if self.lonely == "fail" and not self.inside:
            fail_if_lonely(self.structure, self.data, s, np.unique(cell_stratum), alone)
        inflate = None
        if self.lonely == "average":
            strata = np.bincount(cell_domain, minlength=g)
            usable = np.bincount(cell_domain, ~alone[cell_stratum], minlength=g)
            inflate = np.divide(strata, usable, out=np.full(g, np.nan), where=usable > 0)
        present = np.bincount(cell, minlength=len(cells))
        self._plans[s] = StagePlan(
            pair,
            cell,
            n_pairs,
            len(cells),
            cell_stratum,
            cell_domain,
            stage.size[cell_stratum] - present,
            scale[cell_stratum],
            centred[cell_stratum],
            inflate,
        )
        return self._plans[s]

    def squares(self, s: int, totals: FloatArray) -> FloatArray:
        """(1 - f) n / (n - 1) * sum of squares, per stratum x domain, of totals per unit x domain."""
        p = self.stage(s)
        size = self.structure.stages[s].size[p.cell_stratum]
        mean = np.where(p.centred, np.bincount(p.cell, totals, p.n_cells) / size, 0.0)
        deviation = totals - mean[p.cell]
        squares = np.bincount(p.cell, deviation * deviation, p.n_cells) + p.missing * mean**2
        return p.scale * squares

    def variance(self, e: FloatArray, alone: npt.NDArray[np.bool_]) -> FloatArray:
        """Variance of the sum of ``e`` in every domain.

        Parameters
        ----------
        e : float array, shape (n_plan_rows,)
            Influence times weight, 0 for rows without a value.
        alone : bool array, shape (n_domains,)
            Domains inside one first-stage unit that are to be their own stratum: only later stages count, and
            as if the unit had been certain.
        """

        def of_stage(s: int) -> FloatArray:
            p = self.stage(s)
            return self.squares(s, e if p.pair is None else np.bincount(p.pair, e, p.n_pairs).astype(float))

        return self.assemble(of_stage, alone)

    def assemble(self, of_stage: Callable[[int], FloatArray], alone: npt.NDArray[np.bool_]) -> FloatArray:
        """Add up the stages' ``squares`` by domain, each with its reach."""
        g = self.n_domains
        total: FloatArray = np.zeros(g)
        if not (self.inside and alone.all()):
            p = self.stage(0)
            total = np.bincount(p.cell_domain, of_stage(0), g).astype(float)
            if p.inflate is not None:
                total = total * p.inflate
        own: FloatArray = np.zeros(g)
        for s in range(1, stages_needed(self.structure, bool(alone.any()))):
            stage = self.structure.stages[s]
            p = self.stage(s)
            part = of_stage(s)
            inflate = 1.0 if p.inflate is None else p.inflate
            total = total + np.bincount(p.cell_domain, part * stage.reach[p.cell_stratum], g) * inflate
            if alone.any():
                single = ((stage.size == 1) & (stage.fraction < 1))[p.cell_stratum]
                part = np.where(single, np.nan, part * stage.beyond[p.cell_stratum])
                own = own + np.bincount(p.cell_domain, part, g)
        return np.where(alone, own, total)

    def satterthwaite(self, e: FloatArray, alone: npt.NDArray[np.bool_]) -> FloatArray:
        """Degrees of freedom that the variance itself has: V^2 / sum V_h^2 / (n_h - 1) over strata and stages.

        Where one stratum of few units carries most of the variance this is near its own n_h - 1, however many
        residents of certain communities stand beside it. Source: Satterthwaite (1946); Valliant & Rust (2010).
        """
        g = self.n_domains
        total, fourth = np.zeros(g), np.zeros(g)
        for s in range(stages_needed(self.structure, bool(alone.any()))):
            stage, p = self.structure.stages[s], self.stage(s)
            part = self.squares(s, e if p.pair is None else np.bincount(p.pair, e, p.n_pairs).astype(float))
            beyond = np.zeros_like(stage.reach) if s == 0 else stage.beyond
            part = part * np.where(alone[p.cell_domain], beyond[p.cell_stratum], stage.reach[p.cell_stratum])
            total += np.bincount(p.cell_domain, part, g)
            own = np.maximum(stage.size[p.cell_stratum] - 1, 1)
            fourth += np.bincount(p.cell_domain, part**2 / own, g)
        return np.divide(total**2, fourth, out=np.zeros(g), where=fourth > 0)

    def counts(self, valid: npt.NDArray[np.bool_] | None) -> tuple[IntArray, IntArray, IntArray]:
        """Rows, first-stage units and degrees of freedom per domain, of the rows that are valid.

        df = units - strata with a case; in strata whose first-stage units are all in the sample (certainties)
        each unit is a stratum and the units of the next stage count.
        """
        if valid is None and self._complete is not None:
            return self._complete
        g = self.n_domains
        rows = self.domain if valid is None else self.domain[valid]
        n = np.bincount(rows, minlength=g)
        units, df = self._units_df(0, valid, None)
        certain = self.structure.certain
        if certain.any():
            first = self.take(self.structure.stages[0].stratum)
            _, open_df = self._units_df(0, valid, ~certain[first])
            _, closed_df = self._units_df(1, valid, certain[first])
            df = open_df + closed_df
        if valid is None:
            self._complete = n, units, df
        return n, units, df

    def inside_df(self, valid: npt.NDArray[np.bool_] | None) -> IntArray:
        """Degrees of freedom of domains that lie in one first-stage unit: second-stage units - strata."""
        return self._units_df(1, valid, None)[1]

    def _units_df(
        self, s: int, valid: npt.NDArray[np.bool_] | None, only: npt.NDArray[np.bool_] | None
    ) -> tuple[IntArray, IntArray]:
        stage, g = self.structure.stages[s], self.n_domains
        keep = valid if only is None else (only if valid is None else valid & only)
        unit, stratum, domain = self.take(stage.unit), self.take(stage.stratum), self.domain
        if keep is not None:
            unit, stratum, domain = unit[keep], stratum[keep], domain[keep]
        strata = np.bincount(pd.unique(stratum * g + domain) % g, minlength=g)
        if stage.rows_are_units:
            units = np.bincount(domain, minlength=g)
        else:
            units = np.bincount(pd.unique(unit * g + domain) % g, minlength=g)
        return units, units - strata


def _crossed(codes: IntArray, n: int, domain: IntArray, g: int) -> tuple[IntArray, IntArray]:
    """Code of each (code, domain) pair, and the pairs as code * g + domain."""
    owner = np.full(n, -1, dtype=np.int64)
    owner[codes] = domain
    if (
        owner[codes] == domain
    ).all():  # each code lies in one domain, as communities in districts: no hashing
        used = owner >= 0
        if used.all():
            return codes, np.arange(n) * g + owner
        return (np.cumsum(used) - 1)[codes], np.flatnonzero(used) * g + owner[used]
    pair, found = pd.factorize(codes * g + domain)
    return pair.astype(np.int64), found
