"""Write the sample files of the Changning template: the same seed gives the same bytes.

Usage: python tools/templates/changning.py

Twelve invented residents' committees (named after trees and flowers) with 59 invented estates over two half-years: a
workbook of estates from the housing office, a report of each committee, field ratings, residents' answers, a register of
residents' requests, common and own lists, a book of strategies, the weights of three experts, and the ten ones. Every value
is fabricated; nothing is about a real estate or committee.
"""

from __future__ import annotations

import csv
import hashlib
import random
from datetime import date, datetime, timedelta
from pathlib import Path

import openpyxl

ROOT = Path(__file__).resolve().parents[2] / "commlab/templates/changning"
SEED = 20190630
CITY = "长宁区"
PERIODS = ("2019H1", "2019H2")
TYPES = {
    "resold": "售后公房",
    "commodity": "普通商品房",
    "foreign": "涉外商品房",
    "garden": "老洋房",
    "relocation": "动迁安置房",
}
ENDINGS = {
    "resold": ["一村", "二村", "三村", "四村", "五村", "六村"],
    "commodity": ["花苑", "名邸", "雅居", "公寓", "新苑"],
    "foreign": ["国际花园", "国际公寓", "环球苑"],
    "garden": ["坊", "别墅", "里", "新邨"],
    "relocation": ["佳苑", "安居苑", "和苑"],
}
COMMITTEES: dict[str, dict[str, int]] = {
    "梧桐": {"resold": 5, "commodity": 1},
    "银杏": {"resold": 4, "commodity": 1},
    "海棠": {"resold": 4, "garden": 1},
    "香樟": {"resold": 4, "relocation": 1},
    "玉兰": {"commodity": 4, "resold": 1},
    "丁香": {"commodity": 4, "foreign": 1},
    "紫藤": {"commodity": 4},
    "合欢": {"foreign": 3, "commodity": 2},
    "桂花": {"foreign": 3, "commodity": 1},
    "石榴": {"garden": 4, "resold": 1},
    "芙蓉": {"relocation": 3, "commodity": 1},
    "茉莉": {"relocation": 3, "resold": 2},
}
"""Committee -> its estates by kind; the first kind leads."""
REQUESTS = {
    "resold": {"加装电梯": 6, "外墙渗漏维修": 5, "停车位不足": 5, "日间照料": 4, "楼道堆物": 2},
    "commodity": {"停车位不足": 6, "业委会换届": 5, "儿童活动场地": 4, "物业服务质量": 5, "宠物管理": 2},
    "foreign": {"双语服务": 5, "文化融合活动": 4, "物业服务质量": 3, "儿童活动场地": 2, "涉外法律咨询": 3},
    "garden": {"煤卫独用改造": 6, "历史建筑修缮": 6, "白蚁防治": 4, "日间照料": 3, "群租整治": 2},
    "relocation": {"就业帮扶": 5, "物业费收缴": 5, "楼道堆物": 4, "外来人员登记": 3, "停车位不足": 3},
}
TOPICS = {
    "加装电梯": "基础设施", "外墙渗漏维修": "基础设施", "停车位不足": "基础设施", "儿童活动场地": "基础设施",
    "煤卫独用改造": "基础设施", "历史建筑修缮": "基础设施", "白蚁防治": "基础设施", "物业服务质量": "物业管理",
    "业委会换届": "物业管理", "楼道堆物": "物业管理", "宠物管理": "物业管理", "物业费收缴": "物业管理",
    "群租整治": "物业管理", "外来人员登记": "物业管理", "双语服务": "科教文卫", "文化融合活动": "科教文卫",
    "涉外法律咨询": "科教文卫", "日间照料": "特殊群体关爱", "就业帮扶": "特殊群体关爱",
}  # fmt: skip
WISHES = {
    "电梯": "加装电梯",
    "停车": "停车位不足",
    "物业": "物业服务质量",
    "儿童场地": "儿童活动场地",
    "为老服务": "日间照料",
    "房屋维修": "外墙渗漏维修",
    "文化活动": "文化融合活动",
}
SERVICES = {
    "common": [
        ("为老服务", "社区综合为老服务中心"),
        ("为老服务", "居家养老上门服务"),
        ("文体服务", "社区文化活动中心"),
        ("法律服务", "公共法律服务工作室"),
        ("基础设施建设", "停车资源错时共享平台"),
    ],
    "resold": [("基础设施建设", "加装电梯代办服务"), ("基础设施建设", "精品小区建设")],
    "commodity": [("法律服务", "业委会组建与换届指导")],
    "foreign": [("文体服务", "国际文化交流日"), ("法律服务", "涉外法律服务站")],
    "garden": [("基础设施建设", "优秀历史建筑修缮保护")],
    "relocation": [("为老服务", "社区助餐点")],
}
RESOURCES = {
    "common": [("组织资源", "区域化党建联盟单位"), ("人力资源", "社区志愿者总队"), ("阵地资源", "邻里中心")],
    "resold": [("人力资源", "楼组长队伍")],
    "commodity": [("组织资源", "业主兴趣社团")],
    "foreign": [("人力资源", "双语志愿者")],
    "garden": [("人力资源", "老建筑专家顾问")],
    "relocation": [("组织资源", "就业援助社会组织")],
}
OWN = {
    "梧桐": [("resource", "人力资源", "退休工程师工作组"), ("service", "基础设施建设", "楼道微更新")],
    "玉兰": [("service", "基础设施建设", "儿童口袋公园")],
    "合欢": [("service", "文体服务", "双语服务窗口")],
    "石榴": [("resource", "阵地资源", "弄堂会客厅")],
    "芙蓉": [("service", "为老服务", "日间照料站"), ("resource", "组织资源", "物业共治小组")],
}
ASPECTS = ["动员参与主体", "建立自治载体", "形成公共议题", "梳理治理资源", "开展沟通协商", "加强监督评议"]
GENERAL = [
    "党员双报到，楼组长包干联系",
    "居民议事会与自治项目认领",
    "“三问三会”征集议题",
    "资源认领清单与结对共建",
    "四位一体联席会议",
    "项目居民评议与结果公示",
]
SPECIAL = {
    "resold": [
        "动员退休党员与楼组长",
        "加装电梯自治小组",
        "以加梯和修缮形成议题",
        "对接精品小区资金",
        "高低楼层利益协调会",
        "修缮工程居民监督队",
    ],
    "commodity": [
        "从亲子和兴趣社团入手",
        "业委会规范化建设",
        "以停车和物业形成议题",
        "引入业主专业人才",
        "物业服务恳谈会",
        "物业服务满意度评议",
    ],
    "foreign": [
        "双语动员与文化节",
        "中外居民议事厅",
        "以文化融合形成议题",
        "对接驻区外企",
        "双语协商与翻译志愿者",
        "中外居民共同评议",
    ],
    "garden": [
        "动员老住户与租户",
        "弄堂自管小组",
        "以修缮与煤卫形成议题",
        "对接历史建筑保护资源",
        "合用部位协商",
        "修缮质量居民监督",
    ],
    "relocation": [
        "以就业和帮扶动员",
        "楼组自治公约",
        "以物业费与环境形成议题",
        "对接就业援助资源",
        "物业费收缴恳谈",
        "收支公开评议",
    ],
}
CODES = {
    "1": "动员参与主体",
    "2": "建立自治载体",
    "3": "形成公共议题",
    "4": "梳理治理资源",
    "5": "开展沟通协商",
    "6": "加强监督评议",
    "7": "公众满意度",
    "8": "特殊攻略实施",
}
RATED = {"2.1": "自治载体运行", "4.2": "资源整合", "5.2": "协商质量", "6.2": "监督评议"}
TEN = [
    "工作指导手册",
    "全员培训",
    "优秀居民区",
    "实训基地",
    "优秀社区工作法",
    "社区治理能人",
    "分类治理论坛",
    "优秀案例",
    "社会组织风采录",
    "督导师队伍",
]
EACH = 40
"""Answers of a committee and half-year."""
ANSWERS = ["非常不满意", "不满意", "一般", "满意", "非常满意"]


