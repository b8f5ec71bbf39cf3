"""How experts answer, as files: every way ends in the same table of judgements; bad cells are named."""

from __future__ import annotations

import datetime as dt

import openpyxl
import pandas as pd
import pytest
import yaml

import commlab as cl
from commlab.errors import DataError, ParameterError
from commlab.framework import Framework, Node
from commlab.intake import READERS
from commlab.intake.table import read_tables
from commlab.report import chapters
from commlab.report.finding import Finding
from commlab.study.clean import Names
from commlab.study.raw import find_files
from commlab.study.reading import FileReader
from commlab.weights import ahp_tree

LABELS = {
    "total": "total",
    "Ⅰ-1": "治理体系",
    "Ⅰ-2": "治理水平",
    "Ⅰ-3": "治理环境",
    "Ⅱ-1": "党建",
    "Ⅱ-2": "自治",
}
CODES = LABELS | {"Ⅱ-1.1": "组织建设", "Ⅱ-1.2": "组织生活"}
UNITS = pd.DataFrame([("昆明市", "city", None, "昆明市")], columns=["unit", "level", "parent", "name"])
FILE = "专家判断/AHP_专家01.xlsx"
TOP = ["Ⅰ-1", "Ⅰ-2", "Ⅰ-3"]
PAIRS = {("Ⅰ-1", "Ⅰ-2"): 3.0, ("Ⅰ-1", "Ⅰ-3"): 5.0, ("Ⅰ-2", "Ⅰ-3"): 2.0}
JAN = {k: dt.datetime(2019, 1, k) for k in (2, 3, 5)}


def read(path, sheets, spec=None, given=None, codes=CODES):
    """Every table of a workbook with these sheets: judgements, ledger."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path / "a.xlsx")
    options = {"period": "2019Q4", "units": UNITS, "codes": codes, "given": given or {}}
    got = [
        READERS["judgments"](raw, spec or {}, **options)
        for raw in read_tables(path / "a.xlsx", name=FILE).values()
    ]
    frames, ledgers = [m.frame for m in got if len(m.frame)], [m.ledger for m in got if len(m.ledger)]
    return (
        pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=["node"]),
        pd.concat(ledgers, ignore_index=True) if ledgers else pd.DataFrame(columns=["rule", "severity"]),
    )


def ratios(frame, node="total"):
    """(first, second) -> ratio, the pair in the framework's order."""
    out = {}
    for r in frame[frame["node"] == node].itertuples():
        first = (r.row, r.column) if r.row < r.column else (r.column, r.row)
        out[first] = r.value if first[0] == r.row else 1 / r.value
    return out


MATRICES = {
    "square": [["total", *TOP], ["Ⅰ-1", 1, 3, 5], ["Ⅰ-2", "1/3", 1, 2], ["Ⅰ-3", "1/5", "1/2", 1]],
    "rounded": [["total", *TOP], ["Ⅰ-1", 1, 3, 5], ["Ⅰ-2", 0.33, 1, 2], ["Ⅰ-3", 0.2, 0.5, 1]],
    "lower triangle": [["total", *TOP], ["Ⅰ-1", 1], ["Ⅰ-2", "1/3", 1], ["Ⅰ-3", "1/5", "1/2", 1]],
    "lower without diagonal": [["total", *TOP[:2]], ["Ⅰ-2", "1/3"], ["Ⅰ-3", "1/5", "1/2"]],
    "upper without last row": [["total", *TOP], ["Ⅰ-1", 1, 3, 5], ["Ⅰ-2", None, 1, 2]],
    "labels": [
        ["一级指标", *[LABELS[c] for c in TOP]],
        ["治理体系", 1, 3, 5],
        ["治理水平", None, 1, 2],
        ["治理环境"],
    ],
    "codes with labels, title, note": [
        ["治理指标两两比较表"],
        ["total", *[f"{c} {LABELS[c]}" for c in TOP]],
        ["Ⅰ-1 治理体系", 1, 3, 5],
        ["Ⅰ-2 治理水平", None, 1, 2],
        ["Ⅰ-3 治理环境", None, None, 1],
        ["注：按1-9标度填写"],
    ],
    "fractions that became dates": [
        ["total", *TOP],
        ["Ⅰ-1", 1],
        ["Ⅰ-2", JAN[3], 1],
        ["Ⅰ-3", JAN[5], JAN[2], 1],
    ],
    "ratios with a colon": [["total", *TOP], ["Ⅰ-1", 1, "3:1", "5：1"], ["Ⅰ-2", None, 1, "2:1"]],
}


