"""An executed notebook as a document: numbered once, laid out once, the same for every format.

``read_document`` takes the blocks out of a notebook's outputs (see ``finding.MIME``) and nothing else:
markdown and code cells are for the researcher. Headings, tables and figures get their numbers here, columns
their widths, and a table that is too wide for an upright page is marked for a landscape one; the writers
only set type.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commlab.errors import DataError
from commlab.report.finding import MIME
from commlab.report.layout import TEXT_WIDTH_MM, laid_out
from commlab.report.numbering import Numbers
from commlab.text import Text, clean

__all__ = [
    "Column",
    "Document",
    "Heading",
    "Items",
    "Para",
    "Picture",
    "Table",
    "build_document",
    "read_document",
]

SHORT_TEXT = 450
"""Text of at most so many characters moves to the landscape page of the table that follows it."""
BRIEF_ROWS = 14
"""Rows of tables that lie on a landscape page between two wide tables, though they would fit upright."""
TALLEST_MM = 205.0
"""Height of a picture that leaves room for its caption on a page."""
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Heading:
    """``number`` is printed before the text; ``anchor`` is unique in the document."""

    level: int
    text: str
    number: str
    anchor: str
    appendix: bool = False

    @property
    def printed(self) -> str:
        return f"{self.number}{self.text}"


@dataclass(frozen=True)
class Para:
    text: str
    role: str = ""


@dataclass(frozen=True)
class Items:
    items: tuple[str, ...]
    ordered: bool = False


@dataclass(frozen=True)
class Column:
    """``share`` of the table's width; the shares of a table add up to 1."""

    label: str
    align: str
    group: str = ""
    share: float = 0.0


@dataclass(frozen=True)
class Table:
    """``size_pt`` is the type size and ``landscape`` the page it needs."""

    label: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    strong: frozenset[int]
    notes: tuple[str, ...]
    anchor: str
    size_pt: float = 12.0
    landscape: bool = False

    @property
    def caption(self) -> str:
        return _caption(self.label, self.title)

    @property
    def groups(self) -> list[tuple[str, int]]:
        """The upper row of a two-level header: (label, columns it spans); empty without groups."""
        spans: list[tuple[str, int]] = []
        for c in self.columns:
            if c.group and spans and spans[-1][0] == c.group:
                spans[-1] = (c.group, spans[-1][1] + 1)
            else:
                spans.append((c.group, 1))
        return spans if any(label for label, _ in spans) else []


@dataclass(frozen=True, eq=False)
class Picture:
    label: str
    title: str
    alt: str
    width_mm: float
    height_mm: float
    name: str
    png: bytes
    anchor: str

    @property
    def caption(self) -> str:
        return _caption(self.label, self.title)


Part = Heading | Para | Items | Table | Picture


@dataclass(frozen=True, eq=False)
class Document:
    """What every writer sets: title, facts of the cover, the sample mark, the parts in reading order."""

    title: str
    subtitle: str
    facts: tuple[tuple[str, str], ...]
    language: str
    sample: bool
    parts: tuple[Part, ...]
    code: tuple[str, ...] = ()

    @property
    def text(self) -> Text:
        return Text(self.language)

    @property
    def mark(self) -> str:
        """The sample mark, or nothing."""
        return (
            self.text("模拟数据 / sample data: fabricated for demonstration, not real results")
            if self.sample
            else ""
        )

    @property
    def spreads(self) -> list[tuple[bool, list[Part]]]:
        """The parts in runs of one page orientation: (landscape, parts).

        A heading and short text right before a wide table go with it, and what is brief between two of them lies, too: no
        page is left nearly empty.
        """
        runs: list[tuple[bool, list[Part]]] = []
        for part in self.parts:
            landscape = isinstance(part, Table) and part.landscape
            if landscape:
                moved = _lead_in(runs[-1][1]) if runs else []
                if runs and moved:
                    del runs[-1][1][-len(moved) :]
                    if not runs[-1][1]:
                        runs.pop()
                if runs and runs[-1][0]:
                    runs[-1][1].extend([*moved, part])
                else:
                    runs.append((True, [*moved, part]))
            elif runs and not runs[-1][0]:
                runs[-1][1].append(part)
            else:
                runs.append((False, [part]))
        lying: list[tuple[bool, list[Part]]] = []
        for k, (landscape, parts) in enumerate(runs):
            lies = landscape or (0 < k < len(runs) - 1 and _brief(parts))
            if lying and lying[-1][0] == lies:
                lying[-1][1].extend(parts)
            else:
                lying.append((lies, parts))
        return lying

    @property
    def headings(self) -> list[Heading]:
        return [p for p in self.parts if isinstance(p, Heading)]

    @property
    def tables(self) -> list[Table]:
        return [p for p in self.parts if isinstance(p, Table)]

    @property
    def pictures(self) -> list[Picture]:
        return [p for p in self.parts if isinstance(p, Picture)]


