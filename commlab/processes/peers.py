"""Comparison among equals: where a unit stands within its group, and not where groups are too small for that."""

from __future__ import annotations

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing

__all__ = ["among_peers"]


def among_peers(values: pd.Series, groups: pd.Series, *, least: int = 5, better: int = 1) -> pd.DataFrame:
    """Place every unit among the units of its group.

    Parameters
    ----------
    values : Series by unit
        What is compared; missing values take no place.
    groups : Series by unit
        The peer group of each unit, for instance a housing type.
    least : int
        Units with a value that a group needs before anybody is placed in it.
    better : {1, -1}
        1: more is better. -1: less is.

    Returns
    -------
    DataFrame
        unit, group, value, n (units of the group that have a value), median (of the group), difference (from it), rank
        (1 is best; ties share the better rank), percentile (share of the group's other units that are worse, ties counting
        half; 0 to 1). The last three are missing in groups of fewer than ``least``.

    Raises
    ------
    DataError
        If a unit with a value has no group, or a unit stands twice.
    ParameterError
        If ``least`` is below 2, or ``better`` neither 1 nor -1.

    Notes
    -----
    (1) percentile = (number worse + half the number of others alike) / (n - 1)

    Examples
    --------
    >>> values = pd.Series([80.0, 90.0, 70.0, 60.0], ["a", "b", "c", "d"])
    >>> groups = pd.Series(["old", "old", "old", "new"], ["a", "b", "c", "d"])
    >>> among_peers(values, groups, least=3)[["unit", "rank", "percentile"]].iloc[:3].to_numpy().tolist()
    [['a', 2.0, 0.5], ['b', 1.0, 1.0], ['c', 3.0, 0.0]]
    """
    if least < 2:
        raise ParameterError(f"least must be at least 2 (a unit alone has no peers), found {least}")
    if better not in (1, -1):
        raise ParameterError(f"better is 1 or -1, found {better!r}")
    for name, given in (("values", values), ("groups", groups)):
        twice = given.index[given.index.duplicated()]
        if len(twice):
            raise DataError(f"{name} have {listing(twice.unique())} more than once; give a row a unit")
    out = pd.DataFrame({"unit": values.index.astype("str"), "value": values.to_numpy(dtype="float64")})
    out.insert(1, "group", groups.reindex(values.index).to_numpy())
    lost = out.loc[out["value"].notna() & out["group"].isna(), "unit"]
    if len(lost):
        raise DataError(f"{len(lost)} units have a value and no group: {listing(lost)}; enter their group")
    own = out["value"].groupby(out["group"])
    n = own.transform("count").fillna(0)
    out["n"] = n.astype("Int64")
    out["median"] = own.transform("median")
    known = out["value"].notna() & (n >= least)
    out["difference"] = (out["value"] - out["median"]).where(known)
    out["rank"] = own.rank(ascending=better < 0, method="min").where(known)
    # (1): the mean rank counts everything worse once and everything alike half
    middle = own.rank(ascending=better > 0, method="average")
    out["percentile"] = ((middle - 1) / np.maximum(n - 1, 1)).where(known)
    return out.astype({"group": "str"})
