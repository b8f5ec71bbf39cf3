"""Blocks for the eye of whoever runs a notebook; the pages are never made from these."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

__all__ = ["as_html", "as_text"]


def as_text(block: Mapping[str, Any]) -> str:
    """A block as plain text."""
    kind = block["type"]
    if kind == "heading":
        return block["text"]
    if kind == "paragraph":
        return block["text"]
    if kind == "list":
        return "\n".join(f"- {i}" for i in block["items"])
    if kind == "figure":
        return f"{block['title']}: {block['alt']}"
    if kind == "cover":
        return block["title"]
    lines = ["\t".join(c["label"] for c in block["columns"]), *("\t".join(row) for row in block["rows"])]
    return "\n".join([block["title"], *lines, *block["notes"]])


def as_html(block: Mapping[str, Any]) -> str:
    """Plain HTML for the notebook itself; every text is escaped."""
    e = html.escape
    kind = block["type"]
    if kind == "cover":
        facts = "<br>".join(f"{e(a)}: {e(b)}" for a, b in block["facts"])
        return f"<h1>{e(block['title'])}</h1><p>{e(block['subtitle'])}</p><p>{facts}</p>"
    if kind == "heading":
        level = block["level"] + 1
        return f"<h{level}>{e(block['text'])}</h{level}>"
    if kind == "paragraph":
        return f"<p>{e(block['text'])}</p>"
    if kind == "list":
        tag = "ol" if block["ordered"] else "ul"
        return f"<{tag}>" + "".join(f"<li>{e(i)}</li>" for i in block["items"]) + f"</{tag}>"
    align = [c["align"] for c in block["columns"]]
    labels = [" / ".join(filter(None, [c["group"], c["label"]])) for c in block["columns"]]
    head = "".join(
        f'<th scope="col" style="text-align:{a}">{e(label)}</th>'
        for a, label in zip(align, labels, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(f'<td style="text-align:{a}">{e(v)}</td>' for a, v in zip(align, row, strict=True))
        + "</tr>"
        for row in block["rows"]
    )
    notes = "".join(f"<small>{e(n)}</small><br>" for n in block["notes"])
    return f"<table><caption>{e(block['title'])}</caption><tr>{head}</tr>{body}</table>{notes}"
