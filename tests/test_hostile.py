"""Hostile strings and files: a few of them at every door; the whole list and whole studies are tried by ``make torture``."""

from __future__ import annotations

import ast
import csv
import io
import os
import zipfile
from pathlib import Path

import pandas as pd
import pytest

import commlab as cl
from commlab.errors import CommlabError, DataError, StudyError
from commlab.framework import load_framework
from commlab.intake import load_codebook, read_questionnaire, read_table
from commlab.report import Col, Cover, Finding
from commlab.report.document import build_document
from commlab.report.finding import blocks
from commlab.report.pdf import pdf_bytes
from commlab.study.naming import folder_fault, look_alikes, naming_lines
from commlab.study.raw import find_files
from tools.tortured import doors
from tools.tortured.attacks import attacks
from tools.tortured.doors import DOORS, REFUSED, tried

STEP = 60
HIDDEN = "五华\u200b区\u202e"


def test_the_list_has_what_was_given_and_two_hundred_of_its_own() -> None:
    names = [a.name for a in attacks()]
    assert sum(n.startswith("O") for n in names) > 200 and {"F01", "H01", "X02", "P05", "U03", "L02"} <= set(
        names
    )
    assert len({a.kind for a in attacks()}) > 15


@pytest.mark.parametrize("name", DOORS)
def test_a_hostile_string_is_text_or_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    start = list(DOORS).index(name) % STEP  # another share of the list at every door
    wrong = {
        str(a): answer
        for a in attacks()[start::STEP]
        if (answer := tried(DOORS[name], a.text, tmp_path)) not in ("", REFUSED)
    }
    assert not wrong
    assert not list(tmp_path.rglob("PWNED*"))


@pytest.mark.parametrize(
    "cell", ["=1+1", "\x0b=1+1", "\u2060+1+1", "＝1+1", "\u3000@SUM(1)", "-2+3", "\u200d=1"]
)
def test_the_test_of_spreadsheets_sees_formulas(cell: str) -> None:
    assert doors.executes(cell) and not doors.executes(f"'{cell}") and not doors.executes("-2.5")


# ------------------------------------------------------------------------------------------- what nobody sees
def _csv(path: Path, rows: list[list[str]]) -> Path:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    path.write_text(out.getvalue(), encoding="utf-8")
    return path


def test_what_nobody_sees_is_taken_out_and_told_with_its_cells(tmp_path: Path) -> None:
    rows = [["社区", "户\u200b数"], [HIDDEN, "1\u20602"], ["乙社区", "13"], ["丙👨‍👩‍👧社区", "14"]]
    raw = read_table(_csv(tmp_path / "a.csv", rows))
    assert raw.frame["社区"].tolist() == ["五华区", "乙社区", "丙👨‍👩‍👧社区"] and raw.frame[
        "户数"
    ].tolist() == [12, 13, 14]
    (line,) = raw.ledger[raw.ledger["rule"] == "unseen_characters"].to_dict("records")
    assert (line["n"], line["first_cells"], line["before"]) == (3, "B1, A2, B2", "U+200B, U+202E, U+2060")
    assert line["action"] == "changed"


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_what_nobody_sees_in_a_questionnaire_is_taken_out_and_told(suffix: str, tmp_path: Path) -> None:
    book = load_codebook(
        {"instrument": "a", "items": {"q": {"question": "满意吗", "options": {"满意": 5, "一般": 3}}}}
    )
    rows = [["序号", "满意吗"], ["1", "满\u200b意"], ["2", "一般"], ["3", "满意"], ["4", "一\u202e般"]]
    path = tmp_path / f"a.{suffix}"
    if suffix == "csv":
        _csv(path, rows)
    else:
        pd.DataFrame(rows[1:], columns=rows[0]).to_excel(path, index=False)
    answers = read_questionnaire(path, book)
    assert answers.frame["q"].tolist() == [5, 3, 5, 3]
    line = answers.ledger[answers.ledger["rule"] == "unseen_characters"].iloc[0]
    assert line["n"] == 2 and set(line["first_cells"].split(", ")) == {"B2", "B5"}


