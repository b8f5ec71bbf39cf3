"""A guard for child processes: ``sitecustomize`` that refuses every socket but local ones, and a look at the system's.

``guarded(folder)`` gives environment variables under which each Python process (and what it forks or starts) raises
PermissionError where it connects, binds, sends or looks up a name beyond this machine, and notes every address it used.
Libraries that open sockets of their own (libzmq, Rust) go past Python; ``Sampler`` sees theirs in /proc.
"""

from __future__ import annotations

import json
import os
import stat
import threading
import time
from pathlib import Path

GUARD = """
import json, os, sys

NOTES = os.environ["COMMLAB_SOCKETS"]
ALLOWED = set(filter(None, os.environ.get("COMMLAB_SOCKETS_ALLOWED", "127.0.0.1 ::1 localhost").split(" ")))


def note(event, address):
    out = os.open(NOTES, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(out, (json.dumps([event, str(address)]) + "\\n").encode())
    os.close(out)


def guard(event, args):
    if event in ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"):
        address = args[1]
        if isinstance(address, (str, bytes)) or address is None:  # of this machine's files, or a pair
            return
        host = address[0]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        address = host = args[0].decode() if isinstance(args[0], bytes) else args[0]
    else:
        return
    note(event, address)
    if host not in ALLOWED:
        note("refused", address)
        raise PermissionError(f"{event} {address}: no network at run time")


sys.addaudithook(guard)
"""


def guarded(folder: Path) -> dict[str, str]:
    """Variables for a child process; ``noted(folder)`` reads what it did."""
    (folder / "guard").mkdir(parents=True, exist_ok=True)
    (folder / "guard" / "sitecustomize.py").write_text(GUARD, encoding="utf-8")
    return {"PYTHONPATH": str(folder / "guard"), "COMMLAB_SOCKETS": str(folder / "sockets.jsonl")}


def noted(folder: Path) -> list[tuple[str, str]]:
    """(event, address) of every socket that left the process's own files."""
    path = folder / "sockets.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [(event, address) for event, address in map(json.loads, lines)]


def family(pid: int) -> set[int]:
    """A process and everything below it that is alive."""
    out, left = set(), [pid]
    while left:
        out.add(one := left.pop())
        try:
            tasks = list(Path(f"/proc/{one}/task").iterdir())
            left += [int(child) for task in tasks for child in (task / "children").read_text().split()]
        except OSError:  # ended meanwhile
            continue
    return out


def internet_sockets(pids: set[int]) -> set[tuple[str, str]]:
    """(kind, local address) of the TCP and UDP sockets that processes hold; addresses in the kernel's hexadecimal."""
    mine = set()
    for pid in pids:
        try:
            for descriptor in Path(f"/proc/{pid}/fd").iterdir():
                target = os.readlink(descriptor)
                if target.startswith("socket:["):
                    mine.add(target[8:-1])
        except OSError:
            continue
    out = set()
    for kind in ("tcp", "tcp6", "udp", "udp6"):
        table = Path("/proc/net") / kind
        for row in table.read_text().splitlines()[1:] if table.exists() else ():
            fields = row.split()
            if fields[9] in mine:
                out.add((kind, fields[1].partition(":")[0]))
    return out


LOOPBACK = {("tcp", "0100007F"), ("tcp6", "00000000000000000000000001000000")}


class Sampler(threading.Thread):
    """Looks at a process's family every few milliseconds until it ends: sockets, and kernels' connection files."""

    def __init__(self, pid: int, runtime: Path, every: float = 0.2) -> None:
        super().__init__(daemon=True)
        self.pid, self.runtime, self.every = pid, runtime, every
        self.sockets: set[tuple[str, str]] = set()
        self.keys: list[tuple[str, str, bool, int]] = []
        self.done = threading.Event()
        self.start()

    def run(self) -> None:
        while not self.done.is_set():
            self.sockets |= internet_sockets(family(self.pid))
            for path in self.runtime.glob("*.json"):
                try:
                    told = json.loads(path.read_text(encoding="utf-8"))
                    mode = stat.S_IMODE(path.stat().st_mode)
                except (OSError, ValueError):  # being written, or gone
                    continue
                if "signature_scheme" not in told:  # another file
                    continue
                self.keys.append((told["ip"], told["signature_scheme"], len(told["key"]) >= 16, mode))
            time.sleep(self.every)

    def stop(self) -> None:
        self.done.set()
        self.join()
