"""SECURITY.md against the code: what it names exists, and every line is held by a test or by a person."""

from __future__ import annotations

import re

import pytest

from commlab.errors import ParameterError
from commlab.tables import CLASSES, CONTRACTS, Column


@pytest.fixture(scope="module")
def page(repository):
    return (repository / "SECURITY.md").read_text(encoding="utf-8")


def rows(page: str, title: str) -> list[list[str]]:
    """The cells of the table below a title."""
    below = page.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in below.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_test_that_is_named_exists(page, repository):
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page)
    assert len(named) > 40
    lacking = [
        f"{path}::{name}"
        for path, name in sorted(set(named))
        if not (repository / path).exists()
        or not re.search(rf"^def {name}\(", (repository / path).read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert not lacking


def test_every_path_and_target_that_is_named_exists(page, repository):
    paths = set(re.findall(r"`((?:tests|tools|commlab|benchmarks)/[\w./-]+?)(?:::\w+)?`", page))
    assert not [p for p in paths if not (repository / p).exists()]
    make = (repository / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"`make ([a-z]+)`", page))
    assert {"torture", "mutate", "sbom"} <= targets
    from tools.torture import PARTS

    parts = set(re.findall(r"\*\*([a-z]+)\*\*", page.split("## The supply chain")[0]))
    assert parts == set(PARTS), "each part of make torture stands beside what it tries"
    assert not [t for t in targets if not re.search(rf"^{t}:", make, re.MULTILINE)]


@pytest.mark.parametrize(
    ("title", "least"), [("Who attacks, how, and what holds", 12), ("Duties from the law", 15)]
)
def test_every_line_is_held_by_a_test_or_a_lawyer(page, title, least):
    table = rows(page, title)
    assert len(table) >= least and {len(row) for row in table} == {4}
    assert not [row for row in table if "::test_" not in row[3] and "[lawyer]" not in row[3]]


def test_every_column_has_a_class_and_an_unknown_one_is_refused():
    classes = {column.privacy for contract in CONTRACTS.values() for column in contract.columns}
    assert {"open", "quasi"} <= classes <= set(CLASSES)
    assert not any(c.privacy == "identifier" for contract in CONTRACTS.values() for c in contract.columns)
    with pytest.raises(ParameterError, match="x: the class 'secret' is not one of open, quasi"):
        Column("x", privacy="secret")
