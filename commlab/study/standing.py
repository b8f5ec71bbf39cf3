"""Weights, evidence, scores, ranks and problem states of a period.

Functions of frames; ``stage`` calls them once a period and stores what they return.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from commlab.framework import Framework
from commlab.framework.entries import FULL
from commlab.scoring import aggregate, collect, draw_scores, pairs_apart, score, sensitivity
from commlab.scoring.uncertainty import ranked
from commlab.study.config import Choices
from commlab.weights import AHPTree, ahp_tree, bootstrap_weights

if TYPE_CHECKING:
    from commlab.survey import SurveyDesign

__all__ = [
    "Scored",
    "Weighing",
    "judged_tree",
    "problem_states",
    "rank_drivers",
    "scored",
    "standing",
    "survey_covariance",
    "weigh",
]

SOBOL_RUNS = 1024
"""Base sample of the analysis of variance: a power of two."""


@dataclass(frozen=True)
class Weighing:
    """A framework with the study's weights, where each weight comes from, and draws of the leaf weights.

    ``table`` has a row a node: code, order, parent, level, local, weight (share of the total), origin (``ahp``,
    ``document``, ``equal``). ``experts`` has a row an expert and node with its consistency. ``draws`` is draws x leaves
    (bootstrap over experts), or None where no weight rests on judgement.
    """

    framework: Framework
    table: pd.DataFrame
    experts: pd.DataFrame
    draws: pd.DataFrame | None


def judged_tree(judged: pd.DataFrame, framework: Framework, choices: Choices) -> AHPTree:
    """Group AHP of the judged nodes as study.yaml says: experts above ``ahp_max_cr`` are left out.

    A study keeps going with few answers: a node that one expert judged has that expert's weights, and the only
    expert of all counts at face value, whatever the ratio. Reports say which weights rest on one expert alone.
    """
    several = judged["expert"].nunique() > 1
    return ahp_tree(
        judged,
        framework,
        how=choices.ahp_group,
        method=choices.ahp_method,
        max_cr=choices.ahp_max_cr if several else None,
        min_experts=1,
    )


def weigh(
    framework: Framework,
    judgments: pd.DataFrame,
    weighing: Callable[[int], str],
    choices: Choices,
    *,
    drawn: bool = True,
) -> Weighing:
    """Local and global weights of every node: group AHP where the study says so, elsewhere as the document prints, else equal.

    ``weighing`` says ``ahp`` or ``equal`` for a level of the framework; ``drawn=False`` leaves out the draws.
    """
    wanted = {n.code for n in framework.nodes if weighing(n.level) == "ahp"}
    nodes = {"total", *framework.table["parent"].dropna()}
    asked = {n for n in nodes if wanted & set(framework.children(None if n == "total" else n))}
    judged = judgments[judgments["node"].isin(asked)]
    experts = pd.DataFrame(columns=["expert", "node", "n", "lambda_max", "ci", "cr", "consistent"])
    draws = None
    local = pd.Series(dtype="float64")
    if len(judged):
        tree = judged_tree(judged, framework, choices)
        local, experts = tree.local, tree.experts
        if drawn and experts.loc[experts["used"], "expert"].nunique() > 1:
            draws = bootstrap_weights(tree, framework, draws=choices.draws, seed=choices.seed)
    weighted = framework.with_weights(local) if len(local) else framework
    table = weighted.table.copy()
    table["local"] = table["code"].map(weighted.local_weights)
    printed = framework.table["weight"].notna().to_numpy()
    table["origin"] = np.where(table["code"].isin(local.index), "ahp", np.where(printed, "document", "equal"))
    share: dict[str, float] = {}
    for row in table.sort_values("level").itertuples():
        share[row.code] = row.local * (share[row.parent] if isinstance(row.parent, str) else 1.0)
    table["weight"] = table["code"].map(share)
    keep = ["code", "order", "parent", "level", "label_zh", "label_en", "local", "weight", "origin"]
    return Weighing(weighted, table[keep].reset_index(drop=True), experts, draws)


@dataclass(frozen=True)
class Scored:
    """evidence, leaf scores and node scores of one set of units (districts or candidates)."""

    evidence: pd.DataFrame
    leaves: pd.DataFrame
    nodes: pd.DataFrame


def scored(
    framework: Framework,
    *,
    units: pd.DataFrame,
    measures: pd.DataFrame,
    ratings: pd.DataFrame,
    survey: pd.DataFrame,
    mutual: pd.DataFrame,
    choices: Choices,
) -> Scored:
    """Evidence of every leaf, its score by rule, and the scores up the tree for the units marked ``scored``."""
    evidence = collect(
        framework, measures=measures, ratings=ratings, survey=survey, mutual=mutual, units=units
    )
    leaves = score(evidence, framework)
    nodes = aggregate(leaves, framework, how=choices.aggregation, missing=choices.missing)
    return Scored(evidence, leaves, nodes)


def survey_covariance(
    design: SurveyDesign, framework: Framework, *, by: str, points: Mapping[str, int]
) -> pd.DataFrame | None:
    """Joint sampling error of the survey standards: the same people answer all of them, so their errors go together.

    ``points`` holds the points of each item's scale: an index is linear in the mean, items of several scales join.

    Returns
    -------
    DataFrame or None
        Covariance over (unit, code) of 0-100 scores, for the leaves that are a plain mean of indices; None where the
        framework has no such leaf.
    """
    asked: dict[str, list[str]] = {}
    for code in framework.leaves:
        parts = framework.parts(code)
        if (
            len(parts) == 1
            and parts[0].rule == "survey"
            and parts[0].params.get("statistic", "index") == "index"
        ):
            asked[code] = [str(i) for i in parts[0].items if str(i) in design.data]
    asked = {code: items for code, items in asked.items() if items}
    if not asked:
        return None
    from commlab.survey import satisfaction_covariance

    items = list(dict.fromkeys(i for group in asked.values() for i in group))
    top = max(points[i] for i in items)
    of_items = satisfaction_covariance(
        design, items, by=by, statistic="mean", scale=(1, top), satisfied=(top,)
    )
    step = of_items.index.get_level_values("item").map({i: FULL / (points[i] - 1) for i in items}).to_numpy()
    of_items *= np.outer(step, step)
    units = of_items.index.get_level_values(0).unique()
    cells = pd.MultiIndex.from_product([units, list(asked)], names=["unit", "code"])
    # score of a leaf = mean of its items' indices
    mean = pd.DataFrame(0.0, index=cells, columns=of_items.index)
    for unit in units:
        for code, group in asked.items():
            mean.loc[(unit, code), [(unit, i) for i in group]] = 1 / len(group)
    weights, covariance = mean.to_numpy(), of_items.to_numpy()
    known = np.isfinite(np.diag(covariance))
    joint = weights @ np.where(np.isfinite(covariance), covariance, 0.0) @ weights.T
    # A leaf of which one item has no error estimate is left out whole.
    whole = ~((weights > 0) & ~known).any(axis=1)
    return pd.DataFrame((joint + joint.T) / 2, index=cells, columns=cells).loc[whole, whole]


def standing(
    result: Scored,
    weighing: Weighing,
    choices: Choices,
    *,
    within: pd.Series,
    top: pd.Series | int = 1,
    sampling: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rank, score and their intervals from joint draws of expert weights, survey error and rater disagreement.

    Returns
    -------
    tuple of DataFrame
        unit, rank, rank_low, rank_median, rank_high, p_top, score, score_low, score_high; and, from the same draws,
        a, b, p_lead, apart of all pairs within a group.
    """
    drawn = draw_scores(
        result.evidence,
        weighing.framework,
        weights=weighing.draws,
        sampling="evidence" if sampling is None else sampling,
        choices={"how": [choices.aggregation], "missing": [choices.missing]},
        draws=choices.draws,
        seed=choices.seed,
    )
    ranks = ranked(drawn, within=within, top=top, confidence=choices.confidence)
    return ranks, pairs_apart(drawn.scores, drawn.units, within=within, confidence=choices.confidence)


