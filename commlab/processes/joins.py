"""Tables of several departments about the same places: joined on matched names, and how far each source can be trusted.

Each source is a frame with a row an entry: ``unit`` (the place that its written name was matched to; missing where none
was), and its fields. Matching itself is ``commlab.intake.match_names``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing

__all__ = ["DIMENSIONS", "Joined", "data_quality", "join_sources"]

DIMENSIONS = ("completeness", "validity", "timeliness", "uniqueness", "consistency")


@dataclass(frozen=True)
class Joined:
    """Sources side by side.

    ``table`` has a row a place and a column a source; ``unmatched`` the rows whose name fits no place (source, name);
    ``contradictions`` the places that a source reports more than once with different values (source, unit, values).
    """

    table: pd.DataFrame
    unmatched: pd.DataFrame
    contradictions: pd.DataFrame


def join_sources(
    sources: Mapping[str, pd.DataFrame], *, places: Sequence[str], value: str = "value", name: str = "name"
) -> Joined:
    """Put one figure of several departments side by side, a row a place.

    Parameters
    ----------
    sources : mapping of name -> DataFrame
        ``unit``, the column ``value``, and the name as written in the column ``name``.
    places : sequence
        The places that should be there; each gets a row, in this order.

    Returns
    -------
    Joined
        A place that a source reports twice alike counts once; reported with different values it has none, and is listed.

    Raises
    ------
    DataError
        If a column is missing, or a unit is not among the places.

    Examples
    --------
    >>> a = pd.DataFrame({"unit": ["x", "y", None], "name": ["X", "Y", "Z"], "value": [1.0, 2.0, 3.0]})
    >>> b = pd.DataFrame({"unit": ["x", "x"], "name": ["X", "X."], "value": [1.0, 4.0]})
    >>> found = join_sources({"a": a, "b": b}, places=["x", "y"])
    >>> found.table.to_numpy().tolist(), found.unmatched["name"].tolist(), found.contradictions["unit"].tolist()
    ([['x', 1.0, nan], ['y', 2.0, nan]], ['Z'], ['x'])
    """
    out = pd.DataFrame({"unit": pd.Series(list(places), dtype="str")})
    lost, torn = [], []
    for source, rows in sources.items():
        _needs(source, rows, ["unit", value, name], places)
        known = rows[rows["unit"].notna()]
        lost += [{"source": source, "name": n} for n in rows.loc[rows["unit"].isna(), name]]
        values = known.groupby("unit")[value]
        one = values.first().where(values.nunique() <= 1)
        for unit, several in values:
            if several.nunique() > 1:
                torn.append({"source": source, "unit": unit, "values": tuple(several.dropna().unique())})
        out[source] = out["unit"].map(one)
    return Joined(
        out,
        pd.DataFrame(lost, columns=["source", "name"]),
        pd.DataFrame(torn, columns=["source", "unit", "values"]),
    )


def data_quality(
    sources: Mapping[str, pd.DataFrame],
    *,
    places: Sequence[str],
    fields: Collection[str],
    value: str = "value",
    low: float = 0,
    high: float = np.inf,
    whole: bool = True,
    date: str | None = None,
    due: pd.Timestamp | None = None,
    reference: str | None = None,
    tolerance: float = 0.0,
    weights: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Five shares and their mean for every source.

    Parameters
    ----------
    sources, places, value
        As for ``join_sources``.
    fields : collection of str
        Columns that have to be filled for every place.
    low, high, whole
        What a valid value is: within these bounds, and a whole number.
    date, due
        Column with the day an entry was reported, and the last day for it.
    reference : str, optional
        The source that the others are compared with; it has no consistency of its own. Default: the median of the others.
    tolerance : float
        Largest relative difference that still agrees.
    weights : mapping, optional
        Of the dimensions in the score; default: all alike.

    Returns
    -------
    DataFrame
        source, rows, unmatched (rows), the five shares, n_compared (places), score (mean of the shares that are known).

    Notes
    -----
    (1) completeness = cells filled for expected places / (places x fields)
    (2) validity     = rows whose name fits a place and whose value is valid / rows
    (3) timeliness   = rows dated by the due day / rows; a row without a date is not in time
    (4) uniqueness   = places reported / rows whose name fits a place
    (5) consistency  = places whose value agrees with the reference / places reported by both
    The names of the dimensions follow DAMA UK, The six primary dimensions for data quality assessment (2013), which has
    accuracy as a sixth: it needs the truth, which no table here holds.
    """
    lacking = {k for k in weights or {} if k not in DIMENSIONS}
    if lacking:
        raise ParameterError(
            f"weights name {listing(sorted(lacking))}; the dimensions are {listing(DIMENSIONS)}"
        )
    if (date is None) != (due is None):
        raise ParameterError("timeliness needs both date (a column) and due (a day)")
    if reference is not None and reference not in sources:
        raise ParameterError(f"the reference {reference!r} is none of the sources {listing(sources)}")
    if not (tolerance >= 0 and low <= high):
        raise ParameterError(
            f"tolerance must be at least 0 and low at most high, found {tolerance}, {low}, {high}"
        )
    if not len(places) or not fields:
        raise ParameterError("completeness needs at least one place and one field")
    wide = pd.DataFrame({"unit": list(places)}).set_index("unit")
    for source, rows in sources.items():
        _needs(source, rows, ["unit", value, *fields, *([date] if date else [])], places)
        values = rows[rows["unit"].notna()].groupby("unit")[value]
        wide[source] = values.first().where(values.nunique() <= 1)
    told = [
        _quality(source, rows, wide, fields, value, (low, high, whole), date, due, reference, tolerance)
        for source, rows in sources.items()
    ]
    out = pd.DataFrame(told, columns=["source", "rows", "unmatched", *DIMENSIONS, "n_compared"])
    share = pd.Series(weights or {}, dtype="float64").reindex(list(DIMENSIONS))
    share = share.fillna(0.0 if weights else 1.0)
    known = out[list(DIMENSIONS)].notna().mul(share, axis=1)
    out["score"] = out[list(DIMENSIONS)].mul(share, axis=1).sum(axis=1) / known.sum(axis=1).replace(0, np.nan)
    return out


