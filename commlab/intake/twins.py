"""Answers given twice: by one person, on one sheet, or copied; what honest people say alike is none of these.

The same person (keyed hash) a second time, the same answers under one number or at one second and pace, and the same
answers from one address are flagged as they stand. Where a file has no addresses, agreement alone must tell, and few closed
questions are answered alike by many: it counts only where chance would hardly bring it about.

That chance is taken from the file itself. Let N pairs of answers agree in every question, D_j in every question but j and
D_jk in every question but j and k. Among pairs that agree in all the others, answers j and k are a table of two by two,
of which copies fill one cell only:

(1)  odds of differing in j    o_j = sum_k D_jk / sum_k D_k        (k other than j)
(2)  honest pairs among the N  E = sum_j D_j / sum_j o_j, and no less than independent answers would give

the logic by which two incomplete lists tell how many are on neither (Lincoln and Petersen; Sekar and Deming 1949). Answers
are taken from the rarest up (rare: by their shares, were they independent), as long as E <= ``HONEST`` N: of the pairs that
are flagged at most one in twenty is expected to be honest. Copies with a changed answer are not found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

__all__ = ["HONEST", "repeated"]

HONEST = 0.05
"""Share of honest pairs that is borne among those flagged."""
_RARE = tuple(10.0**-k for k in (0, 1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20))
"""Expected numbers of the same answers below which answers count as rare, the largest first."""
_COLUMNS = 6
"""Questions that are left out in turn: those on which people differ most."""
_SHARED = 10
"""From this many answers on, an address is that of an office or a network, not of a household."""
_WIDEST = 1 << 62  # numbers of joint answers beyond this would not fit


def repeated(
    frame: pd.DataFrame,
    answers: Sequence[str],
    persons: pd.Series | None,
    addresses: pd.Series | None,
    *,
    flat: np.ndarray,
) -> np.ndarray:
    """Rows after the first of the same person, the same questionnaire, or the same answers.

    Parameters
    ----------
    frame : DataFrame
        Responses: ``submitted_at``, ``duration_s``, perhaps ``response_id``, and the columns of ``answers``.
    answers : sequence of str
        Closed questions, the unit among them.
    persons, addresses : Series, optional
        A value for the person and for the address of each row; missing: not known.
    flat : array of bool
        Rows that answer alike throughout; without an address their agreement is no sign of a copy.

    Returns
    -------
    array of bool, shape (n_rows,)
    """
    if frame.empty:
        return np.zeros(0, dtype=bool)
    at = frame["submitted_at"].astype("datetime64[us]").to_numpy().astype("int64")
    at = np.where(frame["submitted_at"].isna(), np.iinfo("int64").max, at)
    again = np.zeros(len(frame), dtype=bool) if persons is None else _later(pd.factorize(persons)[0], at)
    place = pd.factorize(addresses)[0] if addresses is not None else np.full(len(frame), -1)
    said = _codes([pd.Series(place), *(frame[c] for c in answers)])
    crowd = np.bincount(said)[said] > 1
    if not crowd.any():
        return again
    full = np.zeros(len(frame), dtype=bool)
    full[crowd] = (
        frame.loc[crowd, list(answers)].notna().sum(axis=1) >= max(3, len(answers) // 2)
    ).to_numpy()
    if (place < 0).all():
        full = _copied(frame, answers, crowd & full & ~flat, flat)
    else:
        size = np.bincount(place + 1)[place + 1]
        wide = full & (size >= _SHARED)
        if wide.any():  # many people behind one address
            wide &= _by_chance(_coded_all(frame, answers)) * size / len(frame) >= HONEST
        full &= (place >= 0) & ~wide
    again |= _later(np.where(full, said, -1), at)
    own = said[crowd]
    for mark in (["submitted_at", "duration_s"], [c for c in frame if c == "response_id"]):
        alike = frame.loc[crowd, mark]
        codes = _codes([pd.Series(own), *(alike[c] for c in mark)])
        again[crowd] |= _later(np.where(alike.notna().all(axis=1) & bool(mark), codes, -1), at[crowd])
    return again


def _copied(frame: pd.DataFrame, answers: Sequence[str], crowd: np.ndarray, flat: np.ndarray) -> np.ndarray:
    """Rows of ``crowd`` whose agreement with others chance does not explain."""
    coded = _coded_all(frame, answers)
    rare = _by_chance(coded)
    keys = [pd.util.hash_array((codes + (k << 32)).astype("uint64")) for k, codes in enumerate(coded)]
    alike = [float((np.bincount(codes) / len(frame) @ np.bincount(codes)) / len(frame)) for codes in coded]
    apart = sorted((k for k, share in enumerate(alike) if share < 1), key=lambda k: alike[k])[:_COLUMNS]
    whole = np.sum(keys, axis=0, dtype="uint64")
    odds = sum(_odds([keys[k] for k in apart], whole, ~flat, [alike[k] for k in apart]))
    drop = [whole - keys[k] for k in apart]
    met = np.flatnonzero(np.any([_met(key) for key in drop], axis=0))  # all others agree with nobody
    whole, near_rare, drop = whole[met], rare[met], [key[met] for key in drop]
    every = np.ones(len(met), dtype=bool)
    for most in _RARE:
        of = ~flat[met] & (near_rare < most)
        n = _pairs(whole, of)
        if not n:
            break
        near = 0.0  # pairs that differ in one question; half of those of which one is not rare
        for key in drop:
            inside, outside, both = (_pairs(key, rows) - _pairs(whole, rows) for rows in (of, ~of, every))
            near += inside + (both - inside - outside) / 2
        if max(near / odds, rare[~flat & (rare < most)].sum() / 2) <= HONEST * n:  # (2)
            return crowd & ~flat & (rare < most)
    return np.zeros(len(frame), dtype=bool)


def _met(keys: np.ndarray) -> np.ndarray:
    """Rows whose key another row has too."""
    codes = pd.factorize(keys)[0]
    return np.bincount(codes)[codes] > 1


def _odds(
    keys: Sequence[np.ndarray], whole: np.ndarray, of: np.ndarray, alike: Sequence[float]
) -> list[float]:
    """How likely a pair that agrees in all else is to differ in each question rather than to agree."""
    n = _pairs(whole, of)
    one = [_pairs(whole - key, of) - n for key in keys]
    both = np.zeros((len(keys), len(keys)))
    for j, k in combinations(range(len(keys)), 2):
        both[j, k] = both[k, j] = _pairs(whole - keys[j] - keys[k], of) - one[j] - one[k] - n
    rest = [sum(one) - own for own in one]
    return [
        both[j].sum() / rest[j] if rest[j] and both[j].any() else (1 - alike[j]) / alike[j]  # (1)
        for j in range(len(keys))
    ]


def _pairs(keys: np.ndarray, of: np.ndarray) -> int:
    """How many pairs of some rows have the same key."""
    n = np.bincount(pd.factorize(keys[of])[0]) if of.any() else np.zeros(0, dtype="int64")
    return int((n * (n - 1) // 2).sum())


def _by_chance(coded: Sequence[np.ndarray]) -> np.ndarray:
    """How many rows would answer like each row if nothing but chance made answers agree."""
    rows = len(coded[0])
    expected = np.full(rows, np.log(rows))
    for codes in coded:
        expected += np.log(np.maximum(np.bincount(codes), 1) / rows)[codes]
    return np.exp(expected)


def _coded_all(frame: pd.DataFrame, columns: Sequence[str]) -> list[np.ndarray]:
    return [pd.factorize(_coded(frame[column]))[0] for column in columns]


def _codes(columns: Iterable[pd.Series]) -> np.ndarray:
    """One number a row, the same where all columns agree; missing agrees with missing."""
    joint, wide = np.zeros(1, dtype="int64"), 1
    for column in columns:
        codes = _coded(column)
        size = int(codes.max(initial=0)) + 1
        if wide * size > _WIDEST:
            joint, levels = pd.factorize(joint)
            wide = len(levels)
        joint, wide = joint * size + codes, wide * size
    return pd.factorize(joint)[0]


def _coded(column: pd.Series) -> np.ndarray:
    """A column's values as numbers from 1; 0 is missing."""
    if isinstance(column.dtype, pd.Int16Dtype) and column.notna().any():  # as items are: no need to look up
        below = int(column.min()) - 1
        return column.to_numpy(dtype="int64", na_value=below) - below
    return pd.factorize(column)[0].astype("int64") + 1


def _later(codes: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Rows with a code >= 0 that another row has had before; ``at`` is the order of the rows."""
    crowd = np.flatnonzero((codes >= 0) & (np.bincount(codes + 1)[codes + 1] > 1))
    crowd = crowd[np.argsort(at[crowd], kind="stable")]
    out = np.zeros(len(codes), dtype=bool)
    out[crowd] = pd.Series(codes[crowd]).duplicated()
    return out