def write_csv(path: Path, rows: list[list[object]], encoding: str = "utf-8-sig") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def rows_in(path: Path) -> int:
    """Rows of data below the header."""
    if path.suffix == ".csv":
        return len(path.read_text(encoding="utf-8-sig").splitlines()) - 1 - ("共性清单" in path.name)
    if "居民问卷" in path.name:
        return EACH * len(COMMITTEES)
    return sum(sum(kinds.values()) for kinds in COMMITTEES.values())


def write_book(
    path: Path, sheets: dict[str, list[list[object]]], merged: dict[str, list[str]] | None = None
) -> None:
    """A workbook without a clock in it."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        for area in (merged or {}).get(name, []):
            sheet.merge_cells(area)
    book.properties.created = book.properties.modified = datetime(2019, 12, 31)
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
    still(path)


def still(path: Path) -> None:
    """Write the archive again with one date for all its members."""
    import zipfile

    with zipfile.ZipFile(path) as old:
        members = [(name, old.read(name)) for name in old.namelist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in members:
            text = data
            if name == "docProps/core.xml":
                import re

                text = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>2019-12-31T00:00:00Z", data)
            new.writestr(zipfile.ZipInfo(name, (2019, 12, 31, 0, 0, 0)), text, zipfile.ZIP_DEFLATED)


class Estate:
    """One invented estate; ``kind`` is what it was made as."""

    def __init__(self, committee: str, name: str, kind: str, dice: random.Random) -> None:
        self.committee, self.name, self.kind = committee, name, kind
        size = {
            "resold": (500, 1400),
            "commodity": (250, 900),
            "foreign": (200, 700),
            "garden": (40, 160),
            "relocation": (400, 1200),
        }[kind]
        self.homes = dice.randint(*size)
        h = self.homes
        self.public, self.market, self.moved, self.garden, self.listed = 0, 0, 0, 0, 0
        if kind == "resold":
            self.public = round(h * dice.uniform(0.72, 0.98))
            self.market = h - self.public
        elif kind in ("commodity", "foreign"):
            self.market = round(h * dice.uniform(0.85, 1.0))
            self.moved = (h - self.market) if dice.random() < 0.5 else 0
            self.public = h - self.market - self.moved
        elif kind == "garden":
            self.garden = round(h * dice.uniform(0.7, 1.0))
            self.public = h - self.garden
            self.listed = dice.randint(1, 9)
        else:
            self.moved = round(h * dice.uniform(0.65, 0.95))
            self.market = h - self.moved
        years = {
            "resold": (1956, 1993),
            "commodity": (1996, 2014),
            "foreign": (1994, 2010),
            "garden": (1920, 1947),
            "relocation": (1999, 2012),
        }[kind]
        self.year = dice.randint(*years)
        self.fee: float | None = round(
            dice.uniform(
                *{
                    "resold": (0.5, 1.0),
                    "commodity": (1.5, 3.2),
                    "foreign": (3.5, 8.0),
                    "garden": (0.4, 1.0),
                    "relocation": (0.6, 1.2),
                }[kind]
            ),
            2,
        )
        per = {"resold": 2.3, "commodity": 2.5, "foreign": 2.4, "garden": 2.0, "relocation": 2.6}[kind]
        self.people = round(h * per * dice.uniform(0.92, 1.05))
        self.hukou = round(
            self.people
            * dice.uniform(
                *{
                    "resold": (0.6, 0.85),
                    "commodity": (0.53, 0.78),
                    "foreign": (0.25, 0.42),
                    "garden": (0.45, 0.7),
                    "relocation": (0.35, 0.7),
                }[kind]
            )
        )
        self.elders = round(
            self.people
            * dice.uniform(
                *{
                    "resold": (0.33, 0.45),
                    "commodity": (0.15, 0.42),
                    "foreign": (0.08, 0.16),
                    "garden": (0.28, 0.43),
                    "relocation": (0.22, 0.34),
                }[kind]
            )
        )
        self.foreign: int | None = round(
            self.people * (dice.uniform(0.24, 0.45) if kind == "foreign" else dice.uniform(0, 0.06))
        )
        self.due = round(h * 80 * (self.fee or 1) * 6)
        self.paid = dice.uniform(
            *{
                "resold": (0.72, 0.95),
                "commodity": (0.75, 0.97),
                "foreign": (0.85, 0.99),
                "garden": (0.6, 0.9),
                "relocation": (0.4, 0.8),
            }[kind]
        )
        self.sorting = dice.uniform(0.45, 0.85)
        self.gain = dice.uniform(-0.02, 0.12)

    def row(self, later: bool) -> list[object]:
        paid = min(self.paid + self.gain * later * 0.5, 1.0)
        due = self.due * (1 + 0.01 * later)
        return [
            self.name, self.committee, self.year, self.homes, self.public, self.market, self.moved, self.garden, self.listed,
            self.fee, self.people, self.hukou, self.elders, self.foreign, round(due / 1e4, 2), round(due * paid / 1e4, 2),
            round(self.homes * min(self.sorting + self.gain * later, 1.0)),
        ]  # fmt: skip


HEADS = [
    ["小区名称", "居委会", "建成年份(年)", "住宅(套)", None, None, None, None, "优秀历史建筑(幢)", "物业费(元/平方米·月)", "人口(人)", None, None, None, "物业费收缴(万元)", None, "垃圾分类参与(套)"],
    [None, None, None, "合计", "公有住房出售", "商品住宅", "动迁安置", "花园住宅", None, None, "常住", "户籍", "60岁及以上", "境外", "应收", "实收", None],
]  # fmt: skip
MERGED = ["A1:Q1", *[f"{c}2:{c}3" for c in "ABCIJQ"], "D2:H2", "K2:N2", "O2:P2"]


def odd(estates: list[Estate]) -> None:
    """Cases that rules cannot settle alone: mixed, incomplete, on the line, and one that contradicts its old label."""
    by = {(e.committee, e.name): e for e in estates}

    def of(committee: str, place: int) -> Estate:
        return [e for (c, _), e in by.items() if c == committee][place]

    mixed = of("银杏", 0)  # half public housing, half commercial
    mixed.public = round(mixed.homes * 0.47)
    mixed.market = round(mixed.homes * 0.44)
    mixed.moved = mixed.homes - mixed.public - mixed.market
    blank = of("桂花", 1)  # nobody counted the residents from abroad
    blank.foreign = None
    line = of("丁香", 4)  # exactly at the line of foreign residents
    line.people, line.hukou, line.foreign = 1000, 400, 200
    late = of("玉兰", 2)  # a commercial estate in a share of which people were resettled
    late.moved = round(late.homes * 0.49)
    late.market, late.public = late.homes - late.moved, 0
    late.fee = None
    old = of("茉莉", 4)  # public housing whose committee has always called it relocation housing
    old.year = 1982


def register_rows(estates: list[Estate]) -> list[list[object]]:
    rows: list[list[object]] = [
        ["unit", "level", "parent", "name", "code", "type", "group", "valid_from", "valid_to"]
    ]
    rows.append([CITY, "city", "", CITY, "", "", "", "", ""])
    for name, kinds in COMMITTEES.items():
        lead = next(iter(kinds))
        rows.append([f"{name}居委会", "district", CITY, f"{name}居委会", "", lead, TYPES[lead], "", ""])
    answered = {("茉莉", 4): "relocation", ("玉兰", 2): "commodity"}
    counts: dict[str, int] = {}
    for e in estates:
        place = counts.get(e.committee, 0)
        counts[e.committee] = place + 1
        open_ = (e.committee, place) in (("银杏", 0), ("桂花", 1), ("丁香", 4))
        known = "" if open_ else answered.get((e.committee, place), e.kind)
        rows.append(
            [
                f"{e.committee}居委会/{e.name}",
                "compound",
                f"{e.committee}居委会",
                e.name,
                "",
                known,
                "",
                "",
                "",
            ]
        )
    return rows


def estates_of(dice: random.Random) -> list[Estate]:
    out = []
    for committee, kinds in COMMITTEES.items():
        for kind, n in kinds.items():
            out += [Estate(committee, committee + ENDINGS[kind][i], kind, dice) for i in range(n)]
    odd(out)
    return out


def write_estates(path: Path, estates: list[Estate], later: bool) -> None:
    """The housing office's workbook: a title, headers of two rows, money in 万元, an old name, a total row."""
    rows: list[list[object]] = [["长宁区居民小区基本情况表（模拟）"], *HEADS]
    body = [e.row(later) for e in estates]
    for e, row in zip(estates, body, strict=True):
        row[1] = "梧桐居民区" if e.committee == "梧桐" and later else f"{e.committee}居委会"
    total: list[object] = ["合计", None, None]
    for column in range(3, len(body[0])):
        values = [r[column] for r in body if isinstance(r[column], int | float)]
        total.append(None if column == 9 else round(sum(values), 2))
    write_book(path, {"小区": [*rows, *body, total]}, {"小区": MERGED})


