"""Frameworks: the bundled Kunming file against the printed structure, and what the loader refuses."""

from __future__ import annotations

import pickle
import re
from fractions import Fraction
from pathlib import Path

import pandas as pd
import pytest
import yaml

import commlab as cl
from commlab.errors import DataError, ParameterError, StudyError
from commlab.framework import RULES, Framework, compare, exact, load_framework

HEAD = "name: small\n"
TREE = """
nodes:
- code: A
  zh: 甲
  children:
  - {code: A1, zh: 甲一, parts: [{rule: judged}]}
  - {code: A2, zh: 甲二, parts: [{rule: judged}]}
- {code: B, zh: 乙, parts: [{rule: judged}]}
"""


@pytest.fixture(scope="module")
def kunming() -> Framework:
    return load_framework("kunming_2018")


def made(tmp_path, text: str) -> Framework:
    path = tmp_path / "f.yaml"
    path.write_text(text, encoding="utf-8")
    return load_framework(path)


def leaf(part: str, more: str = "") -> str:
    return HEAD + more + f"\nnodes:\n- code: A\n  zh: 甲\n  parts:\n  - {part}\n"


# --- what the document prints ----------------------------------------------------------------------------


def test_kunming_has_the_printed_tree(kunming):
    # 昆发〔2018〕14号 附件2: 4 考评项目, 17 考评指标, 54 考评标准 (standards by primary: 12, 17, 12, 13).
    counts = kunming.table["level"].value_counts()
    assert (counts[1], counts[2], counts[3]) == (4, 17, 54)
    assert [len(kunming.leaves_of(c)) for c in kunming.children(None)] == [12, 17, 12, 13]
    per_secondary = [len(kunming.children(c)) for p in kunming.children(None) for c in kunming.children(p)]
    assert per_secondary == [3, 2, 4, 3, 3, 2, 3, 4, 5, 4, 2, 3, 3, 4, 3, 3, 3]


def test_kunming_methods_are_the_printed_ones(kunming):
    methods = kunming.table.loc[kunming.table["level"] == 3, "methods"].value_counts()
    assert methods.to_dict() == {
        ("field",): 23,
        ("documents",): 18,
        ("questionnaire",): 5,
        ("media",): 4,
        ("field", "documents"): 4,
    }


def test_kunming_norms_stand_on_exactly_three_standards(kunming):
    table = kunming.table.set_index("code")
    assert list(table.index[table["rule"].isin(["threshold", "growth"])]) == ["Ⅱ-4.1", "Ⅱ-11.1", "Ⅱ-16.1"]
    parts = kunming.part_table
    official = parts[parts["official"]]
    assert list(zip(official["code"], official["part"], strict=True)) == [
        ("Ⅱ-4.1", "urban"),
        ("Ⅱ-4.1", "converted"),
        ("Ⅱ-11.1", "area"),
        ("Ⅱ-16.1", "main"),
    ]
    targets = [
        kunming.parts(c)[i].target for c, i in [("Ⅱ-4.1", 0), ("Ⅱ-4.1", 1), ("Ⅱ-11.1", 0), ("Ⅱ-16.1", 0)]
    ]
    assert targets == [10, 5, 30, 0.03]


def test_kunming_questions_are_on_the_five_questionnaire_standards(kunming):
    table = kunming.table
    asked = table.loc[table["rule"] == "survey", "code"]
    assert list(asked) == list(table.loc[table["methods"] == ("questionnaire",), "code"])
    assert len(asked) == 5


def test_kunming_prints_no_weights(kunming):
    assert kunming.table["weight"].isna().all()
    weights = kunming.global_weights()
    assert list(weights.index) == list(kunming.leaves)
    assert weights.sum() == pytest.approx(1, abs=1e-12)
    # Ⅱ-6.1: one of 4 primaries, of 5 secondaries, of 2 standards
    assert weights["Ⅱ-6.1"] == pytest.approx(1 / 4 / 5 / 2, abs=1e-15)


