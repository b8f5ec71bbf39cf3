"""Readers of what experts judge: ``judgments`` (pairwise comparisons) and ``opinions`` (Delphi rounds)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import ParameterError
from commlab.intake.mapping import Table
from commlab.intake.names import squash

__all__ = ["judgments", "opinions"]

_RECIPROCAL = 0.05
"""How far a product of two mirrored judgements may be from 1: 3 and 0.33 are the same judgement, rounded."""
_LARGEST = 9.0
_TINY = 1e-9
_ROUNDS = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5}
_WHOLE = ("total", "总", "总目标", "一级指标")


def judgments(table: Table) -> pd.DataFrame:
    """A square matrix, full or triangular (first column and header name the elements), or a list of pairs."""
    if "value" in table.columns:
        return _pairs(table)
    if table.frame.shape[1] < 2:
        told = "a judgement matrix has labels in its first column and a column for each element"
        table.reject("no matrix", told, column="", n=1, cells=[])
        return pd.DataFrame()
    names = list(map(str, table.frame.columns))
    down = table.codes(names[0])
    where = {code: row for row, code in enumerate(down) if isinstance(code, str)}
    heads = {name: table.code(name) for name in names[1:]}
    named = {code: name for name, code in heads.items() if code is not None}
    odd = sorted(set(where) ^ set(named)) + [name for name, code in heads.items() if code is None]
    if odd:
        told = f"{', '.join(odd)} stand only in the rows or only in the columns, or are no codes; left out."
        table.reject("matrix not square", f"{told} Mend the matrix", column="", n=len(odd), cells=[])
    elements = [code for code in where if code in named]
    values = {c: table.numbers(named[c], low=_TINY, what=f"judgement against {c}")[0] for c in elements}
    sources = {c: table.sources(named[c]) for c in elements}
    cells = {(a, b): table.cell(where[a], named[b]) for a in elements for b in elements}
    rows = []
    for k, a in enumerate(elements):
        own = float(values[a][where[a]])
        if own == own and abs(own - 1) > _TINY:
            table.pad.add("diagonal not 1", f"{a} against itself is {own:g}; read as 1", cells=[cells[a, a]])
        for b in elements[k + 1 :]:
            up, down_ = float(values[b][where[a]]), float(values[a][where[b]])
            row, column, value = _settled(table, (a, b), up, down_, [cells[a, b], cells[b, a]])
            rows.append((row, column, value, sources[column][where[row]]))
    out = pd.DataFrame(rows, columns=["row", "column", "value", "source"])
    return out.assign(node=_node(table), expert=_expert(table))


def _settled(
    table: Table, pair: tuple[str, str], up: float, down: float, cells: list[str]
) -> tuple[str, str, float]:
    """One judgement for a pair of mirrored cells: that of 1 or more; missing where they contradict each
    other."""
    a, b = pair
    for value in (up, down):
        if value == value and not 1 / _LARGEST - 0.01 <= value <= _LARGEST:
            told = f"{a} against {b}: {value:g} lies outside 1/9 to 9"
            table.pad.add("beyond the scale", told, before=f"{value:g}", cells=cells)
    if down != down:
        return a, b, up
    if up != up:
        return b, a, down
    if abs(up * down - 1) <= _RECIPROCAL:
        return (a, b, up) if up >= 1 else (b, a, down)
    told = f"{a} against {b} is {up:g}, and {b} against {a} is {down:g} ({' and '.join(cells)})"
    told += "; the pair counts as not judged. Ask the expert"
    table.reject("not reciprocal", told, column=b, before=f"{up:g} and {down:g}", n=1, cells=cells)
    return a, b, float("nan")


def _node(table: Table) -> str:
    """The parent whose children are compared: given, or named by the sheet."""
    fixed = table.spec.get("node")
    if isinstance(fixed, str):
        return fixed
    names = {squash(k): str(v) for k, v in (table.spec.get("nodes") or {}).items()}
    sheet = table.sheet.partition("!")[0]
    return names.get(squash(sheet)) or ("total" if squash(sheet) in _WHOLE else table.code(sheet) or sheet)


def _expert(table: Table) -> str:
    fixed = table.spec.get("expert")
    given = table.context.given
    name = fixed if isinstance(fixed, str) else given.get("expert") or given.get("rater")
    if not name:
        raise ParameterError(
            "judgements need their expert: {expert} in the file pattern, an expert column, or expert:"
        )
    return str(name)


def _pairs(table: Table) -> pd.DataFrame:
    out = pd.DataFrame({key: table.codes(table.named(key)) for key in ("row", "column")})
    value = table.named("value")
    if value is None:
        return pd.DataFrame()
    out["value"], _ = table.numbers(value, low=_TINY, what="judgement")
    out["source"] = table.sources(value)
    for key, usual in (("node", _node), ("expert", _expert)):
        out[key] = table.texts(table.named(key)) if key in table.columns else usual(table)
    table.report_unclaimed()
    return out.dropna(subset=["row", "column", "node", "expert"])


def opinions(table: Table) -> pd.DataFrame:
    """Delphi answers: ``code, importance, familiarity, basis``, with ``expert`` and ``round``."""
    words = table.spec.get("values") or {}
    out = pd.DataFrame({"code": table.codes(table.named("code"))})
    out["source"] = table.source
    for key, high in (("importance", None), ("familiarity", 1.0), ("basis", 1.0)):
        column = table.named(key, required=key == "importance")
        out[key] = np.nan
        if column is not None:
            out[key], _ = table.numbers(column, low=0, high=high, values=words, what=key)
            if key == "importance":
                out["source"] = table.sources(column)
    out["expert"] = table.texts(table.named("expert")) if "expert" in table.columns else _expert(table)
    column = table.named("round") if "round" in table.columns else None
    out["round"] = _round(table) if column is None else table.numbers(column, low=1, what="round")[0]
    table.report_unclaimed()
    return out.dropna(subset=["code", "expert", "round"])


def _round(table: Table) -> int:
    value: Any = table.spec.get("round") or table.context.given.get("round")
    text = str(value or "").strip().removeprefix("第").removesuffix("轮")
    number = _ROUNDS.get(text) or (int(text) if text.isdigit() else 0)
    if number < 1:
        raise ParameterError(
            f"opinions need their round (1, 2, ...): round:, or {{round}} in the file pattern (found "
            f"{value!r})"
        )
    return number
