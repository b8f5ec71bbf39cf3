"""Sample against population, satisfaction per item, change since the last quarter."""

from __future__ import annotations

import pandas as pd

from commlab.report.chapters.base import Report
from commlab.report.finding import Col, Paragraph, Section
from commlab.tables import DONT_KNOW, NOT_APPLICABLE

__all__ = ["change", "sample", "satisfaction"]

NAMED = 4
"""Items that the sentence about change names."""


def sample(report: Report) -> Section:
    """Who answered, beside who lives there."""
    t, rows = report.t, report.of_unit("demographics")
    rates = report.of_unit("response_rates")
    if rows.empty or rates.empty or not rates["valid"].iloc[0]:
        return Section(
            t("Sample and population"), 1, [t("No valid questionnaire came from {unit}.", unit=report.unit)]
        )
    rows = rows.assign(
        variable_label=[report.demographic(v) for v in rows["variable"]],
        level_label=[report.option(v, x) for v, x in zip(rows["variable"], rows["level"], strict=True)],
        difference=rows["weighted"] - rows["population"],
    )
    known = rows.dropna(subset=["population"])
    worst = known.loc[known["difference"].abs().idxmax()] if len(known) else None
    text = t(
        "{n} valid answers came from {communities} communities.",
        n=t.integer(rates["valid"].iloc[0]),
        communities=t.integer(rates["communities"].iloc[0]),
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
    table = report.finding(
        rows,
        text,
        title=t("Sample structure and population"),
        columns={
            "variable_label": Col(t("Characteristic"), "label"),
            "level_label": Col(t("Group"), "label"),
            "n": Col(t("Answers"), "integer"),
            "sample": Col(t("Sample"), "percent"),
            "weighted": Col(t("Weighted"), "percent"),
            "population": Col(t("Population"), "percent"),
            "difference": Col(t("Difference (points)"), "points"),
        },
        notes=[
            t(
                "Population: adults in the 2020 census, wider than the communities evaluated (A22). — : the census table has no such breakdown."
            )
        ],
    )
    return Section(t("Sample and population"), 1, [table])


def _item_table(report: Report) -> pd.DataFrame:
    k = report.study.config.disclosure["internal"]
    rows = report.satisfaction
    rows = rows[rows["weighting"] == "design"]
    wide = rows.pivot(index="item", columns="statistic", values="estimate")
    low = rows.pivot(index="item", columns="statistic", values="ci_low")
    high = rows.pivot(index="item", columns="statistic", values="ci_high")
    n = rows[rows["statistic"] == "index"].set_index("item")["n"]
    items = [i for i in report.period.items if i in wide.index]
    table = wide.reindex(items)
    table["n"] = n.reindex(items)
    for name in ("index", "satisfied"):
        table[f"{name}_low"], table[f"{name}_high"] = low[name].reindex(items), high[name].reindex(items)
    hidden = table["n"] < k
    table.loc[hidden, [c for c in table if c != "n"]] = float("nan")
    table.insert(0, "label", [report.item(i) for i in items])
    return table.reset_index()


def satisfaction(report: Report) -> Section:
    """Every item: shares, mean, index, interval, distribution; "don't know" apart."""
    t, title = report.t, report.t("Satisfaction")
    table = _item_table(report) if len(report.satisfaction) else pd.DataFrame({"index": []})
    known = table.dropna(subset=["index"])
    if known.empty:
        return Section(
            title, 1, [t("Too few answers came from {unit} to show satisfaction.", unit=report.unit)]
        )
    best, worst = known.loc[known["index"].idxmax()], known.loc[known["index"].idxmin()]
    table["index_interval"] = [
        t.interval(a, b) for a, b in zip(table["index_low"], table["index_high"], strict=True)
    ]
    table["satisfied_interval"] = [
        t.interval(a, b, percent=True)
        for a, b in zip(table["satisfied_low"], table["satisfied_high"], strict=True)
    ]
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
            "satisfied": Col(t("Satisfied"), "percent"),
            "satisfied_interval": Col(t("Interval"), align="center"),
            "dissatisfied": Col(t("Dissatisfied"), "percent"),
            "mean": Col(t("Mean"), "number", digits=2),
            "index": Col(t("Index"), "number"),
            "index_interval": Col(t("Interval of index"), align="center"),
            "dont_know": Col(t("Don't know"), "percent"),
        },
        notes=[
            t(
                'Satisfied: the two upper answers of five. Mean: 1 to 5. Index: 0 to 100. "Don\'t know" is a share of all who were asked and is in no other column (A26).'
            ),
            t(
                "Intervals at {confidence} confidence, from the two-stage design.",
                confidence=t.percent(report.study.config.choices.confidence, 0),
            ),
        ],
    )
    return Section(title, 1, [shares, *_distribution(report), *_variants(report)])


