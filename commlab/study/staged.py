"""The city stage on disk: which of its parts are still good; the others are computed and stored."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import pandas as pd

from commlab.errors import StudyError
from commlab.store import json_hash
from commlab.study.results import PARTS, Clean

if TYPE_CHECKING:
    from commlab.study.period import Period

__all__ = ["bring_up_to_date", "computed"]

_TABLES = tuple(dict.fromkeys(t for part in PARTS.values() for t in (*part.tables, *part.before)))


def bring_up_to_date(period: Period, key: str, *, force: bool) -> dict[str, pd.DataFrame]:
    """Compute and store the parts of a period's city stage whose tables changed; what was computed.

    ``key`` is the hash of everything that the stage rests on. A part stays where its own key is what it was and
    each of its files is what was written.
    """
    folder = period.folder
    note = folder.read_stage() or {}
    keys, stored = _part_keys(period), note.get("results", {})
    before = {} if force else note.get("parts", {})
    kept = [p for p in PARTS if before.get(p) == keys[p] and _whole(period, PARTS[p].results, stored)]
    results = computed(period, [p for p in PARTS if p not in kept])
    with folder.lock(doing=f"city stage {period.name}"):
        folder.unsettle()
        hashes = {name: stored[name] for p in kept for name in PARTS[p].results}
        hashes |= {name: folder.write_result(name, frame) for name, frame in results.items()}
        folder.write_stage({"key": key, "parts": keys, "results": hashes})
    return results


def _whole(period: Period, names: tuple[str, ...], stored: dict[str, str]) -> bool:
    return all(name in stored and period.folder.result_hash(name) == stored[name] for name in names)


def _part_keys(period: Period) -> dict[str, str]:
    """Part -> hash of what it is computed from: its tables, and what all parts rest on."""
    before = period.checked_before
    both = [period] if before is None else [period, before]
    shared: list[object] = [period.hashes[k] for k in ("study.yaml", "register", "framework", "code")]
    shared += [[p.name, p.districts, p.items] for p in both]
    keys = {}
    for name, part in PARTS.items():
        own = [period.folder.table_hash(t) for t in part.tables]
        earlier = [before.folder.table_hash(t) for t in part.before] if before else None
        keys[name] = json_hash([shared, own, earlier])
    return keys


def computed(period: Period, parts: Collection[str] = tuple(PARTS)) -> dict[str, pd.DataFrame]:
    """City-wide results of a period, all or those of some parts; nothing is stored.

    Raises
    ------
    StudyError
        If no district can be reported.
    """
    from commlab.study.stage import compute

    if not period.districts:
        raise StudyError(
            f"{period.name} has no district that can be reported: nothing was sent, or every file has errors "
            f"(see `commlab check {period.name}`)"
        )
    study, before = period.study, period.checked_before
    return compute(
        _clean(period),
        config=study.config,
        register=study.register,
        framework=study.framework,
        previous=_clean(before) if before else None,
        parts=parts,
    )


def _clean(period: Period) -> Clean:
    return Clean(period.name, {t: period.table(t) for t in _TABLES}, period.districts, period.items)
