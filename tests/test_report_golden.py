"""Rendered pages of the tiny study look as they did when somebody last looked at them and approved."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from tools.approve_pages import GOLDEN, LARGEST, PAGES, difference, render

MOST = 0.004
"""Share of a page that may differ."""
HALF = 0.5
"""No page but the first and the last leaves more of its text area empty."""
TOP_MM, BOTTOM_MM = 28, 28
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
    empty = blank(tmp_path / "report.pdf")[1:-1]
    assert len(empty) >= 3 and max(empty) < HALF, empty


def blank(pdf: Path) -> list[float]:
    """Share of every page's text area below the last thing printed on it."""
    command = ["pdftoppm", "-png", "-gray", "-r", "30", str(pdf), str(pdf.with_suffix(""))]
    subprocess.run(command, check=True)
    shares = []
    for path in sorted(pdf.parent.glob(f"{pdf.stem}-*.png")):
        with Image.open(path) as image:
            top, bottom = (round(mm / 25.4 * 30) for mm in (TOP_MM, image.height / 30 * 25.4 - BOTTOM_MM))
            ink = image.crop((0, top, image.width, bottom)).point(lambda grey: 255 * (grey < 200)).getbbox()
        shares.append(1 - ink[3] / (bottom - top) if ink else 1.0)
    return shares


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
