"""What the answers say beyond figures per item: where a district stands, where to act, its communities."""

from __future__ import annotations

import pandas as pd

from commlab.report.chapters.base import Report
from commlab.report.finding import Col

__all__ = ["against_city", "communities", "index_columns", "intervals", "level", "priorities"]

NAMED = 3
"""Items or groups that a sentence names."""


def index_columns(report: Report) -> dict[str, Col]:
    t = report.t
    return {
        "mean": Col(t("Index"), "number"),
        "mean_versus": Col(t("Index of the others"), "number"),
        "estimate": Col(t("Difference"), "signed"),
        "interval": Col(t("Interval"), align="center"),
        "p_holm": Col(t("p (Holm)"), "p_value"),
    }


def intervals(report: Report, rows: pd.DataFrame) -> list[str]:
    return [report.t.interval(a, b) for a, b in zip(rows["ci_low"], rows["ci_high"], strict=True)]


def level(report: Report) -> float:
    return 1 - report.study.config.choices.confidence


def against_city(report: Report) -> list:
    """The overall index of a district, or of all, against the rest of the city; Holm over the districts."""
    t, item = report.t, report.overall_item
    rows = report.period.result("comparisons")
    rows = rows[rows["variable"] == "district"]
    if rows.empty or item is None:
        return []
    limit = level(report)
    if not report.is_city:
        mine = rows[rows["group"] == report.unit]
        if mine.empty or pd.isna(mine["p_holm"].iloc[0]):
            return []
        r = mine.iloc[0]
        words = {True: t("higher"), False: t("lower")}
        values = {
            "item": report.item(item),
            "unit": report.unit,
            "points": t.number(abs(r["estimate"])),
            "word": words[bool(r["estimate"] > 0)],
            "interval": t.interval(r["ci_low"], r["ci_high"]),
            "p": t.p_value(r["p_holm"]),
        }
        told = (
            'The index of "{item}" in {unit} is {points} points {word} than in the rest of the city (interval of the difference {interval}, p value {p} after Holm\'s adjustment over the districts).'
            if r["p_holm"] < limit
            else 'The index of "{item}" in {unit} cannot be told apart from that of the rest of the city (interval of the difference {interval}, p value {p} after Holm\'s adjustment over the districts).'
        )
        return [t(told, **values)]
    rows = rows.assign(interval=intervals(report, rows)).sort_values("estimate", ascending=False)
    high = rows[(rows["p_holm"] < limit) & (rows["estimate"] > 0)]
    low = rows[(rows["p_holm"] < limit) & (rows["estimate"] < 0)]
    text = t(
        'The index of "{item}" is higher than in the rest of the city in {high} of {n} districts and lower in {low}; the others cannot be told apart.',
        item=report.item(item),
        n=t.integer(len(rows)),
        high=t.integer(len(high)),
        low=t.integer(len(low)),
    )
    return [
        report.finding(
            rows,
            text,
            title=t("Districts against the rest of the city"),
            columns={"group": Col(t("District"))} | index_columns(report),
            notes=[
                t(
                    "Index 0 to 100; t tests of the two-stage design, p values adjusted over the districts (Holm)."
                )
            ],
        )
    ]


