"""How sure every rank is: joint draws of weights, sampling error, rater disagreement and rule choices.

Each draw re-scores all units at once: its own weights, its own errors of survey and expert scores, its own
rules. What moved together in the data moves together in the draws. Draws are taken in blocks, so memory
stays bounded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.framework import Framework
from commlab.scoring.agreement import check_confidence
from commlab.scoring.draws import Dirichlet, Draws, draw_scores
from commlab.scoring.given import by_label, number
from commlab.scoring.ranks import SAME, ranks

__all__ = ["pairs_apart", "rank_uncertainty", "ranked"]

_SAME = 0.5 * 10.0**-SAME
_BLOCK_CELLS = 500_000
"""Draws x units ranked at once."""


def rank_uncertainty(
    evidence: pd.DataFrame,
    framework: Framework,
    *,
    weights: pd.DataFrame | Dirichlet | None = None,
    sampling: pd.DataFrame | pd.Series | str | None = "evidence",
    ratings: pd.DataFrame | pd.Series | str | None = "evidence",
    choices: Mapping[str, Sequence[str]] | None = None,
    within: pd.Series | None = None,
    top: int | pd.Series = 1,
    draws: int = 10_000,
    seed: int = 0,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Intervals for the rank and score of every unit, and its probability of being among the best.

    Parameters
    ----------
    evidence : DataFrame
        As ``collect`` gives it.
    framework : Framework
        With the weights that the published scores use.
    weights : DataFrame (draws x leaves) or Dirichlet, optional
        Global leaf weights of each draw (rows are used in turn when there are fewer than ``draws``), or a
        distribution around the framework's own. Default: fixed weights.
    sampling, ratings : DataFrame or Series, optional
        Errors of survey scores and of expert scores. ``"evidence"``: the ``se`` of the evidence,
        independent between units and standards. A Series of variances, or a square DataFrame of
        covariances, both indexed by
        (unit, code), in points of the leaf's 0-100. None: no error.
    choices : mapping, optional
        Rules that may differ: ``how`` (of ``arithmetic geometric harmonic``) and ``missing`` (of ``measured
        zero``); each draw takes one combination at random.
    within : Series, optional
        Group of each unit; ranks and ``top`` are inside groups.
    top : int or Series by group
        How many count as best.
    draws : int
    seed : int
        The same seed gives the same numbers.
    confidence : float
        Of all intervals.

    Returns
    -------
    DataFrame
        unit, rank (of the scores as published), rank_low, rank_median, rank_high, p_top, score, score_low,
        score_high, sources (what was drawn, comma-separated). Ties share the better rank. Units without a
        score are left out.

    Raises
    ------
    ParameterError
        If ``draws``, ``confidence``, ``top`` or a choice is out of range.
    DataError
        If weights or covariances do not fit the leaves and units, are negative or not finite.

    Notes
    -----
    A drawn leaf weight takes the place of the published one at every step of the tree: what is not measured
    or not applicable for a unit hands its weight to its siblings in each draw, as in ``aggregate``. Scores of
    draws stay within 0 and full marks.
    """
    check_confidence(confidence)
    drawn = draw_scores(
        evidence,
        framework,
        weights=weights,
        sampling=sampling,
        ratings=ratings,
        choices=choices,
        draws=draws,
        seed=seed,
    )
    return ranked(drawn, within=within, top=top, confidence=confidence)


