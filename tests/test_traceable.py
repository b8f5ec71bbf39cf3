"""Every published number can be recalculated from the appendix and followed back to what it rests on."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

import commlab as cl
from commlab.framework import load_framework
from commlab.report import Cover, Sheet, appendix
from commlab.report.finding import Col
from commlab.report.formula_tree import tree_formulas, tree_rows
from commlab.report.formulas import (
    Grid,
    RawValues,
    evidence_formulas,
    part_formulas,
    part_rows,
    weight_formulas,
)
from commlab.report.xlsx import workbook_bytes
from commlab.scoring import aggregate, collect, score

PERIOD = "2019Q4"
TOLERANCE = 1e-9
WITH_OFFICE = shutil.which("soffice") is not None
office = pytest.mark.skipif(not WITH_OFFICE, reason="needs LibreOffice; .ci/run installs it")


# --- an office program recalculates the workbook ------------------------------------------------


def bare(content: bytes) -> bytes:
    """The workbook without the stored results of its formulas: whoever opens it has to calculate."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as given, zipfile.ZipFile(out, "w") as made:
        for name in given.namelist():
            data = given.read(name)
            if "worksheets/sheet" in name:
                data = re.sub(rb"</f><v>[^<]*</v>", b"</f>", data)
                data = re.sub(rb' t="str"(?=><f>)', b"", data)
            made.writestr(name, data)
    return out.getvalue()


