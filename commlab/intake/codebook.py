"""What the questions of a questionnaire mean: one YAML file an instrument, over all its quarters and layouts.

A codebook maps questions as printed (one or several wordings) to items, and options as printed to codes. It
also says what is *not* to go on: ``personal`` columns, ``free_text`` and what to ``ignore``. The format
stands in ARCHITECTURE.md; beyond it a question may have ``reversed: true`` (a negatively worded item of a
scale is turned round), ``multiple: true`` (one 0/1 column an option), ``matrix: name`` (items answered in
one grid), ``scale: [1, 10]`` (numbers are answers), ``number: 6`` (its number on the platform) and ``order:
[...]`` (the options as the platform numbers them, where that differs from the order here). ``numbers:
options | values`` says what a bare number in an answer column is: the number of an option, or the code
itself.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from commlab.errors import DataError, ParameterError
from commlab.intake.names import squash
from commlab.intake.quality import Limits
from commlab.tables import CONTRACTS, DONT_KNOW, NOT_APPLICABLE

__all__ = ["Codebook", "Question", "load_codebook", "option_key", "question_key"]

_TOP = {
    "instrument", "title", "columns", "unit", "demographics", "items", "checks", "personal", "free_text",
    "ignore", "numbers",
}  # fmt: skip
_QUESTION = {
    "question", "zh", "en", "options", "dont_know", "not_applicable", "reversed", "multiple", "matrix",
    "scale", "number",
    "order",
}  # fmt: skip
_RESERVED = {c.name for c in CONTRACTS["responses"].columns if c.privacy != "quasi"} | {"submitted_at"}
_CHECKS = {"attention", "min_seconds", "straightline", "burst", "all_satisfied"}
ROLES = ("id", "submitted_at", "started_at", "duration_s", "ip", "person", "interviewer")

_NUMBERING = re.compile(r"^(?:第?\(?\*?q?\d+(?:[-.]\d+)*\)?(?:题)?[、.,:)_\s]|\*)+", re.IGNORECASE)
_SUFFIX = re.compile(
    r"\[[^\[\]]*(?:题|选|填空|量表|矩阵|必答|必填)[^\[\]]*\]|【[^【】]*(?:题|选)[^【】]*】"
    r"|\((?:单选|多选|填空|量表|矩阵|必[答填]|选[答填])[^()]*\)"
)
_FILL_IN = re.compile(r"〖[^〗]*〗?")
_LETTER = re.compile(r"^[a-z][.、)]")


def question_key(text: object) -> str:
    """A question as it is compared: without number, type suffix, spaces and closing punctuation.

    >>> question_key("3、您的性别 [单选题]") == question_key("您的性别：")
    True
    """
    key = _NUMBERING.sub("", squash(text))
    return _SUFFIX.sub("", key).strip("*:?。.,;、")


def option_key(text: object) -> str:
    """An option as it is compared: without what was filled in (〖...〗) and without a leading letter.

    >>> option_key("A. 其他〖微信群〗")
    '其他'
    """
    return _LETTER.sub("", squash(_FILL_IN.sub("", str(text)))).rstrip("。;,")


@dataclass(frozen=True)
class Question:
    """One question: the wordings that ask it and what each option means."""

    name: str
    wordings: tuple[str, ...]
    options: Mapping[str, Any]
    labels: Mapping[str, str]
    dont_know: tuple[str, ...] = ()
    not_applicable: tuple[str, ...] = ()
    reversed: bool = False
    multiple: bool = False
    matrix: str | None = None
    scale: tuple[int, int] | None = None
    number: int | None = None
    order: tuple[str, ...] = ()

    @property
    def low(self) -> int:
        return self.scale[0] if self.scale else min(v for v in self.options.values() if v is not None)

    @property
    def high(self) -> int:
        return self.scale[1] if self.scale else max(v for v in self.options.values() if v is not None)

    def meanings(self) -> dict[str, Any]:
        """Option key -> code (``None``: a known answer that counts as no answer)."""
        turned = self.options
        if self.reversed:
            turned = {k: None if v is None else self.low + self.high - v for k, v in self.options.items()}
        out = {option_key(text): code for text, code in turned.items()}
        out |= {option_key(text): DONT_KNOW for text in self.dont_know}
        out |= {option_key(text): NOT_APPLICABLE for text in self.not_applicable}
        return out

    def numbered(self) -> list[str]:
        """Option keys in the order in which the platform numbers them."""
        shown = self.order or (*self.options, *self.dont_know, *self.not_applicable)
        return [option_key(text) for text in shown]


@dataclass(frozen=True)
class Codebook:
    """A questionnaire's meaning. Get one from ``load_codebook``."""

    instrument: str
    title: Mapping[str, str]
    columns: Mapping[str, tuple[str, ...]]
    unit: Mapping[str, tuple[str, ...]]
    demographics: Mapping[str, Question]
    items: Mapping[str, Question]
    checks: Mapping[str, Any] = field(default_factory=dict)
    personal: tuple[str, ...] = ()
    free_text: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    numbers: str | None = None

    @property
    def questions(self) -> dict[str, Question]:
        return {**self.demographics, **self.items}


