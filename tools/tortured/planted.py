"""A tiny study in which every place that holds text holds a hostile string, and its twin with harmless words in the same places."""

from __future__ import annotations

import contextlib
import csv
import io
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import openpyxl
import yaml

from commlab.intake.readings import read
from commlab.study.naming import LONGEST_NAME
from commlab.text import unseen
from tools.tortured.attacks import Attack, attacks
from tools.tortured.common import PERIOD, ROOT

SHAPE = {"五华区": (30, 10, 6, 2, 4), "盘龙区": (22, 10, 6, 2, 4), "阳宗海风景区": (0, 30, 6, 2, 4)}
"""District -> urban, converted, pilots, phase 1, candidates: a hundred communities."""
ISSUED = (12, 12)
"""Questionnaires a community, and at least so many a district."""
MOST = {"column": 40, "expert": 6, "option": 60, "row": 25}
_CELL = 300


class Words:
    """Gives each place its string, and counts; of the twin, a harmless word for each."""

    def __init__(self, seed: int, *, harmless: bool) -> None:
        self.harmless = harmless
        self.planted: list[tuple[str, Attack]] = []
        self._pool = attacks()
        random.Random(seed).shuffle(self._pool)
        self._at: dict[str, int] = {}

    def __call__(self, place: str, test: Callable[[str], bool] = bool) -> str:
        """The next string for a kind of place, among those that it can hold."""
        at = self._at.get(place, hash_of(place) % len(self._pool))
        while not test(self._pool[at % len(self._pool)].text):
            at += 1
        self._at[place] = at + 1
        attack = self._pool[at % len(self._pool)]
        self.planted.append((place, attack))
        return f"占位{len(self.planted):05d}" if self.harmless else attack.text

    def several(self, place: str, n: int, test: Callable[[str], bool] = bool) -> list[str]:
        return [self(place, test) for _ in range(n)]


def hash_of(text: str) -> int:
    import zlib

    return zlib.crc32(text.encode())


def _name(text: str) -> bool:
    """What a community may be called, so that its own row stays one."""
    return (
        read(text).kind == "text"
        and len(text) < LONGEST_NAME
        and not unseen(text)
        and "_x" not in text  # a workbook's spelling of another character
        and not any(c in "\n\r\t/\x85\u2028\u2029" for c in text)
    )


def _yaml_text(text: str) -> bool:
    return bool(text.strip()) and not unseen(text) and len(text) < 3_000


def _file(text: str) -> bool:
    """What a system takes for a file's name and commlab reads."""
    return (
        bool(text.strip(". "))
        and "/" not in text
        and not unseen(text)
        and "_" not in text
        and len(text.encode()) < 180
        and text.isprintable()
        and text[0] not in ".~"
    )


def _cell(text: str) -> bool:
    """What a workbook holds: XML has no control characters, and a cell 32,767 others."""
    return (
        len(text) < _CELL
        and not openpyxl.cell.cell.ILLEGAL_CHARACTERS_RE.search(text)
        and not any("\ud800" <= c <= "\udfff" or c in "\ufffe\uffff" for c in text)
    )


def plant(root: Path, words: Words) -> None:
    """Write the study below ``root``."""
    with _called(words):
        from tools.sample_study import write_study

        write_study(root, size="tiny")
    shutil.copytree(
        ROOT / "notebooks", root / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints")
    )
    _register(root, words)
    _framework(root, words)
    _study(root, words)
    _codebook(root, words)
    for path in sorted((root / "data/raw" / PERIOD).rglob("*.xlsx")):
        _workbook(path, words)
    _files(root / "data/raw" / PERIOD, words)
    (root / "secret.txt").write_text("TOP-SECRET-4711", encoding="utf-8")


