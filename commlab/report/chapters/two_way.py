"""Assessment in both directions: who rates whom, at which level, and what may be told about whom few rated.

``options:`` in study.yaml: ``two_way`` (``aspects`` with labels), ``levels`` (``rater``, ``rated``, ``aspects``; the study's own
score where a level names none).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from commlab.report.chapters.base import WITHHELD, Report
from commlab.report.finding import Col, Finding, Section
from commlab.scoring import mutual_evaluation
from commlab.survey import protect

__all__ = ["assessment_levels", "protected_ratings", "two_way"]

MARKS = 11
"""Steps of the 0-100 scale in which the guard against reckoning counts: raters mark in tens or finer."""
_BETWEEN = "|"


def two_way(report: Report) -> Section | None:
    """How departments are rated by the communities they work for; nothing that tells one community's mark."""
    options = report.study.config.options.get("two_way")
    if not options or not report.has("mutual"):
        return None
    t, rows = report.t, _raters(report, "community", "department")
    title = t("Departments as communities see them")
    if rows.empty:
        return Section(
            title, 1, [t("No community rated a department in {period}.", period=report.period_label)]
        )
    told = protected_ratings(
        rows, report.study.register.district_of, k=report.study.config.disclosure["internal"]
    )
    return Section(title, 1, [_departments(report, rows, told, options["aspects"]), *report.notes("two_way")])


def protected_ratings(mutual: pd.DataFrame, inside: Mapping[str, str], *, k: int) -> pd.DataFrame:
    """Mean marks of the bodies rated, of all raters and of those of each district, by the rules for small groups.

    Parameters
    ----------
    mutual : DataFrame
        Clean table; one level of raters and one of rated bodies.
    inside : mapping
        Rater -> district.
    k : int
        Least number of raters.

    Returns
    -------
    DataFrame
        rated, district (empty: all raters), aspect, n, mean, rule (why both are blank, else empty). No sum or difference of
        shown means tells what fewer than ``k`` raters gave, and no mean shows that all of them gave the same end of the scale.
    """
    districts = mutual["rater"].map(dict(inside))
    parts = [mutual_evaluation(mutual)["rated"].assign(district="")]
    parts += [
        mutual_evaluation(mutual[districts == d])["rated"].assign(district=d)
        for d in sorted(districts.dropna().unique())
    ]
    table = pd.concat(parts, ignore_index=True)
    place = table["rated"] + (_BETWEEN + table["district"]).where(table["district"] != "", "")
    above = dict(zip(place, table["rated"], strict=True))
    # All at one end of the scale: the mean is everybody's mark, so it counts as told by nobody.
    alike = table["mean"].isin([0.0, 100.0])
    cells = pd.DataFrame(
        {
            "place": place,
            "item": table["aspect"],
            "statistic": "index",
            "estimate": table["mean"],
            "n": table["n"].mask(alike, 0),
        }
    )
    told, _ = protect(cells, k=k, parent={p: a for p, a in above.items() if p != a}, points=MARKS)
    out = table[["rated", "district", "aspect"]].assign(n=told["n"], mean=told["estimate"], rule=told["rule"])
    return out.reset_index(drop=True)


def _raters(report: Report, rater: str, rated: str) -> pd.DataFrame:
    rows = report.period.mutual
    return rows[(rows["rater_level"] == rater) & (rows["rated_level"] == rated)]


def _departments(
    report: Report, rows: pd.DataFrame, told: pd.DataFrame, aspects: Mapping[str, Any]
) -> Finding:
    t = report.t
    named = {a: labels[report.language] for a, labels in aspects.items()}
    own = "" if report.is_city else report.unit
    shown = pd.concat([told[told["district"] == ""], told[told["district"] == own]]).drop_duplicates(
        ["rated", "district", "aspect"]
    )
    shown["cell"] = report.marked(shown["mean"], shown["rule"], percent=False)
    wide = shown.pivot(index="rated", columns=["district", "aspect"], values="cell")
    order = (
        told[told["district"] == ""]
        .groupby("rated")["mean"]
        .mean()
        .sort_values(ascending=False, na_position="last")
    )
    table = pd.DataFrame({"rated": order.index})
    raters = shown[shown["district"] == ""].groupby("rated")["n"].max()
    table["raters"] = report.marked(
        table["rated"].map(raters),
        table["rated"].map(raters).isna().map({True: "R1", False: ""}),
        percent=False,
    ).map(lambda v: t.integer(float(v)) if isinstance(v, float) else v)
    columns: dict[str, Col] = {
        "rated": Col(t("Department")),
        "raters": Col(t("Communities that rated"), align="right"),
    }
    for district, group in {"": t("All communities"), own: t("Communities of {unit}", unit=own)}.items():
        for aspect, label in named.items():
            key = f"{district}{_BETWEEN}{aspect}"
            # Rated by nobody is few as well: a blank would say who did not rate.
            cells = wide.get((district, aspect), pd.Series(dtype="object")).reindex(table["rated"])
            table[key] = cells.where(cells.notna(), WITHHELD).to_numpy()
            columns[key] = Col(label, "number", group="" if report.is_city else group)
    return report.finding(
        table,
        _sentence(report, rows, told, named),
        title=t("Mean marks of departments (0-100)"),
        columns=columns,
        notes=[
            t(
                "* : withheld, because fewer than {k} communities rated or their marks could be worked out from it.",
                k=t.integer(report.study.config.disclosure["internal"]),
            ),
            t("A high mark for interference means little undue interference."),
        ],
    )


