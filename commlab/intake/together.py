"""Several sheets of one workbook that ask one questionnaire: a sheet a street, a sheet of them all, a sheet of counts.

Sheets of answers are read one by one and put under each other. What only looks like answers is named and left out: a
sheet without a question of the codebook (a list of names), one whose cells are no options (counts, means), and one that
repeats the rows of the others (汇总 beside its streets, a copy).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd

from commlab.intake.answers import Answers
from commlab.intake.export import Export, Levels
from commlab.intake.headrows import score
from commlab.intake.ledger import Pad
from commlab.intake.platforms import ROLE_HEADERS
from commlab.intake.questions import Codebook, Reading, is_blank, question_key

__all__ = ["answer_sheets", "numbered", "repeats"]

_FEW = 5
"""With fewer rows, and no time of submission, sheets may agree by chance."""
_FIT = 0.5
"""Share of cells below closed questions that must be options."""


def answer_sheets(
    exports: Sequence[Export], book: Codebook, pad: Pad, period: str | None
) -> list[tuple[Answers, Pad]]:
    """The sheets that hold answers, each with a pad of its own; what the others are is written on ``pad``."""
    if len(exports) == 1:
        return [(Answers(book, exports[0], pad, period), pad)]
    asked = {question_key(w) for q in book.questions.values() for v in (q, *q.versions) for w in v.wordings}
    hits = [score(export.headers, asked) for export in exports]
    held = [export for export, n in zip(exports, hits, strict=True) if n or not any(hits)]
    left = {export.sheet: "does not ask the questionnaire" for export in exports if export not in held}
    parts = []
    for export in held:
        own = Pad(period=period, file=export.file, sheet=export.sheet, table="responses")
        parts.append((Answers(book, export, own, period), own))
    fits = [_fit(answers) for answers, _ in parts]
    if max(fits) >= _FIT:
        left |= {
            answers.export.sheet: "holds no answers below its questions (counts, means?)"
            for (answers, _), fit in zip(parts, fits, strict=True)
            if fit < _FIT
        }
    parts = [part for part in parts if part[0].export.sheet not in left]
    rows = {export.sheet: export.rows_read for export in exports}
    for sheet, why in left.items():
        pad.add(
            "unread sheet", f"the sheet “{sheet}” ({rows[sheet]} rows) {why}; left out",
            before=sheet, severity="note", n=rows[sheet],
        )  # fmt: skip
    for sheet in repeats([answers.export for answers, _ in parts]):
        told = (
            f"every row of the sheet “{sheet}” ({rows[sheet]} rows) stands on the other sheets too; read once"
        )
        pad.add("repeated sheet", told, before=sheet, action="recognised", n=rows[sheet])
        parts = [part for part in parts if part[0].export.sheet != sheet]
    return parts


def _fit(answers: Answers) -> float:
    """Share of the cells below questions of one choice that are options, by text or by number."""
    known = filled = 0
    for name, place in answers.of.items():
        column, reading = answers.export.columns[place], Reading(answers.asked[name], "options")
        if not answers.asked[name].multiple:
            times = np.bincount(column.codes + 1, minlength=column.size + 1)[1:]
            for text, n in zip(column.texts, times.tolist(), strict=True):
                filled += 0 if is_blank(text) else n
                known += n if not is_blank(text) and reading(text)[0] else 0
    return known / filled if filled else 1.0


def repeats(exports: Sequence[Export]) -> list[str]:
    """Sheets whose rows all stand on the others, the longest first."""
    keys = [dict(reversed([(question_key(h), k) for k, h in enumerate(e.headers)])) for e in exports]
    ids = {question_key(h) for h in ROLE_HEADERS["id"]}
    times = {question_key(h) for h in ROLE_HEADERS["submitted_at"]}
    common = [key for key in keys[0] if key and all(key in own for own in keys)]
    told = [key for key in common if key not in ids]  # numbered anew in every sheet
    rows = {}
    for export, own in zip(exports, keys, strict=True):
        hashes = [_hashes(export.columns[own[key]]) * np.uint64(2 * k + 1) for k, key in enumerate(told)]
        rows[export.sheet] = Counter(np.sum(hashes, axis=0, dtype="uint64").tolist() if told else [])
    gone: list[str] = []
    for sheet in sorted(rows, key=lambda name: (-rows[name].total(), name))[: len(rows) - 1]:
        others = [own for name, own in rows.items() if name != sheet and name not in gone]
        every: Counter[int] = sum(others, Counter())
        own = rows[sheet]
        sure = bool(times & set(told)) or (own.total() >= _FEW and own in (every, *others))
        if own and others and sure and own <= every:
            gone.append(sheet)
    return gone


def _hashes(column: Levels) -> np.ndarray:
    texts = pd.util.hash_array(np.array([*column.texts, ""], dtype=object))
    return texts[column.codes]


def numbered(columns: Sequence[Levels | None], rows: Sequence[int]) -> pd.Series | None:
    """A number for what stands in a column, the same on every sheet; None where no sheet has the column."""
    if all(column is None for column in columns):
        return None
    if len(columns) == 1 and columns[0] is not None:
        codes = pd.Series(columns[0].codes)
        return codes.where(codes >= 0)
    texts = [
        pd.Series(None, index=range(n), dtype="str") if column is None else column.column()
        for column, n in zip(columns, rows, strict=True)
    ]
    codes = pd.Series(pd.factorize(pd.concat(texts, ignore_index=True))[0])
    return codes.where(codes >= 0)
