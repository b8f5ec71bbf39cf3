"""The points of volunteers: a ledger that balances, and what is wrong where it does not.

Points earned less points spent are what an account holds; the closing balance of a period is the next one's opening.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing

__all__ = ["Ledger", "carried", "keep_ledger"]

PARTS = 100
"""Points are kept in whole hundredths, so that sums are exact."""
_NEAR = 1e-6
"""How far from a whole hundredth a float may lie and still be one."""
FAULTS = (
    "incomplete", "unknown_kind", "bad_amount", "outside", "double_number", "contradictory_number", "lookalike",
    "two_places", "negative", "stated",
)  # fmt: skip
"""What may be wrong with an entry or an account, in the order in which it is looked for."""
_ASIDE = FAULTS[:6]


@dataclass(frozen=True)
class Ledger:
    """Result of ``keep_ledger``: ``accounts``, ``entries`` that count, ``faults``, and ``totals`` that balance."""

    accounts: pd.DataFrame
    entries: pd.DataFrame
    faults: pd.DataFrame
    totals: pd.Series


def keep_ledger(
    entries: pd.DataFrame,
    *,
    signs: Mapping[str, int],
    opening: pd.Series | None = None,
    stated: pd.Series | None = None,
    start: pd.Timestamp | None = None,
    end: pd.Timestamp | None = None,
) -> Ledger:
    """Balance the points of every account and name what is wrong.

    Parameters
    ----------
    entries : DataFrame
        ``key`` (the account: number of a person or household), ``on`` (day), ``category``, ``value`` (points > 0, at most two
        decimals); optional ``number`` (of the entry), ``unit`` (where), ``source``.
    signs : mapping
        Category -> 1 (earned) or -1 (spent, expired).
    opening, stated : Series by account, optional
        Balances at the start (none: 0), and those stated at the end, which are compared.
    start, end : Timestamp, optional
        First and last day of the period; entries outside it are set aside.

    Returns
    -------
    Ledger
        ``accounts``: key, opening, earned, spent, closing, lowest (balance at the end of any day, or at the start), stated,
        difference (stated - closing). ``entries``: those that count, by account and day, with ``balance`` after the day.
        ``faults``: what, key, number, on, value, note, source; everything but ``lookalike``, ``two_places``, ``negative`` and
        ``stated`` is an entry that does not count. ``totals``: opening, earned, spent, closing, entries, aside.

    Raises
    ------
    DataError
        If columns are missing, ``on`` holds no dates, an account stands twice among the balances, or a balance has more than two decimals.
    ParameterError
        If a sign is neither 1 nor -1.

    Notes
    -----
    (1) closing = opening + earned - spent, for each account and for all together
    An entry whose number and content stand again counts once; one number with two contents counts not at all. Entries that
    look alike under two numbers count both: somebody may earn the same twice in a day, so people have to look. Within a day
    what was earned counts first, so that the order of lines decides nothing.

    Examples
    --------
    >>> entries = pd.DataFrame({"key": ["V1", "V1"], "on": pd.to_datetime(["2021-07-01", "2021-07-02"]),
    ...                         "category": ["earned", "spent"], "value": [5.0, 8.0]})
    >>> ledger = keep_ledger(entries, signs={"earned": 1, "spent": -1})
    >>> ledger.accounts["closing"].tolist(), ledger.faults["what"].tolist()
    ([-3.0], ['negative'])
    """
    lacking = [c for c in ("key", "on", "category", "value") if c not in entries]
    if lacking:
        raise DataError(
            f"the entries lack the columns {listing(lacking)}; they have {listing(entries.columns)}"
        )
    wrong = [k for k, s in signs.items() if s not in (1, -1)]
    if wrong:
        raise ParameterError(f"signs are 1 (earned) or -1 (spent), found {signs[wrong[0]]!r} for {wrong[0]}")
    rows = entries.reset_index(drop=True)
    for name in ("number", "unit", "source"):
        if name not in rows:
            rows[name] = pd.Series(None, index=rows.index, dtype="str")
    rows["sign"] = rows["category"].map(dict(signs)).astype("float64")
    if len(rows) and not pd.api.types.is_datetime64_any_dtype(rows["on"]):
        raise DataError(f'column "on" must hold dates, found {rows["on"].dtype}; read it with pd.to_datetime')
    rows["on"] = pd.to_datetime(rows["on"]).dt.normalize()
    # Of copies the first one counts; which that is must not hang on the order in which lines were written.
    rows = rows.sort_values(["key", "on", "number", "category", "value", "unit", "source"], ignore_index=True)
    rows["parts"], fine = _parts(rows["value"])
    rows["what"] = _what(rows, fine, start, end)
    counted = rows[~rows["what"].isin(_ASIDE)].copy()
    faults = [rows[rows["what"] != ""].assign(note="")]
    faults.append(_two_places(counted))
    accounts, daily = _accounts(counted, _balances(opening, "opening"), _balances(stated, "stated"))
    faults += [_negative(accounts, daily), _stated(accounts)]
    found = pd.concat([f for f in faults if len(f)] or faults[:1], ignore_index=True)
    columns = ["what", "key", "number", "on", "value", "note", "source"]
    place = {what: i for i, what in enumerate(FAULTS)}
    found = found[columns].sort_values(
        ["what", "key", "on", "number", "value", "source"],
        key=lambda c: c.map(place) if c.name == "what" else c,
        ignore_index=True,
    )
    lines = counted.merge(daily, on=["key", "on"], how="left").sort_values(
        ["key", "on", "sign", "number"], ascending=[True, True, False, True]
    )
    kept = ["key", "unit", "on", "number", "category", "value", "balance", "source"]
    told = accounts[["opening", "earned", "spent", "closing"]].sum() / PARTS
    totals = pd.concat(
        [told, pd.Series({"entries": float(len(counted)), "aside": float(len(rows) - len(counted))})]
    )
    money = ["opening", "earned", "spent", "closing", "lowest", "stated", "difference"]
    return Ledger(
        accounts.assign(**{c: accounts[c] / PARTS for c in money}),
        lines[kept].reset_index(drop=True),
        found,
        totals,
    )


def carried(closing: pd.Series, opening: pd.Series) -> pd.DataFrame:
    """Where the opening balances of a period are not the closing ones of the period before.

    Parameters
    ----------
    closing, opening : Series by account

    Returns
    -------
    DataFrame
        key, closing, opening, difference (opening - closing); only accounts that differ. One that a side lacks counts as 0 there.

    Examples
    --------
    >>> carried(pd.Series({"V1": 5.0, "V2": 3.0}), pd.Series({"V1": 5.0, "V2": 4.0}))["difference"].tolist()
    [1.0]
    """
    both = pd.concat(
        {"closing": _balances(closing, "closing"), "opening": _balances(opening, "opening")}, axis=1
    )
    both = both.fillna(0).sort_index()
    both["difference"] = both["opening"] - both["closing"]
    both = both[both["difference"] != 0] / PARTS
    return both.rename_axis("key").reset_index().astype({"key": "str"})


def _parts(values: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Points in hundredths, and whether they are whole ones above zero."""
    number = pd.to_numeric(values, errors="coerce").astype("float64") * PARTS
    whole = number.round()
    return whole, np.isfinite(number) & (number > 0) & ((number - whole).abs() < _NEAR)


