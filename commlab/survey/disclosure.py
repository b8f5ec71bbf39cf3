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

R0 (counts decide), R6 (one tree of places and a short list of breakdowns) and R7 (derived figures only from
protected tables) are kept by the study, which asks for these tables. Levels that are printed together (city,
districts, communities) go into one table: where a parent is withheld, enough of its children are withheld too,
or their sum would tell it.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.survey.bounds import FEW, respondents, secure
from commlab.survey.structure import FloatArray

__all__ = ["FEW", "protect"]

_NUMBERS = (
    *("estimate", "se", "ci_low", "ci_high", "df", "deff", "n", "n_effective", "count", "yes", "index"),
    *("before", "after", "p_value", "p_holm", "n_before", "n_after", "rank", "rank_low", "rank_high"),
)
_INNER = ("statistic", "option", "bound", "rule")
_CONTEXT = ("period", "wave", "weighting")
_ITEM = ("item", "variable")
_Parent: TypeAlias = str | Sequence[str] | Mapping[Hashable, Hashable] | pd.Series | None


def protect(
    table: pd.DataFrame,
    *,
    k: int,
    parent: _Parent = None,
    previous: pd.DataFrame | None = None,
    points: int = 5,
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
        of columns is for a crossed table (district x sex): each column's totals are printed elsewhere.
        Default: all domains have one parent (the whole).
    previous : DataFrame, optional
        What was released before: for a change (column ``before``), the ``withheld`` of either period (R4);
        else the protected table of the earlier release (R5).
    points : int
        Points of the items' scale: what an index tells about a bounded share depends on it.

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
    above = _parents(cells, domains, parent)
    cells["rule"] = np.where(cells["n"] < k, "R1", "")
    cells = _earlier(cells, domains, item, previous, k, is_change="before" in out)
    beside = [*context, *([item] if item else [])]
    families = [_groups(cells, series, beside) for series in above]
    within = isinstance(parent, str) or len(above) > 1
    if within and domains and above[0].equals(cells[domains[0]].astype("str")):
        parent_row = np.full(len(cells), -1)  # a crossed table: its totals are printed elsewhere
    else:
        parent_row = _parent_rows(cells, domains, above[0], [c for c in beside if c != "level"])
    _close_all(cells, families, parent_row, k, *_yes(out, cells))
    rule = cells["rule"].to_numpy()[out["_cell"]] if len(out) else np.array([], dtype=str)
    out["rule"] = pd.Series(rule, index=out.index, dtype="str")
    out["bound"] = pd.Series("", index=out.index, dtype="str")
    if "estimate" in out and "n" in out and "before" not in out and len(out):
        secure(out, [f[out["_cell"]] for f in families], parent_row, points)
    for name in [c for c in _NUMBERS if c in out]:
        out[name] = pd.to_numeric(out[name], errors="coerce").astype(float).mask(rule != "")
    withheld = cells.loc[cells["rule"] != "", [*domains, *([item] if item else []), "rule"]]
    return out.drop(columns="_cell"), withheld.reset_index(drop=True)


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


def _parents(cells: pd.DataFrame, domains: Sequence[str], parent: _Parent) -> list[pd.Series]:
    """The parents of every cell: one, or one a column of a crossed table."""
    if parent is None:
        return [pd.Series("", index=cells.index)]
    if isinstance(parent, str) or (
        isinstance(parent, Sequence) and not isinstance(parent, (str, pd.Series)) and len(parent)
    ):
        names = [parent] if isinstance(parent, str) else list(parent)
        for name in names:
            if name not in cells:
                raise ParameterError(
                    f'parent "{name}" is no column of the table: {listing(cells.columns.drop("n"), most=12)}'
                )
        return [cells[name].astype("str") for name in names]
    if not domains:
        raise ParameterError("the table has no domain column, so parent= has nothing to look up")
    above = pd.Series(dict(parent.items())) if isinstance(parent, (Mapping, pd.Series)) else None
    if above is None:
        raise ParameterError(f"parent must be a column, a mapping or a Series, got {type(parent).__name__}")
    found = cells[domains[0]].map(above)
    top = cells[domains[0]].isin(above.tolist())
    lacking = cells.loc[found.isna() & ~top, domains[0]].unique()
    if len(lacking):
        raise DataError(f"{len(lacking)} domains have no parent: {listing(lacking)}; complete the mapping")
    return [found.fillna("").astype("str")]


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


def _yes(out: pd.DataFrame, cells: pd.DataFrame) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Unweighted yes per cell (rows) and question that R3 guards (columns), and whether all-no tells as well."""
    none = np.zeros((len(cells), 0)), np.zeros(0, dtype=bool)
    if "estimate" not in out or "before" in out or "n" not in out:
        return none
    if "statistic" in out:
        rows, question = out["statistic"].isin(["satisfied", "dissatisfied", "dont_know"]), out["statistic"]
    elif "level" in out or "option" in out:
        question = out["level" if "level" in out else "option"].astype("str")
        rows = pd.Series(True, index=out.index)
    elif "yes" in out:
        rows, question = pd.Series(True, index=out.index), pd.Series("yes", index=out.index)
    else:
        return none
    yes = respondents(out)[rows]
    frame = pd.DataFrame({"cell": out.loc[rows, "_cell"], "question": question[rows].to_numpy(), "yes": yes})
    wide = frame.pivot_table(index="cell", columns="question", values="yes", aggfunc="first")
    both = np.isin(wide.columns.to_numpy(dtype=object), ("satisfied", "yes"))
    return wide.reindex(cells.index).to_numpy(dtype=float), both


def _groups(cells: pd.DataFrame, above: pd.Series, beside: Sequence[str]) -> npt.NDArray[np.int64]:
    """The family of each cell: same parent, same context and item."""
    frame = cells[list(beside)].assign(_above=above)
    return frame.groupby(list(frame), sort=False, dropna=False).ngroup().to_numpy()


def _parent_rows(
    cells: pd.DataFrame, domains: Sequence[str], above: pd.Series, beside: Sequence[str]
) -> npt.NDArray[np.int64]:
    """Row of each cell's parent in the same context and item, -1 where the table does not hold it."""
    if not domains or (above == "").all():
        return np.full(len(cells), -1)
    own = pd.MultiIndex.from_frame(cells[[domains[0], *beside]].astype("str"))
    wanted = pd.MultiIndex.from_frame(
        cells[list(beside)].astype("str").assign(_above=above)[["_above", *beside]]
    )
    at = pd.Series(np.arange(len(cells)), index=own)
    at = at[~at.index.duplicated()]
    found = at.reindex(wanted).fillna(-1).to_numpy(dtype=np.int64)
    return np.where(
        found == np.arange(len(cells)), -1, found
    )  # a column of the domain is no parent of itself


def _close_all(
    cells: pd.DataFrame,
    families: Sequence[npt.NDArray[np.int64]],
    parent_row: npt.NDArray[np.int64],
    k: int,
    yes: FloatArray,
    both_sides: npt.NDArray[np.bool_],
) -> None:
    """R2 and R3 in every family of siblings, again until a withheld parent is covered by its children."""
    groups = [part for family in families for part in members(family)]
    n = cells["n"].to_numpy(dtype=float)
    rule = cells["rule"].to_numpy(dtype=object, copy=True)
    changed = True
    while changed:
        changed = False
        for inside in groups:
            parent = parent_row[inside[0]]
            hidden_parent = parent >= 0 and rule[parent] != ""
            if hidden_parent or (rule[inside] != "").any():
                changed |= _close(inside, n, yes, rule, k, covered=hidden_parent, both_sides=both_sides)
        changed = changed and (len(families) > 1 or bool((parent_row >= 0).any()))
    cells["rule"] = pd.Series(rule, index=cells.index, dtype="str")


def members(family: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    """The places of each family."""
    order = np.argsort(family, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(family[order])) + 1) if len(order) else []


def _close(
    inside: npt.NDArray,
    n: FloatArray,
    yes: FloatArray,
    rule: npt.NDArray,
    k: int,
    *,
    covered: bool,
    both_sides: npt.NDArray[np.bool_],
) -> bool:
    """R2 and R3 among siblings: withhold the next smallest until both hold. True where something was."""
    gone = rule[inside] != ""
    if len(inside) == 1 and not covered:
        return False
    n, yes = n[inside], yes[inside]
    whole, total = np.nansum(yes, axis=0), n.sum()

    def mixes(s: FloatArray, size: float) -> npt.NDArray[np.bool_]:
        return np.where(both_sides, np.minimum(s, size - s), size - s) >= FEW

    curable = mixes(whole, total)
    changed = False
    for chosen in np.argsort(n, kind="stable"):
        size, s = n[gone].sum(), np.nansum(yes[gone], axis=0)
        mixed = mixes(s, size) | ~curable
        enough = (gone.sum() >= 2 and size >= k) or (not gone.any() and not covered)
        if enough and (mixed.all() or not gone.any()):
            break
        if not gone[chosen]:
            rule[inside[chosen]] = "R3" if enough else "R2"
            gone[chosen] = changed = True
    return changed
