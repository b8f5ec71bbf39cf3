"""The export of a survey platform as columns of text: header in the first row, one answer a row.

Each column is kept as codes into its different texts, so that a questionnaire of a million rows is
understood by looking at a few dozen texts a column, and takes less memory than its file.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import DataError
from commlab.intake import encoding
from commlab.intake.forms import squash
from commlab.intake.sheets import KINDS, letters, open_sheets

__all__ = ["Export", "Levels", "read_export"]

_WJX = frozenset({"序号", "提交答卷时间", "所用时间", "来自ip"})
_SAMPLE = 1 << 20


@dataclass(frozen=True)
class Levels:
    """A column: ``codes`` (-1: empty) into its different texts."""

    codes: np.ndarray
    dictionary: Any  # of texts: a list, or an Arrow array that becomes one when it is looked at

    @cached_property
    def texts(self) -> list[str]:
        return self.dictionary if isinstance(self.dictionary, list) else self.dictionary.to_pylist()

    @property
    def size(self) -> int:
        return len(self.dictionary)

    def count(self, blank: Any) -> int:
        """How many rows hold an answer, by a test of a text; columns of many texts are not tested."""
        if self.size > _SAMPLE // 100:
            return int((self.codes >= 0).sum())
        filled = np.array([*(not blank(text) for text in self.texts), False])
        return int(filled[self.codes].sum())

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


@dataclass(frozen=True)
class Export:
    """One table of answers; ``rows`` are 1-based rows in the sheet, ``places`` the columns' places in it."""

    file: str
    sheet: str
    headers: list[str]
    columns: list[Levels]
    rows: np.ndarray
    places: list[int]
    empty_rows: int

    @property
    def wjx(self) -> bool:
        """Whether the platform is 问卷星, by its own columns."""
        return len(_WJX & {squash(h) for h in self.headers}) >= 3

    def text(self, place: int) -> pd.Series:
        """A column as text; missing where empty."""
        return self.columns[place].column()

    def cells(self, place: int, rows: np.ndarray) -> list[str]:
        return [f"{letters(self.places[place])}{row}" for row in self.rows[rows]]

    def sources(self) -> pd.Series:
        """``file#sheet!12:12`` for every row."""
        rows = pd.Series(self.rows).astype("str")
        return f"{self.file}#{self.sheet}!" + rows + ":" + rows


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
    sheet, headers, columns = ("", *_text(path, file)) if text else _excel(path)
    filled = np.zeros(len(columns[0].codes) if columns else 0, dtype=bool)
    for column in columns:
        filled |= column.codes >= 0
    if not filled.any():
        raise DataError("there is no row of answers below the header", file=file, sheet=sheet or None)
    places = [k for k, (h, c) in enumerate(zip(headers, columns, strict=True)) if h or (c.codes >= 0).any()]
    kept = [columns[k] for k in places]
    if not filled.all():
        kept = [Levels(column.codes[filled], column.dictionary) for column in kept]
    rows = np.flatnonzero(filled) + 2
    return Export(file, sheet, [headers[k] for k in places], kept, rows, places, int((~filled).sum()))


def _excel(path: Path) -> tuple[str, list[str], list[Levels]]:
    sheets = [sheet for sheet in open_sheets(path) if sheet.rows]
    if not sheets:
        raise DataError("every sheet is empty; ask for the export again", file=path.name)
    first = next((sheet for sheet in sheets if not sheet.hidden), sheets[0])
    headers = [_cell_text(cell) for cell in first.rows[0]]
    return first.name, headers, [_levels(column) for column in zip(*first.rows[1:], strict=True)]


def _levels(cells: Sequence[Any]) -> Levels:
    codes, values = pd.factorize(np.array(cells, dtype=object), use_na_sentinel=True)
    texts = [_cell_text(value) for value in values]
    return Levels(_emptied(codes, [k for k, text in enumerate(texts) if text == ""]), texts)


def _emptied(codes: np.ndarray, empty: Any) -> np.ndarray:
    return np.where(np.isin(codes, empty), -1, codes) if len(empty) else codes


