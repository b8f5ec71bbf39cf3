"""What changed between two versions of a framework, and which scores can move because of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from commlab.framework.entries import Node, Part
from commlab.framework.model import Framework

__all__ = ["compare"]

_MOVES = ("added", "removed", "weight", "rule")
"""Kinds of change that can move a score; a new label cannot."""


def compare(before: Framework, after: Framework) -> pd.DataFrame:
    """List the differences of two frameworks, node by node and part by part.

    Parameters
    ----------
    before, after : Framework

    Returns
    -------
    DataFrame
        code, part, what (``added removed moved label weight methods rule``), key, before, after, moves
        (whether the scores of the node and of what stands above it can move). No rows: the frameworks score
        alike.

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
    columns = ["code", "part", "what", "key", "before", "after"]
    out = pd.DataFrame(rows, columns=columns, dtype=object)
    out["moves"] = out["what"].isin(_MOVES)
    return out


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
