"""Write the sample study's data: the same seed gives the same bytes.

Usage: python tools/sample_study.py [--size kunming|tiny] [--seed N] [ROOT]

Without arguments the Kunming study of this repository is written again: the parts of ``data/register``
that follow from the invented communities, and ``data/raw`` with 2019Q3 and 2019Q4. Every value is
fabricated; real are the districts, the counts of annex 1 and the census margins. ``--size tiny`` writes a
whole small study (3 districts, 12 communities, about 300 answers a quarter) that exercises every table;
tests call ``write_study(root, size="tiny")``.

What people keep by hand (study.yaml, aliases, margins, codebooks, review) is read from this repository, and
copied where the study is written somewhere else.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

TOOLS = Path(__file__).resolve().parent
if str(TOOLS) not in sys.path:  # imported as tools.sample_study, not run as a script
    sys.path.insert(0, str(TOOLS))

from sampledata import offices, panels, places, residents, statistics  # noqa: E402
from sampledata.forms import write_csv  # noqa: E402
from sampledata.places import CITY, PERIODS, SIZES, City  # noqa: E402

REPOSITORY = TOOLS.parent
SEED = 20190901
BY_HAND = (
    *("aliases.csv", "unit_changes.csv", "review.csv", "margins.csv"),
    *("codebooks/resident.yaml", "frameworks/panlong.yaml"),
)
RECEIVED = {"2019Q3": "2019-10-11", "2019Q4": "2020-01-09"}
SENDERS = {
    "社区统计": "各县(市)区民政局",
    "市级部门": "市民政局",
    "居民问卷": "第三方调查机构",
    "专家判断": "专家组",
    "德尔菲": "专家组",
    "评分表": "社区、县(市)区与专家组",
    "问题台账": "各县(市)区治理办",
    "双向评价": "各县(市)区治理办",
    "清单": "各县(市)区治理办",
}
TINY_TITLE = (
    "title: {zh: 昆明市城乡社区治理创新考评(小型示例), en: Kunming community governance evaluation (tiny)}"
)
TINY_INPUTS = """
- name: two_way
  label: {zh: 双向评价, en: two-way evaluation}
  files: "双向评价/双向评价汇总.xlsx"
  each: once
  reader: mutual
  columns:
    rater: [评价方]
    rated: [被评方]
    aspect: [评价方面]
    score: [得分]
- name: lists
  label: {zh: 三张清单, en: three lists}
  files: "清单/三张清单.csv"
  each: once
  reader: lists
  columns:
    list: [清单]
    scope: [适用范围]
    topic: [主题]
    item: [事项]
  lists: {需求清单: need, 资源清单: resource, 服务清单: service}
