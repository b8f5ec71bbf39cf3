"""What exporting one executed notebook to all four formats costs: a district's report as HTML, Word, PDF and workbook.

    .venv/bin/python benchmarks/export.py [STUDY]

Reads the newest quarter's ``report.ipynb`` of the districts (``make reports`` first). The limit is 1.5 s of CPU for all four
together. One district is exported to load fonts and modules, as in a batch that makes 19 reports; then up to ``TIMES`` others,
of which the median counts (never one twice: typst remembers what it has set).
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
from commlab.study import Period

LIMIT, TIMES = 1.5, 6


def cpu(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def costs(period: Period, district: str, notebook: Path, folder: Path) -> dict[str, float]:
    return {
        "html, docx, pdf": cpu(lambda: export(notebook, folder)),
        "xlsx": cpu(lambda: appendix(period, district, folder / "appendix.xlsx")),
    }


def main() -> None:
    study = cl.open_study(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parents[1])
    period = study.period()
    reports = study.root / "reports" / period.name
    made = {d: reports / d / "report.ipynb" for d in period.districts}
    made = {d: path for d, path in made.items() if path.is_file()}
    if len(made) < 2:
        sys.exit(f"{reports} holds fewer than two districts' reports; run `make reports` first")
    with tempfile.TemporaryDirectory() as temporary:
        first, *rounds = (
            costs(period, d, path, Path(temporary)) for d, path in list(made.items())[: TIMES + 1]
        )
    for form in first:
        print(f"{form}: {statistics.median(r[form] for r in rounds):.2f} s (first {first[form]:.2f} s)")
    total, whole = statistics.median(sum(r.values()) for r in rounds), sum(first.values())
    print(
        f"all four: {total:.2f} s of CPU (first {whole:.2f} s), {total / LIMIT:.2f} of the limit of {LIMIT} s"
    )
    if total > LIMIT:
        sys.exit("the limit is missed")


if __name__ == "__main__":
    main()