def test_the_register_and_names_that_look_alike_are_told(tiny_copy: Path) -> None:
    path = tiny_copy / "data/register/units.csv"
    text = path.read_text(encoding="utf-8")
    name = next(r["name"] for r in csv.DictReader(io.StringIO(text)) if r["level"] == "community")
    path.write_text(text.replace(f",{name},", f",{name[0]}\u200b{name[1:]},", 1), encoding="utf-8")
    aliases = tiny_copy / "data/register/aliases.csv"
    aliases.write_text(aliases.read_text(encoding="utf-8") + "Кunming,昆明市\n", encoding="utf-8")
    register = cl.open_study(tiny_copy).register
    assert name in set(register.units["name"])
    rater = pd.DataFrame({"rater": ["专家A", "专家А"]})
    lines = list(naming_lines(tiny_copy, register, [pd.DataFrame({"found": ["翠湖ロ社区"]})], [rater]))
    assert [(x["rule"], x["before"]) for x in lines] == [
        ("unseen_characters", "U+200B"), ("look-alike names", "Кunming"), ("look-alike names", "翠湖ロ社区"), ("look-alike names", "专家А")
    ]  # fmt: skip
    assert lines[0]["file"] == "data/register/units.csv" and lines[1]["after"] == "Kunming"


def test_look_alikes_leave_usual_names_alone() -> None:
    assert not look_alikes(["翠湖社区", "A座社区", "Ⅱ-4.1", "ニコニコ", "Москва", "石林县"])
    assert look_alikes(["wuhuа"]) == {"wuhuа": "wuhua"}


# ---------------------------------------------------------------------------------------------- names of paths
@pytest.mark.parametrize(
    "name", ["../x", "a/b", "a\\b", "CON", "com1.txt", "-rf", ".x", "a.", "a ", "city", "Methods", "a:b", "$(x)", "区" * 61, "", " ", "a\x00b"]
)  # fmt: skip
def test_a_district_cannot_name_a_folder_elsewhere(name: str) -> None:
    assert folder_fault(name)


@pytest.mark.parametrize(
    "name", ["五华区", "阳宗海风景区", "石林县(含园区)", "District No.1", "Ürümqi", "A·B-C"]
)
def test_usual_districts_name_their_folder(name: str) -> None:
    assert folder_fault(name) == ""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
@pytest.mark.parametrize("name", ["五华区\u202exslx.csv", "a\nb.csv", b"\xff\xfe.csv"])
def test_a_file_whose_name_hides_something_is_refused(name: str | bytes, tiny_copy: Path) -> None:
    folder = tiny_copy / "data/raw/2019Q4/社区统计"
    with open(
        os.path.join(os.fsencode(folder), name if isinstance(name, bytes) else os.fsencode(name)), "wb"
    ) as file:
        file.write(b"a,b\n1,2\n")
    with pytest.raises(StudyError, match=r"holds what nobody sees.*rename the file") as error:
        find_files(cl.open_study(tiny_copy).config, "2019Q4")
    assert str(error.value).isprintable()