def test_orders_sort_as_printed(kunming):
    leaves = kunming.table.sort_values("order")["code"]
    assert list(leaves).index("Ⅱ-2") < list(leaves).index("Ⅱ-10")


def test_shares_add_up_in_every_leaf(kunming):
    shares = kunming.part_table.groupby("code")["share"].sum()
    assert shares.to_numpy() == pytest.approx(1, abs=1e-12)


# --- look-ups ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("Ⅱ-4.1", "Ⅱ-4.1"),
        ("II-4.1", "Ⅱ-4.1"),
        ("Ⅱ—4.1", "Ⅱ-4.1"),
        (" ii－4.1 ", "Ⅱ-4.1"),
        ("Ⅰ—1", "Ⅰ-1"),
        ("TOTAL", "total"),
    ],
)
def test_codes_are_found_however_they_are_typed(kunming, typed, code):
    assert kunming.code(typed) == code


@pytest.mark.parametrize("typed", ["Ⅱ-4.9", "", "x", "../etc/passwd"])
def test_unknown_codes_are_refused(kunming, typed):
    with pytest.raises(ParameterError, match="has no code"):
        kunming.code(typed)


def test_an_unknown_code_names_near_ones(kunming):
    with pytest.raises(ParameterError, match=r"did you mean .*Ⅱ-4\.1"):
        kunming.code("Ⅱ-4.l")


def test_children_of_the_whole_and_of_a_leaf(kunming):
    assert kunming.children(None) == kunming.children("total") == ("Ⅰ-1", "Ⅰ-2", "Ⅰ-3", "Ⅰ-4")
    assert kunming.children("Ⅱ-4.1") == ()
    assert kunming.parts("Ⅰ-1") == ()


def test_a_framework_is_frozen_and_travels(kunming):
    with pytest.raises(AttributeError):
        kunming.name = "other"
    with pytest.raises(TypeError):
        kunming.parts("Ⅱ-4.1")[0].params["target"] = 1
    mine = kunming.table
    mine.loc[0, "code"] = "changed"
    assert kunming.table.loc[0, "code"] == "Ⅰ-1"
    assert repr(pickle.loads(pickle.dumps(kunming))) == repr(kunming)


@pytest.mark.parametrize("name", ["nowhere", "no/such.yaml", "", None, 5, "../../no/such"])
def test_a_framework_that_does_not_exist(name):
    with pytest.raises(ParameterError):
        load_framework(name)


# --- weights -------------------------------------------------------------------------------------------


def test_points_are_weights_by_another_name(tmp_path):
    f = made(
        tmp_path,
        HEAD
        + TREE.replace("code: A\n", "code: A\n  points: 60\n").replace("{code: B,", "{code: B, points: 40,"),
    )
    assert f.global_weights().to_dict() == pytest.approx({"A1": 0.3, "A2": 0.3, "B": 0.4})
    assert (f.full("A"), f.full("B"), f.full(), f.full("A1")) == (60, 40, 100, 100)


def test_rounded_weights_are_normalised_and_noted(tmp_path):
    text = HEAD + TREE.replace("code: A1,", "code: A1, weight: 0.333,").replace(
        "code: A2,", "code: A2, weight: 0.664,"
    )
    f = made(tmp_path, text)
    assert f.table.set_index("code").loc[["A1", "A2"], "weight"].sum() == pytest.approx(1, abs=1e-15)
    assert len(f.notes) == 1
    assert "0.997" in f.notes[0]


