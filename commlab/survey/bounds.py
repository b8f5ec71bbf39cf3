"""Single figures that tell too much, and the neighbours that would tell them (the second half of R3).

few        (1) a share with s yes of n: min(s, n - s) < FEW prints as "<= FEW / n" or ">= 1 - FEW / n"
alike      (2) a level (mean, index) is blank where the answers are all alike, or where it would tell how many a
               bounded share of satisfied hides: the index lies where not every count within the bound is possible,
               or the dissatisfied are printed beside it
net        (3) net = satisfied - dissatisfied tells either from the other: blank where one of them is
sums       (4) among siblings of a parent that is printed, and among the options of one question, hidden figures
               are none, or so many that each bounded one keeps its whole bounds and none is told by the sum
asked      (5) n of "don't know" counts everyone asked: blank where the share is not printed exactly

Counts are unweighted: who knows the weights learns no more from weighted figures than from counts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from commlab.survey.structure import FloatArray

__all__ = ["FEW", "respondents", "secure"]

FEW = 3
"""Fewest respondents on either side of a printed or derivable share (R3)."""
_FREE = 2 * FEW - 1
"""Fewest on either side of a figure that covers a bounded one: the sum of both leaves the bound whole."""
_SHARES = ("satisfied", "dissatisfied", "dont_know")
_LEVELS = ("mean", "index")
_BLANKED = ("estimate", "se", "ci_low", "ci_high", "df", "deff", "n_effective", "count", "yes")
_BOUNDED = ("se", "ci_low", "ci_high", "deff", "n_effective", "count", "yes")


def respondents(out: pd.DataFrame) -> pd.Series:
    """Unweighted respondents who said yes, as counted or, without a count, as near as the figures tell."""
    guess = (pd.to_numeric(out["estimate"]) * pd.to_numeric(out["n"])).round()
    for name in ("yes", "count"):
        if name in out:
            return pd.to_numeric(out[name], errors="coerce").fillna(guess)
    return guess


def secure(
    out: pd.DataFrame,
    families: Sequence[npt.NDArray[np.int64]],
    parent_cell: npt.NDArray[np.int64],
    points: int,
) -> None:
    """Bound and blank the figures of ``out`` in place; ``rule`` and ``bound`` say so.

    Parameters
    ----------
    out : DataFrame
        With ``_cell`` (domain x item of each row), ``rule`` (withheld cells), ``bound``.
    families : list of int arrays, shape (n_rows,)
        Family of each row's cell, one array a way of grouping.
    parent_cell : int array, shape (n_cells,)
        The parent's cell, -1 where the table does not hold it.
    points : int
        Points of the scale.
    """
    levelled = "statistic" not in out and ("level" in out or "option" in out)
    if "statistic" in out:
        kind = out["statistic"].astype("str").to_numpy(dtype=object)
        question = kind
        share = np.isin(kind, _SHARES)
    elif levelled:
        question = out["level" if "level" in out else "option"].astype("str").to_numpy(dtype=object)
        share = np.ones(len(out), dtype=bool)
    else:
        question = np.full(len(out), "", dtype=object)
        share = np.full(len(out), "yes" in out)
    cell = out["_cell"].to_numpy()
    n = pd.to_numeric(out["n"], errors="coerce").to_numpy(dtype=float)
    s = respondents(out).to_numpy(dtype=float)
    state = np.where(out["rule"].to_numpy() != "", "gone", "").astype(object)
    open_ = (state == "") & (n > 0)
    low = open_ & share & (s < FEW)
    high = open_ & share & (n - s < FEW) & ~low
    state[low], state[high] = "<=", ">="
    state[open_ & _alike(out, question, cell, state, n, points)] = "blank"
    codes = pd.factorize(question)[0].astype(np.int64)
    places = _Places(cell, codes, parent_cell)
    columns = [_split(family * (codes.max() + 1) + codes) for family in families]
    rows = _split(cell) if levelled else []
    yes, no = (s, n - s) if share.any() else (n, n)
    yes, no = (np.where(share, side, n) for side in (yes, no))
    changed = True
    while changed:
        changed = _linked(question, cell, state)
        for inside in rows:
            changed |= _cover(inside, state, yes, no)
        for part in columns:
            for inside in part:
                changed |= _cover(inside, state, yes, no, places.above(inside[0], state))
    _write(out, state, n, question)


class _Places:
    """Where the same question of a parent stands."""

    def __init__(self, cell: npt.NDArray, question: npt.NDArray, parent_cell: npt.NDArray) -> None:
        self.cell, self.question, self.parent_cell = cell, question, parent_cell
        self.at = {key: i for i, key in enumerate(zip(cell.tolist(), question.tolist(), strict=True))}

    def above(self, row: int, state: npt.NDArray) -> str | None:
        """State of the parent's figure; None where the table does not hold it (it is printed elsewhere)."""
        found = self.at.get((int(self.parent_cell[self.cell[row]]), int(self.question[row])))
        return None if found is None else str(state[found])


def _split(codes: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)


