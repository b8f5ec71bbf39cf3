"""The readers that ``inputs:`` in study.yaml names: a raw table and its entry -> one clean table.

All have one signature, and ``READERS`` holds them by name (``responses`` is not among them: it starts from a file, see
``read_questionnaire``):

    mapped = READERS[entry.reader](raw, entry.spec, period="2019Q4", units=register, district="五华区",
                                   given={"expert": "专家01"}, codes={"Ⅱ-4.1": "社区社会组织", ...}, metrics=[...])
    mapped.frame      the clean table (tables.CONTRACTS)
    mapped.ledger     this step's lines (those of reading the file are in raw.ledger)
    mapped.unmatched  unit names for the review table

``units`` is a ``Register`` (build it once) or the units frame with ``aliases`` beside it; ``given`` is what the file's name said.
A missing value stays a row with ``state`` missing (measures) or an empty score (ratings); a row whose unit or code
is unknown is rejected in the ledger with its cell. Nothing raises for a bad cell.

Entries
    measures   ``unit``, ``columns: {metric or metric/item: {headers: [...], as_of: date, values: {是: 1}, low: 0, high: 100}}`` or a list of these
    ratings    ``unit, code, score`` columns, or ``units_across: true`` (a column a unit), or ``codes_across: true``; ``stage`` or columns named by stage;
               ``rater``: ``unit``, ``district``, a fixed name, or columns; else the file's ``{rater}`` or ``{expert}``
    judgments  a square matrix (first column and header name the elements; node = sheet, or ``node:``, or ``nodes: {sheet: code}``), or
               columns ``row, column, value`` (``node``, ``expert``)
    opinions   ``code, importance, familiarity, basis``, ``round`` (given, column, or in the file's name), ``expert``; ``values: {很熟悉: 1.0}``
    problems   ``problem, unit, code, found, due, closed, reopened, verified, by, origin, responsible``
    mutual     ``rater, rated, score`` (``aspect``), or ``aspects: {aspect: headers}``
    lists      ``list``, ``scope``, ``topic``, ``item`` as columns or fixed words
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import ParameterError
from commlab.intake.ledger import split_source
from commlab.intake.mapping import Context, Mapped, Table, finish
from commlab.intake.names import CERTAINTY, Register, match_names, squash
from commlab.intake.privacy import mask_column
from commlab.tables import STAGES, period_key

__all__ = ["READERS", "period_end"]

_EVENTS = ("found", "due", "closed", "reopened", "verified")
_METHODS = {"实地考评": "field", "网络(媒体)调查": "media", "网络媒体调查": "media", "网络调查": "media", "问卷调查": "questionnaire", "材料审核": "documents"}  # fmt: skip
_RECIPROCAL = 0.05
_SAATY = 9.0
_TINY = 1e-9


def period_end(period: str) -> pd.Timestamp:
    """The last day of a period.

    >>> period_end("2019Q4").date().isoformat()
    '2019-12-31'
    """
    year, month, _ = period_key(period)
    return pd.Timestamp(year, month, 1) + pd.offsets.MonthEnd(0)


def _context(
    period: str,
    units: pd.DataFrame | Register,
    aliases: pd.DataFrame | None,
    district: str | None,
    given: Mapping[str, str] | None,
    codes: Mapping[str, str] | Iterable[str],
    metrics: Iterable[str],
    certainty: float,
) -> Context:
    labels = dict(codes) if isinstance(codes, Mapping) else {str(c): str(c) for c in codes}
    book = Register.of(units, aliases)
    given = {k: str(v) for k, v in (given or {}).items()}
    return Context(period, book, district or given.get("district"), given, labels, tuple(metrics), certainty)


def _reader(name: str, make: Callable[[Table], pd.DataFrame]) -> Callable[..., Mapped]:
    def read(
        raw: Any,
        spec: Mapping[str, Any],
        *,
        period: str,
        units: pd.DataFrame | Register,
        aliases: pd.DataFrame | None = None,
        district: str | None = None,
        given: Mapping[str, str] | None = None,
        codes: Mapping[str, str] | Iterable[str] = (),
        metrics: Iterable[str] = (),
        certainty: float = CERTAINTY,
    ) -> Mapped:
        context = _context(period, units, aliases, district, given, codes, metrics, certainty)
        table = Table(raw, spec, context, name)
        return finish(table, name, make(table))

    read.__name__ = f"read_{name}"
    read.__doc__ = f"Map a raw table to ``{name}``; see the module's docstring."
    return read


def _drop(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    return frame.dropna(subset=list(columns))


# -- measures ----------------------------------------------------------------------------------------------------


def _measures(table: Table) -> pd.DataFrame:
    unit = table.units()
    usual = table.spec.get("as_of", period_end(table.context.period))
    parts = []
    columns = table.spec.get("columns") or {}
    if not columns:
        raise ParameterError("a measures input needs columns: metric -> headers")
    known = set(table.context.metrics)
    for name, entries in columns.items():
        metric, _, item = str(name).partition("/")
        if known and metric not in known:
            table.pad.add(
                "unknown metric",
                f"{metric} is no metric of the framework; its values are kept but score nothing",
                column=metric,
            )
        for entry in entries if _several(entries) else [entries]:
            options = entry if isinstance(entry, Mapping) else {}
            column = table.column(entry, what=str(name), severity=str(options.get("severity", "warning")))
            if column is None:
                continue
            value, aside = table.numbers(
                column, low=options.get("low"), high=options.get("high"), values=options.get("values") or _YES_NO,
                what=str(name),
            )  # fmt: skip
            state = np.where(aside, "not_applicable", np.where(value.isna(), "missing", "observed"))
            part = pd.DataFrame({"metric": metric, "value": value, "state": state})
            part["as_of"] = _date(options.get("as_of", usual), str(name))
            part["item"] = pd.Series(item or None, index=part.index, dtype="str")
            part["source"] = table.cell_sources(column)
            parts.append(part)
    table.report_unclaimed()
    unit = table.once(unit)
    out = (
        pd.concat([part.assign(unit=unit) for part in parts], ignore_index=True)
        if parts
        else pd.DataFrame({"unit": []})
    )
    return _drop(out, "unit")


_YES_NO = {
    "是": 1.0,
    "否": 0.0,
    "有": 1.0,
    "√": 1.0,
    "×": 0.0,
    "已建立": 1.0,
    "未建立": 0.0,
    "yes": 1.0,
    "no": 0.0,
}


def _several(entries: Any) -> bool:
    return (
        isinstance(entries, list | tuple) and bool(entries) and all(isinstance(e, Mapping) for e in entries)
    )


def _date(value: Any, what: str) -> pd.Timestamp:
    if isinstance(value, dt.date | str | pd.Timestamp):
        try:
            return pd.Timestamp(value)
        except ValueError:
            pass
    raise ParameterError(f"{what}: as_of must be a date such as 2018-12-31, not {value!r}")


# -- ratings -----------------------------------------------------------------------------------------------------


def _ratings(table: Table) -> pd.DataFrame:
    if table.spec.get("units_across"):
        out = _across(table, "unit")
    elif table.spec.get("codes_across"):
        out = _across(table, "code")
    else:
        out = _long_ratings(table)
    out = _drop(out, "unit", "code")
    return _with_rater(table, out)


def _stage(table: Table) -> str:
    stage = table.spec.get("stage") or table.context.given.get("stage")
    if stage not in STAGES:
        raise ParameterError(f"a ratings input needs stage: {', '.join(STAGES)} (found {stage!r})")
    return str(stage)


def _across(table: Table, what: str) -> pd.DataFrame:
    """A sheet whose columns are units (rows: codes) or codes (rows: units)."""
    stage = _stage(table)
    if what == "unit":
        column = table.named("code")
        down = table.codes(table.texts(column), column or "")
    else:
        down = table.units(level=table.spec.get("level", "community"))
    for key in ("method", "rater"):
        entry = (table.spec.get("columns") or {}).get(key)
        if entry is not None:
            table.column(entry, what=key, required=False)
    method = _method(table)
    names = table.unclaimed()
    heads = _heads(table, names, what)
    parts = []
    for name, head in zip(names, heads, strict=True):
        if head is None:
            continue
        score, _ = table.numbers(name, low=0, high=100, what=f"score of {head}")
        part = pd.DataFrame({"score": score, "method": method, "source": table.cell_sources(name)})
        part["unit"], part["code"] = (head, down) if what == "unit" else (down, head)
        part["stage"] = stage
        parts.append(part)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"unit": [], "code": []})


def _heads(table: Table, names: Sequence[str], what: str) -> list[str | None]:
    """What each column head names: a unit or a code; a head that names neither is an unknown column."""
    if what == "unit":
        level = table.spec.get("level", "community")
        found = match_names(
            names,
            table.context.register,
            within=table.context.district,
            level=level,
            certainty=table.context.certainty,
        )
        heads = [None if pd.isna(m) else str(m) for m in found["matched"]]
        hints = found["nearest"].tolist()
    else:
        by_key = {squash(c): c for c in table.context.codes}
        heads = [by_key.get(squash(n.rpartition("/")[2])) or by_key.get(squash(n)) for n in names]
        hints = [None] * len(names)
    for name, head, hint in zip(names, heads, hints, strict=True):
        if head is None:
            n = int(table.frame[name].notna().sum())
            near = f" (the nearest is {hint})" if isinstance(hint, str) else ""
            numeric = pd.to_numeric(table.frame[name], errors="coerce").notna().sum() > 0
            table.pad.add(
                f"unknown {what}" if numeric else "unknown column",
                f"the column “{name}” names no {what}{near}; its {n} values were left out."
                " Settle the name in review.csv, or list the column under ignore",
                column=name,
                before=name,
                action="rejected" if numeric else "flagged",
                severity="error" if numeric else "warning",
                n=n,
                cells=[table.cell(0, name)] if len(table.frame) else [],
            )
            if what == "unit" and numeric:
                table.unmatched.append(
                    {
                        "found": name,
                        "within": table.context.district,
                        "nearest": hint,
                        "score": np.nan,
                        "n": 1,
                    }
                )
    return heads


def _method(table: Table) -> pd.Series:
    entry = (table.spec.get("columns") or {}).get("method")
    column = None if entry is None else table.column(entry, what="method", required=False)
    if column is None:
        return pd.Series(table.spec.get("method"), index=table.frame.index, dtype="str")
    words = table.spec.get("methods") or _METHODS
    known = {squash(k): v for k, v in words.items()} | {v: v for v in words.values()}

    def meaning(text: str) -> str:
        parts = [known.get(squash(p), p) for p in str(text).replace("、", "+").replace(",", "+").split("+")]
        return "+".join(parts)

    return table.texts(column).map(meaning, na_action="ignore").astype("str")


def _long_ratings(table: Table) -> pd.DataFrame:
    unit = table.units(level=table.spec.get("level", "community"))
    column = table.named("code")
    code = table.codes(table.texts(column), column or "")
    columns = table.spec.get("columns") or {}
    by_stage = {s: columns[s] for s in STAGES if s in columns}
    method = _method(table)
    rater = None if "rater" not in columns else table.column(columns["rater"], what="rater")
    parts = []
    for stage, entry in (by_stage or {_stage(table): columns.get("score", table.spec.get("score"))}).items():
        name = table.column(entry, what=f"score ({stage})")
        if name is None:
            continue
        score, _ = table.numbers(name, low=0, high=100, what=f"score ({stage})")
        part = pd.DataFrame({"unit": unit, "code": code, "score": score, "method": method})
        part["stage"], part["source"] = stage, table.cell_sources(name)
        if rater is not None:
            part["rater"] = table.texts(rater)
        parts.append(part)
    table.report_unclaimed()
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"unit": [], "code": []})


def _with_rater(table: Table, frame: pd.DataFrame) -> pd.DataFrame:
    """Who rated: a column, the file's name, a fixed name, the unit itself (self) or its district (district)."""
    if frame.empty:
        return frame.assign(rater=pd.Series(dtype="str"))
    given = table.context.given
    fixed = table.spec.get("rater") if isinstance(table.spec.get("rater"), str) else None
    if fixed and fixed.startswith("{"):
        fixed = given.get(fixed.strip("{}"), fixed)
    named = fixed if fixed not in ("unit", "district") else None
    named = named or given.get("rater") or given.get("expert")
    parent = table.context.register.parent
    out = frame.copy()
    usual = out["unit"].where(out["stage"] == "self", out["unit"].map(parent)).astype("str")
    if fixed == "unit":
        usual = out["unit"]
    elif fixed == "district":
        usual = out["unit"].map(parent).astype("str")
    elif named:
        usual = usual.where(out["stage"] != "expert", named) if "rater" not in table.spec else pd.Series(named, index=out.index, dtype="str")  # fmt: skip
    elif (out["stage"] == "expert").any() and "rater" not in out:
        raise ParameterError(
            "an expert's ratings need the expert: a {expert} in the file pattern, a rater column, or rater:"
        )
    out["rater"] = out["rater"].fillna(usual) if "rater" in out else usual
    return out


