"""The way back of a score: node -> parts -> evidence -> values and ratings, with weights, comparisons and ledger lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from commlab.errors import ParameterError
from commlab.framework import TOTAL, Part
from commlab.framework.entries import FULL
from commlab.scoring import ranks as ranked
from commlab.scoring.sources import join_sources
from commlab.study.moves import moves, not_apart
from commlab.study.trace import Step, canonical
from commlab.study.trace_cells import Cells, number
from commlab.text import MISSING, Text

if TYPE_CHECKING:
    from commlab.study.period import Period

__all__ = ["score_step"]


def score_step(period: Period, unit: str, code: str) -> tuple[str, Step, tuple[Step, ...]]:
    """The unit's canonical name, the way of its score of one node, and what it is told with."""
    unit, candidates = canonical(period, unit), period.scores("candidate")
    of = "candidate" if len(candidates) and unit in set(candidates["unit"]) else "district"
    if of == "district" and unit not in period.study.register.districts:
        raise ParameterError(
            f"{unit} has no score of its own in {period.name}: scored are districts and candidate communities; what it reported"
            " is traced by metric or survey item"
        )
    unit = period.district(unit) if of == "district" else unit
    scores = period.scores(of)
    mine = scores[scores["unit"] == unit].set_index("code")
    if code not in mine.index:
        raise ParameterError(f"{unit} has no score for {code} in {period.name}")
    teller = _Teller(period, unit, of, mine)
    return unit, teller.node(code), teller.beside(code)


