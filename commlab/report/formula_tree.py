"""Live formulas of the appendix, second half: standards -> indicators -> total, by the weights that count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from commlab.framework import TOTAL, Framework
from commlab.framework.rules import RULES
from commlab.report.formulas import Formulas, Grid

__all__ = ["tree_formulas", "tree_rows"]


def _outside_only(framework: Framework, code: str) -> bool:
    parts = framework.parts(code)
    return bool(parts) and all(not RULES[p.rule].shared for p in parts)


def _vetoes(framework: Framework) -> dict[str, list[tuple[str, str]]]:
    """Node -> the veto parts (code, part) that overrule it."""
    out: dict[str, list[tuple[str, str]]] = {}
    for part in (p for c in framework.leaves for p in framework.parts(c) if p.rule == "veto"):
        sets = part.params.get("sets", 0)
        node = framework.code(sets) if isinstance(sets, str) and "/" not in sets else part.code
        out.setdefault(node, []).append((part.code, part.part))
    return out


def tree_rows(
    framework: Framework, nodes: pd.DataFrame, parts: pd.DataFrame, hows: Mapping[str, str]
) -> pd.DataFrame:
    """A row a node, the deepest level first and ``total`` last, so that the children of a node stand together.

    code, level, how (its children are put together), local (weight among siblings), reached (of full marks), used
    (weight that counts), term, full, bonus, score, effective (weight in the total), contribution.
    """
    by_code = nodes.set_index("code")
    order = {n.code: n.order for n in framework.nodes}
    ordered = sorted(framework.nodes, key=lambda n: (-n.level, order.get(n.parent or "", 0), n.order))
    earned = parts[parts["rule"] == "bonus"].groupby("code")["score"].sum() if len(parts) else {}

    def bonus(code: str) -> float:
        if by_code.at[code, "state"] == "vetoed":
            return 0.0
        if below := framework.children(code):
            return float(sum(bonus(c) for c in below))
        return float(earned.get(code, 0.0)) if _outside_only(framework, code) else 0.0

    local, top, rows = framework.local_weights, framework.full(TOTAL), []
    for code in [*(n.code for n in ordered), TOTAL]:
        found, full, extra = by_code.loc[code], framework.full(code), bonus(code)
        reached = np.nan if _outside_only(framework, code) else (found["score"] - extra) / full
        own = np.nan if code == TOTAL else float(local[code])
        rows.append(
            {
                "code": code,
                "level": framework.node(code).level,
                "parent": framework.node(code).parent or (None if code == TOTAL else TOTAL),
                "how": hows.get(code, "arithmetic"),
                "local": own,
                "reached": reached,
                "used": np.nan if code == TOTAL else own if np.isfinite(reached) else 0.0,
                "full": full,
                "bonus": extra,
                "score": found["score"],
                "effective": found["effective"] * full / top,
                "contribution": found["contribution"],
            }
        )
    out = pd.DataFrame(rows)
    out["term"] = _terms(out)
    return out


def _terms(rows: pd.DataFrame) -> np.ndarray:
    """What each child adds to (or multiplies into) the mean of its parent."""
    mean = rows["parent"].map(rows.set_index("code")["how"]).to_numpy(dtype=object)
    x, used = rows["reached"].fillna(0).to_numpy(), rows["used"].fillna(0).to_numpy()
    mass = rows.groupby("parent")["used"].transform("sum").fillna(0).to_numpy()
    share = np.divide(used, mass, out=np.zeros_like(used), where=mass > 0)
    counts = used > 0
    power = np.where(counts, np.where(counts, x, 1.0) ** share, 1.0)
    turned = np.divide(used, x, out=np.zeros_like(used), where=counts & (x > 0))
    terms = np.select([mean == "geometric", mean == "harmonic"], [power, turned], used * x)
    return np.where(rows["parent"].isna(), np.nan, terms)


def tree_formulas(
    rows: pd.DataFrame,
    framework: Framework,
    parts: pd.DataFrame,
    grid: Grid,
    scoring: Grid,
    weights: Mapping[str, str],
) -> Formulas:
    """Weighted means up the tree; ``weights`` says in which cell a node's weight among siblings stands."""
    names = [c for c in ("local", "reached", "used", "term", "bonus", "score", "effective", "contribution")]
    out: Formulas = {c: [""] * len(rows) for c in names if c in grid.columns}
    at = {code: i for i, code in enumerate(rows["code"])}
    children = {code: [at[c] for c in framework.children(code)] for code in at}
    vetoes = _vetoes(framework)
    where = {(c, p): i for i, (c, p) in enumerate(zip(parts["code"], parts["part"], strict=True))}
    for i, row in enumerate(rows.to_dict("records")):
        code, below = row["code"], children[row["code"]]
        cell = {c: grid.cell(c, i, own=True) for c in grid.columns}
        if code in weights:
            out["local"][i] = f"={weights[code]}"
        struck = [scoring.cell("score", where[k]) for k in vetoes.get(code, []) if k in where]
        bonus = [j for (c, p), j in where.items() if c == code and parts["rule"].iloc[j] == "bonus"]
        mean = (
            _mean_of_children(rows, below, row["how"], grid)
            if below
            else _mean_of_parts(code, parts, scoring, [scoring.cell("score", j) for j in bonus], row["full"])
        )
        for place in struck:
            mean = f"IF(ISNUMBER({place}),{place}/{row['full']:.15g},{mean})"
        out["reached"][i] = f"={mean}"
        if "bonus" in out:
            own = (
                [grid.span("bonus", below[0], below[-1], own=True)]
                if below
                else [scoring.cell("score", j) for j in bonus if _outside_only(framework, code)]
            )
            extra = f"SUM({','.join(own)})" if own else "0"
            for place in struck:
                extra = f"IF(ISNUMBER({place}),0,{extra})"
            out["bonus"][i] = f"={extra}"
            whole = f"IF(ISNUMBER({cell['reached']}),{cell['reached']},0)*{cell['full']}+{cell['bonus']}"
            known = f"ISNUMBER({cell['reached']})"
            if _outside_only(framework, code) or (
                np.isfinite(row["score"]) and not np.isfinite(row["reached"])
            ):
                known = (
                    f"OR({known},{cell['bonus']}>0)"  # a bonus alone is a score where nothing else applies
                )
            out["score"][i] = f'=IF({known},{whole},"")'
        else:
            out["score"][i] = f'=IF(ISNUMBER({cell["reached"]}),{cell["reached"]}*{cell["full"]},"")'
        if "contribution" in out:
            points = f"IF(ISNUMBER({cell['reached']}),{cell['effective']}*{cell['reached']},0)"
            added = f"+{cell['bonus']}" if "bonus" in out else ""
            out["contribution"][i] = f"={points}*{grid.cell('full', at[TOTAL], own=True)}{added}"
        if code == TOTAL:
            continue
        out["used"][i] = f"=IF(ISNUMBER({cell['reached']}),{cell['local']},0)"
        siblings = children[row["parent"]]
        mass = f"SUM({grid.span('used', siblings[0], siblings[-1], own=True)})"
        if "term" in out:
            out["term"][i] = _term(cell, rows["how"].iloc[at[row["parent"]]], mass)
        if "effective" in out:
            outer = grid.cell("effective", at[row["parent"]], own=True)
            out["effective"][i] = f"=IF({mass}>0,{outer}*{cell['used']}/{mass},0)"
    return out


