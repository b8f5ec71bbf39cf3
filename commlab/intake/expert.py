"""Readers of what experts judge: ``judgments`` (pairwise comparisons) and ``opinions`` (Delphi rounds).

Judgements come as a square matrix or one triangle of it (a sheet a node, a workbook an expert), as a list of
pairs, or as the export of a questionnaire with a slider between two items. All end in the same table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import ParameterError, listing
from commlab.intake.ledger import few
from commlab.intake.mapped import header_key, headers_of
from commlab.intake.mapping import Table
from commlab.intake.names import squash
from commlab.intake.pairwise import (
    LARGEST,
    SCALES,
    SIDES,
    SLACK,
    TINY,
    WHOLE,
    on_scale,
    parent,
    rescued,
    two_codes,
)

__all__ = ["judgments", "opinions"]

_RECIPROCAL = 0.05
"""How far a product of two mirrored judgements may be from 1: 3 and 0.33 are the same judgement, rounded."""
_ROUNDS = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5}
_NO_JUDGEMENT = "is no judgement, which is greater than 0"
_NUMBER = re.compile(r"^\d+[、.．]\s*")


def judgments(table: Table) -> pd.DataFrame:
    """A square matrix, full or triangular (first column and header name the elements), a list of pairs, or
    sliders."""
    table = rescued(table)
    if "sliders" in table.spec:
        return _sliders(table)
    if "value" in table.columns:
        return _pairs(table)
    if table.frame.shape[1] < 2:
        told = "a judgement matrix has labels in its first column and a column for each element"
        table.reject("no matrix", told, column="", n=1, cells=[])
        return pd.DataFrame()
    names = list(map(str, table.frame.columns))
    down = table.codes(names[0])
    where = {code: row for row, code in reversed(list(enumerate(down))) if isinstance(code, str)}
    heads = {name: table.code(name) for name in names[1:]}
    named = {code: name for name, code in heads.items() if code is not None}
    elements = list(dict.fromkeys([*named, *reversed(where)]))
    expert, node = _expert(table), _node(table, corner=names[0], elements=elements)
    if node is None:
        return pd.DataFrame()
    who = f"{expert}, node {node}"
    _told_of_shape(table, who, down, where, heads)
    values = {c: _numbers(table, named[c], f"{who}, judgement against {c}") for c in named}
    rows = []
    for k, a in enumerate(elements):
        for b in elements[k:]:
            # a triangle may lack its last row or its first column: the other cell has the judgement
            sides = [(i, j) for i, j in ((a, b), (b, a)) if i in where and j in named]
            cells = {pair: table.cell(where[pair[0]], named[pair[1]]) for pair in sides}
            found = {pair: float(values[pair[1]][where[pair[0]]]) for pair in sides}
            if a != b:
                row, column, value = _settled(table, who, (a, b), found, cells)
                at = (row, column) if (row, column) in cells else sides[0] if sides else None
                source = table.sources(named[at[1]])[where[at[0]]] if at else table.source[0]
                rows.append((row, column, value, source))
            elif found and found[a, a] == found[a, a] and abs(found[a, a] - 1) > TINY:
                told = f"{who}: {a} against itself is {found[a, a]:g}; read as 1"
                table.pad.add("diagonal not 1", told, cells=[cells[a, a]])
    out = pd.DataFrame(rows, columns=["row", "column", "value", "source"])
    return out.assign(node=node, expert=expert)


def _told_of_shape(
    table: Table, who: str, down: pd.Series, where: Mapping[str, int], heads: Mapping[str, str | None]
) -> None:
    """Ledger lines for what keeps a table from being a square matrix of the framework's items."""
    corner = str(table.frame.columns[0])
    strange = [name for name, code in heads.items() if code is None]
    if strange:
        told = (
            f"{who}: the columns {listing(strange)} are no codes of the framework; left out. Mend the matrix"
        )
        table.reject("unknown code", told, column=corner, before=few(strange), n=len(strange), cells=[])
    again = np.flatnonzero(down.notna() & down.duplicated())
    if len(again):
        told = (
            f"{who}: {listing(down.iloc[again].unique())} stand in more than one row; the first one was read"
        )
        cells = [table.cell(int(row), corner) for row in again]
        table.reject("repeated row", told, column=corner, n=len(again), cells=cells)
    lone = sorted(set(where) ^ {code for code in heads.values() if code is not None})
    if lone:
        told = f"{who}: {listing(lone)} stand only in the rows or only in the columns; judgements come from there"
        table.pad.add("half a matrix", told, before=few(lone), n=len(lone))


