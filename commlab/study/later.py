"""A period's clean tables as they would be on the boundaries of a later day: what stood for units that merged, split or
were renamed since stands for their successors, so that a change between two quarters is never one of the map.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import pandas as pd

from commlab.framework import Framework
from commlab.intake.against import absent
from commlab.scoring.boundaries import successors, went
from commlab.scoring.sources import join_sources
from commlab.study.register import Register
from commlab.study.results import Clean, period_end

__all__ = ["Redrawn", "households", "living", "on_boundaries_of", "redrawn"]

_FACT = ["period", "as_of", "metric", "item"]
_JUDGED = {
    "ratings": ("unit", ["period", "stage", "code"]),
    "mutual": ("rated", ["period", "rater", "aspect"]),
}
"""Tables of judgements: the column of what was judged, and what else tells one judgement from another."""


def living(units: pd.DataFrame, period: str) -> pd.DataFrame:
    """Units of the register that exist on a period's last day."""
    return units[~absent(units, period)]


def households(clean: Clean, district_of: Mapping[str, str]) -> pd.Series:
    """Households of every unit, and of every district as the sum of its communities'."""
    rows = clean["measures"]
    rows = rows[(rows["metric"] == "households") & rows["value"].notna()].sort_values("as_of", kind="stable")
    own = rows.drop_duplicates("unit", keep="last").set_index("unit")["value"]
    above = own.index.map(lambda u: district_of.get(u, u))
    sums = own[above != own.index].groupby(above[above != own.index]).sum()
    return pd.concat([own[~own.index.isin(sums.index)], sums])


def on_boundaries_of(
    period: str, clean: Clean, register: Register, framework: Framework
) -> tuple[Clean, Register, frozenset[str]]:
    """An earlier period on the boundaries of ``period``.

    Returns
    -------
    tuple
        The tables; a register in which whoever answered in a unit that is no more counts for its successor's district; and
        the districts that this concerns. A district is left out where a predecessor of it could not be reported; what
        has no successor is left out of the facts and ratings.

    Notes
    -----
    Stocks and flows add up by share, and are missing where a part of them is; ratios that were reported as such and
    judgements are means by households (all the same where those of one are not known).
    """
    changes = _changes(register, clean.period, period)
    if changes.empty:
        return clean, register, frozenset()
    named = [clean[t][c] for t, c in (("measures", "unit"), ("ratings", "unit"), ("mutual", "rated"))]
    pairs = _pairs({*pd.concat(named), *clean.districts}, changes, households(clean, register.district_of))
    gone = {*changes["before"], *pairs["to"]}
    tables = dict(clean.tables)
    ratios = {k for k, m in framework.metrics.items() if m.kind == "ratio"}
    tables["measures"] = _carried(
        clean["measures"], gone, _added(clean["measures"].merge(pairs, on="unit"), ratios)
    )
    for name, (column, keys) in _JUDGED.items():
        rows = clean[name].rename(columns={column: "unit"})
        judged = _judged(rows[rows["score"].notna()].merge(pairs, on="unit"), keys)
        tables[name] = _carried(rows, gone, judged).rename(columns={"unit": column})
    then = replace(register, units=_moved(register.units, pairs, set(changes["before"])))
    origins = pairs.groupby("to")["unit"].agg(set).to_dict()
    blocked = set(register.districts) - set(clean.districts)
    left = set(changes["before"]) & {*pairs["unit"]} - {*pairs["to"]}
    districts = [d for d in register.districts if d not in left and not origins.get(d, {d}) & blocked]
    concerned = {r.district_of.get(u, u) for r in (register, then) for u in gone}
    return replace(clean, tables=tables, districts=tuple(districts)), then, frozenset(concerned)


def _changes(register: Register, earlier: str, period: str) -> pd.DataFrame:
    """What moved boundaries after ``earlier`` and up to ``period``; a change of type, to the unit itself, moves none."""
    changes = register.unit_changes
    at = pd.to_datetime(changes["date"])
    changes = changes[(at > period_end(earlier)) & (at <= period_end(period))]
    return changes[changes["before"].isin(went(changes))]


@dataclass(frozen=True)
class Redrawn:
    """Where whoever answered in an earlier period belongs on the map of a later one.

    ``unit``: earlier unit -> the one unit that it is now, where it is another; ``district``: earlier unit that changed ->
    its district now; what is split over several districts has none. ``gone``: units without a successor.
    ``concerned``: districts of today with other boundaries than then. ``lacking``: those that cannot be compared, because
    a part of them was split off another district, or belonged to one that could not be reported.
    """

    unit: Mapping[str, str]
    district: Mapping[str, str | None]
    gone: frozenset[str]
    concerned: frozenset[str]
    lacking: frozenset[str]

    def placed(self, answers: pd.DataFrame) -> pd.DataFrame:
        """Weighted answers of the earlier period on the later map: ``unit``, ``district``, ``base_weight`` and ``adults``.

        Clusters of a stratum that became one are one; of several strata only the largest takes the successor's name,
        because a cluster lies in one stratum. Who lived where nothing follows keeps a row (the sample stays what it
        was) without weight.
        """
        was = answers["unit"]
        places = answers[["unit", "stratum", "adults"]].drop_duplicates("unit")
        places = places.assign(to=[self.unit.get(u) for u in places["unit"]]).dropna(subset="to")
        largest = places.sort_values("adults", kind="stable").drop_duplicates("to", keep="last")
        places = places.merge(largest[["to", "stratum"]], on=["to", "stratum"])
        to = dict(zip(places["unit"], places["to"], strict=True))
        sizes = places.groupby("to")["adults"].sum().to_dict()
        unit = [to.get(u, u) for u in was]
        return answers.assign(
            unit=pd.array(unit, dtype="str"),
            adults=[sizes.get(u, n) for u, n in zip(unit, answers["adults"], strict=True)],
            district=pd.array(
                [self.district.get(u, d) for u, d in zip(was, answers["district"], strict=True)], dtype="str"
            ),
            base_weight=answers["base_weight"].where(~was.isin(self.gone), 0.0),
        )


