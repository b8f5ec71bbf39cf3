"""Approve the rendered pages of the tiny study's district report: ``tests/golden`` gets what is rendered now.

    .venv/bin/python tools/approve_pages.py

Look at the new images before they are committed: they are what ``tests/test_report_golden.py`` compares with from then on.
Needs pdftoppm (Debian: poppler-utils).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageChops, ImageFilter

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = ROOT / "tests" / "golden"
CHAPTERS = ("cover", "summary", "sample", "indicators", "satisfaction")
"""Of the report; enough for contents, lists, tables and each kind of figure."""
PAGES = (1, 2, 4)
DPI = 60
LARGEST = 60_000
"""Bytes of an approved image."""
BLUR, APART = 1.0, 48
"""Radius in pixels, and grey levels from which two blurred pixels differ: edges drawn by other versions pass."""


def render(study: Path, folder: Path) -> dict[str, Path]:
    """Set the first district's report of a study and draw the pages that are compared.

    Returns
    -------
    dict of name -> PNG file
    """
    import commlab as cl
    from commlab.report import chapters
    from commlab.report.document import build_document
    from commlab.report.finding import blocks
    from commlab.report.pdf import pdf_bytes

    opened = cl.open_study(study)
    report = chapters.open_report(study, opened.period().name, opened.register.districts[0], "zh")
    shown = [getattr(chapters, name)(report) for name in CHAPTERS]
    pdf = folder / "report.pdf"
    pdf.write_bytes(pdf_bytes(build_document([b for item in shown for b in blocks(item)])))
    found = {}
    for page in PAGES:
        stem = f"district-{page}"
        command = ["pdftoppm", "-png", "-gray", "-r", str(DPI), "-f", str(page), "-singlefile"]
        subprocess.run([*command, str(pdf), str(folder / stem)], check=True)
        path = folder / f"{stem}.png"
        with Image.open(path) as image:
            image.quantize(16, dither=Image.Dither.NONE).save(path, optimize=True)
        found[stem] = path
    return found


def difference(one: Path, other: Path) -> float:
    """Share of the pixels in which two pages differ; 1 where their sizes do."""
    with Image.open(one) as a, Image.open(other) as b:
        if a.size != b.size:
            return 1.0
        blurred = [image.convert("L").filter(ImageFilter.GaussianBlur(BLUR)) for image in (a, b)]
    apart = ImageChops.difference(*blurred).histogram()[APART:]
    return sum(apart) / (blurred[0].width * blurred[0].height)


def main() -> None:
    import commlab as cl

    sys.path.insert(0, str(ROOT))
    from tools.sample_study import write_study

    with tempfile.TemporaryDirectory() as temporary:
        study = write_study(Path(temporary) / "tiny", size="tiny")
        opened = cl.open_study(study)
        opened.check()
        opened.period().build()
        GOLDEN.mkdir(exist_ok=True)
        for name, path in render(study, Path(temporary)).items():
            approved = GOLDEN / f"{name}.png"
            changed = (
                f"{difference(approved, path):.2%} of its pixels changed" if approved.is_file() else "new"
            )
            approved.write_bytes(path.read_bytes())
            print(f"{approved.relative_to(ROOT)}: {changed}, {approved.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
