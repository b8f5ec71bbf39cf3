"""Money against the printed floors, and a pool of rewards shared to the cent.

``options: funds:`` in study.yaml: ``floors`` (codes whose printed norm is a floor), ``pool`` and ``places`` (constants of the
framework), ``rules`` (name -> arguments of ``allocate_rewards``) and ``chosen`` among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from commlab.processes import against_floors, floors_met
from commlab.report.chapters.base import Report
from commlab.report.finding import Col, Finding, Section
from commlab.scoring import allocate_rewards
from commlab.study.later import living

__all__ = ["funds", "money_against_floors", "rewards"]


def funds(report: Report) -> Section | None:
    """Which communities get at least what their kind must get, and what is lacking."""
    options = report.study.config.options.get("funds")
    if not options:
        return None
    t, rows = report.t, money_against_floors(report, options)
    title = t("Money against its floors")
    if not report.is_city:
        rows = rows[rows["district"] == report.unit]
    if rows.empty:
        return Section(title, 1, [t("No amount was reported in {period}.", period=report.period_label)])
    parts = [_by_kind(report, rows), _below(report, rows)]
    return Section(title, 1, [*[p for p in parts if p is not None], *report.notes("funds")])


def money_against_floors(report: Report, options: Mapping[str, Any]) -> pd.DataFrame:
    """Every community's money and the floor of its kind: as ``against_floors`` returns it, with code and district."""
    frame, register = report.study.framework, report.study.register
    parts = [(code, p) for code in options["floors"] for p in frame.parts(code)]
    floors = pd.DataFrame([(p.metric, p.type, p.target) for _, p in parts], columns=["fund", "kind", "floor"])
    code_of = {p.metric: code for code, p in parts}
    units = living(register.units, report.period.name)
    units = units[units["level"] == "community"]
    units = units.assign(district=units["unit"].map(register.district_of))
    units = units[units["district"].isin(report.period.districts)]
    facts = report.period.measures
    facts = (
        facts[facts["metric"].isin(code_of)]
        .sort_values("as_of")
        .drop_duplicates(["unit", "metric"], keep="last")
    )
    wanted = units.rename(columns={"type": "kind"})[["unit", "name", "kind", "district"]].merge(
        pd.DataFrame({"fund": list(code_of)}), how="cross"
    )
    amounts = wanted.merge(
        facts.rename(columns={"metric": "fund", "value": "amount"})[["unit", "fund", "amount"]],
        on=["unit", "fund"],
        how="left",
    )
    return against_floors(amounts, floors).assign(code=lambda f: f["fund"].map(code_of))


def _by_kind(report: Report, rows: pd.DataFrame) -> Finding:
    t, frame = report.t, report.study.framework
    table = floors_met(rows, ["fund", "kind"])
    first = rows.drop_duplicates(["fund", "kind"]).set_index(["fund", "kind"])["floor"]
    table["floor"] = [first[f, k] for f, k in zip(table["fund"], table["kind"], strict=True)]
    table["what"] = table["fund"].map(report.metric)
    table["place"] = [frame.type_label(k, report.language) for k in table["kind"]]
    below = rows[rows["state"] == "below"]
    text = t(
        "{met} of {n} amounts reach their floor.",
        met=t.integer(table["met"].sum()),
        n=t.integer(table["n"].sum()),
    )
    if len(below):
        text = report.join(
            text,
            t(
                "{n} communities lie below one, and lack {gap} yuan together.",
                n=t.integer(below["unit"].nunique()),
                gap=t.number(below["gap"].sum(), 0),
            ),
        )
    over = table[(table["mean"] >= table["floor"]) & (table["below"] > 0)]
    if len(over):
        text = report.join(
            text, t("The mean is above the floor all the same: only each single community counts.")
        )
    columns = {
        "what": Col(t("Fund"), "label"), "place": Col(t("Kind of place"), "label"), "floor": Col(t("Floor (yuan)"), "integer"),
        "n": Col(t("Communities"), "integer"), "met": Col(t("Reached"), "integer"), "rate": Col(t("Share"), "percent"),
        "mean": Col(t("Mean (yuan)"), "integer"), "gap": Col(t("Lacking (yuan)"), "integer"),
    }  # fmt: skip
    return report.finding(table, text, title=t("Floors of funds by kind of place"), columns=columns)


