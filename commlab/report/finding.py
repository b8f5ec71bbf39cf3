"""What a report says: a table, the sentence computed from it, a figure.

A chapter returns a :class:`Section`; in it stand :class:`Finding` objects, paragraphs and lists. A notebook
shows them; each part becomes one output of the notebook that holds HTML for the researcher's eye and, under
``MIME``, the same part as data (cell strings, alignment, caption, notes), from which ``document`` builds
every page. Nothing is ever read back from HTML or Markdown, so no text can turn into markup.

>>> table = pd.DataFrame({"unit": ["五华区"], "score": [81.25]})
>>> columns = {"unit": Col("District"), "score": Col("Score", "number")}
>>> found = Finding(table, "五华区 scored 81.3.", title="Scores", columns=columns, language="en")
>>> [block["type"] for block, _ in blocks(found)]
['paragraph', 'table']
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from commlab.errors import ParameterError, listing
from commlab.text import MISSING, Text, clean

if TYPE_CHECKING:
    from commlab.figures import Figure

__all__ = ["MIME", "Bullets", "Col", "Cover", "Finding", "Paragraph", "Section", "blocks", "columns_by_type"]

MIME = "application/vnd.commlab.block+json"
"""Media type of a block in a notebook's output."""

MOST_CHARACTERS = 2000
"""Longer cells are cut: a page is no place for them, and one hostile cell must not fill a hundred."""

_RIGHT = ("integer", "number", "signed", "percent", "points", "p_value")
# In the place of a figure: withheld, merged, or a bound.
_SIGNED = re.compile(r"[*†≤≥]")
FORMATS = ("text", "label", "date", *_RIGHT)
ALIGNMENTS = ("left", "center", "right")


@dataclass(frozen=True)
class Col:
    """How one column is printed.

    Parameters
    ----------
    label : str
        The header, translated.
    format : str or callable
        ``text``, ``label`` (text that starts with a capital in English), ``integer``, ``number``, ``signed`` (a difference), ``percent`` (of a fraction), ``points``
        (difference of two fractions, in percentage points), ``p_value``, ``date``; or value -> text.
    digits : int
        Decimals.
    align : {"left", "center", "right"}, optional
        Default: numbers right, text left.
    width : float, optional
        How much room the column may claim compared with what its text asks for; default 1.
    group : str
        A header above this column, shared by neighbours that name the same group.
    """

    label: str
    format: str | Callable[[Any], str] = "text"
    digits: int = 1
    align: str | None = None
    width: float | None = None
    group: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.format, str) and self.format not in FORMATS:
            raise ParameterError(
                f"column {self.label!r} has the format {self.format!r}; known: {', '.join(FORMATS)}"
            )
        if self.align is not None and self.align not in ALIGNMENTS:
            raise ParameterError(
                f"column {self.label!r} is aligned {self.align!r}; known: {', '.join(ALIGNMENTS)}"
            )

    @property
    def alignment(self) -> str:
        return self.align or ("right" if self.format in _RIGHT else "left")

    def cell(self, value: Any, t: Text) -> str:
        """The value as it is printed."""
        if callable(self.format):
            return clean(self.format(value))
        if pd.isna(value) if pd.api.types.is_scalar(value) else False:
            return MISSING
        if isinstance(value, (bool, np.bool_)):
            return t("yes") if value else t("no")
        if isinstance(value, str) and self.format in _RIGHT and _SIGNED.search(value):
            return clean(value)  # a sign or a bound where a figure may not be shown
        if self.format in ("text", "label", "date", "p_value", "integer"):
            shows: dict[str, Callable[[Any], str]] = {
                "text": clean,
                "label": lambda v: capital(clean(v), t.language),
                "date": t.date,
                "p_value": t.p_value,
                "integer": t.integer,
            }
            return shows[self.format](value) or MISSING
        return getattr(t, self.format)(value, self.digits)


