"""What a reader of a protected table can find out by linear programming; ``protect`` withholds until it is little.

The reader knows every printed count exactly (rounding and weights protect nothing), that a domain is the sum of the
domains below it, and what a bound means. Unknown to him are the counts x >= 0 of every answer in the lowest domains:

    (1) F x = F x0 for every printed figure and n;  G x <= FEW - 1 on the few side of a bound;  x0: as it is
    (2) he may also be told the rules: n < k where a domain is withheld by R1, n >= k where by another
    (3) a figure t x is open where max t x - min t x is at least as wide as declared, or as what is printed elsewhere
        leaves it when all of the table is withheld

Each solution of a linear program is a witness for all figures at once, and one that moves a few domains only is as good
as any. So first a small program over the domains that hide something, with random objectives; for what that leaves,
both ends over all domains. What cannot be proven open counts as told. To withhold more never closes what was open, so
that a figure proven open once (``reached``) is not asked about again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt
from scipy import sparse

from commlab.survey.structure import FloatArray
from commlab.survey.wholes import split

__all__ = ["Figures", "Target", "told"]

IntArray = npt.NDArray[np.int64]
Target = tuple[int, int]
"""A hidden figure: its cell and its row; row -1 is the cell's n."""

_EPS = 1e-6
_MOVED = (2, 8)
"""Lowest domains that the first two programs move below a domain that hides something."""
_AT_ONCE = 24
_ROUNDS = (1, 10)
"""Pairs of objectives that they are tried with."""
_SMALL = 1000
"""Unknowns up to which a program is solved sooner as it is."""
_SEED = 4


@dataclass
class Figures:
    """What could be printed, as forms over the counts of answers.

    Attributes
    ----------
    cell : int array, shape (n_rows,)
        Domain x item of each figure.
    forms, whole : float arrays, shape (n_rows, n_answers)
        figure = forms . counts of its cell; those asked = whole . counts.
    value : float array, shape (n_rows,)
        The figures, as counts (people, or points of a level).
    people : bool array, shape (n_rows,)
        Figures that count people.
    size : float array, shape (n_answers,)
        n = size . counts.
    n : float array, shape (n_cells,)
        Respondents.
    parents : list of int arrays, shape (n_cells,)
        The cell above, -1 at the top; one array a way of adding up.
    component : int array, shape (n_cells,)
        Cells of different components share no respondents' answers.
    fixed : bool array, shape (n_cells,)
        Cells printed elsewhere: what they tell by themselves, no withholding can mend.
    given : float array, shape (n_leaves, n_answers), optional
        Counts of the cells without cells below, where known; else any that agree with the figures.
    """

    cell: IntArray
    forms: FloatArray
    whole: FloatArray
    value: FloatArray
    people: npt.NDArray[np.bool_]
    size: FloatArray
    n: FloatArray
    parents: Sequence[IntArray]
    component: IntArray
    fixed: npt.NDArray[np.bool_]
    given: FloatArray | None = None

    def __post_init__(self) -> None:
        above = np.unique(np.concatenate(self.parents)) if self.parents else np.array([-1])
        self.leaves = np.setdiff1d(np.arange(len(self.n)), above)
        pairs = [(self.leaves, np.arange(len(self.leaves)))]
        for parent in self.parents:
            at, leaf = parent[self.leaves], np.arange(len(self.leaves))
            while (at >= 0).any():
                at, leaf = at[at >= 0], leaf[at >= 0]
                pairs.append((at, leaf))
                at = parent[at]
        cells, leaf = (np.concatenate(part) for part in zip(*pairs, strict=True))
        self.below = sparse.csr_array(
            (np.ones(len(cells)), (cells, leaf)), shape=(len(self.n), len(self.leaves))
        )
        self.known = np.full(len(self.leaves), self.given is not None)
        # By reader (who is told the rules, or not; None: sees only what is printed elsewhere), figures, then n of each cell.
        size = len(self.cell) + len(self.n)
        self.reached = {rules: np.zeros((2, size)) for rules in (False, True, None)}
        self.alone = np.full(size, np.nan)
        self.counts = np.zeros((len(self.leaves), len(self.size))) if self.given is None else self.given

    def over(self, cells: IntArray, forms: FloatArray, leaves: IntArray) -> sparse.csr_array:
        """One row a cell and form, over the counts of some leaves."""
        a = len(self.size)
        row, leaf = self.below[cells][:, leaves].tocoo().coords
        data = forms[row]
        keep = data != 0
        columns = leaf[:, None] * a + np.arange(a)
        rows = np.broadcast_to(row[:, None], data.shape)
        return sparse.csr_array(
            (data[keep], (rows[keep], columns[keep])), shape=(len(cells), len(leaves) * a)
        )

    def find(self, components: IntArray) -> None:
        """Counts of the leaves of some components that agree with the figures, as nearly as they agree at all."""
        leaves = np.flatnonzero(np.isin(self.component[self.leaves], components) & ~self.known)
        if not len(leaves):
            return
        self.known[leaves] = True
        inside = np.isin(self.component, self.component[self.leaves[leaves]])
        rows, cells = np.flatnonzero(inside[self.cell]), self.leaves[leaves]
        figures = self.over(self.cell[rows], self.forms[rows], leaves)
        sizes = self.over(cells, np.tile(self.size, (len(cells), 1)), leaves)
        wanted = self.value[rows], self.n[cells]
        # Weighted figures agree with no counts; then the least distance (4) min |F x - f|, n exact
        from scipy.optimize import linprog  # reports that only read results go without it

        eye = sparse.eye_array(len(rows), format="csr")
        found = linprog(
            np.r_[np.zeros(figures.shape[1]), np.ones(2 * len(rows))],
            A_eq=sparse.vstack(
                [
                    sparse.hstack([figures, eye, -eye]),
                    sparse.hstack([sizes, sparse.csr_array((len(cells), 2 * len(rows)))]),
                ],
                format="csr",
            ),
            b_eq=np.concatenate(wanted),
            bounds=(0, None),
            method="highs",
        )
        self.counts[leaves] = np.maximum(found.x[: figures.shape[1]], 0).reshape(len(leaves), -1)

    def now(self, rows: IntArray, forms: FloatArray) -> FloatArray:
        """The figures of rows, from the counts."""
        return np.einsum("ij,ij->i", self.below[self.cell[rows]] @ self.counts, forms)


