"""What moves satisfaction: shares of explained variance, and where to act first.

shapley    (1) each item's mean gain in R^2 over all orders of entry (Lindeman, Merenda & Gold 1980; LMG)
johnson    (2) squares of the standardised regression on orthogonal counterparts of the items, carried back
           (Johnson 2000); nearly the same, and quick for many items
intervals  percentiles of a bootstrap that draws first-stage units within strata (residents in certainties)
priority   (3) importance x (1 - satisfied)
odds       (4) ordered logit of the outcome on all items at once; errors are design-based (linearised)

Rows with every item and the outcome count; codes 97 and 98 are no answers. Drivers of one survey are
associations, not causes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from itertools import combinations
from math import factorial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from commlab import tables
from commlab.errors import DataError, ParameterError, listing
from commlab.survey.columns import values_of, variables_of
from commlab.survey.compare import holm
from commlab.survey.composite import importance_shares
from commlab.survey.intervals import checked_confidence
from commlab.survey.regress import regression
from commlab.survey.replicate import bootstrap_multipliers
from commlab.survey.satisfaction import satisfaction
from commlab.survey.structure import FloatArray

if TYPE_CHECKING:
    from commlab.survey.design import SurveyDesign

__all__ = ["driver_odds", "drivers", "importance_performance"]

_METHODS = ("shapley", "johnson")
_MOST = 16
"""Items up to which all subsets are visited."""
_SPAN, _STRAY = 2, 0.05
"""What makes a scale of codes, and of others behind a gap strays: least codes less one, and most of them."""


def drivers(
    design: SurveyDesign,
    outcome: str,
    items: Sequence[str],
    *,
    method: str = "shapley",
    draws: int = 200,
    seed: int = 2019,
    scale: tuple[int, int] | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How much each item has to do with the outcome, under survey weights.

    Parameters
    ----------
    design : SurveyDesign
    outcome : str
        Overall satisfaction; numeric.
    items : sequence of str
        At least two numeric items.
    method : "shapley" or "johnson"
        "shapley" visits all subsets: up to 16 items.
    draws : int
        Bootstrap draws for the intervals; 0 for none.
    scale : (int, int), optional
        Lowest and highest code of outcome and items. Default: any numbers, but a few codes far off the others of a
        scale (9 or 99 among 1 to 5) are refused.

    Returns
    -------
    DataFrame
        item, importance (adds up to R^2), share (adds up to 1), ci_low, ci_high (of the share), direction
        (sign of the weighted correlation), n, r2; the most important first.

    Raises
    ------
    DataError
        If too few rows have every answer, a column does not vary, or answers lie off the scale.
    """
    if method not in _METHODS:
        raise ParameterError(f"method={method!r} is not one of {', '.join(_METHODS)}")
    names = variables_of(items)
    if len(names) < 2 or outcome in names:
        raise ParameterError("drivers need at least two items, and the outcome is not among them")
    if method == "shapley" and len(names) > _MOST:
        raise ParameterError(f'{len(names)} items have too many orders; use method="johnson" above {_MOST}')
    level = checked_confidence(confidence)
    x = _answers(design, [*names, outcome], scale)
    used = ~np.isnan(x).any(axis=1) & (design.weights > 0)
    if used.sum() <= len(names) + 1:
        raise DataError(
            f"{int(used.sum())} rows have all {len(names)} items and the outcome; more are needed"
        )
    x, w = x[used], design.weights[used]
    flat = [n for n, s in zip([*names, outcome], x.std(axis=0), strict=True) if s == 0]
    if flat:
        raise DataError(f"everyone gave the same answer to {listing(flat)}; leave it out")
    r = _correlation(x, w)
    importance = _importance(r, method)
    shares = _drawn(x, w, [m[used] for m in bootstrap_multipliers(design, draws, seed)], method)
    limits = _percentiles(shares, level)
    out = pd.DataFrame(
        {
            "item": pd.Series(names, dtype="str"),
            "importance": importance,
            "share": importance / importance.sum(),
            "ci_low": limits[0],
            "ci_high": limits[1],
            "direction": np.sign(r[:-1, -1]).astype(np.int64),
            "n": int(used.sum()),
            "r2": importance.sum(),
        }
    )
    return out.sort_values("importance", ascending=False, kind="stable").reset_index(drop=True)


