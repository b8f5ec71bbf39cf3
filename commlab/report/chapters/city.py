"""The districts side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from commlab.errors import StudyError
from commlab.report.chapters.base import Report
from commlab.report.finding import Col, Finding, Section

__all__ = ["district_rows", "districts", "supplied"]

NAMED = 3
"""Districts named at either end of the map's scores."""


def district_rows(report: Report) -> pd.DataFrame:
    """One row a reportable district: score, rank, satisfaction and their intervals, coverage; ``rule`` and ``bound``
    say why a satisfied share is blank or only a bound.

    The index page prints these rows, so that it cannot differ from the reports.
    """
    ranks = report.period.ranks("district").set_index("unit")
    totals = report.period.scores("district").query("code == 'total'").set_index("unit")
    item = report.overall_item
    satisfied = report.period.result("satisfaction")
    satisfied = satisfied[
        (satisfied["level"] == "district")
        & (satisfied["weighting"] == "design")
        & (satisfied["item"] == item)
        & (satisfied["statistic"] == "satisfied")
    ]
    satisfied = satisfied.set_index("unit")
    out = pd.DataFrame({"unit": [d for d in report.period.districts if d in ranks.index]})
    out["group"] = out["unit"].map(ranks["group"])
    for column in ("score", "score_low", "score_high", "rank", "rank_low", "rank_high"):
        out[column] = out["unit"].map(ranks[column])
    out["coverage"] = out["unit"].map(totals["coverage"])
    for column, source in (
        ("satisfied", "estimate"),
        ("satisfied_low", "ci_low"),
        ("satisfied_high", "ci_high"),
        ("n", "n"),
        ("rule", "rule"),
        ("bound", "bound"),
    ):
        out[column] = out["unit"].map(satisfied[source])
    return out


def districts(report: Report) -> Section:
    """Scores, ranks and satisfaction of all districts with their intervals."""
    from commlab.figures import heatmap, ranks_with_uncertainty

    t = report.t
    rows = district_rows(report).sort_values("rank", kind="stable")
    rows["score_interval"] = [
        t.interval(a, b) for a, b in zip(rows["score_low"], rows["score_high"], strict=True)
    ]
    rows["rank_interval"] = [
        report.places(a, b) for a, b in zip(rows["rank_low"], rows["rank_high"], strict=True)
    ]
    rows["satisfied_interval"] = [
        t.interval(a, b, percent=True)
        for a, b in zip(rows["satisfied_low"], rows["satisfied_high"], strict=True)
    ]
    rows["satisfied"] = report.marked(rows["satisfied"], rows["rule"], rows["bound"])
    rows["n"] = report.marked(rows["n"], rows["rule"])
    groups = rows["group"].nunique() > 1
    if groups:
        rows = rows.sort_values(["group", "rank"], kind="stable")
    columns = {
        "group": Col(t("Group")),
        "unit": Col(t("District")),
        "score": Col(t("Score"), "number"),
        "score_interval": Col(t("Interval"), align="center"),
        "rank": Col(t("Rank"), "integer"),
        "rank_interval": Col(t("Rank interval"), align="center"),
        "satisfied": Col(t("Satisfied"), "percent"),
        "satisfied_interval": Col(t("Interval of satisfied"), align="center"),
        "n": Col(t("Answers"), "integer"),
        "coverage": Col(t("Coverage"), "percent", digits=0),
    }
    dropped = [] if groups else ["group"]
    dropped += [] if report.uncertain else ["score_interval", "rank_interval"]
    dropped += [] if report.has("responses") else ["satisfied", "satisfied_interval", "n"]
    for name in dropped:
        columns.pop(name)
    first = rows.dropna(subset=["score"]).iloc[0] if rows["score"].notna().any() else None
    if first is None:
        return Section(t("Districts"), 1, [t("No district has a score.")])
    if report.uncertain:
        widths = rows["rank_high"] - rows["rank_low"]
        text = t(
            "The rank interval spans {n} places in the median: read neighbours as equals unless their intervals part.",
            n=t.integer(widths.median() + 1),
        )
    else:
        text = t(
            "{n} of {all} districts have a score; the highest is {score} of {full}.",
            n=t.integer(rows["score"].notna().sum()),
            all=t.integer(len(rows)),
            score=t.number(rows["score"].max()),
            full=t.number(report.full(), 0),
        )
    drawn: dict[str, Any] = {}
    if report.uncertain and len(rows) > 1 and not groups:
        drawn["figure"] = ranks_with_uncertainty(
            rows.rename(columns={"unit": "label"})[["label", "rank", "rank_low", "rank_high"]],
            xlabel=t("Rank (1 is best)"),
        )
        drawn["figure_title"] = t("Ranks and their intervals")
    with_answers = report.has("responses")
    table = report.finding(
        rows,
        text,
        title=t("Districts: score, rank and satisfaction")
        if with_answers
        else t("Districts: score and rank"),
        columns=columns,
        notes=report.signs(rows["satisfied"], rows["n"]),
        **drawn,
    )
    scores = report.period.scores("district")
    wide = scores.pivot(index="unit", columns="code", values="score").reindex(
        index=rows["unit"], columns=report.middle
    )
    shares = wide.T.apply(report.percent_of_full).T
    spread = (shares.max() - shares.min()).dropna()
    block = []
    if len(spread) and len(rows) > 1 and spread.max() > 0:
        widest = spread.idxmax()
        block.append(
            report.finding(
                shares.reset_index(),
                t(
                    "Districts differ most on {label}: {points} points between the highest and the lowest.",
                    label=f"{widest} {report.label(widest)}",
                    points=t.number(wide[widest].max() - wide[widest].min()),
                ),
                show_table=False,
                figure=heatmap(shares, colour_label=report.scale),
                figure_title=t("Scores of the {kind} by district", kind=report.middle_word),
            )
        )
    return Section(t("Districts"), 1, [table, *block, *_drawn_map(report, rows)])


