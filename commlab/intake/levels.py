"""A column of texts as codes into its different texts: what a questionnaire of a million rows is understood by."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from commlab.text import clean, unseen

__all__ = ["Levels", "as_levels", "emptied", "stripped"]

_MOST_TESTED = 10_000


@dataclass(frozen=True)
class Levels:
    """A column: ``codes`` (-1: empty) into its different texts; ``numbers`` are the values that SPSS labels; ``unseen`` the
    characters that were taken out because nobody sees them, and the rows.
    """

    codes: np.ndarray
    dictionary: Any  # of texts: a list, or an Arrow array that becomes one when it is looked at
    numbers: list[str] | None = None
    unseen: tuple[str, tuple[int, ...]] = ("", ())

    @cached_property
    def texts(self) -> list[str]:
        return self.dictionary if isinstance(self.dictionary, list) else self.dictionary.to_pylist()

    @property
    def size(self) -> int:
        return len(self.dictionary)

    def count(self, blank: Any) -> int:
        """How many rows hold an answer, by a test of a text; columns of many texts are not tested."""
        if self.size > _MOST_TESTED:
            return int((self.codes >= 0).sum())
        filled = np.array([*(not blank(text) for text in self.texts), False])
        return int(filled[self.codes].sum())

    def among(self, texts: Collection[str]) -> np.ndarray:
        """Which rows hold one of some texts."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if isinstance(self.dictionary, list):
            hits = np.array([*(text in texts for text in self.dictionary), False])
        else:
            found = pc.is_in(self.dictionary, value_set=pa.array(sorted(texts), pa.string()))
            hits = np.append(found.to_numpy(zero_copy_only=False), False)
        return hits[self.codes] if hits.any() else np.zeros(len(self.codes), dtype=bool)

    def at(self, row: int) -> str:
        """The text of one row; empty where there is none."""
        code = int(self.codes[row])
        return "" if code < 0 else str(self.arrow[code].as_py())

    @property
    def arrow(self) -> Any:
        """The different texts as an Arrow array."""
        import pyarrow as pa

        return (
            pa.array(self.dictionary, pa.string()) if isinstance(self.dictionary, list) else self.dictionary
        )

    def column(self) -> pd.Series:
        """The text of every row; missing where empty."""
        import pyarrow as pa

        rows = self.arrow.take(pa.array(self.codes, mask=self.codes < 0))
        return pd.Series(rows.to_pandas(), dtype="str")


def as_levels(cells: Sequence[str]) -> Levels:
    """Cells as codes into their different texts, without characters that nobody sees."""
    codes, values = pd.factorize(np.array(cells, dtype=object))
    odd = [k for k, text in enumerate(values) if unseen(text)]
    if odd:
        return stripped(codes, list(values), odd)
    return Levels(emptied(codes, [k for k, text in enumerate(values) if text == ""]), list(values))


def stripped(codes: np.ndarray, texts: list[str], odd: Sequence[int]) -> Levels:
    """A column of which some texts hold what nobody sees: without it."""
    rows = tuple(np.flatnonzero(np.isin(codes, odd)).tolist())
    gone = "".join(sorted(set().union(*(unseen(texts[k]) for k in odd))))
    again = as_levels([clean(text).strip() for text in texts])
    return Levels(np.where(codes < 0, -1, again.codes[codes]), again.dictionary, None, (gone, rows))


def emptied(codes: np.ndarray, empty: Any) -> np.ndarray:
    """Codes with -1 for those of empty texts."""
    return np.where(np.isin(codes, empty), -1, codes) if len(empty) else codes
