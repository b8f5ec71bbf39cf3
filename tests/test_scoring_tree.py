"""Up the tree, ranks, naming, rewards, uncertainty and the account of change."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from commlab.errors import DataError, ParameterError
from commlab.framework import load_framework
from commlab.scoring import (
    Dirichlet,
    aggregate,
    aggregate_wide,
    allocate_rewards,
    audit,
    collect,
    draw_scores,
    explain_change,
    grade,
    leave_one_out,
    on_later_boundaries,
    pairs_apart,
    rank_uncertainty,
    ranks,
    score,
    select,
    sensitivity,
)
from commlab.scoring.keys import group_rows
from commlab.scoring.texts import chosen, repeated, tiled

NODES = [
    {"code": "A", "zh": "甲", "weight": 0.6, "children": [
        {"code": "A1", "zh": "一", "parts": [{"rule": "judged"}]},
        {"code": "A2", "zh": "二", "parts": [{"rule": "survey", "items": ["q"]}]},
    ]},
    {"code": "B", "zh": "乙", "weight": 0.4, "children": [
        {"code": "B1", "zh": "三", "parts": [{"rule": "judged"}]},
    ]},
]  # fmt: skip


def made(tmp_path, nodes=NODES):
    path = tmp_path / "f.yaml"
    path.write_text(json.dumps({"name": "small", "nodes": nodes}), encoding="utf-8")
    return load_framework(path)


@pytest.fixture
def f(tmp_path):
    return made(tmp_path)


def scores(**units: tuple[float | str | None, ...]) -> pd.DataFrame:
    """Scores of A1, A2, B1 by unit; None is missing, "-" not applicable."""
    rows = []
    for unit, values in units.items():
        for code, value in zip(("A1", "A2", "B1"), values, strict=True):
            state = "not_applicable" if value == "-" else "missing" if value is None else "scored"
            rows.append((unit, code, "main", np.nan if state != "scored" else float(value), state))
    return pd.DataFrame(rows, columns=["unit", "code", "part", "score", "state"])


def evidence(se_survey=0.0, se_rated=0.0, **units: tuple[float | None, ...]) -> pd.DataFrame:
    rows = []
    for unit, values in units.items():
        for code, value, se in zip(("A1", "A2", "B1"), values, (se_rated, se_survey, se_rated), strict=True):
            state = "missing" if value is None else "observed"
            rows.append((unit, code, "main", np.nan if value is None else float(value), se, state, "main"))
    return pd.DataFrame(rows, columns=["unit", "code", "part", "value", "se", "state", "role"])


# --- aggregate ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "missing", "total", "coverage"),
    [
        ((80, 60, 50), "measured", 0.6 * 70 + 0.4 * 50, 1),
        ((80, None, 50), "measured", 0.6 * 80 + 0.4 * 50, 0.7),
        ((80, None, 50), "zero", 0.6 * 40 + 0.4 * 50, 0.7),
        ((80, "-", 50), "measured", 0.6 * 80 + 0.4 * 50, 1),
        ((80, "-", 50), "zero", 0.6 * 80 + 0.4 * 50, 1),
        (("-", "-", 50), "measured", 50, 1),
        ((None, None, 50), "measured", 50, 0.4),
        ((None, None, None), "measured", np.nan, 0),
        ((None, None, None), "zero", 0, 0),
        (("-", "-", "-"), "measured", np.nan, np.nan),
        ((0, 0, 0), "measured", 0, 1),
    ],
)
def test_missing_is_not_zero_and_not_applicable_leaves_both_sides(f, values, missing, total, coverage):
    out = aggregate(scores(u=values), f, missing=missing).set_index("code")
    assert out.loc["total", "score"] == pytest.approx(total, nan_ok=True)
    assert out.loc["total", "coverage"] == pytest.approx(coverage, nan_ok=True)


def test_weights_and_contributions_add_up_on_every_level(f):
    out = aggregate(scores(u=(80, None, 50), v=("-", 70, 90)), f)
    for _, mine in out.groupby("unit"):
        by = mine.set_index("code")
        for level in (["A", "B"], ["A1", "A2", "B1"]):
            assert by.loc[level, "weight"].sum() == pytest.approx(1, abs=1e-12)
            assert by.loc[level, "contribution"].sum() == pytest.approx(by.loc["total", "score"], abs=1e-9)
        leaves = by[by["leaf"]]
        assert (leaves["effective"] * leaves["score"].fillna(0)).sum() == pytest.approx(
            by.loc["total", "score"]
        )


def test_states_reach_the_nodes(f):
    s = scores(u=(80, None, "-"))
    s.loc[0, "state"] = "failed"
    out = aggregate(s, f).set_index("code")["state"]
    assert out[["total", "A", "A1", "A2"]].tolist() == ["scored", "scored", "failed", "missing"]
    assert out[["B", "B1"]].tolist() == ["not_applicable"] * 2


def test_means_can_differ_within_one_tree(f):
    out = aggregate(scores(u=(80, 20, 50)), f, how={"A": "geometric", "total": "harmonic"}).set_index("code")
    assert out.loc["A", "score"] == pytest.approx(40)  # sqrt(80 * 20)
    assert out.loc["total", "score"] == pytest.approx(1 / (0.6 / 40 + 0.4 / 50))
    assert np.isnan(out.loc["A1", "contribution"])
    assert aggregate(scores(u=(0, 20, 50)), f, how="geometric").set_index("code").loc["total", "score"] == 0


def test_points_add_up(tmp_path):
    nodes = [
        {"code": "A", "zh": "甲", "points": 30, "parts": [{"rule": "judged"}]},
        {"code": "B", "zh": "乙", "points": 70, "parts": [
            {"rule": "deduction", "full": 70, "items": [{"item": "x", "per": 5}]}]},
    ]  # fmt: skip
    f = made(tmp_path, nodes)
    s = pd.DataFrame(
        {"unit": "u", "code": ["A", "B"], "part": "main", "score": [80.0, 60.0], "state": "scored"}
    )
    out = aggregate(s, f).set_index("code")["score"]
    # 80% of 30 points and 60 of 70 points
    assert out.to_dict() == pytest.approx({"total": 84, "A": 24, "B": 60})


def test_the_order_of_rows_is_irrelevant(f):
    s = scores(u=(80, None, 50), v=(70, 60, 90))
    a = aggregate(s, f).set_index(["unit", "code"]).sort_index()
    b = aggregate(s.sample(frac=1, random_state=1), f).set_index(["unit", "code"]).sort_index()
    pd.testing.assert_frame_equal(a, b)


@pytest.mark.parametrize(
    ("change", "options", "error", "says"),
    [
        (lambda s: s.assign(code="Z"), {}, DataError, "no leaves of small: Z"),
        (lambda s: s.assign(part="x"), {}, DataError, "has no part 'x'"),
        (lambda s: pd.concat([s, s]), {}, DataError, "scored more than once for u"),
        (lambda s: s.assign(score=-1.0), {}, DataError, "below 0, first u A1"),
        (lambda s: s.assign(score=np.inf), {}, DataError, "infinite, first u A1"),
        (lambda s: s.assign(score="many"), {}, DataError, "no numbers, first u A1: many"),
        (
            lambda s: s.assign(score=150.0),
            {},
            DataError,
            "A1 part main has 1 score.s. above 100, first u: 150",
        ),
        (lambda s: s.assign(unit=None), {}, DataError, "3 score.s. name no unit"),
        (lambda s: s.assign(state="good"), {}, DataError, "have the states good"),
        (lambda s: s.drop(columns="state"), {}, DataError, "lack the columns state"),
        (lambda s: s, {"how": "mean"}, ParameterError, "how is mean"),
        (lambda s: s, {"how": {"A1": "geometric"}}, ParameterError, "names leaves"),
        (lambda s: s, {"how": 3}, ParameterError, "how is 3"),
        (lambda s: s, {"missing": "drop"}, ParameterError, "missing is 'drop'"),
    ],
)
def test_scores_that_cannot_be_carried_up(f, change, options, error, says):
    with pytest.raises(error, match=says):
        aggregate(change(scores(u=(80, 60, 50))), f, **options)


def test_evidence_that_cannot_be_scored(f):
    rows = evidence(u=(80, 60, 50))
    with pytest.raises(DataError, match="more than one main row"):
        score(pd.concat([rows, rows]), f)
    with pytest.raises(DataError, match="lacks the columns value"):
        score(rows.drop(columns="value"), f)
    with pytest.raises(ParameterError, match="no code 'Z'"):
        score(rows.assign(code="Z"), f)


@pytest.mark.parametrize("how", ["arithmetic", "geometric", {"A": "geometric", "total": "harmonic"}])
@pytest.mark.parametrize("missing", ["measured", "zero"])
def test_a_wide_table_gives_the_same_numbers(f, how, missing):
    s = scores(u=(80, None, 50), v=("-", 70, 90), w=(0, 60, 100), x=(None, None, None), y=("-", "-", "-"))
    long = aggregate(s, f, how=how, missing=missing).pivot(index="unit", columns="code", values="score")
    X = s.pivot(index="unit", columns="code", values="score")[["B1", "A2", "A1"]]
    applies = s.assign(ok=s["state"] != "not_applicable").pivot(index="unit", columns="code", values="ok")
    wide = aggregate_wide(X, f, how=how, missing=missing, applicable=applies)
    pd.testing.assert_frame_equal(wide[long.columns], long, check_names=False, rtol=1e-12)
    whole = aggregate_wide(X.fillna(40.0), f, how=how)
    again = scores(**{u: tuple(r) for u, r in X.fillna(40.0)[["A1", "A2", "B1"]].iterrows()})
    total = aggregate(again, f, how=how).set_index(["unit", "code"])["score"]
    assert whole["total"].to_dict() == pytest.approx(total.xs("total", level="code").to_dict())


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (lambda X: X.drop(columns="A2"), DataError, "lack the leaves A2"),
        (lambda X: X.assign(A1=101.0), DataError, "above full marks, first u A1: 101"),
        (lambda X: X.assign(A1=-1.0), DataError, "below 0"),
        (lambda X: X.assign(A1=np.inf), DataError, "above full marks"),
        (lambda X: X.astype(object).assign(A1="x"), DataError, "not all numbers"),
        (lambda X: pd.concat([X, X]), DataError, "more than one row: u"),
        (lambda X: X.to_numpy(), ParameterError, "a frame of units x leaves, not ndarray"),
    ],
)
def test_wide_tables_that_cannot_be_carried_up(f, change, error, says):
    X = pd.DataFrame({"A1": [80.0], "A2": [70.0], "B1": [60.0]}, index=["u"])
    with pytest.raises(error, match=says):
        aggregate_wide(change(X), f)


def test_rows_are_numbered_alike_however_the_table_is_sorted():
    units = [f"u{i}" for i in range(40)]
    table = pd.DataFrame([(u, c) for c in ("A", "B") for u in units], columns=["unit", "code"]).astype("str")
    table.loc[len(table)] = ["late", "A"]
    parts = pd.Series(["main"] * len(table), dtype="str")

    def told(table, parts):
        groups, names = group_rows(table, parts)
        place = np.arange(len(table))
        return {(g.code, g.part): sorted(names[i] for i in g.units) for g in groups}, [
            (table["unit"].iloc[r], names[i]) for g in groups for r, i in zip(place[g.rows], g.units, strict=True)
        ]  # fmt: skip

    by_part, pairs = told(table, parts)
    mixed = table.sample(frac=1, random_state=3)
    assert (
        told(mixed, parts)[0]
        == by_part
        == {("A", "main"): sorted([*units, "late"]), ("B", "main"): sorted(units)}
    )
    assert told(table.astype(object), parts.astype(object))[0] == by_part
    assert all(a == b for a, b in pairs)
    groups, names = group_rows(table.iloc[:0], parts.iloc[:0])
    assert not groups and not len(names)


@pytest.mark.parametrize("column", ["unit", "code", "part"])
@pytest.mark.parametrize("kind", ["str", object])
def test_rows_that_name_no_unit_code_or_part_are_refused(f, column, kind):
    table = evidence(u=(80, 70, 60), v=(50, 40, 30)).astype({"unit": kind, "code": kind, "part": kind})
    table.loc[3, column] = None
    with pytest.raises(DataError, match=f"1 of 6 rows name no {column}"):
        score(table, f)


def test_a_code_typed_in_two_ways_is_one_code():
    kunming = load_framework("kunming_2018")
    rows = pd.DataFrame(
        {
            "unit": ["a", "b", "a"],
            "code": ["II-1.1", "Ⅱ-1.1", "ii-1.2"],
            "part": [kunming.parts(c)[0].part for c in ("Ⅱ-1.1", "Ⅱ-1.1", "Ⅱ-1.2")],
            "value": [80.0, 60.0, 70.0],
            "state": "observed",
        }
    )
    told = score(rows, kunming)
    assert told[["unit", "code"]].to_numpy().tolist() == [["a", "Ⅱ-1.1"], ["b", "Ⅱ-1.1"], ["a", "Ⅱ-1.2"]]
    with pytest.raises(DataError, match="more than one main row of evidence, first a"):
        score(pd.concat([rows, rows.assign(code=["Ⅱ-1.1", "II-1.1", "Ⅱ-1.2"])]), kunming)


def test_columns_that_share_memory_are_written_to_alone(f):
    nodes = aggregate(scores(u=(80, 70, 60), v=(50, 40, 30)), f)
    before = nodes.copy(deep=True)
    nodes.loc[0, "weight"] = 9.0
    nodes.iloc[1, nodes.columns.get_loc("effective")] = 8.0
    assert nodes.loc[0, "weight"] == 9 and nodes.loc[1, "effective"] == 8
    pd.testing.assert_frame_equal(
        nodes.drop(columns=["weight", "effective"]), before.drop(columns=["weight", "effective"])
    )
    assert nodes.loc[1:, "weight"].equals(before.loc[1:, "weight"])


@pytest.mark.parametrize("n", [0, 1, 3, 70_000])
def test_columns_of_text_built_in_pieces(n):
    number = np.arange(n) % 7 // 6
    words = np.array(["ab", "c"])
    assert chosen(words.tolist(), [number, number[:2] * 0]).tolist() == [
        *words[number],
        *words[number[:2] * 0],
    ]
    assert tiled(["x", "yy"], n).tolist() == ["x", "yy"] * n
    units = pd.Index([f"u{i}" for i in range(n)], dtype="str")
    made = repeated(units, 2)
    assert made.tolist() == [u for u in units for _ in range(2)] and made.dtype == "str"


def test_vetoes_of_branches_and_leaves_reach_every_draw(tmp_path):
    nodes = [
        {"code": "A", "zh": "甲", "weight": 0.6, "children": [
            {"code": "A1", "zh": "一", "parts": [{"part": "r", "rule": "judged"}, {"part": "v", "rule": "veto", "metric": "d", "sets": "A"}]},
            {"code": "A2", "zh": "二", "parts": [{"part": "r", "rule": "judged"}, {"part": "b", "rule": "bonus", "metric": "w", "per": 1}]}]},
        {"code": "B", "zh": "乙", "weight": 0.4, "children": [
            {"code": "B1", "zh": "三", "parts": [{"part": "r", "rule": "judged"}, {"part": "v", "rule": "veto", "metric": "e", "sets": 30}]},
            {"code": "B2", "zh": "四", "parts": [{"rule": "judged"}]}]},
    ]  # fmt: skip
    f = made(tmp_path, nodes)
    rows = [
        (u, c, p, float(x), 2.0 if p in ("r", "main") else np.nan, "observed", "main")
        for u, struck in (("plain", (0, 0)), ("branch", (1, 0)), ("leaf", (0, 1)), ("both", (1, 1)))
        for c, p, x in (
            ("A1", "r", 80), ("A1", "v", struck[0]), ("A2", "r", 70), ("A2", "b", 5),
            ("B1", "r", 60), ("B1", "v", struck[1]), ("B2", "main", 90),
        )
    ]  # fmt: skip
    e = pd.DataFrame(rows, columns=["unit", "code", "part", "value", "se", "state", "role"])
    still = draw_scores(e, f, sampling=None, ratings=None, draws=3)
    published = aggregate(score(e, f), f).set_index(["unit", "code"])["score"].xs("total", level="code")
    for i, unit in enumerate(still.units):
        assert still.scores[:, i] == pytest.approx(published[unit], abs=1e-9), unit
    drawn = draw_scores(e, f, draws=4_000, seed=3)
    spread = dict(zip(drawn.units, drawn.scores.std(axis=0), strict=True))
    # what a veto fixes no longer moves: sd of the plain total, of B alone, of A and B2
    assert spread["branch"] == pytest.approx(0.4 * np.sqrt(0.5) * 2, rel=0.05)
    assert spread["both"] == pytest.approx(0.4 * 0.5 * 2, rel=0.05)
    assert spread["plain"] > spread["leaf"] > spread["branch"] > spread["both"]


# --- ranks, grades, naming, money ----------------------------------


@pytest.mark.parametrize(
    ("ties", "expected"),
    [("min", [1, 2, 2, 4]), ("dense", [1, 2, 2, 3]), ("average", [1, 2.5, 2.5, 4]), ("max", [1, 3, 3, 4])],
)
def test_ties(ties, expected):
    assert ranks(pd.Series([90.0, 80, 80, 70], list("abcd")), ties=ties).tolist() == expected


def test_the_last_digit_of_a_sum_ranks_grades_and_names_nobody():
    points = pd.Series({"A/u": 89.99999999999999, "A/v": 90.0, "A/w": 90.00000000000001, "A/x": 80.0})
    assert ranks(points).tolist() == [1, 1, 1, 4]
    assert grade(points, {"优": 90, "良": 80}).tolist() == ["优", "优", "优", "良"]
    assert grade(points, {"优": 90, "良": 80}, most={"优": 0.5}).tolist() == ["良"] * 4
    assert select(points, pd.Series({"A": 2}))["status"].tolist()[:3] == ["tied"] * 3
    assert allocate_rewards(points, 90, least=90)["amount"].tolist() == [30, 30, 30, 0]


def test_ranks_within_groups_leave_missing_scores_out():
    s = pd.Series([90.0, 80, np.nan, 70], list("abcd"))
    out = ranks(s, within=pd.Series(["x", "y", "x", "y"], list("abcd")))
    assert out.fillna(-1).tolist() == [1, 1, -1, 2]


def test_grades_have_stated_ends():
    s = pd.Series([90.0, 89.999, 60.0, 59.9, np.nan])
    assert grade(s, {"优": 90, "良": 60}).fillna("-").tolist() == ["优", "良", "良", "-", "-"]
    bands = [{"high": 60, "closed": "right", "label": "low"}, {"low": 60, "closed": "right", "label": "high"}]
    assert grade(s, bands).fillna("-").tolist() == ["high", "high", "low", "low", "-"]
    with pytest.raises(ParameterError, match="the ends of bands are numbers: 'x'"):
        grade(pd.Series([95.0]), {"优": "x"})
    with pytest.raises(DataError, match="no numbers for b"):
        grade(pd.Series({"a": "95", "b": "x"}), {"优": 90})


def test_the_share_of_the_best_grade_can_be_capped():
    s = pd.Series([95.0, 94, 93, 92, 70, np.nan])
    bands = {"优": 90, "良": 60}
    # 40% of five scored units are two
    assert grade(s, bands, most={"优": 0.4}).fillna("-").tolist() == ["优", "优", "良", "良", "良", "-"]
    # three units tie on the line: none of them may be among the two
    tied = pd.Series([95.0, 93, 93, 93, 70])
    assert grade(tied, bands, most={"优": "2/5"}).tolist() == ["优", "良", "良", "良", "良"]
    with pytest.raises(ParameterError, match="most names 差"):
        grade(s, bands, most={"差": 0.1})
    with pytest.raises(ParameterError, match="a band below it"):
        grade(s, bands, most={"良": 0.1})


def test_naming_under_quota():
    s = pd.Series({"D/a": 90.0, "D/b": 85.0, "D/c": 85.0, "D/d": 70.0, "E/a": 60.0, "E/b": np.nan})
    out = select(s, pd.Series({"D": 2, "E": 1}), probability=pd.Series({"D/a": 0.9})).set_index("unit")
    assert out["status"].to_dict() == {
        "D/a": "named", "D/b": "tied", "D/c": "tied", "D/d": "reserve", "E/a": "named", "E/b": "no_score"
    }  # fmt: skip
    assert out.loc["D/a", ["margin", "p_top"]].tolist() == [5, 0.9]
    assert select(s, pd.Series({"D": 0, "E": 5}), reserve=0).set_index("unit")["status"].tolist() == [
        "not_named", "not_named", "not_named", "not_named", "named", "no_score"
    ]  # fmt: skip


@pytest.mark.parametrize("quota", [-1, 1.5, None, "many"])
def test_quotas_are_whole_numbers(quota):
    with pytest.raises(ParameterError, match="whole numbers from 0; not so for D"):
        select(pd.Series({"D/a": 1.0}), pd.Series({"D": quota}, dtype=object))


def test_ties_on_the_line_and_on_the_reserve_list():
    """Sums that differ in their last binary digit tie; whoever ties on the last place of the reserve is on it."""
    s = pd.Series({"D/a": 90.0, "D/b": 0.1 + 0.2, "D/c": 0.3, "D/d": 0.2, "D/e": 0.2, "D/f": 0.1})
    out = select(s, pd.Series({"D": 2}), reserve=1).set_index("unit")["status"]
    assert out.to_dict() == {
        "D/a": "named", "D/b": "tied", "D/c": "tied", "D/d": "reserve", "D/e": "reserve", "D/f": "not_named",
    }  # fmt: skip
    assert "reserve" not in set(select(s, pd.Series({"D": 2}), reserve=0)["status"])


def test_a_group_without_quota():
    with pytest.raises(DataError, match="no quota: E"):
        select(pd.Series({"E/a": 1.0}), pd.Series({"D": 1}))


MONEY = pd.Series({"a": 90.0, "b": 80.0, "c": 70.0, "d": np.nan})


@pytest.mark.parametrize(
    ("pool", "options", "amounts"),
    [
        (100, {}, [33.34, 33.33, 33.33, 0]),
        (0.02, {}, [0.01, 0.01, 0, 0]),
        (240, {"how": "proportional"}, [90, 80, 70, 0]),
        (100, {"top": 2}, [50, 50, 0, 0]),
        (100, {"least": 75}, [50, 50, 0, 0]),
        (240, {"how": "proportional", "cap": 85}, [85, 82.67, 72.33, 0]),
        (240, {"how": "proportional", "floor": 75}, [87.35, 77.65, 75, 0]),
        (100, {"how": "weights", "weights": pd.Series({"a": 1, "b": 1, "c": 2})}, [25, 25, 50, 0]),
        (4_000_000, {"how": "weights", "weights": pd.Series({"a": 0, "b": 0, "c": 1})}, [0, 0, 4_000_000, 0]),
    ],
)
def test_rewards_add_up_to_the_cent(pool, options, amounts):
    out = allocate_rewards(MONEY, pool, **options)
    assert out["amount"].tolist() == pytest.approx(amounts, abs=1e-9)
    assert round(out["amount"].sum() * 100) == round(pool * 100)


@pytest.mark.parametrize(
    ("pool", "options", "error"),
    [
        (-1, {}, ParameterError),
        (0.001, {}, ParameterError),
        (float("nan"), {}, ParameterError),
        (100, {"how": "lottery"}, ParameterError),
        (100, {"how": "weights"}, ParameterError),
        (100, {"floor": 50}, ParameterError),
        (100, {"cap": 5}, ParameterError),
        (100, {"least": 99}, DataError),
        (100, {"how": "weights", "weights": pd.Series({"a": 1.0})}, DataError),
    ],
)
def test_money_that_cannot_be_shared(pool, options, error):
    with pytest.raises(error):
        allocate_rewards(MONEY, pool, **options)


# --- uncertainty --------------------------------------------------------------------

PAIR = pd.MultiIndex.from_product([["u"], ["A1", "A2"]])
UNITS = {"u": (80, 60, 50), "v": (70, 75, 55), "w": (60, 60, 90)}


def test_without_errors_nothing_moves(f):
    out = rank_uncertainty(evidence(**UNITS), f, draws=50, seed=1).set_index("unit")
    assert (out["rank_low"] == out["rank_high"]).all()
    assert out["rank"].to_dict() == {"w": 1, "v": 2, "u": 3}
    assert out["score_low"].to_numpy() == pytest.approx(out["score"].to_numpy())
    assert (out["p_top"] == (out["rank"] == 1)).all()
    assert out["sources"].tolist() == [""] * 3


def test_the_same_seed_gives_the_same_numbers(f):
    rows = evidence(3.0, 2.0, **UNITS)
    a = rank_uncertainty(rows, f, weights=Dirichlet(20), draws=500, seed=4)
    pd.testing.assert_frame_equal(a, rank_uncertainty(rows, f, weights=Dirichlet(20), draws=500, seed=4))
    assert not a.equals(rank_uncertainty(rows, f, weights=Dirichlet(20), draws=500, seed=5))
    assert a["sources"].iloc[0] == "weights (Dirichlet 20), survey sampling error, disagreement of raters"


def test_intervals_agree_with_the_normal_formula(f):
    # total = .3 A1 + .3 A2 + .4 B1; se = sqrt(.09 * 4 + .09 * 9 + .16 * 4)
    out = rank_uncertainty(evidence(3.0, 2.0, u=(50, 50, 50)), f, draws=40_000, seed=2)
    half = 1.959964 * np.sqrt(0.09 * 4 + 0.09 * 9 + 0.16 * 4)
    assert out["score_low"].iloc[0] == pytest.approx(50 - half, abs=0.05)
    assert out["score_high"].iloc[0] == pytest.approx(50 + half, abs=0.05)


def test_p_top_agrees_with_the_normal_formula(f):
    # two units 2 points apart, independent errors of se 1 and sqrt(3) on A2 * .3
    rows = evidence(10.0, 0.0, u=(50, 54, 50), v=(50, 50, 50))
    out = rank_uncertainty(rows, f, draws=60_000, seed=3).set_index("unit")
    from scipy.stats import norm

    assert out.loc["u", "p_top"] == pytest.approx(norm.cdf(4 / np.sqrt(200)), abs=0.01)


def test_covariances_shared_by_units_do_not_move_ranks(f):
    rows = evidence(u=(50, 52, 50), v=(50, 50, 50))
    index = pd.MultiIndex.from_product([["u", "v"], ["A2"]])
    together = pd.DataFrame(25.0, index=index, columns=index)
    apart = pd.DataFrame(np.eye(2) * 25.0, index=index, columns=index)
    sure = rank_uncertainty(rows, f, sampling=together, draws=4_000, seed=1).set_index("unit")
    unsure = rank_uncertainty(rows, f, sampling=apart, draws=4_000, seed=1).set_index("unit")
    assert sure.loc["u", "p_top"] == 1
    assert unsure.loc["u", "p_top"] < 0.7
    assert sure.loc["u", "score_high"] > sure.loc["u", "score"]


def test_weight_draws_as_a_table(f):
    draws = pd.DataFrame({"A1": [1.0, 0, 0], "A2": [0, 1.0, 0], "B1": [0, 0, 1.0]})
    out = draw_scores(evidence(**UNITS), f, weights=draws, draws=3)
    assert out.scores == pytest.approx(np.array([[80, 70, 60], [60, 75, 60], [50, 55, 90]]))


def test_drawn_weights_are_handed_on_as_in_aggregate(f):
    rows = evidence(u=(80, None, 50), v=(80, 60, None))
    drawn = draw_scores(rows, f, draws=1)
    total = aggregate(score(rows, f), f)
    total = total[total["code"] == "total"].set_index("unit")["score"]
    assert drawn.scores[0] == pytest.approx(total[list(drawn.units)].to_numpy())


def test_rule_choices_are_drawn(f):
    rows = evidence(u=(80, 20, 50), v=(49, 49, 49))
    out = draw_scores(rows, f, choices={"how": ["arithmetic", "geometric"]}, draws=200, seed=1)
    geometric = (np.sqrt(1600)) ** 0.6 * 50**0.4
    assert set(np.round(out.scores[:, 0], 9)) == {50.0, round(geometric, 9)}
    assert out.sources == ("choice of how",)


def test_ranks_and_quotas_within_groups(f):
    rows = evidence(**UNITS)
    within = pd.Series({"u": "x", "v": "x", "w": "y"})
    out = rank_uncertainty(rows, f, within=within, top=pd.Series({"x": 2, "y": 0}), draws=10).set_index(
        "unit"
    )
    assert out["rank"].to_dict() == {"u": 2, "v": 1, "w": 1}
    assert out["p_top"].to_dict() == {"u": 1, "v": 1, "w": 0}


def test_ties_share_the_better_rank(f):
    out = rank_uncertainty(evidence(u=(50, 50, 50), v=(50, 50, 50), w=(1, 1, 1)), f, draws=5).set_index(
        "unit"
    )
    assert out["rank_high"].to_dict() == {"u": 1, "v": 1, "w": 3}


def test_units_without_a_score_are_left_out(f):
    out = rank_uncertainty(evidence(u=(50, 50, 50), v=(None, None, None)), f, draws=5)
    assert out["unit"].tolist() == ["u"]


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"draws": 0}, ParameterError, "draws is 0"),
        ({"confidence": 1}, ParameterError, "confidence is 1"),
        ({"weights": pd.DataFrame({"A1": [1.0]})}, DataError, "missing A2, B1"),
        ({"weights": pd.DataFrame({"A1": [-1.0], "A2": [1], "B1": [1]})}, DataError, "negative"),
        ({"weights": 3}, ParameterError, "weights are a frame"),
        ({"weights": Dirichlet(0)}, ParameterError, "above 0"),
        ({"choices": {"colour": ["red"]}}, ParameterError, "choices has 'colour'"),
        ({"choices": {"how": ["mean"]}}, ParameterError, "choices how: mean"),
        ({"sampling": "some"}, ParameterError, "'some'"),
        ({"top": -1}, ParameterError, "top must be"),
        ({"within": pd.Series({"u": "x"})}, DataError, "belong to no group: v, w"),
        ({"top": pd.Series({"x": 1}), "within": pd.Series("y", list("uvw"))}, DataError, "no number for y"),
        (
            {"sampling": pd.DataFrame([[1.0, 2], [3, 1]], index=PAIR, columns=PAIR)},
            DataError,
            "not symmetric",
        ),
    ],
)  # fmt: skip
def test_draws_that_cannot_be_made(f, options, error, says):
    with pytest.raises(error, match=says):
        rank_uncertainty(evidence(**UNITS), f, **({"draws": 5} | options))


def test_sobol_indices_of_an_additive_model(f):
    # score of one unit = .3 (A1 + e1) + .3 (A2 + e2) + .4 (B1 + e3): variances add up: first = total
    rows = evidence(4.0, 3.0, u=(50, 50, 50))
    out = sensitivity(rows, f, of="score", draws=4096, seed=1).set_index("source")
    survey, raters = 0.09 * 16, 0.09 * 9 + 0.16 * 9
    share = survey / (survey + raters)
    assert out.loc["sampling", ["first", "total"]].tolist() == pytest.approx([share, share], abs=0.03)
    assert out.loc["ratings", ["first", "total"]].tolist() == pytest.approx([1 - share, 1 - share], abs=0.03)
    assert (out.loc[["how", "missing", "weights"], ["first", "total"]] == 0).all(axis=None)


def test_sobol_indices_of_the_only_choice(f):
    # arithmetic: u 56, v 55; geometric: u is 0, v 55: the kind of mean alone decides who is first
    rows = evidence(u=(100, 0, 65), v=(55, 55, 55))
    out = sensitivity(rows, f, choices={"how": ["arithmetic", "geometric"]}, draws=256).set_index("source")
    assert out.loc["how", "first"].tolist() == pytest.approx([1, 1], abs=0.05)
    assert out.loc["how", "total"].tolist() == pytest.approx([1, 1], abs=0.05)
    assert (out.drop("how")[["first", "total", "first_margin"]] == 0).all(axis=None)


def test_sobol_indices_of_an_interaction(f):
    rows = evidence(u=(50, 50, 50), v=(50, None, 50))
    rules = {"how": ["arithmetic", "geometric"], "missing": ["measured", "zero"]}
    out = sensitivity(rows, f, of="score", choices=rules, draws=2048).query("unit == 'v'")
    out = out.set_index("source")
    # measured only: 50 under both means; missing as zero: 35 arithmetic, 0 geometric -> mean 33.75, V = 417.1875
    # E(f | how) = 42.5, 25 -> 76.5625; E(f | missing) = 50, 17.5 -> 264.0625
    assert out.loc["how", "first"] == pytest.approx(76.5625 / 417.1875, abs=0.03)
    assert out.loc["missing", "first"] == pytest.approx(264.0625 / 417.1875, abs=0.03)
    assert out.loc["how", "total"] == pytest.approx(1 - 264.0625 / 417.1875, abs=0.03)
    still = sensitivity(rows, f, of="score", choices=rules, draws=64).query("unit == 'u'")
    assert still["first"].isna().all() and (still["variance"] == 0).all()


def test_sobol_indices_come_again_with_the_seed_and_name_what_is_wrong(f):
    rows = evidence(4.0, 3.0, u=(50, 50, 50), v=(55, 45, 50))
    first, again = (sensitivity(rows, f, weights=Dirichlet(20), draws=100) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    assert set(first["source"]) == {"weights", "sampling", "ratings", "how", "missing"}
    for wrong in (1, 2.5, "many"):
        with pytest.raises(ParameterError, match="whole number from 2"):
            sensitivity(rows, f, draws=wrong)
    with pytest.raises(ParameterError, match="one of score, rank"):
        sensitivity(rows, f, of="place")


def test_leaving_out_a_standard(f):
    s = scores(u=(90, 50, 50), v=(50, 60, 60), w=(40, 40, 40))
    out = leave_one_out(s, f).set_index("code")
    assert out.loc["A1", ["shift_max", "unit"]].tolist() == [1, "u"]
    assert out.loc["A1", "tau"] == pytest.approx(1 / 3)
    assert out.loc["A2", "shift_max"] == 0


def test_an_audit_splits_the_variance(f):
    s = scores(u=(90, 50, 50), v=(50, 60, 60), w=(40, 41, 40), x=(70, 66, 81))
    out = audit(aggregate(s, f), f)
    assert out["effective"].sum() == pytest.approx(1, abs=1e-9)


def test_pairs_that_cannot_be_told_apart():
    draws = np.array([[3.0, 1.0, 2.0], [3.0, 2.0, 1.0]] * 50)
    out = pairs_apart(draws, ["a", "b", "c"]).set_index(["a", "b"])
    assert out.loc[("a", "b"), "apart"]
    assert not out.loc[("b", "c"), "apart"]


# --- change ------------------------------------------------------------------------------


def effects(out: pd.DataFrame, unit: str = "u") -> dict[str, float]:
    mine = out[(out["unit"] == unit) & (out["code"] == "total")]
    return dict(zip(mine["effect"], mine["change"], strict=True))


def test_a_change_of_values_only(f):
    out = explain_change(aggregate(scores(u=(80, 60, 50)), f), aggregate(scores(u=(90, 60, 40)), f))
    assert effects(out) == pytest.approx(
        {"values": -1, "weights": 0, "coverage": 0, "membership": 0, "method": 0, "total": -1}
    )
    assert out[out["code"] == "A1"]["change"].tolist() == pytest.approx([3])


def test_a_change_of_weights_only(f):
    heavier = f.with_weights(pd.Series({"A": 0.4, "B": 0.6}))
    s = scores(u=(80, 60, 50))
    out = effects(explain_change(aggregate(s, f), aggregate(s, heavier)))
    assert out == pytest.approx(
        {"values": 0, "weights": -4, "coverage": 0, "membership": 0, "method": 0, "total": -4}
    )


def test_a_change_of_coverage_only(f):
    out = effects(
        explain_change(aggregate(scores(u=(80, 60, 50)), f), aggregate(scores(u=(80, None, 50)), f))
    )
    assert out == pytest.approx(
        {"values": 0, "weights": 0, "coverage": 6, "membership": 0, "method": 0, "total": 6}
    )


def test_everything_at_once_adds_up_exactly(f):
    before = aggregate(scores(u=(80, 60, None), v=(10, 20, 30)), f)
    after = aggregate(
        scores(u=(70, "-", 90), v=(11, 22, 33)), f.with_weights(pd.Series({"A": 0.5, "B": 0.5}))
    )
    out = explain_change(before, after)
    for unit in ("u", "v"):
        found = effects(out, unit)
        rows = out[(out["unit"] == unit) & (out["code"] != "total")]
        assert rows["change"].sum() == pytest.approx(found["total"], abs=1e-12)
        assert sum(v for k, v in found.items() if k != "total") == pytest.approx(found["total"], abs=1e-12)
    assert effects(out)["membership"] != 0


def test_units_that_merged_are_compared_on_later_boundaries(f):
    before = aggregate(scores(a=(80, 60, 50), b=(60, 60, 50), c=(1, 1, 1)), f)
    after = aggregate(scores(u=(70, 60, 50), d=(1, 1, 1)), f)
    changes = pd.DataFrame({"before": ["a", "b"], "after": ["u", "u"], "share": [1.0, 1.0]})
    out = explain_change(before, after, unit_changes=changes)
    assert effects(out)["total"] == pytest.approx(0, abs=1e-12)
    assert set(out.loc[out["effect"] == "not_comparable", "unit"]) == {"c", "d"}
    closed = pd.DataFrame({"before": ["c"], "after": [None], "share": [np.nan]})
    listed = explain_change(before, after, unit_changes=closed).query("effect == 'not_comparable'")
    assert set(listed["unit"]) == {"a", "b", "c", "d", "u"}
    weighed = explain_change(before, after, unit_changes=changes, households=pd.Series({"a": 3.0, "b": 1.0}))
    assert effects(weighed)["total"] == pytest.approx(-0.3 * 5)


MERGING = [
    {"code": "A", "zh": "甲", "weight": 0.5, "children": [
        {"code": "A1", "zh": "组织", "parts": [{"rule": "threshold", "metric": "org", "op": ">=", "target": 10, "graded": True}]},
        {"code": "A2", "zh": "率", "parts": [{"rule": "rate", "numerator": "done", "denominator": "all", "op": ">=", "target": 0.9}]}]},
    {"code": "B", "zh": "乙", "weight": 0.5, "children": [
        {"code": "B1", "zh": "评", "parts": [{"rule": "judged"}]},
        {"code": "B2", "zh": "扣", "parts": [{"rule": "deduction", "full": 100, "floor": 0, "items": [
            {"item": "late", "zh": "迟", "per": 10, "cap": 30}]}]}]},
]  # fmt: skip
METRICS = {
    "org": {"zh": "组织", "unit": "个", "kind": "stock", "level": "community"},
    "done": {"zh": "办", "unit": "件", "kind": "flow", "level": "community"},
    "all": {"zh": "总", "unit": "件", "kind": "flow", "level": "community"},
    "late": {"zh": "迟", "unit": "次", "kind": "flow", "level": "community"},
}


def merged_case(tmp_path):
    """Two communities, and the one that came of them, scored from the same facts."""
    path = tmp_path / "m.yaml"
    path.write_text(
        json.dumps({"name": "merging", "metrics": METRICS, "nodes": MERGING}, ensure_ascii=False),
        encoding="utf-8",
    )
    framework = load_framework(path)

    def gathered(facts, ratings):
        units = pd.DataFrame({"unit": list(facts), "level": "community", "parent": "区"})
        measures = pd.DataFrame(
            [(u, m, float(v)) for u, row in facts.items() for m, v in zip(METRICS, row, strict=True)],
            columns=["unit", "metric", "value"],
        ).assign(
            period="2019Q4", as_of=pd.Timestamp("2019-12-31"), item=None, state="observed", source="f#s!A1"
        )
        rated = pd.DataFrame(
            [("2019Q4", "expert", "e", "field", u, "B1", float(x), "r#s!A1") for u, x in ratings.items()],
            columns=["period", "stage", "rater", "method", "unit", "code", "score", "source"],
        )
        return collect(framework, measures=measures, ratings=rated, survey=None, units=units)

    # 6 + 5 organisations meet the norm together; 9/10 and 70/90 = 79/100 do not; 4 + 2 late times reach the cap
    before = gathered({"a": (6, 9, 10, 4), "b": (5, 70, 90, 2)}, {"a": 80, "b": 60})
    return framework, before, gathered({"u": (11, 79, 100, 6)}, {"u": 75})


def test_a_merged_unit_is_scored_anew_from_its_predecessors_evidence(tmp_path):
    framework, before, after = merged_case(tmp_path)
    changes = pd.DataFrame({"before": ["a", "b"], "after": ["u", "u"]})
    households = pd.Series({"a": 3.0, "b": 1.0})  # 80 and 60 weigh 3 to 1: 75, as the later rating
    then, now = (aggregate(score(e, framework), framework) for e in (before, after))
    exact = {"unit_changes": changes, "households": households, "evidence": before, "framework": framework}
    out = explain_change(then, now, **exact)
    assert effects(out) == dict.fromkeys(effects(out), 0.0) and "averaged" not in effects(out)
    put = on_later_boundaries(before, framework, changes, households=households)
    assert put.set_index("code")["value"].to_dict() == {"A1": 11, "A2": 0.79, "B1": 75, "B2": 70}
    assert list(put.columns) == list(before.columns) and set(put["unit"]) == {"u"}
    # averages are no scores of the merged unit, and the result says so
    rough = explain_change(then, now, unit_changes=changes, households=households)
    assert effects(rough)["averaged"] == 0 and effects(rough)["total"] != 0
    with pytest.raises(ParameterError, match="both or neither"):
        explain_change(then, now, unit_changes=changes, evidence=before)


def test_a_sum_that_lacks_a_part_is_missing_and_a_change_of_type_is_none_of_the_map(tmp_path):
    framework, before, after = merged_case(tmp_path)
    gap = before["unit"].eq("b") & before["role"].eq("main")
    before.loc[gap, ["value", "numerator", "denominator"]], before.loc[gap, "state"] = np.nan, "missing"
    changes = pd.DataFrame({"before": ["a", "b"], "after": ["u", "u"]})
    put = on_later_boundaries(before, framework, changes).set_index("code")
    assert put["state"].to_dict() == {"A1": "missing", "A2": "observed", "B1": "observed", "B2": "observed"}
    assert put.loc["A2", "value"] == 0.9 and put.loc["B1", "value"] == 80
    then = aggregate(score(after, framework), framework)
    retyped = pd.DataFrame({"before": ["u"], "after": ["u"], "share": [1.0]})
    assert not explain_change(then, then, unit_changes=retyped)["effect"].eq("not_comparable").any()


def test_changes_are_followed_over_dates_and_by_share(tmp_path):
    framework, before, _ = merged_case(tmp_path)
    # half of b goes to a (which stays), the rest is renamed c, and c is renamed d a month later
    changes = pd.DataFrame(
        {"date": ["2019-11-01", "2019-10-01", "2019-10-01"], "before": ["c", "b", "b"], "after": ["d", "a", "c"],
         "share": [1.0, 0.5, 0.5]}
    )  # fmt: skip
    put = on_later_boundaries(before, framework, changes).set_index(["unit", "code"])
    assert put.loc[[("a", "A1"), ("d", "A1")], "value"].tolist() == [8.5, 2.5]
    assert put.loc[("a", "A2"), ["numerator", "denominator"]].tolist() == [44, 55]
    assert put.loc[("d", "B1"), "value"] == 60 and put.loc[("a", "B1"), "value"] == pytest.approx(220 / 3)
    assert set(put.index.get_level_values("unit")) == {"a", "d"}
    renamed = pd.DataFrame({"before": ["a"], "after": ["e"], "share": [1.0]})
    then = aggregate(score(before, framework), framework)
    out = explain_change(then, then.replace({"unit": {"a": "e"}}), unit_changes=renamed)
    assert effects(out, "e") == dict.fromkeys(effects(out, "e"), 0.0) and "averaged" not in effects(out, "e")
    for share, says in ((0.0, "the share of b must be above 0"), (1.5, "at most 1")):
        with pytest.raises(DataError, match=says):
            on_later_boundaries(before, framework, changes.assign(share=[1.0, share, 0.5]))


def test_weights_that_did_not_change_explain_nothing(f):
    """What leaves or comes back hands weights round; that is membership and coverage, not a change of weights."""
    before = aggregate(scores(u=(80, 60, 50), v=(90, None, "-"), w=("-", 60, 50)), f)
    after = aggregate(scores(u=(85, None, "-"), v=(90, 70, 40), w=(70, 60, None)), f)
    out = explain_change(before, after)
    whole = out[out["code"] == "total"].pivot(index="unit", columns="effect", values="change")
    assert (whole["weights"] == 0).all() and (whole["method"] == 0).all()
    assert (whole["membership"].abs() > 1).all()
    parts = whole[["values", "weights", "coverage", "membership", "method"]].sum(axis=1)
    assert parts.to_dict() == pytest.approx(whole["total"].to_dict(), abs=1e-12)


def test_a_bonus_and_a_veto_are_values(tmp_path):
    nodes = [
        {"code": "A", "zh": "甲", "points": 60, "parts": [{"part": "r", "rule": "judged"}, {"part": "v", "rule": "veto", "metric": "d"}]},
        {"code": "B", "zh": "乙", "points": 40, "parts": [{"rule": "judged"}]},
        {"code": "C", "zh": "丙", "parts": [{"rule": "bonus", "metric": "m", "per": 1}]},
    ]  # fmt: skip
    f = made(tmp_path, nodes)

    def nodes_of(bonus, struck):
        rows = [("A", "r", 80.0, "scored"), ("A", "v", 0.0, "vetoed" if struck else "not_applicable"),
                ("B", "main", 60.0, "scored"), ("C", "main", float(bonus), "scored")]  # fmt: skip
        table = pd.DataFrame(rows, columns=["code", "part", "score", "state"]).assign(unit="u")
        return aggregate(table, f)

    more = explain_change(nodes_of(2, False), nodes_of(5, False)).set_index(["code", "effect"])["change"]
    assert more["C", "values"] == 3 and more["total", "values"] == 3 and more["total", "method"] == 0
    struck = explain_change(nodes_of(2, False), nodes_of(2, True)).set_index(["code", "effect"])["change"]
    assert struck["A", "values"] == pytest.approx(-48) and struck["total", "total"] == pytest.approx(-48)


def test_points_do_not_turn_coverage_into_method(tmp_path):
    nodes = [
        {"code": "A", "zh": "甲", "points": 40, "children": [
            {"code": "A1", "zh": "一", "points": 25, "parts": [{"rule": "judged"}]}, {"code": "A2", "zh": "二", "points": 15, "parts": [{"rule": "judged"}]}]},
        {"code": "B", "zh": "乙", "points": 60, "parts": [{"rule": "judged"}]},
    ]  # fmt: skip
    f = made(tmp_path, nodes)

    def of(*values):
        table = pd.DataFrame({"unit": "u", "code": ["A1", "A2", "B"], "part": "main", "score": values})
        return aggregate(table.assign(state=np.where(table["score"].notna(), "scored", "missing")), f)

    # 20 + 6 + 54 = 80; without A1, A2 stands for all of A: 16 + 54 = 70
    out = effects(explain_change(of(80.0, 40.0, 90.0), of(np.nan, 40.0, 90.0)))
    assert out["total"] == pytest.approx(-10) and out["coverage"] == pytest.approx(-10)
    assert out["method"] == out["values"] == out["weights"] == 0


def test_only_arithmetic_means_are_explained(f):
    nodes = aggregate(scores(u=(80, 60, 50)), f, how="geometric")
    with pytest.raises(DataError, match="only arithmetic means"):
        explain_change(nodes, nodes)


# --- naming, money, mutual evaluation: more cases worked by hand ------------------------------------------


def test_naming_with_a_tie_on_the_line_and_a_reserve():
    points = pd.Series({"A/a": 90.0, "A/b": 85, "A/c": 85, "A/d": 70, "B/e": 60, "B/f": np.nan, "C/g": 50})
    out = select(points, pd.Series({"A": 2, "B": 3, "C": 0}), reserve=1).set_index("unit")
    expected = {"A/a": "named", "A/b": "tied", "A/c": "tied", "B/e": "named", "B/f": "no_score"}
    assert {u: out.loc[u, "status"] for u in expected} == expected
    assert out.loc["A/d", "status"] == "reserve" and out.loc["C/g", "status"] == "reserve"
    assert out.loc[["A/a", "A/b", "A/d"], "margin"].tolist() == [5, 0, -15]


@pytest.mark.parametrize(
    ("scores_", "pool", "options", "amounts"),
    [
        ([60, 30, 10], 1000, {"how": "proportional"}, [600, 300, 100]),
        (
            [60, 30, 10],
            1000,
            {"how": "proportional", "cap": 400},
            [400, 400, 200],
        ),  # 200 over: 3 to 1, capped again
        ([60, 30, 10], 1000, {"how": "proportional", "floor": 150}, [566.67, 283.33, 150]),  # 850 at 2 to 1
        ([60, 30, 10], 0.02, {"how": "equal"}, [0.01, 0.01, 0]),
        ([60, 30, 30], 100, {"top": 2}, [33.34, 33.33, 33.33]),  # the tie on the last place takes part
        ([60, 30, 10], 100, {"least": 30}, [50, 50, 0]),
        (
            [60, 30, 10],
            90,
            {"how": "weights", "weights": pd.Series({"a": 1.0, "b": 3, "c": 5})},
            [10, 30, 50],
        ),
    ],
)
def test_a_pool_is_shared_to_the_cent(scores_, pool, options, amounts):
    out = allocate_rewards(pd.Series(scores_, index=list("abc"), dtype=float), pool, **options)
    assert out.set_index("unit")["amount"].reindex(list("abc")).tolist() == pytest.approx(amounts)
    assert round(out["amount"].sum() * 100) == round(pool * 100)
