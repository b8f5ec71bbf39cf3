"""Residents' ratings as they come in: put in order, counted by week, held against control limits.

``options: online:`` in study.yaml: ``list`` (of ``records``), ``arrived`` (expression that finds the day a file came in its
path), ``scale``, ``satisfied``, ``grace``, ``every``, ``width``, ``run``, ``baseline`` (a period).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from commlab.periods import period_key
from commlab.processes import Stream, p_chart, settle, subgroups
from commlab.report.chapters.base import Report
from commlab.report.finding import Col, Finding, Section
from commlab.survey import protect

if TYPE_CHECKING:
    from commlab.figures import Figure

__all__ = ["online", "online_chart", "online_stream"]

_SAID = ["unit", "key", "at", "category", "value", "source", "arrived"]


def online(report: Report) -> Section | None:
    """What came in and in which state, the chart of every district that has ratings, and its points out of control."""
    options = report.study.config.options.get("online")
    if not options or not report.has("records"):
        return None
    t = report.t
    title = t("Ratings of residents online")
    stream = online_stream(report, options)
    district = report.study.register.district_of
    rows = stream.ratings.assign(district=stream.ratings["unit"].map(district))
    if not report.is_city:
        rows = rows[rows["district"] == report.unit]
    if rows.empty:
        return Section(
            title,
            1,
            [
                t(
                    "Nobody rated online up to the end of {period}; the ratings are a pilot.",
                    period=report.period_label,
                )
            ],
        )
    parts_of = dict(list(rows.groupby("district")))
    charts = {
        d: online_chart(report, options, parts_of[d])
        for d in report.study.register.districts
        if d in parts_of
    }
    parts = [_by_district(report, options, charts), *(_signals(report, options, charts),)]
    if report.is_city:
        parts.append(_told(report, stream))
    else:
        parts.append(_communities(report, options, rows))
    return Section(title, 1, [*[p for p in parts if p is not None], *report.notes("online")])


def online_stream(report: Report, options: Mapping[str, Any]) -> Stream:
    """Everything that had come by the end of the period, in the order in which it was rated."""
    end = period_key(report.period.name)
    periods = [p for p in report.study.periods if period_key(p) <= end]
    rows = pd.concat([report.study.period(p).records for p in periods], ignore_index=True)
    rows = rows[rows["list"] == options["list"]].rename(columns={"on": "at"})
    came = rows["source"].str.extract(options["arrived"], expand=False)
    low, high = options["scale"]
    given = rows.assign(arrived=pd.to_datetime(came))[_SAID]
    return settle(given, low=low, high=high, grace=options["grace"])


def online_chart(report: Report, options: Mapping[str, Any], ratings: pd.DataFrame) -> pd.DataFrame:
    """The chart of some ratings; points of few ratings have no figures. Limits come from the baseline's points."""
    points = subgroups(ratings, every=options["every"], satisfied=options["satisfied"])
    last = period_key(options["baseline"])
    closes = points["at"].map(lambda d: (d.year, d.month) <= last[:2])
    base = closes if (closes & (points["n"] > 0)).any() else None
    chart = p_chart(points, width=options["width"], run=options["run"], baseline=base)
    cells = chart.assign(item="online", statistic="satisfied", estimate=chart["share"], yes=chart["x"])
    cells["point"] = cells["at"].dt.strftime("%Y-%m-%d")
    told, _ = protect(
        cells[["point", "item", "statistic", "estimate", "n", "yes"]],
        k=report.study.config.disclosure["internal"],
    )
    hidden = (told["rule"] != "") & ~(
        (chart["signal"] != "") & (chart["n"] >= report.study.config.disclosure["internal"])
    )
    return chart.assign(rule=told["rule"], bound=told["bound"], shown=told["estimate"], hidden=hidden)


