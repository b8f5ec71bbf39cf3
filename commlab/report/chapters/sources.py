"""What came in, and what experts said: chapters of the method notebooks."""

from __future__ import annotations

import pandas as pd

from commlab.report.chapters.base import Report
from commlab.report.finding import Col, Section

__all__ = ["delphi_rounds", "expert_weights", "intake"]


def intake(report: Report) -> Section:
    """Who sent what, and what was done to it."""
    t = report.t
    status = report.period.status
    states = {
        "read": t("read"),
        "carried": t("from an earlier quarter"),
        "failed": t("has errors"),
        "outstanding": t("outstanding"),
    }
    label = "label_zh" if report.language == "zh" else "label_en"
    wide = (
        status.groupby([label, "state"], sort=False)
        .agg(units=("unit", "nunique"), files=("files", "sum"), rows=("rows", "sum"))
        .reset_index()
        .assign(state_label=lambda f: f["state"].map(states))
    )
    blocked = {**report.period.failed, **report.period.outstanding}
    text = t(
        "{files} files with {rows} rows were read.",
        files=t.integer(status["files"].sum()),
        rows=t.integer(status["rows"].sum()),
    )
    text = report.join(
        text,
        t("Not reported: {units}.", units=t.listing(blocked))
        if blocked
        else t("Every office has sent what is expected."),
    )
    sent = report.finding(
        wide,
        text,
        title=t("What was sent"),
        columns={
            label: Col(t("Input"), "label", width=2),
            "state_label": Col(t("State"), "label"),
            "units": Col(t("Offices"), "integer"),
            "files": Col(t("Files"), "integer"),
            "rows": Col(t("Rows"), "integer"),
        },
    )
    ledger = report.period.ledger
    lines = (
        ledger.groupby(["action", "severity"], sort=True)
        .agg(lines=("n", "size"), cells=("n", "sum"))
        .reset_index()
    )
    actions = {
        "recognised": t("recognised"),
        "changed": t("changed"),
        "rejected": t("rejected"),
        "flagged": t("flagged"),
    }
    severities = {"note": t("note"), "rounding": t("rounding"), "warning": t("warning"), "error": t("error")}
    lines = lines.assign(
        action_label=lines["action"].map(actions), severity_label=lines["severity"].map(severities)
    )
    errors = int(ledger.loc[ledger["severity"] == "error", "n"].sum())
    done = report.finding(
        lines,
        t(
            "The ledger has {n} lines, {errors} of them errors.",
            n=t.integer(len(ledger)),
            errors=t.integer(errors),
        ),
        title=t("The ledger in short"),
        columns={
            "action_label": Col(t("Action"), "label"),
            "severity_label": Col(t("Severity"), "label"),
            "lines": Col(t("Lines"), "integer"),
            "cells": Col(t("Rows or cells"), "integer"),
        },
    )
    return Section(t("Inputs and what was done to them"), 1, [sent, done])


def expert_weights(report: Report) -> Section:
    """Consistency of every expert's matrices."""
    t = report.t
    experts = report.period.result("weight_experts")
    title = t("Consistency of the experts' judgements")
    if experts.empty:
        return Section(title, 1, [t("No pairwise judgements were given: weights are equal or printed.")])
    wide = experts.pivot(index="expert", columns="node", values="cr")
    nodes = ["total", *[c for c in report.study.framework.table["code"] if c in wide.columns]]
    wide = wide[[n for n in nodes if n in wide.columns]].reset_index()
    bound = report.study.config.choices.ahp_max_cr
    bad = experts[experts["cr"] > bound]
    text = t(
        "{n} of {all} matrices pass (consistency ratio at most {bound}).",
        n=t.integer(len(experts) - len(bad)),
        all=t.integer(len(experts)),
        bound=t.number(bound, 2),
    )
    if len(bad):
        text = report.join(
            text,
            t(
                "Above the bound: {names}.",
                names=t.listing(
                    f"{e} ({n}: {t.number(c, 3)})"
                    for e, n, c in zip(bad["expert"], bad["node"], bad["cr"], strict=True)
                ),
            ),
        )
    columns = {"expert": Col(t("Expert"))} | {
        n: Col(t("Total") if n == "total" else n, "number", digits=3) for n in wide.columns if n != "expert"
    }
    return Section(
        title,
        1,
        [report.finding(wide, text, title=t("Consistency ratios by expert and node"), columns=columns)],
    )


def delphi_rounds(report: Report) -> Section:
    """Importance per standard and round, and how far experts agree."""
    t = report.t
    items, agreement = report.period.result("delphi_items"), report.period.result("delphi_agreement")
    title = t("Delphi rounds")
    if items.empty:
        return Section(title, 1, [t("No Delphi answers were given.")])
    last = items["round"].max()
    wide = items.pivot(index="code", columns="round", values=["mean", "cv", "full_score_rate"])
    wide.columns = [f"{a}_{b}" for a, b in wide.columns]
    order = report.study.framework.table.set_index("code")["order"]
    wide = wide.reset_index().assign(order=lambda f: f["code"].map(order)).sort_values("order")
    wide["label"] = [f"{c} {report.label(c)}" for c in wide["code"]]
    verdicts = items[items["round"] == last].set_index("code")["verdict"]
    kept = verdicts == "keep"
    words = {"keep": t("kept"), "discuss": t("to discuss"), "drop": t("dropped")}
    wide["verdict"] = wide["code"].map(verdicts).map(words)
    rounds = sorted(items["round"].unique())
    columns: dict[str, Col] = {"label": Col(t("Standard"), width=3)}
    for r in rounds:
        group = t("Round {n}", n=r)
        columns |= {
            f"mean_{r}": Col(t("Mean"), "number", digits=2, group=group),
            f"cv_{r}": Col(t("CV"), "number", digits=2, group=group),
            f"full_score_rate_{r}": Col(t("Full score"), "percent", digits=0, group=group),
        }
    columns["verdict"] = Col(t("Finding"), "label")
    text = t(
        "In round {n} {kept} of {all} standards pass the threshold method.",
        n=t.integer(last),
        kept=t.integer(kept.sum()),
        all=t.integer(len(kept)),
    )
    blocks = [report.finding(wide, text, title=t("Importance of the standards by round"), columns=columns)]
    if len(agreement):
        final = agreement[agreement["round"] == last].iloc[0]
        blocks.append(
            report.finding(
                pd.DataFrame(agreement),
                t(
                    "Kendall's W in round {n} is {w} (p {p}).",
                    n=t.integer(last),
                    w=t.number(final["w"], 3),
                    p=t.p_value(final["p_value"]),
                ),
                title=t("Agreement of the experts"),
                columns={
                    "round": Col(t("Round"), "integer"),
                    "level": Col(t("Level"), lambda v: str(v)),
                    "w": Col("W", "number", digits=3),
                    "chi2": Col("χ²", "number", digits=2),
                    "df": Col(t("df"), "integer"),
                    "p_value": Col("p", "p_value"),
                },
            )
        )
    return Section(title, 1, blocks)
