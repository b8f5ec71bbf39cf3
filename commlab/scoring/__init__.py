"""Evidence becomes scores by declared rules; scores become ranks that say how sure they are.

``collect`` gathers evidence, ``score`` applies each part's rule, ``aggregate`` carries scores up the tree
with coverage and contributions; ``ranks``, ``grade`` and ``select`` order and name; ``rank_uncertainty``
draws from every declared source of error at once and ``sensitivity`` says which of them matters;
``explain_change`` says why a score moved. Beside them stand steps on plain frames (``normalise`` ...),
methods that teams paste from papers
(``topsis`` ...), and raters as instruments (``rater_agreement`` ...).
"""

from commlab.scoring.aggregate import aggregate
from commlab.scoring.agreement import fleiss_kappa, icc, krippendorff_alpha
from commlab.scoring.boundaries import on_later_boundaries
from commlab.scoring.collect import collect
from commlab.scoring.draws import Dirichlet, draw_scores
from commlab.scoring.explain import explain_change
from commlab.scoring.leaves import score
from commlab.scoring.methods import coupling, fuzzy_evaluation, obstacles, rank_sum_ratio, topsis
from commlab.scoring.normalise import denominate, impute, normalise, treat
from commlab.scoring.ranks import grade, ranks, select
from commlab.scoring.raters import (
    adjust_raters,
    mutual_evaluation,
    rater_agreement,
    self_inflation,
)
from commlab.scoring.rewards import allocate_rewards
from commlab.scoring.sensitivity import audit, leave_one_out, sensitivity
from commlab.scoring.uncertainty import pairs_apart, rank_uncertainty
from commlab.scoring.wide import aggregate_wide

__all__ = [
    "Dirichlet",
    "adjust_raters",
    "aggregate",
    "aggregate_wide",
    "allocate_rewards",
    "audit",
    "collect",
    "coupling",
    "denominate",
    "draw_scores",
    "explain_change",
    "fleiss_kappa",
    "fuzzy_evaluation",
    "grade",
    "icc",
    "impute",
    "krippendorff_alpha",
    "leave_one_out",
    "mutual_evaluation",
    "normalise",
    "obstacles",
    "on_later_boundaries",
    "pairs_apart",
    "rank_sum_ratio",
    "rank_uncertainty",
    "ranks",
    "rater_agreement",
    "score",
    "select",
    "self_inflation",
    "sensitivity",
    "topsis",
    "treat",
]
