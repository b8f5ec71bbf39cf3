"""How the cells of a table add up, and which whole cells must be withheld together (R2, R3).

A cell is a domain and item. Cells with the same parent add up to it. Where the table does not hold the parent, it is
printed elsewhere and joins the table as a row of its own; where the children are fewer than the parent's respondents,
the rest joins as a child: neither can be withheld here, and both tell what they tell.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.survey.structure import FloatArray

__all__ = ["FEW", "Cells", "Parent", "add_up", "close", "people", "respondents", "split"]

FEW = 3
"""Fewest respondents on either side of a printed or derivable share (R3)."""
_SHARES = ("satisfied", "dissatisfied", "dont_know", "option")
_QUESTION = ("statistic", "option", "level")
Above: TypeAlias = Mapping[Hashable, Hashable] | pd.Series
Parent: TypeAlias = str | Sequence[str] | Sequence[Above] | Above | None
IntArray = npt.NDArray[np.int64]


@dataclass
class Cells:
    """Domain x item of a table, and how they add up.

    Attributes
    ----------
    n : float array, shape (n_cells,)
        Respondents.
    rule : str array, shape (n_cells,)
        Why a cell is withheld with its n, else "".
    fixed : bool array, shape (n_cells,)
        Cells that this table cannot withhold.
    parents : list of int arrays, shape (n_cells,)
        The cell above, -1 where there is none; one array a way of adding up.
    exact : list of bool arrays, shape (n_cells,)
        Whether a cell's family adds up to its parent (no respondent in two of them).
    beside : int array, shape (n_cells,)
        Cells with the same code speak about the same item (and wave).
    """

    n: FloatArray
    rule: npt.NDArray[np.object_]
    fixed: npt.NDArray[np.bool_]
    parents: list[IntArray]
    exact: list[npt.NDArray[np.bool_]]
    beside: IntArray

    def lowest(self) -> IntArray:
        """Cells without cells below."""
        return np.setdiff1d(np.arange(len(self.n)), np.concatenate(self.adding()))

    def adding(self) -> list[IntArray]:
        """``parents`` as far as their children add up to them."""
        return [np.where(exact, up, -1) for up, exact in zip(self.parents, self.exact, strict=True)]


def respondents(out: pd.DataFrame) -> pd.Series:
    """Unweighted respondents who said yes, as counted or, without a count, as near as the figures tell."""
    guess = (pd.to_numeric(out["estimate"]) * pd.to_numeric(out["n"])).round()
    for name in ("yes", "count"):
        if name in out:
            return pd.to_numeric(out[name], errors="coerce").fillna(guess)
    return guess


def people(out: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Rows that are shares of respondents."""
    if "statistic" in out:
        return out["statistic"].isin(_SHARES).to_numpy()
    return np.full(len(out), bool({"option", "level", "yes"} & set(out.columns)))


def split(codes: IntArray) -> list[IntArray]:
    """The places of each code."""
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(codes[order])) + 1) if len(order) else []


