"""How long the two commands take on a fresh clone: set-up, both quarters read, 19 units x 4 formats; then again.

    .venv/bin/python benchmarks/quarter.py

Clones this repository (what is committed) into a temporary folder without a ``.venv`` and runs ``make reports`` twice. The limits
are those of the project: six minutes for the first run on two cores, ten seconds for a run with nothing changed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FIRST, AGAIN = 360.0, 10.0
UNITS, FORMATS = 19, ("report.html", "report.docx", "report.pdf", "appendix.xlsx", "report.ipynb")


def timed(command: list[str], folder: Path) -> float:
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}")
    return time.perf_counter() - start


def main() -> None:
    root = Path(__file__).resolve().parents[1]
    with tempfile.TemporaryDirectory() as temporary:
        clone = Path(temporary) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(root), str(clone)], check=True)
        first = timed(["make", "reports"], clone)
        again = timed(["make", "reports"], clone)
        made = {name: len(list((clone / "reports").glob(f"*/*/{name}"))) for name in FORMATS}
    print(f"cores {os.cpu_count()}; reports made: {made}")
    for name, took, limit in (
        ("fresh clone, set-up included", first, FIRST),
        ("nothing changed", again, AGAIN),
    ):
        print(f"{name}: {took:.1f} s, {took / limit:.2f} of the limit of {limit:.0f} s")
    if first > FIRST or again > AGAIN or set(made.values()) != {UNITS}:
        sys.exit("a limit is missed")


if __name__ == "__main__":
    main()
