"""Which choice drives a rank: variance by source, leaving indicators out, an audit of the index itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from commlab.errors import DataError
from commlab.framework import TOTAL, Framework
from commlab.scoring.aggregate import aggregate
from commlab.scoring.draws import Dirichlet, Model, prepared
from commlab.scoring.given import number, one_of, table, whole
from commlab.scoring.ranks import SAME, ranks

__all__ = ["audit", "leave_one_out", "sensitivity"]

OUTPUTS = ("score", "rank")
FACTORS = ("weights", "sampling", "ratings", "how", "missing")
"""What may drive a rank: the sources of error, and the rules that may differ."""
_STILL = 1e-24
"""Variance of an output that never moves."""
_BLOCK_CELLS = 2_000_000
"""Runs x units x leaves worked on at once."""


def sensitivity(
    evidence: pd.DataFrame,
    framework: Framework,
    *,
    weights: pd.DataFrame | Dirichlet | None = None,
    sampling: pd.DataFrame | pd.Series | str | None = "evidence",
    ratings: pd.DataFrame | pd.Series | str | None = "evidence",
    choices: Mapping[str, Sequence[str]] | None = None,
    of: str = "rank",
    draws: int = 1024,
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
        Base sample, rounded up to a power of two; the model runs (2 + number of sources drawn) times as often.
    seed : int

    Returns
    -------
    DataFrame
        unit, source (``weights sampling ratings how missing``), first, total (0 to 1 up to sampling error), first_margin,
        total_margin (half widths of their 95 % intervals), variance (of the output). A source that is not drawn
        has 0. A unit whose output never moves has missing indices.

    Notes
    -----
    A source is one input: all weights together, all survey errors together. Each has as many realisations as the base
    sample has rows, and one uniform number picks one of them; SALib takes the sample of these numbers (Sobol sequence,
    Saltelli's scheme) and estimates
    (1) S_i = mean f(B) (f(AB_i) - f(A)) / V  (2) T_i = mean (f(A) - f(AB_i))^2 / (2 V)
    Source: Saltelli et al. (2010) Computer Physics Communications 181: 259-270, estimators b and f; Iwanaga, Usher and
    Herman (2022) Socio-Environmental Systems Modelling 4: 18155 (SALib).
    """
    from SALib.analyze import sobol as analysis
    from SALib.sample import sobol as sampler
    from scipy.stats import rankdata

    one_of(of, "of", OUTPUTS)
    draws, seed = whole(draws, "draws", low=2), whole(seed, "seed")
    size = 1 << (draws - 1).bit_length()
    model = prepared(
        evidence, framework, weights=weights, sampling=sampling, ratings=ratings, choices=choices,
        draws=size, seed=seed,
    )  # fmt: skip
    ways = _ways(model, size)
    names = list(ways)
    first, total, margins = (np.zeros((len(model.units), len(FACTORS), k)) for k in (1, 1, 2))
    variance = np.zeros(len(model.units))
    if names:
        problem = {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}
        uniform = sampler.sample(problem, size, calc_second_order=False, seed=seed)
        values = _run(model, {name: (uniform[:, i] * ways[name]).astype(int) for i, name in enumerate(names)})
        if of == "rank":
            values = rankdata(-values.round(SAME), axis=1, method="min")
        step = len(names) + 2
        variance = np.vstack([values[::step], values[step - 1 :: step]]).var(axis=0)
        at = [FACTORS.index(name) for name in names]
        for u in np.flatnonzero(variance > _STILL):
            # its intervals would use numpy's global numbers for the seed 0
            found = analysis.analyze(problem, values[:, u], calc_second_order=False, seed=seed + 1)
            first[u, at, 0], total[u, at, 0] = found["S1"], found["ST"]
            margins[u, at] = np.column_stack([found["S1_conf"], found["ST_conf"]])
    out = pd.DataFrame(
        {
            "unit": np.repeat(model.units, len(FACTORS)),
            "source": np.tile(FACTORS, len(model.units)),
            "first": first.ravel(),
            "first_margin": margins[:, :, 0].ravel(),
            "total": total.ravel(),
            "total_margin": margins[:, :, 1].ravel(),
            "variance": np.repeat(variance, len(FACTORS)),
        }
    ).astype({"unit": "str", "source": "str"})
    indices = ["first", "first_margin", "total", "total_margin"]
    out[indices] = out[indices].mask(out["variance"] <= _STILL)
    return out


def _ways(model: Model, size: int) -> dict[str, int]:
    """Realisations of every source that is drawn."""
    rules = np.array(list(model.trees))
    kinds = {"how": len(set(rules[:, 0])), "missing": len(set(rules[:, 1]))}
    drawn = {"weights": bool(model.weight_source)} | {k: e.drawn for k, e in model.errors.items()}
    ways = {name: size if drawn.get(name) else kinds.get(name, 1) for name in FACTORS}
    return {name: k for name, k in ways.items() if k > 1}


def _run(model: Model, picked: Mapping[str, np.ndarray]) -> np.ndarray:
    """Total scores, runs x units: every run takes the realisations that are picked for it."""
    runs = len(next(iter(picked.values())))
    none = np.zeros(runs, dtype=int)
    errors = {k: e.drawn_at_once(len(model.weights)) for k, e in model.errors.items() if k in picked}
    hows, missings = (list(dict.fromkeys(rule[i] for rule in model.trees)) for i in (0, 1))
    out = np.empty((runs, len(model.units)))
    cells = len(model.units) * model.weights.shape[1]
    step = max(1, _BLOCK_CELLS // max(1, cells))
    for (how, missing), tree in model.trees.items():
        mine = (picked.get("how", none) == hows.index(how)) & (
            picked.get("missing", none) == missings.index(missing)
        )
        at = np.flatnonzero(mine)
        for start in range(0, len(at), step):
            rows = at[start : start + step]
            error = np.zeros((len(rows), *tree.share.shape), dtype=np.float32)
            for name, drawn in errors.items():
                error += drawn[picked[name][rows]]
            out[rows] = tree.moved_by(model.weights[picked.get("weights", none)[rows]], error)
    return out


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
        most; missing where none did), tau (Kendall's tau-b with the ranks as published).
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
        most = shift.idxmax() if shift.max() > 0 else None
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
    again = table(nodes, "the scores", ("unit", "code", "score", "contribution")).duplicated(["unit", "code"])
    if again.any():
        raise DataError(f"{nodes.loc[again, 'unit'].iloc[0]} has one node more than once")
    number(limit, "limit")
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
