"""``study.yaml`` as a checked object: what a study is, which files feed which table, which choices were made.

Every fault of the file is collected before any is raised; each names its key. Whatever the method page of a report
prints as a choice is read here and nowhere else.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commlab.errors import StudyError
from commlab.framework.loader import read_yaml
from commlab.tables import LEVELS, period_key

__all__ = ["FORMAT", "READERS", "Choices", "Input", "StudyConfig", "find_study", "read_config"]

FORMAT = 1
"""Version of study.yaml that this library reads."""

READERS = ("measures", "ratings", "judgments", "opinions", "problems", "responses", "mutual", "lists")
TWICE = ("second", "verdict")
"""Patterns of an input whose questionnaires are keyed twice, beside ``files``."""
FLAGS = ("fast", "straightline", "duplicate", "attention", "burst", "out_of_frame", "all_satisfied")


@dataclass(frozen=True)
class Choices:
    """Decisions of the study that move numbers. Defaults are the library's; study.yaml overrules them."""

    seed: int = 20191231
    draws: int = 2000
    aggregation: str = "arithmetic"
    missing: str = "measured"
    confidence: float = 0.95
    raking: tuple[str, ...] = ("sex", "age_band")
    raking_min_cell: int = 30
    lonely: str = "adjust"
    ahp_method: str = "eigenvector"
    ahp_group: str = "aij"
    ahp_max_cr: float = 0.1
    fuzzy_certainty: float = 90.0
    weak_points: int = 5


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
        characters within one path part.
        """
        parts = re.split(r"(\{[a-z]+\}|\*)", files or self.files)
        seen: set[str] = set()
        out = ""
        for part in parts:
            if part == "*":
                out += r"[^/]*"
            elif part.startswith("{"):
                name = part[1:-1]
                out += f"(?P={name})" if name in seen else f"(?P<{name}>[^/_]+?)"
                seen.add(name)
            else:
                out += re.escape(part)
        return re.compile(out + r"(?:\.[A-Za-z]+)?")


@dataclass(frozen=True)
class StudyConfig:
    """study.yaml, checked."""

    root: Path
    title: Mapping[str, str]
    sample: bool
    city: str
    framework: str
    language: str
    instrument: str | None
    periods: tuple[str, ...]
    weights: Mapping[str, str]
    choices: Choices
    disclosure: Mapping[str, int]
    exclude_flags: tuple[str, ...]
    inputs: tuple[Input, ...]
    goalposts: Mapping[str, tuple[float, float]]

    def input(self, name: str) -> Input:
        return next(i for i in self.inputs if i.name == name)


def find_study(path: str | Path = ".") -> Path:
    """The nearest folder at or above ``path`` that holds a study.yaml.

    Raises
    ------
    StudyError
        If there is none.
    """
    start = Path(path).resolve()
    if start.is_file():
        start = start.parent
    for folder in (start, *start.parents):
        if (folder / "study.yaml").is_file():
            return folder
    raise StudyError(
        f"no study.yaml in {start} or any folder above; open a study folder, or name it with --study PATH"
    )


class _Faults:
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


_TOP = (
    "study",
    "title",
    "sample",
    "city",
    "framework",
    "language",
    "instrument",
    "periods",
    "weights",
    "choices",
    "disclosure",
    "exclude_flags",
    "goalposts",
    "inputs",
)
_INPUT = ("name", "label", "files", "each", "carry", "required", "reader")


def read_config(root: str | Path) -> StudyConfig:
    """Read and check ``study.yaml`` of a study folder.

    Raises
    ------
    StudyError
        With all faults of the file: unknown keys, wrong types, periods that are none, inputs without pattern or
        reader, missing framework.
    """
    root = Path(root)
    path = root / "study.yaml"
    given = read_yaml(path)
    faults = _Faults("study.yaml")
    if not isinstance(given, Mapping):
        raise StudyError("study.yaml: expected keys such as study, title, framework; see docs on study.yaml")
    faults.unknown(given, _TOP, "top level")
    if given.get("study") != FORMAT:
        faults.add(
            f"study: expected {FORMAT} (the version of this file's format), found {given.get('study')!r}"
        )
    for key in ("title", "city", "framework", "periods", "inputs"):
        if not given.get(key):
            faults.add(f'"{key}" is missing')
    periods = tuple(str(p) for p in given.get("periods") or ())
    for period in periods:
        if not re.fullmatch(r"\d{4}(H[12]|Q[1-4]|M(0[1-9]|1[0-2]))?", period):
            faults.add(f"periods: {period!r} is not a period; write 2019, 2019H1, 2019Q4 or 2019M11")
    sample = given.get("sample", False)
    if not isinstance(sample, bool):
        faults.add(f"sample: expected true or false, found {sample!r}")
    language = given.get("language", "zh")
    if language not in ("zh", "en"):
        faults.add(f"language: expected zh or en, found {language!r}")
    title = _labels(given.get("title"), "title", faults)
    choices = _choices(given.get("choices") or {}, faults)
    disclosure = {"internal": 10, "public": 30} | dict(given.get("disclosure") or {})
    faults.unknown(disclosure, ("internal", "public"), "disclosure")
    for key, value in disclosure.items():
        if not isinstance(value, int) or value < 1:
            faults.add(f"disclosure: {key} must be a whole number of at least 1, found {value!r}")
    flags = tuple(given.get("exclude_flags") or ())
    for flag in flags:
        if flag not in FLAGS:
            faults.add(f"exclude_flags: {flag!r} is unknown; known: {', '.join(FLAGS)}")
    weights = dict(given.get("weights") or {})
    for level, how in weights.items():
        if level not in ("primary", "secondary", "standard") or how not in ("ahp", "equal"):
            faults.add(f"weights: {level}: {how}; expected primary, secondary, standard: ahp or equal")
    goalposts = _goalposts(given.get("goalposts") or {}, faults)
    inputs = _inputs(given.get("inputs") or [], faults)
    faults.raise_if_any()
    return StudyConfig(
        root=root,
        title=title,
        sample=sample,
        city=str(given["city"]),
        framework=str(given["framework"]),
        language=language,
        instrument=given.get("instrument"),
        periods=tuple(sorted(periods, key=period_key)),
        weights={"primary": "equal", "secondary": "equal", "standard": "equal"} | weights,
        choices=choices,
        disclosure=disclosure,
        exclude_flags=flags,
        inputs=inputs,
        goalposts=goalposts,
    )


def _labels(given: Any, where: str, faults: _Faults) -> dict[str, str]:
    if isinstance(given, str):
        return {"zh": given, "en": given}
    if isinstance(given, Mapping) and given.get("zh"):
        return {"zh": str(given["zh"]), "en": str(given.get("en") or given["zh"])}
    faults.add(f"{where}: expected {{zh: ..., en: ...}}, found {given!r}")
    return {"zh": "", "en": ""}


def _choices(given: Any, faults: _Faults) -> Choices:
    if not isinstance(given, Mapping):
        faults.add(f"choices: expected keys, found {given!r}")
        return Choices()
    known = tuple(Choices.__dataclass_fields__)
    faults.unknown(given, known, "choices")
    taken: dict[str, Any] = {}
    default = Choices()
    for key in known:
        if key not in given:
            continue
        value, usual = given[key], getattr(default, key)
        if isinstance(usual, tuple) and isinstance(value, list | tuple):
            value = tuple(str(v) for v in value)
        elif isinstance(usual, float) and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if key == "raking" and value is False:
            value = ()
        if not isinstance(value, type(usual)) or isinstance(value, bool):
            faults.add(f"choices: {key} must be like {usual!r}, found {value!r}")
            continue
        taken[key] = value
    choices = Choices(**taken)
    if not 0 < choices.confidence < 1:
        faults.add(f"choices: confidence must lie between 0 and 1, found {choices.confidence}")
    if choices.aggregation not in ("arithmetic", "geometric", "harmonic"):
        faults.add(
            f"choices: aggregation is arithmetic, geometric or harmonic, found {choices.aggregation!r}"
        )
    if choices.lonely not in ("fail", "remove", "adjust", "average", "certainty"):
        faults.add(f"choices: lonely is fail, remove, adjust, average or certainty, found {choices.lonely!r}")
    if choices.missing not in ("measured", "zero"):
        faults.add(f"choices: missing is measured or zero, found {choices.missing!r}")
    return choices


def _goalposts(given: Any, faults: _Faults) -> dict[str, tuple[float, float]]:
    """Counts that this study scores between two values of its own: ``code: {low: 0, high: 5}``."""
    if not isinstance(given, Mapping):
        faults.add(f"goalposts: expected codes, found {given!r}")
        return {}
    out = {}
    for code, posts in given.items():
        ends = dict(posts) if isinstance(posts, Mapping) else {}
        numbers = [v for v in ends.values() if isinstance(v, int | float) and not isinstance(v, bool)]
        if set(ends) != {"low", "high"} or len(numbers) != len(ends):
            faults.add(f"goalposts: {code}: expected {{low: number, high: number}}, found {posts!r}")
        else:
            out[str(code)] = (float(ends["low"]), float(ends["high"]))
    return out


def _twice(entry: Mapping[str, Any], where: str, faults: _Faults) -> None:
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


def _inputs(given: Any, faults: _Faults) -> tuple[Input, ...]:
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
                label=_labels(entry.get("label", name), f"{where}: label", faults),
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
