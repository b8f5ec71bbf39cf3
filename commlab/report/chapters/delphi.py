"""The appendix of Delphi rounds, in the layout that Chinese evaluation papers print."""

from __future__ import annotations

from collections.abc import Mapping

from commlab.report.chapters.base import Report
from commlab.report.finding import Bullets, Col, Section

__all__ = ["delphi_rounds"]

LIKE = {"mean": "number", "sd": "number", "cv": "number", "full_score_rate": "percent"}


def delphi_rounds(report: Report, issued: Mapping[int, int] | None = None) -> Section:
    """Response and authority, importance by round, agreement by level, thresholds, what is kept and what is not.

    Parameters
    ----------
    report : Report
    issued : mapping of round -> int, optional
        Questionnaires sent out; gives the response rate.
    """
    from commlab.weights import Delphi, delphi

    t, opinions = report.t, report.period.opinions
    title = t("Delphi rounds")
    if opinions.empty:
        return Section(title, 1, [t("No Delphi answers were given.")])
    sent = {int(r): int(n) for r, n in (issued or {}).items()} or None
    levels = {n.code: n.level for n in report.study.framework.nodes}
    known = levels if set(opinions["code"]) <= set(levels) else None
    done: Delphi = delphi(opinions, issued=sent, levels=known, min_experts=1)
    return Section(
        title,
        1,
        [
            _people(report, done),
            _importance(report, done),
            _agreement(report, done),
            *_screening(report, done),
            *_proposals(report, done),
        ],
    )


def _people(report: Report, done):
    """Who answered, and how well the experts know the matter."""
    t = report.t
    table = done.response.merge(done.authority.drop(columns="n"), on="round")
    last = table.iloc[-1]
    text = t(
        "{n} experts answered in the last round; the mean authority coefficient is {cr} (basis {ca}, familiarity {cs}).",
        n=t.integer(last["returned"]),
        cr=t.number(last["Cr"], 4),
        ca=t.number(last["Ca"], 4),
        cs=t.number(last["Cs"], 4),
    )
    columns = {
        "round": Col(t("Round"), "integer"),
        "issued": Col(t("Issued"), "integer"),
        "returned": Col(t("Returned"), "integer"),
        "rate": Col(t("Response rate"), "percent"),
        "Ca": Col("Ca", "number", digits=4),
        "Cs": Col("Cs", "number", digits=4),
        "Cr": Col("Cr", "number", digits=4),
    }
    if table["issued"].isna().all():
        columns = {c: col for c, col in columns.items() if c not in ("issued", "rate")}
    return report.finding(table, text, title=t("Response and authority of the experts"), columns=columns)


def _importance(report: Report, done):
    """Items x rounds: mean, sd, cv, full-score rate, and the last verdict."""
    t, items = report.t, done.items
    rounds, last = sorted(items["round"].unique()), int(items["round"].max())
    wide = items.pivot(index="code", columns="round", values=list(LIKE))
    wide.columns = [f"{a}_{b}" for a, b in wide.columns]
    order = report.study.framework.table.set_index("code")["order"]
    wide = wide.reset_index()
    wide["order"] = wide["code"].map(order)
    wide = wide.sort_values("order", kind="stable")
    wide["label"] = [f"{c} {_label(report, c)}" for c in wide["code"]]
    final = items[items["round"] == last].set_index("code")
    wide["verdict"] = wide["code"].map(final["verdict"]).map(_verdicts(report)).fillna(t("not asked"))
    labels = {"mean": t("Mean"), "sd": t("sd"), "cv": t("CV"), "full_score_rate": t("Full score")}
    columns: dict[str, Col] = {"label": Col(t("Indicator"), width=3)}
    for r in rounds:
        group = t("Round {n}", n=r)
        columns |= {
            f"{c}_{r}": Col(labels[c], kind, digits=1 if kind == "percent" else 2, group=group)
            for c, kind in LIKE.items()
        }
    columns["verdict"] = Col(t("Finding"), "label")
    text = t(
        "In round {n} {kept} of {all} standards pass the threshold method.",
        n=t.integer(last),
        kept=t.integer((final["verdict"] == "keep").sum()),
        all=t.integer(len(final)),
    )
    scales = set(done.full_score.values())
    notes = (
        [] if len(scales) < 2 else [t("The rounds use different scales; each full score is its own scale's.")]
    )
    return report.finding(
        wide, text, title=t("Importance of the standards by round"), columns=columns, notes=notes
    )


