"""Whole files that went wrong: the check says what matters in one line, and reads on where it can."""

from __future__ import annotations

import shutil
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

import commlab as cl
from commlab.study.advice import actions

PERIOD = "2019Q4"
STATISTICS = f"data/raw/{PERIOD}/社区统计"


def spoil(root: Path) -> None:
    """五华区 stands on its side, 盘龙区 has a sheet in front, 阳宗海 came twice and otherwise; a stranger lies beside."""
    folder = root / STATISTICS
    book = openpyxl.load_workbook(folder / "五华区.xlsx")
    rows = list(book.active.iter_rows(min_row=3, values_only=True))
    turned = openpyxl.Workbook()
    for column in zip(*rows, strict=True):
        turned.active.append(list(column))
    turned.save(folder / "五华区.xlsx")
    book = openpyxl.load_workbook(folder / "盘龙区.xlsx")
    cover = book.create_sheet("填报说明", 0)
    for row in (["指标", "口径"], ["常住户数", "年末数"], ["常住人口", "年末数"], ["党组织", "在册数"]):
        cover.append(row)
    book.save(folder / "盘龙区.xlsx")
    book = openpyxl.load_workbook(folder / "阳宗海风景区.xlsx")
    book.active["A1"] = "另一份"
    book.save(folder / "阳宗海.xlsx")
    shutil.copy(folder / "盘龙区.xlsx", folder.parent / "盘龙区.xlsx")
    shutil.copy(folder / "盘龙区.xlsx", folder.parent / "居民问卷" / "问卷.pdf")


@pytest.fixture(scope="module")
def spoilt(tiny_raw: Path, tmp_path_factory: pytest.TempPathFactory) -> cl.Study:
    root = tmp_path_factory.mktemp("files") / "study"
    shutil.copytree(tiny_raw, root, ignore=shutil.ignore_patterns("processed", "评分表", "问题台账"))
    spoil(root)
    study = cl.open_study(root)
    study.check([PERIOD])
    return study


@pytest.fixture(scope="module")
def told(spoilt: cl.Study) -> pd.DataFrame:
    return actions(spoilt.period(PERIOD).ledger, "zh")


def of(told: pd.DataFrame, name: str) -> pd.DataFrame:
    return told[told["file"].str.endswith(name)]


def test_a_table_on_its_side_is_one_error(told: pd.DataFrame) -> None:
    mine = of(told, "社区统计/五华区.xlsx")
    assert len(mine) == 1 and "无法读取：表格行列颠倒" in mine["says"].iloc[0]


def test_a_cover_sheet_is_told_and_the_form_is_read(spoilt: cl.Study, told: pd.DataFrame) -> None:
    mine = of(told, "社区统计/盘龙区.xlsx")
    line = mine[mine["rule"] == "other table"].iloc[0]
    assert (line["severity"], line["found"], line["n"]) == ("note", "填报说明", 3)
    assert not mine["severity"].eq("error").any()
    measures = spoilt.period(PERIOD).measures
    own = measures[measures["source"].str.startswith(f"{STATISTICS}/盘龙区.xlsx#")]
    assert own["unit"].nunique() > 2 and not own["source"].str.contains("填报说明").any()


def test_two_versions_of_an_office_leave_it_undone(spoilt: cl.Study) -> None:
    status = spoilt.period(PERIOD).status
    mine = status[status["input"].eq("community_statistics") & status["unit"].eq("阳宗海风景区")].iloc[0]
    assert mine["state"] == "failed" and "stand in" in mine["message"]


def test_a_stranger_is_told_what_files_are_called_there(told: pd.DataFrame) -> None:
    line = of(told, "问卷.pdf").iloc[0]
    assert line["rule"] == "unclaimed file" and line["expected"].startswith("居民问卷/")


def test_the_workbook_says_who_failed_in_the_study_s_language(spoilt: cl.Study) -> None:
    book = openpyxl.load_workbook(spoilt.root / "data/processed" / PERIOD / "ledger.xlsx")
    rows = [[str(c or "") for c in row] for row in book.worksheets[0].iter_rows(values_only=True)]
    told = " ".join(row[7] for row in rows[1:])
    assert (
        "表格行列颠倒" in told and "未报" in told and " is outstanding" not in told and "stand in" not in told
    )


def test_a_sheet_without_labels_is_one_error_until_study_yaml_names_its_columns(
    tiny_raw: Path, tmp_path: Path
) -> None:
    root = tmp_path / "study"
    shutil.copytree(
        tiny_raw, root, ignore=shutil.ignore_patterns("processed", "notebooks", "居民问卷", "评分表")
    )
    path = root / STATISTICS / "盘龙区.xlsx"
    full = cl.intake.read_table(path)
    wanted = ["社区名称", "基本情况/常住户数(户)", "社区服务/购买服务资金(元)"]
    book = openpyxl.Workbook()
    for row in full.frame[wanted].itertuples(index=False):
        book.active.append(list(row))
    book.save(path)

    def errors() -> list[str]:
        period = cl.open_study(root).period(PERIOD)
        cl.open_study(root).check([PERIOD])
        mine = of(actions(period.ledger, "zh"), "社区统计/盘龙区.xlsx")
        return mine.loc[mine["severity"] == "error", "says"].tolist()

    assert [m for m in errors() if "header: none" in m and "列字母" in m] == errors() and len(errors()) == 1
    settings = (root / "study.yaml").read_text(encoding="utf-8")
    start = settings.index("- name: community_statistics")
    end = settings.index("- name:", start + 1)
    own = """- name: community_statistics
  label: {zh: 社区统计表, en: community statistics}
  files: "社区统计/{district}.*"
  each: district
  reader: measures
  level: community
  header: none
  unit: A
  columns:
    households: B
    purchase_amount: C
"""
    (root / "study.yaml").write_text(settings[:start] + own + settings[end:], encoding="utf-8")
    assert errors() == []
    measures = cl.open_study(root).period(PERIOD).measures
    mine = measures[measures["unit"].str.startswith("盘龙区/") & (measures["metric"] == "households")]
    assert mine["value"].tolist() == full.frame[wanted[1]].tolist()
    assert mine["source"].iloc[0].endswith("盘龙区.xlsx#Sheet!B1")
