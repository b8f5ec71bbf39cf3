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
from commlab.errors import ParameterError
from commlab.framework import load_framework
from commlab.report import Cover, Sheet, appendix, chapters
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
from commlab.study.results import RESULTS

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
    "bonus": measured(a=[np.nan] * 5, b=[np.nan] * 5, c=[np.nan] * 5, d=[np.nan] * 5, won=[2]),
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
    ("bonus", "arithmetic", "measured"),
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
        shown = again[name]["演算"].cell(last, header.index("score") + 1).value
        known = np.isfinite(totals[name])
        assert shown == pytest.approx(totals[name], abs=TOLERANCE) if known else not shown
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


# --- every number in a district report's tables --------------------------------------------------

CHAPTERS = (
    "summary", "method", "sample", "indicators", "satisfaction", "change", "moved", "weak_points", "problems", "candidates",
    "questionnaire", "indicator_dictionary", "denominators", "cleaning_summary", "manifest",
)  # fmt: skip
NAMES = {
    "label", "method", "name", "variable_label", "level_label", "verdict", "norm", "standard", "place", "problem", "rule",
    "measured_at", "official", "what", "basis", "action_label", "severity_label", "item", "wording", "answers", "code", "kind",
    "measured_label", "told",
}  # fmt: skip
"""Columns that hold words: names of indicators, groups and rules, and the codes in them."""


def tables_of(report) -> list[tuple[str, object]]:
    """(chapter, finding) of every table that the report prints."""

    def inside(item):
        if hasattr(item, "table"):
            yield item
        for block in getattr(item, "blocks", ()):
            yield from inside(block)

    return [
        (c, f)
        for c in CHAPTERS
        for f in inside(getattr(chapters, c)(report) or [])
        if f.show_table and len(f.table)
    ]


class Ways:
    """What the trace of a subject holds: every value on the way, and where it ends."""

    def __init__(self, period, unit: str) -> None:
        self.period, self.unit, self.known = period, unit, {}

    def of(self, code: str, unit: str | None = None):
        key = (unit or self.unit, code)
        if key not in self.known:
            steps = self.period.trace(*key).steps()
            values = np.array([s.value for s in steps if s.value is not None])
            told = " ".join(s.text for s in steps)
            places = [p for s in steps for p in s.source.split("; ") if p]
            self.known[key] = values, told, places
        return self.known[key]


def subject(chapter: str, row: dict, report, labels: dict[str, str]) -> tuple[str, str | None] | None:
    """What the numbers of a row are about: a code, and a unit where it is not the report's own."""
    if chapter == "candidates":
        return "total", row["unit"]
    if chapter == "sample":
        return row["variable"], None
    if chapter == "cleaning_summary":
        return "ledger", None
    if chapter == "problems":
        return row["problem"], None
    if chapter == "satisfaction" and "/" in str(row.get("unit")):
        return report.overall_item, row["unit"]
    if chapter == "moved":
        return row["code"], None
    if chapter in ("satisfaction", "change"):
        return row.get("item") or labels.get(row.get("label"), report.overall_item), None
    if chapter == "indicator_dictionary":
        return row["label"].split(" ")[0], None
    return (row["code"], None) if "code" in row else None


def holds(values: np.ndarray, number: float) -> bool:
    return bool(len(values)) and bool(np.isclose(values, number, rtol=1e-9, atol=1e-12).any())


def holds_near(values: np.ndarray, number: float, digits: int) -> bool:
    return bool(np.isclose(np.abs(values), abs(number), rtol=0, atol=0.5000001 * 10**-digits).any())


def printed_numbers(text: str) -> list[tuple[float, int, bool]]:
    """Numbers in a printed cell: value, decimals, whether a percentage."""
    found = re.findall(r"(?<![\d.])(-?\d[\d,]*(?:\.(\d+))?)(%)?", text)
    return [(float(n.replace(",", "")), len(d), bool(p)) for n, d, p in found]


def followed(root: Path, name: str, unit: str) -> tuple[list[str], int, set[tuple[str, str]]]:
    """Walks each cell of each table of a report: unrounded it must stand on the way of its subject, which ends in files
    that exist. What did not, how many numbers there were, and in which columns."""
    period = cl.open_study(root).period(name)
    report = chapters.open_report(root, name, unit, "zh")
    labels = {report.item(i): i for i in period.items}
    ways, walked, lost, seen = Ways(period, report.unit), 0, [], set()
    for chapter, found in tables_of(report):
        columns = dict(found.columns)
        if chapter in ("questionnaire", "manifest") or (chapter == "method" and "value" in columns):
            continue  # words, hashes and the study's choices: the next test
        for row in found.printed.to_dict("records"):
            about = subject(chapter, row, report, labels)
            assert about is not None, f"{chapter} {found.title}: nothing says what {row} is about"
            values, told, places = ways.of(*about)
            assert any((root / p.partition("#")[0]).is_file() for p in places), (about, places)
            for column, col in columns.items():
                cell, shown = row[column], col.cell(row[column], report.t)
                if column in NAMES or (column == "measured" and chapter == "indicator_dictionary"):
                    continue
                seen.add((chapter, column))
                if isinstance(cell, pd.Timestamp):
                    walked += 1
                    ok = f"{cell:%Y-%m-%d}" in told
                elif isinstance(cell, int | float | np.number) and not pd.isna(cell):
                    walked += 1
                    ok = holds(values, float(cell)) or (
                        column == "priority" and holds(100 * values, float(cell))
                    )
                else:  # an interval or a quotient in words: each number as it is printed
                    numbers = printed_numbers(shown)
                    walked += len(numbers)
                    ok = all(
                        holds_near(values, n, d)
                        or ((percent or column.startswith("priority")) and holds_near(100 * values, n, d))
                        for n, d, percent in numbers
                    )
                if not ok:
                    lost.append(f"{chapter} {about} {column}: {shown}")
    return lost, walked, seen


