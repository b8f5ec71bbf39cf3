"""Who executes: a pool of processes with ordinary kernels, or forks of one warm process."""

from __future__ import annotations

import multiprocessing
from collections.abc import Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any, Protocol

from commlab.batch.jobs import Job
from commlab.batch.progress import Silent
from commlab.batch.work import Outcome, perform, prepare_process

__all__ = ["PoolRunner", "Runner", "open_runner"]


class Runner(Protocol):
    """Something that makes reports, ``workers`` at a time."""

    workers: int

    @property
    def alive(self) -> bool:
        """Whether it can take another job."""

    def submit(self, job: Job, folder: Path) -> Future[Outcome]:
        """Start one report; the future holds its outcome."""

    def close(self, *, kill: bool = False) -> None:
        """End every process it started; ``kill``: also those at work."""


class PoolRunner:
    """Spawned processes, each executing one notebook after the other in an ordinary kernel of its own."""

    def __init__(self, workers: int, limits: Mapping[str, Any]) -> None:
        self.workers = workers
        self.options = {"execution_timeout": limits["timeout"]} if limits.get("timeout") else {}
        self.alive = True
        self.pool = ProcessPoolExecutor(
            workers, mp_context=multiprocessing.get_context("spawn"), initializer=prepare_process
        )

    def submit(self, job: Job, folder: Path) -> Future[Outcome]:
        future = self.pool.submit(perform, job, folder, self.options)
        future.add_done_callback(self._notice)
        return future

    def _notice(self, future: Future[Outcome]) -> None:
        from concurrent.futures.process import BrokenProcessPool

        if not future.cancelled() and isinstance(future.exception(), BrokenProcessPool):
            self.alive = False

    def close(self, *, kill: bool = False) -> None:
        if kill:
            for process in list((self.pool._processes or {}).values()):
                process.terminate()
        self.pool.shutdown(wait=True, cancel_futures=True)


def open_runner(engine: str | None, workers: int, limits: Mapping[str, Any], tell: Silent) -> Runner:
    """The runner asked for; without a wish, forks where they work, else kernels with a note."""
    return PoolRunner(workers, limits)
