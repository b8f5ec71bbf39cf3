"""Addresses, telephone numbers and names that stand in the raw files only are looked for in everything that leaves the house."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from commlab.release import scan
from tools.tortured.common import PERIOD, Tally, finished, study

PLANTED = ("金丝雀甲乙丙", "canary.person@example.org", "13900001234", "530102194912310021", "云A·9Z9Z9")


def in_raw_files(folder: Path) -> list[str]:
    """Network addresses and mobile numbers of the (invented) people in a folder of raw files."""
    found: set[str] = set()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        parts = [path.read_bytes()]
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                parts = [archive.read(name) for name in archive.namelist()]
        for part in parts:
            text = part.decode("utf-8", "ignore") + part.decode("gb18030", "ignore")
            found |= set(re.findall(r"198\.\d+\.\d+\.\d+|(?<!\d)1[3-9]\d{9}(?!\d)", text))
    return sorted(found)


def plant(root: Path) -> list[str]:
    """Put invented people into free text, notes below tables and descriptions of problems; all canaries of the study."""
    for path in sorted((root / "data/raw").rglob("*.csv")):
        content = path.read_bytes()
        code = "utf-8" if _is_utf8(content) else "gb18030"
        text = content.decode(code)
        path.write_bytes(
            text.rstrip("\n").encode(code) + ("\n填表人:" + " ".join(PLANTED) + "\n").encode(code)
        )
    canaries = [*PLANTED, *in_raw_files(root / "data/raw")]
    (root / "data/register/canaries.txt").write_text("\n".join(canaries) + "\n", encoding="utf-8")
    return canaries


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def run(tally: Tally, seed: int) -> None:
    del seed  # nothing here is drawn
    with study() as root:
        canaries = plant(root)
        seen = scan(root / "data/raw", canaries)
        tally.case(
            f"{len(canaries)} canaries are seen where they are", [] if seen else ["the scanner is blind"]
        )
        finished(root, "check")
        done = finished(root, "release", PERIOD)
        tally.case(
            "release", [f"ended with {done.returncode}: {done.stderr[-400:]}"] if done.returncode else []
        )
        for what in ("release", "data/processed", "data/releases"):
            found = [f for f in scan(root / what, canaries) if f.kind == "canary"]
            tally.case(f"{what}/", [str(f) for f in found[:10]])
        done = finished(root, "run")
        found = [f for f in scan(root / "reports", canaries) if f.kind == "canary"]
        tally.case("reports/ (internal)", [str(f) for f in found[:10]])