def write_reports(
    folder: Path, period: str, estates: list[Estate], dice: random.Random, state: dict[str, dict[str, float]]
) -> None:
    """Each committee's half-yearly report: a header and one row."""
    later = period == PERIODS[1]
    heads = ["居委会", "主体到位/居委会", "主体到位/业委会", "主体到位/物业公司", "主体到位/驻区单位", "主体到位/社会组织",
             "成年居民(人)", "参与自治事务(人)", "公共议题(个)", "其中居民提出(个)", "其中协商办结(个)", "个性清单/问题需求", "个性清单/社会资源",
             "个性清单/公共服务", "评议结果公开", "特殊攻略任务(项)", "特殊攻略完成(项)", "社区工作者(人)", "持证社工(人)", "督导师(人)", "参加全员培训(人)"]  # fmt: skip
    for name in COMMITTEES:
        s = state[name]
        adults = round(sum(e.people for e in estates if e.committee == name) * 0.84)
        issues = dice.randint(6, 14)
        raised = round(issues * min(dice.uniform(0.4, 0.75) + 0.08 * later, 1))
        settled = round(issues * min(dice.uniform(0.5, 0.8) + 0.1 * later, 1))
        tasks = dice.randint(4, 7)
        workers = int(s["workers"])
        certified = round(workers * min(s["certified"] + 0.06 * later, 1))
        yes = ["是" if dice.random() < s["strength"] + 0.1 * later else "否" for _ in range(8)]
        row = [f"{name}居委会", "是", *yes[:4], adults, round(adults * min(s["active"] + 0.03 * later, 1)), issues, raised, settled, *yes[4:7], yes[7],
               tasks, round(tasks * min(dice.uniform(0.4, 0.9) + 0.1 * later, 1)), workers, certified, int(s["supervisors"]) + (later and dice.random() < 0.25), workers - dice.randint(0, 2) if later else round(workers * 0.6)]  # fmt: skip
        write_csv(folder / f"居委会汇报/{name}居委会.csv", [heads, row])


