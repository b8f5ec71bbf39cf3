"""What the parts share: a study of one's own, the hashes of what a run made, and the count of what was tried."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from commlab import store

ROOT = Path(__file__).resolve().parents[2]
PERIOD = "2019Q4"
APART = ("unshare",)
"""The command that gives a process its own view of the machine (Linux)."""
CLOCKED = ("status.json", "run.log", ".lock")
"""Files that may tell the time."""


@dataclass
class Tally:
    """What a part tried, and what it found."""

    name: str
    tried: int = 0
    found: list[str] = field(default_factory=list)

    def case(self, what: str, faults: list[str]) -> None:
        self.tried += 1
        self.found += [f"{what}: {fault}" for fault in faults]
        for fault in faults:
            print(f"   FOUND {what}: {fault}", flush=True)
        if not faults:
            print(f"   ok {what}", flush=True)


@contextlib.contextmanager
def study(prefix: str = "torture-", *, notebooks: str = "*") -> Iterator[Path]:
    """The tiny sample study in a folder of its own, nothing read yet, with the notebooks of a pattern."""
    from tools.sample_study import write_study

    with tempfile.TemporaryDirectory(prefix=prefix) as folder:
        root = Path(folder) / "study"
        write_study(root, size="tiny")
        (root / "notebooks").mkdir()
        for path in sorted((ROOT / "notebooks").glob(f"{notebooks}.ipynb")):
            shutil.copy(path, root / "notebooks")
        yield root


def command(root: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "commlab", "--study", str(root), *arguments]


def environment(**more: str) -> Mapping[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"} | more


def apart() -> bool:
    """Whether users may have networks and mounts of their own here."""
    if shutil.which(APART[0]) is None:
        return False
    return subprocess.run([*APART, "-rnm", "true"], capture_output=True, check=False).returncode == 0


def finished(
    root: Path, *arguments: str, before: tuple[str, ...] = (), **more: str
) -> subprocess.CompletedProcess[str]:
    """A command that is left alone; ``before`` is what starts it."""
    return subprocess.run(
        [*before, *command(root, *arguments)],
        env=environment(**more),
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )


def made(root: Path, *folders: str) -> dict[str, str]:
    """Path below the study -> hash, of everything a run made that holds no clock."""
    out = {}
    for name in folders or ("data/processed", "reports", "figures"):
        for path in sorted((root / name).rglob("*")):
            hidden = any(
                p.startswith(".") for p in path.relative_to(root).parts
            )  # caches: memories, no outputs
            if path.is_file() and path.name not in CLOCKED and not hidden:
                out[path.relative_to(root).as_posix()] = store.file_hash(path)
    return out


def differences(a: Mapping[str, str], b: Mapping[str, str], most: int = 4) -> list[str]:
    """What differs between two runs, a few of it by name."""
    wrong = sorted(n for n in {*a, *b} if a.get(n) != b.get(n))
    return [f"{len(wrong)} files differ: {', '.join(wrong[:most])}"] if wrong else []
