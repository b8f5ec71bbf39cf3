"""The notebooks keep to the house's rules, and each runs on the tiny study under bare papermill."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))
NAMES = [p.stem for p in NOTEBOOKS]


@pytest.fixture(params=NOTEBOOKS, ids=NAMES)
def notebook(request: pytest.FixtureRequest) -> nbformat.NotebookNode:
    return nbformat.read(request.param, as_version=4)


def code(book: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [c for c in book.cells if c.cell_type == "code"]


def test_all_notebooks_are_there() -> None:
    assert NAMES == [
        "00-explore",
        "10-intake",
        "20-weights",
        "30-satisfaction",
        "40-scores",
        "45-naming",
        "50-district-report",
        "60-city-overview",
    ]


def test_first_cell_asks_one_question_and_says_what_it_reads(notebook: nbformat.NotebookNode) -> None:
    first = notebook.cells[0]
    assert first.cell_type == "markdown"
    titles = [
        line
        for c in notebook.cells
        if c.cell_type == "markdown"
        for line in c.source.splitlines()
        if re.match(r"# ", line)
    ]
    assert len(titles) == 1 and titles[0].endswith("?")
    for word in ("Reads", "writes", "Rests on"):
        assert word in first.source


def test_second_cell_holds_commented_literals(notebook: nbformat.NotebookNode) -> None:
    cell = notebook.cells[1]
    assert cell.metadata["tags"] == ["parameters"]
    for line in cell.source.splitlines():
        statement = ast.parse(line).body[0]
        assert isinstance(statement, ast.Assign) and "#" in line
        ast.literal_eval(statement.value)


def test_cells_are_thin(notebook: nbformat.NotebookNode) -> None:
    for cell in code(notebook):
        assert len(cell.source.splitlines()) <= 10
        if "parameters" in cell.metadata.get("tags", []):
            continue
        for node in ast.walk(ast.parse(cell.source)):
            assert not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Try | ast.Lambda)
            assert not (isinstance(node, ast.Constant) and isinstance(node.value, int | float))
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                assert not name.startswith("read_") and name != "open"


def test_stored_without_outputs(notebook: nbformat.NotebookNode) -> None:
    for cell in code(notebook):
        assert cell.outputs == [] and cell.execution_count is None
    assert len({c.id for c in notebook.cells}) == len(notebook.cells)


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_runs_under_bare_papermill_from_the_root(path: Path, tiny: Path, tmp_path: Path) -> None:
    import papermill

    parameters = {"period": "2019Q4"}
    if path.stem == "50-district-report":
        parameters["district"] = "五华区"
    done = papermill.execute_notebook(
        path,
        tmp_path / "out.ipynb",
        parameters=parameters,
        cwd=str(tiny),
        progress_bar=False,
        kernel_name="python3",
    )
    outputs = [o for c in done.cells if c.cell_type == "code" for o in c.outputs]
    assert outputs and not any(o.output_type == "error" for o in outputs)
    assert not any(o.output_type == "stream" and o.name == "stderr" for o in outputs)
