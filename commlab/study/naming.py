"""Names that a study is given: which may name a folder, and which are written with letters that look like others.

A district's name is a folder's name in ``reports/``: it has letters, digits and a few signs, and is no name that a system or
commlab keeps for itself. Any other name is text and may be anything that can be seen.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commlab.intake.unseen import named
from commlab.study.handkept import unseen_cells

if TYPE_CHECKING:
    import pandas as pd

    from commlab.study.register import Register

__all__ = ["LONGEST_NAME", "folder_fault", "look_alikes", "naming_lines", "spelt"]

LONGEST, LONGEST_NAME = 60, 200
"""Characters of a folder's name, and of any other."""
_FOLDER = re.compile(r"[\w(（][\w ()（）·•・,，、&+'’\-–—.]*")
_DEVICE = re.compile(r"con|prn|aux|nul|conin\$|conout\$|clock\$|(?:com|lpt)[0-9¹²³]", re.I)
_OWN = frozenset(("city", "methods", "en", "outdated", "index.html", "status.json", "run.log"))
"""What stands beside the districts' folders, or in them."""
_PRINTED = 60
# Letters and signs beside the character that they are taken for: Cyrillic and Greek for Latin, kana and signs for Chinese.
_LOOKS = str.maketrans(
    "АВЕКМНОРСТУХЅІЈаеорсухѕіјΑΒΕΖΗΙΚΜΝΟΡΤΥΧνοιαニロハエカタトーへ末己已曰士囗",
    "ABEKMHOPCTYXSIJaeopcyxsijABEZHIKMNOPTYXvoia二口八工力夕卜一八未己己日土口",
)  # fmt: skip
_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "ARABIC", "HEBREW")
_FOREIGN = frozenset(("CYRILLIC", "GREEK", "HIRAGANA", "KATAKANA"))


def spelt(text: str) -> str:
    """A name for a message: quoted, with what nobody sees spelt out, cut where it is long.

    >>> spelt("五华\\u200b区")
    '"五华\\\\u200b区"'
    """
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return f'"{shown[:_PRINTED]}{"…" if len(shown) > _PRINTED else ""}"'


def folder_fault(name: str) -> str:
    """Why a name cannot name a folder; empty where it can.

    >>> folder_fault("五华区"), folder_fault("CON")[:29], folder_fault("../x")[:24]
    ('', '"CON" is kept for the system', '"../x" begins with or ho')
    """
    if not _FOLDER.fullmatch(name) or name.endswith((".", " ")):
        odd = next((c for c in name if not _FOLDER.fullmatch(f"x{c}")), name[:1] or " ")
        where = "ends with" if _FOLDER.fullmatch(name) else "begins with or holds"
        sign = name[-1] if where == "ends with" else odd
        return f"{spelt(name)} {where} {spelt(sign)}, which no folder may be called by"
    if len(name) > LONGEST:
        return f"{spelt(name)} has {len(name)} characters; at most {LONGEST} name a folder"
    if _DEVICE.fullmatch(name.partition(".")[0].strip()):
        return f"{spelt(name)} is kept for the system"
    if name.casefold() in _OWN:
        return f"{spelt(name)} is kept for what stands beside the districts"
    return ""


def look_alikes(names: Iterable[str]) -> dict[str, str]:
    """Names that mix alphabets in which letters look alike, or that look like another of the names: name -> what it looks like.

    >>> look_alikes(["五华区", "Кunming", "翠湖社区", "三ロ社区", "未央社区", "末央社区"])
    {'Кunming': 'Kunming', '三ロ社区': '三口社区', '末央社区': '未央社区'}
    """
    first: dict[str, str] = {}
    out = {}
    for name in dict.fromkeys(names):
        looks = unicodedata.normalize("NFKC", name).translate(_LOOKS)
        scripts = {s for c in name if c.isalpha() for s in _SCRIPTS if unicodedata.name(c, "").startswith(s)}
        mixed = len(scripts) > 1 and bool(scripts & _FOREIGN) and looks != unicodedata.normalize("NFKC", name)
        known = first.setdefault(looks, name)
        if mixed or known != name:
            out[name] = looks if mixed else known
    return out


_PEOPLE = ("rater", "expert", "rated")


def naming_lines(
    root: Path, register: Register, unmatched: Iterable[pd.DataFrame], frames: Iterable[pd.DataFrame]
) -> Iterator[dict[str, Any]]:
    """Ledger lines: what nobody sees in the register's tables, and names that look like others.

    Parameters
    ----------
    root : path
        The study's folder.
    register : Register
    unmatched : frames with ``found``
        Names of units that no unit has.
    frames : clean rows of every file
        Looked through for the names of raters and experts.
    """
    for path in register.files():
        if path.suffix == ".csv" and (found := unseen_cells(path)):
            told = f"characters that nobody sees were taken out: {named(found.values())}"
            yield {
                "file": path.relative_to(root).as_posix(), "rule": "unseen_characters", "message": told, "before": named(found.values()),
                "action": "changed", "severity": "note", "n": len(found), "first_cells": ", ".join(list(found)[:5]),
            }  # fmt: skip
    units = [*register.units["name"].dropna(), *register.aliases["alias"].dropna()]
    strange = [str(name) for frame in unmatched for name in frame.get("found", ())]
    people = {str(n) for frame in frames for c in _PEOPLE if c in frame for n in frame[c].dropna().unique()}
    for names in (dict.fromkeys((*units, *strange)), sorted(people)):
        for name, looks in look_alikes(names).items():
            told = f"{spelt(name)} looks like {spelt(looks)}, but is written with other letters"
            yield {"rule": "look-alike names", "message": told, "before": name, "after": looks}
