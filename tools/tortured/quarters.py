"""Twenty quarters in a row, in one process: memory, temporary files, processes, threads, descriptors and ports do not grow.

The sample's newest quarter is copied to nineteen later ones. One process checks and reports each as the command line does,
every fifth with Jupyter's kernels instead of forks, and says after each what it holds. ``python -m tools.tortured.quarters
STUDY`` is that process.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import threading
from pathlib import Path

import pandas as pd

from tools.tortured.common import PERIOD, Tally, environment, study

QUARTERS, KERNELS_EVERY, SETTLED = 20, 5, 5
"""Quarters; every so many with kernels; the first ones, in which modules and fonts are loaded."""
GROWTH = 0.05
"""Share by which memory may differ between the first and the last settled quarters: allocators keep some pages."""


def later(period: str, steps: int) -> str:
    """The quarter so many after this one.

    >>> later("2019Q4", 2)
    '2020Q2'
    """
    number = int(period[:4]) * 4 + int(period[-1]) - 1 + steps
    return f"{number // 4}Q{number % 4 + 1}"


def lengthened(root: Path, quarters: int) -> list[str]:
    """Give the study so many quarters from its newest on: files, frame and study.yaml."""
    periods = [later(PERIOD, k) for k in range(quarters)]
    frame_file = root / "data" / "register" / "survey_frame.csv"
    frame = pd.read_csv(frame_file, dtype=str)
    newest = frame[frame["period"] == PERIOD]
    pd.concat([frame, *(newest.assign(period=p) for p in periods[1:])]).to_csv(frame_file, index=False)
    settings = root / "study.yaml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace(f"{PERIOD}]", f"{', '.join(periods)}]", 1), encoding="utf-8")
    for period in periods[1:]:
        shutil.copytree(root / "data" / "raw" / PERIOD, root / "data" / "raw" / period)
        for path in (root / "data" / "raw" / period).rglob(f"*{PERIOD}*"):
            path.rename(path.with_name(path.name.replace(PERIOD, period)))
    return periods


def held(temporary: Path) -> dict[str, int]:
    """What this process holds now: bytes of memory, and counts."""
    gc.collect()
    own = Path("/proc/self")
    descriptors = []
    for entry in (own / "fd").iterdir():
        with contextlib.suppress(OSError):  # the one that lists them
            descriptors.append(os.readlink(entry))
    mine = {d[8:-1] for d in descriptors if d.startswith("socket:[")}
    ports = sum(
        row.split()[9] in mine
        for kind in ("tcp", "tcp6", "udp", "udp6")
        for row in (Path("/proc/net") / kind).read_text().splitlines()[1:]
    )
    children = sum(len((task / "children").read_text().split()) for task in (own / "task").iterdir())
    return {
        "memory": int((own / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"),
        "descriptors": len(descriptors),
        "ports": ports,
        "processes": children,
        "threads": threading.active_count(),
        "temporary files": sum(1 for p in temporary.rglob("*") if p.is_file()),
    }


def main(root: Path) -> int:
    """Every quarter of the study, one after the other; a line of JSON each."""
    from commlab import open_study
    from commlab.cli import main as commlab

    temporary = Path(os.environ["TMPDIR"])
    periods = [p for p in open_study(root).periods if p >= PERIOD]
    for number, period in enumerate(periods, 1):
        engine = "kernel" if number % KERNELS_EVERY == 0 else "fork"
        said = io.StringIO()
        codes = []
        for words in (
            ["check", period],
            ["report", period, "--workers", "1", "--formats", "html", "--unit", "五华区", "--engine", engine],
        ):
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                codes.append(commlab(["--study", str(root), *words]))
        made = (root / "reports" / period / "五华区" / "report.html").exists()
        told = {"period": period, "codes": codes, "made": made, **held(temporary)}
        if not made:
            told["said"] = said.getvalue()[-600:]
        print(json.dumps(told, ensure_ascii=False), flush=True)
    return 0


def run(tally: Tally, seed: int) -> None:
    del seed  # nothing here is drawn
    if not Path("/proc/self/statm").exists():
        tally.case("quarters", ["what a process holds is read from /proc: run this part on Linux"])
        return
    with study("quarters-") as root:
        lengthened(root, QUARTERS)
        temporary = root.parent / "temporary"
        temporary.mkdir()
        done = subprocess.run(
            [sys.executable, "-m", "tools.tortured.quarters", str(root)],
            cwd=root,
            env=environment(TMPDIR=str(temporary), JUPYTER_RUNTIME_DIR=str(temporary / "runtime")),
            capture_output=True,
            text=True,
            check=False,
        )
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        for line in lines:
            numbers = ", ".join(f"{k} {v}" for k, v in line.items() if k in KINDS and k != "memory")
            faults = [] if line["made"] else [f"no report (codes {line['codes']}): {line.get('said', '')}"]
            tally.case(f"{line['period']}: {line['memory'] / 2**20:.0f} MiB, {numbers}", faults)
        if done.returncode or len(lines) < QUARTERS:
            tally.case("the process", [f"ended after {len(lines)} quarters: {done.stderr[-600:]}"])
        left = [p.relative_to(temporary).as_posix() for p in temporary.rglob("*") if p.is_file()]
        tally.case("what is left when it ended", [f"{len(left)} temporary files: {left[:4]}"] if left else [])
    for kind in KINDS:
        tally.case(f"growth of {kind}", grown(kind, [line[kind] for line in lines]))


KINDS = ("memory", "descriptors", "ports", "processes", "threads", "temporary files")


def grown(kind: str, counts: list[int]) -> list[str]:
    """Whether the last quarters hold more than the first settled ones.

    >>> grown("ports", [3, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), len(grown("ports", [0] * 11 + [1]))
    ([], 1)
    """
    settled = counts[SETTLED:]
    if not settled:
        return ["too few quarters"]
    if kind != "memory":
        return [f"{settled[0]} at first, {max(settled)} later"] if max(settled) > settled[0] else []
    third = max(len(settled) // 3, 1)
    early, late = statistics.median(settled[:third]), statistics.median(settled[-third:])
    if late <= early * (1 + GROWTH):
        return []
    return [f"{early / 2**20:.0f} MiB at first, {late / 2**20:.0f} MiB later"]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
