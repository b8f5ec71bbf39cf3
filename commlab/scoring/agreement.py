"""Agreement of raters: intraclass correlations, Krippendorff's alpha, Fleiss' kappa."""

from __future__ import annotations

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing, within_reach
from commlab.scoring.given import number, number_columns, one_of
from commlab.scoring.methods import wordy

__all__ = ["check_confidence", "fleiss_kappa", "icc", "krippendorff_alpha", "targets_differ"]

LEVELS = ("nominal", "ordinal", "interval", "ratio")


_FORMS = ("ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k")
_ROUNDING = 1e-12
"""Sums of squares below this share of the whole are rounding."""


def check_confidence(confidence: float) -> None:
    if not 0 < number(confidence, "confidence") < 1:
        raise ParameterError(f"confidence is {confidence}; it must lie between 0 and 1")


def _numbers(table: pd.DataFrame, what: str) -> np.ndarray:
    number_columns(table, what)
    if words := wordy(table):
        raise DataError(f"{what}: the columns {listing(words)} are not numbers")
    return table.apply(pd.to_numeric).to_numpy(dtype=float)


def icc(table: pd.DataFrame, *, confidence: float = 0.95) -> pd.DataFrame:
    """Intraclass correlations, all six forms of Shrout & Fleiss.

    Parameters
    ----------
    table : DataFrame, shape (n_targets, n_raters)
        Complete: every rater rated every target.
    confidence : float

    Returns
    -------
    DataFrame
        form (``ICC1 ICC2 ICC3 ICC1k ICC2k ICC3k``), estimate, f, df1, df2, p_value, ci_low, ci_high. Raters who differ
        in leniency only, or not at all, leave no error to test with: f, p_value and the interval are missing.

    Raises
    ------
    DataError
        If a rating is missing, there are fewer than two targets or raters, or the targets' means do not differ.

    Notes
    -----
    Mean squares between targets (BMS), within (WMS), between judges (JMS), error (EMS); n targets, k raters.
    (1) ICC1 = (BMS - WMS) / (BMS + (k-1) WMS)  (2) ICC2 = (BMS - EMS) / (BMS + (k-1) EMS + k (JMS - EMS) / n)
    (3) ICC3 = (BMS - EMS) / (BMS + (k-1) EMS); forms k by Spearman-Brown, and (BMS - EMS) / (BMS + (JMS -
    EMS) / n).
    Source: Shrout & Fleiss (1979) Psychological Bulletin 86: 420-428; intervals as in R psych::ICC.
    """
    from scipy import stats

    check_confidence(confidence)
    x = _numbers(table, "an intraclass correlation")
    n, k = x.shape
    if n < 2 or k < 2:
        raise DataError(f"an intraclass correlation needs two targets and two raters; found {n} and {k}")
    if not np.isfinite(x).all():
        raise DataError("an intraclass correlation needs complete ratings; use krippendorff_alpha for gaps")
    within_reach(x, "a rating")
    grand = x.mean()
    between = k * ((x.mean(axis=1) - grand) ** 2).sum()
    judges = n * ((x.mean(axis=0) - grand) ** 2).sum()
    total = ((x - grand) ** 2).sum()
    bms, jms = between / (n - 1), judges / (k - 1)
    wms, ems = (total - between) / (n * (k - 1)), (total - between - judges) / ((n - 1) * (k - 1))
    wms, ems = (m if m * n * k > _ROUNDING * total else 0.0 for m in (wms, ems))
    if not targets_differ(table):
        raise DataError("the targets do not differ: no correlation between raters can be told")
    one, two = (bms - wms) / (bms + (k - 1) * wms), (bms - ems) / (bms + (k - 1) * ems + k * (jms - ems) / n)
    three = (bms - ems) / (bms + (k - 1) * ems)
    mean_one, mean_two = (bms - wms) / bms, (bms - ems) / (bms + (jms - ems) / n)
    mean_three = (bms - ems) / bms
    names = ["form", "estimate", "f", "df1", "df2", "p_value", "ci_low", "ci_high"]
    d1, d2, d3 = n - 1, n * (k - 1), (n - 1) * (k - 1)
    if wms == 0 or ems == 0:
        found = dict(zip(_FORMS, (one, two, three, mean_one, mean_two, mean_three), strict=True))
        out = pd.DataFrame({"form": list(found), "estimate": list(found.values()), "df1": d1})
        out["df2"] = [d2, d3, d3, d2, d3, d3]
        return out.reindex(columns=names)
    f1, f3 = bms / wms, bms / ems
    tail = 1 - (1 - confidence) / 2
    low1, high1 = f1 / stats.f.ppf(tail, d1, d2), f1 * stats.f.ppf(tail, d2, d1)
    low3, high3 = f3 / stats.f.ppf(tail, d1, d3), f3 * stats.f.ppf(tail, d3, d1)
    fj = jms / ems
    top = (k - 1) * (n - 1) * (k * two * fj + n * (1 + (k - 1) * two) - k * two) ** 2
    bottom = (n - 1) * k**2 * two**2 * fj**2 + (n * (1 + (k - 1) * two) - k * two) ** 2
    v = top / bottom
    a, b = stats.f.ppf(tail, d1, v), stats.f.ppf(tail, v, d1)
    low2 = n * (bms - a * ems) / (a * (k * jms + (k * n - k - n) * ems) + n * bms)
    high2 = n * (b * bms - ems) / (k * jms + (k * n - k - n) * ems + n * b * bms)

    def step(r: float) -> float:
        return k * r / (1 + (k - 1) * r)

    forms = [
        ("ICC1", one, f1, d2, (low1 - 1) / (low1 + k - 1), (high1 - 1) / (high1 + k - 1)),
        ("ICC2", two, f3, d3, low2, high2),
        ("ICC3", three, f3, d3, (low3 - 1) / (low3 + k - 1), (high3 - 1) / (high3 + k - 1)),
        ("ICC1k", mean_one, f1, d2, 1 - 1 / low1, 1 - 1 / high1),
        ("ICC2k", mean_two, f3, d3, step(low2), step(high2)),
        ("ICC3k", mean_three, f3, d3, 1 - 1 / low3, 1 - 1 / high3),
    ]
    rows = [(name, r, f, d1, df2, stats.f.sf(f, d1, df2), low, high) for name, r, f, df2, low, high in forms]
    return pd.DataFrame(rows, columns=names)


