"""From a notebook to a document: numbers, order, layout, and what is refused."""

import base64
import copy
import json
import re

import pandas as pd
import pytest

from commlab.errors import DataError
from commlab.figures import Figure
from commlab.report import Cover, Finding, Section, read_document
from commlab.report.document import Document, Heading, Para, Part, Picture, Table, build_document
from commlab.report.docx_pages import set_pages
from commlab.report.finding import MIME, blocks
from commlab.report.layout import PAGE_PT, TEXT_WIDTH_MM
from tests.report_samples import as_notebook, sample_items


@pytest.fixture(scope="module")
def notebook():
    return as_notebook(sample_items())


def headings(*sections, language="zh"):
    items = [Cover("报告", language=language), *sections]
    made = build_document([b for item in items for b in blocks(item)])
    return [h.printed for h in made.headings]


def test_headings_are_numbered_by_language():
    sections = [
        Section("a", 1, [Section("b", 2, [Section("c", 3), Section("d", 3)]), Section("e", 2)]),
        Section("f", 1, [Section("g", 2)]),
        Section("h", 1, [Section("i", 2)], appendix=True),
        Section("j", 1, appendix=True),
    ]
    assert headings(*sections) == [
        "一、a", "（一）b", "1. c", "2. d", "（二）e", "二、f", "（一）g", "附件1　h", "（一）i", "附件2　j",
    ]  # fmt: skip
    assert headings(*sections, language="en") == [
        "1  a", "1.1  b", "1.1.1  c", "1.1.2  d", "1.2  e", "2  f", "2.1  g",
        "Appendix A: h", "A.1  i", "Appendix B: j",
    ]  # fmt: skip


def test_tables_and_figures_are_numbered_through(notebook):
    document = read_document(notebook)
    assert [t.caption for t in document.tables][:2] == ["表1　长表", "表2　宽表"]
    assert [p.caption for p in document.pictures] == ["图1　得分图"]
    assert read_document(notebook, language="en").tables[0].label == "Table 1"
    assert document.mark.startswith("模拟数据 / sample data")


def test_only_blocks_are_read(notebook):
    document = read_document(notebook)
    told = json.dumps([repr(p) for p in document.parts], ensure_ascii=False)
    assert "not read" not in told and "not printed" not in told and "只给研究者看" not in told
    assert document.code == ("chapters.summary(report)  # </code><script>",) * 5


def test_a_notebook_is_read_from_a_file(notebook, tmp_path):
    path = tmp_path / "报告 1.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    assert len(read_document(path).parts) == len(read_document(notebook).parts)


def test_wide_tables_lie_on_landscape_pages_with_their_heading(notebook):
    document = read_document(notebook)
    long, wide = document.tables[:2]
    assert (long.landscape, wide.landscape) == (False, True)
    assert wide.groups == [("", 1), ("得分", 18)] and long.groups == []
    turned = [parts for landscape, parts in document.spreads if landscape]
    assert [type(p) for p in turned[0]] == [Heading, Para, Table]
    assert [p for _, parts in document.spreads for p in parts] == list(document.parts)


def test_shares_fill_the_width_and_leave_room_for_every_number(notebook):
    for table in read_document(notebook).tables:
        assert sum(c.share for c in table.columns) == pytest.approx(1)
        points = TEXT_WIDTH_MM[table.landscape] * 72 / 25.4
        for j, column in enumerate(table.columns):
            if column.align == "right":
                longest = max(len(row[j]) for row in table.rows)
                assert column.share * points > longest * table.size_pt / 2


def test_a_table_that_fits_on_no_page_is_refused_and_long_words_are_not():
    many = pd.DataFrame({f"c{j}": [12345.6] for j in range(40)})
    with pytest.raises(
        DataError, match="its 40 columns do not fit on a page; print fewer, or put it into the workbook"
    ):
        build_document([*blocks(Cover("a")), *blocks(Finding(many, "x"))])
    words = pd.DataFrame(
        {"path": ["data/raw/2019Q4/" + "a" * 300], "hash": ["0123456789abcdef" * 4], "n": [1.0]}
    )
    table = build_document([*blocks(Cover("a")), *blocks(Finding(words, "x"))]).tables[0]
    assert not table.landscape


