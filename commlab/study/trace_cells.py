"""Where the way back ends: lines of evidence, measured values, ratings, answers, and the ledger lines about their cells."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from commlab.errors import listing
from commlab.framework import exact
from commlab.study.trace import Step
from commlab.tables import STAGES
from commlab.text import MISSING, Text

if TYPE_CHECKING:
    from commlab.study.period import Period

__all__ = ["WORDS", "Cells", "number"]


WORDS = {
    "self": "self",
    "district": "district",
    "expert": "expert",
    "mutual": "mutual evaluation",
    "residents": "residents",
    "field": "field check",
    "media": "web and media",
    "questionnaire": "questionnaire",
    "documents": "documents",
}
"""Stages and methods -> the message that names them."""


def number(value: Any) -> float | None:
    """A value of a step; missing is None."""
    return None if pd.isna(value) else float(value)


class Cells:
    """What was read about one unit, and what lies below it, looked up by metric, code or cell."""

    def __init__(self, period: Period, unit: str) -> None:
        self.period, self.unit = period, unit
        self.metrics = period.study.framework.metrics
        self.t = Text(period.study.config.language)
        self.city = unit == period.study.config.city
        self.district_of = period.study.register.district_of

    def _mine(self, rows: pd.DataFrame, *, above: bool) -> pd.DataFrame:
        """Rows about the unit or what lies below it (``above``: or its district)."""
        if self.city:
            return rows
        chain = {self.unit, self.district_of.get(self.unit, self.unit)} if above else {self.unit}
        return rows[rows["unit"].isin(chain) | (rows["unit"].map(self.district_of) == self.unit)]

    @cached_property
    def _measures(self) -> dict[str, list[Any]]:
        out: dict[str, list[Any]] = {}
        for row in self._mine(self.period.measures, above=True).itertuples():
            out.setdefault(str(row.metric), []).append(row)
        return out

    @cached_property
    def _ratings(self) -> dict[tuple[str, str], list[Any]]:
        out: dict[tuple[str, str], list[Any]] = {}
        for row in self._mine(self.period.ratings, above=False).itertuples():
            out.setdefault((str(row.code), str(row.stage)), []).append(row)
        return out

    @cached_property
    def _kinds(self) -> dict[str, str]:
        units = self.period.units
        return dict(zip(units["unit"], units["type"], strict=True))

    def evidence(self, row: dict[str, Any], part: Any) -> Step:
        """One line of evidence with both sides of its quotient and what it was gathered from."""
        t, per = self.t, row["per"]
        told = ""
        if pd.notna(row["denominator"]):
            times = "" if pd.isna(per) or per == 1 else f" × {t.number(per, 0)}"
            told = f" = {t.number(row['numerator'], 4)} / {t.number(row['denominator'], 4)}{times}"
        item = [self.label(row["item"])] if isinstance(row["item"], str) and row["item"] else []
        words = [row["stage"], *str(row["method"]).split(",")]
        bits = [*item, *(t(WORDS.get(w, w)) for w in words if isinstance(w, str) and w)]
        text = t(
            "{what}: {value}{quotient} (n = {n})",
            what=" · ".join(bits) or t("evidence"),
            value=t.number(row["value"], 4),
            quotient=told,
            n=t.integer(row["n"]),
        )
        source = row["source"] if isinstance(row["source"], str) else ""
        residents = part.rule == "survey" and row["stage"] not in STAGES
        below = (self.answers(),) if residents else (*self._values(row, part), *self.ledger(source))
        sides = (*self._quotient(row), *self._each(row, part))
        return Step("evidence", text, number(row["value"]), source, (*sides, *below))

    def _each(self, row: dict[str, Any], part: Any) -> tuple[Step, ...]:
        """What a fault on a sheet of deductions costs."""
        own = [i for i in part.items if part.rule == "deduction" and i["item"] == row["item"]]
        told = (("per", "{n} points each"), ("cap", "{n} points at most"))
        return tuple(
            Step("estimate", self.t(text, n=str(i[key])), float(exact(i[key])))
            for i in own
            for key, text in told
            if key in i
        )

    def _quotient(self, row: dict[str, Any]) -> tuple[Step, ...]:
        """Both sides of a quotient and what it comes to; of a checklist's line this is the share that passed."""
        t, top, bottom = self.t, row["numerator"], row["denominator"]
        if pd.isna(bottom) or not bottom:
            return ()
        times = row["per"] if pd.notna(row["per"]) else 1.0
        sides = ((t("numerator"), top), (t("denominator"), bottom), (t("quotient"), top / bottom * times))
        return tuple(Step("estimate", f"{name} = {t.number(v, 4)}", number(v)) for name, v in sides)

    def answers(self, period: Period | None = None) -> Step:
        """Where every survey number ends: files, number of rows, filter."""
        of = period or self.period
        rows = of.answers
        if not self.city:
            rows = rows[rows["district" if self.unit in of.study.register.districts else "unit"] == self.unit]
        files = sorted({str(s).partition("#")[0] for s in rows["source"]})
        flags = self.t.listing(of.study.config.exclude_flags) or MISSING
        rates = of.result("response_rates").set_index("unit")["rule"]
        if len(rows) < of.study.config.disclosure["internal"] or rates.get(self.unit, ""):
            text = self.t(
                "few valid answers of {unit}, their number is withheld; excluded by flag: {flags}",
                unit=self.unit,
                flags=flags,
            )
            return Step("value", text, None, listing(files))
        text = self.t(
            "{n} valid answers of {unit}; excluded by flag: {flags}",
            n=self.t.integer(len(rows)),
            unit=self.unit,
            flags=flags,
        )
        return Step("value", text, float(len(rows)), listing(files))

    def _values(self, row: dict[str, Any], part: Any) -> list[Step]:
        """The measured values or ratings of a line of evidence."""
        if row["stage"] in STAGES:
            return [
                Step(
                    "value",
                    f"{r.unit} · {r.rater}: {self.t.number(r.score, 2)}",
                    number(r.score),
                    str(r.source),
                )
                for r in self._ratings.get((row["code"], row["stage"]), ())
            ]
        item = row["item"] if isinstance(row["item"], str) else ""
        point = item.partition("/")[2]
        found = [r for m in self._named(row, part) for r in self._measures.get(m, ())]
        return [
            self.value(r)
            for r in found
            if (not part.type or self._kinds.get(r.unit) == part.type) and (not point or r.item == point)
        ]

    def _named(self, row: dict[str, Any], part: Any) -> list[str]:
        """Metrics behind a line of evidence: of a ratio its parts, and what a count is told per."""
        item = row["item"].partition("/")[0] if isinstance(row["item"], str) else ""
        named = [part.metric, part.params.get("numerator"), part.params.get("denominator"), *part.items]
        if item in self.metrics:
            named = [item]
        if isinstance(row["statistic"], str) and row["statistic"].startswith("per_"):
            named.append(row["statistic"].split("_", 2)[2])  # per_1000_households
        out: dict[str, None] = {}
        for name in (str(n).partition("/")[0] for n in named if isinstance(n, str)):
            if name in self.metrics:
                out |= dict.fromkeys(self.parts_of(name))
        # what concerns cared-for people is told in sums only
        return [m for m in out if not self.metrics[m].sensitive]

    def label(self, key: str) -> str:
        """Label of a metric or of an item of one; what is neither is told as it is."""
        if key == "share_meeting":
            return self.t("share of units that meet the norm")
        name, _, item = key.partition("/")
        if name not in self.metrics:
            return key
        metric, english = self.metrics[name], self.t.language == "en"
        label = (metric.en if english else "") or metric.zh
        own = metric.items.get(item, {})
        return f"{label}/{own.get(self.t.language) or own.get('zh') or item}" if item else label

    def parts_of(self, metric: str) -> list[str]:
        """The metrics that are reported: of a ratio its numerator and denominator."""
        entry = self.metrics[metric]
        return [entry.numerator, entry.denominator] if entry.kind == "ratio" else [metric]

    def value(self, row: Any) -> Step:
        """A value as read, with the ledger lines about its cell."""
        key = f"{row.metric}/{row.item}" if isinstance(row.item, str) and row.item else str(row.metric)
        text = f"{row.unit} {self.label(key)} {row.as_of:%Y-%m-%d}: {self.t.number(row.value, 2)}"
        return Step("value", text, number(row.value), str(row.source))

    @cached_property
    def _lines(self) -> dict[str, list[tuple[str, set[str], list[str], Step]]]:
        """Ledger lines that say more than how a file was read, by file."""
        out: dict[str, list[tuple[str, set[str], list[str], Step]]] = {}
        ledger = self.period.ledger
        for line in ledger[ledger["severity"] != "note"].itertuples():
            touched = line.first_cells if isinstance(line.first_cells, str) else ""
            cells = re.findall(r"[A-Z]+\d+", touched)
            more = len(cells) < line.n
            columns = {c.rstrip("0123456789") for c in cells} if more else set()
            sheet = line.sheet if isinstance(line.sheet, str) else ""
            step = Step(
                "ledger", f"{line.severity}: {line.message}", float(line.n), f"{line.file}#{sheet}!{touched}"
            )
            out.setdefault(str(line.file), []).append((sheet, columns, cells, step))
        return out

    def ledger(self, source: str) -> tuple[Step, ...]:
        """Ledger lines about the cells of a source.

        A line names its first cells only; where it stands for more of them, in the same column, it is shown too.
        """
        steps: dict[Step, None] = {}
        for file, sheet, cells in _places(source):
            here = {c.rstrip("0123456789") for c in re.findall(r"[A-Z]+\d+", cells)}
            for of, columns, named, step in self._lines.get(file, ()):
                near = not of or not sheet or of == sheet
                if near and (columns & here or any(_inside(c, cells) for c in named)):
                    steps[step] = None
        return tuple(steps)


def _places(source: str) -> list[tuple[str, str, str]]:
    out = []
    for place in source.split("; "):
        file, _, rest = place.rpartition("#")
        sheet, _, cells = rest.rpartition("!")
        if file:
            out.append((file, sheet, cells))
    return out


def _inside(cell: str, cells: str) -> bool:
    """Whether a cell lies in a list of ranges such as ``F12:F13,F15``."""
    found = re.fullmatch(r"([A-Z]+)(\d+)", cell)
    if not found:
        return False
    column, row = found[1], int(found[2])
    for part in cells.split(","):
        ends = re.fullmatch(r"([A-Z]+)(\d+)(?::([A-Z]+)(\d+))?", part.strip())
        if ends and ends[1] == column and int(ends[2]) <= row <= int(ends[4] or ends[2]):
            return True
    return False
