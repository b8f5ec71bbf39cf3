"""The release ledger: what was published when, and about which respondents; the answer to a re-release.

Kept in ``data/releases/<period>/<number>/``, for internal eyes: ``figures.csv`` (as first published),
``respondents.parquet`` (keyed digests: of a person, and of each of a person's answers) and ``record.json``. From the digests two
releases can be compared person by person without holding anybody's answers a second time. One corrected or withdrawn
questionnaire would tell that person's answers to whoever subtracts one release from the other (R5): a difference of 1 to k - 1
respondents in any published domain and item blocks the release.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from commlab import store
from commlab.errors import StudyError
from commlab.study import Period
from commlab.study.shown import BREAKDOWNS

__all__ = ["Ledger", "Vintage", "differing", "respondents"]

PERSON = "person"
_PLACES = ("unit", "district")
WEIGHT = "weight"
"""An item of its own: who counts more than before moves every figure towards what that person answered."""
_HEAD = (PERSON, *_PLACES)


def respondents(period: Period, key: str) -> pd.DataFrame:
    """Digests of the people behind a release.

    Parameters
    ----------
    period : Period
    key : str
        The study's de-identification key; without it the digests cannot be tried out.

    Returns
    -------
    DataFrame
        person, unit, district, and a column for each item, each question about the person and the weight: the digest of
        (person, item, answer), 0 where there is none. Sorted by person.
    """
    answers = period.answers
    secret = hashlib.blake2b(f"release\x1f{period.name}\x1f{key}".encode(), digest_size=32).digest()

    def digest(*parts: object) -> int:
        found = hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8, key=secret).digest()
        return int.from_bytes(found, "big", signed=True) or 1

    # The hash of a questionnaire may repeat between files: its number within the community tells them apart.
    again = answers.groupby(["unit", "response_id"], sort=False).cumcount()
    people = [digest(r, u, k) for r, u, k in zip(answers["response_id"], answers["unit"], again, strict=True)]
    out = pd.DataFrame({PERSON: np.array(people, dtype=np.int64)})
    for name in _PLACES:
        out[name] = answers[name].astype("str").to_numpy()
    told = [*period.items, *(c for c in BREAKDOWNS if c in answers)]
    for item in told:
        values = answers[item].astype("str")
        out[item] = np.array(
            [
                0 if gone else digest(p, item, v)
                for p, v, gone in zip(people, values, values.isna(), strict=True)
            ],
            dtype=np.int64,
        )
    if "base_weight" in answers:
        weights = answers["base_weight"].astype(float).round(9)
        out[WEIGHT] = np.array([digest(p, WEIGHT, w) for p, w in zip(people, weights, strict=True)])
    return out.sort_values(PERSON, kind="stable", ignore_index=True)


def differing(before: pd.DataFrame, after: pd.DataFrame, *, k: int, city: str) -> pd.DataFrame:
    """Domains and items in which two sets of respondents differ by 1 to k - 1 people.

    Parameters
    ----------
    before, after : DataFrame
        As of ``respondents``.
    k : int
        The public's smallest n.
    city : str
        What the whole is called.

    Returns
    -------
    DataFrame
        level, unit, item, people (who were added, withdrawn, or whose answer changed).
    """
    items = [c for c in after if c not in _HEAD and c in before]
    everyone = np.union1d(before[PERSON], after[PERSON])
    # Digests fill all 64 bits: a missing one must be 0, never NaN among rounded numbers.
    old, new = (f.set_index(PERSON)[[*_PLACES, *items]].reindex(everyone) for f in (before, after))
    digests = [
        f.set_index(PERSON)[items].reindex(everyone, fill_value=0).to_numpy(dtype=np.int64)
        for f in (before, after)
    ]
    found = []
    for level, place in (("city", None), ("district", "district"), ("community", "unit")):
        for column, item in enumerate(items):
            if item == WEIGHT and place == "unit":
                continue  # weights move by strata, and the mean of a small community is withheld
            then, now = digests[0][:, column], digests[1][:, column]
            if place is None:
                moved = pd.Series({city: int((then != now).sum())})
            else:
                # Who moved to another place leaves one domain and enters another.
                moving = (then != now) | (old[place] != new[place]).to_numpy()
                left, came = old[place][(then != 0) & moving], new[place][(now != 0) & moving]
                twice = old[place][(old[place] == new[place]).to_numpy() & (then != 0) & (now != 0) & moving]
                moved = left.value_counts().add(came.value_counts(), fill_value=0)
                moved = moved.sub(twice.value_counts(), fill_value=0)
            few = moved[(moved >= 1) & (moved < k)]
            found += [(level, str(unit), item, int(n)) for unit, n in few.items()]
    return pd.DataFrame(found, columns=["level", "unit", "item", "people"])


@dataclass(frozen=True)
class Vintage:
    """One release of a period: its number (1 is the first), figures as published, respondents, record."""

    number: int
    figures: pd.DataFrame
    respondents: pd.DataFrame
    record: dict[str, Any]


class Ledger:
    """The releases of one period.

    Parameters
    ----------
    root : path
        The study's folder.
    period : str
    """

    def __init__(self, root: str | Path, period: str) -> None:
        self.folder = Path(root) / "data" / "releases" / period

    def read(self) -> list[Vintage]:
        """All releases in their order.

        Raises
        ------
        StudyError
            If one is incomplete or damaged: nothing is released on a ledger that cannot be read.
        """
        # A folder without its record is what an interrupted release left: it was not published.
        numbers = sorted(
            int(p.parent.name) for p in self.folder.glob("*/record.json") if p.parent.name.isdecimal()
        )
        if numbers != list(range(1, len(numbers) + 1)):
            raise StudyError(
                f"{self.folder}: releases {numbers} are there, one is missing; bring it back from a copy before "
                "anything is released again"
            )
        return [self._read(n) for n in numbers]

    def _read(self, number: int) -> Vintage:
        folder = self.folder / str(number)
        try:
            figures = pd.read_csv(
                folder / "figures.csv", dtype={"rule": str, "bound": str, "unit": str, "item": str},
                keep_default_na=False, na_values={c: [""] for c in ("value", "low", "high", "n", "restated")},
            )  # fmt: skip
            people = store.read_parquet(folder / "respondents.parquet")
            record = store.read_json(folder / "record.json")
        except (OSError, ValueError, KeyError) as error:
            raise StudyError(
                f"{folder}: the release ledger is damaged ({error}); bring it back from a copy"
            ) from None
        return Vintage(number, figures, people, record)

    def first_published(self, vintages: list[Vintage]) -> pd.DataFrame | None:
        """Every figure of all releases as it was printed first."""
        from commlab.release.figures import KEY

        if not vintages:
            return None
        every = pd.concat([v.figures[v.figures["value"].notna()] for v in vintages], ignore_index=True)
        return every.drop_duplicates(KEY, keep="first", ignore_index=True)

    def add(self, vintage: Vintage, csv: str) -> None:
        """Write a release; its record comes last, so that a half-written one is seen."""
        folder = self.folder / str(vintage.number)
        store.write_text(folder / "figures.csv", csv)
        store.write_parquet(folder / "respondents.parquet", vintage.respondents)
        store.write_json(folder / "record.json", vintage.record)
