"""Judgements as evidence: the expert stage scores, the self and district stages stand beside it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.framework import Framework
from commlab.scoring.gather import Places
from commlab.scoring.given import table
from commlab.scoring.sources import join_sources

__all__ = ["Judgements", "pooled_disagreement"]


def pooled_disagreement(cells: pd.DataFrame) -> tuple[float, int]:
    """Standard deviation of one rater around the mean of those who rated the same thing.

    Parameters
    ----------
    cells : DataFrame
        unit, code, score: one row a rater.

    Returns
    -------
    tuple
        s and its degrees of freedom; (nan, 0) where nothing was rated twice.

    Notes
    -----
    (1) s^2 = sum over cells of sum_r (x_r - mean)^2 / sum over cells of (n - 1)
    """
    groups = cells.groupby(["unit", "code"])["score"]
    df = int((groups.size() - 1).sum())
    if df == 0:
        return np.nan, 0
    within = cells["score"] - groups.transform("mean")
    return float(np.sqrt((within**2).sum() / df)), df


class Judgements:
    """Ratings by stage, unit and code; what mutual evaluation says of a code joins as stage ``mutual``."""

    def __init__(
        self, framework: Framework, ratings: pd.DataFrame, mutual: pd.DataFrame | None, places: Places
    ) -> None:
        lacking = [c for c in ("stage", "rater", "unit", "code", "score") if c not in ratings]
        if lacking:
            raise DataError(f'table "ratings" lacks the columns {listing(lacking)}')
        rated = ratings[ratings["score"].notna()].copy()
        if "source" not in rated:
            rated["source"] = ""
        known = {c: self._code(framework, c) for c in rated["code"].unique()}
        strange = [c for c, k in known.items() if k is None]
        if strange:
            first = rated[rated["code"].isin(strange)].iloc[0]
            raise DataError(
                f"ratings name codes that framework {framework.name} does not have: {listing(strange)}"
                f" (first: {first['unit']}, {first['source'] or 'no source'}); mend the sheet"
            )
        score = rated["score"].astype("float64")
        wrong = rated[~score.between(0, 100)]
        if len(wrong):
            first = wrong.iloc[0]
            raise DataError(
                f"{len(wrong)} rating(s) are outside 0-100, first {first['unit']} {first['code']}:"
                f" {first['score']} ({first['source'] or 'no source'})"
            )
        rated["code"], rated["score"] = rated["code"].map(known), score
        if mutual is not None and len(table(mutual, "the mutual ratings", ("rated", "aspect", "score"))):
            rated = pd.concat([rated, self._mutual(framework, mutual)], ignore_index=True)
        self.places = places
        self.s, self.df = pooled_disagreement(rated[rated["stage"] == "expert"])
        gathered: dict[tuple[str, str, str], list[tuple[float, str]]] = {}
        columns = [rated[c].tolist() for c in ("stage", "unit", "code", "score", "source")]
        for stage, unit, code, value, source in zip(*columns, strict=True):
            gathered.setdefault((stage, unit, code), []).append((value, source))
        self._cells = {
            key: (math.fsum(v for v, _ in cell) / len(cell), len(cell), join_sources(s for _, s in cell))
            for key, cell in gathered.items()
        }
        self._rated = {
            s: set(rated.loc[rated["stage"] == s, "unit"]) for s in ("self", "district", "expert", "mutual")
        }
        self._inside: dict[str, list[str]] = {}

    @staticmethod
    def _code(framework: Framework, code: object) -> str | None:
        try:
            return framework.code(str(code))
        except ParameterError:
            return None

    def _mutual(self, framework: Framework, mutual: pd.DataFrame) -> pd.DataFrame:
        codes = {a: self._code(framework, a) for a in mutual["aspect"].unique()}
        rows = mutual[mutual["aspect"].map(codes).notna() & mutual["score"].notna()]
        return pd.DataFrame(
            {
                "stage": "mutual",
                "rater": rows["rater"],
                "unit": rows["rated"],
                "code": rows["aspect"].map(codes),
                "score": rows["score"].astype("float64"),
                "source": rows.get("source", ""),
            }
        )

    def _standing_for(self, unit: str, stage: str, code: str) -> list[str]:
        """The unit where it was rated itself, on this code or with nothing rated below it; else what was rated below."""
        if (stage, unit, code) in self._cells:
            return [unit]
        if unit not in self._inside:
            self._inside[unit] = self.places.below(unit)
        below = [u for u in self._inside[unit] if u in self._rated[stage]]
        return below or [unit] * (unit in self._rated[stage])

    def _of(self, unit: str, code: str, stage: str, kind: str | None = None) -> dict[str, Any]:
        units = self._standing_for(unit, stage, code)
        if kind is not None:
            units = [u for u in units if self.places.type.get(u) == kind]
        cells = [self._cells[stage, u, code] for u in units if (stage, u, code) in self._cells]
        out: dict[str, Any] = {"stage": stage, "per": 1.0, "of": float(len(units))}
        if not cells:
            return out | {"value": np.nan, "n": 0.0, "state": "missing", "source": ""}
        own = units == [unit]
        means = np.array([c[0] for c in cells])
        raters = np.array([c[1] for c in cells])
        out |= {
            "value": float(means.mean()),
            "n": float(raters[0]) if own else float(len(cells)),
            "state": "observed",
            "source": join_sources(c[2] for c in cells),
            "statistic": "mean_of_raters" if own else "mean_of_units",
        }
        if stage == "expert" and self.df:
            # (2) se of the mean over units of their mean over raters, from the pooled disagreement (1)
            out |= {"se": float(self.s * np.sqrt((1 / raters).sum()) / len(cells)), "df": float(self.df)}
        return out

    def main(self, unit: str, code: str, kind: str | None) -> dict[str, Any]:
        """The expert judgement; where there is none, what mutual evaluation says, else missing."""
        found = self._of(unit, code, "expert", kind)
        if found["state"] == "missing" and self._rated["mutual"]:
            other = self._of(unit, code, "mutual", kind)
            return other if other["state"] == "observed" else found
        return found

    def beside(self, unit: str, code: str) -> list[dict[str, Any]]:
        """The self and district stages where they exist."""
        found = [self._of(unit, code, stage) for stage in ("self", "district")]
        return [f for f in found if f["state"] == "observed"]
