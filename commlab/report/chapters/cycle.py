"""The full cycle of governance: early warning, handling and follow-up, summing up.

What they read beside the clean tables stands under ``options: cycle:`` in study.yaml; a chapter without its key there says
nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from commlab.errors import StudyError
from commlab.processes import closing_times, early_warning, episodes, handled, kaplan_meier
from commlab.report.chapters.base import Report
from commlab.report.finding import Col, Section

if TYPE_CHECKING:
    from commlab.figures import Figure
    from commlab.study import Period

__all__ = ["asked", "handling", "options_of", "panel_so_far", "steps", "warning"]


def options_of(report: Report, key: str) -> Any:
    """What study.yaml has under ``options: cycle:`` for a chapter; None where nothing."""
    found = report.study.config.options.get("cycle", {})
    return found.get(key)


def asked(given: dict[str, Any], key: str, *names: str) -> list[Any]:
    """The values that a chapter cannot do without, in this order."""
    lacking = [n for n in names if n not in given]
    if lacking:
        raise StudyError(f"study.yaml, options: cycle: {key} lacks {', '.join(lacking)}")
    return [given[n] for n in names]


def panel_so_far(report: Report, metric: str) -> pd.DataFrame:
    """A metric of the districts, period by period up to the report's."""
    rows: dict[str, pd.Series] = {}
    period: Period | None = report.period
    while period is not None:
        own = period.measures
        own = own[own["metric"] == metric]
        rows[period.name] = own.groupby("unit")["value"].sum(min_count=1)
        period = period.previous
    return pd.DataFrame(rows).T.iloc[::-1].reindex(columns=list(report.study.register.districts))


def warning(report: Report) -> Section | None:
    """Where events rise above what is usual: a CUSUM of counts with a stated false-alarm rate."""
    t, given = report.t, options_of(report, "warning")
    if given is None:
        return None
    title = t("Early warning")
    metric, baseline, rise, rate = asked(given, "warning", "counts", "baseline", "rise", "false_alarm")
    counts = panel_so_far(report, metric)
    if len(counts) <= baseline:
        told = t("Changes are watched from the quarter after the first {n} on; so far there are {have}.",
                 n=t.integer(baseline), have=t.integer(len(counts)))  # fmt: skip
        return Section(title, 1, [told])
    chart = early_warning(
        counts,
        baseline=baseline,
        rise=rise,
        false_alarm=rate,
        exposure=panel_so_far(report, given["exposure"]) if "exposure" in given else None,
        draws=given.get("draws", report.study.config.choices.draws),
        seed=report.study.config.choices.seed,
    )
    watched = chart[chart["watched"]]
    notes = [
        t(
            "CUSUM of counts (Lucas 1985): S = max(0, S + count - reference), reference = expected x (rise - 1) / ln(rise), rise {rise}; expected from the first {n} quarters. While nothing changes anywhere, the probability of any alarm in this table is at most {rate} (limits by {draws} draws given the total of each place).",
            rise=t.number(rise, 2), n=t.integer(baseline), rate=t.percent(rate, 0),
            draws=t.integer(given.get("draws", report.study.config.choices.draws)),
        )
    ]  # fmt: skip
    if "exposure" in given:
        notes.append(t("The usual count goes with: {metric}.", metric=report.metric(given["exposure"])))
    first = watched[watched["alarm"]].drop_duplicates("unit")
    if report.is_city:
        blocks = _all_warned(report, chart, watched, first, notes)
    else:
        blocks = _one_warned(report, chart[chart["unit"] == report.unit], notes)
    return Section(title, 1, [*blocks, *report.notes("warning")])


_CHART = ("count", "expected", "cusum", "limit")


def _chart_columns(report: Report) -> dict[str, Col]:
    t = report.t
    return {
        "count": Col(t("Count"), "integer"),
        "expected": Col(t("Usual count"), "number"),
        "cusum": Col(t("CUSUM"), "number"),
        "limit": Col(t("Limit"), "number"),
        "verdict": Col(t("Finding"), "label", align="center"),
    }


