"""Ledger lines about a sheet as a whole: what each of its rows was, and what a reader of it should know."""

from __future__ import annotations

import re
from typing import Any

from commlab.errors import listing
from commlab.intake.found import Body, Found
from commlab.intake.ledger import Pad
from commlab.intake.sheets import letters
from commlab.intake.unseen import unseen_line
from commlab.intake.values import shown

__all__ = ["row_lines", "sheet_lines"]

_RECOGNISED = {
    "total": "rows of totals, kept out of the table and checked against it",
    "header": "header rows",
    "section": "headings of parts of the table, kept in the notes",
    "fill-in": "fill-in and signature lines, kept in the notes",
    "note": "notes",
    "title": "titles, kept in the notes",
    "form": "form lines with nothing but their number",
    "blank": "blank rows",
    "other": "rows of another table on the sheet",
}
_MOST_CELLS = 5


def row_lines(found: Found, kept: set[int], taken: set[int], pad: Pad) -> None:
    by_kind: dict[str, list[int]] = {}
    for row, kind in found.layout.kinds.items():
        if row in kept:
            continue
        if row in taken:
            kind = "total"
        elif kind in ("data", "total"):
            kind = "other"
        by_kind.setdefault(kind, []).append(row + 1)
    for kind, rows in by_kind.items():
        pad.add(
            f"{kind} row",
            f"{_RECOGNISED[kind]}: {listing(rows)}",
            action="recognised",
            severity="note",
            n=len(rows),
            cells=[f"{row}:{row}" for row in rows[:_MOST_CELLS]],
        )


def sheet_lines(found: Found, body: Body, pad: Pad) -> None:
    sheet = found.sheet
    if sheet.text not in ("", "utf-8", "utf-8-sig", "sav"):
        pad.add(
            "encoding",
            f"the text was {sheet.text}, not UTF-8",
            action="changed",
            severity="note",
            after="utf-8",
        )
    if sheet.unseen:
        unseen_line(pad, {f"{letters(c)}{r + 1}": gone for (r, c), gone in sheet.unseen.items()})
    hidden = sorted(row + 1 for row in sheet.hidden_rows if row < len(sheet.rows))
    if hidden:
        pad.add(
            "hidden_rows",
            f"{len(hidden)} hidden rows were read like the others: {listing(hidden)}",
            severity="note",
            n=len(hidden),
            cells=[f"{row}:{row}" for row in hidden[:_MOST_CELLS]],
        )
    unseen = sorted({c for block in found.blocks for c in block.columns} & sheet.hidden_columns)
    if unseen:
        pad.add(
            "hidden_columns",
            f"{len(unseen)} hidden columns were read like the others: {listing(map(letters, unseen))}",
            severity="note",
            n=len(unseen),
            cells=[f"{letters(c)}:{letters(c)}" for c in unseen[:_MOST_CELLS]],
        )
    _comma_lines(found, body, pad)
    if sheet.hidden:
        pad.add("hidden_sheet", "the sheet is hidden; it was read because it was asked for", severity="note")
    if sheet.uncomputed:
        cells = [f"{letters(c)}{r + 1}" for r, c in sheet.uncomputed]
        pad.add(
            "formula_without_result",
            "formulas without a stored result were read as blank; open the file in a spreadsheet, save "
            "it and send it again",
            severity="error",
            n=len(cells),
            cells=cells,
        )
    for (column, value, label), cells in _alike(sheet.missing).items():
        name = shown(value)
        pad.add(
            "declared_missing",
            f"{name}{f' ({label})' if label else ''} is declared missing by the file and read as missing",
            column=str(sheet.rows[0][column]),
            before=name,
            action="changed",
            severity="note",
            n=len(cells),
            cells=cells,
        )
    for i, filled in body.grouped.items():
        pad.add(
            "group_filled",
            f"names that stand only in the first of their rows were filled down: {listing(dict.fromkeys(filled.values()))}",
            column=body.labels[i],
            before=listing(dict.fromkeys(filled.values())),
            action="changed",
            severity="note",
            n=len(filled),
            cells=[body.cell(p, i) for p in filled],
        )
    merged = body.merged_numbers()
    if merged:
        pad.add(
            "merged_number",
            "a number in merged cells stands for several rows; it was read in the first of them only",
            n=len(merged),
            cells=[f"{letters(c)}{r + 1}" for r, c in merged],
        )
    bare = [label for label in body.labels if re.fullmatch(r"\([A-Z]+\)", label)]
    if bare:
        pad.add(
            "column_without_label",
            f"columns without a label are called by their letters: {listing(bare)}; write a label",
            severity="note" if bare == body.labels[:1] else "warning",
            n=len(bare),
            cells=[f"{name.strip('()')}:{name.strip('()')}" for name in bare],
        )
    doubled = [label for label in body.found.blocks[0].labels if body.found.blocks[0].labels.count(label) > 1]
    if doubled:
        pad.add(
            "repeated_header",
            f"several columns are called {listing(dict.fromkeys(doubled))}; the later ones were "
            "numbered #2, #3",
            before=listing(dict.fromkeys(doubled)),
            n=len(doubled),
        )


def _comma_lines(found: Found, body: Body, pad: Pad) -> None:
    """What was read of commas before decimals, and each wording that may mean two numbers."""
    at = {c: body.labels[i] for block in found.blocks for i, c in enumerate(block.columns)}
    if found.commas:
        (row, column), first = next(iter(found.commas.items()))
        pad.add(
            "decimal_comma",
            f"the file writes decimals with a comma: {first} read as {found.sheet.rows[row][column]}",
            before=first,
            after=found.sheet.rows[row][column],
            action="changed",
            severity="note",
            n=len(found.commas),
            cells=[f"{letters(c)}{r + 1}" for r, c in found.commas],
        )
    wordings: dict[tuple[int, str], list[str]] = {}
    for (row, column), text in found.unclear.items():
        wordings.setdefault((column, text), []).append(f"{letters(column)}{row + 1}")
    for (column, text), cells in wordings.items():
        pad.add(
            "unclear_comma",
            f'"{text}" may mean thousands or decimals, since the file writes decimals with a comma; read as missing: '
            "write the number without a sign between thousands",
            column=at.get(column, ""),
            before=text,
            severity="error",
            n=len(cells),
            cells=cells,
        )


def _alike(cells: tuple[tuple[int, int, Any, str], ...]) -> dict[tuple[int, Any, str], list[str]]:
    """Cells by column, value and label."""
    out: dict[tuple[int, Any, str], list[str]] = {}
    for row, column, value, label in cells:
        out.setdefault((column, value, label), []).append(f"{letters(column)}{row + 1}")
    return out