def _drawn_map(report: Report, rows: pd.DataFrame) -> list[Finding]:
    """The districts' scores in the boundaries that the study supplies, else as tiles where the register places them."""
    from commlab.figures.maps import boundary_map, tile_map

    t = report.t
    boundaries = supplied(report)
    if boundaries is None:
        placed = report.study.register.tiles.merge(rows, on="unit", how="left")
        title = t("Scores of the districts, a tile each, about where they lie")
    else:
        shapes = {feature["properties"]["unit"] for feature in boundaries["features"]}
        placed = rows[rows["unit"].isin(shapes)]
        title = t("Scores of the districts in their boundaries")
    known = placed.dropna(subset="score").sort_values("score", ascending=False, kind="stable")
    if len(known) < 2:
        return []
    few = min(NAMED, len(known) // 2)
    text = t(
        "The highest scores are those of {high}, the lowest those of {low}.",
        high=t.listing(known["unit"].head(few)),
        low=t.listing(known["unit"].tail(few)[::-1]),
    )
    frame = placed.rename(columns={"unit": "label", "score": "value"})
    if boundaries is None:
        figure = tile_map(frame, colour_label=report.scale)
    else:
        figure = boundary_map(frame, boundaries, key="unit", colour_label=report.scale)
        apart = rows.loc[~rows["unit"].isin(shapes), "unit"]
        if len(apart):
            text = report.join(
                text, t("The file of boundaries has no shape for {units}.", units=t.listing(apart))
            )
    return [report.finding(placed, text, show_table=False, figure=figure, figure_title=title)]


def supplied(report: Report) -> dict[str, Any] | None:
    """The shapes that study.yaml names under ``options: boundaries: {file, name}``, each with the property ``unit``.

    Raises
    ------
    StudyError
        If the file is not in ``data/register``, cannot be read, or has no shape of a district of the study.
    """
    given = report.study.config.options.get("boundaries")
    if given is None:
        return None
    where = "study.yaml, options: boundaries"
    if not isinstance(given, Mapping) or {"file", "name"} - set(given):
        raise StudyError(
            f"{where}: needs file (in data/register) and name (the property that holds a district's name)"
        )
    file, key = str(given["file"]), str(given["name"])
    if Path(file).name != file:
        raise StudyError(f"{where}: file is the name of a file in data/register, found {file!r}")
    try:
        read = json.loads((report.study.register.folder / file).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise StudyError(
            f"{where}: data/register/{file} is no GeoJSON file that can be read ({error})"
        ) from None
    features = read.get("features") if isinstance(read, dict) else None
    aliases = report.study.register.aliases.set_index("alias")["unit"].to_dict()
    shapes = []
    for feature in features if isinstance(features, list) else []:
        found = (feature.get("properties") or {}).get(key) if isinstance(feature, dict) else None
        unit = aliases.get(found, found)
        if unit in report.study.register.districts:
            shapes.append({**feature, "properties": {"unit": unit}})
    if not shapes:
        raise StudyError(
            f"{where}: no feature of data/register/{file} has a property {key!r} that names a district of the study"
        )
    return {"type": "FeatureCollection", "features": shapes}
