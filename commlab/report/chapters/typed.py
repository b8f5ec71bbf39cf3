"""Typed governance: kinds of estates by rules with evidence, and comparison among equals.

What these chapters need beside the data stands under ``options:`` in study.yaml: ``kinds`` and ``population`` (rules, margin,
labels), ``peers`` (least, measures). A chapter whose options are missing says nothing.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from commlab.errors import StudyError, listing
from commlab.processes import Kinds, among_peers, kinds_of, peer_groups, read_kind_rules
from commlab.report.chapters.base import Report
from commlab.report.chapters.practice import options_of
from commlab.report.finding import Col, Finding, Section
from commlab.text import MISSING

__all__ = ["equals", "kind_evidence", "kind_label", "kinds", "places", "typed", "unsure"]

_LEVEL = "compound"
KIND, POPULATION, PEERS = "kinds", "population", "peers"


def places(report: Report) -> pd.DataFrame:
    """The estates of the register that a report is about: unit, name, district, type."""
    units = report.study.register.units
    own = units[units["level"] == _LEVEL].rename(columns={"parent": "district"})
    own = own[own["district"].isin(report.period.districts)]
    return own[["unit", "name", "district", "type"]].reset_index(drop=True)


def facts(report: Report) -> pd.DataFrame:
    """Figures of estates: a row an estate, a column a metric; what nobody sent is missing."""
    known = places(report)["unit"]
    rows = report.period.measures
    rows = rows[rows["unit"].isin(known) & rows["item"].isna()]
    wide = rows.sort_values("as_of").pivot_table(
        index="unit", columns="metric", values="value", aggfunc="last", dropna=False
    )
    metrics = [m for m, entry in report.study.framework.metrics.items() if entry.level == _LEVEL]
    return wide.reindex(index=pd.Index(known, name="unit"), columns=metrics)


def typed(report: Report) -> tuple[Kinds, Kinds | None] | None:
    """Kinds of estates by housing and, where the study classes it, by population; None without rules."""
    given = options_of(report, KIND)
    if given is None:
        return None
    table = facts(report)
    known = places(report).set_index("unit")["type"]
    first = kinds_of(
        table,
        read_kind_rules(given["rules"]),
        margin=given.get("margin", 1),
        least=given.get("least", 1),
        known=known,
    )
    more = options_of(report, POPULATION)
    if more is None:
        return first, None
    rules = read_kind_rules(more["rules"])
    return first, kinds_of(table, rules, margin=more.get("margin", 0), otherwise=more.get("otherwise"))


def kind_label(report: Report, key: object) -> str:
    """A housing kind, a class of population, or both (``kind/class``), in words."""
    if not isinstance(key, str) or not key:
        return report.t("unsure")
    classes = (options_of(report, POPULATION) or {}).get("labels", {})
    words = []
    for part in key.split("/"):
        known = report.study.framework.types.get(part) or classes.get(part) or {}
        words.append(str(known.get(report.language) or known.get("zh") or part))
    return " · ".join(words)


def _groups(report: Report, found: tuple[Kinds, Kinds | None]) -> pd.Series:
    """The peer group of every estate whose kind is known."""
    first, second = found
    own = first.units.set_index("unit")["kind"]
    if second is None:
        return own
    least = int((options_of(report, PEERS) or {}).get("least", 1))
    return peer_groups(own, second.units.set_index("unit")["kind"], least=least)


def _rules(report: Report) -> dict[str, str]:
    """Rule -> its sentence."""
    given = [e for name in (KIND, POPULATION) for e in (options_of(report, name) or {}).get("rules", [])]
    return {str(e["rule"]): str(e.get(report.language) or e.get("zh") or e["rule"]) for e in given}


def _why(report: Report, row: Any) -> str:
    """Why a person has to look at an estate."""
    t = report.t
    words = {
        "missing": t("figures are missing"), "near": t("a figure is near its line"),
        "close": t("two kinds are close"), "few": t("too few rules are met"),
    }  # fmt: skip
    if row.state == "contradicted":
        return t("the rules say {kind}", kind=kind_label(report, row.told))
    fields = [
        t.listing(report.metric(part) for part in field.split("/"))
        for field in row.fields.split(", ")
        if field
    ]
    told = t.listing(words[w] for w in row.why.split(",") if w)
    return (
        t("{what}: {item}", what=told, item=t.listing(fields))
        if fields and ("missing" in row.why or "near" in row.why)
        else told
    )


# ------------------------------------------------------------------------------------------------------- kinds


def kinds(report: Report) -> Section | None:
    """Kinds of estates by rules; for the whole how many of each, for a district estate by estate."""
    found = typed(report)
    if found is None:
        return None
    t = report.t
    title = t("Kinds of communities")
    first, second = found
    rows = first.units.merge(places(report)[["unit", "name", "district"]], on="unit")
    if second is not None:
        rows["class"] = rows["unit"].map(second.units.set_index("unit")["kind"])
    if not report.is_city:
        rows = rows[rows["district"] == report.unit].reset_index(drop=True)
    if rows.empty:
        return Section(title, 1, [t("The register has no community here.")])
    counts = rows["state"].value_counts()
    text = t(
        "The rules tell the kind of {clear} of {n} communities clearly. Unsure and settled by a person: {settled}; open: {open}; rules and register differ: {against}.",
        n=t.integer(len(rows)), clear=t.integer(counts.get("clear", 0)), settled=t.integer(counts.get("settled", 0)),
        open=t.integer(counts.get("open", 0)), against=t.integer(counts.get("contradicted", 0)),
    )  # fmt: skip
    if report.is_city:
        main = [_kind_counts(report, rows, text), _leading(report, rows)]
    else:
        main = [_kind_rows(report, rows, text)]
    return Section(title, 1, [*main, unsure(report), *report.notes(KIND)])


def _leading(report: Report, rows: pd.DataFrame) -> str:
    """Whether the register's kind of every district is the one that most of its estates have."""
    t = report.t
    known = rows.dropna(subset=["kind"])
    most = known.groupby("district", sort=False)["kind"].agg(lambda k: k.value_counts().index[0])
    own = report.study.register.units.set_index("unit")["type"].reindex(most.index)
    odd = most[own.notna() & (own != most)]
    if odd.empty:
        return t("The register's kind of every district is the most frequent kind of its communities.")
    return t(
        "Districts whose kind in the register is not the most frequent one of their communities: {names}.",
        names=t.listing(f"{u} ({kind_label(report, k)})" for u, k in odd.items()),
    )


