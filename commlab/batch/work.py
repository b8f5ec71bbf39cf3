"""What happens to one report in a process of its own: execute, export. Nothing here touches a final name.

``perform`` does both with an ordinary kernel; the forked engine calls ``execute`` and ``publish`` apart.
A folder beside the report takes everything; ``batch.run`` moves it into place when it is complete.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from commlab import store
from commlab.batch.engine.client import SETTINGS, EngineError, without_grammar
from commlab.batch.jobs import Job
from commlab.batch.notebooks import clean, first_error
from commlab.batch.reads import of_workbook
from commlab.errors import CommlabError, StudyError

__all__ = [
    "Outcome",
    "execute",
    "finish",
    "perform",
    "prepare_process",
    "publish",
    "publish_record",
    "unpublished",
    "warm_up",
]

_NOTEBOOK = "report.ipynb"


@dataclass(frozen=True)
class Outcome:
    """What became of one report.

    ``state`` is ``done`` or ``failed``; ``why`` one sentence for the status table, ``detail`` the
    traceback for the log; ``infrastructure`` marks faults that are not the report's own (a kernel that
    was killed) and are worth a second try; ``cells`` and ``export`` are seconds.
    """

    state: str
    why: str = ""
    detail: str = ""
    infrastructure: bool = False
    cells: float = 0.0
    export: float = 0.0
    files: Mapping[str, str] = field(default_factory=dict)


def prepare_process() -> None:
    """Settle a fresh worker process before it imports anything heavy: one BLAS thread, memory kept."""
    os.environ.update(SETTINGS)


def execute(job: Job, folder: Path, *, engine: str | None = None, **options: Any) -> Outcome:
    """Run the job's notebook through papermill into ``folder``; the cleaned result is ``report.ipynb``.

    Parameters
    ----------
    job : Job
    folder : path
        Emptied first.
    engine : str, optional
        Name of a papermill engine; default: an ordinary kernel.
    options
        For the engine: ``execution_timeout`` (seconds a cell), ...
    """
    with without_grammar():
        import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    raw = folder / _NOTEBOOK
    if engine is None:
        # The kernel starts in the study's folder; this process must not change its own.
        options["resources"] = {"metadata": {"path": str(job.root)}}
    start = time.perf_counter()
    failed: Outcome | None = None
    try:
        notebook = papermill.execute_notebook(
            str(job.notebook),
            str(raw),
            parameters=dict(job.parameters),
            engine_name=engine,
            kernel_name="python3",
            progress_bar=False,
            request_save_on_cell_execute=False,
            **options,
        )
    except PapermillExecutionError as error:
        notebook = _read(raw)
        stop = first_error(notebook)
        where = f"{job.notebook.name}, cell {stop['cell'] if stop else error.exec_count}"
        failed = Outcome(
            "failed",
            f"{error.ename}: {_one_line(error.evalue)} ({where})",
            f"{where}:\n{error.source}\n\n" + "\n".join(error.traceback),
            infrastructure=error.ename == "DeadKernelError",
        )
    except CellTimeoutError as error:
        return Outcome("failed", f"took too long: {_one_line(str(error))} ({job.notebook.name})", str(error))
    except (DeadKernelError, EngineError, RuntimeError) as error:
        # RuntimeError is what a kernel that does not start ends in.
        return Outcome(
            "failed", f"the kernel died ({_one_line(str(error))})", str(error), infrastructure=True
        )
    seconds = time.perf_counter() - start
    _write(clean(notebook, job.parameters), raw)
    return replace(failed, cells=seconds) if failed else Outcome("done", cells=seconds)


def _read(path: Path) -> Any:
    import nbformat

    return nbformat.read(path, as_version=4)


def _write(notebook: Any, path: Path) -> None:
    import nbformat

    store.write_text(path, nbformat.writes(notebook))


def _one_line(text: str, most: int = 400) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def publish(job: Job, folder: Path) -> dict[str, str]:
    """Make the pages of an executed report in ``folder``.

    Returns
    -------
    dict
        Final path relative to the study -> hash, of every file that was made.
    """
    from commlab.report import export

    pages = [f for f in job.formats if f != "xlsx"]
    if job.kind == "method" and not _is_document(folder / _NOTEBOOK):
        pages = []  # a notebook to explore with: it stands for itself
    figures = folder / "figures"
    if pages:
        export(folder / _NOTEBOOK, folder, formats=pages, language=job.language, figures=figures)
    if "xlsx" in job.formats:
        import commlab
        from commlab.report import appendix, chapters

        if job.kind == "method":
            report = chapters.open_report(job.root, job.period, None, job.language)
            chapters.weights_workbook(report, folder / "appendix.xlsx")
        elif not _kept_workbook(job, folder):
            period = commlab.open_study(job.root).period(job.period)
            appendix(period, job.unit, folder / "appendix.xlsx", language=job.language)
    return {
        target.relative_to(job.root).as_posix(): store.file_hash(source)
        for source, target in produced(job, folder).items()
    }


def _kept_workbook(job: Job, folder: Path) -> bool:
    """Take over the last run's workbook where something changed that it does not rest on; True where that was done."""
    made = job.folder / job.file("appendix", "xlsx")
    try:
        manifest = store.read_json(job.manifest)
        before, digest = dict(manifest["inputs"]), manifest["outputs"][made.relative_to(job.root).as_posix()]
        same = manifest["fingerprint"] != job.fingerprint and manifest["parameters"] == dict(job.parameters)
    except (StudyError, KeyError, TypeError, ValueError):
        return False
    if not same or of_workbook(before) != of_workbook(job.inputs) or not made.is_file():
        return False
    shutil.copyfile(made, folder / "appendix.xlsx")
    return store.file_hash(folder / "appendix.xlsx") == digest


