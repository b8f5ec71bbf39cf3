"""Means, totals, shares and ratios, for the whole sample and for domains.

Each is linear in row influences; the variance is ``variance``'s, calibrated weights take the influences'
residuals first (``weighting.residual``). Missing answers are left out item by item, as a domain: the design's
counts of units stay.

mean   (1) e_i = w_i (y_i - ybar) / sum w        total  (2) e_i = w_i y_i
ratio  (3) e_i = w_i (y_i - R x_i) / sum w x     share of a level: the mean of its indicator
deff   (4) V / V_srs, V_srs = S^2 (N - n) / (N n) with N = sum w and S^2 = n / (n - 1) * sum w (y - ybar)^2 / N
                                                 Source: Lumley (2010), ch. 2; R: svymean(deff=TRUE)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from commlab.errors import DataError, ParameterError, listing
from commlab.survey import intervals, variance
from commlab.survey.structure import FloatArray, IntArray, as_list, column

if TYPE_CHECKING:
    from commlab.survey.design import SurveyDesign

__all__ = [
    "Estimates",
    "covariance_of_means",
    "estimates",
    "mean",
    "proportion",
    "ratio",
    "total",
    "values_of",
]

_COLUMNS = ["estimate", "se", "ci_low", "ci_high", "df", "deff", "n"]


@dataclass(frozen=True)
class Estimates:
    """Arrays of shape (n_domains, n_columns), and the domains they belong to."""

    domains: pd.DataFrame
    estimate: FloatArray
    se: FloatArray
    df: IntArray
    deff: FloatArray
    n: IntArray

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


def variables_of(variables: str | Sequence[str]) -> list[str]:
    """Names of variables: at least one, none twice."""
    names = as_list(variables)
    if not names:
        raise ParameterError("name at least one variable")
    twice = sorted({str(v) for v in names if names.count(v) > 1})
    if twice:
        raise ParameterError(f"variables are named twice: {listing(twice)}")
    return [str(v) for v in names]


def values_of(design: SurveyDesign, name: str) -> FloatArray:
    """A numeric column, missing as NaN.

    Raises
    ------
    ParameterError
        If the column holds text.
    DataError
        If a value is infinite.
    """
    values = column(design.data, name, "variable")
    if not (pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values)):
        try:
            values = pd.to_numeric(values)
        except (TypeError, ValueError) as error:
            raise ParameterError(
                f'"{name}" is not a number ({error}); for shares of its levels use .proportion'
            ) from None
        if not pd.api.types.is_numeric_dtype(values):
            raise ParameterError(
                f'"{name}" is {values.dtype}, not a number; for shares of its levels use .proportion'
            )
    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    if np.isinf(numbers).any():
        row = int(np.argmax(np.isinf(numbers)))
        raise DataError(
            f'"{name}" is infinite in row {design.data.index[row]}; make it a number or leave it blank'
        )
    return numbers


def _refuse_trap(domains: pd.DataFrame, trapped: npt.NDArray[np.bool_], cluster: str) -> None:
    names = [" / ".join(str(v) for v in row) for row in domains[trapped].itertuples(index=False)] or [
        "the sample"
    ]
    raise DataError(
        f'{int(trapped.sum())} domains lie inside one "{cluster}" each ({listing(names)}): the sample says nothing '
        "about how such units differ, and the usual formula would print a standard error of 0. Give the design "
        "the next stage (clusters=[..., the row's key]), or use a small-area model (fay_herriot)"
    )


def estimates(
    design: SurveyDesign,
    columns: Iterable[FloatArray],
    *,
    by: str | Sequence[str] | None = None,
    kind: str = "mean",
    denominator: FloatArray | None = None,
) -> Estimates:
    """Estimate many columns in every domain.

    Parameters
    ----------
    design : SurveyDesign
    columns : iterable of float arrays, each of shape (n_rows,)
        NaN = missing. Taken one at a time, so that a generator needs little memory.
    by : str or list of str, optional
    kind : "mean", "total" or "ratio"
    denominator : float array, optional
        For "ratio".
    """
    design._sound()
    structure = design.structure
    domain, domains = design.domains(by)
    g = len(domains)
    inside = kind != "total" and structure.clusters[0] is not None and structure.clusters[0] in as_list(by)
    several = len(structure.stages) > 1
    inside = inside and several
    plan = variance.Plan(structure, design.data, domain, g, design.lonely, inside=inside)
    w, d = plan.take(design.weights), plan.domain
    under = None if denominator is None else plan.take(denominator)
    whole = plan.counts(None)
    out: list[tuple[npt.NDArray, ...]] = []
    for values in columns:
        y = plan.take(values)
        missing = np.isnan(y) if under is None else np.isnan(y) | np.isnan(under)
        valid = None if not missing.any() else ~missing
        n, units, df = whole if valid is None else plan.counts(valid)
        wv = w if valid is None else np.where(valid, w, 0.0)
        y = y if valid is None else np.where(valid, y, 0.0)
        size = np.bincount(d, wv, g)
        if kind == "ratio" and under is not None:
            x = np.where(missing, 0.0, under)
            base = np.bincount(d, wv * x, g)
            estimate = _over(np.bincount(d, wv * y, g), base)
            y = y - estimate[d] * x
            e = wv * y * _over(np.ones(g), base)[d]  # (3)
            centre, scale = np.zeros(g), _over(size, base)
        elif kind == "total":
            estimate, e = np.bincount(d, wv * y, g), wv * y  # (2)
            centre, scale = _over(estimate, size), size
        else:
            estimate = _over(np.bincount(d, wv * y, g), size)
            e = wv * (y - estimate[d]) * _over(np.ones(g), size)[d]  # (1)
            centre, scale = estimate, np.ones(g)
        e = np.where(np.isfinite(e), e, 0.0)
        alone = np.zeros(g, dtype=bool) if kind == "total" else units <= 1
        if alone.any() and not several:
            trapped = _trapped(plan, alone, n)
            if trapped.any():
                _refuse_trap(domains, trapped, str(structure.clusters[0]))
            alone[:] = False
        v = _variance(design, plan, e, alone)
        if alone.any():
            df = np.where(alone, plan.inside_df(valid), df)
        if kind != "total":
            v = np.where(n < 2, np.nan, v)
        spread = np.bincount(d, wv * (y - np.nan_to_num(centre)[d]) ** 2, g)
        srs = scale**2 * _over(n * spread, (n - 1) * size) * _over(size - n, size * n)  # (4)
        deff = np.divide(v, srs, out=np.full(g, np.nan), where=srs > 0)
        out.append((estimate, np.sqrt(v), df, deff, n))
    if not out:
        raise ParameterError("there is nothing to estimate: no column was given")
    estimate, se, df, deff, n = (np.stack(part, axis=1) for part in zip(*out, strict=True))
    return Estimates(domains, estimate, se, df, deff, n)


def _over(a: npt.NDArray, b: npt.NDArray) -> FloatArray:
    return np.divide(a, b, out=np.full(np.shape(b), np.nan), where=b != 0)


def _trapped(plan: variance.Plan, alone: npt.NDArray[np.bool_], n: IntArray) -> npt.NDArray[np.bool_]:
    """Domains of several rows inside one unit that is not all there is."""
    stage = plan.structure.stages[0]
    if stage.rows_are_units:
        return np.zeros_like(alone)
    open_ = (stage.fraction < 1)[plan.take(stage.stratum)]
    uncertain = np.bincount(plan.domain, open_, plan.n_domains) > 0
    return alone & (n > 0) & uncertain


def _variance(
    design: SurveyDesign, plan: variance.Plan, e: FloatArray, alone: npt.NDArray[np.bool_]
) -> FloatArray:
    if not design.calibrations or alone.all():
        return plan.variance(e, alone)
    from commlab.survey.weighting import residual

    spread = ~alone[plan.domain]
    shape = (len(design.data), plan.n_domains)
    z = sp.csr_matrix((e[spread], (plan.rows[spread], plan.domain[spread])), shape=shape)
    v = variance.diagonal(design.structure, design.data, residual(design.calibrations, z), design.lonely)
    return np.where(alone, plan.variance(e, alone), v) if alone.any() else v


def mean(
    design: SurveyDesign,
    variables: str | Sequence[str],
    *,
    by: str | Sequence[str] | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Weighted means with their design-based errors.

    Parameters
    ----------
    design : SurveyDesign
    variables : str or list of str
        Numeric or boolean columns.
    by : str or list of str, optional
        Columns that define domains; rows without a value there belong to none.
    confidence : float
        Level of the t intervals.

    Returns
    -------
    DataFrame
        A row per domain and variable: [by...], variable, estimate, se, ci_low, ci_high, df, deff, n. A domain
        with one answer has no standard error (NaN); one with df < 1 gets the t quantile of one.

    Raises
    ------
    ParameterError
        If a column is unknown or holds text.
    DataError
        If a stratum is lonely, or a domain lies inside one unit of a one-stage cluster sample.
    """
    names = variables_of(variables)
    found = estimates(design, (values_of(design, v) for v in names), by=by)
    low, high = intervals.t_interval(found.estimate, found.se, found.df, confidence)
    return found.frame(pd.DataFrame({"variable": names}), low, high)


