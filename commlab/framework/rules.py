"""The shape of a framework file: which keys a mapping takes, of which kind, and what each rule asks for.

The thirteen rules and their keys are data (``RULES``); the loader checks files against them and scoring reads
the same keys. Numbers stay exact: ``target: 2/3`` is two thirds, ``target: 0.03`` is three hundredths.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any

from commlab.tables import LEVELS, METHODS

__all__ = ["KINDS", "ROLLUPS", "RULES", "SHAPES", "Rule", "exact"]

ROLLUPS = ("mean", "ratio_of_sums", "share_meeting", "inherit", "worst")
OPERATORS = (">=", ">", "<=", "<", "==")
STOCK_KINDS = ("stock", "flow", "ratio")


def exact(value: object) -> Fraction:
    """The number as it is printed, as a fraction: text ``2/3``, or the shortest decimal of a float.

    >>> exact("2/3") == Fraction(2, 3), exact(0.03) == Fraction(3, 100)
    (True, True)

    Raises
    ------
    ValueError
        If the value is not a finite number.
    """
    if isinstance(value, bool):
        raise ValueError(f"{value!r} is not a number")
    if isinstance(value, Fraction | int):
        return Fraction(value)
    try:
        return Fraction(value if isinstance(value, str) else repr(float(value)))  # type: ignore[arg-type]
    except (ValueError, TypeError, ZeroDivisionError, OverflowError):
        raise ValueError(f"{value!r} is not a finite number") from None


def _is_number(value: object) -> bool:
    try:
        exact(value)
    except ValueError:
        return False
    return not isinstance(value, str) or "/" in value


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, str) and v for v in value)


def _one_of(*words: str) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and value in words


def _list_of(*words: str) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list) and bool(value) and all(v in words for v in value)


KINDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "text": (lambda v: isinstance(v, str) and bool(v.strip()), "text (put it in quotes)"),
    "number": (_is_number, "a number, or a fraction such as 2/3"),
    "positive": (lambda v: _is_number(v) and exact(v) > 0, "a number above 0"),
    "whole": (lambda v: isinstance(v, int) and not isinstance(v, bool) and v >= 1, "a whole number from 1"),
    "flag": (lambda v: isinstance(v, bool), "true or false"),
    "texts": (_is_texts, "a list of texts"),
    "mapping": (lambda v: isinstance(v, dict), "a mapping"),
    "list": (lambda v: isinstance(v, list), "a list"),
    "date": (lambda v: isinstance(v, str | date | int) and not isinstance(v, bool), "a date"),
    "op": (_one_of(*OPERATORS), f"one of {' '.join(OPERATORS)}"),
    "level": (_one_of(*LEVELS), f"one of {', '.join(LEVELS)}"),
    "levels": (_list_of(*LEVELS), f"a list of {', '.join(LEVELS)}"),
    "methods": (_list_of(*METHODS), f"a list of {', '.join(METHODS)}"),
    "rollup": (_one_of(*ROLLUPS), f"one of {', '.join(ROLLUPS)}"),
    "kind": (_one_of(*STOCK_KINDS), f"one of {', '.join(STOCK_KINDS)}"),
    "direction": (lambda v: v in (1, -1, "+", "-") and not isinstance(v, bool), 'one of 1, -1, "+", "-"'),
    "value_statistic": (_one_of("value", "mean"), "value or mean"),
    "survey_statistic": (_one_of("index", "satisfied", "mean"), "index, satisfied or mean"),
    "survey_denominator": (_one_of("substantive", "all"), "substantive or all"),
    "closed": (_one_of("left", "right", "both"), "left, right or both"),
    "sets": (
        lambda v: _is_number(v) or (isinstance(v, str) and bool(v.strip())),
        "a score or the code of a node",
    ),
    "labels": (
        lambda v: (
            isinstance(v, dict)
            and all(isinstance(t, str) and t for t in v.values())
            and set(v) <= {"zh", "en"}
        ),
        "a mapping of zh and en to texts",
    ),
}


@dataclass(frozen=True)
class Rule:
    """What a rule asks for: ``required`` and ``optional`` keys by kind, ``either`` (exactly one of these)."""

    required: Mapping[str, str] = field(default_factory=dict)
    optional: Mapping[str, str] = field(default_factory=dict)
    either: tuple[str, ...] = ()
    shared: bool = True
    """False: the part takes no share of its leaf (a bonus is added on top, a veto overrules)."""

    @property
    def keys(self) -> dict[str, str]:
        return {**self.required, **self.optional}


_NORM = {"op": "op", "target": "number"}

RULES: dict[str, Rule] = {
    "judged": Rule(),
    "threshold": Rule({"metric": "text", **_NORM}, {"statistic": "value_statistic", "graded": "flag"}),
    "range": Rule({"metric": "text", "low": "number", "high": "number"}),
    "growth": Rule({"metric": "text", "target": "number"}, {"periods": "whole", "graded": "flag"}),
    "rate": Rule({"numerator": "text", "denominator": "text", **_NORM}, {"graded": "flag"}),
    "yes_no": Rule({"metric": "text"}),
    "checklist": Rule(
        {},
        {"items": "texts", "metric": "text", "of": "whole", "op": "op", "target": "number", "graded": "flag"},
        either=("items", "metric"),
    ),
    "count": Rule({"metric": "text"}, {"per": "positive", "base": "text", "also": "texts"}),
    "deduction": Rule({"full": "positive", "items": "list"}, {"floor": "number", "metric": "text"}),
    "bonus": Rule({"metric": "text", "per": "positive"}, {"cap": "positive"}, shared=False),
    "bands": Rule({"metric": "text", "bands": "list"}, {"full": "positive"}),
    "survey": Rule(
        {"items": "texts"},
        {"statistic": "survey_statistic", "denominator": "survey_denominator", "min_n": "whole"},
    ),
    "veto": Rule({"metric": "text"}, {"sets": "sets"}, shared=False),
}
"""Rule -> the keys that it takes."""

PART = {
    "part": "text",
    "rule": "text",
    "zh": "text",
    "en": "text",
    "type": "text",
    "share": "positive",
    "measured_at": "level",
    "scored_at": "levels",
    "rollup": "rollup",
    "official": "flag",
    "article": "text",
    "soft": "flag",
    "unit": "text",
    "direction": "direction",
    "methods": "methods",
}

SHAPES: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "framework": (
        {
            "name": "text",
            "title": "labels",
            "source": "mapping",
            "extends": "text",
            "types": "mapping",
            "constants": "mapping",
            "notes": "list",
            "metrics": "mapping",
            "nodes": "list",
        },
        ("name",),
    ),
    "labels": ({"zh": "text", "en": "text"}, ("zh",)),
    "constant": (
        {
            "zh": "text",
            "en": "text",
            "unit": "text",
            "value": "number",
            "by": "mapping",
            "official": "flag",
            "soft": "flag",
            "document": "text",
            "article": "text",
        },
        ("zh",),
    ),
    "note": (
        {"chapter": "text", "zh": "text", "en": "text", "document": "text", "article": "text"},
        ("chapter", "zh"),
    ),
    "source": ({"document": "text", "date": "date", "article": "text", "url": "text", "note": "text"}, ()),
    "metric": (
        {
            "zh": "text",
            "en": "text",
            "unit": "text",
            "kind": "kind",
            "level": "level",
            "numerator": "text",
            "denominator": "text",
            "per": "positive",
            "sensitive": "flag",
            "direction": "direction",
            "items": "mapping",
        },
        ("zh", "kind"),
    ),
    "node": (
        {
            "code": "text",
            "zh": "text",
            "en": "text",
            "parent": "text",
            "order": "number",
            "document": "text",
            "article": "text",
            "weight": "number",
            "points": "number",
            "methods": "methods",
            "parts": "list",
            "children": "list",
            "drop": "flag",
        },
        ("code",),
    ),
    "part": (PART, ("rule",)),
    "deduction item": (
        {"item": "text", "zh": "text", "en": "text", "per": "positive", "cap": "positive", "all": "flag"},
        ("item",),
    ),
    "band": (
        {"low": "number", "high": "number", "closed": "closed", "score": "number", "label": "text"},
        ("score",),
    ),
}
"""For each mapping of the file: its keys by kind, and those that it must have."""
