"""Units against printed norms: what is lacking, by how much, and what mending costs.

What this chapter and those of ``promotion`` need beside the data stands under ``options: norms:`` in study.yaml: ``tolerance``, ``prices``, the lists
``people`` and ``trainings`` with ``windows`` (post -> constant of the framework) and ``reported`` (post -> metric), the list
``naming`` with ``rounds`` (period -> levels, each with its constant), and ``labels``: words of these lists in English.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd

from commlab.errors import StudyError, listing
from commlab.framework import Part
from commlab.processes import gap_list, mean_norms, mending_costs
from commlab.processes.norms import NORMS
from commlab.report.chapters.base import Report
from commlab.report.chapters.weak_points import norm_text, part_label
from commlab.report.finding import Col, Finding, Section
from commlab.scoring import collect
from commlab.study.later import living
from commlab.text import Text

__all__ = ["cost_of", "gaps", "list_word", "norm_gaps", "norm_options"]

_KEYS = ("tolerance", "prices", "people", "trainings", "windows", "reported", "naming", "rounds", "labels")
Parts = dict[tuple[str, str], Part]


def gaps(report: Report) -> Section | None:
    """What is lacking against every norm, by how much, and what mending costs at the study's prices."""
    options = norm_options(report)
    if options is None:
        return None
    t, found = report.t, norm_gaps(report, options)
    title = t("Gaps against the norms")
    if found.empty:
        return Section(
            title,
            1,
            [t("Nothing that a norm asks for was measured in {period}.", period=report.period_label)],
        )
    costs = mending_costs(found, options.get("prices", {}))
    below = _below(report, options)
    if not report.is_city:
        return Section(
            title, 1, [_of_unit(report, found[found["unit"] == report.unit], costs, options), *below]
        )
    told = [_by_unit(report, found, costs), _by_norm(report, found, costs), *below, *_means(report)]
    return Section(title, 1, told)


def norm_options(report: Report) -> Mapping[str, Any] | None:
    """What study.yaml says for these chapters; None where it says nothing."""
    given = report.study.config.options.get("norms")
    if given is None:
        return None
    strange = sorted(set(given) - set(_KEYS)) if isinstance(given, Mapping) else [str(given)]
    if strange:
        raise StudyError(
            f"study.yaml options: norms: {listing(strange)} is unknown; known: {', '.join(_KEYS)}"
        )
    return given


def list_word(report: Report, options: Mapping[str, Any], word: object) -> str:
    """A post or level as the lists have it; in English by the study's label."""
    if not isinstance(word, str) or report.language == "zh":
        return word if isinstance(word, str) else ""
    return str(options.get("labels", {}).get(word, word))


def norm_gaps(report: Report, options: Mapping[str, Any]) -> pd.DataFrame:
    """The gap list of all districts that can be reported."""
    evidence = report.period.result("evidence")
    own = evidence[(evidence["set"] == "district") & evidence["unit"].isin(report.period.districts)]
    return gap_list(report.study.framework, own, tolerance=options.get("tolerance"))


def _parts(report: Report) -> Parts:
    frame = report.study.framework
    return {(p.code, p.part): p for code in frame.leaves for p in frame.parts(code)}


