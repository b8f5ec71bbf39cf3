"""Where most of the total is lost: standards, faults that took points, printed norms that are not met."""

from __future__ import annotations

import math

import pandas as pd

from commlab.framework import Part, exact
from commlab.framework.entries import FULL
from commlab.report.chapters.base import EXACT, Report
from commlab.report.chapters.indicators import indicator_rows
from commlab.report.chapters.summary import official_parts
from commlab.report.finding import Col, Section
from commlab.text import Text

__all__ = ["norm_text", "part_label", "weak_points"]

PERCENT = 100
SHARES = ("growth", "rate", "yes_no", "checklist")
"""Rules whose value is a share."""


def weak_points(report: Report) -> Section:
    """The standards on which most of the total is lost, and the printed norms that are not met."""
    t = report.t
    rows = indicator_rows(report)
    leaves = rows[rows["leaf"]].copy()
    score = "city_mean" if report.is_city else "score"
    leaves["weight"] = leaves["code"].map(_weights(report))
    share = report.percent_of_full(leaves.set_index("code")[score]).to_numpy() / FULL
    leaves["loss"] = leaves["weight"] * (1 - share) * report.full()
    worst = leaves[leaves["loss"] > EXACT].nlargest(report.study.config.choices.weak_points, "loss")
    title = t("Weak points")
    if worst.empty:
        scored = leaves["loss"].notna().any()
        return Section(title, 1, [t("No standard lost points." if scored else "No standard has a score.")])
    text = t(
        "The {n} standards that cost most take {points} of the {lost} points that the total falls short of {full}.",
        full=t.number(report.full(), 0),
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
    if not report.is_city and len(report.peers) > 1:
        columns |= {"city_mean": Col(t("City mean"), "number"), "difference": Col(t("Difference"), "signed")}
    table = report.finding(
        worst,
        text,
        title=t("Standards that cost most"),
        columns=columns,
        notes=[
            t("Points lost = weight x (1 - score / full marks) x full marks of the whole.")
            if report.pointed
            else t("Points lost = weight x (100 - score).")
        ],
    )
    return Section(title, 1, [table, *_deductions(report), *_norms(report)])


def _weights(report: Report) -> pd.Series:
    """What each standard weighs among what applies to the unit; for the city the mean over its districts."""
    scores = report.period.scores("district")
    scores = scores if report.is_city else scores[scores["unit"] == report.unit]
    return scores["weight"].groupby(scores["code"]).mean()


def _deductions(report: Report) -> list:
    """What points were taken off for, fault by fault."""
    t, evidence = report.t, report.period.result("evidence")
    parts = {
        (p.code, p.part): p for c in report.study.framework.leaves for p in report.study.framework.parts(c)
    }
    mine = evidence[(evidence["set"] == "district") & (evidence["role"] == "item") & (evidence["value"] > 0)]
    off = [parts[k].rule == "deduction" for k in zip(mine["code"], mine["part"], strict=True)]
    mine = mine[pd.Series(off, index=mine.index, dtype=bool)]
    if not report.is_city:
        mine = mine[mine["unit"] == report.unit]
    if mine.empty:
        return []
    table = mine.groupby(["code", "part", "item"], sort=False, as_index=False)["value"].sum()
    asked = [
        next(i for i in parts[r.code, r.part].items if i["item"] == r.item)
        for r in table.itertuples(index=False)
    ]
    table["label"] = [f"{c} {report.label(c)}" for c in table["code"]]
    table["fault"] = [(i.get(report.language) or i.get("zh") or i["item"]) for i in asked]
    table["each"] = [t("all") if i.get("all") else t.number(i["per"], 1) for i in asked]
    table["most"] = [t.number(i.get("cap"), 1) for i in asked]
    most = table.loc[table["value"].idxmax()]
    text = t(
        "Points were taken off for {n} kinds of faults; the most frequent is {fault} ({times} times).",
        n=t.integer(len(table)),
        fault=most["fault"],
        times=t.integer(most["value"]),
    )
    columns = {
        "label": Col(t("Indicator"), width=1.5),
        "fault": Col(t("Fault"), "label", width=1.5),
        "value": Col(t("Times"), "integer"),
        "each": Col(t("Points each"), align="right"),
        "most": Col(t("At most"), align="right"),
    }
    return [report.finding(table, text, title=t("What points were taken off for"), columns=columns)]


def _norms(report: Report) -> list:
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
            part_label(report, parts, c, p) for c, p in zip(table["code"], table["part"], strict=True)
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
    mine["label"] = [part_label(report, parts, c, p) for c, p in zip(mine["code"], mine["part"], strict=True)]
    mine["norm"] = [norm_text(t, parts[c, p]) for c, p in zip(mine["code"], mine["part"], strict=True)]
    mine["measured"] = [
        t.percent(v) if parts[c, p].rule in SHARES else t.number(v, 2)
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


def part_label(report: Report, parts: dict[tuple[str, str], Part], code: str, part: str) -> str:
    """A part of a standard by its own name, or that of the standard."""
    own = parts[code, part]
    name = (own.zh if report.language == "zh" else own.en) or report.label(code)
    return f"{code} {report.starting(name)}"


def norm_text(t: Text, part: Part) -> str:
    """What a norm asks for, as short as a table's cell."""
    signs = {">=": "≥", "<=": "≤", ">": ">", "<": "<", "==": "="}
    if part.rule == "yes_no":
        return t("yes")
    if part.rule == "range":
        return t("{low} to {high}", low=_plain(t, part.params["low"]), high=_plain(t, part.params["high"]))
    if part.rule == "checklist":
        return t("all points") if not part.params.get("graded", True) else t("each point")
    if part.rule == "growth":
        return t("≥ {target} a year", target=_percent(t, part.target))
    target = _percent(t, part.target) if part.rule == "rate" else _plain(t, part.target)
    return f"{signs[part.op or '>=']} {target}"


def _plain(t: Text, value: object) -> str:
    """A number of the document with the decimals that it has; a fraction as it is printed."""
    if isinstance(value, str):
        return value
    number = float(exact(value))
    return t.number(number, next((d for d in range(4) if math.isclose(round(number, d), number)), 4))


def _percent(t: Text, value: object) -> str:
    if isinstance(value, str):
        return value
    number = float(exact(value))
    return t.percent(number, 0 if math.isclose(number * PERCENT, round(number * PERCENT)) else 1)
