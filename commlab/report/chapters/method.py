"""The title block and the method page: how every number of the report came about."""

from __future__ import annotations

import pandas as pd

from commlab.report.chapters.base import MIDDLE, WITHHELD, Report
from commlab.report.chapters.indicators import METHODS
from commlab.report.finding import Bullets, Col, Cover, Section
from commlab.study.later import living

__all__ = ["cover", "method", "notebook_title"]

FEW = 20
"""Nodes up to which the table of weights shows all of them."""


def notebook_title(report: Report, stem: str) -> str:
    """What a notebook beside the reports is called: as study.yaml says, else as we do, else its file's name."""
    t, own = report.t, report.study.config.notebooks
    if stem in own:
        return own[stem][report.language]
    titles = {
        "10-intake": t("Inputs and what was done to them"),
        "20-weights": t("Weights and their origin"),
        "30-satisfaction": t("Satisfaction over the city"),
        "40-scores": t("Scores, ranks and candidates"),
    }
    return titles.get(stem, stem)


def cover(report: Report, notebook: str = "") -> Cover:
    """Title, period, framework, and the mark of sample data; ``notebook`` names one that stands beside the reports."""
    t = report.t
    if notebook:
        matter = notebook_title(report, notebook)
        title = t("Community governance in {unit}: {matter}", unit=report.unit, matter=matter)
    elif report.is_city:
        title = t("Community governance in {unit}: city overview", unit=report.unit)
    else:
        title = t("Community governance in {unit}: evaluation report", unit=report.unit)
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
    rows = [
        (t("Objects"), _objects(report)),
        (
            t("Period"),
            t("{period}, closing on {day}", period=report.period_label, day=t.date(report.period.end)),
        ),
        (t("Indicators"), t.listing(_counts(report))),
    ]
    frame, raters = report.study.framework, report.period.ratings
    methods = {m for n in frame.nodes for m in n.methods}
    told = [t.listing(t(word) for m, word in METHODS.items() if m in methods)] if methods else []
    experts = raters.loc[raters["stage"] == "expert", "rater"].nunique()
    if experts:
        told.append(t("{n} experts rated", n=t.integer(experts)))
    if told:
        rows.append((t("Methods of evaluation"), t("; ").join(told)))
    rates = report.of_unit("response_rates")
    text = t("The method in one table; the choices that move numbers are listed below it.")
    if len(rates) and report.has("responses"):
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


def _objects(report: Report) -> str:
    """How many units of which kinds are evaluated, and how many of them apply for naming."""
    t, register, frame = report.t, report.study.register, report.study.framework
    there = living(register.units, report.period.name)
    units = there[there["level"] == "community"]
    districts = report.is_city or units.empty
    if not report.is_city:
        units = units[units["unit"].map(register.district_of) == report.unit]
    if districts and units.empty:
        units = there[there["unit"].isin(register.districts)]
        told = t("{n} districts", n=t.integer(len(units)))
    else:
        told = t("{n} communities", n=t.integer(len(units)))
    kinds = units["type"].value_counts(sort=False).sort_index()
    order = {kind: place for place, kind in enumerate(frame.types)}
    known = sorted(kinds.index, key=lambda kind: order.get(kind, len(order)))
    if len(known):
        named = (
            t("{kind}: {n}", kind=frame.type_label(k, report.language), n=t.integer(kinds[k])) for k in known
        )
        told = t("{told} ({kinds})", told=told, kinds=t.listing(named))
    candidates = report.period.ranks("candidate")
    if len(candidates) and not report.is_city:
        candidates = candidates[candidates["group"] == report.unit]
    if register.candidates.empty:
        return told
    return t("{told}; {m} candidates for naming", told=told, m=t.integer(len(candidates)))


def _counts(report: Report) -> list[str]:
    """Nodes by level: what branches are called by their level, and the leaves."""
    t, frame = report.t, report.study.framework
    branches = frame.table.loc[~frame.table["code"].isin(frame.leaves), "level"].value_counts().sort_index()
    told = []
    for level, n in branches.items():
        message = {1: "{n} primary", 2: "{n} secondary"}.get(int(level), "{n} of level {level}")
        told.append(t(message, n=t.integer(n), level=t.integer(level)))
    return [*told, t("{n} standards", n=t.integer(len(frame.leaves)))]


