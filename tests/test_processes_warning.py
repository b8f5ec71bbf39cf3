"""Early warning: the recursion, the stated false-alarm rate by simulation, run lengths against published ones."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import poisson

from commlab.errors import DataError, ParameterError
from commlab.processes import alarm_probability, early_warning, run_length

LUCAS = json.loads((Path(__file__).parent / "reference/processes.json").read_text(encoding="utf-8"))[
    "poisson_cusum"
]

PLACES, RUNS = 250, 30


def test_run_lengths_are_the_published_ones() -> None:
    chart = {"reference": LUCAS["reference"], "limit": LUCAS["limit"]}
    assert run_length(LUCAS["rate"], **chart) == pytest.approx(LUCAS["in_control"], abs=0.05)
    shifted = LUCAS["rate"] + LUCAS["shift"] * math.sqrt(LUCAS["rate"])
    assert run_length(shifted, **chart) == pytest.approx(LUCAS["shifted"], abs=0.005)


def test_the_recursion_by_hand() -> None:
    counts = pd.DataFrame({"a": [10, 10, 15, 9, 20]}, index=["q1", "q2", "q3", "q4", "q5"])
    chart = early_warning(counts, baseline=2, rise=1.5, seed=1)
    k = 10 * 0.5 / math.log(1.5)
    s3 = 15 - k
    assert chart["expected"].tolist() == pytest.approx([10] * 5)
    assert chart["cusum"].iloc[2:].tolist() == pytest.approx(
        [s3, max(0, s3 + 9 - k), max(0, s3 + 9 - k) + 20 - k]
    )
    assert chart["cusum"].iloc[:2].isna().all() and chart["watched"].tolist() == [
        False,
        False,
        True,
        True,
        True,
    ]


def test_one_watched_period_is_an_exact_binomial_test() -> None:
    """Given the total, the last count is binomial; its largest counts of probability 5 % raise the alarm."""
    from scipy.stats import binom

    counts = pd.DataFrame({"a": [10, 10, 10, 20]})
    chart = early_warning(counts, baseline=3, draws=40_000, seed=2)
    assert chart["p_value"].iloc[0] == pytest.approx(binom.sf(19, 50, 0.25), abs=0.003)


@pytest.mark.parametrize("uneven", [False, True])
def test_the_stated_false_alarm_rate_holds(uneven: bool) -> None:
    """Places where nothing changes, whose usual rate is estimated from 8 quarters: at most 5 % may alarm."""
    dice = np.random.default_rng(7)
    exposure = pd.DataFrame(np.outer(np.linspace(1, 1.5, 12) if uneven else np.ones(12), np.ones(PLACES)))
    counts = pd.DataFrame(dice.poisson(25 * exposure))
    chart = early_warning(
        counts, baseline=8, false_alarm=0.05, family=False, exposure=exposure, draws=199, seed=3
    )
    rate = chart.groupby("unit")["alarm"].any().mean()
    assert abs(rate - 0.05) < 3 * math.sqrt(0.05 * 0.95 / PLACES)


def test_a_family_of_places_shares_its_rate() -> None:
    dice = np.random.default_rng(11)
    alarms = 0
    for run in range(RUNS):
        chart = early_warning(
            pd.DataFrame(dice.poisson(20, (12, 3))), baseline=8, false_alarm=0.2, draws=99, seed=run
        )
        alarms += bool(chart["alarm"].any())
    assert alarms <= RUNS * 0.2 + 3 * math.sqrt(RUNS * 0.2 * 0.8)


def test_a_rise_is_found_and_dated() -> None:
    counts = pd.DataFrame({"a": [30, 28, 33, 29, 31, 30, 27, 32, 30, 52, 55, 50], "b": [30] * 12})
    chart = early_warning(counts, baseline=8, seed=1)
    first = chart[chart["alarm"]].iloc[0]
    assert (first["unit"], first["period"], first["begins"]) == ("a", 9, 9)
    assert not chart.loc[chart["unit"] == "b", "alarm"].any()


def test_alarm_probability_and_run_length_by_simulation() -> None:
    dice = np.random.default_rng(5)
    draws = dice.poisson(3.0, (20_000, 12))
    s, hit = np.zeros(20_000), np.zeros(20_000, dtype=bool)
    for t in range(12):
        s = np.maximum(0, s + draws[:, t] - 3.5)
        hit |= s >= 6
    assert alarm_probability(3.0, reference=3.5, limit=6, periods=12) == pytest.approx(hit.mean(), abs=0.01)
    assert alarm_probability(3.0, reference=3.5, limit=6, periods=0) == 0
    p = poisson.sf(2, 1.0)
    assert run_length(1.0, reference=2, limit=1) == pytest.approx(
        1 / p
    )  # alarms on 3 or more, whatever came before


def test_places_without_events_or_with_gaps() -> None:
    counts = pd.DataFrame({"none": [0, 0, 0, 0], "gap": [1, None, 2, 3], "all late": [0, 0, 0, 9]})
    chart = early_warning(counts, baseline=2, seed=1)
    assert set(chart["unit"]) == {"none", "all late"}
    assert not chart.loc[chart["unit"] == "none", "alarm"].any()
    assert early_warning(counts[["gap"]], baseline=2, seed=1).empty


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        ({"baseline": 4}, ParameterError, "baseline is 4 of 4 periods"),
        ({"baseline": 0}, ParameterError, "baseline is 0"),
        ({"rise": 1.0}, ParameterError, "rise must be above 1"),
        ({"rise": math.nan}, ParameterError, "rise must be above 1"),
        ({"false_alarm": 0.0}, ParameterError, "false_alarm must be between 0 and 1"),
        ({"draws": 10}, ParameterError, "10 draws cannot set a limit of 0.05 a place; ask for at least 20"),
        ({"counts": pd.DataFrame({"a": [1, -2, 3, 4]})}, DataError, "a 1: -2"),
        ({"counts": pd.DataFrame({"a": [1, 2.5, 3, np.inf]})}, DataError, "2 counts are negative or no whole"),
        ({"exposure": pd.DataFrame({"a": [1, 1, 0, 1]})}, DataError, "the exposure of a is missing"),
        ({"counts": pd.DataFrame([[1, 2]] * 4, columns=["a", "a"])}, DataError, "stands twice"),
    ],
)  # fmt: skip
def test_what_cannot_be_charted_is_refused(change: dict, error: type[Exception], told: str) -> None:
    good = {"counts": pd.DataFrame({"a": [1, 2, 3, 4]}), "baseline": 2, "seed": 1}
    with pytest.raises(error, match=told):
        early_warning(**(good | change))


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(0, 40), min_size=4, max_size=10), st.integers(2, 5))
def test_laws_of_the_chart(counts: list[int], factor: int) -> None:
    """S is never negative, and the unit of the exposure does not matter."""
    frame = pd.DataFrame({"a": counts})
    ones = pd.DataFrame({"a": [1.0] * len(counts)})
    chart = early_warning(frame, baseline=2, draws=99, seed=1, exposure=ones)
    same = early_warning(frame, baseline=2, draws=99, seed=1, exposure=ones * factor)
    assert (chart["cusum"].dropna() >= 0).all()
    assert np.allclose(chart["cusum"].dropna(), same["cusum"].dropna())
