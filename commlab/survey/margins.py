"""Margins: known population totals of cells, read strictly and checked against the sample."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.survey.structure import FloatArray, IntArray, column, compact, factorize, tally

if TYPE_CHECKING:
    from commlab.survey.design import SurveyDesign

__all__ = ["Sample", "collapse", "margins_check", "margins_of"]


def _margin(variables: tuple[str, ...], totals: Any) -> pd.Series:
    """A margin as a Series over cells."""
    name = "+".join(variables)
    if isinstance(totals, pd.DataFrame):
        lacking = [v for v in variables if v not in totals]
        others = [c for c in totals if c not in variables]
        if lacking or len(others) != 1:
            raise ParameterError(
                f'margin "{name}" as a frame needs the columns {", ".join(variables)} and one of totals; '
                f"it has {listing(totals.columns, most=12)}"
            )
        totals = totals.set_index(list(variables))[others[0]]
    elif isinstance(totals, Mapping):
        totals = pd.Series(dict(totals))
    if not isinstance(totals, pd.Series):
        raise ParameterError(
            f'margin "{name}" must be a Series, mapping or frame, got {type(totals).__name__}'
        )
    if totals.index.nlevels != len(variables):
        raise ParameterError(
            f'margin "{name}" names {len(variables)} variables, its index has {totals.index.nlevels}'
        )
    if totals.index.has_duplicates:
        again = totals.index[totals.index.duplicated()].unique()
        raise DataError(f'margin "{name}" gives cells more than once: {listing(again)}')
    values = pd.to_numeric(totals, errors="coerce").astype(float)
    bad = ~(np.isfinite(values) & (values >= 0))
    if bad.any() or not len(values) or not values.sum() > 0:
        raise DataError(
            f'margin "{name}" must be population totals >= 0 and not all 0; wrong: '
            f"{listing(totals.index[bad]) if bad.any() else 'it is empty or all 0'}"
        )
    return values


class Sample:
    """The sample's distinct combinations (cells) of some variables: weights change cell by cell, not row by row.

    Parameters
    ----------
    design : SurveyDesign
    variables : iterable of str

    Attributes
    ----------
    cell : int array, shape (n_rows,)
        Cell of each row.
    mass : float array, shape (n_cells,)
        Sum of the weights.
    """

    def __init__(self, design: SurveyDesign, variables: Iterable[str]) -> None:
        self.design = design
        names = list(dict.fromkeys(variables))
        columns = [column(design.data, v, "margin") for v in names]
        with ThreadPoolExecutor(len(columns)) as pool:  # coding text is most of the work, and takes no lock
            coded = list(pool.map(factorize, columns))
        self._labels = {v: labels for v, (_, labels) in zip(names, coded, strict=True)}
        self._codes: dict[str, IntArray] = {}
        """Code of each cell, -1 where the variable is blank."""
        joint: IntArray = np.zeros(0, dtype=np.int64)
        for v, (codes, labels) in zip(names, coded, strict=True):
            blank = int(codes.min(initial=0) < 0)  # a blank is a cell, too
            size = len(labels) + blank
            if blank:
                codes = codes + 1
            joint = np.add(np.multiply(joint, size, out=joint), codes, out=joint) if len(joint) else codes
            found, joint = compact(joint)
            self._codes = {u: c[found // size] for u, c in self._codes.items()}
            self._codes[v] = found % size - blank
        self.cell = joint
        self.mass = tally(joint, design.weights, len(found))

    @cached_property
    def row(self) -> IntArray:
        """A row of each cell, shape (n_cells,)."""
        row = np.zeros(len(self.mass), dtype=np.int64)
        row[self.cell] = np.arange(len(self.cell))
        return row

    def first_row(self, cells: npt.NDArray[np.bool_]) -> tuple[int, Any]:
        """How many weighted rows lie in cells, and the first one's label."""
        inside = cells[self.cell] & (self.design.weights > 0)
        return int(inside.sum()), self.design.data.index[int(np.argmax(inside))]

    def match(self, variables: tuple[str, ...], totals: pd.Series) -> tuple[IntArray, FloatArray]:
        """Place of each cell in a margin (-1: no weight), and the margin's totals.

        Raises
        ------
        DataError
            With every fault of the margin at once.
        """
        name = "+".join(variables)
        active = self.mass > 0
        joint: IntArray = np.zeros(len(active), dtype=np.int64)
        for v in variables:
            codes = self._codes[v]
            joint = np.where((joint < 0) | (codes < 0), -1, joint * len(self._labels[v]) + codes)
        blank = (joint < 0) & active
        faults = []
        if blank.any():
            n, row = self.first_row(blank)
            faults.append(f'{n} rows have no "{name}" (first: row {row})')
        levels = [self._labels[v] for v in variables]
        used, place = compact(joint)
        at = np.unravel_index(used, [len(labels) for labels in levels])
        parts = [labels.take(i) for labels, i in zip(levels, at, strict=True)]
        cells = parts[0] if len(parts) == 1 else pd.MultiIndex.from_arrays(parts)
        code = np.append(totals.index.get_indexer(cells), -1)[place]
        unknown = (code < 0) & active & ~blank
        if unknown.any():
            faults.append(
                f"the margin lacks cells that the sample has: {listing(cells[np.unique(place[unknown])])}"
            )
        zero = totals.to_numpy() == 0
        has = np.bincount(code[active & (code >= 0)], minlength=len(totals)) > 0
        if (zero & has).any():
            named = listing(totals.index[zero & has])
            faults.append(f"the population has nobody in cells that the sample has: {named}")
        if (~zero & ~has).any():
            faults.append(
                f"no answers in cells {listing(totals.index[~zero & ~has])}; collapse them with others"
            )
        if faults:
            raise DataError(f'margin "{name}": ' + "; ".join(faults), faults=faults)
        return np.where(active, code, -1).astype(np.int64), totals.to_numpy()


