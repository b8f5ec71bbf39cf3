"""Why a file cannot be read speaks the study's language, whatever the reader finds wrong with it."""

from __future__ import annotations

import ast
import re
import zipfile
from pathlib import Path

import openpyxl
import pytest

import commlab as cl
from commlab.errors import DataError
from commlab.intake import read_table
from commlab.study.faults import FAULTS, PARTS, spoken
from commlab.text import Text

ZH = Text("zh")
INTAKE = Path(cl.__file__).parent / "intake"
NOT_OF_RAW_FILES = {"codebook", "checks"}
"""Modules whose errors are about codebooks (tried below) or frames."""


def sentence(node: ast.expr) -> str | None:
    """A message as it could read: every field holds a word."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(v.value if isinstance(v, ast.Constant) else "x7" for v in node.values)  # type: ignore[misc]
    return None


def raised() -> dict[str, str]:
    """Every sentence of a DataError (or of a module's constant or helper for one) -> the module."""
    found = {}
    for path in sorted(INTAKE.glob("*.py")):
        if path.stem in NOT_OF_RAW_FILES:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name not in ("DataError", "_refuse"):
                continue
            given = node.args[0]
            if isinstance(given, ast.Name) and given.id in constants:
                given = constants[given.id]
            told = sentence(given)
            if told == "x7this is not YAML: x7":  # the line in front
                told = "line 7: this is not YAML: x7"
            if told is None:
                assert ast.unparse(given) in ("message", "told"), (
                    f"{path.name}:{node.lineno} {ast.unparse(given)}"
                )
            else:
                found[told] = path.name
    return found


def test_every_error_of_reading_a_raw_file_is_listed_and_translated() -> None:
    told = raised()
    assert len(told) > 45
    unlisted = {m: where for m, where in told.items() if spoken(m, ZH) == m}
    assert not unlisted, "add the sentence to commlab/study/faults.py and to zh.po"


def test_every_sentence_and_part_has_its_translation() -> None:
    assert [m for m in (*FAULTS, *PARTS) if not ZH.knows(m)] == []
    fields = re.compile(r"\{(\w+)\}")
    from commlab.text import _catalog

    for m in FAULTS:
        assert set(fields.findall(_catalog("zh")[m])) == set(fields.findall(m)), m


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("a.xlsx", b"", "文件是空的（0字节）；请重新报送"),
        (
            "a.xlsx",
            "社区,户数\n甲,1\n".encode(),
            "文件名是.xlsx，实际是文本文件（.csv）；请改正扩展名或重新另存",
        ),
        ("a.doc", b"x", "不读取'.doc'类型的文件"),
        (
            "a.csv",
            ("社区,户数\n" + "翠湖社区居民委员会,12\n" * 30).encode("gb18030") + b"\xff\xff,1\n",
            "第32行是GB18030编码，但已损坏或不完整",
        ),
        ("a.csv", b"", "文件是空的"),
        ("a.csv", "只有一句话".encode(), "没有找到表格"),
        (
            "a.xlsx",
            bytes.fromhex("D0CF11E0A1B11AE1") + b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0" * 99,
            "密码保护",
        ),
    ],
)
def test_faults_of_files_in_chinese(tmp_path: Path, name: str, data: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError) as error:
        read_table(tmp_path / name)
    assert told in spoken(error.value.bare, ZH)
    assert (
        str(error.value).endswith(error.value.bare)
        and spoken(error.value.bare, Text("en")) == error.value.bare
    )


BOOK: dict[str, object] = {
    "instrument": "a", "items": {"q": {"question": "满意吗", "options": {"好": 1, "差": 2}}}
}  # fmt: skip


def _item(**keys: object) -> dict[str, object]:
    return BOOK | {"items": {"q": {"question": "满意吗", "options": {"好": 1, "差": 2}} | keys}}


