"""A printed column and what it holds: numbers in base units, dates, codes or text.

A column is read as a whole: it stays text when most of it is text, codes stay text with their zeros, and every
cell that was changed, doubted or refused is told, once per rule and wording.

>>> column = parse_column(["8", "1.2万", "—", "5-9"], "经费(万元)")
>>> column.label, column.values.tolist()
('经费(元)', [80000.0, 12000.0, nan, nan])
>>> [change.rule for change in column.changes]
['unit_in_cell', 'missing', 'range', 'base_unit']
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from commlab.intake.readings import ERRORS, MISSING, Reading, date_of_number, read
from commlab.intake.units import Unit, header_unit, scale

__all__ = ["Change", "Column", "is_number", "parse_column", "shown"]

_CODE = re.compile(
    r"代码|编码|区划码|邮编|邮政编码|电话|手机|身份证|证件|证号|卡号|账号|帐号|信用码|信用代码|编号|工号|\bcode\b|\bid\b|_id$",
    re.I,
)
_NOT_CODE = re.compile(r"数|率|量|额|面积")
_DATE = re.compile(r"日期|时间|年月|时点|截止|竣工|\bdate\b|\btime\b|_at$|_on$", re.I)
_CODE_LENGTHS = frozenset({11, 12, 15, 16, 17, 18, 19, 20})
_EXACT = 1e15  # a double holds 15 digits for certain
_MOST_WORDINGS = 10
_MOST_CELLS = 5

NUMBER, DATE, TEXT, EMPTY = "number", "date", "text", "empty"

# rule -> action, severity, message; {label}, {n}, {before} and {after} are filled in.
_TOLD = {
    "full_width": ("changed", "note", "full-width characters read as {after}"),
    "thousands": ("changed", "note", "thousands separators removed"),
    "accounting": ("changed", "note", "a number in brackets read as negative"),
    "percent": ("changed", "note", "per cent read as a share"),
    "unit_in_cell": ("changed", "note", "a unit in the cell brought to the base unit"),
    "duration": ("changed", "note", "a time span read in seconds"),
    "reciprocal": ("changed", "note", "a reciprocal read as a number"),
    "approximate": (
        "flagged",
        "warning",
        'an approximate number ("{before}") read as it stands; ask for the exact one',
    ),
    "month": ("changed", "note", "a month read as its first day"),
    "serial": ("changed", "note", "a spreadsheet's day number read as a date"),
    "packed": ("changed", "note", "eight digits read as a date"),
    "month_or_october": (
        "flagged",
        "warning",
        "{before} read as January; it may be October, which a spreadsheet stores alike",
    ),
    "missing": ("changed", "note", '"{before}" read as missing'),
    "none": ("flagged", "warning", '"{before}" read as missing; declare it zero if it means zero'),
    "error": (
        "flagged",
        "warning",
        "{before} is a spreadsheet's error and read as missing; mend the formula",
    ),
    "range": (
        "flagged",
        "warning",
        '"{before}" is a range, not a number; read as missing: ask for the number',
    ),
    "lossy": (
        "flagged",
        "error",
        '"{before}" is a long code that a spreadsheet has rounded; the digits are lost and nothing is guessed: format the '
        "column as text, enter the codes again and send the file again",
    ),
    "date_in_numbers": (
        "flagged",
        "warning",
        "{before} is a date in a column of numbers (a spreadsheet turns 5-9 into a date); read as missing",
    ),
    "not_a_number": ("flagged", "warning", '"{before}" is not a number; read as missing'),
    "not_a_date": ("flagged", "warning", '"{before}" is not a date; read as missing'),
    "percent_format": ("changed", "note", "shown as per cent in the sheet, so already a share"),
    "percent_mixed": (
        "flagged",
        "warning",
        "numbers above 1 stand beside shares in per cent ({before}); they are left as they are: check them",
    ),
    "declared_zero": ("changed", "note", '"{before}" read as zero, as declared'),
    "base_unit": ("changed", "note", "brought to the base unit: {before} is {after}"),
}


@dataclass(frozen=True)
class Change:
    """One thing done to cells of a column; ``positions`` are places in the list that was parsed."""

    rule: str
    action: str
    severity: str
    message: str
    n: int
    before: str | None = None
    after: str | None = None
    positions: tuple[int, ...] = ()


@dataclass(frozen=True)
class Column:
    """A parsed column.

    ``values`` is float64, datetime64[us] or str; ``printed`` the numbers in the unit the sheet prints (None for text
    and dates); ``unit`` the unit applied.
    """

    label: str
    kind: str
    values: pd.Series
    printed: np.ndarray | None
    unit: Unit | None
    changes: tuple[Change, ...]


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
    if isinstance(value, bool) or value is None:
        return False
    if isinstance(value, (int, float)):
        return True
    return isinstance(value, str) and read(value).kind == NUMBER


class _Cells:
    """The distinct cells of a column with their readings, and where each stands."""

    def __init__(self, cells: Sequence[Any], body: int) -> None:
        plain = [_plain(cell) for cell in cells]
        distinct = {cell: i for i, cell in enumerate(dict.fromkeys(plain))}
        self.values = list(distinct)
        self.codes = np.fromiter((distinct[cell] for cell in plain), dtype=np.intp, count=len(plain))
        self.counts = np.bincount(self.codes[:body], minlength=len(self.values))
        self.readings = [_reading(value) for value in self.values]

    def count(self, test: Callable[[Reading], bool]) -> int:
        return sum(
            int(n) for n, reading in zip(self.counts, self.readings, strict=True) if reading and test(reading)
        )

    def take(self, values: np.ndarray) -> np.ndarray:
        return values[self.codes] if len(values) else values

    def changes(self, done: dict[int, tuple[str, str]]) -> list[Change]:
        """Changes from distinct cell -> (rule, after), one per wording while these are few."""
        by_rule: dict[str, list[int]] = {}
        for i, (rule, _) in done.items():
            by_rule.setdefault(rule, []).append(i)
        out = []
        for rule, members in by_rule.items():
            groups = [[i] for i in members] if len(members) <= _MOST_WORDINGS else [members]
            for group in groups:
                where = np.flatnonzero(np.isin(self.codes, group))
                before = ", ".join(shown(self.values[i]) for i in group[:3]) + (
                    " ..." if len(group) > 3 else ""
                )
                after = ", ".join(dict.fromkeys(done[i][1] for i in group[:3])) + (
                    " ..." if len(group) > 3 else ""
                )
                out.append(told(rule, len(where), before, after, tuple(where[:_MOST_CELLS].tolist())))
        return out


def told(rule: str, n: int, before: str, after: str, positions: tuple[int, ...] = ()) -> Change:
    """A change with the action, severity and wording of its rule."""
    action, severity, message = _TOLD[rule]
    return Change(
        rule, action, severity, message.format(before=before, after=after), n, before, after, positions
    )


def _plain(cell: Any) -> Any:
    kind = type(cell)
    if kind is float or kind is str or cell is None or kind is dt.datetime:
        return cell
    if kind is bool:
        return shown(cell)
    if kind is int:
        return float(cell)
    if kind is dt.date:
        return dt.datetime(cell.year, cell.month, cell.day)
    if kind is dt.timedelta:
        return cell.total_seconds()
    if isinstance(cell, (float, np.floating)):
        return float(cell)
    return str(cell)


def _reading(value: Any) -> Reading | None:
    if value is None or value != value:
        return None
    if type(value) is float:
        return Reading("number", "", number=value)
    if type(value) is dt.datetime:
        return Reading("date", "", date=value)
    return read(value)


def parse_column(
    cells: Sequence[Any],
    label: str,
    *,
    body: int | None = None,
    unit: Unit | None = None,
    percents: frozenset[int] = frozenset(),
    none_is_zero: bool = False,
) -> Column:
    """Read a column.

    Parameters
    ----------
    cells : sequence
        Cells as a sheet stores them: None, str, float, datetime...
    label : str
        The header; its unit and words help to tell codes, dates and amounts.
    body : int, optional
        Only the first so many cells decide what the column holds; the rest (totals) is read alike.
    unit : Unit, optional
        Declared above the table, for a header without one.
    percents : set of int
        Positions of cells that the sheet shows as per cent.
    none_is_zero : bool
        Whether 无 means 0 here.
    """
    body = len(cells) if body is None else body
    found = _Cells(cells, body)
    own = header_unit(label)
    applied = own or unit
    kind = _kind(found, label, own)
    if kind == EMPTY:
        return Column(
            own.label if own else label, EMPTY, pd.Series(np.full(len(cells), np.nan)), None, own, ()
        )
    if kind == DATE:
        return _dates(found, label)
    if kind == TEXT:
        return _texts(found, label)
    return _numbers(found, label, own, applied, percents, none_is_zero)


def _kind(found: _Cells, label: str, own: Unit | None) -> str:
    if not found.count(lambda r: True):
        return EMPTY
    numbers = found.count(lambda r: r.kind == NUMBER)
    dates = found.count(lambda r: r.kind == DATE)
    loose = found.count(lambda r: r.kind == NUMBER and (r.loose or bool(date_of_number(r.number)[0])))
    other = found.count(lambda r: r.kind in (TEXT, "range", "lossy"))
    if not numbers + dates + other:
        return NUMBER if own or not found.count(lambda r: r.kind == "none") else TEXT
    last = label.rpartition("/")[2]
    if _is_code(found, last, own, numbers, other):
        return TEXT
    if dates > numbers + other or (
        _DATE.search(last) and not own and dates + loose > (numbers - loose) + other
    ):
        return DATE
    if own and numbers:
        return NUMBER if numbers * 3 >= other else TEXT
    return NUMBER if numbers and numbers >= other + dates else DATE if dates > other else TEXT


def _is_code(found: _Cells, label: str, own: Unit | None, numbers: int, other: int) -> bool:
    if own:
        return False
    if found.count(lambda r: r.code):
        return True
    if not numbers:
        return False
    whole = found.count(lambda r: r.kind == NUMBER and not r.rule and r.number.is_integer())
    if _CODE.search(label) and not _NOT_CODE.search(label) and whole == numbers:
        return True
    lengths = {
        len(str(int(abs(r.number))))
        for r, n in zip(found.readings, found.counts, strict=True)
        if n and r and r.kind == NUMBER and r.number.is_integer()
    }
    return whole == numbers and len(lengths) == 1 and lengths <= _CODE_LENGTHS


def _numbers(
    found: _Cells,
    label: str,
    own: Unit | None,
    applied: Unit | None,
    percents: frozenset[int],
    none_is_zero: bool,
) -> Column:
    raw = np.full(len(found.values), np.nan)
    absolute = np.zeros(len(found.values), dtype=bool)
    done: dict[int, tuple[str, str]] = {}
    for i, reading in enumerate(found.readings):
        if reading is None:
            continue
        if reading.kind == NUMBER:
            raw[i], absolute[i] = reading.number, reading.absolute
            if reading.rule:
                done[i] = reading.rule, shown(reading.number)
        elif reading.kind == "none" and none_is_zero:
            raw[i] = 0.0
            done[i] = "declared_zero", "0"
        elif reading.kind == DATE:
            done[i] = "date_in_numbers", ""
        else:
            done[i] = (reading.kind if reading.kind != TEXT else "not_a_number"), ""
    times = applied.times if applied else 1.0
    numbers, own_unit = found.take(raw), found.take(absolute)
    changes = found.changes(done)
    if times < 1 and percents:
        # The sheet shows these cells as per cent: 0.35 is printed 35 %.
        shares = np.zeros(len(numbers), dtype=bool)
        shares[[i for i in percents if not np.isnan(numbers[i])]] = True
        own_unit = own_unit | shares
        if shares.any():
            first = int(np.flatnonzero(shares)[0])
            changes.append(
                told("percent_format", int(shares.sum()), shown(float(numbers[first])), "", (first,))
            )
    if times == 1 and own_unit.any():
        changes += _mixed_percent(found, raw)
    base = np.where(own_unit, numbers, scale(numbers, times))
    printed = np.where(own_unit, numbers / times, numbers) if times != 1 else numbers
    if applied and times != 1:
        scaled = int((~own_unit & ~np.isnan(numbers)).sum())
        if scaled:
            first = int(np.flatnonzero(~own_unit & ~np.isnan(numbers))[0])
            changes.append(
                told(
                    "base_unit",
                    scaled,
                    shown(float(numbers[first])),
                    f"{shown(float(base[first]))} {applied.name}",
                    (first,),
                )
            )
    name = own.label if own else label
    return Column(name, NUMBER, pd.Series(base), printed, applied, tuple(changes))


def _mixed_percent(found: _Cells, raw: np.ndarray) -> list[Change]:
    shares = [i for i, r in enumerate(found.readings) if r and r.rule == "percent"]
    plain = [i for i, r in enumerate(found.readings) if r and r.kind == NUMBER and not r.rule and raw[i] > 1]
    if not shares or not plain:
        return []
    return found.changes({i: ("percent_mixed", shown(float(raw[i]))) for i in plain})


def _dates(found: _Cells, label: str) -> Column:
    values = np.full(len(found.values), np.datetime64("NaT"), dtype="datetime64[us]")
    done: dict[int, tuple[str, str]] = {}
    for i, reading in enumerate(found.readings):
        if reading is None:
            continue
        date, rule = reading.date, reading.rule
        if reading.kind == NUMBER:
            if date is None:
                date, rule = date_of_number(reading.number)
            else:
                rule = "packed" if reading.number > 1e6 else "month"
        if reading.kind in (NUMBER, DATE) and date is not None:
            values[i] = np.datetime64(date, "us")
            if rule and rule != "date":
                done[i] = rule, shown(date)
        elif reading.kind in ("missing", "none", "error", "lossy"):
            done[i] = reading.kind, ""
        else:
            done[i] = "not_a_date", ""
    return Column(label, DATE, pd.Series(found.take(values)), None, None, tuple(found.changes(done)))


def _texts(found: _Cells, label: str) -> Column:
    values = np.empty(len(found.values), dtype=object)
    done: dict[int, tuple[str, str]] = {}
    for i, (value, reading) in enumerate(zip(found.values, found.readings, strict=True)):
        values[i] = np.nan
        if reading is None:
            continue
        if reading.kind == "lossy" or (type(value) is float and value.is_integer() and abs(value) >= _EXACT):
            done[i] = "lossy", ""
        elif type(value) is str and (value.strip() in MISSING or reading.kind in ("missing", "error")):
            done[i] = ("error" if value.strip() in ERRORS else "missing"), ""
        else:
            values[i] = value.strip() if type(value) is str else shown(value)
    taken = pd.Series(found.take(values), dtype="str")
    return Column(label, TEXT, taken, None, None, tuple(found.changes(done)))
