"""Write the sample files of the Xianning template: the same seed gives the same bytes.

Usage: python tools/templates/xianning.py

Six counties with thirteen invented streets (named after gems) and 33 invented communities (named after colours) over two
quarters: statistics of communities and counties, ratings of streets by counties, of communities by streets, of departments by
communities, of the expert team, bulletins, residents' ratings of two pilot counties as small files that come late, twice and
out of order, and the points of volunteers. Every value is fabricated; nothing is about a real place, office or person.
"""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import random
import re
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import openpyxl

ROOT = Path(__file__).resolve().parents[2] / "commlab/templates/xianning"
SEED = 20211231
CITY = "咸宁市"
PERIODS = {"2021Q3": (date(2021, 7, 1), date(2021, 9, 30)), "2021Q4": (date(2021, 10, 1), date(2021, 12, 31))}
STREETS = {
    "咸安区": {"琥珀街道": 3, "玛瑙街道": 3, "珊瑚街道": 3},
    "赤壁市": {"翡翠街道": 3, "琉璃街道": 3},
    "嘉鱼县": {"水晶街道": 3, "珍珠街道": 2},
    "通城县": {"碧玺街道": 2, "青金街道": 2},
    "崇阳县": {"松石街道": 3, "月光街道": 2},
    "通山县": {"珐琅街道": 2, "云母街道": 2},
}
COLOURS = [
    "霁蓝",
    "竹青",
    "月白",
    "藕荷",
    "鸦青",
    "缃色",
    "黛绿",
    "绯红",
    "秋香",
    "天青",
    "石绿",
    "豆沙",
    "松花",
    "茶白",
    "靛青",
    "杏黄",
    "酡红",
    "雪青",
    "驼色",
    "水绿",
    "胭脂",
    "银灰",
    "苍翠",
    "鹅黄",
    "海棠",
    "湖蓝",
    "墨色",
    "檀色",
    "丁香",
    "柳绿",
    "蟹青",
    "枣红",
    "烟灰",
]
DEMO = {"咸安区": 6, "赤壁市": 4, "嘉鱼县": 3, "通城县": 2, "崇阳县": 3, "通山县": 2}
CITY_DISTRICT = "咸安区"
PILOTS = ("咸安区", "崇阳县")
"""Where residents rate online."""
DEPARTMENTS = {
    "市民政局": 1.0, "市财政局": 0.9, "市住建局": 1.0, "市城管委": 0.95, "市卫健委": 0.8, "市文旅局": 0.45, "市科协": 0.1,
}  # fmt: skip
"""Department -> share of the communities that had to do with it."""
ASPECTS = ["指导", "服务", "支付", "行政干预"]
ELEMENTS = ["党", "政", "居", "医", "养", "教", "文", "体", "娱", "商"]
SERVICES = ["慧党建", "慧自治", "慧民生", "慧养老", "慧生活"]
KINDS = ["社区治理", "社区服务", "社区活动"]
EXPERTS = ["专家01", "专家02", "专家03"]


def write_csv(path: Path, rows: Sequence[Sequence[object]], encoding: str = "utf-8-sig") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def write_xlsx(path: Path, rows: Sequence[Sequence[object]], *, sheet: str, merge: str = "") -> None:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = sheet
    for row in rows:
        page.append(list(row))
    if merge:
        page.merge_cells(merge)
    path.parent.mkdir(parents=True, exist_ok=True)
    held = io.BytesIO()
    book.save(held)
    # openpyxl writes the hour into the file: a clock would make new bytes of the same sheet
    with zipfile.ZipFile(held) as read, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name in read.namelist():
            body = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"2022-01-08T09:00:00Z", read.read(name))
            out.writestr(zipfile.ZipInfo(name, (2022, 1, 8, 9, 0, 0)), body)


