"""``data/raw/SOURCES.csv``: where each raw file is from; ``check`` adds what arrived, people fill in the rest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from commlab import store
from commlab.errors import DataError, listing

__all__ = ["SOURCES", "record_sources"]

SOURCES = "data/raw/SOURCES.csv"
_COLUMNS = ["file", "sha256", "received", "from", "licence", "rows"]


def record_sources(root: Path, files: Sequence[dict[str, Any]], *, today: dt.date | None = None) -> None:
    """Enter files that are new or came again, with the day they were first read.

    Parameters
    ----------
    root : path
        The study.
    files : sequence of dict
        file, sha256, district, rows, as ``Cleaned.files`` has them.
    today : date, optional
        Default: the day of the call.

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
    if path.is_file():
        known = pd.read_csv(path, dtype="str", encoding="utf-8-sig", keep_default_na=False)
        lacking = [c for c in _COLUMNS if c not in known]
        if lacking:
            raise DataError(f"has no column {listing(lacking)}; it needs {', '.join(_COLUMNS)}", file=SOURCES)
    have = set(zip(known["file"], known["sha256"], strict=True))
    new = [f for f in files if (f["file"], f["sha256"]) not in have]
    if not new:
        return
    day = (today or dt.date.today()).isoformat()
    rows = pd.DataFrame(
        [(f["file"], f["sha256"], day, f["district"] or "", "", str(f["rows"])) for f in new],
        columns=_COLUMNS,
    )
    text = pd.concat([known, rows], ignore_index=True).to_csv(index=False, lineterminator="\n")
    store.write_text(path, text)
