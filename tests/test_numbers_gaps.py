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
from commlab.scoring.rules import meets
from commlab.scoring.texts import Letters
from commlab.survey import SurveyDesign
from commlab.survey.structure import compact

ITEMS = pd.DataFrame(np.random.default_rng(7).integers(1, 6, (60, 4)) + 0.0, columns=list("abcd"))
ITEMS["b"] += ITEMS["a"]
ITEMS["c"] += ITEMS["a"]

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
    assert Letters.of(pa.chunked_array([pa.array(["甲", None], pa.large_string())])) is None
