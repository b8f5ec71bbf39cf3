"""Figures of steps in time: why a score moved from one quarter to the next; charts against their control limits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from commlab.errors import ParameterError
from commlab.figures.rows import _height, _rows, _values
from commlab.figures.theme import COLOURS, FULL, Figure, label_text, listed, needed, render
from commlab.text import MISSING, Text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

__all__ = ["control_chart", "waterfall"]

_T = "en"
PANEL_MM, HEAD_MM = 30.0, 17.0
"""Height of a small panel, and room for the legend and the labels of the axis."""
FEW, MANY = 2, 6
"""Panels up to which one, and up to which two stand in a row; more stand in fours."""
TICKS = {1: 6, 2: 3, 4: 2}
"""Labels below a panel, by panels in a row."""


def waterfall(
    frame: pd.DataFrame,
    *,
    before: float,
    before_label: str,
    after_label: str,
    xlabel: str = "",
    title: str = "",
) -> Figure:
    """Why a score moved: from the earlier score, step by step, to the later one.

    Parameters
    ----------
    frame : DataFrame
        ``label``, ``change``, in printed order; the steps add up to the later score.
    before : float
        The earlier score.
    before_label, after_label : str
        Of the first and the last row.
    """
    steps = needed(frame, ["label", "change"], "waterfall")
    if steps["change"].isna().any() or not math.isfinite(before):
        raise ParameterError("waterfall needs a finite earlier score and every change; found a missing one")
    labels = [label_text(v) for v in (before_label, *steps["label"], after_label)]
    change = steps["change"].to_numpy(dtype=float)
    level = before + np.concatenate([[0.0], np.cumsum(change)])
    after = float(level[-1])
    t = Text(_T)

    def draw(figure: Canvas) -> None:
        axes, places = _rows(figure, labels, xlabel=xlabel, title=title)
        low, high = float(level.min()), float(level.max())
        start = low - 0.15 * (high - low or max(abs(high), 1.0))
        for place, value in ((places[0], before), (places[-1], after)):
            axes.barh(place, value - start, left=start, height=0.62, color=COLOURS["muted"])
        rising = change >= 0
        for part, colour, hatch in ((rising, "main", ""), (~rising, "accent", "////")):
            axes.barh(
                places[1:-1][part],
                change[part],
                left=level[:-1][part],
                height=0.62,
                color="white" if hatch else COLOURS[colour],
                edgecolor=COLOURS[colour],
                hatch=hatch,
            )
        # The level on which the next step stands.
        axes.vlines(level, places[:-1], places[1:], color=COLOURS["ink"], linewidth=0.6)
        axes.set_xlim(start, high + 0.05 * (high - start))
        _values(axes, places, [t.number(before), *(t.signed(v) for v in change), t.number(after)])

    alt = listed(
        title or xlabel,
        [
            f"{before_label} {t.number(before)}",
            *(f"{r.label} {t.signed(r.change)}" for r in steps.itertuples()),
            f"{after_label} {t.number(after)}",
        ],
    )
    return render(draw, name="waterfall", alt=alt, width_mm=FULL, height_mm=_height(labels) - 4)


def control_chart(
    points: pd.DataFrame,
    *,
    value_label: str,
    limit_label: str,
    out_label: str,
    middle_label: str = "",
    percent: bool = False,
    same_scale: bool = True,
    title: str = "",
) -> Figure:
    """Points in order of time against their limits, a small panel for each place or quantity.

    What is out of control is marked by its shape as well as its colour.

    Parameters
    ----------
    points : DataFrame
        ``at`` (numbers or dates that order the points), ``label`` (of the time), ``value``, ``out`` (bool); optional
        ``panel`` (its heading), ``middle``, ``low``, ``high`` (missing where there is no such line). A point without a value
        keeps its place.
    value_label, limit_label, out_label, middle_label : str
        In the legend; the middle is drawn where it has a label.
    percent : bool
        Values are fractions and are shown as percentages.
    same_scale : bool
        All panels have one vertical axis.
    """
    rows = needed(points, ["at", "label", "value", "out"], "control_chart")
    for name in ("panel", "middle", "low", "high"):
        if name not in rows:
            rows[name] = "" if name == "panel" else math.nan
    times = rows.drop_duplicates("at").sort_values("at", ignore_index=True)
    rows["place"] = rows["at"].map(pd.Series(times.index, index=times["at"]))
    rows = rows.sort_values("place", kind="stable")
    panels = {str(name): rows[rows["panel"] == name] for name in dict.fromkeys(points.get("panel", [""]))}
    across = 1 if len(panels) <= FEW else 2 if len(panels) <= MANY else 4
    down = math.ceil(len(panels) / across)
    ticks = np.unique(np.linspace(0, len(times) - 1, TICKS[across]).round().astype(int))
    t = Text(_T)
    show = t.percent if percent else t.number

    def draw(figure: Canvas) -> None:
        grid = figure.subplots(down, across, sharex=True, sharey=same_scale, squeeze=False).ravel()
        for axes in grid[len(panels) :]:
            axes.set_visible(False)
        for i, (axes, (name, own)) in enumerate(zip(grid, panels.items(), strict=False)):
            _charted(axes, own, bool(middle_label))
            axes.set_title(label_text(name, 120 // across), loc="left", fontsize=8.5)
            axes.set_xticks(ticks, [label_text(v, 14) for v in times["label"].iloc[ticks]])
            axes.tick_params(axis="x", labelbottom=i + across >= len(panels))
            axes.set_xlim(-0.6, len(times) - 0.4)
            if percent:
                axes.yaxis.set_major_formatter(lambda value, _: t.percent(value, 0))
        if title:
            figure.suptitle(label_text(title, 80), x=0.01, ha="left", fontsize=9.5)
        _key(figure, value_label, middle_label, limit_label, out_label if rows["out"].any() else "")

    entries = []
    for name, own in panels.items():
        known = own[own["value"].notna()]
        if known.empty:
            entries.append(f"{name} {MISSING}")
            continue
        last = known.iloc[-1]
        told = f"{name} {last['label']}: {value_label} {show(last['value'])}"
        if pd.notna(last["low"]):
            told += f", {limit_label} {t.interval(last['low'], last['high'], percent=percent)}"
        elif pd.notna(last["high"]):
            told += f", {limit_label} {show(last['high'])}"
        out = known[known["out"].astype(bool)]
        entries.append(f"{told}, {out_label} {len(out)}/{len(known)}" + (f" ({', '.join(map(str, out['label']))})" if len(out) else ""))  # fmt: skip
    height = HEAD_MM + PANEL_MM * down * (1.6 if across == 1 else 1.0)
    return render(draw, name="control-chart", alt=listed(title, entries), width_mm=FULL, height_mm=height)


def _charted(axes: Axes, own: pd.DataFrame, middle: bool) -> None:
    ink, place = COLOURS["ink"], own["place"]
    for line in ("low", "high"):
        axes.step(place, own[line].astype("float64"), where="mid", color=ink, linewidth=0.8, linestyle="--")
    if middle:
        axes.step(place, own["middle"].astype("float64"), where="mid", color=COLOURS["muted"], linewidth=0.9)
    axes.plot(
        place,
        own["value"].astype("float64"),
        color=COLOURS["main"],
        linewidth=1.0,
        marker="o",
        markersize=2.6,
    )
    out = own[own["out"].astype(bool) & own["value"].notna()]
    axes.scatter(
        out["place"],
        out["value"],
        marker="D",
        s=22,
        color=COLOURS["accent"],
        edgecolor=ink,
        linewidth=0.5,
        zorder=3,
    )
    axes.grid(visible=False, axis="x")
    axes.grid(visible=True, axis="y")
    axes.margins(y=0.08)


def _key(figure: Canvas, value: str, middle: str, limit: str, out: str) -> None:
    """The legend of a control chart: all that it draws, whichever panel has it."""
    from matplotlib.lines import Line2D

    ink = COLOURS["ink"]
    drawn = {
        value: Line2D([], [], color=COLOURS["main"], marker="o", markersize=3),
        middle: Line2D([], [], color=COLOURS["muted"], linewidth=0.9),
        limit: Line2D([], [], color=ink, linewidth=0.8, linestyle="--"),
        out: Line2D([], [], color=COLOURS["accent"], marker="D", markersize=4.5, linestyle="", markeredgecolor=ink, markeredgewidth=0.5),
    }  # fmt: skip
    shown = {name: line for name, line in drawn.items() if name}
    names = [label_text(n, 60) for n in shown]
    figure.legend(list(shown.values()), names, loc="outside upper right", ncols=len(shown))
