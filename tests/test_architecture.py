"""The house against ARCHITECTURE.md: floors, module list, what importing costs, dependencies."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

FLOORS = {
    "errors": 0, "periods": 0,
    "framework": 1, "tables": 1, "store": 1, "text": 1,
    "intake": 2, "survey": 2, "weights": 2, "scoring": 2, "processes": 2, "figures": 2,
    "study": 3,
    "report": 4, "batch": 4, "release": 4,
    "cli": 5, "__main__": 5,
}  # fmt: skip
# Floor 1 holds meaning, shape and disk: none of them needs another, but text reads no table and tables no text.
SIBLINGS_ALLOWED = {("batch", "report"), ("release", "report")}


def modules(root: Path) -> list[Path]:
    return sorted((root / "commlab").rglob("*.py"))


def package_of(path: Path, root: Path) -> str:
    first = path.relative_to(root / "commlab").parts[0]
    return first.removesuffix(".py")


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = (
                [f"{node.module}.{a.name}" for a in node.names] if node.module == "commlab" else [node.module]
            )
        elif isinstance(node, ast.Import):
            names = [a.name for a in node.names]
        found |= {n.split(".")[1] for n in names if n.startswith("commlab.")}
    return found - {"__version__"}


def test_every_package_has_a_floor(repository: Path) -> None:
    packages = {package_of(p, repository) for p in modules(repository)} - {"__init__"}
    assert packages == set(FLOORS) - ({"__main__"} - packages)
    assert len(modules(repository)) > 40, "the scan found too little to mean anything"


def test_imports_go_down_only(repository: Path) -> None:
    wrong = []
    for path in modules(repository):
        own = package_of(path, repository)
        if own == "__init__":
            continue
        for other in imports(path) - {own}:
            if other not in FLOORS:
                continue
            up = FLOORS[other] > FLOORS[own]
            beside = (
                FLOORS[other] == FLOORS[own] and FLOORS[own] >= 2 and (own, other) not in SIBLINGS_ALLOWED
            )
            if up or (beside and FLOORS[own] != 5):
                wrong.append(f"{path.relative_to(repository)} imports commlab.{other}")
    assert not wrong, "\n".join(wrong)


def test_architecture_page_names_every_package(repository: Path) -> None:
    page = (repository / "ARCHITECTURE.md").read_text(encoding="utf-8")
    for package in set(FLOORS) - {"__main__"}:
        assert f"`{package}`" in page, f"ARCHITECTURE.md does not name {package}"


def test_architecture_page_names_every_module(repository: Path) -> None:
    page = (repository / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rows = {m[1]: m[0] for m in re.finditer(r"^\| `(\w+)` \|.*$", page, flags=re.M)}
    lacking = []
    for path in modules(repository):
        parts = path.relative_to(repository / "commlab").parts
        if len(parts) == 2 and parts[1] != "__init__.py" and f"`{path.stem}`" not in rows[parts[0]]:
            lacking.append("/".join(parts))
    named = {
        (package, name) for package, row in rows.items() for name in re.findall(r"`(\w+)`", row.split("|")[2])
    }
    gone = [f"{p}/{n}" for p, n in named if not (repository / "commlab" / p / f"{n}.py").is_file()]
    assert not lacking and not gone, (lacking, gone)
    assert len(named) > 90


def test_modules_stay_small(repository: Path) -> None:
    big = {
        str(p.relative_to(repository)): n
        for p in modules(repository)
        if (n := len(p.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert not big


def test_no_input_check_by_assert_and_no_blanket_except(repository: Path) -> None:
    wrong = []
    for path in modules(repository):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Assert):
                wrong.append(f"{path.name}:{node.lineno} assert")
            if isinstance(node, ast.ExceptHandler) and (
                node.type is None or (isinstance(node.type, ast.Name) and node.type.id == "Exception")
            ):
                wrong.append(f"{path.name}:{node.lineno} blanket except")
    assert not wrong


def test_only_store_writes_data(repository: Path) -> None:
    """Floor 2 neither writes files nor prints."""
    wrong = []
    for path in modules(repository):
        if FLOORS.get(package_of(path, repository)) != 2:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = (
                    node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                )
                if name in ("print", "to_csv", "to_parquet", "to_excel", "write_text", "write_bytes"):
                    wrong.append(f"{path.relative_to(repository)}:{node.lineno} {name}")
    assert not wrong


def test_importing_commlab_costs_hardly_more_than_pandas() -> None:
    heavy = (
        "['matplotlib','statsmodels','pandera','seaborn','docx','typst','papermill','scipy','pandas','rich']"
    )
    code = f"import sys, commlab; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_environment_names_the_same_packages(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    environment = yaml.safe_load((repository / "environment.yml").read_text(encoding="utf-8"))
    conda = [d for d in environment["dependencies"] if isinstance(d, str)]
    pip = next(d["pip"] for d in environment["dependencies"] if isinstance(d, dict))
    name = re.compile(r"^[A-Za-z0-9_.-]+")
    listed = {name.match(d)[0].lower(): d for d in [*conda, *pip]}
    wanted = {name.match(d)[0].lower(): d for d in project["dependencies"]}
    listed.pop("python"), listed.pop("pip")
    assert listed == wanted
    assert {
        "pandas",
        "numpy",
        "scipy",
        "statsmodels",
        "matplotlib",
        "seaborn",
        "jupyterlab",
        "papermill",
    } == {name.match(d)[0] for d in conda} - {"python", "pip"}


@pytest.mark.parametrize("line", ["--hash=sha256:"])
def test_every_dependency_is_pinned_with_hashes(repository: Path, line: str) -> None:
    lock = (repository / "requirements.lock").read_text(encoding="utf-8")
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = {m.lower() for m in re.findall(r"^([A-Za-z0-9_.-]+)==", lock, flags=re.M)}
    extras = project["optional-dependencies"]
    for dependency in [*project["dependencies"], *extras["dev"], *extras["cluster"]]:
        if dependency.startswith("commlab["):  # an extra of our own, whose packages are looked up themselves
            continue
        assert re.match(r"[A-Za-z0-9_.-]+", dependency)[0].lower() in pinned
    assert lock.count(line) >= len(pinned)
