"""The city stage: everything that is computed once for the whole city, before any report is written.

``compute`` takes the clean tables of a period (and of the one before) and returns the frames that ``results`` names.
The district notebooks only read them.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from commlab.framework import Framework
from commlab.study import estimates, standing
from commlab.study.config import StudyConfig
from commlab.study.register import Register
from commlab.study.results import RESULTS, Clean, period_end
from commlab.survey import SurveyDesign
from commlab.weights import delphi

__all__ = ["compute"]

DEMOGRAPHICS = ("sex", "age_band", "education", "tenure", "hukou")


def compute(
    clean: Clean,
    *,
    config: StudyConfig,
    register: Register,
    framework: Framework,
    previous: Clean | None = None,
) -> dict[str, pd.DataFrame]:
    """Every city-wide result of a period; the frames of the module's table."""
    out = _weights(clean, config, framework)
    weighing = out.pop("_weighing")
    answers, design = _survey(clean, config, register, previous)
    out.update(answers)
    out.update(_scores(clean, config, register, weighing, answers["satisfaction"], design))
    out["problem_states"] = standing.problem_states(
        clean["problems"], register.district_of, on=period_end(clean.period)
    )
    return {name: out[name] for name in RESULTS}


def _weights(clean: Clean, config: StudyConfig, framework: Framework) -> dict:
    weighing = standing.weigh(framework, clean["judgments"], dict(config.weights), config.choices)
    opinions = clean["opinions"]
    if len(opinions):
        found = delphi(opinions)
        items, agreement = found.items, found.agreement
    else:
        items = pd.DataFrame(columns=["round", "code", "mean", "sd", "cv", "full_score_rate", "keep"])
        agreement = pd.DataFrame(columns=["round", "level", "n", "w", "chi2", "df", "p_value"])
    return {
        "_weighing": weighing,
        "weights": weighing.table,
        "weight_experts": weighing.experts,
        "delphi_items": items,
        "delphi_agreement": agreement,
    }


_SATISFACTION = [
    "level",
    "unit",
    "weighting",
    "item",
    "statistic",
    "estimate",
    "se",
    "ci_low",
    "ci_high",
    "df",
    "n",
    "n_effective",
]


def _survey(
    clean: Clean, config: StudyConfig, register: Register, previous: Clean | None
) -> tuple[dict[str, pd.DataFrame], SurveyDesign | None]:
    """The survey's results and the design they rest on; no design where nobody answered."""
    items = {i: points for i, points in clean.items.items() if i in clean["responses"]}
    frame = register.frame_of(clean.period)
    districts = set(clean.districts)
    district_of = {u: d for u, d in register.district_of.items() if d in districts}
    frame = frame[frame["unit"].isin(district_of)]
    responses = clean["responses"]
    margins = register.margins[register.margins["unit"].isin(districts)]
    out = {
        "response_rates": estimates.response_rates(
            responses[responses["unit"].isin(district_of)],
            frame,
            district_of,
            clean.districts,
            city=config.city,
        )
    }
    data = estimates.weighted(responses, frame, district_of)
    if data.empty or not items:
        out |= {
            "demographics": pd.DataFrame(
                columns=["unit", "variable", "level", "n", "sample", "weighted", "population"]
            ),
            "satisfaction": pd.DataFrame(columns=_SATISFACTION),
            "rake_cells": pd.DataFrame(
                columns=["district", "variable", "cell", "answers", "population_share", "raked"]
            ),
            "distribution": pd.DataFrame(columns=["level", "unit", "item", "answer", "share", "n", "asked"]),
            "change": pd.DataFrame(columns=estimates.CHANGE),
        }
        return out, None
    out["demographics"] = estimates.demographics(data, margins, DEMOGRAPHICS, city=config.city)
    lonely, level = config.choices.lonely, config.choices.confidence
    design = estimates.design_of(data, lonely=lonely)
    parts = [
        estimates.satisfaction_results(
            design, items, weighting="design", city=config.city, communities=True, confidence=level
        )
    ]
    raked, cells = estimates.raked(
        data,
        margins,
        config.choices.raking,
        min_cell=config.choices.raking_min_cell,
        lonely=lonely,
    )
    if raked is not None:
        parts.append(
            estimates.satisfaction_results(
                raked, items, weighting="raked", city=config.city, confidence=level
            )
        )
    everyone = estimates.weighted(responses.assign(valid=responses["unit"].notna()), frame, district_of)
    parts.append(
        estimates.satisfaction_results(
            estimates.design_of(everyone, lonely=lonely),
            items,
            weighting="all",
            city=config.city,
            confidence=level,
        )
    )
    out["satisfaction"] = pd.concat(parts, ignore_index=True)[_SATISFACTION]
    out["rake_cells"] = cells
    out["distribution"] = estimates.distributions(design, items, city=config.city)
    out["change"] = _change(clean, previous, data, items, register, district_of, config)
    return out, design