def priorities(report: Report) -> list:
    """Importance and performance of the items, with intervals; a point whose interval crosses a border is undecided."""
    from commlab.figures.planes import importance_performance

    t, rows = report.t, report.of_unit("drivers")
    if rows.empty or report.overall_item is None:
        return []
    words = {
        "improve": t("improve first"),
        "keep": t("keep up"),
        "maintain": t("less important, good"),
        "watch": t("less important, poor"),
        "undecided": t("undecided"),
    }
    rows = rows.assign(
        label=[report.item(i) for i in rows["item"]],
        verdict=rows["quadrant"].map(words),
        importance_interval=[
            t.interval(a, b, percent=True)
            for a, b in zip(rows["importance_low"], rows["importance_high"], strict=True)
        ],
        priority_interval=[
            t.interval(100 * a, 100 * b)
            for a, b in zip(rows["priority_low"], rows["priority_high"], strict=True)
        ],
        priority=100 * rows["priority"],
    )
    sure = rows[rows["quadrant"] == "improve"]
    n = t.integer(rows["n"].iloc[0])
    text = (
        t(
            '"{item}" depends most on what is poor in: {names} ({n} complete answers).',
            item=report.item(report.overall_item),
            names=t.listing(sure["label"].head(NAMED)),
            n=n,
        )
        if len(sure)
        else t(
            "No item is surely both important and poor: {undecided} of {all} are undecided, because their interval crosses a border ({n} complete answers).",
            undecided=t.integer((rows["quadrant"] == "undecided").sum()),
            all=t.integer(len(rows)),
            n=n,
        )
    )
    figure = importance_performance(
        rows.assign(
            label=[report.starting(x) for x in rows["label"]], low=rows["ci_low"], high=rows["ci_high"]
        ),
        xlabel=t("Index (0-100)"),
        ylabel=t("Importance (share of explained variance)"),
        quadrants={k: report.starting(v) for k, v in words.items() if k != "undecided"},
        undecided_label=report.starting(words["undecided"]),
    )
    columns = {
        "label": Col(t("Item"), "label", width=1.5),
        "importance": Col(t("Importance"), "percent"),
        "importance_interval": Col(t("Interval of importance"), align="center"),
        "performance": Col(t("Index"), "number"),
        "priority": Col(t("Priority"), "number", digits=2),
        "priority_interval": Col(t("Interval of priority"), align="center"),
        "odds_ratio": Col(t("Odds ratio"), "number", digits=2),
        "verdict": Col(t("Finding"), "label"),
    }
    if rows["odds_ratio"].isna().all():
        columns.pop("odds_ratio")
    return [
        report.finding(
            rows,
            text,
            title=t("Importance and performance"),
            columns=columns,
            figure=figure,
            figure_title=t("Importance and performance of the items"),
            notes=[
                t(
                    "Importance: share of the explained variance of the overall judgement (Johnson's relative weights under survey weights, {share} explained; intervals by bootstrap over communities). Priority: importance x (1 - satisfied) x 100. Associations, not causes.",
                    share=t.percent(rows["r2"].iloc[0], 0),
                ),
                *(
                    [
                        t(
                            "Odds ratio: how much the odds of a better overall judgement grow with one point of the item, the others held (ordered logit)."
                        )
                    ]
                    if "odds_ratio" in columns
                    else []
                ),
            ],
        )
    ]


def communities(report: Report) -> list:
    """The overall index of the surveyed communities of a district: which are their own, which lean on a model."""
    t, item = report.t, report.overall_item
    rows = report.period.result("small_areas")
    rows = rows[rows["district"] == report.unit] if not report.is_city else rows.iloc[:0]
    if rows.empty or item is None:
        return []
    names = report.study.register.units.set_index("unit")["name"]
    words = {
        "direct": t("direct"),
        "direct and model": t("direct and model"),
        "model": t("model only"),
    }
    rows = rows.assign(
        name=rows["unit"].map(names),
        own=report.marked(rows["direct"], rows["rule"], percent=False),
        answers=report.marked(rows["n"], rows["rule"].mask(rows["n"].notna(), "")),
        interval=[t.interval(a, b) for a, b in zip(rows["low"], rows["high"], strict=True)],
        told=rows["source"].map(words),
    ).sort_values("name", kind="stable")
    known = rows["modelled"].dropna()
    if known.empty:
        return []
    counts = rows["source"].value_counts()
    text = t(
        'Of {n} surveyed communities the index of "{item}" is estimated directly in {a}, with the help of a model in {b}, by the model alone in {c}; modelled it lies between {low} and {high}.',
        n=t.integer(len(rows)),
        item=report.item(item),
        a=t.integer(counts.get("direct", 0)),
        b=t.integer(counts.get("direct and model", 0)),
        c=t.integer(counts.get("model", 0)),
        low=t.number(known.min()),
        high=t.number(known.max()),
    )
    return [
        report.finding(
            rows,
            text,
            title=t("Communities: own and modelled estimates"),
            columns={
                "name": Col(t("Community"), width=1.6),
                "answers": Col(t("Answers"), "integer"),
                "own": Col(t("Own index"), "number"),
                "modelled": Col(t("Modelled index"), "number"),
                "interval": Col(t("Interval"), align="center"),
                "told": Col(t("Kind of estimate"), "label"),
            },
            notes=[
                t(
                    "Model: Fay-Herriot by restricted likelihood over the communities of the city and their type, fitted to the district's direct estimate; intervals from its mean squared error. Communities are not ranked by it."
                ),
                *report.signs(rows["own"], rows["answers"]),
            ],
        )
    ]
