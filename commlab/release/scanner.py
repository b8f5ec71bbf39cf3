"""Opens every member of every file of a release and looks for what must not be there.

Nothing is taken on trust: archives are opened (also inside archives), PDF streams and PNG chunks inflated, base64 and escapes
undone, and the text of a page is looked at with and without its tags. What is found is told by file, member and kind,
never by value.
"""

from __future__ import annotations

import base64
import binascii
import html
import io
import json
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

__all__ = ["SUFFIXES", "Finding", "inside", "plain", "scan"]

SUFFIXES = (".csv", ".docx", ".html", ".json", ".pdf", ".png", ".xlsx")
"""Kinds of files that a release may hold."""
IDENTIFIERS = ("mobile", "id", "email", "plate")
"""Kinds of identifiers that are looked for in every text; the others look too much like figures."""
DEEPEST = 6
"""Archives in archives, encoded text in encoded text: what lies deeper is a finding of its own."""
LEAST_CANARY = 2
"""Letters and digits from which a canary tells something."""
LONGEST_CANARY = 100
LONGEST_LOOK, OVERLAP = 2000, 100
"""A long line is looked at in pieces that overlap."""
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{24,}={0,2}")
_BASE64_TEXT = re.compile(r"[A-Za-z0-9+/]{200,}={0,2}")
_BETWEEN = re.compile(r"[\W_]+")
_BLOCKS = re.compile(
    r"</(?:w:p|w:tc|a:p|p|td|th|tr|li|h\d|div|figcaption|caption|title|si|is|row|c|v)>|<br\s*/?>",
    re.IGNORECASE,
)
_DRAWN = re.compile(r"(?:^|> )stream \d+$")
_NUMERALS = re.compile(r"[\d零〇一二三四五六七八九幺]")
LEAST_DIGITS = 4
"""A line with fewer digits holds no number of a person."""
_TAGS = re.compile(r"<[^<>]{0,4000}>")
_ESCAPES = re.compile(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})|_x([0-9a-fA-F]{4})_")
_PNG = b"\x89PNG\r\n\x1a\n"
_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_FORBIDDEN: tuple[tuple[str, re.Pattern[str], re.Pattern[str]], ...] = tuple(
    (kind, re.compile(where), re.compile(what))
    for kind, where, what in (  # kind, members it is looked for in, what must not be there
        ("formula", r"xl/worksheets/.*\.xml$", r"<f[ >]"),
        ("hidden sheet", r"xl/workbook\.xml$", r'state="(?:hidden|veryHidden)"'),
        ("hidden column or row", r"xl/worksheets/.*\.xml$", r'hidden="(?:1|true)"'),
        ("comment", r"(?:xl/comments|word/comments|xl/threadedComments)", r"."),
        ("link outside", r"xl/externalLinks/|\.rels$", r'TargetMode="External"'),
        ("macro", r"vbaProject|activeX|oleObject", r""),
        ("path of a machine", r"", r"(?:/(?:home/\w|(?:root|tmp|Users)/)|[A-Z]:\\Users\\|file://)"),
    )
)  # fmt: skip


@dataclass(frozen=True, order=True)
class Finding:
    """Where something was found that may not leave the house; ``kind`` says what, nothing says which value."""

    file: str
    member: str
    kind: str

    def __str__(self) -> str:
        return f"{self.file}{' > ' if self.member else ''}{self.member}: {self.kind}"


def plain(text: str) -> str:
    """A text as canaries are compared: NFKC, small letters, only letters, digits and ideographs."""
    return _BETWEEN.sub("", unicodedata.normalize("NFKC", text).lower())


def scan(folder: str | Path, canaries: Iterable[str] = ()) -> list[Finding]:
    """Look through every file of a folder.

    Parameters
    ----------
    folder : path
    canaries : iterable of str
        Texts that stand in the raw files and nowhere else; found however they are spaced, cased or encoded.

    Returns
    -------
    list of Finding
        Sorted; empty where the folder may be given away.

    Notes
    -----
    Looked for are the canaries, mobile, ID and plate numbers and mail addresses, formulas, hidden sheets, columns and
    rows, comments, outside links, macros, paths of this machine, and files of another kind than ``SUFFIXES``.
    """
    told = [c[:LONGEST_CANARY] for c in dict.fromkeys(canaries) if len(plain(c)) >= LEAST_CANARY]
    texts = _any_of({plain(c) for c in told})
    stored = {
        c.encode(code).decode("latin-1")
        for c in told
        for code in ("utf-8", "utf-16-le", "utf-16-be", "gb18030")
    }
    raw = _any_of(stored)
    root = Path(folder)
    found: set[Finding] = set()
    for path in sorted(p for p in root.rglob("*") if p.is_file() or p.is_symlink()):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            found.add(Finding(name, "", "link to another file"))
            continue
        if path.suffix not in SUFFIXES:
            found.add(Finding(name, "", "a kind of file that is not released"))
        found |= {Finding(name, "", kind) for kind in _kinds(name, texts)}
        for member, content in inside(path.read_bytes(), path.suffix):
            kinds = (
                {"packed too deeply to be looked at"}
                if content is None
                else set(_found(member, content, texts, raw))
            )
            found |= {Finding(name, member, kind) for kind in kinds}
    return sorted(found)


def _any_of(words: Iterable[str]) -> re.Pattern[str] | None:
    """One pattern for many words that share their beginnings, so that each place of a text is looked at once."""
    tree: dict[str, Any] = {}
    for word in words:
        at = tree
        for letter in word:
            at = at.setdefault(letter, {})
        at[""] = {}

    def pattern(at: dict[str, Any]) -> str:
        if "" in at:
            return ""  # a word ends here: what follows is found with it
        parts = [re.escape(letter) + pattern(below) for letter, below in sorted(at.items())]
        return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"

    return re.compile(pattern(tree)) if tree else None


