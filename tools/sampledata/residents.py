"""The residents' questionnaire as the survey platform exports it (问卷星, text layout)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sampledata.forms import Sheet, workbook
from sampledata.places import FULL_NAMES, PERIODS, City, stream

CANARY = "1380013"
"""Every planted phone number begins so: none of them may ever be found behind intake."""


@dataclass(frozen=True)
class Item:
    """How an item's answers are drawn: shift of its level, shares of don't know and not applicable."""

    shift: float
    dont_know: float
    not_applicable: float = 0.0


ITEMS = {
    "q_clean_conduct": Item(0.05, 0.06),
    "q_service": Item(0.20, 0.02),
    "q_environment": Item(-0.10, 0.01),
    "q_safety": Item(0.25, 0.015),
    "q_property": Item(-0.45, 0.02, 0.14),
    "q_culture": Item(0.0, 0.04),
    "q_committee": Item(0.15, 0.03),
    "q_participation": Item(-0.20, 0.05),
    "q_hearing": Item(-0.35, 0.08, 0.12),
    "q_information": Item(-0.05, 0.04),
    "q_result_disclosure": Item(-0.30, 0.09),
    "q_policy_aware": Item(-0.60, 0.07),
    "q_publicity_aware": Item(-0.25, 0.05),
    "q_overall_satisfaction": Item(0.10, 0.02),
}
CUTS = (-1.75, -0.95, 0.0, 1.10)
"""Latent borders between the five answers."""
LEVEL = 0.45
COMMUNITY_SHOCK = 0.04
"""What moves a whole community from quarter to quarter without any reason."""
BLANK, FAST, STRAIGHT, INATTENTIVE, TWICE, STRANGER = 0.008, 0.015, 0.012, 0.018, 0.006, 0.006
RETURNED = 0.91
"""Share of the issued questionnaires that come back."""
FIELD = {"2019Q3": (dt.datetime(2019, 9, 5), 20), "2019Q4": (dt.datetime(2019, 11, 5), 23)}
"""First day and number of days of field work."""
AGE_BIAS = {"18-24": 0.75, "25-34": 0.85, "35-44": 0.95, "45-54": 1.0, "55-64": 1.2, "65+": 1.3}
"""Who is met at culture centres and estates, against the population."""
SEX_BIAS = {"male": 0.86, "female": 1.14}
AGE_EFFECT = {"18-24": -0.05, "25-34": -0.12, "35-44": -0.06, "45-54": 0.0, "55-64": 0.08, "65+": 0.16}
COMMENTS = (
    "希望增加停车位",
    "老旧小区电梯加装进度太慢",
    "社区工作人员态度很好",
    "建议多组织文化活动",
    "晚上广场舞音乐声音太大",
    "垃圾分类桶太少,经常满溢",
    "希望有社区食堂,方便老人吃饭",
    "流浪猫狗希望有人管",
    "办事比以前方便了",
    "路灯坏了很久没有人修",
    "希望增加儿童活动场地",
    "楼道杂物多,有消防隐患",
    "物业费涨了,服务没有跟上",
    "多公开一些社区经费使用情况",
    "网格员经常上门,很负责",
    "绿化带被占用种菜",
    "希望居民会议放在周末开",
    "电动车充电桩不够用",
    "没有意见",
    "都挺好的",
)
STRANGE = ("不清楚", "外地来办事", "刚搬来不知道", "无")


class _Met:
    """Whom interviewers meet in a district: the census by sex and age, bent by who is about."""

    def __init__(self, district: str, margins: pd.DataFrame) -> None:
        own = margins[margins["unit"] == district]
        p = own["population"] * own["age_band"].map(AGE_BIAS) * own["sex"].map(SEX_BIAS)
        self.p = (p / p.sum()).to_numpy()
        self.sex = own["sex"].to_numpy(dtype=object)
        self.age = own["age_band"].to_numpy(dtype=object)

    def draw(self, n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        who = rng.choice(len(self.p), n, p=self.p)
        old = np.isin(self.age[who], ["55-64", "65+"])
        levels = np.array(["junior", "senior", "college", "degree"])
        homes = np.array(["own", "rent", "other"])
        education = [rng.choice(levels, n, p=p) for p in ([0.22, 0.28, 0.24, 0.26], [0.52, 0.30, 0.12, 0.06])]
        tenure = [rng.choice(homes, n, p=p) for p in ([0.60, 0.34, 0.06], [0.84, 0.10, 0.06])]
        return {
            "sex": self.sex[who],
            "age_band": self.age[who],
            "education": np.where(old, education[1], education[0]),
            "tenure": np.where(old, tenure[1], tenure[0]),
            "hukou": rng.choice(["local", "other"], n, p=[0.76, 0.24]),
        }


def answers(city: City, period: str, margins: pd.DataFrame) -> pd.DataFrame:
    """One row an answer: unit, demographics, item codes (98 don't know, 97 not applicable, NaN blank)."""
    later = PERIODS.index(period)
    parts: list[dict[str, np.ndarray]] = []
    for district in city.districts:
        met = _Met(district.name, margins)
        for row in city.of(district.name).query("sampled").itertuples():
            rng = stream(city.seed, "doorstep", row.unit, period)
            n = int(rng.binomial(int(row.issued), RETURNED))
            part = {"unit": np.full(n, row.unit, dtype=object)} | met.draw(n, rng)
            person = (
                LEVEL
                + 0.55 * float(row.quality)
                + district.change * later
                + rng.normal(0, COMMUNITY_SHOCK)
                + np.array([AGE_EFFECT[a] for a in part["age_band"]])
                - 0.10 * (part["tenure"] == "rent")
                + rng.normal(0, 0.62, n)
            )
            own = stream(city.seed, "community items", row.unit).normal(0, 0.16, len(ITEMS))
            for k, (name, item) in enumerate(ITEMS.items()):
                latent = person + item.shift + own[k] + rng.normal(0, 0.72, n)
                code = 1.0 + np.searchsorted(CUTS, latent)
                code[rng.random(n) < item.dont_know] = 98
                if item.not_applicable:
                    bare = name == "q_property" and row.type == "converted"
                    code[rng.random(n) < item.not_applicable * (1.6 if bare else 0.8)] = 97
                code[rng.random(n) < BLANK] = np.nan
                part[name] = code
            parts.append(part)
    return pd.DataFrame({name: np.concatenate([p[name] for p in parts]) for name in parts[0]})


def _paradata(frame: pd.DataFrame, city: City, period: str) -> pd.DataFrame:
    """Time, duration, address, comments, telephone; then what goes wrong in the field."""
    rng = stream(city.seed, "field", period)
    n = len(frame)
    start, days = FIELD[period]
    # A community is visited on two days.
    visits = {u: rng.choice(days, 2, replace=False) for u in dict.fromkeys(frame["unit"])}
    day = np.array([visits[u][k] for u, k in zip(frame["unit"], rng.integers(0, 2, n), strict=True)])
    minutes = day * 1440 + rng.integers(8 * 60, 20 * 60, n)
    frame = frame.assign(
        at=[
            start + dt.timedelta(minutes=int(m), seconds=int(s))
            for m, s in zip(minutes, rng.integers(0, 60, n), strict=True)
        ],
        seconds=np.rint(np.exp(rng.normal(5.35, 0.38, n))).astype(int).clip(62, 2400),
        ip=[
            f"198.{18 + a}.{b}.{c}" for a, b, c in zip(*rng.integers(0, [2, 256, 254], (n, 3)).T, strict=True)
        ],
        phone="",
        comment="",
        attention=4.0,
        stranger="",
    )
    talk = np.flatnonzero(rng.random(n) < 0.14)
    frame.loc[talk, "comment"] = rng.choice(COMMENTS, len(talk))
    numbers = rng.permutation(10_000)
    left = np.flatnonzero(rng.random(n) < 0.03)[: len(numbers) // 2]
    frame.loc[left, "phone"] = [f"{CANARY}{numbers[k]:04d}" for k in range(len(left))]
    planted = talk[rng.random(len(talk)) < 0.03]
    for k, where in enumerate(planted):
        number = f"{CANARY}{numbers[-1 - k]:04d}"
        spelled = number if k % 2 else f"{number[:3]}-{number[3:7]}-{number[7:]}"
        frame.loc[where, "comment"] += rng.choice(
            [f",请联系{spelled}", f" 电话:{spelled}", f",我的手机{spelled}谢谢"]
        )
    fast = rng.random(n) < FAST
    frame.loc[fast, "seconds"] = rng.integers(14, 55, int(fast.sum()))
    flat = np.flatnonzero(rng.random(n) < STRAIGHT)
    level = rng.choice([5.0, 4.0, 3.0], len(flat), p=[0.6, 0.3, 0.1])
    frame.loc[flat, list(ITEMS)] = np.repeat(level[:, None], len(ITEMS), axis=1)
    wrong = np.flatnonzero(rng.random(n) < INATTENTIVE)
    frame.loc[wrong, "attention"] = rng.choice([5.0, 3.0, 2.0], len(wrong))
    strange = np.flatnonzero(rng.random(n) < STRANGER)
    for where in strange:
        # Some do not say where they live, some live in a community that is not visited.
        district = frame.loc[where, "unit"].partition("/")[0]
        others = city.of(district).query("not sampled")["name"].tolist()
        frame.loc[where, "stranger"] = rng.choice([*STRANGE, *rng.permutation(others)[: len(STRANGE)]])
    again = frame.iloc[np.flatnonzero(rng.random(n) < TWICE)].copy()
    again["at"] += pd.to_timedelta(rng.integers(3, 40, len(again)), unit="min")
    again["seconds"] = rng.integers(65, 120, len(again))
    return (
        pd.concat([frame, again], ignore_index=True).sort_values("at", kind="stable").reset_index(drop=True)
    )


def _community(name: str, district: str, kind: float) -> str:
    if kind < 0.020:
        return name.replace("社区", "社区居委会")
    if kind < 0.035:
        return name.removesuffix("社区")
    if kind < 0.045:
        return f" {name} "
    if kind < 0.055:
        return district + name
    return name


def questionnaire(
    city: City, period: str, folder: Path, *, codebook: dict[str, Any], margins: pd.DataFrame
) -> dict[Path, int]:
    """Write the export: six platform columns, then the questions in order with their numbers."""
    frame = _paradata(answers(city, period, margins), city, period)
    rng = stream(city.seed, "typing", period)
    now = PERIODS.index(period)

    def wording(entry: dict[str, Any]) -> str:
        questions = entry["question"]
        return str(questions[min(now, len(questions) - 1)])

    district = frame["unit"].str.partition("/")[0]
    name = frame["unit"].str.partition("/")[2]
    typed = [_community(a, b, k) for a, b, k in zip(name, district, rng.random(len(frame)), strict=True)]
    options = FULL_NAMES if now else {}  # the second quarter's form prints full names
    questions: list[tuple[str, str, list[str]]] = [
        (codebook["unit"]["district"][0], "单选题", [options.get(d, d) for d in district]),
        (
            codebook["unit"]["community"][0],
            "填空题",
            [s or t for s, t in zip(frame["stranger"], typed, strict=True)],
        ),
    ]
    for key, entry in codebook["demographics"].items():
        back = {code: text for text, code in entry["options"].items()}
        questions.append((wording(entry), "单选题", [back[c] for c in frame[key]]))
    for key, entry in codebook["items"].items():
        texts = {float(code): text for text, code in entry["options"].items()}
        texts[98.0] = entry["dont_know"][min(now, len(entry["dont_know"]) - 1)]
        texts[97.0] = entry.get("not_applicable", [""])[0]
        questions.append((wording(entry), "单选题", ["" if np.isnan(c) else texts[c] for c in frame[key]]))
        if key == "q_committee":
            check = {5.0: "非常满意", 4.0: "满意", 3.0: "一般", 2.0: "不满意"}
            questions.append(
                (
                    codebook["checks"]["attention"]["question"][0],
                    "单选题",
                    [check[c] for c in frame["attention"]],
                )
            )
    questions.append((codebook["free_text"][0], "填空题", list(frame["comment"])))
    questions.append((codebook["personal"][1], "填空题", list(frame["phone"])))

    path = folder / "居民问卷" / f"居民满意度问卷_{period}.xlsx"
    source = rng.choice(["微信", "手机提交", "链接"], len(frame), p=[0.7, 0.2, 0.1])
    platform: list[tuple[str, list[Any]]] = [
        ("序号", list(range(1, len(frame) + 1))),
        ("提交答卷时间", [f"{t.year}/{t.month}/{t.day} {t:%H:%M:%S}" for t in frame["at"]]),
        ("所用时间", [f"{s}秒" for s in frame["seconds"]]),
        ("来源", list(source)),
        ("来源详情", ["现场扫码" if s == "微信" else "直接访问" for s in source]),
        ("来自IP", [f"{ip}(云南-昆明)" for ip in frame["ip"]]),
    ]
    labels = [(h,) for h, _ in platform] + [
        (f"{k}、{q} [{kind}]",) for k, (q, kind, _) in enumerate(questions, 1)
    ]
    columns = [c for _, c in platform] + [c for *_, c in questions]
    book = workbook(path)
    sheet = Sheet(book, "Sheet1", len(labels))
    sheet.header(labels)
    for at, cells in enumerate(zip(*columns, strict=True), 1):
        sheet.sheet.write_number(at, 0, cells[0])
        for column in range(1, len(cells)):
            if cells[column]:
                sheet.sheet.write_string(at, column, cells[column])
    book.close()
    return {path: len(frame)}