def ranked(
    drawn: Draws, *, within: pd.Series | None = None, top: int | pd.Series = 1, confidence: float = 0.95
) -> pd.DataFrame:
    """Ranks, scores and their intervals from drawn scores; what ``rank_uncertainty`` returns."""
    units = pd.Index(drawn.units, name="unit")
    group = _grouped(units, within)
    quota = _quota(group, top)
    draws = len(drawn.scores)
    rank = ranks(drawn.base, within=within)
    tail = (1 - confidence) / 2
    columns = ["rank", "rank_low", "rank_median", "rank_high", "p_top"]
    out = pd.DataFrame(np.nan, index=units, columns=columns)
    out["rank"] = rank
    for name in dict.fromkeys(group):
        at = np.flatnonzero(group == name)
        placed = _ranked(drawn.scores, at)
        out.iloc[at, 4] = (placed <= quota[name]).mean(axis=1)
        for column, share in zip((1, 2, 3), (tail, 0.5, 1 - tail), strict=True):
            out.iloc[at, column] = _quantile(placed, share)
    out["score"] = drawn.base
    ends = np.empty((2, len(units)))
    step = max(1, _BLOCK_CELLS // draws)
    for start in range(0, len(units), step):
        some = np.ascontiguousarray(drawn.scores[:, start : start + step].T)
        some.partition([_position(draws, tail), _position(draws, 1 - tail)], axis=1)
        ends[:, start : start + step] = _quantile(some, tail), _quantile(some, 1 - tail)
    out["score_low"], out["score_high"] = ends
    out["sources"] = ", ".join(drawn.sources)
    return out.reset_index().astype({"unit": "str", "sources": "str"})


def pairs_apart(
    scores: np.ndarray, units: Sequence[str], *, within: pd.Series | None = None, confidence: float = 0.95
) -> pd.DataFrame:
    """Which pairs of units can be told apart, from their joint draws.

    Parameters
    ----------
    scores : ndarray, shape (n_draws, n_units)
        As ``draw_scores`` gives them.
    units : sequence of str
    within : Series, optional
        Group of each unit; pairs are inside groups.
    confidence : float
        A pair is apart if the interval of its difference leaves out 0: one of them leads in at least
        1 - (1 - confidence) / 2 of the draws. Each pair by itself: nothing is added for looking at many.

    Returns
    -------
    DataFrame
        a, b (a leads on average), p_lead (share of draws in which a is ahead, ties counted half), apart.

    Raises
    ------
    ParameterError
        If the scores are not draws x units, or ``confidence`` lies outside 0 to 1.
    DataError
        If there is no draw, a score is missing, or a unit belongs to no group.
    """
    if not isinstance(scores, np.ndarray) or not np.issubdtype(scores.dtype, np.number):
        raise ParameterError(f"scores are an array of draws x units, not {type(scores).__name__}")
    if isinstance(units, str) or not isinstance(units, Sequence | pd.Index):
        raise ParameterError(f"units are a list of names, not {type(units).__name__}")
    if scores.ndim != 2 or scores.shape[1] != len(units):
        raise ParameterError(f"scores are draws x {len(units)} units, not of shape {scores.shape}")
    check_confidence(confidence)
    if not len(scores) or not np.isfinite(scores).all():
        raise DataError(
            "pairs are told apart by draws of which every unit has a score; there are gaps, or no draws"
        )
    group = _grouped(pd.Index(units), within)
    means, sure = scores.mean(axis=0), 1 - (1 - confidence) / 2
    rows = []
    for name in dict.fromkeys(group):
        at = np.flatnonzero(group == name)
        at = at[np.argsort(-means[at], kind="stable")]
        drawn = np.ascontiguousarray(scores[:, at].T)
        for i, a in enumerate(at[:-1]):
            ahead = drawn[i] - drawn[i + 1 :]
            p = ((ahead >= _SAME).mean(axis=1) + (ahead > -_SAME).mean(axis=1)) / 2
            rows += [
                (units[a], units[b], float(q), bool(q >= sure)) for b, q in zip(at[i + 1 :], p, strict=True)
            ]
    out = pd.DataFrame(rows, columns=["a", "b", "p_lead", "apart"])
    return out.astype({"a": "str", "b": "str", "p_lead": "float64", "apart": "bool"})


def _position(draws: int, share: float) -> int:
    """Where the smallest value stands that at least ``share`` of the draws do not exceed."""
    return max(0, min(draws - 1, int(np.ceil(share * draws - 1e-9)) - 1))


def _quantile(ordered: np.ndarray, share: float) -> np.ndarray:
    return ordered[:, _position(ordered.shape[1], share)]


def _ranked(scores: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Ranks of some units in each draw, 1 the highest, ties sharing the better; sorted for each unit (units x draws)."""
    draws, n = len(scores), len(at)
    kind = np.int16 if n < np.iinfo(np.int16).max else np.int32
    out = np.empty((n, draws), dtype=kind)
    everyone = n == scores.shape[1]
    step = max(1, _BLOCK_CELLS // max(1, n))
    place = np.arange(1, n + 1, dtype=kind)[None, :]
    for start in range(0, draws, step):
        some = -(scores[start : start + step] if everyone else scores[start : start + step, at])
        order = np.argsort(some, axis=1)
        ordered = np.take_along_axis(some, order, axis=1)
        same = ordered[:, 1:] - ordered[:, :-1] < _SAME
        shared = place
        if same.any():
            new = np.hstack([np.ones((len(some), 1), bool), ~same])
            shared = np.maximum.accumulate(np.where(new, place, 0), axis=1).astype(kind)
        ranked = np.empty(some.shape, dtype=kind)
        np.put_along_axis(ranked, order, np.broadcast_to(shared, some.shape), axis=1)
        out[:, start : start + step] = ranked.T
    out.sort(axis=1, kind="stable")
    return out


def _grouped(units: pd.Index, within: pd.Series | None) -> np.ndarray:
    if within is None:
        return np.full(len(units), "", dtype=object)
    group = by_label(within, "within").reindex(units)
    if group.isna().any():
        raise DataError(f"units belong to no group: {listing(units[group.isna().to_numpy()])}")
    return group.astype("object").to_numpy()


def _quota(group: np.ndarray, top: int | pd.Series) -> dict[object, float]:
    names = list(dict.fromkeys(group))
    if isinstance(top, pd.Series):
        top = pd.to_numeric(by_label(top, "top"), errors="coerce")
        lacking = [g for g in names if g not in top.index]
        if lacking:
            raise DataError(f"top has no number for {listing(lacking)}")
        out = {g: float(top[g]) for g in names}
    else:
        out = dict.fromkeys(names, number(top, "top"))
    if any(not (v >= 0) for v in out.values()):
        raise ParameterError(f"top must be numbers from 0, not {listing(out.values())}")
    return out
