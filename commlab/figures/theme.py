"""The theme of all figures, and what a figure is.

Fonts come from a package, never from the system, so that a figure looks the same everywhere. Colours are
those of Okabe and Ito (2008), told apart by colour-blind readers; meaning never rests on colour alone.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from commlab.errors import ParameterError

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

__all__ = ["COLOURS", "DPI", "FULL", "HALF", "Figure", "canvas", "font_folder", "render", "theme"]

DPI = 300
FULL = 156.0
"""Width of a figure across the text, in millimetres (A4 with margins of 28 and 26 mm)."""
HALF = 110.0
"""Width of a small figure, in millimetres."""
MM_PER_INCH = 25.4

COLOURS = {
    "main": "#0072B2",
    "accent": "#D55E00",
    "good": "#009E73",
    "soft": "#56B4E9",
    "muted": "#9AA3AD",
    "ink": "#1C2430",
    "grid": "#DDE2E8",
}

FONT = "Noto Sans SC"


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
        return f"Figure({self.name!r}, {self.width_mm:g} x {self.height_mm:g} mm: {self.alt})"


def font_folder() -> Path:
    """The folder of the fonts that come with the installed font package."""
    from importlib.util import find_spec

    spec = find_spec("pylopdf_fonts_zh_cn")
    if spec is None or spec.origin is None:
        raise ParameterError(
            "the package pylopdf-fonts-zh-cn with the Chinese fonts is not installed; install it"
        )
    return Path(spec.origin).parent


@contextmanager
def theme() -> Iterator[None]:
    """Style and fonts of all figures, for the time of the block only."""
    import matplotlib as mpl
    from matplotlib import font_manager
    from seaborn import axes_style

    # The manager has no context of its own: a font is added once and only by name does anybody use it.
    if not any(f.name == FONT for f in font_manager.fontManager.ttflist):
        font_manager.fontManager.addfont(str(font_folder() / "NotoSansSC-Regular.otf"))
    ink = COLOURS["ink"]
    style: dict[str, Any] = {
        **axes_style("whitegrid"),
        "font.family": [FONT],
        "font.sans-serif": [FONT],
        "font.size": 8.5,
        "axes.titlesize": 9.5,
        "axes.labelsize": 8.5,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
        "legend.fontsize": 8,
        "legend.frameon": False,
        "text.color": ink,
        "axes.labelcolor": ink,
        "xtick.color": ink,
        "ytick.color": ink,
        "axes.edgecolor": ink,
        "axes.linewidth": 0.6,
        "grid.color": COLOURS["grid"],
        "grid.linewidth": 0.6,
        "axes.unicode_minus": False,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "lines.linewidth": 1.2,
        "text.parse_math": False,
        "figure.dpi": 100,
    }
    with mpl.rc_context(cast("Any", style)):
        yield


def canvas(width_mm: float, height_mm: float) -> Canvas:
    """An empty figure of a printed size, without window or state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Canvas

    figure = Canvas(figsize=(width_mm / MM_PER_INCH, height_mm / MM_PER_INCH), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def render(
    draw: Callable[[Canvas], None], *, name: str, alt: str, width_mm: float, height_mm: float
) -> Figure:
    """Let ``draw`` fill an empty figure and keep it as PNG bytes."""
    with theme():
        figure = canvas(width_mm, height_mm)
        draw(figure)
        out = io.BytesIO()
        # Metadata of None takes the program's name and version out: same data, same bytes.
        figure.savefig(out, format="png", dpi=DPI, metadata={"Software": None})
    return Figure(out.getvalue(), alt, width_mm, height_mm, name)
