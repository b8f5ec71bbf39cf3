"""The three lists matched: needs, what answers them, gaps; and the strategies by aspect.

What these chapters need stands under ``options:`` in study.yaml: ``lists`` (what makes a need, what answers which), ``strategies``
(the list of records and the aspects' codes).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd

from commlab.processes import Matched, match_needs, needs_of
from commlab.processes.matching import COMMON
from commlab.report.chapters.base import Report
from commlab.report.chapters.practice import options_of
from commlab.report.chapters.typed import kind_label, places, typed
from commlab.report.finding import Col, Finding, Section
from commlab.text import MISSING

__all__ = ["lists", "matched", "strategies"]

LISTS, STRATEGIES = "lists", "strategies"


def matched(report: Report) -> Matched | None:
    """Every district's needs, matched with the services and resources that reach it; None where the study has no such options."""
    given = options_of(report, LISTS)
    if given is None:
        return None
    table = _scoped(report, given)
    wanted, districts = table[table["list"] == "need"], set(report.period.districts)
    requests = report.period.records
    requests = requests[(requests["list"] == given.get("requests")) & requests["unit"].isin(districts)]
    said = partial(written, report)
    needs = needs_of(
        answers=_wishes(report, {k: said(v) for k, v in given.get("wishes", {}).items()}),
        requests=requests.assign(item=requests["category"].map(said))[["unit", "item"]],
        listed=wanted[wanted["scope"].isin(districts)].rename(columns={"scope": "unit"}),
        topics=dict(zip(wanted["item"], wanted["topic"], strict=True)),
        least_share=float(given["least_share"]),
        least_n=max(int(given["least_n"]), report.study.config.disclosure["internal"]),
        least_count=int(given["least_count"]),
    )
    offers = table[table["list"] != "need"]
    links = {said(need): [said(o) for o in answers] for need, answers in given.get("links", {}).items()}
    return match_needs(needs, offers, links, kinds=_kinds_in(report))


def _scoped(report: Report, given: Mapping[str, Any]) -> pd.DataFrame:
    """The lists with scopes as keys: ``common``, a kind, or a district."""
    words = {labels["zh"]: key for key, labels in report.study.framework.types.items()} | dict(
        given.get("scopes", {})
    )
    table = report.period.lists[["list", "scope", "topic", "item"]]
    said = partial(written, report)
    return table.assign(
        scope=table["scope"].map(lambda s: words.get(s, s)),
        topic=table["topic"].map(said),
        item=table["item"].map(said),
    )


def written(report: Report, text: str) -> str:
    """A text of the study's data: as it was written, in English by its label under ``options: texts:`` where it has one."""
    if report.language == "zh":
        return text
    return str(report.study.config.options.get("texts", {}).get(text, text))


def _kinds_in(report: Report) -> dict[str, tuple[str, ...]]:
    """District -> the kinds its estates have, and its own."""
    found = typed(report)
    out: dict[str, tuple[str, ...]] = {}
    own = report.study.register.units.set_index("unit")["type"]
    inside = places(report)
    kinds = inside["unit"].map(found[0].units.set_index("unit")["kind"]) if found else inside["type"]
    for district in report.period.districts:
        known = [own.get(district), *kinds[inside["district"] == district].unique()]
        out[district] = tuple(dict.fromkeys(str(k) for k in known if isinstance(k, str) and k))
    return out


def _wishes(report: Report, items: Mapping[str, str]) -> pd.DataFrame | None:
    """The share of each district's residents who wish for something; weighted, with the number who answered."""
    known = [i for i in items if i in report.period.responses]
    if not known or report.period.answers.empty:
        return None
    found = report.period.design.mean(known, by="district")
    named = {
        "unit": found["district"],
        "item": found["variable"].map(dict(items)),
        "share": found["estimate"],
    }
    return pd.DataFrame(named | {"n": found["n"]}).reset_index(drop=True)


def lists(report: Report) -> Section | None:
    """Needs, what answers them, and gaps; for the whole by need, for a district one by one."""
    found = matched(report)
    if found is None:
        return None
    t = report.t
    title = t("Needs, services and gaps")
    rows = found.needs if report.is_city else found.needs[found.needs["unit"] == report.unit]
    if rows.empty:
        return Section(title, 1, [t("Neither answers nor requests nor lists name a need.")])
    counts = rows["state"].value_counts()
    text = t(
        "Needs: {n}. With a service: {served}; with a resource only: {resource}; answered only elsewhere: {elsewhere}; open gaps: {gap}.",
        n=t.integer(len(rows)), **{s: t.integer(counts.get(s, 0)) for s in ("served", "resource", "elsewhere", "gap")},
    )  # fmt: skip
    if report.is_city:
        blocks = [_by_need(report, rows, text), *_by_kind(report, rows), *_left_over(report, found)]
    else:
        blocks = [_one_by_one(report, rows, text), _own_lists(report)]
    return Section(title, 1, [*blocks, *report.notes(LISTS)])


