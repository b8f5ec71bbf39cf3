"""Ranks, grades and naming under quota."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing, within_reach
from commlab.framework import TOTAL, exact
from commlab.scoring.given import by_label, number, one_of

__all__ = ["SAME", "grade", "ranks", "select", "totals"]

SAME = 9
"""Decimals to which scores are compared: the rounding of a sum's last digit ranks, grades and names nobody."""
TIES = ("min", "average", "max", "dense", "first")


def totals(scores: pd.Series | pd.DataFrame) -> pd.Series:
    """Total score by unit, from a Series or from the frame that ``aggregate`` gives.

    Raises
    ------
    DataError
        If a unit has more than one total, or a score is infinite.
    """
    if isinstance(scores, pd.DataFrame):
        if "unit" not in scores or "score" not in scores:
            raise DataError(
                f"the scores need the columns unit and score; they have {listing(scores.columns)}"
            )
        rows = scores[scores["code"] == TOTAL] if "code" in scores else scores
        out = pd.Series(
            rows["score"].to_numpy(float), index=pd.Index(rows["unit"], name="unit"), name="score"
        )
    elif isinstance(scores, pd.Series) and scores.index.nlevels == 1:
        out = _numbers(scores).rename("score").rename_axis("unit")
    else:
        raise ParameterError(
            f"scores are a Series by unit or a frame of aggregate, not {type(scores).__name__}"
        )
    again = out.index[out.index.duplicated()]
    if len(again):
        raise DataError(f"units have more than one total: {listing(again.unique())}")
    if np.isinf(out.to_numpy()).any():
        raise DataError(f"scores are infinite for {listing(out.index[np.isinf(out.to_numpy())])}")
    within_reach(out.to_numpy(), "a score")
    return out


def _numbers(scores: pd.Series) -> pd.Series:
    if pd.api.types.is_complex_dtype(scores.dtype):
        raise DataError("scores are no numbers that have an order")
    numbers = pd.to_numeric(scores, errors="coerce")
    wordy = (scores.notna() & numbers.isna()).to_numpy()
    if wordy.any():
        raise DataError(f"scores are no numbers for {listing(scores.index[wordy])}")
    return numbers.astype("float64")


def ranks(
    scores: pd.Series | pd.DataFrame, *, within: pd.Series | None = None, ties: str = "min"
) -> pd.Series:
    """Rank units by score, the highest first.

    Parameters
    ----------
    scores : Series or DataFrame
        Score by unit, or the frame of ``aggregate`` (its totals are ranked).
    within : Series, optional
        Group of each unit; ranks start anew in each.
    ties : str
        ``min`` (1, 2, 2, 4), ``average``, ``max``, ``dense`` or ``first``.

    Returns
    -------
    Series, index: unit
        Ranks; units without a score have none. Scores are compared to nine decimals.

    Examples
    --------
    >>> ranks(pd.Series({"a": 70.0, "b": 90.0, "c": 70.0})).tolist()
    [2.0, 1.0, 2.0]
    """
    one_of(ties, "ties", TIES)
    score = totals(scores).round(SAME)
    if within is None:
        out = score.rank(ascending=False, method=ties)  # type: ignore[arg-type]
    else:
        out = score.groupby(_groups(score.index, within)).rank(ascending=False, method=ties)
    return out.rename("rank")


def _groups(units: pd.Index, within: pd.Series) -> pd.Series:
    out = by_label(within, "within").reindex(units)
    if out.isna().any():
        raise DataError(f"units belong to no group: {listing(units[out.isna().to_numpy()])}")
    return out


def grade(
    scores: pd.Series,
    bands: Sequence[Mapping[str, Any]] | Mapping[str, float],
    *,
    most: Mapping[str, float] | None = None,
) -> pd.Series:
    """Name the band in which each score falls.

    Parameters
    ----------
    scores : Series
    bands : mapping of label to lowest score, or sequence of {low, high, closed, label}
        In the short form a band reaches up to the next one: ``{"优": 90, "良": 80, "不合格": 0}``. In the
        long form ``closed`` is ``left`` (default), ``right`` or ``both``.

    most : mapping of label to share, optional
        Largest share of the scored units that may have a label (``{"优": 0.3}``, or ``"1/3"``); the lowest
        of them drop to the next band down. Units tied on the line all drop.

    Returns
    -------
    Series of str
        Missing where the score is missing or falls in no band. Scores are compared to nine decimals.

    Examples
    --------
    >>> grade(pd.Series([95.0, 80.0, 79.9]), {"good": 80, "poor": 0}).tolist()
    ['good', 'good', 'poor']
    """
    if not isinstance(bands, Mapping | Sequence) or not len(bands) or isinstance(bands, str):
        raise ParameterError("bands are a mapping of label to lowest score, or a list of {low, high, label}")
    if most is not None and not isinstance(most, Mapping):
        raise ParameterError(f"most is a mapping of label to share, not {type(most).__name__}")
    if not isinstance(scores, pd.Series):
        raise ParameterError(f"scores are a Series by unit, not {type(scores).__name__}")
    try:
        long = _long(bands)
    except ValueError as error:
        raise ParameterError(f"the ends of bands are numbers: {error}") from None
    value = _numbers(scores)
    within_reach(value.to_numpy()[np.isfinite(value)], "a score")
    value = value.round(SAME).to_numpy()
    out = np.full(len(value), None, dtype=object)
    for band in long:
        closed = band.get("closed", "left")
        low, high = float(band.get("low", -np.inf)), float(band.get("high", np.inf))
        above = value >= low if closed in ("left", "both") else value > low
        below = value <= high if closed in ("right", "both") else value < high
        out[np.isfinite(value) & above & below & pd.isna(out)] = band["label"]
    return pd.Series(_capped(out, value, long, most or {}), index=scores.index, dtype="str", name="grade")


