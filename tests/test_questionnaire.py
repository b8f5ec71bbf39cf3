"""Questionnaire exports -> clean answers: every layout says the same, nothing personal passes, nothing is
coerced."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commlab import tables
from commlab.errors import DataError, ParameterError
from commlab.intake import Register, read_questionnaire
from commlab.intake.quality import Limits, flag, set_valid

UNITS = pd.DataFrame(
    [
        ("昆明市", "city", None, "昆明市"),
        ("五华区", "district", "昆明市", "五华区"),
        ("石林县", "district", "昆明市", "石林县"),
        ("五华区/翠湖社区", "community", "五华区", "翠湖社区"),
        ("五华区/金星社区", "community", "五华区", "金星社区"),
        ("石林县/金星社区", "community", "石林县", "金星社区"),
    ],
    columns=["unit", "level", "parent", "name"],
)
REGISTER = Register(UNITS)
SCALE = {"非常满意": 5, "满意": 4, "一般": 3, "不满意": 2, "非常不满意": 1}
BOOK = {
    "instrument": "resident",
    "columns": {
        "id": ["序号"],
        "submitted_at": ["提交答卷时间"],
        "duration_s": ["所用时间"],
        "ip": ["来自IP"],
    },
    "unit": {"district": ["您所在的县(市)区"], "community": ["您居住的社区"]},
    "demographics": {
        "sex": {"question": ["您的性别"], "options": {"男": "male", "女": "female", "不愿透露": None}},
        "age_band": {"question": ["您的年龄"], "options": {"18-24岁": "18-24", "65岁及以上": "65+"}},
    },
    "items": {
        "q_service": {
            "question": ["办事服务", "社区服务"],
            "options": SCALE,
            "dont_know": ["说不清"],
            "matrix": "grid",
        },
        "q_noise": {"question": ["噪声扰民"], "options": SCALE, "reversed": True, "matrix": "grid"},
        "q_property": {
            "question": ["物业服务"],
            "options": SCALE,
            "not_applicable": ["没有物业"],
            "matrix": "grid",
        },
        "q_channel": {
            "question": ["您从哪里了解信息"],
            "multiple": True,
            "options": {"微信群": "wechat", "公告栏": "board", "其他": "other"},
        },
        "q_overall": {"question": ["总体评价"], "scale": [1, 10], "options": {}},
    },
    "checks": {"attention": {"question": ["本题请选择“满意”"], "expect": "满意"}, "min_seconds": 60},
    "personal": ["姓名", "手机号码"],
    "free_text": ["您的意见"],
    "ignore": ["来源", "来源详情"],
}
HEADER = [
    "序号", "提交答卷时间", "所用时间", "来源", "来源详情", "来自IP", "1、您所在的县(市)区 [单选题]",
    "2、您居住的社区[填空题]", "3、您的性别 ",
    "4、您的年龄", "5、请评价—办事服务", "5、请评价—噪声扰民", "5、请评价—物业服务",
    "6、您从哪里了解信息[多选题]", "7、总体评价(量表题)", "8、本题请选择“满意”",
    "9、您的意见", "10、手机号码", "11、备用问题",
]  # fmt: skip
TEXT = [
    [1, "2019/11/5 8:01:21", "123秒", "微信", "张三的朋友圈", "198.18.0.1(云南-昆明)", "五华区",
    "翠湖社区居委会", "男", "18-24岁", "非常满意", "满意", "没有物业", "微信群┋公告栏", "9", "满意",
    "请联系13900001111", "13900001111", "x"],
    [2, "2019/11/5 8:03:00", "40秒", "微信", "", "198.18.0.2(云南-昆明)", "石林彝族自治县", "金星", "女",
    "65岁及以上", "说不清", "非常不满意", "不满意", "其他〖李强女士13900002222〗", "10", "一般", "", "", ""],
    [3, "2019/11/5 8:04:00", "2分03秒", "链接", "", "198.18.0.3(云南-昆明)", "五华区", "火星", "不愿透露",
    "(跳过)", "很好", "", "一般", "", "11", "满意", "没有意见", "", ""],
]  # fmt: skip


def excel(path, rows, sheet="Sheet1"):
    book = xlsxwriter.Workbook(str(path))
    page = book.add_worksheet(sheet)
    for r, row in enumerate(rows):
        for c, cell in enumerate(row):
            if cell != "":
                page.write(r, c, cell)
    book.close()
    return path


@pytest.fixture(scope="module")
def text_layout(tmp_path_factory):
    return excel(tmp_path_factory.mktemp("q") / "居民问卷.xlsx", [HEADER, *TEXT])


def read(path, book=BOOK, **more):
    got = read_questionnaire(path, book, **{"register": REGISTER, "period": "2019Q4", "key": "k", **more})
    tables.validate("responses", got.frame)
    tables.validate("ledger", got.ledger)
    return got


def lines(got, rule):
    return got.ledger[got.ledger["rule"] == rule]


def test_text_layout(text_layout):
    got = read(text_layout, exclude_flags=["fast", "attention", "out_of_frame"])
    f = got.frame
    assert f["unit"].tolist()[:2] == ["五华区/翠湖社区", "石林县/金星社区"] and pd.isna(f["unit"][2])
    assert f["sex"].tolist()[:2] == ["male", "female"] and pd.isna(f["sex"][2]) and pd.isna(f["age_band"][2])
    assert f["q_service"].tolist() == [5, 98, pd.NA] and f["q_noise"].tolist() == [2, 5, pd.NA]
    assert f["q_property"].tolist() == [97, 2, 3] and f["q_overall"].tolist() == [9, 10, pd.NA]
    assert f["q_channel_wechat"].tolist() == [1, 0, pd.NA] and f["q_channel_other"].tolist() == [0, 1, pd.NA]
    assert f["duration_s"].tolist() == [123, 40, 123] and f["submitted_at"][0] == pd.Timestamp(
        "2019-11-05 08:01:21"
    )
    assert f["flags"].tolist()[1:] == ["fast,attention", "out_of_frame"] and f["valid"].tolist() == [
        True,
        False,
        False,
    ]
    assert f["source"][0].endswith("居民问卷.xlsx#Sheet1!2:2") and str(f["q_service"].dtype) == "Int16"


def test_unknown_answers_are_reported_with_count_and_cell_and_never_coerced(text_layout):
    got = read(text_layout)
    unknown = lines(got, "unknown option")
    assert unknown["before"].tolist() == ["“很好”", "“11”"] and unknown["n"].tolist() == [1, 1]
    assert unknown["first_cells"].tolist() == ["K4", "O4"]
    assert lines(got, "unknown unit")["first_cells"].tolist() == ["H4"]
    assert got.unmatched[["found", "within", "n"]].values.tolist() == [["火星", "五华区", 1]]
    assert lines(got, "column not in the codebook")["column"].tolist() == ["11、备用问题"]


def test_nothing_personal_passes(text_layout):
    got = read(text_layout)
    everything = got.frame.to_csv() + got.ledger.to_csv() + got.unmatched.to_csv() + got.persons.to_csv()
    for secret in ("1390000", "张三", "李强", "198.18", "没有意见"):
        assert secret not in everything
    removed = got.ledger[got.ledger["before"] == "‹removed›"].set_index("column")["n"].to_dict()
    assert removed == {"来自IP": 3, "6、您从哪里了解信息[多选题]": 1, "9、您的意见": 2, "10、手机号码": 1}
    assert got.persons.notna().tolist() == [True, False, False]


def test_the_key_moves_ids_and_nothing_else(text_layout):
    one, two, again = (read(text_layout, key=k) for k in ("a", "b", "a"))
    assert one.frame["response_id"].tolist() == again.frame["response_id"].tolist()
    assert not set(one.frame["response_id"]) & set(two.frame["response_id"])
    pd.testing.assert_frame_equal(
        one.frame.drop(columns="response_id"), two.frame.drop(columns="response_id")
    )


def test_code_layout_says_the_same(text_layout, tmp_path):
    numbers = {"options": {}, "sex": ["男", "女", "不愿透露"]}
    scale = list(SCALE)
    header = [*HEADER[:13], "第6题(微信群)", "第6题(公告栏)", "第6题(其他)", *HEADER[14:]]
    rows = []
    for row in TEXT[:2]:
        sex = numbers["sex"].index(row[8]) + 1
        age = ["18-24岁", "65岁及以上"].index(row[9]) + 1
        marks = [scale.index(a) + 1 if a in scale else 6 for a in row[10:13]]
        ticks = [int(o in row[13]) for o in ("微信群", "公告栏", "其他")]
        rows.append([*row[:8], sex, age, *marks, *ticks, row[14], scale.index(row[15]) + 1, *row[16:]])
    path = excel(tmp_path / "codes.xlsx", [header, *rows])
    book = {
        **BOOK,
        "numbers": "options",
        "checks": {**BOOK["checks"], "attention": {"question": ["本题请选择“满意”"], "expect": "2"}},
    }
    got, want = read(path, book).frame, read(text_layout).frame.iloc[:2]
    drop = ["response_id", "source", "flags", "valid"]
    pd.testing.assert_frame_equal(got.drop(columns=drop), want.drop(columns=drop))
    assert got["flags"].tolist()[1] == "fast,attention"


def test_tencent_and_kobo_like_text_files(tmp_path):
    frame = pd.DataFrame(
        {
            "编号": ["1", "2"], "开始答题时间": ["2019-11-05 08:00:00"] * 2,
            "结束答题时间": ["2019-11-05 08:02:03", "2019-11-05 08:01:30"],
            "1.您所在的县(市)区(单选题)": ["五华区"] * 2, "2.您居住的社区": ["翠湖社区", "金星社区"],
            "3.您的性别(单选题)": ["男", "女"],
            "4.办事服务": ["A.满意", "一般"], "5.您从哪里了解信息(多选题)": ["微信群;公告栏", "公告栏；其他"],
            "总体评价": ["3", "7"],
        }
    )  # fmt: skip
    book = {**BOOK, "columns": {}}
    path = tmp_path / "tencent.csv"
    path.write_bytes(frame.to_csv(index=False).encode("gb18030"))
    got = read(path, book).frame
    assert got["q_service"].tolist() == [4, 3] and got["duration_s"].tolist() == [123, 90]
    assert got[["q_channel_wechat", "q_channel_board", "q_channel_other"]].values.tolist() == [
        [1, 1, 0],
        [0, 1, 1],
    ]
    kobo = frame.rename(
        columns={"结束答题时间": "end", "开始答题时间": "start", "编号": "_id", "4.办事服务": "grid/办事服务"}
    )
    kobo["start"] = "2019-11-05T08:00:00.000+08:00"
    kobo["end"] = ["2019-11-05T08:02:03.000+08:00", "2019-11-05T08:01:30.000+08:00"]
    for option in ("微信群", "公告栏", "其他"):
        kobo[f"您从哪里了解信息/{option}"] = (
            kobo["5.您从哪里了解信息(多选题)"].str.contains(option).astype(int).astype(str)
        )
    kobo.to_csv(path, index=False)
    same = read(path, book).frame
    pd.testing.assert_frame_equal(same.drop(columns="response_id"), got.drop(columns="response_id"))


def test_english_agreement_in_cp1252_with_reversed_items(tmp_path):
    # The battery of a city's engagement survey: capitals differ between batteries, one wording is negative.
    agree = {
        "Strongly agree": 5,
        "Agree": 4,
        "Neither agree nor disagree": 3,
        "Disagree": 2,
        "Strongly disagree": 1,
    }
    book = {
        "instrument": "toronto",
        "items": {
            "reason": {"question": ["I understand the City’s reasoning for why a decision was made"],
            "options": agree},
            "difference": {"question": ["I can't see how my participation made a difference"],
            "options": agree, "reversed": True},
            "safe": {"question": ["I feel safe in a virtual environment"], "options": agree},
        },
    }  # fmt: skip
    text = (
        "Respondent,3.8. I understand the City’s reasoning for why a decision was made,"
        "3.11. I can't see how my participation made a difference,7.8. I feel safe in a virtual environment\n"
        "26,Strongly agree,Strongly agree,Strongly Disagree\n27,,Disagree,Neither Agree nor Disagree\n28,"
        "Café,,\n"
    )
    path = tmp_path / "engagement.csv"
    path.write_bytes(text.encode("cp1252"))
    got = read_questionnaire(path, book)
    assert got.frame[["reason", "difference", "safe"]].fillna(0).values.tolist() == [
        [5, 1, 1],
        [0, 4, 3],
        [0, 0, 0],
    ]
    assert lines(got, "unknown option")["before"].tolist() == ["“Café”"] and got.frame["flags"].isna().all()


def test_questions_alike_are_told_apart_by_their_numbers(tmp_path):
    path = tmp_path / "grids.csv"
    path.write_text("3.12. Other,7.11. Other\nAgree,Disagree\n", encoding="utf-8")
    scale = {"Agree": 4, "Disagree": 2}
    items = {
        "a": {"question": "3.12. Other", "options": scale},
        "b": {"question": "7.11. Other", "options": scale},
    }
    got = read_questionnaire(path, {"instrument": "x", "items": items}).frame
    assert got[["a", "b"]].values.tolist() == [[4, 2]]
    path.write_text("3.12. Other\nAgree\n", encoding="utf-8")
    with pytest.raises(DataError, match="answers both a and b"):
        read_questionnaire(path, {"instrument": "x", "items": items})


def test_numbers_are_answers_only_where_the_codebook_says_so(tmp_path):
    path = tmp_path / "keyed.csv"
    path.write_text("编号,办事服务\n1,5\n2,1\n3,9\n", encoding="utf-8")
    book = {"instrument": "paper", "items": {"q": {"question": "办事服务", "options": SCALE}}}
    assert read_questionnaire(path, book).frame["q"].isna().all()
    assert read_questionnaire(path, {**book, "numbers": "values"}).frame["q"].tolist() == [5, 1, pd.NA]
    assert read_questionnaire(path, {**book, "numbers": "options"}).frame["q"].tolist() == [1, 5, pd.NA]


def made(n=20, **columns):
    """Answers as ``flag`` takes them: five items, one unit, minutes apart."""
    rng = np.random.default_rng(7)
    items = {f"q{k}": pd.array(rng.integers(1, 6, n), dtype="Int16") for k in range(7)}
    start = pd.Timestamp("2019-11-05 08:00")
    base = {
        "unit": "甲",
        "submitted_at": start + pd.to_timedelta(np.arange(n) * 10, unit="min"),
        "duration_s": 120.0,
    }
    return pd.DataFrame({**base, **items, **columns}, index=range(n))


def flagged(frame, **more):
    items = [f"q{k}" for k in range(7)]
    got = flag(frame, items=items, best=dict.fromkeys(items, 5), **more)["flags"].fillna("")
    return [set(row.split(",")) - {""} for row in got]


AGAIN = made().iloc[[*range(20), 0, 1]].reset_index(drop=True)
ALIKE = {f"q{k}": 5 for k in range(7)}


@pytest.mark.parametrize(
    ("frame", "more", "name", "rows"),
    [
        (made(duration_s=[59.9] + [60.0] * 18 + [np.nan]), {"limits": Limits(min_seconds=60)}, "fast", {0}),
        (made().assign(**dict.fromkeys([f"q{k}" for k in range(6)], 3), q6=98), {}, "straightline",
        set(range(20))),
        (made().assign(**dict.fromkeys([f"q{k}" for k in range(5)], 3), q5=2), {}, "straightline", set()),
        (made(), {"persons": pd.Series(["a", "b", "a", None, None] + [None] * 15)}, "duplicate", {2}),
        (AGAIN, {}, "duplicate", {20, 21}),
        (AGAIN, {"addresses": pd.Series(range(22)).astype(str)}, "duplicate", set()),
        (made(), {"failed": pd.Series([True] + [False] * 19)}, "attention", {0}),
        (made(submitted_at=pd.Timestamp("2019-11-05")), {}, "burst", set(range(20))),
        (made(14, submitted_at=pd.Timestamp("2019-11-05")), {}, "burst", set()),
        (made(unit=[None] + ["甲"] * 18 + ["乙"]), {"sampled": ["甲"]}, "out_of_frame", {0, 19}),
        (made(unit=[None] + ["甲"] * 19), {"framed": False}, "out_of_frame", set()),
        (made().assign(**ALIKE), {}, "all_satisfied", set(range(20))),
        (made(9).assign(**ALIKE), {}, "all_satisfied", set()),
    ],
)  # fmt: skip
def test_flags(frame, more, name, rows):
    got = flagged(frame, **more)
    assert {k for k, flags in enumerate(got) if name in flags} == rows


def test_flags_of_no_answers_and_wrong_limits():
    assert flagged(made(0)) == []
    with pytest.raises(ParameterError, match="speed"):
        Limits.of({"speed": 3})
    with pytest.raises(ParameterError, match="numbers"):
        Limits.of({"min_seconds": "quick"})
    with pytest.raises(ParameterError, match="lazy"):
        set_valid(pd.DataFrame({"flags": ["fast"]}), ["lazy"])


@given(st.permutations(range(20)))
@settings(deadline=None, max_examples=20)
def test_flags_do_not_depend_on_the_order_of_rows(order):
    frame = made().assign(unit=["甲"] * 10 + ["乙"] * 10)
    frame.loc[3] = frame.loc[5]
    frame.loc[3, "submitted_at"] += pd.Timedelta(minutes=1)
    straight, mixed = flagged(frame), flagged(frame.loc[list(order)].reset_index(drop=True))
    assert [mixed[order.index(k)] for k in range(20)] == straight


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("missing.xlsx", None, "no such file"),
        ("empty.csv", b"", "empty"),
        ("text.xlsx", "序号,办事服务\n1,满意\n".encode(), "xlsx"),
        ("header.csv", "序号,办事服务\n".encode(), "no row of answers"),
        ("other.csv", b"a,b\n1,2\n", "none of the 5 items"),
        ("note.pdf", b"%PDF", "pdf"),
        ("zeros.csv", b"\0\0\0\0", "zero bytes"),
        ("twice.csv", "办事服务,社区服务\n满意,一般\n".encode(), "A, B all answer q_service"),
    ],
)
def test_files_that_cannot_be_read_are_refused_in_one_sentence(tmp_path, name, content, told):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=told):
        read(path)


CELLS = st.one_of(
    st.sampled_from([*SCALE, "说不清", "-3", "=1+1", "13912345678", "〖", "┋", "\x07", "很" * 99]),
    st.text(max_size=6),
    st.floats(),
)


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=6))
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_cells_are_read_or_refused_and_no_row_is_lost(tmp_path, cells):
    frame = pd.DataFrame(cells, columns=["办事服务", "您从哪里了解信息", "您居住的社区"]).astype(str)
    path = tmp_path / "any.csv"
    text = frame.to_csv(index=False).encode("utf-8", "replace")
    path.write_bytes(text)
    if b"\0" in text:
        return
    try:
        got = read(path)
    except DataError:
        return
    blank = lines(got, "blank row")["n"].sum()
    assert (
        len(got.frame) + blank >= len(frame)
        and got.frame["q_service"].dropna().isin([1, 2, 3, 4, 5, 97, 98]).all()
    )
    assert "13912345678" not in got.ledger.to_csv() + got.unmatched.to_csv()
