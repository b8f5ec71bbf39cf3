"""Figures with two axes: importance against performance, a funnel of small communities."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from commlab.errors import ParameterError, listing
from commlab.figures.theme import COLOURS, FULL, Figure, label_text, listed, needed, render, span
from commlab.text import Text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

__all__ = ["OUTER", "funnel", "importance_performance"]

INNER, OUTER = 1.959964, 3.090232
"""Quantiles of the normal distribution that hold 95 % and 99.8 %: the limits of a funnel."""

PLANE_MM = 96.0
FUNNEL_MM = 84.0
NAMED = 12
"""Communities outside the funnel that are named; the text tells how many there are."""
MARK_PX = 10.0
"""Half the room that a point takes, in pixels at ``DPI``."""
BESIDE = tuple(
    (dx * away, dy * away, ("right", "center", "left")[dx + 1], ("top", "center", "bottom")[dy + 1])
    for away in (5.0, 12.0)
    for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))
)
"""Where a name may stand beside its point: offset in points, and how it is aligned."""
_T = "en"


def importance_performance(
    frame: pd.DataFrame,
    *,
    xlabel: str,
    ylabel: str,
    quadrants: Mapping[str, str],
    undecided_label: str,
    title: str = "",
) -> Figure:
    """Items by how well they do (across) and how much they matter (up), with intervals and four quadrants.

    A point whose interval crosses a border is hollow: it is undecided.

    Parameters
    ----------
    frame : DataFrame
        ``label``, ``performance``, ``importance``, ``quadrant`` (``keep improve maintain watch undecided``);
        optional ``low``, ``high`` (of performance), ``importance_low``, ``importance_high``.
    quadrants : mapping
        ``keep``, ``improve``, ``maintain``, ``watch`` -> what is written into each corner.
    undecided_label : str
        In the legend, for hollow points.
    """
    rows = needed(frame, ["label", "performance", "importance", "quadrant"], "importance_performance")
    lacking = [q for q in ("keep", "improve", "maintain", "watch") if q not in quadrants]
    if lacking:
        raise ParameterError(f"importance_performance needs a label for the quadrants {listing(lacking)}")
    rows = rows.dropna(subset=["performance", "importance"]).reset_index(drop=True)
    if rows.empty:
        raise ParameterError("importance_performance has nothing to draw: no item has both values")
    ends = {
        c: rows[c].fillna(rows[of]) if c in rows else rows[of]
        for c, of in (
            ("low", "performance"),
            ("high", "performance"),
            ("importance_low", "importance"),
            ("importance_high", "importance"),
        )
    }
    across, up = float(rows["performance"].mean()), float(rows["importance"].mean())
    hollow = rows["quadrant"].eq("undecided")

    def draw(figure: Canvas) -> None:
        from matplotlib.ticker import MaxNLocator

        axes = figure.subplots()
        axes.grid(False)
        ink, main = COLOURS["ink"], COLOURS["main"]
        x, y = rows["performance"], rows["importance"]
        axes.hlines(y, ends["low"], ends["high"], color=COLOURS["soft"], linewidth=1.6)
        axes.vlines(x, ends["importance_low"], ends["importance_high"], color=COLOURS["soft"], linewidth=1.6)
        axes.axvline(across, color=ink, linewidth=0.7, linestyle=(0, (4, 2)))
        axes.axhline(up, color=ink, linewidth=0.7, linestyle=(0, (4, 2)))
        axes.scatter(x[~hollow], y[~hollow], s=26, color=main, zorder=3)
        if hollow.any():
            axes.scatter(
                x[hollow],
                y[hollow],
                s=26,
                facecolor="white",
                edgecolor=main,
                zorder=3,
                label=label_text(undecided_label, 60),
            )
            figure.legend(loc="outside upper right")
        _roomy(axes, [*ends["low"], *ends["high"]], [*ends["importance_low"], *ends["importance_high"]])
        corners = {"keep": (1, 1), "improve": (0, 1), "maintain": (1, 0), "watch": (0, 0)}
        for name, (right, top) in corners.items():
            axes.text(
                0.985 if right else 0.015,
                0.985 if top else 0.015,
                label_text(quadrants[name], 30),
                transform=axes.transAxes,
                ha="right" if right else "left",
                va="top" if top else "bottom",
                color=COLOURS["muted"],
                fontsize=9,
            )
        _write_beside(
            axes,
            x.to_numpy(float),
            y.to_numpy(float),
            [label_text(v, 20) for v in rows["label"]],
            reach=np.column_stack([*ends.values()]),
        )
        axes.set_xlabel(label_text(xlabel, 60))
        axes.set_ylabel(label_text(ylabel, 40))
        axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        axes.yaxis.set_major_formatter(lambda value, _: Text(_T).percent(value, 0))
        if title:
            axes.set_title(label_text(title, 60), loc="left")

    t = Text(_T)
    names = {**quadrants, "undecided": undecided_label}
    alt = listed(
        title or f"{xlabel} / {ylabel}",
        (
            f"{r.label} {span(r.performance, ends['low'][r.Index], ends['high'][r.Index])}, "
            f"{t.percent(r.importance)}, {names.get(r.quadrant, r.quadrant)}"
            for r in rows.itertuples()
        ),
    )
    return render(draw, name="importance-performance", alt=alt, width_mm=FULL, height_mm=PLANE_MM)


def funnel(
    frame: pd.DataFrame,
    *,
    xlabel: str,
    ylabel: str,
    centre: float,
    spread: float,
    inside_label: str,
    outside_label: str,
    title: str = "",
) -> Figure:
    """Small units against their number of answers: what lies outside the funnel is more than chance.

    Parameters
    ----------
    frame : DataFrame
        ``label``, ``n`` (answers), ``value``.
    centre : float
        The value of the whole.
    spread : float
        Standard deviation of one answer; a unit with n answers varies by spread / sqrt(n).
    inside_label, outside_label : str
        In the legend.

    Notes
    -----
    Limits at 95 % and 99.8 %, as Spiegelhalter (2005) draws funnels for comparing institutions.
    """
    rows = needed(frame, ["label", "n", "value"], "funnel").dropna(subset=["n", "value"])
    rows = rows[rows["n"] > 0].reset_index(drop=True)
    if rows.empty or not (math.isfinite(centre) and math.isfinite(spread) and spread > 0):
        raise ParameterError("funnel needs units with answers, a finite centre and a spread above 0")
    distance = (rows["value"] - centre).abs() * np.sqrt(rows["n"]) / spread
    out = distance > OUTER

    def draw(figure: Canvas) -> None:
        axes = figure.subplots()
        axes.grid(False)
        grid = np.linspace(max(float(rows["n"].min()) * 0.8, 1.0), float(rows["n"].max()) * 1.05, 200)
        width = spread / np.sqrt(grid)
        axes.fill_between(grid, centre - OUTER * width, centre + OUTER * width, color=COLOURS["band"], lw=0)
        for times, style in ((INNER, (0, (4, 2))), (OUTER, "-")):
            for sign in (-1, 1):
                axes.plot(
                    grid,
                    centre + sign * times * width,
                    color=COLOURS["muted"],
                    linewidth=0.8,
                    linestyle=style,
                )
        axes.axhline(centre, color=COLOURS["ink"], linewidth=0.8)
        axes.scatter(
            rows["n"][~out],
            rows["value"][~out],
            s=12,
            color=COLOURS["soft"],
            label=label_text(inside_label, 40),
        )
        axes.scatter(
            rows["n"][out],
            rows["value"][out],
            s=22,
            marker="D",
            color=COLOURS["accent"],
            label=label_text(outside_label, 40),
        )
        values = rows["value"].to_numpy(float)
        reach = 1.08 * max(float(np.abs(values - centre).max()), float(INNER * width.max()))
        axes.set_ylim(centre - reach, centre + reach)
        axes.set_xlim(grid[0], grid[-1])
        far = rows[out].assign(far=distance[out]).nlargest(NAMED, "far", keep="all").head(NAMED)
        _write_beside(
            axes,
            far["n"].to_numpy(float),
            far["value"].to_numpy(float),
            [label_text(v, 20) for v in far["label"]],
        )
        axes.set_xlabel(label_text(xlabel, 60))
        axes.set_ylabel(label_text(ylabel, 40))
        if title:
            axes.set_title(label_text(title, 60), loc="left")
        figure.legend(loc="outside upper right", ncols=2)

    t = Text(_T)
    alt = listed(
        title or f"{xlabel} / {ylabel}",
        [
            f"n = {len(rows)}, {t.number(centre)}",
            f"{inside_label} {int((~out).sum())}, {outside_label} {int(out.sum())}",
            *(f"{r.label} {t.number(r.value)} (n = {t.integer(r.n)})" for r in rows[out].itertuples()),
        ],
    )
    return render(draw, name="funnel", alt=alt, width_mm=FULL, height_mm=FUNNEL_MM)


def _roomy(axes: Axes, x: list[float], y: list[float]) -> None:
    """Limits with room on every side, so that names fit beside points."""
    for values, limit, share in ((x, axes.set_xlim, 0.16), (y, axes.set_ylim, 0.14)):
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        room = (high - low or max(abs(high), 1.0)) * share
        limit(low - room, high + room)


def _write_beside(
    axes: Axes, x: np.ndarray, y: np.ndarray, names: list[str], *, reach: np.ndarray | None = None
) -> None:
    """Names beside their points: each where it covers least of points, intervals and names that stand already.

    ``reach``: low and high end across, low and high end up, of each point's intervals (points x 4).
    """
    from matplotlib.patheffects import withStroke
    from matplotlib.transforms import Bbox

    figure: Any = axes.figure
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    to_pixels = axes.transData.transform
    taken = [Bbox([p - MARK_PX, p + MARK_PX]) for p in to_pixels(np.column_stack([x, y]))]
    if reach is not None:
        for i, (left, right, low, high) in enumerate(reach):
            across, up = to_pixels([[left, y[i]], [right, y[i]]]), to_pixels([[x[i], low], [x[i], high]])
            taken += [Bbox([line[0] - 1, line[1] + 1]) for line in (across, up)]
    frame = axes.get_window_extent(renderer)
    for i in np.argsort(-y, kind="stable"):
        best: tuple[float, Any, Any] | None = None
        for dx, dy, ha, va in BESIDE:
            text = axes.annotate(
                names[i], (x[i], y[i]), (dx, dy), textcoords="offset points", ha=ha, va=va, fontsize=7
            )
            box = text.get_window_extent(renderer)
            inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
            # How far from the point, in points, decides between places that cover equally little.
            cost = sum(box.overlaps(b) for b in taken) + abs(dx) / 1e3 + abs(dy) / 1e3 + 100.0 * (not inside)
            if best is None or cost < best[0]:
                if best is not None:
                    best[1].remove()
                best = (cost, text, box)
            else:
                text.remove()
        if best is not None:
            best[1].set_path_effects([withStroke(linewidth=2, foreground="white")])
            taken.append(best[2])
