"""batch: what dies on the way, what is started too early, and many at once: nothing is left behind, a rerun goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook
from test_batch import FakePeriod, forks, note, period, run, states  # noqa: F401

from commlab.batch import FORMATS, warm
from commlab.batch.engine import forked
from commlab.batch.engine.client import EngineError, Zygote
from commlab.batch.warm import Ahead, nothing_made, warm_process

pytestmark = forks

# A run in a process of its own, with the fake period of the tests.
_RUN = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
import test_batch as t
from commlab.batch import warm
from commlab.report import overview
warm.IMPORTS = t.IMPORTS
overview.index = lambda period, statuses, path, language: None
t.run(t.FakePeriod(Path({root!r})), workers=1)
"""


def running(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def children(pid: int) -> list[int]:
    out = []
    for other in filter(str.isdigit, os.listdir("/proc")):
        try:
            if int(Path(f"/proc/{other}/stat").read_text().rsplit(")", 1)[1].split()[1]) == pid:
                out.append(int(other))
        except OSError:  # it ended while we looked
            continue
    return out


def until(true: object, seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():  # type: ignore[operator]
            return True
        time.sleep(0.02)
    return False


# --------------------------------------------------------------------------------------------------- deaths
def test_a_command_that_is_killed_leaves_no_process_and_a_rerun_goes_on(period: FakePeriod) -> None:  # noqa: F811
    root = period.study.root
    note(period, "盘龙区", "do import os, time\nPath('at').write_text(str(os.getpid()))\ntime.sleep(60)")
    code = _RUN.format(tests=str(Path(__file__).parent), root=str(root))
    command = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    assert until(lambda: (root / "at").exists() and (root / "at").read_text())
    fork = int((root / "at").read_text())
    pids = [*children(command.pid), fork]
    command.send_signal(signal.SIGKILL)
    command.wait()
    assert len(pids) == 2 and until(lambda: not any(running(p) for p in pids), 5)
    note(period, "盘龙区", "修好了")
    assert states(run(period)) == {"五华区": "fresh", "盘龙区": "done", "东川区": "done"}
    assert not (root / "reports/2019Q4/.work").exists()


@pytest.mark.slow
def test_a_process_of_the_pool_that_is_killed_costs_a_second_try(period: FakePeriod) -> None:  # noqa: F811
    once = "do import os; p = Path('killed'); n = p.exists(); p.touch(); n or os.kill(os.getppid(), 9)"
    note(period, "五华区", once)
    result = run(period, units=["五华区"], engine="kernel")
    assert states(result) == {"五华区": "done"} and (period.study.root / "killed").exists()
    log = (period.study.root / "reports/2019Q4/run.log").read_text(encoding="utf-8")
    assert "the process that made it was killed; tried again" in log


# ------------------------------------------------------------------------------------------- the warm process
def test_what_reports_import_starts_no_thread() -> None:
    with warm_process(FORMATS) as process:
        process.wait_ready()
        assert len(os.listdir(f"/proc/{process.process.pid}/task")) == 1


def test_a_process_with_two_threads_is_not_forked_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "threaded.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with Zygote(["threaded"]) as process, pytest.raises(EngineError, match="has 2 threads"):
        process.wait_ready()


@pytest.mark.parametrize(
    ("made", "asked", "expected"),
    [
        ((), "2019Q4", True),
        ((), None, True),
        (("2019Q4",), "2019Q4", False),
        (("2019Q3",), "2019Q4", True),
        (("2019Q3",), None, False),
    ],
)
def test_a_glance_says_whether_anything_was_made(
    tmp_path: Path, made: tuple[str, ...], asked: str | None, expected: bool
) -> None:
    (tmp_path / "study.yaml").touch()
    (tmp_path / "notebooks").mkdir()
    for name in made:
        (tmp_path / "reports" / name).mkdir(parents=True)
        (tmp_path / "reports" / name / "status.json").touch()
    assert nothing_made(tmp_path / "notebooks", asked) is expected


def test_where_there_is_no_study_nothing_is_started(tmp_path: Path) -> None:
    assert not nothing_made(tmp_path, None)


def test_what_was_started_ahead_and_not_taken_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm, "IMPORTS", {"cells": ("time",), "html": ()})
    monkeypatch.setattr(warm, "_SOON", 0.05)
    before = set(children(os.getpid()))
    with Ahead(["html"]) as ahead:
        with ahead.unless_quick():
            pass
        assert set(children(os.getpid())) == before
        with ahead.unless_quick():
            assert until(lambda: set(children(os.getpid())) != before)
        ahead.start()
        assert len(set(children(os.getpid())) - before) == 1
    assert set(children(os.getpid())) == before
    ahead.start()  # a timer that is late
    with Ahead(["html"], wanted=False) as never:
        never.start()
        assert never.take() is None and set(children(os.getpid())) == before


# ------------------------------------------------------------------------------------------------------ many
def test_a_hundred_notebooks_four_wide_leave_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import papermill

    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    forked.register()
    cell = "import os; print(n); os.getpid()"
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    before = set(os.listdir("/proc/self/fd"))
    with Zygote() as process:
        process.wait_ready()

        def make(number: int) -> str:
            book = new_notebook(
                cells=[new_code_cell(f"n = {number}"), new_code_cell(cell)], metadata=metadata
            )
            options = {"kernel_name": "python3", "progress_bar": False, "zygote": process}
            done = papermill.execute_notebook(book, None, engine_name=forked.NAME, **options)
            return str(done.cells[1].outputs[0].text)

        with ThreadPoolExecutor(4) as pool:
            told = list(pool.map(make, range(100)))
        pid = process.process.pid
        assert until(lambda: not children(pid), 5)
    assert told == [f"{n}\n" for n in range(100)]
    assert not running(pid)
    assert set(os.listdir("/proc/self/fd")) <= before and os.listdir(tmp_path) == []