def test_with_weights_takes_whole_groups(kunming):
    w = kunming.with_weights(pd.Series({"I-1": 2.0, "Ⅰ-2": 1.0, "Ⅰ-3": 1.0, "Ⅰ-4": 0.0}))
    assert w.table.set_index("code").loc["Ⅰ-1", "weight"] == 0.5
    assert w.global_weights().sum() == pytest.approx(1, abs=1e-12)
    assert kunming.table["weight"].isna().all()


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        ({"Ⅰ-1": 1.0}, "incomplete: Ⅰ-2, Ⅰ-3, Ⅰ-4"),
        ({"Ⅰ-1": -1.0, "Ⅰ-2": 1, "Ⅰ-3": 1, "Ⅰ-4": 1}, "not so for Ⅰ-1"),
        ({"Ⅰ-1": float("nan"), "Ⅰ-2": 1, "Ⅰ-3": 1, "Ⅰ-4": 1}, "not so for Ⅰ-1"),
        ({"Ⅰ-1": float("inf"), "Ⅰ-2": 1, "Ⅰ-3": 1, "Ⅰ-4": 1}, "not so for Ⅰ-1"),
        ({"Ⅰ-1": 0, "Ⅰ-2": 0, "Ⅰ-3": 0, "Ⅰ-4": 0}, "all 0"),
        ({"Ⅰ-1": 1, "I-1": 1, "Ⅰ-2": 0, "Ⅰ-3": 0, "Ⅰ-4": 0}, "more than once"),
        ({"Ⅸ-9": 1}, "no code"),
    ],
)
def test_weights_that_cannot_be_used(kunming, weights, says):
    with pytest.raises(ParameterError, match=says):
        kunming.with_weights(pd.Series(weights))


