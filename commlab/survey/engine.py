"""The engine behind means, totals, shares and ratios, for the whole sample and for domains.

Each is linear in row influences; the variance is ``variance``'s, calibrated weights take the influences'
residuals first (``weighting.residual``). Missing answers are left out item by item, as a domain: the design's
counts of units stay.

mean   (1) e_i = w_i (y_i - ybar) / sum w        total  (2) e_i = w_i y_i
ratio  (3) e_i = w_i (y_i - R x_i) / sum w x     share of a level: the mean of its indicator
deff   (4) V / V_srs, V_srs = S^2 (N - n) / (N n), N = sum w, S^2 = n / (n - 1) sum w (y - ybar)^2 / N
                                                 Source: Lumley (2010), ch. 2; R: svymean(deff=TRUE)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from commlab.errors import DataError, ParameterError, listing
from commlab.survey import variance
from commlab.survey.kernel import TOGETHER, Kernel
from commlab.survey.moments import Coded, Moments
from commlab.survey.plan import Plan
from commlab.survey.structure import FloatArray, IntArray, as_list

if TYPE_CHECKING:
    from commlab.survey.design import SurveyDesign

__all__ = [
    "Estimates",
    "covariance_of_sums",
    "estimates",
    "influences",
    "is_inside",
    "of_sums",
    "refuse_trap",
    "spread",
]

_Given: TypeAlias = FloatArray | Coded

_COLUMNS = ["estimate", "se", "ci_low", "ci_high", "df", "deff", "n"]


@dataclass(frozen=True)
class Estimates:
    """Arrays of shape (n_domains, n_columns), and the domains they belong to."""

    domains: pd.DataFrame
    estimate: FloatArray
    se: FloatArray
    df: IntArray | FloatArray
    deff: FloatArray
    n: IntArray
    effective: FloatArray
    """Size of a simple random sample as precise: n / deff; S^2 / V where no population is known."""

    def frame(self, labels: pd.DataFrame, low: FloatArray, high: FloatArray) -> pd.DataFrame:
        """Tidy: the labels of the columns vary fastest."""
        g, k = self.estimate.shape
        left = self.domains.iloc[np.repeat(np.arange(g), k)].reset_index(drop=True)
        right = labels.iloc[np.tile(np.arange(k), g)].reset_index(drop=True)
        values = [self.estimate, self.se, low, high, self.df, self.deff, self.n]
        numbers = pd.DataFrame({c: v.ravel() for c, v in zip(_COLUMNS, values, strict=True)})
        clash = [c for c in self.domains if c in labels or c in _COLUMNS]
        if clash:
            raise ParameterError(
                f"by columns {listing(clash)} bear names of the result; rename them in the data"
            )
        return pd.concat([left, right, numbers], axis=1)


def refuse_trap(domains: pd.DataFrame, trapped: npt.NDArray[np.bool_], cluster: str) -> None:
    """Refuse domains inside one unit of a one-stage cluster sample, by name."""
    names = [" / ".join(str(v) for v in row) or "the sample" for row in domains[trapped].to_numpy()]
    raise DataError(
        f'{int(trapped.sum())} domains lie inside one "{cluster}" each ({listing(names)}): the sample says '
        "nothing about how such units differ, and the usual formula would print a standard error of 0. Give "
        "the design the next stage (clusters=[..., the row's key]), or use a small-area model (fay_herriot)"
    )


def is_inside(design: SurveyDesign, by: str | Sequence[str] | None) -> bool:
    """Whether domains lie inside first-stage units because they are formed by them, with a stage below."""
    first = design.structure.clusters[0]
    return len(design.structure.stages) > 1 and first is not None and first in as_list(by)


def estimates(
    design: SurveyDesign,
    columns: Iterable[_Given],
    *,
    by: str | Sequence[str] | None = None,
    kind: str = "mean",
    denominator: FloatArray | None = None,
) -> Estimates:
    """Estimate many columns in every domain.

    Parameters
    ----------
    design : SurveyDesign
    columns : iterable of float arrays, each of shape (n_rows,), or Coded
        NaN = missing. Taken one at a time, so that a generator needs little memory.
    by : str or list of str, optional
    kind : "mean", "total" or "ratio"
    denominator : float array, optional
        For "ratio".
    """
    design._sound()
    structure = design.structure
    domain, domains = design.domains(by)
    inside = kind != "total" and is_inside(design, by)
    plan = Plan(structure, design.data, domain, len(domains), design.lonely, inside=inside)
    weights = plan.take(design.weights)
    under = None if denominator is None else plan.take(denominator)
    satterthwaite = design.degrees == "satterthwaite"
    kernel = None
    if kind != "ratio":
        kernel = Kernel.of(plan, weights, design.calibrations, satterthwaite=satterthwaite)
    done: list[_Column] = []
    waiting: list[_Column] = []
    for batch in _batches(columns, TOGETHER if kernel else 1):
        taken = [Coded(plan.take(y.code), y.values) if isinstance(y, Coded) else plan.take(y) for y in batch]
        found: Sequence[Sequence[Moments | None]]
        found = [[None] * (y.values.shape[1] if isinstance(y, Coded) else 1) for y in taken]
        if kernel is not None:
            found = kernel.columns(taken, total=kind == "total")
        for y, moments in [(y, (j, m)) for y, ms in zip(taken, found, strict=True) for j, m in enumerate(ms)]:
            j, sums = moments
            if sums is None:
                one = _linearise(plan, weights, y.column(j) if isinstance(y, Coded) else y, kind, under)
            else:
                one = _of_moments(sums, kind)
            waiting.append(_checked(one, plan, domains, kind))
            if len(waiting) >= (max(1, _WAITING // len(design.data)) if design.calibrations else 1):
                done += _with_variances(design, plan, waiting)
                waiting = []
    done += _with_variances(design, plan, waiting)
    return _together(domains, done, kind)


def of_sums(plan: Plan, domains: pd.DataFrame, found: Sequence[Moments]) -> Estimates:
    """Estimates of means from what a kernel made of a plan's cells."""
    return _together(
        domains, [_checked(_of_moments(m, "mean"), plan, domains, "mean") for m in found], "mean"
    )


