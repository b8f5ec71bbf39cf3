"""A codebook and its questions, and the forms in which questions and options are compared."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from commlab.intake.forms import squash
from commlab.intake.platforms import ROLE_HEADERS
from commlab.periods import period_key
from commlab.tables import DONT_KNOW, NOT_APPLICABLE

__all__ = [
    "FILL_IN",
    "Question",
    "Reading",
    "how_numbered",
    "is_blank",
    "option_key",
    "question_key",
    "typed_in",
]

_NUMBERING = re.compile(r"^(?:第?\(?\*?q?\d+(?:[-.]\d+)*\)?(?:题)?[、.,:)_\s]|\*)+", re.IGNORECASE)
_SUFFIX = re.compile(
    r"\[[^\[\]]*(?:题|选|填空|量表|矩阵|必答|必填)[^\[\]]*\]|【[^【】]*(?:题|选)[^【】]*】"
    r"|\((?:单选|多选|填空|量表|矩阵|必[答填]|选[答填])[^()]*\)"
)
FILL_IN = re.compile(r"〖[^〗]*〗?")
"""What was filled in beside an option on 问卷星."""
_FILL_HERE = re.compile(r"[(\[【](?:请)?(?:注明|填写|说明|写明|补充|列明)[^()\[\]【】]*[)\]】]|_{2,}$")
_LETTER = re.compile(r"^(?:[a-z]|\d{1,2}(?=[.、)]\D))[.、)]")
_OTHER = re.compile(r"^(其他|其它|other)[^:]{0,12}:.")
_TYPED = re.compile(r"(?:其他|其它|other)[^:┋;]{0,12}:.")
_WHOLE = re.compile(r"(-?\d+)\.0+")
_SKIPPED = frozenset({"", "-3", "-2", "(跳过)", "(空)", "跳过", "nan", "null", "none"})
_DIGITS = re.compile(r"-?\d{1,3}")


def question_key(text: object) -> str:
    """A question as it is compared: without number, type suffix, spaces and closing punctuation.

    >>> question_key("3、您的性别 [单选题]") == question_key("您的性别：")
    True
    """
    plain = squash(text)
    key = _SUFFIX.sub("", _NUMBERING.sub("", plain)).strip("*:?。.,;、")
    return plain if key.isdigit() else key  # q2_1 is a name, not question 2 with the text 1


def is_blank(text: str) -> bool:
    """Whether a cell holds no answer: empty, skipped (-3), left blank (-2)."""
    return squash(text) in _SKIPPED


def typed_in(text: str) -> bool:
    """Whether an answer holds what somebody typed in beside an option: 其他〖微信群〗, 其他: 微信群."""
    return "〖" in text or bool(_TYPED.search(squash(text)))


def option_key(text: object) -> str:
    """An option as it is compared: without what was filled in (〖...〗) or is to be, and without a leading letter or number.

    >>> option_key("A. 其他【请注明】〖微信群〗"), option_key("2、满意"), option_key("5.0")
    ('其他', '满意', '5')
    """
    key = _LETTER.sub("", squash(FILL_IN.sub("", str(text))))
    whole = _WHOLE.fullmatch(key)
    return whole[1] if whole else _FILL_HERE.sub("", key).rstrip("。;,:")


def _covers(longer: str, period: str) -> bool:
    """Whether a period lies within another: 2019Q4 in 2019."""
    (year, end, months), (own_year, own_end, own_months) = period_key(longer), period_key(period)
    return year == own_year and end - months <= own_end - own_months and own_end <= end


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
    occurrence: int | None = None
    order: tuple[str | None, ...] = ()
    numbers: str | None = None
    ranking: bool = False
    periods: tuple[str, ...] = ()
    versions: tuple[Question, ...] = ()

    @property
    def low(self) -> int:
        return self.scale[0] if self.scale else min(v for v in self.options.values() if v is not None)

    @property
    def high(self) -> int:
        return self.scale[1] if self.scale else max(v for v in self.options.values() if v is not None)

    def in_period(self, period: str | None) -> list[Question]:
        """The versions that may have been asked in a period: those that name it (or its year), else the others."""
        named = [v for v in self.versions if period and any(_covers(own, period) for own in v.periods)]
        return named or [self, *(v for v in self.versions if period is None or not v.periods)]

    def meanings(self) -> dict[str, Any]:
        """Option key -> code (``None``: a known answer that counts as no answer)."""
        turned = self.options
        if self.reversed:
            turned = {k: None if v is None else self.low + self.high - v for k, v in self.options.items()}
        out = {option_key(text): code for text, code in turned.items()}
        out |= {option_key(text): DONT_KNOW for text in self.dont_know}
        out |= {option_key(text): NOT_APPLICABLE for text in self.not_applicable}
        return out

    def numbered(self) -> dict[int, str]:
        """The platform's number of every option -> its key; a number whose option is not known is left out."""
        low, high = self.scale or (0, -1)
        told = (*self.options, *self.dont_know, *self.not_applicable)
        shown = self.order or (*range(low, high + 1), *(text for text in told if not is_blank(text)))
        return {n: option_key(text) for n, text in enumerate(shown, start=1) if text is not None}


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
    reject: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def questions(self) -> dict[str, Question]:
        return {**self.demographics, **self.items}

    @cached_property
    def headings(self) -> frozenset[str]:
        """Keys of every header that the codebook expects; they tell a header from rows of answers."""
        asked = [w for q in self.questions.values() for v in (q, *q.versions) for w in v.wordings]
        own = [w for part in (self.unit, self.columns, ROLE_HEADERS) for ws in part.values() for w in ws]
        return frozenset(map(question_key, (*asked, *own, *self.personal, *self.free_text, *self.ignore))) - {
            ""
        }


