"""Weights that meet known totals, and what that does to standard errors.

post-stratification  (1) w_i = d_i N_c / sum_{j in c} d_j in every cell c
raking               (2) (1) on one margin after the other until all are met (Deming & Stephan 1940)
calibrated errors    (3) the influences' residuals of a regression on the margins, weighted by d:
                         u - X (X'DX)^- X'D u     Source: Deville & Saerndal (1992), eq. 3.4; R: svyrecvar
trimming             (4) weights cut to the bounds, what was cut spread evenly over the others; R: trimWeights
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from commlab.errors import DataError, ParameterError
from commlab.survey.margins import cells_of, margins_check, margins_of
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


@dataclass(frozen=True)
class Calibration:
    """What weights were calibrated on.

    Attributes
    ----------
    x : function
        Gives the margins' indicators, or other auxiliary variables, as a sparse matrix of shape (n_rows,
        n_margins); only asked when an error is.
    before, after : float arrays, shape (n_rows,)
        Weights before and after.
    """

    x: Callable[[], sp.csr_matrix]
    before: FloatArray
    after: FloatArray
    _blocks: list[tuple[IntArray, FloatArray]] = field(default_factory=list, repr=False, compare=False)

    def blocks(self) -> list[tuple[IntArray, FloatArray]]:
        """Rows that share no margin with others, and an orthonormal basis of sqrt(d) X on them."""
        if not self._blocks:
            root = np.sqrt(self.before)
            x = self.x()[root > 0]
            rows = np.flatnonzero(root > 0)
            _, label = connected_components(x.T @ x, directed=False)
            filled = np.diff(x.indptr) > 0
            of_row = np.full(x.shape[0], -1)
            of_row[filled] = label[x.indices[x.indptr[:-1][filled]]]
            for b in np.unique(of_row[filled]):
                inside = np.flatnonzero(of_row == b)
                dense = x[inside][:, label == b].toarray() * root[rows[inside], None]
                u, size, _ = np.linalg.svd(dense, full_matrices=False)
                kept = size > size.max() * max(dense.shape) * np.finfo(float).eps
                self._blocks.append((rows[inside], u[:, kept]))
        return self._blocks

    def residual(self, rows: IntArray, basis: FloatArray, z: FloatArray) -> FloatArray:
        """(3) on the rows of a block; z is an influence times the weight."""
        root = np.sqrt(self.before[rows])[:, None]
        after = self.after[rows][:, None]
        u = np.divide(z * root, after, out=np.zeros_like(z), where=after > 0)
        u = u - basis @ (basis.T @ u)
        return u * after / root


def residual(calibrations: Sequence[Calibration], z: Any) -> Any:
    """Influences (times weights) after all calibrations, dense or sparse as given, shape (n_rows, m)."""
    for calibration in calibrations:
        if not sp.issparse(z):
            z = z.copy()
            for rows, basis in calibration.blocks():
                z[rows] = calibration.residual(rows, basis, z[rows])
            continue
        z = sp.csr_matrix(z)
        parts, covered = [], np.zeros(z.shape[0], dtype=bool)
        for rows, basis in calibration.blocks():
            covered[rows] = True
            part = z[rows]
            touched = np.unique(part.indices)
            if len(touched):
                dense = calibration.residual(rows, basis, part[:, touched].toarray())
                at = np.repeat(rows, len(touched)), np.tile(touched, len(rows))
                parts.append((dense.ravel(), *at))
        rest = sp.diags((~covered).astype(float)) @ z
        if parts:
            values, i, j = (np.concatenate(p) for p in zip(*parts, strict=True))
            rest = rest + sp.csr_matrix((values, (i, j)), shape=z.shape)
        z = sp.csr_matrix(rest)
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
    code, known = cells_of(design, variables, totals)
    weights = _scaled(design.weights, code, known)
    x = partial(indicators_of_cells, [code], [len(known)])
    return design.reweighted(weights, Calibration(x, design.weights, weights))


def _scaled(weights: FloatArray, code: IntArray, known: FloatArray) -> FloatArray:
    active = code >= 0
    sums = np.bincount(code[active], weights[active], len(known))
    factor = np.divide(known, sums, out=np.zeros_like(known), where=sums > 0)
    return np.where(active, weights * factor[code], 0.0)  # (1)


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
    found = margins_of(margins)
    margins_check(margins)
    cells = [(v, t, *cells_of(design, v, t)) for v, t in found]
    # Rows that share all cells keep one common factor: rake the cells, not the rows.
    joint = np.zeros(len(design.weights), dtype=np.int64)
    for _, _, code, known in cells:
        joint = np.where(code < 0, -1, joint * len(known) + code)
    place, cell = pd.factorize(joint)
    first = np.zeros(len(cell), dtype=np.int64)
    first[place[::-1]] = np.arange(len(place))[::-1]
    start = np.bincount(place, design.weights, len(cell))
    codes = [code[first] for _, _, code, _ in cells]
    mass: FloatArray = start.astype(float)
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
    factor = np.divide(mass, start, out=np.zeros_like(mass), where=start > 0)
    weights = design.weights * factor[place]
    x = partial(indicators_of_cells, [c for _, _, c, _ in cells], [len(k) for _, _, _, k in cells])
    return design.reweighted(weights, Calibration(x, design.weights, weights))


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
    if not lower < upper:
        raise ParameterError(f"lower={lower} must be below upper={upper}")
    active = design.weights > 0
    w = design.weights[active]
    if not lower * len(w) <= w.sum() <= upper * len(w):
        raise ParameterError(
            f"the mean weight {w.mean():.6g} lies outside {lower} to {upper}; widen the bounds"
        )
    for _ in range(len(w) if strict else 1):
        outside = (w < lower) | (w > upper)
        if not outside.any() or outside.all():
            break
        cut = np.clip(w, lower, upper)
        w = np.where(outside, cut, w + (w - cut).sum() / (~outside).sum())
    weights = np.zeros_like(design.weights)
    weights[active] = w
    return design.reweighted(weights)


def kish_effect(weights: npt.ArrayLike) -> float:
    """Design effect of unequal weights, n sum w^2 / (sum w)^2 (Kish 1965), over weights above 0.

    >>> kish_effect([1, 1, 2, 2])
    1.1111111111111112
    """
    w = np.asarray(weights, dtype=float)
    w = w[w > 0]
    if not len(w):
        raise DataError("no weight is above 0")
    return float(len(w) * (w**2).sum() / w.sum() ** 2)


def weight_summary(design: SurveyDesign) -> pd.Series:
    """n, sum, smallest, median, largest weight, coefficient of variation, Kish effect and effective n."""
    w = design.weights[design.weights > 0]
    effect = kish_effect(w)
    cv = w.std(ddof=1) / w.mean() if len(w) > 1 else np.nan
    values = [len(w), w.sum(), w.min(), np.median(w), w.max(), cv, effect, len(w) / effect]
    return pd.Series(values, index=["n", "sum", "min", "median", "max", "cv", "deff_kish", "n_effective"])
