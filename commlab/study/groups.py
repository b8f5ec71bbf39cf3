"""Satisfaction by groups, computed when it is asked for: of people (sex, age ...), and of places (street, type).

What city, districts and communities print is decided already and stays as it is; groups withhold so much that nothing of
that is told:

people   for the city or within districts, decided beside the districts and the groups of the whole city
places   streets and types, decided beside city, districts and communities: all are sums of communities, by place and by
         type. Types within districts are not shown: beside the communities hardly any would be left
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from commlab.errors import ParameterError, listing
from commlab.study.base_weights import weighted
from commlab.study.shown import BREAKDOWNS, OF_COMMUNITIES, ends, shown_satisfaction, tally
from commlab.survey import protect, satisfaction

if TYPE_CHECKING:
    from commlab.study.period import Period

__all__ = ["answers_of", "grouped", "people", "place_decisions", "which"]

LEVELS = ("district", "community")
PLACES = ("street", "type")
_ROW = ["unit", "item", "statistic"]


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
    answers, study = period.answers, period.study
    if answers.empty:
        return period.result("satisfaction").iloc[:0].drop(columns=["level", "unit", "weighting"])
    parts = []
    for points in dict.fromkeys(period.items.values()):
        low, high = ends(points)
        asked = [i for i, p in period.items.items() if p == points]
        parts.append(
            satisfaction(
                period.design, asked, by=list(by), satisfied=high, dissatisfied=low, scale=(1, points),
                confidence=study.config.choices.confidence,
            )
        )  # fmt: skip
    found = pd.concat(parts, ignore_index=True)
    told = period._places if {*PLACES} & {*by} else people(period, by)
    return shown_satisfaction(found.assign(unit=_named(found, by)), told, _ROW).drop(columns="unit")


def people(period: Period, by: Sequence[str]) -> pd.DataFrame:
    """What may be shown of groups of people, for the city or within districts: unit (``_named``), item, statistic,
    rule, bound, floor, n."""
    data, k = period.answers, period.study.config.disclosure["internal"]
    group = next(b for b in by if b in BREAKDOWNS)
    totals = tally(data, period.items, [group])
    totals = totals[totals["statistic"] != "option"].drop(columns="option")
    whole = _scales(
        totals.assign(unit=_named(totals, [group])).drop(columns=group),
        lambda counts, points: protect(counts, k=k, points=points)[0],
    )
    if len(by) == 1:
        return whole
    known = data[data[group].notna()]
    known = known.assign(pair=_named(known, by), group=_named(known, [group]))
    ways = [
        _above(known, "pair", "district") | dict.fromkeys(data["district"], period.study.config.city),
        _above(known, "pair", "group") | dict.fromkeys(known["group"], period.study.config.city),
    ]
    return _decided(period, [(known, "group"), (known, "pair")], ways, [whole])


def place_decisions(period: Period) -> pd.DataFrame:
    """What may be shown of streets and types: as ``people`` gives it."""
    data, city = period.answers, period.study.config.city
    inside = data[data["unit"] != data["district"]]  # a questionnaire may ask for the district only
    columns = [c for c in PLACES if c in inside]
    inside = inside.assign(**{c: _named(inside, [c]) for c in columns})
    by_place = _above(inside, "unit", "district") | dict.fromkeys(data["district"], city)
    ways = [by_place]
    if "street" in inside:
        by_place |= _above(inside, "street", "district") | _above(inside, "unit", "street")
    if "type" in inside:
        ways.append(_above(inside, "unit", "type") | dict.fromkeys(inside["type"].dropna(), city))
    return _decided(period, [(inside, c) for c in ("unit", *columns)], ways, [])


def _decided(
    period: Period,
    groups: Sequence[tuple[pd.DataFrame, str]],
    ways: list[dict[str, str]],
    more: Sequence[pd.DataFrame],
) -> pd.DataFrame:
    """Groups protected beside what the period prints of city, districts and communities, and ``more`` decisions.

    Parameters
    ----------
    groups : sequence of (answers, column)
        The column names each answer's group; ``ways`` say how groups and places add up.
    """
    data, items, config = period.answers, period.items, period.study.config
    rows = period.result("satisfaction")
    rows = rows[rows["weighting"] == "design"]
    decided = pd.concat([part[[*_ROW, "n", "rule", "bound"]] for part in (rows, *more)])
    parts = [tally(data, items, []).assign(unit=config.city), tally(data, items, ["district"])]
    parts += [tally(answers, items, [column]) for answers, column in groups]
    names = dict.fromkeys(["district", *(column for _, column in groups)], "unit")
    counts = pd.concat([part.rename(columns=names) for part in parts], ignore_index=True)
    communities = rows.loc[rows["level"] == "community", "unit"]
    printed = counts["statistic"].isin(OF_COMMUNITIES) | ~counts["unit"].isin(communities)
    printed &= counts["statistic"] != "option"
    answers = counts[counts["statistic"].isin(["option", "dont_know"])].rename(columns={"option": "answer"})

    def protected(part: pd.DataFrame, points: int) -> pd.DataFrame:
        return protect(
            part, k=config.disclosure["internal"], parent=ways, points=points, counts=answers, decided=decided
        )[0]

    told = _scales(counts[printed].drop(columns="option"), protected)
    return told[~told["unit"].isin(decided["unit"])]


def _above(answers: pd.DataFrame, lower: str, upper: str) -> dict[str, str]:
    pairs = answers[[lower, upper]].dropna().drop_duplicates()
    return dict(zip(pairs[lower], pairs[upper], strict=True))


def _named(rows: pd.DataFrame, by: Sequence[str]) -> pd.Series:
    """One name a group that no unit has; missing where one of its parts is."""
    name = pd.Series("", index=rows.index, dtype="str")
    for column in sorted(by):
        name = name + column + "×" + rows[column].astype("str")
    return name


def _scales(counts: pd.DataFrame, protected: Callable[[pd.DataFrame, int], pd.DataFrame]) -> pd.DataFrame:
    """The decisions about counts, scale by scale."""
    told = [
        protected(part.drop(columns="points"), int(points))
        for points, part in counts.groupby("points", sort=False)
    ]
    out = pd.concat(told, ignore_index=True)
    return out.assign(floor=out["estimate"].where(out["bound"] != ""))
