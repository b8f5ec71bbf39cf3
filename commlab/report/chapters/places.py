"""Departments' tables of the same places joined, stations against places, lists in force.

What they read beside the clean tables stands under ``options: cycle:`` in study.yaml; a chapter without its key there says
nothing.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from commlab.intake import match_names
from commlab.processes import covered, data_quality, join_sources
from commlab.report.chapters.base import Report
from commlab.report.chapters.cycle import asked, options_of, panel_so_far
from commlab.report.finding import Col, Paragraph, Section

__all__ = ["five_lists", "sources_joined", "stations"]

NAMED = 12
"""Names that a sentence tells one by one."""
_TOWNSHIP = "street"


def _placed(report: Report, wanted: str, lists: list[str]) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Places of the list ``wanted``, of a district its own, and the entries of others with the place that each name means."""
    records = report.period.records
    records = records if report.is_city else records[records["unit"] == report.unit]
    own = records[records["list"] == wanted].drop_duplicates(["unit", "key"])
    places = pd.DataFrame({"unit": own["unit"] + "/" + own["key"], "group": own["unit"]}).reset_index(
        drop=True
    )
    units = report.study.register.units[["unit", "name", "level", "parent"]]
    streets = places.assign(name=own["key"].to_numpy(), level=_TOWNSHIP).rename(columns={"group": "parent"})
    book = pd.concat([units, streets], ignore_index=True)
    out = {}
    for name in lists:
        rows = records[records["list"] == name]
        matched = match_names(rows["key"], book, within=rows["unit"], level=_TOWNSHIP)
        out[name] = pd.DataFrame(
            {
                "unit": matched["matched"].to_numpy(), "name": rows["key"].to_numpy(), "value": rows["value"].to_numpy(),
                "on": rows["on"].to_numpy(), "how": matched["how"].to_numpy(),
            }
        )  # fmt: skip
    return places, out


def sources_joined(report: Report) -> Section | None:
    """Departments' tables of the same places on matched names, and the quality of every source."""
    t, given = report.t, options_of(report, "quality")
    if given is None:
        return None
    title = t("Departments' tables joined")
    names, reference, low, high, days = asked(given, "quality", "sources", "reference", "low", "high", "days")
    places, tables = _placed(report, reference, list(names))
    tables = {k: v for k, v in tables.items() if len(v)}
    if places.empty or not tables:
        return Section(title, 1, [t("No department sent a list of places for {period}.", period=report.period_label)])  # fmt: skip
    told = data_quality(
        tables, places=list(places["unit"]), fields=["value", "on"], low=low, high=high,
        date="on", due=report.period.end + pd.Timedelta(days=days), reference=reference,
    )  # fmt: skip
    joined = join_sources(tables, places=list(places["unit"]))
    told["label"] = [names[s][report.language] for s in told["source"]]
    changed = sum(int(v["how"].isin(["normalised", "alias", "fuzzy"]).sum()) for v in tables.values())
    whole = joined.table.drop(columns="unit").notna().all(axis=1).sum()
    text = t("{whole} of {n} places stand in all {k} sources; {changed} names were matched though written otherwise, {lost} fit no place, {torn} places are reported twice with different figures.",
             whole=t.integer(whole), n=t.integer(len(places)), k=t.integer(len(tables)), changed=t.integer(changed),
             lost=t.integer(len(joined.unmatched)), torn=t.integer(len(joined.contradictions)))  # fmt: skip
    columns = {
        "label": Col(t("Department and table"), width=1.5),
        "rows": Col(t("Rows"), "integer"),
        "completeness": Col(t("Complete"), "percent"),
        "validity": Col(t("Valid"), "percent"),
        "timeliness": Col(t("In time"), "percent"),
        "uniqueness": Col(t("Unique"), "percent"),
        "consistency": Col(t("Consistent"), "percent"),
        "score": Col(t("Quality"), "percent"),
    }
    notes = [
        t("Complete: cells filled for the places of the list. Valid: rows whose name fits a place and whose figure lies between {low} and {high}. In time: rows dated at most {days} days after the end of the period. Unique: places over rows. Consistent: places whose figure agrees with {reference}. Quality: their mean.",
          low=t.integer(low), high=t.integer(high), days=t.integer(days), reference=names[reference][report.language])
    ]  # fmt: skip
    blocks: list[Any] = [report.finding(told, text, title=t("Quality of the sources"), columns=columns, notes=notes)]  # fmt: skip
    if len(joined.unmatched):
        lost = t.listing(joined.unmatched["name"].head(NAMED))
        blocks.append(Paragraph(t("Names that fit no place: {names}.", names=lost)))
    return Section(title, 1, blocks)


