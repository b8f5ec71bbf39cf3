"""Codebooks: one meaning for every option over all quarters, every fault told with its line; drafts that load."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from commlab.errors import DataError
from commlab.intake import draft_codebook, load_codebook, read_questionnaire
from commlab.intake.codebook import option_key, question_key
from commlab.intake.likert import guess

SCALE = {"非常满意": 5, "满意": 4, "一般": 3, "不满意": 2, "非常不满意": 1}
BOOK = {
    "instrument": "resident",
    "demographics": {"sex": {"question": "您的性别", "options": {"男": "male", "女": "female"}}},
    "items": {"q": {"question": ["办事服务", "社区服务"], "options": SCALE, "dont_know": "说不清"}},
}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"items": {}}, "items"),
        ({"instrument": ""}, "instrument"),
        ({"itmes": {}}, "unknown keys itmes .did you mean items"),
        ({"items": {"q": {"question": "办事服务"}}}, "options"),
        ({"items": {"q": {"options": SCALE}}}, "question is missing"),
        ({"items": {"q": {"question": "a", "options": {"好": 98}}}}, "98 is kept"),
        ({"items": {"q": {"question": "a", "options": {True: 1, False: 2}}}}, "quotes"),
        ({"items": {"q": {"question": "a", "options": {"好": "5"}}}}, "whole number"),
        ({"items": {"q": {"question": "a", "options": {"好": 5, "好 ": 4}}}}, "read the same"),
        ({"items": {"q": {"question": "a", "options": {"好": 5, "": 4}}}}, "has no text"),
        ({"items": {"q": {"question": "您的性别", "options": SCALE}}}, "belongs to both"),
        ({"items": {"q": {"question": "a", "scale": [5, 1], "options": {}}}}, "scale"),
        ({"items": {"q": {"question": "a", "scale": [0, 100]}}}, "below 97"),
        ({"items": {"q": {"question": "a", "options": "agree"}}}, "no scale 'agree'"),
        ({"items": {"q": {"question": "a", "options": SCALE, "number": "六"}}}, "number must be"),
        ({"items": {"q": {"question": "a", "options": SCALE, "occurrence": 0}}}, "occurrence must be 1"),
        ({"items": {"q": {"question": "a", "options": SCALE, "reversed": "maybe"}}}, "true or false"),
        ({"items": {"q": {"question": "a", "options": SCALE, "order": ["好"]}}}, "order names unknown"),
        ({"items": {"q": {"question": "a", "options": SCALE, "versions": 3}}}, "list of mappings"),
        ({"numbers": "maybe"}, "numbers"),
        ({"columns": {"shoe": ["鞋"]}}, "shoe"),
        ({"checks": {"attention": "满意"}}, "question and expect"),
        ({"checks": {"min_seconds": "一分钟"}}, "numbers"),
        ({"items": {"valid": {"question": "a", "options": SCALE}}}, "belong to the table"),
    ],
)
def test_a_codebook_is_refused_with_what_is_wrong(change, told):
    with pytest.raises(DataError, match=told):
        load_codebook({**BOOK, **change})


HEAD = "instrument: a\nitems:\n"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (HEAD + "  q: {question: a, options: {好: 1}}\n  q: {question: b, options: {好: 1}}\n", {"line 4: the key 'q' stands twice .first on line 3"}),
        (HEAD + "  q:\n    question: a\n    options:\n      好: 1\n      好: 2\n", {"line 7: the key '好' stands twice"}),
        (HEAD + "  q:\n    question: a\n    options:\n      yes: 1\n      no: 0\n", {"line 6: YAML reads yes as true; put it in quotes: 'yes'", "line 7: YAML reads no as false"}),
        (HEAD + "  q:\n    question: a\n    options:\n      010: 1\n      12:30: 2\n      0371: 3\n", {"line 6: YAML reads 010 as 8", "line 7: YAML reads 12:30 as 750", "line 8: YAML reads 0371 as 249"}),
        (HEAD + "  q: {question: a, options: {好: 010}}\n", {"line 3: YAML reads 010 as 8"}),
        (HEAD + "  q: {question: a, options: {好: yes}}\n", {"line 3: items.q: the code of '好' must be a whole number, not YAML's reading of yes"}),
        (HEAD + "  q:\n    question: a\n    options: {好: 1}\n    dont_know: [no]\npersonal: off\n", {"line 6: YAML reads no as false", "line 7: YAML reads off as false"}),
        (HEAD + "  q:\n    question: a\n    options: {好: 2019-10-01, ~: 1}\n", {"line 5: YAML reads 2019-10-01 as", "line 5: YAML reads ~ as nothing"}),
        (HEAD + "  q:\n    question: a\n    option: {好: 1}\n", {"line 5: items.q: unknown keys option .did you mean options"}),
        (HEAD + "  q:\n    question: a\n    options:\n      好: 1\n    dont_know:\n    - 好\n", {"line 7: items.q: options that read the same"}),
        (HEAD + "  q:\n    question: a\n    options: {好: 1}\n  r:\n    question: [b, a]\n    options: {好: 1}\n", {"line 7: the question 'a' belongs to both q and r"}),
        (HEAD + "  q:\n    question: a\n    options: {好: 5, 差: 1}\n    versions:\n    - {periods: [三季度], options: {好: 10}}\n    - {options: {好: 5}}\n", {"line 7: items.q, version 1: the codes 10 are none", "line 7: .*'三季度' is not a period", "line 8: items.q, version 2: say by question or by periods"}),
        ("a: [", {"line 1: this is not YAML"}),
        ("instrument: x\nitems:\n\tq: 1\n", {"line 3: this is not YAML"}),
        ("- a\n", {"a codebook is a mapping"}),
        ("", {"a codebook is a mapping"}),
        ("instrument: no\nitems: &i {q: *i}\n", {"line 1: YAML reads no as false", "line 2: .*contains itself"}),
    ],
)  # fmt: skip
def test_faults_of_a_file_are_told_with_their_lines(tmp_path, text, lines):
    path = tmp_path / "a.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(DataError) as told:
        load_codebook(path)
    for line in lines:
        assert told.match(line)
    assert str(path) in str(told.value)


def test_files_that_are_none(tmp_path):
    with pytest.raises(DataError, match="no such codebook"):
        load_codebook(tmp_path / "a.yaml")
    (tmp_path / "a.yaml").write_bytes("题目: 满意".encode("gb18030"))
    with pytest.raises(DataError, match="UTF-8"):
        load_codebook(tmp_path / "a.yaml")


def test_plain_numbers_anchors_and_named_scales_are_no_traps(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(
        "instrument: 2019\nscales: {agree: {同意: 1, 不同意: 0}}\nitems:\n"
        "  q: {question: 1, options: &five {1: 1, 2: 2, 0.5: 3}}\n  r: {question: b, options: {<<: *five, 4: 4}}\n"
        "  s: {question: c, options: agree, reversed: yes}\n",
        "utf-8",
    )
    book = load_codebook(path)
    assert book.items["q"].options == {"1": 1, "2": 2, "0.5": 3} and book.items["r"].options == {
        "1": 1,
        "2": 2,
        "0.5": 3,
        "4": 4,
    }
    assert book.items["s"].meanings() == {"同意": 0, "不同意": 1} and book.instrument == "2019"
    assert load_codebook(book) is book


def test_the_example_of_the_architecture_page_is_a_codebook(tmp_path):
    page = (Path(__file__).parents[1] / "ARCHITECTURE.md").read_text("utf-8").partition("## A codebook")[2]
    path = tmp_path / "a.yaml"
    path.write_text(
        page.partition("```yaml\n")[2].partition("```")[0].replace("{zh: ..., en: ...}", "{zh: 问卷}"),
        "utf-8",
    )
    book = load_codebook(path)
    assert (
        set(book.items) == {"q_overall_satisfaction", "q_recommend", "q_channel", "q_first"} and book.reject
    )


@given(st.text(max_size=40))
@settings(deadline=None, max_examples=60)
def test_any_text_is_a_codebook_or_a_data_error(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes((HEAD + "  q: {question: a, options: {" + text).encode("utf-8", "replace"))
    try:
        assert load_codebook(path).instrument == "a"
    except DataError as error:
        assert "any.yaml" in str(error)


def answered(tmp_path, book, header, cells, **more):
    path = tmp_path / "a.csv"
    path.write_text(f"编号,{header}\n" + "".join(f"{k},{cell}\n" for k, cell in enumerate(cells)), "utf-8")
    return read_questionnaire(path, book, **more)


VERSIONS = {
    "question": "办事服务",
    "options": {**SCALE, "比较满意": 4, "很满意": 5},
    "dont_know": "说不清",
    "not_applicable": "没办过",
    "versions": [
        {"periods": ["2018Q4", "2017"], "options": {"好": 5, "中": 3, "差": 1}},
        {"question": "办事服务(1为最满意)", "scale": [1, 5], "reversed": True},
        {"question": "办事服务(十分制)", "options": {str(k): (k + 1) // 2 for k in range(1, 11)}},
    ],
}


@pytest.mark.parametrize(
    ("header", "period", "cells", "want"),
    [
        (
            "办事服务",
            "2019Q4",
            ["很满意", "比较满意", "好", "说不清", "没办过", ""],
            [5, 4, None, 98, 97, None],
        ),
        ("办事服务", "2018Q4", ["好", "差", "满意", "说不清"], [5, 1, None, 98]),
        ("办事服务", "2017M11", ["好", "差", "满意"], [5, 1, None]),
        ("3、办事服务（1为最满意）", "2019Q4", ["1", "5", "2.0", "6"], [5, 1, 4, None]),
        ("办事服务(十分制)", None, ["1", "9", "10", "0"], [1, 5, 5, None]),
    ],
)
def test_quarters_that_asked_otherwise_have_versions(tmp_path, header, period, cells, want):
    got = answered(tmp_path, {"instrument": "a", "items": {"q": VERSIONS}}, header, cells, period=period)
    assert [None if pd.isna(v) else v for v in got.frame["q"]] == want
    unknown = got.ledger.loc[got.ledger["rule"] == "unknown option", "n"]
    assert int(unknown.sum()) == sum(w is None and c != "" for w, c in zip(want, cells, strict=True))


@pytest.mark.parametrize(
    ("numbers", "turned", "want"),
    [(None, False, [None, None]), ("values", False, [5, 1]), ("values", True, [1, 5]), ("options", False, [1, 5]), ("options", True, [5, 1])],
)  # fmt: skip
def test_bare_numbers_mean_what_the_codebook_says(tmp_path, numbers, turned, want):
    item = {"question": "办事服务", "options": SCALE, "reversed": turned}
    got = answered(
        tmp_path, {"instrument": "a", "numbers": numbers, "items": {"q": item}}, "办事服务", ["5", "1"]
    )
    assert [None if pd.isna(v) else v for v in got.frame["q"]] == want


def test_a_wording_may_be_given_by_its_beginning(tmp_path):
    book = {"instrument": "a", "items": {"q": {"question": "您对本社区的办事服务…", "options": SCALE}}}
    assert answered(tmp_path, book, "2、您对本社区的办事服务是否满意(含自助终端)", ["满意"]).frame[
        "q"
    ].tolist() == [4]
    with pytest.raises(DataError, match="columns B, C all answer q"):
        answered(tmp_path, book, "您对本社区的办事服务甲,您对本社区的办事服务乙", ["满意,一般"])


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("3、您的性别", "您的性别"),
        ("Q12. 您的性别:", "您的性别"),
        ("*3.1您的性别?", "*3.1您的性别"),
        ("（3）您的性别【单选题】", "您的性别"),
        ("q2_1", "Q2_1"),
    ],
)
def test_question_keys(a, b):
    assert question_key(a) == question_key(b) != ""


def test_option_keys():
    assert option_key(" Ａ、非常满意 ") == "非常满意" and option_key("其他〖a┋b") == "其他"
    assert option_key("其他（请注明）____") == option_key("D. 其他") and option_key("5.0") == "5"
    assert question_key("Q2_1") != question_key("Q3_1")


@pytest.mark.parametrize(
    ("best_first", "codes"),
    [
        ("非常满意 满意 一般 不满意 非常不满意", [5, 4, 3, 2, 1]),
        ("很满意 比较满意 一般 不太满意 很不满意", [5, 4, 3, 2, 1]),
        ("非常满意 满意 比较满意 一般 不满意", [5, 4, 3, 2, 1]),
        ("满意 一般 不满意", [3, 2, 1]),
        ("非常同意 同意 不同意 非常不同意", [4, 3, 2, 1]),
        ("非常了解 比较了解 一般 完全不了解", [5, 4, 3, 1]),
        ("很好 较好 一般 较差 很差", [5, 4, 3, 2, 1]),
        ("经常看到 有时看到 偶尔看到 很少看到 从未看到", [5, 4, 3, 2, 1]),
        ("Strongly_Agree Agree Neither_agree_nor_disagree Disagree Strongly_disagree", [5, 4, 3, 2, 1]),
        ("Very_satisfied Somewhat_satisfied Neutral Dissatisfied Very_dissatisfied", [5, 4, 3, 2, 1]),
        ("Very_likely Likely Unlikely Very_unlikely", [4, 3, 2, 1]),
        ("Always Often Sometimes Seldom Never", [5, 4, 3, 2, 1]),
        ("Excellent Good Fair Poor", [5, 4, 3, 2]),
    ],
)
def test_scales_are_guessed_in_both_languages_whatever_the_order(best_first, codes):
    labels = (
        best_first.replace("_", " ").split()
        if "_" not in best_first
        else [w.replace("_", " ") for w in best_first.split()]
    )
    assert guess(labels) == guess(labels[::-1]) == dict(zip(labels, codes, strict=True))


@pytest.mark.parametrize(
    "labels", [["男", "女"], ["微信群", "公告栏", "其他"], ["是", "否"], ["满意"], [], ["18-24", "65+"]]
)
def test_what_is_no_scale_is_not_guessed(labels):
    assert guess(labels) is None


EXPORT = """序号,提交答卷时间,所用时间,来源,来源详情,来自IP,1、您所在的县(市)区,2、您居住的社区,3、您的性别,4、您的年龄,5、请评价—办事服务,5、物业服务,6、从哪里了解信息,7、推荐,8、姓名,9、您的意见,10、联系
"""
ROWS = [
    "{k},2019/11/5 8:01:{k:02d},90秒,微信,,198.18.0.{k},五华区,翠湖社区,{s},18~24岁,{a},{b},{c},{n},李强{k},第{k}条意见：希望多种一些树,1390000{k:04d}"
    .format(k=k, s="男女"[k % 2], a=["满意", "不满意", "非常满意", "说不清", "一般"][k % 5], b=["一般", "没有物业", "满意"][k % 3],
            c=["微信群┋其他【请注明】〖邻居〗", "公告栏", "微信群"][k % 3], n=k % 11)
    for k in range(40)
]  # fmt: skip


def drafted(tmp_path, rows):
    path = tmp_path / "居民问卷.csv"
    path.write_text(EXPORT + "\n".join(rows) + "\n", "utf-8")
    return path, draft_codebook(path)


def test_a_draft_loads_reads_its_own_file_and_quotes_nothing_personal(tmp_path):
    path, text = drafted(tmp_path, ROWS)
    (tmp_path / "draft.yaml").write_text(text, "utf-8")
    book = load_codebook(tmp_path / "draft.yaml")
    got = read_questionnaire(path, book)
    assert (
        not got.ledger["rule"]
        .isin(["unknown option", "column not in the codebook", "question not in file"])
        .any()
    )
    assert not any(secret in text for secret in ("李强", "1390000", "198.18", "邻居", "种一些树"))
    assert (
        "不满意: 2  # 8" in text
        and set(book.personal) == {"8、姓名", "10、联系"}
        and book.free_text == ("9、您的意见",)
    )
    assert (
        book.demographics["age_band"].options == {"18~24岁": "18-24"}
        and book.demographics["sex"].options["女"] == "female"
    )
    assert book.unit == {"district": ("1、您所在的县(市)区",), "community": ("2、您居住的社区",)}
    assert book.items["q5"].dont_know == ("说不清",) and book.items["q5_2"].not_applicable == ("没有物业",)
    assert book.items["q5"].options == {"非常满意": 5, "满意": 4, "一般": 3, "不满意": 2} and book.items[
        "q7"
    ].scale == (
        0,
        10,
    )
    assert book.items["q6"].multiple and set(book.items["q6"].options) == {
        "微信群",
        "公告栏",
        "其他【请注明】",
    }


def test_a_draft_does_not_depend_on_the_order_of_rows(tmp_path):
    assert drafted(tmp_path, ROWS)[1] == drafted(tmp_path, ROWS[::-1])[1]


@pytest.mark.parametrize(
    "text", ["办事服务\n满意\n", "a,b\n,x\n", "no,010,12:30\n- a,# b,'c\n", "第6题(甲),第6题(乙)\n1,0\n0,1\n"]
)
def test_drafts_of_odd_files_are_yaml(tmp_path, text):
    path = tmp_path / "a.csv"
    path.write_text(text, "utf-8")
    assert yaml.safe_load(draft_codebook(path))["instrument"] == "resident"


@pytest.mark.parametrize(
    "body",
    ["q: {options: {好: 1}}", "q: {question: a, option: {好: 1}}", "q: {question: a, options: {好: 98}}", "q: {question: a, options: {no: 1}}",
     "q: {question: a, options: {好: 1}, order: [坏]}", "q: {question: a, options: {好: 1}, numbers: 3}", "q: {question: a, scale: 5}",
     "q: {question: a, options: five}", "q: {question: a, options: {好: 1}, ranking: maybe}", "q: [1"],
)  # fmt: skip
def test_faults_are_told_in_chinese(tmp_path, body):
    from commlab.study.faults import in_language
    from commlab.text import Text

    path = tmp_path / "a.yaml"
    path.write_text(HEAD + f"  {body}\n", "utf-8")
    with pytest.raises(DataError) as error:
        load_codebook(path)
    told = str(in_language(error.value, Text("zh")))
    assert "行：" in told and not any(
        word in told for word in (" must ", " is ", " are ", "line ", "unknown ")
    )
