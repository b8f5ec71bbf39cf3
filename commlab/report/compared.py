"""The figures of a study's periods side by side: what the index page compares.

Only what the reports print: scores, ranks and satisfaction from the city stage, where what is withheld has been taken
out. Periods whose results are stored are whole; of the period before, where they are not, what this period's
comparison with it knows: totals and the index of every item.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pandas as pd

from commlab.errors import StudyError
from commlab.periods import period_key
from commlab.report.chapters.city import district_rows
from commlab.text import MISSING, Text

if TYPE_CHECKING:
    from commlab.report.chapters import Report
    from commlab.study import Period

__all__ = ["Compared", "as_data", "compared", "profiles"]

FIGURES = ["period", "unit", "measure", "value", "low", "high", "sign"]
_TOTALS = ("score", "rank", "satisfied")


@dataclass(frozen=True)
class Compared:
    """Figures of all periods and what each of them is.

    Attributes
    ----------
    figures : DataFrame
        period, unit, measure, value, low, high (missing without an interval), sign (printed instead of a value that
        may not be shown, else "").
    measures : DataFrame
        measure, label, kind (``number percent integer``), part (a heading), in the order of printing; those with
        ``profile`` are what a unit's drawing shows.
    links : mapping of (period, unit) -> address
        The reports that figures are from, relative to the page; only those that exist.
    """

    figures: pd.DataFrame
    measures: pd.DataFrame
    links: Mapping[tuple[str, str], str] = field(default_factory=dict)


def compared(report: Report, links: Mapping[tuple[str, str], str] | None = None) -> Compared:
    """Figures of the period of ``report`` and of those before it, for the city and every district."""
    t, period = report.t, report.period
    end = period_key(period.name)[:2]
    earlier = [p for p in period.study.periods if period_key(p)[:2] < end]
    frames = [_of_period(report)]
    stored = [p for p in map(period.study.period, earlier) if _stored(p)]
    frames += [_of_period(replace(report, period=p)) for p in stored]
    if period.previous and period.previous not in stored:
        frames.append(_before(report))
    codes = period.study.framework.table.query("level == 2").sort_values("order")["code"]
    scores, residents = t("Scores"), t("Residents")
    known = [
        ("score", t("Score"), "number", scores, False),
        ("rank", t("Rank"), "integer", scores, False),
        *((code, f"{code} {report.label(code)}", "number", scores, True) for code in codes),
        ("satisfied", report.starting(t("satisfied share")), "percent", residents, False),
        *((i, t("{item} (index)", item=report.item(i)), "number", residents, False) for i in period.items),
    ]
    measures = pd.DataFrame(known, columns=["measure", "label", "kind", "part", "profile"])
    figures = pd.concat([f for f in frames if len(f)], ignore_index=True)
    place = {unit: i for i, unit in enumerate([report.city, *period.study.register.districts])}
    figures = figures.sort_values(
        "unit", key=lambda units: units.map(place), kind="stable", ignore_index=True
    )
    used = figures.loc[figures["value"].notna() | (figures["sign"] != ""), "measure"]
    return Compared(figures, measures[measures["measure"].isin(used)].reset_index(drop=True), links or {})


def profiles(given: Compared, period: str, city: str | None) -> tuple[pd.DataFrame, dict[str, str]]:
    """Each unit's scores less the city's means (units x indicators), and the indicators' names."""
    drawn = given.measures[given.measures["profile"]]
    rows = given.figures[
        (given.figures["period"] == period) & given.figures["measure"].isin(drawn["measure"])
    ]
    wide = rows.pivot(index="unit", columns="measure", values="value").reindex(columns=drawn["measure"])
    if city not in wide.index:
        return wide.iloc[:0], {}
    return wide.sub(wide.loc[city]), dict(zip(drawn["measure"], drawn["label"], strict=True))


def as_data(given: Compared, period: str, t: Text) -> dict[str, Any]:
    """What the page's script compares: printed figures, and the numbers their differences are made of."""
    periods = sorted(given.figures["period"].unique(), key=period_key, reverse=True)
    kinds = dict(zip(given.measures["measure"], given.measures["kind"], strict=True))
    cells: dict[str, dict[str, dict[str, list[Any]]]] = {}
    for row in given.figures.itertuples(index=False):
        shown = _printed(row, kinds.get(row.measure, ""), t)
        if shown:
            cells.setdefault(row.period, {}).setdefault(row.unit, {})[row.measure] = shown
    links: dict[str, dict[str, str]] = {}
    for (name, unit), address in given.links.items():
        links.setdefault(name, {})[unit] = quote(address, safe="/#.")
    return {
        "period": period,
        "periods": [[p, t.period(p)] for p in periods],
        "units": list(dict.fromkeys(given.figures["unit"])),
        "measures": given.measures[["measure", "label", "kind", "part"]].to_numpy().tolist(),
        "cells": cells,
        "links": links,
        "words": {
            "title": t("{a} ({period_a}) and {b} ({period_b})", a="%a", period_a="%c", b="%b", period_b="%d"),
            "same": t("Choose two units or two periods that differ."),
            "told": t(
                "{title}: {n} figures can be compared; of {m} with intervals on both sides, {apart} do not overlap.",
                title="%t",
                n="%n", m="%m", apart="%k",
            ),
            "percent": t("{n} percentage points", n="%n"),
            "overlap": t("overlap"),
            "apart": t("do not overlap"),
            "missing": MISSING,
        },
    }  # fmt: skip


