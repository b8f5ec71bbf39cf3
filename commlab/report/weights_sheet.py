"""A node's sheet in the workbook of weights: the panel of experts, the group's mean, a block for every matrix.

A block is a matrix with its weights and consistency beside it, and to the right, folded away, the power steps that
stand for the eigenvector. The panel above holds a row an expert: CR, verdict, whether he counts, his share, his
judgements and weights; its last row is the group, from which the group's block takes its judgements.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from commlab.report.cells import Page, at, spread
from commlab.text import Text
from commlab.weights import AHPGroup, random_index_of
from commlab.weights.kernels import harker_form

__all__ = ["DIGITS", "PANEL_ROW", "Block", "NodeSheet", "Settings", "form_of"]

DIGITS = "0.0000"
FRACTION = "# ?/?"
PANEL_ROW = 4
FIXED = 6
"""Columns of the panel before its judgements: expert, CR, verdict, used, say, share."""
SCALE = (0.1, 9.0)
"""A warning asks about judgements beyond this: 0.11 is 1/9, rounded."""


@dataclass(frozen=True)
class Settings:
    """Cells of the settings that a node's formulas refer to, and the number of power steps."""

    passes: str
    leaves_out: str
    index: Mapping[int, str]
    steps: int
    verdict: Callable[[float], str]


@dataclass(frozen=True)
class Block:
    """Where a matrix stands on its sheet: its first row, its number of items."""

    top: int
    n: int

    @property
    def weight(self) -> int:
        """Column of the weights; beside it A w / w, then the group's weights."""
        return self.n + 1

    @property
    def told(self) -> int:
        """Column of the names of lambda_max, CI, RI, CR and the verdict; their values stand beside it."""
        return self.n + 4

    def cell(self, i: int, j: int) -> str:
        return at(self.top + i, 1 + j)

    def row(self, i: int) -> str:
        return spread(self.top + i, 1, self.top + i, self.n)

    def column(self, column: int) -> str:
        return spread(self.top, column, self.top + self.n - 1, column, fixed=True)

    def stat(self, k: int) -> str:
        """Value of lambda_max (0), CI, RI, CR (3) or the verdict (4)."""
        return at(self.top + k, self.told + 1)


def form_of(group: AHPGroup, judged: pd.DataFrame, full: pd.DataFrame) -> np.ndarray:
    """The matrix whose eigenvector is taken: completed, or in Harker's form."""
    if group.completion == "harker" and judged.isna().to_numpy().any():
        return harker_form(judged.to_numpy()[None])[0]
    return full.to_numpy()


