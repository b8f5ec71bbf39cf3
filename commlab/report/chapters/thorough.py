"""What the satisfaction notebook shows beside the city's chapters: groups, the scale, every district, small areas, raking, and how
many answers the next quarter needs.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from commlab.report.chapters.base import Report
from commlab.report.chapters.insights import NAMED, index_columns, intervals, level
from commlab.report.finding import Col, Finding, Section
from commlab.survey.planning import sample_size

__all__ = ["districts_by_item", "groups", "next_sample", "raking", "scale", "small_areas"]

MARGIN = 0.05
"""Half the width of an interval of a share that the next quarter's sample aims at in every district."""
FEWEST = 5
"""Communities that a funnel is drawn for."""

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
        "overall_index": t("index of all items by their importance (0-100)"),
    }
    value = rows.set_index("measure")["value"]
    rows = rows.assign(
        label=rows["measure"].map(words),
        shown=[
            t.number(v, {"factors": 0, "overall_index": 1}.get(m, 3))
            for m, v in zip(rows["measure"], rows["value"], strict=True)
        ],
        interval=[
            t.interval(a, b, 1 if m == "overall_index" else 3)
            for m, a, b in zip(rows["measure"], rows["low"], rows["high"], strict=True)
        ],
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


def small_areas(report: Report) -> Section | None:
    """How many communities' estimates are their own and how many lean on the model, district by district."""
    t, item = report.t, report.overall_item
    if not report.has("responses"):
        return None
    title, rows = t("Communities: own and modelled estimates"), report.period.result("small_areas")
    if rows["modelled"].isna().all() or item is None:
        return Section(title, 1, [t("Too few communities have answers for a model.")])
    of = rows.groupby("district", sort=False)
    table = of["source"].value_counts().unstack(fill_value=0)
    table = table.reindex(columns=["direct", "direct and model", "model"], fill_value=0).astype(int)
    narrow = (rows["high"] - rows["low"]) / 2
    table = table.assign(
        communities=of.size(),
        low=of["modelled"].min(),
        high=of["modelled"].max(),
        half=narrow.groupby(rows["district"]).mean(),
    )
    table = table.reindex([d for d in report.period.districts if d in table.index]).reset_index()
    counts = rows["source"].value_counts()
    found = report.finding(
        table,
        t(
            'Of {n} surveyed communities the index of "{item}" is estimated directly in {a}, with the help of a model in {b}, by the model alone in {c}; modelled it lies between {low} and {high}.',
            n=t.integer(len(rows)),
            item=report.item(item),
            a=t.integer(counts.get("direct", 0)),
            b=t.integer(counts.get("direct and model", 0)),
            c=t.integer(counts.get("model", 0)),
            low=t.number(rows["modelled"].min()),
            high=t.number(rows["modelled"].max()),
        ),
        title=title,
        columns={
            "district": Col(t("District")),
            "communities": Col(t("Communities"), "integer"),
            "direct": Col(t("direct"), "integer"),
            "direct and model": Col(t("direct and model"), "integer"),
            "model": Col(t("model only"), "integer"),
            "low": Col(t("Lowest"), "number"),
            "high": Col(t("Highest"), "number"),
            "half": Col(t("Mean half-width of intervals"), "number"),
        },
    )
    return Section(title, 1, [found, *_beyond_chance(report, rows)])


def _beyond_chance(report: Report, rows: pd.DataFrame) -> list[Finding]:
    """Communities' own indices against their number of answers: few answers swing widely by chance alone."""
    from commlab.figures.planes import OUTER, funnel

    t = report.t
    own = rows.dropna(subset=["direct", "se", "n"])
    own = own[(own["se"] > 0) & (own["n"] > 0)]
    if len(own) < FEWEST:
        return []
    centre = float(np.average(own["direct"], weights=own["n"]))
    spread = float(np.sqrt((own["n"] * own["se"] ** 2).median()))
    gaps = (own["direct"] - centre) * np.sqrt(own["n"]) / spread
    text = t(
        "Around the mean of {centre}, chance alone would leave about {expected} of {n} communities outside the limits of 99.8 %; {above} lie above them and {below} below.",
        centre=t.number(centre),
        expected=t.number(0.002 * len(own)),
        n=t.integer(len(own)),
        above=t.integer((gaps > OUTER).sum()),
        below=t.integer((gaps < -OUTER).sum()),
    )
    figure = funnel(
        own.assign(label=own["unit"].map(report.study.register.units.set_index("unit")["name"])).rename(
            columns={"direct": "value"}
        )[["label", "n", "value"]],
        xlabel=t("Answers"),
        ylabel=t("Own index"),
        centre=centre,
        spread=spread,
        inside_label=t("within the limits"),
        outside_label=t("outside the limits of 99.8 %"),
    )
    return [
        report.finding(
            own,
            text,
            show_table=False,
            figure=figure,
            figure_title=t("Communities' own index against their number of answers"),
        )
    ]


def next_sample(report: Report) -> Section | None:
    """Answers and questionnaires that every district needs next time for intervals of a given width."""
    t, item = report.t, report.overall_item
    if not report.has("responses"):
        return None
    title = t("Sample of the next quarter")
    rows = report.period.satisfaction(by="district")
    rows = rows[(rows["item"] == item) & (rows["statistic"] == "satisfied")].set_index("district")
    rates = report.period.result("response_rates").set_index("unit").reindex(rows.index)
    known = (rows["rule"] == "") & (rows["bound"] == "") & (rates["rule"] == "") & (rows["n_effective"] > 0)
    rows, rates = rows[known & (rates["issued"] > 0)], rates[known & (rates["issued"] > 0)]
    if rows.empty:
        return Section(title, 1, [t("Too few answered to plan from.")])
    confidence = report.study.config.choices.confidence
    deff, valid = rows["n"] / rows["n_effective"], np.minimum(rows["n"] / rates["issued"], 1.0)
    needs = pd.concat(
        [
            sample_size(MARGIN, deff=max(d, 1.0), response_rate=v, confidence=confidence)
            for d, v in zip(deff, valid, strict=True)
        ]
    ).set_axis(rows.index, axis=0)
    table = rows.assign(
        half=(rows["ci_high"] - rows["ci_low"]) / 2, deff=deff, valid=valid, needed=needs["answers"], issue=needs["issued"],
    ).reset_index()  # fmt: skip
    found = report.finding(
        table,
        t(
            "For intervals of ±{points} points in every district {answers} answers are needed, and {issued} questionnaires to get them; {k} of {n} districts have fewer answers now.",
            points=t.number(MARGIN * 100, 0),
            answers=t.integer(table["needed"].sum()),
            issued=t.integer(table["issue"].sum()),
            k=t.integer((table["needed"] > table["n"]).sum()),
            n=t.integer(len(table)),
        ),
        title=title,
        columns={
            "district": Col(t("District")),
            "n": Col(t("Answers"), "integer"),
            "half": Col(t("Margin of error"), "percent"),
            "deff": Col(t("Design effect"), "number", digits=2),
            "valid": Col(t("Valid rate"), "percent"),
            "needed": Col(t("Answers needed"), "integer"),
            "issue": Col(t("To issue"), "integer"),
        },
        notes=[
            t(
                'From the answers to "{item}": this quarter\'s design effect (at least 1) and answers per questionnaire issued, a share of one half (the safe side), many degrees of freedom.',
                item=report.item(item),
            )
        ],
    )
    return Section(title, 1, [found])


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