def _weights(report: Report):
    t, frame = report.t, report.study.framework
    weights = report.period.indicator_weights().sort_values("order")
    experts = report.period.result("weight_experts")
    origins = {
        "ahp": t("expert judgement (group AHP)"),
        "document": t("printed in the document"),
        "equal": t("equal among siblings"),
    }
    shown = weights[(weights["level"] <= MIDDLE) | (len(frame.nodes) <= FEW)]
    shown = shown.assign(
        label=[f"{c} {report.label(c)}" for c in shown["code"]],
        origin_label=shown["origin"].map(origins),
        points=shown["code"].map(report.full),
        node=shown["parent"].fillna("total"),
        strong=~shown["code"].isin(frame.leaves),
    )
    sentences = {
        ("document",): "The weights are those that the document prints.",
        (
            "equal",
        ): "The document prints no weights: all siblings weigh the same, which is the study's choice, not official.",
    }
    made = tuple(sorted(weights["origin"].unique()))
    usual = "The document prints no weights: these are the study's own, not official."
    if "document" in made:
        usual = (
            "Where the document prints weights they are used; the others are the study's own, not official."
        )
    text = t(sentences.get(made, usual))
    first = weights[(weights["level"] == 1) & (weights["weight"] > 0)].sort_values(
        "weight", ascending=False, kind="stable"
    )
    if len(first) > 1 and first["weight"].iloc[0] > first["weight"].iloc[-1]:
        label = [f"{c} {report.label(c)}" for c in first["code"]]
        extremes = t(
            "The largest primary weight is {label} ({share}), the smallest {last} ({least}).",
            label=label[0],
            share=t.percent(first["weight"].iloc[0], 2),
            last=label[-1],
            least=t.percent(first["weight"].iloc[-1], 2),
        )
        text = report.join(text, extremes)
    if len(experts):
        good = experts.groupby("node")["consistent"].agg(["sum", "size"])
        text = report.join(
            text,
            t(
                "{n} experts judged; {good} of {all} matrices have a consistency ratio of at most {bound}, the others are left out of the group judgement; the median ratio is {cr}.",
                n=t.integer(experts["expert"].nunique()),
                good=t.integer(good["sum"].sum()),
                all=t.integer(good["size"].sum()),
                bound=t.number(report.study.config.choices.ahp_max_cr, 2),
                cr=t.number(experts.groupby("node")["cr"].median().median(), 3),
            ),
        )
    columns = {
        "label": Col(t("Indicator"), width=1.5),
        "points": Col(t("Full marks"), "number", digits=0),
        "local": Col(t("Weight among siblings"), "percent", digits=2),
        "weight": Col(t("Weight in the whole"), "percent", digits=2),
    }
    if not report.pointed:
        columns.pop("points")
    notes = []
    below = weights[~weights["code"].isin(shown["code"])]
    if len(below) and (below["origin"] == "equal").all():
        notes.append(t("Below the secondary level all standards of an indicator weigh the same."))
    if shown["origin_label"].nunique() == 1:
        notes.insert(
            0, t("Origin of all weights in this table: {origin}.", origin=shown["origin_label"].iloc[0])
        )
    else:
        columns["origin_label"] = Col(t("Origin"), "label")
    return report.finding(
        shown,
        text,
        title=t("Weights of primary and secondary indicators")
        if len(below)
        else t("Weights of the indicators"),
        columns=columns,
        strong="strong",
        notes=notes,
    )


def _rules(report: Report) -> Section:
    """How scores and intervals come about: what the study never does is not told."""
    t, choices, config = report.t, report.study.config.choices, report.study.config
    asked = report.has("responses")
    parts = report.study.framework.part_table
    how = {
        "arithmetic": t("arithmetic mean"),
        "geometric": t("geometric mean"),
        "harmonic": t("harmonic mean"),
    }
    items = [
        t(
            "Missing is not zero: a standard without evidence is left out, its weight goes to its siblings, and coverage says how much was measured."
        )
        if choices.missing == "measured"
        else t("A standard without evidence counts as zero.")
    ]
    if parts["rule"].isin(["judged", "count"]).any():
        items.append(
            t(
                "A printed norm decides a score; a rating of the same part is only a check. Without a printed norm the expert judgement is the score and counts are evidence."
            )
        )
    items.append(t("Scores go up the tree by the weighted {how}.", how=how[choices.aggregation]))
    if asked:
        items += _of_answers(report)
    sources = report.drawn()
    items.append(
        t(
            "Score and rank intervals come from {draws} joint draws (seed {seed}) of: {sources}.",
            draws=t.integer(choices.draws),
            seed=choices.seed,
            sources=t.listing(sources),
        )
        if sources
        else t("Scores come from complete counts and printed rules alone: they have no interval.")
    )
    if choices.ranked_within == "group":
        items.append(t("Districts are ranked and compared within their group only."))
    if asked:
        items.append(
            t(
                "Survey figures of fewer than {k} respondents are withheld, with as many others as could tell them by sum or difference; shares with fewer than three people on one side are shown as bounds.",
                k=t.integer(config.disclosure["internal"]),
            )
        )
    items += report.notes("method")
    if len(report.study.register.districts) > 1:
        items.append(t("City figures rest on {counted}.", counted=report.counted))
    return Section(t("Rules and choices"), 2, [Bullets(items)])


def _of_answers(report: Report) -> list[str]:
    t, config = report.t, report.study.config
    flags = {
        "fast": t("answered too fast"), "straightline": t("same answer everywhere"), "duplicate": t("repeated"),
        "attention": t("attention check failed"), "burst": t("many at once"), "out_of_frame": t("outside the sample"),
        "all_satisfied": t("all satisfied in one place"),
    }  # fmt: skip
    lonely = {
        "fail": t("refuse the estimate"),
        "remove": t("left out of the variance"),
        "adjust": t("centred at the mean of all"),
        "average": t("the mean of the other strata"),
        "certainty": t("a certainty"),
    }
    return [
        t(
            "Questionnaires are excluded when: {flags}. Results with them are shown too.",
            flags=t.listing(flags[f] for f in config.exclude_flags),
        )
        if config.exclude_flags
        else t("No questionnaire was excluded for its quality."),
        t(
            'Degrees of freedom of survey intervals follow Satterthwaite; a stratum with a single community is treated by the rule "{rule}".',
            rule=lonely[config.choices.lonely],
        ),
    ]
