"""How firm weights are: intervals over experts, the panel without each of them, what the data say beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from commlab import figures
from commlab.errors import DataError
from commlab.report.chapters.base import Report
from commlab.report.chapters.method import cover
from commlab.report.chapters.weights import DIGITS, Weighed, reach_of, weighed
from commlab.report.finding import Col, Cover, Section

__all__ = ["data_weights", "firmness", "weights_cover", "weights_workbook"]

SECONDARY = 2
UNIT_DRAWS = 400
"""Resamples of the units; each weighs by every method again."""


def firmness(report: Report) -> Section:
    """Every judged weight with its interval, pairs that cannot be told apart, and the panel without each expert."""
    from commlab.weights import indistinguishable, weight_intervals

    t, own = report.t, weighed(report)
    title = t("How firm the weights are")
    if own.tree is None or own.tree.experts.loc[own.tree.experts["used"], "expert"].nunique() < 2:
        return Section(title, 1, [t("Fewer than two experts count: no interval can be given.")])
    reach, choices = reach_of(own.tree.framework), report.study.config.choices
    table = weight_intervals(own.draws, confidence=choices.confidence).reset_index(names="code")
    table["label"] = [own.label(c) for c in table["code"]]
    table["local"] = own.tree.local.reindex(table["code"]).to_numpy()
    table["weight"] = table["share"] = [reach[c] for c in table["code"]]
    alike = []
    for group in own.tree.groups.values():
        pairs = indistinguishable(own.draws[list(group.weights.index)], confidence=choices.confidence)
        alike += [f"{a}–{b}" for a, b in zip(pairs["first"], pairs["second"], strict=True)]
    possible = sum(len(g.weights) * (len(g.weights) - 1) // 2 for g in own.tree.groups.values())
    text = t(
        "Experts were drawn again {draws} times (seed {seed}). {n} of {all} pairs of siblings cannot be told apart.",
        draws=t.integer(choices.draws),
        seed=str(choices.seed),
        n=t.integer(len(alike)),
        all=t.integer(possible),
    )
    notes = [t("Not told apart: {pairs}.", pairs=t.listing(alike))] if alike else []
    found = report.finding(
        table,
        text,
        figure=figures.bars(
            table.rename(columns={"weight": "value", "ci_low": "low", "ci_high": "high"}),
            xlabel=t("Weight in the whole"),
            percent=True,
        ),
        title=t("Weights with their intervals"),
        figure_title=t("Weights in the whole with intervals over experts"),
        columns={
            "label": Col(t("Indicator"), width=2),
            "local": Col(t("Weight among siblings"), "number", digits=DIGITS),
            "weight": Col(t("Weight in the whole"), "number", digits=DIGITS),
            "share": Col(t("Percent"), "percent", digits=2),
            "ci_low": Col(t("from"), "number", digits=DIGITS),
            "ci_high": Col(t("to"), "number", digits=DIGITS),
        },
        notes=notes,
    )
    return Section(title, 1, [found, _without_each(own)])


def _without_each(own: Weighed):
    """The largest shift of a local weight when one expert is left out."""
    t, rows = own.report.t, []
    for node, group in own.tree.groups.items() if own.tree else ():
        if int(group.experts["used"].sum()) < 2:
            continue
        shift = group.leave_one_out - group.weights
        place = np.unravel_index(np.abs(shift.to_numpy()).argmax(), shift.shape)
        spread = group.dispersion.where(np.triu(np.ones(group.dispersion.shape, dtype=bool), 1)).stack()
        widest = spread.idxmax() if len(spread) else ("", "")
        rows.append(
            {
                "node": own.name(node),
                "expert": str(shift.index[place[0]]),
                "code": own.label(shift.columns[place[1]]),
                "shift": shift.iloc[place],
                "pair": " : ".join(map(str, widest)),
                "spread": spread.max() if len(spread) else np.nan,
            }
        )
    table = pd.DataFrame(rows)
    most = table.loc[table["shift"].abs().idxmax()]
    text = t(
        "Leaving out one expert shifts no weight by more than {shift} ({code} without {expert}).",
        shift=t.number(abs(most["shift"]), DIGITS),
        code=most["code"],
        expert=most["expert"],
    )
    return own.report.finding(
        table,
        text,
        title=t("The panel without each expert, and the most disputed judgement"),
        columns={
            "node": Col(t("Node"), "label", width=1.5),
            "expert": Col(t("Expert left out")),
            "code": Col(t("Indicator that shifts most"), width=1.5),
            "shift": Col(t("Shift"), "signed", digits=DIGITS),
            "pair": Col(t("Most disputed judgement")),
            "spread": Col(t("Geometric sd"), "number", digits=2),
        },
    )


def data_weights(report: Report) -> Section:
    """What the districts' secondary scores say of the weights, beside the experts' weights, and both combined."""
    from commlab import weights as w

    t, framework = report.t, report.study.framework
    title = t("Weights from the data")
    codes = [n.code for n in framework.nodes if n.level == SECONDARY]
    scores = report.period.scores("district")
    scores = scores[scores["code"].isin(codes)].pivot(index="unit", columns="code", values="score")
    scores = scores.reindex(columns=[c for c in codes if c in scores])
    lacking = scores.columns[scores.isna().any()]
    scores = scores.drop(columns=lacking)
    if scores.shape[0] < 3 or scores.shape[1] < 2:
        few = t("Data weights need three districts with two secondary indicators scored in all of them.")
        return Section(title, 1, [few])
    own = weighed(report)
    reach = pd.Series(reach_of(own.tree.framework if own.tree else framework))[scores.columns]
    methods = {
        "entropy": (t("Entropy"), w.entropy),
        "variation": (t("Coefficient of variation"), w.coefficient_of_variation),
        "critic": ("CRITIC", w.critic),
        "pca": (t("Principal components"), w.pca),
        "merec": ("MEREC", w.merec),
    }
    table, refused = pd.DataFrame({"experts": reach / reach.sum()}), []
    for name, (label, method) in methods.items():
        try:
            table[name] = method(scores)
        except DataError:
            zero = name == "merec" and (scores <= 0).to_numpy().any()
            why = t("a score is 0") if zero else t("nothing tells the indicators apart")
            refused.append(t("{text} ({where})", text=label, where=why))
    data = [c for c in table if c != "experts"]
    if not data:
        return Section(title, 1, [t("No method can weigh these scores: {why}.", why=t.listing(refused))])
    table["data"] = w.combine(table[data])

    def mean_of(rows: pd.DataFrame) -> pd.Series:
        return w.combine(pd.DataFrame({c: methods[c][1](rows) for c in data}))

    choices, span = report.study.config.choices, {}
    try:
        again = w.bootstrap_units(scores, mean_of, draws=UNIT_DRAWS, seed=choices.seed)
    except DataError:
        refused.append(t("the interval of the data's mean (the districts are too few or too alike)"))
    else:
        band = w.weight_intervals(again, confidence=choices.confidence)
        table["low"], table["high"] = band["ci_low"], band["ci_high"]
        span = {"low": t("from"), "high": t("to")}
    pair = table[["experts", "data"]]
    table["arithmetic"], table["game"] = w.combine(pair), w.combine(pair, how="game")
    shown = {"experts": t("Experts") if own.tree else t("The study's")} | {c: methods[c][0] for c in data}
    shown |= {"data": t("Data, mean")} | span
    shown |= {"arithmetic": t("Both, mean"), "game": t("Both, game theory")}
    apart = (table["data"] - table["experts"]).abs()
    text = t(
        "Weights among {n} secondary indicators from the scores of {units} districts; all count in the direction of "
        "their score. The study's weights, which its scores use, and the data's differ most over {label} ({experts} and "
        "{data}).",
        n=t.integer(len(table)),
        units=t.integer(len(scores)),
        label=own.label(apart.idxmax()),
        experts=t.percent(table.loc[apart.idxmax(), "experts"], 2),
        data=t.percent(table.loc[apart.idxmax(), "data"], 2),
    )
    notes = (
        [t("Left out, because not every district has a score: {names}.", names=t.listing(lacking))]
        if len(lacking)
        else []
    )
    if span:
        drawn = "The interval of the data's mean: districts drawn again {draws} times."
        notes.append(t(drawn, draws=t.integer(UNIT_DRAWS)))
    if refused:
        notes.append(t("Methods that refuse these scores: {why}.", why=t.listing(refused)))
    columns = {"label": Col(t("Indicator"), width=2)}
    columns |= {c: Col(name, "number", digits=DIGITS) for c, name in shown.items()}
    table["label"] = [own.label(c) for c in table.index]
    found = report.finding(
        table, text, title=t("Weights of the secondary indicators by method"), columns=columns, notes=notes
    )
    return Section(title, 1, [found])


def weights_workbook(report: Report, path: str | Path) -> Path | None:
    """Write the workbook of living matrices; an empty path, or no judgement, writes none."""
    from commlab.report.weights_book import write_weights_book

    own = weighed(report)
    if not str(path) or own.tree is None:
        return None
    return write_weights_book(path, own.tree, cover=weights_cover(report))


def weights_cover(report: Report) -> Cover:
    """The cover of the appendix of weights."""
    front = cover(report)
    title = report.t("Community governance in {unit}: indicator weights", unit=report.unit)
    return Cover(title, front.subtitle, front.facts, language=front.language, sample=front.sample)
