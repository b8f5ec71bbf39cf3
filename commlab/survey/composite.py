"""Several items as one: joint errors of their indices, and the overall index by importance.

The same people answer all items and live in the same communities, so the items' errors go together:

(1) overall = sum_k a_k index_k with importances a_k that add up to 1, Var = a' V a, V the items' covariance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.survey import intervals
from commlab.survey.engine import estimates, variables_of
from commlab.survey.estimate import covariance_of
from commlab.survey.satisfaction import STATISTICS, Scale
from commlab.survey.structure import FloatArray

if TYPE_CHECKING:
    from commlab.survey.design import SurveyDesign

__all__ = ["overall_index", "satisfaction_covariance"]


def _columns(
    design: SurveyDesign, items: str | Sequence[str], statistic: str, options: Mapping[str, Any]
) -> dict[str, FloatArray]:
    if statistic not in STATISTICS:
        raise ParameterError(f"statistic={statistic!r} is not one of {', '.join(STATISTICS)}")
    names = variables_of(items)
    scale = Scale(**options)
    place = STATISTICS.index(statistic)
    return {n: c.column(place) for n, c in zip(names, scale.columns(design, names), strict=True)}


def satisfaction_covariance(
    design: SurveyDesign,
    items: str | Sequence[str],
    *,
    by: str | Sequence[str] | None = None,
    statistic: str = "index",
    **options: Any,
) -> pd.DataFrame:
    """Covariance matrix of one statistic over domains and items, for joint draws.

    Parameters
    ----------
    design : SurveyDesign
    items : str or list of str
    by : str or list of str, optional
    statistic : str
        One of ``satisfaction``'s.
    options
        satisfied, dissatisfied, scores, scale, as for ``satisfaction``.

    Returns
    -------
    DataFrame
        Rows and columns labelled by [by...] and item; the diagonal is the squared standard error of
        ``satisfaction``; NaN where fewer than two answered.
    """
    return covariance_of(design, _columns(design, items, statistic, options), by=by, label="item")[1]


def overall_index(
    design: SurveyDesign,
    items: str | Sequence[str],
    *,
    importance: pd.Series | None = None,
    by: str | Sequence[str] | None = None,
    confidence: float = 0.95,
    **options: Any,
) -> pd.DataFrame:
    """One index of several items (1).

    Parameters
    ----------
    importance : Series, optional
        Importance >= 0 per item; they are made to add up to 1. Default: all alike.

    Returns
    -------
    DataFrame
        [by...], estimate, se, ci_low, ci_high, df (the smallest of the items'), n (the smallest). A domain
        that lacks answers to an item has no overall index.
    """
    columns = _columns(design, items, "index", options)
    names = list(columns)
    weights = pd.Series(1.0, index=names) if importance is None else importance.reindex(names)
    if weights.isna().any() or (weights < 0).any() or not weights.sum() > 0:
        bad = weights.index[weights.isna() | (weights < 0)]
        raise DataError(
            f"importance must be >= 0 for every item, and not all 0; wrong: {listing(bad) or 'all 0'}"
        )
    a = (weights / weights.sum()).to_numpy(dtype=float)
    means, matrix = covariance_of(design, columns, by=by, label="item")
    found = estimates(design, columns.values(), by=by)
    g, k = found.estimate.shape
    blocks = matrix.to_numpy().reshape(g, k, g, k)[np.arange(g), :, np.arange(g), :]
    estimate = means.to_numpy().reshape(g, k) @ a
    se = np.sqrt(np.clip(np.einsum("i,gij,j->g", a, blocks, a), 0, None))
    df = found.df.min(axis=1)
    low, high = intervals.t_interval(estimate, se, df, confidence)
    numbers = {
        "estimate": estimate,
        "se": se,
        "ci_low": low,
        "ci_high": high,
        "df": df,
        "n": found.n.min(axis=1),
    }
    return pd.concat([found.domains, pd.DataFrame(numbers)], axis=1)
