"""Raw tables -> clean tables: whatever is wrong is told with its cell, and nothing disappears unaccounted
for."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from commlab import tables
from commlab.errors import ParameterError
from commlab.intake import READERS, Register, read_table
from commlab.intake.sheets import letters

UNITS = pd.DataFrame(
    [
        ("昆明市", "city", None, "昆明市"),
        ("五华区", "district", "昆明市", "五华区"),
        ("盘龙区", "district", "昆明市", "盘龙区"),
        ("五华区/翠湖社区", "community", "五华区", "翠湖社区"),
        ("五华区/金星一社区", "community", "五华区", "金星一社区"),
        ("盘龙区/金星社区", "community", "盘龙区", "金星社区"),
    ],
    columns=["unit", "level", "parent", "name"],
)
CODES = {
    "Ⅰ-1": "治理体系",
    "Ⅰ-2": "治理水平",
    "Ⅰ-3": "治理环境",
    "Ⅱ-4.1": "社区社会组织",
    "Ⅱ-4.2": "开放设施",
}
FILE = "data/raw/2019Q4/统计/五华区.xlsx"


@dataclass(frozen=True)
class Raw:
    """A table as ``read_table`` hands it over: header in row 3, so the first row is row 4."""

    frame: pd.DataFrame
    sheet: str = "统计表"
    first: int = 4
    ledger: pd.DataFrame = field(default_factory=pd.DataFrame)

    file: str = FILE

    @property
    def rows(self) -> pd.Series:
        return pd.Series(np.arange(self.first, self.first + len(self.frame)))

    @property
    def source(self) -> pd.Series:
        row = self.rows.astype("str")
        return f"{FILE}#{self.sheet}!" + row + ":" + row

    @property
    def cells(self) -> dict[str, str]:
        return {c: letters(k) for k, c in enumerate(self.frame.columns)}


def read(reader, frame, spec, *, sheet="统计表", **more):
    more = {"period": "2019Q4", "units": UNITS, "codes": CODES, **more}
    mapped = READERS[reader](Raw(pd.DataFrame(frame), sheet), spec, **more)
    tables.validate(reader, mapped.frame)
    tables.validate("ledger", mapped.ledger)
    return mapped


def rules(mapped, severity=None):
    lines = mapped.ledger
    return set(lines["rule"] if severity is None else lines.loc[lines["severity"] == severity, "rule"])


MEASURES = {
    "level": "community",
    "unit": ["社区名称"],
    "columns": {
        "social_org_n": {"headers": ["社会组织(个)", "社区社会组织(个)"]},
        "green_violation/litter": {"headers": ["垃圾堆积(处)"]},
        "fund_budget": {"headers": ["经费投入(万元)/财政"]},
        "certified_sw_n": [
            {"headers": ["2017年末持证社工(人)"], "as_of": "2017-12-31"},
            {"headers": ["2018年末持证社工(人)"], "as_of": "2018-12-31"},
        ],
    },
}


def test_measures_become_one_row_a_fact_with_its_cell():
    mapped = read(
        "measures",
        {
            "社区名称": ["翠湖社区居委会", "金星一社区"],
            "组织/社区社会组织（个）": [12, np.nan],
            "绿地/垃圾堆积(处)": [0, 1],
            "经费投入(元)/财政": [80000.0, 10.0],
            "2017年末持证社工(人)": [1, 2],
            "2018年末持证社工(人)": [3, 4],
        },
        MEASURES,
        district="五华区",
    )
    assert len(mapped.frame) == 10 and not rules(mapped, "error") and not rules(mapped, "warning")
    got = mapped.frame.set_index(["unit", "metric", "as_of"]).sort_index()
    org = got.loc[("五华区/翠湖社区", "social_org_n", pd.Timestamp("2019-12-31"))]
    assert org["value"] == 12 and org["source"] == f"{FILE}#统计表!B4" and org["state"] == "observed"
    missing = got.loc[("五华区/金星一社区", "social_org_n", pd.Timestamp("2019-12-31"))]
    assert np.isnan(missing["value"]) and missing["state"] == "missing"
    litter = got.loc[("五华区/翠湖社区", "green_violation", pd.Timestamp("2019-12-31"))]
    assert litter["item"] == "litter" and litter["value"] == 0 and litter["state"] == "observed"
    assert got.loc[("五华区/翠湖社区", "certified_sw_n", pd.Timestamp("2018-12-31")), "value"] == 3


@pytest.mark.parametrize(
    ("cell", "rule", "value"),
    [
        ("十二", "letters for a number", None),
        ("不适用", None, None),
        ("是", None, 1.0),
        ("1/4", None, 0.25),
        (" 7 ", None, 7.0),
    ],
)
def test_measures_odd_cells(cell, rule, value):
    mapped = read("measures", {"社区名称": ["翠湖社区", "金星一社区"], "社会组织(个)": [cell, 3]},
                  {**MEASURES, "columns": {"social_org_n": ["社会组织(个)"]}}, district="五华区")  # fmt: skip
    row = mapped.frame.iloc[0]
    assert (rules(mapped, "error") == ({rule} if rule else set())) and len(mapped.frame) == 2
    assert pd.isna(row["value"]) if value is None else row["value"] == value
    if rule:
        line = mapped.ledger[mapped.ledger["rule"] == rule].iloc[0]
        assert FILE in line["message"] and "[统计表] B4" in line["message"] and line["first_cells"] == "B4"
        assert row["state"] == "missing"
    if cell == "不适用":
        assert row["state"] == "not_applicable"


def test_measures_unknown_unit_column_and_repeated_unit_are_told():
    mapped = read(
        "measures",
        {
            "社区名称": ["翠湖社区", "不存在社区", "翠湖 社区", "翠湖居委会"],
            "社会组织(个)": [1, 2, 1, 5],
            "备注": ["a", None, "b", "c"],
        },
        {**MEASURES, "columns": {"social_org_n": ["社会组织(个)"], "party_org_n": ["党组织(个)"]}},
        district="五华区",
    )
    # two rows say 1 and one says 5: nothing is believed
    assert mapped.frame["state"].tolist() == ["missing"] and mapped.frame["value"].isna().all()
    assert rules(mapped, "error") == {"unknown unit", "contradicting row"}
    assert rules(mapped, "warning") == {"missing column", "unknown column", "repeated row"}
    assert mapped.unmatched["found"].tolist() == ["不存在社区"]
    line = mapped.ledger[mapped.ledger["rule"] == "contradicting row"].iloc[0]
    assert line["first_cells"] == "B4, B7" and "rows 4 and 7" in line["message"]
    # conservation: 4 rows = 1 kept + 1 unknown + 1 repeated + 1 contradicting
    assert mapped.ledger.loc[mapped.ledger["action"] == "rejected", "n"].sum() == 3


def test_measures_of_a_district_file_need_no_unit_column():
    spec = {"level": "district", "unit": ["单位"], "columns": {"demo_n": ["示范(个)"]}}
    mapped = read("measures", {"单位": ["五华区", "盘龙"], "示范(个)": [2, 3]}, spec)
    assert mapped.frame["unit"].tolist() == ["五华区", "盘龙区"]
    alone = read(
        "measures",
        {"示范(个)": [2]},
        {"level": "district", "columns": {"demo_n": ["示范(个)"]}},
        district="五华区",
    )
    assert alone.frame["unit"].tolist() == ["五华区"]


ACROSS = {
    "stage": "expert",
    "units_across": True,
    "columns": {"code": ["标准编号"], "method": ["考评方式"]},
    "ignore": ["考评标准"],
}


def test_ratings_with_units_across():
    frame = {
        "标准编号": ["Ⅱ-4.1", "II-4.2"],
        "考评标准": ["a", "b"],
        "考评方式": ["实地考评", "实地考评+材料审核"],
        "五华区/翠湖社区": [88, np.nan],
        "盘龙区/金星社区": ["优", 101],
    }
    mapped = read("ratings", frame, ACROSS, given={"expert": "专家01"}, sheet="评分表")
    assert len(mapped.frame) == 4
    assert set(mapped.frame["unit"]) == {"五华区/翠湖社区", "盘龙区/金星社区"}
    assert mapped.frame["rater"].unique().tolist() == ["专家01"]
    assert mapped.frame["method"].tolist()[:2] == ["field", "field+documents"]
    assert mapped.frame["score"].notna().sum() == 1
    assert rules(mapped, "error") == {"letters for a number", "out of range"}
    assert "E5" in mapped.ledger.loc[mapped.ledger["rule"] == "out of range", "first_cells"].iloc[0]


def test_ratings_self_and_district_raters():
    spec = {**ACROSS, "stage": "self"}
    frame = {"标准编号": ["Ⅱ-4.1"], "翠湖社区": [90], "金星一": [80], "合计分": [170]}
    mapped = read("ratings", frame, spec, district="五华区")
    assert mapped.frame["rater"].tolist() == mapped.frame["unit"].tolist()
    assert "unknown unit" in rules(mapped, "error")
    mapped = read(
        "ratings",
        {k: v for k, v in frame.items() if k != "合计分"},
        {**spec, "stage": "district"},
        district="五华区",
    )
    assert set(mapped.frame["rater"]) == {"五华区"} and not rules(mapped, "error")


def test_ratings_long_with_a_column_a_stage():
    spec = {
        "unit": ["社区"],
        "district": ["区"],
        "columns": {
            "code": ["标准"],
            "self": ["自评"],
            "district": ["初评"],
            "expert": ["专家评"],
            "rater": ["专家"],
        },
    }
    frame = {
        "区": ["五华区"],
        "社区": ["翠湖社区"],
        "标准": ["Ⅱ-4.1 社区社会组织"],
        "自评": [90],
        "初评": [85],
        "专家评": [80],
        "专家": ["专家02"],
    }
    mapped = read("ratings", frame, spec)
    assert mapped.frame["stage"].tolist() == ["self", "district", "expert"]
    assert mapped.frame["code"].unique().tolist() == ["Ⅱ-4.1"]


def test_ratings_of_an_expert_need_the_expert():
    with pytest.raises(ParameterError, match="expert"):
        read("ratings", {"标准编号": ["Ⅱ-4.1"], "翠湖社区": [90]}, ACROSS, district="五华区")


def matrix(cells):
    codes = ["Ⅰ-1", "Ⅰ-2", "Ⅰ-3"]
    return {"total": codes} | {c: [row[k] for row in cells] for k, c in enumerate(codes)}


def judge(cells, **more):
    return read("judgments", matrix(cells), {}, sheet="total", given={"expert": "专家01"}, **more)


@pytest.mark.parametrize(
    "cells",
    [
        [[1, 3, 5], ["1/3", 1, 2], ["1/5", "1/2", 1]],
        [[1, 3, 5], [0.33, 1, 2], [0.2, 0.5, 1]],
        [[1, 3, 5], [None, 1, 2], [None, None, 1]],
        [[None, 3, 5], [None, None, None], [None, 0.5, None]],
    ],
)
def test_judgments_full_rounded_and_triangular_matrices_say_the_same(cells):
    mapped = judge(cells)
    got = {(r, c): v for r, c, v in mapped.frame[["row", "column", "value"]].itertuples(index=False)}
    assert len(got) == 3 and not rules(mapped, "error")
    for (row, column), value in {("Ⅰ-1", "Ⅰ-2"): 3, ("Ⅰ-1", "Ⅰ-3"): 5, ("Ⅰ-2", "Ⅰ-3"): 2}.items():
        assert got.get((row, column), 1 / got.get((column, row), np.inf)) == pytest.approx(value, rel=0.02)
    assert mapped.frame["node"].unique().tolist() == ["total"]


def test_judgments_that_contradict_are_not_judged_and_told():
    mapped = judge([[1, 3, "很多"], [2, 1, 12], ["1/5", "", 1]])
    value = mapped.frame.set_index(["row", "column"])["value"]
    assert np.isnan(value["Ⅰ-1", "Ⅰ-2"]) and value["Ⅰ-3", "Ⅰ-1"] == 0.2 and value["Ⅰ-2", "Ⅰ-3"] == 12
    assert rules(mapped, "error") == {
        "not reciprocal",
        "letters for a number",
    } and "beyond the scale" in rules(mapped)


def test_judgments_as_pairs():
    spec = {
        "node": "total",
        "columns": {"row": ["甲"], "column": ["乙"], "value": ["倍数"], "expert": ["专家"]},
    }
    mapped = read(
        "judgments",
        {"甲": ["Ⅰ-1", "Ⅰ-9"], "乙": ["Ⅰ-2", "Ⅰ-3"], "倍数": ["1/3", 2], "专家": ["a", "a"]},
        spec,
    )
    assert mapped.frame["value"].tolist() == [pytest.approx(1 / 3)] and rules(mapped, "error") == {
        "unknown code"
    }


def test_opinions():
    spec = {
        "round": 1,
        "columns": {
            "expert": ["专家"],
            "code": ["标准编号"],
            "importance": ["重要性(1-5)"],
            "familiarity": ["熟悉程度"],
            "basis": ["判断依据"],
        },
        "values": {"很熟悉": 1.0},
        "ignore": ["考评标准"],
    }
    frame = {
        "专家": ["专家01"] * 2,
        "标准编号": ["Ⅱ-4.1", "Ⅱ-4.2"],
        "考评标准": ["x", "y"],
        "重要性(1-5)": [5, None],
        "熟悉程度": ["很熟悉", 0.8],
        "判断依据": [1.0, 7],
    }
    mapped = read("opinions", frame, spec)
    assert mapped.frame["round"].tolist() == [1, 1] and mapped.frame["familiarity"].tolist() == [1.0, 0.8]
    assert rules(mapped, "error") == {"out of range"} and np.isnan(mapped.frame["importance"].iloc[1])
    named = READERS["opinions"](Raw(pd.DataFrame(frame)), {k: v for k, v in spec.items() if k != "round"},
                                period="2019Q4", units=UNITS, given={"round": "第二轮"})  # fmt: skip
    assert named.frame["round"].tolist() == [2, 2]
    told = {**spec, "full_score": 4, "columns": {**spec["columns"], "proposal": ["修改意见"]}}
    mapped = read("opinions", {**frame, "修改意见": ["并入上一条，电话13812345678", None]}, told)
    assert mapped.frame["full_score"].tolist() == [4, 4] and np.isnan(mapped.frame["importance"].iloc[0])
    assert (
        "13812345678" not in mapped.frame["proposal"].iloc[0]
        and "并入上一条" in mapped.frame["proposal"].iloc[0]
    )
    with pytest.raises(ParameterError, match="highest importance"):
        read("opinions", frame, {**spec, "full_score": "五分"})


PROBLEMS = {
    "level": "community",
    "unit": ["社区名称"],
    "columns": {
        "problem": ["问题编号"],
        "code": ["标准编号"],
        "found": ["发现日期"],
        "due": ["整改期限"],
        "closed": ["办结日期"],
        "responsible": ["责任单位"],
    },
    "ignore": ["问题描述"],
}


def test_problems_become_events():
    frame = {
        "问题编号": ["A-1", "A-2", None],
        "社区名称": ["翠湖社区", "金星一社区", "翠湖社区"],
        "标准编号": ["Ⅱ-4.1", "Ⅱ-9.9", "Ⅱ-4.1"],
        "问题描述": ["王大爷反映", "b", "c"],
        "发现日期": [pd.Timestamp("2019-10-08"), pd.Timestamp("2019-10-09"), pd.Timestamp("2019-10-10")],
        "整改期限": ["2019年10月20日", "2019/11/1", "2019.11.2"],
        "办结日期": [None, "尽快", None],
        "责任单位": ["城管局", "张三 13912345678", "城管局"],
    }
    mapped = read("problems", frame, PROBLEMS, district="五华区")
    assert mapped.frame.groupby("event").size().to_dict() == {"due": 2, "found": 2}
    assert rules(mapped, "error") == {"unknown code", "unreadable date", "row without key"}
    assert not mapped.frame["responsible"].str.contains("1391").any()
    assert mapped.frame["on"].max() == pd.Timestamp("2019-11-01")


def test_mutual_and_lists():
    spec = {
        "rater_level": "district",
        "rated_level": "community",
        "columns": {"rater": ["评价方"], "rated": ["被评价方"]},
        "aspects": {"履职": ["履职情况"]},
    }
    mapped = read("mutual", {"评价方": ["五华区"], "被评价方": ["翠湖社区"], "履职情况": [93]}, spec)
    assert mapped.frame.loc[0, ["rater_level", "rated_level", "aspect", "score"]].tolist() == [
        "district",
        "community",
        "履职",
        93,
    ]
    spec = {"list": "need", "columns": {"topic": ["类别"], "item": ["内容"]}}
    mapped = read("lists", {"类别": ["养老"], "内容": ["社区食堂,找李强女士13912345678"]}, spec)
    assert mapped.frame["scope"].tolist() == ["common"] and "139" not in mapped.frame["item"].iloc[0]


EMPTY = [
    ("measures", MEASURES, {"社区名称": [], "社会组织(个)": []}),
    ("ratings", ACROSS, {"标准编号": [], "翠湖社区": []}),
    ("judgments", {"expert": "a"}, {"total": [], "Ⅰ-1": []}),
    (
        "opinions",
        {"round": 1, "expert": "a", "columns": {"code": ["标准编号"], "importance": ["重要性"]}},
        {"标准编号": [], "重要性": []},
    ),
    ("problems", PROBLEMS, {"问题编号": [], "社区名称": [], "发现日期": []}),
]


@pytest.mark.parametrize(("reader", "spec", "frame"), EMPTY, ids=[e[0] for e in EMPTY])
def test_a_table_without_rows_gives_a_table_without_rows(reader, spec, frame):
    mapped = read(reader, frame, spec, district="五华区", given={"expert": "a"})
    assert mapped.frame.empty


HOSTILE = [
    "=1+1",
    "<script>",
    "'; drop",
    "\x00",
    "🙂" * 50,
    "‹removed›",
    "１２３４",
    "inf",
    "nan",
    "-",
    "1e400",
    "1/0",
]


@given(
    names=st.lists(st.sampled_from([*UNITS["name"], *HOSTILE, None]), min_size=1, max_size=8),
    cells=st.lists(
        st.one_of(st.floats(), st.integers(-(10**20), 10**20), st.sampled_from(HOSTILE), st.none()),
        min_size=8,
        max_size=8,
    ),
)
@settings(deadline=None, max_examples=40)
def test_no_cell_breaks_a_reader_and_every_row_is_accounted_for(names, cells):
    frame = pd.DataFrame(
        {
            "社区名称": pd.Series(names, dtype="object"),
            "社会组织(个)": pd.Series(cells[: len(names)], dtype="object"),
        }
    )
    spec = {**MEASURES, "columns": {"social_org_n": ["社会组织(个)"]}}
    mapped = read("measures", frame, spec, units=BOOK, district="五华区")
    lost = mapped.ledger[
        mapped.ledger["rule"].isin(["unknown unit", "repeated row", "contradicting row", "row without unit"])
    ]
    assert len(mapped.frame) + lost["n"].sum() == len(frame) - frame.isna().all(axis=1).sum()
    assert np.isfinite(mapped.frame["value"].dropna()).all()


BOOK = Register(UNITS)


def workbook(path, rows, sheet):
    book = xlsxwriter.Workbook(str(path))
    page = book.add_worksheet(sheet)
    for r, row in enumerate(rows):
        for c, cell in enumerate(row):
            if cell is not None:
                page.write(r, c, cell)
    book.close()
    return path


@pytest.mark.parametrize("letters_in", [1, 3, 5])
def test_letters_for_scores_are_errors_however_many_they_are(tmp_path, letters_in):
    rows = [["五华区试点社区自评表"], ["标准编号", "考评标准", "翠湖社区", "金星一社区"]]
    rows += [
        ["Ⅱ-4.1", "a", "优" if letters_in > 0 else 80, 90],
        ["Ⅱ-4.2", "b", "良" if letters_in > 1 else 81, 91],
    ]
    rows += [
        [code, "c", "优" if letters_in > k else 70 + k, 92] for k, code in enumerate(["Ⅰ-1", "Ⅰ-2", "Ⅰ-3"], 2)
    ]
    raw = read_table(workbook(tmp_path / "五华区.xlsx", rows, "评分表"), name="评分表/五华区.xlsx")
    mapped = READERS["ratings"](
        raw, {**ACROSS, "stage": "self"}, period="2019Q4", units=UNITS, codes=CODES, district="五华区"
    )
    errors = mapped.ledger[mapped.ledger["severity"] == "error"]
    assert set(errors["rule"]) == {"letters for a number"} and errors["n"].sum() == letters_in
    assert (
        errors["message"].iloc[0].startswith("评分表/五华区.xlsx [评分表] C3: score of 五华区/翠湖社区: “优”")
    )
    assert mapped.frame["score"].isna().sum() == letters_in and len(mapped.frame) == 10


def test_cells_of_tables_that_stand_side_by_side(tmp_path):
    rows = [
        ["社区名称", "社区社会组织(个)", "社区名称", "社区社会组织(个)"],
        ["翠湖社区", 3, "金星一社区", 4],
    ]
    raw = read_table(workbook(tmp_path / "a.xlsx", rows, "表"), name="a.xlsx")
    spec = {"level": "community", "unit": ["社区名称"], "columns": {"social_org_n": ["社区社会组织(个)"]}}
    mapped = READERS["measures"](raw, spec, period="2019Q4", units=UNITS, district="五华区")
    assert mapped.frame["source"].tolist() == ["a.xlsx#表!B2", "a.xlsx#表!D2"]
    assert mapped.frame["value"].tolist() == [3, 4] and mapped.ledger.empty


def test_matrices_with_fractions_as_offices_type_them(tmp_path):
    rows = [["total", "Ⅰ-1", "Ⅰ-2", "Ⅰ-3"], ["Ⅰ-1", 1, 3, "1/5"], ["Ⅰ-2", "1/3", 1, "1/2"], ["Ⅰ-3", 5, 2, 1]]
    raw = read_table(workbook(tmp_path / "a.xlsx", rows, "total"), name="a.xlsx")
    mapped = READERS["judgments"](
        raw, {}, period="2019Q4", units=UNITS, codes=CODES, given={"expert": "专家01"}
    )
    assert mapped.frame[["row", "column", "value"]].values.tolist() == [
        ["Ⅰ-1", "Ⅰ-2", 3],
        ["Ⅰ-3", "Ⅰ-1", 5],
        ["Ⅰ-3", "Ⅰ-2", 2],
    ]
    assert mapped.frame["node"].unique().tolist() == ["total"] and mapped.ledger.empty


# ------------------------------------------------------------------------- order, doubles, sums, types, accounts
@given(st.permutations(range(5)))
@settings(deadline=None, max_examples=20)
def test_the_order_of_rows_does_not_matter(order):
    """Doubles that agree, contradict and fill each other's blanks: the same facts from every order."""
    names = ["翠湖社区", "翠湖社区居委会", "金星一社区", "金星一", "翠湖"]
    one, two = [1, 1, 7, None, None], [4, None, 8, 9, 4]
    frame = pd.DataFrame({"社区名称": names, "社会组织(个)": one, "垃圾堆积(处)": two}).iloc[list(order)]
    spec = {
        **MEASURES,
        "columns": {k: MEASURES["columns"][k] for k in ("social_org_n", "green_violation/litter")},
    }
    mapped = read("measures", frame.reset_index(drop=True), spec, district="五华区")
    values = mapped.frame.set_index(["unit", "metric"])["value"]
    assert values["五华区/翠湖社区"].to_dict() == {"social_org_n": 1, "green_violation": 4}
    assert values["五华区/金星一社区", "social_org_n"] == 7 and np.isnan(
        values["五华区/金星一社区", "green_violation"]
    )
    assert mapped.ledger.loc[mapped.ledger["action"] == "rejected", "n"].sum() == 3
    assert "contradicting row" in rules(mapped, "error")
    for source, value in mapped.frame[["source", "value"]].dropna().itertuples(index=False):
        cell = source.rpartition("!")[2]
        assert frame.iloc[int(cell[1:]) - 4, ord(cell[0]) - ord("A")] == value