# -- judgments ---------------------------------------------------------------------------------------------------


def _judgments(table: Table) -> pd.DataFrame:
    columns = table.spec.get("columns") or {}
    if "value" in columns:
        return _pairs(table)
    frame = table.frame
    if frame.shape[1] < 2:
        table.pad.add(
            "no matrix",
            "a judgement matrix has labels in its first column and a column an element",
            severity="error",
        )
        return pd.DataFrame({"row": [], "column": []})
    labels, heads = str(frame.columns[0]), [str(c) for c in frame.columns[1:]]
    down = table.codes(table.texts(labels), labels)
    across = _code_heads(table, heads)
    where = {code: k for k, code in enumerate(down) if isinstance(code, str)}
    named = {code: name for name, code in zip(heads, across, strict=True) if code is not None}
    if set(where) != set(named):
        odd = sorted(set(where) ^ set(named))
        table.pad.add(
            "matrix not square",
            f"{', '.join(odd)} stand only in the rows or only in the columns; they were left out. Mend the matrix",
            severity="error",
            n=len(odd),
        )
    elements = [code for code in where if code in named]
    values = {
        code: table.numbers(named[code], low=_TINY, what=f"judgement against {code}")[0] for code in elements
    }
    rows = []
    for i, a in enumerate(elements):
        own = values[a].iloc[where[a]]
        if own == own and abs(own - 1) > _TINY:
            table.pad.add(
                "diagonal not 1", f"{a} against itself is {own:g}; read as 1", severity="warning",
                cells=[table.cell(where[a], named[a])],
            )  # fmt: skip
        for b in elements[i + 1 :]:
            rows += _one_pair(table, a, b, (where[a], named[b], values[b]), (where[b], named[a], values[a]))
    out = pd.DataFrame(rows, columns=["row", "column", "value", "source"])
    out["node"] = _node(table)
    out["expert"] = _expert(table)
    return out


