"""A law of reading a period: the order of its files and of the rows in them changes no clean table."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

import commlab as cl
from commlab.intake import read_table

PERIOD = "2019Q4"
SHUFFLED = ("社区统计", "评分表/社区自评", "评分表/区县初评", "评分表/专家评分", "问题台账", "居民问卷")
TABLES = ("measures", "ratings", "responses", "problems")
OF_THE_FILE = ["source", "response_id"]
"""Columns that say where a row stands, or are made from the file's name."""


def shuffle_rows(path: Path, luck: random.Random) -> None:
    """Put the rows of a sheet's table (not its titles, header, totals and notes) in another order."""
    rows = read_table(path).rows.tolist()
    book = openpyxl.load_workbook(path)
    sheet = book[read_table(path).sheet]
    moved = {row: [(c.value, c.number_format) for c in sheet[row]] for row in rows}
    for row, other in zip(rows, luck.sample(rows, len(rows)), strict=True):
        for cell, (value, looks) in zip(sheet[row], moved[other], strict=True):
            cell.value, cell.number_format = value, looks
    book.save(path)


def spoiled_order(raw: Path, root: Path) -> Path:
    """A copy of a study with every order changed that an office may choose."""
    shutil.copytree(raw, root, ignore=shutil.ignore_patterns("processed"))
    luck, folder = random.Random(7), root / "data" / "raw" / PERIOD
    for kind in SHUFFLED:
        files = sorted((folder / kind).glob("*.xlsx"))
        assert files, kind
        for path in files:
            shuffle_rows(path, luck)
        if "专家" not in kind:  # an expert's file is named by the expert
            last = files[-1]
            again = last.name.replace(PERIOD, "再报") if kind == "居民问卷" else f"昆明市{last.name}"
            last.rename(last.with_name(again))
    return root


def content(frame: pd.DataFrame) -> pd.DataFrame:
    rows = frame.drop(columns=[c for c in OF_THE_FILE if c in frame])
    keys = rows.astype("object").map(repr).agg("\x1f".join, axis=1)
    return rows.loc[keys.sort_values(kind="stable").index].reset_index(drop=True)


@pytest.mark.slow
def test_order_of_files_and_rows_changes_no_clean_table(tiny_raw: Path, tiny: Path, tmp_path: Path) -> None:
    root = spoiled_order(tiny_raw, tmp_path / "study")
    cl.open_study(root).check([PERIOD])
    for table in TABLES:
        got, kept = (cl.open_study(study).period(PERIOD).table(table) for study in (root, tiny))
        assert len(got) == len(kept) > 0, table
        assert got["source"].tolist() != kept["source"].tolist(), table
        pd.testing.assert_frame_equal(content(got), content(kept))
