"""Every door by which a string comes into a study, tried one string at a time: what is accepted is text, what is not is refused.

A door takes a string and answers ``""`` (accepted as text, or with what nobody sees taken out), ``"refused"`` (by a named error
whose message says what to do), or what went wrong.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import yaml

from commlab.errors import CommlabError
from commlab.text import clean, unseen

REFUSED = "refused"
LONGEST_MESSAGE = 6_000
Door = Callable[[str, Path], str]

HEADS, ROWS = (
    ("社区", "户数", "人口"),
    (("甲社区", 11, 101), ("乙社区", 12, 102), ("丙社区", 13, 103), ("丁社区", 14, 104)),
)


def tried(door: Door, text: str, folder: Path) -> str:
    """The answer of a door; an error without a name, or with a message that shows the string raw, is wrong."""
    try:
        return door(text, folder)
    except CommlabError as error:
        told = str(error)
        if len(told) > LONGEST_MESSAGE:
            return f"a message of {len(told)} characters"
        if any(not c.isprintable() and c not in "\n\t\u3000\u00a0\ue000\u2028" for c in told):
            return f"a message with characters that nobody sees: {told[:80]!a}"
        return REFUSED if told.strip() else "an empty message"
    except Exception as error:  # whatever else comes out is what is looked for
        return f"{type(error).__name__}: {str(error)[:120]!a}"


# ------------------------------------------------------------------------------------------------------- tables
def _package(sheet: str, rows: list[list[Any]]) -> bytes:
    """The smallest workbook, every text as it is: names that Excel would not take, too."""

    def cell(i: int, j: int, value: Any) -> str:
        place = f"{'ABCDEFGH'[j]}{i + 1}"
        if isinstance(value, str):
            return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{_written(value)}</t></is></c>'
        return f'<c r="{place}"><v>{value}</v></c>'

    body = "".join(
        f'<row r="{i + 1}">{"".join(cell(i, j, v) for j, v in enumerate(row))}</row>'
        for i, row in enumerate(rows)
    )
    main, office = (
        "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
        "http://schemas.openxmlformats.org",
    )
    relation = f"{office}/officeDocument/2006/relationships"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{office}/package/2006/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" '
        'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/workbook.xml" '
        'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{office}/package/2006/relationships"><Relationship Id="rId1" '
        f'Type="{relation}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{relation}"><sheets><sheet name="{_written(sheet)}" sheetId="1" '
        'r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{office}/package/2006/relationships"><Relationship Id="rId1" '
        f'Type="{relation}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{body}</sheetData></worksheet>',
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text.encode("utf-8"))
    return out.getvalue()


def _written(text: str) -> str:
    """A text as a spreadsheet stores it: what XML cannot hold as _xHHHH_."""
    held = "".join(
        c
        if c in "\n\t" or (c >= " " and not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff")
        else f"_x{ord(c):04X}_"
        for c in text
    )
    return escape(held, {'"': "&quot;", "\n": "&#10;", "\t": "&#9;"})


def _table(text: str, where: str) -> list[list[Any]]:
    """The little table with the string in one cell."""
    rows: list[list[Any]] = [list(HEADS), *map(list, ROWS)]
    i, j = {"header": (0, 2), "unit": (2, 0), "number": (2, 1)}[where]
    rows[i][j] = text
    return rows


def _read(path: Path, where: str) -> str:
    """Read the little table; every cell but the string's own must be what it is."""
    from commlab.intake import read_table

    raw = read_table(path)
    frame = raw.frame
    told = json.dumps(
        raw.ledger.astype(object).where(raw.ledger.notna(), None).to_dict("records"), ensure_ascii=False
    )
    if unseen(told):
        return "the ledger holds characters that nobody sees"
    texts = [*map(str, frame.columns), *(v for v in frame.to_numpy().ravel() if isinstance(v, str))]
    if any(clean(t) != t for t in texts):
        return "the table holds characters that nobody sees"
    # A string that says what its row or column is (a total, a note, a blank) may move it out of the frame: never change it.
    for column, values in ((HEADS[1], 11), (HEADS[2], 101)):
        if column in frame and where != "header":
            kept = frame[column].dropna()
            wanted = {float(values + k) for k in range(4)}
            found = {v for v in kept if isinstance(v, float)}
            odd = found - wanted - ({v for v in found} if where == "number" and column == HEADS[1] else set())
            if odd and not all(isinstance(v, str) for v in kept):
                return f"other numbers in {column}: {sorted(odd)[:3]}"
    return ""