class _Strict(yaml.SafeLoader):
    """YAML that refuses a key written twice."""


def _mapping(loader: _Strict, node: yaml.MappingNode) -> dict[Hashable, Any]:
    seen: dict[Hashable, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)  # type: ignore[no-untyped-call]
        if key in seen:
            raise DataError(f"line {key_node.start_mark.line + 1}: the key {key!r} stands twice")
        seen[key] = loader.construct_object(value_node, deep=True)  # type: ignore[no-untyped-call]
    return seen


_Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def load_codebook(codebook: str | Path | Mapping[str, Any] | Codebook) -> Codebook:
    """Read and check a codebook.

    Parameters
    ----------
    codebook : path, mapping or Codebook
        A YAML file, the same as a mapping, or a codebook read before.

    Raises
    ------
    DataError
        With all faults: unknown or repeated keys, questions without wording or options, an option with two
        meanings, codes that are not whole numbers, a wording claimed twice.
    """
    if isinstance(codebook, Codebook):
        return codebook
    file = None
    if isinstance(codebook, str | Path):
        file = str(codebook)
        codebook = _from_file(Path(codebook))
    if not isinstance(codebook, Mapping):
        raise DataError("a codebook is a mapping with instrument, items, ...", file=file)
    faults: list[str] = []
    _unknown(codebook, _TOP, "codebook", faults)
    sections = {
        part: {
            str(name): _question(str(name), body, part, faults)
            for name, body in _mapping_of(codebook, part, faults).items()
        }
        for part in ("demographics", "items")
    }
    book = Codebook(
        instrument=str(codebook.get("instrument") or ""),
        title=dict(_mapping_of(codebook, "title", faults)),
        columns=_lists(_mapping_of(codebook, "columns", faults), ROLES, "columns", faults),
        unit=_lists(_mapping_of(codebook, "unit", faults), ("district", "community"), "unit", faults),
        demographics=sections["demographics"],
        items=sections["items"],
        checks=dict(_mapping_of(codebook, "checks", faults)),
        personal=_texts(codebook.get("personal")),
        free_text=_texts(codebook.get("free_text")),
        ignore=_texts(codebook.get("ignore")),
        numbers=codebook.get("numbers"),
    )
    if not book.instrument:
        faults.append('"instrument" is missing')
    if not book.items:
        faults.append('"items" is missing or empty')
    if book.numbers not in (None, "options", "values"):
        faults.append(f'"numbers" must be options or values, not {book.numbers!r}')
    _check_checks(book, faults)
    taken = sorted(set(book.questions) & _RESERVED)
    if taken:
        faults.append(f"{', '.join(taken)}: these names belong to the table of responses; choose others")
    _claimed_twice(book, faults)
    if faults:
        raise DataError("the codebook has faults: " + "; ".join(faults), file=file, faults=faults)
    return book


def _from_file(path: Path) -> Any:
    try:
        return yaml.load(path.read_text(encoding="utf-8-sig"), Loader=_Strict)
    except FileNotFoundError:
        raise DataError("there is no such codebook", file=str(path)) from None
    except UnicodeDecodeError as error:
        raise DataError(f"a codebook is UTF-8 text ({error.reason})", file=str(path)) from None
    except yaml.YAMLError as error:
        raise DataError(f"this is not YAML: {error}", file=str(path)) from None
    except DataError as error:
        raise DataError(str(error), file=str(path)) from None


def _mapping_of(body: Mapping[str, Any], key: str, faults: list[str]) -> Mapping[str, Any]:
    value = body.get(key) or {}
    if not isinstance(value, Mapping):
        faults.append(f'"{key}" must be a mapping')
        return {}
    return value


