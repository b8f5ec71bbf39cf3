"""Which units can be told apart: what the draws behind the rank intervals say of every pair."""

from __future__ import annotations

from commlab.report.chapters.base import Report
from commlab.report.chapters.candidates import LEAST_CHANCE, over_the_line
from commlab.report.finding import Col, Finding, Section
from commlab.study.moves import not_apart

__all__ = ["alike", "apart", "standing_beside"]


def alike(report: Report) -> dict[str, list[str]]:
    """District -> the others (of its group) that it cannot be told apart from, the highest rank first."""
    ranks = report.period.ranks("district").sort_values("rank", kind="stable")
    pairs, found = report.period.result("pairs"), {}
    for unit in ranks["unit"]:
        others = set(not_apart(pairs, "district", unit).index)
        found[unit] = [other for other in ranks["unit"] if other in others]
    return found


def standing_beside(report: Report) -> str:
    """The sentence on a district: which others it cannot be told apart from."""
    t, others = report.t, alike(report).get(str(report.unit), [])
    peers = len(report.peers) - 1
    if not report.uncertain or peers < 1:
        return ""
    if not others:
        return t("It can be told apart from each of them.")
    if len(others) == peers:
        return t("It cannot be told apart from any of the other {n}.", n=t.integer(peers))
    return t(
        "It cannot be told apart from {k} of the other {n}: {names}.",
        k=t.integer(len(others)),
        n=t.integer(peers),
        names=t.listing(others),
    )


def apart(report: Report) -> Section | None:
    """For every district those that it cannot be told apart from; of the candidates the pairs over a quota's line."""
    t = report.t
    title = t("What can be told apart")
    if not report.uncertain:
        return Section(title, 1, [t("No source of uncertainty is drawn: every difference of scores counts.")])
    blocks = [b for b in (_districts(report), _candidates(report)) if b is not None]
    return Section(title, 1, blocks) if blocks else None


def _districts(report: Report) -> Finding | None:
    t, others = report.t, alike(report)
    pairs = report.period.result("pairs").query("set == 'district'")
    if pairs.empty:
        return None
    ranks = report.period.ranks("district").sort_values(["group", "rank"], kind="stable")
    peers = ranks.groupby("group")["unit"].transform("size") - 1
    rows = ranks[["group", "unit", "score", "rank"]].assign(
        n=[len(others[u]) for u in ranks["unit"]],
        names=[_told(report, others[u], int(n)) for u, n in zip(ranks["unit"], peers, strict=True)],
    )
    unsure = int((~pairs["apart"]).sum())
    text = t(
        "{n} of {all} pairs of districts cannot be told apart: the interval of their difference ({level}) holds 0.",
        n=t.integer(unsure),
        all=t.integer(len(pairs)),
        level=t.percent(report.study.config.choices.confidence, 0),
    )
    columns = {
        "group": Col(t("Group")),
        "rank": Col(t("Rank"), "integer"),
        "unit": Col(t("District")),
        "score": Col(t("Score"), "number"),
        "n": Col(t("Not told apart"), "integer"),
        "names": Col(t("From which"), width=4),
    }
    if rows["group"].nunique() == 1:
        columns.pop("group")
    return report.finding(
        rows,
        text,
        title=t("Districts that cannot be told apart"),
        columns=columns,
        notes=[t("Pairs are looked at one by one; of many pairs some are told apart by chance.")],
    )


def _told(report: Report, names: list[str], peers: int) -> str:
    """Names of the others in a cell of the table."""
    t = report.t
    if not names:
        return t("none")
    return t("all others") if len(names) == peers else t.listing(names)


def _candidates(report: Report) -> Finding | str | None:
    t, rows = report.t, over_the_line(report)
    if rows.empty:
        return None
    names = report.study.register.units.set_index("unit")["name"]
    rows = rows.assign(inside=rows["inside"].map(names), outside=rows["outside"].map(names))
    close = rows[~rows["apart"]]
    if close.empty:
        message = (
            "All {n} pairs of a candidate inside its district's quota and one outside can be told apart."
        )
        return t(message, n=t.integer(len(rows)))
    return report.finding(
        close,
        t(
            "Of {all} pairs of a candidate inside its district's quota and one outside, {n} cannot be told apart; "
            "they lie in {districts} districts.",
            all=t.integer(len(rows)),
            n=t.integer(len(close)),
            districts=t.integer(close["group"].nunique()),
        ),
        title=t("Candidates on both sides of the line that cannot be told apart"),
        columns={
            "group": Col(t("District")),
            "inside": Col(t("Inside the quota by score")),
            "outside": Col(t("Outside")),
            "p_lead": Col(
                t("Share of draws in which the first leads"),
                lambda p: t.percent(min(max(p, LEAST_CHANCE), 1 - LEAST_CHANCE), 0),
                align="right",
            ),
        },
    )