def _found(
    member: str, content: bytes, texts: re.Pattern[str] | None, raw: re.Pattern[str] | None
) -> Iterator[str]:
    """What one member holds that may not leave the house."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("utf-16", errors="ignore") if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
    if raw is not None and raw.search(content.decode("latin-1")):
        yield "canary"
    if not text:
        return
    undone = html.unescape(_ESCAPES.sub(lambda m: chr(int(m[1] or m[2] or m[3], 16)), text))
    undone = unquote(undone) if "%" in undone else undone
    if texts is not None and texts.search(plain(undone)):
        yield "canary"
    if _DRAWN.search(member):
        return  # what a PDF draws is figures only; its pages are read as text
    # What is shown: runs of one paragraph or cell belong together, and no attribute is a number of somebody.
    yield from _kinds(_TAGS.sub("", _BLOCKS.sub("\n", undone)), texts)
    for kind, where, what in _FORBIDDEN:
        if where.search(member) and what.search(text):
            yield kind


@lru_cache(maxsize=20_000)
def _identifiers(line: str) -> frozenset[str]:
    """Kinds of identifiers in a line; most lines of a release stand in many of its files."""
    from commlab.intake.identifiers import find

    return frozenset(kind for _, _, kind in find(line) if kind in IDENTIFIERS)


def _kinds(text: str, canaries: re.Pattern[str] | None) -> Iterator[str]:
    if canaries is not None and canaries.search(plain(text)):
        yield "canary"
    for line in set(text.splitlines()):
        # Long runs without a space are a font or a picture, no text; they have been decoded.
        for words in _BASE64_TEXT.split(line):
            for start in range(0, len(words), LONGEST_LOOK - OVERLAP):
                look = words[start : start + LONGEST_LOOK]
                if "@" in look or len(_NUMERALS.findall(look)) >= LEAST_DIGITS:
                    yield from _identifiers(look)


def inside(
    content: bytes, suffix: str = "", member: str = "", depth: int = 0
) -> Iterator[tuple[str, bytes | None]]:
    """Every part of a file that can hold text: (member, content); None where it lies deeper than ``DEEPEST``."""
    if depth > DEEPEST:
        yield member, None
        return
    yield member, content
    below = f"{member} > " if member else ""
    if content[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield f"{below}(comment)", archive.comment
            for info in archive.infolist():
                yield f"{below}{info.filename} (extra)", info.extra + info.comment + info.filename.encode()
                yield from inside(
                    archive.read(info), Path(info.filename).suffix, f"{below}{info.filename}", depth + 1
                )
    elif content[:8] == _PNG:
        yield from _png(content, below)
    elif content[:5] == b"%PDF-":
        yield from _pdf(content, below)
    elif content[:2] == b"\x1f\x8b":
        inflated = _inflated(content, 31)
        yield from inside(inflated, "", f"{below}(gzip)", depth + 1) if inflated else ()
    else:
        if suffix == ".ipynb":
            yield f"{below}(strings)", "\n".join(_strings(_json(content))).encode()
        for number, run in enumerate(_BASE64.finditer(content), start=1):
            decoded = _decoded(run[0])
            if decoded and decoded != content:
                yield from inside(decoded, "", f"{below}(base64 {number})", depth + 1)


def _decoded(run: bytes) -> bytes:
    try:
        return base64.b64decode(run + b"=" * (-len(run) % 4))
    except (binascii.Error, ValueError):
        return b""


def _inflated(data: bytes, bits: int = 15) -> bytes:
    try:
        return zlib.decompressobj(bits).decompress(data, 50_000_000)
    except zlib.error:
        return b""


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


def _png(content: bytes, below: str) -> Iterator[tuple[str, bytes]]:
    """All chunks but the picture itself."""
    at = len(_PNG)
    while at + 8 <= len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        kind, body = content[at + 4 : at + 8], content[at + 8 : at + 8 + size]
        name = kind.decode("latin-1")
        if kind in (b"zTXt", b"iTXt", b"iCCP"):
            head, _, rest = body.partition(b"\x00")
            yield (
                f"{below}{name}",
                head + b" " + (_inflated(rest[1:]) or _inflated(rest.rpartition(b"\x00")[2]) or rest),
            )
        elif kind != b"IDAT":
            yield f"{below}{name}", body
        at += size + 12
    if at < len(content):
        yield f"{below}(after the end)", content[at:]


def _pdf(content: bytes, below: str) -> Iterator[tuple[str, bytes]]:
    """Streams as they are stored, and the text, notes and properties a reader sees."""
    for number, stream in enumerate(_STREAM.finditer(content), start=1):
        inflated = _inflated(stream[1])
        if inflated:
            yield f"{below}stream {number}", inflated
    import pypdf

    reader = pypdf.PdfReader(io.BytesIO(content))
    properties = [str(v) for v in (reader.metadata or {}).values()]
    properties += [str(item.title) for item in _flat(reader.outline)] + list(reader.attachments)
    yield f"{below}(properties)", "\n".join(properties).encode()
    for number, page in enumerate(reader.pages, start=1):
        notes = [str(a.get_object().get("/Contents", "")) for a in page.get("/Annots") or ()]
        # The columns of a table stand side by side: word by word, or figures would run into numbers of a person.
        words = [*page.extract_text().split(), *notes]
        yield f"{below}page {number}", "\n".join(words).encode("utf-8", "ignore")


def _flat(outline: Iterable[Any]) -> Iterator[Any]:
    for item in outline:
        if isinstance(item, list):
            yield from _flat(item)
        else:
            yield item
