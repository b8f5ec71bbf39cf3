"""What a large batch costs: beside its reports, with cheap notebooks, and in hours, cores and money for a country.

    python benchmarks/plan.py [--districts 2843] [--waves 4] [--notebooks 300] [--sizing] [--price 0.05] [--lost 0.01]

- **Beside its reports.** A study of so many districts whose reports are made by nobody: each job's files are two short
  pages written at once in the place of an executed notebook and its export. What remains is the batch itself. The
  waves say whether memory stays flat while their number grows. Asked for: under 5 ms of CPU a report.
- **Many notebooks.** So many cheap notebooks, four at a time, in forks of one process; what they leave behind.
- **Sizing** (``--sizing``). The sample study's district reports in four formats are made for two numbers of districts;
  the difference is a report's cost, the rest the start's. From it the table of 2,843 counties and 40,000 streets, at
  ``--price`` a core-hour and ``--lost`` workers lost a core-hour. The city stage is not in it.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from commlab import batch
from commlab.batch import running, states
from commlab.batch.progress import Silent
from commlab.batch.work import Outcome, produced
from commlab.store import file_hash

ROOT = Path(__file__).resolve().parents[1]


class Instant:
    """A runner whose reports are there at once."""

    workers, alive = 2, True

    def submit(self, job: batch.Job, folder: Path) -> Future[Outcome]:
        folder.mkdir(parents=True)
        for name in ("report.ipynb", "report.html"):
            (folder / name).write_text(f"{job.unit} {name}", encoding="utf-8")
        files = {t.relative_to(job.root).as_posix(): file_hash(s) for s, t in produced(job, folder).items()}
        future: Future[Outcome] = Future()
        future.set_result(Outcome("done", files=files))
        return future

    def close(self, *, kill: bool = False) -> None:
        """Nothing was started."""


def period(root: Path, districts: int) -> Any:
    """As much of a period as the batch asks for, with the inputs that a report of the sample study has."""
    names = tuple(f"区县{i:05d}" for i in range(districts))
    results = {f"table{i}": f"{i:064x}" for i in range(30)}
    study = SimpleNamespace(
        root=root,
        config=SimpleNamespace(language="zh", city="全国", inputs=()),
        register=SimpleNamespace(districts=names),
        periods=(),
        district=str,
    )
    return SimpleNamespace(
        name="2019Q4",
        study=study,
        outstanding={},
        failed={},
        build=lambda: None,
        report_inputs=lambda unit: {**results, "unit": unit},
    )


def measured(doing: str, districts: int, work: Any) -> float:
    """CPU milliseconds a report that ``work`` takes; printed with the memory's peak."""
    start = time.process_time()
    work()
    cost = (time.process_time() - start) / districts * 1e3
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  {doing:34} {cost:6.2f} ms CPU a report   peak {peak:6.0f} MiB")
    return cost


def many_notebooks(count: int, wide: int) -> None:
    """Time so many cheap notebooks in forks of one process, and count what they leave."""
    import papermill
    from nbformat.v4 import new_code_cell, new_notebook

    from commlab.batch.engine import forked
    from commlab.batch.engine.client import Zygote

    forked.register()
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    before, start = len(os.listdir("/proc/self/fd")), time.perf_counter()
    scratch = tempfile.mkdtemp()
    os.environ["TMPDIR"], tempfile.tempdir = scratch, None
    with Zygote() as process:

        def make(number: int) -> bool:
            book = new_notebook(cells=[new_code_cell(f"print({number})")], metadata=kernel)
            options = {"kernel_name": "python3", "progress_bar": False, "zygote": process}
            done = papermill.execute_notebook(book, None, engine_name=forked.NAME, **options)
            return bool(done.cells[0].outputs[0].text == f"{number}\n")

        with ThreadPoolExecutor(wide) as pool:
            right = sum(pool.map(make, range(count)))
        pid = process.process.pid
    took = time.perf_counter() - start
    left = len(descendants(os.getpid()))
    files, temporary = len(os.listdir("/proc/self/fd")) - before, len(os.listdir(scratch))
    del os.environ["TMPDIR"]
    tempfile.tempdir = None
    shutil.rmtree(scratch)
    print(f"{count} notebooks, {wide} wide: {took:.1f} s, {right} right; process {pid} is gone")
    print(f"  left behind: {left} processes, {files} open files or sockets, {temporary} temporary files")


def descendants(pid: int) -> list[int]:
    """Processes that a process started, and those that these started."""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            parents[int(name)] = int(Path(f"/proc/{name}/stat").read_text().rsplit(")", 1)[1].split()[1])
        except OSError:  # it ended while we looked
            continue
    found, fresh = [], [pid]
    while fresh:
        fresh = [p for p, parent in parents.items() if parent in fresh]
        found += fresh
    return found


