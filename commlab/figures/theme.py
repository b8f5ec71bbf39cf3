"""The theme of all figures, and what a figure is.

Fonts come from an installed package, never from the system, so that a figure looks the same everywhere.
Colours are those of Okabe and Ito (2008), which colour-blind readers can tell apart; meaning never rests on
colour alone, so that a figure still reads in grey print.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from commlab.errors import ParameterError, listing
from commlab.text import Text, clean

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

__all__ = [
    "COLOURS",
    "DPI",
    "FULL",
    "HALF",
    "Figure",
    "font_folder",
    "label_text",
    "listed",
    "needed",
    "render",
    "span",
    "theme",
    "with_mark",
]

DPI = 300
FULL = 156.0
"""Width of a figure across the text, in millimetres (A4 with margins of 28 and 26 mm)."""
HALF = 110.0
"""Width of a small figure, in millimetres."""
MM_PER_INCH = 25.4
PALETTE = 128
"""Colours of a stored picture: drawings need no more, and the file is a third."""
MARK_PT = 7.0
MARK_COLOUR = "#B3381E"
"""Type size and colour of the mark of sample data below a picture."""
NEARLY_WHITE = 252
COMPRESSION = 6
FONT = "Noto Sans SC"
FONT_FILE = "NotoSansSC-Regular.otf"
UNKNOWN = "?"
"""Stands for a character that the font does not have."""
FIRST_IDEOGRAPH = 0x2E80
NEVER_FIRST = "，。、；：）」』”%"
"""Characters that may not begin a line."""
MOST_LINES = 3
"""Lines of a label; what is longer ends in an ellipsis."""

COLOURS = {
    "main": "#0072B2",
    "accent": "#D55E00",
    "good": "#009E73",
    "soft": "#56B4E9",
    "muted": "#8A949E",
    "ink": "#1C2430",
    "grid": "#DDE2E8",
    "band": "#EEF2F6",
}


@dataclass(frozen=True, eq=False)
class Figure:
    """A picture for a report.

    Parameters
    ----------
    png : bytes
        At ``DPI``, without clock or version in its metadata: same data, same bytes.
    alt : str
        What the picture shows, computed from its data.
    width_mm, height_mm : float
        Printed size.
    name : str
        Used for file names; letters, digits and hyphens.
    """

    png: bytes
    alt: str
    width_mm: float
    height_mm: float
    name: str = "figure"

    def _repr_png_(self) -> bytes:
        return self.png

    def __repr__(self) -> str:
        return f"Figure({self.name!r}, {self.width_mm:g} x {self.height_mm:g} mm: {self.alt[:80]})"


@cache
def font_folder() -> Path:
    """The folder of the fonts that come with the installed font package."""
    from importlib.util import find_spec

    spec = find_spec("pylopdf_fonts_zh_cn")
    if spec is None or spec.origin is None:
        raise ParameterError("the package pylopdf-fonts-zh-cn (Chinese fonts) is not installed; install it")
    return Path(spec.origin).parent


@cache
def known_characters() -> frozenset[int]:
    """What the fonts of pages and figures can draw, as numbers of characters."""
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(str(font_folder() / FONT_FILE)).get_charmap())


def label_text(text: object, width: int = 24) -> str:
    """A label as it can be drawn: one character the font lacks becomes ``?``; broken into lines.

    Parameters
    ----------
    text : object
    width : int
        Half-width characters a line (a Chinese character takes two).
    """
    known = known_characters()
    plain = "".join(c if ord(c) in known else UNKNOWN for c in " ".join(clean(text).split()))
    if " " in plain and all(ord(c) < FIRST_IDEOGRAPH for c in plain):
        lines = textwrap.wrap(plain, max(width, 8))
    else:
        lines, used = [""], 0
        for c in plain:
            size = 2 if ord(c) >= FIRST_IDEOGRAPH else 1
            if used + size > width and c not in NEVER_FIRST:
                lines.append("")
                used = 0
            lines[-1] += c
            used += size
    if len(lines) > MOST_LINES:
        lines = [*lines[: MOST_LINES - 1], lines[MOST_LINES - 1][:-1] + "…"]
    return "\n".join(lines)


def needed(frame: pd.DataFrame, columns: Sequence[str], figure: str) -> pd.DataFrame:
    """The frame, if it has rows and the columns that a figure needs."""
    if not isinstance(frame, pd.DataFrame):
        raise ParameterError(f"{figure} needs a DataFrame, not {type(frame).__name__}")
    lacking = [c for c in columns if c not in frame]
    if lacking:
        raise ParameterError(f"{figure} needs the columns {listing(lacking)}; the frame has {listing(frame)}")
    if frame.empty:
        raise ParameterError(f"{figure} has nothing to draw: the frame has no rows")
    # What is infinite cannot be drawn; it is left out as what is missing.
    return frame.reset_index(drop=True).replace([np.inf, -np.inf], np.nan)


def listed(what: str, entries: Iterable[str], *, most: int = 40) -> str:
    """Alternative text: what is shown, then the values themselves."""
    shown = [" ".join(e.split()) for e in entries]
    more = f" (+{len(shown) - most})" if len(shown) > most else ""
    return clean(f"{what}: " if what else "") + clean("; ".join(shown[:most])) + more


def span(value: float, low: float, high: float, *, percent: bool = False) -> str:
    """A value with its interval, as alternative texts tell it."""
    t = Text("en")
    shown = t.percent(value) if percent else t.number(value)
    return shown if pd.isna(low) or pd.isna(high) else f"{shown} {t.interval(low, high, percent=percent)}"


@contextmanager
def theme() -> Iterator[None]:
    """Style and fonts of all figures, for the time of the block only."""
    import matplotlib as mpl
    from matplotlib import font_manager

    # The manager has no context of its own; the font is added once and used by name only.
    if not any(f.name == FONT for f in font_manager.fontManager.ttflist):
        font_manager.fontManager.addfont(str(font_folder() / FONT_FILE))
    ink = COLOURS["ink"]
    style: dict[str, Any] = {
        "font.family": [FONT],
        "font.size": 8.5,
        "axes.titlesize": 9.5,
        "axes.labelsize": 8.5,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8.5,
        "legend.fontsize": 8,
        "legend.frameon": False,
        "text.color": ink,
        "axes.labelcolor": ink,
        "xtick.color": ink,
        "ytick.color": ink,
        "axes.edgecolor": ink,
        "axes.linewidth": 0.6,
        "axes.axisbelow": True,
        "axes.grid": True,
        "axes.grid.axis": "x",
        "axes.unicode_minus": False,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "grid.color": COLOURS["grid"],
        "grid.linewidth": 0.6,
        "lines.linewidth": 1.3,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "hatch.linewidth": 0.4,
        "text.parse_math": False,
    }
    with mpl.rc_context(cast("Any", style)):
        yield


def render(
    draw: Callable[[Canvas], None], *, name: str, alt: str, width_mm: float, height_mm: float
) -> Figure:
    """Let ``draw`` fill an empty figure of a printed size and keep it as PNG bytes.

    No window, no state, no clock: the layout is constrained, so that labels are never cut.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Canvas
    from PIL import Image

    with theme():
        size = (width_mm / MM_PER_INCH, height_mm / MM_PER_INCH)
        figure = Canvas(figsize=size, dpi=DPI, layout="constrained")
        canvas = FigureCanvasAgg(figure)
        draw(figure)
        canvas.draw()
        pixels = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    return Figure(_stored(pixels), alt, width_mm, height_mm, name)


