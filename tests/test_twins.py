"""Copies of questionnaires: what honest people say alike is not flagged, what was copied is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commlab.intake.twins import HONEST, repeated

CUTS = np.array([-2.0, -1.2, -0.3, 0.8])
"""Few are dissatisfied, as in surveys of residents."""


def honest(seed, n, items, *, people=True, ticks=0, flat=0.1, agree=0.4):
    """Answers of n honest people: one attitude behind all items, a tenth who tick one column throughout.

    Returns the answers and who ticked one column throughout.
    """
    rng = np.random.default_rng(seed)
    attitude = rng.normal(size=(n, 1))
    own = (
        np.sqrt(agree) * attitude
        + np.sqrt(1 - agree) * rng.normal(size=(n, items))
        + rng.normal(0, 0.3, items)
    )
    codes = 1 + np.searchsorted(CUTS, own)
    lazy = rng.random(n) < flat
    codes[lazy] = rng.choice([3, 4, 5], (int(lazy.sum()), 1), p=[0.2, 0.4, 0.4])
    frame = pd.DataFrame(codes, columns=[f"q{k}" for k in range(items)])
    straight = (frame.nunique(axis=1) == 1).to_numpy()
    if people:
        frame = frame.assign(sex=rng.integers(0, 2, n), age=rng.integers(0, 6, n), unit=rng.integers(0, 8, n))
    for k in range(ticks):
        frame[f"t{k}"] = (rng.random(n) < 0.35).astype(int)
    return frame, straight


def flags(frame, straight, *, addresses=None, persons=None):
    told = frame.assign(
        submitted_at=pd.Series(pd.NaT, index=frame.index, dtype="datetime64[us]"), duration_s=np.nan
    )
    return repeated(told, list(frame), persons, addresses, flat=straight)


def planted(frame, straight, n):
    """The same with copies of the first n who do not tick one column throughout; who the copies are."""
    copied = np.flatnonzero(~straight)[:n]
    return pd.concat([frame, frame.iloc[copied]], ignore_index=True), np.append(straight, straight[copied])


LAYOUTS = [
    {"items": 3, "people": False},
    {"items": 4},
    {"items": 8, "people": False},
    {"items": 10},
    {"items": 10, "ticks": 10},
    {"items": 20},
]
FOUND = [0, 0, 0, 0.5, 0.98, 0.98]
"""Share of planted copies that must be found: none where a few questions tell nobody apart."""


@pytest.mark.parametrize(("layout", "least"), list(zip(LAYOUTS, FOUND, strict=True)))
def test_false_alarms_and_detection_on_people_who_answer_alike(layout, least):
    rows = wrong = found = files = 0
    for seed in range(12):
        frame, straight = honest(seed, 400, **layout)
        alone = flags(frame, straight)
        rows, wrong, files = rows + 400, wrong + int(alone.sum()), files + bool(alone.any())
        more, lines = planted(frame, straight, 10)
        got = flags(more, lines)
        found += int(got[400:].sum())
        assert got[:400].sum() <= 3
    assert wrong / rows <= 0.001 and files <= 2, "one honest answer in a thousand, in one file of six"
    assert found / 120 >= least


def test_sixty_people_who_are_easily_told_apart_and_one_copy():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({f"q{k}": rng.integers(1, 6, 60) for k in range(7)})
    none = np.zeros(60, dtype=bool)
    assert not flags(frame, none).any()
    assert np.flatnonzero(flags(*planted(frame, none, 1))).tolist() == [60]


@given(st.permutations(range(60)))
@settings(deadline=None, max_examples=8)
def test_the_order_of_rows_and_questions_does_not_matter(order):
    frame, straight = planted(*honest(3, 50, 10), 10)
    groups = frame.groupby(list(frame)).ngroup()
    hit = set(groups[flags(frame, straight)])
    turned = frame.iloc[list(order), ::-1].reset_index(drop=True)
    again = flags(turned, straight[list(order)])
    assert set(groups.to_numpy()[list(order)][again]) == hit and again.sum() == flags(frame, straight).sum()


def test_one_address_is_a_household_or_an_office():
    frame, straight = honest(1, 300, 3, people=False)
    home = pd.Series(np.arange(300.0))
    pair = frame.groupby(list(frame)).head(2).groupby(list(frame)).filter(lambda own: len(own) == 2).index[:2]
    home[pair[1]] = home[pair[0]]
    assert flags(frame, straight, addresses=home).sum() <= 1, "two of one household at most"
    office = pd.Series(np.zeros(300))
    assert not flags(frame, straight, addresses=office).any(), "three questions, three hundred people"
    frame, straight = planted(*honest(1, 300, 12, ticks=10), 5)
    got = flags(frame, straight, addresses=pd.Series(np.zeros(305)))
    assert got[300:].all() and got[:300].sum() == 0


def test_persons_numbers_and_seconds_tell_however_few_the_questions():
    frame = pd.DataFrame({"q": [1, 1, 2, 2]})
    at = pd.to_datetime(
        ["2019-11-05 08:00:01", "2019-11-05 08:00:01", "2019-11-05 08:00:02", "2019-11-05 08:00:03"]
    )
    told = frame.assign(submitted_at=at.astype("datetime64[us]"), duration_s=[60.0, 60.0, 60.0, 60.0])
    none = np.zeros(4, dtype=bool)
    assert repeated(told, ["q"], None, None, flat=none).tolist() == [False, True, False, False]
    persons = pd.Series(["a", "b", "c", "c"])
    assert repeated(told, ["q"], persons, None, flat=none).tolist() == [False, True, False, True]
    numbers = told.assign(response_id=["x", "y", "z", "z"], submitted_at=pd.NaT)
    numbers["submitted_at"] = numbers["submitted_at"].astype("datetime64[us]")
    assert repeated(numbers, ["q"], None, None, flat=none).tolist() == [False, False, False, True]


@pytest.mark.parametrize("n", [0, 1, 2])
def test_hardly_any_rows(n):
    frame = pd.DataFrame({"q": [1] * n, "r": [2] * n, "s": [None] * n})
    assert not flags(frame, np.zeros(n, dtype=bool)).any() and 0 < HONEST < 1
