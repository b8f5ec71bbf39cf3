"""Why totals moved: what the city stage stores, the steps that are told, the chapter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import commlab as cl
from commlab.report import chapters
from commlab.report.finding import Finding
from commlab.scoring import explain_change
from commlab.study.standing import moves


def explained(*rows: tuple[str, str, float], unit: str = "u") -> pd.DataFrame:
    return pd.DataFrame([(unit, *r) for r in rows], columns=["unit", "code", "effect", "change"])


CASE = explained(
    ("a", "values", 1.0), ("b", "values", -3.0), ("c", "values", 2.0), ("a", "weights", 0.5),
    ("total", "values", 0.0), ("total", "weights", 0.5), ("total", "coverage", 0.0), ("total", "total", 0.5),
)  # fmt: skip


@pytest.mark.parametrize(
    ("most", "steps"),
    [
        (3, [("b", -3.0), ("c", 2.0), ("a", 1.0), ("total", 0.5)]),
        (1, [("b", -3.0), ("total", 3.0), ("total", 0.5)]),
        (0, [("total", 0.5)]),  # all values together are 0
    ],
)
def test_steps_add_up_to_the_change(most: int, steps: list[tuple[str, float]]) -> None:
    out = moves(CASE, "u", most=most)
    assert list(zip(out["code"], out["change"], strict=True)) == steps
    assert out["change"].sum() == pytest.approx(0.5)


def test_what_a_veto_does_to_the_total_is_told_with_the_others() -> None:
    out = moves(explained(("a", "values", 1.0), ("total", "values", -9.0), ("total", "total", -9.0)), "u")
    assert out["change"].tolist() == [1.0, -10.0]


@pytest.mark.parametrize("rows", [explained(("total", "not_comparable", np.nan)), CASE.iloc[:0]])
def test_a_unit_without_two_totals_has_no_steps(rows: pd.DataFrame) -> None:
    assert moves(rows, "u").empty


def test_the_stage_tells_nothing_beyond_both_quarters_scores(tiny: Path) -> None:
    """The same account from the scores that both quarters publish: what they withhold is in neither."""
    period = cl.open_study(tiny).period("2019Q4")
    again = explain_change(period.previous.scores(), period.scores())
    pd.testing.assert_frame_equal(again, period.explained())
    assert cl.open_study(tiny).period("2019Q3").explained().empty


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_chapter_of_a_district_and_of_the_city(tiny: Path, language: str) -> None:
    period = cl.open_study(tiny).period("2019Q4")
    unit = period.districts[0]
    found = chapters.moved(chapters.open_report(tiny, "2019Q4", unit, language)).blocks[0]
    assert isinstance(found, Finding) and found.figure.png
    change = (
        period.scores().query("code == 'total'").set_index("unit")["score"][unit]
        - (period.previous.scores().query("code == 'total'").set_index("unit")["score"][unit])
    )
    assert found.table["change"].sum() == pytest.approx(change, abs=1e-9)
    assert f"{abs(change):.2f}" in found.text
    city = chapters.moved(chapters.open_report(tiny, "2019Q4", None, language)).blocks[0]
    assert city.table.set_index("unit").loc[unit, "total"] == pytest.approx(change, abs=1e-9)
    first = chapters.moved(chapters.open_report(tiny, "2019Q3", unit, language)).blocks
    assert len(first) == 1 and isinstance(first[0], str)
