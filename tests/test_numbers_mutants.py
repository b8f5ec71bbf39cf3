"""The mutants of ``make mutate``: what is changed, what is left alone, and that each is a program."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tools.mutate import equivalents
from tools.mutated.mutants import mutants_of

SOURCE = '''"""A module."""

from __future__ import annotations

__all__ = ["f"]

LIMIT = 3


def f(x: int = 1, *, strict: bool = False) -> float:
    """1 + 1 is left alone."""
    if not x:
        raise ValueError(f"{x + 1} is nothing")
    rows = list(zip([1], [x], strict=True))
    rows[0] = (x, 2)
    while strict:
        x -= 1
    return g(x, len(rows)) * 2 if x < LIMIT and rows else "a" + str(x)


class C:
    size: int = 5

    def g(self, 数: int) -> bool:
        return 数 >= self.size
'''


@pytest.fixture
def mutants(tmp_path):
    (tmp_path / "m.py").write_text(SOURCE, encoding="utf-8")
    return mutants_of(tmp_path, "m.py")


def test_each_is_one_change_and_a_program(mutants):
    source = SOURCE.encode()
    assert len({m.name for m in mutants}) == len(mutants) > 20
    for mutant in mutants:
        changed = mutant.applied(source)
        assert changed != source
        ast.parse(changed)


@pytest.mark.parametrize(
    ("where", "kind", "before", "after"),
    [
        ("", "constant", "3", "4"),
        ("f()", "constant", "1", "2"),
        ("f()", "constant", "False", "True"),
        ("f", "boolean", "not x", "(x)"),
        ("f", "removed", "rows[0] = (x, 2)", "pass"),
        ("f", "boolean", "strict", "(not (strict))"),
        ("f", "arithmetic", "x -= 1", "x += 1"),
        ("f", "comparison", "x < LIMIT", "(x <= LIMIT)"),
        ("f", "boolean", "x < LIMIT and rows", "(x < LIMIT or rows)"),
        ("f", "swapped", "g(x, len(rows))", "g(len(rows), x)"),
        ("f", "arithmetic", "g(x, len(rows)) * 2", "(g(x, len(rows)) / 2)"),
        ("C", "constant", "5", "6"),
        ("C.g", "comparison", "数 >= self.size", "(数 > self.size)"),
        ("C.g", "return", "return 数 >= self.size", "return None"),
    ],
)
def test_what_is_changed(mutants, where, kind, before, after):
    assert (where, kind, before, after) in {(m.where, m.kind, m.before, m.after) for m in mutants}


def test_words_types_and_equal_lengths_are_left_alone(mutants):
    touched = {m.before for m in mutants}
    assert not {"x + 1", "True", '"a" + str(x)', '["f"]'} & touched
    assert {m.before for m in mutants if m.top} == {"3", "1", "False", "5"}


def test_a_sample_does_not_depend_on_other_lines(mutants, tmp_path: Path):
    (tmp_path / "m.py").write_text(SOURCE.replace("LIMIT = 3", "LIMIT = 3\n\n\nOTHER = 4"), encoding="utf-8")
    ranks = {m.name: m.rank(1) for m in mutants_of(tmp_path, "m.py")}
    assert all(ranks[m.name] == m.rank(1) for m in mutants)


def test_every_mutant_that_changes_nothing_has_its_reason():
    assert all(name.startswith("commlab/") and len(why) > 20 for name, why in equivalents().items())
