"""Laws of reading: no row is lost, every value has its cell, twice is once, mess never crashes."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from messy import messy, write_text

from commlab.errors import DataError
from commlab.intake.sheets import open_sheets
from commlab.intake.table import RawTable, read_table, read_tables
from commlab.intake.words import word_set

SUFFIXES = [".xlsx", ".xlsx", ".xlsx", ".csv", ".ods"]


def lost(table: RawTable) -> int:
    """Rows that the table and its ledger do not account for."""
    rows = table.ledger[table.ledger["action"].isin(["recognised", "rejected"])]
    return table.rows_read - table.rows.nunique() - int(rows["n"].sum())


def same(found, meant) -> bool:
    if isinstance(meant, float) and math.isnan(meant):
        return pd.isna(found)
    if isinstance(meant, (int, float)):
        return found == pytest.approx(meant, rel=1e-12)
    return (str(found.date()) if isinstance(found, pd.Timestamp) else found) == meant


def faults(path: Path, seed: int) -> list[str]:
    truth = messy(path, seed)
    table = read_table(path)
    out = []
    if list(table.frame.columns) != truth.columns:
        return [f"columns {list(table.frame.columns)} for {truth.columns}"]
    if table.rows.tolist() != truth.where:
        return [f"rows {table.rows.tolist()} for {truth.where}"]
    for i, row in enumerate(truth.rows):
        for column, meant in zip(truth.columns, row, strict=True):
            if not same(table.frame[column].iloc[i], meant):
                out.append(f"{table.cell(i, column)} {table.frame[column].iloc[i]!r} for {meant!r}")
    if len(table.totals) != truth.totals:
        out.append(f"{len(table.totals)} totals for {truth.totals}")
    wrong = set(table.ledger.loc[table.ledger["rule"] == "total_mismatch", "first_cells"])
    if not truth.wrong <= wrong:
        out.append(f"wrong totals {wrong} for {truth.wrong}")
    if lost(table):
        out.append(f"{lost(table)} rows lost")
    return out


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
def test_messy_workbooks_are_read_as_they_are_meant(tmp_path, block):
    """500 random workbooks: every value, every total, every row."""
    bad = {}
    for seed in range(block * 50, block * 50 + 50):
        path = tmp_path / f"{seed}{SUFFIXES[seed % len(SUFFIXES)]}"
        if found := faults(path, seed):
            bad[path.name] = found
    assert not bad


WORDS = sorted(
    word_set(
        "社区 户数(户) 经费(万元) 合计 总计 小计 平均 全市 注:无 填报单位:五华区 单位:万元 审核人: 序号 "
        "甲社区 乙社区 五华区小计 一、主城区 约2000 1.2万 10% 5-9 — 无 不详 #DIV/0! 5.30102E+11 "
        "530102001001 2018.9 2018年9月 １２ 1,234 2019 1 2 3 3.5 -1"
    )
)
CELLS = st.one_of(
    st.none(),
    st.sampled_from(WORDS),
    st.integers(0, 5000).map(str),
    st.text(max_size=6),
)
GRIDS = st.lists(st.lists(CELLS, min_size=1, max_size=6), min_size=1, max_size=10)


def read_or_refuse(path: Path) -> list[RawTable]:
    try:
        return list(read_tables(path).values()) or [read_table(path)]
    except DataError as error:
        assert path.name in str(error)
        return []


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(GRIDS)
def test_whatever_the_cells_no_row_is_lost_and_no_error_is_strange(tmp_path, grid):
    path = write_text(tmp_path / "a.csv", grid)
    for table in read_or_refuse(path):
        assert lost(table) == 0
        assert table.frame.columns.is_unique and len(table.frame) == len(table.source) == len(table.rows)
        assert set(table.cells) == set(table.frame.columns)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(GRIDS)
def test_every_text_stands_where_its_cell_says(tmp_path, grid):
    path = write_text(tmp_path / "a.csv", grid)
    for table in read_or_refuse(path):
        (sheet,) = open_sheets(path)
        filled = (table.ledger["rule"] == "group_filled").any()
        for column in table.frame.select_dtypes("str"):
            for i, value in enumerate(table.frame[column]):
                cell = table.cell(i, column)
                at = cell.rstrip("0123456789")
                *above, found = [row[ord(at) - 65] for row in sheet.rows[: int(cell[len(at) :])]]
                named_once = filled and found is None and value in [str(v).strip() for v in above]
                assert pd.isna(value) or value == str(found).strip() or named_once


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.sampled_from([".csv", ".xlsx", ".xls", ".ods", ".sav", ".tsv"]))
def test_any_bytes_are_read_or_refused(tmp_path, data, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(data)
    read_or_refuse(path)


@pytest.mark.parametrize("seed", range(12))
def test_reading_twice_is_reading_once(tmp_path, seed):
    path = tmp_path / f"a{SUFFIXES[seed % len(SUFFIXES)]}"
    messy(path, seed)
    first, second = read_table(path), read_table(path)
    pd.testing.assert_frame_equal(first.frame, second.frame)
    pd.testing.assert_frame_equal(first.ledger, second.ledger)
    pd.testing.assert_frame_equal(first.totals, second.totals)


@pytest.mark.parametrize("seed", range(12))
def test_the_order_of_rows_does_not_matter(tmp_path, seed):
    rng = random.Random(seed)
    head = ["社区", "户数(户)", "经费(万元)", "成立日期"]
    body = [
        [
            f"{name}社区",
            rng.randint(1, 99),
            rng.choice(["8", "1.2万", "—", "5-9", 3.5]),
            rng.choice(["2018.9", "2018年9月"]),
        ]
        for name in "甲乙丙丁戊己庚"
    ]
    total = ["合计", sum(row[1] for row in body)]
    frames = []
    for k in range(2):
        rng.shuffle(body)
        table = read_table(write_text(tmp_path / f"{k}.csv", [["标题"], head, *body, total, ["注:完"]]))
        assert not (table.ledger["rule"] == "total_mismatch").any()
        frames.append(table.frame.sort_values("社区", ignore_index=True))
    pd.testing.assert_frame_equal(*frames)


@pytest.mark.parametrize("seed", range(12))
def test_blocks_side_by_side_equal_one_long_table(tmp_path, seed):
    rng = random.Random(seed)
    rows = [[f"第{i}社区", rng.randint(1, 500), rng.randint(1, 500)] for i in range(rng.randint(4, 11))]
    head, blocks, gap = ["社区", "户数", "人口"], rng.choice([2, 3]), [None] * rng.choice([0, 1])
    height = -(-len(rows) // blocks)
    padded = rows + [[None] * 3] * (height * blocks - len(rows))
    wide = [[cell for row in padded[k::height] for cell in (*row, *gap)] for k in range(height)]
    long = read_table(write_text(tmp_path / "long.csv", [head, *rows]))
    table = read_table(write_text(tmp_path / "wide.csv", [["标题"], [*head, *gap] * blocks, *wide]))
    assert lost(table) == 0
    pd.testing.assert_frame_equal(
        table.frame.sort_values("社区", ignore_index=True), long.frame.sort_values("社区", ignore_index=True)
    )
