"""What can be done to a cell on its way in: each rule with its action, severity and words for the ledger."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["RULES", "Change", "told"]

RULES: dict[str, tuple[str, str, str]] = {
    "full_width": ("changed", "note", "full-width characters read as {after}"),
    "thousands": ("changed", "note", "thousands separators removed"),
    "apostrophe": ("changed", "note", "an apostrophe before the number removed"),
    "accounting": ("changed", "note", "a number in brackets read as negative"),
    "percent": ("changed", "note", "per cent read as a share"),
    "unit_in_cell": ("changed", "note", "a unit in the cell brought to the base unit"),
    "duration": ("changed", "note", "a time span read in seconds"),
    "reciprocal": ("changed", "note", "a reciprocal read as a number"),
    "approximate": (
        "flagged",
        "warning",
        'an approximate number ("{before}") read as it stands; ask for the exact one',
    ),
    "month": ("changed", "note", "a month read as its first day"),
    "serial": ("changed", "note", "a spreadsheet's day number read as a date"),
    "packed": ("changed", "note", "eight digits read as a date"),
    "month_or_october": (
        "flagged",
        "warning",
        "{before} read as January; it may be October, which a spreadsheet stores alike",
    ),
    "missing": ("changed", "note", '"{before}" read as missing'),
    "none": ("flagged", "warning", '"{before}" read as missing; write 0 if it means zero'),
    "declared_zero": ("changed", "note", '"{before}" read as zero, as declared'),
    "error": (
        "flagged",
        "warning",
        "{before} is a spreadsheet's error and read as missing; mend the formula",
    ),
    "range": (
        "flagged",
        "warning",
        '"{before}" is a range, not a number; read as missing: ask for the number',
    ),
    "lossy": (
        "flagged",
        "error",
        '"{before}" is a long code that a spreadsheet has rounded; its digits are lost and nothing is '
        "guessed: "
        "format the column as text, enter the codes again and send the file again",
    ),
    "date_in_numbers": (
        "flagged",
        "warning",
        "{before} is a date in a column of numbers (a spreadsheet turns 5-9 into a date); read as missing",
    ),
    "not_a_number": ("flagged", "warning", '"{before}" is not a number; read as missing'),
    "not_a_date": ("flagged", "warning", '"{before}" is not a date; read as missing'),
    "percent_format": ("changed", "note", "shown as per cent in the sheet, so {before} is a share already"),
    "percent_unknown": (
        "flagged",
        "warning",
        "all numbers are at most 1 under a header in per cent, and this kind of file does not tell how cells "
        "are shown: read as shares ({before} is {before} of 1); check them, or send the file as .xlsx",
    ),
    "percent_small": (
        "flagged",
        "warning",
        "all numbers are at most 1 under a header in per cent; read as the header says ({before} %): check "
        "whether shares were meant",
    ),
    "percent_mixed": (
        "flagged",
        "warning",
        "numbers above 1 ({before}) stand beside shares in per cent; they are left as they are: check them",
    ),
    "mixed_units": (
        "flagged",
        "warning",
        "spans of time in different units ({before}) stand in one column and are left as they are: bring them to "
        "one unit",
    ),
    "base_unit": ("changed", "note", "brought to the base unit: {before} is {after}"),
}
"""Rule -> action, severity and message of a ledger line."""


@dataclass(frozen=True)
class Change:
    """One thing done to cells of a column; ``positions`` are the first places in the list that was parsed."""

    rule: str
    action: str
    severity: str
    message: str
    n: int
    before: str
    after: str
    positions: tuple[int, ...] = ()


def told(rule: str, n: int, before: str, after: str, positions: tuple[int, ...] = ()) -> Change:
    """A change with the action, severity and words of its rule.

    >>> told("missing", 2, "—", "").message
    '"—" read as missing'
    """
    action, severity, message = RULES[rule]
    return Change(
        rule, action, severity, message.format(before=before, after=after), n, before, after, positions
    )