def add_up(
    out: pd.DataFrame,
    cells: pd.DataFrame,
    domains: Sequence[str],
    context: Sequence[str],
    item: str | None,
    parent: Parent,
    k: int,
) -> tuple[pd.DataFrame, Cells]:
    """The table with its wholes and rests, and its cells; the table's own rows and cells come first."""
    m = len(cells)
    beside = [*(c for c in context if c != "level"), *([item] if item else [])]
    code = (
        cells.groupby(beside, sort=False, dropna=False).ngroup().to_numpy()
        if beside
        else np.zeros(m, dtype=np.int64)
    )
    n, codes, parents, rows = [cells["n"].to_numpy(dtype=float)], [code], [], [out]
    figures = _summable(out)
    size = m
    rests: list[list[IntArray]] = []

    def grow(new: FloatArray, about: IntArray) -> IntArray:
        nonlocal size
        n.append(new)
        codes.append(about)
        size += len(new)
        return np.arange(size - len(new), size)

    for above, also, own in _ways(cells, domains, context, parent):
        at = _place(cells, above, own, [*beside, *also])
        above = above.mask(at == np.arange(m), "")  # a column of the domain is no parent of itself
        at = np.where(at == np.arange(m), -1, at)
        keys = [*context, *([item] if item else []), *also]
        family = (
            cells[keys].assign(_above=above).groupby([*keys, "_above"], sort=False, dropna=False).ngroup()
        )
        family = family.to_numpy(dtype=np.int64)
        # (a) The parent is printed elsewhere.
        lone = np.bincount(family, minlength=1)[family] < 2
        outside = np.flatnonzero((at < 0) & ~lone & above.notna())
        _, first, which = np.unique(family[outside], return_index=True, return_inverse=True)
        wholes = grow(np.bincount(which, n[0][outside], len(first)).astype(float), code[outside[first]])
        at[outside] = wholes[which]
        rows.append(_sums(figures, at, wholes))
        # (b) The parent holds more people than its children.
        held = np.bincount(at[at >= 0], weights=n[0][at >= 0], minlength=size)[:m]
        gap = np.where(np.isin(np.arange(m), at), n[0] - held, 0.0)
        larger = np.flatnonzero(gap > 0)
        rest = grow(gap[larger], code[larger])
        rows.append(_differences(figures, at, larger, rest))
        parents.append(at)
        rests.append([rest, larger])
    every = np.concatenate(n)
    out = pd.concat([r for r in rows if len(r)] or [out], ignore_index=True)
    rule = np.where(every < k, "R1", "").astype(object)
    rule[:m] = cells["rule"]
    full = []
    for at, (rest, larger) in zip(parents, rests, strict=True):
        up = np.full(size, -1)
        up[:m], up[rest] = at, larger
        full.append(up)
    told = [np.bincount(up[up >= 0], weights=every[up >= 0], minlength=size) for up in full]
    exact = [np.where(up >= 0, sums[up] <= every[up], True) for up, sums in zip(full, told, strict=True)]
    return out, Cells(every, rule, np.arange(size) >= m, full, exact, np.concatenate(codes).astype(np.int64))


def _ways(
    cells: pd.DataFrame, domains: Sequence[str], context: Sequence[str], parent: Parent
) -> list[tuple[pd.Series, list[str], bool]]:
    """Ways of adding up: the parent of every cell, the domains it leaves apart, whether to look for its row."""
    own = [d for d in domains if d not in context]
    if parent is None:
        return [(pd.Series("", index=cells.index), [], False)]
    if isinstance(parent, Sequence) and not isinstance(parent, str) and own:
        several = [p for p in parent if isinstance(p, Mapping)]
        if several:  # who is not named takes no part (missing)
            return [(cells[own[0]].map(dict(p)).astype("str"), [], True) for p in several]
    if isinstance(parent, str) or (
        isinstance(parent, Sequence) and not isinstance(parent, (str, pd.Series)) and len(parent)
    ):
        names = [parent] if isinstance(parent, str) else list(parent)
        for name in names:
            if name not in cells:
                raise ParameterError(
                    f'parent "{name}" is no column of the table: '
                    f"{listing(cells.columns.drop(['n', 'rule']), most=12)}"
                )
        within = len(names) == 1 and bool(own) and own[0] != names[0]
        return [(cells[name].astype("str"), [], within) for name in names]
    if not own:
        raise ParameterError("the table has no domain column, so parent= has nothing to look up")
    above = pd.Series(dict(parent.items())) if isinstance(parent, (Mapping, pd.Series)) else None
    if above is None:
        raise ParameterError(f"parent must be a column, a mapping or a Series, got {type(parent).__name__}")
    found = cells[own[0]].map(above)
    top = cells[own[0]].isin(above.tolist())
    lacking = cells.loc[found.isna() & ~top, own[0]].unique()
    if len(lacking):
        raise DataError(f"{len(lacking)} domains have no parent: {listing(lacking)}; complete the mapping")
    ways = [(found.fillna("").astype("str"), own[1:], True)]
    # Of a place crossed with groups of people, the place's total is printed as well.
    return ways + ([(cells[own[0]].astype("str"), [], False)] if own[1:] else [])


def _place(cells: pd.DataFrame, above: pd.Series, own: bool, beside: Sequence[str]) -> IntArray:
    """Row of each cell's parent among the cells of the same item, -1 where the table does not hold it."""
    domain = next((c for c in cells if c not in ("n", "rule")), None)
    if not own or domain is None or (above == "").all():
        return np.full(len(cells), -1)
    at = pd.Series(
        np.arange(len(cells)), index=pd.MultiIndex.from_frame(cells[[domain, *beside]].astype("str"))
    )
    wanted = pd.MultiIndex.from_frame(
        cells[list(beside)].astype("str").assign(_above=above)[["_above", *beside]]
    )
    return at[~at.index.duplicated()].reindex(wanted).fillna(-1).to_numpy(dtype=np.int64)


