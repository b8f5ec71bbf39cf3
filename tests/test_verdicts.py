"""Paper keyed twice inside a study, and links among the raw files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

import commlab as cl
from commlab.cli.checked import check_lines
from commlab.errors import DataError, StudyError
from commlab.study.config import read_config
from commlab.study.verdicts import DECIDED, read_disagreements

PERIOD = "2019Q4"
INPUT = """\
- name: paper
  label: {zh: 纸质问卷, en: paper questionnaires}
  files: "纸质问卷/{district}_一录*"
  second: "纸质问卷/{district}_二录*"
  verdict: "纸质问卷/{district}_裁定*"
  each: district
  required: false
  reader: responses
  codebook: paper
"""
BOOK = """\
instrument: paper
numbers: values
columns: {id: [编号]}
unit: {community: [社区]}
items:
  q_paper: {question: [办事服务], zh: 办事服务, en: service, options: {非常满意: 5, 满意: 4, 一般: 3, 不满意: 2, 非常不满意: 1}, dont_know: [说不清]}
"""
FOLDER = f"data/raw/{PERIOD}/纸质问卷"


@pytest.fixture(scope="module")
def paper_raw(tiny_raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with nothing but an input for paper, and its districts."""
    root = tmp_path_factory.mktemp("paper") / "study"
    shutil.copytree(tiny_raw, root, ignore=shutil.ignore_patterns("processed", "raw"))
    path = root / "study.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.index("inputs:")] + "inputs:\n" + INPUT, encoding="utf-8")
    (root / "data/register/codebooks/paper.yaml").write_text(BOOK, encoding="utf-8")
    (root / FOLDER).mkdir(parents=True)
    return root


@pytest.fixture
def paper(paper_raw: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(paper_raw, tmp_path / "study"))


def names(root: Path) -> tuple[str, list[str]]:
    units = cl.open_study(root).register.units
    district = units.loc[units["level"] == "district", "unit"].iloc[0]
    own = units[(units["level"] == "community") & (units["parent"] == district)]
    return district, own["name"].tolist()


def put(root: Path, name: str, answers: str) -> None:
    """A keying: ``number:answer`` a questionnaire, all of one community."""
    district, communities = names(root)
    rows = [
        f"{number},{communities[0]},{answer}" for number, answer in (a.split(":") for a in answers.split())
    ]
    text = "\n".join(["编号,社区,办事服务", *rows]) + "\n"
    (root / FOLDER / f"{district}_{name}.csv").write_text(text, encoding="utf-8")


def check(root: Path) -> tuple[cl.study.CheckResult, str, pd.Series]:
    study = cl.open_study(root)
    result = study.check([PERIOD])
    told = "\n".join(check_lines(study, result, [PERIOD], "zh"))
    clean = study.period(PERIOD).responses
    return result, told, clean["q_paper"].astype(object).where(clean["q_paper"].notna(), None)


def rules(result: cl.study.CheckResult) -> set[str]:
    return set(result.ledger["rule"])


def test_what_differs_is_listed_looked_up_and_kept(paper: Path) -> None:
    put(paper, "一录", "1:5 2:4 3:3 4:2")
    put(paper, "二录", "2:4 1:4 3:5 4:2")
    result, told, answers = check(paper)
    assert answers.tolist() == [None, 4, None, 2]
    listed = read_disagreements(paper, PERIOD)
    assert listed[["id", "question", "first", "second"]].values.tolist() == [
        ["1", "q_paper", "5", "4"],
        ["3", "q_paper", "3", "5"],
    ]
    assert "5 非常满意" in listed["options"][0] and listed["wording"][0] == "办事服务"
    assert "有2处不一致" in told and f"data/processed/{PERIOD}/disagreements.csv" in told
    row = result.table.iloc[0]
    assert (row["state"], row["files"], row["rows"]) == ("read", 2, 4)
    sources = pd.read_csv(paper / "data/raw/SOURCES.csv")
    assert sources["rows"].tolist() == [4, 4]
    assert all(f"{FOLDER}/" in s for s in cl.open_study(paper).period(PERIOD).responses["source"])
    path = paper / f"data/processed/{PERIOD}/disagreements.csv"
    listed.assign(verdict=["满意", None]).to_csv(path, index=False)
    result, told, answers = check(paper)
    assert result.decided == 1 and DECIDED in told and answers.tolist() == [4, 4, None, 2]
    listed = read_disagreements(paper, PERIOD)
    assert listed["id"].tolist() == ["3"]
    listed.assign(verdict="(空)").to_csv(path, index=False)
    result, told, answers = check(paper)
    assert answers.tolist() == [4, 4, None, 2] and not path.exists() and "处不一致" not in told
    # What was decided stays when everything that check made is gone.
    shutil.rmtree(paper / "data/processed")
    result, told, answers = check(paper)
    assert answers.tolist() == [4, 4, None, 2] and not path.exists() and not result.decided


@pytest.mark.parametrize("listed", [True, False])
def test_a_verdict_file_of_the_office_settles(paper: Path, listed: bool) -> None:
    put(paper, "一录", "1:5 2:4 3:3")
    put(paper, "二录", "1:4 2:4 3:5")
    if listed:
        path = paper / FOLDER / f"{names(paper)[0]}_裁定.csv"
        path.write_text("id,question,verdict\n1,q_paper,4\n3,q_paper,\n", encoding="utf-8")
    else:
        put(paper, "裁定", "1:4 3:1")
    result, _told, answers = check(paper)
    assert answers.tolist() == [4, 4, None]
    assert read_disagreements(paper, PERIOD)["id"].tolist() == ["3"]
    assert not rules(result) & {"unclaimed file", "unreadable file"} and result.table["files"].iloc[0] == 3


