"""Small wrong programs: one change a mutant, made on the syntax tree and written into the text.

A mutant is named by what it changes, not by its line, so that a seeded sample stays the same when other lines move:
``commlab/survey/moments.py Sums.centred arithmetic "a - b" -> "a + b" 1`` (the last number counts equal ones).
Left alone is what only words, types or imports: docstrings, annotations, f-strings, the texts of errors, ``__all__``, and ``strict=`` of zip.
"""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Mutant", "mutants_of"]

COMPARED = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
CALCULATED = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}

SIGNATURE = "()"
"""Marks, behind a function's name, what stands in its signature."""


@dataclass(frozen=True)
class Mutant:
    """One change of one module.

    Attributes
    ----------
    path : str
        The module, relative to the root.
    where : str
        Function or class, "" at the top.
    kind : str
        comparison, arithmetic, constant, boolean, return, removed or swapped.
    before, after : str
        The changed piece.
    n : int
        Which of several equal ones in ``where``.
    lines : (int, int)
        First and last line of its statement (of a block: of its head).
    start, end : int
        Place of the piece in the module's bytes.
    top : bool
        The piece runs at import, not when a function does.
    context : str
        Digest of the function, class or statement of the module that holds it.
    """

    path: str
    where: str
    kind: str
    before: str
    after: str
    n: int
    lines: tuple[int, int]
    start: int
    end: int
    top: bool
    context: str

    @property
    def name(self) -> str:
        return f"{self.path} {self.where or '-'} {self.kind} {_short(self.before)} -> {_short(self.after)} {self.n}"

    def rank(self, seed: int) -> str:
        """A number of its own, for a sample that does not depend on the other mutants."""
        return hashlib.sha256(f"{seed} {self.name}".encode()).hexdigest()

    def applied(self, source: bytes) -> bytes:
        """The module's text with the change."""
        return source[: self.start] + self.after.encode() + source[self.end :]


def mutants_of(root: Path, path: str) -> list[Mutant]:
    """Every mutant of a module, in the order of its text."""
    source = (root / path).read_bytes()
    starts = [0]
    for row in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(row))
    tree = ast.parse(source)
    spans, contexts = _spans(tree), _contexts(tree, source)
    seen: Counter[tuple[str, str, str, str]] = Counter()
    found = []
    for where, kind, node, after in _changes(tree, "", False):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        before = source[start:end].decode()
        if before == after:
            continue
        key = (where, kind, before, after)
        seen[key] += 1
        top = not where or where.endswith(SIGNATURE) or (where[0].isupper() and "." not in where)
        lines = spans.get(node.lineno, (node.lineno, node.lineno))  # "except" and "case" are no statements
        context = contexts[node.lineno]
        found.append(Mutant(path, where, kind, before, after, seen[key], lines, start, end, top, context))
    return found


def _spans(tree: ast.AST) -> dict[int, tuple[int, int]]:
    """Line -> first and last line of the innermost statement there; of a block only its head."""
    out: dict[int, tuple[int, int]] = {}
    for node in ast.walk(tree):  # outer ones first
        if isinstance(node, ast.stmt):
            body = getattr(node, "body", None)
            last = max(body[0].lineno - 1, node.lineno) if body else node.end_lineno or node.lineno
            first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
            out |= dict.fromkeys(range(first, last + 1), (first, last))
    return out


def _contexts(tree: ast.Module, source: bytes) -> dict[int, str]:
    """Line -> digest of the outermost statement there."""
    rows = source.splitlines()
    out: dict[int, str] = {}
    for node in tree.body:
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
        last = node.end_lineno or node.lineno
        told = hashlib.sha256(b"\n".join(rows[first - 1 : last])).hexdigest()[:16]
        out |= dict.fromkeys(range(first, last + 1), told)
    return out


def _short(text: str, most: int = 90) -> str:
    flat = " ".join(text.split())
    return f'"{flat if len(flat) <= most else flat[: most - 9] + "~" + hashlib.sha256(flat.encode()).hexdigest()[:8]}"'


def _changes(tree: ast.AST, where: str, inside: bool) -> Iterator[tuple[str, str, ast.expr | ast.stmt, str]]:
    for node in ast.iter_child_nodes(tree):
        name = where
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            name = f"{where}.{node.name}" if where else node.name
            for part in [*node.decorator_list, *_body(node)]:
                yield from _within(part, name)
            if isinstance(node, ast.FunctionDef):
                for default in [*node.args.defaults, *node.args.kw_defaults]:
                    if default is not None:
                        yield from _within(default, name + SIGNATURE)
        elif not inside:
            yield from _within(node, name)


