"""Columns of text in long tables, read and built as they lie in memory.

Long tables repeat few texts very often. What is the same over many rows is stored once here, and columns are pieces
that point to it: a million rows of ``scored`` cost as much as a thousand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Letters", "chosen", "repeated", "runs_of", "stored", "tiled"]

_LEAST_RUN = 8
"""Runs are worth looking for where they are at least this long on average."""
_PIECE = 2**16
"""Rows that are built at once: memory in small pieces is given out faster than a hundred megabytes."""


def stored(column: pd.Series) -> pa.ChunkedArray | None:
    """The texts of a column as Arrow holds them; None where it is not text that Arrow holds already."""
    if not isinstance(column.dtype, pd.StringDtype):
        return None
    array = pa.array(column.array)
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])


def runs_of(array: pa.ChunkedArray | None) -> tuple[np.ndarray, pa.Array] | None:
    """Ends of the runs of equal values and the values; None where there are too many runs, or no text at all."""
    if array is None or not len(array):
        return None
    ends, values, start = [], [], 0
    for chunk in array.chunks:
        coded = pc.run_end_encode(chunk)
        ends.append(coded.run_ends.to_numpy() + start)
        values.append(coded.values)
        start += len(chunk)
        if sum(map(len, values)) * _LEAST_RUN > len(array):
            return None
    return np.concatenate(ends), pa.concat_arrays(values)


@dataclass(frozen=True)
class Letters:
    """Texts as they lie in memory: where each ends, and the bytes of all."""

    ends: np.ndarray
    bytes: np.ndarray

    @classmethod
    def of(cls, texts: pa.ChunkedArray) -> Letters | None:
        """None where they lie in several pieces, or some are missing."""
        if texts.num_chunks != 1 or texts.null_count or not pa.types.is_large_string(texts.type):
            return None
        piece = texts.chunk(0)
        _, ends, letters = piece.buffers()
        ends = np.frombuffer(ends, dtype=np.int64)[piece.offset : piece.offset + len(piece) + 1]
        return cls(ends, np.frombuffer(letters or b"", dtype=np.uint8)[ends[0] : ends[-1]])

    def same(self, other: Letters) -> bool:
        """Whether the texts are equal: as bytes, at a tenth of the time that one text after the other takes."""
        return (
            len(self.ends) == len(other.ends)
            and np.array_equal(self.ends - self.ends[0], other.ends - other.ends[0])
            and np.array_equal(self.bytes, other.bytes)
        )


def chosen(words: Sequence[str], number: Sequence[np.ndarray]) -> pd.Series:
    """A column of words by their numbers, given in pieces; a piece of one word only points to it.

    >>> chosen(["scored", "failed"], [np.array([0, 0]), np.array([1, 0])]).tolist()
    ['scored', 'scored', 'failed', 'scored']
    """
    known = pa.array(words, pa.large_string())
    longest = min(_PIECE, max(map(len, number), default=0))
    alike: dict[int, pa.Array] = {}
    pieces = []
    for numbers in number:
        for start in range(0, len(numbers), _PIECE):
            some = numbers[start : start + _PIECE]
            first = int(some[0])
            if not (some == first).all():
                pieces.append(known.take(pa.array(some)))
                continue
            if first not in alike:
                alike[first] = pa.repeat(known[first], longest)
            pieces.append(alike[first].slice(0, len(some)))
    return _column(pieces)


def tiled(words: Sequence[str], times: int) -> pd.Series:
    """All words, over and over.

    >>> tiled(["a", "b"], 2).tolist()
    ['a', 'b', 'a', 'b']
    """
    at_once = max(1, min(times, _PIECE // max(1, len(words))))
    piece = pa.array(list(words) * at_once, pa.large_string())
    whole, rest = divmod(times, at_once)
    return _column([piece] * whole + [piece.slice(0, rest * len(words))])


def repeated(words: pd.Index, times: int) -> pd.Series:
    """Each word so many times before the next.

    >>> repeated(pd.Index(["a", "b"]), 2).tolist()
    ['a', 'a', 'b', 'b']
    """
    known = pa.array(words.astype("str").array)
    known = known.combine_chunks() if isinstance(known, pa.ChunkedArray) else known
    return _column([known.take(pa.array(np.repeat(at, times))) for at in _blocks(len(words), times)])


def _blocks(n: int, times: int) -> Iterator[np.ndarray]:
    step = max(1, _PIECE // max(1, times))
    for start in range(0, n, step):
        yield np.arange(start, min(n, start + step), dtype=np.int32)


def _column(pieces: Sequence[pa.Array]) -> pd.Series:
    return pd.Series(pd.array(pa.chunked_array(pieces, type=pa.large_string()), dtype="str"), copy=False)
