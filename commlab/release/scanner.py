"""Opens every member of every file of a release and looks for what must not be there.

Nothing is taken on trust: archives are opened (also inside archives), PDF streams and PNG chunks inflated; base64, base32, hexadecimal
and escapes undone (several times, one in another); what is no UTF-8 is read in every encoding of an office; and the text of a page is
looked at with and without its tags. What is found is told by file, member and kind, never by value.
"""

from __future__ import annotations

import hashlib
import html
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from commlab.release.members import inside

__all__ = ["SUFFIXES", "Finding", "plain", "scan"]

SUFFIXES = (".csv", ".docx", ".html", ".json", ".pdf", ".png", ".xlsx")
"""Kinds of files that a release may hold."""
IDENTIFIERS = ("mobile", "id", "email", "plate")
"""Kinds of identifiers that are looked for in every text; the others look too much like figures."""
CLOSED = "cannot be looked into: damaged, or packed too deeply"
ENCODINGS = ("gb18030", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "big5")
"""How what is no UTF-8 may be meant."""
TELLING = 5
"""Bytes from which a canary does not stand in what is no text by chance."""
LONGEST_GUESS = 200_000
"""Bytes up to which something that is no text is read in all of them; a longer one is searched as it is stored."""
UNDONE = 4
"""How many times escapes are undone that lie in one another."""
LEAST_CANARY = 2
"""Letters and digits from which a canary tells something."""
LONGEST_CANARY = 100
LONGEST_LOOK, OVERLAP = 2000, 100
"""A long line is looked at in pieces that overlap."""
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
_CONTAINERS = (b"\x89PNG", b"PK\x03\x04", b"%PDF")
"""How files begin whose parts are read one by one."""
_TAGS = re.compile(r"<[^<>]{0,4000}>")
_ESCAPES = re.compile(r"(?:\\u|%u|_x)([0-9a-fA-F]{4})_?|\\U([0-9a-fA-F]{8})|\\u\{([0-9a-fA-F]{1,6})\}")
_BYTES = re.compile(
    r"(?:\\x[0-9a-fA-F]{2})+|(?:\\[0-3][0-7]{2})+|(?:=[0-9A-F]{2}(?:=\r?\n)?){3,}|(?:=[0-9a-f]{2}){3,}"
)
_IN_STYLES = re.compile(r"\\([0-9a-fA-F]{1,6}) ?")
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
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


@dataclass(frozen=True)
class Canaries:
    """What is looked for: in a text, in what may be one, and in bytes as they are stored."""

    texts: re.Pattern[str] | None
    telling: re.Pattern[str] | None
    stored: re.Pattern[str] | None


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
    words = {plain(c) for c in told}
    codes = ("utf-8", *ENCODINGS[:3])
    stored = {c.encode(code).decode("latin-1") for c in told for code in codes}
    canary = Canaries(
        _any_of(words),
        _any_of(w for w in words if len(w.encode("gb18030")) >= TELLING),
        _any_of(s for s in stored if len(s) >= TELLING),
    )
    root = Path(folder)
    found: set[Finding] = set()
    known: dict[tuple[str, bytes], set[str]] = {}  # documents have members in common
    for path in sorted(p for p in root.rglob("*") if p.is_file() or p.is_symlink()):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            found.add(Finding(name, "", "link to another file"))
            continue
        if path.suffix not in SUFFIXES:
            found.add(Finding(name, "", "a kind of file that is not released"))
        found |= {Finding(name, "", kind) for kind in _kinds(name, canary.texts)}
        for member, content in inside(path.read_bytes(), path.suffix):
            if content is None:
                found.add(Finding(name, member, CLOSED))
                continue
            key = (member, hashlib.blake2b(content, digest_size=16).digest())
            if key not in known:
                known[key] = set(_found(member, content, canary))
            found |= {Finding(name, member, kind) for kind in known[key]}
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


def _found(member: str, content: bytes, canary: Canaries) -> Iterator[str]:
    """What one member holds that may not leave the house."""
    if canary.stored is not None and canary.stored.search(content.decode("latin-1")):
        yield "canary"
    drawn = bool(_DRAWN.search(member))  # of a PDF: its pages are read as text
    for text, sure in _readings(content):
        if drawn and not sure:  # a font
            continue
        texts = canary.texts if sure else canary.telling
        undone = text if drawn else _undone(text)
        if texts is not None and (
            texts.search(plain(undone)) or ("\\" in text and texts.search(plain(_styled(text))))
        ):
            yield "canary"
        if drawn or not sure:  # figures, or no text at all
            continue
        # What is shown: runs of one paragraph or cell belong together, and no attribute is a number of somebody.
        yield from _kinds(_TAGS.sub("", _BLOCKS.sub("\n", undone)), texts)
        for kind, where, what in _FORBIDDEN:
            if where.search(member) and what.search(text):
                yield kind


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _readings(content: bytes) -> Iterator[tuple[str, bool]]:
    """The text of a member, and whether it is one; where it is no UTF-8, in every encoding it may be meant in."""
    if _is_utf8(content):
        yield content.decode("utf-8"), True
        if b"\0" not in content:
            return
    if len(content) > LONGEST_GUESS or content[:4] in _CONTAINERS:
        return
    marked = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    for code in ENCODINGS:
        try:
            yield content.decode(code), code == "gb18030" or marked
        except UnicodeDecodeError:
            yield content.decode(code, "ignore"), False


def _undone(text: str) -> str:
    """A text without escapes: entities, per cent, backslashes, quoted-printable, colours of a terminal."""
    for _ in range(UNDONE):
        before = text
        text = html.unescape(text)
        if "%" in text or "\\" in text or "_x" in text:
            text = _ESCAPES.sub(_letter, text)
        if "\\" in text or "=" in text:
            text = _BYTES.sub(_letters, text)
        text = unquote(text) if "%" in text else text
        text = _ANSI.sub("", text) if "\x1b" in text else text
        if text == before:
            break
    return text


def _letter(found: re.Match[str]) -> str:
    number = int(next(g for g in found.groups() if g is not None), 16)
    return chr(number) if number <= sys.maxunicode else ""


def _letters(found: re.Match[str]) -> str:
    """Bytes that were spelt out."""
    base = 8 if found[0][1] in "0123" and found[0][0] == "\\" else 16
    data = bytes(int(number, base) for number in re.findall(r"[0-9a-fA-F]{2,3}", found[0]))
    return data.decode("utf-8") if _is_utf8(data) else data.decode("latin-1")


def _styled(text: str) -> str:
    """A text with the escapes of a style sheet undone."""
    return _IN_STYLES.sub(lambda m: chr(int(m[1], 16)) if int(m[1], 16) <= sys.maxunicode else "", text)


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
