"""The chapters of a report: each takes a ``Report`` and returns a ``Section`` whose sentences are computed, or None where
the study never asks for what the chapter tells.

``open_report`` first; then, in the order of the page: ``cover``, ``summary``, ``method``, ``sample``, ``indicators``,
``satisfaction``, ``change``, ``moved``, ``weak_points``, ``problems``, ``candidates`` and the appendices. The city page adds
``districts`` and ``apart``; the method notebooks use ``intake``, for satisfaction ``groups``, ``scale``, ``districts_by_item``, ``small_areas``, ``next_sample`` and ``raking``, and for weights ``weights_cover``, ``expert_weights``, ``matrices``,
``mending``, ``firmness``, ``data_weights``, ``delphi_rounds`` and ``weights_workbook``. The full cycle of governance has
``steps``, ``warning``, ``handling``, ``stations``, ``five_lists`` and ``sources_joined``. Assessment in both directions has ``two_way``, ``assessment_levels``,
``online``, ``funds``, ``rewards`` and ``points``. Naming under quotas has ``quotas``, ``stages``, ``handout`` and ``own_framework``. Typed governance has
``kinds``, ``kind_evidence``, ``equals``, ``lists``, ``strategies``, ``half_years``, ``team`` and ``things_done``.
"""

from __future__ import annotations

from commlab.report.chapters.apart import apart
from commlab.report.chapters.appendices import (
    cleaning_summary,
    denominators,
    indicator_dictionary,
    manifest,
    questionnaire,
)
from commlab.report.chapters.base import Report, open_report
from commlab.report.chapters.candidates import candidates
from commlab.report.chapters.city import districts
from commlab.report.chapters.cycle import handling, steps, warning
from commlab.report.chapters.delphi import delphi_rounds
from commlab.report.chapters.firmness import data_weights, firmness, weights_cover, weights_workbook
from commlab.report.chapters.funds import funds, rewards
from commlab.report.chapters.indicators import indicators
from commlab.report.chapters.lists import lists, strategies
from commlab.report.chapters.method import cover, method
from commlab.report.chapters.moved import moved
from commlab.report.chapters.naming import handout, quotas, stages
from commlab.report.chapters.norms import gaps
from commlab.report.chapters.online import online
from commlab.report.chapters.places import five_lists, sources_joined, stations
from commlab.report.chapters.points import points
from commlab.report.chapters.practice import half_years, team, things_done
from commlab.report.chapters.problems import problems
from commlab.report.chapters.promotion import promotion, trainings
from commlab.report.chapters.refined import own_framework
from commlab.report.chapters.sources import intake
from commlab.report.chapters.summary import summary
from commlab.report.chapters.survey import change, sample, satisfaction
from commlab.report.chapters.thorough import (
    districts_by_item,
    groups,
    next_sample,
    raking,
    scale,
    small_areas,
)
from commlab.report.chapters.two_way import assessment_levels, two_way
from commlab.report.chapters.typed import equals, kind_evidence, kinds
from commlab.report.chapters.weak_points import weak_points
from commlab.report.chapters.weights import expert_weights, matrices, mending

__all__ = [
    "Report",
    "apart",
    "assessment_levels",
    "candidates",
    "change",
    "cleaning_summary",
    "cover",
    "data_weights",
    "delphi_rounds",
    "denominators",
    "districts",
    "districts_by_item",
    "equals",
    "expert_weights",
    "firmness",
    "five_lists",
    "funds",
    "gaps",
    "groups",
    "half_years",
    "handling",
    "handout",
    "indicator_dictionary",
    "indicators",
    "intake",
    "kind_evidence",
    "kinds",
    "lists",
    "manifest",
    "matrices",
    "mending",
    "method",
    "moved",
    "next_sample",
    "online",
    "open_report",
    "own_framework",
    "points",
    "problems",
    "promotion",
    "questionnaire",
    "quotas",
    "raking",
    "rewards",
    "sample",
    "satisfaction",
    "scale",
    "small_areas",
    "sources_joined",
    "stages",
    "stations",
    "steps",
    "strategies",
    "summary",
    "team",
    "things_done",
    "trainings",
    "two_way",
    "warning",
    "weak_points",
    "weights_cover",
    "weights_workbook",
]
