"""Several experts' judgement matrices become one: aggregation of judgements (AIJ) or of priorities (AIP).

AIJ takes the weighted geometric mean of each judgement and weighs the items by the mean matrix: for experts
who act as one body. AIP weighs the items for each expert and averages the weights: for experts who speak for
themselves (Forman and Peniwati 1998).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.weights.ahp import AHP, CR_LIMIT, RandomIndex, Solved, ahp, solve
from commlab.weights.matrix import Stack, as_items, check_stack, in_order
from commlab.weights.panel import Panel, expert_shares, group_weights
from commlab.weights.told import Told

__all__ = ["AHPGroup", "ahp_group", "experts_table", "solve_group"]

MOST_TOLD = 5
"""Experts whose contradictions a message tells one by one."""
HOW = ("aij", "aip")
MEANS = ("geometric", "arithmetic")


@dataclass(frozen=True, eq=False, repr=False)
class AHPGroup(Told):
    """Weights of a group of experts.

    ``weights`` Series over the items; ``matrix`` the group's mean judgements, and ``result`` that matrix as
    an ``AHP`` (worst, text); ``lambda_max``, ``ci``, ``cr``, ``consistent`` its consistency; ``max_cr`` the
    ratio above which experts were left out.
    """

    weights: pd.Series
    matrix: pd.DataFrame
    how: str
    mean: str
    method: str
    completion: str
    random_index: RandomIndex
    max_cr: float | None
    _panel: Panel

    @cached_property
    def result(self) -> AHP:
        """The group's mean matrix, weighed like one expert's."""
        return ahp(
            self.matrix,
            method=self.method,
            completion=self.completion,
            random_index=self.random_index,
            name="the group",
        )

    @cached_property
    def matrices(self) -> dict[Any, pd.DataFrame]:
        """Each expert's judgements as checked, both triangles; NaN = not judged."""
        p = self._panel
        items = p.stack.items
        return {
            e: pd.DataFrame(a, index=items, columns=items)
            for e, a in zip(p.experts, p.stack.values, strict=True)
        }

    def of(self, expert: Any) -> AHP:
        """One expert's own result: his worst judgements, his matrix repaired.

        Raises
        ------
        ParameterError
            If the expert has not judged here.
        """
        if expert not in self.matrices:
            raise ParameterError(f"{expert!r} is not among the experts {listing(self.matrices)}")
        return ahp(
            self.matrices[expert],
            method=self.method,
            completion=self.completion,
            random_index=self.random_index,
            name=f"expert {expert}",
        )

    @property
    def say(self) -> pd.Series:
        """Each expert's say as declared (1 where nothing is), before anyone is left out."""
        return pd.Series(
            self._panel.say, index=pd.Index(list(self._panel.experts), name="expert"), name="say"
        )

    @cached_property
    def experts(self) -> pd.DataFrame:
        """One row an expert: his matrix's consistency and his say.

        Columns expert, lambda_max, ci, cr, consistent, n, missing, outside_scale, share, used;
        ``share`` is the normalised say, 0 for those left out.
        """
        return experts_table({"": self}, by_node=False)

    @cached_property
    def individual(self) -> pd.DataFrame:
        """Each expert's own weights: experts x items."""
        index = pd.Index(list(self._panel.experts), name="expert")
        return pd.DataFrame(self._panel.solved.weights, index=index, columns=self.weights.index)

    @property
    def lambda_max(self) -> float:
        return self.result.lambda_max

    @property
    def ci(self) -> float:
        return self.result.ci

    @property
    def cr(self) -> float:
        return self.result.cr

    @property
    def consistent(self) -> bool:
        return self.result.consistent

    @property
    def dropped(self) -> list[Any]:
        """Experts left out, because their ratio is above ``max_cr`` or their weight is 0."""
        return self.experts.loc[~self.experts["used"], "expert"].tolist()

    @cached_property
    def dispersion(self) -> pd.DataFrame:
        """Geometric standard deviation of each judgement over the experts used: items x items, 1 = all alike.

        Large values say that a mean hides disagreement (Saaty and Vargas 2007). One judge alone gives NaN.
        """
        stack = self._panel.stack
        logs = stack.logs[self._panel.used]
        n = (~np.isnan(logs)).sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            centre = np.nansum(logs, axis=0) / n
            spread = np.sqrt(np.nansum((logs - centre) ** 2, axis=0) / np.where(n > 1, n - 1, np.nan))
        return pd.DataFrame(np.exp(spread), index=stack.items, columns=stack.items)

    @cached_property
    def leave_one_out(self) -> pd.DataFrame:
        """Group weights without one expert: experts left out x items.

        Raises
        ------
        DataError
            If only one expert is used, or one expert alone connects some items.
        """
        p = self._panel
        rows = np.flatnonzero(p.used)
        if len(rows) < 2:
            raise DataError("leaving one expert out needs at least two experts; only one is used")
        shares = np.repeat(p.share[None], len(rows), axis=0)
        shares[np.arange(len(rows)), rows] = 0.0
        left_out = pd.Index([p.experts[k] for k in rows], name="left_out")
        return pd.DataFrame(self.weights_with(shares), index=left_out, columns=self.weights.index)

    def weights_with(self, shares: np.ndarray) -> np.ndarray:
        """Group weights with other shares of the experts: (draws, experts) -> (draws, n)."""
        options = {"how": self.how, "mean": self.mean, "method": self.method, "completion": self.completion}
        return group_weights(self._panel.stack, shares, self._panel.solved.weights, **options)[0]

    @property
    def text(self) -> str:
        """The result in one sentence."""
        out = f"; left out: {listing(self.dropped)}" if self.dropped else ""
        return (
            f"{int(self.experts['used'].sum())} of {len(self.experts)} experts, {self.how.upper()}, "
            f"{int(self.experts['consistent'].sum())} consistent (CR <= {CR_LIMIT:g}), "
            f"group CR {self.cr:.4f}{out}"
        )


