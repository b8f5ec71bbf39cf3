"""Answers as codes: one of several options, several of them, or their ranks, by text and by number.

``Choices`` turns the options of each question into codes (see ``columns`` for which column asks which question).
Texts are looked at once each, never row by row. Numbers of options are read only where the codebook says which option
has which; what no option is stays missing and is told with its count.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from commlab.intake.codebook import Codebook
from commlab.intake.columns import Columns, place_of
from commlab.intake.export import Export
from commlab.intake.forms import squash
from commlab.intake.ledger import REMOVED, Pad
from commlab.intake.privacy import mask
from commlab.intake.questions import FILL_IN, Question, Reading, how_numbered, is_blank, option_key, typed_in

__all__ = ["TYPED", "Choices", "texts_at"]

_ROUTED = frozenset({"-3", "(跳过)", "跳过"})
_SEPARATORS = {"┋": False, "→": False, ";": False, "|": False, "、": False, ",": True, " ": True}
"""Marks between the choices of a cell, in the order in which they are tried; True: only where every part is an
option, because the mark also stands inside texts."""
_TICKS = {
    **dict.fromkeys(("1", "true", "yes", "y", "是", "选中", "已选", "√", "✓", "✔"), 1),
    **dict.fromkeys(("0", "false", "no", "n", "否", "未选中", "未选", "未选择", "×"), 0),
}
TYPED = re.compile(r"[:/_](?:输入文本|填空|other_text)$")
"""Ends of headers under which a platform prints what was typed in beside an option."""
_ADD = "Add the option to the codebook if it is one"
_UNPROVEN = {
    "unproven": "the codebook does not say which option has which number: where it lists every option of the form in its "
    "order, write numbers: options, otherwise order: with every option as the form has them",
    "beyond": "some have no option: the codebook lacks options of the form, and which is not known. Write order: with every "
    "option as the form has them, also those nobody chose (null where the text is not known)",
    "torn": "they may be the options' texts or their numbers: write numbers: values (texts, points) or numbers: options at "
    "this question",
}
"""Why numbers are not read, and what to write in the codebook."""
_DIGITS = re.compile(r"\d{1,3}")
_LONG, _LONGEST = 30, 120
_SEVERAL = 3
_MOST_UNKNOWN = 100  # lines of unknown texts a question; more are no options but somebody's own words
_LOOKED_AT = 2000  # different texts of a column that nothing claims


def shown(text: str, n: int = 1) -> str:
    """An unknown answer as a ledger may show it: masked, and not at all where it is a text of somebody's own.

    What several people answer in the same words (``n``) is an option, however long.
    """
    plain = FILL_IN.sub("", text).strip()
    if len(plain) > _LONG and n < _SEVERAL:
        return f"‹text of {len(plain)} characters›"
    return f"“{mask(plain)[0][:_LONGEST]}”"


class Choices(Columns):
    """The answers of an export under a codebook."""

    def __init__(self, book: Codebook, export: Export, pad: Pad, period: str | None = None) -> None:
        super().__init__(book, export, pad, period)
        self.n = len(self.export.rows)
        self.taken: set[int] = set()
        self._by_number = self._gives_numbers() if export.wjx else None

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
        """The item's column of codes; for a multiple choice one 0/1 column an option, for a ranking the option's place."""
        name = question.name
        if not question.multiple:
            if name not in self.of:
                return {name: self._blank()}
            codes, table = self._translate(name, self.of[name])
            return {name: _integers(table, codes)}
        names = {v: f"{name}_{v}" for v in question.options.values() if v is not None}
        if question.ranking and (name in self.exploded or name in self.of):
            return self._ranked(name, names)
        if name in self.exploded:
            return self._ticked(name, self.exploded[name], names)
        if name not in self.of:
            return {name: self._blank() for name in names.values()}
        return self._chosen(name, self.of[name], names)

    def _blank(self) -> pd.Series:
        return pd.Series(pd.NA, index=range(self.n), dtype="Int16")

    def _translate(self, name: str, place: int) -> tuple[np.ndarray, list[Any]]:
        codes, texts = self.levels(place)
        reading = self._reading(name, place, {text: [level] for level, text in enumerate(texts)})
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

    def _gives_numbers(self) -> bool | None:
        """Whether the columns of 问卷星 hold numbers of options (True) or texts (False); None: none tells."""
        texts = False
        for name, place in self.of.items():
            question, column = self.asked[name], self.export.columns[place]
            if question.scale or question.multiple:
                continue
            reading = Reading(question, None)
            for text in column.texts[:_LOOKED_AT]:
                key, (known, _) = option_key(text), reading(text)
                if _DIGITS.fullmatch(key) and not known:
                    return True
                texts = texts or (known and not key.isdigit())
        return False if texts else None

    def _reading(self, name: str, place: int, told: Mapping[str, Sequence[int]]) -> Reading:
        """How the answers of a column are read; ``told`` are its texts and the levels that hold them.

        Numbers of options are read only where the codebook says which option has which; otherwise they are missing,
        and a line says what to write.
        """
        question, wjx, stated = self.asked[name], self.export.wjx, self.book.numbers
        stated = question.numbers or ("options" if wjx and question.order else stated)
        if not wjx:
            return Reading(question, stated, first=question.numbers == "options")
        levels = {int(key): own for text, own in told.items() if _DIGITS.fullmatch(key := option_key(text))}
        times = np.bincount(self.export.columns[place].codes + 1, minlength=1)[1:]
        seen = {n: int(times[list(own)].sum()) for n, own in sorted(levels.items())}
        seen = {n: times for n, times in seen.items() if times}
        how = how_numbered(question, seen, stated, self._by_number)
        if how not in _UNPROVEN:
            return Reading(question, None if how == "texts" else how, first=how == "options")
        listed = ", ".join(f"{n} {key}" for n, key in question.numbered().items())
        found = ", ".join(f"{n} n={times}" for n, times in seen.items())
        n = sum(seen.values())
        said = f"{name}: {n} answers are bare numbers, {found}, and {_UNPROVEN[how]}; kept as missing. Listed are: {listed}"
        rows = np.flatnonzero(
            np.isin(self.export.columns[place].codes, [k for own in levels.values() for k in own])
        )
        self.pad.add(
            f"numbers {how}", said, column=self.headers[place], before=found, after=listed,
            severity="error", n=n, cells=self.cells(place, rows),
        )  # fmt: skip
        return Reading(question, "refused")

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
        codes, _ = self.levels(place)
        chosen = [set(own) - {None} or None for own in self._parted(name, place)]
        return {
            name: _integers([None if c is None else int(code in c) for c in chosen], codes)
            for code, name in names.items()
        }

    def _parted(self, name: str, place: int) -> list[list[Any]]:
        """The codes of the choices in every text of a column, in their order; None for one that is unknown or counts as none."""
        codes, texts = self.levels(place)
        plain = Reading(self.asked[name], "options")
        parts = [
            [] if is_blank(text) else _split(FILL_IN.sub("", text), lambda part: plain(part)[0])
            for text in texts
        ]
        told: dict[str, list[int]] = {}
        for level, own in enumerate(parts):
            for part in own:
                told.setdefault(part.strip(), []).append(level)
        reading = self._reading(name, place, told)
        strangers = {part: levels for part, levels in told.items() if not reading(part)[0]}
        self._unknown(name, place, strangers, f"are no option of the codebook; left out. {_ADD}")
        self._filled_in(place, codes, texts)
        return [[reading(part)[1] for part in own] for own in parts]

    def _ticked(
        self, name: str, columns: Mapping[str, int], names: Mapping[Any, str]
    ) -> dict[str, pd.Series]:
        """A multiple choice over a column an option: 1 and 0, or only a mark where it was chosen."""
        meanings = self.asked[name].meanings()
        ticks: dict[str, np.ndarray] = {}
        some, none = np.zeros(self.n, dtype=bool), False
        self.taken |= {self.of[name]} if name in self.of else set()  # Kobo's summary says the same
        for key, place in columns.items():
            if TYPED.search(squash(self.headers[place])):
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
                self._stranger(name, place, int((column == 1).sum()))
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

    def _ranked(self, name: str, names: Mapping[Any, str]) -> dict[str, pd.Series]:
        """A ranking: 绿化→停车 in one column, the place of each option in a column of its own, or the option of each place.

        What was not ranked (-2, blank) is missing. Whoever gives two options one place, or one option two, has said
        nothing that can be kept.
        """
        columns = self.exploded.get(name, {})
        ranks = {own: np.zeros(self.n, dtype="int16") for own in names.values()}
        torn = np.zeros(self.n, dtype=bool)
        held: dict[int, np.ndarray] = {}  # place -> rows that have it already

        def put(codes: np.ndarray, places: Sequence[int], own: str | None) -> None:
            given = np.array([*places, 0], dtype="int16")[codes]
            for n in np.unique(given[given > 0]).tolist():
                hit = given == n
                torn[hit & held.get(n, np.zeros(self.n, dtype=bool))] = True
                held[n] = held.get(n, np.zeros(self.n, dtype=bool)) | hit
            if own is not None:
                torn[(given > 0) & (ranks[own] > 0)] = True
                ranks[own] = np.where(given > 0, given, ranks[own])

        meanings = self.asked[name].meanings()
        if set(columns) & set(meanings):
            self.taken |= {self.of[name]} if name in self.of else set()
            for key, place in columns.items():
                if TYPED.search(squash(self.headers[place])):
                    continue
                codes, texts = self.levels(place)
                at = [0 if is_blank(text) else place_of(option_key(text)) or -1 for text in texts]
                strange = {texts[k]: [k] for k, n in enumerate(at) if n < 0}
                self._unknown(name, place, strange, "are no place in a ranking; kept as missing")
                put(codes, [max(n, 0) for n in at], names.get(meanings.get(key)))
                if key not in meanings:
                    self._stranger(name, place, int((np.array([*at, 0])[codes] > 0).sum()))
        else:
            firsts = {p: n for key, p in columns.items() if (n := place_of(key))} or {self.of[name]: 1}
            self.taken |= {self.of[name]} if name in self.of else set()
            for place, first in firsts.items():
                codes, said = self.export.columns[place].codes, self._parted(name, place)
                for k in range(max(map(len, said), default=0)):
                    for code in {own[k] for own in said if len(own) > k}:
                        at = [first + k if len(own) > k and own[k] == code else 0 for own in said]
                        put(codes, at, names.get(code))
        if torn.any():
            told = f"{name}: {int(torn.sum())} answers give one place twice or one option two places; their ranking is kept as missing"
            self.pad.add("torn ranking", told, column=name, n=int(torn.sum()))
        return {own: pd.Series(pd.arrays.IntegerArray(r, torn | (r == 0))) for own, r in ranks.items()}

    def _stranger(self, name: str, place: int, n: int) -> None:
        """A column of an option that the codebook does not have."""
        told = f"{name}: “{self.headers[place]}” is the column of no option of the codebook; left out. {_ADD}"
        self.pad.add(
            "unknown option", told, column=self.headers[place], before=f"“{self.headers[place]}”", n=n
        )

    def _numbers(self, place: int, texts: list[str]) -> list[str]:
        """The texts of a column as numbers, where the file has both (.sav)."""
        return self.export.columns[place].numbers or texts


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
