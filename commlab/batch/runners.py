"""Who executes: forks of one process that has imported everything, or a pool of processes with ordinary
kernels.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from commlab.batch.engine.client import CallError, EngineError, Zygote, available, without_grammar
from commlab.batch.jobs import FORMATS, Job
from commlab.batch.progress import Silent
from commlab.batch.warm import Ahead, warm_process
from commlab.batch.work import Outcome, execute, finish, perform, prepare_process, publish_record, unpublished
from commlab.errors import ParameterError

__all__ = ["ForkRunner", "PoolRunner", "Runner", "open_cluster", "open_runner"]


class Runner(Protocol):
    """Something that makes reports, ``workers`` at a time."""

    @property
    def workers(self) -> int:
        """How many reports it makes at a time."""

    @property
    def alive(self) -> bool:
        """Whether it can take another job."""

    def submit(self, job: Job, folder: Path) -> Future[Outcome]:
        """Start one report; the future holds its outcome."""

    def close(self, *, kill: bool = False) -> None:
        """End every process it started; ``kill``: also those at work."""


class ForkRunner:
    """Forks of one warm process: each report's cells in one, its export in another.

    Papermill is the client of each in a thread of this process; the threads only wait.
    """

    def __init__(self, workers: int, limits: Mapping[str, Any], tell: Silent, zygote: Zygote) -> None:
        self.workers, self.tell, self.zygote = workers, tell, zygote
        self.options = {"execution_timeout": limits.get("timeout"), "memory": limits.get("memory")}
        self.threads = ThreadPoolExecutor(workers, thread_name_prefix="report")
        with without_grammar():
            from commlab.batch.engine.forked import NAME, register
        register()
        self.engine = NAME

    @property
    def alive(self) -> bool:
        return self.zygote.alive

    def submit(self, job: Job, folder: Path) -> Future[Outcome]:
        return self.threads.submit(self._make, job, folder)

    def _make(self, job: Job, folder: Path) -> Outcome:
        def on_cell(number: int, count: int) -> None:
            self.tell.stage(job.name, f"{number}/{count}")

        outcome = execute(
            job,
            folder,
            engine=self.engine,
            zygote=self.zygote,
            run_folder=job.root,
            on_cell=on_cell,
            **self.options,
        )
        if outcome.state != "done":
            return outcome
        self.tell.stage(job.name, "export")
        try:
            return finish(outcome, self._publish, job, folder)
        except CallError as error:
            return unpublished(outcome, error.name, str(error), error.trace)
        except EngineError as error:
            return replace(unpublished(outcome, "EngineError", str(error)), infrastructure=True)

    def _publish(self, job: Job, folder: Path) -> dict[str, str]:
        return self.zygote.call(
            publish_record.__module__, publish_record.__name__, job.record(), str(folder), folder=job.root
        )

    def close(self, *, kill: bool = False) -> None:
        if kill:
            self.zygote.close()
        self.threads.shutdown(wait=True, cancel_futures=True)
        self.zygote.close()


class PoolRunner:
    """Spawned processes, each executing one notebook after the other in an ordinary kernel of its own."""

    def __init__(self, workers: int, limits: Mapping[str, Any]) -> None:
        self.workers = workers
        # A kernel warns about its sockets each time that it starts.
        self.options: dict[str, Any] = {"extra_arguments": ["--Application.log_level=40"]}
        if limits.get("timeout"):
            self.options["execution_timeout"] = limits["timeout"]
        self.alive = True
        self.pool = ProcessPoolExecutor(
            workers, mp_context=multiprocessing.get_context("spawn"), initializer=prepare_process
        )

    def submit(self, job: Job, folder: Path) -> Future[Outcome]:
        future = self.pool.submit(perform, job, folder, self.options)
        future.add_done_callback(self._notice)
        return future

    def _notice(self, future: Future[Outcome]) -> None:
        if not future.cancelled() and isinstance(future.exception(), BrokenProcessPool):
            self.alive = False

    def close(self, *, kill: bool = False) -> None:
        if kill:
            for process in list((self.pool._processes or {}).values()):
                process.terminate()
        self.pool.shutdown(wait=True, cancel_futures=True)


def open_cluster(address: str, root: Path, limits: Mapping[str, Any]) -> Runner:
    """The runner that hands reports to a Dask scheduler.

    Raises
    ------
    ParameterError
        If Dask's client is not installed.
    EngineError
        If nobody answers at the address, or no worker joins.
    StudyError
        If a worker has other code or versions.
    """
    try:
        from commlab.batch.cluster import ClusterRunner
    except ImportError as error:
        raise ParameterError(
            f"a scheduler needs Dask's client, which is not installed here ({error}): "
            'pip install "commlab[cluster]"'
        ) from error
    return ClusterRunner(address, root, limits)


def open_runner(
    engine: str | None,
    workers: int,
    limits: Mapping[str, Any],
    tell: Silent,
    *,
    formats: Sequence[str] = FORMATS,
    ahead: Ahead | None = None,
) -> Runner:
    """The runner asked for; without a wish, forks where they work, else kernels with a note.

    ``ahead`` may have the warm process already; papermill is imported while the process gets ready.

    Raises
    ------
    EngineError
        If ``fork`` was asked for and does not work here.
    """
    if engine == "kernel" or (engine is None and not available()):
        return PoolRunner(workers, limits)
    zygote = (ahead.take() if ahead else None) or warm_process(formats)
    try:
        runner = ForkRunner(workers, limits, tell, zygote)
        zygote.wait_ready()
    except BaseException as error:
        zygote.close()
        if engine == "fork" or not isinstance(error, EngineError):
            raise
        tell.note(f"ordinary kernels are used, which is slower: {error}")
        return PoolRunner(workers, limits)
    return runner
