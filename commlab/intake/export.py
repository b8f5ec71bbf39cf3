"""The export of a survey platform as columns of text, one answer a row (see ``headrows`` for its header).

Each column is kept as codes into its different texts, so that a questionnaire of a million rows is
understood by looking at a few dozen texts a column, and takes less memory than its file.
"""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import DataError
from commlab.intake import encoding
from commlab.intake.headrows import PEEK, Head, Recognised, answers_only, find_head, score
from commlab.intake.ledger import quoted
from commlab.intake.levels import Levels, as_levels, emptied, stripped
from commlab.intake.platforms import is_wjx
from commlab.intake.sheets import KINDS, Sheet, letters, open_sheets
from commlab.text import UNSEEN, clean, unseen

__all__ = ["Export", "Levels", "read_export", "read_exports"]

_SAMPLE = 1 << 20
_TOP = 1 << 16
_ENOUGH = 0.5
"""Share of the headings of the sheet that has most, from which another sheet is the same questionnaire."""


@dataclass(frozen=True)
class Export:
    """One table of answers.

    ``names`` are the columns' other headers (SPSS variables, the first of two header rows), ``rows`` 1-based
    rows in the sheet, ``places`` the columns' places in it, ``recognised`` rows that are no answers,
    ``unread`` other sheets and their rows, ``hidden`` hidden rows, ``uncomputed`` cells of formulas without a result,
    ``unseen`` cell -> characters that nobody sees, taken out of it.
    """

    file: str
    sheet: str
    headers: list[str]
    names: list[str]
    columns: list[Levels]
    rows: np.ndarray
    places: list[int]
    rows_read: int
    recognised: list[Recognised] = field(default_factory=list)
    unread: dict[str, int] = field(default_factory=dict)
    hidden: list[int] = field(default_factory=list)
    uncomputed: list[str] = field(default_factory=list)
    unseen: dict[str, str] = field(default_factory=dict)

    @property
    def wjx(self) -> bool:
        """Whether the platform is 问卷星, by its own columns."""
        return is_wjx(self.headers)

    def text(self, place: int) -> pd.Series:
        """A column as text; missing where empty."""
        return self.columns[place].column()

    def cells(self, place: int, rows: np.ndarray) -> list[str]:
        return [f"{letters(self.places[place])}{row}" for row in self.rows[rows]]

    def sources(self) -> pd.Series:
        """``file#sheet!12:12`` for every row."""
        import pyarrow as pa
        import pyarrow.compute as pc

        rows = pa.array(self.rows).cast(pa.string())
        joined = pc.binary_join_element_wise(
            f"{self.file}#{quoted(self.sheet, name=True)}!", rows, ":", rows, ""
        )
        return pd.Series(joined.to_pandas(), dtype="str")

    def keep(self, rows: np.ndarray) -> Export:
        """The same with some of its rows."""
        if rows.all():
            return self
        columns = [replace(column, codes=column.codes[rows]) for column in self.columns]
        return replace(self, columns=columns, rows=self.rows[rows])


def read_export(path: str | Path, *, name: str | None = None, known: Collection[str] = frozenset()) -> Export:
    """The sheet of a platform's export that has the most of the headings; see ``read_exports``."""
    return max(read_exports(path, name=name, known=known), key=lambda one: score(one.headers, known))


def read_exports(
    path: str | Path, *, name: str | None = None, known: Collection[str] = frozenset()
) -> list[Export]:
    """Read a platform's export: every sheet that asks the questionnaire, in the file's order.

    Parameters
    ----------
    path : path
    name : str, optional
        The file's name in messages.
    known : collection of str
        Keys of the headings to expect (``Codebook.headings``): they tell which sheets and row is the header. Where none
        is known the first visible sheet is read. The first export names the sheets that are none.

    Raises
    ------
    DataError
        If the file is missing, empty, protected, of another kind than its name says, or has no row of
        answers.
    """
    path = Path(path)
    file = name or path.as_posix()
    if KINDS.get(path.suffix.lower()) == "text" and path.is_file() and path.stat().st_size > 0:
        found, unread = [_answers(Sheet("", []), *_delimited(path, file, known), file)], dict[str, int]()
    else:
        chosen, unread = _sheets(path, known)
        sav = KINDS.get(path.suffix.lower()) == "sav"
        found = []
        for sheet in chosen:
            rows = _cells(sheet.rows)
            merged = {m[0] for m in sheet.merges if m[2] > m[0]}
            table = _labelled(path, rows) if sav else _grid(rows, known, merged=merged)
            found.append(_answers(sheet, *table, file))
        unread |= {one.sheet: one.rows_read for one in found if not len(one.rows)}
    held = [one for one in found if len(one.rows)]
    if not held:
        sheet_name = found[0].sheet or None
        raise DataError("there is no row of answers below the header", file=file, sheet=sheet_name)
    return [replace(held[0], unread=unread), *held[1:]]


def _answers(sheet: Sheet, head: Head, columns: list[Levels], file: str) -> Export:
    """The rows of a sheet that are answers, and what the others are."""
    kept, found = answers_only(head, columns, file=file, sheet=sheet.name)
    places = [k for k, c in enumerate(columns) if head.headers[k] or (c.codes >= 0).any()]
    return Export(
        file,
        sheet.name,
        [head.headers[k] for k in places],
        [head.names[k] for k in places],
        [columns[k] for k in places],
        np.arange(len(kept)) + head.end + 1,
        places,
        len(kept) + head.end,
        [*head.recognised(), *found],
        {},
        sorted(row + 1 for row in sheet.hidden_rows if head.end <= row < head.end + len(kept)),
        [f"{letters(column)}{row + 1}" for row, column in sheet.uncomputed],
        {f"{letters(column)}{row + 1}": gone for (row, column), gone in sheet.unseen.items()}
        | {
            f"{letters(k)}{row + head.end + 1}": column.unseen[0]
            for k, column in enumerate(columns)
            for row in column.unseen[1]
        },
    ).keep(kept)


