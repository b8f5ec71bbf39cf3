"""No printed figure, and no difference of printed figures, speaks about a few people.

``protect`` takes a long table of survey figures and takes out what may not leave the house. k is the smallest
number of respondents (study.yaml: ``disclosure``). Everything is decided on unweighted counts, before any
rounding; what a whole (domain, item) is withheld for stands here, what single figures of it in ``bounds``:

R1  n < k: the whole (domain, item) is withheld, with every statistic of it and its n
R2  per parent and item: no withheld child, or at least two with k respondents together; else the next
    smallest child goes too (a parent's figure minus its printed children's is then no small group)
R3  the withheld children together answered neither all yes nor all no: min(s, n - s) >= 3 (of several levels
    or options: no one was given by all but two), else one more;
    printed shares with min(s, n - s) < 3 become bounds "<= x" or ">= x", and so much of their neighbours is
    blank that no sum or difference tells them (``bounds``)
R4  a change needs both periods printed
R5  an earlier release of the same figure: a difference of 1 to k - 1 respondents withholds the new one
    (``release.ledger`` compares the respondents themselves, whose digests it keeps)

What is withheld stays open to a reader who puts everything that is printed into a linear program, exact counts behind
every printed figure included (``audit``): n of a withheld domain by at least k respondents, its shares by FEW = 3, single
hidden shares by 2; also to one who is told the rules, then by 1. What cannot be proven open takes more with it. The
only exception: totals printed elsewhere (``parent``) that tell more by themselves, were all of the table withheld.

R0 (counts decide), R6 (one tree of places and a short list of breakdowns) and R7 (derived figures only from
protected tables) are kept by the study, which asks for these tables. Levels that are printed together (city,
districts, communities) go into one table: where a parent is withheld, enough of its children are withheld too,
or their sum would tell it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.survey.bounds import secure
from commlab.survey.structure import FloatArray
from commlab.survey.wholes import FEW, Cells, Parent, add_up, close, people, respondents

__all__ = ["FEW", "protect"]

_NUMBERS = (
    *("estimate", "se", "ci_low", "ci_high", "df", "deff", "n", "n_effective", "count", "yes", "index"),
    *("before", "after", "p_value", "p_holm", "n_before", "n_after", "rank", "rank_low", "rank_high"),
)
_INNER = ("statistic", "option", "bound", "rule")
_CONTEXT = ("period", "wave", "weighting")
_ITEM = ("item", "variable")


def protect(
    table: pd.DataFrame,
    *,
    k: int,
    parent: Parent = None,
    previous: pd.DataFrame | None = None,
    points: int = 5,
    counts: pd.DataFrame | None = None,
    decided: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Withhold the figures of a table that could speak about fewer than ``k`` people.

    Parameters
    ----------
    table : DataFrame
        Long, as ``satisfaction``, ``mean``, ``proportion`` or ``change`` return it: domain columns, ``item``
        or ``variable`` (optional), ``statistic``, ``level`` or ``option`` (optional), figures, and unweighted
        respondents ``n`` (a change: ``n_before`` and ``n_after``). A column ``yes`` (unweighted respondents
        who answered yes) makes R3 exact; without it, estimate * n, rounded, stands for it.
    k : int
        Smallest n.
    parent : str, list of str, mapping or Series, optional
        The domain's parent, whose figures are printed too: a column of the table, or domain -> parent. A list
        of columns is for a crossed table (district x sex): each column's totals are printed elsewhere. A list of mappings
        is for domains that add up in several ways (by place and by type): who is not in a mapping takes no part in it.
        Default: all domains have one parent (the whole).
    previous : DataFrame, optional
        What was released before: for a change (column ``before``), the ``withheld`` of either period (R4);
        else the protected table of the earlier release (R5).
    points : int
        Points of the items' scale: what an index tells about a bounded share depends on it.

    counts : DataFrame, optional
        Unweighted respondents by domain, item and answer (``answer`` 1 to ``points``, 0 for "don't know"; ``yes``),
        where there is more than the table: what is withheld does not depend on it, but is found sooner.
    decided : DataFrame, optional
        Rows of the table as an earlier call gave them (domains, item, statistic; n, rule, bound): printed or withheld
        already and not changed here; the other rows do not tell what these hide.

    Returns
    -------
    (DataFrame, DataFrame)
        The table with withheld figures blank and two more columns: ``rule`` (why a figure is blank, else "") and
        ``bound`` ("<=", ">=" where the estimate is only a bound, else ""); and the withheld domains: a row
        per domain and item with its ``rule``. Neither says how many respondents a withheld domain had.

    Raises
    ------
    ParameterError
        If ``k`` is below 1 or the table has no ``n``.
    DataError
        If a domain has no parent, or an n is negative.
    """
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
        raise ParameterError(f"k={k!r} must be a whole number of respondents, at least 1")
    if not isinstance(table, pd.DataFrame):
        raise ParameterError(f"the table must be a DataFrame, got {type(table).__name__}")
    sizes = [c for c in ("n", "n_before", "n_after") if c in table]
    if not sizes:
        raise ParameterError(
            f'the table has no column "n" of respondents; it has {listing(table.columns, most=12)}. '
            "Figures without their n cannot be protected"
        )
    out = table.reset_index(drop=True).copy()
    item = next((c for c in _ITEM if c in out), None)
    # Beside a statistic, "level" is the level of the unit; else it is a level of the variable.
    context = [c for c in out if c in _CONTEXT or (c == "level" and "statistic" in out)]
    inner = (*_NUMBERS, *_INNER, *_ITEM, "level", *context)
    domains = [*(c for c in out if c not in inner), *context]
    cells = _cells(out, domains, item, sizes)
    cells["rule"] = np.where(cells["n"] < k, "R1", "")
    cells = _earlier(cells, domains, item, previous, k, is_change="before" in out)
    if decided is not None:
        out["_given"] = _given(out, cells, decided, [*domains, *([item] if item else [])])
    full, adding = add_up(out, cells, domains, context, item, parent, k)
    if decided is not None:
        adding.fixed[out.loc[out["_given"].notna(), "_cell"]] = True
    yes, both = _yes(full, len(adding.n))
    close(adding, k, yes, both)
    single = {"estimate", "n"} <= set(out.columns) and "before" not in out and len(out) > 0
    if single:
        answers = (
            None
            if counts is None
            else _answers(counts, cells, adding, [*domains, *([item] if item else [])], points)
        )
        secure(full, adding, k=k, points=points, yes=yes, both_sides=both, counts=answers)
    out["rule"] = pd.Series(adding.rule[out["_cell"]], index=out.index, dtype="str")
    out["bound"] = pd.Series("", index=out.index, dtype="str")
    if single:
        own = full.iloc[: len(out)]
        for name in ("rule", "bound", *(c for c in _NUMBERS if c in out)):
            out[name] = own[name]
    cells["rule"] = pd.Series(adding.rule[: len(cells)], index=cells.index, dtype="str")
    gone = adding.rule[out["_cell"]] != ""
    for name in [c for c in _NUMBERS if c in out]:
        out[name] = pd.to_numeric(out[name], errors="coerce").astype(float).mask(gone)
    withheld = cells.loc[cells["rule"] != "", [*domains, *([item] if item else []), "rule"]]
    return out.drop(columns=["_cell", "_given"], errors="ignore"), withheld.reset_index(drop=True)