def _settled(
    table: Table,
    who: str,
    pair: tuple[str, str],
    found: Mapping[tuple[str, str], float],
    cells: Mapping[tuple[str, str], str],
) -> tuple[str, str, float]:
    """One judgement for a pair of mirrored cells: that of 1 or more; missing where they contradict each
    other."""
    a, b = pair
    for (i, j), value in found.items():
        if value == value and not 1 / LARGEST - SLACK <= value <= LARGEST:
            told = f"{who}, {i} against {j}: {value:g} lies outside 1/9 to 9"
            table.pad.add("beyond the scale", told, before=f"{value:g}", cells=[cells[i, j]])
    up, down = found.get((a, b), float("nan")), found.get((b, a), float("nan"))
    if down != down:
        return a, b, up
    if up != up:
        return b, a, down
    if abs(up * down - 1) <= _RECIPROCAL:
        return (a, b, up) if up >= 1 else (b, a, down)
    both = [cells[a, b], cells[b, a]]
    told = f"{who}, {a} against {b} is {up:g}, and {b} against {a} is {down:g} ({' and '.join(both)})"
    told += "; the pair counts as not judged. Ask the expert"
    table.reject("not reciprocal", told, column=b, before=f"{up:g}; {down:g}", n=1, cells=both)
    return a, b, float("nan")


def _node(table: Table, *, corner: str, elements: list[str]) -> str | None:
    """The parent whose children are compared: given, in the matrix's corner, or the sheet's name."""
    fixed = table.spec.get("node")
    if isinstance(fixed, str):
        return fixed
    # sheet -> code; a node with the list of what is below it speaks of sliders
    names = {squash(k): v for k, v in (table.spec.get("nodes") or {}).items() if isinstance(v, str)}
    sheet = table.sheet.partition("!")[0]
    for text in (corner, sheet):
        code = names.get(squash(text)) or ("total" if squash(text) in WHOLE else table.code(text))
        # without a framework every text is a code: then the sheet names the node
        if code and code not in elements and (table.context.codes or text is sheet):
            return code
    told = (
        f"neither the corner (“{corner}”) nor the sheet (“{sheet}”) names the node whose children are compared; "
        "left out. Write its code there, or node: or nodes: in study.yaml"
    )
    table.reject("unknown node", told, column=corner, n=1, cells=[])
    return None


def _expert(table: Table) -> str:
    fixed = table.spec.get("expert")
    given = table.context.given
    name = fixed if isinstance(fixed, str) else given.get("expert") or given.get("rater")
    if not name:
        raise ParameterError(
            "judgements need their expert: {expert} in the file pattern, an expert column, or expert:"
        )
    return str(name)


def _numbers(table: Table, column: str, what: str) -> np.ndarray:
    """Judgements of a column; what is not greater than 0 becomes missing with an error line."""
    given = table.numbers(column, values=table.spec.get("values"), what=what)[0]
    value = np.where(given > 0, given, np.nan)
    _refused(table, column, given, value, pd.Series(what, table.frame.index), _NO_JUDGEMENT)
    return value


def _refused(table: Table, column: str, given: np.ndarray, used: Any, who: pd.Series, why: str) -> None:
    """An error line for every number that is no judgement; ``who`` names expert, node and pair by row."""
    for row in np.flatnonzero(np.isfinite(given) & pd.isna(used)):
        told = f"{who.fillna('no expert').iloc[row]}: {given[row]:g} {why}; kept as missing. Check the cell"
        cell = table.cell(int(row), column)
        table.reject("out of range", told, column=column, before=f"{given[row]:g}", n=1, cells=[cell])


def _pairs(table: Table) -> pd.DataFrame:
    """A row a comparison."""
    out = pd.DataFrame({key: table.codes(table.named(key)) for key in ("row", "column")})
    value = table.named("value")
    if value is None:
        return pd.DataFrame()
    out["source"] = table.sources(value)
    out["expert"] = table.texts(table.named("expert")) if "expert" in table.columns else _expert(table)
    if "node" in table.columns:
        column = table.named("node")
        node = table.texts(column)  # as written
        read = {t: "total" if squash(t) in WHOLE else table.code(t) for t in node.dropna().unique()}
        out["node"] = node.map(read, na_action="ignore").astype("str")
        if column is not None:
            table.reject_each(
                (node.notna() & out["node"].isna()).to_numpy(), column, "unknown code",
                lambda t: f"{column}: “{t}” is no node of the framework; left out. Write its code or name",
            )  # fmt: skip
    else:
        node = pd.Series(_node(table, corner="", elements=[]), out.index, dtype="str")
        out["node"] = node
    given = table.numbers(value, values=table.spec.get("values"), what="judgement")[0]
    out["value"] = np.where(given > 0, given, np.nan)
    who = out["expert"] + ", node " + out["node"] + ", " + out["row"] + " against " + out["column"]
    _refused(table, value, given, out["value"], who, _NO_JUDGEMENT)
    for key in ("expert", "node"):
        # a row that says nothing at all is no judgement
        bare = np.flatnonzero((node if key == "node" else out[key]).isna() & out["value"].notna())
        if len(bare):
            cells = [table.cell(int(row), value) for row in bare]
            told = f"{len(bare)} judgements name no {key} and were left out. Enter it"
            table.reject(f"judgement without {key}", told, column=value, n=len(bare), cells=cells)
    table.report_unclaimed()
    return out.dropna(subset=["row", "column", "node", "expert"])