def _kind_counts(report: Report, rows: pd.DataFrame, text: str) -> Finding:
    t = report.t
    order = [k for k in report.study.framework.types if k in set(rows["kind"])]
    rows = rows.assign(kind=rows["kind"].fillna(""))
    table = pd.DataFrame({"kind": [*order, *([""] if (rows["kind"] == "").any() else [])]})
    columns = {"label": Col(t("Kind of community"))}
    table["label"] = [report.starting(kind_label(report, k)) for k in table["kind"]]
    if "class" in rows:
        rows["class"] = rows["class"].fillna("")
        known = list((options_of(report, POPULATION) or {}).get("labels", {}))
        for key in [*known, *([""] if (rows["class"] == "").any() else [])]:
            own = rows[rows["class"] == key].groupby("kind").size()
            table[f"class_{key}"] = table["kind"].map(own).fillna(0).astype("int64")
            columns[f"class_{key}"] = Col(
                report.starting(kind_label(report, key)), "integer", group=t("By population")
            )
    table["n"] = table["kind"].map(rows.groupby("kind").size())
    columns["n"] = Col(t("Communities"), "integer")
    most = table.sort_values("n", ascending=False, kind="stable").iloc[0]
    text = report.join(
        text, t("Most frequent: {kind} ({n}).", kind=kind_label(report, most["kind"]), n=t.integer(most["n"]))
    )
    return report.finding(table, text, title=t("Communities by kind and population"), columns=columns)


def _kind_rows(report: Report, rows: pd.DataFrame, text: str) -> Finding:
    t, told = report.t, _rules(report)
    rows["label"] = [report.starting(kind_label(report, k)) for k in rows["kind"]]
    rows["met"] = [
        t.listing(told.get(r, r) for r in met.split(", ") if r) or MISSING for met in rows["rules"]
    ]
    rows["verdict"] = rows["state"].map(_states(report))
    columns = {"name": Col(t("Community")), "label": Col(t("Kind of community"))}
    if "class" in rows:
        rows["population"] = [report.starting(kind_label(report, k)) for k in rows["class"]]
        columns["population"] = Col(t("Class of population"))
    columns |= {
        "met": Col(t("Rules met"), width=1.6),
        "lead": Col(t("Lead (points)"), "number", digits=0),
        "verdict": Col(t("State"), "label"),
    }
    return report.finding(
        rows, text, title=t("Kind of every community and the rules it rests on"), columns=columns
    )