def _sentence(report: Report, rows: pd.DataFrame, told: pd.DataFrame, named: Mapping[str, str]) -> str:
    t = report.t
    whole = told[(told["district"] == "") & (told["rule"] == "")]
    given = rows[rows["score"].notna()]
    text = t(
        "{raters} communities rated {rated} departments; {pairs} ratings came back.",
        raters=t.integer(given["rater"].nunique()),
        rated=t.integer(given["rated"].nunique()),
        pairs=t.integer(len(given.drop_duplicates(["rater", "rated"]))),
    )
    if whole.empty:
        return report.join(text, t("Too few communities rated for any mean to be shown."))
    means = whole.groupby("aspect")["mean"].mean().reindex(list(named)).dropna()
    best, worst = means.idxmax(), means.idxmin()
    text = report.join(
        text,
        t(
            "The mean of the departments shown is highest for {best} ({high}) and lowest for {worst} ({low}).",
            best=named[best], high=t.number(means[best]), worst=named[worst], low=t.number(means[worst]),
        )
        if best != worst
        else "",
    )  # fmt: skip
    low = whole.loc[whole["mean"].idxmin()]
    text = report.join(
        text,
        t("The lowest mean of all is {mean} ({department}, {aspect}).", mean=t.number(low["mean"]),
          department=low["rated"], aspect=named.get(low["aspect"], low["aspect"])),
    )  # fmt: skip
    hidden = told.loc[(told["district"] == "") & (told["rule"] != ""), "rated"].unique()
    if len(hidden):
        text = report.join(
            text, t("Not shown, for want of raters: {names}.", names=t.listing(sorted(hidden)))
        )
    return text


def assessment_levels(report: Report) -> Section | None:
    """Every level of assessment: who assessed whom, how many, and whether the levels agree."""
    levels: Sequence[Mapping[str, Any]] = report.study.config.options.get("levels") or ()
    if not levels:
        return None
    t, register = report.t, report.study.register
    title = t("Levels of assessment")
    totals = report.period.scores("district").query("code == 'total'").set_index("unit")["score"]
    rows = [
        r.assign(level=i)
        for i, level in enumerate(levels)
        if level.get("aspects")
        for r in [_of_level(report, level)]
    ]
    marks = (
        pd.concat(rows, ignore_index=True)
        if rows
        else pd.DataFrame(columns=["unit", "mark", "rater", "level"])
    )
    if marks.empty and totals.empty:
        return Section(title, 1, [t("No level assessed anybody in {period}.", period=report.period_label)])
    marks["district"] = marks["unit"].map(register.district_of)
    if report.is_city:
        return Section(title, 1, [_whole(report, levels, marks, totals), *report.notes("levels")])
    return Section(title, 1, [_inside(report, levels, marks[marks["district"] == report.unit], totals)])


def _of_level(report: Report, level: Mapping[str, Any]) -> pd.DataFrame:
    """unit, mark (mean over the level's aspects), rater."""
    rows = _raters(report, level["rater"], level["rated"])
    rows = rows[rows["aspect"].isin([str(a) for a in level["aspects"]]) & rows["score"].notna()]
    return (
        rows.groupby("rated", as_index=False)
        .agg(mark=("score", "mean"), rater=("rater", "first"))
        .rename(columns={"rated": "unit"})
    )


def _level_names(report: Report) -> dict[str, str]:
    t = report.t
    return {
        "city": t("city level"), "district": t("district"), "street": t("street"), "community": t("community"),
        "compound": t("compound"), "department": t("department"),
    }  # fmt: skip


