"""The way back of what residents and offices reported: survey items, questions about people, metrics, problems, ledger."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from commlab.errors import ParameterError, listing
from commlab.study.trace import Step, canonical
from commlab.study.trace_cells import Cells, number
from commlab.text import Text

if TYPE_CHECKING:
    from commlab.study.period import Period

__all__ = ["fact"]

LEDGER = "ledger"
_OF_A_COMMUNITY = ("index", "satisfied")
"""All that a community's survey shows beside the number of answers."""
_WEIGHTINGS = {"design": "Base weights", "raked": "Raked to the census", "all": "With excluded answers"}


def fact(period: Period, unit: str, code: str) -> tuple[str, Step] | None:
    """The unit's canonical name and the way of something reported; None where ``code`` is no such thing."""
    kinds = (
        (code in period.items, _item),
        (code in set(period.result("demographics")["variable"]), _question),
        (code.partition("/")[0] in period.study.framework.metrics, _metric),
        (code in set(period.problems["problem"]), _problem),
        (code == LEDGER, _cleaning),
    )
    for known, tell in kinds:
        if known:
            name = canonical(period, unit)
            return name, tell(period, name, code, Text(period.study.config.language))
    return None


def _level(period: Period, unit: str) -> str:
    if unit == period.study.config.city:
        return "city"
    return "district" if unit in period.study.register.districts else "community"


def _item(period: Period, unit: str, item: str, t: Text) -> Step:
    """Every statistic of a survey item, its distribution and its change."""
    level = _level(period, unit)
    found = period.result("satisfaction")
    found = found[(found["unit"] == unit) & (found["level"] == level) & (found["item"] == item)]
    if level == "community":
        found = found[found["statistic"].isin(_OF_A_COMMUNITY)]
    hidden = found["rule"].fillna("").ne("") | found["estimate"].isna()
    steps = _other(period, "small_areas", unit, item, t) if level == "community" else []
    if hidden.all() and not steps:
        raise ParameterError(f"too few people answered {item} in {unit}: nothing is shown")
    for row in found[~hidden].itertuples():
        bound = f"{row.bound} " if row.bound else ""  # only a bound may be shown
        value = f"{bound}{t.number(row.estimate, 4)} {t.interval(row.ci_low, row.ci_high, 4)}"
        ends = tuple(
            Step("estimate", f"{name} = {t.number(getattr(row, name), 4)}", number(getattr(row, name)))
            for name in ("se", "ci_low", "ci_high", "df", "n")
        )
        text = f"{row.statistic} ({t(_WEIGHTINGS[row.weighting])}): {value}"
        steps.append(Step("estimate", text, number(row.estimate), below=ends))
    if level != "community":
        spread = period.result("distribution")
        spread = spread[(spread["unit"] == unit) & (spread["item"] == item) & spread["share"].notna()]
        steps += [
            Step(
                "estimate",
                t("answer {answer}: {share}", answer=row.answer, share=t.percent(row.share)),
                number(row.share),
            )
            for row in spread.itertuples()
        ]
        steps += _moved(period, unit, item, t)
    steps += _other(period, "drivers", unit, item, t)
    top = found.loc[~hidden, "n"].max()
    return Step("node", f"{unit} {item}", number(top), below=(*steps, Cells(period, unit).answers()))


def _other(period: Period, name: str, unit: str, item: str, t: Text) -> list[Step]:
    """Numbers of further results that have rows of this unit (and item): what matters, what was modelled."""
    rows = period.result(name)
    for key, value in (("unit", unit), ("item", item)):
        rows = rows[rows[key] == value] if key in rows else rows
    numbers = rows.select_dtypes("number")
    return [
        Step("estimate", f"{name}: {c} = {t.number(v, 4)}", number(v))
        for row in numbers.to_dict("records")
        for c, v in row.items()
        if pd.notna(v)
    ]


def _moved(period: Period, unit: str, item: str, t: Text) -> list[Step]:
    rows = period.result("change")
    rows = rows[(rows["unit"] == unit) & (rows["item"] == item)] if len(rows) else rows
    if rows.empty or period.previous is None:
        return []
    row = rows.iloc[0]
    names = ("before", "after", "se", "ci_low", "ci_high", "p_value", "p_holm")
    ends = [Step("estimate", f"{n} = {t.number(row[n], 4)}", number(row[n])) for n in names]
    text = t(
        "change since {before}: {points}", before=period.previous.name, points=t.signed(row["estimate"], 4)
    )
    return [
        Step(
            "estimate",
            text,
            number(row["estimate"]),
            below=(*ends, Cells(period, unit).answers(period.previous)),
        )
    ]


