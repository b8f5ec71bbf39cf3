"""Coloured copies of the raw files, for the eyes of the house only: what was found stands on the cell it was found in.

``data/processed/<period>/marked/`` has a workbook for every file with findings that someone has to look at, whatever
kind of file it was. Every value keeps its cell. Personal data is not repeated: personal columns, free text, signature
lines and identifiers inside other text stand as ‹removed›; of long files only the header and the rows with findings
are shown. Raw files are only read.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from commlab import store
from commlab.errors import DataError, StudyError
from commlab.intake.forms import squash
from commlab.intake.ledger import REMOVED, cells_of, quoted
from commlab.intake.privacy import mask, personal_column
from commlab.intake.sheets import open_sheets
from commlab.intake.words import is_fill_in
from commlab.study.ledgerbook import COLOURS, CREATED, OPTIONS, lines_of, sheet_title
from commlab.study.raw import code_hash
from commlab.text import SAMPLE_MARK, Text, clean

if TYPE_CHECKING:
    from commlab.intake.sheets import Sheet

__all__ = ["write_marked"]

_LONG = 2000
"""Rows from which only the header and the rows with findings are copied."""
_HEAD = 12
"""Rows at the top among which a header is looked for."""
_LONGEST = 32_000
_LONGEST_NOTE = 900
_WIDTHS = (10, 14, 16, 18, 18, 60, 50)
_LINE = 15.0
_DIGITS = 10_000_000
"""From here on a whole number may be a telephone number or another identifier."""
_NUMBER = re.compile(r"[约近]?[-+]?(?:[\d.,]\s?){1,9}[十百千万亿]*[%‰]?")
_HIDDEN_RULES = ("personal column", "free text")


def write_marked(
    root: Path,
    period: str,
    findings: pd.DataFrame,
    ledger: pd.DataFrame,
    files: Sequence[Mapping[str, Any]],
    language: str,
    *,
    sample: bool = False,
) -> None:
    """Write the copies of a period and take away those of files that have nothing to look at any more.

    A copy that stands as it was written, of the same file with the same findings, is left.

    Parameters
    ----------
    root : path
        The study.
    period : str
    findings : DataFrame
        As ``advice.actions`` gives them.
    ledger : DataFrame
        Says which columns are personal.
    files : sequence of mapping
        ``Cleaned.files``.
    language : {"zh", "en"}
    sample : bool
        Puts the mark of fabricated data on every sheet.
    """
    folder = root / "data" / "processed" / period / "marked"
    memory = root / "data" / "processed" / ".cache" / f"{period}.marked.json"
    before, made = _noted(memory), dict[str, list[str]]()
    told = findings[(findings["severity"] != "note") & (findings["cells"] != "")]
    known = {str(file["file"]): str(file["sha256"]) for file in files}
    written = set()
    for name, own in told.groupby("file", sort=True):
        path = folder / f"{'/'.join(str(name).split('/')[3:])}.xlsx"
        hidden = ledger.loc[(ledger["file"] == name) & ledger["rule"].isin(_HIDDEN_RULES), "column"]
        personal = sorted({squash(c) for c in hidden.dropna()})
        key = store.json_hash(
            [known.get(str(name)), store.frame_hash(own), personal, language, sample, code_hash()]
        )
        if path.is_file() and before.get(str(name)) == [key, store.file_hash(path)]:
            made[str(name)] = before[str(name)]
            written.add(path)
            continue
        try:
            sheets = open_sheets(root / str(name)) if name in known else []
        except DataError:  # what cannot be read is told in the ledger; there is nothing to colour
            continue
        if sheets:
            _copy(path, str(name), sheets, own, personal, Text(language), sample)
            made[str(name)] = [key, store.file_hash(path)]
            written.add(path)
    for path in sorted(folder.rglob("*.xlsx"), reverse=True) if folder.is_dir() else []:
        if path not in written:
            path.unlink()
    store.write_json(memory, made)


def _noted(memory: Path) -> dict[str, list[str]]:
    """File -> key and hash of the copy that was written last; empty where nothing is known."""
    try:
        noted = store.read_json(memory)
    except StudyError:
        return {}
    return noted if isinstance(noted, dict) else {}


def _copy(
    path: Path,
    name: str,
    sheets: list[Sheet],
    findings: pd.DataFrame,
    personal: Collection[str],
    t: Text,
    sample: bool,
) -> None:
    with store.workbook(path, OPTIONS) as book:
        book.set_properties({"title": "commlab marked copy", "created": CREATED})
        page = _Page(book, t, sample)
        taken: set[str] = set()
        page.summary(name, findings, sheet_title(t("Findings"), taken))
        for sheet in sheets:
            name_shown = quoted(sheet.name, name=True)
            own = findings[findings["sheet"] == name_shown]
            if len(own) or not sheet.hidden:
                page.sheet(sheet, own, personal, sheet_title(name_shown or path.name.split(".")[0], taken))


class _Page:
    """Writes sheets of one workbook; formats are made once each."""

    def __init__(self, book: Any, t: Text, sample: bool) -> None:
        self.book, self.t, self.sample = book, t, sample
        self._formats: dict[tuple[str, str], Any] = {}

    def format(self, severity: str, number: str = "") -> Any:
        key = (severity, number)
        if key not in self._formats:
            look: dict[str, Any] = {"num_format": number} if number else {}
            if severity in COLOURS:
                look |= {"bg_color": COLOURS[severity], "border": 1, "border_color": "#B0B0B0"}
            if severity == "head":
                look |= {"bold": True, "bottom": 1}
            if severity == "wrap":
                look |= {"text_wrap": True, "valign": "top"}
            self._formats[key] = self.book.add_format(look)
        return self._formats[key]

    def summary(self, name: str, findings: pd.DataFrame, title: str) -> None:
        """The first sheet: what was found, as a list."""
        t, sheet = self.t, self.book.add_worksheet(title)
        sheet.write_string(0, 0, name, self.format("head"))
        note = t(
            "Internal: a copy with findings marked; the file itself was not changed. Personal data is left out."
        )
        sheet.write_string(1, 0, note)
        if self.sample:
            sheet.write_string(2, 0, SAMPLE_MARK)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        heads = ("Severity", "Sheet", "Cells", "Found", "Expected", "What is wrong", "What to do")
        for j, (head, wide) in enumerate(zip(heads, _WIDTHS, strict=True)):
            sheet.write_string(4, j, t(head), self.format("head"))
            sheet.set_column(j, j, wide)
        for i, line in enumerate(findings.itertuples(), 5):
            says = f"{line.column}: {line.says}" if line.column else line.says
            cells = (t(line.severity), line.sheet, line.cells, line.found, line.expected, says, line.advice)
            for j, text in enumerate(cells):
                sheet.write_string(i, j, _text(text), self.format(line.severity if j == 0 else "wrap"))
            sheet.set_row(i, _LINE * max(map(lines_of, cells, _WIDTHS)))

    def sheet(self, source: Sheet, findings: pd.DataFrame, personal: Collection[str], title: str) -> None:
        """One sheet of the source with its findings."""
        page = self.book.add_worksheet(title)
        marks, notes = _marks(findings, source.width, self.t)
        masked, removed = _Masked(), _removed_columns(source, personal)
        long = len(source.rows) > _LONG
        shown = {row for row, _ in marks} | set(range(_HEAD))
        if long:
            page.set_default_row(hide_unused_rows=True)
        for i, row in enumerate(source.rows):
            if long and i not in shown:
                continue
            signed = is_fill_in(row)
            for j, value in enumerate(row):
                severity = marks.get((i, j), "")
                if value is None and not severity:
                    continue
                if value is not None and (signed or (j in removed and i >= removed[j])):
                    value = REMOVED
                if (i, j) in source.errors:
                    value = source.errors[i, j]
                self._write(page, i, j, masked(value), severity, percent=(i, j) in (source.percents or ()))
        for (i, j), note in notes.items():
            page.write_comment(i, j, note, {"author": "commlab", "x_scale": 2.2, "y_scale": 1.2})
        if self.sample:
            page.set_header(f"&C{SAMPLE_MARK}")
            page.write_string(0, source.width + 1, SAMPLE_MARK, self.format("head"))

    def _write(self, page: Any, i: int, j: int, value: Any, severity: str, *, percent: bool) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float | dt.date):
            look = self.format(severity)
            if value is None:
                page.write_blank(i, j, None, look)
            else:
                page.write_string(i, j, _text(value), look)
        elif isinstance(value, dt.date):
            dated = (
                "yyyy-mm-dd hh:mm"
                if isinstance(value, dt.datetime) and value.time() != dt.time()
                else "yyyy-mm-dd"
            )
            page.write_string(
                i,
                j,
                f"{value:%Y-%m-%d %H:%M}" if "hh" in dated else f"{value:%Y-%m-%d}",
                self.format(severity),
            )
        elif math.isfinite(value):
            page.write_number(i, j, value, self.format(severity, "0.0%" if percent else ""))
        else:
            page.write_string(i, j, str(value), self.format(severity))


def _marks(
    findings: pd.DataFrame, width: int, t: Text
) -> tuple[dict[tuple[int, int], str], dict[tuple[int, int], str]]:
    """Cell -> the gravest severity found there, and cell -> what is said about it."""
    marks: dict[tuple[int, int], str] = {}
    notes: dict[tuple[int, int], str] = {}
    for line in findings.itertuples():  # the gravest come first
        told = ". ".join(filter(None, [f"{t(line.severity)}: {line.says}", line.advice]))
        for k, (column, row) in enumerate(_places(line.cells, width)):
            marks.setdefault((row, column), line.severity)
            if k == 0:
                notes[row, column] = "\n".join(filter(None, [notes.get((row, column)), told]))[:_LONGEST_NOTE]
    return marks, notes


def _places(cells: str, width: int) -> list[tuple[int, int]]:
    """Zero-based columns and rows of cells such as F12, F12:F20 or 7:7."""
    found = []
    for part in cells.split(", "):
        first, _, last = part.partition(":")
        if first.isdigit() and first == last:
            found += [(column, int(first) - 1) for column in range(width)]
        else:
            found += [(_column(name), row - 1) for name, row in cells_of(part)]
    return found


def _column(name: str) -> int:
    place = 0
    for letter in name:
        place = place * 26 + ord(letter) - ord("A") + 1
    return place - 1


def _removed_columns(source: Sheet, personal: Collection[str]) -> dict[int, int]:
    """Column -> first row that is not repeated: below a header that announces personal data or free text."""
    removed: dict[int, int] = {}
    heads = {
        (i, j): v
        for i, row in enumerate(source.rows[:_HEAD])
        for j, v in enumerate(row)
        if isinstance(v, str)
    }
    for top, left, bottom, right in source.merges:
        if (top, left) in heads:
            heads |= {
                (i, j): heads[top, left]
                for i in range(top, min(bottom, _HEAD) + 1)
                for j in range(left, right + 1)
            }
    for (i, j), value in heads.items():
        if squash(value) in personal or personal_column(value):
            removed[j] = min(removed.get(j, i + 1), i + 1)
    return removed


class _Masked:
    """Values with identifiers masked; every text is looked at once."""

    def __init__(self) -> None:
        self._known: dict[Any, Any] = {}

    def __call__(self, value: Any) -> Any:
        number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) >= _DIGITS
        if not isinstance(value, str) and not number:
            return value
        if value not in self._known:
            text = value if isinstance(value, str) else f"{value:.0f}"
            harmless = isinstance(value, str) and _NUMBER.fullmatch(
                unicodedata.normalize("NFKC", text).strip()
            )
            masked, kinds = (text, {}) if harmless else mask(text)
            # A long number that is no telephone, card or identity number is a code of a unit, or an amount.
            plain = text.isdigit() and set(kinds) <= {"number"}
            self._known[value] = masked if kinds and not plain else value
        return self._known[value]


def _text(value: object) -> str:
    return clean(value)[:_LONGEST]
