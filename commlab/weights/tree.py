"""From the clean table of judgements to the weights of a whole system of indicators.

``ahp_tree`` groups each judged node's matrices, hangs the local weights into the framework and multiplies
them down to the leaves; nodes that nobody judged keep the framework's own weights, or equal ones where it
prints none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.framework import TOTAL, Framework
from commlab.weights.ahp import CR_LIMIT, RandomIndex, solve
from commlab.weights.groups import AHPGroup, experts_table, solve_group
from commlab.weights.matrix import check_stack, refuse
from commlab.weights.panel import expert_shares
from commlab.weights.random_index import random_index_of
from commlab.weights.told import Told

__all__ = ["AHPTree", "ahp_tree"]

COLUMNS = ("expert", "node", "row", "column", "value")


@dataclass(frozen=True, eq=False, repr=False)
class AHPTree(Told):
    """Expert weights of a tree of indicators.

    ``local`` Series code -> weight within its siblings, for the children of judged nodes; ``global_weights``
    Series over the leaves, summing to 1; ``groups`` node -> AHPGroup with the matrices; ``framework`` the
    framework with these weights.
    """

    _weights = ("local", "local weight")
    local: pd.Series
    global_weights: pd.Series
    groups: Mapping[str, AHPGroup]
    framework: Framework
    random_index: RandomIndex

    @cached_property
    def experts(self) -> pd.DataFrame:
        """One row an expert and node.

        Columns expert, node, lambda_max, ci, cr, consistent, n, missing, outside_scale, share, used.
        """
        return experts_table(self.groups)

    @cached_property
    def individual(self) -> pd.DataFrame:
        """Each expert's own weights, long: expert, node, code, weight."""
        parts = [
            g.individual.rename_axis(columns="code").stack().rename("weight").reset_index().assign(node=node)
            for node, g in self.groups.items()
        ]
        return pd.concat(parts, ignore_index=True)[["expert", "node", "code", "weight"]]

    @cached_property
    def nodes(self) -> pd.DataFrame:
        """One row a judged node: node, n, experts, used; lambda_max, ci, cr, consistent of its mean."""
        return _nodes(self.groups)

    @cached_property
    def hierarchy(self) -> pd.DataFrame:
        """Consistency of each level and, last, of the whole: level, ci, ri, cr, consistent."""
        return _hierarchy(self.groups, self.framework, self.random_index)

    @property
    def text(self) -> str:
        """The result in one sentence."""
        whole = self.hierarchy.iloc[-1]
        verdict = "passes" if whole["consistent"] else "fails"
        people = self.experts["expert"].nunique()
        return (
            f"{people} experts judged {len(self.nodes)} nodes; {int(self.experts['consistent'].sum())} of "
            f"{len(self.experts)} matrices have CR <= {CR_LIMIT:g}; "
            f"the hierarchy's CR is {whole['cr']:.4f} and {verdict}"
        )


def ahp_tree(
    judgments: pd.DataFrame,
    framework: Framework,
    *,
    how: str = "aij",
    expert_weights: Mapping[Any, float] | pd.Series | None = None,
    max_cr: float | None = None,
    method: str = "eigenvector",
    mean: str = "geometric",
    completion: str = "lambda_min",
    random_index: RandomIndex = "saaty",
    min_experts: int = 2,
) -> AHPTree:
    """Weigh a framework by the experts' judgements.

    Parameters
    ----------
    judgments : DataFrame
        The clean table: expert, node, row, column, value; one period. One triangle of each matrix is enough;
        a missing value is a judgement not made.
    framework : Framework
        ``node`` is a code with children (``total`` for the primary level), ``row`` and ``column`` are its
        children.
    how, expert_weights, max_cr, method, mean, completion, random_index, min_experts
        As in ``ahp_group``; an expert counts in every node he judged.

    Returns
    -------
    AHPTree

    Raises
    ------
    DataError
        If the table is empty, mixes periods or lacks a column; a node or item is not in the framework; a
        judgement is impossible (expert, node and cell named); a node has too few, or no consistent, experts.

    Notes
    -----
    Consistency of a level: CR = sum_k w_k CI_k / sum_k w_k RI_k over its judged nodes, w_k the node's global
    weight (Saaty 1980, ch. 4; 层次总排序一致性检验). The last row, ``total``, sums over all levels.
    """
    table = _coded(judgments, framework)
    groups: dict[str, AHPGroup] = {}
    faults: list[str] = []
    for node, items, experts, values in table.stacks(framework):
        try:
            stack = check_stack(items, values, partial(_whose, experts, node))
        except DataError as error:
            faults += error.faults
        if faults:  # all nodes are told before anything is computed further
            continue
        groups[node] = solve_group(
            stack,
            solve(stack, method=method, completion=completion, random_index=random_index),
            experts,
            expert_shares(experts, expert_weights),
            how=how,
            mean=mean,
            max_cr=max_cr,
            method=method,
            completion=completion,
            random_index=random_index,
            min_experts=min_experts,
            where=f", node {node}",
        )
    refuse(faults)
    local = pd.concat([g.weights for g in groups.values()]).rename("weight").rename_axis("code")
    weighted = framework.with_weights(local)
    return AHPTree(
        local=local,
        global_weights=weighted.global_weights(),
        groups=groups,
        framework=weighted,
        random_index=random_index,
    )


