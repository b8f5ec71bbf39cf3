"""The study floor: study.yaml, the register, weights of answers, raking cells, problem states, raw files, trace."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import commlab as cl
from commlab.errors import DataError, ParameterError, StudyError
from commlab.study import estimates
from commlab.study.base_weights import weighted
from commlab.study.config import find_study, read_config
from commlab.study.raw import find_files
from commlab.study.register import read_register
from commlab.study.standing import problem_states

PERIOD = "2019Q4"


def edit(root: Path, old: str, new: str) -> Path:
    path = root / "study.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return root


def test_weights_of_any_level_are_judged_or_equal_or_printed(tmp_path: Path) -> None:
    from commlab.framework import load_framework
    from commlab.study.standing import weigh

    path = tmp_path / "deep.yaml"
    leaf = "parts: [{rule: judged}]"
    path.write_text(
        f"name: deep\nnodes:\n- {{code: A, zh: 甲, points: 60, {leaf}}}\n- code: B\n  zh: 乙\n  points: 40\n  children:\n"
        f"  - code: B1\n    zh: 乙一\n    children:\n    - code: B1.1\n      zh: 细\n      children:\n"
        f"      - {{code: B1.1.1, zh: 一, {leaf}}}\n      - {{code: B1.1.2, zh: 二, {leaf}}}\n    - {{code: B1.2, zh: 粗, {leaf}}}\n",
        encoding="utf-8",
    )
    pairs = [
        ("B1.1.1", "B1.1.2", 3.0),
        ("B1.1.2", "B1.1.1", 1 / 3),
        ("B1.1.1", "B1.1.1", 1.0),
        ("B1.1.2", "B1.1.2", 1.0),
    ]
    judged = pd.DataFrame(pairs, columns=["row", "column", "value"]).assign(
        expert="专家", node="B1.1", source="", period=PERIOD
    )
    config = read_config(edited(tmp_path, 'weights: {"4": ahp}'))
    found = weigh(load_framework(path), judged, config.weighing, config.choices).table.set_index("code")
    assert found.loc[["A", "B", "B1.1.1", "B1.2"], "origin"].tolist() == [
        "document",
        "document",
        "ahp",
        "equal",
    ]
    assert found.loc["B1.1.1", "weight"] == pytest.approx(0.4 * 0.5 * 0.75)
    assert [config.weighing(level) for level in (1, 3, 4, 5)] == ["equal", "equal", "ahp", "equal"]
    named = read_config(edited(tmp_path, "weights: {standard: ahp}"))
    assert [named.weighing(level) for level in (1, 2, 3, 5)] == ["equal", "equal", "ahp", "ahp"]


def edited(root: Path, line: str) -> Path:
    """A folder with the smallest study.yaml and one line more."""
    root.joinpath("study.yaml").write_text(
        "study: 1\ntitle: 题\ncity: 市\nframework: f.yaml\nperiods: [2020]\n"
        f"inputs: [{{name: a, files: a.csv, reader: measures}}]\n{line}\n",
        encoding="utf-8",
    )
    return root


# ------------------------------------------------------------------------------------------------- study.yaml


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("\nstudy: 1", "\nstudy: 2", "expected 1"),
        ("sample: true", "sample: maybe", "expected true or false"),
        ("language: zh", "language: fr", "zh or en"),
        ("2019Q4]", "2019Q5]", "'2019Q5' is not a period"),
        ("  draws: ", "  drawz: ", 'unknown key "drawz" (did you mean "draws"?)'),
        ("  draws: ", "  draws: many", "draws must be like 2000"),
        ("confidence: 0.95", "confidence: 95", "between 0 and 1"),
        ("{internal: 10", "{internal: 0", "at least 1"),
        ("fast, duplicate", "quick, duplicate", "'quick' is unknown"),
        ("reader: problems", "reader: trouble", "'trouble' is unknown"),
        ("primary: ahp", "primary: guess", "ahp or equal"),
        ("city: 昆明市", "town: 昆明市", '"city" is missing'),
        ("primary: ahp", "quaternary: ahp", "primary, secondary, standard or 1 to 9"),
        ("\ncity:", "\nwords: {hole: 全区}\ncity:", 'words: unknown key "hole" (did you mean "whole"?)'),
        ("{internal: 10, public: 30}", "[a]", "disclosure: expected keys and values"),
        ("[fast, duplicate, attention, out_of_frame]", "fast", "exclude_flags: expected a list"),
        ("options:\n  naming:", "options:\n- naming:", "options: expected keys"),
        ("- chapter: method\n", "- capital: method\n", "notes: expected a list of"),
        ("  places: phase1", "  places: phase9", "phase9 is none of communities"),
        ("  draws: ", "  ranked_within: district\n  draws: ", "ranked_within is whole, or group"),
    ],
)
def test_faults_of_study_yaml_are_named(tiny_copy: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(StudyError, match=r"study\.yaml") as error:
        read_config(edit(tiny_copy, old, new))
    assert told in str(error.value)


def test_all_faults_at_once(tiny_copy: Path) -> None:
    edit(edit(tiny_copy, "language: zh", "language: fr"), "confidence: 0.95", "confidence: 2")
    with pytest.raises(StudyError) as error:
        read_config(tiny_copy)
    assert "language" in str(error.value) and "confidence" in str(error.value)


def test_study_is_found_from_below_and_missed_outside(tiny_raw: Path, tmp_path: Path) -> None:
    assert find_study(tiny_raw / "notebooks") == tiny_raw
    with pytest.raises(StudyError, match=r"no study\.yaml"):
        find_study(tmp_path)


@pytest.mark.parametrize(
    ("pattern", "path", "fields"),
    [
        ("社区统计/{district}.*", "社区统计/官渡区(含大板桥街道).xlsx", {"district": "官渡区(含大板桥街道)"}),
        ("专家判断/AHP_{expert}.xlsx", "专家判断/AHP_专家01.xlsx", {"expert": "专家01"}),
        ("问卷/居民_*.xlsx", "问卷/居民_2019Q4.xlsx", {}),
        ("社区统计/{district}.*", "社区统计/下级/五华区.xlsx", None),
        ("问卷/居民_*.xlsx", "问卷/居民_2019Q4.csv", None),
    ],
)
def test_patterns_of_inputs(tiny_raw: Path, pattern: str, path: str, fields: dict[str, str] | None) -> None:
    from dataclasses import replace

    entry = replace(read_config(tiny_raw).inputs[0], files=pattern)
    match = entry.regex().fullmatch(path)
    assert (match.groupdict() if match else None) == fields


def test_a_file_claimed_twice_is_refused(tiny_copy: Path) -> None:
    edit(tiny_copy, 'files: "问题台账/{district}.xlsx"', 'files: "社区统计/{district}.xlsx"')
    with pytest.raises(ParameterError, match="claimed by the inputs"):
        find_files(read_config(tiny_copy), PERIOD)


# --------------------------------------------------------------------------------------------------- register


def register_of(root: Path):
    return read_register(root, city="昆明市", period=PERIOD, quotas=read_config(root).quotas)


def test_register_of_kunming_is_annex_1(repository: Path) -> None:
    register = register_of(repository)
    assert len(register.districts) == 18 and len(register.communities) == 742
    assert register.quotas[["communities", "urban", "converted", "pilots", "phase1"]].sum().tolist() == [
        742, 309, 433, 100, 35,
    ]  # fmt: skip
    assert tuple(register.quotas["unit"]) == register.districts
    assert register.margins.groupby("unit").size().eq(12).all()


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("units.csv", "昆明市,city", "昆明市,village", "isin"),
        ("units.csv", ",昆明市,五华区,", ",昆阳市,五华区,", "parents that are no units"),
        ("aliases.csv", "alias,unit", "alias,unit\n某区,不存在区", "不存在区"),
        ("margins.csv", "population", "people", "has no column"),
        ("survey_frame.csv", "五华区/", "五花区/", "units.csv does not have"),
    ],
)
def test_faults_of_the_register_are_named(tiny_copy: Path, name: str, old: str, new: str, told: str) -> None:
    path = tiny_copy / "data/register" / name
    text = path.read_text(encoding="utf-8-sig")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises((DataError, StudyError)) as error:
        register_of(tiny_copy)
    assert told in str(error.value)


def test_a_community_that_annex_1_does_not_count_is_refused(tiny_copy: Path) -> None:
    path = tiny_copy / "data/register/units.csv"
    with path.open("a", encoding="utf-8") as file:
        file.write("五华区/多余社区,community,五华区,多余社区,530102999999,urban,,,\n")
    with pytest.raises(DataError, match=r"五华区: \d+ urban communities are printed"):
        register_of(tiny_copy)


def test_frame_of_a_period_is_the_latest_up_to_it(tiny_raw: Path) -> None:
    register = register_of(tiny_raw)
    assert set(register.frame_of("2020Q2")["period"]) == {"2019Q4"}
    assert register.frame_of("2019Q2").empty


# ----------------------------------------------------------------------------------------------- survey results


def test_weights_stand_for_the_adults_of_the_stratum() -> None:
    """Two of four communities answer: weights add up to the adults of both, twice."""
    responses = pd.DataFrame(
        {
            "unit": ["a", "a", "b", "c"],
            "response_id": list("1234"),
            "valid": [True, True, True, False],
            "base_weight": np.nan,
        }
    )
    frame = pd.DataFrame(
        {"unit": list("abc"), "stratum": "s", "communities": 4.0, "adults": [100.0, 300.0, 50.0]}
    )
    data = weighted(responses, frame, dict.fromkeys("abc", "D"))
    assert data["base_weight"].tolist() == [100.0, 100.0, 600.0]
    assert data["base_weight"].sum() == 4 / 2 * (100 + 300)


@pytest.fixture
def people() -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(1)
    data = pd.DataFrame(
        {
            "district": "D",
            "sex": rng.choice(["male", "female"], 200),
            "age_band": rng.choice(["18-24", "25-34", "35-44", "65+"], 200, p=[0.05, 0.45, 0.4, 0.1]),
            "base_weight": 10.0,
        }
    ).astype({"district": "str"})
    data.loc[:4, "sex"] = pd.NA
    margins = pd.DataFrame(
        [
            ("D", s, a, 100 + 10 * i)
            for s in ("male", "female")
            for i, a in enumerate(["18-24", "25-34", "35-44", "65+"])
        ],
        columns=["unit", "sex", "age_band", "population"],
    )
    return data, margins


def test_small_cells_are_joined_and_targets_add_up(people: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    data, margins = people
    ready, targets, cells = estimates.rake_cells(data, margins, ["sex", "age_band"], min_cell=30)
    assert (cells["answers"] >= 30).all() and cells["raked"].all()
    assert "18-24+25-34" in set(cells["cell"])
    for target in targets.values():
        assert target.sum() == pytest.approx(2000.0)
    assert targets["rake_sex"]["D/?"] == 50.0
    assert (ready["rake_age_band"] != "").all()


def test_where_cells_stay_small_nothing_is_raked(people: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    data, margins = people
    _, _, cells = estimates.rake_cells(data.head(20), margins, ["sex", "age_band"], min_cell=30)
    assert not cells["raked"].any()


def test_raking_meets_the_census_shares_of_every_district(tiny: Path) -> None:
    """Law: after raking, the weighted shares of a raked margin are the census shares."""
    period = cl.open_study(tiny).period()
    register = period.study.register
    design, cells = estimates.raked(period.answers, register.margins, ["sex"], min_cell=10)
    assert design is not None and cells["raked"].any()
    weights = pd.Series(design.weights, index=design.data.index)
    for district in cells.loc[cells["raked"], "district"].unique():
        rows = (design.data["district"] == district) & design.data["sex"].notna()
        share = weights[rows & (design.data["sex"] == "female")].sum() / weights[rows].sum()
        census = register.margins[register.margins["unit"] == district].groupby("sex")["population"].sum()
        assert share == pytest.approx(census["female"] / census.sum(), abs=1e-9)


def test_city_population_counts_a_park_s_county_once(repository: Path) -> None:
    margins = register_of(repository).margins
    counties = estimates._once(margins)
    assert counties["unit"].nunique() == 14
    assert counties["population"].sum() < margins["population"].sum()


# ----------------------------------------------------------------------------------------------- problem states


@pytest.mark.parametrize(
    ("events", "state", "reopened", "days"),
    [
        ([("found", "2019-10-01"), ("due", "2019-12-01"), ("closed", "2019-11-01")], "closed", 0, 31),
        ([("found", "2019-10-01"), ("due", "2019-12-01")], "overdue", 0, 91),
        ([("found", "2019-12-01"), ("due", "2020-02-01")], "open", 0, 30),
        ([("found", "2019-10-01"), ("closed", "2019-10-05"), ("reopened", "2019-12-30")], "open", 1, 91),
        ([("found", "2019-10-01"), ("closed", "2020-01-05")], "open", 0, 91),
        ([("found", "2020-01-02")], None, 0, 0),
    ],
)
def test_state_of_a_problem(
    events: list[tuple[str, str]], state: str | None, reopened: int, days: int
) -> None:
    problems = pd.DataFrame(events, columns=["event", "on"]).assign(
        problem="1",
        unit="D/x",
        code="Ⅱ-1.1",
        origin="field",
        responsible="office",
        on=lambda f: pd.to_datetime(f["on"]),
    )
    found = problem_states(problems, {"D/x": "D"}, on=pd.Timestamp("2019-12-31"))
    if state is None:
        assert found.empty
        return
    row = found.iloc[0]
    assert (row["state"], row["reopened"], row["days_open"], row["district"]) == (state, reopened, days, "D")


# ------------------------------------------------------------------------------------------------------- facade


def test_units_by_any_name_and_near_names(tiny: Path) -> None:
    study = cl.open_study(tiny)
    assert study.district("五华") == "五华区"
    assert study.district("530102") == "五华区"
    with pytest.raises(ParameterError, match="五华区"):
        study.district("五花区")
    with pytest.raises(ParameterError, match="2019Q4"):
        study.period("2019Q1")


@pytest.mark.slow
def test_order_of_files_does_not_matter_and_reading_twice_is_reading_once(
    tiny_copy: Path, tiny: Path
) -> None:
    study = cl.open_study(tiny_copy)
    study.check([PERIOD])
    first = study.period(PERIOD)
    other = cl.open_study(tiny).period(PERIOD)
    for table in ("measures", "ratings", "responses", "problems", "judgments", "opinions"):
        pd.testing.assert_frame_equal(first.table(table), other.table(table))


@pytest.mark.slow
def test_what_was_read_before_is_kept_and_gives_the_same_bytes(
    tiny_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other problems: that file and the questionnaires are read, one part is computed, and all is as if made anew."""
    from commlab.store import FrameMemory, file_hash
    from commlab.study import staged
    from commlab.study.reading import FileReader

    def made() -> dict[str, str]:
        folder = tiny_copy / "data/processed" / PERIOD
        return {p.name: file_hash(p) for p in folder.rglob("*.*") if p.name not in (".lock", "reports.json")}

    def built(**force: bool) -> list[str]:
        read.clear()
        parts.clear()
        study = cl.open_study(tiny_copy)
        study.check(**force)
        study.period(PERIOD).build(**force)
        return sorted(read)

    read: list[str] = []
    parts: list[str] = []
    real, computed = FileReader.read, staged.computed
    monkeypatch.setattr(FileReader, "read", lambda self, f: read.append(f.name) or real(self, f))
    monkeypatch.setattr(staged, "computed", lambda p, wanted: parts.extend(wanted) or computed(p, wanted))
    everything = built()
    path = next((tiny_copy / f"data/raw/{PERIOD}/问题台账").iterdir())
    before = pd.read_parquet(tiny_copy / f"data/processed/{PERIOD}/problems.parquet")
    if path.suffix == ".xlsx":
        import openpyxl

        book = openpyxl.load_workbook(path)
        book.active.delete_rows(book.active.max_row)
        book.save(path)
    else:
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(lines[:-1]))
    again = built()
    assert path.relative_to(tiny_copy).as_posix() in again
    assert all("问题台账" in n or "居民问卷" in n for n in again) and len(again) < len(everything)
    assert parts == ["problems"]
    assert len(pd.read_parquet(tiny_copy / f"data/processed/{PERIOD}/problems.parquet")) < len(before)
    remembered = made()
    built(force=True)
    assert made() == remembered
    # spoilt entries and entries of files that are gone
    cache = tiny_copy / "data/processed/.cache" / PERIOD
    for entry in cache.iterdir():
        entry.write_bytes(entry.read_bytes()[:-9])
    (cache / "of a file that is gone").write_bytes(b"")
    kept, real_read = [], FrameMemory.read
    monkeypatch.setattr(FrameMemory, "read", lambda self, key: kept.append(real_read(self, key)) or kept[-1])
    study = cl.open_study(tiny_copy)
    (tiny_copy / "data/processed" / PERIOD / "inputs.json").unlink()
    study.period(PERIOD).clean()
    assert len(kept) > 5 and not any(k for k in kept[1:])
    assert made() == remembered | {"stage.json": made()["stage.json"]}
    assert not (cache / "of a file that is gone").exists()


