"""A printed column and what it holds: numbers in base units, dates, codes or text.

A column is read as a whole: it stays text when most of it is text, codes stay text with their zeros, and
every cell that was changed, doubted or refused is told, once per rule and wording.

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

from commlab.intake.changes import Change, told
from commlab.intake.readings import (
    ERRORS,
    MISSING,
    Reading,
    date_of_number,
    is_code_label,
    is_number,
    read,
    shown,
)
from commlab.intake.units import Unit, header_unit, scale

__all__ = ["Column", "is_code_label", "is_number", "parse_column", "shown"]

_DATE = re.compile(r"日期|时间|年月|时点|截止|竣工|\bdate\b|\btime\b|_at$|_on$", re.I)
_CODE_LENGTHS = frozenset({11, 12, 15, 16, 17, 18, 19, 20})
_EXACT = 1e15  # a double holds 15 digits for certain
_CROSS = "×"  # beside √ it says no
_SPAN = re.compile(r"(?:秒|分钟|小时|天|周|月|年)$")
_NOTHING = Reading("missing", "")
_LONGEST = 60
_MOST_WORDINGS = 10
_MOST_CELLS = 5

NUMBER, DATE, TEXT, EMPTY = "number", "date", "text", "empty"
_AS_STORED = frozenset({float, str, dt.datetime, type(None)})
_WORDY = frozenset({"unit_in_cell", "approximate", "percent"})


@dataclass(frozen=True)
class Column:
    """A parsed column.

    ``values`` is float64, datetime64[us] or str; ``printed`` the numbers in the unit that the sheet prints
    (None for text and dates); ``unit`` the unit applied.
    """

    label: str
    kind: str
    values: pd.Series
    printed: np.ndarray | None
    unit: Unit | None
    changes: tuple[Change, ...]


class _Cells:
    """A column's cells: numbers as an array, all others distinct with their readings and places."""

    def __init__(self, cells: Sequence[Any], body: int) -> None:
        n = len(cells)
        kinds = set(map(type, cells))
        self.floats = np.full(n, np.nan)
        self.values: list[Any] = []
        self.codes = np.full(n, -1, dtype=np.intp)
        if kinds <= {float, type(None)}:
            self.floats = np.array(cells, dtype=float) if n else self.floats
        else:
            if not kinds <= _AS_STORED:
                cells = [_plain(cell) for cell in cells]
            others = np.empty(n, dtype=object)
            others[:] = cells
            is_float = np.array([type(cell) is float for cell in cells])
            self.floats[is_float] = others[is_float].astype(float)
            others[is_float] = None
            self.codes, distinct = pd.factorize(others)
            self.values = list(distinct)
        self.readings = [_reading(value) for value in self.values]
        if not (np.any(self.codes[:body] >= 0) or np.isfinite(self.floats[:body]).any()):
            body = n  # the body is blank, so the totals decide
        codes = self.codes[:body]
        self.counts = np.bincount(codes[codes >= 0], minlength=len(self.values))
        mine = self.floats[:body]
        self.numbers = mine[np.isfinite(mine)]

    def count(self, test: Callable[[Reading], bool]) -> int:
        """Cells of the body other than plain numbers that pass a test."""
        return sum(int(n) for n, r in zip(self.counts, self.readings, strict=True) if n and test(r))

    def take(self, values: np.ndarray, blank: Any) -> np.ndarray:
        """Spread values of the distinct cells over their places."""
        return np.append(values, np.array([blank], dtype=values.dtype))[self.codes]

    def changes(self, done: dict[int, tuple[str, str]]) -> list[Change]:
        """Changes from distinct cell -> (rule, after), one per wording while these are few."""
        by_rule: dict[str, list[int]] = {}
        for i, (rule, _) in done.items():
            by_rule.setdefault(rule, []).append(i)
        out = []
        for rule, members in by_rule.items():
            for group in [[i] for i in members] if len(members) <= _MOST_WORDINGS else [members]:
                where = np.flatnonzero(np.isin(self.codes, group))
                more = " ..." if len(group) > 3 else ""
                before = ", ".join(shown(self.values[i]) for i in group[:3]) + more
                after = ", ".join(dict.fromkeys(done[i][1] for i in group[:3]))
                out.append(told(rule, len(where), before, after + (more if after else ""), _first(where)))
        return out


def _first(where: np.ndarray) -> tuple[int, ...]:
    return tuple(where[:_MOST_CELLS].tolist())


def _plain(cell: Any) -> Any:
    kind = type(cell)
    if kind in _AS_STORED:
        return cell
    if kind is bool:
        return shown(cell)
    if kind is dt.timedelta:
        return cell.total_seconds()
    if isinstance(cell, dt.date):
        return dt.datetime(cell.year, cell.month, cell.day)
    return float(cell) if isinstance(cell, (int, float, np.number)) else str(cell)


def _reading(value: Any) -> Reading:
    return Reading("date", "", date=value) if type(value) is dt.datetime else read(value)


