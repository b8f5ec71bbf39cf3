"""Kunming's way to a name: annex 1 against size and kind, the stages, the random plan, a district's own framework."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from commlab.errors import StudyError
from commlab.report import chapters
from commlab.report.chapters import naming
from commlab.report.chapters.base import Report
from commlab.report.chapters.refined import scores_under
from commlab.report.finding import Finding

PERIOD = "2019Q4"


def findings(section: object) -> list[Finding]:
    return [b for b in section.blocks if isinstance(b, Finding)]  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def city(tiny: Path) -> Report:
    return chapters.open_report(tiny, PERIOD)


def test_annex_1_of_the_whole_city(repository: Path) -> None:
    """昆发〔2018〕14号 附件1: 742 = 309 + 433, 100 places, 35 in phase 1; eleven districts have the least, 2."""
    report = chapters.open_report(repository, PERIOD)
    found = findings(chapters.quotas(report))[0]
    table = found.table.set_index("unit")
    assert (table["size"].sum(), table["all"].sum(), table["now"].sum(), len(table)) == (742, 100, 35, 18)
    assert table[["urban", "converted"]].sum().tolist() == [309, 433]
    assert (table["all"] == 2).sum() == 11 and table["alone"].sum() == 100
    assert table.loc["石林县", "per"] == 50 and table.loc["东川区", "per"] == pytest.approx(200 / 35)
    assert table.loc["安宁市", "difference"] == 2  # 35 of 742 communities: 4.7 places by size, 7 printed
    assert "其余65个文件未再分解" in found.text and "11个单位为最低名额2个" in found.text


def test_annex_1_of_three_districts_whose_places_are_alike(city: Report) -> None:
    found = findings(chapters.quotas(city))[0]
    assert found.table["all"].tolist() == [2, 2, 2] and "等级相关" not in found.text


def test_every_candidate_from_application_to_acceptance(city: Report) -> None:
    rows = naming.stage_table(city)
    assert len(rows) == city.study.register.candidates["unit"].nunique()
    assert rows["applied_on"].notna().all() and (rows["lacking"].map(len) == 0).all()
    one = rows.iloc[0]
    rated = city.period.ratings[city.period.ratings["unit"] == one["unit"]]
    wide = rated.groupby(["code", "stage"])["score"].mean().unstack().dropna()
    assert one[["self_mean", "district_mean", "expert_mean"]].tolist() == pytest.approx(
        wide[["self", "district", "expert"]].mean().tolist()
    )


def test_what_stands_in_the_way_of_acceptance_is_named(city: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    ratings, problems = city.period.ratings, city.period.result("problem_states")
    units = naming.stage_table(city)["unit"]
    spoilt = problems.assign(state=problems["state"].where(problems["unit"] != units[3], "overdue"))
    fresh = chapters.open_report(city.study.root, PERIOD)
    fresh.period._tables["ratings"] = ratings[(ratings["unit"] != units[0]) | (ratings["stage"] != "self")]
    fresh.period._results["problem_states"] = spoilt
    asked = city.period.result("satisfaction")
    fresh.period._results["satisfaction"] = asked[asked["unit"] != units[1]]
    rows = naming.stage_table(fresh).set_index("unit")["lacking"]
    assert rows[units[0]] == ["self"] and rows[units[1]] == ["residents"] and rows[units[3]] == ["problems"]
    by, each = findings(chapters.stages(fresh))
    assert by.table["ready"].sum() == len(units) - 3 and "缺自评" in set(each.table["state"])
    # whoever is not ready fills no place, however well it scores
    assert (by.table["both"] <= by.table["quota"]).all() and by.table["open"].sum() >= 1


def test_residents_of_small_communities_are_protected(city: Report) -> None:
    rows = naming.stage_table(city)
    shown = findings(chapters.stages(city))[-1].table.set_index("unit")["residents"]
    hidden = rows.loc[(rows["rule"] != "") & (rows["rule"] != "merged"), "unit"]
    assert len(hidden) and set(shown[hidden]) == {"*"}


def test_the_plan_is_random_complete_and_drawn_again(city: Report) -> None:
    given = city.study.config.options["naming"]["handout"]
    plan, again = naming.plan_of(city, given), naming.plan_of(city, given)
    pd.testing.assert_frame_equal(plan, again)
    frame = city.study.register.survey_frame.query("period == @PERIOD").set_index("unit")
    assert plan.groupby("unit")["n"].sum().to_dict() == frame["issued"].to_dict()
    assert plan.groupby("unit")["n"].agg(lambda n: n.max() - n.min()).max() <= 1
    assert plan["on"].between(given["from"].isoformat(), given["to"].isoformat()).all()
    assert not plan.duplicated(["unit", "point"]).any()
    counted = city.period.measures.query("metric == 'estate_n'").set_index("unit")["value"]
    gates = plan[plan["point"].str.contains("号小区门口")]
    assert (gates["point"].str.extract(r"(\d+)")[0].astype(int) <= gates["unit"].map(counted)).all()
    with pytest.raises(StudyError, match="handout: every is missing"):
        naming.plan_of(city, {k: v for k, v in given.items() if k != "every"})


def test_the_plan_s_gates_are_drawn_alike(city: Report) -> None:
    """Every gate of a community has the same chance: over many seeds each is drawn about equally often."""
    given = city.study.config.options["naming"]["handout"]
    unit = city.study.register.survey_frame.query("period == @PERIOD")["unit"].iloc[0]
    n = int(city.period.measures.query("metric == 'estate_n' and unit == @unit")["value"].iloc[0])
    from commlab.survey import draw_sample

    gates = pd.DataFrame({"unit": unit, "no": range(1, n + 1)})
    drawn = [
        draw_sample(gates, {unit: given["points"]}, strata="unit", how="random", seed=s)["no"]
        for s in range(250)
    ]
    share = pd.concat(drawn).value_counts() / 250
    assert share.sub(given["points"] / n).abs().max() < 0.15


def test_a_district_s_own_framework_has_a_section_and_touches_nothing_else(tiny: Path) -> None:
    own = chapters.open_report(tiny, PERIOD, "盘龙区", "en")
    told, scores = findings(chapters.own_framework(own))
    assert set(told.table["code"]) == {"Ⅱ-4.1", "Ⅱ-9.5", "Ⅱ-10.5"} and "official" not in set(
        told.table["key"]
    )
    table = scores.table.set_index("code")
    same = table.drop(["Ⅱ-4", "Ⅱ-9", "Ⅱ-10", "total"])
    assert same["difference"].abs().max() < 1e-9, "what it does not change scores alike"
    assert table.loc["Ⅱ-4", "difference"] <= 0, "12 and 6 ask for more than 10 and 5"
    assert table.loc["Ⅱ-10", "difference"] != 0 and table.loc["total", "difference"] != 0
    assert chapters.own_framework(chapters.open_report(tiny, PERIOD, "五华区")) is None
    assert chapters.own_framework(chapters.open_report(tiny, PERIOD)) is None


def test_the_city_s_own_framework_gives_its_own_scores(tiny: Path) -> None:
    report = chapters.open_report(tiny, PERIOD)
    mine = scores_under(report.study, report.period, report.study.framework, ["五华区"])
    stored = report.period.scores("district").query("unit == '五华区'").set_index("code")["score"]
    again = mine.query("unit == '五华区'").set_index("code")["score"].reindex(stored.index)
    pd.testing.assert_series_equal(again, stored, atol=1e-9, check_names=False)


def test_a_refinement_that_is_not_there_is_refused(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = chapters.open_report(tiny, PERIOD, "盘龙区")
    monkeypatch.setitem(report.study.config.options, "refinements", {"盘龙区": "frameworks/none.yaml"})
    with pytest.raises(StudyError, match=r"data/register/frameworks/none.yaml is missing"):
        chapters.own_framework(report)