def _drawn(x: FloatArray, w: FloatArray, multipliers: Sequence[FloatArray], method: str) -> FloatArray:
    """Shares of importance, a row a draw; NaN where a draw has none."""
    found = np.array([_importance(_correlation(x, w * m), method) for m in multipliers])
    found = found.reshape(-1, x.shape[1] - 1)
    totals = found.sum(axis=1, keepdims=True)
    return found / np.where(totals > 0, totals, np.nan)


def _percentiles(draws: FloatArray, level: float) -> FloatArray:
    """Lower and upper limits of every column, over the draws without NaN."""
    known = draws[np.isfinite(draws).all(axis=1)]
    tail = 100 * (1 - level) / 2
    return (
        np.percentile(known, [tail, 100 - tail], axis=0)
        if len(known)
        else np.full((2, draws.shape[1]), np.nan)
    )


def _answers(design: SurveyDesign, names: Sequence[str], scale: tuple[int, int] | None) -> FloatArray:
    """Answers on the scale, a column each.

    Raises
    ------
    DataError
        If answers lie off the scale, all items at once.
    """
    x = np.column_stack([values_of(design, name) for name in names])
    x[np.isin(x, (tables.DONT_KNOW, tables.NOT_APPLICABLE))] = np.nan
    faults = []
    for name, y in zip(names, x[design.weights > 0].T, strict=True):
        off = _off(y[~np.isnan(y)], scale)
        if len(off):
            faults.append(f'"{name}" has {len(off)} answers off its scale: {listing(np.unique(off))}')
    if faults:
        raise DataError(
            "; ".join(faults) + "; mend the codebook, or give scale=(lowest, highest)", faults=faults
        )
    return x


def _off(y: FloatArray, scale: tuple[int, int] | None) -> FloatArray:
    """Answers off the scale; without one, those few that lie behind a gap above the codes from 0 or 1 on."""
    if scale is not None:
        return y[(y < scale[0]) | (y > scale[1]) | (y % 1 != 0)]
    codes = np.unique(y)
    if not len(codes) or codes[0] not in (0, 1) or (codes % 1).any():
        return y[:0]
    last = codes[np.flatnonzero(np.diff(codes, append=np.inf) > 1)[0]]
    off = y[y > last]
    return off if last - codes[0] >= _SPAN and len(off) < _STRAY * len(y) else y[:0]


def _correlation(x: FloatArray, w: FloatArray) -> FloatArray:
    centred = x - (w @ x) / w.sum()
    cov = centred.T @ (centred * w[:, None])
    scale = np.sqrt(np.diag(cov))
    with np.errstate(invalid="ignore", divide="ignore"):
        return cov / np.outer(scale, scale)


def _importance(r: FloatArray, method: str) -> FloatArray:
    if not np.isfinite(r).all():
        return np.full(len(r) - 1, np.nan)
    return _shapley(r) if method == "shapley" else _johnson(r)


def _shapley(r: FloatArray) -> FloatArray:
    """(1) from the R^2 of all subsets, those of one size at once."""
    p = len(r) - 1
    xx, xy = r[:-1, :-1], r[:-1, -1]
    r2 = np.zeros(1 << p)
    gain = np.zeros(p)
    for size in range(1, p + 1):
        at = np.array(list(combinations(range(p), size)))
        mark = (1 << at).sum(axis=1)
        inside, to = xx[at[:, :, None], at[:, None, :]], xy[at]
        try:
            b = np.linalg.solve(inside, to[:, :, None])[:, :, 0]
        except np.linalg.LinAlgError:  # items that repeat each other
            b = (np.linalg.pinv(inside, hermitian=True) @ to[:, :, None])[:, :, 0]
        r2[mark] = (b * to).sum(axis=1)
        # Orders in which exactly the others of the subset come before the item: (size - 1)! (p - size)! / p!
        weight = factorial(size - 1) * factorial(p - size) / factorial(p)
        steps = r2[mark][:, None] - r2[mark[:, None] - (1 << at)]
        gain += weight * np.bincount(at.ravel(), steps.ravel(), p)
    return gain