def _one_pair(
    table: Table, a: str, b: str, above: tuple[int, str, pd.Series], below: tuple[int, str, pd.Series]
) -> list[tuple[str, str, float, str]]:
    """The row for one pair: the cell of 1 or more where both are filled; missing where they contradict each other."""
    up, down = float(above[2].iloc[above[0]]), float(below[2].iloc[below[0]])
    cells = [table.cell(above[0], above[1]), table.cell(below[0], below[1])]
    for one in (up, down):
        if one == one and not 1 / _SAATY - 0.01 <= one <= _SAATY:
            table.pad.add(
                "beyond the scale",
                f"{a} against {b}: {one:g} lies outside 1/9 to 9",
                before=f"{one:g}",
                cells=cells,
            )
    from_above = (a, b, up, table.cell_sources(above[1]).iloc[above[0]])
    from_below = (b, a, down, table.cell_sources(below[1]).iloc[below[0]])
    if down != down:
        return [from_above]
    if up != up:
        return [from_below]
    if abs(up * down - 1) > _RECIPROCAL:
        table.pad.add(
            "not reciprocal",
            f"{table.file}{f' [{table.sheet}]' if table.sheet else ''} {cells[0]} and {cells[1]}: {a} against {b} is {up:g}, {b} against {a} is {down:g}; the pair counts as not judged. Ask the expert",
            before=f"{up:g} and {down:g}",
            action="rejected",
            severity="error",
            cells=cells,
        )
        return [(a, b, float("nan"), from_above[3])]
    return [from_above if up >= 1 else from_below]


