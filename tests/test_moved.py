"""Why totals moved: what the city stage stores, the steps that are told, the chapter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import commlab as cl
from commlab.report import chapters
from commlab.report.finding import Finding
from commlab.scoring import explain_change
from commlab.study import stage, standing
from commlab.study.later import on_boundaries_of
from commlab.study.moves import moves
from commlab.study.period import Period
from commlab.study.register import Register
from commlab.study.results import Clean
from commlab.study.surveyed import answered


def explained(*rows: tuple[str, str, float], unit: str = "u") -> pd.DataFrame:
    return pd.DataFrame([(unit, *r) for r in rows], columns=["unit", "code", "effect", "change"])


CASE = explained(
    ("a", "values", 1.0), ("b", "values", -3.0), ("c", "values", 2.0), ("a", "weights", 0.5),
    ("total", "values", 0.0), ("total", "weights", 0.5), ("total", "coverage", 0.0), ("total", "total", 0.5),
)  # fmt: skip


@pytest.mark.parametrize(
    ("most", "steps"),
    [
        (3, [("b", -3.0), ("c", 2.0), ("a", 1.0), ("total", 0.5)]),
        (1, [("b", -3.0), ("total", 3.0), ("total", 0.5)]),
        (0, [("total", 0.5)]),  # all values together are 0
    ],
)
def test_steps_add_up_to_the_change(most: int, steps: list[tuple[str, float]]) -> None:
    out = moves(CASE, "u", most=most)
    assert list(zip(out["code"], out["change"], strict=True)) == steps
    assert out["change"].sum() == pytest.approx(0.5)


def test_what_a_veto_does_to_the_total_is_told_with_the_others() -> None:
    out = moves(explained(("a", "values", 1.0), ("total", "values", -9.0), ("total", "total", -9.0)), "u")
    assert out["change"].tolist() == [1.0, -10.0]


@pytest.mark.parametrize("rows", [explained(("total", "not_comparable", np.nan)), CASE.iloc[:0]])
def test_a_unit_without_two_totals_has_no_steps(rows: pd.DataFrame) -> None:
    assert moves(rows, "u").empty


def test_the_stage_tells_nothing_beyond_both_quarters_scores(tiny: Path) -> None:
    """The same account from the scores that both quarters publish: what they withhold is in neither."""
    period = cl.open_study(tiny).period("2019Q4")
    again = explain_change(period.previous.scores(), period.scores())
    pd.testing.assert_frame_equal(again, period.explained())
    assert cl.open_study(tiny).period("2019Q3").explained().empty


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_chapter_of_a_district_and_of_the_city(tiny: Path, language: str) -> None:
    period = cl.open_study(tiny).period("2019Q4")
    unit = period.districts[0]
    found = chapters.moved(chapters.open_report(tiny, "2019Q4", unit, language)).blocks[0]
    assert isinstance(found, Finding) and found.figure.png
    change = (
        period.scores().query("code == 'total'").set_index("unit")["score"][unit]
        - (period.previous.scores().query("code == 'total'").set_index("unit")["score"][unit])
    )
    assert found.table["change"].sum() == pytest.approx(change, abs=1e-9)
    assert f"{abs(change):.2f}" in found.text
    city = chapters.moved(chapters.open_report(tiny, "2019Q4", None, language)).blocks[0]
    assert city.table.set_index("unit").loc[unit, "total"] == pytest.approx(change, abs=1e-9)
    first = chapters.moved(chapters.open_report(tiny, "2019Q3", unit, language)).blocks
    assert len(first) == 1 and isinstance(first[0], str)


# --- changes of boundaries --------------------------------------------------------------------------------------------


def clean_of(period: Period) -> Clean:
    tables = ("measures", "ratings", "judgments", "responses", "mutual")
    return Clean(period.name, {t: period.table(t) for t in tables}, period.districts, period.items)


def entered(register: Register, changes: list[tuple[str, str | None, float]]) -> Register:
    """A register with changes of 1 November 2019; what they make lies in the district that its name begins with."""
    units = register.units.copy()
    units.loc[units["unit"].isin([b for b, _, _ in changes]), "valid_to"] = pd.Timestamp("2019-10-31")
    made = list(dict.fromkeys(a for _, a, _ in changes if a and a not in set(units["unit"])))
    for k, unit in enumerate(made):
        district, _, name = unit.rpartition("/")
        like = units[units["level"] == ("community" if district else "district")].iloc[0]
        above = district or register.city
        row = like.to_dict() | {
            "unit": unit, "name": name, "parent": above, "code": f"S9999{k}", "valid_from": pd.Timestamp("2019-11-01"), "valid_to": pd.NaT,
        }  # fmt: skip
        units = pd.concat([units, pd.DataFrame([row]).astype(units.dtypes.to_dict())], ignore_index=True)
    told = pd.DataFrame(changes, columns=["before", "after", "share"])
    told = told.assign(date=pd.Timestamp("2019-11-01"), kind="merger", period="2019Q4", source="")
    return replace(register, units=units, unit_changes=told)


@pytest.mark.parametrize(
    "names",
    [
        {"五华区/永庭社区": "五华区/永银社区", "五华区/银庭社区": "五华区/永银社区"},  # two become one
        {"五华区/新屯社区": "盘龙区/新屯社区"},  # one goes to another district
    ],
)
def test_a_new_map_alone_moves_no_total(tiny: Path, names: dict[str, str]) -> None:
    """The same facts, told of the later units: they meet other norms, but that is no change."""
    study = cl.open_study(tiny)
    before = clean_of(study.period("2019Q3"))
    register = entered(study.register, [(b, a, 1.0) for b, a in names.items()])
    told = before["measures"].replace({"unit": names})
    keys = [c for c in told if c not in ("value", "source")]
    told = told.groupby(keys, dropna=False, as_index=False)[["value"]].sum(min_count=1).assign(source="")
    now = replace(before, period="2019Q4", tables=before.tables | {"measures": told})
    then, of_then, concerned = on_boundaries_of("2019Q4", before, register, study.framework)
    assert concerned == {n.partition("/")[0] for n in [*names, *names.values()]}
    answers = answered(then, study.config, of_then, communities=False).scoring
    weighing = standing.weigh(
        study.framework, before["judgments"], study.config.weighing, study.config.choices, drawn=False
    )
    nodes = [
        stage._scored(set(c.districts), c, study.config, of_then, weighing, answers, on="2019Q4").nodes
        for c in (then, now, before)
    ]
    out = explain_change(nodes[0], nodes[1])
    assert len(out) and out["change"].abs().max() < 1e-9
    assert explain_change(nodes[2], nodes[1])["change"].abs().max() > 0.01  # which it is on the earlier units


def facts(*rows: tuple[str, str, float | None]) -> pd.DataFrame:
    out = pd.DataFrame(list(rows), columns=["unit", "metric", "value"])
    out["state"] = np.where(out["value"].notna(), "observed", "missing")
    return out.assign(period="2019Q3", as_of=pd.Timestamp("2019-09-30"), item=None, source="f#s!A1")


def test_predecessors_are_put_together_by_hand(tiny: Path) -> None:
    """a (3,000 households) and b (1,000) become 甲; c goes to 甲 by a quarter and to 乙 by the rest; d has no successor."""
    study = cl.open_study(tiny)
    a, b, c, d = "五华区/永庭社区", "五华区/银庭社区", "五华区/永坊社区", "五华区/瑞屏社区"
    first, second, far = "五华区/甲社区", "五华区/乙社区", "盘龙区/怡岚社区"
    changes = [(a, first, 1.0), (b, first, 1.0), (c, first, 0.25), (c, second, 0.75), (d, None, None)]
    measures = facts(
        (a, "households", 3000), (b, "households", 1000), (c, "households", 4000), (d, "households", 9),
        (a, "social_org_n", 6), (b, "social_org_n", 5), (c, "social_org_n", 8), (far, "social_org_n", 1),
        (a, "law_event_n", 6), (b, "law_event_n", None), (c, "law_event_n", 8),
        (a, "smoke_free_rate", 80), (b, "smoke_free_rate", 60), (c, "smoke_free_rate", None),
    )  # fmt: skip
    ratings = pd.DataFrame(
        [(a, "e1", 80.0), (a, "e2", 90.0), (b, "e1", 65.0), (d, "e1", 1.0)],
        columns=["unit", "rater", "score"],
    ).assign(period="2019Q3", stage="expert", method="field", code="Ⅱ-1.1", source="r#s!A1")
    before = clean_of(study.period("2019Q3"))
    before = replace(before, tables=before.tables | {"measures": measures, "ratings": ratings})
    then, _, concerned = on_boundaries_of("2019Q4", before, entered(study.register, changes), study.framework)
    found = then["measures"].set_index(["unit", "metric"])
    assert set(found.index.get_level_values(0)) == {first, second, far} and concerned == {"五华区"}
    assert found["value"][first, "households"] == 5000 and found["value"][second, "households"] == 3000
    assert found["value"][first, "social_org_n"] == 13 and found["value"][second, "social_org_n"] == 6
    # what one part of a sum lacks the sum lacks; the rate of those that told it is (80 * 3 + 60 * 1) / 4
    assert found["state"][first, "law_event_n"] == "missing" and np.isnan(
        found["value"][first, "law_event_n"]
    )
    assert found["value"][first, "smoke_free_rate"] == 75
    assert found["state"][second, "smoke_free_rate"] == "missing"
    # 85 and 65 by 3,000 and 1,000 households
    assert then["ratings"][["unit", "score"]].to_numpy().tolist() == [[first, 80.0]]


def test_districts_that_merge_need_both_of_their_predecessors(tiny: Path) -> None:
    study = cl.open_study(tiny)
    register = entered(study.register, [("五华区", "主城区", 1.0), ("盘龙区", "主城区", 1.0)])
    before = clean_of(study.period("2019Q3"))
    then, of_then, _ = on_boundaries_of("2019Q4", before, register, study.framework)
    assert set(then.districts) == {"主城区", "阳宗海风景区"}
    assert of_then.district_of["盘龙区/怡岚社区"] == "主城区"
    assert "主城区" in set(then["measures"]["unit"]) and "盘龙区" not in set(then["measures"]["unit"])
    late = replace(before, districts=("五华区", "阳宗海风景区"))
    assert on_boundaries_of("2019Q4", late, register, study.framework)[0].districts == ("阳宗海风景区",)


def test_a_change_of_type_moves_no_boundary(tiny: Path) -> None:
    study = cl.open_study(tiny)
    before = clean_of(study.period("2019Q3"))
    register = entered(study.register, [("五华区/永庭社区", "五华区/永庭社区", 1.0)])
    assert on_boundaries_of("2019Q4", before, register, study.framework) == (before, register, frozenset())
