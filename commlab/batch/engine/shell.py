"""The IPython shell inside a fork: what a cell prints, shows and raises becomes events.

An event is a JSON mapping: ``{"stream": name, "text": ...}``, ``{"output": {...}, "id": display_id}``,
``{"clear": wait}``, ``{"update": display_id, "data": ..., "metadata": ...}``. What they mean for a notebook
is decided by ``client``, so that nothing is lost when this process is killed.
"""

from __future__ import annotations

import base64
import io
import os
import sys
from collections.abc import Callable
from typing import Any

from ipykernel.compiler import XCachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import StdinNotImplementedError
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Any as AnyTrait
from traitlets import Type
from traitlets.config import Config

__all__ = ["ForkShell", "make_shell", "run_cell"]

Send = Callable[[dict[str, Any]], None]


class _Stream(io.TextIOBase):
    """``sys.stdout`` or ``sys.stderr`` of the cells: whole lines go out at once, the rest when something
    else does.
    """

    def __init__(self, name: str, descriptor: int, send: Send) -> None:
        self.name, self._descriptor, self._send = name, descriptor, send
        self._pending: list[str] = []

    encoding = "utf-8"
    errors = "replace"

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if text:
            self._pending.append(text)
            if text.endswith("\n"):
                self.flush()
        return len(text)

    def flush(self) -> None:
        if self._pending:
            self._send({"stream": self.name, "text": "".join(self._pending)})
            self._pending.clear()

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        return self._descriptor


def _plain(data: dict[str, Any]) -> dict[str, Any]:
    """Pictures as text, as a notebook holds them."""
    return {k: base64.b64encode(v).decode("ascii") if isinstance(v, bytes) else v for k, v in data.items()}


class _Publisher(DisplayPublisher):
    def publish(  # type: ignore[override]
        self,
        data: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        *,
        transient: dict[str, Any] | None = None,
        update: bool = False,
        **_: Any,
    ) -> None:
        name = (transient or {}).get("display_id")
        shown = {"data": _plain(data), "metadata": metadata or {}}
        if update:
            if name:
                self.shell.emit({"update": name, **shown})
            return
        self.shell.emit({"output": {"output_type": "display_data", **shown}, "id": name})

    def clear_output(self, wait: bool = False) -> None:
        self.shell.emit({"clear": wait})


class _Hook(DisplayHook):
    """The value of a cell's last line."""

    _found: tuple[dict[str, Any], dict[str, Any]] | None = None

    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None) -> None:
        self._found = (format_dict, md_dict or {})

    def finish_displayhook(self) -> None:
        if self._found is not None:
            data, metadata = self._found
            self._found = None
            self.shell.emit(  # type: ignore[union-attr]
                {
                    "output": {
                        "output_type": "execute_result",
                        "data": _plain(data),
                        "metadata": metadata,
                        "execution_count": self.prompt_count,
                    },
                    "id": None,
                }
            )
        self._is_active = False


class ForkShell(InteractiveShell):
    """An interactive shell whose outputs are events; ``send`` is set in the fork that uses it."""

    displayhook_class = Type(_Hook)
    display_pub_class = Type(_Publisher)
    # Cells bear the file names that a kernel gives them: tracebacks depend on them.
    compiler_class = Type(XCachingCompiler)
    send = AnyTrait(None, allow_none=True)
    kernel = AnyTrait(None, allow_none=True)
    # Held here, too: a cell may put something else into their place.
    streams: tuple[_Stream, ...] = ()
    exit_now = False

    def emit(self, event: dict[str, Any]) -> None:
        """Send an event, after what has been printed before it."""
        for stream in self.streams:
            stream.flush()
        self.send(event)

    def enable_gui(self, gui: str | None = None) -> None:
        """There is no event loop to join."""

    def ask_exit(self) -> None:
        """``exit`` or ``quit`` in a cell: the rest of the notebook has no process to run in."""
        self.exit_now = True

    def raw_input(self, prompt: object = "") -> str:
        raise StdinNotImplementedError(
            "raw_input was called, but this frontend does not support input requests."
        )

    def _showtraceback(self, etype: Any, evalue: Any, stb: list[str]) -> None:
        self.emit(
            {
                "output": {
                    "output_type": "error",
                    "ename": str(etype.__name__),
                    "evalue": str(evalue),
                    "traceback": list(stb),
                },
                "id": None,
            }
        )


# Libraries know the shell of a notebook by its name and by its kernel (pandas prints wide frames otherwise in a
# terminal): what is shown must not depend on how the notebook runs, nor on the width of a window.
ForkShell.__name__ = ForkShell.__qualname__ = "ZMQInteractiveShell"


def make_shell() -> ForkShell:
    """The shell, before anything else is imported: what asks for a shell when it is imported finds this one.

    ``matplotlib_inline`` does; imported earlier, it would show no figure ever. No history: that is a thread.
    """
    import builtins

    config = Config()
    config.HistoryManager.enabled = False
    shell: ForkShell = ForkShell.instance(config=config)
    builtins.input = shell.raw_input
    builtins.get_ipython = shell.get_ipython  # type: ignore[attr-defined]  # imports outside cells ask for it, too
    return shell


class Descriptors:
    """What goes round ``sys.stdout`` (C code, child processes) lands in memory and follows each cell's
    outputs.
    """

    def __init__(self) -> None:
        import fcntl

        self.files = [os.memfd_create("out"), os.memfd_create("err")]
        self.read = [0, 0]
        for number, descriptor in enumerate(self.files, 1):
            fcntl.fcntl(descriptor, fcntl.F_SETFL, os.O_APPEND)
            os.dup2(descriptor, number)

    def drain(self, send: Send) -> None:
        for i, name in enumerate(("stdout", "stderr")):
            size = os.fstat(self.files[i]).st_size
            if size > self.read[i]:
                data = os.pread(self.files[i], size - self.read[i], self.read[i])
                self.read[i] = size
                send({"stream": name, "text": data.decode("utf-8", "replace")})


def connect(shell: ForkShell, send: Send) -> Descriptors:
    """Let the shell, the standard streams and the descriptors send their events."""
    shell.send = send
    descriptors = Descriptors()
    shell.streams = (_Stream("stdout", 1, send), _Stream("stderr", 2, send))
    sys.stdout, sys.stderr = shell.streams  # type: ignore[assignment]
    return descriptors


def run_cell(shell: ForkShell, source: str, descriptors: Descriptors) -> tuple[int, bool]:
    """Run one cell; its execution count, and whether it went through."""
    count = shell.execution_count
    result = shell.run_cell(source, store_history=True)
    for stream in shell.streams:
        stream.flush()
    descriptors.drain(shell.send)
    return count, bool(result.success)
