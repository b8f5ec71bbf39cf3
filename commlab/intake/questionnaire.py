"""One resident's answers, from the export of a survey platform to the ``responses`` table.

    responses = read_questionnaire("居民问卷.xlsx", "codebooks/resident.yaml", register=units, period="2019Q4")
    responses.frame      one row an answer: contract columns, then a column an item (1..k, 98 don't know, 97 not applicable)
    responses.ledger     what was recognised, removed, unknown, flagged: with counts, never with a personal value

Layouts: 问卷星 by text (``┋`` between choices, ``〖…〗`` filled in) and by code (numbers of options, 0/1 columns ``第6题(...)``),
腾讯问卷, KoboToolbox, plain CSV. Only what the codebook names goes on. Personal columns, free text and columns that
nothing claims stay here; an option that the codebook does not know is reported with its count and stays missing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from commlab import tables
from commlab.errors import DataError, listing
from commlab.intake.codebook import (
    Codebook,
    Question,
    attention_check,
    load_codebook,
    option_key,
    question_key,
)
from commlab.intake.export import Export, read_export
from commlab.intake.ledger import REMOVED, Pad
from commlab.intake.names import CERTAINTY, Register, match_names, squash
from commlab.intake.privacy import keyed_hash, mask, personal_column
from commlab.intake.quality import FLAGS, Limits, flag

__all__ = ["Responses", "read_questionnaire"]

_PUBLIC_KEY = "commlab"
"""Key of ``response_id`` where none is given: it hashes file and row, which name nobody."""
_SKIPPED = frozenset({"", "-3", "-2", "(跳过)", "(空)", "跳过", "nan", "null", "none"})
_ROLE_HEADERS = {
    "id": ("序号", "答题序号", "答卷编号", "编号", "_id", "respondent"),
    "submitted_at": ("提交答卷时间", "提交时间", "结束答题时间", "结束时间", "_submission_time", "end"),
    "started_at": ("开始答题时间", "开始时间", "start"),
    "duration_s": ("所用时间", "答题时长", "答题时长(秒)", "用时"),
    "ip": ("来自ip", "ip", "答题者ip", "ip地址"),
    "person": ("openid", "微信openid", "unionid", "用户id"),
    "interviewer": ("访问员", "调查员", "访问员编号"),
}
_PLATFORM = frozenset(
    map(squash, ("来源", "来源详情", "总分", "答题渠道", "清洗数据结果", "自定义字段", "地理位置国家和地区", "地理位置省", "地理位置市",
                 "_uuid", "_index", "_validation_status", "_status", "_tags", "_notes", "_submitted_by", "__version__", "deviceid"))
)  # fmt: skip
_HMS = re.compile(r"(?:(\d+)(?:小时|时|:))?(?:(\d+)(?:分钟|分|:))?(\d+(?:\.\d+)?)秒?$")
_PARTS = ("┋", ";", "；", "|", "、", ",", "，")
_LONG = 30


@dataclass(frozen=True)
class Responses:
    """Clean answers and the ledger of how they came about.

    Attributes
    ----------
    frame : DataFrame
        The ``responses`` table.
    ledger : DataFrame
    persons : Series
        Keyed hash of each row's person, for duplicates across files; missing where nothing identifies one. Not stored.
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
        .xlsx, .xlsm, .xls, .ods (first sheet) or .csv, .tsv, .txt (UTF-8, GB18030 or cp1252); the header is the first row.
    codebook : path, mapping or Codebook
        What questions and options mean.
    register, aliases : DataFrame, optional
        Units of the study; without them ``unit`` is what was answered.
    key : str or bytes, optional
        Secret for the keyed hashes of persons; without it persons are not hashed and duplicates rest on the answers.
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
    export = read_export(path, name=name)
    pad = Pad(period=period, file=export.file, sheet=export.sheet, table="responses")
    reader = _Reader(book, export, pad)
    n = len(export.frame)
    frame = pd.DataFrame(index=pd.RangeIndex(n))
    frame["instrument"] = book.instrument
    ids = reader.texts("id")
    secret = key if key is not None else _PUBLIC_KEY
    rows = export.rows.tolist()
    own = (
        rows
        if ids is None
        else [i if i else f"row {r}" for i, r in zip(ids.fillna("").tolist(), rows, strict=True)]
    )
    frame["response_id"] = [keyed_hash(secret, book.instrument, export.file, i) for i in own]
    unit, unmatched = _units(reader, register, aliases, district, certainty)
    frame["unit"] = unit
    frame["submitted_at"], frame["duration_s"] = _times(reader)
    for demographic in ("sex", "age_band"):
        frame[demographic] = pd.Series(pd.NA, index=frame.index, dtype="str")
    for question in book.demographics.values():
        frame[question.name] = reader.demographic(question)
    frame["base_weight"] = np.nan
    items = {name: column for q in book.items.values() for name, column in reader.item(q).items()}
    frame = pd.concat([frame, pd.DataFrame(items, index=frame.index)], axis=1)
    persons, addresses = reader.identities(key)
    failed = reader.attention()
    reader.rest()
    scaled = [q.name for q in book.items.values() if not q.multiple]
    grids: dict[str, list[str]] = {}
    for q in book.items.values():
        if q.matrix and not q.multiple:
            grids.setdefault(str(q.matrix), []).append(q.name)
    frame = flag(
        frame,
        items=scaled,
        best={name: book.items[name].high for name in scaled},
        grids=grids or None,
        same=["unit", *book.demographics],
        limits=Limits.of(book.checks),
        persons=persons,
        addresses=addresses,
        failed=failed,
        sampled=sampled,
        framed=register is not None,
        exclude=exclude_flags,
    )
    _report_flags(frame, pad, exclude_flags)
    frame["period"] = pd.Series(period, index=frame.index, dtype="str")
    frame["source"] = export.sources()
    order = [c.name for c in tables.CONTRACTS["responses"].columns if c.name in frame]
    frame = frame[order + [c for c in frame if c not in order]]
    return Responses(frame, pad.frame(), persons, unmatched)


