"""Page and styles of the Word documents: the layout of GB/T 9704 for Chinese, a plain one for English.

GB/T 9704-2012: A4; margins 37, 35, 28 and 26 mm; title 方正小标宋 二号; body 仿宋 三号; headings 黑体, 楷体,
仿宋; page numbers as ``— 1 —``, on the right of odd and on the left of even pages. The fonts are named, never
embedded: an office has them, and another machine substitutes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from commlab.report.layout import LINE_HEIGHT

__all__ = [
    "COVER_LINE_PT",
    "LAYOUTS",
    "Layout",
    "element",
    "field_runs",
    "new_document",
    "section_properties",
]

PAGE_MM = (210.0, 297.0)
MARGINS_MM = {"top": 37.0, "bottom": 35.0, "left": 28.0, "right": 26.0, "header": 18.0, "footer": 25.0}
LANDSCAPE_MM = {"top": 28.0, "bottom": 26.0, "left": 37.0, "right": 37.0, "header": 15.0, "footer": 15.0}
TWIPS_PER_MM = 1440 / 25.4
COVER_LINE_PT = 17.0
"""Height of a line of the facts and the contents on the first page, in points."""


@dataclass(frozen=True)
class Layout:
    """Fonts (East Asian), sizes in points and the first-line indent in characters."""

    body: str
    body_pt: float
    line_pt: float
    indent: int
    title: str
    headings: tuple[str, str, str]
    caption: str
    page_pt: float
    latin: str = "Times New Roman"


LAYOUTS = {
    "zh": Layout(
        "仿宋_GB2312", 16, 28.95, 2, "方正小标宋简体", ("黑体", "楷体_GB2312", "仿宋_GB2312"), "黑体", 14
    ),
    "en": Layout("宋体", 12, 19, 0, "黑体", ("黑体", "黑体", "黑体"), "黑体", 11),
}


def element(tag: str, /, *children: Any, text: str | None = None, **attributes: object) -> Any:
    """A WordprocessingML element; names without a prefix get ``w:``."""
    from docx.oxml import OxmlElement

    made = OxmlElement(tag if ":" in tag else f"w:{tag}")
    for name, value in attributes.items():
        made.set(_qualified(f"w:{name.rstrip('_')}"), str(value))
    if text is not None:
        made.text = text
        made.set(_qualified("xml:space"), "preserve")
    made.extend(c for c in children if c is not None)
    return made


@cache
def _qualified(name: str) -> str:
    from docx.oxml.ns import qn

    return str(qn(name))


def field_runs(code: str, shown: str, *, dirty: bool = False) -> list[Any]:
    """The runs of a field: its code, and what is shown until somebody updates it."""
    begin = element("fldChar", fldCharType="begin", **({"dirty": "true"} if dirty else {}))
    return [
        element("r", begin),
        element("r", element("instrText", text=f" {code} ")),
        element("r", element("fldChar", fldCharType="separate")),
        element("r", element("t", text=shown)),
        element("r", element("fldChar", fldCharType="end")),
    ]


def new_document(language: str, mark: str) -> Any:
    """An empty python-docx document with page, styles, header and footer."""
    from docx import Document
    from docx.opc.constants import RELATIONSHIP_TYPE

    layout = LAYOUTS[language]
    document = Document()
    relations = document.part.package.rels
    for key in [
        k
        for k, r in relations.items()
        if r.reltype == RELATIONSHIP_TYPE.THUMBNAIL or "thumbnail" in r.reltype
    ]:
        del relations[key]
    _styles(document, layout, language)
    _header_and_footer(document, layout, mark)
    section = document.sections[0]._sectPr
    for child in list(section):
        if not child.tag.endswith(("headerReference", "footerReference")):
            section.remove(child)
    section.extend(_geometry(landscape=False))
    return document


def section_properties(document: Any, *, landscape: bool) -> Any:
    """Section properties like the document's own, upright or landscape, with the same header and footer."""
    from copy import deepcopy

    made = deepcopy(document.sections[-1]._sectPr)
    for child in list(made):
        if not child.tag.endswith(("headerReference", "footerReference")):
            made.remove(child)
    made.extend(_geometry(landscape=landscape))
    return made


