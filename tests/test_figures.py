"""Every figure: printed size, same bytes, alternative text from its data, no trace in matplotlib's state."""

import io
import re

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from commlab import figures
from commlab.errors import ParameterError
from commlab.figures.theme import COLOURS, DPI, MM_PER_INCH, label_text

ANSWERS = ["非常不满意", "不满意", "一般", "满意", "非常满意"]
HOSTILE = ["<script>alert(1)</script>", r"$\frac{1}{0}$", "a_b^c", "朝\u200b阳\x08区", "😀", "楼" * 300]


def scores(labels=("党组织领导", "居住环境", "服务设施"), **more):
    n = len(labels)
    frame = {
        "label": list(labels),
        "score": np.linspace(60, 90, n),
        "city_mean": np.linspace(70, 75, n),
        **more,
    }
    return pd.DataFrame(frame)


def draw_scores(frame):
    return figures.scores_with_city_mean(frame, score_label="五华区", mean_label="全市均值", xlabel="得分")


def draw_radar(frame):
    return figures.radar(
        frame.rename(columns={"score": "value", "city_mean": "mean"}), value_label="五华区", mean_label="均值"
    )


def draw_bars(frame):
    return figures.bars(frame.rename(columns={"score": "value"}), xlabel="得分")


def draw_ranks(frame):
    ranks = frame.assign(rank=np.arange(len(frame)) + 1.0)
    return figures.ranks_with_uncertainty(
        ranks.assign(rank_low=1.0, rank_high=float(len(frame))), xlabel="排名"
    )


def draw_changes(frame):
    moved = frame.rename(columns={"city_mean": "before", "score": "after"})
    moved["estimate"] = moved["after"] - moved["before"]
    moved = moved.assign(ci_low=moved["estimate"] - 1, ci_high=moved["estimate"] + 1)
    return figures.changes(moved, before_label="上季度", after_label="本季度", xlabel="指数")


def draw_likert(frame):
    shares = pd.DataFrame(0.19, index=frame["label"], columns=ANSWERS)
    return figures.likert(
        shares, dont_know=pd.Series(0.05, index=shares.index), dont_know_label="说不清", title="回答"
    )


def draw_heatmap(frame):
    return figures.heatmap(frame.set_index("label"), colour_label="得分")


def draw_distribution(frame):
    return figures.distribution(
        frame["score"], xlabel="指数", ylabel="社区数", mark=75.0, mark_label=frame["label"][0]
    )


def draw_disagreement(frame):
    own = pd.DataFrame({"专家01": [0.2, 0.5, 0.3], "专家02": [0.3, np.nan, 0.4], "group": [0.25, 0.4, 0.35]})
    own.index = pd.Index(frame["label"])
    return figures.disagreement(own, each_label="单个专家", group_label="群组", xlabel="权重")


def draw_control(frame):
    points = pd.concat(
        [frame.assign(panel=p, value=frame["score"], at=range(len(frame))) for p in frame["label"]]
    )
    points = points.assign(out=points["value"] > 85, high=85.0, middle=75.0, low=65.0)
    return figures.control_chart(
        points, value_label="满意", limit_label="控制限", middle_label="中线", out_label="失控"
    )


DRAWN = {
    f.__name__: f
    for f in (
        draw_scores,
        draw_radar,
        draw_bars,
        draw_ranks,
        draw_changes,
        draw_likert,
        draw_heatmap,
        draw_distribution,
        draw_disagreement,
        draw_control,
    )
}


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN.keys())
def test_printed_size_clear_edges_and_no_global_change(draw):
    before = dict(mpl.rcParams)
    drawn = draw(scores())
    assert dict(mpl.rcParams) == before
    picture = Image.open(io.BytesIO(drawn.png))
    assert abs(picture.width - drawn.width_mm / MM_PER_INCH * DPI) <= 1
    assert abs(picture.height - drawn.height_mm / MM_PER_INCH * DPI) <= 1
    assert set(picture.info) <= {"dpi", "transparency"}  # no program, no clock
    assert len(drawn.png) < 150_000
    assert re.fullmatch("[a-z-]+", drawn.name)
    assert_clear_edges(drawn)


def assert_clear_edges(drawn):
    """Labels are never cut: the outermost pixels are paper."""
    grey = np.asarray(Image.open(io.BytesIO(drawn.png)).convert("L"))
    edges = np.concatenate([grey[:2].ravel(), grey[-2:].ravel(), grey[:, :2].ravel(), grey[:, -2:].ravel()])
    assert edges.min() > 245


LONG = [
    "Governance environment of communities",
    "社区综合服务设施建设与运营机制创新",
    "Management",
    "保障",
]


@pytest.mark.parametrize("draw", [draw_radar, draw_scores, draw_heatmap])
def test_long_labels_are_not_cut(draw):
    assert_clear_edges(draw(scores(LONG)))


@pytest.mark.parametrize("draw", [draw_scores, draw_likert])
def test_same_data_same_bytes(draw):
    assert draw(scores()).png == draw(scores()).png