def _as_workbook(where: str) -> Door:
    def door(text: str, folder: Path) -> str:
        path = folder / "表.xlsx"
        path.write_bytes(_package("表", _table(text, where)))
        return _read(path, where)

    return door


def _as_text(where: str) -> Door:
    def door(text: str, folder: Path) -> str:
        path = folder / "表.csv"
        out = io.StringIO()
        csv.writer(out).writerows(_table(text, where))
        path.write_bytes(out.getvalue().encode("utf-8", "surrogatepass"))
        return _read(path, where)

    return door


def _sheet_name(text: str, folder: Path) -> str:
    from commlab.intake.table import read_tables

    path = folder / "表.xlsx"
    path.write_bytes(_package(text, [list(HEADS), *map(list, ROWS)]))
    tables = read_tables(path)
    if any(clean(name) != name for name in tables):
        return "a sheet's name holds characters that nobody sees"
    return "" if len(next(iter(tables.values())).frame) == len(ROWS) else "rows are missing"


# --------------------------------------------------------------------------------------------------- YAML, names
_LEAF = {"code": "A1", "zh": "甲", "en": "a", "methods": ["field"], "parts": [{"rule": "judged"}]}


def _framework(key: str) -> Door:
    def door(text: str, folder: Path) -> str:
        from commlab.framework import load_framework

        leaf = json.loads(json.dumps(_LEAF))
        tree: dict[str, Any] = {
            "name": "f",
            "title": {"zh": "题", "en": "t"},
            "nodes": [{"code": "A", "zh": "总", "en": "all", "children": [leaf]}],
        }
        if key == "title":
            tree["title"]["zh"] = text
        elif key == "metric":
            tree["metrics"] = {
                text: {"zh": "数", "en": "n", "unit": "个", "kind": "stock", "level": "community"}
            }
        elif key == "unit of measure":
            tree["metrics"] = {
                "m": {"zh": "数", "en": "n", "unit": text, "kind": "stock", "level": "community"}
            }
        elif key == "extends":
            tree["extends"] = text
        else:
            leaf[key] = text
        frame = load_framework(_dumped(folder / "f.yaml", tree))
        return "" if not any(unseen(v) for v in frame.table["label_zh"]) else "a label holds what nobody sees"

    return door


def _codebook(key: str) -> Door:
    def door(text: str, folder: Path) -> str:
        from commlab.intake import load_codebook

        item: dict[str, Any] = {
            "question": ["您满意吗"],
            "zh": "满意",
            "en": "satisfied",
            "options": {"满意": 5, "一般": 3, "不满意": 1},
        }
        tree: dict[str, Any] = {
            "instrument": "resident",
            "title": {"zh": "卷", "en": "q"},
            "items": {"q_a": item},
        }
        if key == "option":
            item["options"][text] = 4
        elif key == "item":
            tree["items"] = {text: item}
        elif key == "instrument":
            tree["instrument"] = text
        elif key == "title":
            tree["title"]["zh"] = text
        elif key == "question":
            item["question"] = [text]
        else:
            item[key] = text
        load_codebook(_dumped(folder / "c.yaml", tree))
        return ""

    return door