def _of_unit(report: Report, found: pd.DataFrame, costs: pd.DataFrame, options: Mapping[str, Any]) -> Finding:
    t, parts = report.t, _parts(report)
    rows = costs[costs["unit"] == report.unit]
    missing = found[found["state"] == "missing"]
    applies = found[found["state"].isin(["met", "short", "advice"])]
    text = t(
        "Of {n} norms and points: met {met}, not met {short}, below soft words (advice only) {advice}.",
        n=t.integer(len(applies)),
        met=t.integer((applies["state"] == "met").sum()),
        short=t.integer((applies["state"] == "short").sum()),
        advice=t.integer((applies["state"] == "advice").sum()),
    )
    if len(missing):
        text = report.join(text, t("Not measured: {n}.", n=t.integer(len(missing))))
    text = report.join(text, _money(t, rows))
    both = pd.concat([rows, missing.assign(price=math.nan, cost=math.nan)], ignore_index=True)
    both["rank"] = both["state"].map({"short": 0, "missing": 1, "advice": 2})
    both = both.sort_values("rank", kind="stable").assign(
        label=lambda f: [
            _label(report, parts, *key) for key in zip(f["code"], f["part"], f["item"], strict=True)
        ],
        required=lambda f: [
            t("in place") if i else _required(t, parts[c, p], options)
            for c, p, i in zip(f["code"], f["part"], f["item"], strict=True)
        ],
    )
    both["measured"] = [_measured(report, parts[r.code, r.part], r) for r in both.itertuples(index=False)]
    both["off"] = [_off(report, parts[r.code, r.part], r) for r in both.itertuples(index=False)]
    both["verdict"] = both["state"].map(_words(t))
    columns = {
        "label": Col(t("What a norm asks for"), width=1.8), "article": Col(t("Article")), "required": Col(t("Required"), align="center"),
        "measured": Col(t("Measured"), align="center"), "off": Col(t("Off by"), align="right"),
        "cost": Col(t("Cost (yuan)"), "number", digits=0), "verdict": Col(t("Finding"), "label"),
    }  # fmt: skip
    return report.finding(
        both,
        text,
        title=t("What is lacking, and what mending costs"),
        columns=columns,
        notes=_price_note(t, rows),
    )


def _required(t: Text, part: Part, options: Mapping[str, Any]) -> str:
    """What a norm asks for; one with a tolerance reaches to both sides."""
    share = options.get("tolerance", {}).get(f"{part.code}/{part.part}")
    if share is None:
        return norm_text(t, part)
    return f"{t.number(part.target, 0)} ± {t.percent(share, 0)}"


def _money(t: Text, rows: pd.DataFrame) -> str:
    """What mending costs, hard norms and advice apart; what has no price is told."""
    priced, unpriced = rows[rows["cost"].notna()], t.integer(rows["cost"].isna().sum())
    if rows.empty:
        return ""
    if priced.empty:
        return t("Gaps without a unit price: {n}.", n=unpriced)
    told = []
    for state in ("short", "advice"):
        costs = rows.loc[rows["state"] == state, "cost"]
        known = costs.empty or costs.notna().any()
        told.append(t("{n} yuan", n=t.number(costs.sum(), 0)) if known else t("an unknown amount"))
    return t(
        "At the study's unit prices mending costs {hard} for hard norms and {soft} more for advice; gaps without a price: {n}.",
        hard=told[0],
        soft=told[1],
        n=unpriced,
    )


def cost_of(costs: pd.DataFrame, units: pd.Series, state: str) -> pd.Series:
    """Cost of the gaps of one state by unit: 0 without a gap, missing where no gap has a price."""
    by_unit = costs[costs["state"] == state].groupby("unit")["cost"].sum(min_count=1)
    return units.map(by_unit).astype("float64").where(units.isin(by_unit.index), 0.0)


def _price_note(t: Text, rows: pd.DataFrame) -> list[str]:
    return (
        [t("Unit prices are the study's own, not official; a gap without a price is not free.")]
        if len(rows)
        else []
    )


def _label(report: Report, parts: Parts, code: str, part: str, item: str) -> str:
    label = part_label(report, parts, code, part)
    if not item:
        return label
    metric, _, point = item.partition("/")
    known = report.study.framework.metrics.get(metric)
    inner = known.items.get(point, {}) if known else {}
    return report.t("{what}: {item}", what=label, item=inner.get(report.language) or inner.get("zh") or item)


def _unit_of(report: Report, part: Part) -> str:
    """Unit of measure of what is lacking: of a rate, that of its numerator."""
    metrics = report.study.framework.metrics
    key = str(part.params["numerator"] if part.rule == "rate" else part.metric)
    return metrics[key].unit if report.language == "zh" and key in metrics else ""


def _measured(report: Report, part: Part, row: Any) -> str:
    t = report.t
    if not math.isfinite(row.value):
        return ""
    if part.rule in ("checklist", "yes_no"):
        return t("no") if row.short else t("yes")
    if row.denominator > 0:
        return f"{t.integer(row.numerator)}/{t.integer(row.denominator)}"
    return (
        f"{t.number(row.value, 0 if float(row.value).is_integer() else 1)} {_unit_of(report, part)}".strip()
    )