@pytest.mark.parametrize("draw", [draw_scores, draw_radar, draw_likert, draw_heatmap])
def test_hostile_labels_are_drawn_as_text(draw):
    drawn = draw(scores(HOSTILE))
    assert "\x08" not in drawn.alt and "\u200b" not in drawn.alt


@pytest.mark.parametrize("draw", [draw_scores, draw_changes, draw_heatmap])
def test_missing_values_keep_their_row_and_are_named_as_missing(draw):
    frame = scores()
    frame.loc[1, "score"] = np.nan
    assert draw(frame).png.startswith(b"\x89PNG")


def test_infinite_values_are_left_out_like_missing_ones():
    assert figures.bars(pd.DataFrame({"label": ["a", "b"], "value": [np.inf, 1.0]})).alt == "a —; b 1.0"


def test_alternative_text_tells_the_values():
    frame = scores(low=[58.0, 70.0, np.nan], high=[62.0, 80.0, np.nan])
    assert draw_scores(frame).alt == (
        "得分: 党组织领导 五华区 60.0 [58.0, 62.0], 全市均值 70.0; "
        "居住环境 五华区 75.0 [70.0, 80.0], 全市均值 72.5; 服务设施 五华区 90.0, 全市均值 75.0"
    )
    assert "党组织领导 非常不满意 19.0%" in draw_likert(scores()).alt
    assert "说不清 5.0%" in draw_likert(scores()).alt
    assert "上季度 70.0, 本季度 60.0, -10.0 [-11.0, -9.0]" in draw_changes(scores()).alt
    assert "1 [1, 3]" in draw_ranks(scores()).alt
    assert draw_control(scores()).alt.startswith(
        "党组织领导 服务设施: 满意 90.0, 控制限 [65.0, 85.0], 失控 1/3 (服务设施); 居住环境 "
    )


def test_points_of_a_chart_without_a_value_are_gaps_and_one_without_any_is_told():
    points = pd.DataFrame({"at": [2, 0, 1, 0], "label": ["c", "a", "b", "a"], "value": [9.0, 1.0, np.nan, np.nan],
                           "out": [True, False, False, False], "high": 5.0, "panel": ["甲", "甲", "甲", "乙"]})  # fmt: skip
    drawn = figures.control_chart(
        points, value_label="数", limit_label="限", out_label="报警", same_scale=False
    )
    assert drawn.alt == "甲 c: 数 9.0, 限 5.0, 报警 1/2 (c); 乙 —"


def test_one_row_and_a_star_with_two_points_are_drawn():
    assert draw_scores(scores(["只有一项"])).alt.count(";") == 0
    assert draw_radar(scores(["甲", "乙"])).name == "scores"
    assert (
        figures.likert(pd.DataFrame({"不满意": [0.4], "满意": [0.6]}, index=["总体"])).alt
        == "总体 不满意 40.0%, 满意 60.0%"
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: draw_scores(scores().iloc[:0]),
            "scores_with_city_mean has nothing to draw: the frame has no rows",
        ),
        (
            lambda: draw_scores(scores().drop(columns="city_mean")),
            "needs the columns city_mean; the frame has label, score",
        ),
        (
            lambda: draw_scores(scores(low=["a", "b", "c"])),
            "a figure needs numbers in score, low, high, city_mean",
        ),
        (lambda: figures.bars([1, 2]), "bars needs a DataFrame, not list"),
        (
            lambda: figures.disagreement(pd.DataFrame({"a": [1.0]}), each_label="a", group_label="b"),
            "disagreement needs a row an item, a column an expert, and the column group",
        ),
        (
            lambda: figures.likert(pd.DataFrame({"满意": [45.0]})),
            "likert needs fractions between 0 and 1; divide",
        ),
        (lambda: figures.likert(pd.DataFrame()), "likert has nothing to draw"),
        (lambda: figures.heatmap(pd.DataFrame(), colour_label="x"), "heatmap has nothing to draw"),
        (
            lambda: figures.distribution(pd.Series([np.nan, np.inf]), xlabel="x", ylabel="y"),
            "no value is finite",
        ),
    ],
)
def test_errors_say_what_to_do(call, message):
    with pytest.raises(ParameterError, match=re.escape(message)):
        call()


@pytest.mark.parametrize(
    ("text", "width", "drawn"),
    [
        ("城乡社区治理体系", 8, "城乡社区\n治理体系"),
        ("党组织领导，核心", 10, "党组织领导，\n核心"),  # no comma begins a line
        ("governance system and levels", 12, "governance\nsystem and\nlevels"),
        ("a\nb", 10, "a b"),
        ("😀", 10, "?"),
        ("楼" * 40, 10, "楼楼楼楼楼\n楼楼楼楼楼\n楼楼楼楼…"),
        ("", 10, ""),
    ],
)
def test_labels(text, width, drawn):
    assert label_text(text, width) == drawn


def _luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_colours_of_lines_and_dots_stand_out_from_paper_also_in_grey():
    """WCAG 2.1, 1.4.11: graphics need a contrast of 3 : 1 with what is next to them."""
    for name in ("main", "accent", "good", "muted", "ink"):
        assert 1.05 / (_luminance(COLOURS[name]) + 0.05) >= 3, name
