"""What a legacy .xls workbook says beside its values, read from its records.

The file is a compound file (sectors chained by an allocation table) whose stream ``Workbook`` is a row of
records: a type, a length, a body. Source: Microsoft, [MS-CFB] 2.2-2.6 and [MS-XLS] 2.4.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from commlab.errors import DataError
from commlab.intake.peek import Peek

__all__ = ["inspect"]

_END_OF_CHAIN = 0xFFFFFFFA  # and the special values above it
_HEADER = 512
_ENTRY = 128
_ERRORS = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
}
_BOF, _EOF, _FILEPASS, _BOUNDSHEET, _FORMAT, _XF = 0x0809, 0x000A, 0x002F, 0x0085, 0x041E, 0x00E0
_ROW, _COLINFO, _FORMULA, _BOOLERR, _NUMBER, _RK, _MULRK = (
    0x0208,
    0x007D,
    0x0006,
    0x0205,
    0x0203,
    0x027E,
    0x00BD,
)
_BIFF8 = 0x0600
_MOST_SHIFT = 16
_LAST_COLUMN = 255
_TEXTS = 0x00FC
_CELLS = frozenset((0x0006, 0x00BD, 0x00BE, 0x00D6, 0x00FD, 0x0201, 0x0203, 0x0204, 0x0205, 0x027E))
_PERCENT_FORMATS = frozenset({9, 10})


def inspect(data: bytes, *, file: str) -> dict[str, Peek]:
    """Hidden rows and columns, errors and cells in per cent of every sheet.

    Returns
    -------
    dict
        Sheet name -> Peek; empty for workbooks older than Excel 97.

    Raises
    ------
    DataError
        If the workbook is protected by a password, damaged or cut off.
    """
    try:
        stream = _stream(data, ("Workbook", "Book"))
        if not stream:
            raise IndexError(0)
        return _sheets(stream, file)
    except (struct.error, IndexError, UnicodeDecodeError):
        raise DataError("is damaged or cut off and cannot be read; ask for it again", file=file) from None


# ------------------------------------------------------------------------------------------- compound files


def _stream(data: bytes, names: tuple[str, ...]) -> bytes:
    """The bytes of the first stream of these names; empty where there is none."""
    shift, small_shift = struct.unpack_from("<HH", data, 30)
    claimed = (*struct.unpack_from("<II", data, 40), *struct.unpack_from("<4xI4xI", data, 60))
    if max(shift, small_shift) > _MOST_SHIFT or max(claimed) > len(data):
        raise IndexError(shift)
    size, small = 1 << shift, 1 << small_shift
    directory, cutoff, mini_start = struct.unpack_from("<I4xII", data, 48)
    table = _table(data, size)
    entries = _chain(data, table, directory, size)
    root = b""
    for at in range(0, len(entries) - _ENTRY + 1, _ENTRY):
        entry = entries[at : at + _ENTRY]
        length = struct.unpack_from("<H", entry, 64)[0]
        name = entry[: max(length - 2, 0)].decode("utf-16-le", "replace")
        start, count = struct.unpack_from("<II", entry, 116)
        if entry[66] in (2, 5) and count > len(data):
            raise IndexError(count)
        if entry[66] == 5:  # the root holds the small streams
            root = _chain(data, table, start, size)
        elif name in names:
            if count >= cutoff:
                return _chain(data, table, start, size)[:count]
            allocated = _chain(data, table, mini_start, size)
            mini = struct.unpack(f"<{len(allocated) // 4}I", allocated)
            return _chain(root, mini, start, small, header=0)[:count]
    return b""


def _table(data: bytes, size: int) -> tuple[int, ...]:
    """The allocation table: sector -> the next one of its chain."""
    sectors = [s for s in struct.unpack_from("<109I", data, 76) if s < _END_OF_CHAIN]
    further, left = struct.unpack_from("<II", data, 68)
    while further < _END_OF_CHAIN and left:
        block = struct.unpack_from(f"<{size // 4}I", data, _HEADER + further * size)
        sectors += [s for s in block[:-1] if s < _END_OF_CHAIN]
        further, left = block[-1], left - 1
    joined = b"".join(data[_HEADER + s * size : _HEADER + (s + 1) * size] for s in sectors)
    return struct.unpack(f"<{len(joined) // 4}I", joined[: len(joined) // 4 * 4])


def _chain(data: bytes, table: tuple[int, ...], start: int, size: int, *, header: int = _HEADER) -> bytes:
    blocks: list[bytes] = []
    while start < _END_OF_CHAIN and len(blocks) <= len(table):
        if header + start * size >= len(data):
            raise IndexError(start)
        blocks.append(data[header + start * size : header + (start + 1) * size])
        start = table[start]
    return b"".join(blocks)


# -------------------------------------------------------------------------------------------------- records


@dataclass
class _Sheet:
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    styled: dict[int, set[tuple[int, int]]] = field(default_factory=dict)

    def number(self, row: int, column: int, style: int) -> None:
        self.styled.setdefault(style, set()).add((row, column))


def _records(stream: bytes, at: int = 0) -> Iterator[tuple[int, bytes]]:
    """Records up to the end of a substream."""
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        if kind == _EOF:
            return
        yield kind, stream[at + 4 : at + 4 + length]
        at += 4 + length


def _sheets(stream: bytes, file: str) -> dict[str, Peek]:
    places: dict[str, int] = {}
    in_percent = set(_PERCENT_FORMATS)
    styles: list[int] = []
    _refuse_far_cells(stream)
    for kind, body in _records(stream):
        if kind == _BOF and struct.unpack_from("<H", body)[0] != _BIFF8:
            return {}
        if kind == _FILEPASS:
            raise DataError("is protected by a password; save it without one and send it again", file=file)
        if kind == _BOUNDSHEET:
            places[_text(body[6:], body[6], 2)] = struct.unpack_from("<I", body)[0]
        elif kind == _FORMAT:
            number, length = struct.unpack_from("<HH", body)
            if "%" in _text(body[2:], length, 3):
                in_percent.add(number)
        elif kind == _XF:
            styles.append(struct.unpack_from("<H", body, 2)[0])
    shown = {i for i, number in enumerate(styles) if number in in_percent}
    out = {}
    for name, at in places.items():
        sheet = _sheet(stream, at)
        cells = frozenset(cell for style, found in sheet.styled.items() if style in shown for cell in found)
        out[name] = Peek(
            frozenset(sheet.hidden_rows), frozenset(sheet.hidden_columns), sheet.errors, percents=cells
        )
    return out


def _refuse_far_cells(stream: bytes) -> None:
    """Cells where no sheet of this format has any: room for all before them would be made."""
    at = 0
    while at + 8 <= len(stream):
        kind, length, _, column = struct.unpack_from("<HHHH", stream, at)
        if kind in _CELLS and column > _LAST_COLUMN:
            raise IndexError(column)
        if kind == _TEXTS and length >= 8 and max(struct.unpack_from("<II", stream, at + 4)) > len(stream):
            raise IndexError(at)
        at += 4 + length


def _text(body: bytes, length: int, start: int) -> str:
    """A text of a given length behind ``start`` bytes, whose last says whether it is UTF-16."""
    if body[start - 1] & 1:
        return body[start : start + 2 * length].decode("utf-16-le")
    return body[start : start + length].decode("latin-1")


def _sheet(stream: bytes, at: int) -> _Sheet:
    sheet = _Sheet()
    for kind, body in _records(stream, at):
        if kind == _ROW:
            row, flags = struct.unpack_from("<H10xH", body)
            if flags & 0x20:
                sheet.hidden_rows.add(row)
        elif kind == _COLINFO:
            first, last, flags = struct.unpack_from("<HH4xH", body)
            if flags & 1:
                sheet.hidden_columns.update(range(first, last + 1))
        elif kind in (_NUMBER, _RK, _FORMULA):
            row, column, style = struct.unpack_from("<HHH", body)
            if kind == _FORMULA and body[12:14] == b"\xff\xff":
                if body[6] == 2:
                    sheet.errors[row, column] = _ERRORS.get(body[8], "#N/A")
            else:
                sheet.number(row, column, style)
        elif kind == _BOOLERR:
            row, column, value, is_error = struct.unpack_from("<HH2xBB", body)
            if is_error:
                sheet.errors[row, column] = _ERRORS.get(value, "#N/A")
        elif kind == _MULRK:
            row, column = struct.unpack_from("<HH", body)
            for k, (style, _) in enumerate(struct.iter_unpack("<HI", body[4:-2])):
                sheet.number(row, column + k, style)
    return sheet
