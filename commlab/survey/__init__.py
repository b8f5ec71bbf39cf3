"""Satisfaction with honest error: design-based statistics of resident surveys.

A ``SurveyDesign`` says how the answers were drawn; its methods estimate (``mean``, ``total``, ``proportion``,
``quantile``, ``ratio``), compare (``compare``, ``change``, ``independence``, ``regress``) and weigh
(``post_stratify``, ``rake``, ``calibrate``, ``trim``); ``satisfaction`` and ``answer_shares`` read scaled
items; ``cronbach_alpha`` and its kin judge a scale, ``factor_analysis`` finds its parts; ``drivers`` and ``importance_performance`` say where to
act; ``fay_herriot`` and ``unit_level`` help where answers are few; ``protect`` decides what may be printed. Before the field
work: ``sample_size``, ``allocate_sample``, ``draw_sample``, ``field_list``; during it: ``quota_status``.
"""

from commlab.survey.compare import Independence, holm
from commlab.survey.composite import overall_from_counts, overall_index, satisfaction_covariance
from commlab.survey.design import SurveyDesign
from commlab.survey.disclosure import protect
from commlab.survey.drivers import driver_odds, drivers, importance_performance
from commlab.survey.factors import Factors, factor_analysis
from commlab.survey.margins import collapse, margins_check
from commlab.survey.planning import allocate_sample, draw_sample, field_list, quota_status, sample_size
from commlab.survey.regress import RankTest, RankTests, Regression, rank_test, regression
from commlab.survey.reliability import (
    KMO,
    Alpha,
    Bartlett,
    Omega,
    bartlett_sphericity,
    cronbach_alpha,
    kmo,
    mcdonald_omega,
    parallel_analysis,
    split_half,
)
from commlab.survey.replicate import ReplicateDesign, replicates
from commlab.survey.satisfaction import (
    answer_shares,
    linear_scores,
    satisfaction,
    satisfaction_change,
    satisfaction_from_counts,
)
from commlab.survey.small_area import SmallArea, benchmark, fay_herriot
from commlab.survey.streaming import stream_means
from commlab.survey.unit_level import unit_level
from commlab.survey.weighting import kish_effect, weight_summary

__all__ = [
    "KMO",
    "Alpha",
    "Bartlett",
    "Factors",
    "Independence",
    "Omega",
    "RankTest",
    "RankTests",
    "Regression",
    "ReplicateDesign",
    "SmallArea",
    "SurveyDesign",
    "allocate_sample",
    "answer_shares",
    "bartlett_sphericity",
    "benchmark",
    "collapse",
    "cronbach_alpha",
    "draw_sample",
    "driver_odds",
    "drivers",
    "factor_analysis",
    "fay_herriot",
    "field_list",
    "holm",
    "importance_performance",
    "kish_effect",
    "kmo",
    "linear_scores",
    "margins_check",
    "mcdonald_omega",
    "overall_from_counts",
    "overall_index",
    "parallel_analysis",
    "protect",
    "quota_status",
    "rank_test",
    "regression",
    "replicates",
    "sample_size",
    "satisfaction",
    "satisfaction_change",
    "satisfaction_covariance",
    "satisfaction_from_counts",
    "split_half",
    "stream_means",
    "unit_level",
    "weight_summary",
]
