"""Needs, what answers them, and what is left open: from residents' answers and requests to services, resources and gaps.

A need has three possible witnesses: residents who wish for it in a questionnaire, requests that were recorded, and the list
that people keep. What answers which need is settled by people once (``links``); whom an offer reaches follows from its scope:
all units, the units of a kind, or one unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from commlab.errors import DataError, ParameterError, listing

__all__ = ["REACHES", "STATES", "Matched", "match_needs", "needs_of"]

STATES = ("served", "resource", "elsewhere", "gap")
"""A linked service reaches the unit; only a linked resource does; linked services or resources exist but do not reach it;
nothing that exists answers it."""
REACHES = ("own", "kind", "common")
"""Whose list an offer stands in: the unit's own, that of a kind it has, everybody's."""
COMMON = "common"


@dataclass(frozen=True)
class Matched:
    """Needs with their state, each offer that reaches a need, offers that answer none, and links to nothing.

    ``needs``: the columns of the needs and state, services, resources, elsewhere (offers, joined by ``, ``).
    ``pairs``: unit, item, list, offer, scope, reach. ``idle``: list, scope, topic, item. ``dangling``: need, offer.
    """

    needs: pd.DataFrame
    pairs: pd.DataFrame
    idle: pd.DataFrame
    dangling: pd.DataFrame


def needs_of(
    *,
    answers: pd.DataFrame | None = None,
    requests: pd.DataFrame | None = None,
    listed: pd.DataFrame | None = None,
    topics: Mapping[str, str] | None = None,
    least_share: float,
    least_n: int,
    least_count: int,
) -> pd.DataFrame:
    """What each unit needs, and who says so.

    Parameters
    ----------
    answers : DataFrame
        unit, item, share (of those who answered, 0 to 1), n (who answered).
    requests : DataFrame
        unit, item: one row a request.
    listed : DataFrame
        unit, item: the needs in the unit's own list.
    topics : mapping item -> topic, optional
    least_share, least_n : float, int
        Answers witness a need where at least ``least_n`` people answered and at least this share of them wish for it.
    least_count : int
        Requests witness a need from this number on.

    Returns
    -------
    DataFrame
        unit, topic, item, share, n, requests, listed, witnesses (``answers``, ``requests``, ``list``, joined by ``, ``): one row a
        need, those with more witnesses and more requests first. ``share`` is missing where fewer than ``least_n`` answered.

    Raises
    ------
    DataError
        If a table lacks a column, a share is outside 0 to 1, or an item of a unit stands twice among the answers.
    ParameterError
        If a limit cannot be met or cannot fail: ``least_share`` outside (0, 1], ``least_n`` or ``least_count`` below 1.

    Examples
    --------
    >>> wishes = pd.DataFrame({"unit": ["u"], "item": ["lift"], "share": [0.4], "n": [20]})
    >>> asked = pd.DataFrame({"unit": ["u"] * 3, "item": ["lift", "lift", "paint"]})
    >>> needs_of(answers=wishes, requests=asked, least_share=0.3, least_n=10, least_count=2)[["item", "witnesses"]].to_numpy().tolist()
    [['lift', 'answers, requests']]
    """
    if not 0 < least_share <= 1 or least_n < 1 or least_count < 1:
        raise ParameterError("least_share lies above 0 and up to 1; least_n and least_count are at least 1")
    key = ["unit", "item"]
    wishes = _columns(answers, [*key, "share", "n"], "answers")
    odd = wishes[~wishes["share"].dropna().between(0, 1).reindex(wishes.index, fill_value=True)]
    if len(odd):
        raise DataError(
            f"answers: a share of {odd['share'].iloc[0]:g} ({odd['unit'].iloc[0]}); shares lie in 0 to 1"
        )
    if (again := wishes.duplicated(key)).any():
        raise DataError(f"answers have {listing(wishes.loc[again, 'item'].unique())} twice for a unit")
    counted = _columns(requests, key, "requests").groupby(key).size().rename("requests").reset_index()
    own = _columns(listed, key, "listed").drop_duplicates().assign(listed=True)
    out = wishes.merge(counted, on=key, how="outer").merge(own, on=key, how="outer")
    out["share"] = out["share"].where(out["n"] >= least_n)
    out["requests"] = out["requests"].fillna(0).astype("int64")
    out["listed"] = out["listed"].eq(True)
    by = {
        "answers": out["share"] >= least_share,
        "requests": out["requests"] >= least_count,
        "list": out["listed"],
    }
    told = pd.DataFrame(by, index=out.index)
    out["witnesses"] = [", ".join(w for w in by if row[w]) for row in told.to_dict("records")]
    out["topic"] = out["item"].map(dict(topics or {})).astype("str")
    out = out.assign(_many=told.sum(axis=1))[told.any(axis=1)]
    out = out.sort_values(["unit", "_many", "requests", "item"], ascending=[True, False, False, True])
    columns = ["unit", "topic", "item", "share", "n", "requests", "listed", "witnesses"]
    return out[columns].reset_index(drop=True)


def match_needs(
    needs: pd.DataFrame,
    offers: pd.DataFrame,
    links: Mapping[str, Sequence[str]],
    *,
    kinds: Mapping[str, Sequence[str]],
) -> Matched:
    """Match every need with the services and resources that answer it and reach its unit.

    Parameters
    ----------
    needs : DataFrame
        unit, item and whatever else should stay beside them.
    offers : DataFrame
        list (``service`` or ``resource``), scope (a unit, a kind, or ``common``), topic, item.
    links : mapping need -> offers
        What answers what, as people settled it.
    kinds : mapping unit -> kinds
        Which kinds' lists reach a unit.

    Raises
    ------
    DataError
        If a table lacks a column, or an offer is neither service nor resource.
    """
    needs = _columns(needs, ["unit", "item"], "needs", rest=True).reset_index(drop=True)
    offers = _columns(offers, ["list", "scope", "topic", "item"], "offers").drop_duplicates()
    strange = offers.loc[~offers["list"].isin(["service", "resource"]), "list"]
    if len(strange):
        raise DataError(f"offers are services or resources, found {listing(strange.unique())}")
    pairs, states = [], []
    by_item = {item: rows for item, rows in offers.groupby("item", sort=False)}
    for unit, item in zip(needs["unit"], needs["item"], strict=True):
        own = {unit: "own", **dict.fromkeys(kinds.get(unit, ()), "kind"), COMMON: "common"}
        reached: dict[str, list[str]] = {"service": [], "resource": [], "elsewhere": []}
        for wanted in dict.fromkeys(links.get(item, ())):
            rows = by_item.get(wanted)
            if rows is None:
                continue
            here = rows[rows["scope"].isin(list(own))]
            for offer in here.itertuples():
                pairs.append({"unit": unit, "item": item, "list": offer.list, "offer": wanted, "scope": offer.scope, "reach": own[offer.scope]})  # fmt: skip
            for kind in ("service", "resource"):
                if (here["list"] == kind).any():
                    reached[kind].append(wanted)
            if here.empty:
                reached["elsewhere"].append(wanted)
        state = next((s for s, k in zip(STATES, reached, strict=False) if reached[k]), "gap")
        states.append({"state": state, **{k: ", ".join(v) for k, v in reached.items()}})
    told = pd.DataFrame(states, columns=["state", "service", "resource", "elsewhere"], index=needs.index)
    told = told.rename(columns={"service": "services", "resource": "resources"}).astype("str")
    found = pd.DataFrame(pairs, columns=["unit", "item", "list", "offer", "scope", "reach"]).astype("str")
    used = offers["item"].isin({o for item in needs["item"].unique() for o in links.get(item, ())})
    missing = [(n, o) for n, linked in links.items() for o in linked if o not in by_item]
    return Matched(
        needs=needs.drop(columns=[c for c in told if c in needs]).join(told),
        pairs=found.drop_duplicates().reset_index(drop=True),
        idle=offers[~used].reset_index(drop=True),
        dangling=pd.DataFrame(missing, columns=["need", "offer"]).astype("str"),
    )


def _columns(frame: pd.DataFrame | None, wanted: list[str], what: str, *, rest: bool = False) -> pd.DataFrame:
    """A table's columns, or an empty table where there is none."""
    if frame is None:
        frame = pd.DataFrame(
            {c: pd.Series(dtype="float64" if c in ("share", "n") else "str") for c in wanted}
        )
    lacking = [c for c in wanted if c not in frame]
    if lacking:
        raise DataError(f"{what}: columns are missing: {listing(lacking)}")
    return frame if rest else frame[wanted]
