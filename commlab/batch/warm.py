"""The process that reports fork from: what it imports first, and when it is started.

Its imports take longer than the plan of a run, so it is started before the plan is made wherever a glance says that
reports will be due; the machine's other core would be idle meanwhile. This module itself imports next to nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from commlab.batch.engine.client import Zygote, available

__all__ = ["IMPORTS", "Ahead", "nothing_made", "warm_process"]

IMPORTS = {
    "cells": (
        "pandas",
        "pandas.core.reshape.reshape",
        "pyarrow.parquet",
        "pyarrow.pandas_compat",
        "pyarrow.dataset",
        "babel.dates",
        "babel.messages.pofile",
        "babel.numbers",
        "matplotlib.pyplot",
        "matplotlib.backends.backend_agg",
        "matplotlib.patheffects",
        "PIL.BmpImagePlugin",
        "PIL.GifImagePlugin",
        "PIL.JpegImagePlugin",
        "PIL.PngImagePlugin",
        "PIL.PpmImagePlugin",
        "IPython.core.logger",
        "scipy.linalg",
        "scipy.special",
        "commlab.study",
        "commlab.intake.codebook",
        "commlab.intake.table",
        "commlab.figures.planes",
        "commlab.figures.steps",
        "commlab.report.chapters",
        "commlab.report.eye",
    ),
    "html": ("commlab.report.press", "commlab.report.html", "commlab.report.overview"),
    "docx": ("commlab.report.press", "commlab.report.docx"),
    "pdf": ("commlab.report.press", "commlab.report.pdf", "typst"),
    "xlsx": ("commlab.report.xlsx", "commlab.report.appendix_book", "xlsxwriter.workbook"),
}
"""What notebooks and exporters use, imported once before the first report; a format's only where it is asked for."""

# A city stage that is stored already is found within this time; one that takes longer is computed, and its
# reports will be due.
_SOON = 0.7


def warm_process(formats: Iterable[str]) -> Zygote:
    """Start the process that reports with these formats fork from; it is ready when it has imported.

    Raises
    ------
    EngineError
        If this system cannot fork.
    """
    wanted = ["cells", *(f for f in IMPORTS if f in set(formats) | {"html"})]  # every method page is HTML
    modules = dict.fromkeys(m for w in wanted for m in IMPORTS[w])
    return Zygote(list(modules), [("commlab.batch.work", "warm_up", wanted[1:])])


def nothing_made(study: Path, period: str | None) -> bool:
    """Whether a glance at the disk says that no run has made the period's reports yet (any period's, for None)."""
    there = study.resolve()
    root = next((p for p in (there, *there.parents) if (p / "study.yaml").is_file()), None)
    return root is not None and not any((root / "reports").glob(f"{period or '*'}/status.json"))


class Ahead:
    """A warm process that is started when it is likely to be needed, and ended where nobody took it.

    Parameters
    ----------
    formats : iterable of str
        What reports will be exported to.
    wanted : bool
        False: never start one (ordinary kernels, a cluster, a dry run).
    """

    def __init__(self, formats: Iterable[str], *, wanted: bool = True) -> None:
        self.formats, self.wanted = tuple(formats), wanted and available()
        self._lock = threading.Lock()
        self._process: Zygote | None = None

    def __enter__(self) -> Ahead:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self.take()
        if process:
            process.close()

    def start(self) -> None:
        """Start it, unless it was started before."""
        with self._lock:
            if self.wanted and self._process is None:
                self._process = warm_process(self.formats)

    @contextmanager
    def unless_quick(self) -> Iterator[None]:
        """Start it while the block runs, where that takes so long that something is being computed."""
        timer = threading.Timer(_SOON, self.start)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def take(self) -> Zygote | None:
        """The process, which is the caller's to close; None where none was started."""
        with self._lock:
            process, self._process, self.wanted = self._process, None, False
            return process