def margins_of(margins: Any) -> list[tuple[tuple[str, ...], pd.Series]]:
    if isinstance(margins, pd.Series):
        if None in margins.index.names:
            raise ParameterError("a Series of totals must name the variables of its index")
        margins = {tuple(str(n) for n in margins.index.names): margins}
    elif isinstance(margins, pd.DataFrame):
        if margins.shape[1] < 2:
            raise ParameterError("a frame of totals needs the variables' columns and, last, the totals")
        margins = {tuple(map(str, margins.columns[:-1])): margins}
    if not isinstance(margins, Mapping) or not margins:
        raise ParameterError("margins must be a mapping of variable -> totals, and not empty")
    out = []
    for names, totals in margins.items():
        variables = (names,) if isinstance(names, str) else tuple(names) if isinstance(names, tuple) else ()
        if not variables:
            raise ParameterError(f"a margin is named by a column or a tuple of columns, not by {names!r}")
        out.append((variables, _margin(variables, totals)))
    return out


def margins_check(margins: Mapping[Any, Any], *, tolerance: float = 1e-9) -> None:
    """Refuse margins whose totals disagree.

    Raises
    ------
    DataError
        Naming each margin and its total.
    """
    sums = {"+".join(v): float(t.sum()) for v, t in margins_of(margins)}
    low, high = min(sums.values()), max(sums.values())
    if high - low > tolerance * high:
        told = ", ".join(f'"{k}" {v:.12g}' for k, v in sums.items())
        raise DataError(
            f"margins do not add up to the same population: {told}; mend them, or scale them first"
        )


def collapse(counts: pd.Series, *, least: int) -> dict[Any, Any]:
    """Join neighbouring cells of an ordered margin until each has enough answers.

    Parameters
    ----------
    counts : Series
        Answers per cell, in the order in which cells may be joined (age bands).
    least : int
        Fewest answers in a cell.

    Returns
    -------
    dict
        Cell -> joined cell (the first and last name with a dash, ``55-64..65+``).

    Raises
    ------
    DataError
        If all cells together have fewer answers.

    >>> collapse(pd.Series({"18-24": 3, "25-34": 40, "35+": 31}), least=30)
    {'18-24': '18-24..25-34', '25-34': '18-24..25-34', '35+': '35+'}
    """
    bad = counts.index[~(pd.to_numeric(counts, errors="coerce") >= 0)]
    if len(bad) or counts.index.has_duplicates or not len(counts):
        raise DataError(
            f"counts must be numbers >= 0, one for each cell; wrong: {listing(bad) or 'none, or cells twice'}"
        )
    if counts.sum() < least:
        raise DataError(
            f"{counts.sum():.0f} answers in all cells together, {least} are needed: leave this margin out"
        )
    names: list[list[Any]] = [[name] for name in counts.index]
    sizes = [float(n) for n in counts]
    while len(names) > 1 and min(sizes) < least:
        small = sizes.index(min(sizes))
        beside = [i for i in (small - 1, small + 1) if 0 <= i < len(names)]
        a, b = sorted((small, min(beside, key=lambda i: sizes[i])))
        names[a : b + 1], sizes[a : b + 1] = [names[a] + names[b]], [sizes[a] + sizes[b]]
    return {n: group[0] if len(group) == 1 else f"{group[0]}..{group[-1]}" for group in names for n in group}
