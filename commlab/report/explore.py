"""Questions to a study, one at a time: what can be picked, the line of code that answers, its table and figure.

The line is the answer: :class:`Line` is printed as code or carried out, so that what is shown is what the line gives.
It stands on the public names alone (``study.period("2019Q4").satisfaction(by="district")``), and on tables in which
what may not be shown has been taken out: filters only choose among their rows. Counts of cared-for people are not
offered; nor are the candidates' scores that rest on them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from commlab.errors import ParameterError, StudyError, listing
from commlab.report.chapters.base import Report
from commlab.report.line import Line
from commlab.report.wording import study_text
from commlab.study.shown import BREAKDOWNS, OF_COMMUNITIES
from commlab.text import SAMPLE_MARK

if TYPE_CHECKING:
    from commlab.figures import Figure
    from commlab.framework import Part
    from commlab.study import Study

__all__ = ["Explore", "Line", "Question"]

DRAWN = 40
"""Rows that a figure holds: the highest where there are more."""
_STATISTICS = ("index", "satisfied", "dissatisfied", "net", "mean", "dont_know")
_ANSWERED = ["estimate", "se", "ci_low", "ci_high", "n", "rule", "bound"]
_RANKED = ["unit", "score", "score_low", "score_high", "rank", "rank_low", "rank_high"]


@dataclass(frozen=True)
class Question:
    """What is picked. Each field's choices depend on those before it; "" stands for all.

    ``kind`` is ``residents``, ``facts`` (community statistics) or ``scores``; ``name`` a survey item, a metric or an
    indicator; ``group`` what a row of the table is; the last four are filters.
    """

    period: str
    kind: str = "residents"
    name: str = ""
    group: str = "district"
    statistic: str = ""
    district: str = ""
    type: str = ""
    street: str = ""
    age: str = ""


class Explore:
    """What can be asked of a study, and the answers.

    Parameters
    ----------
    study : Study
    language : {"zh", "en"}, optional
        Of labels; default: the study's.

    Examples
    --------
    >>> import commlab as cl
    >>> explore = Explore(cl.open_study())                                  # doctest: +SKIP
    >>> asked = explore.first(period="2019Q4", name="q_service", group="sex")   # doctest: +SKIP
    >>> explore.line(asked)                                                 # doctest: +SKIP
    study.period("2019Q4").satisfaction(by="sex").query("item == 'q_service' and ...
    >>> explore.table(asked)                                                # doctest: +SKIP
    """

    def __init__(self, study: Study, language: str | None = None) -> None:
        self.study = study
        self.t = study_text(study, language or study.config.language)
        self._known: dict[str, Any] = {}
        self._reports: dict[str, Report] = {}
        units = study.register.units
        streets = units[units["level"] == "street"]
        self._streets = dict(zip(streets["unit"], streets["parent"], strict=True))

    # -- what can be picked ----------------------------------------------------------------------------------------

    def choices(self, field: str, asked: Question) -> dict[str, str]:
        """Value -> label of a field, given the fields before it; one choice, "", where the field says nothing."""
        return {
            "period": self._periods,
            "kind": self._kinds,
            "name": self._names,
            "group": self._groups,
            "statistic": self._statistics,
            "district": self._districts,
            "type": self._types,
            "street": self._of_street,
            "age": self._ages,
        }[field](asked)

    def first(self, **wanted: str) -> Question:
        """A question with the wanted values and the first choice of all other fields.

        Raises
        ------
        ParameterError
            If a wanted value is no choice beside the others.
        """
        asked = Question(self.study.newest)
        for field in fields(Question):
            known = self.choices(field.name, asked)
            default = asked.period if field.name == "period" else next(iter(known), "")
            value = wanted.get(field.name, default)
            if value not in known:
                raise ParameterError(f"{field.name} {value!r} is no choice here; choices: {listing(known)}")
            asked = replace(asked, **{field.name: value})
        return asked

    def fitted(self, asked: Question) -> Question:
        """The question with every value that is no choice replaced by the first that is."""
        for field in fields(Question):
            known = self.choices(field.name, asked)
            if getattr(asked, field.name) not in known:
                asked = replace(asked, **{field.name: next(iter(known), "")})
        return asked

    def _report(self, asked: Question) -> Report:
        if asked.period not in self._reports:
            period = self.study.period(asked.period)
            self._reports[asked.period] = Report(self.study, period, self.study.config.city, self.t)
        return self._reports[asked.period]

    def _periods(self, asked: Question) -> dict[str, str]:
        return {p: self.t.period(p) for p in reversed(self.study.periods)}

    def _kinds(self, asked: Question) -> dict[str, str]:
        t, period = self.t, self.study.period(asked.period)
        kinds = {"residents": t("Residents"), "facts": t("Community statistics"), "scores": t("Scores")}
        there = {
            "residents": bool(len(period.responses)),
            "facts": bool(self._metrics(asked)),
            "scores": bool(period.districts),
        }
        if not any(there.values()):
            raise StudyError(
                f"{asked.period} has nothing to explore: no answers, no measures and no district to score; "
                f"see `commlab check {asked.period}`"
            )
        return {k: v for k, v in kinds.items() if there[k]}

    def _names(self, asked: Question) -> dict[str, str]:
        report = self._report(asked)
        if asked.kind == "residents":
            return {i: report.item(i) for i in report.period.items}
        if asked.kind == "facts":
            return {m: report.metric(m) for m in self._metrics(asked)}
        table = self.study.framework.table.sort_values("order")
        return {"total": self.t("Score")} | {c: f"{c} {report.label(c)}" for c in table["code"]}

    def _metrics(self, asked: Question) -> list[str]:
        """Metrics that were measured in the period, checked points apart; without those about cared-for people."""
        key = f"metrics of {asked.period}"
        if key not in self._known:
            rows = self.study.period(asked.period).measures[["metric", "item"]].drop_duplicates()
            item = rows["item"].fillna("").astype("str")
            found = rows["metric"] + ("/" + item).where(item != "", "")
            known = self.study.framework.metrics
            hidden = {k for k, m in known.items() if m.sensitive}
            whole = {*self._communities(asked)}
            self._known[key] = [
                m
                for m in found.unique()
                if m.partition("/")[0] not in hidden
                and (m in whole or "/" not in m)  # of districts, no single points
            ]
        return list(self._known[key])

    def _groups(self, asked: Question) -> dict[str, str]:
        t, report = self.t, self._report(asked)
        labels = {
            "district": t("District"),
            "street": t("Street"),
            "type": t("Type"),
            "community": t("Community"),
            "city": t("City"),
            "period": t("Period"),
            "candidate": t("Candidate"),
        }
        if asked.kind == "residents":
            asked_people = [p for p in BREAKDOWNS if p in report.period.responses]
            places = ["district", "city", "community", *self.study.register.places]
            return {g: labels[g] for g in places} | {p: report.demographic(p) for p in asked_people}
        if asked.kind == "scores":
            some = len(report.period.scores("candidate")) and not self._tells_of_people(asked.name)
            return {g: labels[g] for g in ("district", *(["candidate"] if some else []))}
        found = []
        if asked.name in self._communities(asked):
            found = ["street"] if self._streets else []
            found += ["type", "community"]
        single = "/" not in asked.name and (not found or self._adds_up(asked.name))
        whole = ["district", "period"] if single else [] if self._streets else ["district"]
        return {g: labels[g] for g in [*whole, *found]}

    def _adds_up(self, metric: str) -> bool:
        entry = self.study.framework.metrics.get(metric)
        return entry is None or entry.kind != "ratio"

    def _tells_of_people(self, code: str) -> bool:
        """Whether a community's score rests on cared-for people, or would tell such a one beside it."""
        framework = self.study.framework
        parents = dict(zip(framework.table["code"], framework.table["parent"], strict=True))
        beside = [c for c in framework.leaves if parents[c] == parents.get(code)]
        return code in beside and any(self._about_people(p) for c in beside for p in framework.parts(c))

    def _about_people(self, part: Part) -> bool:
        named = {part.metric, *(part.params.get(k) for k in ("numerator", "denominator"))}
        known = self.study.framework.metrics
        return any(known[str(m)].sensitive for m in named if m in known)

    def _communities(self, asked: Question) -> list[str]:
        return list(self.study.period(asked.period).communities.columns)

    def _statistics(self, asked: Question) -> dict[str, str]:
        if asked.kind != "residents":
            return {"": "-"}
        report = self._report(asked)
        names = OF_COMMUNITIES if asked.group == "community" else _STATISTICS
        return {s: report.word(s) for s in names}

    def _districts(self, asked: Question) -> dict[str, str]:
        # Of a whole city there are none; answers by type within districts are not shown.
        whole = asked.group == "city" or (asked.kind, asked.group) == ("residents", "type")
        names = () if whole else self.study.period(asked.period).districts
        return {"": self.t("all")} | {d: d for d in names}

    def _of_places(self, asked: Question) -> bool:
        """Whether rows are communities, or sums over them."""
        if asked.kind == "facts":
            return asked.group in ("type", "street", "community") or not self._by_panel(asked)
        return asked.group in ("community", "candidate")

    def _types(self, asked: Question) -> dict[str, str]:
        known = self.study.register.communities["type"].dropna().unique() if self._of_places(asked) else ()
        return {"": self.t("all")} | {k: self._type(k) for k in known}

    def _type(self, kind: str) -> str:
        return self.study.framework.type_label(kind, self.t.language)

    def _of_street(self, asked: Question) -> dict[str, str]:
        inside = [s for s, d in self._streets.items() if asked.district in ("", d)]
        taken = inside if self._of_places(asked) or asked.group == "street" else []
        return {"": self.t("all")} | {s: s for s in taken}

    def _ages(self, asked: Question) -> dict[str, str]:
        known: dict[str, str] = {"": self.t("all")}
        if asked.kind == "residents" and asked.group in ("district", "city", "age_band"):
            report = self._report(asked)
            bands = report.period.responses.get("age_band", pd.Series(dtype="str")).dropna()
            known |= {b: report.option("age_band", b) for b in sorted(set(bands))}
        return known

    # -- the answer ------------------------------------------------------------------------------------------------

    def line(self, asked: Question) -> Line:
        """The line of code that answers; it needs ``study``, an open study."""
        made: dict[str, Callable[[Line, Question], Line]] = {
            "residents": self._residents,
            "facts": self._facts,
            "scores": self._scores,
        }
        return made[asked.kind](Line("study").then("period", asked.period), asked)

    def _residents(self, period: Line, asked: Question) -> Line:
        wanted: dict[str, str | list[str]] = {"item": asked.name, "statistic": asked.statistic}
        if asked.group == "community":
            found = self._placed(
                period.then("satisfaction", by="community").where(**wanted), period, "community", asked
            )
            return found.pick(["community", "parent", "type", *_ANSWERED])
        if asked.group == "street":
            inside = [s for s, d in self._streets.items() if d == asked.district]
            found = period.then("satisfaction", by="street").where(**wanted, street=asked.street or inside)
            return found.pick(["street", *_ANSWERED])
        groups = [] if asked.group == "city" else [asked.group]
        if asked.district and "district" not in groups:
            groups.insert(0, "district")
        if asked.age and "age_band" not in groups:
            groups.append("age_band")
        by = groups[0] if len(groups) == 1 else groups or None
        wanted |= {"district": asked.district, "age_band": asked.age}
        return period.then("satisfaction", by=by).where(**wanted).pick([*groups, *_ANSWERED])

    def _placed(self, rows: Line, period: Line, unit: str, asked: Question) -> Line:
        """Rows of communities with their type and what lies above them, chosen by both."""
        places = period.get("communities").pick(["unit", "parent", "type"])
        how = {"on": "unit"} if unit == "unit" else {"left_on": unit, "right_on": "unit"}
        return rows.then("merge", places, **how).where(**self._above(asked))

    def _above(self, asked: Question) -> dict[str, str | list[str]]:
        inside = [s for s, d in self._streets.items() if d == asked.district]
        parent = asked.street or (inside or asked.district if asked.district else "")
        return {"type": asked.type, "parent": parent}

    def _facts(self, period: Line, asked: Question) -> Line:
        name = asked.name
        if self._by_panel(asked):
            panel = Line("study").then("panel", name)
            only = "" if asked.group == "period" else asked.period
            return panel.where(period=only, unit=asked.district)
        rows = period.get("communities").where(**self._above(asked))
        if asked.group == "community":
            return rows.pick(["unit", "parent", "type", name]).then("dropna")
        return (
            rows.then("groupby", "type" if asked.group == "type" else "parent")
            .pick(name)
            .then("agg", ["sum", "mean", "count"])
            .then("reset_index")
        )

    def _by_panel(self, asked: Question) -> bool:
        """Whether the answer comes from ``study.panel``: over periods, or above the streets."""
        whole = bool(self._streets) or asked.name not in self._communities(asked)
        return asked.group == "period" or (asked.group == "district" and whole)

    def _scores(self, period: Line, asked: Question) -> Line:
        if asked.group == "candidate":
            rows = period.then("scores", "candidate").where(code=asked.name)
            return self._placed(rows, period, "unit", asked).pick(
                ["unit", "parent", "type", "score", "state", "coverage"]
            )
        if asked.name == "total":
            return period.then("ranks").pick(_RANKED).where(unit=asked.district)
        rows = period.then("scores").where(code=asked.name, unit=asked.district)
        return rows.pick(["unit", "code", "score", "state", "coverage", "weight"])

    def table(self, asked: Question) -> pd.DataFrame:
        """What the line gives."""
        return pd.DataFrame(self.line(asked).run({"study": self.study}, self._known)).copy()

    def title(self, asked: Question) -> str:
        """What is shown, in words."""
        kept = [f.name for f in fields(Question) if getattr(asked, f.name) and f.name != "kind"]
        return " · ".join(self.choices(name, asked).get(getattr(asked, name), "") for name in kept)

    def note(self, asked: Question) -> str:
        """The mark of sample data, and why rows or figures are lacking; "" where there is nothing to say."""
        table, notes = self.table(asked), [SAMPLE_MARK] if self.study.sample else []
        if table.empty:
            notes.append(self.t("No rows: nothing was asked, measured or scored here."))
        elif "rule" in table and (table["rule"] != "").any():
            k = self.t.integer(self.study.config.disclosure["internal"])
            notes.append(
                self.t(
                    "Blank figures are withheld: fewer than {k} people answered, or a figure of so few could be worked out.",
                    k=k,
                )
            )
        return " · ".join(notes)

    def figure(self, asked: Question) -> Figure | None:
        """The table as bars with intervals (the highest ``DRAWN``); None where no figure may be shown."""
        from commlab.figures import bars
        from commlab.figures.theme import with_mark

        table = self.table(asked)
        value = next(c for c in ("estimate", "score", "value", "sum", asked.name) if c in table)
        ends = next((p for p in (("ci_low", "ci_high"), ("score_low", "score_high")) if p[0] in table), None)
        drawn = pd.DataFrame({"label": self._labels(table, asked), "value": table[value]})
        if ends:
            drawn[["low", "high"]] = table[list(ends)]
        drawn = drawn.dropna(subset="value")
        if drawn.empty:
            return None
        if asked.group != "period":
            drawn = drawn.sort_values("value", ascending=False, kind="stable").head(DRAWN)
        percent = asked.kind == "residents" and asked.statistic not in ("index", "mean")
        made = bars(drawn.reset_index(drop=True), title=self.title(asked), percent=percent)
        return replace(made, png=with_mark(made.png, SAMPLE_MARK)) if self.study.sample else made

    def _labels(self, table: pd.DataFrame, asked: Question) -> list[str]:
        report = self._report(asked)
        keys = [
            c
            for c in ("period", "district", "street", "community", "unit", "parent", "type", *BREAKDOWNS)
            if c in table
        ]
        if asked.kind == "facts" and asked.group == "period":
            keys = ["period", "unit"]
        elif "community" in keys or "unit" in keys:
            keys = keys[:1]
        if not keys:
            return [report.city] * len(table)
        words = {p: lambda v, p=p: report.option(p, v) for p in BREAKDOWNS} | {
            "type": self._type,
            "period": self.t.period,
        }
        return [
            " ".join(words.get(k, str)(row[k]) for k in keys if isinstance(row[k], str))
            for row in table[keys].to_dict("records")
        ]
