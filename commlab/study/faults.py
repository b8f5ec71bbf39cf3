"""Why a file cannot be read, in the reader's language.

The readers raise ``DataError`` in English. Each of their sentences is listed here with named fields; a sentence is known
by its wording, and what stands in its fields goes into the translation. ``tests/test_faults.py`` holds the list against
every ``DataError`` that reading a raw file can raise.
"""

from __future__ import annotations

import re
from functools import cache

from commlab.errors import DataError
from commlab.text import Text

__all__ = ["FAULTS", "PARTS", "in_language", "spoken"]

FAULTS: tuple[str, ...] = (
    # files
    "the file is empty (0 bytes); ask for it again",
    "there is no such file",
    "is no ordinary file; save the table as .xlsx or .csv",
    "cannot be opened: {error}",
    "files of type {type} are not read; save it as .xlsx or .csv (read are {types})",
    "is {size} MB; at most {most} MB are read: part it into several files",
    "is named {type} but is {kind}; give it the right extension or save it again",
    "is a web page named {type}; open it in a spreadsheet and save it as .xlsx",
    "is an old Excel workbook with a new name; save it as .xlsx",
    "is a zip file but no workbook; unpack it and send the tables",
    "is protected by a password; save it without one and send it again",
    "is damaged or cut off and cannot be read; ask for it again",
    "is damaged and cannot be read; open and save it again",
    "is damaged and cannot be read ({error}); open and save it again",
    "is damaged and cannot be read as an SPSS file; ask for it again",
    "cannot be read as an SPSS file: {error}",
    "declares a document type, which no workbook does; not opened",
    "holds no worksheet",
    # size
    "holds {n} parts, more than any workbook needs; not opened",
    "unpacks to {size} MB (at most {most} are read); not opened: part it",
    "its part {part} unpacks from {packed} to {size} bytes, which looks like a zip bomb; not opened: copy the table's values into a new workbook",
    "a filled cell stands at {cell} and the sheet has {n} rows: more than {most} cells are not read; delete stray cells far from the table, or part it",
    "the sheet spans {rows} rows and {columns} columns; at most {most} cells are read: delete stray cells far from the table, or part it",
    "the last filled cell stands in row {row}, but only {n} rows are filled: delete stray cells far from the table and send it again",
    "holds {n} filled cells; at most {most} are read: part it",
    "holds some {n} cells; at most {most} are read as a table: part it (questionnaires have a reader of their own)",
    "holds {n} cells, more than {most}: part it",
    "has {n} columns; at most {most} are read, as in a spreadsheet: turn the table, or part it",
    "merges more than {most} cells; undo the merges and send it again",
    # text
    "holds zero bytes, so it is no text file; open and save it as .xlsx",
    "is UTF-8, but line {line} is spoilt or cut off (byte {byte} at {place}); ask for the file again",
    "line {line} {fault} (byte {byte} at {place}); save the file again as UTF-8",
    "starts with the mark of {coding} but line {line} is not {coding}; save the file again as UTF-8",
    "begins as {coding} but is not {coding} throughout; save it again as UTF-8",
    "cannot be split into cells: {error}; save it as .xlsx",
    "a quotation mark opened in row {row} is never closed and swallows {n} lines; close it, or save the file as .xlsx",
    # tables
    "no table was found: a table needs a row of labels above its rows; add one, or write header: none in study.yaml and name its columns by their letters",
    "the table has no row of labels ({labels} stand in their place); add one, or write header: none in study.yaml and name its columns by their letters",
    "holds {n} different tables; say which with sheet=: {tables}",
    "has no table on a sheet {sheet}; it has {tables}",
    "seems to hold {n} tables, more than {most}: give every table one row of labels, and keep the tables of one kind under the same labels",
    "the table stands on its side (its labels are in column {column}); turn rows into columns and send it again",
    # questionnaires
    "every sheet is empty; ask for the export again",
    "there is no row of answers below the header",
    "a second header stands in the middle of the answers in another order of columns; part the file there",
    "none of the {n} items of the codebook is in the header (found: {found}); is this the right codebook, and is the header among the first rows?",
    "columns {columns} all answer {question} ({found}); keep one, or tell their wordings apart in the codebook: with the number or the grid's title in front, by number:, or by occurrence: where all is alike",
    "columns {columns} all are {wording} ({role}); keep one",
    "column {column} {wording} answers both {questions}; tell their wordings apart in the codebook, by their numbers where nothing else differs",
    "{question} is asked in several versions at once, columns {columns}; keep one",
    "the options of {question} stand under the questions {found}; give its number: in the codebook",
    # paper keyed twice
    "the {which} entry has {n} rows without a number ({found}); number them",
    "the {which} entry holds the same number {n} times ({found}); number anew",
    "no column holds the number on paper; name it in the codebook (columns: id)",
    "the verdicts lack the columns {columns}; fill in the list of disagreements",
    "{n} verdicts are neither a code nor an option of their question ({found})",
    # what people answer in review.csv and verdicts.csv
    "cannot be read as comma-separated text ({error}); save it as CSV UTF-8",
    "has no column {columns}; found {found}",
    "line {line}: “{found}” is answered with “{written}”, which is no unit of the register (near it: {near}); write the unit as in units.csv, or - where it is none",
    "line {line}: “{found}” is answered with “{written}”, which is no unit of the register; write the unit as in units.csv, or - where it is none",
    "line {line}: “{found}” was answered otherwise in line {other}; keep one of the two",
    "line {line}: {input} is no input of study.yaml",
    "line {line}: “{verdict}” is neither a code nor an option of {question}; write one of its options, or (空) where the paper has no answer",
    "delete the file, and `commlab check --force` writes it anew",
    # codebooks
    '"instrument" is missing',
    '"items" is missing or empty',
    "{where}: numbers must be options or values, not {found}",
    '"{part}" must be a mapping',
    "{where}: unknown keys {key} (did you mean {near}?)",
    "{where}: unknown keys {key} (known: {known})",
    "YAML reads {word} as {read}; put it in quotes: {quoted}",
    '"{part}" must be a text or a list of texts, not {found}',
    '"{part}" must be a list of options, not {found}',
    "{where}: there is no scale {scale} under scales (known: {known})",
    "{where}: options must be a mapping of text to code",
    "{where}: an option has no text",
    "{where}: must be a mapping with question and options",
    "{where}: versions must be a list of mappings",
    "{where}: say by question or by periods when it was asked so",
    "{where}: the codes {codes} are none of the item's; map its options to them, or make it an item of its own",
    "{where}: the code of {text} must be a whole number, not {found}",
    "{where}: {code} is kept for dont_know and not_applicable; list {text} under one of them",
    "{where}: scale must be [lowest, highest], whole numbers below {most}, not {found}",
    "{where}: question is missing",
    "{where}: options (or a scale) are missing",
    "{where}: options that read the same: {before} and {told}; each has one meaning",
    "{where}: order names unknown options: {options}",
    "{where}: order names {option} twice",
    "{where}: {key} must be true or false, not {found}",
    "{where}: a ranking is an item; move it there",
    "{name}: these names belong to the table of responses; choose others",
    "the question {question} belongs to both {first} and {second}; tell them apart by their number",
    "the key {key} stands twice (first on line {line})",
    "this is not YAML: {error}",
    "there is no such codebook",
    "a codebook is UTF-8 text ({error})",
    "a codebook is a mapping with instrument, items, ...",
    "names of both a demographic and an item: {name}",
    "an entry was read as {value}; put it in quotes: {quoted}",
    "{where}: {key} must be the question's number on the platform, not {found}",
    "{where}: {key} must be 1 for the first such column, 2 ..., not {found}",
    "{where}: the code of {text} must be a word or a whole number, not {found}; use quotes",
    "unfolds to more than {most} entries, or an alias contains itself",
    "a key is a list or a mapping; a key is text",
    # the register
    "unit changes need the columns {columns}",
    "{n} aliases point to units that are not in the register ({found}); correct the unit, or add it to the register",
    'the register has neither a column "unit" nor "name" (found: {found})',
    "the register names {n} units twice or not at all ({found})",
    'aliases need columns "alias" (or "found") and "unit" (found: {found})',
    'column "{column}" needs a number >= 0, found {found}',
    "column and row need whole numbers",
    "units stand twice: {names}",
    "units share a place: {names}",
    'column "unit" is blank',
    "names units that units.csv does not have: {names}",
    "names hold a line end or a tab: {names}",
    "districts give their names to the folders of their reports: {names}; call them otherwise",
    'has no row for the city "{city}" that study.yaml names',
    'has no unit of level "district": that is the level of what gets a report of its own, be it a county, a street or a community',
    "parents that are no units: {names}",
    "units without a parent: {names}",
    "codes used twice: {codes}",
    'expected one column with "{wanted}", found {n}',
    "names no district of units.csv: {names}",
    "{unit}: {n} {kind} communities are printed, units.csv has {have}",
    "has more fields in a row than in its header; put quotes around a text with a comma",
)  # fmt: skip

