"""The columns of a questionnaire's export, taken one after the other by a codebook.

``Answers`` finds which column asks which question, turns options into codes, and at the end reports what
nobody took: personal columns, free text, ignored and unknown ones. Values are looked at once each, never
row by row.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import DataError, listing
from commlab.intake.codebook import Codebook, Question, option_key, question_key
from commlab.intake.export import Export
from commlab.intake.forms import squash
from commlab.intake.ledger import REMOVED, Pad
from commlab.intake.privacy import PERSON, mask, person_keys, personal_column

__all__ = ["Answers", "is_blank"]

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
_PLATFORM = [
    "来源",
    "来源详情",
    "总分",
    "答题渠道",
    "清洗数据结果",
    "自定义字段",
    "地理位置国家和地区",
    "地理位置省",
    "地理位置市",
    "_uuid",
    "_index",
    "_validation_status",
    "_status",
    "_tags",
    "_notes",
    "_submitted_by",
    "__version__",
    "deviceid",
    "formhub/uuid",
    "meta/instanceid",
]
_SEPARATORS = ("┋", ";", "|", "、", ",", " ")
_LAST_PART = re.compile(r"[:/_]|-(?=[^-]*$)")
_EXPLODED = re.compile(r"^第(\d+)题\((.*)\)$")
_LONG = 30
_SHARED = 0.8
"""Share of a question's options that exploded columns must show before they are taken for it without its
number."""


def is_blank(text: str) -> bool:
    """Whether a cell holds no answer: empty, skipped (-3), left blank (-2)."""
    return squash(text) in _SKIPPED


def shown(text: str) -> str:
    """An unknown answer as a ledger may show it: masked, and not at all where it is a text of its own."""
    plain = re.sub(r"〖[^〗]*〗?", "", text).strip()
    return f"‹text of {len(plain)} characters›" if len(plain) > _LONG else f"“{mask(plain)[0]}”"


class Answers:
    """An export under a codebook."""

    def __init__(self, book: Codebook, export: Export, pad: Pad) -> None:
        self.book, self.export, self.pad, self.n = book, export, pad, len(export.rows)
        self.headers = export.headers
        self.taken: set[int] = set()
        self.numbers = book.numbers or ("options" if export.wjx else None)
        self._printed: dict[str, list[int]] = {}
        self._whole: dict[str, list[int]] = {}
        self._last: dict[str, list[int]] = {}
        for place, header in enumerate(self.headers):
            key = question_key(header)
            self._printed.setdefault(squash(header), []).append(place)
            self._whole.setdefault(key, []).append(place)
            parts = _LAST_PART.split(key)
            if len(parts) > 1:
                self._last.setdefault(question_key(parts[-1]), []).append(place)
        self._recognise()
        found = {name: self.place(q.wordings, name) for name, q in book.questions.items()}
        self.of = {name: place for name, place in found.items() if place is not None}
        self._told_apart()
        self.exploded = self._exploded()
        lacking = [name for name in book.questions if name not in self.of and name not in self.exploded]
        if set(book.items) <= set(lacking):
            raise DataError(
                f"none of the {len(book.items)} items of the codebook is in the header (found: "
                f"{listing(self.headers)}); is this the right codebook, and is the header the first row?",
                file=export.file,
                sheet=export.sheet or None,
            )
        for name in lacking:
            self.absent(name)

    def _told_apart(self) -> None:
        asked: dict[int, str] = {}
        for name, place in self.of.items():
            if asked.setdefault(place, name) != name:
                raise DataError(
                    f"the column “{self.headers[place]}” answers both {asked[place]} and {name}; tell their"
                    " wordings apart in the codebook, by their numbers where nothing else differs",
                    file=self.export.file,
                    sheet=self.export.sheet or None,
                )

    def _recognise(self) -> None:
        told = f"header of {len(self.headers)} columns"
        self.pad.add("header row", told, action="recognised", severity="note")
        n = self.export.empty_rows
        if n:
            self.pad.add("blank row", f"{n} blank rows", action="recognised", severity="note", n=n)

    def absent(self, name: str) -> None:
        told = f"{name}: no column asks it; all its answers are missing"
        self.pad.add("question not in file", told, column=name)

    # -- places ------------------------------------------------------------------------------------

    def place(self, wordings: Collection[str], name: str) -> int | None:
        """The column that asks a question.

        By its header as printed (so that its number can tell two alike apart), else without numbers, else
        by its part after a grid's title.
        """
        for where, form in ((self._printed, squash), (self._whole, question_key), (self._last, question_key)):
            hits = sorted({place for w in wordings for place in where.get(form(w), [])})
            if len(hits) > 1 and where is not self._last:
                columns = ", ".join(self.export.cells(h, np.array([0]))[0].rstrip("0123456789") for h in hits)
                raise DataError(
                    f"columns {columns} all answer {name}; keep one, or tell their wordings apart in the "
                    f"codebook",
                    file=self.export.file,
                    sheet=self.export.sheet or None,
                )
            if len(hits) == 1:
                return hits[0]
        return None

    def role(self, role: str) -> int | None:
        """The column that plays a role of the platform's own (id, submitted_at, ...)."""
        return self.place(self.book.columns.get(role) or _ROLE_HEADERS[role], role)

    def levels(self, place: int) -> tuple[np.ndarray, list[str]]:
        """Take a column: codes and different texts; the row's text is texts[code], -1 for none."""
        self.taken.add(place)
        column = self.export.columns[place]
        return column.codes, column.texts

    def texts(self, role: str) -> pd.Series | None:
        """The text of the column that plays a role; None where there is none."""
        place = self.role(role)
        if place is None:
            return None
        self.taken.add(place)
        return self.export.text(place)

    def cells(self, place: int, rows: np.ndarray) -> list[str]:
        return self.export.cells(place, rows[:5])

    def _exploded(self) -> dict[str, dict[str, int]]:
        """Multiple choices over 0/1 columns, 第6题(运动) or question/option: item -> option key -> column."""
        groups: dict[str, dict[str, int]] = {}
        for place, header in enumerate(self.headers):
            match = _EXPLODED.match(squash(header))
            if match:
                groups.setdefault(match[1], {})[option_key(match[2])] = place
            elif "/" in header:
                before, _, option = header.rpartition("/")
                groups.setdefault(question_key(before), {})[option_key(option)] = place
        found: dict[str, dict[str, int]] = {}
        for question in self.book.items.values():
            if not question.multiple:
                continue
            options = set(question.meanings())
            asked = {question_key(w) for w in question.wordings} | {str(question.number)}
            for group, columns in groups.items():
                shared = len(options & set(columns)) / min(len(options), len(columns))
                if group in asked or (question.number is None and shared >= _SHARED):
                    found[question.name] = columns
        return found

    # -- answers -----------------------------------------------------------------------------------

    def demographic(self, question: Question) -> pd.Series:
        """The codes of a question about the person, as text."""
        if question.name not in self.of:
            return pd.Series(pd.NA, index=range(self.n), dtype="str")
        codes, table = self._translate(question, self.of[question.name])
        return pd.Series(np.array([*table, None], dtype=object)[codes], dtype="str")

    def item(self, question: Question) -> dict[str, pd.Series]:
        """The item's column of codes; for a multiple choice one 0/1 column an option."""
        if not question.multiple:
            if question.name not in self.of:
                return {question.name: self._blank()}
            codes, table = self._translate(question, self.of[question.name])
            return {question.name: _integers(table, codes)}
        names = {v: f"{question.name}_{v}" for v in question.options.values() if v is not None}
        if question.name in self.exploded:
            return self._ticked(question, self.exploded[question.name], names)
        if question.name not in self.of:
            return {name: self._blank() for name in names.values()}
        return self._chosen(question, self.of[question.name], names)

    def _blank(self) -> pd.Series:
        return pd.Series(pd.NA, index=range(self.n), dtype="Int16")

    def _translate(self, question: Question, place: int) -> tuple[np.ndarray, list[Any]]:
        codes, texts = self.levels(place)
        meanings, order = question.meanings(), question.numbered()
        table: list[Any] = []
        unknown: dict[str, list[int]] = {}
        for level, text in enumerate(texts):
            key = option_key(text)
            number = int(key) if re.fullmatch(r"\d{1,3}", key) else None
            low, high = question.scale or (0, -1)
            meaning: Any = None
            if is_blank(text):
                pass
            elif key in meanings:
                meaning = meanings[key]
            elif number is not None and low <= number <= high:
                meaning = low + high - number if question.reversed else number
            elif number is not None and self.numbers == "options" and 1 <= number <= len(order):
                meaning = meanings[order[number - 1]]
            elif number is not None and self.numbers == "values" and number in meanings.values():
                meaning = number
            else:
                unknown.setdefault(shown(text), []).append(level)
            table.append(meaning)
        for text, own in unknown.items():
            told = (
                "are no option of the codebook; kept as missing. Add the option to the codebook if it is one"
            )
            self._unknown(question, place, codes, own, text, told)
        self._filled_in(place, codes, texts)
        return codes, table

    def _unknown(
        self, question: Question, place: int, codes: np.ndarray, levels: Sequence[int], text: str, told: str
    ) -> None:
        rows = np.flatnonzero(np.isin(codes, levels))
        self.pad.add(
            "unknown option",
            f"{question.name}: {len(rows)} answers {text} {told}",
            column=self.headers[place],
            before=text,
            n=len(rows),
            cells=self.cells(place, rows),
        )

    def _filled_in(self, place: int, codes: np.ndarray, texts: Sequence[str]) -> None:
        filled = [level for level, text in enumerate(texts) if "〖" in text]
        if filled:
            n = int(np.isin(codes, filled).sum())
            self.removed("free text", f"{n} texts filled in beside an option stay behind intake", place, n)

    def removed(self, rule: str, told: str, place: int, n: int) -> None:
        """A line about values that go no further."""
        column = self.headers[place]
        self.pad.add(rule, told, column=column, before=REMOVED, action="changed", severity="note", n=n)

    def _chosen(self, question: Question, place: int, names: Mapping[Any, str]) -> dict[str, pd.Series]:
        codes, texts = self.levels(place)
        meanings = question.meanings()
        chosen: list[set[Any] | None] = []
        strangers: dict[str, list[int]] = {}
        for level, text in enumerate(texts):
            parts = [] if is_blank(text) else _split(text, meanings)
            chosen.append({meanings[k] for p in parts if (k := option_key(p)) in meanings} if parts else None)
            for part in parts:
                if option_key(part) not in meanings:
                    strangers.setdefault(shown(part), []).append(level)
        for text, own in strangers.items():
            told = "are no option of the codebook; left out. Add the option to the codebook if it is one"
            self._unknown(question, place, codes, own, text, told)
        self._filled_in(place, codes, texts)
        return {
            name: _integers([None if c is None else int(code in c) for c in chosen], codes)
            for code, name in names.items()
        }

    def _ticked(
        self, question: Question, columns: Mapping[str, int], names: Mapping[Any, str]
    ) -> dict[str, pd.Series]:
        meanings = question.meanings()
        out: dict[str, pd.Series] = {}
        for key, place in columns.items():
            codes, texts = self.levels(place)
            if meanings.get(key) in names:
                ticks = [None if is_blank(t) else int(squash(t) not in ("0", "false", "否")) for t in texts]
                out[names[meanings[key]]] = _integers(ticks, codes)
            else:
                told = f"{question.name}: the column of {shown(key)} is no option of the codebook; left out"
                self.pad.add("unknown option", told, column=self.headers[place], n=int((codes >= 0).sum()))
        return {name: out.get(name, self._blank()) for name in names.values()}

    # -- persons -----------------------------------------------------------------------------------

    def identities(self, key: str | bytes | None) -> tuple[pd.Series, pd.Series | None]:
        """Keyed hash of each row's person, and a number for its address; their columns go no further."""
        wordings = {question_key(w) for w in self.book.personal}
        kinds: dict[int, str] = {}
        for place, header in enumerate(self.headers):
            kind = personal_column(header)
            if place not in self.taken and question_key(header) in wordings and kind in PERSON:
                kinds[place] = kind
        person = self.role("person")
        if person is not None and person not in self.taken:
            kinds[person] = "account"
        persons = None
        if key is not None and kinds:
            texts = pd.DataFrame({k: self.export.text(p) for k, p in enumerate(kinds)})
            persons = person_keys(texts, dict(enumerate(kinds.values())), key)
        ip = self.role("ip")
        codes = None if ip is None else self.export.columns[ip].codes
        address = None if codes is None else pd.Series(codes).where(codes >= 0)
        none = pd.Series(pd.NA, index=range(self.n), dtype="str")
        return (none if persons is None else persons), address

    def rest(self) -> None:
        """Report the columns that go no further: personal, free text, ignored, unknown."""
        personal = {question_key(w) for w in self.book.personal}
        personal |= {
            question_key(self.headers[p]) for r in ("ip", "person") if (p := self.role(r)) is not None
        }
        free = {question_key(w) for w in self.book.free_text}
        ignored = {question_key(w) for w in (*self.book.ignore, *_PLATFORM)}
        for place, header in enumerate(self.headers):
            if place in self.taken:
                continue
            n = self.export.columns[place].count(is_blank)
            asked = question_key(header)
            if asked in free:
                self.removed("free text", f"{n} texts stay behind intake", place, n)
            elif asked in personal or personal_column(header):
                self.removed("personal column", f"{n} values removed with their column", place, n)
            elif asked in ignored:
                told = "left out as declared"
                self.pad.add("ignored column", told, column=header, action="recognised", severity="note", n=n)
            else:
                told = (
                    f"the codebook does not claim this column; its {n} values stay behind. Add it to "
                    f"the codebook"
                )
                self.pad.add(
                    "unknown column", f"{told} (items, free_text, personal or ignore)", column=header, n=n
                )


def _integers(table: Sequence[Any], codes: np.ndarray) -> pd.Series:
    values = np.array([0 if v is None else int(v) for v in (*table, None)], dtype="int16")
    missing = np.array([v is None for v in (*table, None)])
    return pd.Series(pd.arrays.IntegerArray(values[codes], missing[codes]))


def _split(text: str, meanings: Mapping[str, Any]) -> list[str]:
    """The choices in a cell, split by the first separator that leaves only known options; 问卷星's always."""
    if option_key(text) in meanings:
        return [text]
    plain = text.replace("；", ";").replace("，", ",")
    for mark in _SEPARATORS:
        if mark in plain:
            parts = [p for p in plain.split(mark) if p.strip()]
            if mark == "┋" or all(option_key(p) in meanings for p in parts):
                return parts
    return [text]
