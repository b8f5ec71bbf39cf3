"""Sample against population, satisfaction per item, change since the last quarter."""

from __future__ import annotations

import pandas as pd

from commlab.report.chapters.base import MERGED, WITHHELD, Report
from commlab.report.chapters.insights import against_city, communities, priorities
from commlab.report.chapters.moved import answers_redrawn
from commlab.report.finding import Col, Paragraph, Section
from commlab.survey.satisfaction import STATISTICS
from commlab.tables import DONT_KNOW

__all__ = ["change", "sample", "satisfaction"]

NAMED = 4
"""Items that the sentence about change names."""


def sample(report: Report) -> Section | None:
    """Who answered, beside who lives there."""
    if not report.has("responses"):
        return None
    t, rows = report.t, report.of_unit("demographics")
    rates = report.of_unit("response_rates")
    if rows.empty or rates.empty or rates["valid"].iloc[0] == 0:
        return Section(
            t("Sample and population"), 1, [t("No valid questionnaire came from {unit}.", unit=report.unit)]
        )
    rows = rows.assign(
        variable_label=[report.demographic(v) for v in rows["variable"]],
        level_label=[report.option(v, x) for v, x in zip(rows["variable"], rows["level"], strict=True)],
        difference=rows["weighted"] - rows["population"],
    )
    known = rows.dropna(subset=["population", "weighted"])
    worst = known.loc[known["difference"].abs().idxmax()] if len(known) else None
    communities = t.integer(rates["communities"].iloc[0])
    text = (
        t(
            "Few answers came from {communities} communities; their number is withheld.",
            communities=communities,
        )
        if rates["rule"].iloc[0]
        else t(
            "{n} valid answers came from {communities} communities.",
            n=t.integer(rates["valid"].iloc[0]),
            communities=communities,
        )
    )
    if worst is not None:
        text = report.join(
            text,
            t(
                "The weighted sample differs most from the census in {variable}: {level} is {sample} of the sample and {population} of adults.",
                variable=report.demographic(worst["variable"]),
                level=worst["level_label"],
                sample=t.percent(worst["weighted"]),
                population=t.percent(worst["population"]),
            ),
        )
    for column in ("n", "weighted", "difference"):
        hidden = rows["rule"].where(rows["rule"] != "", rows["bound"])
        if column == "difference":
            hidden = hidden.mask(rows["population"].isna(), "")
        rows[column] = report.marked(rows[column], hidden)
    rows["sample"] = report.marked(rows["sample"], rows["rule"], rows["bound"])
    columns = {
        "variable_label": Col(t("Characteristic"), "label"),
        "level_label": Col(t("Group"), "label"),
        "n": Col(t("Answers"), "integer"),
        "sample": Col(t("Sample"), "percent"),
        "weighted": Col(t("Weighted"), "percent"),
        "population": Col(t("Population"), "percent"),
        "difference": Col(t("Difference (points)"), "points"),
    }
    notes = (
        [t("— : the population's table has no such breakdown.")] if rows["population"].isna().any() else []
    )
    if rows["population"].isna().all():
        notes = []
        columns = {k: v for k, v in columns.items() if k not in ("population", "difference")}
    table = report.finding(
        rows,
        text,
        title=t("Sample structure and population"),
        columns=columns,
        notes=[*report.notes("sample"), *notes, *report.signs(rows["n"], rows["sample"], rows["weighted"])],
    )
    return Section(t("Sample and population"), 1, [table])


def _item_table(report: Report) -> pd.DataFrame:
    """A row an item: the six statistics as numbers, and ``shown_`` columns as they are printed."""
    t, rows = report.t, report.satisfaction
    rows = rows[rows["weighting"] == "design"]
    items = [i for i in report.period.items if i in set(rows["item"])]
    wide = rows.pivot(index="item", columns="statistic").reindex(items)
    table = pd.DataFrame({"label": [report.item(i) for i in items]}, index=wide.index)
    for name in STATISTICS:
        value, rule, bound = (wide[c][name] for c in ("estimate", "rule", "bound"))
        table[name] = value.mask(bound != "")
        table[f"shown_{name}"] = report.marked(value, rule, bound)
        if name in ("index", "satisfied"):
            low, high = wide["ci_low"][name], wide["ci_high"][name]
            told = [t.interval(x, y, percent=name == "satisfied") for x, y in zip(low, high, strict=True)]
            table[f"{name}_interval"] = pd.Series(told, index=wide.index).mask(rule != "", WITHHELD)
    table["n"] = report.marked(wide["n"]["index"], wide["rule"]["index"])
    return table.reset_index()


