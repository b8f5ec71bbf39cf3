"""Quality flags of questionnaires: every doubtful answer is marked, none is deleted.

``fast`` (quicker than the codebook's ``min_seconds``), ``straightline`` (the same answer throughout),
``duplicate`` (the same person, or the same answers from the same address, a second time), ``attention``
(failed check question), ``burst`` (many from one community within minutes), ``out_of_frame`` (no unit of
the register, or one that was not sampled), ``all_satisfied`` (from a community where nearly everyone ticked
nothing but the best). Which flags exclude is the study's decision; here ``valid`` only follows it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.tables import DONT_KNOW, NOT_APPLICABLE

__all__ = ["FLAGS", "Limits", "compare_entries", "flag", "set_valid"]

FLAGS = ("fast", "straightline", "duplicate", "attention", "burst", "out_of_frame", "all_satisfied")


@dataclass(frozen=True)
class Limits:
    """Where a flag begins. Defaults are ours; a codebook's ``checks`` overrule them.

    ``straightline_items``: least number of answers that must all be alike; ``burst_n`` answers within
    ``burst_minutes`` from one unit; ``all_satisfied_share`` of at least ``all_satisfied_n`` answers of one
    unit.
    """

    min_seconds: float = 0.0
    straightline_items: int = 6
    burst_n: int = 15
    burst_minutes: float = 3.0
    all_satisfied_n: int = 10
    all_satisfied_share: float = 0.9

    @classmethod
    def of(cls, checks: Mapping[str, Any]) -> Limits:
        """From a codebook's ``checks``: ``min_seconds``, ``straightline: {items}``, ``burst: {n,
        minutes}``, ``all_satisfied: {n, share}``."""
        given: dict[str, Any] = {}
        for name, value in checks.items():
            if name == "attention":
                continue
            if isinstance(value, Mapping):
                given |= {f"{name}_{key}": v for key, v in value.items()}
            else:
                given[name] = value
        known = {f.name for f in fields(cls)}
        strangers = sorted(set(given) - known)
        if strangers:
            raise ParameterError(
                f"checks: unknown limits {', '.join(strangers)} (known: {', '.join(sorted(known))})"
            )
        wrong = [n for n, v in given.items() if isinstance(v, bool) or not isinstance(v, int | float)]
        if wrong:
            raise ParameterError(f"checks: {', '.join(wrong)} must be numbers")
        return cls(**given)


def _repeated(
    frame: pd.DataFrame, answers: Sequence[str], persons: pd.Series | None, addresses: pd.Series | None
) -> np.ndarray:
    """Rows after the first of the same person, or of the same answers from the same address."""
    again = np.zeros(len(frame), dtype=bool)
    order = frame["submitted_at"].argsort(kind="stable").to_numpy()  # missing times come last
    if persons is not None:
        own = persons.reset_index(drop=True).iloc[order]
        again[order] |= (own.duplicated() & own.notna()).to_numpy()
    same = frame[list(answers)].reset_index(drop=True).copy()
    full = (frame[list(answers)].notna().sum(axis=1) >= max(3, len(answers) // 2)).to_numpy()
    if addresses is not None and addresses.notna().any():
        same["__address"] = addresses.reset_index(drop=True)
        full = full & same["__address"].notna().to_numpy()
    again[order] |= (same.iloc[order].duplicated() & full[order]).to_numpy()
    return again


def _bursts(frame: pd.DataFrame, limits: Limits) -> np.ndarray:
    out = np.zeros(len(frame), dtype=bool)
    timed = frame.reset_index(drop=True).dropna(subset=["unit", "submitted_at"])
    if len(timed) < limits.burst_n:
        return out
    timed = timed[["unit", "submitted_at"]].sort_values(["unit", "submitted_at"], kind="stable")
    units = pd.factorize(timed["unit"])[0]
    minutes = timed["submitted_at"].astype("datetime64[s]").astype("int64").to_numpy() / 60
    last = limits.burst_n - 1
    for start in np.flatnonzero(
        (units[last:] == units[: len(units) - last])
        & (minutes[last:] - minutes[: len(minutes) - last] <= limits.burst_minutes)
    ):
        out[timed.index[start : start + limits.burst_n]] = True
    return out


def flag(
    frame: pd.DataFrame,
    *,
    items: Sequence[str],
    best: Mapping[str, int],
    grids: Mapping[str, Sequence[str]] | None = None,
    same: Sequence[str] = (),
    limits: Limits | None = None,
    persons: pd.Series | None = None,
    addresses: pd.Series | None = None,
    failed: pd.Series | None = None,
    sampled: Collection[str] | None = None,
    framed: bool = True,
    exclude: Collection[str] = (),
) -> pd.DataFrame:
    """Flag doubtful answers.

    Parameters
    ----------
    frame : DataFrame
        Responses: ``unit``, ``submitted_at``, ``duration_s`` and the item columns.
    items : sequence of str
        Scaled items.
    best : mapping
        Item -> its best code.
    grids : mapping, optional
        Name -> items asked in one grid, for straight-lining; default: all items as one.
    same : sequence of str, optional
        Further columns that must agree for two rows to be the same answers (demographics, unit).
    limits : Limits, optional
    persons, addresses : Series, optional
        Keyed hashes of the person and of the address, row by row.
    failed : Series of bool, optional
        Rows that failed the attention check.
    sampled : collection of str, optional
        Units in the sample; others are out of frame.
    framed : bool
        Whether units were looked up in a register, so that a missing one is out of frame.
    exclude : collection of str
        Flags that make a row not valid.

    Returns
    -------
    DataFrame
        A copy with ``flags`` (comma-separated; missing: none) and ``valid``.

    Raises
    ------
    ParameterError
        If ``exclude`` names an unknown flag.
    """
    limits = limits or Limits()
    marks: dict[str, np.ndarray] = {}
    duration = frame["duration_s"].to_numpy(dtype="float64", na_value=np.nan)
    marks["fast"] = np.nan_to_num(duration, nan=np.inf) < limits.min_seconds
    flat = np.zeros(len(frame), dtype=bool)
    for members in (grids or {"all": list(items)}).values():
        given, low, high = _spread(frame, members)
        flat |= (given >= limits.straightline_items) & (low == high)
    marks["straightline"] = flat
    marks["duplicate"] = _repeated(frame, [*items, *same], persons, addresses)
    marks["attention"] = np.zeros(len(frame), dtype=bool) if failed is None else failed.to_numpy(dtype=bool)
    marks["burst"] = _bursts(frame, limits)
    stranger = frame["unit"].isna().to_numpy() & framed
    if sampled is not None:
        stranger |= ~frame["unit"].isin(list(sampled)).to_numpy()
    marks["out_of_frame"] = stranger
    marks["all_satisfied"] = _all_satisfied(frame, best, limits)
    out = frame.copy()
    bits = sum(marks[name].astype("int64") << k for k, name in enumerate(FLAGS))
    codes, kinds = pd.factorize(bits)
    words = [",".join(n for k, n in enumerate(FLAGS) if kind >> k & 1) or None for kind in kinds.tolist()]
    out["flags"] = pd.Series(np.array([*words, None], dtype=object)[codes], index=frame.index, dtype="str")
    return set_valid(out, exclude)


def _substantive(frame: pd.DataFrame, item: str) -> np.ndarray:
    """An item's answers; NaN where blank, don't know or not applicable."""
    answer = frame[item].to_numpy(dtype="float32", na_value=np.nan).copy()
    answer[(answer == DONT_KNOW) | (answer == NOT_APPLICABLE)] = np.nan
    return answer


def _spread(frame: pd.DataFrame, items: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How many of the items each row answers, its lowest and its highest answer."""
    given = np.zeros(len(frame), dtype="int16")
    low = np.full(len(frame), np.nan, dtype="float32")
    high = low.copy()
    for item in items:
        answer = _substantive(frame, item)
        given += ~np.isnan(answer)
        low, high = np.fmin(low, answer), np.fmax(high, answer)
    return given, low, high