class _Reader:
    """Takes the columns of one export, one after the other; what nobody took is reported at the end."""

    def __init__(self, book: Codebook, export: Export, pad: Pad) -> None:
        self.book, self.export, self.pad = book, export, pad
        self.headers = list(export.headers)
        self.taken: set[int] = set()
        self.places = _Places(self.headers)
        self.numbers = book.numbers or ("options" if export.wjx else None)
        pad.add("header", f"header of {len(self.headers)} columns", action="recognised", severity="note")
        if export.empty_rows:
            pad.add(
                "empty row",
                f"{export.empty_rows} empty rows",
                action="recognised",
                severity="note",
                n=export.empty_rows,
            )
        found = {name: self.places.of(q.wordings, name, export.file) for name, q in book.questions.items()}
        self.exploded = _exploded(self.headers, book)
        self.of = {name: place for name, place in found.items() if place is not None}
        lacking = [name for name in book.questions if name not in self.of and name not in self.exploded]
        if len([i for i in book.items if i in lacking]) == len(book.items):
            raise DataError(
                f"none of the {len(book.items)} items of the codebook is in the header (found: "
                f"{listing(self.headers)}); is this the right codebook, and is the header the first row?",
                file=export.file,
                sheet=export.sheet or None,
            )
        for name in lacking:
            pad.add(
                "question not in file", f"{name}: no column asks it; all its answers are missing", column=name
            )

    def _column(self, place: int) -> tuple[np.ndarray, list[str]]:
        """Codes and the different texts of a column; the row's text is texts[code]."""
        self.taken.add(place)
        return self.export.levels(place)

    def texts(self, role: str) -> pd.Series | None:
        """The text of the column that plays a role; None where there is none."""
        place = self.role(role)
        if place is None:
            return None
        codes, texts = self._column(place)
        values = pd.Series(np.array([*texts, ""], dtype=object)[codes], dtype="str")
        return values.where(values != "")

    def role(self, role: str) -> int | None:
        wanted = self.book.columns.get(role) or _ROLE_HEADERS[role]
        return self.places.of(wanted, role, self.export.file)

    def cells(self, place: int, rows: np.ndarray) -> list[str]:
        return self.export.cells(place, rows[:5])

    def demographic(self, question: Question) -> pd.Series:
        values = np.array([None], dtype=object)
        codes = np.zeros(len(self.export.frame), dtype=np.intp)
        if question.name in self.of:
            codes, table = self._translate(question, self.of[question.name])
            values = np.array([*table, None], dtype=object)
        return pd.Series(values[codes], dtype="str")

    def item(self, question: Question) -> dict[str, pd.Series]:
        """The item's column; for a multiple choice one 0/1 column an option."""
        n = len(self.export.frame)
        if question.multiple:
            return self._multiple(question)
        if question.name not in self.of:
            return {question.name: pd.Series(pd.NA, index=range(n), dtype="Int16")}
        codes, table = self._translate(question, self.of[question.name])
        return {question.name: _integers([*table, None], codes)}

    def _translate(self, question: Question, place: int) -> tuple[np.ndarray, list[Any]]:
        codes, texts = self._column(place)
        meanings = question.meanings()
        order = question.numbered()
        table: list[Any] = []
        unknown: list[int] = []
        filled = 0
        counts = np.bincount(codes[codes >= 0], minlength=len(texts))
        for level, text in enumerate(texts):
            key = option_key(text)
            filled += int(counts[level]) if "〖" in text else 0
            if squash(text) in _SKIPPED:
                table.append(None)
            elif key in meanings:
                table.append(meanings[key])
            elif (number := _whole(key)) is not None and question.scale:
                low, high = question.scale
                inside = low <= number <= high
                table.append((low + high - number if question.reversed else number) if inside else None)
                if not inside:
                    unknown.append(level)
            elif number is not None and self.numbers == "options" and 1 <= number <= len(order):
                table.append(meanings[order[number - 1]])
            elif number is not None and self.numbers == "values" and number in meanings.values():
                table.append(number)
            else:
                table.append(None)
                unknown.append(level)
        for level in unknown:
            rows = np.flatnonzero(codes == level)
            shown = _shown(texts[level])
            self.pad.add(
                "unknown option",
                f"{question.name}: {len(rows)} answers {shown} are in no option of the codebook; kept as missing."
                " Add the option to the codebook if it is one",
                column=self.headers[place],
                before=shown,
                n=len(rows),
                cells=self.cells(place, rows),
            )
        if filled:
            self._removed(
                "filled-in text", f"{filled} texts filled in beside an option were removed", place, filled
            )
        return codes, table

    def _removed(self, rule: str, message: str, place: int, n: int) -> None:
        self.pad.add(
            rule, message, column=self.headers[place], before=REMOVED, action="changed", severity="note", n=n
        )

    def _multiple(self, question: Question) -> dict[str, pd.Series]:
        n = len(self.export.frame)
        names = {code: f"{question.name}_{code}" for code in question.options.values() if code is not None}
        if question.name in self.exploded:
            return self._ticked(question, self.exploded[question.name], names)
        if question.name not in self.of:
            return {name: pd.Series(pd.NA, index=range(n), dtype="Int16") for name in names.values()}
        place = self.of[question.name]
        codes, texts = self._column(place)
        meanings = question.meanings()
        chosen: list[set[Any] | None] = []
        strangers: dict[str, list[int]] = {}
        for level, text in enumerate(texts):
            if squash(text) in _SKIPPED:
                chosen.append(None)
                continue
            parts = _split(text, meanings)
            for part in parts:
                if option_key(part) not in meanings:
                    strangers.setdefault(_shown(part), []).append(level)
            chosen.append({meanings[option_key(p)] for p in parts if option_key(p) in meanings})
        for shown, levels in strangers.items():
            rows = np.flatnonzero(np.isin(codes, levels))
            self.pad.add(
                "unknown option",
                f"{question.name}: {len(rows)} answers hold {shown}, in no option of the codebook; left out",
                column=self.headers[place],
                before=shown,
                n=len(rows),
                cells=self.cells(place, rows),
            )
        chosen.append(None)
        return {
            name: _integers([None if c is None else int(code in c) for c in chosen], codes)
            for code, name in names.items()
        }

    def _ticked(
        self, question: Question, columns: dict[str, int], names: dict[Any, str]
    ) -> dict[str, pd.Series]:
        meanings = question.meanings()
        out: dict[str, pd.Series] = {}
        for key, place in columns.items():
            codes, texts = self._column(place)
            ticks = [
                None if squash(t) in _SKIPPED else int(squash(t) not in ("0", "false", "否")) for t in texts
            ]
            if key in meanings and meanings[key] in names:
                out[names[meanings[key]]] = _integers([*ticks, None], codes)
            else:
                self.pad.add(
                    "unknown option",
                    f"{question.name}: the column of option {_shown(key)} is not in the codebook; left out",
                    column=self.headers[place],
                    n=int((codes >= 0).sum()),
                )
        blank = pd.Series(pd.NA, index=range(len(self.export.frame)), dtype="Int16")
        return {name: out.get(name, blank) for name in names.values()}

    def attention(self) -> pd.Series | None:
        check = attention_check(self.book)
        if check is None:
            return None
        place = self.places.of(check[0], "the attention check", self.export.file)
        if place is None:
            self.pad.add("question not in file", "no column asks the attention check; no answer failed it")
            return None
        codes, texts = self._column(place)
        expected = option_key(check[1])
        passed = [option_key(t) == expected or squash(t) in _SKIPPED for t in texts]
        return ~pd.Series(np.array([*passed, True])[codes])

    def identities(self, key: str | bytes | None) -> tuple[pd.Series, pd.Series | None]:
        """Keyed hashes of persons and of addresses; the columns they came from go no further."""
        from commlab.intake.privacy import person_keys

        n = len(self.export.frame)
        none = pd.Series(pd.NA, index=range(n), dtype="str")
        wordings = {question_key(w) for w in self.book.personal}
        kinds: dict[int, str] = {}
        for place, header in enumerate(self.headers):
            kind = personal_column(header)
            if (
                place not in self.taken
                and question_key(header) in wordings
                and kind in ("id", "mobile", "account", "email")
            ):
                kinds[place] = kind
        person = self.role("person")
        if person is not None and person not in self.taken:
            kinds[person] = "account"
        persons = None if key is None else person_keys(self.export.text_frame(sorted(kinds)), kinds, key)
        address = self.texts("ip")
        if address is not None:
            self._removed(
                "personal column", "IP addresses removed", self.role("ip") or 0, int(address.notna().sum())
            )
        return (none if persons is None else persons), address

    def rest(self) -> None:
        """Report the columns that go no further: personal, free text, ignored, unknown."""
        personal = {question_key(w) for w in self.book.personal}
        free = {question_key(w) for w in self.book.free_text}
        ignored = {question_key(w) for w in self.book.ignore} | {question_key(p) for p in _PLATFORM}
        for place, header in enumerate(self.headers):
            if place in self.taken:
                continue
            codes, texts = self.export.levels(place)
            n = int(np.isin(codes, [k for k, t in enumerate(texts) if squash(t) not in _SKIPPED]).sum())
            asked = question_key(header)
            if asked in free:
                self._removed("free text", f"{n} texts stay behind intake", place, n)
            elif asked in personal or personal_column(header):
                self._removed("personal column", f"{n} values removed with their column", place, n)
            elif asked in ignored:
                self.pad.add(
                    "ignored column",
                    "left out as declared",
                    column=header,
                    action="recognised",
                    severity="note",
                    n=n,
                )
            else:
                self.pad.add(
                    "unknown column",
                    f"nothing in the codebook claims this column; its {n} values stay behind. Add it to the codebook"
                    " (items, demographics, free_text, personal or ignore)",
                    column=header,
                    n=n,
                )


