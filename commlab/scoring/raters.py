"""People as instruments: how far raters agree, who is lenient, how far self-assessments are inflated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from commlab.errors import DataError, listing
from commlab.scoring.agreement import check_confidence, icc, krippendorff_alpha, targets_differ

__all__ = [
    "Adjusted",
    "Agreement",
    "adjust_raters",
    "mutual_evaluation",
    "rater_agreement",
    "self_inflation",
]


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


def rater_agreement(ratings: pd.DataFrame) -> Agreement:
    """How far experts agree, and what each of them does.

    Parameters
    ----------
    ratings : DataFrame
        Clean table; of several stages only the experts'.

    Returns
    -------
    Agreement
        ``alpha``: Krippendorff's for interval scores over all (unit, code); missing where nothing was rated twice or
        all gave one score. ``icc``: the six forms over
        what all raters of a unit's pair have in common, where at least two raters share two things, by pair
        of raters
        (rater_a, rater_b, n, form, estimate). ``raters``: rater, n, mean, sd, leniency (mean difference
        from the others who rated the same), and discriminates (False where two or more
        scores of a rater are all the same).
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
                "discriminates": mine.nunique() > 1 or len(mine) < 2,
            }
        )
    pairs = []
    names = list(wide.columns)
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            both = wide[[a, b]].dropna()
            if len(both) > 1 and targets_differ(both):
                pairs.append(icc(both).assign(rater_a=a, rater_b=b, n=len(both)))
    columns = ["rater_a", "rater_b", "n", "form", "estimate", "ci_low", "ci_high"]
    found = pd.concat(pairs, ignore_index=True)[columns] if pairs else pd.DataFrame(columns=columns)
    # alpha cannot be told where nothing was rated twice, or all gave one score
    twice = wide[wide.notna().sum(axis=1) > 1].to_numpy()
    told = len(twice) and np.nanmin(twice) < np.nanmax(twice)
    alpha = krippendorff_alpha(wide) if told else float("nan")
    return Agreement(alpha, found, pd.DataFrame(raters), len(wide), len(names))


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

    check_confidence(confidence)
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
        ``matrix``: who (rows) rated whom (columns) how, means over the aspects; blank where nobody did.
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
        "matrix": pairs.unstack().rename_axis(columns="rated"),
        "rated": rated,
        "raters": raters,
        "response": pd.DataFrame(
            response, columns=["rater_level", "rated_level", "possible", "given", "rate"]
        ),
        "reciprocity": pd.DataFrame(back, columns=["a", "b", "a_to_b", "b_to_a", "difference"]),
    }
