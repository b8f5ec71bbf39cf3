"""The city stage: everything that is computed once for the whole city, before any report is written.

``compute`` takes the clean tables of a period (and of the one before) and returns the frames that ``results`` names,
part by part. The district notebooks only read them.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from commlab.framework import TOTAL, Framework
from commlab.scoring import explain_change
from commlab.study import standing
from commlab.study.config import StudyConfig
from commlab.study.later import living, on_boundaries_of
from commlab.study.register import Register
from commlab.study.results import PARTS, RESULTS, Clean, period_end
from commlab.weights import delphi

if TYPE_CHECKING:
    from commlab.survey import SurveyDesign

__all__ = ["compute"]


def compute(
    clean: Clean,
    *,
    config: StudyConfig,
    register: Register,
    framework: Framework,
    previous: Clean | None = None,
    parts: Collection[str] = tuple(PARTS),
) -> dict[str, pd.DataFrame]:
    """City-wide results of a period, all of them or those of some ``parts``; the frames of ``results``' table."""
    out: dict[str, pd.DataFrame] = {}
    given = {name: clean.only(*PARTS[name].tables) for name in parts}
    before = {name: previous and previous.only(*PARTS[name].before) for name in parts}
    if not {"weights", "scores"}.isdisjoint(parts):
        judgments = clean.only("judgments")["judgments"]
        weighing = standing.weigh(framework, judgments, config.weighing, config.choices)
    if not {"survey", "scores"}.isdisjoint(parts):
        from commlab.study.surveyed import answered, survey

        answers = answered(clean.only("responses"), config, register)
    if "weights" in parts:
        out |= _weights(weighing, given["weights"]["opinions"])
    if "survey" in parts:
        out |= survey(answers, config, register, before["survey"])
    if "scores" in parts:
        out |= _scores(given["scores"], config, register, weighing, answers.scoring, answers.design)
        out["explained"] = _explained(
            out["scores"], given["scores"], before["scores"], config, register, framework
        )
    if "problems" in parts:
        out["problem_states"] = standing.problem_states(
            given["problems"]["problems"], register.district_of, on=period_end(clean.period)
        )
    return {name: out[name] for name in RESULTS if name in out}


def _weights(weighing: standing.Weighing, opinions: pd.DataFrame) -> dict[str, pd.DataFrame]:
    if len(opinions):
        found = delphi(opinions, min_experts=1)  # a round under way is shown as far as it has come
        items, agreement = found.items, found.agreement
    else:
        items = pd.DataFrame(columns=["round", "code", "mean", "sd", "cv", "full_score_rate", "keep"])
        agreement = pd.DataFrame(columns=["round", "level", "n", "w", "chi2", "df", "p_value"])
    return {
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
    chosen = register.candidates["unit"]
    chosen = chosen[chosen.map(register.district_of).isin(clean.districts)]
    sets = {"district": set(clean.districts), "candidate": set(chosen)}
    drivers = pd.DataFrame(columns=["unit", "source", "first", "total", "variance"])
    frames: dict[str, list[pd.DataFrame]] = {
        "evidence": [],
        "leaves": [],
        "scores": [],
        "ranks": [],
        "pairs": [],
    }
    for name, members in sets.items():
        if not members:
            continue
        result = _scored(members, clean, config, register, weighing, answers)
        joint = None
        if design is not None:
            domains = {"district": "district", "candidate": "unit"}[name]
            sample = design if name == "district" else design.subset(design.data["unit"].isin(set(chosen)))
            joint = standing.survey_covariance(sample, weighing.framework, by=domains, points=clean.items)
        if name == "candidate":
            groups = pd.Series({u: register.district_of[u] for u in chosen}, dtype="str")
            quota = _quota(config, register)
        else:
            groups, quota = _peers(config, register, clean.districts), 1
            drivers = standing.rank_drivers(result, weighing, config.choices, sampling=joint)
        ranks, pairs = standing.standing(
            result, weighing, config.choices, within=groups, top=quota, sampling=joint
        )
        for key, frame in (
            ("evidence", result.evidence),
            ("leaves", result.leaves),
            ("scores", result.nodes),
            ("ranks", ranks.assign(group=ranks["unit"].map(groups))),
            ("pairs", pairs.assign(group=pairs["a"].map(groups))),
        ):
            frames[key].append(frame.assign(set=name))
    return {"rank_drivers": drivers} | {
        key: pd.concat(parts, ignore_index=True) if parts else pd.DataFrame() for key, parts in frames.items()
    }


def _quota(config: StudyConfig, register: Register) -> pd.Series | int:
    """Places by district; one a district where no table of places is printed."""
    if config.quotas is None:
        return 1
    return register.quotas.set_index("unit")[config.quotas.places]


def _peers(config: StudyConfig, register: Register, districts: tuple[str, ...]) -> pd.Series:
    """The group each district is ranked in: the whole, or the register's column ``group`` where the study says so."""
    if config.choices.ranked_within == "whole":
        return pd.Series(config.city, index=list(districts), dtype="str")
    groups = register.units.set_index("unit")["group"].reindex(list(districts))
    return groups.fillna(config.city).astype("str")


def _scored(
    members: set[str],
    clean: Clean,
    config: StudyConfig,
    register: Register,
    weighing: standing.Weighing,
    answers: pd.DataFrame,
    *,
    on: str = "",
) -> standing.Scored:
    """Scores of some units from what lies in the districts that can be reported (``on``: the period whose units exist)."""
    inside = {u for u, d in register.district_of.items() if d in set(clean.districts)}
    units = living(register.units, on or clean.period)
    units = units[units["unit"].isin(inside)]
    return standing.scored(
        weighing.framework,
        units=units.assign(scored=units["unit"].isin(members).to_numpy()),
        measures=clean["measures"][clean["measures"]["unit"].isin(inside)],
        ratings=clean["ratings"][clean["ratings"]["unit"].isin(inside)],
        survey=answers,
        mutual=clean["mutual"][clean["mutual"]["rated"].isin(inside)],
        choices=config.choices,
    )


def _explained(
    scores: pd.DataFrame,
    clean: Clean,
    previous: Clean | None,
    config: StudyConfig,
    register: Register,
    framework: Framework,
) -> pd.DataFrame:
    """Why the districts' totals moved since the period before; of that one only the scores are computed, on today's units.

    It says nothing that both quarters' scores do not say: a survey score that is withheld is missing here, too.
    """
    none = pd.DataFrame({c: pd.Series(dtype="str") for c in ("unit", "code", "effect")}).assign(change=0.0)
    if previous is None or not previous.districts or scores.empty:
        return none
    from commlab.study.surveyed import answered

    after = scores[scores["set"] == "district"]
    if after["contribution"].isna().any():  # means that are not arithmetic have no parts that add up
        return none
    weighing = standing.weigh(framework, previous["judgments"], config.weighing, config.choices, drawn=False)
    then, of_then, concerned = on_boundaries_of(clean.period, previous, register, framework)
    answers = answered(then, config, of_then, communities=False).scoring
    members = set(then.districts)
    before = _scored(members, then, config, of_then, weighing, answers, on=clean.period).nodes
    out = explain_change(before, after)
    told = [(unit, TOTAL, "boundaries", 0.0) for unit in out["unit"].unique() if unit in concerned]
    told += [(unit, TOTAL, "not_comparable", np.nan) for unit in members - set(out["unit"])]
    return pd.concat([out, pd.DataFrame(told, columns=out.columns).astype(out.dtypes.to_dict())])
