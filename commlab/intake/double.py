"""Paper questionnaires keyed twice: where the two entries differ, and what a third look settles.

    compare_entries(first, second)              every disagreement: number, question, both values
    settled = read_double("甲.xlsx", "乙.xlsx", book, verdict="裁定.xlsx")
    settled.frame          ``responses``: what both entries say; a disagreement that nobody settled is missing
    settled.disagreements  the list to look up on paper: fill in its ``verdict`` and give it back

The verdict is either that list, filled in, or a third entry (which settles where it says the same as one of
the two). Nothing is averaged and nobody's entry goes before the other's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.intake.codebook import Codebook, load_codebook
from commlab.intake.export import read_export, read_exports
from commlab.intake.ledger import Pad, joined
from commlab.intake.platforms import ROLE_HEADERS
from commlab.intake.quality import set_valid
from commlab.intake.questionnaire import Responses, read_questionnaire
from commlab.intake.questions import Reading, option_key, question_key

__all__ = ["Settled", "compare_entries", "decide", "read_double"]

_NOT_ANSWERS = {
    "instrument", "response_id", "source", "flags", "valid", "base_weight", "submitted_at", "duration_s", "period",
}  # fmt: skip
_ROW = "(row)"
_HELD = "held"
_BLANK = ("(空)", "空", "blank", "missing")
_LIST = ("id", "question", "verdict")


@dataclass(frozen=True)
class Settled:
    """Two entries made one.

    Attributes
    ----------
    frame : DataFrame
        The ``responses`` table; the source is that of the first entry.
    ledger : DataFrame
        Both entries' lines and what was settled.
    disagreements : DataFrame
        id, question, first, second, verdict, settled (True or False), source (of both rows).
    persons : Series
        Keyed hash of the person of each row, as ``read_questionnaire`` gives it.
    unmatched : DataFrame
        Names of units that either entry leaves open.
    second : int
        Rows of the second entry.
    """

    frame: pd.DataFrame
    ledger: pd.DataFrame
    disagreements: pd.DataFrame
    persons: pd.Series = field(repr=False)
    unmatched: pd.DataFrame = field(repr=False)
    second: int = 0


def compare_entries(
    first: pd.DataFrame, second: pd.DataFrame, *, ids: tuple[pd.Series, pd.Series] | None = None
) -> pd.DataFrame:
    """Where two keyings of the same paper questionnaires differ.

    Parameters
    ----------
    first, second : DataFrame
        ``responses`` of the two entries.
    ids : pair of Series, optional
        The number on paper of each row. Default: ``response_id``, which is the same for the same number where
        both were read under the same ``name``.

    Returns
    -------
    DataFrame
        id, question, first, second, source (of both rows): a row for every answer that differs, and one with
        the question ``(row)`` for every questionnaire that only one entry holds.

    Raises
    ------
    DataError
        If an entry holds a number twice, or a row without one.
    """
    keys = ids or (first["response_id"], second["response_id"])
    a, b = (_numbered(f, k, w) for f, k, w in zip((first, second), keys, ("first", "second"), strict=True))
    columns = [c for c in first if c in second and c not in _NOT_ANSWERS]
    both = [key for key in a.index if key in b.index]
    rows: list[tuple[str, str, Any, Any]] = []
    for column in columns:
        left, right = (
            f.loc[both, column].astype(object).where(f.loc[both, column].notna(), None) for f in (a, b)
        )
        for key, one, two in zip(both, left, right, strict=True):
            if one != two:
                rows.append((key, column, one, two))
    rows += [(key, _ROW, _HELD, None) for key in a.index if key not in b.index]
    rows += [(key, _ROW, None, _HELD) for key in b.index if key not in a.index]
    out = pd.DataFrame(rows, columns=["id", "question", "first", "second"], dtype=object)
    where = [" / ".join(str(f["source"].get(key, "-")) for f in (a, b)) for key in out["id"]]
    order = {name: k for k, name in enumerate([_ROW, *columns])}
    at = sorted(range(len(out)), key=lambda k: (_natural(out["id"][k]), order[out["question"][k]]))
    return out.assign(source=pd.Series(where, dtype="str")).iloc[at].reset_index(drop=True)


def _natural(key: str) -> tuple[int, str]:
    return (int(key), "") if key.isdecimal() else (10**18, key)


def _key(number: object) -> str:
    """A number on paper, with or without zeros in front."""
    text = str(number).strip()
    return text.lstrip("0") or "0" if text.isdecimal() else text


def _numbered(frame: pd.DataFrame, ids: pd.Series, which: str, file: str | None = None) -> pd.DataFrame:
    keys = [None if pd.isna(key) else _key(key) for key in ids]
    lost = [source for source, key in zip(frame["source"], keys, strict=True) if not key]
    if lost:
        raise DataError(
            f"the {which} entry has {len(lost)} rows without a number ({listing(lost, most=3)}); number them",
            file=file,
        )
    out = frame.set_axis(pd.Index(keys, dtype=object))
    twice = out["source"][out.index.duplicated(keep=False)]
    if len(twice):
        raise DataError(
            f"the {which} entry holds the same number {len(twice)} times ({listing(twice, most=3)}); number anew",
            file=file,
        )
    return out


def read_double(
    first: str | Path,
    second: str | Path,
    codebook: str | Path | Mapping[str, Any] | Codebook,
    *,
    verdict: str | Path | pd.DataFrame | Sequence[str | Path | pd.DataFrame] | None = None,
    names: tuple[str, str] | None = None,
    exclude_flags: Collection[str] = (),
    **options: Any,
) -> Settled:
    """Read two keyings of the same paper questionnaires as one.

    Parameters
    ----------
    first, second : path
        The two entries; the column of the number on paper is the codebook's ``id``.
    codebook : path, mapping or Codebook
    verdict : path or DataFrame, or several, optional
        The list of disagreements with its ``verdict`` filled in (a code, an option, or ``(空)`` for no
        answer), or a third entry. Of several the last that decides counts.
    names : pair of str, optional
        The two files' names in ``source`` and ledger; default: the paths.
    exclude_flags : collection of str
        Flags that make a row not ``valid``; a flag stands where both entries carry it.
    **options
        As for ``read_questionnaire``.

    Returns
    -------
    Settled

    Raises
    ------
    DataError
        If an entry has no numbers or one twice, or a verdict is no option of its question.
    """
    if "name" in options:
        raise ParameterError(
            "name names one file; entries are named by their paths, or by names=(first, second)"
        )
    book, paths = load_codebook(codebook), (first, second)
    called = names or (str(first), str(second))
    entries = [
        read_questionnaire(path, book, name=name, **options) for path, name in zip(paths, called, strict=True)
    ]
    numbers = [
        _numbers(path, book, entry, name) for path, entry, name in zip(paths, entries, called, strict=True)
    ]
    (a, b), frames = entries, [entry.frame for entry in entries]
    left, right = (
        _numbered(f, n, which, name)
        for f, n, which, name in zip(frames, numbers, ("first", "second"), called, strict=True)
    )
    odd = compare_entries(*frames, ids=(numbers[0], numbers[1]))
    pad = Pad(period=options.get("period"), file=called[1], table="responses")
    odd["verdict"], odd["settled"] = _verdicts(odd, verdict, book, pad, options)
    persons = a.persons.set_axis(left.index)
    alone = [key for key in right.index if key not in left.index]
    whole = pd.concat([left, right.loc[alone]]) if alone else left.copy()
    if alone:
        persons = pd.concat([persons, b.persons.set_axis(right.index).loc[alone]])
    both = [key for key in left.index if key in right.index]
    whole.loc[both, "flags"] = [
        ",".join(f for f in str(x).split(",") if f in str(y).split(","))
        if pd.notna(x) and pd.notna(y)
        else None
        for x, y in zip(left.loc[both, "flags"], right.loc[both, "flags"], strict=True)
    ]
    whole["flags"] = whole["flags"].replace("", None)
    answers = odd[odd["question"] != _ROW]
    for question, rows in answers.groupby("question", sort=False):
        whole.loc[rows["id"], question] = pd.array(rows["verdict"], dtype=whole[question].dtype)
        settled, n = int(rows["settled"].sum()), len(rows)
        told = f"{question}: the two entries differ in {n} questionnaires; {settled} settled, {n - settled} kept as missing"
        pad.add(
            "entries differ",
            f"{told}. Look them up on paper (numbers {listing(rows['id'])})",
            column=str(question),
            action="changed",
            severity="note" if settled == n else "warning",
            n=n,
        )
    once = odd[odd["question"] == _ROW]
    if len(once):
        told = f"{len(once)} questionnaires are keyed once only (numbers {listing(once['id'])}); kept, key them again"
        pad.add("keyed once", told, n=len(once))
    pad.add(
        "second entry",
        f"{len(both)} rows are the second keying",
        action="recognised",
        severity="note",
        n=len(both),
    )
    frame = set_valid(whole.reset_index(drop=True), exclude_flags)
    unmatched = pd.concat([a.unmatched, b.unmatched]).drop_duplicates(["found", "within"], ignore_index=True)
    return Settled(
        frame,
        joined([a.ledger, b.ledger, pad.frame()]),
        odd,
        persons.reset_index(drop=True),
        unmatched,
        len(right),
    )


def _numbers(path: str | Path, book: Codebook, entry: Responses, name: str) -> pd.Series:
    """The number on paper of every row of an entry."""
    numbers = []
    for export in read_exports(path, name=name, known=book.headings):
        keys = [question_key(w) for w in book.columns.get("id") or ROLE_HEADERS["id"]]
        headers = [question_key(header) for header in export.headers]
        place = next((headers.index(key) for key in keys if key in headers), None)
        if place is not None:
            numbers.append(
                pd.Series(export.text(place).to_numpy(), index=export.sources().to_numpy(), dtype=object)
            )
    if not numbers:
        raise DataError(
            "no column holds the number on paper; name it in the codebook (columns: id)", file=name
        )
    return entry.frame["source"].map(pd.concat(numbers))


def _verdicts(
    odd: pd.DataFrame, verdict: Any, book: Codebook, pad: Pad, options: Mapping[str, Any]
) -> tuple[pd.Series, pd.Series]:
    """What a third look says of each disagreement, and whether that settles it."""
    said: dict[tuple[str, str], Any] = {}
    several = isinstance(verdict, Sequence) and not isinstance(verdict, str)
    for one in () if verdict is None else verdict if several else (verdict,):
        listed = one if isinstance(one, pd.DataFrame) else _listed(one)
        if listed is None:
            said |= _third(odd, one, book, options)
        else:
            said |= _from_list(odd, listed, book, pad, None if listed is one else str(one))
    keys = list(zip(odd["id"], odd["question"], strict=True))
    settled = np.array([key in said for key in keys], dtype=bool)
    return pd.Series([said.get(key) for key in keys], dtype=object), pd.Series(settled)


def _third(
    odd: pd.DataFrame, path: str | Path, book: Codebook, options: Mapping[str, Any]
) -> dict[tuple[str, str], Any]:
    """What a third entry settles: where it says the same as one of the two."""
    third, name = read_questionnaire(path, book, **options), str(path)
    held = _numbered(third.frame, _numbers(path, book, third, name), "third", name)
    said = {}
    for key, question, *values in odd[["id", "question", "first", "second"]].itertuples(index=False):
        if question != _ROW and key in held.index:
            own = held.loc[key, question]
            if pd.notna(own) and own in values:
                said[key, question] = own
    return said


def _listed(path: str | Path) -> pd.DataFrame | None:
    """A file with the columns id, question and verdict."""
    export = read_export(path, known=_LIST)
    if not set(_LIST) <= set(export.headers):
        return None
    return pd.DataFrame({name: export.text(export.headers.index(name)) for name in _LIST})


def _from_list(
    odd: pd.DataFrame, verdict: pd.DataFrame, book: Codebook, pad: Pad, file: str | None
) -> dict[tuple[str, str], Any]:
    lacking = [name for name in _LIST if name not in verdict]
    if lacking:
        raise DataError(
            f"the verdicts lack the columns {', '.join(lacking)}; fill in the list of disagreements",
            file=file,
        )
    open_ = {
        (k, q): (a, b) for k, q, a, b in odd[["id", "question", "first", "second"]].itertuples(index=False)
    }
    said: dict[tuple[str, str], Any] = {}
    wrong, strange = [], 0
    for number, question, value in verdict[list(_LIST)].itertuples(index=False):
        text = "" if pd.isna(value) else str(value).strip()
        key = (_key(number), question)
        if not text or question == _ROW:
            continue
        if key not in open_:
            strange += 1
            continue
        known, code = decide(book, question, text, open_[key])
        if known:
            said[key] = code
        else:
            wrong.append(f"{key[0]} {question}")
    if wrong:
        raise DataError(
            f"{len(wrong)} verdicts are neither a code nor an option of their question ({listing(wrong)})",
            file=file,
        )
    if strange:
        pad.add(
            "idle verdict",
            f"{strange} verdicts belong to no disagreement of these entries; left out",
            n=strange,
        )
    return said


def decide(book: Codebook, column: str, text: str, values: tuple[Any, Any]) -> tuple[bool, Any]:
    """A verdict as a code: one of the two values, another code as the list shows them, or an option: whether it is one, and which."""
    key = option_key(text)
    if text in _BLANK:
        return True, None
    for value in values:
        if value is not None and option_key(value) == key:
            return True, value
    question = book.questions.get(column)
    if question is None:
        parts = {
            f"{name}_{code}": range(1, len(q.options) + 1) if q.ranking else range(2)
            for name, q in book.items.items()
            if q.multiple
            for code in q.options.values()
        }
        known = key.isdecimal() and int(key) in parts.get(column, ())
        return known, int(key) if known else None
    codes = {str(code): code for code in question.meanings().values() if code is not None}
    if question.scale:
        codes |= {str(code): code for code in range(question.low, question.high + 1)}
    if key in codes:
        return True, codes[key]
    return Reading(replace(question, scale=None), None)(text)
