"""Frameworks nobody here has seen: three small studies of one YAML file each and no code run whole, and tell what they have."""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Iterator, Mapping
from fractions import Fraction
from html import unescape
from pathlib import Path

import pytest
import yaml
from test_traceable import followed

import commlab as cl
from commlab import batch
from commlab.framework import Framework, bundled, load_framework
from commlab.report import chapters

STUDIES = Path(__file__).parent / "data/studies"
CHAPTERS = (
    "summary", "method", "sample", "indicators", "satisfaction", "change", "moved", "weak_points", "problems",
    "candidates", "questionnaire", "indicator_dictionary", "denominators", "cleaning_summary", "manifest",
)  # fmt: skip


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The three studies, checked and with their newest results."""
    root = tmp_path_factory.mktemp("studies")
    shutil.copytree(STUDIES, root, dirs_exist_ok=True)
    for folder in sorted(root.iterdir()):
        study = cl.open_study(folder)
        assert study.check().exit_code == 0
        assert study.period().ledger["severity"].isin(["note", "warning"]).all()
        study.period().build()
    return root


def total(root: Path, name: str, period: str | None = None) -> dict[str, float]:
    rows = cl.open_study(root / name).period(period).scores().query("code == 'total'")
    return dict(zip(rows["unit"], rows["score"], strict=True))


def told(root: Path, name: str, unit: str | None, language: str = "zh") -> dict[str, str]:
    report = chapters.open_report(root / name, cl.open_study(root / name).newest, unit, language)
    made = {c: getattr(chapters, c)(report) for c in CHAPTERS}
    return {c: "" if section is None else repr(section) for c, section in made.items()}


@pytest.mark.parametrize(
    ("name", "unit"), [("deductions", "和平社区"), ("hotline", "东镇"), ("importance", "一期")]
)
def test_every_number_of_their_reports_is_traceable(studies: Path, name: str, unit: str) -> None:
    """Also where points are taken off, and where groups have marks and means of their own."""
    lost, walked, _ = followed(studies / name, cl.open_study(studies / name).newest, unit)
    assert lost == [] and walked > 50


# ------------------------------------------------------------------------------- a sheet of 100 points


def test_points_are_taken_given_and_struck_as_the_sheet_says(studies: Path) -> None:
    # 2020Q1: 100 - (3 x 2 + 1 x 5) - 4, press +2 | 60 - (20 at most + 10), a fire lane takes all 30, one late report 5
    assert total(studies, "deductions", "2020Q1") == pytest.approx({
        "和平社区": 87.0, "东风社区": 35.0, "新华社区": 105.0, "人民社区": 78.0,
    })  # fmt: skip
    # 2020Q2: an accident strikes 新华社区 whatever else it earned
    assert total(studies, "deductions")["新华社区"] == 0.0


def test_the_sheet_of_points_tells_points_and_no_interval(studies: Path) -> None:
    found = told(studies, "deductions", "和平社区")
    assert "得分95.0分（满分100）；全部4个社区的均值" in found["summary"] and "区间" not in found["summary"]
    assert "占用人行道" in found["weak_points"] and "次数最多" in found["weak_points"]
    assert [c for c, text in found.items() if not text] == [
        "sample", "satisfaction", "change", "problems", "candidates", "questionnaire",
    ]  # fmt: skip
    assert "得分全部来自完整统计" in found["method"] and "问卷" not in found["method"]


# --------------------------------------------------------------------------------------- a hotline


def test_units_are_scored_by_their_own_marks_and_ranked_in_their_group(studies: Path) -> None:
    period = cl.open_study(studies / "hotline").period("2023M04")
    scores = period.scores().pivot(index="unit", columns="code", values="score")
    # 东镇: 196/200 x 10 + 120/150 x 45 + 126/150 x 45 of 100; 住建局: 135/150 < 0.95, 90/120 and 84/120 of 0.9 x 30, of 80
    assert scores.loc["东镇", "A"] == pytest.approx(9.8 + 36 + 37.8)
    assert scores.loc["住建局", "B"] == pytest.approx(0 + 25 + 84 / 120 / 0.9 * 30)
    assert scores.loc["住建局", "total"] == pytest.approx(scores.loc["住建局", "B"] / 80 * 100)
    ranks = period.ranks().set_index("unit")
    assert ranks.loc[["城管局", "住建局"], "rank"].tolist() == [1, 2] and ranks["group"].nunique() == 2


def test_a_unit_without_calls_has_no_score_and_a_report(studies: Path) -> None:
    other = told(studies, "hotline", "东镇")
    assert "距满分100分共失11.3分" in other["weak_points"] and "标准值" not in other["summary"]
    found = told(studies, "hotline", "西镇")
    assert "没有得分" in found["summary"] and "回访不到" in found["method"]
    english = told(studies, "hotline", None, "en")
    assert "units of the group" in english["summary"] and "quarter" not in " ".join(english.values())


# --------------------------------------------------------------------------- importance and satisfaction


def test_one_unit_is_compared_with_nobody(studies: Path) -> None:
    found = told(studies, "importance", "一期")
    assert "列第" not in found["summary"] and "均值为" not in found["summary"]
    assert found["satisfaction"] and not found["change"] and not found["moved"]
    for word in ("2020年", "A22", "A26", "村改居", "第一阶段", "昆明"):
        assert word not in " ".join(found.values()), word


# -------------------------------------------------------------------------------- from check to report


def test_a_study_of_its_own_runs_to_every_format(studies: Path, tmp_path: Path) -> None:
    root = tmp_path / "importance"
    shutil.copytree(studies / "importance", root)
    result = batch.run(cl.open_study(root).period(), units=["一期", "methods"], workers=2)
    assert result.exit_code == 0, result.statuses[["name", "why"]].to_string()
    made = {p.name for p in (root / "reports/2022").rglob("*") if p.is_file()}
    assert {"report.html", "report.docx", "report.pdf", "appendix.xlsx", "70-importance.html"} <= made
    assert "20-weights.html" not in made, "nobody judged weights"
    index = unescape((root / "reports/2022/index.html").read_text(encoding="utf-8"))
    assert "重要性与满意度" in index and "片区" in index


# ------------------------------------------------------------------------------------ numbers are data

_ORDINARY = {100.0, 1000.0, 2000.0, 10_000.0, 0.5, 0.05, 0.9, 0.1}
"""Numbers that every program has, so that a norm of such a size cannot be told from them; so are whole ones up to 24."""
_OTHER_THINGS = (
    *(
        "_MOST_FAULTS = 30",
        "raking_min_cell: int = 30",
        '"public": 30',
        "COUPLING_GRADES = ",
        "_MOST_NODES = ",
        "_BLOCK_CELLS = ",
    ),
    *("_MOST_CELLS = ", "cutoff=0.3", '("Column", 30)', "set_row(0, 30)"),
)
"""Lines that hold such a number and mean something else: faults told at once, answers a raking cell, protected answers, grades,
sizes of memory, likeness of names, widths of columns."""


def _ordinary(value: float) -> bool:
    return value in _ORDINARY or (value == int(value) and value <= 24)


def _numbers(framework: Framework) -> dict[float, str]:
    """Every number of a framework's rules and constants, fractions too, and where it stands."""
    found: dict[float, str] = {}
    for code in framework.leaves:
        for part in framework.parts(code):
            for value in (part.params.get(k) for k in ("target", "low", "high", "cap")):
                if value is not None:
                    found[float(Fraction(str(value)))] = f"{framework.name} {code}"
    for constant in framework.constants.values():
        for value in (constant.value, *constant.by.values()):
            if value is not None:
                found[float(value)] = f"{framework.name} {constant.key}"
    return found


