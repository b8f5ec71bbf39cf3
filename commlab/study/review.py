"""Names that no rule could settle: asked once, answered by a person, remembered.

``check`` writes them to ``data/processed/<period>/review.csv`` with the nearest units. A person fills in the column
``unit`` (``-`` where the name is no unit); the next check takes the answers into ``data/register/review.csv``, where
they stay, and reads the files with them. An answer that is no unit is refused with its line.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from commlab import store
from commlab.errors import DataError, listing
from commlab.intake import Register as Names
from commlab.intake import match_names
from commlab.intake.ledger import cells_of, runs
from commlab.intake.names import nearest_names, squash
from commlab.study.handkept import read_csv, to_csv, unquoted
from commlab.study.status import UNMATCHED

if TYPE_CHECKING:
    from commlab.study.status import FileRead

__all__ = [
    "REMEMBERED",
    "open_path",
    "open_questions",
    "read_answers",
    "read_questions",
    "take_answers",
    "write_questions",
]

REMEMBERED = "data/register/review.csv"
"""Where answers are kept."""
OPEN = ["found", "within", "unit", "nearest", "n", "file", "sheet", "cells"]
"""Columns of the table of questions; ``unit`` is for the answer."""
_NO_UNIT = ("-", "无", "none", "不是", "n/a")
_SURE = ("code", "exact", "alias", "normalised")


def open_path(root: Path, period: str) -> Path:
    """Where a period's questions stand."""
    return root / "data" / "processed" / period / "review.csv"


def read_answers(path: Path, name: str, names: Names) -> pd.DataFrame:
    """Answers of a review table: alias, unit (missing: no unit), within; lines without an answer are left out.

    Raises
    ------
    DataError
        With all faults: answers that are no unit of the register, and names answered twice in two ways, by line.
    """
    given = read_csv(path, name, ("found", "unit")).reindex(columns=["found", "within", "unit"])
    given["line"] = range(2, len(given) + 2)
    given = given.dropna(subset=["found", "unit"])
    given["found"] = given["found"].map(unquoted)
    faults, rows = [], []
    seen: dict[tuple[str, str], tuple[int, str | None]] = {}
    for found, within, written, line in given[["found", "within", "unit", "line"]].itertuples(index=False):
        above = None if pd.isna(within) else str(within)
        unit, fault = _unit(str(written), above, names)
        before = seen.setdefault((squash(found), above or ""), (line, unit))
        if fault:
            faults.append(f"line {line}: “{found}” is answered with “{written}”, {fault}")
        elif before[1] != unit:
            faults.append(
                f"line {line}: “{found}” was answered otherwise in line {before[0]}; keep one of the two"
            )
        rows.append((found, unit, above))
    if faults:
        raise DataError("; ".join(faults), file=name, faults=faults)
    return (
        pd.DataFrame(rows, columns=["alias", "unit", "within"])
        .astype("str")
        .drop_duplicates(ignore_index=True)
    )


def _unit(written: str, within: str | None, names: Names) -> tuple[str | None, str]:
    """The unit that an answer names, and what is wrong with it."""
    if squash(written) in _NO_UNIT:
        return None, ""
    for above in (within, None):
        got = match_names([written], names, within=above).iloc[0]
        if got["how"] in _SURE:
            return str(got["matched"]), ""
    near = [unit for unit, _ in nearest_names(written, names, within=within)]
    hint = f" (near it: {listing(near, most=3)})" if near else ""
    return (
        None,
        f"which is no unit of the register{hint}; write the unit as in units.csv, or - where it is none",
    )


