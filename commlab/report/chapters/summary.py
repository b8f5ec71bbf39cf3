"""The summary: a few sentences, each computed from the table behind it."""

from __future__ import annotations

import pandas as pd

from commlab.report.chapters.apart import alike, standing_beside
from commlab.report.chapters.base import EXACT, Report
from commlab.report.finding import Bullets, Section

__all__ = ["official_parts", "summary"]

NAMED = 3
"""Items that a sentence of the summary names."""
NORMS = ("threshold", "range", "growth", "rate", "yes_no", "checklist")
"""Rules that are met or not."""


def summary(report: Report) -> Section:
    """What a reader who stops after one page has to know."""
    told = _city(report) if report.is_city else _standing(report)
    told += [*_satisfied(report), *_moved(report), *_norms(report), *_problems(report)]
    return Section(report.t("Summary"), 1, [Bullets([s for s in told if s])])


def _standing(report: Report) -> list[str]:
    t, here = report.t, report.standing
    if here is None:
        message = "{unit} has no score in {period}: nothing that applies to it was measured."
        return [t(message, unit=report.unit, period=report.period_label)]
    total, n = report.profiles.loc["total"], len(report.peers)
    narrow = here["score_high"] - here["score_low"] <= EXACT
    message = {
        (
            False,
            False,
        ): "{unit} scored {score} of {full} in {period} (interval {interval}); the mean of {counted} is {mean}.",
        (True, False): "{unit} scored {score} of {full} in {period}; the mean of {counted} is {mean}.",
        (False, True): "{unit} scored {score} of {full} in {period} (interval {interval}).",
        (True, True): "{unit} scored {score} of {full} in {period}.",
    }[bool(narrow), n == 1]
    told = [
        t(
            message,
            unit=report.unit,
            score=t.number(here["score"]),
            full=t.number(report.full(), 0),
            period=report.period_label,
            interval=t.interval(here["score_low"], here["score_high"]),
            counted=report.counted,
            mean=t.number(total["city_mean"]),
        )
    ]
    if n > 1:
        ranked = "It ranks {rank} of {n}; {sources} leave the rank between {low} and {high}."
        place = t(
            "It ranks {rank} of {n}." if narrow else ranked,
            rank=t.integer(here["rank"]),
            n=t.integer(n),
            sources=t.listing(report.drawn()),
            low=t.integer(here["rank_low"]),
            high=t.integer(here["rank_high"]),
        )
        told.append(report.join(place, "" if narrow else standing_beside(report)))
    told.append(
        t("All of the applicable weight was measured.")
        if total["coverage"] == 1
        else t(
            "{coverage} of the applicable weight was measured; what is missing is named in the indicator table.",
            coverage=t.percent(total["coverage"]),
        )
    )
    gaps = report.percent_of_full(report.profiles["difference"]).reindex(report.middle).dropna()
    if len(gaps) > 1 and gaps.max() > 0 > gaps.min():
        told.append(
            t(
                "Compared with the city mean it is furthest ahead on {best} ({up}) and furthest behind on {worst} ({down}).",
                best=report.label(gaps.idxmax()),
                up=t.signed(report.profiles.loc[gaps.idxmax(), "difference"]),
                worst=report.label(gaps.idxmin()),
                down=t.signed(report.profiles.loc[gaps.idxmin(), "difference"]),
            )
        )
    return told


def _city(report: Report) -> list[str]:
    t = report.t
    blocked = {**report.period.failed, **report.period.outstanding}
    left_out = [
        t(
            "{units} could not be reported (errors in the files, or nothing sent) and are in no city figure.",
            units=t.listing(blocked),
        )
    ] * bool(blocked)
    ranks = report.period.ranks("district")
    told = [s for _, group in ranks.groupby("group", sort=False) for s in _group(report, group, ranks)]
    return told + left_out


def _group(report: Report, group: pd.DataFrame, ranks: pd.DataFrame) -> list[str]:
    """Who leads, and whether that is sure: of all districts, or of one peer group."""
    t, group = report.t, group.sort_values("rank", kind="stable")
    first, last = group.iloc[0], group.iloc[-1]
    whole = len(group) == len(ranks)
    counted = (
        report.counted
        if whole
        else t("{n} districts of the group {group}", n=t.integer(len(group)), group=first["group"])
    )
    message = "In {period} the mean score of {counted} is {mean} of {full}, from {low} ({last}) to {high} ({first})."
    if len(group) == 1:
        message = "In {period} the score of {counted} is {mean} of {full}."
    told = [
        t(
            message,
            period=report.period_label,
            counted=counted,
            mean=t.number(group["score"].mean()),
            full=t.number(report.full(), 0),
            low=t.number(last["score"]),
            last=last["unit"],
            high=t.number(first["score"]),
            first=first["unit"],
        )
    ]
    if len(group) == 1 or not report.uncertain:
        return told
    near = alike(report)[first["unit"]]
    if near:
        message = (
            "{n} more districts cannot be told apart from {first}: do not read these places as an order."
        )
        return [*told, t(message, n=t.integer(len(near)), first=first["unit"])]
    return [*told, t("{unit} leads by more than the uncertainty of its score.", unit=first["unit"])]


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
    """unit, code, part, value, score, state of the parts whose norm the document prints in hard words.

    Points in proportion are no norm met: what has less than full marks has the state ``failed`` here.
    """
    framework = report.study.framework
    parts = framework.part_table
    official = parts[parts["official"] & ~parts["soft"] & parts["rule"].isin(NORMS)][["code", "part"]]
    full = {(p.code, p.part): p.full for c in framework.leaves for p in framework.parts(c)}
    rows = report.period.leaf_scores("district").merge(official, on=["code", "part"])
    most = [full[key] for key in zip(rows["code"], rows["part"], strict=True)]
    return rows.assign(
        met=(rows["state"] == "scored") & (rows["score"] >= pd.Series(most, dtype=float) - EXACT)
    )


def _norms(report: Report) -> list[str]:
    t, rows = report.t, official_parts(report)
    rows = rows[rows["state"].isin(["scored", "failed"])]
    if rows.empty:
        return []
    if report.is_city:
        met = rows["state"].eq("scored").groupby(rows["unit"]).all()
        return [
            t(
                "All printed norms that apply are met by {n} of {all} districts.",
                n=t.integer(met.sum()),
                all=t.integer(len(met)),
            )
        ]
    mine = rows[rows["unit"] == report.unit]
    if mine.empty:
        return []
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
