"""One source, two languages: what the library prints, and how numbers and dates look.

Message ids are English sentences with named fields. ``Text("en")`` prints them as they are, ``Text("zh")``
looks them up in ``locale/zh.po``; an id without a translation is an error, because an English label in the
Chinese edition is one. ``untranslated`` lists such ids by reading the code. ``clean`` takes out of any text
what no page may print: control characters, invisible characters, changes of writing direction.

>>> t = Text("en")
>>> t("{unit} scored {score}", unit="五华区", score=t.number(81.25))
'五华区 scored 81.3'
"""

from __future__ import annotations

import ast
import datetime as dt
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd

from commlab.errors import ParameterError

__all__ = ["LANGUAGES", "MISSING", "SAMPLE_MARK", "UNSEEN", "Text", "clean", "unseen", "untranslated"]

LANGUAGES = ("zh", "en")
MISSING = "—"
"""What stands where there is no value."""
SAMPLE_MARK = "模拟数据 / sample data"
"""Stands on everything made from fabricated data, the same in both languages."""

# Digits enough for every float; half away from zero, as spreadsheets round.
_EXACT = Context(prec=400, rounding=ROUND_HALF_UP)
UNSEEN = (
    "\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufdd0-\ufdef\ufff9-\uffff\U000e0000-\U000e0fff"
)
"""Ranges of a character class: control characters but tab and line ends; zero-width and direction marks; blank letters;
non-characters."""
_UNSEEN = re.compile(f"[{UNSEEN}\ud800-\udfff]")
# Joiners mean something in scripts that join letters and between pictures (families, flags).
_JOINERS = "\u200c\u200d"
_JOINED = re.compile("[\u0600-\u109f\u1780-\u17ff\u2190-\u2bff\ufe0f\U0001f000-\U0001faff]")
_LINE_ENDS = re.compile("\r\n|[\r\x85\u2028\u2029]")


def clean(value: object) -> str:
    """The text of a value without characters that are invisible, steer the writing or break XML.

    >>> clean("朝\\u200b阳\\x08区")
    '朝阳区'
    """
    return _UNSEEN.sub(_kept, _LINE_ENDS.sub("\n", str(value)))


def unseen(text: str) -> str:
    """The characters that ``clean`` takes out of a text, each once, in their order.

    >>> [f"U+{ord(c):04X}" for c in unseen("朝\\u200b阳\\u202e区\\u200b")]
    ['U+200B', 'U+202E']
    """
    return "".join(dict.fromkeys(m[0] for m in _UNSEEN.finditer(text) if not _kept(m)))


def _kept(match: re.Match[str]) -> str:
    """What stays of a character that is not seen: a joiner between letters or pictures that it joins."""
    if match[0] not in _JOINERS:
        return ""
    text, at = match.string, match.start()
    return match[0] * bool(at and _JOINED.match(text[at - 1]) and _JOINED.match(text[at + 1 : at + 2]))


@cache
def _catalog(language: str) -> dict[str, str]:
    # Babel is imported here because most uses of the library print nothing.
    from babel.messages.pofile import read_po

    with (resources.files("commlab") / "locale" / f"{language}.po").open("rb") as file:
        entries = read_po(file, locale=language, abort_invalid=True)
    return {str(m.id): str(m.string) for m in entries if m.id and m.string and not m.fuzzy}


def _missing(value: object) -> bool:
    return value is None or (pd.api.types.is_scalar(value) and bool(pd.isna(value)))


def _as_float(value: Any) -> float:
    if isinstance(value, (bool, str)) or not hasattr(value, "__float__"):
        raise ParameterError(f"{value!r} is not a number; print it as text")
    return float(value)


