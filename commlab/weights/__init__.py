"""Weights that experts and data both stand behind.

- **Experts compare pairs.** ``ahp`` weighs one matrix, ``ahp_group`` several experts' matrices, ``ahp_tree`` a whole
  framework from the clean table of judgements; ``bwm`` needs only comparisons with the best and the worst.
- **Experts score.** ``delphi`` describes rounds and screens indicators, ``kendall_w`` measures agreement;
  ``direct_rating``, ``budget_allocation`` and ``rank_weights`` turn plain answers into weights.
- **Data speak.** ``equal``, ``standard_deviation``, ``coefficient_of_variation``, ``entropy``, ``critic``, ``merec``, ``pca``.
- **Both.** ``combine`` one set, ``combine_siblings`` at every level; ``game_shares`` and ``deviation_shares`` set the shares.
- **How firm?** ``bootstrap_weights`` and ``bootstrap_units`` draw again; ``weight_intervals`` and ``indistinguishable``
  read the draws.
"""

from __future__ import annotations

from commlab.weights.agreement import KendallW, kendall_w
from commlab.weights.ahp import AHP, CR_LIMIT, ahp
from commlab.weights.bwm import BWM, bwm
from commlab.weights.combine import combine, combine_siblings, deviation_shares, game_shares
from commlab.weights.components import pca
from commlab.weights.delphi import Delphi, delphi
from commlab.weights.direct import budget_allocation, direct_rating, rank_weights
from commlab.weights.groups import AHPGroup, ahp_group
from commlab.weights.objective import (
    coefficient_of_variation,
    critic,
    entropy,
    equal,
    merec,
    standard_deviation,
)
from commlab.weights.random_index import RANDOM_INDEX, random_index_of
from commlab.weights.stability import bootstrap_units, bootstrap_weights, indistinguishable, weight_intervals
from commlab.weights.tree import AHPTree, ahp_tree

__all__ = [
    "AHP",
    "BWM",
    "CR_LIMIT",
    "RANDOM_INDEX",
    "AHPGroup",
    "AHPTree",
    "Delphi",
    "KendallW",
    "ahp",
    "ahp_group",
    "ahp_tree",
    "bootstrap_units",
    "bootstrap_weights",
    "budget_allocation",
    "bwm",
    "coefficient_of_variation",
    "combine",
    "combine_siblings",
    "critic",
    "delphi",
    "deviation_shares",
    "direct_rating",
    "entropy",
    "equal",
    "game_shares",
    "indistinguishable",
    "kendall_w",
    "merec",
    "pca",
    "random_index_of",
    "rank_weights",
    "standard_deviation",
    "weight_intervals",
]
