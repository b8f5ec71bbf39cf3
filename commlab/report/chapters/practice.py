"""An experiment at work: scores evaluation by evaluation, certified workers and their supervisors, things to be done.

What these chapters need stands under ``options:`` in study.yaml: ``team`` (metrics of ``workers``, ``certified``, ``supervisors``, and
``ratio``, a constant of the framework), ``ten`` (``records``: the list; ``constant`` that names it; ``items`` with labels).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from commlab.errors import StudyError, listing
from commlab.framework import TOTAL
from commlab.periods import period_key
from commlab.report.chapters.base import Report
from commlab.report.chapters.refined import scores_under
from commlab.report.finding import Col, Finding, Section
from commlab.study import Period
from commlab.text import MISSING

__all__ = ["half_years", "options_of", "team", "things_done"]

TEAM, TEN = "team", "ten"
_NEEDED = {
    "kinds": ("rules",), "population": ("rules", "labels"), "peers": ("measures",), "team": ("workers", "certified", "supervisors", "ratio"),
    "lists": ("least_share", "least_n", "least_count"), "strategies": ("records", "aspects"), "ten": ("records", "items"),
}  # fmt: skip
"""What each part of the options cannot do without."""


def options_of(report: Report, name: str) -> Mapping[str, Any] | None:
    """A part of the study's options; None where study.yaml has none.

    Raises
    ------
    StudyError
        If it lacks a key that its chapter needs.
    """
    given = report.study.config.options.get(name)
    if given is None:
        return None
    lacking = [k for k in _NEEDED[name] if not isinstance(given, Mapping) or k not in given]
    if lacking:
        raise StudyError(
            f"study.yaml options: {name}: {listing(lacking)} is missing; see docs/how-to/changning.md"
        )
    return given


def half_years(report: Report) -> Section | None:
    """Scores of this period beside those of the one before, group by group, with the change."""
    t = report.t
    if len(report.study.periods) == 1:
        return None
    title = t("Scores of the guideline, evaluation by evaluation")
    before = report.period.previous
    if before is None:
        return Section(title, 1, [t("This is the first evaluation: there is nothing to compare with.")])
    both = {before.name: _scores_of(report, before), report.period.name: report.period.scores("district")}
    if report.is_city:
        shared = set.intersection(*(set(s.loc[s["score"].notna(), "unit"]) for s in both.values()))
        own = {k: s[s["unit"].isin(shared)].groupby("code")["score"].mean() for k, s in both.items()}
    else:
        own = {k: s[s["unit"] == report.unit].set_index("code")["score"] for k, s in both.items()}
    codes = [*report.study.framework.children(), TOTAL]
    table = pd.DataFrame({"code": codes})
    table["label"] = [t("Total") if c == TOTAL else f"{c} {report.label(c)}" for c in codes]
    table["before"], table["after"] = (table["code"].map(s) for s in own.values())
    table["change"] = table["after"] - table["before"]
    table["whole"] = table["code"] == TOTAL
    known = table[~table["whole"] & table["change"].notna()]
    total = table.iloc[-1]
    if known.empty or math.isnan(total["change"]):
        return Section(
            title, 1, [t("{unit} has no total in both quarters; nothing is compared.", unit=report.unit)]
        )
    up, down = known.loc[known["change"].idxmax()], known.loc[known["change"].idxmin()]
    text = t(
        "Mean total of the districts: {a} at {before}, {b} at {now} ({change}). Most gained: {up} ({up_change}); least: {down} ({down_change})."
        if report.is_city
        else "Total: {a} at {before}, {b} at {now} ({change}). Most gained: {up} ({up_change}); least: {down} ({down_change}).",
        a=t.number(total["before"]), before=t.period(before.name), b=t.number(total["after"]), now=report.period_label,
        change=t.signed(total["change"]), up=up["label"], up_change=t.signed(up["change"]), down=down["label"], down_change=t.signed(down["change"]),
    )  # fmt: skip
    columns = {
        "label": Col(t("Group of indicators"), width=1.6), "before": Col(t.period(before.name), "number"),
        "after": Col(report.period_label, "number"), "change": Col(t("Change"), "signed"),
    }  # fmt: skip
    note = t(
        "Differences of scores as computed; whether residents' answers changed by more than chance stands in the chapter on change."
    )
    found = report.finding(
        table, text, title=t("Scores at both evaluations"), columns=columns, strong="whole", notes=[note]
    )
    return Section(title, 1, [found, *([_by_group(report, both)] if report.is_city else [])])


def _scores_of(report: Report, period: Period) -> pd.DataFrame:
    """Node scores of the districts in an earlier period: as stored, or computed alone where its results are not."""
    if period.folder.read_stage():
        return period.scores("district")
    return scores_under(report.study, period, report.study.framework, period.districts)


def _by_group(report: Report, both: Mapping[str, pd.DataFrame]) -> Finding | str:
    """Mean totals of the peer groups at both evaluations: groups beside each other, not against each other."""
    t = report.t
    totals = pd.DataFrame(
        {k: s[s["code"] == TOTAL].set_index("unit")["score"] for k, s in both.items()}
    ).dropna()
    group = report.study.register.units.set_index("unit")["group"]
    before, after = both
    table = totals.groupby(totals.index.map(group)).agg(
        before=(before, "mean"),
        after=(after, "mean"),
        low=(after, "min"),
        high=(after, "max"),
        n=(after, "size"),
    )
    table = table.rename_axis("group").reset_index().assign(change=lambda f: f["after"] - f["before"])
    if table.empty:
        return t("No district belongs to a group of equals.")
    kinds = {labels["zh"]: key for key, labels in report.study.framework.types.items()}
    table["group"] = [
        report.starting(report.study.framework.type_label(kinds[g], report.language)) if g in kinds else g
        for g in table["group"]
    ]
    text = t(
        "The mean total rose in {up} of {n} groups of equals.",
        up=t.integer((table["change"] > 0).sum()), n=t.integer(len(table)),
    )  # fmt: skip
    columns = {
        "group": Col(t("Group")), "n": Col(t("Number of districts"), "integer"), "before": Col(t.period(before), "number", group=t("Mean total")),
        "after": Col(t.period(after), "number", group=t("Mean total")), "change": Col(t("Change"), "signed"),
        "low": Col(t("Lowest"), "number"), "high": Col(t("Highest"), "number"),
    }  # fmt: skip
    note = t(
        "Totals are compared within a group only: each group has a strategy, and an indicator, of its own."
    )
    return report.finding(table, text, title=t("Totals by group of equals"), columns=columns, notes=[note])


# ------------------------------------------------------------------------------------------------ workers


def team(report: Report) -> Section | None:
    """The share of certified workers, and supervisors against the ratio that the document prints."""
    given = options_of(report, TEAM)
    if given is None:
        return None
    t = report.t
    title = t("Workers, certificates and supervisors")
    names = {k: str(given[k]) for k in ("workers", "certified", "supervisors")}
    ratio = report.study.framework.constant(str(given["ratio"]))
    periods = [p for p in (report.period.previous, report.period) if p is not None]
    tables = [_team_of(p, names) for p in periods]
    now = tables[-1]
    if now.empty:
        return Section(
            title, 1, [t("No district sent figures of its workers in {period}.", period=report.period_label)]
        )
    need = float(ratio.value or 0)
    now["wanted"] = now["workers"] * need
    whole = now[["workers", "certified", "supervisors"]].sum(min_count=1)
    wanted = math.ceil(whole["workers"] * (ratio.value or 0))
    text = t(
        "{certified} of {workers} workers are certified ({share}). At one supervisor for {each} workers the whole needs {wanted} and has {have}; lacking: {lacking}.",
        certified=t.integer(whole["certified"]), workers=t.integer(whole["workers"]), share=t.percent(whole["certified"] / whole["workers"]),
        each=t.number(1 / need, 0) if need else MISSING, wanted=t.integer(wanted), have=t.integer(whole["supervisors"]), lacking=t.integer(max(wanted - whole["supervisors"], 0)),
    )  # fmt: skip
    if len(tables) > 1 and len(tables[0]):
        earlier = tables[0][["workers", "certified"]].sum()
        text = report.join(
            text, t("In {period} {share} were certified.", period=t.period(periods[0].name), share=t.percent(earlier["certified"] / earlier["workers"]))
        )  # fmt: skip
    if not report.is_city:
        own = now[now["unit"] == report.unit]
        if own.empty:
            return Section(title, 1, [text])
        row = own.iloc[0]
        text = report.join(
            t(
                "{unit}: {certified} of {workers} workers are certified ({share}); {have} supervisors, {wanted} by the ratio.",
                unit=report.unit, certified=t.integer(row["certified"]), workers=t.integer(row["workers"]), share=t.percent(row["share"]),
                have=t.integer(row["supervisors"]), wanted=t.number(row["wanted"]),
            ), text,
        )  # fmt: skip
        now = own
    columns = {
        "unit": Col(t("District")), "workers": Col(report.starting(report.metric(names["workers"])), "integer"),
        "certified": Col(report.starting(report.metric(names["certified"])), "integer"), "share": Col(t("Certified (share)"), "percent"),
        "supervisors": Col(report.starting(report.metric(names["supervisors"])), "integer"), "wanted": Col(t("Supervisors by the ratio"), "number"),
    }  # fmt: skip
    where = " ".join(filter(None, (ratio.document, ratio.article)))
    note = t(
        "The ratio stands in {where}; it holds for the whole, and by district it only shows where supervisors are.",
        where=where,
    )
    return Section(title, 1, [report.finding(now, text, title=title, columns=columns, notes=[note])])


def _team_of(period: Any, names: Mapping[str, str]) -> pd.DataFrame:
    rows = period.measures
    rows = rows[rows["metric"].isin(list(names.values())) & rows["unit"].isin(period.districts)]
    wide = rows.pivot_table(index="unit", columns="metric", values="value", aggfunc="last")
    wide = wide.reindex(columns=list(names.values())).rename(columns={v: k for k, v in names.items()})
    wide = (
        wide.reindex([d for d in period.districts if d in wide.index]).rename_axis(columns=None).reset_index()
    )
    wide["share"] = wide["certified"] / wide["workers"].where(wide["workers"] > 0)
    return wide


# ------------------------------------------------------------------------------------------- things to be done


def things_done(report: Report) -> Section | None:
    """A list of things to be done: which are done up to the end of the period, when, and how many."""
    given = options_of(report, TEN)
    if given is None or not report.is_city:
        return None
    t = report.t
    constant = report.study.framework.constants.get(str(given.get("constant")))
    title = (
        constant.zh
        if constant and report.language == "zh"
        else constant.en
        if constant
        else t("Things to be done")
    )
    periods = [p for p in report.study.periods if period_key(p) <= period_key(report.period.name)]
    entries = [report.study.period(p).records for p in periods if report.study.period(p).folder.tables()]
    done = pd.concat(entries, ignore_index=True).query("list == @given['records']")
    labels: Mapping[str, Mapping[str, str]] = given["items"]
    table = pd.DataFrame({"key": list(labels)})
    table["item"] = [report.starting(str(labels[k].get(report.language) or k)) for k in labels]
    table["on"] = table["key"].map(done.groupby("category")["on"].min())
    table["n"] = table["key"].map(done.groupby("category")["value"].sum())
    table["state"] = [t("done") if d == d else t("not yet done") for d in table["on"]]
    table["open"] = table["on"].isna()
    open_ = table.loc[table["open"], "item"]
    text = t(
        "{done} of {n} are done by {day}.",
        done=t.integer((~table["open"]).sum()),
        n=t.integer(len(table)),
        day=t.date(report.period.end),
    )
    if len(open_):
        text = report.join(text, t("Open: {names}.", names=t.listing(open_)))
    columns = {
        "item": Col(t("Thing to do"), width=1.5), "n": Col(t("Number"), "integer"), "on": Col(t("Done on"), "date"), "state": Col(t("State"), "label"),
    }  # fmt: skip
    return Section(title, 1, [report.finding(table, text, title=title, columns=columns, strong="open")])
