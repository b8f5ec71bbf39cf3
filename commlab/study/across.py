"""What stands in more than one file of a period, or stood in last period's: rows, persons, whole files, texts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from commlab.errors import listing
from commlab.intake import RawTable
from commlab.intake.forms import squash
from commlab.intake.ledger import split_source
from commlab.intake.privacy import personal_column
from commlab.intake.quality import FLAGS, set_valid
from commlab.periods import GRAMMAR, period_key
from commlab.tables import CONTRACTS
from commlab.text import Text

if TYPE_CHECKING:
    from commlab.study.status import FileRead

__all__ = ["other_period", "pasted_texts", "repeated_files", "same_persons", "texts_of", "without_repeats"]

_LONG, _SENTENCE = 20, re.compile(r"[，。；、,;]")
_SHORTEST = 10
_NAMED = {
    "Q": r"(20\d\d)年?第?([一二三四1-4])季度", "H": r"(20\d\d)年?([上下])半年", "M": r"(20\d\d)年(\d{1,2})月(?!\d?\d日)", "": r"(20\d\d)(?:年度|年?全年)(?!末)",
}  # fmt: skip
"""How a title names a period, by the letter of its kind."""
_PLACES = {"一": 1, "二": 2, "三": 3, "四": 4, "上": 1, "下": 2}


def without_repeats(
    table: str, frame: pd.DataFrame, *, copies: Collection[str] = ()
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Rows that repeat a key of another file are rejected: the first file in order of names is kept.

    Of files that are known to be ``copies`` this is no further error.
    """
    key = [k for k in CONTRACTS[table].key if k in frame]
    again = frame.duplicated(key) if key else pd.Series(False, index=frame.index)
    lines: list[dict[str, Any]] = []
    if again.any():
        first = frame.drop_duplicates(key)[[*key, "source"]]
        twice = frame[again].merge(first, on=key, suffixes=("", "_first"), how="left")
        file = twice["source"].str.partition("#")[0]
        for name, rows in twice.groupby(file, sort=True):
            others = rows["source_first"].str.partition("#")[0].unique()
            told = f"{name}: {len(rows)} rows stand in {listing(others)} too, whose rows were kept. Remove one of the two"
            lines.append(
                {"file": str(name), "rule": "repeated across files", "message": told, "before": listing(others),
                 "table": table, "action": "rejected", "severity": "note" if name in copies else "error", "n": len(rows)}
            )  # fmt: skip
    return frame[~again].reset_index(drop=True), lines


