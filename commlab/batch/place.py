"""Putting reports where they belong: complete ones into place, failed ones out of sight."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from commlab import store
from commlab.batch.jobs import Job, versions
from commlab.batch.work import Outcome, produced
from commlab.errors import StudyError

__all__ = ["install", "sweep", "withdraw", "work_folder"]

_OUTDATED = "outdated"
_WORK = ".work"


def work_folder(job: Job) -> Path:
    """The folder beside the reports in which one is made."""
    return job.root / "reports" / job.period / _WORK / f"{job.unit}-{job.stem}-{job.language}"


def sweep(root: Path, period: str) -> None:
    """Remove what an interrupted run left behind (only while holding the period's lock)."""
    shutil.rmtree(root / "reports" / period / _WORK, ignore_errors=True)


def install(job: Job, folder: Path, outcome: Outcome) -> None:
    """Move a complete report into place; its manifest goes first and comes last.

    A run that is interrupted in between leaves a report without manifest: it will be made again.
    """
    before = _outputs(job)
    job.manifest.unlink(missing_ok=True)
    moved = set()
    for source, target in produced(job, folder).items():
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(source, target)
        moved.add(target)
    for old in before - moved:
        old.unlink(missing_ok=True)
    job.failure.unlink(missing_ok=True)
    (job.folder / job.file("report", "failed.ipynb")).unlink(missing_ok=True)
    _drop_outdated(job)
    store.write_json(
        job.manifest,
        {
            "unit": job.unit,
            "kind": job.kind,
            "period": job.period,
            "language": job.language,
            "notebook": job.notebook.name,
            "parameters": dict(job.parameters),
            "formats": list(job.formats),
            "fingerprint": job.fingerprint,
            "inputs": dict(job.inputs),
            "versions": versions(),
            "outputs": dict(outcome.files),
        },
    )
    shutil.rmtree(folder, ignore_errors=True)


def withdraw(job: Job, folder: Path, outcome: Outcome) -> None:
    """Take a failed report's old pages out of sight and say why in their place.

    The pages of the last good run lie in ``outdated/``; the notebook that stopped, with its traceback,
    stays as ``report.failed.ipynb``.
    """
    old = _outputs(job)
    job.manifest.unlink(missing_ok=True)
    for path in sorted(old):
        if path.is_file():
            aside = job.folder / _OUTDATED
            aside.mkdir(parents=True, exist_ok=True)
            os.replace(path, aside / path.name)
    stopped = job.folder / job.file("report", "failed.ipynb")
    executed = folder / "report.ipynb"
    if executed.is_file():
        job.folder.mkdir(parents=True, exist_ok=True)
        os.replace(executed, stopped)
    else:
        stopped.unlink(missing_ok=True)
    store.write_text(job.failure, f"{outcome.why}\n" + (f"\n{outcome.detail}\n" if outcome.detail else ""))
    shutil.rmtree(folder, ignore_errors=True)


def _outputs(job: Job) -> set[Path]:
    """What the last complete run of this report made; where its manifest is lost, what bears the
    report's name.
    """
    try:
        return {job.root / name for name in store.read_json(job.manifest)["outputs"]}
    except (StudyError, KeyError, TypeError):
        names = [job.file("report", f) for f in ("html", "docx", "pdf", "ipynb")]
        if job.kind != "method":
            names.append(job.file("appendix", "xlsx"))
        return {job.folder / n for n in names if (job.folder / n).is_file()}


def _drop_outdated(job: Job) -> None:
    aside = job.folder / _OUTDATED
    for what, suffix in (
        ("report", "html"),
        ("report", "docx"),
        ("report", "pdf"),
        ("report", "ipynb"),
        ("appendix", "xlsx"),
    ):
        (aside / job.file(what, suffix)).unlink(missing_ok=True)
    if aside.is_dir():
        for picture in aside.glob("*.png"):
            picture.unlink()
        if not any(aside.iterdir()):
            aside.rmdir()
