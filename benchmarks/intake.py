"""How long a million questionnaires take from an office's file to clean parquet, beside reading the file at all.

    python benchmarks/intake.py [--rows 1000000] [--runs 3]

The peer is ``pandas.read_csv(encoding="gb18030")`` and nothing else. Ours reads the same file through ``read_questionnaire``
(codebook, register, keyed hashes, flags, ledger, scan of free text) and writes the clean table as parquet. Both run in fresh
processes, one after the other in turn; the median counts. The file (GB18030, 30 columns, made here, nobody's) has fresh texts, clock
times, addresses and telephone numbers, so that not every column is a handful of options.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

SECONDS_TARGET, MEMORY_TARGET = 4.0, 3.0
SEED, CHUNK = 2019, 100_000
DISTRICTS, COMMUNITIES, INTERVIEWERS = 18, 742, 400
SCALE = {"非常满意": 5, "满意": 4, "一般": 3, "不满意": 2, "非常不满意": 1}
ITEMS = (
    "廉洁办事",
    "办事服务",
    "环境卫生",
    "治安",
    "文化活动",
    "居委会",
    "参与",
    "信息公开",
    "听证会",
    "总体",
)
PEOPLE = {
    "sex": ("您的性别", {"男": "male", "女": "female"}),
    "age_band": ("您的年龄", {f"{a}岁": a for a in ("18-24", "25-34", "35-44", "45-54", "55-64", "65+")}),
    "education": ("您的文化程度", {"初中及以下": "junior", "高中或中专": "senior", "大专": "college", "本科及以上": "degree"}),
    "tenure": ("您现在的住房属于", {"自有住房": "own", "租住": "rent", "其他": "other"}),
    "hukou": ("您的户口所在地", {"本市户口": "local", "外地户口": "other"}),
}  # fmt: skip
CHANNELS = {"微信群": "wechat", "公告栏": "board", "邻居": "neighbour", "其他": "other"}
BOOK: dict[str, Any] = {
    "instrument": "resident",
    "columns": {
        "id": ["序号"], "submitted_at": ["提交答卷时间"], "duration_s": ["所用时间"], "ip": ["来自IP"], "interviewer": ["调查员"],
    },
    "unit": {"district": ["您所在的县(市)区"], "community": ["您居住的社区"]},
    "demographics": {name: {"question": [asked], "options": options} for name, (asked, options) in PEOPLE.items()},
    "items": {
        **{
            f"q{k:02d}": {"question": [f"您对{what}的评价"], "options": SCALE, "dont_know": ["说不清"]}
            for k, what in enumerate(ITEMS)
        },
        "q_property": {
            "question": ["您对物业的评价"], "options": SCALE, "dont_know": ["说不清"], "not_applicable": ["没有物业"],
        },
        "q_channel": {"question": ["您从哪里了解信息"], "multiple": True, "options": CHANNELS},
    },
    "checks": {"attention": {"question": ["本题请选择“满意”"], "expect": "满意"}, "min_seconds": 45},
    "personal": ["手机号码", "姓名"],
    "free_text": ["您的意见和建议"],
    "ignore": ["来源", "来源详情"],
}  # fmt: skip
SAID = (
    "希望{place}多装几盏路灯，已经反映{n}次了", "{place}的停车费每月{n}元太贵", "{place}楼道堆物严重", "物业不作为，{place}没人管",
    "请联系我{phone}", "我住{n}栋2单元501室，{place}漏水", "社区工作人员很热情", "建议{place}增加{n}个充电桩", "没有意见",
)  # fmt: skip
PLACES = ("小区东门", "菜市场", "地下车库", "健身广场", "三号楼后面", "公交站", "幼儿园门口", "河边步道")


def units() -> pd.DataFrame:
    """A register: a city, its districts and communities."""
    rows: list[tuple[str, str, str | None, str]] = [("某市", "city", None, "某市")]
    rows += [(f"第{d:02d}区", "district", "某市", f"第{d:02d}区") for d in range(DISTRICTS)]
    for c in range(COMMUNITIES):
        above = f"第{c % DISTRICTS:02d}区"
        rows.append((f"{above}/社{c:03d}社区", "community", above, f"社{c:03d}社区"))
    return pd.DataFrame(rows, columns=["unit", "level", "parent", "name"])


def answers(rows: int, first: int, rng: np.random.Generator) -> pd.DataFrame:
    """Rows ``first`` to ``first + rows`` of the export, as the platform would print them."""

    def some(options: Any, shares: Any = None) -> np.ndarray:
        return rng.choice(np.array(list(options), dtype=object), rows, p=shares)

    def phones() -> np.ndarray:
        return np.array([f"1{k}" for k in rng.integers(3_000_000_000, 10_000_000_000, rows)], dtype=object)

    level = np.array([*SCALE, "说不清", "都还行吧"], dtype=object)
    shares = [0.24, 0.34, 0.22, 0.1, 0.05, 0.049, 0.001]
    community = rng.integers(0, COMMUNITIES, rows)
    sent = pd.Timestamp("2019-10-08 07:00") + pd.to_timedelta(rng.integers(0, 60 * 86_400, rows), unit="s")
    ticks = rng.random((rows, len(CHANNELS))) < 0.4
    phone, number, place = phones(), rng.integers(1, 900, rows), some(PLACES)
    said = [
        text.format(place=p, n=n, phone=f)
        for text, p, n, f in zip(some(SAID), place, number, phone, strict=True)
    ]
    spoke, left = rng.random(rows) < 0.3, rng.random(rows) < 0.1
    address = rng.integers(0, 256, (rows, 3))
    columns: dict[str, Any] = {
        "序号": np.arange(first + 1, first + rows + 1),
        "提交答卷时间": sent.strftime("%Y/%m/%d %H:%M:%S"),
        "所用时间": [f"{s}秒" for s in rng.integers(20, 900, rows)],
        "来源": some(("微信", "链接", "手机提交")),
        "来源详情": some(("", "朋友圈", "公众号菜单")),
        "来自IP": [f"10.{a}.{b}.{c}(云南-昆明)" for a, b, c in address],
        "您所在的县(市)区": [f"第{d:02d}区" for d in community % DISTRICTS],
        "您居住的社区": [f"社{c:03d}社区" for c in community],
        "调查员": [f"D{i:03d}" for i in rng.integers(0, INTERVIEWERS, rows)],
    }
    columns |= {asked: some(options) for asked, options in PEOPLE.values()}
    columns |= {
        f"您对{what}的评价": level[rng.choice(len(level), rows, p=shares)] for what in (*ITEMS, "物业")
    }
    columns["您从哪里了解信息"] = ["┋".join(np.array(list(CHANNELS))[t]) for t in ticks]
    columns["本题请选择“满意”"] = some(("满意", "一般"), [0.97, 0.03])
    columns["您的意见和建议"] = np.where(spoke, said, "")
    columns["手机号码"] = np.where(left, phones(), "")
    columns["姓名"] = np.where(left, some(("张伟", "王芳", "李娜", "刘洋")), "")
    return pd.DataFrame(
        {f"{k}、{name}" if k > 6 else name: v for k, (name, v) in enumerate(columns.items(), 1)}
    )


def make(path: Path, rows: int) -> None:
    """Write the file."""
    rng = np.random.default_rng(SEED)
    for first in range(0, rows, CHUNK):
        chunk = answers(min(CHUNK, rows - first), first, rng)
        chunk.to_csv(path, mode="a", header=first == 0, index=False, encoding="gb18030")


def peer(path: Path) -> dict[str, float]:
    frame = pd.read_csv(path, encoding="gb18030")
    return {"frame": float(frame.memory_usage(deep=True).sum()), "columns": frame.shape[1]}


def ours(path: Path) -> dict[str, float]:
    from commlab.intake import Register, read_questionnaire

    got = read_questionnaire(
        path, BOOK, register=Register(units()), key="printed key of a benchmark", period="2019Q4", name="benchmark.csv"
    )  # fmt: skip
    got.frame.to_parquet(path.with_suffix(".parquet"), index=False)
    return {"kept": len(got.frame), "lines": len(got.ledger)}


def peak() -> float:
    """Most memory that this process ever held; what its parent held when it was started does not count."""
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return float(line.split()[1]) * 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * (
        1 if sys.platform == "darwin" else 1024
    )


def side(name: str, path: Path) -> None:
    """Run one side in this process and print what it took."""
    start, before = time.perf_counter(), os.times()
    told = {"peer": peer, "ours": ours}[name](path)
    after = os.times()
    cpu = after.user + after.system - before.user - before.system
    print(json.dumps({"seconds": time.perf_counter() - start, "cpu": cpu, "peak": peak(), **told}))


def fresh(name: str, path: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, __file__, "--side", name, "--file", str(path)], stdout=subprocess.PIPE, check=True, text=True
    )  # fmt: skip
    return dict(json.loads(done.stdout))


def main() -> None:
    arguments = argparse.ArgumentParser(description="questionnaires to clean parquet, beside pandas.read_csv")
    arguments.add_argument("--rows", type=int, default=1_000_000)
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--side", choices=("peer", "ours"), help=argparse.SUPPRESS)
    arguments.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.side:
        side(given.side, given.file)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "benchmark.csv"
        make(path, given.rows)
        size = path.stat().st_size
        runs = [(fresh("peer", path), fresh("ours", path)) for _ in range(given.runs)]
    theirs, mine = ({k: statistics.median(run[s][k] for run in runs) for k in runs[0][s]} for s in (0, 1))
    mega = 2**20
    print(
        f"{given.rows:,} rows, {theirs['columns']:.0f} columns, {size / mega:.0f} MB GB18030; median of {given.runs}"
    )
    print(
        f"pandas.read_csv: {theirs['seconds']:.2f} s ({theirs['cpu']:.2f} s CPU), frame {theirs['frame'] / mega:.0f} MB"
    )
    print(
        f"clean parquet: {mine['seconds']:.2f} s ({mine['cpu']:.2f} s CPU), peak {mine['peak'] / mega:.0f} MB,",
        end=" ",
    )
    print(f"{mine['kept']:,.0f} rows kept, {mine['lines']:.0f} ledger lines")
    print(f"seconds: ratio {mine['seconds'] / theirs['seconds']:.2f} (target {SECONDS_TARGET:g})", end=", ")
    print(f"CPU ratio {mine['cpu'] / theirs['cpu']:.2f}")
    print(f"peak memory: ratio {mine['peak'] / theirs['frame']:.2f} of the frame (target {MEMORY_TARGET:g})")


if __name__ == "__main__":
    main()