def publish_record(record: Mapping[str, Any], folder: str) -> dict[str, str]:
    """``publish`` for a process that is told of its job in JSON."""
    return publish(Job.of(record), Path(folder))


def _is_document(notebook: Path) -> bool:
    """Whether an executed notebook shows a cover, and so can be made into pages."""
    from commlab.report.finding import MIME

    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            if output.get("data", {}).get(MIME, {}).get("type") == "cover":
                return True
    return False


def warm_up(formats: Sequence[str]) -> None:
    """Set a page with nothing on it, so that what an exporter does once is done before processes fork.

    PDF is left out: it starts threads.
    """
    from commlab import report
    from commlab.report import press
    from commlab.report.document import build_document
    from commlab.report.finding import blocks

    document = build_document([(block, None) for block, _ in blocks(report.Cover("commlab"))])
    for form in formats:
        if form in ("html", "docx"):
            press.FORMATS[form](document)


def produced(job: Job, folder: Path) -> dict[Path, Path]:
    """Files of a report's working folder -> where they belong."""
    out = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        inside = path.relative_to(folder)
        if inside.parts[0] == "figures":
            out[path] = job.figures.joinpath(*inside.parts[1:])
        else:
            what, _, suffix = path.name.partition(".")
            suffix = suffix.removeprefix("en.")
            out[path] = job.folder / job.file(what, suffix)
    return out


def perform(job: Job, folder: Path, options: Mapping[str, Any]) -> Outcome:
    """Execute with an ordinary kernel and publish: the whole report, in this process."""
    outcome = execute(job, folder, **options)
    if outcome.state != "done":
        return outcome
    try:
        return finish(outcome, publish, job, folder)
    except CommlabError as error:
        return unpublished(outcome, type(error).__name__, str(error))


def finish(
    outcome: Outcome, publisher: Callable[[Job, Path], dict[str, str]], job: Job, folder: Path
) -> Outcome:
    """Publish an executed report and complete its outcome."""
    start = time.perf_counter()
    files = publisher(job, folder)
    return replace(outcome, files=files, export=time.perf_counter() - start)


def unpublished(outcome: Outcome, name: str, message: str, detail: str = "") -> Outcome:
    """The outcome of a report that ran through and could not be exported."""
    return replace(outcome, state="failed", why=f"{name}: {_one_line(message)} (export)", detail=detail)
