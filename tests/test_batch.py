"""batch: what is due, running it, what is left behind when something fails. A fake period, real notebooks."""

from __future__ import annotations

import difflib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from commlab import batch, store
from commlab.batch import jobs as jobs_module
from commlab.batch import runners, running
from commlab.batch import warm as warming
from commlab.batch.engine.client import Zygote, available
from commlab.batch.notebooks import check_parameters, clean, find_notebook, read_parameters
from commlab.batch.progress import Progress, Silent
from commlab.errors import ParameterError, StudyError
from commlab.report import overview

forks = pytest.mark.skipif(not available(), reason="the fork engine is for Linux; kernels are used elsewhere")

IMPORTS = {"cells": ("pandas",), "html": ("commlab.report.press", "commlab.report.html")}
DISTRICTS = ("五华区", "盘龙区", "东川区")
PARAMETERS = 'study = "."  # folder\nperiod = "2019Q4"\nlanguage = "zh"'
WORK = """from pathlib import Path
note = Path("notes", f"{who}.txt")
text = note.read_text(encoding="utf-8") if note.exists() else "一切正常"
if text.startswith("raise"):
    raise ValueError(f"{note}: cell B7: {text}")
exec(text.removeprefix("do ")) if text.startswith("do ") else None"""
SHOW = """from commlab.report import Cover, Section
Cover(f"{who} {period}", language=language)"""
TELL = 'Section("结果", 1, [text])'


def write_notebook(path: Path, *cells: str) -> None:
    nb = new_notebook(cells=[new_code_cell(c) for c in cells])
    nb.cells[0].metadata["tags"] = ["parameters"]
    nb.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(nb), encoding="utf-8")


READERS = tuple(SimpleNamespace(reader=r) for r in ("judgments", "responses"))


class FakePeriod:
    """As much of a period as the batch asks for."""

    def __init__(self, root: Path) -> None:
        self.name = "2019Q4"
        self.study: Any = SimpleNamespace(
            root=root,
            config=SimpleNamespace(language="zh", city="昆明市", inputs=READERS),
            register=SimpleNamespace(districts=DISTRICTS),
            periods=(),
            district=self.district,
        )
        self.outstanding: dict[str, str] = {}
        self.failed: dict[str, str] = {}
        self.reads = {unit: {"scores": "1"} for unit in ("昆明市", *DISTRICTS)}

    def district(self, name: str) -> str:
        if name in DISTRICTS:
            return name
        near = difflib.get_close_matches(name, DISTRICTS, n=1, cutoff=0.3)
        raise ParameterError(f"district {name!r} is not in the register; did you mean {near}?")

    def build(self) -> None:
        pass

    def report_inputs(self, unit: str) -> dict[str, str]:
        return self.reads[unit]