def _balances(given: pd.Series | None, name: str) -> pd.Series:
    """Balances in hundredths by account."""
    if given is None:
        return pd.Series(dtype="float64")
    twice = given.index[given.index.duplicated()]
    if len(twice):
        raise DataError(
            f"{name} balances have {listing(twice.unique())} more than once; give an account one balance"
        )
    number = pd.to_numeric(given, errors="coerce").astype("float64") * PARTS
    odd = number.index[~np.isfinite(number) | ((number - number.round()).abs() >= _NEAR)]
    if len(odd):
        raise DataError(
            f"{name} balance of {listing(odd)} is {given[odd[0]]!r}; give a number with at most two decimals"
        )
    return number.round()


def _what(
    rows: pd.DataFrame, fine: pd.Series, start: pd.Timestamp | None, end: pd.Timestamp | None
) -> pd.Series:
    """The fault of each entry, or empty."""
    what = pd.Series("", index=rows.index, dtype="str")
    day = rows["on"]
    checks = {
        "incomplete": rows[["key", "on", "category"]].isna().any(axis=1),
        "unknown_kind": rows["sign"].isna(),
        "bad_amount": ~fine,
        "outside": (day < start if start is not None else False) | (day > end if end is not None else False),
    }
    for name, broken in checks.items():
        what[(what == "") & broken] = name
    content = ["key", "unit", "on", "category", "parts"]
    numbered = (what == "") & rows["number"].notna()
    again = numbered & rows.where(numbered).duplicated(["number", *content])
    kinds = rows[numbered & ~again].groupby("number").size()
    what[again] = "double_number"
    what[numbered & rows["number"].map(kinds).gt(1)] = "contradictory_number"
    alike = (what == "") & rows.where(what == "").duplicated(content)
    what[alike] = "lookalike"
    return what


