"""The engine against R's survey package (reference/survey_r.json), to 1e-10 where R does not iterate."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from commlab.errors import ParameterError
from commlab.survey import (
    SurveyDesign,
    driver_odds,
    drivers,
    kish_effect,
    rank_test,
    regression,
    replicates,
)

HERE = Path(__file__).parent / "reference"
R = json.loads((HERE / "survey_r.json").read_text(encoding="utf-8"))
MODELS = json.loads((HERE / "survey_models.json").read_text(encoding="utf-8"))
EXACT = {"rtol": 1e-10, "atol": 1e-15}
ITERATED = {"rtol": 1e-6}

SPEC = {
    "apistrat": {"strata": "stype", "weights": "pw", "fpc": "fpc"},
    "apistrat_nofpc": {"strata": "stype", "weights": "pw"},
    "apiclus1": {"clusters": "dnum", "weights": "pw", "fpc": "fpc"},
    "apiclus1_nofpc": {"clusters": "dnum", "weights": "pw"},
}


def data_of(name: str) -> pd.DataFrame:
    data = pd.read_csv(HERE / f"survey_{name.removesuffix('_nofpc')}.csv")
    return data.assign(awarded=data["awards"] == "Yes", no_ell=data["ell"] == 0)


def design_of(name: str) -> SurveyDesign:
    return SurveyDesign(data_of(name), **SPEC[name])


def same(found: pd.DataFrame, expected: dict, **tolerance: float) -> None:
    tolerance = tolerance or EXACT
    np.testing.assert_allclose(found["estimate"], np.ravel(expected["est"]), **tolerance)
    np.testing.assert_allclose(found["se"], np.ravel(expected["se"]), **tolerance)
    np.testing.assert_allclose(found["ci_low"], np.ravel(expected["ci95_t_lo"]), **tolerance)
    np.testing.assert_allclose(found["ci_high"], np.ravel(expected["ci95_t_hi"]), **tolerance)
    assert (found["df"] == expected["df"]).all()


@pytest.fixture(params=list(SPEC))
def case(request: pytest.FixtureRequest) -> tuple[SurveyDesign, dict]:
    return design_of(request.param), R["designs"][request.param]


def test_means_totals_and_covariance(case):
    design, r = case
    same(design.mean(["api00", "enroll"]), r["mean_api00_enroll"])
    same(design.total("enroll"), r["total_enroll_narm"])
    same(design.total("api00"), r["total_api00"])
    matrix = design.covariance(["api00", "enroll"])
    np.testing.assert_allclose(matrix, r["mean_api00_enroll"]["vcov"], **EXACT)
    np.testing.assert_allclose(design.mean("api00")["deff"], r["deff_api00"], **EXACT)
    assert design.df == r["df"]


def test_shares_of_levels(case):
    design, r = case
    found, expected = design.proportion("stype"), r["mean_factor_stype"]
    assert found["level"].tolist() == ["E", "H", "M"]
    np.testing.assert_allclose(found["estimate"], expected["est"], **EXACT)
    np.testing.assert_allclose(found["se"], expected["se"], rtol=1e-10, atol=1e-15)
    by = design.proportion("awards", by="stype")
    np.testing.assert_allclose(
        by["se"][by["level"] == "Yes"], r["by_stype_awards_prop"]["se.awardsYes"], **EXACT
    )


def test_domains(case):
    design, r = case
    by, expected = design.mean("api00", by="stype"), r["by_stype_api00"]
    np.testing.assert_allclose(by["estimate"], expected["api00"], **EXACT)
    np.testing.assert_allclose(by["se"], expected["se"], **EXACT)
    np.testing.assert_allclose(by["deff"], expected["DEff.api00"], **EXACT)
    by, expected = design.total("api00", by="stype"), r["by_stype_api00_total"]
    np.testing.assert_allclose(by["se"], expected["se"], **EXACT)
    by, expected = design.mean("api00", by=["sch.wide", "stype"]), r["by_stype_x_schwide"]
    assert by["stype"].tolist() == expected["stype"]
    np.testing.assert_allclose(by["se"], expected["se"], **EXACT)
    same(design.subset(design.data["emer"] > 20).mean("api00"), r["subset_emer_gt20"])


def test_ratio(case):
    design, r = case
    found = design.ratio("api.stu", "enroll")
    np.testing.assert_allclose(found["estimate"], r["ratio_apistu_enroll"]["est"], **EXACT)
    np.testing.assert_allclose(found["se"], r["ratio_apistu_enroll"]["se"], **EXACT)


@pytest.mark.parametrize(
    ("method", "tolerance"), [("logit", 1e-8), ("beta", 1e-10), ("wilson", 1e-10), ("likelihood", 4e-3)]
)
def test_intervals_of_shares(case, method, tolerance):
    # R finds "logit" and "likelihood" by iterating (the latter by interpolating a profile).
    design, r = case
    for variable, name in (("awarded", "awardsYes"), ("no_ell", "ell0")):
        found = design.proportion(variable, interval=method)
        yes = found[found["level"]].iloc[0]
        expected = r[f"ciprop_{name}_{method}"]
        np.testing.assert_allclose(
            yes[["ci_low", "ci_high"]].astype(float), [expected["lo"], expected["hi"]], rtol=tolerance
        )


def test_intervals_of_shares_by_domain(case):
    design, r = case
    found = design.proportion("awarded", by="stype", interval="beta")
    found = found[found["level"]]
    np.testing.assert_allclose(found["ci_low"], r["by_ciprop_beta"]["ci_l"], **EXACT)
    np.testing.assert_allclose(found["ci_high"], r["by_ciprop_beta"]["ci_u"], **EXACT)


def test_independence(case):
    design, r = case
    for a, name in (("sch.wide", "schwide"), ("awards", "awards")):
        found, expected = design.independence(a, "stype"), r[f"chisq_{name}_stype_F"]
        got = [found.statistic, found.df1, found.df2, found.p_value]
        np.testing.assert_allclose(
            got, [expected["statistic"], *expected["parameter"], expected["p"]], **EXACT
        )


@pytest.mark.parametrize("name", list(SPEC))
def test_other_tests_of_independence(name):
    for test, expected in MODELS["independence"][name].items():
        found = design_of(name).independence("sch.wide", "stype", statistic=test)
        np.testing.assert_allclose(
            [found.statistic, found.p_value], [expected["statistic"], expected["p"]], **EXACT
        )
        df = np.atleast_1d(expected["df"])
        assert [found.df1, found.df2] == [*df, np.inf][:2] and found.test == test
    assert design_of(name).independence("sch.wide", "stype", statistic="adjwald").test == "adjWald"


def test_difference_of_two_groups(case):
    design, r = case
    found, expected = (
        design.compare("api00", groups="awarded", reference=False).iloc[0],
        r["ttest_api00_awards"],
    )
    np.testing.assert_allclose(found["estimate"], expected["estimate"], **EXACT)
    np.testing.assert_allclose(found["estimate"] / found["se"], expected["t"], **EXACT)
    assert found["df"] == expected["df"] + 1  # svyttest counts the slope


@pytest.mark.parametrize("lonely", ["remove", "certainty", "adjust", "average"])
def test_lonely_strata(lonely):
    data = data_of("apistrat")
    first = data.index[data["stype"] == "H"][0]
    data = data[(data["stype"] != "H") | (data.index == first)]
    found = SurveyDesign(data, strata="stype", weights="pw", lonely=lonely).mean("api00").iloc[0]
    expected = R["lonely"]["expected"][lonely]
    np.testing.assert_allclose([found["estimate"], found["se"]], [expected["est"], expected["se"]], **EXACT)
    assert found["df"] == expected["df"]


WEIGHTED = {
    "postStratify_stype": lambda d, m: d.post_stratify({"stype": m["stype"]}),
    "postStratify_joint": lambda d, m: d.post_stratify(pd.DataFrame(R["weighting"]["joint"])),
    "rake2": lambda d, m: d.rake({k: m[k] for k in ("stype", "sch.wide")}),
    "rake3": lambda d, m: d.rake(m),
    "trim_rake3_20_50": lambda d, m: d.rake(m).trim(20, 50),
    "trim_rake3_25_45_strict": lambda d, m: d.rake(m).trim(25, 45, strict=True),
}


@pytest.mark.parametrize("name", list(WEIGHTED))
def test_weighting(name):
    margins = {k: pd.Series(v) for k, v in R["weighting"]["margins"].items()}
    design, r = WEIGHTED[name](design_of("apiclus1"), margins), R["weighting"][name]
    np.testing.assert_allclose(design.weights[:25], r["weights_first"], rtol=1e-10)
    np.testing.assert_allclose(design.weights.sum(), r["weights_sum"], rtol=1e-12)
    # R projects on the margins ten times, one after the other; ours is the limit.
    tolerance = ITERATED if "rake3" in name else EXACT
    same(design.mean("api00"), r["mean_api00"], **tolerance)
    same(design.total("enroll"), r["total_enroll"], **tolerance)
    np.testing.assert_allclose(design.mean("api00", by="stype")["se"], r["by_stype"]["se"], **tolerance)
    diagonal = np.diag(design.covariance("api00", by="stype"))
    np.testing.assert_allclose(np.sqrt(diagonal), r["by_stype"]["se"], **tolerance)


def test_kish_effect():
    margins = {k: pd.Series(v) for k, v in R["weighting"]["margins"].items()}
    raked = design_of("apiclus1").rake(margins)
    assert kish_effect(raked.weights) == pytest.approx(R["weighting"]["kish_rake3"]["deff_kish"], rel=1e-9)


def test_change_between_independent_waves():
    data = pd.read_csv(HERE / "survey_waves.csv")
    design = SurveyDesign(data, weights="w", strata="strat", clusters="psu")
    for variable in ("y", "sat"):
        found, expected = design.change(variable, wave="wave").iloc[0], R["waves"][f"ttest_{variable}"]
        np.testing.assert_allclose(found["estimate"], expected["est"], **EXACT)
        np.testing.assert_allclose(found["estimate"] / found["se"], expected["t"], **EXACT)
        assert found["df"] == R["waves"]["df"]


def test_change_with_the_same_clusters_keeps_their_covariance():
    data = data_of("apiclus1")
    waves = [data.assign(wave=w, y=data[v]) for w, v in (("w1", "api99"), ("w2", "api00"))]
    design = SurveyDesign(pd.concat(waves), weights="pw", clusters="dnum")
    found, expected = design.change("y", wave="wave").iloc[0], R["waves"]["panel"]
    np.testing.assert_allclose([found["before"], found["after"]], expected["means"]["y"], **EXACT)
    np.testing.assert_allclose([found["estimate"], found["se"]], [expected["diff"], expected["se"]], **EXACT)
    assert found["df"] == expected["df"]
    assert found["se"] < expected["se_independent"] / 10


@pytest.mark.parametrize("interval", ["mean", "xlogit"])
def test_quantiles(case, interval):
    design, r = case
    expected = r["quantile_api00_default" if interval == "mean" else "quantile_api00_xlogit"]
    p = expected.get("p", [0.25, 0.5, 0.75])
    found = design.quantile("api00", p, interval=interval)
    for ours, theirs in (("estimate", "q"), ("ci_low", "lo"), ("ci_high", "hi")):
        np.testing.assert_allclose(found[ours], expected[theirs], **EXACT)
    if "se" in expected:
        np.testing.assert_allclose(found["se"], expected["se"], **EXACT)
    for rule in ("hf7", "school"):
        found = design.quantile("api00", [0.25, 0.5, 0.75], rule=rule)
        np.testing.assert_allclose(found["estimate"], r[f"quantile_api00_{rule}"], **EXACT)


def test_regression(case):
    design, r = case
    fit, expected = regression(design, "api00 ~ ell + meals + mobility"), r["svyglm_gauss"]
    np.testing.assert_allclose(fit.table["estimate"], expected["coef"], **EXACT)
    np.testing.assert_allclose(fit.table["se"], expected["se"], **EXACT)
    np.testing.assert_allclose(fit.table["p_value"], expected["p"], **EXACT)
    np.testing.assert_allclose(fit.covariance, expected["vcov"], rtol=1e-9)
    assert fit.df == expected["df_resid"]
    pd.testing.assert_frame_equal(design.regress("api00 ~ ell + meals + mobility"), fit.table)


def test_logistic_regression(case):
    # R stops iterating at 1e-8 of the deviance and takes the variance one step before.
    design, r = case
    fit, expected = regression(design, "awarded ~ ell + meals + stype", family="logit"), r["svyglm_logit"]
    np.testing.assert_allclose(fit.table["estimate"], expected["coef"], rtol=1e-7)
    np.testing.assert_allclose(fit.table["se"], expected["se"], rtol=1e-5)
    test, expected = fit.wald(["stype[T.H]", "stype[T.M]"]), r["regTermTest_logit_stype"]
    np.testing.assert_allclose(
        [test["statistic"], test["p_value"]], [expected["F"], expected["p"]], rtol=1e-4
    )
    assert (test["df1"], test["df2"]) == (expected["df"], expected["ddf"])


@pytest.mark.parametrize("name", ["apistrat", "apiclus1"])
def test_ordered_logit(name):
    # R's second derivatives are differences, good for three to four digits.
    data, r = data_of(name), MODELS["ordinal"][name]
    data["level"] = np.digitize(data["api00"], [550.5, 650.5, 750.5]) + 1
    fit = regression(SurveyDesign(data, **SPEC[name]), "level ~ meals + mobility + stype", family="ordinal")
    np.testing.assert_allclose(fit.table["estimate"], r["coef"], rtol=1e-7)
    np.testing.assert_allclose(fit.table["se"], r["se"], rtol=1e-3)
    assert fit.df == r["df"] and fit.table["variable"].tolist()[-3:] == ["1|2", "2|3", "3|4"]


@pytest.mark.parametrize("method", ["shapley", "johnson"])
def test_shares_of_explained_variance(method):
    r = MODELS["shares"]
    found = drivers(design_of("apistrat"), "api00", r["items"], method=method, draws=0).set_index("item")
    expected = r["lmg" if method == "shapley" else "johnson"]
    np.testing.assert_allclose(found.loc[r["items"], "importance"], expected, **EXACT)
    assert (found["n"] == r["n"]).all()


def test_odds_of_items_are_those_of_the_ordered_logit():
    data = data_of("apistrat")
    data["level"] = np.digitize(data["api00"], [550.5, 650.5, 750.5]) + 1
    data = data[~data["meals"].isin([97, 98]) & ~data["mobility"].isin([97, 98])]
    design = SurveyDesign(data, strata="stype", weights="pw")
    found = driver_odds(design, "level", ["meals", "mobility"])
    fit = regression(design, "level ~ meals + mobility", family="ordinal").table.head(2)
    np.testing.assert_allclose(found["odds_ratio"], np.exp(fit["estimate"]), **EXACT)
    np.testing.assert_allclose(found[["ci_low", "ci_high"]], np.exp(fit[["ci_low", "ci_high"]]), **EXACT)
    assert found["p_holm"].ge(found["p_value"]).all() and found["item"].tolist() == ["meals", "mobility"]


def test_rank_test(case):
    design, r = case
    found, expected = rank_test(design, "api00", groups="awards"), r["ranktest_wilcoxon"]
    got = [found.estimate, found.t, found.df, found.p_value]
    np.testing.assert_allclose(got, [expected["est"], expected["t"], expected["df"], expected["p"]], **EXACT)


@pytest.mark.parametrize(
    ("name", "variable", "chisq", "p"),
    [  # R 4.2.2, survey 4.1.1: svyranktest(api00 ~ stype, dclus1), (enroll ~ stype, dclus1), (api99 ~ stype, dstrat)
        ("apiclus1", "api00", 2.22397482137553, 0.360546784857326),
        ("apiclus1", "enroll", 41.5453198376848, 0.000126694678566514),
        ("apistrat", "api99", 1.45870076138502, 0.48353288577488),
    ],
)
def test_rank_test_of_three_groups(name, variable, chisq, p):
    found = rank_test(design_of(name), variable, groups="stype")
    np.testing.assert_allclose([found.statistic * found.df1, found.p_value], [chisq, p], **EXACT)
    assert found.df1 == 2 and sorted(found.ranks.index) == ["E", "H", "M"]


@pytest.mark.parametrize(
    ("how", "mean", "se"),
    [  # R: svymean(~api00, d), d = calibrate(as.svrepdesign(dclus1), ...), or rake() of it; epsilon 1e-12
        (lambda d, m, g: d.calibrate({"stype": m["stype"]}), 642.310788211582, 26.934535367426),
        (lambda d, m, g: d.calibrate({"stype": m["stype"], "api99": g}), 665.30907116578, 3.94285448376767),
        (
            lambda d, m, g: d.calibrate({"stype": m["stype"], "api99": g}, method="raking"),
            665.39379600015,
            3.87928366225706,
        ),
        (lambda d, m, g: d.rake({c: m[c] for c in ("stype", "sch.wide")}), 641.23032092682, 26.8739804354671),
    ],
)
def test_replicates_are_calibrated_as_the_design(how, mean, se):
    margins = {k: pd.Series(v) for k, v in R["weighting"]["margins"].items()}
    design = how(design_of("apiclus1"), margins, 3914069.0)
    found = replicates(design, method="JK1").mean("api00").iloc[0]
    np.testing.assert_allclose([found["estimate"], found["se"]], [mean, se], rtol=1e-9)
    with pytest.raises(ParameterError, match="trimmed or restricted after calibration"):
        replicates(design.trim(upper=40), method="JK1")


@pytest.mark.parametrize(
    ("name", "options", "tolerance"),
    [
        ("calibrate_linear", {"method": "linear"}, 1e-10),
        ("calibrate_raking", {"method": "raking"}, 1e-10),
        ("calibrate_logit", {"method": "logit", "bounds": (0.3, 3)}, 1e-7),  # R stops at 1e-7
        ("greg_stype_api99", {"method": "linear"}, 1e-10),
    ],
)
def test_calibration(name, options, tolerance):
    margins = {k: pd.Series(v) for k, v in R["weighting"]["margins"].items()}
    if name.startswith("greg"):
        totals = {"stype": margins["stype"], "api99": R["weighting"]["greg_totals"]["api99"]}
    else:
        totals = {k: margins[k] for k in ("stype", "sch.wide")}
    design, r = design_of("apiclus1").calibrate(totals, **options), R["weighting"][name]
    np.testing.assert_allclose(design.weights[:25], r["weights_first"], rtol=tolerance)
    same(design.mean("api00"), r["mean_api00"], rtol=tolerance)
    same(design.total("enroll"), r["total_enroll"], rtol=tolerance)
    np.testing.assert_allclose(design.mean("api00", by="stype")["se"], r["by_stype"]["se"], rtol=tolerance)