def memory_of(pid: int) -> float:
    """MiB that a process has: shared pages count by the part that is its own (PSS)."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


def cost(study: Path, period: str, districts: list[str], workers: int) -> tuple[float, float]:
    """CPU seconds, and MiB at the peak of all processes together, of a run from a cold start."""
    shutil.rmtree(study / "reports", ignore_errors=True)
    units = [part for d in districts for part in ("--unit", d)]
    command = [sys.executable, "-m", "commlab", "report", period, *units, "--workers", str(workers)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak, ended = [0.0], threading.Event()
    run = subprocess.Popen(
        [*command, "--study", str(study)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )

    def watch() -> None:
        while not ended.wait(0.2):
            peak[0] = max(peak[0], sum(memory_of(p) for p in [run.pid, *descendants(run.pid)]))

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = run.wait()
    ended.set()
    watcher.join()
    if code:
        raise SystemExit(f"the reports ended with {code}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, peak[0]


def sizing(beside: float, price: float, lost: float) -> None:
    """Measure a report of the sample study and print what a country's reports take."""
    from batch import copied, districts_of

    few, more = 2, 8
    with tempfile.TemporaryDirectory() as folder:
        study = copied(ROOT, Path(folder) / "study")
        name, districts = districts_of(study, more)
        one, alone = cost(study, name, districts[:few], 1)
        all_of_them, _ = cost(study, name, districts, 1)
        _, two_wide = cost(study, name, districts[:few], 2)
        files = [p for p in (study / "reports").rglob("*") if p.is_file()]
        disk = sum(p.stat().st_size for p in files) / few / 2**20
    report = (all_of_them - one) / (more - few)
    start, each = one - few * report, two_wide - alone
    print(f"a report in four formats: {report:.2f} CPU-s, {each:.0f} MiB at work, {disk:.1f} MiB on disk")
    print(
        f"a machine: {start:.1f} CPU-s to start, {alone - each:.0f} MiB shared; the plan: {beside:.1f} ms a report"
    )
    print(f"at {price:g} a core-hour, {lost:g} workers lost a core-hour")
    print("| reports | workers | wall time | core-hours | memory of all | disk | cost | made twice |")
    print("|---|---|---|---|---|---|---|---|")
    for units in (2843, 40_000):
        for workers in (2, 16, 128):
            machines = max(1, workers // 16)
            hours = (units * report + machines * start) / 3600
            wall = units * report / workers + start + units * beside / 1000
            memory = (machines * (alone - each) + workers * each) / 1024
            # A worker that is lost costs the report that it was making: half of it was done, on average.
            again = hours * lost
            told = f"{wall / 3600:.1f} h" if wall >= 3600 else f"{wall / 60:.0f} min"
            print(
                f"| {units:,} | {workers} | {told} | {hours:.1f} | {memory:.1f} GiB | {units * disk / 1024:.0f} GiB "
                f"| {hours * price:.2f} | {again:.1f} |"
            )


def main() -> int:
    """Measure growing batches and print what a report costs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--districts", type=int, default=2843)
    parser.add_argument("--waves", type=int, default=4, help="batches of growing size, the last the full one")
    parser.add_argument("--notebooks", type=int, default=300, help="cheap notebooks, four at a time")
    parser.add_argument("--sizing", action="store_true", help="also measure reports and print the table")
    parser.add_argument("--price", type=float, default=0.05, help="of a core-hour, in any currency")
    parser.add_argument("--lost", type=float, default=0.01, help="workers lost a core-hour")
    options = parser.parse_args()
    running.open_runner = lambda *given, **named: Instant()
    running.index_page = lambda *given: {}
    worst = 0.0
    for wave in range(1, options.waves + 1):
        districts = options.districts * wave // options.waves
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / "study"
            shutil.copytree(ROOT / "notebooks", root / "notebooks")
            shutil.copy(ROOT / "study.yaml", root)
            one = period(root, districts)
            print(f"{districts} districts")

            def make(one: Any = one) -> None:
                result = batch.run(
                    one, units=one.study.register.districts, formats=["html"], progress=Silent()
                )
                if result.exit_code or len(result.statuses) != len(one.study.register.districts):
                    raise SystemExit(f"not every report was made:\n{result.failed}")

            worst = max(worst, measured("plan, schedule, hash, manifest", districts, make))
            measured("again, nothing changed", districts, make)
            measured("status", districts, lambda one=one: states.status(one, formats=["html"]))
    print(f"dearest: {worst:.2f} ms CPU a report (asked for: under 5)")
    many_notebooks(options.notebooks, 4)
    if options.sizing:
        sizing(worst, options.price, options.lost)
    return 0


if __name__ == "__main__":
    sys.exit(main())
