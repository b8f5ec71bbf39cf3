"""Notebooks as files: found, their parameters checked before anything runs, cleaned afterwards."""

from __future__ import annotations

import ast
import difflib
import json
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import commlab
from commlab.errors import ParameterError, StudyError, listing

__all__ = ["Parameter", "check_parameters", "clean", "find_notebook", "first_error", "read_parameters"]

_WIDGET = "application/vnd.jupyter.widget-view+json"
"""A control: named at random, and dead without its kernel."""
_TYPES = (str, bool, int, float, list, dict)


def find_notebook(root: Path, name: str) -> Path:
    """A numbered notebook: the study's own, else the one that comes with commlab.

    Parameters
    ----------
    root : path
        The study folder.
    name : str
        Without suffix: ``50-district-report``.

    Raises
    ------
    StudyError
        If there is neither.
    """
    package = Path(commlab.__file__).parent
    for folder in (root / "notebooks", package / "notebooks", package.parent / "notebooks"):
        path = folder / f"{name}.ipynb"
        if path.is_file():
            return path
    raise StudyError(
        f"notebooks/{name}.ipynb is missing in {root}; copy it from the repository's notebooks folder"
    )


@dataclass(frozen=True)
class Parameter:
    """A line of a notebook's ``parameters`` cell: its name and its default (a literal)."""

    name: str
    default: Any


def read_parameters(path: Path) -> dict[str, Parameter]:
    """The parameters of a notebook, by name.

    Raises
    ------
    StudyError
        If the file is no notebook, has no cell tagged ``parameters``, or a line is not ``name = literal``.
    """
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        tagged = [c for c in cells if "parameters" in c.get("metadata", {}).get("tags", [])]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StudyError(f"{path}: cannot be read as a notebook ({error})") from error
    if len(tagged) != 1:
        raise StudyError(f'{path}: needs exactly one cell tagged "parameters", found {len(tagged)}')
    source = tagged[0].get("source", "")
    text = source if isinstance(source, str) else "".join(source)
    found: dict[str, Parameter] = {}
    try:
        statements = ast.parse(text).body
    except SyntaxError as error:
        raise StudyError(
            f"{path}: the parameters cell is not Python (line {error.lineno}: {error.msg})"
        ) from None
    for statement in statements:
        line = ast.unparse(statement)
        target = None
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target = statement.targets[0]
        elif isinstance(statement, ast.AnnAssign):
            target = statement.target
        if not isinstance(target, ast.Name) or statement.value is None:  # type: ignore[attr-defined]
            raise StudyError(
                f"{path}: the parameters cell may only hold lines `name = literal`, found `{line}`"
            )
        try:
            value = ast.literal_eval(statement.value)  # type: ignore[attr-defined]
        except (ValueError, TypeError):
            raise StudyError(f"{path}: the parameters cell needs literals, found `{line}`") from None
        found[target.id] = Parameter(target.id, value)
    return found


def check_parameters(path: Path, given: Mapping[str, Any]) -> None:
    """Check names and types of what is to be injected, all faults at once.

    Papermill itself only warns about a name that the notebook does not have, and never looks at types.

    Raises
    ------
    ParameterError
        Naming every unknown name (and the nearest known one) and every value of another type than usual.
    """
    known = read_parameters(path)
    faults = []
    for name, value in given.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            meant = f' (did you mean "{near[0]}"?)' if near else ""
            faults.append(f'has no parameter "{name}"{meant}; it has {listing(known, most=12)}')
            continue
        usual = known[name].default
        if not isinstance(value, _TYPES) and value is not None:
            faults.append(f'parameter "{name}" must be a JSON literal, found {type(value).__name__}')
        elif usual is not None and not _same_kind(usual, value):
            faults.append(f'parameter "{name}" must be like {usual!r}, found {value!r}')
    if faults:
        raise ParameterError(f"{path.name} " + "; ".join(faults))


def _same_kind(usual: Any, value: Any) -> bool:
    if isinstance(usual, float) and isinstance(value, int) and not isinstance(value, bool):
        return True
    return type(usual) is type(value)


def clean(notebook: Any, parameters: Mapping[str, Any]) -> Any:
    """Take out of an executed notebook whatever differs between two runs: clocks, random ids, paths.

    Outputs, counts and tracebacks stay. The injected parameters are written as a person would write them;
    papermill escapes every Chinese character.

    Parameters
    ----------
    notebook : NotebookNode
        As papermill returns it; not changed.
    parameters : mapping
        What was injected.

    Returns
    -------
    NotebookNode
    """
    import nbformat

    out = nbformat.from_dict(json.loads(_name_cells(json.dumps(notebook))))
    for number, cell in enumerate(out.cells, 1):
        tags = cell.metadata.get("tags", [])
        cell.metadata = nbformat.from_dict({k: v for k, v in cell.metadata.items() if k in _KEPT})
        cell["id"] = f"cell-{number:02d}"
        if cell.cell_type == "code":
            cell.outputs = _joined(cell.outputs)
            for output in cell.outputs:
                output.get("data", {}).pop(_WIDGET, None)
        if "injected-parameters" in tags:
            cell.source = "\n".join(["# Parameters", *(f"{k} = {v!r}" for k, v in parameters.items())])
    metadata = {
        k: v
        for k, v in out.metadata.items()
        if k not in ("papermill", "kernelspec", "language_info", "widgets")
    }
    metadata["kernelspec"] = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    metadata["language_info"] = {
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "version": platform.python_version(),
    }
    out.metadata = nbformat.from_dict(metadata)
    out.nbformat, out.nbformat_minor = 4, 5
    return out


def _joined(outputs: list[Any]) -> list[Any]:
    """Neighbouring pieces of streams as one of each, standard output first: their order is chance in a
    kernel.
    """
    joined: list[Any] = []
    run: dict[str, Any] = {}
    for output in outputs:
        if output.output_type != "stream":
            joined += [run[name] for name in sorted(run, reverse=True)]
            run = {}
            joined.append(output)
        elif output.name in run:
            run[output.name].text += output.text
        else:
            run[output.name] = output
    return joined + [run[name] for name in sorted(run, reverse=True)]


# The file that a kernel pretends a cell to be, in the form it has inside JSON text; its folder is random.
_CELL_FILE = re.compile(r"ipykernel_\d+(?:/|\\\\)(\d+)\.py")


def _name_cells(text: str) -> str:
    """Call the files of cells ``cell-<hash>.py``. In linear time: a picture is one long word."""
    out, done = [], 0
    for match in _CELL_FILE.finditer(text):
        start = match.start()
        while start > done and text[start - 1] not in " \n\t\"'(<":
            start -= 1
        out += [text[done:start], f"cell-{match.group(1)}.py"]
        done = match.end()
    return "".join([*out, text[done:]])


_KEPT = ("tags", "jupyter", "editable", "deletable", "collapsed", "scrolled")


def first_error(notebook: Any) -> dict[str, Any] | None:
    """Where a notebook stopped: ``cell`` (among code cells, from 1), ``source``, ``ename``, ``evalue``."""
    number = 0
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        number += 1
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                return {
                    "cell": number,
                    "source": cell.source,
                    "ename": output.ename,
                    "evalue": output.evalue,
                    "traceback": list(output.traceback),
                }
    return None
