"""The public edition: what of a report leaves the house, as documents, as one workbook and as CSV.

It holds protected figures only: no ledger, trace, problem, candidate, raw evidence, free text or formula. The chapters are
those of the internal reports, told from results that were decided with the public's k.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from commlab import store
from commlab.report import Col, Cover, Sheet, chapters, write_workbook
from commlab.report.chapters import Report
from commlab.report.document import Document, build_document
from commlab.report.finding import Finding, Paragraph, Section, blocks
from commlab.report.press import FORMATS
from commlab.report.wording import study_text
from commlab.study import Period
from commlab.text import clean

__all__ = ["csv_text", "documents", "write_figures"]

_UNIT: tuple[Callable[[Report], Any], ...] = (
    chapters.cover, chapters.summary, chapters.method, chapters.sample, chapters.indicators, chapters.satisfaction,
    chapters.change, chapters.moved, chapters.weak_points, chapters.questionnaire, chapters.indicator_dictionary,
)  # fmt: skip
_CITY: tuple[Callable[[Report], Any], ...] = (
    chapters.cover, chapters.summary, chapters.districts, chapters.method, chapters.sample, chapters.indicators,
    chapters.satisfaction, chapters.change, chapters.weak_points, chapters.questionnaire, chapters.indicator_dictionary,
)  # fmt: skip
_STARTERS = "=+-@\t\r\n"
MOST_RESTATED = 40
"""Rows of the restated figures that a document prints; all are in the workbook."""


def documents(
    period: Period, units: list[str], *, language: str, restated: pd.DataFrame
) -> Iterator[tuple[str, Document]]:
    """The public report of every unit: (unit, document).

    Parameters
    ----------
    period : PublicPeriod
    units : list of str
        The city's name among them stands for its overview.
    restated : DataFrame
        Figures that differ from what was first published (see ``figures.restated``).
    """
    for unit in units:
        report = _report(period, unit, language)
        shown = [chapter(report) for chapter in (_CITY if report.is_city else _UNIT)]
        mine = restated[restated["unit"].isin([unit, ""])] if len(restated) else restated
        if len(mine):
            shown.insert(2, _restated(report, mine))
        yield (
            unit,
            build_document([block for part in shown for block in blocks(part)], language=language, name=unit),
        )


def _report(period: Period, unit: str, language: str) -> Report:
    return Report(period.study, period, unit, study_text(period.study, language, period.name))


def _restated(report: Report, rows: pd.DataFrame) -> Section:
    """What was printed first beside what is known now."""
    t = report.t
    table = pd.DataFrame(
        {
            "what": [_named(report, r) for r in rows.itertuples()],
            "published": rows["value"].to_numpy(),
            "restated": rows["restated"].to_numpy(),
        }
    )
    text = t(
        "{n} figures that were published earlier have been corrected since; both are printed.",
        n=t.integer(len(rows)),
    )
    columns = {
        "what": Col(t("Figure")),
        "published": Col(t("As first published"), "number", digits=4),
        "restated": Col(t("Restated"), "number", digits=4),
    }
    parts: list[Any] = [
        Finding(
            table.head(MOST_RESTATED),
            text,
            title=t("Restated figures"),
            columns=columns,
            language=report.language,
        )
    ]
    if len(table) > MOST_RESTATED:
        parts.append(
            Paragraph(t("The other {n} are in figures.xlsx.", n=t.integer(len(table) - MOST_RESTATED)))
        )
    return Section(t("Restated figures"), 1, parts)


def _named(report: Report, row: Any) -> str:
    what = report.label(row.item) if row.table in ("score", "rank") else report.item(row.item)
    told = report.word(row.table)
    return f"{what} ({told}{'' if row.statistic in ('score', 'rank') else ', ' + report.word(row.statistic)})"


def pages(document: Document, formats: tuple[str, ...]) -> dict[str, bytes]:
    """The document in each format."""
    return {form: FORMATS[form](document) for form in formats}


def csv_text(frame: pd.DataFrame) -> str:
    """A table as CSV in which no text starts as a formula would (a quote goes before it)."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(frame.columns)
    for row in frame.itertuples(index=False, name=None):
        writer.writerow(
            [_safe(v) if isinstance(v, str) else "" if pd.isna(v) else repr(float(v)) for v in row]
        )
    return out.getvalue()


def _safe(text: str) -> str:
    shown = clean(text)
    seen = unicodedata.normalize("NFKC", shown).lstrip(" ")
    return f"'{shown}" if seen[:1] and seen[0] in _STARTERS else shown


def write_figures(folder: Path, figures: pd.DataFrame, period: Period, *, language: str) -> str:
    """``figures.csv`` and ``figures.xlsx``; returns the CSV's text."""
    text = csv_text(figures)
    store.write_text(folder / "figures.csv", text)
    report = _report(period, period.study.config.city, language)
    t = report.t
    table = figures.assign(
        item=[_label(report, r) for r in figures[["table", "item"]].itertuples(index=False)]
    )
    columns = {
        "table": Col(t("Table")), "level": Col(t("Level")), "unit": Col(t("Unit")), "item": Col(t("Indicator")),
        "statistic": Col(t("Statistic")), "value": Col(t("Value"), "number", digits=4),
        "low": Col(t("From"), "number", digits=4), "high": Col(t("To"), "number", digits=4),
        "n": Col(t("Respondents"), "integer"), "rule": Col(t("Rule")), "bound": Col(t("Bound")),
        "restated": Col(t("Restated"), "number", digits=4),
    }  # fmt: skip
    for name in ("table", "level", "statistic"):
        table[name] = [report.word(v) for v in table[name]]
    cover: Cover = chapters.cover(report)
    sheet = Sheet(
        t("Figures"), table, t("Figures of this release"),
        t("Every published figure; blank: withheld by the rule named beside it."), columns,
    )  # fmt: skip
    write_workbook(folder / "figures.xlsx", [sheet], cover=cover, language=language)
    return text


def _label(report: Report, row: Any) -> str:
    return report.label(row.item) if row.table in ("score", "rank") else report.item(row.item)
