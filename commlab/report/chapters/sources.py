"""What came in: a chapter of the method notebooks."""

from __future__ import annotations

from commlab.report.chapters.base import Report
from commlab.report.finding import Col, Section

__all__ = ["intake"]


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
