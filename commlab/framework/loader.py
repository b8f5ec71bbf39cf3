"""Reads a framework file, resolves what it extends, checks it whole and builds the frozen ``Framework``.

Every fault is told with its line, and all are told at once. A file that ``extends`` another states only what
differs: a node of a known code changes that node wherever it stands, a new one is added below its parent,
``drop: true`` removes one with all below it.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from commlab.errors import DataError, ParameterError
from commlab.framework.build import build_nodes
from commlab.framework.entries import Frozen
from commlab.framework.located import Faults, Map, read, read_yaml, shaped
from commlab.framework.metrics import read_metrics
from commlab.framework.model import Framework, fold
from commlab.framework.printed import read_constants, read_notes, read_types

__all__ = ["bundled", "load_framework", "read_yaml"]

_FOLDER = Path(__file__).parent.parent / "frameworks"
_MOST_FAULTS = 30


def bundled() -> tuple[str, ...]:
    """Names of the frameworks that come with the library."""
    return tuple(sorted(p.stem for p in _FOLDER.glob("*.yaml")))


def load_framework(name_or_path: str | Path) -> Framework:
    """Read and check a framework.

    Parameters
    ----------
    name_or_path : str or Path
        A bundled name (``kunming_2018``), or the path of a YAML file.

    Returns
    -------
    Framework

    Raises
    ------
    ParameterError
        If there is no such bundled framework or file.
    DataError
        With all faults of the file, each with its line: unknown or repeated keys and codes, codes that are
        not text, orphans, cycles, weights that do not add up to 1 within 0.005, rules that lack a key.

    Examples
    --------
    >>> load_framework("kunming_2018")
    Framework(kunming_2018: 4 / 17 / 54 nodes, 54 leaves)
    """
    path = _locate(name_or_path, Path.cwd())
    faults = Faults(str(path))
    top = _merged(path, faults, ())
    frame = None if top is None else _framework(top, faults)
    if faults.found or frame is None:
        shown = faults.found[:_MOST_FAULTS]
        more = len(faults.found) - len(shown)
        text = "; ".join(shown) + (f"; and {more} more" if more else "")
        raise DataError(
            f"the framework has {len(faults.found)} fault(s): {text}", file=str(path), faults=faults.found
        )
    return frame


def _locate(name_or_path: str | Path, folder: Path) -> Path:
    if not isinstance(name_or_path, str | Path) or not str(name_or_path).strip():
        raise ParameterError(f"a framework is named by text or a path, not by {name_or_path!r}")
    text = str(name_or_path)
    if isinstance(name_or_path, str) and text in bundled():
        return _FOLDER / f"{text}.yaml"
    path = folder / text
    with contextlib.suppress(OSError, ValueError):  # a name too long, or with a zero byte
        if path.is_file():
            return path
    raise ParameterError(
        f"no framework is called {text!r} and no file stands at {path}; "
        f"bundled are {', '.join(bundled()) or 'none'}"
    )


def _merged(path: Path, faults: Faults, seen: tuple[Path, ...]) -> Map | None:
    """One file with what it extends below it: metrics and nodes that differ replace those of the base."""
    if path.resolve() in seen:
        chain = " -> ".join(p.name for p in (*seen, path))
        faults.add(1, f"the frameworks extend each other in a circle ({chain})")
        return None
    own = read(path, faults)
    if own is None:
        return None
    own = shaped(own, "framework", faults, "the framework")
    _flatten(own, faults, bool(own.get("extends")))
    if not own.get("extends"):
        return own
    try:
        below = _locate(own["extends"], path.parent)
    except ParameterError as error:
        faults.add(own.lines["extends"], f"extends: {error}")
        return None
    of_base = Faults(str(below))
    base = _merged(below, of_base, (*seen, path.resolve()))
    faults.found += [f"in {below.name}, {f}" for f in of_base.found]
    return None if base is None else _overlay(base, own, faults)


def _flatten(own: Map, faults: Faults, refines: bool) -> None:
    """Replace the nested nodes by a flat list in printed order, each with its parent; check their shape."""
    flat: list[Map] = []

    def walk(items: list[Any], parent: str | None) -> None:
        for item in items:
            what = f"node {item.get('code')}" if isinstance(item, dict) else "a node"
            node = shaped(item, "node", faults, what, line=own.lines.get("nodes", 1))
            if node.get("children") == [] and not node.get("parts"):
                faults.add(node.lines["children"], f"{what}: children is empty; a leaf has parts")
            if "code" not in node:
                continue
            if parent is not None:
                if "parent" in node and fold(node["parent"]) != fold(parent):
                    faults.add(
                        node.line, f"{what} stands below {parent} but names {node['parent']} as its parent"
                    )
                node["parent"] = parent
            flat.append(node)
            walk(node.pop("children", []), node["code"])

    walk(own.get("nodes", []), None)
    first: dict[str, Map] = {}
    for node in flat:
        key = fold(node["code"])
        if key in first:
            faults.add(node.line, f"the code {node['code']} is repeated (first on line {first[key].line})")
        elif key == "total":
            faults.add(node.line, "the code total is kept for the whole")
        else:
            first[key] = node
    if not refines and not flat:
        faults.add(own.lines.get("nodes", 1), "the framework has no nodes")
    own["flat"] = list(first.values())


def _overlay(base: Map, own: Map, faults: Faults) -> Map:
    out = Map()
    out.line = own.line
    out.update(base)
    out.lines = {**base.lines, **own.lines}
    joined = ("metrics", "types", "constants")
    out.update({k: v for k, v in own.items() if k not in (*joined, "flat", "nodes", "extends")})
    for key in joined:
        both = Map()
        for source in (base.get(key), own.get(key)):
            if source:
                both.update(source)
                both.lines |= source.lines
        if both:
            out[key] = both
    known = {fold(n["code"]): n for n in base["flat"]}
    flat = list(base["flat"])
    for node in own["flat"]:
        old = known.get(fold(node["code"]))
        if old is None:
            if node.get("drop"):
                faults.add(
                    node.line, f"node {node['code']} cannot be dropped: the base has none of this code"
                )
            flat.append(node)
            known[fold(node["code"])] = node
            continue
        new = Map()
        new.line, new.lines = node.line, {**old.lines, **node.lines}
        new.update(old)
        new.update({k: v for k, v in node.items() if k != "code"})
        if "weight" in node:
            new.pop("points", None)
        if "points" in node:
            new.pop("weight", None)
        flat[next(i for i, n in enumerate(flat) if n is old)] = new
        known[fold(node["code"])] = new
    dropped = {fold(n["code"]) for n in flat if n.get("drop")}
    while below := {fold(n["code"]) for n in flat if fold(n.get("parent", "")) in dropped} - dropped:
        dropped |= below
    out["flat"] = [n for n in flat if fold(n["code"]) not in dropped]
    if not out["flat"]:
        faults.add(own.lines.get("nodes", 1), "every node was dropped: the framework has no nodes")
    return out


def _framework(top: Map, faults: Faults) -> Framework | None:
    if "source" in top:
        top["source"] = shaped(top["source"], "source", faults, "source")
    metrics = read_metrics(top.get("metrics"), faults)
    types = read_types(top.get("types"), faults)
    source = top.get("source", {})
    constants = read_constants(top.get("constants"), source, faults)
    remarks = read_notes(top.get("notes"), source, faults)
    notes: list[str] = []
    nodes = build_nodes(top["flat"], metrics, faults, notes)
    if types:
        for part in (p for n in nodes for p in n.parts if p.type and p.type not in types):
            faults.add(
                part.line, f"a part of {part.code} is for type {part.type!r}, which is not among the types"
            )
    if faults.found:
        return None
    return Framework(
        name=top["name"],
        title=Frozen(dict(top.get("title", {"zh": top["name"]}))),
        source=Frozen({k: str(v) for k, v in source.items()}),
        metrics=Frozen(metrics),
        nodes=tuple(nodes),
        notes=tuple(notes),
        types=Frozen(types),
        constants=Frozen(constants),
        remarks=remarks,
    )
