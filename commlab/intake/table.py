"""A file as an office sends it, read into one table with nothing lost: ``read_table``.

The way: ``sheets`` opens the file, ``layout`` finds the tables and says what each row is, ``values`` reads
the columns, ``totals`` checks what the sheet adds up. What was recognised, changed or doubted stands in
the ledger; rows read = rows kept + rows recognised.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from commlab.errors import ParameterError, listing
from commlab.intake import remarks, totals, units, values, words
from commlab.intake.found import Body, Found, choose, tables_of, unique
from commlab.intake.grid import is_mark
from commlab.intake.ledger import Pad, quoted
from commlab.intake.sheets import letters

__all__ = ["RawTable", "read_table", "read_tables"]

_ITEMS = re.compile(r"指标|标准|项目|内容|条款|考核|评分|题")
_MOST_ROUNDED = 3
_MOST_CELLS = 5
_TEXTUAL = ("title", "fill-in", "section", "note")


@dataclass(frozen=True)
class RawTable:
    """A table as printed, in base units.

    Attributes
    ----------
    frame : DataFrame
        Columns named by their header levels joined with "/"; numbers float64, dates datetime64[us], else str.
    source : Series of str
        ``file#sheet!12:12``, aligned with ``frame``; ``A12:C12`` where blocks stand side by side.
    cells : dict
        Column -> spreadsheet letters (of the first block); ``cell`` gives the exact cell of a value.
    rows : Series of int
        Spreadsheet row numbers, aligned with ``frame``.
    notes : tuple of str
        Titles, fill-in lines, section headings and notes, in their order.
    totals : DataFrame
        Rows of totals and averages: the columns of ``frame``, then their ``label`` and ``source``.
    ledger : DataFrame
        What was done, in the columns of the ledger's contract without the period.
    file, sheet : str
    rows_read : int
        Rows of the sheet down to its last filled one = distinct ``rows`` + the ledger's row lines.
    """

    frame: pd.DataFrame
    source: pd.Series
    cells: Mapping[str, str]
    rows: pd.Series
    notes: tuple[str, ...]
    totals: pd.DataFrame
    ledger: pd.DataFrame
    file: str
    sheet: str
    rows_read: int
    _blocks: np.ndarray = field(repr=False, default_factory=lambda: np.zeros(0, dtype=int))
    _letters: tuple[Mapping[str, str], ...] = field(repr=False, default=())

    def cell(self, position: int, column: str) -> str:
        """Spreadsheet cell of a value, such as ``F12``: its row's position in ``frame`` and its column."""
        if column not in self.cells or not 0 <= position < len(self.frame):
            raise ParameterError(f"the table has no row {position} with a column {column!r}")
        return f"{self._letters[self._blocks[position]][column]}{self.rows.iloc[position]}"


def read_table(
    path: str | Path,
    *,
    sheet: str | None = None,
    name: str | None = None,
    none_is_zero: Sequence[str] = (),
    header: bool = True,
) -> RawTable:
    """Read the one table of a file, or the one that is named.

    Parameters
    ----------
    path : str or Path
        .xlsx .xlsm .xls .ods .csv .tsv .txt .sav
    sheet : str, optional
        Name of a sheet; ``name!2`` is the second table on it. Needed where a file holds several tables.
    name : str, optional
        What the file is called in sources and ledger, such as its path in a study. Default: ``path`` as
        given.
    none_is_zero : sequence of str, optional
        Columns in which 无 means 0; elsewhere it is missing, and flagged.
    header : bool, default True
        False: the table has no row of labels; its columns are called by their letters, A, B, ...

    Returns
    -------
    RawTable

    Raises
    ------
    DataError
        If the file cannot be read, holds no table, or holds several and ``sheet`` does not say which.

    Notes
    -----
    Blocks of the same columns, side by side or under each other, are one table. Totals go to ``.totals``
    and are checked; a wrong total is an error in the ledger, and the file is read all the same.
    """
    found = choose(tables_of(Path(path), header=header), Path(path), sheet)
    return _read(found, name if name is not None else Path(path).as_posix(), frozenset(none_is_zero))


def read_tables(
    path: str | Path, *, name: str | None = None, none_is_zero: Sequence[str] = (), header: bool = True
) -> dict[str, RawTable]:
    """Read every table of a file, hidden sheets too: sheet name (``name!2`` its second table) -> RawTable."""
    file = name if name is not None else Path(path).as_posix()
    found = tables_of(Path(path), header=header)
    return {one.name: _read(one, file, frozenset(none_is_zero)) for one in found if one.n}


