"""Figures for reports: one function a figure, one theme, printed size, Chinese fonts that always show.

Each function takes a frame whose labels are already translated and returns a :class:`Figure`: the picture
as PNG bytes, alternative text computed from the same data, and the size it is printed at. Nothing global
changes: fonts and style hold inside the function only, and no window is ever opened.
"""

from __future__ import annotations

from commlab.figures.rows import bars, changes, disagreement, ranks_with_uncertainty, scores_with_city_mean
from commlab.figures.shapes import distribution, heatmap, likert, radar
from commlab.figures.steps import control_chart
from commlab.figures.theme import Figure

__all__ = [
    "Figure",
    "bars",
    "changes",
    "control_chart",
    "disagreement",
    "distribution",
    "heatmap",
    "likert",
    "radar",
    "ranks_with_uncertainty",
    "scores_with_city_mean",
]
