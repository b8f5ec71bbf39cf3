"""Write the sample files of the Zhongshan template: the same seed gives the same bytes.

Usage: python tools/templates/zhongshan.py

Twenty invented residents' committees (named after the solar terms) over two years: a self-check sheet each, the street's
checklist, its table of staff and money, a staff roster and a training register by staff number, ratings of the acceptance group, new
estates, and the list of demonstration places. Every value is fabricated; nothing is about a real committee.
"""

from __future__ import annotations

import csv
import hashlib
import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl

Rows = list[list[Any]]
ROOT = Path(__file__).resolve().parents[2] / "commlab/templates/zhongshan"
SEED = 20181231
STREET = "中山街道"
PERIODS = (2018, 2019)
TERMS = [
    "立春",
    "雨水",
    "惊蛰",
    "春分",
    "清明",
    "谷雨",
    "立夏",
    "小满",
    "芒种",
    "夏至",
    "小暑",
    "大暑",
    "立秋",
    "处暑",
    "白露",
    "秋分",
    "寒露",
    "霜降",
    "立冬",
    "小雪",
]
ESTATES = {"谷雨/星河新苑": (600, 180, 236), "白露/云溪新苑": (700, 209, 208), "小雪/映月新苑": (480, 52, 96)}
"""Estate -> homes, lived in at the end of 2018 and of 2019: exactly 30 %, just below it, far below it."""
RATED = {"3.1": "健全治理体系", "4.2": "丰富为民服务内容", "5.2": "女性成员比例"}

YES_NO = {
    "五统一": ["机构门牌", "站点设置", "工作制度标识", "宣传公告", "服务窗口"],
    "四室": ["居委会办公室", "居民诉求调解室", "居民自治议事室", "综合文体活动室"],
    "两站": ["社区服务站", "社区志愿者工作站"],
    "两栏": ["党居务公开栏", "社区宣传栏"],
    "工作机构": ["人民调解", "综合治理", "公共卫生与计划生育", "社会保障", "文化体育", "环境和物业管理"],
    "公示内容": ["社区基本情况", "组织架构与分工", "社区平面图", "服务事项流程图", "其他应知内容"],
    "联动机制": ["议事协商", "共建共享", "居民自治管理", "业主良性自治", "居民互助"],
    "日常制度": ["会议", "学习", "考勤", "印章管理", "值班", "走访", "接待"],
    "应急预案": ["紧急求助", "安全事故", "自然灾害"],
    "经费管理": ["财务制度", "资产登记", "街道审计", "无重大问题", "定期公开"],
    "其他": ["准入清单管理", "公约和章程", "制度汇编成册", "错时上下班", "首问负责", "电子台账"],
}
BACKBONE = ["乡贤", "社区领袖", "团队骨干", "志愿者"]
LATER = {"会议", "接待", "错时上下班", "环境和物业管理"}
"""Points that more committees lack than other points."""


def write_csv(path: Path, rows: Sequence[Sequence[object]], encoding: str = "utf-8-sig") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