class City:
    """The invented places and how well each of them does, the same in both quarters but for a drift."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        names = iter(COLOURS)
        self.communities: list[tuple[str, str, str]] = []
        for county, streets in STREETS.items():
            for street, n in streets.items():
                self.communities += [(county, street, f"{next(names)}社区") for _ in range(n)]
        self.strength = {name: dice.gauss(84, 4) for _, _, name in self.communities}
        self.homes = {name: dice.randint(1400, 4200) for _, _, name in self.communities}
        self.estates = {name: dice.randint(5, 16) for _, _, name in self.communities}
        # What a department is like on each aspect; the last is how little it interferes.
        self.offices = {d: [dice.gauss(m, 3) for m in (86, 84, 80, 76)] for d in DEPARTMENTS}
        self.kindness = {name: dice.gauss(0, 3) for _, _, name in self.communities}
        self.dealings = {
            d: [name for place, (_, _, name) in enumerate(self.communities) if place % 10 < share * 10 - 1e-9]
            for d, share in DEPARTMENTS.items()
        }
        self.complexes = {
            name: [dice.random() < (0.95 if i < 3 else 0.62) for i in range(len(ELEMENTS))]
            for _, _, name in self.communities
        }
        self.funds = {
            name: self._funds(county, place) for place, (county, _, name) in enumerate(self.communities)
        }

    def _funds(self, county: str, place: int) -> tuple[float, float]:
        """Money for work and to serve residents, in 万元; some communities lie exactly at a floor, some below."""
        floor = 20 if county == CITY_DISTRICT else 10
        work = 8 if place in (11, 29) else 10 if place % 3 == 0 else round(self.dice.uniform(10, 14), 1)
        served = (
            floor - 2.5
            if place in (4, 24, 30)
            else floor
            if place % 4 == 0
            else round(floor * self.dice.uniform(1, 1.3), 1)
        )
        return work, served

    def of(self, county: str) -> list[tuple[str, str]]:
        return [(street, name) for c, street, name in self.communities if c == county]

    @property
    def demo(self) -> list[tuple[str, str]]:
        """County and name of the demonstration communities: the first of each county."""
        return [(c, name) for c, n in DEMO.items() for _, name in self.of(c)[:n]]


def bounded(value: float) -> int:
    return max(0, min(100, round(value)))


def statistics(city: City, period: str, county: str, later: bool) -> list[list[object]]:
    """The county's statistics as an office sends them: a title, units in the header, a total, a note."""
    dice = random.Random(f"{SEED}{period}{county}")
    head = ["序号", "社区名称", "户数(户)", "小区数(个)", "已建党支部小区(个)", "“红色物业”小区(个)", "书记主任一肩挑", "社区工作经费(万元)",
            "服务群众专项经费(万元)", "15分钟生活圈内户数(户)", *[f"服务综合体/{e}" for e in ELEMENTS]]  # fmt: skip
    rows: list[list[object]] = []
    for i, (_, name) in enumerate(city.of(county), 1):
        homes, estates = city.homes[name] + 7 * i * later, city.estates[name] + (later and i % 2)
        branches = min(estates, round(estates * (0.8 + 0.12 * later)))
        red = min(estates, round(estates * (0.5 + 0.2 * later)))
        work, served = city.funds[name]
        work, served = work + 0.2 * later * (work > 10), served + 0.3 * later * (i % 3 == 1)
        if later and work < 10 and dice.random() < 0.6:
            work = 10
        points = ["是" if has or (later and dice.random() < 0.2) else "否" for has in city.complexes[name]]
        written = name.removesuffix("社区") + "社区居委会" if i == 2 else name
        near = round(homes * (0.78 + 0.1 * later))
        rows.append(
            [
                i,
                written,
                homes,
                estates,
                branches,
                red,
                "是" if (i + len(name)) % 7 else "否",
                work,
                served,
                near,
                *points,
            ]
        )
    total = ["", "合计", *[sum(float(str(r[k])) for r in rows) for k in (2, 3, 4, 5)], "", *[round(sum(float(str(r[k])) for r in rows), 1) for k in (7, 8)],
             sum(int(str(r[9])) for r in rows)]  # fmt: skip
    title = f"{county}社区治理和服务创新实验区统计表（{period[:4]}年第{period[-1]}季度）"
    return [[title], head, *rows, total, ["注：经费为全年安排数。"]]


def counties(city: City, later: bool) -> list[list[object]]:
    head = ["县市区", "三个界面/服务界面", "三个界面/工作界面", "三个界面/管理界面", *[f"五类服务/{s}" for s in SERVICES], "社区工作者平均薪酬(元)",
            "当地城镇在岗职工平均工资(元)", "四岗十八级", "特色实验任务(项)", "三级考核/市级", "三级考核/县级", "三级考核/街道级"]  # fmt: skip
    rows: list[list[object]] = [head]
    for place, county in enumerate(STREETS):
        pilot = county in PILOTS
        faces = ["是" if pilot or (later and k < 2) or k == 0 else "否" for k in range(3)]
        kinds = ["是" if pilot or k < 2 + later + place % 2 else "否" for k in range(len(SERVICES))]
        wage = 58000 + 2400 * ((place * 5) % 6)
        pay = wage + (0 if place == 1 else 1500) - (4000 if place == 5 and not later else 0)
        ladder = "是" if later or place < 3 else "否"
        levels = ["是", "是", "是" if later or place % 2 == 0 else "否"]
        rows.append(
            [
                county,
                *faces,
                *kinds,
                pay,
                wage,
                ladder,
                3 if place == 3 and not later else 1 + place % 2,
                *levels,
            ]
        )
    return rows


