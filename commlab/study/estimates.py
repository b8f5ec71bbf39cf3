"""City-wide survey results of a period: designs, satisfaction, distributions, samples against population, change.

Functions of frames; ``stage`` calls them once a period and stores what they return.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from commlab.study.shown import ends
from commlab.survey import SurveyDesign, answer_shares, collapse, holm, satisfaction, satisfaction_change

__all__ = [
    "CHANGE",
    "LEAST_DF",
    "changes",
    "demographics",
    "design_of",
    "distributions",
    "rake_cells",
    "raked",
    "response_rates",
    "satisfaction_results",
    "tested",
]

CHANGE = [
    "level",
    "unit",
    "item",
    "before",
    "after",
    "estimate",
    "se",
    "ci_low",
    "ci_high",
    "df",
    "p_value",
    "n_before",
    "n_after",
]
"""Columns of ``changes``."""

LEAST_DF = 3
"""Degrees of freedom below which nothing is compared."""


@dataclass(frozen=True)
class _Scale:
    """Items of one scale, 1 to ``points``; satisfied are the upper two answers of four and more, else the top one."""

    items: list[str]
    points: int

    @property
    def scale(self) -> tuple[int, int]:
        return 1, self.points

    @property
    def satisfied(self) -> tuple[int, ...]:
        return ends(self.points)[1]


def _by_scale(items: Mapping[str, int]) -> list[_Scale]:
    return [
        _Scale([i for i, p in items.items() if p == points], points)
        for points in dict.fromkeys(items.values())
    ]


def design_of(data: pd.DataFrame, *, lonely: str = "adjust") -> SurveyDesign:
    """The two-stage design of the sample: communities within strata, adults within communities.

    Degrees of freedom follow Satterthwaite: where candidates are surveyed as certainties, counting units would promise
    far more than the few sampled communities that carry the variance.
    """
    return SurveyDesign(
        data,
        weights="base_weight",
        strata="stratum",
        clusters=["unit", "answer"],
        fpc=["communities", "adults"],
        lonely=lonely,
        degrees="satterthwaite",
    )


def rake_cells(
    data: pd.DataFrame, margins: pd.DataFrame, variables: Sequence[str], *, min_cell: int
) -> tuple[pd.DataFrame, dict[str, pd.Series], pd.DataFrame]:
    """Margins to rake to, district by district, on cells of at least ``min_cell`` answers.

    Neighbouring cells of a variable are joined until each holds enough answers. Where that leaves one cell, the
    district is not raked on that variable. People who left the question blank keep their weight.

    Returns
    -------
    data : DataFrame
        With one column ``rake_<variable>`` a variable.
    targets : dict
        Column -> population total of each cell, scaled to the district's weighted total.
    cells : DataFrame
        district, variable, cell, answers, population share, raked (bool): what was joined, what was left out.
    """
    out = data.copy()
    targets: dict[str, pd.Series] = {}
    told = []
    totals = data.groupby("district")["base_weight"].sum()
    for variable in variables:
        column = f"rake_{variable}"
        labels = pd.Series("", index=data.index, dtype="str")
        target: dict[str, float] = {}
        for district, total in totals.items():
            rows = data["district"] == district
            census = margins[margins["unit"] == district].groupby(variable, sort=True)["population"].sum()
            answers = data.loc[rows, variable].value_counts().reindex(census.index, fill_value=0)
            cells = _joined(answers, min_cell)
            raked_here = len(cells) > 1
            blank = rows & ~data[variable].isin(list(census.index))
            unknown = float(data.loc[blank, "base_weight"].sum())
            if not raked_here:
                labels[rows] = f"{district}/*"
                target[f"{district}/*"] = float(total)
            else:
                labels[blank] = f"{district}/?"
                if unknown:
                    target[f"{district}/?"] = unknown
                for cell in cells:
                    name = f"{district}/{'+'.join(cell)}"
                    labels[rows & data[variable].isin(cell)] = name
                    target[name] = float((total - unknown) * census[cell].sum() / census.sum())
            told += [
                {
                    "district": district,
                    "variable": variable,
                    "cell": "+".join(cell),
                    "answers": int(answers[cell].sum()),
                    "population_share": float(census[cell].sum() / census.sum()) if census.sum() else np.nan,
                    "raked": raked_here,
                }
                for cell in cells
            ]
        out[column] = labels
        targets[column] = pd.Series(target, dtype="float64")
    columns = ["district", "variable", "cell", "answers", "population_share", "raked"]
    return out, targets, pd.DataFrame(told, columns=columns)


def _joined(answers: pd.Series, least: int) -> list[list[str]]:
    """Neighbours joined until every cell holds ``least`` answers; one cell of all where even that is too few."""
    if answers.sum() < least:
        return [list(answers.index)]
    joined = pd.Series(collapse(answers, least=least))
    return [list(group.index) for _, group in joined.groupby(joined, sort=False)]


def raked(
    data: pd.DataFrame,
    margins: pd.DataFrame,
    variables: Sequence[str],
    *,
    min_cell: int,
    lonely: str = "adjust",
) -> tuple[SurveyDesign | None, pd.DataFrame]:
    """The design raked to the census margins, and the cells it was raked on; None where nothing can be raked."""
    known = [v for v in variables if v in margins and v in data]
    if not known or margins.empty:
        return None, pd.DataFrame(
            columns=["district", "variable", "cell", "answers", "population_share", "raked"]
        )
    ready, targets, cells = rake_cells(data, margins, known, min_cell=min_cell)
    if not cells["raked"].any():
        return None, cells
    return design_of(ready, lonely=lonely).rake(targets), cells


def satisfaction_results(
    design: SurveyDesign,
    items: Mapping[str, int],
    *,
    weighting: str,
    city: str,
    communities: bool = False,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Satisfaction of the city, of every district and, on demand, of every community.

    Returns
    -------
    DataFrame
        level, unit, weighting, item, statistic, estimate, se, ci_low, ci_high, df, n, n_effective.
    """
    frames = []
    for one in _by_scale(items):
        ask = partial(
            satisfaction,
            design,
            one.items,
            satisfied=one.satisfied,
            scale=one.scale,
            confidence=confidence,
        )
        frames.append(ask().assign(level="city", unit=city))
        frames.append(ask(by="district").rename(columns={"district": "unit"}).assign(level="district"))
        if communities:
            places = ask(by="unit")
            districts = design.data["district"].unique()  # where only the district was asked for
            frames.append(places[~places["unit"].isin(districts)].assign(level="community"))
    out = pd.concat(frames, ignore_index=True).assign(weighting=weighting)
    first = ["level", "unit", "weighting", "item", "statistic"]
    return out[first + [c for c in out if c not in first]]


