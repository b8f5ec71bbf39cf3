"""The indicator table, candidates for naming, and where the district loses most."""

from __future__ import annotations

import math

import pandas as pd

from commlab.framework import Part
from commlab.report.chapters.base import Report
from commlab.report.finding import Col, Section
from commlab.text import MISSING, Text

__all__ = ["METHODS", "candidates", "indicators", "weak_points"]

METHODS = {
    "field": "field check",
    "media": "web and media",
    "questionnaire": "questionnaire",
    "documents": "documents",
}
IN_SHORT = {"field": "field", "media": "web", "questionnaire": "survey", "documents": "files"}
"""Names of the methods in the table of indicators."""
LEAST_CHANCE = 0.01
"""Chances below this, or as near to certainty, are not told apart."""


def indicator_rows(report: Report) -> pd.DataFrame:
    """One row a node in printed order, ``total`` last: label, weight, score, rank, city mean, difference, ..."""
    t = report.t
    nodes = report.study.framework.table.sort_values("order")
    profile = report.profiles
    weights = report.period.indicator_weights().set_index("code")["weight"]
    evidence = report.period.result("evidence")
    counted = (
        evidence[(evidence["set"] == "district") & (evidence["unit"] == report.unit)].groupby("code").size()
    )
    rows = nodes[["code", "parent", "level", "methods"]].merge(
        profile, left_on="code", right_index=True, how="left", suffixes=("", "_own")
    )
    rows["weight"] = rows["code"].map(weights)
    rows["label"] = [f"{c} {report.label(c)}" for c in rows["code"]]
    rows["method"] = [
        report.starting(t.listing(t(IN_SHORT[m]) for m in methods)) if len(methods) else MISSING
        for methods in rows["methods"]
    ]
    sums = {str(code): float(number) for code, number in counted.items()}
    above = dict(zip(nodes["code"], nodes["parent"], strict=True))
    for code, number in counted.items():
        at = above.get(code)
        while isinstance(at, str):
            sums[at] = sums.get(at, 0.0) + number
            at = above.get(at)
    rows["evidence"] = rows["code"].map(sums)
    total = (
        profile.loc[["total"]]
        .reset_index()
        .assign(label=t("Total"), level=0, weight=1.0, method=MISSING, evidence=counted.sum())
    )
    out = pd.concat([rows, total], ignore_index=True)
    out["leaf"] = out["code"].isin(report.study.framework.leaves)
    return out.assign(strong=~out["leaf"])


