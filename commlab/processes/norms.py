"""Units against printed norms: what each lacks and by how much, what mending costs, who may rise.

Every number comes with the framework (rules, constants) or with the study (prices, tolerances): this module has none. A norm
in soft words gives advice and never a failure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.framework import Framework, Part, exact

__all__ = ["gap_list", "mean_norms", "mending_costs", "naming_order"]

NORMS = ("threshold", "range", "rate", "yes_no", "checklist")
"""Rules that a unit meets or not."""
GAPS = [
    "unit", "code", "part", "item", "rule", "soft", "official", "article", "value", "numerator", "denominator", "short",
    "state", "source",
]  # fmt: skip
_TURNED = {">=": 1, ">": 1, "<=": -1, "<": -1}


def gap_list(
    framework: Framework, evidence: pd.DataFrame, *, tolerance: Mapping[str, float] | None = None
) -> pd.DataFrame:
    """Hold every unit against every norm of the framework that it can meet on its own.

    Parameters
    ----------
    framework : Framework
    evidence : DataFrame
        The ``evidence`` of the units: unit, code, part, item, value, numerator, denominator, state, role, statistic, source.
    tolerance : mapping of "code/part" to share, optional
        How far a soft norm with one number reaches to both sides, as a share of that number ("about").

    Returns
    -------
    DataFrame
        A row a unit and norm, for checklists a row a point: unit, code, part, item, rule, soft, official, article, value,
        numerator, denominator, ``short`` (how much is lacking, in the unit of the metric; of a rate the whole number by which
        its numerator has to change; of points and of units below, how many do not meet it), ``state``: met, short, advice (a
        soft norm not met), missing, not_applicable; source.

    Raises
    ------
    ParameterError
        If a tolerance names no norm, one in hard words, or is no share.
    DataError
        If the evidence lacks columns.

    Notes
    -----
    (1) at least: short = target - value    (2) at most: short = value - target    (3) range: to its nearer end
    (4) rate: the smallest whole k with (numerator + k) / denominator meeting the norm exactly
    (5) about: met where |value - target| <= tolerance x target
    """
    needed = {"unit", "code", "part", "item", "value", "numerator", "denominator", "state", "role"}
    if lacking := sorted(needed - set(evidence)):
        raise DataError(f'the evidence lacks the columns {listing(lacking)}; give period.result("evidence")')
    parts = {(p.code, p.part): p for code in framework.leaves for p in framework.parts(code)}
    reach = _tolerances(parts, tolerance or {})
    wanted = evidence[evidence["role"].isin(["main", "item"])]
    rows = []
    for row in wanted.to_dict("records"):
        part = parts.get((row["code"], row["part"]))
        if part is None or part.rule not in NORMS or part.params.get("statistic") == "mean":
            continue
        if (part.rule == "checklist" and not part.metric) != (row["role"] == "item"):
            continue
        met, short = _held(part, row, reach.get((part.code, part.part)))
        state = "met" if met else "advice" if part.soft else "short"
        if row["state"] in ("missing", "not_applicable"):
            state = row["state"]
        rows.append(
            {
                **{key: row[key] for key in ("unit", "code", "part", "value", "numerator", "denominator")},
                "item": row["item"] if isinstance(row["item"], str) else "",
                "rule": part.rule,
                "soft": part.soft,
                "official": part.official,
                "article": part.article or framework.node(part.code).article,
                "short": float(short)
                if state in ("short", "advice")
                else 0.0
                if state == "met"
                else math.nan,
                "state": state,
                "source": row.get("source", ""),
            }
        )
    out = pd.DataFrame(rows, columns=GAPS)
    texts = ["unit", "code", "part", "item", "rule", "article", "state", "source"]
    numbers = ["value", "numerator", "denominator", "short"]
    flags = ["soft", "official"]
    return out.astype(
        {**dict.fromkeys(texts, "str"), **dict.fromkeys(numbers, "float64"), **dict.fromkeys(flags, "bool")}
    )


def _tolerances(
    parts: Mapping[tuple[str, str], Part], given: Mapping[str, float]
) -> dict[tuple[str, str], Fraction]:
    out = {}
    for name, share in given.items():
        code, _, part = str(name).partition("/")
        own = parts.get((code, part or "main"))
        if own is None or own.rule != "threshold" or not own.soft:
            soft = listing(f"{p.code}/{p.part}" for p in parts.values() if p.soft and p.rule == "threshold")
            raise ParameterError(
                f"tolerance {name}: only a norm with one number in soft words has a tolerance ({soft or 'none here'})"
            )
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share < 1:
            raise ParameterError(
                f"tolerance {name} must be a share of at least 0 and below 1, found {share!r}"
            )
        out[own.code, own.part] = exact(share)
    return out


def _held(part: Part, row: Mapping[str, object], reach: Fraction | None) -> tuple[bool, Fraction]:
    """Whether the norm is met, and how much is lacking."""
    value, top, bottom = (float(row[k]) for k in ("value", "numerator", "denominator"))  # type: ignore[arg-type]
    if not math.isfinite(value):
        return False, Fraction(0)
    if row.get("statistic") == "share_meeting" or part.rule == "checklist":
        short = exact(bottom) - exact(top)  # points, or units below, that do not meet it
    elif part.rule == "yes_no":
        short = Fraction(value <= 0)
    elif part.rule == "range":
        low, high = exact(part.params["low"]), exact(part.params["high"])
        short = max(low - exact(value), exact(value) - high, Fraction(0))  # (3)
    else:
        return _against(part, exact(value), top, bottom, reach)
    return short == 0, short


def _against(
    part: Part, value: Fraction, top: float, bottom: float, reach: Fraction | None
) -> tuple[bool, Fraction]:
    """A value, or a rate, against one number."""
    op, target = str(part.op), exact(part.target)
    if part.rule == "rate":
        whole = _whole(exact(top), exact(bottom) * target, op)
        return whole == 0, whole
    off = (target - value) * _TURNED.get(op, 1)  # (1), (2)
    if reach is not None or op == "==":
        return abs(off) <= (reach or 0) * target, abs(off)  # (5)
    return (off < 0 if op in (">", "<") else off <= 0), max(off, Fraction(0))


def _whole(top: Fraction, limit: Fraction, op: str) -> Fraction:
    """(4) whole steps of the numerator up to, or down to, the limit; past it where the limit itself is outside."""
    way = (limit - top) * _TURNED.get(op, 1)
    if op == "==":
        return abs(way)
    if op in (">", "<"):
        return Fraction(math.floor(way) + 1) if way >= 0 else Fraction(0)
    return Fraction(math.ceil(way)) if way > 0 else Fraction(0)


def mean_norms(framework: Framework, measures: pd.DataFrame, units: list[str]) -> pd.DataFrame:
    """Norms on the mean over units: the mean decides; the share of units that reach it stands beside it.

    Parameters
    ----------
    framework : Framework
    measures : DataFrame
        The clean table: unit, metric, value, state, as_of.
    units : list of str
        The units that the mean is over.

    Returns
    -------
    DataFrame
        code, part, metric, target, op, mean, n (units with a figure), of, reach (units that reach the number on their own),
        total, lacking (what the sum of all falls short of n x target), met, article. No row for a norm without figures.

    Raises
    ------
    DataError
        If the measures lack columns.
    """
    if lost := [c for c in ("unit", "metric", "value", "state", "as_of") if c not in measures]:
        raise DataError(f"the measures lack the columns {listing(lost)}")
    rows = []
    for code in framework.leaves:
        for part in framework.parts(code):
            if part.rule != "threshold" or part.params.get("statistic") != "mean":
                continue
            of = measures[(measures["metric"] == part.metric) & measures["unit"].isin(units)]
            of = of[of["state"] == "observed"].sort_values("as_of").drop_duplicates("unit", keep="last")
            if of.empty:
                continue
            values, target = [exact(v) for v in of["value"]], exact(part.target)
            total = sum(values, Fraction(0))
            way = _TURNED.get(str(part.op), 1)
            rows.append(
                {
                    "code": code,
                    "part": part.part,
                    "metric": part.metric,
                    "target": float(target),
                    "op": part.op,
                    "mean": float(total / len(values)),
                    "n": len(values),
                    "of": len(units),
                    "reach": sum((v - target) * way >= 0 for v in values),
                    "total": float(total),
                    "lacking": float(max((target * len(values) - total) * way, Fraction(0))),
                    "met": (total - target * len(values)) * way >= 0,
                    "article": part.article,
                }
            )
    return pd.DataFrame(
        rows,
        columns=["code", "part", "metric", "target", "op", "mean", "n", "of", "reach", "total", "lacking", "met", "article"],
    )  # fmt: skip


def mending_costs(gaps: pd.DataFrame, prices: Mapping[str, float]) -> pd.DataFrame:
    """What it costs to mend what is lacking, at given prices; what has no price stays unpriced and is never 0.

    Parameters
    ----------
    gaps : DataFrame
        From ``gap_list``.
    prices : mapping of "code/part" (of a point "code/part/item") to number
        Money for one unit of what is lacking. A price of a point goes before that of its list.

    Returns
    -------
    DataFrame
        The rows that are short or advised, with ``price`` and ``cost`` = short x price (missing where there is no price).

    Raises
    ------
    ParameterError
        If a price is negative or no number, or names nothing in the gap list.
    """
    wrong = [
        k
        for k, v in prices.items()
        if isinstance(v, bool) or not isinstance(v, int | float) or not (math.isfinite(v) and v >= 0)
    ]
    if wrong:
        raise ParameterError(f"prices must be numbers of at least 0; not so for {listing(wrong)}")
    norms = gaps["code"] + "/" + gaps["part"]
    lost = sorted(set(prices) - {*norms, *(norms + "/" + gaps["item"])})
    if lost and len(gaps):
        raise ParameterError(
            f"prices name {listing(lost)}, which is no norm or point; write code/part, or code/part/item"
        )
    out = gaps[gaps["state"].isin(["short", "advice"])].copy()
    keys = out["code"] + "/" + out["part"]
    of_point = (keys + "/" + out["item"]).map(prices).astype("float64")
    out["price"] = of_point.fillna(keys.map(prices).astype("float64"))
    out["cost"] = out["short"] * out["price"]
    return out.reset_index(drop=True)


def naming_order(
    gaps: pd.DataFrame,
    scores: pd.Series,
    places: Mapping[str, int],
    *,
    among: list[str] | None = None,
    wishes: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Who could be named at which level: only units that meet every hard norm, the best first, level after level.

    Parameters
    ----------
    gaps : DataFrame
        From ``gap_list``.
    scores : Series by unit
        Which of those that qualify are better.
    places : mapping of level to number, highest level first
        Who finds no place at a level is considered at the next.
    among : list of str, optional
        The units that may be named now, for instance those that hold the level below. Default: all.
    wishes : mapping of unit to level, optional
        The highest level a unit applies for. Default: the first.

    Returns
    -------
    DataFrame
        unit, score, lacking (hard norms not met), unknown (hard norms that cannot be judged), advice (soft ones not met),
        ready (neither lacking nor unknown), level (where it could be named; empty: nowhere), tied (its score is that of
        another at the last place of a level: both are left to people). Ready ones first, by score.

    Raises
    ------
    ParameterError
        If a number of places is negative, or a wish is no level.
    """
    for level, n in places.items():
        if isinstance(n, bool) or n != int(n) or n < 0:
            raise ParameterError(f"places of {level} must be a whole number of at least 0, found {n!r}")
    strange = sorted({w for w in (wishes or {}).values() if w not in places})
    if strange:
        raise ParameterError(f"wishes name {listing(strange)}; the levels are {listing(places)}")
    units = [u for u in dict.fromkeys([*scores.index, *gaps["unit"]]) if among is None or u in set(among)]
    hard = gaps[~gaps["soft"]]
    counted = {
        "lacking": hard[hard["state"] == "short"].groupby(["unit", "code", "part"]).size(),
        "unknown": hard[hard["state"] == "missing"].groupby(["unit", "code", "part"]).size(),
        "advice": gaps[gaps["state"] == "advice"].groupby(["unit", "code", "part"]).size(),
    }
    out = pd.DataFrame(
        {"unit": pd.Series(units, dtype="str"), "score": scores.reindex(units).to_numpy(float)}
    )
    for name, norms in counted.items():
        each = norms.groupby(level="unit").size() if len(norms) else pd.Series(dtype="int64")
        out[name] = out["unit"].map(each).fillna(0).astype("int64")
    judged = out["unit"].isin(set(gaps["unit"])) & out["score"].notna()
    out["ready"] = (out["lacking"] == 0) & (out["unknown"] == 0) & judged
    out = out.sort_values(["ready", "score"], ascending=False, kind="stable").reset_index(drop=True)
    out["level"], out["tied"] = pd.Series("", index=out.index, dtype="str"), False
    order = list(places)
    for at, level in enumerate(order):
        free = out["ready"] & (out["level"] == "") & ~out["tied"]
        if wishes is not None:
            wished = out["unit"].map(wishes).map(order.index, na_action="ignore")
            free &= wished.le(at).fillna(False)
        waiting = out.index[free]
        n = int(places[level])
        chosen = waiting[:n]
        if 0 < n < len(waiting) and out["score"][waiting[n - 1]] == out["score"][waiting[n]]:
            alike = waiting[out["score"][waiting] == out["score"][waiting[n]]]
            out.loc[alike, "tied"] = True
            chosen = chosen.difference(alike)
        out.loc[chosen, "level"] = level
    return out