@pytest.mark.parametrize(
    ("book", "told"),
    [
        (_item(number=-1), "q：number应为平台上的题号，而不是-1"),
        (_item(occurrence="二"), "q：occurrence应为第几个这样的列（1、2……），而不是'二'"),
        (_item(nmber=3), "没有nmber这个键"),
        (_item(question=True), "有一项被读成True；请加引号：'是'"),
        (_item(reversed="是"), "q：reversed"),
        (BOOK | {"demographics": {"q": {"question": "性别", "options": {"男": [1]}}}}, "q：'男'的代码应为词或整数"),
        (BOOK | {"demographics": {"q": {"question": "性别", "options": {"男": "m"}}}}, "q既是人口特征又是题目的名称"),
    ],
)  # fmt: skip
def test_faults_of_codebooks_in_chinese(book: dict[str, object], told: str) -> None:
    from commlab.intake.codebook import load_codebook

    with pytest.raises(DataError) as error:
        load_codebook(book)
    spoke = [spoken(fault, ZH) for fault in error.value.faults]
    assert any(told in fault for fault in spoke), spoke


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [1", "不是合法的YAML"),
        ("a: &x [*x]", "别名包含了自己"),
        ("? [1]\n: 2", "键应为文字"),
        ("", "编码本应写明"),
    ],
)
def test_faults_of_codebook_files_in_chinese(tmp_path: Path, text: str, told: str) -> None:
    from commlab.intake.codebook import load_codebook

    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as error:
        load_codebook(tmp_path / "a.yaml")
    spoke = [spoken(fault, ZH) for fault in error.value.faults or (error.value.bare,)]
    assert any(told in fault for fault in spoke), spoke


def test_faults_of_the_register_are_listed() -> None:
    """Every DataError of the modules that read the register."""
    study = INTAKE.parent / "study"
    unlisted = []
    for name in ("register", "handkept"):
        for node in ast.walk(ast.parse((study / f"{name}.py").read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "DataError":
                told = sentence(node.args[0])
                if (
                    told and told != "units x7: x7" and spoken(told, ZH) == told
                ):  # which says one of two things
                    unlisted.append(told)
    assert not unlisted, "add the sentence to commlab/study/faults.py and to zh.po"


def test_several_tables_are_named_in_chinese(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for title, heads in (("甲", ["社区", "户数"]), ("乙", ["项目", "金额", "单位", "备注", "年份"])):
        sheet = book.create_sheet(title)
        sheet.append(heads)
        for i in range(4):
            sheet.append([f"{title}{i}", *range(1, len(heads))])
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(DataError) as error:
        read_table(tmp_path / "a.xlsx")
    told = spoken(error.value.bare, ZH)
    assert told.startswith("有2张不同的表") and "'甲'（4行，列名社区, 户数）" in told and "另有1个" in told
    assert not re.search(r"[a-z]{4,}", told.replace("study.yaml", "").replace("sheet", ""))


def test_links_and_references_in_workbooks_are_never_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cached values are read; neither an address nor another workbook is asked for anything."""
    import socket

    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["社区", "户数"], ["甲社区", 7], ["乙社区", 8]):
        sheet.append(row)
    sheet["A2"].hyperlink = "http://127.0.0.1:9/a"
    sheet["A3"].hyperlink = (tmp_path / "other.xlsx").as_uri()
    book.save(tmp_path / "plain.xlsx")
    other = openpyxl.Workbook()
    other.active["A1"] = 99
    other.save(tmp_path / "other.xlsx")
    # B2 refers to the other workbook, with 7 as the value that was stored.
    external = (
        '<?xml version="1.0"?><externalLink xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><externalBook '
        'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" r:id="rId1"/></externalLink>'
    )
    relation = (
        '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship '
        'Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/externalLinkPath" '
        'Target="other.xlsx" TargetMode="External"/></Relationships>'
    )
    with zipfile.ZipFile(tmp_path / "plain.xlsx") as old, zipfile.ZipFile(tmp_path / "a.xlsx", "w") as new:
        for part in old.namelist():
            data = old.read(part)
            if part == "xl/worksheets/sheet1.xml":
                data = re.sub(rb'(<c r="B2"[^>]*>)<v>7</v>', rb"\1<f>[1]Sheet!$A$1</f><v>7</v>", data)
                assert b"<f>" in data
            new.writestr(part, data)
        new.writestr("xl/externalLinks/externalLink1.xml", external)
        new.writestr("xl/externalLinks/_rels/externalLink1.xml.rels", relation)

    def refuse(*_: object) -> None:
        raise OSError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert read_table(tmp_path / "a.xlsx").frame["户数"].tolist() == [7, 8]
    (tmp_path / "other.xlsx").unlink()
    assert read_table(tmp_path / "a.xlsx").frame["户数"].tolist() == [7, 8]