PARTS: tuple[str, ...] = (
    "an Excel workbook (.xlsx)",
    "an old Excel workbook (.xls)",
    "an SPSS file (.sav)",
    "a text file (.csv)",
    "is GB18030, but spoilt or cut off",
    "is neither UTF-8 nor GB18030 nor cp1252",
    "first",
    "second",
    "third",
)
"""What stands in fields of the sentences and is translated with them."""
_TABLE = "{sheet}: {n} rows of {labels}"
_MORE = "{names} and {n} more"
_LINE = re.compile(r"line (\d+): (.*)", re.DOTALL)
_FIELD = re.compile(r"\{(\w+)\}")


@cache
def _pattern(template: str) -> re.Pattern[str]:
    """A sentence as a pattern; a field that stands twice has one value."""
    parts, seen = [], set[str]()
    for k, part in enumerate(_FIELD.split(template)):
        if k % 2 == 0:
            parts.append(re.escape(part))
        else:
            parts.append(f"(?P={part})" if part in seen else f"(?P<{part}>.*?)")
            seen.add(part)
    return re.compile("".join(parts), re.DOTALL)


def spoken(message: str, t: Text) -> str:
    """A reader's sentence in a language; as it is where it is not listed.

    >>> spoken("is 300 MB; at most 200 MB are read: part it into several files", Text("zh"))
    '文件有300 MB，最多读取200 MB：请拆成几个文件'
    """
    if t.language == "en":
        return message
    line = _LINE.fullmatch(message)
    for template in FAULTS:
        match = _pattern(template).fullmatch(message)
        if match and not (line and template.startswith("{")):
            return t(template, **{name: _part(name, text, t) for name, text in match.groupdict().items()})
    if line:
        return t("line {line}: {fault}", line=line[1], fault=spoken(line[2], t))
    return message


def in_language(error: DataError, t: Text) -> DataError:
    """An error with each of its faults in a language.

    >>> str(in_language(DataError("the file is empty (0 bytes); ask for it again", file="a.csv"), Text("zh")))
    'a.csv: 文件是空的（0字节）；请重新报送'
    """
    faults = [spoken(fault, t) for fault in error.faults or (error.bare,)]
    joint = "；" if t.language == "zh" else "; "
    return DataError(
        joint.join(faults),
        file=error.file,
        sheet=error.sheet,
        cell=error.cell,
        faults=error.faults and faults,
    )


def _part(name: str, text: str, t: Text) -> str:
    if text in PARTS:
        return t(text)
    if name == "tables":
        return t.listing([_filled(_TABLE, table, t) for table in text.split("; ")])
    return _filled(_MORE, text, t)


def _filled(template: str, text: str, t: Text) -> str:
    match = _pattern(template).fullmatch(text)
    if not match:
        return text
    return t(
        template, **{k: _filled(_MORE, v, t) if k == "labels" else v for k, v in match.groupdict().items()}
    )
