"""Try one mutant: a fork of a warm process runs the tests in a copy of the suite and says how they ended.

The forked child starts with numpy, pandas, scipy and pytest imported and nothing of commlab, so that a trial costs its
tests and hardly more.
"""

from __future__ import annotations

import compileall
import importlib
import os
import py_compile
import resource
import shutil
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["copied", "run_tests", "warmed"]

HEAVY = (
    "numpy",
    "pandas",
    "scipy.stats",
    "scipy.optimize",
    "scipy.linalg",
    "scipy.sparse",
    "scipy.special",
    "pyarrow",
    "pandera.pandas",
    "hypothesis",
    "hypothesis.extra.numpy",
    "formulaic",
    "statsmodels.api",
    "yaml",
    "pytest",
    "_pytest.doctest",
)
COPIED = (
    "commlab",
    "tests",
    "tools",
    "benchmarks",
    "notebooks",
    "data/register",
    "study.yaml",
    "pyproject.toml",
)
LOG = ".trial.log"
"""What the newest trial printed, in the copy."""
PASSED, FAILED, TIMED_OUT = "survived", "killed", "timed out"
ENDS = {0: PASSED, 1: FAILED, 2: FAILED}
"""pytest's codes; 2: a test module could not be imported. Any other is no verdict."""


def copied(root: Path, target: Path) -> None:
    """What the tests need, in a folder of its own, compiled by content and not by time."""
    ignored = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    for name in COPIED:
        source = root / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=ignored)
        else:
            shutil.copy2(source, target / name)
    for link in root.iterdir():  # what a few tests only look at
        if link.name not in {n.split("/")[0] for n in COPIED} and not link.name.startswith("."):
            (target / link.name).symlink_to(link)
    # Changed text must never meet an old .pyc: its hash decides, not its second.
    compileall.compile_dir(
        target / "commlab", quiet=1, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH
    )


def warmed() -> None:
    """Import what every trial needs, once."""
    for name in HEAVY:
        importlib.import_module(name)


def run_tests(
    folder: Path,
    tests: Sequence[str],
    *,
    seconds: float,
    plugins: Sequence[str] = (),
    keep_going: bool = False,
    variables: Mapping[str, str] | None = None,
) -> str:
    """How the tests end in a fork: survived (all passed), killed (one failed) or timed out."""
    pid = os.fork()
    if pid == 0:
        os.environ.update(variables or {})
        _child(folder, tests, seconds, plugins, keep_going)
    end = time.monotonic() + 4 * seconds  # others may have the processor; its own time is limited below
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            if os.WIFSIGNALED(status):
                return TIMED_OUT if os.WTERMSIG(status) == signal.SIGXCPU else FAILED
            code = os.WEXITSTATUS(status)
            if code not in ENDS:
                text = (folder / LOG).read_text(encoding="utf-8", errors="replace")
                raise SystemExit(f"pytest could not run (code {code}):\n{text[-2000:]}")
            return ENDS[code]
        time.sleep(0.02)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return TIMED_OUT


def _child(
    folder: Path, tests: Sequence[str], seconds: float, plugins: Sequence[str], keep_going: bool
) -> None:
    code = 3
    try:
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 30))
        os.chdir(folder)
        log = os.open(folder / LOG, os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(log, stream)
        sys.path[:] = [str(folder), *(p for p in sys.path if p not in ("", str(folder)))]
        sys.dont_write_bytecode = True
        for name in [m for m in sys.modules if m.split(".")[0] in ("tools", "commlab", "tests")]:
            del sys.modules[name]
        os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(folder / ".hypothesis")
        import pytest

        options = ["-n", "0", "-p", "no:cacheprovider", "-q", "--hypothesis-seed=0"]
        options += [
            "-W",
            "ignore::pytest.PytestAssertRewriteWarning",
        ]  # what is warm already is not rewritten
        code = pytest.main(
            [*options, *([] if keep_going else ["-x"]), *(f"-p{name}" for name in plugins), *tests]
        )
    finally:
        os._exit(int(code))
