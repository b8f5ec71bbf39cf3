"""The ``inputs:`` of study.yaml: which files feed which table; and what checks every part of that file."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from commlab.errors import StudyError
from commlab.tables import LEVELS

__all__ = ["READERS", "Faults", "Input", "read_inputs", "read_labels"]

READERS = (
    "measures",
    "ratings",
    "judgments",
    "opinions",
    "problems",
    "responses",
    "mutual",
    "lists",
    "records",
)
TWICE = ("second", "verdict")
"""Patterns of an input whose questionnaires are keyed twice, beside ``files``."""


@dataclass(frozen=True)
class Input:
    """One line of ``inputs:``: a pattern of files and how they become rows of one table."""

    name: str
    label: Mapping[str, str]
    files: str
    each: str
    reader: str
    carry: bool
    required: bool
    spec: Mapping[str, Any]

    def patterns(self) -> dict[str, re.Pattern[str]]:
        """What files of the input are called, by role: ``files`` and, of paper keyed twice, ``second`` and ``verdict``."""
        more = {role: str(self.spec[role]) for role in TWICE if self.spec.get(role)}
        return {role: self.regex(pattern) for role, pattern in ({"files": self.files} | more).items()}

    def regex(self, files: str | None = None) -> re.Pattern[str]:
        """A pattern (default: of the input's files) as a regular expression over paths below ``data/raw/<period>/``.

        ``{district}, ``{expert}``, ``{rater}``, ``{round}`` and ``{stage}`` become named groups; ``*`` is any run of
        characters within one path part; behind a name it begins with a sign, so that the name stays whole.
        """
        parts = [p for p in re.split(r"(\{[a-z]+\}|\*)", files or self.files) if p]
        seen: set[str] = set()
        out = ""
        for before, part in zip(["", *parts], parts, strict=False):
            if part == "*":
                out += r"(?:[\W_][^/]*)?" if before.startswith("{") else r"[^/]*"
            elif part.startswith("{"):
                name = part[1:-1]
                out += f"(?P={name})" if name in seen else f"(?P<{name}>[^/_]+?)"
                seen.add(name)
            else:
                out += re.escape(part)
        return re.compile(out + r"(?:\.[A-Za-z]+)?")


class Faults:
    """Collects faults of a mapping while its keys are taken out one by one."""

    def __init__(self, where: str) -> None:
        self.where, self.found = where, list[str]()

    def add(self, message: str) -> None:
        self.found.append(message)

    def unknown(self, given: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
        for key in given:
            if key not in known:
                near = difflib.get_close_matches(str(key), known, n=1)
                self.add(f'{where}: unknown key "{key}"' + (f' (did you mean "{near[0]}"?)' if near else ""))

    def raise_if_any(self) -> None:
        if self.found:
            raise StudyError(f"{self.where}: " + "; ".join(self.found))


def read_labels(given: Any, where: str, faults: Faults) -> dict[str, str]:
    if isinstance(given, str):
        return {"zh": given, "en": given}
    if isinstance(given, Mapping) and given.get("zh"):
        return {"zh": str(given["zh"]), "en": str(given.get("en") or given["zh"])}
    faults.add(f"{where}: expected {{zh: ..., en: ...}}, found {given!r}")
    return {"zh": "", "en": ""}


_INPUT = ("name", "label", "files", "each", "carry", "required", "reader")


def _twice(entry: Mapping[str, Any], where: str, faults: Faults) -> None:
    """Patterns of a second keying: with the placeholders of the first, so that every file finds its own."""
    for role in TWICE:
        pattern = entry.get(role)
        if pattern is None:
            continue
        if not isinstance(pattern, str) or not pattern:
            faults.add(f"{where}: {role} is a pattern like files, found {pattern!r}")
        elif entry.get("reader") != "responses":
            faults.add(f"{where}: {role} is for questionnaires (reader: responses)")
        elif set(re.findall(r"\{[a-z]+\}", pattern)) != set(
            re.findall(r"\{[a-z]+\}", str(entry.get("files")))
        ):
            faults.add(
                f"{where}: {role} needs the placeholders of files ({entry.get('files')}), found {pattern}"
            )
        elif pattern == entry.get("files"):
            faults.add(f"{where}: {role} is the pattern of files again; the two keyings need different names")
    if entry.get("verdict") is not None and entry.get("second") is None:
        faults.add(f"{where}: verdict needs second, the pattern of the second keying")


def read_inputs(given: Any, faults: Faults) -> tuple[Input, ...]:
    if not isinstance(given, list):
        faults.add("inputs: expected a list")
        return ()
    out = []
    for number, entry in enumerate(given, 1):
        if not isinstance(entry, Mapping):
            faults.add(f"inputs: entry {number} is not a mapping")
            continue
        name = str(entry.get("name") or f"entry {number}")
        where = f"inputs: {name}"
        for key in ("name", "files", "reader"):
            if not entry.get(key):
                faults.add(f'{where}: "{key}" is missing')
        if entry.get("reader") not in READERS:
            faults.add(f"{where}: reader {entry.get('reader')!r} is unknown; known: {', '.join(READERS)}")
        each = str(entry.get("each") or "once")
        if each not in ("once", "district", "many"):
            faults.add(f"{where}: each is once, district or many, found {each!r}")
        level = entry.get("level")
        if level is not None and level not in LEVELS:
            faults.add(f"{where}: level {level!r} is unknown; known: {', '.join(LEVELS)}")
        if each == "district" and "{district}" not in str(entry.get("files")):
            faults.add(f"{where}: each is district, so files needs {{district}} in its pattern")
        _twice(entry, where, faults)
        out.append(
            Input(
                name=name,
                label=read_labels(entry.get("label", name), f"{where}: label", faults),
                files=str(entry.get("files") or ""),
                each=each,
                reader=str(entry.get("reader") or ""),
                carry=bool(entry.get("carry", False)),
                required=bool(entry.get("required", True)),
                spec={k: v for k, v in entry.items() if k not in _INPUT},
            )
        )
    names = [i.name for i in out]
    for twice in {n for n in names if names.count(n) > 1}:
        faults.add(f'inputs: the name "{twice}" is used {names.count(twice)} times')
    return tuple(out)
