"""What of a period's survey may be shown, and to whom: rules R0 to R7 applied to every result at once.

The city stage stores the results as they come out of here (k for the offices), so that no chapter, workbook, index or
notebook can print what is withheld. Decisions rest on unweighted counts, before any statistic (R0); all levels of the
tree city > district > community are decided together (R6); scores, changes, drivers and small areas are made from
these tables (R7). ``rule`` says why a figure is blank, ``bound`` that it is only a bound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from commlab.survey import protect
from commlab.tables import DONT_KNOW

__all__ = [
    "BREAKDOWNS",
    "decide",
    "shown_change",
    "shown_demographics",
    "shown_distribution",
    "shown_rates",
    "shown_satisfaction",
    "tally",
]

BREAKDOWNS = ("sex", "age_band", "education", "tenure", "hukou")
"""Groups of people that answers may be broken down by: for the city, or within districts (R6)."""
OF_COMMUNITIES = ("index", "satisfied")
"""What is shown of a community's survey, beside n."""
MERGED = "merged"
"""Mark of a distribution whose ends are counted together."""

_BOUNDED = ["se", "ci_low", "ci_high", "n_effective"]
_BLANK = ["estimate", *_BOUNDED, "df"]
_KEY = ["level", "unit", "item", "statistic"]


def ends(points: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Dissatisfied and satisfied answers of a scale 1 to ``points``: two on each side from four points on.

    >>> ends(5), ends(3)
    (((1, 2), (4, 5)), ((1,), (3,)))
    """
    wide = points >= 4
    return ((1, 2) if wide else (1,)), ((points - 1, points) if wide else (points,))


def tally(data: pd.DataFrame, items: Mapping[str, int], by: Sequence[str]) -> pd.DataFrame:
    """Respondents behind every satisfaction figure, unweighted.

    Returns
    -------
    DataFrame
        [by...], item, statistic (those of ``satisfaction``), points, n, yes (missing for mean and index), estimate
        (yes / n, or the unweighted level), and of each item its answers: their rows have the statistic ``option``.
    """
    code, groups = _groups(data, by)
    labels: list[tuple[str, str, int, int]] = []
    columns: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for item, points in items.items():
        answers = data[item].to_numpy(dtype=float, na_value=np.nan)
        counts = np.stack(
            [_count(code, answers == value, len(groups)) for value in range(1, points + 1)], axis=1
        )
        unsure = _count(code, answers == DONT_KNOW, len(groups))
        low, high = (counts[:, [c - 1 for c in codes]].sum(axis=1) for codes in ends(points))
        n = counts.sum(axis=1)
        blank, size = np.full(len(n), np.nan), np.maximum(n, 1)
        mean = counts @ np.arange(1, points + 1) / size
        parts = {
            "mean": (n, blank, mean),
            "index": (n, blank, 100 * (mean - 1) / (points - 1)),
            "satisfied": (n, high, high / size),
            "dissatisfied": (n, low, low / size),
            "net": (n, high - low, (high - low) / size),
            "dont_know": (n + unsure, unsure, unsure / np.maximum(n + unsure, 1)),
        }
        for statistic, found in parts.items():
            labels.append((item, statistic, 0, points))
            columns.append(found)
        for value in range(1, points + 1):
            labels.append((item, "option", value, points))
            columns.append((n, counts[:, value - 1], counts[:, value - 1] / size))
    g = len(groups)
    out = groups.iloc[np.tile(np.arange(g), len(labels))].reset_index(drop=True)
    told = pd.DataFrame(labels, columns=["item", "statistic", "option", "points"])
    told = told.astype({"item": "str", "statistic": "str"}).iloc[np.repeat(np.arange(len(labels)), g)]
    out = pd.concat([out, told.reset_index(drop=True)], axis=1)
    for k, name in enumerate(("n", "yes", "estimate")):
        out[name] = np.concatenate([c[k] for c in columns])
    return out


def _groups(data: pd.DataFrame, by: Sequence[str]) -> tuple[np.ndarray, pd.DataFrame]:
    if not by:
        return np.zeros(len(data), dtype=np.int64), pd.DataFrame(index=range(1))
    grouped = data.groupby(list(by), sort=True, dropna=True)
    code = grouped.ngroup().to_numpy()
    first = grouped.head(1).assign(_code=grouped.ngroup()).sort_values("_code")
    return np.where(pd.isna(code), -1, code).astype(np.int64), first[list(by)].reset_index(drop=True)


def _count(code: np.ndarray, mark: np.ndarray, size: int) -> np.ndarray:
    rows = mark & (code >= 0)
    return np.bincount(code[rows], minlength=size).astype(float)


def _tree(data: pd.DataFrame, items: Mapping[str, int], city: str, *, communities: bool) -> pd.DataFrame:
    """The tally of city, districts and, on demand, communities."""
    whole = tally(data, items, []).assign(level="city", unit=city)
    districts = tally(data, items, ["district"]).rename(columns={"district": "unit"}).assign(level="district")
    if not communities:
        out = pd.concat([whole, districts], ignore_index=True)
        return out[out["statistic"] != "option"]
    places = data[data["unit"] != data["district"]]  # a questionnaire may ask for the district only
    inside = tally(places, items, ["unit"]).assign(level="community")
    return pd.concat([whole, districts, inside], ignore_index=True)


def decide(
    data: pd.DataFrame,
    items: Mapping[str, int],
    *,
    k: int,
    city: str,
    district_of: Mapping[str, str],
    previous: pd.DataFrame | None = None,
    communities: bool = True,
) -> pd.DataFrame:
    """What the rules do to every figure of city, districts and communities.

    Parameters
    ----------
    data : DataFrame
        The answers behind the figures (``base_weights.weighted``).
    items : mapping
        Item -> points of its scale.
    communities : bool
        Whether communities, and single answers, are printed of these answers.
    previous : DataFrame, optional
        Decisions about a set of answers that differs by a few people (R5).

    Returns
    -------
    DataFrame
        level, unit, item, statistic, option (0, or an answer), rule, bound, floor (what a bound prints), n.
    """
    counts = _tree(data, items, city, communities=communities)
    above = {unit: city for unit in data["district"].unique()}
    if communities:
        above |= {unit: district_of[unit] for unit in data["unit"].unique() if unit != district_of[unit]}
    if previous is not None:
        rows = (previous["statistic"] != "option") & previous["n"].notna()
        previous = previous.loc[rows, ["level", "unit", "item", "n"]].assign(estimate=0.5, rule="")
    parts = []
    for points, group in counts.groupby("points", sort=False):
        answers = group[group["statistic"].isin(["option", "dont_know"])].rename(columns={"option": "answer"})
        printed = (group["level"] != "community") | group["statistic"].isin(OF_COMMUNITIES)
        decided, _ = protect(
            group[printed].drop(columns="points"), k=k, parent=above, previous=previous, points=int(points),
            counts=answers,
        )  # fmt: skip
        parts.append(decided)
    out = pd.concat(parts, ignore_index=True)
    out["floor"] = out["estimate"].where(out["bound"] != "")
    return out[["level", "unit", "item", "statistic", "option", "rule", "bound", "floor", "n"]]


def shown_satisfaction(
    frame: pd.DataFrame, decisions: pd.DataFrame, keys: Sequence[str] = tuple(_KEY)
) -> pd.DataFrame:
    """Satisfaction estimates with what may not be shown taken out; gains ``rule`` and ``bound``."""
    asked = decisions[decisions["statistic"] != "option"]
    known = frame[list(keys)].merge(asked[[*keys, "rule", "bound", "floor", "n"]], on=list(keys), how="left")
    out = frame.reset_index(drop=True).copy()
    out["rule"] = known["rule"].fillna("R1").astype("str")  # nobody counted is fewer than any k
    out["bound"] = known["bound"].fillna("").astype("str")
    gone, bounded = out["rule"] != "", out["bound"] != ""
    out["estimate"] = out["estimate"].mask(bounded, known["floor"])
    for names, where in ((_BOUNDED, bounded), (_BLANK, gone)):
        for name in names:
            out[name] = out[name].astype(float).mask(where)
    out["n"] = out["n"].astype(float).where(known["n"].notna())
    return out


def shown_distribution(
    frame: pd.DataFrame, decisions: pd.DataFrame, items: Mapping[str, int]
) -> pd.DataFrame:
    """Shares of the answers on the scale, and of "don't know" apart, as far as they may be shown.

    Where a single answer was given by too few, both ends of the scale are counted together: answers 1 and 2 in the
    row of 2, the upper two in the row of the lower of them; ``rule`` is then "merged" in the rows of the ends.

    Returns
    -------
    DataFrame
        level, unit, item, answer, share, rule, bound.
    """
    keys = decisions[["level", "unit", "item", "statistic", "option"]].itertuples(index=False, name=None)
    values = decisions[["rule", "bound", "floor", "n"]].itertuples(index=False, name=None)
    told = dict(zip(keys, values, strict=True))
    out = []
    for (level, unit, item), rows in frame.groupby(["level", "unit", "item"], sort=False):
        share = rows.set_index("answer")["share"]
        on_scale = share[share.index != DONT_KNOW]
        on_scale = on_scale / on_scale.sum() if on_scale.sum() > 0 else on_scale
        rule = dict.fromkeys(on_scale.index, "")
        bound = dict.fromkeys(share.index, "")
        satisfied, dissatisfied, unsure = (
            told[level, unit, item, statistic, 0] for statistic in ("satisfied", "dissatisfied", "dont_know")
        )
        options = [told[level, unit, item, "option", a] for a in range(1, items[item] + 1)]
        low, high = ends(items[item])
        hidden = {a for a, o in enumerate(options, 1) if o[0] or o[1]}
        if pd.isna(satisfied[3]):
            rule = dict.fromkeys(on_scale.index, satisfied[0])
        elif hidden:
            rule |= dict.fromkeys(hidden - {*low, *high}, "R3")
            if hidden & {*low, *high}:
                on_scale = on_scale.copy()
                for codes, row, side in ((low, low[-1], dissatisfied), (high, high[0], satisfied)):
                    on_scale[row] = on_scale[list(codes)].sum()
                    rule |= dict.fromkeys(codes, MERGED) | {row: "R3" if side[0] or side[1] else ""}
        shares = on_scale.mask(pd.Series(rule).reindex(on_scale.index) != "")
        if DONT_KNOW in share:
            rule[DONT_KNOW], bound[DONT_KNOW], floor, _ = unsure
            value = floor if bound[DONT_KNOW] else np.nan if rule[DONT_KNOW] else share[DONT_KNOW]
            shares = pd.concat([shares, pd.Series({DONT_KNOW: value})])
        part = pd.DataFrame({"answer": shares.index, "share": shares.to_numpy()})
        part["rule"] = [rule[a] for a in shares.index]
        part["bound"] = [bound[a] for a in shares.index]
        out.append(part.assign(level=level, unit=unit, item=item))
    columns = ["level", "unit", "item", "answer", "share", "rule", "bound"]
    return pd.concat(out, ignore_index=True)[columns] if out else pd.DataFrame(columns=columns)


def shown_change(
    frame: pd.DataFrame, hidden: pd.DataFrame, *, k: int, above: Mapping[str, str]
) -> pd.DataFrame:
    """Changes whose two figures are both shown (R4), and their complement."""
    rows = hidden[(hidden["statistic"] == "index") & (hidden["rule"] != "")]
    gone = rows[["level", "unit", "item", "rule"]].drop_duplicates()
    # "level" is a unit's here: protect takes it for one beside a statistic.
    out, _ = protect(frame.assign(statistic="index"), k=k, parent=above, previous=gone)
    return out.drop(columns=["statistic", "bound"])


def shown_demographics(frame: pd.DataFrame, *, k: int, city: str) -> pd.DataFrame:
    """Sample structure: groups of fewer than three are bounds, and what would tell them is blank."""
    asked = frame.groupby(["unit", "variable"])["n"].transform("sum")
    table = frame[["unit", "variable", "level"]].assign(estimate=frame["sample"], count=frame["n"], n=asked)
    above = {unit: city for unit in frame["unit"].unique() if unit != city}
    told, _ = protect(table, k=k, parent=above)
    out = frame.reset_index(drop=True).copy()
    out["rule"], out["bound"] = told["rule"], told["bound"]
    hidden = (out["rule"] != "") | (out["bound"] != "")
    out["n"] = out["n"].astype(float).mask(hidden)
    out["weighted"] = out["weighted"].mask(hidden)
    out["sample"] = told["estimate"].where(out["rule"] == "")
    return out


def shown_rates(frame: pd.DataFrame, *, k: int, city: str) -> pd.DataFrame:
    """Questionnaires issued, returned, valid: where fewer than k are valid, only what was issued is shown."""
    above = {unit: city for unit in frame["unit"] if unit != city}
    told, _ = protect(frame[["unit"]].assign(n=frame["valid"]), k=k, parent=above)
    out = frame.reset_index(drop=True).copy()
    out["rule"] = told["rule"]
    counts = ["returned", "valid", *(c for c in out if c.startswith("flag_"))]
    out[counts] = out[counts].astype(float).mask(out["rule"] != "", axis=0)
    return out
