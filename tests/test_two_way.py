"""Assessment in both directions: small groups of raters are protected, also against subtraction; the Xianning study tells it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import commlab as cl
from commlab.cli.init import init_study
from commlab.report import chapters
from commlab.report.chapters.points import points_ledger
from commlab.report.chapters.two_way import protected_ratings
from commlab.report.finding import blocks

K = 5


def ratings(sizes: dict[str, int], score=lambda i: 70.0 + i) -> tuple[pd.DataFrame, dict[str, str]]:
    """Communities of some districts that all rate one department on one aspect."""
    raters = {f"{d}{i}": d for d, n in sizes.items() for i in range(n)}
    rows = [
        {"rater": r, "rater_level": "community", "rated": "office", "rated_level": "department", "aspect": "service", "score": score(i)}
        for i, r in enumerate(raters)
    ]  # fmt: skip
    return pd.DataFrame(rows), raters


def shown(sizes: dict[str, int], **more) -> dict[str, bool]:
    given, inside = ratings(sizes, **more)
    told = protected_ratings(given, inside, k=K)
    assert told.loc[told["rule"] != "", ["n", "mean"]].isna().all().all()
    return dict(zip(told["district"], told["rule"] == "", strict=True))


@pytest.mark.parametrize(
    ("sizes", "hidden"),
    [
        ({"a": 4}, {"", "a"}),  # fewer than k in all
        ({"a": 9, "b": 9}, set()),
        ({"a": 9, "b": 8, "c": 4}, {"b", "c"}),  # c alone would be the whole less a and b
        ({"a": 9, "b": 4, "c": 4}, {"b", "c"}),  # two small ones, together enough
    ],
)
def test_nobody_can_subtract_a_small_group(sizes: dict[str, int], hidden: set[str]) -> None:
    found = shown(sizes)
    assert {d for d, ok in found.items() if not ok} >= hidden
    small = sum(n for d, n in sizes.items() if not found[d])
    assert not found[""] or small == 0 or small >= K, "what is left after subtraction is a group of k"


def test_a_mean_at_the_end_of_the_scale_would_tell_every_mark() -> None:
    assert shown({"a": 9, "b": 9}, score=lambda i: 100.0 if i < 9 else 80.0)["a"] is False


def test_missing_marks_are_no_raters() -> None:
    given, inside = ratings({"a": 9})
    given.loc[:4, "score"] = float("nan")
    assert (protected_ratings(given, inside, k=K)["rule"] != "").all()


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("xianning") / "study"
    init_study(root, template="xianning")
    opened = cl.open_study(root)
    assert opened.check().exit_code == 0
    opened.period().build()
    return root


def told(
    study: Path, chapter: str, unit: str | None = None, period: str = "2021Q4", language: str = "zh"
) -> str:
    """What a chapter prints: its sentences, cells, captions and notes."""
    section = getattr(chapters, chapter)(chapters.open_report(study, period, unit, language))
    return " ".join(str(block) for block, _ in blocks(section))


def test_no_mark_of_a_small_department_and_no_single_rater_is_told(study: Path) -> None:
    text = told(study, "two_way")
    assert "因评分社区太少而不显示" in text and "市科协" in text
    assert not any(name in text for name in ("霁蓝", "墨色", "柳绿")), "no community is named as a rater"


def test_street_marks_count_in_the_scores(study: Path) -> None:
    period = cl.open_study(study).period()
    mutual, scores = period.mutual, period.scores().set_index(["unit", "code"])["score"]
    rows = mutual[(mutual["aspect"] == "6.2") & mutual["rated"].str.startswith("通山县")]
    assert scores["通山县", "6.2"] == pytest.approx(rows["score"].mean())


def test_levels_are_compared_by_place(study: Path) -> None:
    text = told(study, "assessment_levels")
    assert "市级考核6个县市区" in text and "县市区考核13个街道" in text and "街道考核33个社区" in text


def test_the_two_bad_weeks_are_found_and_files_may_come_in_any_order(study: Path) -> None:
    text = told(study, "online")
    assert "失控" in text and "2021年11月8日" in text and "崇阳县" in text
    assert "截至2021年第四季度末共报来1,357行，计入1,276条" in text
    assert "没有在线评价" in told(study, "online", "通城县") and "失控点清单" not in told(
        study, "online", "咸安区"
    )


def test_rewards_add_up_and_floors_are_those_of_the_kind(study: Path) -> None:
    assert "4,000,000元" in told(study, "rewards") and "分文不差" in told(study, "rewards")
    city, other = told(study, "funds", "咸安区"), told(study, "funds", "通山县")
    assert "200,000" in city and "200,000" not in other


def test_points_balance_over_both_quarters_and_every_fault_is_found(study: Path) -> None:
    report = chapters.open_report(study, "2021Q4", None)
    options = report.study.config.options["points"]
    ledger, moved = points_ledger(report, options)
    before, _ = points_ledger(chapters.open_report(study, "2021Q3", None), options)
    assert (
        ledger.totals["opening"] == before.totals["closing"] and before.faults.query("what == 'stated'").empty
    )
    assert moved[["key", "difference"]].to_numpy().tolist() == [["V008", 5.0]]
    assert {"double_number", "lookalike", "negative", "stated"} <= set(ledger.faults["what"])
    assert ledger.faults.query("what == 'negative'")["key"].str.contains("V004").any()


@pytest.mark.parametrize("chapter", ["two_way", "assessment_levels", "online", "funds", "rewards", "points"])
def test_every_chapter_speaks_both_languages_and_knows_its_period(study: Path, chapter: str) -> None:
    zh, en = told(study, chapter, "嘉鱼县"), told(study, chapter, "崇阳县", "2021Q3", "en")
    assert zh and en and "昆明" not in zh and "县区" not in zh.replace("县市区", "")
    assert "district" not in en.lower().replace("市辖区", "").replace("city district", ""), (
        "its parts are counties"
    )
