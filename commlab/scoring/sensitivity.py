"""Which choice drives a rank: variance by source, leaving indicators out, an audit of the index itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError
from commlab.framework import TOTAL, Framework
from commlab.scoring.aggregate import aggregate
from commlab.scoring.draws import SOURCES, Dirichlet, draw_scores
from commlab.scoring.ranks import ranks

__all__ = ["audit", "leave_one_out", "pairs_apart", "sensitivity"]

OUTPUTS = ("score", "rank")


def sensitivity(
    evidence: pd.DataFrame,
    framework: Framework,
    *,
    weights: pd.DataFrame | Dirichlet | None = None,
    sampling: pd.DataFrame | pd.Series | str | None = "evidence",
    ratings: pd.DataFrame | pd.Series | str | None = "evidence",
    choices: Mapping[str, Sequence[str]] | None = None,
    of: str = "rank",
    draws: int = 4_000,
    seed: int = 0,
) -> pd.DataFrame:
    """First-order and total Sobol indices of every source of uncertainty, for every unit.

    Parameters
    ----------
    evidence, framework, weights, sampling, ratings, choices
        As for ``rank_uncertainty``.
    of : str
        ``rank`` (among all units) or ``score``.
    draws : int
        Base sample; the model runs (2 + number of sources) times as often.
    seed : int

    Returns
    -------
    DataFrame
        unit, source (``weights sampling ratings choices``), first, total (0 to 1 up to sampling error),
        variance (of the output). A source that is not drawn has 0. A unit whose output never moves has
        missing indices.

    Notes
    -----
    A source is one group of inputs: all weights together, all survey errors together. With f(A), f(B) from
    two independent streams and f(AB_i) from A with source i of B:
    (1) S_i = mean f(B) (f(AB_i) - f(A)) / V  (2) T_i = mean (f(A) - f(AB_i))^2 / (2 V)
    Source: Saltelli et al. (2010) Computer Physics Communications 181: 259-270, estimators b and f.
    """
    if of not in OUTPUTS:
        raise ParameterError(f"of is {of!r}; it must be rank or score")

    def run(again: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
        drawn = draw_scores(
            evidence,
            framework,
            weights=weights,
            sampling=sampling,
            ratings=ratings,
            choices=choices,
            draws=draws,
            seed=seed,
            again=again,
            aligned=True,
        )
        values = drawn.scores
        if of == "rank":
            values = pd.DataFrame(values).rank(axis=1, ascending=False, method="min").to_numpy()
        return drawn.units, values

    units, a = run(())
    _, b = run(SOURCES)
    both = np.vstack([a, b])
    variance = both.var(axis=0)
    centre = both.mean(axis=0)
    rows = []
    for source in SOURCES:
        _, mixed = run((source,))
        with np.errstate(invalid="ignore", divide="ignore"):
            first = ((b - centre) * (mixed - a)).mean(axis=0) / variance
            total = ((a - mixed) ** 2).mean(axis=0) / (2 * variance)
        rows += list(zip(units, [source] * len(units), first, total, variance, strict=True))
    out = pd.DataFrame(rows, columns=["unit", "source", "first", "total", "variance"])
    still = out["variance"] <= 1e-24
    return out.mask(pd.DataFrame({c: still & (c in ("first", "total")) for c in out}))


def leave_one_out(
    scores: pd.DataFrame, framework: Framework, *, how: str | Mapping[str, str] = "arithmetic"
) -> pd.DataFrame:
    """What happens to the ranks when one standard is left out.

    Parameters
    ----------
    scores : DataFrame
        As ``score`` gives them.

    Returns
    -------
    DataFrame
        code, weight (global), shift_mean, shift_max (absolute change of rank over units), unit (that moved
        most), tau (Kendall's tau-b with the ranks as published).
    """
    from scipy import stats

    def ranked(parts: pd.DataFrame) -> pd.Series:
        nodes = aggregate(parts, framework, how=how)
        return ranks(nodes[nodes["code"] == TOTAL]).dropna()

    base = ranked(scores)
    weights = framework.global_weights()
    rows = []
    for code in framework.leaves:
        without = scores.assign(state=scores["state"].mask(scores["code"] == code, "not_applicable"))
        without["score"] = without["score"].mask(without["code"] == code)
        other = ranked(without).reindex(base.index)
        shift = (other - base).abs()
        known = other.notna()
        tau = stats.kendalltau(base[known], other[known]).statistic if known.sum() > 1 else np.nan
        most = shift.idxmax() if shift.notna().any() else None
        rows.append((code, weights[code], shift.mean(), shift.max(), most, tau))
    return pd.DataFrame(rows, columns=["code", "weight", "shift_mean", "shift_max", "unit", "tau"])


def audit(nodes: pd.DataFrame, framework: Framework, *, limit: float = 0.9) -> pd.DataFrame:
    """How much each standard really weighs in the spread of the totals, and which say the same.

    Parameters
    ----------
    nodes : DataFrame
        As ``aggregate`` gives them.
    limit : float
        Correlation from which two standards of one secondary indicator count as redundant.

    Returns
    -------
    DataFrame
        code, weight (nominal), effective (weight * cov(leaf, total) / var(total), summing to 1 where all is
        measured), correlation with the total, n (units), redundant_with (the sibling with the highest
        correlation above the limit).

    Notes
    -----
    (1) total = sum w x  =>  var(total) = sum_j w_j cov(x_j, total): an exact split of the variance.
    """
    wide = nodes.pivot(index="unit", columns="code", values="score")
    added = nodes.pivot(index="unit", columns="code", values="contribution")
    if TOTAL not in wide:
        raise DataError("the audit needs the total of every unit")
    total = wide[TOTAL]
    spread = float(total.var(ddof=1)) if total.notna().sum() > 1 else 0.0
    weights = framework.global_weights()
    rows = []
    for code in framework.leaves:
        x = wide[code].astype(float)
        both = x.notna() & total.notna()
        varies = both.sum() > 2 and x[both].std() > 0 and total[both].std() > 0
        r = float(np.corrcoef(x[both], total[both])[0, 1]) if varies else np.nan
        share = float(added[code].cov(total)) / spread if spread > 0 else np.nan
        rows.append(
            (code, weights[code], share, r, int(both.sum()), _redundant(code, wide, framework, limit))
        )
    return pd.DataFrame(rows, columns=["code", "weight", "effective", "correlation", "n", "redundant_with"])


def _redundant(code: str, wide: pd.DataFrame, framework: Framework, limit: float) -> str | None:
    siblings = [c for c in framework.children(framework.node(code).parent) if c != code and c in wide]
    found: dict[str, float] = {}
    for other in siblings:
        both = wide[[code, other]].dropna()
        if len(both) > 2 and (both.std() > 0).all():
            found[other] = float(np.corrcoef(both.to_numpy(float).T)[0, 1])
    best = max(found, key=lambda c: found[c], default=None)
    return best if best is not None and found[best] >= limit else None


def pairs_apart(scores: np.ndarray, units: Sequence[str], *, confidence: float = 0.95) -> pd.DataFrame:
    """Which pairs of units can be told apart, from their joint draws.

    Parameters
    ----------
    scores : ndarray, shape (n_draws, n_units)
        As ``draw_scores`` gives them.
    units : sequence of str
    confidence : float
        A pair is apart if one of them leads in at least this share of the draws.

    Returns
    -------
    DataFrame
        a, b (a leads on average), p_lead (share of draws in which a is ahead, ties counted half), apart.
    """
    if scores.ndim != 2 or scores.shape[1] != len(units):
        raise ParameterError(f"scores are draws x {len(units)} units, not of shape {scores.shape}")
    order = np.argsort(-scores.mean(axis=0), kind="stable")
    rows = []
    for i, a in enumerate(order):
        ahead = scores[:, [a]] - scores[:, order[i + 1 :]]
        p = (ahead > 0).mean(axis=0) + (ahead == 0).mean(axis=0) / 2
        rows += [
            (units[a], units[b], float(q), bool(q >= confidence))
            for b, q in zip(order[i + 1 :], p, strict=True)
        ]
    return pd.DataFrame(rows, columns=["a", "b", "p_lead", "apart"])
