"""Problems and their state."""

from __future__ import annotations

from commlab.report.chapters.base import Report
from commlab.report.finding import Col, Section

__all__ = ["problems"]


def problems(report: Report) -> Section | None:
    """What was found, what is closed, what is overdue."""
    t = report.t
    if not report.has("problems"):
        return None
    title = t("Problems and their state")
    rows = report.period.result("problem_states")
    if not report.is_city:
        rows = rows[rows["district"] == report.unit]
    if rows.empty:
        return Section(
            title, 1, [t("No problem was recorded up to the end of {period}.", period=report.period_label)]
        )
    states = {"closed": t("closed"), "open": t("open"), "overdue": t("overdue")}
    closed = rows[rows["state"] == "closed"]
    text = t(
        "Of {n} problems {closed} are closed and {overdue} are overdue on {day}.",
        n=t.integer(len(rows)),
        closed=t.integer(len(closed)),
        overdue=t.integer((rows["state"] == "overdue").sum()),
        day=t.date(report.period.end),
    )
    if len(closed):
        text = report.join(
            text, t("Closing took {days} days in the median.", days=t.number(closed["days_open"].median(), 0))
        )
    again = rows[rows["reopened"] > 0]
    if len(again):
        text = report.join(text, t("Reopened after closing: {n}.", n=t.integer(len(again))))
    if report.is_city:
        table = (
            rows.groupby("district", sort=False)["state"]
            .value_counts()
            .unstack(fill_value=0)
            .reindex(columns=list(states), fill_value=0)
            .reindex([d for d in report.period.districts if d in set(rows["district"])])
            .reset_index()
        )
        table["n"] = table[list(states)].sum(axis=1)
        table["rate"] = table["closed"] / table["n"]
        columns = {
            "district": Col(t("District")),
            "n": Col(t("Found"), "integer"),
            "closed": Col(t("Closed"), "integer"),
            "open": Col(t("Open"), "integer"),
            "overdue": Col(t("Overdue"), "integer"),
            "rate": Col(t("Closed (share)"), "percent"),
        }
        return Section(
            title, 1, [report.finding(table, text, title=t("Problems by district"), columns=columns)]
        )
    names = report.study.register.units.set_index("unit")["name"]
    known = set(report.study.framework.table["code"])
    table = rows.assign(
        place=rows["unit"].map(names).fillna(rows["unit"]),
        standard=[f"{c} {report.label(c)}" if c in known else "" for c in rows["code"].fillna("")],
        verdict=rows["state"].map(states),
        late=rows["state"] == "overdue",
    ).sort_values(["state", "found"], ascending=[False, True])
    columns = {
        "problem": Col(t("No.")),
        "place": Col(t("Place")),
        "standard": Col(t("Standard")),
        "found": Col(t("Found"), lambda d: "—" if d != d else f"{d:%Y-%m-%d}", align="center"),
        "due": Col(t("Due"), lambda d: "—" if d != d else f"{d:%Y-%m-%d}", align="center"),
        "closed": Col(t("Closed"), lambda d: "—" if d != d else f"{d:%Y-%m-%d}", align="center"),
        "verdict": Col(t("State"), "label", align="center"),
    }
    return Section(
        title, 1, [report.finding(table, text, title=t("Problems found"), columns=columns, strong="late")]
    )
