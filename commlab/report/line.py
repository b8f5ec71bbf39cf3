"""A line of code as a value: printed to be pasted, or carried out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

__all__ = ["Line"]


@dataclass(frozen=True)
class Line:
    """A chain of calls on a name.

    >>> Line("study").then("period", "2019Q4").then("satisfaction", by="sex")
    study.period("2019Q4").satisfaction(by="sex")
    """

    name: str
    calls: tuple[tuple[str, tuple[Any, ...], tuple[tuple[str, Any], ...]], ...] = ()

    def then(self, method: str, *values: Any, **options: Any) -> Line:
        """The chain with one more call."""
        return replace(self, calls=(*self.calls, (method, values, tuple(options.items()))))

    def get(self, what: str) -> Line:
        """The chain with an attribute read."""
        return replace(self, calls=(*self.calls, (f".{what}", (), ())))

    def pick(self, columns: str | list[str]) -> Line:
        """The chain with a column, or columns, picked."""
        return replace(self, calls=(*self.calls, ("[]", (columns,), ())))

    def where(self, **wanted: str | list[str]) -> Line:
        """The chain with rows chosen by columns that equal a text or one of several; "" chooses all."""
        told = [
            f"{column} {'in' if isinstance(value, list) else '=='} {value!r}"
            for column, value in wanted.items()
            if value
        ]
        return self.then("query", " and ".join(told)) if told else self

    def __repr__(self) -> str:
        text = self.name
        for method, values, options in self.calls:
            given = ", ".join([*map(_code, values), *(f"{k}={_code(v)}" for k, v in options)])
            text += method if method[0] == "." else f"[{given}]" if method == "[]" else f".{method}({given})"
        return text

    def run(self, names: Mapping[str, Any], known: dict[str, Any]) -> Any:
        """Carry the chain out on the objects that ``names`` holds; ``known`` remembers the beginnings of chains."""
        here = repr(self)
        if not self.calls:
            return names[self.name]
        if here not in known:
            before = replace(self, calls=self.calls[:-1]).run(names, known)
            method, values, options = self.calls[-1]
            given = [v.run(names, known) if isinstance(v, Line) else v for v in values]
            if method[0] == ".":
                known[here] = getattr(before, method[1:])
            elif method == "[]":
                known[here] = before[given[0]]
            else:
                known[here] = getattr(before, method)(*given, **dict(options))
        return known[here]


def _code(value: Any) -> str:
    if isinstance(value, str):
        plain = '"' not in value and "\\" not in value and value.isprintable()
        return f'"{value}"' if plain else repr(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_code, value))}]"
    return repr(value)