def _two_places(counted: pd.DataFrame) -> pd.DataFrame:
    places = counted.dropna(subset=["unit"]).groupby("key")["unit"].unique()
    several = places[places.map(len) > 1]
    return pd.DataFrame(
        {"what": "two_places", "key": several.index.astype("str"), "number": None, "on": pd.NaT, "value": np.nan,
         "note": [", ".join(sorted(p)) for p in several], "source": None}
    )  # fmt: skip


def _accounts(
    counted: pd.DataFrame, opening: pd.Series, stated: pd.Series
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One row an account, and its balance at the end of every day with an entry; in hundredths."""
    keys = pd.Index(sorted({*counted["key"], *opening.index, *stated.index}), name="key", dtype="object")
    out = pd.DataFrame(index=keys)
    out["opening"] = opening.reindex(keys).fillna(0)
    for name, sign in (("earned", 1), ("spent", -1)):
        out[name] = counted[counted["sign"] == sign].groupby("key")["parts"].sum().reindex(keys).fillna(0)
    out["closing"] = out["opening"] + out["earned"] - out["spent"]  # (1)
    moved = (counted["sign"] * counted["parts"]).groupby([counted["key"], counted["on"]]).sum()
    ran = moved.groupby(level="key").cumsum()
    ran = ran + ran.index.get_level_values("key").map(out["opening"]).to_numpy(dtype="float64")
    least = ran.groupby(level="key").min().reindex(keys)
    out["lowest"] = np.fmin(out["opening"], least.astype("float64"))
    out["stated"] = stated.reindex(keys).astype("float64")
    out["difference"] = out["stated"] - out["closing"]
    return out.reset_index().astype({"key": "str"}), (ran / PARTS).rename("balance").reset_index()


def _negative(accounts: pd.DataFrame, daily: pd.DataFrame) -> pd.DataFrame:
    """The first day on which an account holds less than nothing."""
    below = daily[daily["balance"] < 0].drop_duplicates("key")
    owed = accounts.loc[(accounts["opening"] < 0) & ~accounts["key"].isin(below["key"]), ["key", "opening"]]
    return pd.DataFrame(
        {"what": "negative", "key": [*below["key"], *owed["key"]], "number": None,
         "on": pd.to_datetime([*below["on"], *[pd.NaT] * len(owed)]), "value": [*below["balance"], *owed["opening"] / PARTS],
         "note": "", "source": None}
    )  # fmt: skip


def _stated(accounts: pd.DataFrame) -> pd.DataFrame:
    off = accounts[accounts["difference"].fillna(0) != 0]
    return pd.DataFrame(
        {"what": "stated", "key": off["key"].to_numpy(), "number": None, "on": pd.NaT,
         "value": off["difference"].to_numpy() / PARTS, "note": "", "source": None}
    )  # fmt: skip
