"""A question as a codebook holds it, and the forms in which questions and options are compared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from commlab.intake.forms import squash
from commlab.periods import period_key
from commlab.tables import DONT_KNOW, NOT_APPLICABLE

__all__ = ["FILL_IN", "Question", "Reading", "option_key", "question_key", "typed_in"]

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
_DIGITS = re.compile(r"-?\d{1,3}")


def question_key(text: object) -> str:
    """A question as it is compared: without number, type suffix, spaces and closing punctuation.

    >>> question_key("3、您的性别 [单选题]") == question_key("您的性别：")
    True
    """
    plain = squash(text)
    key = _SUFFIX.sub("", _NUMBERING.sub("", plain)).strip("*:?。.,;、")
    return plain if key.isdigit() else key  # q2_1 is a name, not question 2 with the text 1


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
    order: tuple[str, ...] = ()
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

    def numbered(self) -> list[str]:
        """Option keys in the order in which the platform numbers them."""
        shown = self.order or (*self.options, *self.dont_know, *self.not_applicable)
        return [option_key(text) for text in shown]


class Reading:
    """What the answers of one question mean: by text, by number where the codebook allows it.

    >>> reading = Reading(Question("q", ("办事服务",), {"满意": 2, "不满意": 1}, {}), "options")
    >>> reading("A.满意"), reading("2"), reading("很好")
    ((True, 2), (True, 1), (False, None))
    """

    def __init__(self, question: Question, numbers: str | None) -> None:
        self._meanings, order = question.meanings(), question.numbered()
        low, high = question.scale or (0, -1)
        codes = range(low, high + 1)
        self._numbers = {n: low + high - n if question.reversed else n for n in codes}
        if numbers == "options":
            own = {n: self._meanings[key] for n, key in enumerate(order, start=1)}
            self._numbers = own | self._numbers
        elif numbers == "values":
            told = {code: self._meanings[option_key(text)] for text, code in question.options.items()}
            kept = {code: code for code in (DONT_KNOW, NOT_APPLICABLE) if code in self._meanings.values()}
            self._numbers = kept | told | self._numbers

    def __call__(self, text: str) -> tuple[bool, Any]:
        """Whether an answer is known, and its code (None: it counts as no answer)."""
        key = option_key(text)
        if key in self._meanings:
            return True, self._meanings[key]
        if _DIGITS.fullmatch(key) and int(key) in self._numbers:
            return True, self._numbers[int(key)]
        before = option_key(key.partition(":")[0])
        if _OTHER.match(key) and before in self._meanings:
            return True, self._meanings[before]
        return False, None
