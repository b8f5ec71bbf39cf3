"""The city report draws a map where the register places the districts, and none where it does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import commlab as cl
from commlab.errors import DataError
from commlab.report import chapters
from commlab.report.document import build_document
from commlab.report.finding import blocks


@pytest.mark.slow
def test_a_map_is_drawn_only_where_districts_have_places(tiny: Path) -> None:
    report = chapters.open_report(tiny, "2019Q4", None, "zh")
    register = report.study.register
    places = pd.DataFrame({"unit": register.districts}).assign(column=range(len(register.districts)), row=0)
    for tiles, drawn in ((register.tiles, False), (places, True)):
        report.study.__dict__["register"] = replace(register, tiles=tiles)
        shown = [chapters.cover(report), chapters.districts(report)]
        made = build_document([b for item in shown for b in blocks(item)])
        assert ("tiles" in [p.name for p in made.pictures]) is drawn


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("{a},0.5,0\n", "whole numbers"),
        ("{a},0,0\n{b},0,0\n", "share a place"),
        ("{a},0,0\n{a},1,0\n", "stand twice"),
        ("别区,0,0\n", "units.csv does not have"),
    ],
)
def test_a_faulty_layout_is_refused(tiny_copy: Path, rows: str, told: str) -> None:
    districts = cl.open_study(tiny_copy).register.districts
    text = "unit,column,row\n" + rows.format(a=districts[0], b=districts[1])
    (tiny_copy / "data/register/tiles.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=told):
        _ = cl.open_study(tiny_copy).register
