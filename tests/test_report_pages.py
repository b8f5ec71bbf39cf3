"""The same document as HTML, Word and PDF: same words, same numbers, nothing that executes, same bytes."""

import io
import re
import unicodedata
import zipfile
from itertools import pairwise

import pytest
from bs4 import BeautifulSoup
from lxml import etree
from pypdf import PdfReader

from commlab.errors import ParameterError
from commlab.report import Cover, Section, export, read_document
from commlab.report.document import Document, build_document
from commlab.report.docx import docx_bytes
from commlab.report.finding import blocks
from commlab.report.fonts import page_fonts
from commlab.report.html import asset, html_text
from commlab.report.pdf import pdf_bytes
from commlab.text import SAMPLE_MARK
from tests.report_samples import HOSTILE, as_notebook, sample_items

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


@pytest.fixture(scope="module")
def notebook():
    return as_notebook(sample_items())


@pytest.fixture(scope="module")
def document(notebook) -> Document:
    return read_document(notebook)


@pytest.fixture(scope="module")
def page(document) -> str:
    return html_text(document)


@pytest.fixture(scope="module")
def soup(page):
    return BeautifulSoup(page, "html.parser")


@pytest.fixture(scope="module")
def word(document) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(docx_bytes(document))) as archive:
        assert {i.date_time for i in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def body(word):
    return etree.fromstring(word["word/document.xml"])


@pytest.fixture(scope="module")
def pdf(document) -> PdfReader:
    return PdfReader(io.BytesIO(pdf_bytes(document)))


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))


# -- HTML ----------------------------------------------------------------------------------------------------


def test_html_is_one_small_offline_file_without_scripts(page, soup):
    assert len(page.encode()) < 1_000_000
    assert soup.html["lang"] == "zh-CN"
    assert not soup.find_all(["script", "iframe", "link", "object", "form", "base"])
    assert not [a for tag in soup.find_all() for a in tag.attrs if a.startswith("on")]
    addresses = [tag[a] for tag in soup.find_all() for a in ("href", "src") if a in tag.attrs]
    assert addresses and all(a.startswith(("#", "data:image/png;base64,")) for a in addresses)
    assert "default-src 'none'" in soup.find("meta", {"http-equiv": "Content-Security-Policy"})["content"]


def test_html_can_be_read_by_a_screen_reader(soup):
    ids = [tag["id"] for tag in soup.find_all(id=True)]
    assert len(ids) == len(set(ids))
    assert all(link["href"][1:] in ids for link in soup.find_all("a"))
    assert soup.find("a", class_="skip")["href"] == "#main" and soup.main["id"] == "main"
    titles = [soup.h1, *soup.main.find_all(re.compile("^h[1-6]$"))]
    levels = [int(h.name[1]) for h in titles]
    assert levels.count(1) == 1 and all(b - a <= 1 for a, b in pairwise(levels))
    for table in soup.find_all("table"):
        assert table["aria-labelledby"] in ids
        assert all(th["scope"] in ("col", "colgroup") for th in table.thead.find_all("th"))
        assert all(row.find("th")["scope"] == "row" for row in table.tbody.find_all("tr"))
        width = sum(int(th.get("colspan", 1)) for th in table.thead.tr.find_all("th"))
        assert all(len(row.find_all(["th", "td"])) == width for row in table.tbody.find_all("tr"))
    assert [img["alt"] for img in soup.find_all("img")] == ["得分: 五华区 81.3; 盘龙区 75.0"]


def test_html_breaks_no_short_name_of_a_row(soup):
    rules = re.sub(r"@media.*", "", asset("report.css"))
    assert re.search(r"[,}]\.name\{white-space:nowrap\}", rules)
    first = [row.find("th")["class"] for row in soup.find_all("table")[1].tbody.find_all("tr")]
    assert first and all("name" in classes for classes in first)


def test_html_prints_hostile_text_as_text(soup):
    cells = [td.get_text() for td in soup.find_all("table")[-1].find_all("td")]
    for payload, cell in zip(HOSTILE, cells, strict=True):
        assert squeezed(cell)[:50] == squeezed(re.sub("[\x08\x0b\uffff]", "", payload))[:50]
    assert soup.find("div", class_="mark").get_text().startswith(SAMPLE_MARK)


