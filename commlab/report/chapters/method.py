"""The title block and the method page: how every number of the report came about."""

from __future__ import annotations

import pandas as pd

from commlab.report.chapters.base import WITHHELD, Report
from commlab.report.finding import Bullets, Col, Cover, Section

__all__ = ["cover", "method"]


def cover(report: Report) -> Cover:
    """Title, period, framework, and the mark of sample data."""
    t = report.t
    title = (
        t("Community governance in {unit}: city overview", unit=report.unit)
        if report.is_city
        else t("Community governance in {unit}: evaluation report", unit=report.unit)
    )
    framework = report.study.framework
    titles = framework.title
    named, document = titles.get(report.language) or titles["zh"], framework.source.get("document")
    if document:
        named = t("{title} ({document})", title=named, document=document)
    facts = [
        (t("Study"), report.study.title[report.language]),
        (t("Period"), report.period_label),
        (t("Unit"), report.unit),
        (t("Framework"), named),
        (t("Districts in city figures"), report.counted),
    ]
    return Cover(title, report.period_label, facts, language=report.language, sample=report.study.sample)


def method(report: Report) -> Section:
    """Objects, period, methods, sample, margin of error, weights and their origin, missing data, choices."""
    return Section(
        report.t("Method"),
        1,
        [
            _facts(report),
            Section(report.t("Weights and their origin"), 2, [_weights(report)]),
            _rules(report),
        ],
    )


def _facts(report: Report):
    t = report.t
    frame = report.study.framework
    levels = frame.table.loc[~frame.table["code"].isin(frame.leaves), "level"].value_counts()
    units = report.study.register.communities
    if not report.is_city:
        units = units[units["parent"] == report.unit]
    kinds = units["type"].value_counts()
    candidates = report.period.ranks("candidate")
    if len(candidates) and not report.is_city:
        candidates = candidates[candidates["group"] == report.unit]
    rates = report.of_unit("response_rates")
    raters = report.period.ratings
    experts = raters.loc[raters["stage"] == "expert", "rater"].nunique()
    rows = [
        (
            t("Objects"),
            t(
                "{n} communities ({urban} urban, {converted} converted from villages); {m} candidates for naming",
                n=t.integer(len(units)),
                urban=t.integer(kinds.get("urban", 0)),
                converted=t.integer(kinds.get("converted", 0)),
                m=t.integer(len(candidates)),
            ),
        ),
        (
            t("Period"),
            t("{period}, closing on {day}", period=report.period_label, day=t.date(report.period.end)),
        ),
        (
            t("Indicators"),
            t(
                "{a} primary, {b} secondary, {c} standards",
                a=t.integer(levels.get(1, 0)),
                b=t.integer(levels.get(2, 0)),
                c=t.integer(len(frame.leaves)),
            ),
        ),
        (
            t("Methods of evaluation"),
            t(
                "field check, web and media, questionnaire, documents; {n} experts rated candidates",
                n=t.integer(experts),
            ),
        ),
    ]
    text = t("The method in one table; the choices that move numbers are listed below it.")
    if len(rates):
        r = rates.iloc[0]
        item, row = report.overall_item, report.overall
        rows += [
            (
                t("Questionnaires"),
                t(
                    "issued {issued}, returned {returned}, valid {valid}",
                    issued=t.integer(r["issued"]),
                    returned=t.integer(r["returned"]),
                    valid=t.integer(r["valid"]),
                )
                if not r["rule"]
                else t(
                    "issued {issued}; the number returned is withheld, because few answered",
                    issued=t.integer(r["issued"]),
                ),
            ),
            (
                t("Valid rate"),
                t(
                    "{rate} of returned, {of} of issued",
                    rate=t.percent(r["valid"] / r["returned"] if r["returned"] else None),
                    of=t.percent(r["valid"] / r["issued"] if r["issued"] else None),
                )
                if not r["rule"]
                else WITHHELD,
            ),
            (t("Surveyed communities"), t.integer(r["communities"])),
        ]
        if row is not None:
            half = (row["ci_high"] - row["ci_low"]) / 2
            rows.append(
                (
                    t("Margin of error"),
                    t(
                        '±{points} percentage points for "{item}" at {confidence} confidence',
                        points=t.number(half * 100),
                        item=report.item(item),
                        confidence=t.percent(report.study.config.choices.confidence, 0),
                    ),
                )
            )
    table = pd.DataFrame(rows, columns=["what", "value"])
    return report.finding(
        table,
        text,
        title=t("Method at a glance"),
        columns={"what": Col(t("Topic")), "value": Col(t("Value"), "label", width=3)},
    )