def total(
    design: SurveyDesign,
    variables: str | Sequence[str],
    *,
    by: str | Sequence[str] | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Estimated population totals; columns as of ``mean``.

    A missing answer adds nothing to a total, so that totals with missing answers are low: compare ``n``.
    """
    names = variables_of(variables)
    found = estimates(design, (values_of(design, v) for v in names), by=by, kind="total")
    low, high = intervals.t_interval(found.estimate, found.se, found.df, confidence)
    return found.frame(pd.DataFrame({"variable": names}), low, high)


def ratio(
    design: SurveyDesign,
    numerator: str,
    denominator: str,
    *,
    by: str | Sequence[str] | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Ratio of two totals over the rows that have both; columns as of ``mean``, variable ``y/x``."""
    y, x = values_of(design, numerator), values_of(design, denominator)
    found = estimates(design, [y], by=by, kind="ratio", denominator=x)
    low, high = intervals.t_interval(found.estimate, found.se, found.df, confidence)
    return found.frame(pd.DataFrame({"variable": [f"{numerator}/{denominator}"]}), low, high)


def indicators(values: pd.Series) -> tuple[list[FloatArray], list[object]]:
    """An indicator per level of a column (NaN where it is missing), and the levels, sorted."""
    codes, levels = pd.factorize(values, sort=True)
    if not len(levels):
        raise DataError(f'"{values.name}" has no answers at all')
    asked = codes >= 0
    return [np.where(asked, codes == k, np.nan) for k in range(len(levels))], list(levels)


def proportion(
    design: SurveyDesign,
    variable: str | Sequence[str],
    *,
    by: str | Sequence[str] | None = None,
    interval: str = "logit",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Share of each level of one or several columns, among the rows that have a value.

    Parameters
    ----------
    interval : "logit", "beta", "wilson" or "likelihood"
        See ``intervals``.

    Returns
    -------
    DataFrame
        A row per domain, variable and level: [by...], variable, level, estimate, se, ci_low, ci_high, df, deff,
        n; ``n`` is the number of answers behind the share. Levels that a domain lacks have share 0.
    """
    columns: list[FloatArray] = []
    labels: list[tuple[str, object]] = []
    for name in variables_of(variable):
        found, levels = indicators(column(design.data, name, "variable"))
        columns += found
        labels += [(name, level) for level in levels]
    result = estimates(design, columns, by=by)
    low, high = intervals.proportion_interval(
        result.estimate, result.se, result.df, result.n, method=interval, confidence=confidence
    )
    return result.frame(pd.DataFrame(labels, columns=["variable", "level"]), low, high)


def influences(
    design: SurveyDesign, columns: Sequence[FloatArray], domain: IntArray, g: int
) -> tuple[FloatArray, FloatArray, IntArray, npt.NDArray[np.bool_]]:
    """Means and their row influences, every domain x column a column of its own (columns fastest).

    Returns
    -------
    tuple
        estimate (g * k,), influences (n_rows, g * k), n (g * k,), and whether the cell lies in one first-stage
        unit.
    """
    n_rows, k = len(design.data), len(columns)
    z = np.zeros((n_rows, g * k))
    estimate, n = np.full(g * k, np.nan), np.zeros(g * k, dtype=np.int64)
    alone = np.zeros(g * k, dtype=bool)
    unit = design.structure.stages[0].unit
    for j, y in enumerate(columns):
        rows = np.flatnonzero((domain >= 0) & ~np.isnan(y))
        d, w = domain[rows], design.weights[rows]
        size = np.bincount(d, w, g)
        means = _over(np.bincount(d, w * y[rows], g), size)
        z[rows, d * k + j] = w * (y[rows] - means[d]) / size[d]
        estimate[j::k], n[j::k] = means, np.bincount(d, minlength=g)
        alone[j::k] = np.bincount(pd.unique(unit[rows] * g + d) % g, minlength=g) <= 1
    return estimate, z, n, alone


def covariance_of_means(
    design: SurveyDesign, variables: str | Sequence[str], *, by: str | Sequence[str] | None = None
) -> pd.DataFrame:
    """Covariance matrix of the means of several variables in several domains.

    Returns
    -------
    DataFrame, shape (n_domains * n_variables, same)
        Rows and columns are labelled by [by...] and variable, as the rows of ``mean``. The diagonal is ``mean``'s
        squared standard error.
    """
    design._sound()
    names = variables_of(variables)
    domain, domains = design.domains(by)
    g = len(domains)
    _, z, n, alone = influences(design, [values_of(design, v) for v in names], domain, g)
    several = len(design.structure.stages) > 1
    inside = (
        several and design.structure.clusters[0] is not None and design.structure.clusters[0] in as_list(by)
    )
    if not several:
        if (alone & (n > 1)).any() and design.structure.clusters[0] is not None:
            mean(design, names, by=by)  # refuses domains inside one unit, by name
        alone = np.zeros_like(alone)
    z = spread(design, z, alone)
    matrix = variance.covariance(design.structure, design.data, z, design.lonely, alone=alone, inside=inside)
    lacking = n < 2
    matrix[lacking, :] = np.nan
    matrix[:, lacking] = np.nan
    labels = domains.iloc[np.repeat(np.arange(g), len(names))].reset_index(drop=True)
    labels["variable"] = names * g
    index = pd.MultiIndex.from_frame(labels) if len(labels.columns) > 1 else pd.Index(labels["variable"])
    return pd.DataFrame(matrix, index=index, columns=index)


def spread(design: SurveyDesign, z: FloatArray, alone: npt.NDArray[np.bool_]) -> FloatArray:
    """Influences after calibration, but for the columns inside one unit."""
    if not design.calibrations or alone.all():
        return z
    from commlab.survey.weighting import residual

    return np.where(alone[None, :], z, residual(design.calibrations, z))
