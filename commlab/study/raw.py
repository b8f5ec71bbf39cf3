"""Which raw file belongs to which input of study.yaml, who is expected to send what, and what it all hashes to."""

from __future__ import annotations

import os
import secrets
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from commlab import store
from commlab.errors import ParameterError, StudyError
from commlab.intake.ledger import quoted
from commlab.intake.unseen import named
from commlab.study.config import Input, StudyConfig
from commlab.study.naming import spelt
from commlab.tables import period_key, previous_period
from commlab.text import unseen

if TYPE_CHECKING:
    import re

    import pandas as pd

    from commlab.study.register import Register

__all__ = [
    "RawFile",
    "code_hash",
    "find_files",
    "has_files",
    "input_hashes",
    "raw_folder",
    "refused_links",
    "report_hashes",
    "secret_key",
    "stamps",
]

_SAMPLE_KEY = "commlab sample study"
"""Printed on purpose: sample people are invented."""
_KEY_VARIABLE = "COMMLAB_KEY"


@dataclass(frozen=True)
class RawFile:
    """A file below ``data/raw/<period>/`` that an input claims.

    ``name`` is the path relative to the study, as sources print it; ``fields`` what the pattern's placeholders read;
    ``period`` the period of the folder it lies in (an earlier one where the input is carried forward); ``role`` the
    pattern that it fits: ``files``, ``second`` (the second keying) or ``verdict`` (what a third look decided).
    """

    path: Path
    name: str
    input: Input
    period: str
    fields: dict[str, str]
    role: str = "files"


def raw_folder(root: Path, period: str) -> Path:
    return root / "data" / "raw" / period


def _listed(root: Path, period: str) -> list[Path]:
    return [p for p in _present(root, period) if p.is_file() and not _leads_away(root, period, p)]


def _present(root: Path, period: str) -> list[Path]:
    """Everything in a period's folder but what systems and spreadsheets put there; linked folders are not entered."""
    folder = raw_folder(root, period)
    hidden = ("~$", ".", "Thumbs.db", "desktop.ini")
    return sorted(p for p in folder.rglob("*") if not p.name.startswith(hidden)) if folder.is_dir() else []


def _leads_away(root: Path, period: str, path: Path) -> bool:
    """Whether a path is a link that is not followed: to a folder, to nothing, or out of the study."""
    if not path.is_symlink():
        return False
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):  # leads nowhere, or round in a circle
        return True
    inside = (root.resolve(), raw_folder(root, period).resolve())
    return not target.is_file() or not any(target.is_relative_to(home) for home in inside)


def refused_links(root: Path, period: str) -> list[str]:
    """Links in a period's folder that are not followed, by name."""
    return [_name(root, p) for p in _present(root, period) if _leads_away(root, period, p)]


def has_files(root: Path, period: str) -> bool:
    """Whether anything was sent for a period."""
    return bool(_listed(root, period))


def find_files(config: StudyConfig, period: str) -> tuple[list[RawFile], list[str]]:
    """Files of a period by input, and the names of files that no input claims.

    Raises
    ------
    StudyError
        If a file's name holds an identifier or what nobody sees, or the period has no folder. An empty one is a period for which everything is outstanding.
    ParameterError
        If a file is claimed by two inputs.
    """
    root = config.root
    files = _listed(root, period)
    if not raw_folder(root, period).is_dir():
        raise StudyError(
            f"data/raw/{period} does not exist: `commlab new {period}` makes it; put what the offices sent there, "
            "or ask for another period"
        )
    for name in (_name(root, path) for path in files):
        if gone := unseen(name) or [c for c in name if c in "\n\r\t"]:
            raise StudyError(
                f"{spelt(name)}: the name of this file holds what nobody sees ({named(gone)}); rename the file, then check again"
            )
        if (shown := quoted(name, name=True)) != name:
            raise StudyError(
                f"{shown}: the name of this file holds what identifies a person, and names are stored with every "
                "row; rename the file, then check again"
            )
    patterns = _patterns(config.inputs)
    found: list[RawFile] = []
    strangers = []
    for path in files:
        claims = _claims(config, path, period, patterns)
        if len(claims) > 1:
            names = " and ".join(c.input.name + (f" ({c.role})" if c.role != "files" else "") for c in claims)
            raise ParameterError(
                f"{claims[0].name} is claimed by the inputs {names}; make their patterns in study.yaml differ"
            )
        if claims:
            found += claims
        else:
            strangers.append(_name(root, path))
    for entry in config.inputs:
        if entry.carry and not any(f.input is entry for f in found):
            found += _carried(config, entry, period)
    return found, strangers


