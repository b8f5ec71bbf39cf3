"""Money against floors: exactly at a floor is met, a cent below is not, and a missing amount is neither."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from commlab.errors import DataError
from commlab.framework import load_framework
from commlab.processes import against_floors, floors_met
from commlab.scoring import allocate_rewards

FLOORS = pd.DataFrame(
    {
        "fund": ["work", "serve", "serve"],
        "kind": [None, "city", "other"],
        "floor": [100_000, 200_000, 100_000],
    }
)


def amounts(*lines: tuple) -> pd.DataFrame:
    return pd.DataFrame(lines, columns=["unit", "kind", "fund", "amount"])


@pytest.mark.parametrize(
    ("line", "state", "gap"),
    [
        (("a", "city", "serve", 200_000.0), "met", 0.0),
        (("a", "city", "serve", 199_999.99), "below", 0.01),
        (("a", "other", "serve", 199_999.99), "met", 0.0),
        (("a", "other", "serve", 0.0), "below", 100_000.0),
        (("a", "city", "work", 100_000.0), "met", 0.0),  # a floor for all kinds
        (("a", None, "work", 99_000.0), "below", 1_000.0),
        (("a", None, "serve", 500_000.0), "no_floor", math.nan),
        (("a", "rural", "serve", 500_000.0), "no_floor", math.nan),
        (("a", "city", "other fund", 1.0), "no_floor", math.nan),
        (("a", "city", "serve", math.nan), "missing", math.nan),
        (("a", "city", "serve", None), "missing", math.nan),
    ],
)
def test_floors_by_kind(line: tuple, state: str, gap: float) -> None:
    found = against_floors(amounts(line), FLOORS).iloc[0]
    assert found["state"] == state
    assert found["gap"] == gap or (math.isnan(gap) and math.isnan(found["gap"]))


def test_the_mean_may_lie_above_a_floor_that_places_miss() -> None:
    given = amounts(("a", "city", "serve", 300_000), ("b", "city", "serve", 190_000), ("c", "city", "serve", None),
                    ("d", "rural", "serve", 1))  # fmt: skip
    found = floors_met(against_floors(given, FLOORS), ["fund", "kind"]).iloc[0]
    assert found[["n", "met", "below", "missing"]].tolist() == [3, 1, 1, 1]
    assert found[["rate", "mean", "lowest", "gap"]].tolist() == [0.5, 245_000.0, 190_000.0, 10_000.0]


def test_nobody_known_has_no_rate() -> None:
    found = floors_met(against_floors(amounts(("a", "city", "serve", None)), FLOORS))
    assert math.isnan(found.loc[0, "rate"]) and found.loc[0, "gap"] == 0
    assert floors_met(against_floors(amounts(), FLOORS)).empty


@pytest.mark.parametrize(
    ("given", "floors", "message"),
    [
        (amounts(("a", "city", "serve", -1)), FLOORS, "0 or more"),
        (amounts(("a", "city", "serve", math.inf)), FLOORS, "0 or more"),
        (amounts(*[("a", "city", "serve", 1)] * 2), FLOORS, "a serve stands more than once"),
        (amounts(), pd.concat([FLOORS, FLOORS]), "more than once"),
        (pd.DataFrame({"unit": ["a"]}), FLOORS, "lack the columns kind, fund, amount"),
    ],
)
def test_what_cannot_be_compared_is_said(given: pd.DataFrame, floors: pd.DataFrame, message: str) -> None:
    with pytest.raises(DataError, match=message):
        against_floors(given, floors)
    with pytest.raises(DataError, match="make it with against_floors"):
        floors_met(pd.DataFrame({"fund": ["work"]}))


def test_the_document_s_numbers_are_in_its_framework() -> None:
    frame = load_framework("xianning_2021")
    printed = {(p.metric, p.type): float(p.target) for code in ("2.1", "2.2") for p in frame.parts(code)}
    # 每个社区每年不低于10万元; 市辖区每个社区每年不低于20万元、其他社区每年不低于10万元
    assert printed == {
        ("work_money", None): 1e5,
        ("service_money", "city_district"): 2e5,
        ("service_money", "other"): 1e5,
    }
    pool, places = frame.constant("pool"), frame.constant("demo")
    assert (pool.number(), places.number()) == (4_000_000, 20)
    shared = allocate_rewards(
        pd.Series({str(i): 70.0 + i for i in range(20)}), pool.number(), how="proportional"
    )
    assert round(shared["amount"].mul(100).sum()) == 400_000_000
    assert (
        round(
            allocate_rewards(pd.Series({str(i): 80.0 for i in range(3)}), pool.number())["amount"]
            .mul(100)
            .sum()
        )
        == 400_000_000
    )
