"""Write the sample files of the Yunnan template: the same seed gives the same bytes.

Usage: python tools/templates/yunnan.py

Sixteen prefectures over twelve quarters: a quarterly report each; for 2021 also a ledger of matters, and for the last quarter the list of
townships (1,410, all names invented), the register of stations, and what two more departments count in the same townships. Every
value is fabricated; which prefecture has how many townships is invented too. Nothing is about a real place.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import xlsxwriter

ROOT = Path(__file__).resolve().parents[2] / "commlab/templates/yunnan"
SEED = 20210628
PROVINCE = "云南省"
PERIODS = [f"{year}Q{quarter}" for year in range(2018, 2022) for quarter in range(1, 5)][2:14]
LISTED = PERIODS[-2:]
LEDGER_FROM = date(2020, 7, 1)
TOWNSHIPS = 1410
# name, full name, type, residents (10,000), townships by invented weight, communities and villages
PLACES = [
    ("昆明市", "昆明市", "first", 846, 10.0),
    ("曲靖市", "曲靖市", "other", 577, 9.5),
    ("玉溪市", "玉溪市", "first", 225, 5.3),
    ("保山市", "保山市", "second", 243, 5.2),
    ("昭通市", "昭通市", "other", 509, 10.2),
    ("丽江市", "丽江市", "second", 125, 4.6),
    ("普洱市", "普洱市", "second", 241, 7.2),
    ("临沧市", "临沧市", "other", 226, 5.4),
    ("楚雄州", "楚雄彝族自治州", "other", 242, 7.2),
    ("红河州", "红河哈尼族彝族自治州", "other", 448, 9.2),
    ("文山州", "文山壮族苗族自治州", "other", 350, 7.3),
    ("西双版纳州", "西双版纳傣族自治州", "other", 130, 2.2),
    ("大理州", "大理白族自治州", "first", 334, 7.6),
    ("德宏州", "德宏傣族景颇族自治州", "other", 132, 3.6),
    ("怒江州", "怒江傈僳族自治州", "other", 55, 2.1),
    ("迪庆州", "迪庆藏族自治州", "other", 39, 2.1),
]
RISES = {"红河州": ("2020Q4", 1.6), "昭通市": ("2021Q1", 1.9), "普洱市": ("2021Q2", 1.25)}
"""Where matters rise, from which quarter and how much: one plainly, one late, one too little to be seen."""
FIRST = "青碧翠晴霞岚溪泉竹霓桐榕荷芷禾稻麦葵菱椒"
SECOND = "岭坪坝箐涧屏峰原湾塘"
ORIGINS = {"12345热线": "Y2.1", "网格上报": "Y1.1", "城市大脑预警": "Y1.1", "群众来访": "Y2.1"}
"""Where a matter comes from: found by a warning (Y1.1), or brought by residents (Y2.1)."""
BODIES = ["政务服务部门", "住房城乡建设部门", "民政部门", "综治部门"]
OPERATORS = ["委托社会组织", "乡镇(街道)自营"]


def write_csv(path: Path, rows: Sequence[Sequence[object]], encoding: str = "utf-8-sig") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def write_xlsx(path: Path, rows: Sequence[Sequence[object]], *, title: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    book = xlsxwriter.Workbook(str(path))
    book.set_properties({"created": datetime(2021, 7, 1)})
    sheet, days = book.add_worksheet("台账"), book.add_format({"num_format": "yyyy-mm-dd"})
    if title:
        sheet.merge_range(0, 0, 0, len(rows[0]) - 1, title)
    for r, row in enumerate(rows, int(bool(title))):
        for c, value in enumerate(row):
            if isinstance(value, date):
                sheet.write_datetime(r, c, datetime.combine(value, datetime.min.time()), days)
            elif isinstance(value, (int, float)):
                sheet.write_number(r, c, value)
            elif value:
                sheet.write_string(r, c, str(value))
    book.close()


def ends(period: str) -> date:
    year, quarter = int(period[:4]), int(period[-1])
    return date(year + quarter // 4, quarter * 3 % 12 + 1, 1) - timedelta(days=1)


def shares() -> list[int]:
    """Townships of each prefecture, adding up to the printed number."""
    weights = np.array([p[4] for p in PLACES])
    exact = weights / weights.sum() * TOWNSHIPS
    counts = np.floor(exact).astype(int)
    counts[np.argsort(counts - exact, kind="stable")[: TOWNSHIPS - counts.sum()]] += 1
    return counts.tolist()


def townships(dice: np.random.Generator) -> dict[str, list[tuple[str, int]]]:
    """Invented names with their number of communities and villages."""
    out = {}
    for place, count in zip(PLACES, shares(), strict=True):
        picked = dice.choice(len(FIRST) * len(SECOND), size=count, replace=False)
        kinds = dice.choice(["镇", "乡", "街道"], size=count, p=[0.5, 0.35, 0.15])
        sizes = dice.integers(4, 18, size=count)
        names = [FIRST[i // len(SECOND)] + SECOND[i % len(SECOND)] for i in picked.tolist()]
        out[place[0]] = [(n + k, s) for n, k, s in zip(names, kinds.tolist(), sizes.tolist(), strict=True)]
    return out


REPORT = [
    "州(市)", "常住人口(万人)", "城乡社区(个)", "村委会(个)", "预警事项(件)", "按时上报(件)", "应对接系统(个)", "已对接系统(个)",
    "到期应办结(件)", "按期办结(件)", "办结(件)", "未重新交办(件)", "已回访(件)", "应复盘县(市、区)(个)", "已复盘县(市、区)(个)", "改进措施(项)",
    "大党委议事会应召开(次)", "大党委议事会已召开(次)", "乡镇(街道)(个)",
    "依法履职清单(个)", "协助政府事项清单(个)", "准入清单(个)", "小微权力清单(个)", "协商内容清单(个)",
]  # fmt: skip
STATIONS = "已建社工站的乡镇(街道)(个)"


def quarterly(
    period: str,
    lists: dict[str, list[tuple[str, int]]],
    opened: dict[str, list[date | None]],
    dice: np.random.Generator,
) -> list[list[object]]:
    """The report of one quarter: a row a prefecture."""
    late, age, end = period in LISTED, PERIODS.index(period), ends(period)
    rows: list[list[object]] = [[*REPORT, *([STATIONS] if period >= "2021Q1" else [])]]
    for number, (name, full, kind, people, _) in enumerate(PLACES):
        strength = 0.72 + 0.2 * ((number * 7) % 16) / 15 + 0.006 * age
        since, factor = RISES.get(name, ("9999", 1.0))
        alerts = int(dice.poisson((14 + people / 9) * (factor if period >= since else 1.0)))
        part = lambda n, p: int(dice.binomial(n, min(p, 0.995)))  # noqa: E731
        communities = sum(size for _, size in lists[name])
        villages = round(communities * 0.8)
        due = round(alerts * 1.6)
        closed = part(round(alerts * 1.7), 0.93)
        systems = 24 if kind == "first" else ""
        counties = 5 + number % 8
        meetings = round(communities * (0.86 + 0.01 * age)) * 3  # a committee, three months
        listed = [part(n, strength + step) for n, step in ((communities, 0.06), (communities, 0.05), (communities, 0.03), (villages, 0.08), (communities, -0.05))]  # fmt: skip
        row: list[object] = [
            full if late and number % 3 == 2 else name, people + round(0.3 * age * (1 if number % 4 else -1), 1), communities, villages,
            alerts, part(alerts, strength + 0.08), systems, part(24, 0.2 + 0.06 * age) if systems else "",
            due, part(due, strength), closed, part(closed, 0.9), part(closed, strength), counties, part(counties, strength + 0.05), int(dice.integers(1, 9)),
            meetings, part(meetings, strength + 0.1), len(lists[name]), *listed,
        ]  # fmt: skip
        if period >= "2021Q1":
            row.append(sum(1 for day in opened[name] if day and day <= end))
        rows.append(row)
    return rows


def ledger(period: str, problems: list[dict[str, object]]) -> list[list[object]]:
    """What the ledger says at the end of a quarter; a reopened matter has a second row."""
    end = ends(period)
    rows: list[list[object]] = [["事项编号", "州(市)", "对应指标", "来源", "责任单位", "发现日期", "办理期限", "办结日期", "重新交办日期", "复核日期"]]  # fmt: skip
    known = lambda day: day if isinstance(day, date) and day <= end else ""  # noqa: E731
    for p in problems:
        if not known(p["found"]):
            continue
        head = [p["number"], p["place"], p["code"], p["origin"], p["body"]]
        rows.append([*head, p["found"], p["due"], known(p["closed"]), "", known(p["verified"])])
        if known(p["again"]):
            rows.append([*head, "", p["due again"], known(p["closed again"]), p["again"], ""])
    return rows


def matters(dice: np.random.Generator) -> list[dict[str, object]]:
    """Invented matters of the last four quarters: some slow, some reopened, some open to the end."""
    out = []
    for number, (name, _, _, people, _) in enumerate(PLACES):
        slow = 14 + 2.5 * ((number * 5) % 16)
        for n in range(int(dice.integers(9, 13) + people // 160)):
            found = LEDGER_FROM + timedelta(days=int(dice.integers(0, 358)))
            closed = found + timedelta(days=1 + int(dice.gamma(2.0, slow / 2.0)))
            again = closed + timedelta(days=int(dice.integers(5, 40))) if dice.random() < 0.12 else None
            origin = list(ORIGINS)[int(dice.integers(4))]
            verified = (
                closed + timedelta(days=int(dice.integers(2, 12)))
                if dice.random() < 0.7 and not again
                else None
            )
            out.append({
                "number": f"{530100 + number * 100}-{n + 1:02d}", "place": name, "origin": origin, "code": ORIGINS[origin],
                "body": BODIES[int(dice.integers(4))], "found": found, "due": found + timedelta(days=30), "closed": closed,
                "again": again, "due again": again + timedelta(days=15) if again else "",
                "closed again": again + timedelta(days=1 + int(dice.gamma(2.0, slow / 3.0))) if again else "", "verified": verified or "",
            })  # fmt: skip
    return out


def openings(
    lists: dict[str, list[tuple[str, int]]], dice: np.random.Generator
) -> dict[str, list[date | None]]:
    """Day on which the station of each township opened; None: not by the middle of 2021."""
    out: dict[str, list[date | None]] = {}
    for number, (name, towns) in enumerate(lists.items()):
        missing = 0 if number % 3 else 1 + number % 4
        days: list[date | None] = [
            date(2021, 1, 10) + timedelta(days=int(d)) for d in dice.integers(0, 171, len(towns))
        ]
        for i in dice.choice(len(towns), size=missing, replace=False):
            days[int(i)] = None
        out[name] = days
    return out


def written(name: str, place: str, dice: np.random.Generator) -> str:
    """How a department writes a township."""
    roll = dice.random()
    if roll < 0.12:
        return name + ("办事处" if name.endswith("街道") else "人民政府")
    if roll < 0.18:
        return place + name
    if roll < 0.21 and name.endswith("镇"):
        return name[:-1] + "乡"  # before it became a town
    return name


def departments(
    period: str,
    lists: dict[str, list[tuple[str, int]]],
    raw: Path,
    opened: dict[str, list[date | None]],
    dice: np.random.Generator,
) -> None:
    """The lists of townships and stations, and what the other departments count."""
    end = ends(period)
    full = {name: (other if i % 2 else name) for i, (name, other, *_) in enumerate(PLACES)}
    base: list[list[object]] = [["州(市)", "乡镇(街道)", "村(社区)数(个)", "填报日期"]]
    stations: list[list[object]] = [["州(市)", "乡镇(街道)", "挂牌日期", "运营方式", "驻站社工(人)"]]
    grid, party = [list(base[0])], [list(base[0])]
    for place, towns in lists.items():
        for (name, size), day in zip(towns, opened[place], strict=True):
            base.append([place, name, size, end - timedelta(days=int(dice.integers(3, 20)))])
            if day and day <= end:
                stations.append([full[place], written(name, place, dice), day, OPERATORS[int(dice.random() < 0.4)], int(dice.integers(1, 5))])  # fmt: skip
            if dice.random() < 0.97:
                told = size + (int(dice.integers(1, 4)) if dice.random() < 0.08 else 0)
                on = end + timedelta(days=int(dice.integers(-12, 12)))
                grid.append([full[place], written(name, place, dice), told if dice.random() > 0.004 else 999, on])  # fmt: skip
                if dice.random() < 0.012:
                    grid.append([full[place], name, told + int(dice.integers(0, 2)), on])
            if place != "怒江州" and dice.random() < 0.99:
                party.append([place, written(name, place, dice), size - (1 if dice.random() < 0.03 else 0), end + timedelta(days=int(dice.integers(-15, 9)))])  # fmt: skip
    stations += [["昆明市", "云上新区管委会", date(2021, 5, 18), OPERATORS[0], 2], [full["曲靖市"], lists["曲靖市"][0][0], date(2021, 6, 3), OPERATORS[0], 1]]  # fmt: skip
    grid.append(["大理州", "云上示范园", 6, end])
    write_xlsx(raw / "省民政厅/乡镇街道名录.xlsx", base)
    write_xlsx(raw / "省民政厅/社工站台账.xlsx", stations, title="2021年第二季度社工站台账")
    write_xlsx(raw / "省委政法委/网格台账.xlsx", grid)
    write_xlsx(raw / "省委组织部/大党委台账.xlsx", party)


def sources(raw: Path) -> None:
    """Where every raw file is from."""
    rows: list[list[object]] = [["file", "sha256", "received", "from", "licence", "rows"]]
    for path in sorted(p for p in raw.rglob("*") if p.is_file() and p.name != "SOURCES.csv"):
        told = path.relative_to(ROOT).as_posix()
        office = path.parent.name if path.parent.name.startswith("省") else "省民政厅"
        n = len(path.read_text(encoding="utf-8-sig").splitlines()) - 1 if path.suffix == ".csv" else ""
        received = ends(path.relative_to(raw).parts[0]) + timedelta(days=10)
        rows.append([told, hashlib.sha256(path.read_bytes()).hexdigest(), received, f"{office}(模拟)", f"MIT, fabricated by tools/templates/yunnan.py (seed {SEED})", n])  # fmt: skip
    write_csv(raw / "SOURCES.csv", rows, "utf-8")


def main() -> None:
    dice = np.random.default_rng(SEED)
    lists = townships(dice)
    opened = openings(lists, dice)
    problems = matters(dice)
    register = ROOT / "data/register"
    units: list[list[object]] = [["unit", "level", "parent", "name", "code", "type", "group", "valid_from", "valid_to"]]  # fmt: skip
    units.append([PROVINCE, "city", "", PROVINCE, "", "", "", "", ""])
    units += [[name, "district", PROVINCE, name, "", kind, "", "", ""] for name, _, kind, *_ in PLACES]
    write_csv(register / "units.csv", units, "utf-8")
    write_csv(register / "aliases.csv", [["alias", "unit"], ["版纳州", "西双版纳州"]], "utf-8")
    write_csv(register / "review.csv", [["found", "unit"]], "utf-8")
    for period in PERIODS:
        raw = ROOT / "data/raw" / period
        rows = quarterly(period, lists, opened, dice)
        if period == PERIODS[-1]:
            total: list[object] = ["合计", *(sum(v for v in column if isinstance(v, (int, float))) for column in list(zip(*rows[1:], strict=True))[1:])]  # fmt: skip
            rows[12][0] = "版纳州"
            write_xlsx(raw / "全周期管理季报.xlsx", [*rows, total], title="2021年第二季度全周期管理季报")
        else:
            write_csv(raw / "全周期管理季报.csv", rows)
        if period in LISTED:
            write_csv(raw / "事项台账.csv", ledger(period, problems))
    departments(PERIODS[-1], lists, ROOT / "data/raw" / PERIODS[-1], opened, dice)
    sources(ROOT / "data/raw")


if __name__ == "__main__":
    main()
