"""What a document prints beside its rules: kinds of units, figures that no score rests on, remarks for reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from commlab.framework.entries import Constant, Frozen, Note
from commlab.framework.located import Faults, Map, shaped
from commlab.framework.rules import exact

__all__ = ["read_constants", "read_notes", "read_types"]


def read_types(given: Map | None, faults: Faults) -> dict[str, Mapping[str, str]]:
    """Kinds of units (``type`` in the register and in parts) with their labels."""
    out: dict[str, Mapping[str, str]] = {}
    for key, value in (given or {}).items():
        labels = shaped(value, "labels", faults, f"type {key}")
        out[key] = Frozen({"zh": key, **labels})
    return out


def read_constants(given: Map | None, source: Mapping[str, Any], faults: Faults) -> dict[str, Constant]:
    """Figures by name; one that is official says where it stands."""
    out: dict[str, Constant] = {}
    given = Map() if given is None else given
    for key, value in given.items():
        what = f"constant {key}"
        c = shaped(value, "constant", faults, what)
        if ("value" in c) == ("by" in c):
            faults.add(
                given.lines[key], f"{what} needs exactly one of value (a number), by (a number for each kind)"
            )
            continue
        by = {}
        for kind, number in c.get("by", {}).items():
            try:
                by[kind] = exact(number)
            except ValueError:
                faults.add(c.lines["by"], f"{what}: by {kind} is {number!r}; it must be a number")
        document = c.get("document") or str(source.get("document", ""))
        if c.get("official") and not (document and c.get("article")):
            faults.add(
                given.lines[key],
                f"{what} is official: it needs article, and a document (here or under source)",
            )
        out[key] = Constant(
            key=key,
            zh=c.get("zh", key),
            en=c.get("en", ""),
            unit=c.get("unit", ""),
            value=exact(c["value"]) if "value" in c else None,
            by=Frozen(by),
            official=c.get("official", False),
            soft=c.get("soft", False),
            document=document,
            article=c.get("article", ""),
        )
    return out


def read_notes(given: list[Any] | None, source: Mapping[str, Any], faults: Faults) -> tuple[Note, ...]:
    """Sentences for a chapter of the reports, each with where it comes from."""
    out = []
    for entry in given or []:
        n = shaped(entry, "note", faults, "a note")
        if "chapter" in n and "zh" in n:
            document = n.get("document") or str(source.get("document", ""))
            out.append(Note(n["chapter"], n["zh"], n.get("en", ""), document, n.get("article", "")))
    return tuple(out)