class _Places:
    """Where a question stands: by its whole header, else by the part after the grid's title where that is unique."""

    def __init__(self, headers: list[str]) -> None:
        self.whole: dict[str, list[int]] = {}
        self.last: dict[str, list[int]] = {}
        for place, header in enumerate(headers):
            key = question_key(header)
            self.whole.setdefault(key, []).append(place)
            parts = re.split(r"[—:/_]|(?<=题)\(|-(?=[^-]*$)", key)
            if len(parts) > 1:
                self.last.setdefault(question_key(parts[-1].rstrip(")")), []).append(place)

    def of(self, wordings: Collection[str], name: str, file: str) -> int | None:
        keys = [question_key(w) for w in wordings]
        for where in (self.whole, self.last):
            hits = sorted({place for key in keys for place in where.get(key, [])})
            if len(hits) > 1 and where is self.whole:
                raise DataError(
                    f"{len(hits)} columns answer {name} (columns {', '.join(str(h + 1) for h in hits)}); keep one, or"
                    " tell their wordings apart in the codebook",
                    file=file,
                )
            if len(hits) == 1:
                return hits[0]
        return None


_EXPLODED = re.compile(r"^第(\d+)题\((.*)\)$")


def _exploded(headers: list[str], book: Codebook) -> dict[str, dict[str, int]]:
    """Multiple choices spread over 0/1 columns: 第6题(运动), or question/option. Item -> option key -> column."""
    groups: dict[str, dict[str, int]] = {}
    for place, header in enumerate(headers):
        match = _EXPLODED.match(squash(header))
        if match:
            groups.setdefault(match[1], {})[option_key(match[2])] = place
        elif "/" in header:
            before, _, option = header.rpartition("/")
            groups.setdefault(question_key(before), {})[option_key(option)] = place
    found: dict[str, dict[str, int]] = {}
    for question in book.items.values():
        if not question.multiple:
            continue
        options = set(question.meanings())
        for number, columns in groups.items():
            asked = {question_key(w) for w in question.wordings}
            shared = len(options & set(columns))
            if (
                number == str(question.number)
                or number in asked
                or (question.number is None and shared >= 0.8 * min(len(options), len(columns)))
            ):
                found[question.name] = columns
    return found


