"""Methods that teams paste from papers: TOPSIS, rank-sum ratio, fuzzy evaluation, coupling, obstacles.

Each is thin and checked against the paper or program it is known from; conventions that differ between
programs are parameters, and the default is the one of the source named in the docstring.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing, within_reach
from commlab.scoring.given import by_label, number, number_columns, one_of

__all__ = [
    "FuzzyEvaluation",
    "RankSumRatio",
    "coupling",
    "fuzzy_evaluation",
    "obstacles",
    "rank_sum_ratio",
    "topsis",
]

_SAME = 9
"""Decimals to which coordination and probits are compared with where grades part."""
COUPLING_GRADES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def complete(X: pd.DataFrame, what: str) -> np.ndarray:
    """A units x indicators frame as finite numbers, or a DataError that names the gaps."""
    if not isinstance(X, pd.DataFrame) or X.empty:
        raise DataError(f"{what} needs a frame of units x indicators with at least one of each")
    again = X.index[X.index.duplicated()]
    if len(again):
        raise DataError(f"{what}: {listing(again.unique())} is listed more than once")
    number_columns(X, what)
    try:
        values = X.to_numpy(dtype=float)
    except (TypeError, ValueError):
        raise DataError(f"{what}: the columns {listing(wordy(X))} are not numbers") from None
    bad = ~np.isfinite(values)
    if bad.any():
        i, j = np.argwhere(bad)[0]
        raise DataError(
            f"{what}: {int(bad.any(axis=1).sum())} of {len(X)} units have no finite value, first"
            f' "{X.columns[j]}" of {X.index[i]}; impute first, or drop the indicator'
        )
    within_reach(values, f"{what}: a value")
    return values


def wordy(X: pd.DataFrame) -> list[object]:
    """Columns that hold something other than numbers."""
    return [c for c in X if pd.to_numeric(X[c], errors="coerce").isna().gt(X[c].isna()).any()]


def aligned(weights: pd.Series | None, columns: pd.Index) -> np.ndarray:
    """Weights in the order of the columns, normalised; equal by default."""
    if weights is None:
        return np.full(len(columns), 1 / len(columns))
    lacking = [c for c in columns if c not in by_label(weights, "weights").index]
    if lacking:
        raise ParameterError(f"weights lack {listing(lacking)}")
    w = pd.to_numeric(weights[list(columns)], errors="coerce").to_numpy(float)
    if not np.isfinite(w).all() or (w < 0).any() or w.sum() <= 0:
        raise ParameterError("weights must be finite, >= 0 and not all 0")
    return w / w.sum()


def signs(directions: pd.Series | Mapping[str, int] | None, columns: pd.Index) -> np.ndarray:
    """+1 or -1 for every column; default +1."""
    if directions is None:
        return np.ones(len(columns))
    if not isinstance(directions, Mapping | pd.Series):
        raise ParameterError(f"directions are +1 or -1 by indicator, not {type(directions).__name__}")
    given = dict(directions)
    strange = [c for c in given if c not in columns]
    if strange:
        raise ParameterError(f"directions name {listing(strange)}, which are no indicators")
    out = [given.get(c, 1) for c in columns]
    if not all(isinstance(d, int | float | np.number) and d in (-1, 1) for d in out):
        raise ParameterError("directions are +1 (more is better) or -1")
    return np.array(out, dtype=float)


def topsis(
    X: pd.DataFrame,
    weights: pd.Series | None = None,
    *,
    directions: pd.Series | None = None,
    scaling: str = "vector",
) -> pd.DataFrame:
    """Rank units by their distance to the best and the worst that occur.

    Parameters
    ----------
    X : DataFrame, shape (n_units, n_indicators)
        No missing values.
    weights : Series, optional
        By indicator; normalised. Default: equal.
    directions : Series of +1/-1, optional
        -1 marks a cost. Default: all +1.
    scaling : str
        ``vector`` (x / sqrt(sum x^2), as in the book) or ``minmax``; programs differ, and so do their
        numbers.

    Returns
    -------
    DataFrame, index: units
        d_best, d_worst, closeness (0-1), rank.

    Raises
    ------
    DataError
        If a value is missing, an indicator is 0 (vector) or the same (minmax) everywhere, or no unit differs from another.

    Notes
    -----
    (1) r_ij = x_ij / sqrt(sum_i x_ij^2)  (2) v_ij = w_j r_ij
    (3) d+_i, d-_i: Euclidean distances to the best and the worst v_j  (4) C_i = d-_i / (d+_i + d-_i)
    Source: Hwang & Yoon (1981); Tzeng & Huang (2011), Multiple Attribute Decision Making, CRC.
    """
    x, w, sign = complete(X, "topsis"), aligned(weights, X.columns), signs(directions, X.columns)
    if one_of(scaling, "scaling", ("vector", "minmax")) == "vector":
        length = np.sqrt((x**2).sum(axis=0))
    else:
        length = x.max(axis=0) - x.min(axis=0)
        x = x - x.min(axis=0)
    if (length == 0).any():
        raise DataError(
            f"topsis: {listing(X.columns[length == 0])} cannot be scaled: no unit differs; drop it"
        )
    v = w * x / length * sign
    best = np.sqrt(((v - v.max(axis=0)) ** 2).sum(axis=1))
    worst = np.sqrt(((v - v.min(axis=0)) ** 2).sum(axis=1))
    if not (best + worst).all():
        raise DataError("topsis: no unit differs from another in what weighs; there is nothing to order")
    out = pd.DataFrame({"d_best": best, "d_worst": worst, "closeness": worst / (best + worst)}, index=X.index)
    out["rank"] = out["closeness"].rank(ascending=False, method="min")
    return out


@dataclass(frozen=True)
class RankSumRatio:
    """Result of ``rank_sum_ratio``: ``table`` by unit and the line RSR = intercept + slope * probit."""

    table: pd.DataFrame
    intercept: float
    slope: float
    r_squared: float
    f: float
    p_value: float


def rank_sum_ratio(
    X: pd.DataFrame,
    weights: pd.Series | None = None,
    *,
    directions: pd.Series | None = None,
    cuts: Sequence[float] = (4.0, 6.0),
) -> RankSumRatio:
    """Grade units by the (weighted) rank-sum ratio and its probit line (秩和比法).

    Parameters
    ----------
    X : DataFrame, shape (n_units, n_indicators)
        At least 3 units with at least 2 different ratios.
    weights : Series, optional
    directions : Series of +1/-1, optional
    cuts : sequence of float
        Probits at which grades part; (4, 6) gives three grades, 1 the lowest.

    Returns
    -------
    RankSumRatio
        ``.table``: rsr, mean_rank, cumulative, probit, fitted, grade by unit, highest fitted first.

    Notes
    -----
    (1) RSR_i = sum_j w_j R_ij / n, R = 1 for the worst, average ranks for ties
    (2) for each group of equal RSR: p = mean rank / n, the last 1 - 1 / (4 n)  (3) probit = 5 + Phi^-1(p)
    (4) RSR regressed on probit over the *groups*, not the units.
    Source: 田凤调 (1993) 秩和比法及其应用; checked against R mathmodels on the maternal-care data.
    """
    from scipy import stats

    x, w, sign = complete(X, "rank_sum_ratio"), aligned(weights, X.columns), signs(directions, X.columns)
    n = len(X)
    ranked = np.column_stack([stats.rankdata(c * s) for c, s in zip(x.T, sign, strict=True)])
    rsr = pd.Series(ranked @ w / n, index=X.index)
    # equal ratios can differ in their last binary digit, depending on the order of summing
    mean_rank = rsr.round(12).rank()
    groups = (
        pd.DataFrame({"rsr": rsr, "rank": mean_rank}).groupby("rank", sort=True)["rsr"].agg(["mean", "size"])
    )
    if n < 3 or len(groups) < 3:
        raise DataError(
            f"rank_sum_ratio: {n} units fall into {len(groups)} different ratios; the line needs 3"
        )
    p = groups.index.to_numpy(float) / n
    p[-1] = 1 - 1 / (4 * n)
    probit = 5 + stats.norm.ppf(p)
    line = stats.linregress(probit, groups["mean"].to_numpy())
    df = len(groups) - 2
    r2 = float(line.rvalue**2)
    by_rank = dict(zip(groups.index, probit, strict=True))
    cumulative = dict(zip(groups.index, p, strict=True))
    table = pd.DataFrame({"rsr": rsr, "mean_rank": mean_rank})
    table["cumulative"] = table["mean_rank"].map(cumulative)
    table["probit"] = table["mean_rank"].map(by_rank)
    table["fitted"] = line.intercept + line.slope * table["probit"]
    table["grade"] = 1 + sum((table["probit"].round(_SAME) >= c).astype(int) for c in sorted(cuts))
    table = table.sort_values("fitted", ascending=False, kind="stable")
    f = r2 / (1 - r2) * df if r2 < 1 else np.inf
    return RankSumRatio(table, float(line.intercept), float(line.slope), r2, float(f), float(line.pvalue))


@dataclass(frozen=True)
class FuzzyEvaluation:
    """Result of ``fuzzy_evaluation``: membership of each grade, the grade of the largest, the mean score."""

    membership: pd.Series
    grade: str
    score: float


def fuzzy_evaluation(
    membership: pd.DataFrame,
    weights: pd.Series | None = None,
    *,
    scores: Mapping[str, float] | None = None,
    operator: str = "weighted_mean",
) -> FuzzyEvaluation:
    """Combine memberships of indicators in grades to one (模糊综合评价).

    Parameters
    ----------
    membership : DataFrame, shape (n_indicators, n_grades)
        Share of judges who put the indicator into the grade; each row sums to 1 within 0.005, then
        normalised.
    weights : Series, optional
        By indicator.
    scores : mapping of grade to number, optional
        What a grade is worth, for the mean score. Without it the score is missing.
    operator : str
        ``weighted_mean`` M(., +), ``max_min`` M(min, max), ``max_product`` M(., max) or ``bounded_min``
        M(min, +).

    Returns
    -------
    FuzzyEvaluation
        Membership is normalised to sum 1. Of equal memberships the first grade is named.

    Notes
    -----
    b_j over indicators i: (1) sum w_i r_ij  (2) max min(w_i, r_ij)  (3) max w_i r_ij  (4) min(1, sum
    min(w_i, r_ij)) Source: 汪培庄 (1980) 模糊集合论及其应用; closed forms.
    """
    r, w = complete(membership, "fuzzy_evaluation"), aligned(weights, membership.index)
    wrong = membership.index[(np.abs(r.sum(axis=1) - 1) > 0.005) | (r < 0).any(axis=1)]
    if len(wrong):
        raise DataError(
            f"fuzzy_evaluation: memberships must be >= 0 and sum to 1; not so for {listing(wrong)}"
        )
    r = r / r.sum(axis=1, keepdims=True)
    low = np.minimum(w[:, None], r)
    combined = {
        "weighted_mean": w @ r,
        "max_min": low.max(axis=0),
        "max_product": (w[:, None] * r).max(axis=0),
        "bounded_min": np.minimum(1, low.sum(axis=0)),
    }
    one_of(operator, "operator", list(combined))
    b = combined[operator] / combined[operator].sum()
    out = pd.Series(b, index=membership.columns, name="membership")
    value = np.nan
    if scores is not None:
        if not isinstance(scores, Mapping | pd.Series):
            raise ParameterError(f"scores are a number by grade, not {type(scores).__name__}")
        lacking = [g for g in membership.columns if g not in scores]
        if lacking:
            raise ParameterError(f"scores lack the grades {listing(lacking)}")
        value = float(sum(scores[g] * m for g, m in out.items()))
    return FuzzyEvaluation(out, str(out.index[int(np.argmax(b))]), value)


def coupling(X: pd.DataFrame, weights: pd.Series | None = None, *, formula: str = "standard") -> pd.DataFrame:
    """Coupling degree and coupling coordination of subsystems (耦合协调度).

    Parameters
    ----------
    X : DataFrame, shape (n_units, n_subsystems)
        Composite scores of at least two subsystems in [0, 1].
    weights : Series, optional
        By subsystem, for T. Default: equal.
    formula : str
        ``standard``, or ``adjusted`` (Wang et al. 2021), which spreads C over [0, 1].

    Returns
    -------
    DataFrame, index: units
        coupling (C), development (T), coordination (D), grade (1-10 in steps of 0.1).

    Notes
    -----
    (1) C = k * (prod u)^(1/k) / sum u  (2) T = sum w_j u_j  (3) D = sqrt(C T)
    (4) adjusted: C = sqrt((1 - mean_{i<j} |u_i - u_j|) * (prod_i u_i / max u)^(1/(k-1)))
    Source: 王淑佳、孔伟、任亮等 (2021) 国内耦合协调度模型的误区及修正, 自然资源学报 36(3): 793-810.
    """
    u, w = complete(X, "coupling"), aligned(weights, X.columns)
    k = u.shape[1]
    one_of(formula, "formula", ("standard", "adjusted"))
    if k < 2:
        raise DataError("coupling needs at least two subsystems")
    if (u < 0).any() or (u > 1).any():
        raise DataError("coupling: scores of subsystems lie in [0, 1]; normalise first")
    with np.errstate(invalid="ignore", divide="ignore"):
        if formula == "standard":
            c = np.where(u.sum(axis=1) > 0, k * u.prod(axis=1) ** (1 / k) / u.sum(axis=1), 0.0)
        else:
            first, second = np.triu_indices(k, 1)
            apart = np.abs(u[:, first] - u[:, second]).mean(axis=1)
            top = u.max(axis=1)
            ratio = np.where(top > 0, (u / top[:, None]).prod(axis=1), 0.0)
            c = np.sqrt((1 - apart) * ratio ** (1 / (k - 1)))
    t = u @ w
    out = pd.DataFrame({"coupling": c, "development": t, "coordination": np.sqrt(c * t)}, index=X.index)
    out["grade"] = 1 + np.searchsorted(COUPLING_GRADES, out["coordination"].round(_SAME), side="right")
    return out


def obstacles(X: pd.DataFrame, weights: pd.Series | None = None, *, full: float = 1.0) -> pd.DataFrame:
    """Share of each indicator in what a unit still lacks (障碍度).

    Parameters
    ----------
    X : DataFrame, shape (n_units, n_indicators)
        Scores from 0 to ``full``; a missing score is no obstacle that can be told and stays missing.
    weights : Series, optional
        Global weights. Default: equal.
    full : float
        Full marks.

    Returns
    -------
    DataFrame, shape (n_units, n_indicators)
        Each row sums to 1; a unit with full marks everywhere has no obstacle (all missing).

    Notes
    -----
    (1) I_ij = 1 - x_ij / full  (2) O_ij = w_j I_ij / sum_j w_j I_ij
    """
    if not number_columns(X, "obstacles").size:
        raise DataError("obstacles needs a frame of units x indicators with at least one of each")
    w = aligned(weights, X.columns)
    if wordy(X):
        raise DataError(f"obstacles: the columns {listing(wordy(X))} are not numbers")
    if not number(full, "full") > 0:
        raise ParameterError(f"full is {full}; it must be above 0")
    x = X.to_numpy(dtype=float) / full
    if np.isinf(x).any() or (np.nan_to_num(x) < 0).any() or (np.nan_to_num(x) > 1).any():
        raise DataError(f"obstacles: scores lie between 0 and {full:g}")
    lack = w * (1 - x)
    total = np.nansum(lack, axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return pd.DataFrame(np.where(total > 0, lack / total, np.nan), index=X.index, columns=X.columns)
