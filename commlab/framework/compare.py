"""What changed between two versions of a framework, and which scores can move because of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from commlab.framework.entries import Node, Part
from commlab.framework.model import TOTAL, Framework

__all__ = ["compare"]

_MOVES = ("added", "removed", "moved", "weight", "points", "rule", "metric")
"""Kinds of change that can move a score; a new label or method cannot."""
_WITHIN = ("weight", "moved")
"""What changes the part a node has in those above it, not its own score."""
_OF_METRIC = ("unit", "kind", "level", "numerator", "denominator", "per", "sensitive")


def compare(before: Framework, after: Framework) -> pd.DataFrame:
    """List the differences of two frameworks, node by node and part by part.

    Parameters
    ----------
    before, after : Framework

    Returns
    -------
    DataFrame
        code, part, what (``added removed moved label weight points methods rule metric``), key, before, after,
        moves (whether scores can move), scores (the codes whose scores can: the node, unless only its weight or place
        changed, and all above it, after the change and before it, up to ``total``). A metric that is counted otherwise stands at every part that uses it.
        No rows: the frameworks score alike.

    Examples
    --------
    >>> from commlab.framework import load_framework
    >>> kunming = load_framework("kunming_2018")
    >>> len(compare(kunming, kunming))
    0
    """
    old, new = {n.code: n for n in before.nodes}, {n.code: n for n in after.nodes}
    local = before.local_weights, after.local_weights
    rows: list[tuple[str, str, str, str, Any, Any]] = []
    for code in dict.fromkeys([*new, *old]):
        if code not in old:
            rows.append((code, "", "added", "", None, new[code].zh))
        elif code not in new:
            rows.append((code, "", "removed", "", old[code].zh, None))
        else:
            rows += _of_node(old[code], new[code])
            a, b = float(local[0][code]), float(local[1][code])
            if abs(a - b) > 1e-12:
                rows.append((code, "", "weight", "weight", a, b))
            if old[code].points != new[code].points:
                rows.append((code, "", "points", "points", old[code].points, new[code].points))
    rows += _of_metrics(before, after)
    columns = ["code", "part", "what", "key", "before", "after"]
    out = pd.DataFrame(rows, columns=columns, dtype=object)
    out["moves"] = out["what"].isin(_MOVES)
    out["scores"] = [
        ", ".join(c for c in _above(code, after, before) if c != code or what not in _WITHIN) if moves else ""
        for code, what, moves in zip(out["code"], out["what"], out["moves"], strict=True)
    ]
    return out.astype({"scores": "str"})


def _above(code: str, *frameworks: Framework) -> list[str]:
    """The node and all above it, in each framework that has it."""
    out: dict[str, None] = {}
    for framework in frameworks:
        parents = {n.code: n.parent for n in framework.nodes}
        at: str | None = code
        while at in parents:
            out[at] = None
            at = parents[at]
    return [*out, TOTAL]


def _of_metrics(before: Framework, after: Framework) -> list[tuple[str, str, str, str, Any, Any]]:
    """Metrics that are defined otherwise, at every part whose score rests on them."""
    changed: dict[str, list[tuple[str, Any, Any]]] = {}
    for key in before.metrics.keys() & after.metrics.keys():
        a, b = before.metrics[key], after.metrics[key]
        told = [(k, getattr(a, k), getattr(b, k)) for k in _OF_METRIC if getattr(a, k) != getattr(b, k)]
        if told:
            changed[key] = told
    rows: list[tuple[str, str, str, str, Any, Any]] = []
    for code in after.leaves:
        for part in after.parts(code):
            named = [part.params.get(k) for k in ("metric", "numerator", "denominator")]
            named += [i if isinstance(i, str) else i.get("item") for i in part.items]
            for name in dict.fromkeys(str(n).partition("/")[0] for n in named if n):
                rows += [
                    (code, part.part, "metric", f"{name}.{k}", a, b) for k, a, b in changed.get(name, ())
                ]
    return rows


def _of_node(a: Node, b: Node) -> list[tuple[str, str, str, str, Any, Any]]:
    rows: list[tuple[str, str, str, str, Any, Any]] = []
    if a.parent != b.parent:
        rows.append((a.code, "", "moved", "parent", a.parent, b.parent))
    for key in ("zh", "en"):
        if getattr(a, key) != getattr(b, key):
            rows.append((a.code, "", "label", key, getattr(a, key), getattr(b, key)))
    if a.methods != b.methods:
        rows.append((a.code, "", "methods", "methods", a.methods, b.methods))
    old, new = {p.part: p for p in a.parts}, {p.part: p for p in b.parts}
    for name in dict.fromkeys([*new, *old]):
        if name not in old or name not in new:
            gone = name not in new
            rows.append(
                (a.code, name, "removed" if gone else "added", "", *_shown(old.get(name), new.get(name)))
            )
            continue
        first, second = _keys(old[name]), _keys(new[name])
        for key in dict.fromkeys([*first, *second]):
            if first.get(key) != second.get(key):
                rows.append((a.code, name, "rule", key, first.get(key), second.get(key)))
    return rows


def _shown(a: Part | None, b: Part | None) -> tuple[Any, Any]:
    return (a.rule if a else None), (b.rule if b else None)


def _keys(part: Part) -> dict[str, Any]:
    """Everything that decides the score of a part."""
    decisive = ("rule", "type", "measured_at", "scored_at", "rollup", "soft", "official")
    fixed = {k: getattr(part, k) for k in decisive} | {"share": round(part.share, 12)}
    return fixed | {k: _plain(v) for k, v in part.params.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    return tuple(_plain(v) for v in value) if isinstance(value, tuple) else value
