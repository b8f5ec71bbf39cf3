"""What a workbook says beside its values: hidden rows, errors shown, cells in per cent, merged ranges."""

from __future__ import annotations

from dataclasses import dataclass, field

from commlab.errors import DataError

__all__ = ["MOST_CELLS", "MOST_COLUMNS", "Peek", "Range", "refuse_doctype", "refuse_size"]

Range = tuple[int, int, int, int]
"""First row, first column, last row, last column; zero-based, inclusive."""

MOST_CELLS = 6_000_000
"""Cells of one sheet that are read at most."""
MOST_COLUMNS = 16_384
"""Columns of a spreadsheet at most."""


@dataclass(frozen=True)
class Peek:
    """What one sheet says beside its values; rows and columns are zero-based.

    ``percents`` are cells shown as per cent, None where the file does not tell; ``merges`` is None where the
    reader of values knows the merged ranges itself.
    """

    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    uncomputed: tuple[tuple[int, int], ...] = ()
    percents: frozenset[tuple[int, int]] | None = frozenset()
    merges: tuple[Range, ...] | None = None


def refuse_size(rows: int, columns: int, *, file: str, sheet: str) -> None:
    """Refuse a sheet that spans more cells than are read.

    Raises
    ------
    DataError
        With the number of cells and what to do.
    """
    if rows * columns > MOST_CELLS:
        raise DataError(
            f"the sheet spans {rows:,} rows and {columns:,} columns; at most {MOST_CELLS:,} cells are read: delete "
            "stray cells far from the table, or part it",
            file=file,
            sheet=sheet,
        )


def refuse_doctype(xml: bytes, *, file: str) -> None:
    """Refuse XML that declares a document type: only by it could a workbook name other files, or unfold.

    Raises
    ------
    DataError
        If the first bytes of a part declare one.
    """
    if b"<!DOCTYPE" in xml:
        raise DataError("declares a document type, which no workbook does; not opened", file=file)
