"""cli: commands, exit codes, one sentence for what is wrong, nothing heavy before a request is understood."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import commlab
from commlab import batch, cli
from commlab.batch.running import RunResult
from commlab.cli.new import new_period
from commlab.cli.show import columns, plain, width
from commlab.errors import DataError, ParameterError, StudyError

COMMANDS = ("check", "report", "run", "status", "trace", "new", "init", "codebook", "lab", "doctor")


def test_help_names_every_command_and_imports_nothing_heavy() -> None:
    told = "print(sorted({m.split('.')[0] for m in sys.modules}), code)"
    code = f"import sys; from commlab.cli import main; code = main(['--help']); {told}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert all(f"\n    {name} " in done.stdout for name in COMMANDS)
    loaded = done.stdout.splitlines()[-1]
    assert loaded.endswith(" 0") and not any(
        f"'{m}'" in loaded for m in ("pandas", "numpy", "yaml", "rich", "IPython")
    )


def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for name in COMMANDS:
        assert cli.main([name, "--help"]) == 0
    assert "--unit NAME" in capsys.readouterr().out


@pytest.mark.parametrize(
    "request_",
    [
        [],
        ["nonsense"],
        ["report", "--untis", "x"],
        ["report", "--format", "x"],
        ["report", "--workers", "two"],
        ["report", "--language", "fr"],
        ["trace", "2019Q4"],
        ["status", "--format", "xml"],
    ],
)
def test_argparse_refuses_with_two(request_: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(request_) == 2
    assert "usage: commlab" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DataError("wrong", file="a.xlsx", sheet="s", cell="B2"), 1),
        (ParameterError("wrong"), 2),
        (StudyError("wrong"), 2),
    ],
)
def test_an_error_is_one_sentence(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Any) -> None:
        raise error

    monkeypatch.setattr(commlab, "open_study", fail, raising=False)
    assert cli.main(["check"]) == code
    shown = capsys.readouterr()
    assert shown.err == f"commlab check: {error}\n" and shown.out == ""


def test_ctrl_c_is_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def stop(path: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(commlab, "open_study", stop, raising=False)
    assert cli.main(["status"]) == 130
    assert capsys.readouterr().err == "commlab status: interrupted\n"


def test_a_folder_without_study_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for request in (
        ["check"],
        ["report"],
        ["run"],
        ["status"],
        ["new", "2020Q1"],
        ["lab"],
        ["trace", "2019Q4", "x", "y"],
    ):
        assert cli.main(["--study", str(tmp_path), *request]) == 2
        assert cli.main([*request, "--study", str(tmp_path)]) == 2
        message = capsys.readouterr().err
        assert "no study.yaml" in message and "Traceback" not in message


# ---------------------------------------------------------------------------------------- with the tiny study
@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (["check", "2019Q5"], "period '2019Q5' is not in study.yaml (it has 2019Q3, 2019Q4); did you mean"),
        (["report", "2018"], "period '2018' is not in study.yaml"),
        (["status", "2019Q9"], "did you mean"),
        (["report", "--unit", "五华"], None),
        (["report", "--unit", "武华区"], "did you mean 五华区"),
        (["report", "--formats", "html,doc"], "unknown format doc; known: html, docx, pdf, xlsx"),
        (["report", "--workers", "0"], "workers must be at least 1"),
        (["report", "--parameter", "distrct=五华区"], 'has no parameter "distrct"'),
        (["report", "--unit", "五华区", "--parameter", "distrct=五华区"], '(did you mean "district"?)'),
        (["report", "--unit", "五华区", "--parameter", "district=3"], "must be like"),
        (["report", "--parameter", "=3"], "write NAME=VALUE"),
        (["new", "next"], "'next' is not a period; write 2019, 2019H1, 2019Q4 or 2019M11"),
    ],
)
def test_a_bad_request_is_one_sentence_and_two(
    tiny: Path, request_: list[str], says: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.main(["--study", str(tiny), *request_, *(["--dry-run"] if request_[0] == "report" else [])])
    message = capsys.readouterr().err
    assert "Traceback" not in message
    if says is None:  # a short name that the register knows
        assert code == 0
    else:
        assert code == 2 and says in message and message.count("\n") == 1


def test_a_study_without_its_framework(tiny_copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (tiny_copy / "study.yaml").read_text(encoding="utf-8")
    (tiny_copy / "study.yaml").write_text(text.replace("kunming_2018", "nowhere_1999"), encoding="utf-8")
    for command in ("check", "run"):
        assert cli.main([command, "--study", str(tiny_copy)]) == 2
        assert "nowhere_1999" in capsys.readouterr().err.splitlines()[-1]
    assert cli.main(["report", "--study", str(tiny_copy)]) == 2
    assert "nowhere_1999" in capsys.readouterr().err


def test_a_period_without_any_input(tiny_copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["new", "2020Q1", "--study", str(tiny_copy)]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("data/raw/2020Q1/ is ready; it expects:\n") and "3 files" in shown
    assert commlab.open_study(tiny_copy).periods == ("2019Q3", "2019Q4", "2020Q1")
    for command in ("report", "run"):
        assert cli.main([command, "--study", str(tiny_copy)]) == 2
        assert "2020Q1" in capsys.readouterr().err.splitlines()[-1]


def test_new_keeps_comments_and_refuses_what_it_cannot_edit(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text("study: 1  # format\nperiods: [2019Q3, '2019Q4']  # two\n", encoding="utf-8")
    assert new_period(tmp_path, "2019Q2") == tmp_path / "data/raw/2019Q2"
    new_period(tmp_path, "2019Q2")
    assert (
        path.read_text(encoding="utf-8") == "study: 1  # format\nperiods: [2019Q2, 2019Q3, 2019Q4]  # two\n"
    )
    path.write_text("periods:\n- 2019Q3\n", encoding="utf-8")
    with pytest.raises(StudyError, match="no line `periods:"):
        new_period(tmp_path, "2020Q1")


def test_doctor_finds_everything_in_place(
    tiny: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = tmp_path / "meminfo"
    memory.write_text("MemTotal: 9 kB\nMemAvailable:  3145728 kB\n")
    monkeypatch.setattr("commlab.cli.doctor._MEMORY_FILE", memory)
    assert cli.main(["doctor", "--study", str(tiny)]) == 0
    shown = capsys.readouterr().out
    assert shown.count("ok  ") == len(shown.splitlines()) and "54 standards" in shown
    told = dict(line[4:].split(maxsplit=1) for line in shown.splitlines())
    assert told["memory"] == "3.0 GiB free" and Path(told["kernel"]).samefile(sys.executable)
    assert {"fonts", "pandoc", "packages"} <= told.keys()
    memory.write_text("MemAvailable: 524288 kB\n")
    assert cli.main(["doctor", "--study", str(tiny)]) == 1
    assert "!!  memory      0.5 GiB free; a run takes about 1: close programs" in capsys.readouterr().out
    memory.unlink()
    assert cli.main(["doctor", "--study", str(tiny)]) == 0


def test_doctor_says_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor", "--study", str(tmp_path)]) == 1
    assert "!!  study" in capsys.readouterr().out


def _result(**states: str) -> RunResult:
    rows = [(u, u, "district", "zh", s, "why" if s == "failed" else "", 1.0) for u, s in states.items()]
    names = ["unit", "name", "kind", "language", "state", "why", "seconds"]
    return RunResult(pd.DataFrame(rows, columns=names))


@pytest.mark.parametrize(
    ("result", "code", "says"),
    [
        (_result(五华区="done", 盘龙区="fresh"), 0, "2 of 2 districts up to date, 1 made now, 0 failed"),
        (_result(五华区="done", 盘龙区="failed"), 1, "1 of 2 districts up to date, 1 made now, 1 failed"),
        (_result(五华区="fresh"), 0, "1 of 1 districts up to date, 0 made now"),
    ],
)
def test_report_tells_what_it_came_to(
    tiny: Path, result: RunResult, code: int, says: str,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(batch, "run", lambda period, **options: result, raising=False)
    assert cli.main(["report", "--study", str(tiny)]) == code
    assert says in capsys.readouterr().out


def test_status_as_json(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status", "--format", "json", "--study", str(tiny)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [f["name"] for f in found][:1] == ["city"] and {f["state"] for f in found} <= {
        "missing",
        "fresh",
        "stale",
    }
    assert cli.main(["status", "--study", str(tiny)]) == 0
    assert capsys.readouterr().out.startswith("report ")


def test_columns_line_up_and_steer_no_terminal() -> None:
    assert columns([("五华区", 1), ("a\x1b[2J", 22)]) == "五华区  1\na [2J   22"
    assert columns([]) == ""
    assert plain("a\tb\u202ec") == "a b c"
    assert width("é") == 1 and width("e\u0301") == 1
