"""People as instruments: how far raters agree, who is lenient, how far self-assessments are inflated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from commlab.errors import DataError, listing
from commlab.scoring.agreement import check_confidence, icc, krippendorff_alpha, targets_differ
from commlab.scoring.given import table

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


def _scored(ratings: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Ratings that have a score; scores are finite numbers."""
    rows = table(ratings, "the ratings", columns)
    score = pd.to_numeric(rows["score"], errors="coerce")
    wrong = rows[(rows["score"].notna() & score.isna()) | np.isinf(score.astype("float64"))]
    if len(wrong):
        first = wrong.iloc[0]
        raise DataError(
            f"{len(wrong)} scores are no numbers, first {first['score']!r} of {first.get('rater', first.get('unit'))}"
        )
    return rows.assign(score=score)[score.notna()]


def _wide(ratings: pd.DataFrame) -> pd.DataFrame:
    """Things rated (unit, code) x raters, expert stage only where stages are given."""
    rows = _scored(ratings, ["rater", "unit", "code", "score"])
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
    found = _crossed(x)
    raters = pd.DataFrame(
        {
            "rater": names,
            "n": seen.sum(axis=0),
            "leniency": found.leniency,
            "se": found.se,
        }
    )
    rows, columns = np.nonzero(seen)
    flat = pd.DataFrame(
        {
            "unit": wide.index.get_level_values("unit")[rows],
            "code": wide.index.get_level_values("code")[rows],
            "rater": np.array(names, dtype=object)[columns],
            "score": x[rows, columns],
            "adjusted": np.clip(x[rows, columns] - found.leniency[columns], 0, 100),
        }
    )
    return Adjusted(raters, flat, found.sigma, found.df)


class _Crossed(NamedTuple):
    leniency: np.ndarray
    se: np.ndarray
    sigma: float
    df: int


def _crossed(x: np.ndarray) -> _Crossed:
    """Model (1) for things rated x raters that hang together, NaN = not rated."""
    seen = np.isfinite(x)
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
    df = int(seen.sum() - len(x) - (x.shape[1] - 1))
    sigma = float(np.sqrt((residual**2).sum() / df)) if df > 0 else np.nan
    inverse = np.linalg.pinv(left)
    centre = np.eye(x.shape[1]) - np.outer(np.ones(x.shape[1]), weight)
    variance = np.diag(centre @ inverse @ centre.T)
    return _Crossed(leniency, sigma * np.sqrt(np.clip(variance, 0, None)), sigma, df)


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
    rows = _scored(ratings, ["stage", "unit", "code", "score"])
    rows = rows[rows["stage"].isin(["self", "expert"])]
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


def mutual_evaluation(
    mutual: pd.DataFrame, *, expected: pd.DataFrame | None = None
) -> dict[str, pd.DataFrame]:
    """Who rates whom, how, how leniently, who did not answer, and whether kindness is returned.

    Parameters
    ----------
    mutual : DataFrame
        Clean table: rater, rater_level, rated, rated_level, aspect, score (missing: asked, not answered).
    expected : DataFrame, optional
        rater, rater_level, rated, rated_level: every pair that was asked. Without it each body of a level that appears
        is taken to have been asked about each of the other level; bodies that sent nothing are then not known.

    Returns
    -------
    dict of DataFrame
        ``matrix``: who (rows) rated whom (columns) how, means over the aspects; blank where nobody did.
        ``rated``: rated, rated_level, aspect, n, mean, sd (self-ratings left out), adjusted (the mean without the
        leniency of who happened to rate).
        ``raters``: rater, rater_level, n, mean, difference (mean difference from the others who rated the same), leniency
        and its se (crossed model, as in ``adjust_raters``; in each ``group`` of raters that share what they rated the
        leniencies weighted by n sum to 0; missing where nobody shares anything), asked, answered (bodies).
        ``response``: rater_level, rated_level, possible (pairs), given, rate.
        ``reciprocity``: a, b, a_to_b, b_to_a, difference, for pairs that rated each other in both directions.

    Raises
    ------
    DataError
        If columns are missing, a score is no number or someone rated the same aspect of the same body twice.
    """
    pair = ["rater", "rater_level", "rated", "rated_level"]
    known = _scored(mutual, [*pair, "aspect", "score"])
    again = mutual[mutual.duplicated(["rater", "rated", "aspect"])]
    if len(again):
        first = again.iloc[0]
        raise DataError(f"{first['rater']} rated {first['aspect']} of {first['rated']} more than once")
    rows = known[known["rater"] != known["rated"]]
    asked = (
        mutual[pair]
        if expected is None
        else pd.concat([table(expected, "expected", pair)[pair], mutual[pair]])
    )
    asked = asked[asked["rater"] != asked["rated"]].drop_duplicates(["rater", "rated"])
    answered = rows.drop_duplicates(["rater", "rated"])
    lenient = _leniencies(rows)
    key = rows.groupby(["rated", "aspect"])["score"]
    others = (key.transform("sum") - rows["score"]) / (key.transform("size") - 1).replace(0, np.nan)
    adjusted = rows["score"] - rows["rater"].map(lenient["leniency"]).fillna(0.0)
    rated = (
        rows.assign(adjusted=adjusted)
        .groupby(["rated", "rated_level", "aspect"], as_index=False)
        .agg(n=("score", "size"), mean=("score", "mean"), sd=("score", "std"), adjusted=("adjusted", "mean"))
    )
    raters = (
        rows.assign(difference=rows["score"] - others)
        .groupby(["rater", "rater_level"])
        .agg(n=("score", "size"), mean=("score", "mean"), difference=("difference", "mean"))
    )
    counts = asked.groupby(["rater", "rater_level"]).size().rename("asked")
    raters = raters.join(counts, how="outer").reset_index().join(lenient, on="rater")
    raters["answered"] = raters["rater"].map(answered.groupby("rater").size()).fillna(0).astype("int64")
    raters["n"] = raters["n"].fillna(0).astype("int64")
    response = []
    given = answered.groupby(["rater_level", "rated_level"]).size()
    for levels, group in asked.groupby(["rater_level", "rated_level"]):
        who, whom = set(group["rater"]), set(group["rated"])
        possible = len(group) if expected is not None else len(who) * len(whom) - len(who & whom)
        response.append((*levels, possible, int(given.get(levels, 0)), given.get(levels, 0) / possible))
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


def _leniencies(rows: pd.DataFrame) -> pd.DataFrame:
    """leniency, se, group by rater, from the crossed model within each group of raters that hang together."""
    wide = rows.pivot(index=["rated", "aspect"], columns="rater", values="score")
    x = wide.to_numpy(dtype=float)
    out = pd.DataFrame(np.nan, index=wide.columns, columns=["leniency", "se", "group"])
    for number, together in enumerate(_connected(np.isfinite(x)), 1):
        out.iloc[together, 2] = number
        if len(together) > 1:
            own = x[:, together]
            found = _crossed(own[np.isfinite(own).any(axis=1)])
            out.iloc[together, 0], out.iloc[together, 1] = found.leniency, found.se
    return out
