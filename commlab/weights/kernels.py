"""Priorities of whole stacks of judgement matrices at once.

All functions take arrays of shape (matrices, n, n) and know nothing of labels. A stack of 25,000 matrices
costs about as much as a few hundred through a loop, because every step is one array operation.
"""

from __future__ import annotations

import numpy as np

from commlab.errors import ParameterError

__all__ = ["METHODS", "complete", "harker_form", "lambda_of", "perron", "priorities"]

SETTLED = 1e-13
"""Change in one step at which a vector stands."""
EXPECTED = 1e-16
"""Error left after a step, judged by the last two, at which it stands too."""
SQUARINGS = 3
"""Squarings between two scalings: entries that sum to 1 stay at most 1 and do not vanish."""
MAX_ROUNDS = 20
"""2 ** 60 power steps: a matrix that has not converged by then is not primitive."""
MAX_STEPS = 500
METHODS = ("eigenvector", "geometric_mean", "column_mean")


def perron(a: np.ndarray) -> np.ndarray:
    """Right Perron vectors, each summing to 1, by power steps with the eighth power and its own powers.

    Products of positive numbers lose no digits to cancellation, so the result is exact to rounding. A matrix
    leaves the stack when its vector stands: what is found for it does not depend on the others.

    Parameters
    ----------
    a : array, shape (matrices, n, n)
        Non-negative and primitive (a connected judgement matrix is).
    """
    w = _sums(a)
    total = _sums(w)
    power = a / total[:, None, None]
    w /= total[:, None]
    left = np.arange(len(a))
    for _ in range(MAX_ROUNDS):
        for _ in range(SQUARINGS):
            power = np.matmul(power, power)
        power /= _sums(power.reshape(len(left), -1))[:, None, None]
        start = w[left]
        first = _stepped(power, start)
        second = _stepped(power, first)
        w[left] = second
        # two steps tell how fast the error shrinks, and so what is left of it: |step 2| ** 2 / |step 1|
        one, two = _squares(first - start), _squares(second - first)
        moving = (two > SETTLED**2) & (two**2 > EXPECTED**2 * one)
        if not moving.any():
            break
        left, power = left[moving], power[moving]
    # one step with the matrix itself removes the rounding of the squarings
    return _stepped(a, w)


def _stepped(a: np.ndarray, w: np.ndarray) -> np.ndarray:
    w = np.einsum("mij,mj->mi", a, w)
    w /= _sums(w)[:, None]
    return w


def _squares(x: np.ndarray) -> np.ndarray:
    return np.einsum("mi,mi->m", x, x)


def _sums(a: np.ndarray) -> np.ndarray:
    # einsum sums a short last axis three times faster than sum()
    return np.einsum("...i->...", a)


def priorities(a: np.ndarray, method: str) -> np.ndarray:
    """Weights of complete matrices, shape (matrices, n), each row summing to 1.

    ``eigenvector``: right Perron vector (Saaty 1977); ``geometric_mean``: normalised row geometric means
    (方根法); ``column_mean``: mean of the normalised columns (和积法).
    """
    if method == "eigenvector":
        return perron(a)
    if method == "geometric_mean":
        w = np.exp(np.log(a).mean(axis=2))
    elif method == "column_mean":
        w = (a / a.sum(axis=1, keepdims=True)).mean(axis=2)
    else:
        raise ParameterError(f"method must be one of {', '.join(METHODS)}; found {method!r}")
    return w / w.sum(axis=1, keepdims=True)


def lambda_of(a: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Estimate of the largest eigenvalue: mean of (A w)_i / w_i. For the Perron vector it is exact."""
    return (np.einsum("mij,mj->mi", a, w) / w).mean(axis=1)


def harker_form(a: np.ndarray) -> np.ndarray:
    """Harker's matrix: missing cells 0, diagonal 1 + number of missing cells in the row (Harker 1987)."""
    gaps = np.isnan(a)
    return np.where(gaps, 0.0, a) + gaps.sum(axis=2)[:, :, None] * np.eye(a.shape[1])


def complete(a: np.ndarray) -> np.ndarray:
    """Fill missing cells so that the largest eigenvalue is as small as it can be.

    Where the matrix is connected the optimum is unique (Bozoki, Fueloep and Ronyai 2010). In x = ln a it is
    the point where every missing cell satisfies x_ij = (ln y_j/y_i + ln w_i/w_j) / 2, y and w the left and
    right Perron vectors: that is d lambda / d x_ij = 0. Solved by fixed-point steps, each stretched by the
    step that would be exact if the matrix were nearly consistent.

    Parameters
    ----------
    a : array, shape (n, n)
        One connected matrix, NaN = missing.
    """
    rows, columns = np.nonzero(np.triu(np.isnan(a)))
    if not len(rows):
        return a
    n, k = len(a), len(rows)
    incidence = np.zeros((k, n))
    incidence[np.arange(k), rows], incidence[np.arange(k), columns] = 1.0, -1.0
    stretch = np.linalg.inv(np.eye(k) - incidence @ incidence.T / n)

    def filled(x: np.ndarray) -> np.ndarray:
        full = a.copy()
        full[rows, columns], full[columns, rows] = np.exp(x), np.exp(-x)
        return full

    def slack(x: np.ndarray) -> np.ndarray:
        full = filled(x)
        w, y = np.log(perron(np.stack([full, full.T])))
        return (y[columns] - y[rows] + w[rows] - w[columns]) / 2 - x

    # start: logarithmic least squares over the judged pairs
    logs = np.where(np.isnan(a), 0.0, np.log(np.where(np.isnan(a), 1.0, a)))
    laplacian = np.diag((~np.isnan(a)).sum(axis=1)) - (~np.isnan(a)).astype(float)
    x = incidence @ np.linalg.pinv(laplacian) @ logs.sum(axis=1)
    step, gap = 1.0, slack(x)
    for _ in range(MAX_STEPS):
        if np.abs(gap).max() <= 1e-13:
            break
        move = stretch @ gap
        trial = x + step * move
        trial_gap = slack(trial)
        if np.abs(trial_gap).max() < np.abs(gap).max():
            x, gap = trial, trial_gap
        elif step * np.abs(move).max() <= 1e-14:
            break
        else:
            step /= 2
    return filled(x)
