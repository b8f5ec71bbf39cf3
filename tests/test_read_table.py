"""Files and tables as offices send them: what comes out, what the ledger says, what is refused."""

from __future__ import annotations

import datetime as dt
import struct
import zipfile

import numpy as np
import pandas as pd
import pytest
from messy import write, write_ods, write_text

from commlab.errors import DataError, ParameterError
from commlab.intake.table import RawTable, read_table, read_tables
from commlab.tables import validate

HEAD = ["社区名称", "户数(户)", "经费(万元)"]
BODY = [["翠湖社区", 1200, 8], ["北门社区", 800, 7.5], ["合计坊", 100, 0.5]]


def rules(table: RawTable) -> dict[str, int]:
    return table.ledger.groupby("rule")["n"].sum().to_dict()


def balanced(table: RawTable) -> bool:
    recognised = table.ledger.loc[table.ledger["action"].isin(["recognised", "rejected"]), "n"].sum()
    return table.rows_read == table.rows.nunique() + recognised


def test_a_plain_table(tmp_path):
    table = read_table(write(tmp_path / "a.xlsx", [HEAD, *BODY]))
    assert list(table.frame.columns) == ["社区名称", "户数(户)", "经费(元)"]
    assert table.frame["经费(元)"].tolist() == [80000.0, 75000.0, 5000.0]
    assert table.frame["社区名称"].tolist() == ["翠湖社区", "北门社区", "合计坊"]
    assert table.source.tolist()[0] == f"{(tmp_path / 'a.xlsx').as_posix()}#统计表!2:2"
    assert table.rows.tolist() == [2, 3, 4]
    assert table.cells == {"社区名称": "A", "户数(户)": "B", "经费(元)": "C"}
    assert table.cell(1, "经费(元)") == "C3"
    assert len(table.totals) == 0 and table.notes == ()
    assert balanced(table)


def test_the_ledger_keeps_its_contract(tmp_path):
    table = read_table(write(tmp_path / "a.xlsx", [["标题"], HEAD, *BODY, ["注:完"]]), name="raw/a.xlsx")
    assert "period" not in table.ledger
    validate("ledger", table.ledger.assign(period="2019Q4"))
    assert set(table.ledger["file"]) == {"raw/a.xlsx"} and set(table.ledger["sheet"]) == {"统计表"}
    assert table.source[0] == "raw/a.xlsx#统计表!3:3"


ANNEX = [
    ["五华区", 89, 65, 24, 14, 4],
    ["盘龙区", 71, 51, 20, 11, 4],
    ["官渡区(含大板桥街道)", 116, 45, 71, 19, 4],
]
ANNEX_TOTAL = ["总计", 276, 161, 115, 44, 12]
LEVEL1 = [
    "县(市)区",
    "社区基本情况",
    None,
    None,
    "社区治理创新试点总任务(2018年9月—2020年底)",
    "第一阶段任务",
]
LEVEL2 = [None, "社区总数(个)", "城市社区(个)", "“村改居”社区(个)", "任务数(个)", "任务数(个)"]
ANNEX_COLUMNS = [
    "县(市)区",
    "社区基本情况/社区总数(个)",
    "社区基本情况/城市社区(个)",
    "社区基本情况/“村改居”社区(个)",
    "社区治理创新试点总任务(2018年9月—2020年底)/任务数(个)",
    "第一阶段任务/任务数(个)",
]
ANNEX_ROWS = [["附件1"], ["昆明市试点任务分解表"], LEVEL1, LEVEL2, *ANNEX, ANNEX_TOTAL]


@pytest.mark.parametrize("merges", [["A1:F1", "A2:F2", "A3:A4", "B3:D3"], ["B3:D3"], ["A3:A4"], []])
def test_two_level_header_with_and_without_merged_cells(tmp_path, merges):
    table = read_table(write(tmp_path / "annex1.xlsx", ANNEX_ROWS, merges))
    assert list(table.frame.columns) == ANNEX_COLUMNS
    assert table.frame.iloc[:, 1:].to_numpy().tolist() == [row[1:] for row in ANNEX]
    assert table.totals[ANNEX_COLUMNS[1]].tolist() == [276.0]
    assert table.totals["source"].str.endswith("#统计表!8:8").all()
    assert table.notes == ("附件1", "昆明市试点任务分解表")
    assert not table.ledger["severity"].isin(["error", "warning"]).any()
    assert balanced(table)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize(("delimiter", "suffix"), [(",", "csv"), (";", "csv"), ("\t", "tsv"), ("\t", "txt")])
def test_texts_in_every_encoding_and_separator(tmp_path, encoding, delimiter, suffix):
    path = write_text(tmp_path / f"a.{suffix}", ANNEX_ROWS, encoding=encoding, delimiter=delimiter)
    table = read_table(path)
    assert list(table.frame.columns) == ANNEX_COLUMNS
    assert table.frame.iloc[:, 1:].to_numpy().tolist() == [row[1:] for row in ANNEX]
    assert table.source[0].endswith(f"a.{suffix}#!5:5")
    assert ("encoding" in rules(table)) == (not encoding.startswith("utf-8"))
    assert balanced(table)


