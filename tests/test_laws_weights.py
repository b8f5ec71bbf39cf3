"""Laws of weights: never negative, sum to 1, nothing depends on the order of items, units or experts."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from commlab import weights as w
from commlab.framework import Framework, Node

METHODS = (w.equal, w.entropy, w.critic, w.merec, w.pca, w.standard_deviation, w.coefficient_of_variation)
lean = settings(deadline=None, max_examples=25)
LOGS = st.floats(-2.0, 2.0)


@st.composite
def matrices(draw, least=2, most=7, consistent=False):
    n = draw(st.integers(least, most))
    if consistent:
        v = np.exp(draw(arrays(float, n, elements=st.floats(-4.0, 4.0))))
        return pd.DataFrame(v[:, None] / v, index=range(n), columns=range(n)), v / v.sum()
    logs = np.triu(draw(arrays(float, (n, n), elements=LOGS)), 1)
    return pd.DataFrame(np.exp(logs - logs.T))


@st.composite
def score_frames(draw):
    n, k = draw(st.integers(4, 12)), draw(st.integers(2, 5))
    x = draw(arrays(float, (n, k), elements=st.integers(1, 1000).map(float)))
    x += np.arange(n)[:, None] * (1 + np.arange(k) % 2) * draw(st.sampled_from([1.0, 2.5]))
    x[0] += np.arange(k) + 1.0  # columns are never all proportional
    return pd.DataFrame(x, index=[f"u{i}" for i in range(n)], columns=[f"x{j}" for j in range(k)])


@lean
@given(matrices(consistent=True), st.sampled_from(["eigenvector", "geometric_mean", "column_mean"]))
def test_a_consistent_matrix_gives_back_its_weights(case, method):
    matrix, v = case
    result = w.ahp(matrix, method=method)
    assert result.weights.to_numpy() == pytest.approx(v, abs=1e-12)
    assert result.cr == pytest.approx(0, abs=1e-10)


@lean
@given(
    matrices(least=3, consistent=True), st.sampled_from(["lambda_min", "harker"]), st.integers(0, 2**32 - 1)
)
def test_so_does_what_is_left_of_it(case, completion, seed):
    matrix, v = case
    rng = np.random.default_rng(seed)
    holed = matrix.copy()
    for i, j in combinations(range(len(v)), 2):
        if j != i + 1 and rng.random() < 0.5:  # neighbours stay judged: the chain connects all
            holed.iloc[i, j] = holed.iloc[j, i] = np.nan
    assert w.ahp(holed, completion=completion).weights.to_numpy() == pytest.approx(v, abs=1e-9)


@lean
@given(matrices(), st.sampled_from(["eigenvector", "geometric_mean", "column_mean"]), st.randoms())
def test_ahp_weights_are_weights_and_order_is_irrelevant(matrix, method, random):
    result = w.ahp(matrix, method=method)
    assert (result.weights > 0).all() and result.weights.sum() == pytest.approx(1, abs=1e-12)
    assert result.lambda_max >= len(matrix) and result.gci >= 0
    order = list(matrix.index)
    random.shuffle(order)
    other = w.ahp(matrix.loc[order, order], method=method)
    assert other.weights[matrix.index].to_numpy() == pytest.approx(result.weights.to_numpy(), abs=1e-12)
    assert other.cr == pytest.approx(result.cr, abs=1e-10)


@lean
@given(matrices())
def test_the_perron_vector_is_an_eigenvector(matrix):
    result = w.ahp(matrix)
    x = result.weights.to_numpy()
    assert matrix.to_numpy() @ x == pytest.approx(result.lambda_max * x, rel=1e-10)
    assert result.lambda_max == pytest.approx(np.linalg.eigvals(matrix.to_numpy()).real.max(), rel=1e-10)


@lean
@given(matrices(least=3, most=5))
def test_mending_a_judgement_never_hurts(matrix):
    result = w.ahp(matrix)
    worst = result.worst
    assert (worst["lambda_max"] <= result.lambda_max + 1e-9).all()
    # the gradient says which way to go: a judgement that raises lambda is mended downwards
    clear = worst[worst["gradient"].abs() > 1e-6]
    assert (np.sign(clear["gradient"]) == np.sign(clear["value"] - clear["mended"])).all()


@lean
@given(
    st.lists(matrices(least=4, most=4), min_size=2, max_size=5), st.sampled_from(["aij", "aip"]), st.randoms()
)
def test_groups_do_not_depend_on_the_order_of_experts(stack, how, random):
    experts = {f"e{k}": m for k, m in enumerate(stack)}
    group = w.ahp_group(experts, how=how)
    assert (group.weights > 0).all() and group.weights.sum() == pytest.approx(1, abs=1e-12)
    names = list(experts)
    random.shuffle(names)
    other = w.ahp_group({e: experts[e] for e in names}, how=how)
    assert other.weights.to_numpy() == pytest.approx(group.weights.to_numpy(), abs=1e-12)
    # an expert twice is an expert of weight two
    twice = w.ahp_group({**experts, "again": experts["e0"]}, how=how)
    heavy = w.ahp_group(experts, how=how, expert_weights={e: 2 if e == "e0" else 1 for e in experts})
    assert twice.weights.to_numpy() == pytest.approx(heavy.weights.to_numpy(), abs=1e-12)


@lean
@given(score_frames(), st.sampled_from(METHODS), st.randoms())
def test_data_weights_are_weights_and_order_is_irrelevant(x, method, random):
    found = method(x)
    assert (found >= 0).all() and found.sum() == pytest.approx(1, abs=1e-12)
    rows, columns = list(x.index), list(x.columns)
    random.shuffle(rows)
    random.shuffle(columns)
    assert method(x.loc[rows, columns])[x.columns].to_numpy() == pytest.approx(found.to_numpy(), abs=1e-9)


@lean
@given(
    score_frames(),
    st.sampled_from([w.entropy, w.critic, w.merec, w.pca, w.coefficient_of_variation]),
    st.floats(0.01, 100),
)
def test_units_of_measure_are_irrelevant(x, method, factor):
    assert method(x.assign(x0=x["x0"] * factor)).to_numpy() == pytest.approx(method(x).to_numpy(), abs=1e-9)


@lean
@given(
    arrays(float, (4, 3), elements=st.floats(0.01, 1)),
    st.sampled_from(["arithmetic", "geometric", "multiplicative", "game"]),
)
def test_combinations_are_weights(x, how):
    found = w.combine(pd.DataFrame(x, columns=list("abc")), how=how)
    assert (found >= 0).all() and found.sum() == pytest.approx(1, abs=1e-12)
    same = pd.DataFrame({"a": x[:, 0], "b": x[:, 0]})
    if how != "multiplicative":
        assert w.combine(same, how=how).to_numpy() == pytest.approx(x[:, 0] / x[:, 0].sum(), abs=1e-9)


@lean
@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.integers(0, 3))
def test_bwm_of_consistent_judgements(inner, seed):
    top = 9.0
    ratios = np.array([top, *map(float, inner), 1.0])
    names = [f"i{k}" for k in range(len(ratios))]
    to, of = pd.Series(top / ratios, index=names), pd.Series(ratios, index=names)
    order = np.random.default_rng(seed).permutation(names)
    for model in ("linear", "nonlinear"):
        found = w.bwm(to[order], of[order], model=model)
        assert found.weights[names].to_numpy() == pytest.approx(ratios / ratios.sum(), abs=1e-8)
        assert found.xi == pytest.approx(0, abs=1e-8)


@lean
@given(arrays(float, st.tuples(st.integers(2, 6), st.integers(3, 7)), elements=st.integers(1, 5).map(float)))
def test_concordance_lies_between_nought_and_one(x):
    if (x == x[:, [0]]).all():
        return
    k = w.kendall_w(pd.DataFrame(x))
    assert -1e-12 <= k.w <= 1 + 1e-12 and 0 <= k.p_value <= 1
    assert w.kendall_w(pd.DataFrame(x[::-1, ::-1])).w == pytest.approx(k.w, abs=1e-12)


@lean
@given(matrices(least=4, most=6), st.sampled_from(["lambda_min", "harker"]), st.randoms())
def test_order_of_items_is_irrelevant_where_judgements_are_missing(matrix, completion, random):
    holed = matrix.copy()
    for i, j in ((0, 2), (1, 3)):
        holed.iloc[i, j] = holed.iloc[j, i] = np.nan
    found = w.ahp(holed, completion=completion)
    order = list(matrix.index)
    random.shuffle(order)
    other = w.ahp(holed.loc[order, order], completion=completion)
    assert other.weights[matrix.index].to_numpy() == pytest.approx(found.weights.to_numpy(), abs=1e-9)
    assert (found.weights > 0).all() and found.weights.sum() == pytest.approx(1, abs=1e-12)


@lean
@given(
    arrays(float, (5, 3), elements=st.floats(0.01, 1)),
    st.sampled_from(["arithmetic", "geometric", "multiplicative", "game"]),
    st.randoms(),
)
def test_combinations_do_not_depend_on_the_order_of_indicators_or_methods(x, how, random):
    frame = pd.DataFrame(x, index=list("vwxyz"), columns=list("abc"))
    rows, columns = list(frame.index), list(frame.columns)
    random.shuffle(rows)
    random.shuffle(columns)
    found, other = w.combine(frame, how=how), w.combine(frame.loc[rows, columns], how=how)
    assert other[frame.index].to_numpy() == pytest.approx(found.to_numpy(), abs=1e-9)


@lean
@given(st.lists(st.integers(1, 6), min_size=1, max_size=8), st.sampled_from(["roc", "sum", "reciprocal"]))
def test_rank_weights_are_weights_and_a_better_rank_weighs_no_less(ranks, method):
    found = w.rank_weights(pd.Series(ranks), method=method)
    assert (found > 0).all() and found.sum() == pytest.approx(1, abs=1e-12)
    assert found.iloc[np.argsort(ranks, kind="stable")].is_monotonic_decreasing


@lean
@given(st.lists(matrices(least=3, most=3), min_size=2, max_size=4), st.randoms())
def test_a_tree_does_not_depend_on_the_order_of_its_table(stack, random):
    nodes = tuple(Node(c, None, k, 1, c) for k, c in enumerate(("A-1", "A-2", "A-3")))
    rows = [
        (f"e{e}", "total", nodes[i].code, nodes[j].code, m.iloc[i, j])
        for e, m in enumerate(stack)
        for i, j in combinations(range(3), 2)
    ]
    shuffled = [(e, n, b, a, 1 / v) if random.random() < 0.5 else (e, n, a, b, v) for e, n, a, b, v in rows]
    random.shuffle(shuffled)
    framework = Framework("f", {"zh": "f"}, {}, {}, nodes)
    columns = ["expert", "node", "row", "column", "value"]
    one, two = (
        w.ahp_tree(pd.DataFrame(r, columns=columns), framework).global_weights for r in (rows, shuffled)
    )
    assert two.to_numpy() == pytest.approx(one.to_numpy(), abs=1e-12)
    assert (one > 0).all() and one.sum() == pytest.approx(1, abs=1e-12)
