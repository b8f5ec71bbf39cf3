"""How firmly weights stand: resample the experts, or the units, and weigh again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.framework import Framework
from commlab.weights.tree import AHPTree, ahp_tree

__all__ = ["bootstrap_units", "bootstrap_weights", "indistinguishable", "weight_intervals"]

ATTEMPTS = 100
"""Resamples that leave a node without experts, or units all alike, are drawn again this many times."""


def bootstrap_weights(
    judgments: pd.DataFrame | AHPTree, framework: Framework, *, draws: int = 1_000, seed: int, **options: Any
) -> pd.DataFrame:
    """Global weights when experts are drawn again with replacement.

    The experts are drawn whole: one draw uses the same experts in every node, so that weights of different
    nodes move together as they do between panels.

    Parameters
    ----------
    judgments : DataFrame or AHPTree
        The clean table, or a tree that ``ahp_tree`` built from it (then without ``options``).
    framework : Framework
        The one the judgements belong to.
    draws : int
        Number of resamples.
    seed : int
        Same seed, same draws.
    **options
        As in ``ahp_tree``. Experts dropped there are not drawn.

    Returns
    -------
    DataFrame, shape (draws, leaves)
        Rows sum to 1; ``scoring.rank_uncertainty`` takes it as ``weights``.

    Raises
    ------
    DataError
        If fewer than two experts are used, or resamples keep leaving some node without experts.
    """
    _check_draws(draws, seed)
    if isinstance(judgments, AHPTree):
        if options:
            raise ParameterError(f"a finished tree has its options already; leave out {listing(options)}")
        tree = judgments
    else:
        tree = ahp_tree(judgments, framework, **options)
    used = tree.experts[tree.experts["used"]]
    people = pd.Index(used["expert"].unique())
    if len(people) < 2:
        raise DataError("resampling experts needs at least two of them; only one is used")
    rng = np.random.default_rng(seed)
    present = np.stack([people.isin(part["expert"]) for _, part in used.groupby("node", sort=False)])
    counts = _counts(rng, draws, len(people), present)
    weighted = tree.framework
    leaves = list(weighted.leaves)
    # a leaf's weight is a product over its ancestors: replace the factor of each judged node by its draws
    out = np.repeat(tree.global_weights.loc[leaves].to_numpy()[None], draws, axis=0)
    for group in tree.groups.values():
        seat = people.get_indexer(group.experts["expert"])
        say = np.where(seat >= 0, counts[:, np.maximum(seat, 0)], 0) * group.experts["share"].to_numpy()
        local = group.weights_with(say)
        factor = local / group.weights.to_numpy()
        for k, code in enumerate(group.weights.index):
            below = [leaves.index(leaf) for leaf in weighted.leaves_of(code)]
            out[:, below] *= factor[:, [k]]
    out /= out.sum(axis=1, keepdims=True)
    return pd.DataFrame(out, columns=pd.Index(leaves, name="code"), index=pd.RangeIndex(draws, name="draw"))


def _counts(rng: np.random.Generator, draws: int, people: int, present: np.ndarray) -> np.ndarray:
    chance = np.full(people, 1 / people)
    counts = rng.multinomial(people, chance, size=draws)
    for _ in range(ATTEMPTS):
        bare = ((counts @ present.T.astype(float)) == 0).any(axis=1)
        if not bare.any():
            return counts
        counts[bare] = rng.multinomial(people, chance, size=int(bare.sum()))
    raise DataError("resamples keep leaving a node without experts: too few experts judged it; ask for more")


def bootstrap_units(
    scores: pd.DataFrame,
    method: Callable[..., pd.Series],
    *,
    draws: int = 1_000,
    seed: int,
    **options: Any,
) -> pd.DataFrame:
    """Data weights when units are drawn again with replacement.

    Parameters
    ----------
    scores : DataFrame, shape (n_units, n_indicators)
    method : callable
        ``entropy``, ``critic`` or another that takes scores and returns weights.
    draws, seed
        As in ``bootstrap_weights``.
    **options
        Passed on to ``method`` (directions, ...).

    Returns
    -------
    DataFrame, shape (draws, n_indicators)

    Raises
    ------
    DataError
        If the method refuses the scores themselves, or every resample of some draw.

    Notes
    -----
    A resample on which no weights exist (all its units alike) is drawn again.
    """
    _check_draws(draws, seed)
    whole = method(scores, **options)
    rng = np.random.default_rng(seed)
    out = np.empty((draws, len(whole)))
    for d in range(draws):
        for _ in range(ATTEMPTS):
            try:
                out[d] = method(scores.iloc[rng.integers(0, len(scores), len(scores))], **options).to_numpy()
                break
            except DataError:
                continue
        else:
            raise DataError(
                f"{ATTEMPTS} resamples in a row have no weights: {len(scores)} units are too few or too alike"
            )
    return pd.DataFrame(out, columns=whole.index, index=pd.RangeIndex(draws, name="draw"))


def weight_intervals(draws: pd.DataFrame, *, confidence: float = 0.95) -> pd.DataFrame:
    """Percentile interval of every weight.

    Parameters
    ----------
    draws : DataFrame, shape (draws, codes)
    confidence : float

    Returns
    -------
    DataFrame
        Index code; columns median, se (standard deviation over draws), ci_low, ci_high.
    """
    tail = _tail(draws, confidence)
    x = draws.to_numpy()
    low, median, high = np.quantile(x, [tail, 0.5, 1 - tail], axis=0)
    return pd.DataFrame(
        {"median": median, "se": x.std(axis=0, ddof=1), "ci_low": low, "ci_high": high}, index=draws.columns
    )


def indistinguishable(draws: pd.DataFrame, *, confidence: float = 0.95) -> pd.DataFrame:
    """Pairs of indicators whose weights the draws cannot tell apart.

    Parameters
    ----------
    draws : DataFrame, shape (draws, codes)
    confidence : float

    Returns
    -------
    DataFrame
        first, second, ci_low, ci_high (of first minus second, 0 inside), share_first_higher.
    """
    tail = _tail(draws, confidence)
    x = draws.to_numpy()
    rows, columns = np.triu_indices(x.shape[1], 1)
    parts = []
    for i in range(x.shape[1] - 1):
        difference = x[:, [i]] - x[:, i + 1 :]
        low, high = np.quantile(difference, [tail, 1 - tail], axis=0)
        higher = (difference > 0).mean(axis=0) + (difference == 0).mean(axis=0) / 2
        parts.append(np.column_stack([low, high, higher]))
    values = np.concatenate(parts) if parts else np.empty((0, 3))
    table = pd.DataFrame(values, columns=["ci_low", "ci_high", "share_first_higher"])
    table.insert(0, "first", draws.columns[rows])
    table.insert(1, "second", draws.columns[columns])
    return table[(table["ci_low"] <= 0) & (table["ci_high"] >= 0)].reset_index(drop=True)


def _check_draws(draws: int, seed: int) -> None:
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ParameterError(f"seed must be a whole number of at least 0; found {seed!r}")
    if isinstance(draws, bool) or not isinstance(draws, (int, np.integer)) or draws < 1:
        raise ParameterError(f"draws must be a whole number of at least 1; found {draws!r}")


def _tail(draws: pd.DataFrame, confidence: float) -> float:
    if not 0 < confidence < 1:
        raise ParameterError(f"confidence must lie between 0 and 1; found {confidence}")
    if len(draws) < 2:
        raise DataError(f"an interval needs at least two draws; found {len(draws)}")
    holes = draws.columns[draws.isna().any()]
    if len(holes):
        raise DataError(f"draws have no value for {listing(holes)}; every draw weighs every indicator")
    return (1 - confidence) / 2
