"""Designs: edge cases first, then two stages, certainties, the community trap and waves by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commlab.errors import DataError, ParameterError
from commlab.survey import SurveyDesign, satisfaction
from commlab.survey.moments import Coded
from commlab.survey.structure import factorize

BASE = pd.DataFrame(
    {
        "y": [1.0, 2, 3, 4],
        "w": [1.0, 1, 2, 2],
        "h": list("aabb"),
        "c": list("ppqq"),
        "N": [4, 4, 5, 5],
        "t": list("wxyz"),
    }
)


@pytest.mark.parametrize(
    ("change", "options", "error", "says"),
    [
        (
            {"w": [1, -1, 2, 2]},
            {"weights": "w"},
            DataError,
            'weights "w" must be numbers >= 0; 1 of 4 rows .*row 1: -1',
        ),
        ({"w": [1, np.nan, 2, 2]}, {"weights": "w"}, DataError, "missing, negative or infinite"),
        ({"w": [1, np.inf, 2, 2]}, {"weights": "w"}, DataError, "infinite"),
        ({"w": [0, 0, 0, 0]}, {"weights": "w"}, DataError, "all 0"),
        ({"w": list("abcd")}, {"weights": "w"}, DataError, "row 0: 'a'"),
        ({"h": ["a", None, "b", "b"]}, {"strata": "h"}, DataError, 'strata "h" is missing in 1 rows .*row 1'),
        ({"N": [4, 4, 0, 0]}, {"fpc": "N"}, DataError, 'fpc "N" must be a number of units above 0; 2 rows'),
        ({"N": [0.5, 0.5, 5, 5]}, {"strata": "h", "fpc": "N"}, DataError, "not a fraction"),
        (
            {"N": [4, 5, 5, 5]},
            {"strata": "h", "fpc": "N"},
            DataError,
            'several values within 1 strata of "h"',
        ),
        ({}, {"weights": "W"}, ParameterError, 'weights "W" is not a column; there are: y, w'),
        ({}, {"weights": 3}, ParameterError, "must be a column name, got int"),
        ({}, {"clusters": "c", "fpc": ["N", "N"]}, ParameterError, "fpc names 2 stages, clusters only 1"),
        ({}, {"clusters": [None, "c"]}, ParameterError, "only the last stage"),
        ({}, {"lonely": "ignore"}, ParameterError, "lonely='ignore' is not one of fail, remove"),
    ],
)
def test_what_is_refused(change, options, error, says):
    with pytest.raises(error, match=says):
        SurveyDesign(BASE.assign(**change), **options).mean("y")


def test_an_empty_table_and_other_types():
    with pytest.raises(DataError, match="no rows"):
        SurveyDesign(BASE.iloc[:0])
    with pytest.raises(ParameterError, match="must be a DataFrame, got list"):
        SurveyDesign([1, 2])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda d: d.mean("t"), ParameterError, '"t" is not a number .*proportion'),
        (lambda d: d.mean(5), ParameterError, "a column name or a list of them, not int"),
        (lambda d: d.mean("y", by=["h", "h"]), ParameterError, "by names a column twice"),
        (lambda d: d.mean("z"), ParameterError, 'variable "z" is not a column'),
        (lambda d: d.mean([]), ParameterError, "at least one variable"),
        (lambda d: d.mean(["y", "y"]), ParameterError, "named twice: y"),
        (lambda d: d.mean("y", by="q"), ParameterError, 'by "q" is not a column'),
        (lambda d: d.mean("y", confidence=95), ParameterError, "between 0 and 1"),
        (lambda d: d.proportion("t", interval="wald"), ParameterError, "not one of logit, beta"),
        (lambda d: d.compare("y", groups="h", reference="z"), ParameterError, "'z' is no group"),
        (lambda d: d.independence("h", "h"), ParameterError, "compared with itself"),
        (lambda d: d.change("y", wave="t"), DataError, "has 4 values .*exactly two waves"),
        (lambda d: d.subset([True]), ParameterError, "must be 4 booleans"),
    ],
)
def test_requests_that_are_refused(call, error, says):
    with pytest.raises(error, match=says):
        call(SurveyDesign(BASE))


def test_infinite_answers_and_columns_that_clash():
    with pytest.raises(DataError, match='"y" is infinite in row 2'):
        SurveyDesign(BASE.assign(y=[1, 2, np.inf, 4])).mean("y")
    with pytest.raises(ParameterError, match="bear names of the result"):
        SurveyDesign(BASE.assign(estimate=list("aabb"))).mean("y", by="estimate")


def test_dates_are_no_numbers_and_ratios_may_have_no_base():
    data = BASE.assign(day=pd.date_range("2019-10-01", periods=4), none=0)
    with pytest.raises(ParameterError, match=r'"day" is datetime64.* not a number'):
        SurveyDesign(data).mean("day")
    with pytest.raises(DataError, match='the total of "none" is 0; a ratio to it has no meaning'):
        SurveyDesign(data).ratio("y", "none")
    data["half"] = [0, 1, 0, 1]
    by = SurveyDesign(data.assign(side=["left", "right"] * 2)).ratio("y", "half", by="side").set_index("side")
    assert by["estimate"].isna().tolist() == [True, False]


def test_weights_follow_from_population_sizes():
    # 2 of 4 and 2 of 5 units.
    assert SurveyDesign(BASE, strata="h", fpc="N").weights.tolist() == [2, 2, 2.5, 2.5]
    assert SurveyDesign(BASE).weights.tolist() == [1, 1, 1, 1]


def test_closed_form_of_a_stratified_mean():
    # Cochran (1977), 5.3: v(ybar_st) = sum W_h^2 (1 - f_h) s_h^2 / n_h
    found = SurveyDesign(BASE, strata="h", fpc="N").mean("y").iloc[0]
    v = (4 / 9) ** 2 * (1 - 2 / 4) * 0.5 / 2 + (5 / 9) ** 2 * (1 - 2 / 5) * 0.5 / 2
    assert found["estimate"] == pytest.approx((4 * 1.5 + 5 * 3.5) / 9)
    assert found["se"] == pytest.approx(np.sqrt(v), rel=1e-12)
    assert found["df"] == 2


def two_stage(seed: int = 3, communities: int = 6) -> pd.DataFrame:
    """Two strata of communities, one certain community, 4 to 7 residents each."""
    rng = np.random.default_rng(seed)
    rows = []
    for h, n_units, population in (("town", communities, 14), ("country", 3, 9), ("pilot", 1, 1)):
        for c in range(n_units):
            n = int(rng.integers(4, 8))
            level = rng.normal()
            rows += [
                {
                    "h": h,
                    "unit": f"{h}{c}",
                    "communities": population,
                    "adults": 40 + c,
                    "y": level + rng.normal(),
                }
                for _ in range(n)
            ]
    data = pd.DataFrame(rows)
    data["id"] = np.arange(len(data))
    data["sex"] = rng.choice(["f", "m"], len(data))
    return data


SPEC = {"strata": "h", "clusters": ["unit", "id"], "fpc": ["communities", "adults"]}


def by_hand(data: pd.DataFrame, e: pd.Series) -> float:
    """Two-stage variance of sum(e), written as loops."""
    total = 0.0
    for _, stratum in data.groupby("h"):
        n, population = stratum["unit"].nunique(), stratum["communities"].iloc[0]
        f = n / population
        if f < 1:
            total += (1 - f) * n * e[stratum.index].groupby(stratum["unit"]).sum().var(ddof=1)
        for _, unit in stratum.groupby("unit"):
            m, adults = len(unit), unit["adults"].iloc[0]
            total += f * (1 - m / adults) * m * e[unit.index].var(ddof=1)
    return total


def test_two_stages_against_loops():
    data = two_stage()
    design = SurveyDesign(data, **SPEC)
    w = pd.Series(design.weights)
    mean = (w * data["y"]).sum() / w.sum()
    assert design.mean("y")["se"].iloc[0] == pytest.approx(
        np.sqrt(by_hand(data, w * (data["y"] - mean) / w.sum())), rel=1e-12
    )
    assert design.total("y")["se"].iloc[0] == pytest.approx(np.sqrt(by_hand(data, w * data["y"])), rel=1e-12)
    women = data["sex"] == "f"
    size = w[women].sum()
    mean = (w * data["y"])[women].sum() / size
    e = (w * (data["y"] - mean) / size).where(women, 0)
    found = design.mean("y", by="sex").set_index("sex")
    assert found.loc["f", "se"] == pytest.approx(np.sqrt(by_hand(data, e)), rel=1e-12)
    covariance = design.covariance("y", by="sex")
    assert np.sqrt(covariance.to_numpy()[0, 0]) == pytest.approx(found.loc["f", "se"], rel=1e-10)


def test_a_certainty_is_no_lonely_unit_and_counts_its_residents():
    data = two_stage()
    design = SurveyDesign(data, **SPEC)
    # 6 - 1 and 3 - 1 communities; the pilot community's residents less one.
    assert design.df == 5 + 2 + (data["h"] == "pilot").sum() - 1
    # In a stratum sampled completely, too, each community is a stratum of residents.
    whole = data.assign(communities=data["h"].map({"town": 6, "country": 9, "pilot": 1}))
    town = (data["h"] == "town").sum()
    assert SurveyDesign(whole, **SPEC).df == (town - 6) + 2 + (data["h"] == "pilot").sum() - 1


def test_degrees_of_freedom_of_the_variance_itself():
    data = two_stage()
    design = SurveyDesign(data, **SPEC, degrees="satterthwaite")
    w = pd.Series(design.weights)
    e = w * (data["y"] - (w * data["y"]).sum() / w.sum()) / w.sum()
    total, fourth = 0.0, 0.0
    for _, stratum in data.groupby("h"):
        n, population = stratum["unit"].nunique(), stratum["communities"].iloc[0]
        parts = []
        if n < population:
            between = e[stratum.index].groupby(stratum["unit"]).sum().var(ddof=1)
            parts.append(((1 - n / population) * n * between, n - 1))
        for _, unit in stratum.groupby("unit"):
            m, adults = len(unit), unit["adults"].iloc[0]
            parts.append((n / population * (1 - m / adults) * m * e[unit.index].var(ddof=1), m - 1))
        total += sum(v for v, _ in parts)
        fourth += sum(v**2 / df for v, df in parts)
    found = design.mean("y").iloc[0]
    assert found["df"] == pytest.approx(total**2 / fourth, rel=1e-10)
    assert found["df"] < design.df
    assert found["se"] == SurveyDesign(data, **SPEC).mean("y")["se"].iloc[0]
    simple = SurveyDesign(BASE, degrees="satterthwaite").mean("y")
    assert simple["df"].iloc[0] == pytest.approx(3)
    with pytest.raises(ParameterError, match="degrees='z'"):
        SurveyDesign(BASE, degrees="z")


def test_a_lonely_stratum_is_refused_by_name():
    data = two_stage(communities=1)
    with pytest.raises(DataError, match=r'1 strata have one "unit" .*\(stage 1: town\).*lonely="adjust"'):
        SurveyDesign(data, **SPEC).mean("y")
    assert SurveyDesign(data, **SPEC, lonely="remove").mean("y")["se"].iloc[0] > 0
    # By community nothing between communities is needed.
    assert SurveyDesign(data, **SPEC).mean("y", by="unit")["se"].notna().all()


def test_the_community_trap_second_stage_counts():
    data = two_stage()
    found = SurveyDesign(data, **SPEC).mean("y", by="unit").set_index("unit")
    for unit, answers in data.groupby("unit"):
        n, adults = len(answers), answers["adults"].iloc[0]
        se = np.sqrt((1 - n / adults) * answers["y"].var(ddof=1) / n)  # simple random sampling inside
        assert found.loc[unit, "se"] == pytest.approx(se, rel=1e-12)
        assert found.loc[unit, "df"] == n - 1
    covariance = SurveyDesign(data, **SPEC).covariance("y", by="unit")
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), found["se"], rtol=1e-10)


def test_the_community_trap_is_refused_without_a_second_stage():
    data = two_stage()
    design = SurveyDesign(data, strata="h", clusters="unit", lonely="remove")
    with pytest.raises(DataError, match=r'10 domains lie inside one "unit" each \(country0, .*fay_herriot'):
        design.mean("y", by="unit")
    with pytest.raises(DataError, match="lie inside one"):
        design.covariance("y", by="unit")
    with pytest.raises(DataError, match="lie inside one"):
        design.compare("y", groups="unit")
    # A total is no trap: whether the community is drawn is random.
    assert (design.total("y", by="unit")["se"] > 0).sum() >= 9


def test_one_answer_has_no_error_and_no_answers_no_estimate():
    data = two_stage()
    data["q"] = data["y"].where(data["unit"] != "town0")
    data["alone"] = np.where(data["id"] == 0, "x", "y")
    design = SurveyDesign(data, **SPEC)
    nobody = design.mean("q", by="unit").set_index("unit").loc["town0"]
    assert nobody["n"] == 0 and np.isnan(nobody["estimate"]) and np.isnan(nobody["se"])
    one = design.mean("y", by="alone").set_index("alone").loc["x"]
    assert one["n"] == 1 and np.isnan(one["se"]) and one["df"] == 0


def test_missing_answers_are_a_domain():
    data = two_stage()
    data["q"] = data["y"].where(data["id"] % 3 > 0)
    data["has"] = data["q"].notna()
    design = SurveyDesign(data, **SPEC)
    left, right = design.mean("q").iloc[0], design.mean("y", by="has").set_index("has").loc[True]
    assert left["se"] == pytest.approx(right["se"], rel=1e-12)
    assert left["n"] == right["n"] == data["has"].sum()


def test_names_of_units_may_repeat_between_strata():
    data = two_stage()
    renamed = data.assign(unit=data["unit"].str.extract(r"(\d+)$")[0])
    pd.testing.assert_frame_equal(
        SurveyDesign(data, **SPEC).mean("y"), SurveyDesign(renamed, **SPEC).mean("y")
    )


def test_a_share_of_nobody_or_everybody_has_an_interval():
    # Clopper-Pearson for 0 of 2: 1 - (alpha / 2)^(1 / n)
    found = SurveyDesign(BASE.assign(q=[False, False, True, True])).proportion("q", by="h")
    yes = found[found["level"]]
    assert yes["estimate"].tolist() == [0, 1] and (yes["se"] == 0).all()
    assert yes["ci_high"].tolist() == pytest.approx([1 - 0.025 ** (1 / 2), 1])
    assert yes["ci_low"].tolist() == pytest.approx([0, 0.025 ** (1 / 2)])


def waves() -> pd.DataFrame:
    """The same communities asked twice, other residents each time; one community moves to another stratum."""
    before, after = two_stage(3), two_stage(3)
    after["y"] = before["y"] + 0.5 + np.random.default_rng(9).normal(0, 0.3, len(after))
    after["id"] += 1000
    return pd.concat([before.assign(wave="2019Q3"), after.assign(wave="2019Q4")], ignore_index=True)


def test_change_of_a_two_stage_sample_against_loops():
    data = waves()
    design = SurveyDesign(data.assign(w=1.0), weights="w", **SPEC)
    found = design.change("y", wave="wave").iloc[0]
    first = data[data["wave"] == "2019Q3"]
    total = {}
    for name, wave in data.groupby("wave"):
        e = (wave["y"] - wave["y"].mean()) / len(wave)
        total[name] = e.groupby(wave["unit"]).sum()
        total[name + "v"] = by_hand(wave, e)
    shared = 0.0
    for h, population in (("town", 14), ("country", 9)):
        units = first.loc[first["h"] == h, "unit"].unique()
        n = len(units)
        pair = np.cov(total["2019Q3"][units], total["2019Q4"][units])[0, 1]
        shared += (1 - n / population) * n * pair
    expected = total["2019Q3v"] + total["2019Q4v"] - 2 * shared
    assert found["se"] == pytest.approx(np.sqrt(expected), rel=1e-10)
    assert found["estimate"] == pytest.approx(found["after"] - found["before"], rel=1e-12)
    # Satterthwaite: strata of communities with their covariance, and each wave's residents apart.
    parts = []
    for h, population in (("town", 14), ("country", 9), ("pilot", 1)):
        units = first.loc[first["h"] == h, "unit"].unique()
        n = len(units)
        if n < population:
            step = total["2019Q4"][units] - total["2019Q3"][units]
            parts.append(((1 - n / population) * n * step.var(ddof=1), n - 1))
        for _, wave in data.groupby("wave"):
            e = (wave["y"] - wave["y"].mean()) / len(wave)
            for unit in units:
                rows = wave[wave["unit"] == unit]
                m, f2 = len(rows), 1 - len(rows) / rows["adults"].iloc[0]
                parts.append((n / population * f2 * m * e[rows.index].var(ddof=1), m - 1))
    own = SurveyDesign(data.assign(w=1.0), weights="w", degrees="satterthwaite", **SPEC)
    assert sum(v for v, _ in parts) == pytest.approx(expected, rel=1e-10)
    wanted = expected**2 / sum(v**2 / df for v, df in parts)
    assert own.change("y", wave="wave")["df"].iloc[0] == pytest.approx(wanted, rel=1e-9)
    by = design.change("y", wave="wave", by="h")
    assert by["h"].tolist() == ["country", "pilot", "town"]
    assert by["df"].tolist() == [2, 2 * ((first["h"] == "pilot").sum() - 1), 5]


def test_strata_and_population_sizes_may_differ_by_wave():
    data = waves()
    moved = (data["wave"] == "2019Q4") & (data["unit"] == "town5")
    data.loc[moved, "h"] = "country"
    data.loc[data["wave"] == "2019Q4", "communities"] = data["h"].map({"town": 13, "country": 10, "pilot": 1})
    design = SurveyDesign(data.assign(w=1.0), weights="w", **SPEC)
    found = design.change("y", wave="wave").iloc[0]
    assert 0 < found["se"] < 0.3 and found["df"] > 7
    with pytest.raises(DataError, match=r"several values within .*\.change\(wave=\.\.\.\)"):
        design.mean("y")


def test_change_inside_communities_and_the_trap():
    data = waves()
    found = SurveyDesign(data.assign(w=1.0), weights="w", **SPEC).change("y", wave="wave", by="unit")
    assert (found["se"] > 0).all() and (found["df"] == found["n_before"] + found["n_after"] - 2).all()
    one_stage = SurveyDesign(data.assign(w=1.0), weights="w", strata="h", clusters="unit", lonely="remove")
    with pytest.raises(DataError, match='lie inside one "unit"'):
        one_stage.change("y", wave="wave", by="unit")


answers = st.lists(st.integers(1, 5), min_size=6, max_size=30)


@settings(deadline=None, max_examples=25)
@given(answers, st.integers(0, 10_000), st.floats(0.1, 100))
def test_laws(values, seed, factor):
    """Order of rows and units of measure do not matter; a domain's mean is the whole's where it is all."""
    rng = np.random.default_rng(seed)
    n = len(values)
    data = pd.DataFrame({"y": values, "w": rng.uniform(1, 3, n), "c": np.arange(n) % 3, "g": "all"})
    design = SurveyDesign(data, weights="w", clusters="c")
    whole = design.mean("y").iloc[0]
    shuffled = (
        SurveyDesign(data.sample(frac=1, random_state=seed), weights="w", clusters="c").mean("y").iloc[0]
    )
    scaled = (
        SurveyDesign(data.assign(w=data["w"] * factor, y=data["y"] * 2), weights="w", clusters="c")
        .mean("y")
        .iloc[0]
    )
    np.testing.assert_allclose(
        [shuffled["estimate"], shuffled["se"], scaled["estimate"] / 2, scaled["se"] / 2],
        [whole["estimate"], whole["se"], whole["estimate"], whole["se"]],
        rtol=1e-9,
        atol=1e-14,
    )
    assert design.mean("y", by="g")["se"].iloc[0] == pytest.approx(whole["se"], rel=1e-12)
    assert whole["ci_low"] <= whole["estimate"] <= whole["ci_high"]


def weighed(design: SurveyDesign, how: str) -> SurveyDesign:
    """The design with weights calibrated in some way."""
    data = design.data.assign(w=design.weights)
    sex, band = data.groupby("sex")["w"].sum() * [1.1, 0.95], data.groupby("band")["w"].sum() * [1, 0.9, 1.2]
    both = {"sex": sex, "band": band * sex.sum() / band.sum()}
    return {
        "base": lambda: design,
        "raked": lambda: design.rake(both),
        "trimmed": lambda: design.rake(both).trim(1.2, 2.8),
        "calibrated": lambda: design.calibrate({"sex": sex, "x": float(data["x"] @ data["w"]) * 1.05}),
        "subset": lambda: design.rake(both).subset((data["id"] % 5 > 0).to_numpy()),
    }[how]()


@pytest.mark.parametrize("how", ["base", "raked", "trimmed", "calibrated", "subset"])
@pytest.mark.parametrize("by", [None, "h", "unit", ["sex", "band"]])
@pytest.mark.parametrize("clusters", [["unit", "id"], "unit", None])
def test_the_fast_way_gives_the_same_numbers(monkeypatch, how, by, clusters):
    data = two_stage()
    rng = np.random.default_rng(1)
    data["gaps"] = (data["y"] * 3).round().where(data["id"] % 4 > 0)
    data["constant"] = np.where(data["unit"] == "town1", 3.0, data["y"])
    data["item"] = rng.integers(1, 6, len(data))
    data["band"], data["x"] = rng.choice(list("abc"), len(data)), rng.integers(1, 4, len(data))
    fpc = {"fpc": ["communities", "adults"]} if isinstance(clusters, list) else {}
    if clusters == "unit" and by in ("h", "unit"):
        by = "sex"  # the others lie inside one unit
    lonely, degrees = ("average", "units") if by is None else ("adjust", "satterthwaite")
    design = SurveyDesign(
        data.assign(w=1.0 + data["id"] % 3),
        weights="w",
        strata="h",
        clusters=clusters,
        **fpc,
        lonely=lonely,
        degrees=degrees,
    )
    design = weighed(design, how)
    columns = ["y", "gaps", "constant", "item"]

    def ask() -> list[pd.DataFrame]:
        return [
            design.mean(columns, by=by),
            design.total(columns, by=by),
            satisfaction(design, "item", by=by),
            design.proportion(["band", "item"], by=by),
        ]

    slow = ask()
    monkeypatch.setattr("commlab.survey.kernel.MANY", 0)
    monkeypatch.setattr("commlab.survey.kernel._DENSE", 12)
    for a, b in zip(slow, ask(), strict=True):
        pd.testing.assert_frame_equal(a, b, rtol=1e-9, atol=1e-10, check_dtype=False)


def test_a_lonely_stratum_without_an_answer_decides_nothing():
    # As R: a domain without a case in the stratum, or an item that nobody there answered.
    data = two_stage(communities=1)
    data["q"] = data["y"].where(data["h"] != "town")
    design = SurveyDesign(data, **SPEC)
    rest = SurveyDesign(data, **SPEC, lonely="remove").mean("q")
    assert design.mean("q")["se"].iloc[0] == pytest.approx(rest["se"].iloc[0], rel=1e-12)
    with pytest.raises(DataError, match="stage 1: town"):
        design.mean(["q", "y"])


def test_texts_of_long_columns_are_looked_up(monkeypatch):
    monkeypatch.setattr("commlab.survey.structure._HEAD", 50)
    rng = np.random.default_rng(5)
    text = pd.Series(rng.choice(["b", "a", "ä"], 600), dtype="str")
    for values in (
        text,
        text.where(text.index != 599),
        text.where(text.index != 599, "new"),
        text.astype(object),
    ):
        codes, labels = factorize(values, sort=True)
        expected, levels = pd.factorize(values, sort=True)
        np.testing.assert_array_equal(codes, expected)
        assert list(labels) == list(levels)


@pytest.mark.parametrize(
    ("values", "few"),
    [
        ([1, 2, 5], True),
        ([1, np.nan, 3], True),
        ([-2, 0, 2], True),
        ([126, np.nan, 127], True),
        ([np.nan, np.nan], False),
        ([0.5, 1], False),
        ([1, 2, 98], False),
        ([44, 300], False),
        ([1] * 20 + [1.5], False),
    ],
)
def test_columns_of_few_whole_numbers_are_coded(values, few):
    coded = Coded.of(np.array(values, dtype=float))
    assert (coded is not None) == few
    if coded is not None:
        np.testing.assert_array_equal(coded.column(0), values)
