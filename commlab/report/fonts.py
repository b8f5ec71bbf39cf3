"""The Chinese font of the web pages, cut down to the characters that a page holds.

A page carries two fonts: one with Latin and the characters of the library's own catalog, cut once and kept for other
processes, and one with whatever else the page holds, which is small. It is cut from a font of the usual characters
(GB 2312), which is kept, too: a fifth of the characters, without hints and subroutines, is cut three times as fast.
Both depend on the text alone, so the same page is the same bytes.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from importlib import resources
from types import SimpleNamespace
from typing import Any

from commlab.figures.theme import font_folder
from commlab.store import file_hash, json_hash, remembered

__all__ = ["LARGEST", "page_fonts"]

LARGEST = 250_000
"""Bytes that the fonts of one page may have; rarer characters are then left to the reader's own fonts."""
BROTLI_QUALITY = 9
"""Of the compression: the best, 11, takes twenty times as long for a file that is a twelfth smaller."""
_FONT_FILE = "NotoSansSC-Regular.otf"
_TABLES_NOT_NEEDED = ["BASE", "GPOS", "GSUB", "VORG", "vhea", "vmtx"]


def page_fonts(text: str) -> list[str]:
    """Fonts that hold every character of a page.

    Parameters
    ----------
    text : str
        All text of the page.

    Returns
    -------
    list of str
        One or two WOFF2 fonts, base64.
    """
    base = _base_characters()
    common = _common_font()
    rest = frozenset(c for c in text if c > " ") - base
    budget = LARGEST - len(common)
    extra = _cut(rest) if rest else b""
    while len(extra) > budget:
        # Order of code points: the common ideographs come before the rare blocks.
        rest = frozenset(sorted(rest)[: int(len(rest) * 0.9 * budget / len(extra))])
        extra = _cut(rest)
    return [base64.b64encode(font).decode("ascii") for font in (common, extra) if font]


@cache
def _base_characters() -> frozenset[str]:
    catalog = (resources.files("commlab") / "locale" / "zh.po").read_text(encoding="utf-8")
    latin = {chr(c) for c in range(0x20, 0x7F)}
    return frozenset(latin | {c for c in catalog if c > " "} | set("—–…·•≥≤±×−“”‘’、。，；：（）【】"))


def _kept(name: str, characters: frozenset[str], make: Callable[[], bytes]) -> bytes:
    from importlib.metadata import version

    made_by = [
        version("fonttools"),
        version("brotli"),
        file_hash(__file__),
        file_hash(font_folder() / _FONT_FILE),
    ]
    return remembered(name, json_hash([*made_by, "".join(sorted(characters))]), make)


@cache
def _common_font() -> bytes:
    base = _base_characters()
    return _kept("page-font", base, lambda: _cut(base))


@cache
def _usual() -> frozenset[str]:
    """Signs and the 6,763 Chinese characters of GB 2312, and what the library itself prints."""
    rows = (bytes((row, cell)) for row in range(0xA1, 0xF8) for cell in range(0xA1, 0xFF))
    return _base_characters() | {pair.decode("gb2312", "ignore") for pair in rows} - {""}


@cache
def _usual_font() -> bytes:
    whole = str(font_folder() / _FONT_FILE)
    return _kept("usual-font", _usual(), lambda: _subset(whole, _usual(), tidied=False))


@cache
def _cut(characters: frozenset[str]) -> bytes:
    """The font with these characters only, as WOFF2; nothing where it has none of them."""
    from fontTools.ttLib import woff2

    tidied = characters < _usual() and characters != _base_characters()
    whole = io.BytesIO(_usual_font()) if tidied else str(font_folder() / _FONT_FILE)
    plain, packed = io.BytesIO(_subset(whole, characters, tidied=tidied)), io.BytesIO()
    if plain.getbuffer().nbytes == 0:
        return b""
    with _quick(woff2):
        woff2.compress(plain, packed)
    return packed.getvalue()


def _subset(whole: str | io.BytesIO, characters: frozenset[str], *, tidied: bool) -> bytes:
    """A font with some characters of another; ``tidied``: that one has neither hints nor subroutines any more."""
    from fontTools import subset

    options: Any = subset.Options()
    options.set(hinting=tidied, desubroutinize=not tidied, layout_features=[], name_IDs=[1, 2])
    options.set(notdef_outline=True)
    options.drop_tables += _TABLES_NOT_NEEDED
    font = subset.load_font(whole, options, lazy=True)
    known = font.getBestCmap()
    wanted = [ord(c) for c in sorted(characters) if ord(c) in known]
    if not wanted:
        return b""
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=wanted)
    cutter.subset(font)
    made = io.BytesIO()
    font["head"].modified = font["head"].created
    font.recalcTimestamp = False
    subset.save_font(font, made, options)
    font.close()
    return made.getvalue()


@contextmanager
def _quick(woff2: Any) -> Iterator[None]:
    """Let fontTools compress at our quality: it has no option for it."""
    best = woff2.brotli
    compress = partial(best.compress, quality=BROTLI_QUALITY)
    woff2.brotli = SimpleNamespace(MODE_FONT=best.MODE_FONT, compress=compress)
    try:
        yield
    finally:
        woff2.brotli = best