def _now(report: Report, chart: pd.DataFrame) -> pd.DataFrame:
    """The points of this period."""
    year, month, length = period_key(report.period.name)
    last = chart["at"].map(lambda d: year * 12 + month - d.year * 12 - d.month)
    return chart[(last >= 0) & (last < length)]


def _by_district(report: Report, options: Mapping[str, Any], charts: Mapping[str, pd.DataFrame]) -> Finding:
    t = report.t
    rows = []
    for district, chart in charts.items():
        now = _now(report, chart)
        n = int(now["n"].sum())
        few = n < report.study.config.disclosure["internal"]
        rows.append(
            {
                "district": district,
                "n": n,
                "share": None if few or not n else now["x"].sum() / n,
                "middle": chart["middle"].iloc[0],
                "points": int((now["n"] > 0).sum()),
                "out": int((now["signal"] != "").sum()),
            }
        )
    table = pd.DataFrame(rows)
    text = t(
        "{n} ratings of {period} count; of {points} points of the chart {out} are out of control.",
        n=t.integer(table["n"].sum()), period=report.period_label, points=t.integer(table["points"].sum()), out=t.integer(table["out"].sum()),
    )  # fmt: skip
    columns = {
        "district": Col(t("District")), "n": Col(t("Ratings"), "integer"), "share": Col(t("Satisfied"), "percent"),
        "middle": Col(t("Middle line"), "percent"), "points": Col(t("Points charted"), "integer"), "out": Col(t("Out of control"), "integer"),
    }  # fmt: skip
    alarm = pd.concat(list(charts.values()))["false_alarm"].mean()
    return report.finding(
        table, text, title=t("Ratings online by district"), columns=columns,
        figure=_drawn(report, charts), figure_title=t("Control charts of the ratings"),
        notes=[
            t(
                "Limits: p ± {width} × √(p(1 − p)/n), p from {baseline}, n the ratings of the point (NIST/SEMATECH e-Handbook 6.3.3.2). Where nothing changes, {alarm} of the points lie outside all the same.",
                width=t.number(options["width"], 0), baseline=t.period(options["baseline"]), alarm=t.percent(alarm),
            ),
            t("Gaps in the charts are points of few ratings."),
            t("Those who rate are not a sample of the residents; the figures say how the ratings move, not what all think."),
        ],
    )  # fmt: skip


def _drawn(report: Report, charts: Mapping[str, pd.DataFrame]) -> Figure:
    """The charts of the districts; points that may not be shown, or only as a bound, are gaps without limits."""
    from commlab.figures import control_chart

    t = report.t
    rows = pd.concat([c.assign(panel=d) for d, c in charts.items()], ignore_index=True)
    open_ = ~rows["hidden"] & (rows["bound"] == "")
    points = rows.assign(
        label=rows["at"].dt.strftime("%Y-%m-%d"), value=rows["share"], out=rows["signal"] != ""
    )
    points[["value", "low", "high"]] = points[["value", "low", "high"]].where(open_)
    return control_chart(
        points, value_label=t("Satisfied"), middle_label=t("Middle line"), limit_label=t("Limits"),
        out_label=t("Out of control"), percent=True,
    )  # fmt: skip


def _signals(
    report: Report, options: Mapping[str, Any], charts: Mapping[str, pd.DataFrame]
) -> Finding | None:
    t = report.t
    words = {"above": t("above the limit"), "below": t("below the limit"),
             "run": t("{n} in a row on one side", n=t.integer(options["run"]))}  # fmt: skip
    rows = pd.concat([_now(report, c).assign(district=d) for d, c in charts.items()], ignore_index=True)
    rows = rows[(rows["signal"] != "") & ~rows["hidden"]]
    if rows.empty:
        return None
    first = rows.iloc[0]
    text = t(
        "The first begins on {day} in {district}: {share} satisfied, limits {limits}. Look for what happened then before anything is changed.",
        day=t.date(first["at"]), district=first["district"], share=t.percent(first["share"]), limits=t.interval(first["low"], first["high"], percent=True),
    )  # fmt: skip
    table = rows.assign(
        limits=[t.interval(a, b, percent=True) for a, b in zip(rows["low"], rows["high"], strict=True)],
        why=rows["signal"].map(words),
    )
    columns = {
        "district": Col(t("District")), "at": Col(t("Begins on"), "date"), "n": Col(t("Ratings"), "integer"),
        "share": Col(t("Satisfied"), "percent"), "limits": Col(t("Limits"), align="center"), "why": Col(t("Signal"), "label"),
    }  # fmt: skip
    return report.finding(table, text, title=t("Points out of control"), columns=columns)


