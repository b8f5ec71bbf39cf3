"""Why the total moved since the quarter before: the steps of a district, the effects side by side for the city."""

from __future__ import annotations

import pandas as pd

from commlab.framework import TOTAL
from commlab.report.chapters.base import Report
from commlab.report.finding import Col, Finding, Section
from commlab.scoring.explain import EFFECTS
from commlab.study.later import redrawn
from commlab.study.moves import moves

__all__ = ["answers_redrawn", "moved"]


def moved(report: Report) -> Section | None:
    """What values, weights, coverage, membership and method did to the total; the parts add up to its change."""
    t = report.t
    title = t("Why the total moved")
    before = report.period.previous
    if len(report.study.periods) == 1:
        return None
    explained = report.period.explained()
    if before is None or explained.empty:
        return Section(title, 1, [t("There is no earlier quarter to compare with.")])
    if report.is_city:
        return Section(title, 1, _side_by_side(report, explained, title))
    rows = moves(explained, report.unit)
    if rows.empty:
        return Section(
            title, 1, [t("{unit} has no total in both quarters; nothing is compared.", unit=report.unit)]
        )
    return Section(title, 1, [_steps(report, rows, before.name, title)])


def _words(report: Report) -> dict[str, str]:
    """The effects that are told of all standards together."""
    t = report.t
    return {
        "values": t("Values"),
        "weights": t("Weights"),
        "coverage": t("What could be measured"),
        "membership": t("What applies"),
        "method": t("Rules"),
    }


def _steps(report: Report, rows: pd.DataFrame, before: str, title: str) -> Finding:
    from commlab.figures.steps import waterfall

    t = report.t
    words = _words(report) | {"values": t("Other standards together")}
    rows["label"] = [
        words[r.effect] if r.code == TOTAL else f"{r.code} {report.label(r.code)}" for r in rows.itertuples()
    ]
    scores = report.period.scores("district").query("unit == @report.unit").set_index("code")["score"]
    rows["score"] = rows["code"].where(rows["code"] != TOTAL).map(scores)
    after, change = float(scores[TOTAL]), float(rows["change"].sum())
    told = t(
        "Between {before} and {now} the total {verdict} by {points} points, from {a} to {b}.",
        before=t.period(before),
        now=report.period_label,
        verdict=t("rose") if change > 0 else t("fell"),
        points=t.number(abs(change), 2),
        a=t.number(after - change, 2),
        b=t.number(after, 2),
    )
    single = rows[rows["code"] != TOTAL]
    up, down = single[single["change"] > 0].head(1), single[single["change"] < 0].head(1)
    most = [
        t(sentence, label=r.label, points=t.number(abs(r.change), 2))
        for side, sentence in (
            (up, "{label} raised it most ({points} points)."),
            (down, "{label} lowered it most ({points} points)."),
        )
        for r in side.itertuples()
    ]
    return report.finding(
        rows,
        report.join(told, *most),
        title=title,
        columns={
            "label": Col(t("Step")),
            "change": Col(t("Points of the total"), "signed", digits=2),
            "score": Col(t("Score now"), "number"),
        },
        notes=[
            t(
                "The steps add up to the change of the total. They say what moved it, not whether it moved by more than chance."
            ),
            *_redrawn(report, before),
        ],
        figure=waterfall(
            rows[["label", "change"]],
            before=after - change,
            before_label=t.period(before),
            after_label=report.period_label,
            xlabel=t("Points of the total"),
        ),
        figure_title=t("From the earlier total to this one"),
    )


def _redrawn(report: Report, before: str) -> list[str]:
    """What is told where units merged, split or moved in between."""
    t, rows = report.t, report.period.explained()
    concerned = list(rows.loc[rows["effect"] == "boundaries", "unit"])
    if not (concerned if report.is_city else report.unit in concerned):
        return []
    if report.is_city:
        return [
            t(
                "Units changed since {before}; its scores are counted anew on today's units: {units}.",
                before=t.period(before),
                units=t.listing(concerned),
            )
        ]
    return [
        t(
            "Units changed since {before}; its score is counted anew on today's units and may differ from the one published then.",
            before=t.period(before),
        )
    ]


def answers_redrawn(report: Report) -> list[str]:
    """What is told of the survey's change where units merged, split or moved since the quarter before."""
    t, before, register = report.t, report.period.previous, report.study.register
    map_ = redrawn(report.period.name, before.name, register.districts, register) if before else None
    if map_ is None or before is None:
        return []
    named = t.period(before.name)
    if not report.is_city:
        concerned = report.unit in map_.concerned
        if concerned and report.of_unit("change").empty:
            return [
                t(
                    "Of {unit} as it is today not all answers of {before} are known: units were split between districts, or came from one that could not be reported. Its change is not told.",
                    unit=report.unit,
                    before=named,
                )
            ]
        return [
            t("Units changed since {before}; its answers count for the units of today.", before=named)
        ] * concerned
    told_of = set(report.period.result("change").query("level == 'district'")["unit"])
    today = [d for d in register.districts if d in map_.concerned]
    lacking = [d for d in today if d not in told_of]
    names = t.listing(d for d in today if d in told_of)
    told = []
    if names:
        message = "Units changed since {before}; its answers count for the units of today: {units}."
        told.append(t(message, before=named, units=names))
    if lacking:
        message = "Left out, because not all of their answers of {before} are known on today's map: {units}."
        told.append(t(message, before=named, units=t.listing(lacking)))
    if map_.gone:
        message = "Left out of {before}, because nothing follows them: {units}."
        told.append(t(message, before=named, units=t.listing(sorted(map_.gone))))
    return told


def _side_by_side(report: Report, explained: pd.DataFrame, title: str) -> list[Finding | str]:
    t = report.t
    rows = explained[(explained["code"] == TOTAL) & (explained["effect"] != "not_comparable")]
    if rows.empty:
        return [t("No district has a total in both quarters.")]
    wide = rows.pivot(index="unit", columns="effect", values="change")
    wide = wide.sort_values(TOTAL, ascending=False, kind="stable").reset_index()
    used = [e for e in EFFECTS if (wide[e] != 0).any()]
    words = _words(report)
    rose, fell = wide.iloc[0], wide.iloc[-1]
    text = t(
        "{up} of {n} totals rose. {high} moved most upwards ({a} points), {low} least ({b}).",
        up=t.integer((wide[TOTAL] > 0).sum()),
        n=t.integer(len(wide)),
        high=rose["unit"],
        a=t.signed(rose[TOTAL], 2),
        low=fell["unit"],
        b=t.signed(fell[TOTAL], 2),
    )
    columns = {
        "unit": Col(t("District")),
        **{e: Col(words[e], "signed", digits=2) for e in used},
        TOTAL: Col(t("Change of the total"), "signed", digits=2),
    }
    before = report.period.previous
    notes = _redrawn(report, before.name) if before else []
    return [report.finding(wide, text, title=title, columns=columns, notes=notes)]
