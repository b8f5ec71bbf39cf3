"""Every report is read as its readers will: nothing empty, nothing missing from the font, no raw name, no foreign word."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

import commlab as cl
from commlab.figures import bars
from commlab.figures.theme import FONT_FILE, font_folder
from commlab.report import Col, Cover, Finding, Section
from commlab.report import chapters as chapters_of
from commlab.report.appendix_book import appendix
from commlab.report.document import Document, Heading, Items, Para, Picture, Table, build_document
from commlab.report.finding import blocks

pytestmark = pytest.mark.slow

COMMON = (
    "summary", "method", "sample", "indicators", "satisfaction", "change", "weak_points", "problems",
    "candidates", "questionnaire", "indicator_dictionary", "denominators", "cleaning_summary", "manifest",
)  # fmt: skip
METHOD_PAGES = (
    "intake", "expert_weights", "matrices", "mending", "firmness", "data_weights", "delphi_rounds",
)  # fmt: skip

ALLOWED = {
    # the mark of sample data is bilingual; packages in the manifest; signs of statistics; codes of rules
    "sample", "data", "commlab", "pandas", "numpy", "scipy", "statsmodels", "p", "W", "A", "Q",
    "max", "CI", "RI", "CR", "Ca", "Cs", "Cr", "CRITIC", "MEREC", "Saaty", "Harker",
}  # fmt: skip
"""Latin words that the Chinese edition may print."""
ABSENT = re.compile(r"\b(?:nan|NaN|None|NaT|NA|inf|null)\b|<NA>")
RAW = re.compile(r"[A-Za-z]+_[A-Za-z_0-9]+")
LONG_NUMBER = re.compile(r"\d\.\d{5,}")


def texts(document: Document) -> list[str]:
    """Everything printed: title, facts, headings, paragraphs, captions, headers, cells, notes."""
    found = [document.title, document.subtitle, *(x for fact in document.facts for x in fact)]
    for part in document.parts:
        if isinstance(part, Heading):
            found.append(part.printed)
        elif isinstance(part, Para):
            found.append(part.text)
        elif isinstance(part, Items):
            found += part.items
        elif isinstance(part, Table):
            found += [part.caption, *part.notes, *(c.label for c in part.columns)]
            found += [cell for row in part.rows for cell in row]
        else:
            found.append(part.caption)
    return found


def complaints(document: Document) -> list[str]:
    """What a careful reader would send back."""
    wrong = []
    known = characters()
    for text in texts(document):
        lacking = {c for c in text if not c.isspace() and ord(c) not in known}
        if lacking:
            wrong.append(f"not in the font {sorted(lacking)}: {text[:60]}")
        if ABSENT.search(text):
            wrong.append(f"a missing value is printed raw: {text[:60]}")
        if RAW.search(text):
            wrong.append(f"a raw name is printed: {text[:60]}")
        if LONG_NUMBER.search(text):
            wrong.append(f"too many decimals: {text[:60]}")
        if document.language == "zh":
            foreign = set(re.findall(r"[A-Za-z]+", text)) - ALLOWED
            if foreign and not re.fullmatch(r"[0-9a-f]{8}", text):
                wrong.append(f"a foreign word {sorted(foreign)}: {text[:60]}")
    for part, after in zip(document.parts, [*document.parts[1:], None], strict=True):
        if isinstance(part, Heading) and (
            after is None or (isinstance(after, Heading) and after.level <= part.level)
        ):
            wrong.append(f"nothing stands below the heading {part.printed}")
        if isinstance(part, Para) and not part.text.strip():
            wrong.append("an empty paragraph")
        if isinstance(part, Items) and not (part.items and all(i.strip() for i in part.items)):
            wrong.append("an empty list")
        if isinstance(part, (Table, Picture)) and not part.title.strip():
            wrong.append(f"{part.label} has no title")
        if isinstance(part, Table):
            wrong += [f"{part.label} has a column without a header" for c in part.columns if not c.label]
            wrong += [
                f"{part.label} has an empty row" for r in part.rows if not any(x.strip(" —") for x in r)
            ]
        if isinstance(part, Picture) and len(part.alt) < 10:
            wrong.append(f"{part.label} has no alternative text")
    return wrong


def characters() -> frozenset[int]:
    """What the fonts of the reports can show."""
    from fontTools.ttLib import TTFont

    folder = font_folder()
    with TTFont(folder / FONT_FILE, lazy=True) as sans:
        return frozenset(sans.getBestCmap())


def document(study: Path, district: str | None, language: str) -> Document:
    report = chapters_of.open_report(study, "2019Q4", district, language)
    names = [*COMMON, *METHOD_PAGES]
    if report.is_city:
        names.insert(1, "districts")
    shown = [chapters_of.cover(report), *(getattr(chapters_of, name)(report) for name in names)]
    return build_document([b for item in shown for b in blocks(item)])


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("place", [None, 0, -1])
def test_every_chapter_of_every_report_can_be_handed_in(tiny: Path, place: int | None, language: str) -> None:
    districts = list(cl.open_study(tiny).register.districts)
    made = document(tiny, None if place is None else districts[place], language)
    assert complaints(made) == []
    assert len(made.pictures) >= 4
    if language == "en":  # cells start with a capital
        small = {
            cell
            for table in made.tables
            for row in table.rows
            for cell in row[:1]
            if re.match(r"[a-z]", cell) and cell not in ALLOWED
        }
        assert small == set()


def test_the_workbook_speaks_one_language(tiny: Path, tmp_path: Path) -> None:
    from openpyxl import load_workbook

    study = cl.open_study(tiny)
    path = appendix(study.period("2019Q4"), study.register.districts[0], tmp_path / "appendix.xlsx")
    raw = [
        f"{sheet.title}!{cell.coordinate}: {cell.value}"
        for sheet in load_workbook(path, data_only=True).worksheets
        for row in sheet.iter_rows()
        for cell in row
        if isinstance(cell.value, str)
        and "data/raw/" not in cell.value
        and not re.search(r"\.(?:xlsx|csv)\b", cell.value)
        and set(re.findall(r"[A-Za-z]{2,}", cell.value)) - ALLOWED
    ]
    assert raw == []


def test_the_checker_finds_what_it_looks_for() -> None:
    table = pd.DataFrame({"a": ["q_service", "nan", "\U0001f600"], "b": [1.0, 2.0, 3.0]})
    shown = [
        Cover("报告"),
        Section("甲", 1),
        Section(
            "乙", 1, [Finding(table, "Score 0.30000000000000004", columns={"a": Col("名"), "b": Col("")})]
        ),
        Section("丙", 1, [bars(pd.DataFrame({"label": ["甲"], "value": [1.0]}), xlabel="分")]),
        Section("丁", 1),
    ]
    found = "\n".join(complaints(build_document([b for item in shown for b in blocks(item)])))
    for expected in (
        "nothing stands below the heading 一、甲",
        "nothing stands below the heading 四、丁",
        "a raw name is printed: q_service",
        "a missing value is printed raw: nan",
        "not in the font ['\U0001f600']",
        "too many decimals: Score",
        "a foreign word ['Score']",
        "表1 has no title",
        "表1 has a column without a header",
        "图1 has no title",
    ):
        assert expected in found


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_result_has_a_name_in_the_manifest(tiny: Path, language: str) -> None:
    from commlab.report.chapters.appendices import INPUTS
    from commlab.study.results import RESULTS

    assert set(RESULTS) <= set(INPUTS)
    report = chapters_of.open_report(tiny, "2019Q4", None, language)
    assert all(report.word(name) for name in INPUTS.values())
