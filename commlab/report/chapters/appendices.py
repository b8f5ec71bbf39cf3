"""Appendices: questionnaire, indicator dictionary, denominators, cleaning, de-identification, manifest."""

from __future__ import annotations

import pandas as pd

from commlab.framework import Part
from commlab.report.chapters.base import Report
from commlab.report.chapters.indicators import METHODS
from commlab.report.finding import Bullets, Col, Section
from commlab.study.results import RESULTS
from commlab.text import Text

__all__ = ["cleaning_summary", "denominators", "indicator_dictionary", "manifest", "questionnaire"]

PRINTED_AS = ("what", "result", "basis")
BASES = {
    "per_1000_households": "per 1,000 households",
    "per_1000_floating_pop": "per 1,000 floating residents",
}
INPUTS = {
    "weights": "indicator weights",
    "weight_experts": "the experts' own weights and consistency",
    "delphi_items": "Delphi results by standard",
    "delphi_agreement": "agreement of the Delphi experts",
    "response_rates": "questionnaires issued, returned and valid",
    "demographics": "sample structure",
    "satisfaction": "satisfaction estimates",
    "rake_cells": "census margins used for raking",
    "distribution": "distribution of answers",
    "change": "change since the last quarter",
    "scale": "reliability of the scale",
    "scale_items": "items of the scale",
    "drivers": "drivers of satisfaction",
    "comparisons": "comparisons of districts and groups",
    "small_areas": "own and modelled estimates of communities",
    "evidence": "evidence",
    "leaves": "scores of the standards' parts",
    "scores": "indicator scores",
    "ranks": "ranks and their intervals",
    "pairs": "pairs of units and whether they can be told apart",
    "rank_drivers": "what moves the ranks",
    "explained": "what moved the total scores",
    "problem_states": "states of problems",
    "ledger": "cleaning ledger",
    "register": "register of units",
    "study": "settings of the study",
    "framework": "framework of indicators",
    "status": "what the offices sent",
}


def questionnaire(report: Report) -> Section | None:
    """The questions as asked and the answers that were offered."""
    t, book = report.t, report.book
    title = t("Questionnaire")
    if book is None:
        return None
    leaf_of: dict[str, str] = {}
    for code in report.study.framework.leaves:
        for part in report.study.framework.parts(code):
            if part.rule == "survey":
                leaf_of |= dict.fromkeys(map(str, part.items), code)
    rows = [
        {
            "item": report.item(name),
            "wording": question.wordings[0],
            "answers": t.listing([*question.options, *question.dont_know, *question.not_applicable]),
            "code": leaf_of.get(name, "—"),
        }
        for name, question in book.items.items()
    ]
    table = pd.DataFrame(rows)
    text = t(
        "{n} items were asked; {m} of them are evidence for a standard. The wording is the questionnaire's own.",
        n=t.integer(len(table)),
        m=t.integer((table["code"] != "—").sum()),
    )
    found = report.finding(
        table,
        text,
        title=t("Items and answers offered"),
        columns={
            "item": Col(t("Item"), "label"),
            "wording": Col(t("Question")),
            "answers": Col(t("Answers offered"), width=2),
            "code": Col(t("Standard")),
        },
    )
    return Section(title, 1, [found], appendix=True)


def dictionary_rows(report: Report) -> pd.DataFrame:
    """One row a part: label, rule, share, measured, method, official, soft, in words."""
    t = report.t
    rules = {
        "judged": t("expert judgement"), "threshold": t("threshold"), "range": t("range"), "growth": t("growth"),
        "rate": t("rate"), "yes_no": t("yes or no"), "checklist": t("checklist"),
        "count": t("expert judgement with a count as evidence"), "deduction": t("deduction"), "bonus": t("bonus"),
        "bands": t("bands"), "survey": t("survey index"), "veto": t("veto"),
    }  # fmt: skip
    levels = {
        "community": t("community"), "district": t("district"), "street": t("street"), "city": t("city"),
        "compound": t("compound"), "department": t("department"),
    }  # fmt: skip
    framework = report.study.framework
    return pd.DataFrame(
        {
            "label": f"{code} {report.starting((part.zh if report.language == 'zh' else part.en) or report.label(code))}",
            "rule": t("count between goalposts of this study") if part.goalposts else rules[part.rule],
            "share": part.share,
            "measured": levels[part.measured_at],
            "method": t.listing(t(METHODS[m]) for m in part.methods or framework.node(code).methods),
            "official": t("printed") if part.official else t("ours, soft") if part.soft else t("ours"),
            "printed": part.official,
        }
        for code in framework.leaves
        for part in framework.parts(code)
    )