class _Teller:
    def __init__(self, period: Period, unit: str, of: str, scores: pd.DataFrame) -> None:
        self.period, self.unit, self.of, self.scores = period, unit, of, scores
        self.framework = period.study.framework
        self.t = Text(period.study.config.language)
        self.weights = period.indicator_weights().set_index("code")
        self.cells = Cells(period, unit)
        rows = period.result("evidence")
        rows = rows[(rows["set"] == of) & (rows["unit"] == unit)]
        self.evidence: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for row in rows.to_dict("records"):
            self.evidence.setdefault((row["code"], row["part"]), []).append(row)
        leaves = period.leaf_scores(of)
        leaves = leaves[leaves["unit"] == unit].to_dict("records")
        self.leaves = {(row["code"], row["part"]): row for row in leaves}

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
        return Step("node", text, number(row["score"]), below=self._below(code))

    def _below(self, code: str) -> tuple[Step, ...]:
        inner = self.framework.children(code)
        return tuple(self._child(c) for c in inner) if inner else tuple(self._parts(code))

    def beside(self, code: str) -> tuple[Step, ...]:
        """What a score is told with."""
        return (*self._compared(code), *self._weight(code))

    def _compared(self, code: str) -> list[Step]:
        """Coverage, contribution, and the mean, rank and interval among those it is compared with."""
        t, row = self.t, self.scores.loc[code]
        lines = self._evidence_below(code)
        steps = [
            Step(
                "compare",
                t("coverage: {share} of the applicable weight", share=t.percent(row["coverage"])),
                number(row["coverage"]),
            ),
            Step(
                "compare",
                t("contributes {points} points to the total", points=t.number(row["contribution"], 4)),
                number(row["contribution"]),
            ),
            Step("compare", t("{n} lines of evidence", n=t.integer(lines)), float(lines)),
        ]
        full, whole = self.framework.full(code), self.framework.full(TOTAL)
        if whole != FULL or any(n.points is not None for n in self.framework.nodes):
            steps.append(Step("compare", t("full marks {n}", n=f"{full:g}"), full))
        if code != "total":
            if abs(row["weight"] - self.weights.loc[code, "weight"]) > _ROUNDING:
                share = t.percent(row["weight"], 3)
                steps.append(
                    Step(
                        "weight", t("weighs {share} of what applies here", share=share), number(row["weight"])
                    )
                )
            lost = row["weight"] * (1 - row["score"] / full) * whole
            steps.append(
                Step(
                    "compare", t("loses {points} points of the total", points=t.number(lost, 4)), number(lost)
                )
            )
        standing = self.period.ranks(self.of).set_index("unit")
        if code == "total" and self.unit in standing.index:
            ranks = standing.loc[self.unit]
            steps += [
                Step(
                    "compare",
                    t(
                        "rank {rank}, between {low} and {high} in the joint draws",
                        rank=t.integer(ranks["rank"]),
                        low=t.integer(ranks["rank_low"]),
                        high=t.integer(ranks["rank_high"]),
                    ),
                    number(ranks["rank"]),
                    below=tuple(
                        Step("estimate", f"{c} = {t.number(ranks[c], 4)}", number(ranks[c])) for c in _DRAWN
                    ),
                )
            ]
            alike = not_apart(self.period.result("pairs"), self.of, self.unit)
            told = t("cannot be told apart from {names}", names=t.listing(alike.index))
            steps += [Step("compare", told, number(len(alike)))] if len(alike) else []
        if self.of == "district":
            peers = self.period.scores("district")
            peers = peers[peers["code"] == code].set_index("unit")["score"]
            if self.unit in standing.index:  # compared with their own group only
                peers = peers[standing["group"].reindex(peers.index) == standing.at[self.unit, "group"]]
            mean, place = peers.mean(), ranked(peers).get(self.unit)
            others = tuple(Step("child", f"{u}: {t.number(v, 4)}", number(v)) for u, v in peers.items())
            steps += [
                *self._moved(code),
                Step(
                    "compare",
                    t(
                        "mean over {n} districts: {mean}",
                        n=t.integer(peers.notna().sum()),
                        mean=t.number(mean, 4),
                    ),
                    number(mean),
                    below=others,
                ),
                Step(
                    "compare",
                    t("{points} above the mean", points=t.signed(row["score"] - mean, 4)),
                    number(row["score"] - mean),
                ),
                Step("compare", t("rank {rank} among the districts", rank=t.integer(place)), number(place)),
            ]
        return steps

    def _moved(self, code: str) -> list[Step]:
        """What the score did to the change of the total since the period before; of the total, its steps."""
        t, before = self.t, self.period.previous
        mine = self.period.explained()
        mine = mine[(mine["unit"] == self.unit) & (mine["code"] == code) & mine["change"].notna()]
        if before is None or mine.empty:
            return []
        if code == TOTAL:
            whole, parts = mine.loc[mine["effect"] == TOTAL, "change"].sum(), mine[mine["effect"] != TOTAL]
            steps = moves(self.period.explained(), self.unit)
            parts = pd.concat([parts.assign(code=""), steps[steps["code"] == TOTAL].assign(code="…")])
            parts = pd.concat([parts, steps[steps["code"] != TOTAL]])
        else:
            whole, parts = mine["change"].sum(), mine.assign(code="")
        text = t(
            "moved the total by {points} points since {before}",
            points=t.signed(whole, 4),
            before=t.period(before.name),
        )
        below = tuple(
            Step(
                "estimate",
                f"{r.code} {t(_EFFECTS.get(r.effect, r.effect))} {t.signed(r.change, 4)}".strip(),
                number(r.change),
            )
            for r in parts.itertuples()
        )
        return [Step("compare", text, number(whole), below=below)]

    def _evidence_below(self, code: str) -> int:
        inside = set(self.framework.leaves_of(None if code == "total" else code))
        return sum(len(rows) for (leaf, _), rows in self.evidence.items() if leaf in inside)

    def _weight(self, code: str) -> list[Step]:
        """The weight in the whole as a product down the tree, and the experts' comparisons it rests on."""
        if code == "total":
            return []
        t, own = self.t, self.weights.loc[code]
        parent = own["parent"] if isinstance(own["parent"], str) else "total"
        below: list[Step] = [
            Step(
                "weight",
                t("weight among siblings {share}", share=t.percent(own["local"], 3)),
                number(own["local"]),
            )
        ]
        if parent != "total":
            share = self.weights.loc[parent, "weight"]
            below.append(
                Step(
                    "weight",
                    t("weight of {code} {share}", code=parent, share=t.percent(share, 3)),
                    number(share),
                )
            )
        if own["origin"] == "ahp":
            judged = self.period.judgments
            judged = judged[judged["node"] == parent]
            below += [
                Step("value", f"{expert} · {parent}", float(len(rows)), join_sources(rows["source"]))
                for expert, rows in judged.groupby("expert", sort=True)
            ]
        elif own["origin"] == "document":
            below.append(
                Step(
                    "value",
                    t("printed in the document"),
                    source=str(self.framework.source.get("document", "")),
                )
            )
        text = t(
            "weight in the whole {share} ({origin})",
            share=t.percent(own["weight"], 3),
            origin=t(_ORIGINS[own["origin"]]),
        )
        return [Step("weight", text, number(own["weight"]), below=tuple(below))]

    def _line(self, part: Part) -> str:
        """Where the rule is written, if it stands in a file of the study."""
        name = self.period.study.config.framework
        return f"{name}#!{part.line}:{part.line}" if (self.period.study.root / name).is_file() else ""

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
        return Step("child", text, number(row["score"]), below=self._below(code))

    def _parts(self, code: str) -> list[Step]:
        t = self.t
        steps = []
        for part in self.framework.parts(code):
            share = Step(
                "weight", t("share in the standard {share}", share=t.percent(part.share, 2)), part.share
            )
            rule, norm = t(_RULES[part.rule]), told_norm(part, self.cells.label, t)
            named = (part.zh if t.language == "zh" else part.en) or part.part.replace("main", "1")
            row = self.leaves.get((code, part.part))
            if row is None:
                text = t(
                    "part {part}, rule {rule} ({norm}): not scored at this level",
                    part=named,
                    rule=rule,
                    norm=norm or MISSING,
                )
                steps.append(Step("part", text, source=self._line(part), below=(share,)))
                continue
            text = t(
                "part {part}, rule {rule} ({norm}), share {share}: value {value} -> score {score} ({state})",
                part=named,
                rule=rule,
                norm=norm or MISSING,
                share=t.percent(part.share, 0),
                value=t.number(row["value"], 4),
                score=t.number(row["score"], 4),
                state=t(_STATES[row["state"]]),
            )
            text += "; " + (
                t("norm printed in {article}", article=part.article or code)
                if part.official
                else t("rule of this study")
            )
            mine = self.evidence.get((code, part.part), [])
            steps.append(
                Step(
                    "part",
                    text,
                    number(row["score"]),
                    self._line(part),
                    below=(share, *(self.cells.evidence(r, part) for r in mine)),
                )
            )
        return steps