def told(
    figures: Figures,
    rows: npt.NDArray[np.object_],
    cells: npt.NDArray[np.object_],
    *,
    k: int,
    few: int,
    every: bool = False,
) -> list[Target]:
    """Hidden figures of which a reader finds out more than declared: the first of each component, or ``every`` one.

    Parameters
    ----------
    rows : str array, shape (n_rows,)
        "" printed, "<=" or ">=" bounded, other words: blank. Never less than when it was last asked.
    cells : str array, shape (n_cells,)
        Rule by which a cell is withheld with its n, else "".
    k, few : int
        n of a withheld cell stays ``k`` wide, its shares ``few``; other hidden figures ``few`` - 1. To a reader who is
        told the rules (2), each stays 1 wide.
    """
    gone, hidden = np.flatnonzero(cells != ""), np.flatnonzero(rows != "")
    at = np.r_[gone, figures.cell[hidden]]
    keys = np.r_[len(rows) + gone, hidden]
    whole = (cells[figures.cell[hidden]] != "") & figures.people[hidden]
    declared = np.r_[np.full(len(gone), float(k)), np.where(whole, few, few - 1.0)]
    most = np.r_[declared[: len(gone)], np.where(figures.people[hidden], few, few - 1.0)]
    of, beside = figures.component[at], figures.component[figures.leaves]
    elsewhere = np.where(figures.fixed[figures.cell], rows, "gone"), np.where(figures.fixed, cells, "R2")
    out: dict[Target, None] = {}
    for rules in (False, True) if len(gone) else (False,):
        wide = np.minimum(
            np.ones(len(keys)) if rules else declared, np.nan_to_num(figures.alone[keys], nan=np.inf)
        )
        low, high = figures.reached[rules]

        def program(leaves: IntArray, asked: IntArray, rules: bool | None = rules) -> _Program:
            figure, cell = elsewhere if rules is None else (rows, cells)
            return _Program(figures, figure, cell, leaves, at[asked], keys[asked], k, few, rules)

        left = np.flatnonzero(high[keys] - low[keys] < wide - _EPS)
        if not every:
            left = left[~np.isin(of[left], [figures.component[cell] for cell, _ in out])]
        if not len(left):
            continue
        figures.find(np.unique(of[left]))
        few_moved, moved = (_movable(figures, rows, cells, leaves) for leaves in _MOVED)
        few_moved = few_moved[np.isin(beside[few_moved], of[left])]
        left = left[program(few_moved, left).unproven(wide[left], _ROUNDS[0])]
        for component in np.unique(of[left]):
            mine, leaves = left[of[left] == component], np.flatnonzero(beside == component)
            some = moved[beside[moved] == component]
            mine = mine[program(some, mine).unproven(wide[mine], _ROUNDS[1])]
            new = mine[np.isnan(figures.alone[keys[mine]])]
            figures.alone[keys[new]] = np.inf
            new = new[program(leaves, new, None).unproven(most[new], _ROUNDS[1])]
            figures.alone[keys[new]] = list(program(leaves, new, None).widths(_AT_ONCE))
            wide[mine] = np.minimum(wide[mine], figures.alone[keys[mine]])
            if len(some) < len(leaves):
                mine = mine[program(leaves, mine).unproven(wide[mine], _ROUNDS[1])]
            mine = mine[high[keys[mine]] - low[keys[mine]] < wide[mine] - _EPS]
            widths = program(leaves, mine).widths(_AT_ONCE if every else 2)
            for i, width in zip(mine, widths, strict=bool(every)):
                if width < wide[i] - _EPS:
                    out[int(at[i]), int(keys[i]) if keys[i] < len(rows) else -1] = None
                    if not every:
                        break
    return list(out)


