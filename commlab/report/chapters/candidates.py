"""Candidates for naming under a quota."""

from __future__ import annotations

import pandas as pd

from commlab.report.chapters.base import Report
from commlab.report.finding import Col, Section
from commlab.text import MISSING, Text

__all__ = ["LEAST_CHANCE", "candidates", "over_the_line"]

LEAST_CHANCE = 0.01
"""Chances below this, or as near to certainty, are not told apart."""


def candidates(report: Report) -> Section | None:
    """The communities that apply for naming, their score, rank within the district and chance under the quota."""
    t = report.t
    ranks, register = report.period.ranks("candidate"), report.study.register
    if register.candidates.empty:
        return None
    title = t("Candidates for naming")
    if len(ranks) and not report.is_city:
        ranks = ranks[ranks["group"] == report.unit]
    if ranks.empty:
        return Section(
            title, 1, [t("No candidate community was rated in {period}.", period=report.period_label)]
        )
    names = register.units.set_index("unit")["name"]
    totals = report.period.scores("candidate").query("code == 'total'").set_index("unit")
    printed = report.study.config.quotas
    quotas = register.quotas.set_index("unit")[printed.places] if printed else pd.Series(dtype="float64")
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
            "{n} communities apply for {quota} places ({round})." if printed else "{n} communities apply.",
            n=t.integer(len(rows)),
            quota=t.integer(rows.drop_duplicates("group")["quota"].sum()),
            round=printed.label[report.language] if printed else "",
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
    if not printed:
        text = t("{n} communities apply.", n=t.integer(len(rows)))
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
    if not printed:
        columns.pop("p_top")
    table = report.finding(
        rows,
        text,
        title=t("Candidates, scores and chances under the quota"),
        columns=columns,
        notes=[
            t(
                "Candidates are compared only within their district. What is measured at the district is the same for all of them. This table proposes nothing; naming is decided by the city."
            ),
            *_alike(report, names),
        ],
    )
    return Section(title, 1, [table])


def over_the_line(report: Report) -> pd.DataFrame:
    """group, inside, outside, p_lead, apart: pairs of candidates on both sides of their district's quota."""
    printed, pairs = report.study.config.quotas, report.period.result("pairs")
    ranks = report.period.ranks("candidate")
    columns = ["group", "inside", "outside", "p_lead", "apart"]
    if printed is None or ranks.empty or pairs.empty:
        return pd.DataFrame(columns=columns)
    quota = report.study.register.quotas.set_index("unit")[printed.places]
    named = ranks["rank"] <= ranks["group"].map(quota)
    inside = dict(zip(ranks["unit"], named, strict=True))
    pairs = pairs[pairs["set"] == "candidate"]
    pairs = pairs[pairs["a"].map(inside) != pairs["b"].map(inside)]
    turned = ~pairs["a"].map(inside).astype(bool)
    return pairs.assign(
        inside=pairs["a"].where(~turned, pairs["b"]),
        outside=pairs["b"].where(~turned, pairs["a"]),
        p_lead=pairs["p_lead"].where(~turned, 1 - pairs["p_lead"]),
    )[columns]


def _alike(report: Report, names: pd.Series) -> list[str]:
    """The note of a district's page on candidates over the line that cannot be told apart."""
    t, pairs = report.t, over_the_line(report)
    pairs = pairs[(pairs["group"] == report.unit) & ~pairs["apart"].astype(bool)]
    if report.is_city or pairs.empty:
        return []
    told = [f"{names[a]}–{names[b]}" for a, b in zip(pairs["inside"], pairs["outside"], strict=True)]
    return [t("Inside and outside the quota by score, but not told apart: {pairs}.", pairs=t.listing(told))]


def _chance(t: Text, p: float) -> str:
    """A share of the draws; never 0% or 100%, which no number of draws can show."""
    if pd.isna(p):
        return MISSING
    if p < LEAST_CHANCE:
        return f"<{t.percent(LEAST_CHANCE, 0)}"
    return f">{t.percent(1 - LEAST_CHANCE, 0)}" if p > 1 - LEAST_CHANCE else t.percent(p, 0)
