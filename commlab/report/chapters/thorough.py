"""What the satisfaction notebook shows beside the city's chapters: groups, the scale, every district, raking."""

from __future__ import annotations

import re

import pandas as pd

from commlab.report.chapters.base import Report
from commlab.report.chapters.insights import NAMED, index_columns, intervals, level
from commlab.report.finding import Col, Section

__all__ = ["districts_by_item", "groups", "raking", "scale"]

_CELLS = re.compile(r"\+(?=\w)")
"""Between joined groups; the plus of ``65+`` ends one."""


def groups(report: Report) -> Section:
    """Groups of people compared on the overall index, over the city."""
    t, item = report.t, report.overall_item
    rows = report.period.result("comparisons")
    rows = rows[rows["variable"] != "district"]
    title = t("Groups of people")
    if rows.empty or item is None:
        return Section(title, 1, [t("Too few answered to compare groups.")])
    rows = rows.assign(
        variable_label=[report.demographic(v) for v in rows["variable"]],
        pair=[
            t("{a} – {b}", a=report.option(v, a), b=report.option(v, b))
            for v, a, b in zip(rows["variable"], rows["group"], rows["versus"], strict=True)
        ],
        interval=intervals(report, rows),
    )
    sure = rows[rows["p_holm"] < level(report)]
    strongest = sure.reindex(sure["estimate"].abs().sort_values(ascending=False).index).head(NAMED)
    text = (
        t(
            'The index of "{item}" differs significantly in {k} of {n} pairs of groups, most of all: {names}.',
            item=report.item(item),
            k=t.integer(len(sure)),
            n=t.integer(len(rows)),
            names=t.listing(f"{r.pair} ({t.signed(r.estimate)})" for r in strongest.itertuples()),
        )
        if len(sure)
        else t(
            'The index of "{item}" differs significantly in none of {n} pairs of groups.',
            item=report.item(item),
            n=t.integer(len(rows)),
        )
    )
    table = report.finding(
        rows,
        text,
        title=t("Groups of people compared"),
        columns={"variable_label": Col(t("Characteristic"), "label"), "pair": Col(t("Groups"))}
        | {k: v for k, v in index_columns(report).items() if k not in ("mean", "mean_versus")},
        notes=[t("First group less second; p values adjusted over the pairs of one characteristic (Holm).")],
    )
    return Section(title, 1, [table])


def scale(report: Report) -> Section:
    """Whether the items measure one thing."""
    t = report.t
    rows, items = report.period.result("scale"), report.period.result("scale_items")
    title = t("The items as a scale")
    if rows.empty:
        return Section(title, 1, [t("Too few complete answers to judge the scale.")])
    words = {
        "alpha": t("Cronbach's alpha"),
        "omega": t("McDonald's omega"),
        "split_half": t("split-half (Spearman-Brown)"),
        "kmo": t("KMO (sampling adequacy)"),
        "bartlett": t("Bartlett's chi-squared"),
        "factors": t("factors above chance (parallel analysis)"),
    }
    value = rows.set_index("measure")["value"]
    rows = rows.assign(
        label=rows["measure"].map(words),
        shown=[
            t.number(v, 0 if m == "factors" else 3)
            for m, v in zip(rows["measure"], rows["value"], strict=True)
        ],
        interval=[t.interval(a, b, 3) for a, b in zip(rows["low"], rows["high"], strict=True)],
    )
    text = t(
        "Over {n} complete answers alpha is {alpha} (interval {interval}); {factors} factors rise above chance.",
        n=t.integer(rows["n"].iloc[0]),
        alpha=t.number(value["alpha"], 3),
        interval=rows["interval"].iloc[0],
        factors=t.integer(value["factors"]),
    )
    items = items.assign(label=[report.item(i) for i in items["item"]])
    return Section(
        title,
        1,
        [
            report.finding(
                rows,
                text,
                title=t("Reliability and adequacy"),
                columns={
                    "label": Col(t("Measure"), "label"),
                    "shown": Col(t("Value"), align="right"),
                    "interval": Col(t("Interval"), align="center"),
                    "p_value": Col("p", "p_value"),
                },
            ),
            report.finding(
                items,
                t(
                    "The item that hangs together least with the others is {item} (item-rest correlation {r}).",
                    item=items.loc[items["item_rest"].idxmin(), "label"],
                    r=t.number(items["item_rest"].min(), 2),
                ),
                title=t("Items of the scale"),
                columns={
                    "label": Col(t("Item"), "label", width=1.5),
                    "item_rest": Col(t("Item-rest correlation"), "number", digits=3),
                    "alpha_if_deleted": Col(t("Alpha without it"), "number", digits=3),
                    "msa": Col(t("Adequacy"), "number", digits=3),
                    "factor": Col(t("Factor")),
                    "loading": Col(t("Loading (oblimin)"), "number", digits=3),
                },
            ),
        ],
    )


def districts_by_item(report: Report) -> Section:
    """The index of every item in every district, as far as it may be shown."""
    t = report.t
    rows = report.period.satisfaction(by="district")
    rows = rows[rows["statistic"] == "index"]
    if rows.empty:
        return Section(t("Every district, every item"), 1, [t("Nobody was asked.")])
    items = [i for i in report.period.items if i in set(rows["item"])]
    wide = rows.pivot(index="item", columns="district").reindex(items)
    table = pd.DataFrame({"label": [report.item(i) for i in items]}, index=wide.index)
    names = [d for d in report.period.districts if d in wide["estimate"]]
    for d in names:
        table[d] = report.marked(wide["estimate"][d], wide["rule"][d], percent=False)
    spread = wide["estimate"].max(axis=1) - wide["estimate"].min(axis=1)
    if spread.isna().all():
        return Section(t("Every district, every item"), 1, [t("Too few answered to show districts.")])
    found = report.finding(
        table,
        t(
            "Districts differ most on {item}: {points} points between the highest and the lowest index.",
            item=report.item(spread.idxmax()),
            points=t.number(spread.max()),
        ),
        title=t("Index of every item by district"),
        columns={"label": Col(t("Item"), "label", width=1.5)} | {d: Col(d, "number") for d in names},
        notes=report.signs(*(table[d] for d in names)),
    )
    return Section(t("Every district, every item"), 1, [found])


def raking(report: Report) -> Section:
    """Cells that were joined before raking, district by district."""
    t, rows = report.t, report.period.result("rake_cells")
    title = t("Cells that were joined before raking")
    if rows.empty:
        return Section(title, 1, [t("Nothing was raked: the study names no margins, or too few answered.")])
    rows = rows.assign(
        variable_label=[report.demographic(v) for v in rows["variable"]],
        cell_label=[
            t.listing(report.option(v, x) for x in _CELLS.split(cell))
            for v, cell in zip(rows["variable"], rows["cell"], strict=True)
        ],
        answers=report.marked(rows["answers"], rows["answers"].isna().map({True: "R1", False: ""})),
    )
    done = rows[rows["raked"]]
    found = report.finding(
        rows,
        t(
            "{n} cells in {districts} districts were raked to the census.",
            n=t.integer(len(done)),
            districts=t.integer(done["district"].nunique()),
        ),
        title=title,
        columns={
            "district": Col(t("District")),
            "variable_label": Col(t("Characteristic"), "label"),
            "cell_label": Col(t("Group"), "label"),
            "answers": Col(t("Answers"), "integer"),
            "population_share": Col(t("Population"), "percent"),
            "raked": Col(t("Raked")),
        },
        notes=report.signs(rows["answers"]),
    )
    return Section(title, 1, [found])
