"""The appendix of expert weights: consistency, judgement matrices, disagreement, what would mend a matrix."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from commlab import figures
from commlab.framework import TOTAL
from commlab.report.chapters.base import Report
from commlab.report.finding import Col, Section

if TYPE_CHECKING:
    from commlab.weights import AHPGroup, AHPTree

__all__ = ["DIGITS", "Weighed", "expert_weights", "matrices", "mending", "reach_of", "weighed"]

DIGITS = 4
MOST_RANKED = 3
"""Judgements ranked of each matrix that fails."""
MOST_EXPERTS = 60
"""More experts' matrices than that nobody reads in print; their weights and ratios are printed all the same."""


@dataclass(frozen=True, eq=False)
class Weighed:
    """The experts' judgements of a report's period, weighed as study.yaml says."""

    report: Report

    @cached_property
    def tree(self) -> AHPTree | None:
        """Weights of the nodes whose children are weighed by judgement; None where there is none."""
        from commlab.study.standing import judged_tree

        period, study = self.report.period, self.report.study
        weights = period.indicator_weights()
        nodes = weights.loc[weights["origin"] == "ahp", "parent"].fillna(TOTAL).unique()
        judged = period.judgments
        judged = judged[judged["node"].isin(nodes)]
        if judged.empty:
            return None
        return judged_tree(judged, study.framework, study.config.choices)

    @cached_property
    def draws(self) -> pd.DataFrame:
        """Weight in the whole of every judged code when the experts are drawn again: draws x codes."""
        from commlab.weights import bootstrap_weights

        if self.tree is None:
            return pd.DataFrame()
        choices, framework = self.report.study.config.choices, self.report.study.framework
        leaves = bootstrap_weights(self.tree, framework, draws=choices.draws, seed=choices.seed)
        below = {c: list(framework.leaves_of(c)) for c in self.tree.local.index}
        return pd.DataFrame({c: leaves[codes].sum(axis=1) for c, codes in below.items()})

    def name(self, node: str) -> str:
        t = self.report.t
        return t("the whole") if node == TOTAL else self.label(node)

    def label(self, code: str) -> str:
        return f"{code} {self.report.label(code)}"

    def verdict(self, passes: bool) -> str:
        return self.report.t("passes") if passes else self.report.t("fails")


def weighed(report: Report) -> Weighed:
    """The judgements that the chapters of weights share."""
    return Weighed(report)


def expert_weights(report: Report) -> Section:
    """Consistency of every expert's matrices, of the group's and of the hierarchy."""
    t, own = report.t, weighed(report)
    title = t("Consistency of the experts' judgements")
    if own.tree is None:
        return Section(title, 1, [t("No pairwise judgements were given: weights are equal or printed.")])
    tree, experts = own.tree, own.tree.experts
    bound = report.study.config.choices.ahp_max_cr
    wide = experts.pivot(index="expert", columns="node", values="cr")[list(tree.groups)].reset_index()
    bad = experts[experts["cr"] > bound]
    text = t(
        "{n} of {all} matrices pass (consistency ratio at most {bound}).",
        n=t.integer(len(experts) - len(bad)),
        all=t.integer(len(experts)),
        bound=t.number(bound, 2),
    )
    if len(bad):
        names = t.listing(
            f"{r.expert} ({own.name(r.node) if r.node == TOTAL else r.node}: {t.number(r.cr, DIGITS)})"
            for r in bad.itertuples()
        )
        text = report.join(text, t("Above the bound: {names}.", names=names))
    columns = {"expert": Col(t("Expert"))} | {
        n: Col(own.name(n) if n == TOTAL else n, "number", digits=DIGITS) for n in tree.groups
    }
    ratios = report.finding(wide, text, title=t("Consistency ratios by expert and node"), columns=columns)
    return Section(title, 1, [ratios, _nodes(own, tree), _levels(own, tree)])


def _consistency(own: Weighed, first: dict[str, Col]) -> dict[str, Col]:
    t = own.report.t
    numbers = {"lambda_max": "λmax", "ci": "CI", "ri": "RI", "cr": "CR"}
    columns = first | {c: Col(name, "number", digits=DIGITS) for c, name in numbers.items()}
    return columns | {"verdict": Col(t("Verdict"), "label")}


def _nodes(own: Weighed, tree: AHPTree):
    from commlab.weights.random_index import random_index_of, table_name

    t, nodes = own.report.t, tree.nodes.copy()
    nodes["name"] = [own.name(n) for n in nodes["node"]]
    nodes["ri"] = [random_index_of(n, tree.random_index) for n in nodes["n"]]
    nodes["verdict"] = nodes["consistent"].map(own.verdict)
    first = {
        "name": Col(t("Node"), "label", width=2),
        "n": Col(t("Items"), "integer"),
        "experts": Col(t("Experts"), "integer"),
        "used": Col(t("Used"), "integer"),
    }
    text = t(
        "{n} of {all} group matrices pass; random index: table {table}.",
        n=t.integer(nodes["consistent"].sum()),
        all=t.integer(len(nodes)),
        table=table_name(tree.random_index),
    )
    alone = nodes.loc[nodes["used"] == 1, "name"]
    notes = (
        [t("These weights are one expert's alone: {nodes}.", nodes=t.listing(alone))] if len(alone) else []
    )
    gaps = int(tree.experts["missing"].sum())
    if gaps:
        told = "Judgements not made: {n}; their matrices are completed by the values that make λmax smallest."
        notes.append(t(told, n=t.integer(gaps)))
    title, columns = t("Consistency of the group's matrices"), _consistency(own, first)
    return own.report.finding(nodes, text, title=title, columns=columns, notes=notes)


