"""The framework as scoring, weights and reports see it: frozen nodes, parts and metrics, and tables of them.

A node is a branch or a leaf; a leaf has parts; a part has a rule. Local weights are those among siblings and
add up to 1; global weights are their products down to the leaves.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import ParameterError, listing

__all__ = ["TOTAL", "WEIGHT_TOLERANCE", "Framework", "Metric", "Node", "Part", "fold"]

TOTAL = "total"
"""Code of the whole."""
WEIGHT_TOLERANCE = 0.005
"""Printed weights are rounded: a sibling group may miss 1 by this much before it counts as an error."""
FULL = 100.0
"""Full score of a node where the sheet prints no points."""
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−－ー"), "-")


def fold(code: str) -> str:
    """A code reduced to what look-ups compare: NFKC, plain hyphens, no spaces, case folded.

    >>> fold("Ⅱ—4.1") == fold(" II-4.1 ")
    True
    """
    plain = unicodedata.normalize("NFKC", str(code).translate(_DASHES)).translate(_DASHES)
    return "".join(plain.split()).casefold()


class Frozen(Mapping[str, Any]):
    """A mapping that cannot be changed and can be pickled."""

    __slots__ = ("_data",)

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = dict(data)

    def __getitem__(self, key: str) -> Any:
        return self._data[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)

    def __repr__(self) -> str:
        return repr(self._data)


@dataclass(frozen=True)
class Metric:
    """One line of the metric dictionary: how a measured quantity is called, and how it adds up.

    A ``stock`` or ``flow`` adds over units; a ``ratio`` is rebuilt as numerator / denominator * per.
    """

    key: str
    zh: str
    en: str = ""
    unit: str = ""
    kind: str = "stock"
    level: str = "community"
    numerator: str = ""
    denominator: str = ""
    per: float = 1.0
    sensitive: bool = False
    direction: int = 1
    items: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """One rule of one leaf. ``params`` holds the rule's keys; ``share`` is the part's share in the leaf."""

    code: str
    part: str
    rule: str
    params: Mapping[str, Any] = field(default_factory=dict)
    share: float = 1.0
    type: str | None = None
    measured_at: str = "community"
    scored_at: tuple[str, ...] = ()
    rollup: str = "mean"
    methods: tuple[str, ...] = ()
    unit: str = ""
    direction: int = 1
    official: bool = False
    soft: bool = False
    article: str = ""
    zh: str = ""
    en: str = ""
    line: int = 0

    @property
    def metric(self) -> str | None:
        return self.params.get("metric")

    @property
    def items(self) -> tuple[Any, ...]:
        return tuple(self.params.get("items", ()))

    @property
    def op(self) -> str | None:
        return self.params.get("op")

    @property
    def target(self) -> Any:
        return self.params.get("target")

    @property
    def graded(self) -> bool:
        return bool(self.params.get("graded", False))

    @property
    def full(self) -> float:
        return float(self.params.get("full", FULL))


@dataclass(frozen=True)
class Node:
    """A branch or leaf. ``weight`` is local and normalised; None where the document prints none."""

    code: str
    parent: str | None
    order: int
    level: int
    zh: str
    en: str = ""
    weight: float | None = None
    points: float | None = None
    methods: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    document: str = ""
    article: str = ""
    line: int = 0


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
    """

    name: str
    title: Mapping[str, str]
    source: Mapping[str, str]
    metrics: Mapping[str, Metric]
    nodes: tuple[Node, ...]
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        levels = [sum(n.level == k for n in self.nodes) for k in sorted({n.level for n in self.nodes})]
        return f"Framework({self.name}: {' / '.join(map(str, levels))} nodes, {len(self.leaves)} leaves)"

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


def _told(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(_told(v) for v in value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k}: {_told(v)}" for k, v in value.items()) + "}"
    return str(value)