def indicators(report: Report) -> Section:
    """Every indicator: weight, score, rank, city mean, difference, method, evidence, coverage."""
    t = report.t
    rows = indicator_rows(report)
    leaves = rows[rows["leaf"]]
    secondary = rows[rows["level"] == 2]
    columns = {
        "label": Col(t("Indicator")),
        "weight": Col(t("Weight"), "percent", digits=2),
        "city_mean": Col(t("City mean"), "number"),
    }
    if report.is_city:
        spread = report.period.scores("district").pivot(index="code", columns="unit", values="score")
        rows["low"], rows["high"] = rows["code"].map(spread.min(axis=1)), rows["code"].map(spread.max(axis=1))
        rows["best"] = rows["code"].map(_first(report, spread))
        columns |= {
            "low": Col(t("Lowest"), "number"),
            "high": Col(t("Highest"), "number"),
            "best": Col(t("Highest in")),
            "n": Col(t("Districts scored"), "integer"),
        }
        low = secondary.loc[secondary["city_mean"].idxmin()]
        high = secondary.loc[secondary["city_mean"].idxmax()]
        text = t(
            "Over {counted} the secondary indicator with the highest mean is {high} ({a}); the lowest is {low} ({b}).",
            counted=report.counted,
            high=high["label"],
            a=t.number(high["city_mean"]),
            low=low["label"],
            b=t.number(low["city_mean"]),
        )
        return Section(
            t("Indicators"),
            1,
            [
                report.finding(
                    rows, text, title=t("Indicators over the city"), columns=columns, strong="strong"
                )
            ],
        )
    columns |= {
        "score": Col(t("Score"), "number"),
        "rank": Col(t("District rank"), "integer"),
        "difference": Col(t("Difference"), "signed"),
        "method": Col(t("Method"), str),
        "evidence": Col(t("Evidence"), "integer"),
        "coverage": Col(t("Coverage"), "percent", digits=0),
    }
    order = ["label", "weight", "score", "rank", "city_mean", "difference", "method", "evidence", "coverage"]
    known = leaves.dropna(subset=["score"])
    missing = leaves[leaves["state"] == "missing"]
    away = leaves[leaves["state"] == "not_applicable"]
    text = t(
        "{n} of {all} standards have a score; {above} lie above the city mean, {below} below.",
        n=t.integer(len(known)),
        all=t.integer(len(leaves)),
        above=t.integer((known["difference"] > 0).sum()),
        below=t.integer((known["difference"] < 0).sum()),
    )
    if len(missing):
        text = report.join(
            text, t("Missing (not counted as zero): {names}.", names=t.listing(missing["code"]))
        )
    if len(away):
        text = report.join(text, t("Not applicable: {names}.", names=t.listing(away["code"])))
    table = report.finding(
        rows,
        text,
        title=t("Indicators, scores and evidence"),
        columns={c: columns[c] for c in order},
        strong="strong",
        notes=[
            t(
                "Weight: share of the whole. City mean: unweighted mean over {counted}. Evidence: lines of evidence behind the score. Coverage: measured share of the applicable weight.",
                counted=report.counted,
            ),
            t(
                "Method: {words}.",
                words=t.listing(f"{t(IN_SHORT[m])} = {t(word)}" for m, word in METHODS.items()),
            ),
        ],
    )
    return Section(t("Indicators"), 1, [*_pictures(report, secondary), table])


def _first(report: Report, spread: pd.DataFrame) -> dict[str, str]:
    """The best district of every indicator; where several share the best score, how many do."""
    t, best = report.t, spread.max(axis=1)
    shared = spread.eq(best, axis=0).sum(axis=1)
    return {
        code: spread.loc[code].idxmax() if n == 1 else t("{n} districts", n=t.integer(n))
        for code, n in shared.items()
        if n
    }


def _chance(t: Text, p: float) -> str:
    """A share of the draws; never 0% or 100%, which no number of draws can show."""
    if pd.isna(p):
        return MISSING
    if p < LEAST_CHANCE:
        return f"<{t.percent(LEAST_CHANCE, 0)}"
    return f">{t.percent(1 - LEAST_CHANCE, 0)}" if p > 1 - LEAST_CHANCE else t.percent(p, 0)


def _pictures(report: Report, secondary: pd.DataFrame) -> list:
    from commlab.figures import radar, scores_with_city_mean

    t = report.t
    shown = secondary.dropna(subset=["score"])
    primary = [c for c in report.study.framework.children(None) if c in report.profiles.index]
    wide = pd.DataFrame(
        {
            "label": [report.label(c) for c in primary],
            "value": report.profiles.loc[primary, "score"].to_numpy(),
            "mean": report.profiles.loc[primary, "city_mean"].to_numpy(),
        }
    )
    above = shown[shown["difference"] > 0]
    bars = report.finding(
        shown,
        t(
            "Of {all} secondary indicators {n} lie above the city mean.",
            all=t.integer(len(shown)),
            n=t.integer(len(above)),
        ),
        show_table=False,
        figure=scores_with_city_mean(
            pd.DataFrame({"label": shown["label"], "score": shown["score"], "city_mean": shown["city_mean"]}),
            score_label=report.unit,
            mean_label=t("City mean"),
            xlabel=t("Score (0-100)"),
        ),
        figure_title=t("Scores of the secondary indicators with the city mean"),
    )
    best = wide.loc[(wide["value"] - wide["mean"]).idxmax()]
    star = report.finding(
        wide,
        t(
            "Among the primary indicators the distance to the city mean is largest in its favour, or least against it, for {label} ({points}).",
            label=best["label"],
            points=t.signed(best["value"] - best["mean"]),
        ),
        show_table=False,
        figure=radar(wide, value_label=report.unit, mean_label=t("City mean")),
        figure_title=t("Primary indicators and city mean"),
    )
    return [star, bars]


