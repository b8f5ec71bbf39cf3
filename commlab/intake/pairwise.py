"""What becomes of a judgement on its way into a file: slider positions, dates made of fractions, words.

``rescued`` gives back what the reader of files had to take for missing; ``on_scale`` turns what a slider writes
into a ratio; ``two_codes`` and ``parent`` say which items a slider stands between, and below which node.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from commlab.intake.mapped import as_number
from commlab.intake.mapping import Table
from commlab.intake.names import squash

__all__ = [
    "LARGEST",
    "SCALES",
    "SIDES",
    "SLACK",
    "TINY",
    "WHOLE",
    "on_scale",
    "parent",
    "rescued",
    "two_codes",
]

LARGEST = 9.0
"""Saaty's scale ends at 9 (and 1/9)."""
SLACK = 0.01
"""0.11 is 1/9, rounded."""
TINY = 1e-9
WHOLE = ("total", "总", "总目标", "一级指标", "目标层")
SCALES = ("ratio", "signed", "steps", "positions")
SIDES = ("left", "right")
_MIDDLE = 9
"""Of 17 slider positions the one that says "equal"."""
# What the reader of files took for missing, and why a judgement can still be in it.
_RESCUED = ("not_a_number", "not_a_date", "date_in_numbers")
_DATE = re.compile(r"(?:\d{4}[-/.年])?0?(\d{1,2})[-/月]0?(\d{1,2})日?(?:00:00:00)?")
_COLON = re.compile(r"(\d+)\s*[:：]\s*(\d+)")


def on_scale(x: np.ndarray, scale: str) -> np.ndarray:
    """How many times the favoured item outweighs the other, from what a slider writes; NaN beyond the scale.

    ``ratio`` 1/9 to 9; ``signed`` -9 to -1 and 1 to 9; ``steps`` -8 to 8, 0 is equal; ``positions`` 1 to 17.

    >>> on_scale(np.array([-2.0, 0.0, 8.0]), "steps").round(4).tolist()
    [0.3333, 1.0, 9.0]
    """
    if scale == "positions":
        x = x - _MIDDLE
    size = np.abs(x)
    if scale == "ratio":
        within, ratio = (x <= LARGEST) & (x >= 1 / LARGEST - SLACK), x
    elif scale == "signed":
        within, ratio = (size >= 1) & (size <= LARGEST), np.where(x > 0, size, 1 / np.maximum(size, TINY))
    else:
        within, ratio = size <= LARGEST - 1, np.where(x >= 0, size + 1, 1 / (size + 1))
    return np.where(within, ratio, np.nan)


def two_codes(table: Table, header: str) -> tuple[str, str] | None:
    """The two items that a slider's header names, by their codes, else by their labels."""
    codes, labels = table.context.spelled
    for text in (header.rpartition("/")[2], header):
        key = squash(text)
        for known in (codes, labels):
            found: list[tuple[int, str]] = []
            left = key
            for word in sorted(known, key=len, reverse=True):
                # a code is not part of a longer one: Ⅱ-1 does not stand in Ⅱ-14.1
                at = re.search(
                    rf"(?<![ivx\d.-]){re.escape(word)}(?![\d.]*\d)" if known is codes else re.escape(word),
                    left,
                )
                while word and at:
                    found.append((at.start(), known[word]))
                    left = left[: at.start()] + "\0" * len(word) + left[at.end() :]
                    at = re.search(re.escape(word), left) if known is labels else None
            pair = list(dict.fromkeys(code for _, code in sorted(found)))
            if len(pair) == 2:
                return pair[0], pair[1]
    return None


def parent(table: Table, left: str, right: str) -> str | None:
    """The node that both items stand below: given, or as their codes tell."""
    fixed = table.spec.get("node")
    if isinstance(fixed, str):
        return fixed
    for node, below in (table.spec.get("nodes") or {}).items():
        if {left, right} <= {table.code(c) for c in ([below] if isinstance(below, str) else below)}:
            return "total" if squash(node) in WHOLE else str(node)
    above = {code.rpartition(".")[0] for code in (left, right)}
    if len(above) == 1 and above <= set(table.context.codes):
        return above.pop()
    first = {squash(code).partition("-")[0] for code in (left, right)}
    return "total" if first == {"i"} else None


