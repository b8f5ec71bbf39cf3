"""Checks across rows and columns: each names what is wrong, where, and how many; clean tables pass in
silence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from commlab import tables
from commlab.errors import DataError
from commlab.intake.checks import check_measures, check_problems, check_ratings, parts_of

DAY = pd.Timestamp("2019-12-31")
UNITS = pd.DataFrame(
    {"unit": ["甲区", "甲区/一", "甲区/二", "甲区/三", "乙区", "乙区/四"], "level": ["district",
    *["community"] * 3, "district", "community"],
     "parent": ["市", "甲区", "甲区", "甲区", "市", "乙区"]}
)  # fmt: skip


def facts(rows, period="2019Q4", file="甲区.xlsx"):
    """(unit, metric, value) rows as clean measures; the cell is the row's place."""
    frame = pd.DataFrame(rows, columns=["unit", "metric", "value"])
    frame["source"] = [f"{file}#表!{chr(66 + k % 20)}{4 + k // 20}" for k in range(len(frame))]
    frame = frame.assign(
        period=period, as_of=DAY, item=pd.Series(pd.NA, index=frame.index, dtype="str"), state="observed"
    )
    return tables.validate("measures", frame.astype({"value": "float64"}))


def rules(ledger):
    tables.validate("ledger", ledger)
    return ledger[["rule", "severity", "n"]].values.tolist()


@pytest.mark.parametrize(
    ("rows", "more", "expected"),
    [
        ([("甲区/一", "a", -1)], {}, [["negative count", "error", 1]]),
        ([("甲区/一", "a", -1)], {"signed": ["a"]}, []),
        ([("甲区/一", "a", 0)], {}, []),
        (
            [("甲区/一", "r", 1.01), ("甲区/二", "r", 1.0)],
            {"rates": ["r"]},
            [["rate above 100 %", "error", 1]],
        ),
        (
            [("甲区/一", "p", 3), ("甲区/一", "w", 2)],
            {"parts": [("p", "w")]},
            [["part above whole", "error", 1]],
        ),
        ([("甲区/一", "p", 2), ("甲区/一", "w", 2)], {"parts": [("p", "w")]}, []),
        ([("甲区/一", "p", 3), ("甲区/二", "w", 2)], {"parts": [("p", "w")]}, []),
        ([("甲区/一", "p", 3), ("甲区/一", "w", np.nan)], {"parts": [("p", "w")]}, []),
        ([("甲区/一", "a", 1)], {"units": UNITS}, [["unit missing", "warning", 2]]),
        ([("甲区/一", "a", 1), ("甲区/二", "a", 1), ("甲区/三", "a", 1)], {"units": UNITS}, []),
    ],
)
def test_checks_of_one_period(rows, more, expected):
    assert rules(check_measures(facts(rows), **more)) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (8, 80_000, "unit slip"),
        (80_000, 8, "unit slip"),
        (10, 10_000, "unit slip"),
        (10, 9_999, "jump"),
        (5, 50, "jump"),
        (5, 49.9, None),
        (1, 30, None),
        (0, 10_000, None),
        (7, 7, None),
    ],
)
def test_against_the_period_before(before, after, expected):
    ledger = check_measures(
        facts([("甲区/一", "a", after)]), previous=facts([("甲区/一", "a", before)], "2019Q3")
    )
    assert [r for r, *_ in rules(ledger)] == ([expected] if expected else [])
    if expected:
        assert ledger["first_cells"].tolist() == ["B4"] and ledger["file"].tolist() == ["甲区.xlsx"]


def test_units_come_and_gone_and_pasted_rows():
    names = list("abcdef")
    same = [("甲区/一", m, k + 3) for k, m in enumerate(names)]
    ledger = check_measures(
        facts([*same, ("甲区/二", "a", 1)]), previous=facts([*same, ("甲区/三", "a", 1)], "2019Q3")
    )
    assert rules(ledger) == [
        ["pasted from last period", "warning", 1],
        ["unit gone", "warning", 1],
        ["unit new", "warning", 1],
    ]
    assert "甲区/一" in ledger["message"][0]
    other = [(u, m, v + (m == "f")) for u, m, v in same]
    assert rules(check_measures(facts(same), previous=facts(other, "2019Q3"))) == []


def test_parts_come_from_the_framework_and_a_clean_table_says_nothing():
    from commlab.framework import load_framework

    metrics = load_framework("kunming_2018").metrics
    pairs = parts_of(metrics)
    assert ("dispute_resolved_n", "dispute_n") in pairs and ("facility_area_m2", "households") not in pairs
    wrong = facts([("甲区/一", "smoke_free_venue_n", 5), ("甲区/一", "venue_n", 4)])
    assert rules(check_measures(wrong, metrics=metrics)) == [["part above whole", "error", 1]]
    assert (
        check_measures(tables.empty("measures"), previous=wrong, units=UNITS, metrics=metrics).shape[0] <= 2
    )


def test_other_tables_are_refused():
    with pytest.raises(DataError, match="unit, metric"):
        check_measures(pd.DataFrame({"a": [1]}))


def ratings(rows):
    frame = pd.DataFrame(rows, columns=["stage", "rater", "unit", "code", "score"])
    return frame.assign(period="2019Q4", source="f#表!B4", method=None)


def test_ratings():
    good = [("expert", e, "一", f"c{k}", 70.0 + k) for e in "ab" for k in range(12)]
    assert rules(check_ratings(ratings(good))) == []
    flat = [(*row[:4], 80.0) for row in good[:12]] + good[12:]
    assert rules(check_ratings(ratings(flat))) == [["one score throughout", "warning", 12]]
    assert rules(check_ratings(ratings(good[:12]))) == [["too few experts", "warning", 1]]
    assert rules(check_ratings(ratings([]))) == []


def test_problems():
    frame = pd.DataFrame(
        [("1", "found", "2019-10-02"), ("1", "due", "2019-10-01"), ("1", "closed", "2019-10-05"), ("1",
        "verified", "2019-10-04"),
         ("2", "found", "2019-10-02"), ("2", "closed", "2019-10-02")], columns=["problem", "event", "on"],
    )  # fmt: skip
    frame = frame.assign(on=pd.to_datetime(frame["on"]), unit="一", period="2019Q4", source="f#表!B4")
    assert rules(check_problems(frame)) == [
        ["due before found", "error", 1],
        ["verified before closed", "error", 1],
    ]
    assert rules(check_problems(frame.iloc[:0])) == []