def capital(text: str, language: str) -> str:
    """A label as it stands at the start of a cell.

    >>> capital("overall satisfaction", "en"), capital("p值", "zh")
    ('Overall satisfaction', 'p值')
    """
    return text[:1].upper() + text[1:] if language == "en" else text


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of its own. ``role``: empty, ``lead`` (stands out) or ``note`` (small)."""

    text: str
    role: str = ""

    def _ipython_display_(self) -> None:
        _show(self)


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: Sequence[str]
    ordered: bool = False

    def _ipython_display_(self) -> None:
        _show(self)


@dataclass(frozen=True)
class Finding:
    """A table, the sentence computed from it and, where a picture says more, a figure.

    Parameters
    ----------
    table : DataFrame
        Values as computed (they stay available for tests and workbooks). No rows: only the text is printed.
    text : str
        The sentences; a blank line parts paragraphs. Must not be empty.
    figure : Figure, optional
    title, figure_title : str
        Captions, without number: numbers are given once for the whole document.
    columns : mapping of column -> Col, optional
        Which columns are printed, in this order, and how. Default: all, by their type.
    notes : sequence of str
        Small print below the table.
    strong : str, optional
        A column of booleans: rows that stand out (totals, parents).
    show_table : bool
        False keeps a table out of the page where the figure says it all.
    language : {"zh", "en"}
    """

    table: pd.DataFrame
    text: str
    figure: Figure | None = None
    title: str = field(default="", kw_only=True)
    figure_title: str = field(default="", kw_only=True)
    columns: Mapping[str, Col] | None = field(default=None, kw_only=True)
    notes: Sequence[str] = field(default=(), kw_only=True)
    strong: str | None = field(default=None, kw_only=True)
    show_table: bool = field(default=True, kw_only=True)
    language: str = field(default="zh", kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.table, pd.DataFrame):
            raise ParameterError(f"a finding needs a DataFrame, not {type(self.table).__name__}")
        if not isinstance(self.text, str) or not self.text.strip():
            raise ParameterError(f"finding {self.title!r} says nothing; compute its sentence from the table")
        if self.figure is not None and not hasattr(self.figure, "png"):
            what = type(self.figure).__name__
            raise ParameterError(
                f"finding {self.title!r}: its figure is a {what}; use a function of commlab.figures"
            )
        named = self.printed
        if not named.columns.is_unique:
            again = named.columns[named.columns.duplicated()]
            raise ParameterError(
                f"finding {self.title!r}: its table has {listing(again)} twice; rename a column"
            )
        if self.columns is not None and not self.columns:
            raise ParameterError(
                f"finding {self.title!r} prints no column; name them, or set show_table=False"
            )
        wanted = [*(self.columns or {}), *([self.strong] if self.strong else [])]
        lacking = [c for c in wanted if c not in named]
        if lacking:
            raise ParameterError(
                f"finding {self.title!r}: its table has no column {listing(lacking)}; it has {listing(named)}"
            )

    @property
    def printed(self) -> pd.DataFrame:
        """The table; a named index is its first columns."""
        return self.table.reset_index() if any(n is not None for n in self.table.index.names) else self.table

    def _ipython_display_(self) -> None:
        _show(self)


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it: strings (paragraphs), findings, lists, further sections.

    ``appendix=True`` starts on a new page and is counted on its own.
    """

    title: str
    level: int = 1
    blocks: Sequence[Any] = ()
    appendix: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        if not self.title.strip():
            raise ParameterError("a section needs a title")
        if self.level not in (1, 2, 3):
            raise ParameterError(
                f"section {self.title!r} has level {self.level}; headings have level 1, 2 or 3"
            )

    def _ipython_display_(self) -> None:
        _show(self)


@dataclass(frozen=True)
class Cover:
    """What stands above a document's first section. The first thing a report notebook shows.

    ``facts`` are pairs such as period and unit; ``sample`` puts the sample mark on every page.
    """

    title: str
    subtitle: str = ""
    facts: Sequence[tuple[str, str]] = ()
    language: str = field(default="zh", kw_only=True)
    sample: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        Text(self.language)
        if not self.title.strip():
            raise ParameterError("a document needs a title")

    def _ipython_display_(self) -> None:
        _show(self)


