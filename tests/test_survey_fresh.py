"""Unequal weights, lonely strata, repeated names and both waves against R's survey package (reference/survey_fresh.*)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from commlab.errors import DataError, ParameterError
from commlab.survey import (
    RankTest,
    RankTests,
    SurveyDesign,
    benchmark,
    driver_odds,
    drivers,
    fay_herriot,
    holm,
    rank_test,
    regression,
    replicates,
)
from commlab.survey.quantile import RULES

HERE = Path(__file__).parent / "reference"
R = json.loads((HERE / "survey_fresh.json").read_text(encoding="utf-8"))
ONE = pd.read_csv(HERE / "survey_fresh.csv", dtype={"a": "str"})
TWO = pd.read_csv(HERE / "survey_fresh_waves.csv")
SPEC = {"cl": {}, "fpc": {"fpc": "N"}}
SHARES = [0.03, 0.1, 0.25, 0.4, 0.5, 0.77, 0.9]


def close(found: npt.ArrayLike, expected: npt.ArrayLike, rtol: float = 1e-10) -> None:
    got = np.ravel(np.asarray(found, dtype=float))
    np.testing.assert_allclose(got, np.ravel(np.asarray(expected, dtype=float)), rtol=rtol, atol=1e-13)


def same(found: pd.DataFrame, expected: dict, rtol: float = 1e-10) -> None:
    close(found["estimate"], expected["est"], rtol)
    close(found["se"], expected["se"], rtol)


@pytest.fixture(params=list(SPEC))
def case(request: pytest.FixtureRequest) -> tuple[SurveyDesign, dict]:
    return SurveyDesign(ONE, weights="w", strata="h", clusters="u", **SPEC[request.param]), R[request.param]


def test_estimates(case):
    design, r = case
    names = ["y", "x", "t"]
    found = design.mean(names)
    same(found, r["mean"])
    close(found["deff"], r["deff"])
    close(design.covariance(names), r["cov"])
    same(design.total(names), r["total"])
    same(design.ratio("y", "t"), r["ratio"])
    same(design.mean("y", by="c"), r["by"])
    same(design.total("y", by=["s", "c"]), r["by_total"])
    same(design.ratio("y", "t", by="c"), r["by_ratio"])
    same(design.compare("y", groups="c"), r["contrasts"])


@pytest.mark.parametrize("method", ["beta", "xlogit"])
def test_intervals(case, method):
    design, r = case
    for variable, expected in r["ci"][method].items():
        how = {"beta": "beta", "xlogit": "logit"}[method]
        found = design.proportion(variable, interval=how, confidence=0.8).set_index("level").loc[1]
        close(found[["ci_low", "ci_high"]], expected)


def test_every_rule_of_quantiles(case):
    design, r = case
    assert set(RULES) == set(r["quantile"])
    for rule in RULES:
        close(design.quantile("y", SHARES, rule=rule)["estimate"], r["quantile"][rule])
    for interval, expected in r["woodruff"].items():
        found = design.quantile("y", [0.25, 0.5, 0.77], rule="hf5", interval=interval)
        close(found[["estimate", "ci_low", "ci_high", "se"]], expected)


def test_tests(case):
    design, r = case
    for statistic, expected in r["independence"].items():
        found = design.independence("c", "a", statistic=statistic)
        df = [found.df1, found.df2] if np.isfinite(found.df2) else [found.df1]
        close([found.statistic, *df, found.p_value], expected)
    two, more = rank_test(design, "y", groups="s"), rank_test(design, "k", groups="a")
    assert isinstance(two, RankTest) and isinstance(more, RankTests)
    close([two.t, two.df, two.p_value], r["rank"])
    close([more.df1, more.statistic * more.df1, more.p_value], r["ranks"])
    pair = design.compare("y", groups="s").iloc[0]
    close([-pair["estimate"] / pair["se"], pair["df"] - 1], r["ttest"][:2])


def test_regressions(case):
    design, r = case
    fits = {"linear": ("y ~ x + s", "gaussian", 1e-10), "logit": ("b ~ x + c", "logit", 1e-8)}
    for name, (formula, family, rtol) in fits.items():  # R's logit stops one step before the end
        fit = regression(design, formula, family=family)
        table = fit.table.set_index("variable")
        order = ["Intercept", "x", *[v for v in table.index if v.startswith(("s[", "c["))]]
        same(table.loc[order], r[name], rtol)
        assert fit.df == r[name]["df"]


TYPES = {"n": 400, "s": 500, "w": 350}
SEXES = {"f": 700, "m": 550}
AGES = {"1": 300, "2": 300, "3": 320, "4": 330}
NUMBERS = {"c": TYPES, "s": SEXES, "x": 20.0}
WEIGHTED: dict[str, Callable[[SurveyDesign], SurveyDesign]] = {
    "post": lambda d: d.post_stratify({"c": TYPES}),
    "rake": lambda d: d.rake({"c": TYPES, "s": SEXES}),
    "linear": lambda d: d.calibrate(NUMBERS),
    "raking": lambda d: d.calibrate(NUMBERS, method="raking"),
    "logit": lambda d: d.calibrate(NUMBERS, method="logit", bounds=(0.2, 6)),
    "trimmed": lambda d: d.rake({"c": TYPES, "s": SEXES}).trim(1, 15),
    "strict": lambda d: d.rake({"c": TYPES, "s": SEXES}).trim(1, 15, strict=True),
    "again": lambda d: d.rake({"c": TYPES, "s": SEXES}).post_stratify({"a": AGES}),
}


@pytest.mark.parametrize("how", list(WEIGHTED))
def test_weighted_errors(case, how):
    design, r = WEIGHTED[how](case[0]), case[1]["weighted"][how]
    rtol = 1e-10 if how in ("post", "linear") else 1e-7  # the others iterate
    same(design.mean("y"), r["mean"], rtol)
    same(design.total(["y", "t"]), r["total"], rtol)
    same(design.mean("y", by="a"), r["by"], rtol)
    same(design.ratio("y", "t"), r["ratio"], rtol)
    close(np.sqrt(np.diag(design.covariance("y", by="a"))), r["by"]["se"], rtol)
    fit = regression(design, "y ~ x + s").table.set_index("variable").loc[["Intercept", "x", "s[T.m]"]]
    same(fit, r["linear"], rtol)
    test = design.independence("s", "b")
    close([test.statistic, test.df1, test.df2, test.p_value], r["independence"], 1e-6)


def test_jackknife(case):
    design, r = replicates(case[0], method="JKn"), case[1]["JKn"]
    same(design.mean(["y", "t"]), r["mean"])
    same(design.mean("y", by="c"), r["by"])
    same(design.statistic(lambda data, w: (w @ data["y"]) / (w @ data["t"])), r["ratio"])
    assert design.df == r["df"]


@pytest.mark.parametrize("how", ["linear", "post"])
def test_replicates_are_calibrated_as_the_design_is(case, how):
    design, r = replicates(WEIGHTED[how](case[0])), case[1]["JKn_weighted"][how]
    same(design.mean(["y", "t"]), r["mean"])
    same(design.total("y"), r["total"])


@pytest.mark.parametrize("wave", [1, 2])
@pytest.mark.parametrize("lonely", ["remove", "certainty", "adjust", "average"])
def test_lonely_strata_certainties_and_a_census(lonely, wave):
    data, r = TWO[TWO["wave"] == wave].reset_index(drop=True), R["lonely"][lonely][str(wave)]
    two = SurveyDesign(data, weights="w", strata="h", clusters=["u", "id"], fpc=["N", "M"], lonely=lonely)
    same(two.mean(["y", "x"]), r["mean"])
    close(two.covariance(["y", "x"]), r["cov"])
    same(two.total("y"), r["total"])
    same(two.ratio("y", "x"), r["ratio"])
    same(two.mean("q"), r["missing"])
    same(two.mean("y", by="g"), r["by"])
    one = SurveyDesign(data, weights="w", strata="h", clusters="u", fpc="N", lonely=lonely)
    same(one.mean("y"), r["one_stage"])
    same(one.total("y", by="g"), r["one_stage_total"])
    fit = regression(one, "y ~ x + s").table.set_index("variable").loc[["Intercept", "x", "s[T.m]"]]
    same(fit, r["linear"])
    test = one.independence("s", "b")
    close([test.statistic, test.df1, test.df2, test.p_value], r["independence"])


def test_a_lonely_stratum_is_named():
    data = TWO[TWO["wave"] == 1]
    design = SurveyDesign(data, weights="w", strata="h", clusters="u", fpc="N")
    with pytest.raises(DataError, match=r"1 strata have one \"u\" .*stage 1: e"):
        design.mean("y")


def test_change_of_units_asked_twice():
    both = TWO[(TWO["h"] == "a") | ((TWO["h"] == "b") & ~TWO["u"].isin([1, 99]))]
    design = SurveyDesign(both, weights="w", strata="h", clusters="u")
    found = design.change("y", wave="wave")
    same(found, R["change"])
    assert found["df"].tolist() == [R["change"]["df"]]
    same(design.change("y", wave="wave", by="g"), R["change_by"])


def of(**change: object) -> SurveyDesign:
    return SurveyDesign(ONE.assign(**change), weights="w", strata="h", clusters="u")


INSIDE = (ONE["u"] == ONE["u"].iloc[0]).to_numpy()


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: of(y=np.inf).regress("y ~ x"), DataError, "y of 'y ~ x' is infinite"),
        (lambda: of(x=ONE["x"].replace(ONE["x"][0], np.inf)).regress("y ~ x"), DataError, "x of .* infinite"),
        (lambda: of(y=np.nan).regress("y ~ x"), DataError, "no weighted row has all columns"),
        (lambda: of(y=np.nan).compare("y", groups="c"), DataError, '"y" has no answers in any group of "c"'),
        (lambda: of().subset(INSIDE).independence("s", "k"), DataError, "lie in one unit a stratum"),
        (lambda: rank_test(of().subset(INSIDE), "y", groups="s"), DataError, '"s" has 2 groups in 0 more units'),
        (lambda: replicates(of()).mean("y", by="u"), DataError, "domains .*y of 0-0, .*lie in one unit"),
        (lambda: replicates(of()).statistic(lambda d, w: np.nan), DataError, "no number in the whole sample"),
        (lambda: of().quantile("y", rule="hf10"), ParameterError, "'hf10' is not one of math, school"),
        (lambda: of().quantile("y", interval="wald"), ParameterError, "'wald' is not one of mean, xlogit, beta"),
        (lambda: holm([0.1, 2.0]), ParameterError, "p values lie between 0 and 1; 2.0"),
        (
            lambda: fay_herriot(pd.Series([1.0, np.inf, 2, 3], index=list("abcd")), np.ones(4), np.ones((4, 1))),
            DataError,
            "infinite in b",
        ),
        (
            lambda: fay_herriot(pd.Series([1.0, 2, 2, 3], index=list("aacd")), np.ones(4), np.ones((4, 1))),
            DataError,
            "areas are named twice: a",
        ),
        (lambda: benchmark(pd.Series([1.0]), pd.Series([2.0]), np.nan), ParameterError, "total=nan"),
        (lambda: benchmark(pd.Series([np.inf]), pd.Series([2.0]), 2), DataError, "wrong: 0"),
    ],
)  # fmt: skip
def test_what_is_refused(call, error, says):
    with pytest.raises(error, match=says):
        call()


def test_a_total_of_zero_is_met():
    centred = ONE["x"] - np.average(ONE["x"], weights=ONE["w"]) + 0.5
    design = of(x=centred).calibrate({"s": SEXES, "x": 0.0}, method="raking")
    assert abs(design.weights @ centred) < 1e-8
    assert design.weights.sum() == pytest.approx(1250)


NOBODY = np.where(ONE["c"] == "n", np.nan, ONE["y"])


def test_nobody_answered():
    design = of(m=np.nan, part=NOBODY, id=np.arange(len(ONE)))
    for call in (
        lambda: design.mean(["y", "m"]),
        lambda: design.total("m"),
        lambda: design.ratio("m", "y"),
        lambda: design.quantile("m"),
    ):
        with pytest.raises(DataError, match=r"m(/y)?: no answers at all"):
            call()
    for found in (design.mean("part", by="c"), design.total("part", by="c")):
        row = found.set_index("c").loc["n"]
        assert row["n"] == 0 and row[["estimate", "se", "ci_low", "ci_high"]].isna().all()
        assert found.set_index("c").drop("n")["estimate"].notna().all()


def test_an_answer_stands_once():
    data = ONE.assign(response_id=np.arange(len(ONE)), household=np.arange(len(ONE)) // 2)
    twice = pd.concat([data, data.iloc[[0, 3]]], ignore_index=True)
    with pytest.raises(DataError, match=r'2 rows repeat .* same "response_id" \(0, 3; first: row'):
        SurveyDesign(twice, weights="w", strata="h", clusters=["u", "response_id"])
    other = twice.assign(id=twice["response_id"]).drop(columns="response_id")
    with pytest.raises(DataError, match='same "id"'):
        SurveyDesign(other, weights="w", strata="h", clusters=["u", "id"])
    panel = pd.concat([data.assign(wave=1), data.assign(wave=2)], ignore_index=True)
    for rows, key in ((panel, "response_id"), (data, "household"), (data, "response_id")):
        SurveyDesign(rows, weights="w", strata="h", clusters=["u", key])


def test_answers_off_the_scale_drive_nothing():
    rng = np.random.default_rng(1)
    data = pd.DataFrame(rng.integers(1, 6, (200, 3)), columns=["overall", "a", "b"])
    design = SurveyDesign(data)
    assert len(drivers(design, "overall", ["a", "b"], draws=0, scale=(1, 5))) == 2
    stray = SurveyDesign(
        data.assign(a=data["a"].where(data.index > 2, 9), b=data["b"].where(data.index != 5, 99))
    )
    for ask in (drivers, driver_odds):
        with pytest.raises(DataError, match=r'"a" has 3 answers off its scale: 9.0; "b" has 1 .* 99.0'):
            ask(stray, "overall", ["a", "b"])
        with pytest.raises(DataError, match=r'"a" has \d+ answers off its scale: 5.0'):
            ask(design, "overall", ["a", "b"], scale=(1, 4))