@pytest.fixture
def period(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePeriod:
    root = tmp_path / "study"
    district = f'{PARAMETERS}\ndistrict = "五华区"'
    write_notebook(root / "notebooks/50-district-report.ipynb", district, "who = district", WORK, SHOW, TELL)
    write_notebook(root / "notebooks/60-city-overview.ipynb", PARAMETERS, "who = 'city'", WORK, SHOW, TELL)
    for name in ("00-explore", "10-intake", "20-weights", "30-satisfaction", "40-scores"):
        write_notebook(root / f"notebooks/{name}.ipynb", PARAMETERS, "who = 'method'", WORK, SHOW, TELL)
    (root / "study.yaml").write_text("study: 1\n")

    def index(period: Any, statuses: pd.DataFrame, path: Path, *, language: str) -> None:
        store.write_text(path, statuses.to_csv(index=False))

    monkeypatch.setattr(overview, "index", index)
    monkeypatch.setattr(warming, "IMPORTS", IMPORTS)
    # The library is being hashed as it is at one moment: its files may change while tests of other parts run.
    code = jobs_module._common_inputs(root, store.HashCache(tmp_path / "h.json"))
    monkeypatch.setattr(jobs_module, "_common_inputs", lambda root, cache: dict(code))
    return FakePeriod(root)


@pytest.fixture(scope="module")
def warm() -> Iterator[Zygote]:
    """One warm process for all tests of this file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warming, "IMPORTS", IMPORTS)
        one = warming.warm_process(["html"])
    with one:
        one.wait_ready()
        yield one


@pytest.fixture
def lend(warm: Zygote, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every run fork from the same warm process instead of starting its own."""

    class Lent(runners.ForkRunner):
        def close(self, *, kill: bool = False) -> None:
            self.threads.shutdown(wait=True, cancel_futures=True)

    monkeypatch.setattr(runners, "ForkRunner", Lent)
    monkeypatch.setattr(runners, "warm_process", lambda formats: warm)


def run(period: FakePeriod, **options: Any) -> running.RunResult:
    return batch.run(period, **{"formats": ["html"], "progress": Silent(), "units": [*DISTRICTS], **options})  # type: ignore[arg-type]


def states(result: running.RunResult) -> dict[str, str]:
    return dict(zip(result.statuses["name"], result.statuses["state"], strict=True))


def note(period: FakePeriod, unit: str, text: str) -> None:
    path = period.study.root / "notes" / f"{unit}.txt"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


def folder(period: FakePeriod, unit: str) -> Path:
    return Path(period.study.root) / "reports" / "2019Q4" / unit


# ------------------------------------------------------------------------------------------- parameters cell
@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("x = open('y')", "needs literals, found `x = open\\('y'\\)`"),
        ("import os", "may only hold lines `name = literal`, found `import os`"),
        ("a = b = 1", "may only hold lines"),
        ("a.b = 1", "may only hold lines"),
        ("x = (", "is not Python \\(line 1"),
    ],
)
def test_a_parameters_cell_holds_literals_only(tmp_path: Path, cell: str, says: str) -> None:
    write_notebook(tmp_path / "n.ipynb", cell)
    with pytest.raises(StudyError, match=says):
        read_parameters(tmp_path / "n.ipynb")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cells": 3}', '{"cells": []}', '{"cells": [[]]}'])
def test_what_is_no_notebook_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "n.ipynb").write_text(text)
    with pytest.raises(StudyError, match=r"n\.ipynb: (cannot be read as a notebook|needs exactly one cell)"):
        read_parameters(tmp_path / "n.ipynb")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"distrct": "五华区"}, 'no parameter "distrct" \\(did you mean "district"\\?\\)'),
        ({"district": 5}, "parameter \"district\" must be like '五华区', found 5"),
        ({"n": True}, 'parameter "n" must be like 3, found True'),
        ({"n": "3"}, 'parameter "n" must be like 3'),
        ({"district": object()}, 'parameter "district" must be a JSON literal, found object'),
        ({"perod": 1, "n": "x"}, 'no parameter "perod".*; parameter "n" must'),
    ],
)
def test_parameters_are_checked_all_at_once(tmp_path: Path, given: dict[str, Any], says: str) -> None:
    write_notebook(
        tmp_path / "n.ipynb", 'district = "五华区"\nn: int = 3  # how many\nx = 1.5\nlater = None\nmore = []'
    )
    check_parameters(tmp_path / "n.ipynb", {"district": "a", "n": 1, "x": 2, "later": "z", "more": [1]})
    with pytest.raises(ParameterError, match=says):
        check_parameters(tmp_path / "n.ipynb", given)


def test_a_study_s_own_notebook_comes_before_the_repository_s(tmp_path: Path) -> None:
    assert find_notebook(tmp_path, "50-district-report").parent.name == "notebooks"
    write_notebook(tmp_path / "notebooks/50-district-report.ipynb", "x = 1")
    assert find_notebook(tmp_path, "50-district-report") == tmp_path / "notebooks/50-district-report.ipynb"
    with pytest.raises(StudyError, match=r"notebooks/99-none\.ipynb is missing"):
        find_notebook(tmp_path, "99-none")


