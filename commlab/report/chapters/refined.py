"""A district's own refinement of the framework: what differs, and what its scores would be; city scores and ranks never use it.

``options: refinements:`` in study.yaml: district -> a framework file in ``data/register`` that ``extends`` the study's.
"""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from commlab.errors import StudyError
from commlab.framework import TOTAL, Framework, compare, load_framework
from commlab.report.chapters.base import Report
from commlab.report.finding import Col, Finding, Section
from commlab.study import Period, Study
from commlab.study.results import Clean
from commlab.text import MISSING

__all__ = ["own_framework", "scores_under"]

_TOLD = ("added", "removed", "moved", "rule", "metric", "points")
"""Kinds of changes that a refinement states itself; shares that follow from them are not told one by one."""


def own_framework(report: Report) -> Section | None:
    """What a district's own framework changes, and its scores by it beside those by the city's."""
    given = report.study.config.options.get("refinements", {})
    if report.is_city or report.unit not in given:
        return None
    t = report.t
    own = _loaded(report, str(given[report.unit]))
    told = compare(report.study.framework, own)
    told = told[told["what"].isin(_TOLD) & (told["key"] != "official")].reset_index(drop=True)
    title = t("The district's own framework")
    intro = t(
        "{unit} refines the city's framework ({name}) in {n} places. City scores, ranks and comparisons use the city's alone.",
        unit=report.unit, name=own.title.get(report.language) or own.title.get("zh") or own.name, n=t.integer(len(told)),
    )  # fmt: skip
    return Section(title, 1, [intro, _changes(report, own, told), _scores(report, own)])


def _loaded(report: Report, name: str) -> Framework:
    path = report.study.register.folder / name
    if not path.is_file():
        raise StudyError(
            f"study.yaml options: refinements: {report.unit}: data/register/{name} is missing; "
            f"write what differs from {report.study.config.framework}, beginning with `extends:`"
        )
    return load_framework(path)


def _changes(report: Report, own: Framework, told: pd.DataFrame) -> Finding | str:
    t, city = report.t, report.study.framework
    if told.empty:
        return t("It changes no score.")
    words = {
        "added": t("added"), "removed": t("left out"), "moved": t("moved"), "rule": t("rule changed"), "metric": t("quantity changed"), "points": t("points changed"),
    }  # fmt: skip
    known = {*city.table["code"]}
    table = told.assign(
        label=[f"{c} {(city if c in known else own).label(c, report.language)}" for c in told["code"]],
        kind=told["what"].map(words),
        key=[t("number asked for") if k == "target" else report.word(str(k)) for k in told["key"]],
    )
    for side in ("before", "after"):
        table[side] = [MISSING if v is None or v != v or v == "" else str(v) for v in told[side]]
    columns = {
        "label": Col(t("Standard"), width=1.6), "kind": Col(t("Change"), "label"), "key": Col(t("What")),
        "before": Col(t("The city's"), align="right"), "after": Col(t("The district's"), align="right"),
    }  # fmt: skip
    text = t(
        "Changes: {kinds}.",
        kinds=t.listing(f"{k} {t.integer(n)}" for k, n in table["kind"].value_counts(sort=False).items()),
    )
    return report.finding(table, text, title=t("What the district's framework changes"), columns=columns)


def _scores(report: Report, own: Framework) -> Finding:
    t = report.t
    mine = scores_under(report.study, report.period, own, [report.unit])
    mine = mine[mine["unit"] == report.unit].set_index("code")["score"]
    city = report.period.scores("district")
    city = city[city["unit"] == report.unit].set_index("code")["score"]
    codes = [*report.middle, TOTAL]
    table = pd.DataFrame(
        {"code": codes, "city": [city.get(c) for c in codes], "own": [mine.get(c) for c in codes]}
    ).astype({"city": "float64", "own": "float64"})
    table["label"] = [t("Total") if c == TOTAL else f"{c} {report.label(c)}" for c in codes]
    table["difference"], table["whole"] = table["own"] - table["city"], table["code"] == TOTAL
    total = table.iloc[-1]
    text = t(
        "By its own framework {unit} has a total of {own}, by the city's {city} ({difference}).",
        unit=report.unit, own=t.number(total["own"]), city=t.number(total["city"]), difference=t.signed(total["difference"]),
    )  # fmt: skip
    columns = {
        "label": Col(t("Indicator"), width=1.8), "city": Col(t("By the city's"), "number"), "own": Col(t("By its own"), "number"), "difference": Col(t("Difference"), "signed"),
    }  # fmt: skip
    return report.finding(table, text, title=t("Scores by both frameworks"), columns=columns, strong="whole")


def scores_under(
    study: Study, period: Period, framework: Framework, districts: Collection[str]
) -> pd.DataFrame:
    """Node scores of districts by a framework, computed from the clean tables: unit, code, score, state, coverage."""
    from commlab.study.standing import scored, weigh
    from commlab.study.surveyed import answered

    config, register = study.config, study.register
    names = ("measures", "responses", "ratings", "judgments", "mutual")
    clean = Clean(period.name, {n: period.table(n) for n in names}, period.districts, period.items)
    weighing = weigh(framework, clean["judgments"], config.weighing, config.choices, drawn=False)
    wanted = set(districts) & set(clean.districts)
    inside = {u for u, d in register.district_of.items() if d in wanted}
    units = register.units[register.units["unit"].isin(inside)]

    def own(name: str) -> pd.DataFrame:
        return clean[name][clean[name]["unit"].isin(inside)]

    ratings = own("ratings")  # a standard that the framework left out is rated all the same

    return scored(
        weighing.framework,
        units=units.assign(scored=units["unit"].isin(wanted).to_numpy()),
        measures=own("measures"),
        ratings=ratings[ratings["code"].isin(framework.leaves)],
        survey=answered(clean, config, register, communities=False).scoring,
        mutual=clean["mutual"],
        choices=config.choices,
    ).nodes
