"""Blank workbooks for the offices, made from study.yaml: what they fill in is what the readers expect.

Names of communities and codes of standards stand in them already or are chosen from a list, numbers are checked
while they are typed, and headers are those that study.yaml names. A form that comes back filled in needs no
mapping by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commlab import store
from commlab.errors import ParameterError

if TYPE_CHECKING:
    from commlab.study import Study
    from commlab.study.config import Input

__all__ = ["write_forms"]

BLANK_ROWS = 200
"""Rows of a form whose rows are not known beforehand."""
NARROW, WIDE = 12, 26
ONE_PAGE = 16
"""Columns up to which a form is printed on one page's width; more would be too small to read."""
SCALE = tuple(f"1/{n}" for n in range(9, 1, -1)) + tuple(str(n) for n in range(1, 10))
"""Saaty's scale as it is chosen from a list."""
OPTIONS = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_LISTS = "选项"
EPOCH = datetime(2000, 1, 1)
"""The workbook's date of creation, so that the same study makes the same bytes; the earliest date in a form."""
_READERS = ("measures", "ratings", "judgments", "opinions", "problems", "mutual", "lists")


@dataclass(frozen=True)
class _Column:
    """One column: its header by level, what may be typed, what stands in it already."""

    header: tuple[str, ...]
    kind: str = "text"
    filled: Sequence[str] = ()
    options: Sequence[str] = ()
    low: float = 0.0
    high: float | None = None


@dataclass(frozen=True)
class _Sheet:
    name: str
    title: str
    columns: Sequence[_Column] = field(default_factory=tuple)
    square: Sequence[tuple[str, str]] = ()
    """Codes and labels of a matrix of pairwise judgements, instead of columns."""


def write_forms(study: Study, period: str) -> list[Path]:
    """Write a blank workbook for every file that a period expects, below ``forms/<period>/``.

    Questionnaires have none: they come from a survey platform. A form that exists is not written again.

    Returns
    -------
    list of Path
        The workbooks that were written.

    Raises
    ------
    ParameterError
        If the study does not have the period.
    """
    if period not in study.config.periods:
        raise ParameterError(f"study.yaml has no period {period}; `commlab new {period}` adds it")
    root = Path(study.root) / "forms" / period
    made = []
    for wanted in study.config.inputs:
        if wanted.reader not in _READERS:
            continue
        for name, district in _files(study, wanted):
            path = root / name
            if path.exists():
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            sheets = list(_sheets(study, wanted, period, district))
            with store.workbook(path, OPTIONS) as book:
                _write(book, sheets)
            made.append(path)
    return made


def _files(study: Study, wanted: Input) -> Iterator[tuple[str, str | None]]:
    """Names of an input's forms, and the district that fills each in."""
    districts = study.register.districts if wanted.each == "district" else (None,)
    for district in districts:
        name = re.sub(r"\.[A-Za-z*]+$", "", wanted.files)
        if district is not None:
            name = name.replace("{district}", district)
        # Who fills in the others writes the own name into the file's name.
        name = re.sub(r"\{[a-z]+\}", "（姓名）", name).replace("*", "")
        yield f"{name.rstrip('_')}.xlsx", district


def _sheets(study: Study, wanted: Input, period: str, district: str | None) -> Iterator[_Sheet]:
    title = " ".join(filter(None, (wanted.label["zh"], period, district)))
    if wanted.reader == "judgments":
        yield from _matrices(study, title)
        return
    yield _Sheet(
        str(wanted.spec.get("sheet") or wanted.label["zh"]), title, list(_columns(study, wanted, district))
    )


def _units(study: Study, wanted: Input, district: str | None) -> list[str]:
    """Units of the input's level, by the names that an office uses; all districts' with their district."""
    level = str(wanted.spec.get("level") or "community")
    units = study.register.units
    rows = units[units["level"] == level]
    if district is None or level == "district":
        return list(rows["unit"])
    inside = rows["unit"].map(study.register.district_of) == district
    return list(rows.loc[inside, "name"])


def _candidates(study: Study, district: str | None) -> list[str]:
    units = list(study.register.candidates["unit"])
    if district is None:
        return units
    return [u.partition("/")[2] for u in units if study.register.district_of.get(u) == district]


