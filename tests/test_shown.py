"""What the city stage lets out of the survey: an attack on everything that a quarter's reports print together."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

import commlab as cl
from commlab.errors import ParameterError
from commlab.report import chapters
from commlab.report.appendix_book import appendix
from commlab.report.chapters.base import WITHHELD
from commlab.report.finding import blocks
from commlab.report.overview import index
from commlab.study import shown
from commlab.study.staged import computed
from commlab.survey.bounds import FEW
from commlab.tables import DONT_KNOW
from commlab.text import Text
from tests.attack import room

PERIOD = "2019Q4"
STRICT = 72
"""k at which the tiny study has much to withhold."""


@pytest.fixture(scope="module")
def strict(tiny: Path) -> cl.study.Period:
    """The newest quarter of the tiny study, as offices with a much larger k may see it; computed in memory."""
    study = cl.open_study(tiny)
    study.config = dataclasses.replace(study.config, disclosure={"internal": STRICT, "public": STRICT})
    period = study.period(PERIOD)
    period._results.update(computed(period))
    return period


def counts_of(period: cl.study.Period) -> dict[str, np.ndarray]:
    """Item -> counts of the answers 1 to 5 and "don't know", a row a district."""
    answers = period.answers
    out = {}
    for item in period.items:
        values = answers[item].to_numpy(dtype=float, na_value=np.nan)
        out[item] = np.array(
            [
                [((answers["district"] == d) & (values == c)).sum() for c in (1, 2, 3, 4, 5, DONT_KNOW)]
                for d in period.districts
            ]
        )
    return out


FORMS = {
    "n": [1, 1, 1, 1, 1, 0],
    "mean": [1, 2, 3, 4, 5, 0],
    "index": [0, 1, 2, 3, 4, 0],
    "satisfied": [0, 0, 0, 1, 1, 0],
    "dissatisfied": [1, 1, 0, 0, 0, 0],
    "net": [-1, -1, 0, 1, 1, 0],
    "dont_know": [0, 0, 0, 0, 0, 1],
    "asked": [1, 1, 1, 1, 1, 1],
}


def statements(
    period: cl.study.Period, item: str, counts: np.ndarray
) -> Iterator[tuple[np.ndarray, str, float]]:
    """Everything that city and district reports say about an item, as equations over the districts' counts.

    The reader is given the unweighted count behind every printed share: rounding and weights protect nothing.
    """
    m, places = len(period.districts), {d: [i] for i, d in enumerate(period.districts)}
    places[period.study.config.city] = list(range(m))
    rows = period.result("satisfaction")
    rows = rows[(rows["item"] == item) & (rows["weighting"] == "design") & rows["unit"].isin(places)]
    for r in rows.itertuples():
        form = FORMS.get(r.statistic)
        size = FORMS["asked" if r.statistic == "dont_know" else "n"]
        at = np.zeros((m, 6))
        at[places[r.unit]] = 1
        if not np.isnan(r.n):
            yield at * size, "==", float((counts * at * size).sum())
        if form is None or r.rule:
            continue
        if r.bound:
            few = at * form if r.bound == "<=" else at * (np.array(size) - form)
            yield few, "<=", FEW - 1
        else:
            yield at * form, "==", float((counts * at * form).sum())
    told = period.result("distribution")
    told = told[(told["item"] == item) & (told["answer"] != DONT_KNOW)]
    for (unit, _), part in told.groupby(["unit", "level"]):
        merged = (part["rule"] == shown.MERGED).any()
        for r in part[part["rule"] == ""].itertuples():
            codes = {2: (1, 2), 4: (4, 5)}.get(r.answer, (r.answer,)) if merged else (r.answer,)
            at = np.zeros((m, 6))
            at[np.ix_(places[unit], [c - 1 for c in codes])] = 1
            yield at, "==", float((counts * at).sum())


def width(period: cl.study.Period, item: str, counts: np.ndarray, ask: np.ndarray) -> float:
    told = list(statements(period, item, counts))
    equal = [(a.ravel(), b) for a, sign, b in told if sign == "=="]
    below = [(a.ravel(), b) for a, sign, b in told if sign == "<="]
    return room(equal, below, ask)


@pytest.mark.parametrize("k", [10, STRICT])
def test_reports_of_a_quarter_together_tell_nothing_that_is_hidden(k, tiny, strict):
    period = cl.open_study(tiny).period(PERIOD) if k == 10 else strict
    asked = 0
    for item, counts in counts_of(period).items():
        rows = period.result("satisfaction")
        rows = rows[(rows["item"] == item) & (rows["weighting"] == "design") & (rows["level"] == "district")]
        for i, district in enumerate(period.districts):
            mine = rows[rows["unit"] == district].set_index("statistic")
            for form in ("satisfied", "dissatisfied", "dont_know"):
                if mine.loc[form, "rule"] or mine.loc[form, "bound"]:
                    ask = np.zeros((len(counts), 6))
                    ask[i] = FORMS[form]
                    assert width(period, item, counts, ask) >= FEW - 1 - 1e-6, (item, district, form)
                    asked += 1
            told = period.result("distribution")
            told = told[(told["item"] == item) & (told["unit"] == district) & (told["rule"] != "")]
            for answer in set(told["answer"]) - {DONT_KNOW, 3}:  # both ends tell the middle
                ask = np.zeros((len(counts), 6))
                ask[i, answer - 1] = 1
                assert width(period, item, counts, ask) >= FEW - 1 - 1e-6, (item, district, answer)
    assert asked > 10


def test_nothing_withheld_is_printed_anywhere(strict):
    """Text, tables, alternative texts: no figure of a withheld district, and a sign and a note in its place."""
    rows = strict.result("satisfaction")
    rows = rows[(rows["weighting"] == "design") & (rows["level"] == "district")]
    gone = rows[rows["n"].isna() & (rows["statistic"] == "index")].groupby("unit")["item"].agg(list)
    assert len(gone) >= 2  # R2: never one alone
    for district, items in gone.items():
        report = chapters.Report(strict.study, strict, district, Text("en"))
        parts = [b for name in ("satisfaction", "change") for b, _ in blocks(getattr(chapters, name)(report))]
        tables = [b for b in parts if b["type"] == "table"]
        labels = {report.starting(report.item(i)) for i in items}
        for table in tables[:2]:  # per item, distribution
            for cells in table["rows"]:
                if cells[0] in labels:
                    assert set(cells[1:]) <= {WITHHELD, "—"} and WITHHELD in cells
            if any(WITHHELD in cells for cells in table["rows"]):
                assert any(note.startswith("* : withheld") for note in table["notes"])
        for figure in (b for b in parts if b["type"] == "figure"):
            assert not any(
                f"{label} " in figure["alt"] for label in labels if "Importance" not in figure["title"]
            )


def test_workbook_and_index_show_signs(strict, tmp_path):
    rows = strict.result("satisfaction")
    rows = rows[(rows["weighting"] == "design") & (rows["level"] == "district")]
    overall = next(i for i in strict.items if "overall" in i)
    gone = rows[rows["n"].isna() & (rows["statistic"] == "index") & (rows["item"] == overall)]["unit"]
    assert len(gone) >= 2
    district = gone.iloc[0]
    book = openpyxl.load_workbook(appendix(strict, district, tmp_path / "a.xlsx", language="en"))
    told = [list(r) for r in book["Satisfaction"].iter_rows(min_row=3, values_only=True)]
    label = chapters.Report(strict.study, strict, district, Text("en")).item(overall)
    mine = [r for r in told if r[1] == label and r[0] == "Base weights"]
    assert len(mine) == 6 and all(set(r[3:]) <= {WITHHELD, None} and r[3] == WITHHELD for r in mine)
    moved = [r for r in book["Change"].iter_rows(min_row=3, values_only=True) if r[0] == label]
    assert set(moved[0][1:]) == {WITHHELD}
    first = next(book["Overview"].iter_rows(min_row=3, max_row=3, values_only=True))
    assert WITHHELD in first
    names = strict.study.register.districts
    statuses = pd.DataFrame({"unit": names, "name": names, "kind": "district", "state": "fresh", "why": ""})
    page = index(strict, statuses, tmp_path / "index.html", language="en").read_text(encoding="utf-8")
    assert page.count(f">{WITHHELD}<") >= len(gone) and "* : withheld" in page


def test_changes_need_both_quarters(strict):
    change, now = strict.result("change"), strict.result("satisfaction")
    now = now[(now["weighting"] == "design") & (now["statistic"] == "index")]
    hidden = now.loc[now["rule"] != "", ["unit", "item"]].merge(change, on=["unit", "item"])
    assert len(hidden) and (hidden["rule"] != "").all()
    assert hidden[["before", "after", "estimate", "p_value", "p_holm"]].isna().all(axis=None)


def test_scores_are_made_from_what_is_shown(strict):
    """R7: a withheld index is a missing standard, with less coverage; it is in no score."""
    rows = strict.result("satisfaction")
    rows = rows[
        (rows["weighting"] == "design") & (rows["statistic"] == "index") & (rows["level"] == "district")
    ]
    hidden = rows[(rows["item"] == "q_clean_conduct") & (rows["rule"] != "")]["unit"]
    leaves = strict.leaf_scores("district")
    mine = leaves[(leaves["code"] == "Ⅱ-1.3") & leaves["unit"].isin(hidden)]
    assert len(mine) and (mine["state"] == "missing").all() and mine["score"].isna().all()


def test_the_excluded_few_are_not_told_by_difference(tiny):
    period = cl.open_study(tiny).period(PERIOD)
    rows = period.result("satisfaction")
    rows = rows[(rows["statistic"] == "index") & (rows["level"] != "community")]
    wide = rows.pivot(index=["unit", "item"], columns="weighting", values="n")
    step = (wide["all"] - wide["design"]).abs()
    assert not step.between(1, period.study.config.disclosure["internal"] - 1).any()


@pytest.mark.parametrize(
    "by",
    [["sex", "age_band"], ["stratum"], ["district", "sex", "age_band"], ["unit", "sex"], ["response_id"]],
)
def test_finer_breakdowns_are_refused(tiny, by):
    with pytest.raises(ParameterError, match="a finer crossing could tell a person"):
        cl.open_study(tiny).period(PERIOD).satisfaction(by=by)


def test_a_communitys_survey_shows_index_and_satisfied_share_only(tiny):
    found = cl.open_study(tiny).period(PERIOD).satisfaction(by="community")
    assert set(found["statistic"]) == {"index", "satisfied"}


def test_ends_that_are_counted_together():
    frame = pd.DataFrame(
        {"level": "city", "unit": "c", "item": "q", "answer": [1, 2, 3, 4, 5, DONT_KNOW],
         "share": [0.01, 0.09, 0.2, 0.3, 0.2, 0.2]}
    )  # fmt: skip
    data = pd.DataFrame(
        {
            "q": [1] + [2] * 9 + [3] * 20 + [4] * 30 + [5] * 20 + [DONT_KNOW] * 20,
            "district": "d",
            "unit": "d/u",
        }
    )
    decided = shown.decide(data, {"q": 5}, k=10, city="c", district_of={"d/u": "d"})
    found = shown.shown_distribution(frame, decided, {"q": 5}).set_index("answer")
    assert found["rule"].to_dict() == {1: "merged", 2: "", 3: "", 4: "", 5: "merged", DONT_KNOW: ""}
    assert found.loc[[2, 3, 4], "share"].tolist() == pytest.approx([0.1 / 0.8, 0.2 / 0.8, 0.5 / 0.8])
    assert found.loc[DONT_KNOW, "share"] == 0.2


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_satisfaction_notebook_plans_and_tells_kinds_of_estimates(tiny, language):
    report = chapters.open_report(tiny, PERIOD, None, language)
    period = report.period
    areas, plan, told = chapters.small_areas(report), chapters.next_sample(report), chapters.scale(report)
    assert areas is not None and plan is not None and told.blocks
    rows = plan.blocks[0].table
    assert (rows["needed"] >= 385).all() and (rows["issue"] >= rows["needed"]).all()
    shares = period.satisfaction(by="district")
    shares = shares[(shares["item"] == report.overall_item) & (shares["statistic"] == "satisfied")]
    assert set(rows["district"]) <= set(shares.loc[shares["rule"] == "", "district"])
    scale, found = period.result("scale").set_index("measure"), period.result("drivers")
    of_city = found[found["level"] == "city"].set_index("item")["importance"]
    index = period.satisfaction(by=None).query("statistic == 'index'").set_index("item")["estimate"]
    expected = (of_city * index.reindex(of_city.index)).sum()
    assert scale.loc["overall_index", "value"] == pytest.approx(expected, rel=1e-9)
