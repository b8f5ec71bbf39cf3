"""``data/raw/SOURCES.csv``: where each raw file is from; ``check`` adds what arrived, people fill in the rest.

What arrives, is corrected or is withdrawn after a report was made is remembered until that report is made again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from commlab import store
from commlab.errors import StudyError
from commlab.study.handkept import read_csv, to_csv, unquoted

__all__ = ["SOURCES", "late_arrivals", "note_arrivals", "record_sources"]

SOURCES = "data/raw/SOURCES.csv"
_COLUMNS = ["file", "sha256", "received", "from", "licence", "rows"]


def record_sources(
    root: Path, files: Sequence[Mapping[str, Any]], *, today: dt.date | None = None
) -> dict[str, str]:
    """Enter files that are new or came again, with the day they were first read.

    Parameters
    ----------
    root : path
        The study.
    files : sequence of mapping
        file, sha256, district, rows, as ``Cleaned.files`` has them.
    today : date, optional
        Default: the day of the call.

    Returns
    -------
    dict
        Files that were entered -> ``new`` or ``corrected``.

    Notes
    -----
    Lines of files that did not change stay as people wrote them; a file that came again with other content gets a new
    line below the old one, which stays: what was reported before rested on it.

    Raises
    ------
    DataError
        If the file is there and is no such table.
    """
    path = root / SOURCES
    known = pd.DataFrame(columns=_COLUMNS)
    marked = False
    if path.is_file():
        known = read_csv(path, SOURCES, tuple(_COLUMNS)).fillna("")
        marked = path.read_bytes().startswith("\ufeff".encode())
    have = set(zip(known["file"].map(unquoted), known["sha256"], strict=True))
    new = [f for f in files if (f["file"], f["sha256"]) not in have]
    if not new:
        return {}
    day = (today or dt.date.today()).isoformat()
    rows = pd.DataFrame(
        [(f["file"], f["sha256"], day, f["district"] or "", "", str(f["rows"])) for f in new],
        columns=_COLUMNS,
    )
    store.write_text(path, to_csv(pd.concat([known, rows], ignore_index=True), mark=marked))
    before = {file for file, _ in have}
    return {str(f["file"]): "corrected" if f["file"] in before else "new" for f in new}


def note_arrivals(root: Path, period: str, entered: Mapping[str, str], gone: Iterable[str]) -> None:
    """Remember which files came, changed or went after reports of the period had been made."""
    made = _reports(root, period)
    moved = {**dict(entered), **dict.fromkeys(gone, "withdrawn")}
    if made and moved:
        kept = [e for e in _remembered(root, period) if e["file"] not in moved]
        kept += [{"file": file, "what": what, "reports": made} for file, what in sorted(moved.items())]
        store.write_json(_arrivals(root, period), kept)


def late_arrivals(root: Path, period: str) -> dict[str, str]:
    """Files that came, changed or went after a report that is still there was made: file -> new, corrected, withdrawn."""
    made = _reports(root, period)
    return {
        str(entry["file"]): str(entry["what"])
        for entry in _remembered(root, period)
        if any(made.get(name) == digest for name, digest in entry["reports"].items())
    }


def _arrivals(root: Path, period: str) -> Path:
    return root / "data" / "processed" / period / "arrivals.json"


def _remembered(root: Path, period: str) -> list[dict[str, Any]]:
    path = _arrivals(root, period)
    try:
        return list(store.read_json(path)) if path.is_file() else []
    except StudyError:  # damaged: it is only a memory
        return []


def _reports(root: Path, period: str) -> dict[str, str]:
    """Reports of a period that were made, and what tells one making from the next."""
    folder = root / "reports" / period
    made = sorted(folder.glob("*/manifest*.json")) if folder.is_dir() else []
    return {path.relative_to(root).as_posix(): store.file_hash(path) for path in made}
