"""``appendix.xlsx``: the numbers behind a report, unrounded, one sheet a kind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from commlab.report.finding import Col
from commlab.report.xlsx import Sheet, write_workbook

if TYPE_CHECKING:
    from commlab.report.chapters import Report
    from commlab.study import Period

__all__ = ["appendix"]

_ANSWERS = "responses: "
"""How the source of an answer begins (see ``scoring.residents``)."""


def appendix(period: Period, unit: str, path: str | Path, *, language: str = "zh") -> Path:
    """Write the workbook of a district, or of the city (``unit`` is ``city`` or the city's name).

    Returns
    -------
    Path
        The path; same results, same bytes.
    """
    from commlab.report.chapters import Report, cover
    from commlab.text import Text

    study = period.study
    name = study.config.city if unit == "city" else unit
    report = Report(study, period, name, Text(language))
    makers = (
        _overview,
        _scores,
        _satisfaction,
        _change,
        _weights,
        _evidence,
        _candidates,
        _ledger,
        _dictionary,
        _denominators,
    )
    sheets = [sheet for make in makers if (sheet := make(report)) is not None and len(sheet.table)]
    return write_workbook(path, sheets, cover=cover(report))


def _overview(report: Report) -> Sheet:
    from commlab.report.chapters.city import district_rows

    t = report.t
    rows = district_rows(report)
    if not report.is_city:
        rows = rows[rows["unit"] == report.unit]
    return Sheet(
        t("Overview"),
        rows,
        t("Districts: score, rank and satisfaction"),
        t("The figures of the index page, unrounded."),
        {
            "unit": Col(t("District")),
            "score": Col(t("Score"), "number", digits=4),
            "score_low": Col(t("Lower (score)"), "number", digits=4),
            "score_high": Col(t("Upper (score)"), "number", digits=4),
            "rank": Col(t("Rank"), "integer"),
            "rank_low": Col(t("Best rank"), "integer"),
            "rank_high": Col(t("Worst rank"), "integer"),
            "satisfied": Col(t("Satisfied"), "percent", digits=2),
            "satisfied_low": Col(t("Lower (satisfied)"), "percent", digits=2),
            "satisfied_high": Col(t("Upper (satisfied)"), "percent", digits=2),
            "n": Col(t("Answers"), "integer"),
            "coverage": Col(t("Coverage"), "percent", digits=2),
        },
    )


def _scores(report: Report) -> Sheet:
    from commlab.report.chapters.indicators import indicator_rows

    t = report.t
    rows = indicator_rows(report)
    columns = {
        "code": Col(t("Code")),
        "label": Col(t("Indicator"), width=4),
        "weight": Col(t("Weight"), "percent", digits=4),
        "city_mean": Col(t("City mean"), "number", digits=4),
    }
    if report.is_city:
        wide = report.period.scores("district").pivot(index="code", columns="unit", values="score")
        rows = rows.merge(wide, left_on="code", right_index=True, how="left")
        columns |= {d: Col(d, "number", digits=4) for d in report.period.districts if d in wide}
    else:
        columns |= {
            "score": Col(t("Score"), "number", digits=4),
            "difference": Col(t("Difference"), "signed", digits=4),
            "rank": Col(t("District rank"), "integer"),
            "state_label": Col(t("State")),
            "coverage": Col(t("Coverage"), "percent", digits=1),
            "contribution": Col(t("Contribution"), "number", digits=4),
            "evidence": Col(t("Evidence"), "integer"),
            "method": Col(t("Method"), width=2),
        }
        rows["state_label"] = [report.state(s) for s in rows["state"]]
    rows["code"] = rows["code"].where(rows["code"] != "total", "—")
    return Sheet(
        t("Scores"),
        rows,
        t("Scores of all indicators"),
        t("Weight, score, city mean, rank and coverage of every indicator."),
        columns,
    )


def _satisfaction(report: Report) -> Sheet | None:
    t = report.t
    rows = report.satisfaction
    if rows.empty:
        return None
    rows = rows[rows["n"] >= report.study.config.disclosure["internal"]]
    statistics = {
        "mean": t("mean"), "index": t("index"), "satisfied": t("satisfied share"), "dissatisfied": t("dissatisfied share"),
        "net": t("net"), "dont_know": t("share of don't know"),
    }  # fmt: skip
    weightings = {
        "design": t("Base weights"),
        "raked": t("Raked to the census"),
        "all": t("With excluded answers"),
    }
    rows = rows.assign(
        label=[report.item(i) for i in rows["item"]],
        statistic_label=rows["statistic"].map(statistics),
        weighting_label=rows["weighting"].map(weightings),
    )
    return Sheet(
        t("Satisfaction"),
        rows,
        t("Satisfaction per item"),
        t("Every statistic of every item with standard error and interval, under three weightings."),
        {
            "weighting_label": Col(t("Choice")),
            "label": Col(t("Item"), width=2),
            "statistic_label": Col(t("Statistic")),
            "estimate": Col(t("Estimate"), "number", digits=4),
            "se": Col(t("Standard error"), "number", digits=4),
            "ci_low": Col(t("Lower"), "number", digits=4),
            "ci_high": Col(t("Upper"), "number", digits=4),
            "df": Col(t("df"), "number", digits=0),
            "n": Col(t("Answers"), "integer"),
            "n_effective": Col(t("Effective answers"), "number", digits=1),
        },
    )


def _change(report: Report) -> Sheet | None:
    t = report.t
    rows = report.of_unit("change")
    if rows.empty:
        return None
    rows = rows.assign(label=[report.item(i) for i in rows["item"]])
    return Sheet(
        t("Change"),
        rows,
        t("Change of the index per item"),
        t("Index before and now, change, interval, p value before and after Holm's adjustment."),
        {
            "label": Col(t("Item"), width=2),
            "before": Col(t("Before"), "number", digits=4),
            "after": Col(t("Now"), "number", digits=4),
            "estimate": Col(t("Change"), "signed", digits=4),
            "se": Col(t("Standard error"), "number", digits=4),
            "ci_low": Col(t("Lower"), "number", digits=4),
            "ci_high": Col(t("Upper"), "number", digits=4),
            "df": Col(t("df"), "number", digits=0),
            "p_value": Col("p", "p_value"),
            "p_holm": Col(t("p (Holm)"), "p_value"),
        },
    )


def _weights(report: Report) -> Sheet:
    t = report.t
    rows = report.period.indicator_weights().sort_values("order")
    origins = {
        "ahp": t("expert judgement (group AHP)"),
        "document": t("printed in the document"),
        "equal": t("equal among siblings"),
    }
    rows = rows.assign(
        label=[report.label(c) for c in rows["code"]], origin_label=rows["origin"].map(origins)
    )
    return Sheet(
        t("Weights"),
        rows,
        t("Weights of all indicators"),
        t("Weight among siblings, weight in the whole, and where it comes from."),
        {
            "code": Col(t("Code")),
            "label": Col(t("Indicator"), width=3),
            "local": Col(t("Weight among siblings"), "number", digits=4),
            "weight": Col(t("Weight in the whole"), "number", digits=4),
            "origin_label": Col(t("Origin"), width=2),
        },
    )


def _evidence(report: Report) -> Sheet | None:
    t = report.t
    evidence = report.period.result("evidence")
    rows = evidence[evidence["set"] == "district"]
    if not report.is_city:
        rows = rows[rows["unit"] == report.unit]
    stages = {"self": t("self"), "district": t("district"), "expert": t("expert")}
    framework = report.study.framework
    order = framework.table.set_index("code")["order"]
    parts = {
        (p.code, p.part): p.zh if report.language == "zh" else p.en
        for c in framework.leaves
        for p in framework.parts(c)
    }
    rows = rows.assign(
        label=[report.label(c) for c in rows["code"]],
        part_label=[parts.get((c, p)) or "" for c, p in zip(rows["code"], rows["part"], strict=True)],
        what=[report.metric(report.item(i) if isinstance(i, str) else i) for i in rows["item"]],
        source=[
            _source(report, s, n, u) for s, n, u in zip(rows["source"], rows["n"], rows["unit"], strict=True)
        ],
        stage_label=rows["stage"].map(stages).fillna(""),
        state_label=[report.state(s) for s in rows["state"]],
        order=rows["code"].map(order),
    ).sort_values(["unit", "order"], kind="stable")
    columns = {
        "unit": Col(t("Unit")),
        "code": Col(t("Code")),
        "label": Col(t("Standard"), width=3),
        "part_label": Col(t("Part"), "label"),
        "what": Col(t("Figure"), "label", width=2),
        "stage_label": Col(t("Stage"), "label"),
        "value": Col(t("Value"), "number", digits=4),
        "numerator": Col(t("Numerator"), "number", digits=2),
        "denominator": Col(t("Denominator"), "number", digits=2),
        "n": Col(t("n"), "integer"),
        "se": Col(t("Standard error"), "number", digits=4),
        "state_label": Col(t("State")),
        "source": Col(t("Source"), width=5),
    }
    if not report.is_city:
        columns.pop("unit")
    return Sheet(
        t("Evidence"),
        rows,
        t("Evidence behind every score"),
        t("What each score rests on, with file, sheet and cells."),
        columns,
    )


def _source(report: Report, source: object, n: float, unit: str) -> str:
    """Where a value was read; the answers to a question have no cell, they are told in words."""
    text = source if isinstance(source, str) else ""
    if not text.startswith(_ANSWERS):
        return text
    item = text.removeprefix(_ANSWERS).split(",")[0].strip()
    return report.t(
        "questionnaire: {item}, {n} answers of {unit}",
        item=report.item(item),
        n=report.t.integer(n),
        unit=unit,
    )


def _candidates(report: Report) -> Sheet | None:
    t = report.t
    ranks = report.period.ranks("candidate")
    if len(ranks) and not report.is_city:
        ranks = ranks[ranks["group"] == report.unit]
    if ranks.empty:
        return None
    names = report.study.register.units.set_index("unit")["name"]
    scores = report.period.scores("candidate").pivot(index="unit", columns="code", values="score")
    secondary = [c for c in report.study.framework.table.query("level == 2")["code"] if c in scores]
    rows = (
        ranks.assign(name=ranks["unit"].map(names))
        .merge(scores[secondary].reset_index(), on="unit", how="left")
        .sort_values(["group", "rank"])
    )
    return Sheet(
        t("Candidates"),
        rows,
        t("Candidates, scores and chances under the quota"),
        t("Score, interval and rank of every candidate community, and its scores by secondary indicator."),
        {
            "group": Col(t("District")),
            "name": Col(t("Community"), width=2),
            "score": Col(t("Score"), "number", digits=4),
            "score_low": Col(t("Lower"), "number", digits=4),
            "score_high": Col(t("Upper"), "number", digits=4),
            "rank": Col(t("Rank"), "integer"),
            "rank_low": Col(t("Best rank"), "integer"),
            "rank_high": Col(t("Worst rank"), "integer"),
            "p_top": Col(t("Chance of a place"), "percent", digits=1),
        }
        | {c: Col(f"{c} {report.label(c)}", "number", digits=2) for c in secondary},
    )


def _ledger(report: Report) -> Sheet | None:
    from commlab.report.chapters.appendices import own_ledger

    t = report.t
    rows = own_ledger(report)
    rows = (
        rows.groupby(["file", "action", "severity", "rule"], dropna=False, sort=True)["n"].sum().reset_index()
    )
    rows = rows.assign(
        action_label=[report.word(a) for a in rows["action"]],
        severity_label=[report.word(s) for s in rows["severity"]],
        rule_label=[report.word(r) for r in rows["rule"]],
    )
    return Sheet(
        t("Ledger"),
        rows,
        t("Cleaning by file and rule"),
        t("What was recognised, changed, rejected or flagged in each file behind this report."),
        {
            "file": Col(t("File"), width=5),
            "action_label": Col(t("Action")),
            "severity_label": Col(t("Severity")),
            "rule_label": Col(t("Rule"), width=2),
            "n": Col(t("Rows or cells"), "integer"),
        },
    )


def _dictionary(report: Report) -> Sheet:
    from commlab.report.chapters.appendices import dictionary_columns, dictionary_rows

    t = report.t
    return Sheet(
        t("Dictionary"),
        dictionary_rows(report),
        t("Indicator dictionary"),
        t("Rule, norm, level and method of every part of every standard."),
        dictionary_columns(report),
    )


def _denominators(report: Report) -> Sheet | None:
    from commlab.report.chapters.appendices import denominator_rows

    t = report.t
    rows: pd.DataFrame = denominator_rows(report)
    if rows.empty:
        return None
    return Sheet(
        t("Denominators"),
        rows,
        t("Numerators and denominators"),
        t("What every quotient of the evidence is divided by."),
        {
            "label": Col(t("Standard"), width=3),
            "what": Col(t("Figure"), width=2),
            "numerator": Col(t("Numerator"), "number", digits=2),
            "denominator": Col(t("Denominator"), "number", digits=2),
            "value": Col(t("Quotient"), "number", digits=4),
            "result": Col(t("Result"), align="right"),
            "basis": Col(t("Basis"), width=1.5),
        },
    )