# --- what the loader refuses, with the line -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HEAD + TREE + "colour: red\n", "line 10: the framework has an unknown key 'colour'"),
        (HEAD + HEAD + TREE, "line 2: the key 'name' is repeated"),
        (HEAD + TREE.replace("code: A2", "code: A1"), "line 8: the code A1 is repeated"),
        (HEAD + TREE.replace("code: A2", "code: Ａ１"), "line 8: the code Ａ１ is repeated"),
        (
            HEAD + TREE.replace("code: A2", "code: 4.10"),
            "line 8: node 4.1: code is float 4.1; it must be text",
        ),
        (HEAD + TREE.replace("code: A2", "code: 0371"), "code is int 249; it must be text"),
        (HEAD + TREE.replace("zh: 甲二", "zh: no"), "zh is bool False; it must be text"),
        (HEAD + TREE.replace("code: A2", "code: total"), "total is kept for the whole"),
        (HEAD + TREE.replace("code: B,", "code: B, parent: Z,"), "node B is an orphan"),
        (HEAD + "nodes:\n- {code: A, zh: a, parent: B}\n- {code: B, zh: b, parent: A}\n", "a cycle.: A, B"),
        (HEAD + "nodes: &n\n- {code: A, zh: a, children: *n}\n", "an alias contains itself"),
        (
            HEAD + TREE.replace("code: A1,", "code: A1, weight: 0.5,"),
            "some nodes have weight and some none: A2",
        ),
        (
            HEAD
            + TREE.replace("code: A1,", "code: A1, weight: 0.5,").replace(
                "code: A2,", "code: A2, weight: 0.49,"
            ),
            "add up to 0.99, not to 1 within 0.005",
        ),
        (
            HEAD
            + TREE.replace("code: A1,", "code: A1, weight: 1.5,").replace(
                "code: A2,", "code: A2, weight: -0.5,"
            ),
            "weight -0.5 is negative",
        ),
        (
            HEAD + TREE.replace("{code: B, zh: 乙, parts: [{rule: judged}]}", "{code: B, zh: 乙}"),
            "needs at least one part",
        ),
        (HEAD + TREE.replace("zh: 乙", "en: b"), "node B has no label zh"),
        (leaf("{rule: guess}"), "line 7: a part of A has the rule 'guess'; rules are judged, threshold"),
        (leaf("{rule: judged, target: 3}"), "unknown key 'target'"),
        (leaf("{rule: threshold, metric: m}"), "lacks op, target"),
        (leaf('{rule: threshold, metric: m, op: "=>", target: 1}'), "op is '=>'; it must be one of"),
        (leaf("{rule: threshold, metric: m, op: '>=', target: ten}"), "target is 'ten'; it must be a number"),
        (leaf("{rule: threshold, metric: m, op: '>=', target: .nan}"), "target is float nan"),
        (leaf("{rule: range, metric: m, low: 9, high: 5}"), "low 9 is above high 5"),
        (leaf("{rule: rate, numerator: a, op: '>=', target: 1}"), "lacks denominator"),
        (leaf("{rule: checklist}"), "exactly one of items, metric"),
        (leaf("{rule: checklist, metric: m}"), "of how many points"),
        (leaf("{rule: deduction, full: 10, items: []}"), "items is empty"),
        (leaf("{rule: deduction, full: 10, items: [{item: x}]}"), "needs per"),
        (leaf("{rule: deduction, full: 10, items: [{item: x, per: 1, cop: 3}]}"), "unknown key 'cop'"),
        (
            leaf(
                "{rule: bands, metric: m, bands: [{high: 60, closed: both, score: 0}, {low: 60, score: 9}]}"
            ),
            "two bands share 60",
        ),
        (leaf("{rule: veto, metric: m, sets: Z}"), "sets names 'Z', which is no node"),
        (leaf("{rule: judged, share: 0.5}"), "shares of its parts add up to 0.5"),
        (leaf("{rule: judged, scored_at: [village]}"), "scored_at is"),
        (
            leaf("{rule: yes_no, metric: m}", "metrics:\n  n: {zh: 甲, kind: stock}"),
            "'m', which is not among the metrics",
        ),
        (leaf("{rule: judged}", "metrics:\n  n: {zh: 甲, kind: ratio}"), "must name its numerator"),
        (leaf("{rule: judged}", "metrics:\n  n: {zh: 甲, kind: heap}"), "kind is 'heap'"),
        (HEAD, "the framework has no nodes"),
        ("", "not a mapping"),
        ("- 1\n", "not a mapping"),
        ("a: [1", "line 1: this is not YAML|line 2: this is not YAML"),
        (HEAD + "nodes: 3\n", "nodes is int 3; it must be a list"),
        (HEAD + "nodes: [3, null]\n", "line 2: a node is 3, not a mapping"),
        (HEAD + "nodes:\n- {code: A, zh: a, children: []}\n", "line 3: node A: children is empty"),
        (
            "name: t\nextends: kunming_2018\nnodes: ["
            + ", ".join(f"{{code: Ⅰ-{i}, drop: true}}" for i in range(1, 5))
            + "]\n",
            "every node was dropped",
        ),
        (leaf("{rule: bonus, metric: m, per: 1, cap: -1}"), "cap is int -1; it must be a number above 0"),
        (
            leaf("{rule: deduction, full: 10, floor: 20, items: [{item: m, per: 1}]}"),
            "floor 20 is not between 0 and full marks, 10",
        ),
        (
            leaf("{rule: deduction, full: 10, items: [{item: m, per: -1}]}"),
            "per is int -1; it must be a number above 0",
        ),
        (
            leaf("{rule: bands, metric: m, full: 10, bands: [{low: 0, score: 11}]}"),
            "score 11 is not between 0 and full marks, 10",
        ),
        (
            leaf("{rule: bands, metric: m, bands: [{low: 5, high: 5, score: 1}]}"),
            "a band from 5 to 5 holds no value",
        ),
        (leaf("{rule: veto, metric: m, sets: -1}"), "sets -1 is negative"),
        (HEAD + "source: !!python/object:os.system {}\n" + TREE, "tag .* is not allowed"),
        (HEAD + "? [a]\n: 1\n" + TREE, "is not text"),
    ],
)
def test_faults_are_told_with_their_line(tmp_path, text, says):
    with pytest.raises(DataError, match=says):
        made(tmp_path, text)


def test_all_faults_are_told_at_once(tmp_path):
    text = HEAD + TREE.replace("code: A2", "code: 4.10").replace("zh: 乙", "color: 1").replace(
        "rule: judged", "rule: x", 1
    )
    with pytest.raises(DataError) as caught:
        made(tmp_path, text)
    told = " ".join(caught.value.faults)
    assert len(caught.value.faults) >= 3
    assert "4.1" in told
    assert "'color'" in told


