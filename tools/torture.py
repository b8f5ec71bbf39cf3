"""Ill-treat the whole suite and say what was tried and what was found.

Usage: python tools/torture.py [--only NAME]... [--minutes N] [--seed N]   (minutes of fuzzing)

Every part works on the tiny sample study in a folder of its own and prints one line a case. Exit code 1 where anything was found.
``make test`` keeps a quick part of each; this is the long one (under 40 minutes on two cores).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:  # run as a script
    sys.path.insert(0, str(ROOT))

from commlab.batch.jobs import code_inputs  # noqa: E402
from tools.tortured import canaries, faults, fuzz, hostile, kills, network, quarters, sameness  # noqa: E402
from tools.tortured.common import Tally  # noqa: E402

PARTS: dict[str, tuple[Callable[[Tally, int], None], str]] = {
    "kills": (
        kills.run,
        "60 runs killed at a random moment, the report's process, a child or the whole group",
    ),
    "faults": (
        faults.run,
        "a full disk, folders that cannot be written, open files, deaths, no memory, two runs at once, clocks, changing files",
    ),
    "sameness": (sameness.run, "same bytes in two folders, hash seeds, time zones, with one worker and two"),
    "quarters": (
        quarters.run,
        "20 quarters in a row in one process: no growth of memory, files, kernels, ports",
    ),
    "network": (network.run, "a run and a release without any network; every call of a run looked through"),
    "hostile": (
        hostile.run,
        "hostile strings at every door, and in every place of whole studies that are opened",
    ),
    "fuzz": (fuzz.run, "files and settings broken at random, by budget"),
    "canaries": (
        canaries.run,
        "what stands in the raw files only, looked for in everything that is released",
    ),
}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", choices=list(PARTS), help="this part (default: all)")
    parser.add_argument(
        "--seed", type=int, default=20191231, help="of everything random (default: %(default)s)"
    )
    parser.add_argument(
        "--minutes", type=float, default=fuzz.MINUTES, help="of fuzzing (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    found = 0
    start = time.perf_counter()
    for name in options.only or PARTS:
        run, about = PARTS[name]
        print(f"== {name}: {about}", flush=True)
        tally = Tally(name)
        began, library = time.perf_counter(), code_inputs()
        if name == "fuzz":
            fuzz.run(tally, options.seed, options.minutes)
        else:
            run(tally, options.seed)
        print(
            f"== {name}: {tally.tried} tried, {len(tally.found)} found, {time.perf_counter() - began:.0f} s",
            flush=True,
        )
        found += len(tally.found)
        if code_inputs() != library:  # every report rests on it: what was compared was not alike
            print(f"== {name}: the library was changed meanwhile; run this part again", flush=True)
            found += 1
    print(f"{found} found in {(time.perf_counter() - start) / 60:.1f} minutes")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
