"""What experts and offices judge: AHP, Delphi, rating sheets, the ledger of problems, two-way evaluation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sampledata.forms import plain_sheet, workbook, write_csv
from sampledata.places import PERIODS, City, District, stream
from sampledata.standards import NOT_RATED, PRIMARY, RURAL_ONLY, STANDARDS

EXPERTS = {"kunming": 12, "tiny": 4}
"""Experts who judge weights and answer the Delphi rounds."""
ASSESSORS = {"kunming": 8, "tiny": 3}
"""Experts who rate candidates."""
ERRATIC = (5, 11)
"""Experts whose comparisons contradict themselves (consistency ratio above 0.1)."""

_TRUTH = {
    "total": (0.30, 0.27, 0.24, 0.19),
    "Ⅰ-1": (0.34, 0.20, 0.28, 0.18),
    "Ⅰ-2": (0.24, 0.28, 0.14, 0.20, 0.14),
    "Ⅰ-3": (0.30, 0.28, 0.18, 0.24),
    "Ⅰ-4": (0.28, 0.30, 0.26, 0.16),
}
"""Weights that the experts scatter around, invented."""


def expert(number: int) -> str:
    return f"专家{number:02d}"


def _saaty(ratio: float) -> int:
    """The nearest step of the 1-9 scale: 3 for 3 times, -3 for a third."""
    step = int(np.clip(round(max(ratio, 1 / ratio)), 1, 9))
    return step if ratio >= 1 or step == 1 else -step


def ahp(city: City, folder: Path) -> dict[Path, int]:
    """A workbook an expert, a sheet for each node, full square matrices with fractions below the diagonal."""
    written = {}
    for number in range(1, EXPERTS[city.size] + 1):
        path = folder / "专家判断" / f"AHP_{expert(number)}.xlsx"
        book = workbook(path)
        rng = stream(city.seed, "ahp", number)
        for node, truth in _TRUTH.items():
            codes = list(PRIMARY) if node == "total" else [f"Ⅱ-{k}" for k in PRIMARY[node]]
            noise = 1.0 if number in ERRATIC else 0.22
            own = np.array(truth) * np.exp(rng.normal(0, 0.25, len(truth)))
            cells: list[list[object]] = [
                [1 if i == j else None for j in range(len(codes))] for i in range(len(codes))
            ]
            for i in range(len(codes)):
                for j in range(i + 1, len(codes)):
                    step = _saaty((own[i] / own[j]) ** 1.3 * np.exp(rng.normal(0, noise)))
                    cells[i][j] = step if step > 0 else f"1/{-step}"
                    cells[j][i] = -step if step < 0 else (1 if step == 1 else f"1/{step}")
            labels = [(node,), *((c,) for c in codes)]
            plain_sheet(book, node, labels, [[c, *row] for c, row in zip(codes, cells, strict=True)])
        book.close()
        written[path] = sum(len(t) for t in _TRUTH.values())
    return written


def delphi(city: City, folder: Path) -> dict[Path, int]:
    """Two rounds on the 54 standards; in the second the answers have moved together."""
    head = ["专家", "标准编号", "考评标准", "重要性(1-5)", "熟悉程度", "判断依据"]
    written = {}
    importance = stream(city.seed, "delphi").normal(4.1, 0.45, len(STANDARDS))
    for number, name in ((1, "德尔菲第一轮.xlsx"), (2, "德尔菲第二轮.csv")):
        rows: list[list[object]] = []
        for e in range(1, EXPERTS[city.size] + 1):
            rng = stream(city.seed, "delphi", number, e)
            lean = rng.normal(0, 0.2)
            for (code, (label, _)), level in zip(STANDARDS.items(), importance, strict=True):
                answer: object = int(
                    np.clip(round(level + lean + rng.normal(0, 0.8 if number == 1 else 0.4)), 1, 5)
                )
                if number == 1 and rng.random() < 0.01:
                    answer = None
                rows.append(
                    [
                        expert(e),
                        code,
                        label,
                        answer,
                        rng.choice([1.0, 0.8, 0.6]).item(),
                        rng.choice([1.0, 0.9, 0.8]).item(),
                    ]
                )
        path = folder / "德尔菲" / name
        if path.suffix == ".csv":
            write_csv(path, [head, *rows], encoding="utf-8-sig")
        else:
            book = workbook(path)
            plain_sheet(book, "意见表", [(h,) for h in head], rows)
            book.close()
        written[path] = len(rows)
    return written


def _score_sheet(
    path: Path, title: str, columns: Sequence[tuple[str, ...]], scores: dict[str, list[float | None]]
) -> dict[Path, int]:
    head: list[tuple[str, ...]] = [("标准编号",), ("考评标准",), ("考评方式",), *columns]
    rows = [[code, *STANDARDS[code], *row] for code, row in scores.items()]
    book = workbook(path)
    sheet = plain_sheet(book, "评分表", head, rows, title=title)
    sheet.words({0: "注:每项满分100分;不涉及的标准留空。"})
    book.close()
    return {path: len(rows)}


def ratings(city: City, period: str, folder: Path) -> dict[Path, int]:
    """Self and district sheets a district, one sheet an expert; every candidate has two experts or three."""
    rated = city.rated(period).reset_index(drop=True)
    merit = np.array([_merit(city, period, row.unit, row.quality, row.type) for row in rated.itertuples()])
    written: dict[Path, int] = {}

    def sheet(where: np.ndarray, shift: float, noise: float, *keys: object) -> dict[str, list[float | None]]:
        rng = stream(city.seed, "rater", period, *keys)
        seen = np.clip(
            np.rint(merit[where] + shift + rng.normal(0, noise, (len(where), len(STANDARDS)))), 30, 100
        )
        gone = np.isnan(merit[where]) | (rng.random(seen.shape) < 0.004)
        return {
            code: [None if gone[i, k] else float(seen[i, k]) for i in range(len(where))]
            for k, code in enumerate(STANDARDS)
        }

    for district in city.districts:
        where = np.flatnonzero(rated["district"] == district.name)
        names = [(n,) for n in rated.loc[where, "name"]]
        base = folder / "评分表"
        lift = 6.5 + stream(city.seed, "lift", district.name).normal(0, 2.0)
        path = base / "社区自评" / f"{district.name}.xlsx"
        written |= _score_sheet(
            path, f"{district.name}试点社区自评表", names, sheet(where, lift, 2.0, "self", district.name)
        )
        path = base / "区县初评" / f"{district.name}.xlsx"
        written |= _score_sheet(
            path, f"{district.name}初评表", names, sheet(where, 3.0, 2.5, "district", district.name)
        )
    total = ASSESSORS[city.size]
    pairs: dict[int, list[int]] = {e: [] for e in range(total)}
    for i in range(len(rated)):
        second = (i + 1 + (i // total) % (total - 1)) % total
        third = [(second + 1) % total] if i % 3 == 0 else []
        for e in dict.fromkeys([i % total, second, *third]):
            pairs[e].append(i)
    for e, members in pairs.items():
        where = np.array(members)
        severity = stream(city.seed, "severity", e).normal(0, 2.2)
        columns = [tuple(u.split("/")) for u in rated.loc[where, "unit"]]
        path = folder / "评分表" / "专家评分" / f"{expert(e + 1)}.xlsx"
        written |= _score_sheet(
            path, f"专家评分表({expert(e + 1)})", columns, sheet(where, severity, 3.0, "expert", e)
        )
    return written


def _merit(city: City, period: str, unit: str, quality: float, kind: str) -> np.ndarray:
    """True score of a candidate by standard; NaN where nobody can rate it."""
    level = stream(city.seed, "standards").normal(79, 4.0, len(STANDARDS))
    own = stream(city.seed, "merit", unit)
    score = level + 5.0 * quality + own.normal(0, 3.5, len(STANDARDS)) + 1.5 * PERIODS.index(period)
    gone = NOT_RATED.get(unit.partition("/")[0], ()) + (RURAL_ONLY if kind == "urban" else ())
    return np.where([code in gone for code in STANDARDS], np.nan, score)


_FAULTS = (
    ("Ⅱ-10.2", "绿化带垃圾未及时清理"),
    ("Ⅱ-10.3", "楼道堆放杂物,占用消防通道"),
    ("Ⅱ-10.3", "部分住户私装铁门"),
    ("Ⅱ-13.3", "老旧小区无物业管理"),
    ("Ⅱ-3.3", "居民小组长缺额未补"),
    ("Ⅱ-11.1", "服务用房面积不足"),
    ("Ⅱ-14.4", "考评结果未公开"),
    ("Ⅱ-9.1", "自助终端停用"),
    ("Ⅱ-16.2", "社区工作者培训不足"),
    ("Ⅱ-8.3", "调解台账不完整"),
)
_ORIGINS = ("专项督查", "居民反映", "网格巡查", "考评发现")
_OFFICES = ("街道办事处", "区城管局", "区消防大队", "区住建局", "区民政局")


def _problems(city: City, district: District) -> pd.DataFrame:
    """Every problem of the half-year with all its dates."""
    rng = stream(city.seed, "problems", district.name)
    communities = city.of(district.name)
    rows = []
    for number in range(1, 3 + district.total // 8 + 1):
        found = dt.date(2019, 7, 1) + dt.timedelta(days=int(rng.integers(0, 175)))
        due = found + dt.timedelta(days=int(rng.choice([15, 30, 45])))
        closed = found + dt.timedelta(days=int(rng.gamma(3.0, 9.0)) + 3) if rng.random() < 0.85 else None
        again = (
            closed + dt.timedelta(days=int(rng.integers(5, 20))) if closed and rng.random() < 0.12 else None
        )
        checked = (
            closed + dt.timedelta(days=int(rng.integers(2, 12)))
            if closed and not again and rng.random() < 0.7
            else None
        )
        code, words = _FAULTS[int(rng.integers(len(_FAULTS)))]
        name = communities["name"].iloc[int(rng.integers(len(communities)))]
        rows.append(
            (
                f"{district.code}-{number:03d}",
                name,
                code,
                words,
                rng.choice(_ORIGINS),
                found,
                due,
                closed,
                again,
                checked,
                rng.choice(_OFFICES),
            )
        )
    names = ["id", "name", "code", "words", "origin", "found", "due", "closed", "again", "checked", "office"]
    return pd.DataFrame(rows, columns=names)


def problems(city: City, period: str, folder: Path) -> dict[Path, int]:
    """The ledger as it stood at the quarter's end: what was found since, and what was still open before."""
    end = dt.date(2019, 9, 30) if period == PERIODS[0] else dt.date(2019, 12, 31)
    start = dt.date(2019, 7, 1) if period == PERIODS[0] else dt.date(2019, 10, 1)
    head = (
        "问题编号",
        "社区名称",
        "标准编号",
        "问题描述",
        "问题来源",
        "发现日期",
        "整改期限",
        "办结日期",
        "重新交办日期",
        "复核日期",
        "责任单位",
    )
    written = {}
    for district in city.districts:
        rows = []
        for p in _problems(city, district).itertuples(index=False):
            known = [d if d and d <= end else None for d in (p.closed, p.again, p.checked)]
            settled = p.closed and p.closed < start and not (p.again and p.again >= start)
            if p.found > end or settled:
                continue
            dates = [p.found, p.due, *known]
            rows.append(
                [
                    p.id,
                    p.name,
                    p.code,
                    p.words,
                    p.origin,
                    *(d.isoformat() if d else None for d in dates),
                    p.office,
                ]
            )
        path = folder / "问题台账" / f"{district.name}.xlsx"
        book = workbook(path)
        plain_sheet(book, "台账", [(h,) for h in head], rows, title=f"{district.name}问题整改台账")
        book.close()
        written[path] = len(rows)
    return written


