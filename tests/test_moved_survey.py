"""Change of the survey across mergers, moves, renamings and splits: the same answers on another map are no change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import commlab as cl
from commlab.report import chapters
from commlab.study import surveyed
from commlab.study.later import Redrawn, redrawn
from commlab.study.results import Clean
from commlab.study.surveyed import answered, survey
from tests.test_moved import clean_of, entered


def change(study, before: Clean, after: Clean, register) -> pd.DataFrame:
    out = survey(answered(after, study.config, register), study.config, register, before)["change"]
    return out.set_index(["level", "unit", "item"])


def quarters(study, rename: dict[str, str]) -> tuple[Clean, Clean]:
    """A quarter, and the next with the very same answers told of the later units."""
    before = clean_of(study.period("2019Q3"))
    told = before["responses"].replace({"unit": rename})
    return before, replace(before, period="2019Q4", tables=before.tables | {"responses": told})


def later_frame(register, rename: dict[str, str]):
    """The frame of the later quarter is the earlier one's with the later names; of merged units one line."""
    frame = register.frame_of("2019Q3")
    now = frame.assign(period="2019Q4", unit=frame["unit"].replace(rename))
    now["adults"] = now.groupby("unit")["adults"].transform("sum")
    return replace(register, survey_frame=pd.concat([frame, now.drop_duplicates("unit")], ignore_index=True))


def merged_districts(register) -> dict[str, str]:
    """Two districts become one, and their communities are called after it."""
    rename = {"五华区": "主城区", "盘龙区": "主城区"}
    inside = [u for u in register.communities["unit"] if u.partition("/")[0] in rename]
    return rename | {u: f"主城区/{u.partition('/')[0][:1]}{u.partition('/')[2]}" for u in inside}


@pytest.mark.parametrize("case", ["renamed", "moved", "districts"])
def test_the_same_answers_on_another_map_do_not_change(tiny: Path, case: str) -> None:
    study = cl.open_study(tiny)
    rename = {
        "renamed": {"五华区/新屯社区": "五华区/新新社区"},
        "moved": {"五华区/新屯社区": "盘龙区/新屯社区"},
        "districts": merged_districts(study.register),
    }[case]
    register = later_frame(entered(study.register, [(b, a, 1.0) for b, a in rename.items()]), rename)
    before, after = quarters(study, rename)
    if case == "districts":
        after = replace(after, districts=("主城区", "阳宗海风景区"))
    found = change(study, before, after, register)
    assert found["estimate"].abs().max() < 1e-9  # it would be points where names are not followed
    assert set(found.loc["district"].index.get_level_values("unit")) == set(after.districts)
    # clusters meet again under their new names: their covariance is that of a map that stayed
    same = change(study, before, replace(before, period="2019Q4"), study.register)
    city = found.loc[["city"], ["estimate", "se", "df"]]
    pd.testing.assert_frame_equal(city, same.loc[["city"], ["estimate", "se", "df"]], atol=1e-9)


def test_merged_communities_are_one_cluster_and_the_change_is_by_hand(tiny: Path) -> None:
    study = cl.open_study(tiny)
    frame = study.register.frame_of("2019Q3")
    asked = set(clean_of(study.period("2019Q3"))["responses"]["unit"])
    own = frame[frame["unit"].isin(asked) & frame["unit"].str.startswith("五华区/")]
    pair = own.groupby("stratum")["unit"].agg(list)
    pair = next(names[:2] for names in pair if len(names) > 1)
    rename = dict.fromkeys(pair, "五华区/并社区")
    register = later_frame(entered(study.register, [(b, a, 1.0) for b, a in rename.items()]), rename)
    before, after = quarters(study, rename)
    placed = redrawn("2019Q4", "2019Q3", before.districts, register).placed(
        answered(before, study.config, study.register).data
    )
    joined = placed[placed["unit"] == "五华区/并社区"]
    assert joined["adults"].unique().tolist() == [own.set_index("unit")["adults"][pair].sum()]
    assert len(joined) and not placed["unit"].isin(pair).any()
    assert placed["base_weight"].sum() == pytest.approx(
        answered(before, study.config, study.register).data["base_weight"].sum()
    )
    found = change(study, before, after, register)
    item = found.loc["city"].index[0][1]
    then, now = (answered(c, study.config, r).data for c, r in ((before, study.register), (after, register)))
    valid = [d[d[item].between(1, 5)] for d in (then, now)]
    means = [(np.average(d[item], weights=d["base_weight"]) - 1) / 4 * 100 for d in valid]
    row = found.loc[("city", "昆明市", item)]
    assert row[["before", "after"]].tolist() == pytest.approx(means)


def test_of_several_strata_the_largest_takes_the_name() -> None:
    answers = pd.DataFrame(
        {
            "unit": ["a", "a", "b", "c"], "stratum": ["s", "s", "t", "s"], "adults": [10.0, 10.0, 90.0, 5.0],
            "district": "d", "base_weight": 1.0,
        }
    )  # fmt: skip

    map_ = Redrawn({"a": "n", "b": "n"}, {"a": "e", "b": "e"}, frozenset(["c"]), frozenset(), frozenset())
    out = map_.placed(answers)
    assert out["unit"].tolist() == ["a", "a", "n", "c"] and out["district"].tolist() == ["e", "e", "e", "d"]
    assert out["adults"].tolist() == [10, 10, 90, 5] and out["base_weight"].tolist() == [1, 1, 1, 0]


