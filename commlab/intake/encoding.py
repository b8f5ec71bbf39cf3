"""Text files as offices save them: which bytes mean what, and which character parts the columns.

UTF-8 is tried first and strictly, because GB18030 accepts almost any bytes. Bytes that are not UTF-8 are
Chinese (GB18030) when their pairs fall where everyday Chinese characters and punctuation stand, else Western
(cp1252).

>>> decode("区县,社区数".encode("gb18030"))
('区县,社区数', 'gb18030')
>>> separator("a;b\\n1;2\\n")
';'
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter

from commlab.errors import DataError

__all__ = ["SEPARATORS", "decode", "records", "separator"]

SEPARATORS = (",", "\t", ";")
"""The separators that are recognised."""

_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
# A pair of bytes as GBK reads it; in GB2312, where everyday Chinese stands, both are A1 or above.
_FOUR = rb"[\x81-\xfe][0-9][\x81-\xfe][0-9]"
_TOKEN = re.compile(_FOUR + rb"|[\x81-\xfe][\x40-\x7e\x80-\xfe]|[\x80-\xff]")
_EVERYDAY = re.compile(_FOUR + rb"|[\xa1-\xa9\xb0-\xf7][\xa1-\xfe]")
_UTF8 = re.compile(rb"[\xc3-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH = re.compile(rb"[\x80-\xff]+")
_UTF8_SHARE = 0.8
_SAMPLE = 1 << 20
_CHINESE_SHARE = 0.7
_LINES = 60
_MOST_LINES_IN_A_CELL = 200


def decode(data: bytes, *, file: str | None = None) -> tuple[str, str]:
    """Text of a file and the encoding it was read in.

    Parameters
    ----------
    data : bytes
    file : str, optional
        Leads the error message.

    Returns
    -------
    text, encoding : str
        ``utf-8``, ``utf-8-sig``, ``utf-16``, ``gb18030`` or ``cp1252``.

    Raises
    ------
    DataError
        If the bytes are no text in any of these.
    """
    for bom, name in _BOMS:
        if data.startswith(bom):
            return _strict(data, name, file), name
    if b"\0" in data[:_SAMPLE]:
        raise DataError("holds zero bytes, so it is no text file; open and save it as .xlsx", file=file)
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as error:
        where = error.start
    if _is_spoilt_utf8(data):
        raise DataError(
            f"is UTF-8, but line {_line(data, where)} is spoilt or cut off (byte {data[where]:#04x} at {where}); "
            "ask for the file again",
            file=file,
        )
    chinese = _looks_chinese(data)
    # What is Chinese but spoilt would still be some Western text: it is refused, not garbled.
    for name in ("gb18030",) if chinese else ("cp1252", "gb18030"):
        try:
            return data.decode(name), name
        except UnicodeDecodeError as error:
            where = error.start if chinese else where
    told = "is GB18030, but spoilt or cut off" if chinese else "is neither UTF-8 nor GB18030 nor cp1252"
    raise DataError(
        f"line {_line(data, where)} {told} (byte {data[where]:#04x} at {where}); save the file again as UTF-8",
        file=file,
    )


def _line(data: bytes, where: int) -> int:
    return data.count(b"\n", 0, where) + 1


def _is_spoilt_utf8(data: bytes) -> bool:
    """Whether nearly all bytes above ASCII are characters of UTF-8."""
    high = data[:_SAMPLE]
    good = sum(map(len, _UTF8.findall(high)))
    return good > 0 and good >= _UTF8_SHARE * sum(map(len, _HIGH.findall(high)))


def _strict(data: bytes, name: str, file: str | None) -> str:
    try:
        return data.decode(name)
    except UnicodeDecodeError as error:
        raise DataError(
            f"starts with the mark of {name} but line {_line(data, error.start)} is not {name}; save the file again as UTF-8",
            file=file,
        ) from None


def _looks_chinese(data: bytes) -> bool:
    """Whether most bytes above ASCII stand in pairs that are everyday Chinese characters."""
    tokens = _TOKEN.findall(data[:_SAMPLE])
    return sum(map(bool, map(_EVERYDAY.match, tokens))) >= _CHINESE_SHARE * len(tokens) > 0


def separator(text: str) -> str:
    """The separator that parts most lines into one and the same number of fields.

    >>> separator("a\\tb\\n1\\t2,5\\n")
    '\\t'
    """
    first = text[:7].lower()
    if first.startswith("sep=") and len(text) > 4 and text[4] in SEPARATORS:
        return text[4]
    best, best_score = ",", 0.0
    for candidate in SEPARATORS:
        widths: Counter[int] = Counter()
        rows = csv.reader(io.StringIO(text[:_SAMPLE], newline=""), delimiter=candidate)
        while widths.total() < _LINES:
            try:
                row = next(rows)
            except (StopIteration, csv.Error):
                break
            if any(row):
                widths[len(row)] += 1
        widths.pop(1, None)
        if not widths:
            continue
        width, lines = max(widths.items(), key=lambda pair: (pair[1], pair[0]))
        score = lines * min(width, 8)
        if score > best_score:
            best, best_score = candidate, score
    return best


def records(text: str, delimiter: str, *, file: str | None = None) -> list[list[str]]:
    """Rows of a delimited text, blank lines included, so that row numbers are those a spreadsheet shows.

    Raises
    ------
    DataError
        If a quotation mark is never closed, so that the rest of the file would hide in one cell.
    """
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error:
        # Not well-formed quoting: read it as spreadsheets do, unless that swallows lines.
        try:
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        except csv.Error as error:
            raise DataError(f"cannot be split into cells: {error}; save it as .xlsx", file=file) from None
        for number, row in enumerate(rows, start=1):
            swallowed = max((cell.count("\n") for cell in row), default=0)
            if swallowed > _MOST_LINES_IN_A_CELL or (number == len(rows) and swallowed):
                raise DataError(
                    f"a quotation mark opened in row {number} is never closed and swallows {swallowed} "
                    "lines; "
                    "close it, or save the file as .xlsx",
                    file=file,
                ) from None
    if rows and len(rows[0]) <= 2 and text[:4].lower() == "sep=":
        rows[0] = []
    return rows