def parse_column(
    cells: Sequence[Any],
    label: str,
    *,
    body: int | None = None,
    unit: Unit | None = None,
    percents: frozenset[int] | None = frozenset(),
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
    percents : set of int, optional
        Positions of cells that the sheet shows as per cent; None: the file does not tell.
    none_is_zero : bool
        Whether 无 means 0 here.
    """
    found = _Cells(cells, len(cells) if body is None else body)
    own = header_unit(label)
    kind = _kind(found, label, own)
    if kind == EMPTY:
        return Column(
            own.label if own else label, EMPTY, pd.Series(np.full(len(cells), np.nan)), None, own, ()
        )
    if kind == DATE:
        return _dates(found, label)
    if kind == TEXT:
        return _texts(found, label)
    return _numbers(found, label, own, own or unit, percents, none_is_zero)


# --------------------------------------------------------------------------------- what a column holds


def _kind(found: _Cells, label: str, own: Unit | None) -> str:
    plain = len(found.numbers)
    if not plain and not found.counts.any():
        return EMPTY
    numbers = plain + found.count(lambda r: r.kind == NUMBER)
    dates = found.count(lambda r: r.kind == DATE)
    texts = found.count(lambda r: r.kind == TEXT)
    other = texts + found.count(lambda r: r.kind in ("range", "lossy"))
    if not numbers + dates + other:
        return TEXT if not own and found.count(lambda r: r.kind == "none" or r.text == _CROSS) else NUMBER
    last = label.rpartition("/")[2]
    if not own and _is_code(found, last, numbers, other):
        return TEXT
    if dates > numbers + other:
        return DATE
    if not own and _DATE.search(last):
        loose = found.count(
            lambda r: r.kind == NUMBER and (r.loose or date_of_number(r.number)[0] is not None)
        )
        loose += sum(date_of_number(v)[0] is not None for v in found.numbers.tolist())
        if dates + loose > (numbers - loose) + other:
            return DATE
    if own and numbers:
        return NUMBER if numbers * 3 >= other else TEXT
    if not numbers or numbers < other + dates:
        return DATE if dates > other else TEXT
    # Answers such as "1部", "2部", "4部及以上" are words, not numbers with exceptions.
    worded = found.count(lambda r: r.kind == NUMBER and r.rule in _WORDY)
    return TEXT if texts and worded == numbers else NUMBER


def _is_code(found: _Cells, label: str, numbers: int, other: int) -> bool:
    if not numbers:
        return False
    strings = [r for r, n in zip(found.readings, found.counts, strict=True) if n and r.kind == NUMBER]
    zeros = found.count(lambda r: r.code)
    if zeros and (zeros * 2 >= numbers or len({len(r.text) for r in strings}) == 1 or is_code_label(label)):
        return True
    if any(r.rule or not r.number.is_integer() for r in strings):
        return False
    if np.any(found.numbers != np.floor(found.numbers)):
        return False
    if is_code_label(label):
        return True
    if found.count(lambda r: r.kind == "lossy"):
        return True
    lengths = {len(str(int(abs(r.number)))) for r in strings}
    if len(found.numbers):
        low, high = np.abs(found.numbers).min(), np.abs(found.numbers).max()
        lengths |= {len(str(int(low))), len(str(int(high)))}
    return len(lengths) == 1 and lengths <= _CODE_LENGTHS


# ------------------------------------------------------------------------------------------ its values


def _numbers(
    found: _Cells,
    label: str,
    own: Unit | None,
    applied: Unit | None,
    percents: frozenset[int] | None,
    none_is_zero: bool,
) -> Column:
    raw = np.full(len(found.values), np.nan)
    absolute = np.zeros(len(found.values), dtype=bool)
    done: dict[int, tuple[str, str]] = {}
    for i, reading in enumerate(found.readings):
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
    done = {i: how for i, how in done.items() if how[0] != "not_a_number" or found.counts[i]}
    numbers = np.where(found.codes >= 0, found.take(raw, np.nan), found.floats)
    in_base = found.take(absolute, False)
    changes = found.changes(done)
    times = applied.times if applied else 1.0
    if times < 1:
        shares, rule = _shares(numbers, in_base, percents)
        if rule != "percent_small":
            in_base[shares] = True
        if len(shares):
            first = shown(float(numbers[shares[0]]))
            changes.append(told(rule, len(shares), first, "", _first(shares)))
    changes += _mixed_spans(found, own)
    if times == 1:
        changes += _mixed_percent(found, numbers)
    base = np.where(in_base, numbers, scale(numbers, times))
    printed = np.where(in_base, numbers / times, numbers) if times != 1 else numbers
    scaled = np.flatnonzero(~in_base & np.isfinite(numbers)) if times != 1 else np.zeros(0, dtype=np.intp)
    if applied and len(scaled):
        before, after = shown(float(numbers[scaled[0]])), f"{shown(float(base[scaled[0]]))} {applied.name}"
        if times < 1:
            after = shown(float(base[scaled[0]]))
        changes.append(told("base_unit", len(scaled), before, after, _first(scaled)))
    return Column(own.label if own else label, NUMBER, pd.Series(base), printed, applied, tuple(changes))


def _shares(
    numbers: np.ndarray, in_base: np.ndarray, percents: frozenset[int] | None
) -> tuple[np.ndarray, str]:
    """Numbers under a header in per cent that are shares already, and how that is known.

    A cell that the sheet shows as per cent stores 0.35 for 35 %. Where the file does not tell how cells are
    shown, a column of nothing but fractions of 1 is taken for such; where it does tell, the header holds.
    """
    plain = np.flatnonzero(np.isfinite(numbers) & ~in_base)
    if percents:
        return plain[np.isin(plain, sorted(percents))], "percent_format"
    mine = numbers[plain]
    small = len(mine) > 0 and bool(np.all((mine >= 0) & (mine <= 1)) and np.any(mine % 1))
    if not small or len(plain) * 2 < len(numbers):
        return plain[:0], "percent_format"
    return plain, "percent_unknown" if percents is None else "percent_small"


def _mixed_spans(found: _Cells, own: Unit | None) -> list[Change]:
    """Hours beside minutes: each cell names its unit, and none is the base of the other here."""
    units = [
        "秒" if r.rule == "duration" else span.group() if (span := _SPAN.search(r.text)) else ""
        for r in (reading if reading.kind == NUMBER else _NOTHING for reading in found.readings)
    ]
    named = {unit for unit in units if unit} | ({own.name} if own and _SPAN.fullmatch(own.name) else set())
    if len(named) < 2:
        return []
    where = np.flatnonzero(np.isin(found.codes, [i for i, unit in enumerate(units) if unit]))
    shown_units = ", ".join(
        dict.fromkeys(r.text for r, unit in zip(found.readings, units, strict=True) if unit)
    )
    return [told("mixed_units", len(where), shown_units[:_LONGEST], "", _first(where))]


def _mixed_percent(found: _Cells, numbers: np.ndarray) -> list[Change]:
    if not any(r.rule == "percent" for r in found.readings):
        return []
    bare = np.array([not (r.kind == NUMBER and r.rule == "percent") for r in found.readings] + [True])[
        found.codes
    ]
    where = np.flatnonzero(bare & (numbers > 1))
    if not len(where):
        return []
    value = shown(float(numbers[where[0]]))
    return [told("percent_mixed", len(where), value, value, _first(where))]


def _dates(found: _Cells, label: str) -> Column:
    values = np.full(len(found.values), np.datetime64("NaT"), dtype="datetime64[us]")
    done: dict[int, tuple[str, str]] = {}
    for i, reading in enumerate(found.readings):
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
    out = found.take(values, np.datetime64("NaT"))
    changes = found.changes(done)
    by_rule: dict[str, list[int]] = {}
    for i in np.flatnonzero(np.isfinite(found.floats)).tolist():
        date, rule = date_of_number(float(found.floats[i]))
        if date is not None:
            out[i] = np.datetime64(date, "us")
        by_rule.setdefault(rule or "not_a_date", []).append(i)
    for rule, where in by_rule.items():
        date = date_of_number(float(found.floats[where[0]]))[0]
        first = shown(float(found.floats[where[0]]))
        changes.append(told(rule, len(where), first, shown(date) if date else "", tuple(where[:_MOST_CELLS])))
    return Column(label, DATE, pd.Series(out), None, None, tuple(changes))


def _texts(found: _Cells, label: str) -> Column:
    values = np.full(len(found.values), np.nan, dtype=object)
    done: dict[int, tuple[str, str]] = {}
    for i, (value, reading) in enumerate(zip(found.values, found.readings, strict=True)):
        if reading.kind == "lossy":
            done[i] = "lossy", ""
        elif reading.kind in ("missing", "error") and reading.text != _CROSS:
            error = reading.kind == "error" or (isinstance(value, str) and value.strip() in ERRORS - MISSING)
            done[i] = "error" if error else "missing", ""
        else:
            values[i] = value.strip() if isinstance(value, str) else shown(value)
    out = found.take(values, np.nan)
    changes = found.changes(done)
    numbers = np.flatnonzero(np.isfinite(found.floats))
    if len(numbers):
        unlike, back = np.unique(found.floats[numbers], return_inverse=True)
        lost = (unlike == np.floor(unlike)) & (np.abs(unlike) >= _EXACT)
        texts = np.array([shown(v) for v in unlike.tolist()], dtype=object)
        texts[lost] = np.nan
        out[numbers] = texts[back]
        where = numbers[lost[back]]
        if len(where):
            first = f"{found.floats[where[0]]:.5E}"  # as a spreadsheet shows it; it may be a person's number
            changes.append(told("lossy", len(where), first, "", _first(where)))
    return Column(label, TEXT, pd.Series(out, dtype="str"), None, None, tuple(changes))