def test_a_verdict_that_is_no_option_is_refused_by_line_and_nothing_is_taken(paper: Path) -> None:
    put(paper, "一录", "1:5 2:4 3:3")
    put(paper, "二录", "1:4 2:4 3:5")
    check(paper)
    path = paper / f"data/processed/{PERIOD}/disagreements.csv"
    read_disagreements(paper, PERIOD).assign(verdict=["9", "满意"]).to_csv(path, index=False)
    with pytest.raises(
        DataError, match=r"disagreements\.csv: line 2: “9” is neither a code nor an option of q_paper"
    ):
        check(paper)
    assert not (paper / DECIDED).exists()


def test_a_new_quarter_expects_both_keyings(paper: Path) -> None:
    from commlab.cli.new import expected

    assert [row[0].strip() for row in expected(cl.open_study(paper))] == [
        "纸质问卷/{district}_一录*",
        "纸质问卷/{district}_二录*",
    ]


def test_one_keying_alone_is_told(paper: Path) -> None:
    put(paper, "一录", "1:5 2:4")
    result, told, answers = check(paper)
    assert answers.tolist() == [5, 4] and "只录入了一次（2份）" in told
    line = result.ledger[result.ledger["rule"] == "no second entry"].iloc[0]
    assert (line["severity"], line["n"]) == ("warning", 2)
    shutil.move(
        paper / FOLDER / f"{names(paper)[0]}_一录.csv", paper / FOLDER / f"{names(paper)[0]}_二录.csv"
    )
    study = cl.open_study(paper)
    result = study.check([PERIOD])
    assert "second entry alone" in rules(result) and result.exit_code == 1
    assert result.table["state"].iloc[0] == "failed"


def test_keyings_that_cannot_be_told_apart_are_not_read(paper: Path) -> None:
    for name in ("一录a", "一录b", "二录a", "二录b"):
        put(paper, name, "1:5 2:4")
    study = cl.open_study(paper)
    result = study.check([PERIOD])
    mine = result.ledger[result.ledger["rule"] == "entries not told apart"]
    assert len(mine) == 2 and "responses" not in study.period(PERIOD).folder.tables()


def test_a_fault_is_told_of_the_keying_that_has_it(paper: Path) -> None:
    put(paper, "一录", "1:5 2:4")
    put(paper, "二录", "1:5 1:4")
    result = cl.open_study(paper).check([PERIOD])
    line = result.ledger[result.ledger["severity"] == "error"].iloc[0]
    assert line["file"].endswith("_二录.csv") and "holds the same number 2 times" in line["message"]


def test_a_wrong_verdict_of_the_office_is_told_of_its_file(paper: Path) -> None:
    put(paper, "一录", "1:5 2:4")
    put(paper, "二录", "1:4 2:4")
    path = paper / FOLDER / f"{names(paper)[0]}_裁定.csv"
    path.write_text("id,question,verdict\n1,q_paper,很好\n", encoding="utf-8")
    study = cl.open_study(paper)
    result = study.check([PERIOD])
    line = result.ledger[result.ledger["severity"] == "error"].iloc[0]
    assert (
        line["file"].endswith("_裁定.csv")
        and "1 verdicts are neither a code nor an option" in line["message"]
    )
    assert result.table["files"].iloc[0] == 3 and result.table["state"].iloc[0] == "failed"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("{district}_二录*", "二录*", "second needs the placeholders of files"),
        ("{district}_二录*", "{district}_一录*", "the pattern of files again"),
        ('  second: "纸质问卷/{district}_二录*"\n', "", "verdict needs second"),
        ("reader: responses", "reader: ratings", "second is for questionnaires"),
        ('"纸质问卷/{district}_裁定*"', "[a]", "verdict is a pattern like files"),
    ],
)
def test_faults_of_the_patterns_are_named(
    paper_raw: Path, tmp_path: Path, old: str, new: str, told: str
) -> None:
    text = (paper_raw / "study.yaml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "study.yaml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(StudyError, match=told):
        read_config(tmp_path)


def test_links_out_of_the_study_are_not_followed(paper: Path, tmp_path: Path) -> None:
    put(paper, "一录", "1:5 2:4")
    put(paper, "二录", "1:5 2:4")
    district, _ = names(paper)
    other = tmp_path / "secret.csv"
    shutil.copy(paper / FOLDER / f"{district}_一录.csv", other)
    inside = paper / "data/register/inside.csv"
    shutil.move(paper / FOLDER / f"{district}_二录.csv", inside)
    os.symlink(inside, paper / FOLDER / f"{district}_二录.csv")
    for name, target in (("裁定", other), ("裁定2", tmp_path / "nothing.csv"), ("裁定3", tmp_path)):
        os.symlink(target, paper / FOLDER / f"{district}_{name}.csv")
    result, told, answers = check(paper)
    lines = result.ledger[result.ledger["rule"] == "link not followed"]
    assert len(lines) == 3 and set(lines["severity"]) == {"error"} and "没有打开" in told
    assert answers.tolist() == [5, 4] and "no second entry" not in rules(result)
    os.remove(paper / FOLDER / f"{district}_裁定.csv")
    assert (check(paper)[0].ledger["rule"] == "link not followed").sum() == 2
