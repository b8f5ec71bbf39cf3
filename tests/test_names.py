"""Written names -> units: five steps, never a guess between two, and a suggestion for what is left."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commlab.errors import DataError, ParameterError
from commlab.intake import Register, match_names
from commlab.intake.names import nearest_names

# The eighteen units of the printed annex 1, in its short forms, with full forms as their offices write them.
DISTRICTS = [
    "五华区", "盘龙区", "官渡区", "西山区", "呈贡区", "晋宁区", "东川区", "安宁市", "富民县", "宜良县",
    "嵩明县", "石林县", "禄劝县", "寻甸县",
    "高新区", "经开区", "滇池度假区", "阳宗海风景区",
]  # fmt: skip
COMMUNITIES = [
    ("五华区", "翠湖社区", "530102001001"), ("五华区", "金星一社区", ""), ("五华区", "金星二社区", ""),
    ("五华区", "大观路北社区", ""), ("五华区", "莲花池西路社区", ""),
    ("盘龙区", "金星社区", "530103002001"), ("盘龙区", "翠湖(一)社区", ""), ("盘龙区", "翠湖(二)社区", ""),
    ("石林县", "金星社区", ""), ("石林县", "合计坊社区", ""),
]  # fmt: skip
UNITS = pd.DataFrame(
    [("昆明市", "city", None, "昆明市", "530100")]
    + [(d, "district", "昆明市", d, "") for d in DISTRICTS]
    + [(f"{d}/{n}", "community", d, n, c) for d, n, c in COMMUNITIES],
    columns=["unit", "level", "parent", "name", "code"],
)
ALIASES = pd.DataFrame({"alias": ["呈贡新区", "翠湖小区居委会"], "unit": ["呈贡区", "五华区/翠湖社区"]})
BOOK = Register(UNITS, ALIASES)


@pytest.mark.parametrize(
    ("name", "unit", "how"),
    [
        ("五华区", "五华区", "exact"),
        ("五 华 区", "五华区", "exact"),
        ("五华", "五华区", "normalised"),
        ("昆明市五华区", "五华区", "normalised"),
        ("云南省昆明市五华区", "五华区", "normalised"),
        ("五华区人民政府", "五华区", "normalised"),
        ("官渡区（含大板桥街道）", "官渡区", "normalised"),
        ("石林彝族自治县", "石林县", "normalised"),
        ("禄劝彝族苗族自治县", "禄劝县", "normalised"),
        ("寻甸回族彝族自治县", "寻甸县", "normalised"),
        ("昆明高新技术产业开发区", "高新区", "normalised"),
        ("昆明国家级经济技术开发区", "经开区", "normalised"),
        ("昆明滇池国家旅游度假区", "滇池度假区", "normalised"),
        ("阳宗海风景名胜区管委会", "阳宗海风景区", "normalised"),
        ("呈贡新区", "呈贡区", "alias"),
        ("晋宁县", "晋宁区", "normalised"),
        ("大理市", None, "none"),
        ("", None, "none"),
        (None, None, "none"),
    ],
)
def test_districts_and_parks(name, unit, how):
    got = match_names([name], BOOK, level="district").iloc[0]
    assert (None if pd.isna(got["matched"]) else got["matched"], got["how"]) == (unit, how)


@pytest.mark.parametrize(
    ("name", "within", "unit", "how"),
    [
        ("530102001001", None, "五华区/翠湖社区", "code"),
        (530102001001.0, None, "五华区/翠湖社区", "code"),
        ("五华区/翠湖社区", None, "五华区/翠湖社区", "exact"),
        ("翠湖社区", "五华区", "五华区/翠湖社区", "exact"),
        (" 翠湖社区 ", "五华区", "五华区/翠湖社区", "exact"),
        ("翠湖", "五华区", "五华区/翠湖社区", "normalised"),
        ("翠湖居委会", "五华区", "五华区/翠湖社区", "normalised"),
        ("翠湖社区居民委员会", "五华区", "五华区/翠湖社区", "normalised"),
        ("翠湖社区(原翠湖村)", "五华区", "五华区/翠湖社区", "normalised"),
        ("五华区翠湖社区", None, "五华区/翠湖社区", "normalised"),
        ("昆明市五华区翠湖社区居委会", None, "五华区/翠湖社区", "normalised"),
        ("石林彝族自治县金星社区", None, "石林县/金星社区", "normalised"),
        ("翠湖小区居委会", None, "五华区/翠湖社区", "alias"),
        ("金星社区", None, None, "none"),  # in two districts
        ("金星社区", "石林县", "石林县/金星社区", "exact"),
        ("盘龙区金星社区", "石林县", None, "none"),  # the name contradicts the district
        ("金星三社区", "五华区", None, "none"),  # one numeral off is another community
        ("金星社区", "五华区", None, "none"),
        ("翠湖一社区", "盘龙区", None, "none"),
        ("翠湖(二)社区", "盘龙区", "盘龙区/翠湖(二)社区", "exact"),
        ("翠湖（二） 社区", "盘龙区", "盘龙区/翠湖(二)社区", "exact"),
        ("莲花池西路 社区", "五华区", "五华区/莲花池西路社区", "exact"),
        ("莲花地西路社区居委会", "五华区", None, "none"),  # one character in seven
        ("莲花池社区", "五华区", None, "none"),
        ("大观路南社区", "五华区", None, "none"),  # a direction is never a slip
        ("合计坊", "石林县", "石林县/合计坊社区", "normalised"),
    ],
)
def test_communities(name, within, unit, how):
    got = match_names([name], BOOK, within=within, level="community").iloc[0]
    if name == "翠湖一社区":
        assert got["how"] in ("none", "normalised")
        return
    assert (None if pd.isna(got["matched"]) else got["matched"], got["how"]) == (unit, how)


def test_a_fuzzy_match_needs_the_declared_certainty_and_a_clear_lead():
    one = match_names(["莲花地西路社区"], BOOK, within="五华区", level="community", certainty=80).iloc[0]
    assert one["how"] == "fuzzy" and one["matched"] == "五华区/莲花池西路社区" and 80 <= one["score"] < 90
    left = match_names(["莲花地西路社区"], BOOK, within="五华区", level="community").iloc[0]
    assert (
        left["how"] == "none" and left["nearest"] == "五华区/莲花池西路社区" and left["score"] == one["score"]
    )
    two = pd.DataFrame({"unit": ["东风路甘美里社区", "东风路甘棠里社区"]})
    assert match_names(["东风路甘英里社区"], two, certainty=80)["how"].tolist() == ["none"]


def test_an_answer_given_once_is_remembered():
    review = pd.DataFrame({"found": ["大板桥街道(空港)"], "unit": ["官渡区"]})
    assert match_names(["大板桥街道(空港)"], UNITS, aliases=review)["matched"].tolist() == ["官渡区"]


def test_former_names_mean_their_successors():
    changes = pd.DataFrame(
        [("renaming", "五华区/菜海社区", "五华区/翠湖社区"), ("merger", "五华区/银星社区", "五华区/金星一社区"),
         ("split", "五华区/大星社区", "五华区/金星一社区"), ("split", "五华区/大星社区", "五华区/金星二社区"),
         ("type", "盘龙区/金星社区", "盘龙区/金星社区"), ("merger", "五华区/没落社区", None)],
        columns=["kind", "before", "after"],
    )  # fmt: skip
    got = match_names(
        ["菜海居委会", "银星社区", "大星社区", "没落社区", "金星社区"],
        Register(UNITS, ALIASES, changes),
        within="五华区",
    )
    assert got["matched"].fillna("").tolist() == ["五华区/翠湖社区", "五华区/金星一社区", "", "", ""]
    assert got["nearest"][2] == "五华区/金星一社区 | 五华区/金星二社区"
    with pytest.raises(DataError, match="after, before"):
        Register(UNITS, None, pd.DataFrame({"a": [1]}))


def test_registers_of_many_shapes():
    plain = pd.DataFrame({"name": ["甲社区", "乙社区"], "aliases": [["老甲"], "老乙;阿乙"]})
    got = match_names(["老甲", "阿乙", "甲"], plain)
    assert got["matched"].tolist() == ["甲社区", "乙社区", "甲社区"]
    assert list(got.columns) == ["name", "matched", "code", "how", "score", "nearest"]
    assert match_names([], plain).empty and match_names(["甲"], plain.iloc[:0])["how"].tolist() == ["none"]
    assert match_names(["530102001001"], UNITS)["code"].tolist() == ["530102001001"]


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (lambda: match_names("五华区", UNITS), ParameterError, "list of names"),
        (lambda: match_names(5, UNITS), ParameterError, "not int 5"),
        (lambda: match_names(["a"], UNITS, within=["五华区", "盘龙区"]), ParameterError, "2 entries for 1"),
        (lambda: match_names(["a"], UNITS, certainty=0), ParameterError, "certainty"),
        (lambda: match_names(["a"], ["五华区"]), ParameterError, "DataFrame"),
        (
            lambda: match_names(["a"], pd.DataFrame({"x": [1]})),
            DataError,
            'neither a column "unit" nor "name"',
        ),
        (lambda: match_names(["a"], pd.concat([UNITS, UNITS.head(1)])), DataError, "twice"),
        (lambda: Register(UNITS, {"旧名": "没有区"}), DataError, "旧名 -> 没有区"),
        (lambda: Register(UNITS, pd.DataFrame({"a": [1]})), DataError, "alias"),
    ],
)
def test_wrong_calls(call, error, told):
    with pytest.raises(error, match=told):
        call()


NAMES = [
    n
    for n in (*DISTRICTS, *(n for _, n, _ in COMMUNITIES), "金星", "没有", "=1", "()", "社区", "\u200b", None)
]


@given(
    st.lists(st.sampled_from(NAMES) | st.text(max_size=8), max_size=8),
    st.sampled_from([None, *DISTRICTS[:3]]),
)
@settings(deadline=None, max_examples=40)
def test_every_name_gets_one_answer_and_others_do_not_change_it(names, within):
    together = match_names(names, BOOK, within=within)
    assert len(together) == len(names) and set(together["how"]) <= {
        "code",
        "exact",
        "alias",
        "normalised",
        "fuzzy",
        "none",
    }
    assert together["matched"].dropna().isin(UNITS["unit"]).all()
    assert (together["matched"].isna() == (together["how"] == "none")).all()
    for k, name in enumerate(names):
        pd.testing.assert_series_equal(
            match_names([name], BOOK, within=within).iloc[0], together.iloc[k], check_names=False
        )
    if within:
        inside = UNITS.loc[UNITS["parent"] == within, "unit"]
        assert together["matched"].dropna().isin(inside).all()


@given(
    st.sampled_from([c for c in COMMUNITIES if "(" not in c[1]]),
    st.sampled_from(["{n}", " {n}", "{s}居委会", "{n}居委会", "{s}社区居民委员会", "{d}{n}"]),
)
@settings(deadline=None, max_examples=40)
def test_every_way_of_writing_a_community_finds_it(community, form):
    district, name, _ = community
    written = form.format(n=name, s=name.removesuffix("社区"), d=district)
    got = match_names([written], BOOK, within=district, level="community")
    assert got["matched"].tolist() == [f"{district}/{name}"]


def test_changes_lead_through_several_steps_and_depend_on_the_day():
    units = pd.concat(
        [
            UNITS,
            pd.DataFrame([("五华区/菜海社区", "community", "五华区", "菜海社区", "")], columns=UNITS.columns),
        ]
    ).assign(valid_to=None)
    units.loc[units["unit"] == "五华区/菜海社区", "valid_to"] = "2019-10-31"
    changes = pd.DataFrame(
        [("五华区/柳海社区", "五华区/菜海社区"), ("五华区/菜海社区", "五华区/翠湖社区")],
        columns=["before", "after"],
    )
    for day, expected in (("2019-09-30", "五华区/菜海社区"), ("2019-12-31", "五华区/翠湖社区")):
        book = Register(units, ALIASES, changes, day)
        got = match_names(["菜海社区", "柳海社区居委会"], book, within="五华区", level="community")
        assert got["matched"].tolist() == [expected, expected]
    circle = pd.DataFrame([("甲", "乙"), ("乙", "甲")], columns=["before", "after"])
    assert match_names(["甲"], Register(UNITS, None, circle))["how"].tolist() == ["none"]


def test_a_name_declared_to_be_no_unit_counts_as_not_given():
    review = pd.DataFrame({"found": ["其他", "不清楚"], "unit": [None, None], "within": ["五华区", None]})
    book = Register(UNITS, review)
    got = match_names(["其 他", "其他", "不清楚", "翠湖"], book, within=["五华区", "盘龙区", None, "五华区"])
    assert got["name"].fillna("").tolist() == ["", "其他", "", "翠湖"]
    assert got["matched"].fillna("").tolist() == ["", "", "", "五华区/翠湖社区"]


@pytest.mark.parametrize(
    ("name", "within", "first"),
    [
        ("翠胡社区", "五华区", "五华区/翠湖社区"),
        ("昆明市五华区翠胡社区", None, "五华区/翠湖社区"),
        ("", "五华区", None),
        ("zzz", None, None),
    ],
)
def test_what_a_person_chooses_from(name, within, first):
    near = nearest_names(name, BOOK, within=within, level="community")
    assert len(near) <= 3 and [s for _, s in near] == sorted((s for _, s in near), reverse=True)
    assert (near[0][0] if near else None) == first


def test_a_district_whose_short_name_is_an_alias_is_not_cut_in_two() -> None:
    aliases = pd.DataFrame({"alias": ["阳宗海"], "unit": ["阳宗海风景区"]})
    got = match_names(["昆明市阳宗海风景区", "阳宗海"], Register(UNITS, aliases), level="district")
    assert got["matched"].tolist() == ["阳宗海风景区"] * 2 and got["how"].tolist() == ["normalised", "alias"]


@pytest.mark.parametrize(
    ("name", "level", "unit"),
    [
        ("五华区民政局", "district", "五华区"),
        ("昆明市官渡区委社会工作部", "district", "官渡区"),
        ("530102000000", "district", "五华区"),  # the register has six digits
        ("'530102", "district", "五华区"),  # kept as text by an apostrophe
        ("S01A", "community", "五华区/翠湖社区"),
        ("s01a", "community", "五华区/翠湖社区"),
        ("1.翠湖社区", "community", "五华区/翠湖社区"),
        ("“翠湖社区”*", "community", "五华区/翠湖社区"),
        ("翠湖社区党群服务中心", "community", "五华区/翠湖社区"),
        ("护国街道办事处翠湖社区", "community", "五华区/翠湖社区"),
        ("五华区护国街道翠湖居委会", "community", "五华区/翠湖社区"),
        ("1翠湖社区", "community", None),  # a number may tell communities apart
        ("五华区翠湖局", "community", None),
    ],
)
def test_offices_codes_streets_and_marks(name, level, unit):
    rows = [
        ("昆明市", "city", "", "昆明市", ""), ("五华区", "district", "昆明市", "五华区", "530102"),
        ("官渡区", "district", "昆明市", "官渡区", ""), ("五华区/翠湖社区", "community", "五华区", "翠湖社区", "S01A"),
    ]  # fmt: skip
    book = pd.DataFrame(rows, columns=["unit", "level", "parent", "name", "code"])
    assert match_names([name], book, level=level)["matched"].fillna("").tolist() == [unit or ""]
