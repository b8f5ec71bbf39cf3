"""Faults of the machine: a disk that is full, a place that cannot be written, outputs that others hold open, two runs at once, a
clock that jumped, files that change while they are read, kernels that die, memory that runs out. Each time the next undisturbed
run must end with the bytes of a study that nothing happened to."""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import nbformat

from tools.tortured.common import (
    APART,
    PERIOD,
    Tally,
    apart,
    command,
    differences,
    environment,
    finished,
    made,
    study,
)

ORDER = ("run", "--formats", "html,xlsx", "--unit", "五华区")
FULL = 60_000
"""Bytes that a file can hold on the disk that is full."""
RAW = f"data/raw/{PERIOD}/社区统计/五华区.xlsx"


def run(tally: Tally, seed: int) -> None:
    del seed  # nothing here is drawn
    with study(notebooks="[56]*") as calm:
        done = finished(calm, *ORDER)
        if done.returncode:
            tally.case("undisturbed run", [done.stderr[-400:]])
            return
        wanted = made(calm)
        for name, fault in CASES.items():
            if fault is _read_only and not apart():
                print(f"   not tried, this system has no spaces of mounts for its users: {name}", flush=True)
                continue
            with study(notebooks="[56]*") as root:
                wrong = fault(root)
                half = [
                    n
                    for n, h in made(root).items()
                    if n.endswith((".html", ".xlsx", ".parquet")) and wanted.get(n, h) != h
                ]
                if fault in DEADLY:  # the index says rightly which report failed
                    half = [n for n in half if not n.endswith("/index.html")]
                if fault is not _changed:  # what was read in between may stand there until the next run
                    wrong += [f"{n} is there, and is not what a calm run makes" for n in half[:3]]
                again = finished(root, *ORDER)
                wrong += (
                    [f"the next run ended with {again.returncode}: {again.stderr[-300:]}"]
                    if again.returncode
                    else []
                )
                tally.case(name, wrong + differences(wanted, made(root)))


def _told(done: subprocess.CompletedProcess[str] | subprocess.Popen[str], told: str) -> list[str]:
    """A fault is a sentence and an exit code, never a traceback of the command itself."""
    wrong = [] if done.returncode in (1, 2) else [f"ended with {done.returncode}"]
    return wrong + (
        ["a traceback instead of a sentence"]
        if told.lstrip().startswith("Traceback") or "\nTraceback" in told
        else []
    )


def _full(root: Path) -> list[str]:
    done = subprocess.run(
        command(root, *ORDER), env=environment(), cwd=root, capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (FULL, FULL)),
    )  # fmt: skip
    return _told(done, done.stderr)


def _unwritable(root: Path) -> list[str]:
    """A file stands where the reports' folder belongs: even an administrator cannot write there."""
    (root / "reports").mkdir(exist_ok=True)
    (root / "reports" / PERIOD).write_text("in the way", encoding="utf-8")
    done = finished(root, *ORDER)
    (root / "reports" / PERIOD).unlink()
    return _told(done, done.stderr)