def experts_table(groups: Mapping[str, AHPGroup], *, by_node: bool = True) -> pd.DataFrame:
    """One row a node and expert: expert, node (or not), the consistency of his matrix and his say."""
    panels = [g._panel for g in groups.values()]
    sizes = [len(p.experts) for p in panels]

    def joined(parts: Iterable[np.ndarray]) -> np.ndarray:
        return np.concatenate(list(parts))

    cr = joined(p.solved.cr for p in panels)
    nodes = {"node": np.repeat(np.array(list(groups), dtype=object), sizes)} if by_node else {}
    return pd.DataFrame(
        {
            "expert": [e for p in panels for e in p.experts],
            **nodes,
            "lambda_max": joined(p.solved.lambda_max for p in panels),
            "ci": joined(p.solved.ci for p in panels),
            "cr": cr,
            "consistent": cr <= CR_LIMIT,
            "n": np.repeat([len(g.weights) for g in groups.values()], sizes),
            "missing": joined(p.stack.missing for p in panels),
            "outside_scale": ["; ".join(cells) for p in panels for cells in p.stack.outside],
            "share": joined(p.share for p in panels),
            "used": joined(p.used for p in panels),
        }
    )


def ahp_group(
    matrices: Mapping[Any, pd.DataFrame] | np.ndarray,
    *,
    how: str = "aij",
    expert_weights: Mapping[Any, float] | pd.Series | None = None,
    max_cr: float | None = None,
    method: str = "eigenvector",
    mean: str = "geometric",
    completion: str = "lambda_min",
    random_index: RandomIndex = "saaty",
    min_experts: int = 2,
    node: str = "",
) -> AHPGroup:
    """Weigh items by the judgements of a group.

    Parameters
    ----------
    matrices : mapping of expert -> DataFrame, each (n, n)
        The same items for all; order may differ. An array (experts, n, n) names experts and items by number.
    how : str
        ``aij`` aggregates judgements (weighted geometric mean), ``aip`` priorities.
    expert_weights : mapping or Series, optional
        Each expert's say, >= 0; normalised. Default: equal.
    max_cr : float, optional
        Leave out experts whose consistency ratio is above it.
    method, completion, random_index
        As in ``ahp``.
    mean : str
        For ``aip``: ``geometric`` (renormalised) or ``arithmetic``.
    min_experts : int
        Fewer experts are refused; a "group" of one needs 1 here.
    node : str, optional
        Code of the node, for messages.

    Returns
    -------
    AHPGroup

    Raises
    ------
    DataError
        If a matrix is faulty (expert, node and cell named), experts compare different items, there are too
        few experts, or none is consistent enough.
    ParameterError
        If an option is unknown or an expert has no weight.

    Notes
    -----
    (1) g_ij = prod_e a_ij^(e) ** s_e, sum s_e = 1
    Source: Forman and Peniwati, Eur. J. Oper. Res. 108 (1998) 165-169.
    """
    where = f", node {node}" if node else ""
    whole = isinstance(matrices, np.ndarray) and matrices.ndim == 3
    if not (whole or isinstance(matrices, Mapping)):
        raise ParameterError("matrices must map each expert to a judgement matrix: {'expert A': frame, ...}")
    experts = list(matrices) if isinstance(matrices, Mapping) else list(range(len(matrices)))
    if not experts:
        raise DataError(f"no judgement matrix{where}; at least {min_experts} experts are needed")

    def who(k: int) -> str:
        return f"expert {experts[k]}{where}"

    items = as_items(matrices[experts[0]], who(0)).index
    if isinstance(matrices, np.ndarray) and matrices.dtype == np.float64:
        values = matrices
    else:
        frames = list(matrices.values()) if isinstance(matrices, Mapping) else list(matrices)
        values = np.concatenate(in_order(frames, items, who)).reshape(-1, len(items), len(items))
    stack = check_stack(items, values, who)
    solved = solve(stack, method=method, completion=completion, random_index=random_index)
    return solve_group(
        stack,
        solved,
        experts,
        expert_shares(experts, expert_weights),
        how=how,
        mean=mean,
        max_cr=max_cr,
        method=method,
        completion=completion,
        random_index=random_index,
        min_experts=min_experts,
        where=where,
    )


