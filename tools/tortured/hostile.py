"""Hostile strings in every place: one by one at every door, then by the hundred in whole studies that are run, released and opened."""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
import threading
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from commlab.text import clean
from tools.tortured.attacks import attacks
from tools.tortured.common import PERIOD, Tally, finished
from tools.tortured.doors import DOORS, REFUSED, tried
from tools.tortured.looked import profile, written
from tools.tortured.planted import Words, plant

STUDIES = 1
"""Whole studies with other strings in each place; another --seed plants others."""
PORT = 9
"""Where the strings send whoever follows their addresses."""
_BODY = ("metric", "item", "as_of", "value")


def run(tally: Tally, seed: int) -> None:
    with _listening() as calls:
        doors(tally)
        harmless = _study(tally, seed, harmless=True)
        for number in range(STUDIES):
            _study(tally, seed + number, harmless=False, twin=harmless)
        tally.case("addresses in strings that were asked for", [f"{n} calls" for n in calls[:1]])


def doors(tally: Tally, *, step: int = 1) -> None:
    """Every door, string by string (``step``: every so manieth)."""
    strings = attacks()[::step]
    with tempfile.TemporaryDirectory(prefix="doors-") as folder, warnings.catch_warnings():
        warnings.simplefilter("error")
        before = Path.cwd()
        os.chdir(folder)
        try:
            for name, door in DOORS.items():
                counts: Counter[str] = Counter()
                wrong = []
                for attack in strings:
                    answer = tried(door, attack.text, Path(folder))
                    counts["refused" if answer == REFUSED else "failed" if answer else "text"] += 1
                    wrong += [f"{attack}: {answer}"] if answer not in ("", REFUSED) else []
                told = ", ".join(f"{n} {what}" for what, n in sorted(counts.items()))
                tally.tried += len(strings) - 1
                tally.case(f"{name}: {len(strings)} strings, {told}", wrong[:5])
            tally.case("files made by strings", [str(p) for p in Path(folder).rglob("PWNED*")])
        finally:
            os.chdir(before)


def _study(
    tally: Tally, seed: int, *, harmless: bool, twin: tuple[dict[str, set[str]], pd.DataFrame] | None = None
) -> tuple[dict[str, set[str]], pd.DataFrame]:
    """Plant, check, report, release, open."""
    words = Words(seed, harmless=harmless)
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        root = Path(folder) / "study"
        plant(root, words)
        name = "the harmless twin" if harmless else f"study {seed}"
        done = finished(root, "run", TERM="xterm")
        told = done.stdout + done.stderr
        faults = (
            [f"run ended with {done.returncode}: {told[-300:]!a}"]
            if done.returncode not in (0, 1) or "Traceback" in told
            else []
        )
        faults += [
            f"not made: {line.strip()[:200]!a}"
            for line in told.splitlines()
            if " failed " in line and "data/raw/" not in line
        ][:5]
        if any(not c.isprintable() and c not in "\n\t\r\u3000\u00a0\ue000" for c in told):
            faults.append("the terminal was sent characters that nobody sees")
        released = finished(root, "release", PERIOD)
        if (
            released.returncode and "the scanner found" not in released.stderr
        ):  # a name that reads like a path or a number
            faults.append(f"release ended with {released.returncode}: {released.stderr[-300:]!a}")
        found, wrong = profile(root)
        measures = pd.read_parquet(root / f"data/processed/{PERIOD}/measures.parquet")
        faults += wrong
        if twin is not None:
            for suffix, kinds in found.items():
                more = kinds - twin[0].get(suffix, set()) - (written() if suffix == ".html" else set())
                faults += (
                    [f"{suffix} is built of what its twin and the templates are not: {sorted(more)[:6]}"]
                    if more
                    else []
                )
            faults += _altered(measures, twin[1])
            names = {clean(a.text).strip() for place, a in words.planted if place == "community"}
            shown = {u.partition("/")[2] for u in measures["unit"]}
            print(f"   {len(names & shown)} of {len(names)} names stand in the clean tables", flush=True)
        places = Counter(place for place, _ in words.planted)
        tally.tried += len(words.planted)
        tally.case(
            f"{name}: {len(words.planted)} strings in {len(places)} kinds of places, {len(faults)} failed",
            faults,
        )
    return found, measures


def _altered(hostile: pd.DataFrame, harmless: pd.DataFrame) -> list[str]:
    """Cells that differ between the twins, by the cell they were read from: a string may lose its own row, never change another."""
    keys = ["source", "metric", "item"]
    both = hostile.merge(harmless, on=keys, suffixes=("", "_twin"))
    odd = both[both["value"].ne(both["value_twin"]) & ~(both["value"].isna() & both["value_twin"].isna())]
    lost = len(harmless) - len(both)
    faults = [f"{r.source} {r.metric}: {r.value} instead of {r.value_twin}" for r in odd.head(3).itertuples()]
    return faults + ([f"{lost} of {len(harmless)} cells are missing"] if lost > len(harmless) / 10 else [])


@contextlib.contextmanager
def _listening() -> Iterator[list[int]]:
    """Counts who comes to the address that the strings name."""
    calls: list[int] = []
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("127.0.0.1", PORT))
        except (
            OSError
        ):  # a port that only an administrator may open: the pages' requests are looked at all the same
            yield calls
            return
        server.listen()

        def wait() -> None:
            with contextlib.suppress(OSError):
                while True:
                    server.accept()[0].close()
                    calls.append(len(calls) + 1)

        threading.Thread(target=wait, daemon=True).start()
        yield calls
        server.shutdown(socket.SHUT_RDWR)
