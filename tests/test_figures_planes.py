"""Figures with two axes, maps, and steps: clear edges, text from the data, errors that help."""

import re

import numpy as np
import pandas as pd
import pytest
from test_figures import HOSTILE, assert_clear_edges

from commlab.errors import DataError, ParameterError
from commlab.figures import maps, planes, steps

CORNERS = {"keep": "保持", "improve": "优先改进", "maintain": "维持", "watch": "关注"}
SQUARE = [[102.0, 25.0], [103.0, 25.0], [103.0, 26.0], [102.0, 26.0], [102.0, 25.0]]


def items(labels=("物业服务", "环境卫生", "治安", "文化活动"), **more):
    n = len(labels)
    frame = {
        "label": list(labels),
        "performance": np.linspace(60.0, 80.0, n),
        "importance": np.linspace(0.4, 0.1, n),
        "quadrant": ["improve", "undecided", "maintain", "maintain"][:n],
        **more,
    }
    return pd.DataFrame(frame)


def draw_items(frame):
    return planes.importance_performance(
        frame, xlabel="满意度指数", ylabel="重要性", quadrants=CORNERS, undecided_label="未定"
    )


def draw_funnel(frame, **options):
    return planes.funnel(
        frame,
        xlabel="有效问卷数",
        ylabel="满意度指数",
        inside_label="界限内",
        outside_label="界限外",
        **{"centre": 75.0, "spread": 15.0, **options},
    )


def geojson(*names, shape="Polygon"):
    rings = [SQUARE]
    coordinates = rings if shape == "Polygon" else [rings]
    geometry = {"type": shape, "coordinates": coordinates}
    return {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "properties": {"name": n}, "geometry": geometry} for n in names],
    }


def tiles(**more):
    return pd.DataFrame(
        {"label": ["五华区", "盘龙区"], "column": [3, 4], "row": [1, 1], "value": [70.0, np.nan], **more}
    )


def test_importance_against_performance_tells_values_and_quadrants():
    drawn = draw_items(items(low=[59.0, np.nan, 70.0, 79.0], high=[61.0, np.nan, 75.0, 81.0]))
    assert_clear_edges(drawn)
    assert "物业服务 60.0 [59.0, 61.0], 40.0%, 优先改进" in drawn.alt
    assert "环境卫生 66.7 [66.7, 66.7], 30.0%, 未定" in drawn.alt


def test_a_funnel_names_what_lies_outside_of_it():
    frame = pd.DataFrame(
        {"label": ["甲社区", "乙社区", "丙社区"], "n": [100, 100, 9], "value": [75.0, 80.0, 85.0]}
    )
    drawn = draw_funnel(frame)
    assert_clear_edges(drawn)
    # 5 points are 3.3 standard errors of 100 answers; 10 points are 2 of 9 answers.
    assert drawn.alt.endswith("界限内 2, 界限外 1; 乙社区 80.0 (n = 100)")
    assert "界限外 0" in draw_funnel(frame, spread=30.0).alt


def test_tiles_and_boundaries_keep_units_without_a_value():
    for drawn in (
        maps.tile_map(tiles(), colour_label="总分"),
        maps.boundary_map(tiles(), geojson("五华区", "盘龙区"), key="name", colour_label="总分"),
        maps.boundary_map(
            tiles(), geojson("五华区", "盘龙区", shape="MultiPolygon"), key="name", colour_label="总分"
        ),
    ):
        assert_clear_edges(drawn)
        assert drawn.alt == "总分: 五华区 70.0; 盘龙区 —"


def test_steps_lead_from_the_earlier_score_to_the_later_one():
    changes = pd.DataFrame({"label": ["得分", "权重"], "change": [2.25, -1.0]})
    drawn = steps.waterfall(
        changes, before=78.0, before_label="第三季度", after_label="第四季度", xlabel="总分"
    )
    assert_clear_edges(drawn)
    assert drawn.alt == "总分: 第三季度 78.0; 得分 +2.3; 权重 -1.0; 第四季度 79.3"


def test_hostile_labels_are_drawn_as_text():
    few = HOSTILE[:4]
    assert "\x08" not in draw_items(items(few)).alt
    named = pd.DataFrame({"label": few, "change": [1.0, 2.0, 3.0, 4.0]})
    assert steps.waterfall(named, before=0.0, before_label="<b>", after_label="$x$").png


def test_same_data_same_bytes():
    assert draw_items(items()).png == draw_items(items()).png


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: planes.importance_performance(
                items(), xlabel="", ylabel="", quadrants={"keep": "x"}, undecided_label=""
            ),
            ParameterError,
            "needs a label for the quadrants improve, maintain",
        ),
        (lambda: draw_items(items(performance=[np.nan] * 4)), ParameterError, "no item has both values"),
        (
            lambda: draw_funnel(pd.DataFrame({"label": ["a"], "n": [0], "value": [1.0]})),
            ParameterError,
            "needs units with answers",
        ),
        (
            lambda: maps.tile_map(tiles(column=[3, 3]), colour_label=""),
            ParameterError,
            "one place for several units: 五华区, 盘龙区",
        ),
        (
            lambda: maps.boundary_map(tiles(), geojson("五华区"), key="name", colour_label=""),
            DataError,
            "no feature whose property 'name' is 盘龙区; they have 五华区",
        ),
        (
            lambda: maps.boundary_map(tiles(), geojson("五华区"), key="code", colour_label=""),
            DataError,
            "feature 1 of the boundaries is no polygon with a property 'code'",
        ),
        (
            lambda: maps.boundary_map(tiles(), {"type": "Point"}, key="name", colour_label=""),
            DataError,
            "no GeoJSON FeatureCollection",
        ),
        (
            lambda: steps.waterfall(
                pd.DataFrame({"label": ["a"], "change": [np.nan]}),
                before=1.0,
                before_label="",
                after_label="",
            ),
            ParameterError,
            "needs a finite earlier score and every change",
        ),
    ],
)
def test_errors_say_what_to_do(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call()