def satisfaction(report: Report) -> Section | None:
    """Every item: shares, mean, index, interval, distribution; "don't know" apart."""
    if not report.has("responses"):
        return None
    t, title = report.t, report.t("Satisfaction")
    table = _item_table(report) if len(report.satisfaction) else pd.DataFrame({"index": []})
    known = table.dropna(subset=["index"])
    if known.empty:
        return Section(
            title, 1, [t("Too few answers came from {unit} to show satisfaction.", unit=report.unit)]
        )
    best, worst = known.loc[known["index"].idxmax()], known.loc[known["index"].idxmin()]
    text = t(
        "Of {n} items the index is highest for {best} ({high}) and lowest for {worst} ({low}).",
        n=t.integer(len(known)),
        best=best["label"],
        high=t.number(best["index"]),
        worst=worst["label"],
        low=t.number(worst["index"]),
    )
    shares = report.finding(
        table,
        text,
        title=t("Satisfaction per item"),
        columns={
            "label": Col(t("Item"), "label"),
            "n": Col(t("Answers"), "integer"),
            "shown_satisfied": Col(t("Satisfied"), "percent"),
            "satisfied_interval": Col(t("Interval"), align="center"),
            "shown_dissatisfied": Col(t("Dissatisfied"), "percent"),
            "shown_net": Col(t("Net (points)"), "points"),
            "shown_mean": Col(t("Mean"), "number", digits=2),
            "shown_index": Col(t("Index"), "number"),
            "index_interval": Col(t("Interval of index"), align="center"),
            "shown_dont_know": Col(t("Don't know"), "percent"),
        },
        notes=[
            t(
                'Satisfied: the two upper answers of each scale. Index: 0 to 100. "Don\'t know" is a share of all who were asked and is in no other column.'
            ),
            t(
                "Intervals at {confidence} confidence, from the two-stage design.",
                confidence=t.percent(report.study.config.choices.confidence, 0),
            ),
            *report.signs(table["n"], *(table[f"shown_{name}"] for name in STATISTICS)),
        ],
    )
    blocks = [shares, *_distribution(report), *_variants(report), *against_city(report)]
    return Section(title, 1, [*blocks, *priorities(report), *communities(report)])


def _distribution(report: Report) -> list:
    from commlab.figures import likert

    t, rows = report.t, report.of_unit("distribution")
    if rows["share"].isna().all():
        return []
    wide = rows.pivot(index="item", columns="answer")
    items = [i for i in report.period.items if i in wide.index]
    wide = wide.reindex(items)
    share, rule, bound = wide["share"], wide["rule"], wide["bound"]
    answers = sorted(c for c in share.columns if c != DONT_KNOW)
    labels = {a: report.answer(a) for a in [*answers, DONT_KNOW]}
    table = pd.DataFrame({"label": [report.item(i) for i in items]}, index=share.index)
    for a in [*answers, *([DONT_KNOW] if DONT_KNOW in share else [])]:
        table[labels[a]] = report.marked(share[a], rule[a], bound[a])
    told = report.signs(
        *(table[labels[a]] for a in answers), *([table[labels[DONT_KNOW]]] if DONT_KNOW in share else [])
    )
    # Bars: rows of which at least the three sides are known; the ends of merged rows have no bar of their own.
    drawn = share[(rule[answers].isin(["", "merged"])).all(axis=1)]
    unknown = (
        drawn[DONT_KNOW].mask(bound[DONT_KNOW].reindex(drawn.index) != "") if DONT_KNOW in share else None
    )
    names = [
        report.starting(report.item(i)) + (f" {MERGED}" if (rule.loc[i, answers] == "merged").any() else "")
        for i in drawn.index
    ]
    picture = drawn[answers].rename(columns=labels).set_axis(names, axis=0)
    figure = None
    if len(drawn):
        figure = likert(
            picture,
            dont_know=None if unknown is None else unknown.set_axis(names),
            dont_know_label="" if unknown is None else labels[DONT_KNOW],
            about=t("Answers per item, weighted"),
        )
    top = share[answers[-1]].dropna()
    text = (
        t(
            '"{answer}" was chosen most often for {item} ({share} of answers).',
            answer=labels[answers[-1]],
            item=report.item(top.idxmax()),
            share=t.percent(top.max()),
        )
        if len(top)
        else t("How often each answer was chosen, as far as it may be shown.")
    )
    note = t('Shares of the answers on the scale; "don\'t know" is a share of all who were asked.')
    return [
        report.finding(
            table.reset_index(drop=True),
            text,
            figure=figure,
            figure_title=t("Answers per item, weighted"),
            title=t("Distribution of answers"),
            notes=[note, *told] if DONT_KNOW in share else told,
            columns={"label": Col(t("Item"), "label", width=1.5)}
            | {c: Col(report.starting(c), "percent") for c in table.columns if c != "label"},
        )
    ]