def _checked(one: _Column, plan: Plan, domains: pd.DataFrame, kind: str) -> _Column:
    """Refuse domains inside one unit of a one-stage sample, by name."""
    if kind != "total" and len(plan.structure.stages) == 1 and one.alone.any():
        trapped = _trapped(plan, one)
        if trapped.any():
            refuse_trap(domains, trapped, str(plan.structure.clusters[0]))
    if kind == "total" or len(plan.structure.stages) == 1:
        one.alone = np.zeros_like(one.alone)
    return one


def _together(domains: pd.DataFrame, done: Sequence[_Column], kind: str) -> Estimates:
    if not done:
        raise ParameterError("there is nothing to estimate: no column was given")
    v = np.stack([c.variance for c in done], axis=1)
    n = np.stack([c.n for c in done], axis=1)
    estimate = np.stack([c.estimate for c in done], axis=1)
    if kind == "total":
        estimate, v = np.where(n == 0, np.nan, estimate), np.where(n == 0, np.nan, v)
    else:
        v = np.where((n < 2) | np.isnan(estimate), np.nan, v)
    s2 = np.stack([c.s2 for c in done], axis=1)
    size = np.stack([c.size for c in done], axis=1)
    srs = s2 * _over(size - n, size * n)  # (4)
    alike = np.where(size > n, n * srs, s2)
    return Estimates(
        domains,
        estimate,
        np.sqrt(v),
        np.asarray(np.stack([c.df for c in done], axis=1)),  # type: ignore[arg-type]
        np.divide(v, srs, out=np.full_like(v, np.nan), where=srs > 0),
        n,
        np.divide(alike, v, out=np.full_like(v, np.nan), where=v > 0),
    )


def _batches(columns: Iterable[_Given], size: int) -> Iterator[list[_Given]]:
    left = iter(columns)
    while batch := list(islice(left, size)):
        yield batch


_WAITING = 2_000_000
"""Most influences to wait with before calibrated variances are computed together."""
_DENSE = 2_000_000
"""Most influences after calibration at a time: every row gets one."""


