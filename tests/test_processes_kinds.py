"""Kinds by rules: cases worked by hand first, then what may be refused, then the law that a clear kind stays."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commlab.errors import DataError, ParameterError
from commlab.processes import Kinds, kinds_of, peer_groups, read_kind_rules

RULES = [
    {"rule": "A1", "kind": "old", "numerator": "sold", "denominator": "homes", "op": ">=", "target": "1/2", "points": 3, "near": 0.02},
    {"rule": "A2", "kind": "old", "field": "built", "op": "<", "target": 1998, "points": 1},
    {"rule": "B1", "kind": "new", "numerator": "market", "denominator": "homes", "op": ">=", "target": "1/2", "points": 3},
    {"rule": "B2", "kind": "new", "numerator": "abroad", "denominator": "people", "op": "<", "target": 0.2, "points": 2},
    {"rule": "C1", "kind": "abroad", "numerator": "market", "denominator": "homes", "op": ">=", "target": "1/2", "points": 3},
    {"rule": "C2", "kind": "abroad", "numerator": "abroad", "denominator": "people", "op": ">=", "target": 0.2, "points": 2},
]  # fmt: skip
FIELDS = ["sold", "market", "homes", "built", "abroad", "people"]


def of(*row: float | None, known: str | None = None, **more: Any) -> pd.Series:
    facts = pd.DataFrame([row], index=["u"], columns=FIELDS, dtype="float64")
    told = None if known is None else pd.Series({"u": known})
    return kinds_of(facts, read_kind_rules(RULES), least=3, known=told, **more).units.iloc[0]


@pytest.mark.parametrize(
    ("row", "told", "state", "why"),
    [
        # sold 90 of 100, built 1980: old 4, new 2 (nobody from abroad)
        ((90, 10, 100, 1980, 0, 200), "old", "clear", ""),
        # exactly half counts; near its line it may lie on the other side
        ((50, 50, 100, 1980, 0, 200), "new", "open", "near,close"),
        ((60, 40, 100, 2010, 0, 200), "old", "open", "close"),
        ((60, 40, 100, 1997, 0, 200), "old", "clear", ""),
        # market homes: new 5, abroad 3
        ((0, 100, 100, 2005, 0, 200), "new", "clear", ""),
        ((0, 100, 100, 2005, 40, 200), "abroad", "clear", ""),
        # nobody counted who is from abroad: new 3, abroad 3
        ((0, 100, 100, 2005, None, 200), "new", "open", "missing,close"),
        # a share of nothing is missing, never infinite
        ((0, 0, 0, 1980, 0, 200), "new", "open", "missing,few"),
        # one missing field that cannot change the outcome
        ((90, 10, 100, None, 0, 200), "old", "open", "missing,close"),
        ((None,) * 6, None, "open", "missing,few"),
        # mixed: neither has half
        ((40, 45, 100, 1980, 0, 200), "new", "open", "few"),
    ],
)
def test_kinds_by_hand(row: tuple[float | None, ...], told: str | None, state: str, why: str) -> None:
    got = of(*row, margin=Fraction(3, 2))
    assert (None if pd.isna(got["told"]) else got["told"], got["state"], got["why"]) == (told, state, why)
    assert pd.isna(got["kind"]) == (state == "open")


def test_people_settle_what_rules_cannot_and_contradictions_are_told() -> None:
    settled = of(40, 45, 100, 1980, 0, 200, known="old")
    assert (settled["kind"], settled["state"]) == ("old", "settled")
    against = of(90, 10, 100, 1980, 0, 200, known="abroad")
    assert (against["kind"], against["told"], against["state"]) == ("abroad", "old", "contradicted")
    assert of(90, 10, 100, 1980, 0, 200, known="old")["state"] == "clear"


def test_evidence_names_rule_field_value_and_line() -> None:
    facts = pd.DataFrame([[90, 10, 100, 1980, 0, 200]], index=["u"], columns=FIELDS, dtype="float64")
    found = kinds_of(facts, read_kind_rules(RULES))
    first = found.evidence.iloc[0]
    assert first[["rule", "field", "per", "op", "met"]].tolist() == ["A1", "sold", "homes", ">=", "yes"]
    assert (first["value"], first["target"], first["points"]) == (0.9, 0.5, 3.0)
    assert len(found.evidence) == len(RULES) and found.units.loc[0, "rules"] == "A1, A2"
    assert found.unsure.empty


def test_a_fraction_is_compared_exactly() -> None:
    rules = read_kind_rules(
        [{"rule": "r", "kind": "k", "numerator": "a", "denominator": "b", "op": ">=", "target": "2/3"}]
    )
    facts = pd.DataFrame({"a": [6.0, 599.0], "b": [9.0, 900.0]}, index=["met", "short"])
    assert kinds_of(facts, rules).units["state"].tolist() == ["clear", "open"]


def test_the_kind_of_what_meets_no_rule() -> None:
    rules = read_kind_rules([
        {"rule": "P1", "kind": "aged", "field": "elders", "op": ">=", "target": 0.3},
        {"rule": "P2", "kind": "mobile", "field": "registered", "op": "<", "target": 0.5},
    ])  # fmt: skip
    facts = pd.DataFrame(
        {"elders": [0.1, 0.4, 0.4, np.nan], "registered": [0.9, 0.9, 0.2, 0.9]}, index=list("abcd")
    )
    found = kinds_of(facts, rules, margin=0, otherwise="mixed").units.set_index("unit")
    # c meets both: the first rule's kind goes first where margin is 0
    assert found["told"].to_dict() == {"a": "mixed", "b": "aged", "c": "aged", "d": "mixed"}
    assert found["state"].to_dict() == {"a": "clear", "b": "clear", "c": "clear", "d": "open"}


def test_no_units_are_no_fault() -> None:
    found = kinds_of(pd.DataFrame(columns=FIELDS, dtype="float64"), read_kind_rules(RULES))
    assert found.units.empty and found.evidence.empty and "state" in found.units


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"op": "=>"}, "op is one of"), ({"target": "half"}, "target must be a number"), ({"points": 0}, "points must be above 0"),
        ({"near": -1}, "near at least 0"), ({"kind": ""}, "and kind"), ({"feild": "x"}, "unknown key 'feild'"),
        ({"field": "x"}, "field, or numerator and denominator"), ({"target": float("nan")}, "target must be a number"),
    ],
)  # fmt: skip
def test_rules_that_are_refused(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ParameterError, match=told):
        read_kind_rules([{**RULES[0], **change}])


def test_all_faults_are_told_at_once_and_garbage_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"A1.*used twice"):
        read_kind_rules([RULES[0], RULES[0]])
    with pytest.raises(ParameterError, match=r"op is one of .*target must be a number"):
        read_kind_rules([{"rule": "x", "kind": "k", "field": "f", "op": "?", "target": None}])
    with pytest.raises(ParameterError, match="no rule"):
        read_kind_rules([])
    with pytest.raises(ParameterError, match="must be a mapping"):
        read_kind_rules(["A1"])  # type: ignore[list-item]
    rules = read_kind_rules(RULES)
    facts = pd.DataFrame([[1.0] * 6], index=["u"], columns=FIELDS)
    with pytest.raises(DataError, match="no columns: homes, sold"):
        kinds_of(facts.drop(columns=["sold", "homes"]), rules)
    with pytest.raises(DataError, match="infinite for u"):
        kinds_of(facts.assign(built=np.inf), rules)
    with pytest.raises(DataError, match="more than once"):
        kinds_of(pd.concat([facts, facts]), rules)
    with pytest.raises(ParameterError, match="margin"):
        kinds_of(facts, rules, margin=-1)


@pytest.mark.parametrize(
    ("kinds", "finer", "least", "expected"),
    [
        ("aaaabb", "xxyyxy", 2, ["a/x", "a/x", "a/y", "a/y", "b", "b"]),
        ("aaa", "xxy", 2, ["a", "a", "a"]),
        ("aa", "xx", 3, ["a", "a"]),
        ("aa", "xx", 2, ["a/x", "a/x"]),
    ],
)
def test_peer_groups_are_split_only_where_every_part_is_large_enough(
    kinds: str, finer: str, least: int, expected: list[str]
) -> None:
    assert peer_groups(pd.Series(list(kinds)), pd.Series(list(finer)), least=least).tolist() == expected


def test_a_unit_of_no_kind_has_no_group_and_one_of_no_class_keeps_its_kind_whole() -> None:
    got = peer_groups(pd.Series(["a", "a", None]), pd.Series(["x", None, "x"]), least=1)
    assert got.iloc[:2].tolist() == ["a", "a"] and pd.isna(got.iloc[2])
    with pytest.raises(ParameterError, match="least"):
        peer_groups(pd.Series(["a"]), pd.Series(["x"]), least=0)


numbers = st.one_of(st.none(), st.integers(0, 100))


def told(facts: pd.DataFrame, **more: Any) -> Kinds:
    return kinds_of(facts, read_kind_rules(RULES), least=3, **more)


@settings(deadline=None, max_examples=30)
@given(
    st.tuples(numbers, numbers, st.just(100), st.one_of(st.none(), st.integers(1900, 2020)), numbers, st.just(100)),
    st.tuples(st.integers(0, 100), st.integers(0, 100), st.just(100), st.integers(1900, 2020), st.integers(0, 100), st.just(100)),
    st.integers(0, 2),
)  # fmt: skip
def test_a_clear_kind_stays_whatever_the_missing_fields_turn_out_to_be(
    row: tuple[int | None, ...], truth: tuple[int, ...], margin: int
) -> None:
    known = pd.DataFrame([row], index=["u"], columns=FIELDS, dtype="float64")
    filled = known.fillna(pd.DataFrame([truth], index=["u"], columns=FIELDS, dtype="float64"))
    before = told(known, margin=margin).units.iloc[0]
    after = told(filled, margin=margin).units.iloc[0]
    if before["state"] == "clear":
        assert after["told"] == before["told"]
    shuffled = told(known[FIELDS[::-1]], margin=margin).units.iloc[0]
    pd.testing.assert_series_equal(before, shuffled)
