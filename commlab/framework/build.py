"""Builds the tree from checked mappings: parents, weights, parts and defaults."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

from commlab.errors import listing
from commlab.framework.entries import FULL, Frozen, Metric, Node, Part
from commlab.framework.located import Faults, Map, check_keys, shaped
from commlab.framework.metrics import sign, with_denominator
from commlab.framework.model import WEIGHT_TOLERANCE, fold
from commlab.framework.rules import PART, RULES, exact
from commlab.tables import LEVELS

__all__ = ["NO_BASE", "build_nodes"]

NO_BASE = "none"
"""``base: none``: the count is shown as it is, not per households."""
_LEVELS_BELOW_CITY = tuple(level for level in LEVELS if level != "department")
_PEOPLE_RULES = ("judged", "count", "survey")
"""Rules whose evidence exists at every level: people are asked about the unit that is scored."""


def build_nodes(
    flat: Sequence[Map], metrics: Mapping[str, Metric], faults: Faults, notes: list[str]
) -> list[Node]:
    """Nodes in printed order. Orphans, cycles, wrong weights and leaves without parts are faults."""
    by_code = {fold(n["code"]): n for n in flat}
    children: dict[str | None, list[Map]] = {}
    for n in flat:
        parent = fold(n["parent"]) if "parent" in n else None
        if parent is not None and parent not in by_code:
            faults.add(n.line, f"node {n['code']} is an orphan: its parent {n['parent']!r} does not exist")
            continue
        children.setdefault(parent, []).append(n)
    for group in children.values():
        if any("order" in n for n in group):
            group.sort(key=lambda n: (0, exact(n["order"])) if "order" in n else (1, exact(0)))
    placed: list[tuple[Map, str | None, int]] = []

    def place(parent: str | None, code: str | None, level: int) -> None:
        for n in children.get(parent, []):
            placed.append((n, code, level))
            place(fold(n["code"]), n["code"], level + 1)

    place(None, None, 1)
    reached = {fold(n["code"]) for n, _, _ in placed}
    circle = [n for n in flat if fold(n["code"]) not in reached and fold(n.get("parent", "")) in by_code]
    circle = [n for n in circle if _turns(n, by_code)]
    if circle:
        faults.add(
            circle[0].line, f"nodes are their own ancestors (a cycle): {listing(n['code'] for n in circle)}"
        )
    weights, points = _weights(children, faults, notes)
    return [
        Node(
            code=n["code"],
            parent=code,
            order=order,
            level=level,
            zh=n.get("zh") or _nameless(n, faults),
            en=n.get("en", ""),
            weight=weights.get(fold(n["code"])),
            points=points.get(fold(n["code"])),
            methods=tuple(n.get("methods", ())),
            parts=_parts(n, bool(children.get(fold(n["code"]))), metrics, by_code, faults),
            document=n.get("document", ""),
            article=n.get("article", ""),
            line=n.line,
        )
        for order, (n, code, level) in enumerate(placed, start=1)
    ]


def _turns(node: Map, by_code: Mapping[str, Map]) -> bool:
    seen, code = set(), fold(node["code"])
    while code in by_code and code not in seen:
        seen.add(code)
        code = fold(by_code[code].get("parent", ""))
    return code == fold(node["code"])


def _nameless(node: Map, faults: Faults) -> str:
    if node.lines.get("zh") is None:
        faults.add(node.line, f"node {node['code']} has no label zh")
    return node["code"]


def _weights(
    children: Mapping[str | None, list[Map]], faults: Faults, notes: list[str]
) -> tuple[dict[str, float], dict[str, float]]:
    """Local weights, normalised within each sibling group, and the printed points."""
    weights: dict[str, float] = {}
    points: dict[str, float] = {}
    for parent, group in children.items():
        place = f"below {parent or 'the top'}"
        for key in ("weight", "points"):
            low = [n for n in group if key in n and exact(n[key]) < 0]
            for n in low:
                faults.add(n.lines[key], f"node {n['code']}: {key} {n[key]} is negative")
        weighted = [n for n in group if "weight" in n]
        pointed = [n for n in group if "points" in n]
        # A bonus or a veto stands outside the weights of its group.
        counted = [n for n in group if not _outside(n)]
        for key, given in (("weight", weighted), ("points", pointed)):
            lacking = [n["code"] for n in counted if n not in given]
            if given and lacking:
                faults.add(given[0].line, f"{place} some nodes have {key} and some none: {listing(lacking)}")
        if weighted and pointed:
            faults.add(weighted[0].line, f"{place} nodes have both weight and points; give one of them")
            continue
        key = "weight" if weighted else "points"
        given = weighted or pointed
        total = sum((exact(n[key]) for n in given), Fraction(0))
        if not given:
            if len(counted) < len(group):
                weights |= {fold(n["code"]): 0.0 if _outside(n) else 1 / len(counted) for n in group}
            continue
        if total <= 0:
            faults.add(
                given[0].line, f"{place} the {key} add up to {float(total):g}; at least one must be above 0"
            )
            continue
        if weighted and abs(total - 1) > exact(WEIGHT_TOLERANCE):
            faults.add(
                given[0].line,
                f"{place} the weights add up to {float(total):g}, not to 1 within {WEIGHT_TOLERANCE}: "
                + ", ".join(f"{n['code']} {n[key]}" for n in given),
            )
            continue
        if weighted and total != 1:
            notes.append(f"{place} the printed weights add up to {float(total):g} and were normalised")
        for n in group:
            weights[fold(n["code"])] = float(exact(n[key]) / total) if key in n and not _outside(n) else 0.0
            if key == "points" and key in n:
                points[fold(n["code"])] = float(exact(n[key]))
    return weights, points


def _outside(node: Map) -> bool:
    parts = [p for p in node.get("parts", []) if isinstance(p, dict)]
    return bool(parts) and all(
        isinstance(p.get("rule"), str) and p["rule"] in RULES and not RULES[p["rule"]].shared for p in parts
    )


def _parts(
    node: Map, branch: bool, metrics: Mapping[str, Metric], by_code: Mapping[str, Map], faults: Faults
) -> tuple[Part, ...]:
    given = node.get("parts")
    what = f"node {node['code']}"
    if branch:
        for key in ("parts", "methods"):
            if node.get(key):
                faults.add(node.lines[key], f"{what} has children: it cannot have {key}")
        return ()
    if not given:
        if node.lines.keys().isdisjoint(("children", "parts")) or given == []:
            faults.add(node.line, f"{what} is a leaf: it needs at least one part")
        return ()
    parts = [p for p in (_part(g, node, len(given) == 1, metrics, by_code, faults) for g in given) if p]
    names = [p.part for p in parts]
    for p in parts:
        if names.count(p.part) > 1:
            faults.add(p.line, f"{what} has more than one part called {p.part!r}")
    shares = _shares(parts, given, node, faults)
    return tuple(Part(**{**vars(p), "share": s}) for p, s in zip(parts, shares, strict=True))


def _shares(parts: list[Part], given: list[Any], node: Map, faults: Faults) -> list[float]:
    """Shares in the leaf; parts without one take what the others leave, in equal pieces."""
    told = [None if math.isnan(p.share) else p.share for p in parts]
    counted = [i for i, p in enumerate(parts) if RULES[p.rule].shared]
    named = sum(told[i] or 0 for i in counted)
    open_ = [i for i in counted if told[i] is None]
    left = 1 - named
    if (open_ and left < -WEIGHT_TOLERANCE) or (not open_ and counted and abs(left) > WEIGHT_TOLERANCE):
        faults.add(node.line, f"node {node['code']}: the shares of its parts add up to {named:g}, not to 1")
        return [0.0] * len(parts)
    if open_ and left <= 0:
        faults.add(
            node.line, f"node {node['code']}: the shares leave nothing for part {parts[open_[0]].part!r}"
        )
    whole = named if not open_ else 1.0
    out = [0.0] * len(parts)
    for i in counted:
        share = told[i]
        out[i] = left / len(open_) if share is None else share / whole
    return out


def _part(
    given: Any,
    node: Map,
    alone: bool,
    metrics: Mapping[str, Metric],
    by_code: Mapping[str, Map],
    faults: Faults,
) -> Part | None:
    name = given.get("part") if isinstance(given, Map) else None
    what = f"part {name} of {node['code']}" if name else f"a part of {node['code']}"
    if not isinstance(given, Map):
        faults.add(node.line, f"{what} is {given!r}, not a mapping")
        return None
    rule = given.get("rule")
    if not isinstance(rule, str) or rule not in RULES:
        faults.add(
            given.lines.get("rule", given.line), f"{what} has the rule {rule!r}; rules are {', '.join(RULES)}"
        )
        return None
    r = RULES[rule]
    before = len(faults.found)
    if rule == "rate":
        given = with_denominator(given, metrics, what, faults)
        if given is None:
            return None
    p = check_keys(given, {**PART, **r.keys}, ("rule", *r.required), faults, f"{what} ({rule})")
    if len([k for k in r.either if k in p]) != 1 and r.either:
        faults.add(given.line, f"{what} ({rule}) needs exactly one of {', '.join(r.either)}")
    if not alone and "part" not in p:
        faults.add(given.line, f"{what}: a leaf of several parts gives each a name (part:)")
    if rule == "survey" and p.get("statistic") == "satisfied" and "denominator" not in p:
        faults.add(
            given.lines.get("statistic", given.line),
            f"{what} (survey): a satisfied share has two denominators; declare one (denominator: substantive, of those"
            " who gave an opinion; all, with those who did not know)",
        )
    params = _params(p, r.keys, rule, what, by_code, faults)
    _known_metrics(p, rule, metrics, what, faults)
    if len(faults.found) > before:
        return None
    metric = metrics.get(p.get("metric", p.get("numerator", "")))
    measured = p.get("measured_at") or _measured_at(p, rule, metric, metrics, what, faults)
    return Part(
        code=node["code"],
        part=p.get("part", "main"),
        rule=rule,
        params=Frozen(params),
        share=float(exact(p["share"])) if "share" in p else math.nan,
        type=p.get("type"),
        measured_at=measured,
        scored_at=tuple(p.get("scored_at") or _scored_at(rule, measured)),
        rollup=p.get("rollup") or _rollup(rule, metric),
        methods=tuple(p.get("methods") or node.get("methods", ())),
        unit=p.get("unit") or (metric.unit if metric else ""),
        direction=_direction(p, rule, metric),
        official=p.get("official", False),
        soft=p.get("soft", False),
        article=p.get("article") or node.get("article", ""),
        zh=p.get("zh", ""),
        en=p.get("en", ""),
        line=given.line,
    )


def _measured_at(
    p: Map, rule: str, metric: Metric | None, metrics: Mapping[str, Metric], what: str, faults: Faults
) -> str:
    """The level of the metric, or of the metrics that a checklist lists."""
    if metric is None and rule == "checklist":
        named = (i.partition("/")[0] for i in p.get("items", []) if isinstance(i, str))
        levels = sorted({metrics[name].level for name in named if name in metrics})
        if len(levels) > 1:
            faults.add(
                p.lines["items"], f"{what}: the items are measured at {' and '.join(levels)}; say measured_at"
            )
        if levels:
            return levels[0]
    return metric.level if metric else "community"


def _scored_at(rule: str, measured: str) -> tuple[str, ...]:
    if rule in _PEOPLE_RULES:
        return _LEVELS_BELOW_CITY
    if measured == "department":
        return (measured,)
    return _LEVELS_BELOW_CITY[: _LEVELS_BELOW_CITY.index(measured) + 1]


def _rollup(rule: str, metric: Metric | None) -> str:
    if rule == "rate" or (metric is not None and metric.kind == "ratio"):
        return "ratio_of_sums"
    return "share_meeting" if rule == "yes_no" else "mean"


def _direction(p: Map, rule: str, metric: Metric | None) -> int:
    if "direction" in p:
        return sign(p["direction"])
    if rule in ("deduction", "veto"):
        return -1
    if "op" in p:
        down = p["op"] in ("<=", "<") or (p["op"] == "==" and exact(p.get("target", 1)) == 0)
        return -1 if down else 1
    return metric.direction if metric else 1


def _params(
    p: Map, keys: Mapping[str, str], rule: str, what: str, by_code: Mapping[str, Map], faults: Faults
) -> dict[str, Any]:
    out: dict[str, Any] = {k: p[k] for k in keys if k in p}
    if rule in ("deduction", "bands"):
        key, shape = ("items", "deduction item") if rule == "deduction" else ("bands", "band")
        entries = [shaped(e, shape, faults, f"{what}: {shape}", line=p.line) for e in p.get(key, [])]
        if key in p and not entries:
            faults.add(p.lines[key], f"{what}: {key} is empty")
        for e in entries:
            if rule == "deduction" and "item" in e and not (e.get("all") or "per" in e):
                faults.add(e.line, f"{what}: item {e['item']} needs per (points for each) or all: true")
        names = [e.get("item") for e in entries]
        if rule == "deduction" and len(set(names)) < len(names):
            faults.add(p.line, f"{what}: an item is listed twice")
        marks = [("score", e["score"], e.line) for e in entries if "score" in e]
        marks += [("floor", p["floor"], p.lines["floor"])] if "floor" in p else []
        for name, mark, line in marks:
            if not 0 <= exact(mark) <= exact(p.get("full", FULL)):
                faults.add(
                    line, f"{what}: {name} {mark} is not between 0 and full marks, {p.get('full', FULL):g}"
                )
        if rule == "bands":
            _ladder(entries, what, faults)
        out[key] = tuple(Frozen(dict(e)) for e in entries)
    elif isinstance(out.get("items"), list):
        out["items"] = tuple(out["items"])
    if "also" in out:
        out["also"] = tuple(out["also"])
    if rule == "range" and {"low", "high"} <= set(out) and exact(out["low"]) > exact(out["high"]):
        faults.add(p.line, f"{what}: low {out['low']} is above high {out['high']}")
    if rule == "checklist" and "metric" in out and "of" not in out:
        faults.add(p.line, f"{what}: a checklist by metric says of how many points (of:)")
    if rule == "checklist" and ("op" in out) != ("target" in out):
        faults.add(p.line, f"{what}: op and target go together")
    sets = out.get("sets", 0)
    if isinstance(sets, str) and "/" not in sets and fold(sets) not in {*by_code, "total"}:
        faults.add(p.lines["sets"], f"{what}: sets names {sets!r}, which is no node")
    elif (not isinstance(sets, str) or "/" in sets) and exact(sets) < 0:
        faults.add(p.lines["sets"], f"{what}: sets {sets} is negative")
    return out


def _ladder(bands: list[Map], what: str, faults: Faults) -> None:
    """Bands must not share a value: their ends are closed where they say so (default left)."""
    ends = [
        (
            exact(b["low"]) if "low" in b else -math.inf,
            exact(b["high"]) if "high" in b else math.inf,
            b.get("closed", "left"),
            b.line,
        )
        for b in bands
    ]
    for low, high, closed, line in ends:
        if low > high:
            faults.add(line, f"{what}: a band's low {float(low):g} is above its high {float(high):g}")
        elif low == high and closed != "both":
            faults.add(
                line, f"{what}: a band from {float(low):g} to {float(high):g} holds no value; close both ends"
            )
    ends.sort(key=lambda e: (e[0], e[1]))
    for (_, high, closed, _), (low, _, closed2, line) in pairwise(ends):
        both = closed in ("right", "both") and closed2 in ("left", "both")
        if low < high or (low == high and both):
            faults.add(line, f"{what}: two bands share {float(low):g}; say which end is closed")


def _known_metrics(p: Map, rule: str, metrics: Mapping[str, Metric], what: str, faults: Faults) -> None:
    """Metrics must be in the dictionary, where the file has one (a file without one names them freely)."""
    if not metrics:
        return
    keys = ("metric", "numerator", "denominator") if rule == "rate" else ("metric",)
    named = [(k, p[k]) for k in keys if isinstance(p.get(k), str)]
    if p.get("base", NO_BASE) != NO_BASE:
        named.append(("base", p["base"]))
    if rule in ("checklist", "deduction"):
        items = [i.get("item") if isinstance(i, Map) else i for i in p.get("items", [])]
        if rule == "checklist" or "metric" in p:
            prefix = f"{p['metric']}/" if rule == "deduction" else ""
            named += [("items", f"{prefix}{i}") for i in items if isinstance(i, str)]
    named += [("also", m) for m in p.get("also", [])]
    for key, name in named:
        metric, _, item = name.partition("/")
        if metric not in metrics:
            faults.add(p.lines[key], f"{what}: {key} names {name!r}, which is not among the metrics")
        elif item and metrics[metric].items and item not in metrics[metric].items:
            faults.add(p.lines[key], f"{what}: metric {metric} has no item {item!r}")
