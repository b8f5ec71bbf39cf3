"""Rendered pages of the tiny study look as they did when somebody last looked at them and approved."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from tools.approve_pages import GOLDEN, LARGEST, PAGES, difference, render

MOST = 0.004
"""Share of a page that may differ."""
HOW = "look at {path}; if it is as it should be: .venv/bin/python tools/approve_pages.py"


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("pdftoppm") is None, reason="needs pdftoppm (poppler-utils); .ci/run installs it"
)
def test_pages_look_as_approved(tiny: Path, tmp_path: Path) -> None:
    pages = render(tiny, tmp_path)
    assert len(pages) == len(PAGES)
    wrong = []
    for name, path in pages.items():
        approved = GOLDEN / f"{name}.png"
        share = difference(approved, path) if approved.is_file() else 1.0
        if share > MOST:
            wrong.append(f"{name}: {share:.2%} of the pixels differ; {HOW.format(path=path)}")
    assert not wrong, "\n".join(wrong)


def test_approved_pages_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in GOLDEN.glob("*.png")}
    assert len(sizes) == len(PAGES) and max(sizes.values()) <= LARGEST, sizes


def test_a_moved_line_is_seen_and_another_edge_is_not(tmp_path: Path) -> None:
    def page(name: str, top: float, ink: int = 0) -> Path:
        image = Image.new("L", (200, 280), 255)
        ImageDraw.Draw(image).rectangle((20, top, 180, top + 12), fill=ink)
        image.save(tmp_path / name)
        return tmp_path / name

    one = page("one.png", 40)
    assert difference(one, page("other.png", 40, ink=30)) == 0
    assert difference(one, page("moved.png", 60)) > MOST
    Image.new("L", (10, 10)).save(tmp_path / "small.png")
    assert difference(one, tmp_path / "small.png") == 1