def _all_satisfied(frame: pd.DataFrame, best: Mapping[str, int], limits: Limits) -> np.ndarray:
    """Rows that tick nothing but the best, of units where nearly every row does."""
    glad = np.ones(len(frame), dtype=bool)
    silent = glad.copy()
    for item, top in best.items():
        answer = _substantive(frame, item)
        missing = np.isnan(answer)
        glad &= missing | (answer == top)
        silent &= missing
    glad &= ~silent
    units, names = pd.factorize(frame["unit"])
    n = np.bincount(units[units >= 0], minlength=len(names))
    share = np.bincount(units[units >= 0], weights=glad[units >= 0], minlength=len(names)) / np.maximum(n, 1)
    crowded = np.append((n >= limits.all_satisfied_n) & (share >= limits.all_satisfied_share), False)
    return glad & crowded[units]


def set_valid(frame: pd.DataFrame, exclude: Collection[str]) -> pd.DataFrame:
    """``valid`` is False where a row carries one of the flags in ``exclude``.

    >>> set_valid(pd.DataFrame({"flags": ["fast", None, "burst,fast"]}), ["burst"])["valid"].tolist()
    [True, True, False]
    """
    strangers = sorted(set(exclude) - set(FLAGS))
    if strangers:
        raise ParameterError(f"unknown flags {', '.join(strangers)}; known: {', '.join(FLAGS)}")
    out = frame.copy()
    codes, kinds = pd.factorize(frame["flags"])
    fine = [not set(exclude).intersection(str(kind).split(",")) for kind in kinds]
    out["valid"] = np.array([*fine, True])[codes]
    return out


