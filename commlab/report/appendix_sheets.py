"""The sheets of ``appendix.xlsx`` as data: their names, what they hold, and every column that they print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commlab.report.finding import Col

if TYPE_CHECKING:
    from commlab.text import Text

__all__ = ["SHEETS", "columns", "names"]


def names(t: Text) -> dict[str, tuple[str, str, str]]:
    """Sheet -> what stands on the tab, above the table and on the cover."""
    return {
        "overview": (
            t("Overview"),
            t("Districts: score, rank and satisfaction"),
            t("The figures of the index page, unrounded; * is withheld, because few answered."),
        ),
        "scores": (
            t("Scores"),
            t("Scores of all indicators"),
            t("Weight, score, city mean, rank and coverage of every indicator."),
        ),
        "tree": (
            t("Calculation"),
            t("From standards to the total"),
            t(
                "Live formulas: weighted means from the standards up to the total; other scores or weights move it."
            ),
        ),
        "parts": (
            t("Scoring by rule"),
            t("What every value earns by its rule"),
            t("Live formulas: from the value of each part to its points; an empty value can be filled in."),
        ),
        "evidence": (
            t("Evidence"),
            t("Evidence behind every score"),
            t("What each score rests on, with file, sheet and cells; * is withheld, because few answered."),
        ),
        "raw": (
            t("Raw values"),
            t("Values of the communities behind the norms"),
            t("As reported, communities of one type together; the evidence adds them up."),
        ),
        "weights": (
            t("Weights"),
            t("Weights of all indicators"),
            t("Weight among siblings, weight in the whole, and where it comes from."),
        ),
        "satisfaction": (
            t("Satisfaction"),
            t("Satisfaction per item"),
            t(
                "Every statistic of every item with standard error and interval, under three weightings; * is withheld, because few answered; ≤ and ≥ are bounds."
            ),
        ),
        "change": (
            t("Change"),
            t("Change of the index per item"),
            t(
                "Index before and now, change, interval, p value before and after Holm's adjustment; * is withheld, because few answered."
            ),
        ),
        "candidates": (
            t("Candidates"),
            t("Candidates, scores and chances under the quota"),
            t(
                "Score, interval and rank of every candidate community, and its scores by secondary indicator."
            ),
        ),
        "ledger": (
            t("Ledger"),
            t("Cleaning by file and rule"),
            t("What was recognised, changed, rejected or flagged in each file behind this report."),
        ),
        "dictionary": (
            t("Dictionary"),
            t("Indicator dictionary"),
            t("Rule, norm, level and method of every part of every standard."),
        ),
        "denominators": (
            t("Denominators"),
            t("Numerators and denominators"),
            t("What every quotient of the evidence is divided by."),
        ),
    }


def _four(label: str) -> Col:
    return Col(label, "number", digits=4)


def columns(t: Text) -> dict[str, Col]:
    """Every column that a sheet may print."""
    return {
        "unit": Col(t("Unit")),
        "district": Col(t("District")),
        "group": Col(t("District")),
        "name": Col(t("Community"), width=2),
        "type_label": Col(t("Type")),
        "code": Col(t("Code")),
        "label": Col(t("Indicator"), width=3),
        "standard": Col(t("Standard"), width=3),
        "part_label": Col(t("Part"), "label"),
        "what": Col(t("Figure"), "label", width=2),
        "stage_label": Col(t("Stage"), "label"),
        "rule_label": Col(t("Rule"), "label"),
        "target": _four(t("Norm")),
        "score": _four(t("Score")),
        "score_low": _four(t("Lower (score)")),
        "score_high": _four(t("Upper (score)")),
        "city_mean": _four(t("City mean")),
        "difference": Col(t("Difference"), "signed", digits=4),
        "rank": Col(t("Rank"), "integer"),
        "district_rank": Col(t("District rank"), "integer"),
        "rank_low": Col(t("Best rank"), "integer"),
        "rank_high": Col(t("Worst rank"), "integer"),
        "p_top": Col(t("Chance of a place"), "percent", digits=1),
        "satisfied": Col(t("Satisfied"), "percent", digits=2),
        "satisfied_low": Col(t("Lower (satisfied)"), "percent", digits=2),
        "satisfied_high": Col(t("Upper (satisfied)"), "percent", digits=2),
        "answers": Col(t("Answers"), "integer"),
        "n_effective": Col(t("Effective answers"), "number", digits=1),
        "n": Col(t("n"), "integer"),
        "coverage": Col(t("Coverage"), "percent", digits=2),
        "state_label": Col(t("State")),
        "contribution": _four(t("Contribution")),
        "evidence": Col(t("Evidence"), "integer"),
        "method": Col(t("Method"), width=2),
        "weighting_label": Col(t("Choice")),
        "item_label": Col(t("Item"), width=2),
        "statistic_label": Col(t("Statistic")),
        "estimate": _four(t("Estimate")),
        "moved": Col(t("Change"), "signed", digits=4),
        "se": _four(t("Standard error")),
        "ci_low": _four(t("Lower")),
        "ci_high": _four(t("Upper")),
        "df": Col(t("df"), "number", digits=0),
        "before": _four(t("Before")),
        "after": _four(t("Now")),
        "p_value": Col("p", "p_value"),
        "p_holm": Col(t("p (Holm)"), "p_value"),
        "local": _four(t("Weight among siblings")),
        "weight": _four(t("Weight in the whole")),
        "origin_label": Col(t("Origin"), width=2),
        "used": _four(t("Weight that counts")),
        "share": Col(t("Share in the standard"), "percent", digits=2),
        "reached": _four(t("Share of full marks")),
        "term": _four(t("Term of the mean")),
        "full": Col(t("Full marks"), "number", digits=0),
        "bonus": _four(t("Bonus")),
        "effective": _four(t("Weight in the total")),
        "value": _four(t("Value as measured")),
        "numerator": Col(t("Numerator"), "number", digits=2),
        "denominator": Col(t("Denominator"), "number", digits=2),
        "quotient": _four(t("Quotient")),
        "result": Col(t("Result"), align="right"),
        "basis": Col(t("Basis"), width=1.5),
        "source": Col(t("Source"), width=5),
        "file": Col(t("File"), width=5),
        "action_label": Col(t("Action")),
        "severity_label": Col(t("Severity")),
        "rows": Col(t("Rows or cells"), "integer"),
    }


SHEETS: dict[str, tuple[str, ...]] = {
    "overview": (
        "district", "score", "score_low", "score_high", "rank", "rank_low", "rank_high",
        "satisfied", "satisfied_low", "satisfied_high", "answers", "coverage",
    ),
    "scores": (
        "code", "label", "weight", "city_mean", "score", "difference", "district_rank", "state_label", "coverage",
        "contribution", "evidence", "method",
    ),
    "tree": (
        "code", "label", "local", "reached", "used", "term", "full", "bonus", "score", "effective", "contribution",
    ),
    "parts": ("code", "label", "rule_label", "value", "target", "reached", "full", "score", "share", "used", "state_label"),
    "evidence": (
        "unit", "code", "standard", "part_label", "what", "stage_label", "value", "numerator", "denominator", "n", "se",
        "state_label", "source",
    ),
    "raw": ("name", "type_label"),
    "weights": ("code", "label", "local", "weight", "origin_label"),
    "satisfaction": (
        "weighting_label", "item_label", "statistic_label", "estimate", "se", "ci_low", "ci_high", "df", "answers", "n_effective",
    ),
    "change": ("item_label", "before", "after", "moved", "se", "ci_low", "ci_high", "df", "p_value", "p_holm"),
    "candidates": ("group", "name", "score", "score_low", "score_high", "rank", "rank_low", "rank_high", "p_top"),
    "ledger": ("file", "action_label", "severity_label", "rule_label", "rows"),
    "dictionary": (),
    "denominators": ("standard", "what", "numerator", "denominator", "quotient", "result", "basis"),
}  # fmt: skip
"""Sheet -> the columns that it prints, in order; those that its rows do not have are left out."""
