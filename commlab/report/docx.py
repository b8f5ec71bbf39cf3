"""A document for Word and WPS: native styles, contents and captions as fields, editable tables.

Built with python-docx and plain WordprocessingML; every text goes in as text, so none can become markup.
The file is packed with fixed dates: the same document is the same bytes.
"""

from __future__ import annotations

import io
import zipfile
from copy import deepcopy
from functools import lru_cache
from typing import Any

from commlab.report.document import Document, Heading, Items, Para, Part, Picture, Table
from commlab.report.docx_pages import FIRST_ROWS, LAST_ROWS, keep_together, set_pages
from commlab.report.docx_styles import TWIPS_PER_MM, element, field_runs, new_document, section_properties
from commlab.report.layout import TEXT_WIDTH_MM

__all__ = ["docx_bytes"]

_EPOCH = (1980, 1, 1, 0, 0, 0)
_TABLE_STYLES = {12.0: "Table Text", 10.5: "Table Text 10.5", 9.0: "Table Text 9"}
_CONTENTS_CODE = 'TOC \\o "1-2" \\h \\z \\u'


def docx_bytes(document: Document) -> bytes:
    """Set a document as DOCX.

    Returns
    -------
    bytes
        The same for the same document and versions.

    Notes
    -----
    The page numbers in the contents are computed from the layout; Word replaces them when it opens the file
    (the field is marked as due), LibreOffice and WPS when the reader updates it.
    """
    return _Writer(document).bytes()


