"""What a run made, opened as people open it: workbooks, pages in a browser, Word, PDF, notebooks, text files.

``profile`` says of each file what could be executed or is built of: formulas, links, tags, fields, actions. A hostile study must have
nothing there that its harmless twin has not.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from defusedxml import ElementTree

from commlab.text import unseen
from tools.tortured.common import ROOT
from tools.tortured.doors import executes

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
OFFICE = shutil.which("soffice") or shutil.which("libreoffice")
SECRET = "TOP-SECRET-4711"
_NUMBERS = re.compile(r"\d+")
_TAG = re.compile(r"<([a-z][a-z0-9]*)\b((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>")
_ATTRIBUTE = re.compile(r"([a-z][a-z-]*)(?==)")
_SEEN_IN_PAGE = """() => ({pwned: window.__pwned ?? null, kinds: [...new Set([...document.querySelectorAll("*")].flatMap(e =>
  [e.tagName, ...e.getAttributeNames().map(a => `${e.tagName} ${a}`)]))], links: [...new Set([...document.querySelectorAll("[href],[src],[action]")]
  .map(e => e.getAttribute("href") || e.getAttribute("src") || e.getAttribute("action")).filter(h => /^[a-z]+:/i.test(h) && !h.startsWith("data:image/")))],
  text: document.body.innerText})"""

Profile = dict[str, set[str]]


def profile(root: Path) -> tuple[Profile, list[str]]:
    """Suffix -> what files of it are built of; and what is wrong with single files."""
    found: Profile = {}
    wrong: list[str] = []
    pages = []
    for path in sorted(
        p for name in ("reports", "release", "figures", "data/processed") for p in (root / name).rglob("*")
    ):
        if not path.is_file() or any(part.startswith(".") for part in path.relative_to(root).parts):
            continue
        name = path.relative_to(root).as_posix()
        data = path.read_bytes()
        if SECRET.encode() in data or b"root:x:0:0" in data:
            wrong.append(f"{name}: holds a file that a string named")
        look = _LOOKS.get(path.suffix)
        if path.suffix == ".html":
            pages.append(path)
        elif look is not None:
            kinds, faults = look(data)
            found.setdefault(path.suffix, set()).update(kinds)
            wrong += [f"{name}: {fault}" for fault in faults]
    kinds, faults = _pages(pages)
    found[".html"] = kinds
    wrong += faults
    wrong += _converted([p for p in (root / "reports").rglob("*.docx")][:3])
    wrong += [f"a string was run: {p}" for p in root.rglob("PWNED*")] + [
        str(p) for p in Path.cwd().glob("PWNED*")
    ]
    return found, wrong


def written() -> set[str]:
    """Tags, and tags with an attribute, that the library's own templates write: a page has some of them in some quarters only.

    >>> own = written()
    >>> {"SMALL", "SELECT", "SELECT aria-controls"} <= own, [k for k in own if " on" in k or k in ("IFRAME", "OBJECT", "FORM")]
    (True, [])
    """
    out = set()
    for path in (ROOT / "commlab/report").rglob("*"):
        if path.suffix in (".py", ".j2", ".js"):
            for tag, inner in _TAG.findall(path.read_text(encoding="utf-8")):
                out |= {tag.upper(), *(f"{tag.upper()} {name}" for name in _ATTRIBUTE.findall(inner))}
    return {kind for kind in out if not kind.partition(" ")[2].startswith("on")}


def _members(data: bytes) -> list[tuple[str, Any, str]]:
    out = []
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            if name.endswith((".xml", ".rels")):
                out.append((name, ElementTree.fromstring(archive.read(name)), name.rpartition("/")[2]))
    return out


def _bare(tag: str) -> str:
    return tag.rpartition("}")[2]


def _workbook(data: bytes) -> tuple[set[str], list[str]]:
    """Formulas by their shape (numbers and the names of sheets left out), links, parts."""
    kinds, wrong = set(), []
    try:
        members = _members(data)
    except (zipfile.BadZipFile, ElementTree.ParseError, ValueError) as error:
        return set(), [f"is no workbook: {error}"]
    for name, tree, _ in members:
        kinds.add(f"part {_NUMBERS.sub('', name)}")
        for element in tree.iter():
            tag = _bare(element.tag)
            if tag == "f":
                formula = re.sub(r"'(?:[^']|'')*'!|[^\W\d]+!", "S!", element.text or "")
                kinds.add(
                    f"formula {''.join(sorted(set(re.findall(r'[A-Z]{2,}(?=[(])|WEBSERVICE|DDE|cmd', formula))))}"
                )
                if any(
                    word in formula
                    for word in ("|", "WEBSERVICE", "HYPERLINK", "cmd", "DDE", "http", "CALL(")
                ):
                    wrong.append(f"formula {formula[:80]}")
            elif tag == "Relationship" and element.get("TargetMode") == "External":
                wrong.append(f"link {element.get('Target')}")
            elif tag in ("t", "definedName") and unseen(element.text or ""):
                wrong.append(f"text with what nobody sees {element.text[:40]!a}")
    return kinds, wrong[:5]


def _word(data: bytes) -> tuple[set[str], list[str]]:
    kinds, wrong = set(), []
    try:
        members = _members(data)
    except (zipfile.BadZipFile, ElementTree.ParseError, ValueError) as error:
        return set(), [f"is no Word document: {error}"]
    for name, tree, _ in members:
        for element in tree.iter():
            tag = _bare(element.tag)
            if tag != "br":  # a text of several lines
                kinds.add(f"{_NUMBERS.sub('', name)} {tag}")
            if tag == "instrText":
                kinds.add(f"field {(element.text or '').split()[0] if (element.text or '').strip() else ''}")
            elif tag == "fldSimple":
                kinds.add(f"field {next(iter((element.get(next(iter(element.keys()))) or ' ').split()), '')}")
            elif tag == "Relationship" and element.get("TargetMode") == "External":
                kinds.add(f"link {element.get('Target')}")
            elif tag == "t" and unseen(element.text or ""):
                wrong.append(f"text with what nobody sees {element.text[:40]!a}")
    return kinds, wrong[:5]


def _pdf(data: bytes) -> tuple[set[str], list[str]]:
    import pypdf

    kinds: set[str] = set()
    reader = pypdf.PdfReader(io.BytesIO(data))
    kinds |= {f"catalog {key}" for key in reader.trailer["/Root"]}
    letters = 0
    for page in reader.pages[:6]:
        letters += len(page.extract_text())
    for page in reader.pages:
        for note in page.get("/Annots") or ():
            action = note.get_object().get("/A", {})
            kinds.add(f"action {action.get('/S')} {action.get('/URI', '')}")
    wrong = [] if letters > 200 else ["has hardly any text"]
    return kinds, wrong


def _notebook(data: bytes) -> tuple[set[str], list[str]]:
    import nbformat

    notebook = nbformat.reads(data.decode("utf-8"), as_version=4)
    nbformat.validate(notebook)
    code = [c.source for c in notebook.cells if c.cell_type == "code"]
    kinds = {
        f"code {line}"
        for source in code
        if not source.startswith("# Parameters")
        for line in source.splitlines()
    }
    kinds |= {
        f"line {line.partition('=')[0]}"
        for source in code
        if source.startswith("# Parameters")
        for line in source.splitlines()
    }
    shown = [o["data"] for c in notebook.cells if c.cell_type == "code" for o in c.outputs if "data" in o]
    kinds |= {f"type {kind}" for d in shown for kind in d}
    html = "".join("".join(d["text/html"]) for d in shown if "text/html" in d)
    kinds |= {f"tag {tag.lower()}" for tag in re.findall(r"<([a-zA-Z][\w:-]*)", html)}
    return kinds, []


def _text_table(data: bytes) -> tuple[set[str], list[str]]:
    text = data.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    wrong = [
        f"a row of {len(r)} fields under a header of {len(rows[0])}"
        for r in rows
        if r and len(r) != len(rows[0])
    ][:2]
    wrong += [f"a spreadsheet would calculate {c[:60]!a}" for r in rows[1:] for c in r if executes(c)][:3]
    return set(), wrong


def _json(data: bytes) -> tuple[set[str], list[str]]:
    json.loads(data)
    return set(), []


def _parquet(data: bytes) -> tuple[set[str], list[str]]:
    import pandas as pd

    frame = pd.read_parquet(io.BytesIO(data))
    texts = (v for c in frame for v in frame[c].dropna().unique() if isinstance(v, str))
    return set(), [f"text with what nobody sees {t[:40]!a}" for t in texts if unseen(t)][:3]


_LOOKS = {
    ".xlsx": _workbook, ".docx": _word, ".pdf": _pdf, ".ipynb": _notebook, ".csv": _text_table, ".json": _json, ".parquet": _parquet,
}  # fmt: skip


def _pages(paths: Sequence[Path]) -> tuple[set[str], list[str]]:
    """Pages in headless Chromium: what they are built of, and what they did."""
    if CHROMIUM is None or not paths:
        return set(), [] if paths == [] else ["Chromium is not installed: no page was opened"]
    from playwright.sync_api import sync_playwright

    kinds: set[str] = set()
    wrong: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            for path in paths:
                asked: list[str] = []
                page = browser.new_page()
                page.on("request", lambda request, asked=asked: asked.append(request.url))
                page.on("dialog", partial(_asked, path=path, wrong=wrong))
                page.goto(path.as_uri())
                seen = page.evaluate(_SEEN_IN_PAGE)
                page.close()
                kinds |= set(seen["kinds"]) | {f"link {h.partition(':')[0]}:" for h in seen["links"]}
                if seen["pwned"] is not None:
                    wrong.append(f"{path.name}: a string was run")
                if len(seen["text"]) < 100:
                    wrong.append(f"{path.name}: shows hardly any text")
                elsewhere = [u for u in asked if not u.startswith(("file:", "data:", "blob:"))]
                wrong += [f"{path.name}: asked for {u}" for u in elsewhere[:3]]
        finally:
            browser.close()
    return kinds, wrong


def _asked(dialog: Any, path: Path, wrong: list[str]) -> None:
    wrong.append(f"{path.name}: asked {dialog.message}")
    dialog.dismiss()


def _converted(paths: Iterable[Path]) -> list[str]:
    """Word documents that LibreOffice does not open."""
    paths = list(paths)
    if OFFICE is None or not paths:
        return []
    wrong = []
    with tempfile.TemporaryDirectory(prefix="office-") as folder:
        for k, path in enumerate(paths):
            shutil.copy(path, Path(folder) / f"{k}.docx")
        command = [
            OFFICE,
            f"-env:UserInstallation=file://{folder}/profile",
            "--headless",
            "--convert-to",
            "txt:Text (encoded):UTF8",
            "--outdir",
            folder,
        ]
        subprocess.run(
            [*command, *(f"{folder}/{k}.docx" for k in range(len(paths)))],
            capture_output=True,
            timeout=240,
            check=False,
        )
        for k, path in enumerate(paths):
            text = Path(folder) / f"{k}.txt"
            if not text.is_file() or len(text.read_text(encoding="utf-8", errors="replace")) < 200:
                wrong.append(f"{path.parent.name}/{path.name}: LibreOffice does not open it")
    return wrong
