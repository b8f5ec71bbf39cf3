"""What a workbook's package says beside its values, read from its parts without unpacking more than declared.

Spreadsheet packages are zip files of XML. Before a workbook is opened, the declared sizes are added up
(the reader refuses parts larger than they declare) and cells far from all others are looked for. Then each
sheet's XML gives what the reader of values does not: hidden rows, cells that show an error, formulas
without a stored result, cells shown as per cent.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from html import unescape
from pathlib import Path

from commlab.errors import DataError
from commlab.intake import opendocument
from commlab.intake.peek import MOST_CELLS, MOST_COLUMNS, Peek, refuse_doctype

__all__ = ["inspect", "is_encrypted"]

_MOST_UNPACKED = 640 << 20
_MOST_PART = 400 << 20
_MOST_RATIO = 400
_SMALL_PART = 16 << 20
_MOST_PARTS = 10_000
_PROLOGUE = 4096  # bytes in which a part would declare a document type

_LOCKED = "is protected by a password; save it without one and send it again"
_SHEET = re.compile(rb"<(?:\w+:)?sheet\b([^>]*)>")
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\b([^>]*)>")
_ATTRIBUTE = re.compile(r"""([\w:]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_HIDDEN_ROW = re.compile(rb"<(?:\w+:)?row\b(?=[^>]*\bhidden=\"(?:1|true)\")[^>]*\br=\"(\d+)\"")
_HIDDEN_COLUMN = re.compile(rb"<(?:\w+:)?col\b[^>]*\bhidden=\"(?:1|true)\"[^>]*>")
_FAR_CELL = re.compile(rb"<(?:\w+:)?c\b[^>]*?\br=\"([A-Z]{2,3})(\d+)\"[^>]*[^/]>")
_VERY_FAR = re.compile(rb"\br=\"[A-Z]{3}\d+\"")
_NEAR_COLUMNS = 702  # up to ZZ
_LAST_ROW = re.compile(rb"<(?:\w+:)?row\b[^>]*\br=\"(\d+)\"")
_ERROR = re.compile(
    rb"<(?:\w+:)?c\b(?=[^>]*\bt=\"e\")[^>]*\br=\"([A-Z]+)(\d+)\"[^>]*>(?:(?!</(?:\w+:)?c>).)*?<(?:\w+:)?v>([^<]*)<"
)
_UNCOMPUTED = re.compile(
    rb"<(?:\w+:)?c\b[^>]*\br=\"([A-Z]+)(\d+)\"[^>]*><(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)"
    rb"(?:<(?:\w+:)?v>\s*</(?:\w+:)?v>|<(?:\w+:)?v\s*/>)?</(?:\w+:)?c>"
)
_FAR_ROW = re.compile(rb"<(?:\w+:)?c\b[^>]*?\br\s*=\s*[\"'][A-Z]+(\d{6,})[\"']")
_CLAIMED = re.compile(rb"uniqueCount\s*=\s*[\"']([^\"']*)")
"""How many texts a part says it has: room for them is made before they are read."""
_STYLED = re.compile(rb"<(?:\w+:)?c r=\"([A-Z]+)(\d+)\"[^>]*?\bs=\"(\d+)\"")


def is_encrypted(path: Path) -> bool:
    """Whether an OLE file wraps an encrypted package."""
    marker = "EncryptedPackage".encode("utf-16-le")
    with path.open("rb") as stream:
        tail = b""
        while block := stream.read(1 << 20):
            if marker in tail + block:
                return True
            tail = block[-len(marker) :]
    return False


def inspect(path: Path) -> dict[str, Peek]:
    """Check a package's sizes and look at its sheets.

    Returns
    -------
    dict
        Sheet name -> Peek.

    Raises
    ------
    DataError
        If the package is damaged, unpacks to more than is read, or holds cells absurdly far away.
    """
    name = path.name
    try:
        with zipfile.ZipFile(path) as archive:
            parts = {part.filename: part for part in archive.infolist()}
            _refuse_bombs(parts, name)
            if "content.xml" in parts:
                if b"encryption-data" in archive.read("META-INF/manifest.xml"):
                    raise DataError(_LOCKED, file=name)
                return opendocument.inspect(archive.read("content.xml"), file=name)
            if "xl/workbook.xml" not in parts:
                raise DataError("is a zip file but no workbook; unpack it and send the tables", file=name)
            for part in parts:
                if part.startswith("xl/") and part.endswith(".xml"):
                    with archive.open(part) as stream:
                        start = stream.read(_PROLOGUE)
                    refuse_doctype(start, file=name)
                    if any(int(n) > parts[part].file_size for n in _CLAIMED.findall(start)):
                        raise ValueError(f"{part} claims more texts than it can hold")
            styles = archive.read("xl/styles.xml") if "xl/styles.xml" in parts else b""
            percents = _percent_styles(styles)
            peeks = {}
            for sheet, target in _targets(archive, parts).items():
                if target in parts:
                    peeks[sheet] = _peek(archive.read(target), percents, name, sheet)
            return peeks
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        KeyError,
        RuntimeError,
        OSError,
        ValueError,
        struct.error,
    ) as error:
        if "password" in str(error) or "encrypted" in str(error):
            raise DataError(_LOCKED, file=name) from None
        raise DataError(
            f"is damaged and cannot be read ({error}); open and save it again", file=name
        ) from None


