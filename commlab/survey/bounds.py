"""Single figures that tell too much, and the neighbours that would tell them (the second half of R3).

few        (1) a share with s yes of n: min(s, n - s) < FEW prints as "<= FEW / n" or ">= 1 - FEW / n"
alike      (2) a level (mean, index) is blank where the answers are all alike, or where it would tell how many a
               bounded share of satisfied hides: the index lies where not every count within the bound is possible,
               or the dissatisfied are printed beside it
linked     (3) net = satisfied - dissatisfied tells either from the other: blank where one of them is. Single answers
               of both ends are printed all or none, and none where they would tell a hidden share or level
sums       (4) among siblings of a parent that is printed, and among the options of one question, hidden figures
               are none, or so many that each bounded one keeps its whole bounds and none is told by the sum
asked      (5) n of "don't know" counts everyone asked: blank where the share is not printed exactly
audit      (6) what a linear program still tells of a hidden figure (``audit``) takes with it the levels of its cell,
               then all of the cell, then all of the next smallest sibling, then n: until the program tells too little

Counts are unweighted: who knows the weights learns no more from weighted figures than from counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from commlab.survey.audit import Figures, Target, told
from commlab.survey.structure import FloatArray
from commlab.survey.wholes import FEW, Cells, close, people, respondents, split

__all__ = ["secure"]

_FREE = 2 * FEW - 1
"""Fewest on either side of a figure that covers a bounded one: the sum of both leaves the bound whole."""
_LEVELS = ("mean", "index")
_BLANKED = ("estimate", "se", "ci_low", "ci_high", "df", "deff", "n_effective", "count", "yes")
_BOUNDED = ("se", "ci_low", "ci_high", "deff", "n_effective", "count", "yes")


def secure(
    out: pd.DataFrame,
    cells: Cells,
    *,
    k: int,
    points: int,
    yes: FloatArray,
    both_sides: npt.NDArray[np.bool_],
    counts: FloatArray | None = None,
) -> None:
    """Bound and blank the figures of ``out`` in place; ``rule`` and ``bound`` say so, as does ``cells``.

    Parameters
    ----------
    out : DataFrame
        With ``_cell`` (domain x item of each row).
    cells : Cells
        Closed (``close``); more of them are withheld where single figures do not suffice.
    points : int
        Points of the scale.
    yes, both_sides : arrays
        As ``close`` takes them.
    counts : float array, shape (n_lowest_cells, n_answers), optional
        Counts of single answers, for the audit.
    """
    out["bound"] = pd.Series("", index=out.index, dtype="str")
    table = _Table(out, cells, points)
    figures, row, of = _figures(out, table, cells, points, counts)
    found: list[Target] = []

    def widened(every: bool) -> bool:
        nonlocal found
        found = told(figures, table.state[row], cells.rule[of], k=k, few=FEW, every=every)
        return table.widen({(int(of[c]), int(row[r]) if r >= 0 else -1): None for c, r in found})

    table.close()
    while widened(every=False) or (found and widened(every=True)):
        close(cells, k, yes, both_sides)
        table.close()
    # Nothing is left to withhold: where the rules themselves would tell, all are withheld by one.
    plain = np.isin(cells.beside, cells.beside[of[np.array([c for c, _ in found], dtype=np.int64)]]) & (
        cells.rule != ""
    )
    cells.rule[plain] = "R2"
    table.write()


class _Table:
    """States of the rows of a table: "" printed, "<=", ">=", "blank", "gone" (with its cell)."""

    def __init__(self, out: pd.DataFrame, cells: Cells, points: int) -> None:
        self.out, self.cells = out, cells
        self.cell = out["_cell"].to_numpy()
        self.n = pd.to_numeric(out["n"], errors="coerce").to_numpy(dtype=float)
        self.s = respondents(out).to_numpy(dtype=float)
        self.share = people(out)
        self.options = next((c for c in ("level", "option") if c in out and "statistic" not in out), None)
        if "statistic" in out:
            self.question = out["statistic"].astype("str").to_numpy(dtype=object)
        elif self.options:
            self.question = np.full(len(out), "option", dtype=object)
        else:
            self.question = np.full(len(out), "", dtype=object)
        option = out.get(self.options or "option")
        asked = self.question if option is None else self.question + " " + option.astype("str")
        self.codes, names = pd.factorize(np.asarray(asked, dtype=object))
        self.yes, self.no = (np.where(self.share, side, self.n) for side in (self.s, self.n - self.s))
        self.state = np.full(len(out), "", dtype=object)
        self._gone()
        open_ = (self.state == "") & (self.n > 0) & self.share
        low = open_ & (self.s < FEW)
        high = open_ & (self.n - self.s < FEW) & ~low
        self.state[low], self.state[high] = "<=", ">="
        self.state[(self.state == "") & self._alike(points)] = "blank"
        given = out["_given"] if "_given" in out else pd.Series(np.nan, index=out.index)
        self.given = given.notna().to_numpy()  # decided elsewhere
        self.state[self.given] = given[self.given]
        place = np.full(len(cells.n) * len(names), -1)
        place[self.cell * len(names) + self.codes] = np.arange(len(out))
        self.columns: list[tuple[npt.NDArray, int]] = []
        for parent in cells.parents:
            rows = np.flatnonzero(parent[self.cell] >= 0)
            above = parent[self.cell[rows]] * len(names) + self.codes[rows]
            self.columns += [(rows[part], int(place[above[part[0]]])) for part in split(above)]
        side = _side(points)
        code = np.zeros(len(out)) if self.options or option is None else option.to_numpy(dtype=float)
        self.inner = (self.question == "option") & (code > side) & (code <= points - side)
        adding = np.isin(self.question, ("satisfied", "dissatisfied")) | self.inner
        rows = np.flatnonzero(adding & self._in(self.inner)) if option is not None else np.arange(0)
        rows = np.arange(len(out)) if self.options else rows
        self.answers = [rows[part] for part in split(self.cell[rows])]

    def _gone(self) -> None:
        self.state[self.cells.rule[self.cell] != ""] = "gone"

    def _in(self, rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Rows of the cells that some rows are of."""
        return np.isin(self.cell, self.cell[rows])

    def _alike(self, points: int) -> npt.NDArray[np.bool_]:
        """(2); the scale has evenly spaced scores, its upper two answers of four and more count as satisfied."""
        level = np.isin(self.question, _LEVELS)
        flat = np.zeros(len(level), dtype=bool)
        if "se" in self.out:
            flat = pd.to_numeric(self.out["se"], errors="coerce").to_numpy(dtype=float) == 0
        asked = self.question == "satisfied"
        upper, lower = (self._in(asked & (self.state == mark)) for mark in (">=", "<="))
        estimate = pd.to_numeric(self.out["estimate"], errors="coerce").to_numpy(dtype=float)
        step = 1 / (points - 1)
        best_no, least_yes = (1 - 2 * step, 1 - step) if points > FEW else (1 - step, 1.0)
        most, n, total = FEW - 1, self.n, estimate / 100 * self.n
        # All satisfied must be possible, and FEW - 1 who are not; or the other way round.
        with np.errstate(invalid="ignore"):
            tells = (upper & ((total < n * least_yes) | (total > n - most * (1 - best_no)))) | (
                lower & ((total > n * best_no) | (total < most * least_yes))
            )
        index = self.question == "index"
        told = self._in(index & tells) | (~self._in(index) & (upper | lower))
        return level & (told | (flat & (upper | lower | ~self._in(asked))))

    def close(self) -> None:
        """(3), (4) until nothing changes."""
        self._gone()
        changed = True
        while changed:
            changed = self._linked()
            for inside in self.answers:
                if (self.state[inside] != "").any() and self.state[inside[0]] != "gone":
                    changed |= self._cover(inside)
            for inside, above in self.columns:
                parent = str(self.state[above]) if above >= 0 else ""
                if parent == "blank" or (self.state[inside] != "").any():
                    changed |= self._cover(inside, parent)

    def _linked(self) -> bool:
        """Figures that tell each other: (3), and of mean and index both or none, (2)."""
        changed = False
        is_level, net = np.isin(self.question, _LEVELS), self.question == "net"
        ends = np.isin(self.question, ("satisfied", "dissatisfied"))
        both = self._in(self.question == "dissatisfied")
        inner = self.inner if self.options is None else np.zeros(len(net), dtype=bool)
        outer = (self.question == "option") & ~self.inner if self.options is None else inner
        for sources, linked in (
            (ends, net),
            (is_level | ((self.question == "satisfied") & both), is_level),
            (ends | is_level | net | outer, outer),
            (ends | inner, inner),
        ):
            hit = self._in(sources & (self.state != "")) & linked & ~np.isin(self.state, ("blank", "gone"))
            hit &= ~self.given
            self.state[hit] = "blank"
            changed |= bool(hit.any())
        return changed

    def _cover(self, inside: npt.NDArray, parent: str = "") -> bool:
        """(4) among figures that add up to a printed one; True where one more was blanked."""
        if parent in ("gone", "<=", ">=") or (len(inside) == 1 and parent != "blank"):
            return False  # the total is no exact figure; or the parent's figure is this one
        yes, no, state = self.yes[inside], self.no[inside], self.state
        room = np.where(self.cells.fixed[self.cell[inside]], np.nan, np.minimum(yes, no))
        changed = False
        while not _covered(state[inside], yes, no, whole=parent != "blank"):
            left = np.flatnonzero((state[inside] == "") & np.isfinite(room))
            if not len(left):  # no sibling is left to hide behind: a bound would tell too much
                bounded = inside[np.isin(state[inside], ("<=", ">=")) & ~self.given[inside]]
                state[bounded] = "blank"
                return changed or len(bounded) > 0
            free = left[room[left] >= _FREE]
            among = free if len(free) else left
            state[inside[among[np.argmin(room[among])]]] = "blank"
            changed = True
        return changed

    def widen(self, found: Iterable[Target]) -> bool:
        """(6) Withhold one step more for one figure of each item; False where nothing is left to withhold."""
        done: set[int] = set()
        for cell, row in found:
            beside = int(self.cells.beside[cell])
            if beside not in done and (self._blank(cell) if row >= 0 else self._withhold(cell)):
                done.add(beside)
        return bool(done)

    def _blank(self, cell: int) -> bool:
        """The levels of a cell, or all of it, or all of the next around it."""
        mine = self.cell == cell
        levels = mine & np.isin(self.question, _LEVELS)
        for rows in (levels, *(self.cell == other for other in self._around(cell))):
            left = rows & ~np.isin(self.state, ("blank", "gone")) & ~self.cells.fixed[self.cell]
            if left.any():
                self.state[left] = "blank"
                return True
        return self._withhold(cell)

    def _withhold(self, cell: int) -> bool:
        """The next of the cells around one, with its n."""
        for other in self._around(cell):
            if not self.cells.fixed[other] and self.cells.rule[other] == "":
                self.cells.rule[other] = "R3"
                return True
        return False

    def _around(self, cell: int) -> Iterator[int]:
        """A cell, its siblings from the smallest on, then its parent and so on."""
        at = {cell: None}
        while at:
            yield from at
            up: dict[int, None] = {}
            for parent in self.cells.parents:
                for above in {int(parent[c]) for c in at} - {-1}:
                    siblings = np.flatnonzero(parent == above)
                    yield from (int(c) for c in siblings[np.argsort(self.cells.n[siblings], kind="stable")])
                    up[above] = None
            at = up

    def write(self) -> None:
        out, question = self.out, self.question
        low, high, blank = (pd.Series(self.state == word, index=out.index) for word in ("<=", ">=", "blank"))
        # The smallest n of the cell: a bound told from the number asked would tell how many did not know.
        floor = (FEW / pd.Series(self.n, index=out.index).groupby(out["_cell"]).transform("min")).clip(
            upper=1
        )
        out["bound"] = out["bound"].mask(low, "<=").mask(high, ">=")
        out["estimate"] = pd.to_numeric(out["estimate"]).astype(float).mask(low, floor).mask(high, 1 - floor)
        out["rule"] = pd.Series(self.cells.rule[self.cell], index=out.index, dtype="str").mask(blank, "R3")
        for names, where in ((_BOUNDED, low | high), (_BLANKED, blank)):
            for name in [c for c in names if c in out]:
                out[name] = pd.to_numeric(out[name]).astype(float).mask(where)
        unsure = pd.Series(question == "dont_know", index=out.index)
        out["n"] = pd.to_numeric(out["n"]).astype(float).mask(unsure & (low | high | blank))  # (5)