@dataclass
class _Column:
    """One column's estimates by domain, and the influences that its variance needs until it is known."""

    estimate: FloatArray
    e: FloatArray
    n: IntArray
    df: IntArray | FloatArray
    size: FloatArray  # sum of weights
    s2: FloatArray  # S^2 of (4), in the estimate's units
    alone: npt.NDArray[np.bool_]
    valid: npt.NDArray[np.bool_] | None
    variance: FloatArray
    ready: bool = False


def _linearise(plan: Plan, w: FloatArray, y: FloatArray, kind: str, under: FloatArray | None) -> _Column:
    """Estimates (1) to (3) of a column, their influences and the spread of the values (4)."""
    g, d = plan.n_domains, plan.domain
    missing = np.isnan(y) if under is None else np.isnan(y) | np.isnan(under)
    valid = ~missing if missing.any() else None
    n, units, df = plan.counts(valid)
    if valid is not None:
        w, y = np.where(valid, w, 0.0), np.where(valid, y, 0.0)
    size = np.bincount(d, w, g).astype(float)
    centre: FloatArray = np.zeros(g)
    scale: FloatArray = np.ones(g)
    if kind == "ratio" and under is not None:
        x = np.where(missing, 0.0, under)
        base = np.bincount(d, w * x, g)
        estimate = _over(np.bincount(d, w * y, g), base)
        y = y - estimate[d] * x
        e = w * y * _over(np.ones(g), base)[d]  # (3)
        scale = _over(size, base)
    elif kind == "total":
        estimate, e = np.bincount(d, w * y, g).astype(float), w * y  # (2)
        centre, scale = _over(estimate, size), size.astype(float)
    else:
        estimate = _over(np.bincount(d, w * y, g), size)
        e = w * (y - estimate[d]) * _over(np.ones(g), size)[d]  # (1)
        centre = estimate
    e = np.where(np.isfinite(e), e, 0.0)
    squares = np.bincount(d, w * (y - np.nan_to_num(centre)[d]) ** 2, g).astype(float)
    s2 = _s2(n, size, squares, scale)
    return _Column(estimate, e, n, df, size, s2, units <= 1, valid, np.full(g, np.nan))


def _of_moments(found: Moments, kind: str) -> _Column:
    """The same from sums over cells; nothing is left to do but the check for domains inside one unit."""
    scale: FloatArray = found.size if kind == "total" else np.ones_like(found.size)
    s2 = _s2(found.n, found.size, found.spread, scale)
    none = np.empty(0)
    return _Column(
        found.estimate, none, found.n, found.df, found.size, s2, found.alone, None, found.variance, True
    )


def _s2(n: IntArray, size: FloatArray, squares: FloatArray, scale: FloatArray) -> FloatArray:
    return scale**2 * _over(n * squares, (n - 1) * size)


