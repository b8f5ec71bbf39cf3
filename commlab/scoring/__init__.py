"""Evidence becomes scores by declared rules; scores become ranks that say how sure they are.

``collect`` gathers evidence, ``score`` applies each part's rule, ``aggregate`` carries scores up the tree
with coverage and contributions; ``ranks``, ``grade`` and ``select`` order and name; ``rank_uncertainty``
draws from every declared source of error at once.
"""

from commlab.scoring.aggregate import aggregate, score
from commlab.scoring.collect import collect
from commlab.scoring.ranks import grade, ranks, select
from commlab.scoring.uncertainty import Dirichlet, draw_scores, rank_uncertainty

__all__ = [
    "Dirichlet",
    "aggregate",
    "collect",
    "draw_scores",
    "grade",
    "rank_uncertainty",
    "ranks",
    "score",
    "select",
]
