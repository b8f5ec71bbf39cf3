"""Extreme weights, huge counts, constant columns, one unit, zero variance: a right answer or a clear refusal.

Every function of ``FUNCTIONS`` meets every frame of ``FRAMES``: it answers in finite numbers or raises a CommlabError. A
warning of numpy is an error here as everywhere. Missing is not zero, so that some answers are missing on purpose: see
``MAY_BE_MISSING``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

from commlab import scoring as cs
from commlab import survey as cv
from commlab import weights as cw
from commlab.errors import CommlabError, DataError
from commlab.survey import SurveyDesign

N = 12
RNG = np.random.default_rng(2019)
PLAIN = pd.DataFrame(
    {
        "y": RNG.integers(1, 6, N).astype(float),
        "z": RNG.integers(1, 6, N).astype(float),
        "x": RNG.normal(size=N),
        "g": list("ab") * 6,
        "s": ["north"] * 6 + ["south"] * 6,
        "c": np.repeat(range(6), 2),
        "wave": ["2019Q3"] * 6 + ["2019Q4"] * 6,
        "w": 2.0,
    }
).assign(b=lambda d: (d["y"] > 3) * 1.0)
NUMBERS = ["y", "z", "x"]


def scaled(by: float, weight: float = 2.0) -> pd.DataFrame:
    return PLAIN.assign(w=weight, **{c: PLAIN[c] * by for c in NUMBERS})


FRAMES = {
    "plain": PLAIN,
    "weights over 300 powers of ten": PLAIN.assign(w=np.logspace(-150, 150, N)),
    "weights over 58 powers of ten": PLAIN.assign(w=np.logspace(-29, 29, N)),
    "one weight of 1e18": PLAIN.assign(w=[1e18] + [1.0] * (N - 1)),
    "one weight above 0": PLAIN.assign(w=[1.0] + [0.0] * (N - 1)),
    "weights of 1e308": PLAIN.assign(w=1e308),
    "weights of 1e-310": PLAIN.assign(w=1e-310),
    "counts of 1e15": scaled(1e15),
    "numbers at the upper end": scaled(1e28, 1e29),
    "numbers at the lower end": scaled(1e-29, 1e-29),
    "numbers beyond": scaled(1e160),
    "numbers below": scaled(1e-200),
    "far from 0": PLAIN.assign(**{c: PLAIN[c] + 1e15 for c in NUMBERS}),
    "constant": PLAIN.assign(y=3.0, z=3.0, x=3.0, b=1.0),
    "zero": PLAIN.assign(y=0.0, z=0.0, x=0.0, b=0.0),
    "one row": PLAIN.iloc[:1],
    "two rows": PLAIN.iloc[:2],
    "one cluster": PLAIN.assign(c=1),
    "a stratum a row": PLAIN.assign(s=[f"s{i}" for i in range(N)]),
    "nobody answered": PLAIN.assign(y=np.nan, z=np.nan, x=np.nan, b=np.nan),
    "one answered": PLAIN.assign(**{c: PLAIN[c].where(PLAIN.index == 0) for c in [*NUMBERS, "b"]}),
}
DESIGNS: dict[str, dict[str, str]] = {"rows": {}, "strata": {"strata": "s"}, "clusters": {"clusters": "c"}}
SHAPES = {"plain", "one row", "two rows", "one cluster", "a stratum a row", "one answered"}
"""Frames that a design of rows or of clusters meets otherwise than one of strata."""
ESTIMATES: dict[str, Callable[[SurveyDesign], Any]] = {
    "mean": lambda d: d.mean(["y", "x"]),
    "mean by": lambda d: d.mean("y", by="g"),
    "total": lambda d: d.total(["y", "x"]),
    "proportion": lambda d: d.proportion("b"),
    "proportion, beta": lambda d: d.proportion("b", interval="beta"),
    "proportion, wilson": lambda d: d.proportion("b", interval="wilson"),
    "proportion, likelihood": lambda d: d.proportion("b", interval="likelihood"),
    "quantile": lambda d: d.quantile("y", [0.25, 0.5]),
    "ratio": lambda d: d.ratio("y", "z"),
    "compare": lambda d: d.compare("y", groups="g"),
    "change": lambda d: d.change("y", wave="wave"),
    "independence": lambda d: d.independence("g", "b"),
    "independence, Wald": lambda d: d.independence("g", "b", statistic="Wald"),
    "regress": lambda d: d.regress("y ~ x + g"),
    "regress, logit": lambda d: d.regress("b ~ x", family="logit"),
    "regress, ordinal": lambda d: d.regress("y ~ x", family="ordinal"),
    "rank test": lambda d: cv.rank_test(d, "y", groups="g"),
    "weight summary": cv.weight_summary,
    "trim": lambda d: d.trim(0.3, 3).mean("y"),
    "rake": lambda d: d.rake({"g": {"a": 60, "b": 40}}).mean("y"),
    "post-stratify": lambda d: d.post_stratify({"g": {"a": 60, "b": 40}}).mean("y"),
    "calibrate": lambda d: d.calibrate({"g": {"a": 60, "b": 40}}).mean("y"),
    "satisfaction": lambda d: cv.satisfaction(d, ["y", "z"]),
    "answer shares": lambda d: cv.answer_shares(d, ["y"]),
    "drivers": lambda d: cv.drivers(d, "x", ["y", "z"], draws=10),
    "overall": lambda d: cv.overall_index(d, ["y", "z"]),
    "replicates": lambda d: cv.replicates(d).mean("y").assign(n=int(d.data["y"].notna().sum())),
}
MAY_BE_MISSING = {
    "deff",  # against a simple sample of the same size, which has no error where weights say that all were asked
    "n_effective",
    "p_value",  # of a saturated model of factors
    "alpha_if_deleted",  # of two items
    "within",  # of a model without units
    "cv",  # of an estimate of 0
}


def faults(out: Any, name: str = "") -> list[str]:
    """Where a result is infinite, or missing without saying so."""
    if isinstance(out, pd.DataFrame):
        unknown = pd.Series(False, index=out.index)
        if "n" in out:  # nobody answered, or one unit: no estimate, or no error of it
            unknown |= out["n"] < 2
        if "df" in out:
            unknown |= out["df"] < 1
        return [
            f for c in out if out[c].dtype.kind == "f" for f in faults(out[c].where(~unknown, 0.0), str(c))
        ]
    if isinstance(out, (float, np.floating, np.ndarray, pd.Series)):
        numbers = np.asarray(out, dtype=float)
        if np.isinf(numbers).any():
            return [f"{name} is infinite"]
        return [f"{name} is missing"] if np.isnan(numbers).any() and name not in MAY_BE_MISSING else []
    if is_dataclass(out):
        return [f for x in fields(out) for f in faults(getattr(out, x.name), x.name)]
    return []


def wrong(call: Callable[[], Any]) -> list[str]:
    """What is wrong with the answer; nothing where it is a refusal."""
    try:
        return faults(call())
    except CommlabError as refusal:
        return [] if len(str(refusal)) > 20 else [f"says only {refusal}"]


@pytest.mark.parametrize("name", list(FRAMES))
def test_surveys_answer_or_refuse(name):
    found = {}
    for how, options in DESIGNS.items():
        if how != "strata" and name not in SHAPES:
            continue
        try:
            design = SurveyDesign(FRAMES[name], weights="w", **options)
        except DataError:
            continue
        for what, call in ESTIMATES.items():
            if said := wrong(lambda call=call, design=design: call(design)):
                found[how, what] = said
    assert not found


def test_a_constant_has_itself_as_mean_and_no_error():
    design = SurveyDesign(FRAMES["constant"], weights="w", strata="s")
    for frame in (design.mean("y"), design.quantile("y"), design.mean("y", by="g")):
        assert frame["estimate"].tolist() == [3.0] * len(frame)
        assert frame["se"].tolist() == [0.0] * len(frame)
    assert design.compare("y", groups="g")["estimate"].tolist() == [0.0]


def test_the_heaviest_answer_decides_and_scales_cancel():
    heavy = SurveyDesign(FRAMES["one weight of 1e18"], weights="w").mean("y")["estimate"].iloc[0]
    assert heavy == PLAIN["y"].iloc[0]
    one = SurveyDesign(PLAIN, weights="w").mean("y").iloc[0]
    for by, weight in ((1e15, 2.0), (1e28, 1e29), (1e-29, 1e-29)):
        other = SurveyDesign(scaled(by, weight), weights="w").mean("y").iloc[0]
        np.testing.assert_allclose(
            [other["estimate"] / by, other["se"] / by], [one["estimate"], one["se"]], rtol=1e-12
        )


@pytest.mark.parametrize(
    ("frame", "call", "message"),
    [
        (scaled(1e31), lambda d: d.mean("y"), r'"y" reaches 5e\+31; numbers up to 1e\+30 .*in another unit'),
        (scaled(1e-40), lambda d: d.mean("y"), r'"y" is at most 5e-40; numbers from 1e-30'),
        (scaled(1e31), lambda d: d.regress("y ~ z"), r'"z" of .* reaches'),
        (FRAMES["weights over 58 powers of ten"], lambda d: d.regress("y ~ x", family="ordinal"), "weigh nothing"),
        (FRAMES["one weight of 1e18"], lambda d: d.regress("b ~ x", family="logit"), "without error"),
    ],
)  # fmt: skip
def test_what_cannot_be_calculated_is_refused(frame, call, message):
    with pytest.raises(DataError, match=message):
        call(SurveyDesign(frame, weights="w"))


def test_weights_beyond_reach_are_refused():
    with pytest.raises(DataError, match=r'weight "w" reaches 1e\+308'):
        SurveyDesign(FRAMES["weights of 1e308"], weights="w")
    with pytest.raises(DataError, match="a weight is at most"):
        cv.kish_effect([1e-200, 1e-201])


SCORES = pd.DataFrame(RNG.uniform(1, 100, (6, 3)), index=[f"u{i}" for i in range(6)], columns=list("abc"))
TABLES = {
    "plain": SCORES,
    "one constant": SCORES.assign(b=5.0),
    "constant": SCORES * 0 + 5.0,
    "zero": SCORES * 0,
    "one unit": SCORES.iloc[:1],
    "two units": SCORES.iloc[:2],
    "one indicator": SCORES[["a"]],
    "counts of 1e15": SCORES * 1e13,
    "far from 0": SCORES + 1e15,
    "beyond": SCORES * 1e160,
    "the end": SCORES * 1e300,
    "below": SCORES * 1e-200,
    "not normal": SCORES * 1e-310,
    "300 powers of ten": SCORES.assign(a=np.logspace(-150, 150, 6)),
    "58 powers of ten": SCORES.assign(a=np.logspace(-29, 29, 6)),
    "negative": -SCORES,
}
ONE = pd.DataFrame({"one": 1.0}, index=SCORES.index)
METHODS: dict[str, Callable[[pd.DataFrame], Any]] = {
    **{f.__name__: f for f in (cw.equal, cw.standard_deviation, cw.coefficient_of_variation, cw.entropy, cw.critic,
                               cw.merec, cw.pca, cw.kendall_w, cw.combine, cw.direct_rating, cw.budget_allocation,
                               cs.treat, cs.topsis, cs.rank_sum_ratio, cs.coupling, cs.icc, cs.krippendorff_alpha,
                               cs.fleiss_kappa, cv.cronbach_alpha, cv.kmo, cv.bartlett_sphericity, cv.split_half)},
    **{f"normalise {how}": (lambda d, how=how: cs.normalise(d, how=how))
       for how in ("minmax", "zscore", "rank", "borda", "percentile", "distance_to_max", "fraction_of_max", "vector",
                   "sum")},
    "normalise a cost": lambda d: cs.normalise(d, how="sum", directions=dict.fromkeys(d.columns, -1)),
    "normalise goalposts": lambda d: cs.normalise(d, how="goalposts", low=20.0, high=50.0),
    "normalise moderate": lambda d: cs.normalise(d, how="moderate", best=50.0),
    "combine geometric": lambda d: cw.combine(d, how="geometric"),
    "combine game": lambda d: cw.combine(d, how="game"),
    "obstacles": lambda d: cs.obstacles(d, pd.Series(1 / d.shape[1], index=d.columns)),
    "ranks": lambda d: cs.ranks(d["a"]),
    "allocate rewards": lambda d: cs.allocate_rewards(d["a"], 1000.0),
    "Fay-Herriot": lambda d: cv.fay_herriot(d["a"], d["a"] * 0 + 1.0, ONE.loc[d.index]),
    "Fay-Herriot, no variance": lambda d: cv.fay_herriot(d["a"], d["a"] * 0, ONE.loc[d.index]),
    "Fay-Herriot, these variances": lambda d: cv.fay_herriot(SCORES.loc[d.index, "b"], d["a"].abs(), ONE.loc[d.index]),
    "benchmark": lambda d: cv.benchmark(d["a"], ONE["one"].loc[d.index], 5.0),
}  # fmt: skip


@pytest.mark.parametrize("name", list(TABLES))
def test_tables_answer_or_refuse(name):
    found = {}
    for what, call in METHODS.items():
        if said := wrong(lambda call=call: call(TABLES[name])):
            found[what] = said
    assert not found


def test_units_that_are_all_alike_are_not_ordered():
    for alike in (TABLES["one unit"], TABLES["constant"]):
        with pytest.raises(DataError, match="no unit differs from another"):
            cs.topsis(alike)


def pairs(value: float, n: int = 3) -> pd.DataFrame:
    a = np.where(
        np.triu(np.ones((n, n)), 1) > 0, value, np.where(np.tril(np.ones((n, n)), -1) > 0, 1 / value, 1.0)
    )
    return pd.DataFrame(a, index=list("abc")[:n], columns=list("abc")[:n])


@pytest.mark.parametrize("method", ["eigenvector", "geometric_mean", "column_mean"])
@pytest.mark.parametrize(
    "matrix", [pairs(1.0), pairs(1.0, 1), pairs(9.0), pairs(9.0, 2), pairs(1e200), pairs(1e-200)]
)
def test_pairs_answer_or_refuse(matrix, method):
    assert not wrong(lambda: cw.ahp(matrix, method=method))
    assert not wrong(lambda: cw.ahp_group({"e1": matrix, "e2": matrix}))


@pytest.mark.parametrize("model", ["linear", "nonlinear"])
@pytest.mark.parametrize("far", [1.0, 9.0, 1e6, 1e9, 1e300])
def test_best_and_worst_answer_or_refuse(far, model):
    best, worst = pd.Series({"a": 1.0, "b": far, "c": 2.0}), pd.Series({"a": far, "b": 1.0, "c": 2.0})
    assert not wrong(lambda: cw.bwm(best, worst, model=model))
