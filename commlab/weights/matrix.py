"""Judgement matrices: what they must satisfy before anything is computed from them.

A judgement matrix says how many times its row outweighs its column. It is square, has ones on its diagonal
and reciprocal values across it; an empty cell is a judgement that nobody made. The checks here work on a
whole stack of matrices at once (one for each expert) and name expert, node and cell of everything they
refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing

__all__ = ["Stack", "as_items", "check_stack", "components", "in_order", "refuse"]

SCALE_MAX = 9.0
"""Saaty's scale ends at 9 (and 1/9)."""
LARGEST = 1e6
"""No scale of importance reaches this far: beyond it, or its reciprocal, a judgement is a typing error."""
EXACT = 1e-9
"""Relative error that counts as none."""
ROUNDING = 0.005
"""Reciprocals typed with two decimals (0.33 for 1/3) differ by up to half a unit in the last place."""


@dataclass(frozen=True)
class Stack:
    """Checked matrices of the same items: ``values`` (matrices, n, n), NaN = not judged."""

    items: pd.Index
    values: np.ndarray
    missing: np.ndarray
    """By matrix: pairs not judged."""
    outside: tuple[tuple[str, ...], ...]
    """By matrix: the cells beyond the 1-9 scale."""

    @cached_property
    def logs(self) -> np.ndarray:
        """ln of the judgements; NaN = not judged."""
        return np.log(self.values)


def as_items(matrix: Any, who: str = "") -> pd.DataFrame:
    """A square frame of numbers whose columns stand in the order of its rows.

    Raises
    ------
    DataError
        If it is not square, labels repeat or differ between rows and columns, or a cell is no number.
    """
    place = f"{who}: " if who else ""
    if not isinstance(matrix, pd.DataFrame) and np.ndim(matrix) != 2:
        raise ParameterError(
            f"{place}a judgement matrix must be a square DataFrame; found {type(matrix).__name__}"
        )
    frame = pd.DataFrame(matrix)
    if frame.shape[0] != frame.shape[1] or frame.empty:
        raise DataError(
            f"{place}a judgement matrix must be square with at least one item; found {frame.shape[0]} rows "
            f"and {frame.shape[1]} columns"
        )
    if not frame.index.equals(frame.columns):
        for side, labels in (("row", frame.index), ("column", frame.columns)):
            if not labels.is_unique:
                raise DataError(
                    f"{place}{side} labels repeat: {listing(labels[labels.duplicated()].unique())}"
                )
        odd = frame.index.symmetric_difference(frame.columns, sort=False)
        if len(odd):
            raise DataError(
                f"{place}rows and columns must name the same items; on one side only: {listing(odd)}"
            )
        frame = frame[frame.index]
    elif not frame.index.is_unique:
        raise DataError(f"{place}labels repeat: {listing(frame.index[frame.index.duplicated()].unique())}")
    if frame.to_numpy().dtype == np.float64:
        return frame
    if any(d.kind in "cb" for d in frame.dtypes):
        raise DataError(f"{place}judgements must be real numbers; found complex ones, or true and false")
    try:
        return frame.astype("float64")
    except (TypeError, ValueError):
        numbers = frame.apply(pd.to_numeric, errors="coerce")
        odd_cells = [
            _cell(frame.index, i, j) for i, j in np.argwhere((numbers.isna() & frame.notna()).to_numpy())
        ]
        if not odd_cells:  # None, NaT and the like are judgements not made
            return numbers.astype("float64")
        raise DataError(f"{place}not a number in {listing(odd_cells)}; write 3 or 0.3333, not text") from None


def _cell(items: pd.Index, i: int, j: int) -> str:
    return f"({items[i]}, {items[j]})"


def in_order(frames: Sequence[Any], items: pd.Index, who: Callable[[int], str]) -> list[np.ndarray]:
    """The numbers of every matrix with its items in the first expert's order."""
    numbers, same, kind, shape = [], _comparer(items), np.dtype("float64"), (len(items),) * 2
    for k, frame in enumerate(frames):
        # read straight where nothing needs to be done: a thousand frames are the usual case
        own = None
        if isinstance(frame, pd.DataFrame):
            if same(frame.index) and same(frame.columns):
                plain: Any = frame
                own = plain._values  # to_numpy() without its options, at a quarter of the time
        elif isinstance(frame, np.ndarray) and frame.shape == shape:
            own = frame
        numbers.append(_sorted(frame, items, who(k)) if own is None or own.dtype is not kind else own)
    return numbers


def _comparer(items: pd.Index) -> Callable[[pd.Index], bool]:
    """Whether labels are these, by the quickest comparison that their kind allows."""
    if isinstance(items, pd.RangeIndex):
        return items.equals
    stored, kind = items.array, pd.arrays.ArrowStringArray
    if isinstance(stored, kind):
        text = stored.__arrow_array__()

        def same_text(other: pd.Index) -> bool:
            own = other.array
            return own is stored or (type(own) is kind and own.__arrow_array__().equals(text))

        return same_text
    labels = items.tolist()

    def same(other: pd.Index) -> bool:
        if other.is_(items):
            return True
        own: Any = other.values  # as stored; `array` would wrap it
        return own.tolist() == labels if isinstance(own, np.ndarray) else items.equals(other)

    return same