def _sliders(table: Table) -> pd.DataFrame:
    """A row an expert, a column a slider between the two items that its header names."""
    given = table.spec["sliders"]
    scale, higher = (given.get("scale"), given.get("higher")) if isinstance(given, Mapping) else (None, None)
    if scale not in SCALES or higher not in SIDES:
        raise ParameterError(
            f"sliders: needs scale: one of {', '.join(SCALES)}, and higher: the side that higher values "
            f"favour, left or right; found {given!r}"
        )
    expert = _question(table, "expert")
    if expert is None and "expert" in table.columns:
        table.named("expert")  # tells which column is missing
        return pd.DataFrame()
    experts = pd.Series(_expert(table), table.frame.index) if expert is None else table.texts(expert)
    ignored = {header_key(h) for h in headers_of(table.spec.get("ignore"))}
    parts = []
    for name in map(str, table.frame.columns):
        keys = {header_key(name), header_key(_NUMBER.sub("", name))}
        pair = None if name == expert or keys & ignored else two_codes(table, name)
        if pair is None:
            continue
        table.taken.add(name)
        left, right = pair
        node = parent(table, left, right)
        if node is None:
            told = (
                f"no node is known that {left} and {right} both stand below; the slider was left out. Add it to "
                "study.yaml: nodes: {code of the node: [codes below it]}"
            )
            table.reject("unknown node", told, column=name, n=1, cells=[])
            continue
        told = f"node {node}, {left} against {right}"
        given = table.numbers(name, values=table.spec.get("values"), what=told)[0]
        value = on_scale(given, scale)
        _refused(table, name, given, value, experts + f", {told}", f"lies outside the scale “{scale}”")
        if higher == "right":
            value = 1 / value
        cell = {"node": node, "row": left, "column": right, "value": value, "source": table.sources(name)}
        parts.append(pd.DataFrame({"expert": experts, **cell}))
    if not parts:
        told = "no column names two items of the framework; a slider's header needs both codes or labels"
        table.reject("no slider", told, column="", n=1, cells=[])
        return pd.DataFrame()
    out = pd.concat(parts, ignore_index=True)
    bare = np.flatnonzero(experts.isna() & table.frame.notna().any(axis=1))
    if len(bare):
        cells = [table.cell(int(row), str(expert)) for row in bare]
        told = f"{len(bare)} rows name no expert and were left out. Enter the name or a number"
        table.reject("judgement without expert", told, column=str(expert), n=len(bare), cells=cells)
    table.report_unclaimed()
    return out.dropna(subset=["expert"])


def _question(table: Table, key: str) -> str | None:
    """The column that an entry names, in an export that numbers its questions."""
    wanted = {header_key(h) for h in headers_of(table.columns.get(key))}
    names = [
        c for c in map(str, table.frame.columns) if {header_key(c), header_key(_NUMBER.sub("", c))} & wanted
    ]
    table.taken.update(names[:1])
    return names[0] if names else None


def opinions(table: Table) -> pd.DataFrame:
    """Delphi answers: ``code, importance, familiarity, basis, proposal``, with ``expert``, ``round``, ``full_score``."""
    words, full = table.spec.get("values") or {}, table.spec.get("full_score")
    if full is not None and not (isinstance(full, (int, float)) and full > 0):
        raise ParameterError(f"full_score: is the highest importance, a number above 0; found {full!r}")
    out = pd.DataFrame({"code": table.codes(table.named("code"))})
    out["source"] = table.source
    for key, high in (("importance", full), ("familiarity", 1.0), ("basis", 1.0)):
        column = table.named(key, required=key == "importance")
        out[key] = np.nan
        if column is not None:
            out[key], _ = table.numbers(column, low=0, high=high, values=words, what=key)
            if key == "importance":
                out["source"] = table.sources(column)
    out["expert"] = table.texts(table.named("expert")) if "expert" in table.columns else _expert(table)
    if full is not None:
        out["full_score"] = float(full)
    if "proposal" in table.columns:
        out["proposal"] = table.masked(table.named("proposal"))
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
