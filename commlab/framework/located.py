"""YAML as mappings that know their lines, and the check of their keys.

The file is composed to YAML nodes, not loaded: so repeated keys, aliases in a circle and values that YAML
turned into something else (``no`` into false, ``010`` into eight) are seen, each fault told with its line.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from commlab.errors import StudyError
from commlab.framework.rules import KINDS, SHAPES
from commlab.text import unseen

__all__ = ["Faults", "Map", "check_keys", "read", "read_yaml", "shaped"]

_MOST_NODES = 100_000
_PLAIN_TAGS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


class Map(dict[str, Any]):
    """A mapping that knows on which line it and its keys stand."""

    line: int = 0

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, int] = {}


@dataclass
class Faults:
    """Collects what is wrong, each with file and line."""

    file: str
    found: list[str] = field(default_factory=list)

    def add(self, line: int, message: str) -> None:
        self.found.append(f"line {line}: {message}")


def read(path: Path, faults: Faults) -> Map | None:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        faults.add(1, f"the file is not UTF-8 text (byte {error.start}); save it as UTF-8")
        return None
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        node = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        faults.add(mark.line + 1 if mark else 1, f"this is not YAML: {error.problem or error.context}")
        return None
    except yaml.YAMLError as error:
        faults.add(1, f"this is not YAML: {error}")
        return None
    if not isinstance(node, yaml.MappingNode):
        faults.add(1, "the file is not a mapping of keys to values")
        return None
    value = _plain(node, faults, (), [0])
    return value if isinstance(value, Map) else None


def _plain(node: yaml.Node, faults: Faults, above: tuple[int, ...], count: list[int]) -> Any:
    """A YAML node as mapping, list or scalar; repeated keys, circular aliases and foreign tags are faults."""
    line = node.start_mark.line + 1
    count[0] += 1
    if id(node) in above:
        faults.add(line, "an alias contains itself (a cycle)")
        return None
    if count[0] > _MOST_NODES:
        if count[0] == _MOST_NODES + 1:
            faults.add(line, f"the file unfolds to more than {_MOST_NODES} entries")
        return None
    above = (*above, id(node))
    if not isinstance(node, yaml.ScalarNode) and node.tag not in _PLAIN_TAGS:
        faults.add(line, f"the tag {node.tag} is not allowed")
        return None
    if isinstance(node, yaml.MappingNode):
        out = Map()
        out.line = line
        for key_node, value_node in node.value:
            at = key_node.start_mark.line + 1
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None or unseen(key) or key_node.tag != "tag:yaml.org,2002:str":
                faults.add(at, f"the key {key!r} is not text; put it in quotes")
                continue
            if key in out:
                faults.add(at, f"the key {key!r} is repeated (first on line {out.lines[key]})")
                continue
            out[key] = _plain(value_node, faults, above, count)
            out.lines[key] = at
        return out
    if isinstance(node, yaml.SequenceNode):
        return [_plain(child, faults, above, count) for child in node.value]
    if gone := unseen(node.value):
        told = ", ".join(f"U+{ord(c):04X}" for c in gone[:5])
        faults.add(line, f"{node.value[:40]!a} holds characters that nobody sees ({told}); type it again")
        return None
    try:
        return yaml.constructor.SafeConstructor().construct_object(node)
    except (yaml.YAMLError, ValueError) as error:
        faults.add(line, f"{node.value!r} cannot be read: {getattr(error, 'problem', None) or error}")
        return None


def read_yaml(path: str | Path) -> Any:
    """A YAML file as plain mappings, lists and scalars; a repeated key is refused.

    Raises
    ------
    StudyError
        If the file is missing or is not YAML, with all faults and their lines.
    """
    file = Path(path)
    if not file.is_file():
        raise StudyError(f"there is no file {file}")
    faults = Faults(str(file))
    value = read(file, faults)
    if faults.found:
        raise StudyError(f"{file}: " + "; ".join(faults.found))
    return _bare(value)


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _bare(v) for k, v in value.items()}
    return [_bare(v) for v in value] if isinstance(value, list) else value


def shaped(given: Any, shape: str, faults: Faults, what: str, *, line: int = 0) -> Map:
    """The keys of a mapping that are known and of the right kind; the others become faults.

    ``line`` is told of what is no mapping.
    """
    keys, needed = SHAPES[shape]
    return check_keys(given, keys, needed, faults, what, line=line)


def check_keys(
    given: Any, keys: dict[str, str], needed: tuple[str, ...], faults: Faults, what: str, *, line: int = 0
) -> Map:
    """Keep known keys of the right kind; report unknown, missing and wrong ones. Null counts as absent."""
    out = Map()
    if not isinstance(given, Map):
        faults.add(line, f"{what} is {given!r}, not a mapping")
        return out
    out.line, out.lines = given.line, given.lines
    for key, value in given.items():
        at = given.lines[key]
        if key not in keys:
            faults.add(at, f"{what} has an unknown key {key!r}; known are {', '.join(keys)}")
        elif value is None:
            continue
        else:
            holds, kind = KINDS[keys[key]]
            if not holds(value):
                faults.add(at, f"{what}: {key} is {_shown(value)}; it must be {kind}")
            else:
                out[key] = value
    lacking = [k for k in needed if given.get(k) is None]
    if lacking:
        faults.add(given.line, f"{what} lacks {', '.join(lacking)}")
    return out


def _shown(value: Any) -> str:
    return f"{type(value).__name__} {value!r}" if isinstance(value, bool | int | float) else f"{value!r}"
