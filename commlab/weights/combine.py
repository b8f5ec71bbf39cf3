"""Several sets of weights become one: expert and data weights, or several methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.framework import Framework
from commlab.weights.scores import Directions, frame_of, matrix_of, signs_of, turned, varies_of

__all__ = ["combine", "combine_siblings", "deviation_shares", "game_shares"]

HOW = ("arithmetic", "geometric", "multiplicative", "game")
Shares: TypeAlias = Mapping[Any, float] | pd.Series | None


def combine(weights: pd.DataFrame, *, how: str = "arithmetic", shares: Shares = None) -> pd.Series:
    """Combine several methods' weights into one set.

    Parameters
    ----------
    weights : DataFrame, shape (indicators, methods)
        Each column >= 0; normalised first, because published weights are rounded.
    how : str
        ``arithmetic``: weighted mean. ``geometric``: normalised weighted geometric mean (least relative
        entropy). ``multiplicative``: normalised product. ``game``: mean with the shares of ``game_shares``.
    shares : mapping or Series, optional
        Each method's say for ``arithmetic`` and ``geometric``; normalised. Default: equal.

    Returns
    -------
    Series, shape (indicators,)
        Weights >= 0 that sum to 1.

    Raises
    ------
    DataError
        If a weight is missing, negative or infinite, a method's weights are all 0, or a product is 0
        everywhere.
    ParameterError
        If ``how`` is unknown, or shares are given where the method sets its own.

    Notes
    -----
    (1) arithmetic: w = sum_k s_k w_k    (2) geometric: w ~ prod_k w_k ** s_k
    (3) multiplicative: w ~ prod_k w_k

    >>> two = pd.DataFrame({"ahp": [0.6, 0.4], "entropy": [0.2, 0.8]}, index=["a", "b"])
    >>> combine(two, shares={"ahp": 3, "entropy": 1}).round(4).to_dict()
    {'a': 0.5, 'b': 0.5}
    """
    if how not in HOW:
        raise ParameterError(f"how must be one of {', '.join(HOW)}; found {how!r}")
    w = _normalised(weights)
    if how in ("multiplicative", "game") and shares is not None:
        raise ParameterError(f"{how} combination sets the methods' shares itself; leave shares out")
    if how == "game":
        shares = game_shares(weights)
    say = _say(w.columns, shares)
    x = w.to_numpy()
    if how in ("arithmetic", "game"):
        out = x @ say  # (1)
    elif how == "multiplicative":
        out = x.prod(axis=1)  # (3)
    else:
        with np.errstate(divide="ignore"):
            logs = np.log(x)
        # (2); a weight of 0 with a share of 0 does not count
        out = np.exp(np.where(say > 0, logs, 0.0) @ say)
    if not out.sum() > 0:
        raise DataError(
            f"{how} combination gives 0 for every indicator: each is 0 in some method; use arithmetic"
        )
    return pd.Series(out / out.sum(), index=w.index, name="weight")


def game_shares(weights: pd.DataFrame) -> pd.Series:
    """Each method's share in the game-theory combination (博弈论组合赋权).

    Parameters
    ----------
    weights : DataFrame, shape (indicators, methods)

    Returns
    -------
    Series, shape (methods,)
        Shares >= 0 that sum to 1.

    Notes
    -----
    (1) sum_l a_l (w_k . w_l) = w_k . w_k for every method k    (2) share_k = a_k / sum_l a_l
    Papers take |a_k|, and when two methods are nearly parallel one a_k is negative: its absolute value then
    *adds* the method that the solution wants to take away. Here a negative solution is replaced by the
    least-squares solution of (1) with a >= 0; methods alike in all indicators share equally.
    """
    from scipy.optimize import nnls

    x = _normalised(weights).to_numpy()
    gram = x.T @ x
    right = np.diag(gram).copy()
    a = np.linalg.lstsq(gram, right, rcond=1e-12)[0]  # (1)
    if (a < -1e-12).any():
        a = nnls(gram, right)[0]
    a = np.clip(a, 0.0, None)
    return pd.Series(a / a.sum(), index=weights.columns, name="share")  # (2)


def deviation_shares(
    weights: pd.DataFrame, scores: pd.DataFrame, *, directions: Directions = None
) -> pd.Series:
    """Each method's share so that the composite tells units apart best (离差最大化).

    Parameters
    ----------
    weights : DataFrame, shape (indicators, methods)
    scores : DataFrame, shape (n_units, n_indicators)
        In any units; min-max normalised inside. Columns = the index of ``weights``.
    directions : Series of +1/-1, optional

    Returns
    -------
    Series, shape (methods,)

    Raises
    ------
    DataError
        If scores and weights name different indicators, a value is missing, or no indicator varies.

    Notes
    -----
    (1) D_j = sum_{i<l} |z_ij - z_lj|, z min-max normalised    (2) max sum_j D_j sum_k a_k w_jk, sum a_k^2 = 1
    (3) a_k ~ sum_j D_j w_jk. Source: Wang Yingming, Systems Engineering and Electronics 20(7), 1998, 24-26.
    """
    w = _normalised(weights)
    scores = frame_of(scores)
    odd = w.index.symmetric_difference(scores.columns, sort=False)
    if len(odd):
        raise DataError(f"weights and scores must name the same indicators; in one only: {listing(odd)}")
    x, columns = matrix_of(scores[w.index], "deviation shares", least=2)
    x = turned(x, signs_of(columns, directions))
    varies = varies_of(x)
    if not varies.any():
        raise DataError("deviation shares: no indicator varies over the units; declare shares instead")
    z = np.sort(x[:, varies], axis=0)
    z = (z - z[0]) / (z[-1] - z[0])
    n = len(z)
    # (1) for sorted z: sum_{i<l} (z_l - z_i) = sum_i (2 i - n + 1) z_i, i from 0
    spread = np.zeros(len(columns))
    spread[varies] = (2 * np.arange(n) - n + 1) @ z
    a = spread @ w.to_numpy()  # (3)
    return pd.Series(a / a.sum(), index=w.columns, name="share")


def combine_siblings(
    weights: pd.DataFrame, framework: Framework, *, how: str = "arithmetic", shares: Shares = None
) -> pd.Series:
    """Combine local weights at every level of a framework.

    Parameters
    ----------
    weights : DataFrame, shape (codes, methods)
        Local weights; every sibling group that is named at all must be whole.
    framework : Framework
    how, shares
        As in ``combine``, applied within each sibling group.

    Returns
    -------
    Series, index: codes
        Local weights for ``framework.with_weights``.

    Raises
    ------
    DataError
        If a code is not in the framework or a sibling group is incomplete.
    """
    left = list(weights.index)
    out = []
    for parent in [None, *(n.code for n in framework.nodes)]:
        group = [c for c in framework.children(parent) if c in weights.index]
        if not group:
            continue
        lacking = [c for c in framework.children(parent) if c not in weights.index]
        if lacking:
            raise DataError(
                f"weights below {parent or 'the whole'} are incomplete: {listing(lacking)} have none"
            )
        out.append(combine(weights.loc[group], how=how, shares=shares))
        left = [c for c in left if c not in group]
    if left or not out:
        raise DataError(f"framework {framework.name} has no code {listing(left) or 'in these weights'}")
    return pd.concat(out).rename_axis("code")


def _normalised(weights: Any) -> pd.DataFrame:
    if not isinstance(weights, pd.DataFrame):
        raise ParameterError(
            f"weights must be a DataFrame, indicators x methods; found {type(weights).__name__}"
        )
    if weights.empty:
        raise DataError("there are no weights to combine")
    for side, labels in (("indicators", weights.index), ("methods", weights.columns)):
        if not labels.is_unique:
            raise DataError(f"{side} repeat: {listing(labels[labels.duplicated()].unique())}")
    x = weights.apply(pd.to_numeric, errors="coerce").to_numpy("float64")
    odd = [
        f"({weights.index[i]}, {weights.columns[j]})" for i, j in np.argwhere(~(np.isfinite(x) & (x >= 0)))
    ]
    if odd:
        raise DataError(f"weights must be numbers of 0 or more; mend (indicator, method) {listing(odd)}")
    empty = weights.columns[x.sum(axis=0) == 0]
    if len(empty):
        raise DataError(f"all weights of {listing(empty)} are 0; leave the method out")
    return pd.DataFrame(x / x.sum(axis=0), index=weights.index, columns=weights.columns)


def _say(methods: pd.Index, shares: Shares) -> np.ndarray:
    if shares is None:
        return np.full(len(methods), 1 / len(methods))
    given = pd.to_numeric(pd.Series(shares), errors="coerce").astype("float64")
    odd = methods.symmetric_difference(given.index, sort=False)
    if len(odd):
        raise ParameterError(
            f"shares must name exactly the methods {listing(methods)}; they differ in {listing(odd)}"
        )
    say = given.loc[methods].to_numpy()
    if not (np.isfinite(say).all() and (say >= 0).all() and say.sum() > 0):
        raise ParameterError("shares must be numbers >= 0 with at least one above 0")
    return say / say.sum()
