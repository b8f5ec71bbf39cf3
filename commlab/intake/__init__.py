"""Files as offices send them -> clean tables and a ledger that accounts for every row.

    raw = read_table("统计.xlsx")                      a table of a sheet: values, sources, notes, totals
    mapped = READERS["measures"](raw, spec, period="2019Q4", units=units)      by an ``inputs:`` entry
    responses = read_questionnaire("问卷.xlsx", "resident.yaml", register=units)
    draft_codebook("问卷.xlsx")                      a first codebook to go through
    settled = read_double("甲.xlsx", "乙.xlsx", "resident.yaml", verdict="裁定.xlsx")     paper keyed twice
    match_names(["石林彝族自治县"], units)              written names -> units of the register
    clean, ledger = deidentify(frame, key=key)        personal data out, counts in

Readers take a path and only read; everything else takes frames and returns frames.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from commlab.intake.checks import check_measures, check_problems, check_ratings
    from commlab.intake.codebook import Codebook, load_codebook
    from commlab.intake.double import Settled, compare_entries, read_double
    from commlab.intake.draft import draft_codebook
    from commlab.intake.mapped import Mapped
    from commlab.intake.names import Register, match_names
    from commlab.intake.privacy import deidentify
    from commlab.intake.questionnaire import Responses, read_questionnaire
    from commlab.intake.readers import READERS
    from commlab.intake.table import RawTable, read_table

_HOMES = {
    "Codebook": "codebook",
    "Mapped": "mapped",
    "READERS": "readers",
    "RawTable": "table",
    "Register": "names",
    "Responses": "questionnaire",
    "Settled": "double",
    "check_measures": "checks",
    "check_problems": "checks",
    "check_ratings": "checks",
    "compare_entries": "double",
    "deidentify": "privacy",
    "draft_codebook": "draft",
    "load_codebook": "codebook",
    "match_names": "names",
    "read_double": "double",
    "read_questionnaire": "questionnaire",
    "read_table": "table",
}

__all__ = [
    "READERS",
    "Codebook",
    "Mapped",
    "RawTable",
    "Register",
    "Responses",
    "Settled",
    "check_measures",
    "check_problems",
    "check_ratings",
    "compare_entries",
    "deidentify",
    "draft_codebook",
    "load_codebook",
    "match_names",
    "read_double",
    "read_questionnaire",
    "read_table",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"commlab.intake.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'commlab.intake' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
