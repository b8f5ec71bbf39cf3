"""Regular expressions that are compiled when they are first used.

The patterns that recognise personal data are long: compiling all of them takes half a second, in every process that
imports them, and most processes look for none.
"""

from __future__ import annotations

import re
from typing import Any, cast

__all__ = ["later"]

_WAYS = ("search", "match", "fullmatch", "finditer", "findall", "sub", "split")


class _Later:
    def __init__(self, source: str, flags: int) -> None:
        self._source, self._flags = source, flags

    def __getattr__(self, name: str) -> Any:
        compiled = re.compile(self._source, self._flags)
        for way in _WAYS:  # from now on found without coming here
            setattr(self, way, getattr(compiled, way))
        return getattr(compiled, name)


def later(source: str, flags: int = 0) -> re.Pattern[str]:
    """What ``re.compile`` gives, made on first use.

    >>> later("a+").sub("-", "baab")
    'b-b'
    """
    return cast("re.Pattern[str]", _Later(source, flags))