@contextlib.contextmanager
def _called(words: Words) -> Iterator[None]:
    """The sample's generator, with other names of districts and communities."""
    import sys

    if str(ROOT / "tools") not in sys.path:
        sys.path.insert(0, str(ROOT / "tools"))
    from sampledata import forms, places

    usual = (places.TINY, places.ISSUED, places._names)
    writer, forms.xlsxwriter = forms.xlsxwriter, SimpleNamespace(Workbook=_plain_workbook)
    communities = iter(_unlike(words, "community", 2 * sum(a + b for a, b, *_ in SHAPE.values()) + 40))
    places.TINY, places.ISSUED = SHAPE, {**places.ISSUED, "tiny": ISSUED}
    places._names = lambda kind, seed: [next(communities) for _ in range(120)]
    try:
        yield
    finally:
        places.TINY, places.ISSUED, places._names = usual
        forms.xlsxwriter = writer


def _plain_workbook(path: str, options: dict[str, Any]) -> Any:
    """A workbook whose texts stay texts: the generator's own names are harmless, these are not."""
    import xlsxwriter

    return xlsxwriter.Workbook(path, options | {"strings_to_formulas": False, "strings_to_urls": False})


def _unlike(words: Words, place: str, n: int) -> list[str]:
    """Names of which no two look alike to who compares them."""
    from commlab.intake.forms import plain_form, squash, stem

    out: dict[str, str] = {}
    tries = 0
    while len(out) < n and tries < 40 * n:
        tries += 1
        name = words(place, _name)
        out.setdefault(stem(plain_form(squash(name))) or name, name)
    return [*out.values(), *(f"补足{k:03d}社区" for k in range(n - len(out)))]


def _register(root: Path, words: Words) -> None:
    path = root / "data/register/units.csv"
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    aliases = [{"alias": words("alias", _name), "unit": r["unit"]} for r in rows if r["level"] == "community"]
    group = words("group", _yaml_text)
    for row in rows:
        row["group"] = group if row["level"] == "district" else row["group"]
    _csv(path, rows)
    known = list(
        csv.DictReader(io.StringIO((root / "data/register/aliases.csv").read_text(encoding="utf-8")))
    )
    taken = {r["unit"] for r in rows} | {r["name"] for r in rows}
    own = {a["alias"]: a for a in aliases if a["alias"] not in taken}
    _csv(
        root / "data/register/aliases.csv",
        [*({k: r[k] for k in ("alias", "unit")} for r in known), *list(own.values())[:20]],
    )


