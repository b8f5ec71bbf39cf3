"""What an OpenDocument sheet says beside its values, read from its XML as a stream.

>>> xml = '<table:table table:name="a"><table:table-row table:visibility="collapse">'
>>> xml += '<table:table-cell office:value-type="percentage" office:value="0.5"/></table:table-row></table:table>'
>>> found = inspect(xml.encode(), file="a.ods")["a"]
>>> sorted(found.hidden_rows), sorted(found.percents)
([0], [(0, 0)])
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.parsers import expat

from commlab.errors import DataError
from commlab.intake.peek import MOST_CELLS, Peek, Range, refuse_size

__all__ = ["inspect"]

_CELLS = ("table:table-cell", "table:covered-table-cell")
_HIDDEN = ("collapse", "filter")


def inspect(content: bytes, *, file: str) -> dict[str, Peek]:
    """Hidden rows and columns, errors, cells in per cent and merged ranges of every sheet.

    Raises
    ------
    DataError
        If the XML is damaged, declares a document type (which workbooks never do), or the filled cells of a
        sheet span more than are read.
    """
    if (filled := content.count(b" office:value-type=")) > MOST_CELLS:
        raise DataError(f"holds {filled:,} filled cells; at most {MOST_CELLS:,} are read: part it", file=file)
    reader = _Reader(file)
    try:
        reader.parser.Parse(content, True)
    except expat.ExpatError as error:
        raise DataError(
            f"is damaged and cannot be read ({error}); open and save it again", file=file
        ) from None
    return {sheet.name: sheet.peek() for sheet in reader.sheets}


@dataclass
class _Sheet:
    name: str
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    percents: set[tuple[int, int]] = field(default_factory=set)
    merges: list[Range] = field(default_factory=list)
    rows: int = 0
    columns: int = 0

    def peek(self) -> Peek:
        filled = range(self.rows)
        return Peek(
            frozenset(row for row in self.hidden_rows if row in filled),
            frozenset(self.hidden_columns),
            self.errors,
            percents=frozenset(self.percents),
            merges=tuple(self.merges),
        )


class _Reader:
    """Follows the XML: which row and column it stands in, and the cell it is inside."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.sheets: list[_Sheet] = []
        self.depth = self.row = self.column = self.columns_told = 0
        self.rows_alike = self.cells_alike = 1
        self.suspect = False
        self.text: list[str] = []
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end

    def _refuse(self, *_: object) -> None:
        raise DataError("declares a document type, which no workbook does; not opened", file=self.file)

    def _start(self, tag: str, found: dict[str, str]) -> None:
        if tag in _CELLS and self.depth == 1:
            self.cells_alike = _times(found, "table:number-columns-repeated")
            if "office:value-type" in found or "table:number-rows-spanned" in found:
                self._cell(found)
        elif tag == "table:table-row" and self.depth == 1:
            self.column, self.rows_alike = 0, _times(found, "table:number-rows-repeated")
            if found.get("table:visibility") in _HIDDEN:
                self.sheets[-1].hidden_rows.update(
                    range(self.row, min(self.row + self.rows_alike, MOST_CELLS))
                )
        elif tag == "table:table-column" and self.depth == 1:
            alike = _times(found, "table:number-columns-repeated")
            if found.get("table:visibility") in _HIDDEN:
                self.sheets[-1].hidden_columns.update(
                    range(self.columns_told, min(self.columns_told + alike, MOST_CELLS))
                )
            self.columns_told += alike
        elif tag == "table:table":
            self.depth += 1
            if self.depth == 1:
                self.sheets.append(_Sheet(found.get("table:name", "")))
                self.row = self.columns_told = 0

    def _cell(self, found: dict[str, str]) -> None:
        sheet = self.sheets[-1]
        if kind := found.get("office:value-type"):
            sheet.rows = max(sheet.rows, self.row + self.rows_alike)
            sheet.columns = max(sheet.columns, self.column + self.cells_alike)
            refuse_size(sheet.rows, sheet.columns, file=self.file, sheet=sheet.name)
            if kind == "percentage":
                sheet.percents.update(
                    (self.row + r, self.column + c)
                    for r in range(self.rows_alike)
                    for c in range(self.cells_alike)
                )
            elif "table:formula" in found and not found.get("office:string-value"):
                self.suspect, self.text = kind == "string", []
                self.parser.CharacterDataHandler = self.text.append if self.suspect else None
        down = _times(found, "table:number-rows-spanned")
        right = _times(found, "table:number-columns-spanned")
        if down > 1 or right > 1:
            sheet.merges.append((self.row, self.column, self.row + down - 1, self.column + right - 1))

    def _end(self, tag: str) -> None:
        if tag in _CELLS and self.depth == 1:
            shown = "".join(self.text).strip() if self.suspect else ""
            if shown.startswith(("#", "Err:")):
                self.sheets[-1].errors[self.row, self.column] = shown
            if self.suspect:
                self.suspect, self.parser.CharacterDataHandler = False, None
            self.column += self.cells_alike
        elif tag == "table:table-row" and self.depth == 1:
            self.row += self.rows_alike
        elif tag == "table:table":
            self.depth -= 1


def _times(found: dict[str, str], what: str) -> int:
    told = found.get(what, "1")
    return max(int(told), 1) if told.isdecimal() else 1