def _columns(study: Study, wanted: Input, district: str | None) -> Iterator[_Column]:
    spec = wanted.spec
    named = {k: _first(v) for k, v in (spec.get("columns") or {}).items()}
    codes = list(study.framework.leaves)
    if wanted.reader == "measures":
        units = _units(study, wanted, district)
        if spec.get("unit"):
            yield _Column(_levels(spec["unit"][0]), filled=units)
        for headers in (h for v in (spec.get("columns") or {}).values() for h in _all(v)):
            yield _Column(_levels(headers), "number")
        return
    across = _candidates(study, district) if spec.get("units_across") else []
    if wanted.reader == "ratings" and spec.get("level") == "district" and {"unit", "code"} <= set(named):
        yield from _districts_rated(study, wanted, named)
        named = {k: v for k, v in named.items() if k not in ("unit", "code")}
    for key, header in named.items():
        if key == "code":
            prefilled = wanted.reader in ("ratings", "opinions") and (across or wanted.reader == "opinions")
            yield _Column(
                _levels(header), filled=codes if prefilled else (), options=() if prefilled else codes
            )
            if prefilled and spec.get("ignore"):  # a column that is not read: the standards' words
                labels = study.framework.table.set_index("code")["label_zh"]
                yield _Column((str(spec["ignore"][0]),), filled=[str(labels[c]) for c in codes])
        elif key == "unit":
            yield _Column(_levels(header), options=_units(study, wanted, district))
        elif key in ("found", "due", "closed", "reopened", "verified"):
            yield _Column(_levels(header), "date")
        elif key == "score":
            yield _Column(_levels(header), "number", high=100.0)
        elif key == "importance":
            full = re.search(r"(\d+)\s*[)）]\s*$", header)
            yield _Column(_levels(header), "number", high=float(full.group(1)) if full else None)
        else:
            yield _Column(_levels(header))
    for unit in across:
        yield _Column((unit,), "number", high=100.0)


def _districts_rated(study: Study, wanted: Input, named: dict[str, str]) -> Iterator[_Column]:
    """Every district with every standard that people judge, and the standard's words where they are not read."""
    judged = [n for n in study.framework.nodes if any(p.rule == "judged" for p in n.parts)]
    pairs = [(unit, node) for unit in _units(study, wanted, None) for node in judged]
    yield _Column(_levels(named["unit"]), filled=[unit for unit, _ in pairs])
    yield _Column(_levels(named["code"]), filled=[node.code for _, node in pairs])
    if wanted.spec.get("ignore"):
        yield _Column((str(wanted.spec["ignore"][0]),), filled=[node.zh for _, node in pairs])


def _first(value: Any) -> str:
    return _all(value)[0]


def _all(value: Any) -> list[str]:
    """The first wording of each header under a key of ``columns``."""
    if isinstance(value, dict):
        value = [value]
    if value and isinstance(value[0], dict):
        return [str(v["headers"][0]) for v in value]
    return [str(value[0])]


def _levels(header: str) -> tuple[str, ...]:
    """A header's levels; a slash inside brackets is part of the text."""
    return tuple(re.split(r"/(?![^(（]*[)）])", header))


def _matrices(study: Study, title: str) -> Iterator[_Sheet]:
    """A sheet for each node whose children experts compare."""
    framework = study.framework
    labels = framework.table.set_index("code")["label_zh"]
    levels = framework.table.set_index("code")["level"]
    names = ("primary", "secondary", "standard")
    for parent in (None, *(c for c in labels.index if c not in framework.leaves)):
        children = framework.children(parent)
        level = 1 if parent is None else int(levels[parent]) + 1
        if len(children) > 1 and study.config.weights[names[min(level, len(names)) - 1]] == "ahp":
            yield _Sheet(parent or "total", title, square=[(c, str(labels[c])) for c in children])


# -------------------------------------------------------------------------------------------------- the workbook
def _write(book: Any, sheets: Sequence[_Sheet]) -> None:
    book.set_properties({"created": EPOCH, "title": sheets[0].title if sheets else ""})
    style = {
        "title": book.add_format({"bold": True, "font_size": 14}),
        "head": book.add_format(
            {
                "bold": True,
                "border": 1,
                "bg_color": "#EEF2F6",
                "align": "center",
                "valign": "vcenter",
                "text_wrap": True,
            }
        ),
        "given": book.add_format({"border": 1, "bg_color": "#F7F7F7", "num_format": "@"}),
        "text": book.add_format({"border": 1, "num_format": "@"}),
        "number": book.add_format({"border": 1}),
        "date": book.add_format({"border": 1, "num_format": "yyyy-mm-dd"}),
        "shut": book.add_format({"border": 1, "bg_color": "#D9DCE0"}),
    }
    lists = _Lists(book)
    for sheet in sheets:
        page = book.add_worksheet(sheet.name[:31])
        if sheet.square:
            _write_square(page, sheet, style)
        else:
            _write_table(page, sheet, style, lists)
        page.set_paper(9)
        page.set_landscape()
        if len(sheet.columns) <= ONE_PAGE:
            page.fit_to_pages(1, 0)
    lists.write()