def test_one_rating_said_twice_in_two_ways_is_missing():
    frame = {
        "社区": ["翠湖社区", "翠湖", "金星一社区", "金星一"],
        "标准": ["Ⅱ-4.1"] * 4,
        "得分": [80, 90, 70, None],
    }
    spec = {"stage": "self", "columns": {"unit": ["社区"], "code": ["标准"], "score": ["得分"]}}
    mapped = read("ratings", frame, spec, district="五华区")
    assert mapped.frame.set_index("unit")["score"].fillna(-1).to_dict() == {
        "五华区/翠湖社区": -1,
        "五华区/金星一社区": 70,
    }
    assert rules(mapped) == {"contradicting row", "repeated row"}


@pytest.mark.parametrize(
    ("total", "lines"),
    [
        ([6, 9, 12, 15], []),
        ([6, 9, 12, 16], [("row sum", "error", "E7, C7, D7, B7", "16", "15")]),
        ([7, 9, 12, 16], []),  # in half of the rows it is no sum of theirs
    ],
)
def test_sums_across_a_row_are_found_and_checked(total, lines):
    frame = {"社区名称": ["翠湖社区", "金星一社区", "其一", "其二"], "经费/财政(元)": [1, 2, 3, 4], "经费/社会(元)": [2, 3, 4, 5],
             "经费/自筹(元)": [3, 4, 5, 6], "经费/合计(元)": total}  # fmt: skip
    spec = {
        "level": "community",
        "unit": ["社区名称"],
        "columns": {"fund_budget": ["财政(元)"]},
        "ignore": ["社会(元)", "自筹(元)"],
    }
    mapped = read("measures", frame, spec, district="五华区")
    found = mapped.ledger[mapped.ledger["rule"].str.startswith("row sum")]
    got = found[["rule", "severity", "first_cells", "before", "after"]].values.tolist()
    assert [tuple(g) for g in got] == [
        (r, s, c.replace("E7, C7, D7, B7", "E7, D7, C7, B7"), b, a) for r, s, c, b, a in lines
    ]
    assert ("sum column" in rules(mapped)) == (total[0] == 6)


