"""How fast a quarter's reports are made: a papermill loop, a pool of kernels, forks, and the floor, in turn.

    python benchmarks/batch.py [--study PATH] [--districts 18] [--copies 1] [--repeat 3]

Each mode makes the same district reports with their HTML from a cold start of Python, in a fresh copy of
the study's output folders; the order of the modes changes with each round. Printed are medians and ratios.
``--copies 10`` makes every report ten times under other names, in forks and on the floor only: what a start
costs weighs less, what a report costs beside its cells and export does not.

- ``loop``    papermill and an export in a process of its own, one notebook after the other
- ``pool``    a pool of processes, each with ordinary kernels and an exporter in process: ``--engine kernel``
- ``fork``    ``commlab report``: forks of one warm process
- ``floor``   the same cells and exports in one warm process, divided by the number of cores
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

LOOP = """
import subprocess, sys, papermill
root, period, *districts = sys.argv[1:]
export = "from commlab.report import export; import sys; export(sys.argv[1], sys.argv[2], formats=['html'])"
for district in districts:
    out = f"{root}/bench-{district}.ipynb"
    papermill.execute_notebook(f"{root}/notebooks/50-district-report.ipynb", out, cwd=root, progress_bar=False,
                               parameters={"period": period, "district": district})
    subprocess.run([sys.executable, "-c", export, out, f"{root}/bench"], check=True)
"""

FORK = """
import sys
from dataclasses import replace
from commlab.batch import running
copies, plan = int(sys.argv[1]), running.plan
def again(*given, **named):
    jobs = plan(*given, **named)
    return [replace(j, unit=f"{j.unit}{k}" if k else j.unit) for k in range(copies) for j in jobs]
running.plan = again
from commlab.cli import main
sys.exit(main(sys.argv[2:]))
"""

FLOOR = """
import sys, os, time
root, period, *districts = sys.argv[1:]
os.chdir(root)
from pathlib import Path
from commlab.batch.engine.shell import connect, make_shell, run_cell
shell = make_shell()
import importlib, nbformat
from commlab.batch.warm import IMPORTS
from commlab.batch.work import warm_up
for name in (*IMPORTS["cells"], *IMPORTS["html"]):
    importlib.import_module(name)
warm_up(["html"])
from nbformat.v4 import new_output
from commlab.report import export
source = nbformat.read("notebooks/50-district-report.ipynb", as_version=4)
start, used = time.perf_counter(), time.process_time()
events = []
descriptors = connect(shell, events.append)
for district in districts:
    notebook = nbformat.from_dict(source)
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        events.clear()
        run_cell(shell, cell.source, descriptors)
        cell.outputs = [nbformat.from_dict(e["output"]) for e in events if "output" in e]
        if "parameters" in cell.metadata.get("tags", []):
            run_cell(shell, f"period = {period!r}; district = {district!r}", descriptors)
    export(notebook, "bench", formats=["html"])
Path("bench-floor.txt").write_text(f"{time.perf_counter() - start} {time.process_time() - used}")
"""


def copied(source: Path, study: Path) -> Path:
    """A study folder without what was made from it, with the repository's notebooks where it has none."""
    ignored = shutil.ignore_patterns(".git", ".venv", "reports", "figures", "processed", ".*_cache")
    shutil.copytree(source, study, ignore=ignored)
    if not (study / "notebooks").exists():
        shutil.copytree(ROOT / "notebooks", study / "notebooks")
    return study


def districts_of(study: Path, most: int) -> tuple[str, list[str]]:
    """The newest period of a checked study and its first districts."""
    import commlab

    opened = commlab.open_study(study)
    opened.check()
    period = opened.period()
    period.build()
    return period.name, list(period.districts[:most])


def run(
    mode: str, study: Path, period: str, districts: list[str], cores: int, copies: int = 1
) -> tuple[float, float]:
    """Wall and CPU seconds of one mode; of the floor, those of cells and exports alone, the wall by core."""
    for folder in ("reports", "figures", "bench"):
        shutil.rmtree(study / folder, ignore_errors=True)
    units = [part for d in districts for part in ("--unit", d)]
    report = ["report", period, *units, "--formats", "html", "--study", str(study)]
    start_of = [sys.executable, "-c", FORK, str(copies)] if copies > 1 else [sys.executable, "-m", "commlab"]
    command = {
        "loop": [sys.executable, "-c", LOOP, str(study), period, *districts],
        "pool": [*start_of, *report, "--engine", "kernel"],
        "fork": [*start_of, *report, "--engine", "fork"],
        "floor": [sys.executable, "-c", FLOOR, str(study), period, *districts * copies],
    }[mode]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{mode} failed with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if mode == "floor":
        inside, used = map(float, (study / "bench-floor.txt").read_text().split())
        return inside / cores, used
    return wall, cpu


def main() -> int:
    """Measure every mode and print the ratios."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--study", type=Path, default=ROOT, help="default: the study of this repository")
    parser.add_argument("--districts", type=int, default=18)
    parser.add_argument("--copies", type=int, default=1, help="each district's report so many times")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        study = copied(options.study, Path(folder) / "study")
        period, districts = districts_of(study, options.districts)
        modes = ["fork", "floor", "pool", "loop"] if options.copies == 1 else ["fork", "floor"]
        walls: dict[str, list[float]] = {m: [] for m in modes}
        cpus: dict[str, list[float]] = {m: [] for m in modes}
        for number in range(options.repeat):
            first = number % len(modes)
            for mode in modes[first:] + modes[:first]:
                wall, cpu = run(mode, study, period, districts, cores, options.copies)
                walls[mode].append(wall)
                cpus[mode].append(cpu)
                print(
                    f"  round {number + 1}: {mode} {wall:.1f} s, {cpu:.1f} CPU-s", file=sys.stderr, flush=True
                )
    middle = {m: statistics.median(walls[m]) for m in modes}
    used = {m: statistics.median(cpus[m]) for m in modes}
    reports = len(districts) * options.copies
    print(f"{reports} district reports with HTML, {cores} cores, median of {options.repeat}, cold start")
    for mode in modes:
        print(f"  {mode:6} {middle[mode]:7.1f} s {used[mode]:7.1f} CPU-s")
    if options.copies == 1:
        print(f"loop / fork  {middle['loop'] / middle['fork']:.2f}   (asked for: at least 5)")
        print(f"pool / fork  {middle['pool'] / middle['fork']:.2f}   (asked for: at least 2)")
    limit = 1.3 if reports < 180 else 1.15
    print(f"fork / floor {middle['fork'] / middle['floor']:.2f}   (asked for: at most {limit})")
    beside = (used["fork"] - used["floor"]) / reports
    print(f"beside cells and exports {beside:.2f} CPU-s a report, start included (asked for: at most 0.3)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
