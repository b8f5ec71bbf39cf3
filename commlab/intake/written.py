"""YAML as it is written: plain values, the line of each, and what YAML would quietly make of a word.

``no:`` becomes false, ``010`` eight, ``12:30`` seven hundred and fifty and ``2019-10-01`` a date: where a
person meant the text this is a fault, told with its line. Keys are always text as written (``1:`` is "1").
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from commlab.errors import DataError
from commlab.text import unseen

__all__ = ["Faults", "read_written"]

Place = tuple[Any, ...]
_TAG = "tag:yaml.org,2002:"
_PLAIN = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?")
_MOST = 50_000


class Faults:
    """Collects what is wrong, each with the line of its place where the file is known."""

    def __init__(self) -> None:
        self.lines: dict[Place, int] = {}
        self.words: dict[Place, str] = {}
        self._found: list[tuple[int, str]] = []

    def add(self, message: str, *place: Any) -> None:
        """Note a fault at a place (keys and positions from the top), or at the nearest one above it."""
        while place and place not in self.lines:
            place = place[:-1]
        self.at(self.lines.get(place, 0), message)

    def at(self, line: int, message: str) -> None:
        self._found.append((line, f"line {line}: {message}" if line else message))

    @property
    def found(self) -> list[str]:
        """All faults, in the order of the file."""
        return [message for _, message in sorted(self._found, key=lambda fault: fault[0])]


def read_written(path: Path, faults: Faults) -> Any:
    """Read a YAML file.

    Raises
    ------
    DataError
        If there is no file, or it is no UTF-8 text or no YAML.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (FileNotFoundError, IsADirectoryError):
        raise DataError("there is no such codebook", file=str(path)) from None
    except UnicodeDecodeError as error:
        raise DataError(f"a codebook is UTF-8 text ({error.reason})", file=str(path)) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}: " if mark else ""
        raise DataError(
            f"{where}this is not YAML: {error.problem or error.context}", file=str(path)
        ) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise DataError(f"this is not YAML: {error}", file=str(path)) from None
    return None if node is None else _Reader(faults).value(node, ())


def _read_as(node: yaml.ScalarNode) -> str:
    """What YAML makes of a word, in words."""
    try:
        value = yaml.constructor.SafeConstructor().construct_object(node)
    except (yaml.YAMLError, ValueError):
        return "something else"
    return "nothing" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


class _Reader:
    def __init__(self, faults: Faults) -> None:
        self.faults, self.count, self.above = faults, 0, []  # type: ignore[var-annotated]

    def value(self, node: yaml.Node, place: Place) -> Any:
        line = node.start_mark.line + 1
        self.faults.lines.setdefault(place, line)
        self.count += 1
        if self.count > _MOST or node in self.above:
            self.faults.at(line, f"unfolds to more than {_MOST} entries, or an alias contains itself")
            return None
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, place)
        self.above.append(node)
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.value(child, (*place, k)) for k, child in enumerate(node.value)]
            return self._mapping(node, place) if isinstance(node, yaml.MappingNode) else None
        finally:
            self.above.pop()

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        out: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            kind = key_node.tag.removeprefix(_TAG)
            if kind == "merge":
                parts = self.value(value_node, place)
                for part in parts if isinstance(parts, list) else [parts]:
                    merged |= part if isinstance(part, dict) else {}
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                self.faults.at(line, "a key is a list or a mapping; a key is text")
                continue
            key = self._seen(key_node)
            if kind not in ("str", "int", "float") or (kind != "str" and not _PLAIN.fullmatch(key)):
                self.faults.at(
                    line,
                    f"YAML reads {key or 'an empty key'} as {_read_as(key_node)}; put it in quotes: '{key}'",
                )
            if key in out:
                first = self.faults.lines[*place, key]
                self.faults.at(line, f"the key {key!r} stands twice (first on line {first})")
                continue
            self.faults.lines[*place, key] = line
            out[key] = self.value(value_node, (*place, key))
        return merged | out

    def _seen(self, node: yaml.ScalarNode) -> str:
        """A word as it stands; characters that nobody sees are a fault."""
        if gone := unseen(node.value):
            told = ", ".join(f"U+{ord(c):04X}" for c in gone[:5])
            self.faults.at(
                node.start_mark.line + 1,
                f"{node.value[:40]!a} holds characters that nobody sees ({told}); type it again",
            )
        return str(node.value)

    def _scalar(self, node: yaml.ScalarNode, place: Place) -> Any:
        kind, text = node.tag.removeprefix(_TAG), node.value
        self._seen(node)
        if kind == "null":
            return None
        if kind == "bool":
            self.faults.words[place] = text
            return text.lower() in ("yes", "true", "on")
        if kind in ("int", "float") and _PLAIN.fullmatch(text):
            return int(text) if kind == "int" else float(text)
        if kind != "str":
            self.faults.at(
                node.start_mark.line + 1, f"YAML reads {text} as {_read_as(node)}; put it in quotes: '{text}'"
            )
        return text
