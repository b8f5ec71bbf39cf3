"""The study in the repository: its real figures are the printed ones, its sample is what it claims to be."""

from __future__ import annotations

import hashlib
import importlib
import re
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
REGISTER = ROOT / "data/register"
PERIODS = ("2019Q3", "2019Q4")

# 昆发〔2018〕14号, work plan, annex 1: communities, urban, converted (村改居), pilots, pilots of phase 1.
ANNEX_1 = {
    "五华区": (89, 65, 24, 14, 4),
    "盘龙区": (71, 51, 20, 11, 4),
    "官渡区(含大板桥街道)": (116, 45, 71, 19, 4),
    "西山区": (108, 50, 58, 17, 5),
    "呈贡区": (37, 8, 29, 6, 2),
    "晋宁区": (8, 6, 2, 2, 1),
    "东川区": (35, 17, 18, 2, 1),
    "安宁市": (35, 32, 3, 7, 3),
    "富民县": (6, 2, 4, 2, 1),
    "宜良县": (66, 4, 62, 4, 2),
    "嵩明县": (36, 1, 35, 2, 1),
    "石林县": (4, 1, 3, 2, 1),
    "禄劝县": (14, 7, 7, 2, 1),
    "寻甸县": (28, 1, 27, 2, 1),
    "高新区": (23, 10, 13, 2, 1),
    "经开区": (18, 5, 13, 2, 1),
    "滇池度假区": (17, 4, 13, 2, 1),
    "阳宗海风景区": (31, 0, 31, 2, 1),
    "总计": (742, 309, 433, 100, 35),
}

# Seventh National Population Census 2020, county tables: residents of all ages, and those aged 0-14.
# Adults 18+ of a county = all - (0-14) - 3/5 of 15-19.
CENSUS = {
    "五华区": (1_143_085, 31_038 + 35_580),
    "盘龙区": (987_955, 25_866 + 21_723),
    "官渡区": (1_602_279, 40_047 + 30_956),
    "阳宗海风景区": (384_875, 10_082 + 8_545),
}


@pytest.fixture(scope="module")
def generator() -> Any:
    """tools/sample_study.py as the tests' own set-up imports it."""
    return importlib.import_module("tools.sample_study")


