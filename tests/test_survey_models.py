"""Reliability against psych and lavaan; small areas against closed forms and a likelihood; refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from commlab.errors import DataError, ParameterError
from commlab.survey import (
    SurveyDesign,
    bartlett_sphericity,
    benchmark,
    cronbach_alpha,
    factor_analysis,
    fay_herriot,
    kmo,
    mcdonald_omega,
    parallel_analysis,
    rank_test,
    regression,
    split_half,
    unit_level,
)

HERE = Path(__file__).parent / "reference"
MODELS = json.loads((HERE / "survey_models.json").read_text(encoding="utf-8"))
PSYCH = json.loads((HERE / "survey_psych.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def items() -> pd.DataFrame:
    return pd.read_csv(HERE / "survey_bfi_a.csv").assign(A1=lambda d: 7 - d["A1"])


def test_alpha_against_psych(items):
    found, r = cronbach_alpha(items), PSYCH["alpha_complete"]
    assert (found.n, found.k) == (r["n"], 5)
    assert [found.alpha, found.standardised, float(found)] == pytest.approx(
        [r["raw"], r["std"], r["raw"]], rel=1e-10
    )
    assert found.items["alpha_if_deleted"].tolist() == pytest.approx(r["drop_raw_alpha"], rel=1e-10)
    assert found.items["item_rest"].tolist() == pytest.approx(r["r_drop"], rel=1e-10)
    r = PSYCH["feldt_ci_complete"]
    assert [found.ci_low, found.ci_high] == pytest.approx([r["lo"], r["hi"]], rel=1e-10)


def test_omega_against_lavaan(items):
    # lavaan stops iterating at about 1e-6 of the loadings.
    found, r = mcdonald_omega(items), PSYCH["omega_total_cfa_ml"]
    assert found.omega == pytest.approx(r["omega"], rel=1e-6)
    assert found.loadings["loading"].tolist() == pytest.approx(r["loadings"], rel=1e-5)
    assert found.loadings["residual"].tolist() == pytest.approx(r["resid"], rel=1e-5)
    assert (found.chi2, found.df) == (pytest.approx(r["fit"]["chisq"], rel=1e-9), 5)


def test_adequacy_against_psych(items):
    found = kmo(items)
    assert found.overall == pytest.approx(PSYCH["KMO"], rel=1e-10)
    assert found.items.tolist() == pytest.approx(PSYCH["MSAi"], rel=1e-10)
    test = bartlett_sphericity(items)
    assert (test.chi2, test.df) == (pytest.approx(PSYCH["bartlett"]["chisq"], rel=1e-10), 10)


def test_parallel_analysis_finds_one_dimension(items):
    found = parallel_analysis(items, draws=20)
    assert found["keep"].tolist() == [True, False, False, False, False]
    assert found["eigenvalue"].sum() == pytest.approx(5)
    pd.testing.assert_frame_equal(found, parallel_analysis(items, draws=20))


def test_parallel_items_in_closed_form():
    # Equal variances and correlation r: alpha = omega = k r / (1 + (k - 1) r), Spearman-Brown.
    rng = np.random.default_rng(5)
    x = rng.standard_normal((50, 4))
    x = np.linalg.solve(np.linalg.cholesky(np.cov(x, rowvar=False)), (x - x.mean(axis=0)).T).T
    r = np.full((4, 4), 0.4) + 0.6 * np.eye(4)
    frame = pd.DataFrame(x @ np.linalg.cholesky(r).T, columns=list("abcd"))
    expected = 4 * 0.4 / (1 + 3 * 0.4)
    assert cronbach_alpha(frame).alpha == pytest.approx(expected, rel=1e-12)
    assert mcdonald_omega(frame).omega == pytest.approx(expected, rel=1e-6)
    assert split_half(frame) == pytest.approx(expected, rel=1e-12)


def correlated(r: np.ndarray, n: int) -> pd.DataFrame:
    """Rows whose sample correlations are exactly r."""
    x = np.random.default_rng(1).standard_normal((n, len(r)))
    x -= x.mean(axis=0)
    white = np.linalg.solve(np.linalg.cholesky(np.cov(x, rowvar=False)), x.T).T
    return pd.DataFrame(white @ np.linalg.cholesky(r).T, columns=[f"q{i}" for i in range(len(r))])


@pytest.mark.parametrize("rotation", ["varimax", "promax", "oblimin"])
def test_factors_against_factanal(rotation):
    r = MODELS["factors"]
    found = factor_analysis(correlated(np.array(r["cov"]), r["n"]), 2, rotation=rotation)
    expected = np.array(r[rotation])
    order = np.argsort(-(expected**2).sum(axis=0))
    expected = expected[:, order] * np.sign(expected[:, order].sum(axis=0))
    np.testing.assert_allclose(found.loadings, expected, atol=1e-6)
    np.testing.assert_allclose(found.uniqueness, r["uniqueness"], atol=1e-6)
    assert (found.chi2, found.df) == (pytest.approx(r["chi2"], rel=1e-8), r["df"])
    assert found.p_value == pytest.approx(r["p"], rel=1e-6)
    phi = r.get(f"{rotation}_phi", [[1, 0], [0, 1]])
    assert found.correlation.iloc[0, 1] == pytest.approx(abs(phi[0][1]), abs=1e-6)
    rebuilt = found.loadings.to_numpy() @ found.correlation.to_numpy() @ found.loadings.to_numpy().T
    np.testing.assert_allclose(np.diag(rebuilt) + found.uniqueness, 1, atol=1e-6)
    assert found.explained.sum() == pytest.approx(np.trace(rebuilt) / 8)


@pytest.mark.parametrize(
    ("m", "options", "error", "says"),
    [
        (3, {}, DataError, 'leave "q1" no variance of its own'),
        (5, {}, ParameterError, "8 items cannot carry 5 factors"),
        (0, {}, ParameterError, "n_factors=0 must be"),
        (2, {"rotation": "equamax"}, ParameterError, "not one of varimax, promax"),
    ],
)
def test_factors_that_are_refused(m, options, error, says):
    r = MODELS["factors"]
    with pytest.raises(error, match=says):
        factor_analysis(correlated(np.array(r["cov"]), r["n"]), m, **options)


SMALL = pd.DataFrame({"a": [1.0, 2, 3, 4], "b": [2.0, 1, 4, 3]})


@pytest.mark.parametrize(
    ("items", "error", "says"),
    [
        (SMALL[["a"]], ParameterError, "1 items; at least 2"),
        ([1, 2], ParameterError, "must be a DataFrame, got list"),
        (SMALL.assign(c="x"), DataError, "items must be numbers; c are not"),
        (SMALL.assign(c=1.0), DataError, "everyone gave the same answer to c"),
        (SMALL.assign(c=np.nan), DataError, "0 rows have all 3 items"),
        (SMALL.assign(c=[1, np.inf, 2, 3]), DataError, "infinite"),
    ],
)
def test_items_that_are_refused(items, error, says):
    with pytest.raises(error, match=says):
        cronbach_alpha(items)


def test_items_that_repeat_each_other_are_refused():
    data = pd.DataFrame(np.random.default_rng(1).standard_normal((20, 2)), columns=["a", "b"])
    with pytest.raises(DataError, match="exact combinations"):
        kmo(data.assign(c=data["a"] + data["b"]))
    with pytest.raises(ParameterError, match="at least 3"):
        mcdonald_omega(data)


def areas(seed: int = 4, m: int = 20) -> tuple[pd.Series, np.ndarray, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    x = pd.DataFrame({"one": 1.0, "z": rng.uniform(0, 1, m)})
    d = rng.uniform(0.2, 1.5, m)
    y = 2 + 3 * x["z"] + rng.normal(0, 1, m) + rng.normal(0, np.sqrt(d))
    return pd.Series(y.to_numpy(), index=[f"c{i}" for i in range(m)]), d, x


def test_equal_variances_in_closed_form():
    y, _, x = areas()
    d = np.full(len(y), 0.5)
    beta, (rss,), *_ = np.linalg.lstsq(x.to_numpy(), y.to_numpy(), rcond=None)
    m, p = x.shape
    a = rss / (m - p) - 0.5  # REML and the moment equation have this root, ML divides by m
    for method, expected in (("reml", a), ("fh", a), ("moment", a), ("ml", rss / m - 0.5)):
        found = fay_herriot(y, d, x, method=method)
        assert found.sigma2 == pytest.approx(expected, rel=1e-8)
        assert found.beta.tolist() == pytest.approx(beta.tolist(), rel=1e-10)
        g = expected / (expected + 0.5)
        assert found.estimates["eblup"].to_numpy() == pytest.approx(
            g * y.to_numpy() + (1 - g) * (x @ beta).to_numpy()
        )


@pytest.mark.parametrize("method", ["reml", "ml"])
def test_the_likelihood_has_its_top_there(method):
    y, d, x = areas()

    def minus(a: float) -> float:
        v = a + d
        q = x.to_numpy().T @ (x.to_numpy() / v[:, None])
        r = y.to_numpy() - x.to_numpy() @ np.linalg.solve(q, x.to_numpy().T @ (y.to_numpy() / v))
        extra = np.linalg.slogdet(q)[1] if method == "reml" else 0.0
        return float(np.log(v).sum() + (r**2 / v).sum() + extra)

    top = optimize.minimize_scalar(minus, bounds=(1e-6, 20), method="bounded", options={"xatol": 1e-10})
    assert fay_herriot(y, d, x, method=method).sigma2 == pytest.approx(top.x, rel=1e-5)


def test_areas_without_an_estimate_are_modelled_and_benchmarked():
    y, d, x = areas()
    y.iloc[3] = np.nan
    found = fay_herriot(y, np.where(y.isna(), np.nan, d), x)
    row = found.estimates.loc["c3"]
    assert row["source"] == "model" and row["shrinkage"] == 0
    assert row["eblup"] == pytest.approx(float(x.iloc[3] @ found.beta))
    assert row["mse"] > found.estimates["mse"].drop("c3").max()
    sizes = pd.Series(np.arange(1.0, 21), index=y.index)
    fitted = benchmark(found.estimates["eblup"], sizes, 4.0)
    assert np.average(fitted, weights=sizes) == pytest.approx(4.0)


def test_no_variance_between_areas_is_zero():
    x = pd.DataFrame({"one": np.ones(6)})
    found = fay_herriot([1.0, 1.01, 0.99, 1.0, 1.02, 0.98], np.full(6, 1.0), x)
    assert found.sigma2 == 0 and found.estimates["eblup"].nunique() == 1


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"method": "bayes"}, ParameterError, "not one of reml, ml, moment, fh"),
        ({"variance": [0.0] * 20}, DataError, r"20 areas have no positive sampling variance \(c0"),
        ({"variance": [1.0] * 3}, DataError, "20 direct estimates, 3 variances"),
        ({"covariates": pd.DataFrame({"a": 1.0, "b": 1.0}, index=range(20))}, DataError, "collinear: a, b"),
        (
            {"covariates": pd.DataFrame({"a": [np.nan] + [1.0] * 19})},
            DataError,
            r"1 areas lack a covariate \(c0\)",
        ),
        ({"covariates": np.eye(20)}, DataError, "cannot carry 20 covariates"),
    ],
)
def test_models_that_are_refused(change, error, says):
    y, d, x = areas()
    with pytest.raises(error, match=says):
        fay_herriot(y, **({"variance": d, "covariates": x} | change))


UNIT = pd.read_csv(HERE / "survey_unit.csv")
MEANS = UNIT.groupby("area")[["z_mean"]].first().rename(columns={"z_mean": "z"})


def test_unit_level_model_against_lme4():
    found, r = unit_level(UNIT, "y", ["z"], area="area", means=MEANS), MODELS["unit"]
    assert (found.sigma2, found.within) == (pytest.approx(r["A"], rel=1e-6), pytest.approx(r["S"], rel=1e-6))
    np.testing.assert_allclose(found.beta, r["beta"], rtol=1e-7)
    np.testing.assert_allclose(found.beta_se, r["beta_se"], rtol=1e-6)
    np.testing.assert_allclose(found.estimates["eblup"], r["eblup"], rtol=1e-7)
    np.testing.assert_allclose(found.estimates["mse"], r["mse"], rtol=1e-6)


def test_unit_level_model_reaches_areas_without_answers():
    means = pd.concat([MEANS, pd.DataFrame({"z": [50.0]}, index=[99])])
    found = unit_level(UNIT, "y", ["z"], area="area", means=means)
    row = found.estimates.loc[99]
    assert row["source"] == "model" and row["n"] == 0 and np.isnan(row["direct"])
    assert row["eblup"] == pytest.approx(found.beta @ [1, 50])
    assert row["mse"] > found.estimates["mse"].drop(99).max()
    # An area that was asked whole is known.
    sizes = pd.Series(np.where(means.index == 1, (UNIT["area"] == 1).sum(), 500), index=means.index)
    whole = unit_level(UNIT, "y", ["z"], area="area", means=means, sizes=sizes).estimates
    assert whole.loc[1, "eblup"] == pytest.approx(whole.loc[1, "direct"]) and whole.loc[1, "mse"] == 0
    np.testing.assert_allclose(whole["eblup"].drop(1), found.estimates["eblup"].drop(1), rtol=0.05)


def test_units_of_measure_do_not_matter_to_the_unit_level_model():
    a = unit_level(UNIT, "y", ["z"], area="area", means=MEANS)
    scaled = UNIT.assign(y=UNIT["y"] * 1000, z=UNIT["z"] / 1000)
    b = unit_level(scaled, "y", ["z"], area="area", means=MEANS / 1000)
    np.testing.assert_allclose(a.estimates["shrinkage"], b.estimates["shrinkage"], rtol=1e-6)
    np.testing.assert_allclose(a.estimates["eblup"] * 1000, b.estimates["eblup"], rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"means": MEANS.drop(3)}, DataError, "means lack areas with answers: 3"),
        ({"means": MEANS.rename(columns={"z": "x"})}, DataError, "means lack the covariates z"),
        ({"means": MEANS.assign(z=np.nan)}, DataError, r"10 areas lack a covariate's mean \(1, 2"),
        ({"covariates": ["z", "y"]}, ParameterError, '"y" or "area" stands among the covariates'),
        ({"area": "street"}, ParameterError, "street"),
        ({"data": UNIT.assign(z=1.0)}, DataError, "collinear: z"),
        ({"data": UNIT.assign(y=7.0)}, DataError, "no variance to model"),
        ({"data": UNIT.iloc[:2]}, DataError, "2 answers in 1 areas cannot carry"),
        ({"data": UNIT.assign(y=np.nan)}, DataError, "no row has"),
        ({"sizes": pd.Series(2, index=MEANS.index)}, DataError, "sizes must be at least the answers"),
    ],
)
def test_unit_level_models_that_are_refused(change, error, says):
    given = {"data": UNIT, "covariates": ["z"], "area": "area", "means": MEANS} | change
    with pytest.raises(error, match=says):
        unit_level(given.pop("data"), "y", given.pop("covariates"), **given)


def test_benchmarks_by_district():
    index = ["a", "b", "c", "d"]
    values, sizes = pd.Series([60.0, 70, 80, 90], index=index), pd.Series([1.0, 3, 1, 1], index=index)
    groups = pd.Series(["east", "east", "west", "west"], index=index)
    totals = pd.Series({"east": 70.0, "west": np.nan})
    moved = benchmark(values, sizes, totals, groups=groups)
    assert moved.tolist() == [62.5, 72.5, 80, 90]  # 67.5 -> 70; no total for west
    ratio = benchmark(values, sizes, totals, groups=groups, method="ratio")
    assert ratio.tolist() == pytest.approx([60 * 70 / 67.5, 70 * 70 / 67.5, 80, 90])
    with pytest.raises(DataError, match="no total is given for west"):
        benchmark(values, sizes, totals.drop("west"), groups=groups)
    with pytest.raises(DataError, match="size > 0; wrong: a"):
        benchmark(values, sizes - 1, 70.0)
    with pytest.raises(ParameterError, match="'raking' is not"):
        benchmark(values, sizes, 70.0, method="raking")
    with pytest.raises(DataError, match="means > 0"):
        benchmark(values - 200, sizes, 70.0, method="ratio")


DATA = pd.DataFrame({"y": [0, 1, 1, 0, 1, 0], "x": [1.0, 2, 3, 4, 5, 7], "g": list("aabbcc")})


@pytest.mark.parametrize(
    ("formula", "family", "error", "says"),
    [
        ("y ~ x + I(2 * x)", "gaussian", DataError, "collinear"),
        ("y ~ q", "gaussian", ParameterError, "cannot be used"),
        ("y ~ (", "gaussian", ParameterError, "cannot be used"),
        ("x ~ y", "logit", DataError, "must be 0/1"),
        ("y ~ x", "probit", ParameterError, "not one of gaussian, linear"),
        ("I(x * 0) ~ y", "ordinal", DataError, "one answer only"),
        ("x ~ I(x * x)", "ordinal", DataError, "without error"),
        ("I(x > 3.5) ~ x", "logit", DataError, "without error"),
        ("y ~ x + g + x:g", "gaussian", DataError, "no degree of freedom|collinear"),
    ],
)
def test_regressions_that_are_refused(formula, family, error, says):
    with pytest.raises(error, match=says):
        regression(SurveyDesign(DATA.assign(y=DATA["y"])), formula, family=family)


def test_rank_test_needs_groups_and_units():
    with pytest.raises(DataError, match="1 groups with answers; a rank test needs two or more"):
        rank_test(SurveyDesign(DATA.assign(g="a")), "x", groups="g")
    units = DATA.assign(u=np.arange(len(DATA)) % 2)
    with pytest.raises(DataError, match="too few units to compare so many: join groups"):
        rank_test(SurveyDesign(units, clusters="u"), "x", groups="g")


@settings(deadline=None, max_examples=20)
@given(st.floats(0.1, 10), st.integers(0, 1000))
def test_laws(factor, seed):
    """Units of measure do not change alpha, KMO or the shrinkage of a small area."""
    x = pd.DataFrame(np.random.default_rng(seed).standard_normal((30, 3)), columns=list("abc"))
    x["c"] += x["a"] + x["b"]
    assert cronbach_alpha(x * factor).alpha == pytest.approx(cronbach_alpha(x).alpha)
    assert kmo(x * factor).overall == pytest.approx(kmo(x).overall)
    y, d, covariates = areas(seed)
    first, second = fay_herriot(y, d, covariates), fay_herriot(y * factor, d * factor**2, covariates)
    np.testing.assert_allclose(
        first.estimates["shrinkage"], second.estimates["shrinkage"], rtol=1e-6, atol=1e-9
    )


@pytest.mark.parametrize(
    ("totals", "options", "error", "says"),
    [
        ({"x": 1e9}, {"method": "raking"}, DataError, "no raking weights meet all totals: x"),
        ({"x": 1e9}, {"method": "logit", "bounds": (0.5, 2)}, DataError, "bounds are too narrow"),
        ({"x": -50.0}, {}, DataError, "turned negative"),
        ({"x": "many"}, {}, ParameterError, "'many'; give a number"),
        ({"g": {"a": 1, "b": 1}}, {}, DataError, "lacks cells that the sample has: c"),
        ({}, {}, ParameterError, "not empty"),
        ({"x": 20}, {"method": "logit"}, ParameterError, "needs them"),
        ({"x": 20}, {"method": "logit", "bounds": (2, 3)}, ParameterError, "around 1"),
        ({"x": 20}, {"method": "entropy"}, ParameterError, "not one of linear"),
    ],
)
def test_calibrations_that_are_refused(totals, options, error, says):
    with pytest.raises(error, match=says):
        SurveyDesign(DATA).calibrate(totals, **options)