def _whole(
    report: Report, levels: Sequence[Mapping[str, Any]], marks: pd.DataFrame, totals: pd.Series
) -> Finding:
    t, words = report.t, _level_names(report)
    table = pd.DataFrame({"unit": list(report.period.districts)})
    table["score"] = table["unit"].map(totals)
    table["place"] = table["score"].rank(ascending=False, method="min")
    columns = {"unit": Col(t("District")), "score": Col(t("Score"), "number", group=words["city"]),
               "place": Col(t("Rank"), "integer", group=words["city"])}  # fmt: skip
    told = [
        t(
            "{rater} assesses {n} {rated}",
            rater=words["city"],
            n=t.integer(table["score"].notna().sum()),
            rated=words["district"],
        )
    ]
    for i, level in enumerate(levels):
        own = marks[marks["level"] == i]
        if not level.get("aspects"):
            continue
        by = own.groupby("district")["mark"].agg(["size", "mean"])
        table[f"n{i}"] = table["unit"].map(by["size"])
        table[f"mean{i}"] = table["unit"].map(by["mean"])
        table[f"place{i}"] = table[f"mean{i}"].rank(ascending=False, method="min")
        group = t("{rater} rates {rated}", rater=words[level["rater"]], rated=words[level["rated"]])
        columns |= {f"n{i}": Col(t("Rated"), "integer", group=group), f"mean{i}": Col(t("Mean"), "number", group=group),
                    f"place{i}": Col(t("Rank"), "integer", group=group)}  # fmt: skip
        told.append(
            t(
                "{rater} assesses {n} {rated}",
                rater=words[level["rater"]],
                n=t.integer(len(own)),
                rated=words[level["rated"]],
            )
        )
    text = t("{levels} levels assess: {told}.", levels=t.integer(len(levels)), told=t.listing(told))
    kind = _kindest(report, levels, table)
    return report.finding(
        table, report.join(text, kind), title=t("What each level says of the districts"), columns=columns,
        notes=[t("Levels use scales of their own: a place is compared, a mark is not.")],
    )  # fmt: skip


def _kindest(report: Report, levels: Sequence[Mapping[str, Any]], table: pd.DataFrame) -> str:
    """Where the places of two levels are furthest apart."""
    t, words, found = report.t, _level_names(report), []
    for i, level in enumerate(levels):
        if level.get("aspects") and table[f"place{i}"].notna().any():
            apart = (table["place"] - table[f"place{i}"]).astype("float64")
            at = apart.abs().idxmax()
            if apart.notna().any() and apart[at]:
                found.append(
                    t(
                        "{unit} is number {own} by what {rater} says of {rated}, and number {city} by the score.",
                        unit=table.loc[at, "unit"], own=t.integer(table.loc[at, f"place{i}"]), city=t.integer(table.loc[at, "place"]),
                        rater=words[level["rater"]], rated=words[level["rated"]],
                    )
                )  # fmt: skip
    return report.join(t("The levels are furthest apart here:") if found else "", *found)


def _inside(
    report: Report, levels: Sequence[Mapping[str, Any]], marks: pd.DataFrame, totals: pd.Series
) -> Finding:
    t, words = report.t, _level_names(report)
    names = report.study.register.units.set_index("unit")["name"]
    rows = marks.sort_values(["level", "mark"], ascending=[True, False])
    table = pd.DataFrame(
        {
            "level": [
                t("{rater} rates {rated}", rater=words[levels[i]["rater"]], rated=words[levels[i]["rated"]])
                for i in rows["level"]
            ],
            "rater": rows["rater"].map(names).fillna(rows["rater"]).to_numpy(),
            "unit": rows["unit"].map(names).fillna(rows["unit"]).to_numpy(),
            "mark": rows["mark"].to_numpy(),
        }
    )
    mine = totals.get(report.unit)
    text = t(
        "The city gives {unit} {score} of {full}; below it {told} were assessed.",
        unit=report.unit, score=t.number(mine), full=t.number(report.full(), 0),
        told=t.listing(
            t("{n} {rated}", n=t.integer((marks["level"] == i).sum()), rated=words[level["rated"]])
            for i, level in enumerate(levels) if level.get("aspects")
        ),
    )  # fmt: skip
    columns = {
        "level": Col(t("Level"), "label"),
        "rater": Col(t("Assessed by")),
        "unit": Col(t("Who")),
        "mark": Col(t("Mark"), "number"),
    }
    return report.finding(table, text, title=t("Marks inside {unit}", unit=report.unit), columns=columns)
