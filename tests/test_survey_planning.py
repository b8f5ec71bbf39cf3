"""Planning, drivers, replicate weights, counts and streams: edge cases, closed forms, the engine."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_survey_design import SPEC, two_stage

from commlab.errors import DataError, ParameterError
from commlab.survey import (
    SurveyDesign,
    allocate_sample,
    draw_sample,
    drivers,
    field_list,
    importance_performance,
    quota_status,
    replicates,
    sample_size,
    satisfaction,
    satisfaction_from_counts,
    stream_means,
)


@pytest.mark.parametrize(
    ("options", "answers", "issued"),
    [
        # Cochran (1977), p. 75: e = 0.05, p = 0.5; N = 3200 reduces 385 to 344 (z = 1.96, not 2).
        ({"margin": 0.05}, 385, 385),
        ({"margin": 0.05, "population": 3200}, 344, 344),
        ({"margin": 0.05, "deff": 2, "response_rate": 0.8}, 769, 962),
        ({"margin": 0.05, "population": 10}, 10, 10),
        ({"margin": 0.1, "p": 0.1}, 35, 35),
    ],
)
def test_sample_sizes(options, answers, issued):
    assert sample_size(**options).iloc[0].tolist() == [answers, issued]


def test_sample_sizes_by_domain():
    found = sample_size(0.05, population=pd.Series({"五华区": 3200, "盘龙区": 10}))
    assert found["answers"].to_dict() == {"五华区": 344, "盘龙区": 10}


@pytest.mark.parametrize(
    ("how", "options", "expected"),
    [
        ("proportional", {}, [10, 30, 60]),
        ("equal", {}, [34, 33, 33]),
        ("power", {"power": 0.0}, [34, 33, 33]),
        ("neyman", {"sd": [6.0, 2, 1]}, [33, 33, 34]),
        ("proportional", {"minimum": 20}, [20, 27, 53]),
    ],
)
def test_allocations(how, options, expected):
    sizes = pd.Series({"a": 100, "b": 300, "c": 600})
    if "sd" in options:
        options = {"sd": pd.Series(options["sd"], index=sizes.index)}
    found = allocate_sample(sizes, 100, how=how, **options)
    assert found.sum() == 100 and sorted(found) == sorted(expected)


def test_no_stratum_gives_more_than_it_has():
    sizes = pd.Series({"a": 3, "b": 300})
    assert allocate_sample(sizes, 100, how="equal").tolist() == [3, 97]
    assert allocate_sample(sizes, 303, minimum=50).tolist() == [3, 300]


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: sample_size(0.0), ParameterError, "margin=0.0 must lie between"),
        (lambda: sample_size(0.05, deff=0), ParameterError, "deff=0"),
        (lambda: sample_size(0.05, population=pd.Series({"a": -1})), DataError, "not in a"),
        (lambda: sample_size(0.05, population=0), DataError, "population must be above 0"),
        (lambda: allocate_sample(pd.Series({"a": 0}), 1), DataError, "wrong: a"),
        (lambda: allocate_sample(pd.Series({"a": 9}), 1.5), ParameterError, "n=1.5 must be a whole number"),
        (lambda: allocate_sample(pd.Series({"a": 9}), 5, minimum=-1), ParameterError, "minimum=-1"),
        (
            lambda: draw_sample(pd.DataFrame({"u": [1], "weight": [2]}), 1, seed=1),
            ParameterError,
            "columns weight already",
        ),
        (
            lambda: draw_sample(pd.DataFrame({"u": [1]}), 1, earlier=pd.Series({"a": 0.5}), seed=1),
            ParameterError,
            "needs strata=",
        ),
        (
            lambda: draw_sample(
                pd.DataFrame({"h": list("ab")}),
                {"a": 1, "b": 1},
                strata="h",
                earlier=pd.Series({"a": 0.5}),
                seed=1,
            ),
            DataError,
            "earlier must be probabilities .* not in b",
        ),
        (lambda: quota_status(pd.Series(["a"]), pd.Series({"a": -1})), DataError, "not in a"),
        (lambda: quota_status(pd.Series({"a": 2.5}), pd.Series({"a": 1})), DataError, "whole numbers.*: a"),
        (
            lambda: quota_status(pd.DataFrame({"u": ["a"]}), pd.Series({"a": 1})),
            ParameterError,
            "name them alike",
        ),
        (lambda: field_list(pd.DataFrame({"no": [1]}), ["no"]), ParameterError, "bear a name twice: no"),
        (lambda: field_list(pd.DataFrame({"u": [1]}), ["v"]), ParameterError, 'column "v" is not a column'),
        (lambda: allocate_sample(pd.Series({"a": 5}), 6), ParameterError, "n=6 must lie between 0 .* and 5"),
        (lambda: allocate_sample(pd.Series({"a": 5}), 2, how="neyman"), ParameterError, "needs sd="),
        (lambda: allocate_sample(pd.Series({"a": 5}), 2, how="x"), ParameterError, "how='x'"),
        (lambda: draw_sample(pd.DataFrame({"u": []}), 1, seed=1), DataError, "list is empty"),
        (lambda: draw_sample(pd.DataFrame({"u": [1]}), 2, seed=1), ParameterError, "n=2 of 1 units"),
        (
            lambda: draw_sample(pd.DataFrame({"u": [1]}), 1, size="u", how="random", seed=1),
            ParameterError,
            "how must",
        ),
        (lambda: draw_sample(pd.DataFrame({"u": [-1]}), 1, size="u", seed=1), DataError, "must be above 0"),
        (
            lambda: draw_sample(pd.DataFrame({"h": list("ab")}), {"a": 1}, strata="h", seed=1),
            ParameterError,
            "differs in b",
        ),
    ],
)
def test_plans_that_are_refused(call, error, says):
    with pytest.raises(error, match=says):
        call()


def test_draws_are_seeded_and_have_their_probabilities():
    frame = pd.DataFrame({"h": ["a"] * 10 + ["b"] * 6, "size": [1.0] * 9 + [50.0] + [2.0] * 6})
    found = draw_sample(frame, {"a": 3, "b": 2}, strata="h", size="size", seed=7)
    pd.testing.assert_frame_equal(
        found, draw_sample(frame, {"a": 3, "b": 2}, strata="h", size="size", seed=7)
    )
    assert found["h"].value_counts().to_dict() == {"a": 3, "b": 2}
    assert found["drawn"].tolist() == [1, 2, 3, 4, 5]
    # The unit of size 50 is certain; two of the nine others.
    assert found.loc[9, "probability"] == 1 and found["probability"].iloc[0] == pytest.approx(2 / 9)
    random = draw_sample(frame, 4, how="random", seed=1)
    assert random["weight"].tolist() == [4.0] * 4 and random.index.is_monotonic_increasing


def test_systematic_draws_hit_their_probabilities():
    frame = pd.DataFrame({"size": [1.0, 2, 3, 4, 10, 20]})
    hits = np.zeros(6)
    for seed in range(400):
        found = draw_sample(frame, 2, size="size", seed=seed)
        hits[found.index] += 1
    expected = (
        np.array([1, 2, 3, 4, 10, 20]) / 20
    )  # the largest is certain, one of the rest (sizes sum to 20)
    np.testing.assert_allclose(hits / 400, np.minimum(expected, 1), atol=0.08)


def test_answers_counted_so_far_are_a_quota_status():
    target = pd.Series({"a": 2, "b": 3})
    counted = quota_status(pd.Series({"a": 2, "b": 1, "x": 4}), target)
    pd.testing.assert_frame_equal(
        counted, quota_status(pd.Series(list("aabxxxx")), target), check_names=False
    )


def test_quota_status():
    found = quota_status(pd.Series(["a", "a", "b", "x"]), pd.Series({"a": 2, "b": 3, "c": 1}))
    assert found.index.tolist() == ["c", "b", "a", "x"]
    assert found["missing"].tolist() == [1, 2, 0, 0] and found["done"].tolist() == [False, False, True, True]


def test_households_inside_points_and_their_list():
    points = pd.DataFrame({"point": list("abcdef"), "households": [10, 20, 30, 40, 50, 60]})
    drawn = draw_sample(points, 3, size="households", seed=4).set_index("point")
    homes = points.loc[points.index.repeat(points["households"])].reset_index(drop=True)
    homes["door"] = homes.groupby("point").cumcount() + 1
    homes = homes[homes["point"].isin(drawn.index)]
    found = draw_sample(
        homes, {p: 5 for p in drawn.index}, strata="point", earlier=drawn["probability"], seed=5
    )
    # In proportion to size, then the same number in each: every household has the same chance, 15 of 210.
    np.testing.assert_allclose(found["weight"], 210 / 15)
    sheet = field_list(found, ["door"], by="point")
    assert sheet.columns.tolist() == ["point", "no", "door", "visited", "result"]
    assert sheet.groupby("point")["no"].apply(list).tolist() == [[1, 2, 3, 4, 5]] * 3
    assert sheet.groupby("point")["door"].apply(lambda d: d.is_monotonic_increasing).all()


def test_quotas_that_cross_columns():
    target = pd.Series(
        [2, 1, 1],
        index=pd.MultiIndex.from_tuples([("a", "f"), ("a", "m"), ("b", "f")], names=["unit", "sex"]),
    )
    valid = pd.DataFrame({"sex": list("fmmf"), "unit": list("aaab")})
    found = quota_status(valid, target)
    assert found.loc[("a", "f"), "missing"] == 1 and found.loc[("a", "m"), "valid"] == 2
    assert found["done"].tolist() == [False, True, True]


def scale(seed: int = 3, n: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(rng.integers(1, 6, (n, 3)), columns=["a", "b", "c"])
    data["overall"] = np.clip((data["a"] * 2 + data["b"] + rng.integers(0, 4, n)) // 3, 1, 5)
    data["w"], data["unit"] = rng.uniform(0.5, 2, n), np.arange(n) // 10
    return data


def test_orthogonal_items_share_their_squared_correlations():
    grid = pd.DataFrame([(a, b) for a in (1, 2, 3) for b in (1, 2, 3)] * 3, columns=["a", "b"])
    grid["overall"] = grid["a"] * 2 + grid["b"] + np.tile([0, 1, 0], 9)
    r2 = grid.corr()["overall"][["a", "b"]] ** 2
    for method in ("shapley", "johnson"):
        found = drivers(SurveyDesign(grid), "overall", ["a", "b"], method=method, draws=0).set_index("item")
        np.testing.assert_allclose(found.loc[["a", "b"], "importance"], r2, rtol=1e-10)


def test_two_items_have_the_same_shares_by_both_methods():
    # Johnson's weights of two predictors are their Shapley values (Thomas, Zumbo et al. 2014).
    design = SurveyDesign(scale(), weights="w")
    first = drivers(design, "overall", ["a", "b"], draws=0)
    second = drivers(design, "overall", ["a", "b"], method="johnson", draws=0)
    np.testing.assert_allclose(first["importance"], second["importance"], rtol=1e-10)


def test_drivers_add_up_to_the_regression_and_have_intervals():
    data = scale()
    design = SurveyDesign(data, weights="w", clusters="unit")
    found = drivers(design, "overall", ["a", "b", "c"], draws=50)
    x = np.column_stack([np.ones(len(data)), data[["a", "b", "c"]]])
    w, y = data["w"].to_numpy(), data["overall"].to_numpy()
    beta = np.linalg.solve(x.T @ (w[:, None] * x), x.T @ (w * y))
    mean = (w * y).sum() / w.sum()
    r2 = 1 - (w * (y - x @ beta) ** 2).sum() / (w * (y - mean) ** 2).sum()
    assert found["importance"].sum() == pytest.approx(r2, rel=1e-10)
    assert found["share"].sum() == pytest.approx(1)
    assert found["item"].tolist()[0] == "a"
    assert ((found["ci_low"] <= found["share"]) & (found["share"] <= found["ci_high"]))[:2].all()
    pd.testing.assert_frame_equal(found, drivers(design, "overall", ["a", "b", "c"], draws=50))


def test_importance_and_performance():
    design = SurveyDesign(scale(), weights="w", clusters="unit")
    found = importance_performance(design, ["a", "b", "c"], importance=pd.Series({"a": 6, "b": 3, "c": 1}))
    assert found["importance"].sum() == pytest.approx(1)
    row = found.set_index("item").loc["a"]
    assert row["priority"] == pytest.approx(0.6 * (1 - row["satisfied"]))
    assert set(found["quadrant"]) <= {"keep", "improve", "maintain", "watch", "undecided"}
    assert found["priority"].is_monotonic_decreasing
    # A Series is held as it is: the interval is that of 1 - satisfied.
    yes = satisfaction(design, "a").set_index("statistic").loc["satisfied"]
    assert row["priority_low"] == pytest.approx(0.6 * (1 - yes["ci_high"]))


def test_priorities_vary_with_importance_and_satisfaction():
    design, names = SurveyDesign(scale(), weights="w", clusters="unit"), ["a", "b", "c"]
    joint = importance_performance(design, names, importance="overall", draws=400).set_index("item")
    found = drivers(design, "overall", names, draws=400)
    apart = importance_performance(design, names, importance=found).set_index("item")
    fixed = importance_performance(design, names, importance=found.set_index("item")["share"]).set_index(
        "item"
    )
    length = {
        k: t["priority_high"] - t["priority_low"] for k, t in (("j", joint), ("a", apart), ("f", fixed))
    }
    assert (length["a"] >= length["f"][length["a"].index]).all()
    held = joint.loc[["a", "b"]]  # c weighs nothing, and a percentile lies above it
    assert (held["priority_low"] <= held["priority"]).all()
    assert (held["priority"] <= held["priority_high"]).all()
    assert (length["j"] / length["a"]).loc[["a", "b"]].between(0.4, 1.6).all()


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda d: drivers(d, "a", ["a", "b"]), ParameterError, "outcome is not among them"),
        (lambda d: drivers(d, "a", ["b"]), ParameterError, "at least two items"),
        (lambda d: drivers(d, "overall", ["a", "b"], method="x"), ParameterError, "method='x'"),
        (
            lambda d: drivers(d.subset(d.data.index < 2), "overall", ["a", "b"]),
            DataError,
            "2 rows have all 2 items",
        ),
        (
            lambda d: importance_performance(d, ["a"], importance=pd.Series({"b": 1})),
            ParameterError,
            "given for a",
        ),
        (
            lambda d: importance_performance(d, ["a", "b"], importance=pd.Series({"a": -1, "b": 2})),
            DataError,
            "wrong: a",
        ),
        (lambda d: replicates(d, method="BRR"), ParameterError, "method='BRR'"),
    ],
)
def test_requests_that_are_refused(call, error, says):
    with pytest.raises(error, match=says):
        call(SurveyDesign(scale(), weights="w"))


def test_jackknife_of_a_total_is_the_taylor_variance():
    data = two_stage().query("h != 'pilot'")
    design = SurveyDesign(data, strata="h", clusters="unit", fpc="communities")
    again = replicates(design)
    np.testing.assert_allclose(again.total("y")["se"], design.total("y")["se"], rtol=1e-10)
    np.testing.assert_allclose(again.mean("y")["se"], design.mean("y")["se"], rtol=0.1)
    by = again.total("y", by="sex")
    np.testing.assert_allclose(by["se"], design.total("y", by="sex")["se"], rtol=1e-10)
    with pytest.raises(ParameterError, match="JK1 is for one stratum, the design has 2"):
        replicates(design, method="JK1")
    one = SurveyDesign(data, clusters="unit")
    np.testing.assert_allclose(
        replicates(one, method="JK1").total("y")["se"], one.total("y")["se"], rtol=1e-10
    )


def test_bootstrap_is_seeded_and_near_the_taylor_variance():
    design = SurveyDesign(
        two_stage(communities=12), strata="h", clusters=["unit", "id"], fpc=["communities", "adults"]
    )
    again = replicates(design, method="bootstrap", draws=800, seed=1)
    plain = SurveyDesign(
        design.data.assign(w=design.weights), weights="w", strata="h", clusters="unit", lonely="remove"
    )
    assert again.mean("y")["se"].iloc[0] == pytest.approx(plain.mean("y")["se"].iloc[0], rel=0.15)
    median = again.statistic(lambda d, w: d["y"].iloc[np.searchsorted(np.cumsum(w), w.sum() / 2)])
    assert median["se"].iloc[0] > 0


def test_counts_give_the_statistics_of_the_answers():
    answers = [5] * 6 + [4] * 3 + [2] * 4 + [1]
    counts = pd.DataFrame([{5: 6, 4: 3, 2: 4, 1: 1, 98: 2}], index=pd.Index(["五华区"], name="district"))
    found = satisfaction_from_counts(counts)
    on_scale = satisfaction(SurveyDesign(pd.DataFrame({"q": answers})), "q").iloc[:5]
    asked = satisfaction(SurveyDesign(pd.DataFrame({"q": [*answers, 98, 98]})), "q").iloc[5:]
    expected = pd.concat([on_scale, asked])
    assert found["district"].eq("五华区").all()
    for name in ("estimate", "se", "ci_low", "ci_high", "df", "n"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-10)
    with pytest.raises(DataError, match="columns 7 are no codes"):
        satisfaction_from_counts(pd.DataFrame({7: [1]}))
    with pytest.raises(DataError, match="whole numbers >= 0; they are not in 0"):
        satisfaction_from_counts(pd.DataFrame({5: [1.5]}))


def stream(data: pd.DataFrame, by: str | None, path) -> tuple[pd.DataFrame, pd.DataFrame]:
    design = SurveyDesign(data, weights="w", **SPEC)
    data.to_parquet(path)
    options = {"weights": "w", "strata": "h", "clusters": "unit", "fpc": ["communities", "adults"], "by": by}
    return design.mean(["y", "gaps"], by=by), stream_means(path, ["y", "gaps"], rows=7, **options)


@pytest.mark.parametrize("by", [None, "sex", "unit", "h"])
def test_streams_give_the_same_numbers(by, tmp_path):
    data = two_stage().assign(w=lambda d: 1.0 + d["id"] % 3, gaps=lambda d: d["y"].where(d["id"] % 4 > 0))
    whole, streamed = stream(data, by, tmp_path / "answers.parquet")
    pd.testing.assert_frame_equal(whole, streamed, rtol=1e-10, check_dtype=False)


def test_streams_of_frames_and_what_they_refuse(tmp_path):
    data = two_stage().assign(w=1.0)
    data = data[data["h"] != "pilot"]
    halves = [data.iloc[:20], data.iloc[20:]]
    found = stream_means(halves, "y", weights="w", strata="h", clusters="unit")
    expected = SurveyDesign(data, weights="w", strata="h", clusters="unit").mean("y")
    assert found["se"].iloc[0] == pytest.approx(expected["se"].iloc[0], rel=1e-10)
    with pytest.raises(DataError, match="lie inside one"):
        stream_means(halves, "y", weights="w", strata="h", clusters="unit", by="unit")
    with pytest.raises(DataError, match="no rows"):
        stream_means([], "y", weights="w", clusters="unit")
    data.to_parquet(tmp_path / "a.parquet")
    with pytest.raises(ParameterError, match="has no columns z"):
        stream_means(tmp_path / "a.parquet", "z", weights="w", clusters="unit")
    with pytest.raises(DataError, match="must be numbers >= 0"):
        stream_means([data.assign(w=-1.0)], "y", weights="w", clusters="unit")


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 500), min_size=1, max_size=12), st.integers(0, 3), st.integers(0, 10_000))
def test_allocation_laws(sizes, minimum, salt):
    """Allocations are whole, add up, keep to the minimum and never exceed a stratum."""
    size = pd.Series(sizes)
    floor = np.minimum(minimum, size).sum()
    n = int(floor + salt % (size.sum() - floor + 1))
    for how in ("proportional", "power", "equal"):
        found = allocate_sample(size, n, how=how, minimum=minimum)
        assert found.sum() == n
        assert ((found >= np.minimum(minimum, size)) & (found <= size)).all()