def test_a_file_that_is_not_utf8(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_bytes("name: 昆明".encode("gb18030"))
    with pytest.raises(DataError, match="not UTF-8"):
        load_framework(path)


def test_every_rule_loads(tmp_path):
    parts = {
        "judged": "",
        "threshold": "metric: m, op: '>=', target: 2/3",
        "range": "metric: m, low: 5, high: 9",
        "growth": "metric: m, target: 0.03, periods: 2",
        "rate": "numerator: a, denominator: b, op: '>=', target: 0.8, graded: true",
        "yes_no": "metric: m",
        "checklist": "items: [a, b, c]",
        "count": "metric: m, per: 1000",
        "deduction": "full: 10, floor: 0, items: [{item: x, zh: 某, per: 2, cap: 6}, {item: y, all: true}]",
        "bonus": "metric: m, per: 1, cap: 5",
        "bands": "metric: m, full: 10, bands: [{high: 60, score: 0}, {low: 60, score: 10, label: 优}]",
        "survey": "items: [q1, q2], statistic: satisfied, denominator: all, min_n: 30",
        "veto": "metric: m, sets: total",
    }
    assert set(parts) == set(RULES)
    nodes = "".join(
        f"- {{code: L{i}, zh: 叶, parts: [{{rule: {r}{', ' + k if k else ''}}}]}}\n"
        for i, (r, k) in enumerate(parts.items())
    )
    f = made(tmp_path, HEAD + "nodes:\n" + nodes)
    assert list(f.table["rule"]) == list(parts)
    assert exact(f.parts("L1")[0].target) == Fraction(2, 3)
    assert f.full("L8") == 10
    # a bonus and a veto take no weight from the others
    assert f.global_weights().sum() == pytest.approx(1)
    assert f.global_weights()["L9"] == f.global_weights()["L12"] == 0


# --- refining another framework -----------------------------------------------------------------------------


def test_a_district_states_only_what_differs(tmp_path, kunming):
    path = tmp_path / "wuhua.yaml"
    path.write_text(
        """
name: wuhua_2019
extends: kunming_2018
metrics:
  volunteer_n: {zh: 志愿者数, unit: 人, kind: stock, level: community}
nodes:
- {code: II-4.2, zh: 驻区单位开放}
- code: Ⅱ-5
  children:
  - {code: Ⅱ-5.4, zh: 志愿服务, methods: [field], parts: [{rule: count, metric: volunteer_n}]}
- {code: Ⅱ-9.5, drop: true}
""",
        encoding="utf-8",
    )
    f = load_framework(path)
    assert f.name == "wuhua_2019"
    assert f.node("Ⅱ-4.2").zh == "驻区单位开放"
    assert f.parts("Ⅱ-4.2")[0].metric == "open_facility_n"
    assert f.children("Ⅱ-5") == (*kunming.children("Ⅱ-5"), "Ⅱ-5.4")
    assert "Ⅱ-9.5" not in f.leaves
    assert len(f.leaves) == 54
    assert f.code("II-4.2") == "Ⅱ-4.2"


def test_frameworks_that_extend_each_other(tmp_path):
    (tmp_path / "a.yaml").write_text("name: a\nextends: b.yaml\n", encoding="utf-8")
    (tmp_path / "b.yaml").write_text("name: b\nextends: a.yaml\n", encoding="utf-8")
    with pytest.raises(DataError, match="in a circle"):
        load_framework(tmp_path / "a.yaml")


def test_a_base_that_does_not_exist(tmp_path):
    with pytest.raises(DataError, match="line 2: extends: no framework is called 'nowhere'"):
        made(tmp_path, "name: a\nextends: nowhere\n")


def test_two_versions_are_compared(tmp_path, kunming):
    path = tmp_path / "f.yaml"
    path.write_text(
        """
name: later
extends: kunming_2018
nodes:
- {code: Ⅱ-9.5, drop: true}
- {code: Ⅱ-4.2, zh: 驻区单位开放}
- code: Ⅱ-16.1
  parts: [{rule: growth, metric: certified_sw_n, target: 0.05, scored_at: [district]}]
""",
        encoding="utf-8",
    )
    out = compare(kunming, load_framework(path))
    told = set(zip(out["code"], out["what"], out["key"], strict=True))
    assert {("Ⅱ-9.5", "removed", ""), ("Ⅱ-4.2", "label", "zh"), ("Ⅱ-16.1", "rule", "target")} <= told
    # four siblings share what the fifth leaves
    assert (out["what"] == "weight").sum() == 4
    assert not out.loc[out["what"] == "label", "moves"].any()
    target = out[out["key"] == "target"].iloc[0]
    assert (target["before"], target["after"]) == (0.03, 0.05)


def test_a_comparison_says_which_scores_move(tmp_path):
    first = (
        HEAD
        + """
metrics:
  a: {zh: 数, kind: stock}
  b: {zh: 基数, kind: stock}
  r: {zh: 率, kind: ratio, numerator: a, denominator: b}
nodes:
- code: A
  zh: 甲
  children:
  - {code: A1, zh: 甲一, points: 30, parts: [{rule: threshold, metric: r, op: ">=", target: 1}]}
  - {code: A2, zh: 甲二, points: 70, parts: [{rule: judged}]}
- code: B
  zh: 乙
  children:
  - {code: B1, zh: 乙一, parts: [{rule: judged}]}
"""
    )
    second = first.replace("denominator: b}", "denominator: b, per: 100}").replace("points: 30", "points: 3")
    second = second.replace("points: 70", "points: 7").replace("- code: B\n", "- code: B\n  en: second\n")
    second = second.replace(
        "  - {code: B1, zh: 乙一, parts: [{rule: judged}]}\n",
        "  - {code: B1, zh: 乙一, methods: [field], parts: [{rule: judged}]}\n  - {code: B2, zh: 新, parts: [{rule: judged}]}\n",
    )
    one, two = tmp_path / "1.yaml", tmp_path / "2.yaml"
    one.write_text(first, encoding="utf-8")
    two.write_text(second, encoding="utf-8")
    out = compare(load_framework(one), load_framework(two))
    told = {(r.code, r.what, r.key): r for r in out.itertuples()}
    assert told["A1", "metric", "r.per"].scores == "A1, A, total"
    assert (told["A1", "points", "points"].before, told["A1", "points", "points"].after) == (30, 3)
    assert told["B2", "added", ""].scores == "B2, B, total"
    assert told["B1", "weight", "weight"].moves and not told["B1", "methods", "methods"].moves
    assert told["B", "label", "en"].scores == ""


def test_a_node_that_moves_changes_both_branches(tmp_path):
    moving = "  - {code: A2, zh: 甲二, parts: [{rule: judged}]}\n"
    later = TREE.replace(moving, "") + "- code: C\n  zh: 丙\n  children:\n" + moving
    a = made(tmp_path, HEAD + TREE)
    (tmp_path / "f.yaml").unlink()
    out = compare(a, made(tmp_path, HEAD + later))
    row = out[(out["code"] == "A2") & (out["what"] == "moved")].iloc[0]
    assert row["moves"] and row["scores"] == "C, A, total"


def test_a_framework_prints_as_a_page_to_read(kunming):
    lines = str(kunming).split("\n")
    assert lines[0].startswith("kunming_2018 昆明市") and len(lines) == 1 + 75 + 59
    norm = next(line for line in lines if "certified_sw_n" in line)
    assert norm.strip().startswith("- main: growth certified_sw_n 0.03") and norm.endswith("printed Ⅱ-16 (1)")
    urban = next(line for line in lines if "of type urban" in line)
    assert "threshold social_org_n >= 10" in urban and "share 40%" in urban


RATE = """
metrics:
  solved: {zh: 办结, kind: flow}
  taken: {zh: 受理, kind: flow}
  asked: {zh: 来电, kind: flow}
  rate: {zh: 办结率, kind: ratio, numerator: solved, denominator: taken}
"""


def test_a_rate_takes_the_only_denominator_there_is(tmp_path):
    part = '{rule: rate, numerator: solved, op: ">=", target: 0.9}'
    framework = made(tmp_path, leaf(part, RATE))
    assert framework.parts("A")[0].params["denominator"] == "taken"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("  other: {zh: 另, kind: ratio, numerator: solved, denominator: asked}\n",
         r"has 1 fault.*line 14: .*2 denominators of solved are possible \(taken, asked\); declare one"),
        ("", r"line 13: .*lacks denominator"),
    ],
)  # fmt: skip
def test_a_denominator_is_never_guessed(tmp_path, more, says):
    top = "solved" if more else "asked"
    with pytest.raises(DataError, match=says):
        made(tmp_path, leaf(f'{{rule: rate, numerator: {top}, op: ">=", target: 0.9}}', RATE + more))


