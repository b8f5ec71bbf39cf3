"""The analytic hierarchy process for one judgement matrix (Saaty 1977, 1980).

``ahp`` turns a matrix of "how many times does the row outweigh the column" into weights, says how far the
judgements contradict each other, and which of them do so most.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import ParameterError
from commlab.weights.kernels import complete, harker_form, lambda_of, perron, priorities
from commlab.weights.matrix import EXACT, SCALE_MAX, Stack, as_items, check_stack
from commlab.weights.random_index import random_index_of
from commlab.weights.told import Told

__all__ = ["AHP", "CR_LIMIT", "GCI_LIMIT", "Solved", "ahp", "solve"]

CR_LIMIT = 0.1
"""A consistency ratio up to this passes (Saaty 1980)."""
GCI_LIMIT = {3: 0.3147, 4: 0.3526}
"""By number of items, the geometric consistency index that answers to CR = 0.1 (Aguaron and Moreno-Jimenez
2003)."""
GCI_LIMIT_MORE = 0.370
FILLED = {"lambda_min": "completed by the smallest lambda_max", "harker": "left out by Harker's method"}
"""By completion, what becomes of judgements not made."""
RandomIndex = str | float | Mapping[int, float]


@dataclass(frozen=True)
class Solved:
    """Weights and consistency of a stack: arrays with one entry (or row) a matrix."""

    full: np.ndarray
    weights: np.ndarray
    lambda_max: np.ndarray
    ci: np.ndarray
    cr: np.ndarray


def solve(
    stack: Stack,
    *,
    method: str = "eigenvector",
    completion: str = "lambda_min",
    random_index: RandomIndex = "saaty",
) -> Solved:
    """Weights and consistency of every matrix of a stack. Parameters as in ``ahp``."""
    if completion not in FILLED:
        raise ParameterError(f"completion must be one of {', '.join(FILLED)}; found {completion!r}")
    a, n = stack.values, len(stack.items)
    gaps = np.flatnonzero(stack.missing)
    full = used = a
    if len(gaps):
        full = used = a.copy()
        full[gaps] = complete(a[gaps])
        if completion == "harker":
            if method != "eigenvector":
                raise ParameterError(
                    f"Harker's completion is an eigenvector method; it cannot go with {method!r}"
                )
            used = full.copy()
            used[gaps] = harker_form(a[gaps])
    w = priorities(used, method)
    lam = np.maximum(lambda_of(used, w), n)  # lambda_max >= n; below is rounding
    ci = (lam - n) / max(n - 1, 1)  # (1) CI = (lambda_max - n) / (n - 1)
    ri = random_index_of(n, random_index)
    cr = ci / ri if ri else np.zeros_like(ci)  # (2) CR = CI / RI
    return Solved(full, w, lam, ci, cr)


def _gci(a: np.ndarray, full: np.ndarray) -> np.ndarray:
    # (3) GCI = 2 / ((n-1)(n-2)) sum_{i<j} ln^2(a_ij w_j / w_i), w the row geometric means (Crawford and
    # Williams 1985); cells that nobody judged add nothing
    n = full.shape[1]
    if n < 3:
        return np.zeros(len(full))
    logs = np.log(full)
    r = logs.mean(axis=2)
    errors = np.where(np.isnan(a), 0.0, logs - r[:, :, None] + r[:, None, :])
    return (errors**2).sum(axis=(1, 2)) / ((n - 1) * (n - 2))


@dataclass(frozen=True, eq=False, repr=False)
class AHP(Told):
    """Weights from one judgement matrix and how consistent it is.

    ``weights`` Series over the items, summing to 1; ``lambda_max``, ``ci``, ``cr`` the largest eigenvalue,
    consistency index and ratio; ``consistent`` whether cr <= 0.1; ``gci`` the geometric consistency index and
    ``gci_limit`` its bound; ``matrix`` the matrix used, with ``missing`` cells completed; ``outside_scale``
    judgements beyond 9 or 1/9 (used as they are, to be queried).
    """

    weights: pd.Series
    lambda_max: float
    ci: float
    cr: float
    consistent: bool
    gci: float
    matrix: pd.DataFrame = field(repr=False)
    missing: tuple[tuple[Any, Any], ...] = ()
    outside_scale: tuple[str, ...] = ()
    method: str = "eigenvector"
    completion: str = "lambda_min"
    random_index: RandomIndex = "saaty"

    @property
    def n(self) -> int:
        """Number of items."""
        return len(self.weights)

    @property
    def gci_limit(self) -> float:
        """The index that answers to a ratio of 0.1 for this number of items."""
        return GCI_LIMIT.get(self.n, GCI_LIMIT_MORE)

    @property
    def text(self) -> str:
        """The result in one sentence."""
        verdict = "passes" if self.consistent else "fails"
        gaps = f"; {len(self.missing)} judgements missing, {FILLED[self.completion]}" if self.missing else ""
        return (
            f"{self.n} items, lambda_max {self.lambda_max:.4f}, CR {self.cr:.4f} ({self.random_index} random "
            f"index): "
            f"{verdict} the consistency test (CR <= {CR_LIMIT:g}){gaps}"
        )

    @cached_property
    def worst(self) -> pd.DataFrame:
        """Judgements ranked by how much they drive inconsistency, with the value that would mend each.

        Columns: ``row``, ``column``, ``value`` (the judgement), ``gradient`` (d lambda_max / d a_ij, Harker
        1987),
        ``elasticity`` (d lambda_max / d ln a_ij, which ranks: it does not depend on which of the two is the
        row),
        ``mended`` (the value that makes lambda_max smallest, all others kept), ``mended_scale`` (the nearest
        step of the 1-9 scale), ``lambda_max`` and ``cr`` with the mended value. Pairs stand in the order of
        the matrix, row before column; pairs that nobody judged are left out.
        """
        return _worst(self)

    def repaired(self, *, target: float = CR_LIMIT, steps: int = 10) -> AHP:
        """A more consistent matrix beside this one: mend the worst judgement until the ratio is ``target``.

        The original stays as it is; print both and ask the expert, because a consistent answer is not yet
        his.
        """
        current = self
        for _ in range(steps):
            better = current.cr > target and _mended_once(current)
            if not better:
                break
            current = better
        return current


def ahp(
    matrix: pd.DataFrame,
    *,
    method: str = "eigenvector",
    completion: str = "lambda_min",
    random_index: RandomIndex = "saaty",
    name: str = "",
) -> AHP:
    """Weigh items by pairwise comparison.

    Parameters
    ----------
    matrix : DataFrame, shape (n, n)
        ``matrix.loc[i, j]`` = how many times i outweighs j; ones on the diagonal; NaN = not judged.
    method : str
        ``eigenvector``, ``geometric_mean`` (方根法) or ``column_mean`` (和积法).
    completion : str
        For missing cells: ``lambda_min`` fills them so that lambda_max is smallest (Bozoki et al. 2010);
        ``harker`` gives each row one more on the diagonal for each missing cell (Harker 1987). The two
        differ.
    random_index : str, float or mapping
        Name of a table in ``RANDOM_INDEX``, the index itself, or one's own table.
    name : str, optional
        Whose matrix it is, for error messages.

    Returns
    -------
    AHP

    Raises
    ------
    DataError
        If the matrix is not square or reciprocal, a judgement is not positive and finite, or the judgements
        do not connect all items (all faults, each with its cell).
    ParameterError
        If an option is unknown, or the random-index table does not reach n.

    Notes
    -----
    (1) A w = lambda_max w    (2) CI = (lambda_max - n) / (n - 1)    (3) CR = CI / RI
    Source: Saaty, J. Math. Psychology 15 (1977) 234-281.

    >>> m = pd.DataFrame([[1, 2, 4], [1/2, 1, 2], [1/4, 1/2, 1]], index=list("abc"), columns=list("abc"))
    >>> ahp(m).weights.round(4).to_dict()
    {'a': 0.5714, 'b': 0.2857, 'c': 0.1429}
    """
    frame = as_items(matrix, name)
    stack = check_stack(frame.index, frame.to_numpy()[None], lambda _: name)
    done = solve(stack, method=method, completion=completion, random_index=random_index)
    items = frame.index
    gaps = tuple((items[i], items[j]) for i, j in np.argwhere(np.triu(np.isnan(stack.values[0]))))
    return AHP(
        weights=pd.Series(done.weights[0], index=items, name="weight"),
        lambda_max=float(done.lambda_max[0]),
        ci=float(done.ci[0]),
        cr=float(done.cr[0]),
        consistent=bool(done.cr[0] <= CR_LIMIT),
        gci=float(_gci(stack.values, done.full)[0]),
        matrix=pd.DataFrame(done.full[0], index=items, columns=items),
        missing=gaps,
        outside_scale=stack.outside[0],
        method=method,
        completion=completion,
        random_index=random_index,
    )


def _mended_once(result: AHP) -> AHP | None:
    """The matrix with its worst mendable judgement at the best step; None where no step helps."""
    for row, column, step in result.worst[["row", "column", "mended_scale"]].itertuples(index=False):
        matrix = result.matrix.copy()
        for i, j in result.missing:  # completed again, not taken for judgements
            matrix.loc[i, j] = matrix.loc[j, i] = np.nan
        matrix.loc[row, column], matrix.loc[column, row] = step, 1 / step
        options = {"method": result.method, "completion": result.completion}
        trial = ahp(matrix, random_index=result.random_index, **options)
        if trial.cr < result.cr - EXACT:
            return trial
    return None


def _worst(result: AHP) -> pd.DataFrame:
    a, items, n = result.matrix.to_numpy(), result.matrix.index, result.n
    gaps = {(items.get_loc(i), items.get_loc(j)) for i, j in result.missing}
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n) if (i, j) not in gaps]
    rows = np.array([i for i, _ in pairs], dtype=int)
    columns = np.array([j for _, j in pairs], dtype=int)
    x, y = perron(np.stack([a, a.T]))
    y = y / (y @ x)
    value = a[rows, columns]
    gradient = y[rows] * x[columns] - y[columns] * x[rows] / value**2  # D_ij = y_i x_j - y_j x_i / a_ij^2
    mended, lam = _mend(a, rows, columns)
    ri = random_index_of(n, result.random_index)
    steps = np.arange(1, SCALE_MAX + 1)
    steps = np.concatenate([1 / steps[:0:-1], steps])
    nearest = np.abs(np.log(mended)[:, None] - np.log(steps)).argmin(axis=1)
    elasticity = gradient * value
    table = pd.DataFrame(
        {
            "row": items[rows],
            "column": items[columns],
            "value": value,
            "gradient": gradient,
            "elasticity": elasticity,
            "mended": mended,
            "mended_scale": steps[nearest],
            "lambda_max": lam,
            "cr": (lam - n) / (n - 1) / ri if ri else np.zeros(len(pairs)),
        }
    )
    # ties (three items have one cycle only) are broken by the gradient; rounding keeps ties equal
    order = np.lexsort((-np.abs(gradient).round(12), -np.abs(elasticity).round(12)))
    return table.iloc[order].reset_index(drop=True)


def _mend(a: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # one copy of the matrix for each pair, that pair set to where d lambda / d ln a_ij = 0, all others kept
    k, n = len(rows), len(a)
    if n < 3:
        return a[rows, columns].copy(), np.full(k, float(n))
    full = np.repeat(a[None], k, axis=0)
    x, each = np.log(a[rows, columns]), np.arange(k)
    for _ in range(200):
        w = np.log(perron(full))
        y = np.log(perron(np.swapaxes(full, 1, 2)))
        gap = (y[each, columns] - y[each, rows] + w[each, rows] - w[each, columns]) / 2 - x
        x = x + gap / (1 - 2 / n)
        full[each, rows, columns], full[each, columns, rows] = np.exp(x), np.exp(-x)
        if np.abs(gap).max(initial=0.0) <= 1e-13:
            break
    return np.exp(x), np.maximum(lambda_of(full, perron(full)), n)