def _at_odds(stack: Stack, solved: Solved, k: int) -> str:
    """How inconsistent an expert is, and the judgement that drives it most."""
    matrix = pd.DataFrame(stack.values[k], index=stack.items, columns=stack.items)
    worst = ahp(matrix).worst.iloc[0]
    return (
        f"CR {solved.cr[k]:.4f}, most at odds in cell ({worst['row']}, {worst['column']}), "
        f"which is {worst['value']:.4g} where {worst['mended_scale']:.4g} would fit the others"
    )


def solve_group(
    stack: Stack,
    solved: Solved,
    experts: Sequence[Any],
    shares: np.ndarray,
    *,
    how: str,
    mean: str,
    max_cr: float | None,
    method: str,
    completion: str,
    random_index: RandomIndex,
    min_experts: int,
    where: str = "",
) -> AHPGroup:
    """The group's result from checked and solved matrices (what ``ahp_group`` and ``ahp_tree`` share)."""
    if how not in HOW:
        raise ParameterError(f"how must be one of {', '.join(HOW)}; found {how!r}")
    if mean not in MEANS:
        raise ParameterError(f"mean must be one of {', '.join(MEANS)}; found {mean!r}")
    if max_cr is not None and not (isinstance(max_cr, (int, float)) and max_cr >= 0):
        raise ParameterError(f"max_cr must be a consistency ratio of 0 or more; found {max_cr!r}")
    if len(experts) < min_experts:
        raise DataError(
            f"only expert {listing(experts)} judged{where}; a group needs at least {min_experts} experts: "
            "ask for more, or pass min_experts=1"
        )
    used = np.asarray(shares > 0)
    if max_cr is not None:
        used &= solved.cr <= max_cr
    if not used.any():
        asked = np.flatnonzero(shares > 0)
        faults = [f"expert {experts[k]}{where}: {_at_odds(stack, solved, int(k))}" for k in asked[:MOST_TOLD]]
        raise DataError(
            f"no expert is consistent enough{where} (CR of {max_cr:g} or less): {listing(faults)}"
            f"{'' if len(asked) <= MOST_TOLD else f' and {len(asked) - MOST_TOLD} more'}; "
            "ask the experts to revise, or raise max_cr",
            faults=faults,
        )
    share = np.where(used, shares, 0.0)
    share = share / share.sum()
    w, matrix = group_weights(
        stack, share[None], solved.weights, how=how, mean=mean, method=method, completion=completion
    )
    return AHPGroup(
        weights=pd.Series(w[0], index=stack.items, name="weight"),
        matrix=pd.DataFrame(matrix[0], index=stack.items, columns=stack.items),
        how=how,
        mean=mean,
        method=method,
        completion=completion,
        random_index=random_index,
        max_cr=max_cr,
        _panel=Panel(tuple(experts), stack, solved, shares, share, used),
    )
