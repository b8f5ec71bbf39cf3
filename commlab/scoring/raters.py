"""People as instruments: how far raters agree, who is lenient, how far self-assessments are inflated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing

__all__ = [
    "Adjusted",
    "Agreement",
    "adjust_raters",
    "fleiss_kappa",
    "icc",
    "krippendorff_alpha",
    "mutual_evaluation",
    "rater_agreement",
    "self_inflation",
]

LEVELS = ("nominal", "ordinal", "interval", "ratio")


@dataclass(frozen=True)
class Agreement:
    """Agreement of raters: ``alpha`` (Krippendorff), ``icc`` by pair of raters, ``raters`` one by one."""

    alpha: float
    icc: pd.DataFrame
    raters: pd.DataFrame
    n_units: int
    n_raters: int


def _wide(ratings: pd.DataFrame) -> pd.DataFrame:
    """Things rated (unit, code) x raters, expert stage only where stages are given."""
    lacking = [c for c in ("rater", "unit", "code", "score") if c not in ratings]
    if lacking:
        raise DataError(f"the ratings lack the columns {listing(lacking)}")
    rows = ratings[ratings["score"].notna()]
    if "stage" in rows:
        rows = rows[rows["stage"] == "expert"]
    again = rows[rows.duplicated(["rater", "unit", "code"])]
    if len(again):
        first = again.iloc[0]
        raise DataError(f"{first['rater']} rated {first['unit']} {first['code']} more than once")
    if rows.empty:
        raise DataError("there is no expert rating with a score")
    return rows.pivot(index=["unit", "code"], columns="rater", values="score").astype("float64")


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
        form (``ICC1 ICC2 ICC3 ICC1k ICC2k ICC3k``), estimate, f, df1, df2, p_value, ci_low, ci_high.

    Notes
    -----
    Mean squares between targets (BMS), within (WMS), between judges (JMS), error (EMS); n targets, k raters.
    (1) ICC1 = (BMS - WMS) / (BMS + (k-1) WMS)  (2) ICC2 = (BMS - EMS) / (BMS + (k-1) EMS + k (JMS - EMS) / n)
    (3) ICC3 = (BMS - EMS) / (BMS + (k-1) EMS); forms k by Spearman-Brown, and (BMS - EMS) / (BMS + (JMS -
    EMS) / n).
    Source: Shrout & Fleiss (1979) Psychological Bulletin 86: 420-428; intervals as in R psych::ICC.
    """
    from scipy import stats

    x = table.to_numpy(dtype=float)
    n, k = x.shape
    if n < 2 or k < 2:
        raise DataError(f"an intraclass correlation needs two targets and two raters; found {n} and {k}")
    if not np.isfinite(x).all():
        raise DataError("an intraclass correlation needs complete ratings; use krippendorff_alpha for gaps")
    grand = x.mean()
    between = k * ((x.mean(axis=1) - grand) ** 2).sum()
    judges = n * ((x.mean(axis=0) - grand) ** 2).sum()
    total = ((x - grand) ** 2).sum()
    bms, jms = between / (n - 1), judges / (k - 1)
    wms, ems = (total - between) / (n * (k - 1)), (total - between - judges) / ((n - 1) * (k - 1))
    if wms == 0 or ems == 0:
        raise DataError(
            "raters agree exactly (no error variance): the correlations are 1 and have no interval"
        )
    f1, f3 = bms / wms, bms / ems
    one, two = (bms - wms) / (bms + (k - 1) * wms), (bms - ems) / (bms + (k - 1) * ems + k * (jms - ems) / n)
    three = (bms - ems) / (bms + (k - 1) * ems)
    mean_one, mean_two = (bms - wms) / bms, (bms - ems) / (bms + (jms - ems) / n)
    mean_three = (bms - ems) / bms
    tail = 1 - (1 - confidence) / 2
    d1, d2, d3 = n - 1, n * (k - 1), (n - 1) * (k - 1)
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
    names = ["form", "estimate", "f", "df1", "df2", "p_value", "ci_low", "ci_high"]
    return pd.DataFrame(rows, columns=names)


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
    if level not in LEVELS:
        raise ParameterError(f"level is {level!r}; it must be one of {', '.join(LEVELS)}")
    x = table.to_numpy(dtype=float)
    if np.isinf(x).any():
        raise DataError("krippendorff_alpha: ratings must be finite")
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
    x = counts.to_numpy(dtype=float)
    m = x.sum(axis=1)
    if not len(x) or (m != m[0]).any() or m[0] < 2 or (x < 0).any():
        raise DataError("fleiss_kappa needs the same number of raters (two or more) for every unit")
    agreed = ((x**2).sum(axis=1) - m[0]) / (m[0] * (m[0] - 1))
    chance = float(((x.sum(axis=0) / x.sum()) ** 2).sum())
    if chance == 1:
        raise DataError("fleiss_kappa: all ratings are in one category; agreement cannot be told from chance")
    return float((agreed.mean() - chance) / (1 - chance))