def candidates(report: Report) -> Section:
    """The communities that apply for naming, their score, rank within the district and chance under the quota."""
    t = report.t
    ranks = report.period.ranks("candidate")
    title = t("Candidates for naming")
    if len(ranks) and not report.is_city:
        ranks = ranks[ranks["group"] == report.unit]
    if ranks.empty:
        return Section(
            title, 1, [t("No candidate community was rated in {period}.", period=report.period_label)]
        )
    names = report.study.register.units.set_index("unit")["name"]
    totals = report.period.scores("candidate").query("code == 'total'").set_index("unit")
    quotas = (
        report.study.register.quotas.set_index("unit")["phase1"]
        if len(report.study.register.quotas)
        else pd.Series(dtype=float)
    )
    rows = ranks.assign(
        name=ranks["unit"].map(names),
        coverage=ranks["unit"].map(totals["coverage"]),
        interval=[t.interval(a, b) for a, b in zip(ranks["score_low"], ranks["score_high"], strict=True)],
        places=[report.places(a, b) for a, b in zip(ranks["rank_low"], ranks["rank_high"], strict=True)],
        quota=ranks["group"].map(quotas),
    ).sort_values(["group", "rank"] if report.is_city else ["rank"])
    inside = rows[rows["rank"] <= rows["quota"]]
    close = rows[rows["p_top"].between(0.1, 0.9)]
    text = report.join(
        t(
            "{n} communities apply for {quota} places of phase 1.",
            n=t.integer(len(rows)),
            quota=t.integer(rows.drop_duplicates("group")["quota"].sum()),
        ),
        t(
            "For {close} of them the draws leave the outcome open (chance between 10% and 90%).",
            close=t.integer(len(close)),
        )
        if len(close)
        else t("For each of them at least 90% of the draws agree on the outcome."),
    )
    if not report.is_city and len(inside):
        text = report.join(text, t("By score these lead: {names}.", names=t.listing(inside["name"])))
    columns = {
        "group": Col(t("District")),
        "name": Col(t("Community"), width=1.6),
        "score": Col(t("Score"), "number"),
        "interval": Col(t("Interval"), align="center"),
        "rank": Col(t("Rank"), "integer"),
        "places": Col(t("Rank interval"), align="center"),
        "p_top": Col(t("Chance of a place"), lambda p: _chance(t, p), align="right"),
        "coverage": Col(t("Coverage"), "percent", digits=0),
    }
    if not report.is_city:
        columns.pop("group")
    table = report.finding(
        rows,
        text,
        title=t("Candidates, scores and chances under the quota"),
        columns=columns,
        notes=[
            t(
                "Candidates are compared only within their district. What is measured at the district is the same for all of them. This table proposes nothing; naming is decided by the city."
            )
        ],
    )
    return Section(title, 1, [table])


def weak_points(report: Report) -> Section:
    """The standards on which most of the total is lost, and the printed norms that are not met."""
    t = report.t
    rows = indicator_rows(report)
    leaves = rows[rows["leaf"]].copy()
    score = "city_mean" if report.is_city else "score"
    leaves["loss"] = leaves["weight"] * (100 - leaves[score])
    worst = leaves.dropna(subset=["loss"]).nlargest(report.study.config.choices.weak_points, "loss")
    title = t("Weak points")
    if worst.empty:
        return Section(title, 1, [t("No standard has a score.")])
    text = t(
        "The {n} standards that cost most take {points} of the {lost} points that the total falls short of 100.",
        n=t.integer(len(worst)),
        points=t.number(worst["loss"].sum()),
        lost=t.number(leaves["loss"].sum()),
    )
    columns = {
        "label": Col(t("Indicator"), width=1.5),
        "weight": Col(t("Weight"), "percent", digits=2),
        score: Col(t("City mean") if report.is_city else t("Score"), "number"),
        "loss": Col(t("Points lost"), "number", digits=2),
    }
    if not report.is_city:
        columns |= {"city_mean": Col(t("City mean"), "number"), "difference": Col(t("Difference"), "signed")}
    table = report.finding(
        worst,
        text,
        title=t("Standards that cost most"),
        columns=columns,
        notes=[t("Points lost = weight x (100 - score).")],
    )
    return Section(title, 1, [table, *_norms(report)])