def _summable(out: pd.DataFrame) -> pd.DataFrame | None:
    """Cell, question, n and sum (people or points) of every row; None where the figures are no shares or levels."""
    if not {"estimate", "n"} <= set(out.columns) or "before" in out:
        return None
    n = pd.to_numeric(out["n"], errors="coerce")
    estimate = pd.to_numeric(out["estimate"], errors="coerce")
    question = [c for c in _QUESTION if c in out and not (c == "level" and "statistic" in out)]
    flat = pd.to_numeric(out["se"], errors="coerce") == 0 if "se" in out else False
    total = (estimate * n).where(~pd.Series(people(out), index=out.index), respondents(out))
    return out[["_cell", *question]].assign(
        n=n, total=total.where(n > 0), flat=flat, least=estimate, most=estimate
    )


def _sums(figures: pd.DataFrame | None, at: IntArray, wholes: IntArray) -> pd.DataFrame:
    """Rows of the wholes that are printed elsewhere."""
    if figures is None or not len(wholes):
        return pd.DataFrame()
    mine = figures.assign(_cell=at[figures["_cell"]])
    mine = mine[mine["_cell"].isin(wholes)]
    keys = [c for c in figures if c in ("_cell", *_QUESTION)]
    out = mine.groupby(keys, sort=False, dropna=False).agg(
        n=("n", "sum"),
        total=("total", "sum"),
        flat=("flat", "all"),
        least=("least", "min"),
        most=("most", "max"),
    )
    return _written(out.reset_index())


def _differences(
    figures: pd.DataFrame | None, at: IntArray, larger: IntArray, rest: IntArray
) -> pd.DataFrame:
    """Rows of what parents hold beside their children."""
    if figures is None or not len(larger):
        return pd.DataFrame()
    keys = [c for c in figures if c in ("_cell", *_QUESTION)]
    children = figures.assign(_cell=at[figures["_cell"]]).groupby(keys, dropna=False)[["n", "total"]].sum()
    mine = figures[figures["_cell"].isin(larger)].set_index(keys)
    out = (mine[["n", "total"]] - children.reindex(mine.index)).dropna().reset_index()
    out["_cell"] = out["_cell"].map(dict(zip(larger, rest, strict=True)))
    return _written(out.assign(n=out["n"].clip(lower=0), flat=False, least=np.nan, most=np.nan))


def _written(rows: pd.DataFrame) -> pd.DataFrame:
    flat = rows["flat"] & (rows["least"] == rows["most"])
    rows = rows.assign(
        estimate=rows["total"] / rows["n"].where(rows["n"] > 0), se=np.where(flat, 0.0, np.nan)
    )
    shares = people(rows.assign(yes=0) if "statistic" not in rows else rows)
    rows["estimate"] = rows["estimate"].where(~shares, rows["estimate"].clip(0, 1))
    return rows.drop(columns=["total", "flat", "least", "most"])


def close(cells: Cells, k: int, yes: FloatArray, both_sides: npt.NDArray[np.bool_]) -> None:
    """R2 and R3 in every family of siblings, again until a withheld parent is covered by its children.

    Parameters
    ----------
    yes : float array, shape (n_cells, n_questions)
        Unweighted yes to the questions that R3 guards.
    both_sides : bool array, shape (n_questions,)
        Whether all no tells as well as all yes.
    """
    families = [part for up in cells.parents for part in split(up) if up[part[0]] >= 0]
    above = [int(up[part[0]]) for up in cells.parents for part in split(up) if up[part[0]] >= 0]
    changed = True
    while changed:
        changed = False
        for inside, parent in zip(families, above, strict=True):
            covered = cells.rule[parent] != ""
            if covered or (cells.rule[inside] != "").any():
                changed |= _close(inside, cells, yes[inside], k, covered=covered, both_sides=both_sides)


def _close(
    inside: IntArray,
    cells: Cells,
    yes: FloatArray,
    k: int,
    *,
    covered: bool,
    both_sides: npt.NDArray[np.bool_],
) -> bool:
    """R2 and R3 among siblings: withhold the next smallest until both hold. True where something was."""
    gone = cells.rule[inside] != ""
    if len(inside) == 1 and not covered:
        return False
    n = cells.n[inside]
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
        if not gone[chosen] and not cells.fixed[inside[chosen]]:
            cells.rule[inside[chosen]] = "R3" if enough else "R2"
            gone[chosen] = changed = True
    return changed