def _long(bands: Sequence[Mapping[str, Any]] | Mapping[str, float]) -> list[Mapping[str, Any]]:
    """Bands with their label and exact ends."""
    if isinstance(bands, Mapping):
        steps = sorted(((exact(low), label) for label, low in bands.items()), reverse=True)
        return [{"low": low, "label": label} for low, label in steps]
    wrong = [b for b in bands if not isinstance(b, Mapping) or "label" not in b]
    if wrong:
        raise ParameterError(f"band {wrong[0]!r} has no label")
    return [{**b, **{end: exact(b[end]) for end in ("low", "high") if end in b}} for b in bands]


def _capped(
    out: np.ndarray, value: np.ndarray, bands: list[Mapping[str, Any]], most: Mapping[str, float]
) -> np.ndarray:
    """Units beyond the allowed share of a label drop to the next band down."""
    down = sorted(bands, key=lambda b: -float(exact(b["low"])) if "low" in b else np.inf)
    labels = [b["label"] for b in down]
    strange = [label for label in most if label not in labels]
    if strange:
        raise ParameterError(f"most names {listing(strange)}; labels are {listing(labels)}")
    n = int(np.isfinite(value).sum())
    for k, label in enumerate(labels):
        if label not in most:
            continue
        share = exact(most[label])
        if not 0 <= share <= 1 or k + 1 == len(labels):
            raise ParameterError(
                f"most: {label} takes a share from 0 to 1, and there must be a band below it"
            )
        allowed = int(share * n)
        holders = np.flatnonzero(out == label)
        if len(holders) > allowed:
            ordered = np.sort(value[holders])[::-1]
            line = ordered[allowed]
            out[holders[value[holders] <= line]] = labels[k + 1]
    return out


def select(
    scores: pd.Series | pd.DataFrame,
    quotas: pd.Series,
    *,
    within: pd.Series | None = None,
    probability: pd.Series | None = None,
    reserve: int = 1,
) -> pd.DataFrame:
    """Name the best units of each group under its quota.

    Parameters
    ----------
    scores : Series or DataFrame
        Score by unit, or the frame of ``aggregate``.
    quotas : Series, index: group
        How many may be named; whole numbers >= 0.
    within : Series, optional
        Group of each unit. Default: what stands before the slash of ``district/community``.
    probability : Series, optional
        Probability of being among the best (``p_top`` of ``rank_uncertainty``), printed beside.
    reserve : int
        Length of the reserve list of each group; units that tie on its last place all stand on it.

    Returns
    -------
    DataFrame
        group, unit, score, rank, quota, status, margin (points to the nearest unit on the other side of the
        line), p_top.
        ``status`` is ``named``, ``tied`` (equal scores on the line: someone must decide), ``reserve``,
        ``not_named`` or ``no_score``.

    Raises
    ------
    ParameterError
        If a quota is negative, missing or not whole.
    DataError
        If a unit belongs to no group, or its group has no quota.
    """
    score = totals(scores)
    if within is None:
        within = pd.Series([str(u).split("/")[0] for u in score.index], index=score.index)
    group = _groups(score.index, within)
    numbers = pd.to_numeric(by_label(quotas, "quotas"), errors="coerce")
    bad = quotas.index[(numbers.isna() | (numbers < 0) | (numbers % 1 != 0)).to_numpy()]
    if len(bad):
        raise ParameterError(f"quotas must be whole numbers from 0; not so for {listing(bad)}")
    lacking = sorted(set(group.astype(str)) - set(quotas.index.astype(str)))
    if lacking:
        raise DataError(f"groups have no quota: {listing(lacking)}")
    if number(reserve, "reserve", low=0) % 1:
        raise ParameterError(f"reserve is {reserve}; it must be a whole number")
    if probability is not None:
        by_label(probability, "probability")
    rank = ranks(score, within=group)
    frames = []
    for name, inside in score.groupby(group, sort=False):
        ordered = inside.sort_values(ascending=False, kind="stable", na_position="last")
        frames.append(_named(str(name), ordered, rank[ordered.index], int(numbers[name]), reserve))
    columns = ["group", "unit", "score", "rank", "quota", "status", "margin"]
    out = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)
    out["p_top"] = out["unit"].map(probability) if probability is not None else np.nan
    return out.astype({"group": "str", "unit": "str", "status": "str"})


def _named(group: str, ordered: pd.Series, rank: pd.Series, quota: int, reserve: int) -> pd.DataFrame:
    known = ordered.dropna().round(SAME)
    status = pd.Series("not_named", index=ordered.index, dtype="object")
    status[ordered.isna()] = "no_score"
    margin = pd.Series(np.nan, index=ordered.index)
    inside, outside = known.iloc[:quota], known.iloc[quota:]
    status[inside.index] = "named"
    tied = pd.Index([])
    if quota and len(outside) and inside.iloc[-1] == outside.iloc[0]:
        tied = known.index[known == outside.iloc[0]]
        status[tied] = "tied"
    spare = outside[~outside.index.isin(tied)]
    if reserve and len(spare):
        last = spare.iloc[min(reserve, len(spare)) - 1]
        status[spare.index[spare >= last]] = "reserve"
    if len(inside) and len(outside):
        margin[inside.index] = inside - outside.iloc[0]
        margin[outside.index] = outside - inside.iloc[-1]
    return pd.DataFrame(
        {
            "group": group,
            "unit": ordered.index,
            "score": ordered.to_numpy(),
            "rank": rank.to_numpy(),
            "quota": quota,
            "status": status.to_numpy(),
            "margin": margin.to_numpy(),
        }
    )