def _code_heads(table: Table, heads: Sequence[str]) -> list[str | None]:
    known = table.context.codes
    if not known:
        return [h.strip() for h in heads]
    probe = Table.codes
    found = []
    for head in heads:
        one = probe(_Lone(table), [head], "")
        found.append(None if pd.isna(one.iloc[0]) else str(one.iloc[0]))
    return found


class _Lone:
    """Just enough of a Table to look one head up among the codes."""

    def __init__(self, table: Table) -> None:
        self.context, self.frame = table.context, pd.DataFrame(index=[0])


def _node(table: Table) -> str:
    fixed = table.spec.get("node")
    sheet = table.sheet
    if isinstance(fixed, str):
        return fixed
    names = {squash(k): str(v) for k, v in (table.spec.get("nodes") or {}).items()}
    known = {squash(c): c for c in table.context.codes}
    key = squash(sheet)
    return names.get(key) or known.get(key) or ("total" if key in ("total", "总", "一级指标") else sheet)


def _expert(table: Table) -> str:
    fixed = table.spec.get("expert")
    name = fixed if isinstance(fixed, str) else None
    name = name or table.context.given.get("expert") or table.context.given.get("rater")
    if not name:
        raise ParameterError(
            "judgements need their expert: a {expert} in the file pattern, an expert column, or expert:"
        )
    return name