STUDY = """study: 1
title: 试
city: 昆明市
framework: kunming_2018
periods: [2019Q4]
inputs:
- {name: a, files: "a.xlsx", reader: lists}
"""


def test_a_satisfied_share_declares_who_is_asked(tmp_path):
    part = "{{rule: survey, items: [q], statistic: satisfied{}}}"
    with pytest.raises(DataError, match=r"two denominators; declare one \(denominator: substantive.*all"):
        made(tmp_path, HEAD + f"nodes:\n- {{code: A, zh: 叶, parts: [{part.format('')}]}}\n")
    for declared in ("substantive", "all"):
        text = part.format(f", denominator: {declared}")
        f = made(tmp_path, HEAD + f"nodes:\n- {{code: A, zh: 叶, parts: [{text}]}}\n")
        assert f.parts("A")[0].params["denominator"] == declared


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("goalposts: {Ⅱ-1.2: {low: 0, high: 2}, Ⅱ-4.1/excellent: {low: 0, high: 1.5}}", None),
        ("goalposts: {Ⅱ-1.2: {low: 0}}", "goalposts: Ⅱ-1.2: expected {low: number, high: number}"),
        ("goalposts: {Ⅱ-1.2: {low: yes, high: 2}}", "goalposts: Ⅱ-1.2: expected"),
        ("goalposts: [Ⅱ-1.2]", "goalposts: expected codes"),
        ("goalposts: {Ⅱ-1.1: {low: 0, high: 2}}", "study.yaml: goalposts of Ⅱ-1.1: they belong to one part"),
        ("goalposts: {Ⅱ-8.4: {low: 0, high: 2}}", "concerns cared-for people"),
    ],
)
def test_a_study_declares_its_goalposts(tmp_path, lines, says):
    """They are the study's own: the part is no longer official, and only study.yaml can set them."""
    (tmp_path / "study.yaml").write_text(STUDY + lines + "\n", encoding="utf-8")
    if says:
        with pytest.raises(StudyError, match=says):
            cl.open_study(tmp_path).framework  # noqa: B018
        return
    framework = cl.open_study(tmp_path).framework
    posted = {p.code: p.goalposts for c in framework.leaves for p in framework.parts(c) if p.goalposts}
    assert posted == {"Ⅱ-1.2": (0, 2), "Ⅱ-4.1": (0, 1.5)}
    assert not any(p.official for p in framework.parts("Ⅱ-1.2"))


