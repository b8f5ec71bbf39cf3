"""Variances of many items in the same domains: the design is crossed with the domains once.

The formulas are those of ``variance``; here they run over the unit x domain pairs and stratum x domain cells
that occur, so that 742 domains cost hardly more than one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from commlab.survey.structure import FloatArray, IntArray, Structure, tally
from commlab.survey.variance import fail_if_lonely, scale_of, stages_needed

__all__ = ["Plan", "StagePlan"]


@dataclass(frozen=True)
class StagePlan:
    """Units and strata of one stage, crossed with the domains that have cases in them."""

    pair: IntArray | None  # unit x domain of each row; None where rows are units
    pair_unit: IntArray  # unit of each pair; empty where rows are units
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

    @cached_property
    def lonely_matters(self) -> bool:
        """Whether a stratum with one unit decides anything: then it counts which columns have a case in it."""
        if self.inside or self.lonely not in ("fail", "average"):
            return False
        for s in range(stages_needed(self.structure, False)):
            stage = self.structure.stages[s]
            alone = scale_of(stage, self.lonely)[1] & (stage.reach > 0)
            if alone.any() and alone[self.take(stage.stratum)].any():
                return True
        return False

    def without(self, missing: npt.NDArray[np.bool_]) -> Plan:
        """The plan of the rows that have an answer; ``missing`` has shape (n_plan_rows,)."""
        domain = np.full(len(self.structure.stages[0].unit), -1, dtype=np.int64)
        domain[self.rows[~missing]] = self.domain[~missing]
        return Plan(self.structure, self.data, domain, self.n_domains, self.lonely, inside=self.inside)

    @cached_property
    def _sorted(self) -> tuple[IntArray, IntArray]:
        order = np.argsort(self.domain, kind="stable")
        return order, np.searchsorted(self.domain[order], np.arange(self.n_domains + 1))

    def rows_of(self, domain: int) -> IntArray:
        """Places among the plan's rows of those in a domain."""
        order, bounds = self._sorted
        return order[bounds[domain] : bounds[domain + 1]]

    def stage(self, s: int) -> StagePlan:
        """Units and strata of a stage, crossed with the domains."""
        if s in self._plans:
            return self._plans[s]
        stage, g = self.structure.stages[s], self.n_domains
        unit, stratum = self.take(stage.unit), self.take(stage.stratum)
        if stage.rows_are_units:
            pair, pair_domain, pair_stratum, n_pairs = None, self.domain, stratum, len(self.rows)
            pair_unit: IntArray = np.zeros(0, dtype=np.int64)
        else:
            pair, found = _crossed(unit, stage.n_units, self.domain, g)
            pair_domain, n_pairs, pair_unit = found % g, len(found), found // g
            pair_stratum = stage.unit_stratum[pair_unit]
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
            pair_unit,
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
        mean = np.where(p.centred, tally(p.cell, totals, p.n_cells) / size, 0.0)
        deviation = totals - mean[p.cell]
        squares = tally(p.cell, deviation * deviation, p.n_cells) + p.missing * mean**2
        return p.scale * squares

    def variance(self, e: FloatArray, alone: npt.NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
        """Variance of the sum of ``e`` in every domain, and the degrees of freedom that it has.

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
            return self.squares(s, e if p.pair is None else tally(p.pair, e, p.n_pairs))

        return self.assemble(of_stage, alone)

    def assemble(
        self, of_stage: Callable[[int], FloatArray], alone: npt.NDArray[np.bool_]
    ) -> tuple[FloatArray, FloatArray]:
        """Add up the stages' ``squares`` by domain, each with its reach.

        Returns
        -------
        tuple
            Variance, and Satterthwaite's V^2 / sum V_h^2 / (n_h - 1) over strata and stages: where one stratum of
            few units carries most of the variance this is near its own n_h - 1, however many residents of
            certain communities stand beside it. Source: Satterthwaite (1946); Valliant & Rust (2010).
        """
        g = self.n_domains
        whole, total, fourth = np.zeros(g), np.zeros(g), np.zeros(g)
        for s in range(stages_needed(self.structure, bool(alone.any()))):
            if s == 0 and self.inside and alone.all():
                continue
            stage, p = self.structure.stages[s], self.stage(s)
            own = np.zeros_like(stage.beyond) if s == 0 else stage.beyond
            within = alone[p.cell_domain]
            part = of_stage(s) * np.where(within, own[p.cell_stratum], stage.reach[p.cell_stratum])
            if s > 0:
                single = ((stage.size == 1) & (stage.fraction < 1))[p.cell_stratum]
                part = np.where(single & within, np.nan, part)
            units = np.maximum(stage.size[p.cell_stratum] - 1, 1)
            fourth += tally(p.cell_domain, part**2 / units, g)
            sums = tally(p.cell_domain, part, g)
            whole += sums
            total += sums if p.inflate is None else np.where(alone, sums, sums * p.inflate)
        return total, np.divide(whole**2, fourth, out=np.zeros(g), where=fourth > 0)

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
