"""One resident's answers, from the export of a survey platform to the ``responses`` table.

    responses = read_questionnaire("居民问卷.xlsx", "codebooks/resident.yaml", register=units,
    period="2019Q4")
    responses.frame      a row an answer: contract columns, then a column an item (1..k, 98 don't know,
                         97 not applicable)
    responses.ledger     what was recognised, removed, unknown, flagged: counts, never a personal value

Layouts: 问卷星 by text (``┋`` between choices, ``〖…〗`` filled in) and by code (numbers of options, 0/1
columns ``第6题(...)``), 腾讯问卷, KoboToolbox, plain CSV. Only what the codebook names goes on. Personal
columns, free text and columns that nothing claims stay here; an option that the codebook does not know is
reported with its count and stays missing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from commlab import tables
from commlab.errors import listing
from commlab.intake.answers import Answers
from commlab.intake.choices import texts_at
from commlab.intake.codebook import Codebook, attention_check, load_codebook, option_key
from commlab.intake.export import read_exports
from commlab.intake.forms import squash
from commlab.intake.ledger import Pad, joined
from commlab.intake.mapped import UNMATCHED
from commlab.intake.names import CERTAINTY, Register, match_names
from commlab.intake.privacy import keyed_hashes, mask
from commlab.intake.quality import FLAGS, Limits, flag
from commlab.intake.questions import is_blank
from commlab.intake.together import answer_sheets, numbered

__all__ = ["Responses", "read_questionnaire"]

_PUBLIC_KEY = "commlab"
"""Key of ``response_id`` where none is given: it hashes file and row, which name nobody."""
_LONGEST = 366 * 86_400  # seconds; beyond, it is a telephone and no duration
_SECONDS = re.compile(r"(?:(\d+)(?:小时|时|:))?(?:(\d+)(?:分钟|分|:))?(\d+(?:\.\d+)?)秒?")
_ZONE = re.compile(r"(?:Z|[+-]\d{2}:?\d{2})$")
_MINUTES = re.compile(r"(?:(\d+)小?时)?(\d+)分钟?")
_LONG, _FEW = 30, 9


@dataclass(frozen=True)
class Responses:
    """Clean answers and the ledger of how they came about.

    Attributes
    ----------
    frame : DataFrame
        The ``responses`` table.
    ledger : DataFrame
    persons : Series
        Keyed hash of each row's person, for duplicates across files; missing where nothing identifies one.
        Not stored.
    unmatched : DataFrame
        Unit names that found no unit: found, within, nearest, score, n; for the review table.
    """

    frame: pd.DataFrame
    ledger: pd.DataFrame
    persons: pd.Series = field(repr=False)
    unmatched: pd.DataFrame = field(repr=False)


def read_questionnaire(
    path: str | Path,
    codebook: str | Path | Mapping[str, Any] | Codebook,
    *,
    register: pd.DataFrame | Register | None = None,
    aliases: pd.DataFrame | None = None,
    key: str | bytes | None = None,
    period: str | None = None,
    name: str | None = None,
    district: str | None = None,
    sampled: Collection[str] | None = None,
    exclude_flags: Collection[str] = (),
    certainty: float = CERTAINTY,
) -> Responses:
    """Read the export of a survey platform.

    Parameters
    ----------
    path : path
        .xlsx .xlsm .xls .ods .sav or .csv .tsv .txt (UTF-8, GB18030 or cp1252); the header, of one row or
        two, stands among the first rows of the sheet that the codebook fits best.
    codebook : path, mapping or Codebook
        What questions and options mean.
    register, aliases : DataFrame, optional
        Units of the study; without them ``unit`` is what was answered.
    key : str or bytes, optional
        Secret for the keyed hashes of persons; without it duplicates rest on the answers.
    period : str, optional
        Goes into the ``period`` column.
    name : str, optional
        The file's name in ``source`` and ledger; default: the path.
    district : str, optional
        The district of all answers, where the file is one district's.
    sampled : collection of str, optional
        Units of the sample; answers from others are ``out_of_frame``.
    exclude_flags : collection of str
        Quality flags that make a row not ``valid``.
    certainty : float, default 90
        Similarity from which a unit's name is accepted.

    Returns
    -------
    Responses

    Raises
    ------
    DataError
        If the file cannot be read, holds no row, two columns answer the same question, or no item is found.
    """
    book = load_codebook(codebook)
    exports = read_exports(path, name=name, known=book.headings)
    first = exports[0]
    pad = Pad(
        period=period, file=first.file, sheet=first.sheet if len(exports) == 1 else "", table="responses"
    )
    sheets = answer_sheets(exports, book, pad, period)
    parts = [answers for answers, _ in sheets]
    named = [_units(answers, register, aliases, district, certainty) for answers in parts]
    pairs = [
        _columns(answers, units, key, alone=len(parts) == 1)
        for answers, (units, _) in zip(parts, named, strict=True)
    ]
    persons = _under([answers.persons(key) for answers in parts])
    failed = [_attention(answers) for answers in parts]
    for answers in parts:
        answers.rest()
    frame = _under([pd.DataFrame(columns) for columns, _ in pairs])
    chosen = list(dict.fromkeys(name for _, names in pairs for name in names))
    addresses, interviewers = (
        numbered([answers.column(role) for answers in parts], [answers.n for answers in parts])
        for role in ("ip", "interviewer")
    )
    frame.insert(0, "instrument", book.instrument)
    for demographic in ("sex", "age_band"):
        if demographic not in frame:
            frame[demographic] = pd.Series(pd.NA, index=frame.index, dtype="str")
    frame["base_weight"] = np.nan
    scaled = {name: q for name, q in book.items.items() if not q.multiple}
    grids: dict[str, list[str]] = {}
    for item, question in scaled.items():
        if question.matrix:
            grids.setdefault(str(question.matrix), []).append(item)
    frame = flag(
        frame,
        items=list(scaled),
        best={item: question.high for item, question in scaled.items()},
        grids=grids or None,
        same=["unit", *book.demographics, *chosen],
        limits=Limits.of(book.checks),
        persons=persons,
        addresses=addresses,
        interviewers=interviewers,
        turned={item: q.low + q.high for item, q in scaled.items() if q.reversed},
        failed=_under(failed),
        sampled=sampled,
        framed=register is not None,
        exclude=exclude_flags,
    )
    _report_flags(frame, pad, exclude_flags)
    frame["period"] = pd.Series(period, index=frame.index, dtype="str")
    frame["source"] = _under([answers.export.sources() for answers in parts])
    order = [c.name for c in tables.CONTRACTS["responses"].columns if c.name in frame]
    frame = frame[order + [c for c in frame if c not in order]]
    pads = dict.fromkeys([own for _, own in sheets] + [pad])
    unmatched = pd.concat([lost for _, lost in named], ignore_index=True)
    if len(parts) > 1:
        total = unmatched.groupby(["found", "within"], dropna=False)["n"].transform("sum")
        unmatched = unmatched.assign(n=total).drop_duplicates(["found", "within"], ignore_index=True)
    return Responses(frame, joined([own.frame() for own in pads]), persons, unmatched)


def _under(parts: Sequence[Any]) -> Any:
    """The sheets' parts under each other."""
    return parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)


