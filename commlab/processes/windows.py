"""Whether what has to come round again did so in time: trainings within the window of a post, judged by dates."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing

__all__ = ["training_windows"]


def training_windows(
    people: pd.DataFrame, trainings: pd.DataFrame, *, on: str | pd.Timestamp, years: Mapping[str, float]
) -> pd.DataFrame:
    """Whether everybody was trained within the window of the post that ends on a day, judged by dates.

    Parameters
    ----------
    people : DataFrame
        unit, key (number of the person), category (post), on (start in the post; missing: long ago).
    trainings : DataFrame
        unit, key, on. Entries made twice count once; those after the day do not count.
    on : date
        The last day of the window.
    years : mapping of category to whole number
        Length of the window of each post.

    Returns
    -------
    DataFrame
        A row a person: unit, key, category, since (start), opens (first day of the window), last (last training up to the
        day), due (last day on which the next training keeps the rhythm), n (trainings inside), state: trained, overdue,
        not_yet_due (in the post for less than the window), unknown (a post without a window).

    Raises
    ------
    DataError
        If somebody is listed twice, columns are lacking or a date is none.
    ParameterError
        If a window is not a whole number of years above 0.

    Notes
    -----
    (1) the window is (on - years, on]    (2) due = (last training, or else start) + years
    """
    for name, table, wanted in (
        ("people", people, ("unit", "key", "category", "on")),
        ("trainings", trainings, ("unit", "key", "on")),
    ):
        if lacking := [c for c in wanted if c not in table]:
            raise DataError(f"the table of {name} lacks the columns {listing(lacking)}")
    for post, n in years.items():
        if isinstance(n, bool) or n != int(n) or n < 1:
            raise ParameterError(f"the window of {post} must be a whole number of years above 0, found {n!r}")
    twice = people.loc[people.duplicated(["unit", "key"]), "key"]
    if len(twice):
        raise DataError(f"{listing(twice.unique())} stand more than once among the people; keep one row each")
    day = pd.Timestamp(on)
    people = people.assign(on=_dates("people", people["on"]))
    trainings = trainings.assign(on=_dates("trainings", trainings["on"]))
    held = trainings[trainings["on"] <= day].drop_duplicates(["unit", "key", "on"])
    by_person = held.groupby(["unit", "key"])["on"].agg(list).to_dict() if len(held) else {}
    rows = []
    for unit, key, post, since in people[["unit", "key", "category", "on"]].itertuples(index=False):
        row = {"unit": unit, "key": key, "category": post, "since": since}
        dates = sorted(by_person.get((unit, key), []))
        last = dates[-1] if dates else pd.NaT
        if post not in years:
            rows.append({**row, "last": last, "n": len(dates), "state": "unknown"})
            continue
        window = pd.DateOffset(years=int(years[post]))
        before = day - window
        inside = sum(d > before for d in dates)  # (1)
        start = last if dates else since
        new = pd.notna(since) and since > before
        state = "trained" if inside else "not_yet_due" if new else "overdue"
        due = start + window if pd.notna(start) else pd.NaT  # (2)
        opens = before + pd.Timedelta(days=1)
        rows.append({**row, "opens": opens, "last": last, "due": due, "n": inside, "state": state})
    out = pd.DataFrame(
        rows, columns=["unit", "key", "category", "since", "opens", "last", "due", "n", "state"]
    )
    for column in ("since", "opens", "last", "due"):
        out[column] = pd.to_datetime(out[column])
    return out.astype({"n": np.int64})


def _dates(name: str, values: pd.Series) -> pd.Series:
    """Dates; what is none is refused, a blank stays blank."""
    read = pd.to_datetime(values, errors="coerce")
    wrong = values[read.isna() & values.notna()]
    if len(wrong):
        raise DataError(f'the column "on" of the {name} holds what is no date: {listing(wrong.unique())}')
    return read
