"""What a large batch costs beside its reports: planning, scheduling, hashing, manifests, the second look.

    python benchmarks/plan.py [--districts 2843] [--waves 4]

A study of so many districts whose reports are made by nobody: each job's files are two short pages written
at once in the place of an executed notebook and its export. What remains is the batch itself. The waves say
whether memory stays flat while their number grows. Asked for: under 5 ms of CPU a report.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import sys
import tempfile
import time
from concurrent.futures import Future
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
        config=SimpleNamespace(language="zh", city="全国"),
        register=SimpleNamespace(districts=names),
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


def main() -> int:
    """Measure growing batches and print what a report costs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--districts", type=int, default=2843)
    parser.add_argument("--waves", type=int, default=4, help="batches of growing size, the last the full one")
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
    return 0


if __name__ == "__main__":
    sys.exit(main())
