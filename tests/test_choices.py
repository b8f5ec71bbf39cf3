"""Bare numbers are read only where the codebook proves which option has which; rankings keep every option's place."""

from __future__ import annotations

import random

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commlab.errors import DataError
from commlab.intake import draft_codebook, load_codebook, read_questionnaire
from commlab.intake.questions import Question, how_numbered

SCALE = {"非常满意": 5, "满意": 4, "一般": 3, "不满意": 2, "非常不满意": 1}
OWN = "序号,提交答卷时间,所用时间,来自IP"
SEX = {"sex": {"question": "您的性别", "options": {"男": "male", "女": "female"}, "order": ["男", "女"]}}
UNPROVEN = {"numbers unproven", "numbers beyond", "numbers torn"}


def read(tmp_path, items, header, rows, *, own=OWN, **more):
    """An export of 问卷星 with its own columns in front."""
    path = tmp_path / "a.csv"
    front = [
        f"{k},2019/11/5 8:{k % 60:02d}:30,90,198.18.0.{k % 200}" if own else str(k)
        for k in range(1, len(rows) + 1)
    ]
    body = "".join(f"{a},{b}\n" for a, b in zip(front, rows, strict=True))
    path.write_text(f"{own or '编号'},{header}\n{body}", "utf-8")
    return read_questionnaire(path, {"instrument": "a", "demographics": SEX, "items": items, **more})


def codes(got, column="q"):
    return [None if pd.isna(v) else v for v in got.frame[column]]


def item(options=tuple(SCALE), **more):
    return {
        "q": {"question": "办事服务", "options": {o: SCALE.get(o, k) for k, o in enumerate(options)}, **more}
    }


FOUR = [o for o in SCALE if o != "不满意"]
NINE = {str(k): 10 - k for k in (5, 4, 3, 2, 1)}
POINTS = {"q": {"question": "办事服务", "scale": [0, 10]}}


@pytest.mark.parametrize(
    ("items", "more", "cells", "want", "rule"),
    [
        # not stated: refused, however complete the list looks
        (item(), {}, "123", [None] * 3, "numbers unproven"),
        (item(), {}, "12345", [None] * 5, "numbers unproven"),
        # stated for all, for the question, by order
        (item(), {"numbers": "options"}, "135", [5, 3, 1], None),
        (item(numbers="options"), {}, "135", [5, 3, 1], None),
        (item(order=list(SCALE)[::-1]), {}, "135", [1, 3, 5], None),
        (item(order=list(SCALE)[::-1]), {"numbers": "values"}, "135", [1, 3, 5], None),
        # an option that the codebook lacks: every number may be shifted
        (item(FOUR), {"numbers": "options"}, "135", [None] * 3, "numbers beyond"),
        (item(FOUR), {}, "135", [None] * 3, "numbers beyond"),
        # nobody knows the text of the fourth any more, and somebody chose it, or nobody did
        (item(FOUR, order=[*FOUR[:3], None, FOUR[3]]), {}, "135", [5, 3, 1], None),
        (item(FOUR, order=[*FOUR[:3], None, FOUR[3]]), {}, "145", [None] * 3, "numbers beyond"),
        # don't know has a number like any option; skipped and blank have none
        (item(dont_know="说不清", not_applicable=["没办过", "-3"], numbers="options"), {}, ["1", "6", "7", "-3", "-2"], [5, 98, 97, 97, None], None),
        # the texts of the options are numbers in another order than the form's: the file gives numbers, so they are places
        ({"q": {"question": "办事服务", "options": NINE}}, {"numbers": "options"}, "135", [5, 7, 9], None),
        ({"q": {"question": "办事服务", "options": NINE}}, {}, "135", [None] * 3, "numbers unproven"),
        ({"q": {"question": "办事服务", "options": NINE, "numbers": "values"}}, {}, "135", [9, 7, 5], None),
        # points from 0: a 0 shows that they are the points, an 11 that they are places
        (POINTS, {}, ["0", "5", "10"], [0, 5, 10], None),
        (POINTS, {}, ["1", "5", "10"], [None] * 3, "numbers torn"),
        (POINTS, {}, ["1", "5", "11"], [None] * 3, "numbers unproven"),
        (POINTS, {"numbers": "options"}, ["1", "5", "11"], [0, 4, 10], None),
        ({"q": {**POINTS["q"], "numbers": "values"}}, {}, ["1", "5", "10"], [1, 5, 10], None),
        ({"q": {"question": "办事服务", "scale": [1, 10]}}, {}, ["1", "5", "10"], [1, 5, 10], None),
    ],
)  # fmt: skip
def test_bare_numbers_of_an_export_by_number(tmp_path, items, more, cells, want, rule):
    got = read(
        tmp_path, items, "您的性别,办事服务", [f"{k % 2 + 1},{c}" for k, c in enumerate(cells)], **more
    )
    assert codes(got) == want and set(got.frame["sex"]) <= {"male", "female"}
    told = got.ledger[got.ledger["rule"].isin(UNPROVEN)]
    assert told["rule"].tolist() == ([rule] if rule else [])
    assert not got.ledger["rule"].eq("unknown option").any()
    if rule:
        line = told.iloc[0]
        assert line["severity"] == "error" and line["n"] == len(cells) and "q: " in line["message"]
        assert all(f"{c} n=1" in line["before"] for c in cells) and line["after"].startswith("1 ")


