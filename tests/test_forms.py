"""Blank workbooks: an office that fills one in is read without a word of mapping."""

from __future__ import annotations

import zipfile
from pathlib import Path

import openpyxl
import pytest

import commlab as cl
from commlab import cli
from commlab.cli.forms import write_forms
from commlab.cli.new import new_period
from commlab.errors import ParameterError

PERIOD = "2020Q1"


@pytest.fixture(scope="module")
def study(tiny_raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny study with a new period and its forms."""
    import shutil

    root = tmp_path_factory.mktemp("forms") / "study"
    shutil.copytree(tiny_raw, root, ignore=shutil.ignore_patterns("processed", "notebooks"))
    assert cli.main(["new", PERIOD, "--forms", "--study", str(root)]) == 0
    return root


def fill(path: Path, target: Path) -> None:
    """What an office does: numbers into empty cells of numbers, choices from the lists, dates."""
    book = openpyxl.load_workbook(path)
    lists = {s.title: s for s in book.worksheets if s.sheet_state != "visible"}
    for sheet in (s for s in book.worksheets if s.sheet_state == "visible"):
        rules = {}
        for rule in sheet.data_validations.dataValidation:
            for part in rule.sqref.ranges:
                for row in range(part.min_row, part.max_row + 1):
                    for column in range(part.min_col, part.max_col + 1):
                        rules[row, column] = rule
        rows = sorted({row for row, _ in rules})
        for row, column in rules:
            rule = rules[row, column]
            if rule.type == "list" and str(rule.formula1).startswith('"'):
                sheet.cell(row, column).value = rule.formula1.strip('"').split(",")[9]
            elif row - rows[0] > 2 and len(rows) == 200:
                continue  # three rows of a long list are enough
            elif rule.type == "list":
                hidden = lists[str(rule.formula1).split("'")[1]]
                letter = str(rule.formula1).split("$")[1]
                sheet.cell(row, column).value = hidden[f"{letter}{row - rows[0] + 1}"].value
            elif rule.type == "date":
                from datetime import date

                sheet.cell(row, column).value = date(2020, 2, 1 + column)
            else:
                sheet.cell(row, column).value = 3
        for row in rows[:3] if len(rows) == 200 else rows:
            for cell in sheet[row]:
                if cell.value is None and cell.number_format == "@" and (row, cell.column) not in rules:
                    cell.value = f"{target.stem} {row if len(rows) == 200 else ''}".strip()
    target.parent.mkdir(parents=True, exist_ok=True)
    book.save(target)


def test_every_expected_file_has_its_form(study: Path) -> None:
    made = {p.relative_to(study / "forms" / PERIOD).as_posix() for p in (study / "forms").rglob("*.xlsx")}
    opened = cl.open_study(study)
    for district in opened.register.districts:
        assert {
            f"社区统计/{district}.xlsx",
            f"评分表/社区自评/{district}.xlsx",
            f"问题台账/{district}.xlsx",
        } <= made
    assert {"市级部门/市级部门统计表.xlsx", "专家判断/AHP_（姓名）.xlsx", "德尔菲/德尔菲第一轮.xlsx"} <= made
    assert not any("问卷" in name for name in made)


def test_a_form_that_was_filled_in_is_read_without_a_fault(study: Path) -> None:
    forms = study / "forms" / PERIOD
    for form in forms.rglob("*.xlsx"):
        name = form.relative_to(forms).as_posix().replace("（姓名）", "专家01")
        fill(form, study / "data" / "raw" / PERIOD / name)
    opened = cl.open_study(study)
    result = opened.check([PERIOD])
    faults = result.ledger[result.ledger["severity"].isin(["error", "warning"])]
    told = faults[["file", "rule", "column", "message"]].to_string() if len(faults) else ""
    # Everybody wrote the same number, which is odd for other reasons than the form's.
    own = faults[
        faults["rule"].isin(["unknown column", "missing column", "unknown name", "unknown code", "not read"])
    ]
    assert own.empty, told
    period = opened.period(PERIOD)
    assert set(period.measures["unit"]) >= set(opened.register.communities["unit"])
    assert len(period.judgments) and set(period.judgments["value"]) == {2.0}
    assert set(period.ratings["stage"]) == {"self", "district", "expert"}
    assert len(period.problems) and len(period.opinions)


def test_forms_stay_as_they_are_and_have_the_same_bytes(study: Path, tmp_path: Path) -> None:
    opened = cl.open_study(study)
    assert write_forms(opened, PERIOD) == []
    one = study / "forms" / PERIOD / "市级部门" / "市级部门统计表.xlsx"
    before = one.read_bytes()
    one.unlink()
    assert write_forms(opened, PERIOD) == [one]
    assert one.read_bytes() == before
    with zipfile.ZipFile(one) as parts:
        text = b"".join(parts.read(n) for n in parts.namelist() if n.endswith(".xml"))
    assert b"<f>" not in text  # nothing that a spreadsheet would calculate


def test_forms_of_an_unknown_period_are_refused(tiny: Path) -> None:
    with pytest.raises(ParameterError, match="has no period 2031Q1; `commlab new 2031Q1` adds it"):
        write_forms(cl.open_study(tiny), "2031Q1")


def test_a_period_without_forms_gets_none(tiny_copy: Path) -> None:
    new_period(tiny_copy, PERIOD)
    assert not (tiny_copy / "forms").exists()
