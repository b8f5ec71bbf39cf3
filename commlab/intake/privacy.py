"""Personal data leaves here: columns of identifiers are removed, identifiers inside text are masked, both
are counted.

A column is personal by its header (姓名, 联系电话, 来自IP, ...) or by its content (more than half of its
values are identifiers). Any other text is masked place by place (see ``identifiers``), and every name,
phone and address that stood in a personal column is scrubbed from the whole file's text. No value is ever
reported, only counts. For duplicates a keyed hash stays (see ``keyed``: a plain hash of a phone number can be found
by trying them all).

Names in free text cannot be removed reliably by any rule; that is why ``read_questionnaire`` keeps free
text behind intake and a quotation needs a person's approval.

>>> mask("我的电话是１３９ 1234 5678，住3栋2单元501室")
('我的电话是‹removed›，住‹removed›', {'mobile': 1, 'address': 1})
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from commlab.errors import ParameterError
from commlab.intake.identifiers import find
from commlab.intake.keyed import PERSON, keyed_hash, keyed_hashes, person_keys
from commlab.intake.ledger import REMOVED, Pad
from commlab.intake.names import squash
from commlab.intake.personal import (
    CODE_HEADER,
    as_texts,
    content_kind,
    is_name,
    is_person,
    kind_of,
    personal_column,
    spread,
)

if TYPE_CHECKING:
    from commlab.intake.codebook import Codebook

__all__ = [
    "PERSON",
    "content_kind",
    "deidentify",
    "find",
    "keyed_hash",
    "keyed_hashes",
    "mask",
    "mask_column",
    "mask_numbers",
    "person_keys",
    "personal_column",
    "scan",
]

_SHORTEST_KNOWN = 5
_SCANNED = 5_000
_AMOUNTS = 1e9  # a column of numbers with a middle above this holds amounts, not telephones


def mask(text: str, *, free: bool = True) -> tuple[str, dict[str, int]]:
    """Put ``‹removed›`` in the place of every identifier; also the counts by kind."""
    places = find(text, free=free)
    if not places:
        return text, {}
    parts, last = [], 0
    for start, end, _ in places:
        parts += [text[last:start], REMOVED]
        last = end
    return "".join((*parts, text[last:])), dict(Counter(kind for _, _, kind in places))


def scan(texts: list[str]) -> tuple[dict[str, int], int]:
    """In how many texts each kind of identifier stands, and how many texts were looked at.

    All of them up to 5,000, beyond that as many, evenly spaced.
    """
    sample = spread(texts, _SCANNED)
    kinds = Counter(kind for text in sample for kind in {kind for _, _, kind in find(text)})
    return dict(sorted(kinds.items())), len(sample)


def mask_column(
    column: pd.Series, *, known: frozenset[str] = frozenset()
) -> tuple[pd.Series, dict[str, int]]:
    """Mask a column of texts, categories or mixed values, each different text once.

    Parameters
    ----------
    column : Series
        Other values than texts (numbers, lists, ...) become a masked text where they hold an identifier.
    known : set of str
        Names and other values from personal columns, scrubbed wherever they stand.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        labels, hits = mask_column(
            pd.Series(column.cat.categories, name=column.name, dtype="object"), known=known
        )
        if not hits:
            return column, {}
        codes = column.cat.codes.to_numpy()
        values = np.array([*labels, None], dtype=object)[codes]
        times = mask_column(pd.Series(column.astype("object"), name=column.name), known=known)[1]
        return pd.Series(values, index=column.index, name=column.name, dtype="category"), times
    values = column.dropna()
    is_text = values.map(lambda v: isinstance(v, str)).astype(bool)
    texts, others = values[is_text].astype("str"), values[~is_text]
    # Columns of single tokens (codes, numbers as text) are judged by the patterns alone.
    tokens = texts.str.fullmatch(r"\s*[0-9A-Za-z_.\-/]*\s*").mean() if len(texts) else 1.0
    free = bool(tokens < 0.8 or (tokens < 1 and not CODE_HEADER.search(squash(column.name))))
    lengths = _lengths(known)
    counts: Counter[str] = Counter()
    changed: dict[str, str] = {}
    whole = personal_column(column.name) == "name" or content_kind(texts, column.name) == "name"
    for value, times in texts.value_counts().items():
        text, scrubbed = _scrub(str(value), known, lengths)
        text, kinds = (REMOVED, {"name": 1}) if whole and is_person(text) else mask(text, free=free)
        if text != value:
            changed[str(value)] = text
            for kind, n in (Counter(kinds) + Counter({"known": scrubbed})).items():
                counts[kind] += n * int(times)
    odd: dict[Any, str] = {}
    for label, value in enumerate(column) if len(others) else ():
        if not isinstance(value, str | bool | dt.date | dt.time | dt.timedelta | None):
            text, kinds = mask(_as_text(value), free=False)
            if kinds:
                odd[label] = text
                counts.update(kinds)
    if not changed and not odd:
        return column, {}
    out = [odd.get(k, changed.get(v, v) if isinstance(v, str) else v) for k, v in enumerate(column)]
    return pd.Series(out, index=column.index, name=column.name, dtype=column.dtype), dict(counts)


