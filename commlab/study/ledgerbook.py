"""``ledger.xlsx``: who sent what, and what was found in each file, for a person who has to act on it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from commlab import store
from commlab.study.advice import SEVERITIES
from commlab.text import SAMPLE_MARK, Text, clean

__all__ = ["COLOURS", "CREATED", "OPTIONS", "lines_of", "sheet_title", "write_ledger"]

OPTIONS = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
"""What keeps a workbook from executing what a cell says."""
CREATED = dt.datetime(2000, 1, 1)
"""A fixed date: the same data give the same bytes."""
COLOURS = {"error": "#F8CBC6", "warning": "#FFEBA8", "rounding": "#DCE9F7", "note": "#F2F2F2"}
_COLUMNS = {
    "severity": ("Severity", 10),
    "sheet": ("Sheet", 14),
    "cells": ("Cells", 18),
    "column": ("Column", 30),
    "found": ("Found", 18),
    "expected": ("Expected", 18),
    "n": ("Number", 8),
    "says": ("What is wrong", 44),
    "advice": ("What to do", 36),
}
"""What a sheet of findings shows: column -> its head, as a message id, and width."""
_ENGLISH = {"rule": ("Rule", 22), "message": ("Details", 70)}
"""The ledger's own words, for those who read them."""
_STATUS = {
    "unit": ("Unit", 16),
    "label": ("What is asked for", 28),
    "state": ("State", 10),
    "files": ("Files", 8),
    "rows": ("Rows", 8),
    "warnings": ("Warnings", 8),
    "errors": ("Errors", 8),
    "says": ("Remarks", 80),
}
_FILES = {
    "file": ("File", 60),
    "error": ("Errors", 10),
    "warning": ("Warnings", 10),
    "rounding": ("Roundings", 10),
    "note": ("Notes", 10),
}
_COLOURED = ("severity", "cells")
_PRINTED = ("says", "advice")
"""The last columns that go on paper; what stands right of them is for the screen."""
_LONGEST = 31
_FORBIDDEN = re.compile(r"[\[\]:*?/\\']")
_LONGEST_TEXT = 32_000
_LINE = 15.0
_MOST_LINES = 8
_WIDE = "\u2e80"
"""From this character on, one takes the room of two."""


def write_ledger(
    path: Path, findings: pd.DataFrame, status: pd.DataFrame, language: str, *, sample: bool = False
) -> None:
    """Write the workbook: who sent what; what is to be done; the files, with a sheet for each.

    Parameters
    ----------
    path : path
    findings : DataFrame
        As ``advice.actions`` gives them.
    status : DataFrame
        A row an office and input.
    language : {"zh", "en"}
        Of titles, heads, severities and of who sent what; the findings have their own already.
    sample : bool
        Puts the mark of fabricated data beside the header of every sheet and on every printed page.
    """
    t = Text(language)
    status = status.assign(
        label=status[f"label_{language}"], state=status["state"].map(t), says=_spoken(status, findings, t)
    )
    columns = _COLUMNS | (_ENGLISH if language == "en" else {})
    with store.workbook(path, OPTIONS) as book:
        book.set_properties({"title": "commlab ledger", "created": CREATED})
        page = _Page(book, t, sample)
        lines = findings.assign(level=findings["severity"].map(t))
        counts = (
            lines.groupby(["file", "severity"])
            .size()
            .unstack(fill_value=0)
            .reindex(columns=list(SEVERITIES), fill_value=0)
        )
        files = counts.drop(index="", errors="ignore").reset_index()
        fixed = [t("Submissions"), t("To do"), t("All files")]
        taken = {title.lower() for title in fixed}
        titles = {
            str(file): sheet_title("_".join(str(file).split("/")[-2:]), taken) for file in files["file"]
        }
        page.sheet(fixed[0], status, _STATUS)
        page.sheet(fixed[1], lines[lines["severity"] != "note"], {"file": ("File", 36)} | columns)
        index = page.sheet(fixed[2], files, _FILES)
        for row, file in enumerate(files["file"], 1):
            link = f"internal:'{titles[file]}'!A1"
            index.write_url(row, 0, link, page.styles["link"], string=_text(file))
        for file, own in lines.groupby("file", sort=True):
            if file:
                page.sheet(titles[str(file)], own, columns)