def same_persons(
    responses: pd.DataFrame, persons: pd.Series, exclude: Collection[str]
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Flag ``duplicate`` where a person has answered in an earlier file already; nobody is left out for it here.

    Parameters
    ----------
    responses : DataFrame
        Answers of all files of a period.
    persons : Series
        Keyed hash of each row's person; missing where nothing tells.
    exclude : collection of str
        Flags that make a row not valid.

    Notes
    -----
    Where no identifier tells, the very same answer with the same time is the same person's: a platform's export that
    overlaps the one before. The earliest answer counts, by its time and then by its file's name and row, whatever order
    the files are read in.
    """
    known = pd.Series(persons.to_numpy(), index=responses.index, dtype="str")
    place = pd.DataFrame({
        "who": (responses["instrument"] + known).fillna(_same_answer(responses)), "at": responses["submitted_at"],
        "file": responses["source"].str.partition("#")[0], "row": responses["source"].str.extract(r"(\d+)$")[0].astype("float64"),
    })  # fmt: skip
    order = place[place["who"].notna()].sort_values(["at", "file", "row"], kind="stable", na_position="last")
    first = order.drop_duplicates("who").set_index("who")["file"]
    later = order.index[order["who"].map(first) != order["file"]]
    flags = responses["flags"].fillna("")
    later = later[~flags[later].str.split(",").map(lambda f: "duplicate" in f).to_numpy(dtype=bool)]
    if not len(later):
        return responses, []
    more = [",".join(f for f in FLAGS if f in {*old.split(","), "duplicate"}) for old in flags[later]]
    out = responses.copy()
    out.loc[later, "flags"] = more
    lines = []
    for name, rows in place.loc[later].groupby("file", sort=True):
        others = listing(first[rows["who"].unique()].unique())
        told = f"{len(rows)} answers are by persons who answered before in {others}; flagged duplicate"
        where = ", ".join(f"{r:.0f}:{r:.0f}" for r in sorted(rows["row"])[:5])
        sheet = split_source(responses.loc[rows.index[0], "source"])[1]
        lines.append(
            {"file": str(name), "sheet": sheet, "rule": "same person in another file", "message": told, "before": others, "table": "responses",
             "column": "flags", "after": "duplicate", "n": len(rows), "first_cells": where}
        )  # fmt: skip
    return set_valid(out, exclude), lines


def _same_answer(responses: pd.DataFrame) -> pd.Series:
    """What two exports of one answer share: its time and everything that was answered; missing without a time."""
    own = ("response_id", "source", "flags", "valid", "base_weight", "period")
    said = responses.drop(columns=[c for c in own if c in responses])
    hashed = pd.util.hash_pandas_object(said, index=False).astype("str")
    return hashed.where(responses["submitted_at"].notna())


def repeated_files(files: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Files of one input that are the same, byte for byte, under two names."""
    seen: dict[tuple[str, str], str] = {}
    lines = []
    for file in files:
        first = seen.setdefault((str(file["input"]), str(file["sha256"])), str(file["file"]))
        if first != file["file"]:
            told = f"{file['file']} is {first} again, byte for byte; ask the office for its own file"
            lines.append(
                {
                    "file": str(file["file"]),
                    "rule": "same file twice",
                    "message": told,
                    "before": first,
                    "severity": "error",
                }
            )
    return lines


def other_period(raw: RawTable, period: str, name: str) -> list[dict[str, Any]]:
    """A title that names another period than the one that the file was sent for.

    Quarters and half-years are held against each other: a quarter's table inside the half-year is none of another.
    Months and years count only where the study's own periods are such: titles carry days and years of many things.
    """
    own = period[4:5]
    named = [p for note in raw.notes for kind in ("QH" if own in ("Q", "H") else [own]) for p in _named(squash(note), kind)]  # fmt: skip
    if not named or any(_overlap(period, p) for p in named):
        return []
    told = f"{name}: its title says {named[0]}; ask whether this is the file of {period}"
    return [{"file": name, "sheet": raw.sheet, "rule": "other period named", "message": told, "before": named[0],
             "after": Text("zh").period(period)}]  # fmt: skip


def _named(title: str, kind: str) -> list[str]:
    """The periods of a kind (``Q``, ``H``, ``M``, "" for years) that a title names."""
    found = (m.groups() for m in re.finditer(_NAMED[kind], title))
    said = (g[0] + (f"{kind}{_PLACES.get(g[1], g[1]):0>{1 + (kind == 'M')}}" if kind else "") for g in found)
    return [p for p in said if re.fullmatch(GRAMMAR, p)]


def _overlap(one: str, other: str) -> bool:
    (a, m, length), (b, n, more) = period_key(one), period_key(other)
    return 12 * a + m - length < 12 * b + n and 12 * b + n - more < 12 * a + m


def texts_of(raw: RawTable, naming: Collection[str]) -> list[str]:
    """Hashes of the sentences that people wrote into a table's cells; names, words and personal columns are none."""
    found = set()
    for column in raw.frame:
        label = str(column).rpartition("/")[2]
        if raw.frame[column].dtype not in ("object", "str") or label in naming or personal_column(label):
            continue
        texts = raw.frame[column].dropna()
        texts = texts[texts.map(lambda v: isinstance(v, str))].map(squash)
        texts = texts[~texts.duplicated(keep=False)]
        found |= {t for t in texts if len(t) >= _LONG or (len(t) >= _SHORTEST and _SENTENCE.search(t))}
    return sorted(hashlib.sha256(t.encode()).hexdigest()[:16] for t in found)


def pasted_texts(read: Iterable[FileRead], before: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Files that repeat sentences of the file that the same office sent for the period before."""
    last: dict[tuple[str, str | None], set[str]] = {}
    for file in before:
        last.setdefault((str(file["input"]), file["district"]), set()).update(file.get("texts", ()))
    lines = []
    for one in read:
        same = set(one.texts) & last.get((one.file.input.name, one.district), set())
        if same:
            told = f"{one.file.name}: {len(same)} of {len(one.texts)} written texts are last period's, word for word; ask for this period's"
            lines.append(
                {
                    "file": one.file.name,
                    "rule": "text pasted from last period",
                    "message": told,
                    "n": len(same),
                }
            )
    return lines
