"""Figures with one row a unit, indicator or item: dots and intervals that line up and can be compared.

Dots need no zero, so the axis shows the range of the data; intervals are thick lines through the dot.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from commlab.errors import ParameterError
from commlab.figures.theme import COLOURS, FULL, Figure, label_text, listed, needed, render, span
from commlab.text import MISSING, Text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

__all__ = ["bars", "changes", "disagreement", "ranks_with_uncertainty", "scores_with_city_mean"]

ROW_MM, CLOSE_ROW_MM = 5.6, 4.6
"""Height of a row; of many rows, so that a page has room for two figures."""
MANY_ROWS = 12
LINE_MM = 3.4
FRAME_MM = 19.0
_T = "en"


def scores_with_city_mean(
    scores: pd.DataFrame,
    *,
    score_label: str,
    mean_label: str,
    xlabel: str = "",
    title: str = "",
) -> Figure:
    """Scores as dots with their intervals, beside the city mean of each row.

    Parameters
    ----------
    scores : DataFrame
        ``label``, ``score``, ``city_mean`` (same scale, 0-100); optional ``low``, ``high``. In printed order;
        a row without a score keeps its place.
    score_label, mean_label : str
        In the legend.
    xlabel, title : str

    Returns
    -------
    Figure
    """
    rows = _with_interval(needed(scores, ["label", "score", "city_mean"], "scores_with_city_mean"), "score")
    labels = [label_text(x) for x in rows["label"]]

    def draw(figure: Canvas) -> None:
        axes, places = _rows(figure, labels, xlabel=xlabel, title=title)
        ink, main = COLOURS["ink"], COLOURS["main"]
        axes.hlines(places, rows["city_mean"], rows["score"], color=COLOURS["muted"], linewidth=0.8)
        _intervals(axes, places, rows)
        axes.scatter(rows["city_mean"], places, marker="|", s=90, linewidth=1.8, color=ink, label=mean_label)
        axes.scatter(rows["score"], places, s=26, color=main, zorder=3, label=score_label)
        _limits(axes, rows[["score", "low", "high", "city_mean"]])
        _values(axes, places, [Text(_T).number(v) for v in rows["score"]])
        _legend(figure, axes)

    t = Text(_T)
    alt = listed(
        title or xlabel,
        (
            f"{r.label} {score_label} {span(r.score, r.low, r.high)}, {mean_label} {t.number(r.city_mean)}"
            for r in rows.itertuples()
        ),
    )
    return render(draw, name="scores", alt=alt, width_mm=FULL, height_mm=_height(labels))


def ranks_with_uncertainty(ranks: pd.DataFrame, *, xlabel: str, title: str = "") -> Figure:
    """Ranks as dots on the range of places that the uncertainty leaves open; the best on top.

    Parameters
    ----------
    ranks : DataFrame
        ``label``, ``rank``, ``rank_low``, ``rank_high`` (1 is best).
    """
    rows = needed(ranks, ["label", "rank", "rank_low", "rank_high"], "ranks_with_uncertainty")
    rows = rows.sort_values(["rank", "rank_low", "rank_high"], kind="stable", ignore_index=True)
    labels = [label_text(x) for x in rows["label"]]

    def draw(figure: Canvas) -> None:
        axes, places = _rows(figure, labels, xlabel=xlabel, title=title)
        axes.hlines(places, rows["rank_low"], rows["rank_high"], color=COLOURS["soft"], linewidth=5)
        axes.scatter(
            rows["rank"], places, s=28, color=COLOURS["main"], zorder=3, edgecolor="white", linewidth=0.6
        )
        last = np.nanmax(rows[["rank", "rank_high"]].to_numpy(dtype=float), initial=1)
        axes.set_xlim(0.4, last + 0.6)
        step = max(1, math.ceil(last / 20))
        axes.set_xticks(range(1, int(last) + 1, step))
        axes.tick_params(top=True, labeltop=True)

    t = Text(_T)
    alt = listed(
        title or xlabel,
        (
            f"{r.label} {t.integer(r.rank)} {t.interval(r.rank_low, r.rank_high, 0)}"
            for r in rows.itertuples()
        ),
    )
    return render(draw, name="ranks", alt=alt, width_mm=FULL, height_mm=_height(labels))


def changes(
    frame: pd.DataFrame,
    *,
    before_label: str,
    after_label: str,
    xlabel: str = "",
    difference_label: str = "",
    title: str = "",
    label: str = "label",
) -> Figure:
    """Arrows from before to after, and beside them the change with its interval around zero.

    Parameters
    ----------
    frame : DataFrame
        The column named by ``label``, ``before``, ``after``, ``estimate`` (the change), ``ci_low``,
        ``ci_high`` (of the change).
    before_label, after_label : str
        In the legend.
    difference_label : str
        Below the changes; default: after - before.
    """
    wanted = [label, "before", "after", "estimate", "ci_low", "ci_high"]
    rows = needed(frame, wanted, "changes").rename(columns={label: "label"})
    labels = [label_text(x) for x in rows["label"]]
    difference = difference_label or f"{after_label} - {before_label}"

    def draw(figure: Canvas) -> None:
        left, right = figure.subplots(1, 2, sharey=True, gridspec_kw={"width_ratios": [3, 2]})
        places = _prepare(left, labels, xlabel=xlabel)
        for place, r in zip(places, rows.itertuples(), strict=True):
            if not pd.isna(r.before) and not pd.isna(r.after):
                arrow = {"arrowstyle": "-|>", "color": COLOURS["main"], "shrinkA": 0, "shrinkB": 1.5}
                left.annotate("", xy=(r.after, place), xytext=(r.before, place), arrowprops=arrow)
        ink = COLOURS["ink"]
        left.scatter(
            rows["before"], places, s=22, facecolor="white", edgecolor=ink, label=before_label, zorder=3
        )
        left.scatter(rows["after"], places, s=22, color=COLOURS["main"], label=after_label, zorder=3)
        _limits(left, rows[["before", "after"]])
        _bands(right, len(places))
        right.axvline(0, color=ink, linewidth=0.8)
        right.hlines(places, rows["ci_low"], rows["ci_high"], color=COLOURS["soft"], linewidth=3)
        sure = (rows["ci_low"] > 0) | (rows["ci_high"] < 0)
        face = np.where(sure, COLOURS["main"], "white")
        right.scatter(rows["estimate"], places, s=24, color=face, edgecolor=COLOURS["main"], zorder=3)
        right.set_xlabel(label_text(difference, 40))
        right.tick_params(axis="y", length=0)
        right.spines["left"].set_visible(False)
        _limits(right, rows[["estimate", "ci_low", "ci_high"]].assign(zero=0.0))
        if title:
            left.set_title(label_text(title, 80), loc="left")
        _legend(figure, left)

    t = Text(_T)
    alt = listed(
        title or xlabel,
        (
            f"{r.label} {before_label} {t.number(r.before)}, {after_label} {t.number(r.after)}, "
            f"{t.signed(r.estimate)} {t.interval(r.ci_low, r.ci_high)}"
            for r in rows.itertuples()
        ),
    )
    return render(draw, name="changes", alt=alt, width_mm=FULL, height_mm=_height(labels) + 3)


def bars(frame: pd.DataFrame, *, xlabel: str = "", title: str = "", percent: bool = False) -> Figure:
    """Horizontal bars from zero, with intervals where the frame has them.

    Parameters
    ----------
    frame : DataFrame
        ``label``, ``value``; optional ``low``, ``high``.
    percent : bool
        Values are fractions and are shown as percentages.
    """
    rows = _with_interval(needed(frame, ["label", "value"], "bars"), "value")
    labels = [label_text(x) for x in rows["label"]]
    t = Text(_T)
    show = t.percent if percent else t.number

    def draw(figure: Canvas) -> None:
        axes, places = _rows(figure, labels, xlabel=xlabel, title=title)
        axes.barh(places, rows["value"].fillna(0), height=0.62, color=COLOURS["soft"])
        axes.hlines(places, rows["low"], rows["high"], color=COLOURS["ink"], linewidth=1.4)
        _limits(axes, rows[["value", "low", "high"]].assign(zero=0.0))
        if percent:
            axes.xaxis.set_major_formatter(lambda value, _: t.percent(value, 0))
        _values(axes, places, [show(v) for v in rows["value"]])

    alt = listed(
        title or xlabel,
        (f"{r.label} {span(r.value, r.low, r.high, percent=percent)}" for r in rows.itertuples()),
    )
    return render(draw, name="bars", alt=alt, width_mm=FULL, height_mm=_height(labels) - 4)


def disagreement(
    frame: pd.DataFrame, *, each_label: str, group_label: str, xlabel: str = "", title: str = ""
) -> Figure:
    """What every expert says as small dots, and what the group comes to as a bar across them.

    Parameters
    ----------
    frame : DataFrame
        Index: labels in printed order; a column an expert (fractions; NaN = said nothing), and ``group``.
    each_label, group_label : str
        In the legend.
    """
    if not isinstance(frame, pd.DataFrame) or frame.empty or "group" not in frame:
        raise ParameterError("disagreement needs a row an item, a column an expert, and the column group")
    values = frame.drop(columns="group").to_numpy(dtype=float)
    group = frame["group"].to_numpy(dtype=float)
    labels = [label_text(x) for x in frame.index]
    t = Text(_T)

    def draw(figure: Canvas) -> None:
        axes, places = _rows(figure, labels, xlabel=xlabel, title=title)
        ends = pd.DataFrame({"low": np.nanmin(values, axis=1), "high": np.nanmax(values, axis=1)})
        axes.hlines(places, ends["low"], ends["high"], color=COLOURS["grid"], linewidth=1.2)
        across = np.repeat(places, values.shape[1])
        axes.scatter(
            values.ravel(), across, s=16, color=COLOURS["main"], alpha=0.55, linewidth=0, label=each_label
        )
        axes.scatter(
            group, places, marker="|", s=110, linewidth=2.2, color=COLOURS["accent"], label=group_label
        )
        _limits(axes, ends.assign(group=group))
        axes.xaxis.set_major_formatter(lambda value, _: t.percent(value, 0))
        _values(axes, places, [t.percent(v) for v in group])
        _legend(figure, axes)

    entries = []
    for label, own, mean in zip(frame.index, values, group, strict=True):
        known = own[~np.isnan(own)]
        ends = f"{t.percent(known.min())}-{t.percent(known.max())}" if known.size else MISSING
        entries.append(f"{label} {group_label} {t.percent(mean)}, {each_label} {ends}")
    alt = listed(title or xlabel, entries)
    return render(draw, name="disagreement", alt=alt, width_mm=FULL, height_mm=_height(labels))


def _with_interval(rows: pd.DataFrame, value: str) -> pd.DataFrame:
    """``low`` and ``high``, missing where the frame has none; numbers as floats."""
    out = rows.copy()
    for end in ("low", "high"):
        if end not in out:
            out[end] = math.nan
    try:
        numbers = [c for c in (value, "low", "high", "city_mean") if c in out]
        out[numbers] = out[numbers].astype("float64")
    except (TypeError, ValueError) as error:
        raise ParameterError(f"a figure needs numbers in {', '.join(numbers)}: {error}") from None
    return out


def _height(labels: Sequence[str]) -> float:
    """Room for every line of every label, in millimetres."""
    row = CLOSE_ROW_MM if len(labels) > MANY_ROWS else ROW_MM
    return FRAME_MM + sum(max(row, LINE_MM * (1 + text.count("\n")) + 1.4) for text in labels)


def _rows(figure: Canvas, labels: Sequence[str], *, xlabel: str, title: str) -> tuple[Axes, np.ndarray]:
    axes = figure.subplots()
    places = _prepare(axes, labels, xlabel=xlabel)
    if title:
        axes.set_title(label_text(title, 80), loc="left")
    return axes, places


def _prepare(axes: Axes, labels: Sequence[str], *, xlabel: str) -> np.ndarray:
    places = np.arange(len(labels))
    _bands(axes, len(labels))
    axes.set_yticks(places, labels)
    axes.set_ylim(len(labels) - 0.45, -0.55)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    if xlabel:
        axes.set_xlabel(label_text(xlabel, 60))
    return places


def _bands(axes: Axes, n: int) -> None:
    """Every second row on a light band: the eye keeps to the row."""
    for place in range(0, n, 2):
        axes.axhspan(place - 0.5, place + 0.5, color=COLOURS["band"], linewidth=0, zorder=0)


def _intervals(axes: Axes, places: np.ndarray, rows: pd.DataFrame) -> None:
    axes.hlines(places, rows["low"], rows["high"], color=COLOURS["soft"], linewidth=3.2, zorder=2)


def _limits(axes: Axes, values: pd.DataFrame) -> None:
    finite = values.to_numpy(dtype=float)
    finite = finite[np.isfinite(finite)]
    if finite.size == 0:
        axes.set_xlim(0, 1)
        return
    low, high = float(finite.min()), float(finite.max())
    room = 0.05 * (high - low) or max(abs(high), 1.0) * 0.05
    axes.set_xlim(low - room, high + room)


def _values(axes: Axes, places: np.ndarray, shown: Sequence[str]) -> None:
    """The numbers themselves, in a column on the right."""
    twin: Any = axes.secondary_yaxis("right")
    twin.set_yticks(places, shown)
    twin.tick_params(length=0, pad=4)
    twin.spines["right"].set_visible(False)


def _legend(figure: Canvas, axes: Axes) -> None:
    handles, names = axes.get_legend_handles_labels()
    figure.legend(handles, [label_text(n, 60) for n in names], loc="outside upper right", ncols=len(names))