class Committee:
    """One invented committee and its two years."""

    def __init__(self, place: int, name: str, dice: random.Random) -> None:
        self.number, self.name, self.dice = place + 1, name, dice
        self.kind = "new" if place % 3 == 1 else "settled"
        self.strength = dice.uniform(0.88, 1.0) if place % 3 else 1.0
        self.households = round(dice.gauss(1480, 260))
        self.premises = round(
            dice.choice(
                [
                    dice.uniform(640, 900),
                    dice.uniform(660, 1100),
                    dice.uniform(700, 1000),
                    dice.uniform(430, 640),
                ]
            )
        )
        self.open_office = round(dice.uniform(26, 48))
        if name == "立春":
            self.premises, self.open_office = 640, 30  # exactly at the printed norms
        self.lacks = {
            (group, point): dice.random() > self.strength - 0.06 * (point in LATER)
            for group, points in YES_NO.items()
            for point in points
        }
        self.mended = {key: dice.random() < 0.85 for key in self.lacks}
        self.members = (
            dice.choice([5, 6, 7, 7, 8, 9]) if name not in ("立春", "寒露") else {"立春": 9, "寒露": 4}[name]
        )
        self.fulltime = self.members * 2 // 3 + dice.choice([0, 0, 1]) if name != "立春" else 6
        self.local = max(self.members - dice.choice([0, 1, 1, 2]), 1) if name != "立春" else 8
        self.female = max(1, round(self.members * dice.uniform(0.3, 0.7)))
        self.backbone = [dice.randint(0 if dice.random() < 0.04 else 1, 12) for _ in BACKBONE]
        self.people = self._people()
        self.trainings = self._trainings()
        self.extra_m2 = dice.choice([0, 0, 60, 120]) if self.premises < 640 else 0

    def _people(self) -> list[tuple[str, str, date]]:
        workers = self.dice.randint(2, 4)
        roles = ["主任", *["成员"] * (self.members - 1), *["专职工作者"] * workers]
        started = [date(2015, 7, 1) + timedelta(days=self.dice.randint(0, 900)) for _ in roles]
        if self.dice.random() < 0.4:  # somebody new, not due for a training yet
            started[-1] = date(2018, 9, 1) + timedelta(days=self.dice.randint(0, 60))
        return [
            (f"ZS{self.number:02d}-{i + 1:02d}", role, on)
            for i, (role, on) in enumerate(zip(roles, started, strict=True))
        ]

    def _trainings(self) -> list[tuple[str, date, str]]:
        out = []
        careful = self.dice.random() < 0.75
        for number, role, started in self.people:
            for year in (2017, 2018, 2019):
                often = (0.99 if careful else 0.9) if role == "主任" else (0.92 if careful else 0.6)
                if self.dice.random() < often:
                    on = date(year, 3, 1) + timedelta(days=self.dice.randint(0, 280))
                    if on > started:
                        out.append(
                            (number, on, self.dice.choice(["沟通技能", "矛盾调解", "工作实务", "团队建设"]))
                        )
        return out

    def reported(self, year: int) -> tuple[int, int, int, int]:
        """Directors due and trained, others due and trained, as the committee counts them."""
        end = date(year, 12, 31)
        counts = [0, 0, 0, 0]
        for number, role, started in self.people:
            years = 1 if role == "主任" else 2
            window = date(year - years, 12, 31)
            if started > end:
                continue
            done = any(n == number and window < on <= end for n, on, _ in self.trainings)
            at = 0 if role == "主任" else 2
            if done or started <= window:
                counts[at] += 1
                counts[at + 1] += done
        if self.name == "芒种":  # counts one more than its register shows
            counts[3] = min(counts[3] + 1, counts[2])
        return counts[0], counts[1], counts[2], counts[3]

    def sheet(self, year: int) -> Rows:
        """The self-check sheet of a year: a header and one row."""
        header, row = (
            ["居委会", "实际居住户数(户)", "配套用房面积(平方米)", "敞开式办公区域面积(平方米)"],
            [f"{self.name}居委会"],
        )
        later = year > PERIODS[0]
        row += [
            self.households + 12 * later,
            self.premises + self.extra_m2 * later,
            self.open_office + (2 if later else 0),
        ]
        return [header, row]

    def points(self, year: int) -> list[str]:
        """Every point of the street's checklist: 是 or 否; a year later most of what was lacking is mended."""
        later = year > PERIODS[0]
        return [
            "否" if self.lacks[key] and not (later and self.mended[key]) else "是"
            for key in ((group, point) for group, points in YES_NO.items() for point in points)
        ]


def write_checklist(path: Path, committees: list[Committee], year: int) -> None:
    """The street's checklist: a title, headers of two rows with merged groups, a row a committee."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "核查表"
    sheet.append([f"{STREET}{year}年居委会规范化建设核查表"])
    groups, points = ["居委会"], [""]
    for group, names in {**YES_NO, "志愿骨干(人)": BACKBONE}.items():
        groups += [group] + [""] * (len(names) - 1)
        points += names
    sheet.append([g or None for g in groups])
    sheet.append([p or None for p in points])
    sheet.merge_cells(start_row=1, end_row=1, start_column=1, end_column=len(points))
    sheet.merge_cells("A2:A3")
    at = 2
    for names in (*YES_NO.values(), BACKBONE):
        sheet.merge_cells(start_row=2, end_row=2, start_column=at, end_column=at + len(names) - 1)
        at += len(names)
    for c in committees:
        sheet.append([f"{c.name}居委会", *c.points(year), *(n + (year > PERIODS[0]) for n in c.backbone)])
    book.properties.created = book.properties.modified = datetime(year + 1, 1, 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)


def write_street(path: Path, committees: list[Committee], year: int, dice: random.Random) -> None:
    """The street's table: a title, headers of two rows, a total row, sums of money in 万元, one old name."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "队伍与经费"
    sheet.append([f"{STREET}{year}年居委会队伍与经费情况表"])
    sheet.append(
        [
            "序号",
            "居委会",
            "居委会成员(人)",
            None,
            None,
            None,
            "主任培训(人)",
            None,
            "其他人员培训(人)",
            None,
            "经费(万元)",
            None,
        ]
    )
    sheet.append(
        [
            None,
            None,
            "总数",
            "全日制",
            "属地化",
            "女性",
            "应参训",
            "已参训",
            "应参训",
            "已参训",
            "日常办公",
            "自治",
        ]
    )
    for area in ("A1:L1", "A2:A3", "B2:B3", "C2:F2", "G2:H2", "I2:J2", "K2:L2"):
        sheet.merge_cells(area)
    rows = []
    for c in committees:
        office = round(7.4 + (c.households - 1200) / 500 + dice.uniform(-0.3, 0.4), 2)
        autonomy = round(2 + dice.choice([-1.2, -0.6, 0, 0.4, 1.3]), 2)
        name = "立春社区居委会" if c.name == "立春" else f"{c.name}居委会"
        rows.append(
            [c.number, name, c.members, c.fulltime, c.local, c.female, *c.reported(year), office, autonomy]
        )
    # The mean is exactly 2 in 2018 and above it in 2019: what is over or short is shared by all.
    over = round(sum(r[-1] for r in rows) - (2.0 if year == PERIODS[0] else 2.1) * len(rows), 2)
    for i in range(round(abs(over) * 100)):
        rows[i % len(rows)][-1] = round(rows[i % len(rows)][-1] + (0.01 if over < 0 else -0.01), 2)
    for row in rows:
        sheet.append(row)
    sheet.append([None, "合计", *[round(sum(r[i] for r in rows), 2) for i in range(2, 12)]])
    book.properties.created = book.properties.modified = datetime(year + 1, 1, 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)


