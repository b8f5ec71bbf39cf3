"""Coverage: which places have what every place should have, and does the list of places itself add up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from commlab.errors import DataError, listing

__all__ = ["Coverage", "covered"]


@dataclass(frozen=True)
class Coverage:
    """Coverage by group and on the whole.

    ``table`` has a row a group: group, places, covered, rate, lacking, doubled (places with more than one). ``places`` has a
    row a place: unit, group, stations, since. ``unplaced`` are stations that belong to none of the places. ``gap`` is the number of
    places in the document minus that on the list; None where none was given.
    """

    table: pd.DataFrame
    places: pd.DataFrame
    unplaced: pd.DataFrame
    total: int
    covered: int
    gap: int | None

    @property
    def rate(self) -> float:
        """Share of the places on the list that are covered."""
        return self.covered / self.total if self.total else np.nan


def covered(
    places: pd.DataFrame, stations: pd.DataFrame, *, on: pd.Timestamp, expected: int | None = None
) -> Coverage:
    """Count the places that have a station by a day.

    Parameters
    ----------
    places : DataFrame
        A row a place: unit, group.
    stations : DataFrame
        A row a station: unit (the place it belongs to; missing where its name fits none) and, optional, ``opened``. A
        station that opened later than ``on``, or has no date, covers nothing.
    on : date
        The day of the report.
    expected : int, optional
        How many places the document counts.

    Returns
    -------
    Coverage

    Raises
    ------
    DataError
        If a place stands twice, or a column is missing.

    Notes
    -----
    (1) rate = places with at least one station / places. Two stations in one place cover one place.

    Examples
    --------
    >>> places = pd.DataFrame({"unit": ["a", "b", "c"], "group": ["x", "x", "y"]})
    >>> stations = pd.DataFrame({"unit": ["a", "a", None]})
    >>> found = covered(places, stations, on=pd.Timestamp("2021-06-30"), expected=4)
    >>> found.covered, found.total, found.gap, len(found.unplaced), found.table["doubled"].tolist()
    (1, 3, 1, 1, [1, 0])
    """
    for frame, name, columns in ((places, "places", ("unit", "group")), (stations, "stations", ("unit",))):
        lacking = [c for c in columns if c not in frame]
        if lacking:
            raise DataError(f"the {name} have no column {listing(lacking)} (found: {listing(frame)})")
    if places["unit"].isna().any() or places["group"].isna().any():
        raise DataError("a place has no name or no group; complete the list of places")
    twice = places.loc[places["unit"].duplicated(), "unit"]
    if len(twice):
        raise DataError(f"{len(twice)} places stand twice on the list: {listing(twice)}; keep one of each")
    known = stations["unit"].isin(places["unit"])
    open_ = stations[known]
    if "opened" in stations:
        open_ = open_[open_["opened"].le(pd.Timestamp(on))]
    each = open_.groupby("unit")
    out = places[["unit", "group"]].reset_index(drop=True)
    out["stations"] = out["unit"].map(each.size()).fillna(0).astype("int64")
    out["since"] = each["opened"].min().reindex(out["unit"]).to_numpy() if "opened" in stations else pd.NaT
    rows = out.assign(covered=out["stations"] > 0, doubled=out["stations"] > 1).groupby("group", sort=False)
    table = rows.agg(places=("unit", "size"), covered=("covered", "sum"), doubled=("doubled", "sum"))
    table = table.reset_index()
    table["rate"] = table["covered"] / table["places"]  # (1)
    table["lacking"] = table["places"] - table["covered"]
    have = int((out["stations"] > 0).sum())
    return Coverage(
        table[["group", "places", "covered", "rate", "lacking", "doubled"]],
        out,
        stations[~known].reset_index(drop=True),
        len(out),
        have,
        None if expected is None else expected - len(out),
    )
