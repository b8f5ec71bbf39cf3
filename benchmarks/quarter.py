"""How long a quarter takes on a fresh clone: set-up, both quarters read, 19 units x 4 formats; then again, by parts.

    .venv/bin/python benchmarks/quarter.py

Clones this repository (what is committed) into a temporary folder without a ``.venv`` and runs ``make reports`` twice,
then once more after one district's problem list lost a row, then the city stage and all reports from clean tables.
The limits are those of the project on two cores, in seconds. Printed is also how many reports a change made again.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIMITS = {
    "fresh clone, set-up included": 360.0,
    "nothing changed": 2.0,
    "one problem list changed": 8.0,
    "city stage, 19 units x 4 formats": 60.0,
}
UNITS, FORMATS = 19, ("report.html", "report.docx", "report.pdf", "appendix.xlsx", "report.ipynb")
DISTRICT = "东川区"


def timed(command: list[str], folder: Path) -> tuple[float, float]:
    """Seconds on the clock, and of all processes together."""
    start, before = time.perf_counter(), sum(os.times()[2:4])
    done = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}")
    return time.perf_counter() - start, sum(os.times()[2:4]) - before


def shorten(clone: Path) -> None:
    """Take the last row out of one district's problem list."""
    import openpyxl

    path = next(p for p in (clone / "data/raw/2019Q4/问题台账").iterdir() if DISTRICT in p.name)
    book = openpyxl.load_workbook(path)
    book.active.delete_rows(book.active.max_row)
    book.save(path)


def made_now(clone: Path) -> list[str]:
    """The reports that the last run made."""
    rows = json.loads((clone / "reports/2019Q4/status.json").read_text(encoding="utf-8"))["reports"]
    return [row["name"] for row in rows if row["state"] == "done"]


def main() -> None:
    root = Path(__file__).resolve().parents[1]
    took, again = {}, {}
    with tempfile.TemporaryDirectory() as temporary:
        clone = Path(temporary) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(root), str(clone)], check=True)
        first, nothing, one, all_of_it = LIMITS
        for name in (first, nothing, one):
            if name == one:
                shorten(clone)
            took[name] = timed(["make", "reports"], clone)
            again[name] = made_now(clone)
        made = {name: len(list((clone / "reports").glob(f"*/*/{name}"))) for name in FORMATS}
        shutil.rmtree(clone / "reports")
        (clone / "data/processed/2019Q4/stage.json").unlink()
        took[all_of_it] = timed(["make", "reports"], clone)
        again[all_of_it] = made_now(clone)
    print(f"cores {os.cpu_count()}; reports made: {made}")
    for name, limit in LIMITS.items():
        seconds, cpu = took[name]
        told = ", ".join(again[name][:4]) + " ..." * (len(again[name]) > 4)
        print(
            f"{name}: {seconds:.1f} s ({cpu:.1f} CPU s), {seconds / limit:.2f} of the limit of {limit:.0f} s; "
            f"{len(again[name])} reports made: {told}"
        )
    if any(took[name][0] > limit for name, limit in LIMITS.items()) or set(made.values()) != {UNITS}:
        sys.exit("a limit is missed")


if __name__ == "__main__":
    main()
