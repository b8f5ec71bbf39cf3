"""Needs and what answers them: cases worked by hand, refusals, and the law that an offer more never opens a gap."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commlab.errors import DataError, ParameterError
from commlab.processes import Matched, match_needs, needs_of
from commlab.processes.matching import STATES

LIMITS: dict[str, Any] = {"least_share": 0.3, "least_n": 10, "least_count": 3}
OFFERS = pd.DataFrame(
    [
        ("service", "common", "care", "day centre"),
        ("service", "old", "works", "lift office"),
        ("resource", "old", "people", "stair leaders"),
        ("service", "v", "works", "play corner"),
        ("resource", "common", "people", "volunteers"),
    ],
    columns=["list", "scope", "topic", "item"],
)
LINKS = {
    "lift": ["lift office"], "care": ["day centre", "volunteers"], "litter": ["stair leaders"],
    "play": ["play corner"], "parking": ["car deck"],
}  # fmt: skip
KINDS = {"u": ["old"], "v": ["new"]}


def wishes(*rows: tuple[str, str, float, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["unit", "item", "share", "n"])


def asked(*rows: tuple[str, str, int]) -> pd.DataFrame:
    return pd.DataFrame([(u, i) for u, i, n in rows for _ in range(n)], columns=["unit", "item"])


def match(*needs: tuple[str, str]) -> Matched:
    return match_needs(pd.DataFrame(needs, columns=["unit", "item"]), OFFERS, LINKS, kinds=KINDS)


# --------------------------------------------------------------------------------------------------- needs


@pytest.mark.parametrize(
    ("share", "n", "count", "listed", "witnesses"),
    [
        (0.3, 20, 0, False, "answers"),  # exactly at the limit
        (0.29, 20, 0, False, None),
        (0.9, 9, 0, False, None),  # too few answered
        (0.0, 20, 3, False, "requests"),
        (0.0, 20, 2, False, None),
        (0.0, 20, 0, True, "list"),
        (0.5, 20, 4, True, "answers, requests, list"),
    ],
)
def test_who_says_that_something_is_needed(
    share: float, n: int, count: int, listed: bool, witnesses: str | None
) -> None:
    own = pd.DataFrame({"unit": ["u"] * listed, "item": ["lift"] * listed}, dtype="str")
    got = needs_of(
        answers=wishes(("u", "lift", share, n)), requests=asked(("u", "lift", count)), listed=own, **LIMITS
    )
    assert (got["witnesses"].tolist() or [None]) == [witnesses]
    if witnesses and n < 10:
        assert got["share"].isna().all()


def test_each_source_may_be_lacking_and_topics_are_added() -> None:
    got = needs_of(requests=asked(("u", "lift", 3), ("u", "care", 5)), topics={"lift": "works"}, **LIMITS)
    assert got["item"].tolist() == ["care", "lift"] and got["topic"].isna().tolist() == [True, False]
    assert got["requests"].tolist() == [5, 3] and not got["listed"].any()
    assert needs_of(**LIMITS).empty


def test_more_witnesses_stand_first() -> None:
    got = needs_of(
        answers=wishes(("u", "lift", 0.4, 20), ("u", "care", 0.1, 20)), requests=asked(("u", "care", 9), ("u", "lift", 3)), **LIMITS
    )  # fmt: skip
    assert got["item"].tolist() == ["lift", "care"]


@pytest.mark.parametrize(
    ("more", "error", "told"),
    [
        ({"least_share": 0}, ParameterError, "least_share"), ({"least_n": 0}, ParameterError, "at least 1"),
        ({"answers": wishes(("u", "lift", 1.2, 20))}, DataError, "shares lie in 0 to 1"),
        ({"answers": wishes(("u", "lift", 0.2, 20), ("u", "lift", 0.2, 20))}, DataError, "twice"),
        ({"requests": pd.DataFrame({"unit": ["u"]})}, DataError, "columns are missing: item"),
    ],
)  # fmt: skip
def test_needs_that_are_refused(more: dict[str, Any], error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        needs_of(**{**LIMITS, **more})


# ------------------------------------------------------------------------------------------------ matching


@pytest.mark.parametrize(
    ("unit", "item", "state", "services", "resources", "elsewhere"),
    [
        ("u", "lift", "served", "lift office", "", ""),  # the list of its kind
        ("v", "lift", "elsewhere", "", "", "lift office"),  # the list of another kind
        ("u", "care", "served", "day centre", "volunteers", ""),  # everybody's
        ("u", "litter", "resource", "", "stair leaders", ""),
        ("v", "play", "served", "play corner", "", ""),  # its own
        ("u", "play", "elsewhere", "", "", "play corner"),
        ("u", "parking", "gap", "", "", ""),  # linked to something that no list has
        ("u", "noise", "gap", "", "", ""),  # linked to nothing
        ("w", "care", "served", "day centre", "volunteers", ""),  # a unit of no kind
    ],
)
def test_a_need_is_matched_with_what_reaches_it(
    unit: str, item: str, state: str, services: str, resources: str, elsewhere: str
) -> None:
    row = match((unit, item)).needs.iloc[0]
    assert row[["state", "services", "resources", "elsewhere"]].tolist() == [
        state,
        services,
        resources,
        elsewhere,
    ]


def test_pairs_tell_whose_list_an_offer_stands_in() -> None:
    got = match(("u", "care"), ("u", "lift"), ("v", "play")).pairs
    assert dict(zip(got["offer"], got["reach"], strict=True)) == {
        "day centre": "common", "volunteers": "common", "lift office": "kind", "play corner": "own",
    }  # fmt: skip


def test_offers_that_answer_nothing_and_links_to_nothing_are_told() -> None:
    got = match(("u", "lift"))
    assert got.idle["item"].tolist() == ["day centre", "stair leaders", "play corner", "volunteers"]
    assert got.dangling.to_numpy().tolist() == [["parking", "car deck"]]


def test_no_needs_and_odd_offers() -> None:
    none = match()
    assert none.needs.empty and none.pairs.empty and len(none.idle) == len(OFFERS)
    with pytest.raises(DataError, match="services or resources, found need"):
        match_needs(
            pd.DataFrame({"unit": ["u"], "item": ["x"]}), OFFERS.assign(list="need"), LINKS, kinds=KINDS
        )
    with pytest.raises(DataError, match="columns are missing: topic"):
        match_needs(
            pd.DataFrame({"unit": ["u"], "item": ["x"]}), OFFERS.drop(columns="topic"), LINKS, kinds=KINDS
        )


needs = st.lists(
    st.tuples(st.sampled_from("uvw"), st.sampled_from([*LINKS, "noise"])), unique=True, max_size=8
)


@settings(deadline=None, max_examples=20)
@given(needs, st.sets(st.integers(0, len(OFFERS) - 1)), st.integers(0, len(OFFERS) - 1))
def test_an_offer_more_never_makes_a_state_worse(
    wanted: list[tuple[str, str]], kept: set[int], more: int
) -> None:
    frame = pd.DataFrame(wanted, columns=["unit", "item"])
    states = [
        match_needs(frame, OFFERS.iloc[sorted(rows)], LINKS, kinds=KINDS).needs["state"].map(STATES.index)
        for rows in (kept, kept | {more})
    ]
    assert len(states[0]) == len(wanted) and (states[1] <= states[0]).all()