def write_ratings(folder: Path, later: bool, dice: random.Random, state: dict[str, dict[str, float]]) -> None:
    """Three field checkers, each two thirds of the committees."""
    names = list(COMMITTEES)
    for rater in range(3):
        rows: list[list[object]] = [["居委会", "指标编号", "指标名称", "得分(0-100)"]]
        hard = (-3, 0, 3)[rater]
        for i, name in enumerate(names):
            if i % 3 == rater:
                continue
            for code, label in RATED.items():
                score = 55 + 40 * state[name]["strength"] + hard + 3 * later + dice.gauss(0, 4)
                rows.append([f"{name}居委会", code, label, max(0, min(100, round(score)))])
        write_csv(folder / f"实地检查/检查员{rater + 1:02d}.csv", rows)


def write_answers(folder: Path, period: str, dice: random.Random, state: dict[str, dict[str, float]]) -> None:
    later = period == PERIODS[1]
    start = datetime(2019, 11, 4, 9) if later else datetime(2019, 5, 6, 9)
    rows: list[list[object]] = [["序号", "提交答卷时间", "所用时间", "1、您所在的居民区", "2、您的性别", "3、您的年龄段", "4、您对居民区治理的总体评价", "5、您对小区环境的评价",
                                 "6、您对物业服务的评价", "7、您对公共服务的评价", "8、您对参与议事的评价", "9、您最希望改善的方面【多选题】"]]  # fmt: skip
    number = 0
    for name, kinds in COMMITTEES.items():
        lead = next(iter(kinds))
        wanted = [w for w, need in WISHES.items() if need in REQUESTS[lead]]
        for _ in range(EACH):
            number += 1
            base = 1.9 + 1.4 * state[name]["strength"] + 0.15 * later
            mood = dice.gauss(0, 0.7)
            marks = [ANSWERS[max(0, min(4, round(dice.gauss(base + mood, 0.7))))] for _ in range(5)]
            if dice.random() < 0.04:
                marks[4] = "说不清"
            wishes = [w for w in WISHES if dice.random() < (0.5 if w in wanted else 0.12)]
            on = start + timedelta(hours=number, minutes=dice.randint(0, 59), seconds=dice.randint(0, 59))
            rows.append([number, on.strftime("%Y/%m/%d %H:%M:%S"), f"{dice.randint(70, 400)}秒", f"{name}居民区", dice.choice("男女"),
                         dice.choice(["18-34岁", "35-59岁", "60岁及以上"]), *marks, "┋".join(wishes) or "(空)"])  # fmt: skip
    write_book(folder / "居民问卷/居民问卷.xlsx", {"问卷": rows})


