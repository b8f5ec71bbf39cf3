"""What each rule of the ledger says and what to do about it, in the reader's language.

The ledger keeps the rule, what was found and what was expected; sentences are made from them here, so that the
terminal, ``ledger.xlsx`` and the coloured copies say the same. A rule that is not listed speaks with the ledger's
own (English) message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from commlab.intake.ledger import REMOVED
from commlab.study.faults import spoken
from commlab.study.rules import RULES
from commlab.text import MISSING, Text

__all__ = ["RULES", "SEVERITIES", "actions"]

SEVERITIES = {"error": "error", "warning": "warning", "rounding": "rounding", "note": "note"}
"""Severity -> the message that names it; the gravest first."""
_UNREADABLE = "unreadable file"
"""The rule whose finding is a whole sentence."""
_FLAGS = "flags"

_COLUMNS = [
    "severity", "file", "sheet", "cells", "column", "found", "expected", "says", "advice", "n", "rule", "action", "message",
]  # fmt: skip


def actions(ledger: pd.DataFrame, language: str, framework: Any = None) -> pd.DataFrame:
    """The ledger as a person acts on it: the gravest first, then by file.

    Parameters
    ----------
    ledger : DataFrame
        Contract ``ledger``.
    language : {"zh", "en"}
    framework : Framework, optional
        Its metrics' labels stand for their names.

    Returns
    -------
    DataFrame
        severity, file, sheet, cells, column, found, expected, says, advice, n, rule, action, message; the index is the
        ledger's.
    """
    t = Text(language)
    metrics = {} if framework is None else framework.metrics
    rows = []
    for line in ledger.itertuples():
        found, expected = _shown(line.before), _shown(line.after)
        says, advice = RULES.get(line.rule, ("", ""))
        if line.rule == _UNREADABLE:
            found = spoken(found, t)
        column = _label(_shown(line.column), metrics, language)
        if line.column == _FLAGS:  # the sentence names the flag in the reader's language
            column = expected = ""
        fields = {"found": found or MISSING, "expected": expected or MISSING, "n": t.integer(line.n)}
        rows.append(
            {
                "severity": line.severity,
                "file": _shown(line.file),
                "sheet": _shown(line.sheet),
                "cells": _shown(line.first_cells),
                "column": column,
                "found": "" if line.rule == _UNREADABLE else found,
                "expected": expected,
                "says": t(says, **fields) if says else line.message,
                "advice": t(advice) if advice else "",
                "n": line.n,
                "rule": line.rule,
                "action": line.action,
                "message": line.message,
            }
        )
    frame = pd.DataFrame(rows, columns=_COLUMNS, index=ledger.index)
    order = frame["severity"].map({name: k for k, name in enumerate(SEVERITIES)})
    return frame.assign(order=order).sort_values(["order", "file"], kind="stable").drop(columns="order")


def _label(column: str, metrics: Mapping[str, Any], language: str) -> str:
    """A metric, or a metric's item, by its label; any other column as it is."""
    name, _, item = column.partition("/")
    if name not in metrics:
        return column
    metric = metrics[name]
    label = getattr(metric, language) or name
    return f"{label}/{metric.items.get(item, {}).get(language, item)}" if item else label


def _shown(value: object) -> str:
    return value if isinstance(value, str) and value != REMOVED else REMOVED if value == REMOVED else ""
