"""Coverage: stations against places, by hand and on the template's 1,410 townships."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import commlab as cl
from commlab.errors import DataError
from commlab.intake import read_table
from commlab.processes import covered

DAY = pd.Timestamp("2021-06-30")
PLACES = pd.DataFrame({"unit": ["a", "b", "c", "d"], "group": ["x", "x", "y", "y"]})
TEMPLATE = Path(cl.__file__).parent / "templates/yunnan"


def stations(*rows: tuple[str | None, str | None]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["unit", "opened"])
    return frame.assign(opened=pd.to_datetime(frame["opened"]))


def test_stations_against_places() -> None:
    given = stations(
        ("a", "2021-06-30"), ("a", "2021-05-01"),  # two in one place
        ("b", "2021-07-01"),  # the day after
        ("c", None),  # no date
        (None, "2021-01-01"), ("q", "2021-01-01"),  # belong nowhere
    )  # fmt: skip
    found = covered(PLACES, given, on=DAY, expected=5)
    assert found.table.to_numpy().tolist() == [["x", 2, 1, 0.5, 1, 1], ["y", 2, 0, 0.0, 2, 0]]
    assert (found.covered, found.total, found.gap, len(found.unplaced)) == (1, 4, 1, 2)
    assert found.rate == 0.25
    assert found.places["since"].iloc[0] == pd.Timestamp("2021-05-01")


def test_no_stations_and_no_places() -> None:
    assert covered(PLACES, stations(), on=DAY).covered == 0
    none = covered(PLACES.iloc[:0], stations(("a", "2021-01-01")), on=DAY)
    assert none.total == 0 and pd.isna(none.rate) and len(none.unplaced) == 1 and none.gap is None


@pytest.mark.parametrize(
    ("places", "given", "told"),
    [
        (pd.concat([PLACES, PLACES.iloc[:1]]), stations(), "1 places stand twice on the list: a"),
        (PLACES.drop(columns="group"), stations(), "the places have no column group"),
        (PLACES, pd.DataFrame({"name": ["a"]}), "the stations have no column unit"),
        (PLACES.assign(group=None), stations(), "no name or no group"),
    ],
)
def test_lists_that_cannot_be_counted(places: pd.DataFrame, given: pd.DataFrame, told: str) -> None:
    with pytest.raises(DataError, match=told):
        covered(places, given, on=DAY)


def test_the_template_lists_as_many_townships_as_the_document() -> None:
    framework = cl.load_framework("yunnan_2021")
    listed = read_table(TEMPLATE / "data/raw/2021Q2/省民政厅/乡镇街道名录.xlsx").frame
    assert len(listed) == framework.constant("townships").number()
    assert not listed.duplicated(["州(市)", "乡镇(街道)"]).any()


def test_numbers_of_the_document() -> None:
    framework = cl.load_framework("yunnan_2021")
    official = {k: c for k, c in framework.constants.items() if c.official}
    numbers = {k: c.number() for k, c in official.items() if c.value is not None}
    assert numbers == {
        "townships": 1410, "cover_month": 6, "cover_year": 2021, "meetings_a_month": 1, "double_report_month": 4,
        "double_report_year": 2021, "entry_year": 2017, "notice_year": 2020, "notice_departments": 6,
        "party_plan_year": 2020, "party_plan_years": 3, "brain_money": 40_000_000, "brain_year": 2021,
    }  # fmt: skip
    assert {k: framework.constant("brain_places").number(k) for k in ("first", "second")} == {
        "first": 3,
        "second": 3,
    }
    units = pd.read_csv(TEMPLATE / "data/register/units.csv")
    assert units["type"].value_counts().to_dict() == {"other": 10, "first": 3, "second": 3}
    assert len(framework.parts("Y5.3")) == framework.constant("lists").number()
    assert all(c.article and c.document for c in official.values())
    printed = [p for code in framework.leaves for p in framework.parts(code) if p.official]
    assert len(printed) == 2 and all(p.article for p in printed)
