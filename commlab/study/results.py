"""The city-wide results of a period: their names and columns, the contract between ``stage`` and the chapters.

================  ==================================================================================================
frame             columns
================  ==================================================================================================
weights           code, order, parent, level, label_zh, label_en, local, weight, origin
weight_experts    expert, node, n, lambda_max, ci, cr, consistent
delphi_items      round, code, mean, sd, cv, full_score_rate, keep
delphi_agreement  round, level, n, w, chi2, df, p_value
response_rates    unit, communities, issued, returned, valid, flag_*, rule
demographics      unit, variable, level, n, sample, weighted, population, rule, bound
satisfaction      level, unit, weighting (design, raked, all), item, statistic, estimate, se, ci_low, ci_high, df, n, n_effective, rule, bound
rake_cells        district, variable, cell, answers, population_share, raked
distribution      level, unit, item, answer, share (of the answers on the scale; "don't know" of all asked), rule, bound
change            level, unit, item, before, after, estimate, se, ci_low, ci_high, df, p_value, p_holm, rule
scale             measure (alpha, omega, split_half, kmo, bartlett, factors), value, low, high, df, p_value, n
scale_items       item, alpha_if_deleted, item_rest, msa, factor, loading
drivers           level, unit, item, importance, performance, satisfied and priority with their intervals, quadrant, n, r2, odds_ratio...
comparisons       variable (district, sex...), group, versus, mean, mean_versus, estimate, se, ci_low, ci_high, df, p_value, p_holm, n, n_versus
small_areas       unit (community), district, n, direct, se, modelled, low, high, source (direct, direct and model, model), rule
evidence          set (district, candidate) + the evidence contract
leaves            set, unit, code, part, value, score, state, source
scores            set, unit, code, score, state, coverage, weight, contribution, effective, nominal, full, leaf
ranks             set, unit, rank, rank_low, rank_median, rank_high, p_top, score, score_low, score_high, group
pairs             set, group, a, b (of one group, a leads on average), p_lead, apart
rank_drivers      unit (district), source (weights, sampling, ratings, how, missing), first, first_margin, total, total_margin, variance
explained         unit (district), code, effect (values, weights, coverage, membership, method, total, not_comparable; boundaries: the
                  earlier score is counted on today's units), change (points of the total since the period before)
problem_states    problem, unit, district, code, origin, responsible, found, due, closed, reopened, state, days_open
================  ==================================================================================================

Survey results hold only what the offices may see: ``rule`` says why a figure is blank (R1 to R5, see ``shown``), ``bound``
that an estimate is only a bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from commlab.tables import period_key

__all__ = ["PARTS", "RESULTS", "Clean", "Part", "period_end"]


@dataclass(frozen=True)
class Part:
    """A part of the city stage: the results that it gives, from which clean tables of the period and of the one before.

    What all parts rest on besides: study.yaml, register, framework, code, and which districts can be reported.
    """

    results: tuple[str, ...]
    tables: tuple[str, ...]
    before: tuple[str, ...] = ()


_SCORED = ("measures", "ratings", "judgments", "responses", "mutual")
PARTS = {
    "weights": Part(
        ("weights", "weight_experts", "delphi_items", "delphi_agreement"), ("judgments", "opinions")
    ),
    "survey": Part(
        (
            "response_rates",
            "demographics",
            "satisfaction",
            "rake_cells",
            "distribution",
            "change",
            "scale",
            "scale_items",
            "drivers",
            "comparisons",
            "small_areas",
        ),
        ("responses",),
        ("responses",),
    ),
    "scores": Part(
        ("evidence", "leaves", "scores", "ranks", "pairs", "rank_drivers", "explained"),
        _SCORED,
        before=_SCORED,
    ),
    "problems": Part(("problem_states",), ("problems",)),
}
"""A part whose tables have not changed is not computed again; it is given no other table than these."""

RESULTS = tuple(name for part in PARTS.values() for name in part.results)


@dataclass(frozen=True)
class Clean:
    """The clean tables of one period and the districts that can be reported.

    ``items`` maps survey item -> number of points on its scale; ``districts`` are those with nothing failed or
    outstanding, in register order.
    """

    period: str
    tables: Mapping[str, pd.DataFrame]
    districts: tuple[str, ...]
    items: Mapping[str, int]

    def __getitem__(self, table: str) -> pd.DataFrame:
        return self.tables[table]

    def only(self, *tables: str) -> Clean:
        """The same period with no other tables than these."""
        return replace(self, tables={t: self.tables[t] for t in tables})


def period_end(period: str) -> pd.Timestamp:
    """The last day of a period. ``period_end("2019Q3")`` is 30 September 2019."""
    year, month, _ = period_key(period)
    return pd.Timestamp(year, month, 1) + pd.offsets.MonthEnd(0)
