"""The indicator table and its pictures."""

from __future__ import annotations

import pandas as pd

from commlab.report.chapters.base import EXACT, Report
from commlab.report.finding import Col, Section
from commlab.text import MISSING

__all__ = ["METHODS", "indicator_rows", "indicators"]

METHODS = {
    "field": "field check",
    "media": "web and media",
    "questionnaire": "questionnaire",
    "documents": "documents",
}
IN_SHORT = {"field": "field", "media": "web", "questionnaire": "survey", "documents": "files"}
"""Names of the methods in the table of indicators."""
LEAST_RAYS = 3
"""Top indicators that a star needs."""


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
    out["full"] = out["code"].map(report.full)
    out["leaf"] = out["code"].isin(report.study.framework.leaves)
    return out.assign(strong=~out["leaf"])


def indicators(report: Report) -> Section:
    """Every indicator: weight, score, rank, city mean, difference, method, evidence, coverage."""
    t = report.t
    rows = indicator_rows(report)
    leaves = rows[rows["leaf"]]
    middle = rows[rows["code"].isin(report.middle)]
    columns = {
        "label": Col(t("Indicator")),
        "weight": Col(t("Weight"), "percent", digits=2),
        "full": Col(t("Full marks"), "number", digits=0),
        "city_mean": Col(t("City mean"), "number"),
    }
    if not report.pointed:
        columns.pop("full")
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
        shares = report.percent_of_full(middle.set_index("code")["city_mean"]).dropna()
        if shares.empty:
            return Section(t("Indicators"), 1, [t("No standard has a score.")])
        high, low = (middle.set_index("code").loc[c] for c in (shares.idxmax(), shares.idxmin()))
        text = t(
            "Over {counted} the highest mean among the {kind} is {high} ({a}); the lowest is {low} ({b}).",
            counted=report.counted,
            kind=report.middle_word,
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
    order = [
        "label",
        "weight",
        "full",
        "score",
        "rank",
        "city_mean",
        "difference",
        "method",
        "evidence",
        "coverage",
    ]
    lacking = {"full"} if not report.pointed else set()
    if len(report.peers) == 1:
        lacking |= {"rank", "city_mean", "difference"}
    if not rows["methods"].map(bool).any():
        lacking |= {"method"}
    order = [c for c in order if c not in lacking]
    known = leaves.dropna(subset=["score"])
    missing = leaves[leaves["state"] == "missing"]
    away = leaves[leaves["state"] == "not_applicable"]
    message = "{n} of {all} standards have a score; {above} lie above the city mean, {below} below."
    text = t(
        message if len(report.peers) > 1 else "{n} of {all} standards have a score.",
        n=t.integer(len(known)),
        all=t.integer(len(leaves)),
        above=t.integer((known["difference"] > EXACT).sum()),
        below=t.integer((known["difference"] < -EXACT).sum()),
    )
    if len(missing):
        text = report.join(
            text, t("Missing (not counted as zero): {names}.", names=t.listing(missing["code"]))
        )
    if len(away):
        text = report.join(text, t("Not applicable: {names}.", names=t.listing(away["code"])))
    used = {m for methods in rows["methods"] if isinstance(methods, tuple) for m in methods}
    words = t.listing(f"{t(IN_SHORT[m])} = {t(word)}" for m, word in METHODS.items() if m in used)
    explained = (
        "Weight: share of the whole. City mean: unweighted mean over {counted}. Evidence: lines of evidence behind the score. Coverage: measured share of the applicable weight."
        if len(report.peers) > 1
        else "Weight: share of the whole. Evidence: lines of evidence behind the score. Coverage: measured share of the applicable weight."
    )
    table = report.finding(
        rows,
        text,
        title=t("Indicators, scores and evidence"),
        columns={c: columns[c] for c in order},
        strong="strong",
        notes=[t(explained, counted=report.counted), *([t("Method: {words}.", words=words)] if used else [])],
    )
    return Section(t("Indicators"), 1, [*_pictures(report, middle), table])


def _first(report: Report, spread: pd.DataFrame) -> dict[str, str]:
    """The best district of every indicator; where several share the best score, how many do."""
    t, best = report.t, spread.max(axis=1)
    shared = spread.eq(best, axis=0).sum(axis=1)
    return {
        code: spread.loc[code].idxmax() if n == 1 else t("{n} districts", n=t.integer(n))
        for code, n in shared.items()
        if n
    }


def _pictures(report: Report, middle: pd.DataFrame) -> list:
    """Scores beside the mean of all, as shares of full marks: the top level as a star, the next one as bars."""
    from commlab.figures import radar, scores_with_city_mean

    t, profiles = report.t, report.profiles
    if len(report.peers) < 2 or "score" not in profiles:
        return []
    both = profiles[["score", "city_mean"]].apply(report.percent_of_full)
    shown = middle.assign(**{c: middle["code"].map(both[c]) for c in both}).dropna(subset=["score"])
    found = []
    top = [
        c for c in report.study.framework.children(None) if c in both.index and pd.notna(both.at[c, "score"])
    ]
    if len(top) >= LEAST_RAYS and set(top) != set(middle["code"]):
        wide = pd.DataFrame(
            {
                "label": [report.label(c) for c in top],
                "value": both.loc[top, "score"].to_numpy(),
                "mean": both.loc[top, "city_mean"].to_numpy(),
            }
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
        found.append(star)
    if len(shown) < 2:
        return found
    above = shown[shown["score"] > shown["city_mean"]]
    bars = report.finding(
        shown,
        t(
            "Of {all} {kind} {n} lie above the city mean.",
            all=t.integer(len(shown)),
            kind=report.middle_word,
            n=t.integer(len(above)),
        ),
        show_table=False,
        figure=scores_with_city_mean(
            pd.DataFrame({"label": shown["label"], "score": shown["score"], "city_mean": shown["city_mean"]}),
            score_label=report.unit,
            mean_label=t("City mean"),
            xlabel=report.scale,
        ),
        figure_title=t("Scores of the {kind} with the city mean", kind=report.middle_word),
    )
    return [*found, bars]