def _geometry(*, landscape: bool) -> list[Any]:
    width, height = (round(mm * TWIPS_PER_MM) for mm in PAGE_MM)
    margins: dict[str, Any] = {
        k: round(mm * TWIPS_PER_MM) for k, mm in (LANDSCAPE_MM if landscape else MARGINS_MM).items()
    }
    size = (
        element("pgSz", w=height, h=width, orient="landscape")
        if landscape
        else element("pgSz", w=width, h=height)
    )
    return [element("type", val="nextPage"), size, element("pgMar", gutter=0, **margins)]


def _styles(document: Any, layout: Layout, language: str) -> None:
    from docx.enum.style import WD_STYLE_TYPE
    from docx.enum.text import WD_ALIGN_PARAGRAPH as ALIGN
    from docx.oxml.ns import qn

    styles = document.styles
    both = ALIGN.JUSTIFY if language == "zh" else ALIGN.LEFT

    def style(name: str, font: str, size: float, based_on: str | None = "Normal", **more: Any) -> Any:
        made = (
            styles[name]
            if name in [s.name for s in styles]
            else styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        )
        if based_on and name != "Normal":
            made.base_style = styles[based_on]
        _font(made, font, size, layout.latin, bold=bool(more.pop("bold", False)))
        _paragraph(made, size, **more)
        made.hidden, made.quick_style = False, True
        return made

    line = layout.line_pt
    style("Normal", layout.body, layout.body_pt, align=both, line=line)
    style("Body Text", layout.body, layout.body_pt, align=both, line=line, indent=layout.indent)
    style("List Bullet", layout.body, layout.body_pt, align=both, line=line, keep_indent=True)
    style("List Number", layout.body, layout.body_pt, align=both, line=line, keep_indent=True)
    big = 22 if language == "zh" else 20
    style("Title", layout.title, big, align=ALIGN.CENTER, line=big * 1.6, before=24, after=10)
    style("Subtitle", layout.headings[1], layout.body_pt, align=ALIGN.CENTER, line=line, after=6)
    style("Sample Mark", layout.caption, 12, align=ALIGN.CENTER, line=18, before=4, after=10)
    style("Cover Facts", layout.body, 12 if language == "zh" else 11, align=ALIGN.CENTER, line=COVER_LINE_PT)
    for level, font in enumerate(layout.headings, start=1):
        size = layout.body_pt if language == "zh" else (16.0, 13.0, 12.0)[level - 1]
        style(
            f"Heading {level}",
            font,
            size,
            align=ALIGN.LEFT,
            line=max(line, size * 1.4),
            before=(10, 6, 4)[level - 1],
            after=4,
            indent=layout.indent,
            keep=True,
            bold=level == 3 or language == "en",
        )
    caption = 14 if language == "zh" else 10.5
    style("Caption", layout.caption, caption, align=ALIGN.CENTER, line=22, before=8, after=4)
    for name, size in (("Table Text", 12.0), ("Table Text 10.5", 10.5), ("Table Text 9", 9.0)):
        # An exact height is the same in every word processor, whatever font stands in for a missing one.
        style(name, layout.body, size, align=ALIGN.LEFT, line=size * LINE_HEIGHT, before=1.5, after=1.5)
    style(
        "Table Note",
        layout.body,
        10.5 if language == "zh" else 9,
        align=ALIGN.LEFT,
        line=None,
        before=2,
        after=2,
    )
    style("Figure", layout.body, layout.body_pt, align=ALIGN.CENTER, line=None, before=6, after=2, keep=True)
    style("Section End", layout.body, 1, align=ALIGN.LEFT, line=1)
    style(
        "TOC Heading", layout.headings[0], layout.body_pt, align=ALIGN.CENTER, line=line, before=12, after=4
    )
    for level in (1, 2):
        toc = style(
            f"toc {level}", layout.body, 12 if language == "zh" else 11, align=ALIGN.LEFT, line=COVER_LINE_PT
        )
        toc.paragraph_format.left_indent = _pt(24 * (level - 1))
        toc.paragraph_format.tab_stops.add_tab_stop(_mm(PAGE_MM[0] - 28 - 26), alignment=2, leader=1)
    defaults = styles.element.find(qn("w:docDefaults"))
    for lang in styles.element.iter(qn("w:lang")):
        lang.set(qn("w:val"), "en-GB")
        lang.set(qn("w:eastAsia"), "zh-CN")
    for fonts in defaults.iter(qn("w:rFonts")):
        _set_fonts(fonts, layout.body, layout.latin)


