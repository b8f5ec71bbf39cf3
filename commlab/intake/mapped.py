"""What goes into a reader and what comes out: context, headers, rows stacked, values as text and number."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from commlab.intake.names import CERTAINTY, Register, squash

__all__ = [
    "UNMATCHED",
    "Context",
    "Mapped",
    "as_number",
    "as_text",
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
        """Squashed code -> code, and squashed label -> code; a label that several codes share names none of them."""
        codes = {squash(code): code for code in self.codes}
        shared = Counter(squash(label) for label in self.codes.values())
        own = ((squash(label), code) for code, label in self.codes.items())
        return codes, {label: code for label, code in own if shared[label] == 1}


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
