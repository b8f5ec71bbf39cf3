"""What the questions of a questionnaire mean: one YAML file an instrument, over all its quarters and layouts.

A codebook maps questions as printed (one or several wordings) to items, and options as printed to codes. It
also says what is *not* to go on: ``personal`` columns, ``free_text`` and what to ``ignore``; ``reject`` names
answers whose whole row is refused (test answers, interviews not approved). The format stands in
ARCHITECTURE.md; beyond options a question may have ``reversed: true`` (a negatively worded item of a scale is
turned round), ``multiple: true`` (one 0/1 column an option), ``matrix: name`` (items answered in one grid),
``scale: [1, 10]`` (numbers are answers), ``number: 6`` (its number on the platform), ``order: [...]`` (the
options as the platform numbers them, where that differs from the order here; ``null`` for one that nobody knows any
more), ``ranking: true`` (one column an option, with its place), ``occurrence: 2`` (the second of columns with the very
same header) and ``versions: [...]`` (how other quarters asked it). ``numbers: options | values``, of a question or of
all, says what a bare number in an answer column is: the number of an option, or the code itself.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from commlab.errors import DataError, ParameterError, listing
from commlab.intake.forms import squash
from commlab.intake.platforms import ROLE_HEADERS
from commlab.intake.quality import Limits
from commlab.intake.questions import Codebook, Question, option_key, question_key
from commlab.intake.written import Faults, read_written
from commlab.periods import period_key
from commlab.tables import CONTRACTS, DONT_KNOW, NOT_APPLICABLE

__all__ = ["Codebook", "Question", "attention_check", "load_codebook", "option_key", "question_key"]

_TOP = {
    "instrument", "title", "columns", "unit", "demographics", "items", "checks", "personal", "free_text",
    "ignore", "numbers", "scales", "reject",
}  # fmt: skip
_VERSION = {
    "question", "options", "dont_know", "not_applicable", "reversed", "scale", "number", "occurrence", "order", "numbers",
}  # fmt: skip
_QUESTION = _VERSION | {"zh", "en", "multiple", "ranking", "matrix", "versions"}
_RESERVED = {c.name for c in CONTRACTS["responses"].columns if c.privacy != "quasi"} | {"submitted_at"}
_NUMBERS = (None, "options", "values")
_CHECKS = {"attention", "min_seconds", "straightline", "burst", "all_satisfied"}


def load_codebook(codebook: str | Path | Mapping[str, Any] | Codebook) -> Codebook:
    """Read and check a codebook.

    Parameters
    ----------
    codebook : path, mapping or Codebook
        A YAML file, the same as a mapping, or a codebook read before.

    Raises
    ------
    DataError
        With all faults, each with its line in the file: unknown or repeated keys, questions without wording or
        options, an option with two meanings, codes that are not whole numbers, a wording claimed twice, words
        that YAML reads as something else (``no``, ``010``).
    """
    if isinstance(codebook, Codebook):
        return codebook
    file, faults = None, Faults()
    if isinstance(codebook, str | Path):
        file = str(codebook)
        codebook = read_written(Path(codebook), faults)
    if not isinstance(codebook, Mapping):
        raise DataError("a codebook is a mapping with instrument, items, ...", file=file)
    book = _Loader(codebook, faults).book()
    if faults.found:
        raise DataError("the codebook has faults: " + "; ".join(faults.found), file=file, faults=faults.found)
    return book


class _Loader:
    """Turns a mapping into a codebook and notes every fault with its place."""

    def __init__(self, given: Mapping[Any, Any], faults: Faults) -> None:
        self.given, self.faults = given, faults
        self.scales = {
            name: self.options((), ("scales", name), body) for name, body in self.mapping("scales").items()
        }

    def book(self) -> Codebook:
        self.unknown(self.given, _TOP, "codebook")
        given, texts = self.given, self.texts
        book = Codebook(
            instrument=" ".join(texts(given.get("instrument"), "instrument")),
            title=dict(self.mapping("title")),
            columns=self.lists("columns", tuple(ROLE_HEADERS)),
            unit=self.lists("unit", ("district", "community")),
            demographics=self.questions("demographics"),
            items=self.questions("items"),
            checks=dict(self.mapping("checks")),
            personal=texts(given.get("personal"), "personal"),
            free_text=texts(given.get("free_text"), "free_text"),
            ignore=texts(given.get("ignore"), "ignore"),
            numbers=given.get("numbers"),
            reject=self.lists("reject", ()),
        )
        if not book.instrument:
            self.faults.add('"instrument" is missing')
        if not book.items:
            self.faults.add('"items" is missing or empty', "items")
        self._stated(book.numbers, "codebook", "numbers")
        self._checks(book)
        self._names(book)
        return book

    # -- pieces --------------------------------------------------------------------------------------

    def mapping(self, *place: Any) -> Mapping[Any, Any]:
        value: Any = self.given
        for key in place:
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is not None and not isinstance(value, Mapping):
            self.faults.add(f'"{place[-1]}" must be a mapping', *place)
        return value if isinstance(value, Mapping) else {}

    def unknown(self, body: Mapping[Any, Any], known: set[str], where: str, *place: Any) -> None:
        for key in body:
            if key not in known:
                near = difflib.get_close_matches(str(key), known, n=1)
                told = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known))}"
                self.faults.add(f"{where}: unknown keys {key} ({told})", *place, key)

    def texts(self, value: Any, *place: Any) -> tuple[str, ...]:
        """One text or several; what YAML made of a word is no text."""
        out = []
        for k, one in enumerate(
            value if isinstance(value, list | tuple) else [value] if value is not None else []
        ):
            if isinstance(one, bool):
                word = self.faults.words.get((*place, k)) or self.faults.words.get(place)
                read = f"YAML reads {word} as {str(one).lower()}" if word else f"an entry was read as {one}"
                self.faults.add(f"{read}; put it in quotes: '{word or '是'}'", *place, k)
            elif one is None or isinstance(one, list | tuple | Mapping):
                self.faults.add(f'"{place[-1]}" must be a text or a list of texts, not {one!r}', *place, k)
            else:
                out.append(str(one))
        return tuple(out)

    def order(self, value: Any, *place: Any) -> tuple[str | None, ...]:
        """The options as the platform numbers them; None for one whose text is not known."""
        given = value if isinstance(value, list | tuple) else []
        if value is not None and not isinstance(value, list | tuple):
            self.faults.add(f'"{place[-1]}" must be a list of options, not {value!r}', *place)
        texts = iter(self.texts([v for v in given if v is not None], *place))
        return tuple(None if v is None else next(texts, None) for v in given)

    def lists(self, part: str, known: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
        body = self.mapping(part)
        if known:
            self.unknown(body, set(known), part, part)
        return {str(key): self.texts(value, part, key) for key, value in body.items()}

    def options(self, where: tuple[str, ...], place: tuple[Any, ...], given: Any) -> dict[str, Any]:
        """Text -> code, or the name of one of ``scales``."""
        told = ".".join(where or place)
        if isinstance(given, str):
            if given not in self.scales:
                known = listing(self.scales) or "none"
                self.faults.add(f"{told}: there is no scale {given!r} under scales (known: {known})", *place)
            return dict(self.scales.get(given, {}))
        if not isinstance(given, Mapping):
            if given is not None:
                self.faults.add(f"{told}: options must be a mapping of text to code", *place)
            return {}
        for text in given:
            if isinstance(text, bool) or text is None:
                read = f'an option was read as {text}; put it in quotes ("是", "yes")'
                self.faults.add(f"{told}: {read}", *place)
            elif not option_key(text):
                self.faults.add(f"{told}: an option has no text", *place, text)
        return {str(text): code for text, code in given.items()}

    def _stated(self, numbers: Any, where: str, *place: Any) -> None:
        if numbers not in _NUMBERS:
            self.faults.add(f"{where}: numbers must be options or values, not {numbers!r}", *place)

    # -- questions -----------------------------------------------------------------------------------

    def questions(self, part: str) -> dict[str, Question]:
        out = {}
        for name, body in self.mapping(part).items():
            where = f"{part}.{name}"
            if not isinstance(body, Mapping):
                self.faults.add(f"{where}: must be a mapping with question and options", part, name)
                continue
            self.unknown(body, _QUESTION, where, part, name)
            main = self.question(str(name), body, where, part, name)
            out[str(name)] = replace(main, versions=self._versions(main, body, where, part, name))
        return out

    def _versions(
        self, main: Question, body: Mapping[Any, Any], where: str, *place: Any
    ) -> tuple[Question, ...]:
        given = body.get("versions") or []
        if not isinstance(given, list | tuple) or not all(isinstance(v, Mapping) for v in given):
            self.faults.add(f"{where}: versions must be a list of mappings", *place, "versions")
            return ()
        out = []
        for k, own in enumerate(given):
            at, told = (*place, "versions", k), f"{where}, version {k + 1}"
            self.unknown(own, _VERSION | {"periods"}, told, *at)
            scaled = {"options", "scale"} & set(own)
            rest = {
                key: v
                for key, v in body.items()
                if not (scaled and key in ("options", "scale", "order", "numbers"))
            }
            version = self.question(main.name, {**rest, "versions": None, **own}, told, *at)
            periods = self.texts(own.get("periods"), *at, "periods")
            for period in periods:
                self._period(period, told, *at, "periods")
            if not periods and "question" not in own:
                self.faults.add(f"{told}: say by question or by periods when it was asked so", *at)
            strangers = self._strange(main, version, scaled=place[0] == "items" and not main.multiple)
            if strangers:
                self.faults.add(
                    f"{told}: the codes {listing(strangers)} are none of the item's; map its options to them, or make it "
                    "an item of its own",
                    *at,
                )
            out.append(replace(version, periods=periods))
        return tuple(out)

    @staticmethod
    def _strange(main: Question, version: Question, *, scaled: bool) -> list[str]:
        """Codes of a version that lie outside those of its item: of its scale, or of its list of words."""
        codes = [
            [c for c in q.options.values() if c is not None] + list(q.scale or ()) for q in (main, version)
        ]
        if scaled and all(codes) and all(type(code) is int for own in codes for code in own):
            return [str(code) for code in codes[1] if not min(codes[0]) <= code <= max(codes[0])]
        return [] if scaled else [str(code) for code in codes[1] if code not in codes[0]]

    def _period(self, period: str, told: str, *place: Any) -> None:
        try:
            period_key(period)
        except ParameterError as error:
            self.faults.add(f"{told}: {error}", *place)

    def question(self, name: str, body: Mapping[Any, Any], where: str, *place: Any) -> Question:
        add, codes = (
            self.faults.add,
            place[0] == "items" and not (body.get("multiple") or body.get("ranking")),
        )
        options = self.options((where,), (*place, "options"), body.get("options"))
        for text, code in options.items():
            at = (*place, "options", text)
            word = f"YAML's reading of {self.faults.words[at]}" if at in self.faults.words else repr(code)
            if codes and code is not None and type(code) is not int:
                add(f"{where}: the code of {text!r} must be a whole number, not {word}", *at)
            elif isinstance(code, list | tuple | Mapping | bool):
                add(
                    f"{where}: the code of {text!r} must be a word or a whole number, not {word}; use quotes",
                    *at,
                )
            if code in (DONT_KNOW, NOT_APPLICABLE) and type(code) is int:
                add(
                    f"{where}: {code} is kept for dont_know and not_applicable; list {text!r} under one of them",
                    *at,
                )
        scale = body.get("scale")
        ends = scale if isinstance(scale, list | tuple) and len(scale) == 2 else (0, 0)
        if scale is not None and not (
            all(type(v) is int for v in ends) and ends[0] < ends[1] < NOT_APPLICABLE
        ):
            add(
                f"{where}: scale must be [lowest, highest], whole numbers below {NOT_APPLICABLE}, not {scale!r}",
                *place,
                "scale",
            )
            scale = None
        counted = {
            "number": "the question's number on the platform",
            "occurrence": "1 for the first such column, 2 ...",
        }
        for key, told in counted.items():
            value = body.get(key)
            if value is not None and (type(value) is not int or value < 0 + (key == "occurrence")):
                add(f"{where}: {key} must be {told}, not {value!r}", *place, key)
        for key in ("reversed", "multiple", "ranking"):
            if not isinstance(body.get(key, False), bool):
                add(f"{where}: {key} must be true or false, not {body[key]!r}", *place, key)
        question = Question(
            name=name,
            wordings=self.texts(body.get("question"), *place, "question"),
            options={
                t: c if codes or c is None or place[0] == "items" else str(c) for t, c in options.items()
            },
            labels={k: " ".join(self.texts(body.get(k), *place, k)) or name for k in ("zh", "en")},
            dont_know=self.texts(body.get("dont_know"), *place, "dont_know"),
            not_applicable=self.texts(body.get("not_applicable"), *place, "not_applicable"),
            reversed=body.get("reversed") is True,
            multiple=body.get("multiple") is True or body.get("ranking") is True,
            ranking=body.get("ranking") is True,
            matrix=None if body.get("matrix") is None else str(body["matrix"]),
            scale=tuple(scale) if scale else None,
            number=body.get("number"),
            occurrence=body.get("occurrence"),
            order=self.order(body.get("order"), *place, "order"),
            numbers=body.get("numbers"),
        )
        self._stated(question.numbers, where, *place, "numbers")
        if question.ranking and place[0] != "items":
            add(f"{where}: a ranking is an item; move it there", *place, "ranking")
        self._options(question, where, *place)
        return question

    def _options(self, question: Question, where: str, *place: Any) -> None:
        add = self.faults.add
        if not question.wordings:
            add(f"{where}: question is missing", *place)
        if (question.multiple or not question.scale) and not any(
            code is not None for code in question.options.values()
        ):
            add(f"{where}: options (or a scale) are missing", *place)
        first: dict[str, str] = {}
        for part in ("options", "dont_know", "not_applicable"):
            for text in getattr(question, part):
                told = f"{part}: {text}"
                if first.setdefault(option_key(text), told) != told:
                    before = first[option_key(text)]
                    add(
                        f"{where}: options that read the same: “{before}” and “{told}”; each has one meaning",
                        *place,
                        part,
                        text,
                    )
        order = [text for text in question.order if text is not None]
        keys = [option_key(text) for text in order]
        for text in (text for k, text in enumerate(order) if keys[k] in keys[:k]):
            add(f"{where}: order names {text} twice", *place, "order")
        points = map(str, range(question.scale[0], question.scale[1] + 1)) if question.scale else ()
        strangers = [text for text in order if option_key(text) not in {*first, *points}]
        if strangers:
            add(f"{where}: order names unknown options: {', '.join(strangers)}", *place, "order")

    # -- the whole -----------------------------------------------------------------------------------

    def _checks(self, book: Codebook) -> None:
        self.unknown(book.checks, _CHECKS, "checks", "checks")
        try:
            attention_check(book)
            Limits.of({k: v for k, v in book.checks.items() if k in _CHECKS})
        except ParameterError as error:
            self.faults.add(str(error), "checks")

    def _names(self, book: Codebook) -> None:
        places = {name: part for part in ("demographics", "items") for name in getattr(book, part)}
        for name in sorted(set(book.questions) & _RESERVED):
            told = "these names belong to the table of responses; choose others"
            self.faults.add(f"{name}: {told}", places[name], name)
        for name in sorted(set(book.demographics) & set(book.items)):
            self.faults.add(f"names of both a demographic and an item: {name}", "items", name)
        claims: dict[str, str] = {}
        asked: list[tuple[str, str, tuple[str, ...]]] = [
            (name, w, (places[name], name, "question"))
            for name, q in book.questions.items()
            for v in (q, *q.versions)
            for w in v.wordings
        ]
        asked += [
            (f"unit.{level}", w, ("unit", level)) for level, wordings in book.unit.items() for w in wordings
        ]
        for name, wording, place in asked:
            own = book.questions.get(name)
            key = (
                f"{own.number} {own.occurrence} {squash(wording)}" if own else f"None None {squash(wording)}"
            )
            if claims.setdefault(key, name) != name:
                self.faults.add(
                    f"the question {wording!r} belongs to both {claims[key]} and {name}; tell them apart by their number",
                    *place,
                )


def attention_check(book: Codebook) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Wordings and accepted answers of the attention question, where there is one."""
    check = book.checks.get("attention")
    if not check:
        return None
    if not isinstance(check, Mapping) or not {"question", "expect"} <= set(check):
        raise ParameterError("checks.attention needs question and expect")
    asked, expected = (
        v if isinstance(v, list | tuple) else [v] for v in (check["question"], check["expect"])
    )
    return tuple(map(str, asked)), tuple(map(str, expected))