def _pairs(table: Table) -> pd.DataFrame:
    columns = table.spec["columns"]
    out = pd.DataFrame(index=table.frame.index)
    for key in ("row", "column"):
        name = table.named(key)
        out[key] = table.codes(table.texts(name), name or "")
    value = table.named("value")
    if value is None:
        return pd.DataFrame({"row": [], "column": []})
    out["value"], _ = table.numbers(value, low=_TINY, what="judgement")
    out["source"] = table.cell_sources(value)
    out["node"] = table.texts(table.named("node")) if "node" in columns else _node(table)
    out["expert"] = table.texts(table.named("expert")) if "expert" in columns else _expert(table)
    table.report_unclaimed()
    return _drop(out, "row", "column", "node", "expert")


# -- opinions, problems, mutual, lists ---------------------------------------------------------------------------


def _opinions(table: Table) -> pd.DataFrame:
    columns = table.spec.get("columns") or {}
    words = table.spec.get("values") or {}
    name = table.named("code")
    out = pd.DataFrame({"code": table.codes(table.texts(name), name or "")}, index=table.frame.index)
    sources = table.source
    for key, high in (("importance", None), ("familiarity", 1.0), ("basis", 1.0)):
        column = table.named(key, required=key == "importance")
        if column is None:
            out[key] = np.nan
            continue
        out[key], _ = table.numbers(column, low=0, high=high, values=words, what=key)
        sources = table.cell_sources(column) if key == "importance" else sources
    out["source"] = sources
    out["expert"] = table.texts(table.named("expert")) if "expert" in columns else _expert(table)
    if "round" in columns:
        number, _ = table.numbers(table.named("round") or "", low=1, what="round")
        out["round"] = number
    else:
        out["round"] = _round(table)
    table.report_unclaimed()
    out = _drop(out, "code", "expert", "round")
    return out.astype({"round": "Int64"})


_ROUNDS = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5}


def _round(table: Table) -> int:
    value = table.spec.get("round") or table.context.given.get("round")
    text = str(value or "").strip().removeprefix("第").removesuffix("轮")
    if text in _ROUNDS:
        return _ROUNDS[text]
    if not text.isdigit() or int(text) < 1:
        raise ParameterError(
            f"opinions need their round (1, 2, ...): round:, or {{round}} in the file pattern (found {value!r})"
        )
    return int(text)


