"""Data weights, best-worst method, direct answers, Delphi, agreement and combination."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from commlab import weights as w
from commlab.errors import DataError, ParameterError
from commlab.framework import Framework, Node

REFERENCE = Path(__file__).parent / "reference"
DATA = json.loads((REFERENCE / "weights_data.json").read_text(encoding="utf-8"))
AGREEMENT = json.loads((REFERENCE / "weights_agreement.json").read_text(encoding="utf-8"))
METHODS = {
    f.__name__: f
    for f in (w.entropy, w.critic, w.merec, w.pca, w.standard_deviation, w.coefficient_of_variation)
}


def scores(rows) -> pd.DataFrame:
    x = np.array(rows, dtype=float)
    return pd.DataFrame(
        x, index=[f"区{i}" for i in range(len(x))], columns=[f"x{j}" for j in range(x.shape[1])]
    )


# --- what papers and other programs say


def test_entropy_elsayed2017():
    o = DATA["entropy"]
    found = w.entropy(scores(o["matrix"])).tolist()
    assert found == pytest.approx(o["exact"], abs=1e-12)
    assert found == pytest.approx(o["published"], abs=o["tolerance"])


def test_entropy_takes_a_zero_as_it_is():
    o = DATA["entropy_zero"]
    assert w.entropy(scores(o["matrix"])).tolist() == pytest.approx(o["exact"], abs=1e-12)


@pytest.mark.parametrize("correlation", ["pearson", "spearman"])
def test_critic_diakoulaki1995(correlation):
    o = DATA["critic"]
    found = w.critic(scores(o["matrix"]), correlation=correlation)
    assert found.tolist() == pytest.approx(o[correlation], abs=o["tolerance"])


def test_merec_keshavarz2021():
    o = DATA["merec"]
    x = scores(o["matrix"])
    directions = pd.Series(o["directions"], index=x.columns)
    assert w.merec(x, directions=directions).tolist() == pytest.approx(o["exact"], abs=1e-12)


def test_standard_deviation_jahan2013():
    o = DATA["standard_deviation"]
    found = w.standard_deviation(scores(o["matrix"])).tolist()
    assert found == pytest.approx(o["published"], abs=o["tolerance"])


def test_pca_in_closed_form():
    # x0 and x1 correlate by r, x2 with neither: eigenvalues 1 + r, 1, 1 - r; the first alone is above 1
    x = scores(
        [[1, 1, 1], [1, 1, -1], [-1, -1, 1], [-1, -1, -1], [1, -1, 1], [-1, 1, 1], [1, -1, -1], [-1, 1, -1]]
    )
    x = pd.concat([x, x.iloc[:4]])  # r = 1/3
    assert w.pca(x).tolist() == pytest.approx([0.5, 0.5, 0], abs=1e-12)
    # two components: communalities (1 + r) / 2, (1 + r) / 2, 1
    assert w.pca(x, keep=2).tolist() == pytest.approx([2 / 7, 2 / 7, 3 / 7], abs=1e-12)
    assert w.pca(x, keep=3).tolist() == pytest.approx([1 / 3] * 3, abs=1e-12)
    assert w.pca(x, how="coefficients").tolist() == pytest.approx([0.5, 0.5, 0], abs=1e-12)


def test_coefficient_of_variation_by_hand():
    # means 2 and 20, sd 1 and 20: cv 1/2 and 1
    assert w.coefficient_of_variation(scores([[1, 0], [2, 20], [3, 40]])).tolist() == pytest.approx(
        [1 / 3, 2 / 3]
    )


def test_bwm_rezaei2015_and_2016():
    o = DATA["bwm"]
    items = list("abc")
    to, of = pd.Series(o["best_to_others"], items), pd.Series(o["others_to_worst"], items)
    curved = w.bwm(to, of, model="nonlinear")
    assert curved.xi == pytest.approx(4 - np.sqrt(14), abs=1e-12)
    assert curved.weights.tolist() == pytest.approx(
        o["nonlinear"]["weights"], abs=o["nonlinear"]["tolerance"]
    )
    assert curved.cr == pytest.approx(curved.xi / 4.47, abs=1e-12)
    straight = w.bwm(to, of)
    assert (straight.weights * 28).tolist() == pytest.approx(o["linear"]["weights_times_28"], abs=1e-9)
    assert straight.xi * 28 == pytest.approx(o["linear"]["xi_times_28"], abs=1e-9)


def test_bwm_intervals_hold_every_optimum():
    to = pd.Series([1, 2, 4, 3, 8], list("abcde"))
    of = pd.Series([8, 2, 4, 4, 1], list("abcde"))
    result = w.bwm(to, of, model="nonlinear")
    x = result.weights / result.weights["e"]
    assert (result.intervals["low"] <= result.weights + 1e-12).all()
    assert (result.weights <= result.intervals["high"] + 1e-12).all()
    # no weights whatever deviate less, and the middle ones hardly more
    rng = np.random.default_rng(0)
    tried = rng.dirichlet(np.ones(5), 200_000)
    worst = np.maximum(
        np.abs(tried[:, [0]] / tried - to.to_numpy()).max(axis=1),
        np.abs(tried / tried[:, [4]] - of.to_numpy()).max(axis=1),
    )
    assert worst.min() > result.xi
    assert np.abs(x - of).max() < result.xi + 0.6


def test_kendall_siegel1956():
    o = AGREEMENT["kendall"]
    k = w.kendall_w(pd.DataFrame(o["ratings"]))
    assert k.w == pytest.approx(o["w"], abs=1e-12) and k.w == pytest.approx(
        o["published"], abs=o["tolerance"]
    )
    assert (k.w_uncorrected, k.chi2, k.p_value) == pytest.approx(
        (o["w_uncorrected"], o["chi2"], o["p_value"])
    )
    assert k.df == 9 and "W = 0.828" in k.text and "0.828" in k._repr_html_()


def opinions_of(items, means, sds, round) -> pd.DataFrame:
    # two answers at mean +- sd / sqrt(2) have exactly this mean and sample sd
    rows = [
        (round, expert, code, m + sign * s / np.sqrt(2))
        for code, m, s in zip(items, means, sds, strict=True)
        for expert, sign in (("e1", 1), ("e2", -1))
    ]
    return pd.DataFrame(rows, columns=["round", "expert", "code", "importance"])


def test_delphi_items_hindawi2022():
    o = AGREEMENT["delphi"]
    table = pd.concat([opinions_of(o["items"], o["mean"][k], o["sd"][k], k + 1) for k in (0, 1)])
    result = w.delphi(table, full_score={1: 6, 2: 4}, cv_limit=0.25)
    for k in (0, 1):
        rows = result.items[result.items["round"] == k + 1]
        assert rows["cv"].tolist() == pytest.approx(o["cv"][k], abs=o["tolerance"])
        assert rows["mean"].tolist() == pytest.approx(o["mean"][k], abs=1e-12)
        assert rows["sd"].tolist() == pytest.approx(o["sd"][k], abs=1e-12)
        assert rows.loc[~rows["keep"], "code"].tolist() == o["cv_025_or_more"][k]


def test_combination_of_the_game_example():
    o = DATA["combine"]
    two = pd.DataFrame({"ahp": o["ahp"], "data": o["data"]})
    a = o["share_ahp"]
    close = {"abs": o["tolerance"]}
    assert w.combine(two, shares={"ahp": a, "data": 1 - a}).tolist() == pytest.approx(o["linear"], **close)
    assert w.combine(two, how="multiplicative").tolist() == pytest.approx(o["multiplicative"], **close)
    assert w.combine(two, how="geometric").tolist() == pytest.approx(
        o["min_relative_entropy_geometric"], **close
    )
    assert w.combine(two, how="game").tolist() == pytest.approx(o["game_linear"], **close)
    assert w.game_shares(two).tolist() == pytest.approx(o["game_coefficients_normalised"], abs=1e-9)


# --- data weights: what is refused, zeros and constants


@pytest.mark.parametrize("name", METHODS)
def test_missing_values_are_named_by_unit_and_indicator(name):
    x = scores(np.arange(1, 13).reshape(4, 3) ** 2)
    x.loc["区1", "x2"] = np.nan
    x.loc["区3", "x2"] = np.inf
    with pytest.raises(
        DataError, match=r'2 of 4 units have no value for "x2" \(区1, 区3\).*need complete columns'
    ):
        METHODS[name](x)


@pytest.mark.parametrize("name", METHODS)
def test_a_constant_indicator_weighs_nothing_and_all_constant_is_refused(name):
    rng = np.random.default_rng(1)
    x = scores(rng.uniform(1, 2, (6, 3)))
    x["x1"] = 0.1 + 0.2  # a constant whose mean has rounding in it
    found = METHODS[name](x)
    assert found["x1"] == 0.0
    alone = METHODS[name](x[["x0", "x2"]])
    if (
        name != "merec"
    ):  # MEREC divides by the number of indicators, so a constant one changes the others a little
        assert found[["x0", "x2"]].tolist() == pytest.approx(alone.tolist(), abs=1e-12)
    with pytest.raises(DataError, match="no indicator varies"):
        METHODS[name](scores(np.full((4, 2), 3.0)))


@pytest.mark.parametrize("name", METHODS)
def test_scores_that_are_no_scores_are_refused(name):
    f = METHODS[name]
    good = scores([[1, 2], [2, 1], [3, 5]])
    with pytest.raises(ParameterError, match="DataFrame"):
        f([[1, 2], [3, 4]])
    with pytest.raises(DataError, match="no indicators"):
        f(pd.DataFrame(index=["a"]))
    with pytest.raises(DataError, match=r"at least \d units; found 0"):
        f(good.iloc[:0])
    with pytest.raises(DataError, match=r"at least \d units; found 1"):
        f(good.iloc[:1])
    with pytest.raises(DataError, match=r'1 of 3 units have text.*"x1" \(区1\)'):
        f(good.assign(x1=["1", "二", "3"]))
    with pytest.raises(DataError, match="indicators repeat: x0"):
        f(good.set_axis(["x0", "x0"], axis=1))
    with pytest.raises(ParameterError, match="directions name y"):
        f(good, directions={"y": 1})
    with pytest.raises(ParameterError, match="mend x0"):
        f(good, directions={"x0": 0})
    with pytest.raises(ParameterError, match="must name their indicators"):
        f(good, directions=[1, -1])
    with pytest.raises(DataError, match=r'1 of 3 units have no value within 1e\+100 for "x0" \(区1\)'):
        f(good.assign(x0=[1, 1e200, 2]))


def test_signs_that_a_method_cannot_take():
    x = scores([[1, 0], [2, -1], [3, 5]])
    for f in (w.entropy, w.coefficient_of_variation):
        with pytest.raises(DataError, match=r'1 of 3 units have no value of 0 or more for "x1" \(区1\)'):
            f(x)
    with pytest.raises(DataError, match=r'2 of 3 units have no value above 0 for "x1" \(区0, 区1\)'):
        w.merec(x)
    for f in (w.critic, w.pca, w.standard_deviation):
        assert f(x).sum() == pytest.approx(1)


def test_directions_turn_costs_round():
    rng = np.random.default_rng(2)
    x = scores(rng.uniform(1, 9, (20, 3)))
    turned = x.assign(x1=x["x1"].max() + x["x1"].min() - x["x1"])
    for f in (w.entropy, w.coefficient_of_variation, w.critic, w.pca):
        assert f(x, directions={"x1": -1}).tolist() == pytest.approx(f(turned).tolist(), abs=1e-12)
    assert w.standard_deviation(x, directions={"x1": -1}).equals(w.standard_deviation(x))
    assert w.merec(x, directions={"x1": -1})["x1"] != pytest.approx(w.merec(x)["x1"])


def test_critic_edges():
    x = scores([[1, 2], [2, 4], [3, 6]])
    with pytest.raises(DataError, match="x0, x1 move together"):
        w.critic(x)
    assert w.critic(x, directions={"x1": -1}).tolist() == pytest.approx([0.5, 0.5])
    assert w.critic(x[["x0"]]).tolist() == [1.0]
    with pytest.raises(ParameterError, match="pearson, spearman"):
        w.critic(x, correlation="kendall")


def test_pca_edges():
    x = scores([[1, 5, 1], [2, 4, 3], [3, 3, 2], [4, 1, 4]])
    with pytest.raises(DataError, match="x1 point against"):
        w.pca(x, how="coefficients")
    assert (w.pca(x, how="coefficients", directions={"x1": -1}) > 0).all()
    with pytest.raises(ParameterError, match="keep must be from 1 to 3"):
        w.pca(x, keep=4)
    with pytest.raises(ParameterError, match="loadings, coefficients"):
        w.pca(x, how="varimax")


def test_units_resampled():
    rng = np.random.default_rng(3)
    x = scores(np.column_stack([rng.uniform(1, 9, 40), rng.uniform(4, 6, 40)]))
    draws = w.bootstrap_units(x, w.entropy, draws=100, seed=4)
    assert draws.shape == (100, 2) and draws.sum(axis=1).to_numpy() == pytest.approx(np.ones(100))
    band = w.weight_intervals(draws)
    assert (band["ci_low"] < w.entropy(x)).all() and (w.entropy(x) < band["ci_high"]).all()
    assert w.indistinguishable(draws).empty
    pd.testing.assert_frame_equal(draws, w.bootstrap_units(x, w.entropy, draws=100, seed=4))
    few = scores([[1, 2], [2, 1]])
    assert len(w.bootstrap_units(few, w.standard_deviation, draws=20, seed=1)) == 20
    with pytest.raises(DataError, match="no value"):
        w.bootstrap_units(few * np.nan, w.entropy, draws=3, seed=1)


# --- best-worst, direct answers

BAD_BWM = [
    ({"a": 1, "b": 2}, {"a": 2}, "in one only: b"),
    ({}, {}, "empty"),
    (
        {"a": 1, "b": 0.5},
        {"a": 2, "b": 1},
        r"best_to_others\[b\] must be a number from 1 to 1e\+06; found 0.5",
    ),
    ({"a": 1, "b": np.nan}, {"a": 2, "b": 1}, r"best_to_others\[b\]"),
    ({"a": 1, "b": "很"}, {"a": 2, "b": 1}, r"best_to_others\[b\]"),
    ({"a": 2, "b": 3}, {"a": 3, "b": 1}, "no item is equal to the best"),
    ({"a": 1, "b": 3}, {"a": 3, "b": 2}, "no item is equal to the worst"),
    ({"a": 1, "b": 3}, {"a": 4, "b": 1}, "judged 3 in best_to_others but 4 in others_to_worst"),
]


@pytest.mark.parametrize(("to", "of", "message"), BAD_BWM)
def test_impossible_best_worst_judgements_are_refused(to, of, message):
    for model in ("linear", "nonlinear"):
        with pytest.raises(DataError, match=message):
            w.bwm(to, of, model=model)


def test_the_consistency_index_goes_on_beyond_the_scale():
    # a_BW = 9 is the table's last; the root that it rounds is 5.2280, and 7.5756 for 12
    near, far = ({"a": 1, "b": 5, "c": top} for top in (9, 12))
    for to, index, abs_ in ((near, 5.23, 1e-9), (far, 7.5756, 5e-4)):
        found = w.bwm(to, {"a": to["c"], "b": 5, "c": 1}, model="nonlinear")
        assert found.xi / found.cr == pytest.approx(index, abs=abs_)


@pytest.mark.parametrize("model", ["linear", "nonlinear"])
def test_bwm_edges(model):
    assert w.bwm({"a": 1}, {"a": 1}, model=model).weights.tolist() == [1.0]
    two = w.bwm({"a": 1, "b": 4}, {"a": 4, "b": 1}, model=model)
    assert two.weights.tolist() == pytest.approx([0.8, 0.2], abs=1e-9) and two.xi == pytest.approx(
        0, abs=1e-9
    )
    level = w.bwm({"a": 1, "b": 1, "c": 1}, {"a": 1, "b": 1, "c": 1}, model=model)
    assert level.weights.tolist() == pytest.approx([1 / 3] * 3, abs=1e-9)
    # b is as good as the best; the one that outweighs the worst most is the best
    tied = w.bwm({"a": 1, "b": 1, "c": 4}, {"a": 3, "b": 4, "c": 1}, model=model)
    assert tied.best == "b" and "BWM(3 items" in repr(tied) and "<table" in tied._repr_html_()
    with pytest.raises(ParameterError, match="not among the items"):
        w.bwm({"a": 1, "b": 4}, {"a": 4, "b": 1}, best="z", model=model)
    with pytest.raises(DataError, match="called the best"):
        w.bwm({"a": 1, "b": 4}, {"a": 4, "b": 1}, best="b", model=model)
    with pytest.raises(ParameterError, match="linear, nonlinear"):
        w.bwm({"a": 1}, {"a": 1}, model="cubic")


def test_direct_answers():
    points = pd.DataFrame({"a": [60, 20], "b": [40, 80], "c": [np.nan, 0]}, index=["x", "y"])
    assert w.budget_allocation(points).tolist() == pytest.approx([0.4, 0.6, 0])
    assert w.budget_allocation(points, expert_weights={"x": 3, "y": 1}).tolist() == pytest.approx(
        [0.5, 0.5, 0]
    )
    with pytest.raises(DataError, match="add up to 100; they do not for x: 90"):
        w.budget_allocation(points.assign(a=[50, 20]))
    with pytest.raises(DataError, match=r"\(x, a\)"):
        w.direct_rating(points.assign(a=[-1, 20]).fillna(0))
    with pytest.raises(DataError, match=r"\(x, c\)"):
        w.direct_rating(points)
    with pytest.raises(DataError, match="x gave every item 0"):
        w.direct_rating(pd.DataFrame({"a": [0, 1], "b": [0, 2]}, index=["x", "y"]))
    with pytest.raises(DataError, match="empty"):
        w.direct_rating(pd.DataFrame())
    with pytest.raises(ParameterError, match="experts x items"):
        w.direct_rating([1, 2])


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        # Barron and Barrett (1996), four attributes
        ("roc", [0.5208, 0.2708, 0.1458, 0.0625]),
        ("sum", [0.4, 0.3, 0.2, 0.1]),
        ("reciprocal", [0.48, 0.24, 0.16, 0.12]),
    ],
)
def test_rank_weights_barron1996(method, expected):
    ranks = pd.Series([1, 2, 3, 4], index=list("abcd"))
    assert w.rank_weights(ranks, method=method).tolist() == pytest.approx(expected, abs=5e-5)
    tied = w.rank_weights({"a": 1, "b": 2, "c": 2, "d": 4}, method=method)
    assert tied["b"] == tied["c"] == pytest.approx((expected[1] + expected[2]) / 2, abs=5e-5)
    for ranks in ({}, {"a": np.nan}, {"a": "first"}, {"a": 0, "b": 1}, pd.Series([1, 2], index=["a", "a"])):
        with pytest.raises(DataError):
            w.rank_weights(ranks, method=method)
    with pytest.raises(ParameterError, match="roc, sum, reciprocal"):
        w.rank_weights({"a": 1}, method="borda")


# --- agreement and Delphi


def test_kendall_edges():
    same = pd.DataFrame([[1, 2, 3], [10, 20, 30]])
    assert w.kendall_w(same).w == pytest.approx(1.0) and w.kendall_w(same).p_value < 0.2
    assert w.kendall_w(pd.DataFrame([[1, 2, 3], [3, 2, 1]])).w == pytest.approx(0.0, abs=1e-15)
    for frame, message in (
        ([[1, 2, 3]], "two raters"),
        ([[1], [2]], "two raters"),
        ([[1, np.nan], [2, 3]], r"no score in \(0, 1\)"),
        ([["a", "b"], ["c", "d"]], "must be numbers"),
        ([[2, 2], [3, 3]], "scores all items alike"),
    ):
        with pytest.raises(DataError, match=message):
            w.kendall_w(pd.DataFrame(frame))


def answers() -> pd.DataFrame:
    table = {
        "Ⅰ-1": [5, 5, 5, 5],
        "Ⅰ-2": [5, 4, 5, 4],
        "Ⅱ-1": [4, 4, 5, 4],
        "Ⅱ-2": [1, 5, 2, 1],
        "Ⅱ-3": [5, 5, 4, 5],
    }
    rows = [(1, f"e{k}", c, v, 0.8, 0.9) for c, values in table.items() for k, v in enumerate(values)]
    return pd.DataFrame(rows, columns=["round", "expert", "code", "importance", "familiarity", "basis"])


def test_delphi_by_hand():
    level = {c: 1 if c.startswith("Ⅰ") else 2 for c in answers()["code"]}
    result = w.delphi(answers(), levels=level, issued=5)
    items = result.items.set_index("code")
    assert items.loc["Ⅰ-2", ["mean", "full_score_rate", "n"]].tolist() == [4.5, 0.5, 4]
    assert items.loc["Ⅰ-2", "sd"] == pytest.approx(np.sqrt(1 / 3))
    assert items.loc["Ⅰ-2", "cv"] == pytest.approx(np.sqrt(1 / 3) / 4.5)
    at = result.thresholds.iloc[0]
    rates = np.array([1, 0.5, 0.25, 0.25, 0.75])
    assert at["full_score_rate"] == pytest.approx(0.55 - rates.std(ddof=1))
    assert at["mean"] == pytest.approx(items["mean"].mean() - items["mean"].std())
    assert at["cv"] == pytest.approx(items["cv"].mean() + items["cv"].std())
    # mean 2.25 and cv 0.84 miss their thresholds, the full-score rate 0.25 does not miss 0.224
    assert items.loc["Ⅱ-2", ["failed", "verdict", "keep"]].tolist() == ["mean, cv", "discuss", True]
    assert result.lists() == {"keep": ["Ⅰ-1", "Ⅰ-2", "Ⅱ-1", "Ⅱ-3"], "discuss": ["Ⅱ-2"], "drop": []}
    assert result.agreement[["round", "level", "items", "raters"]].values.tolist() == [
        [1, 1, 2, 4],
        [1, 2, 3, 4],
    ]
    whole = answers().pivot(index="expert", columns="code", values="importance")[["Ⅱ-1", "Ⅱ-2", "Ⅱ-3"]]
    assert result.agreement.loc[1, "w"] == pytest.approx(w.kendall_w(whole).w)
    assert result.authority.iloc[0][["Ca", "Cs", "Cr"]].tolist() == pytest.approx([0.9, 0.8, 0.85])
    assert result.response.iloc[0][["issued", "returned", "rate"]].tolist() == [5, 4, 0.8]
    assert "Delphi(1 rounds" in repr(result) and "<table" in result._repr_html_()
    assert result.side_by_side().shape == (5, 5)


def test_delphi_drops_only_what_misses_all_three():
    table = answers()
    table.loc[(table["code"] == "Ⅱ-2") & (table["importance"] == 5), "importance"] = 4
    result = w.delphi(table)
    row = result.items.set_index("code").loc["Ⅱ-2"]
    assert row[["failed", "verdict", "keep"]].tolist() == ["mean, full_score_rate, cv", "drop", False]
    assert result.items["keep"].sum() == 4 and result.lists()["drop"] == ["Ⅱ-2"]


def test_delphi_leaves_incomplete_raters_out_of_agreement_only():
    table = answers()
    table.loc[(table["expert"] == "e3") & (table["code"] == "Ⅱ-1"), "importance"] = np.nan
    result = w.delphi(table)  # the codes themselves show two levels
    assert result.agreement["level"].tolist() == [1, 2]
    assert result.agreement["left_out"].tolist() == ["", "e3"]
    assert result.agreement["raters"].tolist() == [4, 3]
    together = w.delphi(table.replace({"Ⅰ-1": "A1"})).agreement
    assert together["level"].tolist() == ["all"] and together["items"].tolist() == [5]
    assert result.items.set_index("code").loc["Ⅱ-1", "n"] == 3
    alone = answers()[lambda t: t["expert"] == "e0"]
    with pytest.raises(DataError, match="in round 1 only e0 scored"):
        w.delphi(alone)
    lone = w.delphi(alone, min_experts=1)
    assert np.isnan(lone.agreement.loc[0, "w"]) and lone.items["sd"].isna().all()


BAD_DELPHI = [
    (answers().iloc[:0], {}, "empty"),
    (answers().drop(columns="code"), {}, "no column code"),
    (answers().assign(importance=6), {}, r"above the full score: round 1, expert e0, code Ⅰ-1: 6"),
    (answers().assign(importance=-1), {}, "importance must be a number from 0"),
    (answers().assign(importance="高"), {}, "importance must be a number"),
    (answers().assign(basis=9), {}, "basis must be a number from 0 to 1"),
    (pd.concat([answers(), answers().iloc[:1]]), {}, "more than once: round 1, expert e0, code Ⅰ-1"),
    (answers().assign(expert=None), {}, "without expert"),
    (answers().assign(round="一"), {}, "whole numbers from 1; found 一"),
    (answers().assign(round=1.5), {}, "whole numbers from 1; found 1.5"),
    (answers(), {"levels": {"Ⅰ-1": 1}}, "no entry for Ⅰ-2"),
]


@pytest.mark.parametrize(("table", "options", "message"), BAD_DELPHI)
def test_opinions_that_are_none_are_refused(table, options, message):
    with pytest.raises(DataError, match=message):
        w.delphi(table, **options)


def test_delphi_takes_the_scale_and_the_proposals_from_the_table():
    table = answers().assign(full_score=lambda t: np.where(t["round"] == 1, 10.0, np.nan))
    found = w.delphi(table)
    assert found.full_score == {r: 10.0 if r == 1 else 5.0 for r in table["round"].unique()}
    assert w.delphi(table, full_score=5).full_score[1] == 5
    with pytest.raises(DataError, match=r"several scales \(round 1: "):
        w.delphi(table.assign(full_score=np.arange(len(table)) % 2 + 5.0))
    assert found.proposals.empty
    written = table.assign(proposal=None)
    written.loc[written.index[:2], "proposal"] = ["合并", "合并"]
    told = w.delphi(written).proposals
    assert told.columns.tolist() == ["round", "code", "verdict", "proposal"] and set(told["proposal"]) == {
        "合并"
    }


def test_delphi_requests():
    with pytest.raises(ParameterError, match="only 3 questionnaires were issued"):
        w.delphi(answers(), issued=3)
    for full_score in (0, {2: 5}, "5"):
        with pytest.raises(ParameterError, match="number above 0 for round 1"):
            w.delphi(answers(), full_score=full_score)
    for limit in (0, "a quarter"):
        with pytest.raises(ParameterError, match="cv_limit"):
            w.delphi(answers(), cv_limit=limit)
    with pytest.raises(ParameterError, match="issued must be a whole number"):
        w.delphi(answers(), issued="twelve")
    with pytest.raises(ParameterError, match="clean table"):
        w.delphi(None)
    with pytest.raises(ParameterError, match="no round 4"):
        w.delphi(answers()).lists(4)
    bare = w.delphi(answers().drop(columns=["familiarity", "basis"]))
    assert bare.authority["Cr"].isna().all() and bare.authority["n"].tolist() == [0]


# --- combination


def test_game_theory_never_adds_what_the_solution_takes_away():
    # nearly parallel: one coefficient of the plain solution is negative, and |a| would count it as a share
    two = pd.DataFrame({"a": [0.50, 0.30, 0.20], "b": [0.42, 0.33, 0.25]})
    x = two.to_numpy()
    plain = np.linalg.solve(x.T @ x, np.diag(x.T @ x))
    assert plain.min() < 0
    shares = w.game_shares(two)
    assert (shares >= 0).all() and shares.sum() == pytest.approx(1)
    assert shares["b"] == 0.0
    same = pd.DataFrame({"a": [0.5, 0.5], "b": [0.5, 0.5]})
    assert w.game_shares(same).tolist() == pytest.approx([0.5, 0.5])
    assert w.combine(same, how="game").tolist() == pytest.approx([0.5, 0.5])


def test_rounded_weights_are_normalised_first():
    rounded = pd.DataFrame({"a": [0.33, 0.33, 0.33], "b": [33, 33, 34]})
    assert w.combine(rounded).sum() == pytest.approx(1, abs=1e-15)


def test_deviation_shares_by_hand():
    x = scores([[0, 5], [1, 5], [2, 5]])  # x1 never varies: only the weight of x0 counts
    given = pd.DataFrame({"a": [0.75, 0.25], "b": [0.25, 0.75]}, index=["x0", "x1"])
    assert w.deviation_shares(given, x).tolist() == pytest.approx([0.75, 0.25])
    rng = np.random.default_rng(1)
    x = scores(rng.uniform(0, 1, (7, 2)))
    z = (x - x.min()) / (x.max() - x.min())
    spread = np.array([np.abs(z[c].to_numpy()[:, None] - z[c].to_numpy()).sum() / 2 for c in z])
    raw = spread @ given.to_numpy()
    assert w.deviation_shares(given, x).tolist() == pytest.approx((raw / raw.sum()).tolist())
    with pytest.raises(DataError, match="in one only: x1"):
        w.deviation_shares(given, x[["x0"]])
    with pytest.raises(DataError, match="no indicator varies"):
        w.deviation_shares(given, x * 0)


BAD_COMBINATIONS = [
    (pd.DataFrame(), {}, DataError, "no weights"),
    (pd.DataFrame({"a": [0.5, np.nan]}), {}, DataError, r"\(1, a\)"),
    (pd.DataFrame({"a": [0.5, -0.5]}), {}, DataError, r"\(1, a\)"),
    (pd.DataFrame({"a": [0.0, 0.0], "b": [1, 1]}), {}, DataError, "weights of a are 0"),
    (
        pd.DataFrame({"a": [1.0, 0.0], "b": [0, 1]}),
        {"how": "multiplicative"},
        DataError,
        "0 for every indicator",
    ),
    (pd.DataFrame({"a": [1.0, 0.0], "b": [0, 1]}), {"how": "geometric"}, DataError, "0 for every indicator"),
    (pd.DataFrame({"a": [1.0]}), {"how": "mean"}, ParameterError, "arithmetic, geometric"),
    (pd.DataFrame({"a": [1.0]}), {"how": "game", "shares": {"a": 1}}, ParameterError, "leave shares out"),
    (pd.DataFrame({"a": [1.0]}), {"shares": {"b": 1}}, ParameterError, "differ in"),
    (pd.DataFrame({"a": [1.0]}), {"shares": {"a": -1}}, ParameterError, ">= 0"),
    ([1, 2], {}, ParameterError, "DataFrame"),
]


@pytest.mark.parametrize(("frame", "options", "error", "message"), BAD_COMBINATIONS)
def test_impossible_combinations_are_refused(frame, options, error, message):
    with pytest.raises(error, match=message):
        w.combine(frame, **options)


def test_combination_at_every_level():
    nodes = (
        Node("A", None, 1, 1, "甲"),
        Node("B", None, 2, 1, "乙"),
        *(Node(f"A.{i}", "A", i, 2, "一") for i in (1, 2)),
    )
    framework = Framework("small", {"zh": "小"}, {}, {}, nodes)
    local = pd.DataFrame(
        {"x": [0.8, 0.2, 0.5, 0.5], "y": [0.4, 0.6, 0.1, 0.9]}, index=["A", "B", "A.1", "A.2"]
    )
    found = w.combine_siblings(local, framework)
    assert found.to_dict() == pytest.approx({"A": 0.6, "B": 0.4, "A.1": 0.3, "A.2": 0.7})
    assert framework.with_weights(found).global_weights().sum() == pytest.approx(1)
    with pytest.raises(DataError, match=r"below A are incomplete: A\.2"):
        w.combine_siblings(local.drop("A.2"), framework)
    with pytest.raises(DataError, match=r"no code C"):
        w.combine_siblings(local.rename({"A": "C", "B": "D"}), framework)


def test_equal_weights():
    assert w.equal(scores([[1, 2, 3, 4]])).tolist() == [0.25] * 4