def _agreement(report: Report, done):
    """Kendall's W of each round and level."""
    t, table = report.t, done.agreement.copy()
    names = {
        1: t("primary indicators"),
        2: t("secondary indicators"),
        3: t("standards"),
        "all": t("all indicators"),
    }
    table["name"] = [names.get(level, str(level)) for level in table["level"]]
    final = table[table["round"] == table["round"].max()].iloc[0]
    text = t(
        "Kendall's W in round {n} is {w} (p {p}).",
        n=t.integer(final["round"]),
        w=t.number(final["w"], 3),
        p=t.p_value(final["p_value"]),
    )
    left = [f"{r.round}: {r.left_out}" for r in table.itertuples() if r.left_out]
    notes = (
        [
            t(
                "Experts who did not score every item of a level are left out of its W: {names}.",
                names=t.listing(left),
            )
        ]
        if left
        else []
    )
    columns = {
        "round": Col(t("Round"), "integer"),
        "name": Col(t("Level"), "label"),
        "raters": Col(t("Experts"), "integer"),
        "items": Col(t("Items"), "integer"),
        "w": Col("W", "number", digits=3),
        "chi2": Col("χ²", "number", digits=2),
        "df": Col(t("df"), "integer"),
        "p_value": Col("p", "p_value"),
    }
    return report.finding(table, text, title=t("Agreement of the experts"), columns=columns, notes=notes)


def _screening(report: Report, done) -> list:
    """The threshold method: its bounds, and the lists it gives after every round."""
    t, rounds = report.t, done.thresholds["round"].tolist()
    text = t(
        "An indicator misses a bound with a mean or full-score rate below it, or a CV above it; it is dropped when it "
        "misses all three, and reworded when it misses one or two."
    )
    bounds = report.finding(
        done.thresholds,
        text,
        title=t("Bounds of the threshold method"),
        columns={
            "round": Col(t("Round"), "integer"),
            "mean": Col(t("Mean, at least"), "number", digits=2),
            "full_score_rate": Col(t("Full score, at least"), "percent"),
            "cv": Col(t("CV, at most"), "number", digits=2),
        },
    )
    lines, before = [], None
    for r in rounds:
        lists = {verdict: _named(report, codes) for verdict, codes in done.lists(r).items()}
        line = t(
            "Round {n}: kept {kept}; to reword {reword}; dropped {drop}.",
            n=t.integer(r),
            kept=t.integer(len(done.lists(r)["keep"])),
            reword=lists["discuss"],
            drop=lists["drop"],
        )
        asked = done.items.loc[done.items["round"] == r, "code"].tolist()
        gone, new = (
            [c for c in a if c not in b] for a, b in ((before or [], asked), (asked, before or asked))
        )
        if gone or new:
            changed = t(
                "Not asked again: {gone}; new: {new}.", gone=_named(report, gone), new=_named(report, new)
            )
            line = report.join(line, changed)
        lines.append(line)
        before = asked
    return [bounds, Section(t("Kept, reworded and dropped"), 2, [Bullets(lines)])]


def _named(report: Report, codes: list[str]) -> str:
    return report.t.listing(codes) if codes else report.t("none")


def _proposals(report: Report, done) -> list:
    """What the experts wrote beside their scores, without their names, with what the statistics say of each item."""
    t, table = report.t, done.proposals
    if table.empty:
        return []
    numbers = done.items[["round", "code", "mean", "cv"]]
    table = table.merge(numbers, on=["round", "code"])
    table["label"] = [f"{c} {_label(report, c)}" for c in table["code"]]
    table["verdict"] = table["verdict"].map(_verdicts(report))
    last = table[table["round"] == table["round"].max()]
    text = t(
        "In round {n} the experts wrote {all} proposals on {items} standards.",
        n=t.integer(last["round"].iloc[0]),
        all=t.integer(len(last)),
        items=t.integer(last["code"].nunique()),
    )
    columns = {
        "round": Col(t("Round"), "integer"),
        "label": Col(t("Indicator"), width=2),
        "mean": Col(t("Mean"), "number", digits=2),
        "cv": Col(t("CV"), "number", digits=2),
        "verdict": Col(t("Finding"), "label"),
        "proposal": Col(t("Proposal"), width=3),
    }
    return [report.finding(table, text, title=t("Proposals of the experts"), columns=columns)]


def _verdicts(report: Report) -> dict[str, str]:
    t = report.t
    return {"keep": t("kept"), "discuss": t("to reword"), "drop": t("dropped")}


def _label(report: Report, code: str) -> str:
    known = set(report.study.framework.table["code"])
    return report.label(code) if code in known else ""