def _problems(table: Table) -> pd.DataFrame:
    columns = table.spec.get("columns") or {}
    unit = table.units(level=table.spec.get("level"))
    problem = table.texts(table.named("problem"))
    base = pd.DataFrame({"problem": problem, "unit": unit})
    name = table.named("code", required=False)
    base["code"] = (
        table.codes(table.texts(name), name) if name else pd.Series(pd.NA, index=base.index, dtype="str")
    )
    for key in ("by", "origin", "responsible"):
        column = table.named(key, required=False) if key in columns else None
        masked, counts = mask_column(table.texts(column))
        base[key] = masked
        for kind, n in counts.items():
            table.pad.add("personal data in text", f"{n} places masked ({kind})", column=str(column), action="changed", severity="note", n=n)  # fmt: skip
    parts = []
    for event in _EVENTS:
        if event not in columns:
            continue
        column = table.column(columns[event], what=event, required=event == "found")
        if column is not None:
            part = base.assign(event=event, on=table.dates(column), source=table.cell_sources(column))
            parts.append(part)
    table.report_unclaimed()
    out = pd.concat(parts, ignore_index=True) if parts else base.assign(event=None, on=pd.NaT, source=None)
    lacking = problem.isna() & table.frame.notna().any(axis=1)
    if lacking.any():
        rows = [int(r) for r in np.flatnonzero(lacking)]
        table.pad.add(
            "row without key", f"{len(rows)} rows have no problem number and were left out", action="rejected",
            severity="error", n=len(rows), cells=[f"row {table.rows.iloc[r]}" for r in rows],
        )  # fmt: skip
    return _drop(out, "problem", "unit", "on")


def _mutual(table: Table) -> pd.DataFrame:
    spec = table.spec
    register = table.context.register
    out = pd.DataFrame(index=table.frame.index)
    for key in ("rater", "rated"):
        column = table.named(key)
        if column is None:
            return pd.DataFrame({"rater": [], "rated": []})
        level = spec.get(f"{key}_level")
        within = None if level in (None, "district", "city") else table.context.district
        out[key] = table.matched(table.texts(column), column=column, level=level, within=within)
        out[f"{key}_level"] = out[key].map(register.level).astype("str")
    aspects = spec.get("aspects")
    if not aspects:
        column, name = table.named("score"), table.named("aspect", required=False)
        out["aspect"] = table.texts(name).fillna("overall") if name else "overall"
        if column is None:
            return out.iloc[:0]
        out["score"], _ = table.numbers(column, low=0, high=100, what="score")
        out["source"] = table.cell_sources(column)
        parts = [out]
    else:
        parts = []
        for aspect, entry in aspects.items():
            column = table.column(entry, what=str(aspect))
            if column is not None:
                score, _ = table.numbers(column, low=0, high=100, what=str(aspect))
                parts.append(out.assign(aspect=str(aspect), score=score, source=table.cell_sources(column)))
    table.report_unclaimed()
    return _drop(pd.concat(parts, ignore_index=True), "rater", "rated") if parts else out.iloc[:0]


def _lists(table: Table) -> pd.DataFrame:
    columns = table.spec.get("columns") or {}
    out = pd.DataFrame(index=table.frame.index)
    for key in ("list", "scope", "topic", "item"):
        if key in columns:
            out[key] = table.texts(table.named(key))
        else:
            fixed = table.spec.get(key) or (table.context.district or "common" if key == "scope" else None)
            out[key] = pd.Series(fixed, index=out.index, dtype="str")
    words = {
        squash(k): v
        for k, v in (
            table.spec.get("lists") or {"需求": "need", "资源": "resource", "服务": "service"}
        ).items()
    }
    out["list"] = out["list"].map(lambda v: words.get(squash(v), v), na_action="ignore").astype("str")
    for key in ("topic", "item"):
        out[key], counts = mask_column(out[key])
        for kind, n in counts.items():
            table.pad.add("personal data in text", f"{n} places masked ({kind})", column=key, action="changed", severity="note", n=n)  # fmt: skip
    out["source"] = table.source
    odd = out["list"].notna() & ~out["list"].isin(["need", "resource", "service"])
    if odd.any():
        table.pad.add(
            "unknown list", f"{int(odd.sum())} rows belong to none of need, resource, service; left out",
            action="rejected", severity="error", n=int(odd.sum()),
            cells=[split_source(s)[2] for s in out.loc[odd, "source"]],
        )  # fmt: skip
    table.report_unclaimed()
    return _drop(out[~odd], "list", "scope", "item")


READERS: dict[str, Callable[..., Mapped]] = {
    name: _reader(name, make)
    for name, make in {
        "measures": _measures,
        "ratings": _ratings,
        "judgments": _judgments,
        "opinions": _opinions,
        "problems": _problems,
        "mutual": _mutual,
        "lists": _lists,
    }.items()
}
"""Reader name in study.yaml -> function ``(raw, spec, *, period, units, ...) -> Mapped``."""