def _brief(parts: Sequence[Part]) -> bool:
    """Whether parts would leave most of an upright page empty."""
    rows = sum(len(p.rows) for p in parts if isinstance(p, Table))
    length = sum(len(p.text if isinstance(p, Para) else "") for p in parts)
    plain = all(isinstance(p, (Table, Para)) or (isinstance(p, Heading) and not p.appendix) for p in parts)
    return plain and rows <= BRIEF_ROWS and length <= SHORT_TEXT


def _lead_in(parts: Sequence[Part]) -> list[Part]:
    """The short text at the end of a run and the headings above it; nothing where the text is long."""
    start, length = len(parts), 0
    for part in reversed(parts):
        if not isinstance(part, (Para, Items)):
            break
        start -= 1
        length += len(part.text if isinstance(part, Para) else "".join(part.items))
    if length > SHORT_TEXT:
        return []
    while start and isinstance(parts[start - 1], Heading):
        start -= 1
    return list(parts[start:])


def read_document(notebook: str | Path | Mapping[str, Any], *, language: str | None = None) -> Document:
    """Read the blocks that an executed notebook shows.

    Parameters
    ----------
    notebook : path or mapping
        An executed notebook, as a file or as its JSON.
    language : {"zh", "en"}, optional
        Default: what the notebook's cover says.

    Returns
    -------
    Document

    Raises
    ------
    DataError
        If the file is no notebook, a cell of it failed, it shows no cover or two, or a block is malformed.
    """
    import json

    name = "notebook"
    if isinstance(notebook, (str, Path)):
        name = Path(notebook).name
        if not Path(notebook).is_file():
            raise DataError("there is no such notebook; run the report first", file=str(notebook))
        try:
            content = json.loads(Path(notebook).read_text(encoding="utf-8"))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise DataError(f"this is not a notebook ({error}); run it again", file=name) from None
    else:
        content = notebook
    if not isinstance(content, Mapping) or not isinstance(content.get("cells"), list):
        raise DataError('this is not a notebook: it has no list of "cells"', file=name)
    blocks: list[tuple[dict[str, Any], bytes | None]] = []
    code: list[str] = []
    for number, cell in enumerate(content["cells"], start=1):
        if cell.get("cell_type") != "code":
            continue
        source = cell.get("source", "")
        code.append("".join(source) if isinstance(source, list) else source)
        for output in cell.get("outputs", []):
            if output.get("output_type") == "error":
                raise DataError(
                    f"cell {number} failed with {output.get('ename')}; a failed notebook is not exported",
                    file=name,
                )
            data = output.get("data", {})
            if MIME in data:
                blocks.append((data[MIME], _decode(data.get("image/png"), name, number)))
    return build_document(blocks, language=language, code=[c for c in code if c.strip()], name=name)


def _decode(image: Any, name: str, number: int) -> bytes | None:
    if image is None:
        return None
    try:
        return base64.b64decode("".join(image))
    except (binascii.Error, TypeError, ValueError) as error:
        raise DataError(f"the picture of cell {number} cannot be read ({error})", file=name) from None


