"""What goes into a reader and what comes out: context, headers, rows stacked, the contract's order and
keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pandas as pd

from commlab import tables
from commlab.intake.ledger import Pad, split_source
from commlab.intake.names import CERTAINTY, Register, squash

__all__ = [
    "UNMATCHED",
    "Context",
    "Mapped",
    "as_number",
    "as_text",
    "finish",
    "header_key",
    "headers_of",
    "same",
    "stacked",
]

UNMATCHED = ("found", "within", "nearest", "score", "n")
_SCALED = re.compile(
    r"(?:十亿|亿|千万|百万|十万|万|千|百)"
    r"(?=(?:元|人|户|个|次|件|场|台|处|项|家|名|份|平方?米|㎡|m2|吨|公里)[^()]*\))"
)
_AREA = (("㎡", "平方米"), ("(m2)", "(平方米)"), ("(平米)", "(平方米)"))
_KINDS = {"text": "str", "number": "float64", "integer": "Int64", "date": "datetime64[us]", "flag": "bool"}


@dataclass(frozen=True)
class Mapped:
    """A clean table, the ledger of its making, and the unit names that a person has to settle."""

    frame: pd.DataFrame
    ledger: pd.DataFrame
    unmatched: pd.DataFrame = field(repr=False)


@dataclass(frozen=True)
class Context:
    """What a reader has to know beside the file.

    ``given`` holds what the file's name says (``district, expert, rater, round, stage``); ``codes`` are the
    framework's codes with their labels, so that rows may be named by label; ``metrics`` its metric names.
    """

    period: str
    register: Register
    district: str | None = None
    given: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, str] = field(default_factory=dict)
    metrics: Sequence[str] = ()
    certainty: float = CERTAINTY

    @cached_property
    def spelled(self) -> tuple[dict[str, str], dict[str, str]]:
        """Squashed code -> code, and squashed label -> code."""
        codes = {squash(code): code for code in self.codes}
        return codes, {squash(label): code for code, label in self.codes.items()}


def header_key(header: object) -> str:
    """A header as it is compared: NFKC, no spaces, brackets of one kind, units without their power of ten.

    >>> header_key("经费投入（万元） / 财政") == header_key("经费投入(元)/财政")
    True
    """
    key = _SCALED.sub("", squash(header).translate(str.maketrans("[]【】", "()()")))
    for written, meant in _AREA:
        key = key.replace(written, meant)
    return key


def headers_of(entry: Any) -> list[str]:
    """The headers that a column entry names: a text, a list, or ``{headers: [...]}``."""
    if isinstance(entry, Mapping):
        entry = entry.get("headers", ())
    return [str(entry)] if isinstance(entry, str | int | float) else [str(h) for h in entry or ()]


class _Noted(Protocol):
    """What ``finish`` needs of a table."""

    context: Context
    pad: Pad
    unmatched: list[dict[str, Any]]

    def repeated(self, told: str, odd: Sequence[str], cells: Sequence[str]) -> None: ...


def finish(table: _Noted, name: str, frame: pd.DataFrame) -> Mapped:
    """Give the columns the contract's order and types, keep the first of repeated keys, and hand all back."""
    contract = tables.CONTRACTS[name]
    columns: dict[str, pd.Series] = {}
    for c in contract.columns:
        values = frame[c.name] if c.name in frame else pd.Series(pd.NA, index=frame.index, dtype="object")
        if c.name == "period":
            values = pd.Series(table.context.period, index=frame.index)
        columns[c.name] = values.astype(_KINDS[c.kind])
    out = pd.DataFrame(columns, index=frame.index).reset_index(drop=True)
    key = list(contract.key)
    again = out.duplicated(key).to_numpy() if key and len(out) else np.zeros(len(out), dtype=bool)
    if again.any():
        rest = [c for c in out if c not in (*key, "source")]
        place = out.groupby(key, dropna=False, sort=False).ngroup().to_numpy()
        for row in np.flatnonzero(again):
            a, b = out.iloc[int(np.argmax(place == place[row]))], out.iloc[row]
            cells = [split_source(a["source"])[2], split_source(b["source"])[2]]
            named = ", ".join(str(b[k]) for k in key if k != "period" and pd.notna(b[k]))
            odd = [c for c in rest if not same(a[c], b[c])]
            table.repeated(f"{named} stands twice ({' and '.join(cells)})", odd, cells)
    unmatched = pd.DataFrame(table.unmatched, columns=list(UNMATCHED))
    return Mapped(out[~again].reset_index(drop=True), table.pad.frame(), unmatched)


def stacked(parts: Iterable[Mapping[str, Any]], n: int) -> pd.DataFrame:
    """Parts of ``n`` rows under each other; a value of a part is a column of n values or one value for
    all."""
    rows: dict[str, list[np.ndarray]] = {}
    for part in parts:
        for name, value in part.items():
            one = value is None or value is pd.NA or np.ndim(value) == 0
            column = np.full(n, value, dtype=object) if one else np.asarray(value, dtype=object)
            rows.setdefault(name, []).append(column)
    return pd.DataFrame({name: np.concatenate(columns) for name, columns in rows.items()})


def same(a: Any, b: Any) -> bool:
    return bool((pd.isna(a) and pd.isna(b)) or as_text(a) == as_text(b))


def as_text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def as_number(value: Any, words: Mapping[str, float]) -> float:
    text = squash(value).replace(",", "")
    if text in words:
        return words[text]
    try:
        if isinstance(value, bool | int | float | np.number | np.bool_):
            return float(value)
        return (
            float(Fraction(text)) if re.fullmatch(r"[-+]?\d+/\d+", text) else float(text.removesuffix("分"))
        )
    except (ValueError, ZeroDivisionError, OverflowError):
        return float("nan")
