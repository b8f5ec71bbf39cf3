"""Ratings as they come: what is kept and told, whatever the order of arrival; control limits against printed ones."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commlab.errors import DataError, ParameterError
from commlab.processes import individuals_chart, p_chart, settle, subgroups

REFERENCE = Path(__file__).parent / "reference"


def rows(*lines: tuple) -> pd.DataFrame:
    frame = pd.DataFrame(lines, columns=["key", "at", "value", "arrived"])
    times = {c: pd.to_datetime(frame[c], format="mixed") for c in ("at", "arrived")}
    return frame.assign(**times).astype({"key": "str", "value": "float64"})


# ------------------------------------------------------------------------------------------ what counts


@pytest.mark.parametrize(
    ("lines", "kept", "told"),
    [
        ([("a", "2021-07-01 09:00", 5, "2021-07-02")], ["a"], {}),
        ([("b", "2021-07-02", 5, "2021-07-03"), ("a", "2021-07-01", 4, "2021-07-03")], ["a", "b"], {}),
        ([("a", "2021-07-01", 5, "2021-07-02")] * 3, ["a"], {"repeated": 2}),
        ([("a", "2021-07-01", 5, "2021-07-02"), ("a", "2021-07-03", 2, "2021-07-04")], ["a"], {"replaced": 1}),
        ([("a", "2021-07-01", 5, "2021-07-02"), ("a", "2021-07-01", 1, "2021-07-02")], [], {"contradictory": 2}),
        ([("a", "2021-07-01", 5, "2021-07-20")], ["a"], {"late": 1}),
        ([("a", "2021-07-01", 5, "2021-07-15")], ["a"], {}),  # exactly as late as is still in time
        ([("a", "2021-07-02 00:01", 5, "2021-07-01 23:59")], [], {"ahead": 1}),
        ([("a", "2021-07-01 23:00", 5, "2021-07-01")], ["a"], {}),  # later in the day that its file came
        ([("a", "2021-07-01", 6, "2021-07-02"), ("b", "2021-07-01", 0, "2021-07-02")], [], {"off_scale": 2}),
        ([(None, "2021-07-01", 5, "2021-07-02"), ("a", None, 5, "2021-07-02"), ("b", "2021-07-01", None, "2021-07-02")],
         [], {"incomplete": 3}),
        ([("a", "2021-07-01", 5, None)], ["a"], {}),  # nobody knows when it came
        ([], [], {}),
    ],
)  # fmt: skip
def test_every_row_is_kept_once_or_told(lines: list, kept: list[str], told: dict[str, int]) -> None:
    found = settle(rows(*lines), low=1, high=5, grace=14)
    assert found.ratings["key"].tolist() == kept
    assert {w: n for w, n in found.counts.drop(["given", "kept"]).items() if n} == told
    aside = found.counts.drop(["given", "kept", "late"]).sum()
    assert found.counts["given"] == found.counts["kept"] + aside == len(lines)


def test_a_changed_rating_counts_with_its_last_mark() -> None:
    found = settle(rows(("a", "2021-07-03", 2, "2021-07-04"), ("a", "2021-07-01", 5, "2021-07-09")), grace=14)
    assert found.ratings[["value"]].to_numpy().tolist() == [[2.0]] and found.told["why"].tolist() == [
        "replaced"
    ]


def test_a_copy_that_comes_later_does_not_make_a_rating_late() -> None:
    found = settle(rows(("a", "2021-07-01", 5, "2021-09-01"), ("a", "2021-07-01", 5, "2021-07-02")), grace=14)
    assert found.counts["late"] == 0 and found.ratings["arrived"].tolist() == [pd.Timestamp("2021-07-02")]


def test_late_ones_say_how_late() -> None:
    found = settle(rows(("a", "2021-07-01 22:00", 5, "2021-07-31 01:00")), grace=14)
    assert found.told[["why", "days"]].to_numpy().tolist() == [["late", 30.0]]


_LINE = st.tuples(
    st.sampled_from(["a", "b", "c", None]),
    st.sampled_from(["2021-07-01", "2021-07-02 08:00", "2021-08-01", None]),
    st.sampled_from([1.0, 5.0, 9.0, math.nan]),
    st.sampled_from(["2021-07-02", "2021-08-02", None]),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(_LINE, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_nothing(lines: list, dice) -> None:
    shuffled = list(lines)
    dice.shuffle(shuffled)
    one, other = (settle(rows(*x), low=1, high=5, grace=14) for x in (lines, shuffled))
    pd.testing.assert_frame_equal(one.ratings, other.ratings)
    pd.testing.assert_frame_equal(one.told, other.told)
    pd.testing.assert_series_equal(one.counts, other.counts)
    again = settle(one.ratings, low=1, high=5, grace=14)  # once settled, settled
    pd.testing.assert_frame_equal(again.ratings, one.ratings)


@pytest.mark.parametrize(
    ("frame", "more", "message"),
    [
        (pd.DataFrame({"key": ["a"]}), {}, "lack the columns at, value"),
        (pd.DataFrame({"key": ["a"], "at": ["yesterday"], "value": [1]}), {}, "must hold dates"),
        (rows(), {"low": 5, "high": 5}, "from low to high"),
        (rows(), {"grace": -1}, "number of days"),
    ],
)
def test_what_cannot_be_settled_is_said(frame: pd.DataFrame, more: dict, message: str) -> None:
    with pytest.raises((DataError, ParameterError), match=message):
        settle(frame, **more)


# ----------------------------------------------------------------------------------------- by time


def test_weeks_begin_on_monday_and_have_no_holes() -> None:
    at = pd.to_datetime(["2021-11-07 23:59", "2021-11-08 00:00", "2021-11-24"], format="mixed")
    found = subgroups(pd.DataFrame({"at": at, "value": [5.0, 3.0, 4.0]}), satisfied=4)
    assert found["at"].dt.strftime("%m-%d").tolist() == ["11-01", "11-08", "11-15", "11-22"]
    assert found[["n", "x"]].to_numpy().tolist() == [[1, 1], [1, 0], [0, 0], [1, 1]]
    assert subgroups(found.iloc[:0].assign(value=[]), satisfied=4).empty
    with pytest.raises(ParameterError, match="day, week, month"):
        subgroups(found.assign(value=1.0), every="fortnight", satisfied=4)


# ------------------------------------------------------------------------------------------- limits


def test_p_chart_has_the_limits_of_the_textbook() -> None:
    cans = pd.read_csv(REFERENCE / "control_charts.csv", comment="#").query("chart == 'cans'")
    chart = p_chart(pd.DataFrame({"n": 50, "x": cans["value"].astype(int)}), run=30)
    first = chart.iloc[0]
    assert [round(first[c], 4) for c in ("middle", "low", "high")] == [0.2313, 0.0524, 0.4102]
    assert (chart.index[chart["signal"] == "above"] + 1).tolist() == [15, 23]


def test_individuals_chart_has_the_limits_of_the_handbook() -> None:
    flow = pd.read_csv(REFERENCE / "control_charts.csv", comment="#").query("chart == 'flow'")["value"]
    chart = individuals_chart(flow)
    # The handbook rounds d2 to 1.128, which moves the limits by 0.002.
    assert chart.loc[0, ["middle", "low", "high"]].tolist() == pytest.approx(
        [50.81, 45.8159, 55.8041], abs=2e-3
    )
    assert chart["moving_range"].mean() == pytest.approx(1.8778, abs=5e-5)
    assert not chart["signal"].any()


def test_false_alarms_are_counted_exactly() -> None:
    from scipy.stats import binom

    chart = p_chart(pd.DataFrame({"n": [20, 20], "x": [10, 10]}))
    inside = [x for x in range(21) if chart.loc[0, "low"] <= x / 20 <= chart.loc[0, "high"]]
    assert chart["false_alarm"].tolist() == pytest.approx([1 - binom.pmf(inside, 20, 0.5).sum()] * 2)


def test_limits_come_from_the_baseline_and_runs_are_signals() -> None:
    n = 12
    counts = pd.DataFrame({"n": 100, "x": [50, 52, 48] + [55] * (n - 3)})
    base = pd.Series([True] * 3 + [False] * (n - 3))
    chart = p_chart(counts, baseline=base, run=9)
    assert chart["middle"].iloc[0] == 0.5 and chart["signal"].tolist() == [""] * 11 + ["run"]
    assert p_chart(counts, baseline=base, run=4)["signal"].tolist() == [""] * 6 + ["run"] * 6


def test_adjusted_limits_follow_what_varies_more_than_chance() -> None:
    dice = np.random.default_rng(1)
    p = np.clip(0.8 + dice.normal(0, 0.05, 60), 0, 1)
    counts = pd.DataFrame({"n": 2000, "x": dice.binomial(2000, p)})
    plain, wide = p_chart(counts, run=99), p_chart(counts, run=99, adjusted=True)
    assert (plain["signal"] != "").sum() > 10 and (wide["signal"] != "").sum() <= 1
    # sigma_z of Laney: about sqrt(sigma_between^2 + sigma_within^2) / sigma_within
    factor = (wide["high"] - wide["middle"]).iloc[0] / (plain["high"] - plain["middle"]).iloc[0]
    assert factor == pytest.approx(math.hypot(0.05, math.sqrt(0.16 / 2000)) / math.sqrt(0.16 / 2000), rel=0.2)


def test_points_without_ratings_have_no_share_and_break_no_run() -> None:
    chart = p_chart(pd.DataFrame({"n": [10, 0, 10], "x": [5, 0, 5]}))
    assert (
        math.isnan(chart.loc[1, "share"])
        and chart.loc[1, "signal"] == ""
        and math.isnan(chart.loc[1, "high"])
    )
    everything = p_chart(pd.DataFrame({"n": [10, 10], "x": [10, 10]}))
    assert not everything["signal"].any() and everything["low"].tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: p_chart(pd.DataFrame({"n": [5], "x": [6]})), "0 <= x <= n"),
        (lambda: p_chart(pd.DataFrame({"n": [5.5], "x": [2]})), "whole counts"),
        (lambda: p_chart(pd.DataFrame({"n": [math.inf], "x": [2]})), "whole counts"),
        (lambda: p_chart(pd.DataFrame({"n": [0], "x": [0]})), "no rating"),
        (lambda: p_chart(pd.DataFrame({"x": [0]})), "lack the columns n"),
        (lambda: p_chart(pd.DataFrame({"n": [5], "x": [2]}), width=0), "above 0"),
        (lambda: p_chart(pd.DataFrame({"n": [5], "x": [2]}), run=1), "at least 2"),
        (
            lambda: p_chart(pd.DataFrame({"n": [5], "x": [2]}), baseline=pd.Series([True, True])),
            "each of the 1 points",
        ),
        (lambda: individuals_chart(pd.Series([1.0, math.nan])), "at least 2 values"),
    ],
)
def test_charts_say_what_they_cannot_draw(call, message: str) -> None:
    with pytest.raises((DataError, ParameterError), match=message):
        call()
