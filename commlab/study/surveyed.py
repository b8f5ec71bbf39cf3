"""The survey's part of the city stage: estimates, and of each only what may be shown (``shown``).

What is stored here is what reports, workbooks, the index and scores are made from; raw figures of few people are in no
stored result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from commlab.study import estimates, insights, shown
from commlab.study.base_weights import weighted
from commlab.study.config import StudyConfig
from commlab.study.later import redrawn
from commlab.study.register import Register
from commlab.study.results import Clean
from commlab.survey import SurveyDesign

__all__ = ["Answered", "answered", "survey"]

DEMOGRAPHICS = ("sex", "age_band", "education", "tenure", "hukou")
SATISFACTION = [
    *("level", "unit", "weighting", "item", "statistic", "estimate", "se", "ci_low", "ci_high", "df", "n"),
    *("n_effective", "rule", "bound"),
]
_CHANGE = [c for c in estimates.CHANGE if not c.startswith("n_")] + ["p_holm", "rule"]
_EMPTY = {
    "demographics": ["unit", "variable", "level", "n", "sample", "weighted", "population", "rule", "bound"],
    "satisfaction": SATISFACTION,
    "rake_cells": ["district", "variable", "cell", "answers", "population_share", "raked"],
    "distribution": ["level", "unit", "item", "answer", "share", "rule", "bound"],
    "change": _CHANGE,
    **insights.COLUMNS,
}


@dataclass(frozen=True)
class Answered:
    """The answers of a period's districts; where somebody answered, their design, the estimates with base weights and
    what of these may be shown."""

    clean: Clean
    items: dict[str, int]
    responses: pd.DataFrame
    frame: pd.DataFrame
    district_of: dict[str, str]
    data: pd.DataFrame
    design: SurveyDesign | None
    raw: pd.DataFrame
    decided: pd.DataFrame

    @cached_property
    def scoring(self) -> pd.DataFrame:
        """What scores are made from: protected estimates, all statistics of all levels."""
        return _for_scores(self.raw, self.decided) if self.design else self.raw


def answered(clean: Clean, config: StudyConfig, register: Register, *, communities: bool = True) -> Answered:
    """The answers of a period; ``communities=False`` leaves out their estimates."""
    items = {i: points for i, points in clean.items.items() if i in clean["responses"]}
    responses, frame, district_of = _inside(clean, register)
    data = weighted(responses, frame, district_of)
    inside = (clean, items, responses, frame, district_of, data)
    if data.empty or not items:
        none = pd.DataFrame(columns=_EMPTY["satisfaction"])
        return Answered(*inside, None, none, none)
    choices, k, city = config.choices, config.disclosure["internal"], config.city
    design = estimates.design_of(data, lonely=choices.lonely)
    decided = shown.decide(data, items, k=k, city=city, district_of=district_of)
    raw = estimates.satisfaction_results(
        design, items, weighting="design", city=city, communities=communities, confidence=choices.confidence
    )
    return Answered(*inside, design, raw, decided)


def survey(
    given: Answered, config: StudyConfig, register: Register, previous: Clean | None
) -> dict[str, pd.DataFrame]:
    """The survey's results of a period."""
    clean, items, district_of, data = given.clean, given.items, given.district_of, given.data
    responses, frame, design = given.responses, given.frame, given.design
    raw, decided = given.raw, given.decided
    k, city = config.disclosure["internal"], config.city
    rates = estimates.response_rates(responses, frame, district_of, clean.districts, city=city)
    out = {"response_rates": shown.shown_rates(rates, k=k, city=city)}
    if design is None:
        return out | {name: pd.DataFrame(columns=columns) for name, columns in _EMPTY.items()}
    margins = register.margins[register.margins["unit"].isin(clean.districts)]
    out["demographics"] = shown.shown_demographics(
        estimates.demographics(data, margins, DEMOGRAPHICS, city=city), k=k, city=city
    )
    choices = config.choices
    ofplaces = raw["level"].ne("community") | raw["statistic"].isin(shown.OF_COMMUNITIES)
    parts = [shown.shown_satisfaction(raw[ofplaces], decided)]
    raked, cells = estimates.raked(
        data, margins, choices.raking, min_cell=choices.raking_min_cell, lonely=choices.lonely
    )
    if raked is not None:
        again = estimates.satisfaction_results(
            raked, items, weighting="raked", city=city, confidence=choices.confidence
        )
        parts.append(shown.shown_satisfaction(again, decided))
    everyone = weighted(responses.assign(valid=responses["unit"].notna()), frame, district_of)
    also = estimates.satisfaction_results(
        estimates.design_of(everyone, lonely=choices.lonely),
        items,
        weighting="all",
        city=city,
        confidence=choices.confidence,
    )
    # The excluded are few: where they are fewer than k, both figures together would tell theirs (R5).
    with_excluded = shown.decide(
        everyone, items, k=k, city=city, district_of=district_of, previous=decided, communities=False
    )
    parts.append(shown.shown_satisfaction(also, with_excluded))
    out["satisfaction"] = pd.concat(parts, ignore_index=True)[SATISFACTION]
    out["rake_cells"] = cells.assign(answers=cells["answers"].astype(float).where(cells["answers"] >= k))
    out["distribution"] = shown.shown_distribution(
        estimates.distributions(design, items, city=city), decided, items
    )
    out["change"] = _change(clean, previous, data, items, register, district_of, config, decided)
    return out | insights.insights(
        design, items, decided, out["satisfaction"], config=config, register=register, district_of=district_of
    )


