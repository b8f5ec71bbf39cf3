"""Weights that meet known totals, and what that does to standard errors.

post-stratification  (1) w_i = d_i N_c / sum_{j in c} d_j in every cell c
raking               (2) (1) on one margin after the other until all are met (Deming & Stephan 1940)
calibrated errors    (3) the influences' residuals of a regression on the margins, weighted by d:
                         u - X (X'DX)^- X'D u     Source: Deville & Saerndal (1992), eq. 3.4; R: svyrecvar
trimming             (4) weights cut to the bounds; what was cut is spread evenly over the others (R: trimWeights)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from commlab.errors import DataError, ParameterError, listing
from commlab.survey.structure import FloatArray, IntArray, column

if TYPE_CHECKING:
    from commlab.survey.design import SurveyDesign

__all__ = [
    "Calibration",
    "collapse",
    "kish_effect",
    "margins_check",
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
    x : sparse matrix, shape (n_rows, n_margins)
        Indicators of the margins' cells, or other auxiliary variables.
    before, after : float arrays, shape (n_rows,)
        Weights before and after.
    """

    x: sp.csr_matrix
    before: FloatArray
    after: FloatArray
    _blocks: list[tuple[IntArray, FloatArray]] = field(default_factory=list, repr=False, compare=False)

    def blocks(self) -> list[tuple[IntArray, FloatArray]]:
        """Rows that share no margin with others, and an orthonormal basis of sqrt(d) X on them."""
        if not self._blocks:
            root = np.sqrt(self.before)
            x = self.x[root > 0]
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


def _margin(variables: tuple[str, ...], totals: Any) -> pd.Series:
    """A margin as a Series over cells."""
    name = "+".join(variables)
    if isinstance(totals, pd.DataFrame):
        lacking = [v for v in variables if v not in totals]
        others = [c for c in totals if c not in variables]
        if lacking or len(others) != 1:
            raise ParameterError(
                f'margin "{name}" as a frame needs the columns {", ".join(variables)} and one of totals; '
                f"it has {listing(totals.columns, most=12)}"
            )
        totals = totals.set_index(list(variables))[others[0]]
    elif isinstance(totals, Mapping):
        totals = pd.Series(dict(totals))
    if not isinstance(totals, pd.Series):
        raise ParameterError(
            f'margin "{name}" must be a Series, mapping or frame, got {type(totals).__name__}'
        )
    if totals.index.nlevels != len(variables):
        raise ParameterError(
            f'margin "{name}" names {len(variables)} variables, its index has {totals.index.nlevels}'
        )
    if totals.index.has_duplicates:
        again = totals.index[totals.index.duplicated()].unique()
        raise DataError(f'margin "{name}" gives cells more than once: {listing(again)}')
    values = pd.to_numeric(totals, errors="coerce").astype(float)
    bad = ~(np.isfinite(values) & (values >= 0))
    if bad.any() or not len(values) or not values.sum() > 0:
        raise DataError(
            f'margin "{name}" must be population totals >= 0 and not all 0; wrong: '
            f"{listing(totals.index[bad]) if bad.any() else 'it is empty or all 0'}"
        )
    return values


def _cells(
    design: SurveyDesign, variables: tuple[str, ...], totals: pd.Series
) -> tuple[IntArray, FloatArray]:
    """Cell of each weighted row (-1: weight 0) and the cells' totals; every fault of the margin at once."""
    name = "+".join(variables)
    active = design.weights > 0
    faults = []
    keys = design.data[list(variables)]
    for v in variables:
        column(design.data, v, "margin")
    blank = keys.isna().any(axis=1).to_numpy() & active
    if blank.any():
        faults.append(
            f'{int(blank.sum())} rows have no "{name}" (first: row {design.data.index[int(np.argmax(blank))]})'
        )
    index = pd.Index(keys[variables[0]]) if len(variables) == 1 else pd.MultiIndex.from_frame(keys)
    code = totals.index.get_indexer(index)
    unknown = (code < 0) & active & ~blank
    if unknown.any():
        faults.append(f"the margin lacks cells that the sample has: {listing(index[unknown].unique())}")
    zero = totals.to_numpy() == 0
    has = np.bincount(code[active & (code >= 0)], minlength=len(totals)) > 0
    if (zero & has).any():
        faults.append(
            f"the population has nobody in cells that the sample has: {listing(totals.index[zero & has])}"
        )
    if (~zero & ~has).any():
        faults.append(f"no answers in cells {listing(totals.index[~zero & ~has])}; collapse them with others")
    if faults:
        raise DataError(f'margin "{name}": ' + "; ".join(faults), faults=faults)
    return np.where(active, code, -1).astype(np.int64), totals.to_numpy()


def _margins(margins: Any) -> list[tuple[tuple[str, ...], pd.Series]]:
    if isinstance(margins, pd.Series):
        if None in margins.index.names:
            raise ParameterError("a Series of totals must name the variables of its index")
        margins = {tuple(str(n) for n in margins.index.names): margins}
    elif isinstance(margins, pd.DataFrame):
        if margins.shape[1] < 2:
            raise ParameterError("a frame of totals needs the variables' columns and, last, the totals")
        margins = {tuple(map(str, margins.columns[:-1])): margins}
    if not isinstance(margins, Mapping) or not margins:
        raise ParameterError("margins must be a mapping of variable -> totals, and not empty")
    out = []
    for names, totals in margins.items():
        variables = (names,) if isinstance(names, str) else tuple(names)
        out.append((variables, _margin(variables, totals)))
    return out