def test_declared_sums_are_checked_in_every_row_and_rounding_is_told_apart():
    frame = {
        "社区名称": ["翠湖社区", "金星一社区"],
        "甲(元)": [1.25, 2.0],
        "乙(元)": [1.5, 2.0],
        "总额(元)": [2.76, 9.0],
    }
    columns = {
        "fund_budget": ["甲(元)"],
        "fund_social": ["乙(元)"],
        "fund_self": {"headers": ["总额(元)"], "sum_of": ["fund_budget", "fund_social"]},
    }
    mapped = read("measures", frame, {**MEASURES, "columns": columns}, district="五华区")
    got = mapped.ledger[mapped.ledger["rule"].str.startswith("row sum")]
    assert got[["rule", "severity", "before", "after"]].values.tolist() == [
        ["row sum rounded", "rounding", "2.76", "2.75"], ["row sum", "error", "9", "4"],
    ]  # fmt: skip


def test_a_type_that_is_not_the_register_s_is_told():
    units = UNITS.assign(type=["", "", "", "urban", "converted", "urban"])
    frame = {"社区名称": ["翠湖社区", "金星一社区"], "社区类型": ["村改居", "村改居"], "社会组织(个)": [1, 2]}
    spec = {**MEASURES, "columns": {"social_org_n": ["社会组织(个)"]}, "type": ["社区类型"]}
    mapped = read("measures", frame, spec, units=units, district="五华区")
    line = mapped.ledger[mapped.ledger["rule"] == "type of unit"].iloc[0]
    assert rules(mapped) == {"type of unit"} and (line["before"], line["after"], line["first_cells"]) == (
        "村改居",
        "城市社区",
        "B4",
    )