def _read(found: Found, file: str, none_is_zero: frozenset[str]) -> RawTable:
    pad = Pad(file=file, sheet=found.sheet.name)
    body = Body(found)
    notes = _notes(found)
    columns = _columns(body, found, notes, none_is_zero, pad)
    numeric = [i for i, column in enumerate(columns) if column.printed is not None]
    printed = [column.printed for column in columns if column.printed is not None]
    numbers = np.column_stack(printed) if printed else np.zeros((len(body.places), 0))
    scored = any(_ITEMS.search(label) for label in body.key_labels)  # a form's scores are added up
    rates = [totals.is_rate(columns[i].label, _unit_name(columns[i]), scored=scored) for i in numeric]
    own = totals.wholes(_keys(body), numbers[: body.n], rates, [words.folded(note) for note in notes])
    lines = _lines(body, columns, own)
    _check_totals(body, columns, lines, numbers, rates, numeric, pad)

    taken = [i for i, line in enumerate(lines) if line.total]
    kept = sorted(set(range(len(body.places))) - set(taken))
    names = unique([column.label for column in columns])
    whole = pd.DataFrame({name: column.values for name, column in zip(names, columns, strict=True)})
    whole.index = pd.RangeIndex(len(body.places))
    source = pd.Series([_source(body, file, i) for i in range(len(body.places))], dtype="str")
    rows = pd.Series([row + 1 for _, row in body.places], dtype="int64")
    remarks.row_lines(found, {body.places[i][1] for i in kept}, {body.places[i][1] for i in taken}, pad)
    remarks.sheet_lines(found, body, pad)
    gone = whole.iloc[taken].reset_index(drop=True)
    gone["label"] = pd.Series([lines[i].label for i in taken], dtype="str")
    gone["source"] = source.iloc[taken].to_numpy()
    where = tuple(
        {name: letters(c) for name, c in zip(names, block.columns, strict=True)} for block in found.blocks
    )
    return RawTable(
        frame=whole.iloc[kept].reset_index(drop=True),
        source=source.iloc[kept].reset_index(drop=True),
        cells=where[0],
        rows=rows.iloc[kept].reset_index(drop=True),
        notes=notes,
        totals=gone,
        ledger=pad.frame().drop(columns="period"),
        file=file,
        sheet=found.sheet.name,
        rows_read=len(found.sheet.rows),
        _blocks=np.array([body.places[i][0] for i in kept], dtype=int),
        _letters=where,
    )


def _source(body: Body, file: str, i: int) -> str:
    b, row = body.places[i]
    sheet = quoted(body.found.sheet.name, name=True)
    if len(body.found.blocks) == 1:
        return f"{file}#{sheet}!{row + 1}:{row + 1}"
    columns = body.found.blocks[b].columns
    return f"{file}#{sheet}!{letters(columns[0])}{row + 1}:{letters(columns[-1])}{row + 1}"


def _above(found: Found) -> list[str]:
    """Lines that stand between the table before and this one, where they declare a unit."""
    lines = [_line(found, row) for block in found.blocks for row in block.above]
    return lines if any(map(units.sheet_units, lines)) else []


def _line(found: Found, row: int) -> str:
    return " ".join(values.shown(cell).strip() for cell in found.sheet.rows[row] if cell is not None)


def _notes(found: Found) -> tuple[str, ...]:
    out = list(found.sheet.remarks) if found.sheet.text == "sav" else []
    for row, kind in sorted(found.layout.kinds.items()):
        if kind in _TEXTUAL:
            out.append(_line(found, row))
    return tuple(out)


def _columns(
    body: Body, found: Found, notes: tuple[str, ...], none_is_zero: frozenset[str], pad: Pad
) -> list[values.Column]:
    declared = [
        unit for note in _above(found) or notes for unit in units.sheet_units(note) if unit.times != 1
    ]
    given = _declared_for(body, declared, notes, pad)
    shares = found.sheet.percents
    out = []
    for i, label in enumerate(body.labels):
        _unit_above(label, pad)
        percents: frozenset[int] | None = None if shares is None else frozenset()
        own = units.header_unit(label)
        if shares and own and own.times < 1:
            at = [block.columns[i] for block in found.blocks]
            percents = frozenset(p for p, (b, row) in enumerate(body.places) if (row, at[b]) in shares)
        column = values.parse_column(
            body.told(i),
            label,
            body=body.n,
            unit=given.get(i),
            percents=percents,
            none_is_zero=label in none_is_zero or (own is not None and own.label in none_is_zero),
        )
        for change in column.changes:
            pad.add(
                change.rule,
                change.message,
                column=column.label,
                before=change.before,
                after=change.after,
                action=change.action,
                severity=change.severity,
                n=change.n,
                cells=[body.cell(p, i) for p in change.positions],
            )
        out.append(column)
    return out


