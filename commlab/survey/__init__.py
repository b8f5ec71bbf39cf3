"""Satisfaction with honest error: design-based statistics of resident surveys.

The way through: a ``SurveyDesign`` says how the answers were drawn; its methods estimate (``mean``,
``total``, ``proportion``, ``ratio``), compare (``compare``, ``change``, ``independence``) and weigh
(``post_stratify``, ``rake``, ``trim``); ``satisfaction`` and ``answer_shares`` read scaled items;
``protect`` decides what may be printed.
"""

from commlab.survey.compare import Independence, holm
from commlab.survey.design import SurveyDesign
from commlab.survey.disclosure import protect
from commlab.survey.margins import collapse, margins_check
from commlab.survey.satisfaction import answer_shares, linear_scores, satisfaction, satisfaction_change
from commlab.survey.weighting import kish_effect, weight_summary

__all__ = [
    "Independence",
    "SurveyDesign",
    "answer_shares",
    "collapse",
    "holm",
    "kish_effect",
    "linear_scores",
    "margins_check",
    "protect",
    "satisfaction",
    "satisfaction_change",
    "weight_summary",
]
