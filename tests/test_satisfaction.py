"""Satisfaction: what counts as an answer, the six statistics by hand, change, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commlab.errors import DataError, ParameterError
from commlab.survey import (
    SurveyDesign,
    answer_shares,
    linear_scores,
    overall_from_counts,
    overall_index,
    satisfaction,
    satisfaction_change,
    satisfaction_covariance,
)

DATA = pd.DataFrame(
    {
        "q": pd.array([5, 4, 4, 3, 2, 1, 98, 97, None, 5], dtype="Int64"),
        "r": [98] * 10,
        "w": [1.0, 1, 2, 1, 1, 1, 1, 5, 5, 1],
        "d": list("aaaaabbbbb"),
    }
)


def table(found: pd.DataFrame, **where: object) -> pd.DataFrame:
    for column, value in where.items():
        found = found[found[column] == value]
    return found.set_index("statistic")


def test_six_statistics_by_hand():
    found = table(satisfaction(SurveyDesign(DATA, weights="w"), "q"))
    # Substantive: 5 4 4 3 2 1 5 with weights 1 1 2 1 1 1 1 (8); asked: these and one "don't know" (9).
    assert found["estimate"].to_dict() == pytest.approx(
        {
            "mean": (5 + 4 + 8 + 3 + 2 + 1 + 5) / 8,
            "index": (100 + 75 + 150 + 50 + 25 + 0 + 100) / 8,
            "satisfied": 5 / 8,
            "dissatisfied": 2 / 8,
            "net": 3 / 8,
            "dont_know": 1 / 9,
        }
    )
    assert found["n"].to_dict() == {**dict.fromkeys(found.index[:-1], 7), "dont_know": 8}
    assert list(found.columns) == [
        "item", "estimate", "se", "ci_low", "ci_high", "df", "n", "n_effective",
    ]  # fmt: skip
    assert (found["ci_low"] < found["estimate"]).all() and (found["ci_high"] > found["estimate"]).all()


def test_mean_and_share_agree_with_the_engine():
    data = DATA.assign(
        answered=DATA["q"].astype("float64").where(DATA["q"] < 90), yes=lambda d: d["answered"] > 3
    )
    data["yes"] = data["yes"].where(data["answered"].notna()).astype("boolean")
    design = SurveyDesign(data, weights="w")
    found = table(satisfaction(design, "q", by="d"), d="a")
    same = ["estimate", "se", "ci_low", "ci_high", "df", "n"]
    mean = design.mean("answered", by="d").iloc[0]
    np.testing.assert_allclose(found.loc["mean", same].astype(float), mean[same].astype(float), rtol=1e-12)
    share = design.proportion("yes", by="d").query("level and d == 'a'").iloc[0]
    np.testing.assert_allclose(
        found.loc["satisfied", same].astype(float), share[same].astype(float), rtol=1e-12
    )
    assert found.loc["mean", "n_effective"] == pytest.approx(mean["n"] / mean["deff"])


def test_only_dont_know_is_no_estimate_but_a_share():
    found = table(satisfaction(SurveyDesign(DATA), "r"))
    assert found.loc["mean":"net", "estimate"].isna().all() and (found.loc["mean":"net", "n"] == 0).all()
    assert found.loc["dont_know", "estimate"] == 1 and found.loc["dont_know", "n"] == 10


def test_declared_scores_and_other_scales():
    assert linear_scores((1, 3)) == {1: 0, 2: 50, 3: 100}
    data = pd.DataFrame({"q": [1, 2, 3, 3]})
    found = table(satisfaction(SurveyDesign(data), "q", satisfied=(3,), scale=(1, 3)))
    assert found.loc["index", "estimate"] == 62.5
    assert found.loc["dissatisfied", "estimate"] == 0.25
    found = table(satisfaction(SurveyDesign(data), "q", satisfied=[3], scores={1: 0, 2: 60, 3: 100}))
    assert found.loc["index", "estimate"] == 65


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({}, DataError, 'item "q" has answers outside its scale 1 to 5: 6.0, 7.5 in 2 rows .*row 0'),
        ({"satisfied": (6,)}, ParameterError, r"satisfied=\(6,\) names codes outside the scale"),
        ({"satisfied": (3, 4)}, ParameterError, "count as satisfied and as not"),
        ({"scores": {1: 0}}, ParameterError, "at least two codes"),
        ({"scores": {1: 0, 98: 50}}, ParameterError, "stand for don't know"),
        ({"scores": {1: 0, 5: 101}}, ParameterError, "between 0 and 100"),
        ({"scale": (5, 1)}, ParameterError, "lowest and the highest code"),
    ],
)
def test_what_is_refused(options, error, says):
    design = SurveyDesign(pd.DataFrame({"q": [6, 7.5, 3]}))
    with pytest.raises(error, match=says):
        satisfaction(design, "q", **options)


def test_shares_of_answers_add_up():
    found = answer_shares(SurveyDesign(DATA, weights="w"), ["q"], by="d")
    assert found["option"].tolist() == [1, 2, 3, 4, 5, 98] * 2
    assert found.groupby("d")["estimate"].sum().tolist() == pytest.approx([1, 1])
    assert found["count"].tolist() == [0, 1, 1, 2, 1, 0, 1, 0, 0, 0, 1, 1]
    assert found["n"].tolist() == [5] * 6 + [3] * 6


def test_change_leaves_dont_know_out():
    rng = np.random.default_rng(2)
    data = pd.DataFrame(
        {"q": rng.integers(1, 6, 80), "wave": ["Q3", "Q4"] * 40, "d": ["a"] * 40 + ["b"] * 40}
    )
    data["unit"] = np.arange(80) // 2 % 10
    noise = data.assign(q=rng.choice([97, 98], 80))
    design = SurveyDesign(pd.concat([data, noise]), clusters="unit")
    found = satisfaction_change(design, "q", wave="wave", by="d")
    assert found[["d", "item", "statistic"]].to_numpy().tolist() == [
        ["a", "q", "index"], ["b", "q", "index"], ["a", "q", "satisfied"], ["b", "q", "satisfied"],
    ]  # fmt: skip
    alone = SurveyDesign(data.assign(q=data["q"] * 25.0), clusters="unit").change("q", wave="wave", by="d")
    np.testing.assert_allclose(found["se"][:2], alone["se"], rtol=1e-10)
    np.testing.assert_allclose(found["estimate"][:2], alone["estimate"], rtol=1e-10)
    assert found["n_before"].tolist() == [20] * 4
    other = SurveyDesign(data.assign(r=data["q"].where(data["wave"] == "Q4"), z=data["q"]), clusters="unit")
    with pytest.raises(DataError, match=r'^"r" has no answers in Q3; compare only'):
        satisfaction_change(other, ["q", "r", "z"], wave="wave")
    with pytest.raises(DataError, match='"r" has no answers in Q3'):
        other.change("r", wave="wave")
    with pytest.raises(ParameterError, match="mode are not among mean, index"):
        satisfaction_change(design, "q", wave="wave", statistics=("mode",))


def test_items_together():
    rng = np.random.default_rng(1)
    data = pd.DataFrame(rng.integers(1, 6, (60, 2)), columns=["q", "r"])
    data["unit"], data["d"], data["w"] = np.arange(60) // 5, np.arange(60) % 2, rng.uniform(1, 2, 60)
    design = SurveyDesign(data, weights="w", clusters="unit")
    matrix = satisfaction_covariance(design, ["q", "r"], by="d")
    one = satisfaction(design, ["q", "r"], by="d").query("statistic == 'index'")
    np.testing.assert_allclose(np.sqrt(np.diag(matrix)), one["se"], rtol=1e-10)
    assert matrix.index.to_frame().columns.tolist() == ["d", "item"]
    # The overall index is the index of each person's weighted mean where everyone answered both.
    data["both"] = 25 * (0.75 * data["q"] + 0.25 * data["r"] - 1)
    mean = SurveyDesign(data, weights="w", clusters="unit").mean("both", by="d")
    found = overall_index(design, ["q", "r"], importance=pd.Series({"q": 3, "r": 1}), by="d")
    for name in ("estimate", "se", "ci_low", "ci_high", "df"):
        np.testing.assert_allclose(found[name], mean[name], rtol=1e-10)
    with pytest.raises(DataError, match="wrong: r"):
        overall_index(design, ["q", "r"], importance=pd.Series({"q": 3}))
    with pytest.raises(ParameterError, match="statistic='mode'"):
        satisfaction_covariance(design, "q", statistic="mode")


def test_the_overall_index_of_published_counts():
    index = pd.MultiIndex.from_product([["a", "b"], ["q", "r"]], names=["district", "item"])
    counts = pd.DataFrame(
        [[0, 0, 0, 0, 10], [5, 0, 0, 0, 5], [0, 0, 10, 0, 0], [0] * 5], index=index, columns=range(1, 6)
    )
    found = overall_from_counts(counts, importance=pd.Series({"q": 3.0, "r": 1.0})).set_index("district")
    assert found.loc["a", "estimate"] == pytest.approx(0.75 * 100 + 0.25 * 50)
    assert found.loc["a", "se"] == pytest.approx(
        0.25 * 50 / 3
    )  # 10 answers, half 0 and half 100: 50 / sqrt(9)
    assert np.isnan(found.loc["b", "estimate"]) and found["n"].tolist() == [10, 0]
    one = overall_from_counts(counts.loc["a"])
    assert one["estimate"].tolist() == [75] and one.columns[0] == "estimate"
    with pytest.raises(DataError, match="name rows twice"):
        overall_from_counts(pd.concat([counts, counts]))


def test_effective_sample_size_without_a_population():
    # Weights of 1 know no population: S^2 / V of a simple random sample is n.
    found = table(satisfaction(SurveyDesign(pd.DataFrame({"q": [1, 2, 3, 4, 5, 5]})), "q"))
    assert found.loc["mean", "n_effective"] == pytest.approx(6)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.sampled_from([1, 2, 3, 4, 5, 97, 98]), min_size=3, max_size=40))
def test_laws(answers):
    """Shares lie in 0..1 and intervals around them; net is a difference; the index is linear in the mean."""
    found = table(satisfaction(SurveyDesign(pd.DataFrame({"q": answers})), "q"))
    if found.loc["mean", "n"] < 2:
        return
    e = found["estimate"]
    assert e["net"] == pytest.approx(e["satisfied"] - e["dissatisfied"])
    assert e["index"] == pytest.approx(25 * (e["mean"] - 1))
    shares = found.loc[["satisfied", "dissatisfied"]]
    assert (
        shares["estimate"].between(0, 1).all()
        and shares["ci_low"].ge(0).all()
        and shares["ci_high"].le(1).all()
    )
    assert (shares["ci_low"] <= shares["estimate"]).all() and (shares["ci_high"] >= shares["estimate"]).all()
