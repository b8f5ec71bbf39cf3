"""What the documents name exists: paths, commands, make targets, assumptions, public names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import commlab as cl
from commlab.study.config import Choices, read_config

READMES = ("README.md", "README.zh-CN.md")


@pytest.mark.parametrize("name", READMES)
def test_paths_and_pictures_named_in_the_readme_exist(repository: Path, name: str) -> None:
    text = (repository / name).read_text(encoding="utf-8")
    links = [m for m in re.findall(r"\]\(([^)#]+)\)", text) if not m.startswith("http")]
    paths = re.findall(r"`((?:commlab|data|notebooks|tools|docs|tests|benchmarks)/[\w./-]+)`", text)
    assert links and paths
    made = ("data/processed", "data/raw/2020Q1")
    lacking = [p for p in [*links, *paths] if not p.startswith(made) and not (repository / p).exists()]
    assert not lacking


@pytest.mark.parametrize("name", READMES)
def test_commands_named_in_the_readme_are_known(
    repository: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from commlab.cli import main

    text = (repository / name).read_text(encoding="utf-8")
    assert main(["--help"]) == 0
    known = capsys.readouterr().out
    named = set(re.findall(r"commlab (check|report|run|status|trace|new|lab|doctor|init|release)\b", text))
    assert named
    for command in named:
        assert re.search(rf"^    {command}\b", known, flags=re.M), command


def test_make_targets_named_in_the_readme_exist(repository: Path) -> None:
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    for name in READMES:
        for target in set(re.findall(r"\bmake ([a-z-]+)", (repository / name).read_text(encoding="utf-8"))):
            assert re.search(rf"^{target}:", makefile, flags=re.M), target
    assert "make test" in (repository / ".ci/run").read_text(encoding="utf-8")


def test_assumptions_cited_by_reports_and_notebooks_exist(repository: Path) -> None:
    known = set(
        re.findall(r"^\*\*(A\d+)\.", (repository / "ASSUMPTIONS.md").read_text(encoding="utf-8"), flags=re.M)
    )
    assert len(known) > 20
    sources = [*(repository / "commlab/report").rglob("*.py"), *(repository / "notebooks").glob("*.ipynb")]
    sources += [repository / "study.yaml", repository / "commlab/locale/zh.po"]
    cited = {
        a
        for p in sources
        for a in re.findall(r"\bA\d{1,2}\b(?=[ ,.);\(（）])", p.read_text(encoding="utf-8"))
    } - {"A4"}
    assert cited and cited <= known, cited - known


def test_choices_of_study_yaml_are_all_known_and_the_architecture_page_shows_the_grammar(
    repository: Path,
) -> None:
    config = read_config(repository)
    assert isinstance(config.choices, Choices)
    page = (repository / "ARCHITECTURE.md").read_text(encoding="utf-8")
    for key in (
        "framework:",
        "periods:",
        "weights:",
        "choices:",
        "disclosure:",
        "exclude_flags:",
        "inputs:",
        "required:",
        "carry:",
    ):
        assert key in page


def test_public_names_are_there_and_documented() -> None:
    """Every public function and class has a docstring; no public name is missing from ``__all__``'s module."""
    bare = []
    for package in ("intake", "survey", "weights", "scoring", "report", "figures", "framework"):
        module = getattr(cl, package)
        for name in module.__all__:
            thing = getattr(module, name)
            if callable(thing) and not (getattr(thing, "__doc__", None) or "").strip():
                bare.append(f"{package}.{name}")
    assert not bare