def _spoken(status: pd.DataFrame, findings: pd.DataFrame, t: Text) -> pd.Series:
    """What is said of an office, with the ledger's English sentences in the reader's language."""
    if t.language == "en":
        return status["message"]
    errors = findings[findings["severity"] == "error"]
    told = {
        line.message: f"{line.cells or str(line.file).rpartition('/')[2]}: {line.says}"
        for line in errors.itertuples()
        if isinstance(line.message, str) and line.message
    }
    out = status["message"].where(status["state"] != "outstanding", t("not sent"))
    for message in sorted(told, key=len, reverse=True):
        out = out.str.replace(message, told[message], regex=False)
    return out


def sheet_title(name: str, taken: set[str]) -> str:
    """A name that a spreadsheet accepts for a sheet, not in ``taken`` (lower case), which it joins.

    >>> sheet_title("社区统计/五华区[1].xlsx", set()), sheet_title("a" * 40, {"a" * 31})
    ('社区统计_五华区_1_.xlsx', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaa~2')
    """
    base = _FORBIDDEN.sub("_", clean(name).replace("\n", " ").strip()) or "Sheet"
    title, number = base[:_LONGEST], 1
    while title.lower() in taken or title.lower() == "history":
        number += 1
        end = f"~{number}"
        title = base[: _LONGEST - len(end)] + end
    taken.add(title.lower())
    return title


def lines_of(text: str, width: int) -> int:
    """Lines that a text takes in a column of so many characters.

    >>> lines_of("更正合计，或更正有误的行", 12), lines_of("a\\nb", 12)
    (3, 2)
    """
    return sum(
        max(1, -(-sum(2 if c >= _WIDE else 1 for c in part) // max(width - 1, 1)))
        for part in text.split("\n")
    )


def _text(value: object) -> str:
    return clean(value)[:_LONGEST_TEXT]


class _Page:
    """Writes sheets of one workbook in one language."""

    def __init__(self, book: Any, t: Text, sample: bool) -> None:
        self.book, self.t, self.sample = book, t, sample
        cell = {"text_wrap": True, "valign": "top"}
        self.styles = {
            name: book.add_format(cell | {"bg_color": colour})
            for name, colour in COLOURS.items()
            if name != "note"
        } | {
            "text": book.add_format(cell),
            "number": book.add_format(cell | {"align": "center"}),
            "head": book.add_format(cell | {"bold": True, "bottom": 1}),
            "link": book.add_format(cell | {"font_color": "#1F4E9E", "underline": 1}),
            "mark": book.add_format({"bold": True, "font_color": "#B3381E"}),
        }

    def sheet(self, title: str, frame: pd.DataFrame, columns: Mapping[str, tuple[str, int]]) -> Any:
        sheet, styles = self.book.add_worksheet(title), self.styles
        sheet.freeze_panes(1, 0)
        sheet.set_row(0, 30)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        last = max((j for j, name in enumerate(columns) if name in _PRINTED), default=len(columns) - 1)
        sheet.print_area(0, 0, len(frame), last)
        lines = [1] * len(frame)
        severities = frame["severity"] if "severity" in frame else pd.Series("", index=frame.index)
        for j, (name, (label, width)) in enumerate(columns.items()):
            sheet.write_string(0, j, self.t(label), styles["head"])
            sheet.set_column(j, j, width)
            values = frame["level" if name == "severity" else name]
            for i, (value, severity) in enumerate(zip(values, severities, strict=True), 1):
                style = styles.get(severity if name in _COLOURED else "", styles["text"])
                if isinstance(value, str):
                    sheet.write_string(i, j, _text(value), style)
                    lines[i - 1] = max(lines[i - 1], lines_of(value, width))
                elif pd.notna(value):
                    sheet.write_number(i, j, float(value), styles["number"])
        for i, n in enumerate(lines, 1):
            sheet.set_row(i, _LINE * min(n, _MOST_LINES))
        if self.sample:
            sheet.write_string(0, len(columns) + 1, SAMPLE_MARK, styles["mark"])
            sheet.set_header(f"&C{SAMPLE_MARK}")
        if len(frame):
            sheet.autofilter(0, 0, len(frame), len(columns) - 1)
        return sheet
