"""The page from which a period's reports are found: units in a sortable table; works from a file, offline.

Sorting and filtering need a few lines of script, allowed by their hash; without script the page is a plain
table. Bars with intervals are drawn as small SVG; what they show stands beside them as numbers.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from commlab.errors import ParameterError, listing
from commlab.report.finding import Cover
from commlab.report.fonts import page_fonts
from commlab.report.html import asset, environment, trusted
from commlab.store import write_bytes
from commlab.text import MISSING, Text, clean

__all__ = ["STATES", "index_text", "write_index"]

STATES = {"fresh": "up to date", "stale": "not made anew", "failed": "failed", "outstanding": "outstanding"}
"""States of a report and the message that names each."""

NEEDED = ("unit", "score", "satisfied", "coverage", "rank", "state")
PLOT = (100.0, 14.0)
"""Width and height of an interval drawing, in pixels."""
_NUMBERS = (
    "score",
    "score_low",
    "score_high",
    "satisfied",
    "satisfied_low",
    "satisfied_high",
    "coverage",
    "rank",
    "rank_low",
    "rank_high",
)


@dataclass(frozen=True)
class _Cell:
    """What a cell shows, and the key it is sorted by (None: by its text; empty: always last)."""

    text: str = ""
    key: str | None = None
    small: str = ""
    plot: Any = None
    links: Sequence[tuple[str, str, str]] | None = None


@dataclass(frozen=True)
class _Row:
    name: str
    state: str
    cells: Sequence[_Cell]


def write_index(
    path: str | Path,
    rows: pd.DataFrame,
    *,
    cover: Cover,
    links: Mapping[str, Mapping[str, str]],
    city: str | None = None,
    text: Text | None = None,
    methods: Sequence[tuple[str, str]] = (),
    paragraphs: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Path:
    """Write the index page of a period.

    Parameters
    ----------
    path : path
        The page; it appears complete or not at all.
    rows : DataFrame
        One row a unit: ``unit``, ``score`` (0-100), ``satisfied`` and ``coverage`` (fractions), ``rank``,
        ``state`` (``fresh stale failed outstanding``); optional ``score_low score_high satisfied_low
        satisfied_high rank_low rank_high``, ``sign`` (stands for a satisfied share that may not be shown) and ``why``
        (shown beside a state that is not fresh). Values may
        be missing.
    cover : Cover
        Title, facts, language and sample mark.
    links : mapping of unit -> (label -> address)
        Addresses relative to the page; only shown where the state is fresh.
    city : str, optional
        The unit whose row stands first and is not sorted.
    text : Text, optional
        The study's words; default: those of the cover's language.
    methods : sequence of (label, address)
    paragraphs, notes : sequence of str
        Above and below the table.

    Raises
    ------
    ParameterError
        If columns are missing, a state is unknown, a unit occurs twice, or an address leaves the folder.
    """
    page = index_text(
        rows,
        cover=cover,
        links=links,
        city=city,
        text=text,
        methods=methods,
        paragraphs=paragraphs,
        notes=notes,
    )
    write_bytes(path, page.encode("utf-8"))
    return Path(path)


def index_text(
    rows: pd.DataFrame,
    *,
    cover: Cover,
    links: Mapping[str, Mapping[str, str]],
    city: str | None = None,
    text: Text | None = None,
    methods: Sequence[tuple[str, str]] = (),
    paragraphs: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> str:
    """The page as text; see ``write_index``."""
    frame = _checked(rows)
    t = text or Text(cover.language)
    scales = {c: _scale(frame, c) for c in ("score", "satisfied")}
    marks = frame.loc[frame["unit"] == city, ["score", "satisfied"]]
    means = marks.iloc[0].to_dict() if len(marks) else {}
    made = {
        row["unit"]: _row(row, links.get(row["unit"], {}), scales, means, t) for _, row in frame.iterrows()
    }
    shown_cover = Cover(
        clean(cover.title),
        clean(cover.subtitle),
        [(clean(a), clean(b)) for a, b in cover.facts],
        language=cover.language,
        sample=cover.sample,
    )
    script = asset("index.js")
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    columns = [
        {"label": t("District"), "align": "left", "sort": True},
        {"label": t("Score [interval]"), "align": "right", "sort": True},
        {"label": t("Rank [interval]"), "align": "right", "sort": True},
        {"label": t("Satisfied [interval]"), "align": "right", "sort": True},
        {"label": t("Coverage"), "align": "right", "sort": True},
        {"label": t("State"), "align": "left", "sort": True},
        {"label": t("Reports"), "align": "left", "sort": False},
    ]
    values: dict[str, Any] = {
        "cover": shown_cover,
        "t": t,
        "lang": {"zh": "zh-CN", "en": "en"}[t.language],
        "mark": t("模拟数据 / sample data: fabricated for demonstration, not real results")
        if cover.sample
        else "",
        "columns": columns,
        "city": [made.pop(city)] if city in made else [],
        "rows": list(made.values()),
        "caption": t("Districts: score, satisfaction and reports"),
        "paragraphs": [clean(p) for p in paragraphs],
        "notes": [clean(n) for n in notes] + [_scale_note(scales, t)] * any(scales.values()),
        "methods": [(clean(label), _address(href)) for label, href in methods],
        "css": trusted(asset("report.css")),
        "script": trusted(script),
        "script_hash": f"sha256-{digest}",
    }
    template = environment().get_template("index.html.j2")
    # The first pass only collects the characters that the fonts must hold.
    fonts = [trusted(f) for f in page_fonts(template.render(**values, fonts=[]))]
    return template.render(**values, fonts=fonts)


def _checked(rows: pd.DataFrame) -> pd.DataFrame:
    lacking = [c for c in NEEDED if c not in rows]
    if lacking:
        raise ParameterError(
            f"the index page needs the columns {listing(lacking)}; it got {listing(rows.columns)}"
        )
    unknown = sorted(set(rows["state"]) - set(STATES))
    if unknown:
        raise ParameterError(f"no report has the state {listing(unknown)}; known: {', '.join(STATES)}")
    twice = rows.loc[rows["unit"].duplicated(), "unit"]
    if len(twice):
        raise ParameterError(f"{listing(twice)} stands twice on the index page; one row a unit")
    frame = rows.reindex(columns=[*NEEDED, *(c for c in (*_NUMBERS, "why", "sign") if c not in NEEDED)])
    frame[list(_NUMBERS)] = frame[list(_NUMBERS)].astype("float64")
    return frame.astype({"why": "str", "sign": "str"}).fillna({"why": "", "sign": ""})


def _row(
    row: pd.Series,
    links: Mapping[str, str],
    scales: Mapping[str, tuple[float, float] | None],
    means: Mapping[str, float],
    t: Text,
) -> _Row:
    name = clean(row["unit"])
    fresh = row["state"] == "fresh"
    shown = []
    for column, percent in (("score", False), ("satisfied", True)):
        low, value, high = (row[f"{column}_low"], row[column], row[f"{column}_high"])
        text = (clean(row["sign"]) or t.percent(value)) if percent else t.number(value)
        interval = t.interval(low, high, percent=percent)
        if interval != MISSING:
            text = f"{text} {interval}"
        plot = _plot(low, value, high, scales[column], means.get(column, math.nan))
        shown.append(_Cell(text, _key(value), plot=plot))
    rank = t.integer(row["rank"])
    if not pd.isna(row["rank_low"]) and not pd.isna(row["rank_high"]):
        rank = f"{rank} {t.interval(row['rank_low'], row['rank_high'], 0)}"
    hrefs = (
        [(clean(label), _address(href), f"{name} {clean(label)}") for label, href in links.items()]
        if fresh
        else []
    )
    cells = [
        _Cell(name),
        shown[0],
        _Cell(rank, _key(row["rank"])),
        shown[1],
        _Cell(t.percent(row["coverage"]), _key(row["coverage"])),
        _Cell(t(STATES[row["state"]]), small="" if fresh else clean(row["why"])[:300]),
        _Cell(links=hrefs) if hrefs else _Cell(MISSING),
    ]
    return _Row(name, row["state"], cells)


def _key(value: float) -> str:
    return "" if pd.isna(value) else repr(float(value))


def _address(href: str) -> str:
    """A relative address inside the folder, percent-encoded."""
    parts = clean(href).replace("\\", "/").split("/")
    if not href or href.startswith("/") or ".." in parts or ":" in parts[0]:
        raise ParameterError(
            f"{href!r} is not an address inside the reports folder; give it relative to the page"
        )
    return quote("/".join(parts), safe="/#")


def _scale(frame: pd.DataFrame, column: str) -> tuple[float, float] | None:
    """A round range that holds every value and interval of a column, shared by its drawings."""
    step = 10.0 if column == "score" else 0.1
    values = frame[[f"{column}_low", column, f"{column}_high"]].to_numpy().ravel()
    values = [v for v in values if math.isfinite(v)]
    if not values:
        return None
    low, high = math.floor(min(values) / step) * step, math.ceil(max(values) / step) * step
    return (low, high) if high > low else (low, low + step)


def _scale_note(scales: Mapping[str, tuple[float, float] | None], t: Text) -> str:
    told = []
    for column, label in (("score", t("score")), ("satisfied", t("satisfied share"))):
        scale = scales[column]
        if scale is not None:
            show = t.percent if column == "satisfied" else t.number
            told.append(f"{label} {show(scale[0], 0)}–{show(scale[1], 0)}")
    return t(
        "Drawings: value (dot), interval (line) and the city (tick), on one scale a column: {scales}.",
        scales=t.listing(told),
    )


def _plot(low: float, value: float, high: float, scale: tuple[float, float] | None, mean: float) -> Any:
    """Interval, value and city as an SVG that screen readers skip: the numbers stand beside it."""
    if scale is None or pd.isna(value):
        return None
    width, height = PLOT

    def x(v: float) -> str:
        return f"{4 + (width - 8) * (v - scale[0]) / (scale[1] - scale[0]):.1f}"

    middle = height / 2
    drawn = [f'<line x1="2" x2="{width - 2:g}" y1="{middle:g}" y2="{middle:g}" stroke="#c9d1db"/>']
    if not pd.isna(mean):
        drawn.append(f'<line x1="{x(mean)}" x2="{x(mean)}" y1="1" y2="{height - 1:g}" stroke="#4a5563"/>')
    if not pd.isna(low) and not pd.isna(high):
        ends = f'x1="{x(low)}" x2="{x(high)}" y1="{middle:g}" y2="{middle:g}"'
        drawn.append(f'<line {ends} stroke="#0b4a7d" stroke-width="3"/>')
    drawn.append(f'<circle cx="{x(value)}" cy="{middle:g}" r="2.8" fill="#0b4a7d" stroke="#fff"/>')
    size = f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"'
    return trusted(f'<svg aria-hidden="true" focusable="false" {size}>{"".join(drawn)}</svg>')