def _unknown(body: Mapping[str, Any], known: set[str], where: str, faults: list[str]) -> None:
    strangers = [str(key) for key in body if key not in known]
    if strangers:
        faults.append(f"{where}: unknown keys {', '.join(strangers)} (known: {', '.join(sorted(known))})")


def _texts(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return (str(value),) if isinstance(value, str | int | float) else tuple(str(v) for v in value)


def _lists(
    body: Mapping[str, Any], known: tuple[str, ...], where: str, faults: list[str]
) -> dict[str, tuple[str, ...]]:
    _unknown(body, set(known), where, faults)
    return {str(key): _texts(value) for key, value in body.items()}


def _question(name: str, body: Any, part: str, faults: list[str]) -> Question:
    where = f"{part}.{name}"
    if not isinstance(body, Mapping):
        faults.append(f"{where}: must be a mapping with question and options")
        body = {}
    _unknown(body, _QUESTION, where, faults)
    options = body.get("options") or {}
    if not isinstance(options, Mapping):
        faults.append(f"{where}: options must be a mapping of text to code")
        options = {}
    scaled = part == "items" and not body.get("multiple")
    for text, code in options.items():
        if isinstance(text, bool):
            faults.append(f'{where}: an option was read as {text}; put it in quotes ("是", "yes")')
        if scaled and code is not None and (isinstance(code, bool) or not isinstance(code, int)):
            faults.append(f"{where}: the code of {text!r} must be a whole number, not {code!r}")
        if code in (DONT_KNOW, NOT_APPLICABLE):
            faults.append(
                f"{where}: {code} is kept for dont_know and not_applicable; list {text!r} under one of them"
            )
    scale = body.get("scale")
    if scale is not None and not (
        isinstance(scale, list | tuple)
        and len(scale) == 2
        and all(isinstance(v, int) for v in scale)
        and scale[0] < scale[1]
    ):
        faults.append(f"{where}: scale must be [lowest, highest], not {scale!r}")
        scale = None
    question = Question(
        name=name,
        wordings=_texts(body.get("question")),
        options={
            str(text): str(code) if part == "demographics" and code is not None else code
            for text, code in options.items()
        },
        labels={"zh": str(body.get("zh") or name), "en": str(body.get("en") or name)},
        dont_know=_texts(body.get("dont_know")),
        not_applicable=_texts(body.get("not_applicable")),
        reversed=bool(body.get("reversed", False)),
        multiple=bool(body.get("multiple", False)),
        matrix=body.get("matrix"),
        scale=tuple(scale) if scale else None,
        number=body.get("number"),
        order=_texts(body.get("order")),
    )
    if not question.wordings:
        faults.append(f"{where}: question is missing")
    if not question.options and not question.scale:
        faults.append(f"{where}: options (or a scale) are missing")
    keys = [option_key(text) for text in (*question.options, *question.dont_know, *question.not_applicable)]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        faults.append(f"{where}: options that read the same: {', '.join(twice)}")
    strangers = [text for text in question.order if option_key(text) not in keys]
    if strangers:
        faults.append(f"{where}: order names unknown options: {', '.join(strangers)}")
    return question


def _check_checks(book: Codebook, faults: list[str]) -> None:
    _unknown(book.checks, _CHECKS, "checks", faults)
    try:
        attention_check(book)
        Limits.of({k: v for k, v in book.checks.items() if k in _CHECKS})
    except ParameterError as error:
        faults.append(str(error))


def _claimed_twice(book: Codebook, faults: list[str]) -> None:
    claims: dict[str, str] = {}
    asked = [(name, wording) for name, q in book.questions.items() for wording in q.wordings]
    asked += [(f"unit.{level}", wording) for level, wordings in book.unit.items() for wording in wordings]
    for name, wording in asked:
        key = squash(wording)
        if claims.setdefault(key, name) != name:
            faults.append(f"the question {wording!r} belongs to both {claims[key]} and {name}")
    if set(book.demographics) & set(book.items):
        faults.append(
            f"names of both a demographic and an item: {', '.join(set(book.demographics) & set(book.items))}"
        )


def attention_check(book: Codebook) -> tuple[tuple[str, ...], str] | None:
    """Wordings and expected answer of the attention question, where there is one."""
    check = book.checks.get("attention")
    if not check:
        return None
    if not isinstance(check, Mapping) or not {"question", "expect"} <= set(check):
        raise ParameterError("checks.attention needs question and expect")
    return _texts(check["question"]), str(check["expect"])
