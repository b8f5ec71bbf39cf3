"""Maps of districts: tiles of one size, or real boundaries that the user supplies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.figures.theme import COLOURS, FULL, Figure, label_text, listed, needed, render
from commlab.text import Text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

__all__ = ["boundary_map", "tile_map"]

TILE_MM = 15.0
MAP_MM = 120.0
SCALE = ("#F6F1E3", "#7FB4D3", "#0B3C63")
"""Low to high; in grey print light to dark."""
DARK = 0.18
"""Below this luminance, writing is white: there white and black stand out alike (WCAG 2.1)."""
_T = "en"


def tile_map(frame: pd.DataFrame, *, colour_label: str, title: str = "") -> Figure:
    """Districts as tiles of one size, about where they lie; the small ones are as legible as the large ones.

    Parameters
    ----------
    frame : DataFrame
        ``label``, ``column``, ``row`` (whole numbers, row 0 in the north), ``value``. A tile without a value
        is hatched.
    """
    rows = needed(frame, ["label", "column", "row", "value"], "tile_map")
    twice = rows.duplicated(["column", "row"], keep=False)
    if twice.any():
        raise ParameterError(f"tile_map has one place for several units: {listing(rows['label'][twice])}")
    columns, lines = (int(rows[c].max() - rows[c].min()) + 1 for c in ("column", "row"))
    x, y = rows["column"] - rows["column"].min(), rows["row"] - rows["row"].min()

    def draw(figure: Canvas) -> None:
        from matplotlib.patches import Rectangle

        axes = figure.subplots()
        colours = _Colours(rows["value"])
        for i, r in enumerate(rows.itertuples()):
            known = math.isfinite(r.value)
            face, ink = colours.of(r.value)
            edge = "white" if known else COLOURS["muted"]
            axes.add_patch(
                Rectangle(
                    (x[i] + 0.03, y[i] + 0.03),
                    0.94,
                    0.94,
                    facecolor=face,
                    edgecolor=edge,
                    hatch="" if known else "xxx",
                )
            )
            shown = label_text(r.label, 12) + ("\n" + Text(_T).number(r.value) if known else "")
            box = None if known else {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
            axes.text(
                x[i] + 0.5, y[i] + 0.5, shown, ha="center", va="center", color=ink, fontsize=7, bbox=box
            )
        axes.set_xlim(0, columns)
        axes.set_ylim(lines, 0)
        _bare(figure, axes, colours, colour_label, title)

    return render(
        draw,
        name="tiles",
        alt=_values_told(rows, title or colour_label),
        width_mm=FULL,
        height_mm=TILE_MM * lines + 16,
    )


def boundary_map(
    frame: pd.DataFrame, boundaries: Mapping[str, Any], *, key: str, colour_label: str, title: str = ""
) -> Figure:
    """Districts in their real boundaries, which the user supplies.

    Parameters
    ----------
    frame : DataFrame
        ``label``, ``value``.
    boundaries : mapping
        A parsed GeoJSON FeatureCollection of polygons, in degrees or metres.
    key : str
        The feature's property that holds the frame's label.

    Raises
    ------
    DataError
        If it is no collection of polygons or a unit of the frame has no feature.
    """
    rows = needed(frame, ["label", "value"], "boundary_map")
    shapes = {name: rings for name, rings in _polygons(boundaries, key)}
    lacking = [v for v in rows["label"] if str(v) not in shapes]
    if lacking:
        raise DataError(
            f"the boundaries have no feature whose property {key!r} is {listing(lacking)}; they have {listing(shapes)}"
        )
    points = np.concatenate([ring for name in rows["label"] for ring in shapes[str(name)]])
    (west, south), (east, north) = points.min(axis=0), points.max(axis=0)
    # Degrees of longitude are shorter than those of latitude by the cosine of the latitude.
    degrees = np.abs(points).max() <= 180
    stretch = 1 / math.cos(math.radians((south + north) / 2)) if degrees else 1.0

    def draw(figure: Canvas) -> None:
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path

        axes = figure.subplots()
        colours = _Colours(rows["value"])
        for r in rows.itertuples():
            rings = shapes[str(r.label)]
            face, ink = colours.of(r.value)
            known = math.isfinite(r.value)
            outline = Path.make_compound_path(*(Path(ring, closed=True) for ring in rings))
            axes.add_patch(
                PathPatch(
                    outline,
                    facecolor=face,
                    edgecolor=COLOURS["ink"],
                    linewidth=0.5,
                    hatch="" if known else "xxx",
                )
            )
            middle = _inside(max(rings, key=lambda ring: abs(_area(ring))))
            shown = label_text(r.label, 12) + ("\n" + Text(_T).number(r.value) if known else "")
            axes.text(*middle, shown, ha="center", va="center", color=ink, fontsize=6.5)
        axes.set_xlim(west, east)
        axes.set_ylim(south, north)
        axes.set_aspect(stretch)
        _bare(figure, axes, colours, colour_label, title)

    return render(
        draw, name="map", alt=_values_told(rows, title or colour_label), width_mm=FULL, height_mm=MAP_MM
    )


class _Colours:
    """A value's colour and the ink that reads on it."""

    def __init__(self, values: pd.Series) -> None:
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import LinearSegmentedColormap, Normalize

        known = values[np.isfinite(values.astype(float))]
        self.low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
        self.range = high - self.low or 1.0
        self.map = LinearSegmentedColormap.from_list("values", SCALE)
        self.scale = ScalarMappable(Normalize(self.low, self.low + self.range), self.map)

    def of(self, value: float) -> tuple[Any, str]:
        if not math.isfinite(value):
            return "white", COLOURS["ink"]
        colour = self.map((value - self.low) / self.range)
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
        luminance = float(np.dot(linear, (0.2126, 0.7152, 0.0722)))
        return colour, "white" if luminance < DARK else COLOURS["ink"]


