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

__all__ = ["Group", "group_rows", "numbered"]

_LEAST_RUN = 8
"""Runs are worth looking for where they are at least this long on average."""


@dataclass(frozen=True)
class Group:
    """The rows of one part: where they stand, and the number of the unit in each."""

    code: str
    part: str
    rows: np.ndarray | slice
    units: np.ndarray
    unique: bool


def _arrow(column: pd.Series) -> pa.ChunkedArray | None:
    """The texts of a column as Arrow holds them; None where it is not text that Arrow holds already."""
    if not isinstance(column.dtype, pd.StringDtype):
        return None
    array = pa.array(column.array)
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])


def _runs(array: pa.ChunkedArray) -> tuple[np.ndarray, list[str | None]] | None:
    """Ends of the runs of equal values and the values; None where there are too many runs."""
    ends, values, start = [], [], 0
    for chunk in array.chunks:
        coded = pc.run_end_encode(chunk)
        if len(coded.values) * _LEAST_RUN > len(array):
            return None
        ends.append(coded.run_ends.to_numpy() + start)
        values += coded.values.to_pylist()
        start += len(chunk)
    if len(values) * _LEAST_RUN > len(array):
        return None
    return np.concatenate(ends), values


def numbered(column: pd.Series) -> tuple[np.ndarray, list[str]]:
    """Every value by the number of its first appearance, and the values; missing is -1.

    >>> number, values = numbered(pd.Series(["b", "b", "a"]))
    >>> number.tolist(), values
    ([0, 0, 1], ['b', 'a'])
    """
    array = _arrow(column)
    runs = _runs(array) if array is not None and len(array) else None
    if runs is None:
        number, values = pd.factorize(column)
        return number, list(values)
    ends, told = runs
    known: dict[str, int] = {}
    short = [-1 if v is None else known.setdefault(v, len(known)) for v in told]
    kind = np.int16 if len(known) < np.iinfo(np.int16).max else np.int32
    return np.repeat(np.array(short, dtype=kind), np.diff(ends, prepend=0)), list(known)


class _Units:
    """Numbers of units over the segments of a table."""

    def __init__(self, column: pd.Series) -> None:
        self.column, self.array = column, _arrow(column)
        self.names = pd.Index([], dtype="str")
        self.seen: list[tuple[pa.ChunkedArray, np.ndarray, bool]] = []

    def of(self, start: int, end: int) -> tuple[np.ndarray, bool]:
        """Numbers of the units in some rows, and whether each stands there once."""
        part = None if self.array is None else self.array.slice(start, end - start)
        for known, number, unique in self.seen:
            if part is not None and part.equals(known):
                return number, unique
        values = pd.Index(self.column.iloc[start:end])
        number = self.names.get_indexer(values)
        if (number < 0).any():
            fresh = values[number < 0].unique()
            self.names = self.names.append(fresh)
            number = self.names.get_indexer(values)
        unique = values.is_unique
        if part is not None:
            self.seen = [(part, number, unique), *self.seen[:1]]
        return number, unique


def group_rows(table: pd.DataFrame, parts: pd.Series) -> tuple[list[Group], list[str]]:
    """Rows by code and part, in the order of first appearance, and the names of the units.

    Parameters
    ----------
    table : DataFrame
        unit, code.
    parts : Series
        The part of each row.
    """
    code, name = (_arrow(c) for c in (table["code"], parts))
    runs = None
    if code is not None and name is not None and len(table) and not parts.hasnans:
        one, two = _runs(code), _runs(name)
        runs = None if one is None or two is None else (one, two)
    if runs is None:
        return _sorted_groups(table, parts)
    units = _Units(table["unit"])
    (code_ends, codes), (part_ends, names) = runs
    ends = np.union1d(code_ends, part_ends)
    found: dict[tuple[str, str], list[tuple[int, int]]] = {}
    start = 0
    for end in ends:
        key = codes[int(np.searchsorted(code_ends, end))], names[int(np.searchsorted(part_ends, end))]
        found.setdefault((str(key[0]), str(key[1])), []).append((start, int(end)))
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
    return out, list(units.names)


def _sorted_groups(table: pd.DataFrame, parts: pd.Series) -> tuple[list[Group], list[str]]:
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
        once = np.bincount(own[own >= 0]).max(initial=0) <= 1
        out.append(Group(codes[k // len(names)], names[k % len(names)], rows, own, bool(once)))
    return out, units


def _cut(ordered: np.ndarray) -> Iterator[slice]:
    """Slices of equal numbers."""
    ends = [*(np.flatnonzero(np.diff(ordered)) + 1), len(ordered)] if len(ordered) else []
    start = 0
    for end in ends:
        yield slice(start, int(end))
        start = int(end)
