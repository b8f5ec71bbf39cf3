"""A new period: its folder of raw files, its entry in study.yaml, what it expects."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from commlab import store
from commlab.errors import StudyError
from commlab.tables import period_key

if TYPE_CHECKING:
    from commlab.study import Study

__all__ = ["expected", "new_period"]


def new_period(root: Path, period: str) -> Path:
    """Make ``data/raw/<period>/`` and list the period in ``study.yaml``; what is there already stays as
    it is.

    Only the line of ``periods:`` is edited, so that people's comments, and a Windows editor's line ends, stay.

    Raises
    ------
    ParameterError
        If the text is not a period.
    StudyError
        If the list of periods cannot be found in study.yaml.
    """
    period_key(period)
    path = root / "study.yaml"
    text = path.read_bytes().decode("utf-8")
    listed = re.search(r"(?m)^periods:[ \t]*\[([^\]]*)\]", text)
    if listed is None:
        raise StudyError(
            f"study.yaml: no line `periods: [2019Q3, 2019Q4]` to add {period} to; write the periods that way"
        )
    known = [p.strip().strip("'\"") for p in listed.group(1).split(",") if p.strip()]
    if period not in known:
        ordered = sorted([*known, period], key=period_key)
        edited = text[: listed.start(1)] + ", ".join(ordered) + text[listed.end(1) :]
        store.write_bytes(path, edited.encode("utf-8"))
    folder = root / "data" / "raw" / period
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def expected(study: Study) -> list[tuple[str, str, str]]:
    """What a period expects: file pattern, how many files, what they hold."""
    times = {"once": "1 file", "district": f"{len(study.register.districts)} files", "many": "any number"}
    rows = []
    for wanted in study.config.inputs:
        note = f"{wanted.label['zh']} / {wanted.label['en']}"
        if wanted.carry:
            note += " (without one, the latest earlier period's is used)"
        rows.append((f"  {wanted.files}", times[wanted.each], note))
        if second := wanted.spec.get("second"):
            rows.append((f"  {second}", times[wanted.each], "the same, keyed a second time"))
    return rows
