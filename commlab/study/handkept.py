"""CSV tables that people keep in a spreadsheet: read as they were saved, written so that none is executed."""

from __future__ import annotations

import io
import re
import unicodedata
from pathlib import Path

import pandas as pd

from commlab.errors import DataError, listing
from commlab.text import UNSEEN, clean

__all__ = ["inert", "read_csv", "to_csv", "unquoted", "unseen_cells"]

_BOM = "\ufeff"
_UNSEEN = re.compile(f"[{UNSEEN}]")
_EXECUTED = re.compile(r"[\s\u200b\u200c\u200d\ufeff]*[=+\-@\t\r\n|%]")
_QUOTED = re.compile(r"'(?=[\s\u200b\u200c\u200d\ufeff]*[=+\-@\t\r\n|%])")


def read_csv(path: Path, name: str, columns: tuple[str, ...]) -> pd.DataFrame:
    """A table as text, blanks missing, without characters that nobody sees; in UTF-8 or GB18030, as spreadsheets save it.

    Raises
    ------
    DataError
        If it cannot be read or lacks a column, with its ``name``.
    """
    data = path.read_bytes()
    frame, fault = None, ""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = _UNSEEN.sub("", data.decode(encoding))
            frame = pd.read_csv(io.StringIO(text), dtype="str", keep_default_na=False, na_values=[""])
            break
        except UnicodeDecodeError as error:
            fault = str(error)
        except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
            fault = str(error)
            break
    if frame is None:
        raise DataError(f"cannot be read as comma-separated text ({fault}); save it as CSV UTF-8", file=name)
    if not isinstance(frame.index, pd.RangeIndex):
        raise DataError(
            "has more fields in a row than in its header; put quotes around a text with a comma", file=name
        )
    lacking = [c for c in columns if c not in frame]
    if lacking:
        raise DataError(
            f"has no column {listing(lacking)}; found {listing(frame.columns, most=12)}", file=name
        )
    return frame


def unseen_cells(path: Path) -> dict[str, str]:
    """Cells of a file that hold what nobody sees (``read_csv`` takes it out): line -> the characters."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        return {}
    if not _UNSEEN.search(text):
        return {}
    lines = {f"{k}:{k}": "".join(_UNSEEN.findall(line)) for k, line in enumerate(text.split("\n"), 1)}
    return {line: found for line, found in lines.items() if found}


def to_csv(frame: pd.DataFrame, *, mark: bool = False) -> str:
    """A table as comma-separated text with inert cells; ``mark`` puts the mark by which spreadsheets know UTF-8."""
    safe = frame.copy()
    for column in safe:
        if safe[column].dtype in ("object", "str"):
            safe[column] = safe[column].map(inert, na_action="ignore")
    return (_BOM if mark else "") + safe.to_csv(index=False, lineterminator="\n")


def inert(text: object) -> str:
    """A text that no spreadsheet takes for a formula.

    >>> inert("=1+1"), inert("－"), inert("五华区")
    ("'=1+1", '－', '五华区')
    """
    value = clean(text)
    folded = unicodedata.normalize("NFKC", value)
    return f"'{value}" if _EXECUTED.match(folded) and len(folded.strip()) > 1 else value


def unquoted(text: str) -> str:
    """A text without the mark that ``inert`` put before it.

    >>> unquoted("'=1+1"), unquoted("'s")
    ('=1+1', "'s")
    """
    return text[1:] if _QUOTED.match(unicodedata.normalize("NFKC", text)) else text