def _states(report: Report) -> dict[str, str]:
    t = report.t
    return {
        "clear": t("clear"), "settled": t("settled by a person"),
        "contradicted": t("rules and register differ"), "open": t("for a person to settle"),
    }  # fmt: skip


def unsure(report: Report) -> Finding | str:
    """The estates that a person has to look at, with what makes them unsure."""
    t = report.t
    found = typed(report)
    rows = found[0].unsure.merge(places(report)[["unit", "name", "district"]], on="unit") if found else None
    if rows is not None and not report.is_city:
        rows = rows[rows["district"] == report.unit].reset_index(drop=True)
    if rows is None or rows.empty:
        return t("No community is left for a person to settle.")
    rows["registered"] = [kind_label(report, k) if isinstance(k, str) else MISSING for k in rows["known"]]
    rows["says"] = [kind_label(report, k) if isinstance(k, str) else MISSING for k in rows["told"]]
    rows["other"] = [kind_label(report, k) if isinstance(k, str) else MISSING for k in rows["second"]]
    rows["reason"] = [_why(report, r) for r in rows.itertuples()]
    columns = {
        "district": Col(t("District")), "name": Col(t("Community")), "registered": Col(t("In the register")), "says": Col(t("By the rules")),
        "other": Col(t("Next kind")), "reason": Col(t("Why a person has to look"), "label", width=1.8),
    }  # fmt: skip
    if not report.is_city:
        columns.pop("district")
    text = t(
        "For a person to settle: {n}. Enter the kind in the column type of units.csv.",
        n=t.integer(len(rows)),
    )
    return report.finding(rows, text, title=t("Communities for a person to settle"), columns=columns)


def kind_evidence(report: Report) -> Finding | None:
    """Every rule of every estate: which field, its value, the line, and whether it is met."""
    found = typed(report)
    if found is None:
        return None
    t, told = report.t, _rules(report)
    rows = pd.concat([k.evidence for k in found if k is not None], ignore_index=True)
    rows = rows.merge(places(report)[["unit", "name", "district"]], on="unit")
    if not report.is_city:
        rows = rows[rows["district"] == report.unit].reset_index(drop=True)
    rows["sentence"] = [f"{r} {told.get(r, '')}" for r in rows["rule"]]
    rows["field_label"] = [
        report.metric(f) + (f" / {report.metric(p)}" if isinstance(p, str) else "")
        for f, p in zip(rows["field"], rows["per"], strict=True)
    ]
    rows["shown"] = [
        t.percent(v, 1) if isinstance(p, str) else _plain(report, f, v)
        for f, v, p in zip(rows["field"], rows["value"], rows["per"], strict=True)
    ]
    verdicts = {"yes": t("met"), "no": t("not met"), "near": t("near the line"), "missing": t("no figure")}
    rows["verdict"] = rows["met"].map(verdicts)
    columns = {
        "name": Col(t("Community")), "sentence": Col(t("Rule"), width=1.6), "field_label": Col(t("Field used"), "label", width=1.4),
        "shown": Col(t("Value found"), align="right"), "verdict": Col(t("Finding"), "label"), "points": Col(t("Points won"), "number", digits=0),
    }  # fmt: skip
    text = t(
        "{n} rules were held against {units} communities; {met} are met, {near} are near their line, {missing} lack their figure.",
        n=t.integer(rows["rule"].nunique()), units=t.integer(rows["unit"].nunique()), met=t.integer((rows["points"] > 0).sum()),
        near=t.integer((rows["met"] == "near").sum()), missing=t.integer((rows["met"] == "missing").sum()),
    )  # fmt: skip
    return report.finding(rows, text, title=t("Evidence for every kind"), columns=columns)


def _plain(report: Report, metric: str, value: float) -> str:
    """A figure that is no share; years have no thousands."""
    if value != value:
        return MISSING
    if report.study.framework.metrics[metric].unit == "年":
        return f"{value:.0f}"
    return report.t.number(value, 0 if float(value).is_integer() else 2)


# ----------------------------------------------------------------------------------------------- among equals


