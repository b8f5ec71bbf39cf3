"""Scoring on cases of its own: what callers may hand over by mistake, then rules, methods and naming by hand."""

from __future__ import annotations

import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest

from commlab import scoring as s
from commlab.errors import CommlabError
from commlab.framework import load_framework
from commlab.scoring.growth import yearly

FRAME = pd.DataFrame({"a": [1.0, 2, 3, 4], "b": [2.0, 1, 5, 3]}, index=list("wxyz"))
SCORES = pd.Series([90.0, 80, 80, 70], index=["p/a", "p/b", "q/c", "q/d"])
QUOTAS = pd.Series({"p": 1, "q": 1})
WRONG = {
    "none": None, "text": "x", "number": 3, "list": [[1, 2], [3, 4]], "mapping": {"a": [1]}, "array": np.ones((3, 2)),
    "no rows": FRAME.iloc[:0], "no columns": FRAME[[]], "gaps": FRAME * np.nan, "infinite": FRAME.replace(1.0, np.inf),
    "words": FRAME.astype(object).replace(1.0, "许多"), "twice": FRAME.set_axis(["w", "w", "y", "z"]), "huge": FRAME * 1e300,
    "columns twice": FRAME.set_axis(["a", "a"], axis=1), "dates": FRAME.apply(pd.to_datetime), "complex": FRAME * 1j,
    "series": FRAME["a"], "labels twice": pd.Series([1.0, 2], index=["a", "a"]), "nullable": FRAME.astype("Int64").mask(FRAME > 3),
    "several levels": FRAME["a"].set_axis(pd.MultiIndex.from_tuples([(1, 2), (1, 3), (2, 1), (2, 2)])),
}  # fmt: skip
LEAF = pd.DataFrame({"unit": ["u"], "code": ["Ⅱ-1.1"], "score": [1.0], "state": ["scored"]})

EVIDENCE = LEAF.assign(
    part=load_framework("kunming_2018").parts("Ⅱ-1.1")[0].part, value=80.0, state="observed"
)
CHANGES = pd.DataFrame({"before": ["u"], "after": ["v"], "share": [1.0]})
UNITS = pd.DataFrame({"unit": ["u"], "level": ["district"], "parent": [None], "type": [None]})


def calls(x):
    kunming = load_framework("kunming_2018")
    for method in (
        s.topsis, s.rank_sum_ratio, s.fuzzy_evaluation, s.coupling, s.obstacles, s.icc, s.krippendorff_alpha, s.fleiss_kappa,
        s.impute, s.treat, s.rater_agreement, s.adjust_raters, s.self_inflation, s.mutual_evaluation, s.ranks,
    ):  # fmt: skip
        yield partial(method, x)
    for how in ("minmax", "zscore", "percentile", "vector", "fraction_of_max"):
        yield partial(s.normalise, x, how=how)
    yield partial(s.normalise, FRAME, how=x)
    yield partial(s.normalise, FRAME, how="minmax", directions=x)
    yield partial(s.normalise, FRAME, how="goalposts", low=x)
    yield partial(s.denominate, FRAME, x, {"a": "b"})
    yield partial(s.impute, FRAME, groups=x)
    for one in (s.score, s.aggregate, s.aggregate_wide, s.audit, s.leave_one_out):
        yield partial(one, x, kunming)
    yield partial(s.explain_change, x, x)
    yield partial(s.on_later_boundaries, x, kunming, FRAME)
    yield partial(s.collect, kunming, measures=None, ratings=None, survey=None, units=x)
    for option in ("how", "missing"):
        yield partial(s.aggregate, LEAF, kunming, **{option: x})
    yield partial(s.topsis, FRAME, x)
    yield partial(s.grade, x, {"good": 80, "poor": 0})
    yield partial(s.grade, SCORES, x)
    yield partial(s.grade, SCORES, {"good": 80, "poor": 0}, most=x)
    yield partial(s.select, SCORES, x)
    for option in ("within", "probability", "reserve"):
        yield partial(s.select, SCORES, QUOTAS, **{option: x})
    yield partial(s.allocate_rewards, SCORES, x)
    yield partial(s.allocate_rewards, SCORES, 100, how="weights", weights=x)
    for option in ("least", "top", "floor", "cap", "how"):
        yield partial(s.allocate_rewards, SCORES, 100, **{option: x})
    yield partial(s.icc, FRAME, confidence=x)
    for option in (
        "weights",
        "sampling",
        "ratings",
        "choices",
        "within",
        "top",
        "draws",
        "seed",
        "confidence",
    ):
        yield partial(s.rank_uncertainty, EVIDENCE, kunming, **({"draws": 5} | {option: x}))
    for option in ("choices", "seed", "draws"):
        yield partial(s.sensitivity, EVIDENCE, kunming, **({"draws": 4} | {option: x}))
    yield partial(s.on_later_boundaries, EVIDENCE, kunming, CHANGES, households=x)
    yield partial(s.pairs_apart, np.ones((3, 2)), ["u", "v"], within=x)
    yield partial(s.rank_sum_ratio, FRAME, cuts=x)
    for option in ("most", "skew_limit"):
        yield partial(s.treat, FRAME, **{option: x})
    yield partial(s.obstacles, FRAME / 10, full=x)
    yield partial(s.collect, kunming, measures=None, ratings=None, survey=None, mutual=x, units=UNITS)


@pytest.mark.parametrize("name", WRONG)
def test_whatever_is_handed_over_is_used_or_refused_in_words(name):
    """No call dies in the middle of the calculation, or warns of numbers that mean nothing."""
    for call in calls(WRONG[name]):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                call()
            except CommlabError as error:
                assert len(str(error)) > 15


def test_growth_from_the_last_of_february_to_the_last_of_february():
    """2020 has a day more: the ends of a month follow each other whatever their number."""
    days = pd.to_datetime(["2018-02-28", "2019-02-28", "2020-02-29"])
    dated = pd.DataFrame(
        {"unit": "u", "as_of": days, "value": [100.0, 110, 132], "state": "observed", "source": "f#s!A1"}
    )
    main, steps = yearly(dated, ["u"], 2)
    assert main["value"] == pytest.approx(0.1) and [one["item"] for one in steps] == [
        "2018-2019",
        "2019-2020",
    ]
    assert yearly(dated.assign(as_of=days.map(lambda d: d.replace(day=14))), ["u"], 2)[0][
        "value"
    ] == pytest.approx(0.1)
    assert (
        yearly(dated.assign(as_of=[days[0], days[1].replace(day=14), days[2]]), ["u"], 2)[0]["state"]
        == "missing"
    )
