"""What evidence is gathered from: units with what lies below them, and measured values by metric.

``Places`` knows which units a scored unit stands for (itself, those below it, the one above it);
``Measures`` finds the newest value of a metric, rebuilds ratios from their parts and rolls them up.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from commlab.errors import DataError, listing
from commlab.framework import Framework, Metric, Part, exact
from commlab.scoring.given import table
from commlab.scoring.sources import join_sources
from commlab.tables import LEVELS, period_key

__all__ = ["NOTHING", "Fact", "Measures", "Places", "exact_sum", "summed"]


class Fact(NamedTuple):
    """A measured value of one unit, and where it was read."""

    value: float
    numerator: float
    denominator: float
    per: float
    state: str
    source: str


NOTHING = Fact(math.nan, math.nan, math.nan, 1.0, "missing", "")
_DEPTH = {level: depth for depth, level in enumerate(LEVELS) if level != "department"}


def exact_sum(values: Iterable[float]) -> float:
    """Sum of decimals as they are printed: 0.1 + 0.2 is 0.3.

    >>> exact_sum([0.1, 0.2])
    0.3
    """
    array = np.asarray(list(values), dtype=float)
    if not np.isfinite(array).all() or (array == np.rint(array)).all():
        return float(array.sum())
    return float(sum((exact(v) for v in array), Fraction(0)))


class Places:
    """Units and what lies below and above them.

    Parameters
    ----------
    units : DataFrame
        Clean units: unit, level, parent, type; a boolean column ``scored`` may mark those to be scored
        (default: all).
    """

    def __init__(self, units: pd.DataFrame) -> None:
        lacking = [c for c in ("unit", "level", "parent") if c not in table(units, "units")]
        if lacking:
            raise DataError(f'table "units" lacks the columns {listing(lacking)}')
        again = units["unit"][units["unit"].duplicated()]
        if len(again):
            raise DataError(f'table "units" lists {listing(again.unique())} more than once')
        strange = sorted(set(units["level"].astype(str)) - set(LEVELS))
        if strange:
            raise DataError(
                f'table "units" has unknown levels: {listing(strange)}; levels are {", ".join(LEVELS)}'
            )
        self.table = units.reset_index(drop=True)
        self.level = dict(zip(units["unit"], units["level"], strict=True))
        self.parent = {
            u: p for u, p in zip(units["unit"], units["parent"], strict=True) if isinstance(p, str)
        }
        kinds = units["type"] if "type" in units else pd.Series(None, index=units.index, dtype="str")
        self.type = {u: t for u, t in zip(units["unit"], kinds, strict=True) if isinstance(t, str)}
        marked = units["scored"].astype(bool) if "scored" in units else pd.Series(True, index=units.index)
        self.scored = tuple(units.loc[marked, "unit"])
        self._above = {u: self._chain(u) for u in self.level}
        self._members: dict[tuple[str, str | None], dict[str, list[str]]] = {}

    def _chain(self, unit: str) -> tuple[str, ...]:
        out: list[str] = []
        above = self.parent.get(unit)
        while above is not None:
            if above in out or above == unit:
                raise DataError(f'table "units": {unit} lies in itself (parents {" > ".join(out)})')
            out.append(above)
            above = self.parent.get(above)
        return tuple(out)

    def targets(self, part: Part) -> list[str]:
        """Scored units on a level at which the part is scored."""
        return [u for u in self.scored if self.level[u] in part.scored_at]

    def members(self, level: str, kind: str | None = None) -> dict[str, list[str]]:
        """For every unit, the units of one level at or below it (of one type, if given)."""
        if (level, kind) not in self._members:
            out: dict[str, list[str]] = {}
            for unit, at in self.level.items():
                if at == level and (kind is None or self.type.get(unit) == kind):
                    for owner in (unit, *self._above[unit]):
                        out.setdefault(owner, []).append(unit)
            self._members[level, kind] = out
        return self._members[level, kind]

    def above(self, unit: str, level: str) -> str | None:
        """The unit of a level in which a unit lies."""
        return next((a for a in self._above[unit] if self.level.get(a) == level), None)

    def below(self, unit: str) -> list[str]:
        """Everything below a unit."""
        return [u for u, above in self._above.items() if unit in above]

    def is_below(self, unit: str, level: str) -> bool:
        """Whether a unit stands on a finer level than ``level``."""
        return _DEPTH.get(self.level[unit], 0) > _DEPTH.get(level, 0)


class Measures:
    """The clean ``measures`` by metric: newest value a unit, ratios rebuilt, missing kept apart from zero."""

    def __init__(self, framework: Framework, measures: pd.DataFrame) -> None:
        lacking = [c for c in ("as_of", "unit", "metric", "item", "value", "state") if c not in measures]
        if lacking:
            raise DataError(f'table "measures" lacks the columns {listing(lacking)}')
        self.framework = framework
        self._newest: dict[str, dict[str, Fact]] = {}
        frame = measures.copy()
        if "source" not in frame:
            frame["source"] = ""
        frame["value"] = frame["value"].astype("float64")
        infinite = frame[np.isinf(frame["value"])]
        if len(infinite):
            first = infinite.iloc[0]
            raise DataError(
                f'{len(infinite)} value(s) in "measures" are infinite, first {first["unit"]}'
                f" {first['metric']} ({first['source']}); mend the file"
            )
        item = frame["item"].astype("object")
        frame["key"] = [
            m if not isinstance(i, str) or not i else f"{m}/{i}"
            for m, i in zip(frame["metric"], item, strict=True)
        ]
        if "period" in frame and len(frame):
            order = {p: k for k, p in enumerate(sorted(set(frame["period"]), key=period_key))}
            frame["turn"] = frame["period"].map(order)
        else:
            frame["turn"] = 0
        frame = frame.sort_values(["as_of", "turn"], kind="stable")
        self._by_key = {str(k): f for k, f in frame.groupby("key", sort=False)}

    def metric(self, key: str) -> Metric:
        """The metric's entry; one that the framework does not list counts as a stock."""
        return self.framework.metrics.get(key) or Metric(key=key, zh=key)

    def dated(self, key: str) -> pd.DataFrame:
        """Every dated value: unit, as_of, value, state, source (the latest report of a date)."""
        rows = self._by_key.get(key)
        if rows is None:
            return pd.DataFrame(columns=["unit", "as_of", "value", "state", "source"])
        return rows.drop_duplicates(["unit", "as_of"], keep="last")[
            ["unit", "as_of", "value", "state", "source"]
        ]

    def newest(self, key: str) -> dict[str, Fact]:
        """Newest value of a metric for every unit; a ratio is rebuilt from its parts."""
        if key not in self._newest:
            metric = self.metric(key)
            is_ratio = metric.kind == "ratio" and metric.numerator
            self._newest[key] = (
                self.quotient(metric.numerator, metric.denominator, metric.per, direct=key)
                if is_ratio
                else self._reported(key)
            )
        return self._newest[key]

    def _reported(self, key: str) -> dict[str, Fact]:
        rows = self.dated(key).drop_duplicates("unit", keep="last")
        out = {}
        columns = [rows[c] for c in ("unit", "value", "state", "source")]
        for unit, value, state, source in zip(*columns, strict=True):
            seen = state == "observed" and value == value
            state = "observed" if seen else "not_applicable" if state == "not_applicable" else "missing"
            told = source if isinstance(source, str) else ""
            out[unit] = Fact(float(value) if seen else np.nan, np.nan, np.nan, 1.0, state, told)
        return out

    def quotient(
        self, numerator: str, denominator: str, per: float = 1.0, direct: str | None = None
    ) -> dict[str, Fact]:
        """numerator / denominator * per by unit; a denominator of 0 makes it not applicable.

        ``direct``: where only the ratio itself was reported, it is taken as it is.
        """
        tops, bottoms = self._reported(numerator), self._reported(denominator)
        out = {}
        for unit in dict.fromkeys([*tops, *bottoms]):
            a, b = tops.get(unit, NOTHING), bottoms.get(unit, NOTHING)
            states = {a.state, b.state}
            source = join_sources([a.source, b.source])
            if "not_applicable" in states or b.value == 0:
                out[unit] = Fact(np.nan, a.value, b.value, per, "not_applicable", source)
            elif "missing" in states:
                out[unit] = Fact(np.nan, a.value, b.value, per, "missing", source)
            else:
                out[unit] = Fact(a.value / b.value * per, a.value, b.value, per, "observed", source)
        for unit, fact in (self._reported(direct) if direct is not None else {}).items():
            if out.get(unit, NOTHING).state == "missing":
                out[unit] = fact
        return out


