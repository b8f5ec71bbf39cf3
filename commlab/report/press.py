"""From an executed notebook to the files people hand in.

``export`` reads the notebook once and writes every format asked for; a file appears complete or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from commlab.errors import ParameterError, listing
from commlab.figures.theme import with_mark
from commlab.report.document import Document, read_document
from commlab.store import write_bytes
from commlab.text import SAMPLE_MARK, Text

__all__ = ["FORMATS", "export"]


def _html(document: Document) -> bytes:
    from commlab.report.html import html_text

    return html_text(document).encode("utf-8")


def _docx(document: Document) -> bytes:
    from commlab.report.docx import docx_bytes

    return docx_bytes(document)


def _pdf(document: Document) -> bytes:
    from commlab.report.pdf import pdf_bytes

    return pdf_bytes(document)


FORMATS: dict[str, Callable[[Document], bytes]] = {"html": _html, "docx": _docx, "pdf": _pdf}


def export(
    notebook: str | Path | Mapping[str, Any],
    folder: str | Path,
    *,
    formats: Sequence[str] = ("html", "docx", "pdf"),
    language: str | None = None,
    figures: str | Path | None = None,
    name: str = "report",
) -> list[Path]:
    """Write an executed notebook as documents.

    Parameters
    ----------
    notebook : path or mapping
        An executed notebook whose cells show a ``Cover``, ``Section`` and ``Finding`` objects.
    folder : path
        Where the documents go; made if it is not there.
    formats : sequence of {"html", "docx", "pdf"}
    language : {"zh", "en"}, optional
        Of captions, numbering and labels; default: what the cover says. English files are called
        ``name.en.*``.
    figures : path, optional
        A folder for the figures as PNG files, numbered as in the documents.
    name : str
        Of the files, without suffix.

    Returns
    -------
    list of Path
        The documents in the order of ``formats``, then the figures.

    Raises
    ------
    ParameterError
        If a format or language is unknown; nothing has been written then.
    DataError
        If the notebook failed, shows no cover, or a block is malformed.
    """
    unknown = [f for f in formats if f not in FORMATS]
    if unknown:
        raise ParameterError(f"no format is called {listing(unknown)}; known: {', '.join(FORMATS)}")
    if language is not None:
        Text(language)
    if not name or any(c in name for c in '/\\:*?"<>|') or name.startswith((".", "-")):
        raise ParameterError(f"{name!r} cannot be a file name; use letters, digits and hyphens")
    document = read_document(notebook, language=language)
    stem = name if document.language == "zh" else f"{name}.{document.language}"
    # Everything is set before anything is written: a page that fails leaves the old files alone.
    pages = {Path(folder) / f"{stem}.{form}": FORMATS[form](document) for form in dict.fromkeys(formats)}
    if figures is not None:
        for number, picture in enumerate(document.pictures, start=1):
            # On its own a picture has no page around it that says the data are fabricated.
            alone = with_mark(picture.png, SAMPLE_MARK) if document.sample else picture.png
            pages[Path(figures) / f"{number:02d}-{_plain(picture.name)}.png"] = alone
    for path, content in pages.items():
        write_bytes(path, content)
    return list(pages)


def _plain(name: str) -> str:
    """Letters, digits and hyphens of a name; ``figure`` where nothing is left."""
    kept = "".join(c if c.isascii() and c.isalnum() else "-" for c in name).strip("-")
    return kept[:60] or "figure"
