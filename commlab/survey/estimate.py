"""Means, totals, shares and ratios as tidy frames; the formulas stand in ``engine`` and ``intervals``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from commlab.errors import DataError
from commlab.survey import intervals, variance
from commlab.survey.columns import answered, answers_of, values_of, variables_of
from commlab.survey.engine import estimates, influences, is_inside, spread
from commlab.survey.moments import Coded
from commlab.survey.structure import FloatArray, column, factorize

if TYPE_CHECKING:
    from commlab.survey.design import SurveyDesign

__all__ = ["covariance_of", "covariance_of_means", "indicators", "mean", "proportion", "ratio", "total"]


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
        with one answer has no standard error (NaN); one with df < 1 gets the t quantile of one. A domain where
        nobody answered stands there with n = 0 and no figures (NaN).

    Raises
    ------
    ParameterError
        If a column is unknown or holds text.
    DataError
        If a stratum is lonely, a domain lies inside one unit of a one-stage cluster sample, or a variable has no
        answers at all.
    """
    names = variables_of(variables)
    found = estimates(design, (answers_of(design, v) for v in names), by=by)
    answered(names, found.n)
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

    A missing answer adds nothing to a total, so that totals with missing answers are low: compare ``n``. Where nobody
    answered, n is 0 and there is no total (NaN; R's is 0).
    """
    names = variables_of(variables)
    found = estimates(design, (answers_of(design, v) for v in names), by=by, kind="total")
    answered(names, found.n)
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
    """Ratio of two totals over the rows that have both; columns as of ``mean``, variable ``y/x``.

    A domain whose denominator is 0 has no ratio (missing); where that is the whole sample, it is a DataError.
    """
    y, x = values_of(design, numerator), values_of(design, denominator)
    found = estimates(design, [y], by=by, kind="ratio", denominator=x)
    answered([f"{numerator}/{denominator}"], found.n)
    if by is None and np.isnan(found.estimate).all():
        raise DataError(f'the total of "{denominator}" is 0; a ratio to it has no meaning')
    low, high = intervals.t_interval(found.estimate, found.se, found.df, confidence)
    return found.frame(pd.DataFrame({"variable": [f"{numerator}/{denominator}"]}), low, high)


def indicators(values: pd.Series) -> tuple[Coded, list[object]]:
    """An indicator per level of a column (NaN where it is missing), and the levels, sorted."""
    codes, levels = factorize(values, sort=True)
    if not len(levels):
        raise DataError(f'"{values.name}" has no answers at all')
    shares = np.vstack([np.eye(len(levels)), np.full((1, len(levels)), np.nan)])
    return Coded(np.where(codes < 0, len(levels), codes), shares), list(levels)


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
        A row per domain, variable and level: [by...], variable, level, estimate, se, ci_low, ci_high, df,
        deff, n; ``n`` is the number of answers behind the share. Levels that a domain lacks have share 0.
    """
    columns: list[Coded] = []
    labels: list[tuple[str, object]] = []
    for name in variables_of(variable):
        found, levels = indicators(column(design.data, name, "variable"))
        columns.append(found)
        labels += [(name, level) for level in levels]
    result = estimates(design, columns, by=by)
    low, high = intervals.proportion_interval(
        result.estimate, result.se, result.df, result.n, method=interval, confidence=confidence
    )
    return result.frame(pd.DataFrame(labels, columns=["variable", "level"]), low, high)


def covariance_of_means(
    design: SurveyDesign, variables: str | Sequence[str], *, by: str | Sequence[str] | None = None
) -> pd.DataFrame:
    """Covariance matrix of the means of several variables in several domains.

    Returns
    -------
    DataFrame, shape (n_domains * n_variables, same)
        Rows and columns are labelled by [by...] and variable, as the rows of ``mean``. The diagonal is
        ``mean``'s squared standard error.
    """
    columns = {name: values_of(design, name) for name in variables_of(variables)}
    return covariance_of(design, columns, by=by, label="variable")[1]


def covariance_of(
    design: SurveyDesign,
    columns: Mapping[str, FloatArray],
    *,
    by: str | Sequence[str] | None,
    label: str,
) -> tuple[pd.Series, pd.DataFrame]:
    """Means of columns given as arrays, and their covariance matrix, labelled by [by...] and ``label``."""
    design._sound()
    names = list(columns)
    domain, domains = design.domains(by)
    g = len(domains)
    means, z, n, alone = influences(design, list(columns.values()), domain, g)
    if len(design.structure.stages) == 1:
        if (alone & (n > 1)).any() and design.structure.clusters[0] is not None:
            estimates(design, columns.values(), by=by)  # refuses domains inside one unit, by name
        alone = np.zeros_like(alone)
    z = spread(design, z, alone)
    inside = is_inside(design, by)
    matrix = variance.covariance(design.structure, design.data, z, design.lonely, alone=alone, inside=inside)
    lacking = n < 2
    matrix[lacking, :] = np.nan
    matrix[:, lacking] = np.nan
    labels = domains.iloc[np.repeat(np.arange(g), len(names))].reset_index(drop=True)
    labels[label] = pd.Series(names * g, dtype="str")
    index = pd.MultiIndex.from_frame(labels) if len(labels.columns) > 1 else pd.Index(labels[label])
    return pd.Series(means, index=index, name="estimate"), pd.DataFrame(matrix, index=index, columns=index)
