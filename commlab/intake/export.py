"""The export of a survey platform as columns of text: header in the first row, one answer a row.

Excel files are read with calamine, text files with pandas. Each column is kept as codes into its different values, so
that a questionnaire of a million rows is understood by looking at a few dozen texts a column.
"""

from __future__ import annotations

import datetime as dt
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import DataError
from commlab.intake.names import squash

__all__ = ["Export", "column_letters", "column_place", "read_export"]

_EXCEL = {".xlsx", ".xlsm", ".xls", ".ods", ".xlsb"}
_TEXT = {".csv", ".tsv", ".txt"}
_LARGEST = 1_000_000_000  # bytes a workbook may unpack to
_WJX = frozenset({"序号", "提交答卷时间", "所用时间", "来自ip"})


def column_letters(place: int) -> str:
    """Spreadsheet letters of a column, counted from 0.

    >>> column_letters(0), column_letters(25), column_letters(26)
    ('A', 'Z', 'AA')
    """
    letters, place = "", place + 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def column_place(letters: str) -> int:
    """Place of a column counted from 0, by its letters.

    >>> column_place("A"), column_place("AA")
    (0, 26)
    """
    place = 0
    for letter in letters:
        place = place * 26 + ord(letter) - 64
    return place - 1


@dataclass(frozen=True)
class Export:
    """One table of answers: ``frame`` has columns 0..k without header, ``rows`` their 1-based rows in the sheet."""

    file: str
    sheet: str
    headers: list[str]
    frame: pd.DataFrame
    rows: pd.Series
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
            texts = [_cell_text(v) for v in values]
            empty = [k for k, t in enumerate(texts) if t == ""]
            if empty:
                codes = np.where(np.isin(codes, empty), -1, codes)
            self._levels[place] = (codes, texts)
        return self._levels[place]

    def text_frame(self, places: list[int]) -> pd.DataFrame:
        """Some columns as text, under their places."""
        out = {}
        for place in places:
            codes, texts = self.levels(place)
            values = pd.Series(np.array([*texts, ""], dtype=object)[codes], dtype="str")
            out[place] = values.where(values != "")
        return pd.DataFrame(out, index=self.frame.index).reindex(columns=range(len(self.headers)))

    def cells(self, place: int, rows: np.ndarray) -> list[str]:
        letters = column_letters(place)
        return [f"{letters}{row}" for row in self.rows.to_numpy()[rows]]

    def sources(self) -> pd.Series:
        row = self.rows.astype("str")
        return f"{self.file}#{self.sheet}!" + row + ":" + row


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
        If the file is missing, empty, protected, of another kind than its name says, or has no row of answers.
    """
    path = Path(path)
    file = name or path.as_posix()
    if not path.is_file():
        raise DataError("there is no such file", file=file)
    kind = path.suffix.lower()
    if kind in _EXCEL:
        sheet, header, frame, first = _excel(path, file)
    elif kind in _TEXT:
        sheet, header, frame, first = _text(path, file)
    else:
        raise DataError(f"{kind or 'no suffix'} is none of .xlsx .xlsm .xls .ods .csv .tsv .txt", file=file)
    headers = [_cell_text(h) if h is not None and h == h else "" for h in header]
    blank = frame.isna() | (frame == "")
    used = ~blank.all(axis=0) | pd.Series([h != "" for h in headers])
    frame, headers = frame.loc[:, used], [h for h, u in zip(headers, used, strict=True) if u]
    empty = blank.all(axis=1)
    rows = pd.Series(np.arange(first, first + len(frame)))[~empty].reset_index(drop=True)
    frame = frame[~empty].reset_index(drop=True)
    if frame.empty:
        raise DataError("there is no row of answers below the header", file=file, sheet=sheet or None)
    frame.columns = range(frame.shape[1])
    return Export(file, sheet, headers, frame, rows, int(empty.sum()))


def _excel(path: Path, file: str) -> tuple[str, list[Any], pd.DataFrame, int]:
    import python_calamine

    with path.open("rb") as handle:
        start = handle.read(8)
    if not start:
        raise DataError("the file is empty", file=file)
    if start.startswith(b"PK"):
        try:
            with zipfile.ZipFile(path) as archive:
                size = sum(entry.file_size for entry in archive.infolist())
        except zipfile.BadZipFile:
            raise DataError("the workbook is damaged; ask for it again", file=file) from None
        if size > _LARGEST:
            raise DataError(f"the workbook unpacks to {size / 1e9:.1f} GB; ask for a smaller one", file=file)
    elif not start.startswith(b"\xd0\xcf\x11\xe0"):
        raise DataError(
            f"this is not a workbook, whatever its name says; save it as {path.suffix} again", file=file
        )
    try:
        book = python_calamine.CalamineWorkbook.from_path(str(path))
        sheet = next((s for s in book.sheet_names if (book.get_sheet_by_name(s).total_height or 0) > 0), None)
        if sheet is None:
            raise DataError("every sheet is empty", file=file)
        table = book.get_sheet_by_name(sheet)
        cells = table.to_python(skip_empty_area=False)
    except python_calamine.PasswordError:
        raise DataError(
            "the workbook is protected by a password; ask for it without one", file=file
        ) from None
    except python_calamine.CalamineError as error:
        raise DataError(f"the workbook cannot be read ({error}); save it as .xlsx again", file=file) from None
    if len(cells) < 2:
        raise DataError("there is no row of answers below the header", file=file, sheet=sheet)
    return sheet, cells[0], pd.DataFrame(cells[1:], dtype=object), 2


def _text(path: Path, file: str) -> tuple[str, list[Any], pd.DataFrame, int]:
    encoding, head = _encoding(path, file)
    first = head.splitlines()[0] if head.strip() else ""
    if not first:
        raise DataError("the file is empty", file=file)
    mark = max((",", "\t", ";"), key=first.count)
    try:
        frame = pd.read_csv(
            path,
            encoding=encoding,
            sep=mark,
            header=None,
            dtype="str",
            keep_default_na=False,
            skip_blank_lines=False,
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise DataError(f"this is no table of text: {error}", file=file) from None
    return "", frame.iloc[0].tolist(), frame.iloc[1:].reset_index(drop=True), 2


def _encoding(path: Path, file: str) -> tuple[str, str]:
    """UTF-8 strictly first; then GB18030 where the high bytes come in pairs as in Chinese text; then cp1252."""
    raw = path.read_bytes()
    if b"\0" in raw[:4096]:
        raise DataError("this is not text; if it is a workbook, give it its own suffix", file=file)
    try:
        return "utf-8-sig", raw.decode("utf-8-sig")[:65536]
    except UnicodeDecodeError:
        pass
    try:
        text = raw.decode("gb18030")
    except UnicodeDecodeError:
        text = ""
    strange = sum(1 for c in text if ord(c) > 127)
    common = sum(1 for c in text if "\u4e00" <= c <= "\u9fff" and c.encode("gb18030")[0] >= 0xB0 and c.encode("gb18030")[1] >= 0xA1 or "\u3000" <= c <= "\u303f" or "\uff00" <= c <= "\uffef")  # fmt: skip
    if text and common >= 0.8 * strange:
        return "gb18030", text[:65536]
    return "cp1252", raw.decode("cp1252", errors="replace")[:65536]