def _variants(report: Report) -> list:
    """The overall result with base weights, raked, and with the excluded answers: how far choices move it."""

    t, item = report.t, report.overall_item
    rows = []
    names = {
        "design": t("Base weights"),
        "raked": t("Raked to the census"),
        "all": t("With excluded answers"),
    }
    told = report.satisfaction
    told = told[(told["item"] == item) & (told["statistic"] == "satisfied")].set_index("weighting")
    for weighting, name in names.items():
        if weighting in told.index:
            row = told.loc[weighting]
            exact = not row["rule"] and not row["bound"]
            shown = told.loc[[weighting]]
            rows.append(
                {
                    "name": name,
                    "n": report.marked(shown["n"], shown["rule"]).iloc[0],
                    "value": row["estimate"] if exact else float("nan"),
                    "estimate": report.marked(shown["estimate"], shown["rule"], shown["bound"]).iloc[0],
                    "interval": t.interval(row["ci_low"], row["ci_high"], percent=True)
                    if not row["rule"]
                    else WITHHELD,
                }
            )
    if sum(row["value"] == row["value"] for row in rows) < 2:
        return []
    table = pd.DataFrame(rows)
    spread = table["value"].max() - table["value"].min()
    return [
        report.finding(
            table,
            t(
                'Weighting and exclusion move the share satisfied with "{item}" by at most {points} percentage points.',
                item=report.item(item),
                points=t.number(spread * 100),
            ),
            title=t("The overall result under other choices"),
            columns={
                "name": Col(t("Choice")),
                "n": Col(t("Answers"), "integer"),
                "estimate": Col(t("Satisfied"), "percent"),
                "interval": Col(t("Interval"), align="center"),
            },
            notes=report.signs(table["n"], table["estimate"]),
        )
    ]


def change(report: Report) -> Section | None:
    """What moved since the last quarter, with the test behind every word."""
    from commlab.figures import changes as drawn

    if not report.has("responses") or len(report.study.periods) == 1:
        return None
    t, rows = report.t, report.of_unit("change")
    title = t("Change since the last quarter")
    before = report.period.previous
    on_today = answers_redrawn(report)
    if before is None or rows.empty:
        return Section(title, 1, on_today or [t("There is no earlier quarter to compare with.")])
    level = 1 - report.study.config.choices.confidence
    rows = (
        rows.set_index("item")
        .reindex([i for i in report.period.items if i in set(rows["item"])])
        .reset_index()
    )
    rows["label"] = [report.item(i) for i in rows["item"]]
    rows["interval"] = [t.interval(a, b) for a, b in zip(rows["ci_low"], rows["ci_high"], strict=True)]
    hidden, every = rows["rule"].fillna("") != "", rows
    rows = rows[~hidden].reset_index(drop=True)
    if rows.empty:
        return Section(title, 1, [t("Too few answers came from {unit} to show a change.", unit=report.unit)])
    words = {True: t("rose"), False: t("fell")}
    rows["verdict"] = [
        t("not tested") if pd.isna(p) else words[e > 0] if p < level else t("no change shown")
        for e, p in zip(rows["estimate"], rows["p_holm"], strict=True)
    ]
    sure = rows[rows["p_holm"] < level]
    if rows["p_holm"].isna().all():
        text = t(
            "The domain has fewer than three degrees of freedom: intervals are shown, no item is tested."
        )
    elif sure.empty:
        text = t(
            "No item of {n} shows a significant change between {before} and {now}.",
            n=t.integer(len(rows)),
            before=t.period(before.name),
            now=report.period_label,
        )
    else:
        parts = [
            t(
                "{item} {verdict} by {points} points",
                item=r["label"],
                verdict=r["verdict"],
                points=t.number(abs(r["estimate"])),
            )
            for _, r in sure.reindex(sure["estimate"].abs().sort_values(ascending=False).index)
            .head(NAMED)
            .iterrows()
        ]
        told = (
            "Between {before} and {now} {k} of {n} items changed significantly: {parts}."
            if len(sure) == len(parts)
            else "Between {before} and {now} {k} of {n} items changed significantly, most of all: {parts}."
        )
        text = t(
            told,
            before=t.period(before.name),
            now=report.period_label,
            k=t.integer(len(sure)),
            n=t.integer(len(rows)),
            parts=t.listing(parts),
        )
    every["verdict"] = every["item"].map(rows.set_index("item")["verdict"])
    for column in ("before", "after", "estimate", "interval", "p_holm", "verdict"):
        every[column] = every[column].astype(object).mask(hidden, WITHHELD)
    shown = rows.set_index("label")[["before", "after", "ci_low", "ci_high", "estimate"]]
    figure = drawn(
        shown.rename(index=report.starting).reset_index(),
        label="label",
        before_label=t.period(before.name),
        after_label=report.period_label,
        xlabel=t("Index (0-100)"),
        difference_label=t("Change of the index"),
    )
    found = report.finding(
        every,
        text,
        figure=figure,
        figure_title=t("Index per item in both quarters"),
        title=t("Change of the index per item"),
        columns={
            "label": Col(t("Item"), "label", width=1.5),
            "before": Col(t("Before"), "number"),
            "after": Col(t("Now"), "number"),
            "estimate": Col(t("Change"), "signed"),
            "interval": Col(t("Interval"), align="center"),
            "p_holm": Col(t("p (Holm)"), "p_value"),
            "verdict": Col(t("Finding"), "label"),
        },
        notes=[
            t(
                "The same communities were asked in both quarters; their covariance is kept. p values are adjusted over the items of this report (Holm)."
            ),
            *on_today,
            *report.signs(every["before"]),
        ],
    )
    blocks: list = [found]
    if (rows["df"] < 3).any():
        blocks.append(
            Paragraph(
                t("With fewer than three degrees of freedom an interval is shown and no comparison is made."),
                "note",
            )
        )
    return Section(title, 1, blocks)