def _movable(figures: Figures, rows: npt.NDArray, cells: npt.NDArray, most: int) -> IntArray:
    """Leaves that hide something, and the largest few below each cell that does."""
    hiding = cells != ""
    hiding[figures.cell[rows != ""]] = True
    at, leaf = figures.below[np.flatnonzero(hiding)].tocoo().coords
    order = np.lexsort((-figures.n[figures.leaves[leaf]], at))
    at, leaf = at[order], leaf[order]
    return np.unique(leaf[np.arange(len(at)) - np.searchsorted(at, at) < most])


def _independent(cells: IntArray, forms: FloatArray) -> IntArray:
    """Places of the forms of each cell that tell what all of them tell."""
    known: dict[bytes, IntArray] = {}
    out = []
    for part in split(cells):
        key = forms[part].tobytes()
        if key not in known:
            kept: list[int] = []
            for i in range(len(part)):
                if np.linalg.matrix_rank(forms[part[[*kept, i]]]) > len(kept):
                    kept.append(i)
            known[key] = np.array(kept, dtype=np.int64)
        out.append(part[known[key]])
    return np.concatenate(out) if out else np.zeros(0, dtype=np.int64)


class _Program:
    """(1) in y = x - x0 over some leaves, the others held as they are."""

    def __init__(
        self,
        figures: Figures,
        rows: npt.NDArray,
        cells: npt.NDArray,
        leaves: IntArray,
        at: IntArray,
        keys: IntArray,
        k: int,
        few: int,
        rules: bool | None,
    ) -> None:
        alive = np.diff(figures.below[:, leaves].indptr) > 0
        self.keys, self.reached = keys, figures.reached[rules]

        def over(at: IntArray, forms: FloatArray) -> sparse.csr_array:
            return figures.over(at, forms, leaves)

        def sizes(where: npt.NDArray[np.bool_]) -> sparse.csr_array:
            at = np.flatnonzero(where & alive)
            return over(at, np.tile(figures.size, (len(at), 1)))

        def of(word: str) -> IntArray:
            return np.flatnonzero((rows == word) & alive[figures.cell])

        shown, low, high = of(""), of("<="), of(">=")
        sized = np.flatnonzero((cells == "") & alive)
        where = np.concatenate([sized, figures.cell[shown]])
        forms = np.vstack([np.tile(figures.size, (len(sized), 1)), figures.forms[shown]])
        kept = _independent(where, forms)
        self.equal = over(where[kept], forms[kept])
        below, room = [], []
        for row, side in ((low, figures.forms[low]), (high, figures.whole[high] - figures.forms[high])):
            below.append(over(figures.cell[row], side))
            room.append(np.maximum(few - 1 - figures.now(row, side), 0))
        if rules:
            for small, sign in ((cells == "R1", 1), ((cells != "") & (cells != "R1"), -1)):
                below.append(sign * sizes(small))
                n = figures.n[small & alive]
                room.append(np.maximum(k - 1 - n if sign > 0 else n - k, 0))
        self.below, self.room = sparse.vstack(below, format="csr"), np.concatenate(room)
        forms = np.vstack([figures.forms, figures.size])[
            np.minimum(keys, len(rows))
        ]  # the last is any cell's n
        self.ask = over(at, forms)
        least = -figures.counts[leaves].ravel()
        self.bounds = np.c_[least, np.full(len(least), float(4 * max(k, few * len(figures.size))))]

    def _ends(self, objectives: Iterator[FloatArray], at_once: int) -> Iterator[FloatArray]:
        """The asked figures' steps where each objective is least.

        A solver's start costs more than such a small program: ``at_once`` are solved side by side, as one.
        """
        if not all(self.ask.shape):
            return
        from scipy.optimize import linprog

        m, width = 0, self.ask.shape[1]
        equal = below = None
        while chosen := list(islice(objectives, at_once)):
            if len(chosen) != m:
                m = len(chosen)
                equal, below = (
                    sparse.block_diag([part] * m, format="csr") if part.shape[0] else None
                    for part in (self.equal, self.below)
                )
            found = linprog(
                np.concatenate([objective @ self.ask for objective in chosen]),
                A_ub=below,
                b_ub=None if below is None else np.tile(self.room, m),
                A_eq=equal,
                b_eq=None if equal is None else np.zeros(equal.shape[0]),
                bounds=np.tile(self.bounds, (m, 1)),
                method="highs",
                options={"presolve": m * width > _SMALL},
            )
            for k in range(m):
                x = None if found.x is None else found.x[k * width : (k + 1) * width]
                yield np.zeros(self.ask.shape[0]) if x is None else self.ask @ x

    def unproven(self, declared: FloatArray, rounds: int) -> IntArray:
        """Asked figures that random objectives do not show to be as open as declared."""
        rng = np.random.default_rng(_SEED)
        low, high = self.reached
        left = np.arange(len(declared))

        def objectives() -> Iterator[FloatArray]:
            for turn in range(rounds):
                chosen = np.zeros(len(declared))
                signs = np.where(np.arange(len(left)) % (2 << turn) < (1 << turn), 1, -1)
                chosen[left] = signs * rng.uniform(0.5, 1.5, len(left))
                yield chosen
                yield -chosen

        before = len(left)
        for tried, step in enumerate(self._ends(objectives(), 2), 1):
            low[self.keys] = np.minimum(low[self.keys], step)
            high[self.keys] = np.maximum(high[self.keys], step)
            left = np.flatnonzero(high[self.keys] - low[self.keys] < declared - _EPS)
            if not len(left) or (tried % 2 == 0 and len(left) == before):
                break
            before = len(left) if tried % 2 == 0 else before
        return left

    def widths(self, at_once: int) -> Iterator[float]:
        """max - min of the asked figures."""
        m = len(self.keys)
        if not self.ask.shape[1]:
            yield from np.zeros(m)
            return
        ends = self._ends(iter(np.repeat(np.eye(m), 2, axis=0) * np.tile([[1.0], [-1.0]], (m, 1))), at_once)
        for i, least, most in zip(range(m), ends, ends, strict=True):
            yield float(most[i] - least[i])