def test_every_number_of_a_district_report_is_traceable(tiny: Path) -> None:
    lost, walked, seen = followed(tiny, PERIOD, cl.open_study(tiny).period(PERIOD).districts[0])
    assert lost == []
    assert walked > 700 and {c for c, _ in seen} >= {
        "method",
        "indicators",
        "candidates",
        "denominators",
        "change",
        "moved",
    }


def test_choices_hashes_and_questions_are_those_of_the_study(tiny: Path) -> None:
    """The tables of words: their numbers are study.yaml's, the register's, the codebook's and the manifest's."""
    study = cl.open_study(tiny)
    period = study.period(PERIOD)
    report = chapters.open_report(tiny, PERIOD, period.districts[0], "zh")
    communities = study.register.communities
    mine = communities[communities["parent"] == report.unit]
    answers = period.answers[period.answers["district"] == report.unit]
    rates = period.result("response_rates").set_index("unit").loc[report.unit]
    shares = [100 * rates["valid"] / rates["returned"], 100 * rates["valid"] / rates["issued"]]
    told = report.overall
    margin = round(100 * (told["ci_high"] - told["ci_low"]) / 2, 1)
    choices = [v for v in vars(study.config.choices).values() if isinstance(v, int | float)]
    known = {
        margin, *(round(s, 1) for s in shares), *choices, *study.config.disclosure.values(), len(mine), *mine["type"].value_counts(), len(answers),
        len(period.ranks("candidate").query("group == @report.unit")), len(period.items), len(study.framework.leaves),
        *(v for v in rates if isinstance(v, int | float | np.number)), study.config.choices.confidence * 100,
        period.judgments["expert"].nunique(), *period.result("weights").groupby("level").size(),
        period.ratings.loc[period.ratings["stage"] == "expert", "rater"].nunique(),
    }  # fmt: skip
    for chapter, found in tables_of(report):
        if chapter == "method" and "value" in found.table:
            for row in found.table.to_dict("records"):
                for n, _, _ in printed_numbers(
                    re.sub(r"[A-Z]\d+|\d+年|\d+月\d+日|〔\d+〕\d+号|附件\d+", "", str(row["value"]))
                ):
                    assert any(np.isclose(n, k) for k in known), (row, n)
        if chapter == "questionnaire":
            wordings = {w for q in report.book.items.values() for w in q.wordings}
            assert set(found.table["wording"]) <= wordings
            assert set(found.table["code"]) <= {"—", *study.framework.leaves}
        if chapter == "manifest":
            inputs = period.report_inputs(report.unit)
            digests = {v[:8] for k, v in inputs.items() if k not in RESULTS or len(period.result(k))}
            assert digests <= set(found.table["value"])


def test_other_things_are_traced_too(tiny: Path) -> None:
    study = cl.open_study(tiny)
    period = study.period(PERIOD)
    candidate = period.ranks("candidate")["unit"].iloc[0]
    whole = period.trace(candidate, "total")
    assert whole.top.value == period.ranks("candidate").set_index("unit").at[candidate, "score"]
    community = study.register.communities["unit"].iloc[0]
    assert any(s.source.endswith("!N5") for s in period.trace(community, "social_org_n").steps())
    city = period.trace(study.config.city, "q_service")
    assert "{" not in str(city) and city.top.below[-1].kind == "value"
    assert not [s for s in city.steps() if "!" in s.source]  # never one person's row
    weights = [s for s in period.trace("五华区", "Ⅰ-1").steps() if "专家判断" in s.source]
    assert len(weights) >= 2


@pytest.mark.parametrize(
    ("unit", "code", "says"),
    [
        ("五华区", "q_happiness", "framework kunming_2018 has no code 'q_happiness'.*survey items"),
        ("五华区/新屯社区", "care_target_n", "sums above the community only"),
        ("没有区", "social_org_n", "is not in the register"),
        ("昆明市", "total", "昆明市 has no score of its own"),
        ("新屯社区", "Ⅱ-4.1", "五华区/新屯社区 has no score of its own in 2019Q4"),
    ],
)
def test_what_cannot_be_traced(tiny: Path, unit: str, code: str, says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        cl.open_study(tiny).period(PERIOD).trace(unit, code)


def test_a_candidate_goes_by_its_name_and_its_rules_are_told_in_words(tiny: Path) -> None:
    period = cl.open_study(tiny).period(PERIOD)
    told = str(period.trace(" 永坊社区 ", "II-4.1"))
    assert told.startswith("五华区/永坊社区 Ⅱ-4.1")
    assert "社区社会组织数的平均值 ≥ 10; 未达标按比例计分" in told and "op =" not in told and "专家" in told