def dictionary_columns(report: Report) -> dict[str, Col]:
    t = report.t
    return {
        "label": Col(t("Standard")),
        "rule": Col(t("Rule"), "label"),
        "share": Col(t("Share"), "percent", digits=0),
        "measured": Col(t("Measured at"), "label"),
        "method": Col(t("Method"), "label"),
        "official": Col(t("Norm"), "label"),
    }


def indicator_dictionary(report: Report) -> Section:
    """Every part of every standard: its rule, its norm, where it is measured, what the document prints."""
    t = report.t
    table = dictionary_rows(report)
    text = t(
        "{n} parts of {m} standards; {k} of them have a norm that the document prints.",
        n=t.integer(len(table)),
        m=t.integer(len(report.study.framework.leaves)),
        k=t.integer(table["printed"].sum()),
    )
    found = report.finding(
        table,
        text,
        title=t("Indicator dictionary"),
        columns=dictionary_columns(report),
        notes=[t('Soft: the document says "explore" or "gradually"; no pass or fail is stated.')]
        * bool(report.study.framework.part_table["soft"].any()),
    )
    return Section(t("Indicator dictionary"), 1, [found], appendix=True)


def denominator_rows(report: Report) -> pd.DataFrame:
    """label, what, numerator, denominator, value, result, basis of every quotient in the unit's evidence."""
    evidence, framework = report.period.result("evidence"), report.study.framework
    rows = evidence[(evidence["set"] == "district") & evidence["denominator"].notna()].copy()
    if not report.is_city:
        rows = rows[rows["unit"] == report.unit]
    if rows.empty:
        return rows
    if report.is_city:
        keys = ["code", "part", "item", "statistic", "per"]
        rows = rows.groupby(keys, dropna=False, as_index=False)[["numerator", "denominator"]].sum()
    # What a checklist item holds as its value is a count; its quotient is the share that passed.
    rows["value"] = rows["numerator"] / rows["denominator"].where(rows["denominator"] != 0)
    parts = {(p.code, p.part): p for c in framework.leaves for p in framework.parts(c)}
    printed = [
        _quotient(report, parts[r.code, r.part], r.item, r.statistic, r.value * r.per, r.per)
        for r in rows.itertuples(index=False)
    ]
    rows["what"], rows["result"], rows["basis"] = ([p[k] for p in printed] for k in range(len(PRINTED_AS)))
    order = report.study.framework.table.set_index("code")["order"]
    rows = rows.assign(
        order=rows["code"].map(order),
        label=[f"{c} {report.label(c)}" for c in rows["code"]],
    )
    return rows.sort_values("order", kind="stable")


def _quotient(
    report: Report, part: Part, item: object, statistic: object, value: float, per: float
) -> tuple[str, str, str]:
    """What a quotient is, its value as printed and what the value is told per."""
    t = report.t
    named = isinstance(item, str) and bool(item)
    own = (part.zh if report.language == "zh" else part.en) or report.label(part.code)
    if part.rule == "growth":
        label = t("growth {years}", years=item) if named else t("growth in the last year")
        return label, t.percent(value), t("of the year before")
    what = report.metric(item) if named else own
    if statistic in BASES:
        metric = report.study.framework.metrics.get(str(item))
        basis = t(BASES[str(statistic)])
        if report.language == "zh" and metric is not None and metric.unit:
            basis = t("{unit}, {basis}", unit=metric.unit, basis=basis)
        return what, _figures(t, value), basis
    if statistic == "passed":
        return what, t.percent(value), t("of the communities checked")
    if statistic == "share_meeting":
        label = own if part.rule == "yes_no" else report.join(own, t("(share that meets the norm)"))
        return label, t.percent(value), t("of the communities")
    if part.rule == "rate":
        return what, t.percent(value), t("of the denominator")
    if part.rule == "checklist":
        return t("all checks"), t.percent(value), t("of the checks made")
    metric = report.study.framework.metrics.get(str(item) if named else str(part.metric))
    if metric is not None and metric.unit == "%":
        return what, t.percent(value / per), t("of the denominator")
    if metric is not None and metric.kind == "ratio" and metric.unit and report.language == "zh":
        return what, _figures(t, value), metric.unit
    if per == 1 and part.measured_at == "community":
        return what, _figures(t, value), t("per community")
    return what, _figures(t, value), t("per {n} of the denominator", n=t.number(per, 0))


def _figures(t: Text, value: float) -> str:
    """Three or four figures that count."""
    return t.number(value, 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2)