def take_answers(root: Path, periods: Iterable[str], names: Names) -> int:
    """Move what people answered in the tables of questions into the register; how many names that settles."""
    path, taken = root / REMEMBERED, []
    for period in periods:
        questions = open_path(root, period)
        if questions.is_file():
            name = questions.relative_to(root).as_posix()
            try:
                taken.append(read_answers(questions, name, names))
            except DataError as error:
                if error.faults:
                    raise
                again = "delete the file, and `commlab check --force` writes it anew"
                raise DataError(f"{error.bare}; {again}", file=name, faults=[error.bare, again]) from None
    answers = pd.concat(taken, ignore_index=True).drop_duplicates() if taken else pd.DataFrame()
    if answers.empty:
        return 0
    marked = path.is_file() and path.read_bytes().startswith("\ufeff".encode())
    kept = read_csv(path, REMEMBERED, ("found", "unit")) if path.is_file() else pd.DataFrame()
    new = answers.rename(columns={"alias": "found"}).assign(unit=answers["unit"].fillna("-"))
    known = set() if kept.empty else {(squash(unquoted(f)), str(w)) for f, w in zip(
        kept["found"].fillna(""), kept.reindex(columns=["within"])["within"].fillna(""), strict=True)}  # fmt: skip
    fresh = [
        (squash(f), "" if pd.isna(w) else str(w)) not in known
        for f, w in zip(new["found"], new["within"], strict=True)
    ]
    new = new[fresh]
    if new.empty:
        return 0
    columns = list(dict.fromkeys([*kept.columns, "found", "unit", "within"]))
    kept = kept.assign(found=kept["found"].map(unquoted, na_action="ignore")) if len(kept) else kept
    merged = pd.concat([kept, new], ignore_index=True).reindex(columns=columns)
    read = merged.dropna(subset=["found", "unit"])
    twice = read.assign(key=read["found"].map(squash)).duplicated(["key", "within"])
    store.write_text(path, to_csv(merged.drop(index=read.index[twice]), mark=marked))
    return len(new)


def open_questions(read: Iterable[FileRead], names: Names) -> pd.DataFrame:
    """The names that the files of a period leave open, with where they stand: those that cost a row first, then residents'
    answers; the most frequent first."""
    asked: dict[tuple[str, str], dict[str, object]] = {}
    for file in read:
        for found, within, n, level in file.unmatched[UNMATCHED].itertuples(index=False):
            above = None if pd.isna(within) else str(within)
            near = nearest_names(str(found), names, within=above, level=str(level))
            # What is like no unit anywhere is asked once, not once a district; no file makes it another question.
            key = (squash(found), (above or "") if near else "")
            if key not in asked:
                sheet, cells = _places(file.ledger, str(found))
                asked[key] = {
                    "found": found, "within": key[1], "unit": "", "n": 0, "file": file.file.name, "sheet": sheet, "cells": cells,
                    "nearest": "; ".join(f"{unit} ({score:.0f})" for unit, score in near),
                    "last": file.table == "responses",
                }  # fmt: skip
            asked[key]["n"] = int(str(asked[key]["n"])) + int(n)
    frame = pd.DataFrame(list(asked.values()), columns=[*OPEN, "last"])
    order = ["last", "n", "file", "found", "within"]
    return frame.sort_values(order, ascending=[True, False, True, True, True], ignore_index=True)[OPEN]


def _places(ledger: pd.DataFrame, found: str) -> tuple[str, str]:
    lines = ledger[ledger["rule"].isin(["unknown unit", "unknown district"])]
    own = lines[lines["before"] == found]
    lines = own if len(own) else lines
    if lines.empty:
        return "", ""
    cells = [f"{column}{row}" for text in lines["first_cells"] for column, row in cells_of(text)]
    return str(lines["sheet"].fillna("").iloc[0]), ", ".join(runs(cells)[:3])


def read_questions(root: Path, period: str) -> pd.DataFrame:
    """A period's table of questions; no row where every name is settled."""
    path = open_path(root, period)
    if not path.is_file():
        return pd.DataFrame({column: pd.Series(dtype="str") for column in OPEN})
    return read_csv(path, path.relative_to(root).as_posix(), tuple(OPEN))


def write_questions(root: Path, period: str, questions: pd.DataFrame) -> None:
    """Write a period's table of questions; none where every name is settled."""
    path = open_path(root, period)
    if questions.empty:
        path.unlink(missing_ok=True)
    else:
        store.write_text(path, to_csv(questions, mark=True))
