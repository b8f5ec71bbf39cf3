"""A run is killed at a random moment: no half-written file under its final name, nothing stale looks fresh, and the next
run ends with the bytes of one that was left alone."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

from commlab.store.files import TEMPORARY
from tools.tortured.common import PERIOD, Tally, command, differences, environment, finished, made, study

KILLS, IN_A_ROW = 60, 6
FORMATS = ("--formats", "html,xlsx", "--unit", "city", "--unit", "五华区")
"""The city's and one district's report: every kind of file, and half the time."""


def run(tally: Tally, seed: int) -> None:
    dice = random.Random(seed)
    with study() as calm:
        began = time.perf_counter()
        done = finished(calm, "run", *FORMATS)
        whole = time.perf_counter() - began
        if done.returncode:
            tally.case("undisturbed run", [done.stderr[-400:]])
            return
        wanted = made(calm)
    for first in range(0, KILLS, IN_A_ROW):
        with study() as root:
            for number in range(first, first + IN_A_ROW):
                moment, what = dice.uniform(0, whole), dice.choice(("group", "child", "parent"))
                tally.case(
                    f"kill {number + 1} of the {what} after {moment:.1f} s",
                    _killed(root, moment, what, wanted, dice),
                )
            done = finished(root, "run", *FORMATS)
            faults = (
                [f"the next run ended with {done.returncode}: {done.stderr[-300:]}"]
                if done.returncode
                else []
            )
            tally.case(
                f"the run after kills {first + 1} to {first + IN_A_ROW}",
                faults + differences(wanted, made(root)) + _left(root),
            )


def _killed(root: Path, moment: float, what: str, wanted: dict[str, str], dice: random.Random) -> list[str]:
    process = subprocess.Popen(
        command(root, "run", *FORMATS), env=environment(), cwd=root, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        process.wait(moment)
    except subprocess.TimeoutExpired:
        children = _children(process.pid)
        if what == "child" and children:
            os.kill(dice.choice(children), signal.SIGKILL)
        elif what == "parent":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    try:
        process.wait(120)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return ["the run went on for two minutes after its child was killed"]
    _gone(process.pid)
    half = [n for n, h in made(root).items() if _final(n) and n in wanted and wanted[n] != h]
    if what == "child":  # the run goes on, and its index says rightly which report failed
        half = [n for n in half if not n.endswith("/index.html")]
    faults = (
        [f"{len(half)} files under their final names are not what a calm run makes: {', '.join(half[:4])}"]
        if half
        else []
    )
    return faults + _fresh_but_wrong(root, wanted)


def _final(name: str) -> bool:
    """Pages and tables; the notes of a period in between (inputs.json, stage.json) say what is there by then."""
    return name.endswith((".html", ".xlsx", ".ipynb", ".parquet", ".png")) and not any(
        p.startswith(".") for p in name.split("/")
    )


def _fresh_but_wrong(root: Path, wanted: dict[str, str]) -> list[str]:
    told = finished(root, "status", PERIOD, "--format", "json")
    if told.returncode == 2 or not told.stdout.strip():
        return []  # nothing has been read yet
    here = made(root, "reports")
    faults = []
    for row in json.loads(told.stdout):
        if row["state"] != "fresh":
            continue
        own = {n: h for n, h in wanted.items() if n.startswith(f"reports/{PERIOD}/{row['name']}/")}
        if any(here.get(n) != h for n, h in own.items()):
            faults.append(f"{row['name']} looks fresh and is not")
    return faults


def _children(pid: int) -> list[int]:
    found, todo = [], [pid]
    while todo:
        for task in Path(f"/proc/{todo.pop()}/task").glob("*/children"):
            try:
                inner = [int(p) for p in task.read_text().split()]
            except OSError:
                continue
            found += inner
            todo += inner
    return found


def _gone(group: int) -> None:
    """What the dead parent started ends by itself within seconds."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    os.killpg(group, signal.SIGKILL)


def _left(root: Path) -> list[str]:
    odd = [p.name for p in root.rglob("*") if p.is_file() and TEMPORARY in p.name]
    return [f"temporary files are left: {', '.join(odd[:4])}"] if odd else []
