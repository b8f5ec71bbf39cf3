"""batch on a real Dask cluster on this machine: a scheduler and two workers, one of them killed on the way."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from test_batch import DISTRICTS, FakePeriod, folder, note, period, run, states  # noqa: F401

from commlab.batch import cluster
from commlab.batch.engine.client import EngineError, available
from commlab.batch.jobs import code_inputs
from commlab.errors import ParameterError, StudyError
from tests import sockets

pytestmark = pytest.mark.skipif(not available(), reason="workers fork on Linux; kernels are used elsewhere")

WHERE = "do import os; text = os.getcwd()"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Cluster:
    """``dask scheduler`` and two ``dask worker`` processes on 127.0.0.1, where every socket beyond it is refused."""

    def __init__(self, scratch: Path) -> None:
        self.address, self.scratch = f"tcp://127.0.0.1:{free_port()}", scratch
        self.scheduler = self.start("scheduler", "--no-dashboard", "--dashboard-address", "127.0.0.1:0")
        self.workers = [self.worker(), self.worker()]

    def start(self, what: str, *options: str) -> subprocess.Popen[bytes]:
        port = ["--host", "127.0.0.1", "--port", self.address.rpartition(":")[2]]
        command = [sys.executable, "-m", "dask", what, *(port if what == "scheduler" else []), *options]
        with open(self.scratch / f"{what}.log", "ab") as log:
            return subprocess.Popen(
                command, stdout=log, stderr=log, start_new_session=True, cwd=self.scratch,
                env=os.environ | sockets.guarded(self.scratch),
            )  # fmt: skip

    def worker(self) -> subprocess.Popen[bytes]:
        options = ["--no-nanny", "--no-dashboard", "--nthreads", "1", "--host", "127.0.0.1"]
        options += ["--dashboard-address", "127.0.0.1:0"]  # or its page of health listens to everybody
        return self.start("worker", self.address, *options, "--local-directory", str(self.scratch))

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.terminate()
            process.wait(20)


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    one = Cluster(tmp_path_factory.mktemp("dask"))
    yield one
    one.close()


def beyond(one: Cluster) -> list[str]:
    """Addresses other than the scheduler's and the workers' that one of them asked for."""
    return [address for event, address in sockets.noted(one.scratch) if event == "refused"]


def left(one: Cluster) -> list[str]:
    """Folders that a run left on the workers' disk."""
    return [p.name for p in one.scratch.rglob("commlab-*")]


def test_workers_that_share_the_folder_make_the_reports_of_one_machine(
    dask: Cluster,
    period: FakePeriod,  # noqa: F811
) -> None:
    note(period, "盘龙区", "raise broken")
    there = run(period, scheduler=dask.address)
    assert states(there) == {"五华区": "done", "盘龙区": "failed", "东川区": "done"}
    assert "cell B7: raise broken" in there.failed["why"].iloc[0]
    page = (folder(period, "五华区") / "report.html").read_bytes()
    here = run(period, force=True)
    assert states(here) == states(there)
    assert (folder(period, "五华区") / "report.html").read_bytes() == page
    assert not [p for p in (period.study.root / "reports").iterdir() if p.name != "2019Q4"]
    assert sockets.noted(dask.scratch) and not beyond(dask)


def test_workers_that_do_not_share_it_are_sent_the_study_once(
    dask: Cluster,
    period: FakePeriod,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster, "_leave", lambda token: None)
    notes = period.study.root / "data" / "register"
    (notes.parent / "raw").mkdir(parents=True)
    (notes.parent / "raw" / "secret.csv").write_text("13888123456")
    notes.mkdir()
    show = (
        "do import os; text = os.getcwd() + str(os.path.exists('data/raw')) + str(sorted(os.listdir('data')))"
    )
    where = period.study.root / "notebooks" / "50-district-report.ipynb"
    (notes / "a.csv").write_text("x")
    where.write_text(where.read_text().replace('Path(\\"notes\\"', 'Path(\\"data/register\\"'))
    (notes / "五华区.txt").write_text(show, encoding="utf-8")
    result = run(period, scheduler=dask.address)
    assert set(states(result).values()) == {"done"}
    page = (folder(period, "五华区") / "report.html").read_text(encoding="utf-8")
    assert f"{dask.scratch}" in page and "False[&#39;register&#39;]" in page
    assert left(dask) == []


