"""Taylor variances: what the sums over units say about an estimate.

Every estimate is linear in row influences e_i (already multiplied by the weight). With T_u the sum of e over
unit u of stage s, n_h units of N_h in stratum h, f_h = n_h / N_h:

(1) V_s = sum_h  reach_h (1 - f_h) n_h / (n_h - 1)  sum_u (T_u - mean_h T)^2,  V = sum_s V_s
(2) reach_h = product of the sampling fractions of the stages above h.

Units of the sample without a case count in n_h with T_u = 0.     Source: Saerndal, Swensson & Wretman (1992),
result 4.3.1 and 5.5; Lumley (2010), ch. 2-3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from commlab.errors import DataError, listing
from commlab.survey.structure import FloatArray, IntArray, Stage, Structure

__all__ = ["LONELY", "Plan", "UnitTotals", "covariance", "diagonal", "stages_needed", "unit_totals"]

LONELY = ("fail", "remove", "adjust", "average", "certainty")
"""What to do with a stratum that has one unit in the sample and more in the population; as in R."""


def _scale(stage: Stage, lonely: str) -> tuple[FloatArray, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """(1 - f) n / (n - 1) per stratum, which strata are lonely, and which are centred."""
    remains = np.clip(1 - stage.fraction, 0, None)
    alone = (stage.size == 1) & (remains > 1e-12)
    factor = np.divide(stage.size, stage.size - 1, out=np.ones_like(stage.size), where=stage.size > 1)
    scale = remains * factor
    if lonely != "adjust":
        scale = np.where(alone, 0.0, scale)
    centred = ~alone if lonely == "adjust" else np.ones_like(alone)
    return scale, alone, centred


def _fail_if_lonely(
    structure: Structure, data: pd.DataFrame, stage: int, strata: IntArray, alone: npt.NDArray[np.bool_]
) -> None:
    """Refuse lonely strata by name.

    Raises
    ------
    DataError
        If one of ``strata`` is alone.
    """
    found = strata[alone[strata]]
    if not len(found):
        return
    names = [structure.stratum_label(data, stage, int(q)) for q in found[:6]]
    names += [""] * (len(found) - len(names))
    what = structure.clusters[stage] or "row"
    raise DataError(
        f'{len(found)} strata have one "{what}" in the sample and more in the population, so no variance '
        f"between them can be estimated (stage {stage + 1}: {listing(names)}); merge them with similar "
        'strata, or choose lonely="adjust", "average", "remove" or "certainty" in SurveyDesign'
    )


@dataclass(frozen=True)
class _StagePlan:
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
        self._plans: dict[int, _StagePlan] = {}
        self._complete: tuple[IntArray, IntArray, IntArray] | None = None

    def take(self, values: npt.NDArray) -> npt.NDArray:
        """The plan's rows of an array over all rows."""
        return values if self.all_rows else values[self.rows]

    def _stage(self, s: int) -> _StagePlan:
        if s in self._plans:
            return self._plans[s]
        stage, g = self.structure.stages[s], self.n_domains
        unit, stratum = self.take(stage.unit), self.take(stage.stratum)
        if stage.rows_are_units:
            pair, pair_domain, pair_stratum, n_pairs = None, self.domain, stratum, len(self.rows)
        else:
            pair, found = pd.factorize(unit * g + self.domain)
            pair_domain, n_pairs = found % g, len(found)
            pair_stratum = stage.unit_stratum[found // g]
        cell, cells = pd.factorize(pair_stratum * g + pair_domain)
        cell_stratum, cell_domain = cells // g, cells % g
        scale, alone, centred = _scale(stage, self.lonely)
        if s > 0:
            alone = alone & (stage.reach > 0)
        if self.lonely == "fail" and not self.inside:
            _fail_if_lonely(self.structure, self.data, s, np.unique(cell_stratum), alone)
        inflate = None
        if self.lonely == "average":
            strata = np.bincount(cell_domain, minlength=g)
            usable = np.bincount(cell_domain, ~alone[cell_stratum], minlength=g)
            inflate = np.divide(strata, usable, out=np.full(g, np.nan), where=usable > 0)
        present = np.bincount(cell, minlength=len(cells))
        self._plans[s] = _StagePlan(
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

    def _of_stage(self, s: int, e: FloatArray) -> FloatArray:
        """(1 - f) n / (n - 1) * sum of squares, per stratum x domain cell."""
        p = self._stage(s)
        totals = e if p.pair is None else np.bincount(p.pair, e, p.n_pairs)
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
        g = self.n_domains
        total: FloatArray = np.zeros(g)
        if not (self.inside and alone.all()):
            p = self._stage(0)
            total = np.bincount(p.cell_domain, self._of_stage(0, e), g)
            if p.inflate is not None:
                total = total * p.inflate
        own: FloatArray = np.zeros(g)
        for s in range(1, stages_needed(self.structure, bool(alone.any()))):
            stage = self.structure.stages[s]
            p = self._stage(s)
            part = self._of_stage(s, e)
            reach = stage.reach[p.cell_stratum]
            inflate = 1.0 if p.inflate is None else p.inflate
            total = total + np.bincount(p.cell_domain, part * reach, g) * inflate
            if alone.any():
                single = ((stage.size == 1) & (stage.fraction < 1))[p.cell_stratum]
                part = np.where(single, np.nan, part * stage.beyond[p.cell_stratum])
                own = own + np.bincount(p.cell_domain, part, g)
        return np.where(alone, own, total)

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


def _indicator(codes: IntArray, n: int) -> sp.csr_matrix:
    ones = np.ones(len(codes))
    return sp.csr_matrix((ones, (codes, np.arange(len(codes)))), shape=(n, len(codes)))


@dataclass(frozen=True)
class UnitTotals:
    """Scaled totals of a stage's units: sums of squares of ``totals - means[of_unit]`` are (1)."""

    totals: sp.csr_matrix  # (n_units, m)
    means: sp.csr_matrix  # (n_strata, m), 0 where a stratum is not centred
    of_unit: IntArray
    size: FloatArray

    def variance(self) -> FloatArray:
        """Per column."""
        squares = np.asarray(self.totals.power(2).sum(axis=0)).ravel()
        return np.clip(squares - self.size @ self.means.power(2), 0, None)

    def covariance(self) -> FloatArray:
        """Matrix of all columns."""
        around = self.means.multiply(self.size[:, None])
        return np.asarray((self.totals.T @ self.totals - self.means.T @ sp.csr_matrix(around)).todense())

    def shared(self, other: UnitTotals, i: IntArray, j: IntArray) -> FloatArray:
        """Sum of products over pairs of units i of this and j of the other, per column."""
        a, b = self.totals[i], other.totals[j]
        h, k = self.of_unit[i], other.of_unit[j]
        pairs = sp.csr_matrix((np.ones(len(i)), (h, k)), shape=(len(self.size), len(other.size)))
        out = a.multiply(b).sum(axis=0) - a.multiply(other.means[k]).sum(axis=0)
        out = (
            out - self.means[h].multiply(b).sum(axis=0) + self.means.multiply(pairs @ other.means).sum(axis=0)
        )
        return np.asarray(out).ravel()


def unit_totals(
    structure: Structure,
    data: pd.DataFrame,
    z: sp.csr_matrix,
    lonely: str,
    stage: int,
    *,
    alone: npt.NDArray[np.bool_],
    inside: bool = False,
) -> UnitTotals:
    """Totals of one stage's units.

    Parameters
    ----------
    z : sparse matrix, shape (n_rows, m)
        Influences times weights.
    alone : bool array, shape (m,)
        Columns whose domain is its own stratum inside one first-stage unit: only later stages count, and as
        if the unit had been certain.
    inside : bool
        All columns are so by definition; lonely strata do not matter.
    """
    here = structure.stages[stage]
    scale, single, centred = _scale(here, lonely)
    if stage > 0:
        single = single & (here.reach > 0)
    if lonely == "fail" and not inside:
        strata = np.unique(here.stratum[np.diff(z.indptr) > 0])
        _fail_if_lonely(structure, data, stage, strata, single)
    if lonely == "average":
        scale = scale * (len(single) / (~single).sum() if (~single).any() else np.nan)
    totals = z if here.rows_are_units else _indicator(here.unit, here.n_units) @ z
    of_unit = here.stratum if here.rows_are_units else here.unit_stratum
    means = sp.diags(np.where(centred, 1 / here.size, 0.0)) @ (_indicator(of_unit, len(here.size)) @ totals)
    beyond = np.zeros_like(here.reach) if stage == 0 else here.beyond
    usual, own = np.sqrt(scale * here.reach), np.sqrt(scale * beyond)
    if alone.any():
        left, right = sp.diags((~alone).astype(float)), sp.diags(alone.astype(float))
        totals = sp.diags(usual[of_unit]) @ totals @ left + sp.diags(own[of_unit]) @ totals @ right
        means = sp.diags(usual) @ means @ left + sp.diags(own) @ means @ right
    else:
        totals, means = sp.diags(usual[of_unit]) @ totals, sp.diags(usual) @ means
    return UnitTotals(sp.csr_matrix(totals), sp.csr_matrix(means), of_unit, here.size)


def _all_stages(
    structure: Structure,
    data: pd.DataFrame,
    z: sp.csr_matrix,
    lonely: str,
    alone: npt.NDArray[np.bool_] | None,
    inside: bool,
) -> list[UnitTotals]:
    alone = np.zeros(z.shape[1], dtype=bool) if alone is None else alone
    z = sp.csr_matrix(z)
    z.eliminate_zeros()
    return [
        unit_totals(structure, data, z, lonely, s, alone=alone, inside=inside)
        for s in range(stages_needed(structure, bool(alone.any())))
    ]


def diagonal(
    structure: Structure,
    data: pd.DataFrame,
    z: sp.csr_matrix,
    lonely: str,
    *,
    alone: npt.NDArray[np.bool_] | None = None,
    inside: bool = False,
) -> FloatArray:
    """Variances of the column sums of ``z``; arguments as of ``unit_totals``."""
    return sum((u.variance() for u in _all_stages(structure, data, z, lonely, alone, inside)), np.zeros(1))


def covariance(
    structure: Structure,
    data: pd.DataFrame,
    z: sp.csr_matrix,
    lonely: str,
    *,
    alone: npt.NDArray[np.bool_] | None = None,
    inside: bool = False,
) -> FloatArray:
    """Covariance matrix of the column sums of ``z``; arguments as of ``unit_totals``."""
    return sum((u.covariance() for u in _all_stages(structure, data, z, lonely, alone, inside)), np.zeros(1))


def stages_needed(structure: Structure, alone: bool) -> int:
    """How many stages carry variance: later ones only below finite populations, or inside lone units."""
    n = len(structure.stages)
    if alone:
        return n
    return next((s for s in range(1, n) if not (structure.stages[s].reach > 0).any()), n)