def _integers(table: list[Any], codes: np.ndarray) -> pd.Series:
    values = np.array([0 if v is None else int(v) for v in table], dtype="int16")
    missing = np.array([v is None for v in table])
    return pd.Series(pd.arrays.IntegerArray(values[codes], missing[codes]))


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"\d{1,3}", text) else None


def _split(text: str, meanings: Mapping[str, Any]) -> list[str]:
    """The choices in a cell, split by the first separator that leaves only known options; 问卷星's else."""
    if option_key(text) in meanings:
        return [text]
    for mark in _PARTS:
        if mark in text:
            parts = [p for p in text.split(mark) if p.strip()]
            if mark == "┋" or all(option_key(p) in meanings for p in parts):
                return parts
    return [text]


def _shown(text: str) -> str:
    """An unknown answer as a ledger may show it: masked, and not at all where it is a text of its own."""
    plain = re.sub(r"〖[^〗]*〗?", "", text).strip()
    if len(plain) > _LONG:
        return f"‹text of {len(plain)} characters›"
    return f"“{mask(plain)[0]}”"


def _times(reader: _Reader) -> tuple[pd.Series, pd.Series]:
    n = len(reader.export.frame)
    ends = _moments(reader, "submitted_at")
    duration = pd.Series(np.nan, index=range(n), dtype="float64")
    place = reader.role("duration_s")
    if place is not None:
        codes, texts = reader._column(place)
        seconds = [_seconds(t) for t in texts]
        duration = pd.Series(np.array([*seconds, np.nan], dtype="float64")[codes])
        bad = [
            k
            for k, (t, s) in enumerate(zip(texts, seconds, strict=True))
            if s != s and squash(t) not in _SKIPPED
        ]
        _unreadable(reader, place, codes, bad, "duration")
    starts = _moments(reader, "started_at")
    between = (ends - starts).dt.total_seconds()
    duration = duration.where(duration.notna(), between.where(between >= 0))
    return ends, duration


