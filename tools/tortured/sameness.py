"""The same inputs give the same bytes: in another folder, under another hash seed, time zone and language, with one worker."""

from __future__ import annotations

from pathlib import PurePosixPath

from tools.tortured.common import Tally, differences, finished, made, study

OTHERS: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "hash seed 1, Kiritimati": ({"PYTHONHASHSEED": "1", "TZ": "Pacific/Kiritimati"}, ()),
    "hash seed 4711, Honolulu, C locale": (
        {"PYTHONHASHSEED": "4711", "TZ": "Pacific/Honolulu", "LC_ALL": "C"},
        (),
    ),
    "one worker": ({}, ("--workers", "1")),
    "ordinary kernels": ({}, ("--engine", "kernel")),
}


def run(tally: Tally, seed: int) -> None:
    del seed  # nothing here is drawn
    with study() as calm:
        done = finished(calm, "run", PYTHONHASHSEED="0", TZ="Asia/Shanghai")
        if done.returncode:
            tally.case("first run", [done.stderr[-400:]])
            return
        wanted = made(calm)
    kinds = sorted({PurePosixPath(n).suffix for n in wanted})
    print(f"   {len(wanted)} files: {', '.join(kinds)}", flush=True)
    for name, (variables, options) in OTHERS.items():
        with study("同一份 数据-") as root:
            done = finished(root, "run", *options, **variables)
            faults = [f"ended with {done.returncode}: {done.stderr[-300:]}"] if done.returncode else []
            tally.case(f"another folder, {name}", faults + differences(wanted, made(root)))