def _declared_for(
    body: Body, declared: list[units.Unit], notes: tuple[str, ...], pad: Pad
) -> dict[int, units.Unit]:
    """Which columns a unit printed above the table is meant for."""
    out: dict[int, units.Unit] = {}
    free = [
        i
        for i, label in enumerate(body.labels)
        if units.header_unit(label) is None and not words.is_serial(label) and body.found.blocks[0].numeric[i]
    ]
    for unit in declared:
        last = [i for i in free if units.suits(unit, body.labels[i].rpartition("/")[2])]
        below = [i for i in free if units.suits(unit, body.labels[i]) and units.is_origin(body.labels[i])]
        meant = sorted({*last, *below}) or [i for i in free if units.suits(unit, body.labels[i])]
        unsaid = [i for i in free if units.is_open(body.labels[i]) and not totals.is_rate(body.labels[i])]
        if any(units.speaks_of(unit, note) for note in notes):
            meant = sorted({*meant, *unsaid})
        if not meant and unit.times < 1:
            meant = [i for i in free if totals.is_rate(body.labels[i])]
        for i in meant:
            out.setdefault(i, unit)
        if not meant and not any(units.suits(unit, label) for label in body.labels):
            pad.add(
                "unit_unclaimed",
                f"the sheet says its unit is {unit.label}, but no column is known to be meant; write it "
                f'in the header, as in "经费({unit.label})"',
                before=unit.label,
            )
        elif left := [body.labels[i] for i in unsaid if i not in out]:
            pad.add(
                "unit_declared",
                f"the sheet's unit {unit.label} was used for {listing(body.labels[i] for i in meant)}, not "
                f"for {listing(left)}: write the unit in the header where that is wrong",
                column=listing(left),
                before=unit.label,
                severity="note",
                n=len(left),
            )
    return out


def _unit_above(label: str, pad: Pad) -> None:
    """A line about a unit of an upper header level that was not used for a count, a rate or words."""
    upper = units.upper_unit(label)
    if upper and units.header_unit(label) is None:
        pad.add(
            "unit_of_upper_level",
            f'the unit printed above "{upper[1]}" was not used for it; write the unit beside the label if it '
            "is meant",
            column=label,
            before=upper[0].name,
            severity="note",
        )


def _keys(body: Body) -> list[list[str]]:
    """The key columns of the data rows, folded, without running numbers and codes."""
    first = body.found.blocks[0]
    at = [first.columns.index(c) for c in first.keys]
    wordy = [
        i for i in at if not words.is_serial(body.labels[i]) and not values.is_code_label(body.labels[i])
    ]
    return [
        [words.folded(cell) if cell is not None else "" for cell in body.column(i)[: body.n]] for i in wordy
    ]


def _lines(body: Body, columns: list[values.Column], own: dict[int, str]) -> list[totals.Line]:
    """The table's rows for checking; without a total there is nothing to check."""
    if len(body.places) == body.n and not own:
        return []
    first = body.found.blocks[0]
    wordy = [body.told(i) for i, column in enumerate(columns) if column.printed is None]
    keys = [body.column(first.columns.index(c)) for c in first.keys]
    out = []
    for p, (b, _) in enumerate(body.places):
        named = [words.folded(cells[p]) for cells in keys if cells[p] is not None and not is_mark(cells[p])]
        if p in own:
            out.append(totals.Line(b, (), "sum", named[-1] if named else "(no label)", own[p]))
        elif p < body.n:
            texts = tuple(words.folded(cells[p]) for cells in wordy if cells[p] is not None)
            out.append(totals.Line(b, texts, ""))
        else:
            label = next((n for n in named if words.total_kind(n) or words.is_part(n)), "")
            texts = tuple(n for n in named if n != label and not words.total_kind(n))
            kind = "part" if words.is_part(label) else words.total_kind(label) or "sum"
            out.append(totals.Line(b, texts, kind, label, words.total_group(label)))
    return out


def _unit_name(column: values.Column) -> str:
    return column.unit.name if column.unit else ""


def _check_totals(
    body: Body,
    columns: list[values.Column],
    lines: list[totals.Line],
    numbers: np.ndarray,
    rates: list[bool],
    numeric: list[int],
    pad: Pad,
) -> None:
    if not numeric or not any(line.total for line in lines):
        return
    order = sorted(range(len(lines)), key=lambda i: (body.places[i][0], body.places[i][1]))
    serial = [words.is_serial(body.labels[i]) for i in numeric]
    checked = [j for j, is_serial in enumerate(serial) if not is_serial]
    if not checked:
        return
    verdicts, covered = totals.check(
        [lines[i] for i in order], numbers[np.ix_(order, checked)], [rates[j] for j in checked]
    )
    rounded: dict[int, list[totals.Verdict]] = {}
    for verdict in verdicts:
        if verdict.severity == "rounding":
            rounded.setdefault(verdict.column, []).append(verdict)
    for verdict in verdicts:
        alike = rounded[verdict.column] if verdict.severity == "rounding" else [verdict]
        if len(alike) > _MOST_ROUNDED and verdict is not alike[0]:
            continue
        i, position = numeric[checked[verdict.column]], order[verdict.line]
        shown = alike if len(alike) > _MOST_ROUNDED else [verdict]
        message = totals.message(lines[position].label, body.labels[i], verdict, covered[verdict.line])
        pad.add(
            "total_rounding" if verdict.severity == "rounding" else "total_mismatch",
            message if len(shown) == 1 else f"{len(shown)} totals differ by no more than rounding; {message}",
            column=columns[i].label,
            before=values.shown(verdict.printed),
            after=values.shown(round(verdict.found, 6)),
            action="flagged",
            severity=verdict.severity,
            n=len(shown),
            cells=[body.cell(order[v.line], i) for v in shown[:_MOST_CELLS]],
        )
