"""A document as PDF, set by typst: bookmarks, tags, PDF/A-2b, long tables under repeated headers.

The page design is ``assets/report.typ``. The document reaches it as JSON, so no text in it can be read as
markup; fonts come from the installed font package only; no clock is written.
"""

from __future__ import annotations

import json
import re
import tempfile
import unicodedata
from importlib import resources
from pathlib import Path
from typing import Any

from commlab.errors import DataError
from commlab.figures.theme import UNKNOWN, font_folder, known_characters
from commlab.report.document import Document, Heading, Items, Para, Part, Picture, Table
from commlab.report.docx_pages import FIRST_ROWS, LAST_ROWS, keep_together

__all__ = ["pdf_bytes"]

EPOCH = 946_684_800
"""The creation date written into every file (2000-01-01, in seconds): no output holds a clock."""

LONGEST_WORD = 20
"""Words from this length on may be broken."""
PIECE = 12
LONGEST_KEPT = 200
"""Characters up to which a cell may keep its row together with others."""


def pdf_bytes(document: Document) -> bytes:
    """Set a document as PDF/A-2b.

    Parameters
    ----------
    document : Document

    Returns
    -------
    bytes
        The same for the same document and versions.

    Raises
    ------
    DataError
        If typst refuses the document; the message is typst's.
    """
    import typst

    with tempfile.TemporaryDirectory(prefix="commlab-") as folder:
        root = Path(folder)
        design = root / "report.typ"
        design.write_bytes((resources.files("commlab.report") / "assets" / "report.typ").read_bytes())
        files = {picture.anchor: f"{picture.anchor}.png" for picture in document.pictures}
        for picture in document.pictures:
            (root / files[picture.anchor]).write_bytes(picture.png)
        try:
            return typst.compile(
                str(design),
                root=str(root),
                font_paths=[str(font_folder())],
                ignore_system_fonts=True,
                sys_inputs={"document": _drawable(json.dumps(_told(document, files), ensure_ascii=False))},
                pdf_standards=["a-2b"],
                timestamp=EPOCH,
            )
        except typst.TypstError as error:
            raise DataError(f'"{document.title}" cannot be set as PDF: {error.message}') from error


def _drawable(text: str) -> str:
    """The text with a mark for each character that the font lacks: typst sets no PDF/A of which a sign is missing."""
    odd = {c for c in set(text) if ord(c) not in known_characters() and c != "\n"}
    kinds = {c: unicodedata.category(c) for c in odd}
    marks: dict[str, str | int | None] = {
        c: " " if kinds[c] == "Zs" else "" if kinds[c] in ("Mn", "Me", "Cf") else UNKNOWN for c in odd
    }
    return text.translate(str.maketrans(marks))


def _told(document: Document, files: dict[str, str]) -> dict[str, Any]:
    return {
        "title": document.title,
        "subtitle": document.subtitle,
        "facts": [list(f) for f in document.facts],
        "language": document.language,
        "region": {"zh": "CN", "en": "GB"}[document.language],
        "author": "commlab",
        "mark": document.mark,
        "contents": len(document.headings) > 2,
        "contents_title": document.text("Contents"),
        "spreads": [
            {
                "landscape": landscape,
                # A run of pages starts on a new page by itself.
                "parts": [
                    _part(p, document, files)
                    | ({} if k else {"new_page": False})
                    | {"sticky": isinstance(after, (Table, Picture))}
                    for k, (p, after) in enumerate(zip(parts, [*parts[1:], None], strict=True))
                ],
            }
            for landscape, parts in document.spreads
        ],
    }


def _breakable(text: str) -> str | list[str | list[str]]:
    """Text; where it has long words, a list in which each is a list of pieces between which a line may end.

    By itself typst ends lines at spaces and between ideographs only.
    """
    runs: list[str | list[str]] = []
    at = 0
    for word in re.finditer(rf"[!-\u02af]{{{LONGEST_WORD},}}", text):
        pieces = re.split(r"(?<=[/\\_.#!:;,&=?-])", word[0])
        runs += [text[at : word.start()], [p[i : i + PIECE] for p in pieces for i in range(0, len(p), PIECE)]]
        at = word.end()
    return [*runs, text[at:]] if runs else text


def _kept(table: Table) -> dict[str, int]:
    """How many rows at the beginning and at the end stay together: none where one of them is long."""
    if len(table.rows) < FIRST_ROWS + LAST_ROWS:
        return {"first": 1, "last": 1}
    ends = {"first": table.rows[:FIRST_ROWS], "last": table.rows[-LAST_ROWS:]}
    return {
        end: len(rows) if all(len(v) <= LONGEST_KEPT for row in rows for v in row) else 1
        for end, rows in ends.items()
    }


def _part(part: Part, document: Document, files: dict[str, str]) -> dict[str, Any]:
    if isinstance(part, Heading):
        return {"type": "heading", "level": part.level, "text": part.printed, "new_page": part.appendix}
    if isinstance(part, Para):
        return {"type": "paragraph", "text": _breakable(part.text), "role": part.role}
    if isinstance(part, Items):
        return {"type": "list", "items": [_breakable(i) for i in part.items], "ordered": part.ordered}
    if isinstance(part, Table):
        return {
            "type": "table",
            "caption": part.caption,
            "columns": [{"label": c.label, "align": c.align, "share": c.share} for c in part.columns],
            "groups": [list(g) for g in part.groups],
            "rows": [[_breakable(v) for v in r] for r in part.rows],
            "strong": sorted(part.strong),
            "notes": [_breakable(document.text("Note: {note}", note=n)) for n in part.notes],
            "size": part.size_pt,
            "whole": keep_together(part),
        } | _kept(part)
    return {
        "type": "figure",
        "caption": part.caption,
        "alt": part.alt,
        "width": part.width_mm,
        "file": files[part.anchor],
    }