PRINTED = """
name: printed
source: {document: 某文件, date: 2021-08}
types: {core: {zh: 城区, en: city district}, other: {zh: 其他}}
constants:
  pool: {zh: 奖励资金, en: pool of rewards, value: 4000000, unit: 元, official: true, article: 六}
  money: {zh: 专项经费, unit: 元, by: {core: 200000, other: 100000}, official: true, article: 四}
  ratio: {zh: 督导比例, value: 1/10}
notes:
- {chapter: method, zh: 得分作为参考。, en: Scores are a reference., article: 九}
metrics: {a_n: {zh: 甲, kind: stock}}
nodes:
- {code: A, zh: 甲, parts: [{rule: count, metric: a_n, type: core}]}
"""


def test_figures_kinds_and_remarks_of_a_document(tmp_path: Path) -> None:
    path = tmp_path / "printed.yaml"
    path.write_text(PRINTED, encoding="utf-8")
    f = load_framework(path)
    assert f.constant("pool").number() == 4e6 and f.constant("pool").document == "某文件"
    assert [f.constant("money").number(k) for k in ("core", "other")] == [200000.0, 100000.0]
    assert f.constant("ratio").value == Fraction(1, 10) and not f.constant("ratio").official
    assert f.type_label("core", "en") == "city district" and f.type_label("other", "en") == "其他"
    assert f.remarks[0].text("en") == "Scores are a reference." and f.remarks[0].article == "九"
    with pytest.raises(ParameterError, match=r"differs by kind \(core, other\); it has none for None"):
        f.constant("money").number()
    with pytest.raises(ParameterError, match="no constant 'pol'; did you mean pool"):
        f.constant("pol")
    own = tmp_path / "own.yaml"
    own.write_text(
        "name: own\nextends: printed.yaml\nconstants: {pool: {zh: 奖金, value: 5}}\n", encoding="utf-8"
    )
    refined = load_framework(own)
    assert refined.constant("pool").number() == 5 and refined.constant("money").by["core"] == 200000


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("value: 4000000,", "", "constant pool needs exactly one of value"),
        ("value: 4000000, unit: 元, official: true, article: 六", "value: 4, official: true", "constant pool is official: it needs article"),
        ("core: 200000", "core: viele", "constant money: by core is 'viele'; it must be a number"),
        ("type: core", "type: cor", "for type 'cor', which is not among the types"),
        ("value: 1/10", "value: many", "constant ratio: value is 'many'; it must be a number"),
        ("chapter: method, ", "", "a note lacks chapter"),
        ("zh: 其他", "cn: 其他", "type other has an unknown key 'cn'"),
    ],
)  # fmt: skip
def test_faults_of_what_a_document_prints(tmp_path: Path, old: str, new: str, told: str) -> None:
    path = tmp_path / "printed.yaml"
    assert old in PRINTED
    path.write_text(PRINTED.replace(old, new), encoding="utf-8")
    with pytest.raises(DataError, match=told):
        load_framework(path)