def _distribution(report: Report) -> list:
    from commlab.figures import likert

    t, rows = report.t, report.of_unit("distribution")
    asked = rows.groupby("item")["asked"].max()
    rows = rows[rows["item"].map(asked) >= report.study.config.disclosure["internal"]]
    rows = rows[rows["answer"] != NOT_APPLICABLE]
    if rows.empty:
        return []
    wide = rows.pivot(index="item", columns="answer", values="share").fillna(0.0)
    items = [i for i in report.period.items if i in wide.index]
    answers = sorted(c for c in wide.columns if c != DONT_KNOW)
    wide = wide.reindex(items)
    labels = {a: report.answer(a) for a in [*answers, DONT_KNOW]}
    table = wide[[*answers, *([DONT_KNOW] if DONT_KNOW in wide else [])]].rename(columns=labels)
    table.insert(0, "label", [report.item(i) for i in items])
    picture = table.assign(label=[report.starting(x) for x in table["label"]]).set_index("label")
    unknown = labels[DONT_KNOW] if labels[DONT_KNOW] in picture else None
    figure = likert(
        picture[[labels[a] for a in answers]],
        dont_know=picture[unknown] if unknown else None,
        dont_know_label=unknown or "",
        about=t("Answers per item, weighted"),
    )
    top = table.set_index("label")[labels[answers[-1]]]
    return [
        report.finding(
            table.reset_index(drop=True),
            t(
                '"{answer}" was chosen most often for {item} ({share} of answers).',
                answer=labels[answers[-1]],
                item=top.idxmax(),
                share=t.percent(top.max()),
            ),
            figure=figure,
            figure_title=t("Answers per item, weighted"),
            title=t("Distribution of answers"),
            notes=[t('Shares of all who gave an answer, "don\'t know" among them.')] if unknown else (),
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
    for weighting, name in names.items():
        row = report.statistic(item, "satisfied", weighting) if item else None
        if row is not None:
            rows.append(
                {
                    "name": name,
                    "n": row["n"],
                    "estimate": row["estimate"],
                    "interval": t.interval(row["ci_low"], row["ci_high"], percent=True),
                }
            )
    if len(rows) < 2:
        return []
    table = pd.DataFrame(rows)
    spread = table["estimate"].max() - table["estimate"].min()
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
        )
    ]


def change(report: Report) -> Section:
    """What moved since the last quarter, with the test behind every word."""
    from commlab.figures import changes as drawn

    t, rows = report.t, report.of_unit("change")
    title = t("Change since the last quarter")
    before = report.period.previous
    if before is None or rows.empty:
        return Section(title, 1, [t("There is no earlier quarter to compare with.")])
    level = 1 - report.study.config.choices.confidence
    rows = (
        rows.set_index("item")
        .reindex([i for i in report.period.items if i in set(rows["item"])])
        .reset_index()
    )
    rows["label"] = [report.item(i) for i in rows["item"]]
    rows["interval"] = [t.interval(a, b) for a, b in zip(rows["ci_low"], rows["ci_high"], strict=True)]
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
        rows,
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
            )
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
