"""One writer, or many readers, at work on a folder."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from commlab.errors import StudyError

_BEYOND = 1 << 20


@contextlib.contextmanager
def lock(path: str | Path, *, shared: bool = False, wait: float = 0.0, doing: str = "") -> Iterator[None]:
    """Hold a lock file while the block runs: one writer alone, or any number of readers (``shared``).

    The operating system drops the lock when the process ends, however it ends, so that none is left over; the
    file itself stays and means nothing.

    Parameters
    ----------
    path : path of the lock file
    shared : bool
        True: only read in the folder.
    wait : float, seconds
        How long to wait for another run before refusing.
    doing : str
        What this process does; told to the one that is refused.

    Raises
    ------
    StudyError
        If another process holds it after ``wait``.
    """
    final = Path(path)
    final.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(final, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        until = time.monotonic() + wait
        while not _try_lock(handle, shared):
            if time.monotonic() >= until:
                raise StudyError(
                    f"{final.parent}: another run is at work here ({_holder(final)}); "
                    "wait for it to end, then try again"
                )
            time.sleep(0.1)
        if not shared:
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"process {os.getpid()}{': ' + doing if doing else ''}".encode(), 0)
        yield
    finally:
        os.close(handle)


def _holder(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()[:200] or "a reader"
    except OSError:
        return "process unknown"


if sys.platform != "win32":
    import fcntl

    def _try_lock(handle: int, shared: bool) -> bool:
        try:
            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

else:  # Windows knows exclusive byte ranges only; the byte lies beyond the text.
    import msvcrt

    def _try_lock(handle: int, shared: bool) -> bool:
        os.lseek(handle, _BEYOND, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
