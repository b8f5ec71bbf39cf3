"""The quarterly batch: which reports are due, running them side by side, and what state they are in.

``plan`` says which notebook makes which report and whether it is due; ``run`` executes what is due through
papermill, each report apart from every other; ``status`` says ``fresh``, ``stale`` (and why), ``failed`` or
``missing``.

A report is rebuilt exactly when something that it depends on has changed: its notebook, the library, the
versions of the packages, study.yaml, or the part of the processed results that it reads
(``Period.report_inputs``).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from commlab.batch.jobs import FORMATS, Job, plan
    from commlab.batch.running import RunResult, run
    from commlab.batch.states import status

_HOMES = {
    "FORMATS": "jobs",
    "Job": "jobs",
    "RunResult": "running",
    "plan": "jobs",
    "run": "running",
    "status": "states",
}

__all__ = ["FORMATS", "Job", "RunResult", "plan", "run", "status"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"commlab.batch.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'commlab.batch' has no attribute {name!r}")