def _covered(here: npt.NDArray, yes: FloatArray, no: FloatArray, *, whole: bool) -> bool:
    """Whether a known sum leaves every hidden figure open; without the ``whole``, whether the sum is open."""
    free = ((here == "blank") & (np.minimum(yes, no) >= _FREE)) | (here == "gone")
    if not whole:
        return bool(free.any())
    hidden = here != ""
    if not hidden.any():
        return True
    if hidden.sum() < 2:
        return False
    if (
        here[hidden] == "gone"
    ).all():  # withheld cells cover each other (R2), if the answer is among them at all
        return bool(np.isnan(yes).all() or min(np.nansum(yes[hidden]), np.nansum(no[hidden])) >= FEW)
    if (here == "blank").any() and not free.any():
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


def _figures(
    out: pd.DataFrame, table: _Table, cells: Cells, points: int, counts: FloatArray | None
) -> tuple[Figures, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """What a table could print, the row of each figure and the cell of each cell of theirs."""
    m, every = len(cells.n), np.arange(len(out))
    if "statistic" in out:
        forms, whole, value = _of_scale(table, points)
        known = np.flatnonzero(forms.any(axis=1))
        size = np.r_[np.ones(points), 0.0]
        figures = Figures(
            table.cell[known], forms[known], whole[known], value[known], table.share[known], size,
            cells.n, cells.adding(), cells.beside, cells.fixed, counts,
        )  # fmt: skip
        return figures, known, np.arange(m)
    if not table.share.any():
        none = np.zeros((0, 1))
        figures = Figures(
            every[:0], none, none, none[:, 0], table.share[:0], np.ones(1), cells.n, cells.adding(),
            cells.beside, cells.fixed, cells.n[:, None][cells.lowest()],
        )  # fmt: skip
        return figures, every[:0], np.arange(m)
    q = int(table.codes.max()) + 1
    total = np.bincount(table.cell, weights=np.nan_to_num(table.s), minlength=m)
    if q > 1 and (total <= cells.n + FEW).all():  # one answer each
        rest = bool((total < cells.n).any())
        forms = np.eye(q + rest)[table.codes]
        of, cell, n, parents, beside = np.arange(m), table.cell, cells.n, cells.adding(), cells.beside
    else:  # questions of their own
        forms = np.tile([1.0, 0.0], (len(out), 1))
        of, cell, n = np.repeat(np.arange(m), q), table.cell * q + table.codes, np.repeat(cells.n, q)
        parents = [np.where(p[of] < 0, -1, p[of] * q + np.tile(np.arange(q), m)) for p in cells.adding()]
        beside = cells.beside[of] * q + np.tile(np.arange(q), m)
    size = np.ones(forms.shape[1])
    whole = np.broadcast_to(size, forms.shape)
    return (
        Figures(cell, forms, whole, table.s, table.share, size, n, parents, beside, cells.fixed[of], counts),
        every,
        of,
    )


def _side(points: int) -> int:
    """Answers that count as satisfied, and as dissatisfied."""
    return 2 if points > FEW else 1


def _of_scale(table: _Table, points: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Forms over the answers 1 to ``points`` and "don't know", of those asked, and the figures as counts."""
    out, question = table.out, table.question
    side = _side(points)
    forms, whole = np.zeros((len(out), points + 1)), np.zeros((len(out), points + 1))
    whole[:, :points] = 1
    estimate = pd.to_numeric(out["estimate"], errors="coerce").to_numpy(dtype=float)
    value = np.where(table.share, table.s, estimate * table.n)
    forms[np.isin(question, ("satisfied", "net")), points - side : points] = 1
    forms[question == "dissatisfied", :side] = 1
    forms[question == "net", :side] = -1
    unsure, index, mean = question == "dont_know", question == "index", question == "mean"
    forms[unsure, points] = whole[unsure, points] = 1
    forms[index | mean, :points] = np.arange(points)
    value[index] *= (points - 1) / 100
    value[mean] -= table.n[mean]
    if "option" in out:
        single = np.flatnonzero(question == "option")
        forms[single, out["option"].to_numpy(dtype=int)[single] - 1] = 1
    return forms, whole, np.nan_to_num(value)