def distributions(design: SurveyDesign, items: Mapping[str, int], *, city: str) -> pd.DataFrame:
    """Share of every answer among all who were asked: level, unit, item, answer (code), share."""
    parts = []
    for one in _by_scale(items):
        ask = partial(answer_shares, design, one.items, scale=one.scale)
        parts.append(ask().assign(level="city", unit=city))
        parts.append(ask(by="district").rename(columns={"district": "unit"}).assign(level="district"))
    found = pd.concat(parts, ignore_index=True)
    found = found.rename(columns={"option": "answer", "estimate": "share"})
    return found[["level", "unit", "item", "answer", "share"]]


def demographics(
    data: pd.DataFrame, margins: pd.DataFrame, variables: Sequence[str], *, city: str
) -> pd.DataFrame:
    """Sample structure against population.

    Returns
    -------
    DataFrame
        unit, variable, level, n, sample (share of answers), weighted (share with base weights), population
        (census share; missing where the census table has no such variable).
    """
    rows = []
    whole = _once(margins)
    for variable in [v for v in variables if v in data]:
        known = data[data[variable].notna()]
        for unit, part in [(city, known), *known.groupby("district")]:
            census = whole if unit == city else margins[margins["unit"] == unit]
            population = (
                census.groupby(variable)["population"].sum()
                if variable in census
                else pd.Series(dtype="float64")
            )
            count = part[variable].value_counts()
            weight = part.groupby(variable)["base_weight"].sum()
            for level in sorted(set(count.index) | set(population.index)):
                rows.append(
                    {
                        "unit": unit,
                        "variable": variable,
                        "level": level,
                        "n": int(count.get(level, 0)),
                        "sample": count.get(level, 0) / len(part) if len(part) else np.nan,
                        "weighted": weight.get(level, 0.0) / weight.sum() if len(part) else np.nan,
                        "population": population.get(level, 0.0) / population.sum()
                        if population.sum()
                        else np.nan,
                    }
                )
    return pd.DataFrame(rows, columns=["unit", "variable", "level", "n", "sample", "weighted", "population"])


