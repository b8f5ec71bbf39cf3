"""Weights that experts and data both stand behind.

- **Experts compare pairs.** ``ahp`` one matrix, ``ahp_group`` several experts, ``ahp_tree`` a whole framework.
- **Experts score.** ``delphi`` rounds, ``kendall_w`` agreement.
"""

from __future__ import annotations

from commlab.weights.agreement import KendallW, kendall_w
from commlab.weights.ahp import AHP, CR_LIMIT, ahp
from commlab.weights.delphi import Delphi, delphi
from commlab.weights.groups import AHPGroup, ahp_group
from commlab.weights.random_index import RANDOM_INDEX, random_index_of
from commlab.weights.tree import AHPTree, ahp_tree

__all__ = [
    "AHP",
    "CR_LIMIT",
    "RANDOM_INDEX",
    "AHPGroup",
    "AHPTree",
    "Delphi",
    "KendallW",
    "ahp",
    "ahp_group",
    "ahp_tree",
    "delphi",
    "kendall_w",
    "random_index_of",
]