class _Writer:
    """Sets one document; holds the python-docx document under construction."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.word = new_document(document.language, document.mark)
        self.body = self.word.element.body
        self.styles = {style.name: style.style_id for style in self.word.styles}
        self.ids = 0
        self.spreads, self.pages = set_pages(document)

    def bytes(self) -> bytes:
        self._cover()
        lies = False
        for landscape, parts in self.spreads:
            if landscape != lies:
                self._end_section(landscape=lies)
            lies = landscape
            for part in parts:
                self._part(part)
        self._end(landscape=lies)
        self._properties()
        packed = io.BytesIO()
        self.word.save(packed)
        return _repacked(packed.getvalue())

    def _part(self, part: Part) -> None:
        if isinstance(part, Heading):
            self._heading(part)
        elif isinstance(part, Para):
            self._paragraph(part.text, "Table Note" if part.role == "note" else "Body Text")
        elif isinstance(part, Items):
            self._items(part)
        elif isinstance(part, Table):
            self._table(part)
        else:
            self._picture(part)

    def _new(self, style: str) -> Any:
        """An empty paragraph; python-docx looks its style up anew each time, which takes longer than all else."""
        made = self.word.add_paragraph()
        made._p.style = self.styles[style]
        return made

    def _paragraph(self, text: str, style: str) -> Any:
        made = self._new(style)
        made._p.append(_run(text))
        return made

    def _bookmark(self, name: str) -> tuple[Any, Any]:
        self.ids += 1
        return element("bookmarkStart", id=self.ids, name=name), element("bookmarkEnd", id=self.ids)

    def _cover(self) -> None:
        d = self.document
        self._paragraph(d.title, "Title")
        if d.subtitle:
            self._paragraph(d.subtitle, "Subtitle")
        if d.mark:
            self._paragraph(d.mark, "Sample Mark")
        colon = "：" if d.language == "zh" else ": "
        for name, value in d.facts:
            self._paragraph(f"{name}{colon}{value}", "Cover Facts")
        headings = [h for h in d.headings if h.level <= 2]
        if len(headings) > 2:
            self._contents(headings)

    def _contents(self, headings: list[Heading]) -> None:
        title = self._paragraph(self.document.text("Contents"), "TOC Heading")
        content = element("sdtContent")
        kind = element(
            "docPartObj", element("docPartGallery", val="Table of Contents"), element("docPartUnique")
        )
        self.body.insert(self.body.index(title._p), element("sdt", element("sdtPr", kind), content))
        content.append(title._p)
        for k, heading in enumerate(headings):
            line = self._new(f"toc {heading.level}")._p
            if k == 0:
                start = field_runs(_CONTENTS_CODE, "", dirty=True)
                line.extend(start[:3])
            link = element("hyperlink", anchor=f"_Toc_{heading.anchor}", history=1)
            link.append(_run(heading.printed))
            link.append(element("r", element("tab")))
            link.extend(field_runs(f"PAGEREF _Toc_{heading.anchor} \\h", str(self.pages[heading.anchor])))
            line.append(link)
            if k == len(headings) - 1:
                line.append(element("r", element("fldChar", fldCharType="end")))
            content.append(line)

    def _heading(self, heading: Heading) -> None:
        made = self._new(f"Heading {heading.level}")
        first = heading is self.document.headings[0] and heading.level == 1
        made.paragraph_format.page_break_before = True if heading.appendix or first else None
        start, end = self._bookmark(f"_Toc_{heading.anchor}")
        made._p.extend([start, _run(heading.printed), end])

    def _items(self, items: Items) -> None:
        style = "List Number" if items.ordered else "List Bullet"
        numbering = self._new_numbering(style) if items.ordered else None
        for text in items.items:
            made = self._paragraph(text, style)
            if numbering is not None:
                properties = made._p.get_or_add_pPr()
                properties.append(element("numPr", element("ilvl", val=0), element("numId", val=numbering)))

    def _new_numbering(self, style: str) -> int:
        """A numbering of its own for every ordered list, so that each starts with 1."""
        from docx.oxml.ns import qn

        numbering = self.word.part.numbering_part.element
        linked = self.word.styles[style].element.pPr.numPr.numId.val
        abstract = next(n for n in numbering.num_lst if n.numId == linked).abstractNumId.val
        number = max(n.numId for n in numbering.num_lst) + 1
        override = element("lvlOverride", element("startOverride", val=1), ilvl=0)
        made = element("num", element("abstractNumId", val=abstract), override, numId=number)
        numbering.findall(qn("w:num"))[-1].addnext(made)
        return number

    def _caption(self, part: Table | Picture, *, above: bool) -> None:
        made = self._new("Caption")
        made.paragraph_format.keep_with_next = above
        number = "".join(c for c in part.label if c.isdigit())
        word = part.label.removesuffix(number)
        start, end = self._bookmark(f"_Ref_{part.anchor}")
        counter = field_runs(f"SEQ {word.strip()} \\* ARABIC", number)
        made._p.extend([start, _run(word), *counter, end, _run(part.caption.removeprefix(part.label))])

    def _table(self, table: Table) -> None:
        self._caption(table, above=True)
        self.body.insert(len(self.body) - 1, _table_element(table, self._style_ids()))
        for note in table.notes:
            self._paragraph(self.document.text("Note: {note}", note=note), "Table Note")

    def _style_ids(self) -> dict[float, str]:
        return {size: self.styles[name] for size, name in _TABLE_STYLES.items()}

    def _end_section(self, *, landscape: bool) -> None:
        """End the section with the last paragraph; after a table, which cannot, with a tiny paragraph."""
        from docx.oxml.ns import qn

        last = self.body[len(self.body) - 2]
        if last.tag != qn("w:p") or last.find(f"{qn('w:pPr')}/{qn('w:sectPr')}") is not None:
            last = self._new("Section End")._p
        last.get_or_add_pPr().append(section_properties(self.word, landscape=landscape))

    def _end(self, *, landscape: bool) -> None:
        """The last section's page; a document never ends with a table, which word processors refuse."""
        from docx.oxml.ns import qn

        own = self.body[len(self.body) - 1]
        if len(self.body) > 1 and self.body[len(self.body) - 2].tag == qn("w:tbl"):
            self._new("Section End")
        if landscape:
            self.body.replace(own, section_properties(self.word, landscape=True))

    def _picture(self, picture: Picture) -> None:
        from docx.shared import Mm

        made = self._new("Figure")
        shape = made.add_run().add_picture(io.BytesIO(picture.png), width=Mm(picture.width_mm))
        shape._inline.docPr.set("descr", picture.alt)
        shape._inline.docPr.set("name", picture.label)
        self._caption(picture, above=False)

    def _properties(self) -> None:
        import datetime as dt

        core = self.word.core_properties
        core.title, core.author, core.last_modified_by = self.document.title[:255], "commlab", "commlab"
        core.comments = core.subject = core.keywords = core.category = ""
        core.language = {"zh": "zh-CN", "en": "en-GB"}[self.document.language]
        core.revision = 1
        core.created = core.modified = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


def _run(text: str) -> Any:
    made = element("r")
    for k, line in enumerate(text.split("\n")):
        if k:
            made.append(element("br"))
        made.append(element("t", text=line))
    return made


