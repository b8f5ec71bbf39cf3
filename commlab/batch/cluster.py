"""Reports on a Dask cluster that runs already: ``commlab report --scheduler tcp://host:8786``.

The plan, the locks and the final names stay with the command; workers only make reports. Each worker process
keeps one warm process and forks its reports from it, as on a single machine. Where a worker sees the study's
folder, it works there; where one does not, the study is sent to it once (study.yaml, register, notebooks and
processed tables, never raw files) and finished reports come back. A worker that dies costs the reports that it
was making: Dask gives them to another one.

This module needs ``distributed`` (``commlab[cluster]``); ``runners`` imports it when a scheduler is given.
"""

from __future__ import annotations

import asyncio
import io
import secrets
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from distributed import CancelledError, Client, KilledWorker, WorkerPlugin, get_worker

from commlab.batch.engine.client import EngineError
from commlab.batch.jobs import Job, code_inputs
from commlab.batch.notebooks import find_notebook
from commlab.batch.place import work_folder
from commlab.batch.progress import Silent
from commlab.batch.runners import Runner, open_runner
from commlab.batch.work import Outcome
from commlab.errors import StudyError, listing

__all__ = ["ClusterRunner", "bundle"]

# What a report reads beside the library; raw files hold people's data and stay where they are.
_SENT = ("study.yaml", "frameworks/**/*", "notebooks/*.ipynb", "data/register/**/*", "data/processed/**/*")
_PATIENCE = 30.0


def bundle(root: Path) -> bytes:
    """A zip of what reports read in a study folder; the same bytes for the same files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(p for pattern in _SENT for p in root.glob(pattern)):
            inside = path.relative_to(root)
            if path.is_file() and not any(part.startswith(".") for part in inside.parts):
                archive.writestr(zipfile.ZipInfo(inside.as_posix()), path.read_bytes())
    return packed.getvalue()


class Reports(WorkerPlugin):
    """A worker's part: the study as this worker sees it, and the processes that make its reports.

    Parameters
    ----------
    root : str
        The study folder where the command runs.
    token : str
        A file that lies there while the command runs: who sees it shares the folder.
    packed : bytes, optional
        ``bundle`` of the study, for workers that do not.
    limits : mapping
        ``timeout`` (seconds a cell), ``memory`` (MiB a report).
    code : mapping
        ``code_inputs`` of the command: a worker with other code would make other reports.
    """

    idempotent = False

    def __init__(
        self, root: str, token: str, packed: bytes | None, limits: Mapping[str, Any], code: Mapping[str, str]
    ) -> None:
        self.root, self.token, self.packed = root, token, packed
        self.limits, self.code = dict(limits), dict(code)
        self.name = f"commlab-reports-{Path(token).name}"
        self.own: str | None = None

    async def setup(self, worker: Any) -> None:  # type: ignore[override]  # Dask awaits what is awaitable
        """Find or unpack the study, start the warm process; the worker's loop goes on meanwhile."""
        await asyncio.to_thread(self._prepare, worker)

    def _prepare(self, worker: Any) -> None:
        here = code_inputs()
        other = [k for k in self.code if here[k] != self.code[k]]
        if other:
            raise StudyError(
                f"worker {worker.address} has other {listing(other)} than the command; its reports would differ. "
                "Install the same commlab and the same requirements.lock on every machine"
            )
        if not _sees(self.token):
            if self.packed is None:
                raise StudyError(
                    f"worker {worker.address} does not see {self.root}, as the workers before it did"
                )
            self.own = tempfile.mkdtemp(prefix="commlab-", dir=worker.local_directory)
            with zipfile.ZipFile(io.BytesIO(self.packed)) as archive:
                archive.extractall(self.own)
        self.runner: Runner = open_runner(None, worker.state.nthreads, self.limits, Silent())

    async def teardown(self, worker: Any) -> None:  # type: ignore[override]
        """End the warm process; nothing is left on the worker's disk."""
        await asyncio.to_thread(self._clear)

    def _clear(self) -> None:
        self.runner.close(kill=True)
        if self.own:
            shutil.rmtree(self.own, ignore_errors=True)

    def make(self, job: Job) -> dict[str, Any]:
        """One report: its outcome, and its files where this worker does not see the study's folder."""
        if self.own:
            root = Path(self.own)
            job = replace(job, root=root, notebook=find_notebook(root, job.notebook.stem))
        folder = work_folder(job)
        outcome = self.runner.submit(job, folder).result()
        files = {}
        if self.own:
            made = (p for p in sorted(folder.rglob("*")) if p.is_file())
            files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in made}
            shutil.rmtree(folder, ignore_errors=True)
        return {"outcome": asdict(outcome), "files": files}


