"""What the notebooks of a period read of its tables and results, as far as their text says so for certain.

A notebook made of the chapters below depends on what these read. One that does anything else - another chapter, a
module of its own, a name that is computed - depends on everything that is stored.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from pathlib import Path

from commlab import store
from commlab.periods import period_key
from commlab.study import Period
from commlab.study.results import RESULTS
from commlab.tables import CONTRACTS

__all__ = ["READS", "Reads", "of_workbook", "reads_of"]

READS: Mapping[str, tuple[str, ...]] = {
    "apart": ("pairs", "ranks"),
    "assessment_levels": ("mutual", "scores"),
    "candidates": ("pairs", "ranks", "scores"),
    "change": ("change",),
    "cleaning_summary": ("ledger",),
    "cover": ("ranks",),
    "data_weights": ("judgments", "scores", "weights"),
    "delphi_rounds": ("opinions",),
    "denominators": ("evidence",),
    "districts": ("ranks", "satisfaction", "scores"),
    "districts_by_item": ("satisfaction",),
    "equals": ("measures", "ranks"),
    "expert_weights": ("judgments", "weights", "weight_experts"),
    "firmness": ("judgments", "scores", "weights"),
    "five_lists": ("evidence",),
    "funds": ("measures",),
    "gaps": ("evidence", "measures"),
    "groups": ("comparisons",),
    "half_years": ("judgments", "measures", "mutual", "ratings", "responses", "scores", "status"),
    "handling": ("problems",),
    "handout": ("measures",),
    "indicator_dictionary": (),
    "indicators": ("evidence", "ranks", "scores", "weights"),
    "intake": ("ledger", "status"),
    "kind_evidence": ("measures",),
    "kinds": ("measures",),
    "lists": ("lists", "measures", "records", "responses"),
    "manifest": RESULTS,
    "matrices": ("judgments", "weights"),
    "mending": ("judgments", "weights"),
    "method": ("ranks", "ratings", "response_rates", "satisfaction", "weight_experts", "weights"),
    "moved": ("explained", "scores"),
    "next_sample": ("response_rates", "satisfaction"),
    "online": ("records",),
    "own_framework": ("judgments", "measures", "mutual", "ratings", "responses", "scores"),
    "points": ("records",),
    "problems": ("problem_states",),
    "promotion": ("evidence", "records", "scores"),
    "questionnaire": (),
    "quotas": (),
    "raking": ("rake_cells",),
    "rewards": ("scores",),
    "sample": ("demographics", "response_rates"),
    "satisfaction": ("comparisons", "distribution", "drivers", "satisfaction", "small_areas"),
    "scale": ("scale", "scale_items"),
    "small_areas": ("small_areas",),
    "sources_joined": ("records",),
    "stages": ("problem_states", "ranks", "ratings", "satisfaction"),
    "stations": ("measures", "records"),
    "steps": ("explained", "scores"),
    "strategies": ("measures", "ranks", "records", "scores"),
    "summary": ("change", "leaves", "pairs", "problem_states", "ranks", "satisfaction", "scores"),
    "team": ("measures", "status"),
    "things_done": ("records",),
    "trainings": ("measures", "records"),
    "two_way": ("mutual",),
    "warning": ("measures",),
    "weak_points": ("evidence", "leaves", "ranks", "scores", "weights"),
    "weights_cover": ("ranks",),
    "weights_workbook": ("judgments", "weights", "weight_experts"),
}
"""Chapter -> results and clean tables that it reads; which districts can be reported all of them know."""

_NOT_IN_WORKBOOK = {"problem_states", "problems"}
"""Results and tables whose figures only the pages print, not a report's workbook."""

