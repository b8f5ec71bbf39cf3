"""A panel of experts: their matrices, their say, and the one matrix or set of weights they come to."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import ParameterError, listing
from commlab.weights.ahp import Solved
from commlab.weights.kernels import complete, harker_form, priorities
from commlab.weights.matrix import Stack

__all__ = ["Panel", "expert_shares", "group_weights"]


@dataclass(frozen=True)
class Panel:
    """What a group's result was computed from: arrays with one entry an expert."""

    experts: tuple[Any, ...]
    stack: Stack
    solved: Solved
    say: np.ndarray
    share: np.ndarray
    used: np.ndarray


def expert_shares(
    experts: Sequence[Hashable], expert_weights: Mapping[Any, float] | pd.Series | None
) -> np.ndarray:
    """Each expert's say, not yet normalised; 1 each where nothing is declared.

    Raises
    ------
    ParameterError
        If an expert has no weight, or a weight is missing, negative or infinite, or all are zero.
    """
    if expert_weights is None:
        return np.ones(len(experts))
    given = pd.to_numeric(pd.Series(expert_weights), errors="coerce").astype("float64")
    if not given.index.is_unique:
        again = given.index[given.index.duplicated()].unique()
        raise ParameterError(
            f"expert_weights names {listing(again)} more than once; give each expert one weight"
        )
    absent = [e for e in experts if e not in given.index]
    if absent:
        raise ParameterError(
            f"expert_weights has no weight for {listing(absent)}; give every expert one (0 leaves out)"
        )
    shares = given.loc[list(experts)].to_numpy()
    odd = [e for e, s in zip(experts, shares, strict=True) if not (np.isfinite(s) and s >= 0)]
    if odd or not shares.sum() > 0:
        raise ParameterError(
            f"expert weights must be numbers >= 0 with at least one above 0; mend those of {listing(odd or experts)}"
        )
    return shares


def group_weights(
    stack: Stack, shares: np.ndarray, own: np.ndarray, *, how: str, mean: str, method: str, completion: str
) -> tuple[np.ndarray, np.ndarray]:
    """Group weights (draws, n) and group matrices (draws, n, n) for one row of expert shares a draw.

    Parameters
    ----------
    stack : Stack
        One matrix an expert.
    shares : array, shape (draws, experts)
        Non-negative; every row has at least one positive share.
    own : array, shape (experts, n)
        Each expert's own weights.
    """
    # (1) ln g_ij = sum_e s_e ln a_ij^e / sum_e s_e over the experts who judged the pair
    if stack.missing.any():
        judged = ~np.isnan(stack.logs)
        total = np.tensordot(shares, judged.astype(float), axes=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            matrix = np.exp(np.tensordot(shares, np.where(judged, stack.logs, 0.0), axes=1) / total)
        matrix = np.where(total > 0, matrix, np.nan)
    else:
        matrix = np.exp(np.tensordot(shares, stack.logs, axes=1) / shares.sum(axis=1)[:, None, None])
    if how == "aip":
        say = shares / shares.sum(axis=1, keepdims=True)
        if mean == "arithmetic":
            w = say @ own
        else:
            w = np.exp(say @ np.log(own))
        return w / w.sum(axis=1, keepdims=True), matrix
    gaps = np.flatnonzero(np.isnan(matrix).any(axis=(1, 2)))
    used = matrix
    if len(gaps):
        used = matrix.copy()
        used[gaps] = harker_form(matrix[gaps]) if completion == "harker" else complete(matrix[gaps])
    return priorities(used, method), matrix