def summed(facts: Mapping[str, Fact], members: Sequence[str], how: str) -> dict[str, Any]:
    """Roll one metric up over members; missing members are left out.

    Parameters
    ----------
    facts : mapping of unit to Fact
    members : sequence of str
        Units that the roll-up stands for; those without a fact count as missing.
    how : str
        ``mean``: numerator = sum of values, denominator = number of members observed. ``ratio_of_sums``: both
        sides are added (a mean, where the facts have no sides). ``sum``: value = numerator = sum.

    Returns
    -------
    dict
        value, numerator, denominator, per, n (members observed), of (members), state, source.
    """
    inside = [facts.get(m, NOTHING) for m in members]
    seen = [f for f in inside if f.state == "observed"]
    out: dict[str, Any] = {
        "value": np.nan,
        "numerator": np.nan,
        "denominator": np.nan,
        "per": 1.0,
        "n": float(len(seen)),
        "of": float(len(members)),
    }
    if not seen:
        applies = any(f.state != "not_applicable" for f in inside)
        return out | {"state": "missing" if applies else "not_applicable", "source": ""}
    out |= {"state": "observed", "source": join_sources(f.source for f in seen)}
    if len(members) == 1 and how != "sum":
        # a unit that stands for itself keeps its own numerator and denominator
        return out | {k: getattr(seen[0], k) for k in ("value", "numerator", "denominator", "per")}
    if how == "ratio_of_sums" and all(f.numerator == f.numerator for f in seen):
        top, bottom = exact_sum(f.numerator for f in seen), exact_sum(f.denominator for f in seen)
        return out | {
            "numerator": top,
            "denominator": bottom,
            "per": seen[0].per,
            "value": top / bottom * seen[0].per,
        }
    top = exact_sum(f.value for f in seen)
    if how == "sum":
        return out | {"value": top, "numerator": top}
    return out | {"numerator": top, "denominator": float(len(seen)), "value": top / len(seen)}