def _alike(
    out: pd.DataFrame,
    question: npt.NDArray,
    cell: npt.NDArray,
    state: npt.NDArray,
    n: FloatArray,
    points: int,
) -> npt.NDArray[np.bool_]:
    """(2); the scale has evenly spaced scores, its upper two answers of four and more count as satisfied."""
    level = np.isin(question, _LEVELS)
    flat = (
        pd.to_numeric(out["se"], errors="coerce").to_numpy(dtype=float) == 0
        if "se" in out
        else np.zeros(len(out), dtype=bool)
    )
    if "statistic" not in out:
        return level & flat
    asked = question == "satisfied"
    upper, lower = (np.isin(cell, cell[asked & (state == mark)]) for mark in (">=", "<="))
    lacking = ~np.isin(cell, cell[asked])
    estimate = pd.to_numeric(out["estimate"], errors="coerce").to_numpy(dtype=float)
    step = 1 / (points - 1)
    best_no, least_yes = (1 - 2 * step, 1 - step) if points > FEW else (1 - step, 1.0)
    most, total = FEW - 1, estimate / 100 * n
    # All satisfied must be possible, and FEW - 1 who are not; or the other way round.
    with np.errstate(invalid="ignore"):
        tells = (upper & ((total < n * least_yes) | (total > n - most * (1 - best_no)))) | (
            lower & ((total > n * best_no) | (total < most * least_yes))
        )
    index = question == "index"
    without = ~np.isin(cell, cell[index])
    told = np.isin(cell, cell[index & tells]) | (without & (upper | lower))
    return level & (told | (flat & (upper | lower | lacking)))


def _linked(question: npt.NDArray, cell: npt.NDArray, state: npt.NDArray) -> bool:
    """Figures that tell each other: (3), and of mean and index both or none, (2)."""
    changed = False
    both = np.isin(cell, cell[question == "dissatisfied"])
    for sources, told in (
        (np.isin(question, ("satisfied", "dissatisfied")), ("net",)),
        (np.isin(question, _LEVELS) | ((question == "satisfied") & both), _LEVELS),
    ):
        hidden = sources & (state != "")
        hit = np.isin(question, told) & (state == "") & np.isin(cell, cell[hidden])
        state[hit] = "blank"
        changed |= bool(hit.any())
    return changed


def _cover(
    inside: npt.NDArray, state: npt.NDArray, yes: FloatArray, no: FloatArray, parent: str | None = None
) -> bool:
    """(4) among figures that add up to a printed one; True where one more was blanked."""
    if parent in ("gone", "<=", ">=") or (len(inside) == 1 and parent != "blank"):
        return False  # the total is no exact figure; or the parent's figure is this one
    yes, no = yes[inside], no[inside]
    room = np.minimum(yes, no)
    changed = False
    while not _covered(state[inside], yes, no, whole=parent != "blank"):
        left = np.flatnonzero((state[inside] == "") & np.isfinite(room))
        if not len(left):  # no sibling is left to hide behind: a bound would tell too much
            bounded = inside[np.isin(state[inside], ("<=", ">="))]
            state[bounded] = "blank"
            return changed or len(bounded) > 0
        free = left[room[left] >= _FREE]
        among = free if len(free) else left
        state[inside[among[np.argmin(room[among])]]] = "blank"
        changed = True
    return changed


def _covered(here: npt.NDArray, yes: FloatArray, no: FloatArray, *, whole: bool) -> bool:
    """Whether a known sum leaves every hidden figure open; without the ``whole``, whether the sum is open."""
    free = ((here == "blank") & (np.minimum(yes, no) >= _FREE)) | (here == "gone")
    if not whole:
        return bool(free.any())
    hidden = here != ""
    if not hidden.any() or (here[hidden] == "gone").all():
        return True  # nothing single is hidden: withheld cells cover each other (R2)
    if hidden.sum() < 2 or ((here == "blank").any() and not free.any()):
        return False
    most, low, high = FEW - 1, here == "<=", here == ">="
    few, many = np.nansum(yes[low]), np.nansum(no[high])
    if free.any():
        # What one bounded figure may be more, the others and the free ones must be able to be less.
        return bool(
            (not low.any() or few + np.nansum(yes[free]) >= most)
            and (not high.any() or many + np.nansum(no[free]) >= most)
        )
    total = few - many
    for mark, sign in ((low, 1), (high, -1)):
        if mark.any():
            others_low, others_high = low.sum() - (sign > 0), high.sum() - (sign < 0)
            for steps in (0, most):
                if not -most * others_high <= total - sign * steps <= most * others_low:
                    return False
    return True


def _write(out: pd.DataFrame, state: npt.NDArray, n: FloatArray, question: npt.NDArray) -> None:
    low, high, blank = (pd.Series(state == word, index=out.index) for word in ("<=", ">=", "blank"))
    # The smallest n of the cell: a bound told from the number asked would tell how many did not know.
    floor = (FEW / pd.Series(n, index=out.index).groupby(out["_cell"]).transform("min")).clip(upper=1)
    out["bound"] = out["bound"].mask(low, "<=").mask(high, ">=")
    out["estimate"] = pd.to_numeric(out["estimate"]).astype(float).mask(low, floor).mask(high, 1 - floor)
    out["rule"] = out["rule"].mask(blank, "R3")
    for names, where in ((_BOUNDED, low | high), (_BLANKED, blank)):
        for name in [c for c in names if c in out]:
            out[name] = pd.to_numeric(out[name]).astype(float).mask(where)
    unsure = pd.Series(question == "dont_know", index=out.index)
    out["n"] = pd.to_numeric(out["n"]).astype(float).mask(unsure & (low | high | blank))  # (5)
