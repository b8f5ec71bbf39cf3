"""Cells and columns: edge-case tables first, then the rules that hold for a whole column."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest

from commlab.intake.readings import date_of_number, read
from commlab.intake.units import Unit, header_unit, is_unit, scale, sheet_units, suits
from commlab.intake.values import parse_column

NUMBERS = [
    ("12", 12.0, ""),
    ("１２３", 123.0, "full_width"),
    ("１，２３４．５", 1234.5, "full_width"),
    ("1 234 567", 1234567.0, "thousands"),
    ("'12", 12.0, "apostrophe"),
    ("1\u00a0234.5", 1234.5, "thousands"),
    ("1,234", 1234.0, "thousands"),
    ("1,234,567.89", 1234567.89, "thousands"),
    ("-5", -5.0, ""),
    ("−5", -5.0, "full_width"),
    ("+5", 5.0, ""),
    (".5", 0.5, ""),
    ("5.", 5.0, ""),
    ("1e-3", 0.001, ""),
    ("1.5E+06", 1500000.0, ""),
    ("(1,200)", -1200.0, "accounting"),
    ("约2000", 2000.0, "approximate"),
    ("近2000", 2000.0, "approximate"),
    ("大约2,000人", 2000.0, "approximate"),
    ("2000左右", 2000.0, "approximate"),
    ("2000余", 2000.0, "approximate"),
    ("2000多人", 2000.0, "approximate"),
    ("约1.2万", 12000.0, "approximate"),
    ("1.2万", 12000.0, "unit_in_cell"),
    ("１．２万元", 12000.0, "unit_in_cell"),
    ("0.07亿", 7000000.0, "unit_in_cell"),
    ("35人", 35.0, "unit_in_cell"),
    ("10%", 0.1, "percent"),
    ("10％", 0.1, "percent"),
    ("2.5‰", 0.0025, "percent"),
    ("123秒", 123.0, "duration"),
    ("2分3秒", 123.0, "duration"),
    ("1小时2分3秒", 3723.0, "duration"),
    ("1/3", 1 / 3, "reciprocal"),
    ("¥1,200.50", 1200.5, "thousands"),
]
NOT_NUMBERS = [
    ("", "missing"),
    ("—", "missing"),
    ("——", "missing"),
    ("-", "missing"),
    ("/", "missing"),
    ("／", "missing"),
    ("不详", "missing"),
    ("N/A", "missing"),
    ("无", "none"),
    ("#DIV/0!", "error"),
    ("#REF!", "error"),
    ("5-9", "range"),
    ("5—9", "range"),
    ("5~9人", "range"),
    ("5至9", "range"),
    ("10%-20%", "range"),
    ("5.30102E+11", "lossy"),
    ("5.30102e11", "lossy"),
    ("5E+17", "lossy"),
    ("五华区", "text"),
    ("2000以上", "text"),
    ("超过50%", "text"),
    ("1,23", "text"),
    ("1.234.567", "text"),
    ("12号楼", "text"),
    ("近郊社区", "text"),
    ("=1+1", "text"),
    ("+cmd|' /C calc'!A0", "text"),
    ("1e999", "text"),
    ("9" * 400, "text"),
    ("3/5", "text"),
]
DATES = [
    ("2018年9月", dt.datetime(2018, 9, 1)),
    ("2018年09月", dt.datetime(2018, 9, 1)),
    ("2018年9月5日", dt.datetime(2018, 9, 5)),
    ("2018-9-5", dt.datetime(2018, 9, 5)),
    ("2018/09/05", dt.datetime(2018, 9, 5)),
    ("2018.9.5", dt.datetime(2018, 9, 5)),
    ("２０１８年９月", dt.datetime(2018, 9, 1)),
    ("2018-09", dt.datetime(2018, 9, 1)),
    ("2019/11/3 10:05:07", dt.datetime(2019, 11, 3, 10, 5, 7)),
    ("2019-11-03T10:05", dt.datetime(2019, 11, 3, 10, 5)),
]


@pytest.mark.parametrize(("text", "number", "rule"), NUMBERS)
def test_texts_that_are_numbers(text, number, rule):
    reading = read(text)
    assert (reading.kind, reading.rule) == ("number", rule)
    assert reading.number == pytest.approx(number, rel=1e-15)


@pytest.mark.parametrize(("text", "kind"), NOT_NUMBERS)
def test_texts_that_are_no_numbers(text, kind):
    reading = read(text)
    assert reading.kind == kind
    assert math.isnan(reading.number)


@pytest.mark.parametrize(("text", "date"), DATES)
def test_texts_that_are_dates(text, date):
    assert (read(text).kind, read(text).date) == ("date", date)


@pytest.mark.parametrize("text", ["2018-13-01", "2018年13月", "2018-02-30", "0000-00-00"])
def test_impossible_dates_are_not_dates(text):
    assert read(text).kind != "date"


@pytest.mark.parametrize(
    ("value", "date"),
    [
        (43738.0, dt.datetime(2019, 9, 30)),
        (43738.5, dt.datetime(2019, 9, 30, 12)),
        (20180905.0, dt.datetime(2018, 9, 5)),
        (2018.9, dt.datetime(2018, 9, 1)),
        (2018.12, dt.datetime(2018, 12, 1)),
        (2018.13, None),
        (7.0, None),
        (-1.0, None),
    ],
)
def test_numbers_that_are_dates_in_a_column_of_dates(value, date):
    assert date_of_number(value)[0] == date


@pytest.mark.parametrize(
    ("label", "name", "times", "new"),
    [
        ("经费(万元)", "元", 1e4, "经费(元)"),
        ("经费（万元）", "元", 1e4, "经费（元）"),
        ("经费(单位:万元)", "元", 1e4, "经费(单位:元)"),
        ("2018年投入/万元", "元", 1e4, "2018年投入/元"),
        ("预算[亿元]", "元", 1e8, "预算[元]"),
        ("人口(万人)", "人", 1e4, "人口(人)"),
        ("面积(万平方米)", "平方米", 1e4, "面积(平方米)"),
        ("投入(万元/年)", "元/年", 1e4, "投入(元/年)"),
        ("办结率(%)", "%", 0.01, "办结率(%)"),
        ("办结率（％）", "%", 0.01, "办结率（％）"),
        ("任务数(个)", "个", 1.0, "任务数(个)"),
        ("试点/任务数(个)", "个", 1.0, "试点/任务数(个)"),
        ("经费(万元)/2018年/财政", "元", 1e4, "经费(元)/2018年/财政"),
        ("经费(万元)/预算数", "元", 1e4, "经费(元)/预算数"),
    ],
)
def test_units_in_headers(label, name, times, new):
    assert header_unit(label) == Unit(name, times, new)


@pytest.mark.parametrize(
    "label",
    ["社区名称", "官渡区(含大板桥街道)", "千米", "任务(2018年9月—2020年底)", "经费(万元)/受益人数", ""],
)
def test_headers_without_unit(label):
    assert header_unit(label) is None


def test_sheet_units_and_what_they_are_for():
    (unit,) = sheet_units("填报单位:五华区   单位：万元")
    assert (unit.name, unit.times) == ("元", 1e4)
    assert suits(unit, "社区工作经费") and suits(unit, "经费/财政投入")
    assert not suits(unit, "社区数") and not suits(unit, "经费投入人数") and not suits(unit, "经费增长率")
    assert sheet_units("填报单位:五华区") == []
    assert is_unit("万元") and not is_unit("五华区")


def test_scaling_leaves_no_dust():
    assert scale(np.array([0.07, 1.1, 123.45]), 1e4).tolist() == [700.0, 11000.0, 1234500.0]
    assert scale(np.array([35.0, 95.5]), 0.01).tolist() == [0.35, 0.955]


def values(cells, label, **more):
    return parse_column(cells, label, **more).values.tolist()


def rules(column):
    return {change.rule: (change.action, change.severity, change.n) for change in column.changes}


def test_amounts_come_in_yuan_and_the_header_says_so():
    column = parse_column([8.0, "1.2万", "3000元", "１２", None, "无"], "经费(万元)")
    assert column.label == "经费(元)"
    assert column.values.tolist()[:4] == [80000.0, 12000.0, 3000.0, 120000.0]
    assert column.values.isna().tolist() == [False] * 4 + [True] * 2
    assert column.printed.tolist()[:4] == [8.0, 1.2, 0.3, 12.0]
    assert rules(column)["none"] == ("flagged", "warning", 1)
    assert rules(column)["base_unit"] == ("changed", "note", 2)


def test_rates_come_as_shares_and_the_header_stays():
    column = parse_column(["95.5", "35%", 100.0], "办结率(%)")
    assert (column.label, column.values.tolist()) == ("办结率(%)", [0.955, 0.35, 1.0])


def test_cells_that_the_sheet_shows_as_per_cent_are_shares_already():
    column = parse_column([0.955, 95.5], "办结率(%)", percents=frozenset({0}))
    assert column.values.tolist() == [0.955, 0.955]
    assert rules(column)["percent_format"] == ("changed", "note", 1)


def test_fractions_under_a_header_in_per_cent_are_doubted():
    unknown = parse_column([0.955, 0.5], "办结率(%)", percents=None)
    assert unknown.values.tolist() == [0.955, 0.5]
    assert rules(unknown)["percent_unknown"] == ("flagged", "warning", 2)
    known = parse_column([0.5, 0.25], "信访率(%)")
    assert known.values.tolist() == [0.005, 0.0025]
    assert rules(known)["percent_small"] == ("flagged", "warning", 2)


def test_percent_beside_bare_numbers_is_doubted_not_guessed():
    column = parse_column(["10%", "20%", 30.0, 0.4], "办结率")
    assert column.values.tolist() == [0.1, 0.2, 30.0, 0.4]
    assert rules(column)["percent_mixed"] == ("flagged", "warning", 1)


def test_ranges_are_never_numbers():
    column = parse_column(["5-9", 12.0, "7"], "成员数(人)")
    assert column.values.isna().tolist() == [True, False, False]
    assert rules(column)["range"] == ("flagged", "warning", 1)
    assert parse_column(["5-9", "10-14"], "成员数(人)").values.tolist() == ["5-9", "10-14"]


def test_a_date_among_numbers_is_missing_and_told():
    column = parse_column([dt.datetime(2019, 5, 9), 12.0, 7.0], "成员数")
    assert column.values.isna().tolist() == [True, False, False]
    assert "5-9" in column.changes[0].message


def test_codes_stay_text():
    assert values([530102001001.0, 530102001002.0], "社区") == ["530102001001", "530102001002"]
    assert values(["530102001001", 530102001002.0], "社区代码") == ["530102001001", "530102001002"]
    assert values(["007", "012"], "编号") == ["007", "012"]
    assert values(["007", "12"], "门牌") == ["007", "12"]
    assert values([530102.0, 530103.0], "区划代码") == ["530102", "530103"]
    assert values(["13800000000", "13900000000"], "x") == ["13800000000", "13900000000"]


@pytest.mark.parametrize("label", ["社区代码", "社区"])
def test_rounded_codes_are_refused_with_advice(label):
    column = parse_column(["5.30102E+11", "530102001002"], label)
    assert column.values.isna().tolist() == [True, False]
    change = next(c for c in column.changes if c.rule == "lossy")
    assert change.severity == "error" and "5.30102E+11" in change.message and "as text" in change.message
    assert parse_column([530102199001011234.0, 530102199001011235.0], "证件号").values.isna().all()


def test_a_column_stays_text_when_most_of_it_is_text():
    assert values(["A", "B", "3"], "类型") == ["A", "B", "3"]
    assert values(["一组", 2.0, "三组"], "组") == ["一组", "2", "三组"]
    column = parse_column([1.0, 2.0, "待核"], "户数")
    assert column.values.isna().tolist() == [False, False, True]
    assert rules(column)["not_a_number"] == ("flagged", "warning", 1)


def test_answers_that_look_like_quantities_stay_words():
    assert values(["1部", "2部", "4部及以上"], "手机部数") == ["1部", "2部", "4部及以上"]
    assert values(["10%左右", "20%左右", "没有投入"], "比重") == ["10%左右", "20%左右", "没有投入"]


def test_none_is_missing_among_numbers_a_word_among_words_and_zero_where_declared():
    assert math.isnan(values(["无", 3.0], "件数")[0])
    assert values(["无", "有"], "备注") == ["无", "有"]
    assert values(["无", 3.0], "件数", none_is_zero=True) == [0.0, 3.0]


def test_dates():
    column = parse_column(
        ["2018.9", "2018年9月", 43738.0, dt.datetime(2019, 1, 2), "—", "待定", "20190301"], "成立时间"
    )
    assert column.values.dtype == "datetime64[us]"
    assert column.values.tolist()[:4] == [
        pd.Timestamp(2018, 9, 1),
        pd.Timestamp(2018, 9, 1),
        pd.Timestamp(2019, 9, 30),
        pd.Timestamp(2019, 1, 2),
    ]
    assert column.values.isna().tolist()[4:] == [True, True, False]
    assert rules(column)["not_a_date"] == ("flagged", "warning", 1)


def test_a_month_that_a_spreadsheet_shortened_is_doubted():
    column = parse_column([2018.1, 2018.9], "成立年月")
    assert column.values[0] == pd.Timestamp(2018, 1, 1)
    assert rules(column)["month_or_october"] == ("flagged", "warning", 1)
    assert parse_column(["2018.10"], "成立年月").values[0] == pd.Timestamp(2018, 10, 1)


def test_dates_typed_as_text_digits_are_dates_in_a_column_of_dates():
    assert values(["43738", "43800", "—"], "成立日期")[0] == pd.Timestamp(2019, 9, 30)
    assert values(["201809", "201910"], "年月") == [pd.Timestamp(2018, 9, 1), pd.Timestamp(2019, 10, 1)]
    assert values(["43738", "43800"], "户数") == [43738.0, 43800.0]


def test_a_cross_is_a_word_beside_ticks_and_missing_among_numbers():
    assert values(["√", "×"], "达标") == ["√", "×"]
    assert values(["×", "×"], "达标") == ["×", "×"]
    assert math.isnan(values([3.0, "×", 4.0], "户数")[1])


def test_time_spans_are_seconds_not_dates():
    assert values(["123秒", "2分3秒"], "所用时间") == [123.0, 123.0]


def test_hours_beside_minutes_are_doubted_not_added():
    assert rules(parse_column(["2小时", "90分钟", 3.0], "时长"))["mixed_units"] == ("flagged", "warning", 2)
    assert "mixed_units" in rules(parse_column(["123秒", 2.0], "时长(分钟)"))
    assert "mixed_units" not in rules(parse_column(["123秒", "2分3秒", 45.0], "所用时间"))


def test_numbers_that_look_like_years_stay_numbers_elsewhere():
    assert values([2018.9, 2017.5], "得分") == [2018.9, 2017.5]
    assert values(["2018", "2019"], "年份") == [2018.0, 2019.0]


def test_totals_do_not_decide_what_a_column_is():
    assert values(["A", "B", 3.0], "名称", body=2) == ["A", "B", "3"]


def test_a_blank_column_is_a_column_of_nothing():
    column = parse_column([None, None], "备注")
    assert column.kind == "empty" and column.values.isna().all() and len(column.values) == 2
    assert parse_column([], "备注").values.tolist() == []


def test_many_wordings_make_one_line():
    column = parse_column([*[f"约{i}" for i in range(100, 150)], 3.0], "人数")
    (change,) = column.changes
    assert (change.rule, change.n) == ("approximate", 50)


@pytest.mark.parametrize(
    "cells",
    [
        [True, False, None],
        [dt.time(12, 0), dt.timedelta(hours=1), 3],
        [float("nan"), float("inf"), 1.0],
        ["\u200b", "\ufeff12", "\x00", "𠮷", "🏠"],
        [b"x", object(), 1 + 2j],
    ],
)
def test_strange_cells_never_raise(cells):
    assert len(parse_column(cells, "x").values) == len(cells)
