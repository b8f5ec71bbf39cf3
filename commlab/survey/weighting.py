"""Weights that meet known totals, and what that does to standard errors.

post-stratification  (1) w_i = d_i N_c / sum_{j in c} d_j in every cell c
raking               (2) (1) on one margin after the other until all are met (Deming & Stephan 1940)
calibrated errors    (3) the influences' residuals of a regression on the margins, weighted by d:
                         u - X (X'DX)^- X'D u     Source: Deville & Saerndal (1992), eq. 3.4; R: svyrecvar
trimming             (4) weights cut to the bounds, what was cut spread evenly over the others; R: trimWeights
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from commlab.errors import DataError, ParameterError, within_reach
from commlab.survey.margins import Sample, margins_check, margins_of
from commlab.survey.structure import FloatArray, IntArray

if TYPE_CHECKING:
    from commlab.survey.design import SurveyDesign

__all__ = [
    "Calibration",
    "indicators_of_cells",
    "kish_effect",
    "post_stratify",
    "rake",
    "residual",
    "trim",
    "weight_summary",
]


class Calibration:
    """What weights were calibrated on.

    Parameters
    ----------
    sample : Sample
        The sample's cells.
    x : sparse matrix, shape (n_cells, n_margins)
        The margins' indicators, or other auxiliary variables.
    factor : float array, shape (n_cells,)
        New weight / old weight.
    method, bounds
        As ``calibrate`` takes them; post-stratification and raking are "raking".

    Attributes
    ----------
    cell : int array, shape (n_rows,)
    mass : float array, shape (n_cells,)
        Sum of the weights before.
    before, after : float arrays, shape (n_rows,)
        Weights before and after.
    """

    def __init__(
        self,
        sample: Sample,
        x: sp.csr_matrix,
        factor: FloatArray,
        method: str = "raking",
        bounds: tuple[float, float] = (0.0, np.inf),
    ) -> None:
        self.method, self.bounds, self.before = method, bounds, sample.design.weights
        self.cell, self.mass, self.x, self.factor = sample.cell, sample.mass, x, factor
        self.after: FloatArray = sample.design.weights * factor[sample.cell]

    @cached_property
    def _blocks(self) -> list[tuple[IntArray, FloatArray]]:
        """Cells that share no margin with others, and an orthonormal basis of sqrt(d) X on them."""
        filled = (np.diff(self.x.indptr) > 0) & (self.mass > 0)
        _, label = connected_components(abs(self.x).T @ abs(self.x), directed=False)
        of_cell = np.full(len(self.mass), -1)
        of_cell[filled] = label[self.x.indices[self.x.indptr[:-1][filled]]]
        blocks = []
        for b in np.unique(of_cell[filled]):
            inside = np.flatnonzero(of_cell == b)
            dense = self.x[inside][:, label == b].toarray() * np.sqrt(self.mass[inside])[:, None]
            largest = np.abs(dense).max(axis=0)
            u, size, _ = np.linalg.svd(dense / np.where(largest > 0, largest, 1), full_matrices=False)
            kept = size > size.max() * max(dense.shape) * np.finfo(float).eps
            blocks.append((inside, u[:, kept]))
        return blocks

    def fitted(self, sums: FloatArray) -> FloatArray:
        """X (X'DX)^- X'D u of (3) by cell, shape (n_cells, m), from the cells' sums of u times the new weight."""
        out = np.zeros_like(sums)
        for cells, basis in self._blocks:
            mine = sums[cells]
            if mine.any():
                root = np.sqrt(self.mass[cells])[:, None]
                factor = self.factor[cells][:, None]
                u = np.divide(mine, factor * root, out=np.zeros_like(mine), where=factor > 0)
                out[cells] = basis @ (basis.T @ u) / root
        return out


def residual(calibrations: Sequence[Calibration], z: sp.csr_matrix) -> sp.csr_matrix:
    """Influences (times weights) after all calibrations (3), shape (n_rows, m)."""
    for calibration in calibrations:
        rows = np.arange(z.shape[0])
        at = sp.csr_matrix(
            (np.ones(len(rows)), (rows, calibration.cell)), shape=(len(rows), len(calibration.mass))
        )
        fitted = calibration.fitted((at.T @ z).toarray())
        z = sp.csr_matrix(z - sp.diags(calibration.after) @ at @ sp.csr_matrix(fitted))
    return z


def indicators_of_cells(codes: Sequence[IntArray], sizes: Sequence[int]) -> sp.csr_matrix:
    """Indicators of the cells of several margins, side by side."""
    blocks = []
    for code, size in zip(codes, sizes, strict=True):
        rows = np.flatnonzero(code >= 0)
        blocks.append(sp.csr_matrix((np.ones(len(rows)), (rows, code[rows])), shape=(len(code), size)))
    return sp.csr_matrix(sp.hstack(blocks))


def post_stratify(design: SurveyDesign, margins: Any) -> SurveyDesign:
    """Scale the weights to known totals of cells (1).

    Parameters
    ----------
    design : SurveyDesign
    margins : mapping, Series or DataFrame
        One margin: variable, or tuple of variables, -> population totals of its cells; or the Series or frame
        alone (index or all but the last column name the variables).

    Returns
    -------
    SurveyDesign
        With calibrated standard errors.

    Raises
    ------
    DataError
        If the sample and the population have different cells, all faults named.
    """
    found = margins_of(margins)
    if len(found) != 1:
        raise ParameterError(f"post_stratify takes one margin (cells), got {len(found)}; several need .rake")
    variables, totals = found[0]
    sample = Sample(design, variables)
    code, known = sample.match(variables, totals)
    return _reweighted(sample, _scaled(sample.mass, code, known), [code], [len(known)])


def _scaled(mass: FloatArray, code: IntArray, known: FloatArray) -> FloatArray:
    active = code >= 0
    sums = np.bincount(code[active], mass[active], len(known))
    factor = np.divide(known, sums, out=np.zeros_like(known), where=sums > 0)
    return np.where(active, mass * factor[code], 0.0)  # (1)


def _reweighted(
    sample: Sample, mass: FloatArray, codes: Sequence[IntArray], sizes: Sequence[int]
) -> SurveyDesign:
    """The design with its cells' sums of weights brought to ``mass``."""
    factor = np.divide(mass, sample.mass, out=np.zeros_like(mass), where=sample.mass > 0)
    calibration = Calibration(sample, indicators_of_cells(codes, sizes), factor)
    return sample.design.reweighted(calibration.after, calibration)


def rake(
    design: SurveyDesign, margins: Mapping[Any, Any], *, tolerance: float = 1e-10, iterations: int = 1000
) -> SurveyDesign:
    """Scale the weights until several margins are met (2), starting from the design's own weights.

    Parameters
    ----------
    design : SurveyDesign
    margins : mapping
        Variable, or tuple of variables, -> population totals: a Series, a mapping, or a frame.
    tolerance : float
        Largest relative deviation of any cell at the end. (R's default stops within one person.)
    iterations : int
        Passes over all margins before giving up.

    Raises
    ------
    DataError
        If cells are empty, margins do not add up to the same total, or the margins cannot all be met (the
        worst cell is named).
    """
    if not 0 < tolerance < 1 or not isinstance(iterations, (int, np.integer)) or iterations < 1:
        raise ParameterError(
            f"tolerance={tolerance!r} must lie between 0 and 1 and iterations={iterations!r} be 1 or more"
        )
    found = margins_of(margins)
    margins_check(margins)
    sample = Sample(design, [v for variables, _ in found for v in variables])
    cells = [(v, t, *sample.match(v, t)) for v, t in found]
    codes = [code for _, _, code, _ in cells]
    mass = sample.mass
    worst, where = np.inf, ""
    for _ in range(iterations):
        for code, (_, _, _, known) in zip(codes, cells, strict=True):
            mass = _scaled(mass, code, known)
        last, (worst, where) = worst, _worst(mass, codes, cells)
        if worst <= tolerance and (worst >= last / 2 or worst < 1e-14):  # met, and no longer improving
            break
    if worst > tolerance:
        raise DataError(
            f"raking did not meet its margins in {iterations} passes: {where} is still off by {worst:.3g}; "
            "they contradict each other on the cells that the sample has, so collapse cells or drop a margin"
        )
    return _reweighted(sample, mass, codes, [len(known) for *_, known in cells])


def _worst(mass: FloatArray, codes: Sequence[IntArray], cells: Sequence[Any]) -> tuple[float, str]:
    worst, where = 0.0, ""
    for code, (variables, totals, _, known) in zip(codes, cells, strict=True):
        sums = np.bincount(code[code >= 0], mass[code >= 0], len(known))
        off = np.abs(sums - known) / np.where(known > 0, known, known.sum())
        if off.max() > worst:
            worst, where = float(off.max()), f'"{"+".join(variables)}" {totals.index[int(off.argmax())]}'
    return worst, where


def trim(
    design: SurveyDesign, lower: float = 0.0, upper: float = np.inf, *, strict: bool = False
) -> SurveyDesign:
    """Keep weights within bounds (4).

    Parameters
    ----------
    strict : bool
        Repeat until all weights lie within the bounds; once only (as R's default) may push others over.

    Raises
    ------
    ParameterError
        If no weights within the bounds can have the same sum.
    """
    if not all(isinstance(b, (int, float, np.number)) for b in (lower, upper)) or not lower < upper:
        raise ParameterError(f"lower={lower!r} must be a number below upper={upper!r}")
    active = design.weights > 0
    w = design.weights[active]
    if not lower * len(w) <= w.sum() <= upper * len(w):
        raise ParameterError(
            f"the mean weight {w.mean():.6g} lies outside {lower} to {upper}; widen the bounds"
        )
    for _ in range(len(w) if strict else 1):
        outside = (w < lower) | (w > upper)
        if not outside.any():
            break
        if outside.all():
            raise ParameterError(
                f"no weight lies within {lower:.6g} to {upper:.6g}, so none can take what is cut from the "
                "others; widen the bounds"
            )
        cut = np.clip(w, lower, upper)
        w = np.where(outside, cut, w + (w - cut).sum() / (~outside).sum())
    if strict and ((w < lower * (1 - 1e-9)) | (w > upper * (1 + 1e-9))).any():
        raise ParameterError(f"weights do not settle within {lower:.6g} to {upper:.6g}; widen the bounds")
    weights = np.zeros_like(design.weights)
    weights[active] = w
    return design.reweighted(weights)


def kish_effect(weights: npt.ArrayLike) -> float:
    """Design effect of unequal weights, n sum w^2 / (sum w)^2 (Kish 1965), over weights above 0.

    >>> kish_effect([1, 1, 2, 2])
    1.1111111111111112
    """
    w = np.asarray(weights, dtype=float)
    if not (np.isfinite(w) & (w >= 0)).all():
        raise DataError(
            f"{int((~(np.isfinite(w) & (w >= 0))).sum())} weights are missing, negative or infinite"
        )
    w = w[w > 0]
    if not len(w):
        raise DataError("no weight is above 0")
    within_reach(w, "a weight")
    return float(len(w) * (w**2).sum() / w.sum() ** 2)


def weight_summary(design: SurveyDesign) -> pd.Series:
    """n, sum, smallest, median, largest weight, coefficient of variation, Kish effect and effective n."""
    w = design.weights[design.weights > 0]
    effect = kish_effect(w)
    cv = w.std(ddof=1) / w.mean() if len(w) > 1 else 0.0
    values = [len(w), w.sum(), w.min(), np.median(w), w.max(), cv, effect, len(w) / effect]
    return pd.Series(values, index=["n", "sum", "min", "median", "max", "cv", "deff_kish", "n_effective"])