def _change(
    clean: Clean,
    previous: Clean | None,
    data: pd.DataFrame,
    items: Mapping[str, int],
    register: Register,
    district_of: dict[str, str],
    config: StudyConfig,
) -> pd.DataFrame:
    if previous is None or previous["responses"].empty:
        return pd.DataFrame(columns=estimates.CHANGE)
    frame = register.frame_of(previous.period)
    # A district counts only where both quarters can be reported.
    both = {u: d for u, d in district_of.items() if d in previous.districts}
    before = estimates.weighted(previous["responses"], frame[frame["unit"].isin(both)], both)
    after = data[data["district"].isin(set(both.values()))]
    if before.empty or after.empty:
        return pd.DataFrame(columns=estimates.CHANGE)
    return estimates.changes(
        before,
        after,
        items,
        periods=(previous.period, clean.period),
        city=config.city,
        lonely=config.choices.lonely,
        confidence=config.choices.confidence,
    )


def _scores(
    clean: Clean,
    config: StudyConfig,
    register: Register,
    weighing: standing.Weighing,
    satisfaction: pd.DataFrame,
    design: SurveyDesign | None,
) -> dict[str, pd.DataFrame]:
    districts = set(clean.districts)
    inside = {u for u, d in register.district_of.items() if d in districts}
    units = register.units[register.units["unit"].isin(inside)]
    chosen = register.candidates["unit"][register.candidates["unit"].isin(inside)]
    sets = {
        "district": units["unit"].isin(districts),
        "candidate": units["unit"].isin(set(chosen)),
    }
    survey = satisfaction[satisfaction["weighting"] == "design"]
    frames: dict[str, list[pd.DataFrame]] = {"evidence": [], "leaves": [], "scores": [], "ranks": []}
    for name, mark in sets.items():
        if not mark.any():
            continue
        result = standing.scored(
            weighing.framework,
            units=units.assign(scored=mark.to_numpy()),
            measures=clean["measures"][clean["measures"]["unit"].isin(inside)],
            ratings=clean["ratings"][clean["ratings"]["unit"].isin(inside)],
            survey=survey,
            choices=config.choices,
        )
        joint = None
        if design is not None:
            domains = {"district": "district", "candidate": "unit"}[name]
            sample = design if name == "district" else design.subset(design.data["unit"].isin(set(chosen)))
            joint = standing.survey_covariance(sample, weighing.framework, by=domains)
        if name == "candidate":
            groups = pd.Series({u: register.district_of[u] for u in chosen}, dtype="str")
            quota = register.quotas.set_index("unit")["phase1"] if len(register.quotas) else 1
            ranks = standing.standing(
                result, weighing, config.choices, within=groups, top=quota, sampling=joint
            )
            ranks["group"] = ranks["unit"].map(groups)
        else:
            ranks = standing.standing(result, weighing, config.choices, sampling=joint)
            ranks["group"] = config.city
        for key, frame in (
            ("evidence", result.evidence),
            ("leaves", result.leaves),
            ("scores", result.nodes),
            ("ranks", ranks),
        ):
            frames[key].append(frame.assign(set=name))
    return {
        key: pd.concat(parts, ignore_index=True) if parts else pd.DataFrame() for key, parts in frames.items()
    }
