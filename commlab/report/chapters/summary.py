"""The summary: five to eight sentences, each computed from the table behind it."""

from __future__ import annotations

import pandas as pd

from commlab.report.chapters.base import Report
from commlab.report.finding import Bullets, Section

__all__ = ["official_parts", "summary"]

NAMED = 3
"""Items that a sentence of the summary names."""


def summary(report: Report) -> Section:
    """What a reader who stops after one page has to know."""
    told = _city(report) if report.is_city else _standing(report)
    told += [*_satisfied(report), *_moved(report), *_norms(report), *_problems(report)]
    return Section(report.t("Summary"), 1, [Bullets([s for s in told if s])])


def _standing(report: Report) -> list[str]:
    t, here, total = report.t, report.standing, report.profiles.loc["total"]
    told = [
        t(
            "{unit} scored {score} of 100 in {period} (interval {interval}); the mean of {counted} is {mean}.",
            unit=report.unit,
            score=t.number(here["score"]),
            period=report.period_label,
            interval=t.interval(here["score_low"], here["score_high"]),
            counted=report.counted,
            mean=t.number(total["city_mean"]),
        ),
        t(
            "It ranks {rank} of {n}; weights, survey error and raters leave the rank between {low} and {high}.",
            rank=t.integer(here["rank"]),
            n=t.integer(len(report.period.districts)),
            low=t.integer(here["rank_low"]),
            high=t.integer(here["rank_high"]),
        ),
        t("All of the applicable weight was measured.")
        if total["coverage"] == 1
        else t(
            "{coverage} of the applicable weight was measured; what is missing is named in the indicator table.",
            coverage=t.percent(total["coverage"]),
        ),
    ]
    secondary = report.study.framework.table.query("level == 2")["code"]
    gaps = report.profiles.loc[report.profiles.index.isin(secondary), "difference"].dropna()
    if len(gaps) > 1 and gaps.max() > 0 > gaps.min():
        told.append(
            t(
                "Compared with the city mean it is furthest ahead on {best} ({up}) and furthest behind on {worst} ({down}).",
                best=report.label(gaps.idxmax()),
                up=t.signed(gaps.max()),
                worst=report.label(gaps.idxmin()),
                down=t.signed(gaps.min()),
            )
        )
    return told


def _city(report: Report) -> list[str]:
    t = report.t
    ranks = report.period.ranks("district").sort_values("rank")
    first, last = ranks.iloc[0], ranks.iloc[-1]
    sure = ranks[ranks["rank_high"] < first["rank_high"] + 1]
    told = [
        t(
            "In {period} the mean score of {counted} is {mean} of 100, from {low} ({last}) to {high} ({first}).",
            period=report.period_label,
            counted=report.counted,
            mean=t.number(ranks["score"].mean()),
            low=t.number(last["score"]),
            last=last["unit"],
            high=t.number(first["score"]),
            first=first["unit"],
        )
    ]
    overlap = ranks[ranks["score_high"] >= first["score_low"]]
    if len(overlap) > 1:
        told.append(
            t(
                "The score intervals of {n} more districts overlap with the first one's: do not read these places as an order.",
                n=t.integer(len(overlap) - 1),
            )
        )
    elif len(sure):
        told.append(t("{unit} leads by more than the uncertainty of its score.", unit=first["unit"]))
    blocked = {**report.period.failed, **report.period.outstanding}
    if blocked:
        told.append(
            t(
                "{units} could not be reported (errors in the files, or nothing sent) and are in no city figure.",
                units=t.listing(blocked),
            )
        )
    return told


def _satisfied(report: Report) -> list[str]:
    t, item, row = report.t, report.overall_item, report.overall
    if item is None or row is None:
        return []
    return [
        t(
            '{share} of adults are satisfied with "{item}" (interval {interval}, {n} answers).',
            share=t.percent(row["estimate"]),
            item=report.item(item),
            interval=t.interval(row["ci_low"], row["ci_high"], percent=True),
            n=t.integer(row["n"]),
        )
    ]


def _moved(report: Report) -> list[str]:
    t, rows = report.t, report.of_unit("change")
    before = report.period.previous
    rows = rows[rows["rule"] == ""] if len(rows) else rows
    if rows.empty or before is None:
        return []
    tested = rows[rows["p_holm"].notna()]
    if tested.empty:
        return [
            t(
                "Too few communities were surveyed to test what changed since {before}; intervals are shown.",
                before=t.period(before.name),
            )
        ]
    sure = tested[tested["p_holm"] < 1 - report.study.config.choices.confidence]
    up, down = sure[sure["estimate"] > 0], sure[sure["estimate"] < 0]
    if sure.empty:
        return [
            t(
                "Of {n} satisfaction items none shows a significant change since {before} (after Holm's adjustment).",
                n=t.integer(len(tested)),
                before=t.period(before.name),
            )
        ]
    parts = []
    for moved, message, most in (
        (up, "{n} rose ({names})", "{n} rose (most of all {names})"),
        (down, "{n} fell ({names})", "{n} fell (most of all {names})"),
    ):
        if len(moved):
            strongest = moved.reindex(moved["estimate"].abs().sort_values(ascending=False).index)
            names = t.listing(report.item(i) for i in strongest["item"].head(NAMED))
            parts.append(t(most if len(moved) > NAMED else message, n=t.integer(len(moved)), names=names))
    message = (
        "Since {before}, of {n} satisfaction items {moved}."
        if len(sure) == len(tested)
        else "Since {before}, of {n} satisfaction items {moved}; the others show no significant change."
    )
    moved = t.listing(parts)
    return [t(message, before=t.period(before.name), n=t.integer(len(tested)), moved=moved)]


def official_parts(report: Report) -> pd.DataFrame:
    """unit, code, part, value, score, state of the parts whose norm the document prints."""
    parts = report.study.framework.part_table
    official = parts[parts["official"]][["code", "part"]]
    leaves = report.period.leaf_scores("district")
    return leaves.merge(official, on=["code", "part"])


def _norms(report: Report) -> list[str]:
    t, rows = report.t, official_parts(report)
    rows = rows[rows["state"].isin(["scored", "failed"])]
    if rows.empty:
        return []
    if report.is_city:
        failed = rows[rows["state"] == "failed"].groupby("unit").size()
        return [
            t(
                "All printed norms that apply are met by {n} of {all} districts.",
                n=t.integer(rows["unit"].nunique() - len(failed)),
                all=t.integer(rows["unit"].nunique()),
            )
        ]
    mine = rows[rows["unit"] == report.unit]
    failed = mine[mine["state"] == "failed"]
    if failed.empty:
        return [t("It meets all {n} printed norms that apply to it.", n=t.integer(len(mine)))]
    return [
        t(
            "It meets {n} of the {all} printed norms that apply to it; not met: {names}.",
            n=t.integer(len(mine) - len(failed)),
            all=t.integer(len(mine)),
            names=t.listing(dict.fromkeys(f"{c} {report.label(c)}" for c in failed["code"])),
        )
    ]


def _problems(report: Report) -> list[str]:
    t, rows = report.t, report.period.result("problem_states")
    if not report.is_city:
        rows = rows[rows["district"] == report.unit]
    if rows.empty:
        return []
    state = rows["state"].value_counts()
    return [
        t(
            "Of {n} problems found, {closed} are closed, {open} open within their term and {overdue} overdue.",
            n=t.integer(len(rows)),
            closed=t.integer(state.get("closed", 0)),
            open=t.integer(state.get("open", 0)),
            overdue=t.integer(state.get("overdue", 0)),
        )
    ]