@pytest.mark.parametrize(
    ("reader", "spec", "frame", "left"),
    [
        ("problems", {"columns": {"problem": ["编号"], "unit": ["社区"], "found": ["发现"]}},
         {"编号": ["1", "2"], "社区": ["翠湖社区", "翠湖社区"], "发现": ["2019-10-01", None]}, ["5:5"]),
        ("ratings", {"stage": "self", "columns": {"unit": ["社区"], "code": ["标准"], "score": ["得分"]}},
         {"社区": ["翠湖社区", "翠湖社区"], "标准": ["Ⅱ-4.1", None], "得分": [1, 2]}, ["5:5"]),
        ("measures", {"level": "community", "unit": ["没有"], "columns": {"social_org_n": ["社会组织(个)"]}},
         {"社区": ["翠湖社区", "金星一社区"], "社会组织(个)": [1, 2]}, ["4:4", "5:5"]),
    ],
)  # fmt: skip
def test_no_row_goes_without_a_word(reader, spec, frame, left):
    mapped = read(reader, frame, spec, district="五华区")
    line = mapped.ledger[mapped.ledger["rule"] == "incomplete row"].iloc[0]
    assert line["first_cells"] == ", ".join(left) and line["n"] == len(left) and line["severity"] == "error"


def test_a_name_declared_no_unit_is_left_out_with_a_note_and_never_asked():
    book = Register(UNITS, pd.DataFrame({"alias": ["其他"], "unit": [None]}))
    spec = {**MEASURES, "columns": {"social_org_n": ["社会组织(个)"]}}
    mapped = read(
        "measures",
        {"社区名称": ["翠湖社区", "其他"], "社会组织(个)": [1, 2]},
        spec,
        units=book,
        district="五华区",
    )
    line = mapped.ledger.iloc[0]
    assert (line["rule"], line["severity"], line["action"], line["n"]) == (
        "declared no unit",
        "note",
        "rejected",
        1,
    )
    assert mapped.unmatched.empty and len(mapped.frame) == 1
    across = read(
        "ratings",
        {"标准编号": ["Ⅱ-4.1"], "翠湖社区": [80], "其他": [70]},
        {**ACROSS, "stage": "self"},
        units=book,
        district="五华区",
    )
    assert across.unmatched.empty and "declared no unit" in rules(across, "note") and len(across.frame) == 1


def test_a_matrix_whose_sheet_names_its_node_keeps_it_whatever_sliders_are_told() -> None:
    """``nodes: {code: [codes below it]}`` is for sliders; a sheet called by a code is that code."""
    from commlab.intake.expert import _node

    class Sheeted:
        spec: ClassVar = {"nodes": {"Ⅰ-1": ["Ⅱ-1", "Ⅱ-2"], "total": ["Ⅰ-1", "Ⅰ-2"], "治理表": "Ⅰ-2"}}
        sheet = "Ⅰ-1"
        context = SimpleNamespace(codes={"Ⅰ-1": "治理体系"})

        def code(self, text: str) -> str | None:
            return text if text in self.context.codes else None

    assert _node(Sheeted(), corner="", elements=["Ⅱ-1", "Ⅱ-2"]) == "Ⅰ-1"
    Sheeted.sheet = "总目标"
    assert _node(Sheeted(), corner="总目标", elements=["Ⅰ-1"]) == "total"
    Sheeted.sheet = "治理表"
    assert _node(Sheeted(), corner="", elements=[]) == "Ⅰ-2"
