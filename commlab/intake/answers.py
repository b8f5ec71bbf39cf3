"""The columns of a questionnaire's export, taken one after the other by a codebook.

``Answers`` turns options into codes (see ``columns`` for which column asks which question), and at the end
reports what nobody took: personal columns, free text, ignored and unknown ones. Values are looked at once
each, never row by row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from commlab.intake.codebook import Codebook
from commlab.intake.columns import Columns
from commlab.intake.export import Export
from commlab.intake.forms import squash
from commlab.intake.keyed import PERSON, person_keys
from commlab.intake.ledger import REMOVED, Pad
from commlab.intake.personal import content_kind, personal_column
from commlab.intake.platforms import BOOKKEEPING, PLACES, TRIALS
from commlab.intake.privacy import mask, scan
from commlab.intake.questions import FILL_IN, Question, Reading, option_key, typed_in

__all__ = ["Answers", "is_blank", "texts_at"]

_SKIPPED = frozenset({"", "-3", "-2", "(跳过)", "(空)", "跳过", "nan", "null", "none"})
_ROUTED = frozenset({"-3", "(跳过)", "跳过"})
_SEPARATORS = {"┋": False, "→": False, ";": False, "|": False, "、": False, ",": True, " ": True}
"""Marks between the choices of a cell, in the order in which they are tried; True: only where every part is an
option, because the mark also stands inside texts."""
_TICKS = {
    **dict.fromkeys(("1", "true", "yes", "y", "是", "选中", "已选", "√", "✓", "✔"), 1),
    **dict.fromkeys(("0", "false", "no", "n", "否", "未选中", "未选", "未选择", "×"), 0),
}
_TYPED = re.compile(r"[:/_](?:输入文本|填空|other_text)$")
"""Ends of headers under which a platform prints what was typed in beside an option."""
_ADD = "Add the option to the codebook if it is one"
_LONG, _LONGEST = 30, 120
_SEVERAL = 3
_MOST_UNKNOWN = 100  # lines of unknown texts a question; more are no options but somebody's own words
_LOOKED_AT = 2000  # different texts of a column that nothing claims


def is_blank(text: str) -> bool:
    """Whether a cell holds no answer: empty, skipped (-3), left blank (-2)."""
    return squash(text) in _SKIPPED


def shown(text: str, n: int = 1) -> str:
    """An unknown answer as a ledger may show it: masked, and not at all where it is a text of somebody's own.

    What several people answer in the same words (``n``) is an option, however long.
    """
    plain = FILL_IN.sub("", text).strip()
    if len(plain) > _LONG and n < _SEVERAL:
        return f"‹text of {len(plain)} characters›"
    return f"“{mask(plain)[0][:_LONGEST]}”"


class Answers(Columns):
    """The answers of an export under a codebook."""

    def __init__(self, book: Codebook, export: Export, pad: Pad, period: str | None = None) -> None:
        super().__init__(book, export, pad, period)
        self.n = len(self.export.rows)
        self.taken: set[int] = set()
        self.numbers = book.numbers or ("options" if export.wjx else None)

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

    # -- answers -----------------------------------------------------------------------------------

    def demographic(self, question: Question) -> pd.Series:
        """The codes of a question about the person, as text."""
        if question.name not in self.of:
            return pd.Series(pd.NA, index=range(self.n), dtype="str")
        codes, table = self._translate(question.name, self.of[question.name])
        return texts_at(table, codes)

    def item(self, question: Question) -> dict[str, pd.Series]:
        """The item's column of codes; for a multiple choice one 0/1 column an option."""
        name = question.name
        if not question.multiple:
            if name not in self.of:
                return {name: self._blank()}
            codes, table = self._translate(name, self.of[name])
            return {name: _integers(table, codes)}
        names = {v: f"{name}_{v}" for v in question.options.values() if v is not None}
        if name in self.exploded:
            return self._ticked(name, self.exploded[name], names)
        if name not in self.of:
            return {name: self._blank() for name in names.values()}
        return self._chosen(name, self.of[name], names)

    def _blank(self) -> pd.Series:
        return pd.Series(pd.NA, index=range(self.n), dtype="Int16")

    def _translate(self, name: str, place: int) -> tuple[np.ndarray, list[Any]]:
        codes, texts = self.levels(place)
        reading = Reading(self.asked[name], self.numbers)
        table: list[Any] = []
        unknown: dict[str, list[int]] = {}
        for level, (text, number) in enumerate(zip(texts, self._numbers(place, texts), strict=True)):
            known, meaning = reading(text)
            if not known and number != text:
                known, meaning = reading(number)
            if not known and not is_blank(text):
                unknown.setdefault(option_key(text), []).append(level)
            table.append(meaning)
        told = f"are no option of the codebook; kept as missing. {_ADD}"
        self._unknown(name, place, {texts[own[0]]: own for own in unknown.values()}, told)
        self._filled_in(place, codes, texts)
        skipped = [k for k, text in enumerate(texts) if table[k] is None and squash(text) in _ROUTED]
        n = int(np.isin(codes, skipped).sum())
        if n:
            told = f"{name}: {n} were not asked (skipped by the questionnaire's routing); kept as missing"
            self.pad.add("skipped", told, column=self.headers[place], severity="note", n=n)
        return codes, table

    def _unknown(self, name: str, place: int, found: Mapping[str, list[int]], told: str) -> None:
        """A line for each unknown text; of very many, for the commonest, and one for all others together."""
        codes = self.export.columns[place].codes
        times = np.bincount(codes + 1, minlength=max(map(max, found.values()), default=-1) + 2)[1:]
        n = {text: int(times[levels].sum()) for text, levels in found.items()}
        common = set(sorted(n, key=lambda text: -n[text])[:_MOST_UNKNOWN])
        others = [level for text, levels in found.items() if text not in common for level in levels]
        for text in (
            text for text in found if text in common and n[text]
        ):  # 0: only in rows that were no answers
            self._line(name, place, found[text], shown(text, n[text]), told)
        if others:
            self._line(name, place, others, f"in {len(n) - len(common)} further texts", told)

    def _line(self, name: str, place: int, levels: Sequence[int], text: str, told: str) -> None:
        rows = np.flatnonzero(np.isin(self.export.columns[place].codes, levels))
        said, column = f"{name}: {len(rows)} answers {text} {told}", self.headers[place]
        self.pad.add(
            "unknown option", said, column=column, before=text, n=len(rows), cells=self.cells(place, rows)
        )

    def _filled_in(self, place: int, codes: np.ndarray, texts: Sequence[str]) -> None:
        filled = [level for level, text in enumerate(texts) if typed_in(text)]
        n = int(np.isin(codes, filled).sum())
        if n:
            self.removed("free text", f"{n} texts filled in beside an option stay behind intake", place, n)

    def removed(self, rule: str, told: str, place: int, n: int) -> None:
        """A line about values that go no further."""
        column = self.headers[place]
        self.pad.add(rule, told, column=column, before=REMOVED, action="changed", severity="note", n=n)

    def _chosen(self, name: str, place: int, names: Mapping[Any, str]) -> dict[str, pd.Series]:
        """A multiple choice in one column: 微信群┋公告栏."""
        codes, texts = self.levels(place)
        reading = Reading(self.asked[name], self.numbers)
        chosen: list[set[Any] | None] = []
        strangers: dict[str, list[int]] = {}
        for level, text in enumerate(texts):
            own: set[Any] = set()
            parts = [] if is_blank(text) else _split(FILL_IN.sub("", text), lambda part: reading(part)[0])
            for part in parts:
                known, code = reading(part)
                if known:
                    own |= set() if code is None else {code}
                else:
                    strangers.setdefault(part.strip(), []).append(level)
            chosen.append(own or None)
        self._unknown(name, place, strangers, f"are no option of the codebook; left out. {_ADD}")
        self._filled_in(place, codes, texts)
        return {
            name: _integers([None if c is None else int(code in c) for c in chosen], codes)
            for code, name in names.items()
        }

    def _ticked(
        self, name: str, columns: Mapping[str, int], names: Mapping[Any, str]
    ) -> dict[str, pd.Series]:
        """A multiple choice over a column an option: 1 and 0, or only a mark where it was chosen."""
        meanings = self.asked[name].meanings()
        ticks: dict[str, np.ndarray] = {}
        some, none = np.zeros(self.n, dtype=bool), False
        self.taken |= {self.of[name]} if name in self.of else set()  # Kobo's summary says the same
        for key, place in columns.items():
            if _TYPED.search(squash(self.headers[place])):
                continue
            codes, texts = self.levels(place)
            table: list[int] = []
            unknown: dict[str, list[int]] = {}
            for level, (text, number) in enumerate(zip(texts, self._numbers(place, texts), strict=True)):
                word = option_key(text)
                tick = _TICKS.get(word, 1 if word == key else _TICKS.get(option_key(number)))
                table.append(-1 if tick is None else tick)
                if tick is None and not is_blank(text):
                    unknown.setdefault(word, []).append(level)
            column = np.array([*table, -1], dtype="int8")[codes]
            none = none or bool((column == 0).any())
            if meanings.get(key, "") is None:  # a known answer that counts as none
                continue
            some |= column == 1
            if meanings.get(key) not in names:
                told = f"{name}: “{self.headers[place]}” is the column of no option of the codebook; left out. {_ADD}"
                self.pad.add("unknown option", told, column=self.headers[place], n=int((column == 1).sum()))
                continue
            told = "are neither a tick nor none; kept as missing"
            self._unknown(name, place, {texts[own[0]]: own for own in unknown.values()}, told)
            self._filled_in(place, codes, texts)
            own_name = names[meanings[key]]
            ticks[own_name] = np.maximum(ticks.get(own_name, column), column)
        if not none:
            # A blank is "not chosen" only for whoever chose something of the question.
            ticks = {own: np.where(some & (column < 0), 0, column) for own, column in ticks.items()}
            told = f"{name}: only ticks are written; {int(some.sum())} answers with a tick count as answered, the others as missing"
            self.pad.add(
                "only ticks", told, column=name, action="changed", severity="note", n=int(some.sum())
            )
        return {
            own: pd.Series(pd.arrays.IntegerArray(ticks[own].astype("int16"), ticks[own] < 0))
            if own in ticks
            else self._blank()
            for own in names.values()
        }

    def _numbers(self, place: int, texts: list[str]) -> list[str]:
        """The texts of a column as numbers, where the file has both (.sav)."""
        return self.export.columns[place].numbers or texts

    # -- persons -----------------------------------------------------------------------------------

    def interviewers(self) -> pd.Series | None:
        """A number for who asked, row by row, where a column says so; its names go no further."""
        place = self.role("interviewer")
        if place is None:
            return None
        codes = pd.Series(self.export.columns[place].codes)
        return codes.where(codes >= 0)

    def identities(self, key: str | bytes | None) -> tuple[pd.Series, pd.Series | None]:
        """Keyed hash of each row's person, and a number for its address; their columns go no further."""
        personal = self.all(self.book.personal)
        kinds: dict[int, str] = {}
        for place, header in enumerate(self.headers):
            kind = personal_column(header)
            if place not in self.taken and place in personal and kind in PERSON:
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
        personal = self.all(self.book.personal) | self._geopoints()
        personal |= {p for r in ("ip", "person", "interviewer") if (p := self.role(r)) is not None}
        free = self.all(self.book.free_text)
        ignored = self.all(self.book.ignore) | self.all(BOOKKEEPING, parts=False)
        self._trials()
        self._repeated()
        for place, header in enumerate(self.headers):
            if place in self.taken:
                continue
            n = self.export.columns[place].count(is_blank)
            if place in free or _TYPED.search(squash(header)):
                self.removed("free text", f"{n} texts stay behind intake{self._held(place)}", place, n)
            elif place in personal or personal_column(header) or self._is_personal(place):
                self.removed("personal column", f"{n} values removed with their column", place, n)
            elif place in ignored:
                told = "left out as declared"
                self.pad.add("ignored column", told, column=header, action="changed", severity="note", n=n)
            else:
                told = (
                    f"the codebook does not claim this column; its {n} values stay behind. Add it to "
                    f"the codebook"
                )
                self.pad.add(
                    "unknown column", f"{told} (items, free_text, personal or ignore)", column=header, n=n
                )

    def _held(self, place: int) -> str:
        """What personal data the texts of a column hold, in words; counts, never values."""
        kinds, n = scan(self.export.columns[place].texts)
        if not kinds:
            return ""
        told = ", ".join(f"{kind} {times}" for kind, times in kinds.items())
        return f"; personal data in the {n} different texts looked at: {told}"

    def _is_personal(self, place: int) -> bool:
        """Whether most cells of a column that nothing claims are identifiers."""
        column = self.export.columns[place]
        texts = pd.Series(
            [t for t in column.arrow[:_LOOKED_AT].to_pylist() if t and not is_blank(t)], dtype="str"
        )
        return content_kind(texts, self.headers[place]) is not None

    def _geopoints(self) -> set[int]:
        """Kobo's geopoints: _home_latitude, _home_longitude ... and home itself."""
        last = [squash(header).rpartition("/")[2] for header in self.headers]
        points = {PLACES.sub("", name).strip("_") for name in last if PLACES.search(name)}
        return {k for k, name in enumerate(last) if PLACES.search(name) or name in points}

    def _repeated(self) -> None:
        """Report answers that carry the number of an earlier one: exports pasted together, or numbered anew."""
        place = self.role("id")
        if place is None:
            return
        codes = self.export.columns[place].codes
        given = np.flatnonzero(codes >= 0)
        if (np.bincount(codes[given]) > 1).any():
            first = given[np.unique(codes[given], return_index=True)[1]]
            again = np.setdiff1d(given, first, assume_unique=True)
            told = f"{len(again)} answers carry the number of an earlier one; kept. If they are the same answers, paste them once"
            column, cells = self.headers[place], self.cells(place, again)
            self.pad.add("repeated number", told, column=column, n=len(again), cells=cells)

    def _trials(self) -> None:
        """Report rows in which a column that goes no further says 测试 or test."""
        rows = np.zeros(self.n, dtype=bool)
        for place, column in enumerate(self.export.columns):
            if place not in self.taken:
                rows |= column.among(TRIALS)
        if rows.any():
            n, where = int(rows.sum()), np.flatnonzero(rows)[:5]
            told = f"{n} answers look like trials (a cell says {TRIALS[0]} or test); kept. Name the cell under reject to refuse them"
            cells = [f"{row}:{row}" for row in self.export.rows[where].tolist()]
            self.pad.add("test answer", told, n=n, cells=cells)


