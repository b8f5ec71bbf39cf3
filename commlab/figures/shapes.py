"""Figures of whole patterns: answers that diverge around the middle, a star, a heat map, a distribution."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from commlab.errors import ParameterError
from commlab.figures.rows import FRAME_MM, LINE_MM, scores_with_city_mean
from commlab.figures.theme import COLOURS, FULL, HALF, Figure, label_text, listed, needed, render
from commlab.text import MISSING, Text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

__all__ = ["distribution", "heatmap", "likert", "radar"]

DIVERGING = ("#A6480B", "#F0A45D", "#D9DCE0", "#86BBDD", "#145A8D")
"""Negative to positive: safe for colour-blind readers; in grey the ends are dark and the middle is light."""
SMALLEST_LABEL = 0.055
"""Shares below this are not written into their bar: they would not fit."""
STAR_MM, STAR_HEIGHT_MM, STAR_BELOW_MM = 44.0, 71.0, 16.0
"""Diameter of a star, height of its figure, and the room below for labels and legend."""
STAR_LABEL = 14
"""Half-width characters in a line of a star's label: it has 28 mm on each side."""
VALUE_AWAY_PT = 13.0
"""How far outside its point a value of the star is written."""
_T = "en"


def likert(
    shares: pd.DataFrame,
    *,
    dont_know: pd.Series | None = None,
    dont_know_label: str = "",
    title: str = "",
    about: str = "",
) -> Figure:
    """Answers as bars that diverge around the middle answer, "don't know" apart on the right.

    Parameters
    ----------
    shares : DataFrame
        Rows: items (index = labels). Columns: answers from the most negative to the most positive, fractions.
    dont_know : Series, optional
        Fractions with the same index.
    title, about : str
        Printed above the bars; what the alternative text begins with where there is no title.
    """
    if not isinstance(shares, pd.DataFrame) or shares.empty:
        raise ParameterError("likert has nothing to draw: it needs a frame of items x answers")
    values = shares.to_numpy(dtype=float)
    if np.nanmin(values, initial=0) < 0 or np.nanmax(values, initial=0) > 1 + 1e-9:
        raise ParameterError("likert needs fractions between 0 and 1; divide percentages by 100")
    told, values = values, np.nan_to_num(values)
    answers = [str(c) for c in shares.columns]
    labels = [label_text(x) for x in shares.index]
    unknown = np.full(len(labels), np.nan)
    if dont_know is not None:
        unknown = dont_know.reindex(shares.index).to_numpy(dtype=float)
    middle = values.shape[1] / 2
    left_of = values[:, : math.floor(middle)].sum(axis=1)
    if values.shape[1] % 2:
        left_of = left_of + values[:, math.floor(middle)] / 2
    t = Text(_T)

    def draw(figure: Canvas) -> None:
        if dont_know is None:
            axes, apart = figure.subplots(), None
        else:
            axes, apart = figure.subplots(1, 2, sharey=True, gridspec_kw={"width_ratios": [7, 1]})
        places = np.arange(len(labels))
        start = -left_of
        for j, answer in enumerate(answers):
            colour = _diverging(j, len(answers))
            axes.barh(
                places, values[:, j], left=start, height=0.7, color=colour, label=label_text(answer, 40)
            )
            for place, share, at in zip(places, values[:, j], start, strict=True):
                if share >= SMALLEST_LABEL:
                    ink = "white" if _is_dark(colour) else COLOURS["ink"]
                    text = t.percent(share, 0)
                    axes.text(
                        at + share / 2, float(place), text, ha="center", va="center", color=ink, fontsize=7
                    )
            start = start + values[:, j]
        axes.axvline(0, color=COLOURS["ink"], linewidth=0.7, zorder=0.5)
        reach = [max(float(side.max()), 0.05) for side in (left_of, values.sum(axis=1) - left_of)]
        room = 0.02 * sum(reach)
        axes.set_xlim(-reach[0] - room, reach[1] + room)
        _items(axes, labels)
        axes.xaxis.set_major_formatter(lambda value, _: t.percent(abs(value), 0))
        handles, names = axes.get_legend_handles_labels()
        if apart is not None:
            known = np.nan_to_num(unknown)
            apart.barh(places, known, height=0.7, color="white", edgecolor=COLOURS["muted"], hatch="////")
            top = max(float(known.max()), 0.02)
            for place, share in zip(places, unknown, strict=True):
                shown = MISSING if math.isnan(share) else t.percent(share, 0)
                apart.text(np.nan_to_num(share) + top * 0.08, place, shown, va="center", fontsize=7)
            apart.set_xlim(0, top * 1.9)
            apart.set_xticks([])
            apart.set_xlabel(label_text(dont_know_label, 14))
            apart.tick_params(axis="y", length=0)
            apart.spines[["left", "bottom"]].set_visible(False)
        if title:
            axes.set_title(label_text(title, 80), loc="left")
        figure.legend(
            handles, names, loc="outside upper center", ncols=len(names), handlelength=1.2, columnspacing=1.2
        )

    entries = []
    for i, label in enumerate(shares.index):
        parts = [f"{a} {t.percent(v)}" for a, v in zip(answers, told[i], strict=True)]
        if dont_know is not None:
            parts.append(f"{dont_know_label} {t.percent(unknown[i])}")
        entries.append(f"{label} " + ", ".join(parts))
    height = (
        FRAME_MM + sum(max(5.8, LINE_MM * (1 + x.count("\n")) + 1.4) for x in labels) + (4 if title else 0)
    )
    return render(draw, name="answers", alt=listed(title or about, entries), width_mm=FULL, height_mm=height)