def _printed(row: Any, kind: str, t: Text) -> list[Any] | None:
    """Text, value, and the interval where there is one."""
    if row.sign:
        return [row.sign]
    if not kind or pd.isna(row.value):
        return None
    digits, percent = (0 if kind == "integer" else 1), kind == "percent"
    text = t.percent(row.value, digits) if percent else t.number(row.value, digits)
    ends = t.interval(row.low, row.high, digits, percent=percent)
    if ends == MISSING:
        return [text, round(row.value, 6)]
    return [f"{text} {ends}", round(row.value, 6), round(row.low, 6), round(row.high, 6)]


def _stored(period: Period) -> bool:
    """Whether the period's results are on disk and fit its files; nothing is computed for a comparison."""
    try:
        stage = period.folder.read_stage()
        return stage is not None and stage["key"] == period._stage_key
    except StudyError:  # not checked, or by another version
        return False


def _of_period(report: Report) -> pd.DataFrame:
    rows = district_rows(report)
    rows["sign"] = _signs(report, rows)
    parts = []
    for name in _TOTALS:
        part = rows[["unit"]].assign(
            measure=name, value=rows[name], low=rows[f"{name}_low"], high=rows[f"{name}_high"]
        )
        parts.append(part.assign(sign=rows["sign"] if name == "satisfied" else ""))
    scores = report.period.scores("district")
    means = report.profiles["city_mean"].rename_axis("code").reset_index()
    scores = pd.concat(
        [
            scores[["unit", "code", "score"]],
            means.set_axis(["code", "score"], axis=1).assign(unit=report.city),
        ]
    ).rename(columns={"code": "measure", "score": "value"})
    scores.loc[scores["measure"] == "total", "measure"] = "score"
    # The district's total stands above with its interval.
    parts.append(scores[(scores["measure"] != "score") | (scores["unit"] == report.city)])
    answers = report.period.result("satisfaction")
    answers = answers[(answers["weighting"] == "design") & answers["level"].isin(["city", "district"])]
    index = answers[answers["statistic"] == "index"]
    asked = index.rename(columns={"estimate": "value", "ci_low": "low", "ci_high": "high", "item": "measure"})
    parts.append(
        asked.assign(sign=_signs(report, index.rename(columns={"estimate": "satisfied"}), percent=False))
    )
    overall = answers[
        (answers["statistic"] == "satisfied")
        & (answers["item"] == report.overall_item)
        & (answers["level"] == "city")
    ].rename(columns={"estimate": "satisfied"})
    whole = overall.rename(columns={"satisfied": "value", "ci_low": "low", "ci_high": "high"})
    parts.append(whole.assign(measure="satisfied", sign=_signs(report, overall)))
    return _figures(parts, report.period.name)


def _before(report: Report) -> pd.DataFrame:
    """What this period's change tells about the one before."""
    change = report.period.result("change").rename(columns={"item": "measure", "before": "value"})
    sign = _signs(report, change.rename(columns={"value": "satisfied"}), percent=False)
    parts = [change.assign(sign=sign)]
    moved = report.period.explained()
    moved = moved[moved["effect"] == "total"].set_index("unit")["change"]
    now = report.period.ranks("district").set_index("unit")["score"]
    before = (now - moved).dropna()
    parts.append(pd.DataFrame({"unit": before.index, "measure": "score", "value": before.to_numpy()}))
    previous = report.period.previous
    return _figures(parts, previous.name if previous else "")


def _figures(parts: list[pd.DataFrame], period: str) -> pd.DataFrame:
    frame = pd.concat([p.reset_index(drop=True) for p in parts], ignore_index=True).assign(period=period)
    frame = frame.reindex(columns=FIGURES).fillna({"sign": ""})
    numbers = ["value", "low", "high"]
    frame[numbers] = frame[numbers].astype("float64")
    frame.loc[frame["sign"] != "", numbers] = float("nan")
    return frame


def _signs(report: Report, rows: pd.DataFrame, *, percent: bool = True) -> list[str]:
    bound = rows.get("bound")
    marked = report.marked(rows["satisfied"], rows["rule"], bound, percent=percent)
    return [v if isinstance(v, str) else "" for v in marked]