def texts_at(table: Sequence[Any], codes: np.ndarray) -> pd.Series:
    """The text of every row by its number in a table; missing for -1 and None."""
    return pd.Series(pd.array(list(table), dtype="str").take(codes, allow_fill=True))


def _integers(table: Sequence[Any], codes: np.ndarray) -> pd.Series:
    values = np.array([0 if v is None else int(v) for v in (*table, None)], dtype="int16")
    missing = np.array([v is None for v in (*table, None)])
    return pd.Series(pd.arrays.IntegerArray(values[codes], missing[codes]))


def _split(text: str, known: Callable[[str], bool]) -> list[str]:
    """The choices in a cell: split by the mark that leaves the most options; 问卷星's marks always split."""
    if known(text):
        return [text]
    plain = text.replace("；", ";").replace("，", ",")
    best, most = [text], 0
    for mark, only in _SEPARATORS.items():
        parts = [part for part in plain.split(mark) if part.strip()] if mark in plain else []
        hits = sum(map(known, parts))
        if parts and (mark in "┋→" or hits == len(parts)):
            return parts
        if hits > most and not only:
            best, most = parts, hits
    return best if most else _run(plain.split(), known) or best


def _run(words: Sequence[str], known: Callable[[str], bool]) -> list[str]:
    """Options of several words one after the other, as KoboToolbox joins labels; none where any word is left over."""
    parts: list[str] = []
    at = 0
    while at < len(words) <= _LONGEST:
        ends = (end for end in range(len(words), at, -1) if known(" ".join(words[at:end])))
        end = next(ends, None)
        if end is None:
            return []
        parts.append(" ".join(words[at:end]))
        at = end
    return parts