def _quality(
    source: str,
    rows: pd.DataFrame,
    wide: pd.DataFrame,
    fields: Collection[str],
    value: str,
    bounds: tuple[float, float, bool],
    date: str | None,
    due: pd.Timestamp | None,
    reference: str | None,
    tolerance: float,
) -> dict[str, object]:
    low, high, whole = bounds
    known = rows["unit"].notna()
    placed = rows[known]
    filled = placed[list(fields)].notna().groupby(placed["unit"]).any()
    numbers = rows[value].astype("float64")
    valid = numbers.between(low, high) & ((numbers == np.floor(numbers)) | (not whole))
    others = wide.drop(columns=source)
    against = wide[reference] if reference else others.median(axis=1)
    both = wide[source].notna() & against.notna() & (source != reference)
    gap = (wide[source] - against).abs()[both] <= tolerance * against.abs()[both]
    return {
        "source": source,
        "rows": len(rows),
        "unmatched": int((~known).sum()),
        "completeness": float(filled.to_numpy().sum()) / (len(wide) * len(fields)),  # (1)
        "validity": float((known & valid).mean()),  # (2)
        "timeliness": float(rows[date].le(due).mean()) if date else np.nan,  # (3)
        "uniqueness": placed["unit"].nunique() / len(placed) if len(placed) else np.nan,  # (4)
        "consistency": float(gap.mean()) if both.any() else np.nan,  # (5)
        "n_compared": int(both.sum()),
    }


def _needs(source: str, rows: pd.DataFrame, columns: Sequence[str], places: Sequence[str]) -> None:
    lacking = [c for c in dict.fromkeys(columns) if c not in rows]
    if lacking:
        raise DataError(f"the source {source} has no column {listing(lacking)} (found: {listing(rows)})")
    strange = set(rows["unit"].dropna()) - set(places)
    if strange:
        raise DataError(
            f"the source {source} has units that are not among the places: {listing(sorted(strange))}"
        )
