"""The metric dictionary of a framework, and the denominators that it makes possible."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from commlab.errors import listing
from commlab.framework.entries import Frozen, Metric
from commlab.framework.located import Faults, Map, shaped
from commlab.framework.rules import exact

__all__ = ["read_metrics", "sign", "with_denominator"]


def read_metrics(given: Any, faults: Faults) -> dict[str, Metric]:
    """The metric dictionary; a ratio must name its numerator and denominator, and both must be in it."""
    out: dict[str, Metric] = {}
    if given is None:
        return out
    for key, value in given.items():
        what = f"metric {key}"
        m = shaped(value, "metric", faults, what)
        items = {}
        for item, labels in m.get("items", {}).items():
            if not isinstance(labels, Mapping) or not set(labels) <= {"zh", "en"}:
                faults.add(m.lines["items"], f"{what}: item {item} needs zh and en, not {labels!r}")
            else:
                items[item] = Frozen(dict(labels))
        is_ratio = m.get("kind") == "ratio"
        if is_ratio and not ("numerator" in m and "denominator" in m):
            faults.add(m.line, f"{what} is a ratio: it must name its numerator and its denominator")
        if not is_ratio and "kind" in m and ("numerator" in m or "denominator" in m):
            faults.add(m.line, f"{what} is a {m['kind']}: only a ratio has numerator and denominator")
        for side in ("numerator", "denominator"):
            if side in m and m[side] not in given:
                faults.add(m.lines[side], f"{what}: its {side} {m[side]!r} is not among the metrics")
        known = {k: m[k] for k in ("zh", "en", "unit", "kind", "level", "numerator", "denominator") if k in m}
        out[key] = Metric(
            key=key,
            zh=known.pop("zh", key),
            **known,
            per=float(exact(m.get("per", 1))),
            sensitive=m.get("sensitive", False),
            direction=sign(m.get("direction", 1)),
            items=Frozen(items),
        )
    for metric in out.values():
        sides = [out[s] for s in (metric.numerator, metric.denominator) if s in out]
        if metric.kind == "ratio" and any(s.kind == "ratio" for s in sides):
            faults.add(
                given.lines[metric.key],
                f"metric {metric.key}: a ratio is made of stocks and flows, not of ratios",
            )
    return out


def sign(value: object) -> int:
    return -1 if value in (-1, "-") else 1


def with_denominator(given: Map, metrics: Mapping[str, Metric], what: str, faults: Faults) -> Map | None:
    """A rate that names no denominator takes that of the only ratio with its numerator; of two, none is guessed."""
    top = given.get("numerator")
    if top is None or given.get("denominator") is not None:
        return given
    possible = list(
        dict.fromkeys(m.denominator for m in metrics.values() if m.numerator == top and m.denominator)
    )
    if len(possible) > 1:
        faults.add(
            given.line,
            f"{what} (rate): {len(possible)} denominators of {top} are possible ({listing(possible)});"
            " declare one (denominator:)",
        )
        return None
    if len(possible) == 1:
        out = Map()
        out.line, out.lines = given.line, {**given.lines, "denominator": given.line}
        out.update({**given, "denominator": possible[0]})
        return out
    return given