def denominators(report: Report) -> Section:
    """What every rate and mean of the evidence is divided by."""
    t = report.t
    title = t("Denominators")
    rows = denominator_rows(report)
    if rows.empty:
        return Section(title, 1, [t("No figure of this report rests on a denominator.")], appendix=True)
    table = report.finding(
        rows,
        t("{n} figures are quotients; numerator and denominator stand beside them.", n=t.integer(len(rows))),
        title=t("Numerators and denominators"),
        columns={
            "label": Col(t("Standard")),
            "what": Col(t("Figure"), "label"),
            "numerator": Col(
                t("Numerator"),
                lambda v: t.number(v, 0 if v == round(v) else 1) if v == v else "—",
                align="right",
            ),
            "denominator": Col(
                t("Denominator"),
                lambda v: t.number(v, 0 if v == round(v) else 1) if v == v else "—",
                align="right",
            ),
            "result": Col(t("Result"), align="right"),
            "basis": Col(t("Basis"), "label"),
        },
    )
    return Section(title, 1, [table], appendix=True)


def own_ledger(report: Report) -> pd.DataFrame:
    """Ledger lines of the files behind the report: the unit's own and the city-wide ones."""
    ledger = report.period.ledger
    if report.is_city:
        return ledger
    own = set(report.period.files_of(report.unit))
    return ledger[ledger["file"].fillna("").isin(own)]


def cleaning_summary(report: Report) -> Section:
    """What was done to the files behind this report, and what was removed from them."""
    t = report.t
    ledger = own_ledger(report)
    personal = ledger[ledger["before"] == "‹removed›"]
    lines = ledger[ledger["before"] != "‹removed›"]
    severities = {"note": t("note"), "rounding": t("rounding"), "warning": t("warning"), "error": t("error")}
    actions = {
        "recognised": t("recognised"),
        "changed": t("changed"),
        "rejected": t("rejected"),
        "flagged": t("flagged"),
    }
    table = (
        lines.groupby(["action", "severity", "rule"], sort=True)["n"]
        .sum()
        .reset_index()
        .assign(
            action_label=lambda f: f["action"].map(actions),
            severity_label=lambda f: f["severity"].map(severities),
        )
    )
    table["rule"] = [report.word(r) for r in table["rule"]]
    blocks: list = []
    if len(table):
        blocks.append(
            report.finding(
                table,
                t(
                    "{n} rows or cells were recognised, changed, rejected or flagged; the ledger names each file and cell.",
                    n=t.integer(table["n"].sum()),
                ),
                title=t("Cleaning in short"),
                columns={
                    "action_label": Col(t("Action"), "label"),
                    "severity_label": Col(t("Severity"), "label"),
                    "rule": Col(t("Rule"), "label", width=2),
                    "n": Col(t("Rows or cells"), "integer"),
                },
            )
        )
    asked = report.has("responses")
    statement = [
        t(
            "Names, phone numbers, identity numbers, addresses to the door, network addresses and account names are removed when a file is read; nothing of them is stored."
        ),
        *[
            t(
                "Repeated questionnaires are recognised by a keyed hash; the key lies outside the study and moves no figure."
            ),
            t(
                "Free text does not leave the intake; no figure of this report rests on fewer than {k} respondents.",
                k=t.integer(report.study.config.disclosure["internal"]),
            ),
        ]
        * asked,
        t(
            "{n} cells with personal content were removed from the files behind this report.",
            n=t.integer(personal["n"].sum()),
        ),
    ]
    blocks.append(Section(t("De-identification"), 2, [Bullets(statement)]))
    return Section(t("Cleaning and de-identification"), 1, blocks, appendix=True)


def manifest(report: Report) -> Section:
    """What this report was made from, with hashes."""
    from importlib.metadata import version

    t = report.t
    inputs = report.period.report_inputs(report.unit)
    inputs = {k: v for k, v in inputs.items() if k not in RESULTS or len(report.period.result(k))}
    rows = [
        (t("Input"), report.starting(report.word(INPUTS.get(name, name))), digest[:8])
        for name, digest in inputs.items()
    ]
    rows += [
        (t("Version"), name, version(name)) for name in ("commlab", "pandas", "numpy", "scipy", "statsmodels")
    ]
    rows += [
        (t("Parameter"), report.starting(t("period")), report.period.name),
        (t("Parameter"), report.starting(t("unit")), report.unit),
        (
            t("Parameter"),
            report.starting(t("language")),
            t("English") if report.language == "en" else t("Chinese"),
        ),
    ]
    table = pd.DataFrame(rows, columns=["kind", "name", "value"])
    found = report.finding(
        table,
        t(
            "This report can be made again from {n} inputs; the first eight digits of their hashes:",
            n=t.integer(len(inputs)),
        ),
        title=t("Manifest"),
        columns={"kind": Col(t("Kind")), "name": Col(t("Name"), width=2), "value": Col(t("Value"))},
    )
    return Section(t("Manifest"), 1, [found], appendix=True)