@pytest.mark.slow
def test_key_of_the_hashes_moves_no_result(
    tiny_copy: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(tiny_copy, "sample: true", "sample: false")
    monkeypatch.setenv("COMMLAB_KEY", "another key")
    study = cl.open_study(tiny_copy)
    study.check()
    period, other = study.period(PERIOD), cl.open_study(tiny).period(PERIOD)
    assert set(period.responses["response_id"]).isdisjoint(other.responses["response_id"])
    pd.testing.assert_frame_equal(period.result("satisfaction"), other.result("satisfaction"))
    pd.testing.assert_frame_equal(period.ranks(), other.ranks())


def test_conservation_rows_of_the_questionnaire(tiny: Path) -> None:
    """Every row of the export is an answer with its own row number; none is lost, none stands twice."""
    period = cl.open_study(tiny).period(PERIOD)
    path = next((tiny / f"data/raw/{PERIOD}/居民问卷").glob("*.xlsx"))
    raw = pd.read_excel(path, engine="calamine")
    assert len(period.responses) == len(raw)
    assert period.responses["source"].is_unique


def test_trace_of_every_score_of_a_district_reaches_files(tiny: Path) -> None:
    period = cl.open_study(tiny).period(PERIOD)
    scores = period.scores()
    for code in scores.loc[
        (scores["unit"] == "五华区") & scores["leaf"] & (scores["state"] == "scored"), "code"
    ]:
        steps = period.trace("五华区", code).steps()
        assert any("data/raw/" in s.source for s in steps), code
    whole = period.trace("五华区", "total")
    parts = [s.value for s in whole.top.below]
    assert (
        len(parts) == len(period.study.framework.children(None))
        and whole.to_dict()["value"] == whole.top.value
    )


def test_contributions_add_up_to_the_total(tiny: Path) -> None:
    scores = cl.open_study(tiny).period(PERIOD).scores()
    leaves = scores[scores["leaf"]].groupby("unit")["contribution"].sum()
    total = scores[scores["code"] == "total"].set_index("unit")["score"]
    pd.testing.assert_series_equal(leaves, total.reindex(leaves.index), check_names=False, rtol=1e-12)


def test_panel_of_a_metric(tiny: Path) -> None:
    study = cl.open_study(tiny)
    panel = study.panel("social_org_n")
    assert list(panel.columns) == ["period", "as_of", "unit", "value"]
    communities = study.period(PERIOD).communities
    expected = communities.groupby("parent")["social_org_n"].sum()
    last = panel[panel["period"] == PERIOD].set_index("unit")["value"]
    assert last.to_dict() == expected.to_dict()
    with pytest.raises(ParameterError, match="no period has the metric"):
        study.panel("happiness")
    of = study.register.communities.set_index("unit")["type"]
    inside = study.panel("social_org_n", level="community")
    by_type = study.panel("social_org_n", level="type")
    sums = inside.assign(unit=inside["unit"].map(of)).groupby(["period", "as_of", "unit"])["value"].sum()
    assert len(by_type) and by_type.set_index(["period", "as_of", "unit"])["value"].eq(sums).all()
    whole = study.panel("social_org_n", level="city").groupby("period")["value"].sum()
    assert whole.eq(inside.groupby("period")["value"].sum()).all()
    with pytest.raises(ParameterError, match="level is one of district, community, city, type; not 'town'"):
        study.panel("social_org_n", level="town")
    with pytest.raises(ParameterError, match="did you mean social_org_n"):
        study.panel("social_org")
    with pytest.raises(
        ParameterError, match="is not measured of what a type could be summed of; it is of district"
    ):
        study.panel("camera_n", level="type")


@pytest.mark.slow
def test_another_version_s_tables_are_refused(tiny_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cl.open_study(tiny_copy).check([PERIOD])
    monkeypatch.setattr("commlab.study.period.code_hash", lambda: "another version")
    with pytest.raises(StudyError, match="another version of commlab"):
        cl.open_study(tiny_copy).period(PERIOD).responses  # noqa: B018


@pytest.mark.slow
def test_raw_files_are_never_written(tiny_copy: Path) -> None:
    from commlab.store import tree_hash

    shutil.rmtree(tiny_copy / "data/processed", ignore_errors=True)
    before = tree_hash(tiny_copy / "data/raw")
    study = cl.open_study(tiny_copy)
    study.check()
    study.period().build()
    assert tree_hash(tiny_copy / "data/raw") == before


def test_survey_standards_err_together(tiny: Path) -> None:
    """The joint error of the survey leaves has the standard errors of the evidence and positive covariances."""
    from commlab.study.standing import survey_covariance

    period = cl.open_study(tiny).period(PERIOD)
    joint = survey_covariance(period.design, period.study.framework, by="district", points=period.items)
    assert joint is not None
    pd.testing.assert_frame_equal(joint, joint.T)
    item = period.satisfaction(by="district").query("item == 'q_clean_conduct' and statistic == 'index'")
    for unit, se in zip(item["district"], item["se"], strict=True):
        assert joint.loc[(unit, "Ⅱ-1.3"), (unit, "Ⅱ-1.3")] == pytest.approx(se**2, rel=1e-9)
    assert joint.loc[("五华区", "Ⅱ-1.3"), ("五华区", "Ⅱ-17.1")] > 0
    assert joint.loc[("五华区", "Ⅱ-1.3"), ("盘龙区", "Ⅱ-1.3")] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("by", ["district", "community", None, "sex", ["district", "sex"]])
def test_satisfaction_is_named_by_what_it_is_grouped_by(tiny: Path, by: str | list[str] | None) -> None:
    found = cl.open_study(tiny).period(PERIOD).satisfaction(by=by)
    named = [] if by is None else [by] if isinstance(by, str) else by
    wanted = [*named, "item", "statistic", "estimate", "se", "ci_low", "ci_high", "df", "n", "n_effective"]
    wanted += ["rule", "bound"]  # why a figure is blank, or only a bound
    assert [c for c in found.columns if c != "weighting"] == wanted and len(found)


@pytest.mark.slow
def test_sources_list_what_arrived_and_keep_what_people_wrote(tiny_copy: Path) -> None:
    path = tiny_copy / "data/raw/SOURCES.csv"
    before = path.read_bytes()
    study = cl.open_study(tiny_copy)
    study.check([PERIOD])
    assert path.read_bytes() == before, "nothing new arrived"
    again = tiny_copy / f"data/raw/{PERIOD}/问题台账/五华区.xlsx"
    shutil.copy(tiny_copy / f"data/raw/{PERIOD}/问题台账/盘龙区.xlsx", again)
    cl.open_study(tiny_copy).check([PERIOD])
    lines = pd.read_csv(path, dtype="str")
    mine = lines[lines["file"] == f"data/raw/{PERIOD}/问题台账/五华区.xlsx"]
    assert len(mine) == 2 and mine["sha256"].nunique() == 2 and mine["from"].iloc[1] == "五华区"
    path.write_text("file,hash\n", encoding="utf-8")
    shutil.copy(tiny_copy / f"data/raw/{PERIOD}/问题台账/阳宗海风景区.xlsx", again)
    with pytest.raises(DataError, match="has no column sha256"):
        cl.open_study(tiny_copy).check([PERIOD])


@pytest.mark.slow
def test_declared_choices_move_what_they_are_about(tiny_copy: Path, tiny: Path) -> None:
    """Confidence narrows every interval; the way up the tree moves scores and the draws behind their intervals."""
    edit(
        edit(tiny_copy, "confidence: 0.95", "confidence: 0.8"),
        "aggregation: arithmetic",
        "aggregation: geometric",
    )
    study = cl.open_study(tiny_copy)
    study.check()
    here, usual = study.period(PERIOD), cl.open_study(tiny).period(PERIOD)
    for frame in ("satisfaction", "change"):
        a, b = here.result(frame), usual.result(frame)
        known = b["se"] > 0
        assert ((a["ci_high"] - a["ci_low"])[known] < (b["ci_high"] - b["ci_low"])[known]).all()
    ranks, before = here.ranks().set_index("unit"), usual.ranks().set_index("unit")
    assert (ranks["score"] < before["score"]).all()
    assert ranks["score"].between(ranks["score_low"], ranks["score_high"]).all()


# --------------------------------------------------------------------------------------------------- records


def test_records_keep_repeats_and_mask_people(tiny_raw: Path, tmp_path: Path) -> None:
    from commlab.intake import READERS, read_table

    register = register_of(tiny_raw)
    name = register.communities["name"].iloc[0]
    path = tmp_path / "points.csv"
    path.write_text(
        f"社区,日期,账户,类别,积分,备注\n{name},2019-10-08,V01,获得,5,李强女士13912345678\n"
        f"{name},2019-10-08,V01,获得,5,\n无此社区,2019-10-09,V02,兑换,3,\n{name},2019-10-10,,兑换,3,\n",
        encoding="utf-8",
    )
    columns = {"unit": ["社区"], "on": ["日期"], "key": ["账户"], "category": ["类别"], "value": ["积分"]}
    spec = {"list": "points", "level": "community", "columns": columns | {"text": ["备注"]}}
    got = READERS["records"](read_table(path), spec, period=PERIOD, units=register.units)
    assert got.frame["value"].tolist() == [5.0, 5.0] and got.frame["key"].tolist() == ["V01", "V01"]
    assert got.frame["list"].eq("points").all() and "1391" not in str(got.frame["text"].iloc[0])
    assert set(got.ledger["rule"]) >= {"unknown unit", "incomplete row", "personal data in text"}
    with pytest.raises(ParameterError, match="needs list"):
        READERS["records"](read_table(path), {"columns": columns}, period=PERIOD, units=register.units)


@pytest.mark.parametrize(
    ("pattern", "name", "district"),
    [
        ("社区统计/{district}*", "社区统计/五华区.xlsx", "五华区"),
        ("社区统计/{district}*", "社区统计/五华区(补报).xlsx", "五华区"),
        ("社区统计/{district}*", "社区统计/五华区_第2次.xls", "五华区"),
        ("社区统计/{district}*", "社区统计/石林县", "石林县"),
        ("社区统计/{district}", "社区统计/五华区.xlsx", "五华区"),
        ("纸质问卷/{district}_二录*", "纸质问卷/五华区_二录.xlsx", "五华区"),
    ],
)  # fmt: skip
def test_a_name_in_a_pattern_is_taken_whole(pattern: str, name: str, district: str) -> None:
    from commlab.study.inputs import read_inputs

    class Faultless:
        def __getattr__(self, _: str):
            return lambda *a, **k: None

    given = [
        {
            "name": "a",
            "label": {"zh": "a", "en": "a"},
            "files": pattern,
            "each": "district",
            "reader": "measures",
        }
    ]
    found = read_inputs(given, Faultless())[0].regex().fullmatch(name)
    assert found and found["district"] == district


def test_examples_that_need_a_study_run(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those in the docstrings of what people call, skipped elsewhere because there is no checked study."""
    import doctest

    import commlab.study

    monkeypatch.chdir(tiny)

    class Checker(doctest.OutputChecker):
        def check_output(self, want: str, got: str, optionflags: int) -> bool:
            return not want or super().check_output(
                want, got, optionflags
            )  # frames are long: no output is said

    finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner(Checker(), optionflags=doctest.ELLIPSIS)
    told: list[str] = []
    for name in commlab.study.__all__:
        found = finder.find(getattr(commlab.study, name), name, globs=vars(commlab.study) | {"cl": cl})
        assert found[0].name == name and found[0].examples, name
        for test in found:
            for example in test.examples:
                example.options.pop(doctest.SKIP, None)
            runner.run(test, out=told.append)
    assert not runner.failures, "".join(told)
