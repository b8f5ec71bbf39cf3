"""Running what is due: side by side, one report apart from every other, nothing lost when something
fails.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commlab import store
from commlab.batch.engine.client import Zygote
from commlab.batch.jobs import FORMATS, Job, plan
from commlab.batch.place import install, sweep, withdraw, work_folder
from commlab.batch.progress import Silent, show_progress
from commlab.batch.runners import ForkRunner, Runner, open_cluster, open_runner
from commlab.batch.states import index_page, remember, table
from commlab.batch.warm import Ahead
from commlab.batch.work import Outcome
from commlab.errors import ParameterError

if TYPE_CHECKING:
    import pandas as pd

    from commlab.study import Period

__all__ = ["RunResult", "run"]

_TRIES = 2


@dataclass(frozen=True)
class RunResult:
    """What a run came to.

    ``statuses``: a row a report: unit, name, kind, language, state (``done``, ``fresh``, ``failed``,
    ``due``), why, seconds. ``interrupted``: stopped by the user; what is done stays done.
    """

    statuses: pd.DataFrame
    interrupted: bool = False

    @property
    def failed(self) -> pd.DataFrame:
        return self.statuses[self.statuses["state"] == "failed"]

    @property
    def exit_code(self) -> int:
        """0 where every report is there, 1 where one failed or cannot be made, 130 after an interruption."""
        if self.interrupted:
            return 130
        return int(bool(len(self.failed)))

    @property
    def coverage(self) -> tuple[int, int]:
        """District reports that are there, district reports that should be: (17, 18)."""
        rows = self.statuses[self.statuses["kind"] == "district"]
        return int(rows["state"].isin(["done", "fresh"]).sum()), len(rows)


def run(
    period: Period,
    *,
    units: Iterable[str] | None = None,
    formats: Iterable[str] = FORMATS,
    language: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    workers: int | None = None,
    force: bool = False,
    dry_run: bool = False,
    engine: str | None = None,
    scheduler: str | None = None,
    timeout: float | None = None,
    memory: int | None = None,
    progress: Silent | None = None,
    ahead: Ahead | None = None,
) -> RunResult:
    """Bring the reports of a period up to date.

    Computes the city-wide results where they are stale, checks everything that can be checked, then
    executes what is due. A report that fails leaves the others alone; its old pages are taken out of sight.

    Parameters
    ----------
    period : Period
    units, formats, language, parameters, force
        See ``plan``.
    workers : int, optional
        Reports at a time. Default: one a core.
    dry_run : bool
        Only say what would be made.
    engine : {"fork", "kernel"}, optional
        How notebooks are executed. Default: ``fork`` where it works (Linux), else ordinary kernels; same
        results.
    scheduler : str, optional
        Address of a Dask scheduler (``tcp://host:8786``) whose workers make the reports instead of this
        machine.
    timeout : float, optional
        Seconds that one cell may take.
    memory : int, optional
        MiB that one report may take (``fork`` only).
    progress : Silent, optional
        Where to tell how far it has come. Default: standard error.
    ahead : Ahead, optional
        The warm process that the caller has started already, perhaps.

    Returns
    -------
    RunResult

    Raises
    ------
    ParameterError
        For an unknown unit, format, language, parameter or engine, before anything runs; for a scheduler
        together with ``workers`` or ``engine``, which are the cluster's own.
    EngineError
        If the engine asked for does not work here, or no worker answers at the scheduler's address.
    StudyError
        If another run is at work on this period's reports, or a notebook is missing.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if scheduler and (workers or engine):
        raise ParameterError(
            "a scheduler's workers decide how many reports run at a time and how; leave out workers and engine"
        )
    workers = cores if workers is None else workers
    if workers < 1:
        raise ParameterError(f"workers must be at least 1, found {workers}")
    if engine not in (None, "fork", "kernel"):
        raise ParameterError(f"engine is fork or kernel, found {engine!r}")
    formats = tuple(formats)
    here = ahead or Ahead(formats, wanted=engine != "kernel" and not scheduler and not dry_run)
    root = Path(period.study.root)
    reports = root / "reports" / period.name
    limits = {"timeout": timeout, "memory": memory}
    with here:
        with here.unless_quick():
            period.build()
        with (
            store.lock(reports / ".lock", doing=f"report {period.name}"),
            store.ProcessedFolder(root, period.name).lock(shared=True, wait=10),
        ):
            jobs = plan(
                period, units=units, formats=formats, language=language, parameters=parameters, force=force
            )
            due = [j for j in jobs if j.state != "fresh"]
            outcomes = {j.name: Outcome("fresh") for j in jobs if j.state == "fresh"}
            if dry_run:
                return RunResult(table(jobs, outcomes))
            tell = progress or show_progress(len(due))

            def start(most: int) -> Runner:
                if scheduler:
                    return open_cluster(scheduler, root, limits)
                return open_runner(engine, min(workers, most), limits, tell, formats=formats, ahead=here)

            with _Crew(start) as crew:
                interrupted = bool(due) and _interrupted(due, outcomes, crew, tell, reports)
                statuses = table(jobs, outcomes)
                remember(reports, statuses, index=index_page(period, jobs, statuses, crew.zygote))
    return RunResult(statuses, interrupted)


def _interrupted(
    due: list[Job], outcomes: dict[str, Outcome], crew: _Crew, tell: Silent, reports: Path
) -> bool:
    """Run the due jobs, told in progress and log; True where the user stopped it."""
    root, period = due[0].root, due[0].period
    sweep(root, period)
    log = _Log(reports / "run.log")
    with tell:
        try:
            _carry_out(due, outcomes, crew, tell, log)
        except KeyboardInterrupt:
            crew.close(kill=True)
            tell.note("interrupted: what is done stays done, the same command goes on from here")
            return True
        finally:
            log.close()
            sweep(root, period)
    return False


class _Log:
    """``run.log``: what happened when. With ``status.json`` the only place where a clock is written down."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = open(path, "w", encoding="utf-8")  # noqa: SIM115  closed by close()

    def write(self, text: str) -> None:
        self.file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")
        self.file.flush()

    def close(self) -> None:
        self.file.close()


class _Crew:
    """The runner at work: started with the first report, replaced where it broke, ended with the run."""

    def __init__(self, start: Callable[[int], Runner]) -> None:
        self.start = start
        self.runner: Runner | None = None

    def __enter__(self) -> _Crew:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close(kill=kind is not None)

    def close(self, *, kill: bool) -> None:
        runner, self.runner = self.runner, None
        if runner is not None:
            runner.close(kill=kill)

    @property
    def zygote(self) -> Zygote | None:
        """The process that its reports fork from, where there is one."""
        return self.runner.zygote if isinstance(self.runner, ForkRunner) else None


def _carry_out(due: list[Job], outcomes: dict[str, Outcome], crew: _Crew, tell: Silent, log: _Log) -> None:
    """Run the due jobs, the longest first; every outcome is installed and noted as it comes in."""
    runnable = []
    for job in due:
        if job.blocked:
            _settle(job, Outcome("failed", job.blocked), outcomes, tell, log)
        else:
            runnable.append(job)
    if not runnable:
        return
    runner = crew.runner = crew.start(len(runnable))
    waiting = [(job, 1) for job in reversed(sorted(runnable, key=_length))]
    running: dict[Future[Outcome], tuple[Job, int]] = {}
    while waiting or running:
        while waiting and len(running) < runner.workers:
            job, attempt = waiting.pop()
            tell.start(job.name)
            log.write(f"{job.name}: starts")
            running[runner.submit(job, work_folder(job))] = (job, attempt)
        ended, _ = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
        for future in ended:
            job, attempt = running.pop(future)
            outcome = _outcome(future)
            if outcome.infrastructure and attempt < _TRIES:
                log.write(f"{job.name}: {outcome.why}; tried again")
                waiting.append((job, attempt + 1))
                if not runner.alive:
                    wait(running)  # what ran on it ends by itself
                    crew.close(kill=True)
                    runner = crew.runner = crew.start(len(waiting) + len(running))
            else:
                _settle(job, outcome, outcomes, tell, log)


def _length(job: Job) -> tuple[int, int]:
    """Method pages take longest, districts least, and the more formats the longer: the cores end together."""
    return ("method", "city", "district").index(job.kind), -len(job.formats)


def _outcome(future: Future[Outcome]) -> Outcome:
    """The outcome of a job, also where its process broke or a fault of ours came out of it."""
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, BrokenProcessPool):
        return Outcome("failed", "the process that made it was killed", infrastructure=True)
    import traceback

    detail = "".join(traceback.format_exception(error))
    return Outcome("failed", f"{type(error).__name__}: {' '.join(str(error).split())}", detail)


def _settle(job: Job, outcome: Outcome, outcomes: dict[str, Outcome], tell: Silent, log: _Log) -> None:
    """Put the result of one report into place, and tell."""
    if outcome.state == "done":
        install(job, work_folder(job), outcome)
    else:
        withdraw(job, work_folder(job), outcome)
    outcomes[job.name] = outcome
    seconds = outcome.cells + outcome.export
    log.write(f"{job.name}: {outcome.state} {outcome.cells:.2f} s cells, {outcome.export:.2f} s export")
    if outcome.state != "done":
        log.write(f"{job.name}: {outcome.why}\n{outcome.detail}")
    tell.end(job.name, outcome.state, outcome.why, seconds, outcome.detail)
