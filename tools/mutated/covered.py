"""Which test runs which line: a pytest plugin that watches the mutated packages.

``pytest -p tools.mutated.covered`` with ``COMMLAB_COVERED`` naming the file to write: seconds of each test, and for each
module and line the tests that ran it. Lines that run while a shared fixture is made belong to the test that made it.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

ROOT = Path.cwd()
WATCHED = tuple(str(ROOT / "commlab" / package) + os.sep for package in ("weights", "survey", "scoring"))


class Watch:
    """Lines run, by the test that was under way."""

    def __init__(self) -> None:
        self.lines: dict[str, set[int]] = defaultdict(set)
        self.tests: dict[str, dict[str, list[int]]] = {}
        self.seconds: dict[str, float] = {}
        self.left_out: set[str] = set()

    def call(self, frame: FrameType, event: str, argument: Any) -> Any:
        name = frame.f_code.co_filename
        return self.line if name.startswith(WATCHED) else None

    def line(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            self.lines[frame.f_code.co_filename].add(frame.f_lineno)
        return self.line

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.lines.clear()
        began = time.process_time()
        sys.settrace(self.call)
        threading.settrace(self.call)
        yield
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]
        self.seconds[item.nodeid] = time.process_time() - began
        self.tests[item.nodeid] = {
            Path(name).relative_to(ROOT).as_posix(): sorted(rows) for name, rows in self.lines.items()
        }

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not report.passed:
            self.left_out.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        for name in self.left_out:  # cannot tell a mutant from the library as it is
            del self.tests[name]
        Path(os.environ["COMMLAB_COVERED"]).write_text(
            json.dumps({"seconds": self.seconds, "tests": self.tests, "left_out": sorted(self.left_out)}),
            encoding="utf-8",
        )


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Watch())