def _table_element(table: Table, style_ids: dict[float, str]) -> Any:
    total = round(TEXT_WIDTH_MM[table.landscape] * TWIPS_PER_MM)
    widths = [round(c.share * total) for c in table.columns]
    style = style_ids[table.size_pt]
    borders = element(
        "tblBorders",
        element("top", val="single", sz=12, space=0, color="000000"),
        element("bottom", val="single", sz=12, space=0, color="000000"),
    )
    margins = element("tblCellMar", element("left", w=85, type="dxa"), element("right", w=85, type="dxa"))
    look = element(
        "tblLook", val="0020", firstRow=1, lastRow=0, firstColumn=0, lastColumn=0, noHBand=1, noVBand=1
    )
    properties = element(
        "tblPr",
        element("tblW", w=sum(widths), type="dxa"),
        element("jc", val="center"),
        borders,
        element("tblLayout", type="fixed"),
        margins,
        look,
        element("tblCaption", val=table.caption[:255]),
    )
    made = element("tbl", properties, element("tblGrid", *(element("gridCol", w=w) for w in widths)))
    whole = keep_together(table)
    made.extend(_header_rows(table, widths, style))
    for i, row in enumerate(table.rows):
        rest = len(table.rows) - 1 - i
        keep = bool(table.notes) if rest == 0 else whole or i < FIRST_ROWS - 1 or rest < LAST_ROWS
        shade = "E9EFF6" if i in table.strong else None
        cells = [
            _cell(v, w, c.align, style, keep=keep, shade=shade)
            for v, w, c in zip(row, widths, table.columns, strict=True)
        ]
        made.append(_row(cells))
    return made


def _header_rows(table: Table, widths: list[int], style: str) -> list[Any]:
    groups = table.groups
    if not groups:
        cells = [
            _cell(c.label, w, c.align, style, keep=True, valign="bottom", line=6)
            for c, w in zip(table.columns, widths, strict=True)
        ]
        return [_row(cells, header=True)]
    upper, lower = [], []
    at = 0
    for label, span in groups:
        if label:
            width = sum(widths[at : at + span])
            upper.append(_cell(label, width, "center", style, keep=True, valign="bottom", line=4, span=span))
        for k in range(at, at + span):
            c, w = table.columns[k], widths[k]
            if label:
                lower.append(_cell(c.label, w, c.align, style, keep=True, valign="bottom", line=6))
            else:
                upper.append(
                    _cell(c.label, w, c.align, style, keep=True, valign="bottom", line=6, merge="restart")
                )
                lower.append(
                    _cell("", w, c.align, style, keep=True, valign="bottom", line=6, merge="continue")
                )
        at += span
    return [_row(upper, header=True), _row(lower, header=True)]


def _row(cells: list[Any], *, header: bool = False) -> Any:
    return element(
        "tr", element("trPr", element("cantSplit"), element("tblHeader") if header else None), *cells
    )


def _cell(text: str, width: int, align: str, style: str, **look: Any) -> Any:
    made = deepcopy(_empty_cell(width, align, style, **look))
    if text:
        made[-1].append(_run(text))
    return made


@lru_cache(maxsize=1024)
def _empty_cell(
    width: int,
    align: str,
    style: str,
    *,
    keep: bool,
    valign: str = "center",
    line: int = 0,
    span: int = 1,
    merge: str = "",
    shade: str | None = None,
) -> Any:
    """A cell without text, to be copied: building one takes ten times as long as copying it."""
    below = element("bottom", val="single", sz=line, space=0, color="000000") if line else None
    properties = element(
        "tcPr",
        element("tcW", w=width, type="dxa"),
        element("gridSpan", val=span) if span > 1 else None,
        element("vMerge", val=merge) if merge else None,
        element("tcBorders", below) if line else None,
        element("shd", val="clear", color="auto", fill=shade) if shade else None,
        element("vAlign", val=valign),
    )
    paragraph = element(
        "p",
        element(
            "pPr",
            element("pStyle", val=style),
            element("keepNext") if keep else None,
            element("jc", val=align) if align != "left" else None,
        ),
    )
    return element("tc", properties, paragraph)


def _repacked(packed: bytes) -> bytes:
    """The same archive with fixed dates and no trace of the machine."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            entry = zipfile.ZipInfo(name, date_time=_EPOCH)
            entry.compress_type, entry.create_system, entry.external_attr = (
                zipfile.ZIP_DEFLATED,
                3,
                0o600 << 16,
            )
            new.writestr(entry, old.read(name))
    return out.getvalue()
