"""AHP for one matrix, groups and trees: what is refused, what papers and programs say, how it behaves."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from commlab.errors import DataError, ParameterError
from commlab.framework import Framework, Node
from commlab.weights import (
    RANDOM_INDEX,
    ahp,
    ahp_group,
    ahp_tree,
    bootstrap_weights,
    indistinguishable,
    random_index_of,
    weight_intervals,
)

REFERENCE = Path(__file__).parent / "reference"
ORACLE = json.loads((REFERENCE / "weights_ahp.json").read_text(encoding="utf-8"))
NAN = float("nan")


def square(rows, items=None) -> pd.DataFrame:
    items = list("abcdefgh")[: len(rows)] if items is None else list(items)
    return pd.DataFrame(np.array(rows, dtype=float), index=items, columns=items)


def from_pairs(items, values) -> pd.DataFrame:
    m = square(np.eye(len(items)), items)
    for (i, j), v in zip(combinations(items, 2), values, strict=True):
        m.loc[i, j], m.loc[j, i] = v, 1 / v
    return m


def tree_framework() -> Framework:
    nodes = [
        Node("Ⅰ-1", None, 1, 1, "甲"),
        Node("Ⅰ-2", None, 2, 1, "乙"),
        Node("Ⅱ-1", "Ⅰ-1", 1, 2, "一"),
        Node("Ⅱ-2", "Ⅰ-1", 2, 2, "二"),
        Node("Ⅱ-3", "Ⅰ-1", 3, 2, "三"),
        Node("Ⅱ-4", "Ⅰ-2", 1, 2, "四"),
        *(Node(f"Ⅱ-{k}.{i}", f"Ⅱ-{k}", i, 3, "标准") for k in (1, 2, 3, 4) for i in (1, 2)),
    ]
    return Framework("small", {"zh": "小"}, {}, {}, tuple(nodes))


def judged(rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["expert", "node", "row", "column", "value"]).assign(
        period="2019Q4", source="x.xlsx#总#B2"
    )


TOP = [("专家01", "total", "Ⅰ-1", "Ⅰ-2", 3), ("专家02", "total", "Ⅰ-1", "Ⅰ-2", 3)]
SECOND = [
    (e, "Ⅰ-1", r, c, v)
    for e in ("专家01", "专家02")
    for r, c, v in (("Ⅱ-1", "Ⅱ-2", 2), ("Ⅱ-1", "Ⅱ-3", 4), ("Ⅱ-2", "Ⅱ-3", 2))
]


# --- what is refused


def test_cells_without_a_judgement_may_hold_any_nothing():
    items = list("abc")
    holed = pd.DataFrame([[1, 2, None], [0.5, 1, 2], [pd.NaT, 0.5, 1]], items, items, dtype=object)
    assert ahp(holed).missing == (("a", "c"),)
    with pytest.raises(DataError, match="true and false"):
        ahp(square(np.eye(2)) == 1)


BAD_MATRICES = {
    "zero": ([[1, 0], [2, 1]], r"cell \(a, b\).*greater than 0.*found 0"),
    "negative": ([[1, -3], [1 / 3, 1]], r"cell \(a, b\).*found -3"),
    "infinite": ([[1, np.inf], [0, 1]], r"cell \(a, b\).*found inf"),
    "beyond any scale": ([[1, 1e7], [1e-7, 1]], r"cell \(a, b\).*found 1e\+07"),
    "diagonal": ([[2, 3], [1 / 3, 1]], r"cell \(a, a\).*diagonal must be 1; found 2"),
    "diagonal missing": ([[NAN, 3], [1 / 3, 1]], r"cell \(a, a\).*diagonal"),
    "non-reciprocal": ([[1, 3], [0.5, 1]], r"cell \(a, b\): 3 and its mirror 0.5 must be reciprocal"),
    "same on both sides": ([[1, 3], [3, 1]], r"cell \(a, b\)"),
    "one decimal": ([[1, 3], [0.3, 1]], "reciprocal"),
    "not square": ([[1, 2, 3], [0.5, 1, 2]], "square"),
    "disconnected": (
        [[1, 2, NAN, NAN], [0.5, 1, NAN, NAN], [NAN, NAN, 1, 2], [NAN, NAN, 0.5, 1]],
        r"no chain of judgements connects a, b \| c, d",
    ),
}


@pytest.mark.parametrize("name", BAD_MATRICES)
def test_impossible_matrices_are_refused_with_their_cell(name):
    rows, message = BAD_MATRICES[name]
    frame = pd.DataFrame(np.array(rows, dtype=float))
    frame.index, frame.columns = list("abcd")[: frame.shape[0]], list("abcd")[: frame.shape[1]]
    with pytest.raises(DataError, match=message):
        ahp(frame)


def test_every_fault_of_a_matrix_is_reported_at_once():
    with pytest.raises(DataError) as caught:
        ahp(square([[1, 0, 3], [2, 5, 2], [1, 0.5, 1]]), name="expert 专家07, node Ⅰ-1")
    assert len(caught.value.faults) == 3
    assert all("专家07" in f and "Ⅰ-1" in f for f in caught.value.faults)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame(), "square"),
        (pd.DataFrame([[1, 2j], [0.5, 1]], index=["a", "b"], columns=["a", "b"]), "found complex"),
        (pd.DataFrame([[1, 2], [0.5, 1]], index=["a", "a"], columns=["a", "a"]), "repeat: a"),
        (pd.DataFrame([[1, 2], [0.5, 1]], index=["a", "b"], columns=["a", "c"]), "one side only: b, c"),
        (
            pd.DataFrame([[1, "很重要"], ["", 1]], index=["a", "b"], columns=["a", "b"]),
            r"not a number in \(a, b\)",
        ),
    ],
)
def test_frames_that_are_no_matrices_are_refused(frame, message):
    with pytest.raises(DataError, match=message):
        ahp(frame)


def test_unknown_options_name_the_known_ones():
    m = square([[1, 2], [0.5, 1]])
    with pytest.raises(ParameterError, match="eigenvector, geometric_mean, column_mean"):
        ahp(m, method="mean")
    with pytest.raises(ParameterError, match="lambda_min, harker"):
        ahp(m, completion="zero")
    three = from_pairs("abc", (2, 3, 2))
    with pytest.raises(ParameterError, match="saaty, saaty_2005"):
        ahp(three, random_index="satty")
    with pytest.raises(ParameterError, match="has no value for 20 items"):
        ahp(square(np.ones((20, 20)), range(20)))
    assert ahp(square(np.ones((20, 20)), range(20)), random_index=1.63).weights.eq(0.05).all()
    incomplete = square([[1, 2, NAN], [0.5, 1, 2], [NAN, 0.5, 1]])
    with pytest.raises(ParameterError, match="eigenvector method"):
        ahp(incomplete, completion="harker", method="column_mean")


# --- what is accepted


def test_one_and_two_items_are_always_consistent():
    one, two = ahp(square([[1]])), ahp(square([[1, 4], [0.25, 1]]))
    assert one.weights.tolist() == [1.0]
    assert two.weights.tolist() == pytest.approx([0.8, 0.2], abs=1e-15)
    assert (one.cr, two.cr, one.consistent, two.consistent) == (0.0, 0.0, True, True)
    assert two.worst.loc[0, "cr"] == 0.0 and one.worst.empty


def test_one_triangle_is_enough_and_columns_may_stand_in_another_order():
    whole = from_pairs("abc", (2, 4, 2))
    upper = whole.where(np.triu(np.ones((3, 3), dtype=bool)))
    lower = whole.where(np.tril(np.ones((3, 3), dtype=bool)))
    for m in (upper, lower, whole[["c", "a", "b"]]):
        assert ahp(m).weights.to_dict() == pytest.approx(ahp(whole).weights.to_dict(), abs=1e-15)


def test_reciprocals_typed_with_two_decimals_are_restored():
    typed = square([[1, 3, 9], [0.33, 1, 7], [0.11, 0.14, 1]])
    exact = from_pairs("abc", (3, 9, 7))
    assert ahp(typed).weights.tolist() == pytest.approx(ahp(exact).weights.tolist(), abs=1e-15)
    assert ahp(typed).outside_scale == ()


def test_judgements_beyond_the_scale_are_used_and_named():
    result = ahp(from_pairs("abc", (11, 2, 1 / 10)))
    assert result.outside_scale == ("(a, b) = 11", "(b, c) = 0.1")


def test_a_result_says_whether_it_passes():
    good, bad = ahp(from_pairs("abc", (2, 4, 2))), ahp(from_pairs("abc", (9, 1 / 9, 9)))
    assert "passes" in good.text and "fails" in bad.text and "saaty" in bad.text
    assert "passes" in repr(good) and "<table" in good._repr_html_()
    hostile = ahp(square([[1, 2], [0.5, 1]], ["<script>", "b"]))
    assert "<script>" not in hostile._repr_html_()


# --- what papers and other programs say


@pytest.mark.parametrize("case", ["drinks", "travel"])
def test_ahp_saaty2008_and_jiangqiyuan(case):
    o = ORACLE[case]
    m = square(o["matrix"], o["items"])
    result = ahp(m)
    e = o["eigenvector"]
    assert result.weights.tolist() == pytest.approx(e["weights"], abs=1e-12)
    assert (result.lambda_max, result.ci, result.cr) == pytest.approx(
        (e["lambda_max"], e["ci"], e["cr"]), abs=1e-12
    )
    p = o["published"]
    assert result.weights.tolist() == pytest.approx(p["weights"], abs=p["tolerance"])
    assert result.cr == pytest.approx(p["cr"], abs=1e-3)
    for method in ("column_mean", "geometric_mean"):
        other = ahp(m, method=method)
        assert other.weights.tolist() == pytest.approx(o[method]["weights"], abs=1e-12)
        assert other.lambda_max == pytest.approx(o[method]["lambda_max"], abs=1e-12)


def test_incomplete_matrix_bozoki2010_and_harker1987():
    o = ORACLE["incomplete"]
    m = square([[NAN if v is None else v for v in row] for row in o["matrix"]], o["items"])
    filled = ahp(m, random_index="donegan_dodd")
    e = o["lambda_min"]
    assert filled.missing == (("c", "d"),)
    assert filled.matrix.loc["c", "d"] == pytest.approx(np.sqrt(8 / 15), abs=1e-12)  # the closed form
    assert filled.weights.tolist() == pytest.approx(e["weights"], abs=e["weights_tolerance"])
    assert filled.lambda_max == pytest.approx(e["lambda_max"], abs=1e-9)
    assert filled.cr == pytest.approx(e["cr_donegan_dodd"], abs=1e-4)
    harker = ahp(m, completion="harker")
    e = o["harker"]
    assert harker.weights.tolist() == pytest.approx(e["weights"], abs=1e-9)
    assert (harker.lambda_max, harker.ci) == pytest.approx((e["lambda_max"], e["ci"]), abs=1e-9)


def test_many_missing_judgements_complete_to_the_least_lambda():
    from scipy.optimize import minimize

    rng = np.random.default_rng(3)
    logs = np.triu(rng.normal(0, 1, (6, 6)), 1)
    full = np.exp(logs - logs.T)
    gaps = [(0, 2), (0, 3), (1, 4), (2, 5), (3, 5)]
    m = full.copy()
    for i, j in gaps:
        m[i, j] = m[j, i] = NAN

    def lam(x):
        t = m.copy()
        for (i, j), v in zip(gaps, x, strict=True):
            t[i, j], t[j, i] = np.exp(v), np.exp(-v)
        return np.linalg.eigvals(t).real.max()

    by_search = minimize(
        lam, np.zeros(5), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-13, "maxiter": 9999}
    )
    assert ahp(square(m)).lambda_max == pytest.approx(by_search.fun, abs=1e-9)


def test_gradient_harker1987():
    o = ORACLE["gradient"]
    worst = ahp(square(o["matrix"])).worst
    found = {(r.row, r.column): r.gradient for r in worst.itertuples()}
    exact = {
        ("a", "b"): o["gradient"][0][1],
        ("a", "c"): o["gradient"][0][2],
        ("b", "c"): o["gradient"][1][2],
    }
    assert found == pytest.approx(exact, abs=1e-9)
    p = o["published"]
    assert [found["a", "b"], found["a", "c"], found["b", "c"]] == pytest.approx(
        [p["D12"], p["D13"], p["D23"]], abs=p["tolerance"]
    )
    # with three items any one judgement can mend the matrix wholly: 3 / 2, 2 x 2, 3 / 2
    assert worst.set_index(["row", "column"])["mended"].to_dict() == pytest.approx(
        {("a", "b"): 1.5, ("a", "c"): 4.0, ("b", "c"): 1.5}, abs=1e-12
    )
    assert worst["cr"].tolist() == pytest.approx([0, 0, 0], abs=1e-12)


def test_group_ahp_city200():
    o = ORACLE["city200"]
    answers = pd.read_csv(REFERENCE / "weights_city200.csv")
    matrices = {}
    for k, row in answers.iterrows():
        m = square(np.eye(5), o["criteria"])
        for pair, v in row.items():
            a, b = pair.split("_")
            value = -v if v < -1 else 1 / v  # the coding of ahpsurvey with negconvert
            m.loc[a, b], m.loc[b, a] = value, 1 / value
        matrices[k] = m
    group = ahp_group(matrices, random_index="ahpsurvey")
    assert group.weights.tolist() == pytest.approx(o["AIJ_weights_eig"], abs=1e-9)
    assert group.lambda_max == pytest.approx(o["AIJ_lambda_max"], abs=1e-9)
    assert np.abs(group.matrix.to_numpy() - np.array(o["AIJ_geometric_12d"])).max() < 1e-9
    assert np.abs(group.matrix.to_numpy() - np.array(o["AIJ_geometric_published_3dp"])).max() < 6e-3
    assert group.experts["consistent"].sum() == o["n_CR_le_0_1"]
    assert group.experts["cr"].mean() == pytest.approx(o["CR_mean"], abs=1e-9)
    assert group.dispersion.loc["cult", "cult"] == 1.0 and (group.dispersion.to_numpy() >= 1).all()

    aip = ahp_group(matrices, how="aip")
    assert aip.weights.tolist() == pytest.approx(o["AIP_geometric_eig_normalised"], abs=1e-9)
    mean = ahp_group(matrices, how="aip", mean="arithmetic")
    assert mean.weights.tolist() == pytest.approx(o["AIP_arithmetic_eig"], abs=1e-9)
    columns = {"how": "aip", "mean": "arithmetic", "method": "column_mean", "random_index": "ahpsurvey"}
    assert ahp_group(matrices, **columns).weights.tolist() == pytest.approx(
        o["AIP_arithmetic_sumproduct_published"], abs=6e-4
    )
    censored = ahp_group(matrices, max_cr=0.1, **columns)
    assert len(censored.dropped) == o["n_CR_gt_0_1"]
    assert censored.weights.to_dict() == pytest.approx(
        o["after_censoring_CR_gt_0_1_sumproduct_arith"], abs=6e-4
    )


def test_hierarchy_of_the_car_example():
    o = ORACLE["car"]
    children = {"Cost": o["cost_children"], "Capacity": o["capacity_children"]}
    nodes = [Node(c, None, i, 1, c) for i, c in enumerate(o["criteria"])]
    nodes += [Node(c, p, i, 2, c) for p, group in children.items() for i, c in enumerate(group)]
    nodes += [
        Node(f"{leaf}/{a}", leaf, i, 3, a)
        for leaf in o["leaf_pairs"]
        for i, a in enumerate(o["alternatives"])
    ]
    framework = Framework("car", {"zh": "车"}, {}, {}, tuple(nodes))
    given = {
        "total": (o["criteria"], o["criteria_pairs"]),
        "Cost": (o["cost_children"], o["cost_pairs"]),
        "Capacity": (o["capacity_children"], o["capacity_pairs"]),
        **{p: ([f"{p}/{a}" for a in o["alternatives"]], v) for p, v in o["leaf_pairs"].items()},
    }
    rows = [
        ("x", node, i, j, v)
        for node, (items, values) in given.items()
        for (i, j), v in zip(combinations(items, 2), values, strict=True)
    ]
    tree = ahp_tree(judged(rows), framework, min_experts=1, random_index="donegan_dodd")
    by_leaf = tree.global_weights.groupby([c.split("/")[0] for c in tree.global_weights.index]).sum()
    assert by_leaf.to_dict() == pytest.approx(o["global_leaf_weights"], abs=1e-9)
    by_car = tree.global_weights.groupby([c.split("/")[1] for c in tree.global_weights.index]).sum()
    assert by_car.to_dict() == pytest.approx(o["target_weights"], abs=1e-9)
    assert by_car.to_dict() == pytest.approx(o["published"], abs=o["published_tolerance"])
    cost = tree.nodes.set_index("node").loc["Cost", "cr"]
    assert cost == pytest.approx(o["cr_cost_donegan_dodd"], abs=1e-4)


def test_random_index_tables_start_at_three_items_and_grow():
    for name, table in RANDOM_INDEX.items():
        assert random_index_of(2, name) == 0.0 and random_index_of(3, name) == table[0]
        assert max(table) < 1.6 and min(np.diff(table)) > (-0.04 if name == "saaty" else 0)
    assert random_index_of(4, {4: 0.9}) == 0.9


# --- how it behaves


def test_the_worst_judgement_is_the_one_that_was_turned_round():
    rng = np.random.default_rng(11)
    found = tried = 0
    for n in (4, 5, 6):
        for _ in range(12):
            w = np.exp(rng.normal(0, 0.8, n))
            m = from_pairs("abcdef"[:n], [w[i] / w[j] for i, j in combinations(range(n), 2)])
            i, j = sorted(rng.choice(n, 2, replace=False))
            if abs(np.log(m.iloc[i, j])) < np.log(2):
                continue
            right = m.iloc[i, j]
            m.iloc[i, j], m.iloc[j, i] = 1 / right, right
            first = ahp(m).worst.iloc[0]
            tried += 1
            found += (first["row"], first["column"]) == (m.index[i], m.index[j])
            assert first["mended"] == pytest.approx(right, rel=1e-9)
    assert tried > 15 and found == tried


def test_a_repaired_matrix_stands_beside_the_original():
    m = from_pairs("abcd", (2, 4, 1 / 8, 2, 4, 2))  # a-d turned round
    result = ahp(m)
    mended = result.repaired()
    assert not result.consistent and mended.consistent
    assert result.matrix.loc["a", "d"] == 1 / 8 and mended.matrix.loc["a", "d"] == 8.0
    good = ahp(from_pairs("abc", (2, 4, 2)))
    assert good.repaired() is good


def test_geometric_consistency_index_by_hand():
    # a single cycle: every log error is ln(a_ab a_bc / a_ac) / 3 = ln 2 / 3
    # GCI = 2 / (2 x 1) x 3 x (ln 2 / 3)^2
    assert ahp(from_pairs("abc", (2, 2, 2))).gci == pytest.approx(np.log(2) ** 2 / 3, abs=1e-12)
    assert ahp(from_pairs("abc", (2, 2, 2))).gci_limit == 0.3147


LABELLED = {
    "the same index": lambda m: m,
    "labels of their own": lambda m: pd.DataFrame(
        m.to_numpy(), index=m.index.tolist(), columns=m.columns.tolist()
    ),
    "labels as objects": lambda m: m.set_axis(m.index.astype(object)).set_axis(
        m.columns.astype(object), axis=1
    ),
    "items in another order": lambda m: m.iloc[[2, 0, 1], [1, 2, 0]],
    "columns in another order": lambda m: m.iloc[:, [1, 2, 0]],
    "numbers as objects": lambda m: m.astype(object),
    "32 bits": lambda m: m.astype("float32"),
    "lower triangle": lambda m: m.where(np.tril(np.ones((3, 3), dtype=bool))),
}


@pytest.mark.parametrize("how", LABELLED)
def test_a_matrix_counts_alike_however_its_frame_is_labelled(how):
    first = from_pairs("abc", [2, 4, 3])
    second = from_pairs("abc", [1 / 2, 4, 8])
    plain = ahp_group({"x": first, "y": second})
    other = ahp_group({"x": first, "y": LABELLED[how](second)})
    pd.testing.assert_series_equal(other.weights, plain.weights)
    assert other.experts["cr"].to_numpy() == pytest.approx(plain.experts["cr"].to_numpy(), abs=1e-12)


def test_matrices_may_be_arrays():
    frames = {0: from_pairs("abc", [2, 4, 3]), 1: from_pairs("abc", [1 / 2, 4, 8])}
    labelled = ahp_group(frames).weights.to_numpy()
    stack = np.stack([m.to_numpy() for m in frames.values()])
    for given in (stack, dict(enumerate(stack))):
        group = ahp_group(given)
        assert group.weights.to_numpy().tolist() == labelled.tolist()
        assert group.experts["expert"].tolist() == [0, 1] and group.weights.index.tolist() == [0, 1, 2]
    with pytest.raises(DataError, match=r"expert 1, cell \(0, 2\).*found -4"):
        bad = stack.copy()
        bad[1, 0, 2] = -4
        ahp_group(bad)
    with pytest.raises(DataError, match="expert 1: compares other items"):
        ahp_group({0: stack[0], 1: np.eye(2)})
    with pytest.raises(ParameterError, match="must map each expert"):
        ahp_group(stack[0])


def test_experts_weights_and_dropping():
    a, b = from_pairs("abc", (2, 4, 2)), from_pairs("abc", (1, 1, 1))
    crazy = from_pairs("abc", (9, 1 / 9, 9))
    alone = ahp_group({"x": a, "y": b}, expert_weights={"x": 1, "y": 0})
    assert alone.weights.to_dict() == pytest.approx(ahp(a).weights.to_dict(), abs=1e-12)
    assert alone.dropped == ["y"]
    kept = ahp_group({"x": a, "y": b, "z": crazy}, max_cr=0.1)
    assert kept.dropped == ["z"] and "left out: z" in kept.text
    assert kept.weights.to_dict() == pytest.approx(ahp_group({"x": a, "y": b}).weights.to_dict(), abs=1e-12)
    out = ahp_group({"x": a, "y": b, "z": crazy}).leave_one_out
    assert out.loc["z"].tolist() == pytest.approx(kept.weights.tolist(), abs=1e-12)
    assert out.sum(axis=1).tolist() == pytest.approx([1, 1, 1], abs=1e-12)


def test_a_judgement_that_one_expert_lacks_comes_from_the_others():
    a = from_pairs("abc", (2, 4, 2))
    holed = a.copy()
    holed.loc["a", "c"] = holed.loc["c", "a"] = NAN
    for completion in ("lambda_min", "harker"):
        group = ahp_group({"x": a, "y": holed}, completion=completion)
        assert group.weights.tolist() == pytest.approx([4 / 7, 2 / 7, 1 / 7], abs=1e-12)
        assert group.experts["missing"].tolist() == [0, 1]
    both = ahp_group({"x": holed, "y": holed})
    assert both.result.missing == (("a", "c"),)
    assert both.weights.tolist() == pytest.approx([4 / 7, 2 / 7, 1 / 7], abs=1e-12)


CYCLE = [[1, 9, 1 / 9], [1 / 9, 1, 9], [9, 1 / 9, 1]]
BAD_GROUPS = [
    ({}, {}, DataError, "no judgement matrix"),
    ({"x": [[1, 2], [0.5, 1]]}, {}, DataError, "only expert x judged, node Ⅰ-1; a group needs at least 2"),
    ({"x": [[1, 2], [0.5, 1]], "y": [[1, 0], [0, 1]]}, {}, DataError, r"expert y, node Ⅰ-1, cell \(0, 1\)"),
    ({"x": np.ones((2, 2)), "y": np.ones((3, 3))}, {}, DataError, "expert y.*other items"),
    ({"x": np.ones((2, 2)), "y": np.ones((2, 2))}, {"how": "mean"}, ParameterError, "aij, aip"),
    (
        {"x": np.ones((2, 2)), "y": np.ones((2, 2))},
        {"expert_weights": {"x": 1}},
        ParameterError,
        "no weight for y",
    ),
    (
        {"x": np.ones((2, 2)), "y": np.ones((2, 2))},
        {"expert_weights": {"x": 1, "y": -1}},
        ParameterError,
        "of y",
    ),
    (
        {"x": np.ones((2, 2)), "y": np.ones((2, 2))},
        {"expert_weights": {"x": 0, "y": 0}},
        ParameterError,
        ">= 0",
    ),
    ({"x": np.ones((2, 2)), "y": np.ones((2, 2))}, {"max_cr": -1}, ParameterError, "ratio of 0 or more"),
    (
        {"x": CYCLE, "y": CYCLE},
        {"max_cr": 0.1},
        DataError,
        r"no expert.*node Ⅰ-1.*expert x, node Ⅰ-1: CR 6.1.*cell \(.*expert y",
    ),
    ({"x": np.ones((2, 2)), "y": np.ones((2, 2))}, {"max_cr": "0.1"}, ParameterError, "ratio of 0 or more"),
    ({"x": None, "y": None}, {}, ParameterError, "expert x, node Ⅰ-1.*square DataFrame"),
]


@pytest.mark.parametrize(("matrices", "options", "error", "message"), BAD_GROUPS)
def test_impossible_groups_are_refused(matrices, options, error, message):
    with pytest.raises(error, match=message):
        ahp_group(matrices, node="Ⅰ-1", **options)
    with pytest.raises(ParameterError, match="map each expert"):
        ahp_group(list(matrices.values()))


def test_a_tree_hangs_local_weights_and_leaves_the_rest_equal():
    tree = ahp_tree(judged(TOP + SECOND), tree_framework())
    assert tree.local.to_dict() == pytest.approx(
        {"Ⅰ-1": 0.75, "Ⅰ-2": 0.25, "Ⅱ-1": 4 / 7, "Ⅱ-2": 2 / 7, "Ⅱ-3": 1 / 7}, abs=1e-12
    )
    assert tree.global_weights["Ⅱ-1.1"] == pytest.approx(0.75 * 4 / 7 / 2, abs=1e-12)
    assert tree.global_weights["Ⅱ-4.2"] == pytest.approx(0.125, abs=1e-12)
    assert tree.global_weights.sum() == pytest.approx(1, abs=1e-12)
    assert list(tree.experts.columns)[:7] == ["expert", "node", "lambda_max", "ci", "cr", "consistent", "n"]
    assert tree.hierarchy["level"].tolist() == ["1", "2", "total"]
    assert "2 experts judged 2 nodes" in repr(tree) and "<table" in tree._repr_html_()
    assert tree.individual.groupby(["expert", "node"])["weight"].sum().round(12).eq(1).all()


def test_codes_may_be_typed_in_any_way_and_rows_in_any_order():
    plain = judged(TOP + SECOND)
    other = plain.sample(frac=1, random_state=4).replace({"Ⅰ-1": "I-1", "Ⅱ-3": "II-3"})
    a, b = (ahp_tree(t, tree_framework()).global_weights for t in (plain, other))
    assert a.to_dict() == pytest.approx(b.to_dict(), abs=1e-15)


def test_consistency_of_the_hierarchy_by_hand():
    rows = TOP + [(e, "Ⅰ-1", r, c, 2) for e in "xy" for r, c in combinations(("Ⅱ-1", "Ⅱ-2", "Ⅱ-3"), 2)]
    tree = ahp_tree(judged(rows), tree_framework())
    ci = ahp(from_pairs("abc", (2, 2, 2))).ci
    # level 2: one judged node of weight 0.75; level 1 has two items, CI = RI = 0
    assert tree.hierarchy["ci"].tolist() == pytest.approx([0, 0.75 * ci, 0.75 * ci], abs=1e-12)
    assert tree.hierarchy["cr"].tolist() == pytest.approx([0, ci / 0.58, ci / 0.58], abs=1e-12)


BAD_TREES = [
    (judged([]), "empty"),
    (judged(TOP).drop(columns="value"), "no column value"),
    (pd.concat([judged(TOP), judged(TOP).assign(period="2019Q3")]), "mix periods"),
    (judged([("x", "Ⅰ-9", "Ⅱ-1", "Ⅱ-2", 3)]), r"node Ⅰ-9 is not in the framework \(expert x\)"),
    (judged([("x", "Ⅱ-1.1", "Ⅱ-1", "Ⅱ-2", 3)]), "nothing below it"),
    (judged([("x", "Ⅰ-1", "Ⅱ-1", "Ⅱ-4", 3)]), r"node Ⅰ-1: Ⅱ-4 is not one of its children.*\(expert x\)"),
    (judged([*TOP, ("专家01", "total", "I-1", "I-2", 5)]), r"more than once: expert 专家01, node total"),
    (judged([("x", "total", "Ⅰ-1", None, 3)]), r"without column: expert x, node total, cell \(Ⅰ-1, "),
    (
        judged([(e, n, r, c, -v) for e, n, r, c, v in TOP + SECOND]),  # all nodes at once
        r"专家01, node total, cell.*专家01, node Ⅰ-1, cell \(Ⅱ-1, Ⅱ-2\)",
    ),
    (judged([("x", "total", "Ⅰ-1", "Ⅰ-2", "三")]), r"no numbers: expert x, node total, cell \(Ⅰ-1, Ⅰ-2\)"),
    (judged([("x", "total", "Ⅰ-1", "Ⅰ-2", -3)]), r"expert x, node total, cell \(Ⅰ-1, Ⅰ-2\).*found -3"),
    (judged(TOP[:1]), "only expert 专家01 judged, node total"),
    (
        judged([(e, "Ⅰ-1", "Ⅱ-1", "Ⅱ-2", 3) for e in "xy"]),
        r"expert x, node Ⅰ-1: no chain of judgements connects Ⅱ-1, Ⅱ-2 \| Ⅱ-3",
    ),
]


@pytest.mark.parametrize(("table", "message"), BAD_TREES)
def test_judgements_that_do_not_fit_are_refused(table, message):
    with pytest.raises(DataError, match=message):
        ahp_tree(table, tree_framework())


def test_bootstrap_over_experts():
    rng = np.random.default_rng(5)
    rows = []
    for e in range(8):
        a, b, c = np.exp(rng.normal([0.8, 0.4, 0.0], 0.2))
        rows += [(f"e{e}", "Ⅰ-1", "Ⅱ-1", "Ⅱ-2", a / b), (f"e{e}", "Ⅰ-1", "Ⅱ-1", "Ⅱ-3", a / c)]
        rows += [(f"e{e}", "Ⅰ-1", "Ⅱ-2", "Ⅱ-3", b / c), (f"e{e}", "total", "Ⅰ-1", "Ⅰ-2", 3.0)]
    table, framework = judged(rows), tree_framework()
    tree = ahp_tree(table, framework)
    draws = bootstrap_weights(table, framework, draws=400, seed=1)
    assert draws.shape == (400, 8) and list(draws.columns) == list(framework.leaves)
    assert draws.sum(axis=1).to_numpy() == pytest.approx(np.ones(400), abs=1e-12)
    pd.testing.assert_frame_equal(draws, bootstrap_weights(tree, framework, draws=400, seed=1))
    # the node that all judge alike does not move; the mean of the draws is close to the tree
    assert draws["Ⅱ-4.1"].std() < 1e-12
    assert np.abs(draws.mean() - tree.global_weights).max() < 0.01
    band = weight_intervals(draws)
    assert ((band["ci_low"] <= tree.global_weights) & (tree.global_weights <= band["ci_high"])).all()
    pairs = indistinguishable(draws)
    assert ("Ⅱ-1.1", "Ⅱ-1.2") in set(zip(pairs["first"], pairs["second"], strict=True))
    assert ("Ⅱ-1.1", "Ⅱ-3.1") not in set(zip(pairs["first"], pairs["second"], strict=True))
    # one resample by hand: the tree of experts drawn with repetition, as expert weights
    counts = np.random.default_rng(1).multinomial(8, np.full(8, 1 / 8), size=400)[0]
    by_hand = ahp_tree(table, framework, expert_weights={f"e{k}": c for k, c in enumerate(counts)})
    assert draws.iloc[0].to_dict() == pytest.approx(by_hand.global_weights.to_dict(), abs=1e-12)


def test_bootstrap_refuses_what_cannot_vary():
    table, framework = judged(TOP + SECOND), tree_framework()
    with pytest.raises(DataError, match="at least two"):
        bootstrap_weights(table, framework, draws=5, seed=1, expert_weights={"专家01": 1, "专家02": 0})
    with pytest.raises(ParameterError, match="draws must be a whole number"):
        bootstrap_weights(table, framework, draws=0, seed=1)
    with pytest.raises(ParameterError, match="seed must be a whole number"):
        bootstrap_weights(table, framework, draws=5, seed=-1)
    with pytest.raises(ParameterError, match="confidence"):
        weight_intervals(bootstrap_weights(table, framework, draws=5, seed=1), confidence=95)
