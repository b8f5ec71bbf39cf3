"""A ledger of points: every account balances, everything odd is named, and the order of lines decides nothing."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commlab.errors import DataError, ParameterError
from commlab.processes import carried, keep_ledger

SIGNS = {"earned": 1, "spent": -1, "expired": -1}
COLUMNS = ["number", "key", "on", "category", "value"]


def entries(*lines: tuple) -> pd.DataFrame:
    frame = pd.DataFrame(lines, columns=COLUMNS)
    return frame.assign(on=pd.to_datetime(frame["on"], format="mixed")).astype(
        {"value": "float64", "number": "str", "key": "str"}
    )


@pytest.mark.parametrize(
    ("lines", "closing", "faults"),
    [
        ([("1", "a", "2021-07-01", "earned", 5), ("2", "a", "2021-07-02", "spent", 5)], {"a": 0.0}, []),
        ([("1", "a", "2021-07-01", "spent", 5), ("2", "a", "2021-07-01", "earned", 5)], {"a": 0.0}, []),  # one day
        ([("1", "a", "2021-07-01 09:00", "spent", 5), ("2", "a", "2021-07-01 18:00", "earned", 5)], {"a": 0.0}, []),
        ([("1", "a", "2021-07-01", "spent", 5), ("2", "a", "2021-07-02", "earned", 5)], {"a": 0.0}, ["negative"]),
        ([("1", "a", "2021-07-01", "earned", 5)] * 2, {"a": 5.0}, ["double_number"]),
        ([("1", "a", "2021-07-01", "earned", 5), ("1", "a", "2021-07-01", "earned", 6)], {}, ["contradictory_number"] * 2),
        ([("1", "a", "2021-07-01", "earned", 5), ("2", "a", "2021-07-01", "earned", 5)], {"a": 10.0}, ["lookalike"]),
        ([("1", "a", "2021-07-01", "given", 5)], {}, ["unknown_kind"]),
        ([("1", "a", "2021-07-01", "earned", 0)], {}, ["bad_amount"]),
        ([("1", "a", "2021-07-01", "earned", -5)], {}, ["bad_amount"]),
        ([("1", "a", "2021-07-01", "earned", 0.005)], {}, ["bad_amount"]),
        ([("1", "a", "2021-07-01", "earned", math.inf)], {}, ["bad_amount"]),
        ([("1", "a", "2021-07-01", "earned", math.nan)], {}, ["bad_amount"]),
        ([("1", "a", "2021-06-30", "earned", 5)], {}, ["outside"]),
        ([("1", "a", "2021-09-30 23:59", "earned", 5)], {"a": 5.0}, []),  # the last day is inside to its end
        ([("1", "a", None, "earned", 5)], {}, ["incomplete"]),
        ([("1", None, "2021-07-01", "earned", 5)], {}, ["incomplete"]),
        ([("1", "a", "2021-07-01", "earned", 0.1)] + [(str(i), "a", "2021-07-02", "earned", 0.1) for i in range(2, 4)],
         {"a": 0.3}, ["lookalike"]),
        ([], {}, []),
    ],
)  # fmt: skip
def test_what_counts_and_what_is_named(lines: list, closing: dict, faults: list[str]) -> None:
    ledger = keep_ledger(
        entries(*lines), signs=SIGNS, start=pd.Timestamp("2021-07-01"), end=pd.Timestamp("2021-09-30")
    )
    assert dict(zip(ledger.accounts["key"], ledger.accounts["closing"], strict=True)) == closing
    assert ledger.faults["what"].tolist() == faults
    assert ledger.totals["entries"] + ledger.totals["aside"] == len(lines)


def test_opening_and_stated_balances_are_compared() -> None:
    ledger = keep_ledger(
        entries(("1", "a", "2021-07-01", "earned", 5), ("2", "b", "2021-07-05", "spent", 3)),
        signs=SIGNS, opening=pd.Series({"b": 2.5, "c": 1.0}), stated=pd.Series({"a": 5.0, "b": 0.0, "c": 1.0}),
    )  # fmt: skip
    found = ledger.accounts.set_index("key")
    assert found["closing"].to_dict() == {"a": 5.0, "b": -0.5, "c": 1.0}
    assert found["lowest"].to_dict() == {"a": 0.0, "b": -0.5, "c": 1.0}
    told = ledger.faults[["what", "key", "value"]].to_numpy().tolist()
    assert told == [["negative", "b", -0.5], ["stated", "b", 0.5]]
    assert ledger.faults.loc[0, "on"] == pd.Timestamp("2021-07-05")


def test_a_balance_that_opens_below_zero_is_named_without_a_day() -> None:
    ledger = keep_ledger(entries(), signs=SIGNS, opening=pd.Series({"a": -1.0}))
    assert ledger.faults[["what", "key", "value"]].to_numpy().tolist() == [["negative", "a", -1.0]]
    assert pd.isna(ledger.faults.loc[0, "on"])


def test_an_account_in_two_places_is_named() -> None:
    given = entries(("1", "a", "2021-07-01", "earned", 5), ("2", "a", "2021-07-02", "earned", 6)).assign(
        unit=["x", "y"]
    )
    found = keep_ledger(given, signs=SIGNS).faults
    assert found[["what", "note"]].to_numpy().tolist() == [["two_places", "x, y"]]


def test_closing_is_the_next_opening() -> None:
    assert carried(pd.Series({"a": 5.0, "b": 3.0}), pd.Series({"b": 3.0, "a": 5.0})).empty
    moved = carried(pd.Series({"a": 5.0, "b": 3.0}), pd.Series({"a": 4.0, "c": 1.0}))
    assert moved.to_numpy().tolist() == [["a", 5.0, 4.0, -1.0], ["b", 3.0, 0.0, -3.0], ["c", 0.0, 1.0, 1.0]]


_ENTRY = st.tuples(
    st.sampled_from(["1", "2", "3", "4", None]), st.sampled_from(["a", "b"]), st.sampled_from(["2021-07-01", "2021-07-02"]),
    st.sampled_from(["earned", "spent", "lost"]), st.sampled_from([0.1, 2.0, 3.33, -1.0]),
)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(st.lists(_ENTRY, max_size=7), st.randoms(use_true_random=False))
def test_everything_balances_in_any_order(lines: list, dice) -> None:
    opening = pd.Series({"a": 1.0})
    ledger = keep_ledger(entries(*lines), signs=SIGNS, opening=opening)
    accounts, total = ledger.accounts, ledger.totals
    assert (
        accounts["opening"] + accounts["earned"] - accounts["spent"] - accounts["closing"]
    ).abs().max() < 1e-9
    assert total["opening"] + total["earned"] - total["spent"] == pytest.approx(total["closing"])
    assert total["entries"] + total["aside"] == len(lines)
    assert (accounts["lowest"] <= accounts[["opening", "closing"]].min(axis=1)).all()
    shuffled = list(lines)
    dice.shuffle(shuffled)
    other = keep_ledger(entries(*shuffled), signs=SIGNS, opening=opening)
    pd.testing.assert_frame_equal(ledger.accounts, other.accounts)
    pd.testing.assert_frame_equal(ledger.faults, other.faults)
    # what is kept as it is balances the same again, opened where this one closed
    after = keep_ledger(entries(), signs=SIGNS, opening=accounts.set_index("key")["closing"])
    assert carried(accounts.set_index("key")["closing"], after.accounts.set_index("key")["opening"]).empty


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"signs": {"earned": 2}}, "1 \\(earned\\) or -1"),
        ({"signs": SIGNS, "opening": pd.Series([1.0, 2.0], ["a", "a"])}, "more than once"),
        ({"signs": SIGNS, "stated": pd.Series({"a": 0.001})}, "two decimals"),
        ({"signs": SIGNS, "opening": pd.Series({"a": math.nan})}, "two decimals"),
    ],
)
def test_what_is_no_ledger_is_said(more: dict, message: str) -> None:
    with pytest.raises((DataError, ParameterError), match=message):
        keep_ledger(entries(("1", "a", "2021-07-01", "earned", 5)), **more)
    with pytest.raises(DataError, match="must hold dates"):
        keep_ledger(entries(("1", "a", "2021-07-01", "earned", 5)).astype({"on": "str"}), signs=SIGNS)
    with pytest.raises(DataError, match="lack the columns on, category, value"):
        keep_ledger(pd.DataFrame({"key": ["a"]}), signs=SIGNS)
