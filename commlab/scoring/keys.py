"""Rows of a long table by part, numbered by unit: quick where the table is sorted by part, right everywhere.

``score`` and ``collect`` write one part after the other with the units in the same order, so codes and parts are long
runs and the units of one part are those of the part before. Such a table is numbered without looking at each text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from commlab.errors import DataError
from commlab.scoring.texts import Letters, runs_of, stored

__all__ = ["Group", "group_rows", "numbered"]


@dataclass(frozen=True)
class Group:
    """The rows of one part: where they stand, and the number of the unit in each."""

    code: str
    part: str
    rows: np.ndarray | slice
    units: np.ndarray
    unique: bool


def numbered(column: pd.Series) -> tuple[np.ndarray, list[str]]:
    """Every value by the number of its first appearance, and the values; missing is -1.

    >>> number, values = numbered(pd.Series(["b", "b", "a"]))
    >>> number.tolist(), values
    ([0, 0, 1], ['b', 'a'])
    """
    runs = runs_of(stored(column))
    if runs is None:
        number, values = pd.factorize(column)
        return number, list(values)
    ends, told = runs
    coded = told.dictionary_encode()
    short = pc.fill_null(coded.indices, -1).to_numpy()
    narrow = short.astype(np.int16 if len(coded.dictionary) < 2**15 else np.int32)
    return np.repeat(narrow, np.diff(ends, prepend=0)), coded.dictionary.to_pylist()


class _Units:
    """Numbers of units over the segments of a table."""

    def __init__(self, column: pd.Series, array: pa.ChunkedArray | None) -> None:
        self.column, self.array = column, array
        self.names = pd.Index([], dtype="str")
        self.seen: list[tuple[Letters, np.ndarray, bool]] = []

    def of(self, start: int, end: int) -> tuple[np.ndarray, bool]:
        """Numbers of the units in some rows, and whether each stands there once."""
        part = None if self.array is None else Letters.of(self.array.slice(start, end - start))
        for known, number, unique in self.seen:
            if part is not None and part.same(known):
                return number, unique
        values = pd.Index(self.column.iloc[start:end])
        if not len(self.names):
            number, self.names = pd.factorize(values)
            unique = len(self.names) == len(values)
        else:
            number = self.names.get_indexer(values)
            if (number < 0).any():
                self.names = self.names.append(values[number < 0].unique())
                number = self.names.get_indexer(values)
            unique = values.is_unique
        if part is not None:
            self.seen = [(part, number, unique), *self.seen[:1]]
        return number, unique


def group_rows(table: pd.DataFrame, parts: pd.Series) -> tuple[list[Group], pd.Index]:
    """Rows by code and part, in the order of first appearance, and the names of the units.

    Parameters
    ----------
    table : DataFrame
        unit, code.
    parts : Series
        The part of each row.

    Raises
    ------
    DataError
        If a row names no unit, code or part.
    """
    columns = {"unit": table["unit"], "code": table["code"], "part": parts}
    kept = {name: stored(column) for name, column in columns.items()}
    for name, column in columns.items():
        array = kept[name]
        gaps = int(column.isna().sum()) if array is None else array.null_count
        if gaps:
            raise DataError(f"{gaps} of {len(table)} rows name no {name}; fill them or delete the rows")
    code_runs, part_runs = runs_of(kept["code"]), runs_of(kept["part"])
    if code_runs is None or part_runs is None:
        return _sorted_groups(table, parts)
    units = _Units(table["unit"], kept["unit"])
    code_ends, codes = code_runs[0], code_runs[1].to_pylist()
    part_ends, names = part_runs[0], part_runs[1].to_pylist()
    ends = np.union1d(code_ends, part_ends)
    found: dict[tuple[str, str], list[tuple[int, int]]] = {}
    start = 0
    for end in ends:
        key = codes[int(np.searchsorted(code_ends, end))], names[int(np.searchsorted(part_ends, end))]
        found.setdefault(key, []).append((start, int(end)))
        start = int(end)
    out = []
    for (c, p), places in found.items():
        numbers = [units.of(a, b) for a, b in places]
        if len(places) == 1:
            rows: np.ndarray | slice = slice(*places[0])
            number, unique = numbers[0]
        else:
            rows = np.concatenate([np.arange(a, b) for a, b in places])
            number = np.concatenate([n for n, _ in numbers])
            unique = np.bincount(number).max(initial=0) <= 1
        out.append(Group(c, p, rows, number, bool(unique)))
    return out, units.names


def _sorted_groups(table: pd.DataFrame, parts: pd.Series) -> tuple[list[Group], pd.Index]:
    unit, units = numbered(table["unit"])
    code, codes = numbered(table["code"])
    part, names = numbered(parts)
    number = code.astype(np.int64) * max(1, len(names)) + part
    most = len(codes) * max(1, len(names))
    order = np.argsort(number.astype(np.int16) if most < 2**15 else number, kind="stable")
    out = []
    for place in _cut(number[order]):
        rows = order[place]
        k = int(number[rows[0]])
        own = unit[rows]
        once = np.bincount(own).max(initial=0) <= 1
        out.append(Group(codes[k // len(names)], names[k % len(names)], rows, own, bool(once)))
    return out, pd.Index(units)


def _cut(ordered: np.ndarray) -> Iterator[slice]:
    """Slices of equal numbers."""
    ends = [*(np.flatnonzero(np.diff(ordered)) + 1), len(ordered)] if len(ordered) else []
    start = 0
    for end in ends:
        yield slice(start, int(end))
        start = int(end)