@dataclass(frozen=True)
class Text:
    """The sentences and number formats of one language.

    Parameters
    ----------
    language : {"zh", "en"}

    Raises
    ------
    ParameterError
        If the language is not known, a message has no translation, or a field that it names is not given.

    Notes
    -----
    Numbers are rounded half up on their decimal digits, as spreadsheets do: reports and workbooks then agree.
    A missing value prints as ``MISSING``.
    """

    language: str = "zh"

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise ParameterError(f"no language is called {self.language!r}; known: {', '.join(LANGUAGES)}")

    def __call__(self, message: str, /, **fields: object) -> str:
        """The message in this language with its fields filled in."""
        template = self.template(message)
        try:
            return template.format(**fields) if fields or "{" in template else template
        except (KeyError, IndexError) as error:
            raise ParameterError(f"message {message!r} names the field {error} that was not given") from None

    def template(self, message: str) -> str:
        """The message in this language before its fields are filled in."""
        if self.language == "en":
            return message
        try:
            return _catalog(self.language)[message]
        except KeyError:
            raise ParameterError(
                f"no {self.language} translation of {message!r}; add it to commlab/locale/{self.language}.po"
            ) from None

    def knows(self, message: str) -> bool:
        """Whether the message has a translation."""
        return self.language == "en" or message in _catalog(self.language)

    def number(self, value: object, digits: int = 1, *, signed: bool = False) -> str:
        """A number with thousands separators and a fixed number of decimals.

        >>> Text("zh").number(1234.25), Text("zh").number(-0.04), Text("zh").number(None)
        ('1,234.3', '0.0', '—')
        """
        if _missing(value):
            return MISSING
        size = _as_float(value)
        if math.isinf(size):
            return "∞" if size > 0 else "-∞"
        exact = Decimal(value) if isinstance(value, int) else Decimal(repr(size))
        rounded = exact.quantize(Decimal(1).scaleb(-digits), context=_EXACT)
        if rounded == 0:
            rounded = abs(rounded)
        return f"{rounded:+,f}" if signed and rounded != 0 else f"{rounded:,f}"

    def integer(self, value: object) -> str:
        """A whole number. ``Text("zh").integer(12012)`` is ``12,012``."""
        return self.number(value, 0)

    def signed(self, value: object, digits: int = 1) -> str:
        """A difference: a plus sign where it is above zero."""
        return self.number(value, digits, signed=True)

    def percent(self, value: object, digits: int = 1) -> str:
        """A fraction as a percentage.

        >>> Text("en").percent(0.8529)
        '85.3%'
        """
        shown = self.number(_times_100(value), digits)
        return shown if shown == MISSING else f"{shown}%"

    def points(self, value: object, digits: int = 1) -> str:
        """A difference of two fractions, in percentage points with its sign; the header names the unit."""
        return self.number(_times_100(value), digits, signed=True)

    def interval(self, low: object, high: object, digits: int = 1, *, percent: bool = False) -> str:
        """An interval, missing where an end is.

        >>> Text("en").interval(-1.24, 3), Text("en").interval(0.5, 0.75, percent=True)
        ('[-1.2, 3.0]', '[50.0%, 75.0%]')
        """
        if _missing(low) or _missing(high):
            return MISSING
        show = self.percent if percent else self.number
        return f"[{show(low, digits)}, {show(high, digits)}]"

    def p_value(self, value: object) -> str:
        """A p value with three decimals, never as zero.

        >>> Text("en").p_value(0.00004), Text("en").p_value(0.0412)
        ('<0.001', '0.041')
        """
        if _missing(value):
            return MISSING
        return "<0.001" if _as_float(value) < 0.001 else self.number(value, 3)

    def date(self, value: dt.date | str | None) -> str:
        """A day in words. ``Text("en").date("2019-12-31")`` is ``31 December 2019``."""
        if _missing(value):
            return MISSING
        from babel.dates import format_date

        day = pd.Timestamp(value)  # type: ignore[arg-type]
        if _missing(day):
            return MISSING
        return format_date(day.date(), "long", locale={"zh": "zh_CN", "en": "en_GB"}[self.language])

    def period(self, period: str) -> str:
        """A reporting period in words.

        >>> Text("zh").period("2019Q4"), Text("en").period("2019Q4"), Text("zh").period("2019")
        ('2019年第四季度', 'Q4 2019', '2019年')
        """
        found = re.fullmatch(r"(\d{4})(?:([HQM])(\d{1,2}))?", period)
        if not found:
            raise ParameterError(f"{period!r} is not a period; write 2019, 2019H1, 2019Q4 or 2019M11")
        year, kind, number = found[1], found[2] or "", int(found[3] or 0)
        if self.language == "zh":
            part = {
                "H": "上下"[number - 1 : number] + "半年",
                "Q": f"第{'一二三四'[number - 1 : number]}季度",
            }
            return f"{year}年" + ({**part, "M": f"{number}月"}[kind] if kind else "")
        part = {"H": f"half {number} of ", "Q": f"Q{number} ", "M": f"month {number} of "}
        return (part[kind] if kind else "") + year

    def listing(self, names: Iterable[object]) -> str:
        """Several names in one sentence. ``Text("zh").listing(["a", "b"])`` is ``a、b``."""
        return ("、" if self.language == "zh" else ", ").join(str(n) for n in names)


def _times_100(value: object) -> object:
    """A fraction times 100 without the binary dust of 0.285 * 100 = 28.499999999999996."""
    if _missing(value) or math.isinf(_as_float(value)):
        return value
    return float(Decimal(repr(_as_float(value))) * 100)


def untranslated(folder: Path, *, language: str = "zh", names: tuple[str, ...] = ("t", "text")) -> list[str]:
    """Message ids that the code below ``folder`` prints and the catalog lacks.

    Parameters
    ----------
    folder : Path
        Read for calls ``t("...")`` and ``anything.t("...")`` of the given names with a literal first
        argument.

    Returns
    -------
    list of str
        ``file:line: id``, in the order of the code.
    """
    known = _catalog(language)
    return [
        f"{path.relative_to(folder).as_posix()}:{line}: {message}"
        for path in sorted(folder.rglob("*.py"))
        for line, message in _messages(path.read_text(encoding="utf-8"), names)
        if message not in known
    ]


def _messages(code: str, names: tuple[str, ...]) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        first = node.args[0]
        choices = [first.body, first.orelse] if isinstance(first, ast.IfExp) else [first]
        if name in names:
            found += [
                (c.lineno, c.value)
                for c in choices
                if isinstance(c, ast.Constant) and isinstance(c.value, str)
            ]
    return sorted(found)