def _study(key: str) -> Door:
    def door(text: str, folder: Path) -> str:
        from commlab.study.config import read_config

        entry: dict[str, Any] = {
            "name": "a",
            "label": {"zh": "表", "en": "t"},
            "files": "表/{district}.*",
            "each": "district",
            "reader": "measures",
        }
        tree: dict[str, Any] = {
            "study": 1,
            "title": {"zh": "题", "en": "t"},
            "city": "市",
            "framework": "kunming_2018",
            "periods": ["2019Q4"],
            "inputs": [entry],
        }
        if key in ("name", "files", "reader", "level", "sheet", "unit"):
            entry[key] = text
        elif key == "label":
            entry["label"]["zh"] = text
        elif key == "title":
            tree["title"]["zh"] = text
        elif key == "periods":
            tree["periods"] = [text]
        elif key == "quotas":
            tree["quotas"] = {"file": text, "columns": {"a": "b"}, "places": "a"}
        elif key == "option":
            tree["options"] = {text: text}
        else:
            tree[key] = text
        config = read_config(_dumped(folder / "study.yaml", tree).parent)
        for one in config.inputs:
            for pattern in one.patterns().values():
                pattern.fullmatch("表/五华区.xlsx")
        return ""

    return door


def _raw_yaml(text: str, folder: Path) -> str:
    """The string as it is, unquoted, where YAML reads a value: nothing is built from it but plain values."""
    from commlab.framework.loader import read_yaml

    path = folder / "raw.yaml"
    path.write_bytes(f"study: 1\ntitle: {text}\ncity: 市\n".encode("utf-8", "surrogatepass"))
    value = read_yaml(path)
    plain = json.loads(json.dumps(value, default=lambda v: v.isoformat()))
    return "" if isinstance(plain, dict) and plain.get("study") == 1 else "another key was changed"


