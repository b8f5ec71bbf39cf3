"""Paper questionnaires keyed twice: which files belong together, and what people decide where they differ.

An input with ``second:`` in study.yaml has two files for every stack of paper. ``check`` writes the answers in which
they differ and that no ``verdict:`` file settles to ``data/processed/<period>/disagreements.csv``. A person looks at the
paper and fills in the column ``verdict`` (a code, an option, or ``(空)`` where the paper has no answer); the next check
takes that into ``data/register/verdicts.csv``, where it stays, and reads the files with it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from commlab import store
from commlab.errors import DataError
from commlab.intake import load_codebook
from commlab.intake.double import decide
from commlab.study.config import StudyConfig
from commlab.study.handkept import read_csv, to_csv, unquoted
from commlab.study.raw import RawFile

if TYPE_CHECKING:
    from commlab.intake.codebook import Codebook
    from commlab.intake.questions import Question
    from commlab.study.register import Register

__all__ = [
    "DECIDED",
    "DISAGREEMENTS",
    "Stack",
    "decided",
    "open_answers",
    "read_disagreements",
    "stacks",
    "take_verdicts",
    "write_disagreements",
]

DECIDED = "data/register/verdicts.csv"
"""Where verdicts are kept: file (of the first keying), id, question, verdict."""
DISAGREEMENTS = [
    "file",
    "id",
    "question",
    "wording",
    "first",
    "second",
    "verdict",
    "options",
    "source",
    "input",
]
"""Columns of the list; ``verdict`` is for the answer."""
_KEY = ["file", "id", "question"]
_BLANK = "(空)"


@dataclass
class Stack:
    """One stack of paper: the files of its first and second keying, and of what a third look decided."""

    files: list[RawFile] = field(default_factory=list)
    second: list[RawFile] = field(default_factory=list)
    verdict: list[RawFile] = field(default_factory=list)

    @property
    def mixed(self) -> bool:
        """Whether nothing tells which keying belongs to which."""
        return len(self.second) > 1 or (len(self.files) > 1 and bool(self.second))


def stacks(files: Iterable[RawFile], key: Callable[[RawFile], Hashable]) -> dict[str, Stack]:
    """The stack of every file of an input with two keyings, by the file's name; files with one ``key`` belong together."""
    found: dict[tuple[str, Hashable], Stack] = {}
    out = {}
    for file in files:
        if file.input.spec.get("second"):
            stack = out[file.name] = found.setdefault((file.input.name, key(file)), Stack())
            getattr(stack, file.role).append(file)
    return out


def open_answers(odd: pd.DataFrame, file: RawFile, book: Codebook) -> pd.DataFrame:
    """The answers that two keyings give otherwise and nobody settled, as a person looks them up."""
    rows = odd[~odd["settled"].astype("bool") & (odd["question"] != "(row)")]
    asked = book.questions
    return pd.DataFrame(
        {
            "file": file.name,
            "id": rows["id"].astype("str"),
            "question": rows["question"].astype("str"),
            "wording": [_wording(asked.get(q)) for q in rows["question"]],
            "first": [_shown(v) for v in rows["first"]],
            "second": [_shown(v) for v in rows["second"]],
            "verdict": "",
            "options": [_options(asked.get(q)) for q in rows["question"]],
            "source": rows["source"].astype("str"),
            "input": file.input.name,
        },
        columns=DISAGREEMENTS,
    )


def _shown(value: object) -> str:
    return _BLANK if value is None or pd.isna(value) else str(value)  # type: ignore[call-overload]


def _wording(question: Question | None) -> str:
    return next(iter(question.wordings), "") if question else ""


def _options(question: Question | None) -> str:
    meanings = question.meanings() if question else {}
    return "; ".join(f"{code} {text}" for text, code in meanings.items() if code is not None)


def _path(root: Path, period: str) -> Path:
    return root / "data" / "processed" / period / "disagreements.csv"


def read_disagreements(root: Path, period: str) -> pd.DataFrame:
    """A period's list of disagreements; no row where there is none."""
    path = _path(root, period)
    if not path.is_file():
        return pd.DataFrame({column: pd.Series(dtype="str") for column in DISAGREEMENTS})
    return read_csv(path, path.relative_to(root).as_posix(), (*_KEY, "verdict", "input"))


def write_disagreements(root: Path, period: str, rows: pd.DataFrame) -> None:
    """Write a period's list; none where everything is settled."""
    if rows.empty:
        _path(root, period).unlink(missing_ok=True)
    else:
        store.write_text(_path(root, period), to_csv(rows, mark=True))


def decided(root: Path, file: str | None = None) -> pd.DataFrame:
    """The verdicts that are kept, of one file or of all."""
    path = root / DECIDED
    if not path.is_file():
        return pd.DataFrame({column: pd.Series(dtype="str") for column in (*_KEY, "verdict")})
    kept = read_csv(path, DECIDED, (*_KEY, "verdict")).dropna(subset=[*_KEY, "verdict"])
    for column in ("file", "id", "verdict"):
        kept[column] = kept[column].map(unquoted)
    return kept if file is None else kept[kept["file"] == file].reset_index(drop=True)


def take_verdicts(config: StudyConfig, register: Register, periods: Iterable[str]) -> int:
    """Move the verdicts that people wrote into the lists to the register; how many there are.

    Raises
    ------
    DataError
        With every verdict that is neither a code nor an option of its question, by line; nothing is taken then.
    """
    taken = []
    for period in periods:
        rows = read_disagreements(config.root, period)
        if rows["verdict"].notna().any():
            name = _path(config.root, period).relative_to(config.root).as_posix()
            taken.append(_checked(rows, name, config, register))
    if not taken:
        return 0
    new = pd.concat(taken, ignore_index=True)
    kept = pd.concat([decided(config.root), new], ignore_index=True).drop_duplicates(_KEY, keep="last")
    store.write_text(config.root / DECIDED, to_csv(kept, mark=True))
    return len(new)


def _checked(rows: pd.DataFrame, name: str, config: StudyConfig, register: Register) -> pd.DataFrame:
    books: dict[str, Codebook] = {}
    faults = []
    known = {entry.name: entry for entry in config.inputs}
    rows = rows.assign(line=range(2, len(rows) + 2)).dropna(subset=[*_KEY, "verdict"])
    for column in ("file", "id", "verdict"):
        rows[column] = rows[column].map(unquoted)
    for row in rows.itertuples():
        entry = known.get(str(row.input))
        if entry is None:
            faults.append(f"line {row.line}: {row.input} is no input of study.yaml")
            continue
        if entry.name not in books:
            instrument = str(entry.spec.get("codebook") or config.instrument)
            books[entry.name] = load_codebook(register.codebook(instrument))
        if not decide(
            books[entry.name], str(row.question), str(row.verdict).strip(), (row.first, row.second)
        )[0]:
            faults.append(
                f"line {row.line}: “{row.verdict}” is neither a code nor an option of {row.question}; "
                f"write one of its options, or {_BLANK} where the paper has no answer"
            )
    if faults:
        raise DataError("; ".join(faults), file=name, faults=faults)
    return rows[[*_KEY, "verdict"]]