def _given(out: pd.DataFrame, cells: pd.DataFrame, decided: pd.DataFrame, keys: Sequence[str]) -> pd.Series:
    """State of every row that is decided already, else missing; ``cells`` gets the rule of those that are withheld."""
    asked = [*keys, *(c for c in ("statistic", "option") if c in out and c in decided)]
    known = out[asked].merge(decided[[*asked, "n", "rule", "bound"]], on=asked, how="left")
    told = known["rule"].notna()
    # Of a withheld cell n is blank in every row.
    gone = told & known["n"].groupby(out["_cell"]).transform("count").eq(0)
    rule = known["rule"].groupby(out["_cell"]).first()
    mine = rule.reindex(range(len(cells))).to_numpy()
    cells["rule"] = np.where(
        pd.isna(mine),
        cells["rule"],
        np.where(np.isin(np.arange(len(cells)), out.loc[gone, "_cell"]), mine, ""),
    )
    blank = known["rule"].mask(told & (known["rule"] != ""), "blank")
    return blank.where(known["bound"].isna() | (known["bound"] == ""), known["bound"]).mask(gone, "gone")


def _cells(out: pd.DataFrame, domains: Sequence[str], item: str | None, sizes: Sequence[str]) -> pd.DataFrame:
    """A row per (domain, item) with its smallest n; ``out`` gains the column ``_cell``."""
    keys = [*domains, *([item] if item else [])]
    numbers = out[list(sizes)].apply(pd.to_numeric, errors="coerce")
    if (numbers < 0).any(axis=None):
        raise DataError("n is negative in some rows; it counts respondents")
    n = numbers.fillna(0).min(axis=1)
    if not keys:
        out["_cell"] = 0
        return pd.DataFrame({"n": [n.min() if len(n) else 0]})
    out["_cell"] = out.groupby(keys, sort=False, dropna=False).ngroup()
    # n of "don't know" counts everyone asked: the smallest n of a cell decides.
    cells = out.loc[~out["_cell"].duplicated(), keys].copy()
    cells["n"] = n.groupby(out["_cell"]).min().reindex(out["_cell"].unique()).to_numpy()
    return cells.reset_index(drop=True)


