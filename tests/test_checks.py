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


# ------------------------------------------------------------------------------ whole columns, merged units
def column(values, period="2019Q4", unit="甲区", metric="a"):
    return facts([(f"{unit}/{k}", metric, v) for k, v in enumerate(values)], period)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([3, 5, 8, 4], [30_000, 48_000, 90_000, 41_000], [["unit slip in a column", "error", 4]]),
        ([30_000, 48_000, 90_000], [3, 5, 8], [["unit slip in a column", "error", 3]]),
        ([3, 5, 8], [310, 490, 800], [["unit slip in a column", "error", 3]]),
        ([3, 5], [30_000, 48_000], [["unit slip", "warning", 2]]),
        ([3, 5, 8, 4], [30_000, 5, 9, 4], [["unit slip", "warning", 1]]),
        ([3, 5, 0, 4, 6], [30_000, 48_000, 0, 42_000, 7], [["unit slip", "warning", 3]]),
        ([30, 50, 80], [40, 45, 90], []),
        ([1, 2, 3, 4, 5], [1, 2, 3, 4, 5], [["column as last period", "warning", 5]]),
        ([1, 1, 1, 1, 1], [1, 1, 1, 1, 1], []),
        ([1, 2, 3], [np.nan, np.nan, np.nan], [["column emptied", "warning", 3]]),
    ],
)
def test_a_column_is_judged_as_a_whole(before, after, expected):
    ledger = check_measures(column(after), previous=column(before, "2019Q3"))
    assert rules(ledger) == expected
    if expected and expected[0][0].startswith("unit slip in"):
        line = ledger.iloc[0]
        assert line["first_cells"].startswith("B4") and line["after"].startswith("≈ ")


METRICS = {
    "n": {"unit": "人", "kind": "stock"},
    "some": {"unit": "人", "kind": "stock"},
    "rate": {"unit": "%", "kind": "ratio", "numerator": "some", "denominator": "n"},
    "area": {"unit": "平方米", "kind": "stock"},
}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("甲区/一", "rate", 1.2)], ["rate above 100 %"]),
        ([("甲区/一", "n", 3.5)], ["fraction of a count"]),
        ([("甲区/一", "area", 3.5)], []),
        ([("甲区/一", "some", 3), ("甲区/一", "n", 2), ("甲区/二", "n", -2)], ["negative count", "part above whole"]),
    ],
)  # fmt: skip
def test_the_framework_s_metrics_say_what_cannot_be(rows, expected):
    assert [r for r, *_ in rules(check_measures(facts(rows), metrics=METRICS))] == expected


def test_units_that_share_every_figure():
    many = [(u, f"m{k}", k + 1) for u in ("甲区/一", "甲区/二", "甲区/三") for k in range(9)]
    many[-1] = (*many[-1][:2], 77)
    assert rules(check_measures(facts(many))) == [["same figures", "warning", 2]]
    assert rules(check_measures(facts([(u, m, 0) for u, m, _ in many]))) == []


def changed(*rows):
    return pd.DataFrame(rows, columns=["kind", "before", "after"])


@pytest.mark.parametrize(
    ("before", "after", "changes", "expected"),
    [
        # renamed: neither gone nor new, and compared with itself
        ([("甲区/旧", 5)], [("甲区/一", 5)], [("renaming", "甲区/旧", "甲区/一")], []),
        # through two renamings
        ([("甲区/老", 5)], [("甲区/一", 5)], [("renaming", "甲区/老", "甲区/旧"), ("renaming", "甲区/旧", "甲区/一")], []),
        # merged: 400 + 500 then, 900 now is no jump; 9,000 is
        ([("甲区/旧", 400), ("甲区/一", 500)], [("甲区/一", 900)], [("merger", "甲区/旧", "甲区/一")], []),
        ([("甲区/旧", 400), ("甲区/一", 500)], [("甲区/一", 9_000)], [("merger", "甲区/旧", "甲区/一")], ["jump"]),
        # split: the successors are not new, and not compared
        ([("甲区/旧", 9_000)], [("甲区/一", 5), ("甲区/二", 6)], [("split", "甲区/旧", "甲区/一"), ("split", "甲区/旧", "甲区/二")], []),
        # not entered anywhere: both are told
        ([("甲区/旧", 5)], [("甲区/一", 5)], [], ["unit gone", "unit new"]),
        # the whole district has sent nothing yet: that is told as outstanding
        ([("甲区/一", 5), ("乙区/四", 5)], [("甲区/一", 5)], [], []),
    ],
)  # fmt: skip
def test_mergers_splits_and_renamings_are_known(before, after, changes, expected):
    now = facts([(u, "a", v) for u, v in after])
    then = facts([(u, "a", v) for u, v in before], "2019Q3")
    ledger = check_measures(now, previous=then, changes=changed(*changes))
    assert [r for r, *_ in rules(ledger)] == expected


def test_a_unit_that_ended_is_not_asked_for():
    units = UNITS.assign(valid_to=[None, None, None, "2019-10-31", None, None])
    sent = facts([("甲区/一", "a", 1), ("甲区/二", "a", 1)])
    assert rules(check_measures(sent, units=units)) == []
    assert rules(check_measures(sent, units=units.assign(valid_to=None))) == [["unit missing", "warning", 1]]
