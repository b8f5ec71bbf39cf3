"""What published figures leave open: the attack by linear programming that the tests of disclosure share."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog

Statements = list[tuple[np.ndarray, float]]
"""Sums of cells, as coefficients and what is said of them."""

UNBOUNDED = 3
"""linprog's status where nothing limits a cell."""


def room(equal: Statements, below: Statements, ask: np.ndarray, *, most: float | None = None) -> float:
    """Width of what a sum of cells (0 to ``most``) may be, given sums that are told or bounded above."""
    ends = []
    for sign in (1, -1):
        found = linprog(
            sign * ask.ravel(),
            A_eq=np.array([a for a, _ in equal]),
            b_eq=[b for _, b in equal],
            A_ub=np.array([a for a, _ in below]) if below else None,
            b_ub=[b for _, b in below] or None,
            bounds=(0, most),
        )
        assert found.status == 0 or (most is None and found.status == UNBOUNDED)
        ends.append(np.inf if found.status == UNBOUNDED else sign * found.fun)
    return abs(ends[1] - ends[0])