def _state_words(report: Report) -> dict[str, str]:
    t = report.t
    return {
        "served": t("has a service"), "resource": t("only a resource"),
        "elsewhere": t("only elsewhere"), "gap": t("gap"),
    }  # fmt: skip


def _one_by_one(report: Report, rows: pd.DataFrame, text: str) -> Finding:
    t, given = report.t, options_of(report, LISTS) or {}
    witnesses = {"answers": t("answers"), "requests": t("requests"), "list": t("own list")}
    rows = rows.assign(
        who=[t.listing(witnesses[w] for w in told.split(", ")) for told in rows["witnesses"]],
        asked=[
            _share(report, s, n, float(given["least_share"]))
            for s, n in zip(rows["share"], rows["n"], strict=True)
        ],
        verdict=rows["state"].map(_state_words(report)),
        answered=[
            t.listing(o for told in pair for o in told.split(", ") if o) or MISSING
            for pair in zip(rows["services"], rows["resources"], strict=True)
        ],
        open=rows["state"] == "gap",
    )
    columns = {
        "item": Col(t("Need")), "topic": Col(t("Field of the list")), "who": Col(t("Who says so"), "label"), "asked": Col(t("Wished for by"), align="right"),
        "requests": Col(t("Requests"), "integer"), "answered": Col(t("Service or resource"), width=1.5), "verdict": Col(t("Match"), "label"),
    }  # fmt: skip
    gaps = rows.loc[rows["open"], "item"]
    if len(gaps):
        text = report.join(text, t("Gaps: {names}.", names=t.listing(gaps)))
    note = t(
        "A need is what at least {share} of at least {n} residents wish for, what was asked for {count} times, or what stands in the list of its own.",
        share=t.percent(given["least_share"], 0), n=t.integer(given["least_n"]), count=t.integer(given["least_count"]),
    )  # fmt: skip
    return report.finding(
        rows.reset_index(drop=True),
        text,
        title=t("Needs one by one"),
        columns=columns,
        strong="open",
        notes=[note],
    )


def _share(report: Report, share: float, n: float, least: float) -> str:
    """A share of residents where it makes a need; smaller ones stay unprinted, and so do those with hardly anybody against."""
    t = report.t
    if share != share or share < least:
        return MISSING
    few = report.study.config.disclosure["internal"]
    return t.percent(share, 0) if n * (1 - share) >= few / 2 else f"≥{t.percent(1 - few / 2 / n, 0)}"


def _by_need(report: Report, rows: pd.DataFrame, text: str) -> Finding:
    t = report.t
    words = _state_words(report)
    table = pd.crosstab(rows["item"], rows["state"]).reindex(columns=list(words), fill_value=0)
    table.columns.name = None
    table["n"] = table.sum(axis=1)
    table["asked"] = rows.groupby("item")["requests"].sum()
    table = table.sort_values(["n", "asked"], ascending=False, kind="stable").reset_index()
    open_ = table[table["gap"] > 0].sort_values("gap", ascending=False, kind="stable")
    if len(open_):
        text = report.join(
            text, t("Gaps are most frequent in: {names}.", names=t.listing(open_["item"].head(3)))
        )
    columns = {
        "item": Col(t("Need")),
        "n": Col(t("Number of districts"), "integer"),
        "asked": Col(t("Requests"), "integer"),
    }
    columns |= {s: Col(report.starting(w), "integer", group=t("Match")) for s, w in words.items()}
    return report.finding(table, text, title=t("Needs of the whole and how they are met"), columns=columns)


def _by_kind(report: Report, rows: pd.DataFrame) -> list[Finding]:
    """What districts of each kind need most, and where the common list of their kind is silent."""
    t = report.t
    own = report.study.register.units.set_index("unit")["type"]
    table = _scoped(report, options_of(report, LISTS) or {})
    common = table[table["list"] == "need"].groupby("scope")["item"].agg(set).to_dict()
    out = []
    for kind, part in rows.assign(kind=rows["unit"].map(own)).groupby("kind", sort=False):
        counts = part["item"].value_counts(sort=True)
        listed = common.get(kind, set()) | common.get(COMMON, set())
        new = [i for i in counts.index if i not in listed]
        out.append({
            "kind": report.starting(kind_label(report, kind)), "districts": part["unit"].nunique(), "needs": counts.size,
            "most": t.listing(t("{text} ({where})", text=i, where=n) for i, n in counts.head(3).items()), "new": t.listing(new) or MISSING,
            "gap": int((part["state"] == "gap").sum()), "beyond": len(new),
        })  # fmt: skip
    found = pd.DataFrame(out)
    if found.empty:
        return []
    text = t(
        "Kinds of districts: {n}. Needs named there that the common list of the kind does not have: {beyond}.",
        n=t.integer(len(found)), beyond=t.integer(found["beyond"].sum()),
    )  # fmt: skip
    columns = {
        "kind": Col(t("Kind of community")), "districts": Col(t("Number of districts"), "integer"), "needs": Col(t("Different needs"), "integer"),
        "most": Col(t("Named most (districts)"), width=1.6), "new": Col(t("Not in the common list"), width=1.4), "gap": Col(t("Gaps"), "integer"),
    }  # fmt: skip
    return [report.finding(found, text, title=t("Needs by kind of district"), columns=columns)]