def _inside(clean: Clean, register: Register) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, str]]:
    """Answers and frame of the districts that can be reported."""
    districts = set(clean.districts)
    district_of = {u: d for u, d in register.district_of.items() if d in districts}
    frame = register.frame_of(clean.period)
    responses = clean["responses"]
    return (
        responses[responses["unit"].isin(district_of)],
        frame[frame["unit"].isin(district_of)],
        district_of,
    )


def _for_scores(raw: pd.DataFrame, decided: pd.DataFrame) -> pd.DataFrame:
    """All statistics, withheld where they may not be shown: a score must not tell them (R7).

    Of communities only index and satisfied share are decided on; their other statistics follow the index.
    """
    inside = decided[(decided["level"] == "community") & (decided["statistic"] == "index")]
    others = [s for s in raw["statistic"].unique() if s not in shown.OF_COMMUNITIES]
    follow = pd.concat([inside.assign(statistic=s) for s in others], ignore_index=True)
    return shown.shown_satisfaction(raw, pd.concat([decided, follow], ignore_index=True))


def _carried(asked: pd.DataFrame, placed: pd.DataFrame, items: Mapping[str, int], *, k: int) -> pd.DataFrame:
    """Districts whose earlier figure on the later map and the one published then would tell that of a few people (R5)."""
    now = placed["district"].where(placed["base_weight"] > 0, "")
    left = now.ne(asked["district"])
    moves = pd.DataFrame({"was": asked["district"], "now": now})[left]
    rows = []
    for item in items:
        answers = moves[asked.loc[left, item].notna()].groupby(["was", "now"]).size()
        few = {d for pair in answers.index[answers < k] for d in pair if d}
        rows += [("district", district, item, "index", "R5") for district in sorted(few)]
    return pd.DataFrame(rows, columns=["level", "unit", "item", "statistic", "rule"])


def _change(
    clean: Clean,
    previous: Clean | None,
    data: pd.DataFrame,
    items: Mapping[str, int],
    register: Register,
    district_of: dict[str, str],
    config: StudyConfig,
    decided: pd.DataFrame,
) -> pd.DataFrame:
    none = pd.DataFrame(columns=_CHANGE)
    if previous is None or previous["responses"].empty:
        return none
    responses, frame, then = _inside(previous, register)
    earlier = asked = weighted(responses, frame, then)
    # On the later quarter's map; a district counts only where all of it can be reported in both quarters.
    both, lacking = set(then.values()), set()
    moved = redrawn(clean.period, previous.period, previous.districts, register)
    if moved is not None:
        earlier, lacking = moved.placed(earlier), set(moved.lacking)
        both |= set(moved.concerned)
    both &= set(district_of.values()) - lacking
    before, after = (d[d["district"].isin(both)].reset_index(drop=True) for d in (earlier, data))
    if before.empty or after.empty or not before["base_weight"].any():
        return none
    common = {i: p for i, p in items.items() if i in earlier}
    k, city = config.disclosure["internal"], config.city
    found = estimates.changes(
        before,
        after,
        items,
        periods=(previous.period, clean.period),
        city=city,
        lonely=config.choices.lonely,
        confidence=config.choices.confidence,
    )
    if found.empty:
        return none
    counted = before[before["base_weight"] > 0]
    of = dict(zip(counted["unit"], counted["district"], strict=True)) | {d: d for d in both}
    hidden = [decided, shown.decide(counted, common, k=k, city=city, district_of=of)]
    if moved is not None:
        hidden += [_carried(asked, earlier, common, k=k)]
    above = {district: city for district in both}
    shown_rows = shown.shown_change(found, pd.concat(hidden, ignore_index=True), k=k, above=above)
    out = estimates.tested(shown_rows)
    return out[_CHANGE].replace({"p_value": {np.inf: np.nan}})
