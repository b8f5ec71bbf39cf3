"""Lines of a framework as frozen records: a metric of the dictionary, a part with its rule, a node of the tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from commlab.errors import ParameterError, listing

__all__ = ["FULL", "Constant", "Frozen", "Metric", "Node", "Note", "Part"]

FULL = 100.0
"""Full score of a node where the sheet prints no points."""


class Frozen(Mapping[str, Any]):
    """A mapping that cannot be changed and, unlike ``MappingProxyType``, can be sent to another process."""

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

    @property
    def goalposts(self) -> tuple[float, float] | None:
        """What a count scores between, where a study declares it; a judgement scores otherwise."""
        return (
            (self.params["low"], self.params["high"])
            if self.rule == "count" and "high" in self.params
            else None
        )


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


@dataclass(frozen=True)
class Constant:
    """A figure that the document prints and no score rests on: a sum of money, a quota, a ratio.

    ``value`` is exact, or None where the figure differs ``by`` kind of unit.
    """

    key: str
    zh: str
    en: str = ""
    unit: str = ""
    value: Fraction | None = None
    by: Mapping[str, Fraction] = field(default_factory=dict)
    official: bool = False
    soft: bool = False
    document: str = ""
    article: str = ""

    def number(self, kind: str | None = None) -> float:
        """The figure, of a kind of unit where it differs by kind.

        Raises
        ------
        ParameterError
            If it differs by kind and none, or an unknown one, is named.
        """
        if self.value is not None:
            return float(self.value)
        if kind is None or kind not in self.by:
            raise ParameterError(
                f"constant {self.key} differs by kind ({listing(self.by)}); it has none for {kind!r}"
            )
        return float(self.by[kind])


@dataclass(frozen=True)
class Note:
    """A sentence that reports print in a chapter, and where it comes from."""

    chapter: str
    zh: str
    en: str = ""
    document: str = ""
    article: str = ""

    def text(self, language: str) -> str:
        return self.en or self.zh if language == "en" else self.zh
