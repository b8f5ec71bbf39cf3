"""What makes the batch fast must not change what it does: memories, and what is imported when nothing is due."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import commlab as cl
from commlab.study import register as register_module

pytestmark = pytest.mark.slow

HEAVY = ("scipy", "pandera", "statsmodels", "matplotlib", "IPython", "papermill", "nbformat", "openpyxl")

NOTHING_DUE = """
import json, sys
from commlab.study import open_study

study = open_study(sys.argv[1])
study.check()
period = study.period()
built = period.build()
inputs = period.report_inputs(study.config.city)
print(json.dumps([built, len(inputs), [m for m in sys.argv[2:] if m in sys.modules]]))
"""


@pytest.fixture
def checked(tiny: Path, tmp_path: Path) -> Path:
    """A copy of the checked tiny study."""
    return Path(
        shutil.copytree(tiny, tmp_path / "study", ignore=shutil.ignore_patterns("reports", "figures"))
    )


def units_of(study: cl.Study) -> tuple[str, ...]:
    return (study.config.city, *study.register.districts)


def test_nothing_changed_imports_nothing_heavy(checked: Path) -> None:
    cl.open_study(checked).period().report_inputs("昆明市")
    command = [sys.executable, "-c", NOTHING_DUE, str(checked), *HEAVY]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    built, inputs, heavy = json.loads(done.stdout)
    assert (built, heavy) == (False, [])
    assert inputs > 10


def test_remembered_inputs_of_reports_are_those_computed(checked: Path) -> None:
    study = cl.open_study(checked)
    memory = study.period().folder.path / "reports.json"
    memory.unlink(missing_ok=True)
    first = {u: study.period().report_inputs(u) for u in units_of(study)}
    assert memory.is_file()
    again = cl.open_study(checked)
    assert {u: again.period().report_inputs(u) for u in units_of(again)} == first
    assert len({json.dumps(v) for v in first.values()}) == len(first)


def test_a_stored_result_that_changed_is_seen(checked: Path) -> None:
    period = cl.open_study(checked).period()
    before = period.report_inputs("昆明市")
    period.folder.write_result("scores", period.result("scores").iloc[:-1])
    after = cl.open_study(checked).period().report_inputs("昆明市")
    assert {k for k in after if after[k] != before[k]} == {"scores"}


def test_inputs_of_an_unknown_unit_are_refused(checked: Path) -> None:
    with pytest.raises(cl.ParameterError, match="neither the city nor a district"):
        cl.open_study(checked).period().report_inputs("大理市")


def test_a_remembered_register_is_the_one_read(checked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = cl.open_study(checked).register
    study = cl.open_study(checked)
    fresh = register_module._read(checked, first.city, study.newest, study.config.quotas)
    monkeypatch.setattr(register_module, "_read", lambda *a: pytest.fail("it was read again"))
    remembered = cl.open_study(checked).register
    for name in register_module._FRAMES:
        pd.testing.assert_frame_equal(getattr(remembered, name), getattr(fresh, name))


def test_a_register_that_changed_is_read_and_checked_again(checked: Path) -> None:
    cl.open_study(checked).register  # noqa: B018  remembered from here on
    units = checked / "data" / "register" / "units.csv"
    text = units.read_text(encoding="utf-8-sig").replace("五华区,district,昆明市", "五华区,district,大理市")
    units.write_text(text, encoding="utf-8")
    with pytest.raises(cl.DataError, match="parents that are no units"):
        cl.open_study(checked).register  # noqa: B018
