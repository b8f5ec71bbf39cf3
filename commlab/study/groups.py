"""Satisfaction by groups, computed when it is asked for: of people (sex, age ...), and of places (street, type).

What city, districts and communities print is decided already and stays as it is; groups withhold so much that nothing of
that is told:

people   for the city or within districts; a district or a group of which anything is withheld is not broken down, and
         both totals count as known
places   streets and types are decided in one table with city, districts and communities: all are sums of communities, by
         place and by type. Types within districts are not shown: beside the communities hardly any would be left
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from commlab.errors import ParameterError, listing
from commlab.study.estimates import weighted
from commlab.study.shown import BREAKDOWNS, OF_COMMUNITIES, ends, shown_satisfaction, tally
from commlab.survey import SurveyDesign, protect, satisfaction

if TYPE_CHECKING:
    from commlab.study.period import Period

__all__ = ["answers_of", "grouped", "people", "place_decisions", "which"]

LEVELS = ("district", "community")
PLACES = ("street", "type")


def which(
    by: object, answers: Callable[[], pd.DataFrame], weighting: str = "design"
) -> tuple[list[str], str]:
    """The columns that are asked for, and the level where each of its units is printed.

    >>> def answers(): return pd.DataFrame({"sex": ["male"], "type": ["urban"]})
    >>> which("sex", answers), which(None, answers), which(["sex", "district"], answers)
    ((['sex'], ''), ([], 'city'), (['sex', 'district'], ''))

    Raises
    ------
    ParameterError
        If these groups, or this weighting of them, are not shown; the message names those that are.
    """
    wanted = [] if by is None else [by] if isinstance(by, str) else by
    names = [str(n) for n in wanted] if isinstance(wanted, (list, tuple)) else [repr(by)]
    names = ["community" if n == "unit" else n for n in names]
    level = "city" if not names else names[0] if len(names) == 1 and names[0] in LEVELS else ""
    if not level:
        data = answers()
        known = [c for c in (*PLACES, *BREAKDOWNS) if c in data and data[c].notna().any()]
        within = [n for n in known if n not in PLACES]
        pair = len(names) == 2 and "district" in names and bool({*names} & {*within})
        if not pair and (len(names) > 1 or names[0] not in known):
            raise ParameterError(
                f"satisfaction is shown by None (the city), {', '.join((*LEVELS, *known))}"
                + (f', and ["district", ...] with {" or ".join(within)}' if within else "")
                + f"; not by {listing(names)}: a finer crossing could tell a person; "
                "take period.design for your own eyes"
            )
    weightings = ("design", "raked", "all") if level in ("city", "district") else ("design",)
    if weighting not in weightings:
        raise ParameterError(
            f"weighting {weighting!r} is not known by {level or listing(names)}; known: {', '.join(weightings)}"
        )
    return names, level


def answers_of(period: Period) -> pd.DataFrame:
    """Valid answers of the districts that can be reported, with their places and design."""
    register = period.study.register
    inside = {u: d for u, d in register.district_of.items() if d in {*period.districts}}
    frame = register.frame_of(period.name)
    data = weighted(period.responses, frame[frame["unit"].isin(inside)], inside)
    places = {name: data["unit"].map(of).astype("str") for name, of in register.places.items()}
    return data.assign(**places)


def grouped(period: Period, by: Sequence[str]) -> pd.DataFrame:
    """Satisfaction of a period by groups that ``which`` knows."""
    printed = period.result("satisfaction").query("weighting == 'design'")
    if period.answers.empty:
        return printed.iloc[:0].drop(columns=["level", "unit", "weighting"])
    found = _estimates(period.design, period.items, by, period.study.config.choices.confidence)
    if {*PLACES} & {*by}:
        found["unit"] = _named(found, by[0])
        return shown_satisfaction(found, period._places, ["unit", "item", "statistic"]).drop(columns="unit")
    k = period.study.config.disclosure["internal"]
    told = people(period.answers, period.items, by, k=k, decided=printed)
    return shown_satisfaction(found, told, [*by, "item", "statistic"])


def _estimates(
    design: SurveyDesign, items: Mapping[str, int], by: Sequence[str], confidence: float
) -> pd.DataFrame:
    parts = []
    for points in dict.fromkeys(items.values()):
        low, high = ends(points)
        asked = [i for i, p in items.items() if p == points]
        parts.append(
            satisfaction(
                design, asked, by=list(by), satisfied=high, dissatisfied=low, scale=(1, points), confidence=confidence
            )
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _scales(counts: pd.DataFrame, protected: Callable[[pd.DataFrame, int], pd.DataFrame]) -> pd.DataFrame:
    """The decisions about counts, scale by scale."""
    told = [
        protected(part.drop(columns="points"), int(points))
        for points, part in counts.groupby("points", sort=False)
    ]
    out = pd.concat(told, ignore_index=True)
    return out.assign(floor=out["estimate"].where(out["bound"] != ""))


# -- people ----------------------------------------------------------------------------------------------------


def people(
    data: pd.DataFrame, items: Mapping[str, int], by: Sequence[str], *, k: int, decided: pd.DataFrame
) -> pd.DataFrame:
    """What may be shown of groups of people, for the city or within districts: [by...], item, statistic, rule, ...

    Parameters
    ----------
    decided : DataFrame
        What districts print: level, unit, item, rule, bound.
    """
    group = next(b for b in by if b in BREAKDOWNS)

    def totals(counts: pd.DataFrame, points: int) -> pd.DataFrame:
        return protect(counts, k=k, points=points)[0]

    told = _scales(_tally(data, items, [group]), totals)
    if len(by) == 1:
        return told
    districts = decided[decided["level"] == "district"].rename(columns={"unit": "district"})
    hidden = [
        rows.loc[(rows["rule"] != "") | (rows["bound"] != ""), [name, "item"]].drop_duplicates()
        for rows, name in ((districts, "district"), (told, group))
    ]

    def crossed(counts: pd.DataFrame, points: int) -> pd.DataFrame:
        cells = counts[[*by, "item"]].drop_duplicates()
        gone = pd.concat([cells.merge(rows, on=list(rows)) for rows in hidden], ignore_index=True)
        return protect(counts, k=k, parent=list(by), previous=gone, points=points)[0]

    return _scales(_tally(data, items, by), crossed).replace({"rule": {"R4": "R2"}})


def _tally(data: pd.DataFrame, items: Mapping[str, int], by: Sequence[str]) -> pd.DataFrame:
    counts = tally(data, items, by)
    return counts[counts["statistic"] != "option"].drop(columns="option")


# -- places ----------------------------------------------------------------------------------------------------


def _named(rows: pd.DataFrame, by: str) -> pd.Series:
    """One name a group that no unit has."""
    return f"{by}×" + rows[by].astype("str")


def place_decisions(period: Period) -> pd.DataFrame:
    """What may be shown of streets and types: unit (``_named``), item, statistic, rule, bound, floor, n."""
    rows, config = period.result("satisfaction"), period.study.config
    decided = rows.loc[rows["weighting"] == "design", ["unit", "item", "statistic", "n", "rule", "bound"]]
    data, items, city, k = period.answers, period.items, config.city, config.disclosure["internal"]
    inside = data[data["unit"] != data["district"]]  # a questionnaire may ask for the district only
    columns = [c for c in PLACES if c in inside]
    inside = inside.assign(**{c: _named(inside, c) for c in columns})
    parts = [tally(data, items, []).assign(unit=city), tally(data, items, ["district"])]
    parts += [tally(inside, items, [c]) for c in ("unit", *columns)]
    names = dict.fromkeys(("district", *columns), "unit")
    counts = pd.concat([part.rename(columns=names) for part in parts], ignore_index=True)
    printed = counts["statistic"] != "option"
    printed &= ~counts["unit"].isin(inside["unit"]) | counts["statistic"].isin(OF_COMMUNITIES)
    answers = counts[counts["statistic"].isin(["option", "dont_know"])].rename(columns={"option": "answer"})
    ways = _ways(inside, city)

    def protected(group: pd.DataFrame, points: int) -> pd.DataFrame:
        group = group.drop(columns="option")
        return protect(group, k=k, parent=ways, points=points, counts=answers, decided=decided)[0]

    told = _scales(counts[printed], protected)
    return told[~told["unit"].isin([city, *data["district"], *inside["unit"]])]


def _ways(inside: pd.DataFrame, city: str) -> list[dict[str, str]]:
    """How places add up: by place (street, district, city) and by type."""

    def above(lower: str, upper: str) -> dict[str, str]:
        pairs = inside[[lower, upper]].dropna().drop_duplicates()
        return dict(zip(pairs[lower], pairs[upper], strict=True))

    by_place = dict.fromkeys(inside["district"], city) | above("unit", "district")
    if "street" in inside:
        by_place |= above("street", "district") | above("unit", "street")
    by_type = above("unit", "type") | dict.fromkeys(inside["type"].dropna(), city) if "type" in inside else {}
    return [by_place, *([by_type] if by_type else [])]
