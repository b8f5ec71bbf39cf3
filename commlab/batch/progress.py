"""How far a run has come: a bar with the names at work on a terminal, plain lines anywhere else."""

from __future__ import annotations

import re
import sys
from types import TracebackType
from typing import Any, TextIO

__all__ = ["Progress", "Silent", "show_progress"]

# Lines of a failed cell's traceback that are shown at once; the rest is in run.log.
_TOLD = 8


class Silent:
    """Says nothing; the interface of every progress."""

    def __enter__(self) -> Silent:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def start(self, name: str) -> None:
        """A report starts."""

    def stage(self, name: str, doing: str) -> None:
        """What a report is at: ``3/18`` of its cells, ``export``."""

    def end(self, name: str, state: str, why: str = "", seconds: float = 0.0, detail: str = "") -> None:
        """A report has ended; ``detail``: the cell that failed, with its traceback."""

    def note(self, text: str) -> None:
        """Something that concerns the run as a whole."""


class Progress(Silent):
    """Plain lines, one a report that has ended: for logs, pipes and mail from cron."""

    def __init__(self, total: int, stream: TextIO | None = None) -> None:
        self.total, self.ended, self.stream = total, 0, stream or sys.stderr

    def end(self, name: str, state: str, why: str = "", seconds: float = 0.0, detail: str = "") -> None:
        self.ended += 1
        took = f"  {seconds:.1f} s" if seconds else ""
        reason = f"  {why}" if why else ""
        self.note(
            f"[{self.ended:>{len(str(self.total))}}/{self.total}] {name}  {state}{took}{reason}{_last(detail)}"
        )

    def note(self, text: str) -> None:
        print(text, file=self.stream, flush=True)


class Bar(Silent):
    """A rich progress bar that names the reports at work; what failed stays above it."""

    def __init__(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as RichProgress

        self.running: dict[str, str] = {}
        self.rich = RichProgress(
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.description}", markup=False),
            console=Console(stderr=True),
        )
        self.task = self.rich.add_task("", total=total)

    def __enter__(self) -> Bar:
        self.rich.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self.rich.stop()

    def start(self, name: str) -> None:
        self.running[name] = ""
        self._tell()

    def stage(self, name: str, doing: str) -> None:
        self.running[name] = doing
        self._tell()

    def end(self, name: str, state: str, why: str = "", seconds: float = 0.0, detail: str = "") -> None:
        self.running.pop(name, None)
        if why:
            self.note(f"{name}  {state}  {why}{_last(detail)}")
        self._tell(1)

    def note(self, text: str) -> None:
        self.rich.console.print(text, markup=False, highlight=False)

    def _tell(self, advance: int = 0) -> None:
        self.rich.update(
            self.task,
            advance=advance,
            description=", ".join(f"{name} {doing}".rstrip() for name, doing in self.running.items()),
        )


def _last(detail: str) -> str:
    """The end of a failed cell's story, indented; colours of a terminal are left out."""
    lines = [line for line in re.sub(r"\x1b\[[0-9;]*m", "", detail).splitlines() if line.strip()]
    return "".join(f"\n      {line}" for line in lines[-_TOLD:])


def show_progress(total: int) -> Silent:
    """The progress that suits where standard error goes."""
    if not total:
        return Silent()
    return Bar(total) if sys.stderr.isatty() else Progress(total)
