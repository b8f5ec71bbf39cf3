"""No network at run time: a study is run and released where there is none at all, and the system's calls of a run are looked through."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tools.tortured.common import APART, PERIOD, Tally, apart, finished, study

FORMATS = ("--formats", "html,docx,pdf,xlsx", "--unit", "city", "--unit", "五华区")
ASKED = "[::1]:0"
"""urllib3, which papermill imports, binds this once to learn whether there is IPv6, and closes it."""
_CALL = re.compile(r"(\w+)\(.*?sa_family=AF_INET6?.*?htons\((\d+)\).*?\"([^\"]*)\"")


def run(tally: Tally, seed: int) -> None:
    del seed  # nothing here is drawn
    if apart():
        with study() as root:
            for words in (("run", *FORMATS), ("release", PERIOD)):
                done = finished(root, *words, before=(*APART, "-rn"))
                tally.case(
                    f"{words[0]} where no interface is up, loopback neither",
                    [f"ended with {done.returncode}: {done.stderr[-300:]}"] if done.returncode else [],
                )
    else:
        print("   not tried, this system has no networks for its users: a run without one", flush=True)
    if shutil.which("strace") is None:
        print("   not tried, strace is not installed: every call of a run, of native code too", flush=True)
        return
    with study() as root:
        log = root.parent / "calls"
        log.mkdir()
        watch = (
            "strace",
            "-ff",
            "--seccomp-bpf",
            "-qq",
            "-e",
            "trace=connect,bind,sendto,sendmsg,listen",
            "-o",
            str(log / "c"),
        )
        done = finished(root, "run", *FORMATS, before=watch)
        seen = calls(log)
        tally.case(
            f"{len(seen)} calls with an address in a run, none beyond this machine",
            ([f"ended with {done.returncode}: {done.stderr[-300:]}"] if done.returncode else [])
            + sorted({call for call in seen if not call.endswith(ASKED)})[:5],
        )


def calls(log: Path) -> list[str]:
    """Every call that names an address of a network: its name and where to."""
    found = []
    for path in sorted(log.iterdir()):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            if "AF_INET" in line:
                told = _CALL.search(line)
                found.append(f"{told[1]} [{told[3]}]:{told[2]}" if told else line[:120])
    return found
