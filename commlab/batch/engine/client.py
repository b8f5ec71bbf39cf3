"""The zygote as seen from papermill's process."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from commlab.errors import CommlabError

__all__ = ["SETTINGS", "CallError", "EngineError", "Task", "Zygote", "available", "without_grammar"]

SETTINGS = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    # Memory is kept for the next figure instead of being given back after each: a tenth of a report's time.
    "MALLOC_MMAP_THRESHOLD_": str(2**25),
    "MALLOC_TRIM_THRESHOLD_": str(2**32),
    "MALLOC_TOP_PAD_": str(2**24),
}
"""Environment of the processes that make reports. They share the cores among themselves: more threads in each only
get in each other's way."""

_START = "import sys; from commlab.batch.engine.zygote import serve; serve(int(sys.argv[1]))"
_PATIENCE = 60.0
# Time a cell has to end by itself after it was interrupted.
_GRACE = 5.0


class EngineError(CommlabError):
    """The forking process does not work (any more); what it was asked for can be tried again elsewhere."""


class CallError(CommlabError):
    """A call in a fork raised: ``name`` of the error's class, ``trace``."""

    def __init__(self, name: str, message: str, trace: str) -> None:
        super().__init__(message)
        self.name, self.trace = name, trace


def available() -> bool:
    """Whether this system can fork a process that has imported scientific libraries: Linux."""
    return sys.platform == "linux" and hasattr(os, "memfd_create")


@contextlib.contextmanager
def without_grammar() -> Iterator[None]:
    """Import notebooks' libraries without the grammar of internationalised addresses.

    nbformat imports jsonschema, which builds that grammar when it is imported: a second or more, for a format
    that no notebook's schema uses. Where it has been imported already nothing changes.
    """
    name = "rfc3987_syntax"
    hidden = name not in sys.modules
    if hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # an import of it now fails, which jsonschema allows
    try:
        yield
    finally:
        if hidden:
            sys.modules.pop(name, None)


@dataclass
class Task:
    """One job of the zygote, running in a fork."""

    number: int
    connection: Connection
    end: Connection
    zygote: Zygote = field(repr=False)

    def kill(self, number: int = signal.SIGKILL) -> None:
        self.zygote.kill(self.number, number)

    def messages(self, timeout: float | None = None) -> Iterator[bytes | None]:
        """What the fork sends, until it ends; None each time that nothing came for ``timeout`` seconds."""
        open_ends = True
        while open_ends:
            ready = wait([self.connection, self.end], timeout)
            if not ready:
                yield None
                continue
            if self.connection not in ready:
                open_ends = False  # it has ended; what it still sent is in the socket
            while self.connection.poll(0):
                try:
                    yield self.connection.recv_bytes()
                except (EOFError, OSError):  # OSError: killed in the middle of a message
                    open_ends = False
                    break

    def status(self) -> int | None:
        """Exit code (negative: a signal's number); None where the zygote itself is gone. Closes the task."""
        with self.connection, self.end:
            text = b""
            with contextlib.suppress(OSError):
                if self.end.poll(_PATIENCE):
                    text = os.read(self.end.fileno(), 32)
        return int(text) if text else None


class Zygote:
    """Start the forking process; a context manager that leaves nothing behind.

    Parameters
    ----------
    modules : sequence of str
        Imported before the first fork.
    calls : sequence of (module, function, arguments...)
        Called before the first fork: what every fork would otherwise compute again. Arguments are what JSON can hold.

    Raises
    ------
    EngineError
        On use, where it could not start: not Linux, an import that fails, more than one thread.
    """

    def __init__(self, modules: Sequence[str] = (), calls: Sequence[tuple[Any, ...]] = ()) -> None:
        if not available():
            raise EngineError("forking needs Linux")
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control, self.lock, self.numbers = mine, threading.Lock(), itertools.count(1)
        self.ready = False
        # What it and its calls say on their own goes to a nameless file; a pipe that nobody reads would
        # stop them.
        self.words = tempfile.TemporaryFile()  # noqa: SIM115  closed by close()
        self.process = subprocess.Popen(
            [sys.executable, "-c", _START, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env={**os.environ, **SETTINGS},
            stdin=subprocess.DEVNULL,
            stdout=self.words,
            stderr=self.words,
            start_new_session=True,
        )
        theirs.close()
        mine.send(json.dumps({"modules": list(modules), "calls": list(calls), "path": sys.path}).encode())

    def __enter__(self) -> Zygote:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def wait_ready(self) -> None:
        """Wait until everything is imported."""
        with self.lock:
            if self.ready:
                return
            self.control.settimeout(_PATIENCE)
            try:
                answer = self.control.recv(65536)
            except OSError as error:
                raise EngineError(f"the forking process does not answer ({error})") from error
            finally:
                self.control.settimeout(None)
            if not answer:
                raise EngineError(f"the forking process did not start: {self._last_words()}")
            told = json.loads(answer)
            if told["threads"] != 1:
                raise EngineError(
                    f"the forking process has {told['threads']} threads; forks of it would not be safe"
                )
            self.ready = True

    def _last_words(self) -> str:
        self.process.wait(_GRACE)
        self.words.seek(0)
        lines = self.words.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else "no reason is on record"

    def start(self, job: dict[str, Any]) -> Task:
        """Fork and hand over a job."""
        self.wait_ready()
        mine, theirs = socket.socketpair()
        end, told = os.pipe()
        connection, ended = Connection(mine.detach()), Connection(end, writable=False)
        number = next(self.numbers)
        request = json.dumps({"op": "run", "id": number}).encode()
        try:
            with self.lock:
                socket.send_fds(self.control, [request], [theirs.fileno(), told])
            connection.send_bytes(json.dumps({"environment": {**os.environ, **SETTINGS}, **job}).encode())
        except OSError as error:
            connection.close()
            ended.close()
            raise EngineError(f"the forking process is gone ({error})") from error
        finally:
            theirs.close()
            os.close(told)
        return Task(number, connection, ended, self)

    def kill(self, number: int, signal_number: int) -> None:
        with self.lock, contextlib.suppress(OSError):
            self.control.send(json.dumps({"op": "kill", "id": number, "signal": int(signal_number)}).encode())

    def call(self, module: str, name: str, *arguments: Any, folder: Path | str = ".") -> Any:
        """``module.name(*arguments)`` in a fork of its own; arguments and answer are what JSON can hold.

        Raises
        ------
        CallError
            If it raised.
        EngineError
            If its process was killed.
        """
        task = self.start({"call": (module, name), "arguments": arguments, "folder": str(folder)})
        answers = [m for m in task.messages() if m is not None]
        status = task.status()
        if not answers:
            raise EngineError(f"the process that called {name} died ({told_status(status)})")
        fine, answer = json.loads(answers[0])
        if not fine:
            raise CallError(*answer)
        return answer

    def close(self) -> None:
        """End it and every fork; nothing is left behind."""
        if not self.ready:
            self.process.kill()  # it is still importing and would not hear; it has no forks
        with contextlib.suppress(OSError):
            self.control.shutdown(socket.SHUT_RDWR)
        self.control.close()
        until = time.monotonic() + _GRACE
        while self.alive and time.monotonic() < until:
            time.sleep(0.005)
        if self.alive:
            self.process.kill()
        self.process.wait()
        self.words.close()


def told_status(status: int | None) -> str:
    """An exit status in words.

    >>> told_status(-9), told_status(1), told_status(None)
    ('killed by SIGKILL', 'exit status 1', 'the forking process was killed')
    """
    if status is None:
        return "the forking process was killed"
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
