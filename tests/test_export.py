"""Exports of survey platforms in the shapes they really have: each reads into the same clean items, and every
row of the file is an answer, recognised or rejected."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import pyreadstat
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from messy import write_ods

from commlab import tables
from commlab.errors import DataError
from commlab.intake import read_questionnaire

SCALE = {"非常满意": 5, "满意": 4, "一般": 3, "不满意": 2, "非常不满意": 1, "very_satisfied": 5, "fair": 3}
BOOK = {
    "instrument": "resident",
    "numbers": "options",
    "demographics": {
        "sex": {"question": ["您的性别", "q_sex"], "options": {"男": "male", "女": "female", "male": "male", "female": "female"},
                "order": ["男", "女"]},
    },
    "items": {
        "service": {"question": ["办事服务", "q_service"], "number": 5, "options": SCALE, "not_applicable": ["没办过"]},
        "noise": {"question": ["噪声扰民", "q_noise"], "number": 5, "options": SCALE},
        "channel": {
            "question": ["您从哪里了解信息", "q_channel"],
            "number": 6,
            "multiple": True,
            "options": {"微信群": "wechat", "wechat": "wechat", "公告栏": "board", "board": "board", "其他": "other", "other": "other"},
        },
    },
}  # fmt: skip
OFTEN = {"question": "办事服务", "number": 9, "options": {"经常": 3, "有时": 2, "从不": 1}}
GRIDS = {**BOOK, "items": {**BOOK["items"], "often": OFTEN}, "ignore": []}
WANT = {
    "sex": ["male", "female"],
    "service": [5, None],
    "noise": [3, None],
    "channel_wechat": [1, None],
    "channel_board": [0, None],
    "channel_other": [1, None],
}
WJX = "序号,提交答卷时间,所用时间,来源,来源详情,来自IP,1、您的性别 "
LABELS = f"""{WJX},5、请评价—办事服务,5、噪声扰民,6、您从哪里了解信息,9、多久一次—办事服务
1,2019/11/5 8:01:30,90秒,微信,某人,198.18.0.1(云南-昆明),男,非常满意,一般,微信群┋其他【请注明】〖邻┋居〗,经常
2,2019/11/5 8:01:30,1分30秒,链接,,198.18.0.2(云南-昆明),女,(跳过),(空),(跳过),从不
"""
CODES = f"""{WJX},第5题(办事服务),第5题(噪声扰民),第6题(微信群),第6题(公告栏),第6题(其他【请注明】),第9题(办事服务)
1,2019/11/5 8:01:30,90,微信,某人,198.18.0.1,1,1,3,1,0,1,1
2,2019/11/5 8:01:30,90,链接,,198.18.0.2,2,-3,-2,-3,-3,-3,3
"""
TENCENT = """"编号","开始答题时间","结束答题时间","答题时长","语言","清洗数据结果","智能清洗数据无效概率","地理位置国家和地区","地理位置省","地理位置市","用户类型","用户标识","昵称","自定义字段","IP","UA","Referrer","1.您的性别","5.请评价:办事服务","5.请评价:噪声扰民","6.您从哪里了解信息？:微信群","6.您从哪里了解信息？:公告栏","6.您从哪里了解信息？:其他","6.您从哪里了解信息？:其他:输入文本","9.多久一次:办事服务",
"1","2019-11-05 08:00:00","2019-11-05 08:01:30","90秒","简体中文","有效","0.1","中国","云南","昆明","微信用户","oAbc12","小花","","198.18.0.1","Mozilla","","A.男","A.非常满意","C.一般","微信群","","其他","邻居","A.经常",
"2","2019-11-05 08:00:00","2019-11-05 08:01:30","1分30秒","简体中文","有效","0.1","中国","云南","昆明","微信用户","oAbd34","小草","","198.18.0.2","Mozilla","","B.女","","","","","","","C.从不",
"""
KOBO = """"start";"end";"about/q_sex";"grid/q_service";"grid/q_noise";"grid/q_channel";"grid/q_channel/wechat";"grid/q_channel/board";"grid/q_channel/other";"home";"_home_latitude";"_home_longitude";"_home_altitude";"_home_precision";"_id";"_uuid";"_submission_time";"_validation_status";"_notes";"_status";"_submitted_by";"__version__";"_tags";"_index"
"2019-11-05T08:00:00.000+08:00";"2019-11-05T08:01:30.000+08:00";"male";"very_satisfied";"fair";"wechat other";"1";"0";"1";"25.04 102.71 0 0";"25.04";"102.71";"0";"0";"7001";"a-b";"2019-11-07T01:02:03";"validation_status_approved";"";"submitted_via_web";"li";"v1";"";"1"
"2019-11-05T08:00:00.000+08:00";"2019-11-05T08:01:30.000+08:00";"female";"";"";"";"";"";"";"";"";"";"";"";"7002";"a-c";"2019-11-07T01:02:03";"";"";"submitted_via_web";"li";"v1";"";"2"
"""
KOBO_LABELS = (
    KOBO.replace("about/q_sex", "基本情况/您的性别").replace("grid/q_service", "请评价/办事服务")
    .replace("grid/q_noise", "请评价/噪声扰民").replace("grid/q_channel/wechat", "请评价/您从哪里了解信息/微信群")
    .replace("grid/q_channel/board", "请评价/您从哪里了解信息/公告栏").replace("grid/q_channel", "请评价/您从哪里了解信息")
    .replace('"male"', '"男"').replace('"female"', '"女"').replace("very_satisfied", "非常满意").replace('"fair"', '"一般"')
)  # fmt: skip
HXL = KOBO.replace('"\n"2019', '"\n"#date";"";"#sex"' + ';""' * 21 + '\n"2019', 1)
TWO_ROWS = """序号,您的性别,请评价,,您从哪里了解信息,,
,,办事服务,噪声扰民,微信群,公告栏,其他
1,男,非常满意,一般,1,0,1
2,女,,,,,
"""
ONE_COLUMN = """编号,您的性别,办事服务,噪声扰民,您从哪里了解信息
1.0,男,A.非常满意,C、一般,微信群；其他
2.0,女,,,
"""
IN_A_TITLE = """五华区居民满意度问卷数据,,,,
（2019年第四季度）,,,,
,,,,
编号,您的性别,办事服务,噪声扰民,您从哪里了解信息
1,男,非常满意,一般,微信群|其他
2,女,,,
合计2份,,,,
"""
PASTED = ONE_COLUMN.replace("2.0,女", ",,,,\n编号,您的性别,办事服务,噪声扰民,您从哪里了解信息\n2.0,女")
LAYOUTS = {
    "问卷星 by text": (LABELS, "gb18030"),
    "问卷星 by code": (CODES, "utf-8"),
    "问卷星 by code, short headers": (CODES.replace("第5题", "5、").replace("第6题", "6、").replace("第9题", "9、"), "utf-8-sig"),
    "腾讯问卷": (TENCENT, "utf-8-sig"),
    "Kobo, names": (KOBO, "utf-8-sig"),
    "Kobo, labels": (KOBO_LABELS, "utf-8"),
    "Kobo, another group separator": (KOBO_LABELS.replace("/", "::"), "utf-8"),
    "Kobo, a row of tags": (HXL, "utf-8"),
    "two header rows": (TWO_ROWS, "gb18030"),
    "one column a question": (ONE_COLUMN, "gb18030"),
    "below a title": (IN_A_TITLE, "utf-8"),
    "files pasted together": (PASTED, "utf-8"),
}  # fmt: skip


def read(path, book=BOOK, **more):
    got = read_questionnaire(path, book, **more)
    tables.validate("responses", got.frame.assign(period="2019Q4"))
    tables.validate("ledger", got.ledger)
    return got


def written(folder, text, coding="utf-8", name="答卷.csv"):
    path = folder / name
    path.write_bytes(text.encode(coding))
    return path


def lost(got, rows):
    """Rows of the file that nothing accounts for."""
    told = got.ledger[got.ledger["action"].isin(["recognised", "rejected"])]
    return rows - len(got.frame) - int(told["n"].sum())


def answers(frame, columns=tuple(WANT)):
    return {c: [None if pd.isna(v) else v for v in frame[c]] for c in columns}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_says_the_same(tmp_path, layout):
    text, coding = LAYOUTS[layout]
    got = read(written(tmp_path, text, coding))
    assert answers(got.frame) == WANT
    assert lost(got, text.count("\n")) == 0
    told = got.ledger[got.ledger["rule"].isin(["unknown option", "column not in the codebook"])]
    assert not told["column"].str.contains("9|多久").eq(False).any()
    everything = got.frame.to_csv() + got.ledger.to_csv()
    assert not any(
        secret in everything for secret in ("198.18", "某人", "小花", "oAbc", "邻", "25.04", "102.71")
    )


@pytest.mark.parametrize("layout", ["问卷星 by text", "腾讯问卷", "Kobo, names"])
def test_times_of_platforms(tmp_path, layout):
    # Kobo's end is the interview's; the upload two days later is not.
    text, coding = LAYOUTS[layout]
    frame = read(written(tmp_path, text, coding)).frame
    assert frame["submitted_at"].tolist() == [pd.Timestamp("2019-11-05 08:01:30")] * 2
    assert frame["duration_s"].tolist() == [90, 90]


def test_rows_of_two_grids_are_told_apart_by_number_and_title(tmp_path):
    for text in (LABELS, CODES, TENCENT):
        frame = read(written(tmp_path, text), GRIDS).frame
        assert frame["often"].tolist() == [3, 1] and frame["service"].tolist() == [5, pd.NA]
    named = {
        name: {**GRIDS["items"][name], "number": None, "question": f"{title}—{row}"}
        for name, title, row in (("service", "请评价", "办事服务"), ("noise", "请评价", "噪声扰民"), ("often", "多久一次", "办事服务"))
    }  # fmt: skip
    got = read(written(tmp_path, LABELS), {**BOOK, "items": named}).frame
    assert got["noise"].tolist() == [3, pd.NA] and got["often"].tolist() == [3, 1]


def test_skipped_by_routing_is_told_apart_from_blank_where_the_codebook_wants_it(tmp_path):
    got = read(written(tmp_path, CODES))
    assert got.ledger.loc[got.ledger["rule"] == "skipped", ["column", "n"]].values.tolist() == [
        ["第5题(办事服务)", 1]
    ]
    item = {**BOOK["items"]["service"], "not_applicable": ["没办过", "(跳过)", "-3"]}
    for text in (LABELS, CODES):
        frame = read(written(tmp_path, text), {**BOOK, "items": {"service": item}}).frame
        assert frame["service"].tolist() == [5, 97]


def workbook(path, rows, *, merged=()):
    book = xlsxwriter.Workbook(str(path))
    book.add_worksheet("说明").write_column(0, 0, ["导出说明", "共两份"])
    page = book.add_worksheet("数据")
    for top, left, bottom, right, text in merged:
        page.merge_range(top, left, bottom, right, text)
    for r, row in enumerate(rows):
        for c, cell in enumerate(row):
            if cell not in ("", None):
                page.write(r, c, cell)
    book.close()
    return path


@pytest.mark.parametrize("suffix", [".xlsx", ".ods", ".csv"])
def test_workbooks_and_text_files_are_alike(tmp_path, suffix):
    rows = [[cell or None for cell in line.split(",")] for line in ONE_COLUMN.splitlines()]
    path = tmp_path / f"a{suffix}"
    if suffix == ".xlsx":
        workbook(path, rows)
    elif suffix == ".ods":
        write_ods(path, rows)
    else:
        written(tmp_path, ONE_COLUMN, name=path.name)
    got = read(path)
    assert answers(got.frame) == WANT and got.frame["response_id"].is_unique and lost(got, 3) == 0


def test_merged_headers_and_the_sheet_that_has_the_questions(tmp_path):
    rows = [
        [],
        ["", "", "办事服务", "噪声扰民", "微信群", "公告栏", "其他"],
        [1, "男", "非常满意", "一般", 1, 0, 1],
        [2, "女"],
    ]
    merged = [
        (0, 0, 1, 0, "序号"),
        (0, 1, 1, 1, "您的性别"),
        (0, 2, 0, 3, "请评价"),
        (0, 4, 0, 6, "您从哪里了解信息"),
    ]
    got = read(workbook(tmp_path / "a.xlsx", rows, merged=merged))
    assert answers(got.frame) == WANT and lost(got, 4) == 0
    assert got.ledger.loc[got.ledger["rule"] == "unread sheet", "message"].str.contains("说明").tolist() == [
        True
    ]
    assert got.frame["source"].tolist()[0].endswith("#数据!3:3")


def test_hidden_rows_are_read_and_told(tmp_path):
    book = xlsxwriter.Workbook(str(tmp_path / "a.xlsx"))
    page = book.add_worksheet()
    for r, row in enumerate([["编号", "办事服务"], [1, "满意"], [2, "一般"]]):
        page.write_row(r, 0, row)
    page.set_row(2, None, None, {"hidden": True})
    book.close()
    got = read(tmp_path / "a.xlsx")
    assert len(got.frame) == 2 and lost(got, 3) == 0
    told = got.ledger.set_index("rule")["first_cells"]
    assert told["hidden_rows"] == "3:3"


def test_spss_files_are_read_by_their_labels_or_names(tmp_path):
    scale = {5: "非常满意", 4: "满意", 3: "一般", 2: "不满意", 1: "非常不满意"}
    frame = pd.DataFrame(
        {"ID": [1.0, 2], "Q1": [1.0, 2], "Q5_1": [5.0, -3], "Q5_2": [3.0, np.nan], "Q6_1": [1.0, np.nan],
         "Q6_2": [0.0, np.nan], "Q6_3": [1.0, np.nan], "Q9": [0.0, 10.0]}
    )  # fmt: skip
    path = tmp_path / "a.sav"
    pyreadstat.write_sav(
        frame,
        str(path),
        column_labels=["序号", "1、您的性别", "5、请评价—办事服务", "5、噪声扰民", "6、您从哪里了解信息:微信群",
                       "6、您从哪里了解信息:公告栏", "6、您从哪里了解信息:其他", "推荐"],
        variable_value_labels={"Q1": {1: "男", 2: "女"}, "Q5_1": scale, "Q5_2": scale, "Q6_1": {0: "未选中", 1: "选中"},
                               "Q9": {0: "完全不会", 10: "一定会"}},
    )  # fmt: skip
    items = {**BOOK["items"], "recommend": {"question": "推荐", "scale": [0, 10]}}
    got = read(path, {**BOOK, "items": items})
    assert answers(got.frame) == WANT and got.frame["recommend"].tolist() == [0, 10]
    by_name = read(path, {**BOOK, "items": {"x": {"question": "Q5_2", "options": SCALE}}}).frame
    assert by_name["x"].tolist() == [3, pd.NA]


def test_only_ticks_written_a_blank_is_no_for_whoever_ticked_anything(tmp_path):
    text = "Respondent,1.1. Signed a petition,1.2. Attended an open house,1.3. Prefer not to answer\n1,1.0,,\n2,,,\n3,,1.0,\n4,,,1.0\n"
    question = {
        "question": "How did you take part?", "number": 1, "multiple": True,
        "options": {"Signed a petition": "petition", "Attended an open house": "house", "Prefer not to answer": None},
    }  # fmt: skip
    got = read(written(tmp_path, text), {"instrument": "x", "items": {"part": question}})
    assert got.frame["part_petition"].tolist() == [1, pd.NA, 0, pd.NA]
    assert got.frame["part_house"].tolist() == [0, pd.NA, 1, pd.NA]


def test_ticks_that_are_none_and_options_that_are_unknown_are_reported(tmp_path):
    text = (
        "编号,您从哪里了解信息/微信群,您从哪里了解信息/公告栏,您从哪里了解信息/抖音\n1,1,maybe,1\n2,0,0,1\n"
    )
    got = read(written(tmp_path, text))
    assert got.frame["channel_board"].tolist() == [pd.NA, 0]
    told = got.ledger[got.ledger["rule"] == "unknown option"].set_index("column")["n"].to_dict()
    assert told == {"您从哪里了解信息/公告栏": 1, "您从哪里了解信息/抖音": 2}


def test_known_choices_survive_unknown_ones_in_the_same_cell(tmp_path):
    text = (
        "编号\t您从哪里了解信息\n1\t微信群;小红书\n2\t公告栏、微信群\n3\t看到 其他 人说\n4\t公告栏，微信群\n"
    )
    got = read(written(tmp_path, text))
    assert got.frame["channel_wechat"].tolist() == [1, 1, pd.NA, 1] and got.frame[
        "channel_board"
    ].tolist() == [0, 1, pd.NA, 1]
    told = got.ledger[got.ledger["rule"] == "unknown option"]
    assert told["before"].tolist() == ["“小红书”", "“看到 其他 人说”"] and told["first_cells"].tolist() == [
        "B2",
        "B4",
    ]


def test_labels_of_several_words_joined_by_spaces_are_parted(tmp_path):
    options = {"TV news": "tv", "TV": "set", "City email newsletters": "email"}
    book = {"instrument": "x", "items": {"by": {"question": "How?", "multiple": True, "options": options}}}
    got = read(
        written(tmp_path, "_id,How?\n1,City email newsletters TV news\n2,TV TV news\n3,TV and radio\n"), book
    )
    assert got.frame[["by_tv", "by_set", "by_email"]].fillna(-1).values.tolist() == [
        [1, 0, 1],
        [1, 1, 0],
        [-1, -1, -1],
    ]
    assert got.ledger.loc[got.ledger["rule"] == "unknown option", "before"].tolist() == ["“TV and radio”"]


def test_an_option_that_several_people_give_is_shown_in_full_a_text_of_one_is_not(tmp_path):
    long = "与父母或其他家庭成员长期居住在一起并且没有自己的住房或者租房的情况"
    text = "编号,办事服务,备注\n" + "".join(f"{k},{long},\n" for k in range(3)) + f"3,{long[::-1]},\n"
    told = read(written(tmp_path, text)).ledger
    assert told.loc[told["rule"] == "unknown option", "before"].tolist() == [
        f"“{long}”",
        f"‹text of {len(long)} characters›",
    ]


def test_rows_are_rejected_only_as_declared_and_trials_are_reported(tmp_path):
    text = KOBO.replace(
        '"7002";"a-c";"2019-11-07T01:02:03";""', '"7002";"a-c";"2019-11-07T01:02:03";"Not Approved"'
    )
    book = {**BOOK, "reject": {"_validation_status": ["Not Approved", "validation_status_not_approved"]}}
    got = read(written(tmp_path, text), book)
    assert len(got.frame) == 1 and lost(got, 3) == 0
    assert got.ledger.loc[got.ledger["action"] == "rejected", ["n", "first_cells"]].values.tolist() == [
        [1, "R3"]
    ]
    text = "编号,办事服务,您的意见\n1,满意,\n2,满意,测试\n3,满意,这是一次 test 吗\n"
    book = {**BOOK, "free_text": ["您的意见"]}
    got = read(written(tmp_path, text), book)
    assert got.ledger.loc[got.ledger["rule"] == "test answer", ["n", "first_cells"]].values.tolist() == [
        [1, "3:3"]
    ]
    got = read(written(tmp_path, text), {**book, "reject": {"您的意见": "测试"}})
    assert len(got.frame) == 2 and lost(got, 4) == 0 and "test answer" not in set(got.ledger["rule"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("编号,3、办事服务,4、办事服务\n1,满意,一般\n", "columns B, C all answer service"),
        ("编号,办事服务,办事服务\n1,满意,一般\n", "columns B, C all answer service"),
        ("编号,grid/办事服务,grid2/办事服务\n1,满意,一般\n", "columns B, C all answer service"),
        (
            "编号,办事服务,性别\n1,满意,男\n编号,性别,办事服务\n2,女,一般\n",
            "row 3: a second header .* another order",
        ),
        ("编号,办事服务\n,\n", "no row of answers"),
        (
            "第6题(微信群),第6题(公告栏),第8题(微信群),第8题(公告栏)\n1,0,1,1\n",
            "questions 6, 8; give its number",
        ),
    ],
)
def test_what_cannot_be_told_apart_is_refused_with_its_columns(tmp_path, text, told):
    items = {
        "service": {"question": "办事服务", "options": SCALE},
        "channel": {**BOOK["items"]["channel"], "number": None},
    }
    with pytest.raises(DataError, match=told):
        read(written(tmp_path, text), {"instrument": "x", "items": items})


def test_columns_with_the_very_same_header_are_told_apart_by_their_order(tmp_path):
    items = {f"s{k}": {"question": "办事服务", "options": SCALE, "occurrence": k} for k in (1, 2)}
    book = {"instrument": "x", "items": items}
    got = read(written(tmp_path, "编号,办事服务,噪声,办事服务\n1,满意,,一般\n"), book)
    assert got.frame[["s1", "s2"]].values.tolist() == [[4, 3]]
    got = read(written(tmp_path, "编号,办事服务\n1,满意\n"), book)
    assert got.frame["s1"].tolist() == [4] and got.frame["s2"].isna().all()


def test_a_missing_question_is_reported_with_the_header_that_comes_near(tmp_path):
    got = read(written(tmp_path, "编号,办事服务,3、噪声扰民情况\n1,满意,一般\n"))
    told = got.ledger[got.ledger["rule"] == "question not in file"].set_index("column")["message"]
    assert "Column C “3、噪声扰民情况” comes near" in told["noise"] and set(told.index) == {
        "sex",
        "noise",
        "channel",
    }


def test_the_order_of_rows_and_columns_does_not_matter(tmp_path):
    rng = random.Random(7)
    header = ["编号", "您的性别", "办事服务", "噪声扰民", "您从哪里了解信息"]
    rows = [
        [str(k), rng.choice("男女"), rng.choice([*SCALE, "很好", ""]), rng.choice(["一般", "(空)"]), rng.choice(["微信群┋其他", "公告栏"])]
        for k in range(60)
    ]  # fmt: skip
    straight = read(written(tmp_path, "\n".join(",".join(r) for r in [header, *rows]) + "\n"), key="k")
    order = rng.sample(range(5), 5)
    mixed = [[row[k] for k in order] for row in [header, *rng.sample(rows, 60)]]
    turned = read(written(tmp_path, "\n".join(",".join(r) for r in mixed) + "\n"), key="k")
    for a, b in zip(
        *(
            r.frame.drop(columns="source").set_index("response_id").sort_index().items()
            for r in (straight, turned)
        ),
        strict=True,
    ):
        pd.testing.assert_series_equal(a[1], b[1])
    same = ["rule", "column", "n", "before", "message"]
    one, two = (r.ledger[same].sort_values(same).reset_index(drop=True) for r in (straight, turned))
    pd.testing.assert_frame_equal(one, two)


def test_rows_longer_or_shorter_than_the_header_are_kept(tmp_path):
    for text in (
        "编号,办事服务\n1,满意,\n2,一般,\n",
        "编号,噪声扰民,办事服务\n1,一般,满意\n2,,一般\n3\n",
        "办事服务\n满意\n一般\n",
    ):
        got = read(written(tmp_path, text))
        assert got.frame["service"].tolist()[:2] == [4, 3] and lost(got, text.count("\n")) == 0


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("name", ["答卷.csv", "答卷.txt", "答卷.tsv"])
def test_encodings_and_separators(tmp_path, coding, name):
    text = ONE_COLUMN.replace(",", "\t") if name.endswith("tsv") else ONE_COLUMN.replace(",", ";")
    assert answers(read(written(tmp_path, text.replace("；", "┋"), coding, name)).frame) == WANT
    assert answers(read(written(tmp_path, "五华区\n" + text.replace("；", "┋"), coding, name)).frame) == WANT


def test_what_was_typed_beside_an_option_stays_behind_and_the_option_counts(tmp_path):
    text = "编号|您从哪里了解信息|办事服务\n1|D.其他：邻居王阿姨┋A.微信群|1.非常满意\n2|其它（请注明）|5、一般\n2|→|\n".replace(
        "|", "\t"
    )
    item = {"question": "办事服务", "options": {"非常满意": 5, "一般": 3}}
    got = read(written(tmp_path, text), {**BOOK, "items": {**BOOK["items"], "service": item}})
    assert got.frame["channel_other"].tolist() == [1, pd.NA, pd.NA] and got.frame["service"].tolist() == [
        5,
        3,
        pd.NA,
    ]
    assert (
        got.ledger.loc[got.ledger["rule"] == "free text", "n"].tolist() == [1]
        and "王阿姨" not in got.ledger.to_csv()
    )
    assert got.ledger.loc[got.ledger["rule"] == "repeated number", ["n", "first_cells"]].values.tolist() == [
        [1, "A4"]
    ]


LINES = st.lists(
    st.one_of(
        st.tuples(st.integers(0, 99).map(str), st.sampled_from(["男", "女", "?", ""]), st.sampled_from([*SCALE, "很好", "-3"])),
        st.sampled_from([("", "", ""), ("编号", "您的性别", "办事服务"), ("注：加权", "", ""), ("共2份", "", ""), ("测试", "测试", "测试")]),
    ),
    max_size=12,
)  # fmt: skip


@given(
    st.sampled_from([[], [("2019年问卷", "", "")], [("", "", ""), ("问卷", "第四季度", "")]]),
    LINES,
    st.booleans(),
)
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_rows_each_is_an_answer_recognised_or_rejected(tmp_path, above, below, excel):
    rows = [*above, ("编号", "您的性别", "办事服务"), *below, ("100", "男", "满意")]
    text = "".join(",".join(row) + "\n" for row in rows)
    path = workbook(tmp_path / "a.xlsx", rows) if excel else written(tmp_path, text)
    got = read_questionnaire(path, {**BOOK, "reject": {"编号": "测试"}})
    assert lost(got, len(rows)) == 0
    kept = [row for row in below if row[0].isdecimal()]
    assert len(got.frame) == len(kept) + 1 and got.frame["sex"].iloc[-1] == "male"
    at = [int(source.rpartition(":")[2]) for source in got.frame["source"]]
    assert [rows[k - 1] for k in at[:-1]] == kept