def _csv(path: Path, rows: list[dict[str, str]]) -> None:
    out = io.StringIO()
    writer = csv.DictWriter(out, [*rows[0]], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(out.getvalue(), encoding="utf-8")


def _framework(root: Path, words: Words) -> None:
    """Kunming's, every label another."""
    tree = yaml.safe_load((ROOT / "commlab/frameworks/kunming_2018.yaml").read_text(encoding="utf-8"))

    def walk(nodes: list[dict[str, Any]]) -> None:
        for node in nodes:
            node["zh"] = words("framework label", _yaml_text)
            walk(node.get("children", []))

    walk(tree["nodes"])
    for metric in tree["metrics"].values():
        metric["zh"] = words("metric label", _yaml_text)
    tree["title"]["zh"] = words("framework title", _yaml_text)
    _dump(root / "framework.yaml", tree)


def _study(root: Path, words: Words) -> None:
    tree = yaml.safe_load((root / "study.yaml").read_text(encoding="utf-8"))
    tree["framework"] = "framework.yaml"
    tree["title"] = {"zh": words("study title", _yaml_text), "en": words("study title", _yaml_text)}
    for entry in tree["inputs"]:
        entry["label"]["zh"] = words("input label", _yaml_text)
    for note in tree["notes"]:
        note["zh"] = words("note", _yaml_text)
    tree["words"] = {
        k: {"zh": words("word", _yaml_text), "en": "w"} for k in ("subject", "whole", "part", "member")
    }
    tree["quotas"]["label"]["zh"] = words("quota label", _yaml_text)
    _dump(root / "study.yaml", tree)


def _codebook(root: Path, words: Words) -> None:
    path = root / "data/register/codebooks/resident.yaml"
    tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    tree["title"]["zh"] = words("codebook title", _yaml_text)
    for what in ("demographics", "items"):
        for entry in tree[what].values():
            entry["zh"] = words("codebook label", _yaml_text)
    from commlab.intake.questions import option_key

    options = tree["items"]["q_service"]["options"]
    known = {option_key(o) for o in (*options, "说不清")}
    for text in words.several("option", MOST["option"], lambda t: _yaml_text(t) and _cell(t)):
        if option_key(text) and option_key(text) not in known:
            known.add(option_key(text))
            options[text] = 4
    _dump(path, tree)


def _dump(path: Path, tree: Any) -> None:
    path.write_text(yaml.safe_dump(tree, allow_unicode=True, sort_keys=False), encoding="utf-8")


def _workbook(path: Path, words: Words) -> None:
    """Columns, rows, cells, notes and sheets of one raw workbook; its own cells stay."""
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    kind = path.parent.name
    if kind == "社区统计":
        head = next(
            r for r in range(1, 8) if any("社区名称" in str(c.value) or c.value == "社区" for c in sheet[r])
        )
        width = sheet.max_column
        for k, text in enumerate(words.several("header", MOST["column"], _cell)):
            _put(sheet.cell(head, width + 1 + k), text)
            _put(sheet.cell(head + 3, width + 1 + k), words("cell", _cell))
        book.create_sheet(_sheet_name(words("sheet", _cell)))["A1"] = "说明"
    if kind == "居民问卷":
        _answers(sheet, words)
    if kind == "问题台账":
        heads = (
            {str(c.value): c.column for c in sheet[1]}
            | {str(c.value): c.column for c in sheet[2]}
            | {str(c.value): c.column for c in sheet[3]}
        )
        for row in range(4, sheet.max_row):
            for name in ("问题描述", "责任单位", "问题来源"):
                if name in heads and isinstance(sheet.cell(row, heads[name]).value, str):
                    _put(sheet.cell(row, heads[name]), words(name, _cell))
    _put(sheet.cell(sheet.max_row + 2, 1), "注:" + words("note below a table", _cell))
    book.save(path)


def _answers(sheet: Any, words: Words) -> None:
    heads = {str(c.value): c.column for c in sheet[1]}
    service = next((k for name, k in heads.items() if "办事服务" in name), 10)
    place = next((k for name, k in heads.items() if "居住的社区" in name), None)
    for row in range(2, min(sheet.max_row, 2 + 4 * MOST["row"])):
        _put(sheet.cell(row, service), words("answer", _cell))
        if place and row % 3 == 0:
            _put(sheet.cell(row, place), words("unknown unit", _cell))
        _put(
            sheet.cell(row, sheet.max_column if row > 2 else sheet.max_column + 1), words("free text", _cell)
        )
    _put(sheet.cell(1, sheet.max_column), words("header", _cell))


def _put(cell: Any, text: str) -> None:
    if isinstance(cell, openpyxl.cell.cell.MergedCell):
        return
    cell.value = "x"
    cell._value, cell.data_type = text, "s"


def _sheet_name(text: str) -> str:
    return "".join("_" if c in "[]:*?/\\'" else c for c in text)[:31] or "空"


def _files(folder: Path, words: Words) -> None:
    """Raters and experts are named by their files; the lists are text."""
    for pattern in ("评分表/专家评分/*.xlsx", "专家判断/*.xlsx"):
        found = sorted(folder.glob(pattern))
        for name in words.several("rater", MOST["expert"], _file) if found else []:
            stem = f"AHP_{name}" if "AHP" in found[0].name else name
            shutil.copy(found[0], found[0].with_name(f"{stem}.xlsx"))
    for name in words.several("file name", MOST["expert"], _file):
        (folder / "社区统计" / f"{name}.csv").write_text("社区,户数\n甲,1\n", encoding="utf-8")
    for path in sorted(folder.glob("清单/*.csv")):
        data = path.read_bytes()
        code = "utf-8-sig" if data.startswith(b"\xef\xbb\xbf") else "utf-8"
        try:
            text = data.decode(code)
        except UnicodeDecodeError:
            code, text = "gb18030", data.decode("gb18030")
        rows = list(csv.reader(io.StringIO(text)))
        extra = [[*rows[1][:-2], words("topic", _cell), words("item", _cell)] for _ in range(MOST["row"])]
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows([*rows, *extra])
        path.write_bytes(out.getvalue().encode(code, "replace"))