def test_cleaning_twice_is_cleaning_once_and_keeps_no_clock() -> None:
    nb = new_notebook(
        cells=[
            new_code_cell(
                "x = 1", metadata={"tags": ["injected-parameters"], "papermill": {"start_time": "2019"}}
            )
        ]
    )
    nb.metadata["papermill"] = {"start_time": "2019-01-01"}
    nb.cells[0].outputs = [
        nbformat.v4.new_output("stream", name=n, text=t)
        for n, t in [
            ("stderr", "/run/ipykernel_12/345.py:1: W"),
            ("stdout", "a"),
            ("stderr", "b"),
            ("stdout", "c"),
        ]
    ]
    once = clean(nb, {"district": "五华区", "n": 1})
    assert clean(once, {"district": "五华区", "n": 1}) == once
    assert once.cells[0].source == "# Parameters\ndistrict = '五华区'\nn = 1"
    assert [(o.name, o.text) for o in once.cells[0].outputs] == [
        ("stdout", "ac"),
        ("stderr", "cell-345.py:1: Wb"),
    ]
    assert "papermill" not in json.dumps(once) and once.cells[0].id == "cell-01"
    nbformat.validate(once)


def test_cleaning_takes_time_in_proportion() -> None:
    picture = "iVBOR/" * 200_000  # one word of a million characters, many slashes
    shown = nbformat.v4.new_output("display_data", data={"image/png": picture})
    told = nbformat.v4.new_output("stream", text="/run/ipykernel_12/345.py:1: W")
    nb = new_notebook(cells=[new_code_cell("x", outputs=[shown, told])])
    start = time.process_time()
    assert clean(nb, {}).cells[0].outputs[1].text == "cell-345.py:1: W"
    assert time.process_time() - start < 2


# ------------------------------------------------------------------------------------------------------ plan
def test_the_plan_of_a_period(period: FakePeriod) -> None:
    plan = batch.plan(period)  # type: ignore[arg-type]
    methods = [
        f"methods/{n}" for n in ("00-explore", "10-intake", "20-weights", "30-satisfaction", "40-scores")
    ]
    assert [j.name for j in plan] == ["city", *DISTRICTS, *methods]
    assert {j.state for j in plan} == {"missing"}
    assert plan[1].parameters == {"study": ".", "period": "2019Q4", "district": "五华区", "language": "zh"}
    assert plan[0].formats == ("html", "docx", "pdf", "xlsx") and plan[-1].formats == ("html",)
    assert {j.stem: j.formats for j in plan}["20-weights"] == ("html", "docx", "pdf", "xlsx")
    assert len({j.fingerprint for j in plan}) == len(plan)
    assert plan[-1].file("report", "html") == "40-scores.html"
    assert not (Path(period.study.root) / "reports").exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"units": ["五华"]}, "district '五华' is not in the register.*五华区.*or city, or methods"),
        ({"units": ["五华区", "x", "y"]}, "'x' is not.*'y' is not"),
        ({"formats": ["html", "doc"]}, "unknown format doc; known: html, docx, pdf, xlsx"),
        ({"language": "fr"}, "language is zh or en, found 'fr'"),
        ({"units": ["五华区"], "parameters": {"distrct": 1}}, 'did you mean "district"'),
        ({"units": ["五华区"], "parameters": {"district": 1}}, "must be like"),
        (
            {"parameters": {"district": "五华区"}},
            'has no parameter "district"; it has study, period, language',
        ),
    ],
)
def test_a_wrong_request_is_refused_before_anything_runs(
    period: FakePeriod, options: dict[str, Any], says: str
) -> None:
    with pytest.raises(ParameterError, match=says):
        batch.plan(period, **options)  # type: ignore[arg-type]
    with pytest.raises(ParameterError):
        batch.run(period, progress=Silent(), **options)  # type: ignore[arg-type]
    assert not folder(period, "五华区").exists()