def _weights(report: Report):
    t = report.t
    weights = report.period.indicator_weights()
    experts = report.period.result("weight_experts")
    consistent = (
        experts.groupby("node")["consistent"].agg(["sum", "size"]) if len(experts) else pd.DataFrame()
    )
    crs = experts.groupby("node")["cr"].median() if len(experts) else pd.Series(dtype=float)
    origins = {
        "ahp": t("expert judgement (group AHP)"),
        "document": t("printed in the document"),
        "equal": t("equal among siblings"),
    }
    top = weights[weights["level"] <= 2].sort_values("order")
    top = top.assign(
        label=[f"{c} {report.label(c)}" for c in top["code"]],
        origin_label=top["origin"].map(origins),
        node=top["parent"].fillna("total"),
        strong=top["level"] == 1,
    )
    first = top[top["level"] == 1].sort_values("weight", ascending=False)
    text = t(
        "The document prints no weights: these are the study's own, not official. The largest primary weight is {label} ({share}), the smallest {last} ({least}).",
        label=first["label"].iloc[0],
        share=t.percent(first["weight"].iloc[0], 2),
        last=first["label"].iloc[-1],
        least=t.percent(first["weight"].iloc[-1], 2),
    )
    if len(consistent):
        bound = t.number(report.study.config.choices.ahp_max_cr, 2)
        text = report.join(
            text,
            t(
                "{n} experts judged; {good} of {all} matrices have a consistency ratio of at most {bound}, the others are left out of the group judgement; the median ratio is {cr}.",
                n=t.integer(experts["expert"].nunique()),
                good=t.integer(consistent["sum"].sum()),
                all=t.integer(consistent["size"].sum()),
                bound=bound,
                cr=t.number(crs.median(), 3),
            ),
        )
    columns = {
        "label": Col(t("Indicator"), width=1.5),
        "local": Col(t("Weight among siblings"), "percent", digits=2),
        "weight": Col(t("Weight in the whole"), "percent", digits=2),
    }
    notes = [t("Below the secondary level all standards of an indicator weigh the same.")]
    if top["origin_label"].nunique() == 1:
        notes.insert(
            0, t("Origin of all weights in this table: {origin}.", origin=top["origin_label"].iloc[0])
        )
    else:
        columns["origin_label"] = Col(t("Origin"), "label")
    return report.finding(
        top,
        text,
        title=t("Weights of primary and secondary indicators"),
        columns=columns,
        strong="strong",
        notes=notes,
    )


def _rules(report: Report) -> Section:
    t, choices = report.t, report.study.config.choices
    flags = {
        "fast": t("answered too fast"), "straightline": t("same answer everywhere"), "duplicate": t("repeated"),
        "attention": t("attention check failed"), "burst": t("many at once"), "out_of_frame": t("outside the sample"),
        "all_satisfied": t("all satisfied in one place"),
    }  # fmt: skip
    how = {
        "arithmetic": t("arithmetic mean"),
        "geometric": t("geometric mean"),
        "harmonic": t("harmonic mean"),
    }
    lonely = {
        "fail": t("refuse the estimate"),
        "remove": t("left out of the variance"),
        "adjust": t("centred at the mean of all"),
        "average": t("the mean of the other strata"),
        "certainty": t("a certainty"),
    }
    items = [
        t(
            "Missing is not zero: a standard without evidence is left out, its weight goes to its siblings, and coverage says how much was measured."
        )
        if choices.missing == "measured"
        else t("A standard without evidence counts as zero."),
        t(
            "A printed norm decides a score; a rating of the same part is only a check. Without a printed norm the expert judgement is the score and counts are evidence (A7)."
        ),
        t("Scores go up the tree by the weighted {how}.", how=how[choices.aggregation]),
        t(
            "Questionnaires are excluded when: {flags}. Results with them are shown too.",
            flags=t.listing(flags[f] for f in report.study.config.exclude_flags),
        )
        if report.study.config.exclude_flags
        else t("No questionnaire was excluded for its quality."),
        t(
            "Score and rank intervals come from {draws} joint draws (seed {seed}) of: expert weights (bootstrap over experts), sampling error of survey items, disagreement of raters.",
            draws=t.integer(choices.draws),
            seed=choices.seed,
        ),
        t(
            "Questionnaires were handed out on the spot, not drawn from a list: intervals treat them as a random sample of the adults of each community (A21)."
        ),
        t(
            'Degrees of freedom of survey intervals follow Satterthwaite; a stratum with a single community is treated by the rule "{rule}".',
            rule=lonely[choices.lonely],
        ),
        t(
            "Survey figures of fewer than {k} respondents are withheld, with as many others as could tell them by sum or difference; shares with fewer than three people on one side are shown as bounds.",
            k=t.integer(report.study.config.disclosure["internal"]),
        ),
        t("City figures rest on {counted}.", counted=report.counted),
    ]
    return Section(t("Rules and choices"), 2, [Bullets(items)])