_EXPLORER = ("evidence", "leaves", "measures", "ranks", "responses", "satisfaction", "scores", "weights")
_MEANT: Mapping[str, tuple[str, ...]] = {
    "Explorer": _EXPLORER,
    "answers": ("responses",),
    "communities": ("measures",),
    "design": ("responses",),
    "indicator_weights": ("weights",),
    "leaf_scores": ("leaves",),
    "panel": ("measures",),
    "questions": ("ledger", "status"),
    "satisfaction": ("responses",),
}
"""What other words of a notebook stand for, beside the names of results and tables themselves."""
_MODULES = {"commlab", "commlab.report", "commlab.report.explorer", "commlab.scoring", "commlab.study.advice"}
"""Modules that read nothing but what they are handed, beside the chapters and the explorer."""
_DOUBTFUL = {
    *(
        "RESULTS",
        "CONTRACTS",
        "READS",
        "folder",
        "previous",
        "trace",
        "root",
        "open",
        "getattr",
        "vars",
        "eval",
    ),
    *("exec", "globals", "locals", "study_root", "get_ipython", "table_raw", "public", "release", "batch"),
}
_ASKED = {"result", "table"}


class Reads:
    """What the reports of a period depend on, beside code, notebook and parameters.

    Parameters
    ----------
    period : Period
        Its city-wide results are stored.
    cache : HashCache
        Where hashes of tables are looked up.
    """

    def __init__(self, period: Period, cache: store.HashCache) -> None:
        self.period, self.known = period, dict[Path, set[str] | None]()
        end = period_key(period.name)
        self.tables = {
            (name, table): cache.hash(folder.table_path(table))
            for name in period.study.periods
            if period_key(name) <= end
            for folder in [period.study.period(name).folder]
            for table in folder.tables()
        }

    def of(self, unit: str, notebook: Path, kind: str) -> dict[str, str]:
        """Name -> hash of the results and tables that a report of a district or of the city reads.

        A page about a method (``kind``) is made of what its notebook reads; other reports have a workbook and a
        manifest, too.
        """
        if notebook not in self.known:
            self.known[notebook] = reads_of(notebook)
        reads = self.known[notebook]
        found = self.period.report_inputs(unit)
        if kind == "method" and reads is not None:
            found = {k: v for k, v in found.items() if k in reads or k not in (*RESULTS, "ledger")}
        for (name, table), value in self.tables.items():
            own_ledger = (name, table) == (self.period.name, "ledger")  # a district's is a part of it
            if not own_ledger and (reads is None or table in reads):
                found[f"{name}/{table}"] = value
        return found


def of_workbook(inputs: Mapping[str, str]) -> dict[str, str]:
    """Of what a report depends on, what its workbook does: not the notebook, nor what only the pages print."""
    left = {k: k.removeprefix("result:").rpartition("/")[2] for k in inputs if not k.startswith("notebook:")}
    return {k: inputs[k] for k, name in left.items() if name not in _NOT_IN_WORKBOOK}


def reads_of(notebook: Path) -> set[str] | None:
    """Results and clean tables that a notebook reads; None where its text does not say for certain."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    try:
        nodes = list(ast.walk(ast.parse(code)))
    except SyntaxError:
        return None
    words, printed = set[str](), set[str]()
    asked, handled = 0, 0
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
            if not _MODULES.issuperset(modules) or any(a.name == "*" for a in node.names):
                return None
            words |= {a.name for a in node.names}
        elif isinstance(node, ast.Attribute):
            of = node.value.id if isinstance(node.value, ast.Name) else ""
            if of == "chapters":
                handled += 1
                if node.attr not in READS and node.attr != "open_report":
                    return None
                printed.update(READS.get(node.attr, ()))
            else:
                words.add(node.attr)
                asked += node.attr in _ASKED and of != "explorer"
        elif isinstance(node, ast.Name):
            words.add(node.id)
            handled -= node.id == "chapters"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            words.add(node.value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            named = len(node.args) == 1 and isinstance(node.args[0], ast.Constant)
            asked -= node.func.attr in _ASKED and named  # period.result("ranks")
    # A name of a result that is computed, chapters under another name: anything could be read.
    if asked or handled or words & _DOUBTFUL:
        return None
    meant = {name for word in words & set(_MEANT) for name in _MEANT[word]}
    return (printed | words | meant) & {*RESULTS, *CONTRACTS, "status"}
