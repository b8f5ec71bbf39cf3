"""Several sheets of one questionnaire: every row is read once, from the sheet it stands on, or told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commlab import tables
from commlab.errors import DataError
from commlab.intake import draft_codebook, read_double, read_questionnaire

SCALE = {"非常满意": 5, "满意": 4, "一般": 3, "不满意": 2, "非常不满意": 1}
BOOK = {
    "instrument": "resident",
    "demographics": {"sex": {"question": "您的性别", "options": {"男": "male", "女": "female"}}},
    "items": {
        "q": {"question": "办事服务", "options": SCALE, "matrix": "g"},
        "e": {"question": "环境", "options": SCALE, "matrix": "g"},
        "m": {
            "question": "渠道",
            "number": 6,
            "multiple": True,
            "options": {"微信群": "wechat", "公告栏": "board"},
        },
        "r": {"question": "排序", "number": 7, "ranking": True, "options": {"绿化": "green", "停车": "park"}},
    },
}
HEADER = ["序号", "提交答卷时间", "所用时间", "来自IP", "1、您的性别", "2、请评价—办事服务", "2、请评价—环境"]
TEXTS, PARTS = ["6、渠道", "7、排序"], ["第6题(微信群)", "第6题(公告栏)", "第7题(绿化)", "第7题(停车)"]
LISTS = [["说明"], ["请各街道于月底前报送"]]
COUNTS = [
    ["均值", "", "", "", "", 4.2, 3.1],
    ["标准差", "", "", "", "", 0.2, 0.1],
    ["人数", "", "", "", "", 50, 50],
]


def workbook(path, sheets):
    book = xlsxwriter.Workbook(str(path))
    for name, rows in sheets.items():
        page = book.add_worksheet(name)
        for k, row in enumerate(rows):
            page.write_row(k, 0, row)
    book.close()
    return path


def answers(n, day, seed):
    """n answers as (sex, service, environment, channels, ranking) with number, time, pace and address before."""
    rng = np.random.default_rng(seed)
    options = list(SCALE)
    return [
        [
            k + 1, f"2019/11/{day} {8 + k // 60:02d}:{k % 60:02d}:{int(rng.integers(60)):02d}", f"{int(rng.integers(60, 300))}秒",
            f"198.18.{day}.{k}", "男女"[int(rng.integers(2))], options[int(rng.integers(5))], options[int(rng.integers(5))],
            int(rng.integers(1, 4)), int(rng.integers(4)),
        ]
        for k in range(n)
    ]  # fmt: skip


RANKS = ["绿化→停车", "停车→绿化", "停车", ""]
PLACED = [[1, 2], [2, 1], [-2, 1], [-2, -2]]


def shown(rows, layout, columns=None):
    """Rows as one of the layouts prints them: by text, by number, parted into columns or not."""
    header, out = [*HEADER, *(TEXTS if layout == "text" else PARTS)], []
    for *own, sex, service, environment, channels, rank in rows:
        if layout == "text":
            ticks = [
                "┋".join(t for k, t in enumerate(("微信群", "公告栏")) if channels >> k & 1),
                RANKS[rank],
            ]
            out.append([*own, sex, service, environment, *ticks])
        else:
            told = ["男女".index(sex) + 1, list(SCALE).index(service) + 1, list(SCALE).index(environment) + 1]
            said = [sex, service, environment] if layout == "parts" else told
            out.append([*own, *said, channels & 1, channels >> 1, *PLACED[rank]])
    order = range(len(header)) if columns is None else columns
    return [[row[k] for k in order] for row in [header, *out]]


def read(path, **more):
    got = read_questionnaire(path, {**BOOK, "numbers": "options"}, **more)
    tables.validate("responses", got.frame.assign(period="2019Q4"))
    tables.validate("ledger", got.ledger)
    return got


def said(frame):
    """What was answered and flagged, without where and under which number."""
    own = [c for c in frame if c not in ("response_id", "source", "period")]
    return sorted(frame[own].astype(str).values.tolist())


A, B = answers(30, 4, 1), answers(20, 5, 2)


def test_a_sheet_a_street_is_one_questionnaire_with_the_sheet_in_the_source(tmp_path):
    turned = [2, 0, 1, 3, 6, 5, 4, 8, 7]
    sheets = {"说明": LISTS, "翠湖街道": shown(A, "text"), "金星街道": shown(B, "text", turned), "统计": [HEADER, *COUNTS],
              "名单": [["序号", "姓名"], [1, "甲"]]}  # fmt: skip
    got = read(workbook(tmp_path / "a.xlsx", sheets))
    assert len(got.frame) == 50 and got.frame["response_id"].is_unique and got.frame["flags"].isna().all()
    assert got.frame["source"].str.contains("#翠湖街道!").sum() == 30 and got.frame["source"].iloc[
        -1
    ].endswith("#金星街道!21:21")
    unread = got.ledger[got.ledger["rule"] == "unread sheet"]
    assert set(unread["before"]) == {"说明", "统计", "名单"} and set(unread["n"]) == {2, 4}
    assert set(got.ledger.loc[got.ledger["rule"] == "header row", "sheet"]) == {"翠湖街道", "金星街道"}
    one = read(workbook(tmp_path / "b.xlsx", {"全部": shown(A + B, "text")}))
    assert said(got.frame) == said(one.frame)


@pytest.mark.parametrize("numbered_anew", [True, False])
def test_a_sheet_of_all_beside_its_streets_is_read_once(tmp_path, numbered_anew):
    every = [[k + 1, *row[1:]] if numbered_anew else row for k, row in enumerate(A + B)]
    sheets = {"汇总": shown(every, "text"), "翠湖": shown(A, "text"), "金星": shown(B, "text")}
    for order in (list(sheets), list(sheets)[::-1]):
        got = read(workbook(tmp_path / "a.xlsx", {name: sheets[name] for name in order}))
        assert len(got.frame) == 50 and not got.frame["source"].str.contains("汇总").any()
        told = got.ledger[got.ledger["rule"] == "repeated sheet"]
        assert told[["before", "n", "action"]].values.tolist() == [["汇总", 51, "recognised"]]


def test_sheets_that_agree_in_a_few_answers_are_both_read(tmp_path):
    few = [["办事服务"], ["满意"], ["一般"]]
    more = [["办事服务"], ["满意"], ["一般"], ["满意"], ["一般"], ["满意"], ["不满意"]]
    book = {"instrument": "a", "items": {"q": {"question": "办事服务", "options": SCALE}}}
    got = read_questionnaire(workbook(tmp_path / "a.xlsx", {"甲": few, "乙": more}), book)
    assert len(got.frame) == 8 and not got.ledger["rule"].eq("repeated sheet").any()


def test_duplicates_are_found_across_sheets(tmp_path):
    again = [[*A[0]], [*A[1]]]
    got = read(workbook(tmp_path / "a.xlsx", {"甲": shown(A, "text"), "乙": shown(B + again, "text")}))
    assert got.frame["flags"].fillna("").str.contains("duplicate").sum() == 2 and len(got.frame) == 52


def test_both_entries_of_paper_may_have_several_sheets(tmp_path):
    head = ["编号", "您的性别", "办事服务", "环境"]
    one = {"甲": [head, [1, "男", "满意", "一般"]], "乙": [head, [2, "女", "满意", "一般"]]}
    two = {"全": [head, [2, "女", "满意", "一般"], [1, "男", "满意", "满意"]]}
    paths = workbook(tmp_path / "a.xlsx", one), workbook(tmp_path / "b.xlsx", two)
    got = read_double(*paths, BOOK)
    assert len(got.frame) == 2 and got.disagreements["question"].tolist() == ["e"]


def test_a_draft_reads_all_sheets_of_answers_and_no_other(tmp_path):
    sheets = {
        "说明": LISTS,
        "甲": shown(A, "text"),
        "乙": shown(B, "text"),
        "汇总": shown(A + B, "text"),
        "统计": [[*HEADER, *TEXTS], *COUNTS],
    }
    text = draft_codebook(workbook(tmp_path / "a.xlsx", sheets))
    assert ": 50 answers" in text and "均值" not in text and "4.2" not in text and "ranking: true" in text


def test_no_sheet_with_answers_is_a_refusal(tmp_path):
    with pytest.raises(DataError, match="no row of answers"):
        read(workbook(tmp_path / "a.xlsx", {"甲": [HEADER], "乙": [HEADER]}))


def read_quickly(path, **more):
    return read_questionnaire(path, {**BOOK, "numbers": "options"}, **more)


def test_reading_twice_is_reading_once(tmp_path):
    path = workbook(tmp_path / "a.xlsx", {"甲": shown(A, "numbers"), "乙": shown(B, "parts"), "说明": LISTS})
    one, two = read_quickly(path), read_quickly(path)
    pd.testing.assert_frame_equal(one.frame, two.frame)
    pd.testing.assert_frame_equal(one.ledger, two.ledger)


LAYOUT = st.sampled_from(["text", "parts", "numbers"])


@given(
    st.lists(
        st.tuples(st.integers(1, 8), st.booleans(), st.randoms(use_true_random=False)), min_size=1, max_size=3
    ),
    LAYOUT,
    st.booleans(),
    st.integers(0, 99),
)
@settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_row_is_kept_recognised_or_rejected_and_no_order_matters(tmp_path, sheets, layout, noted, seed):
    made, rows, read_rows = {}, [], 0
    for k, (n, titled, rng) in enumerate(sheets):
        own = answers(n, 4 + k, seed + k)
        width = len(HEADER) + len(TEXTS if layout == "text" else PARTS)
        body = shown(own, layout, rng.sample(range(width), width))
        above = [["2019年居民问卷"], [""]] if titled else []
        below = [["合计" + str(n) + "份"]] if noted else []
        made[f"街道{k}"] = [*above, *body, *below]
        rows += own
        read_rows += len(above) + len(body) + len(below)
    got = read_quickly(workbook(tmp_path / "a.xlsx", {**made, "说明": LISTS}), key="k")
    counted = got.ledger[got.ledger["action"].isin(["recognised", "rejected"])]["n"].sum()
    assert len(got.frame) + int(counted) == read_rows and len(got.frame) == len(rows)
    assert (
        not got.ledger["rule"]
        .isin({"unknown option", "column not in the codebook", "numbers unproven"})
        .any()
    )
    turned = read_quickly(workbook(tmp_path / "a.xlsx", dict(reversed(made.items()))), key="k")
    pd.testing.assert_frame_equal(
        *(one.frame.sort_values("source", ignore_index=True) for one in (got, turned))
        if len(made) > 1
        else (got.frame, turned.frame)
    )
    plain = read_quickly(workbook(tmp_path / "b.xlsx", {"全": shown(rows, "text")}), key="k")
    assert said(got.frame) == said(plain.frame), "in every layout the same was said"