def targets_differ(table: pd.DataFrame) -> bool:
    """Whether the targets' means differ by more than rounding (targets x raters, complete)."""
    x = table.to_numpy(dtype=float)
    apart = x.shape[1] * ((x.mean(axis=1) - x.mean()) ** 2).sum()
    return bool(apart > _ROUNDING * ((x - x.mean()) ** 2).sum())


def krippendorff_alpha(table: pd.DataFrame, *, level: str = "interval") -> float:
    """Krippendorff's alpha; gaps are allowed.

    Parameters
    ----------
    table : DataFrame, shape (n_units, n_raters)
    level : str
        ``nominal``, ``ordinal``, ``interval`` or ``ratio``.

    Returns
    -------
    float
        1 for perfect agreement, 0 for what chance gives.

    Raises
    ------
    DataError
        If no unit was rated twice, or all ratings are the same value.

    Notes
    -----
    (1) o_ck = sum_u (pairs c, k in u) / (m_u - 1)  (2) alpha = 1 - (n - 1) sum o_ck d_ck / sum n_c n_k d_ck
    d: nominal 1; interval (c - k)^2; ratio ((c - k) / (c + k))^2; ordinal (sum_{g=c..k} n_g - (n_c + n_k) /
    2)^2.
    Source: Krippendorff (2011) Computing Krippendorff's Alpha-Reliability.
    """
    one_of(level, "level", LEVELS)
    x = _numbers(table, "krippendorff_alpha")
    if np.isinf(x).any():
        raise DataError("krippendorff_alpha: ratings must be finite")
    within_reach(x, "krippendorff_alpha: a rating")
    x = x[np.isfinite(x).sum(axis=1) > 1]
    if not len(x):
        raise DataError("krippendorff_alpha: nothing was rated by two raters")
    values, codes = np.unique(x[np.isfinite(x)], return_inverse=True)
    rows = np.nonzero(np.isfinite(x))[0]
    counts = np.zeros((len(x), len(values)))
    np.add.at(counts, (rows, codes.ravel()), 1)
    m = counts.sum(axis=1, keepdims=True)
    coincidence = (counts / (m - 1)).T @ counts - np.diag((counts / (m - 1)).sum(axis=0))
    n_c = coincidence.sum(axis=1)
    n = n_c.sum()
    a, b = values[:, None], values[None, :]
    if level == "nominal":
        distance = (a != b).astype(float)
    elif level == "interval":
        distance = (a - b) ** 2
    elif level == "ratio":
        with np.errstate(invalid="ignore", divide="ignore"):
            distance = np.where(a + b != 0, ((a - b) / (a + b)) ** 2, 0.0)
    else:
        upto = np.cumsum(n_c)
        low = np.minimum.outer(np.arange(len(values)), np.arange(len(values)))
        between = np.abs(upto[:, None] - upto[None, :]) + n_c[low]
        distance = (between - (n_c[:, None] + n_c[None, :]) / 2) ** 2
        np.fill_diagonal(distance, 0.0)
    expected = (np.outer(n_c, n_c) * distance).sum()
    if expected == 0:
        raise DataError(
            "krippendorff_alpha: all ratings are the same value; agreement cannot be told from chance"
        )
    return float(1 - (n - 1) * (coincidence * distance).sum() / expected)


def fleiss_kappa(counts: pd.DataFrame) -> float:
    """Fleiss' kappa for many raters and categories.

    Parameters
    ----------
    counts : DataFrame, shape (n_units, n_categories)
        How many raters put the unit into the category; every unit has the same number of raters.

    Notes
    -----
    (1) P_i = (sum_j n_ij^2 - m) / (m (m - 1))  (2) kappa = (mean P_i - sum p_j^2) / (1 - sum p_j^2)
    Source: Fleiss (1971) Psychological Bulletin 76: 378-382.
    """
    x = _numbers(counts, "fleiss_kappa")
    m = x.sum(axis=1)
    if not len(x) or (m != m[0]).any() or m[0] < 2:
        raise DataError("fleiss_kappa needs the same number of raters (two or more) for every unit")
    if (x < 0).any() or (x % 1 != 0).any():
        raise DataError("fleiss_kappa counts raters: whole numbers from 0")
    agreed = ((x**2).sum(axis=1) - m[0]) / (m[0] * (m[0] - 1))
    chance = float(((x.sum(axis=0) / x.sum()) ** 2).sum())
    if chance == 1:
        raise DataError("fleiss_kappa: all ratings are in one category; agreement cannot be told from chance")
    return float((agreed.mean() - chance) / (1 - chance))
