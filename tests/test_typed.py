"""Changning's chapters on its template: kinds with evidence, equals, three lists matched, strategies, half-years, workers."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pandas as pd
import pytest

import commlab as cl
from commlab.batch.reads import READS
from commlab.cli.init import init_study
from commlab.report import chapters
from commlab.report.chapters.base import Report
from commlab.report.chapters.lists import matched
from commlab.report.finding import Finding
from commlab.study.period import Period
from commlab.study.results import RESULTS
from commlab.tables import CONTRACTS

NOW, UNIT = "2019H2", "梧桐居委会"
CHAPTERS = ("kinds", "kind_evidence", "equals", "lists", "strategies", "half_years", "team", "things_done")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("typed") / "study"
    init_study(root, template="changning")
    opened = cl.open_study(root)
    assert opened.check().exit_code == 0
    opened.period(NOW).build()
    return root


@pytest.fixture(scope="module")
def whole(study: Path) -> Report:
    return chapters.open_report(study, NOW)


@pytest.fixture(scope="module")
def own(study: Path) -> Report:
    return chapters.open_report(study, NOW, UNIT)


def findings(section: object) -> list[Finding]:
    return [b for b in section.blocks if isinstance(b, Finding)]  # type: ignore[attr-defined]


def test_every_compound_has_evidence_and_unsure_ones_a_reason(whole: Report) -> None:
    evidence = chapters.kind_evidence(whole).table
    estates = whole.study.register.units.query("level == 'compound'")["unit"]
    rules = [r["rule"] for name in ("kinds", "population") for r in whole.study.config.options[name]["rules"]]
    assert set(evidence["unit"]) == set(estates)
    assert evidence.groupby("unit")["rule"].agg(lambda r: sorted(r) == sorted(rules)).all()
    assert evidence.loc[evidence["met"] != "missing", "value"].notna().all()
    counts, unsure = findings(chapters.kinds(whole))
    assert counts.table["n"].sum() == len(estates)
    assert unsure.table["reason"].str.len().gt(0).all() and set(unsure.table["unit"]) <= set(estates)


def test_a_share_is_the_evidence_s_own_quotient(whole: Report) -> None:
    facts = whole.period.measures.pivot_table(index="unit", columns="metric", values="value", aggfunc="last")
    rows = chapters.kind_evidence(whole).table.query("rule == 'K3' and met != 'missing'").set_index("unit")
    assert len(rows) > 10
    expected = (facts["market_home_n"] / facts["home_n"]).reindex(rows.index)
    pd.testing.assert_series_equal(rows["value"], expected, check_names=False)
    assert (rows["met"].eq("yes") == (rows["value"] >= 0.5))[rows["met"].isin(["yes", "no"])].all()


def test_equals_are_compared_inside_their_group_only(whole: Report, own: Report) -> None:
    rows = findings(chapters.equals(own))[0].table
    assert set(rows["district"]) == {UNIT} and rows["percentile"].dropna().between(0, 1).all()
    least = whole.study.config.options["peers"]["least"]
    assert (rows.loc[rows["rank"].notna(), "n"] >= least).all() and rows.loc[
        rows["n"] < least, "rank"
    ].isna().all()
    assert findings(chapters.equals(whole)), "the spread within every group"


def test_needs_meet_services_or_are_gaps(whole: Report, own: Report) -> None:
    found = matched(whole)
    needs = found.needs
    assert set(needs["state"]) == {"served", "resource", "elsewhere", "gap"}
    assert needs.loc[needs["state"] == "served", "services"].str.len().gt(0).all()
    assert needs.loc[needs["state"] == "gap", ["services", "resources"]].eq("").all(axis=None)
    table = findings(chapters.lists(own))[0].table
    assert len(table) == (needs["unit"] == UNIT).sum() and set(table["unit"]) == {UNIT}
    by_need = findings(chapters.lists(whole))[0].table
    assert by_need["n"].sum() == len(needs) and by_need["gap"].sum() == (needs["state"] == "gap").sum()


def test_strategies_stand_by_six_aspects_the_weakest_first(whole: Report, own: Report) -> None:
    table = findings(chapters.strategies(own))[0].table
    assert sorted(table["code"]) == ["1", "2", "3", "4", "5", "6"]
    assert table["score"].dropna().is_monotonic_increasing and table["first"].sum() == 2
    every = findings(chapters.strategies(whole))[0].table
    assert every["n"].tolist() == [6] * 6 and (table["n"] < 6).all(), "general ones and those of its kinds"


def test_the_year_end_is_compared_with_the_middle_of_the_year(study: Path, own: Report) -> None:
    table = findings(chapters.half_years(own))[0].table.set_index("code")
    assert (table["change"] - (table["after"] - table["before"])).abs().max() < 1e-12
    stored = own.period.scores("district").query("unit == @UNIT and code == 'total'")["score"].iloc[0]
    assert table.loc["total", "after"] == pytest.approx(stored)
    before = cl.open_study(study).period("2019H1")
    before.build()
    earlier = before.scores("district").query("unit == @UNIT and code == 'total'")["score"].iloc[0]
    assert table.loc["total", "before"] == pytest.approx(earlier), "computed alone, the same as stored"
    first = chapters.half_years(chapters.open_report(study, "2019H1", UNIT, "en"))
    assert "first evaluation" in str(first.blocks[0])


def test_certified_share_and_one_supervisor_for_ten(whole: Report) -> None:
    found = findings(chapters.team(whole))[0]
    facts = (
        whole.period.measures.query("level == 'district'")
        if "level" in whole.period.measures
        else whole.period.measures
    )
    sums = (
        facts[facts["metric"].isin(["worker_n", "certified_n", "supervisor_n"])]
        .groupby("metric")["value"]
        .sum()
    )
    wanted = math.ceil(sums["worker_n"] / 10)
    assert found.table["workers"].sum() == sums["worker_n"]
    assert (found.table["wanted"] * 10 - found.table["workers"]).abs().max() < 1e-9
    text = found.text
    assert f"{wanted}" in text and f"{max(wanted - int(sums['supervisor_n']), 0)}" in text
    assert whole.t.percent(sums["certified_n"] / sums["worker_n"]) in text


def test_the_ten_ones_are_ten(whole: Report) -> None:
    table = findings(chapters.things_done(whole))[0].table
    assert len(table) == 10 == whole.study.framework.constant("ten_ones").number()


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_chapters_speak_english_and_read_only_what_they_declare(
    study: Path, chapter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[str] = set()
    for way in ("result", "table", "table_raw"):
        real = getattr(Period, way)
        monkeypatch.setattr(Period, way, lambda self, n, real=real: seen.add(n) or real(self, n))
    for unit in (None, UNIT):
        report = chapters.open_report(study, NOW, unit, "en")
        report.period.districts  # noqa: B018  which all chapters know
        seen.clear()
        section = getattr(chapters, chapter)(report)
        assert seen & {*RESULTS, *CONTRACTS, "status"} <= set(READS[chapter])
        parts = [] if section is None else [section] if isinstance(section, Finding) else findings(section)
        for found in parts:
            shown = found.table[[c for c in found.columns if found.table[c].dtype in ("str", "object")]]
            words = " ".join([found.text, *shown.astype("str").to_numpy().ravel()])
            for name in sorted(
                {*report.study.register.units["name"], *report.study.register.units["group"].dropna()},
                key=len,
                reverse=True,
            ):
                words = words.replace(str(name), "")
            assert not re.search("[一-龥]", words), (found.title, re.findall("[一-龥]+", words)[:5])
