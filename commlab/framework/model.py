"""The framework as scoring, weights and reports see it: a frozen tree of nodes, and tables of it.

A node is a branch or a leaf; a leaf has parts; a part has a rule. Local weights are those among siblings and
add up to 1; global weights are their products down to the leaves.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import ParameterError, listing
from commlab.framework.entries import FULL, Constant, Frozen, Metric, Node, Note, Part

__all__ = ["TOTAL", "WEIGHT_TOLERANCE", "Framework", "fold"]

TOTAL = "total"
"""Code of the whole."""
WEIGHT_TOLERANCE = 0.005
"""Printed weights are rounded: a sibling group may miss 1 by this much before it counts as an error."""
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−－ー"), "-")


def fold(code: str) -> str:
    """A code reduced to what look-ups compare: NFKC, plain hyphens, no spaces, case folded.

    >>> fold("Ⅱ—4.1") == fold(" II-4.1 ")
    True
    """
    plain = unicodedata.normalize("NFKC", str(code).translate(_DASHES)).translate(_DASHES)
    return "".join(plain.split()).casefold()


@dataclass(frozen=True, eq=False)
class Framework:
    """A system of indicators. Made by ``load_framework``; ``with_weights`` gives a copy with other weights.

    Attributes
    ----------
    name, title, source
        As in the file; ``title`` maps ``zh`` and ``en``, ``source`` names document and date.
    metrics : mapping of str to Metric
    nodes : tuple of Node
        In printed order, parents before children.
    notes : tuple of str
        What the loader did to the file's figures, for the ledger.
    types : mapping of str to labels
        Kinds of units that the document tells apart.
    constants : mapping of str to Constant
        Figures of the document that no score rests on; ``constant`` finds one.
    remarks : tuple of Note
        Sentences that reports print, by chapter.
    """

    name: str
    title: Mapping[str, str]
    source: Mapping[str, str]
    metrics: Mapping[str, Metric]
    nodes: tuple[Node, ...]
    notes: tuple[str, ...] = ()
    types: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    constants: Mapping[str, Constant] = field(default_factory=dict)
    remarks: tuple[Note, ...] = ()

    def __repr__(self) -> str:
        levels = [sum(n.level == k for n in self.nodes) for k in sorted({n.level for n in self.nodes})]
        return f"Framework({self.name}: {' / '.join(map(str, levels))} nodes, {len(self.leaves)} leaves)"

    def __str__(self) -> str:
        """The whole framework to read: every node with its weight, below each leaf what its parts ask for.

        >>> from commlab.framework import load_framework
        >>> for line in str(load_framework("kunming_2018")).splitlines()[:2]:
        ...     print(line)
        kunming_2018 昆明市城乡社区治理创新考评体系（试行）
        Ⅰ-1 治理体系 25.00% (equal: none printed)
        """
        lines = [f"{self.name} {self.title.get('zh', '')}".strip()]
        for n in self.nodes:
            points = "" if n.points is None else f", {n.points:g} points"
            printed = "" if n.weight is not None else " (equal: none printed)" if n.parts == () else ""
            weight = f"{self.local_weights[n.code]:.2%}{points}{printed}"
            lines.append(f"{'  ' * (n.level - 1)}{n.code} {n.zh} {weight}")
            lines += ["  " * n.level + f"- {_sentence(p)}" for p in n.parts]
        return "\n".join(lines)

    @cached_property
    def _nodes(self) -> dict[str, Node]:
        return {n.code: n for n in self.nodes}

    @cached_property
    def _children(self) -> dict[str | None, tuple[str, ...]]:
        out: dict[str | None, list[str]] = {None: []}
        for n in self.nodes:
            out.setdefault(n.parent, []).append(n.code)
        return {k: tuple(v) for k, v in out.items()}

    @cached_property
    def _folded(self) -> dict[str, str]:
        return {fold(c): c for c in [TOTAL, *self._nodes]}

    @cached_property
    def leaves(self) -> tuple[str, ...]:
        """Codes of the leaves in printed order."""
        return tuple(n.code for n in self.nodes if n.code not in self._children)

    def code(self, text: str) -> str:
        """The code as printed, from any way of typing it.

        Raises
        ------
        ParameterError
            If no node has this code; near ones are named.
        """
        found = self._folded.get(fold(text))
        if found is None:
            near = difflib.get_close_matches(fold(text), self._folded, n=3, cutoff=0.5)
            hint = f"; did you mean {listing(self._folded[c] for c in near)}?" if near else ""
            raise ParameterError(f"framework {self.name} has no code {text!r}{hint}")
        return found

    def node(self, code: str) -> Node:
        """One node, by any spelling of its code."""
        found = self.code(code)
        if found == TOTAL:
            return Node(TOTAL, None, 0, 0, self.title.get("zh", self.name), self.title.get("en", self.name))
        return self._nodes[found]

    def children(self, code: str | None = None) -> tuple[str, ...]:
        """Codes below a node in printed order; ``None`` or ``total``: the top level. A leaf has none."""
        key = None if code is None else self.code(code)
        return self._children.get(None if key == TOTAL else key, ())

    def parts(self, code: str) -> tuple[Part, ...]:
        """The parts of a leaf; of a branch, none."""
        return self.node(code).parts

    def label(self, code: str, language: str = "zh") -> str:
        """Short name of a node; the Chinese one where there is no English."""
        n = self.node(code)
        return (n.en or n.zh) if language == "en" else n.zh

    def constant(self, key: str) -> Constant:
        """A figure of the document by its name; ParameterError, with near names, where there is none."""
        if key not in self.constants:
            near = difflib.get_close_matches(key, self.constants, n=3, cutoff=0.5)
            hint = f"did you mean {listing(near)}?" if near else f"it has {listing(self.constants) or 'none'}"
            raise ParameterError(f"framework {self.name} has no constant {key!r}; {hint}")
        return self.constants[key]

    def type_label(self, kind: str, language: str = "zh") -> str:
        """Label of a kind of units; the kind itself where the file has none."""
        known = self.types.get(kind, {})
        return known.get(language) or known.get("zh") or kind

    def leaves_of(self, code: str | None = None) -> tuple[str, ...]:
        """Leaves at or below a node in printed order."""
        if code is not None and self.code(code) in self.leaves:
            return (self.code(code),)
        return tuple(leaf for c in self.children(code) for leaf in self.leaves_of(c))

    def full(self, code: str = TOTAL) -> float:
        """Full score of a node: its points, those of what lies below, a single part's ``full``, or 100."""
        n = self.node(code)
        if n.points is not None:
            return n.points
        below = self.children(code)
        if below:
            pointed = [c for c in below if self._has_points(c)]
            return sum(self.full(c) for c in pointed) if pointed else FULL
        counted = [p for p in n.parts if p.rule not in ("bonus", "veto")]
        return counted[0].full if len(counted) == 1 else FULL

    def _has_points(self, code: str) -> bool:
        return self.node(code).points is not None or any(self._has_points(c) for c in self.children(code))

    @cached_property
    def local_weights(self) -> pd.Series:
        """Weight of each node among its siblings; equal where the group has none. Each group adds up to 1."""
        out = {}
        for group in self._children.values():
            given = [self._nodes[c].weight for c in group]
            for c, w in zip(group, given, strict=True):
                out[c] = 1 / len(group) if w is None else w
        return pd.Series({n.code: out[n.code] for n in self.nodes}, dtype="float64", name="weight")

    def global_weights(self) -> pd.Series:
        """Weight of each leaf in the whole.

        Returns
        -------
        Series, index: leaves in printed order
            Products of local weights; they sum to 1.
        """
        local = self.local_weights
        reach: dict[str | None, float] = {None: 1.0}
        for n in self.nodes:
            reach[n.code] = reach[n.parent] * local[n.code]
        out = pd.Series({c: reach[c] for c in self.leaves}, dtype="float64", name="weight")
        out.index.name = "code"
        return out

    def with_weights(self, local: pd.Series) -> Framework:
        """The same framework with other local weights.

        Parameters
        ----------
        local : Series, index: codes
            Weights >= 0 for *all* siblings of each group that it names; each group is normalised. Groups
            that it does not name keep theirs.

        Raises
        ------
        ParameterError
            If a code is unknown or repeated, a weight negative or missing, a group incomplete or all 0.
        """
        if not isinstance(local, pd.Series):
            raise ParameterError(f"weights must be a Series indexed by code, not {type(local).__name__}")
        codes = [self.code(str(c)) for c in local.index]
        doubled = sorted({c for c in codes if codes.count(c) > 1})
        if doubled:
            raise ParameterError(f"weights name {listing(doubled)} more than once")
        numbers = pd.to_numeric(local, errors="coerce").to_numpy(float)
        wrong = [c for c, w in zip(codes, numbers, strict=True) if not (np.isfinite(w) and w >= 0)]
        if wrong:
            raise ParameterError(f"weights must be numbers >= 0; not so for {listing(wrong)}")
        given = dict(zip(codes, numbers, strict=True))
        new: dict[str, float] = {}
        for parent, group in self._children.items():
            named = [c for c in group if c in given]
            if not named:
                continue
            lacking = [c for c in group if c not in given]
            if lacking:
                raise ParameterError(
                    f"weights below {parent or TOTAL} are incomplete: {listing(lacking)} have none"
                )
            total = sum(given[c] for c in group)
            if total <= 0:
                raise ParameterError(f"weights below {parent or TOTAL} are all 0")
            new |= {c: float(given[c] / total) for c in group}
        nodes = tuple(replace(n, weight=new.get(n.code, n.weight)) for n in self.nodes)
        return replace(self, nodes=nodes)

    def with_goalposts(self, posts: Mapping[str, tuple[float, float]]) -> Framework:
        """The same framework with counts scored between goalposts, where a study declares them.

        Parameters
        ----------
        posts : mapping of code, or code/part, to (low, high)
            The quantity as it is shown (per so many households) that scores 0, and the one that scores full marks; a
            low above the high means that less is better. The judgement of the same part becomes a check.

        Raises
        ------
        ParameterError
            If a part is unknown, is no count or concerns cared-for people, or both posts are the same.
        """
        given: dict[tuple[str, str], tuple[float, float]] = {}
        for name, (low, high) in posts.items():
            head, _, tail = str(name).partition("/")
            code = self.code(head)
            counts = [p for p in self.parts(code) if p.rule == "count" and tail in ("", p.part)]
            if len(counts) != 1:
                told = listing(f"{p.part} ({p.rule})" for p in self.parts(code)) or "no part"
                raise ParameterError(
                    f"goalposts of {name}: they belong to one part with the rule count, written {code}/part; it has {told}"
                )
            metric = self.metrics.get(str(counts[0].metric))
            if metric is not None and metric.sensitive:
                raise ParameterError(
                    f"goalposts of {name}: {metric.key} concerns cared-for people and is not scored"
                )
            if not (np.isfinite(low) and np.isfinite(high)) or low == high:
                raise ParameterError(
                    f"goalposts of {name}: low {low:g} and high {high:g} must be two different numbers"
                )
            given[code, counts[0].part] = (float(low), float(high))

        def posted(part: Part) -> Part:
            ends = given.get((part.code, part.part))
            if ends is None:
                return part
            return replace(
                part, params=Frozen({**part.params, "low": ends[0], "high": ends[1]}), official=False
            )

        nodes = tuple(replace(n, parts=tuple(posted(p) for p in n.parts)) for n in self.nodes)
        return replace(self, nodes=nodes) if given else self

    @property
    def table(self) -> pd.DataFrame:
        """A row per node: code, order, parent, level, label_zh, label_en, methods, rule, direction, unit,
        measured_at, weight, official. A leaf's rule is its first part's; branches have none."""
        rows = []
        for n in self.nodes:
            first = n.parts[0] if n.parts else None
            rows.append(
                {
                    "code": n.code,
                    "order": n.order,
                    "parent": n.parent,
                    "level": n.level,
                    "label_zh": n.zh,
                    "label_en": n.en or n.zh,
                    "methods": n.methods,
                    "rule": first.rule if first else None,
                    "direction": first.direction if first else None,
                    "unit": first.unit if first else None,
                    "measured_at": first.measured_at if first else None,
                    "weight": n.weight,
                    "official": any(p.official for p in n.parts),
                }
            )
        out = pd.DataFrame(rows)
        texts = ["code", "parent", "label_zh", "label_en", "rule", "unit", "measured_at"]
        return out.astype({**dict.fromkeys(texts, "str"), "direction": "Int64", "weight": "float64"})

    @property
    def part_table(self) -> pd.DataFrame:
        """Every part in words: code, part, rule, its keys, type, share, levels, roll-up, official, soft."""
        rows = [
            {
                "code": p.code,
                "label_zh": self._nodes[p.code].zh,
                "part": p.part,
                "rule": p.rule,
                "keys": "; ".join(f"{k}: {_told(v)}" for k, v in p.params.items()),
                "type": p.type,
                "share": p.share,
                "measured_at": p.measured_at,
                "scored_at": ", ".join(p.scored_at),
                "rollup": p.rollup,
                "methods": ", ".join(p.methods),
                "official": p.official,
                "soft": p.soft,
                "article": p.article,
            }
            for n in self.nodes
            for p in n.parts
        ]
        return pd.DataFrame(rows).astype({"type": "str"})


def _sentence(part: Part) -> str:
    """A part in one line: its rule with the keys, whom it concerns, where it is measured, who set it."""
    keys = {k: v for k, v in part.params.items() if k not in ("metric", "op", "target")}
    if part.op is not None:
        norm = f" {part.metric or ''} {part.op} {part.target}".replace("  ", " ")
    else:
        norm = f" {part.metric}" if part.metric else ""
        norm += f" {part.target}" if part.target is not None else ""
    told = [f"{part.part}: {part.rule}{norm}", *(f"{k} {_told(v)}" for k, v in keys.items())]
    told += [f"of type {part.type}"] if part.type else []
    told += [f"share {part.share:.0%}"] if part.share != 1 else []
    told.append(
        f"measured at {part.measured_at}, scored at {'/'.join(part.scored_at)}, rolled up by {part.rollup}"
    )
    told.append(
        ("soft, " if part.soft else "") + (f"printed {part.article}".strip() if part.official else "ours")
    )
    return "; ".join(told)


def _told(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(_told(v) for v in value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k}: {_told(v)}" for k, v in value.items()) + "}"
    return str(value)