def test_a_file_that_changes_while_it_is_read_and_changes_back_leaves_nothing_fresh(
    tiny_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from commlab.study import clean as cleaning

    path = tiny_copy / "data/raw/2019Q3/社区统计/五华区.xlsx"
    good = path.read_bytes()
    usual = cleaning.find_files

    def exchanged(*given: object) -> object:
        found = usual(*given)  # type: ignore[arg-type]
        path.write_bytes((path.parent / "盘龙区.xlsx").read_bytes())
        return found

    period = cl.open_study(tiny_copy).period("2019Q3")
    with monkeypatch.context() as patch:
        patch.setattr(cleaning, "find_files", exchanged)
        with pytest.raises(StudyError, match="changed while they were read"):
            period.clean()
    path.write_bytes(good)
    again = cl.open_study(tiny_copy).period("2019Q3")
    again.clean()
    read = again.measures["source"].str.contains("社区统计/五华区")
    assert read.sum() > 100 and again.measures.loc[read, "unit"].str.startswith("五华区/").all()


def test_messages_spell_out_what_nobody_sees_and_stay_short() -> None:
    assert str(DataError("found \x1b[2J\u202e", file="a\u200b")) == "a\\u200b: found \\x1b[2J\\u202e"
    assert len(str(StudyError("x" * 100_000 + "mend it"))) < 5_000 and str(
        StudyError("x" * 100_000 + "mend it")
    ).endswith("mend it")


# --------------------------------------------------------------------------------------------- hostile files
@pytest.mark.parametrize(
    "text",
    [
        "a: &a [*a]", "a: !!python/object/apply:os.system ['touch PWNED']", "a: !!python/name:os.system", "a: b: c", "a: [", "a: \"\\uD800\"", "[]", "",
        "a: &a [x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\n"
        "e: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e]",
    ],
)  # fmt: skip
def test_hostile_yaml_is_refused(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "study.yaml"
    path.write_text(text, encoding="utf-8")
    for reader in (load_framework, load_codebook, cl.open_study):
        with pytest.raises(CommlabError):
            reader(path)
    assert not (tmp_path / "PWNED").exists()


def _workbook(tmp_path: Path, part: str, old: bytes, new: bytes) -> Path:
    plain, path = tmp_path / "plain.xlsx", tmp_path / "a.xlsx"
    pd.DataFrame({"社区": ["甲", "乙"], "户数": [1, 2]}).to_excel(plain, index=False, engine="xlsxwriter")
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            assert name != part or old in data
            target.writestr(name, data.replace(old, new) if name == part else data)
    return path


@pytest.mark.parametrize(
    ("part", "old", "new"),
    [
        ("xl/sharedStrings.xml", b'uniqueCount="', b'uniqueCount="429496729'),
        ("xl/sharedStrings.xml", b"<sst ", b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><sst "),
        ("xl/worksheets/sheet1.xml", b'r="A3"', b'r="XFD1048576"'),
    ],
)
def test_workbooks_that_claim_or_ask_too_much_are_refused(
    part: str, old: bytes, new: bytes, tmp_path: Path
) -> None:
    try:
        raw = read_table(_workbook(tmp_path, part, old, new))
    except DataError:
        return
    assert "root:" not in raw.frame.to_csv() and raw.frame.size < 100


def test_characters_that_the_fonts_lack_break_no_pdf() -> None:
    odd = "👨‍👩‍👧 العربية \ue000 𠀀 é\u0335 🇨🇳"
    finding = Finding(pd.DataFrame({"a": [odd]}), odd, title=odd, columns={"a": Col(odd)}, notes=[odd])
    document = build_document(
        [b for item in (Cover(odd), finding) for b in blocks(item)], language="zh", name="x"
    )
    assert pdf_bytes(document).startswith(b"%PDF")


# --------------------------------------------------------------------------------------------------- the code
FORBIDDEN = {"eval", "exec", "compile", "__import__"}
MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "telnetlib", "ftplib", "smtplib"}
SHELL = {
    "system",
    "popen",
    "spawnl",
    "getoutput",
    "getstatusoutput",
    "read_pickle",
    "to_pickle",
    "unsafe_load",
    "full_load",
}


def test_the_library_has_no_eval_no_pickle_and_no_shell() -> None:
    found, files = [], sorted(Path(cl.__file__).parent.rglob("*.py"))
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            where = f"{path.name}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", "")
                attribute = getattr(node.func, "attr", "")
                owner = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
                found += [f"{where} {name}"] * (name in FORBIDDEN)
                found += [f"{where} {owner}.{attribute}"] * (
                    attribute in SHELL or (owner == "yaml" and attribute in ("load", "load_all"))
                )
                found += [f"{where} shell"] * any(
                    k.arg == "shell" and getattr(k.value, "value", True) is not False for k in node.keywords
                )
                found += [f"{where} {attribute} of a made-up text"] * (
                    attribute in ("query", "eval") and not isinstance(node.args[0], ast.Constant)
                )
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [a.name for a in node.names] + [getattr(node, "module", "") or ""]
                found += [f"{where} import {n}" for n in names if n.split(".")[0] in MODULES]
    assert len(files) > 150 and not found