def _columns(
    answers: Answers, units: pd.Series, key: str | bytes | None, *, alone: bool
) -> tuple[dict[str, pd.Series], list[str]]:
    """A sheet's columns, and which of them belong to multiple choices and rankings."""
    columns = {"response_id": _ids(answers, key, alone=alone), "unit": units}
    columns["submitted_at"], columns["duration_s"] = _times(answers)
    columns |= {name: answers.demographic(question) for name, question in answers.book.demographics.items()}
    chosen: list[str] = []
    for question in answers.book.items.values():
        own = answers.item(question)
        columns |= own
        chosen += own if question.multiple else []
    return columns, chosen


def _ids(answers: Answers, key: str | bytes | None, *, alone: bool) -> pd.Series:
    """Keyed hash of file, sheet where there are several, and the platform's number (its row where there is none)."""
    export = answers.export
    place = answers.role("id")
    said = "row " + pd.Series(export.rows).astype("str")
    if place is not None:
        answers.taken.add(place)
        said = export.text(place).fillna(said)
    file = export.file if alone else f"{export.file}#{export.sheet}"
    return keyed_hashes(_PUBLIC_KEY if key is None else key, said, answers.book.instrument, file)


def _attention(answers: Answers) -> pd.Series:
    """Rows that answered the check question with anything but what it asks for."""
    check = attention_check(answers.book)
    place = None if check is None else answers.place(check[0], "the attention check")
    if check is None or place is None:
        if check is not None:
            answers.absent("attention")
        return pd.Series(False, index=range(answers.n))
    codes, texts = answers.levels(place)
    expected = {option_key(text) for text in check[1]}
    keys = {option_key(text) for text in texts if not is_blank(text)}
    if keys and all(key.isdecimal() for key in keys) and not any(key.isdecimal() for key in expected):
        told = f"the check question is answered by numbers, and the codebook expects {listing(check[1])}; nobody is flagged"
        answers.pad.add(
            "attention by number", told, column=answers.headers[place], severity="error", n=int((codes >= 0).sum()),
            before=", ".join(sorted(keys)[:_FEW]), after=", ".join(check[1]),
        )  # fmt: skip
        return pd.Series(False, index=range(answers.n))
    passed = [option_key(text) in expected or is_blank(text) for text in texts]
    return ~pd.Series(np.array([*passed, True])[codes])