def _once(margins: pd.DataFrame) -> pd.DataFrame:
    """Margins without the units that repeat another's: a park has those of the county that it lies in."""
    wide = margins.pivot_table(index="unit", columns=["sex", "age_band"], values="population", sort=False)
    return margins[margins["unit"].isin(wide.index[~wide.duplicated()])]


def response_rates(
    responses: pd.DataFrame,
    frame: pd.DataFrame,
    district_of: dict[str, str],
    districts: Sequence[str],
    *,
    city: str,
) -> pd.DataFrame:
    """Issued, returned and valid questionnaires: unit, communities, issued, returned, valid, flag_<name>..."""
    unit = responses["unit"].map(district_of)
    flags = responses["flags"].fillna("").str.get_dummies(",") if len(responses) else pd.DataFrame()
    rows = []
    for name in [city, *districts]:
        here = pd.Series(True, index=responses.index) if name == city else unit == name
        places = frame if name == city else frame[frame["unit"].map(district_of) == name]
        rows.append(
            {
                "unit": name,
                "communities": int(places["unit"].nunique()),
                "issued": float(places["issued"].sum()),
                "returned": int(here.sum()),
                "valid": int((here & responses["valid"]).sum()),
            }
            | {f"flag_{flag}": int(flags.loc[here, flag].sum()) for flag in flags if flag}
        )
    return pd.DataFrame(rows)


def changes(
    before: pd.DataFrame,
    after: pd.DataFrame,
    items: Mapping[str, int],
    *,
    periods: tuple[str, str],
    city: str,
    lonely: str = "adjust",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Change of the 0-100 index between two periods, communities asked in both kept together.

    Returns
    -------
    DataFrame
        level, unit, item, before, after, estimate, se, ci_low, ci_high, df, p_value, n_before, n_after.
    """
    common = {i: points for i, points in items.items() if i in before and i in after}
    keep = ["unit", "district", "stratum", "communities", "adults", "answer", "base_weight"]
    stacked = pd.concat(
        [
            before[[*keep, *common]].assign(wave=periods[0]),
            after[[*keep, *common]].assign(wave=periods[1]),
        ],
        ignore_index=True,
    )
    stacked["answer"] = stacked["wave"] + "/" + stacked["answer"]
    design = design_of(stacked, lonely=lonely)
    parts = []
    for one in _by_scale(common):
        ask = partial(
            satisfaction_change,
            design,
            one.items,
            wave="wave",
            statistics=("index",),
            satisfied=one.satisfied,
            scale=one.scale,
            confidence=confidence,
        )
        parts.append(ask().assign(level="city", unit=city))
        parts.append(ask(by="district").rename(columns={"district": "unit"}).assign(level="district"))
    if not parts:
        return pd.DataFrame(columns=CHANGE)
    out = pd.concat(parts, ignore_index=True)
    return out[CHANGE]


def tested(changes: pd.DataFrame) -> pd.DataFrame:
    """Changes with ``p_holm`` (Holm over the items of one unit); with df < 3 an interval, but no comparison."""
    out = changes.assign(p_value=changes["p_value"].where(changes["df"] >= LEAST_DF))
    out["p_holm"] = out.groupby("unit")["p_value"].transform(holm)
    return out
