"""Paper keyed twice: every disagreement is listed, a third look settles it, nothing is averaged."""

from __future__ import annotations

import pandas as pd
import pytest

from commlab import tables
from commlab.errors import DataError, ParameterError
from commlab.intake import compare_entries, read_double, read_questionnaire

SCALE = {"非常满意": 5, "满意": 4, "一般": 3, "不满意": 2, "非常不满意": 1}
BOOK = {
    "instrument": "paper",
    "numbers": "values",
    "demographics": {"sex": {"question": "性别", "options": {"男": "male", "女": "female"}}},
    "items": {
        "q": {"question": "办事服务", "options": SCALE, "dont_know": "说不清"},
        "r": {"question": "噪声", "options": SCALE, "reversed": True},
        "m": {"question": "渠道", "multiple": True, "options": {"微信": "wechat", "公告": "board"}},
    },
}
FIRST = "编号,办事服务,噪声,渠道,性别\n001,5,2,微信、公告,男\n2,1,2,微信,女\n3,,3,,\n4,2,2,公告,男\n7,98,1,微信,男\n"
SECOND = "性别,编号,办事服务,噪声,渠道\n女,2,2,4,微信\n男,1,5,2,微信\n,3,,3,\n男,5,2,1,微信\n男,7,,1,微信\n"
ODD = [
    ["1", "m_board", 1, 0],
    ["2", "q", 1, 2],
    ["2", "r", 4, 2],
    ["4", "(row)", "held", None],
    ["5", "(row)", None, "held"],
    ["7", "q", 98, None],
]


@pytest.fixture
def files(tmp_path):
    def write(**texts):
        for name, text in texts.items():
            (tmp_path / f"{name}.csv").write_text(text, "utf-8")
        return [tmp_path / f"{name}.csv" for name in texts]

    return write


def double(files, first=FIRST, second=SECOND, **more):
    got = read_double(*files(a=first, b=second), BOOK, **more)
    tables.validate("responses", got.frame.assign(period="2019Q4"))
    tables.validate("ledger", got.ledger)
    return got


def values(frame, column):
    return [None if pd.isna(v) else v for v in frame[column]]


def test_disagreements_are_listed_by_number_question_and_both_values(files):
    got = double(files)
    assert got.disagreements[["id", "question", "first", "second"]].values.tolist() == ODD
    assert not got.disagreements["settled"].any()
    assert (
        got.disagreements["source"]
        .str.endswith(("b.csv#!2:2", "b.csv#!3:3", "b.csv#!5:5", "b.csv#!6:6", "/ -"))
        .all()
    )
    assert values(got.frame, "q") == [5, None, None, 2, None, 2] and values(got.frame, "r") == [
        4,
        None,
        3,
        4,
        5,
        5,
    ]
    told = got.ledger[got.ledger["rule"] == "entries differ"]
    assert told[["column", "n", "severity"]].values.tolist() == [
        ["m_board", 1, "warning"],
        ["q", 2, "warning"],
        ["r", 1, "warning"],
    ]


def test_no_row_of_either_entry_is_lost(files):
    got = double(files)
    rows = FIRST.count("\n") + SECOND.count("\n")
    assert (
        rows
        == len(got.frame) + got.ledger.loc[got.ledger["action"].isin(["recognised", "rejected"]), "n"].sum()
    )
    assert got.ledger.loc[got.ledger["rule"] == "keyed once", "n"].tolist() == [2]


def test_a_list_of_verdicts_settles(files):
    (verdict,) = files(
        v="id,question,first,second,verdict\n2,q,1,2,不满意\n2,r,4,2,4\n001,m_board,1,0,0\n7,q,98,,(空)\n9,q,,,1\n"
    )
    got = double(files, verdict=verdict)
    assert got.disagreements["settled"].tolist() == [True, True, True, False, False, True]
    assert values(got.frame, "q") == [5, 2, None, 2, None, 2] and values(got.frame, "r")[1] == 4
    assert values(got.frame, "m_board")[0] == 0
    assert got.ledger.loc[got.ledger["rule"] == "idle verdict", "n"].tolist() == [1]
    # A list that was filled in only in part, and one given as a frame.
    part = double(files).disagreements.assign(verdict=["1", None, "3", None, None, None])
    got = double(files, verdict=part)
    assert got.disagreements["settled"].tolist() == [True, False, True, False, False, False]
    assert values(got.frame, "r")[1] == 3 and values(got.frame, "q")[1] is None


def test_a_third_entry_settles_where_it_agrees_with_one(files):
    (third,) = files(c="编号,办事服务,噪声,渠道,性别\n2,2,1,微信,女\n1,,,微信,\n7,,,,\n")
    got = double(files, verdict=third)
    assert got.disagreements["settled"].tolist() == [True, True, False, False, False, False]
    assert (
        values(got.frame, "q")[1] == 2
        and values(got.frame, "r")[1] is None
        and values(got.frame, "m_board")[0] == 0
    )


def test_alike_entries_are_one(files):
    got = double(files, second=FIRST)
    one = read_questionnaire(files(a=FIRST)[0], BOOK)
    assert got.disagreements.empty
    pd.testing.assert_frame_equal(got.frame, one.frame)


def test_the_order_of_entries_changes_no_answer(files):
    one, two = double(files), double(files, first=SECOND, second=FIRST)
    items = ["q", "r", "m_wechat", "m_board", "sex"]
    key = ["id", "question"]
    turned = two.disagreements.rename(columns={"first": "second", "second": "first"})
    assert (
        one.disagreements[[*key, "first", "second"]].values.tolist()
        == turned[[*key, "first", "second"]].values.tolist()
    )
    a, b = (g.frame[items].astype(str).sort_values(items).values.tolist() for g in (one, two))
    assert a == b


@pytest.mark.parametrize(
    ("first", "verdict", "told"),
    [
        (FIRST + "2,1,1,,\n", None, "first entry holds the same number 2 times"),
        (FIRST + ",1,1,,\n", None, "1 rows without a number"),
        ("办事服务\n满意\n", None, "number on paper"),
        (FIRST, "id,question,verdict\n2,q,9\n", "neither a code nor an option.*2 q"),
    ],
)
def test_what_cannot_be_compared_is_refused(files, first, verdict, told):
    more = {} if verdict is None else {"verdict": files(v=verdict)[0]}
    with pytest.raises(DataError, match=told):
        double(files, first=first, **more)


def test_entries_are_named_by_their_paths(files):
    with pytest.raises(ParameterError, match="named by their paths"):
        double(files, name="x")
    with pytest.raises(DataError, match="lack the columns verdict"):
        double(files, verdict=pd.DataFrame({"id": ["1"], "question": ["q"]}))


def test_frames_are_compared_by_response_id(files):
    frames = [
        read_questionnaire(path, BOOK, name="纸质").frame
        for path in files(a=FIRST.replace("001", "1"), b=SECOND)
    ]
    odd = compare_entries(*frames)
    assert sorted(odd["question"]) == sorted(question for _, question, _, _ in ODD)
    assert compare_entries(frames[0], frames[0]).empty