def _bare(figure: Canvas, axes: Axes, colours: _Colours, colour_label: str, title: str) -> None:
    """No axes around a map; the scale of its colours beside it."""
    axes.grid(False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[["left", "bottom"]].set_visible(False)
    scale = figure.colorbar(colours.scale, ax=axes, aspect=30, pad=0.02, label=label_text(colour_label, 40))
    scale.outline.set_visible(False)
    if title:
        axes.set_title(label_text(title, 60), loc="left")


def _values_told(rows: pd.DataFrame, what: str) -> str:
    t = Text(_T)
    return listed(what, (f"{r.label} {t.number(r.value)}" for r in rows.itertuples()))


def _polygons(boundaries: Mapping[str, Any], key: str) -> list[tuple[str, list[np.ndarray]]]:
    """Name -> rings (points x 2) of every feature."""
    features = boundaries.get("features") if isinstance(boundaries, Mapping) else None
    if not isinstance(features, list):
        raise DataError("the boundaries are no GeoJSON FeatureCollection: there is no list of features")
    out = []
    for number, feature in enumerate(features, 1):
        try:
            name, shape = str(feature["properties"][key]), feature["geometry"]
            polygons = {"Polygon": lambda c: [c], "MultiPolygon": list}[shape["type"]](shape["coordinates"])
            rings = [np.array([point[:2] for point in ring], dtype=float) for p in polygons for ring in p]
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise DataError(
                f"feature {number} of the boundaries is no polygon with a property {key!r} ({type(error).__name__}: {error})"
            ) from None
        if not rings or any(len(ring) < 4 or not np.isfinite(ring).all() for ring in rings):
            raise DataError(
                f"feature {number} of the boundaries ({name}) has a ring of fewer than four points"
            )
        out.append((name, rings))
    return out


def _area(ring: np.ndarray) -> float:
    x, y = ring[:, 0], ring[:, 1]
    return float(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1])) / 2


def _inside(ring: np.ndarray) -> tuple[float, float]:
    """A ring's centroid (of its points, where it has no area)."""
    area = _area(ring)
    if not area:
        return float(ring[:, 0].mean()), float(ring[:, 1].mean())
    x, y = ring[:, 0], ring[:, 1]
    cross = x[:-1] * y[1:] - x[1:] * y[:-1]
    return (
        float(np.dot(x[:-1] + x[1:], cross) / (6 * area)),
        float(np.dot(y[:-1] + y[1:], cross) / (6 * area)),
    )