def compare_entries(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Where two keyings of the same paper questionnaires differ.

    Parameters
    ----------
    first, second : DataFrame
        ``responses`` of the two entries, read under the same ``name`` so that the same number on paper has
        the same ``response_id``.

    Returns
    -------
    DataFrame
        response_id, column, first, second, source (of both rows): a row for every answer that differs, and
        one with the column ``(row)`` for every questionnaire that only one entry holds.

    Raises
    ------
    DataError
        If an entry holds the same number twice.
    """
    for which, frame in (("first", first), ("second", second)):
        twice = frame["source"][frame["response_id"].duplicated(keep=False)]
        if len(twice):
            raise DataError(
                f"the {which} entry holds the same number {len(twice)} times ({listing(twice, most=3)}); "
                f"number anew"
            )
    skip = {
        "instrument",
        "response_id",
        "source",
        "flags",
        "valid",
        "base_weight",
        "submitted_at",
        "duration_s",
        "period",
    }
    columns = [c for c in first if c in second and c not in skip]
    both = first.merge(second, on="response_id", how="outer", suffixes=("", "|2"), indicator=True)
    place = both["source"].fillna("-") + " / " + both["source|2"].fillna("-")
    parts = []
    for column in columns:
        a, b = (both[c].astype("object").where(both[c].notna(), None) for c in (column, f"{column}|2"))
        odd = ((a != b) & ~(a.isna() & b.isna()) & (both["_merge"] == "both")).to_numpy()
        parts.append(
            pd.DataFrame({"row": np.flatnonzero(odd), "column": column, "first": a[odd], "second": b[odd]})
        )
    alone = np.flatnonzero(both["_merge"] != "both")
    held = both["_merge"].iloc[alone] == "left_only"
    parts.append(
        pd.DataFrame(
            {
                "row": alone,
                "column": "(row)",
                "first": held.map({True: "held", False: None}),
                "second": held.map({True: None, False: "held"}),
            }
        )
    )
    out = pd.concat([p.astype("object") for p in parts], ignore_index=True).sort_values("row", kind="stable")
    at = out["row"].astype("int64").to_numpy()
    out.insert(0, "response_id", both["response_id"].to_numpy()[at])
    return out.assign(source=place.to_numpy()[at]).drop(columns="row").reset_index(drop=True)
