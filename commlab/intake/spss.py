"""SPSS files (.sav, .zsav): values, labels and what the file declares missing."""

from __future__ import annotations

import faulthandler
import os
import signal
import warnings
from pathlib import Path
from typing import Any

from commlab.errors import DataError
from commlab.intake.peek import MOST_CELLS

__all__ = ["read"]

_SECONDS = 120
Missing = tuple[int, int, Any, str]


def read(path: Path) -> tuple[list[list[Any]], tuple[str, ...], tuple[Missing, ...]]:
    """Rows (the first are the variables' names), labels as remarks, and cells that the file declares missing."""
    import pyreadstat

    if not _survives(path):
        raise DataError("is damaged and cannot be read as an SPSS file; ask for it again", file=path.name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # variables of one name
            meta = pyreadstat.read_sav(str(path), metadataonly=True)[1]
            cells = max(meta.number_rows or 0, 0) * (meta.number_columns or 0)
            if cells > MOST_CELLS:
                raise DataError(f"holds {cells:,} cells, more than {MOST_CELLS:,}: part it", file=path.name)
            frame, meta = pyreadstat.read_sav(str(path), user_missing=True)
    except (
        pyreadstat.ReadstatError,
        pyreadstat.PyreadstatError,
        ValueError,
        OverflowError,
        MemoryError,
        UserWarning,
    ) as error:
        raise DataError(f"cannot be read as an SPSS file: {error}", file=path.name) from None
    columns: list[list[Any]] = []
    remarks, missing = [], []
    for c, column in enumerate(frame.columns):
        series = frame[column]
        present = series.notna().tolist()
        listed = [v if ok and v != "" else None for v, ok in zip(series.tolist(), present, strict=True)]
        codes = meta.variable_value_labels.get(column, {})
        ranges = meta.missing_ranges.get(column, ())
        for row, value in enumerate(listed) if ranges else ():
            if value is not None and any(_lies_in(value, part) for part in ranges):
                missing.append((row + 1, c, value, str(codes.get(value, ""))))
                listed[row] = None
        columns.append(listed)
        label = meta.column_names_to_labels.get(column)
        told = ", ".join(
            f"{key:g}={value}" if isinstance(key, float) else f"{key}={value}" for key, value in codes.items()
        )
        if label or told:
            remarks.append(f"{column}: {label or ''}{f' ({told})' if told else ''}")
    body = [list(row) for row in zip(*columns, strict=True)]
    return [list(frame.columns), *body], tuple(remarks), tuple(missing)


def _survives(path: Path) -> bool:
    """Whether the reader of SPSS files comes back from a file.

    It is C, and a damaged file can take the whole process down: where processes can fork, a child tries first.
    """
    import pyreadstat

    if not hasattr(os, "fork"):
        return True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child only reads one file and leaves
        child = os.fork()
    if not child:
        try:
            faulthandler.disable()
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(_SECONDS)
            pyreadstat.read_sav(str(path), user_missing=True, row_limit=MOST_CELLS)
        finally:
            os._exit(0)
    return not os.WIFSIGNALED(os.waitpid(child, 0)[1])


def _lies_in(value: Any, part: Any) -> bool:
    """Whether a value is one that is declared missing, alone or as a range."""
    low, high = (part["lo"], part["hi"]) if isinstance(part, dict) else (part, part)
    return isinstance(value, str) == isinstance(low, str) and bool(low <= value <= high)