def _with_variances(design: SurveyDesign, plan: Plan, columns: list[_Column]) -> list[_Column]:
    """Fill in variances (and, inside one unit, its own degrees of freedom), and let the influences go."""
    satterthwaite = design.degrees == "satterthwaite"
    for c in columns:
        if c.ready:
            continue
        if c.alone.any():
            c.df = np.where(c.alone, plan.inside_df(c.valid), c.df)
        if c.alone.any() or not design.calibrations:
            ask, e = plan, c.e
            if c.valid is not None and plan.lonely_matters:
                ask, e = plan.without(~c.valid), c.e[c.valid]
            c.variance, own = ask.variance(e, c.alone)
            c.df = own if satterthwaite else c.df
    open_ = [(c, np.flatnonzero(~c.alone)) for c in columns if design.calibrations and not c.ready]
    asked = [(c, int(d)) for c, domains in open_ for d in domains]
    step = max(1, _DENSE // len(design.data))
    for start in range(0, len(asked), step):
        part = asked[start : start + step]
        v, own = variance.diagonal(
            design.structure, design.data, _calibrated(design, plan, part), design.lonely
        )
        for j, (c, d) in enumerate(part):
            c.variance[d] = v[j]
            if satterthwaite:
                c.df = c.df.astype(float)
                c.df[d] = own[j]
    for c in columns:
        c.e = np.empty(0)
    return columns


def _calibrated(design: SurveyDesign, plan: Plan, asked: Sequence[tuple[_Column, int]]) -> sp.csr_matrix:
    """Influences of some columns on some domains after calibration, shape (n_rows, n_asked)."""
    from commlab.survey.weighting import residual

    kept = [plan.rows_of(d) for _, d in asked]
    values = np.concatenate([c.e[rows] for (c, _), rows in zip(asked, kept, strict=True)])
    at = np.concatenate([plan.rows[rows] for rows in kept])
    column = np.repeat(np.arange(len(asked)), [len(rows) for rows in kept])
    z = sp.csr_matrix((values, (at, column)), shape=(len(design.data), len(asked)))
    return residual(design.calibrations, z)


def _over(a: npt.NDArray, b: npt.NDArray) -> FloatArray:
    return np.divide(a, b, out=np.full(np.shape(b), np.nan), where=b != 0)


def _trapped(plan: Plan, column: _Column) -> npt.NDArray[np.bool_]:
    """Domains of several rows inside one unit that is not all there is."""
    stage = plan.structure.stages[0]
    if stage.rows_are_units:
        return np.zeros_like(column.alone)
    open_ = (stage.fraction < 1)[plan.take(stage.stratum)]
    return column.alone & (column.n > 0) & (np.bincount(plan.domain, open_, plan.n_domains) > 0)


def influences(
    design: SurveyDesign, columns: Sequence[FloatArray], domain: IntArray, g: int
) -> tuple[FloatArray, sp.csr_matrix, IntArray, npt.NDArray[np.bool_]]:
    """Means and their row influences, every domain x column a column of its own (columns fastest).

    Returns
    -------
    tuple
        estimate (g * k,), influences (sparse, n_rows x g * k), n (g * k,), and whether the cell lies in one
        first-stage unit.
    """
    n_rows, k = len(design.data), len(columns)
    parts: list[tuple[FloatArray, IntArray, IntArray]] = []
    estimate, n = np.full(g * k, np.nan), np.zeros(g * k, dtype=np.int64)
    alone = np.zeros(g * k, dtype=bool)
    unit = design.structure.stages[0].unit
    for j, y in enumerate(columns):
        rows = np.flatnonzero((domain >= 0) & ~np.isnan(y))
        d, w = domain[rows], design.weights[rows]
        size = np.bincount(d, w, g)
        means = _over(np.bincount(d, w * y[rows], g), size)
        parts.append((w * (y[rows] - means[d]) / size[d], rows, d * k + j))
        estimate[j::k], n[j::k] = means, np.bincount(d, minlength=g)
        alone[j::k] = np.bincount(pd.unique(unit[rows] * g + d) % g, minlength=g) <= 1
    values, i, cell = (np.concatenate(p) for p in zip(*parts, strict=True))
    return estimate, sp.csr_matrix((values, (i, cell)), shape=(n_rows, g * k)), n, alone


def spread(design: SurveyDesign, z: sp.csr_matrix, alone: npt.NDArray[np.bool_]) -> sp.csr_matrix:
    """Influences after calibration, but for the columns inside one unit."""
    if not design.calibrations or alone.all():
        return z
    from commlab.survey.weighting import residual

    if not alone.any():
        return residual(design.calibrations, z)
    kept = residual(design.calibrations, z @ sp.diags((~alone).astype(float)))
    return sp.csr_matrix(kept + z @ sp.diags(alone.astype(float)))


def covariance_of_sums(
    design: SurveyDesign, rows: npt.NDArray[np.bool_], influence: FloatArray
) -> FloatArray:
    """Covariance of the sums of influences (weights included), shape (n_rows_that_count, m), of some rows."""
    z = np.zeros((len(rows), influence.shape[1]))
    z[rows] = influence
    sparse = spread(design, sp.csr_matrix(z), np.zeros(z.shape[1], dtype=bool))
    return variance.covariance(design.structure, design.data, sparse, design.lonely)