@pytest.fixture(scope="module")
def tiny(generator: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(generator.write_study(tmp_path_factory.mktemp("tiny"), size="tiny"))


def _units(root: Path = ROOT) -> pd.DataFrame:
    return pd.read_csv(root / "data/register/units.csv", dtype="str")


def _hashes(root: Path) -> dict[str, str]:
    files = sorted(p for p in root.rglob("*") if p.is_file())
    return {p.relative_to(root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


# -- real figures ----------------


def test_annex_1_holds_exactly_the_printed_figures() -> None:
    sheet = openpyxl.load_workbook(REGISTER / "annex1.xlsx").active
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert {r[0]: tuple(r[1:]) for r in rows[3:]} == ANNEX_1
    assert rows[2][-2:] == ["任务数(个)", "任务数(个)"]
    assert {str(r) for r in sheet.merged_cells.ranges} >= {"A2:A3", "B2:D2"}


def test_units_have_the_counts_of_annex_1() -> None:
    units = _units()
    communities = units[units["level"] == "community"]
    counts = communities.groupby(["parent", "type"]).size().unstack(fill_value=0)
    printed = {name.partition("(")[0]: row for name, row in ANNEX_1.items() if name != "总计"}
    assert list(units.loc[units["level"] == "district", "unit"]) == list(printed)
    for district, (total, urban, converted, *_) in printed.items():
        assert tuple(counts.loc[district, ["urban", "converted"]]) == (urban, converted)
        assert (communities["parent"] == district).sum() == total
    assert len(communities) == 742
    assert communities["type"].value_counts().to_dict() == {"converted": 433, "urban": 309}
    assert units["unit"].is_unique and units["code"].is_unique
    assert units["code"].str.fullmatch(r"[0-9A-Z]{6,12}").all()


@pytest.mark.parametrize("district", CENSUS)
def test_margins_are_the_census_adults(district: str) -> None:
    margins = pd.read_csv(REGISTER / "margins.csv")
    own = margins[margins["unit"] == district]
    assert len(own) == 12
    everyone, teens = CENSUS[district]
    children = everyone - own["population"].sum() - teens * 3 / 5
    assert 0.09 < children / everyone < 0.19  # aged 0-14: 9 to 19 % in Kunming's counties


def test_parks_take_the_margins_of_their_county() -> None:
    margins = pd.read_csv(REGISTER / "margins.csv").set_index(["unit", "sex", "age_band"])["population"]
    homes = {"高新区": "五华区", "经开区": "官渡区", "滇池度假区": "西山区", "阳宗海风景区": "宜良县"}
    assert margins.index.get_level_values("unit").nunique() == 18
    for park, county in homes.items():
        assert margins[park].equals(margins[county])


def test_margins_are_derived_as_the_assumptions_say(generator: Any) -> None:
    """Ten people of each sex in every band: 18-24 holds 2/5 of 15-19 and all of 20-24; 65+ five bands."""
    derive = importlib.import_module("tools.census_margins")
    ages = [a for band in derive.BANDS.values() for a in band]
    homes = {d.home for d in generator.places.read_districts()}
    census = pd.DataFrame(
        {f"{sex}_{age}": 10 for sex in derive.SEXES for age in ages}, index=range(len(homes))
    )
    census["区划代码"] = sorted(homes)
    got = derive.margins(census).set_index(["unit", "sex", "age_band"])["population"]
    assert len(homes) == 14 and len(got) == 18 * 12
    assert set(got.xs("18-24", level="age_band")) == {14}
    assert set(got.xs("35-44", level="age_band")) == {20}
    assert set(got.xs("65+", level="age_band")) == {50}
    with pytest.raises(ValueError, match="no row for the counties 530102"):
        derive.margins(census[census["区划代码"] != "530102"])
    with pytest.raises(ValueError, match="no column 女_85岁以上"):
        derive.margins(census.drop(columns="女_85岁以上"))


# -- what study.yaml promises ----------------


@pytest.mark.parametrize("period", PERIODS)
def test_every_expected_file_is_there_and_listed_with_its_hash(period: str) -> None:
    sources = pd.read_csv(ROOT / "data/raw/SOURCES.csv")
    listed = dict(zip(sources["file"], sources["sha256"], strict=True))
    folder = ROOT / "data/raw" / period
    found = {p.relative_to(ROOT).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    assert set(found) == {f for f in listed if f"/{period}/" in f}
    for name, path in found.items():
        assert listed[name] == hashlib.sha256(path.read_bytes()).hexdigest(), name
    aliases = pd.read_csv(REGISTER / "aliases.csv").set_index("alias")["unit"].to_dict()
    sent = {aliases.get(p.stem, p.stem) for p in (folder / "社区统计").iterdir()}
    assert sent == set(_units().query("level == 'district'")["unit"])
    assert sum(p.stat().st_size for p in found.values()) < 5_000_000


def test_the_survey_frame_follows_its_rule() -> None:
    """Candidates are strata of their own; of the others at least two by district and type."""
    frame = pd.read_csv(REGISTER / "survey_frame.csv")
    one, two = (frame[frame["period"] == p].drop(columns="period").reset_index(drop=True) for p in PERIODS)
    pd.testing.assert_frame_equal(one, two)
    candidates = set(pd.read_csv(REGISTER / "candidates.csv")["unit"])
    certain = two[two["unit"].isin(candidates)]
    assert set(certain["unit"]) == candidates
    assert (certain["communities"] == 1).all() and certain["stratum"].is_unique
    rest = two[~two["unit"].isin(candidates)]
    sizes = rest.groupby("stratum").agg(taken=("unit", "size"), whole=("communities", "first"))
    assert (sizes["taken"] >= sizes["whole"].clip(upper=2)).all()
    assert (sizes["taken"] <= sizes["whole"]).all()
    assert sizes["whole"].sum() + len(certain) == 742
    assert len(two) / 742 == pytest.approx(1 / 3, abs=0.03)


def test_every_district_has_more_candidates_than_its_quota() -> None:
    candidates = pd.read_csv(REGISTER / "candidates.csv")["unit"].str.partition("/")[0].value_counts()
    for name, (*_, phase1) in ANNEX_1.items():
        if name != "总计":
            assert candidates[name.partition("(")[0]] > phase1


@pytest.mark.parametrize("period", PERIODS)
def test_every_candidate_has_two_experts_and_the_pattern_is_connected(period: str) -> None:
    rated: dict[str, set[str]] = {}
    for path in sorted((ROOT / "data/raw" / period / "评分表/专家评分").iterdir()):
        sheet = openpyxl.load_workbook(path).active
        head = list(sheet.iter_rows(min_row=2, max_row=3, min_col=4, values_only=True))
        district = ""
        for above, name in zip(*head, strict=True):
            district = above or district
            rated.setdefault(f"{district}/{name}", set()).add(path.stem)
    assert min(len(experts) for experts in rated.values()) >= 2
    candidates = set(pd.read_csv(REGISTER / "candidates.csv")["unit"])
    assert set(rated) <= candidates
    assert (set(rated) == candidates) == (period == "2019Q4")
    reached = {"专家01"}
    for _ in rated:
        for experts in rated.values():
            reached |= experts if experts & reached else set()
    assert reached == set().union(*rated.values())


def test_most_experts_are_consistent_and_a_few_are_not() -> None:
    """Consistency ratio by Saaty's eigenvector, random index 0.90 for four nodes and 1.12 for five."""
    import numpy as np

    above = 0
    files = sorted((ROOT / "data/raw/2019Q3/专家判断").glob("AHP_*.xlsx"))
    for path in files:
        book = openpyxl.load_workbook(path)
        ratios = []
        for sheet in book:
            rows = list(sheet.iter_rows(min_row=2, min_col=2, values_only=True))
            matrix = np.array([[_fraction(v) for v in row] for row in rows])
            assert matrix * matrix.T == pytest.approx(np.ones_like(matrix), abs=1e-9)
            n = len(matrix)
            largest = np.linalg.eigvals(matrix).real.max()
            ratios.append((largest - n) / (n - 1) / {4: 0.90, 5: 1.12}[n])
        above += max(ratios) > 0.1
    assert len(files) == 12
    assert 2 <= above <= 5


def _fraction(value: Any) -> float:
    over, _, under = str(value).partition("/")
    return float(over) / float(under or 1)


def test_the_assumptions_state_the_sample_as_it_is(generator: Any) -> None:
    text = (ROOT / "ASSUMPTIONS.md").read_text(encoding="utf-8")
    numbers = re.findall(r"^\*\*A(\d+)\. ", text, flags=re.MULTILINE)
    assert [int(n) for n in numbers] == list(range(1, len(numbers) + 1))
    applied = pd.read_csv(REGISTER / "candidates.csv")
    trial = (applied["applied_on"] < "2019-10").sum()
    frame = pd.read_csv(REGISTER / "survey_frame.csv").query("period == '2019Q4'")
    changed = {d.name for d in generator.places.read_districts() if d.change}
    words = " ".join(text.split())
    assert f"has {len(applied)} candidates" in words and f"with {trial} of them" in words
    assert f"{len(frame)} of 742" in words
    assert f"In a community {frame['issued'].min()} questionnaires are issued" in words
    assert changed == {"五华区", "官渡区", "呈贡区", "寻甸县", "东川区"}


# -- the generator ----------------


def test_same_seed_same_bytes(generator: Any, tiny: Path, tmp_path: Path) -> None:
    assert _hashes(generator.write_study(tmp_path / "again", size="tiny")) == _hashes(tiny)
    other = _hashes(generator.write_study(tmp_path / "other", size="tiny", seed=7))
    assert other != _hashes(tiny)


@pytest.mark.slow
def test_the_committed_files_are_the_generated_ones(generator: Any, tmp_path: Path) -> None:
    made = _hashes(generator.write_study(tmp_path, size="kunming"))
    committed = _hashes(ROOT / "data/raw")
    assert {k.removeprefix("data/raw/"): v for k, v in made.items() if k.startswith("data/raw/")} == committed
    for name in ("units.csv", "survey_frame.csv", "candidates.csv", "annex1.xlsx"):
        assert made[f"data/register/{name}"] == hashlib.sha256((REGISTER / name).read_bytes()).hexdigest()


def test_the_tiny_study_is_complete(tiny: Path) -> None:
    units = _units(tiny)
    assert units["level"].value_counts().to_dict() == {"community": 12, "district": 3, "city": 1}
    communities = units[units["level"] == "community"]
    assert not ((communities["parent"] == "阳宗海风景区") & (communities["type"] == "urban")).any()
    study = yaml.safe_load((tiny / "study.yaml").read_text(encoding="utf-8"))
    readers = {entry["reader"] for entry in study["inputs"]}
    assert readers == {
        "measures",
        "responses",
        "ratings",
        "judgments",
        "opinions",
        "problems",
        "mutual",
        "lists",
    }
    for period in PERIODS:
        path = next((tiny / "data/raw" / period / "居民问卷").iterdir())
        assert 270 <= openpyxl.load_workbook(path, read_only=True).active.max_row - 1 <= 330


def _read(root: Path, period: str, path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """measures and ledger of one file of community statistics, as study.yaml says it is read."""
    from commlab.intake import READERS, read_table

    study = yaml.safe_load((root / "study.yaml").read_text(encoding="utf-8"))
    entry = next(e for e in study["inputs"] if e["name"] == "community_statistics")
    aliases = pd.read_csv(root / "data/register/aliases.csv", dtype="str")
    district = aliases.set_index("alias")["unit"].to_dict().get(path.stem, path.stem)
    raw = read_table(path)
    mapped = READERS["measures"](
        raw, entry, period=period, units=_units(root), aliases=aliases, district=district
    )
    return mapped.frame, pd.concat([raw.ledger, mapped.ledger])


@pytest.mark.parametrize("period", PERIODS)
def test_what_is_read_is_what_was_drawn(generator: Any, tiny: Path, period: str) -> None:
    """Through title rows, two header levels, subtotals and 万元: the numbers that the generator drew."""
    city = generator.places.build_city("tiny", generator.SEED)
    for district in city.districts:
        drawn = generator.statistics.values(city, district, period).astype("float64")
        drawn[list(generator.statistics.AMOUNTS)] *= 10_000
        drawn.index = pd.Index(city.of(district.name)["unit"])
        frame, ledger = _read(tiny, period, tiny / "data/raw" / period / "社区统计" / district.file)
        assert not (ledger["severity"] == "error").any(), ledger["message"].tolist()
        name = frame["metric"] + ("/" + frame["item"]).fillna("")
        read = frame.assign(name=name).pivot(index="unit", columns="name", values="value")
        told = read.reindex(index=drawn.index, columns=drawn.columns)
        differ = (told - drawn).abs() > 1e-6
        # "约2000" stands for a number near it, a dash for none.
        assert differ.to_numpy().sum() <= 2 and told.isna().to_numpy().sum() <= 2


@pytest.mark.slow
@pytest.mark.parametrize("period", PERIODS)
def test_the_committed_statistics_are_messy_but_right(period: str) -> None:
    files = sorted((ROOT / "data/raw" / period / "社区统计").iterdir())
    parts = [_read(ROOT, period, path) for path in files]
    frame, ledger = (pd.concat(p, ignore_index=True) for p in zip(*parts, strict=True))
    assert set(ledger["severity"]) == {"note", "rounding", "warning"}
    rules = set(ledger["rule"])
    assert rules >= {
        "full_width",
        "thousands",
        "approximate",
        "percent",
        "missing",
        "hidden_rows",
        "encoding",
    }
    assert rules >= {"total_rounding", "base_unit"}
    assert frame["unit"].nunique() == 742
    orgs = frame[frame["metric"] == "social_org_n"].merge(_units(), on="unit")
    means = orgs.groupby(["parent", "type"])["value"].mean().unstack()
    for kind, norm in (("urban", 10), ("converted", 5)):
        assert (means[kind] >= norm).any() and (means[kind] < norm).any()
    wide = frame.pivot(index="unit", columns=["metric", "item"], values="value")
    households, area = (
        wide[m].iloc[:, 0].groupby(wide.index.str.partition("/").get_level_values(0)).sum()
        for m in ("households", "facility_area_m2")
    )
    assert ((area / households * 100).between(20, 46)).all()


def test_planted_telephone_numbers_stand_in_the_raw_questionnaire_only(generator: Any, tiny: Path) -> None:
    from commlab.intake import read_questionnaire

    path = next((tiny / "data/raw/2019Q4/居民问卷").iterdir())
    cells = [str(c) for row in openpyxl.load_workbook(path).active.iter_rows(values_only=True) for c in row]
    canary = generator.residents.CANARY
    assert any(canary in cell.replace("-", "") for cell in cells)
    read = read_questionnaire(path, tiny / "data/register/codebooks/resident.yaml")
    assert canary not in read.frame.to_csv().replace("-", "")
    assert canary not in read.ledger.to_csv().replace("-", "")
    assert not (read.ledger["severity"] == "error").any()


def test_wrong_requests_are_refused_in_words(
    generator: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ValueError, match="known: kunming, tiny"):
        generator.write_study(tmp_path, size="huge")
    with pytest.raises(ValueError, match="seed must be a whole number >= 0, found -1"):
        generator.write_study(tmp_path, seed=-1)
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    new, file = str(tmp_path / "new"), str(tmp_path / "file")
    for arguments, message in ((["--seed", "-1", new], "found -1"), ([file], "is a file")):
        with pytest.raises(SystemExit) as stopped:
            generator.main(["--size", "tiny", *arguments])
        assert stopped.value.code == 2
        assert message in capsys.readouterr().err


def test_the_tiny_study_never_overwrites_the_repository(
    generator: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        generator.main(["--size", "tiny"])
    assert stopped.value.code == 2
    assert "name a folder" in capsys.readouterr().err
