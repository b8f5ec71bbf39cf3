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

__all__ = [
    "LONELY",
    "UnitTotals",
    "covariance",
    "diagonal",
    "fail_if_lonely",
    "scale_of",
    "stages_needed",
    "unit_totals",
]

LONELY = ("fail", "remove", "adjust", "average", "certainty")
"""What to do with a stratum that has one unit in the sample and more in the population; as in R."""


def scale_of(stage: Stage, lonely: str) -> tuple[FloatArray, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """(1 - f) n / (n - 1) per stratum, which strata are lonely, and which are centred."""
    remains = np.clip(1 - stage.fraction, 0, None)
    alone = (stage.size == 1) & (remains > 1e-12)
    factor = np.divide(stage.size, stage.size - 1, out=np.ones_like(stage.size), where=stage.size > 1)
    scale = remains * factor
    if lonely != "adjust":
        scale = np.where(alone, 0.0, scale)
    centred = ~alone if lonely == "adjust" else np.ones_like(alone)
    return scale, alone, centred


def fail_if_lonely(
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

    def by_stratum(self) -> sp.csr_matrix:
        """Variance per stratum and column, shape (n_strata, m)."""
        squares = _indicator(self.of_unit, len(self.size)) @ self.totals.power(2)
        return sp.csr_matrix(squares - sp.diags(self.size) @ self.means.power(2))

    def shared(self, other: UnitTotals, i: IntArray, j: IntArray) -> sp.csr_matrix:
        """Sum of products over pairs of units i of this and j of the other, per stratum of this and column."""
        a, b = self.totals[i], other.totals[j]
        h, k = self.of_unit[i], other.of_unit[j]
        pairs = sp.csr_matrix((np.ones(len(i)), (h, k)), shape=(len(self.size), len(other.size)))
        products = a.multiply(b) - a.multiply(other.means[k]) - self.means[h].multiply(b)
        at = sp.csr_matrix((np.ones(len(i)), (h, np.arange(len(i)))), shape=(len(self.size), len(i)))
        return sp.csr_matrix(at @ products + self.means.multiply(pairs @ other.means))


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
    scale, single, centred = scale_of(here, lonely)
    if stage > 0:
        single = single & (here.reach > 0)
    if lonely == "fail" and not inside:
        strata = np.unique(here.stratum[np.diff(z.indptr) > 0])
        fail_if_lonely(structure, data, stage, strata, single)
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
    structure: Structure, data: pd.DataFrame, z: sp.csr_matrix, lonely: str
) -> tuple[FloatArray, FloatArray]:
    """Variances of the column sums of ``z``, and their degrees of freedom by Satterthwaite (``Plan.assemble``)."""
    value, fourth = np.zeros(z.shape[1]), np.zeros(z.shape[1])
    for unit in _all_stages(structure, data, z, lonely, None, False):
        value += unit.variance()
        own = sp.diags(1 / np.maximum(unit.size - 1, 1))
        fourth += np.asarray((own @ unit.by_stratum().power(2)).sum(axis=0)).ravel()
    return value, np.divide(value**2, fourth, out=np.zeros_like(value), where=fourth > 0)


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
