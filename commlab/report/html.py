"""A document as one HTML file that works offline: contents, scrolling three-line tables, described figures.

Jinja2 escapes every text; the page's own policy forbids scripts and outside addresses; the fonts travel
with it.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any

from commlab.report.document import Document, Heading, Items, Para, Picture, Table
from commlab.report.fonts import page_fonts
from commlab.report.layout import characters

__all__ = ["asset", "environment", "html_text", "trusted"]

MOST_PICTURES = 400_000
"""Bytes of the pictures of one page up to which they stay as they are printed."""
SCREEN_DPI = 200
"""Larger ones are cut down to this: sharp on a dense screen, and a page stays below 1 MB."""
SCREEN_COLOURS = 96
SHORT_CELL = 20
"""Half-width characters up to which a name is not broken on the screen."""
LONG_CELL = 60
"""Half-width characters from which a column of text gets room to be read."""


def html_text(document: Document) -> str:
    """Set a document as one HTML page.

    Returns
    -------
    str
        The page; no outside address, no script; less than 1 MB for a report of usual length.
    """
    print_size = sum(len(p.png) for p in document.pictures) <= MOST_PICTURES
    template = environment().get_template("report.html.j2")
    return template.render(
        doc=document,
        t=document.text,
        lang={"zh": "zh-CN", "en": "en"}[document.language],
        css=trusted(asset("report.css")),
        fonts=[trusted(f) for f in page_fonts(_all_text(document))],
        parts=list(_nested(document)),
        images={
            p.anchor: trusted(base64.b64encode(p.png if print_size else _for_screen(p)).decode("ascii"))
            for p in document.pictures
        },
        classes=_classes,
    )


def asset(name: str) -> str:
    """A text file of ``assets``."""
    return (resources.files("commlab.report") / "assets" / name).read_text(encoding="utf-8")


@cache
def environment() -> Any:
    """Jinja2 over the templates of ``assets``: every text is escaped, a name that is missing is an error."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FunctionLoader(asset),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=False,
    )


def trusted(text: str) -> Any:
    """Our own style sheet and base64: the only texts that are not escaped."""
    from markupsafe import Markup

    return Markup(text)


def _nested(document: Document) -> Iterator[tuple[str, Any]]:
    """The parts, with first-level sections opened and closed."""
    kinds = {Para: "paragraph", Items: "list", Table: "table", Picture: "figure"}
    is_open = False
    for part in document.parts:
        if isinstance(part, Heading):
            if part.level == 1:
                if is_open:
                    yield "close", part
                yield "open", part
                is_open = True
            yield "heading", part
        else:
            yield kinds[type(part)], part
    if is_open:
        yield "close", None


def _classes(table: Table) -> list[str]:
    """Style classes of the columns: alignment, and room for columns of text."""
    named = []
    for j, column in enumerate(table.columns):
        longest = max((characters(row[j]) for row in table.rows), default=0)
        text = "" if column.align != "left" else " name" if longest <= SHORT_CELL else " text"
        room = " long" if longest >= LONG_CELL else text
        named.append(column.align + room)
    return named


def _for_screen(picture: Picture) -> bytes:
    from PIL import Image

    # The quickest of good filters, palettes and compressions: figures have few and flat colours.
    image = Image.open(io.BytesIO(picture.png)).convert("RGB")
    width = round(picture.width_mm / 25.4 * SCREEN_DPI)
    if width < image.width:
        image = image.resize((width, round(image.height * width / image.width)), Image.Resampling.HAMMING)
    out = io.BytesIO()
    image = image.quantize(SCREEN_COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    image.save(out, format="png", compress_level=6)
    return out.getvalue()


def _all_text(document: Document) -> str:
    texts = [
        document.title,
        document.subtitle,
        document.mark,
        *(x for f in document.facts for x in f),
        *document.code,
    ]
    for part in document.parts:
        if isinstance(part, Heading):
            texts.append(part.printed)
        elif isinstance(part, Para):
            texts.append(part.text)
        elif isinstance(part, Items):
            texts += part.items
        elif isinstance(part, Picture):
            texts.append(part.caption)
        elif isinstance(part, Table):
            texts += [part.caption, *part.notes, *(v for row in part.rows for v in row)]
            texts += [x for c in part.columns for x in (c.label, c.group)]
    return "".join(texts)
