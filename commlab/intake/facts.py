"""Readers of what offices count and list: ``measures``, ``problems``, ``lists``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import ParameterError
from commlab.intake.ledger import quoted, split_source
from commlab.intake.mapped import stacked
from commlab.intake.mapping import Table
from commlab.intake.names import squash
from commlab.intake.repeats import once
from commlab.intake.sums import check_row_sums
from commlab.tables import period_key

__all__ = ["lists", "measures", "period_end", "problems", "records"]

_EVENTS = ("found", "due", "closed", "reopened", "verified")
_YES_NO = {"是": 1, "否": 0, "有": 1, "√": 1, "×": 0, "已建立": 1, "未建立": 0, "yes": 1, "no": 0}
_TYPES = {"城市社区": "urban", "村改居": "converted", "村改居社区": "converted", "农村社区": "rural"}
_LISTS = {"需求": "need", "资源": "resource", "服务": "service"}


def period_end(period: str) -> pd.Timestamp:
    """The last day of a period.

    >>> period_end("2019Q4").date().isoformat()
    '2019-12-31'
    """
    year, month, _ = period_key(period)
    return pd.Timestamp(year, month, 1) + pd.offsets.MonthEnd(0)


def measures(table: Table) -> pd.DataFrame:
    """Wide to long: a row for every unit and metric, with the cell it was read from."""
    if not table.columns:
        raise ParameterError("a measures input needs columns: metric -> headers")
    unit = table.units()
    usual = table.spec.get("as_of", period_end(table.context.period))
    known = set(table.context.metrics)
    parts: list[tuple[str, dict[str, Any]]] = []
    columns: dict[str, str] = {}
    sums: dict[str, Sequence[str]] = {}
    for name, entries in table.columns.items():
        metric, _, item = str(name).partition("/")
        if known and metric not in known:
            told = f"{metric} is no metric of the framework; its values are kept but score nothing"
            table.pad.add("unknown metric", told, column=metric)
        for entry in entries if _several(entries) else [entries]:
            options = entry if isinstance(entry, Mapping) else {}
            severity = str(options.get("severity", "warning"))
            column = table.column(entry, what=str(name), severity=severity)
            if column is None:
                continue
            words = options.get("values") or _YES_NO
            low, high = options.get("low"), options.get("high")
            value, aside = table.numbers(column, low=low, high=high, values=words, what=str(name))
            state = np.where(aside, "not_applicable", np.where(np.isnan(value), "missing", "observed"))
            as_of = _date(options.get("as_of", usual), str(name))
            part: dict[str, Any] = {
                "metric": metric,
                "item": item or None,
                "value": value,
                "state": state.astype(object),
            }
            parts.append((column, part | {"as_of": as_of, "source": list(table.sources(column))}))
            columns[str(name)] = column
            if options.get("sum_of"):
                sums[column] = [str(m) for m in options["sum_of"]]
    _types(table, unit)
    check_row_sums(table, {c: [columns[m] for m in of] for c, of in sums.items() if set(of) <= set(columns)})
    table.report_unclaimed()
    unit, instead = once(table, unit)
    for column, part in parts:
        for row, other in instead.get(column, {}).items():
            for key in ("value", "state", "source"):
                part[key][row] = part[key][row if other is None else other]
            if other is None:
                part["value"][row], part["state"][row] = np.nan, "missing"
    out = stacked([part | {"unit": unit} for _, part in parts], len(unit))
    return out.dropna(subset="unit") if len(out) else out


def _types(table: Table, unit: pd.Series) -> None:
    """Where the file's type of a unit (``type: {headers: [...], words: {城市社区: urban}}``) is not the register's."""
    entry = table.spec.get("type")
    column = None if entry is None else table.column(entry, what="type", required=False)
    if column is None:
        return
    words = (entry.get("words") if isinstance(entry, Mapping) else None) or _TYPES
    meant = {squash(text): str(kind) for text, kind in words.items()}
    said = table.texts(column)
    kind = said.map(lambda text: meant.get(squash(text), str(text)), na_action="ignore")
    known = unit.map(table.context.register.type, na_action="ignore")
    odd = kind.notna() & known.notna() & known.ne("") & kind.ne(known)
    for (text, there), rows in unit[odd].groupby([said[odd], known[odd]], sort=False):
        told = f"{len(rows)} units are called {text}, the register has {there} (first {rows.iloc[0]})"
        told += "; correct the file, or enter the change of type in unit_changes.csv and units.csv"
        cells = [table.cell(int(row), column) for row in rows.index]
        word = next((text for text, kind in words.items() if kind == there), there)
        table.pad.add("type of unit", told, column=column, before=text, after=word, n=len(rows), cells=cells)


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


def _keys(table: Table, column: str | None) -> pd.Series:
    """Texts that tell rows apart, with identifiers masked where only some of them are such."""
    texts = table.texts(column)
    shown = {text: quoted(text) for text in texts.dropna().unique()}
    odd = [text for text, masked in shown.items() if masked != text]
    if not odd or 2 * len(odd) > len(shown):  # 19100800123 is a date and a number, as all the others are
        return texts
    table.removed(column, {"key": int(texts.isin(odd).sum())})
    return texts.map(shown, na_action="ignore").astype("str")


def problems(table: Table) -> pd.DataFrame:
    """Date columns to events: a row for every date of every problem."""
    unit = table.units()
    column = table.named("problem")
    problem = _keys(table, column)
    base: dict[str, Any] = {"problem": problem, "unit": unit}
    if "code" in table.columns:
        base["code"] = table.codes(table.named("code", required=False))
    for key in ("by", "origin", "responsible"):
        if key in table.columns:
            base[key] = table.masked(table.named(key, required=False))
    parts = []
    for event in _EVENTS:
        if event in table.columns:
            dated = table.column(table.columns[event], what=event, required=event == "found")
            if dated is not None:
                parts.append(
                    base | {"event": event, "on": table.dates(dated), "source": table.sources(dated)}
                )
    table.report_unclaimed()
    rows = np.flatnonzero(problem.isna() & table.frame.notna().any(axis=1))
    if column is not None and len(rows):
        cells = [table.cell(int(row), column) for row in rows]
        table.told |= set(rows.tolist())
        told = f"{len(rows)} rows have no problem number and were left out. Enter it"
        table.reject("row without key", told, column=column, n=len(rows), cells=cells)
    if not parts:
        return pd.DataFrame()
    return stacked(parts, len(unit)).dropna(subset=["problem", "unit", "on"])


def lists(table: Table) -> pd.DataFrame:
    """Needs, resources and services: ``list``, ``scope``, ``topic``, ``item`` as columns or fixed words."""
    fixed = {"scope": table.context.district or "common"} | {
        k: table.spec[k] for k in ("list", "scope", "topic") if k in table.spec
    }
    out = pd.DataFrame(index=table.frame.index)
    for key in ("list", "scope", "topic", "item"):
        if key in table.columns:
            column = table.named(key)
            out[key] = table.texts(column) if key == "list" else table.masked(column)
        else:
            out[key] = pd.Series(fixed.get(key), index=out.index, dtype="str")
    words = {squash(k): v for k, v in (table.spec.get("lists") or _LISTS).items()}
    out["list"] = out["list"].map(lambda v: words.get(squash(v), v), na_action="ignore").astype("str")
    out["source"] = table.source
    odd = out["list"].notna() & ~out["list"].isin(["need", "resource", "service"])
    if odd.any():
        cells = [split_source(s)[2] for s in out.loc[odd, "source"]]
        table.told |= set(np.flatnonzero(odd.to_numpy()).tolist())
        told = f"{len(cells)} rows belong to none of need, resource, service; left out"
        table.reject("unknown list", told, column="list", n=len(cells), cells=cells)
    table.report_unclaimed()
    return out[~odd].dropna(subset=["list", "scope", "item"])


def records(table: Table) -> pd.DataFrame:
    """Dated entries of any list, as many as there are: unit, ``on``, ``key``, ``category``, ``value``, ``text``."""
    if not isinstance(table.spec.get("list"), str):
        raise ParameterError(
            "a records input needs list: the word by which its entries are found (points, training)"
        )
    out = pd.DataFrame({"list": table.spec["list"], "unit": table.units()}, index=table.frame.index)
    for key in ("key", "category", "text"):
        if key in table.columns:
            out[key] = table.masked(table.named(key))
    options = table.columns.get("value")
    options = options if isinstance(options, Mapping) else {}
    if (column := table.named("on") if "on" in table.columns else None) is not None:
        out["on"] = table.dates(column)
    if (column := table.named("value") if "value" in table.columns else None) is not None:
        limits = {k: options.get(k) for k in ("low", "high")}
        out["value"] = table.numbers(column, values=options.get("values") or _YES_NO, what="value", **limits)[
            0
        ]
    out["source"] = table.source
    table.report_unclaimed()
    named = "unit" in table.columns or "unit" in table.spec
    asked = ["unit"] * named + [k for k in ("on", "key", "value") if k in out]
    return out.dropna(subset=asked)