def _norms(report: Report) -> list:
    from commlab.report.chapters.summary import official_parts

    t, rows = report.t, official_parts(report)
    rows = rows[rows["state"].isin(["scored", "failed", "missing", "not_applicable"])]
    if rows.empty:
        return []
    parts = {
        (p.code, p.part): p for c in report.study.framework.leaves for p in report.study.framework.parts(c)
    }
    if report.is_city:
        table = (
            rows.groupby(["code", "part"], sort=False)["state"]
            .value_counts()
            .unstack(fill_value=0)
            .reindex(columns=["scored", "failed", "missing", "not_applicable"], fill_value=0)
            .reset_index()
        )
        table["label"] = [
            _part_label(report, parts, c, p) for c, p in zip(table["code"], table["part"], strict=True)
        ]
        hardest = table.loc[table["failed"].idxmax()]
        text = t(
            "Of the printed norms, {label} is missed by most districts ({n}).",
            label=hardest["label"],
            n=t.integer(hardest["failed"]),
        )
        columns = {
            "label": Col(t("Printed norm"), width=1.5),
            "scored": Col(t("Met"), "integer"),
            "failed": Col(t("Not met"), "integer"),
            "missing": Col(t("Missing"), "integer"),
            "not_applicable": Col(t("Not applicable"), "integer"),
        }
        return [report.finding(table, text, title=t("Printed norms over the districts"), columns=columns)]
    mine = rows[rows["unit"] == report.unit].copy()
    if mine.empty:
        return []
    words = {
        "scored": t("met"),
        "failed": t("not met"),
        "missing": t("missing"),
        "not_applicable": t("not applicable"),
    }
    mine["label"] = [
        _part_label(report, parts, c, p) for c, p in zip(mine["code"], mine["part"], strict=True)
    ]
    mine["norm"] = [_norm(t, parts[c, p]) for c, p in zip(mine["code"], mine["part"], strict=True)]
    mine["measured"] = [
        t.percent(v) if parts[c, p].rule in ("growth", "rate") else t.number(v, 2)
        for c, p, v in zip(mine["code"], mine["part"], mine["value"], strict=True)
    ]
    mine["verdict"] = mine["state"].map(words)
    text = t(
        "Of {n} printed norms {met} are met, {failed} not met, {other} cannot be judged.",
        n=t.integer(len(mine)),
        met=t.integer((mine["state"] == "scored").sum()),
        failed=t.integer((mine["state"] == "failed").sum()),
        other=t.integer(mine["state"].isin(["missing", "not_applicable"]).sum()),
    )
    columns = {
        "label": Col(t("Printed norm"), width=1.5),
        "norm": Col(t("Required"), align="center"),
        "measured": Col(t("Measured"), align="center"),
        "verdict": Col(t("Finding"), "label"),
    }
    return [report.finding(mine, text, title=t("Printed norms"), columns=columns)]


def _part_label(report: Report, parts: dict[tuple[str, str], Part], code: str, part: str) -> str:
    own = parts[code, part]
    name = (own.zh if report.language == "zh" else own.en) or report.label(code)
    return f"{code} {report.starting(name)}"


def _norm(t: Text, part: Part) -> str:
    signs = {">=": "≥", "<=": "≤", ">": ">", "<": "<", "==": "="}
    if part.rule == "growth":
        whole = part.target is not None and math.isclose(part.target * 100, round(part.target * 100))
        return t("≥ {target} a year", target=t.percent(part.target, 0 if whole else 1))
    return f"{signs[part.op or '>=']} {t.number(part.target, 0)}"