def _left_over(report: Report, found: Matched) -> list[Finding | str]:
    t = report.t
    if found.idle.empty:
        return []
    rows = found.idle.assign(
        who=[t("everybody") if s == COMMON else kind_label(report, s) for s in found.idle["scope"]],
        what=found.idle["list"].map({"service": t("service"), "resource": t("resource")}),
    )
    text = t(
        "Services and resources that answer no need of this period: {n}. They may be free for others, or their need was not asked for.",
        n=t.integer(len(rows)),
    )  # fmt: skip
    columns = {
        "what": Col(t("List"), "label"), "who": Col(t("For whom"), "label"), "topic": Col(t("Field of the list")),
        "item": Col(t("Entry of the list"), width=1.5),
    }  # fmt: skip
    return [
        report.finding(rows, text, title=t("Services and resources that answer no need"), columns=columns)
    ]


def _own_lists(report: Report) -> Finding | str:
    t = report.t
    table = _scoped(report, options_of(report, LISTS) or {})
    reach = {report.unit: t("own"), COMMON: t("everybody")} | {
        k: kind_label(report, k) for k in _kinds_in(report)[report.unit]
    }
    rows = table[table["scope"].isin(list(reach)) & (table["list"] != "need")].copy()
    if rows.empty:
        return t("No list names a service or resource for this district.")
    order = list(reach)
    rows = rows.sort_values(
        ["list", "scope"], key=lambda c: c.map(order.index) if c.name == "scope" else c, kind="stable"
    )
    rows["who"] = rows["scope"].map(reach)
    rows["what"] = rows["list"].map({"service": t("service"), "resource": t("resource")})
    text = t(
        "Within reach of this district: services {service}, resources {resource}; in its own lists: {own}.",
        service=t.integer((rows["list"] == "service").sum()), resource=t.integer((rows["list"] == "resource").sum()),
        own=t.integer((rows["scope"] == report.unit).sum()),
    )  # fmt: skip
    columns = {
        "what": Col(t("List"), "label"), "who": Col(t("For whom"), "label"), "topic": Col(t("Field of the list")),
        "item": Col(t("Entry of the list"), width=1.5),
    }  # fmt: skip
    return report.finding(
        rows.reset_index(drop=True), text, title=t("Services and resources within reach"), columns=columns
    )


# ---------------------------------------------------------------------------------------------- strategies


def strategies(report: Report) -> Section | None:
    """General and special strategies by aspect, beside the score of each aspect: the weakest first."""
    given = options_of(report, STRATEGIES)
    if given is None:
        return None
    t = report.t
    title = t("Strategies by aspect")
    book = report.period.records.query("list == @given['records']")
    aspects = {report.study.framework.label(str(c), "zh"): str(c) for c in given["aspects"]}
    book = book[book["category"].isin(list(aspects))]
    if book.empty:
        return Section(title, 1, [t("No strategy was sent in {period}.", period=report.period_label)])
    words = {labels["zh"]: key for key, labels in report.study.framework.types.items()}
    own = tuple(words.values()) if report.is_city else _kinds_in(report)[report.unit]
    scores = report.profiles["city_mean" if report.is_city else "score"]
    rows = []
    for aspect, code in aspects.items():
        mine = book[book["category"] == aspect]
        general = mine.loc[mine["key"] == given.get("general"), "text"]
        special = [
            t("{text} ({where})", text=written(report, r.text), where=kind_label(report, words[r.key]))
            for r in mine.itertuples()
            if words.get(r.key) in own
        ]
        rows.append({
            "code": code, "aspect": f"{code} {report.label(code)}", "score": scores.get(code), "general": t.listing(written(report, g) for g in general) or MISSING,
            "special": ("；" if report.language == "zh" else "; ").join(special) or MISSING, "n": len(general) + len(special),
        })  # fmt: skip
    table = pd.DataFrame(rows).sort_values("score", kind="stable", na_position="last").reset_index(drop=True)
    weakest = table.dropna(subset=["score"]).head(int(given.get("weakest", 1)))
    text = t(
        "Strategies that apply here: {n}, in {aspects} aspects.",
        n=t.integer(table["n"].sum()),
        aspects=t.integer(len(table)),
    )
    if len(weakest):
        text = report.join(
            text, t("To begin with, where scores are lowest: {names}.", names=t.listing(weakest["aspect"]))
        )
    table["first"] = table["code"].isin(weakest["code"])
    columns = {
        "aspect": Col(t("Aspect")), "score": Col(t("Score"), "number"), "general": Col(t("General strategy"), width=1.3),
        "special": Col(t("Special strategy (kind)"), width=2),
    }  # fmt: skip
    found = report.finding(
        table, text, title=t("Strategies, the weakest aspect first"), columns=columns, strong="first"
    )
    return Section(title, 1, [found, *report.notes(STRATEGIES)])
