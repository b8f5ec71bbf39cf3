"""``weights.xlsx``: every judgement matrix as living cells, for a reviewer who changes a judgement and looks.

A sheet a node (see ``weights_sheet``) holds the experts' matrices, of which the yellow cells are judgements and all
others formulas: the group's mean matrix, weights, lambda_max, CI, CR, the verdict, and who counts. Settings hold the
random index and the bounds; one sheet has the consistency of nodes and levels, another the weights of the whole
tree. Every formula carries the value it had when it was written, so that a reader without a spreadsheet program
sees numbers, and none leaves the workbook.

An eigenvector is no spreadsheet formula: its columns are power steps v = A v / n, as many as bring each weight
within ``CLOSE`` of the eigenvector when the workbook is written; the settings print how many, and how close.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from commlab.errors import ParameterError
from commlab.framework import TOTAL, Framework
from commlab.report.cells import Workbook, at, spread
from commlab.report.finding import Cover
from commlab.report.weights_sheet import DIGITS, PANEL_ROW, NodeSheet, Settings, form_of
from commlab.store import write_bytes
from commlab.text import Text
from commlab.weights import CR_LIMIT, AHPTree, random_index_of
from commlab.weights.kernels import perron
from commlab.weights.random_index import table_name

__all__ = ["weights_book", "write_weights_book"]

CLOSE = 1e-10
"""How near the power steps come to the eigenvector."""
MOST_STEPS = 80
MOST_EXPERTS = 60
"""Nobody rechecks more matrices of a node by hand, and the workbook would be too large to open."""
PASSES, LEAVES_OUT, FIRST_SETTING = 2, 3, 2
"""Rows of the settings."""


def write_weights_book(path: str | Path, tree: AHPTree, *, cover: Cover) -> Path:
    """Write the workbook; the file appears complete or not at all."""
    write_bytes(path, weights_book(tree, cover=cover))
    return Path(path)


def weights_book(tree: AHPTree, *, cover: Cover) -> bytes:
    """The workbook of a tree's judgements as bytes.

    Parameters
    ----------
    tree : AHPTree
        Judgements, weights and consistency, as ``ahp_tree`` returns them.
    cover : Cover
        Title, facts, language and sample mark.

    Returns
    -------
    bytes
        The same input is the same bytes.

    Raises
    ------
    ParameterError
        If more than ``MOST_EXPERTS`` experts judged one node.
    """
    for code, group in tree.groups.items():
        if len(group.experts) > MOST_EXPERTS:
            raise ParameterError(
                f"{len(group.experts)} experts judged node {code}: a workbook to recheck by hand takes at most "
                f"{MOST_EXPERTS}; choose experts, or print the tables of the appendix"
            )
    return _Book(tree, cover).content()


class _Book:
    """Sheets, and the places that they refer to."""

    def __init__(self, tree: AHPTree, cover: Cover) -> None:
        self.tree, self.framework, self.t = tree, tree.framework, Text(cover.language)
        self.first = next(iter(tree.groups.values()))
        self.steps, self.distance = _steps(tree)
        self.book = Workbook(cover, self.t)
        t, page = self.t, self.book.page
        self.settings = page(t("Settings"), t("Random index, bounds, methods; formulas refer to them."))
        self.levels = page(t("Consistency"), t("CR of every node, every level and every expert."))
        about = t("Weight of every indicator among its siblings and in the whole.")
        self.weights = page(t("Weights"), about)
        cells = self._settings()
        self.nodes = {
            code: NodeSheet(
                page(t("Whole") if code == TOTAL else code, self._told(code)), group, cells, t, self._label
            )
            for code, group in tree.groups.items()
        }
        self.places: dict[str, int] = {}
        """Code -> its row on the sheet of weights."""

    def _label(self, code: str) -> str:
        return f"{code} {self.framework.label(code, self.t.language)}"

    def _name(self, node: str) -> str:
        return self.t("the whole") if node == TOTAL else self._label(node)

    def _told(self, node: str) -> str:
        return self.t("Judgement matrices below {node}.", node=self._name(node))

    def _verdict(self, cr: float) -> str:
        return self.t("passes") if cr <= CR_LIMIT else self.t("fails")

    def content(self) -> bytes:
        for node, sheet in self.nodes.items():
            sheet.write(self._told(node))
        self._weights()
        self._consistency()
        return self.book.content()

    def _settings(self) -> Settings:
        page, t, first = self.settings, self.t, self.first
        methods = {
            "eigenvector": t("eigenvector"),
            "geometric_mean": t("row geometric mean"),
            "column_mean": t("column mean"),
        }
        joined = {"aij": t("judgements aggregated (AIJ)"), "aip": t("priorities aggregated (AIP)")}
        harker = first.completion == "harker"
        rows: list[tuple[str, Any, str]] = [
            (t("Consistency ratio that passes"), CR_LIMIT, "0.00"),
            (t("Consistency ratio above which an expert is left out"), first.max_cr, "0.00"),
            (t("Weights by"), methods[first.method], ""),
            (t("Expert group"), joined[first.how], ""),
            (t("Missing judgements"), t("Harker's method") if harker else t("smallest λmax"), ""),
        ]
        if self.steps:
            rows += [
                (t("Power steps in place of the eigenvector"), self.steps, "0"),
                (t("Largest distance from the eigenvector when written"), self.distance, "0.0E+00"),
            ]
        page.title(t("Settings"))
        for k, (label, value, pattern) in enumerate(rows, start=FIRST_SETTING):
            page.text(k, 0, label)
            if isinstance(value, str):
                page.text(k, 1, value, align="right")
            elif value is not None:
                page.number(k, 1, value, pattern, entry=k <= LEAVES_OUT)
        row = FIRST_SETTING + len(rows) + 1
        page.head(row, [t("Items"), t("Random index ({table})", table=table_name(self.tree.random_index))])
        sizes = range(1, max(len(g.weights) for g in self.tree.groups.values()) + 1)
        for n in sizes:
            page.text(row + n, 0, str(n))
            page.number(row + n, 1, random_index_of(n, self.tree.random_index), DIGITS, entry=True)
        page.close(row + len(sizes), 2)
        page.widths([46, 30])
        return Settings(
            passes=page.outside(PASSES, 1),
            leaves_out=page.outside(LEAVES_OUT, 1),
            index={n: page.outside(row + n, 1) for n in sizes},
            steps=self.steps,
            verdict=self._verdict,
        )

    def _weights(self) -> None:
        page, t, framework = self.weights, self.t, self.framework
        page.title(t("Weights of all indicators"))
        heads = [t("Code"), t("Indicator"), t("Level"), t("Weight among siblings"), t("Weight in the whole")]
        page.head(2, [*heads, t("Percent"), t("Origin")], texts=(0, 1, 6))
        judged = {
            code: (node, k) for node, g in self.tree.groups.items() for k, code in enumerate(g.weights.index)
        }
        local, whole = framework.local_weights, _whole(framework)
        for row, code in enumerate(whole, start=3):
            node = framework.node(code)
            self.places[code] = row
            page.text(row, 0, code)
            page.text(row, 1, framework.label(code, t.language))
            page.number(row, 2, node.level, "0")
            if code in judged:
                sheet, k = self.nodes[judged[code][0]], judged[code][1]
                told = sheet.page.outside(sheet.block.top + k, sheet.block.weight + 2)
                page.formula(row, 3, told, float(local[code]), DIGITS)
            else:
                page.number(row, 3, float(local[code]), DIGITS)
            above = "" if node.parent is None else f"*{at(self.places[node.parent], 4)}"
            page.formula(row, 4, f"{at(row, 3)}{above}", whole[code], "0.000000")
            page.formula(row, 5, at(row, 4), whole[code], "0.00%")
            page.text(row, 6, t("pairwise judgement") if code in judged else t("equal or printed"), indent=1)
        last = 3 + len(whole)
        leaves = [at(self.places[c], 4) for c in framework.leaves]
        page.text(last, 1, t("Sum over the standards"), bold=True)
        page.formula(
            last, 4, "+".join(leaves), sum(whole[c] for c in framework.leaves), "0.000000", bold=True
        )
        page.close(last, 7)
        page.widths([12, 40, 9, 25, 21, 12, 22])
        page.freeze(3, 2)

    def _consistency(self) -> None:
        page, t, tree = self.levels, self.t, self.tree
        whole = {TOTAL: 1.0, **_whole(self.framework)}
        people = list(dict.fromkeys(e for g in tree.groups.values() for e in g.matrices))
        heads = [t("Node"), t("Level"), t("Items"), t("Experts used"), "λmax", "CI", "RI", "CR", t("Verdict")]
        heads.append(t("Weight in the whole"))
        page.title(t("Consistency of nodes, levels and experts"))
        page.head(2, [*heads, *map(str, people)])
        for row, (code, group) in enumerate(tree.groups.items(), start=3):
            sheet, block, out = self.nodes[code], self.nodes[code].block, self.nodes[code].page.outside
            page.text(row, 0, self._name(code))
            page.number(row, 1, 1 if code == TOTAL else self.framework.node(code).level + 1, "0")
            page.number(row, 2, sheet.n, "0")
            page.formula(row, 3, out(sheet.last + 1, 3), int(group.experts["used"].sum()), "0")
            values = (group.lambda_max, group.ci, random_index_of(sheet.n, tree.random_index), group.cr)
            for k, value in enumerate(values):
                page.formula(row, 4 + k, out(block.top + k, block.told + 1), value, DIGITS)
            page.formula(row, 8, out(block.top + 4, block.told + 1), self._verdict(group.cr))
            reach = "1" if code == TOTAL else self.weights.outside(self.places[code], 4)
            page.formula(row, 9, reach, whole[code], DIGITS)
            for k, (expert, cr) in enumerate(zip(group.matrices, group.experts["cr"], strict=True)):
                page.formula(row, len(heads) + people.index(expert), out(PANEL_ROW + k, 1), cr, DIGITS)
        last = 2 + len(tree.groups)
        page.close(last, len(heads) + len(people))
        self._levels(last + 2, 3, last)
        page.widths([34, 10, 10, 12, 10, 10, 10, 10, 12, 16] + [10.0] * len(people))
        page.freeze(3, 1)

    def _levels(self, head: int, first: int, last: int) -> None:
        """CR of each level and of the whole, by the nodes' weights."""
        page, t = self.levels, self.t
        level, ci, ri, reach = (spread(first, c, last, c, fixed=True) for c in (1, 5, 6, 9))
        page.head(head, [t("Level"), "CI", "RI", "CR", t("Verdict")])
        for row, told in enumerate(self.tree.hierarchy.itertuples(), start=head + 1):
            whole = told.level == TOTAL
            chosen = "" if whole else f"({level}={told.level})*"
            page.text(row, 0, t("All levels") if whole else t("Level {n}", n=told.level), bold=whole)
            page.formula(row, 1, f"SUMPRODUCT({chosen}{reach}*{ci})", told.ci, DIGITS)
            page.formula(row, 2, f"SUMPRODUCT({chosen}{reach}*{ri})", told.ri, DIGITS)
            cr = f"IF({at(row, 2)}>0,{at(row, 1)}/{at(row, 2)},0)"
            page.formula(row, 3, cr, told.cr, DIGITS, bold=whole)
            passes, fails = self._verdict(0.0), self._verdict(np.inf)
            verdict = f'IF({at(row, 3)}<={self.settings.outside(PASSES, 1)},"{passes}","{fails}")'
            page.formula(row, 4, verdict, self._verdict(told.cr), bold=whole)
        page.close(head + len(self.tree.hierarchy), 5)