def _name(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


_Patterns = list[tuple[Input, str, "re.Pattern[str]"]]


def _patterns(inputs: Iterable[Input]) -> _Patterns:
    return [(entry, role, regex) for entry in inputs for role, regex in entry.patterns().items()]


def _claims(config: StudyConfig, path: Path, period: str, patterns: _Patterns) -> list[RawFile]:
    below = path.relative_to(raw_folder(config.root, period)).as_posix()
    below = unicodedata.normalize("NFC", below)
    claims = []
    for entry, role, pattern in patterns:
        match = pattern.fullmatch(below)
        if match:
            claims.append(RawFile(path, _name(config.root, path), entry, period, match.groupdict(), role))
    return claims


def _carried(config: StudyConfig, entry: Input, period: str) -> list[RawFile]:
    earlier = [p for p in config.periods if period_key(p)[:2] < period_key(period)[:2]]
    for before in sorted(earlier, key=period_key, reverse=True):
        pattern = _patterns([entry])
        mine = [c for path in _listed(config.root, before) for c in _claims(config, path, before, pattern)]
        if mine:
            return mine
    return []


def input_hashes(config: StudyConfig, register: Register, period: str) -> dict[str, str]:
    """Hashes of everything that the clean tables of a period rest on, by kind."""
    root = config.root
    cache = store.HashCache(root / "data" / "processed" / ".hashes.json")
    files, strangers = find_files(config, period)
    raw = {f.name: cache.hash(f.path) for f in files} | {s: cache.hash(root / s) for s in strangers}
    raw |= dict.fromkeys(refused_links(root, period), "link")
    own = {_name(root, p): cache.hash(p) for p in register.files()}
    out = {
        "raw": store.json_hash(raw),
        "previous": _earlier_hash(config, period, cache),
        "register": store.json_hash(own),
        "study.yaml": cache.hash(root / "study.yaml"),
        "framework": _framework_hash(config, cache),
        "code": code_hash(),
    }
    cache.save()
    return out


def _earlier_hash(config: StudyConfig, period: str, cache: store.HashCache) -> str:
    """What the comparisons with the period before rest on: its raw files."""
    before = previous_period(period, list(config.periods))
    files = _listed(config.root, before) if before else []
    return store.json_hash({_name(config.root, path): cache.hash(path) for path in files})


def _framework_hash(config: StudyConfig, cache: store.HashCache) -> str:
    """The study's own file, and the bundled ones that it may extend."""
    import commlab

    bundled = store.tree_hash(Path(commlab.__file__).parent / "frameworks")
    beside = config.root / config.framework
    return store.json_hash([cache.hash(beside), bundled]) if beside.is_file() else bundled


def stamps(config: StudyConfig, period: str) -> dict[str, tuple[int, ...]]:
    """What tells whether a raw file of a period was touched, even where its bytes come back: inode, times, size."""
    files, _ = find_files(config, period)
    found = {f.name: f.path.stat() for f in files}
    return {n: (s.st_ino, s.st_mtime_ns, s.st_ctime_ns, s.st_size) for n, s in found.items()}


@cache
def code_hash() -> str:
    """Hash of the code that reads, estimates, weighs and scores, and of the packages that compute."""
    from importlib.metadata import version

    import commlab

    folder = Path(commlab.__file__).parent
    patterns = (
        "*.py",
        "framework/*.py",
        "intake/*.py",
        "survey/*.py",
        "weights/*.py",
        "scoring/*.py",
        "study/*.py",
        "store/*.py",
        "locale/*",
    )
    computing = ("pandas", "numpy", "scipy", "statsmodels", "pyarrow", "python-calamine", "rapidfuzz")
    packages = {n: version(n) for n in computing}
    return store.json_hash({"code": store.tree_hash(folder, patterns), "packages": packages})


# Results of which a district's report prints only its own rows and the city's. Of the others (scores, ranks,
# change, satisfaction) it prints the city mean, its rank among all or a comparison.
_OWN_ROWS = (
    "response_rates",
    "demographics",
    "rake_cells",
    "distribution",
    "small_areas",
    "evidence",
    "leaves",
    "problem_states",
)


def report_hashes(
    results: Mapping[str, pd.DataFrame],
    tables: Mapping[str, pd.DataFrame],
    shared: Mapping[str, str],
    *,
    register: Register,
    files_of: Callable[[str], list[str]],
) -> dict[str, dict[str, str]]:
    """What the reports of a period depend on: unit (the city, every district) -> name -> hash.

    Parameters
    ----------
    results : city-wide results by name
    tables : ``ledger`` and ``status``
    shared : hashes that all reports have in common
    register : Register
    files_of : callable
        Raw files behind a district's report.
    """
    city, districts = register.city, register.districts
    parts: dict[str, dict[str, str]] = {unit: {} for unit in (city, *districts)}

    def add(name: str, hashes: Mapping[str, str]) -> None:
        for unit, value in hashes.items():
            parts[unit][name] = value

    def sliced(frame: pd.DataFrame, rows: Mapping[str, pd.Series]) -> dict[str, str]:
        masks = {unit: mine.to_numpy() for unit, mine in rows.items()}
        return {city: store.frame_hash(frame), **store.slice_hashes(frame, masks)}

    for name, frame in results.items():
        if name in _OWN_ROWS and len(frame):
            column = "district" if "district" in frame else "unit"
            owner = frame[column].map(register.district_of).fillna(frame[column])
            add(name, sliced(frame, {d: owner.isin([d, city]) for d in districts}))
        else:
            add(name, dict.fromkeys(parts, store.frame_hash(frame)))
    ledger = tables["ledger"]
    add("ledger", sliced(ledger, {d: ledger["file"].isin(files_of(d)) for d in districts}))
    # Which districts can be reported; how many rows came from whom, a notebook asks the table itself.
    standing = tables["status"][["unit", "input", "state", "required"]]
    add("status", dict.fromkeys(parts, store.frame_hash(standing)))
    for name, value in shared.items():
        add(name, dict.fromkeys(parts, value))
    return parts


def secret_key(config: StudyConfig) -> str:
    """The key of the keyed hashes that recognise repeated questionnaires; never inside the study.

    Sample studies use a printed key. Otherwise the environment variable COMMLAB_KEY, or a file in the user's own
    configuration folder, which is made with a random key on first use.
    """
    if config.sample:
        return _SAMPLE_KEY
    given = os.environ.get(_KEY_VARIABLE)
    if given:
        return given
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    path = home / "commlab" / "key"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
    return path.read_text(encoding="ascii").strip()
