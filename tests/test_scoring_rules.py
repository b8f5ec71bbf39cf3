"""Rules one by one: evidence of a handful of units, and the score that a person would give by hand."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from commlab.errors import DataError, ParameterError
from commlab.framework import load_framework
from commlab.scoring import aggregate, collect, score
from commlab.scoring.gather import exact_sum
from commlab.scoring.rules import deduct, meets
from commlab.scoring.sources import join_sources

METRICS = """
metrics:
  orgs: {zh: 组织, kind: stock, unit: 个}
  area: {zh: 面积, kind: stock, unit: 平方米}
  households: {zh: 户, kind: stock, unit: 户}
  fulltime: {zh: 专职, kind: stock}
  members: {zh: 委员, kind: stock}
  workers: {zh: 社工, kind: stock, level: district}
  per_100: {zh: 每百户, kind: ratio, numerator: area, denominator: households, per: 100}
  green: {zh: 绿地, kind: stock, items: {a: {zh: 甲}, b: {zh: 乙}, c: {zh: 丙}}}
  late: {zh: 迟报, kind: flow}
  death: {zh: 事故, kind: flow}
"""


def framework(tmp_path, *parts: str, more: str = METRICS):
    """A framework of one leaf with the given parts."""
    lines = "".join(f"  - {p}\n" for p in parts)
    path = tmp_path / "f.yaml"
    path.write_text(f"name: small\n{more}\nnodes:\n- code: L\n  zh: 叶\n  parts:\n{lines}", encoding="utf-8")
    return load_framework(path)


UNITS = pd.DataFrame(
    [
        ("D", "district", "C", None),
        ("E", "district", "C", None),
        ("D/1", "community", "D", "urban"),
        ("D/2", "community", "D", "urban"),
        ("D/3", "community", "D", "converted"),
        ("E/1", "community", "E", "converted"),
    ],
    columns=["unit", "level", "parent", "type"],
)


def facts(**metrics: dict[str, float | None]) -> pd.DataFrame:
    """measures from metric -> {unit: value}; a key metric__item is an item, None is missing."""
    rows = []
    for name, values in metrics.items():
        metric, _, item = name.partition("__")
        for i, (unit, value) in enumerate(values.items()):
            state = "missing" if value is None else "observed"
            source = f"raw/{unit.split('/')[0]}.xlsx#S!B{i + 2}"
            rows.append(
                (pd.Timestamp("2019-12-31"), unit, metric, item or None, value, state, "2019Q4", source)
            )
    columns = ["as_of", "unit", "metric", "item", "value", "state", "period", "source"]
    out = pd.DataFrame(rows, columns=columns)
    return out.astype({"value": "float64", "item": "str", "as_of": "datetime64[us]"})


def rated(*rows: tuple[str, str, str, float]) -> pd.DataFrame:
    """ratings of the leaf L from (stage, rater, unit, score)."""
    out = pd.DataFrame(list(rows), columns=["stage", "rater", "unit", "score"]).astype({"score": "float64"})
    return out.assign(
        code="L", method="field", period="2019Q4", source=[f"r.xlsx#S!C{i}" for i in range(len(out))]
    )


def asked(*rows: tuple[str, str, str, float, float, float]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["unit", "item", "statistic", "estimate", "se", "n"]).assign(
        df=20.0
    )


def run(f, *, measures=None, ratings=None, survey=None, units=UNITS) -> pd.DataFrame:
    evidence = collect(
        f,
        measures=facts() if measures is None else measures,
        ratings=rated() if ratings is None else ratings,
        survey=asked() if survey is None else survey,
        units=units,
    )
    return score(evidence, f).set_index(["unit", "part"])


# --- norms --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numerator", "denominator", "target", "met"),
    [
        (6, 9, "2/3", True),
        (5, 9, "2/3", False),
        (2, 3, 0.6667, False),
        (2, 3, 0.6666, True),
        (1, 3, "1/3", True),
        (103, 100, 1.03, True),
        (0.3, 1, 0.3, True),
        (29.999999999, 1, 30, False),
    ],
)
def test_norms_are_compared_exactly(numerator, denominator, target, met):
    rows = pd.DataFrame(
        {
            "value": [numerator / denominator],
            "numerator": [float(numerator)],
            "denominator": [float(denominator)],
            "per": [1.0],
        }
    )
    assert meets(rows, ">=", target)[0] == met


def test_sums_are_those_of_the_printed_decimals():
    assert exact_sum([0.1, 0.2]) == 0.3
    assert exact_sum([0.1] * 10) == 1.0
    assert Fraction(exact_sum([1e15, 1.0])) == 10**15 + 1


THRESHOLD = (
    '{part: urban, rule: threshold, metric: orgs, type: urban, statistic: mean, op: ">=", target: 10,'
    " graded: true, measured_at: community, scored_at: [district], rollup: mean}"
)


def test_a_mean_over_communities_of_a_type(tmp_path):
    f = framework(tmp_path, THRESHOLD)
    out = run(f, measures=facts(orgs={"D/1": 12, "D/2": 8, "D/3": 0, "E/1": 3}))
    # (12 + 8) / 2 = 10 meets 10, though one community alone does not; E has no urban community.
    assert out.loc[("D", "urban"), ["value", "score", "state"]].tolist() == [10, 100, "scored"]
    assert out.loc[("E", "urban"), "state"] == "not_applicable"
    assert ("D/1", "urban") not in out.index


def test_below_a_graded_norm_the_share_of_the_way_counts(tmp_path):
    f = framework(tmp_path, THRESHOLD)
    out = run(f, measures=facts(orgs={"D/1": 6, "D/2": 9}))
    assert out.loc[("D", "urban"), ["score", "state"]].tolist() == [75, "failed"]


def test_a_soft_norm_never_fails(tmp_path):
    f = framework(tmp_path, THRESHOLD.replace("}", ", soft: true}"))
    out = run(f, measures=facts(orgs={"D/1": 6, "D/2": 9}))
    assert out.loc[("D", "urban"), ["score", "state"]].tolist() == [75, "scored"]


def test_missing_communities_are_not_zero(tmp_path):
    f = framework(tmp_path, THRESHOLD)
    measures = facts(orgs={"D/1": 12, "D/2": None})
    evidence = collect(f, measures=measures, ratings=rated(), survey=asked(), units=UNITS)
    main = evidence[(evidence["unit"] == "D") & (evidence["role"] == "main")].iloc[0]
    assert (main["value"], main["n"], main["of"]) == (12, 1, 2)
    share = evidence[evidence["item"] == "share_meeting"].iloc[0]
    assert (share["value"], share["numerator"], share["denominator"]) == (1, 1, 1)
    assert run(f).loc[("D", "urban"), "state"] == "missing"


def test_ratios_are_rebuilt_from_sums(tmp_path):
    part = (
        '{rule: threshold, metric: per_100, op: ">=", target: 30, graded: true,'
        " scored_at: [community, district], rollup: ratio_of_sums}"
    )
    f = framework(tmp_path, part)
    out = run(
        f, measures=facts(area={"D/1": 300, "D/2": 900}, households={"D/1": 2000, "D/2": 2000, "E/1": 0})
    )
    # D: 1200 / 4000 * 100 = 30 (the mean of 15 and 45 would be 30 too, so take unequal sizes below)
    assert out.loc[("D/1", "main"), ["value", "score", "state"]].tolist() == [15, 50, "failed"]
    assert out.loc[("D", "main"), ["value", "score", "state"]].tolist() == [30, 100, "scored"]
    assert out.loc[("E/1", "main"), "state"] == "not_applicable"
    out = run(f, measures=facts(area={"D/1": 300, "D/2": 450}, households={"D/1": 3000, "D/2": 1000}))
    assert out.loc[("D", "main"), "value"] == 750 / 4000 * 100


def test_a_rate_of_exactly_two_thirds(tmp_path):
    f = framework(tmp_path, '{rule: rate, numerator: fulltime, denominator: members, op: ">=", target: 2/3}')
    out = run(f, measures=facts(fulltime={"D/1": 6, "D/2": 5}, members={"D/1": 9, "D/2": 9}))
    assert out.loc[("D/1", "main"), ["score", "state"]].tolist() == [100, "scored"]
    assert out.loc[("D/2", "main"), ["score", "state"]].tolist() == [0, "failed"]


def test_a_range_holds_its_ends(tmp_path):
    f = framework(tmp_path, "{rule: range, metric: members, low: 5, high: 9}")
    out = run(f, measures=facts(members={"D/1": 5, "D/2": 9, "D/3": 10, "E/1": 4.5}))
    assert out.loc[
        [("D/1", "main"), ("D/2", "main"), ("D/3", "main"), ("E/1", "main")], "score"
    ].tolist() == [100, 100, 0, 0]


# --- growth ------------------------------------------------------------------------------


def years(unit: str, *values: float | None, first: int = 2017) -> pd.DataFrame:
    out = facts(workers={unit: 0.0})
    rows = [
        out.assign(as_of=pd.Timestamp(f"{first + i}-12-31"), value=v)
        for i, v in enumerate(values)
        if v is not None
    ]
    return pd.concat(rows, ignore_index=True)


@pytest.mark.parametrize(
    ("values", "value", "state"),
    [
        ((100, 103), 0.03, "scored"),  # exactly 3%
        ((100, 102), 0.02, "failed"),
        ((100, 110, 113), 3 / 110, "failed"),  # every year: the second grew 2.7%
        ((100, 103, 106.09), 0.03, "scored"),
        ((100,), np.nan, "missing"),  # one year tells no growth
        ((0, 5), np.nan, "missing"),  # growth from nothing is not defined
        ((100, None, 120), np.nan, "missing"),  # a year is missing between
        ((0, 5, 6), np.nan, "missing"),
    ],
)
def test_growth_counts_every_year(tmp_path, values, value, state):
    f = framework(
        tmp_path,
        "{rule: growth, metric: workers, target: 0.03, measured_at: district, scored_at: [district]}",
    )
    out = run(f, measures=years("D", *values)).loc[("D", "main")]
    assert out["state"] == state
    assert out["value"] == pytest.approx(value, abs=1e-12, nan_ok=True)


def test_what_is_measured_above_is_inherited_and_marked(tmp_path):
    part = (
        "{rule: growth, metric: workers, target: 0.03, measured_at: district,"
        " scored_at: [community, district], rollup: inherit}"
    )
    f = framework(tmp_path, part)
    out = run(f, measures=years("D", 100, 110))
    assert out.loc[("D/1", "main"), ["score", "inherited"]].tolist() == [100, True]
    assert not out.loc[("D", "main"), "inherited"]
    assert out.loc[("E/1", "main"), "state"] == "missing"


# --- yes/no, checklists, deductions, bonus, bands, veto


def test_yes_no_and_the_share_of_communities(tmp_path):
    f = framework(tmp_path, "{rule: yes_no, metric: area, scored_at: [community, district]}")
    out = run(f, measures=facts(area={"D/1": 5, "D/2": 0, "D/3": 0}))
    assert out.loc[[("D/1", "main"), ("D/2", "main")], "state"].tolist() == ["scored", "failed"]
    assert out.loc[("D", "main"), ["value", "score"]].tolist() == pytest.approx([1 / 3, 100 / 3])


CHECKLIST = (
    '{rule: checklist, items: [green/a, green/b, green/c], op: "==", target: 0,'
    " scored_at: [community, district]}"
)


def test_a_checklist_counts_points_without_violation(tmp_path):
    f = framework(tmp_path, CHECKLIST)
    measures = facts(green__a={"D/1": 0, "D/2": 2}, green__b={"D/1": 1, "D/2": 0}, green__c={"D/1": 0})
    out = run(f, measures=measures)
    assert out.loc[("D/1", "main"), "score"] == pytest.approx(200 / 3)
    # one of two points was checked and found clean: the third is missing, not zero
    assert out.loc[("D/2", "main"), "score"] == 50
    assert out.loc[("D", "main"), "score"] == 60  # 3 of 5 points seen
    assert out.loc[("E/1", "main"), "state"] == "missing"


def test_a_checklist_that_asks_for_all(tmp_path):
    f = framework(tmp_path, CHECKLIST.replace("op:", "graded: false, op:"))
    out = run(f, measures=facts(green__a={"D/1": 0, "D/2": 1}, green__b={"D/1": 0, "D/2": 0}))
    assert out.loc[[("D/1", "main"), ("D/2", "main")], "score"].tolist() == [100, 0]


def test_a_checklist_by_number_of_points(tmp_path):
    f = framework(tmp_path, "{rule: checklist, metric: orgs, of: 8}")
    out = run(f, measures=facts(orgs={"D/1": 6, "D/2": 8}))
    assert out.loc[[("D/1", "main"), ("D/2", "main")], "score"].tolist() == [75, 100]


@pytest.mark.parametrize(
    ("late", "death", "left"),
    [(0, 0, 10), (1, 0, 8), (4, 0, 4), (0, 1, 0), (None, 0, 10), (3, None, 4)],
)
def test_deductions_with_cap_floor_and_all(tmp_path, late, death, left):
    f = framework(
        tmp_path,
        "{rule: deduction, full: 10, items: [{item: late, per: 2, cap: 6}, {item: death, all: true}]}",
    )
    out = run(f, measures=facts(late={"D/1": late}, death={"D/1": death}))
    assert out.loc[("D/1", "main"), "score"] == left


def test_deductions_do_not_go_below_the_floor():
    assert deduct({"x": 9}, [{"item": "x", "per": 3}], 10, 2) == 2


def test_a_bonus_is_added_on_top_up_to_its_cap(tmp_path):
    f = framework(tmp_path, "{part: a, rule: judged}", "{part: b, rule: bonus, metric: orgs, per: 2, cap: 5}")
    ratings = rated(("expert", "e", "D/1", 90), ("expert", "e", "D/2", 90))
    evidence = collect(f, measures=facts(orgs={"D/1": 4}), ratings=ratings, survey=asked(), units=UNITS)
    parts = score(evidence, f)
    assert parts.set_index(["unit", "part"]).loc[("D/1", "b"), "score"] == 5
    totals = aggregate(parts, f).set_index(["unit", "code"])["score"]
    assert totals["D/1", "total"] == 95
    assert totals["D/2", "total"] == 90


def test_a_bonus_alone_is_no_total(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_text(
        "name: t\nnodes:\n- {code: A, zh: 甲, parts: [{rule: judged}]}\n"
        "- {code: B, zh: 乙, parts: [{rule: bonus, metric: orgs, per: 2}]}\n",
        encoding="utf-8",
    )
    f = load_framework(path)
    parts = pd.DataFrame({"unit": ["u", "u"], "code": ["A", "B"], "part": "main", "score": [np.nan, 4.0]})
    for state, total in (("missing", np.nan), ("not_applicable", 4.0)):
        nodes = aggregate(parts.assign(state=[state, "scored"]), f).set_index("code")
        assert nodes.loc["B", "score"] == 4
        assert nodes.loc["total", "score"] == pytest.approx(total, nan_ok=True)


@pytest.mark.parametrize(("value", "points"), [(59.9, 0), (60, 6), (79.9, 6), (80, 10), (100, 10)])
def test_bands_have_declared_ends(tmp_path, value, points):
    bands = "[{high: 60, score: 0}, {low: 60, high: 80, score: 6}, {low: 80, score: 10}]"
    part = f"{{rule: bands, metric: orgs, full: 10, bands: {bands}}}"
    out = run(framework(tmp_path, part), measures=facts(orgs={"D/1": value}))
    assert out.loc[("D/1", "main"), "score"] == points


def test_a_value_outside_all_bands_fails(tmp_path):
    out = run(
        framework(tmp_path, "{rule: bands, metric: orgs, bands: [{low: 60, score: 100}]}"),
        measures=facts(orgs={"D/1": 5}),
    )
    assert out.loc[("D/1", "main"), ["score", "state"]].tolist() == [0, "failed"]


@pytest.mark.parametrize(("sets", "total"), [("total", 0), (40, 40)])
def test_a_veto_overrules(tmp_path, sets, total):
    f = framework(
        tmp_path, "{part: a, rule: judged}", f"{{part: v, rule: veto, metric: death, sets: {sets}}}"
    )
    ratings = rated(("expert", "e", "D/1", 90), ("expert", "e", "D/2", 90))
    evidence = collect(
        f, measures=facts(death={"D/1": 1, "D/2": 0}), ratings=ratings, survey=asked(), units=UNITS
    )
    out = aggregate(score(evidence, f), f).set_index(["unit", "code"])
    assert out.loc[("D/1", "total"), "score"] == total
    assert out.loc[("D/2", "total"), ["score", "state"]].tolist() == [90, "scored"]
    assert "vetoed" in out.loc["D/1", "state"].tolist()


# --- judgements and counts ------------------------------------------------


def test_only_the_expert_stage_scores(tmp_path):
    f = framework(tmp_path, "{rule: judged}")
    ratings = rated(
        ("expert", "e1", "D/1", 80),
        ("expert", "e2", "D/1", 90),
        ("self", "D/1", "D/1", 100),
        ("district", "D", "D/1", 95),
        ("expert", "e1", "D/2", 60),
    )
    evidence = collect(f, measures=facts(), ratings=ratings, survey=asked(), units=UNITS)
    main = evidence[evidence["role"] == "main"].set_index("unit")
    assert main.loc["D/1", ["value", "n"]].tolist() == [85, 2]
    # the district: mean over rated candidates of their mean (not over all ratings), n = candidates
    assert main.loc["D", ["value", "n"]].tolist() == [72.5, 2]
    assert main.loc["E", "state"] == "missing"
    beside = evidence[(evidence["role"] == "beside") & (evidence["unit"] == "D/1")].set_index("stage")[
        "value"
    ]
    assert beside.to_dict() == {"self": 100, "district": 95}
    # s^2 = (25 + 25) / 1; D/1: s / sqrt 2; D: s * sqrt(1/2 + 1) / 2
    s = np.sqrt(50)
    assert main.loc["D/1", "se"] == pytest.approx(s / np.sqrt(2))
    assert main.loc["D", "se"] == pytest.approx(s * np.sqrt(1.5) / 2)


def test_a_count_is_evidence_not_score(tmp_path):
    f = framework(tmp_path, "{rule: count, metric: orgs}")
    measures = facts(orgs={"D/1": 4, "D/2": 2}, households={"D/1": 2000, "D/2": 500})
    evidence = collect(
        f, measures=measures, ratings=rated(("expert", "e", "D/1", 70)), survey=asked(), units=UNITS
    )
    told = evidence[evidence["item"] == "orgs"].set_index("unit")
    assert told.loc["D/1", ["value", "numerator", "denominator"]].tolist() == [2, 4, 2000]
    assert told.loc["D", "value"] == 6 / 2500 * 1000
    assert told.loc["D/2", "percentile"] == 100
    out = score(evidence, f).set_index("unit")
    assert out.loc["D/1", "score"] == 70
    assert out.loc["D/2", "state"] == "missing"


@pytest.mark.parametrize("posts", [(0, 20), (20, 0), (5, 15)])
def test_goalposts_score_a_count_where_a_study_declares_them(tmp_path, posts):
    """Per 1,000 households: 10 in D/1, 30 in D/2, (2 + 3) / 300 households = 16.7 in their district."""
    f = framework(tmp_path, "{rule: count, metric: orgs}").with_goalposts({"L": posts})
    out = run(
        f, measures=facts(orgs={"D/1": 2, "D/2": 3}, households={"D/1": 200, "D/2": 100}),
        ratings=rated(("expert", "e", "D/1", 90)),
    )  # fmt: skip
    assert out.loc[("D/1", "main"), "value"] == 10 and out.loc[("D", "main"), "value"] == pytest.approx(
        50 / 3
    )
    low, high = posts
    expected = [np.clip((v - low) / (high - low), 0, 1) * 100 for v in (10, 30, 50 / 3)]
    found = [out.loc[(u, "main"), "score"] for u in ("D/1", "D/2", "D")]
    assert found == pytest.approx(expected)
    assert out.loc[("D/3", "main"), "state"] == "missing"  # no households known: a bare count is not compared
    evidence = collect(
        f, measures=facts(orgs={"D/1": 2}, households={"D/1": 200}), survey=asked(), units=UNITS,
        ratings=rated(("expert", "e", "D/1", 90)),
    )  # fmt: skip
    assert evidence.loc[evidence["role"] == "check", "value"].tolist() == [90, 90]  # of D/1 and its district


def test_goalposts_of_what_is_measured_above_are_inherited(tmp_path):
    f = framework(tmp_path, "{rule: count, metric: workers, base: none}").with_goalposts({"L/main": (0, 50)})
    out = run(f, measures=facts(workers={"D": 40}))
    assert out.loc[("D/1", "main"), ["score", "inherited"]].tolist() == [80, True]


@pytest.mark.parametrize(
    ("rule", "posts", "says"),
    [
        ("{rule: judged}", {"L": (0, 1)}, "belong to one part with the rule count.*it has main .judged."),
        ("{rule: count, metric: orgs}", {"L/x": (0, 1)}, "goalposts of L/x"),
        ("{rule: count, metric: orgs}", {"L": (1, 1)}, "low 1 and high 1 must be two different numbers"),
        ("{rule: count, metric: orgs}", {"M": (0, 1)}, "no code 'M'"),
        ("{rule: count, metric: cared}", {"L": (0, 1)}, "cared concerns cared-for people"),
    ],
)
def test_goalposts_that_cannot_be_used(tmp_path, rule, posts, says):
    more = METRICS + "  cared: {zh: 关爱, kind: stock, sensitive: true}\n"
    with pytest.raises(ParameterError, match=says):
        framework(tmp_path, rule, more=more).with_goalposts(posts)


def test_a_rating_beside_a_norm_is_a_check(tmp_path):
    f = framework(tmp_path, "{rule: range, metric: members, low: 5, high: 9}")
    evidence = collect(
        f,
        measures=facts(members={"D/1": 7}),
        ratings=rated(("expert", "e", "D/1", 20)),
        survey=asked(),
        units=UNITS,
    )
    assert evidence.loc[evidence["role"] == "check", "value"].tolist() == [20, 20]
    assert score(evidence, f).set_index("unit").loc["D/1", "score"] == 100


def test_sensitive_counts_stay_above_the_community(tmp_path):
    more = METRICS.replace("orgs: {zh: 组织, kind: stock", "orgs: {zh: 组织, kind: stock, sensitive: true")
    f = framework(tmp_path, "{rule: count, metric: orgs}", more=more)
    evidence = collect(f, measures=facts(orgs={"D/1": 4}), ratings=rated(), survey=asked(), units=UNITS)
    assert evidence.loc[evidence["item"] == "orgs", "unit"].tolist() == ["D", "E"]


# --- residents ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "rows", "value", "se"),
    [
        ("items: [q]", [("D", "q", "index", 75, 2, 40)], 75, 2),
        ("items: [q], statistic: mean", [("D", "q", "mean", 4, 0.1, 40)], 75, 2.5),
        (
            "items: [q], statistic: satisfied, denominator: substantive",
            [("D", "q", "satisfied", 0.8, 0.02, 40), ("D", "q", "dont_know", 0.25, 0.01, 50)],
            80,
            2,
        ),
        (
            "items: [q], statistic: satisfied, denominator: all",
            [("D", "q", "satisfied", 0.8, 0.02, 40), ("D", "q", "dont_know", 0.25, 0.01, 50)],
            60,
            1.5,
        ),
        ("items: [q, r]", [("D", "q", "index", 70, 2, 40), ("D", "r", "index", 80, 4, 30)], 75, 3),
        ("items: [q, r], min_n: 35", [("D", "q", "index", 70, 2, 40), ("D", "r", "index", 80, 4, 30)], 70, 2),
    ],
)
def test_answers_are_put_on_0_100(tmp_path, part, rows, value, se):
    f = framework(tmp_path, "{rule: survey, " + part + "}")
    evidence = collect(f, measures=facts(), ratings=rated(), survey=asked(*rows), units=UNITS)
    main = evidence[(evidence["role"] == "main") & (evidence["unit"] == "D")].iloc[0]
    assert [main["value"], main["se"]] == pytest.approx([value, se])


def test_too_few_answers_are_missing(tmp_path):
    f = framework(tmp_path, "{rule: survey, items: [q], min_n: 10}")
    out = run(f, survey=asked(("D", "q", "index", 75, 2, 9)))
    assert out["state"].unique().tolist() == ["missing"]


# --- garbage ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"units": UNITS.drop(columns="parent")}, "lacks the columns parent"),
        ({"units": pd.concat([UNITS, UNITS.iloc[[0]]])}, "lists D more than once"),
        ({"units": UNITS.assign(level="village")}, "unknown levels: village"),
        ({"units": UNITS.assign(parent=UNITS["unit"])}, "lies in itself"),
        ({"ratings": rated(("expert", "e", "D/1", 80)).assign(code="Z")}, "does not have: Z"),
        ({"ratings": rated(("expert", "e", "D/1", 800))}, "outside 0-100"),
        ({"measures": facts(orgs={"D/1": np.inf})}, "infinite, first D/1 orgs"),
        ({"measures": facts().drop(columns="state")}, "lacks the columns state"),
        ({"survey": asked().drop(columns="se")}, "lack the columns se"),
        (
            {"survey": asked(("D", "q", "index", 1, 1, 9), ("D", "q", "index", 2, 1, 9))},
            "more than one row for D, q",
        ),
    ],
)
def test_tables_that_cannot_be_used(tmp_path, change, says):
    with pytest.raises(DataError, match=says):
        run(framework(tmp_path, "{rule: judged}"), **change)


def test_no_units_at_all(tmp_path):
    f = framework(tmp_path, "{rule: judged}")
    evidence = collect(f, measures=facts(), ratings=rated(), survey=asked(), units=UNITS.iloc[:0])
    assert evidence.empty
    assert aggregate(score(evidence, f), f).empty


def test_only_marked_units_are_scored(tmp_path):
    f = framework(tmp_path, "{rule: judged}")
    marked = UNITS.assign(scored=UNITS["unit"].eq("D"))
    out = run(f, ratings=rated(("expert", "e", "D/1", 80)), units=marked)
    assert out.index.get_level_values("unit").tolist() == ["D"]
    assert out["score"].tolist() == [80]


def test_scores_trace_to_cells(tmp_path):
    out = run(framework(tmp_path, THRESHOLD), measures=facts(orgs={"D/1": 12, "D/2": 8}))
    assert out.loc[("D", "urban"), "source"] == "raw/D.xlsx#S!B2:B3"


@pytest.mark.parametrize(
    ("sources", "joined"),
    [
        ([], ""),
        (["a#S!B2"], "a#S!B2"),
        (["a#S!B2", "a#S!B2", ""], "a#S!B2"),
        (["a#S!B2", "a#S!B4", "a#S!B3"], "a#S!B2:B4"),
        (["a#S!B2", "b#!C2"], "a#S!B2; b#!C2"),
        (["a#S!12:12", "a#S!13:13"], "a#S!12:12; a#S!13:13"),
        (
            [f"a#S!B{2 * i}" for i in range(20)],
            "a#S!" + ",".join(f"B{2 * i}" for i in range(12)) + ",... (20 ranges)",
        ),
    ],
)
def test_sources_are_told_shortly(sources, joined):
    assert join_sources(sources) == joined


# --- frameworks of other kinds: sheets of deductions, targets by type, hotline rates, published scores ------------

LEVELS = ("city", "district", "street", "community")


def whole(
    tmp_path, nodes: str, measures: dict[str, dict[str, float | None]], units: list[tuple], **metrics: str
) -> pd.DataFrame:
    """Scores of every node and unit under nodes written out, from metric -> {unit: value}; metrics: flows of streets."""
    path = tmp_path / "other.yaml"
    told = [f"  {m}: {metrics.get(m, f'{{zh: {m}, kind: flow, level: street}}')}" for m in measures]
    path.write_text("\n".join(["name: other", "metrics:", *told, "nodes:", nodes]), encoding="utf-8")
    f = load_framework(path)
    table = pd.DataFrame(units, columns=["unit", "level", "parent", "type"])
    evidence = collect(f, measures=facts(**measures), ratings=rated(), survey=asked(), units=table)
    nodes = aggregate(score(evidence, f), f)
    return nodes.set_index(["unit", "code"])[["score", "state"]]


STREETS = [
    ("C", "city", None, None),
    ("S1", "street", "C", "big"),
    ("S2", "street", "C", "small"),
    ("S3", "street", "C", "small"),
]


def test_a_sheet_of_deductions(tmp_path):
    """100 points in two groups; S1: 60 - 2x2 - min(3x4, 10), 40 - 5; S2 lost everything of its first group; S3 reports no fire."""
    out = whole(
        tmp_path,
        """