def recalculated(books: dict[str, bytes], folder: Path) -> dict[str, openpyxl.Workbook]:
    """The books as LibreOffice calculates them."""
    for name, content in books.items():
        (folder / f"{name}.xlsx").write_bytes(bare(content))
    command = ["soffice", f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless"]
    command += ["--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", str(folder / "done")]
    subprocess.run(
        [*command, *(str(folder / f"{n}.xlsx") for n in books)], check=True, capture_output=True, timeout=120
    )
    return {n: openpyxl.load_workbook(folder / "done" / f"{n}.xlsx", data_only=True) for n in books}


def disagreements(content: bytes, again: openpyxl.Workbook) -> tuple[int, list[str]]:
    """How many formulas a workbook has, and those whose stored value is not what was calculated."""
    written = openpyxl.load_workbook(io.BytesIO(content))
    stored = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    n, wrong = 0, []
    for sheet in written.worksheets:
        for cell in (c for row in sheet.iter_rows() for c in row if c.data_type == "f"):
            n += 1
            a, b = (book[sheet.title][cell.coordinate].value for book in (stored, again))
            numbers = isinstance(a, int | float) and isinstance(b, int | float)
            same = abs(a - b) <= TOLERANCE * max(1, abs(a)) if numbers else (a or "") == (b or "")
            if not same:
                wrong.append(f"{sheet.title}!{cell.coordinate} {cell.value}: stored {a}, calculated {b}")
    return n, wrong


RULES = [
    {"code": "A", "zh": "甲", "points": 60, "children": [
        {"code": "A1", "zh": "均值", "points": 20, "parts": [
            {"part": "city", "rule": "threshold", "metric": "a", "type": "urban", "statistic": "mean", "op": ">=",
             "target": 10, "graded": True, "share": 0.6},
            {"part": "least", "rule": "threshold", "metric": "a", "type": "converted", "op": ">=", "target": 5,
             "rollup": "share_meeting"}]},
        {"code": "A2", "zh": "比率", "points": 20, "parts": [
            {"rule": "rate", "numerator": "a", "denominator": "b", "op": ">=", "target": "2/3", "graded": True}]},
        {"code": "A3", "zh": "区间", "points": 10, "parts": [
            {"part": "in", "rule": "range", "metric": "b", "low": 5, "high": 9, "share": 0.5},
            {"part": "few", "rule": "threshold", "metric": "c", "op": "<=", "target": 2, "graded": True}]},
        {"code": "A4", "zh": "清单", "points": 10, "parts": [
            {"rule": "checklist", "items": ["c", "d"], "op": "<=", "target": 1}]},
    ]},
    {"code": "B", "zh": "乙", "points": 40, "children": [
        {"code": "B1", "zh": "扣分", "points": 20, "parts": [
            {"rule": "deduction", "full": 20, "floor": 5, "measured_at": "district", "items": [
                {"item": "late", "per": 2, "cap": 6}, {"item": "lost", "per": 1}, {"item": "death", "all": True}]}]},
        {"code": "B2", "zh": "分档", "points": 10, "parts": [
            {"rule": "bands", "metric": "d", "full": 10, "bands": [
                {"high": 1, "score": 10}, {"low": 1, "high": 3, "score": 6}, {"low": 3, "score": 2}]}]},
        {"code": "B3", "zh": "增长", "points": 10, "parts": [
            {"rule": "growth", "metric": "w", "target": 0.03, "graded": True, "measured_at": "district"}]},
        {"code": "B4", "zh": "加分", "parts": [{"rule": "bonus", "metric": "won", "per": 2, "cap": 5, "measured_at": "district"}]},
        {"code": "B5", "zh": "否决", "parts": [{"rule": "veto", "metric": "bad", "sets": "B", "measured_at": "district"}]},
    ]},
]  # fmt: skip
LEVELS = {
    "late": "district",
    "lost": "district",
    "death": "district",
    "w": "district",
    "won": "district",
    "bad": "district",
}
UNITS = pd.DataFrame(
    [("市", "city", None, None), ("D", "district", "市", None)]
    + [(f"D/{k}", "community", "D", "urban" if k < 3 else "converted") for k in range(5)],
    columns=["unit", "level", "parent", "type"],
).assign(name=lambda f: f["unit"], scored=lambda f: f["unit"] == "D")


def measured(**values: list[float]) -> pd.DataFrame:
    rows = []
    for metric, given in values.items():
        for k, value in enumerate(given):
            unit = "D" if metric in LEVELS else f"D/{k}"
            year = 2017 + k if metric == "w" else 2019
            state = "missing" if np.isnan(value) else "observed"
            rows.append((pd.Timestamp(year, 12, 31), unit, metric, None, value, state))
    return pd.DataFrame(rows, columns=["as_of", "unit", "metric", "item", "value", "state"])


NOTHING = {c: pd.DataFrame(columns=k) for c, k in (
    ("ratings", ["stage", "rater", "unit", "code", "score"]),
    ("survey", ["unit", "item", "statistic", "estimate", "se", "df", "n"]),
)}  # fmt: skip
CASES = {
    "plain": measured(a=[12, 9, 8, 6, 4], b=[9, 9, 9, 6, 6], c=[0, 1, 2, 5, 0], d=[0, 1, 4, np.nan, 1],
                      late=[2], lost=[3], death=[0], w=[100, 103, 106], won=[1], bad=[0]),
    "struck": measured(a=[12, 9, np.nan, 6, 4], b=[9, 0, 9, 6, np.nan], c=[0, 0, 0, 0, 0], d=[0, 0, 0, 0, 0],
                       late=[9], lost=[0], death=[1], w=[100, 101, 106], won=[4], bad=[1]),
    "gaps": measured(a=[np.nan] * 3 + [6, 4], b=[9] * 5, c=[4] * 5, d=[2] * 5, late=[9], lost=[30], w=[100], won=[0]),
}  # fmt: skip


RUNS = [
    ("plain", "arithmetic", "measured"),
    ("plain", "geometric", "measured"),
    ("plain", "harmonic", "zero"),
    ("struck", "arithmetic", "zero"),
    ("struck", "harmonic", "measured"),
    ("gaps", "arithmetic", "zero"),
    ("gaps", "geometric", "measured"),
]


def workbook(framework, measures: pd.DataFrame, how, missing: str) -> tuple[bytes, pd.DataFrame]:
    """A workbook of one district under a framework, and its scores."""
    evidence = collect(framework, measures=measures, units=UNITS, **NOTHING)
    leaves = score(evidence, framework)
    nodes = aggregate(leaves, framework, how=how, missing=missing)
    parts = part_rows(framework, leaves, missing=missing)
    tree = tree_rows(framework, nodes, parts, {"total": how, "A": how, "B": how})
    raw = RawValues(framework, UNITS, measures)
    weights = framework.table.assign(local=framework.local_weights.to_numpy(), weight=0.0)
    for i, parent in enumerate(weights["parent"]):
        above = weights.loc[weights["code"] == parent, "weight"]
        weights.loc[i, "weight"] = weights["local"].iloc[i] * (above.iloc[0] if len(above) else 1.0)
    shown = {
        "原始": (raw.table, [c for c in raw.table if c not in ("unit", "type")]),
        "证据": (evidence, ["code", "part", "item", "value", "numerator", "denominator"]),
        "计分": (parts, ["code", "rule", "value", "target", "reached", "full", "score", "share", "used"]),
        "权重": (weights, ["code", "local", "weight"]),
        "演算": (tree, ["code", "local", "reached", "used", "term", "full", "bonus", "score"]
                 + (["effective", "contribution"] if how == "arithmetic" else [])),
    }  # fmt: skip
    grid = {name: Grid(name, tuple(columns)) for name, (_, columns) in shown.items()}
    cells = {c: grid["权重"].cell("local", i) for i, c in enumerate(weights["code"])}
    live = {
        "证据": evidence_formulas(evidence, framework, grid["证据"], raw, grid["原始"]),
        "计分": part_formulas(parts, framework, evidence, grid["计分"], grid["证据"], missing=missing),
        "权重": weight_formulas(weights, grid["权重"]),
        "演算": tree_formulas(tree, framework, parts, grid["演算"], grid["计分"], cells),
    }
    sheets = [
        Sheet(name, table, columns={c: Col(c, "text" if c in ("code", "rule", "part", "item", "name") else "number") for c in columns},
              formulas=live.get(name, {}))
        for name, (table, columns) in shown.items()
    ]  # fmt: skip
    return workbook_bytes(sheets, cover=Cover("演算")), nodes


@office
def test_every_rule_and_mean_is_recalculated(tmp_path: Path) -> None:
    """All rules, gaps, a veto and a bonus, under each mean and both totals; and another value gives another total."""
    path = tmp_path / "rules.yaml"
    metrics = {
        m: {"zh": m, "kind": "stock", "level": LEVELS.get(m, "community")}
        for m in ["a", "b", "c", "d", *LEVELS]
    }
    path.write_text(json.dumps({"name": "rules", "metrics": metrics, "nodes": RULES}), encoding="utf-8")
    framework = load_framework(path)
    books, totals = {}, {}
    for case, how, missing in RUNS:
        content, nodes = workbook(framework, CASES[case], how, missing)
        books[f"{case}-{how}-{missing}"] = content
        totals[f"{case}-{how}-{missing}"] = nodes.set_index("code").at["total", "score"]
    # an expert types another number into the sheet of raw values: the total becomes that of a new scoring
    changed = CASES["plain"].copy()
    changed.loc[(changed["metric"] == "a") & (changed["unit"] == "D/1"), "value"] = 3.0
    edited = openpyxl.load_workbook(io.BytesIO(books["plain-arithmetic-measured"]))
    page = edited["原始"]
    column = next(c.column for c in page[2] if c.value == "a")
    row = next(r for r in range(3, 8) if page.cell(r, 1).value == "D/1")
    assert page.cell(row, column).value == 9
    page.cell(row, column).value = 3
    saved = io.BytesIO()
    edited.save(saved)
    again = recalculated({**books, "edited": saved.getvalue()}, tmp_path)
    for name, content in books.items():
        n, wrong = disagreements(content, again[name])
        assert wrong == [] and n > 80, name
        last = again[name]["演算"].max_row
        header = [c.value for c in again[name]["演算"][2]]
        assert again[name]["演算"].cell(last, header.index("score") + 1).value == pytest.approx(
            totals[name], abs=TOLERANCE
        )
    _, nodes = workbook(framework, changed, "arithmetic", "measured")
    expected = nodes.set_index("code").at["total", "score"]
    header = [c.value for c in again["edited"]["演算"][2]]
    shown = again["edited"]["演算"].cell(again["edited"]["演算"].max_row, header.index("score") + 1).value
    assert (
        shown == pytest.approx(expected, abs=TOLERANCE)
        and abs(shown - totals["plain-arithmetic-measured"]) > 1
    )


@office
def test_libreoffice_recalculates_the_appendix(tiny: Path, tmp_path: Path) -> None:
    """A district's workbook leads from raw values to the total; the city's has its quotients and means."""
    period = cl.open_study(tiny).period(PERIOD)
    books = {
        name: appendix(period, unit, tmp_path / "made" / f"{name}.xlsx").read_bytes()
        for name, unit in (("one", period.districts[0]), ("last", period.districts[-1]), ("city", "city"))
    }
    again = recalculated(books, tmp_path)
    for name, content in books.items():
        n, wrong = disagreements(content, again[name])
        assert wrong == [] and n > 300, name
    page = again["one"]["得分演算"]
    header = [c.value for c in page[2]]
    total = page.cell(page.max_row, header.index("得分") + 1).value
    published = period.ranks().set_index("unit").at[period.districts[0], "score"]
    assert total == pytest.approx(published, abs=TOLERANCE)