def _mean_of_parts(code: str, parts: pd.DataFrame, grid: Grid, bonus: Sequence[str], full: float) -> str:
    """A standard from its parts: weighted by the shares that count, and what is added on top of them."""
    mine = parts.index[(parts["code"] == code) & parts["share"].notna()] if len(parts) else []
    if not len(mine):
        return '""'
    used, reached = (grid.span(c, int(mine[0]), int(mine[-1])) for c in ("used", "reached"))
    added = f"+SUM({','.join(bonus)})/{full:.15g}" if bonus else ""
    return f'IF(SUM({used})=0,"",SUMPRODUCT({used},{reached})/SUM({used}){added})'


def _mean_of_children(rows: pd.DataFrame, below: Sequence[int], how: str, grid: Grid) -> str:
    used, reached = (grid.span(c, below[0], below[-1], own=True) for c in ("used", "reached"))
    if how == "arithmetic":
        return f'IF(SUM({used})=0,"",SUMPRODUCT({used},{reached})/SUM({used}))'
    terms = grid.span("term", below[0], below[-1], own=True)
    if how == "geometric":
        return f'IF(SUM({used})=0,"",PRODUCT({terms}))'
    return f'IF(SUM({used})=0,"",IF(COUNTIFS({reached},0,{used},">0")>0,0,SUM({used})/SUM({terms})))'


def _term(cell: Mapping[str, str], how: str, mass: str) -> str:
    if how == "geometric":
        return f"=IF({cell['used']}>0,{cell['reached']}^({cell['used']}/{mass}),1)"
    if how == "harmonic":
        inner = f"IF({cell['reached']}>0,{cell['used']}/{cell['reached']},0)"
        return f"=IF({cell['used']}>0,{inner},0)"
    return f"=IF({cell['used']}>0,{cell['used']}*{cell['reached']},0)"