def margins_check(margins: Mapping[Any, Any], *, tolerance: float = 1e-9) -> None:
    """Refuse margins whose totals disagree.

    Raises
    ------
    DataError
        Naming each margin and its total.
    """
    sums = {"+".join(v): float(t.sum()) for v, t in _margins(margins)}
    low, high = min(sums.values()), max(sums.values())
    if high - low > tolerance * high:
        told = ", ".join(f'"{k}" {v:.12g}' for k, v in sums.items())
        raise DataError(
            f"margins do not add up to the same population: {told}; mend them, or scale them first"
        )


def _indicators(codes: Sequence[IntArray], sizes: Sequence[int]) -> sp.csr_matrix:
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
    found = _margins(margins)
    if len(found) != 1:
        raise ParameterError(f"post_stratify takes one margin (cells), got {len(found)}; several need .rake")
    variables, totals = found[0]
    code, known = _cells(design, variables, totals)
    weights = _scaled(design.weights, code, known)
    return design.reweighted(weights, Calibration(_indicators([code], [len(known)]), design.weights, weights))


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
        If cells are empty, margins do not add up to the same total, or the margins cannot all be met (the worst
        cell is named).
    """
    found = _margins(margins)
    margins_check(margins)
    cells = [(v, t, *_cells(design, v, t)) for v, t in found]
    # Rows that share all cells keep one common factor: rake the cells, not the rows.
    joint = np.zeros(len(design.weights), dtype=np.int64)
    for _, _, code, known in cells:
        joint = np.where(code < 0, -1, joint * len(known) + code)
    cell, first, place = np.unique(joint, return_index=True, return_inverse=True)
    start = np.bincount(place, design.weights, len(cell))
    codes = [code[first] for _, _, code, _ in cells]
    mass, worst, where = start.copy(), np.inf, ""
    for _ in range(iterations):
        for code, (_, _, _, known) in zip(codes, cells, strict=True):
            mass = _scaled(mass, code, known)
        last, (worst, where) = worst, _worst(mass, codes, cells)
        if worst <= tolerance and (worst >= last / 2 or worst < 1e-14):  # met, and no longer improving
            break
    if worst > tolerance:
        raise DataError(
            f"raking did not meet its margins in {iterations} passes: {where} is still off by {worst:.3g}; "
            "margins contradict each other on the cells that the sample has, so collapse cells or drop a margin"
        )
    factor = np.divide(mass, start, out=np.zeros_like(mass), where=start > 0)
    weights = design.weights * factor[place]
    x = _indicators([c for _, _, c, _ in cells], [len(k) for _, _, _, k in cells])
    return design.reweighted(weights, Calibration(x, design.weights, weights))


def _worst(mass: FloatArray, codes: Sequence[IntArray], cells: Sequence[Any]) -> tuple[float, str]:
    worst, where = 0.0, ""
    for code, (variables, totals, _, known) in zip(codes, cells, strict=True):
        sums = np.bincount(code[code >= 0], mass[code >= 0], len(known))
        off = np.abs(sums - known) / np.where(known > 0, known, known.sum())
        if off.max() > worst:
            worst, where = float(off.max()), f'"{"+".join(variables)}" {totals.index[int(off.argmax())]}'
    return worst, where


def collapse(counts: pd.Series, *, least: int) -> dict[Any, Any]:
    """Join neighbouring cells of an ordered margin until each has enough answers.

    Parameters
    ----------
    counts : Series
        Answers per cell, in the order in which cells may be joined (age bands).
    least : int
        Fewest answers in a cell.

    Returns
    -------
    dict
        Cell -> joined cell (the first and last name with a dash, ``55-64..65+``).

    Raises
    ------
    DataError
        If all cells together have fewer answers.

    >>> collapse(pd.Series({"18-24": 3, "25-34": 40, "35+": 29}), least=30)
    {'18-24': '18-24..25-34', '25-34': '18-24..25-34', '35+': '35+'}
    """
    if counts.sum() < least:
        raise DataError(
            f"{counts.sum():.0f} answers in all cells together, {least} are needed: leave this margin out"
        )
    groups = [[[name], float(n)] for name, n in counts.items()]
    while len(groups) > 1:
        small = min(range(len(groups)), key=lambda i: groups[i][1])
        if groups[small][1] >= least:
            break
        beside = [i for i in (small - 1, small + 1) if 0 <= i < len(groups)]
        other = min(beside, key=lambda i: groups[i][1])
        a, b = sorted((small, other))
        groups[a : b + 1] = [[groups[a][0] + groups[b][0], groups[a][1] + groups[b][1]]]
    return {n: g[0][0] if len(g[0]) == 1 else f"{g[0][0]}..{g[0][-1]}" for g in groups for n in g[0]}


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
