"""The city report draws a map where the register places the districts or the study supplies boundaries, else none; communities
stand in a funnel."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import commlab as cl
from commlab.errors import DataError, StudyError
from commlab.report import chapters
from commlab.report.chapters.city import supplied
from commlab.report.chapters.thorough import small_areas
from commlab.report.document import Para, build_document
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


def square(name: str, at: float) -> dict:
    ring = [[at, 24.0], [at + 1, 24.0], [at + 1, 25.0], [at, 25.0], [at, 24.0]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "properties": {"NAME": name}, "geometry": geometry}


def with_boundaries(study: Path, given: object, features: object) -> chapters.Report:
    (study / "data/register/shapes.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False), encoding="utf-8"
    )
    report = chapters.open_report(study, "2019Q4", None, "zh")
    config = replace(report.study.config, options={"boundaries": given})
    report.study.__dict__["config"] = config
    return report


SUPPLIED = {"file": "shapes.geojson", "name": "NAME"}


@pytest.mark.slow
def test_supplied_boundaries_are_drawn_and_what_they_lack_is_told(tiny: Path) -> None:
    names = cl.open_study(tiny).register.districts
    try:
        shapes = [square(name, 100 + k) for k, name in enumerate([*names[:-1], "别处"])]
        report = with_boundaries(tiny, SUPPLIED, shapes)
        made = build_document(
            [b for item in (chapters.cover(report), chapters.districts(report)) for b in blocks(item)]
        )
    finally:
        (tiny / "data/register/shapes.geojson").unlink()
    assert "map" in [p.name for p in made.pictures] and "tiles" not in [p.name for p in made.pictures]
    assert any(
        f"边界文件中没有{names[-1]}的图形" in part.text for part in made.parts if isinstance(part, Para)
    )


@pytest.mark.parametrize(
    ("given", "features", "told"),
    [
        ("shapes.geojson", [], "needs file (in data/register) and name"),
        ({"file": "../x.json", "name": "NAME"}, [], "the name of a file in data/register, found '../x.json'"),
        ({"file": "none.json", "name": "NAME"}, [], "no GeoJSON file that can be read"),
        (SUPPLIED, [square("别处", 100)], "names a district of the study"),
        (SUPPLIED, "nonsense", "names a district of the study"),
        (SUPPLIED, [None, {"properties": None}], "names a district of the study"),
    ],
)
def test_boundaries_that_cannot_be_drawn_are_refused(
    tiny: Path, given: object, features: object, told: str
) -> None:
    try:
        report = with_boundaries(tiny, given, features)
        with pytest.raises(StudyError, match=re.escape(told)):
            supplied(report)
    finally:
        (tiny / "data/register/shapes.geojson").unlink()


@pytest.mark.slow
def test_small_communities_stand_in_a_funnel(tiny: Path) -> None:
    report = chapters.open_report(tiny, "2019Q4", None, "zh")
    found = small_areas(report)
    made = build_document([b for item in (chapters.cover(report), found) for b in blocks(item)])
    pictures = [p for p in made.pictures if p.name == "funnel"]
    assert len(pictures) == 1 and "界限之内" in pictures[0].alt
    assert any("落在99.8%界限之外" in part.text for part in made.parts if isinstance(part, Para))


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
