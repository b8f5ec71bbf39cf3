"""Every road by which an identifier could pass intake: what is written of a study holds none of those planted in its files."""

from __future__ import annotations

import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from commlab.cli.init import init_study
from commlab.errors import StudyError
from commlab.intake.ledger import Pad, quoted
from commlab.study import open_study

MORE = """
- name: problems
  label: {zh: 台账, en: problems}
  files: "台账/{district}.xlsx"
  each: district
  required: false
  level: community
  reader: problems
  columns: {problem: [编号], unit: [社区], origin: [来源], responsible: [责任单位], by: [登记人], found: [发现日期]}
- name: needs
  label: {zh: 清单, en: lists}
  files: "清单/*"
  each: many
  required: false
  level: community
  reader: lists
  columns: {list: [类别], scope: [范围], topic: [主题], item: [内容]}
- name: hotline
  label: {zh: 热线, en: hotline}
  files: "热线/*"
  each: many
  required: false
  level: community
  reader: records
  list: hotline
  unit: [社区]
  columns: {"on": [日期], category: [分类], text: [诉求]}
"""
COUNTS = [
    "社区名称",
    "常住户数(户)",
    "社区社会组织(个)",
    "议事协商会(次)",
    "矛盾纠纷受理(件)",
    "矛盾纠纷化解(件)",
]
ASKED = ["您所在的县(市、区)", "您的性别", "您的年龄", "您对社区治理的总体评价"]
NAMES = ("李秀英", "王建华", "赵玉芬", "3栋2单元501")


class Planted:
    """A study whose files hold a telephone of its own in every place a person can write in."""

    def __init__(self, root: Path) -> None:
        init_study(root, period="2026Q4")
        plan = root / "study.yaml"
        plan.write_text(plan.read_text(encoding="utf-8") + MORE, encoding="utf-8")
        self.root, self.raw = root, root / "data/raw/2026Q4"
        self.places: dict[str, str] = {}

    def __call__(self, place: str) -> str:
        number = f"139{71000000 + 137 * len(self.places):08d}"
        self.places[number] = place
        return number

    def save(self, name: str, rows: list[list[object]], sheet: str = "表") -> None:
        path = self.raw / name
        path.parent.mkdir(parents=True, exist_ok=True)
        book = openpyxl.Workbook()
        book.active.title = sheet
        for row in rows:
            book.active.append(row)
        book.save(path)

    def written(self) -> dict[str, str]:
        """Everything that was written, file by file."""
        texts = {}
        for path in (p for p in self.root.rglob("*") if p.is_file() and self.raw not in p.parents):
            if path.suffix == ".parquet":
                texts[path.name] = pd.read_parquet(path).to_csv(float_format="%.0f")
            elif path.suffix == ".xlsx":
                with zipfile.ZipFile(path) as book:
                    texts[path.name] = "".join(book.read(n).decode("utf-8") for n in book.namelist())
            else:
                texts[path.name] = path.read_bytes().decode("utf-8", "replace")  # kept frames are bytes
        return texts


@pytest.fixture
def planted(tmp_path: Path) -> Planted:
    return Planted(tmp_path / "study")


def test_no_road_leads_an_identifier_past_intake(planted: Planted) -> None:
    p = planted
    p.save(
        "社区统计/东区.xlsx",
        [
            ["统计表 联系" + p("title")],
            ["填报人：李秀英 " + p("fill-in line")],
            [*COUNTS, "联系人" + p("header"), "联系电话"],
            ["和平社区", 1200, 12, 3, 5, p("text among counts"), "x", p("column of telephones")],
            [
                "东风社区",
                "打" + p("letters for a number"),
                "约" + p("about"),
                "无",
                5,
                4,
                "",
                int(p("number")),
            ],
            ["和平社區" + p("unit"), 1000, 10, 2, 4, 4],
            ["新华社区", 1000, 10, int(p("count")), 5, 4],
            ["合计" + p("label of the total"), 3200, 32, 7, 14, int(p("total"))],
            ["注：有疑问打" + p("note")],
        ],
        sheet="统计" + p("sheet"),
    )
    answers: list[list[object]] = [["东区", "男", "25-34岁", "满意", "李秀英", p(f"row {k}"), "请打" + p(f"text {k}"), k]
                                   for k in range(20)]  # fmt: skip
    answers[3][3], answers[4][0], answers[5][1] = "满意" + p("option"), "东区" + p("district"), p("sex")
    p.save(
        "居民问卷/a.xlsx",
        [[*ASKED, "姓名", "手机号码", "您的意见和建议", "其他" + p("question")], *answers],
        sheet="卷" + p("sheet of answers"),
    )
    p.save(
        "台账/东区.xlsx",
        [
            ["编号", "社区", "来源", "责任单位", "登记人", "发现日期", "描述" + p("header of the list")],
            ["P1", "和平社区", "群众" + p("origin"), "物业" + p("responsible"), "王建华", "2026-10-08", "李秀英家3栋2单元501"],
            ["P2", "东风社区", "热线", "街道", p("by"), "2026-10-08", ""],
            ["P3 " + p("key"), "东风社区", "热线", "街道", "赵玉芬", "2026-10-09", ""],
            ["P4", "新华社区" + p("unit of the list"), "热线", "街道", "", "十月" + p("date"), ""],
        ],
    )  # fmt: skip
    p.save(
        "清单/a.xlsx",
        [
            ["类别", "范围", "主题", "内容"],
            ["需求", "东区" + p("scope"), "养老" + p("topic"), "李秀英" + p("item")],
        ],
    )
    p.save(
        "热线/a.xlsx",
        [
            ["日期", "社区", "分类", "诉求"],
            ["2026-10-08", "和平社区", "噪声" + p("category"), "3栋2单元501李秀英 " + p("complaint")],
        ],
    )
    (p.raw / "热线/坏.xlsx").write_text("no workbook " + p("content"), encoding="utf-8")
    open_study(p.root).check()
    texts = p.written()
    assert {
        "measures.parquet",
        "responses.parquet",
        "problems.parquet",
        "lists.parquet",
        "records.parquet",
    } <= set(texts)
    assert len(p.places) > 60
    secrets = p.places | {name: name for name in NAMES}
    assert {secrets[s]: name for name, text in texts.items() for s in secrets if s in text} == {}


def test_a_file_named_after_a_person_s_number_is_refused(planted: Planted) -> None:
    planted.save("居民问卷/张三13912345678.xlsx", [ASKED])
    with pytest.raises(StudyError, match="rename the file") as told:
        open_study(planted.root).check()
    assert "13912345678" not in str(told.value)
    assert not any("13912345678" in text for text in planted.written().values())


def test_lines_of_the_ledger_quote_no_identifier_and_keep_their_own_numbers() -> None:
    pad = Pad(file="a.xlsx", sheet="联系13912345678", table="measures")
    pad.add("x", "“打13912345678” stands in B3:B20; the mean is 11.971429 of 12345678", column="电话13912345678",
            before="3栋2单元501", after="0.3333333333333333", cells=["B3"])  # fmt: skip
    line = pad.frame().iloc[0]
    assert "1391234" not in line.to_json(force_ascii=False)
    assert line["before"] == "‹removed›" and line["after"] == "0.3333333333333333"
    assert line["message"] == "“打‹removed›” stands in B3:B20; the mean is 11.971429 of 12345678"
    for name in (
        "专家评分/王老师.xlsx",
        "微信图片_20191008123456.xlsx",
        "19人_20191008.xlsx",
        "2019100812345678.csv",
    ):
        assert quoted(name, name=True) == name
