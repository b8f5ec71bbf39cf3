"""What a column comes to per cell: sums from which every mean, total and variance follows.

With c the centre (the domain's mean, or 0 for a total), a column needs of each cell

(1) T = sum w (y - c), Q = sum w^2 (y - c)^2

either from a table of sum w and sum w^2 by answer (few whole answers: every statistic of a scale comes from one
table) or from the moments S_k = sum w y^k, Q_k = sum w^2 y^k:

(2) T = S_1 - c S_0          (3) Q = Q_2 - 2 c Q_1 + c^2 Q_0

A column that hardly varies in some domain would lose digits in (3); it takes the slow way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from commlab.survey.structure import FloatArray, IntArray, tally

__all__ = ["Coded", "Moments", "Sums", "Table"]

_ENOUGH = 1e-6
"""Smallest share of the second moment that is variance, for all digits to be kept by (3)."""
_LEVELS = 16
"""Most distinct whole numbers for a table by answer."""


@dataclass(frozen=True)
class Coded:
    """Several columns that are functions of one coded answer: column j is ``values[code, j]``.

    Attributes
    ----------
    code : int array, shape (n_rows,)
        0 to n_codes - 1.
    values : float array, shape (n_codes, n_columns)
        NaN = missing.
    """

    code: npt.NDArray[np.integer]
    values: FloatArray

    def column(self, j: int) -> FloatArray:
        """A column written out, shape (n_rows,)."""
        return self.values[:, j][self.code]

    @classmethod
    def of_whole(cls, y: npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> Coded | None:
        """A column of whole numbers or truth values; None where it has many."""
        if not len(y):
            return None
        low, high = int(y.min()), int(y.max())
        if high - low >= _LEVELS:
            return None
        # In bytes, where what lies beyond 127 comes round again: the difference is right all the same.
        code = y.astype(np.int8) - np.array(low).astype(np.int8)
        return cls(code, np.arange(low, high + 1, dtype=float)[:, None])

    @classmethod
    def of(cls, y: FloatArray) -> Coded | None:
        """A column of few whole numbers; None where it has others."""
        head = y[:_LEVELS]
        if not (np.isnan(head) | (head == np.rint(head))).all():
            return None
        with np.errstate(invalid="ignore"):  # missing answers, found out below
            code = y.astype(np.int8)
        same = code == y
        missing = None
        if not same.all():
            missing = np.isnan(y).view(np.int8)
            if not (same | (missing > 0)).all():
                return None
            # Products of bytes instead of masks, which are slower where answers lack here and there.
            code = code * same.view(np.int8) + missing * code[int(np.argmax(same))]
        if not same.any():
            return None
        low, high = int(code.min()), int(code.max())
        if high - low >= _LEVELS:
            return None
        code = code - np.int8(low)
        values = np.arange(low, high + 1, dtype=float)
        if missing is not None:
            code = code + missing * (np.int8(high - low + 1) - code)
            values = np.append(values, np.nan)
        return cls(code, values[:, None])


@dataclass(frozen=True)
class Moments:
    """What a column comes to, by domain."""

    estimate: FloatArray
    variance: FloatArray
    n: IntArray
    df: IntArray | FloatArray
    spread: FloatArray  # sum w (y - mean)^2
    size: FloatArray  # sum w
    alone: npt.NDArray[np.bool_]


class Sums:
    """Moments of a column per cell, (2) and (3).

    Parameters
    ----------
    n : int array, shape (n_cells,)
        Answers.
    s, q, x : float arrays, shape (3, n_cells)
        Sums of w y^k, of w^2 y^k and of w a y^k, k = 0, 1, 2 (``a``: weights before they were trimmed); ``q`` and
        ``x`` may be empty where rows do not matter one by one.
    trusted : bool
        The moments were taken about a value near the mean.
    """

    def __init__(
        self, n: IntArray, s: FloatArray, q: FloatArray, x: FloatArray, *, trusted: bool = False
    ) -> None:
        self.n, self.s, self.q, self.x, self.trusted = n, s, q, x, trusted
        self.s0, self.s1 = s[0], s[1]

    def centred(self, c: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """T, sum w (y - c)^2 and Q per cell for centres per cell."""
        s, q = self.s, self.q
        squares = q[2] - 2 * c * q[1] + c**2 * q[0] if len(q) else np.zeros(0)
        return s[1] - c * s[0], s[2] - 2 * c * s[1] + c**2 * s[0], squares

    def crossed(self, c: FloatArray) -> FloatArray:
        """Sum w a (y - c) per cell."""
        return self.x[1] - c * self.x[0]

    def exact(self, spread: FloatArray, domain: IntArray) -> bool:
        """Whether (3) keeps its digits."""
        if self.trusted:
            return True
        whole = tally(domain, self.s[2], len(spread))
        return not ((spread < _ENOUGH * whole) & (whole > 0)).any()


class Table:
    """Sums of w and w^2 per answer and cell, seen through the values of one column.

    Parameters
    ----------
    n : int array, shape (n_cells,)
        Answers.
    s, q, x : float arrays, shape (n_answers, n_cells)
        Sums of w, of w^2 and of w a, as for ``Sums``.
    values : float array, shape (n_answers,)
        NaN = missing.
    """

    def __init__(self, n: IntArray, s: FloatArray, q: FloatArray, x: FloatArray, values: FloatArray) -> None:
        valid = ~np.isnan(values)
        self.n, self.values, self.s = n, values[valid, None], s[valid]
        self.q, self.x = (m[valid] if m.size else m for m in (q, x))
        self.s0, self.s1 = self.s.sum(axis=0), (self.s * self.values).sum(axis=0)

    def centred(self, c: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """T, sum w (y - c)^2 and Q per cell for centres per cell."""
        from_centre = self.values - c
        first = self.s * from_centre
        squares = (self.q * from_centre**2).sum(axis=0) if self.q.size else np.zeros(0)
        return first.sum(axis=0), (first * from_centre).sum(axis=0), squares

    def crossed(self, c: FloatArray) -> FloatArray:
        """Sum w a (y - c) per cell."""
        return (self.x * (self.values - c)).sum(axis=0)

    def exact(self, spread: FloatArray, domain: IntArray) -> bool:
        """Whether all digits are kept: here always."""
        return True