def _read_only(root: Path) -> list[str]:
    """The reports' folder is mounted so that nobody can write it, in a space of mounts of its own."""
    (root / "reports").mkdir(exist_ok=True)
    lines = 'mount --bind reports reports && mount -o remount,ro,bind reports && exec "$@"'
    done = subprocess.run(
        [*APART, "-rm", "sh", "-c", lines, "sh", *command(root, *ORDER)],
        env=environment(), cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return _told(done, done.stderr)


def _held_open(root: Path) -> list[str]:
    """Somebody reads the reports, and holds locks on them, while they are made again: what is open stays whole."""
    first = finished(root, *ORDER)
    pages = sorted(p for p in (root / "reports").rglob("*") if p.suffix in (".html", ".xlsx"))
    before = {p: p.read_bytes() for p in pages}
    with contextlib.ExitStack() as stack:
        held = {p: stack.enter_context(p.open("rb")) for p in pages}
        for file in held.values():
            fcntl.flock(file, fcntl.LOCK_EX)
        done = finished(root, "report", PERIOD, *ORDER[1:], "--force")
        torn = [p.name for p, file in held.items() if file.read() != before[p]]
    return [f"ended with {d.returncode}: {d.stderr[-200:]}" for d in (first, done) if d.returncode] + [
        f"{name} changed under who reads it" for name in torn
    ]


def _dies(root: Path, line: str, *options: str) -> list[str]:
    """The district's notebook ends with a line that is fatal to it; then it is itself again."""
    (notebook,) = (root / "notebooks").glob("50*.ipynb")
    good = notebook.read_text(encoding="utf-8")
    tree = nbformat.reads(good, as_version=4)
    tree.cells.append(nbformat.v4.new_code_cell(line))
    notebook.write_text(nbformat.writes(tree), encoding="utf-8")
    done = finished(root, *ORDER, *options)
    notebook.write_text(good, encoding="utf-8")
    left = [p.name for p in (root / "reports" / PERIOD / "五华区").glob("report.*") if "failed" not in p.name]
    return _told(done, done.stderr) + ([f"{left} stand there as if it had been made"] if left else [])


def _kernel_killed(root: Path) -> list[str]:
    return _dies(root, "import os; os.kill(os.getpid(), 9)", "--engine", "kernel")


def _child_killed(root: Path) -> list[str]:
    return _dies(root, "import os; os.kill(os.getpid(), 9)")


def _memory(root: Path) -> list[str]:
    """A limit of memory a little above what the process holds, and a district that wants more."""
    return _dies(
        root,
        "import resource\n"
        "held = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (held + (64 << 20), held + (64 << 20)))\n"
        "more = [bytes(1 << 20) for _ in range(1000)]",
    )


def _at_once(root: Path) -> list[str]:
    both = [
        subprocess.Popen(
            command(root, *ORDER),
            env=environment(),
            cwd=root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    told = [process.communicate()[1] for process in both]
    ends = sorted(process.returncode for process in both)
    refused = sum("another run is at work" in text for text in told)
    return (
        []
        if ends[0] == 0 and (ends[1] == 0 or refused == 1)
        else [f"ended with {ends}: {[t[-200:] for t in told]}"]
    )


def _clock(root: Path) -> list[str]:
    """Files from the future and from 1970."""
    for k, path in enumerate(sorted((root / "data").rglob("*"))):
        os.utime(path, (4e9, 4e9) if k % 2 else (0, 0))
    done = finished(root, *ORDER)
    return [f"ended with {done.returncode}: {done.stderr[-200:]}"] if done.returncode else []


def _changed(root: Path) -> list[str]:
    """A raw file is exchanged, and exchanged back, while the run reads and reports."""
    path = root / RAW
    good, other = path.read_bytes(), (root / RAW.replace("五华区", "盘龙区")).read_bytes()
    process = subprocess.Popen(
        command(root, *ORDER),
        env=environment(),
        cwd=root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for k in range(200):
        if process.poll() is not None:
            break
        part = path.with_name(f".{k}")
        part.write_bytes(other if k % 2 == 0 else good)
        os.replace(part, path)
        time.sleep(0.4)
    process.wait()
    path.write_bytes(good)
    return []


CASES: dict[str, Callable[[Path], list[str]]] = {
    "the disk is full": _full,
    "the reports' folder cannot be made": _unwritable,
    "the reports' folder is read-only": _read_only,
    "reports are open elsewhere": _held_open,
    "a kernel is killed": _kernel_killed,
    "a report's process kills itself": _child_killed,
    "one district runs out of memory": _memory,
    "two runs at once": _at_once,
    "the clock jumped": _clock,
    "a file changes during the run": _changed,
}
DEADLY = (_kernel_killed, _child_killed, _memory)