def _cell_text(value: Any) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, dt.timedelta):
        return str(value.total_seconds())
    return str(value).strip()


def _text(path: Path, file: str) -> tuple[list[str], list[Levels]]:
    """A text file whose rows are all of one length.

    Its bytes are split as they stand, because no encoding here hides a separator, a quotation mark or the
    end of a line inside a character; only the different texts of each column are then decoded.
    """
    import pyarrow as pa
    from pyarrow import csv

    with path.open("rb") as stream:
        head = stream.read(_SAMPLE)
    sample, coding = encoding.decode(head.rpartition(b"\n")[0] or head, file=file)
    sample = sample.replace("\r\n", "\n").replace("\r", "\n")
    mark = encoding.separator(sample)
    width = max([1, *(len(row) for row in encoding.records(sample, mark, file=file)[:1])])
    wide = coding == "utf-16"
    cells = pa.dictionary(pa.int32(), pa.binary())
    try:
        table = csv.read_csv(
            path,
            read_options=csv.ReadOptions(
                encoding=coding if wide else "utf-8", autogenerate_column_names=True
            ),
            parse_options=csv.ParseOptions(delimiter=mark, newlines_in_values=True, ignore_empty_lines=False),
            convert_options=csv.ConvertOptions(
                column_types={f"f{k}": cells for k in range(width)},
                strings_can_be_null=False,
                check_utf8=False,
            ),
        )
        headers, columns = [], []
        for _ in range(table.num_columns if table.num_columns == width else 0):
            header, column = _coded(table.column(0), "utf-8" if wide or coding == "utf-8-sig" else coding)
            table = table.remove_column(0)
            headers.append(header)
            columns.append(column)
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return _ragged(path, file, coding, mark)
    return (headers, columns) if columns else _ragged(path, file, coding, mark)


def _coded(column: Any, coding: str) -> tuple[str, Levels]:
    """Header and rows of a column of bytes in chunks."""
    import pyarrow.compute as pc

    chunks = column.unify_dictionaries().chunks
    codes = np.concatenate([chunk.indices.to_numpy() for chunk in chunks])
    texts = _decoded(chunks[0].dictionary, coding)
    header, codes = texts[int(codes[0])].as_py().strip().lstrip("\ufeff"), codes[1:]
    if not (codes == 0).any():  # what the header row says is no text of its own
        texts, codes = texts[1:], codes - 1
    trimmed = pc.utf8_trim_whitespace(texts)
    empty = np.flatnonzero(pc.equal(trimmed, "").to_numpy(zero_copy_only=False))
    return header, Levels(_emptied(codes, empty), trimmed)


def _decoded(cells: Any, coding: str) -> Any:
    """Texts of cells of bytes: all in one go, with a zero byte between them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if coding == "utf-8" or pc.all(pc.string_is_ascii(pc.cast(cells, pa.string(), safe=False))).as_py():
        return cells.cast(pa.string())
    joined = pc.binary_join(pa.ListArray.from_arrays([0, len(cells)], cells), b"\0")[0].as_py()
    text = np.frombuffer(joined.decode(coding).encode(), dtype="uint8")
    between = np.flatnonzero(text == 0)
    if len(between) != len(cells) - 1:  # a zero byte within a cell
        return pa.array([cell.decode(coding) for cell in cells.to_pylist()], pa.string())
    offsets = np.concatenate([[0], between - np.arange(len(between)), [len(text) - len(between)]])
    return pa.StringArray.from_buffers(
        len(cells), pa.py_buffer(offsets.astype("int32")), pa.py_buffer(text[text != 0].tobytes())
    )


def _ragged(path: Path, file: str, coding: str, mark: str) -> tuple[list[str], list[Levels]]:
    """Rows of unequal length, blank lines: slower, and as a spreadsheet would show them."""
    try:
        frame = pd.read_csv(
            path,
            encoding=coding,
            sep=mark,
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
    columns = [_levels(frame[k].iloc[1:].tolist()) for k in frame]
    return [_cell_text(cell) for cell in frame.iloc[0]], columns