def test_the_how_to_names_every_rule_and_its_examples_load(repository: Path, tmp_path: Path) -> None:
    page = (repository / "docs/how-to/framework.md").read_text(encoding="utf-8")
    examples = [
        m for m in re.findall(r"`(\{rule: .*?\})`(?: \||,| or|$)", page, flags=re.M) if "..." not in m
    ]
    assert {yaml.safe_load(e)["rule"] for e in examples} == set(RULES)
    for number, example in enumerate(examples):
        path = tmp_path / f"f{number}.yaml"
        path.write_text(f"name: f\nnodes:\n- {{code: A, zh: 甲, parts: [{example}]}}\n", encoding="utf-8")
        assert load_framework(path).leaves == ("A",)
    for name in ("deductions", "hotline", "importance"):
        folder = repository / "tests/data/studies" / name
        assert f"`{name}`" in page and load_framework(folder / "framework.yaml").leaves


def test_a_checklist_is_measured_where_its_items_are(tmp_path):
    metrics = "metrics:\n" + "".join(
        f"  {key}: {{zh: {key}, unit: 个, kind: stock, level: {level}}}\n"
        for key, level in (("a", "district"), ("b", "district"), ("c", "community"))
    )
    part = made(tmp_path, leaf("{rule: checklist, items: [a, b]}", metrics)).parts("A")[0]
    assert part.measured_at == "district" and "district" in part.scored_at
    with pytest.raises(DataError, match="the items are measured at community and district; say measured_at"):
        made(tmp_path, leaf("{rule: checklist, items: [a, c]}", metrics))
    said = made(tmp_path, leaf("{rule: checklist, items: [a, c], measured_at: community}", metrics))
    assert said.parts("A")[0].measured_at == "community"