def write_requests(folder: Path, period: str, dice: random.Random) -> None:
    """Requests as they come in: dated, without names."""
    first = date(2019, 7, 1) if period == PERIODS[1] else date(2019, 1, 1)
    rows: list[list[object]] = [["登记日期", "居委会", "诉求编号", "诉求类别"]]
    entries = []
    for name, kinds in COMMITTEES.items():
        for kind, n in kinds.items():
            for item, often in REQUESTS[kind].items():
                entries += [
                    (first + timedelta(days=dice.randint(0, 180)), name, item)
                    for _ in range(dice.randint(0, round(often * n / 2)))
                ]
    for i, (on, name, item) in enumerate(sorted(entries), 1):
        rows.append([on.isoformat(), f"{name}居委会", f"{period}-{i:03d}", item])
    write_csv(folder / "居民诉求/诉求登记.csv", rows)


def write_lists(folder: Path, later: bool, dice: random.Random) -> None:
    """The common lists by kind, the committees' own lists and the book of strategies."""
    words = {"common": "通用", **TYPES}
    needs = [[words[kind], TOPICS[item], item] for kind, items in REQUESTS.items() for item in items]
    head = ["适用类型", "类别", "内容"]
    rows_of = {
        "问题需求": needs,
        "社会资源": [[words[k], *r] for k, rows in RESOURCES.items() for r in rows],
        "公共服务": [[words[k], *r] for k, rows in SERVICES.items() for r in rows],
    }
    for name, listed in rows_of.items():
        write_csv(
            folder / f"三张清单/共性清单_{name}.csv", [[f"共性清单：{name}清单", "", ""], head, *listed]
        )
    named = {"need": "问题需求", "resource": "社会资源", "service": "公共服务"}
    for name, kinds in COMMITTEES.items():
        lead = next(iter(kinds))
        chosen = dice.sample(list(REQUESTS[lead]), 3)
        rows: list[list[object]] = [
            ["清单", "类别", "内容"],
            *[[named["need"], TOPICS[i], i] for i in chosen],
        ]
        rows.append([named["resource"], "阵地资源", f"{name}议事角"])
        if later:
            rows.append([named["service"], "文体服务", f"{name}周末课堂"])
        rows += [[named[kind], topic, item] for kind, topic, item in OWN.get(name, [])]
        write_csv(folder / f"三张清单/{name}居委会.csv", rows)
    book: list[list[object]] = [["方面", "适用类型", "攻略编号", "攻略"]]
    for i, aspect in enumerate(ASPECTS, 1):
        book.append([aspect, "通用", f"T{i}-0", GENERAL[i - 1]])
        book += [
            [aspect, TYPES[kind], f"T{i}-{j}", texts[i - 1]]
            for j, (kind, texts) in enumerate(SPECIAL.items(), 1)
        ]
    write_csv(folder / "攻略/分类治理攻略.csv", book)