def _leave(token: Path) -> None:
    token.parent.mkdir(parents=True, exist_ok=True)
    token.touch()


def _sees(path: str) -> bool:
    return Path(path).is_file()


def _make(plugin: str, record: dict[str, Any]) -> dict[str, Any]:
    """What a worker is asked to do."""
    reports = get_worker().plugins[plugin]
    if not isinstance(reports, Reports):
        raise TypeError(f"{plugin} is {type(reports).__name__}")
    return reports.make(Job.of(record))


class ClusterRunner:
    """Hands reports to a Dask scheduler.

    Parameters
    ----------
    address : str
        Of the scheduler: ``tcp://host:8786``.
    root : path
        The study folder.
    limits : mapping
        ``timeout`` (seconds a cell), ``memory`` (MiB a report).

    Raises
    ------
    EngineError
        If nobody answers at the address, or no worker joins.
    StudyError
        If a worker has other code or versions.
    """

    def __init__(self, address: str, root: Path, limits: Mapping[str, Any]) -> None:
        try:
            self.client = Client(address, timeout=_PATIENCE, set_as_default=False)
        except (OSError, ValueError) as error:
            raise EngineError(f"no Dask scheduler answers at {address} ({error})") from error
        self.address, self.token = address, root / "reports" / f".{secrets.token_hex(8)}"
        self.plugin: Reports | None = None
        self.remotes: dict[Future[Outcome], Any] = {}
        try:
            self._introduce(root, limits)
        except TimeoutError as error:
            self.close(kill=True)
            raise EngineError(f"no worker joined {address}; start `dask worker {address}`") from error
        except BaseException:
            self.close(kill=True)
            raise

    def _introduce(self, root: Path, limits: Mapping[str, Any]) -> None:
        """Let every worker, now and later, have the study."""
        self.client.wait_for_workers(1, timeout=_PATIENCE)
        _leave(self.token)
        seen = self.client.run(_sees, str(self.token)).values()
        packed = None if all(seen) else bundle(root)
        plugin = Reports(str(root), str(self.token), packed, limits, code_inputs())
        self.client.register_plugin(plugin)
        self.plugin = plugin

    @property
    def workers(self) -> int:
        """How many threads the cluster's workers have now; one while none is there, so that a job waits."""
        try:
            return max(1, sum(self.client.nthreads().values())) if self.alive else 1
        except OSError:  # the scheduler has just gone: what runs on it will say so
            return 1

    @property
    def alive(self) -> bool:
        return bool(self.client.status == "running")

    def submit(self, job: Job, folder: Path) -> Future[Outcome]:
        future: Future[Outcome] = Future()
        name = self.plugin.name if self.plugin else ""
        # Not pure: to Dask no two jobs are the same, a second try is a try.
        remote = self.client.submit(_make, name, job.record(), pure=False)
        self.remotes[future] = remote
        remote.add_done_callback(lambda done: _settle(done, folder, future))
        return future

    def close(self, *, kill: bool = False) -> None:
        if self.alive:
            if kill:
                self.client.cancel([r for f, r in self.remotes.items() if not f.done()], force=True)
            if self.plugin:
                self.client.unregister_worker_plugin(self.plugin.name)
        self.client.close()
        self.token.unlink(missing_ok=True)


def _settle(remote: Any, folder: Path, future: Future[Outcome]) -> None:
    """Turn Dask's answer into an outcome; the files that came with it go where the report is made."""
    try:
        answer = remote.result()
    except (CancelledError, KilledWorker, OSError) as error:
        why = f"the cluster lost it ({type(error).__name__}: {error})"
        future.set_result(Outcome("failed", why, infrastructure=True))
    except BaseException as error:
        future.set_exception(error)
    else:
        for name, data in answer["files"].items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        future.set_result(Outcome(**answer["outcome"]))
