"""Methods from papers against their papers (tests/reference/scoring_*), and COINr's ASEM index."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from commlab.errors import DataError, ParameterError
from commlab.framework import load_framework
from commlab.scoring import (
    adjust_raters,
    aggregate,
    aggregate_wide,
    coupling,
    denominate,
    fleiss_kappa,
    fuzzy_evaluation,
    icc,
    impute,
    krippendorff_alpha,
    mutual_evaluation,
    normalise,
    obstacles,
    rank_sum_ratio,
    ranks,
    rater_agreement,
    self_inflation,
    topsis,
    treat,
)

REFERENCE = Path(__file__).parent / "reference"
ORACLES = json.loads((REFERENCE / "scoring_methods.json").read_text(encoding="utf-8"))
AGAIN = json.loads((REFERENCE / "scoring_methods_r.json").read_text(encoding="utf-8"))


def test_topsis_tzeng_huang2011():
    o = ORACLES["topsis"]
    X, w = pd.DataFrame(o["matrix"]), pd.Series(o["weights"])
    out = topsis(X, w)
    assert out["closeness"].to_numpy() == pytest.approx(o["closeness"], abs=1e-12)
    assert out["closeness"].to_numpy() == pytest.approx(o["published"], abs=1e-4)
    assert out["rank"].tolist() == o["rank"]
    # programs that scale by min and max give other numbers on the same data
    assert topsis(X, w, scaling="minmax")["closeness"].to_numpy() == pytest.approx(o["minmax"], abs=1e-4)


def test_rank_sum_ratio_maternal_care():
    o = ORACLES["rank_sum_ratio"]
    X = pd.DataFrame(o["table"]).set_index("ID")
    out = rank_sum_ratio(X, directions=pd.Series({"x1": 1, "x2": -1, "x3": -1}))
    assert out.table["rsr"].to_dict() == pytest.approx(o["rsr"], abs=1e-12)
    assert (out.intercept, out.slope) == pytest.approx((o["intercept"], o["slope"]), abs=1e-9)
    assert out.r_squared == pytest.approx(o["r_squared"], abs=1e-4)
    assert out.f == pytest.approx(o["f"], abs=0.01)
    assert out.p_value == pytest.approx(o["p_value"], rel=1e-3)
    assert out.table["probit"].to_dict() == pytest.approx(o["probit"], abs=1e-9)
    assert out.table["fitted"].to_dict() == pytest.approx(o["fitted"], abs=1e-9)
    assert out.table["grade"].to_dict() == {
        "J": 1,
        "B": 2,
        "D": 2,
        "G": 2,
        "I": 2,
        "A": 2,
        "E": 2,
        "F": 2,
        "C": 3,
        "H": 3,
    }


def test_coupling_wang2021():
    o = ORACLES["coupling"]
    X = pd.DataFrame(o["table"]).set_index("ID")
    w = pd.Series(o["weights_adjusted"], index=X.columns)
    for formula, weights in (("standard", None), ("adjusted", w)):
        out = coupling(X, weights, formula=formula)
        for column, key in (("coupling", "C"), ("development", "T"), ("coordination", "D")):
            assert out[column].to_numpy() == pytest.approx(o[formula][key], abs=1e-9)


def test_obstacles_wang2021():
    o = ORACLES["coupling"]
    X = pd.DataFrame(o["table"]).set_index("ID")
    out = obstacles(X, pd.Series(o["weights_adjusted"], index=X.columns))
    for column in X:
        assert out[column].to_numpy() == pytest.approx(o["obstacle_row_share"][column], abs=1e-9)


def test_methods_as_written_again_in_r():
    """Weights, ties, costs and full marks: tests/reference/scoring_methods.R; its TOPSIS also as pymcdm 1.4.0 gives it."""
    X = pd.DataFrame(
        {"a": [12, 15, 15, 9, 20, 7, 15, 11], "b": [3.2, 1.1, 2.5, 2.5, 0.9, 4.0, 2.5, 3.3], "c": [70, 82, 64, 91, 88, 70, 70, 79]},
        index=[f"u{i}" for i in range(1, 9)],
    )  # fmt: skip
    w, cost = pd.Series({"c": 0.3, "a": 0.5, "b": 0.2}), pd.Series({"b": -1})
    assert topsis(X, w, directions=cost)["closeness"].to_dict() == pytest.approx(AGAIN["topsis"], abs=1e-12)
    out = rank_sum_ratio(X, w * 7, directions=cost)
    assert out.table["rsr"].to_dict() == pytest.approx(AGAIN["rsr"], abs=1e-12)
    assert out.table["fitted"].to_dict() == pytest.approx(AGAIN["fitted"], abs=1e-9)
    for name in ("intercept", "slope", "r_squared", "f", "p_value"):
        assert getattr(out, name) == pytest.approx(AGAIN[name], rel=1e-9)
    R = pd.DataFrame(
        [[0.10, 0.35, 0.40, 0.15], [0.45, 0.30, 0.20, 0.05], [0.25, 0.25, 0.30, 0.20]], index=list("abc")
    )
    for operator, membership in AGAIN["fuzzy"].items():
        assert fuzzy_evaluation(R, w, operator=operator).membership.to_numpy() == pytest.approx(
            membership, abs=1e-12
        )
    U = pd.DataFrame(
        [[0.31, 0.62, 0.48, 0.90], [0.05, 0.77, 0.50, 0.12], [1, 1, 1, 1], [0.66, 0.66, 0.66, 0.02]]
    )
    t = pd.Series([0.1, 0.2, 0.3, 0.4])
    for formula, suffix in (("standard", ""), ("adjusted", "_adjusted")):
        out = coupling(U, t, formula=formula)
        assert out["coupling"].to_numpy() == pytest.approx(AGAIN["coupling"][formula], abs=1e-12)
        assert out["development"].to_numpy() == pytest.approx(AGAIN["coupling"]["development"], abs=1e-12)
        assert out["coordination"].to_numpy() == pytest.approx(
            AGAIN["coupling"][f"coordination{suffix}"], abs=1e-12
        )
    scores = pd.DataFrame({"a": [80, 100, 55], "b": [90, 100, 20], "c": [35, 100, 100]})
    lack = pd.DataFrame(AGAIN["obstacles"]).astype(float)
    assert obstacles(scores, w, full=100).to_numpy() == pytest.approx(lack.to_numpy(), abs=1e-12, nan_ok=True)


def test_topsis_with_costs_as_two_programs_print_it():
    X = pd.DataFrame([[80, 90, 600], [65, 58, 200], [83, 60, 400]], columns=list("abc"))
    # the package mcdm, README of K. Tafakkori's Multi-Criteria-Optimization-in-Python (2022), equal weights
    printed = [0.3238488379935404, 0.6790225178016662, 0.4090188985805253]
    assert topsis(X, directions=pd.Series({"a": -1, "c": -1}))["closeness"].to_numpy() == pytest.approx(
        printed, abs=1e-12
    )
    # A. Pacheco's decision_making (after Krohling et al. 2013), tests of TOPSIS, eight digits
    X = pd.DataFrame([[15, 6, 25000, 7], [12, 7, 35000, 7], [10, 9, 55000, 8]], columns=list("abcd"))
    out = topsis(
        X, pd.Series([0.3, 0.05, 0.6, 0.05], index=X.columns), directions=pd.Series({"a": -1, "c": -1})
    )
    assert out["d_best"].to_numpy() == pytest.approx([0.07034498, 0.09070766, 0.25780135], abs=5e-9)
    assert out["closeness"].to_numpy() == pytest.approx([0.78562925, 0.66099579, 0.21437075], abs=5e-9)


def test_fuzzy_evaluation_by_hand():
    r = pd.DataFrame([[0.5, 0.3, 0.2], [0.2, 0.6, 0.2]], index=["a", "b"], columns=["good", "fair", "poor"])
    w = pd.Series({"a": 0.6, "b": 0.4})
    out = fuzzy_evaluation(r, w, scores={"good": 90, "fair": 70, "poor": 50})
    assert out.membership.tolist() == pytest.approx([0.38, 0.42, 0.2])
    assert (out.grade, out.score) == ("fair", pytest.approx(0.38 * 90 + 0.42 * 70 + 0.2 * 50))
    # max-min: max(min(.6, .5), min(.4, .2)) = .5, max(.3, .4) = .4, max(.2, .2) = .2, over 1.1
    assert fuzzy_evaluation(r, w, operator="max_min").membership.tolist() == pytest.approx(
        [5 / 11, 4 / 11, 2 / 11]
    )


def test_icc_shrout_fleiss1979():
    o = ORACLES["icc"]
    out = icc(pd.DataFrame(o["ratings"]))
    names = [k.replace("_1", "").replace("_k", "k") for k in o["exact"]]
    assert out["form"].tolist() == names
    assert out["estimate"].to_numpy() == pytest.approx(list(o["exact"].values()), abs=1e-9)
    assert out["f"].to_numpy() == pytest.approx(o["f"], abs=1e-9)
    assert out["ci_low"].to_numpy() == pytest.approx(o["ci_low"], abs=1e-9)
    assert out["ci_high"].to_numpy() == pytest.approx(o["ci_high"], abs=1e-9)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
def test_alpha_krippendorff2011(level):
    o = ORACLES["krippendorff"]
    table = pd.DataFrame(o["ratings"], dtype=float).T
    assert krippendorff_alpha(table, level=level) == pytest.approx(o["exact"][level], abs=1e-9)


def test_kappa_fleiss1971():
    # worked example of 14 raters, 10 subjects, 5 categories (as reprinted in textbooks): kappa .2099
    counts = pd.DataFrame(
        [
            [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
            [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
        ]
    )  # fmt: skip
    assert fleiss_kappa(counts) == pytest.approx(0.2099, abs=5e-5)


# --- a whole index ----------------------------------------------------------------


def tree(tmp_path, children: dict[str, list[str]], top: list[str]):
    """A framework of judged leaves from parent -> children."""

    def node(code: str) -> dict:
        if code in children:
            return {"code": code, "zh": code, "children": [node(c) for c in children[code]]}
        return {"code": code, "zh": code, "parts": [{"rule": "judged"}]}

    path = tmp_path / "f.yaml"
    path.write_text(json.dumps({"name": "index", "nodes": [node(c) for c in top]}), encoding="utf-8")
    return load_framework(path)


def as_scores(X: pd.DataFrame) -> pd.DataFrame:
    """Units x leaves as the long frame that aggregate takes."""
    out = X.rename_axis(index="unit", columns="code").stack(future_stack=True).rename("score").reset_index()
    return out.assign(part="main", state=np.where(out["score"].notna(), "scored", "missing"))


def test_technology_achievement_index_hdr2001(tmp_path):
    o = ORACLES["tai"]
    data = pd.DataFrame(o["rows"], columns=o["columns"]).set_index("country")
    data = data.drop(columns="TAI_published").replace("", np.nan).astype(float)
    posts = pd.DataFrame(o["goalposts"], index=["low", "high"]).T
    share = normalise(data, how="goalposts", low=posts["low"], high=posts["high"])
    f = tree(tmp_path, o["tree"], list(o["tree"]))
    scores = as_scores(share * 100)
    # the report counts Singapore's missing royalties as 0
    out = aggregate(scores, f, missing="zero")
    total = out[out["code"] == "total"].set_index("unit")["score"] / 100
    assert total.to_dict() == pytest.approx(o["exact"], abs=1e-9)
    assert total.to_dict() == pytest.approx(o["published"], abs=0.0016)
    assert ranks(total)["Singapore"] == 10
    # left out instead, its patents stand for both creation indicators, and coverage tells
    measured = aggregate(scores, f).set_index(["unit", "code"])
    gained = 100 * 8 / 994 / 8
    assert measured.loc[("Singapore", "total"), "score"] == pytest.approx(100 * total["Singapore"] + gained)
    assert measured.loc[("Singapore", "total"), "coverage"] == pytest.approx(7 / 8)


@pytest.fixture(scope="module")
def asem():
    def read(name: str) -> pd.DataFrame:
        return pd.read_csv(REFERENCE / f"scoring_asem_{name}.csv", comment="#", dtype={"uCode": "str"})

    return {
        n: read(n).set_index(read(n).columns[0])
        for n in ("raw", "meta", "treated", "expected", "means", "goods")
    }


def test_asem_step_by_step_as_coinr(asem, tmp_path):
    meta = asem["meta"]
    leaves = list(meta.index[meta["Direction"].notna() & meta.index.isin(asem["raw"].columns)])
    raw = asem["raw"]
    by = meta.loc[leaves, "Denominator"].dropna().to_dict()
    x = denominate(raw[leaves], raw[["Area", "Energy", "GDP", "Population"]], by)
    gaps = x.isna().sum().sum()
    x, log = impute(x, how="mean", groups=raw["EurAsia_group"])
    assert len(log) == gaps
    x, treated = treat(x)
    expected = asem["treated"].loc[treated["indicator"]]
    assert treated["n"].tolist() == expected["n"].fillna(0).tolist()
    for column in ("skewness", "kurtosis"):
        assert treated[column].to_numpy() == pytest.approx(expected[column].to_numpy(), abs=1e-9)
    x = normalise(x, how="minmax", directions=meta.loc[leaves, "Direction"].astype(int))
    parents = meta["Parent"].dropna()
    children = {p: list(parents.index[parents == p]) for p in parents.unique()}
    f = tree(tmp_path, children, ["Index"])
    out = aggregate(as_scores(x), f)
    wide = out.pivot(index="unit", columns="code", values="score")
    for code in asem["expected"].columns.drop("rank"):
        assert wide[code].to_numpy() == pytest.approx(
            asem["expected"][code].reindex(wide.index).to_numpy(), abs=1e-8
        )
    rank = ranks(out)
    assert rank.reindex(asem["expected"].index).tolist() == asem["expected"]["rank"].tolist()
    # the effective weight of an indicator is the product of equal weights: Goods is 1/5 of 1/5 of 1/2
    assert f.global_weights()["Goods"] == pytest.approx(0.02, abs=1e-15)


@pytest.mark.parametrize("how", ["arithmetic", "geometric", "harmonic"])
def test_asem_means_as_coinr(asem, tmp_path, how):
    suffix = "" if how == "arithmetic" else f"_{how}"
    means = asem["means"]
    f = tree(tmp_path, {}, ["Conn", "Sust"])
    X = means[[f"Conn{suffix}", f"Sust{suffix}"]].set_axis(["Conn", "Sust"], axis=1)
    out = aggregate(as_scores(X), f, how=how)
    total = out[out["code"] == "total"].set_index("unit")["score"]
    assert total.to_numpy() == pytest.approx(
        means[f"Index{suffix}"].reindex(total.index).to_numpy(), abs=1e-8
    )


@pytest.mark.parametrize(
    ("how", "column"),
    [
        ("minmax", "minmax"),
        ("zscore", "zscore"),
        ("distance_to_max", "dist2max"),
        ("fraction_of_max", "fracmax"),
        ("percentile", "prank"),
        ("rank", "rank"),
        ("borda", "borda"),
    ],
)
def test_normalisations_as_coinr(asem, how, column):
    goods = asem["goods"]
    assert normalise(goods[["raw"]], how=how)["raw"].to_numpy() == pytest.approx(
        goods[column].to_numpy(), abs=1e-9
    )


def test_fuzzy_evaluation_of_a_garment():
    """The garment of Chinese textbooks (four factors, two groups of customers), as a MATLAB program prints it."""
    R = pd.DataFrame(
        [[0.2, 0.5, 0.2, 0.1], [0.7, 0.2, 0.1, 0.0], [0.0, 0.4, 0.5, 0.1], [0.2, 0.3, 0.5, 0.0]],
        index=["花色", "式样", "耐穿程度", "价格"],
        columns=["很欢迎", "较欢迎", "不太欢迎", "不欢迎"],
    )
    for weights, printed, grade in (
        ([0.1, 0.2, 0.3, 0.4], [0.2, 0.3, 0.4, 0.1], "不太欢迎"),
        ([0.4, 0.35, 0.15, 0.1], [0.35, 0.4, 0.2, 0.1], "较欢迎"),
    ):
        out = fuzzy_evaluation(R, pd.Series(weights, index=R.index), operator="max_min")
        assert out.membership.tolist() == pytest.approx(np.array(printed) / sum(printed))
        assert out.grade == grade


def test_fuzzy_evaluation_by_its_other_operators_by_hand():
    R = pd.DataFrame([[0.5, 0.3, 0.2], [0.2, 0.6, 0.2]], index=["a", "b"], columns=["good", "fair", "poor"])
    w = pd.Series({"a": 0.6, "b": 0.4})
    # products .30 .18 .12 / .08 .24 .08, their largest .30 .24 .12, over .66
    assert fuzzy_evaluation(R, w, operator="max_product").membership.tolist() == pytest.approx(
        [0.30 / 0.66, 0.24 / 0.66, 0.12 / 0.66]
    )
    # least of weight and membership .5 .3 .2 / .2 .4 .2, added .7 .7 .4, over 1.8; of equals the first grade is named
    out = fuzzy_evaluation(R, w, operator="bounded_min")
    assert out.membership.tolist() == pytest.approx([7 / 18, 7 / 18, 4 / 18]) and out.grade == "good"


def test_weighted_rank_sum_ratio_by_hand():
    """Weights .6 and .4; probits as the printed table has them (田凤调 1993, 百分数与概率单位对照表)."""
    X = pd.DataFrame({"a": [1, 2, 3, 4, 5], "b": [40, 50, 20, 30, 10]}, index=list("uvwxy"))
    out = rank_sum_ratio(X, pd.Series({"a": 0.6, "b": 0.4}), directions={"a": 1, "b": -1})
    # ranks of a 1 2 3 4 5, of the cost b 2 1 4 3 5: (.6 + .8) / 5 = .28, .32, .68, .72, 1
    table = out.table.reindex(list("uvwxy"))
    assert table["rsr"].tolist() == pytest.approx([0.28, 0.32, 0.68, 0.72, 1.0])
    assert table["cumulative"].tolist() == pytest.approx([0.2, 0.4, 0.6, 0.8, 1 - 1 / 20])
    probits = [4.1584, 4.7467, 5.2533, 5.8416, 6.6449]
    assert table["probit"].tolist() == pytest.approx(probits, abs=1e-4)
    # means 5.32898 and .6; sums of products 1.11945 and 3.70946: slope .30178, intercept .6 - .30178 * 5.32898
    assert (out.slope, out.intercept) == pytest.approx((0.30178, -1.00820), abs=1e-4)
    assert table["fitted"].tolist() == pytest.approx([-1.0082 + 0.30178 * p for p in probits], abs=2e-4)
    # below 4 the lowest grade, 6 and more the highest
    assert table["grade"].tolist() == [2, 2, 2, 2, 3]
    four = rank_sum_ratio(X, pd.Series({"a": 0.6, "b": 0.4}), directions={"b": -1}, cuts=(3.5, 5, 6.5))
    assert four.table.reindex(list("uvwxy"))["grade"].tolist() == [2, 2, 3, 3, 4]


def test_topsis_with_a_cost_by_hand():
    # a: 3 4 of length 5, weight .5: .3 .4; the cost b: 6 8 of length 10, weight .5: .3 .4 turned round
    X = pd.DataFrame({"a": [3.0, 4.0], "b": [6.0, 8.0]}, index=["x", "y"])
    out = topsis(X, directions=pd.Series({"a": 1, "b": -1}))
    # each is best in one and worst in the other: both distances are .1
    assert out[["d_best", "d_worst"]].to_numpy() == pytest.approx(np.full((2, 2), 0.1))
    assert out["closeness"].tolist() == [0.5, 0.5] and out["rank"].tolist() == [1, 1]
    # with all weight on a, y is the best there is
    assert topsis(X, pd.Series({"a": 1.0, "b": 0.0}))["closeness"].tolist() == [0, 1]


def test_goalposts_human_development_report_2020(tmp_path):
    """UNDP, HDR 2020, technical note 1: (ln 3,829 - ln 100) / (ln 75,000 - ln 100) = 0.5506, (0.6971 x 0.3447 x 0.5506)^1/3 = 0.510."""
    X = pd.DataFrame({"income": [np.log(3_829)]}, ["example"])
    income = normalise(X, how="goalposts", low=np.log(100), high=np.log(75_000)).iloc[0, 0]
    assert income == pytest.approx(0.5506, abs=5e-5)
    parts = pd.DataFrame({"health": [69.71], "education": [34.47], "income": [100 * income]}, ["example"])
    out = aggregate_wide(parts, tree(tmp_path, {}, list(parts)), how="geometric")
    assert out.loc["example", "total"] == pytest.approx(51.0, abs=0.05)


@pytest.mark.parametrize(
    ("how", "options", "values"),
    [
        ("goalposts", {"low": 0, "high": 10}, [0.1, 0.4, 1.0]),
        ("goalposts", {"low": 0, "high": 10, "clip": False}, [0.1, 0.4, 1.2]),
        ("goalposts", {"low": 0, "high": 10, "directions": {"a": -1}}, [0.9, 0.6, 0.0]),
        ("target", {"best": 7}, [0, 0.5, 1]),
        ("reference", {"unit": "y"}, [-3, 0, 8]),
        ("moderate", {"best": 4}, [1 - 3 / 8, 1, 0]),
        ("interval", {"low": 3, "high": 5}, [1 - 2 / 7, 1, 0]),
        ("interval", {"low": 0, "high": 50}, [1, 1, 1]),
        ("vector", {}, np.array([1, 4, 12]) / np.sqrt(161)),
        ("sum", {}, np.array([1, 4, 12]) / 17),
        ("sum", {"directions": {"a": -1}}, np.array([12, 3, 1]) / 16),
        ("fraction_of_max", {"directions": {"a": -1}}, [1, 1 / 4, 1 / 12]),
        ("rank", {"directions": {"a": -1}}, [3, 2, 1]),
    ],
)
def test_normalisations_by_hand(how, options, values):
    X = pd.DataFrame({"a": [1.0, 4.0, 12.0]}, index=list("xyz"))
    assert normalise(X, how=how, **options)["a"].to_numpy() == pytest.approx(values)


def test_best_values_that_all_reach_or_all_have_passed():
    X = pd.DataFrame({"a": [5.0, 5.0]}, index=list("xy"))
    assert normalise(X, how="moderate", best=5)["a"].tolist() == [1, 1]
    with pytest.raises(ParameterError, match="best= of a is worse than every unit"):
        normalise(pd.DataFrame({"a": [2.0, 5.0]}), how="target", best=1)


def test_an_outlier_that_capping_cannot_tame_is_logged():
    x = pd.DataFrame({"a": [*np.arange(30.0), 1e3, 2e3, 4e3, 8e3, 1.6e4, 3.2e4, 6.4e4]})
    out, log = treat(x, most=1)
    assert log.loc[0, ["action", "n"]].tolist() == ["logarithm", 0]
    assert out["a"].is_monotonic_increasing


# --- raters ------------------------------------------------------------------------------


def rated(*rows: tuple[str, str, float]) -> pd.DataFrame:
    out = pd.DataFrame(list(rows), columns=["rater", "unit", "score"])
    return out.assign(code="L", stage="expert")


def test_leniency_is_recovered_exactly():
    merit, lenient = {"u": 60.0, "v": 70.0, "w": 80.0}, {"a": 3.0, "b": -1.0, "c": -2.0}
    pairs = [("a", "u"), ("b", "u"), ("b", "v"), ("c", "v"), ("c", "w"), ("a", "w")]
    out = adjust_raters(rated(*[(r, u, merit[u] + lenient[r]) for r, u in pairs]))
    assert dict(zip(out.raters["rater"], out.raters["leniency"], strict=True)) == pytest.approx(lenient)
    assert out.ratings["adjusted"].tolist() == pytest.approx([merit[u] for u in out.ratings["unit"]])
    assert (out.sigma, out.df) == (pytest.approx(0, abs=1e-9), 1)


def test_raters_that_share_nothing_are_named():
    with pytest.raises(DataError, match="2 groups that rated nothing in common: a, b; c, d"):
        adjust_raters(rated(("a", "u", 1), ("b", "u", 2), ("c", "v", 3), ("d", "v", 4)))


def test_agreement_says_who_does_not_discriminate():
    rows = [("a", u, s) for u, s in zip("uvwx", [60, 70, 80, 90], strict=True)]
    rows += [("b", u, s) for u, s in zip("uvwx", [62, 71, 79, 93], strict=True)]
    rows += [("c", u, 75) for u in "uvwx"]
    out = rater_agreement(rated(*rows))
    assert out.raters.set_index("rater")["discriminates"].to_dict() == {"a": True, "b": True, "c": False}
    pair = out.icc[(out.icc["rater_a"] == "a") & (out.icc["rater_b"] == "b")].set_index("form")
    assert pair.loc["ICC3", "estimate"] > 0.95
    assert -1 < out.alpha < 1


def test_self_inflation_is_paired_over_standards():
    rows = [("self", "u", c, s) for c, s in zip("ABC", [90, 95, 85], strict=True)]
    rows += [("expert", "u", c, s) for c, s in zip("ABC", [80, 80, 80], strict=True)]
    rows += [("self", "v", "A", 90), ("expert", "v", "A", 70), ("expert", "v", "B", 70)]
    out = self_inflation(pd.DataFrame(rows, columns=["stage", "unit", "code", "score"])).set_index("unit")
    # gaps 10, 15, 5: mean 10, sd 5, se 5 / sqrt 3, t(2) = 4.30265
    assert out.loc["u", ["estimate", "n"]].tolist() == [10, 3]
    assert out.loc["u", "ci_low"] == pytest.approx(10 - 4.302652729911275 * 5 / np.sqrt(3))
    assert out.loc["v", ["estimate", "n"]].tolist() == [20, 1]
    assert np.isnan(out.loc["v", "se"])


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: icc(pd.DataFrame({"a": ["x", "y"], "b": [1, 2]})), "the columns a are not numbers"),
        (
            lambda: krippendorff_alpha(pd.DataFrame({"a": ["x"], "b": ["y"]})),
            "the columns a, b are not numbers",
        ),
        (lambda: fleiss_kappa(pd.DataFrame([[1.5, 1.5], [3, 0]])), "whole numbers from 0"),
        (lambda: icc(pd.DataFrame([[1, 2], [3, 5]]), confidence=95), "confidence is 95"),
        (lambda: self_inflation(rated(), confidence=0), "confidence is 0"),
    ],
)
def test_agreement_that_cannot_be_told(call, says):
    with pytest.raises((DataError, ParameterError), match=says):
        call()


@pytest.mark.parametrize("rows", [[("a", "u", 80)], [("a", "u", 80), ("b", "u", 80), ("b", "v", 70)]])
def test_raters_are_described_where_their_agreement_cannot_be_told(rows):
    out = rater_agreement(rated(*rows))
    assert np.isnan(out.alpha) and out.raters["n"].sum() == len(rows)


def test_mutual_evaluation():
    rows = [
        ("S", "street", "a", "community", "duty", 80.0),
        ("S", "street", "b", "community", "duty", 60.0),
        ("a", "community", "S", "street", "duty", 90.0),
        ("b", "community", "S", "street", "duty", None),
        ("c", "community", "S", "street", "duty", 70.0),
        ("S", "street", "S", "street", "duty", 100.0),
    ]
    columns = ["rater", "rater_level", "rated", "rated_level", "aspect", "score"]
    out = mutual_evaluation(pd.DataFrame(rows, columns=columns))
    rated_ = out["rated"].set_index("rated")
    assert rated_.loc["S", ["n", "mean"]].tolist() == [2, 80]
    raters = out["raters"].set_index("rater")
    assert (raters.loc["a", "difference"], raters.loc["c", "difference"]) == (20, -20)
    assert raters.loc[["a", "c"], "leniency"].tolist() == pytest.approx([10, -10])
    assert raters.loc[["b", "S"], ["asked", "answered", "n"]].to_numpy().tolist() == [[1, 0, 0], [2, 2, 2]]
    up = out["response"].set_index("rater_level").loc["community"]
    assert (up["possible"], up["given"]) == (3, 2)
    assert out["reciprocity"][["a", "b", "difference"]].to_numpy().tolist() == [["S", "a", -10]]
    assert out["matrix"].loc["S", ["a", "b"]].tolist() == [80, 60] and np.isnan(out["matrix"].loc["c", "a"])


def test_mutual_evaluation_with_two_aspects_by_hand():
    rows = [
        ("S", "street", "a", "community", "duty", 80.0), ("S", "street", "a", "community", "speed", 60.0),
        ("T", "street", "a", "community", "duty", 90.0), ("T", "street", "b", "community", "duty", 70.0),
        ("S", "street", "b", "community", "duty", 50.0), ("b", "community", "T", "street", "duty", 100.0),
    ]  # fmt: skip
    columns = ["rater", "rater_level", "rated", "rated_level", "aspect", "score"]
    out = mutual_evaluation(pd.DataFrame(rows, columns=columns))
    # of a: duty (80 + 90) / 2, speed 60; of b: (70 + 50) / 2
    rated = out["rated"].set_index(["rated", "aspect"])["mean"]
    assert rated.to_dict() == {("T", "duty"): 100, ("a", "duty"): 85, ("a", "speed"): 60, ("b", "duty"): 60}
    # S gave 80 and 50 where T gave 90 and 70: (10 + 20) / 2 apart, and nobody else rated the speed of a
    raters = out["raters"].set_index("rater")
    assert raters.loc[["S", "T"], "difference"].tolist() == [-15, 15] and np.isnan(raters["difference"]["b"])
    # S rated three things, T two: leniencies of -15 apart that sum to 0 when weighted by these
    assert raters.loc[["S", "T"], "leniency"].tolist() == pytest.approx([-6, 9]) and np.isnan(
        raters["leniency"]["b"]
    )
    # only T and b rated each other
    assert out["reciprocity"].to_numpy().tolist() == [["T", "b", 70, 100, -30]]


@pytest.mark.parametrize("answered", [1.0, 0.6])
def test_planted_leniency_and_non_response_are_recovered(answered):
    """Twelve communities rate ten departments on two aspects; the lenient ones rate the better departments oftener."""
    rng = np.random.default_rng(3)
    merit, lenient = rng.uniform(60, 80, 10), rng.uniform(-8, 8, 12)
    rows, silent = [], {"C11"}
    for c, extra in enumerate(lenient):
        for d, good in enumerate(merit):
            # whom a community answers about depends on both: means over who answered are then biased
            kept = rng.uniform() < answered + (1 - answered) * (extra > 0) * (good > 70)
            for aspect, less in (("service", 0.0), ("payment", 5.0)):
                score = good - less + extra if kept and f"C{c}" not in silent else np.nan
                rows.append((f"C{c}", "community", f"D{d}", "department", aspect, score))
    columns = ["rater", "rater_level", "rated", "rated_level", "aspect", "score"]
    mutual = pd.DataFrame(rows, columns=columns)
    out = mutual_evaluation(mutual)
    raters = out["raters"].set_index("rater")
    voices = raters["n"].drop("C11")
    planted = pd.Series(lenient[:11], index=[f"C{c}" for c in range(11)])
    planted -= np.average(planted[voices.index], weights=voices)
    assert raters["leniency"].drop("C11").to_numpy() == pytest.approx(
        planted[voices.index].to_numpy(), abs=1e-9
    )
    assert np.isnan(raters["leniency"]["C11"]) and raters.loc["C11", ["asked", "answered"]].tolist() == [
        10,
        0,
    ]
    services = out["rated"].query("aspect == 'service'").set_index("rated")["adjusted"]
    apart = services - services["D0"] - (pd.Series(merit, index=[f"D{d}" for d in range(10)]) - merit[0])
    assert apart.abs().max() < 1e-9
    given = mutual["score"].notna().groupby([mutual["rater"], mutual["rated"]]).any().sum()
    assert out["response"][["possible", "given"]].to_numpy().tolist() == [[120, given]]
    # the same table without its blank rows, and with the list of who was asked
    sent = mutual.dropna(subset="score")
    again = mutual_evaluation(sent, expected=mutual[columns[:4]].drop_duplicates())
    pd.testing.assert_frame_equal(again["response"], out["response"])
    pd.testing.assert_frame_equal(again["raters"], out["raters"])
    assert mutual_evaluation(sent)["response"]["possible"].iloc[0] == 110  # who sent nothing is not known


# --- garbage ----------------------------------------------------------------------------

GOOD = pd.DataFrame({"a": [0.1, 0.2, 0.4], "b": [0.5, 0.3, 0.1]}, index=list("xyz"))


@pytest.mark.parametrize("method", [topsis, rank_sum_ratio, coupling])
@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda X: X.mask(X == 0.2), 'first "a" of y'),
        (lambda X: X.replace(0.2, np.inf), 'first "a" of y'),
        (lambda X: X.astype(object).replace(0.2, "many"), "columns a are not numbers"),
        (lambda X: X.iloc[:0], "at least one of each"),
        (lambda X: pd.concat([X, X]), "more than once"),
    ],
)
def test_frames_that_cannot_be_used(method, change, says):
    with pytest.raises(DataError, match=says):
        method(change(GOOD))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: topsis(GOOD, pd.Series({"a": 1.0})), "weights lack b"),
        (lambda: topsis(GOOD, pd.Series({"a": -1.0, "b": 2})), "weights must be"),
        (lambda: topsis(GOOD, directions={"c": 1}), "directions name c"),
        (lambda: topsis(GOOD, directions={"a": 0}), "directions are"),
        (lambda: topsis(GOOD, scaling="log"), "scaling is 'log'"),
        (lambda: coupling(GOOD, formula="new"), "formula is 'new'"),
        (lambda: normalise(GOOD, how="log"), "how is 'log'"),
        (lambda: normalise(GOOD, how="target"), "needs best="),
        (lambda: normalise(GOOD, how="goalposts", low=1, high=1), "needs low < high"),
        (lambda: normalise(GOOD, how="reference", unit="q"), "'q' is none"),
        (lambda: normalise(GOOD, how="moderate", best=1, directions={"a": 1}), "has no directions"),
        (lambda: krippendorff_alpha(GOOD, level="x"), "level is 'x'"),
        (lambda: impute(GOOD, how="x"), "how is 'x'"),
        (lambda: denominate(GOOD, GOOD, {"a": "z"}), "z are no columns"),
    ],
)
def test_requests_that_cannot_be_met(call, says):
    with pytest.raises(ParameterError, match=says):
        call()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: coupling(GOOD * 10), "lie in"),
        (lambda: coupling(GOOD[["a"]]), "two subsystems"),
        (lambda: obstacles(GOOD * 10), "between 0 and 1"),
        (lambda: normalise(GOOD.assign(a=1.0), how="minmax"), "cannot scale a"),
        (lambda: topsis(GOOD.assign(a=0.0)), "a cannot be scaled"),
        (lambda: denominate(GOOD, GOOD.assign(d=0.0), {"a": "d"}), '"d" is not above 0 for x, y, z'),
        (lambda: fuzzy_evaluation(GOOD), "sum to 1; not so for x"),
        (lambda: krippendorff_alpha(GOOD * 0 + 1), "all ratings are the same"),
        (lambda: krippendorff_alpha(GOOD[["a"]]), "nothing was rated by two"),
        (lambda: icc(GOOD.iloc[:1]), "two targets"),
        (lambda: rank_sum_ratio(GOOD.iloc[:2]), "the line needs 3"),
        (lambda: rater_agreement(rated()), "no expert rating"),
        (lambda: self_inflation(rated(("a", "u", 1))), "stages self and expert"),
        (lambda: fleiss_kappa(pd.DataFrame([[1, 1], [2, 2]])), "same number of raters"),
        (lambda: mutual_evaluation(pd.DataFrame()), "lack the columns"),
    ],
)
def test_data_that_cannot_be_used(call, says):
    with pytest.raises(DataError, match=says):
        call()


# --- other published examples and closed forms --------------------------------------------------------


@pytest.mark.parametrize(("level", "alpha"), [("nominal", 0.691), ("interval", 0.811)])
def test_alpha_three_coders(level, alpha):
    # three coders, 15 units, 26 pairable values: "Krippendorff's alpha", Wikipedia, "A computational example"
    coders = ["*****34121133*3", "1*213343*******", "**21344*21133*4"]
    values = [[np.nan if v == "*" else float(v) for v in row] for row in coders]
    assert krippendorff_alpha(pd.DataFrame(values).T, level=level) == pytest.approx(alpha, abs=5e-4)


def test_icc_of_raters_who_only_differ_in_leniency():
    # targets 1 2 3, raters +0 +1: MSB = 2, MSJ = 3/2, MSE = 0, MSW = 1/2
    found = icc(pd.DataFrame([[1.0, 2.0], [2.0, 3.0], [3.0, 4.0]])).set_index("form")
    out = found["estimate"]
    assert found[["f", "p_value", "ci_low", "ci_high"]].isna().all(axis=None)
    assert (icc(pd.DataFrame([[1.1, 1.1], [2.3, 2.3], [3.7, 3.7]]))["estimate"] == 1).all()
    with pytest.raises(DataError, match="the targets do not differ"):
        icc(pd.DataFrame([[1.0, 2.0], [1.0, 2.0]]))
    expected = {"ICC1": 0.6, "ICC2": 2 / 3, "ICC3": 1, "ICC1k": 0.75, "ICC2k": 0.8, "ICC3k": 1}
    assert out.to_dict() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("counts", "kappa"),
    [
        ([[2, 0], [0, 2]], 1.0),
        ([[1, 1], [1, 1]], -1.0),  # P = 0, Pe = 1/2
        ([[3, 0], [0, 3], [2, 1], [1, 2]], 1 / 3),  # P = (1 + 1 + 1/3 + 1/3) / 4 = 2/3, Pe = 1/2
    ],
)
def test_kappa_in_closed_form(counts, kappa):
    assert fleiss_kappa(pd.DataFrame(counts)) == pytest.approx(kappa)


def test_leniency_in_a_complete_design_is_the_distance_from_the_grand_mean():
    scores = {"a": [70.0, 80.0, 93.0], "b": [66.0, 75.0, 84.0]}
    out = adjust_raters(
        rated(*[(r, u, s) for r, row in scores.items() for u, s in zip("uvw", row, strict=True)])
    )
    # rater means 81 and 75, grand mean 78; residuals -1, -1/2, 3/2 and their opposites: sum of squares 7, df 2
    assert dict(zip(out.raters["rater"], out.raters["leniency"], strict=True)) == pytest.approx(
        {"a": 3, "b": -3}
    )
    assert (out.sigma, out.df) == (pytest.approx(np.sqrt(7 / 2)), 2)


def test_a_community_may_rate_itself_below_the_experts():
    rows = [("self", "u", c, s) for c, s in zip("AB", [70, 76], strict=True)]
    rows += [("expert", "u", c, s) for c in "AB" for s in (78, 82)]
    out = self_inflation(pd.DataFrame(rows, columns=["stage", "unit", "code", "score"])).iloc[0]
    assert out["estimate"] == pytest.approx(-7) and out["se"] == pytest.approx(3)  # gaps -10, -4


@pytest.mark.parametrize(
    ("x", "coupled", "development", "coordination"),
    [
        (
            [0.9, 0.4],
            1.2 / 1.3,
            0.65,
            np.sqrt(0.6),
        ),  # C = 2 sqrt(ab) / (a + b), D = sqrt(CT) = sqrt(sqrt(ab))
        ([0.5, 0.5], 1, 0.5, np.sqrt(0.5)),
        ([0.8, 0.0], 0, 0.4, 0),
    ],
)
def test_coupling_of_two_in_closed_form(x, coupled, development, coordination):
    out = coupling(pd.DataFrame([x], columns=["a", "b"])).iloc[0]
    found = out[["coupling", "development", "coordination"]].tolist()
    assert found == pytest.approx([coupled, development, coordination])


def test_obstacles_in_closed_form():
    # w (1 - x) = .5 * .2, .3 * .5, .2 * 1 = .1, .15, .2 over .45
    out = obstacles(
        pd.DataFrame([[0.8, 0.5, 0.0]], columns=list("abc")), pd.Series({"a": 0.5, "b": 0.3, "c": 0.2})
    )
    assert out[["a", "b", "c"]].iloc[0].tolist() == pytest.approx([2 / 9, 1 / 3, 4 / 9])


def test_topsis_in_closed_form():
    # one indicator: distances are along a line, closeness = (x - min) / (max - min), turned round for a cost
    x = pd.DataFrame({"a": [1.0, 2.0, 5.0]})
    assert topsis(x)["closeness"].tolist() == pytest.approx([0, 0.25, 1])
    assert topsis(x, directions=pd.Series({"a": -1}))["closeness"].tolist() == pytest.approx([1, 0.75, 0])
    # two that mirror each other: the middle one is as far from the best as from the worst
    both = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [3.0, 2.0, 1.0]})
    assert topsis(both)["closeness"].tolist() == pytest.approx([0.5, 0.5, 0.5])


def test_rank_sum_ratio_in_closed_form():
    x = pd.DataFrame({"a": [1.0, 2.0, 2.0, 4.0], "b": [9.0, 7.0, 5.0, 3.0]}, index=list("uvwx"))
    # ranks of a 1, 2.5, 2.5, 4; of the cost b 1, 2, 3, 4: RSR = (ra + rb) / 8
    out = rank_sum_ratio(x, directions=pd.Series({"a": 1, "b": -1}))
    assert out.table["rsr"].reindex(list("uvwx")).tolist() == pytest.approx([2 / 8, 4.5 / 8, 5.5 / 8, 1])


@pytest.mark.parametrize(
    ("how", "options", "values"),
    [
        ("minmax", {"low": 1, "high": 100}, [1, 34, 34, 100]),
        ("zscore", {}, np.array([-1.25, -0.25, -0.25, 1.75]) / np.sqrt(4.75 / 3)),
        ("rank", {}, [1, 2, 2, 4]),
        ("borda", {}, [0, 1, 1, 3]),
        ("percentile", {}, [0, 1 / 3, 1 / 3, 1]),
        ("distance_to_max", {}, [0, 1 / 3, 1 / 3, 1]),
        ("fraction_of_max", {}, [1 / 4, 1 / 2, 1 / 2, 1]),
        ("vector", {"directions": {"a": -1}}, np.array([1, 1 / 2, 1 / 2, 1 / 4]) / np.sqrt(25 / 16)),
        ("target", {"best": 3}, [0, 0.5, 0.5, 1]),
        ("moderate", {"best": 2}, [0.5, 1, 1, 0]),
        ("interval", {"low": 2, "high": 3}, [0, 1, 1, 0]),
    ],
)
def test_normalisations_with_ties_by_hand(how, options, values):
    x = pd.DataFrame({"a": [1.0, 2.0, 2.0, 4.0]})
    assert normalise(x, how=how, **options)["a"].to_numpy() == pytest.approx(np.asarray(values, float))
