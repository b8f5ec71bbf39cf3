"""Trainings by their dates, and who could be named at which level."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from commlab.processes import mending_costs, naming_order, training_windows
from commlab.report.chapters.base import Report
from commlab.report.chapters.norms import cost_of, list_word, norm_gaps, norm_options
from commlab.report.finding import Col, Finding, Section

__all__ = ["promotion", "trainings"]


def trainings(report: Report) -> Section | None:
    """Whether the trainings keep their rhythm, judged by their dates; what the offices report stands beside it."""
    options = norm_options(report)
    if options is None or "trainings" not in options:
        return None
    t, rows = report.t, _windows(report, options)
    title = t("Trainings by their dates")
    if not report.is_city:
        rows = rows[rows["unit"] == report.unit]
    if rows.empty:
        return Section(title, 1, [t("Nobody is listed who has to be trained.")])
    late = rows[rows["state"] == "overdue"]
    lengths = _lengths(report, options)
    text = report.join(
        t(
            "On {day}, of {n} people {trained} were trained within their window; overdue: {late}, not due yet: {new}.",
            day=t.date(report.period.end),
            trained=t.integer((rows["state"] == "trained").sum()),
            n=t.integer(len(rows)),
            late=t.integer(len(late)),
            new=t.integer((rows["state"] == "not_yet_due").sum()),
        ),
        t(
            "Windows in years: {windows}.",
            windows=t.listing(
                t("{post} {n}", post=list_word(report, options, p), n=t.integer(n))
                for p, n in lengths.items()
            ),
        ),
    )
    if report.is_city:
        return Section(title, 1, [_training_table(report, options, rows, text)])
    late = late.assign(category=[list_word(report, options, p) for p in late["category"]])
    columns = {
        "key": Col(t("Person")), "category": Col(t("Post")), "since": Col(t("In the post since"), "date"),
        "last": Col(t("Last training"), "date"), "due": Col(t("Due by"), "date"),
    }  # fmt: skip
    return Section(title, 1, [report.finding(late, text, title=t("Overdue trainings"), columns=columns)])


def promotion(report: Report) -> Section | None:
    """Who could be named at which level: who meets every hard norm, the best first."""
    options = norm_options(report)
    plan = (options or {}).get("rounds", {}).get(report.period.name)
    if options is None or not plan:
        return None
    t = report.t
    held = report.period.records
    held = held[held["list"] == options.get("naming")].drop_duplicates("unit", keep="last")
    level_of = held.set_index("unit")["category"]
    places = {
        level: round(report.study.framework.constant(c).number()) for level, c in plan["levels"].items()
    }
    start = plan.get("from")
    totals = report.period.scores("district").query("code == 'total'").set_index("unit")["score"]
    found = norm_gaps(report, options)
    order = naming_order(
        found,
        totals,
        places,
        among=list(level_of.index[level_of == start]) if start else None,
        wishes=None if start else level_of.to_dict(),
    )
    title = t("Who could be named")
    if order.empty:
        return Section(title, 1, [t("Nobody can be named in {period}.", period=report.period_label)])
    order["held"] = [list_word(report, options, w) for w in order["unit"].map(level_of)]
    order["cost"] = cost_of(mending_costs(found, options.get("prices", {})), order["unit"], "short")
    order["outcome"] = [_outcome(report, options, row) for row in order.itertuples(index=False)]
    mine = order if report.is_city else order[order["unit"] == report.unit]
    if mine.empty:
        return Section(
            title,
            1,
            [
                t(
                    "{unit} is not among those that could be named in {period}.",
                    unit=report.unit,
                    period=report.period_label,
                )
            ],
        )
    counted = [
        t(
            "{level} {n} of {places} places",
            level=list_word(report, options, level),
            n=t.integer((order["level"] == level).sum()),
            places=t.integer(n),
        )
        for level, n in places.items()
    ]
    text = report.join(
        t(
            "{n} districts may be named, {ready} of them meet every hard norm; by score that fills: {filled}.",
            n=t.integer(len(order)), ready=t.integer(order["ready"].sum()), filled=t.listing(counted),
        ),
        _nearest(report, order),
    )  # fmt: skip
    columns = {
        "unit": Col(t("District")),
        "held": Col(t("Holds now") if start else t("Applies for")),
        "score": Col(t("Score"), "number"),
        "lacking": Col(t("Hard norms not met"), "integer"),
        "cost": Col(t("Cost of these (yuan)"), "number", digits=0),
        "unknown": Col(t("Not measured"), "integer"),
        "advice": Col(t("Advice"), "integer"),
        "outcome": Col(t("Finding"), "label"),
    }
    notes = [t("This table proposes nothing: acceptance on the spot and naming are decided by the offices.")]
    return Section(
        title,
        1,
        [report.finding(mine, text, title=t("Norms met, scores and places"), columns=columns, notes=notes)],
    )


def _lengths(report: Report, options: Mapping[str, Any]) -> dict[str, float]:
    """Post -> years of its window, from the framework."""
    constant = report.study.framework.constant
    return {str(post): constant(key).number() for post, key in options.get("windows", {}).items()}


def _windows(report: Report, options: Mapping[str, Any]) -> pd.DataFrame:
    kept = report.period.records
    people, held = (kept[kept["list"] == options.get(key)] for key in ("people", "trainings"))
    return training_windows(people, held, on=report.period.end, years=_lengths(report, options))


def _training_table(report: Report, options: Mapping[str, Any], rows: pd.DataFrame, text: str) -> Finding:
    t = report.t
    states = ["trained", "overdue", "not_yet_due"]
    table = (
        rows.groupby("unit")["state"]
        .value_counts()
        .unstack(fill_value=0)
        .reindex(columns=states, fill_value=0)
    )
    metrics = list(dict.fromkeys(options.get("reported", {}).values()))
    measures = report.period.measures
    told = (
        measures[measures["metric"].isin(metrics) & (measures["state"] == "observed")]
        .groupby("unit")["value"]
        .sum()
    )
    order = [d for d in report.period.districts if d in table.index]
    table = table.loc[order].rename_axis("unit").reset_index()
    table["reported"] = table["unit"].map(told)
    table["difference"] = table["reported"] - table["trained"]
    differs = table[table["difference"].fillna(0) != 0]
    if metrics:
        text = report.join(
            text,
            t("What is reported differs from the dates in {units}.", units=t.listing(differs["unit"]))
            if len(differs)
            else t("What is reported agrees with the dates everywhere."),
        )
    columns = {
        "unit": Col(t("District")), "trained": Col(t("Trained"), "integer"), "overdue": Col(t("Overdue"), "integer"),
        "not_yet_due": Col(t("Not due yet"), "integer"), "reported": Col(t("Reported as trained"), "integer"),
        "difference": Col(t("Difference"), "signed", digits=0),
    }  # fmt: skip
    return report.finding(table, text, title=t("Trainings by district"), columns=columns)


def _outcome(report: Report, options: Mapping[str, Any], row: Any) -> str:
    t = report.t
    if row.tied:
        return t("same score at the last place: left to the offices")
    if row.level:
        return t("could be named: {level}", level=list_word(report, options, row.level))
    if row.lacking or row.unknown:
        return t("not yet: norms are open")
    return t("no place left")


def _nearest(report: Report, order: pd.DataFrame) -> str:
    """Who would be ready with one norm more."""
    t = report.t
    near = order[~order["ready"] & (order["lacking"] + order["unknown"] == 1)]
    return t("One norm away: {names}.", names=t.listing(near["unit"])) if len(near) else ""
