"""The columns of a questionnaire's export, taken one after the other by a codebook.

``Answers`` adds to the answers themselves (``choices``) who gave them, as keyed hashes, and at the end reports what nobody
took: personal columns, free text, ignored and unknown ones.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from commlab.intake.choices import TYPED, Choices
from commlab.intake.export import Levels
from commlab.intake.forms import squash
from commlab.intake.keyed import PERSON, person_keys
from commlab.intake.personal import content_kind, personal_column
from commlab.intake.platforms import BOOKKEEPING, PLACES, TRIALS
from commlab.intake.privacy import scan
from commlab.intake.questions import is_blank

__all__ = ["Answers"]

_LOOKED_AT = 2000  # different texts of a column that nothing claims


class Answers(Choices):
    """The answers of an export under a codebook, and what becomes of its other columns."""

    # -- persons -----------------------------------------------------------------------------------

    def column(self, role: str) -> Levels | None:
        """The column of an address or of who asked; its texts go no further."""
        place = self.role(role)
        return None if place is None else self.export.columns[place]

    def persons(self, key: str | bytes | None) -> pd.Series:
        """Keyed hash of each row's person, where columns name one; they go no further."""
        personal = self.all(self.book.personal)
        kinds: dict[int, str] = {}
        for place, header in enumerate(self.headers):
            kind = personal_column(header)
            if place not in self.taken and place in personal and kind in PERSON:
                kinds[place] = kind
        person = self.role("person")
        if person is not None and person not in self.taken:
            kinds[person] = "account"
        if key is None or not kinds:
            return pd.Series(pd.NA, index=range(self.n), dtype="str")
        texts = pd.DataFrame({k: self.export.text(p) for k, p in enumerate(kinds)})
        return person_keys(texts, dict(enumerate(kinds.values())), key)

    def rest(self) -> None:
        """Report the columns that go no further: personal, free text, ignored, unknown."""
        personal = self.all(self.book.personal) | self._geopoints()
        personal |= {p for r in ("ip", "person", "interviewer") if (p := self.role(r)) is not None}
        free = self.all(self.book.free_text)
        ignored = self.all(self.book.ignore) | self.all(BOOKKEEPING, parts=False)
        self._trials()
        self._repeated()
        for place, header in enumerate(self.headers):
            if place in self.taken:
                continue
            n = self.export.columns[place].count(is_blank)
            if place in free or TYPED.search(squash(header)):
                self.removed("free text", f"{n} texts stay behind intake{self._held(place)}", place, n)
            elif place in personal or personal_column(header) or self._is_personal(place):
                self.removed("personal column", f"{n} values removed with their column", place, n)
            elif place in ignored:
                told = "left out as declared"
                self.pad.add("ignored column", told, column=header, action="changed", severity="note", n=n)
            else:
                told = (
                    f"the codebook does not claim this column; its {n} values stay behind. Add it to "
                    f"the codebook"
                )
                self.pad.add(
                    "column not in the codebook",
                    f"{told} (items, free_text, personal or ignore)",
                    column=header,
                    n=n,
                )

    def _held(self, place: int) -> str:
        """What personal data the texts of a column hold, in words; counts, never values."""
        kinds, n = scan(self.export.columns[place].texts)
        if not kinds:
            return ""
        told = ", ".join(f"{kind} {times}" for kind, times in kinds.items())
        return f"; personal data in the {n} different texts looked at: {told}"

    def _is_personal(self, place: int) -> bool:
        """Whether most cells of a column that nothing claims are identifiers."""
        column = self.export.columns[place]
        texts = pd.Series(
            [t for t in column.arrow[:_LOOKED_AT].to_pylist() if t and not is_blank(t)], dtype="str"
        )
        return content_kind(texts, self.headers[place]) is not None

    def _geopoints(self) -> set[int]:
        """Kobo's geopoints: _home_latitude, _home_longitude ... and home itself."""
        last = [squash(header).rpartition("/")[2] for header in self.headers]
        points = {PLACES.sub("", name).strip("_") for name in last if PLACES.search(name)}
        return {k for k, name in enumerate(last) if PLACES.search(name) or name in points}

    def _repeated(self) -> None:
        """Report answers that carry the number of an earlier one: exports pasted together, or numbered anew."""
        place = self.role("id")
        if place is None:
            return
        codes = self.export.columns[place].codes
        given = np.flatnonzero(codes >= 0)
        if (np.bincount(codes[given]) > 1).any():
            first = given[np.unique(codes[given], return_index=True)[1]]
            again = np.setdiff1d(given, first, assume_unique=True)
            told = f"{len(again)} answers carry the number of an earlier one; kept. If they are the same answers, paste them once"
            column, cells = self.headers[place], self.cells(place, again)
            self.pad.add("repeated number", told, column=column, n=len(again), cells=cells)

    def _trials(self) -> None:
        """Report rows in which a column that goes no further says 测试 or test."""
        rows = np.zeros(self.n, dtype=bool)
        for place, column in enumerate(self.export.columns):
            if place not in self.taken:
                rows |= column.among(TRIALS)
        if rows.any():
            n, where = int(rows.sum()), np.flatnonzero(rows)[:5]
            told = f"{n} answers look like trials (a cell says {TRIALS[0]} or test); kept. Name the cell under reject to refuse them"
            cells = [f"{row}:{row}" for row in self.export.rows[where].tolist()]
            self.pad.add("test answer", told, n=n, cells=cells)
