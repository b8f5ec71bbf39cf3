"""What every chapter knows: the period, the unit, the language, labels, and city-wide figures to compare with."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from commlab.framework import RULES, TOTAL
from commlab.framework.entries import FULL
from commlab.report.finding import Finding, capital
from commlab.report.wording import study_text
from commlab.study import Period, Study, open_study
from commlab.tables import DONT_KNOW
from commlab.text import Text

if TYPE_CHECKING:
    from commlab.intake.codebook import Codebook

__all__ = ["MERGED", "WITHHELD", "Report", "open_report"]

MIDDLE = 2
"""Level of the framework that pictures show."""
EXACT = 1e-9
"""Intervals narrower than this are none."""
WITHHELD = "*"
"""Stands for a survey figure that may not be shown."""
MERGED = "†"
"""Stands for an answer that is counted together with the one beside it."""
_BOUNDS = {"<=": "≤", ">=": "≥"}


def open_report(study: str | Path, period: str, district: str | None = None, language: str = "zh") -> Report:
    """What the chapters of one report are written from.

    Parameters
    ----------
    study : path
        The study folder or any folder inside it.
    period : str
        One of the study's periods.
    district : str, optional
        Any name of a district; None for the city.
    language : {"zh", "en"}

    Raises
    ------
    ParameterError
        Unknown period, district or language; a district that failed or is outstanding.
    """
    opened = open_study(study)
    here = opened.period(period)
    unit = here.district(district) if district else opened.config.city
    return Report(opened, here, unit, study_text(opened, language, here.name))


@dataclass(frozen=True, eq=False)
class Report:
    """One report: a period seen from one unit, in one language."""

    study: Study
    period: Period
    unit: str
    t: Text

    @property
    def language(self) -> str:
        return self.t.language

    @property
    def city(self) -> str:
        return self.study.config.city

    @property
    def is_city(self) -> bool:
        return self.unit == self.city

    @property
    def period_label(self) -> str:
        return self.t.period(self.period.name)

    def label(self, code: str) -> str:
        """Short name of a node of the framework."""
        return self.study.framework.label(code, self.language)

    @cached_property
    def book(self) -> Codebook | None:
        """The codebook of the study's questionnaire; None where the study has none."""
        from commlab.intake.codebook import load_codebook

        instrument = self.study.config.instrument
        return load_codebook(self.study.register.codebook(instrument)) if instrument else None

    def item(self, name: str | None) -> str:
        """Label of a survey item."""
        if name is None:
            return ""
        known = self.book.items if self.book else {}
        return known[name].labels[self.language] if name in known else name

    def demographic(self, name: str) -> str:
        """Label of a question about the person."""
        known = self.book.demographics if self.book else {}
        return known[name].labels[self.language] if name in known else name

    def option(self, name: str, value: str) -> str:
        """An answer to a question about the person: as the questionnaire prints it, in English its code."""
        if self.language == "en" or not self.book or name not in self.book.demographics:
            return value
        return next(
            (text for text, code in self.book.demographics[name].options.items() if code == value), value
        )

    def answer(self, code: int) -> str:
        """An answer code of the satisfaction items in words: those that most items of the questionnaire have."""
        if code == DONT_KNOW:
            return self.t("don't know")
        asked = [q for name, q in self.book.items.items() if name in self.period.items] if self.book else []
        said = Counter(next((text for text, c in q.options.items() if c == code), str(code)) for q in asked)
        word = said.most_common(1)[0][0] if said else str(code)
        usual = {
            "非常不满意": self.t("very dissatisfied"), "不满意": self.t("dissatisfied"), "一般": self.t("neither"),
            "满意": self.t("satisfied"), "非常满意": self.t("very satisfied"),
        }  # fmt: skip
        return usual.get(word, word)

    def word(self, text: str) -> str:
        """A word of a fixed vocabulary (states, ledger rules); one without a translation is printed as it is."""
        if self.language == "en":
            return text.replace("_", " ")
        return self.t(text) if self.t.knows(text) else text

    def state(self, name: object) -> str:
        """A score's state in words."""
        words = {
            "scored": self.t("scored"),
            "failed": self.t("norm not met"),
            "missing": self.t("missing"),
            "not_applicable": self.t("not applicable"),
            "vetoed": self.t("vetoed"),
            "inherited": self.t("inherited"),
            "observed": self.t("observed"),
        }
        return words.get(str(name), "")

    def metric(self, name: object) -> str:
        """Label of a metric, or of an item of one (``metric/item``); what is neither is printed as it is."""
        if not isinstance(name, str) or not name:
            return ""
        if name == "share_meeting":
            return self.t("share of units that meet the norm")
        known = self.study.framework.metrics
        key, _, item = name.partition("/")
        if key not in known:
            return name
        metric = known[key]
        label = metric.zh if self.language == "zh" else metric.en or metric.zh
        if not item:
            return label
        inner = metric.items.get(item, {})
        named = inner.get(self.language) or inner.get("zh") or item
        return self.t("{what}: {item}", what=label, item=named)

    def places(self, low: float, high: float) -> str:
        """An interval of ranks: one number where both ends are the same."""
        ends = [self.t.integer(low), self.t.integer(high)]
        return ends[0] if ends[0] == ends[1] else "-".join(ends)

    def starting(self, text: str) -> str:
        """A label as it stands at the start of a cell or beside a bar."""
        return capital(text, self.language)

    def join(self, *sentences: str) -> str:
        """Sentences in a row: Chinese ones touch, English ones are spaced."""
        return ("" if self.language == "zh" else " ").join(s for s in sentences if s)

    def of_unit(self, result: str) -> pd.DataFrame:
        """The unit's own rows of a city-wide result."""
        frame = self.period.result(result)
        return frame[frame["unit"] == self.unit].reset_index(drop=True) if len(frame) else frame

    def finding(self, table: pd.DataFrame, text: str, **more: Any) -> Finding:
        return Finding(table, text, language=self.language, **more)

    def has(self, *readers: str) -> bool:
        """Whether the study asks for such tables at all; a chapter about what it never asks for says nothing."""
        return any(entry.reader in readers for entry in self.study.config.inputs)

    def drawn(self) -> list[str]:
        """What the intervals of scores and ranks come from, in words: what was drawn, not what could be."""
        ranks, t = self.period.ranks("district"), self.t
        told = {
            "weights": t("expert weights (bootstrap over experts)"),
            "survey sampling error": t("sampling error of survey items"),
            "disagreement of raters": t("disagreement of raters"),
        }
        names = dict.fromkeys(n for text in ranks["sources"].unique() for n in text.split(", ") if n)
        return [told[n] for n in names]

    def notes(self, chapter: str) -> list[str]:
        """Sentences that the framework and the study have for a chapter, each with where it stands."""
        told = []
        for note in (*self.study.framework.remarks, *self.study.config.notes):
            if note.chapter == chapter:
                at = " ".join(filter(None, (note.document, note.article)))
                text = note.text(self.language)
                told.append(self.t("{text} ({where})", text=text, where=at) if note.article else text)
        return told

    def full(self, code: str = TOTAL) -> float:
        """Full marks of a node; a bonus or veto, which stands outside the weights, has none."""
        parts = self.study.framework.parts(code)
        outside = bool(parts) and all(not RULES[p.rule].shared for p in parts)
        return math.nan if outside else self.study.framework.full(code)

    @cached_property
    def pointed(self) -> bool:
        """Whether nodes have full marks of their own, so that scores are compared as shares of them."""
        known = (self.full(c) for c in (TOTAL, *self.study.framework.table["code"]))
        return any(full != FULL for full in known if not math.isnan(full))

    def percent_of_full(self, scores: pd.Series) -> pd.Series:
        """Scores by code on one scale of 0 to 100."""
        return scores * FULL / pd.Series({c: self.full(c) for c in scores.index}, dtype="float64")

    @property
    def scale(self) -> str:
        """What the axis of scores is called."""
        return self.t("Per cent of full marks") if self.pointed else self.t("Score (0-100)")

    @cached_property
    def middle(self) -> list[str]:
        """Nodes that pictures and comparisons show: the second level, or the first of a flat framework."""
        table = self.study.framework.table.sort_values("order")
        second = table.loc[table["level"] == MIDDLE, "code"]
        return list(second if len(second) else table["code"])

    @cached_property
    def middle_word(self) -> str:
        """What the nodes of ``middle`` are called."""
        flat = self.study.framework.node(self.middle[0]).level != MIDDLE
        return self.t("indicators") if flat else self.t("secondary indicators")

    @cached_property
    def uncertain(self) -> bool:
        """Whether any score can err: by judged weights, by sampling, by raters."""
        ranks = self.period.ranks("district")
        return bool(len(ranks)) and bool((ranks["score_high"] - ranks["score_low"] > EXACT).any())

    @cached_property
    def peers(self) -> list[str]:
        """Districts that this one is ranked among and compared with: all, or those of its group."""
        ranks = self.period.ranks("district")
        if self.is_city or self.unit not in set(ranks["unit"]):
            return list(self.period.districts)
        own = ranks.loc[ranks["unit"] == self.unit, "group"].iloc[0]
        inside = set(ranks.loc[ranks["group"] == own, "unit"])
        return [d for d in self.period.districts if d in inside]

    @cached_property
    def counted(self) -> str:
        """ "17 of 18 districts": how many districts the city figures rest on."""
        have, all_ = len(self.period.districts), len(self.study.register.districts)
        if len(self.peers) < have:
            own = self.period.ranks("district").set_index("unit").loc[self.unit, "group"]
            return self.t("{n} districts of the group {group}", n=len(self.peers), group=own)
        if have == all_ == 1:
            return self.t("the only district")
        if have == all_:
            return self.t("all {n} districts", n=have)
        return self.t("{n} of {all} districts", n=have, all=all_)

    @cached_property
    def profiles(self) -> pd.DataFrame:
        """District scores: code, score, mean over districts, difference, rank, coverage, weight of this unit."""
        scores = self.period.scores("district")
        scores = scores[scores["unit"].isin([*self.peers, self.unit])]
        wide = scores.pivot(index="code", columns="unit", values="score")
        ranks = wide.rank(axis=1, ascending=False, method="min")
        out = pd.DataFrame({"city_mean": wide.mean(axis=1), "n": wide.notna().sum(axis=1)})
        if self.unit in wide:
            out["score"] = wide[self.unit]
            out["difference"] = out["score"] - out["city_mean"]
            out["rank"] = ranks[self.unit]
            mine = scores[scores["unit"] == self.unit].set_index("code")
            out = out.join(mine[["state", "coverage", "weight", "contribution"]])
        return out

    @cached_property
    def standing(self) -> pd.Series | None:
        """Rank and score of this district with their intervals; None where nothing of it was measured."""
        ranks = self.period.ranks("district").set_index("unit")
        return ranks.loc[self.unit] if self.unit in ranks.index else None

    @cached_property
    def satisfaction(self) -> pd.DataFrame:
        """The unit's satisfaction results, all weightings."""
        return self.of_unit("satisfaction")

    @cached_property
    def overall_item(self) -> str | None:
        """The item that asks for the overall judgement: the first whose name says so, else the first of all."""
        items = list(self.period.items)
        return next((i for i in items if "overall" in i), items[0] if items else None)

    @cached_property
    def overall(self) -> pd.Series | None:
        """The unit's share satisfied overall; None where too few answered."""
        return self.statistic(self.overall_item, "satisfied") if self.overall_item else None

    def statistic(self, item: str, statistic: str, weighting: str = "design") -> pd.Series | None:
        """One row of the unit's satisfaction results; None where there is none or it may not be shown."""
        rows = self.satisfaction
        rows = rows[
            (rows["item"] == item) & (rows["statistic"] == statistic) & (rows["weighting"] == weighting)
        ]
        if rows.empty or rows["rule"].iloc[0] or rows["bound"].iloc[0]:
            return None
        return rows.iloc[0]

    def marked(
        self, values: pd.Series, rule: pd.Series, bound: pd.Series | None = None, *, percent: bool = True
    ) -> pd.Series:
        """Figures with a sign where they are withheld, and bounds as text; what stays blank has no answers."""
        out = values.astype(object).where(values.notna(), None)
        for i in values.index:
            edge = "" if bound is None or pd.isna(bound[i]) else bound[i]
            if edge:
                out[i] = (
                    f"{_BOUNDS[edge]} {self.t.percent(values[i]) if percent else self.t.number(values[i])}"
                )
            elif pd.isna(values[i]) and isinstance(rule[i], str) and rule[i]:
                out[i] = MERGED if rule[i] == "merged" else WITHHELD
        return out

    def signs(self, *columns: pd.Series) -> list[str]:
        """What the signs in these columns mean: the notes below their table."""
        cells = [str(v) for column in columns for v in column]
        least = self.t.integer(self.study.config.disclosure["internal"])
        notes = []
        if WITHHELD in cells:
            notes.append(
                self.t(
                    "* : withheld, because fewer than {k} people answered or a figure of so few could be worked out from it.",
                    k=least,
                )
            )
        if any(c[:1] in _BOUNDS.values() for c in cells):
            notes.append(
                self.t("≤ and ≥ : fewer than three people answered otherwise; only a bound is shown.")
            )
        if MERGED in cells:
            notes.append(
                self.t(
                    "† : given by so few that both answers of this side are counted together, in the column beside it."
                )
            )
        return notes
