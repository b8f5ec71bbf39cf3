"""Residents' answers as evidence: design-based estimates of questions, put on 0-100."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import DataError, listing
from commlab.framework import Part

__all__ = ["Answers"]

LOWEST, HIGHEST = 1.0, 5.0
"""Ends of the five-point scale that ``mean`` is told on."""
FULL = 100.0


class Answers:
    """The long frame of satisfaction results, by unit, question and statistic."""

    def __init__(self, survey: pd.DataFrame) -> None:
        lacking = [c for c in ("unit", "item", "statistic", "estimate", "se", "df", "n") if c not in survey]
        if lacking:
            raise DataError(f"the survey results lack the columns {listing(lacking)}")
        rows = survey.drop_duplicates(["unit", "item", "statistic"], keep="last")
        if len(rows) < len(survey):
            again = survey[survey.duplicated(["unit", "item", "statistic"])].iloc[0]
            raise DataError(
                "the survey results have more than one row for "
                f"{again['unit']}, {again['item']}, {again['statistic']}; keep one weighting"
            )
        self._rows = {(r["unit"], r["item"], r["statistic"]): r for r in rows.to_dict("records")}

    def of(self, unit: str, part: Part) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The main row (mean over the questions answered by enough) and one row a question.

        The standard error of the mean over questions is the mean of theirs: answers of the same people go
        together, so it is an upper bound that needs no covariance.
        """
        least = int(part.params.get("min_n", 1))
        items = [self._item(unit, str(item), part, least) for item in part.items]
        used = [i for i in items if i["state"] == "observed"]
        out: dict[str, Any] = {
            "stage": "residents",
            "per": 1.0,
            "of": float(len(items)),
            "source": "",
            "value": np.nan,
        }
        if not used:
            most = max((i["n"] for i in items), default=0.0)
            return out | {"n": most, "state": "missing"}, items
        return out | {
            "value": float(np.mean([i["value"] for i in used])),
            "se": float(np.mean([i["se"] for i in used])),
            "df": float(min(i["df"] for i in used)),
            "n": float(min(i["n"] for i in used)),
            "state": "observed",
            "statistic": part.params.get("statistic", "index"),
            "source": "; ".join(dict.fromkeys(i["source"] for i in used)),
        }, items

    def _item(self, unit: str, item: str, part: Part, least: int) -> dict[str, Any]:
        statistic = part.params.get("statistic", "index")
        found = self._rows.get((unit, item, statistic))
        out: dict[str, Any] = {"item": item, "statistic": statistic, "stage": "residents", "per": 1.0}
        n = float(found["n"]) if found is not None and pd.notna(found["n"]) else 0.0
        if found is None or n < least or pd.isna(found["estimate"]):
            return out | {"value": np.nan, "n": n, "state": "missing", "source": ""}
        value, se = float(found["estimate"]), float(found["se"]) if pd.notna(found["se"]) else 0.0
        if statistic == "mean":
            value, se = (value - LOWEST) / (HIGHEST - LOWEST) * FULL, se / (HIGHEST - LOWEST) * FULL
        elif statistic == "satisfied":
            value, se = value * FULL, se * FULL
            if part.params.get("denominator") == "all":
                unsure = self._rows.get((unit, item, "dont_know"))
                share = (
                    float(unsure["estimate"]) if unsure is not None and pd.notna(unsure["estimate"]) else 0.0
                )
                value, se = value * (1 - share), se * (1 - share)
        source = found.get("source")
        told = (
            source if isinstance(source, str) and source else f"responses: {item}, {n:.0f} answers of {unit}"
        )
        df = float(found["df"]) if pd.notna(found["df"]) else 0.0
        return out | {"value": value, "se": se, "df": df, "n": n, "state": "observed", "source": told}
