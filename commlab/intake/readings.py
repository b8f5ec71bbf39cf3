"""One printed cell and what it says: a number, a date, nothing, or text that is neither.

``read`` looks at one text; ``values`` decides for a whole column what it holds. Nothing is guessed: a range
(5-9), a bound (2000以上) or a code that a spreadsheet has rounded (5.30102E+11) is never a number.

>>> read("1.2万").number, read("约2000").rule, read("5-9").kind
(12000.0, 'approximate', 'range')
>>> read("2018年9月").date
datetime.datetime(2018, 9, 1, 0, 0)
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from commlab.intake import units, words

__all__ = [
    "ERRORS",
    "MISSING",
    "NONE",
    "Reading",
    "date_of_number",
    "is_code_label",
    "is_number",
    "read",
    "shown",
]
MISSING = words.word_set(
    "- -- --- ---- — —— ——— – ― ─ －－ / // \\ . .. … …… ? ?? * ** *** × #N/A N/A n/a NA na NaN nan "
    "NULL null None "
    "不详 未详 空 缺 缺失 暂缺 暂无 暂无数据 无数据 未统计 未填 未填报 未知 无法统计"
)
"""Texts that stand for a missing value."""
NONE = words.word_set("无 没有 无。 (无)")
"""Texts that may mean zero or missing: read as missing, and flagged."""
ERRORS = words.word_set("#DIV/0! #N/A #NAME? #NULL! #NUM! #REF! #VALUE! #GETTING_DATA #SPILL! #CALC!")
"""Errors that a spreadsheet shows in place of a result."""

_ABOUT = re.compile(r"^(?:约为|大约|大概|将近|接近|约|近|≈|~)|(?:左右|上下|余|多)(?=\D{0,3}$)")
_NUMBER = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|[-+]?\.\d+")
_WHOLE = re.compile(
    r"(?P<open>\()?(?P<money>[¥¥$])?(?P<number>[-+]?(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,2})?)"
    r"(?P<rest>[^\d.,()]*?(?:\d?(?:/\S+)?)?)(?(open)\))"
)
_LOSSY = re.compile(r"\d(?:\.\d+)?[eE]\+?(?:1[1-9]|[2-9]\d)")
_RANGE = re.compile(r"\d+(?:\.\d+)?%?[^\deE]{0,2}\s*(?:[-~—–―至到]|\.{2,}|--)\s*\d+(?:\.\d+)?%?\s*\D{0,3}")
_SPACED = re.compile(r"[-+]?\d{1,3}(?: \d{3})+(?:\.\d+)?")
_RECIPROCAL = re.compile(r"1/([1-9])")
_DURATION = re.compile(r"(?:(\d+)(?:小时|时))?(?:(\d+)分钟?)?(?:(\d+(?:\.\d+)?)秒钟?)?")
_DAY = re.compile(
    r"(\d{4})(?:[-/.年])(\d{1,2})(?:[-/.月])(\d{1,2})日?"
    r"(?:[ T]*(\d{1,2})[:时](\d{1,2})(?:[:分](\d{1,2})(?:\.\d+)?秒?)?分?)?Z?"
)
_MONTH = re.compile(r"(\d{4})年(\d{1,2})月份?|(\d{4})-(0[1-9]|1[0-2])|(\d{4})/(0[1-9]|1[0-2])")
_LOOSE_MONTH = re.compile(r"((?:19|20)\d{2})[./-](\d{1,2})")
_PACKED = re.compile(r"((?:19|20)\d{2})(\d{2})(\d{2})")
_PACKED_MONTH = re.compile(r"((?:19|20)\d{2})(0[1-9]|1[0-2])")
_ZERO = re.compile(r"[\u200b\u200c\u200d\u2060\ufeff\xad]")
_CODE = re.compile(
    r"代码|编码|区划码|邮编|邮政编码|联系电话|电话号|手机号|^手机$|^电话$|身份证|证件号|证号|卡号|账号|帐号|信用码|编号|工号"
    r"|\bcode\b|\bid\b|_id$|_code$",
    re.I,
)
_EPOCH = dt.datetime(1899, 12, 30)
_PLAIN_DIGITS = 15
_SERIALS = (20_000, 80_000)  # 1954 to 2119


@dataclass(frozen=True)
class Reading:
    """What one cell says.

    ``kind`` is ``number``, ``date``, ``missing``, ``none``, ``error``, ``range``, ``lossy`` or ``text``;
    ``rule`` names what was done to read it (empty: nothing). ``absolute`` numbers carry their own unit and
    are in base units already. ``loose`` dates may be meant as numbers (2018.9).
    """

    kind: str
    text: str
    number: float = float("nan")
    date: dt.datetime | None = None
    rule: str = ""
    absolute: bool = False
    loose: bool = False
    code: bool = False


def read(cell: str) -> Reading:
    """Read one text.

    >>> [read(t).number for t in ("1,234", "１２", "10%", "2分3秒", "35人", "8万元", "−5", "(1,200)")]
    [1234.0, 12.0, 0.1, 123.0, 35.0, 80000.0, -5.0, -1200.0]
    >>> [read(t).kind for t in ("—", "无", "#DIV/0!", "5.30102E+11", "五华区", "2000以上", "1,23")]
    ['missing', 'none', 'error', 'lossy', 'text', 'text', 'text']
    """
    text = cell.strip()
    if not text.isascii():
        text = _ZERO.sub("", unicodedata.normalize("NFKC", cell)).strip().replace("−", "-")
    if text[:1] == "'" and text[1:2].isdigit() and (bare := read(text[1:])).kind == "number":
        return replace(bare, rule=bare.rule or "apostrophe")
    if text.isascii() and text.isdigit() and len(text) <= _PLAIN_DIGITS:
        return _whole(text, "full_width" if text != cell.strip() else "")
    if not text or text in MISSING or cell.strip() in MISSING:
        return Reading("error" if text in ERRORS else "missing", text)
    if text in NONE:
        return Reading("none", text)
    if text in ERRORS:
        return Reading("error", text)
    first = text[0]
    if not (first.isdigit() or first in "-+.¥$(约近大将接≈~") or len(text) > 40:
        return Reading("text", text)
    if _LOSSY.fullmatch(text):
        return Reading("lossy", text)
    if date := _date(text):
        return date
    if _RANGE.fullmatch(text):
        return Reading("range", text)
    return _number(text, changed=text != cell.strip()) or Reading("text", text)


def _whole(text: str, rule: str) -> Reading:
    date = None
    if len(text) == 8 and (packed := _PACKED.fullmatch(text)):
        date = _moment(*(int(part) for part in packed.groups()))
    code = len(text) > 1 and text[0] == "0"
    return Reading("number", text, number=float(text), date=date, rule=rule, loose=bool(date), code=code)


def _date(text: str) -> Reading | None:
    if found := _DAY.fullmatch(text):
        date = _moment(*(int(part) if part else 0 for part in found.groups()))
        return Reading("date", text, date=date, rule="date") if date else None
    if found := _MONTH.fullmatch(text):
        year, month = (part for part in found.groups() if part)
        date = _moment(int(year), int(month), 1)
        return Reading("date", text, date=date, rule="month") if date else None
    if found := _LOOSE_MONTH.fullmatch(text):
        date = _moment(int(found.group(1)), int(found.group(2)), 1)
        if date and "." in text:
            return Reading("number", text, number=float(text), date=date, rule="", loose=True)
        return Reading("date", text, date=date, rule="month") if date else None
    return None


def _moment(
    year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0
) -> dt.datetime | None:
    try:
        return dt.datetime(year, month, day, hour, minute, second)
    except ValueError:
        return None


def _number(text: str, *, changed: bool) -> Reading | None:
    rule = "full_width" if changed else ""
    if _SPACED.fullmatch(text):
        text, rule = text.replace(" ", ""), "thousands"
    about = _ABOUT.sub("", text).strip()
    if about != text:
        rule = "approximate"
    if found := _RECIPROCAL.fullmatch(about):
        return Reading("number", text, number=1 / int(found.group(1)), rule="reciprocal")
    if (found := _DURATION.fullmatch(about)) and (found.group(3) or (found.group(2) and found.group(1))):
        hours, minutes, seconds = (float(part or 0) for part in found.groups())
        return Reading(
            "number", text, number=hours * 3600 + minutes * 60 + seconds, rule="duration", absolute=True
        )
    found = _WHOLE.fullmatch(about)
    if not found:
        return None
    digits, rest = found.group("number"), found.group("rest").strip()
    try:
        value = Decimal(digits.replace(",", ""))
    except InvalidOperation:
        return None
    if found.group("open"):
        value = -value
        rule = rule or "accounting"
    absolute = False
    if rest:
        rest = _ABOUT.sub("", rest)
        scaled = _unit_factor(rest)
        if scaled is None:
            return None
        value *= scaled
        absolute = True
        rule = rule if rule == "approximate" else ("percent" if rest in "%‰" else "unit_in_cell")
    elif "," in digits and not rule:
        rule = "thousands"
    number = float(value)
    if number in (float("inf"), float("-inf")):
        return None
    code = digits.isdigit() and len(digits) > 1 and digits[0] == "0"
    return Reading("number", text, number=number, rule=rule, absolute=absolute, code=code)


def _unit_factor(rest: str) -> Decimal | None:
    for sign, factor in (("%", "0.01"), ("‰", "0.001")):
        if rest == sign:
            return Decimal(factor)
    for magnitude, times in units.MAGNITUDES.items():
        if rest == magnitude or (rest.startswith(magnitude) and units.is_unit(rest)):
            return Decimal(int(times))
    return Decimal(1) if units.is_unit(rest) else None


def date_of_number(value: float) -> tuple[dt.datetime | None, str]:
    """The date that a number means in a column of dates, and the rule: serial, packed digits or year.month.

    >>> date_of_number(43738.0)
    (datetime.datetime(2019, 9, 30, 0, 0), 'serial')
    >>> date_of_number(2018.9), date_of_number(20180905.0)[0].day
    ((datetime.datetime(2018, 9, 1, 0, 0), 'month'), 5)
    >>> date_of_number(2018.1)[1], date_of_number(7.0)
    ('month_or_october', (None, ''))
    """
    if _SERIALS[0] <= value <= _SERIALS[1]:
        return _EPOCH + dt.timedelta(seconds=round(value * 86_400)), "serial"
    if value == int(value) and (found := _PACKED.fullmatch(str(int(value)))):
        return _moment(*(int(part) for part in found.groups())), "packed"
    if value == int(value) and (found := _PACKED_MONTH.fullmatch(str(int(value)))):
        return _moment(int(found.group(1)), int(found.group(2)), 1), "month"
    if found := _LOOSE_MONTH.fullmatch(repr(float(value))):
        month = int(found.group(2))
        if month:
            # A spreadsheet stores 2018.10 as 2018.1: January and October look alike.
            return _moment(int(found.group(1)), month, 1), "month_or_october" if month == 1 else "month"
    return None, ""


def shown(value: Any) -> str:
    """A cell as a person would write it.

    >>> shown(12.0), shown(0.5), shown(dt.datetime(2019, 9, 30)), shown(True)
    ('12', '0.5', '2019-09-30', 'TRUE')
    """
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e18 else repr(value)
    if isinstance(value, dt.datetime):
        return str(value.date() if value.time() == dt.time() else value)
    return str(value)


def is_number(value: Any) -> bool:
    """Whether a cell on its own reads as a number."""
    if type(value) is float:
        return True
    if isinstance(value, bool) or value is None:
        return False
    if isinstance(value, int):
        return True
    if not isinstance(value, str):
        return False
    start = value.lstrip()[:1]
    if start.isalpha() and start not in "约近大将接":
        return False
    return (value.isascii() and value.isdigit()) or read(value).kind == "number"


def is_code_label(label: str) -> bool:
    """Whether a header names codes, which stay text.

    >>> is_code_label("社区代码"), is_code_label("联系电话"), is_code_label("手机部数")
    (True, True, False)
    """
    return bool(_CODE.search(label.rpartition("/")[2]))