def redrawn(period: str, earlier: str, reported: Iterable[str], register: Register) -> Redrawn | None:
    """How boundaries moved from ``earlier`` (whose districts ``reported`` count) to ``period``; None where they did not."""
    changes = _changes(register, earlier, period)
    if changes.empty:
        return None
    above, blocked = register.district_of, set(register.districts) - set(reported)
    pairs = _pairs({*above, *register.districts}, changes, pd.Series(dtype="float64"))
    moved = _moved(register.units, pairs, set(changes["before"]))
    then = replace(register, units=moved).district_of
    to = pairs.groupby("unit")["to"].agg(list).to_dict()
    left = {str(u) for u in changes["before"]}
    unit = {u: to[u][0] for u in left if len(to.get(u, ())) == 1}
    unit |= {u: u for u, names in to.items() if names == [u]}
    district: dict[str, str | None] = {}
    concerned, lacking = set(), set()
    for one in sorted({*above, *left}):
        was, names = above.get(one), to.get(one, [])
        now = {d for d in map(then.get, names if one in left else [one]) if d is not None}
        if one in left or now != {was}:
            if now:
                district[one] = next(iter(now)) if len(now) == 1 else None
            concerned |= {d for d in (*now, was) if d is not None}
            if len(now) > 1 or was in blocked:
                lacking |= now
    gone = frozenset(u for u in left if not to.get(u))
    ended = left - {name for names in to.values() for name in names}
    return Redrawn(unit, district, gone, frozenset(concerned - ended), frozenset(lacking))


def _pairs(units: Iterable[str], changes: pd.DataFrame, size: pd.Series) -> pd.DataFrame:
    """unit, to, share, weight (within ``to``), of (units that it came of): a row a predecessor and successor."""
    rows = []
    for to, origins in successors(sorted({*units, *changes["before"]}), changes, None).items():
        own = size.reindex(list(origins))
        for unit, (share, _) in origins.items():
            rows.append((unit, to, share, share * own[unit] if (own > 0).all() else share, len(origins)))
    return pd.DataFrame(rows, columns=["unit", "to", "share", "weight", "of"]).astype(
        {"unit": "str", "to": "str"}
    )


def _carried(rows: pd.DataFrame, gone: set[str], made: pd.DataFrame) -> pd.DataFrame:
    """Rows of units that stayed what they were, and what was made of the others."""
    made = made.rename(columns={"to": "unit"}).reindex(columns=rows.columns).astype(rows.dtypes.to_dict())
    return pd.concat([rows[~rows["unit"].isin(gone)], made], ignore_index=True)


def _added(rows: pd.DataFrame, ratios: set[str]) -> pd.DataFrame:
    """Facts of the predecessors put together."""
    seen = rows["value"].notna() & (rows["state"] == "observed")
    mean = rows["metric"].isin(ratios)
    rows = rows.assign(
        part=(rows["value"] * rows["weight"].where(mean, rows["share"])).where(seen, 0.0),
        by=rows["weight"].where(seen, 0.0),
        seen=seen,
        told=seen | (rows["state"] == "not_applicable"),
        mean=mean,
    )
    out = rows.groupby(["to", *_FACT], dropna=False, as_index=False, sort=False).agg(
        part=("part", "sum"), by=("by", "sum"), mean=("mean", "first"), of=("of", "first"),
        seen=("seen", "sum"), told=("told", "sum"), source=("source", join_sources),
    )  # fmt: skip
    whole = (out["seen"] > 0) & (out["mean"] | (out["told"] == out["of"]))
    out["value"] = out["part"].where(~out["mean"], out["part"] / out["by"]).where(whole)
    out["state"] = "missing"
    out.loc[(out["seen"] == 0) & (out["told"] == out["of"]), "state"] = "not_applicable"
    out.loc[whole, "state"] = "observed"
    return out


def _judged(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Judgements of the predecessors: each by its raters' mean, together by households."""
    each = rows.groupby(["to", "unit", *keys], sort=False, as_index=False)["score"].mean()
    first = rows.drop(columns=["unit", "score", "weight", "share", "of"]).drop_duplicates(["to", *keys])
    weight = rows.drop_duplicates(["to", "unit"])[["to", "unit", "weight"]]
    each = each.merge(weight, on=["to", "unit"])
    each["score"] *= each["weight"]
    sums = each.groupby(["to", *keys], as_index=False)[["score", "weight"]].sum()
    sums["score"] /= sums.pop("weight")
    return first.merge(sums, on=["to", *keys])


def _moved(units: pd.DataFrame, pairs: pd.DataFrame, before: set[str]) -> pd.DataFrame:
    """The register's units, those that are no more below what their successors lie below."""
    above = dict(zip(units["unit"], units["parent"], strict=True))
    to = pairs[pairs["unit"].isin(before)].groupby("unit")["to"].agg(list).to_dict()

    def parent(unit: str) -> object:
        new = {above.get(s) for s in to.get(unit, [])} - {None}
        own = new.pop() if len(new) == 1 else above[unit]
        later = to.get(str(own), [])
        return later[0] if len(later) == 1 else own

    return units.assign(parent=pd.array([parent(u) for u in units["unit"]], dtype="str"))
