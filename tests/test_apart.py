"""Pairs that cannot be told apart: from the draws to the city stage and the sentences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import commlab as cl
from commlab.errors import DataError, ParameterError
from commlab.report import chapters
from commlab.report.finding import Finding
from commlab.scoring import pairs_apart
from commlab.study.period import Period

LEADS = np.array([[3.0, 1.0]] * 97 + [[1.0, 3.0]] * 3)


@pytest.mark.parametrize(
    ("scores", "confidence", "p_lead", "apart"),
    [
        (LEADS, 0.95, 0.97, False),  # the interval of the difference has 2.5 % on either side
        (LEADS, 0.90, 0.97, True),
        (np.full((4, 2), 7.0), 0.95, 0.5, False),  # ties count half
        (np.array([[0.1 + 0.2, 0.3]] * 4), 0.95, 0.5, False),  # and so does what rounding makes of one
    ],
)
def test_a_pair_is_apart_where_its_interval_leaves_out_0(scores, confidence, p_lead, apart):
    (row,) = pairs_apart(scores, ["u", "v"], confidence=confidence).itertuples(index=False)
    assert (row.p_lead, row.apart) == (pytest.approx(p_lead), apart)


def test_pairs_are_those_of_one_group_and_their_order_is_that_of_the_means():
    draws = np.random.default_rng(1).normal([5, 1, 4, 2], 1, (500, 4))
    units, within = ["a", "b", "c", "d"], pd.Series({"d": "x", "b": "x", "a": "y", "c": "y"})
    out = pairs_apart(draws, units, within=within)
    assert out[["a", "b"]].to_numpy().tolist() == [["a", "c"], ["d", "b"]]
    turned = pairs_apart(draws[:, ::-1], units[::-1], within=within).sort_values("a", ignore_index=True)
    pd.testing.assert_frame_equal(out, turned)
    assert pairs_apart(draws[:, :1], ["a"]).empty and pairs_apart(draws[:, :0], []).empty


@pytest.mark.parametrize(
    ("scores", "options", "error", "told"),
    [
        (LEADS[0], {}, ParameterError, "draws x 2 units"),
        (LEADS, {"confidence": 95}, ParameterError, "confidence is 95"),
        (LEADS[:0], {}, DataError, "no draws"),
        (LEADS * np.nan, {}, DataError, "gaps"),
        (LEADS, {"within": pd.Series({"u": "x"})}, DataError, "belong to no group: v"),
    ],
)
def test_what_tells_nothing_apart_is_refused(scores, options, error, told):
    with pytest.raises(error, match=told):
        pairs_apart(scores, ["u", "v"], **options)


def test_the_stage_keeps_the_pairs_of_the_same_draws_as_the_ranks(tiny: Path) -> None:
    period = cl.open_study(tiny).period("2019Q4")
    pairs, ranks = period.result("pairs"), period.ranks("candidate")
    assert list(pairs) == ["a", "b", "p_lead", "apart", "group", "set"]
    alone = pairs.query("set == 'candidate'").groupby("group").filter(lambda own: len(own) == 1)
    best = ranks.set_index("unit")["p_top"][alone["a"]]  # one place for two: to lead is to have it
    assert len(alone) and best.to_numpy() == pytest.approx(alone["p_lead"].to_numpy())
    districts = pairs[pairs["set"] == "district"]
    assert len(districts) == len(period.districts) * (len(period.districts) - 1) // 2


@pytest.fixture
def unsure(tiny: Path, monkeypatch: pytest.MonkeyPatch):
    """A report in which no candidate over the line, and of the districts only the first and the second, are alike."""

    def opened(unit: str | None, language: str = "en", apart: bool = False) -> chapters.Report:
        real = Period.result

        def result(self: Period, name: str) -> pd.DataFrame:
            return real(self, name).assign(apart=apart) if name == "pairs" else real(self, name)

        monkeypatch.setattr(Period, "result", result)
        return chapters.open_report(tiny, "2019Q4", unit, language)

    return opened


def test_a_district_reads_from_whom_it_cannot_be_told_apart(unsure) -> None:
    told = chapters.summary(unsure("五华区")).blocks[0].items
    assert told[1].endswith(" It cannot be told apart from any of the other 2.")
    told = chapters.summary(unsure("五华区", apart=True)).blocks[0].items
    assert told[1].endswith(" It can be told apart from each of them.")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_of_all_districts_and_of_candidates_over_the_line(unsure, language: str) -> None:
    report = unsure(None, language)
    districts, candidates = chapters.apart(report).blocks
    assert isinstance(districts, Finding) and districts.table["n"].tolist() == [2, 2, 2]
    assert isinstance(candidates, Finding) and len(candidates.table) == 3
    ranks = report.period.ranks("candidate").set_index("unit")["rank"]
    names = report.study.register.units.set_index("unit")["name"]
    by_name = ranks.rename(index=names)
    assert (candidates.table["inside"].map(by_name) < candidates.table["outside"].map(by_name)).all()
    note = chapters.candidates(unsure(candidates.table["group"].iloc[0], language)).blocks[0].notes[-1]
    assert f"{candidates.table['inside'].iloc[0]}–{candidates.table['outside'].iloc[0]}" in note
    sure = chapters.apart(unsure(None, language, apart=True)).blocks
    assert sure[0].table["n"].tolist() == [0, 0, 0] and isinstance(sure[1], str)


def test_the_trace_of_a_total_says_from_whom_it_cannot_be_told_apart(unsure) -> None:
    told = str(unsure("五华区", "zh").period.trace("五华区", "total"))
    assert "与盘龙区、阳宗海风景区不能区分高下" in told or "与阳宗海风景区、盘龙区不能区分高下" in told


def test_where_nothing_is_drawn_nothing_is_said_of_pairs(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chapters.Report, "uncertain", False)
    (told,) = chapters.apart(chapters.open_report(tiny, "2019Q4", None, "en")).blocks
    assert isinstance(told, str) and "No source of uncertainty" in told