def _off(report: Report, part: Part, row: Any) -> str:
    """How much is lacking in a district; of norms for units below it, how many of these do not meet them."""
    t = report.t
    if row.state == "missing":
        return ""
    if part.measured_at not in ("district", "city"):
        return t("communities: {n}", n=t.integer(row.short))
    return _amount(report, part, row.short)


def _amount(report: Report, part: Part, short: float) -> str:
    t = report.t
    if part.rule in ("checklist", "yes_no"):
        return t("{n} missing", n=t.integer(short))
    return f"{t.number(short, 0 if float(short).is_integer() else 1)} {_unit_of(report, part)}".strip()


def _words(t: Text) -> dict[str, str]:
    return {"short": t("not met"), "advice": t("advice"), "missing": t("missing")}


def _by_unit(report: Report, found: pd.DataFrame, costs: pd.DataFrame) -> Finding:
    t = report.t
    state = found.groupby("unit")["state"].value_counts().unstack(fill_value=0)
    state = state.reindex(columns=["met", "short", "advice", "missing"], fill_value=0)
    table = state.reindex(list(report.period.districts), fill_value=0).rename_axis("unit").reset_index()
    for name, of in (("hard", "short"), ("soft", "advice")):
        table[name] = cost_of(costs, table["unit"], of)
    table["unpriced"] = (
        table["unit"].map(costs[costs["cost"].isna()].groupby("unit").size()).fillna(0).astype(int)
    )
    table = table.sort_values(["short", "advice"], kind="stable")
    whole = table["short"] + table["missing"] == 0
    text = report.join(
        t(
            "Of {all} districts {n} meet every hard norm; gaps left in the others: {gaps}, the most in {unit} ({most}).",
            n=t.integer(whole.sum()),
            all=t.integer(len(table)),
            gaps=t.integer(table["short"].sum()),
            unit=table["unit"].iloc[-1],
            most=t.integer(table["short"].iloc[-1]),
        )
        if not whole.all()
        else t("All {n} districts meet every hard norm.", n=t.integer(len(table))),
        _money(t, costs),
    )
    columns = {
        "unit": Col(t("District")), "met": Col(t("Met"), "integer"), "short": Col(t("Not met"), "integer"),
        "missing": Col(t("Missing"), "integer"), "advice": Col(t("Advice"), "integer"),
        "hard": Col(t("Hard norms"), "number", digits=0, group=t("Cost (yuan)")),
        "soft": Col(t("Advice"), "number", digits=0, group=t("Cost (yuan)")),
        "unpriced": Col(t("Without price"), "integer"),
    }  # fmt: skip
    return report.finding(
        table, text, title=t("Gaps and costs by district"), columns=columns, notes=_price_note(t, costs)
    )


def _by_norm(report: Report, found: pd.DataFrame, costs: pd.DataFrame) -> Finding:
    t, parts = report.t, _parts(report)
    norms = found[found["state"].isin(["met", "short", "advice"])].groupby(["code", "part"], sort=False)
    table = norms["unit"].nunique().rename("n").reset_index()
    missed = costs.groupby(["code", "part"]).agg(
        units=("unit", "nunique"), short=("short", "sum"), cost=("cost", partial(pd.Series.sum, min_count=1))
    )
    table = table.merge(missed.reset_index(), on=["code", "part"]).sort_values(
        "units", ascending=False, kind="stable"
    )
    table["label"] = [
        _label(report, parts, c, p, "") for c, p in zip(table["code"], table["part"], strict=True)
    ]
    table["kind"] = [
        t("advice") if parts[c, p].soft else t("hard norm")
        for c, p in zip(table["code"], table["part"], strict=True)
    ]
    table["off"] = [
        _off(report, parts[r.code, r.part], r._replace(state="short"))
        for r in table.assign(state="").itertuples(index=False)
    ]
    if table.empty:
        return report.finding(table, t("No norm is missed."))
    first = table.iloc[0]
    text = t("The norm missed most often is {label}: by {n} of {all} districts.", label=first["label"], n=t.integer(first["units"]), all=t.integer(first["n"]))  # fmt: skip
    columns = {
        "label": Col(t("What a norm asks for"), width=1.8), "kind": Col(t("Kind"), "label"), "units": Col(t("Districts that miss it"), "integer"),
        "n": Col(t("Can be judged"), "integer"), "off": Col(t("Lacking in all"), align="right"),
        "cost": Col(t("Cost (yuan)"), "number", digits=0),
    }  # fmt: skip
    return report.finding(table, text, title=t("Gaps by norm"), columns=columns)