def _sorted(frame: Any, items: pd.Index, who: str) -> np.ndarray:
    frame = as_items(frame, who)
    odd = frame.index.symmetric_difference(items, sort=False)
    if len(odd):
        raise DataError(
            f"{who}: compares other items than the first expert; on one side only: {listing(odd)}"
        )
    return frame.loc[items, items].to_numpy()


def components(judged: np.ndarray) -> list[list[int]]:
    """Groups of items that judgements tie together, from a symmetric (n, n) mask of judged pairs."""
    left, groups = list(range(len(judged))), []
    while left:
        group, edge = {left[0]}, [left[0]]
        while edge:
            new = {int(k) for k in np.flatnonzero(judged[edge].any(axis=0))} - group
            group |= new
            edge = list(new)
        groups.append(sorted(group))
        left = [k for k in left if k not in group]
    return groups


def _sound(a: np.ndarray) -> bool:
    """Whether a stack is complete, reciprocal and on the 1-9 scale in every cell: the usual case, seen at a glance."""
    reach = SCALE_MAX * (1 + EXACT)
    if not (
        a.min(initial=1.0) >= 1 / reach and a.max(initial=1.0) <= reach
    ):  # false where a judgement is missing
        return False
    mirrored = a * a.transpose(0, 2, 1)
    return bool(mirrored.min(initial=1.0) >= 1 - EXACT and mirrored.max(initial=1.0) <= 1 + EXACT)


def refuse(faults: Sequence[str]) -> None:
    """Raise with all faults of judgement matrices, if there are any."""
    if faults:
        raise DataError(f"judgement matrices cannot be used: {listing(faults, most=8)}", faults=faults)


def check_stack(items: pd.Index, values: np.ndarray, who: Callable[[int], str]) -> Stack:
    """Check a stack of matrices and complete each from its reciprocals.

    Where only one of two reciprocal cells is filled, the other follows from it. Reciprocals rounded to two
    decimals (0.33 against 3) are restored from the larger of the two.

    Parameters
    ----------
    items : Index, length n
        Labels of rows and columns.
    values : array, shape (matrices, n, n)
        NaN = not judged.
    who : callable
        Names the m-th matrix in messages: ``expert 专家01, node Ⅰ-1``; empty text for none.

    Raises
    ------
    DataError
        With *all* faults: diagonal not 1; zero, negative or infinite judgement; non-reciprocal pair; items
        that no chain of judgements connects.
    """
    a = np.array(values, dtype="float64")
    n = len(items)
    if _sound(a):
        return Stack(items, a, np.zeros(len(a), dtype=int), ((),) * len(a))
    faults: list[str] = []
    rows, columns = np.triu_indices(n, 1)

    def note(mask: np.ndarray, i: np.ndarray, j: np.ndarray, what: Callable[[float, float], str]) -> None:
        for m, k in np.argwhere(mask):
            place = f"{who(m)}, " if who(m) else ""
            cell = _cell(items, i[k], j[k])
            faults.append(f"{place}cell {cell}: {what(a[m, i[k], j[k]], a[m, j[k], i[k]])}")

    each = np.arange(n)
    off = ~(np.abs(a[:, each, each] - 1) <= EXACT)
    note(off, each, each, lambda x, _: f"the diagonal must be 1; found {x:g}")
    up, down = a[:, rows, columns], a[:, columns, rows]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        odd = [~np.isnan(side) & ~((side >= 1 / LARGEST) & (side <= LARGEST)) for side in (up, down)]
        for bad, i, j in zip(odd, (rows, columns), (columns, rows), strict=True):
            note(
                bad,
                i,
                j,
                lambda x, _: f"a judgement must be greater than 0 and no more than {LARGEST:g}; found {x:g}",
            )
        # both cells given: they are reciprocal, or rounded reciprocals, or contradict each other
        rough = (np.abs(up * down - 1) > EXACT) & ~(odd[0] | odd[1])
        if rough.any():
            large, small = np.maximum(up, down), np.minimum(up, down)
            rounded = np.abs(small - 1 / large) <= ROUNDING + EXACT
            note(
                rough & ~rounded,
                rows,
                columns,
                lambda x, y: (
                    f"{x:g} and its mirror {y:g} must be reciprocal; write {x:g} and {1 / x:.4g}, or leave "
                    "one of the two empty"
                ),
            )
            up, down = (
                np.where(rough & (up < down), 1 / down, up),
                np.where(rough & (down < up), 1 / up, down),
            )
        lone, other = np.isnan(up), np.isnan(down)
        up, down = np.where(lone, 1 / down, up), np.where(other, 1 / up, down)
    if not faults and len(rows):
        a[:, rows, columns], a[:, columns, rows] = up, down
        for m in map(int, np.flatnonzero((lone & other).any(axis=1))):
            groups = components(~np.isnan(a[m]))
            if len(groups) > 1:
                place = f"{who(m)}: " if who(m) else ""
                parts = " | ".join(listing([items[k] for k in g]) for g in groups)
                faults.append(
                    f"{place}no chain of judgements connects {parts}; "
                    "ask for at least one comparison between them"
                )
    refuse(faults)
    outside: list[tuple[str, ...]] = [()] * len(a)
    reach = SCALE_MAX * (1 + EXACT)
    beyond = (up > reach) | (down > reach)
    for m in np.flatnonzero(beyond.any(axis=1)).tolist():
        outside[m] = tuple(
            f"{_cell(items, rows[k], columns[k])} = {up[m, k]:g}" for k in np.flatnonzero(beyond[m])
        )
    return Stack(items, a, (lone & other).sum(axis=1), tuple(outside))
