"""Templates: each is a whole study that is copied, checked without a fault, and makes its reports from its own notebooks."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

import commlab as cl
from commlab import batch
from commlab.batch.reads import READS, Reads, reads_of
from commlab.cli import init
from commlab.cli.init import STARTER, init_study, templates
from commlab.report import chapters
from commlab.store import HashCache
from commlab.study.period import Period
from commlab.study.results import RESULTS
from commlab.tables import CONTRACTS

STUDIES = Path(__file__).parent / "data/studies"
FOLDER = Path(cl.__file__).parent / "templates"


def test_a_template_with_sample_files_keeps_its_periods(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(init, "_FOLDER", STUDIES)
    forms = init_study(tmp_path / "a", template="hotline")
    study = cl.open_study(tmp_path / "a")
    assert study.periods == ("2023M04", "2023M05") and len(forms) == 1
    given = (STUDIES / "hotline/data/raw/2023M05/热线月报.csv").read_bytes()
    assert (tmp_path / "a/data/raw/2023M05/热线月报.csv").read_bytes() == given
    assert '"2023M05"' in (tmp_path / "a/notebooks/00-explore.ipynb").read_text(encoding="utf-8").replace(
        '\\"', '"'
    )
    init_study(tmp_path / "b", template="hotline", period="2023M06")
    assert cl.open_study(tmp_path / "b").newest == "2023M06"
    assert (tmp_path / "b/forms/2023M06/热线月报.xlsx").is_file()


@pytest.mark.parametrize("name", [name for name in templates() if name != STARTER])
def test_a_template_runs_from_its_files_to_its_reports(tmp_path: Path, name: str) -> None:
    init_study(tmp_path / name, template=name)
    study = cl.open_study(tmp_path / name)
    checked = study.check()
    assert checked.exit_code == 0, checked.errors["message"].head(3).to_list()
    units = [study.register.districts[0], "city", "methods"]
    result = batch.run(study.period(), units=units, formats=("html",), workers=2)
    assert result.exit_code == 0, result.statuses[["name", "why"]].to_string()
    _reports_depend_on_all_that_their_chapters_read(tmp_path / name)


def _reports_depend_on_all_that_their_chapters_read(root: Path) -> None:
    """No chapter reads a table that it does not declare, and every period up to the report's own counts."""
    study = cl.open_study(root)
    newest = study.period()
    city = next(p for p in (root / "notebooks").glob("60-*.ipynb"))
    known = Reads(newest, HashCache(root / "hashes.json")).of(study.config.city, city, "city")
    assert reads_of(city) is not None and {f"{p}/measures" for p in study.periods} <= set(known)
    called = set(re.findall(r"chapters\.(\w+)\(report", city.read_text(encoding="utf-8"))) - {"manifest"}
    real = {way: getattr(Period, way) for way in ("result", "table", "table_raw")}
    with pytest.MonkeyPatch.context() as patched:
        seen: set[str] = set()
        for way, read in real.items():
            patched.setattr(Period, way, lambda self, n, read=read: seen.add(n) or read(self, n))
        for chapter in sorted(called):
            report = chapters.open_report(root, newest.name, None, "zh")
            report.period.districts  # noqa: B018  which all chapters know
            seen.clear()
            getattr(chapters, chapter)(report)
            strange = (seen & {*RESULTS, *CONTRACTS, "status"}) - set(READS[chapter])
            assert not strange, (chapter, strange)


def test_every_template_says_what_it_is() -> None:
    for name in templates():
        folder = FOLDER / name
        assert (folder / "README.md").is_file() and (folder / "data/register/units.csv").is_file(), name
        if name == STARTER:
            continue
        given = yaml.safe_load((folder / "study.yaml").read_text(encoding="utf-8"))
        assert given["sample"] is True and given["periods"], name
        assert all((folder / "data/raw" / str(p)).is_dir() for p in given["periods"]), name
        assert (folder / "data/raw/SOURCES.csv").is_file(), name
        for path in folder.glob("notebooks/*.ipynb"):
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            assert all(not c.get("outputs") for c in cells), path.name
            assert all(
                len("".join(c["source"]).splitlines()) <= 10 for c in cells if c["cell_type"] == "code"
            ), path.name
            assert not any(w in "".join(c["source"]) for c in cells for w in ("def ", "read_csv", "open(")), (
                path.name
            )