def _below(report: Report, rows: pd.DataFrame) -> Finding | None:
    t = report.t
    below = rows[rows["state"].isin(["below", "missing"])].sort_values(
        ["district", "gap"], ascending=[True, False]
    )
    if below.empty:
        return None
    table = below.assign(what=below["fund"].map(report.metric))
    columns = {
        "district": Col(t("District")), "name": Col(t("Community")), "what": Col(t("Fund"), "label"), "amount": Col(t("Amount (yuan)"), "integer"),
        "floor": Col(t("Floor (yuan)"), "integer"), "gap": Col(t("Lacking (yuan)"), "integer"),
    }  # fmt: skip
    if not report.is_city:
        columns.pop("district")
    worst = below.loc[below["gap"].fillna(0).idxmax()]
    text = t(
        "Most is lacking in {community}: {gap} yuan.", community=worst["name"], gap=t.number(worst["gap"], 0)
    )
    return report.finding(table, text, title=t("Communities below a floor"), columns=columns)


def rewards(report: Report) -> Section | None:
    """The pool of rewards shared among the demonstration communities by every rule that the study declares."""
    options = report.study.config.options.get("funds")
    chosen = report.study.register.candidates
    if not options or "pool" not in options or chosen.empty:
        return None
    t, frame, register = report.t, report.study.framework, report.study.register
    title = t("Rewards of demonstration communities")
    totals = report.period.scores("candidate").query("code == 'total'").set_index("unit")["score"]
    if totals.dropna().empty:
        return Section(
            title, 1, [t("No demonstration community has a score in {period}.", period=report.period_label)]
        )
    pool, places = frame.constant(options["pool"]), frame.constant(options["places"])
    rules: Mapping[str, Mapping[str, Any]] = options["rules"]
    shared = {
        name: allocate_rewards(totals, pool.number(), **how).set_index("unit")["amount"]
        for name, how in rules.items()
    }
    table = pd.DataFrame(shared).assign(score=totals).rename_axis("unit").reset_index()
    table["name"] = table["unit"].map(register.units.set_index("unit")["name"])
    table["district"] = table["unit"].map(register.district_of)
    table = table.sort_values("score", ascending=False, na_position="last")
    best = options["chosen"]
    text = t(
        "{n} of {places} demonstration communities have a score; {pool} yuan are shared among {k} of them, {low} to {high} yuan each, and the amounts add up to the pool to the cent.",
        n=t.integer(totals.notna().sum()), places=t.integer(places.number()), pool=t.number(pool.number(), 0),
        k=t.integer((shared[best] > 0).sum()), low=t.number(shared[best][shared[best] > 0].min(), 2), high=t.number(shared[best].max(), 2),
    )  # fmt: skip
    if not report.is_city:
        table = table[table["district"] == report.unit]
        mine = table[best].sum()
        text = report.join(
            text,
            t(
                "{unit} has {n} of them and gets {sum} yuan.",
                unit=report.unit,
                n=t.integer(len(table)),
                sum=t.number(mine, 2),
            ),
        )
        if table.empty:
            return Section(title, 1, [text])
    labels = {
        "equal": t("Equal shares (yuan)"),
        "proportional": t("By score (yuan)"),
        "weights": t("By weight (yuan)"),
    }
    columns = {
        "district": Col(t("District")),
        "name": Col(t("Community")),
        "score": Col(t("Score"), "number"),
    }
    columns |= {name: Col(labels[how["how"]], "number", digits=2) for name, how in rules.items()}
    if not report.is_city:
        columns.pop("district")
    return Section(
        title, 1,
        [report.finding(
            table, text, title=t("Rewards by the rules of the study"), columns=columns,
            notes=[t("The document prints the pool and the number of communities, not how they share it: the rules are ours, and the office decides.")],
        )],
    )  # fmt: skip