def write_experts(folder: Path) -> None:
    """Three judgement matrices of the eight groups: upper triangles of a scale of 1 to 9."""
    strength = {
        "专家01": [3, 3, 2, 2, 4, 2, 5, 2],
        "专家02": [2, 3, 2, 3, 4, 3, 4, 3],
        "专家03": [4, 3, 2, 2, 3, 2, 6, 2],
    }
    codes = list(CODES)
    for expert, s in strength.items():
        rows: list[list[object]] = [["要素", *CODES.values()]]
        for i, code in enumerate(codes):
            row: list[object] = [CODES[code]]
            for j in range(len(codes)):
                value = s[i] / s[j]
                whole = max(1, round(value)) if value >= 1 else max(1, round(1 / value))
                row.append(1 if i == j else whole if value >= 1 else f"1/{whole}")
            rows.append(row)
        write_csv(folder / f"专家判断/{expert}.csv", rows)


def write_ten(folder: Path, later: bool) -> None:
    done = {"工作指导手册": (1, "2019-04-18"), "全员培训": (1, "2019-05-20"), "优秀居民区": (6, "2019-06-12"), "实训基地": (3, "2019-06-21"), "优秀社区工作法": (5, "2019-09-10"),
            "社区治理能人": (8, "2019-10-15"), "分类治理论坛": (1, "2019-11-22"), "优秀案例": (1, "2019-12-12"), "督导师队伍": (1, "2019-05-30")}  # fmt: skip
    rows: list[list[object]] = [["项目", "完成日期", "数量"]]
    rows += [[item, on, n] for item, (n, on) in done.items() if (on > "2019-06-30") == later]
    write_csv(folder / "区级/十个一.csv", rows)


