"""Gap lists, costs, means, the order of naming and training windows: each case by hand, with its arithmetic beside it."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import commlab as cl
from commlab.cli.init import init_study
from commlab.errors import CommlabError, DataError, ParameterError
from commlab.framework import Framework, load_framework
from commlab.processes import gap_list, mean_norms, mending_costs, naming_order, training_windows
from commlab.report import chapters
from commlab.report.finding import blocks
from commlab.scoring import collect

FRAME = load_framework("zhongshan_2018")
DAY = pd.Timestamp("2018-12-31")


def evidence(
    values: dict[str, float], *, frame: Framework = FRAME, kind: str = "new", below: bool = False
) -> pd.DataFrame:
    """Evidence of one committee (and, where asked, of an estate without one) with these figures."""
    units = [("街", "city", None, None), ("甲", "district", "街", kind)]
    units += [("甲/新苑", "compound", "甲", "acting")] if below else []
    table = pd.DataFrame(units, columns=["unit", "level", "parent", "type"])
    table["scored"] = table["unit"] == "甲"
    rows = [
        {
            "as_of": DAY, "unit": "甲/新苑" if key.startswith("estate") else "甲", "metric": key.partition("/")[0],
            "item": key.partition("/")[2] or None, "value": value, "state": "missing" if math.isnan(value) else "observed",
        }
        for key, value in values.items()
    ]  # fmt: skip
    return collect(frame, measures=pd.DataFrame(rows), ratings=None, survey=None, units=table)


def gap(values: dict[str, float], code: str, part: str, **more: object) -> tuple[str, float]:
    tolerance = more.pop("tolerance", None)
    rows = gap_list(FRAME, evidence(values, **more), tolerance=tolerance)  # type: ignore[arg-type]
    row = rows[(rows["code"] == code) & (rows["part"] == part)].iloc[0]
    return row["state"], row["short"]


# ------------------------------------------------------------------------------------------------- gaps

MEMBERS = {"member_n": 9.0}


@pytest.mark.parametrize(
    ("values", "code", "part", "state", "short"),
    [
        ({"premises_m2": 640}, "1.2", "premises", "met", 0),  # exactly 640
        ({"premises_m2": 639.5}, "1.2", "premises", "short", 0.5),
        ({"premises_m2": math.nan}, "1.2", "premises", "missing", math.nan),
        ({"open_office_m2": 30}, "1.2", "open_office", "met", 0),
        ({"open_office_m2": 22}, "1.2", "open_office", "advice", 8),  # 一般: advice, not a failure
        ({"member_n": 5}, "5.1", "members", "met", 0),  # both ends belong to 5-9
        ({"member_n": 9}, "5.1", "members", "met", 0),
        ({"member_n": 4}, "5.1", "members", "advice", 1),
        ({"member_n": 11}, "5.1", "members", "advice", 2),
        (MEMBERS | {"fulltime_n": 6}, "5.1", "fulltime", "met", 0),  # 6 of 9 is two thirds exactly
        ({"member_n": 7, "fulltime_n": 4}, "5.1", "fulltime", "advice", 1),  # 14/3 = 4.67: 5 needed
        ({"member_n": 5, "local_n": 4}, "5.1", "local", "met", 0),  # 80 % exactly
        ({"member_n": 9, "local_n": 7}, "5.1", "local", "advice", 1),  # 7.2: 8 needed
        ({"member_n": 0, "local_n": 0}, "5.1", "local", "not_applicable", math.nan),
        ({"director_due_n": 1, "director_trained_n": 0}, "5.3", "director", "short", 1),
        ({"staff_due_n": 10, "staff_trained_n": 7}, "5.3", "staff", "short", 3),
        ({"access_list": 0}, "2.1", "main", "short", 1),
        ({"access_list": 1}, "2.1", "main", "met", 0),
    ],
)  # fmt: skip
def test_every_numeric_norm_by_hand(
    values: dict[str, float], code: str, part: str, state: str, short: float
) -> None:
    found = gap({k: float(v) for k, v in values.items()}, code, part)
    assert found[0] == state and found[1] == pytest.approx(short, nan_ok=True)


def test_premises_of_old_communities_are_advice() -> None:
    assert gap({"premises_m2": 500.0}, "1.2", "premises_old", kind="settled") == ("advice", 140.0)
    assert gap({"premises_m2": 500.0}, "1.2", "premises", kind="settled")[0] == "not_applicable"


@pytest.mark.parametrize(
    ("households", "tolerance", "state", "short"),
    [
        (1500, None, "met", 0), (1700, None, "advice", 200), (900, None, "met", 0),
        (1800, 0.2, "met", 0), (1801, 0.2, "advice", 301), (1200, 0.2, "met", 0), (1199, 0.2, "advice", 301),
    ],
)  # fmt: skip
def test_about_reaches_to_both_sides(
    households: int, tolerance: float | None, state: str, short: float
) -> None:
    given_ = {"1.1/size": tolerance} if tolerance else None
    assert gap({"households_occupied": float(households)}, "1.1", "size", tolerance=given_) == (state, short)


@pytest.mark.parametrize(("occupied", "state"), [(180, "short"), (179, "met"), (181, "short"), (0, "met")])
def test_an_estate_needs_a_committee_from_three_tenths(occupied: int, state: str) -> None:
    values = {"estate_homes": 600.0, "estate_occupied": float(occupied)}  # 180 of 600 is 30 % exactly: set up
    assert gap(values, "1.1", "set_up", below=True) == (state, float(state == "short"))


def test_points_of_a_list_are_told_one_by_one() -> None:
    rooms = {"place/office": 1.0, "place/mediation": 0.0, "place/meeting": 1.0, "place/activity": math.nan}
    rows = gap_list(FRAME, evidence(rooms)).query("code == '1.3' and part == 'rooms'")
    assert rows.set_index("item")["state"].to_dict() == {
        "place/office": "met", "place/mediation": "short", "place/meeting": "met", "place/activity": "missing",
    }  # fmt: skip
    lists = {"unified": 5, "rooms": 4, "stations": 2, "boards": 2}
    parts = {p.part: p for p in FRAME.parts("1.3")}
    assert {k: len(parts[k].items) for k in lists} == {k: parts[k].params["of"] for k in lists} == lists


def test_tolerances_belong_to_soft_numbers() -> None:
    rows = evidence({"premises_m2": 600.0})
    for tolerance in (
        {"1.2/premises": 0.1},
        {"5.1/members": 0.1},
        {"9.9/x": 0.1},
        {"1.1/size": 1.5},
        {"1.1/size": True},
    ):
        with pytest.raises(ParameterError, match="tolerance"):
            gap_list(FRAME, rows, tolerance=tolerance)
    with pytest.raises(DataError, match="lacks the columns"):
        gap_list(FRAME, pd.DataFrame({"unit": ["甲"]}))
    assert gap_list(FRAME, rows.head(0)).empty


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 40), st.integers(0, 40))
def test_law_what_is_short_is_the_least_that_mends(members: int, given_: int) -> None:
    have = min(given_, members)
    row = {
        "unit": "甲",
        "code": "5.1",
        "part": "fulltime",
        "item": None,
        "value": have / members,
        "state": "observed",
    }
    told = pd.DataFrame([row | {"numerator": float(have), "denominator": float(members), "role": "main"}])
    state, short = gap_list(FRAME, told)[["state", "short"]].iloc[0]
    assert 3 * (have + short) >= 2 * members  # enough, in whole numbers
    assert short == 0 or 3 * (have + short - 1) < 2 * members  # one fewer is not
    assert (state == "met") == (short == 0)


# ----------------------------------------------------------------------------------------- means, money


def test_the_mean_decides_and_the_share_stands_beside_it() -> None:
    money = {"甲": 60000.0, "乙": 80000.0, "丙": 100000.0}
    rows = [
        {"as_of": DAY, "unit": u, "metric": "office_fund", "value": v, "state": "observed"}
        for u, v in money.items()
    ]
    found = mean_norms(FRAME, pd.DataFrame(rows), ["甲", "乙", "丙", "丁"]).iloc[0]
    assert (found["mean"], found["met"], found["n"], found["of"], found["reach"]) == (80000.0, True, 3, 4, 2)
    assert found["lacking"] == 0 and "三（六）1" in found["article"]
    rows[0]["value"] = 59999.0
    found = mean_norms(FRAME, pd.DataFrame(rows), list(money)).iloc[0]
    assert not found["met"] and found["lacking"] == pytest.approx(1.0)
    assert mean_norms(FRAME, pd.DataFrame(rows).head(0), ["甲"]).empty
    with pytest.raises(DataError, match="lack the columns"):
        mean_norms(FRAME, pd.DataFrame({"unit": ["甲"]}), ["甲"])


def test_costs_are_given_where_there_is_a_price_and_never_zero_without_one() -> None:
    values = {
        "premises_m2": 600.0,
        "access_list": 0.0,
        "place/office": 0.0,
        "place/meeting": 0.0,
        "open_office_m2": 20.0,
    }
    costs = mending_costs(
        gap_list(FRAME, evidence(values)),
        {"1.2/premises": 1000, "1.3/rooms": 500.0, "1.3/rooms/place/meeting": 800, "1.2/open_office": 0},
    ).set_index(["code", "part", "item"])["cost"]  # fmt: skip
    assert costs["1.2", "premises", ""] == 40000.0  # 40 m2 at 1,000
    assert costs["1.3", "rooms", "place/office"] == 500.0 and costs["1.3", "rooms", "place/meeting"] == 800.0
    assert costs["1.2", "open_office", ""] == 0.0 and math.isnan(costs["2.1", "main", ""])
    with pytest.raises(ParameterError, match="no norm or point"):
        mending_costs(gap_list(FRAME, evidence(values)), {"1.2/premise": 1})
    for price in (-1, math.inf, math.nan, "3", True):
        with pytest.raises(ParameterError, match="prices"):
            mending_costs(gap_list(FRAME, evidence(values)), {"1.2/premises": price})  # type: ignore[dict-item]


# --------------------------------------------------------------------------------------------- naming


def states(**by_unit: str) -> pd.DataFrame:
    """A gap list of one hard norm a unit."""
    rows = [
        {"unit": u, "code": "1.2", "part": "premises", "soft": s == "advice", "state": s}
        for u, s in by_unit.items()
    ]
    return pd.DataFrame(rows)


def test_places_go_to_those_who_meet_every_hard_norm_best_first() -> None:
    gaps = states(a="met", b="short", c="advice", d="missing", e="met", f="met")
    scores = pd.Series({"a": 90.0, "b": 99.0, "c": 95.0, "d": 98.0, "e": 80.0, "f": 70.0})
    found = naming_order(gaps, scores, {"区级": 2, "街道级": 1}).set_index("unit")
    assert found["level"].to_dict() == {"c": "区级", "a": "区级", "e": "街道级", "f": "", "d": "", "b": ""}
    assert found.loc["b", ["lacking", "unknown", "ready"]].tolist() == [1, 0, False]
    assert found.loc["d", ["lacking", "unknown", "ready"]].tolist() == [0, 1, False]
    assert found.loc["c", ["advice", "ready"]].tolist() == [1, True]
    among = naming_order(gaps, scores, {"区级": 1}, among=["e", "f", "b"])
    assert among["unit"].tolist() == ["e", "f", "b"] and among["level"].tolist() == ["区级", "", ""]
    wishes = naming_order(
        gaps, scores, {"区级": 2, "街道级": 2}, wishes={"c": "街道级", "a": "区级", "e": "区级"}
    )
    assert wishes.set_index("unit")["level"].to_dict() == {
        "c": "街道级", "a": "区级", "e": "区级", "f": "", "d": "", "b": "",
    }  # fmt: skip


def test_equal_scores_at_the_last_place_are_left_to_people() -> None:
    gaps = states(a="met", b="met", c="met")
    found = naming_order(gaps, pd.Series({"a": 90.0, "b": 80.0, "c": 80.0}), {"区级": 2}).set_index("unit")
    assert found["level"].to_dict() == {"a": "区级", "b": "", "c": ""} and found["tied"].tolist() == [
        False,
        True,
        True,
    ]
    assert naming_order(gaps, pd.Series({"a": 1.0}), {"区级": 0})["level"].eq("").all()
    for places in ({"区级": -1}, {"区级": 1.5}, {"区级": True}):
        with pytest.raises(ParameterError, match="places"):
            naming_order(gaps, pd.Series({"a": 1.0}), places)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="wishes"):
        naming_order(gaps, pd.Series({"a": 1.0}), {"区级": 1}, wishes={"a": "市级"})


# ------------------------------------------------------------------------------------------- trainings


@pytest.mark.parametrize(
    ("post", "since", "dates", "state", "due"),
    [
        ("成员", "2015-01-01", ["2017-01-01"], "trained", "2019-01-01"),  # the first day of (2016-12-31, 2018-12-31]
        ("成员", "2015-01-01", ["2016-12-31"], "overdue", "2018-12-31"),  # a day too early
        ("成员", "2015-01-01", ["2018-12-31"], "trained", "2020-12-31"),
        ("成员", "2015-01-01", ["2019-01-01"], "overdue", "2017-01-01"),  # after the day: does not count
        ("成员", "2015-01-01", [], "overdue", "2017-01-01"),
        ("成员", "2017-01-01", [], "not_yet_due", "2019-01-01"),  # in the post for less than the window
        ("成员", None, [], "overdue", None),
        ("主任", "2015-01-01", ["2017-12-31"], "overdue", "2018-12-31"),
        ("主任", "2015-01-01", ["2018-02-28", "2018-02-28"], "trained", "2019-02-28"),
        ("顾问", "2015-01-01", ["2018-02-28"], "unknown", None),
    ],
)  # fmt: skip
def test_windows_by_dates(
    post: str, since: str | None, dates: list[str], state: str, due: str | None
) -> None:
    people = pd.DataFrame({"unit": ["甲"], "key": ["01"], "category": [post], "on": pd.to_datetime([since])})
    held = pd.DataFrame({"unit": "甲", "key": "01", "on": pd.to_datetime(dates)})
    years = {
        "主任": FRAME.constant("director_window").number(),
        "成员": FRAME.constant("member_window").number(),
    }
    row = training_windows(people, held, on=DAY, years=years).iloc[0]
    assert row["state"] == state
    assert row["due"] == pd.Timestamp(due) if due else pd.isna(row["due"])
    assert row["n"] == len(
        {d for d in dates if row["opens"] <= pd.Timestamp(d) <= DAY} if state != "unknown" else set(dates)
    )


def test_a_window_that_ends_on_a_leap_day() -> None:
    people = pd.DataFrame(
        {"unit": ["甲"], "key": ["01"], "category": ["主任"], "on": pd.to_datetime(["2015-01-01"])}
    )
    held = pd.DataFrame({"unit": ["甲"], "key": ["01"], "on": pd.to_datetime(["2019-03-01"])})
    found = training_windows(people, held, on="2020-02-29", years={"主任": 1})
    assert found["state"].tolist() == ["trained"] and found["opens"].tolist() == [pd.Timestamp("2019-03-01")]


def test_people_and_windows_are_checked() -> None:
    people = pd.DataFrame(
        {
            "unit": ["甲", "甲"],
            "key": ["01", "01"],
            "category": "主任",
            "on": pd.to_datetime(["2015-01-01"] * 2),
        }
    )
    held = pd.DataFrame({"unit": [], "key": [], "on": pd.to_datetime([])})
    with pytest.raises(DataError, match="more than once"):
        training_windows(people, held, on=DAY, years={"主任": 1})
    with pytest.raises(DataError, match="lacks the columns"):
        training_windows(people[["unit"]], held, on=DAY, years={"主任": 1})
    for years in (0, 1.5, True):
        with pytest.raises(ParameterError, match="window"):
            training_windows(people.head(1), held, on=DAY, years={"主任": years})
    with pytest.raises(DataError, match="no date: later"):
        training_windows(people.head(1).assign(on="later"), held, on=DAY, years={"主任": 1})
    empty = training_windows(people.head(0), held, on=DAY, years={"主任": 1})
    assert empty.empty and str(empty["due"].dtype).startswith("datetime64")


# ---------------------------------------------------------------------------------- numbers are data


def test_the_framework_holds_the_documents_numbers_and_the_code_none(repository: Path) -> None:
    printed = {
        (p.code, p.part): tuple(str(p.params[k]) for k in ("target", "low", "high", "of") if k in p.params)
        for code in FRAME.leaves for p in FRAME.parts(code) if p.official
    }  # fmt: skip
    assert printed == {
        ("1.1", "size"): ("1500",), ("1.1", "set_up"): ("3/10",), ("1.2", "premises"): ("640",), ("1.2", "premises_old"): ("640",),
        ("1.2", "open_office"): ("30",), ("1.3", "unified"): ("5",), ("1.3", "rooms"): ("4",), ("1.3", "stations"): ("2",),
        ("1.3", "boards"): ("2",), ("2.3", "main"): ("5",), ("5.1", "members"): ("5", "9"), ("5.1", "fulltime"): ("2/3",),
        ("5.1", "local"): ("0.8",), ("5.3", "director"): ("1",), ("5.3", "staff"): ("1",), ("5.4", "main"): ("4",),
        ("6.1", "office"): ("80000",), ("6.1", "autonomy"): ("20000",),
    }  # fmt: skip
    assert {k: int(c.number()) for k, c in FRAME.constants.items()} == {
        "demo_district": 9, "demo_street": 10, "promoted": 10, "director_window": 1, "member_window": 2,
    }  # fmt: skip
    for name in ("processes/norms.py", "report/chapters/norms.py", "report/chapters/promotion.py"):
        code = re.sub(
            r'(?s:""".*?""")|#[^\n]*', "", (repository / "commlab" / name).read_text(encoding="utf-8")
        )
        found = {float(n) for n in re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])", code.replace("_", ""))}
        assert found <= {0.0, 1.0, 2.0, 1.5, 1.6, 1.8}, (name, found)


# ------------------------------------------------------------------------------- chapters of the template


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as a study of its first year, checked, with its results."""
    root = tmp_path_factory.mktemp("street") / "study"
    init_study(root, template="zhongshan")
    config = root / "study.yaml"
    config.write_text(
        config.read_text(encoding="utf-8").replace("periods: [2018, 2019]", "periods: [2018]"),
        encoding="utf-8",
    )
    study = cl.open_study(root)
    assert study.check().exit_code == 0
    study.period("2018").build()
    return root