def _johnson(r: FloatArray) -> FloatArray:
    """(2)"""
    values, vectors = np.linalg.eigh(r[:-1, :-1])
    root = vectors * np.sqrt(np.clip(values, 0, None)) @ vectors.T
    beta = np.linalg.lstsq(root, r[:-1, -1], rcond=None)[0]
    return root**2 @ beta**2


def driver_odds(
    design: SurveyDesign,
    outcome: str,
    items: Sequence[str],
    *,
    scale: tuple[int, int] | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How much the odds of a higher answer to the outcome grow with each item, the others held (4).

    Parameters
    ----------
    design : SurveyDesign
    outcome : str
        Overall satisfaction, as ordered codes.
    items : sequence of str
    scale : (int, int), optional
        As of ``drivers``.

    Returns
    -------
    DataFrame
        item, estimate (log odds a point of the item), se, odds_ratio with ci_low and ci_high, df, p_value, p_holm
        (over the items), n; in the given order.

    Raises
    ------
    DataError
        As ``regression``: collinear items, an item that tells the answers apart without error, too few units.
    """
    names = variables_of(items)
    if outcome in names:
        raise ParameterError(f'outcome "{outcome}" stands among the items too')
    columns = [f"x{i}" for i in range(len(names))]
    data = pd.DataFrame(_answers(design, [*names, outcome], scale), columns=[*columns, "y"])
    plain = copy(design)
    plain.data = pd.concat([design.data.reset_index(drop=True).add_prefix("_"), data], axis=1)
    fit = regression(
        plain,
        "y ~ " + " + ".join(columns),
        family="ordinal",
        confidence=confidence,
    )
    table = fit.table.head(len(names))
    return pd.DataFrame(
        {
            "item": pd.Series(names, dtype="str"),
            "estimate": table["estimate"],
            "se": table["se"],
            "odds_ratio": np.exp(table["estimate"]),
            "ci_low": np.exp(table["ci_low"]),
            "ci_high": np.exp(table["ci_high"]),
            "df": table["df"],
            "p_value": table["p_value"],
            "p_holm": holm(table["p_value"]),
            "n": table["n"],
        }
    )


def importance_performance(
    design: SurveyDesign,
    items: Sequence[str],
    *,
    importance: pd.Series | pd.DataFrame | str,
    confidence: float = 0.95,
    draws: int = 200,
    seed: int = 2019,
    **options: object,
) -> pd.DataFrame:
    """Which items matter and do badly.

    Parameters
    ----------
    design : SurveyDesign
    items : sequence of str
        Five-point items; ``options`` go to ``satisfaction`` (scale, scores, satisfied).
    importance : Series, DataFrame or str
        Importance per item (Series), the result of ``drivers`` (its shares and their intervals), or the
        name of the outcome, from which ``drivers`` works it out.
    draws, seed : int
        Bootstrap of the priorities, where the outcome is given: importance and satisfied share vary together, as
        they do in the sample. Intervals of given importances are taken as independent of the survey's; a Series
        is held as it is.

    Returns
    -------
    DataFrame
        item, importance, performance (index 0-100) with ci_low and ci_high, satisfied, priority (importance
        x (1 - satisfied), importances adding up to 1) with priority_low and priority_high, quadrant: ``keep``
        (important, good), ``improve`` (important, poor), ``maintain`` (less important, good), ``watch`` (less
        important, poor), or ``undecided`` where an interval crosses the border (the mean importance, the
        mean performance). The highest priority first.
    """
    names = variables_of(items)
    outcome = importance if isinstance(importance, str) else None
    if isinstance(importance, str):
        scale: Any = options.get("scale")
        importance = drivers(
            design, importance, names, confidence=confidence, draws=draws, seed=seed, scale=scale
        )
    given = importance.set_index("item") if isinstance(importance, pd.DataFrame) else importance
    lacking = [n for n in names if n not in given.index]
    if lacking:
        raise ParameterError(f"no importance is given for {listing(lacking)}")
    if isinstance(given, pd.DataFrame):
        weight = given.loc[names, ["share", "ci_low", "ci_high"]]
    else:
        weight = pd.DataFrame(dict.fromkeys(("share", "ci_low", "ci_high"), importance_shares(given, names)))
    found = satisfaction(design, names, confidence=confidence, **options)  # type: ignore[arg-type]
    index = found[found["statistic"] == "index"].set_index("item").loc[names]
    yes = found[found["statistic"] == "satisfied"].set_index("item").loc[names]
    share = weight["share"].to_numpy(dtype=float)
    share_low, share_high = (weight[c].to_numpy(dtype=float) for c in ("ci_low", "ci_high"))
    value = index["estimate"].to_numpy()
    across, up = float(np.mean(share)), float(np.nanmean(value))
    important, good = share >= across, value >= up
    quadrant = np.select(
        [important & good, important & ~good, ~important & good], ["keep", "improve", "maintain"], "watch"
    )
    crossing = ((share_low < across) & (share_high > across)) | (
        (index["ci_low"].to_numpy() < up) & (index["ci_high"].to_numpy() > up)
    )
    if outcome is not None and draws > 0:
        limits = _percentiles(_priorities(design, outcome, names, draws, seed, options), confidence)
    else:
        # Half lengths of a product: d(s u)^2 = (u ds)^2 + (s du)^2, u = 1 - satisfied
        open_ = 1 - yes[["estimate", "ci_low", "ci_high"]].to_numpy()
        sides = [
            (share_low - share, open_[:, 2] - open_[:, 0]),
            (share_high - share, open_[:, 1] - open_[:, 0]),
        ]
        away = [np.hypot(open_[:, 0] * d, share * u) for d, u in sides]
        limits = np.stack([np.maximum(share * open_[:, 0] - away[0], 0), share * open_[:, 0] + away[1]])
    out = pd.DataFrame(
        {
            "item": pd.Series(names, dtype="str"),
            "importance": share,
            "performance": value,
            "ci_low": index["ci_low"].to_numpy(),
            "ci_high": index["ci_high"].to_numpy(),
            "satisfied": yes["estimate"].to_numpy(),
            "priority": share * (1 - yes["estimate"].to_numpy()),  # (3)
            "priority_low": limits[0],
            "priority_high": limits[1],
            "quadrant": pd.Series(np.where(crossing, "undecided", quadrant), dtype="str"),
        }
    )
    return out.sort_values("priority", ascending=False, kind="stable").reset_index(drop=True)


def _priorities(
    design: SurveyDesign,
    outcome: str,
    names: Sequence[str],
    draws: int,
    seed: int,
    options: Mapping[str, object],
) -> FloatArray:
    """(3) in every draw of the bootstrap, importance and satisfied shares from the same units."""
    x = _answers(design, [*names, outcome], None)
    used, w = ~np.isnan(x).any(axis=1) & (design.weights > 0), design.weights
    multipliers = list(bootstrap_multipliers(design, draws, seed))
    shares = _drawn(x[used], w[used], [m[used] for m in multipliers], "shapley")
    answered = ~np.isnan(x[:, :-1])
    satisfied: Any = options.get("satisfied", (4, 5))
    unsatisfied = answered & ~np.isin(x[:, :-1], satisfied)
    drawn = np.stack(multipliers) * w
    asked = drawn @ answered
    return shares * (drawn @ unsatisfied) / np.where(asked > 0, asked, np.nan)