def _times(answers: Answers) -> tuple[pd.Series, pd.Series]:
    """When each answer was sent, and the seconds it took: printed, or between start and end."""
    ends, starts = _moments(answers, "submitted_at"), _moments(answers, "started_at")
    closed = (
        ends if answers.role("ended_at") == answers.role("submitted_at") else _moments(answers, "ended_at")
    )
    between = (closed - starts).dt.total_seconds()
    between = between.where(between >= 0)
    place = answers.role("duration_s")
    if place is None:
        return ends, between
    codes, texts = answers.levels(place)
    seconds = np.array([*map(_seconds, texts), np.nan])
    seconds[seconds > _LONGEST] = np.nan
    bad = np.flatnonzero(np.isnan(seconds[:-1]))
    _unreadable(answers, place, codes, bad, [texts[k] for k in bad], "duration")
    duration = pd.Series(seconds[codes])
    return ends, duration.where(duration.notna(), between)


def _seconds(text: str) -> float:
    """Seconds of 123秒, 1分23秒, 00:02:03, 2分钟 or 123."""
    plain = squash(text)
    match, more = _SECONDS.fullmatch(plain), _MINUTES.fullmatch(plain)
    if match:
        hours, minutes, seconds = match.groups()
        # 2:03 fills the first group: it is minutes.
        if hours and not minutes and ":" in plain:
            hours, minutes = None, hours
        return float(hours or 0) * 3600 + float(minutes or 0) * 60 + float(seconds)
    return float(more[1] or 0) * 3600 + float(more[2]) * 60 if more else float("nan")


def _moments(answers: Answers, role: str) -> pd.Series:
    place = answers.role(role)
    if place is None:
        return pd.Series(pd.NaT, index=range(answers.n), dtype="datetime64[us]")
    answers.taken.add(place)
    column = answers.export.columns[place]
    stamps = np.append(_stamps(column.arrow), np.datetime64("NaT", "us"))
    bad = np.flatnonzero(np.isnat(stamps[:-1]))
    if len(bad):
        _unreadable(answers, place, column.codes, bad, column.arrow.take(bad).to_pylist(), "date")
    return pd.Series(stamps[column.codes])


def _stamps(texts: Any) -> np.ndarray:
    """Moments as printed, time zones dropped; days and times of day are few, so each is read once.

    ``texts`` is an Arrow array: a million stamps are parted in one go.
    """
    import pyarrow.compute as pc

    spaced = pc.binary_join_element_wise(pc.replace_substring(texts, "T", " ", max_replacements=1), "", " ")
    parts = pc.split_pattern(spaced, " ", max_splits=1)
    day, time = (pc.list_element(parts, k).dictionary_encode() for k in (0, 1))
    iso = pd.Series(day.dictionary.to_pandas(), dtype="str").str.replace(r"[/.年月]", "-", regex=True)
    read = pd.to_datetime(iso.str.rstrip("日"), errors="coerce", format="mixed").to_numpy("datetime64[us]")
    clock = (
        pd.Series(time.dictionary.to_pandas(), dtype="str").str.rstrip().str.replace(_ZONE, "", regex=True)
    )
    clock = clock.replace("", "0:00:00").str.replace(r"^(\d{1,2}:\d{2})$", r"\1:00", regex=True)
    passed = pd.to_timedelta(clock, errors="coerce").to_numpy("timedelta64[us]")
    return read[day.indices.to_numpy()] + passed[time.indices.to_numpy()]


