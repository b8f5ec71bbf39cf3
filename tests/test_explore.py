"""Exploring: the line that is shown gives what is shown, and nothing that may not be shown is."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import pandas as pd
import pytest

import commlab as cl
from commlab.cli.lab import kernel_command, lab_command_line
from commlab.errors import ParameterError
from commlab.report.explore import Explore, Question
from commlab.report.explorer import Explorer
from commlab.report.line import Line

pytestmark = pytest.mark.slow
PEOPLE = ("sex", "age_band", "education", "tenure", "hukou")


@pytest.fixture(scope="module")
def study(tiny: Path) -> cl.Study:
    return cl.open_study(tiny)


@pytest.fixture(scope="module")
def explore(study: cl.Study) -> Explore:
    return Explore(study, "zh")


def answered(explore: Explore, asked: Question) -> pd.DataFrame:
    """What the line gives where a person pastes it."""
    return eval(repr(explore.line(asked)), {"study": explore.study})


# -- lines -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (Line("study").then("period", "2019Q4").get("communities"), 'study.period("2019Q4").communities'),
        (Line("x").where(), "x"),
        (Line("x").where(unit=""), "x"),
        (Line("x").where(unit="五华区", type="urban"), "x.query(\"unit == '五华区' and type == 'urban'\")"),
        (Line("x").where(unit=["a", "b"]), "x.query(\"unit in ['a', 'b']\")"),
        (Line("x").pick(["a", "b/c"]), 'x[["a", "b/c"]]'),
        (Line("x").then("merge", Line("y").get("z"), on="u"), 'x.merge(y.z, on="u")'),
    ],
)
def test_a_line_reads_as_it_would_be_typed(line: Line, code: str) -> None:
    assert repr(line) == code


@pytest.mark.parametrize("name", ["a'b", 'a"b', "a\\b", "a\nb", "'; import os #", "{x}", "五华区"])
def test_hostile_names_stay_text(name: str) -> None:
    frame = pd.DataFrame({"unit": [name, "other"], "v": [1, 2]})
    line = Line("frame").where(unit=name).pick(["v"])
    assert line.run({"frame": frame}, {})["v"].tolist() == [1]
    assert eval(repr(line), {"frame": frame})["v"].tolist() == [1]


def test_a_beginning_is_carried_out_once() -> None:
    known: dict[str, object] = {}
    frame = pd.DataFrame({"a": [1, 2]})
    begun = Line("frame").then("head", 1)
    assert begun.pick("a").run({"frame": frame}, known) is known['frame.head(1)["a"]']
    assert begun.run({"frame": None}, known).equals(frame.head(1))


# -- questions -------------------------------------------------------------------------------------------------


def everything(explore: Explore, asked: Question, names: tuple[str, ...]) -> Iterator[Question]:
    """All that can be picked, the fields of ``names`` as they are."""
    if not names:
        yield asked
        return
    for value in explore.choices(names[0], asked):
        yield from everything(explore, replace(asked, **{names[0]: value}), names[1:])


def _quick(asked: Question) -> bool:
    """Groups of people within districts: one kind of group stands for all, each costs seconds to protect."""
    crossed = (asked.group in PEOPLE and asked.district) or (asked.group == "district" and asked.age)
    return not crossed or asked.group == "sex"


def test_whatever_is_picked_nothing_below_the_threshold_is_shown(study: cl.Study, explore: Explore) -> None:
    k = study.config.disclosure["internal"]
    begun = explore.first(period=study.newest, kind="residents")
    names = list(explore.choices("name", begun))
    picks = [
        q
        for group in everything(explore, begun, ("group",))
        for q in everything(explore, explore.fitted(group), ("district", "type", "street", "age"))
        if _quick(q)
    ]
    seen, bases = set(), {}
    for i, asked in enumerate(picks):
        # Item and statistic take turns; the tables that all of them are rows of are gone through below.
        statistics = list(explore.choices("statistic", asked))
        asked = replace(asked, name=names[i % len(names)], statistic=statistics[i % len(statistics)])
        table, line = explore.table(asked), explore.line(asked)
        seen.add((asked.group, bool(asked.district), bool(asked.type), bool(asked.age)))
        base = replace(line, calls=line.calls[:2])
        assert line.calls[1][0] == "satisfaction" and not (table["n"] < k).any()
        bases[repr(base)] = base.run({"study": study}, explore._known)
    assert {
        ("age_band", False, False, True),
        ("community", True, True, False),
        ("sex", True, False, False),
        ("type", False, False, False),
    } <= seen
    withheld = 0
    for base in bases.values():
        blank = base["rule"] != ""
        withheld += blank.sum()
        assert base.loc[blank, ["estimate", "se", "ci_low", "ci_high"]].isna().all(axis=None)
        keys = [c for c in ("district", "community", "type", *PEOPLE) if c in base]
        data = study.period().answers.rename(columns={"unit": "community"})
        for (item, unsure), rows in base[~blank].groupby(["item", base["statistic"] == "dont_know"]):
            given = data[data[item].between(1, 5) | (unsure & (data[item] == 98))]
            counts = given.groupby(keys).size() if keys else pd.Series([len(given)])
            people = (
                counts.reindex(pd.MultiIndex.from_frame(rows[keys]) if len(keys) > 1 else rows[keys[0]])
                if keys
                else counts
            )
            assert (people >= k).all()
    assert withheld > 0 and len(bases) > 5


def test_facts_and_scores_leave_cared_for_people_out(study: cl.Study, explore: Explore) -> None:
    sensitive = {k for k, m in study.framework.metrics.items() if m.sensitive}
    assert sensitive
    groups = set()
    for asked in everything(explore, explore.first(), ("period", "kind", "name", "group")):
        if asked.kind == "residents":
            continue
        assert asked.name.partition("/")[0] not in sensitive
        before = len(groups)
        groups.add((asked.kind, asked.group))
        if asked.group == "candidate":
            assert asked.name not in study.framework.children("Ⅱ-8")
        if len(groups) > before:
            assert not {c for c in explore.table(explore.fitted(asked)) if str(c) in sensitive}
    assert groups == {
        *(("facts", g) for g in ("district", "period", "type", "community")),
        *(("scores", g) for g in ("district", "candidate")),
    }


PICKS = [
    {"kind": "residents", "group": "district"},
    {"kind": "residents", "group": "city", "statistic": "dont_know"},
    {"kind": "residents", "group": "sex", "district": "盘龙区"},
    {"kind": "residents", "group": "age_band", "age": "35-44"},
    {"kind": "residents", "group": "city", "age": "35-44", "statistic": "satisfied"},
    {"kind": "residents", "group": "community", "district": "五华区", "type": "urban"},
    {"kind": "facts", "name": "social_org_n", "group": "community", "type": "converted"},
    {"kind": "facts", "name": "social_org_n", "group": "type", "district": "五华区"},
    {"kind": "facts", "name": "green_violation/litter", "group": "district"},
    {"kind": "facts", "name": "social_org_n", "group": "period"},
    {"kind": "facts", "name": "budget_amount", "group": "district"},
    {"kind": "scores", "name": "total", "group": "district"},
    {"kind": "scores", "name": "Ⅱ-4.1", "group": "district"},
    {"kind": "scores", "name": "Ⅱ-4.1", "group": "candidate", "type": "urban"},
    {"period": "2019Q3", "kind": "residents", "group": "tenure"},
]


@pytest.mark.parametrize("wanted", PICKS, ids=lambda w: "-".join(w.values()))
def test_the_line_that_is_shown_gives_the_table_that_is_shown(
    explore: Explore, wanted: dict[str, str]
) -> None:
    asked = explore.first(**wanted)
    table = explore.table(asked)
    assert len(table)
    pd.testing.assert_frame_equal(answered(explore, asked), table)
    figure = explore.figure(asked)
    assert figure is not None and figure.alt.startswith(explore.title(asked))


def test_facts_are_sums_over_communities(study: cl.Study, explore: Explore) -> None:
    asked = explore.first(kind="facts", name="social_org_n", group="type")
    communities = study.period().communities
    expected = communities.groupby("type")["social_org_n"].sum()
    assert explore.table(asked).set_index("type")["sum"].to_dict() == expected.to_dict()


def test_streets_can_be_picked_where_the_register_has_them(tiny: Path, tmp_path: Path) -> None:
    root = tmp_path / "study"
    shutil.copytree(tiny, root, ignore=shutil.ignore_patterns("notebooks", "processed", "2019Q3"))
    config = root / "study.yaml"
    config.write_text(
        config.read_text(encoding="utf-8").replace("[2019Q3, 2019Q4]", "[2019Q4]"), encoding="utf-8"
    )
    path = root / "data" / "register" / "units.csv"
    units = pd.read_csv(path, dtype="str")
    inside = units["parent"].eq("五华区") & units["level"].eq("community")
    street = {
        "unit": "五华区/华山街道",
        "level": "street",
        "parent": "五华区",
        "name": "华山街道",
        "code": "530102S900",
    }
    units.loc[units.index[inside][:3], "parent"] = street["unit"]
    units.loc[units.index[inside][3:], "parent"] = "五华区/护国街道"
    other = {**street, "unit": "五华区/护国街道", "name": "护国街道", "code": "530102S901"}
    pd.concat([units, pd.DataFrame([street, other])]).to_csv(path, index=False)
    study = cl.open_study(root)
    study.check()
    explore = Explore(study)
    asked = Question("2019Q4", "facts", "social_org_n", "community", district="五华区", street=street["unit"])
    table = explore.table(asked)
    assert set(table["parent"]) == {street["unit"]} and len(table) == 3
    pd.testing.assert_frame_equal(answered(explore, asked), table)
    assert set(explore.table(replace(asked, street=""))["parent"]) == {street["unit"], other["unit"]}
    assert street["unit"] in explore.choices("street", asked) and not explore.choices(
        "street", replace(asked, district="盘龙区")
    ).keys() - {""}
    sums = explore.table(replace(asked, group="street", district="", street=""))
    assert {street["unit"], other["unit"]} <= set(sums["parent"])
    districts = explore.table(replace(asked, group="district", district="", street=""))
    assert set(districts["unit"]) == set(study.register.districts)
    answers = Question("2019Q4", "residents", "q_service", "street", "index")
    told = explore.table(answers)
    assert {street["unit"], other["unit"]} <= set(told["street"])
    assert list(explore.choices("district", answers))[1:] and list(explore.choices("type", answers)) == [""]
    one = explore.table(replace(answers, district="五华区", street=other["unit"]))
    assert one["street"].tolist() == [other["unit"]]
    data = study.period().answers
    asked_there = data[data["q_service"].between(1, 5)].groupby("street").size()
    assert (
        told.loc[told["rule"] == "", "n"].to_numpy() == asked_there[told.loc[told["rule"] == "", "street"]]
    ).all()
    people = replace(asked, kind="residents", name="q_service", statistic="index", type="urban")
    assert f"query(\"type == 'urban' and parent == '{street['unit']}'\")" in repr(explore.line(people))


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"period": "2020Q1"}, "period '2020Q1' is no choice here; choices: 2019Q4, 2019Q3"),
        ({"kind": "residents", "name": "phone"}, "name 'phone' is no choice here; choices: q_"),
        ({"kind": "facts", "name": "care_target_n"}, "name 'care_target_n' is no choice here"),
        ({"kind": "residents", "group": "sex", "age": "35-44"}, "age '35-44' is no choice here; choices: "),
    ],
)
def test_what_cannot_be_picked_is_said(explore: Explore, wanted: dict[str, str], message: str) -> None:
    with pytest.raises(ParameterError) as caught:
        explore.first(**wanted)
    assert message in str(caught.value)


# -- widgets ---------------------------------------------------------------------------------------------------


def test_picking_moves_the_other_fields_and_the_answer(study: cl.Study) -> None:
    explorer = Explorer(study, "2019Q4", "en")
    boxes = {f.name: None for f in fields(Question)}
    assert explorer.box is explorer.box
    boxes = explorer._fields
    boxes["group"].value = "community"
    boxes["type"].value = "urban"
    assert explorer.asked.type == "urban" and "type == 'urban'" in explorer.line
    assert boxes["age"].disabled and not boxes["type"].disabled
    boxes["group"].value = "sex"
    assert explorer.asked.type == "" and boxes["type"].disabled
    for kind in ("facts", "scores"):
        boxes["kind"].value = kind
        assert explorer.asked.kind == kind and boxes["name"].value == explorer.asked.name
        assert all(b.value == getattr(explorer.asked, n) for n, b in boxes.items())
    from html import escape

    shown = " ".join(w.value for w in (explorer._code, explorer._told, explorer._rows, explorer._picture))
    assert (
        escape(explorer.line) in shown and "<table" in shown and "data:image/png" in shown and "alt=" in shown
    )
    assert "模拟数据 / sample data" in shown


def test_lab_opens_the_notebook_with_the_kernel_of_this_python(tiny: Path, tmp_path: Path) -> None:
    assert Path(kernel_command()[0]).resolve() == Path(sys.executable).resolve()
    assert kernel_command()[1:] == ["-m", "ipykernel_launcher", "-f", "{connection_file}"]
    root = tmp_path / "a study"
    shutil.copytree(tiny, root, ignore=shutil.ignore_patterns("notebooks", "raw", "processed"))
    line = lab_command_line(cl.open_study(root))
    assert line[:3] == [sys.executable, "-m", "jupyterlab"]
    assert "--LabApp.default_url=/lab/tree/notebooks/00-explore.ipynb" in line
    assert (root / "notebooks" / "00-explore.ipynb").is_file()