@pytest.mark.parametrize("name", MATRICES)
def test_every_form_of_a_matrix_says_the_same(tmp_path, name):
    frame, ledger = read(tmp_path, {"比较": MATRICES[name]}, given={"expert": "专家01"})
    assert ratios(frame) == pytest.approx(PAIRS, rel=0.011)
    assert set(frame["expert"]) == {"专家01"} and frame["source"].str.startswith(f"{FILE}#比较!").all()
    assert not (ledger["severity"] == "error").any()


def test_one_workbook_an_expert_with_a_sheet_a_node_or_matrices_below_each_other(tmp_path):
    second = [["Ⅰ-1", "Ⅱ-1", "Ⅱ-2"], ["Ⅱ-1", 1, 4], ["Ⅱ-2", "1/4", 1]]
    apart, _ = read(tmp_path, {"total": MATRICES["square"], "Ⅰ-1": second}, given={"expert": "专家01"})
    below, _ = read(tmp_path, {"判断": [*MATRICES["square"], [], *second]}, given={"expert": "专家01"})
    for frame in (apart, below):
        assert ratios(frame) == pytest.approx(PAIRS) and ratios(frame, "Ⅰ-1") == {("Ⅱ-1", "Ⅱ-2"): 4.0}


def test_words_of_the_scale(tmp_path):
    rows = [["total", *TOP], ["Ⅰ-1", 1, "稍微重要", "明显重要"], ["Ⅰ-2", None, 1, 2], ["Ⅰ-3", None, None, 1]]
    frame, _ = read(
        tmp_path, {"total": rows}, {"values": {"稍微重要": 3, "明显重要": 5}}, {"expert": "专家01"}
    )
    assert ratios(frame) == pytest.approx(PAIRS)


def test_pairs_below_the_whole_are_no_totals(tmp_path):
    spec = {"columns": {"expert": "专家", "node": "上级", "row": "甲", "column": "乙", "value": "倍数"}}
    rows = [["专家", "上级", "甲", "乙", "倍数"]]
    rows += [["E1", "total", a, b, v] for (a, b), v in PAIRS.items()]
    rows += [["E1", "Ⅰ-1", "党建", "自治", "1/4"], ["E2", "总目标", "Ⅰ-1", "Ⅰ-2", JAN[3]]]
    frame, ledger = read(tmp_path, {"Sheet1": rows}, spec)
    assert ratios(frame[frame["expert"] == "E1"]) == PAIRS
    assert ratios(frame, "Ⅰ-1") == {("Ⅱ-1", "Ⅱ-2"): 0.25}
    assert ratios(frame[frame["expert"] == "E2"]) == pytest.approx({("Ⅰ-1", "Ⅰ-2"): 1 / 3})
    assert not (ledger["severity"] == "error").any()
    # what stood there and is no number is not lost in silence
    rows[2][-1] = "两倍"
    frame, ledger = read(tmp_path, {"Sheet1": rows}, spec)
    assert ratios(frame[frame["expert"] == "E1"])[("Ⅰ-1", "Ⅰ-3")] != PAIRS[("Ⅰ-1", "Ⅰ-3")]
    assert ledger.loc[ledger["rule"] == "judgement without number", "first_cells"].tolist() == ["3:3"]


SLIDERS = [
    ["序号", "1、您的编号", "2、Ⅰ-1 治理体系 与 Ⅰ-2 治理水平", "3、治理体系—治理环境", "4、治理水平 vs 治理环境", "5、Ⅱ-1.1 VS Ⅱ-1.2", "6、党建 对 自治"],
]  # fmt: skip
SCALES = {
    "steps": ([2, 4, 1, 0, -3], [-2, -4, -1, 0, 3]),
    "signed": ([3, 5, 2, 1, -4], [-3, -5, -2, -1, 4]),
    "positions": ([11, 13, 10, 9, 6], [7, 5, 8, 9, 12]),
    "ratio": ([3, 5, 2, 1, "1/4"], ["1/3", "1/5", "1/2", 1, 4]),
}


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("higher", ["left", "right"])
def test_a_questionnaire_of_sliders(tmp_path, scale, higher):
    spec = {
        "sliders": {"scale": scale, "higher": higher},
        "columns": {"expert": "您的编号"},
        "nodes": {"Ⅰ-1": ["Ⅱ-1", "Ⅱ-2"]},
        "ignore": ["序号"],
    }
    answers = SCALES[scale][higher == "right"]
    frame, ledger = read(tmp_path, {"Sheet1": [*SLIDERS, [1, "E1", *answers], [2, "E2", *answers]]}, spec)
    for expert in ("E1", "E2"):
        mine = frame[frame["expert"] == expert]
        assert ratios(mine) == pytest.approx(PAIRS)
        assert ratios(mine, "Ⅱ-1") == pytest.approx({("Ⅱ-1.1", "Ⅱ-1.2"): 1.0})
        assert ratios(mine, "Ⅰ-1") == pytest.approx({("Ⅱ-1", "Ⅱ-2"): 0.25})
    assert frame.loc[0, "source"] == f"{FILE}#Sheet1!C2"
    assert set(ledger["rule"]) == {"ignored column"}