def _whole(framework: Framework, parent: str | None = None, above: float = 1.0) -> dict[str, float]:
    """Weight in the whole of every code, each before what lies below it."""
    out: dict[str, float] = {}
    for code in framework.children(parent):
        out[code] = above * float(framework.local_weights[code])
        out |= _whole(framework, code, out[code])
    return out


def _steps(tree: AHPTree) -> tuple[int, float]:
    """Power steps that all matrices need, and how far the farthest weight is then from the eigenvector."""
    if next(iter(tree.groups.values())).method != "eigenvector":
        return 0, 0.0
    forms = [
        form_of(group, judged, full)
        for group in tree.groups.values()
        for judged, full in [
            (group.matrix, group.result.matrix),
            *((m, group.of(e).matrix) for e, m in group.matrices.items()),
        ]
    ]
    exact = [perron(a[None])[0] for a in forms]
    vectors = [a.sum(axis=1) / a.sum() for a in forms]
    steps, farthest = 0, np.inf
    while farthest > CLOSE and steps < MOST_STEPS:
        steps += 1
        vectors = [a @ v / (a @ v).sum() for a, v in zip(forms, vectors, strict=True)]
        farthest = max(float(np.abs(v - w).max()) for v, w in zip(vectors, exact, strict=True))
    return steps, farthest
