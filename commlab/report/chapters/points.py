"""The points of volunteers: whether the ledger balances, and what has to be looked at.

``options: points:`` in study.yaml: ``list`` (of ``records``), ``stated`` (lists of the ``opening`` and ``closing`` balances that
offices state), ``signs`` (category -> 1 or -1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from commlab.periods import period_key
from commlab.processes import Ledger, carried, keep_ledger
from commlab.report.chapters.base import Report
from commlab.report.finding import Col, Finding, Section
from commlab.study import Period

__all__ = ["points", "points_ledger"]


def points(report: Report) -> Section | None:
    """Balances of the accounts by community, and everything that does not add up, by number of account and entry."""
    options = report.study.config.options.get("points")
    if not options or not report.has("records"):
        return None
    t = report.t
    title = t("Points of volunteers")
    ledger, moved = points_ledger(report, options)
    place = _places(report, options, ledger)
    inside = report.study.register.district_of
    accounts = ledger.accounts.assign(unit=ledger.accounts["key"].map(place))
    accounts["district"] = accounts["unit"].map(inside)
    faults = pd.concat([ledger.faults, _not_carried(moved)], ignore_index=True)
    faults["district"] = faults["key"].map(place).map(inside)
    if not report.is_city:
        accounts, faults = (
            accounts[accounts["district"] == report.unit],
            faults[faults["district"] == report.unit],
        )
    if accounts.empty:
        return Section(
            title,
            1,
            [
                t(
                    "No account of points was kept in {period}; the points are a pilot.",
                    period=report.period_label,
                )
            ],
        )
    parts = [_balances(report, accounts, faults), _faults(report, faults)]
    return Section(title, 1, [*[p for p in parts if p is not None], *report.notes("points")])


def points_ledger(report: Report, options: Mapping[str, Any]) -> tuple[Ledger, pd.DataFrame]:
    """The period's ledger, opened with the closing balances of the period before, and where stated openings differ."""
    end = period_key(report.period.name)
    known = sorted((p for p in report.study.periods if period_key(p) < end), key=period_key)
    before: pd.Series | None = None
    for name in known:
        period = report.study.period(name)
        opening = _stated(period, options["stated"]["opening"]) if before is None else before
        before = _kept(period, options, opening).accounts.set_index("key")["closing"]
    stated = _stated(report.period, options["stated"]["opening"])
    ledger = _kept(report.period, options, stated if before is None else before)
    none = pd.Series(dtype="float64")
    return ledger, carried(none, none) if before is None or stated.empty else carried(before, stated)


def _kept(period: Period, options: Mapping[str, Any], opening: pd.Series | None) -> Ledger:
    rows = period.records
    rows = rows[rows["list"] == options["list"]].rename(columns={"text": "number"})
    closing = _stated(period, options["stated"]["closing"])
    year, month, length = period_key(period.name)
    last = pd.Timestamp(year=year, month=month, day=1) + pd.offsets.MonthEnd(1)
    first = pd.Timestamp(year=year, month=month, day=1) - pd.DateOffset(months=length - 1)
    return keep_ledger(
        rows[["key", "unit", "on", "number", "category", "value", "source"]], signs=options["signs"], opening=opening,
        stated=closing if len(closing) else None, start=first, end=last,
    )  # fmt: skip


def _stated(period: Period, name: str) -> pd.Series:
    """Balances that offices state; of an account that stands twice the first (repeats are in the ledger of cleaning)."""
    rows = period.records
    return rows[rows["list"] == name].drop_duplicates("key").set_index("key")["value"].dropna()


def _places(report: Report, options: Mapping[str, Any], ledger: Ledger) -> dict[str, str]:
    """Account -> where it is kept."""
    rows = report.period.records
    rows = rows[rows["list"].isin([options["list"], *options["stated"].values()])].dropna(
        subset=["key", "unit"]
    )
    return dict(zip(rows["key"], rows["unit"], strict=True)) | dict(
        zip(ledger.entries["key"], ledger.entries["unit"], strict=True)
    )


def _not_carried(moved: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "what": "opening",
            "key": moved["key"],
            "number": None,
            "on": pd.NaT,
            "value": moved["difference"],
            "note": "",
            "source": None,
        }
    )


def _balances(report: Report, accounts: pd.DataFrame, faults: pd.DataFrame) -> Finding:
    t = report.t
    names = report.study.register.units.set_index("unit")["name"]
    by = "district" if report.is_city else "unit"
    sums = ["opening", "earned", "spent", "closing"]
    table = accounts.groupby(by, sort=False, as_index=False).agg(
        accounts=("key", "size"), **{c: (c, "sum") for c in sums}
    )
    table["place"] = table[by] if report.is_city else table[by].map(names)
    whole = table[["accounts", *sums]].sum()
    table = pd.concat(
        [table.assign(total=False), pd.DataFrame([{**whole, "place": t("All together"), "total": True}])],
        ignore_index=True,
    )
    text = t(
        "{n} accounts: {opening} points at the start + {earned} earned − {spent} spent = {closing} at the end.",
        n=t.integer(whole["accounts"]), opening=t.number(whole["opening"]), earned=t.number(whole["earned"]),
        spent=t.number(whole["spent"]), closing=t.number(whole["closing"]),
    )  # fmt: skip
    text = report.join(
        text,
        t("{n} accounts or entries have to be looked at.", n=t.integer(len(faults)))
        if len(faults)
        else t("Nothing has to be looked at."),
    )
    columns = {
        "place": Col(t("District") if report.is_city else t("Community")), "accounts": Col(t("Accounts"), "integer"),
        "opening": Col(t("At the start"), "number"), "earned": Col(t("Earned"), "number"), "spent": Col(t("Spent"), "number"),
        "closing": Col(t("At the end"), "number"),
    }  # fmt: skip
    return report.finding(table, text, title=t("Points by place"), columns=columns, strong="total")


def _faults(report: Report, faults: pd.DataFrame) -> Finding | None:
    t = report.t
    if faults.empty:
        return None
    words = {
        "incomplete": t("account, day or kind is missing: does not count"), "unknown_kind": t("unknown kind: does not count"),
        "bad_amount": t("no amount above 0 with at most two decimals: does not count"), "outside": t("outside the period: does not count"),
        "double_number": t("entered twice: counts once"), "contradictory_number": t("one number, two contents: does not count"),
        "lookalike": t("looks like another entry: counts, ask"), "two_places": t("one account in two places"),
        "negative": t("balance below zero"), "stated": t("stated closing balance differs"), "opening": t("stated opening balance is not the closing one before"),
    }  # fmt: skip
    table = faults.assign(why=faults["what"].map(words))
    counts = faults["what"].value_counts(sort=False)
    text = t(
        "To be looked at: {told}.",
        told=t.listing(t("{what} ({n})", what=words[w], n=t.integer(n)) for w, n in counts.items()),
    )
    columns = {
        "district": Col(t("District")), "key": Col(t("Account")), "number": Col(t("Entry")), "on": Col(t("Day"), "date", width=1.5),
        "value": Col(t("Points"), "number"), "why": Col(t("What is wrong"), "label", width=2.0),
    }  # fmt: skip
    if not report.is_city:
        columns.pop("district")
    return report.finding(table, text, title=t("Entries and accounts to be looked at"), columns=columns)
