"""The index page of a period: the rows of the city report's own table, with links to every document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from commlab.report.chapters.base import WITHHELD
from commlab.report.chapters.method import notebook_title
from commlab.report.compared import compared
from commlab.report.index_page import write_index
from commlab.report.wording import study_text

if TYPE_CHECKING:
    from commlab.report.chapters import Report
    from commlab.study import Period

__all__ = ["index"]

_FORMATS = (("HTML", "html"), ("Word", "docx"), ("PDF", "pdf"), ("Excel", "xlsx"), ("Notebook", "ipynb"))
_READY = ("fresh", "done")


def index(period: Period, statuses: pd.DataFrame, path: str | Path, *, language: str = "zh") -> Path:
    """Write ``index.html`` of a period.

    Parameters
    ----------
    statuses : DataFrame
        unit, name, kind, state, why of every report (``batch.status``).
    """
    from commlab.report import chapters
    from commlab.report.chapters.city import district_rows

    study = period.study
    report = chapters.Report(study, period, study.config.city, study_text(study, language, period.name))
    t, folder = report.t, Path(path).parent
    rows = pd.DataFrame({"unit": study.register.districts}).merge(
        district_rows(report), on="unit", how="left"
    )
    rows["sign"] = [
        v if isinstance(v, str) else "" for v in report.marked(rows["satisfied"], rows["rule"], rows["bound"])
    ]
    for column in ("satisfied", "satisfied_low", "satisfied_high"):
        rows[column] = rows[column].mask(rows["sign"] != "")
    states = statuses[statuses["kind"] == "district"].set_index("unit")
    rows["state"] = [_state(period, states, unit) for unit in rows["unit"]]
    inputs = period.status
    rows["why"] = [_why(report, states, inputs, unit) for unit in rows["unit"]]
    totals = report.profiles.loc["total"]
    overall = report.overall
    city = {
        "unit": report.city,
        "score": totals["city_mean"],
        "satisfied": overall["estimate"] if overall is not None else float("nan"),
        "satisfied_low": overall["ci_low"] if overall is not None else float("nan"),
        "satisfied_high": overall["ci_high"] if overall is not None else float("nan"),
        "sign": "" if overall is not None else WITHHELD * bool(len(report.satisfaction)),
        "coverage": rows["coverage"].mean(),
        "state": "fresh",
        "why": "",
    }
    rows = pd.concat([pd.DataFrame([city]), rows], ignore_index=True)
    rows["group"] = _groups(report, rows["unit"])
    suffix = "" if language == "zh" else ".en"
    links = {
        unit: _links(folder, "city" if unit == report.city else unit, suffix)
        for unit, state in zip(rows["unit"], rows["state"], strict=True)
        if state == "fresh"
    }
    methods = [
        (notebook_title(report, file.stem.removesuffix(".en")), f"methods/{file.name}")
        for file in sorted((folder / "methods").glob(f"*{suffix}.html"))
        if suffix or not file.name.endswith(".en.html")
    ]
    figures = compared(report, _addresses(report, folder, links, suffix))
    return write_index(
        path,
        rows,
        cover=replace(
            chapters.cover(report),
            title=t("Community governance in {unit}: reports of the districts", unit=report.city),
        ),
        links=links,
        city=report.city,
        text=t,
        methods=methods,
        paragraphs=[
            t("City figures rest on {counted}.", counted=report.counted),
            t(
                "Intervals hold {confidence} of the draws; districts whose intervals overlap cannot be told apart.",
                confidence=t.percent(study.config.choices.confidence, 0),
            ),
        ],
        notes=report.signs(rows["sign"], figures.figures["sign"]),
        figures=figures,
        period=period.name,
    )


def _addresses(
    report: Report, folder: Path, links: Mapping[str, Mapping[str, str]], suffix: str
) -> dict[tuple[str, str], str]:
    """(Period, unit) -> its report: of this period those that are up to date, of earlier ones those that are there."""
    found = {(report.period.name, unit): next(iter(have.values())) for unit, have in links.items() if have}
    for name in report.study.periods:
        for unit in [report.city, *report.study.register.districts]:
            have = _links(folder.parent / name, "city" if unit == report.city else unit, suffix)
            if have and name != report.period.name:
                found[name, unit] = f"../{name}/{next(iter(have.values()))}"
    return found


def _groups(report: Report, units: pd.Series) -> list[str]:
    """The register's group of every unit (empty where it has none)."""
    register = report.study.register.units
    return list(units.map(register.set_index("unit")["group"]).fillna("").where(units != report.city, ""))


def _state(period: Period, states: pd.DataFrame, unit: str) -> str:
    if unit in period.outstanding:
        return "outstanding"
    if unit in period.failed:
        return "failed"
    found = states.loc[unit, "state"] if unit in states.index else "missing"
    return "fresh" if found in _READY else "failed" if found == "failed" else "stale"


def _why(report: Report, states: pd.DataFrame, inputs: pd.DataFrame, unit: str) -> str:
    t, period = report.t, report.period
    outstanding = (inputs["unit"] == unit) & (inputs["state"] == "outstanding")
    lacking = inputs.loc[outstanding, f"label_{report.language}"]
    if unit in period.outstanding:
        return t("Not sent: {inputs}.", inputs=t.listing(lacking)) if len(lacking) else ""
    if unit in period.failed:
        ledger = period.ledger
        errors = ledger[(ledger["severity"] == "error") & ledger["file"].isin(period.files_of(unit))]
        if errors.empty:
            return period.failed[unit]
        first = errors.iloc[0].fillna("")
        where = " ".join(
            filter(None, [first["file"], first["sheet"] and f"[{first['sheet']}]", first["first_cells"]])
        )
        return t(
            "{where}: {found}; the ledger says what to do ({n} errors).",
            where=where,
            found=first["before"],
            n=t.integer(errors["n"].sum()),
        )
    failed = unit in states.index and states.loc[unit, "state"] == "failed"
    return str(states.loc[unit, "why"]) if failed else ""


def _links(folder: Path, unit: str, suffix: str) -> dict[str, str]:
    found = {}
    for label, ending in _FORMATS:
        stem = "appendix" if ending == "xlsx" else "report"
        if (folder / unit / f"{stem}{suffix}.{ending}").is_file():
            found[label] = f"{unit}/{stem}{suffix}.{ending}"
    return found
