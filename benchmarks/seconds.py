"""CPU seconds, as the benchmarks take them."""

from __future__ import annotations

import time
from collections.abc import Callable


def best(what: Callable[[], object], times: int = 5) -> float:
    """CPU seconds of the fastest of several runs."""
    taken = []
    for _ in range(times):
        start = time.process_time()
        what()
        taken.append(time.process_time() - start)
    return min(taken)