def _unreadable(
    answers: Answers, place: int, codes: np.ndarray, bad: np.ndarray, texts: Sequence[str], what: str
) -> None:
    levels = [level for level, text in zip(bad, texts, strict=True) if not is_blank(text)]
    if levels:
        rows = np.flatnonzero(np.isin(codes, levels))
        told = f"{len(rows)} cells are no {what}; kept as missing"
        column, cells = answers.headers[place], answers.cells(place, rows)
        answers.pad.add(f"unreadable {what}", told, column=column, n=len(rows), cells=cells)


def _units(
    answers: Answers,
    register: pd.DataFrame | Register | None,
    aliases: pd.DataFrame | None,
    district: str | None,
    certainty: float,
) -> tuple[pd.Series, pd.DataFrame]:
    """The unit each row names, from its district and community answers."""
    said: dict[str, tuple[np.ndarray, list[str]]] = {}
    places: dict[str, int | None] = {}
    for level in ("district", "community"):
        wordings = answers.book.unit.get(level, ())
        place = places[level] = answers.place(wordings, f"unit.{level}") if wordings else None
        said[level] = (np.full(answers.n, -1), []) if place is None else answers.levels(place)
        if wordings and place is None:
            answers.absent(f"unit.{level}")
    (above, districts), (below, communities) = said["district"], said["community"]
    wide = len(communities) + 1
    codes, pairs = pd.factorize((above.astype("int64") + 1) * wide + below + 1)
    both = [
        (_said(districts, pair // wide - 1), _said(communities, pair % wide - 1)) for pair in pairs.tolist()
    ]
    none = pd.DataFrame(columns=list(UNMATCHED))
    if register is None:
        plain = [mask("/".join(squash(t) for t in pair if t))[0] or None for pair in both]
        if answers.book.unit:
            told = "no register was given: units are as answered, not checked"
            answers.pad.add("no register", told, severity="note")
        return texts_at(plain, codes), none
    book = Register.of(register, aliases)
    inside = match_names([d for d, _ in both], book, level="district", certainty=certainty)["matched"]
    within = [district if pd.isna(d) else d for d in inside]
    names = [c for _, c in both]
    found = match_names(names, book, within=within, level="community", certainty=certainty)
    if not answers.book.unit.get("community"):
        found["matched"] = pd.Series(within, dtype="str")
    units = texts_at(found["matched"], codes)
    found["within"], found["n"] = within, np.bincount(codes, minlength=len(both))
    lost = found[found["matched"].isna() & found["name"].notna()].sort_values(
        ["n", "name"], ascending=[False, True]
    )
    lost = lost.assign(found=[mask(name)[0][:_LONG] for name in lost["name"]])
    place = places["community"] or 0
    if len(lost):
        rows = np.flatnonzero(units.isna() & (below >= 0))
        n, shown = int(lost["n"].sum()), listing((f"“{f}”" for f in dict.fromkeys(lost["found"])), most=4)
        told = (
            f"{n} answers name no unit of the register ({shown}); kept, flagged out_of_frame. Settle "
            f"them in review.csv"
        )
        column, cells = answers.headers[place], answers.cells(place, rows)
        answers.pad.add("unknown unit", told, column=column, n=n, cells=cells)
    for _, row in found[found["how"] == "fuzzy"].iterrows():
        told = f"“{row['name']}” was taken for {row['matched']} (similarity {row['score']:.0f})"
        column = answers.headers[place]
        answers.pad.add(
            "fuzzy name",
            told,
            column=column,
            before=row["name"],
            after=row["matched"],
            action="changed",
            n=row["n"],
        )
    return units, lost[list(UNMATCHED)].reset_index(drop=True)


def _said(texts: list[str], code: int) -> str:
    return "" if code < 0 or is_blank(texts[code]) else texts[code]


def _report_flags(frame: pd.DataFrame, pad: Pad, exclude: Collection[str]) -> None:
    together = frame["flags"].dropna().value_counts()
    for name in FLAGS:
        n = int(sum(times for flags, times in together.items() if name in str(flags).split(",")))
        if n:
            told = (
                f"{n} of {len(frame)} answers are flagged {name}{' and excluded' if name in exclude else ''}"
            )
            pad.add(f"flag {name}", told, column="flags", after=name, severity="note", n=n)