def with_mark(png: bytes, mark: str) -> bytes:
    """The picture with a line below it that says what it is not: real results.

    For pictures that leave the document whose pages carry the mark.
    """
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.open(io.BytesIO(png)).convert("RGB")
    size = round(MARK_PT / 72 * DPI)
    out = Image.new("RGB", (picture.width, picture.height + 2 * size), "white")
    out.paste(picture, (0, 0))
    font = ImageFont.truetype(str(font_folder() / FONT_FILE), size)
    ImageDraw.Draw(out).text((size, picture.height + size // 2), mark, fill=MARK_COLOUR, font=font)
    return _stored(out)


def _stored(picture: Any) -> bytes:
    """A picture as PNG with a palette.

    The octree is six times faster than cutting by medians and as good on drawings, but for paper white, which it
    mixes with what is nearly white: those entries are set to white again.
    """
    from PIL import Image

    few = picture.quantize(PALETTE, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    colours = few.getpalette()
    triples = [colours[i : i + 3] for i in range(0, len(colours), 3)]
    few.putpalette([c for triple in triples for c in ([255] * 3 if min(triple) >= NEARLY_WHITE else triple)])
    out = io.BytesIO()
    few.save(out, format="png", compress_level=COMPRESSION, dpi=(DPI, DPI))
    return out.getvalue()
