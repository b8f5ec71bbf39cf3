"""Satisfaction by groups of places and people: the estimates are those of the design, and nothing hidden is told."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import commlab as cl
from commlab.errors import ParameterError
from commlab.study import shown
from commlab.survey import satisfaction
from commlab.survey.bounds import FEW
from tests.attack import room

PERIOD = "2019Q4"
FORMS = {
    "mean": [1, 2, 3, 4, 5, 0],
    "index": [0, 1, 2, 3, 4, 0],
    "satisfied": [0, 0, 0, 1, 1, 0],
    "dissatisfied": [1, 1, 0, 0, 0, 0],
    "net": [-1, -1, 0, 1, 1, 0],
    "dont_know": [0, 0, 0, 0, 0, 1],
}
SIZE, ASKED = np.array([1, 1, 1, 1, 1, 0]), np.ones(6)


def period_of(root: Path, k: int = 10, *, streets: bool = False) -> cl.study.Period:
    """The newest quarter of the tiny study for offices with another k; two streets a district where asked for."""
    study = cl.open_study(root)
    study.config = dataclasses.replace(study.config, disclosure={"internal": k, "public": k})
    if streets:
        units = study.register.units.copy()
        rows = units[units["level"] == "community"]
        turn = (rows.groupby("parent").cumcount() % 3 == 0).map({True: "/东街道", False: "/西街道"})
        above = (rows["parent"] + turn).astype("str")
        new = pd.DataFrame({"unit": above.unique(), "level": "street"})
        new["parent"] = new["unit"].str.partition("/")[0]
        units.loc[rows.index, "parent"] = above
        study.register = dataclasses.replace(study.register, units=pd.concat([units, new], ignore_index=True))
    period = study.period(PERIOD)
    if k != 10 or streets:
        decided = shown.decide(
            period.answers,
            period.items,
            k=k,
            city=study.config.city,
            district_of=study.register.district_of,
        )
        kept = decided["statistic"] != "option"
        period._results["satisfaction"] = decided[kept].assign(weighting="design")
    return period


@pytest.mark.parametrize("by", ["type", "street", "sex", ["district", "sex"]])
def test_estimates_are_those_of_the_design(tiny: Path, by: str | list[str]) -> None:
    period = period_of(tiny, streets=by == "street")
    found = period.satisfaction(by=by)
    keys = [by] if isinstance(by, str) else by
    wanted = satisfaction(period.design, list(period.items), by=keys)
    both = found.merge(wanted, on=[*keys, "item", "statistic"], suffixes=("", "_w"))
    assert len(both) == len(found) == len(wanted)
    whole = both[(both["rule"] == "") & (both["bound"] == "")]
    assert len(whole) > len(both) / 3
    for column in ("estimate", "se", "ci_low", "ci_high", "n"):
        np.testing.assert_allclose(whole[column], whole[f"{column}_w"])
    assert both.loc[both["rule"] != "", ["estimate", "se", "ci_low", "ci_high"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("by", "message"),
    [
        ("age", r"by None \(the city\), district, community, type, sex, age_band, .*; not by age"),
        ("street", "not by street"),  # the tiny study has none
        (["type", "district"], "not by type, district: a finer crossing could tell a person"),
        (["sex", "type"], "a finer crossing"),
        (["sex", "sex"], "a finer crossing"),
        (7, "not by 7"),
        ("", "not by "),
        ({"sex"}, "not by {'sex'}"),
    ],
)
def test_other_groups_are_refused_and_the_known_named(tiny: Path, by: object, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        period_of(tiny).satisfaction(by=by)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("by", "weighting"), [("sex", "raked"), ("community", "raked"), ("type", "all"), ("district", "none")]
)
def test_a_weighting_that_groups_do_not_have_is_refused(tiny: Path, by: str, weighting: str) -> None:
    with pytest.raises(ParameterError, match=f"weighting '{weighting}' is not known by {by}; known: design"):
        period_of(tiny).satisfaction(by=by, weighting=weighting)


def told(
    period: cl.study.Period, item: str, data: pd.DataFrame, frames: dict[str, pd.DataFrame]
) -> tuple[list, list]:
    """What frames of figures say about the counts of answers of every community (rows = coefficients, right side)."""
    units = sorted(data["unit"].unique())
    counts = np.array(
        [[((data["unit"] == u) & (data[item] == c)).sum() for c in (1, 2, 3, 4, 5, 98)] for u in units]
    )
    first = data.drop_duplicates("unit").set_index("unit").loc[units]
    equal, below = [], []
    for column, frame in frames.items():
        names = first[column].to_numpy() if column in first else np.array(units)
        for r in frame[frame["item"] == item].itertuples():
            mine = np.ones(len(units), bool) if column == "city" else names == getattr(r, column)
            at = np.outer(mine, SIZE if r.statistic != "dont_know" else ASKED)
            if not np.isnan(r.n):
                equal.append((at.ravel(), (at * counts).sum()))
            form = np.outer(mine, FORMS[r.statistic])
            if r.bound:
                few = form if r.bound == "<=" else at - form
                below.append((few.ravel(), FEW - 1))
            elif not r.rule:
                equal.append((form.ravel(), (form * counts).sum()))
    return equal, below


@pytest.mark.parametrize("k", [20, 26])
def test_types_and_streets_tell_nothing_that_places_hide(tiny: Path, k: int) -> None:
    period = period_of(tiny, k, streets=True)
    data, rows = period.answers, period.result("satisfaction")
    tree = {
        "city": rows[rows["level"] == "city"],
        "district": rows[rows["level"] == "district"].rename(columns={"unit": "district"}),
        "unit": rows[rows["level"] == "community"],
    }
    groups = {by: period.satisfaction(by=by) for by in ("type", "street")}
    shown_rows = sum((g["rule"] == "").sum() for g in groups.values())
    assert shown_rows
    units = sorted(data["unit"].unique())
    asked = 0
    for item in list(period.items)[:2]:
        before, after = (told(period, item, data, frames) for frames in (tree, tree | groups))
        for column in ("district", "unit", *groups):
            frame = (tree | groups)[column]
            hidden = frame[(frame["item"] == item) & ((frame["rule"] != "") | (frame["bound"] != ""))]
            first = data.drop_duplicates("unit").set_index("unit").loc[units]
            for r in hidden[hidden["statistic"].isin(["satisfied", "index"])].iloc[:2].itertuples():
                names = first[column].to_numpy() if column in first else np.array(units)
                mine = names == getattr(r, column)
                gone = np.isnan(r.n)
                if r.statistic == "index" and not gone:
                    continue
                ask = np.outer(mine, SIZE if r.statistic == "index" else FORMS["satisfied"])
                declared = (k if r.statistic == "index" else FEW) if gone else FEW - 1
                least = min(declared, room(*before, ask, most=1000))
                assert room(*after, ask, most=1000) >= least - 1e-6, (
                    item,
                    column,
                    r.statistic,
                    r.rule,
                    r.bound,
                )
                asked += 1
    assert asked


@pytest.mark.parametrize("k", [10, 40])
def test_groups_within_districts_tell_nothing_that_totals_hide(tiny: Path, k: int) -> None:
    period = period_of(tiny, k)
    data, rows = period.answers, period.result("satisfaction")
    # Cells are district x sex (blanks a sex of their own), counted as the places of ``told``.
    data = data.assign(
        unit=data["district"] + "×" + data["sex"].fillna("?"), both=data["district"] + data["sex"]
    )
    tree = {
        "city": rows[(rows["level"] == "city") & (rows["weighting"] == "design")],
        "district": rows[(rows["level"] == "district") & (rows["weighting"] == "design")].rename(
            columns={"unit": "district"}
        ),
    }
    crossed = period.satisfaction(by=["sex", "district"])
    groups = {
        "sex": period.satisfaction(by="sex"),
        "both": crossed.assign(both=crossed["district"] + crossed["sex"]),
    }
    first = data.drop_duplicates("unit").sort_values("unit")
    asked = 0
    for item in list(period.items)[:2]:
        before, after = (told(period, item, data, frames) for frames in (tree, tree | groups))
        for column in ("district", "sex", "both"):
            frame = (tree | groups)[column]
            frame = frame[(frame["item"] == item) & (frame["statistic"] == "satisfied")]
            for r in frame[(frame["rule"] != "") | (frame["bound"] != "")].itertuples():
                mine = (first[column] == getattr(r, column)).fillna(False).to_numpy(dtype=bool)
                gone = np.isnan(r.n)
                for form, declared in (
                    (FORMS["satisfied"], FEW if gone else FEW - 1),
                    *([(SIZE, k)] if gone else []),
                ):
                    ask = np.outer(mine, form)
                    assert (
                        room(*after, ask, most=1000) >= min(declared, room(*before, ask, most=1000)) - 1e-6
                    ), (item, column, r)
                    asked += 1
    assert asked or k == 10