class NodeSheet:
    """Writes the sheet of one node."""

    def __init__(
        self, page: Page, group: AHPGroup, settings: Settings, t: Text, label: Callable[[str], str]
    ) -> None:
        self.page, self.group, self.settings, self.t, self.label = page, group, settings, t, label
        self.items = [str(item) for item in group.weights.index]
        self.n, self.experts = len(self.items), list(group.matrices)
        self.pairs = [(i, j) for i in range(self.n) for j in range(i + 1, self.n)]
        self.last = PANEL_ROW + len(self.experts) - 1
        """Row of the last expert; the group's row follows."""
        base, height = self.last + 5, max(self.n, 5) + 3
        self.block = Block(base, self.n)
        """The group's."""
        # the panel is wider than a small matrix: the power steps start where both end, and fold away together
        self.start = max(self.n + 7, FIXED + len(self.pairs) + self.n)
        self.blocks = [Block(base + (k + 1) * height, self.n) for k in range(len(self.experts))]

    def write(self, title: str) -> None:
        """Fill the page."""
        page, t, group = self.page, self.t, self.group
        page.title(title)
        rule = t("All experts count, by their say.")
        if group.max_cr is not None:
            bound = t.number(group.max_cr, 2)
            rule = t("An expert whose CR exceeds {bound} is left out.", bound=bound)
        told = "Yellow cells are judgements: change one, and everything is calculated again. {rule}"
        page.text(1, 0, t(told, rule=rule), note=True)
        self._panel()
        mean = {pair: at(self.last + 1, FIXED + k) for k, pair in enumerate(self.pairs)}
        self._matrix(t("Expert group"), self.block, group.matrix, group.result.matrix, mean)
        self._group_weights()
        for expert, block in zip(self.experts, self.blocks, strict=True):
            self._matrix(str(expert), block, group.matrices[expert], group.of(expert).matrix, {})
        page.widths([30.0] + [12.5] * (FIXED + len(self.pairs) + self.n))
        if self.settings.steps:
            page.fold(self.start, self.start + self.settings.steps)
        page.freeze(0, 1)

    # -- the panel ---------------------------------------------------------------------------------------------

    def _own(self, i: int) -> int:
        """Column of the panel that holds the experts' weights of an item."""
        return FIXED + len(self.pairs) + i

    def _down(self, column: int) -> str:
        return spread(PANEL_ROW, column, self.last, column, fixed=True)

    def _panel(self) -> None:
        page, t, items = self.page, self.t, self.items
        heads = [t("Expert"), "CR", t("Verdict"), t("Used"), t("Say"), t("Share")]
        heads += [f"{items[i]} : {items[j]}" for i, j in self.pairs] + [f"w {i}" for i in items]
        page.head(PANEL_ROW - 1, heads)
        for k in range(len(self.experts)):
            self._expert(k)
        self._mean_row()
        page.close(self.last + 1, len(heads))

    def _expert(self, k: int) -> None:
        page, row, block, group = self.page, PANEL_ROW + k, self.blocks[k], self.group
        told = group.experts.iloc[k]
        page.text(row, 0, told["expert"])
        page.formula(row, 1, block.stat(3), told["cr"], DIGITS)
        page.formula(row, 2, block.stat(4), self.settings.verdict(told["cr"]))
        bound, say = self.settings.leaves_out, at(row, 4)
        used = f'IF(AND({say}>0,OR({bound}="",{at(row, 1)}<={bound})),1,0)'
        page.formula(row, 3, used, int(told["used"]), "0")
        page.number(row, 4, float(group.say.iloc[k]), "0.####", entry=True)
        whole = f"SUMPRODUCT({self._down(3)},{self._down(4)})"
        page.formula(row, 5, f"{at(row, 3)}*{say}/{whole}", told["share"], DIGITS)
        judged = group.matrices[told["expert"]].to_numpy()
        for c, (i, j) in enumerate(self.pairs, start=FIXED):
            if not np.isnan(judged[i, j]):
                page.formula(row, c, block.cell(i, j), judged[i, j], DIGITS)
        for i in range(self.n):
            page.formula(
                row, self._own(i), at(block.top + i, block.weight), group.individual.iloc[k, i], DIGITS
            )

    def _mean_row(self) -> None:
        page, group, row = self.page, self.group, self.last + 1
        page.text(row, 0, self.t("Expert group"), bold=True)
        page.formula(row, 1, self.block.stat(3), group.cr, DIGITS, bold=True)
        page.formula(row, 2, self.block.stat(4), self.settings.verdict(group.cr), bold=True)
        page.formula(row, 3, f"SUM({self._down(3)})", int(group.experts["used"].sum()), "0", bold=True)
        share = self._down(5)
        for c, (i, j) in enumerate(self.pairs, start=FIXED):
            if not np.isnan(group.matrix.iloc[i, j]):
                # ln g = sum of share x ln a over those who judged the pair; an empty cell counts as 0
                a = self._down(c)
                logs = f"SUMPRODUCT({share}*({a}>0)*LN({a}+({a}<=0)))"
                told = f"EXP({logs}/SUMPRODUCT({share}*({a}>0)))"
                page.formula(row, c, told, group.matrix.iloc[i, j], DIGITS, bold=True)
        for i, mean in enumerate(self._means()):
            w = self._down(self._own(i))
            told = (
                f"SUMPRODUCT({share},{w})"
                if group.mean == "arithmetic"
                else f"EXP(SUMPRODUCT({share},LN({w})))"
            )
            page.formula(row, self._own(i), told, mean, DIGITS, bold=True)

    def _means(self) -> np.ndarray:
        """The experts' weights averaged by share, not yet normalised."""
        share, own = self.group.experts["share"].to_numpy(), self.group.individual.to_numpy()
        return share @ own if self.group.mean == "arithmetic" else np.exp(share @ np.log(own))

    # -- a matrix ----------------------------------------------------------------------------------------------

    def _matrix(
        self,
        title: str,
        block: Block,
        judged: pd.DataFrame,
        full: pd.DataFrame,
        mean: Mapping[tuple[int, int], str],
    ) -> None:
        """A matrix with weights and consistency; ``mean`` names the cells that hold the group's judgements."""
        page, n, top = self.page, self.n, block.top
        gaps, a = judged.isna().to_numpy(), form_of(self.group, judged, full)
        page.text(top - 2, 0, title, bold=True)
        page.head(top - 1, [self.t("judgement"), *self.items, self.t("weight"), "A·w / w"])
        for i in range(n):
            page.text(top + i, 0, self.label(self.items[i]))
            for j in range(n):
                row, column, value = top + i, 1 + j, float(a[i, j])
                if gaps[i, j]:
                    page.number(row, column, value, DIGITS, settled=True)
                elif i == j:
                    page.number(row, column, value, "0")
                elif i > j:
                    page.formula(row, column, f"1/{block.cell(j, i)}", value, DIGITS)
                elif mean:
                    page.formula(row, column, mean[i, j], value, DIGITS)
                else:
                    page.number(row, column, value, FRACTION, entry=True, between=SCALE)
        w = self._weigh(block, a)
        inner = block.column(block.weight)
        for i in range(n):
            told = f"SUMPRODUCT(MMULT({block.row(i)},{inner}))/{at(top + i, block.weight)}"
            page.formula(top + i, block.weight + 1, told, float(a[i] @ w / w[i]), DIGITS)
        self._stats(block, max(float(np.mean(a @ w / w)), n))
        page.close(top + n - 1, n + 3)

    def _stats(self, block: Block, lam: float) -> None:
        page, n = self.page, self.n
        ci, ri = (lam - n) / max(n - 1, 1), random_index_of(n, self.group.random_index)
        cr = ci / ri if ri else 0.0
        passes = f'"{self.settings.verdict(0.0)}"'
        fails = f'"{self.settings.verdict(np.inf)}"'
        rows: list[tuple[str, str, float | str, str]] = [
            ("λmax", f"MAX({n},AVERAGE({block.column(block.weight + 1)}))", lam, DIGITS),
            ("CI", f"({block.stat(0)}-{n})/{max(n - 1, 1)}", ci, DIGITS),
            ("RI", self.settings.index[n], ri, DIGITS),
            ("CR", f"IF({block.stat(2)}>0,{block.stat(1)}/{block.stat(2)},0)", cr, DIGITS),
            (self.t("Verdict"), f"IF({block.stat(3)}<={self.settings.passes},{passes},{fails})", self.settings.verdict(cr), ""),
        ]  # fmt: skip
        for k, (name, told, value, pattern) in enumerate(rows):
            page.text(block.top + k, block.told, name)
            page.formula(block.top + k, block.told + 1, told, value, pattern, bold=k > 2)

    def _weigh(self, block: Block, a: np.ndarray) -> np.ndarray:
        """The column of weights, by the group's method; returns what its cells hold."""
        page, n, top = self.page, self.n, block.top
        if self.group.method == "eigenvector":
            w, raw, total = self._power(block, a)
        elif self.group.method == "geometric_mean":
            w = np.exp(np.log(a).mean(axis=1))
            raw = [f"GEOMEAN({block.row(i)})" for i in range(n)]
            total = f"({'+'.join(raw)})"
        else:
            w = (a / a.sum(axis=0)).mean(axis=1)
            sums = [f"SUM({block.column(1 + j)})" for j in range(n)]
            raw = ["(" + "+".join(f"{block.cell(i, j)}/{sums[j]}" for j in range(n)) + ")" for i in range(n)]
            total = str(n)
        w = w / w.sum()
        for i in range(n):
            page.formula(top + i, block.weight, f"{raw[i]}/{total}", w[i], DIGITS, bold=True)
        return w

    def _power(self, block: Block, a: np.ndarray) -> tuple[np.ndarray, list[str], str]:
        page, n, top, steps = self.page, self.n, block.top, self.settings.steps
        start = self.start
        page.head(top - 1, [self.t("power steps"), *map(str, range(1, steps + 1))], first=start)
        whole = spread(top, 1, top + n - 1, n, fixed=True)
        v = a.sum(axis=1) / a.sum()
        for i in range(n):
            page.formula(top + i, start, f"SUM({block.row(i)})/SUM({whole})", v[i], DIGITS)
        for k in range(1, steps + 1):
            v = a @ v / n
            before = block.column(start + k - 1)
            for i in range(n):
                page.formula(
                    top + i, start + k, f"SUMPRODUCT(MMULT({block.row(i)},{before}))/{n}", v[i], DIGITS
                )
        last = start + steps
        return v, [at(top + i, last) for i in range(n)], f"SUM({block.column(last)})"

    def _group_weights(self) -> None:
        """What the experts come to: of their mean matrix (AIJ), or the mean of their weights (AIP)."""
        page, block, row = self.page, self.block, self.last + 1
        page.head(block.top - 1, [self.t("group weight")], first=block.weight + 2)
        for i in range(self.n):
            told = at(block.top + i, block.weight)
            if self.group.how == "aip":
                told = f"{at(row, self._own(i))}/SUM({spread(row, self._own(0), row, self._own(self.n - 1))})"
            page.formula(block.top + i, block.weight + 2, told, self.group.weights.iloc[i], DIGITS, bold=True)
