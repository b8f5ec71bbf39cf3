"""Is everything in place? One check a line, each with what to do where it fails."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import commlab
from commlab.cli.lab import kernel_program
from commlab.errors import CommlabError, StudyError

__all__ = ["examine"]

MEMORY = 1.0
"""GiB that a run of reports takes with two workers."""
_MEMORY_FILE = Path("/proc/meminfo")


def examine(path: str | Path) -> list[tuple[bool, str, str]]:
    """(fine, what, told) for Python, every package that commlab needs, the study and its notebooks."""
    checks = (("fonts", _fonts), ("kernel", kernel_program), ("pandoc", _pandoc), ("memory", _memory))
    found = [_python(), _packages(), _encoding(), *(_asked(what, look) for what, look in checks)]
    return found + _study(path)


def _asked(what: str, look: Callable[[], str]) -> tuple[bool, str, str]:
    try:
        return True, what, look()
    except CommlabError as error:
        return False, what, str(error)


def _fonts() -> str:
    """The font of pages and figures, and that it has Chinese."""
    from commlab.figures.theme import FONT_FILE, font_folder, known_characters

    try:
        known = known_characters()
    except OSError as error:
        raise StudyError(
            f"{font_folder() / FONT_FILE} cannot be read ({error}); install pylopdf-fonts-zh-cn again"
        ) from error
    return f"{FONT_FILE}, {len(known):,} characters"


def _pandoc() -> str:
    return shutil.which("pandoc") or "absent; reports do without it"


def _memory() -> str:
    """Memory that is free for a run."""
    try:
        lines = dict(line.split(":", 1) for line in _MEMORY_FILE.read_text("ascii").splitlines())
    except OSError:
        return f"not told by this system; a run takes about {MEMORY:g} GiB"
    free = float(lines["MemAvailable"].split()[0]) / 2**20  # the file says kB
    if free < MEMORY:
        raise StudyError(
            f"{free:.1f} GiB free; a run takes about {MEMORY:g}: close programs, or report with --workers 1"
        )
    return f"{free:.1f} GiB free"


def _python() -> tuple[bool, str, str]:
    told = f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    fine = sys.version_info >= (3, 11)
    return fine, "Python", told if fine else f"{told}; commlab needs 3.11 or newer"


def _packages() -> tuple[bool, str, str]:
    """Every required package, by the versions that commlab's own metadata asks for."""
    from packaging.requirements import Requirement

    wrong, seen = [], 0
    for line in requires("commlab") or []:
        need = Requirement(line)
        if need.marker is not None and not need.marker.evaluate({"extra": ""}):
            continue
        seen += 1
        try:
            have = version(need.name)
        except PackageNotFoundError:
            wrong.append(f"{need.name} is absent")
            continue
        if have not in need.specifier:
            wrong.append(f"{need.name} {have} does not meet {need.specifier}")
    if wrong:
        return False, "packages", f"{'; '.join(wrong)}; run `make env`"
    return True, "packages", f"{seen} present, commlab {commlab.__version__}"


def _encoding() -> tuple[bool, str, str]:
    name = sys.getfilesystemencoding()
    fine = name.lower() == "utf-8"
    return fine, "file names", name if fine else f"{name}; Chinese file names need UTF-8: set PYTHONUTF8=1"


def _study(path: str | Path) -> list[tuple[bool, str, str]]:
    from commlab.batch.jobs import NOTEBOOKS, find_notebook

    try:
        study = commlab.open_study(path)
    except CommlabError as error:
        return [(False, "study", str(error))]
    found = [(True, "study", f"{study.title['zh']} ({', '.join(study.periods)}) in {study.root}")]
    checks: tuple[tuple[str, Callable[[], str]], ...] = (
        ("framework", lambda: f"{study.config.framework}, {len(study.framework.leaves)} standards"),
        ("register", lambda: f"{len(study.register.districts)} districts, {len(study.register.units)} units"),
        ("notebooks", lambda: ", ".join(find_notebook(study.root, n).name for n in NOTEBOOKS)),
        ("disk", lambda: _writable(study.root)),
    )
    return found + [_asked(what, look) for what, look in checks]


def _writable(root: Path) -> str:
    """Write and remove a file where reports go."""
    from commlab import store

    probe = root / "reports" / ".doctor"
    try:
        store.write_text(probe, "a file that may be removed\n")
        probe.unlink()
    except OSError as error:
        raise StudyError(f"{probe.parent} cannot be written ({error.strerror}); check its owner") from error
    return f"{shutil.disk_usage(root).free / 2**30:.0f} GiB free"