@pytest.mark.parametrize(
    ("changes", "reported", "concerned", "lacking", "gone"),
    [
        ([], None, None, None, None),
        ([("五华区/新屯社区", "五华区/新屯社区", 1.0)], None, None, None, None),  # a change of type
        ([("五华区/新屯社区", "五华区/新新社区", 1.0)], None, {"五华区"}, set(), set()),
        ([("五华区/新屯社区", None, 1.0)], None, {"五华区"}, set(), {"五华区/新屯社区"}),
        # split inside a district, over two, and off a unit that goes on
        ([("五华区/新屯社区", "五华区/甲", 0.5), ("五华区/新屯社区", "五华区/乙", 0.5)], None, {"五华区"}, set(), set()),
        ([("五华区/新屯社区", "五华区/甲", 0.5), ("五华区/新屯社区", "盘龙区/乙", 0.5)], None, {"五华区", "盘龙区"}, {"五华区", "盘龙区"}, set()),
        ([("五华区/新屯社区", "五华区/新屯社区", 0.7), ("五华区/新屯社区", "盘龙区/乙", 0.3)], None, {"五华区", "盘龙区"}, {"五华区", "盘龙区"}, set()),
        # it comes from a district that could not be reported
        ([("五华区/新屯社区", "盘龙区/新屯社区", 1.0)], ["盘龙区", "阳宗海风景区"], {"五华区", "盘龙区"}, {"盘龙区"}, set()),
    ],
)  # fmt: skip
def test_what_is_comparable(tiny: Path, changes, reported, concerned, lacking, gone) -> None:
    register = cl.open_study(tiny).register
    if changes:
        register = entered(register, changes)
    map_ = redrawn("2019Q4", "2019Q3", reported or register.districts, register)
    if concerned is None:
        assert map_ is None
    else:
        assert (map_.concerned, map_.lacking, map_.gone) == (concerned, lacking, gone)


def test_a_split_over_districts_is_left_out_and_the_pages_say_why(tiny: Path, monkeypatch) -> None:
    study = cl.open_study(tiny)
    a = "五华区/新屯社区"
    register = entered(study.register, [(a, a, 0.7), (a, "盘龙区/新屯东社区", 0.3)])
    before, after = quarters(study, {})
    found = change(study, before, after, later_frame(register, {}))
    assert set(found.loc["district"].index.get_level_values("unit")) == {"阳宗海风景区"}
    for unit, told in (("五华区", "Its change is not told"), (None, "Left out, because not all")):
        report = chapters.open_report(tiny, "2019Q4", unit, "en")
        real = type(report.period).result
        rows = found.reset_index()
        monkeypatch.setattr(report.study, "register", register)
        monkeypatch.setattr(
            type(report.period),
            "result",
            lambda s, n, real=real, rows=rows: rows if n == "change" else real(s, n),
        )
        blocks = chapters.change(report).blocks
        notes = [b for b in blocks if isinstance(b, str)] + [
            n for b in blocks for n in getattr(b, "notes", ())
        ]
        assert any(told in n for n in notes)


def test_few_people_who_moved_are_not_told_by_the_difference_of_two_maps(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index of a district was published with them and would now be told without them."""
    study = cl.open_study(tiny)
    rename = {"五华区/新屯社区": "盘龙区/新屯社区"}
    register = later_frame(entered(study.register, [(b, a, 1.0) for b, a in rename.items()]), rename)
    before, after = quarters(study, rename)
    few = before["responses"]
    few = few.drop(few.index[few["unit"].eq("五华区/新屯社区")][5:])
    before = replace(before, tables=before.tables | {"responses": few})
    found = change(study, before, after, register)
    assert set(found.loc["district"].loc[["五华区", "盘龙区"], "rule"]) == {"R4"}
    assert found.loc["district"].loc[["五华区", "盘龙区"], "before"].isna().all()
    monkeypatch.setattr(surveyed, "_carried", lambda *_, **__: None)
    assert change(study, before, after, register).loc["district"]["before"].notna().any()


# --- units that have ended, or have not begun -------------------------------------------------------------------------


def test_only_units_that_exist_are_counted_and_asked_for(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from commlab.intake.checks import check_measures
    from commlab.study.later import living
    from commlab.study.register import _places

    study = cl.open_study(tiny)
    a, b = "五华区/永庭社区", "五华区/银庭社区"
    register = entered(study.register, [(a, "五华区/永银社区", 1.0), (b, "五华区/永银社区", 1.0)])
    inside = study.register.communities["unit"].map(study.register.district_of).eq("五华区").sum()
    assert len(living(register.units, "2019Q4")) == len(study.register.units) - 1
    assert set(living(register.units, "2019Q3")["unit"]) == set(study.register.units["unit"])
    # annex 1 stays true as it was printed, before the merger; a table of today's communities is true, too
    _places(register, study.config.quotas, "2019Q4")
    monkeypatch.setattr(study, "register", register)
    report = chapters.open_report(tiny, "2019Q4", "五华区", "en")
    monkeypatch.setattr(report.study, "register", register)
    assert f"{inside - 1} communities" in chapters.method(report).blocks[0].table.to_string()
    # neither who has ended nor who is still to come is asked for
    measures = study.period("2019Q3").measures
    told = check_measures(measures[measures["unit"] != b], units=register.units)
    missing = told[told["rule"] == "unit missing"]
    assert missing["after"].str.contains("银庭").all() and not missing["after"].str.contains("永银").any()