def naming(committees: list[Committee], year: int) -> Rows:
    """2018: who applies for which level; 2019: who was named for 2018."""
    strong = sorted(committees, key=lambda c: (sum(c.lacks.values()) + 3 * (c.premises < 640), c.number))
    header = ["居委会", "级别", "日期", "类别"]
    if year == PERIODS[0]:
        return [
            header,
            *[
                [f"{c.name}居委会", "区级" if i < 12 else "街道级", "2018-03-15", "申报"]
                for i, c in enumerate(strong)
            ],
        ]
    return [
        header,
        *[
            [f"{c.name}居委会", "区级" if i < 9 else "街道级", "2018-12-28", "命名"]
            for i, c in enumerate(strong[:19])
        ],
    ]


def main() -> None:
    dice = random.Random(SEED)
    committees = [Committee(i, name, random.Random(f"{SEED}{name}")) for i, name in enumerate(TERMS)]
    register = ROOT / "data/register"
    units: Rows = [["unit", "level", "parent", "name", "code", "type", "group", "valid_from", "valid_to"]]
    units.append([STREET, "city", "", STREET, "", "", "", "", ""])
    units += [
        [f"{c.name}居委会", "district", STREET, f"{c.name}居委会", "", c.kind, "", "", ""] for c in committees
    ]
    for key in ESTATES:
        owner, name = key.split("/")
        units.append([f"{owner}居委会/{name}", "compound", f"{owner}居委会", name, "", "acting", "", "", ""])
    write_csv(register / "units.csv", units, "utf-8")
    write_csv(register / "aliases.csv", [["alias", "unit"], ["立春社区居委会", "立春居委会"]], "utf-8")
    write_csv(register / "review.csv", [["found", "unit"]], "utf-8")
    for year in PERIODS:
        raw = ROOT / f"data/raw/{year}"
        for c in committees:
            write_csv(raw / f"自查表/{c.name}居委会.csv", c.sheet(year))
        write_checklist(raw / "街道/规范化核查表.xlsx", committees, year)
        write_street(raw / "街道/队伍与经费.xlsx", committees, year, dice)
        end = date(year, 12, 31)
        people = [
            [f"{c.name}居委会", n, role, on] for c in committees for n, role, on in c.people if on <= end
        ]
        write_csv(raw / "街道/人员名册.csv", [["居委会", "人员编号", "职务", "任职日期"], *people])
        held = [
            [f"{c.name}居委会", n, on, what] for c in committees for n, on, what in c.trainings if on <= end
        ]
        if year == PERIODS[0]:
            held.append(held[3])  # entered twice
        write_csv(raw / "街道/培训台账.csv", [["居委会", "人员编号", "培训日期", "培训内容"], *held])
        write_csv(raw / "街道/示范点名单.csv", naming(committees, year))
        estates = [["居委会", "新建小区", "住宅套数(套)", "已入住(套)"]]
        for key, (homes, first, second) in ESTATES.items():
            owner, name = key.split("/")
            estates.append([f"{owner}居委会", name, homes, first if year == PERIODS[0] else second])
        write_csv(raw / "街道/新建小区.csv", estates)
        for k in (1, 2, 3):
            rows: Rows = [["居委会", "标准编号", "验收内容", "得分(0-100)"]]
            for c in committees:
                good = 62 + 30 * (c.strength - 0.86) / 0.14 + 4 * (year > PERIODS[0])
                for code, label in RATED.items():
                    rows.append(
                        [f"{c.name}居委会", code, label, min(100, round(good + dice.gauss(2 * (k - 2), 5)))]
                    )
            write_csv(raw / f"实地验收/验收员{k:02d}.csv", rows)
    sources: Rows = [["file", "sha256", "received", "from", "licence", "rows"]]
    for path in sorted((ROOT / "data/raw").rglob("*")):
        if path.is_file() and path.name != "SOURCES.csv":
            year = int(path.relative_to(ROOT / "data/raw").parts[0])
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            lines = (
                "" if path.suffix == ".xlsx" else len(path.read_text(encoding="utf-8-sig").splitlines()) - 1
            )
            who = "各居委会(模拟)" if path.parent.name == "自查表" else "街道自治办(模拟)"
            told = f"MIT, fabricated by tools/templates/zhongshan.py (seed {SEED})"
            sources.append([path.relative_to(ROOT).as_posix(), digest, f"{year + 1}-01-10", who, told, lines])
    write_csv(ROOT / "data/raw/SOURCES.csv", sources, "utf-8")


if __name__ == "__main__":
    main()