def test_a_worker_that_is_killed_costs_only_what_it_was_making(
    dask: Cluster,
    period: FakePeriod,  # noqa: F811
) -> None:
    mark = period.study.root / "killed"
    note(
        period,
        "盘龙区",
        f"do import os, signal, pathlib\nmark = pathlib.Path({str(mark)!r})\nif not mark.exists():\n"
        "    mark.touch()\n    os.kill(int(open(f'/proc/{os.getppid()}/stat').read().split()[3]), signal.SIGKILL)\n"
        "    import time; time.sleep(60)",
    )
    result = run(period, scheduler=dask.address)
    assert mark.exists()
    assert set(states(result).values()) == {"done"}
    gone = [i for i, w in enumerate(dask.workers) if w.poll() is not None]
    assert len(gone) == 1 and dask.workers[gone[0]].returncode == -signal.SIGKILL
    until = time.monotonic() + 10  # the warm process of the dead one ends when it notices
    while time.monotonic() < until and warm_processes():
        time.sleep(0.1)
    assert warm_processes() == []
    made = Path(period.study.root) / "reports" / "2019Q4"
    assert {p.name for p in made.iterdir() if p.is_dir()} == set(DISTRICTS)


def test_bad_requests_are_told_at_once(dask: Cluster, period: FakePeriod, monkeypatch: Any) -> None:  # noqa: F811
    with pytest.raises(ParameterError, match="leave out workers and engine"):
        run(period, scheduler=dask.address, workers=2)
    monkeypatch.setattr(cluster, "_PATIENCE", 0.5)
    with pytest.raises(EngineError, match="no Dask scheduler answers"):
        run(period, scheduler=f"tcp://127.0.0.1:{free_port()}")
    with pytest.raises(EngineError, match="no Dask scheduler answers"):
        run(period, scheduler="what://is this")


def test_workers_that_would_make_other_reports_are_refused(tmp_path: Path) -> None:
    worker: Any = SimpleNamespace(address="tcp://127.0.0.1:9", local_directory=str(tmp_path))
    other = cluster.Reports(str(tmp_path), "nowhere", None, {}, {**code_inputs(), "versions": "0"})
    with pytest.raises(StudyError, match="has other versions than the command"):
        asyncio.run(other.setup(worker))
    blind = cluster.Reports(str(tmp_path), "nowhere", None, {}, code_inputs())
    with pytest.raises(StudyError, match="does not see"):
        asyncio.run(blind.setup(worker))


def test_a_scheduler_that_is_killed_ends_the_run_and_what_is_done_stays(
    dask: Cluster,
    period: FakePeriod,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The last test of this file: nobody answers afterwards."""
    run(period, units=["五华区"])
    note(period, "盘龙区", f"do import os, time; os.kill({dask.scheduler.pid}, 9); time.sleep(60)")
    monkeypatch.setattr(cluster, "_PATIENCE", 1.0)
    with pytest.raises(EngineError, match="no Dask scheduler answers"):
        run(period, scheduler=dask.address)
    dask.close()
    until = time.monotonic() + 10
    while time.monotonic() < until and warm_processes():
        time.sleep(0.1)
    assert warm_processes() == []
    assert not [p for p in (period.study.root / "reports").iterdir() if p.name != "2019Q4"]
    note(period, "盘龙区", "修好了")
    assert states(run(period)) == {"五华区": "fresh", "盘龙区": "done", "东川区": "done"}


def warm_processes() -> list[str]:
    """Processes of this user that forks come from and that belong to no process of this test."""
    out = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_text()
            parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
            if "engine.zygote" in command and "dask" in Path(f"/proc/{parent}/cmdline").read_text():
                out.append(pid)
        except OSError:  # it ended while we looked
            continue
    return out