Block = tuple[dict[str, Any], bytes | None]


def blocks(item: Any) -> Iterator[Block]:
    """The parts of a section, finding, list, paragraph or cover, as data.

    Yields
    ------
    (dict, bytes or None)
        A block as ``document`` reads it, and the PNG of a figure.

    Raises
    ------
    ParameterError
        If something stands in a section that cannot be printed.
    """
    if isinstance(item, str):
        item = Paragraph(item)
    if isinstance(item, Cover):
        facts = [[clean(a), clean(b)] for a, b in item.facts]
        yield (
            {
                "type": "cover",
                "title": clean(item.title),
                "subtitle": clean(item.subtitle),
                "facts": facts,
                "language": item.language,
                "sample": item.sample,
            },
            None,
        )
    elif isinstance(item, Section):
        heading = {
            "type": "heading",
            "level": item.level,
            "text": clean(item.title),
            "appendix": item.appendix,
        }
        yield heading, None
        for inner in item.blocks:
            yield from blocks(inner)
    elif isinstance(item, Paragraph):
        for text in clean(item.text).split("\n\n"):
            if text.strip():
                yield {"type": "paragraph", "text": text.strip(), "role": item.role}, None
    elif isinstance(item, Bullets):
        items = [clean(i).strip() for i in item.items if clean(i).strip()]
        if items:
            yield {"type": "list", "items": items, "ordered": item.ordered}, None
    elif isinstance(item, Finding):
        yield from blocks(Paragraph(item.text))
        if item.show_table and len(item.table):
            yield _table(item), None
        if item.figure is not None:
            yield _picture(item.figure, item.figure_title or item.title), item.figure.png
    elif hasattr(item, "png") and hasattr(item, "alt"):
        yield _picture(item, ""), item.png
    else:
        raise ParameterError(
            f"a section cannot print a {type(item).__name__}; use text, Finding, Paragraph, Bullets, Section"
        )


def columns_by_type(table: pd.DataFrame) -> dict[str, Col]:
    """How a table's columns are printed where nobody says: by their type, under their own names."""
    kinds = {"i": "integer", "u": "integer", "f": "number", "M": "date"}
    return {c: Col(str(c), kinds.get(getattr(table[c].dtype, "kind", "O"), "text")) for c in table}


def _table(item: Finding) -> dict[str, Any]:
    t, table = Text(item.language), item.printed
    columns = (
        dict(item.columns)
        if item.columns is not None
        else columns_by_type(table.drop(columns=item.strong or []))
    )
    cells = [[_cut(col.cell(v, t)) for v in table[name]] for name, col in columns.items()]
    strong = [i for i, on in enumerate(table[item.strong].fillna(False)) if bool(on)] if item.strong else []
    return {
        "type": "table",
        "title": clean(item.title or ""),
        "columns": [
            {"label": clean(c.label), "align": c.alignment, "width": c.width, "group": clean(c.group)}
            for c in columns.values()
        ],
        "rows": [list(row) for row in zip(*cells, strict=True)],
        "strong": strong,
        "notes": [clean(n) for n in item.notes if clean(n).strip()],
    }


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else text[:MOST_CHARACTERS] + "…"


def _picture(figure: Figure, title: str) -> dict[str, Any]:
    return {
        "type": "figure",
        "title": clean(title or ""),
        "alt": clean(figure.alt),
        "width_mm": figure.width_mm,
        "height_mm": figure.height_mm,
        "name": figure.name,
    }


def _show(item: Any) -> None:
    """Show every part as one output of the notebook."""
    from IPython.display import display

    from commlab.report.eye import as_html, as_text

    for block, png in blocks(item):
        data: dict[str, Any] = {"text/plain": as_text(block), MIME: block}
        if png is not None:
            data["image/png"] = base64.b64encode(png).decode("ascii")
        else:
            data["text/html"] = as_html(block)
        display(data, raw=True)