def told(root: Path, period: str, unit: str | None, chapter: str, language: str = "zh") -> str:
    section = getattr(chapters, chapter)(chapters.open_report(root, period, unit, language))
    return "" if section is None else " ".join(str(block) for block, _ in blocks(section))


def test_the_street_is_told_norms_means_and_estates(street: Path) -> None:
    text = told(street, "2018", None, "gaps")
    assert "平均为20,000 元，达到" in text  # a mean of exactly 2 万元 is met
    assert "180/600" in text and "3个小区中有2个达到要求" in text  # 30 % exactly: a committee is due
    committee = told(street, "2018", "谷雨居委会", "gaps")
    assert "未知数额" in committee or "没有单价" in committee
    assert "县区" not in text + committee and "社区达标情况" not in text


def test_the_two_rounds_of_naming(street: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = told(street, "2018", None, "promotion")
    assert "可参加命名的居委会20个" in first and "区级9个名额" in first and "街道级10个名额" in first
    assert "district level" in told(street, "2018", None, "promotion", "en")
    report = chapters.open_report(street, "2018", None, "zh")
    options = dict(report.study.config.options["norms"])
    options["rounds"] = {"2018": {"levels": {"区级": "promoted"}, "from": "街道级"}}
    monkeypatch.setattr(report.study, "config", replace(report.study.config, options={"norms": options}))
    held = report.period.records.query("list == 'naming'").set_index("unit")["category"]
    rise = " ".join(str(b) for b, _ in blocks(chapters.promotion(report)))
    assert f"可参加命名的居委会{(held == '街道级').sum()}个" in rise and "区级10个名额" in rise
    other = replace(report, unit=held.index[held == "区级"][0])
    assert "不在2018年的命名范围内" in " ".join(str(b) for b, _ in blocks(chapters.promotion(other)))


def test_what_is_reported_stands_beside_the_dates(street: Path) -> None:
    assert "上报数与按日期核对的结果不一致：芒种居委会" in told(street, "2018", None, "trainings")
    mine = told(street, "2018", "芒种居委会", "trainings", "en")
    assert "overdue: 1" in mine and "full-time worker" in mine and "ZS09-" in mine


def test_options_are_checked_and_may_be_few(street: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = chapters.open_report(street, "2018", None, "en")
    options = report.study.config.options

    def with_options(norms: object) -> chapters.Report:
        config = replace(report.study.config, options={} if norms is None else {"norms": norms})
        monkeypatch.setattr(report.study, "config", config)
        return report

    for chapter in (chapters.gaps, chapters.trainings, chapters.promotion):
        assert chapter(with_options(None)) is None
    assert chapters.trainings(with_options({})) is None and chapters.promotion(with_options({})) is None
    assert "Gaps without a unit price" in " ".join(str(b) for b, _ in blocks(chapters.gaps(with_options({}))))
    for wrong in ({"price": 1}, ["prices"], {"tolerance": {"1.2/premises": 0.1}}):
        with pytest.raises(CommlabError):
            chapters.gaps(with_options(wrong))
    with pytest.raises(ParameterError, match="no constant"):
        chapters.promotion(
            with_options(dict(options["norms"]) | {"rounds": {"2018": {"levels": {"区级": "demo"}}}})
        )