def test_a_tall_picture_fits_on_a_page():
    tall = Figure(b"\x89PNG\r\n\x1a\n", "alt", 156, 600)
    picture = build_document([*blocks(Cover("a")), *blocks(tall)]).pictures[0]
    assert picture.height_mm <= 205 and picture.width_mm / picture.height_mm == pytest.approx(156 / 600)


def broken(notebook, change):
    out = copy.deepcopy(notebook)
    change(out)
    return out


def first_of(notebook, kind):
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            if output.get("data", {}).get(MIME, {}).get("type") == kind:
                return output["data"]
    raise LookupError(kind)


def fail(notebook):
    notebook["cells"][2]["outputs"].append({"output_type": "error", "ename": "ValueError", "evalue": "x"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda n: n.pop("cells"), 'this is not a notebook: it has no list of "cells"'),
        (lambda n: n["cells"].pop(1), "its first block is no cover; show a Cover"),
        (
            lambda n: n["cells"].append(n["cells"][1]),
            "block 19 (cover) cannot be printed: a document has one cover",
        ),
        (fail, "cell 3 failed with ValueError; a failed notebook is not exported"),
        (
            lambda n: first_of(n, "table").update({MIME: {"type": "table"}}),
            "(table) cannot be printed: KeyError 'columns'",
        ),
        (
            lambda n: first_of(n, "table")[MIME]["rows"].append(["x"]),
            "its rows and columns do not fit together",
        ),
        (lambda n: first_of(n, "list")[MIME].update(type="html"), "unknown type 'html'"),
        (lambda n: first_of(n, "figure").pop("image/png"), "its picture is missing or no PNG"),
        (lambda n: first_of(n, "figure").update({"image/png": "%%%"}), "its picture is missing or no PNG"),
        (lambda n: first_of(n, "figure").update({"image/png": "a"}), "the picture of cell 4 cannot be read"),
        (
            lambda n: first_of(n, "figure").update({"image/png": base64.b64encode(b"GIF89a").decode()}),
            "its picture is missing or no PNG",
        ),
        (
            lambda n: first_of(n, "heading")[MIME].update(level=7),
            "(heading) cannot be printed: level 7",
        ),
    ],
)
def test_what_is_no_executed_report_is_refused(notebook, change, message):
    with pytest.raises(DataError, match=re.escape(message)):
        read_document(broken(notebook, change))


def test_a_file_that_is_no_notebook_is_named(tmp_path):
    with pytest.raises(DataError, match="there is no such notebook; run the report first"):
        read_document(tmp_path / "none.ipynb")
    path = tmp_path / "x.ipynb"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match=r"x\.ipynb: this is not a notebook"):
        read_document(path)


def paged(lines: int, tall_mm: float, *after: Part) -> list[Part]:
    """One chapter of so many lines of text, a picture, and what follows it, as Word sets them."""
    picture = Picture("图1", "图", "一张图", 156, tall_mm, "bars", b"", "f1")
    parts = (Heading(1, "章", "一、", "s1"), *(Para("字") for _ in range(lines)), picture, *after)
    made = Document("报告", "", (), "zh", False, parts)
    spreads, pages = set_pages(made)
    assert pages["s1"] == 2
    return spreads[0][1]


def test_a_picture_fills_what_is_left_of_a_page():
    room = PAGE_PT[0] / 72 * 25.4
    *_, as_it_is = paged(10, 0.3 * room)
    *_, smaller = paged(10, 0.5 * room)
    *_, as_it_is_again = paged(10, 0.8 * room)
    assert [round(p.width_mm / 156, 2) for p in (as_it_is, as_it_is_again)] == [1, 1]
    assert 0.8 <= smaller.width_mm / 156 < 1 and smaller.width_mm / smaller.height_mm == pytest.approx(
        156 / (0.5 * room)
    )


def test_text_that_fits_goes_before_a_picture_that_does_not():
    heading = Heading(1, "次", "二、", "s2")
    tall = 0.8 * PAGE_PT[0] / 72 * 25.4
    moved = paged(10, tall, Para("甲"), Para("乙"), heading, Para("丙"))
    assert [getattr(p, "text", "图") for p in moved[-5:]] == ["甲", "乙", "图", "次", "丙"]
    stays = paged(10, tall, Para("长" * 2000))
    assert [type(p).__name__ for p in stays[-2:]] == ["Picture", "Para"]
