"""What state a period's reports are in: on disk now, and as a run left them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commlab import store
from commlab.batch.engine.client import CallError, EngineError, Zygote
from commlab.batch.jobs import FORMATS, Job, plan
from commlab.errors import StudyError

if TYPE_CHECKING:
    import pandas as pd

    from commlab.batch.work import Outcome
    from commlab.study import Period

__all__ = ["index_page", "remember", "status", "table"]

_COLUMNS = ("unit", "name", "kind", "language", "state", "why", "seconds")


def status(
    period: Period,
    *,
    units: Iterable[str] | None = None,
    formats: Iterable[str] = FORMATS,
    language: str | None = None,
) -> pd.DataFrame:
    """State of every report on disk: ``fresh``, ``stale`` (and why), ``failed`` (and why) or ``missing``.

    Computes nothing and changes nothing.

    Returns
    -------
    DataFrame
        unit, name, kind, language, state, why; a row a report.
    """
    jobs = plan(period, units=units, formats=formats, language=language)
    return table(jobs, {}).drop(columns="seconds")


def table(jobs: Sequence[Job], outcomes: Mapping[str, Outcome]) -> pd.DataFrame:
    """A row a job: its outcome, or the state in which the plan found it."""
    import pandas as pd

    rows = []
    for job in jobs:
        outcome = outcomes.get(job.name)
        state, why = (outcome.state, outcome.why) if outcome else (job.state, job.why)
        seconds = outcome.cells + outcome.export if outcome else 0.0
        rows.append((job.unit, job.name, job.kind, job.language, state, why, seconds))
    return pd.DataFrame(rows, columns=list(_COLUMNS)).astype(
        {"seconds": "float64", **{c: "str" for c in _COLUMNS if c != "seconds"}}
    )


def remember(reports: Path, statuses: pd.DataFrame, **more: Any) -> None:
    """Write ``status.json``: what the last run made of each report, how long it took, when it ended."""
    rows: list[dict[str, Any]] = statuses.to_dict("records")
    for row in rows:
        row["seconds"] = round(row["seconds"], 2)
    ended = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    store.write_json(reports / "status.json", {"ended": ended, "reports": rows, **more})


def index_page(
    period: Period, jobs: Sequence[Job], statuses: pd.DataFrame, zygote: Zygote | None = None
) -> dict[str, str]:
    """Write the period's index page where something that it shows has changed: in a fork of ``zygote``, which
    has imported what it takes, or else here.

    Returns
    -------
    dict
        Name of the page -> hash of what it was made from, for ``status.json``.
    """
    language = jobs[0].language
    name = "index.en.html" if language == "en" else "index.html"
    reports = Path(period.study.root) / "reports" / period.name
    # A report that was made now and one that was fresh already look the same on the page.
    shown = statuses.drop(columns="seconds").replace({"state": {"done": "fresh"}})
    made_from = store.json_hash(
        [shown.to_dict("records"), sorted(j.fingerprint for j in jobs), _beside(period, reports.parent)]
    )
    made = _pages(reports)
    if made.get(name) != made_from or not (reports / name).is_file():
        told = (period.study.root, period.name, language, str(reports / name), shown.to_dict("records"))
        try:
            if zygote is None:
                raise EngineError("there is no process to fork from")
            zygote.call(__name__, draw_index.__name__, str(told[0]), *told[1:])
        except (EngineError, CallError):  # a fault of the page itself is met again here, as its own error
            from commlab.report.overview import index

            index(period, shown, reports / name, language=language)
    return {**made, name: made_from}


def _beside(period: Period, reports: Path) -> list[Any]:
    """What the page compares the period with: results of the others, and their reports that are there."""
    told: list[Any] = []
    for name in period.study.periods:
        if name != period.name:
            folder = store.ProcessedFolder(period.study.root, name)
            stage, inputs = folder.read_stage() or {}, folder.read_inputs() or {}
            there = sorted(f"{p.parent.name}/{p.name}" for p in (reports / name).glob("*/[ra][ep]p*.*"))
            told.append([name, stage.get("key"), inputs.get("hashes"), there])
    return told


def draw_index(root: str, period: str, language: str, page: str, rows: list[dict[str, str]]) -> None:
    """Write an index page, in a process that is told of it in JSON."""
    import pandas as pd

    from commlab.report.overview import index
    from commlab.study import open_study

    index(open_study(root).period(period), pd.DataFrame(rows), page, language=language)


def _pages(reports: Path) -> dict[str, str]:
    """What the last run's index pages were made from."""
    try:
        return dict(store.read_json(reports / "status.json")["index"])
    except (StudyError, KeyError, TypeError, ValueError):
        return {}