def _seconds(text: str) -> float:
    match = _HMS.fullmatch(squash(text))
    if match:
        hours, minutes, seconds = match.groups()
        return float(hours or 0) * 3600 + float(minutes or 0) * 60 + float(seconds)
    match = re.fullmatch(r"(?:(\d+)小?时)?(\d+)分钟?", squash(text))
    return float(match[1] or 0) * 3600 + float(match[2]) * 60 if match else float("nan")


def _moments(reader: _Reader, role: str) -> pd.Series:
    place = reader.role(role)
    if place is None:
        return pd.Series(pd.NaT, index=range(len(reader.export.frame)), dtype="datetime64[us]")
    codes, texts = reader._column(place)
    plain = pd.Series(texts, dtype="str").str.replace("/", "-").str.replace(".", "-", n=2)
    moments = pd.to_datetime(plain, errors="coerce", format="mixed", utc=False)
    if getattr(moments.dtype, "tz", None) is not None:
        moments = moments.dt.tz_localize(None)
    bad = [k for k, t in enumerate(texts) if pd.isna(moments.iloc[k]) and squash(t) not in _SKIPPED]
    _unreadable(reader, place, codes, bad, "date")
    table = pd.concat([moments, pd.Series([pd.NaT])], ignore_index=True).astype("datetime64[us]")
    return table.iloc[codes].reset_index(drop=True)


def _unreadable(reader: _Reader, place: int, codes: np.ndarray, bad: list[int], what: str) -> None:
    if bad:
        rows = np.flatnonzero(np.isin(codes, bad))
        reader.pad.add(
            f"unreadable {what}",
            f"{len(rows)} cells are no {what}; kept as missing",
            column=reader.headers[place],
            n=len(rows),
            cells=reader.cells(place, rows),
        )