BAD = [
    # rows, spec, rule, what the message names
    ([["total", *TOP], ["Ⅰ-1", 1, 0, -3]], {}, "out of range", r"\] C2: 专家01, node total, .*Ⅰ-2: 0 is no judgement"),
    ([["total", *TOP], ["Ⅰ-1", 1, 3, 5], ["Ⅰ-2", 3, 1, 2]], {}, "not reciprocal", r"C2: 专家01, node total, Ⅰ-1 against Ⅰ-2 is 3"),
    ([["total", "Ⅰ-1", "Ⅰ-9"], ["Ⅰ-1", 1, 3]], {}, "unknown code", "专家01, node total: the columns Ⅰ-9"),
    ([["total", *TOP], ["Ⅰ-1", 1, 3, "很多"], ["Ⅰ-2", None, 1, 4]], {}, "letters for a number", r"D2: 专家01, node total"),
    ([["total", *TOP], ["Ⅰ-1", 2, 3, 4]], {}, "diagonal not 1", "Ⅰ-1 against itself is 2"),
    ([["total", *TOP], ["Ⅰ-1", 1, 3, 12]], {}, "beyond the scale", "专家01, node total, Ⅰ-1 against Ⅰ-3: 12"),
    ([["指标", *TOP], ["Ⅰ-1", 1, 3, 5]], {}, "unknown node", "neither the corner .* nor the sheet"),
    ([["total", *TOP], ["Ⅰ-1", 1, 3, 5], ["Ⅰ-1", 1, 2, 5]], {}, "repeated row", "A3: 专家01, node total: Ⅰ-1 stand"),
    (
        [["甲", "乙", "倍数"], ["Ⅰ-1", "Ⅰ-2", -2], ["Ⅰ-1", "Ⅰ-3", 3]],
        {"columns": {"row": "甲", "column": "乙", "value": "倍数"}, "node": "total"},
        "out of range",
        r"C2: 专家01, node total, Ⅰ-1 against Ⅰ-2: -2",
    ),
    (
        [["专家", "Ⅰ-1 vs Ⅰ-2"], ["E1", 9], ["E2", 2]],
        {"columns": {"expert": "专家"}, "sliders": {"scale": "steps", "higher": "left"}},
        "out of range",
        "B2: E1, node total, Ⅰ-1 against Ⅰ-2: 9 lies outside",
    ),
    (
        [["专家", "Ⅱ-1 vs Ⅱ-2"], ["E1", 3], ["E2", 2]],
        {"columns": {"expert": "专家"}, "sliders": {"scale": "steps", "higher": "left"}},
        "unknown node",
        "Ⅱ-1 and Ⅱ-2 both stand below",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "spec", "rule", "message"), BAD)
def test_bad_cells_are_told_with_expert_node_and_cell(tmp_path, rows, spec, rule, message):
    _, ledger = read(tmp_path, {"比较表": rows}, spec, {"expert": "专家01"})
    assert ledger.loc[ledger["rule"] == rule, "message"].str.contains(message).any(), ledger[
        "message"
    ].tolist()


def test_an_ignored_question_that_names_two_items_is_no_slider(tmp_path):
    spec = {
        "sliders": {"scale": "steps", "higher": "left"},
        "columns": {"expert": "专家"},
        "ignore": ["2、您对治理体系与治理环境的意见"],
    }
    rows = [
        ["专家", "1、治理体系与治理水平", "2、您对治理体系与治理环境的意见"],
        ["E1", 2, "很好"],
        ["E2", 1, "一般"],
    ]
    frame, ledger = read(tmp_path, {"S": rows}, spec)
    assert len(frame) == 2 and set(ledger["rule"]) == {"ignored column"}


def test_an_export_of_sliders_says_its_scale(tmp_path):
    with pytest.raises(ParameterError, match="scale: one of ratio, signed"):
        read(tmp_path, {"S": [["专家", "Ⅰ-1 vs Ⅰ-2"], ["E1", 1]]}, {"sliders": {"scale": "steps"}})


def test_pairs_that_contradict_each_other_stop_the_weights(tmp_path):
    spec = {"columns": {"row": "甲", "column": "乙", "value": "倍数"}, "node": "total"}
    rows = [["甲", "乙", "倍数"], ["Ⅰ-1", "Ⅰ-2", 2], ["Ⅰ-2", "Ⅰ-1", 3], ["Ⅰ-1", "Ⅰ-3", 2]]
    frame, _ = read(tmp_path, {"S": rows}, spec, {"expert": "专家01"})
    nodes = tuple(Node(c, None, k, 1, LABELS[c]) for k, c in enumerate(TOP))
    with pytest.raises(DataError, match=r"expert 专家01, node total, cell \(Ⅰ-1, Ⅰ-2\).*reciprocal"):
        ahp_tree(frame, Framework("f", {"zh": "f"}, {}, {}, nodes), min_experts=1)