def _question(period: Period, unit: str, variable: str, t: Text) -> Step:
    """Sample, weighted and census shares of the groups of a question about the person."""
    rows = period.result("demographics")
    rows = rows[(rows["unit"] == unit) & (rows["variable"] == variable)]
    if rows.empty:
        raise ParameterError(f"{unit} has no breakdown by {variable}; districts and the city have one")
    margins = period.study.register.margins
    margins = margins[margins["unit"].isin([unit] if _level(period, unit) != "city" else margins["unit"])]
    census = listing(sorted(set(margins["source"].dropna())))
    steps = []
    for row in rows.itertuples():
        shares = [
            Step(
                "estimate",
                f"{name} {t.percent(getattr(row, name), 2)}",
                number(getattr(row, name)),
                census if name == "population" else "",
            )
            for name in ("sample", "weighted", "population")
        ]
        shares.append(Step("estimate", t("difference"), number(row.weighted - row.population)))
        steps.append(
            Step("estimate", f"{row.level}: n = {t.integer(row.n)}", float(row.n), below=tuple(shares))
        )
    return Step(
        "node", f"{unit} {variable}", float(rows["n"].sum()), below=(*steps, Cells(period, unit).answers())
    )


def _metric(period: Period, unit: str, key: str, t: Text) -> Step:
    """Values of a metric (of a ratio: of its parts), with their cells and the ledger lines about them."""
    name, _, item = key.partition("/")
    entry = period.study.framework.metrics[name]
    cells, level = Cells(period, unit), _level(period, unit)
    rows = period.measures[period.measures["metric"].isin(cells.parts_of(name))]
    if level != "city":
        rows = rows[(rows["unit"] == unit) | (rows["unit"].map(period.study.register.district_of) == unit)]
    if item:
        rows = rows[rows["item"] == item]
    if entry.sensitive and level == "community":
        raise ParameterError(f"{key} concerns cared-for people: it is shown in sums above the community only")
    if entry.sensitive:
        total = rows["value"].sum(min_count=1)
        files = listing(sorted({str(s).partition("#")[0] for s in rows["source"]}))
        return Step("node", f"{unit} {entry.zh}: {t.number(total, 2)}", number(total), files)
    steps = []
    for row in rows.itertuples():
        found = cells.value(row)
        steps.append(replace(found, below=cells.ledger(found.source)))
    if not steps:
        raise ParameterError(f"{unit} reported no {key} in {period.name}")
    total = rows["value"].sum(min_count=1) if entry.kind != "ratio" else float("nan")
    return Step("node", f"{unit} {entry.zh}", number(total), below=tuple(steps))


def _problem(period: Period, unit: str, problem: str, t: Text) -> Step:
    """The dated events of a problem."""
    rows = period.problems[period.problems["problem"] == problem]
    steps = tuple(
        Step(
            "value",
            f"{row.event} {row.on:%Y-%m-%d}" if pd.notna(row.on) else row.event,
            source=str(row.source),
        )
        for row in rows.itertuples()
    )
    return Step("node", f"{rows['unit'].iloc[0]} {problem}", below=steps)


def _cleaning(period: Period, unit: str, code: str, t: Text) -> Step:
    """What was done to the files behind a unit's report, by action, severity and rule."""
    ledger = period.ledger
    if unit != period.study.config.city:
        district = period.study.register.district_of.get(unit, unit)
        ledger = ledger[ledger["file"].fillna("").isin(period.files_of(district))]
    steps = []
    keys = ["action", "severity", "rule"]
    for (action, severity, rule), rows in ledger.groupby(keys, sort=True):
        lines = tuple(
            Step(
                "ledger",
                str(r.message),
                float(r.n),
                f"{r.file}#{r.sheet if isinstance(r.sheet, str) else ''}!{r.first_cells if isinstance(r.first_cells, str) else ''}",
            )
            for r in rows.itertuples()
        )
        public = rows[rows["before"] != "‹removed›"]
        steps.append(
            Step("evidence", f"{action} · {severity} · {rule}", float(public["n"].sum()), below=lines)
        )
    return Step("node", f"{unit} {code}", float(ledger["n"].sum()), below=tuple(steps))
