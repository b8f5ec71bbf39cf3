"""Comparison among equals: cases worked by hand, and the laws of places."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commlab.errors import DataError, ParameterError
from commlab.processes import among_peers


def of(values: list[float], groups: list[str | None], **more: int) -> pd.DataFrame:
    units = [f"u{i}" for i in range(len(values))]
    return among_peers(pd.Series(values, units, dtype=float), pd.Series(groups, units), **more)


@pytest.mark.parametrize(
    ("values", "better", "rank", "percentile"),
    [
        ([80, 90, 70], 1, [2, 1, 3], [0.5, 1, 0]),
        ([80, 90, 70], -1, [2, 3, 1], [0.5, 0, 1]),
        ([80, 80, 70], 1, [1, 1, 3], [0.75, 0.75, 0]),
        ([80, 80, 80], 1, [1, 1, 1], [0.5, 0.5, 0.5]),
        ([80, np.nan, 70], 1, [np.nan] * 3, [np.nan] * 3),
        ([], 1, [], []),
    ],
)
def test_places_in_one_group(
    values: list[float], better: int, rank: list[float], percentile: list[float]
) -> None:
    got = of(values, ["a"] * len(values), least=3, better=better)
    np.testing.assert_array_equal(got["rank"], rank)
    np.testing.assert_allclose(got["percentile"], percentile)


def test_a_small_group_is_shown_and_not_placed() -> None:
    got = of([1, 2, 3, 9], ["a", "a", "a", "b"], least=2)
    assert got["n"].tolist() == [3, 3, 3, 1] and got["median"].tolist() == [2, 2, 2, 9]
    assert got["rank"].isna().tolist() == [False, False, False, True]


@pytest.mark.parametrize(
    ("more", "error", "told"),
    [
        ({"least": 1}, ParameterError, "at least 2"),
        ({"better": 0}, ParameterError, "1 or -1"),
    ],
)
def test_requests_that_are_refused(more: dict[str, int], error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        of([1, 2], ["a", "a"], **more)


def test_a_value_without_a_group_is_refused() -> None:
    with pytest.raises(DataError, match="u1"):
        of([1, 2], ["a", None])
    with pytest.raises(DataError, match="more than once"):
        among_peers(pd.Series([1.0, 2.0], ["a", "a"]), pd.Series(["x"], ["a"]))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from("ab")), min_size=2, max_size=20))
def test_laws_of_places(rows: list[tuple[int, str]]) -> None:
    values, groups = [float(v) for v, _ in rows], [g for _, g in rows]
    up, down = of(values, groups, least=2), of(values, groups, least=2, better=-1)
    placed = up["percentile"].notna()
    np.testing.assert_allclose(up["percentile"][placed] + down["percentile"][placed], 1)
    for _, inside in up[placed].groupby("group"):
        assert abs(inside["percentile"].mean() - 0.5) < 1e-12