def test_a_pair_below_a_node_that_the_framework_does_not_know_is_refused_and_told(tmp_path):
    spec = {"columns": {"node": "层级", "row": "甲", "column": "乙", "value": "倍数"}}
    rows = [
        ["层级", "甲", "乙", "倍数"],
        ["总目标", "Ⅰ-1", "Ⅰ-2", 2],
        ["Ⅰ-99", "Ⅱ-1", "Ⅱ-2", 3],
        [None, "Ⅰ-1", "Ⅰ-3", 2],
    ]
    frame, ledger = read(tmp_path, {"S": rows}, spec, {"expert": "专家01"})
    assert frame["node"].tolist() == ["total"]
    told = ledger[ledger["action"] == "rejected"].set_index("rule")
    assert set(told.index) == {"unknown code", "judgement without node"} and (told["n"] == 1).all()
    assert "Ⅰ-99" in told.loc["unknown code", "message"] and "A3" in told.loc["unknown code", "first_cells"]


def test_a_label_that_two_items_share_names_neither(tmp_path):
    spec = {"sliders": {"scale": "steps", "higher": "left"}, "columns": {"expert": "专家"}}
    codes = CODES | {"Ⅱ-2": "党建"}
    frame, ledger = read(
        tmp_path, {"S": [["专家", "治理体系与治理水平", "党建与组织建设"], ["E1", 1, 1]]}, spec, codes=codes
    )
    assert set(frame["row"]) == {"Ⅰ-1"}
    assert "党建与组织建设" in " ".join(ledger["column"].astype(str))


def test_sliders_of_a_study_find_the_node_in_its_framework(tiny_copy):
    """``nodes:`` need not say what the framework knows: which node two items of the second level stand below."""
    settings = tiny_copy / "study.yaml"
    sliders = {
        "name": "sliders", "label": {"zh": "滑块", "en": "sliders"}, "files": "滑块/*.xlsx", "each": "many",
        "reader": "judgments", "sliders": {"scale": "steps", "higher": "left"}, "columns": {"expert": ["专家"]},
    }  # fmt: skip
    block = yaml.safe_dump([sliders], allow_unicode=True, sort_keys=False)
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("inputs:\n", "inputs:\n" + block, 1), encoding="utf-8")
    study = cl.open_study(tiny_copy)
    first, second = study.framework.children("Ⅰ-1")[:2]
    book = openpyxl.Workbook()
    book.active.append(["专家", f"{study.framework.node(first).zh}—{study.framework.node(second).zh}"])
    book.active.append(["E1", 2])
    folder = tiny_copy / "data" / "raw" / "2019Q4" / "滑块"
    folder.mkdir()
    book.save(folder / "导出.xlsx")
    files = [f for f in find_files(study.config, "2019Q4")[0] if f.input.name == "sliders"]
    names = Names.of(study.register.units, study.register.aliases)
    reader = FileReader(study.config, study.register, study.framework, names, "2019Q4", files)
    (read_,) = reader.read(files[0])
    told = read_.frame[["expert", "node", "row", "column", "value"]].to_numpy().tolist()
    assert told == [["E1", "Ⅰ-1", first, second, 3.0]]


def test_proposals_stand_beside_the_statistics_without_names(tiny, monkeypatch):
    report = chapters.open_report(tiny, "2019Q4", None, "zh")
    opinions = report.period.opinions.copy()
    opinions["full_score"] = 10.0
    last = opinions[opinions["round"] == opinions["round"].max()].index
    opinions["proposal"] = None
    opinions.loc[last[:2], "proposal"] = ["建议改为“每千户社会组织数”", "  "]
    asked = opinions.loc[last[0], "code"]
    monkeypatch.setattr(type(report.period), "opinions", opinions, raising=False)
    section = chapters.delphi_rounds(report)
    found = next(b for b in section.blocks if isinstance(b, Finding) and "proposal" in b.table)
    assert found.table[["code", "proposal"]].to_numpy().tolist() == [[asked, "建议改为“每千户社会组织数”"]]
    assert "expert" not in found.table and "1条修改意见" in found.text
    importance = next(b for b in section.blocks if isinstance(b, Finding) and "full_score_rate_1" in b.table)
    assert (importance.table["full_score_rate_1"] == 0).all()  # on a scale to 10 nobody gave full marks
