"""The papermill engine ``commlab-fork``: papermill stays the client, each notebook runs in a fork of a
zygote.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from typing import Any

from nbformat import NotebookNode, from_dict
from papermill.engines import Engine, NotebookExecutionManager, papermill_engines

from commlab.batch.engine.client import Task, Zygote, told_status

__all__ = ["NAME", "ForkEngine", "register"]

NAME = "commlab-fork"
_GRACE = 5.0


def register() -> None:
    """Make the engine known to papermill where it was not installed as an entry point."""
    papermill_engines.register(NAME, ForkEngine)


class _Outputs:
    """The outputs of a notebook as events come in, with what a Jupyter client makes of them."""

    def __init__(self) -> None:
        self.cell: NotebookNode = NotebookNode(outputs=[])
        self.clear_next = False
        self.displays: dict[str, list[NotebookNode]] = {}

    def start(self, cell: NotebookNode) -> None:
        self.cell, self.clear_next = cell, False
        cell.outputs = []

    def take(self, event: dict[str, Any]) -> None:
        if "clear" in event:
            if event["clear"]:
                self.clear_next = True
            else:
                self.cell.outputs = []
        elif "update" in event:
            for shown in self.displays.get(event["update"], ()):
                shown["data"], shown["metadata"] = from_dict(event["data"]), from_dict(event["metadata"])
        elif "stream" in event:
            self._add(NotebookNode(output_type="stream", name=event["stream"], text=event["text"]))
        else:
            output = from_dict(event["output"])
            self._add(output)
            if event["id"]:
                self.displays.setdefault(event["id"], []).append(output)

    def _add(self, output: NotebookNode) -> None:
        if self.clear_next:
            self.cell.outputs, self.clear_next = [], False
        last = self.cell.outputs[-1] if self.cell.outputs else None
        if output.output_type == "stream" and last is not None and last.get("name") == output.name:
            last["text"] += output.text
        else:
            self.cell.outputs.append(output)


class ForkEngine(Engine):
    """Executes a notebook in a fork.

    Options (``papermill.execute_notebook(..., engine_name="commlab-fork", **options)``)
    -----------------------------------------------------------------------------------
    zygote : Zygote
        The process to fork from. Without one, one is started for this notebook.
    modules : sequence of str
        What a zygote of its own imports first.
    run_folder : path
        Where the cells run. Default: this process's folder.
    execution_timeout : float, seconds
        What one cell may take.
    memory : int, MiB
        What the fork may take.
    on_cell : callable
        Called with each cell that starts: its number among those to be run, how many they are.
    """

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        *,
        zygote: Zygote | None = None,
        modules: tuple[str, ...] = (),
        run_folder: str | os.PathLike[str] | None = None,
        execution_timeout: float | None = None,
        memory: int | None = None,
        on_cell: Callable[[int, int], None] | None = None,
        **_: Any,
    ) -> None:
        if zygote is None:
            with Zygote(modules) as own:
                cls.execute_managed_notebook(
                    nb_man,
                    kernel_name,
                    zygote=own,
                    run_folder=run_folder,
                    execution_timeout=execution_timeout,
                    memory=memory,
                    on_cell=on_cell,
                )
            return
        cells = [
            (i, c.source, "raises-exception" in c.metadata.get("tags", []))
            for i, c in enumerate(nb_man.nb.cells)
            if c.cell_type == "code"
            and c.source.strip()
            and "skip-execution" not in c.metadata.get("tags", [])
        ]
        job = {"cells": cells, "folder": os.fspath(run_folder or os.getcwd()), "memory": memory}
        task = zygote.start(job)
        _Follower(nb_man, task, [i for i, _, _ in cells], execution_timeout, on_cell).follow()


class _Follower:
    """Follows a notebook's fork: outputs into cells, deadlines, the end."""

    def __init__(
        self,
        manager: NotebookExecutionManager,
        task: Task,
        cells: list[int],
        timeout: float | None,
        on_cell: Callable[[int, int], None] | None,
    ) -> None:
        self.manager, self.task, self.cells = manager, task, cells
        self.timeout, self.on_cell = timeout, on_cell
        self.outputs = _Outputs()
        self.at: int | None = None
        self.deadline: float | None = None
        self.interrupted = False

    def follow(self) -> None:
        ended = False
        for message in self.task.messages(0.2 if self.timeout else None):
            self._watch()
            if message is None:
                continue
            event = json.loads(message)
            if "start" in event:
                self._start(event["start"])
            elif "done" in event:
                self._done(event)
            elif "end" in event:
                ended = True
            else:
                self.outputs.take(event)
        status = self.task.status()
        if not ended and self.cells and not self._stopped():
            at = self.at if self.at is not None else self._next()
            if self.interrupted:
                self._fail(at, "CellTimeoutError", f"A cell timed out after {self.timeout:g} seconds.")
            else:
                self._fail(at, "DeadKernelError", f"The report's process died ({told_status(status)}).")

    def _start(self, index: int) -> None:
        self.at = index
        cell = self.manager.nb.cells[index]
        self.manager.cell_start(cell, index)
        self.outputs.start(cell)
        self.deadline = time.monotonic() + self.timeout if self.timeout else None
        if self.on_cell:
            self.on_cell(self.cells.index(index) + 1, len(self.cells))

    def _done(self, event: dict[str, Any]) -> None:
        index = event["done"]
        cell = self.manager.nb.cells[index]
        cell.execution_count = event["count"]
        self.deadline = None
        if self.interrupted:
            self._fail(index, "CellTimeoutError", f"A cell timed out after {self.timeout:g} seconds.")
        else:
            if not event["ok"] and "raises-exception" not in cell.metadata.get("tags", []):
                self.manager.cell_exception(cell, index)
            self.manager.cell_complete(cell, index)
        self.at = None

    def _watch(self) -> None:
        if self.deadline is None or time.monotonic() < self.deadline:
            return
        self.task.kill(signal.SIGKILL if self.interrupted else signal.SIGINT)
        self.interrupted = True
        self.deadline = time.monotonic() + _GRACE

    def _stopped(self) -> bool:
        return bool(self.manager.nb.metadata.papermill.get("exception"))

    def _next(self) -> int:
        """The first cell that was not run."""
        for index in self.cells:
            if self.manager.nb.cells[index].metadata.papermill["status"] == self.manager.PENDING:
                return index
        return self.cells[-1]

    def _fail(self, index: int, name: str, message: str) -> None:
        """Mark a cell as failed by something that is not its code; papermill reports a cell's first error."""
        cell = self.manager.nb.cells[index]
        outputs = list(cell.get("outputs", []))
        first = next((k for k, o in enumerate(outputs) if o.output_type == "error"), len(outputs))
        outputs.insert(
            first,
            NotebookNode(output_type="error", ename=name, evalue=message, traceback=[f"{name}: {message}"]),
        )
        cell.outputs = outputs
        self.manager.cell_exception(cell, index)
        self.manager.cell_complete(cell, index)