def test_western_bytes_are_not_read_as_chinese(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("Respondent,I don’t know — café\n1,Agree’s\n2,naïve résumé\n".encode("cp1252"))
    table = read_table(path)
    assert list(table.frame.columns) == ["Respondent", "I don’t know — café"]
    assert table.frame.iloc[1, 1] == "naïve résumé"


def test_three_level_header(tmp_path):
    rows = [
        ["区县", "经费", None, None, None, "备注"],
        [None, "2018年", None, "2019年", None, None],
        [None, "财政(万元)", "社会(万元)", "财政(万元)", "社会(万元)", None],
        ["五华区", 1, 2, 3, 4, "好"],
        ["盘龙区", 5, 6, 7, 8, None],
    ]
    expected = [
        "区县",
        "经费/2018年/财政(元)",
        "经费/2018年/社会(元)",
        "经费/2019年/财政(元)",
        "经费/2019年/社会(元)",
        "备注",
    ]
    for merges in (["A1:A3", "B1:E1", "B2:C2", "D2:E2", "F1:F3"], []):
        table = read_table(write(tmp_path / "a.xlsx", rows, merges))
        assert list(table.frame.columns)[:5] == expected[:5], merges
        assert table.frame.iloc[0, 1:5].tolist() == [10000.0, 20000.0, 30000.0, 40000.0]
        assert balanced(table)


def test_header_of_years(tmp_path):
    rows = [
        ["区县", "持证社工(人)", None, None],
        [None, 2017, 2018, 2019],
        ["五华区", 10, 12, 13],
        ["盘龙区", 7, 8, 9],
    ]
    table = read_table(write(tmp_path / "a.xlsx", rows, ["A1:A2", "B1:D1"]))
    assert list(table.frame.columns) == [
        "区县",
        "持证社工(人)/2017",
        "持证社工(人)/2018",
        "持证社工(人)/2019",
    ]
    flat = read_table(
        write(tmp_path / "b.xlsx", [["区县", 2017, 2018], ["五华区", 10, 12], ["盘龙区", 7, 8]])
    )
    assert list(flat.frame.columns) == ["区县", "2017", "2018"]


def test_everything_around_a_table(tmp_path):
    rows = [
        [None, "附件2"],
        [None, "五华区社区治理统计表"],
        [None, "填报单位:五华区民政局", None, None, "单位:万元"],
        [],
        [None, "序号", "社区名称", "户数", "工作经费", "办结率(%)"],
        [None, 1, "翠湖社区", 1200, 8, 95],
        [None, 2, "北门社区", 800, 7.5, 85],
        [],
        [None, "合计", None, 2000, 15.5, 90],
        [None, "注:本表不含行政村。"],
        [None, "审核人:张三", None, "填表人:李四", None, "2019年12月30日"],
    ]
    table = read_table(write(tmp_path / "a.xlsx", rows, ["B2:F2", "B9:C9"]))
    assert list(table.frame.columns) == ["序号", "社区名称", "户数", "工作经费", "办结率(%)"]
    assert table.frame["工作经费"].tolist() == [80000.0, 75000.0]
    assert table.frame["办结率(%)"].tolist() == [0.95, 0.85]
    assert table.frame["户数"].tolist() == [1200.0, 800.0]
    assert table.totals["工作经费"].tolist() == [155000.0]
    assert table.cell(0, "工作经费") == "E6"
    assert table.notes[0] == "附件2" and "填报单位:五华区民政局 单位:万元" in table.notes
    assert (
        rules(table)["fill-in row"] == 2 and rules(table)["note row"] == 1 and rules(table)["blank row"] == 2
    )
    assert not (table.ledger["severity"] == "error").any()
    assert balanced(table)


def test_a_unit_that_no_column_claims_is_told(tmp_path):
    table = read_table(write(tmp_path / "a.xlsx", [["单位:万元"], ["社区", "甲", "乙"], ["A社区", 1, 2]]))
    assert "unit_unclaimed" in rules(table)
    assert table.frame["甲"].tolist() == [1.0]


@pytest.mark.parametrize(
    "label",
    ["总计", "合计", "小计", "合 计", "全市", "全区", "全县", "总计:", "全市合计", "五华区小计", "Total"],
)
@pytest.mark.parametrize("place", ["top", "bottom"])
def test_totals_anywhere(tmp_path, label, place):
    total = [label, 2100, 16]
    rows = [HEAD, total, *BODY] if place == "top" else [HEAD, *BODY, total]
    table = read_table(write(tmp_path / "a.xlsx", rows))
    assert table.frame["社区名称"].tolist() == ["翠湖社区", "北门社区", "合计坊"]
    assert table.totals["户数(户)"].tolist() == [2100.0]
    assert not (table.ledger["severity"] == "error").any()
    assert balanced(table)


def test_the_whole_by_its_own_name(tmp_path):
    rows = [
        ["昆明市各区"],
        ["区县", "社区数", "户数"],
        ["昆明市", 160, 300],
        ["五华区", 89, 100],
        ["盘龙县", 71, 200],
    ]
    table = read_table(write(tmp_path / "a.xlsx", rows))
    assert table.frame["区县"].tolist() == ["五华区", "盘龙县"]
    assert table.totals["区县"].tolist() == ["昆明市"]
    assert balanced(table)


def test_a_community_that_happens_to_equal_the_others_stays(tmp_path):
    rows = [["社区", "户数", "人口"], ["甲社区", 3, 6], ["乙社区", 1, 2], ["丙社区", 2, 4]]
    assert len(read_table(write(tmp_path / "a.xlsx", rows)).frame) == 3


def test_subtotals_by_district_and_grand_total(tmp_path):
    rows = [
        ["区县", "社区", "户数"],
        ["五华区", "甲社区", 10],
        ["五华区", "乙社区", 20],
        ["五华区", "小计", 30],
        ["盘龙区", "丙社区", 5],
        ["盘龙区", "丁社区", 6],
        ["盘龙区", "小计", 12],
        ["总计", None, 41],
    ]
    table = read_table(write(tmp_path / "a.xlsx", rows))
    assert table.frame["社区"].tolist() == ["甲社区", "乙社区", "丙社区", "丁社区"]
    assert len(table.totals) == 3
    (error,) = table.ledger[table.ledger["severity"] == "error"].to_dict("records")
    assert error["first_cells"] == "C7" and "12" in error["message"] and "11" in error["message"]
    assert (error["before"], error["after"]) == ("12", "11")
    assert balanced(table)


def test_a_wrong_total_is_an_error_that_names_both_numbers_and_the_file_is_read(tmp_path):
    table = read_table(write(tmp_path / "a.xlsx", [HEAD, *BODY, ["合计", 2111, 16]]))
    (error,) = table.ledger[table.ledger["severity"] == "error"].to_dict("records")
    assert (
        error["rule"] == "total_mismatch" and error["column"] == "户数(户)" and error["first_cells"] == "B5"
    )
    assert "2111" in error["message"] and "2100" in error["message"]
    assert table.frame["户数(户)"].sum() == 2100


def test_a_total_off_by_rounding_is_a_note(tmp_path):
    rows = [["社区", "经费(万元)"], ["甲社区", 1.3], ["乙社区", 1.3], ["丙社区", 1.3], ["合计", 4.0]]
    (line,) = (
        read_table(write(tmp_path / "a.xlsx", rows))
        .ledger.query("rule.str.startswith('total_')")
        .to_dict("records")
    )
    assert (line["rule"], line["severity"]) == ("total_rounding", "rounding")
    assert "4" in line["message"] and "3.9" in line["message"]


def test_counts_have_no_rounding(tmp_path):
    rows = [["区县", "社区数"], *[[f"{c}区", 10] for c in "甲乙丙丁戊己庚辛"], ["总计", 81]]
    assert (read_table(write(tmp_path / "a.xlsx", rows)).ledger["severity"] == "error").sum() == 1


@pytest.mark.parametrize(
    ("printed", "severity"), [(90, None), (93.3, None), (93.33, None), (93.4, "error"), (280, "error")]
)
def test_the_total_of_a_rate_is_a_mean_plain_or_weighted(tmp_path, printed, severity):
    rows = [["社区", "户数", "入户率(%)"], ["甲社区", 100, 80], ["乙社区", 200, 100], ["合计", 300, printed]]
    ledger = read_table(write(tmp_path / "a.xlsx", rows)).ledger
    found = ledger.loc[ledger["severity"] == "error", "message"].tolist()
    assert bool(found) == (severity == "error")
    if found:
        assert str(printed) in found[0] and "90" in found[0]


def test_average_rows(tmp_path):
    rows = [["社区", "得分"], ["甲社区", 80], ["乙社区", 91], ["平均", 85.5], ["平均值", 80]]
    table = read_table(write(tmp_path / "a.xlsx", rows))
    assert len(table.totals) == 2
    assert table.ledger.loc[table.ledger["severity"] == "error", "first_cells"].tolist() == ["B5"]


def test_missing_values_may_explain_a_total(tmp_path):
    rows = [["社区", "户数"], ["甲社区", 10], ["乙社区", "不详"], ["丙社区", 3], ["合计", 20]]
    ledger = read_table(write(tmp_path / "a.xlsx", rows)).ledger
    assert ledger.loc[ledger["rule"] == "total_mismatch", "severity"].tolist() == ["warning"]


@pytest.mark.parametrize("gap", [0, 1])
def test_blocks_side_by_side_are_one_table(tmp_path, gap):
    space = [None] * gap
    rows = [
        ["各社区户数"],
        ["社区", "户数", *space, "社区", "户数"],
        ["甲社区", 1, *space, "丙社区", 3],
        ["乙社区", 2, *space, "丁社区", 4],
        [None, None, *space, "合计", 10],
    ]
    table = read_table(write(tmp_path / "a.xlsx", rows))
    assert sorted(table.frame["社区"]) == sorted(["甲社区", "乙社区", "丙社区", "丁社区"])
    assert dict(zip(table.frame["社区"], table.frame["户数"], strict=True))["丁社区"] == 4
    where = table.frame.index[table.frame["社区"] == "丁社区"][0]
    assert table.cell(where, "户数") == "DE"[gap] + "4"
    assert table.source[where].endswith(f"{'CD'[gap]}4:{'DE'[gap]}4")
    assert len(table.totals) == 1 and not (table.ledger["severity"] == "error").any()
    assert balanced(table)


def test_a_spacer_column_does_not_part_a_table(tmp_path):
    rows = [["社区", "户数", None, "人口"], ["甲社区", 1, None, 3], ["乙社区", 2, None, 4]]
    table = read_table(write(tmp_path / "a.xlsx", rows))
    assert list(table.frame.columns) == ["社区", "户数", "人口"]
    assert table.cells["人口"] == "D"


def test_blocks_under_each_other_and_repeated_headers_are_one_table(tmp_path):
    rows = [
        ["社区", "户数"],
        ["甲社区", 1],
        ["社区", "户数"],
        ["乙社区", 2],
        [],
        ["表二"],
        ["社区", "户数"],
        ["丙社区", 3],
    ]
    table = read_table(write(tmp_path / "a.xlsx", rows))
    assert table.frame["社区"].tolist() == ["甲社区", "乙社区", "丙社区"]
    assert balanced(table)


def test_several_tables_on_a_sheet_are_listed_and_chosen_by_name(tmp_path):
    rows = [
        ["表1"],
        ["社区", "户数"],
        ["甲社区", 1],
        ["乙社区", 2],
        [],
        ["表2"],
        ["姓名", "职务", "年龄"],
        ["张三", "书记", 40],
    ]
    path = write(tmp_path / "a.xlsx", rows)
    with pytest.raises(
        DataError, match=r"2 different tables.*'统计表'.*社区, 户数.*'统计表!2'.*姓名, 职务, 年龄"
    ):
        read_table(path)
    first, second = read_table(path, sheet="统计表"), read_table(path, sheet="统计表!2")
    assert len(first.frame) == 2 and list(second.frame.columns) == ["姓名", "职务", "年龄"]
    assert balanced(first) and balanced(second)
    assert list(read_tables(path)) == ["统计表", "统计表!2"]


def test_several_sheets_are_listed_and_chosen_by_name(tmp_path):
    path = write(
        tmp_path / "a.xlsx",
        {"甲街道": [HEAD, *BODY], "乙街道": [HEAD, BODY[0]], "说明": [["本表由各社区填写"]], "空": []},
    )
    with pytest.raises(DataError, match=r"甲街道.*乙街道"):
        read_table(path)
    assert len(read_table(path, sheet="乙街道").frame) == 1
    with pytest.raises(DataError, match=r"丙街道.*甲街道"):
        read_table(path, sheet="丙街道")
    with pytest.raises(ParameterError):
        read_table(path, sheet=0)


def test_an_instruction_sheet_beside_one_table_is_no_table(tmp_path):
    path = write(
        tmp_path / "a.xlsx",
        {"填表说明": [["一、本表由社区填写"], ["二、经费以万元计"]], "数据": [HEAD, *BODY]},
    )
    assert len(read_table(path).frame) == 3


def test_merged_names_hold_for_their_rows_and_merged_numbers_count_once(tmp_path):
    rows = [
        ["街道", "社区", "经费"],
        ["华山街道", "甲社区", 10],
        [None, "乙社区", None],
        ["大观街道", "丙社区", 5],
    ]
    table = read_table(write(tmp_path / "a.xlsx", rows, ["A2:A3", "C2:C3"]))
    assert table.frame["街道"].tolist() == ["华山街道", "华山街道", "大观街道"]
    assert table.frame["经费"].sum() == 15
    assert rules(table)["merged_number"] == 1


def test_errors_dates_percent_formats_and_hidden_rows(tmp_path):
    rows = [
        ["社区", "户数", "办结率(%)", "成立日期"],
        ["甲社区", "#DIV/0!", ("0%", 0.5), dt.datetime(2018, 9, 1)],
        ["乙社区", 20, 95, 43738],
        ["丙社区", 30, 85, "2018.9"],
    ]
    table = read_table(write(tmp_path / "a.xlsx", rows, hidden=[3]))
    assert np.isnan(table.frame["户数"][0]) and table.frame["户数"].tolist()[1:] == [20, 30]
    assert table.ledger.loc[table.ledger["rule"] == "error", "first_cells"].tolist() == ["B2"]
    assert table.frame["办结率(%)"].tolist() == [0.5, 0.95, 0.85]
    assert table.frame["成立日期"].tolist()[1] == pd.Timestamp(2019, 9, 30)
    assert rules(table)["hidden_rows"] == 1 and len(table.frame) == 3


def test_formulas_are_read_as_stored_never_computed(tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    for row in (["社区", "户数"], ["甲社区", "=1+1"], ["乙社区", 5]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    table = read_table(tmp_path / "a.xlsx")
    assert np.isnan(table.frame["户数"][0])
    (line,) = table.ledger[table.ledger["rule"] == "formula_without_result"].to_dict("records")
    assert line["severity"] == "error" and line["first_cells"] == "B2"


def test_empty_form_lines_and_an_empty_form(tmp_path):
    rows = [["序号", "社区", "户数"], [1, "甲社区", 5], [2, None, None], [3, None, None]]
    table = read_table(write(tmp_path / "a.xlsx", rows))
    assert len(table.frame) == 1 and rules(table)["form row"] == 2 and balanced(table)
    blank = read_table(write(tmp_path / "b.xlsx", [["社区统计表"], ["社区", "户数"]]))
    assert blank.frame.shape == (0, 2) and balanced(blank)


def test_a_judgement_matrix(tmp_path):
    rows = [[None, "Ⅰ-1", "Ⅰ-2", "Ⅰ-3"], ["Ⅰ-1", 1, 3, "1/5"], ["Ⅰ-2", "1/3", 1, 2], ["Ⅰ-3", 5, 0.5, 1]]
    frame = read_table(write(tmp_path / "a.xlsx", rows)).frame
    assert list(frame.columns) == ["(A)", "Ⅰ-1", "Ⅰ-2", "Ⅰ-3"]
    assert frame["Ⅰ-3"].tolist() == [0.2, 2.0, 1.0]


def test_a_table_of_words(tmp_path):
    rows = [
        ["姓名", "意见", "是否同意"],
        ["张三", "很好", "是"],
        ["李四", None, "否"],
        ["王五", "很好", "是"],
    ]
    table = read_table(write(tmp_path / "a.xlsx", rows))
    assert table.frame.shape == (3, 3) and balanced(table)


def test_repeated_labels_are_numbered(tmp_path):
    table = read_table(write(tmp_path / "a.xlsx", [["社区", "户数", "备注", "户数"], ["甲社区", 1, "无", 3]]))
    assert list(table.frame.columns) == ["社区", "户数", "备注", "户数#2"]
    assert rules(table)["repeated_header"] == 2


def test_labels_are_kept_as_printed(tmp_path):
    table = read_table(
        write(tmp_path / "a.xlsx", [["3、性别 ", "名 称（全）", "任务\n数"], ["男", "a", 1], ["女", "b", 2]])
    )
    assert list(table.frame.columns) == ["3、性别 ", "名 称（全）", "任务数"]


def test_sub_labels_may_be_called_total(tmp_path):
    rows = [
        ["区县", "社区数(个)", None, None],
        [None, "合计", "城市", "村改居"],
        ["五华区", 89, 65, 24],
        ["盘龙区", 71, 51, 20],
    ]
    for merges in ([], ["B1:D1"], ["A1:A2", "B1:D1"]):
        table = read_table(write(tmp_path / "a.xlsx", rows, merges))
        assert list(table.frame.columns) == [
            "区县",
            "社区数(个)/合计",
            "社区数(个)/城市",
            "社区数(个)/村改居",
        ]
        assert len(table.frame) == 2 and len(table.totals) == 0


def test_the_word_total_may_stand_right_of_numbers_that_are_codes(tmp_path):
    rows = [
        ["社区代码", "社区", "户数"],
        [530102001001, "甲社区", 5],
        [530102001002, "乙社区", 6],
        [None, "合计", 11],
    ]
    table = read_table(write(tmp_path / "a.xlsx", rows))
    assert table.frame["社区代码"].tolist() == ["530102001001", "530102001002"]
    assert table.totals["label"].tolist() == ["合计"]


def test_one_number_with_a_leading_zero_makes_no_codes(tmp_path):
    table = read_table(
        write(tmp_path / "a.xlsx", [["社区", "户数"], ["甲", "05"], ["乙", "112"], ["丙", "9"]])
    )
    assert table.frame["户数"].tolist() == [5.0, 112.0, 9.0]


def test_different_tables_side_by_side(tmp_path):
    rows = [
        ["社区", "户数", None, "姓名", "职务"],
        ["甲社区", 1, None, "张三", "书记"],
        ["乙社区", 2, None, "李四", "主任"],
    ]
    path = write(tmp_path / "a.xlsx", rows)
    with pytest.raises(DataError, match="2 different tables"):
        read_table(path)
    first, second = read_tables(path).values()
    assert first.frame["户数"].tolist() == [1, 2] and second.frame["姓名"].tolist() == ["张三", "李四"]
    assert balanced(first) and balanced(second)


def test_each_table_has_the_unit_printed_above_it(tmp_path):
    rows = [
        ["单位:万元"],
        ["社区", "经费"],
        ["甲社区", 1],
        [],
        ["单位:元"],
        ["街道", "经费", "备注"],
        ["乙街道", 2, "a"],
    ]
    first, second = read_tables(write(tmp_path / "a.xlsx", rows)).values()
    assert first.frame["经费"].tolist() == [10000.0] and second.frame["经费"].tolist() == [2.0]


def test_subtotals_by_type(tmp_path):
    rows = [["社区", "类型", "户数"], ["甲社区", "城市", 1], ["乙社区", "村改居", 2], ["丙社区", "城市", 4]]
    rows += [["城市社区小计", None, 5], ["村改居小计", None, 2], ["总计", None, 7]]
    table = read_table(write(tmp_path / "a.xlsx", rows))
    assert len(table.totals) == 3 and not (table.ledger["severity"] == "error").any()


def test_a_subtitle_in_two_pieces_is_no_header(tmp_path):
    rows = [
        ["五华区", None, "2019年第四季度"],
        ["社区", "户数", "人口", "面积"],
        ["翠湖", 1, 2, 3],
        ["北门", 4, 5, 6],
    ]
    table = read_table(write(tmp_path / "a.xlsx", rows))
    assert list(table.frame.columns) == ["社区", "户数", "人口", "面积"] and len(table.frame) == 2
    assert table.notes == ("五华区 2019年第四季度",) and balanced(table)


def test_the_scores_of_a_form_are_added_up(tmp_path):
    rows = [["考评指标", "得分"], ["组织领导", 20], ["服务供给", 30.5], ["合计", 50.5]]
    assert not (read_table(write(tmp_path / "a.xlsx", rows)).ledger["severity"] == "error").any()


def test_a_list_of_names(tmp_path):
    table = read_table(write_text(tmp_path / "a.csv", [["社区名称"], ["甲社区"], ["乙社区"]]))
    assert table.frame["社区名称"].tolist() == ["甲社区", "乙社区"] and balanced(table)


def test_a_numbered_line_below_or_above_the_header(tmp_path):
    head, count = ["区县", "户数", "人口", "面积"], ["甲", 1, 2, 3]
    for rows in ([head, count], [[None, 1, 2, 3], head]):
        table = read_table(write(tmp_path / "a.xlsx", [*rows, ["五华区", 9, 8, 7], ["盘龙区", 6, 5, 4]]))
        assert list(table.frame.columns) == head and len(table.frame) == 2 and balanced(table)


def test_sheets_of_units_below_the_labels(tmp_path):
    rows = [["社区", "户数", "经费"], [None, "户", "万元"], ["甲社区", 100, 8], ["乙社区", 90, 7]]
    table = read_table(write(tmp_path / "a.xlsx", rows))
    assert list(table.frame.columns) == ["社区", "户数/户", "经费/元"]
    assert table.frame["经费/元"].tolist() == [80000.0, 70000.0]


def test_opendocument(tmp_path):
    table = read_table(write_ods(tmp_path / "a.ods", ANNEX_ROWS))
    assert list(table.frame.columns) == ANNEX_COLUMNS and len(table.frame) == 3 and balanced(table)


def test_sav(tmp_path):
    import pyreadstat

    frame = pd.DataFrame({"q1": [1.0, 2.0, np.nan], "name": ["甲", "乙", ""]})
    pyreadstat.write_sav(
        frame,
        str(tmp_path / "a.sav"),
        column_labels={"q1": "您的性别"},
        variable_value_labels={"q1": {1: "男", 2: "女"}},
    )
    table = read_table(tmp_path / "a.sav")
    assert table.frame["q1"].tolist()[:2] == [1.0, 2.0] and table.frame["name"].isna().tolist() == [
        False,
        False,
        True,
    ]
    assert table.notes == ("q1: 您的性别 (1=男, 2=女)",)
    assert table.source[0].endswith("a.sav#!2:2")


def test_none_is_zero_where_declared(tmp_path):
    path = write(tmp_path / "a.xlsx", [["社区", "件数(件)"], ["甲社区", "无"], ["乙社区", 2]])
    assert read_table(path, none_is_zero=["件数(件)"]).frame["件数(件)"].tolist() == [0.0, 2.0]
    assert np.isnan(read_table(path).frame["件数(件)"][0])


# ------------------------------------------------------------------------- units, counted rows, wholes, parts


def test_a_unit_of_an_upper_level_holds_for_amounts_below_it_not_for_counts(tmp_path):
    rows = [
        ["社区", "经费(万元)", None, None, None, "办结率(%)", None],
        [None, "财政", "自筹", "占比(%)", "项目数", "2018年", "2019年"],
        ["甲社区", 8, 1, 50, 3, 80, 90],
        ["乙社区", 7, 2, 60, 4, 70, 95],
    ]
    merges = ["A1:A2", "B1:E1", "F1:G1"]
    table = read_table(write(tmp_path / "a.xlsx", rows, merges))
    assert list(table.frame.columns)[1:] == [
        "经费(元)/财政",
        "经费(元)/自筹",
        "经费(万元)/占比(%)",
        "经费(万元)/项目数",
        "办结率(%)/2018年",
        "办结率(%)/2019年",
    ]
    assert table.frame.iloc[0, 1:].tolist() == [80000.0, 10000.0, 0.5, 3.0, 0.8, 0.9]
    (line,) = table.ledger[table.ledger["rule"] == "unit_of_upper_level"].to_dict("records")
    assert line["column"] == "经费(万元)/项目数"


def test_a_title_about_money_gives_its_unit_to_what_says_nothing_else(tmp_path):
    rows = [
        ["经费使用情况表(单位:万元)"],
        ["社区", "户数", "财政", "社会"],
        ["甲社区", 9, 8, 1],
        ["乙社区", 9, 7, 2],
    ]
    assert read_table(write(tmp_path / "a.xlsx", rows)).frame.iloc[0, 1:].tolist() == [9.0, 80000.0, 10000.0]
    plain = read_table(
        write(tmp_path / "b.xlsx", [["单位:万元"], ["社区", "户数", "经费", "社会"], *rows[2:]])
    )
    assert plain.frame.iloc[0, 1:].tolist() == [9.0, 80000.0, 1.0]
    assert plain.ledger.loc[plain.ledger["rule"] == "unit_declared", "message"].str.contains("社会").all()


def test_units_in_brackets_below_the_labels(tmp_path):
    rows = [["社区", "户数", "经费"], [None, "(户)", "(万元)"], ["甲社区", 100, 8], ["乙社区", 90, 7]]
    table = read_table(write(tmp_path / "a.xlsx", rows))
    assert table.frame.iloc[0].tolist() == ["甲社区", 100.0, 80000.0]


@pytest.mark.parametrize(
    "rows",
    [
        [["a", "b", "c"], [1, 2, 3], [4, 5, 6]],
        [["社区", "x", "y", "z"], ["甲", 1, 2, 3], ["乙", 4, 5, 6]],
        [["社区", "x", "y", "z"], ["甲", 1, 2, 3], ["丙", 4, 5, 6]],
        [["序号", "社区", "x"], [1, "甲", 2], [2, "乙", 3]],
    ],
)
def test_a_first_row_of_one_two_three_is_a_row(tmp_path, rows):
    table = read_table(write(tmp_path / "a.xlsx", rows))
    assert len(table.frame) == 2 and balanced(table)


@pytest.mark.parametrize("count", [["甲", "乙", 1, 2], ["栏次", None, 1, 2], [1, 2, 3, 4]])
def test_a_row_that_counts_the_columns_is_none(tmp_path, count):
    rows = [["街道", "社区", "户数", "人口"], count, ["东街道", "翠湖", 9, 8], ["东街道", "北门", 7, 6]]
    table = read_table(write(tmp_path / "a.xlsx", rows))
    assert table.frame["社区"].tolist() == ["翠湖", "北门"] and rules(table)["header row"] == 2


@pytest.mark.parametrize("label", ["总数", "合计数", "Σ", "全州", "SUM", "区级合计"])
def test_further_words_for_totals(tmp_path, label):
    table = read_table(write(tmp_path / "a.xlsx", [HEAD, *BODY, [label, 2100, 16]]))
    assert len(table.frame) == 3 and len(table.totals) == 1


def test_a_whole_with_one_wrong_number_is_a_total_with_an_error(tmp_path):
    for name in ("五华区", None):
        rows = [
            ["单位", "户数", "人口", "面积"],
            ["翠湖社区", 10, 20, 4],
            ["北门社区", 20, 40, 5],
            [name, 30, 61, 9],
        ]
        table = read_table(write(tmp_path / "a.xlsx", rows))
        assert len(table.frame) == 2
        (error,) = table.ledger[table.ledger["severity"] == "error"].to_dict("records")
        assert error["first_cells"] == "C4" and (error["before"], error["after"]) == ("61", "60")


def test_a_city_among_counties_needs_all_its_numbers(tmp_path):
    rows = [["区县", "户数", "人口"], ["五华区", 10, 20], ["嵩明县", 20, 40], ["安宁市", 30, 61]]
    assert len(read_table(write(tmp_path / "a.xlsx", rows)).frame) == 3
    rows[-1] = ["昆明市", 30, 60]
    assert len(read_table(write(tmp_path / "b.xlsx", rows)).totals) == 1


def test_a_row_that_names_its_group_again_is_the_groups_total(tmp_path):
    rows = [
        ["市", "区县", "户数", "人口"],
        ["昆明市", "昆明市", 41, 82],
        ["昆明市", "五华区", 30, 60],
        ["昆明市", "盘龙区", 11, 22],
        ["曲靖市", None, 16, 32],
        ["曲靖市", "麒麟区", 5, 10],
        ["曲靖市", "沾益区", 11, 22],
        ["全省", "全省", 57, 115],
    ]
    table = read_table(write(tmp_path / "a.xlsx", rows))
    assert table.frame["区县"].tolist() == ["五华区", "盘龙区", "麒麟区", "沾益区"]
    assert table.totals["label"].tolist() == ["昆明市", "曲靖市", "全省"]
    assert table.ledger.loc[table.ledger["severity"] == "error", "first_cells"].tolist() == ["D8"]
    assert balanced(table)


def test_a_community_called_like_its_street_stays(tmp_path):
    rows = [
        ["街道", "社区", "户数"],
        ["翠湖", "翠湖", 5],
        ["翠湖", "北门", 3],
        ["翠湖", "大观", 2],
        ["龙泉", "金沙", 9],
    ]
    assert len(read_table(write(tmp_path / "a.xlsx", rows)).frame) == 4


def test_parts_of_a_total_and_extremes_are_no_rows(tmp_path):
    rows = [["社区", "得分"], ["甲社区", 80], ["乙社区", 90], ["平均分", 85], ["最高分", 90], ["最低分", 80]]
    assert len(read_table(write(tmp_path / "a.xlsx", rows)).frame) == 2
    rows = [
        ["社区", "类型", "户数"],
        ["甲社区", "城市社区", 4],
        ["乙社区", "村改居", 3],
        ["合计", None, 7],
        ["其中:城市社区", None, 5],
        ["其中:其他", None, 1],
    ]
    table = read_table(write(tmp_path / "b.xlsx", rows))
    assert len(table.frame) == 2 and len(table.totals) == 3
    assert table.ledger.loc[table.ledger["severity"] == "error", "first_cells"].tolist() == ["C5"]
    items = read_table(
        write(tmp_path / "c.xlsx", [["指标", "数值"], ["社区", 9], ["其中:城市", 5], ["村", 4]])
    )
    assert len(items.frame) == 3


@pytest.mark.parametrize(
    ("cells", "rules_told"),
    [
        ([33.3, 33.3, 33.3, 100], ["total_rounding"]),
        ([25, 25, 50, 100], []),
        ([25, 25, 49, 100], ["total_rounding"]),
        ([25, 25, 40, 100], ["total_mismatch"]),
        ([80, 90, 100, 90], []),
    ],
)
def test_shares_of_a_whole_add_up_and_other_rates_are_averaged(tmp_path, cells, rules_told):
    rows = [["类型", "占比(%)"], *zip(["城市", "村改居", "农村", "合计"], cells, strict=True)]
    ledger = read_table(write(tmp_path / "a.xlsx", rows)).ledger
    assert ledger.loc[ledger["rule"].str.startswith("total_"), "rule"].tolist() == rules_told


def test_an_exact_weighted_mean_is_no_rounding(tmp_path):
    rows = [
        ["社区", "件数", "办结率"],
        ["甲社区", 10, ("0%", 0.8)],
        ["乙社区", 30, ("0%", 1)],
        ["合计", 40, ("0%", 0.95)],
    ]
    ledger = read_table(write(tmp_path / "a.xlsx", rows)).ledger
    assert not ledger["rule"].str.startswith("total_").any()


def test_many_roundings_of_a_column_make_one_line(tmp_path):
    rows: list[list[object]] = [["区县", "社区", "经费(万元)"]]
    for k in range(5):
        rows += [[f"{k}区", f"{k}{c}社区", 1.33] for c in "甲乙丙"] + [[f"{k}区", "小计", 4.0]]
    ledger = read_table(write(tmp_path / "a.xlsx", rows)).ledger
    (line,) = ledger[ledger["rule"] == "total_rounding"].to_dict("records")
    assert line["n"] == 5 and "5 totals" in line["message"]


def test_titles_between_equal_tables_forms_and_notes_in_two_cells(tmp_path):
    rows = [
        ["填报单位", "五华区民政局", "填报时间", "2019-12-30"],
        ["联系人", "张三", "电话", "0871-65000000"],
        ["社区", "户数", "人口", "面积"],
        *[[f"{c}社区", 1, 2, 3] for c in "甲乙丙"],
        ["合计", 3, 6, 9],
        ["表二 盘龙区"],
        ["社区", "户数", "人口", "面积"],
        *[[f"{c}社区", 1, 2, 3] for c in "丁戊"],
        ["合计", 2, 4, 6],
        ["备注", "户数含租户"],
    ]
    table = read_table(write(tmp_path / "a.xlsx", rows))
    assert table.frame["社区"].tolist() == [f"{c}社区" for c in "甲乙丙丁戊"]
    assert table.frame["户数"].tolist() == [1.0] * 5 and len(table.totals) == 2
    assert table.notes == (
        "填报单位 五华区民政局 填报时间 2019-12-30",
        "联系人 张三 电话 0871-65000000",
        "表二 盘龙区",
        "备注 户数含租户",
    )
    assert balanced(table)


def test_an_error_in_the_name_is_a_row_with_a_missing_name(tmp_path):
    rows = [["社区", "户数"], ["甲社区", 1], ["#DIV/0!", 3], ["合计", 4]]
    table = read_table(write(tmp_path / "a.xlsx", rows))
    assert table.frame["户数"].tolist() == [1.0, 3.0] and table.frame["社区"].isna().tolist() == [False, True]


# ------------------------------------------------------------------------------------- what is refused


def _zip(path, parts):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


def _bytes(data):
    def make(path):
        path.write_bytes(data)
        return path

    return make


def _bomb(path):
    return _zip(path, {"xl/workbook.xml": b"<workbook/>", "xl/worksheets/sheet1.xml": b"0" * (64 << 20)})


def _far(path):
    write(path, [["社区", "户数"], ["甲社区", 1]])
    import openpyxl

    book = openpyxl.load_workbook(path)
    book.active["XFD1048576"] = 1
    book.save(path)
    return path


OLE = bytes.fromhex("D0CF11E0A1B11AE1")
REFUSED = [
    ("a.xlsx", _bytes(b""), "empty"),
    ("a.csv", _bytes(b""), "empty"),
    ("a.csv", _bytes(b"\n \n,,\n"), "no table"),
    ("a.xlsx", _bytes("社区,户数\n甲,1\n".encode()), "named .xlsx but is a text file"),
    ("a.xls", _bytes(b"<html><table><tr><td>1</td></tr></table></html>"), "web page"),
    ("a.xlsx", _bytes(OLE + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le")), "password"),
    ("a.xlsx", _bytes(OLE + b"\0" * 600), "old Excel workbook"),
    ("a.xls", _bytes(OLE + b"\0" * 600), "damaged"),
    ("a.xlsx", _bytes(b"PK\x03\x04" + b"\0" * 100), "damaged"),
    ("a.xlsx", lambda p: _zip(p, {"readme.txt": b"x"}), "no workbook"),
    ("a.csv", lambda p: _zip(p, {"readme.txt": b"x"}), "named .csv but is an Excel workbook"),
    ("a.xlsx", _bomb, "zip bomb"),
    ("a.xlsx", _far, "XFD1048576"),
    ("a.sav", _bytes(b"$FL2" + b"\0" * 100), "SPSS"),
    ("a.csv", _bytes(b"a,b\n\x00\x01\x02,3\n"), "zero bytes"),
    ("a.csv", _bytes(b"a,b\n\x81\x20\xff\x81,3\n"), "neither UTF-8"),
    ("a.csv", _bytes('社区,户数\n"甲,1\n乙,2\n'.encode()), "quotation mark"),
    ("a.csv", _bytes(b"1,2,3\n4,5,6\n"), "no table"),
    ("a.pdf", _bytes(b"%PDF"), "not read"),
    ("a.xlsx", lambda p: write(p, []), "no table"),
    ("a.xlsx", lambda p: write(p, [["只有一句话"]]), "no table"),
]


@pytest.mark.parametrize(("name", "make", "message"), REFUSED)
def test_refusals_are_clear(tmp_path, name, make, message):
    with pytest.raises(DataError, match=message) as caught:
        read_table(make(tmp_path / name))
    assert name in str(caught.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_table(tmp_path / "none.xlsx")


def test_damaged_files_are_refused_or_read_never_crash(tmp_path):
    whole = bytearray(write(tmp_path / "a.xlsx", [HEAD, *BODY]).read_bytes())
    rng = np.random.default_rng(1)
    for k in range(60):
        data = whole.copy()
        for at in rng.integers(0, len(data), size=1 + k % 20):
            data[at] = rng.integers(256)
        path = tmp_path / "b.xlsx"
        path.write_bytes(bytes(data[: len(data) if k % 3 else int(rng.integers(1, len(data)))]))
        try:
            assert isinstance(read_table(path), RawTable)
        except DataError as error:
            assert "b.xlsx" in str(error)


def test_a_lying_package_is_refused(tmp_path):
    path = write(tmp_path / "a.xlsx", [HEAD, *BODY])
    data = path.read_bytes()
    name = b"xl/worksheets/sheet1.xml"
    at = data.rindex(name) - 46  # its record in the central directory
    assert data[at : at + 4] == b"PK\x01\x02"
    path.write_bytes(data[: at + 24] + struct.pack("<I", 10) + data[at + 28 :])
    with pytest.raises(DataError, match="damaged"):
        read_table(path)


HEADLESS = [["翠湖社区", "城市社区", 120, 35], ["大观社区", "城市社区", 80, 20], ["合计", None, 200, 55]]


def test_a_table_without_labels_is_refused_with_advice_and_read_where_declared(tmp_path):
    path = write(tmp_path / "a.xlsx", [["2019年"], *HEADLESS])
    with pytest.raises(DataError, match=r"header: none in study\.yaml and name its columns by their letters"):
        read_table(path)
    table = read_table(path, header=False)
    assert list(table.frame.columns) == ["A", "B", "C", "D"] and table.frame["C"].tolist() == [120, 80]
    assert table.totals["C"].tolist() == [200] and table.notes == ("2019年",) and balanced(table)
    assert table.cell(0, "C") == "C2"


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        # group names without merged cells: beside the first columns' labels, or above them
        (
            [["社区", "任务", None, None, None], [None, "甲阶段", None, "乙阶段", None], [None, "数", "完成", "数", "完成"]],
            ["社区", "任务/甲阶段/数", "任务/甲阶段/完成", "任务/乙阶段/数", "任务/乙阶段/完成"],
        ),
        (
            [[None, "社会组织", None, "人员", None], ["社区", "数", "优秀", "数", "优秀"]],
            ["社区", "社会组织/数", "社会组织/优秀", "人员/数", "人员/优秀"],
        ),
    ],
)  # fmt: skip
def test_group_names_without_merged_cells(tmp_path, rows, wanted):
    body = [["甲社区", 1, 2, 3, 4], ["乙社区", 5, 6, 7, 8]]
    table = read_table(write(tmp_path / "a.xlsx", [["统计表"], *rows, *body]))
    assert list(table.frame.columns) == wanted and table.frame[wanted[4]].tolist() == [4, 8]
    assert table.notes == ("统计表",) and balanced(table)


A, B, C, D = ("甲社区", 1), ("乙社区", 2), ("丙社区", 3), ("丁社区", 4)


@pytest.mark.parametrize(
    ("head", "rows", "wanted"),
    [
        (["区县", "社区", "户数"], [("五华区", *A), (None, *B), ("盘龙区", *C), (None, *D)], "五五盘盘"),
        # a total row ends a group
        (["区县", "社区", "户数"], [("五华区", *A), (None, *B), ("小计", None, 3), (None, *C), ("盘龙区", *D)], "五五-盘"),
        # within a group of the column before
        (["区县", "街道", "社区", "户数"], [("五华区", "护国街道", *A), (None, None, *B), ("盘龙区", "拓东街道", *C), (None, None, *D)], "五五盘盘"),
        # names that come back, people and a forgotten name are no groups
        (["区县", "社区", "户数"], [("五华区", *A), (None, *B), ("五华区", *C), (None, *D)], "五-五-"),
        (["负责人", "社区", "户数"], [("张三", *A), (None, *B), ("李四", *C), (None, *D)], "张-李-"),
        (["社区", "类型", "户数"], [("甲社区", "城市", 1), (None, "城市", 2), ("丙社区", "城市", 3)], "甲-丙"),
    ],
)  # fmt: skip
def test_names_left_blank_below_the_first_row_of_their_group(tmp_path, head, rows, wanted):
    table = read_table(write(tmp_path / "a.xlsx", [head, *rows]))
    assert "".join("-" if v != v else v[0] for v in table.frame[head[0]]) == wanted and balanced(table)
    told = table.ledger[table.ledger["rule"] == "group_filled"]
    assert told["n"].sum() == table.frame.iloc[:, : len(head) - 2].notna().sum().sum() - sum(
        v is not None and v != "小计" for row in rows for v in row[: len(head) - 2]
    )


@pytest.mark.parametrize(
    ("a", "b", "values", "rules_told"),
    [
        (["2,5", "12,25"], ["1.234,5", "35%"], [2.5, 12.25], {"decimal_comma"}),
        (["0,125", "1,234"], ["x", "y"], [0.125, 1.234], {"decimal_comma"}),
        (["1,234", "2,345"], ["1", "2"], [1234, 2345], {"thousands"}),  # nothing says decimals
        (
            ["1,234", "2,345"],
            ["2,5", "3"],
            [None, None],
            {"decimal_comma", "unclear_comma"},
        ),  # it may be either
        (["2,5", "1,234"], ["1", "2"], [2.5, None], {"decimal_comma", "unclear_comma"}),
        (["1,234,567", "2"], ["2,5", "3"], [1234567, 2], {"thousands"}),  # commas part thousands here
        (["3.5", "2"], ["2,5", "3"], [3.5, 2], set()),  # points part decimals here
    ],
)
def test_decimal_commas(tmp_path, a, b, values, rules_told):
    path = write_text(tmp_path / "a.csv", [["Gebiet", "Zahl", "Köln"], *zip("xy", a, b, strict=True)],
                      encoding="cp1252", delimiter=";")  # fmt: skip
    table = read_table(path)
    assert [None if v != v else v for v in table.frame["Zahl"]] == values and balanced(table)
    told = set(table.ledger["rule"]) & {"decimal_comma", "unclear_comma", "thousands"}
    assert told == rules_told
    unclear = table.ledger[table.ledger["rule"] == "unclear_comma"]
    assert set(unclear["before"]) <= {"1,234", "2,345"} and set(unclear["severity"]) <= {"error"}


@pytest.mark.parametrize(
    ("streets", "totals", "sections"),
    [
        ([(4, 6), (12, 14)], ["护国街道", "大观街道"], ()),  # the sums of their communities
        ([(None, None), (None, None)], [], ("护国街道", "大观街道")),  # headings
    ],
)
@pytest.mark.parametrize("serial", [False, True])
def test_streets_among_their_communities(tmp_path, streets, totals, sections, serial):
    rows = [
        ["一", "护国街道", *streets[0]], [1, "甲社区", 1, 2], [2, "乙社区", 3, 4],
        ["二", "大观街道", *streets[1]], [1, "丙社区", 5, 6], [2, "丁社区", 7, 8], [None, "合计", 16, 20],
    ]  # fmt: skip
    head = ["序号", "单位名称", "户数", "人口"]
    table = read_table(write(tmp_path / "a.xlsx", [row[not serial :] for row in [head, *rows]]))
    assert table.frame["单位名称"].tolist() == ["甲社区", "乙社区", "丙社区", "丁社区"] and balanced(table)
    assert sorted(table.totals["label"]) == sorted([*totals, "合计"])
    assert [note.split()[-1] for note in table.notes] == list(sections)
    assert not set(table.ledger["rule"]) & {"total_mismatch", "total_rounding"}


def test_a_street_whose_number_is_its_own_stays(tmp_path):
    rows = [["单位", "户数", "人口"], ["护国街道", 9, 7], ["甲社区", 1, 2], ["乙社区", 3, 4]]
    assert len(read_table(write(tmp_path / "a.xlsx", rows)).frame) == 3


@pytest.mark.parametrize("label", ["编号", "序号", "No."])
def test_two_columns_of_which_one_numbers_the_rows_keep_their_rows(tmp_path, label):
    path = tmp_path / "a.csv"
    path.write_text(f"{label},重要性\nA1,3\nA2,4\n", encoding="utf-8")
    table = read_table(path)
    assert table.frame.to_numpy().tolist() == [["A1", 3.0], ["A2", 4.0]]


@pytest.mark.parametrize(
    ("text", "rows", "totals"),
    [
        ("范围,事项\n全区,助餐点\n翠湖社区,车位\n大观社区,图书馆\n", 3, 0),
        ("类型,范围,主题,事项,数量\n需求,全区,养老,助餐点,3\n需求,翠湖社区,停车,车位,20\n资源,全区,文化,图书馆,1\n", 3, 0),
        ("社区,户数,备注\n甲,10,\n乙,20,新\n全区,30,含园区\n", 2, 1),
        ("街道,社区,户数\n一街道,甲,10\n一街道,乙,20\n全区,,30\n", 2, 1),
    ],
)  # fmt: skip
def test_the_whole_as_the_reach_of_an_entry_is_no_total(tmp_path, text, rows, totals):
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    raw = read_table(tmp_path / "a.csv")
    assert (len(raw.frame), len(raw.totals)) == (rows, totals)


def test_a_sheets_unit_holds_for_all_columns_of_a_group_of_money(tmp_path):
    rows = [
        ["单位:万元"],
        ["社区", "经费", None, None, "受理(件)"],
        [None, "预算", None, "社会", None],
        [None, "财政", "自筹", None, None],
        ["甲社区", 1.2, 0.5, 0.3, 10],
        ["乙社区", 2, 1, 0, 20],
    ]
    merges = ["B2:D2", "B3:C3", "D3:D4", "A2:A4", "E2:E4"]
    frame = read_table(write(tmp_path / "a.xlsx", rows, merges)).frame
    assert frame.iloc[0, 1:].tolist() == [12000.0, 5000.0, 3000.0, 10.0]
    assert list(frame.columns)[3] == "经费/社会"


def test_a_rounded_code_is_told_as_it_stands(tmp_path):
    (tmp_path / "a.csv").write_text(
        "社区代码,户数\n530102001001,1\n5.30102E+11,2\n5.30103E+11,2\n", encoding="utf-8"
    )
    ledger = read_table(tmp_path / "a.csv").ledger
    assert "5.30102E+11" in ledger.loc[ledger["rule"] == "lossy", "before"].iloc[0]


@pytest.mark.parametrize("said", ["五十", "百分之八十", "▲5", "不清楚", "约两千", "无此项", "同上"])
def test_a_number_in_words_below_numbers_begins_no_other_table(tmp_path, said):
    rows = [["社区", "户数"], ["甲", 5], ["乙", said], ["丙", 7], ["丁", 8]]
    raw = read_table(write(tmp_path / "a.xlsx", rows))
    assert raw.frame["社区"].tolist() == ["甲", "乙", "丙", "丁"] and raw.frame["户数"].isna().sum() <= 1