def _body(node: ast.FunctionDef | ast.ClassDef) -> list[ast.stmt]:
    return node.body[1:] if ast.get_docstring(node) is not None else node.body


def _within(node: ast.AST, where: str) -> Iterator[tuple[str, str, ast.expr | ast.stmt, str]]:
    """The changes of a statement or expression and of what it holds."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        yield from _changes(ast.Module(body=[node], type_ignores=[]), where, True)
        return
    if isinstance(node, (ast.Import, ast.ImportFrom, ast.JoinedStr)) or _words_only(node):
        return
    if isinstance(node, (ast.expr, ast.stmt)):
        for kind, after in _own(node):
            yield where, kind, node, after
    for test in _conditions(node):
        yield where, "boolean", test, f"(not ({ast.unparse(test)}))"
    if isinstance(node, ast.Raise):
        return  # what an error says is words
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    annotations = {id(getattr(node, a, None)) for a in ("annotation", "returns")}
    for child in ast.iter_child_nodes(node):
        checked = (
            isinstance(child, ast.keyword) and child.arg == "strict"
        )  # zip: equal lengths, whatever it says
        if id(child) not in annotations and not checked:
            yield from _within(child, where)


def _words_only(node: ast.AST) -> bool:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True  # a docstring below a constant
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"


def _own(node: ast.expr | ast.stmt) -> Iterator[tuple[str, str]]:
    """(kind, text after) of the changes of one node."""
    match node:
        case ast.Compare(left, [op, *rest], [right, *others]) if type(op) in COMPARED:
            new = ast.Compare(left, [COMPARED[type(op)](), *rest], [right, *others])
            yield "comparison", f"({ast.unparse(new)})"
        case ast.BinOp(left, op, right) if type(op) in CALCULATED and not _texts(left, right):
            yield "arithmetic", f"({ast.unparse(ast.BinOp(left, CALCULATED[type(op)](), right))})"
        case ast.AugAssign(target, op, value):
            if type(op) in CALCULATED and not _texts(value):
                yield "arithmetic", ast.unparse(ast.AugAssign(target, CALCULATED[type(op)](), value))
            yield "removed", "pass"
        case ast.UnaryOp(ast.Not() | ast.Invert() | ast.USub(), operand):
            kind = "arithmetic" if isinstance(node.op, ast.USub) else "boolean"
            yield kind, f"({ast.unparse(operand)})"
        case ast.BoolOp(op, values):
            other = ast.Or() if isinstance(op, ast.And) else ast.And()
            yield "boolean", f"({ast.unparse(ast.BoolOp(other, values))})"
        case ast.Constant(bool() as value):
            yield "constant", str(not value)
        case ast.Constant(int() | float() as value):
            yield "constant", repr(value + 1)
        case ast.Return(value) if value is not None and not _is_none(value):
            yield "return", "return None"
        case ast.Raise() | ast.Continue() | ast.Break():
            yield "removed", "pass"
        case ast.Expr(ast.Call()):
            yield "removed", "pass"
        case ast.Assign([ast.Subscript() | ast.Attribute()], _):
            yield "removed", "pass"
        case ast.Call(function, [first, second, *more], keywords) if not (
            isinstance(first, ast.Starred) or isinstance(second, ast.Starred) or _symmetric(function)
        ):
            yield "swapped", ast.unparse(ast.Call(function, [second, first, *more], keywords))


def _conditions(node: ast.AST) -> list[ast.expr]:
    """Plain conditions of a statement; those with an operator have a change of their own."""
    if isinstance(node, ast.comprehension):
        tests = node.ifs
    else:
        tests = [node.test] if isinstance(node, (ast.If, ast.While, ast.IfExp)) else []
    return [t for t in tests if not isinstance(t, (ast.Compare, ast.BoolOp, ast.UnaryOp, ast.Constant))]


def _texts(*nodes: ast.expr) -> bool:
    return any(
        isinstance(n, ast.JoinedStr) or (isinstance(n, ast.Constant) and isinstance(n.value, str))
        for n in nodes
    )


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _symmetric(function: ast.expr) -> bool:
    """Functions for which the order of two arguments is nothing."""
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in {"max", "min", "maximum", "minimum", "isinstance"}
