"""``ledger.xlsx``: what was done to the files, for a person who has to act on it."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from commlab import store
from commlab.text import SAMPLE_MARK

__all__ = ["write_ledger"]

_COLUMNS = {
    "file": "文件 file",
    "sheet": "工作表 sheet",
    "first_cells": "单元格 cells",
    "severity": "级别 severity",
    "action": "处理 action",
    "rule": "规则 rule",
    "column": "列 column",
    "before": "原值 before",
    "after": "现值 after",
    "n": "数量 n",
    "message": "说明 message",
}
_STATUS = {
    "unit": "单位 unit",
    "label_zh": "报送内容",
    "label_en": "input",
    "state": "状态 state",
    "files": "文件数 files",
    "rows": "行数 rows",
    "warnings": "警告 warnings",
    "errors": "错误 errors",
    "message": "说明 message",
}
_WIDTHS = {
    "file": 46,
    "message": 80,
    "first_cells": 18,
    "column": 28,
    "before": 16,
    "after": 16,
    "label_zh": 18,
    "label_en": 28,
}
_ORDER = {"error": 0, "warning": 1, "rounding": 2, "note": 3}
_MOST_SHEETS = 200


def write_ledger(path: Path, ledger: pd.DataFrame, status: pd.DataFrame, *, sample: bool = False) -> None:
    """Write the workbook: who sent what; all lines that ask for action; a sheet a file.

    ``sample`` puts the mark of fabricated data beside the header of every sheet and on every printed page.
    """
    import datetime as dt

    import xlsxwriter

    rows = (
        ledger.assign(_o=ledger["severity"].map(_ORDER))
        .sort_values(["_o", "file"], kind="stable")
        .drop(columns="_o")
    )
    with store.atomic_path(path) as beside:
        options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        with xlsxwriter.Workbook(str(beside), options) as book:
            # A fixed date: the same data give the same bytes.
            book.set_properties({"title": "commlab ledger", "created": dt.datetime(2000, 1, 1)})
            styles = {
                "head": book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}),
                "text": book.add_format({"text_wrap": True, "valign": "top"}),
                "error": book.add_format({"text_wrap": True, "valign": "top", "bg_color": "#F8D7DA"}),
                "mark": book.add_format({"bold": True, "font_color": "#B3381E"}) if sample else None,
                "warning": book.add_format({"text_wrap": True, "valign": "top", "bg_color": "#FFF3CD"}),
            }
            _sheet(book, "报送 sent", status, _STATUS, styles)
            _sheet(book, "待办 to do", rows[rows["severity"].isin(["error", "warning"])], _COLUMNS, styles)
            taken = {"报送 sent", "待办 to do"}
            for file, lines in list(rows.groupby("file", sort=True))[:_MOST_SHEETS]:
                if file:
                    _sheet(book, _title(str(file), taken), lines, _COLUMNS, styles)


def _title(file: str, taken: set[str]) -> str:
    parts = file.rsplit("/", 2)[-2:]
    base = re.sub(r"[\[\]:*?/\\']", "_", "_".join(parts))[:28]
    title, number = base, 1
    while title.lower() in {t.lower() for t in taken}:
        number += 1
        title = f"{base[:25]}~{number}"
    taken.add(title)
    return title


def _sheet(book, title: str, frame: pd.DataFrame, columns: dict[str, str], styles: dict) -> None:
    sheet = book.add_worksheet(title)
    sheet.freeze_panes(1, 0)
    for j, (name, label) in enumerate(columns.items()):
        sheet.write_string(0, j, label, styles["head"])
        sheet.set_column(j, j, _WIDTHS.get(name, 12))
        for i, (value, severity) in enumerate(
            zip(frame[name], frame.get("severity", pd.Series("", index=frame.index)), strict=True), 1
        ):
            style = styles.get(str(severity), styles["text"])
            if isinstance(value, str):
                sheet.write_string(i, j, value, style)
            elif pd.notna(value):
                sheet.write_number(i, j, float(value), style)
    if styles["mark"]:
        sheet.write_string(0, len(columns) + 1, SAMPLE_MARK, styles["mark"])
        sheet.set_header(f"&C{SAMPLE_MARK}")
    if len(frame):
        sheet.autofilter(0, 0, len(frame), len(columns) - 1)