- code: "1"
  zh: 报送
  points: 60
  parts:
  - rule: deduction
    full: 60
    floor: 10
    measured_at: street
    items: [{item: late, per: 2}, {item: wrong, per: 4, cap: 10}, {item: death, all: true}]
- code: "2"
  zh: 安全
  points: 40
  parts: [{rule: deduction, full: 40, measured_at: street, items: [{item: fire, per: 5}]}]
""",
        {
            "late": {"S1": 2, "S2": 0, "S3": 40},
            "wrong": {"S1": 3, "S2": 0, "S3": 0},
            "death": {"S1": 0, "S2": 1, "S3": 0},
            "fire": {"S1": 1, "S2": 0, "S3": None},
        },
        STREETS,
    )["score"]
    assert out["S1"].to_dict() == pytest.approx({"total": 81, "1": 46, "2": 35})
    assert out["S2"].to_dict() == pytest.approx({"total": 50, "1": 10, "2": 40})
    # 10 of 60 points is all that S3 was measured on: a sixth of 100
    assert out["S3", "1"] == 10 and np.isnan(out["S3", "2"]) and out["S3", "total"] == pytest.approx(100 / 6)


def test_targets_by_type_leave_the_other_type_out(tmp_path):
    """Big streets need 20, the others 10 (Xianning's special fund); a city scores both kinds by their shares."""
    out = whole(
        tmp_path,
        """
- code: F
  zh: 专项经费
  parts:
  - {part: big, rule: threshold, metric: fund, type: big, op: ">=", target: 20, graded: true, share: 0.25}
  - {part: small, rule: threshold, metric: fund, type: small, op: ">=", target: 10, rollup: share_meeting}
""",
        {"fund": {"S1": 15, "S2": 10, "S3": 9}},
        STREETS,
    )
    assert out["score"].xs("F", level="code").to_dict() == pytest.approx(
        {"C": 0.25 * 75 + 0.75 * 50, "S1": 75, "S2": 100, "S3": 0}
    )
    assert out["state"].xs("F", level="code").to_dict() == {
        "C": "failed",
        "S1": "failed",
        "S2": "scored",
        "S3": "failed",
    }


def test_hotline_rates_with_groups_of_their_own_full_marks(tmp_path):
    """Answered 10, solved 50, content 40 points; each rate on its own denominator, and a bonus on top up to 3."""
    out = whole(
        tmp_path,
        """
- code: H1
  zh: 响应
  points: 10
  parts: [{rule: rate, numerator: answered, denominator: calls, op: ">=", target: 1, graded: true}]
- code: H2
  zh: 办理
  children:
  - {code: H2.1, zh: 解决率, points: 50, parts: [{rule: rate, numerator: solved, denominator: due, op: ">=", target: 1, graded: true}]}
  - {code: H2.2, zh: 满意率, points: 40, parts: [{rule: rate, numerator: content, denominator: rated, op: ">=", target: 1, graded: true}]}
  points: 90
- code: H3
  zh: 加分
  parts: [{rule: bonus, metric: praised, per: 1, cap: 3, measured_at: street}]
""",
        {
            "calls": {"S1": 200, "S2": 0, "S3": 10},
            "answered": {"S1": 190, "S2": 0, "S3": 10},
            "due": {"S1": 150, "S2": 5, "S3": 10},
            "solved": {"S1": 120, "S2": 5, "S3": 5},
            "rated": {"S1": 100, "S2": 5, "S3": 0},
            "content": {"S1": 90, "S2": 4, "S3": 0},
            "praised": {"S1": 7, "S2": 1, "S3": 0},
        },
        STREETS,
    )["score"]
    assert out["S1"].to_dict() == pytest.approx(
        {"total": 9.5 + 40 + 36 + 3, "H1": 9.5, "H2": 76, "H2.1": 40, "H2.2": 36, "H3": 3}
    )
    # nobody called S2: its rate does not apply and leaves both sides; 82 of 90 points, and the bonus
    assert out["S2", "total"] == pytest.approx(100 * 82 / 90 + 1)
    assert out["S3", "H2"] == pytest.approx(90 * 0.5)


def test_published_scores_of_cities(tmp_path):
    """Scores that somebody else published are carried as they are, with a ladder for what they are worth here."""
    out = whole(
        tmp_path,
        """
- {code: P1, zh: 指数, weight: 0.6, parts: [{rule: threshold, metric: index, op: ">=", target: 100, graded: true, soft: true}]}
- code: P2
  zh: 位次
  weight: 0.4
  parts:
  - {rule: bands, metric: place, bands: [{high: 3, closed: both, score: 100}, {low: 3, high: 10, closed: right, score: 80}, {low: 10, closed: right, score: 50}]}
""",
        {"index": {"A": 87.5, "B": 60, "C": 100}, "place": {"A": 3, "B": 10, "C": 11}},
        [(c, "city", None, None) for c in "ABC"],
        index="{zh: 指数, kind: stock, level: city}",
        place="{zh: 位次, kind: stock, level: city, direction: -1}",
    )
    assert out["score"].xs("total", level="code").to_dict() == pytest.approx(
        {"A": 0.6 * 87.5 + 40, "B": 36 + 32, "C": 60 + 20}
    )
    assert "failed" not in out["state"].tolist()