def _told(report: Report, stream: Stream) -> Finding:
    t, counts = report.t, stream.counts
    words = {
        "incomplete": t("number, time or mark is missing"), "off_scale": t("mark outside the scale"), "ahead": t("later than its file: a wrong clock"),
        "repeated": t("sent again, counted once"), "replaced": t("changed later by the rater"),
        "contradictory": t("one number and time, two marks: none counts"), "late": t("came late, counted where it belongs"),
    }  # fmt: skip
    table = pd.DataFrame({"why": list(words), "n": [int(counts[w]) for w in words]})
    table = table[table["n"] > 0].assign(what=lambda f: f["why"].map(words))
    late = stream.told[stream.told["why"] == "late"]
    text = t(
        "{given} rows came up to the end of {period}, {kept} count.",
        given=t.integer(counts["given"]), period=report.period_label, kept=t.integer(counts["kept"]),
    )  # fmt: skip
    if len(late):
        text = report.join(
            text,
            t("{n} came late, the latest by {days} days; the order in which files come changes no figure.",
              n=t.integer(len(late)), days=t.integer(late["days"].max())),
        )  # fmt: skip
    return report.finding(
        table, text, title=t("What was set aside or came late"),
        columns={"what": Col(t("What"), "label", width=2.0), "n": Col(t("Rows"), "integer")},
    )  # fmt: skip


def _communities(report: Report, options: Mapping[str, Any], rows: pd.DataFrame) -> Finding:
    """Communities of the district in this period; small ones are withheld with what would tell them."""
    t = report.t
    names = report.study.register.units.set_index("unit")["name"]
    year, month, length = period_key(report.period.name)
    age = year * 12 + month - rows["at"].dt.year * 12 - rows["at"].dt.month
    rows = rows[(age >= 0) & (age < length)].assign(yes=lambda f: f["value"] >= options["satisfied"])
    found = rows.groupby("unit", as_index=False).agg(n=("yes", "size"), yes=("yes", "sum"))
    cells = found.assign(item="online", statistic="satisfied", estimate=found["yes"] / found["n"])
    told, _ = protect(
        cells[["unit", "item", "statistic", "estimate", "n", "yes"]],
        k=report.study.config.disclosure["internal"],
    )
    table = pd.DataFrame({"unit": told["unit"].map(names)})
    table["share"] = report.marked(told["estimate"], told["rule"], told["bound"])
    table["n"] = report.marked(told["n"], told["rule"], percent=False).map(
        lambda v: t.integer(v) if isinstance(v, float) else v
    )
    order = told["estimate"].sort_values(ascending=False, na_position="last").index
    known = told[told["rule"] == ""]
    text = t("{n} communities were rated.", n=t.integer(len(table)))
    if len(known):
        low = known.loc[known["estimate"].idxmin()]
        text = report.join(
            text,
            t(
                "The lowest share satisfied is {share} ({community}).",
                share=t.percent(low["estimate"]),
                community=names[low["unit"]],
            ),
        )
    return report.finding(
        table.loc[order], text, title=t("Ratings online by community"),
        columns={"unit": Col(t("Community")), "n": Col(t("Ratings"), align="right"), "share": Col(t("Satisfied"), "percent")},
        notes=report.signs(table["share"], table["n"]),
    )  # fmt: skip