"""


def write_study(root: str | Path, *, size: str = "tiny", seed: int = SEED) -> Path:
    """Write a sample study below ``root`` and return it.

    Parameters
    ----------
    root : path
        The study's folder; made where it does not exist. Files of the same names are replaced.
    size : {"tiny", "kunming"}
        3 districts with 12 communities and about 300 answers a quarter, or 18 with 742 and about 12,000.
    seed : int
        Same seed, same bytes.

    Raises
    ------
    ValueError
        If ``size`` is neither, or ``seed`` is negative.
    """
    if size not in SIZES:
        raise ValueError(f"size {size!r} is unknown; known: {', '.join(SIZES)}")
    if seed < 0:
        raise ValueError(f"seed must be a whole number >= 0, found {seed}")
    root = Path(root).resolve()
    city = places.build_city(size, seed)
    _by_hand(root, city)
    _register(root / "data/register", city)
    codebook = yaml.safe_load((root / "data/register/codebooks/resident.yaml").read_text(encoding="utf-8"))
    margins = pd.read_csv(root / "data/register/margins.csv")
    files = {}
    for period in PERIODS:
        files[period] = _period(root / "data/raw" / period, city, period, codebook, margins)
    _sources(root, files)
    return root


def _by_hand(root: Path, city: City) -> None:
    """study.yaml and the kept part of the register, cut down to the districts of the study."""
    if root == REPOSITORY:
        return
    names = {CITY, *(d.name for d in city.districts)}
    for name in BY_HAND:
        source, target = REPOSITORY / "data/register" / name, root / "data/register" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".csv" and name != "unit_changes.csv":
            table = pd.read_csv(source, dtype="str")
            table[table["unit"].isin(names)].to_csv(target, index=False, lineterminator="\n")
        else:
            shutil.copyfile(source, target)
    text = (REPOSITORY / "study.yaml").read_text(encoding="utf-8")
    if city.size == "tiny":
        text = re.sub(r"^title: .*$", TINY_TITLE, text, count=1, flags=re.MULTILINE)
        text = re.sub(r"^  draws: \d+", "  draws: 200", text, count=1, flags=re.MULTILINE)
        text = text.rstrip("\n") + TINY_INPUTS
    (root / "study.yaml").write_text(text, encoding="utf-8")


def _register(folder: Path, city: City) -> None:
    """units, survey_frame, candidates and annex 1 follow from the city."""
    folder.mkdir(parents=True, exist_ok=True)
    units = [["unit", "level", "parent", "name", "code", "type", "group", "valid_from", "valid_to"]]
    units.append([CITY, "city", "", CITY, "530100", "", "", "", ""])
    units += [[d.name, "district", CITY, d.name, d.code, "", d.group, "", ""] for d in city.districts]
    group = {d.name: d.group for d in city.districts}
    for c in city.communities.itertuples():
        units.append(
            [c.unit, "community", c.district, c.name, c.code, c.type, group[str(c.district)], "", ""]
        )
    _csv(folder / "units.csv", units)
    frame: list[list[object]] = [["period", "unit", "stratum", "communities", "adults", "issued"]]
    for period in PERIODS:
        for c in city.communities.query("sampled").itertuples():
            frame.append([period, c.unit, c.stratum, c.in_stratum, c.adults, c.issued])
    _csv(folder / "survey_frame.csv", frame)
    applied: list[list[object]] = [["unit", "applied_on"]]
    for k, c in enumerate(city.candidates.itertuples()):
        month = "2019-07" if c.trial else "2019-10"
        applied.append([c.unit, f"{month}-{8 + k % 20:02d}"])
    _csv(folder / "candidates.csv", applied)
    offices.annex1(city, folder / "annex1.xlsx")


def _csv(path: Path, rows: list[Any]) -> None:
    lines = pd.DataFrame(rows[1:], columns=rows[0])
    lines.to_csv(path, index=False, lineterminator="\n")


def _period(
    folder: Path, city: City, period: str, codebook: dict[str, Any], margins: pd.DataFrame
) -> dict[Path, int]:
    """Every file of one quarter -> its rows of data. The experts' weights belong to the first quarter."""
    files = statistics.community_statistics(city, period, folder)
    files |= offices.department_table(city, period, folder)
    files |= residents.questionnaire(city, period, folder, codebook=codebook, margins=margins)
    if period == PERIODS[0]:
        files |= panels.ahp(city, folder)
        files |= panels.delphi(city, folder)
    files |= panels.ratings(city, period, folder)
    files |= panels.problems(city, period, folder)
    if city.size == "tiny":
        files |= panels.two_way(city, period, folder)
        files |= panels.lists(city, period, folder)
    return files


def _sources(root: Path, files: dict[str, dict[Path, int]]) -> None:
    """Where each raw file is from; all are fabricated and say so."""
    rows: list[list[object]] = [["file", "sha256", "received", "from", "licence", "rows"]]
    for period, written in files.items():
        for path, n in sorted(written.items()):
            name = path.relative_to(root).as_posix()
            sender = SENDERS[path.relative_to(root / "data/raw" / period).parts[0]]
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            licence = "MIT, fabricated by tools/sample_study.py"
            rows.append([name, digest, RECEIVED[period], f"{sender}(模拟)", licence, n])
    write_csv(root / "data/raw/SOURCES.csv", rows, encoding="utf-8", newline="\n")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument(
        "root", nargs="?", default=str(REPOSITORY), help="folder of the study (default: this repository)"
    )
    parser.add_argument("--size", choices=SIZES, default="kunming")
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args(arguments)
    if given.size == "tiny" and Path(given.root).resolve() == REPOSITORY:
        parser.error("the tiny study would overwrite this repository's study; name a folder")
    if given.seed < 0:
        parser.error(f"--seed must be a whole number >= 0, found {given.seed}")
    if Path(given.root).is_file():
        parser.error(f"{given.root} is a file; name a folder")
    print(write_study(given.root, size=given.size, seed=given.seed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
