"""Every part of a file that can hold something: members of archives, chunks of pictures, pages of a PDF, what is encoded or packed."""

from __future__ import annotations

import base64
import binascii
import bz2
import contextlib
import io
import json
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

__all__ = ["inside"]

DEEPEST = 6
"""Archives in archives, encoded text in encoded text: what lies deeper is a finding of its own."""
INFLATED = 50_000_000
_BASE64 = re.compile(
    rb"(?:[A-Za-z0-9+/_-]{60,}(?:\r?\n|\\n))+[A-Za-z0-9+/_-]*={0,2}|[A-Za-z0-9+/_-]{24,}={0,6}"
)
_HEX = re.compile(rb"(?:[0-9a-f]{2}|[0-9A-F]{2}){12,}")
_BASE32 = re.compile(rb"[A-Z2-7]{24,}={0,6}")
_ARCHIVE = b"PK\x03\x04"
_WEB = bytes.maketrans(b"-_", b"+/")
_PNG = b"\x89PNG\r\n\x1a\n"
_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)


def inside(
    content: bytes, suffix: str = "", member: str = "", depth: int = 0
) -> Iterator[tuple[str, bytes | None]]:
    """Every part of a file that can hold text: (member, content); None where it lies deeper than ``DEEPEST``."""
    if depth > DEEPEST:
        yield member, None
        return
    yield member, content
    below = f"{member} > " if member else ""
    if content[:8] == _PNG:
        yield from _png(content, below, depth)
    elif content[:5] == b"%PDF-":
        yield from _pdf(content, below)
        yield from _encoded(content, below, depth)
    elif content[:4] == _ARCHIVE or (_ARCHIVE in content and zipfile.is_zipfile(io.BytesIO(content))):
        yield from _archive(content, below, depth)
    else:
        if packed := _unpacked(content):
            yield from inside(packed, "", f"{below}(unpacked)", depth + 1)
        if suffix == ".ipynb":
            yield f"{below}(strings)", "\n".join(_strings(_json(content))).encode()
        yield from _encoded(content, below, depth)


def _encoded(content: bytes, below: str, depth: int) -> Iterator[tuple[str, bytes | None]]:
    for number, run in enumerate(_BASE64.finditer(content), start=1):
        for decoded in _decoded(run[0]):
            yield from inside(decoded, "", f"{below}(encoded {number})", depth + 1)


def _archive(content: bytes, below: str, depth: int) -> Iterator[tuple[str, bytes | None]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield f"{below}(comment)", archive.comment
            for info in archive.infolist():
                yield f"{below}{info.filename} (extra)", info.extra + info.comment + info.filename.encode()
                yield from inside(
                    archive.read(info), Path(info.filename).suffix, f"{below}{info.filename}", depth + 1
                )
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        RuntimeError,
        NotImplementedError,
        EOFError,
        OSError,
    ):
        yield f"{below}(archive)", None


def _decoded(run: bytes) -> Iterator[bytes]:
    """What a long run of letters and digits may stand for; nothing where it is none of these."""
    bare = re.sub(rb"\r?\n|\\n|=", b"", run)
    with contextlib.suppress(binascii.Error, ValueError):
        yield base64.b64decode(bare.translate(_WEB) + b"=" * (-len(bare) % 4))
    if _HEX.fullmatch(bare):
        yield bytes.fromhex(bare.decode())
    if _BASE32.fullmatch(bare):
        with contextlib.suppress(binascii.Error):
            yield base64.b32decode(bare + b"=" * (-len(bare) % 8))


def _unpacked(content: bytes) -> bytes:
    """Of one compressed stream, and of those behind it."""
    if content[:2] == b"\x1f\x8b":
        return _inflated(content, 31)
    if content[:3] == b"BZh":
        with contextlib.suppress(OSError, ValueError):
            return bz2.BZ2Decompressor().decompress(content, INFLATED)
    if content[:6] == b"\xfd7zXZ\0":
        with contextlib.suppress(lzma.LZMAError):
            return lzma.LZMADecompressor().decompress(content, INFLATED)
    return _inflated(content) or _inflated(content, -15, whole=True)


def _begins(two: bytes) -> bool:
    """Whether these are the first two bytes of a stream of zlib."""
    return two[0] & 15 == 8 and int.from_bytes(two, "big") % 31 == 0


def _inflated(data: bytes, bits: int = 15, *, whole: bool = False) -> bytes:
    """Of a stream of zlib, what can be had (``whole``: nothing where it does not end well)."""
    stream = zlib.decompressobj(bits)
    try:
        out = stream.decompress(data, INFLATED)
        while bits == 31 and stream.unused_data[:2] == b"\x1f\x8b" and len(out) < INFLATED:
            data, stream = stream.unused_data, zlib.decompressobj(bits)
            out += stream.decompress(data, INFLATED)
    except zlib.error:
        return b""
    return out if stream.eof or not whole else b""


def _json(content: bytes) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _strings(inner)
    elif isinstance(value, list):
        if value and all(isinstance(v, str) for v in value):
            yield "".join(value)
        for inner in value:
            yield from _strings(inner)


def _png(content: bytes, below: str, depth: int) -> Iterator[tuple[str, bytes | None]]:
    """All chunks but the picture itself; of compressed ones, both as they are and inflated."""
    at = len(_PNG)
    while at + 8 <= len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        name, body = content[at + 4 : at + 8].decode("latin-1"), content[at + 8 : at + 8 + size]
        if name != "IDAT":
            yield from inside(body, "", f"{below}{name}", depth + 1)
        if name in ("zTXt", "iTXt", "iCCP"):
            rest = body.partition(b"\0")[2]
            # a name, a language and flags stand in front: from each place at which a stream may begin
            yield (
                f"{below}{name} (inflated)",
                b" ".join(_inflated(rest[i:]) for i in range(len(rest) - 1) if _begins(rest[i : i + 2])),
            )
        at += size + 12
    if at < len(content):
        yield from inside(content[at:], "", f"{below}(after the end)", depth + 1)


def _pdf(content: bytes, below: str) -> Iterator[tuple[str, bytes | None]]:
    """Streams as they are stored, and the text, notes and properties a reader sees."""
    for number, stream in enumerate(_STREAM.finditer(content), start=1):
        inflated = _inflated(stream[1])
        if inflated:
            yield f"{below}stream {number}", inflated
    import pypdf
    from pypdf.errors import PyPdfError

    try:
        reader = pypdf.PdfReader(io.BytesIO(content))
        properties = [str(v) for v in (reader.metadata or {}).values()]
        properties += [str(item.title) for item in _flat(reader.outline)] + list(reader.attachments)
        yield f"{below}(properties)", "\n".join(properties).encode("utf-8", "ignore")
        for number, page in enumerate(reader.pages, start=1):
            notes = [str(a.get_object().get("/Contents", "")) for a in page.get("/Annots") or ()]
            # The columns of a table stand side by side: word by word, or figures would run into numbers of a person.
            words = [*page.extract_text().split(), *notes]
            yield f"{below}page {number}", "\n".join(words).encode("utf-8", "ignore")
    except (PyPdfError, ValueError, KeyError, TypeError):
        yield f"{below}(pages)", None


def _flat(outline: Iterable[Any]) -> Iterator[Any]:
    for item in outline:
        if isinstance(item, list):
            yield from _flat(item)
        else:
            yield item
