"""Which column of an export asks which question: by number and wording, on every platform's header.

A header is compared as printed, then without its number and type (``3、您的性别 [单选题]``), then by what
stands behind a group or a grid's title (``grid/办事服务``, ``5、请评价—办事服务``, ``第5题(办事服务)``). 问卷星
prints the title of a grid before its first row only; the other rows are known by their number. Two columns
that ask the same are told apart by ``number``; where that fails both are named and nothing is guessed.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping

import numpy as np

from commlab.errors import DataError, listing
from commlab.intake.codebook import Codebook
from commlab.intake.export import Export
from commlab.intake.forms import squash
from commlab.intake.ledger import Pad
from commlab.intake.platforms import ROLE_HEADERS
from commlab.intake.questions import Question, option_key, question_key
from commlab.intake.sheets import letters
from commlab.intake.unseen import unseen_line

__all__ = ["Columns", "place_of"]

_NUMBER = re.compile(r"^第?\(?\*?q?(\d+(?:[-.]\d+)*)(?=题|[、.,:)_(\s]|$)")
_EXPLODED = re.compile(r"^(?:第(\d+)题|(\d+)(?:[、.](?:[^()]*[^()\d])?)?)\((.*)\)$")
_UNDER = re.compile(r"^q?(\d+)[.\-_](\d+)[.、:)](.+)$")
_MARKS = re.compile(r"::|[:/_]|-+")
_REST = re.compile(r"\.{3,}$")
_SHARED = 0.8
"""Share of a question's options that exploded columns must show before they are taken for it without its
number."""
_ALIKE = 0.6
"""Likeness from which a header is offered as what a missing question may have become."""


_NUMERALS = "一二三四五六七八九十"
_PLACE = re.compile(
    rf"_?(?:第|排名?第?|rank_?)?(?:(\d{{1,2}})(?:st|nd|rd|th)?|([{_NUMERALS}]))[位名]?(?:_?choice)?"
)


def place_of(text: str) -> int | None:
    """The place that a text names: 第1位, 第一位, 1st choice, 2; None where it names none.

    >>> place_of("第二位"), place_of("_1st_choice"), place_of("3"), place_of("绿化")
    (2, 1, 3, None)
    """
    match = _PLACE.fullmatch(squash(text))
    return None if match is None else int(match[1]) if match[1] else _NUMERALS.index(match[2]) + 1


def _splits(header: str) -> Iterator[tuple[str, str]]:
    """Every way to part a header into what stands before and behind a mark."""
    for match in _MARKS.finditer(header):
        if header[: match.start()] and header[match.end() :]:
            yield header[: match.start()], header[match.end() :]


class Columns:
    """The columns of an export under a codebook.

    ``of`` is question -> column, ``asked`` question -> its version in this file, ``exploded`` multiple choice
    -> option -> column.
    """

    def __init__(self, book: Codebook, export: Export, pad: Pad, period: str | None = None) -> None:
        self.book, self.export, self.pad, self.period = book, export, pad, period
        self.headers = [
            h or f"(column {letters(p)})" for h, p in zip(export.headers, export.places, strict=True)
        ]
        squashed = [squash(header) for header in export.headers]
        numbers = [match[1] if (match := _NUMBER.match(header)) else "" for header in squashed]
        self._number = dict(enumerate(numbers))
        self._printed: dict[str, list[int]] = {}
        self._whole: dict[str, list[int]] = {}
        self._part: dict[str, list[int]] = {}
        self._groups: dict[str, dict[str, int]] = {}
        titles: dict[str, str] = {}
        for place, printed in enumerate(squashed):
            for name in dict.fromkeys((printed, squash(export.names[place]))):
                self._index(place, name, titles)
        self._recognise()
        self._reject()
        self.asked: dict[str, Question] = {}
        self.of: dict[str, int] = {}
        for name, question in book.questions.items():
            self._find(name, question)
        self._told_apart()
        self.exploded = self._exploded()
        self._report_absent()

    def _index(self, place: int, printed: str, titles: dict[str, str]) -> None:
        def add(index: dict[str, list[int]], key: str) -> None:
            if key and place not in index.setdefault(key, []):
                index[key].append(place)

        whole, number = question_key(printed), self._number[place]
        add(self._printed, printed)
        add(self._whole, whole)
        exploded, under = _EXPLODED.match(printed), _UNDER.match(printed)
        if exploded:
            add(self._part, question_key(exploded[3]))
            self._groups.setdefault(exploded[1] or exploded[2], {})[option_key(exploded[3])] = place
        elif under:
            self._groups.setdefault(under[1], {})[option_key(under[3])] = place
        for before, behind in _splits(whole):
            add(self._part, question_key(behind))
            for group in {before, *(last for _, last in _splits(before))}:
                self._groups.setdefault(question_key(group), {})[option_key(behind)] = place
        title, dash, _ = whole.rpartition("-")
        if number and dash:
            titles.setdefault(number, title)
        elif number and number in titles:
            add(self._part, f"{titles[number]}-{whole}")

    def _recognise(self) -> None:
        for found in self.export.recognised:
            self.pad.add(
                found.rule, found.told, action="recognised", severity="note", n=found.n, cells=found.cells
            )
        for sheet, n in self.export.unread.items():
            told = f"the sheet “{sheet}” ({n} rows) does not ask the questionnaire; left out"
            self.pad.add("unread sheet", told, before=sheet, severity="note", n=n)
        if hidden := self.export.hidden:
            cells = [f"{row}:{row}" for row in hidden[:5]]
            told = f"{len(hidden)} hidden rows were read like the others"
            self.pad.add("hidden_rows", told, severity="note", n=len(hidden), cells=cells)
        if self.export.unseen:
            unseen_line(self.pad, self.export.unseen)
        if cells := self.export.uncomputed:
            told = f"{len(cells)} formulas are stored without a result and were read as blank; open and save the file"
            self.pad.add("formula_without_result", told, n=len(cells), cells=cells)

    def _reject(self) -> None:
        """Leave out the rows that the codebook refuses by a cell."""
        refused = np.zeros(len(self.export.rows), dtype=bool)
        for column, values in self.book.reject.items():
            keys = {squash(value) for value in values}
            for place in sorted(self.all((column,))):
                found = self.export.columns[place]
                levels = [k for k, text in enumerate(found.texts) if squash(text) in keys]
                rows = np.flatnonzero(np.isin(found.codes, levels) & ~refused)
                refused[rows] = True
                if len(rows):
                    told = f"{len(rows)} answers say {listing(values)} in “{self.headers[place]}”; rejected as the codebook declares"
                    more = {"column": self.headers[place], "action": "rejected", "severity": "note"}
                    self.pad.add("rejected answer", told, **more, n=len(rows), cells=self.cells(place, rows))
        self.export = self.export.keep(~refused)

    def _refuse(self, message: str) -> DataError:
        return DataError(message, file=self.export.file, sheet=self.export.sheet or None)

    def letter(self, place: int) -> str:
        return letters(self.export.places[place])

    def number(self, place: int) -> str:
        """The number that a header begins with: 6 or 3.12; empty where there is none."""
        return self._number[place]

    # -- questions ---------------------------------------------------------------------------------

    def _find(self, name: str, question: Question) -> None:
        """The column of a question in the version that this file asks."""
        versions = question.in_period(self.period)
        found = [
            (v, place)
            for v in versions
            if (place := self.place(v.wordings, name, v.number, v.occurrence)) is not None
        ]
        if len({place for _, place in found}) > 1:
            columns = ", ".join(f"{self.letter(p)} (“{self.headers[p]}”)" for _, p in found)
            raise self._refuse(f"{name} is asked in several versions at once, columns {columns}; keep one")
        self.asked[name] = found[0][0] if found else versions[0]
        if found:
            self.of[name] = found[0][1]

    def _told_apart(self) -> None:
        """A column answers one question: where several have its wording, the one that has its number."""
        asked: dict[int, list[str]] = {}
        for name, place in self.of.items():
            asked.setdefault(place, []).append(name)
        for place, names in asked.items():
            own = (
                [n for n in names if self._numbered(place, self.asked[n].number)] if len(names) > 1 else names
            )
            if len(own) != 1:
                raise self._refuse(
                    f"column {self.letter(place)} “{self.headers[place]}” answers both {' and '.join(names)}; tell their "
                    "wordings apart in the codebook, by their numbers where nothing else differs"
                )
            for name in set(names) - set(own):
                del self.of[name]

    def _numbered(self, place: int, number: int | None) -> bool:
        return number is not None and f"{self._number[place]}.".startswith(f"{number}.")

    def _report_absent(self) -> None:
        lacking = [n for n in self.book.questions if n not in self.of and n not in self.exploded]
        if self.book.items and set(self.book.items) <= set(lacking):
            raise self._refuse(
                f"none of the {len(self.book.items)} items of the codebook is in the header (found: "
                f"{listing(self.headers)}); is this the right codebook, and is the header among the first rows?"
            )
        taken = {*self.of.values(), *(p for columns in self.exploded.values() for p in columns.values())}
        free = {key: places[0] for key, places in self._whole.items() if not taken.issuperset(places)}
        for name in lacking:
            keys = [question_key(wording) for wording in self.asked[name].wordings]
            near = [hit for key in keys for hit in difflib.get_close_matches(key, free, n=1, cutoff=_ALIKE)]
            self.absent(name, free[near[0]] if near else None)

    def absent(self, name: str, near: int | None = None) -> None:
        """Report a question that no column asks, with the header that comes nearest."""
        told = f"{name}: no column asks it; all its answers are missing"
        if near is not None:
            told += (
                f". Column {self.letter(near)} “{self.headers[near]}” comes near: if it asks the same, add it"
            )
        self.pad.add("question not in file", told, column=name)

    def place(
        self, wordings: Collection[str], name: str, number: int | None = None, occurrence: int | None = None
    ) -> int | None:
        """The column that asks a question; None where none does.

        Raises
        ------
        DataError
            If several columns ask it and its number does not tell them apart.
        """
        keys = [question_key(wording) for wording in wordings]
        opened = [question_key(w) for w in wordings if _REST.search(squash(w))]
        starting = {
            p for k in opened for key, places in self._whole.items() if key.startswith(k) for p in places
        }
        for hits in (
            {place for w in wordings for place in self._printed.get(squash(w), [])},
            {place for key in keys for place in self._whole.get(key, [])},
            {place for key in keys for place in self._part.get(key, [])},
            starting,
        ):
            if len(hits) > 1 and number is not None:
                hits = {p for p in hits if self._numbered(p, number)} or hits
            if occurrence is not None:
                hits = set(sorted(hits)[occurrence - 1 : occurrence])
            if len(hits) > 1:
                columns = ", ".join(self.letter(p) for p in sorted(hits))
                printed = listing(dict.fromkeys(f"“{self.headers[p]}”" for p in sorted(hits)), most=3)
                raise self._refuse(
                    f"columns {columns} all answer {name} ({printed}); keep one, or tell their wordings apart in the "
                    "codebook: with the number or the grid's title in front, by number:, or by occurrence: where all is alike"
                )
            if hits:
                return hits.pop()
        return None

    def all(self, wordings: Collection[str], *, parts: bool = True) -> set[int]:
        """Every column that one of the wordings may mean; ``parts``: also as the last part of a header."""
        keys = [(squash(wording), question_key(wording)) for wording in wordings]
        indexes = (self._printed, self._whole, self._part)[: 3 if parts else 2]
        return {p for k in keys for index in indexes for key in k for p in index.get(key, [])}

    def role(self, role: str) -> int | None:
        """The column that plays a role of the platform's own (id, submitted_at, ...): the first that is there."""
        for wording in self.book.columns.get(role) or ROLE_HEADERS[role]:
            hits = self._printed.get(squash(wording)) or self._whole.get(question_key(wording)) or []
            if len(hits) > 1:
                columns = ", ".join(self.letter(p) for p in hits)
                raise self._refuse(f"columns {columns} all are “{wording}” ({role}); keep one")
            if hits:
                return hits[0]
        return None

    # -- multiple choice over several columns --------------------------------------------------------

    def _exploded(self) -> dict[str, dict[str, int]]:
        """Multiple choices with a column an option: 第6题(运动), 6、(运动), 6.1.运动, question/运动, question:运动."""
        found: dict[str, dict[str, int]] = {}
        for name, question in self.asked.items():
            if not question.multiple:
                continue
            options = set(question.meanings())
            if question.ranking:
                options |= {key for group in self._groups.values() for key in group if place_of(key)}
            keys = [*(question_key(w) for w in question.wordings), str(question.number)]
            named = [self._groups[key] for key in keys if options & set(self._groups.get(key, {}))]
            if not named and question.number is None and name not in self.of:
                named = self._by_options(name, options)
            if named:
                found[name] = named[0]
        return found

    def _by_options(self, name: str, options: set[str]) -> list[dict[str, int]]:
        groups: Mapping[str, dict[str, int]] = {k: g for k, g in self._groups.items() if k.isdigit()}
        alike = [
            number
            for number, columns in groups.items()
            if len(options & set(columns)) / min(len(options), len(columns)) >= _SHARED
        ]
        if len(alike) > 1:
            raise self._refuse(
                f"the options of {name} stand under the questions {listing(alike)}; give its number: in the codebook"
            )
        return [groups[number] for number in alike]

    def cells(self, place: int, rows: np.ndarray) -> list[str]:
        return self.export.cells(place, rows[:5])
