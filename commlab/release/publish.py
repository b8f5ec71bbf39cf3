"""Making a release: decide, compare with what was published, set the pages, look through them, and only then publish."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from commlab import store
from commlab.errors import ParameterError, StudyError, listing
from commlab.release import edition
from commlab.release.figures import public_figures, restated, withheld
from commlab.release.ledger import Ledger, Vintage, differing, respondents
from commlab.release.scanner import Finding, scan
from commlab.report.press import FORMATS
from commlab.study import Period
from commlab.study.public import public_view
from commlab.study.raw import secret_key
from commlab.tables import CONTRACTS

__all__ = ["Released", "read_canaries", "release"]

CITY = "city"
RULES = {
    "R1": "fewer than k respondents",
    "R2": "children of a parent that would tell a withheld one",
    "R3": "all or none of a small group answered alike",
    "R4": "a change of which one period is withheld",
    "R5": "differs from an earlier figure by fewer than k respondents",
}


@dataclass(frozen=True)
class Released:
    """What a release holds.

    ``number`` counts the period's releases (1 is the first), ``new`` says whether it has figures that no earlier one
    had, ``restated`` how many published figures are known better now, ``withheld`` figures by rule.
    """

    folder: Path
    number: int
    new: bool
    files: int
    figures: int
    restated: int
    withheld: dict[str, int]


def release(
    period: Period,
    *,
    formats: Sequence[str] = ("html", "docx", "pdf"),
    language: str | None = None,
    progress: Callable[[str], None] = lambda told: None,
) -> Released:
    """Build ``release/<period>/``: what the public may see, and nothing else.

    Parameters
    ----------
    period : Period
    formats : sequence of {"html", "docx", "pdf"}
    language : {"zh", "en"}, optional
        Default: the study's.
    progress : callable
        Is told the name of each unit before its pages are set.

    Returns
    -------
    Released

    Raises
    ------
    StudyError
        If an earlier release differs from this one by 1 to k - 1 respondents in any domain and item (R5), the scanner finds
        anything, or the release ledger is damaged. The earlier release then stays as it is.
    ParameterError
        If a format is unknown.

    Notes
    -----
    Published figures are frozen: where a correction moves one, the release prints the first value and the restated one
    beside it. Nothing in a release holds a clock; the same data give the same bytes.
    """
    unknown = [f for f in formats if f not in FORMATS]
    if unknown or not formats:
        raise ParameterError(f"no format is called {listing(unknown)}; known: {', '.join(FORMATS)}")
    study = period.study
    language = language or study.config.language
    period.clean()
    root = study.root
    releases = root / "release"
    with store.lock(releases / f".{period.name}.lock", doing=f"release {period.name}"):
        public = public_view(period)
        k = public.study.config.disclosure["public"]
        ledger = Ledger(root, period.name)
        earlier = ledger.read()
        people = (
            respondents(public, secret_key(study.config))
            if len(public.responses)
            else pd.DataFrame({"person": []})
        )
        _refuse_small_steps(earlier, people, k, study.config.city)
        figures = restated(public_figures(public), ledger.first_published(earlier))
        number, new = _numbered(earlier, figures)
        with tempfile.TemporaryDirectory(prefix=".release-", dir=_made(releases)) as temporary:
            folder = Path(temporary) / period.name
            folder.mkdir()
            csv = edition.write_figures(folder, figures, public, language=language)
            changed = figures[figures["restated"].notna()]
            units = [study.config.city, *public.districts]
            names = {study.config.city: CITY}
            for unit, document in edition.documents(public, units, language=language, restated=changed):
                progress(unit)
                stem = "report" if language == "zh" else f"report.{language}"
                for form, content in edition.pages(document, tuple(dict.fromkeys(formats))).items():
                    store.write_bytes(folder / names.get(unit, unit) / f"{stem}.{form}", content)
            record = _record(public, figures, number, k)
            store.write_json(folder / "record.json", record)
            found = scan(folder, read_canaries(root))
            if found:
                raise StudyError(_told(found, period.name))
            record["scanner"] = {"files": _files(folder), "found": 0}
            store.write_json(folder / "record.json", record)
            if new:
                ledger.add(Vintage(number, figures, people, record), csv)
            _put(folder, releases / period.name)
    return Released(
        releases / period.name, number, new, _files(releases / period.name), len(figures),
        int(figures["restated"].notna().sum()), withheld(figures),
    )  # fmt: skip


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _files(folder: Path) -> int:
    return sum(p.is_file() for p in folder.rglob("*"))


def _refuse_small_steps(earlier: Sequence[Vintage], people: pd.DataFrame, k: int, city: str) -> None:
    """R5, against every earlier release: each has been seen, and any two can be subtracted."""
    for vintage in earlier:
        if "unit" not in people or "unit" not in vintage.respondents:
            continue
        steps = differing(vintage.respondents, people, k=k, city=city)
        if len(steps):
            domains = [f"{r.unit} {r.item}" for r in steps.itertuples()]
            raise StudyError(
                f"release {vintage.number} and today's data differ by 1 to {k - 1} respondents in {len(steps)} places "
                f"({listing(domains, most=4)}): subtracting one from the other would tell these people's answers. "
                f"Leave the published release as it is, or wait until at least {k} questionnaires have changed there"
            )


def _numbered(earlier: Sequence[Vintage], figures: pd.DataFrame) -> tuple[int, bool]:
    """The number of this release, and whether its figures are new."""
    if earlier:
        text = edition.csv_text(figures)
        if edition.csv_text(earlier[-1].figures) == text:
            return earlier[-1].number, False
    return len(earlier) + 1, True


def _record(public: Period, figures: pd.DataFrame, number: int, k: int) -> dict[str, Any]:
    """The access record: which fields went in, by which rules, what was kept back."""
    config = public.study.config
    fields = {
        table: {c.name: c.privacy for c in CONTRACTS[table].columns if c.name in frame}
        for table in ("measures", "responses", "ratings", "judgments", "opinions", "mutual")
        if len(frame := public.table(table))
    }
    if "responses" in fields:
        fields["responses"] |= dict.fromkeys(public.items, "sensitive")
    domains = figures.loc[figures["rule"] != "", ["level", "unit", "item", "rule"]].drop_duplicates()
    return {
        "study": config.title,
        "period": public.name,
        "release": number,
        "sample": config.sample,
        "k": k,
        "rules": RULES,
        "fields": fields,
        "districts": list(public.districts),
        "withheld": withheld(figures),
        "withheld_domains": [list(row) for row in domains.itertuples(index=False, name=None)],
        "restated": int(figures["restated"].notna().sum()),
        "figures": len(figures),
    }


def _told(found: Sequence[Finding], period: str) -> str:
    return (
        f"release {period} was not made: the scanner found {len(found)} things that may not leave the house "
        f"({listing([str(f) for f in found], most=5)}). Mend their source (a codebook's `personal:`, a label, a name) and try again"
    )


def read_canaries(root: str | Path) -> list[str]:
    """Texts that stand in the raw files and must never come out: ``data/register/canaries.txt``, one a line."""
    path = Path(root) / "data" / "register" / "canaries.txt"
    if not path.is_file():
        return []
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _put(folder: Path, final: Path) -> None:
    """Put a complete folder in the place of the old one; a kill in between leaves the one or the other."""
    if not final.exists():
        os.replace(folder, final)
        return
    aside = folder.with_name(f"{folder.name}.old")
    os.replace(final, aside)
    os.replace(folder, final)
    shutil.rmtree(aside)
