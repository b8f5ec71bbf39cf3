"""Readers of scores that people give: ``ratings`` (of candidates by standard) and ``mutual`` (bodies by
each other)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import ParameterError
from commlab.intake.mapped import stacked
from commlab.intake.mapping import Table
from commlab.intake.names import match_names, squash
from commlab.tables import STAGES

__all__ = ["mutual", "ratings"]

_METHODS = {
    "实地考评": "field",
    "网络(媒体)调查": "media",
    "网络媒体调查": "media",
    "网络调查": "media",
    "问卷调查": "questionnaire",
    "材料审核": "documents",
}
_TOP = 100.0


def ratings(table: Table) -> pd.DataFrame:
    """Scores 0-100: long, or a column a unit (``units_across``), or a column a code (``codes_across``)."""
    if table.spec.get("units_across"):
        out = _across(table, "unit")
    elif table.spec.get("codes_across"):
        out = _across(table, "code")
    else:
        out = _long(table)
    if out.empty:
        return out
    return _with_rater(table, out.dropna(subset=["unit", "code"]))


def _stage(table: Table) -> str:
    stage = table.spec.get("stage") or table.context.given.get("stage")
    if stage not in STAGES:
        raise ParameterError(f"a ratings input needs stage: {', '.join(STAGES)} (found {stage!r})")
    return str(stage)


def _across(table: Table, what: str) -> pd.DataFrame:
    stage = _stage(table)
    level = table.spec.get("level", "community")
    down = table.codes(table.named("code")) if what == "unit" else table.units(level=level)
    rater = None if "rater" not in table.columns else table.column(table.columns["rater"], what="rater")
    base = {"stage": stage, "method": _method(table)}
    if rater is not None:
        base["rater"] = table.texts(rater)
    names = table.unclaimed()
    parts = []
    for name, head in zip(names, _heads(table, names, what, level), strict=True):
        if head is None:
            continue
        score, _ = table.numbers(name, low=0, high=_TOP, what=f"score of {head}")
        unit, code = (head, down) if what == "unit" else (down, head)
        parts.append(base | {"unit": unit, "code": code, "score": score, "source": table.sources(name)})
    return stacked(parts, len(table.frame))


def _heads(table: Table, names: Sequence[str], what: str, level: str) -> list[str | None]:
    """What each column head names, a unit or a code; a head that names neither is told."""
    hints: list[Any] = [None] * len(names)
    if what == "unit":
        context = table.context
        book, within = context.register, context.district
        found = match_names(names, book, within=within, level=level, certainty=context.certainty)
        heads = [None if pd.isna(m) else str(m) for m in found["matched"]]
        hints = found["nearest"].tolist()
    else:
        heads = [table.code(name.rpartition("/")[2]) for name in names]
    for name, head, hint in zip(names, heads, hints, strict=True):
        if head is not None:
            continue
        if what == "unit" and table.context.register.declared_none(name, table.context.district):
            told = f"“{name}” is declared to be no unit; its column was left out"
            table.pad.add(
                "declared no unit", told, column=name, before=name, action="recognised", severity="note"
            )
            continue
        n = int(table.frame[name].notna().sum())
        near = f" (the nearest is {hint})" if isinstance(hint, str) else ""
        told = f"the column “{name}” names no {what}{near}; its {n} values were left out."
        if pd.to_numeric(table.frame[name], errors="coerce").notna().any():
            if what == "unit":
                table.stranger(name, table.context.district, hint, np.nan, 1)
            told += " Settle the name in review.csv, or list the column under ignore"
            cells = [table.cell(0, name)]
            table.reject(
                f"unknown {what}", told, column=name, before=name, after=f"? {hint}" if isinstance(hint, str) else None,
                n=n, cells=cells,
            )  # fmt: skip
        else:
            table.pad.add("unknown column", f"{told} List it under ignore", column=name, n=n)
    return heads


def _method(table: Table) -> pd.Series:
    entry = table.columns.get("method")
    column = None if entry is None else table.column(entry, what="method", required=False)
    if column is None:
        return pd.Series(table.spec.get("method"), index=table.frame.index, dtype="str")
    words = table.spec.get("methods") or _METHODS
    known = {squash(text): code for text, code in words.items()}

    def meaning(text: str) -> str:
        parts = squash(text).replace("、", "+").replace(",", "+").split("+")
        return "+".join(known.get(part, part) for part in parts)

    return table.texts(column).map(meaning, na_action="ignore").astype("str")


def _long(table: Table) -> pd.DataFrame:
    columns = table.columns
    base: dict[str, Any] = {"unit": table.units(level=table.spec.get("level", "community"))}
    base["code"] = table.codes(table.named("code"))
    base["method"] = _method(table)
    if "rater" in columns:
        base["rater"] = table.texts(table.column(columns["rater"], what="rater"))
    entries = {stage: columns[stage] for stage in STAGES if stage in columns}
    if not entries:
        entries = {_stage(table): columns.get("score", table.spec.get("score"))}
    parts = []
    for stage, entry in entries.items():
        name = table.column(entry, what=f"score ({stage})")
        if name is not None:
            score, _ = table.numbers(name, low=0, high=_TOP, what=f"score ({stage})")
            parts.append(base | {"stage": stage, "score": score, "source": table.sources(name)})
    table.report_unclaimed()
    return stacked(parts, len(table.frame))


def _with_rater(table: Table, frame: pd.DataFrame) -> pd.DataFrame:
    """Who rated: a column, a fixed name, the file's name; else the unit itself (self) or its district
    (district)."""
    given, parent = table.context.given, table.context.register.parent
    fixed = table.spec.get("rater")
    district = frame["unit"].map(parent)
    if fixed == "unit":
        usual = frame["unit"]
    elif fixed == "district":
        usual = district
    elif isinstance(fixed, str):
        usual = pd.Series(given.get(fixed.strip("{}"), fixed), index=frame.index)
    else:
        expert = given.get("rater") or given.get("expert")
        usual = frame["unit"].where(frame["stage"] == "self", district)
        usual = usual.where(frame["stage"] != "expert", expert)
        if expert is None and (frame["stage"] == "expert").any() and "rater" not in frame:
            raise ParameterError(
                "an expert's ratings need the expert: {expert} in the file pattern, a rater column, or rater:"
            )
    out = frame.copy()
    own = out["rater"] if "rater" in out else pd.Series(None, index=out.index, dtype="object")
    # A column of raters names the experts; the self and district stages have theirs by nature.
    out["rater"] = own.where(own.notna() & (out["stage"] == "expert"), usual)
    return out


def mutual(table: Table) -> pd.DataFrame:
    """Bodies rating each other: ``rater, rated, score`` (``aspect``), or a column an aspect (``aspects``)."""
    level = table.context.register.level
    base: dict[str, Any] = {}
    for key in ("rater", "rated"):
        column = table.named(key)
        if column is None:
            return pd.DataFrame()
        own = table.spec.get(f"{key}_level")
        within = None if own in (None, "district", "city") else table.context.district
        unit = table.matched(table.texts(column), column=column, level=own, within=within)
        base |= {key: unit, f"{key}_level": unit.map(level)}
    aspects = table.spec.get("aspects")
    entries = aspects or {"overall": table.columns.get("score", table.spec.get("score"))}
    named = None if aspects or "aspect" not in table.columns else table.named("aspect", required=False)
    parts = []
    for aspect, entry in entries.items():
        column = table.column(entry, what=str(aspect))
        if column is not None:
            score, _ = table.numbers(column, low=0, high=_TOP, what=str(aspect))
            words = str(aspect) if named is None else table.masked(named).fillna(str(aspect))
            parts.append(base | {"aspect": words, "score": score, "source": table.sources(column)})
    table.report_unclaimed()
    out = stacked(parts, len(table.frame))
    return out.dropna(subset=["rater", "rated"]) if len(out) else out
