"""Several items as one: joint errors of their indices, and the overall index by importance.

The same people answer all items and live in the same communities, so the items' errors go together:

(1) overall = sum_k a_k index_k with importances a_k that add up to 1, Var = a' V a, V the items' covariance
(2) from published counts V is unknown; se <= sum_k a_k se_k, what it is where the items go fully together
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.survey import intervals
from commlab.survey.columns import variables_of
from commlab.survey.engine import estimates
from commlab.survey.estimate import covariance_of
from commlab.survey.satisfaction import STATISTICS, Scale, satisfaction_from_counts
from commlab.survey.structure import FloatArray

if TYPE_CHECKING:
    from commlab.survey.design import SurveyDesign

__all__ = ["overall_from_counts", "overall_index", "satisfaction_covariance"]


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
    a = importance_shares(importance, names)
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


def importance_shares(importance: pd.Series | None, names: Sequence[str]) -> FloatArray:
    """Importances that add up to 1."""
    weights = pd.Series(1.0, index=list(names)) if importance is None else importance.reindex(list(names))
    if weights.isna().any() or (weights < 0).any() or not weights.sum() > 0:
        bad = weights.index[weights.isna() | (weights < 0)]
        raise DataError(
            f"importance must be >= 0 for every item, and not all 0; wrong: {listing(bad) or 'all 0'}"
        )
    return (weights / weights.sum()).to_numpy(dtype=float)


def overall_from_counts(
    counts: pd.DataFrame,
    *,
    importance: pd.Series | None = None,
    confidence: float = 0.95,
    **options: Any,
) -> pd.DataFrame:
    """One index of several items from published counts (2).

    Parameters
    ----------
    counts : DataFrame
        As for ``satisfaction_from_counts``; the index names the item in its last level, the units in those before.
    importance : Series, optional
        Importance >= 0 per item. Default: all alike.

    Returns
    -------
    DataFrame
        [units...], estimate, se (an upper bound), ci_low, ci_high, df (the smallest), n (the smallest). A unit that
        lacks an item has no overall index.
    """
    if not counts.index.is_unique:
        raise DataError(f"counts name rows twice: {listing(counts.index[counts.index.duplicated()])}")
    items = list(dict.fromkeys(counts.index.get_level_values(-1)))
    a = pd.Series(importance_shares(importance, items), index=items)
    plain = counts.set_axis(pd.RangeIndex(len(counts)), axis=0)
    found = satisfaction_from_counts(plain, confidence=confidence, **options)
    index = found[found["statistic"] == "index"].set_index(counts.index)
    units = list(range(counts.index.nlevels - 1))
    share = pd.Series(a.reindex(index.index.get_level_values(-1)).to_numpy(), index=index.index)
    group = [index.index.get_level_values(level) for level in units] or [np.zeros(len(index), dtype=np.int64)]
    whole = share.where(index["estimate"].notna()).groupby(group).sum() > 1 - 1e-9
    parts = index[["estimate", "se"]].mul(share, axis=0).groupby(group).sum(min_count=1)
    least = index[["df", "n"]].groupby(group).min()
    estimate, se = (parts[c].where(whole).to_numpy() for c in ("estimate", "se"))
    low, high = intervals.t_interval(estimate, se, least["df"].to_numpy(), confidence)
    out = pd.DataFrame(
        {
            "estimate": estimate,
            "se": se,
            "ci_low": low,
            "ci_high": high,
            "df": least["df"].to_numpy(),
            "n": least["n"].to_numpy(),
        }
    )
    if not units:
        return out
    labels = parts.index.to_frame(index=False)
    labels.columns = [
        str(c) if c is not None and not isinstance(c, int) else "unit" for c in counts.index.names[:-1]
    ]
    return pd.concat([labels, out], axis=1)