class _Lists:
    """Long lists of choices, on a hidden sheet: a validation holds 255 characters."""

    def __init__(self, book: Any) -> None:
        self.book, self.columns = book, list[tuple[str, ...]]()

    def source(self, options: Sequence[str]) -> str:
        given = tuple(options)
        if given not in self.columns:
            self.columns.append(given)
        from xlsxwriter.utility import xl_col_to_name

        letter = xl_col_to_name(self.columns.index(given))
        return f"='{_LISTS}'!${letter}$1:${letter}${len(given)}"

    def write(self) -> None:
        if not self.columns:
            return
        page = self.book.add_worksheet(_LISTS)
        page.very_hidden()
        for j, column in enumerate(self.columns):
            for i, text in enumerate(column):
                page.write_string(i, j, text)


def _write_table(page: Any, sheet: _Sheet, style: dict[str, Any], lists: _Lists) -> None:
    """Title, header rows with merged groups, then rows to fill in."""
    depth = max(len(c.header) for c in sheet.columns)
    page.write_string(0, 0, sheet.title, style["title"])
    at = 0
    for group, columns in groupby(sheet.columns, key=lambda c: c.header[0] if len(c.header) > 1 else None):
        members = list(columns)
        if group is None:
            for offset, column in enumerate(members):
                _merged(page, 1, at + offset, depth, at + offset, column.header[-1], style["head"])
        else:
            _merged(page, 1, at, 1, at + len(members) - 1, group, style["head"])
            for offset, column in enumerate(members):
                _merged(page, 2, at + offset, depth, at + offset, column.header[-1], style["head"])
        at += len(members)
    first = depth + 1
    rows = max((len(c.filled) for c in sheet.columns), default=0) or BLANK_ROWS
    for j, column in enumerate(sheet.columns):
        page.set_column(j, j, WIDE if column.filled or column.options or column.kind == "text" else NARROW)
        for i in range(rows):
            if column.filled:
                page.write_string(first + i, j, column.filled[i], style["given"])
            else:
                page.write_blank(first + i, j, None, style[column.kind])
        rule = _rule(column, lists)
        if rule:
            page.data_validation(first, j, first + rows - 1, j, rule)
    page.freeze_panes(first, 1)
    page.repeat_rows(0, first - 1)


def _merged(page: Any, top: int, left: int, bottom: int, right: int, text: str, style: Any) -> None:
    if (top, left) == (bottom, right):
        page.write_string(top, left, text, style)
    else:
        page.merge_range(top, left, bottom, right, "", style)
        page.write_string(top, left, text, style)


def _rule(column: _Column, lists: _Lists) -> dict[str, Any] | None:
    """What may be typed into a column, and what is said when it is something else."""
    if column.filled:
        return None
    if column.options:
        return {
            "validate": "list",
            "source": lists.source(column.options),
            "error_title": "请从列表中选择",
            "error_message": "Choose from the list / 请从下拉列表中选择",
        }
    if column.kind == "date":
        return {
            "validate": "date",
            "criteria": ">=",
            "value": EPOCH.date(),
            "error_title": "日期有误",
            "error_message": "A date such as 2019-10-31 / 请填写日期，例如 2019-10-31",
        }
    if column.kind == "number":
        limits = {"criteria": ">=", "value": column.low}
        told = f">= {column.low:g}"
        if column.high is not None:
            limits = {"criteria": "between", "minimum": column.low, "maximum": column.high}
            told = f"{column.low:g}–{column.high:g}"
        return {
            "validate": "decimal",
            **limits,
            "error_title": "数值有误",
            "error_message": f"A number {told}; leave it empty where it is unknown / 请填写数字（{told}），不掌握的留空",
        }
    return None


def _write_square(page: Any, sheet: _Sheet, style: dict[str, Any]) -> None:
    """A matrix of which the upper triangle is filled in: how much more the row matters than the column."""
    page.write_string(0, 0, sheet.name, style["head"])
    page.set_column(0, len(sheet.square), NARROW)
    for i, (code, label) in enumerate(sheet.square, 1):
        page.write_string(0, i, code, style["head"])
        page.write_string(i, 0, code, style["head"])
        page.write_comment(i, 0, label)
        for j, (other, against) in enumerate(sheet.square, 1):
            if i == j:
                page.write_number(i, j, 1, style["shut"])
            elif i > j:
                page.write_blank(i, j, None, style["shut"])
            else:
                # As text: a spreadsheet would make a date of 1/3.
                page.write_blank(i, j, None, style["text"])
                page.data_validation(
                    i,
                    j,
                    i,
                    j,
                    {
                        "validate": "list",
                        "source": list(SCALE),
                        "input_title": f"{code} : {other}",
                        "input_message": f"{label} : {against}"[:255],
                        "error_message": "1/9 … 9",
                    },
                )
