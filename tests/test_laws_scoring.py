"""Laws of scoring: what must hold for any framework, scores, weights and money."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from commlab.framework import Framework, load_framework
from commlab.scoring import (
    Dirichlet,
    aggregate,
    allocate_rewards,
    draw_scores,
    explain_change,
    normalise,
    rank_uncertainty,
    ranks,
    score,
    select,
    topsis,
)
from commlab.scoring.rules import meets

LAW = settings(deadline=None, max_examples=20)
LEAVES = ("A1", "A2", "A3", "B1", "B2")


@cache
def framework() -> Framework:
    def leaf(code: str) -> dict:
        return {"code": code, "zh": code, "parts": [{"rule": "judged"}]}

    nodes = [
        {"code": "A", "zh": "A", "children": [leaf(c) for c in LEAVES[:3]]},
        {"code": "B", "zh": "B", "children": [leaf(c) for c in LEAVES[3:]]},
    ]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "f.yaml"
        path.write_text(json.dumps({"name": "law", "nodes": nodes}), encoding="utf-8")
        return load_framework(path)


numbers = st.integers(0, 100).map(float)
cells = st.one_of(numbers, st.just(None), st.just("-"))
rows_of_cells = st.lists(cells, min_size=5, max_size=5)
tables = st.lists(rows_of_cells, min_size=1, max_size=5)
local_weights = st.lists(st.integers(1, 20), min_size=7, max_size=7)


def scores(table: list[list]) -> pd.DataFrame:
    rows = []
    for i, values in enumerate(table):
        for code, value in zip(LEAVES, values, strict=True):
            state = "not_applicable" if value == "-" else "missing" if value is None else "scored"
            rows.append((f"u{i}", code, "main", value if state == "scored" else np.nan, state))
    out = pd.DataFrame(rows, columns=["unit", "code", "part", "score", "state"])
    return out.astype({"score": "float64"})


def as_evidence(table: list[list]) -> pd.DataFrame:
    out = scores(table).rename(columns={"score": "value"})
    return out.assign(state=out["state"].replace("scored", "observed"), se=2.0, role="main")


def weighted(weights: list[int]) -> Framework:
    return framework().with_weights(
        pd.Series(dict(zip(("A", "B", *LEAVES), map(float, weights), strict=True)))
    )


def total(nodes: pd.DataFrame) -> pd.Series:
    return nodes[nodes["code"] == "total"].set_index("unit")["score"]


@LAW
@given(tables, local_weights)
def test_contributions_and_weights_add_up(table, weights):
    nodes = aggregate(scores(table), weighted(weights))
    for _, mine in nodes.groupby("unit"):
        by = mine.set_index("code")
        if np.isfinite(by.loc["total", "score"]):
            assert np.isclose(by.loc[list(LEAVES), "contribution"].sum(), by.loc["total", "score"])
            assert np.isclose(by.loc[list(LEAVES), "effective"].sum(), 1)
        if by.loc["total", "state"] != "not_applicable":
            assert np.isclose(by.loc[list(LEAVES), "weight"].sum(), 1)
            assert 0 <= by.loc["total", "coverage"] <= 1 + 1e-12


@LAW
@given(tables, local_weights, st.sampled_from(["arithmetic", "geometric", "harmonic"]))
def test_a_total_lies_between_its_lowest_and_highest_score(table, weights, how):
    s = scores(table)
    t = total(aggregate(s, weighted(weights), how=how))
    low, high = s.groupby("unit")["score"].min(), s.groupby("unit")["score"].max()
    known = t.dropna().index
    assert (t[known] >= low[known] - 1e-9).all()
    assert (t[known] <= high[known] + 1e-9).all()


@LAW
@given(
    rows_of_cells,
    st.integers(0, 4),
    st.integers(1, 50),
    st.sampled_from(["arithmetic", "geometric", "harmonic"]),
)
def test_a_better_standard_never_lowers_the_total(row, which, more, how):
    if not isinstance(row[which], float):
        row[which] = 40.0
    better = list(row)
    better[which] = min(100.0, row[which] + more)
    a, b = (total(aggregate(scores([r]), framework(), how=how)).iloc[0] for r in (row, better))
    assert b >= a - 1e-9


@LAW
@given(tables)
def test_missing_as_zero_never_exceeds_measured_only(table):
    measured, zero = (total(aggregate(scores(table), framework(), missing=m)) for m in ("measured", "zero"))
    known = measured.dropna().index
    assert (zero[known] <= measured[known] + 1e-9).all()


@LAW
@given(tables, local_weights)
def test_draws_without_errors_replay_the_total(table, weights):
    f = weighted(weights)
    evidence = as_evidence(table)
    drawn = draw_scores(evidence, f, sampling=None, ratings=None, draws=2)
    t = total(aggregate(score(evidence, f), f)).dropna()
    assert list(t.index) == list(drawn.units)
    assert np.allclose(drawn.scores, t.to_numpy())


@LAW
@given(tables, st.integers(0, 5))
def test_rank_intervals_hold_their_median_and_probabilities(table, seed):
    out = rank_uncertainty(as_evidence(table), framework(), weights=Dirichlet(10), draws=60, seed=seed)
    assert (out["rank_low"] <= out["rank_median"]).all()
    assert (out["rank_median"] <= out["rank_high"]).all()
    assert out["p_top"].between(0, 1).all()
    if len(out):
        assert out["p_top"].sum() >= 1 - 1e-9
        assert (out["score_low"] >= -1e-9).all()
        assert (out["score_high"] <= 100 + 1e-9).all()


@LAW
@given(st.lists(rows_of_cells, min_size=2, max_size=2), local_weights, local_weights)
def test_the_account_of_a_change_is_exact(table, before, after):
    a = aggregate(scores([table[0]]), weighted(before))
    b = aggregate(scores([table[1]]), weighted(after))
    out = explain_change(a, b)
    if (out["effect"] == "not_comparable").any():
        return
    told = out[out["code"] == "total"].set_index("effect")["change"]
    leaves = out[out["code"] != "total"]["change"].sum()
    change = total(b).iloc[0] - total(a).iloc[0]
    assert np.isclose(told["total"], change, atol=1e-12)
    assert np.isclose(told.drop("total").sum(), change, atol=1e-9)
    assert np.isclose(leaves, change, atol=1e-9)


@LAW
@given(
    st.lists(numbers, min_size=1, max_size=8),
    st.integers(0, 10**7),
    st.sampled_from(["equal", "proportional"]),
)
def test_rewards_spend_the_pool_to_the_cent(values, cents, how):
    if how == "proportional" and sum(values) == 0:
        values = [v + 1 for v in values]
    s = pd.Series(values, index=[f"u{i}" for i in range(len(values))])
    out = allocate_rewards(s, cents / 100, how=how)
    assert sum(round(a * 100) for a in out["amount"]) == cents
    if how == "proportional":
        by = out.sort_values("score")["amount"].to_numpy()
        assert (np.diff(by) >= -0.01 - 1e-9).all()


@LAW
@given(st.lists(numbers, min_size=1, max_size=10), st.integers(0, 10))
def test_naming_never_exceeds_the_quota(values, quota):
    s = pd.Series(values, index=[f"D/{i}" for i in range(len(values))])
    out = select(s, pd.Series({"D": quota}))
    named = out[out["status"] == "named"]
    assert len(named) <= quota
    others = out[out["status"].isin(["reserve", "not_named", "tied"])]
    if len(named) and len(others):
        assert named["score"].min() > others["score"].max()


@LAW
@given(st.lists(numbers, min_size=2, max_size=8), st.integers(1, 50), st.integers(-50, 50))
def test_scales_that_promise_it_do_not_see_units_of_measure(values, factor, shift):
    x = pd.DataFrame({"a": values, "b": [float(i) for i in range(len(values))]})
    if x["a"].nunique() < 2:
        return
    other = x.assign(a=x["a"] * factor + shift)
    for how in ("minmax", "zscore", "rank", "percentile", "distance_to_max"):
        assert np.allclose(normalise(x, how=how), normalise(other, how=how), atol=1e-7)


@LAW
@given(
    st.lists(st.tuples(st.integers(1, 99), st.integers(1, 99)), min_size=2, max_size=6), st.integers(2, 50)
)
def test_topsis_is_free_of_scale_and_order(pairs, factor):
    x = pd.DataFrame(pairs, columns=["a", "b"], dtype=float)
    assume(len(x.drop_duplicates()) > 1)
    base = topsis(x)["closeness"]
    assert np.allclose(topsis(x.assign(a=x["a"] * factor))["closeness"], base)
    assert np.allclose(topsis(x.iloc[::-1])["closeness"].sort_index(), base)


@LAW
@given(st.lists(numbers, min_size=1, max_size=10))
def test_ranks_follow_scores(values):
    s = pd.Series(values, index=[f"u{i}" for i in range(len(values))])
    r = ranks(s)
    for a in s.index:
        assert r[a] == 1 + (s > s[a]).sum()


@LAW
@given(st.integers(0, 60), st.integers(1, 60), st.integers(0, 60), st.integers(1, 60))
def test_fractions_are_compared_as_fractions(a, b, c, d):
    rows = pd.DataFrame({"value": [a / b], "numerator": [float(a)], "denominator": [float(b)], "per": [1.0]})
    for op, truth in ((">=", a * d >= c * b), ("<", a * d < c * b), ("==", a * d == c * b)):
        assert meets(rows, op, f"{c}/{d}")[0] == truth
