"""Small drawings of the index page: an interval beside its number, a unit's profile. SVG text, no script.

Colours are told apart in grey as well, and what a drawing shows stands beside it or in its description.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from commlab.report.html import trusted
from commlab.text import Text, clean

__all__ = ["interval", "panel", "scale_of"]

INTERVAL = (100.0, 14.0)
"""Width and height of an interval, in pixels."""
PANEL = (220.0, 84.0)
"""Width and height of a profile, in pixels."""
LINE, TICK, MARK, ABOVE, BELOW = "#c9d1db", "#4a5563", "#0b4a7d", "#0b4a7d", "#d98a3d"


def scale_of(values: pd.DataFrame, *, step: float) -> tuple[float, float] | None:
    """A round range that holds every finite value; None where there is none."""
    found = [v for v in values.to_numpy().ravel() if math.isfinite(v)]
    if not found:
        return None
    low, high = math.floor(min(found) / step) * step, math.ceil(max(found) / step) * step
    return (low, high) if high > low else (low, low + step)


def interval(low: float, value: float, high: float, scale: tuple[float, float] | None, mean: float) -> Any:
    """Interval, value and the city's tick, hidden from screen readers: the numbers stand beside it."""
    if scale is None or pd.isna(value):
        return None
    width, height = INTERVAL
    start, end = scale

    def x(v: float) -> str:
        return f"{4 + (width - 8) * (v - start) / (end - start):.1f}"

    middle = height / 2
    drawn = [f'<line x1="2" x2="{width - 2:g}" y1="{middle:g}" y2="{middle:g}" stroke="{LINE}"/>']
    if not pd.isna(mean):
        drawn.append(f'<line x1="{x(mean)}" x2="{x(mean)}" y1="1" y2="{height - 1:g}" stroke="{TICK}"/>')
    if not pd.isna(low) and not pd.isna(high):
        ends = f'x1="{x(low)}" x2="{x(high)}" y1="{middle:g}" y2="{middle:g}"'
        drawn.append(f'<line {ends} stroke="{MARK}" stroke-width="3"/>')
    drawn.append(f'<circle cx="{x(value)}" cy="{middle:g}" r="2.8" fill="{MARK}" stroke="#fff"/>')
    size = f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"'
    return trusted(f'<svg aria-hidden="true" focusable="false" {size}>{"".join(drawn)}</svg>')


def panel(name: str, labels: Sequence[str], gaps: Sequence[float], reach: float, t: Text) -> Any:
    """How far each of a unit's scores lies above or below the city's mean: a bar each, from a common line.

    Parameters
    ----------
    name : str
    labels : sequence of str
        What each bar is.
    gaps : sequence of float
        Points above (+) or below (-) the mean; NaN draws nothing.
    reach : float
        The largest gap of all units: one scale for all panels.
    """
    width, height = PANEL
    middle, step = height / 2, width / max(len(gaps), 1)
    drawn = []
    for i, gap in enumerate(gaps):
        if math.isnan(gap):
            continue
        tall = abs(gap) / reach * (middle - 2) if reach > 0 else 0.0
        top = middle - tall if gap > 0 else middle
        drawn.append(
            f'<rect x="{i * step + 1:.1f}" y="{top:.1f}" width="{step - 2:.1f}" height="{max(tall, 0.5):.1f}" '
            f'fill="{ABOVE if gap > 0 else BELOW}"/>'
        )
    drawn.append(f'<line x1="0" x2="{width:g}" y1="{middle:g}" y2="{middle:g}" stroke="{TICK}"/>')
    size = f'viewBox="0 0 {width:g} {height:g}"'
    told = _escaped(_told(name, labels, gaps, t))
    return trusted(f'<svg role="img" aria-label="{told}" {size}>{"".join(drawn)}</svg>')


def _told(name: str, labels: Sequence[str], gaps: Sequence[float], t: Text) -> str:
    known = [(gap, label) for gap, label in zip(gaps, labels, strict=True) if not math.isnan(gap)]
    if not known:
        return t("{unit}: no scores to draw.", unit=name)
    (low, lowest), (high, highest) = min(known), max(known)
    return t(
        "{unit}: above the city's mean on {above} of {n} indicators; highest {highest} ({high}), lowest {lowest} ({low}).",
        unit=name,
        above=t.integer(sum(gap > 0 for gap, _ in known)),
        n=t.integer(len(known)),
        highest=highest,
        high=t.signed(high),
        lowest=lowest,
        low=t.signed(low),
    )


def _escaped(text: str) -> str:
    from markupsafe import escape

    return str(escape(clean(text)))
