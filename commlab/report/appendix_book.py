"""``appendix.xlsx``: the numbers behind a report, unrounded, one sheet a kind, with live formulas up to the total.

A district's workbook calculates: raw values -> evidence -> scoring by rule -> tree -> scores. What each sheet is called
and prints stands in ``appendix_sheets``; here its rows are made, and the formulas asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from commlab.report import formula_tree, formulas
from commlab.report.appendix_sheets import SHEETS, columns, names
from commlab.report.chapters.base import WITHHELD
from commlab.report.finding import Col
from commlab.report.xlsx import Sheet, write_workbook

if TYPE_CHECKING:
    from commlab.framework import Framework
    from commlab.report.chapters import Report
    from commlab.study import Period

__all__ = ["appendix"]

_ANSWERS = "responses: "
"""How the source of an answer begins (see ``scoring.residents``)."""


def appendix(period: Period, unit: str, path: str | Path, *, language: str = "zh") -> Path:
    """Write the workbook of a district, or of the city (``unit`` is ``city`` or the city's name).

    Returns
    -------
    Path
        The path; same results, same bytes.
    """
    from commlab.report.chapters import Report, cover
    from commlab.report.wording import study_text

    study = period.study
    name = study.config.city if unit == "city" else unit
    report = Report(study, period, name, study_text(study, language, period.name))
    return write_workbook(path, _Book(report).sheets(), cover=cover(report))


class _Book:
    """Rows of every sheet; what several sheets refer to is made once."""

    def __init__(self, report: Report) -> None:
        self.report, self.t = report, report.t
        self.period, self.framework = report.period, report.study.framework
        self.told, self.known = names(report.t), columns(report.t)
        self.extra: dict[str, dict[str, Col]] = {}

    def sheets(self) -> list[Sheet]:
        """The sheets that have rows, with their formulas."""
        out = []
        for name in SHEETS:
            rows = getattr(self, f"_{name}")
            if rows is not None and len(rows):
                tab, title, about = self.told[name]
                out.append(Sheet(tab, rows, title, about, self._printed(name), self._formulas(name)))
        return out

    def _printed(self, name: str) -> dict[str, Col]:
        rows = getattr(self, f"_{name}")
        own = {c: self.known[c] for c in SHEETS[name] if c in rows}
        if not self.report.is_city:
            own.pop("unit", None)  # the whole workbook is about it
        return own | self.extra.get(name, {})

    def _grid(self, name: str) -> formulas.Grid:
        return formulas.Grid(self.told[name][0], tuple(self._printed(name)))

    def _formulas(self, name: str) -> formulas.Formulas:
        live = not self.report.is_city and len(self._parts)
        if name == "weights":
            return formulas.weight_formulas(self._weights, self._grid("weights"))
        if name == "evidence":
            grid = self._grid("raw") if self._raw is not None else None
            return formulas.evidence_formulas(
                self._evidence, self.framework, self._grid("evidence"), self._values, grid
            )
        if name == "denominators":
            return self._quotients()
        if name == "scores" and self.report.is_city:
            ends = self._grid("scores")
            first, last = (str(d) for d in (ends.columns[4], ends.columns[-1]))
            spans = [
                ends.span(first, i, i, own=True) + ":" + ends.span(last, i, i, own=True)
                for i in self._scores.index
            ]
            return {"city_mean": [f'=IF(COUNT({s})>0,AVERAGE({s}),"")' for s in spans]}
        if not live:
            return {}
        if name == "parts":
            missing = self.report.study.config.choices.missing
            return formulas.part_formulas(
                self._parts,
                self.framework,
                self._evidence,
                self._grid("parts"),
                self._grid("evidence"),
                missing=missing,
            )
        if name == "tree":
            weights = self._grid("weights")
            cells = {c: weights.cell("local", i) for i, c in enumerate(self._weights["code"])}
            return formula_tree.tree_formulas(
                self._tree.assign(code=self._tree["node"]),
                self.weighted,
                self._parts,
                self._grid("tree"),
                self._grid("parts"),
                cells,
            )
        if name in ("scores", "overview"):
            tree, at = self._grid("tree"), {c: i for i, c in enumerate(self._tree["node"])}
            codes = self._scores["node"] if name == "scores" else ["total"] * len(self._overview)
            own = self._grid(name)
            out = {"score": [f"={tree.cell('score', at[c])}" for c in codes]}
            if name == "scores":
                out["contribution"] = [f"={tree.cell('contribution', at[c])}" for c in codes]
                out["difference"] = [
                    f"=IF(ISNUMBER({own.cell('score', i, own=True)}),"
                    f'{own.cell("score", i, own=True)}-{own.cell("city_mean", i, own=True)},"")'
                    for i in range(len(codes))
                ]
            return {c: told for c, told in out.items() if c in own.columns}
        return {}

    # -- rows ------------------------------------------------------------------------------------------------

    @cached_property
    def weighted(self) -> Framework:
        """The framework with the study's weights."""
        own = self.period.indicator_weights().set_index("code")["local"]
        return self.framework.with_weights(own)

    @cached_property
    def _overview(self) -> pd.DataFrame:
        from commlab.report.chapters.city import district_rows

        rows = district_rows(self.report)
        if not self.report.is_city:
            rows = rows[rows["unit"] == self.report.unit]
        rows = rows.rename(columns={"unit": "district", "n": "answers"})
        rows["satisfied"] = self.report.marked(rows["satisfied"], rows["rule"], rows["bound"])
        return _signed(self.report, rows, ("satisfied_low", "satisfied_high", "answers"))

    @cached_property
    def _scores(self) -> pd.DataFrame:
        from commlab.report.chapters.indicators import indicator_rows

        rows = indicator_rows(self.report).rename(columns={"rank": "district_rank"})
        rows["node"] = rows["code"]
        rows["code"] = rows["code"].where(rows["code"] != "total", "—")
        if not self.report.is_city:
            return rows.assign(state_label=[self.report.state(s) for s in rows["state"]])
        wide = self.period.scores("district").pivot(index="code", columns="unit", values="score")
        here = [d for d in self.period.districts if d in wide]
        self.extra["scores"] = {d: Col(d, "number", digits=4) for d in here}
        kept = rows[["node", "code", "label", "weight", "city_mean"]]
        return kept.merge(wide[here], left_on="node", right_index=True, how="left")

    @cached_property
    def _tree(self) -> pd.DataFrame:
        if self.report.is_city or self._parts.empty:
            return pd.DataFrame()
        scores = self.period.scores("district")
        hows = dict.fromkeys(scores["code"], self.report.study.config.choices.aggregation)
        rows = formula_tree.tree_rows(
            self.weighted, scores[scores["unit"] == self.report.unit], self._parts, hows
        )
        # columns that say nothing in this study
        plain = ["term"] if set(rows["how"]) == {"arithmetic"} else ["effective", "contribution"]
        if not any(p.rule == "bonus" for c in self.framework.leaves for p in self.framework.parts(c)):
            plain.append("bonus")
        label = [self.t("Total") if c == "total" else self.report.label(c) for c in rows["code"]]
        shown = rows["code"].where(rows["code"] != "total", "—")
        return rows.drop(columns=plain).assign(node=rows["code"], label=label, code=shown)

    @cached_property
    def _parts(self) -> pd.DataFrame:
        leaves = self.period.leaf_scores("district")
        if self.report.is_city or leaves.empty:
            return pd.DataFrame()
        missing = self.report.study.config.choices.missing
        rows = formulas.part_rows(self.weighted, leaves[leaves["unit"] == self.report.unit], missing=missing)
        pairs = list(zip(rows["code"], rows["part"], strict=True))
        return rows.assign(
            label=[self._part_label(c, p) or self.report.label(c) for c, p in pairs],
            rule_label=[self._rules[key] for key in pairs],
            state_label=[self.report.state(s) for s in rows["state"]],
        )

    @cached_property
    def _rules(self) -> dict[tuple[str, str], str]:
        from commlab.report.chapters.appendices import dictionary_rows

        told = dictionary_rows(self.report)["rule"]
        parts = [(p.code, p.part) for c in self.framework.leaves for p in self.framework.parts(c)]
        return dict(zip(parts, told, strict=True))

    def _part_label(self, code: str, part: str) -> str:
        own = next((p for p in self.framework.parts(code) if p.part == part), None)
        return "" if own is None else own.zh if self.report.language == "zh" else own.en

    @cached_property
    def _evidence(self) -> pd.DataFrame:
        report, t = self.report, self.t
        evidence = self.period.result("evidence")
        rows = evidence[evidence["set"] == "district"]
        if not report.is_city:
            rows = rows[rows["unit"] == report.unit]
        stages = {"self": t("self"), "district": t("district"), "expert": t("expert")}
        pairs = list(zip(rows["code"], rows["part"], strict=True))
        rows = rows.assign(
            standard=[report.label(c) for c in rows["code"]],
            part_label=[self._part_label(c, p) for c, p in pairs],
            what=[report.metric(report.item(i) if isinstance(i, str) else i) for i in rows["item"]],
            source=[
                _source(report, s, n, u)
                for s, n, u in zip(rows["source"], rows["n"], rows["unit"], strict=True)
            ],
            stage_label=rows["stage"].map(stages).fillna(""),
            state_label=[report.state(s) for s in rows["state"]],
            order=rows["code"].map(self.framework.table.set_index("code")["order"]),
        )
        few = (rows["stage"] == "residents") & (rows["state"] == "missing")
        rows["n"] = rows["n"].astype(object).mask(few, WITHHELD)
        return rows.sort_values(["unit", "order"], kind="stable", ignore_index=True)

    @cached_property
    def _values(self) -> formulas.RawValues | None:
        if self.report.is_city:
            return None
        register = self.report.study.register
        units = register.units[register.units["unit"].map(register.district_of) == self.report.unit]
        measures = self.period.measures
        return formulas.RawValues(self.framework, units, measures[measures["unit"].isin(units["unit"])])

    @cached_property
    def _raw(self) -> pd.DataFrame | None:
        if self._values is None or self._values.table.empty:
            return None
        table = self._values.table
        keys = [c for c in table if c not in ("unit", "name", "type")]
        self.extra["raw"] = {k: Col(self.report.metric(k), "number", digits=2) for k in keys}
        kinds = {"urban": self.t("urban"), "converted": self.t("converted from a village")}
        return table.assign(type_label=[kinds.get(k, k) if isinstance(k, str) else "" for k in table["type"]])

    @cached_property
    def _weights(self) -> pd.DataFrame:
        t = self.t
        rows = self.period.indicator_weights().sort_values("order", ignore_index=True)
        origins = {
            "ahp": t("expert judgement (group AHP)"),
            "document": t("printed in the document"),
            "equal": t("equal among siblings"),
        }
        labels = [self.report.label(c) for c in rows["code"]]
        return rows.assign(label=labels, origin_label=rows["origin"].map(origins))

    @cached_property
    def _satisfaction(self) -> pd.DataFrame:
        report, t = self.report, self.t
        rows = report.satisfaction
        if rows.empty:
            return rows
        rows = _signed(
            report,
            rows.rename(columns={"n": "answers"}),
            ("se", "ci_low", "ci_high", "df", "answers", "n_effective"),
        )
        rows["estimate"] = report.marked(rows["estimate"], rows["rule"], rows["bound"], percent=True)
        statistics = {
            "mean": t("mean"), "index": t("index"), "satisfied": t("satisfied share"), "dissatisfied": t("dissatisfied share"),
            "net": t("net"), "dont_know": t("share of don't know"),
        }  # fmt: skip
        weightings = {
            "design": t("Base weights"),
            "raked": t("Raked to the census"),
            "all": t("With excluded answers"),
        }
        return rows.assign(
            item_label=[report.item(i) for i in rows["item"]],
            statistic_label=rows["statistic"].map(statistics),
            weighting_label=rows["weighting"].map(weightings),
        )

    @cached_property
    def _change(self) -> pd.DataFrame:
        rows = self.report.of_unit("change").rename(columns={"estimate": "moved"})
        told = ("before", "after", "moved", "se", "ci_low", "ci_high", "df", "p_value", "p_holm")
        rows = _signed(self.report, rows.reset_index(drop=True), told) if len(rows) else rows
        return rows.assign(item_label=[self.report.item(i) for i in rows["item"]])

    @cached_property
    def _candidates(self) -> pd.DataFrame:
        ranks = self.period.ranks("candidate")
        if len(ranks) and not self.report.is_city:
            ranks = ranks[ranks["group"] == self.report.unit]
        if ranks.empty:
            return ranks
        names = self.report.study.register.units.set_index("unit")["name"]
        scores = self.period.scores("candidate").pivot(index="unit", columns="code", values="score")
        secondary = [c for c in self.framework.table.query("level == 2")["code"] if c in scores]
        self.extra["candidates"] = {
            c: Col(f"{c} {self.report.label(c)}", "number", digits=2) for c in secondary
        }
        rows = ranks.assign(name=ranks["unit"].map(names))
        rows = rows.merge(scores[secondary].reset_index(), on="unit", how="left")
        return rows.sort_values(["group", "rank"], ignore_index=True)

    @cached_property
    def _ledger(self) -> pd.DataFrame:
        from commlab.report.chapters.appendices import own_ledger

        word = self.report.word
        keys = ["file", "action", "severity", "rule"]
        rows = own_ledger(self.report).groupby(keys, dropna=False, sort=True)["n"].sum().reset_index()
        return rows.rename(columns={"n": "rows"}).assign(
            **{f"{key}_label": [word(v) for v in rows[key]] for key in keys[1:]}
        )

    @cached_property
    def _dictionary(self) -> pd.DataFrame:
        from commlab.report.chapters.appendices import dictionary_columns, dictionary_rows

        self.extra["dictionary"] = dictionary_columns(self.report)
        return dictionary_rows(self.report)

    @cached_property
    def _denominators(self) -> pd.DataFrame:
        from commlab.report.chapters.appendices import denominator_rows

        rows: pd.DataFrame = denominator_rows(self.report)
        if rows.empty:
            return rows
        return (
            rows.drop(columns="label")
            .assign(standard=rows["label"], quotient=rows["value"])
            .reset_index(drop=True)
        )

    def _quotients(self) -> formulas.Formulas:
        rows, grid = self._denominators, self._grid("denominators")
        told = []
        for i, known in enumerate(rows["quotient"].notna()):
            sides = [grid.cell(c, i, own=True) for c in ("numerator", "denominator")]
            told.append(f"={sides[0]}/{sides[1]}" if known else "")
        return {"quotient": told}


def _signed(report: Report, rows: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Withheld survey figures as a sign; a figure that a bound leaves out stays blank beside it."""
    out = rows.reset_index(drop=True)
    for column in columns:
        hidden = out["rule"].mask((column == "answers") & out[column].notna(), "")
        out[column] = report.marked(out[column], hidden)
    return out


def _source(report: Report, source: object, n: float, unit: str) -> str:
    """Where a value was read; the answers to a question have no cell, they are told in words."""
    text = source if isinstance(source, str) else ""
    if not text.startswith(_ANSWERS):
        return text
    item = text.removeprefix(_ANSWERS).split(",")[0].strip()
    return report.t(
        "questionnaire: {item}, {n} answers of {unit}",
        item=report.item(item),
        n=report.t.integer(n),
        unit=unit,
    )
