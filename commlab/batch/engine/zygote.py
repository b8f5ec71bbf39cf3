"""The process that imports everything once, then forks: one child a notebook, one child a call.

It talks over one socket (see ``client``): packets ``{"op": "run"}`` with two descriptors (the job's
connection, the pipe on which its end is told), ``{"op": "kill"}``, and end of file, upon which every child is
killed and it ends. It must have one thread only: a fork copies the thread that calls and every lock that any
other one holds.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import random
import select
import signal
import socket
import stat
import sys
import traceback
from multiprocessing.connection import Connection
from typing import Any, NoReturn

__all__ = ["serve", "threads"]

# What ipykernel sets in a kernel's environment.
_KERNEL_ENVIRONMENT = {
    "CLICOLOR": "1",
    "CLICOLOR_FORCE": "1",
    "FORCE_COLOR": "1",
    "PAGER": "cat",
    "GIT_PAGER": "cat",
}
_INLINE = "module://matplotlib_inline.backend_inline"
_PR_SET_PDEATHSIG = 1


def threads() -> int:
    """How many threads this process has."""
    return len(os.listdir("/proc/self/task"))


def serve(descriptor: int) -> None:
    """Import, say ``ready``, fork until the other side closes."""
    control = socket.socket(fileno=descriptor)
    setup = json.loads(control.recv(1 << 20))
    sys.path[:] = setup["path"]
    os.environ.setdefault("MPLBACKEND", _INLINE)
    from commlab.batch.engine.client import without_grammar
    from commlab.batch.engine.shell import make_shell

    shell = make_shell()
    with without_grammar():
        for name in setup["modules"]:
            importlib.import_module(name)
        for module, function, *arguments in setup["calls"]:
            getattr(importlib.import_module(module), function)(*arguments)
    gc.collect()
    gc.freeze()
    control.send(json.dumps({"ready": os.getpid(), "threads": threads()}).encode())
    _Server(control, shell).loop()


class _Server:
    def __init__(self, control: socket.socket, shell: Any) -> None:
        self.control, self.shell = control, shell
        self.children: dict[int, tuple[int, int]] = {}  # pid -> (job, pipe on which its end is told)
        self.woken, self.wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(self.wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def loop(self) -> None:
        while True:
            ready, _, _ = select.select([self.control.fileno(), self.woken], [], [])
            if self.woken in ready:
                os.read(self.woken, 4096)
            self.reap()
            if self.control.fileno() in ready:
                message, descriptors, _, _ = socket.recv_fds(self.control, 65536, 2)
                if not message:
                    break
                self.obey(json.loads(message), descriptors)
        for pid in self.children:
            _kill_group(pid, signal.SIGKILL)
        for pid in self.children:
            os.waitpid(pid, 0)

    def obey(self, request: dict[str, Any], descriptors: list[int]) -> None:
        if request["op"] == "kill":
            for pid, (job, _) in self.children.items():
                if job == request["id"]:
                    # An interrupt is for the cell alone; a kill is for everything it started.
                    if request["signal"] == signal.SIGKILL:
                        _kill_group(pid, signal.SIGKILL)
                    else:
                        os.kill(pid, request["signal"])
            return
        connection, pipe = descriptors
        pid = os.fork()
        if pid == 0:
            self.become(connection, pipe)
        os.close(connection)
        self.children[pid] = (request["id"], pipe)

    def reap(self) -> None:
        while self.children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            _, pipe = self.children.pop(pid)
            _kill_group(pid, signal.SIGKILL)  # what the report started and left running
            os.write(pipe, str(os.waitstatus_to_exitcode(status)).encode())
            os.close(pipe)

    def become(self, connection: int, pipe: int) -> NoReturn:
        """In the child: do the job and end, whatever happens."""
        code = 1
        try:
            os.setsid()
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for descriptor in (self.control.fileno(), self.woken, self.wake, pipe):
                os.close(descriptor)
            for _, other in self.children.values():
                os.close(other)
            os.set_inheritable(connection, False)
            reopen_files()
            reseed()
            work(Connection(connection), self.shell)
            code = 0
        finally:
            try:
                if code:
                    traceback.print_exc(file=sys.__stderr__)
            finally:  # nothing, not even a broken stderr, lets a child go on as a second server
                os._exit(code)


def _kill_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        try:
            os.kill(pid, number)  # it has not come to lead its group yet
        except ProcessLookupError:
            return


def reopen_files() -> None:
    """Open again every file that is open for reading: forks share offsets, and fonts are read lazily."""
    import fcntl

    for name in os.listdir("/proc/self/fd"):
        descriptor = int(name)
        try:
            regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
            flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
            if descriptor < 3 or not regular or flags & os.O_ACCMODE != os.O_RDONLY:
                continue
            position = os.lseek(descriptor, 0, os.SEEK_CUR)
            again = os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:  # closed meanwhile (the listing's own), or gone from the disk
            continue
        os.lseek(again, position, os.SEEK_SET)
        os.dup2(again, descriptor, inheritable=False)
        os.close(again)


def reseed() -> None:
    """Every fork would draw the same numbers from a global generator."""
    random.seed()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()


def work(connection: Connection, shell: Any) -> None:
    """One job: a notebook's cells, or a call."""
    job = json.loads(connection.recv_bytes())
    os.environ.clear()
    os.environ.update(job["environment"])
    os.chdir(job["folder"])
    if job.get("memory"):
        _limit_memory(job["memory"])
    if "call" in job:
        _call(connection, job)
    else:
        _cells(connection, shell, job["cells"])


def _limit_memory(mebibytes: int) -> None:
    """Let this process take so much more than it has now."""
    import resource

    with open("/proc/self/statm", encoding="ascii") as file:
        pages = int(file.read().split()[0])
    limit = pages * os.sysconf("SC_PAGE_SIZE") + mebibytes * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _cells(connection: Connection, shell: Any, cells: list[tuple[int, str, bool]]) -> None:
    from commlab.batch.engine.shell import connect, run_cell

    for name, value in _KERNEL_ENVIRONMENT.items():
        os.environ[name] = value
    os.environ.setdefault("MPLBACKEND", _INLINE)

    encode = json.JSONEncoder(default=str).encode  # held: a cell may replace what modules offer

    def send(event: dict[str, Any]) -> None:
        connection.send_bytes(encode(event).encode())

    descriptors = connect(shell, send)
    for index, source, may_fail in cells:
        send({"start": index})
        count, fine = run_cell(shell, source, descriptors)
        send({"done": index, "count": count, "ok": fine})
        if shell.exit_now or not (fine or may_fail):
            break
    if not shell.exit_now:
        send({"end": True})


def _call(connection: Connection, job: dict[str, Any]) -> None:
    """Call a function and send what it returns, or the error that it raises."""
    module, name = job["call"]
    try:
        answer = json.dumps((True, getattr(importlib.import_module(module), name)(*job["arguments"])))
    except BaseException as error:
        answer = json.dumps((False, (type(error).__name__, str(error), traceback.format_exc())))
    connection.send_bytes(answer.encode())
