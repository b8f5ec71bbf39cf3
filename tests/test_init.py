"""``commlab init``: a folder that works when empty, when filled in, and from a wheel far from the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

import commlab as cl
from commlab import batch, cli
from commlab.cli.init import init_study, templates
from commlab.cli.new import new_period
from commlab.errors import ParameterError, StudyError
from commlab.report import chapters

PERIOD = "2026Q4"
ANSWERS = ["非常满意", "满意", "一般", "不满意", "非常不满意", "说不清"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study in a folder with a space and Chinese characters, nothing sent."""
    root = tmp_path_factory.mktemp("new") / "我的 研究"
    assert cli.main(["init", str(root), "--period", PERIOD]) == 0
    return root


@pytest.fixture(scope="module")
def filled(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same study after every office has answered."""
    root = tmp_path_factory.mktemp("filled") / made.name
    shutil.copytree(made, root)
    answer(root)
    return root


def answer(root: Path) -> None:
    """Fill in every number of the forms; a questionnaire that asks for the district only."""
    raw = root / "data/raw" / PERIOD
    forms = root / "forms" / PERIOD
    for form in forms.rglob("*.xlsx"):
        book = openpyxl.load_workbook(form)
        sheet = book.worksheets[0]
        for rule in sheet.data_validations.dataValidation:
            for part in rule.sqref.ranges:
                for row in range(part.min_row, part.max_row + 1):
                    for column in range(part.min_col, part.max_col + 1):
                        sheet.cell(row, column).value = 20 + row + column
        target = raw / str(form.relative_to(forms)).replace("（姓名）", "王专家")
        target.parent.mkdir(parents=True, exist_ok=True)
        book.save(target)
    n, districts = 240, ["东区", "西区", "南 区"]
    rows = {
        "序号": range(1, n + 1),
        "1、您所在的县(市、区)": [districts[i % 3] for i in range(n)],
        "2、您的性别": ["男" if i % 7 < 3 else "女" for i in range(n)],
        "3、您的年龄": ["35-44岁" if i % 2 else "65岁及以上" for i in range(n)],
    }
    questions = (
        "4、您对社区治理的总体评价",
        "5、您对社区办事服务的评价",
        "6、您对社区环境卫生的评价",
        "7、您对社区治安的评价",
    )
    for k, question in enumerate(questions):
        rows[question] = [ANSWERS[(i * i // (k + 2) + i // 5) % len(ANSWERS)] for i in range(n)]
    # One question is of seven points: standards may join scales of different length.
    rows[questions[-1]] = [i % 7 + 1 for i in range(n)]
    book = root / "data/register/codebooks/resident.yaml"
    words = "治安, en: public safety, options: satisfied, dont_know: [说不清]"
    assert words in book.read_text(encoding="utf-8")
    given = book.read_text(encoding="utf-8").replace(words, "治安, en: public safety, scale: [1, 7]")
    book.write_text(given + "numbers: values\n", encoding="utf-8")
    (raw / "居民问卷").mkdir()
    pd.DataFrame(rows).to_excel(raw / "居民问卷/导出.xlsx", index=False)


def test_a_new_study_has_what_its_readme_names(made: Path) -> None:
    study = cl.open_study(made)
    assert study.periods == (PERIOD,) and not study.sample
    assert {p.rule for c in study.framework.leaves for p in study.framework.parts(c)} == {
        "judged", "threshold", "rate", "survey",
    }  # fmt: skip
    for name in (
        "framework.yaml",
        "notebooks/00-explore.ipynb",
        f"data/raw/{PERIOD}",
        "data/register/review.csv",
    ):
        assert (made / name).exists(), name
    assert {p.name for p in (made / "forms").rglob("*.xlsx")} == {
        "（姓名）.xlsx",
        "东区.xlsx",
        "西区.xlsx",
        "南区.xlsx",
    }
    texts = [p.read_text(encoding="utf-8") for p in made.rglob("*") if p.suffix in (".yaml", ".md", ".ipynb")]
    assert len(texts) == 5 and not any("{PERIOD}" in t or "2019Q4" in t for t in texts)


def test_an_empty_study_is_told_what_is_outstanding(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "--study", str(made)]) == 1
    told = capsys.readouterr()
    assert "东区、西区、南区" in told.out and told.err == f"{PERIOD}：正在检查\n"
    for command in ("report", "status"):
        assert cli.main([command, "--study", str(made)]) == 2
        assert "no district that can be reported: nothing was sent" in capsys.readouterr().err


def test_a_study_that_was_filled_in_makes_its_reports(filled: Path) -> None:
    assert cl.open_study(filled).check().exit_code == 0
    period = cl.open_study(filled).period()
    result = batch.run(period, units=["东区", "methods"], formats=("html",), workers=2)
    assert result.exit_code == 0, result.statuses[["name", "why"]].to_string()
    scores = period.scores()
    assert scores["score"].notna().all() and len(period.ranks()) == 3
    assert set(period.satisfaction(by="district")["district"]) == {"东区", "西区", "南区"}
    assert period.satisfaction(by="community").empty, "the questionnaire asked for districts"
    assert "王专家" in str(period.trace("东区", "A2.2"))


FLAT = """
name: flat
title: {zh: 两级体系}
metrics:
  social_org_n: {zh: 社会组织, unit: 个, kind: stock, level: community}
nodes:
- code: A
  zh: 全部
  weight: 1
  children:
  - {code: A1, zh: 社会组织, weight: 0.75, parts: [{rule: threshold, metric: social_org_n, statistic: mean, op: ">=", target: 90, graded: true}]}
  - {code: A2, zh: 办事服务, weight: 0.25, parts: [{rule: survey, items: [q_service], statistic: index, denominator: substantive, min_n: 10}]}
"""


def test_a_framework_of_two_levels_without_source_or_english_makes_reports(
    filled: Path, tmp_path: Path
) -> None:
    root = tmp_path / "study"
    shutil.copytree(filled, root, ignore=shutil.ignore_patterns("processed", "reports", "figures"))
    (root / "framework.yaml").write_text(FLAT, encoding="utf-8")
    study = cl.open_study(root)
    study.check()
    study.period().build()
    report = chapters.open_report(root, PERIOD, "东区", "zh")
    assert ("考评体系", "两级体系") in chapters.cover(report).facts
    made = [f(report) for f in (chapters.summary, chapters.method, chapters.indicators, chapters.weak_points)]
    told = "".join(map(repr, made))
    assert "考评标准2项" in told and "A1 社会组织" in told
    chapters.districts(chapters.open_report(root, PERIOD, None, "en"))


@pytest.mark.parametrize(
    ("there", "options", "error", "told"),
    [
        ("a file in it", {}, StudyError, "is not empty; name a folder"),
        ("a file", {}, StudyError, "is a file; name a folder"),
        (
            None,
            {"template": "kunming"},
            ParameterError,
            "no template is called 'kunming'; there is changning, starter",
        ),
        (None, {"template": "../starter"}, ParameterError, "no template is called"),
        (None, {"period": "2026-4"}, ParameterError, "is not a period; write 2019"),
    ],
)
def test_what_is_refused_leaves_nothing_behind(
    tmp_path: Path, there: str | None, options: dict[str, str], error: type[Exception], told: str
) -> None:
    target = tmp_path / "x"
    if there == "a file":
        target.write_text("mine")
    elif there:
        target.mkdir()
        (target / "mine.txt").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(error, match=told.replace("(", r"\(")):
        init_study(target, **{"period": PERIOD, **options})
    assert sorted(tmp_path.rglob("*")) == before


def test_a_codebook_is_drafted_into_the_study_and_never_written_over(
    filled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export, study = str(filled / f"data/raw/{PERIOD}/居民问卷/导出.xlsx"), ["--study", str(filled)]
    assert cli.main(["codebook", export]) == 0
    assert "question: 5、您对社区办事服务的评价" in capsys.readouterr().out
    assert cli.main(["codebook", export, "--save", "resident", *study]) == 2
    assert "resident.yaml is there already" in capsys.readouterr().err
    for name in ("../other", "", "a/b"):
        assert cli.main(["codebook", export, "--save", name, *study]) == 2
        assert "letters, digits" in capsys.readouterr().err
    assert cli.main(["codebook", export, "--save", "draft", *study]) == 0
    assert "guesses are marked with ?" in capsys.readouterr().out
    made = filled / "data/register/codebooks/draft.yaml"
    assert "instrument: draft\n" in made.read_text(encoding="utf-8")
    made.unlink()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StudyError, match="cannot be made"):
        init_study(tmp_path / "file" / "study", period=PERIOD)


def test_every_template_makes_a_study_that_opens(tmp_path: Path) -> None:
    for name in templates():
        init_study(tmp_path / name, template=name, period="2025H1")
        study = cl.open_study(tmp_path / name)
        assert study.framework.leaves and study.register.districts and study.period("2025H1")


def test_a_framework_beside_the_study_wins_over_one_where_the_command_was_typed(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "framework.yaml").write_text("name: other", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert cl.open_study(made).framework.name == "starter"


def test_the_wheel_runs_outside_the_repository(repository: Path, tmp_path: Path, tiny: Path) -> None:
    source = tmp_path / "source"
    kept = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    for name in ("commlab", "notebooks"):
        shutil.copytree(repository / name, source / name, ignore=kept)
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(repository / name, source / name)
    build = [sys.executable, "-m", "pip", "wheel", ".", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", str(tmp_path)], cwd=source, check=True, capture_output=True)
    installed = tmp_path / "installed"
    with zipfile.ZipFile(next(tmp_path.glob("commlab-*.whl"))) as wheel:
        wheel.extractall(installed)
    for folder in ("frameworks", "locale", "templates", "report/assets"):
        here, there = repository / "commlab" / folder, installed / "commlab" / folder
        assert {
            p.relative_to(here) for p in here.rglob("*") if p.is_file() and "__pycache__" not in p.parts
        } == {
            p.relative_to(there) for p in there.rglob("*") if p.is_file() and "__pycache__" not in p.parts
        }, folder
    place = tmp_path / "elsewhere"
    place.mkdir()

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        told = os.environ | {"PYTHONPATH": str(installed), "PYTHONUTF8": "1"}
        command = [sys.executable, "-P", *arguments]
        return subprocess.run(command, cwd=place, env=told, capture_output=True, text=True)

    assert str(installed) in run("-c", "import commlab; print(commlab.__file__)").stdout
    assert run("-m", "commlab", "init", "我的 研究 (with space)").returncode == 0
    looked = run("-m", "commlab", "doctor", "--study", "我的 研究 (with space)")
    assert "60-city-overview.ipynb" in looked.stdout and "!!  notebooks" not in looked.stdout
    checked = run("-m", "commlab", "check", "--study", "我的 研究 (with space)")
    assert checked.returncode == 1 and "Traceback" not in checked.stderr
    ask = "import sys; import commlab as cl; from commlab.report.explorer import Explorer; "
    ask += "e = Explorer(cl.open_study(sys.argv[1])); e.box.children; print(cl.__file__, len(e.table))"
    asked = run("-c", ask, str(tiny))
    assert asked.returncode == 0 and asked.stdout.startswith(str(installed)), asked.stderr
    assert int(asked.stdout.split()[-1]) > 0


def test_a_study_as_windows_editors_save_it(tmp_path: Path) -> None:
    root = tmp_path / "我的 研究\\甲 (2)"
    init_study(root, template="starter", period="2026Q4")
    for path in (root / "study.yaml", root / "framework.yaml", *(root / "data" / "register").glob("*.csv")):
        text = path.read_text(encoding="utf-8-sig")
        path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode("utf-8"))
    study = cl.open_study(root)
    assert study.framework.name == "starter" and study.register.units.columns[0] == "unit"
    assert study.check().table["state"].eq("outstanding").all()
    before = (root / "study.yaml").read_bytes()
    new_period(root, "2027Q1")
    after = (root / "study.yaml").read_bytes()
    assert after == before.replace(b"2026Q4]", b"2026Q4, 2027Q1]") and after.count(b"\r\n") > 10
    assert cl.open_study(root).periods == ("2026Q4", "2027Q1")
