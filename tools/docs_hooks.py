"""What the handbook takes from the project instead of repeating it: pages at its root, public names, Chinese terms.

MkDocs calls ``on_files`` and ``on_page_markdown`` (``hooks:`` in mkdocs.yml).
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

from commlab.text import Text

ROOT = Path(__file__).resolve().parents[1]
_ROOT_PAGES = {"architecture.md": "ARCHITECTURE.md", "assumptions.md": "ASSUMPTIONS.md"}
_PACKAGES = ("study", "framework", "intake", "survey", "weights", "scoring", "figures")
_TERM = re.compile(r"^- ([^:\n]+): (.+)$", flags=re.MULTILINE)


def on_files(files: Files, *, config: Any) -> Files:
    """Add the pages that stand at the repository's root, a list of the decisions, and a page of API a package."""
    for page, source in _ROOT_PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    pages = [f for f in files.documentation_pages() if f.src_uri.startswith("decisions/")]
    heads = [(f.src_uri.rpartition("/")[2], f.content_string.partition("\n")[0].lstrip("# ")) for f in pages]
    listed = "".join(f"- [{head}]({name})\n" for name, head in sorted(heads, reverse=True))
    text = f"# Decisions\n\nWhat was decided, why, and what was given up.\n\n{listed}"
    files.append(File.generated(config, "decisions/index.md", content=text))
    for name in _PACKAGES:
        files.append(File.generated(config, f"api/{name}.md", content=_api(f"commlab.{name}")))
    return files


def _api(package: str) -> str:
    """A directive for every public name, by the module that defines it: some modules are called like a function."""
    module = importlib.import_module(package)
    parts = [f"# {package}\n\n{(module.__doc__ or '').strip()}\n"]
    for name in sorted(module.__all__, key=str.lower):
        home = getattr(getattr(module, name), "__module__", package)
        parts.append(f"::: {home if isinstance(home, str) else package}.{name}\n")
    return "\n".join(parts)


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Give each term of the glossary the Chinese that reports print; a term without one stops the build."""
    if page.file.src_uri != "glossary.md":
        return markdown
    zh = Text("zh")
    head = "| English | 中文 | what it means |\n|---|---|---|\n"
    first = _TERM.search(markdown)
    rows = _TERM.sub(lambda m: f"| {m[1]} | {zh(m[1])} | {m[2]} |", markdown)
    return rows if first is None else rows[: first.start()] + head + rows[first.start() :]