@pytest.mark.parametrize(
    ("options", "says"), [({"workers": 0}, "at least 1"), ({"engine": "x"}, "fork or kernel")]
)
def test_a_wrong_way_of_running_is_refused(period: FakePeriod, options: dict[str, Any], says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        run(period, **options)


# ------------------------------------------------------------------------------------------------------- run
@forks
@pytest.mark.usefixtures("lend")
def test_a_run_makes_what_is_due_and_nothing_else(period: FakePeriod) -> None:
    first = run(period, units=None)
    assert first.exit_code == 0 and set(states(first).values()) == {"done"}
    assert first.coverage == (3, 3)
    names = sorted(p.name for p in folder(period, "五华区").iterdir())
    assert names == ["manifest.json", "report.html", "report.ipynb"]
    assert "一切正常" in (folder(period, "五华区") / "report.html").read_text(encoding="utf-8")
    assert {"10-intake.html", "10-intake.ipynb", "10-intake.manifest.json"} <= {
        p.name for p in folder(period, "methods").iterdir()
    }
    manifest = store.read_json(folder(period, "五华区") / "manifest.json")
    html = "reports/2019Q4/五华区/report.html"
    assert manifest["outputs"][html] == store.file_hash(period.study.root / html)
    assert manifest["parameters"]["district"] == "五华区" and "pandas" in manifest["versions"]
    assert set(batch.status(period, formats=["html"])["state"]) == {"fresh"}  # type: ignore[arg-type]
    before = {
        p: p.stat().st_mtime_ns for p in folder(period, "").rglob("*.*") if p.suffix in (".html", ".ipynb")
    }
    again = run(period, units=None)
    assert set(states(again).values()) == {"fresh"}
    assert before == {p: p.stat().st_mtime_ns for p in before}
    # Something that one report reads has changed, then something that all depend on.
    period.reads["盘龙区"] = {"scores": "2"}
    found = batch.status(period, formats=["html"]).set_index("name")  # type: ignore[arg-type]
    assert found.loc["盘龙区", ["state", "why"]].tolist() == ["stale", "changed: result:scores"]
    assert (found["state"] == "stale").sum() == 1
    assert [n for n, s in states(run(period, units=None)).items() if s == "done"] == ["盘龙区"]
    assert set(states(run(period, force=True)).values()) == {"done"}
    notebook = period.study.root / "notebooks/50-district-report.ipynb"
    notebook.write_text(notebook.read_text(encoding="utf-8") + " ", encoding="utf-8")
    why = batch.status(period, formats=["html"]).set_index("name")["why"]  # type: ignore[arg-type]
    assert why["东川区"] == "changed: notebook:50-district-report.ipynb" and why["city"] == ""


@forks
@pytest.mark.usefixtures("lend")
def test_what_was_touched_is_not_fresh(period: FakePeriod) -> None:
    run(period)
    (folder(period, "五华区") / "report.html").write_text("mine")
    (folder(period, "盘龙区") / "report.ipynb").unlink()
    (folder(period, "东川区") / "manifest.json").write_text("{")
    found = batch.status(period, units=DISTRICTS, formats=["html"])  # type: ignore[arg-type]
    assert found["why"].tolist() == [
        "reports/2019Q4/五华区/report.html was changed by hand",
        "reports/2019Q4/盘龙区/report.ipynb is gone",
        "manifest.json is damaged",
    ]
    found = batch.status(period, units=["city", "五华区"], formats=["docx"])  # type: ignore[arg-type]
    assert found["why"].tolist() == ["has not been made", "was not made as docx"]
    assert set(states(run(period)).values()) == {"done"}


@forks
@pytest.mark.usefixtures("lend")
def test_a_failed_report_leaves_the_others_alone_and_does_not_look_fresh(period: FakePeriod) -> None:
    run(period)
    note(period, "盘龙区", "raise: letters for scores")
    result = run(period, force=True)
    assert states(result) == {"五华区": "done", "盘龙区": "failed", "东川区": "done"}
    assert result.exit_code == 1 and result.coverage == (2, 3)
    why = result.failed["why"].item()
    assert (
        why.startswith("ValueError: notes/盘龙区.txt: cell B7: raise")
        and "50-district-report.ipynb, cell 4" in why
    )
    home = folder(period, "盘龙区")
    assert sorted(p.name for p in home.iterdir()) == ["FAILED.txt", "outdated", "report.failed.ipynb"]
    assert (home / "FAILED.txt").read_text(encoding="utf-8").splitlines()[0] == why
    assert sorted(p.name for p in (home / "outdated").iterdir()) == ["report.html", "report.ipynb"]
    assert "ValueError" in (home / "report.failed.ipynb").read_text(encoding="utf-8")
    assert "盘龙区,盘龙区,district,zh,failed" in (folder(period, "") / "index.html").read_text(
        encoding="utf-8"
    )
    assert batch.status(period, units=["盘龙区"])["state"].tolist() == ["failed"]  # type: ignore[arg-type]
    assert "ValueError" in (folder(period, "") / "run.log").read_text(encoding="utf-8")
    note(period, "盘龙区", "修好了")
    assert states(run(period)) == {"五华区": "fresh", "盘龙区": "done", "东川区": "fresh"}
    assert sorted(p.name for p in home.iterdir()) == ["manifest.json", "report.html", "report.ipynb"]


@forks
@pytest.mark.usefixtures("lend")
def test_a_district_that_cannot_be_reported_counts_as_failed(period: FakePeriod) -> None:
    run(period)
    period.outstanding = {"东川区": "community statistics"}
    period.failed = {"盘龙区": "data/raw/2019Q4/评分表/盘龙区.xlsx [评分] C7: not a number"}
    result = run(period)
    assert states(result) == {"五华区": "fresh", "盘龙区": "failed", "东川区": "failed"}
    assert result.failed["why"].tolist() == [period.failed["盘龙区"], "outstanding: community statistics"]
    assert result.exit_code == 1
    assert not (folder(period, "东川区") / "report.html").exists()
    assert (folder(period, "东川区") / "outdated" / "report.html").exists()
    period.outstanding = {}
    assert states(run(period))["东川区"] == "done"


@forks
@pytest.mark.usefixtures("lend")
def test_an_export_that_fails_fails_its_report(period: FakePeriod) -> None:
    note(period, "盘龙区", "do SHOWN = [globals().__setitem__('Cover', lambda *a, **k: None)]")
    nb = period.study.root / "notebooks/50-district-report.ipynb"
    write_notebook(
        nb,
        f'{PARAMETERS}\ndistrict = "五华区"',
        "who = district",
        "district == '盘龙区' or None",
        SHOW.replace("Cover(", "district != '盘龙区' and Cover("),
    )
    result = run(period)
    assert states(result) == {"五华区": "done", "盘龙区": "failed", "东川区": "done"}
    assert result.failed["why"].item().startswith("DataError: ") and "(export)" in result.failed["why"].item()


class Impatient(Silent):
    """Presses Ctrl-C when the first report has ended."""

    def end(self, name: str, state: str, why: str = "", seconds: float = 0.0, detail: str = "") -> None:
        raise KeyboardInterrupt


@forks
@pytest.mark.usefixtures("lend")
def test_an_interrupted_run_goes_on_where_it_stopped(period: FakePeriod) -> None:
    result = run(period, workers=1, progress=Impatient())
    assert result.interrupted and result.exit_code == 130
    assert list(states(result).values()) == ["done", "missing", "missing"]
    assert not (folder(period, ".work")).exists()
    assert list(states(run(period)).values()) == ["fresh", "done", "done"]


@forks
@pytest.mark.usefixtures("lend")
def test_only_faults_of_the_machinery_are_tried_again(period: FakePeriod) -> None:
    once = "do import os; p = Path('killed'); n = p.exists(); p.touch(); n or os.kill(os.getpid(), 9)"
    note(period, "五华区", once)
    note(period, "盘龙区", "do import os; os.kill(os.getpid(), 9)")
    note(period, "东川区", "do f = open('tries', 'a'); f.write('x'); f.close(); 1/0")
    result = run(period)
    assert states(result) == {"五华区": "done", "盘龙区": "failed", "东川区": "failed"}
    assert "killed by SIGKILL" in result.failed["why"].tolist()[0]
    assert (period.study.root / "tries").read_text() == "x"


@pytest.mark.slow
@forks
def test_a_run_survives_the_death_of_the_process_it_forks_from(period: FakePeriod) -> None:
    once = "do import os; p = Path('killed'); n = p.exists(); p.touch(); n or os.kill(os.getppid(), 9)"
    note(period, "五华区", once)
    result = run(period)
    assert set(states(result).values()) == {"done"}


@forks
@pytest.mark.usefixtures("lend")
def test_a_dry_run_changes_nothing(period: FakePeriod) -> None:
    result = run(period, dry_run=True)
    assert set(states(result).values()) == {"missing"}
    assert [p.name for p in folder(period, "").iterdir()] == [".lock"]


def test_one_run_at_a_time(period: FakePeriod) -> None:
    with (
        store.lock(folder(period, "") / ".lock", doing="report 2019Q4"),
        pytest.raises(
            StudyError, match=rf"another run is at work here \(process {os.getpid()}: report 2019Q4\)"
        ),
    ):
        run(period)


@forks
@pytest.mark.usefixtures("lend")
def test_two_languages_stand_side_by_side(period: FakePeriod) -> None:
    run(period, units=["五华区"])
    run(period, units=["五华区"], language="en")
    names = sorted(p.name for p in folder(period, "五华区").iterdir())
    assert names == [
        "manifest.en.json",
        "manifest.json",
        "report.en.html",
        "report.en.ipynb",
        "report.html",
        "report.ipynb",
    ]
    assert states(run(period, units=["五华区"])) == {"五华区": "fresh"}


def everything(period: FakePeriod) -> dict[str, str]:
    base = folder(period, "")
    found = {p.relative_to(base).as_posix(): store.file_hash(p) for p in base.rglob("*") if p.is_file()}
    return {n: h for n, h in found.items() if n not in ("status.json", "run.log", ".lock")}


@forks
@pytest.mark.usefixtures("lend")
def test_two_workers_and_one_give_the_same_bytes_and_no_clock(period: FakePeriod) -> None:
    run(period, workers=2)
    two = everything(period)
    run(period, workers=1, force=True)
    assert everything(period) == two
    year = pd.Timestamp.now().strftime("%Y-%m")
    for name in two:
        assert year not in (folder(period, "") / name).read_text(encoding="utf-8", errors="ignore"), name


@forks
@pytest.mark.slow
def test_kernels_give_the_same_bytes_as_forks(period: FakePeriod) -> None:
    note(period, "东川区", "raise: wrong")
    forked = run(period)
    by_forks = everything(period)
    kernels = run(period, force=True, engine="kernel")
    assert states(forked) == states(kernels)
    assert everything(period) == by_forks


@pytest.mark.slow
def test_without_forks_kernels_are_used(period: FakePeriod, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    tell = Silent()
    tell.note = told.append  # type: ignore[method-assign]
    monkeypatch.setattr(warming, "IMPORTS", {"cells": ("no_such_module",)})
    result = run(period, units=["五华区"], progress=tell)
    assert states(result) == {"五华区": "done"}
    assert told and "ordinary kernels are used" in told[0] and "no_such_module" in told[0]


def test_plain_progress_names_each_report(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(12) as tell:
        tell.start("五华区")
        tell.end("五华区", "done", seconds=1.24)
        tell.end("盘龙区", "failed", "C7: not a number")
    assert (
        capsys.readouterr().err == "[ 1/12] 五华区  done  1.2 s\n[ 2/12] 盘龙区  failed  C7: not a number\n"
    )


class Heard(Silent):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, str]] = []
        self.details: list[str] = []

    def stage(self, name: str, doing: str) -> None:
        self.stages.append((name, doing))

    def end(self, name: str, state: str, why: str = "", seconds: float = 0.0, detail: str = "") -> None:
        self.details.append(detail)


@forks
@pytest.mark.usefixtures("lend")
def test_progress_tells_the_stage_and_the_failing_cell_at_once(
    period: FakePeriod, capsys: pytest.CaptureFixture[str]
) -> None:
    heard = Heard()
    run(period, units=["五华区"], progress=heard)
    assert [d for _, d in heard.stages] == [*(f"{i}/6" for i in range(1, 7)), "export"]
    note(period, "五华区", "raise broken")
    run(period, units=["五华区"], progress=heard, force=True)
    with Progress(1) as tell:
        tell.end("五华区", "failed", "B7", detail=heard.details[-1])
    told = capsys.readouterr().err.splitlines()
    assert told[-1].strip() == "ValueError: notes/五华区.txt: cell B7: raise broken"
    assert len(told) == 9 and "\x1b" not in "".join(told)