def _all_warned(
    report: Report, chart: pd.DataFrame, watched: pd.DataFrame, first: pd.DataFrame, notes: list[str]
) -> list[Any]:
    from commlab.figures import control_chart

    t = report.t
    now = watched[watched["period"] == report.period.name].reset_index(drop=True)
    text = (
        t("Charts that have crossed their limit: {names}.", names=t.listing(first["unit"]))
        if len(first)
        else t("No chart has crossed its limit: no rise can be told from chance.")
    )
    since = first.set_index("unit")["period"].map(t.period)
    now = now.assign(
        verdict=now["alarm"].map({True: t("alarm"), False: t("none")}),
        since=now["unit"].map(since).fillna(""),
    )
    points = pd.DataFrame({
        "panel": watched["unit"], "at": watched["period"].map({p: i for i, p in enumerate(dict.fromkeys(chart["period"]))}), "label": watched["period"],
        "value": watched["cusum"] / watched["limit"], "high": 1.0, "out": watched["alarm"],
    })  # fmt: skip
    columns = {"unit": Col(t("District"))} | _chart_columns(report)
    columns |= {
        "since": Col(t("First alarm"), align="center"),
        "p_value": Col(t("p value"), "p_value"),
        "dispersion": Col(t("Dispersion"), "number", digits=2),
    }
    return [
        report.finding(
            now, text, title=t("Charts of {period}", period=report.period_label), columns=columns,
            figure=control_chart(points, value_label=t("CUSUM as a share of its limit"), limit_label=t("Limit"), out_label=t("alarm"), percent=True),
            figure_title=t("Control charts of the watched quarters"),
            notes=[*notes, t("Dispersion: variance over mean of the first quarters, about 1 where counts are Poisson; much larger values make false alarms more frequent.")],
        )
    ]  # fmt: skip


def _one_warned(report: Report, chart: pd.DataFrame, notes: list[str]) -> list[Any]:
    t, rows = report.t, chart[chart["watched"]]
    if rows.empty:
        return [t("Some quarter of {unit} has no count, so that no chart can be drawn.", unit=report.unit)]
    last = rows.iloc[-1]
    alarms = rows[rows["alarm"]]
    values = {"unit": report.unit, "count": t.integer(last["count"]), "expected": t.number(last["expected"])}
    text = (
        t("{unit} counted {count} events where {expected} are usual; its chart crossed the limit in {quarter}.", quarter=t.period(alarms["period"].iloc[0]), **values)
        if len(alarms)
        else t("{unit} counted {count} events where {expected} are usual; its chart has not crossed the limit.", **values)
    )  # fmt: skip
    table = rows.assign(
        quarter=rows["period"].map(t.period), verdict=rows["alarm"].map({True: t("alarm"), False: t("none")})
    )
    columns = {"quarter": Col(t("Quarter"))} | _chart_columns(report)
    figure, figure_title = _two_panels(report, chart), t("Control charts of counts and of their CUSUM")
    return [report.finding(table, text, title=t("Watched quarters"), columns=columns, figure=figure, figure_title=figure_title, notes=notes)]  # fmt: skip


def _two_panels(report: Report, chart: pd.DataFrame) -> Figure:
    """The counts of a district beside what is usual, and below them the CUSUM with its limit."""
    from commlab.figures import control_chart

    t = report.t
    at = chart.assign(at=range(len(chart)), label=chart["period"], out=chart["alarm"])
    counts = at.assign(panel=t("Count"), value=at["count"], middle=at["expected"], high=float("nan"))
    sums = at.assign(panel=t("CUSUM"), value=at["cusum"], high=at["limit"].where(at["watched"]))
    return control_chart(
        pd.concat([counts, sums], ignore_index=True), value_label=t("Value of the quarter"), middle_label=t("Usual count"),
        limit_label=t("Limit"), out_label=t("alarm"), same_scale=False,
    )  # fmt: skip


def handling(report: Report) -> Section | None:
    """In time or late, reopened, followed up; how long closing takes when what is still open counts too."""
    from commlab.figures import bars

    t = report.t
    if not report.has("problems"):
        return None
    title = t("Handling and follow-up")
    found = episodes(report.period.problems, on=report.period.end)
    found["district"] = found["unit"].map(report.study.register.district_of).fillna(found["unit"])
    if not report.is_city:
        found = found[found["district"] == report.unit]
    if found.empty:
        return Section(title, 1, [t("No problem was recorded up to the end of {period}.", period=report.period_label)])  # fmt: skip
    level = report.study.config.choices.confidence
    first = found[found["episode"] == 1]
    whole, all_ = kaplan_meier(first["days"], first["closed"], confidence=level), handled(found).iloc[0]
    text = report.join(
        _median(report, whole),
        t("Of {n} handlings with a due day, {rate} were closed in time; {overdue} are overdue.",
          n=t.integer(all_["in_time"] + all_["late"] + all_["overdue"]), rate=t.percent(all_["in_time_rate"]), overdue=t.integer(all_["overdue"])),
        t("Of the problems closed, {again} were reopened; {verified} of the closings were followed up.",
          again=t.percent(all_["reopened_rate"]), verified=t.percent(all_["verified_rate"])),
    )  # fmt: skip
    by = "district" if report.is_city else "responsible"
    if found[by].isna().all():
        return Section(title, 1, [text])
    table = handled(found, by=by).merge(
        closing_times(first, by=by, confidence=level).drop(columns="closed"), on=by, how="left"
    )
    if report.is_city:
        order = {d: i for i, d in enumerate(report.study.register.districts)}
        table = table.sort_values(by, key=lambda d: d.map(order), ignore_index=True)
    table["interval"] = [
        t.interval(a, b, 0) if pd.notna(a) and pd.notna(b) else t("from {days}", days=t.number(a, 0)) if pd.notna(a) else ""
        for a, b in zip(table["ci_low"], table["ci_high"], strict=True)
    ]  # fmt: skip
    columns = {
        by: Col(t("District") if report.is_city else t("Responsible")),
        "handlings": Col(t("Handlings"), "integer"),
        "in_time_rate": Col(t("In time"), "percent"),
        "overdue": Col(t("Overdue"), "integer"),
        "reopened_rate": Col(t("Reopened"), "percent"),
        "verified_rate": Col(t("Followed up"), "percent"),
        "median": Col(t("Median days"), "number", digits=0),
        "interval": Col(t("Interval"), align="center"),
        "of_closed": Col(t("Median of those closed"), "number", digits=0),
    }
    shown = table.rename(columns={by: "label", "median": "value", "ci_low": "low", "ci_high": "high"})
    shown = shown[shown["value"].notna()]
    ends = shown[["low", "high"]]
    shown[["low", "high"]] = ends.where(ends.notna().all(axis=1))
    more = {}
    if len(shown):
        more = {
            "figure": bars(shown[["label", "value", "low", "high"]], xlabel=t("Median days until closing")),
            "figure_title": t("Days until half is closed, with intervals"),
        }
    note = t("Median: Kaplan-Meier over first handlings, problems still open counted as open at the end of the period; intervals by Greenwood's variance on the log scale. The median of those closed alone is too short while many are open.")  # fmt: skip
    return Section(title, 1, [
        report.finding(table, text, title=t("Handling by {what}", what=columns[by].label), columns=columns, notes=[note], **more)
    ])  # fmt: skip