_ASPECTS = ("指导", "服务", "经费", "行政干预")


def two_way(city: City, period: str, folder: Path) -> dict[Path, int]:
    """District and communities rate each other (only in the tiny study)."""
    head = ("评价方", "被评方", "评价方面", "得分")
    rows: list[list[object]] = []
    for district in city.districts:
        rng = stream(city.seed, "two-way", district.name, period)
        for unit in city.of(district.name)["unit"]:
            for aspect in _ASPECTS:
                rows.append([unit, district.name, aspect, int(np.clip(rng.normal(84, 7), 40, 100))])
            rows.append([district.name, unit, "履职", int(np.clip(rng.normal(86, 6), 40, 100))])
    path = folder / "双向评价" / "双向评价汇总.xlsx"
    book = workbook(path)
    plain_sheet(book, "汇总", [(h,) for h in head], rows, title="履职履约双向评价汇总表")
    book.close()
    return {path: len(rows)}


def lists(city: City, period: str, folder: Path) -> dict[Path, int]:
    """Needs, resources and services (only in the tiny study)."""
    first, last = city.districts[0].name, city.districts[-1].name
    rows = [
        ["清单", "适用范围", "主题", "事项"],
        ["需求清单", "common", "养老", "社区食堂"],
        ["需求清单", first, "停车", "增设停车位"],
        ["需求清单", last, "环境", "污水管网改造"],
        ["资源清单", "common", "场地", "中小学操场开放"],
        ["资源清单", first, "队伍", "退休教师志愿队"],
        ["服务清单", "common", "政务", "证明代办"],
        ["服务清单", last, "医疗", "村医巡诊"],
    ]
    path = folder / "清单" / "三张清单.csv"
    write_csv(path, rows, encoding="utf-8")
    return {path: len(rows) - 1}
