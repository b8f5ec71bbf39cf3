"""What every method that weighs by data asks of its scores: complete, finite, named columns and
directions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing

__all__ = [
    "FLAT",
    "Directions",
    "correlations",
    "frame_of",
    "matrix_of",
    "shares_of",
    "signs_of",
    "turned",
    "varies_of",
]

Directions: TypeAlias = Mapping[Any, int] | pd.Series | None
FLAT = 1e-12
"""A spread below this share of the largest value is rounding, not spread."""
LARGEST = 1e100
"""Squares of larger numbers overflow; a spread below the reciprocal counts as none."""


def frame_of(scores: Any) -> pd.DataFrame:
    """The scores, if they are a frame with unique columns."""
    if not isinstance(scores, pd.DataFrame):
        raise ParameterError(f"scores must be a DataFrame, units x indicators; found {type(scores).__name__}")
    if not scores.shape[1]:
        raise DataError("scores have no indicators (no columns)")
    if not scores.columns.is_unique:
        raise DataError(f"indicators repeat: {listing(scores.columns[scores.columns.duplicated()].unique())}")
    return scores


def matrix_of(
    scores: Any, what: str, *, least: int, low: float | None = None, open_low: bool = False
) -> tuple[np.ndarray, pd.Index]:
    """Numbers and column names, or a DataError that names every unit and indicator that cannot be used."""
    frame = frame_of(scores)
    plain = all(d == np.float64 for d in frame.dtypes)
    try:
        x = frame.to_numpy() if plain else frame.to_numpy(dtype="float64", na_value=np.nan)
    except (TypeError, ValueError):
        numbers = frame.apply(pd.to_numeric, errors="coerce")
        text = (numbers.isna() & frame.notna()).to_numpy()
        raise DataError(_told(frame, text, "text in place of a number", what, "write numbers")) from None
    if not np.isfinite(x).all():
        raise DataError(
            _told(frame, ~np.isfinite(x), "no value", what, "impute first, or drop the indicator")
        )
    if x.size and not (np.abs(x.min()) <= LARGEST and np.abs(x.max()) <= LARGEST):
        huge = np.abs(x) > LARGEST
        raise DataError(
            _told(frame, huge, f"no value within {LARGEST:g}", what, "use a larger unit of measure")
        )
    if low is not None and x.size:
        bad = x <= low if open_low else x < low
        if bad.any():
            floor = "above 0" if open_low else "of 0 or more"
            raise DataError(
                _told(frame, bad, f"no value {floor}", what, "rescale the indicator or choose another method")
            )
    if len(x) < least:
        raise DataError(f"{what} need at least {least} units; found {len(x)}")
    return x, frame.columns


def _told(frame: pd.DataFrame, bad: np.ndarray, lack: str, what: str, advice: str) -> str:
    parts = [
        f'{int(bad[:, j].sum())} of {len(frame)} units have {lack} for "{frame.columns[j]}" '
        f"({listing(frame.index[bad[:, j]])})"
        for j in np.flatnonzero(bad.any(axis=0))
    ]
    return f"{listing(parts)}; {what} need complete columns: {advice}"


def signs_of(columns: pd.Index, directions: Directions) -> np.ndarray:
    """+1 or -1 for each indicator; +1 where directions name none."""
    if directions is None:
        return np.ones(len(columns))
    if not isinstance(directions, (Mapping, pd.Series)):
        raise ParameterError("directions must name their indicators: {'indicator': -1, ...}")
    given = pd.Series(directions)
    unknown = given.index.difference(columns)
    if len(unknown):
        raise ParameterError(f"directions name {listing(unknown)}, which are not among the indicators")
    odd = given[~given.isin([1, -1])]
    if len(odd):
        raise ParameterError(f"directions must be +1 or -1; mend {listing(odd.index)}")
    return given.reindex(columns).fillna(1).to_numpy(dtype="float64")


def varies_of(x: np.ndarray) -> np.ndarray:
    """Which columns are more than one value repeated."""
    high, low = x.max(axis=0, initial=-np.inf), x.min(axis=0, initial=np.inf)
    return high - low > np.maximum(FLAT * np.maximum(np.abs(high), np.abs(low)), 1 / LARGEST)


def turned(x: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """Cost columns as max + min - x: the same range, the other way round."""
    cost = signs < 0
    if not cost.any():
        return x
    out = x.copy()
    out[:, cost] = x[:, cost].max(axis=0) + x[:, cost].min(axis=0) - x[:, cost]
    return out


def correlations(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pearson correlations and standard deviations (n - 1) of columns, all of which vary."""
    z = x - x.mean(axis=0)
    size = np.sqrt(np.einsum("ij,ij->j", z, z))
    z /= size
    return np.clip(z.T @ z, -1.0, 1.0), size / np.sqrt(len(x) - 1)


def shares_of(raw: np.ndarray, columns: pd.Index, what: str) -> pd.Series:
    """Weights >= 0 that sum to 1."""
    total = raw.sum()
    if not total > 0:
        raise DataError(
            f"{what}: no indicator varies over the units, so none can be told from another; use equal"
        )
    return pd.Series(raw / total, index=columns, name="weight")
