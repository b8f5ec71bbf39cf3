"""A wide table of leaf scores carried up the tree at the speed of arrays."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.framework import TOTAL, Framework
from commlab.scoring.aggregate import Tree, chosen_means
from commlab.scoring.leaves import MISSING, Leaves

__all__ = ["aggregate_wide"]

_ROUNDING = 1e-9


def aggregate_wide(
    X: pd.DataFrame,
    framework: Framework,
    *,
    how: str | Mapping[str, str] = "arithmetic",
    missing: str = "measured",
    applicable: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Carry a wide table of leaf scores up the tree: the same numbers as ``aggregate``, at the speed of arrays.

    Parameters
    ----------
    X : DataFrame, shape (n_units, n_leaves)
        Scores of leaves in points (0 to full marks), NaN where nothing was measured; a column a leaf, any order.
    framework : Framework
    how, missing : str
        As for ``aggregate``.
    applicable : DataFrame of bool, same shape, optional
        False: the leaf does not concern the unit. Default: all do.

    Returns
    -------
    DataFrame, shape (n_units, 1 + n_nodes)
        Score of ``total`` and of every node in points.

    Raises
    ------
    DataError
        If a leaf is lacking or a score is not a number from 0 to full marks.
    ParameterError
        If ``how`` or ``missing`` is not known.

    Examples
    --------
    >>> from commlab.framework import load_framework
    >>> kunming = load_framework("kunming_2018")
    >>> X = pd.DataFrame(80.0, index=["a"], columns=list(kunming.leaves))
    >>> float(aggregate_wide(X, kunming).loc["a", "total"].round(9))
    80.0
    """
    if not isinstance(X, pd.DataFrame):
        raise ParameterError(f"X is a frame of units x leaves, not {type(X).__name__}")
    hows, columns = chosen_means(framework, how), list(framework.leaves)
    lacking = [c for c in columns if c not in X]
    if lacking:
        raise DataError(f"the scores lack the leaves {listing(lacking)}")
    if missing not in MISSING:
        raise ParameterError(f"missing is {missing!r}; it must be one of {', '.join(MISSING)}")
    again = X.index[X.index.duplicated()]
    if len(again):
        raise DataError(f"units have more than one row: {listing(again.unique())}")
    table = X if list(X.columns) == columns else X[columns]
    try:
        points = np.asfortranarray(table.to_numpy(dtype=float))
    except (TypeError, ValueError):
        raise DataError("the scores are not all numbers") from None
    full = np.array([framework.full(c) for c in columns])
    with np.errstate(invalid="ignore"):
        low, high = points.min(axis=0, initial=np.inf), points.max(axis=0, initial=-np.inf)
    every = applicable is None and bool(np.isfinite(low).all() and np.isfinite(high).all())
    if not every or (low < 0).any() or (high > full * (1 + _ROUNDING)).any():
        wrong = (points < 0) | (points > full * (1 + _ROUNDING))
        if wrong.any():
            i, j = np.argwhere(wrong)[0]
            where = f"{X.index[i]} {columns[j]}: {points[i, j]:g}"
            raise DataError(f"{int(wrong.sum())} score(s) are below 0 or above full marks, first {where}")
    # means do not mind the scale: where all nodes have the same full marks, points are carried as they are
    even = {framework.full(c) for c in [TOTAL, *(n.code for n in framework.nodes)]} == {full[0]}
    share, applies, covered = (
        points if even else points / full,
        np.broadcast_to(True, points.shape),
        np.broadcast_to(1.0, points.shape),
    )
    if not every:
        if applicable is not None:
            applies = np.asfortranarray(
                applicable.reindex(index=X.index, columns=columns).to_numpy(dtype=bool)
            )
        seen = np.isfinite(points) & applies
        share = np.where(seen, share, 0.0 if missing == "zero" else np.nan)
        share = np.where(applies, share, np.nan)
        covered = np.where(applies, seen, np.nan)
    still, none = np.broadcast_to(0.0, points.shape), np.broadcast_to(False, points.shape)
    leaves = Leaves(X.index, share, applies, covered, still, none, (), plain=every)
    return Tree(framework, leaves, hows).wide(X.index, points=even)