def _levels(own: Weighed, tree: AHPTree):
    t, table = own.report.t, tree.hierarchy.copy()
    table["name"] = [t("All levels") if x == TOTAL else t("Level {n}", n=x) for x in table["level"]]
    table["verdict"] = table["consistent"].map(own.verdict)
    whole = table.iloc[-1]
    text = t(
        "The hierarchy's consistency ratio is {cr}: it {verdict} the test.",
        cr=t.number(whole["cr"], DIGITS),
        verdict=own.verdict(whole["consistent"]),
    )
    columns = _consistency(own, {"name": Col(t("Level"), "label")})
    columns.pop("lambda_max")
    return own.report.finding(table, text, title=t("Consistency of the hierarchy"), columns=columns)


def matrices(report: Report) -> Section:
    """Of every node: the group's matrix, the experts' weights and ratios, and every expert's matrix."""
    t, own = report.t, weighed(report)
    title = t("Judgement matrices and weights")
    if own.tree is None:
        return Section(title, 1, [t("No pairwise judgements were given: weights are equal or printed.")])
    parts = []
    for node, group in own.tree.groups.items():
        blocks = [_group_matrix(own, node, group), _own_weights(own, node, group)]
        if len(group.experts) <= MOST_EXPERTS:
            blocks.append(_expert_matrices(own, node, group))
        parts.append(Section(report.starting(own.name(node)), 2, blocks))
    return Section(title, 1, parts)


def _group_matrix(own: Weighed, node: str, group: AHPGroup):
    t, items = own.report.t, list(group.weights.index)
    table = group.result.matrix.copy()
    table.insert(0, "label", [own.label(c) for c in items])
    table["weight"] = table["share"] = group.weights
    whole = own.tree.framework if own.tree else own.report.study.framework
    reach = reach_of(whole)
    table["whole"] = [reach[c] for c in items]
    text = t(
        "{used} of {all} experts count; λmax = {lam}, CI = {ci}, CR = {cr}: {verdict}.",
        used=t.integer(group.experts["used"].sum()),
        all=t.integer(len(group.experts)),
        lam=t.number(group.lambda_max, DIGITS),
        ci=t.number(group.ci, DIGITS),
        cr=t.number(group.cr, DIGITS),
        verdict=own.verdict(group.consistent),
    )
    columns = {"label": Col(t("Indicator"), width=2)}
    columns |= {c: Col(str(c), "number", digits=DIGITS) for c in items}
    columns |= {
        "weight": Col(t("Weight"), "number", digits=DIGITS),
        "share": Col(t("Percent"), "percent", digits=2),
        "whole": Col(t("Weight in the whole"), "number", digits=DIGITS),
    }
    title = t("Group matrix and weights below {node}", node=own.name(node))
    return own.report.finding(table, text, title=title, columns=columns)


def reach_of(framework: Any) -> dict[str, float]:
    """Weight in the whole of every node."""
    weights = framework.global_weights()
    return {n.code: float(weights[list(framework.leaves_of(n.code))].sum()) for n in framework.nodes}


def _own_weights(own: Weighed, node: str, group: AHPGroup):
    t, items = own.report.t, list(group.weights.index)
    told = group.experts.assign(
        verdict=group.experts["consistent"].map(own.verdict), counts=group.experts["used"]
    )
    table = pd.concat([told.reset_index(drop=True), group.individual.reset_index(drop=True)], axis=1)
    middle = group.individual.std(ddof=1) / group.individual.mean() if len(group.individual) > 1 else None
    text = (
        t("Only one expert judged.")
        if middle is None
        else t(
            "The experts differ most over {label}: the coefficient of variation of its weight is {cv}.",
            label=own.label(middle.idxmax()),
            cv=t.number(middle.max(), DIGITS),
        )
    )
    columns = {"expert": Col(t("Expert"))} | {c: Col(str(c), "number", digits=DIGITS) for c in items}
    columns |= {
        "lambda_max": Col("λmax", "number", digits=DIGITS),
        "ci": Col("CI", "number", digits=DIGITS),
        "cr": Col("CR", "number", digits=DIGITS),
        "verdict": Col(t("Verdict"), "label"),
        "counts": Col(t("Used"), "label"),
    }
    drawn = group.individual.T.set_axis([str(e) for e in group.individual.index], axis=1)
    drawn.index = pd.Index([own.label(c) for c in items])
    figure = figures.disagreement(
        drawn.assign(group=group.weights.to_numpy()),
        each_label=t("an expert"),
        group_label=t("the group"),
        xlabel=t("Weight among siblings"),
    )
    name = own.name(node)
    return own.report.finding(
        table,
        text,
        figure=figure,
        title=t("Weights and consistency by expert below {node}", node=name),
        figure_title=t("How far the experts differ below {node}", node=name),
        columns=columns,
    )