def _as_text(value: object) -> str:
    whole = isinstance(value, float) and value.is_integer()
    return f"{value:.0f}" if whole else str(value)


def _lengths(known: frozenset[str]) -> dict[str, list[int]]:
    """The lengths of the known values by their first two characters, longest first."""
    found: dict[str, set[int]] = {}
    for value in known:
        found.setdefault(value[:2], set()).add(len(value))
    return {start: sorted(lengths, reverse=True) for start, lengths in found.items()}


def _scrub(text: str, known: frozenset[str], lengths: Mapping[str, list[int]]) -> tuple[str, int]:
    """Blank every known value, looked up by its start, so that many of them cost little."""
    if not known:
        return text, 0
    n, start = 0, 0
    out = []
    while start < len(text):
        for length in lengths.get(text[start : start + 2], ()):
            if text[start : start + length] in known:
                out.append(REMOVED)
                start, n = start + length, n + 1
                break
        else:
            out.append(text[start])
            start += 1
    return "".join(out), n


def mask_numbers(column: pd.Series) -> tuple[pd.Series, dict[str, int]]:
    """Mobile numbers and IDs among small numbers become missing."""
    values = column.to_numpy(dtype="float64", na_value=np.nan)
    finite = np.abs(values[np.isfinite(values)])
    if not len(finite) or finite.max() < _AMOUNTS or np.sort(finite)[(len(finite) - 1) // 2] > _AMOUNTS:
        return column, {}
    counts: Counter[str] = Counter()
    rows = np.zeros(len(column), dtype=bool)
    for row in np.flatnonzero(np.isfinite(values) & (np.abs(values) > _AMOUNTS)):
        kind = next(
            (k for _, _, k in find(_as_text(column.iloc[row]), free=False) if k in ("mobile", "id")), None
        )
        if kind:
            rows[row] = True
            counts[kind] += 1
    whole = pd.api.types.is_integer_dtype(column.dtype)
    return (
        ((column.astype("Int64") if whole else column).mask(rows), dict(counts)) if counts else (column, {})
    )


def deidentify(
    frame: pd.DataFrame,
    *,
    key: str | bytes,
    codebook: str | Path | Mapping[str, Any] | Codebook | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Take personal data out of a table.

    Parameters
    ----------
    frame : DataFrame
        Any table as read; it is not changed.
    key : str or bytes
        Secret for the keyed hash that finds duplicates; kept outside the repository.
    codebook : path, mapping or Codebook, optional
        Its ``personal`` and ``free_text`` columns are removed too, and its questions are known not to be
        personal.

    Returns
    -------
    frame : DataFrame
        The same rows; personal columns gone, identifiers in other text replaced by ``‹removed›``. Where a
        column told persons apart (ID, mobile, account, e-mail), ``person_key`` holds a keyed hash of them
        (missing: none given).
    ledger : DataFrame
        What was removed, with counts and without values.

    Raises
    ------
    ParameterError
        If the key is empty or ``frame`` is not a DataFrame.
    """
    if not isinstance(frame, pd.DataFrame):
        raise ParameterError(f"deidentify needs a DataFrame, not {type(frame).__name__}")
    keyed_hash(key, "")
    pad = Pad()
    kinds = _personal(frame, codebook)
    known = _known_values(frame, kinds)
    labels = [_label(name) for name in frame.columns]
    kept: list[pd.Series] = []
    for place, label in enumerate(labels):
        column = frame.iloc[:, place]
        if place in kinds:
            n = len(as_texts(column))
            _removed(
                pad, "personal column", f"{n} values removed with their column ({kinds[place]})", label, n
            )
            continue
        column, counts = _masked(column, known)
        for kind, n in sorted(counts.items()):
            _removed(pad, "personal data in text", f"{n} places masked ({kind})", label, n, after=REMOVED)
        kept.append(column)
    out = frame.iloc[:, [k for k in range(len(labels)) if k not in kinds]].copy()
    for place, column in enumerate(kept):
        out.isetitem(place, column)
    persons = person_keys(frame, {p: k for p, k in kinds.items() if k in PERSON}, key)
    if any(
        mask(str(part), free=False)[1]
        for name in out.columns
        for part in (name if isinstance(name, tuple) else (name,))
    ):
        out.columns = pd.Index([_label(name) for name in out.columns])
        _removed(pad, "personal data in header", "identifiers in the names of columns masked", "", 1)
    if persons is not None:
        name = "person_key"
        while name in out.columns:
            name += "_"
        out[name] = persons
    out, n = _numbered(out, known)
    if n:
        _removed(pad, "personal index", f"{n} row labels with personal data replaced by numbers", "", n)
    return out, pad.frame()


def _label(name: object) -> str:
    """A column's name as it may be shown."""
    return mask(str(name), free=False)[0]


def _removed(pad: Pad, rule: str, told: str, column: str, n: int, after: str | None = None) -> None:
    pad.add(rule, told, column=column, before=REMOVED, after=after, action="changed", severity="note", n=n)


def _masked(column: pd.Series, known: frozenset[str]) -> tuple[pd.Series, dict[str, int]]:
    """A column that stays, without the identifiers in its cells."""
    kind = pd.api.types
    if (
        kind.is_string_dtype(column)
        or kind.is_object_dtype(column)
        or isinstance(column.dtype, pd.CategoricalDtype)
    ):
        return mask_column(column, known=known)
    if kind.is_numeric_dtype(column) and not kind.is_bool_dtype(column) and not kind.is_complex_dtype(column):
        return mask_numbers(column)
    return column, {}


def _numbered(frame: pd.DataFrame, known: frozenset[str]) -> tuple[pd.DataFrame, int]:
    """Row labels as 0, 1, ... where they name persons; how many that were."""
    if isinstance(frame.index, pd.RangeIndex) or frame.index.empty:
        return frame, 0
    for level in range(frame.index.nlevels):
        values = frame.index.get_level_values(level)
        column = pd.Series(np.asarray(values), name=values.name)
        if kind_of(column, values.name) or _masked(column, known)[1]:
            return frame.reset_index(drop=True), len(frame)
    return frame, 0


def _personal(frame: pd.DataFrame, codebook: Any) -> dict[int, str]:
    """Position of each personal column -> kind."""
    claimed, announced = _from_codebook(codebook)
    out: dict[int, str] = {}
    for place, name in enumerate(frame.columns):
        column = frame.iloc[:, place]
        question = _question_key(name)
        if question in announced:
            out[place] = announced[question] or personal_column(name) or "personal"
            continue
        if question in claimed:
            continue
        kind = kind_of(column, name)
        if kind:
            out[place] = kind
    return out


def _question_key(name: object) -> str:
    from commlab.intake.codebook import question_key

    return question_key(name)


def _from_codebook(codebook: Any) -> tuple[set[str], dict[str, str]]:
    if codebook is None:
        return set(), {}
    from commlab.intake.codebook import load_codebook, question_key

    book = load_codebook(codebook)
    announced = {question_key(w): "" for w in book.personal}
    announced |= {question_key(w): "free text" for w in book.free_text}
    for role in ("ip", "person"):
        announced |= {question_key(w): "" for w in book.columns.get(role, ())}
    claimed = {question_key(w) for q in book.questions.values() for w in q.wordings}
    claimed |= {question_key(w) for wordings in book.unit.values() for w in wordings}
    for role in ("id", "submitted_at", "started_at", "duration_s"):
        claimed |= {question_key(w) for w in book.columns.get(role, ())}
    return claimed - set(announced), announced


def _known_values(frame: pd.DataFrame, kinds: Mapping[int, str]) -> frozenset[str]:
    """What stood in personal columns and can be told in a text: names that look like names, longer values."""
    known: set[str] = set()
    for place, kind in kinds.items():
        if kind in ("free text", "birth"):
            continue
        values = set(as_texts(frame.iloc[:, place]))
        if kind == "name":
            known |= {v for v in values if is_name(v)}
        else:
            known |= {v for v in values if len(v) >= _SHORTEST_KNOWN}
    return frozenset(known)