def build_document(
    blocks: Iterable[tuple[Mapping[str, Any], bytes | None]],
    *,
    language: str | None = None,
    code: Iterable[str] = (),
    name: str = "document",
) -> Document:
    """Number and lay out blocks (see ``finding.blocks``). The first one must be the cover."""
    todo = list(blocks)
    if not todo or todo[0][0].get("type") != "cover":
        raise DataError("its first block is no cover; show a Cover(...) before the first section", file=name)
    cover = todo[0][0]
    language = language or str(cover.get("language", "zh"))
    numbers = Numbers(Text(language))
    parts: list[Part] = []
    for block, png in todo[1:]:
        try:
            parts.append(_part(block, png, numbers))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            why = str(error) if isinstance(error, ValueError) else f"{type(error).__name__} {error}"
            where = f"block {len(parts) + 2} ({block.get('type')})"
            raise DataError(f"{where} cannot be printed: {why}", file=name) from None
    return Document(
        title=_line(cover["title"]),
        subtitle=_line(cover.get("subtitle", "")),
        facts=tuple((_line(a), _line(b)) for a, b in cover.get("facts", ())),
        language=language,
        sample=bool(cover.get("sample", False)),
        parts=tuple(parts),
        code=tuple(clean(c) for c in code),
    )


def _line(value: object) -> str:
    """Clean text on one line."""
    return " ".join(clean(value).split("\n")).strip()


def _caption(label: str, title: str) -> str:
    return f"{label}　{title}" if title else label


def _part(block: Mapping[str, Any], png: bytes | None, numbers: Numbers) -> Part:
    kind = block["type"]
    if kind == "heading":
        level = int(block["level"])
        if level not in (1, 2, 3):
            raise ValueError(f"level {level}")
        number, appendix = numbers.heading(level, bool(block.get("appendix", False)))
        return Heading(level, _line(block["text"]), number, f"s{numbers.sections}", appendix)
    if kind == "paragraph":
        return Para(_line(block["text"]), str(block.get("role", "")))
    if kind == "list":
        return Items(tuple(_line(i) for i in block["items"]), bool(block.get("ordered", False)))
    if kind == "table":
        return _table(block, numbers)
    if kind == "figure":
        if png is None or not png.startswith(_PNG):
            raise ValueError("its picture is missing or no PNG")
        width, height = float(block["width_mm"]), float(block["height_mm"])
        if not (0 < width < 10_000 and 0 < height < 10_000):
            raise ValueError(f"its picture is {width} x {height} mm")
        numbers.figures += 1
        scale = min(1.0, TEXT_WIDTH_MM[0] / width, TALLEST_MM / height)
        return Picture(
            label=numbers.t("Figure {number}", number=numbers.figures),
            title=_line(block["title"]),
            alt=_line(block["alt"]),
            width_mm=width * scale,
            height_mm=height * scale,
            name=str(block.get("name", "figure")),
            png=png,
            anchor=f"f{numbers.figures}",
        )
    if kind == "cover":
        raise ValueError("a document has one cover")
    raise ValueError(f"unknown type {kind!r}")


def _table(block: Mapping[str, Any], numbers: Numbers) -> Table:
    numbers.tables += 1
    columns = [
        Column(_line(c["label"]), str(c["align"]), _line(c.get("group") or ""), float(c.get("width") or 0))
        for c in block["columns"]
    ]
    rows = tuple(tuple(_cell(v) for v in row) for row in block["rows"])
    if not columns or any(len(row) != len(columns) for row in rows):
        raise ValueError("its rows and columns do not fit together")
    if any(c.align not in ("left", "center", "right") for c in columns):
        raise ValueError("a column has an unknown alignment")
    table = Table(
        label=numbers.t("Table {number}", number=numbers.tables),
        title=_line(block["title"]),
        columns=tuple(columns),
        rows=rows,
        strong=frozenset(int(i) for i in block.get("strong", ())),
        notes=tuple(_line(n) for n in block.get("notes", ())),
        anchor=f"t{numbers.tables}",
    )
    return laid_out(table)


def _cell(value: object) -> str:
    """Leading ideographic spaces (indents of a tree) stay."""
    text = clean(value).rstrip()
    return "\n".join(line.rstrip() for line in text.split("\n"))