def _expert_matrices(own: Weighed, node: str, group: AHPGroup):
    t, items = own.report.t, list(group.weights.index)
    parts = []
    for (expert, matrix), weights in zip(group.matrices.items(), group.individual.to_numpy(), strict=True):
        part = matrix.copy()
        part.insert(0, "item", items)
        part.insert(0, "expert", [expert, *[""] * (len(items) - 1)])
        part["weight"] = part["share"] = weights
        parts.append(part)
    table = pd.concat(parts, ignore_index=True)
    columns = {"expert": Col(t("Expert"), str), "item": Col(t("Indicator"))}
    columns |= {c: Col(str(c), _judgement(t), align="right") for c in items}
    columns["weight"] = Col(t("Weight"), "number", digits=DIGITS)
    columns["share"] = Col(t("Percent"), "percent", digits=2)
    title = t("Matrices of all experts below {node}", node=own.name(node))
    text = t("Empty cells were not judged; the mirror of a judgement is its reciprocal.")
    return own.report.finding(table, text, title=title, columns=columns)


def _judgement(t: Any):
    """A judgement as people write it: 3, 1/3, or a number with its decimals."""

    def shown(value: float) -> str:
        if np.isnan(value):
            return ""
        for number, pattern in ((value, "{}"), (1 / value, "1/{}")):
            if abs(number - round(number)) < 1e-9:
                return pattern.format(round(number))
        return t.number(value, DIGITS)

    return shown


def mending(report: Report) -> Section:
    """The judgements that drive inconsistency where a matrix fails, and the matrix repaired beside the original."""
    t, own = report.t, weighed(report)
    title = t("Judgements that drive inconsistency")
    failing = [] if own.tree is None else list(own.tree.experts[~own.tree.experts["consistent"]].itertuples())
    if own.tree is None or not failing:
        return Section(title, 1, [t("Every matrix passes; none needs mending.")])
    shown, ranked, repairs = _judgement(t), [], []
    for r in failing:
        result, node = own.tree.groups[r.node].of(r.expert), own.name(r.node)
        worst = result.worst.head(MOST_RANKED)
        pair = worst["row"].astype(str) + " : " + worst["column"].astype(str)
        ranked.append(worst.assign(expert=r.expert, node=node, rank=range(1, len(worst) + 1), pair=pair))
        repaired = result.repaired()
        changes = [
            f"{i} : {j} ({shown(a)} → {shown(b)})" for i, j, a, b in _changed(result.matrix, repaired.matrix)
        ]
        told = {
            "expert": r.expert,
            "node": node,
            "cr": r.cr,
            "repair": t.listing(changes),
            "repaired": repaired.cr,
        }
        repairs.append(told | {"verdict": own.verdict(repaired.consistent)})
    table = pd.concat(ranked, ignore_index=True)
    text = t(
        "{n} matrices fail. Their judgements are ranked by how much each drives the ratio (Harker's gradient); the "
        "mending value is the one that makes the ratio smallest, all others kept.",
        n=t.integer(len(failing)),
    )
    columns = {
        "expert": Col(t("Expert")),
        "node": Col(t("Node"), "label", width=1.5),
        "rank": Col(t("Rank"), "integer"),
        "pair": Col(t("Judgement")),
        "value": Col(t("Judged"), shown, align="right"),
        "gradient": Col(t("Gradient"), "signed", digits=DIGITS),
        "mended": Col(t("Mending value"), "number", digits=2),
        "cr": Col(t("CR then"), "number", digits=DIGITS),
    }
    notes = [
        t("Ranked by gradient times judgement, which is the same whichever of the two items is the row.")
    ]
    first = report.finding(table, text, title=title, columns=columns, notes=notes)
    text = t("A repaired matrix is a proposal to ask the expert about; it is used nowhere.")
    columns = {
        "expert": Col(t("Expert")),
        "node": Col(t("Node"), "label", width=1.5),
        "cr": Col("CR", "number", digits=DIGITS),
        "repair": Col(t("Judged → proposal"), width=3),
        "repaired": Col(t("CR repaired"), "number", digits=DIGITS),
        "verdict": Col(t("Verdict"), "label"),
    }
    second = report.finding(
        pd.DataFrame(repairs), text, title=t("Matrices repaired beside the original"), columns=columns
    )
    return Section(title, 1, [first, second])


def _changed(before: pd.DataFrame, after: pd.DataFrame) -> list[tuple[Any, Any, float, float]]:
    """Pairs of a matrix that a repair changed: row, column, before, after."""
    a, b, items = before.to_numpy(), after.to_numpy(), before.index
    return [
        (items[i], items[j], a[i, j], b[i, j]) for i, j in np.argwhere(np.triu(np.abs(np.log(a / b)) > 1e-9))
    ]