def _earlier(
    cells: pd.DataFrame,
    domains: Sequence[str],
    item: str | None,
    previous: pd.DataFrame | None,
    k: int,
    *,
    is_change: bool,
) -> pd.DataFrame:
    """R4 and R5."""
    if previous is None or not len(previous):
        return cells
    keys = [c for c in [*domains, *([item] if item else [])] if c in previous]
    if not keys:
        raise ParameterError(
            "previous shares no domain or item column with the table; nothing can be compared"
        )
    here = pd.MultiIndex.from_frame(cells[keys])
    before = previous.copy()
    if is_change or "n" not in before:
        gone = before if "estimate" not in before else before[before["rule"] != ""]
        hit = here.isin(pd.MultiIndex.from_frame(gone[keys]))
        rule = "R4"
    else:
        before["n"] = pd.to_numeric(before["n"], errors="coerce")
        old = before.groupby(keys, dropna=False)["n"].min()
        then = old.reindex(here if len(keys) > 1 else here.get_level_values(0)).to_numpy(dtype=float)
        step = np.abs(cells["n"].to_numpy() - then)
        hit = (step >= 1) & (step < k)
        rule = "R5"
    cells["rule"] = np.where((cells["rule"] == "") & hit, rule, cells["rule"])
    return cells


def _yes(out: pd.DataFrame, size: int) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Unweighted yes per cell (rows) and question that R3 guards (columns), and whether all-no tells as well."""
    if not {"estimate", "n"} <= set(out.columns) or "before" in out or not people(out).any():
        return np.zeros((size, 0)), np.zeros(0, dtype=bool)
    if "statistic" in out:
        rows, question = out["statistic"].isin(["satisfied", "dissatisfied", "dont_know"]), out["statistic"]
    else:
        option = next((c for c in ("level", "option") if c in out), None)
        question = out[option].astype("str") if option else pd.Series("yes", index=out.index)
        rows = pd.Series(True, index=out.index)
    yes = respondents(out)[rows]
    frame = pd.DataFrame({"cell": out.loc[rows, "_cell"], "question": question[rows].to_numpy(), "yes": yes})
    wide = frame.pivot_table(index="cell", columns="question", values="yes", aggfunc="first")
    both = np.isin(wide.columns.to_numpy(dtype=object), ("satisfied", "yes"))
    return wide.reindex(np.arange(size)).to_numpy(dtype=float), both


def _answers(
    counts: pd.DataFrame, cells: pd.DataFrame, adding: Cells, keys: Sequence[str], points: int
) -> FloatArray | None:
    """Counts of the answers 1 to ``points`` and "don't know" in the cells without cells below; None where some lack."""
    wide = counts.pivot_table(index=list(keys), columns="answer", values="yes", aggfunc="sum", fill_value=0)
    own = pd.MultiIndex.from_frame(cells[list(keys)])
    wide = wide.reindex(index=own, columns=[*range(1, points + 1), 0]).to_numpy(dtype=float)
    out = np.full((len(adding.n), points + 1), np.nan)
    out[: len(cells)] = wide
    for up in adding.parents:
        for rest in np.flatnonzero(up[len(cells) :] >= 0) + len(cells):
            siblings = np.flatnonzero(up == up[rest])
            out[rest] = out[up[rest]] - out[siblings[siblings < len(cells)]].sum(axis=0)
    lowest = out[adding.lowest()]
    return None if np.isnan(lowest).any() or (lowest < 0).any() else lowest