def _written(code: str) -> Iterator[tuple[int, float]]:
    """Every number that a module holds, as a number, as a text, or as a product or quotient of two; with its line."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div | ast.Pow):
            ends = [
                n.value
                for n in (node.left, node.right)
                if isinstance(n, ast.Constant) and type(n.value) in (int, float)
            ]
            if len(ends) == 2 and max(ends) < 1e9 and ends[1]:
                a, b = ends
                yield (
                    node.lineno,
                    float(
                        a * b
                        if isinstance(node.op, ast.Mult)
                        else a / b
                        if isinstance(node.op, ast.Div)
                        else a ** min(b, 9)
                    ),
                )
        text = (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and re.fullmatch(r"\d+(\.\d+)?", node.value)
        )
        if isinstance(node, ast.Constant) and (text or type(node.value) in (int, float)):
            yield node.lineno, float(node.value)


def _in_code(code: str, figures: Mapping[float, str]) -> list[str]:
    """Lines of a module that hold a figure of a document."""
    lines = code.splitlines()
    wrong = {line: value for line, value in _written(code) if value in figures}
    return [
        f"{v} ({figures[v]}): {lines[n - 1].strip()}"
        for n, v in sorted(wrong.items())
        if not any(k in lines[n - 1] for k in _OTHER_THINGS)
    ]


@pytest.fixture(scope="module")
def figures() -> dict[float, str]:
    known: dict[float, str] = {}
    for name in bundled():
        known |= _numbers(load_framework(name))
    return {v: where for v, where in known.items() if not _ordinary(v)}


@pytest.mark.parametrize("name", bundled())
def test_official_numbers_say_where_they_are_printed(name: str) -> None:
    framework = load_framework(name)
    parts = [p for c in framework.leaves for p in framework.parts(c) if p.official]
    lacking = [f"{p.code}/{p.part}" for p in parts if not p.article]
    assert framework.source.get("document") and not lacking


def test_no_number_of_a_document_stands_in_the_code(repository: Path, figures: dict[float, str]) -> None:
    """Norms and figures of the documents are data: the code that scores and tells holds none of them."""
    assert {640.0, 1500.0, 1410.0, 0.8, 2 / 3, 80_000.0, 4e6} <= set(figures), (
        "the scan has nothing to look for"
    )
    wrong, read = [], 0
    for folder in ("framework", "scoring", "processes", "study", "weights", "report/chapters"):
        for path in sorted((repository / "commlab" / folder).rglob("*.py")):
            read += 1
            wrong += [f"{path.name}: {told}" for told in _in_code(path.read_text(encoding="utf-8"), figures)]
    assert read > 100 and not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "line",
    ["LIMIT = 640", "x = f(1_410)", "SHARE = .8", "ok = grown >= 0.03", "POOL = 4_000_000", "m = 4e6", "m = 8 * 10_000", "if fulltime / n >= 2 / 3: pass",
     "HOUSEHOLDS = 1500.0", "d = {'area': '640'}", "def f(area: float = 30) -> None: ...", "two = 30 - 0"],
)  # fmt: skip
def test_the_scan_sees_what_is_planted(repository: Path, figures: dict[float, str], line: str) -> None:
    """Below comments, docstrings and `fmt: skip`, at the end of a module that has all of them."""
    code = (repository / "commlab/report/chapters/norms.py").read_text(encoding="utf-8")
    assert "# fmt: skip" in code and not _in_code(code, figures)
    assert _in_code(code + "\n" + line + "\n", figures)


def test_examples_are_one_file_and_no_code() -> None:
    for folder in sorted(STUDIES.iterdir()):
        assert not list(folder.rglob("*.py"))
        assert yaml.safe_load((folder / "study.yaml").read_text(encoding="utf-8"))["sample"] is True
