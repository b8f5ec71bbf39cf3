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
SQUARINGS = 4
"""Squarings between two scalings."""
PLAIN = 1e12
"""Entries up to here are multiplied as they are: their sixteenth power is far from overflow."""
MAX_ROUNDS = 15
"""2 ** 60 power steps: a matrix that has not converged by then is not primitive."""
MAX_STEPS = 500
METHODS = ("eigenvector", "geometric_mean", "column_mean")


def perron(a: np.ndarray) -> np.ndarray:
    """Right Perron vectors, each summing to 1, by power steps with the sixteenth power and its own powers.

    Products of positive numbers lose no digits to cancellation, so the result is exact to rounding. A matrix
    leaves the stack when its vector stands: what is found for it does not depend on the others.

    Parameters
    ----------
    a : array, shape (matrices, n, n)
        Non-negative and primitive (a connected judgement matrix is).
    """
    w, left = np.empty(a.shape[:2]), np.arange(len(a))
    power = a if a.max(initial=0.0) <= PLAIN else a / _sums(a.reshape(len(a), -1))[:, None, None]
    for _ in range(MAX_ROUNDS):
        # two buffers: a fresh megabyte for each product costs more than the product
        spare, other = np.empty_like(power), np.empty_like(power)
        for _ in range(SQUARINGS):
            np.matmul(power, power, out=spare)
            power, spare, other = spare, other, spare
        first = _sums(power)  # a step from equal weights
        total = _sums(first)[:, None]
        first /= total
        second = _stepped(power, first)
        w[left] = second
        # two steps tell how fast the error shrinks, and so what is left of it: |step 2| ** 2 / |step 1|
        one, two = _squares(first - 1 / a.shape[1]), _squares(second - first)
        moving = (two > SETTLED**2) & (two**2 > EXPECTED**2 * one)
        if not moving.any():
            break
        left, power = left[moving], power[moving] / total[moving][:, :, None]
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
    return _sums(np.einsum("mij,mj->mi", a, w) / w) / a.shape[1]


def harker_form(a: np.ndarray) -> np.ndarray:
    """Harker's matrix: missing cells 0, diagonal 1 + number of missing cells in the row (Harker 1987)."""
    gaps = np.isnan(a)
    return np.where(gaps, 0.0, a) + gaps.sum(axis=2)[:, :, None] * np.eye(a.shape[1])


def complete(a: np.ndarray) -> np.ndarray:
    """Fill missing cells so that the largest eigenvalue is as small as it can be.

    Where a matrix is connected the optimum is unique (Bozoki, Fueloep and Ronyai 2010). In x = ln a it is
    the point where every missing cell satisfies x_ij = (ln y_j/y_i + ln w_i/w_j) / 2, y and w the left and
    right Perron vectors: that is d lambda / d x_ij = 0. Solved by fixed-point steps, each stretched by the
    step that would be exact if the matrix were nearly consistent: with B the incidence of the missing pairs,
    (I - B B' / n)^-1 = I + B (n I - B' B)^-1 B', and n I - B' B = L + J, L the Laplacian of the judged pairs.

    Parameters
    ----------
    a : array, shape (matrices, n, n)
        Connected matrices, NaN = missing; each may miss other cells.
    """
    n = a.shape[1]
    missing = np.isnan(a)
    logs = np.log(np.where(missing, 1.0, a))
    judged = ~missing & ~np.eye(n, dtype=bool)
    inverse = np.linalg.inv(judged.sum(axis=2)[:, :, None] * np.eye(n) - judged + 1.0)

    def between(potential: np.ndarray, at: np.ndarray) -> np.ndarray:
        return np.where(missing[at], potential[:, :, None] - potential[:, None, :], 0.0)

    def slack(x: np.ndarray, at: np.ndarray) -> np.ndarray:
        full = np.exp(logs[at] + x)
        w, y = np.log(perron(full)), np.log(perron(np.swapaxes(full, 1, 2)))
        return between((w - y) / 2, at) - x

    left = np.arange(len(a))
    # start: logarithmic least squares over the judged pairs
    x = between(np.einsum("mij,mj->mi", inverse, logs.sum(axis=2)), left)
    gap, step = slack(x, left), np.ones(len(a))
    for _ in range(MAX_STEPS):
        rest = np.abs(gap[left]).max(axis=(1, 2), initial=0.0)
        left = left[rest > SETTLED]
        if not len(left):
            break
        stretched = np.einsum("mij,mj->mi", inverse[left], gap[left].sum(axis=2))
        move = step[left, None, None] * (gap[left] + between(stretched, left))
        trial = x[left] + move
        trial_gap = slack(trial, left)
        better = np.abs(trial_gap).max(axis=(1, 2)) < np.abs(gap[left]).max(axis=(1, 2))
        x[left[better]], gap[left[better]] = trial[better], trial_gap[better]
        step[left[~better]] /= 2
        left = left[better | (np.abs(move).max(axis=(1, 2)) > 0.1 * SETTLED)]
    return np.where(missing, np.exp(x), a)