def _units(
    reader: _Reader,
    register: pd.DataFrame | Register | None,
    aliases: pd.DataFrame | None,
    district: str | None,
    certainty: float,
) -> tuple[pd.Series, pd.DataFrame]:
    """The unit each row names, from its district and community answers."""
    n = len(reader.export.frame)
    nobody = pd.DataFrame(columns=["found", "within", "nearest", "score", "n"])
    answers: dict[str, tuple[np.ndarray, list[str], int | None]] = {}
    for level in ("district", "community"):
        wordings = reader.book.unit.get(level, ())
        place = reader.places.of(wordings, f"unit.{level}", reader.export.file) if wordings else None
        codes, texts = (np.full(n, -1), []) if place is None else reader._column(place)
        answers[level] = (codes, ["" if squash(t) in _SKIPPED else t for t in texts], place)
        if wordings and place is None:
            reader.pad.add("question not in file", f"no column answers unit.{level}", column=level)
    (above, districts, _), (below, communities, place) = answers["district"], answers["community"]
    pairs = pd.DataFrame({"d": above, "c": below})
    codes, uniques = pd.factorize(pd.MultiIndex.from_frame(pairs))
    said = [(districts[d] if d >= 0 else "", communities[c] if c >= 0 else "") for d, c in uniques]
    if register is None and not reader.book.unit:
        return pd.Series(pd.NA, index=range(n), dtype="str"), nobody
    if register is None:
        reader.pad.add(
            "no register", "no register was given: units are as answered, not checked", severity="note"
        )
        plain = [mask("/".join(filter(None, (squash(d), squash(c)))))[0] or None for d, c in said]
        return pd.Series(np.array(plain, dtype=object)[codes], dtype="str"), nobody
    book = Register.of(register, aliases)
    inside = match_names([d for d, _ in said], book, level="district", certainty=certainty)["matched"]
    within = [district if pd.isna(d) else d for d in inside]
    wanted = [c for _, c in said]
    if not reader.book.unit.get("community"):
        matched = pd.DataFrame({"matched": within, "how": "exact", "nearest": None, "score": 100.0})
    else:
        matched = match_names(wanted, book, within=within, level="community", certainty=certainty)
    units = pd.Series(np.array(matched["matched"], dtype=object)[codes], dtype="str")
    counts = np.bincount(codes, minlength=len(said))
    lost = []
    for k, (answered, parent, nearest, score) in enumerate(
        zip(wanted, within, matched["nearest"], matched["score"], strict=True)
    ):
        if pd.isna(matched["matched"].iloc[k]) and answered:
            lost.append((mask(answered)[0][:_LONG], parent, nearest, score, int(counts[k])))
    unmatched = pd.DataFrame(lost, columns=nobody.columns).sort_values(
        ["n", "found"], ascending=[False, True]
    )
    if len(unmatched):
        rows = np.flatnonzero(units.isna() & (below >= 0))
        names = listing(f"“{f}”" for f in unmatched["found"])
        reader.pad.add(
            "unknown unit",
            f"{int(unmatched['n'].sum())} answers name no unit of the register ({names}); kept, flagged out_of_frame."
            " Settle the names in review.csv",
            column=reader.headers[place] if place is not None else "",
            n=int(unmatched["n"].sum()),
            cells=[] if place is None else reader.cells(place, rows),
        )
    fuzzy = matched["how"].eq("fuzzy").to_numpy()
    for k in np.flatnonzero(fuzzy):
        reader.pad.add(
            "fuzzy name",
            f"{wanted[k]} was taken for {matched['matched'].iloc[k]} (similarity {matched['score'].iloc[k]:.0f})",
            column=reader.headers[place] if place is not None else "",
            before=wanted[k],
            after=matched["matched"].iloc[k],
            action="changed",
            n=int(counts[k]),
        )
    return units, unmatched.reset_index(drop=True)


def _report_flags(frame: pd.DataFrame, pad: Pad, exclude: Collection[str]) -> None:
    split = frame["flags"].astype("str").fillna("").str.split(",")
    for name in FLAGS:
        rows = [i for i, row in enumerate(split) if name in row]
        if rows:
            pad.add(
                f"flag {name}",
                f"{len(rows)} of {len(frame)} answers are flagged {name}"
                + (" and excluded" if name in exclude else ""),
                column="flags",
                after=name,
                severity="note",
                n=len(rows),
            )
