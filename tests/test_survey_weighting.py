"""Margins and weights: what is refused, raking by hand, collapsing, trimming, errors of the residuals."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_survey_design import SPEC, two_stage

from commlab.errors import DataError, ParameterError
from commlab.survey import SurveyDesign, collapse, kish_effect, weight_summary

DATA = pd.DataFrame(
    {"y": [1.0, 2, 3, 4, 5, 6], "s": list("ffmmmf"), "a": list("ppqqpq"), "c": list("uuvvww")}
)


@pytest.mark.parametrize(
    ("margins", "error", "says"),
    [
        ({}, ParameterError, "not empty"),
        (None, ParameterError, "must be a mapping"),
        ({"s": 5}, ParameterError, "must be a Series, mapping or frame, got int"),
        ({"s": {}}, DataError, "empty or all 0"),
        ({"s": {"f": 1, "m": -1}}, DataError, "wrong: m"),
        ({"s": {"f": 1, "m": "x"}}, DataError, "wrong: m"),
        ({"s": {"f": 1}}, DataError, 'margin "s": the margin lacks cells that the sample has: m'),
        ({"s": {"f": 1, "m": 1, "x": 1}}, DataError, "no answers in cells x; collapse"),
        ({"s": {"f": 0, "m": 1}}, DataError, "nobody in cells that the sample has: f"),
        ({"z": {"f": 1}}, ParameterError, 'margin "z" is not a column'),
        ({("s", "a"): {"f": 1}}, ParameterError, "names 2 variables, its index has 1"),
        ({"s": pd.Series([1, 1], index=["f", "f"])}, DataError, "more than once: f"),
        ({"s": {"f": 2, "m": 2}, "a": {"p": 2, "q": 3}}, DataError, 'same population: "s" 4, "a" 5'),
    ],
)
def test_margins_that_are_refused(margins, error, says):
    with pytest.raises(error, match=says):
        SurveyDesign(DATA).rake(margins)


def test_contradicting_margins_name_the_worst_cell():
    data = pd.DataFrame({"s": list("fm"), "a": list("pq")})
    with pytest.raises(DataError, match=r'20 passes: "s" f is still off by'):
        SurveyDesign(data).rake({"s": {"f": 1, "m": 3}, "a": {"p": 3, "q": 1}}, iterations=20)
    with pytest.raises(ParameterError, match=r"takes one margin .* got 2"):
        SurveyDesign(data).post_stratify({"s": {"f": 1, "m": 3}, "a": {"p": 3, "q": 1}})


def test_missing_cells_are_named_by_row():
    data = DATA.assign(s=["f", None, "m", "m", "m", "f"])
    with pytest.raises(DataError, match=r'1 rows have no "s" \(first: row 1\)'):
        SurveyDesign(data).rake({"s": {"f": 1, "m": 1}})


def test_post_stratified_mean_by_hand():
    # Cells f: y = 1, 2, 6 -> mean 3; m: 3, 4, 5 -> mean 4; population 20 and 10.
    design = SurveyDesign(DATA).post_stratify({"s": {"f": 20, "m": 10}})
    assert design.weights.tolist() == pytest.approx([20 / 3, 20 / 3, 10 / 3, 10 / 3, 10 / 3, 20 / 3])
    assert design.mean("y")["estimate"].iloc[0] == pytest.approx((20 * 3 + 10 * 4) / 30)
    same = SurveyDesign(DATA).post_stratify(pd.DataFrame({"s": ["f", "m"], "population": [20, 10]}))
    np.testing.assert_allclose(design.weights, same.weights)
    named = pd.Series([20, 10], index=pd.Index(["f", "m"], name="s"))
    np.testing.assert_allclose(design.weights, SurveyDesign(DATA).post_stratify(named).weights)


def test_raking_meets_all_margins_and_keeps_the_odds():
    design = SurveyDesign(DATA.assign(w=[1.0, 2, 1, 3, 1, 1]), weights="w")
    raked = design.rake({"s": {"f": 12, "m": 18}, "a": {"p": 10, "q": 20}})
    sums = DATA.assign(w=raked.weights)
    assert sums.groupby("s")["w"].sum().tolist() == pytest.approx([12, 18], rel=1e-10)
    assert sums.groupby("a")["w"].sum().tolist() == pytest.approx([10, 20], rel=1e-10)
    cell = sums.groupby(["s", "a"])["w"].sum()
    before = DATA.assign(w=design.weights).groupby(["s", "a"])["w"].sum()
    odds = [t["f", "p"] * t["m", "q"] / (t["f", "q"] * t["m", "p"]) for t in (cell, before)]
    assert odds[0] == pytest.approx(odds[1], rel=1e-9)


def test_calibrated_errors_are_those_of_the_residuals():
    data = two_stage()
    data["w"] = SurveyDesign(data, **SPEC).weights
    totals = (data.groupby("sex")["w"].sum() * [1.2, 0.9]).to_dict()
    design = SurveyDesign(data, weights="w", **SPEC)
    raked = design.rake({"sex": totals})
    data["r"] = data["y"] - data["sex"].map(
        {s: np.average(g["y"], weights=g["w"]) for s, g in data.groupby("sex")}
    )
    # The residual's error, with the new weights as plain weights.
    plain = SurveyDesign(data.assign(w2=raked.weights), weights="w2", **SPEC)
    assert raked.mean("y")["se"].iloc[0] == pytest.approx(
        plain.total("r")["se"].iloc[0] / raked.weights.sum(), rel=1e-10
    )
    by = raked.mean("y", by="h")
    np.testing.assert_allclose(np.sqrt(np.diag(raked.covariance("y", by="h"))), by["se"], rtol=1e-9)
    # What the margins fix has no error left.
    assert raked.proportion("sex")["se"].max() < 1e-12


def test_margins_district_by_district_are_as_good_as_apart():
    data = pd.concat([two_stage(3).assign(d="east"), two_stage(4).assign(d="west")], ignore_index=True)
    data["unit"], data["h"], data["id"] = data["d"] + data["unit"], data["d"] + data["h"], data.index
    data["cell"] = data["d"] + data["sex"]
    design = SurveyDesign(data, **SPEC)
    targets = data.assign(w=design.weights).groupby("cell")["w"].sum() * [1.1, 0.9, 1.3, 0.8]
    both = design.rake({"cell": targets}).mean("y", by="d").set_index("d")
    for district in ("east", "west"):
        alone = SurveyDesign(data[data["d"] == district], **SPEC)
        one = alone.rake({"cell": targets[targets.index.str.startswith(district)]}).mean("y").iloc[0]
        assert both.loc[district, "se"] == pytest.approx(one["se"], rel=1e-10)


def test_collapsing():
    counts = pd.Series({"18-24": 3, "25-34": 40, "35-44": 50, "45-54": 29, "55+": 31})
    found = collapse(counts, least=30)
    assert list(found) == list(counts.index)
    assert counts.groupby(found).sum().min() >= 30
    assert collapse(counts, least=1) == {c: c for c in counts.index}
    with pytest.raises(DataError, match=r"153 answers in all cells together, 200 are needed"):
        collapse(counts, least=200)


def test_trimming_and_diagnostics():
    design = SurveyDesign(DATA.assign(w=[1.0, 1, 1, 1, 1, 10]), weights="w")
    soft, strict = design.trim(0.5, 3), design.trim(0.5, 2.6, strict=True)
    assert soft.weights.sum() == pytest.approx(15) and strict.weights.max() <= 2.6 + 1e-12
    assert soft.weights.tolist() == pytest.approx([2.4] * 5 + [3])
    summary = weight_summary(design)
    assert summary["n_effective"] == pytest.approx(6 / kish_effect(design.weights))
    with pytest.raises(ParameterError, match=r"mean weight 2.5 lies outside"):
        design.trim(3, 4)
    with pytest.raises(ParameterError, match="must be a number below"):
        design.trim(4, 3)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda d: d.rake({"s": {"f": 6, "m": 6}}, tolerance=np.nan), ParameterError, "tolerance=nan"),
        (lambda d: d.rake({"s": {"f": 6, "m": 6}}, iterations=0), ParameterError, "iterations=0"),
        (lambda d: d.rake({5: {"f": 6, "m": 6}}), ParameterError, "not by 5"),
        (lambda d: d.trim("a", 3), ParameterError, "lower='a' must be a number"),
        (lambda d: d.trim(1.4, 1.6, strict=True), ParameterError, "no weight lies within 1.4 to 1.6"),
        (lambda d: kish_effect([1, -1]), DataError, "1 weights are missing, negative"),
        (lambda d: collapse(pd.Series({"a": np.nan, "b": 3}), least=2), DataError, "wrong: a"),
        (
            lambda d: d.calibrate({"s": {"f": 6, "m": 6}, "a": {"p": 3, "q": 7}}),
            DataError,
            'same population: "s" 12, "a" 10',
        ),
        (
            lambda d: d.calibrate({"s": {"f": 6, "m": 6}, "z": 9}),
            DataError,
            '"z" is missing in 1 rows .*row 2',
        ),
        (
            lambda d: d.calibrate({"s": {"f": 6, "m": 6}, "y": 100}),
            DataError,
            "weights turned negative .first: row",
        ),
        (
            lambda d: d.calibrate({"s": {"f": 1, "m": 11}}, method="logit", bounds=(0.9, 1.1)),
            DataError,
            "no logit weights meet all totals: s=f .off by",
        ),
    ],
)
def test_weightings_that_are_refused(call, error, says):
    data = DATA.assign(w=[1.0, 1, 2, 2, 2, 1], z=[1, 2, np.nan, 4, 5, 6])
    with pytest.raises(error, match=says):
        call(SurveyDesign(data, weights="w"))


def test_calibrated_errors_of_many_rows_take_little_memory():
    # Every row has an influence on every domain: written out, 300 domains would be 60 MB and more.
    rng = np.random.default_rng(2)
    n = 25_000
    data = pd.DataFrame(
        {"y": rng.normal(size=n), "s": rng.choice(list("fm"), n), "g": rng.integers(0, 300, n)}
    )
    raked = SurveyDesign(data).rake({"s": {"f": n, "m": n}})
    tracemalloc.start()
    found = raked.mean("y", by="g")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 15e6 and (found["se"] > 0).all()


@settings(deadline=None, max_examples=20)
@given(st.lists(st.sampled_from(["fp", "fq", "mp", "mq"]), min_size=4, max_size=30), st.floats(0.2, 0.8))
def test_laws(cells, share):
    """Raking twice is raking once; the margins are met."""
    cells = [*cells, "fp", "fq", "mp", "mq"]
    data = pd.DataFrame({"s": [c[0] for c in cells], "a": [c[1] for c in cells]})
    margins = {"s": {"f": 100 * share, "m": 100 * (1 - share)}, "a": {"p": 30.0, "q": 70.0}}
    once = SurveyDesign(data).rake(margins)
    np.testing.assert_allclose(once.weights, once.rake(margins).weights, rtol=1e-9)
    assert once.weights[data["s"] == "f"].sum() == pytest.approx(100 * share)
    assert (once.weights > 0).all()