class Reading:
    """What the answers of one question mean: by text, by number where the codebook allows it.

    ``numbers``: what a bare number is that is no option's text: the number of an ``option``, the code itself
    (``values``), or a known answer without a meaning (``refused``). ``first``: whether that goes before the texts, in
    a file that gives numbers only.

    >>> reading = Reading(Question("q", ("办事服务",), {"满意": 2, "不满意": 1}, {}), "options")
    >>> reading("A.满意"), reading("2"), reading("很好")
    ((True, 2), (True, 1), (False, None))
    """

    def __init__(self, question: Question, numbers: str | None, *, first: bool = False) -> None:
        self._meanings, self._refused, self._first = question.meanings(), numbers == "refused", first
        low, high = question.scale or (0, -1)
        scale = {n: low + high - n if question.reversed else n for n in range(low, high + 1)}
        own: dict[int, Any] = {}
        if numbers == "options":
            points = {str(n): code for n, code in scale.items()}
            own = {n: (points | self._meanings)[key] for n, key in question.numbered().items()}
        elif numbers == "values":
            told = {code: self._meanings[option_key(text)] for text, code in question.options.items()}
            own = {code: code for code in (DONT_KNOW, NOT_APPLICABLE) if code in self._meanings.values()}
            own |= {int(c): m for c, m in told.items() if _DIGITS.fullmatch(str(c))}
        self._numbers = own if first else own | scale

    def __call__(self, text: str) -> tuple[bool, Any]:
        """Whether an answer is known, and its code (None: it counts as no answer)."""
        key = option_key(text)
        number = int(key) if _DIGITS.fullmatch(key) else None
        if self._refused and number is not None and number >= 0:
            return True, None
        if key in self._meanings and not (self._first and number is not None and number >= 0):
            return True, self._meanings[key]
        if number is not None and number in self._numbers:
            return True, self._numbers[number]
        before = option_key(key.partition(":")[0])
        if _OTHER.match(key) and before in self._meanings:
            return True, self._meanings[before]
        return False, None


def how_numbered(
    question: Question, seen: Collection[int], stated: str | None, by_number: bool | None
) -> str:
    """What the bare numbers of a column of a platform's export are, where that is sure.

    ``seen`` are the numbers, ``stated`` what the codebook says of them, ``by_number`` whether the file's other columns
    give numbers of options (True), texts (False) or tell nothing (None).

    Returns
    -------
    str
        ``texts`` (the options themselves, the points of a scale), ``values``, ``options``; ``unproven`` where the
        codebook does not say which option has which number, ``beyond`` where a number has no option, ``torn`` where a
        number is one option's text and another's number and nothing tells which is meant.
    """
    texts, places = Reading(question, None), Reading(question, "options", first=True)
    if (question.numbers or stated) == "values":
        return "values"
    said, placed = ({n: of(str(n)) for n in seen} for of in (texts, places))
    foreign = any(not known for known, _ in said.values())
    beyond = any(not known for known, _ in placed.values())
    clash = any(said[n][0] and said[n] != placed[n] for n in seen)
    if question.numbers == "options":
        return "beyond" if beyond else "options"
    if by_number is False or (not foreign and (beyond or not clash)):
        return "texts"
    if beyond:
        return "beyond"
    if not foreign and (by_number is None or question.scale):
        return "torn"
    return "options" if stated == "options" else "unproven"