def equals(report: Report) -> Section | None:
    """Estates compared with their like only: places within the peer group, never across groups."""
    given, found = options_of(report, PEERS), typed(report)
    if given is None or found is None:
        return None
    t = report.t
    title = t("Comparison among equals")
    groups, table = _groups(report, found), facts(report)
    least = int(given.get("least", 1))
    rows = []
    strange = [
        str(m.get(k))
        for m in given["measures"]
        for k in ("numerator", "denominator")
        if m.get(k) not in table
    ]
    if strange:
        raise StudyError(f"study.yaml options: peers: {listing(strange)} is no metric of level {_LEVEL}")
    for m in given["measures"]:
        value = table[m["numerator"]] / table[m["denominator"]].where(table[m["denominator"]] > 0)
        placed = among_peers(value.where(groups.notna()), groups, least=least)
        rows.append(placed.assign(measure=str(m.get(report.language) or m["zh"])))
    all_ = pd.concat(rows, ignore_index=True).merge(places(report)[["unit", "name", "district"]], on="unit")
    all_["peers"] = [report.starting(kind_label(report, g)) for g in all_["group"]]
    if report.is_city:
        return Section(title, 1, [_spread(report, all_)])
    return Section(title, 1, [_own_places(report, all_, least), _rank_of_district(report)])


def _own_places(report: Report, rows: pd.DataFrame, least: int) -> Finding | str:
    t = report.t
    rows = rows[(rows["district"] == report.unit) & rows["value"].notna()].reset_index(drop=True)
    if rows.empty:
        return t("No community here has a kind and a figure to compare.")
    placed = rows[rows["percentile"].notna()]
    if len(placed):
        low = placed.sort_values("percentile", kind="stable").iloc[0]
        text = t(
            "{placed} of {n} figures can be placed among equals. Furthest behind its equals: {name}, {measure} ({value}; median of the group {median}).",
            placed=t.integer(len(placed)), n=t.integer(len(rows)), name=low["name"], measure=low["measure"],
            value=t.percent(low["value"]), median=t.percent(low["median"]),
        )  # fmt: skip
    else:
        text = t("No group here has enough communities to place anybody.")
    columns = {
        "name": Col(t("Community")), "measure": Col(t("What is compared")), "peers": Col(t("Group")), "value": Col(t("Value found"), "percent"),
        "median": Col(t("Median of the group"), "percent"), "difference": Col(t("Difference"), "points"), "n": Col(t("Group size"), "integer"),
        "rank": Col(t("Rank in the group"), "integer"), "percentile": Col(t("Better than (share of the others)"), "percent", digits=0),
    }  # fmt: skip
    note = t("Groups of fewer than {n} give no place; nothing is compared across groups.", n=t.integer(least))
    return report.finding(rows, text, title=t("Communities among equals"), columns=columns, notes=[note])


def _spread(report: Report, rows: pd.DataFrame) -> Finding:
    t = report.t
    known = rows[rows["group"].notna() & rows["value"].notna()]
    table = (
        known.groupby(["measure", "peers"], sort=False)["value"]
        .agg(["count", "min", "median", "max"])
        .reset_index()
    )
    widest = (
        table.assign(width=table["max"] - table["min"])
        .sort_values("width", ascending=False, kind="stable")
        .iloc[0]
    )
    text = t(
        "Widest apart among equals: {measure} of {group}, from {low} to {high}.",
        measure=widest["measure"], group=widest["peers"], low=t.percent(widest["min"]), high=t.percent(widest["max"]),
    )  # fmt: skip
    columns = {
        "measure": Col(t("What is compared")), "peers": Col(t("Group")), "count": Col(t("Communities"), "integer"), "min": Col(t("Lowest"), "percent"),
        "median": Col(t("Median of the group"), "percent"), "max": Col(t("Highest"), "percent"),
    }  # fmt: skip
    note = t(
        "A kind is split by population only where every part is large enough; nothing is compared across groups."
    )
    return report.finding(table, text, title=t("How far apart equals are"), columns=columns, notes=[note])


def _rank_of_district(report: Report) -> str:
    """Where the whole score of a district stands among those of its group."""
    t = report.t
    ranks = report.period.ranks("district")
    own = ranks[ranks["unit"] == report.unit]
    if own.empty or len(report.peers) < 2:
        return t("This district is the only one of its group; its total is compared with nobody.")
    row = own.iloc[0]
    return t(
        "Among the {n} districts of its group ({group}) its total of {score} ranks {rank}.",
        n=t.integer(len(report.peers)), group=row["group"], score=t.number(row["score"]), rank=t.integer(row["rank"]),
    )  # fmt: skip
