"""Figures of steps: why a score moved from one quarter to the next."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from commlab.errors import ParameterError
from commlab.figures.rows import _height, _rows, _values
from commlab.figures.theme import COLOURS, FULL, Figure, label_text, listed, needed, render
from commlab.text import Text

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

__all__ = ["waterfall"]

_T = "en"


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
