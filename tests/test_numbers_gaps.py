"""What mutants of weights, survey and scoring showed that no other test noticed (``make mutate``)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.optimize import nnls

from commlab import scoring as cs
from commlab import survey as cv
from commlab import weights as cw
from commlab.errors import DataError, ParameterError
from commlab.scoring.errors import _quantiles
from commlab.scoring.rules import meets
from commlab.scoring.texts import Letters
from commlab.survey import SurveyDesign
from commlab.survey.structure import compact
from tests.test_scoring_rules import UNITS, asked, facts, framework, rated, years
from tests.test_scoring_tree import made
from tests.test_survey_design import SPEC, two_stage

ITEMS = pd.DataFrame(np.random.default_rng(7).integers(1, 6, (60, 4)) + 0.0, columns=list("abcd"))
ITEMS["b"] += ITEMS["a"]
ITEMS["c"] += ITEMS["a"]


def evidence(tmp_path, part, **given) -> pd.DataFrame:
    """What is gathered for a leaf of one part."""
    usual = {"measures": facts(), "ratings": rated(), "survey": asked(), "units": UNITS}
    return cs.collect(framework(tmp_path, part), **(usual | given))


# --- weights ------------------------------------------------------------------------------


def test_shares_of_methods_that_are_nearly_parallel_are_the_least_squares_ones():
    weights = pd.DataFrame({"m1": [0.4, 0.21, 0.39], "m2": [0.52, 0.25, 0.23], "m3": [0.13, 0.6, 0.27]})
    x = (weights / weights.sum()).to_numpy()
    gram = x.T @ x
    assert (
        -1 < np.linalg.solve(gram, np.diag(gram)).min() < 0
    )  # one method would be taken away, by less than it is
    bound = nnls(gram, np.diag(gram))[0]
    np.testing.assert_allclose(cw.game_shares(weights), bound / bound.sum(), atol=1e-12)


def test_what_is_to_be_mended_stays_on_the_scale():
    m = pd.DataFrame([[1, 9, 1], [1 / 9, 1, 9], [1, 1 / 9, 1]], index=list("abc"), columns=list("abc"))
    worst = cw.ahp(m).worst
    assert worst["mended"].max() == pytest.approx(81) and worst["mended_scale"].max() == 9


def test_points_that_are_one_off_go_back_to_the_expert():
    points = pd.DataFrame({"a": [60.0], "b": [41.0]}, index=["x"])
    with pytest.raises(DataError, match="points must add up to 100; they do not for x: 101"):
        cw.budget_allocation(points)
    assert cw.budget_allocation(points - [0.0, 0.6]).sum() == pytest.approx(1)


# --- survey -------------------------------------------------------------------------------


def test_an_interval_by_likelihood_of_two_units_reaches_the_ends():
    data = pd.DataFrame({"y": [1, 1, 0, 0], "c": [1, 1, 2, 2]})
    row = SurveyDesign(data, clusters="c").proportion("y", interval="likelihood").iloc[0]
    assert row["ci_low"] == pytest.approx(0, abs=1e-12) and row["ci_high"] == 1


def test_importances_need_not_add_up_to_one():
    data = pd.DataFrame({"a": [1, 2, 3, 4, 5], "b": [5, 5, 4, 4, 3]})
    design = SurveyDesign(data)
    small, large = (
        cv.overall_index(design, ["a", "b"], importance=pd.Series({"a": 0.3 * k, "b": 0.2 * k}))
        for k in (1, 10)
    )
    pd.testing.assert_frame_equal(small, large)


def test_what_counts_as_no_weight():
    assert cv.kish_effect([0, 1, 1]) == 1
    with pytest.raises(DataError, match="1 weights are missing, negative or infinite"):
        cv.kish_effect([-1, 1, 1])


@pytest.mark.parametrize("percentile", [0, 100, 101])
def test_percentiles_of_random_eigenvalues_lie_inside(percentile):
    with pytest.raises(ParameterError, match="between 0 and 100"):
        cv.parallel_analysis(ITEMS, percentile=percentile)


def test_omega_is_a_number():
    answers = np.random.default_rng(3).normal(size=(200, 1)) + np.random.default_rng(4).normal(size=(200, 4))
    omega = cv.mcdonald_omega(pd.DataFrame(answers, columns=list("abcd")))
    assert float(omega) == omega.omega > 0


def test_nothing_explains_itself():
    with pytest.raises(ParameterError, match='outcome "a" stands among the items too'):
        cv.driver_odds(SurveyDesign(ITEMS), "a", ["a", "b"])


def test_one_degree_of_freedom_is_enough_for_one_difference():
    data = pd.DataFrame({"g": list("aabbab"), "h": list("xyxyyy"), "c": [1, 1, 1, 2, 2, 2]})
    found = SurveyDesign(data, clusters="c").independence("g", "h", statistic="adjWald")
    assert (found.df1, found.df2) == (1, 1) and 0 <= found.p_value <= 1


def test_no_difference_without_error_is_certain():
    data = pd.DataFrame({"y": [3.0] * 6, "g": list("aabbcc")})
    found = SurveyDesign(data).compare("y", groups="g")
    assert found["estimate"].eq(0).all() and found["p_value"].tolist() == [1.0] * len(found)


def test_codes_that_are_far_apart_are_compacted():
    found, code = compact(np.array([-1, 5_000_000, 5_000_000, 7]))
    assert found.tolist() == [7, 5_000_000] and code.tolist() == [-1, 1, 1, 0]
    found, code = compact(np.array([5_000_000, 7]))
    assert found.tolist() == [7, 5_000_000] and code.tolist() == [1, 0]


def test_a_stratum_that_does_not_vary_takes_what_the_others_cannot_hold():
    sizes = pd.Series({"alike": 100, "small": 5})
    found = cv.allocate_sample(sizes, 10, how="neyman", sd=pd.Series({"alike": 0.0, "small": 1.0}))
    assert found.to_dict() == {"alike": 5, "small": 5}


def test_the_error_of_a_small_area_is_that_of_prasad_and_rao():
    y = pd.Series([3.1, 1.4, 5.0, 3.6, 1.9, 4.3, 2.2])
    d = pd.Series([0.2, 0.1, 0.3, 0.15, 0.25, 0.1, 0.2])
    x = pd.DataFrame({"one": 1.0, "x": [1.0, 0.5, 2.0, 1.6, 0.9, 1.2, 0.3]})
    model = cv.fay_herriot(y, d, x)
    a = model.sigma2
    assert a > 0
    v = np.linalg.inv(np.diag(a + d))
    q = np.linalg.inv(x.T.to_numpy() @ v @ x.to_numpy())
    b = d / (a + d)
    g1 = a * b
    g2 = b**2 * np.array([r @ q @ r for r in x.to_numpy()])
    g3 = d**2 / (a + d) ** 3 * 2 / ((1 / (a + d)) ** 2).sum()
    np.testing.assert_allclose(model.estimates["mse"], g1 + g2 + 2 * g3, rtol=1e-10)


def test_answers_of_one_area_cannot_carry_a_model():
    data = pd.DataFrame({"y": [3.0, 4, 5, 3, 4, 2], "x": [1.0, 2, 3, 1, 2, 1], "area": "a"})
    with pytest.raises(DataError, match="6 answers in 1 areas cannot carry a model"):
        cv.unit_level(data, "y", ["x"], area="area", means=pd.DataFrame({"x": [1.5, 2.0]}, index=["a", "b"]))


# --- scoring ------------------------------------------------------------------------------


def test_a_cost_of_nothing_has_no_fraction():
    x = pd.DataFrame({"gain": [1.0, 2.0], "cost": [0.0, 3.0]})
    with pytest.raises(DataError, match="fraction_of_max of a cost needs values above 0; cost"):
        cs.normalise(x, how="fraction_of_max", directions={"gain": 1, "cost": -1})


def test_leniencies_weigh_by_the_number_of_ratings():
    ratings = pd.DataFrame(
        [("a", "x", 80), ("a", "y", 70), ("b", "x", 60), ("b", "z", 66), ("c", "x", 90), ("c", "y", 75), ("c", "z", 88),
         ("d", "x", 70)],
        columns=["unit", "rater", "score"],
    ).assign(code="L", stage="expert", method="field")  # fmt: skip
    raters = cs.adjust_raters(ratings).raters
    assert raters["n"].nunique() > 1 and raters["leniency"].abs().max() > 1
    assert (raters["n"] * raters["leniency"]).sum() == pytest.approx(0, abs=1e-9)


def test_norms_are_compared_exactly_where_floating_point_is_a_hair_below():
    value = 57 / 200 * 100
    assert value < 28.5
    row = {"value": [value], "numerator": [57.0], "denominator": [200.0], "per": [100.0]}
    assert meets(row, ">=", 28.5).tolist() == [True]


def test_texts_are_compared_by_their_bytes():
    def letters(*texts: str) -> Letters:
        found = Letters.of(pa.chunked_array([pa.array(texts, pa.large_string())]))
        assert found is not None
        return found

    assert letters("甲", "乙丙").same(letters("甲", "乙丙"))
    assert not letters("甲", "乙丙").same(letters("甲乙", "丙"))
    assert not letters("甲", "乙丙").same(letters("甲", "乙丁"))
    assert not letters("a").same(letters("b"))
    assert Letters.of(pa.chunked_array([pa.array(["甲", None], pa.large_string())])) is None


# --- evidence and trees: a framework of one leaf L, districts D and E with communities ------------


def test_growth_tells_what_was_added(tmp_path):
    part = "{rule: growth, metric: workers, target: 0.03, measured_at: district, scored_at: [district]}"
    found = evidence(tmp_path, part, measures=years("D", 100, 110))
    step = found[(found["unit"] == "D") & (found["role"] != "main")].iloc[0]
    assert (step["numerator"], step["denominator"]) == (10, 100)


def test_facts_need_no_source(tmp_path):
    part = "{rule: growth, metric: workers, target: 0.03, measured_at: district, scored_at: [district]}"
    found = evidence(tmp_path, part, measures=years("D", 100, 110).drop(columns="source"))
    assert found.set_index(["unit", "role"]).loc[("D", "main"), "state"] == "observed"


def test_a_part_for_one_kind_is_judged_there_and_nowhere_else(tmp_path):
    part = "{rule: judged, type: urban, scored_at: [community]}"
    ratings = rated(("expert", "e1", "D/1", 80.0), ("expert", "e1", "D/3", 70.0))
    main = evidence(tmp_path, part, ratings=ratings).query("role == 'main'").set_index("unit")["state"]
    assert main["D/1"] == "observed" and main["D/3"] == "not_applicable" and main["D/2"] == "missing"


def test_the_worst_point_of_one_community_is_not_its_share(tmp_path):
    part = (
        '{rule: checklist, items: [green/a, green/b], op: "==", target: 0, scored_at: [community, district],'
        " rollup: worst}"
    )
    units = UNITS[UNITS["unit"].isin(["D", "D/1", "E", "E/1"])]
    found = evidence(
        tmp_path,
        part,
        measures=facts(green__a={"D/1": 0, "E/1": 0}, green__b={"D/1": 1, "E/1": 0}),
        units=units,
    )
    main = found[found["role"] == "main"].set_index("unit")["value"]
    # worst of several communities; of one there is nothing to choose from
    assert main[["D", "D/1", "E"]].tolist() == [0.5, 0.5, 1.0]


def test_answers_of_residents_are_told_per_one(tmp_path):
    part = "{rule: survey, items: [q], statistic: index, scored_at: [district]}"
    found = evidence(tmp_path, part, survey=asked(("D", "q", "index", 75.0, 2.0, 40.0)))
    main = found[(found["unit"] == "D") & (found["role"] == "main")].iloc[0]
    assert (main["per"], main["of"], main["value"]) == (1, 1, pytest.approx(75))


def test_a_leaf_may_be_scored_for_some_units_and_in_any_order(tmp_path):
    f = made(tmp_path)
    rows = [
        ("u", "A1", 80),
        ("v", "A1", 60),
        ("w", "A1", 40),
        ("w", "B1", 10),
        ("u", "B1", 50),
        ("v", "A2", 90),
    ]
    table = pd.DataFrame(
        [(u, c, "main", float(x), "scored") for u, c, x in rows],
        columns=["unit", "code", "part", "score", "state"],
    )
    total = cs.aggregate(table, f).query("code == 'total'").set_index("unit")["score"]
    assert total.to_dict() == pytest.approx({"u": 0.6 * 80 + 0.4 * 50, "v": 75.0, "w": 0.6 * 40 + 0.4 * 10})


def test_errors_are_given_for_leaves_only(tmp_path):
    f = made(tmp_path)
    rows = [(u, c, "main", 70.0, 1.0, "observed", "main") for u in ("u", "v") for c in ("A1", "A2", "B1")]
    table = pd.DataFrame(rows, columns=["unit", "code", "part", "value", "se", "state", "role"])
    wrong = pd.Series({("u", "A"): 4.0})
    with pytest.raises(DataError, match="errors are given for codes that are no leaves: A"):
        cs.draw_scores(table, f, sampling=wrong, ratings=None, draws=2)


def test_the_audit_counts_units_that_have_both(tmp_path):
    f = made(tmp_path)
    rows = [(f"u{i}", c, "main", float(s), "scored") for i, row in enumerate(
        [(80, 60, 50), (70, 65, 40), (60, 30, 90), (50, 55, 20)]) for c, s in zip(("A1", "A2", "B1"), row, strict=True)]  # fmt: skip
    table = pd.DataFrame(rows, columns=["unit", "code", "part", "score", "state"])
    gone = (table["unit"] == "u3") & (table["code"] == "A2")
    table.loc[gone, ["score", "state"]] = [np.nan, "missing"]
    found = cs.audit(cs.aggregate(table, f), f).set_index("code")
    assert found["n"].to_dict() == {"A1": 4, "A2": 3, "B1": 4}
    kept = cs.aggregate(table, f).pivot(index="unit", columns="code", values="score").iloc[:3]
    assert found.loc["A2", "correlation"] == pytest.approx(kept["A2"].corr(kept["total"]))


def test_a_mean_over_units_that_merge_weighs_by_their_numbers(tmp_path):
    part = "{rule: judged, scored_at: [district]}"
    scores = [("D/1", 80.0), ("D/2", 60.0), ("D/3", 70.0), ("E/1", 30.0)]
    found = evidence(tmp_path, part, ratings=rated(*(("expert", "e1", u, s) for u, s in scores)))
    main = found[found["role"] == "main"]
    assert set(main["statistic"]) == {"mean_of_units"} and main["n"].tolist() == [3, 1]
    changes = pd.DataFrame({"before": ["D", "E"], "after": ["F", "F"]})
    f = framework(tmp_path, part)
    put = cs.on_later_boundaries(found, f, changes, households=pd.Series({"D": 1.0, "E": 1.0}))
    assert put.loc[put["role"] == "main", "value"].tolist() == [pytest.approx((3 * 70 + 30) / 4)]


# --- kernels and stages ------------------------------------------------------------------


def test_a_stratum_without_an_answer_has_no_degree_of_freedom_to_lose(monkeypatch):
    data = pd.DataFrame(
        {"y": np.arange(24) % 5 + 1.0, "h": np.repeat(list("abc"), 8), "c": np.repeat(range(12), 2)}
    )
    data["g"] = np.where(data.index % 2, "x", "y")
    data.loc[data["h"] == "c", "y"] = np.nan
    design = SurveyDesign(data, strata="h", clusters="c")
    slow = design.mean("y", by="g")
    monkeypatch.setattr("commlab.survey.kernel.MANY", 0)
    fast = SurveyDesign(data, strata="h", clusters="c").mean("y", by="g")
    assert slow["df"].tolist() == fast["df"].tolist() == [6, 6]


def test_a_stream_by_its_own_units_needs_their_next_stage():
    data = pd.DataFrame({"c": [1, 1, 2, 2, 3, 3], "y": [1.0, 2, 3, 4, 5, 6], "w": 2.0, "units": 9})
    with pytest.raises(DataError, match='lie inside one "c" each'):
        cv.stream_means([data], "y", weights="w", clusters="c", fpc="units", by="c")


def test_a_judgement_of_equals_is_mended_to_one_and_a_goal_that_is_met_ends_the_mending():
    names = list("abcd")
    equal = pd.DataFrame(np.ones((4, 4)), index=names, columns=names)
    assert cw.ahp(equal).worst["mended_scale"].tolist() == [1.0] * 6
    odd = equal.copy()
    odd.loc["a", "b"], odd.loc["b", "a"] = 5.0, 0.2
    result = cw.ahp(odd)
    assert result.repaired(target=result.cr) is result
    assert result.repaired(target=result.cr / 2).cr <= result.cr / 2


@pytest.mark.parametrize("seed", range(4))
def test_protection_does_not_depend_on_the_order_of_rows(seed):
    rng = np.random.default_rng(seed)
    places = [f"c{i}" for i in range(6)]
    n = rng.integers(6, 40, 6)
    yes = np.array([rng.integers(0, k + 1) for k in n])
    parent = dict(zip(places, ["west"] * 3 + ["east"] * 3, strict=True)) | {"west": "city", "east": "city"}
    sums = {"west": slice(0, 3), "east": slice(3, 6), "city": slice(0, 6)}
    rows = [(u, int(a), int(b)) for u, a, b in zip(places, n, yes, strict=True)]
    rows += [(u, int(n[s].sum()), int(yes[s].sum())) for u, s in sums.items()]
    table = pd.DataFrame(rows, columns=["unit", "n", "yes"]).assign(item="q", statistic="satisfied", se=0.1)
    table["estimate"] = table["yes"] / table["n"]

    def shown(order: np.ndarray) -> pd.DataFrame:
        found, _ = cv.protect(table.iloc[order].reset_index(drop=True), k=10, parent=parent)
        return found.sort_values("unit").reset_index(drop=True)

    first = shown(np.arange(len(table)))
    assert first["estimate"].isna().any()
    for order in (np.arange(len(table))[::-1], rng.permutation(len(table))):
        pd.testing.assert_frame_equal(shown(order), first)


def test_an_importance_below_zero_is_named_alone():
    design = SurveyDesign(pd.DataFrame({"a": [1, 2, 3], "b": [3, 2, 2]}))
    with pytest.raises(DataError, match=r"wrong: a$"):
        cv.overall_index(design, ["a", "b"], importance=pd.Series({"a": -1.0, "b": 0.5}))


def test_a_band_needs_a_label():
    with pytest.raises(ParameterError, match=r"band \{'low': 60\} has no label"):
        cs.grade(pd.Series({"a": 70.0}), [{"low": 80, "label": "good"}, {"low": 60}])


def test_one_group_of_a_place_is_not_told_by_the_others_and_the_places_total():
    rows = [
        ("c0", "f", 40),
        ("c0", "m", 5),
        ("c1", "f", 41),
        ("c1", "m", 42),
        ("c2", "f", 43),
        ("c2", "m", 44),
    ]
    table = pd.DataFrame(rows, columns=["unit", "sex", "n"]).assign(item="q", statistic="satisfied", se=0.1)
    table["yes"] = table["n"] // 2
    table["estimate"] = table["yes"] / table["n"]
    _, gone = cv.protect(table, k=10, parent=dict.fromkeys(["c0", "c1", "c2"], "city"))
    by_place = gone.groupby("unit")["sex"].nunique()
    assert by_place["c0"] == 2 and (by_place == 2).all()


def test_a_stream_by_its_own_units_does_not_mind_a_lonely_stratum(tmp_path):
    data = two_stage(communities=1).assign(w=2.0)
    design = SurveyDesign(data, weights="w", **SPEC)
    data.to_parquet(tmp_path / "a.parquet")
    given = {"weights": "w", "strata": "h", "clusters": "unit", "fpc": ["communities", "adults"]}
    found = cv.stream_means(tmp_path / "a.parquet", "y", by="unit", **given)
    pd.testing.assert_frame_equal(found, design.mean("y", by="unit"), check_dtype=False, rtol=1e-9)
    with pytest.raises(DataError, match="town"):
        cv.stream_means(tmp_path / "a.parquet", "y", **given)


def test_errors_of_leniencies_are_those_of_least_squares():
    rows = [("a", "x", 80), ("a", "y", 70), ("b", "x", 60), ("b", "z", 66), ("c", "x", 90), ("c", "y", 75), ("c", "z", 88),
            ("d", "x", 70), ("d", "y", 66)]  # fmt: skip
    ratings = pd.DataFrame(rows, columns=["unit", "rater", "score"])
    found = cs.adjust_raters(ratings.assign(code="L", stage="expert", method="field"))
    x = np.hstack([pd.get_dummies(ratings[c]).to_numpy(dtype=float) for c in ("unit", "rater")])
    inverse = np.linalg.pinv(x.T @ x)
    theta = inverse @ x.T @ ratings["score"].to_numpy(dtype=float)
    residual = ratings["score"] - x @ theta
    sigma = np.sqrt((residual**2).sum() / (len(rows) - np.linalg.matrix_rank(x)))
    n = ratings["rater"].value_counts().sort_index().to_numpy()
    contrast = np.hstack([np.zeros((3, 4)), np.eye(3) - n / n.sum()])  # each against the mean weighted by n
    raters = found.raters.sort_values("rater")
    np.testing.assert_allclose(raters["leniency"], contrast @ theta, atol=1e-9)
    np.testing.assert_allclose(
        raters["se"], sigma * np.sqrt(np.diag(contrast @ inverse @ contrast.T)), rtol=1e-9
    )


def test_a_second_stage_below_an_endless_first_one_does_not_matter():
    data = pd.DataFrame({"c": [1, 1, 2, 3, 3], "id": range(5), "y": [1.0, 2.0, 4.0, 3.0, 5.0]})
    two, one = (SurveyDesign(data, clusters=c).mean("y") for c in (["c", "id"], "c"))
    pd.testing.assert_frame_equal(two, one)


def test_the_table_of_normal_errors_has_mean_zero_and_variance_one():
    table = _quantiles().astype(float)
    assert abs(table.mean()) < 1e-7 and abs(table.std() - 1) < 1e-7


def test_items_that_always_tie_are_higher_half_of_the_time():
    draws = pd.DataFrame({"a": [0.3, 0.4, 0.5], "b": [0.3, 0.4, 0.5], "c": [0.3, 0.5, 0.4]})
    found = cw.indistinguishable(draws).set_index(["first", "second"])["share_first_higher"]
    assert found.tolist() == [0.5, 0.5, 0.5]
