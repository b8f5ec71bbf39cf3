"""Weights from the data themselves: how much an indicator spreads, contrasts or matters.

All functions take ``scores`` (units x indicators) and return a Series of weights that sum to 1. An indicator
on which all units are alike tells nothing and weighs 0. ``directions`` holds +1 for "the more the better"
and -1 for "the less the better"; indicators it does not name count as +1. Each method says how it treats
them, zeros and constants:

========================  ==================================  =======================
method                    a cost indicator is                 values must be
========================  ==================================  =======================
equal                     as it is                            anything
standard_deviation        as it is: a spread has no sign      unit-free
coefficient_of_variation  max + min - x                       >= 0
entropy                   max + min - x                       >= 0; 0 ln 0 = 0
critic                    min-max normalised, turned round    anything
merec                     x / max (a benefit: min / x)        > 0
pca                       standardised, turned round          anything; three units
========================  ==================================  =======================
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.weights.scores import (
    FLAT,
    Directions,
    correlations,
    frame_of,
    matrix_of,
    shares_of,
    signs_of,
    turned,
    varies_of,
)

__all__ = [
    "coefficient_of_variation",
    "critic",
    "entropy",
    "equal",
    "merec",
    "standard_deviation",
]

CORRELATIONS = ("pearson", "spearman")


def equal(scores: pd.DataFrame, *, directions: Directions = None) -> pd.Series:
    """The same weight for every indicator.

    Parameters
    ----------
    scores : DataFrame, shape (n_units, n_indicators)
        Only its columns count.
    directions : Series of +1/-1, optional
        Checked, without effect.

    Returns
    -------
    Series, shape (n_indicators,)

    >>> equal(pd.DataFrame(columns=["a", "b"])).to_dict()
    {'a': 0.5, 'b': 0.5}
    """
    frame = frame_of(scores)
    signs_of(frame.columns, directions)
    return pd.Series(1 / frame.shape[1], index=frame.columns, name="weight")


def standard_deviation(scores: pd.DataFrame, *, directions: Directions = None) -> pd.Series:
    """Weigh indicators by their standard deviation.

    Parameters
    ----------
    scores : DataFrame, shape (n_units, n_indicators)
        On one scale for all indicators (normalise first): a column in other units would weigh by its unit.
    directions : Series of +1/-1, optional
        Checked, without effect: a spread has no direction.

    Returns
    -------
    Series, shape (n_indicators,)

    Raises
    ------
    DataError
        If a value is missing or infinite (units and indicators named) or no indicator varies.

    Notes
    -----
    (1) w_j = s_j / sum_k s_k   (n - 1 or n in s_j cancels)

    >>> standard_deviation(pd.DataFrame({"a": [0.0, 1.0], "b": [0.0, 3.0]})).round(4).to_dict()
    {'a': 0.25, 'b': 0.75}
    """
    x, columns = matrix_of(scores, "standard-deviation weights", least=2)
    signs_of(columns, directions)
    spread = np.where(varies_of(x), x.std(axis=0, ddof=1), 0.0)
    return shares_of(spread, columns, "standard-deviation weights")


def coefficient_of_variation(scores: pd.DataFrame, *, directions: Directions = None) -> pd.Series:
    """Weigh indicators by standard deviation over mean (变异系数法).

    Parameters
    ----------
    scores : DataFrame, shape (n_units, n_indicators)
        >= 0, in any units.
    directions : Series of +1/-1, optional
        A cost is turned into max + min - x first.

    Returns
    -------
    Series, shape (n_indicators,)

    Raises
    ------
    DataError
        If a value is missing, infinite or negative, or no indicator varies.

    Notes
    -----
    (1) v_j = s_j / mean_j, s_j with n - 1    (2) w_j = v_j / sum_k v_k

    >>> coefficient_of_variation(pd.DataFrame({"a": [1.0, 3.0], "b": [10.0, 30.0]})).to_dict()
    {'a': 0.5, 'b': 0.5}
    """
    what = "coefficient-of-variation weights"
    x, columns = matrix_of(scores, what, least=2, low=0.0)
    x = turned(x, signs_of(columns, directions))
    varies = varies_of(x)
    # a column of values >= 0 that varies has two units
    v = np.where(varies, x.std(axis=0, ddof=1) / np.where(varies, x.mean(axis=0), 1.0), 0.0)  # (1)
    return shares_of(v, columns, what)  # (2)


def entropy(scores: pd.DataFrame, *, directions: Directions = None) -> pd.Series:
    """Weigh indicators by how unevenly they spread over units.

    An indicator on which all units score alike cannot tell them apart and weighs nothing.

    Parameters
    ----------
    scores : DataFrame, shape (n_units, n_indicators)
        >= 0, in any units, no missing values. Zeros are allowed: 0 ln 0 = 0.
    directions : Series of +1/-1, optional
        A cost is turned into max + min - x first. Default: all +1.

    Returns
    -------
    Series, shape (n_indicators,)
        Weights >= 0 that sum to 1.

    Raises
    ------
    DataError
        If a value is missing, infinite or negative (units and indicators named), or no indicator varies.

    Notes
    -----
    (1) p_ij = x_ij / sum_i x_ij    (2) e_j = -sum_i p_ij ln p_ij / ln n, 0 ln 0 = 0
    (3) w_j = (1 - e_j) / sum_k (1 - e_k)     Source: Shannon (1948); Zeleny (1982), ch. 6.

    >>> entropy(pd.DataFrame({"a": [1.0, 1.0], "b": [0.0, 3.0]})).to_dict()
    {'a': 0.0, 'b': 1.0}
    """
    what = "entropy weights"
    x, columns = matrix_of(scores, what, least=2, low=0.0)
    varies = varies_of(x)
    x = turned(x, signs_of(columns, directions))
    p = x / np.where(varies, x.sum(axis=0), 1.0)  # (1)
    logs = np.log(p if p.min() > 0 else np.where(p > 0, p, 1.0))  # ln 0 is never taken
    e = -np.einsum("ij,ij->j", p, logs) / np.log(len(p))  # (2)
    return shares_of(np.where(varies, np.clip(1 - e, 0.0, None), 0.0), columns, what)  # (3)


def critic(scores: pd.DataFrame, *, directions: Directions = None, correlation: str = "pearson") -> pd.Series:
    """Weigh indicators by contrast and conflict (CRITIC).

    Parameters
    ----------
    scores : DataFrame, shape (n_units, n_indicators)
        In any units; min-max normalised inside, as in the paper.
    directions : Series of +1/-1, optional
        A cost is normalised the other way round.
    correlation : str
        ``pearson`` (the paper) or ``spearman``.

    Returns
    -------
    Series, shape (n_indicators,)
        A constant indicator weighs 0 and conflicts with none.

    Raises
    ------
    DataError
        If a value is missing or infinite, no indicator varies, or all move together (no conflict to weigh
        by).

    Notes
    -----
    (1) r_ij = (x_ij - min_j) / (max_j - min_j)    (2) C_j = s_j sum_k (1 - rho_jk)
    (3) w_j = C_j / sum_k C_k
    Source: Diakoulaki, Mavrotas and Papayannakis, Comput. Oper. Res. 22 (1995) 763-770.
    """
    what = "CRITIC weights"
    if correlation not in CORRELATIONS:
        raise ParameterError(f"correlation must be one of {', '.join(CORRELATIONS)}; found {correlation!r}")
    x, columns = matrix_of(scores, what, least=2)
    signs, varies = signs_of(columns, directions), varies_of(x)
    out = np.zeros(len(columns))
    if varies.sum() == 1:
        out[varies] = 1.0  # nothing to conflict with: all the weight there is
        return shares_of(out, columns, what)
    if not varies.all():
        x = x[:, varies]
    # (1) scales each column by its range and turns costs: s_j shrinks by the range, rho only changes its sign
    rho, spread = correlations(x)
    spread = spread / (x.max(axis=0, initial=-np.inf) - x.min(axis=0, initial=np.inf))
    if correlation == "spearman":
        from scipy.stats import rankdata

        rho, _ = correlations(rankdata(x, axis=0))
    turn = signs[varies]
    rho *= turn[:, None] * turn
    out[varies] = spread * np.clip(1 - rho, 0.0, None).sum(axis=1)  # (2)
    if varies.any() and not out.max() > FLAT:
        raise DataError(
            f"{what}: {listing(columns[varies])} move together on all units, so there is no conflict "
            "to weigh by; drop the doubles or use another method"
        )
    return shares_of(out, columns, what)  # (3)


def merec(scores: pd.DataFrame, *, directions: Directions = None) -> pd.Series:
    """Weigh indicators by what their removal does to the units' performance (MEREC).

    Parameters
    ----------
    scores : DataFrame, shape (n_units, n_indicators)
        > 0, in any units; normalised inside, as in the paper.
    directions : Series of +1/-1, optional
        A cost is normalised as x / max, a benefit as min / x.

    Returns
    -------
    Series, shape (n_indicators,)

    Raises
    ------
    DataError
        If a value is missing, infinite, zero or negative, or no indicator varies.

    Notes
    -----
    (1) n_ij = min_i x_ij / x_ij (benefit), x_ij / max_i x_ij (cost)    (2) S_i = ln(1 + sum_j |ln n_ij| / m)
    (3) S'_ij = S_i without indicator j, still over m    (4) E_j = sum_i |S'_ij - S_i|
    (5) w_j = E_j / sum_k E_k
    Source: Keshavarz-Ghorabaee et al., Symmetry 13 (2021) 525.
    """
    what = "MEREC weights"
    x, columns = matrix_of(scores, what, least=2, low=0.0, open_low=True)
    signs, varies = signs_of(columns, directions), varies_of(x)
    logs = np.log(x)
    # (1) |ln n_ij| is ln x - ln min for a benefit, ln max - ln x for a cost
    size = np.where(signs > 0, logs - logs.min(axis=0), logs.max(axis=0) - logs)
    size = np.where(varies, size, 0.0)
    m = len(columns)
    total = size.sum(axis=1, keepdims=True)
    effect = np.log1p(total / m) - np.log1p(np.clip(total - size, 0.0, None) / m)  # (2), (3)
    return shares_of(effect.sum(axis=0), columns, what)  # (4), (5)