def rescued(table: Table) -> Table:
    """The table with judgements that reading the file lost: 1/3 that a spreadsheet made a date, words of the
    scale, and pairs below ``total``, which look like rows of totals."""
    raw, words = table.raw, {squash(k): float(v) for k, v in (table.spec.get("values") or {}).items()}
    frame, ledger = raw.frame.reset_index(drop=True), raw.ledger
    source, rows = list(raw.source), list(map(int, raw.rows))
    totals = getattr(raw, "totals", None)
    if totals is not None and len(totals) and "value" in table.columns:
        frame = pd.concat([frame, totals[list(frame.columns)]], ignore_index=True)
        source += list(totals["source"])
        again = [int(re.findall(r"\d+", text.rpartition("!")[2])[0]) for text in totals["source"]]
        rows += again
        told = f"{len(again)} rows that look like totals are judgements below the whole; used"
        cells = [f"{row}:{row}" for row in again]
        table.pad.add(
            "pairs below the whole", told, action="changed", severity="note", n=len(again), cells=cells
        )
        # of a total's cell the reader keeps the number alone: what it could not read is gone
        value = table.named("value", required=False)
        blank = [] if value is None else totals[value].isna()
        lost = [cell for cell, empty in zip(cells, blank, strict=False) if empty]
        if value and lost:
            told = f"{len(lost)} judgements below the whole hold no number; they count as not made. Write 3 or 1/3"
            table.pad.add(
                "judgement without number", told, column=value, severity="warning", n=len(lost), cells=lost
            )
    texts = [c for c in frame if pd.api.types.is_string_dtype(frame[c])]
    frame[texts] = frame[texts].replace(_COLON, r"\1/\2", regex=True)  # 1:3 is 1/3
    changed = []
    lines = (
        ledger[ledger["rule"].isin(_RESCUED)] if ledger is not None and "rule" in ledger else pd.DataFrame()
    )
    for column in map(str, frame.columns):
        here = {}
        if pd.api.types.is_datetime64_any_dtype(frame[column]):
            here = {row: str(day) for row, day in frame[column].dropna().items()}
        at = {table.raw.cells.get(column, "") + str(row): k for k, row in enumerate(rows)}
        settled = []
        for index, line in lines.iterrows():
            if line["column"] == column:
                hit = [at[c] for c in str(line["first_cells"]).split(", ") if c in at]
                here |= dict.fromkeys(hit, str(line["before"]))
                settled += [index] if len(hit) == line["n"] else []
        read = {row: _written(text, words) for row, text in here.items()}
        if not read or np.isnan(list(read.values())).any():
            continue
        if not pd.api.types.is_numeric_dtype(frame[column]):
            frame[column] = pd.Series(np.nan, index=frame.index, dtype="float64")
        frame.loc[list(read), column] = list(read.values())
        changed += settled
        for row, text in here.items():
            if _DATE.fullmatch(squash(text)):
                told = f"{text} is what a spreadsheet makes of {_fraction(text)}; read so. Check the cell"
                cell = table.raw.cells.get(column, "") + str(rows[row])
                table.pad.add("date for a fraction", told, column=column, before=text, after=_fraction(text),
                              action="changed", cells=[cell])  # fmt: skip
    if len(rows) == len(raw.frame) and frame.equals(raw.frame.reset_index(drop=True)):
        return table
    kept = ledger.drop(index=changed) if changed else ledger
    out = Table(
        replace(raw, frame=frame, source=source, rows=rows, ledger=kept),
        table.spec,
        table.context,
        table.table,
    )
    out.pad = table.pad
    return out


def _fraction(text: str) -> str:
    month, day = _DATE.fullmatch(squash(text)).groups()  # type: ignore[union-attr]
    return f"{int(month)}/{int(day)}"


def _written(text: str, words: Mapping[str, float]) -> float:
    """A judgement as people and spreadsheets write it: 3, 1/3, 1:3, 3 January, a word of the scale."""
    key = squash(text)
    if _DATE.fullmatch(key):
        above, below = map(int, _fraction(text).split("/"))
        # of a scale's steps one side is always 1
        return above / below if 1 in (above, below) and max(above, below) <= LARGEST else float("nan")
    return as_number(key.replace(":", "/"), words)
