"""The workbook of weights: what it holds, that it calculates, that a changed judgement moves everything."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

from commlab.errors import ParameterError
from commlab.framework import Framework, Node
from commlab.report.finding import Cover
from commlab.report.weights_book import CLOSE, weights_book, write_weights_book
from commlab.weights import AHPTree, ahp_tree

office = pytest.mark.skipif(shutil.which("soffice") is None, reason="needs LibreOffice; .ci/run installs it")
COVER = Cover("权重", facts=[("期间", "2019Q4")], sample=True)
STEPS = np.log(np.concatenate([1 / np.arange(9, 1, -1), np.arange(1, 10)]))
ITEMS = ["Ⅱ-1", "Ⅱ-2", "Ⅱ-3", "Ⅱ-4"]


def framework() -> Framework:
    nodes = [Node("Ⅰ-1", None, 1, 1, "=甲"), Node("Ⅰ-2", None, 2, 1, "乙")]
    nodes += [Node(c, "Ⅰ-1", k, 2, f"项{k}") for k, c in enumerate(ITEMS)] + [Node("Ⅱ-9", "Ⅰ-2", 1, 2, "独")]
    return Framework("small", {"zh": "小"}, {}, {}, tuple(nodes))


def judged(experts: int = 4, *, noise: float = 0.5, lacking: str = "") -> pd.DataFrame:
    """Judgements on the 1-9 scale; ``lacking`` (some, all): who did not compare the first two items."""
    rng, rows = np.random.default_rng(7), []
    for e in range(experts):
        rows.append((f"专家{e}", "total", "Ⅰ-1", "Ⅰ-2", 3.0))
        for i in range(4):
            for j in range(i + 1, 4):
                value = float(np.exp(STEPS[np.abs(STEPS - 0.4 * (j - i) - rng.normal(0, noise)).argmin()]))
                if (i, j) == (0, 1) and (lacking == "all" or (lacking and e % 2)):
                    value = np.nan
                rows.append((f"专家{e}", "Ⅰ-1", ITEMS[i], ITEMS[j], value))
    return pd.DataFrame(rows, columns=["expert", "node", "row", "column", "value"])


CASES: dict[str, tuple[dict, dict]] = {
    "dropping": ({"experts": 6, "noise": 1.2}, {"max_cr": 0.1}),
    "say": ({}, {"expert_weights": {"专家0": 2, "专家1": 1, "专家2": 1, "专家3": 0}}),
    "priorities": ({}, {"how": "aip"}),
    "arithmetic": ({}, {"how": "aip", "mean": "arithmetic", "method": "column_mean"}),
    "row means": ({}, {"method": "geometric_mean"}),
    "some missing": ({"lacking": "some"}, {}),
    "all missing": ({"lacking": "all"}, {}),
    "harker": ({"lacking": "some"}, {"completion": "harker"}),
    "harker, all missing": ({"lacking": "all"}, {"completion": "harker"}),
}
RECALCULATED = ["dropping", "arithmetic", "some missing", "harker, all missing"]


@cache
def tree(case: str) -> AHPTree:
    table, options = CASES[case]
    return ahp_tree(judged(**table), framework(), **options)


@cache
def written(case: str) -> bytes:
    return weights_book(tree(case), cover=COVER)


def opened(content: bytes | Path, *, values: bool) -> openpyxl.Workbook:
    return openpyxl.load_workbook(
        io.BytesIO(content) if isinstance(content, bytes) else content, data_only=values
    )


def formulas(content: bytes) -> dict[tuple[str, str], str]:
    book = opened(content, values=False)
    return {
        (sheet.title, cell.coordinate): cell.value
        for sheet in book
        for row in sheet.iter_rows()
        for cell in row
        if cell.data_type == "f"
    }


def local_of(book: openpyxl.Workbook) -> dict[str, float]:
    """Code -> weight among siblings, from the sheet of weights."""
    return {r[0]: r[3] for r in book["权重"].iter_rows(min_row=4, values_only=True) if r[0]}


@pytest.mark.parametrize("case", CASES)
def test_cached_values_are_the_library_s(case):
    t, book = tree(case), opened(written(case), values=True)
    local, expected = local_of(book), t.framework.local_weights
    assert local == pytest.approx(expected.to_dict(), abs=2 * CLOSE)
    consistency = [r for r in book["一致性"].iter_rows(min_row=4, values_only=True)]
    crs = {r[0].split()[0]: r[7] for r in consistency[: len(t.groups)]}
    assert crs["Ⅰ-1"] == pytest.approx(t.groups["Ⅰ-1"].cr, abs=1e-8)
    whole = next(r for r in consistency if r[0] == "各层合计")
    assert whole[3] == pytest.approx(t.hierarchy["cr"].iloc[-1], abs=1e-8)
    panel = list(book["Ⅰ-1"].iter_rows(min_row=5, max_row=4 + len(t.groups["Ⅰ-1"].experts), values_only=True))
    experts = t.groups["Ⅰ-1"].experts
    assert [r[0] for r in panel] == experts["expert"].tolist()
    assert [r[1] for r in panel] == pytest.approx(experts["cr"].tolist(), abs=1e-8)
    assert [bool(r[3]) for r in panel] == experts["used"].tolist()
    assert [r[5] for r in panel] == pytest.approx(experts["share"].tolist(), abs=1e-12)


def test_nothing_leaves_the_workbook_and_text_is_no_formula():
    content = written("dropping")
    names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert not [n for n in names if "external" in n.lower()]
    told = formulas(content)
    assert len(told) > 500 and not [f for f in told.values() if "[" in f or "http" in f.lower()]
    sheet = opened(content, values=False)["权重"]
    assert sheet["B4"].value == "=甲" and sheet["B4"].data_type == "s"
    assert content == weights_book(tree("dropping"), cover=COVER)


def test_a_matrix_has_inputs_above_and_formulas_below_its_diagonal():
    sheet = opened(written("dropping"), values=False)["Ⅰ-1"]
    at = next(r for r in range(1, 200) if sheet.cell(r, 1).value == "专家0" and r > 12) + 2
    cells = [[sheet.cell(at + i, 2 + j) for j in range(4)] for i in range(4)]
    for i in range(4):
        assert cells[i][i].value == 1
        for j in range(i):
            assert cells[i][j].value == f"=1/{cells[j][i].coordinate}" and cells[j][i].data_type == "n"


def test_a_panel_too_large_to_recheck_is_refused(tmp_path):
    many = judged(61)
    with pytest.raises(ParameterError, match=r"61 experts judged node total.*at most 60"):
        write_weights_book(tmp_path / "w.xlsx", ahp_tree(many, framework()), cover=COVER)
    assert not list(tmp_path.iterdir())


def test_english_and_a_name_that_looks_like_a_formula():
    table = judged(2).replace({"专家0": "=HYPERLINK(1)"})
    book = opened(
        weights_book(ahp_tree(table, framework()), cover=Cover("Weights", language="en")), values=False
    )
    assert book.sheetnames == ["Cover", "Settings", "Consistency", "Weights", "Whole", "Ⅰ-1"]
    assert book["Ⅰ-1"]["A5"].value == "=HYPERLINK(1)" and book["Ⅰ-1"]["A5"].data_type == "s"


# --- an office program calculates


@pytest.fixture(scope="module")
def recalculated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, openpyxl.Workbook]:
    """Some cases, and one with a changed judgement and a wider bound, as LibreOffice calculates them."""
    folder = tmp_path_factory.mktemp("office")
    profile = folder / "profile" / "user"
    profile.mkdir(parents=True)
    (profile / "registrymodifications.xcu").write_text(
        '<?xml version="1.0" encoding="UTF-8"?><oor:items xmlns:oor="http://openoffice.org/2001/registry">'
        '<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode" '
        'oor:op="fuse"><value>0</value></prop></item></oor:items>',
        encoding="utf-8",
    )
    for case in RECALCULATED:
        (folder / f"{case}.xlsx").write_bytes(written(case))
    book = opened(written("dropping"), values=False)
    sheet = book["Ⅰ-1"]
    at = next(r for r in range(12, 200) if sheet.cell(r, 1).value == "专家0") + 2
    sheet.cell(at, 5).value = 1 / 9  # Ⅱ-1 against Ⅱ-4
    book["参数"]["B4"].value = 0.25
    book.save(folder / "changed.xlsx")
    (folder / "out").mkdir()
    command = ["soffice", f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless"]
    command += ["--convert-to", "xlsx", "--outdir", str(folder / "out")]
    subprocess.run(
        [*command, *map(str, sorted(folder.glob("*.xlsx")))], check=True, capture_output=True, timeout=120
    )
    return {p.stem: opened(p, values=True) for p in (folder / "out").glob("*.xlsx")}


@office
@pytest.mark.parametrize("case", RECALCULATED)
def test_libreoffice_agrees_with_every_cached_value(recalculated, case):
    before, after = opened(written(case), values=True), recalculated[case]
    for sheet, cell in formulas(written(case)):
        ours, theirs = before[sheet][cell].value, after[sheet][cell].value
        if isinstance(ours, str):
            assert ours == theirs, (sheet, cell)
        else:
            assert theirs == pytest.approx(ours, abs=1e-8), (sheet, cell)


@office
def test_a_changed_judgement_moves_weights_consistency_and_who_counts(recalculated):
    table = judged(**CASES["dropping"][0])
    at = (table["expert"] == "专家0") & (table["row"] == "Ⅱ-1") & (table["column"] == "Ⅱ-4")
    table.loc[at, "value"] = 1 / 9
    expected = ahp_tree(table, framework(), max_cr=0.25)
    assert expected.groups["Ⅰ-1"].dropped != tree("dropping").groups["Ⅰ-1"].dropped
    book = recalculated["changed"]
    assert local_of(book) == pytest.approx(expected.framework.local_weights.to_dict(), abs=1e-7)
    panel = list(book["Ⅰ-1"].iter_rows(min_row=5, max_row=10, values_only=True))
    experts = expected.groups["Ⅰ-1"].experts
    assert [r[1] for r in panel] == pytest.approx(experts["cr"].tolist(), abs=1e-7)
    assert [bool(r[3]) for r in panel] == experts["used"].tolist()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_chapters_of_a_panel_of_one_and_of_scores_that_a_method_refuses(tiny, monkeypatch, language):
    from commlab.report import chapters

    report = chapters.open_report(tiny, "2019Q4", None, language)
    judged, scores = report.period.judgments, report.period.scores("district")
    lone = judged["expert"].iloc[0]
    kind = type(report.period)
    unasked = judged["row"].isin(["Ⅱ-1", "Ⅱ-2"]) & judged["column"].isin(["Ⅱ-1", "Ⅱ-2"])
    alone = judged[(judged["expert"] == lone) & ~unasked]
    monkeypatch.setattr(kind, "judgments", alone, raising=False)
    monkeypatch.setattr(
        kind, "scores", lambda *_: scores.assign(score=scores["score"] * (scores.index % 7 > 0))
    )
    ratios, nodes, _ = chapters.expert_weights(report).blocks
    assert len(ratios.table) == 1 and (nodes.table["used"] == 1).all()
    assert ("仅出自一位专家：总目标" in nodes.notes[0]) == (language == "zh")
    assert ("有1处未作判断" if language == "zh" else "Judgements not made: 1") in nodes.notes[1]
    assert chapters.matrices(report).blocks and chapters.mending(report).blocks
    assert isinstance(chapters.firmness(report).blocks[0], str)  # no interval over one expert
    told = " ".join(chapters.data_weights(report).blocks[0].notes)
    assert ("MEREC（有得分为0）" if language == "zh" else "MEREC (a score is 0)") in told
    assert language == "en" or "need" not in told
