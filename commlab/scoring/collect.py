"""Evidence: for every unit and part, what a score will rest on, and what stands beside it.

Rows have a ``role``: ``main`` is what the rule scores (one a unit and part); ``item`` rows are the points
of a checklist, deductions and questions; ``beside`` rows are shown and never scored (counts, the self and
district stages, the share of communities that meet a mean); ``check`` rows are ratings of a part that a
printed norm decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import ParameterError
from commlab.framework import Framework, Part, exact
from commlab.scoring.counts import Counts
from commlab.scoring.gather import NOTHING, Fact, Measures, Places, summed
from commlab.scoring.growth import yearly
from commlab.scoring.judged import Judgements
from commlab.scoring.residents import Answers
from commlab.scoring.rules import FOUND, deduct, meets_one, score_rows
from commlab.scoring.sources import join_sources
from commlab.tables import period_key

__all__ = ["EVIDENCE", "collect"]

EVIDENCE = [
    "unit", "code", "part", "item", "value", "numerator", "denominator", "n", "se", "df", "stage", "method",
    "state", "source", "role", "level", "statistic", "per", "of", "percentile",
]  # fmt: skip
"""Columns of the evidence; ``of``: how many there could have been where ``n`` were found."""
_TEXTS = ["unit", "code", "part", "item", "stage", "method", "state", "source", "role", "level", "statistic"]
_NUMBERS = ["value", "numerator", "denominator", "n", "se", "df", "per", "of", "percentile"]

Row = dict[str, Any]


def collect(
    framework: Framework,
    *,
    measures: pd.DataFrame | None,
    ratings: pd.DataFrame | None,
    survey: pd.DataFrame | None,
    mutual: pd.DataFrame | None = None,
    units: pd.DataFrame,
) -> pd.DataFrame:
    """Gather the evidence of every part for the units to be scored.

    Parameters
    ----------
    framework : Framework
    measures, ratings : DataFrame or None
        Clean tables (None: there is none); of a metric reported on several dates the newest counts (a growth rule uses all).
    survey : DataFrame or None
        unit, item, statistic (``mean index satisfied ... dont_know``), estimate, se, df, n; domains as
        scored.
    mutual : DataFrame, optional
        Clean table; an ``aspect`` that is a code of the framework counts as a rating of what was rated.
    units : DataFrame
        Clean units with all that lies below those to be scored. A boolean column ``scored`` marks which to
        score
        (default: all). A district uses all its communities' measures and its rated candidates' judgements; a
        candidate its own, and what is measured above it is ``inherited``.

    Returns
    -------
    DataFrame
        The ``evidence`` table with the columns of ``EVIDENCE`` in the framework's order.

    Raises
    ------
    DataError
        If a table lacks columns, ``units`` repeats a unit or lies in itself, a rating names an unknown
        code, or a value is infinite.

    Notes
    -----
    Judged parts take the expert stage only: a unit's score is the mean over its experts; that of a district
    the mean over its rated candidates (n: their number). ``se`` of a judgement is the pooled disagreement of
    raters of the same unit and standard, divided by the number of raters.
    """
    measures, ratings = _given("measures", measures), _given("ratings", ratings)
    gathered = _Gatherer(framework, measures, ratings, _given("survey", survey), mutual, units)
    rows: list[Row] = []
    for code in framework.leaves:
        for position, part in enumerate(framework.parts(code)):
            rows += gathered.part(part, first=position == 0)
    return _framed(rows, gathered)


_WITHOUT = {
    "measures": ["as_of", "unit", "metric", "item", "value", "state"],
    "ratings": ["stage", "rater", "unit", "code", "score"],
    "survey": ["unit", "item", "statistic", "estimate", "se", "df", "n"],
}
"""Columns of a table that there is none of."""


def _given(name: str, table: pd.DataFrame | None) -> pd.DataFrame:
    if table is not None and not isinstance(table, pd.DataFrame):
        raise ParameterError(f"{name} is a clean table or None, not {type(table).__name__}")
    return pd.DataFrame(columns=_WITHOUT[name]) if table is None else table


def _framed(rows: list[Row], gathered: _Gatherer) -> pd.DataFrame:
    out = pd.DataFrame(rows, columns=EVIDENCE)
    out = out.astype({**dict.fromkeys(_NUMBERS, "float64"), **dict.fromkeys(_TEXTS, "str")})
    if gathered.period is not None:
        out["period"] = gathered.period
    return out


class _Gatherer:
    """Holds the inputs of one call, indexed."""

    def __init__(
        self,
        framework: Framework,
        measures: pd.DataFrame,
        ratings: pd.DataFrame,
        survey: pd.DataFrame,
        mutual: pd.DataFrame | None,
        units: pd.DataFrame,
    ) -> None:
        self.framework = framework
        self.places = Places(units)
        self.measures = Measures(framework, measures)
        self.judgements = Judgements(framework, ratings, mutual, self.places)
        self.answers = Answers(survey)
        periods = [t["period"].dropna() for t in (measures, ratings) if "period" in t and len(t)]
        self.period = _last_period(periods)
        self.counts = Counts(framework, self.measures, self.places)
        self._rules: Mapping[str, Callable[[Part], list[Row]]] = {
            "judged": self._judged,
            "count": self._count,
            "survey": self._survey,
            "checklist": self._checklist,
            "deduction": self._deduction,
            "growth": self._growth,
        }

    def part(self, part: Part, *, first: bool) -> list[Row]:
        """All evidence rows of one part."""
        gather = self._rules.get(part.rule, self._measured)
        rows = gather(part)
        if first and part.rule not in ("judged", "count"):
            rows += self._checks(part)
        for row in rows:
            row.setdefault("code", part.code)
            row.setdefault("part", part.part)
            row.setdefault("method", ",".join(part.methods))
            row["level"] = self.places.level[row["unit"]]
        return rows

    def standing_for(self, part: Part, unit: str) -> tuple[list[str], bool]:
        """Units whose measures stand for ``unit``, and whether they lie above it (inherited)."""
        if self.places.is_below(unit, part.measured_at):
            above = self.places.above(unit, part.measured_at)
            return ([above] if above else []), True
        return self.places.members(part.measured_at, part.type).get(unit, []), False

    # -- measured parts ------------------------------------------------------------------------------------

    def _measured(self, part: Part) -> list[Row]:
        if part.rule == "rate":
            base = self.measures.quotient(part.params["numerator"], part.params["denominator"])
        else:
            base = self.measures.newest(str(part.metric))
        rows: list[Row] = []
        for unit in self.places.targets(part):
            members, inherited = self.standing_for(part, unit)
            main = self._rolled(part, base, unit, members)
            if inherited and main["state"] == "observed":
                main["state"] = "inherited"
            rows.append({"unit": unit, "role": "main", **main})
            if part.params.get("statistic") == "mean" and not inherited and members != [unit]:
                share = self._share(part, base, members)
                rows.append({"unit": unit, "role": "beside", "item": "share_meeting", **share})
        return rows

    def _rolled(self, part: Part, base: Mapping[str, Fact], unit: str, members: list[str]) -> Row:
        if (
            part.rollup == "share_meeting"
            and members != [unit]
            and not self.places.is_below(unit, part.measured_at)
        ):
            return self._share(part, base, members)
        if part.rollup == "worst":
            seen = [m for m in members if base.get(m, NOTHING).state == "observed"]
            if seen:
                at = (min if part.direction > 0 else max)(seen, key=lambda m: base[m].value)
                return summed(base, [at], "ratio_of_sums") | {
                    "n": float(len(seen)),
                    "of": float(len(members)),
                }
        return summed(base, members, part.rollup)

    def _share(self, part: Part, base: Mapping[str, Fact], members: list[str]) -> Row:
        """Share of members that meet the rule on their own."""
        out = summed(base, members, "sum") | {"statistic": "share_meeting"}
        seen = [base[m] for m in members if base.get(m, NOTHING).state == "observed"]
        if not seen:
            return out
        met, n = float(sum(self._meets(part, fact) for fact in seen)), float(len(seen))
        return out | {"value": met / n, "numerator": met, "denominator": n, "per": 1.0}

    @staticmethod
    def _meets(part: Part, fact: Fact) -> bool:
        if part.rule in ("threshold", "rate"):
            return meets_one(fact, part.params["op"], part.params["target"])
        if part.rule == "range":
            return meets_one(fact, ">=", part.params["low"]) and meets_one(fact, "<=", part.params["high"])
        if part.rule == "yes_no":
            return fact.value > 0
        numbers = {c: np.array([getattr(fact, c)]) for c in ("value", "numerator", "denominator", "per")}
        rows = {**numbers, "state": np.array([FOUND.index(fact.state)]), "share": np.zeros(1, bool)}
        return bool(score_rows(part, rows)[0][0] >= part.full)

    # -- checklists and deductions ------------------------------------------------------------

    def _checklist(self, part: Part) -> list[Row]:
        if part.metric:
            return self._counted_list(part)
        op, target = part.params.get("op", ">="), part.params.get("target", 1)
        bases = {item: self.measures.newest(item) for item in part.items}
        rows: list[Row] = []
        for unit in self.places.targets(part):
            members, inherited = self.standing_for(part, unit)
            items: list[Row] = []
            for item, base in bases.items():
                line = summed(base, members, "mean")
                seen = [base[m] for m in members if base.get(m, NOTHING).state == "observed"]
                if seen:
                    passed = float(sum(meets_one(fact, op, target) for fact in seen))
                    line |= {"numerator": passed, "denominator": float(len(seen)), "statistic": "passed"}
                items.append({"unit": unit, "role": "item", "item": item, **line})
            rows.append(
                {
                    "unit": unit,
                    "role": "main",
                    **_over_items(items, part.rollup == "worst" and len(members) > 1),
                }
            )
            if inherited and rows[-1]["state"] == "observed":
                rows[-1]["state"] = "inherited"
            rows += items
        return rows

    def _counted_list(self, part: Part) -> list[Row]:
        of = float(part.params["of"])
        base = {
            unit: fact._replace(value=fact.value / of, numerator=fact.value, denominator=of)
            for unit, fact in self.measures.newest(str(part.metric)).items()
        }
        rows: list[Row] = []
        for unit in self.places.targets(part):
            members, inherited = self.standing_for(part, unit)
            main = summed(base, members, "ratio_of_sums")
            if inherited and main["state"] == "observed":
                main["state"] = "inherited"
            rows.append({"unit": unit, "role": "main", **main})
        return rows

    def _deduction(self, part: Part) -> list[Row]:
        names = [i["item"] for i in part.items]
        prefix = f"{part.metric}/" if part.metric else ""
        bases = {name: self.measures.newest(prefix + name) for name in names}
        floor = float(exact(part.params.get("floor", 0)))
        rows: list[Row] = []
        for unit in self.places.targets(part):
            members, inherited = self.standing_for(part, unit)
            items = [
                {"unit": unit, "role": "item", "item": name, **summed(bases[name], members, "sum")}
                for name in names
            ]
            left = []
            for member in members:
                counts = {n: b.get(member, NOTHING).value for n, b in bases.items()}
                if any(np.isfinite(c) for c in counts.values()):
                    left.append(deduct(counts, part.items, part.full, floor))
            main = _over_items(items, False)
            main |= {
                "value": float(np.mean(left)) if left else np.nan,
                "numerator": np.nan,
                "denominator": np.nan,
                "n": float(len(left)),
                "of": float(len(members)),
            }
            if inherited and main["state"] == "observed":
                main["state"] = "inherited"
            rows += [{"unit": unit, "role": "main", **main}, *items]
        return rows

    # -- growth --------------------------------------------------------------------------------------------

    def _growth(self, part: Part) -> list[Row]:
        dated = self.measures.dated(str(part.metric))
        rows: list[Row] = []
        for unit in self.places.targets(part):
            members, inherited = self.standing_for(part, unit)
            main, steps = yearly(dated, members, part.params.get("periods"))
            if inherited and main["state"] == "observed":
                main["state"] = "inherited"
            rows.append({"unit": unit, "role": "main", **main})
            rows += [{"unit": unit, "role": "item", **step} for step in steps]
        return rows

    # -- people --------------------------------------------------------------------------------------------

    def _judged(self, part: Part) -> list[Row]:
        rows: list[Row] = []
        for unit in self.places.targets(part):
            if part.type is not None and not self._of_type(part, unit):
                rows.append({"unit": unit, "role": "main", "stage": "expert", "state": "not_applicable"})
                continue
            rows.append({"unit": unit, "role": "main", **self.judgements.main(unit, part.code, part.type)})
            rows += [{"unit": unit, "role": "beside", **b} for b in self.judgements.beside(unit, part.code)]
        return rows

    def _of_type(self, part: Part, unit: str) -> bool:
        return bool(self.places.members(self.places.level[unit], part.type).get(unit)) or bool(
            self.places.members(part.measured_at, part.type).get(unit)
        )

    def _checks(self, part: Part) -> list[Row]:
        """Ratings of a standard that a rule decides: shown as a check."""
        rows: list[Row] = []
        for unit in self.places.targets(part):
            found = self.judgements.main(unit, part.code, None)
            if found["state"] == "observed":
                rows.append({"unit": unit, "role": "check", **found})
        return rows

    def _survey(self, part: Part) -> list[Row]:
        rows: list[Row] = []
        for unit in self.places.targets(part):
            main, items = self.answers.of(unit, part)
            rows.append({"unit": unit, "role": "main", **main})
            rows += [{"unit": unit, "role": "item", **i} for i in items]
        return rows

    def _count(self, part: Part) -> list[Row]:
        if part.goalposts is None:
            return self._judged(part) + self.counts.rows(part)
        judged = [row | {"role": "check"} for row in self._judged(part) if row["role"] == "main"]
        return self.counts.scored(part) + [row for row in judged if row["state"] == "observed"]


def _over_items(items: list[Row], worst: bool) -> Row:
    """The main row of a list: points passed over points seen, or the worst point's share."""
    seen = [i for i in items if i["state"] == "observed"]
    out: Row = {"per": 1.0, "n": float(len(seen)), "of": float(len(items)), "source": ""}
    if not seen:
        gone = bool(items) and all(i["state"] == "not_applicable" for i in items)
        return out | {"state": "not_applicable" if gone else "missing", "value": np.nan}
    source = join_sources(i["source"] for i in seen)
    chosen = [min(seen, key=lambda i: i["numerator"] / i["denominator"])] if worst else seen
    top = float(sum(i["numerator"] for i in chosen))
    bottom = float(sum(i["denominator"] for i in chosen if np.isfinite(i["denominator"])))
    value = top / bottom if bottom else np.nan
    return out | {
        "state": "observed",
        "value": value,
        "numerator": top,
        "denominator": bottom,
        "source": source,
    }


def _last_period(columns: list[pd.Series]) -> str | None:
    known = {str(p) for column in columns for p in column.unique()}
    return max(known, key=period_key) if known else None
