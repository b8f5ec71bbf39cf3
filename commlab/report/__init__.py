"""Findings and the pages made from them.

``Finding``, ``Section``, ``Paragraph``, ``Bullets`` and ``Cover`` are what chapters return and notebooks
show; ``export`` turns an executed notebook into HTML, Word and PDF; ``write_workbook`` and ``write_index``
write what belongs beside them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from commlab.report.finding import Bullets, Col, Cover, Finding, Paragraph, Section

_HOMES = {
    "Bullets": "finding",
    "Col": "finding",
    "Cover": "finding",
    "Finding": "finding",
    "Paragraph": "finding",
    "Section": "finding",
}

__all__ = ["Bullets", "Col", "Cover", "Finding", "Paragraph", "Section"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"commlab.report.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'commlab.report' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
