"""Findings and the pages made from them.

``Finding``, ``Section``, ``Paragraph``, ``Bullets`` and ``Cover`` are what chapters return and notebooks
show; ``export`` turns an executed notebook into HTML, Word and PDF; ``write_workbook`` and ``write_index``
write what belongs beside them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from commlab.report.appendix_book import appendix
    from commlab.report.document import Document, read_document
    from commlab.report.finding import Bullets, Col, Cover, Finding, Paragraph, Section
    from commlab.report.index_page import write_index
    from commlab.report.overview import index
    from commlab.report.press import export
    from commlab.report.tidy import save
    from commlab.report.xlsx import Sheet, write_workbook

_HOMES = {
    "Bullets": "finding",
    "Col": "finding",
    "Cover": "finding",
    "Document": "document",
    "Finding": "finding",
    "Paragraph": "finding",
    "Section": "finding",
    "Sheet": "xlsx",
    "appendix": "appendix_book",
    "export": "press",
    "index": "overview",
    "read_document": "document",
    "save": "tidy",
    "write_index": "index_page",
    "write_workbook": "xlsx",
}

__all__ = [
    "Bullets",
    "Col",
    "Cover",
    "Document",
    "Finding",
    "Paragraph",
    "Section",
    "Sheet",
    "appendix",
    "export",
    "index",
    "read_document",
    "save",
    "write_index",
    "write_workbook",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        found = getattr(import_module(f"commlab.report.{_HOMES[name]}"), name)
        # Importing a module puts it here under its own name; the function of the same name must win.
        globals()[name] = found
        return found
    raise AttributeError(f"module 'commlab.report' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