def _below(report: Report, options: Mapping[str, Any]) -> list[Finding]:
    """Norms that belong to units below the districts, unit by unit."""
    t, parts, register, period = report.t, _parts(report), report.study.register, report.period
    levels = {p.measured_at for p in parts.values() if p.rule in NORMS} - {"city", "district", "department"}
    inside = report.period.districts if report.is_city else (report.unit,)
    units = living(register.units, period.name)
    units = units.assign(
        scored=units["level"].isin(levels) & units["unit"].map(register.district_of).isin(inside)
    )
    if not units["scored"].any():
        return []
    evidence = collect(
        report.study.framework, measures=period.measures, ratings=None, survey=None, units=units
    )
    kept = [
        key in parts and parts[key].measured_at in levels
        for key in zip(evidence["code"], evidence["part"], strict=True)
    ]
    rows = gap_list(report.study.framework, evidence[kept], tolerance=options.get("tolerance"))
    rows = rows[rows["state"] != "not_applicable"]
    if rows.empty:
        return []
    names = units.set_index("unit")["name"]
    rows = rows.assign(
        district=rows["unit"].map(register.district_of),
        name=rows["unit"].map(names),
        required=[norm_text(t, parts[c, p]) for c, p in zip(rows["code"], rows["part"], strict=True)],
        label=[
            _label(report, parts, *key) for key in zip(rows["code"], rows["part"], rows["item"], strict=True)
        ],
        measured=[_measured(report, parts[r.code, r.part], r) for r in rows.itertuples(index=False)],
        off=[
            _amount(report, parts[r.code, r.part], r.short) if r.short else ""
            for r in rows.itertuples(index=False)
        ],
        verdict=rows["state"].map({**_words(t), "met": t("met")}),
    )
    text = t(
        "{n} of {all} communities meet what is asked of them.",
        n=t.integer((rows["state"] == "met").sum()),
        all=t.integer(len(rows)),
    )
    columns = {
        "district": Col(t("District")), "name": Col(t("Community")), "label": Col(t("What a norm asks for"), width=1.5),
        "required": Col(t("Required"), align="center"), "measured": Col(t("Measured"), align="center"),
        "off": Col(t("Off by"), align="right"), "verdict": Col(t("Finding"), "label"),
    }  # fmt: skip
    if not report.is_city:
        columns.pop("district")
    return [report.finding(rows, text, title=t("Communities against their norms"), columns=columns)]


def _means(report: Report) -> list[Finding]:
    """Norms on a mean: the mean decides, how many reach the number on their own stands beside it."""
    t = report.t
    table = mean_norms(report.study.framework, report.period.measures, list(report.period.districts))
    if table.empty:
        return []
    parts = _parts(report)
    table["label"] = [
        _label(report, parts, c, p, "") for c, p in zip(table["code"], table["part"], strict=True)
    ]
    table["share"] = table["reach"] / table["n"]
    table["verdict"] = [t("met") if met else t("not met") for met in table["met"]]
    told = [
        t("{label}: the mean of {n} districts is {mean}, {verdict}; {reach} reach the number on their own, which is no norm.",
          label=r.label, n=t.integer(r.n), mean=f"{t.number(r.mean, 0)} {_unit_of(report, parts[r.code, r.part])}".strip(), verdict=r.verdict, reach=t.integer(r.reach))
        for r in table.itertuples(index=False)
    ]  # fmt: skip
    columns = {
        "label": Col(t("What a norm asks for"), width=1.6), "article": Col(t("Article")), "target": Col(t("Required mean"), "number", digits=0),
        "mean": Col(t("Mean"), "number", digits=0), "lacking": Col(t("Lacking in all"), "number", digits=0),
        "share": Col(t("Share that reaches it"), "percent", digits=0), "verdict": Col(t("Finding"), "label"),
    }  # fmt: skip
    return [report.finding(table, report.join(*told), title=t("Norms on the mean"), columns=columns)]
