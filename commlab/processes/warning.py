"""Early warning: has the number of events of a place risen above what it used to be?

``early_warning`` draws a CUSUM of counts for every place and says how often it would cry wolf; ``run_length`` and
``alarm_probability`` compute the same chart exactly where the usual rate is known.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing

__all__ = ["alarm_probability", "early_warning", "run_length"]

FINEST = 20
"""Largest denominator of the grid on which a chart is computed exactly."""
NEGLIGIBLE = 1e-10


def early_warning(
    counts: pd.DataFrame,
    *,
    baseline: int,
    rise: float = 1.5,
    false_alarm: float = 0.05,
    family: bool = True,
    exposure: pd.DataFrame | None = None,
    draws: int = 10_000,
    seed: int,
) -> pd.DataFrame:
    """Cumulative sums of what each place counts above its reference value, with a limit of stated false-alarm rate.

    Parameters
    ----------
    counts : DataFrame, shape (periods, places)
        Whole numbers >= 0, the earliest period first. A place with a missing count is left out.
    baseline : int
        The first periods, which say what is usual; the others are watched.
    rise : float
        The rate to be found soon, as a multiple of the usual one; above 1.
    false_alarm : float
        Largest probability of any alarm in the watched periods while nothing has changed.
    family : bool
        True: that probability holds for all places together (it is divided among them); False: for each.
    exposure : DataFrame, optional
        What the counts come from (population); same shape. Default: the same everywhere.
    draws, seed : int
        Of the simulation that sets the limits.

    Returns
    -------
    DataFrame
        unit, period, count, expected, reference, cusum, limit, watched, alarm, begins (the first period of the rise that
        an alarm tells of), p_value (of the place), dispersion (variance over mean of the baseline; about 1 where counts
        are Poisson). Baseline periods have no cusum.

    Raises
    ------
    DataError
        If a count is negative or no whole number, or an exposure is missing or not above 0.
    ParameterError
        If no period is left to be watched, or ``rise``, ``false_alarm`` or ``draws`` cannot work.

    Notes
    -----
    (1) expected_t = exposure_t * sum(counts of the baseline) / sum(exposure of the baseline)
    (2) reference_t = expected_t (rise - 1) / ln(rise)
    (3) S_t = max(0, S_(t-1) + count_t - reference_t), S = 0 at the end of the baseline; alarm where S_t >= limit
    Where the rate per exposure is constant, the counts given their total are multinomial with the shares of the exposure,
    whatever that rate is. The limit is the quantile of the largest S over such draws, so that the false-alarm rate holds
    although the usual rate is estimated, and p = (1 + number of draws at least as large) / (draws + 1).
    Counts that vary more than Poisson (dispersion well above 1) alarm more often.
    Source: (2), (3) Lucas, Technometrics 27 (1985) 129-144; the simulated limit: Barnard, J. R. Stat. Soc. B 25 (1963) 294.

    Examples
    --------
    >>> counts = pd.DataFrame({"a": [10, 9, 11, 10, 10, 9], "b": [10, 9, 11, 10, 24, 27]})
    >>> chart = early_warning(counts, baseline=4, seed=1)
    >>> chart.loc[chart["alarm"], ["unit", "period"]].to_numpy().tolist()
    [['b', 4], ['b', 5]]
    """
    _check_chart(counts, baseline, rise, false_alarm, draws)
    weights = _exposures(counts, exposure)
    known = [c for c in counts if counts[c].notna().all()]
    level = false_alarm / max(len(known), 1) if family else false_alarm
    place = math.floor(level * (draws + 1))
    if place < 1:
        raise ParameterError(
            f"{draws} draws cannot set a limit of {level:.2g} a place; ask for at least {math.ceil(1 / level)}"
        )
    dice = np.random.default_rng(seed)
    charts = [
        _chart(counts[c].to_numpy(dtype="int64"), weights[c].to_numpy(), baseline, rise, place, draws, dice)
        for c in known
    ]
    frames = [
        frame.assign(unit=unit, period=list(counts.index)) for unit, frame in zip(known, charts, strict=True)
    ]
    first = ["unit", "period"]
    if not frames:
        return pd.DataFrame(columns=[*first, *_COLUMNS])
    out = pd.concat(frames, ignore_index=True)
    return out[[*first, *_COLUMNS]]


_COLUMNS = (
    "count", "expected", "reference", "cusum", "limit", "watched", "alarm", "begins", "p_value", "dispersion",
)  # fmt: skip


def _chart(
    counts: np.ndarray,
    weights: np.ndarray,
    baseline: int,
    rise: float,
    place: int,
    draws: int,
    dice: np.random.Generator,
) -> pd.DataFrame:
    """The chart of one place."""
    reference = _references(counts[None, :], weights, baseline, rise)
    path = _sums(counts[None, baseline:], reference[:, baseline:])[0]
    simulated = dice.multinomial(counts.sum(), weights / weights.sum(), size=draws)
    told = _references(simulated, weights, baseline, rise)
    largest = _sums(simulated[:, baseline:], told[:, baseline:]).max(axis=1)
    limit = float(np.nextafter(np.sort(largest)[-place], np.inf))
    first = counts[:baseline]
    out = pd.DataFrame(
        {
            "count": counts,
            "expected": reference[0] * math.log(rise) / (rise - 1),
            "reference": reference[0],
            "cusum": np.concatenate([np.full(baseline, np.nan), path]),
            "limit": limit,
            "watched": np.arange(len(counts)) >= baseline,
            "p_value": (1 + (largest >= path.max()).sum()) / (draws + 1),
            "dispersion": first.var(ddof=1) / first.mean() if first.any() and baseline > 1 else np.nan,
        }
    )
    out["alarm"] = out["cusum"] >= limit
    zero = np.where(path == 0, np.arange(len(path)), -1)
    begins = pd.Series(baseline + np.maximum.accumulate(zero) + 1, index=out.index[baseline:], dtype="Int64")
    out["begins"] = begins.where(out["alarm"]).reindex(out.index)
    return out


def _references(counts: np.ndarray, weights: np.ndarray, baseline: int, rise: float) -> np.ndarray:
    usual = counts[:, :baseline].sum(axis=1) / weights[:baseline].sum()
    # (1), (2)
    return usual[:, None] * weights[None, :] * (rise - 1) / math.log(rise)


def _sums(counts: np.ndarray, reference: np.ndarray) -> np.ndarray:
    out = np.zeros(counts.shape)
    last = np.zeros(len(counts))
    for t in range(counts.shape[1]):
        last = np.maximum(0.0, last + counts[:, t] - reference[:, t])  # (3)
        out[:, t] = last
    return out


def _check_chart(counts: pd.DataFrame, baseline: int, rise: float, false_alarm: float, draws: int) -> None:
    if baseline < 1 or baseline >= len(counts):
        raise ParameterError(
            f"baseline is {baseline} of {len(counts)} periods; leave at least one to know what is usual and one to watch"
        )
    if not (math.isfinite(rise) and rise > 1):
        raise ParameterError(f"rise must be above 1 (a multiple of the usual rate), found {rise}")
    if not 0 < false_alarm < 1:
        raise ParameterError(f"false_alarm must be between 0 and 1, found {false_alarm}")
    if draws < 1:
        raise ParameterError(f"draws must be at least 1, found {draws}")
    if not counts.columns.is_unique or not counts.index.is_unique:
        raise DataError("a place or a period stands twice in the counts; add up what belongs together")
    numbers = counts.to_numpy(dtype="float64", na_value=np.nan)
    odd = ~np.isnan(numbers) & ~((numbers >= 0) & (numbers == np.floor(numbers)) & np.isfinite(numbers))
    if odd.any():
        cells = [f"{counts.columns[c]} {counts.index[r]}: {numbers[r, c]:g}" for r, c in np.argwhere(odd)]
        raise DataError(
            f"{len(cells)} counts are negative or no whole numbers ({listing(cells)}); correct them"
        )


def _exposures(counts: pd.DataFrame, exposure: pd.DataFrame | None) -> pd.DataFrame:
    if exposure is None:
        return pd.DataFrame(1.0, index=counts.index, columns=counts.columns)
    given = exposure.reindex(index=counts.index, columns=counts.columns).astype("float64")
    lacking = (counts.notna() & ~(np.isfinite(given) & (given > 0))).any()
    if lacking.any():
        raise DataError(
            f"the exposure of {listing(lacking.index[lacking])} is missing or not above 0 in some period; complete it"
        )
    return given


def run_length(rate: float, *, reference: float, limit: float) -> float:
    """Mean number of periods until the chart alarms, where the events follow a Poisson law of this rate.

    Parameters
    ----------
    rate : float
        Mean count of a period: the usual one for the mean time between false alarms.
    reference, limit : float
        Of the chart; it alarms where S >= limit.

    Notes
    -----
    (1) With Q the transitions among the values of S below the limit: run lengths L = (I - Q)^-1 1; from S = 0, L_0.
    ``reference`` is taken as the nearest fraction with a denominator of at most ``FINEST``, which spans the grid of S.
    Source: Brook and Evans, Biometrika 59 (1972) 539-549.

    Examples
    --------
    >>> round(run_length(1.88, reference=2, limit=6), 1)
    37.2
    """
    between = _transitions(rate, reference, limit)
    return float(np.linalg.solve(np.eye(len(between)) - between, np.ones(len(between)))[0])  # (1)


def alarm_probability(rate: float, *, reference: float, limit: float, periods: int) -> float:
    """Probability that the chart, begun at 0, alarms within so many periods of Poisson counts of this rate.

    Examples
    --------
    >>> round(alarm_probability(1.0, reference=1, limit=1, periods=1), 4)  # two events or more
    0.2642
    """
    if periods < 0:
        raise ParameterError(f"periods must be at least 0, found {periods}")
    between = _transitions(rate, reference, limit)
    return float(1 - np.linalg.matrix_power(between, periods)[0].sum())


def _transitions(rate: float, reference: float, limit: float) -> np.ndarray:
    from scipy.stats import poisson

    for name, value in (("rate", rate), ("reference", reference), ("limit", limit)):
        if not (math.isfinite(value) and value > 0):
            raise ParameterError(f"{name} must be above 0, found {value}")
    step = Fraction(reference).limit_denominator(FINEST)
    grid = step.denominator
    states = max(math.ceil(limit * grid - NEGLIGIBLE), 1)  # S = 0, 1/grid, ... below the limit
    most = math.ceil(states / grid + step) + 1
    chances = poisson.pmf(np.arange(most + 1), rate)
    out = np.zeros((states, states))
    for state in range(states):
        reached = np.maximum(0, state + np.arange(most + 1) * grid - step.numerator)
        inside = reached < states
        np.add.at(out[state], reached[inside], chances[inside])
    return out
