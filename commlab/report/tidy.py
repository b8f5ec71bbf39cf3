"""A frame as a file for other programs: CSV for spreadsheets, parquet for pandas and R, .sav for SPSS.

>>> import commlab as cl
>>> from commlab.report.tidy import save
>>> study = cl.open_study()                                                      # doctest: +SKIP
>>> save(study.period("2019Q4").satisfaction(by="district"), "satisfaction.csv") # doctest: +SKIP
>>> from commlab.intake.codebook import load_codebook
>>> book = load_codebook(study.register.codebook("resident"))                    # doctest: +SKIP
>>> save(study.period("2019Q4").answers, "answers.sav", codebook=book)           # doctest: +SKIP
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from commlab.errors import ParameterError, listing
from commlab.store import write_bytes
from commlab.tables import DONT_KNOW, NOT_APPLICABLE

if TYPE_CHECKING:
    from commlab.intake.codebook import Codebook
    from commlab.intake.questions import Question

__all__ = ["save"]

_FORMULA = re.compile(r"^[\s]*[=+\-@]|^[\t\r]")
_NAME = re.compile(r"[^\w.]", flags=re.ASCII)
LONGEST = 64
"""Bytes of a variable's name in a .sav file."""


def save(
    frame: pd.DataFrame, path: str | Path, *, codebook: Codebook | None = None, language: str = "zh"
) -> Path:
    """Write a frame as ``.csv``, ``.parquet`` or ``.sav``; the file appears complete or not at all.

    Parameters
    ----------
    frame : DataFrame
        One row a case; the index is not written.
    path : path
        Its suffix says the format.
    codebook : Codebook, optional
        Of the study's questionnaire: gives a .sav file its labels of variables and values, and makes "don't know" (98) and
        "not applicable" (97) user-missing. Without it texts stay texts.
    language : {"zh", "en"}
        Of the variables' labels.

    Returns
    -------
    Path

    Raises
    ------
    ParameterError
        If the suffix is none of the three, or two columns have one name in .sav.

    Notes
    -----
    A text in CSV that a spreadsheet would run as a formula gets an apostrophe before it.
    """
    path = Path(path)
    if path.suffix == ".csv":
        write_bytes(path, _safe(frame).to_csv(index=False).encode("utf-8-sig"))
    elif path.suffix == ".parquet":
        write_bytes(path, frame.reset_index(drop=True).to_parquet(None, index=False) or b"")
    elif path.suffix == ".sav":
        write_bytes(path, _sav(frame.reset_index(drop=True), codebook, language))
    else:
        raise ParameterError(f"{path.name}: a frame is saved as .csv, .parquet or .sav, not {path.suffix!r}")
    return path


def _safe(frame: pd.DataFrame) -> pd.DataFrame:
    out = frame.copy()
    for column in out.columns[[not pd.api.types.is_numeric_dtype(d) for d in out.dtypes]]:
        out[column] = [
            f"'{v}" if isinstance(v, str) and _FORMULA.search(v) and not _is_number(v) else v
            for v in out[column]
        ]
    return out


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?\d+(\.\d+)?%?", text) is not None


def _sav(frame: pd.DataFrame, codebook: Codebook | None, language: str) -> bytes:
    import pyreadstat

    names = {c: _variable(str(c)) for c in frame.columns}
    twice = pd.Series(names).str.lower()
    if twice.duplicated().any():
        raise ParameterError(
            f"columns {listing(twice.index[twice.duplicated(keep=False)])} have one name in .sav"
        )
    items: Mapping[str, Question] = codebook.items if codebook else {}
    people: Mapping[str, Question] = codebook.demographics if codebook else {}
    out = pd.DataFrame(index=frame.index)
    labels: list[str | None] = []
    values: dict[str, dict[Any, str]] = {}
    missing: dict[str, list[Any]] = {}
    for column, name in names.items():
        known = items.get(column) or people.get(column)
        labels.append(known.labels[language] if known else str(column))
        out[name] = frame[column]
        if column in items:
            out[name] = pd.to_numeric(frame[column]).astype("float64")
            values[name] = _texts(items[column])
            missing[name] = [{"lo": NOT_APPLICABLE, "hi": DONT_KNOW}]
        elif column in people:
            codes = [*dict.fromkeys(c for c in people[column].options.values() if isinstance(c, str))]
            texts = {c: text for text, c in reversed(list(people[column].options.items()))}
            out[name] = frame[column].map({c: float(i) for i, c in enumerate(codes, 1)})
            values[name] = {float(i): texts[c] for i, c in enumerate(codes, 1)}
        elif out[name].dtype == bool:
            out[name] = out[name].astype("float64")
        elif not pd.api.types.is_numeric_dtype(out[name]) and not pd.api.types.is_datetime64_any_dtype(
            out[name]
        ):
            out[name] = out[name].astype("object").where(out[name].notna(), "").map(str)
        elif pd.api.types.is_numeric_dtype(out[name]):
            out[name] = out[name].astype("float64")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "frame.sav"
        pyreadstat.write_sav(
            out, str(target), column_labels=labels, variable_value_labels=values, missing_ranges=missing
        )
        return target.read_bytes()


def _texts(item: Question) -> dict[Any, str]:
    """Code -> the first text that has it."""
    found = {float(code): text for text, code in reversed(list(item.options.items())) if code is not None}
    special = ((DONT_KNOW, item.dont_know), (NOT_APPLICABLE, item.not_applicable))
    return dict(sorted((found | {float(c): texts[0] for c, texts in special if texts}).items()))


def _variable(column: str) -> str:
    """A name that SPSS takes: letters, digits, _ and . ; it starts with a letter."""
    name = _NAME.sub("_", column)[:LONGEST]
    return name if name[:1].isalpha() else f"v_{name}"[:LONGEST]