def _items(axes: Axes, labels: list[str]) -> None:
    axes.set_yticks(np.arange(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.45, -0.55)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _diverging(j: int, n: int) -> str:
    """The j-th of n colours, taken evenly from ``DIVERGING``; an even number leaves the middle out."""
    from matplotlib.colors import LinearSegmentedColormap, to_hex

    if n == len(DIVERGING):
        return DIVERGING[j]
    scale = LinearSegmentedColormap.from_list("answers", DIVERGING)
    return to_hex(scale(0.5 if n == 1 else j / (n - 1)))


def _is_dark(colour: Any) -> bool:
    from matplotlib.colors import to_rgb

    red, green, blue = to_rgb(colour)
    # Relative luminance as Rec. 709 weighs the channels.
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.5


def radar(
    frame: pd.DataFrame, *, value_label: str, mean_label: str, title: str = "", top: float = 100.0
) -> Figure:
    """A star: values and means on one axis each, for those who ask for it.

    Fewer than three axes make no star; the same values are then drawn as dots.

    Parameters
    ----------
    frame : DataFrame
        ``label``, ``value``, ``mean``; 0 to ``top``. Rows without a value are left out and named by no axis.
    """
    rows = needed(frame, ["label", "value", "mean"], "radar")
    rows = rows[rows["value"].notna()].reset_index(drop=True)
    if len(rows) < 3:
        renamed = needed(frame, ["label"], "radar").rename(columns={"value": "score", "mean": "city_mean"})
        return scores_with_city_mean(renamed, score_label=value_label, mean_label=mean_label, title=title)
    angles = np.linspace(0, 2 * np.pi, len(rows), endpoint=False)
    closed = np.append(angles, angles[0])

    def draw(figure: Canvas) -> None:
        # The layout engine does not see the labels around a star: it gets a place with room for them.
        figure.set_layout_engine("none")
        width, height = STAR_MM / HALF, STAR_MM / STAR_HEIGHT_MM
        axes: Any = figure.add_axes(
            ((1 - width) / 2, STAR_BELOW_MM / STAR_HEIGHT_MM, width, height), projection="polar"
        )
        axes.set_theta_offset(np.pi / 2)
        axes.set_theta_direction(-1)
        axes.grid(True, axis="both")
        value = rows["value"].to_numpy(dtype=float)
        mean = rows["mean"].to_numpy(dtype=float)
        ink, main = COLOURS["ink"], COLOURS["main"]
        axes.plot(
            closed,
            np.append(mean, mean[0]),
            color=ink,
            linestyle=(0, (4, 2)),
            label=label_text(mean_label, 40),
        )
        axes.plot(
            closed,
            np.append(value, value[0]),
            color=main,
            marker="o",
            markersize=4,
            label=label_text(value_label, 40),
        )
        axes.fill(closed, np.append(value, value[0]), color=main, alpha=0.12, linewidth=0)
        for angle, v in zip(angles, value, strict=True):
            away = (VALUE_AWAY_PT * math.sin(angle), VALUE_AWAY_PT * 0.75 * math.cos(angle))
            shown = Text(_T).number(v)
            axes.annotate(
                shown,
                (angle, v),
                away,
                textcoords="offset points",
                ha="center",
                va="center",
                color=main,
                fontsize=7.5,
            )
        axes.set_ylim(0, top)
        axes.set_yticks(np.linspace(0, top, 6)[1:-1])
        axes.tick_params(axis="y", labelsize=6.5, labelcolor=COLOURS["muted"])
        axes.set_rlabel_position(180 / len(rows))
        axes.set_xticks(angles, [label_text(x, STAR_LABEL) for x in rows["label"]])
        for tick, angle in zip(axes.get_xticklabels(), angles, strict=True):
            side = math.sin(angle)
            tick.set_horizontalalignment("center" if abs(side) < 0.1 else "left" if side > 0 else "right")
        axes.tick_params(axis="x", pad=4)
        axes.spines["polar"].set_color(COLOURS["grid"])
        if title:
            figure.text(0.5, 0.995, label_text(title, 60), ha="center", va="top", fontsize=9.5)
        figure.legend(loc="lower center", ncols=2)

    t = Text(_T)
    alt = listed(
        title,
        (
            f"{r.label} {value_label} {t.number(r.value)}, {mean_label} {t.number(r.mean)}"
            for r in rows.itertuples()
        ),
    )
    return render(draw, name="radar", alt=alt, width_mm=HALF, height_mm=STAR_HEIGHT_MM)


def heatmap(frame: pd.DataFrame, *, colour_label: str, title: str = "") -> Figure:
    """Units x indicators as coloured cells with their rounded values; a cell without a value is hatched.

    Parameters
    ----------
    frame : DataFrame
        Index and columns are labels; values on one scale.
    """
    from matplotlib.colors import LinearSegmentedColormap

    if not isinstance(frame, pd.DataFrame) or frame.empty:
        raise ParameterError("heatmap has nothing to draw: it needs a frame of units x indicators")
    values = frame.to_numpy(dtype=float)
    rows = [label_text(x, 18) for x in frame.index]
    columns = [label_text(x, 24) for x in frame.columns]
    t = Text(_T)
    upright = max(len(line) for c in columns for line in c.split("\n")) > 5

    def draw(figure: Canvas) -> None:
        axes = figure.subplots()
        axes.set_facecolor("white")
        axes.patch.set(hatch="xxx", edgecolor=COLOURS["muted"])
        colours = LinearSegmentedColormap.from_list("scores", ["#F6F1E3", "#7FB4D3", "#0B3C63"])
        cells = axes.pcolormesh(np.ma.masked_invalid(values), cmap=colours, edgecolor="white", linewidth=0.6)
        for (i, j), value in np.ndenumerate(values):
            if not math.isnan(value):
                ink = "white" if _is_dark(cells.cmap(cells.norm(value))) else COLOURS["ink"]
                axes.text(
                    j + 0.5, i + 0.5, t.number(value, 0), ha="center", va="center", fontsize=6.5, color=ink
                )
        axes.invert_yaxis()
        axes.spines[["left", "bottom"]].set_visible(False)
        scale = figure.colorbar(cells, ax=axes, aspect=40, pad=0.01, label=label_text(colour_label, 40))
        scale.outline.set_visible(False)
        axes.grid(False)
        axes.set_xticks(np.arange(len(columns)) + 0.5, columns, rotation=90 if upright else 0, fontsize=7)
        axes.set_yticks(np.arange(len(rows)) + 0.5, rows, rotation=0, fontsize=7.5)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.set(xlabel="", ylabel="")
        if title:
            figure.suptitle(label_text(title, 80))

    entries = []
    for label, line in zip(frame.index, values, strict=True):
        known = line[~np.isnan(line)]
        low, high = (t.number(known.min()), t.number(known.max())) if known.size else (MISSING, MISSING)
        entries.append(f"{label} {low}-{high}")
    longest = max(len(c.split("\n")[0]) for c in columns) if upright else 2
    height = 14 + 4.3 * len(rows) + 2.4 * longest
    return render(
        draw, name="heatmap", alt=listed(title or colour_label, entries), width_mm=FULL, height_mm=height
    )


def distribution(
    values: pd.Series,
    *,
    xlabel: str,
    ylabel: str,
    mark: float | None = None,
    mark_label: str = "",
    title: str = "",
) -> Figure:
    """A histogram, with one value marked in it.

    Parameters
    ----------
    values : Series
        Missing values are left out.
    mark : float, optional
        Where a unit stands among the others.
    """
    import seaborn as sns

    known = pd.Series(values, dtype="float64").replace([np.inf, -np.inf], np.nan).dropna()
    if known.empty:
        raise ParameterError("distribution has nothing to draw: no value is finite")

    def draw(figure: Canvas) -> None:
        axes = figure.subplots()
        axes.grid(False)
        axes.grid(True, axis="y")
        sns.histplot(x=known.to_numpy(), ax=axes, color=COLOURS["soft"], edgecolor="white", bins="sturges")
        if mark is not None and math.isfinite(mark):
            axes.axvline(mark, color=COLOURS["accent"], linewidth=1.8, label=label_text(mark_label, 40))
            if mark_label:
                figure.legend(loc="outside upper right")
        axes.set_xlabel(label_text(xlabel, 60))
        axes.set_ylabel(label_text(ylabel, 40))
        if title:
            axes.set_title(label_text(title, 60), loc="left")

    t = Text(_T)
    quarters = known.quantile([0, 0.25, 0.5, 0.75, 1])
    shown = [f"n = {len(known)}", "min / Q1 / Q2 / Q3 / max: " + " / ".join(t.number(q) for q in quarters)]
    if mark is not None:
        shown.append(f"{mark_label} {t.number(mark)}")
    return render(draw, name="distribution", alt=listed(title or xlabel, shown), width_mm=HALF, height_mm=66)