def _sheets(path: Path, known: Collection[str]) -> tuple[list[Sheet], dict[str, int]]:
    """The visible sheets with the questions (the first one, where none is known), and the others' rows."""
    sheets = [sheet for sheet in open_sheets(path) if sheet.rows]
    if not sheets:
        raise DataError("every sheet is empty; ask for the export again", file=path.name)
    seen = [sheet for sheet in sheets if not sheet.hidden] or sheets
    best = [max(score(row, known) for row in _cells(sheet.rows[:PEEK])) for sheet in seen]
    enough = max(1.0, _ENOUGH * max(best))
    chosen = [s for s, hits in zip(seen, best, strict=True) if hits >= enough] or [
        seen[best.index(max(best))]
    ]
    return chosen, {s.name: len(s.rows) for s in sheets if not any(s is one for one in chosen)}


def _cells(rows: Sequence[Sequence[Any]]) -> list[list[str]]:
    return [[_cell_text(cell) for cell in row] for row in rows]


def _grid(
    rows: list[list[str]], known: Collection[str], merged: Collection[int] = ()
) -> tuple[Head, list[Levels]]:
    """Rows of cells, of any length, as columns below their header."""
    width = max(map(len, rows), default=0)
    square = [row + [""] * (width - len(row)) for row in rows]
    head = find_head(square[:PEEK], known, merged=merged)
    body = square[head.end :]
    return head, [as_levels([row[k] for row in body]) for k in range(width)]


def _labelled(path: Path, rows: list[list[str]]) -> tuple[Head, list[Levels]]:
    """An SPSS file with its variable labels as headers and its value labels as texts."""
    import pyreadstat

    meta = pyreadstat.read_sav(str(path), metadataonly=True)[1]
    columns = []
    for name, cells in zip(rows[0], zip(*rows[1:], strict=True), strict=True):
        column = as_levels(cells)
        labels = {
            _cell_text(k): clean(v).strip() for k, v in meta.variable_value_labels.get(name, {}).items()
        }
        texts = [labels.get(text, text) for text in column.texts]
        columns.append(Levels(column.codes, texts, column.texts if labels else None))
    headers = [clean(meta.column_names_to_labels.get(name) or name) for name in rows[0]]
    return Head(0, 1, 0, headers, rows[0]), columns


def _delimited(path: Path, file: str, known: Collection[str]) -> tuple[Head, list[Levels]]:
    """A text file; a header that is not simply its first row is looked for cell by cell."""
    text, _ = encoding.decode(_start(path, _TOP), file=file)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=encoding.separator(text))
    try:
        top = list(islice(rows, PEEK))
    except csv.Error:
        top = []
    width = max(map(len, top), default=0)
    head = find_head([[c.strip() for c in row] + [""] * (width - len(row)) for row in top], known)
    if head.plain:
        headers, columns = _text(path, file)
        return Head(0, 1, 0, headers, headers), columns
    text, _ = encoding.decode(path.read_bytes(), file=file)
    return _grid(_cells(encoding.records(text, encoding.separator(text), file=file)), known)


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


def _start(path: Path, size: int) -> bytes:
    """The first bytes of a text file, up to the end of a line; of UTF-16, up to the end of a character."""
    with path.open("rb") as stream:
        start = stream.read(size)
    if len(start) < size or start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return start
    return start.rpartition(b"\n")[0] or start


def _text(path: Path, file: str) -> tuple[list[str], list[Levels]]:
    """A text file whose rows are all of one length.

    Its bytes are split as they stand, because no encoding here hides a separator, a quotation mark or the
    end of a line inside a character; only the different texts of each column are then decoded.
    """
    import pyarrow as pa
    from pyarrow import csv

    sample, coding = encoding.decode(_start(path, _SAMPLE), file=file)
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
    header, codes = clean(texts[int(codes[0])].as_py()).strip(), codes[1:]
    if not (codes == 0).any():  # what the header row says is no text of its own
        texts, codes = texts[1:], codes - 1
    trimmed = pc.utf8_trim_whitespace(texts)
    odd = np.flatnonzero(pc.match_substring_regex(trimmed, f"[{UNSEEN}]").to_numpy(zero_copy_only=False))
    if len(odd) and any(unseen(trimmed[int(k)].as_py()) for k in odd):
        return header, stripped(codes, trimmed.to_pylist(), odd.tolist())
    empty = np.flatnonzero(pc.equal(trimmed, "").to_numpy(zero_copy_only=False))
    return header, Levels(emptied(codes, empty), trimmed)


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
    except (pd.errors.ParserError, pd.errors.EmptyDataError):
        head, columns = _grid(
            _cells(encoding.records(encoding.decode(path.read_bytes(), file=file)[0], mark, file=file)), ()
        )
        return head.headers, columns
    columns = [as_levels([_cell_text(cell) for cell in frame[k].iloc[1:]]) for k in frame]
    return [_cell_text(cell) for cell in frame.iloc[0]], columns