def _dumped(path: Path, tree: Any) -> Path:
    path.write_text(yaml.safe_dump(tree, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path


def _register(column: str, level: str) -> Door:
    def door(text: str, folder: Path) -> str:
        from commlab.study.register import read_register

        units = [
            {"unit": "市", "level": "city", "parent": "", "name": "市", "code": "530100", "type": "", "group": ""},
            {"unit": "五华区", "level": "district", "parent": "市", "name": "五华区", "code": "530102", "type": "", "group": ""},
            {"unit": "五华区/翠湖社区", "level": "community", "parent": "五华区", "name": "翠湖社区", "code": "530102S001", "type": "urban", "group": ""},
        ]  # fmt: skip
        row = next(u for u in units if u["level"] == level)
        row[column] = text
        if column == "unit" and level == "district":
            row["name"] = text
            units[2] |= {"parent": text, "unit": f"{text}/翠湖社区"}
        elif column == "name":
            row["unit"] = f"五华区/{text}"
        (folder / "data/register").mkdir(parents=True, exist_ok=True)
        for name, rows in (
            ("units", units),
            ("aliases", [{"alias": text if column == "alias" else "翠湖", "unit": units[2]["unit"]}]),
        ):
            out = io.StringIO()
            writer = csv.DictWriter(out, [*rows[0]], extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
            (folder / f"data/register/{name}.csv").write_bytes(
                out.getvalue().encode("utf-8", "surrogatepass")
            )
        register = read_register(folder, city="市", period="2019Q4")
        if len(register.units) != len(units):
            return "a unit is missing"
        (district,) = register.districts
        reports = folder / "reports"
        place = reports / district
        if place.resolve().parent != reports.resolve() or not district.strip():
            return f"its folder would be {place}"
        return "" if clean(district) == district else "a name holds what nobody sees"

    return door


# ---------------------------------------------------------------------------------------------------- notebooks
def _parameter(text: str, folder: Path) -> str:
    """What papermill writes into the cell, and what commlab puts in its place, are one assignment of a literal."""
    import nbformat
    from papermill.translators import translate_parameters

    from commlab.batch.notebooks import check_parameters
    from commlab.batch.notebooks import clean as cleaned

    path = folder / "n.ipynb"
    cell = nbformat.v4.new_code_cell('district = ""  # the unit', metadata={"tags": ["parameters"]})
    path.write_text(nbformat.writes(nbformat.v4.new_notebook(cells=[cell])), encoding="utf-8")
    given = json.loads(json.dumps({"district": text}))
    check_parameters(path, given)
    injected = nbformat.v4.new_code_cell(
        translate_parameters("python3", "python", given, "Parameters"),
        metadata={"tags": ["injected-parameters"]},
    )
    ours = cleaned(nbformat.v4.new_notebook(cells=[injected]), given).cells[0].source
    for source in (injected.source, ours):
        (statement,) = ast.parse(source).body
        if not isinstance(statement, ast.Assign) or ast.literal_eval(statement.value) != text:
            return f"the cell would be {source[:80]!a}"
    return ""


def _parameter_name(text: str, folder: Path) -> str:
    from commlab.batch.notebooks import check_parameters

    path = folder / "n.ipynb"
    if not path.is_file():
        _parameter("x", folder)
    check_parameters(path, {text: 1})
    return "a name that the notebook does not have was taken"


def _shown(text: str, folder: Path) -> str:
    """A finding whose every text is the string, as cells of a notebook show it."""
    import pandas as pd

    from commlab.report import Col, Finding
    from commlab.report.eye import as_html
    from commlab.report.finding import blocks

    title = text if text.strip() else "题"
    finding = Finding(
        pd.DataFrame({"a": pd.Series([text], dtype=object)}),
        text,
        title=title,
        columns={"a": Col(text)},
        notes=[text],
    )
    pages = "".join(as_html(block) for block, _ in blocks(finding))
    return "markup" if "<script" in pages or "<img" in pages or "<svg" in pages or "\x1b" in pages else ""


def _csv_cell(text: str, folder: Path) -> str:
    """Both ways in which tables go to spreadsheets as text."""
    import pandas as pd

    from commlab.release.edition import csv_text
    from commlab.study.handkept import to_csv

    frame = pd.DataFrame({"found": pd.Series([text, "末"], dtype=object), "n": [1.0, 2.0]})
    for told in (to_csv(frame), csv_text(frame)):
        rows = list(csv.reader(io.StringIO(told, newline="")))
        if [r[1:] for r in rows] != [["n"], ["1.0"], ["2.0"]]:
            return f"another cell was changed: {told[:80]!a}"
        if executes(rows[1][0]):
            return f"a spreadsheet would calculate {rows[1][0][:60]!a}"
    return ""


def executes(cell: str) -> bool:
    """Whether a spreadsheet takes a cell of a text file for a formula, however it folds width, spaces and hidden characters."""
    import unicodedata

    seen = clean(unicodedata.normalize("NFKC", cell)).lstrip("\u200c\u200d \u3000\u00a0\n")
    return len(seen) > 1 and seen[0] in "=+-@\t\r" and not _is_number(seen)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


DOORS: dict[str, Door] = {
    **{f"{where} of a workbook": _as_workbook(where) for where in ("header", "unit", "number")},
    **{f"{where} of a text file": _as_text(where) for where in ("header", "unit", "number")},
    "sheet name": _sheet_name,
    **{f"framework {key}": _framework(key) for key in ("zh", "code", "title", "metric", "unit of measure", "extends", "methods")},
    **{f"codebook {key}": _codebook(key) for key in ("zh", "option", "item", "question", "title", "instrument", "dont_know")},
    **{
        f"study.yaml {key}": _study(key)
        for key in ("title", "city", "framework", "instrument", "language", "periods", "name", "label", "files", "reader", "level", "quotas", "option")
    },
    "YAML as it stands": _raw_yaml,
    "district": _register("unit", "district"),
    "community": _register("name", "community"),
    "code of a unit": _register("code", "community"),
    "type of a unit": _register("type", "community"),
    "alias": _register("alias", "community"),
    "notebook parameter": _parameter,
    "name of a parameter": _parameter_name,
    "cell of a notebook": _shown,
    "cell for a spreadsheet": _csv_cell,
}  # fmt: skip