def test_a_file_by_text_is_not_touched_by_the_rule(tmp_path):
    items = {
        **item(),
        "r": {"question": "推荐", "scale": [0, 10]},
        "s": {"question": "星级", "options": NINE},
    }
    got = read(tmp_path, items, "您的性别,办事服务,推荐,星级", ["男,满意,7,5", "女,一般,11,1"])
    assert codes(got) == [4, 3] and codes(got, "r") == [7, None] and codes(got, "s") == [5, 9]
    assert not got.ledger["rule"].isin(UNPROVEN).any()


def test_numbers_of_several_choices_in_a_cell_need_the_same_proof(tmp_path):
    options = {"微信群": "wechat", "公告栏": "board"}
    asked = {"m": {"question": "渠道", "multiple": True, "options": options}, **item()}
    rows = ["1,1┋2,1", "2,2,2"]
    got = read(tmp_path, asked, "您的性别,渠道,办事服务", rows)
    assert got.frame[["m_wechat", "m_board"]].isna().all(axis=None) and "numbers unproven" in set(
        got.ledger["rule"]
    )
    got = read(tmp_path, asked, "您的性别,渠道,办事服务", rows, numbers="options")
    assert codes(got, "m_wechat") == [1, 0] and codes(got, "m_board") == [1, 1]


def test_a_check_question_answered_by_number_flags_nobody_unless_the_number_is_given(tmp_path):
    rows = ["1,1,2", "2,2,1"]
    check = {"question": "本题请选满意", "expect": "满意"}
    got = read(
        tmp_path, item(numbers="options"), "您的性别,办事服务,本题请选满意", rows, checks={"attention": check}
    )
    assert got.frame["flags"].isna().all() and "attention by number" in set(got.ledger["rule"])
    check = {**check, "expect": ["满意", "2"]}
    got = read(
        tmp_path, item(numbers="options"), "您的性别,办事服务,本题请选满意", rows, checks={"attention": check}
    )
    assert got.frame["flags"].fillna("").tolist() == ["", "attention"]


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=12),
    st.permutations(range(5)),
    st.sets(st.integers(0, 4), max_size=2),
)
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_codebook_lacks_no_number_gets_another_options_code(tmp_path, answers, form, unknown):
    texts = [list(SCALE)[k] for k in form]
    known = [t for k, t in enumerate(texts) if k not in unknown] or texts
    rows = [f"1,{k + 1}" for k in answers]
    truth = [SCALE[texts[k]] for k in answers]
    plain = read(tmp_path, item(known), "您的性别,办事服务", rows)
    ordered = read(
        tmp_path, item(known, order=[t if t in known else None for t in texts]), "您的性别,办事服务", rows
    )
    for got in (plain, ordered):
        assert all(c in (None, t) for c, t in zip(codes(got), truth, strict=True))
    chosen = {texts[k] for k in answers}
    assert codes(ordered) == (truth if chosen <= set(known) else [None] * len(rows))


def test_how_numbers_are_told_apart_without_a_file():
    q = Question("q", ("a",), {"好": 1, "差": 0}, {})
    assert how_numbered(q, {1, 2}, None, True) == "unproven"
    assert how_numbered(q, {1, 2}, "options", True) == "options"
    assert how_numbered(q, {3}, "options", True) == "beyond"
    assert how_numbered(q, set(), None, True) == "texts"


# -- rankings ------------------------------------------------------------------------------------------

RANK = {
    "r": {
        "question": "请排序",
        "number": 2,
        "ranking": True,
        "options": {"绿化": "green", "停车": "park", "治安": "safe"},
    }
}
PLACES = [[1, 2, 3], [2, 1, None], [None, None, 1], [None, None, None]]
ARROWS = ["绿化→停车→治安", "停车→绿化", "治安", "(跳过)"]
CELLS = ["1,2,3", "2,1,-2", "-2,-2,1", "-3,-3,-3"]
FIRSTS = ["绿化,停车,治安", "停车,绿化,", "治安,,", ",,"]


def places(got):
    return [
        [None if pd.isna(v) else v for v in row]
        for row in got.frame[["r_green", "r_park", "r_safe"]].values.tolist()
    ]


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("2、请排序[排序题]", ARROWS),
        ("2、请排序", [c.replace("→", "┋") for c in ARROWS]),
        ("第2题(绿化),第2题(停车),第2题(治安)", CELLS),
        ("2、请排序(绿化),2、请排序(停车),2、请排序(治安)", CELLS),
        ("请排序/第1位,请排序/第2位,请排序/第3位", FIRSTS),
        ("请排序/1st choice,请排序/2nd choice,请排序/3rd choice", FIRSTS),
        ("请排序:第一位,请排序:第二位,请排序:第三位", FIRSTS),
    ],
)
def test_every_option_of_a_ranking_keeps_its_place(tmp_path, header, cells):
    got = read(tmp_path, {**RANK, **item()}, f"您的性别,{header},办事服务", [f"男,{c},满意" for c in cells])
    assert places(got) == PLACES and str(got.frame["r_green"].dtype) == "Int16"
    assert not got.ledger["rule"].isin({"unknown option", "column not in the codebook", "torn ranking"}).any()


