"""``study.yaml`` as a checked object: what a study is, which files feed which table, which choices were made.

Every fault of the file is collected before any is raised; each names its key. Whatever the method page of a report
prints as a choice is read here and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from commlab.errors import StudyError
from commlab.framework import Note
from commlab.framework.loader import read_yaml
from commlab.periods import GRAMMAR, period_key
from commlab.study.inputs import READERS, Faults, Input, read_inputs, read_labels

__all__ = ["FORMAT", "READERS", "Choices", "Input", "Quotas", "StudyConfig", "find_study", "read_config"]

_LONGEST_PATH = 200
FORMAT = 1
"""Version of study.yaml that this library reads."""

WORDS = ("subject", "whole", "part", "member")
"""What reports call the matter evaluated, the whole, its parts (that reports are made for) and what these consist of."""
_LEVEL_NAMES = {1: "primary", 2: "secondary", 3: "standard"}
DEEPEST_NAMED = 3
"""``standard`` speaks of this level of the framework and of all below it."""
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
    ranked_within: str = "whole"


@dataclass(frozen=True)
class Quotas:
    """A printed table of places in ``data/register``: its columns by name, and which of them are places to be won.

    ``count`` maps columns to types of communities: what is printed must agree with units.csv.
    """

    file: str
    unit: str
    columns: Mapping[str, str]
    places: str
    label: Mapping[str, str]
    count: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StudyConfig:
    """study.yaml, checked.

    ``words`` says what reports call the subject, the whole, its parts and their members; ``notes``
    are sentences for chapters of the reports; ``options`` is what the study's own notebooks read, ``notebooks`` their titles.
    """

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
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    quotas: Quotas | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    notebooks: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def weighing(self, level: int) -> str:
        """How the nodes of a level of the framework (1 is the top) are weighed where the study decides: ahp or equal."""
        named = _LEVEL_NAMES[min(level, DEEPEST_NAMED)]
        return self.weights.get(str(level), self.weights.get(named, "equal"))

    def input(self, name: str) -> Input:
        return next(i for i in self.inputs if i.name == name)


def find_study(path: str | Path = ".") -> Path:
    """The nearest folder at or above ``path`` that holds a study.yaml.

    Raises
    ------
    StudyError
        If there is none, or no such folder: a misspelt one is not taken for the study around it.
    """
    start = Path(path).resolve()
    if not start.exists():
        raise StudyError(f"there is no folder {start}; open a study folder, or name it with --study PATH")
    if start.is_file():
        start = start.parent
    for folder in (start, *start.parents):
        if (folder / "study.yaml").is_file():
            return folder
    raise StudyError(
        f"no study.yaml in {start} or any folder above; open a study folder, or name it with --study PATH"
    )


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
    "words",
    "notes",
    "quotas",
    "options",
    "notebooks",
    "inputs",
)


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
    faults = Faults("study.yaml")
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
    periods = tuple(str(p) for p in _listed(given.get("periods"), "periods", faults))
    for period in periods:
        if not re.fullmatch(GRAMMAR, period):
            faults.add(f"periods: {period!r} is not a period; write 2019, 2019H1, 2019Q4 or 2019M11")
    sample = given.get("sample", False)
    if not isinstance(sample, bool):
        faults.add(f"sample: expected true or false, found {sample!r}")
    language = given.get("language", "zh")
    if language not in ("zh", "en"):
        faults.add(f"language: expected zh or en, found {language!r}")
    title = read_labels(given.get("title"), "title", faults)
    choices = _choices(given.get("choices") or {}, faults)
    disclosure = {"internal": 10, "public": 30} | _keyed(given.get("disclosure"), "disclosure", faults)
    faults.unknown(disclosure, ("internal", "public"), "disclosure")
    for key, value in disclosure.items():
        if not isinstance(value, int) or value < 1:
            faults.add(f"disclosure: {key} must be a whole number of at least 1, found {value!r}")
    flags = tuple(_listed(given.get("exclude_flags"), "exclude_flags", faults))
    for flag in flags:
        if flag not in FLAGS:
            faults.add(f"exclude_flags: {flag!r} is unknown; known: {', '.join(FLAGS)}")
    weights = _weights(given.get("weights") or {}, faults)
    options = given.get("options") or {}
    if not isinstance(options, Mapping):
        faults.add(f"options: expected keys for the study's own notebooks, found {options!r}")
    goalposts = _goalposts(given.get("goalposts") or {}, faults)
    inputs = read_inputs(given.get("inputs") or [], faults)
    words, notes = _words(given.get("words") or {}, faults), _notes(given.get("notes") or [], faults)
    quotas = _quotas(given.get("quotas"), faults)
    notebooks = _titles(given.get("notebooks") or {}, "notebooks", faults)
    if len(str(given.get("framework"))) > _LONGEST_PATH:
        faults.add(f"framework: a bundled name or a path of at most {_LONGEST_PATH} characters")
    instrument = given.get("instrument")
    if instrument is not None and not re.fullmatch(r"\w[\w-]*", str(instrument)):
        faults.add(f"instrument: a name of letters, digits, _ and - (a codebook's), found {instrument!r}")
    faults.raise_if_any()
    return StudyConfig(
        root=root,
        title=title,
        sample=sample,
        city=str(given["city"]),
        framework=str(given["framework"]),
        language=language,
        instrument=None if instrument is None else str(instrument),
        periods=tuple(sorted(periods, key=period_key)),
        weights=weights,
        choices=choices,
        disclosure=disclosure,
        exclude_flags=flags,
        inputs=inputs,
        goalposts=goalposts,
        words=words,
        notes=notes,
        quotas=quotas,
        options=options,
        notebooks=notebooks,
    )


def _choices(given: Any, faults: Faults) -> Choices:
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
    if choices.ranked_within not in ("whole", "group"):
        faults.add(
            f"choices: ranked_within is whole, or group (the column of units.csv), found {choices.ranked_within!r}"
        )
    if choices.missing not in ("measured", "zero"):
        faults.add(f"choices: missing is measured or zero, found {choices.missing!r}")
    return choices


def _weights(given: Any, faults: Faults) -> dict[str, str]:
    """Level -> how it is weighed. Levels of a deep tree may be given by number."""
    if not isinstance(given, Mapping):
        faults.add(f"weights: expected levels, found {given!r}")
        return {}
    out = {}
    for level, how in given.items():
        if str(level) not in (*_LEVEL_NAMES.values(), *"123456789") or how not in ("ahp", "equal"):
            faults.add(
                f"weights: {level}: {how}; expected primary, secondary, standard or 1 to 9: ahp or equal"
            )
        out[str(level)] = str(how)
    return out


def _words(given: Any, faults: Faults) -> dict[str, Mapping[str, str]]:
    if not isinstance(given, Mapping):
        faults.add(f"words: expected {', '.join(WORDS)}, found {given!r}")
        return {}
    faults.unknown(given, WORDS, "words")
    return _titles(given, "words", faults)


def _titles(given: Any, where: str, faults: Faults) -> dict[str, Mapping[str, str]]:
    if not isinstance(given, Mapping):
        faults.add(f"{where}: expected names with {{zh: ..., en: ...}}, found {given!r}")
        return {}
    return {str(key): read_labels(value, f"{where}: {key}", faults) for key, value in given.items()}


def _notes(given: Any, faults: Faults) -> tuple[Note, ...]:
    """Sentences for chapters: ``{chapter: method, zh: ..., en: ...}``."""
    out = []
    for entry in given if isinstance(given, list) else [given]:
        if not isinstance(entry, Mapping) or not entry.get("chapter"):
            faults.add(f"notes: expected a list of {{chapter: ..., zh: ..., en: ...}}, found {entry!r}")
            continue
        faults.unknown(entry, ("chapter", "zh", "en", "document", "article"), "notes")
        labels = read_labels({k: entry.get(k) for k in ("zh", "en")}, f"notes: {entry['chapter']}", faults)
        where = [str(entry.get(k) or "") for k in ("document", "article")]
        out.append(Note(str(entry["chapter"]), labels["zh"], labels["en"], *where))
    return tuple(out)


def _quotas(given: Any, faults: Faults) -> Quotas | None:
    if given is None:
        return None
    known = ("file", "unit", "columns", "places", "label", "count")
    if not isinstance(given, Mapping):
        faults.add(f"quotas: expected keys {', '.join(known)}, found {given!r}")
        return None
    faults.unknown(given, known, "quotas")
    columns, count = given.get("columns"), _keyed(given.get("count"), "quotas: count", faults)
    if not isinstance(columns, Mapping) or not columns or not given.get("file"):
        faults.add("quotas: needs file (in data/register) and columns (name: a header of that file)")
        return None
    if not re.fullmatch(r"\w[^/\\:]*", str(given["file"])):
        faults.add(f"quotas: file is the name of a file in data/register, found {given['file']!r}")
    strange = [str(c) for c in (given.get("places"), *count) if c not in columns]
    if strange:
        faults.add(
            f"quotas: places and count name columns; {', '.join(strange)} is none of {', '.join(columns)}"
        )
    return Quotas(
        file=str(given["file"]),
        unit=str(given.get("unit") or ""),
        columns={str(k): str(v) for k, v in columns.items()},
        places=str(given.get("places")),
        label=read_labels(given.get("label", {"zh": "名额", "en": "quota"}), "quotas: label", faults),
        count={str(k): str(v) for k, v in count.items()},
    )


def _keyed(given: Any, where: str, faults: Faults) -> dict[str, Any]:
    if given is None or isinstance(given, Mapping):
        return dict(given or {})
    faults.add(f"{where}: expected keys and values, found {given!r}")
    return {}


def _listed(given: Any, where: str, faults: Faults) -> list[Any]:
    if given is None or isinstance(given, list):
        return given or []
    faults.add(f"{where}: expected a list, found {given!r}")
    return []


def _goalposts(given: Any, faults: Faults) -> dict[str, tuple[float, float]]:
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