def _whose(experts: list[Any], node: str, k: int) -> str:
    return f"expert {experts[k]}, node {node}"


@dataclass(frozen=True)
class _Coded:
    """The table as whole numbers: who, which node (its place in ``nodes``), which items (among siblings)."""

    experts: pd.Index
    nodes: list[str]
    expert: np.ndarray
    node: np.ndarray
    row: np.ndarray
    column: np.ndarray
    value: np.ndarray
    told: Callable[[int], str]
    """Names a row of the table in messages."""

    def stacks(self, framework: Framework) -> Iterator[tuple[str, pd.Index, list[Any], np.ndarray]]:
        """For each judged node in the framework's order: its code, items, experts and their matrices."""
        order = np.argsort(self.node.astype(np.int16), kind="stable")
        here = np.zeros(len(self.experts), dtype=np.intp)
        for part in np.split(order, np.flatnonzero(np.diff(self.node[order])) + 1):
            code = self.nodes[self.node[part[0]]]
            items = pd.Index(framework.children(code))
            present = np.flatnonzero(np.bincount(self.expert[part], minlength=len(self.experts)))
            here[present] = np.arange(len(present))
            n = len(items)
            place = (here[self.expert[part]] * n + self.row[part]) * n + self.column[part]
            values = np.full((len(present), n, n), np.nan)
            given = np.zeros(values.size, dtype=bool)
            given[place] = True
            if np.count_nonzero(given) < len(part):
                self.refuse_repeats(part)
            values[:, np.arange(n), np.arange(n)] = 1.0  # a list of pairs has no diagonal
            values.ravel()[place] = self.value[part]
            yield code, items, self.experts[present].tolist(), values

    def refuse_repeats(self, part: np.ndarray) -> None:
        """Name the judgements of a node that are given more than once."""
        keys = pd.DataFrame({"e": self.expert[part], "r": self.row[part], "c": self.column[part]})
        twice = [self.told(int(k)) for k in part[keys.duplicated().to_numpy()]]
        raise DataError(f"judgments given more than once: {listing(twice)}; keep one of each")


