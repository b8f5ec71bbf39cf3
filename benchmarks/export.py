"""What exporting one executed notebook to all four formats costs: the district report as HTML, Word, PDF and workbook.

    .venv/bin/python benchmarks/export.py [STUDY] [DISTRICT]

Reads the newest quarter's ``report.ipynb`` (``make reports`` first). The limit is 1.5 s of CPU for all four together; each
export runs once to load fonts and modules, as in a batch that makes 19 reports, then ``TIMES`` times of which the median counts.
The first export of a process is printed beside it.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import commlab as cl
from commlab.report import export
from commlab.report.appendix_book import appendix

LIMIT, TIMES = 1.5, 5


def cpu(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def main() -> None:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[1]
    study = cl.open_study(root)
    period = study.period()
    district = sys.argv[2] if len(sys.argv) > 2 else period.districts[0]
    notebook = study.root / "reports" / period.name / district / "report.ipynb"
    if not notebook.is_file():
        sys.exit(f"{notebook} is missing; run `make reports` first")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        steps: dict[str, Callable[[], object]] = {
            form: lambda form=form: export(notebook, folder, formats=[form])  # type: ignore[misc]
            for form in ("html", "docx", "pdf")
        }
        steps["xlsx"] = lambda: appendix(period, district, folder / "appendix.xlsx")
        first = {name: cpu(run) for name, run in steps.items()}
        rounds = [{name: cpu(run) for name, run in steps.items()} for _ in range(TIMES)]
    for name in steps:
        print(f"{name}: {statistics.median(r[name] for r in rounds):.2f} s (first {first[name]:.2f} s)")
    total = statistics.median(sum(r.values()) for r in rounds)
    print(
        f"all four: {total:.2f} s of CPU (first {sum(first.values()):.2f} s), {total / LIMIT:.2f} of the limit of {LIMIT} s"
    )
    if total > LIMIT:
        sys.exit("the limit is missed")


if __name__ == "__main__":
    main()
