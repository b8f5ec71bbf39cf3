"""The export of a survey platform as columns of text: header in the first row, one answer a row.

Each column is kept as codes into its different values, so that a questionnaire of a million rows is
understood by looking at a few dozen texts a column.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import DataError
from commlab.intake import encoding
from commlab.intake.forms import squash
from commlab.intake.sheets import KINDS, letters, open_sheets

__all__ = ["Export", "read_export"]

_WJX = frozenset({"序号", "提交答卷时间", "所用时间", "来自ip"})
_SAMPLE = 1 << 20


@dataclass(frozen=True)
class Export:
    """One table of answers: ``frame`` has columns 0..k without header, ``rows`` their 1-based rows in the
    sheet."""

    file: str
    sheet: str
    headers: list[str]
    frame: pd.DataFrame
    rows: np.ndarray
    places: list[int]
    empty_rows: int
    _levels: dict[int, tuple[np.ndarray, list[str]]] = field(default_factory=dict, repr=False)

    @property
    def wjx(self) -> bool:
        """Whether the platform is 问卷星, by its own columns."""
        return len(_WJX & {squash(h) for h in self.headers}) >= 3

    def levels(self, place: int) -> tuple[np.ndarray, list[str]]:
        """Codes (-1: empty) and different texts of a column."""
        if place not in self._levels:
            codes, values = pd.factorize(self.frame.iloc[:, place], use_na_sentinel=True)
            texts = [_cell_text(value) for value in values]
            empty = [k for k, text in enumerate(texts) if text == ""]
            if empty:
                codes = np.where(np.isin(codes, empty), -1, codes)
            self._levels[place] = (codes, texts)
        return self._levels[place]

    def text(self, place: int) -> pd.Series:
        """A column as text; missing where empty."""
        codes, texts = self.levels(place)
        return pd.Series(np.array([*texts, None], dtype=object)[codes], dtype="str")

    def cells(self, place: int, rows: np.ndarray) -> list[str]:
        return [f"{letters(self.places[place])}{row}" for row in self.rows[rows]]

    def sources(self) -> pd.Series:
        """``file#sheet!12:12`` for every row."""
        before = f"{self.file}#{self.sheet}!"
        return pd.Series([f"{before}{row}:{row}" for row in self.rows.tolist()], dtype="str")


def _cell_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, dt.timedelta):
        return str(value.total_seconds())
    return str(value).strip()


def read_export(path: str | Path, *, name: str | None = None) -> Export:
    """Read a platform's export.

    Raises
    ------
    DataError
        If the file is missing, empty, protected, of another kind than its name says, or has no row of
        answers.
    """
    path = Path(path)
    file = name or path.as_posix()
    text = KINDS.get(path.suffix.lower()) == "text" and path.is_file() and path.stat().st_size > 0
    sheet, table = ("", _text(path, file)) if text else _excel(path)
    if len(table) < 2:
        raise DataError("there is no row of answers below the header", file=file, sheet=sheet or None)
    headers = ["" if h is None or h != h else _cell_text(h) for h in table.iloc[0]]
    frame = table.iloc[1:]
    blank = (frame.isna() | (frame == "")).to_numpy(dtype=bool)
    places = [k for k, header in enumerate(headers) if header or not blank[:, k].all()]
    filled = ~blank.all(axis=1)
    if not filled.any():
        raise DataError("there is no row of answers below the header", file=file, sheet=sheet or None)
    frame = frame.loc[filled, places].reset_index(drop=True)
    frame.columns = range(len(places))
    rows = np.flatnonzero(filled) + 2
    return Export(file, sheet, [headers[k] for k in places], frame, rows, places, int((~filled).sum()))


def _excel(path: Path) -> tuple[str, pd.DataFrame]:
    sheets = [sheet for sheet in open_sheets(path) if sheet.rows]
    if not sheets:
        raise DataError("every sheet is empty; ask for the export again", file=path.name)
    first = next((sheet for sheet in sheets if not sheet.hidden), sheets[0])
    return first.name, pd.DataFrame(first.rows, dtype=object)


def _text(path: Path, file: str) -> pd.DataFrame:
    with path.open("rb") as stream:
        head = stream.read(_SAMPLE)
    whole = head.rpartition(b"\n")[0] or head
    sample, coding = encoding.decode(whole, file=file)
    try:
        return pd.read_csv(
            path,
            encoding=coding,
            sep=encoding.separator(sample.replace("\r\n", "\n").replace("\r", "\n")),
            header=None,
            dtype="str",
            keep_default_na=False,
            skip_blank_lines=False,
        )
    except UnicodeDecodeError:
        raise DataError(
            f"begins as {coding} but is not {coding} throughout; save it again as UTF-8", file=file
        ) from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DataError(f"cannot be split into cells ({error}); save it as .xlsx", file=file) from None
