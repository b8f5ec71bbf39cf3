"""The hostile strings of ``tests/reference/attacks.yaml``: data, never run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

FILE = Path(__file__).resolve().parents[2] / "tests" / "reference" / "attacks.yaml"


@dataclass(frozen=True)
class Attack:
    """``kind`` is what it aims at: formula, html, path..."""

    name: str
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.name} {ascii(self.text)[:60]}"


def attacks() -> list[Attack]:
    """Every string, once."""
    lists = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    out: dict[str, Attack] = {}
    for entry in (*lists["given"], *lists["own"]):
        given = entry["payload"]
        text = given if isinstance(given, str) else given[0] * given[1]
        out.setdefault(text, Attack(entry["id"], entry["class"], text))
    return list(out.values())