def told_norm(part: Part, label: Callable[[str], str], t: Text) -> str:
    """What a part asks for, in words: metric, relation and target as printed, and how it is graded."""
    p = part.params
    what = label(str(part.metric)) if part.metric else ""
    bits: list[str] = []
    if part.rule == "growth":
        bits = [t("growth a year of {what} {norm}", what=what, norm=f"≥ {p['target']}")]
    elif part.rule == "range":
        bits = [f"{p['low']} ≤ {what} ≤ {p['high']}"]
    elif part.rule in ("threshold", "rate", "checklist") and part.op is not None:
        if part.rule == "rate":
            what = f"{label(p['numerator'])} / {label(p['denominator'])}"
        elif part.rule == "checklist":
            what = t.listing(label(str(i)) for i in part.items) or what
        norm = f"{_SIGNS.get(part.op, part.op)} {part.target}"
        mean = p.get("statistic") == "mean"
        bits = [t("mean of {what} {norm}", what=what, norm=norm) if mean else f"{what} {norm}"]
    elif part.rule == "bands":
        bits = [what, *(_band(b) for b in p["bands"])]
    elif part.rule == "deduction":
        bits = [t("full marks {n}", n=f"{part.full:g}")]
        bits += [f"{i.get('zh') or i['item']} −{'100%' if i.get('all') else i['per']}" for i in part.items]
    elif part.rule == "survey":
        asked = {"all": t("of all who were asked"), "substantive": t("of those with an opinion")}
        bits = [f"{t.listing(str(i) for i in part.items)} ({p.get('statistic', 'index')})"]
        bits += [asked[p["denominator"]]] if "denominator" in p else []
        bits += [t("at least {n} answers", n=p["min_n"])] if "min_n" in p else []
    else:
        bits = [what, *(t.listing(label(str(i)) for i in part.items) for _ in part.items[:1])]
    bits += [f"{k} {p[k]}" for k in ("per", "cap", "of", "floor", "periods") if k in p]
    bits += [t("in proportion below it")] if part.graded else []
    return "; ".join(b for b in bits if b)


def _band(band: Mapping[str, Any]) -> str:
    low, high = (str(band[k]) if k in band else "" for k in ("low", "high"))
    left = "[" if low and band.get("closed", "left") in ("left", "both") else "("
    right = "]" if high and band.get("closed", "left") in ("right", "both") else ")"
    return f"{left}{low}, {high}{right} → {band['score']}"


_ROUNDING = 1e-9
_SIGNS = {">=": "≥", "<=": "≤", "==": "="}
_RULES = {
    "judged": "expert judgement",
    "threshold": "threshold",
    "range": "range",
    "growth": "growth",
    "rate": "rate",
    "yes_no": "yes or no",
    "checklist": "checklist",
    "count": "expert judgement with a count as evidence",
    "deduction": "deduction",
    "bonus": "bonus",
    "bands": "bands",
    "survey": "survey index",
    "veto": "veto",
}
_EFFECTS = {
    "values": "Values",
    "weights": "Weights",
    "coverage": "What could be measured",
    "membership": "What applies",
    "method": "Rules",
    "boundaries": "Units that changed",
}
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


_DRAWN = ("score_low", "score_high", "rank_low", "rank_median", "rank_high", "p_top")