def test_a_ranking_by_number_needs_proof_and_torn_ones_are_missing(tmp_path):
    rows = ["1,1→2→3,1", "2,2→1,2"]
    got = read(tmp_path, {**RANK, **item()}, "您的性别,请排序,办事服务", rows)
    assert places(got) == [[None] * 3] * 2 and "numbers unproven" in set(got.ledger["rule"])
    got = read(tmp_path, {**RANK, **item()}, "您的性别,请排序,办事服务", rows, numbers="options")
    assert places(got) == PLACES[:2]
    got = read(tmp_path, {**RANK, **item()}, "您的性别,第2题(绿化),第2题(停车),第2题(治安),办事服务",
               ["男,1,1,2,满意", "男,2,1,3,满意", "男,4,9a,1,满意"])  # fmt: skip
    assert places(got) == [[None] * 3, [2, 1, 3], [4, None, 1]]
    told = got.ledger.set_index("rule")["n"]
    assert told["torn ranking"] == 1 and told["unknown option"] == 1
    got = read(
        tmp_path,
        {**RANK, **item()},
        "您的性别,请排序,办事服务",
        ["男,绿化→噪声→停车,满意", "男,绿化→绿化,满意"],
    )
    assert places(got) == [[1, 3, None], [None] * 3]
    assert got.ledger.loc[got.ledger["rule"] == "unknown option", ["before", "n"]].values.tolist() == [
        ["“噪声”", 1]
    ]


def test_rankings_are_drafted_as_such_whatever_the_layout(tmp_path):
    rng = random.Random(3)
    given_rows = [rng.sample(["绿化", "停车", "治安"], rng.randint(1, 3)) for _ in range(30)]
    by_text = ["→".join(own) for own in given_rows]
    by_place = [
        ",".join(str(own.index(o) + 1) if o in own else "-2" for o in ("绿化", "停车", "治安"))
        for own in given_rows
    ]
    for header, cells in (
        ("2、请排序", by_text),
        ("2、请排序(绿化),2、请排序(停车),2、请排序(治安)", by_place),
    ):
        path = tmp_path / "a.csv"
        body = "".join(f"{k},{'男女'[k % 2]},{c},满意\n" for k, c in enumerate(cells))
        path.write_text(f"序号,1、您的性别,{header},3、办事服务\n{body}", "utf-8")
        text = draft_codebook(path)
        (tmp_path / "d.yaml").write_text(text, "utf-8")
        book = load_codebook(tmp_path / "d.yaml")
        assert book.items["q2"].ranking and set(book.items["q2"].options) == {"绿化", "停车", "治安"}
        got = read_questionnaire(path, book).frame
        want = [
            [own.index(o) + 1 if o in own else None for o in ("绿化", "停车", "治安")] for own in given_rows
        ]
        said = [
            [None if pd.isna(v) else v for v in row]
            for row in got[["q2_绿化", "q2_停车", "q2_治安"]].values.tolist()
        ]
        assert said == want


def test_a_drafted_option_that_nobody_ticked_is_not_lost(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("序号,第6题(微信群),第6题(公告栏),第6题(电视)\n1,1,0,0\n2,0,1,0\n", "utf-8")
    assert "电视: 电视  # 0" in draft_codebook(path)


def test_the_same_answers_by_text_and_by_number_prove_the_order(tmp_path):
    form = ["没有投入", "10%左右", "20%左右", "30%左右", "40%左右"]
    rng = random.Random(4)
    chosen = [rng.choice([0, 1, 2, 4]) for _ in range(40)]
    texts = "".join(f"{k},2019/11/5,9,{'男女'[k % 2]},{form[c]}\n" for k, c in enumerate(chosen))
    numbers = [f"{k},2019/11/5,9,{k % 2 + 1},{c + 1}\n" for k, c in enumerate(chosen)]
    rng.shuffle(numbers)
    paths = tmp_path / "t.csv", tmp_path / "n.csv"
    for path, body in zip(paths, (texts, "".join(numbers)), strict=True):
        path.write_text(f"序号,提交答卷时间,所用时间,1、您的性别,2、投入占比\n{body}", "utf-8")
    text = draft_codebook(paths[0], by_number=paths[1])
    assert "order: [没有投入, 10%左右, 20%左右, null, 40%左右]" in text
    (tmp_path / "d.yaml").write_text(text, "utf-8")
    one, two = (
        read_questionnaire(path, tmp_path / "d.yaml").frame.sort_values("duration_s") for path in paths
    )
    same = ["sex", "q2"]
    assert sorted(one[same].values.tolist()) == sorted(two[same].values.tolist())
    assert "order:" not in draft_codebook(paths[0], by_number=paths[0])
    with pytest.raises(DataError):
        draft_codebook(paths[0], by_number=tmp_path / "none.csv")