def stations(report: Report) -> Section | None:
    """Which townships have a station, against the list and against the number of the document."""
    from commlab.figures import bars

    t, given = report.t, options_of(report, "coverage")
    if given is None:
        return None
    title = t("Coverage of stations")
    wanted, list_, reported, number = asked(given, "coverage", "places", "stations", "reported", "expected")
    places, tables = _placed(report, wanted, [list_])
    if places.empty:
        return Section(title, 1, [t("No list of places was sent for {period}.", period=report.period_label)])
    expected = report.study.framework.constant(number)
    found = covered(
        places, tables[list_].rename(columns={"on": "opened"}), on=report.period.end,
        expected=int(expected.number()) if report.is_city else None,
    )  # fmt: skip
    text = t("{n} of {all} places on the list have a station on {day} ({rate}).",
             n=t.integer(found.covered), all=t.integer(found.total), day=t.date(report.period.end), rate=t.percent(found.rate))  # fmt: skip
    if found.gap is not None:
        values = {"n": t.integer(expected.number()), "gap": t.integer(abs(found.gap))}
        text = report.join(text, t("The document counts {n}, as the list does.", **values) if not found.gap
                           else t("The document counts {n}; the list differs by {gap}.", **values))  # fmt: skip
    if len(found.unplaced):
        text = report.join(text, t("Stations that belong to no place on the list: {n}.", n=t.integer(len(found.unplaced))))  # fmt: skip
    text = report.join(text, _deadline(report, given, found.total - found.covered))
    told = panel_so_far(report, reported).iloc[-1]
    table = found.table.assign(
        reported=found.table["group"].map(told), difference=lambda d: d["reported"] - d["covered"]
    )
    columns = {
        "group": Col(t("District")),
        "places": Col(t("Places"), "integer"),
        "covered": Col(t("With a station"), "integer"),
        "rate": Col(t("Coverage"), "percent"),
        "lacking": Col(t("Without"), "integer"),
        "doubled": Col(t("With two or more"), "integer"),
        "reported": Col(t("Reported"), "integer"),
        "difference": Col(t("Reported - counted"), "signed", digits=0),
    }
    more: dict[str, Any] = {}
    if report.is_city:
        more["figure"] = bars(table.rename(columns={"group": "label", "rate": "value"})[["label", "value"]], xlabel=t("Coverage"), percent=True)  # fmt: skip
        more["figure_title"] = t("Coverage by district")
    blocks: list[Any] = [report.finding(table, text, title=t("Stations and places"), columns=columns, **more)]
    open_ = found.places.loc[found.places["stations"] == 0, "unit"]
    if len(open_):
        names = open_ if report.is_city else open_.str.rpartition("/")[2]
        more_n = len(names) - NAMED
        told_names = t.listing(names.head(NAMED))
        blocks.append(Paragraph(t("Without a station: {names} and {n} more.", names=told_names, n=t.integer(more_n)) if more_n > 0
                                else t("Without a station: {names}.", names=told_names)))  # fmt: skip
    return Section(title, 1, [*blocks, *report.notes("coverage")])


def _deadline(report: Report, given: dict[str, Any], lacking: int) -> str:
    """Whether the month by whose end the document wants full coverage is over, and what is lacking then."""
    if "by" not in given:
        return ""
    year, month = (int(report.study.framework.constant(k).number()) for k in given["by"])
    end = pd.Timestamp(year=year, month=month, day=1) + pd.offsets.MonthEnd(0)
    t, day = report.t, report.t.date(end)
    if not lacking:
        return t("Coverage is full; the document wants it by {day}.", day=day)
    if report.period.end.normalize() >= end:
        return t("The document wants full coverage by {day}; {n} are lacking.", day=day, n=t.integer(lacking))
    return t("The document wants full coverage by {day}; until then {n} are to come.", day=day, n=t.integer(lacking))  # fmt: skip


def five_lists(report: Report) -> Section | None:
    """How far the lists that the document names are in force."""
    t, given = report.t, options_of(report, "lists")
    if given is None:
        return None
    (node,) = asked(given, "lists", "node")
    title = t("Lists in force")
    rows = report.period.result("evidence")
    rows = rows[(rows["code"] == node) & rows["numerator"].notna()].drop_duplicates(["unit", "part"])
    if not report.is_city:
        rows = rows[rows["unit"] == report.unit]
    if rows.empty:
        return Section(title, 1, [t("Nobody reported on the lists.")])
    parts = {p.part: p for p in report.study.framework.parts(node)}
    labels = {k: report.starting((p.zh if report.language == "zh" else p.en) or k) for k, p in parts.items()}
    sums = rows.groupby("part")[["numerator", "denominator"]].sum().reindex(list(parts)).reset_index()
    sums["rate"] = sums["numerator"] / sums["denominator"]
    low = sums.loc[sums["rate"].idxmin()]
    text = t('Of the {n} lists, the least common is "{name}": {a} of {b} ({rate}).',
             n=t.integer(len(parts)), name=labels[low["part"]], a=t.integer(low["numerator"]), b=t.integer(low["denominator"]), rate=t.percent(low["rate"]))  # fmt: skip
    if report.is_city:
        wide = rows.assign(rate=rows["numerator"] / rows["denominator"]).pivot(index="unit", columns="part", values="rate")  # fmt: skip
        wide = wide.reindex(columns=list(parts)).reindex([d for d in report.period.districts if d in wide.index])  # fmt: skip
        columns = {"unit": Col(t("District"))} | {k: Col(labels[k], "percent") for k in parts}
        table = wide.reset_index()
    else:
        table = sums.assign(label=sums["part"].map(labels))
        columns = {
            "label": Col(t("List"), width=1.5),
            "numerator": Col(t("With it"), "integer"),
            "denominator": Col(t("To have it"), "integer"),
            "rate": Col(t("Share"), "percent"),
        }
    return Section(title, 1, [
        report.finding(table, text, title=t("Share of communities with each list"), columns=columns), *report.notes("lists")
    ])  # fmt: skip