CODEBOOK = """instrument: resident
title: {zh: 居民问卷, en: residents' questionnaire}
columns: {id: [序号], submitted_at: [提交答卷时间], duration_s: [所用时间]}
unit: {district: [您所在的居民区]}
scales:
  satisfied: {非常满意: 5, 满意: 4, 一般: 3, 不满意: 2, 非常不满意: 1}
demographics:
  sex: {question: [您的性别], zh: 性别, en: sex, options: {男: male, 女: female}}
  age_band: {question: [您的年龄段], zh: 年龄段, en: age, options: {18-34岁: 18-34, 35-59岁: 35-59, 60岁及以上: 60+}}
items:
  q_overall: {question: [您对居民区治理的总体评价], zh: 总体满意度, en: overall satisfaction, options: satisfied}
  q_environment: {question: [您对小区环境的评价], zh: 小区环境, en: environment, options: satisfied}
  q_property: {question: [您对物业服务的评价], zh: 物业服务, en: property services, options: satisfied}
  q_service: {question: [您对公共服务的评价], zh: 公共服务, en: public services, options: satisfied}
  q_participation: {question: [您对参与议事的评价], zh: 参与议事, en: taking part in consultation, options: satisfied, dont_know: [说不清]}
  q_wish:
    question: [您最希望改善的方面]
    zh: 最希望改善的方面
    en: what should be improved
    multiple: true
    options: {电梯: elevator, 停车: parking, 物业: property, 儿童场地: playground, 为老服务: elders, 房屋维修: repair, 文化活动: culture}
"""


def main() -> None:
    dice = random.Random(SEED)
    estates = estates_of(dice)
    state = {
        name: {
            "strength": dice.uniform(0.35, 0.9), "active": dice.uniform(0.08, 0.3), "workers": dice.randint(8, 13),
            "certified": dice.uniform(0.3, 0.6), "supervisors": dice.choice([0, 1, 1]),
        }
        for name in COMMITTEES
    }  # fmt: skip
    write_csv(ROOT / "data/register/units.csv", register_rows(estates), "utf-8")
    write_csv(
        ROOT / "data/register/aliases.csv",
        [["alias", "unit"], *[[f"{n}居民区", f"{n}居委会"] for n in COMMITTEES]],
        "utf-8",
    )
    write_csv(
        ROOT / "data/register/review.csv", [["found", "unit"], ["梧桐居民区居委会", "梧桐居委会"]], "utf-8"
    )
    frame: list[list[object]] = [["period", "unit", "stratum", "communities", "adults", "issued"]]
    for period in PERIODS:
        for name in COMMITTEES:
            adults = round(sum(e.people for e in estates if e.committee == name) * 0.84)
            frame.append([period, f"{name}居委会", f"{name}居委会", 1, adults, EACH + 10])
    write_csv(ROOT / "data/register/survey_frame.csv", frame, "utf-8")
    (ROOT / "data/register/codebooks").mkdir(parents=True, exist_ok=True)
    (ROOT / "data/register/codebooks/resident.yaml").write_text(CODEBOOK, encoding="utf-8")
    for period in PERIODS:
        folder, later = ROOT / "data/raw" / period, period == PERIODS[1]
        write_estates(folder / "小区/小区基本情况.xlsx", estates, later)
        write_reports(folder, period, estates, dice, state)
        write_ratings(folder, later, dice, state)
        write_answers(folder, period, dice, state)
        write_requests(folder, period, dice)
        write_lists(folder, later, dice)
        write_experts(folder)
        write_ten(folder, later)
    rows: list[list[object]] = [["file", "sha256", "received", "from", "licence", "rows"]]
    for path in sorted((ROOT / "data/raw").rglob("*.*")):
        if path.name == "SOURCES.csv":
            continue
        received = "2020-01-10" if PERIODS[1] in path.parts else "2019-07-10"
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        licence = f"MIT, fabricated by tools/templates/changning.py (seed {SEED})"
        rows.append(
            [path.relative_to(ROOT).as_posix(), digest, received, "区民政局(模拟)", licence, rows_in(path)]
        )
    write_csv(ROOT / "data/raw/SOURCES.csv", rows, "utf-8")


if __name__ == "__main__":
    main()