def _median(report: Report, found: Any) -> str:
    t = report.t
    values = {"n": t.integer(found.n), "open": t.integer(found.n - found.closed)}
    if pd.isna(found.median):
        return t("Of {n} problems {open} are still open; fewer than half would be closed, so that no median is known.", **values)  # fmt: skip
    if pd.isna(found.ci_low) or pd.isna(found.ci_high):
        return t("Half of {n} problems are closed after {days} days ({open} still open).", days=t.number(found.median, 0), **values)  # fmt: skip
    return t("Half of {n} problems are closed after {days} days (interval {interval}; {open} still open).",
             days=t.number(found.median, 0), interval=t.interval(found.ci_low, found.ci_high, 0), **values)  # fmt: skip


def steps(report: Report) -> Section | None:
    """The steps of the cycle side by side, with the quarter before."""
    t, codes = report.t, options_of(report, "steps")
    if codes is None:
        return None
    title = t("The cycle in sum")

    scores = report.period.scores("district")
    now = scores[scores["code"].isin(codes)].pivot(index="code", columns="unit", values="score")
    table = pd.DataFrame({"code": codes})
    table["label"] = [f"{c} {report.label(c)}" for c in codes]
    table["mean"] = table["code"].map(now.mean(axis=1))
    columns = {"label": Col(t("Step of the cycle"), width=1.4)}
    own = "mean"
    if not report.is_city:
        own = "score"
        table["score"] = table["code"].map(now[report.unit]) if report.unit in now else float("nan")
        columns["score"] = Col(t("Score"), "number")
    columns["mean"] = Col(t("Mean of the districts"), "number")
    moved = report.period.result("explained")
    moved = moved[(moved["effect"] == "values") & (report.is_city | (moved["unit"] == report.unit))]
    if len(moved):
        steps_of = moved["code"].map(_ancestors(report, codes))
        effect = moved.groupby(steps_of)["change"].sum() / moved["unit"].nunique()
        table["change"] = table["code"].map(effect)
        columns["change"] = Col(t("Part in the change of the total"), "signed", digits=2)
    known = table.dropna(subset=[own])
    if known.empty:
        return Section(title, 1, [t("No step of the cycle was measured.")])
    low, high = known.loc[known[own].idxmin()], known.loc[known[own].idxmax()]
    text = t("Of the steps, {high} stands highest ({a}) and {low} lowest ({b}).",
             high=report.label(high["code"]), a=t.number(high[own]), low=report.label(low["code"]), b=t.number(low[own]))  # fmt: skip
    return Section(title, 1, [
        report.finding(table, text, title=t("Steps of the cycle"), columns=columns, notes=[t("Scores of 0 to 100; complete counts, compared exactly.")])
    ])  # fmt: skip


def _ancestors(report: Report, codes: list[str]) -> dict[str, str]:
    """Code of every node below one of ``codes`` -> that one."""
    parent = report.study.framework.table.set_index("code")["parent"].to_dict()
    out = {}
    for code in parent:
        at: Any = code
        while isinstance(at, str) and at not in codes:
            at = parent.get(at)
        if isinstance(at, str):
            out[code] = at
    return out
