"""The city stage: everything that is computed once for the whole city, before any report is written.

``compute`` takes the clean tables of a period (and of the one before) and returns the frames that ``results`` names.
The district notebooks only read them.
"""

from __future__ import annotations

import pandas as pd

from commlab.framework import Framework
from commlab.study import standing
from commlab.study.config import StudyConfig
from commlab.study.register import Register
from commlab.study.results import RESULTS, Clean, period_end
from commlab.study.surveyed import survey
from commlab.survey import SurveyDesign
from commlab.weights import delphi

__all__ = ["compute"]


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
    answers = survey(clean, config, register, previous)
    out.update(answers.results)
    out.update(_scores(clean, config, register, weighing, answers.scoring, answers.design))
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


def _scores(
    clean: Clean,
    config: StudyConfig,
    register: Register,
    weighing: standing.Weighing,
    answers: pd.DataFrame,
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
    frames: dict[str, list[pd.DataFrame]] = {"evidence": [], "leaves": [], "scores": [], "ranks": []}
    for name, mark in sets.items():
        if not mark.any():
            continue
        result = standing.scored(
            weighing.framework,
            units=units.assign(scored=mark.to_numpy()),
            measures=clean["measures"][clean["measures"]["unit"].isin(inside)],
            ratings=clean["ratings"][clean["ratings"]["unit"].isin(inside)],
            survey=answers,
            choices=config.choices,
        )
        joint = None
        if design is not None:
            domains = {"district": "district", "candidate": "unit"}[name]
            sample = design if name == "district" else design.subset(design.data["unit"].isin(set(chosen)))
            joint = standing.survey_covariance(sample, weighing.framework, by=domains, points=clean.items)
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
