"""Handling: episodes from events, counts, and Kaplan-Meier against printed estimates."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commlab.errors import DataError, ParameterError
from commlab.processes import closing_times, episodes, handled, kaplan_meier

FREIREICH = json.loads((Path(__file__).parent / "reference/processes.json").read_text(encoding="utf-8"))[
    "freireich"
]
DAY = pd.Timestamp("2021-06-30")


def events(*rows: tuple[str, str, str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["problem", "event", "on"])
    return frame.assign(on=pd.to_datetime(frame["on"]), unit="a", responsible="office")


@pytest.mark.parametrize("arm", ["treated", "placebo"])
def test_remission_times_of_freireich(arm: str) -> None:
    told = FREIREICH[arm]
    found = kaplan_meier(pd.Series(told["weeks"]), pd.Series(told["relapsed"]) == 1)
    steps = found.table[found.table["closed"] > 0]
    assert steps["days"].tolist() == told["at"] and steps["at_risk"].tolist() == told["at_risk"]
    assert steps["estimate"].tolist() == pytest.approx(told["estimate"], abs=6e-5)
    se = [math.nan if v is None else v for v in told["se"]]
    assert steps["se"].tolist() == pytest.approx(se, abs=6e-5, nan_ok=True)
    ends = [math.nan if v is None else v for v in told["median"]]
    assert [found.median, found.ci_low, found.ci_high] == pytest.approx(ends, nan_ok=True)


def test_the_same_as_statsmodels() -> None:
    from statsmodels.duration.survfunc import SurvfuncRight

    dice = np.random.default_rng(1)
    days, shut = dice.integers(1, 60, 80), dice.random(80) < 0.7
    other = SurvfuncRight(days, shut.astype(int))
    own = kaplan_meier(pd.Series(days), pd.Series(shut)).table
    own = own[own["closed"] > 0].set_index("days").loc[other.surv_times]
    np.testing.assert_allclose(own["estimate"], other.surv_prob, atol=1e-12)
    np.testing.assert_allclose(own["se"].dropna(), other.surv_prob_se[: own["se"].notna().sum()], atol=1e-12)


def test_odd_lifetimes() -> None:
    none = kaplan_meier(pd.Series([], dtype=float), pd.Series([], dtype=bool))
    assert (none.n, none.closed) == (0, 0) and math.isnan(none.median)
    open_ = kaplan_meier(pd.Series([3.0, 5.0]), pd.Series([False, False]))
    assert open_.closed == 0 and math.isnan(open_.median) and open_.table["estimate"].tolist() == [1, 1]
    same_day = kaplan_meier(pd.Series([0.0, 0.0]), pd.Series([True, True]))
    assert same_day.median == 0 and same_day.table["estimate"].tolist() == [0]
    # Censored on the day of a closing was still open on that day.
    assert kaplan_meier(pd.Series([4.0, 4.0]), pd.Series([True, False])).table["at_risk"].tolist() == [2]


@pytest.mark.parametrize(
    ("days", "closed", "told"),
    [
        ([1.0, -2.0], [True, True], r"1 of 2 durations are missing or negative \(-2.0\)"),
        ([1.0, math.nan], [True, True], "1 of 2 durations"),
        ([1.0, math.inf], [True, True], "1 of 2 durations"),
        ([1.0], [True, False], "1 durations and 2 states"),
    ],
)
def test_lifetimes_that_are_none(days: list[float], closed: list[bool], told: str) -> None:
    with pytest.raises(DataError, match=told):
        kaplan_meier(pd.Series(days), pd.Series(closed))
    with pytest.raises(ParameterError, match="confidence"):
        kaplan_meier(pd.Series([1.0]), pd.Series([True]), confidence=1)


def test_episodes_of_all_kinds() -> None:
    found = episodes(
        events(
            ("in time", "found", "2021-01-01"), ("in time", "due", "2021-02-01"), ("in time", "closed", "2021-02-01"), ("in time", "verified", "2021-02-05"),
            ("late", "found", "2021-01-01"), ("late", "due", "2021-02-01"), ("late", "closed", "2021-02-02"),
            ("again", "found", "2021-01-01"), ("again", "due", "2021-02-01"), ("again", "closed", "2021-01-11"),
            ("again", "reopened", "2021-03-01"), ("again", "due", "2021-03-16"),
            ("undue", "found", "2021-01-01"), ("undue", "closed", "2021-01-04"),
            ("open", "found", "2021-06-20"), ("open", "due", "2021-07-20"), ("open", "closed", "2021-07-05"),
            ("later", "found", "2021-07-02"),
            ("never", "closed", "2021-05-02"),
        ),
        on=DAY,
    ).set_index(["problem", "episode"])  # fmt: skip
    assert found["state"].to_dict() == {
        ("in time", 1): "in time", ("late", 1): "late", ("again", 1): "in time", ("again", 2): "overdue",
        ("undue", 1): "closed", ("open", 1): "open",
    }  # fmt: skip
    assert found["days"].to_dict()["open", 1] == 10 and found["days"].to_dict()["again", 2] == 121
    assert found.loc[("in time", 1), "verified"] == pd.Timestamp("2021-02-05")
    whole = handled(found.reset_index()).iloc[0]
    assert (whole["problems"], whole["handlings"], whole["closed"]) == (5, 6, 4)
    assert whole["in_time_rate"] == pytest.approx(2 / 4) and whole["reopened_rate"] == pytest.approx(1 / 4)
    assert whole["verified_rate"] == pytest.approx(1 / 4)


def test_events_of_one_day_and_events_out_of_place() -> None:
    day = "2021-03-01"
    twice = episodes(
        events(
            ("a", "found", "2021-01-01"), ("a", "closed", day), ("a", "reopened", day),
            ("b", "found", day), ("b", "closed", day),
            ("c", "found", "2021-01-01"), ("c", "reopened", "2021-02-01"), ("c", "closed", day), ("c", "closed", "2021-04-01"),
            ("d", "found", "2021-01-01"), ("d", "closed", "2021-02-01"), ("d", "reopened", day), ("d", "closed", day),
        ),
        on=DAY,
    )  # fmt: skip
    days = twice.set_index(["problem", "episode"])["days"]
    assert days.to_dict() == {
        ("a", 1): 59,
        ("a", 2): 121,
        ("b", 1): 0,
        ("c", 1): 59,
        ("d", 1): 31,
        ("d", 2): 0,
    }


def test_nothing_was_found() -> None:
    none = episodes(events(("a", "closed", "2021-01-01")), on=DAY)
    assert none.empty and handled(none).empty and handled(none, by="unit").empty
    assert closing_times(none, by="unit").empty
    with pytest.raises(DataError, match="event, on"):
        episodes(pd.DataFrame({"problem": ["a"], "unit": ["b"]}), on=DAY)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=1, max_size=25))
def test_laws_of_the_curve(cases: list[tuple[int, bool]]) -> None:
    """It falls from 1, is the plain share where nothing is censored, and does not depend on the order."""
    days, shut = pd.Series([c[0] for c in cases]), pd.Series([c[1] for c in cases])
    curve = kaplan_meier(days, shut).table["estimate"]
    assert curve.between(0, 1).all() and curve.is_monotonic_decreasing
    back = kaplan_meier(days[::-1], shut[::-1]).table["estimate"]
    assert np.allclose(curve, back)
    whole = kaplan_meier(days, pd.Series(True, index=days.index)).table
    assert np.allclose(whole["estimate"], [(days > d).mean() for d in whole["days"]])
