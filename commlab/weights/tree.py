"""From the clean table of judgements to the weights of a whole system of indicators.

``ahp_tree`` groups each judged node's matrices, hangs the local weights into the framework and multiplies
them down to the leaves; nodes that nobody judged keep the framework's own weights, or equal ones where it
prints none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.framework import Framework
from commlab.weights.ahp import CR_LIMIT, RandomIndex, solve
from commlab.weights.groups import AHPGroup, expert_shares, solve_group
from commlab.weights.matrix import check_stack
from commlab.weights.random_index import random_index_of

__all__ = ["AHPTree", "ahp_tree"]

COLUMNS = ("expert", "node", "row", "column", "value")


@dataclass(frozen=True, eq=False)
class AHPTree:
    """Expert weights of a tree of indicators.

    ``local`` Series code -> weight within its siblings, for the children of judged nodes; ``global_weights``
    Series over the leaves, summing to 1; ``experts`` one row an expert and node: expert, node, lambda_max,
    ci, cr, consistent, n, missing, outside_scale, share, used; ``nodes`` one row a judged node: node, n,
    experts, used, lambda_max, ci, cr, consistent; ``hierarchy`` the consistency of each level and of the
    whole; ``individual`` long: expert, node, code, weight; ``groups`` node -> AHPGroup with the matrices.
    """

    local: pd.Series
    global_weights: pd.Series = field(repr=False)
    experts: pd.DataFrame = field(repr=False)
    nodes: pd.DataFrame = field(repr=False)
    hierarchy: pd.DataFrame = field(repr=False)
    individual: pd.DataFrame = field(repr=False)
    groups: Mapping[str, AHPGroup] = field(repr=False)

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

    def __repr__(self) -> str:
        return f"AHPTree({self.text})"

    def _repr_html_(self) -> str:
        from html import escape

        table = self.local.rename("local weight").to_frame().to_html(float_format="{:.4f}".format, border=0)
        return f"<p>{escape(self.text)}</p>{table}"


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
    table = _checked(judgments, framework)
    options = {"method": method, "completion": completion, "random_index": random_index}
    groups: dict[str, AHPGroup] = {}
    for node, part in _by_node(table, framework):
        items = pd.Index(framework.children(node))
        experts = part["expert"].drop_duplicates().tolist()
        stack = check_stack(
            items, _matrices(part, items, experts), [f"expert {e}, node {node}" for e in experts]
        )
        groups[node] = solve_group(
            stack,
            solve(stack, method=method, completion=completion, random_index=random_index),
            experts,
            expert_shares(experts, expert_weights),
            how=how,
            mean=mean,
            max_cr=max_cr,
            min_experts=min_experts,
            where=f", node {node}",
            **options,  # type: ignore[arg-type]
        )
    local = pd.concat([g.weights for g in groups.values()]).rename("weight").rename_axis("code")
    weighted = framework.with_weights(local)
    return AHPTree(
        local=local,
        global_weights=weighted.global_weights(),
        experts=_experts(groups),
        nodes=_nodes(groups),
        hierarchy=_hierarchy(groups, weighted, random_index),
        individual=_individual(groups),
        groups=groups,
    )


def _checked(judgments: pd.DataFrame, framework: Framework) -> pd.DataFrame:
    """The table with codes as the framework prints them, or a DataError with all that does not fit it."""
    absent = [c for c in COLUMNS if c not in judgments.columns]
    if absent:
        raise DataError(f"the judgments have no column {listing(absent)}; they need {', '.join(COLUMNS)}")
    if judgments.empty:
        raise DataError("the judgments are empty: no expert has compared anything")
    if "period" in judgments.columns and judgments["period"].nunique() > 1:
        raise DataError(f"the judgments mix periods ({listing(judgments['period'].unique())}); choose one")
    table = judgments.loc[:, list(COLUMNS)].reset_index(drop=True)
    blank = [c for c in COLUMNS[:-1] if table[c].isna().any()]
    if blank:
        raise DataError(f"the judgments have rows without {listing(blank)}; fill them or delete the rows")
    value = pd.to_numeric(table["value"], errors="coerce")
    odd = table[value.isna() & table["value"].notna()]
    if len(odd):
        raise DataError(f"judgments that are no numbers: {listing(map(_place, odd.itertuples(index=False)))}")
    table["value"] = value.astype("float64")

    faults: list[str] = []
    nodes = {n: _printed(framework, n) for n in table["node"].unique()}
    for node, code in nodes.items():
        part = table[table["node"] == node]
        if code is None or not framework.children(code):
            why = "is not in the framework" if code is None else "has nothing below it to compare"
            faults.append(f"node {node} {why} (expert {listing(part['expert'].unique())})")
            continue
        below = set(framework.children(code))
        for side in ("row", "column"):
            wrong = part[
                ~part[side].map({i: _printed(framework, i) for i in part[side].unique()}).isin(below)
            ]
            faults += [
                f"node {node}: {item} is not one of its children {listing(sorted(below))} "
                f"(expert {listing(wrong.loc[wrong[side] == item, 'expert'].unique())})"
                for item in wrong[side].unique()
            ]
    if faults:
        faults = list(dict.fromkeys(faults))
        raise DataError(
            f"the judgments do not fit framework {framework.name}: {listing(faults, most=8)}", faults=faults
        )
    for c in ("node", "row", "column"):
        table[c] = table[c].map({t: framework.code(str(t)) for t in table[c].unique()})
    twice = table.duplicated(["expert", "node", "row", "column"], keep=False)
    if twice.any():
        places = dict.fromkeys(map(_place, table[twice].itertuples(index=False)))
        raise DataError(f"judgments given more than once: {listing(places)}; keep one of each")
    return table


def _printed(framework: Framework, text: Any) -> str | None:
    try:
        return framework.code(str(text))
    except ParameterError:
        return None


def _place(row: Any) -> str:
    return f"expert {row.expert}, node {row.node}, cell ({row.row}, {row.column})"


def _by_node(table: pd.DataFrame, framework: Framework) -> list[tuple[str, pd.DataFrame]]:
    """The judged nodes with their rows, in the framework's order (the whole first)."""
    parts = dict(list(table.groupby("node", sort=False)))
    order = [framework.code("total"), *(n.code for n in framework.nodes)]
    return [(str(code), parts[code]) for code in order if code in parts]


def _matrices(part: pd.DataFrame, items: pd.Index, experts: list[Any]) -> np.ndarray:
    n = len(items)
    values = np.full((len(experts), n, n), np.nan)
    values[:, np.arange(n), np.arange(n)] = 1.0  # a list of pairs has no diagonal
    at = (
        pd.Index(experts).get_indexer(part["expert"]),
        items.get_indexer(part["row"]),
        items.get_indexer(part["column"]),
    )
    values[at] = part["value"].to_numpy()
    return values


def _experts(groups: Mapping[str, AHPGroup]) -> pd.DataFrame:
    frames = []
    for node, group in groups.items():
        frame = group.experts.copy()
        frame.insert(1, "node", node)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


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


def _individual(groups: Mapping[str, AHPGroup]) -> pd.DataFrame:
    frames = []
    for node, group in groups.items():
        long = group.individual.rename_axis(columns="code").stack().rename("weight").reset_index()
        long.insert(1, "node", node)
        frames.append(long)
    return pd.concat(frames, ignore_index=True)


def _hierarchy(
    groups: Mapping[str, AHPGroup], weighted: Framework, random_index: RandomIndex
) -> pd.DataFrame:
    reach = {weighted.code("total"): 1.0}
    for node in weighted.nodes:
        parent = weighted.code("total") if node.parent is None else node.parent
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