def rater_agreement(ratings: pd.DataFrame) -> Agreement:
    """How far experts agree, and what each of them does.

    Parameters
    ----------
    ratings : DataFrame
        Clean table; of several stages only the experts'.

    Returns
    -------
    Agreement
        ``alpha``: Krippendorff's for interval scores over all (unit, code). ``icc``: the six forms over
        what all raters of a unit's pair have in common, where at least two raters share two things, by pair
        of raters
        (rater_a, rater_b, n, form, estimate). ``raters``: rater, n, mean, sd, leniency (mean difference
        from the others who rated the same), and discriminates (False where all scores of a rater are the
        same).
    """
    wide = _wide(ratings)
    raters = []
    total, seen = wide.sum(axis=1), wide.notna().sum(axis=1)
    for name in wide:
        mine = wide[name].dropna()
        others = ((total - wide[name]) / (seen - 1).where(seen > 1)).loc[mine.index]
        raters.append(
            {
                "rater": name,
                "n": len(mine),
                "mean": mine.mean(),
                "sd": mine.std(ddof=1) if len(mine) > 1 else np.nan,
                "leniency": (mine - others).mean() if others.notna().any() else np.nan,
                "discriminates": mine.nunique() > 1,
            }
        )
    pairs = []
    names = list(wide.columns)
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            both = wide[[a, b]].dropna()
            spread = both.sub(both.mean(axis=1), axis=0).sub(both.mean() - both.to_numpy().mean())
            if len(both) > 1 and (spread.abs() > 1e-12).any(axis=None) and both.nunique().gt(1).any():
                pairs.append(icc(both).assign(rater_a=a, rater_b=b, n=len(both)))
    columns = ["rater_a", "rater_b", "n", "form", "estimate", "ci_low", "ci_high"]
    found = pd.concat(pairs, ignore_index=True)[columns] if pairs else pd.DataFrame(columns=columns)
    return Agreement(krippendorff_alpha(wide), found, pd.DataFrame(raters), len(wide), len(names))


@dataclass(frozen=True)
class Adjusted:
    """Result of ``adjust_raters``: leniency of each rater, adjusted ratings, and the error that remains."""

    raters: pd.DataFrame
    ratings: pd.DataFrame
    sigma: float
    df: int


def adjust_raters(ratings: pd.DataFrame) -> Adjusted:
    """Take the leniency of raters out of their scores (crossed two-way model).

    Parameters
    ----------
    ratings : DataFrame
        Clean table; only the expert stage. Raters must hang together through units that they share.

    Returns
    -------
    Adjusted
        ``.raters``: rater, n, leniency, se (leniencies weighted by n sum to 0). ``.ratings``: unit, code,
        rater, score, adjusted, fitted to 0-100. ``.sigma``, ``.df``: residual standard deviation.

    Raises
    ------
    DataError
        If raters fall into groups that share nothing: leniency and merit cannot be told apart (groups named).

    Notes
    -----
    (1) score_uc,r = merit_uc + leniency_r + e, least squares with sum_r n_r leniency_r = 0.
    """
    wide = _wide(ratings)
    names = list(wide.columns)
    x = wide.to_numpy()
    seen = np.isfinite(x)
    groups = _connected(seen)
    if len(groups) > 1:
        told = "; ".join(listing(names[j] for j in g) for g in groups)
        raise DataError(f"raters fall into {len(groups)} groups that rated nothing in common: {told}")
    # normal equations of the leniencies after merits are swept out: (N - S' M^-1 S) a = y
    m = seen.sum(axis=1)
    s = seen.astype(float)
    n_r = seen.sum(axis=0).astype(float)
    means = np.nansum(x, axis=1) / m
    left = np.diag(n_r) - s.T @ (s / m[:, None])
    right = np.nansum(np.where(seen, x - means[:, None], 0.0), axis=0)
    weight = n_r / n_r.sum()
    solved = np.linalg.solve(left + np.outer(n_r, n_r) / n_r.sum(), right)
    leniency = solved - (weight * solved).sum()
    merit = np.nansum(np.where(seen, x - leniency, 0.0), axis=1) / m
    residual = np.where(seen, x - leniency - merit[:, None], 0.0)
    df = int(seen.sum() - len(x) - (len(names) - 1))
    sigma = float(np.sqrt((residual**2).sum() / df)) if df > 0 else np.nan
    inverse = np.linalg.pinv(left)
    centre = np.eye(len(names)) - np.outer(np.ones(len(names)), weight)
    variance = np.diag(centre @ inverse @ centre.T)
    raters = pd.DataFrame(
        {
            "rater": names,
            "n": n_r.astype(int),
            "leniency": leniency,
            "se": sigma * np.sqrt(np.clip(variance, 0, None)),
        }
    )
    rows, columns = np.nonzero(seen)
    flat = pd.DataFrame(
        {
            "unit": wide.index.get_level_values("unit")[rows],
            "code": wide.index.get_level_values("code")[rows],
            "rater": np.array(names, dtype=object)[columns],
            "score": x[rows, columns],
            "adjusted": np.clip(x[rows, columns] - leniency[columns], 0, 100),
        }
    )
    return Adjusted(raters, flat, sigma, df)


