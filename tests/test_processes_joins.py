"""Departments' tables joined, and the five shares of quality by hand."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from commlab.errors import DataError, ParameterError
from commlab.processes import data_quality, join_sources

DUE = pd.Timestamp("2021-07-05")
PLACES = ["w", "x", "y", "z"]


def source(*rows: tuple[str | None, str, float | None, str | None]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["unit", "name", "value", "on"])
    return frame.assign(on=pd.to_datetime(frame["on"]), value=frame["value"].astype("float64"))


BOOK = source(("w", "w", 5, "2021-07-01"), ("x", "x", 6, "2021-07-01"), ("y", "y", 7, "2021-07-01"), ("z", "z", 8, "2021-07-01"))  # fmt: skip
GRID = source(
    ("w", "w.", 5, "2021-07-05"),  # right, on the last day
    ("x", "x", 9, "2021-07-06"),  # differs, late
    ("y", "y", 7, None), ("y", "y town", 8, "2021-07-01"),  # twice, with two figures; once without a date
    (None, "nowhere", 999, "2021-07-01"),  # fits no place, too large
)  # fmt: skip


def test_the_five_shares_by_hand() -> None:
    told = data_quality({"book": BOOK, "grid": GRID}, places=PLACES, fields=["value", "on"], low=1, high=60, date="on", due=DUE, reference="book").set_index("source")  # fmt: skip
    grid = told.loc["grid"]
    assert (grid["rows"], grid["unmatched"], grid["n_compared"]) == (5, 1, 2)
    assert grid["completeness"] == 6 / 8  # z has neither cell
    assert grid["validity"] == 4 / 5
    assert grid["timeliness"] == 3 / 5
    assert grid["uniqueness"] == 3 / 4
    assert grid["consistency"] == 1 / 2  # y has no one figure
    assert grid["score"] == pytest.approx((6 / 8 + 4 / 5 + 3 / 5 + 3 / 4 + 1 / 2) / 5)
    assert told.loc["book", "score"] == 1 and math.isnan(told.loc["book", "consistency"])


def test_without_a_reference_the_others_decide() -> None:
    other = BOOK.assign(value=[5, 6, 7, 10])
    told = data_quality({"a": BOOK, "b": BOOK, "c": other}, places=PLACES, fields=["value"]).set_index("source")  # fmt: skip
    assert told["consistency"].to_dict() == {"a": 0.75, "b": 0.75, "c": 0.75}
    assert told["timeliness"].isna().all()
    near = data_quality({"a": BOOK, "c": other}, places=PLACES, fields=["value"], tolerance=0.25)
    assert near["consistency"].tolist() == [1, 1]


def test_weights_of_the_dimensions() -> None:
    told = data_quality(
        {"grid": GRID},
        places=PLACES,
        fields=["value", "on"],
        high=60,
        weights={"validity": 3, "uniqueness": 1},
    )
    assert told["score"].iloc[0] == pytest.approx((3 * 4 / 5 + 3 / 4) / 4)


def test_figures_side_by_side() -> None:
    joined = join_sources({"book": BOOK, "grid": GRID}, places=PLACES)
    assert (
        joined.table["grid"].fillna(-1).tolist() == [5, 9, -1, -1] and joined.table["unit"].tolist() == PLACES
    )
    assert joined.unmatched.to_numpy().tolist() == [["grid", "nowhere"]]
    assert joined.contradictions[["source", "unit"]].to_numpy().tolist() == [["grid", "y"]]
    assert joined.contradictions["values"].iloc[0] == (7.0, 8.0)
    twice = pd.concat([BOOK, BOOK.iloc[:1]])
    assert join_sources({"a": twice}, places=PLACES).table["a"].tolist() == [5, 6, 7, 8]


def test_an_empty_source_is_no_source_of_quality() -> None:
    told = data_quality({"none": GRID.iloc[:0], "book": BOOK}, places=PLACES, fields=["value"])
    none = told.iloc[0]
    assert (none["rows"], none["completeness"]) == (0, 0) and math.isnan(none["uniqueness"])
    assert join_sources({}, places=PLACES).table.columns.tolist() == ["unit"]


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        ({"sources": {"a": BOOK.drop(columns="on")}}, DataError, "the source a has no column on"),
        ({"sources": {"a": BOOK.assign(unit="q")}}, DataError, "units that are not among the places: q"),
        ({"weights": {"truth": 1}}, ParameterError, "weights name truth"),
        ({"due": None}, ParameterError, "timeliness needs both"),
        ({"reference": "b"}, ParameterError, "the reference 'b' is none of the sources a"),
        ({"tolerance": -1}, ParameterError, "tolerance"),
        ({"low": 3, "high": 2}, ParameterError, "low at most high"),
        ({"places": []}, ParameterError, "at least one place"),
        ({"fields": []}, ParameterError, "at least one place and one field"),
    ],
)
def test_what_cannot_be_judged_is_refused(change: dict, error: type[Exception], told: str) -> None:
    good = {"sources": {"a": BOOK}, "places": PLACES, "fields": ["value"], "date": "on", "due": DUE}
    with pytest.raises(error, match=told):
        data_quality(**(good | change))
