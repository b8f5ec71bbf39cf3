"""A published number back to the cells it came from: score -> rule -> evidence -> raw values -> file, sheet, cell.

A survey number ends at its files, the number of rows and the filter, never at one person's answers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from commlab.errors import ParameterError, listing
from commlab.tables import STAGES
from commlab.text import MISSING, Text

if TYPE_CHECKING:
    from commlab.study.period import Period

__all__ = ["Step", "Trace", "trace"]

_MOST_VALUES = 12


@dataclass(frozen=True)
class Step:
    """One line of a trace: what it is (``node``, ``child``, ``part``, ``evidence``, ``value``, ``ledger``), in words,
    the number, where it was read, and what it rests on."""

    kind: str
    text: str
    value: float | None = None
    source: str = ""
    below: tuple[Step, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        out: dict[str, Any] = {"kind": self.kind, "text": self.text}
        if self.value is not None:
            out["value"] = self.value
        if self.source:
            out["source"] = self.source
        if self.below:
            out["below"] = [s.to_dict() for s in self.below]
        return out


@dataclass(frozen=True)
class Trace:
    """The way back of one score; prints as a tree, ``to_dict`` gives all of it."""

    period: str
    unit: str
    code: str
    top: Step
    _most: int = field(default=_MOST_VALUES, repr=False)

    def to_dict(self) -> dict[str, Any]:
        return {"period": self.period, "unit": self.unit, "code": self.code, **self.top.to_dict()}

    def steps(self) -> list[Step]:
        """Every step, depth first."""
        out: list[Step] = []

        def walk(step: Step) -> None:
            out.append(step)
            for inner in step.below:
                walk(inner)

        walk(self.top)
        return out

    def __str__(self) -> str:
        lines: list[str] = []

        def walk(step: Step, indent: str) -> None:
            lines.append(indent + step.text + (f"  <- {step.source}" if step.source else ""))
            shown = step.below
            values = [s for s in shown if s.kind == "value"]
            if len(values) > self._most:
                shown = (*[s for s in shown if s.kind != "value"], *values[: self._most])
            for inner in shown:
                walk(inner, indent + "  ")
            if len(values) > self._most:
                lines.append(f"{indent}  … {len(values) - self._most} (--format json)")

        walk(self.top, "")
        return "\n".join(lines)


def trace(period: Period, unit: str, code: str) -> Trace:
    """The way from a score of ``unit`` down to raw cells.

    Parameters
    ----------
    period : Period
    unit : str
        A district, or a candidate community as ``district/name``.
    code : str
        A node of the framework in any spelling, or ``total``.

    Raises
    ------
    ParameterError
        If the unit has no score in this period, or the code is unknown.
    """
    framework = period.study.framework
    found = framework.code(code)
    candidates = period.scores("candidate")
    if len(candidates) and unit in set(candidates["unit"]):
        of = "candidate"
    else:
        of, unit = "district", period.district(unit)
    scores = period.scores(of)
    mine = scores[scores["unit"] == unit].set_index("code")
    if found not in mine.index:
        raise ParameterError(f"{unit} has no score for {found} in {period.name}")
    teller = _Teller(period, unit, of, mine)
    return Trace(period.name, unit, found, teller.node(found))


class _Teller:
    def __init__(self, period: Period, unit: str, of: str, scores: pd.DataFrame) -> None:
        self.period, self.unit, self.of, self.scores = period, unit, of, scores
        self.framework = period.study.framework
        self.t = Text(period.study.config.language)
        self.weights = period.indicator_weights().set_index("code")
        evidence = period.result("evidence")
        self.evidence = evidence[(evidence["set"] == of) & (evidence["unit"] == unit)]
        leaves = period.leaf_scores(of)
        self.leaves = leaves[leaves["unit"] == unit]

    def node(self, code: str) -> Step:
        t, row = self.t, self.scores.loc[code]
        label = t("Total") if code == "total" else f"{code} {self.framework.label(code, t.language)}"
        text = t(
            "{unit} {label}: score {score} ({state}), coverage {coverage}",
            unit=self.unit,
            label=label,
            score=t.number(row["score"], 4),
            state=t(_STATES[row["state"]]),
            coverage=t.percent(row["coverage"]),
        )
        if code != "total":
            own = self.weights.loc[code]
            text += t(
                "; weight {weight} of the whole ({local} among siblings, {origin})",
                weight=t.percent(own["weight"], 3),
                local=t.percent(own["local"], 3),
                origin=t(_ORIGINS[own["origin"]]),
            )
        below = self.framework.children(code)
        steps = [self._child(c) for c in below] if below else self._parts(code)
        return Step("node", text, _number(row["score"]), below=tuple(steps))

    def _child(self, code: str) -> Step:
        t = self.t
        row = self.scores.loc[code]
        text = t(
            "{code} {label}: score {score}, contributes {points}",
            code=code,
            label=self.framework.label(code, t.language),
            score=t.number(row["score"], 4),
            points=t.number(row["contribution"], 4),
        )
        return Step("child", text, _number(row["score"]))

    def _parts(self, code: str) -> list[Step]:
        t = self.t
        steps = []
        for part in self.framework.parts(code):
            leaf = self.leaves[
                (self.leaves["code"] == code) & (self.leaves["part"].fillna("") == (part.part or ""))
            ]
            norm = ", ".join(f"{k} = {v}" for k, v in part.params.items() if not isinstance(v, tuple | dict))
            if leaf.empty:
                text = t(
                    "part {part}, rule {rule} ({norm}): not scored at this level",
                    part=part.part,
                    rule=part.rule,
                    norm=norm,
                )
                steps.append(Step("part", text))
                continue
            row = leaf.iloc[0]
            text = t(
                "part {part}, rule {rule} ({norm}), share {share}: value {value} -> score {score} ({state})",
                part=part.part,
                rule=part.rule,
                norm=norm or MISSING,
                share=t.percent(part.share, 0),
                value=t.number(row["value"], 4),
                score=t.number(row["score"], 4),
                state=t(_STATES[row["state"]]),
            )
            mine = self.evidence[
                (self.evidence["code"] == code) & (self.evidence["part"].fillna("") == (part.part or ""))
            ]
            steps.append(
                Step(
                    "part",
                    text,
                    _number(row["score"]),
                    below=tuple(self._evidence(r, part) for _, r in mine.iterrows()),
                )
            )
        return steps

    def _evidence(self, row: pd.Series, part: Any) -> Step:
        t = self.t
        quotient = ""
        if pd.notna(row["denominator"]):
            quotient = f" = {t.number(row['numerator'], 4)} / {t.number(row['denominator'], 4)}"
        bits = [str(row[c]) for c in ("item", "stage", "method") if isinstance(row[c], str) and row[c]]
        text = t(
            "{what}: {value}{quotient} (n = {n})",
            what=" · ".join(bits) or t("evidence"),
            value=t.number(row["value"], 4),
            quotient=quotient,
            n=t.integer(row["n"]),
        )
        source = row["source"] if isinstance(row["source"], str) else ""
        residents = part.rule == "survey" and row["stage"] not in STAGES
        below = self._survey() if residents else (*self._values(row, part), *self._ledger(source))
        return Step("evidence", text, _number(row["value"]), source, tuple(below))

    def _survey(self) -> tuple[Step, ...]:
        """Where a survey number ends: files, rows, filter."""
        t, answers = self.t, self.period.answers
        here = answers[answers["district" if self.of == "district" else "unit"] == self.unit]
        files = sorted({str(s).partition("#")[0] for s in here["source"]})
        text = t(
            "{n} valid answers of {unit}; excluded by flag: {flags}",
            n=t.integer(len(here)),
            unit=self.unit,
            flags=t.listing(self.period.study.config.exclude_flags) or MISSING,
        )
        return (Step("value", text, float(len(here)), listing(files)),)

    def _values(self, row: pd.Series, part: Any) -> tuple[Step, ...]:
        """The measured values or ratings of a line of evidence."""
        t = self.t
        if row["stage"] in STAGES:
            ratings = self.period.ratings
            mine = ratings[(ratings["code"] == row["code"]) & (ratings["stage"] == row["stage"])]
            owner = mine["unit"].map(self.period.study.register.district_of)
            mine = mine[(mine["unit"] == self.unit) | (owner == self.unit)]
            return tuple(
                Step(
                    "value", f"{r.unit} · {r.rater}: {t.number(r.score, 2)}", _number(r.score), str(r.source)
                )
                for r in mine.itertuples()
            )
        metrics = self._metrics(row, part)
        if not metrics:
            return ()
        measures = self.period.measures
        mine = measures[measures["metric"].isin(metrics)]
        chain = {self.unit, self.period.study.register.district_of.get(self.unit, self.unit)}
        owner = mine["unit"].map(self.period.study.register.district_of)
        mine = mine[mine["unit"].isin(chain) | (owner == self.unit)]
        if part.type:
            kinds = self.period.units.set_index("unit")["type"]
            mine = mine[mine["unit"].map(kinds) == part.type]
        if isinstance(row["item"], str) and row["item"] in set(mine["item"].dropna()):
            mine = mine[mine["item"] == row["item"]]
        names = self.framework.metrics
        return tuple(
            Step(
                "value",
                f"{r.unit} {names[r.metric].zh if r.metric in names else r.metric} {r.as_of:%Y-%m-%d}: "
                f"{t.number(r.value, 2)}",
                _number(r.value),
                str(r.source),
            )
            for r in mine.itertuples()
        )

    def _metrics(self, row: pd.Series, part: Any) -> set[str]:
        known = self.framework.metrics
        named = [row["item"], part.metric, part.params.get("numerator"), part.params.get("denominator")]
        out: set[str] = set()
        for name in named:
            if isinstance(name, str) and name in known:
                metric = known[name]
                out |= {metric.numerator, metric.denominator} if metric.kind == "ratio" else {name}
        return out - {"", None}

    def _ledger(self, source: str) -> tuple[Step, ...]:
        """Ledger lines about the cells of a source."""
        if not source:
            return ()
        ledger = self.period.ledger
        steps = []
        for file, sheet, cells in _places(source):
            lines = ledger[(ledger["file"] == file) & (ledger["severity"] != "note")]
            if sheet:
                lines = lines[lines["sheet"].fillna("").isin(["", sheet])]
            for line in lines.itertuples():
                touched = str(line.first_cells or "") if isinstance(line.first_cells, str) else ""
                if any(_inside(c, cells) for c in re.findall(r"[A-Z]+\d+", touched)):
                    steps.append(
                        Step("ledger", f"{line.severity}: {line.message}", source=f"{file}#{sheet}!{touched}")
                    )
        return tuple(steps)


_STATES = {
    "scored": "scored",
    "failed": "norm not met",
    "missing": "missing",
    "not_applicable": "not applicable",
    "vetoed": "vetoed",
    "inherited": "inherited",
}
_ORIGINS = {
    "ahp": "expert judgement (group AHP)",
    "document": "printed in the document",
    "equal": "equal among siblings",
}


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


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