def two_way(city: City, period: str, later: bool) -> None:
    """Counties rate streets, streets rate communities, communities rate departments."""
    dice = random.Random(f"{SEED}{period}two-way")
    folder = ROOT / "data/raw" / period / "双向联评"
    drift = 1.5 * later
    for county, streets in STREETS.items():
        means = {
            s: sum(city.strength[n] for t, n in city.of(county) if t == s) / k for s, k in streets.items()
        }
        lenient = {"通城县": 6, "通山县": 4}.get(county, 0)
        write_csv(
            folder / f"县评街道_{county}.csv",
            [
                ["考核单位", "街道", "实验区任务得分"],
                *[[county, s, bounded(m + drift + lenient + dice.gauss(0, 2))] for s, m in means.items()],
            ],
        )
        rows: list[list[object]] = [["街道", "社区", "管理事项履行", "服务事项履行"]]
        for street, name in city.of(county):
            strict = {"玛瑙街道": -5, "青金街道": 5}.get(street, 0)
            marks = [bounded(city.strength[name] + drift + strict + dice.gauss(0, 3)) for _ in range(2)]
            rows.append([street, name, *marks])
        write_csv(folder / f"街道评社区_{county}.csv", rows)
    sheet: list[list[object]] = [["社区评估政府部门汇总表"], ["评分社区", "被评部门", *ASPECTS]]
    for office, names in city.dealings.items():
        for name in names:
            marks: list[object] = [
                bounded(m + drift + city.kindness[name] + dice.gauss(0, 5)) for m in city.offices[office]
            ]
            if dice.random() < 0.04:
                marks[dice.randint(0, 3)] = ""
            sheet.append([name, office, *marks])
    write_xlsx(folder / "社区评部门.xlsx", sheet, sheet="汇总", merge="A1:F1")


def experts(city: City, period: str, later: bool) -> None:
    folder = ROOT / "data/raw" / period
    asked = {"4.1": "社会组织与公益创投", "4.2": "志愿服务积分", "6.4": "通报整改"}
    dice = random.Random(f"{SEED}{period}experts")
    for place, expert in enumerate(EXPERTS):
        rows: list[list[object]] = [["县市区", "指标编号", "指标", "得分(0-100)"]]
        for k, county in enumerate(STREETS):
            for code, label in asked.items():
                if (k + place) % 3:
                    rows.append(
                        [
                            county,
                            code,
                            label,
                            bounded(80 + 2 * (k % 3) + 2 * later - place + dice.gauss(0, 3)),
                        ]
                    )
        write_csv(folder / "专家评估" / f"{expert}.csv", rows)
        rows = [["县市区", "社区", "指标编号", "得分(0-100)"]]
        for k, (county, name) in enumerate(city.demo):
            if (k + place) % 3:
                rows.append(
                    [county, name, "5.2", bounded(city.strength[name] + 2 * later - place + dice.gauss(0, 3))]
                )
        write_csv(folder / "示范社区考核" / f"{expert}.csv", rows)


def bulletins(city: City) -> None:
    """Problems that bulletins of the leading group name; the second sheet tells what became of those of the first."""
    dice = random.Random(f"{SEED}bulletins")
    head = ["编号", "县市区", "指标编号", "通报日期", "整改期限", "销号日期", "责任单位"]
    first: list[list[object]] = []
    for i, county in enumerate([*STREETS, CITY_DISTRICT, "崇阳县"], 1):
        found = date(2021, 7, 20) + timedelta(days=dice.randint(0, 20))
        due = found + timedelta(days=45)
        closed: object = found + timedelta(days=dice.randint(15, 60)) if dice.random() < 0.6 else ""
        first.append(
            [
                f"TB2021-{i:02d}",
                county,
                dice.choice(["1.1", "2.1", "2.3", "3.2", "6.4"]),
                found,
                due,
                closed,
                f"{county}实验区办",
            ]
        )
    known = [
        [*r[:5], r[5] if isinstance(r[5], date) and r[5] <= PERIODS["2021Q3"][1] else "", r[6]] for r in first
    ]
    write_csv(ROOT / "data/raw/2021Q3/通报问题清单.csv", [head, *known])
    second = []
    for r in first:
        closed = r[5] or (date(2021, 11, 5) if dice.random() < 0.6 else "")
        second.append([*r[:5], closed, r[6]])
    for i, county in enumerate(["赤壁市", "通城县", "通山县"], len(first) + 1):
        found = date(2021, 11, 8)
        second.append(
            [
                f"TB2021-{i:02d}",
                county,
                dice.choice(["1.3", "3.1", "4.2"]),
                found,
                found + timedelta(days=45),
                "",
                f"{county}实验区办",
            ]
        )
    write_csv(ROOT / "data/raw/2021Q4/通报问题清单.csv", [head, *second])