def contrast(one: str, two: str) -> float:
    """WCAG 2.1 contrast ratio of two colours."""

    def luminance(colour: str) -> float:
        colour = colour if len(colour) == 7 else "#" + "".join(c * 2 for c in colour[1:])
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    high, low = sorted([luminance(one), luminance(two)], reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_html_text_has_the_contrast_of_wcag_aa(page):
    colours = dict(re.findall(r"--([a-z]+):(#[0-9a-f]{3,6})", page))
    for ink in ("ink", "quiet", "accent"):
        for paper in ("paper", "strong"):
            assert contrast(colours[ink], colours[paper]) >= 4.5, (ink, paper)
    assert contrast(colours["mark"], colours["band"]) >= 4.5


def test_fonts_hold_the_page_and_stay_small(monkeypatch):
    assert page_fonts("五华区") == page_fonts("区华五")
    assert len(page_fonts("abc 123")) == 1
    rare = "".join(chr(c) for c in range(0x9000, 0x9000 + 250))
    whole = sum(len(f) for f in page_fonts(rare)) * 3 / 4
    monkeypatch.setattr("commlab.report.fonts.LARGEST", int(whole) - 5_000)
    assert sum(len(f) for f in page_fonts(rare)) * 3 / 4 <= whole - 4_900


# -- Word ----------------------------------------------------------------------------------------------------


def text_of(node) -> str:
    return "".join(t.text or "" for t in node.iter(f"{W}t"))


def style_of(paragraph) -> str:
    found = paragraph.find(f"{W}pPr/{W}pStyle")
    return "" if found is None else found.get(f"{W}val")


def test_word_has_real_headings_and_a_filled_contents_field(body, document):
    printed = [text_of(p) for p in body.iter(f"{W}p") if re.fullmatch(r"Heading[1-3]", style_of(p))]
    assert printed == [h.printed for h in document.headings]
    contents = body.find(f".//{W}sdt")
    lines = [text_of(p) for p in contents.iter(f"{W}p")]
    assert lines[0] == "目录"
    assert all(re.search(r"\d+$", line) for line in lines[1:]) and len(lines) == 1 + len(document.headings)
    codes = [i.text.strip() for i in body.iter(f"{W}instrText")]
    assert codes[0].startswith("TOC ") and sum(c.startswith("PAGEREF") for c in codes) == len(
        document.headings
    )
    begun = [f.get(f"{W}fldCharType") for f in body.iter(f"{W}fldChar")]
    assert begun.count("begin") == begun.count("end") == begun.count("separate")
    marks = {b.get(f"{W}name") for b in body.iter(f"{W}bookmarkStart")}
    assert {h.get(f"{W}anchor") for h in body.iter(f"{W}hyperlink")} <= marks


def test_word_numbers_captions_with_fields(body):
    captions = [p for p in body.iter(f"{W}p") if style_of(p) == "Caption"]
    assert [text_of(p) for p in captions][:3] == ["表1　长表", "图1　得分图", "表2　宽表"]
    assert all("SEQ" in "".join(i.text for i in p.iter(f"{W}instrText")) for p in captions)


def test_word_tables_are_native_and_repeat_their_header(body):
    tables = list(body.iter(f"{W}tbl"))
    assert len(tables) == 3
    for table in tables:
        rows = table.findall(f"{W}tr")
        assert rows[0].find(f"{W}trPr/{W}tblHeader") is not None
        assert all(r.find(f"{W}trPr/{W}cantSplit") is not None for r in rows)
        grid = [int(c.get(f"{W}w")) for c in table.iter(f"{W}gridCol")]
        for row in rows:
            spans = [int(s.get(f"{W}val")) for s in row.iter(f"{W}gridSpan")]
            assert len(row.findall(f"{W}tc")) + sum(spans) - len(spans) == len(grid)
        borders = {b.tag.removeprefix(W): int(b.get(f"{W}sz")) for b in table.find(f"{W}tblPr/{W}tblBorders")}
        assert borders == {"top": 12, "bottom": 12}


def test_word_pages_follow_gbt_9704_and_turn_for_wide_tables(body):
    sections = list(body.iter(f"{W}sectPr"))
    turned = [s.find(f"{W}pgSz").get(f"{W}orient") == "landscape" for s in sections]
    assert turned == [False, True, False]
    margins = sections[0].find(f"{W}pgMar")
    assert [round(int(margins.get(f"{W}{k}")) / 56.69) for k in ("top", "bottom", "left", "right")] == [
        37,
        35,
        28,
        26,
    ]
    size = sections[0].find(f"{W}pgSz")
    assert [round(int(size.get(f"{W}{k}")) / 56.69) for k in "wh"] == [210, 297]


def test_word_has_no_empty_paragraph_but_at_a_section_end(body):
    for paragraph in body.findall(f"{W}p"):
        if not text_of(paragraph) and paragraph.find(f".//{W}drawing") is None:
            assert style_of(paragraph) == "SectionEnd"


def test_word_prints_hostile_text_as_text_and_describes_pictures(body, word):
    told = squeezed(text_of(body))
    for payload in HOSTILE:
        assert squeezed(re.sub("[\x08\x0b\uffff]", "", payload))[:50] in told
    pictures = [e for e in body.iter() if e.tag.endswith("}docPr")]
    assert [p.get("descr") for p in pictures] == ["得分: 五华区 81.3; 盘龙区 75.0"]
    assert not [n for n in word if "vba" in n.lower() or "embed" in n.lower() or "thumbnail" in n.lower()]
    relations = b"".join(v for n, v in word.items() if n.endswith(".rels"))
    assert b'TargetMode="External"' not in relations


def test_word_carries_the_mark_on_every_page_and_no_clock(word):
    headers = [v.decode() for n, v in word.items() if re.match(r"word/header\d", n)]
    assert len(headers) == 2 and all(SAMPLE_MARK in h for h in headers)
    core = word["docProps/core.xml"].decode()
    assert set(re.findall(r"\d{4}-\d\d-\d\d", core)) == {"2000-01-01"}


# -- PDF -----------------------------------------------------------------------------------------------------


def test_pdf_is_archival_tagged_and_bookmarked(pdf, document):
    meta = pdf.xmp_metadata.rdf_root.toxml()
    assert re.search(r"pdfaid:part>2<.*pdfaid:conformance>B<", meta, re.S)
    assert pdf.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert pdf.trailer["/Root"]["/Lang"].startswith("zh")

    def titles(outline):
        return [t for o in outline for t in (titles(o) if isinstance(o, list) else [o.title])]

    assert titles(pdf.outline) == [h.printed for h in document.headings]
    assert pdf.metadata.title == document.title
    assert pdf.metadata.creation_date.year == 2000


def test_pdf_uses_only_the_fonts_of_the_package(pdf):
    names = {str(f["/BaseFont"]) for p in pdf.pages for f in _fonts(p)}
    assert names and all(re.search("Noto(Sans|Serif)SC", n) for n in names)


def _fonts(page):
    return [f.get_object() for f in page["/Resources"].get("/Font", {}).values()]


def test_pdf_repeats_headers_marks_every_page_and_leaves_none_blank(pdf):
    texts = [squeezed(p.extract_text()) for p in pdf.pages]
    assert all(squeezed(SAMPLE_MARK) in t for t in texts)
    assert all(len(t) > 60 for t in texts)
    with_rows = [t for t in texts if re.search(r"II-\d+", t)]
    assert len(with_rows) >= 2 and all("编码" in t and "得分" in t for t in with_rows)
    rows = re.findall(r"II-(\d+)", "".join(texts))
    assert rows == [str(i) for i in range(1, 61)]


def test_pdf_prints_hostile_text_as_text(pdf):
    told = squeezed("".join(p.extract_text() for p in pdf.pages))
    for payload in HOSTILE[:-1]:
        assert squeezed(re.sub("[\x08\x0b\uffff]", "", payload))[:20] in told
    assert not [a for p in pdf.pages for a in p.get("/Annots", []) if "/URI" in str(a.get_object())]


# -- all -----------------------------------------------------------------------------------------------------


def test_formats_carry_the_same_captions_and_cells(document, soup, body, pdf):
    told = {
        "html": squeezed(soup.main.get_text()),
        "docx": squeezed(text_of(body)),
        "pdf": squeezed("".join(p.extract_text() for p in pdf.pages)),
    }
    wanted = [h.printed for h in document.headings] + [p.caption for p in document.pictures]
    wanted += [t.caption for t in document.tables] + [v for row in document.tables[1].rows for v in row]
    for form, text in told.items():
        assert [w for w in wanted if squeezed(w) not in text] == [], form


@pytest.mark.parametrize("language", ["zh", "en"])
def test_export_writes_complete_files_of_the_same_bytes(tmp_path, language):
    notebook = as_notebook(sample_items(language, rows=3))
    first = export(notebook, tmp_path / "a", figures=tmp_path / "a" / "figures")
    second = export(notebook, tmp_path / "b b", figures=tmp_path / "图")
    stem = "report" if language == "zh" else "report.en"
    assert [p.name for p in first] == [f"{stem}.html", f"{stem}.docx", f"{stem}.pdf", "01-bars.png"]
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


def test_no_chinese_label_in_the_english_edition_and_the_other_way_round(tmp_path):
    english = html_text(read_document(as_notebook(sample_items("en", rows=2))))
    assert "Contents" in english and "目录" not in english and "Table 1" in english
    chinese = html_text(read_document(as_notebook(sample_items("zh", rows=2))))
    assert "目录" in chinese and "Contents" not in chinese and "Table 1" not in chinese


def test_a_document_without_sections_is_still_three_documents():
    bare = build_document(list(blocks(Cover("空白报告"))) + list(blocks(Section("一节"))))
    assert "空白报告" in html_text(bare)
    assert docx_bytes(bare).startswith(b"PK")
    assert pdf_bytes(bare).startswith(b"%PDF")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"formats": ["html", "odt"]}, "no format is called odt; known: html, docx, pdf"),
        ({"language": "fr"}, "no language is called 'fr'"),
        ({"name": "../x"}, "'../x' cannot be a file name"),
    ],
)
def test_export_refuses_before_it_writes(tmp_path, notebook, options, message):
    with pytest.raises(ParameterError, match=re.escape(message)):
        export(notebook, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()
