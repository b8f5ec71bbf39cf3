"""``commlab check`` on files that offices got wrong: every fault at once, a person can act on each, nothing is asked twice."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import io
import re
import shutil
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

import commlab as cl
from commlab.cli import main
from commlab.errors import DataError
from commlab.intake import Register, read_table
from commlab.intake.changes import RULES as CELL_RULES
from commlab.study import across
from commlab.study.advice import RULES, actions
from commlab.study.faults import in_language
from commlab.study.handkept import inert, read_csv, to_csv, unquoted
from commlab.study.ledgerbook import sheet_title, write_ledger
from commlab.study.review import OPEN, open_path, read_answers
from commlab.study.sources import late_arrivals, note_arrivals, record_sources
from commlab.tables import empty
from commlab.text import Text

PERIOD = "2019Q4"
STATISTICS = f"data/raw/{PERIOD}/社区统计"
FILE = f"{STATISTICS}/五华区.xlsx"
PHONE = 13800138000


def spoil(root: Path) -> None:
    """Plant one fault of each kind; what the tests below need is left, the rest is not sent."""
    for folder in (
        "专家判断",
        "德尔菲",
        "双向评价",
        "清单",
        "问题台账",
        "评分表/专家评分",
        "评分表/区县初评",
    ):
        for period in ("2019Q3", PERIOD):
            shutil.rmtree(root / "data/raw" / period / folder, ignore_errors=True)
    cells = read_table(root / FILE).cells
    at = {label.rpartition("/")[2]: letters for label, letters in cells.items()}
    book = openpyxl.load_workbook(root / FILE)
    sheet = book.active
    sheet["B6"] = "永某坊社区"
    sheet[f"{at['化解(件)']}5"] = 999
    sheet[f"{at['居民会议(次)']}7"] = "很多"
    sheet[f"{at['党组织(个)']}8"] = -3
    for row in (5, 6, 7, 8, 10, 11):
        cell = (
            sheet[f"{at['购买服务资金(万元)']}{row}"]
            if "购买服务资金(万元)" in at
            else sheet[f"{cells['社区服务/购买服务资金(元)']}{row}"]
        )
        cell.value = float(str(cell.value)) * 10_000
    book.save(root / FILE)
    shutil.copy(root / "data/raw/2019Q3/社区统计/盘龙区.xlsx", root / STATISTICS / "盘龙区.xlsx")
    park = root / STATISTICS / "阳宗海风景区.xlsx"
    book = openpyxl.load_workbook(park)
    book.active.delete_rows(7)
    book.save(park)
    shutil.copy(root / "data/raw/2019Q3/社区统计/五华区.xlsx", root / STATISTICS / "不存在区.xlsx")
    (root / f"data/raw/{PERIOD}/说明.txt").write_text("x", encoding="utf-8")
    answers = root / f"data/raw/{PERIOD}/居民问卷"
    first = next(answers.iterdir())
    book = openpyxl.load_workbook(first)
    sheet = book.active
    phone = next(c.column for c in sheet[1] if "手机" in str(c.value) or "电话" in str(c.value))
    sheet.cell(3, phone).value = PHONE
    book.save(first)
    sheet.delete_rows(40, sheet.max_row)
    sheet.cell(3, 2).value = "2019/12/30 08:00:00"
    book.save(answers / "居民满意度问卷_补充.xlsx")


def run(root: Path, *more: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["--study", str(root), "check", *more])
    return code, out.getvalue(), err.getvalue()


def hashes(root: Path) -> dict[str, str]:
    return {
        str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(root.rglob("*")) if p.is_file()
    }


@pytest.fixture(scope="module")
def broken(tiny_raw: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str]:
    root = tmp_path_factory.mktemp("check") / "study"
    shutil.copytree(tiny_raw, root, ignore=shutil.ignore_patterns("processed", "notebooks"))
    spoil(root)
    before = hashes(root / f"data/raw/{PERIOD}")
    code, told, _ = run(root, PERIOD)
    assert hashes(root / f"data/raw/{PERIOD}") == before, "raw files are only read"
    return root, code, told


@pytest.fixture(scope="module")
def ledger(broken: tuple[Path, int, str]) -> pd.DataFrame:
    return cl.open_study(broken[0]).period(PERIOD).ledger


@pytest.mark.parametrize(
    ("file", "rule", "severity"),
    [
        ("五华区.xlsx", "unknown unit", "error"),
        ("五华区.xlsx", "part above whole", "error"),
        ("五华区.xlsx", "letters for a number", "error"),
        ("五华区.xlsx", "negative count", "error"),
        ("五华区.xlsx", "unit slip in a column", "error"),
        ("阳宗海风景区.xlsx", "total_mismatch", "error"),
        ("五华区.xlsx", "unit missing", "warning"),
        ("盘龙区.xlsx", "other period named", "warning"),
        ("盘龙区.xlsx", "pasted from last period", "warning"),
        ("盘龙区.xlsx", "total_rounding", "rounding"),
        ("阳宗海风景区.xlsx", "unit missing", "warning"),
        ("不存在区.xlsx", "unknown district", "error"),
        ("说明.txt", "unclaimed file", "warning"),
        ("居民满意度问卷_补充.xlsx", "same person in another file", "warning"),
        ("", "outstanding", "warning"),
    ],
)
def test_every_fault_is_told_at_once(ledger: pd.DataFrame, file: str, rule: str, severity: str) -> None:
    lines = ledger[(ledger["rule"] == rule) & ledger["file"].fillna("").str.endswith(file)]
    assert len(lines) and set(lines["severity"]) == {severity}


def test_the_table_can_be_acted_on(broken: tuple[Path, int, str]) -> None:
    _, code, told = broken
    assert code == 1
    lines = told.splitlines()
    at = lines.index(f"{FILE} [社区统计表]")
    own = lines[at + 1 : at + 14]
    letters = next(line for line in own if "很多" in line)
    assert re.search(r"错误\s+[A-Z]+7\s+.*很多.*；填写数字", letters)
    assert any("化解" in line and "999" in line and "≤ " in line for line in own)
    assert any(":" in line and "整列" in line for line in own), "a column is one line"
    assert "未报" in told and "review.csv" in told and "marked/" in told
    assert not re.search(r"stands where|names no|left out", told)
    assert "“很多” stands where a number is needed" in run(broken[0], PERIOD, "--language", "en")[1]


def test_the_workbook_has_a_sheet_a_file_and_executes_nothing(
    broken: tuple[Path, int, str], ledger: pd.DataFrame
) -> None:
    book = openpyxl.load_workbook(broken[0] / f"data/processed/{PERIOD}/ledger.xlsx")
    files = ledger["file"].dropna().loc[lambda f: f != ""].nunique()
    assert len(book.sheetnames) == files + 3
    sheet = book["社区统计_五华区.xlsx"]
    heads = [c.value for c in sheet[1]]
    column = {
        name: next(k for k, head in enumerate(heads) if head and name in head)
        for name in ("单元格", "发现", "应为", "处理")
    }
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
    line = next(row for row in rows if row[column["发现"]] == "很多")
    assert re.fullmatch(r"[A-Z]+7", line[column["单元格"]]) and line[column["处理"]] == "填写数字"
    assert not any(cell.data_type == "f" for page in book for row in page.iter_rows() for cell in row)


def test_the_workbook_speaks_the_study_s_language(
    broken: tuple[Path, int, str], ledger: pd.DataFrame, tmp_path: Path
) -> None:
    """Beside names of files, columns and units, a Chinese workbook holds no English, an English one no Chinese."""
    study = cl.open_study(broken[0])
    status, names = (
        study.period(PERIOD).status,
        re.compile(r"\S+\.(xlsx|csv|txt|yaml)|Sheet1|marked|‹removed›|\bIP"),
    )
    for language, foreign in (("zh", r"[a-z]{3,}"), ("en", r"[\u4e00-\u9fff]")):
        write_ledger(tmp_path / "l.xlsx", actions(ledger, language, study.framework), status, language)
        book = openpyxl.load_workbook(tmp_path / "l.xlsx")
        texts = {page.title for page in book.worksheets[:3]} | {
            cell.value for page in book for cell in page[1]
        }
        rows = [row for page in book for row in page.iter_rows(min_row=2, values_only=True)]
        texts |= {text for row in rows for text in (row if language == "zh" else ())}
        assert [t for t in texts if re.search(foreign, names.sub("", str(t or "")))] == []


def test_marked_copies_colour_the_cells_and_repeat_nobody(
    broken: tuple[Path, int, str], ledger: pd.DataFrame
) -> None:
    folder = broken[0] / f"data/processed/{PERIOD}/marked"
    page = openpyxl.load_workbook(folder / "社区统计/五华区.xlsx.xlsx")["社区统计表"]
    cell = ledger.loc[ledger["rule"] == "letters for a number", "first_cells"].iloc[0]
    assert page[cell].value == "很多" and page[cell].fill.fgColor.rgb == "FFF8CBC6"
    assert "填写数字" in page[cell].comment.text
    assert page["B5"].fill.fill_type is None and page["B6"].fill.fgColor.rgb == "FFF8CBC6"
    answers = openpyxl.load_workbook(folder / "居民问卷/居民满意度问卷_补充.xlsx.xlsx")
    texts = [
        str(cell.value)
        for sheet in answers
        for row in sheet.iter_rows()
        for cell in row
        if cell.value is not None
    ]
    assert texts.count("‹removed›") > 20 and not any(str(PHONE) in text for text in texts)
    source = openpyxl.load_workbook(broken[0] / f"data/raw/{PERIOD}/居民问卷/居民满意度问卷_补充.xlsx").active
    opinions = [c.column for c in source[1] if "意见" in str(c.value) and "填空" in str(c.value)]
    assert opinions and not any(
        str(v) in texts
        for c in opinions
        for v in (x[0].value for x in source.iter_rows(min_row=2, min_col=c, max_col=c))
        if v
    )


def test_same_person_is_flagged_in_the_later_file(broken: tuple[Path, int, str]) -> None:
    answers = cl.open_study(broken[0]).period(PERIOD).responses
    again = answers["source"].str.contains("补充")
    flagged = answers["flags"].fillna("").str.contains("duplicate")
    # 38 answers stand in both exports; one of them has another time and is known by its telephone number.
    assert again.sum() == 38 and flagged[again].all() and not answers.loc[again, "valid"].any()
    assert not flagged[~again].all()


def test_questions_are_answered_once_and_remembered(broken: tuple[Path, int, str], tmp_path: Path) -> None:
    root = tmp_path / "study"
    shutil.copytree(broken[0], root)
    path = open_path(root, PERIOD)
    asked = pd.read_csv(path, dtype="str", keep_default_na=False)
    assert list(asked) == OPEN and set(asked["unit"]) == {""}
    name = asked[asked["found"] == "永某坊社区"].iloc[0]
    assert (
        name["within"] == "五华区"
        and name["cells"] == "B6"
        and name["nearest"].startswith("五华区/永坊社区 (")
    )
    assert "不存在区" in set(asked["found"])
    # A wrong answer is refused with its line, and stays for correction.
    path.write_text(
        to_csv(asked.assign(unit=["没有社区" if f == "永某坊社区" else "" for f in asked["found"]])),
        encoding="gb18030",
    )
    code, _, error = run(root, PERIOD)
    line = asked.index[asked["found"] == "永某坊社区"][0] + 2
    assert code == 1 and f"第{line}行" in error and "没有社区" in error and "data/processed" in error
    # The answers, as a spreadsheet in Chinese saves them: by the short name, or "no unit".
    said = {"永某坊社区": "永坊社区"}
    path.write_text(to_csv(asked.assign(unit=[said.get(f, "-") for f in asked["found"]])), encoding="gb18030")
    _, told, _ = run(root, PERIOD)
    assert not path.exists() and f"已采纳{len(asked)}个" in told and "待确认" not in told
    remembered = pd.read_csv(root / "data/register/review.csv", dtype="str")
    assert remembered.loc[remembered["found"] == "永某坊社区", "unit"].tolist() == ["五华区/永坊社区"]
    period = cl.open_study(root).period(PERIOD)
    assert "五华区/永坊社区" in set(period.measures["unit"])
    assert not set(period.ledger["rule"]) & {"unknown unit", "unknown district"}
    assert (
        period.ledger.loc[period.ledger["rule"] == "declared no unit", "file"]
        .str.endswith("不存在区.xlsx")
        .any()
    )


ROWS = (
    "unknown unit",
    "row without unit",
    "repeated row",
    "contradicting row",
    "declared no unit",
    "incomplete row",
)


def test_no_row_is_lost_and_every_clean_row_has_its_source(
    broken: tuple[Path, int, str], ledger: pd.DataFrame
) -> None:
    root, period = broken[0], cl.open_study(broken[0]).period(PERIOD)
    checked = 0
    for path in sorted((root / STATISTICS).glob("*.xlsx")):
        raw = read_table(path)
        name = f"{STATISTICS}/{path.name}"
        own = period.measures[period.measures["source"].str.startswith(f"{name}#")]
        lines = ledger[ledger["file"].eq(name)]
        row = lines["action"].eq("recognised") & lines["rule"].str.endswith(" row")
        told = lines[lines["rule"].isin(ROWS) | row]
        kept = own["source"].str.extract(r"(\d+)$")[0].nunique()
        if path.stem == "不存在区":
            assert len(own) == 0 and lines["action"].eq("rejected").all()
            continue
        assert raw.rows_read == kept + told["n"].sum(), name
        sheet = openpyxl.load_workbook(path).active
        for source in own.loc[own["value"].notna(), "source"]:
            assert sheet[source.rpartition("!")[2]].value is not None
            checked += 1
    assert checked > 300
    for table in ("measures", "responses"):
        files = period.table(table)["source"].str.partition("#")[0].unique()
        assert all((root / file).is_file() for file in files)


def test_the_order_in_which_files_are_found_does_not_matter(
    broken: tuple[Path, int, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from commlab.study import clean

    study = cl.open_study(broken[0])
    found = clean.find_files
    monkeypatch.setattr(clean, "find_files", lambda *a: tuple(part[::-1] for part in found(*a)))
    got = clean.clean_period(study.config, study.register, study.framework, PERIOD)
    there = study.period(PERIOD)
    for table in ("measures", "responses"):
        mine, other = (
            f.sort_values("source", ignore_index=True) for f in (got.tables[table], there.table(table))
        )
        pd.testing.assert_frame_equal(mine, other, check_dtype=False)
    key = ["file", "rule", "column", "message", "n"]
    mine, other = (f.sort_values(key, ignore_index=True)[key] for f in (got.ledger, there.ledger))
    pd.testing.assert_frame_equal(mine, other)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "found,unit\n翠湖,翠胡社区\n金星,也没有\n",
            ["line 2", "翠胡社区", "near it: 区/翠湖社区", "line 3"],
        ),
        ("found,unit\n甲,翠湖社区\n甲,金星社区\n", ["line 3", "answered otherwise in line 2"]),
        ("found,name\n甲,乙\n", ["has no column unit"]),
    ],
)
def test_faults_of_answers_are_named_by_line(tmp_path: Path, text: str, told: list[str]) -> None:
    units = pd.DataFrame(
        {"unit": ["区/翠湖社区", "区/金星社区"], "name": ["翠湖社区", "金星社区"], "level": "community"}
    )
    path = tmp_path / "review.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as error:
        read_answers(path, "review.csv", Register(units))
    assert all(word in str(error.value) for word in told) and str(error.value).startswith("review.csv")


def test_faults_of_answers_speak_the_study_s_language(tmp_path: Path) -> None:
    path, names = tmp_path / "review.csv", Register(pd.DataFrame({"unit": ["五华区", "盘龙区"]}))
    told = []
    for text in ("found,unit\n甲,五花区\n乙,五华区\n乙,盘龙区\n丙,海口\n", "found;unit\n甲;五华区\n"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(DataError) as error:
            read_answers(path, "data/register/review.csv", names)
        told.append(str(in_language(error.value, Text("zh"))))
        assert str(in_language(error.value, Text("en"))) == str(error.value)
    assert told[0].startswith(
        "data/register/review.csv: 第2行：“甲”填的“五花区”不是名册中的单位（相近的有五华区"
    )
    assert (
        "第4行：“乙”与第3行填写的单位不同" in told[0] and "第5行：“丙”填的“海口”不是名册中的单位；" in told[0]
    )
    assert "缺少列found, unit；现有列为found;unit" in told[1]


def test_answers_by_any_name_of_a_unit(tmp_path: Path) -> None:
    units = pd.DataFrame(
        {"unit": ["区/翠湖社区", "区/金星社区"], "name": ["翠湖社区", "金星社区"], "level": "community"}
    )
    path = tmp_path / "review.csv"
    path.write_bytes(
        "found,unit,within\n甲,区/翠湖社区,\n乙,金星居委会,\n'=丙,-,区\n丁,,\n甲,翠湖社区,\n".encode(
            "gb18030"
        )
    )
    got = read_answers(path, "review.csv", Register(units))
    assert got.fillna("").values.tolist() == [
        ["甲", "区/翠湖社区", ""],
        ["乙", "区/金星社区", ""],
        ["=丙", "", "区"],
    ]
    book = Register(units, got)
    assert book.declared_none("=丙", "区") and not book.declared_none("=丙", "别区")


@pytest.mark.parametrize("text", ["=1+1", "@SUM(A1)", "+cmd", "-2+3", "\t=1", " ＝1+1", "|x", "%x"])
def test_what_people_open_in_a_spreadsheet_is_inert(tmp_path: Path, text: str) -> None:
    assert inert(text).startswith("'") and unquoted(inert(text)) == text
    path = tmp_path / "a.csv"
    path.write_text(to_csv(pd.DataFrame({"a": [text, "-", "五华区"]}), mark=True), encoding="utf-8")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert read_csv(path, "a.csv", ("a",))["a"].map(unquoted).tolist() == [text, "-", "五华区"]


def test_sheet_names_are_safe_and_different() -> None:
    taken: set[str] = set()
    names = ["a/b[1]:*?", "A_B_1____", "'x'", "", "x" * 50, "x" * 50, "History", "社区\x00统计\n表"]
    made = [sheet_title(name, taken) for name in names]
    assert len({m.lower() for m in made}) == len(names)
    assert all(0 < len(m) <= 31 and not re.search(r"[\[\]:*?/\\']", m) for m in made)


def rules_written() -> set[str]:
    """The rules that intake and the study write into the ledger, as their code says."""
    places = {"add": 0, "reject": 0, "_add": 1, "reject_each": 2}
    written = set(CELL_RULES)
    for folder in ("intake", "study"):
        for path in (Path(cl.__file__).parent / folder).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                rules: list[ast.expr] = []
                if isinstance(node, ast.Call) and len(node.args) >= 2:
                    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                    if name == "add" and not ast.unparse(node.func).endswith("pad.add"):
                        continue
                    rules = node.args[places[name] :][:1] if name in places else []
                elif isinstance(node, ast.keyword) and node.arg == "rule" and folder == "study":
                    rules = [node.value]
                elif isinstance(node, ast.Dict):
                    rules = [
                        v
                        for k, v in zip(node.keys, node.values, strict=True)
                        if getattr(k, "value", "") == "rule"
                    ]
                elif isinstance(node, ast.For) and getattr(node.target, "elts", None):
                    # for rule, ... in (("unit slip", ...), ("jump", ...))
                    at = [getattr(name, "id", "") for name in node.target.elts]
                    rows = getattr(node.iter, "elts", [])
                    rules = [
                        row.elts[at.index("rule")]
                        for row in rows
                        if "rule" in at and isinstance(row, ast.Tuple)
                    ]
                for rule in rules:
                    ends = [rule.body, rule.orelse] if isinstance(rule, ast.IfExp) else [rule]
                    written |= {
                        end.value
                        for end in ends
                        if isinstance(end, ast.Constant) and isinstance(end.value, str)
                    }
    return {rule for rule in written if rule and '"' not in rule and not rule.startswith("'")}


def test_rules_speak_both_languages() -> None:
    """Every rule that intake and the study write has its sentence and its advice, in both languages."""
    written, t = rules_written(), Text("zh")
    assert len(written) > 110 and {"jump", "unit gone", "row sum", "total_rounding"} <= written
    assert sorted(written - set(RULES)) == [], "add the rule to commlab/study/rules.py and to zh.po"
    assert [m for pair in RULES.values() for m in pair if m and not t.knows(m)] == []


def test_unknown_rules_keep_the_ledger_s_words() -> None:
    line = {c: [None] for c in empty("ledger")} | {
        "rule": ["new rule"],
        "severity": ["error"],
        "action": ["flagged"],
        "n": [2],
        "message": ["m"],
    }
    got = actions(pd.DataFrame(line), "zh")
    assert got[["says", "advice", "found"]].values.tolist() == [["m", "", ""]]


# ------------------------------------------------------------------------------------------------ across files
def _answers(rows: list[tuple[str, int, str, int]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["file", "row", "day", "q1"])
    return pd.DataFrame({
        "instrument": "i", "response_id": frame["file"] + frame["row"].astype("str"), "q1": frame["q1"],
        "submitted_at": pd.to_datetime(frame["day"]), "flags": None, "valid": True,
        "source": frame["file"] + "#s!" + frame["row"].astype("str") + ":" + frame["row"].astype("str"),
    })  # fmt: skip


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 0, 4, 1, 3]])
def test_the_earlier_answer_counts_whatever_the_order(order: list[int]) -> None:
    rows = [
        ("b", 2, "2019-10-01", 1),
        ("a", 2, "2019-10-02", 2),
        ("a", 3, "2019-10-03", 3),
        ("c", 2, "2019-10-03", 3),
        ("c", 3, "2019-10-05", 1),
    ]
    who = pd.Series(["p", "p", None, None, "q"], dtype="str")
    frame = _answers(rows).iloc[order].reset_index(drop=True)
    got, lines = across.same_persons(frame, who.iloc[order].reset_index(drop=True), ["duplicate"])
    flagged = set(got.loc[got["flags"].fillna("") == "duplicate", "response_id"])
    assert flagged == {"a2", "c2"} and set(got.loc[~got["valid"], "response_id"]) == flagged
    assert {line["file"]: line["before"] for line in lines} == {"a": "b", "c": "a"}
    same, none = across.same_persons(got, who.iloc[order].reset_index(drop=True), ["duplicate"])
    assert none == [] and same.equals(got)


def test_files_and_texts_that_came_before() -> None:
    files = [{"file": f, "input": "i", "sha256": s} for f, s in (("a", "1"), ("b", "2"), ("c", "1"))]
    assert [(line["file"], line["before"]) for line in across.repeated_files(files)] == [("c", "a")]
    rows = {
        "社区": ["甲社区", "乙社区"],
        "备注": ["本季度开展了三次议事协商，效果良好。", "无"],
        "类型": ["城市社区城市社区城市社区城市社区城市社区"] * 2,
    }
    raw = type("Raw", (), {"frame": pd.DataFrame(rows)})()
    texts = across.texts_of(raw, ["社区"])
    assert len(texts) == 1
    read = type(
        "Read",
        (),
        {
            "texts": texts,
            "district": "区",
            "file": type("F", (), {"name": "f", "input": type("I", (), {"name": "i"})()})(),
        },
    )()
    before = [{"input": "i", "district": "区", "texts": texts}]
    assert [line["n"] for line in across.pasted_texts([read], before)] == [1]
    assert across.pasted_texts([read], [{"input": "i", "district": "别区", "texts": texts}]) == []


def test_late_and_corrected_files_are_told_until_the_report_is_made_again(tmp_path: Path) -> None:
    manifest = tmp_path / "reports/2019Q4/五华区/manifest.json"
    files = [{"file": "data/raw/2019Q4/a.xlsx", "sha256": "1", "district": "五华区", "rows": 3}]
    note_arrivals(tmp_path, "2019Q4", record_sources(tmp_path, files), [])
    assert late_arrivals(tmp_path, "2019Q4") == {}, "nothing was reported yet"
    manifest.parent.mkdir(parents=True)
    manifest.write_text("1", encoding="utf-8")
    files = [files[0] | {"sha256": "2"}, files[0] | {"file": "data/raw/2019Q4/b.xlsx"}]
    entered = record_sources(tmp_path, files)
    note_arrivals(tmp_path, "2019Q4", entered, ["data/raw/2019Q4/c.xlsx"])
    told = {
        "data/raw/2019Q4/a.xlsx": "corrected",
        "data/raw/2019Q4/b.xlsx": "new",
        "data/raw/2019Q4/c.xlsx": "withdrawn",
    }
    assert late_arrivals(tmp_path, "2019Q4") == told and record_sources(tmp_path, files) == {}
    lines = pd.read_csv(tmp_path / "data/raw/SOURCES.csv", dtype="str")
    assert lines["file"].tolist() == ["data/raw/2019Q4/a.xlsx"] * 2 + ["data/raw/2019Q4/b.xlsx"]
    manifest.write_text("2", encoding="utf-8")
    assert late_arrivals(tmp_path, "2019Q4") == {}


@pytest.mark.parametrize(
    ("period", "title", "named"),
    [
        ("2019Q4", "2019年第三季度社区统计表", "2019Q3"), ("2019Q4", "2019年 4 季度", None), ("2019Q4", "2019年上半年", "2019H1"),
        ("2019H2", "2019年上半年居委会汇报表", "2019H1"), ("2019H2", "2019年第四季度", None), ("2019H2", "2019年第2季度", "2019Q2"),
        ("2019", "2018年度规范化核查表", "2018"), ("2019", "2019年度与2018年度", None), ("2019", "2018年3月印发", None),
        ("2019M11", "2019年10月月报", "2019M10"), ("2019M11", "2019年11月", None), ("2019M11", "填报日期：2019年12月3日", None),
        ("2019M11", "2019年13月", None), ("2019Q4", "填报：2019年12月", None), ("2019Q4", "2018年度末", None),
    ],
)  # fmt: skip
def test_a_title_that_names_another_period(period: str, title: str, named: str | None) -> None:
    raw = type("Raw", (), {"notes": [title], "sheet": "表"})()
    told = across.other_period(raw, period, "f.xlsx")
    assert [line["before"] for line in told] == ([named] if named else [])
