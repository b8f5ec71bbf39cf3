"""batch.reads: what a notebook depends on, told from its text, and whether that is all that it reads."""

from __future__ import annotations

import inspect
from pathlib import Path

import nbformat
import pytest

import commlab
from commlab.batch.reads import READS, of_workbook, reads_of
from commlab.report import appendix, chapters
from commlab.study.period import Period
from commlab.study.results import RESULTS
from commlab.tables import CONTRACTS

OPENED = "from commlab.report import chapters\nreport = chapters.open_report('.', '2019Q4')\n"


def notebook(folder: Path, *cells: str) -> Path:
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    nbformat.write(book, folder / "n.ipynb")
    return folder / "n.ipynb"


@pytest.mark.parametrize(
    ("code", "reads"),
    [
        ("chapters.problems(report)", {"problem_states"}),
        ("chapters.satisfaction(report)", set(READS["satisfaction"])),
        ("chapters.intake(report)", {"ledger", "status"}),
        ("report.period.ranks()", {"ranks"}),
        ("report.period.leaf_scores()", {"leaves"}),
        ('report.period.result("evidence")', {"evidence"}),
        ("report.period.satisfaction(by='sex')", {"satisfaction", "responses"}),
        ("report.period.problems", {"problems"}),
        ("report.period.communities", {"measures"}),
        ("from commlab import scoring\nscoring.audit(report.period.scores(), None)", {"scores"}),
        # anything could be read
        ("chapters.unheard_of(report)", None),
        ("c = chapters\nc.problems(report)", None),
        ("for n in ('a', 'b'): report.period.result(n)", None),
        ("f = report.period.result\nf('ranks')", None),
        ("getattr(report.period, 'ra' + 'nks')()", None),
        ("report.period.previous.ranks()", None),
        ("report.period.folder.read_result('ranks')", None),
        ("import pandas as pd\npd.read_parquet('x')", None),
        ("from commlab.report.chapters import problems\nproblems(report)", None),
        ("open('data/processed/2019Q4/results/ranks.parquet')", None),
        ("%matplotlib inline", None),
    ],
)
def test_what_a_notebook_reads(tmp_path: Path, code: str, reads: set[str] | None) -> None:
    assert reads_of(notebook(tmp_path, OPENED, code)) == reads


def test_the_library_s_own_notebooks_say_for_certain_what_they_read(repository: Path) -> None:
    found = {p.stem: reads_of(p) for p in (repository / "notebooks").glob("*.ipynb")}
    assert None not in found.values()
    without = {name for name, reads in found.items() if reads is not None and "problem_states" not in reads}
    assert without == {"00-explore", "10-intake", "20-weights", "30-satisfaction", "40-scores"}


@pytest.mark.parametrize("district", [None, "五华区"])
@pytest.mark.parametrize("name", sorted(READS))
def test_a_chapter_reads_nothing_else(
    tiny: Path, name: str, district: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[str] = set()
    report = chapters.open_report(tiny, "2019Q4", district, "zh")
    assert report.period.districts and report.period.failed is not None  # which all of them know
    for way in ("result", "table", "table_raw"):
        real = getattr(Period, way)
        monkeypatch.setattr(Period, way, lambda self, n, real=real: seen.add(n) or real(self, n))
    chapter = getattr(chapters, name)
    more = [p for p in inspect.signature(chapter).parameters.values() if p.default is p.empty][1:]
    chapter(report, *[""] * len(more))
    hashed = ["ledger", "status"] if name == "manifest" else []  # all that a report's inputs are told by
    assert seen & {*RESULTS, *CONTRACTS, "status"} <= {*READS[name], *hashed}


@pytest.mark.parametrize("unit", ["city", "五华区"])
def test_a_workbook_reads_nothing_of_what_it_is_kept_without(tiny, unit, tmp_path, monkeypatch):
    seen: set[str] = set()
    period = commlab.open_study(tiny).period("2019Q4")
    for way in ("result", "table", "table_raw"):
        real = getattr(Period, way)
        monkeypatch.setattr(Period, way, lambda self, n, real=real: seen.add(n) or real(self, n))
    appendix(period, unit, tmp_path / "appendix.xlsx")
    inputs = {f"result:{n}": "h" for n in seen} | {
        "result:2019Q4/problems": "h",
        "notebook:50-district-report.ipynb": "h",
    }
    assert of_workbook(inputs) == {f"result:{n}": "h" for n in seen} != {}