def online(city: City) -> None:
    """Residents' ratings of both quarters as small files: one a fortnight, late ones, repeats, a contradiction, a clock that runs ahead."""
    dice = random.Random(f"{SEED}online")
    head = ["评价编号", "县市区", "社区", "评价时间", "评价事项", "评分(1-5)"]
    rows: list[tuple[date, list[object]]] = []
    start, end = PERIODS["2021Q3"][0], PERIODS["2021Q4"][1]
    number = 0
    for day in range((end - start).days + 1):
        on = start + timedelta(days=day)
        for county in PILOTS:
            for _ in range(dice.choice([3, 4, 5]) if county == CITY_DISTRICT else dice.choice([2, 3, 4])):
                number += 1
                name = dice.choice([n for _, n in city.of(county)])
                pleased = 0.84 + (city.strength[name] - 84) / 60
                if county == "崇阳县" and date(2021, 11, 8) <= on <= date(2021, 11, 21):
                    pleased = 0.42  # two bad weeks that the chart has to find
                mark = dice.choice([4, 5, 5]) if dice.random() < pleased else dice.choice([1, 2, 3, 3])
                at = datetime(on.year, on.month, on.day, dice.randint(7, 21), dice.randint(0, 59))
                lag = 0 if dice.random() < 0.97 else dice.randint(8, 30)
                rows.append(
                    (
                        on + timedelta(days=lag),
                        [f"R{number:05d}", county, name, f"{at:%Y-%m-%d %H:%M}", dice.choice(KINDS), mark],
                    )
                )
    batches: dict[date, list[list[object]]] = {}
    for arrived, row in rows:
        stamp = min(start + timedelta(days=((arrived - start).days // 14) * 14 + 13), end)
        batches.setdefault(stamp, []).append(row)
    stamps = sorted(batches)
    for here, after in itertools.pairwise(stamps):
        batches[after] += [list(r) for r in batches[here][:6]]  # a phone sends its last rows again
    changed = list(batches[stamps[8]][7])
    batches[stamps[9]].append([*changed[:5], 1 if changed[5] != 1 else 5])  # one number, one time, two marks
    batches[stamps[9]].append(["R90001", "咸安区", city.of("咸安区")[0][1], "2031-11-03 09:20", KINDS[0], 5])
    for stamp, batch in batches.items():
        dice.shuffle(batch)
        period = next(p for p, (a, b) in PERIODS.items() if a <= stamp <= b)
        write_csv(ROOT / "data/raw" / period / "在线评价" / f"{stamp:%Y%m%d}.csv", [head, *batch], "utf-8")


def points(city: City) -> None:
    """The points of volunteers: what each earned and spent, and the balances that communities state."""
    dice = random.Random(f"{SEED}points")
    places = [(c, n) for c in (*PILOTS, "赤壁市") for _, n in city.of(c)[:2]]
    people = [(c, n, f"V{i:03d}") for i, (c, n) in enumerate((p for p in places for _ in range(5)), 1)]
    balance = dict.fromkeys([v for _, _, v in people], 0)
    number = 0
    for period, (start, end) in PERIODS.items():
        opening, rows = dict(balance), []
        for county, name, who in people:
            for on in sorted(
                start + timedelta(days=dice.randint(0, (end - start).days)) for _ in range(dice.randint(4, 8))
            ):
                spend = balance[who] >= 20 and dice.random() < 0.4
                amount = dice.choice([10, 20]) if spend else dice.choice([2, 3, 4, 5, 8, 10])
                balance[who] += -amount if spend else amount
                number += 1
                rows.append(
                    [
                        f"J{number:05d}",
                        county,
                        name,
                        who,
                        f"{on:%Y-%m-%d}",
                        "兑换" if spend else "获得",
                        amount,
                    ]
                )
        stated = dict(balance)
        if period == "2021Q4":
            rows.append(list(rows[10]))  # entered twice, by its number
            again = list(rows[25])
            number += 1
            rows.append([f"J{number:05d}", *again[1:]])  # entered twice under two numbers
            county, name, who = people[3]
            number += 1
            rows.append(
                [f"J{number:05d}", county, name, who, "2021-12-20", "兑换", balance[who] + 12]
            )  # more than there is
            opening[people[7][2]] += 5  # an opening balance that is not the closing one before
        head = ["流水号", "县市区", "社区", "志愿者编号", "日期", "类别", "积分"]
        write_csv(ROOT / "data/raw" / period / "志愿积分/积分流水.csv", [head, *rows])
        lines: list[list[object]] = [["县市区", "社区", "志愿者编号", "期初结余", "期末结余"]]
        lines += [[c, n, v, opening[v], stated[v]] for c, n, v in people]
        for label, column in (("期初", 3), ("期末", 4)):
            part = [[r[0], r[1], r[2], r[column]] for r in lines[1:]]
            write_csv(
                ROOT / "data/raw" / period / f"志愿积分/{label}结余.csv",
                [["县市区", "社区", "志愿者编号", "结余"], *part],
            )


def register(city: City) -> None:
    folder = ROOT / "data/register"
    rows: list[list[object]] = [
        ["unit", "level", "parent", "name", "code", "type", "group", "valid_from", "valid_to"]
    ]

    def line(unit: str, level: str, parent: str, name: str, kind: str = "") -> None:
        rows.append([unit, level, parent, name, "", kind, "", "", ""])

    line(CITY, "city", "", CITY)
    for county in STREETS:
        line(county, "district", CITY, county)
    for county, streets in STREETS.items():
        for street in streets:
            line(f"{county}/{street}", "street", county, street)
    for county, street, name in city.communities:
        kind = "city_district" if county == CITY_DISTRICT else "other"
        line(f"{county}/{name}", "community", f"{county}/{street}", name, kind)
    for office in DEPARTMENTS:
        line(office, "department", CITY, office)
    write_csv(folder / "units.csv", rows, "utf-8")
    write_csv(
        folder / "aliases.csv",
        [["alias", "unit"], ["咸安", "咸安区"], ["市城市管理执法委员会", "市城管委"]],
        "utf-8",
    )
    write_csv(folder / "review.csv", [["found", "unit"]], "utf-8")
    applied = [[f"{c}/{n}", "2021-07-15"] for c, n in city.demo]
    write_csv(folder / "candidates.csv", [["unit", "applied_on"], *applied], "utf-8")


def main() -> None:
    city = City(random.Random(SEED))
    register(city)
    for period in PERIODS:
        later = period == "2021Q4"
        raw = ROOT / "data/raw" / period
        for county in STREETS:
            sheet = statistics(city, period, county, later)
            if county in ("咸安区", "通山县"):
                write_xlsx(raw / "社区统计" / f"{county}.xlsx", sheet, sheet="统计表", merge="A1:T1")
            else:
                write_csv(
                    raw / "社区统计" / f"{county}.csv",
                    sheet,
                    "gb18030" if county == "嘉鱼县" else "utf-8-sig",
                )
        write_csv(raw / "县市区情况表.csv", counties(city, later))
        two_way(city, period, later)
        experts(city, period, later)
    bulletins(city)
    online(city)
    points(city)
    rows: list[list[object]] = [["file", "sha256", "received", "from", "licence", "rows"]]
    licence = f"MIT, fabricated by tools/templates/xianning.py (seed {SEED})"
    for path in sorted((ROOT / "data/raw").rglob("*")):
        if path.is_file() and path.name != "SOURCES.csv":
            given = path.read_bytes()
            n = (
                given.count(b"\n") - 1
                if path.suffix == ".csv"
                else openpyxl.load_workbook(path).worksheets[0].max_row - 2
            )
            received = PERIODS[path.relative_to(ROOT / "data/raw").parts[0]][1] + timedelta(days=8)
            rows.append(
                [
                    path.relative_to(ROOT).as_posix(),
                    hashlib.sha256(given).hexdigest(),
                    received,
                    "实验区办(模拟)",
                    licence,
                    n,
                ]
            )
    write_csv(ROOT / "data/raw/SOURCES.csv", rows, "utf-8")


if __name__ == "__main__":
    main()
