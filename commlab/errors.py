"""The errors a user can meet: which one says who can mend it.

``DataError``       the table is wrong: mend the file or the register.
``ParameterError``  the request is wrong: mend the call or the command line.
``StudyError``      the folder is wrong: mend ``study.yaml`` or the layout.

A message says what, where (file, sheet, cell; unit and column), what was found and what to do.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["REACH", "CommlabError", "DataError", "ParameterError", "StudyError", "listing", "within_reach"]

REACH = 1e30
"""Largest number that is calculated with, 1 / REACH the smallest: squares, products with weights and fourth powers fit."""


_LONGEST, _END = 4_000, 800
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Cn", "Zl", "Zp"))


def _told(message: str) -> str:
    """A message as a terminal may print it, whatever it quotes: what nobody sees spelt out, the middle of a long one left out.

    >>> _told("found '\u202e'"), len(_told("x" * 9_999))
    ("found '\\\\u202e'", 4003)
    """
    message = _cut(message)
    if message.isprintable():
        return message
    return _cut(
        "".join(
            c.encode("unicode_escape").decode()
            if unicodedata.category(c) in _UNSEEN and c not in "\n\t"
            else c
            for c in message
        )
    )


def _cut(message: str) -> str:
    return message if len(message) <= _LONGEST else f"{message[: _LONGEST - _END]} … {message[-_END:]}"


class CommlabError(Exception):
    """Base of every error that commlab raises on purpose."""

    def __init__(self, message: str = "") -> None:
        super().__init__(_told(message))


class DataError(CommlabError):
    """The table is wrong.

    Parameters
    ----------
    message : str
        What is wrong and what to do.
    file, sheet, cell : str, optional
        Where; they lead the message as ``file [sheet] cell: message``.
    faults : sequence of str, optional
        All faults found, where several were collected before raising.

    Attributes
    ----------
    bare : str
        The message without the place before it.
    """

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        sheet: str | None = None,
        cell: str | None = None,
        faults: Sequence[str] = (),
    ) -> None:
        self.file, self.sheet, self.cell, self.faults = file, sheet, cell, tuple(faults)
        self.bare = message = _told(message)
        place = " ".join(filter(None, [file, f"[{sheet}]" if sheet else None, cell]))
        super().__init__(f"{place}: {message}" if place else message)


class ParameterError(CommlabError):
    """The request is wrong."""


class StudyError(CommlabError):
    """The study folder is wrong."""


def listing(names: Iterable[object], *, most: int = 5) -> str:
    """Name the first few of many offenders for an error message.

    >>> listing(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    shown = [str(n) for n in names]
    if len(shown) <= most:
        return ", ".join(shown)
    return f"{', '.join(shown[:most])} and {len(shown) - most} more"


def within_reach(numbers: npt.NDArray[np.floating], what: str) -> None:
    """Refuse numbers whose squares and products would leave what a computer can hold, so that none is lost in silence.

    >>> import numpy as np
    >>> within_reach(np.array([1e200, 3.0]), '"income"')
    Traceback (most recent call last):
    commlab.errors.DataError: "income" reaches 1e+200; numbers up to 1e+30 can be calculated with: give it in another unit
    """
    import numpy as np  # only who computes needs it

    top = max(numbers.max(initial=0.0), -numbers.min(initial=0.0))
    if top != top:  # some are missing
        top = max(np.fmax.reduce(numbers, axis=None), -np.fmin.reduce(numbers, axis=None), 0.0)
    if top > REACH:
        raise DataError(
            f"{what} reaches {top:.3g}; numbers up to {REACH:g} can be calculated with: give it in another unit"
        )
    if 0 < top < 1 / REACH:
        raise DataError(
            f"{what} is at most {top:.3g}; numbers from {1 / REACH:g} can be calculated with: give it in another unit"
        )