def _coded(judgments: pd.DataFrame, framework: Framework) -> _Coded:
    """The table in whole numbers, or a DataError with all that does not fit the framework."""
    if not isinstance(judgments, pd.DataFrame):
        raise ParameterError(f"judgments must be the clean table; found {type(judgments).__name__}")
    absent = [c for c in COLUMNS if c not in judgments.columns]
    if absent:
        raise DataError(f"the judgments have no column {listing(absent)}; they need {', '.join(COLUMNS)}")
    if judgments.empty:
        raise DataError("the judgments are empty: no expert has compared anything")
    if "period" in judgments.columns and judgments["period"].nunique() > 1:
        raise DataError(f"the judgments mix periods ({listing(judgments['period'].unique())}); choose one")

    def place(k: int) -> str:
        r = judgments.iloc[k]
        return f"expert {r['expert']}, node {r['node']}, cell ({r['row']}, {r['column']})"

    numbers, labels = {}, {}
    for c in COLUMNS[:-1]:
        numbers[c], labels[c] = pd.factorize(judgments[c])
    blank = [c for c in COLUMNS[:-1] if (numbers[c] < 0).any()]
    if blank:
        lacking = np.flatnonzero((np.stack([numbers[c] for c in blank]) < 0).any(axis=0))
        raise DataError(
            f"the judgments have rows without {listing(blank)}: {listing(map(place, lacking.tolist()))}; "
            "fill them or delete the rows"
        )

    value = pd.to_numeric(judgments["value"], errors="coerce")
    odd = np.flatnonzero((value.isna() & judgments["value"].notna()).to_numpy())
    if len(odd):
        raise DataError(f"judgments that are no numbers: {listing(map(place, odd.tolist()))}")

    nodes = [framework.code(TOTAL), *(n.code for n in framework.nodes)]
    at = {code: k for k, code in enumerate(nodes)}
    home = {c: (p, k) for p, code in enumerate(nodes) for k, c in enumerate(framework.children(code))}
    printed = {c: [_printed(framework, t) for t in labels[c]] for c in COLUMNS[1:-1]}
    node = np.array([at.get(t or "", -1) for t in printed["node"]])[numbers["node"]]
    parent, seat = {}, {}
    for c in ("row", "column"):
        parents, seats = np.array([home.get(t or "", (-2, 0)) for t in printed[c]]).T
        parent[c], seat[c] = parents[numbers[c]], seats[numbers[c]]
    misfit = (node < 0) | (parent["row"] != node) | (parent["column"] != node)
    if misfit.any():
        faults = _misfits(judgments[misfit], framework)
        message = f"the judgments do not fit framework {framework.name}: {listing(faults, most=8)}"
        raise DataError(message, faults=faults)
    return _Coded(
        pd.Index(labels["expert"]),
        nodes,
        numbers["expert"],
        node,
        seat["row"],
        seat["column"],
        value.to_numpy("float64"),
        place,
    )


def _misfits(table: pd.DataFrame, framework: Framework) -> list[str]:
    faults = []
    for node, part in table.groupby("node", sort=False):
        code = _printed(framework, node)
        below = () if code is None else framework.children(code)
        if not below:
            why = "is not in the framework" if code is None else "has nothing below it to compare"
            faults.append(f"node {node} {why} (expert {listing(part['expert'].unique())})")
            continue
        for item in pd.unique(part[["row", "column"]].to_numpy().ravel()):
            if _printed(framework, item) not in below:
                who = part.loc[(part["row"] == item) | (part["column"] == item), "expert"].unique()
                faults.append(
                    f"node {node}: {item} is not one of its children {listing(below)} (expert {listing(who)})"
                )
    return faults


def _printed(framework: Framework, text: Any) -> str | None:
    try:
        return framework.code(str(text))
    except ParameterError:
        return None


def _nodes(groups: Mapping[str, AHPGroup]) -> pd.DataFrame:
    rows = [
        {
            "node": node,
            "n": len(g.weights),
            "experts": len(g.experts),
            "used": int(g.experts["used"].sum()),
            "lambda_max": g.lambda_max,
            "ci": g.ci,
            "cr": g.cr,
            "consistent": g.consistent,
        }
        for node, g in groups.items()
    ]
    return pd.DataFrame(rows)


def _hierarchy(
    groups: Mapping[str, AHPGroup], weighted: Framework, random_index: RandomIndex
) -> pd.DataFrame:
    reach = {weighted.code(TOTAL): 1.0}
    for node in weighted.nodes:
        parent = weighted.code(TOTAL) if node.parent is None else node.parent
        reach[node.code] = reach[parent] * float(weighted.local_weights[node.code])
    parts: dict[int, list[tuple[float, float]]] = {}
    for code, group in groups.items():
        level = weighted.node(code).level + 1
        ri = random_index_of(len(group.weights), random_index)
        parts.setdefault(level, []).append((reach[code] * group.ci, reach[code] * ri))
    rows: list[dict[str, Any]] = []
    whole = [pair for pairs in parts.values() for pair in pairs]
    for name, pairs in [*sorted(parts.items()), ("total", whole)]:
        ci, ri = (float(sum(side)) for side in zip(*pairs, strict=True))
        cr = ci / ri if ri else 0.0
        rows.append({"level": str(name), "ci": ci, "ri": ri, "cr": cr, "consistent": cr <= CR_LIMIT})
    return pd.DataFrame(rows)
