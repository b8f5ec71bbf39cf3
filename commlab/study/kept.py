"""What every raw file of a period was read into, kept for as long as nothing that it was read with has changed.

An entry holds what goes into the clean tables and the ledger, and of questionnaires who answered as keyed hashes that
hold within the period only. Paper keyed twice is read every time: its files are read together. Entries lie below
``data/processed/.cache/<period>/``, one a raw file; where one is lost, damaged or of other inputs, the file is read.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from commlab import store
from commlab.study.raw import RawFile
from commlab.study.status import FileRead

__all__ = ["Kept"]

_FRAMES = ("frame", "ledger", "unmatched")
_PERSONS = "persons"
_FOLDER = ".cache"


class Kept:
    """The entries of one period.

    Parameters
    ----------
    root : path
        The study's folder.
    period : str
    basis : str
        Hash of what all files are read with: code, register, framework.
    anew : bool
        Read every file and keep what it gives.
    """

    def __init__(self, root: Path, period: str, basis: str, *, anew: bool = False) -> None:
        self.root, self.period, self.basis, self.anew = root, period, basis, anew

    def read(
        self, file: RawFile, reader: Callable[[RawFile], list[FileRead]], rests_on: object
    ) -> list[FileRead]:
        """What the file was read into by ``reader``: now, or the last time.

        ``rests_on`` is what it is read with beside what all files are; None for a file that is not kept.
        """
        if rests_on is None:
            return reader(file)
        memory, key = store.FrameMemory(self.root, self._name(file.name)), self._key(file, rests_on)
        known = None if self.anew else memory.read(key)
        if known is not None:
            note, frames = known
            return [_again(file, one, frames, i) for i, one in enumerate(note)]
        before = _stamp(file)
        read = reader(file)
        if any(r.disagreements is not None for r in read):
            return read
        if (
            self._key(file, rests_on) == key and _stamp(file) == before
        ):  # else it was changed while it was read
            kept = {f"{i}.{n}": frame for i, r in enumerate(read) for n, frame in _frames(r).items()}
            memory.write(key, kept, [_plain(r) for r in read])
        return read

    def forget(self, files: Iterable[RawFile]) -> None:
        """Remove the entries of files that are not there any more."""
        known = {Path(self._name(file.name)).name for file in files}
        with contextlib.suppress(OSError):
            for path in (self.root / "data" / "processed" / _FOLDER / self.period).iterdir():
                if path.name not in known:
                    path.unlink()

    def _name(self, name: str) -> str:
        return f"{_FOLDER}/{self.period}/{hashlib.sha256(name.encode()).hexdigest()[:32]}"

    def _key(self, file: RawFile, rests_on: object) -> str:
        place = [file.name, file.period, file.role, file.fields]
        return store.json_hash([self.basis, rests_on, *place, repr(file.input), store.file_hash(file.path)])


def _stamp(file: RawFile) -> tuple[int, ...]:
    stat = file.path.stat()
    return stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns


def _frames(read: FileRead) -> dict[str, pd.DataFrame]:
    frames = {n: getattr(read, n) for n in _FRAMES}
    return frames if read.persons is None else frames | {_PERSONS: read.persons.to_frame(_PERSONS)}


def _again(file: RawFile, plain: dict[str, Any], frames: dict[str, pd.DataFrame], i: int) -> FileRead:
    persons = frames.get(f"{i}.{_PERSONS}")
    told = {n: frames[f"{i}.{n}"] for n in _FRAMES}
    return FileRead(file, **plain, **told, persons=None if persons is None else persons[_PERSONS])


def _plain(read: FileRead) -> dict[str, object]:
    """What of a file's reading is no frame."""
    return {n: getattr(read, n) for n in ("district", "table", "broken", "fault", "texts")}