def _connected(seen: np.ndarray) -> list[list[int]]:
    shared = (seen.T.astype(int) @ seen.astype(int)) > 0
    left, groups = set(range(seen.shape[1])), []
    while left:
        todo, group = [min(left)], set()
        while todo:
            j = todo.pop()
            if j not in group:
                group.add(j)
                todo += [int(k) for k in np.flatnonzero(shared[j]) if k not in group]
        left -= group
        groups.append(sorted(group))
    return groups


def self_inflation(ratings: pd.DataFrame, *, confidence: float = 0.95) -> pd.DataFrame:
    """How far a unit's self-assessment lies above the experts' judgement, with an interval.

    Parameters
    ----------
    ratings : DataFrame
        Clean table with the stages ``self`` and ``expert``.
    confidence : float

    Returns
    -------
    DataFrame
        unit, self, expert (means over the standards rated in both stages), estimate (self - expert), se,
        ci_low, ci_high, df, n (standards). Paired over standards; one common standard has no interval.
    """
    from scipy import stats

    lacking = [c for c in ("stage", "unit", "code", "score") if c not in ratings]
    if lacking:
        raise DataError(f"the ratings lack the columns {listing(lacking)}")
    rows = ratings[ratings["score"].notna() & ratings["stage"].isin(["self", "expert"])]
    means = rows.groupby(["unit", "code", "stage"])["score"].mean().unstack("stage")
    if not {"self", "expert"} <= set(means.columns):
        raise DataError("self_inflation needs ratings of the stages self and expert")
    both = means.dropna(subset=["self", "expert"])
    gap = (both["self"] - both["expert"]).groupby(level="unit", sort=False)
    out = both.groupby(level="unit", sort=False)[["self", "expert"]].mean()
    out["estimate"], out["n"] = gap.mean(), gap.size()
    out["se"] = gap.std(ddof=1) / np.sqrt(out["n"])
    out["df"] = out["n"] - 1.0
    t = stats.t.ppf(1 - (1 - confidence) / 2, out["df"].where(out["df"] > 0))
    out["ci_low"], out["ci_high"] = out["estimate"] - t * out["se"], out["estimate"] + t * out["se"]
    names = ["unit", "self", "expert", "estimate", "se", "ci_low", "ci_high", "df", "n"]
    return out.reset_index()[names].rename_axis(columns=None)


def mutual_evaluation(mutual: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Who rates whom, how, how leniently, and whether kindness is returned.

    Parameters
    ----------
    mutual : DataFrame
        Clean table: rater, rater_level, rated, rated_level, aspect, score.

    Returns
    -------
    dict of DataFrame
        ``rated``: rated, rated_level, aspect, n, mean, sd (self-ratings left out). ``raters``: rater,
        rater_level, n, mean, leniency (mean difference from the others who rated the same, missing where
        nobody else did).
        ``response``: rater_level, rated_level, possible (pairs among those that appear), given, rate.
        ``reciprocity``: a, b, a_to_b, b_to_a, difference, for pairs that rated each other in both directions.

    Raises
    ------
    DataError
        If columns are missing or someone rated the same aspect of the same body twice.
    """
    needed = ["rater", "rater_level", "rated", "rated_level", "aspect", "score"]
    lacking = [c for c in needed if c not in mutual]
    if lacking:
        raise DataError(f"the mutual ratings lack the columns {listing(lacking)}")
    again = mutual[mutual.duplicated(["rater", "rated", "aspect"])]
    if len(again):
        first = again.iloc[0]
        raise DataError(f"{first['rater']} rated {first['aspect']} of {first['rated']} more than once")
    rows = mutual[mutual["score"].notna() & (mutual["rater"] != mutual["rated"])]
    rated = rows.groupby(["rated", "rated_level", "aspect"], as_index=False)["score"].agg(
        n="size", mean="mean", sd="std"
    )
    key = rows.groupby(["rated", "aspect"])["score"]
    others = (key.transform("sum") - rows["score"]) / (key.transform("size") - 1).replace(0, np.nan)
    raters = (
        rows.assign(leniency=rows["score"] - others)
        .groupby(["rater", "rater_level"], as_index=False)
        .agg(n=("score", "size"), mean=("score", "mean"), leniency=("leniency", "mean"))
    )
    asked = mutual[mutual["rater"] != mutual["rated"]]
    response = []
    for (above, below), group in asked.groupby(["rater_level", "rated_level"]):
        who, whom = set(group["rater"]), set(group["rated"])
        possible = len(who) * len(whom) - len(who & whom)
        given = len(group[group["score"].notna()].drop_duplicates(["rater", "rated"]))
        response.append((above, below, possible, given, given / possible if possible else np.nan))
    pairs = rows.groupby(["rater", "rated"])["score"].mean()
    back = [
        (a, b, s, pairs[b, a], s - pairs[b, a])
        for (a, b), s in pairs.items()
        if a < b and (b, a) in pairs.index
    ]
    return {
        "rated": rated,
        "raters": raters,
        "response": pd.DataFrame(
            response, columns=["rater_level", "rated_level", "possible", "given", "rate"]
        ),
        "reciprocity": pd.DataFrame(back, columns=["a", "b", "a_to_b", "b_to_a", "difference"]),
    }