def _pt(size: float) -> Any:
    from docx.shared import Pt

    return Pt(size)


def _mm(size: float) -> Any:
    from docx.shared import Mm

    return Mm(size)


def _set_fonts(fonts: Any, east_asian: str, latin: str) -> None:
    from docx.oxml.ns import qn

    for name in list(fonts.attrib):
        del fonts.attrib[name]
    for name, font in (("ascii", latin), ("hAnsi", latin), ("eastAsia", east_asian), ("cs", latin)):
        fonts.set(qn(f"w:{name}"), font)


def _font(style: Any, east_asian: str, size: float, latin: str, *, bold: bool) -> None:
    from docx.shared import Pt, RGBColor

    style.font.name, style.font.size, style.font.bold, style.font.italic = latin, Pt(size), bold, False
    style.font.color.rgb = RGBColor(0, 0, 0)
    properties = style.element.get_or_add_rPr()
    _set_fonts(properties.rFonts, east_asian, latin)
    for extra in properties.xpath("w:szCs | w:bCs | w:iCs | w:spacing | w:kern | w:caps"):
        properties.remove(extra)


def _paragraph(
    style: Any,
    size: float,
    *,
    align: Any,
    line: float | None,
    before: float = 0,
    after: float = 0,
    indent: int = 0,
    keep: bool = False,
    keep_indent: bool = False,
) -> None:
    from docx.enum.text import WD_LINE_SPACING
    from docx.oxml.ns import qn
    from docx.shared import Pt

    form = style.paragraph_format
    properties = style.element.get_or_add_pPr()
    for extra in properties.xpath("w:pBdr | w:contextualSpacing" + ("" if keep_indent else " | w:ind")):
        properties.remove(extra)
    form.alignment, form.space_before, form.space_after = align, Pt(before), Pt(after)
    form.keep_with_next, form.widow_control = keep, True
    if line is None:
        form.line_spacing_rule = WD_LINE_SPACING.SINGLE
    else:
        form.line_spacing_rule, form.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(line)
    if keep_indent:
        return
    form.left_indent = Pt(0)
    form.first_line_indent = Pt(indent * size)
    if indent:
        properties.find(qn("w:ind")).set(qn("w:firstLineChars"), str(indent * 100))


def _header_and_footer(document: Any, layout: Layout, mark: str) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH as ALIGN
    from docx.shared import Pt, RGBColor

    document.settings.odd_and_even_pages_header_footer = True
    section = document.sections[0]
    for header in (section.header, section.even_page_header):
        header.is_linked_to_previous = False
        line = header.paragraphs[0]
        line.style = document.styles["Table Note"]
        line.alignment = ALIGN.CENTER
        if mark:
            run = line.add_run(mark)
            run.font.color.rgb = RGBColor(0x9A, 0x34, 0x12)
            run.font.size = Pt(9)
    for footer, align in ((section.footer, ALIGN.RIGHT), (section.even_page_footer, ALIGN.LEFT)):
        footer.is_linked_to_previous = False
        line = footer.paragraphs[0]
        line.style = document.styles["Table Note"]
        line.alignment = align
        blank = "　"
        line._p.append(element("r", element("t", text="— " if align == ALIGN.RIGHT else f"{blank}— ")))
        line._p.extend(field_runs("PAGE", "1"))
        line._p.append(element("r", element("t", text=f" —{blank}" if align == ALIGN.RIGHT else " —")))
        for run in line.runs:
            run.font.size = Pt(layout.page_pt)
            _set_fonts(run._r.get_or_add_rPr().get_or_add_rFonts(), "宋体", layout.latin)
