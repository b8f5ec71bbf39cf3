"""Kinds of units by rules with evidence: which rule, which field, what it found; and the cases that a person has to settle.

Every rule gives points to one kind where one field (or a share of two) meets its line. A kind is clear only where it leads
whatever the missing fields turn out to be, and on whichever side of a line a value near it truly lies; all else is unsure.

>>> rules = read_kind_rules([
...     {"rule": "a", "kind": "old", "field": "built", "op": "<", "target": 1950, "points": 1, "near": 2},
...     {"rule": "b", "kind": "new", "field": "built", "op": ">=", "target": 1950, "points": 1, "near": 2}])
>>> facts = pd.DataFrame({"built": [1920.0, 1951.0, None]}, index=["x", "y", "z"])
>>> kinds_of(facts, rules).units[["unit", "kind", "state", "why"]].fillna("-").to_numpy().tolist()
[['x', 'old', 'clear', ''], ['y', '-', 'open', 'near'], ['z', '-', 'open', 'missing,few']]
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.framework.rules import exact

__all__ = ["STATES", "KindRule", "Kinds", "kinds_of", "peer_groups", "read_kind_rules"]

STATES = ("clear", "settled", "contradicted", "open")
"""Told by the rules alone; unsure and settled by a person; the rules are clear and say another kind than people do; unsure."""
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt, "==": operator.eq,
}  # fmt: skip
_KEYS = (
    "rule",
    "kind",
    "field",
    "numerator",
    "denominator",
    "op",
    "target",
    "points",
    "near",
    "zh",
    "en",
)


@dataclass(frozen=True)
class KindRule:
    """One rule: ``field`` (over ``per``, where it is a share) compared with ``target`` gives ``points`` to ``kind``.

    Values within ``near`` of the target, in the field's own unit, may lie on either side.
    """

    rule: str
    kind: str
    field: str
    per: str | None
    op: str
    target: Fraction
    points: Fraction
    near: Fraction
    labels: Mapping[str, str]

    @property
    def quantity(self) -> tuple[str, str | None]:
        return self.field, self.per

    def holds(self, value: Fraction) -> bool:
        return _OPERATORS[self.op](value, self.target)

    def close(self, value: Fraction) -> bool:
        return self.near > 0 and abs(value - self.target) <= self.near


@dataclass(frozen=True)
class Kinds:
    """``units`` has a row a unit, ``evidence`` a row a unit and rule (see :func:`kinds_of`)."""

    units: pd.DataFrame
    evidence: pd.DataFrame

    @property
    def unsure(self) -> pd.DataFrame:
        """What a person has to look at: open and contradicted units."""
        return self.units[self.units["state"].isin(["open", "contradicted"])].reset_index(drop=True)


def read_kind_rules(given: Sequence[Mapping[str, Any]]) -> tuple[KindRule, ...]:
    """Rules as study.yaml has them.

    Parameters
    ----------
    given : list of mappings
        ``rule`` (its name), ``kind``, ``field`` or ``numerator`` and ``denominator``, ``op``, ``target``, ``points`` (default 1),
        ``near`` (default 0), ``zh``, ``en``.

    Raises
    ------
    ParameterError
        With all faults: unknown keys, no name, names used twice, an operator that is none, numbers that are none.
    """
    faults: list[str] = []
    out: list[KindRule] = []
    for number, entry in enumerate(given, 1):
        if not isinstance(entry, Mapping):
            faults.append(f"rule {number} is {entry!r}; it must be a mapping")
            continue
        name = str(entry.get("rule") or f"number {number}")
        faults += [
            f"rule {name}: unknown key {k!r}; known: {', '.join(_KEYS)}" for k in entry if k not in _KEYS
        ]
        if ("field" in entry) == ("numerator" in entry and "denominator" in entry):
            faults.append(f"rule {name}: needs field, or numerator and denominator")
        if not entry.get("kind") or "rule" not in entry:
            faults.append(f"rule {name}: needs rule (its name) and kind")
        if entry.get("op") not in _OPERATORS:
            faults.append(f"rule {name}: op is one of {' '.join(_OPERATORS)}, found {entry.get('op')!r}")
        numbers: dict[str, Fraction] = {}
        for key, usual in (("target", None), ("points", 1), ("near", 0)):
            try:
                numbers[key] = exact(entry.get(key, usual))
            except ValueError:
                faults.append(f"rule {name}: {key} must be a number, found {entry.get(key)!r}")
        if numbers.get("points", Fraction(1)) <= 0 or numbers.get("near", Fraction(0)) < 0:
            faults.append(f"rule {name}: points must be above 0 and near at least 0")
        if any(r.rule == name for r in out):
            faults.append(f"rule {name}: the name is used twice")
        if not faults:
            labels = {k: str(entry.get(k) or entry.get("zh") or name) for k in ("zh", "en")}
            field = str(entry.get("field") or entry["numerator"])
            per = None if "field" in entry else str(entry["denominator"])
            out.append(
                KindRule(name, str(entry["kind"]), field, per, str(entry["op"]), labels=labels, **numbers)
            )
    if not given:
        faults.append("no rule is given")
    if faults:
        raise ParameterError("rules of kinds: " + "; ".join(faults))
    return tuple(out)


def kinds_of(
    facts: pd.DataFrame,
    rules: Sequence[KindRule],
    *,
    margin: float | Fraction = 1,
    least: float | Fraction = 1,
    otherwise: str | None = None,
    known: pd.Series | None = None,
) -> Kinds:
    """Tell every unit's kind by rules, with the evidence, and say where they cannot tell.

    Parameters
    ----------
    facts : DataFrame, units x fields
        Numbers; missing where nobody knows. The index names the units.
    rules : sequence of KindRule
        Their order is the order of kinds where points are equal.
    margin : number
        Points by which the leading kind must lead every other one.
    least : number
        Points that the leading kind must have itself, in the worst case too.
    otherwise : str, optional
        The kind of units that meet no rule: it holds half the points of the smallest rule, and needs no more.
    known : Series by unit, optional
        What people hold a unit to be; it settles unsure cases, and is shown where clear rules say another kind.

    Returns
    -------
    Kinds
        ``units``: unit, kind (missing while open), told (what the rules say, sure or not; missing where none is met), points,
        second, lead (points before the second), surely (lead in the worst case), known, state (``STATES``), why (``missing``,
        ``near``, ``close``, ``few``, comma-separated; empty where clear), fields (that are missing or near), rules (of the kind told, that are met).
        ``evidence``: unit, rule, kind, field, per, value, op, target, met (``yes no near missing``), points.

    Raises
    ------
    DataError
        If a field is no column, a value is infinite, or a unit stands twice.
    ParameterError
        If there are no rules, or ``margin`` or ``least`` is below 0.

    Notes
    -----
    (1) points_k = sum of the points of the rules of kind k that hold
    (2) surely = min over the other kinds j of sum over fields q of min over v in V_q of (points_k - points_j)(v), where V_q
    holds the observed value; all values of the field where it is missing; both sides of a line that it is near.
    Fields are taken as independent, so (2) errs on the side of asking a person.
    """
    if not rules or margin < 0 or least < 0:
        raise ParameterError("kinds need at least one rule, and a margin and least points of at least 0")
    lacking = sorted({f for r in rules for f in r.quantity if f and f not in facts})
    if lacking:
        raise DataError(f"rules of kinds ask for fields that are no columns: {listing(lacking)}")
    twice = facts.index[facts.index.duplicated()]
    if len(twice):
        raise DataError(f"facts have {listing(twice.unique())} more than once; give a row a unit")
    order = list(dict.fromkeys([*(r.kind for r in rules), *([otherwise] if otherwise else [])]))
    constant = {otherwise: min(r.points for r in rules) / 2} if otherwise else {}
    values = {q: _values(facts, *q) for q in dict.fromkeys(r.quantity for r in rules)}
    told = pd.Series(index=facts.index, dtype="str") if known is None else known.reindex(facts.index)
    units, evidence = [], []
    for place, unit in enumerate(facts.index):
        own = {q: v[place] for q, v in values.items()}
        row, lines = _one(rules, own, order, constant, exact(margin), exact(least))
        says = told.iloc[place]
        says = None if pd.isna(says) or not str(says) else str(says)
        units.append({"unit": str(unit), **row, "known": says, **_state(row, says)})
        evidence += [{"unit": str(unit), **line} for line in lines]
    columns = [
        "unit",
        "kind",
        "told",
        "points",
        "second",
        "lead",
        "surely",
        "known",
        "state",
        "why",
        "fields",
        "rules",
    ]
    texts = ["unit", "kind", "told", "second", "known", "state", "why", "fields", "rules"]
    lines_of = ["unit", "rule", "kind", "field", "per", "value", "op", "target", "met", "points"]
    return Kinds(
        pd.DataFrame(units, columns=columns).astype(dict.fromkeys(texts, "str")),
        pd.DataFrame(evidence, columns=lines_of).astype(dict.fromkeys(["unit", "per"], "str")),
    )


def peer_groups(kinds: pd.Series, finer: pd.Series, *, least: int) -> pd.Series:
    """Peer groups of two dimensions: a kind is split by ``finer`` only where every part has at least ``least`` units.

    Parameters
    ----------
    kinds, finer : Series by unit
        Missing kinds have no group; a unit without a finer class keeps its kind whole.
    least : int
        Units of the smallest group.

    Returns
    -------
    Series by unit
        ``kind`` or ``kind/class``.

    >>> peer_groups(pd.Series(list("aaaabb")), pd.Series(list("xxyyxy")), least=2).tolist()
    ['a/x', 'a/x', 'a/y', 'a/y', 'b', 'b']
    """
    if least < 1:
        raise ParameterError(f"least must be at least 1, found {least}")
    finer = finer.reindex(kinds.index)
    parts = (kinds + "/" + finer).groupby(kinds)
    smallest = parts.transform(lambda p: p.value_counts().min() if p.notna().all() else 0)
    return kinds.where((smallest < least).fillna(True).astype(bool), kinds + "/" + finer).astype("str")


def _values(facts: pd.DataFrame, field: str, per: str | None) -> list[Fraction | None]:
    """Exact values of a field or share; None where it is missing, or a share of nothing."""

    def read(column: str) -> list[Fraction | None]:
        numbers = pd.to_numeric(facts[column]).to_numpy(dtype="float64", na_value=math.nan)
        endless = facts.index[[math.isinf(v) for v in numbers]]
        if len(endless):
            raise DataError(f'field "{column}" is infinite for {listing(endless)}; mend the value')
        return [None if math.isnan(v) else exact(v) for v in map(float, numbers)]

    above = read(field)
    if per is None:
        return above
    return [a / b if a is not None and b else None for a, b in zip(above, read(per), strict=True)]


def _possible(rules: Sequence[KindRule], value: Fraction | None) -> list[Fraction]:
    """Values that tell apart all that the true value of a field may do: at, between and beyond the lines."""
    lines = sorted({r.target for r in rules})
    if value is not None:
        lines = sorted({r.target for r in rules if r.close(value)})
        if not lines:
            return [value]
    known = sorted({r.target for r in rules})
    around = [known[0] - 1, *[(a + b) / 2 for a, b in pairwise(known)], known[-1] + 1]
    out = [] if value is None else [value]
    for i, line in enumerate(known):
        if line in lines:
            out += [around[i], line, around[i + 1]]
    return out


def _one(
    rules: Sequence[KindRule],
    values: Mapping[tuple[str, str | None], Fraction | None],
    order: Sequence[str],
    constant: Mapping[str, Fraction],
    margin: Fraction,
    least: Fraction,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What the rules say of one unit, and line by line why."""
    lines: list[dict[str, Any]] = []
    won = dict.fromkeys(order, Fraction(0)) | dict(constant)
    doubtful: dict[str, str] = {}
    for r in rules:
        value = values[r.quantity]
        if value is None:
            met = "missing"
        else:
            met = "near" if r.close(value) else "yes" if r.holds(value) else "no"
        gained = r.points if value is not None and r.holds(value) else Fraction(0)
        won[r.kind] += gained  # (1)
        if met in ("near", "missing"):
            doubtful.setdefault(r.field if r.per is None else f"{r.field}/{r.per}", met)
        lines.append({
            "rule": r.rule, "kind": r.kind, "field": r.field, "per": r.per, "value": math.nan if value is None else float(value),
            "op": r.op, "target": float(r.target), "met": met, "points": float(gained),
        })  # fmt: skip
    ranked = sorted(order, key=lambda k: (-won[k], order.index(k)))
    first, others = ranked[0], ranked[1:]
    by_field: dict[tuple[str, str | None], list[KindRule]] = {}
    for r in rules:
        by_field.setdefault(r.quantity, []).append(r)

    def worst(other: str | None) -> Fraction:  # (2); without another kind, the leader's own points
        sure = constant.get(first, Fraction(0)) - constant.get(other or "", Fraction(0))
        for quantity, own in by_field.items():
            sure += min(
                sum((r.points for r in own if r.kind == first and r.holds(v)), Fraction(0))
                - sum((r.points for r in own if r.kind == other and r.holds(v)), Fraction(0))
                for v in _possible(own, values[quantity])
            )
        return sure

    def enough(by: Fraction, other: str) -> bool:
        return by >= margin and (by > 0 or order.index(first) < order.index(other))

    leads = {k: worst(k) for k in others}
    needed = Fraction(0) if first in constant else least
    clear = worst(None) >= needed and won[first] > 0 and all(enough(by, k) for k, by in leads.items())
    observed = won[first] - won[others[0]] if others else won[first]
    why = [] if clear else [w for w in ("missing", "near") if w in doubtful.values()]
    if not clear and (won[first] < needed or not won[first]):
        why.append("few")
    elif not clear and not all(enough(won[first] - won[k], k) for k in others):
        why.append("close")
    return {
        "told": first if won[first] > 0 else None,
        "points": float(won[first]),
        "second": others[0] if others and won[others[0]] > 0 else None,
        "lead": float(observed),
        "surely": float(min(leads.values(), default=won[first])),
        "clear": clear,
        "why": ",".join(why),
        "fields": ", ".join(doubtful),
        "rules": ", ".join(
            str(line["rule"]) for line in lines if line["points"] > 0 and line["kind"] == first
        ),
    }, lines


def _state(row: Mapping[str, Any], known: str | None) -> dict[str, Any]:
    if row["clear"]:
        agreed = known is None or known == row["told"]
        return {"kind": row["told"] if agreed else known, "state": "clear" if agreed else "contradicted"}
    return {"kind": known, "state": "open" if known is None else "settled"}
