"""Counts as evidence: shown per so many households with their percentile, never scored."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from commlab.framework import Framework, Part, exact
from commlab.framework.build import NO_BASE
from commlab.scoring.gather import Measures, Places, summed

__all__ = ["Counts"]

PER_HOUSEHOLDS = 1000
"""Counts are shown per this many households."""
HOUSEHOLDS = "households"
AGGREGATE = "district"
"""Finest level at which counts of cared-for people are shown."""

Row = dict[str, Any]


class Counts:
    """Evidence rows of counted metrics for the units to be scored."""

    def __init__(self, framework: Framework, measures: Measures, places: Places) -> None:
        self.framework, self.measures, self.places = framework, measures, places

    def rows(self, part: Part) -> list[Row]:
        """The part's metric and those that stand beside it (``also``)."""
        targets = self.places.targets(part)
        metrics = (str(part.metric), *part.params.get("also", ()))
        return [row for metric in metrics for row in self._told(part, metric, targets)]

    def scored(self, part: Part) -> list[Row]:
        """The same rows where goalposts score the part's own metric: it is the main row of every unit.

        A count that should be told per households and has none is missing; what is measured above a unit is
        inherited as the quantity of that unit.
        """
        entry = self.measures.metric(str(part.metric))
        relative = entry.kind != "ratio" and part.params.get("base", HOUSEHOLDS) != NO_BASE
        rows: list[Row] = []
        for row in self.rows(part):
            if row["item"] == part.metric:
                unit = row["unit"]
                if self.places.is_below(unit, entry.level):
                    above = self.places.above(unit, entry.level)
                    row |= {"state": "missing"} if above is None else self._inherited(part, above)
                if relative and row["state"] != "missing" and not row.get("statistic"):
                    row |= {"state": "missing", "value": np.nan, "source": ""}
                row |= {"role": "main"}
            rows.append(row)
        return rows

    def _inherited(self, part: Part, above: str) -> Row:
        per = float(exact(part.params.get("per", PER_HOUSEHOLDS)))
        found = self._quantity(str(part.metric), above, str(part.params.get("base", HOUSEHOLDS)), per)
        return found | ({"state": "inherited"} if found["state"] == "observed" else {})

    def _told(self, part: Part, metric: str, targets: list[str]) -> list[Row]:
        """The count, per so many households, with its percentile among units of the same level and type."""
        entry = self.measures.metric(metric)
        base_metric = str(part.params.get("base", HOUSEHOLDS))
        rows: list[Row] = []
        if entry.sensitive:
            # what concerns cared-for people is told in sums above the community only
            targets = [u for u in targets if not self.places.is_below(u, AGGREGATE)]
        for level in dict.fromkeys(self.places.level[u] for u in targets):
            peers = self._peers(level)
            per = float(exact(part.params.get("per", PER_HOUSEHOLDS)))
            found = {u: self._quantity(metric, u, base_metric, per) for u in peers}
            values = pd.Series({u: f["value"] for u, f in found.items()}, dtype="float64")
            group = pd.Series({u: self.places.type.get(u, "") for u in peers}, dtype="object")
            percentile = values.groupby(group).rank(pct=True) * 100
            for unit in targets:
                if self.places.level[unit] == level:
                    rows.append(
                        {
                            "unit": unit,
                            "role": "beside",
                            "item": metric,
                            "percentile": percentile[unit],
                            **found[unit],
                        }
                    )
        return rows

    def _peers(self, level: str) -> list[str]:
        return [u for u, at in self.places.level.items() if at == level]

    def _quantity(self, metric: str, unit: str, base_metric: str, per: float) -> Row:
        entry = self.measures.metric(metric)
        if entry.kind == "ratio":
            return self._summed(metric, unit, "ratio_of_sums")
        top = self._summed(metric, unit, "sum")
        if base_metric == NO_BASE or (
            base_metric not in self.framework.metrics and not self.measures.newest(base_metric)
        ):
            return top
        bottom = self._summed(base_metric, unit, "sum")
        if (
            top["state"] not in ("observed", "inherited")
            or bottom["state"] != "observed"
            or not bottom["value"]
        ):
            return top
        if top["state"] == "inherited":
            return top
        return top | {
            "denominator": bottom["value"],
            "per": per,
            "value": top["value"] / bottom["value"] * per,
            "statistic": f"per_{per:g}_{base_metric}",
        }

    def _summed(self, metric: str, unit: str, how: str) -> Row:
        level = self.measures.metric(metric).level
        if self.places.is_below(unit, level):
            above = self.places.above(unit, level)
            out = summed(self.measures.newest(metric), [above] if above else [], how)
            return out | ({"state": "inherited"} if out["state"] == "observed" else {})
        return summed(self.measures.newest(metric), self.places.members(level).get(unit, []), how)