def rank_drivers(
    result: Scored, weighing: Weighing, choices: Choices, *, sampling: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Which source drives each rank: Sobol indices of weights, survey error, raters, kind of mean and missing values.

    The rules are varied whatever the study chose: its own, and the arithmetic and the geometric mean; its own total, and
    both of measured only and missing as zero.
    """
    return sensitivity(
        result.evidence,
        weighing.framework,
        weights=weighing.draws,
        sampling="evidence" if sampling is None else sampling,
        choices={
            "how": list(dict.fromkeys([choices.aggregation, "arithmetic", "geometric"])),
            "missing": list(dict.fromkeys([choices.missing, "measured", "zero"])),
        },
        draws=SOBOL_RUNS,
        seed=choices.seed,
    )


def problem_states(problems: pd.DataFrame, districts: dict[str, str], *, on: pd.Timestamp) -> pd.DataFrame:
    """State of every problem on a day, from its events.

    Returns
    -------
    DataFrame
        problem, unit, district, code, origin, responsible, found, due, closed, reopened (times), state
        (``closed``, ``overdue``, ``open``), days_open (found to closing, or to ``on``).
    """
    known = problems[(problems["on"] <= on) | (problems["event"] == "due")]
    known = known.sort_values("on", kind="stable")
    by = known["problem"]
    told = known.drop_duplicates("problem").set_index("problem").sort_index()  # as its first event tells it
    steps = known[known["event"].isin(["found", "closed", "reopened"])]
    last = steps.drop_duplicates("problem", keep="last").set_index("problem").sort_index()
    told = told.loc[last.index]

    def day(event: str, which: str) -> pd.Series:
        dates = known["on"].where(known["event"] == event).groupby(by)
        return dates.agg(which).reindex(last.index)

    shut = last["event"] == "closed"
    found, due = day("found", "min"), day("due", "max")
    end = last["on"].where(shut, on)
    unit = told["unit"]
    return pd.DataFrame(
        {
            "problem": last.index,
            "unit": unit,
            "district": unit.map(districts).fillna(unit),
            **told[["code", "origin", "responsible"]],
            "found": found,
            "due": due,
            "closed": last["on"].where(shut),
            "reopened": (known["event"] == "reopened").groupby(by).sum().reindex(last.index),
            "state": np.select([shut, due < on], ["closed", "overdue"], "open"),
            "days_open": (end - found).dt.days.astype("float64"),
        }
    ).reset_index(drop=True)