def _refuse_bombs(parts: dict[str, zipfile.ZipInfo], name: str) -> None:
    if len(parts) > _MOST_PARTS:
        raise DataError(f"holds {len(parts):,} parts, more than any workbook needs; not opened", file=name)
    total = sum(part.file_size for part in parts.values())
    if total > _MOST_UNPACKED:
        raise DataError(
            f"unpacks to {total >> 20:,} MB (at most {_MOST_UNPACKED >> 20:,} are read); not opened: part it",
            file=name,
        )
    for part in parts.values():
        ratio = part.file_size / max(part.compress_size, 1)
        if part.file_size > _MOST_PART or (part.file_size > _SMALL_PART and ratio > _MOST_RATIO):
            raise DataError(
                f"its part {part.filename} unpacks from {part.compress_size:,} to {part.file_size:,} "
                "bytes, which looks "
                "like a zip bomb; not opened: copy the table's values into a new workbook",
                file=name,
            )


def _attributes(raw: bytes) -> dict[str, str]:
    found = _ATTRIBUTE.findall(raw.decode("utf-8", "replace"))
    return {key.rpartition(":")[2]: unescape(a or b) for key, a, b in found}


def _targets(archive: zipfile.ZipFile, parts: dict[str, zipfile.ZipInfo]) -> dict[str, str]:
    relations = "xl/_rels/workbook.xml.rels"
    if relations not in parts:
        return {}
    where = {}
    for raw in _RELATION.findall(archive.read(relations)):
        found = _attributes(raw)
        target = found.get("Target", "")
        where[found.get("Id", "")] = target[1:] if target.startswith("/") else f"xl/{target}"
    out = {}
    for raw in _SHEET.findall(archive.read("xl/workbook.xml")):
        found = _attributes(raw)
        if "name" in found and found.get("id", "") in where:
            out[found["name"]] = where[found["id"]]
    return out


def _percent_styles(styles: bytes) -> frozenset[bytes]:
    shown = {b"9", b"10"}
    for raw in re.findall(rb"<(?:\w+:)?numFmt\b([^>]*)>", styles):
        found = _attributes(raw)
        if "%" in found.get("formatCode", ""):
            shown.add(found.get("numFmtId", "").encode())
    block = re.search(rb"<(?:\w+:)?cellXfs\b.*?</(?:\w+:)?cellXfs>", styles, re.S)
    formats = re.findall(rb"<(?:\w+:)?xf\b([^>]*)>", block.group()) if block else []
    return frozenset(
        str(i).encode()
        for i, raw in enumerate(formats)
        if _attributes(raw).get("numFmtId", "0").encode() in shown
    )


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


def _refuse_far_cells(xml: bytes, name: str, sheet: str) -> None:
    last = 1
    tail = _LAST_ROW.findall(xml[xml.rfind(b"<row") :] if b"<row" in xml else xml[-4096:])
    # A cell may name another row than the one that it stands in.
    last = max([last, *map(int, tail), *map(int, _FAR_ROW.findall(xml))])
    if last * _NEAR_COLUMNS > MOST_CELLS or _VERY_FAR.search(xml):
        column, row = max(_FAR_CELL.findall(xml), key=lambda cell: _column(cell[0]), default=(b"A", b"1"))
        if last * _column(column) <= MOST_CELLS:
            return
        raise DataError(
            f"a filled cell stands at {column.decode()}{row.decode()} and the sheet has {last:,} rows: "
            "more than "
            f"{MOST_CELLS:,} cells are not read; delete stray cells far from the table, or part it",
            file=name,
            sheet=sheet,
        )


def _peek(xml: bytes, percents: frozenset[bytes], name: str, sheet: str) -> Peek:
    if (values := xml.count(b"</v>")) > MOST_CELLS:
        raise DataError(
            f"holds {values:,} filled cells; at most {MOST_CELLS:,} are read: part it", file=name, sheet=sheet
        )
    _refuse_far_cells(xml, name, sheet)
    errors: dict[tuple[int, int], str] = {}
    uncomputed: list[tuple[int, int]] = []
    shown: set[tuple[int, int]] = set()
    if b't="e"' in xml:
        for column, row, value in _ERROR.findall(xml):
            errors[int(row) - 1, _column(column)] = value.decode("utf-8", "replace")
    if b"<f" in xml or b":f>" in xml:
        uncomputed = [(int(row) - 1, _column(column)) for column, row in _UNCOMPUTED.findall(xml)]
    if percents:
        shown = {
            (int(row) - 1, _column(column))
            for column, row, style in _STYLED.findall(xml)
            if style in percents
        }
    hidden = b"hidden=" in xml
    return Peek(
        frozenset(int(row) - 1 for row in _HIDDEN_ROW.findall(xml)) if hidden else frozenset(),
        _hidden_columns(xml) if hidden else frozenset(),
        errors,
        tuple(uncomputed),
        frozenset(shown),
    )


def _hidden_columns(xml: bytes) -> frozenset[int]:
    out: set[int] = set()
    for raw in _HIDDEN_COLUMN.findall(xml):
        found = _attributes(raw)
        first, last = found.get("min", ""), found.get("max", "")
        if first.isdecimal() and last.isdecimal():
            out.update(range(int(first) - 1, min(int(last), MOST_COLUMNS)))
    return frozenset(out)
