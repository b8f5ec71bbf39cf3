"""The page from which a period's reports are found; works from a file, offline.

Units in a table to sort, filter and search (characters, pinyin, initials), a small drawing of each unit's profile,
and any two units or periods side by side. That needs a script, allowed by its hash; without it the page is a table
and drawings. Every number leads to the report that it is from.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from commlab.errors import ParameterError, listing
from commlab.report import drawings
from commlab.report.compared import Compared, as_data, profiles
from commlab.report.finding import Cover
from commlab.report.fonts import page_fonts
from commlab.report.html import asset, environment, trusted
from commlab.report.spelling import readings
from commlab.store import write_bytes
from commlab.text import MISSING, Text, clean

__all__ = ["STATES", "index_text", "write_index"]

STATES = {"fresh": "up to date", "stale": "not made anew", "failed": "failed", "outstanding": "outstanding"}
"""States of a report and the message that names each."""

NEEDED = ("unit", "score", "satisfied", "coverage", "rank", "state")
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
    href: str = ""
    links: Sequence[tuple[str, str, str]] | None = None


@dataclass(frozen=True)
class _Row:
    name: str
    state: str
    cells: Sequence[_Cell]
    group: str = ""
    spelled: str = ""
    href: str = ""


def write_index(path: str | Path, rows: pd.DataFrame, **options: Any) -> Path:
    """Write the index page of a period; it appears complete or not at all. Options as of ``index_text``."""
    write_bytes(path, index_text(rows, **options).encode("utf-8"))
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
    figures: Compared | None = None,
    period: str = "",
) -> str:
    """The index page of a period.

    Parameters
    ----------
    rows : DataFrame
        One row a unit: ``unit``, ``score`` (0-100), ``satisfied`` and ``coverage`` (fractions), ``rank``,
        ``state`` (``fresh stale failed outstanding``); optional ``score_low score_high satisfied_low
        satisfied_high rank_low rank_high``, ``sign`` (stands for a satisfied share that may not be shown), ``why``
        (shown beside a state that is not fresh) and ``group`` (to filter by). Values may be missing.
    cover : Cover
        Title, facts, language and sample mark.
    links : mapping of unit -> (label -> address)
        Addresses relative to the page; only shown where the state is fresh. The first is where numbers lead to.
    city : str, optional
        The unit whose row stands first and is not sorted.
    text : Text, optional
        The study's words; default: those of the cover's language.
    methods : sequence of (label, address)
    paragraphs, notes : sequence of str
        Above and below the table.
    figures : Compared, optional
        What can be put side by side: all units, all periods.
    period : str
        The period of the page, among those of ``figures``.

    Returns
    -------
    str
        One HTML file.

    Raises
    ------
    ParameterError
        If columns are missing, a state is unknown, a unit occurs twice, or an address leaves the folder.
    """
    frame = _checked(rows)
    t = text or Text(cover.language)
    scales = {
        c: drawings.scale_of(frame[[f"{c}_low", c, f"{c}_high"]], step=step)
        for c, step in (("score", 10.0), ("satisfied", 0.1))
    }
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
    panels = _panels(figures, period, city, made, t) if figures is not None else []
    values: dict[str, Any] = {
        "cover": shown_cover,
        "t": t,
        "lang": {"zh": "zh-CN", "en": "en"}[t.language],
        "mark": t("模拟数据 / sample data: fabricated for demonstration, not real results")
        if cover.sample
        else "",
        "columns": columns,
        "groups": list(dict.fromkeys(r.group for r in made.values() if r.group)),
        "states": {s: t(STATES[s]) for s in STATES if s in {r.state for n, r in made.items() if n != city}},
        "panels": panels,
        "profile_note": _profile_note(figures, t) if panels and figures else "",
        "data": trusted(_json(as_data(figures, period, t))) if figures is not None else "",
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
    words = dict.fromkeys(("why", "sign", "group"), "")
    frame = rows.reindex(columns=[*NEEDED, *(c for c in (*_NUMBERS, *words) if c not in NEEDED)])
    frame[list(_NUMBERS)] = frame[list(_NUMBERS)].astype("float64")
    return frame.astype(dict.fromkeys(words, "str")).fillna(words)


def _row(
    row: pd.Series,
    links: Mapping[str, str],
    scales: Mapping[str, tuple[float, float] | None],
    means: Mapping[str, float],
    t: Text,
) -> _Row:
    name = clean(row["unit"])
    fresh = row["state"] == "fresh"
    hrefs = [(clean(label), _address(href)) for label, href in links.items()] if fresh else []
    report = hrefs[0][1] if hrefs else ""
    shown = []
    for column, percent in (("score", False), ("satisfied", True)):
        low, value, high = (row[f"{column}_low"], row[column], row[f"{column}_high"])
        text = (clean(row["sign"]) or t.percent(value)) if percent else t.number(value)
        interval = t.interval(low, high, percent=percent)
        if interval != MISSING:
            text = f"{text} {interval}"
        plot = drawings.interval(low, value, high, scales[column], means.get(column, math.nan))
        shown.append(_Cell(text, _key(value), plot=plot, href=report if text != MISSING else ""))
    rank = t.integer(row["rank"])
    if not pd.isna(row["rank_low"]) and not pd.isna(row["rank_high"]):
        rank = f"{rank} {t.interval(row['rank_low'], row['rank_high'], 0)}"
    coverage = t.percent(row["coverage"])
    cells = [
        _Cell(name),
        shown[0],
        _Cell(rank, _key(row["rank"]), href=report if rank != MISSING else ""),
        shown[1],
        _Cell(coverage, _key(row["coverage"]), href=report if coverage != MISSING else ""),
        _Cell(t(STATES[row["state"]]), small="" if fresh else clean(row["why"])[:300]),
        _Cell(links=[(a, b, f"{name} {a}") for a, b in hrefs]) if hrefs else _Cell(MISSING),
    ]
    return _Row(name, row["state"], cells, clean(row["group"]), readings(name), report)


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


def _panels(
    figures: Compared, period: str, city: str | None, made: Mapping[str, _Row], t: Text
) -> list[tuple[_Row, Any]]:
    """A drawing for every unit that has scores: how far each lies from the city's mean."""
    gaps, labels = profiles(figures, period, city)
    reach = gaps.abs().max(axis=None) if gaps.size else math.nan
    if not math.isfinite(reach):
        return []
    named = [labels[c] for c in gaps.columns]
    return [
        (made[unit], drawings.panel(made[unit].name, named, gaps.loc[unit].tolist(), reach, t))
        for unit in made
        if unit in gaps.index and unit != city
    ]


def _profile_note(figures: Compared, t: Text) -> str:
    labels = figures.measures.loc[figures.measures["profile"], "label"]
    return t(
        "a bar for each indicator from {first} to {last}: up (blue) above the mean, down (orange) below; one scale for all.",
        first=labels.iloc[0],
        last=labels.iloc[-1],
    )


def _json(data: Mapping[str, Any]) -> str:
    """JSON that may stand inside a page."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False).replace(
        "<", "\\u003c"
    )
