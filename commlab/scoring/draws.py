"""Drawn total scores: every draw re-scores all units with its own weights, errors and rules.

Each source of error has a stream of random numbers of its own. Matrices are draws x units: what is sorted and summed lies next to each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.framework import Framework
from commlab.scoring.aggregate import HOWS, total_scores
from commlab.scoring.errors import Errors
from commlab.scoring.given import number, whole
from commlab.scoring.leaves import MISSING, leaf_matrices, score
from commlab.scoring.totals import Totals

__all__ = ["SOURCES", "Dirichlet", "Draws", "Model", "draw_scores", "prepared"]

SOURCES = ("weights", "sampling", "ratings", "choices")
"""What can be drawn; each has its own stream."""
_BLOCK_CELLS = 100_000
"""Draws x units worked on at once: a leaf's errors stay in the processor's cache."""
_MOST_CELLS = 4_000_000
_DRAWS_A_PATTERN = 8


@dataclass(frozen=True)
class Dirichlet:
    """Weights drawn around the framework's own in every sibling group.

    ``concentration`` k: local weights ~ Dirichlet(k * n * w) for a group of n; a larger k keeps them closer
    (each weight's variance is w (1 - w) / (k n + 1)).
    """

    concentration: float


@dataclass(frozen=True)
class Draws:
    """Drawn total scores, draws x units, with the scores they vary around and the sources that were drawn."""

    units: tuple[str, ...]
    scores: np.ndarray
    base: pd.Series
    sources: tuple[str, ...]


def draw_scores(
    evidence: pd.DataFrame,
    framework: Framework,
    *,
    weights: pd.DataFrame | Dirichlet | None = None,
    sampling: pd.DataFrame | pd.Series | str | None = "evidence",
    ratings: pd.DataFrame | pd.Series | str | None = "evidence",
    choices: Mapping[str, Sequence[str]] | None = None,
    draws: int = 10_000,
    seed: int = 0,
) -> Draws:
    """Total scores of every draw; the arguments are those of ``rank_uncertainty``."""
    model = prepared(
        evidence, framework, weights=weights, sampling=sampling, ratings=ratings, choices=choices,
        draws=draws, seed=seed,
    )  # fmt: skip
    trees = list(model.trees.values())
    which = model.rng.integers(len(trees), size=draws)
    out = np.empty((draws, len(model.units)))
    # each pattern of gaps has weights of its own: the more there are, the more draws share the work on them
    least = _DRAWS_A_PATTERN * max(len(tree.patterns) for tree in trees)
    n = max(1, len(model.units))
    block = max(1, min(max(_BLOCK_CELLS // n, least), _MOST_CELLS // n))
    for start in range(0, draws, block):
        at = np.arange(start, min(start + block, draws))
        for k, tree in enumerate(trees):
            mine = at[which[at] == k]
            if len(mine):
                out[mine] = tree.totals(model.weights[mine], tree.noise(len(mine)))
    sources = [
        *model.weight_source,
        *(e.name for e in model.errors.values() if e.drawn),
        *(f"choice of {k}" for k, v in (choices or {}).items() if len(v) > 1),
    ]
    return Draws(model.units, out, model.base, tuple(sources))


@dataclass(frozen=True)
class Model:
    """What draws are made from: published totals, trees by rule (how, missing), errors by source, leaf weights."""

    units: tuple[str, ...]
    base: pd.Series
    trees: dict[tuple[str, str], Totals]
    errors: dict[str, Errors]
    weights: np.ndarray
    weight_source: list[str]
    rng: np.random.Generator


def prepared(
    evidence: pd.DataFrame,
    framework: Framework,
    *,
    weights: pd.DataFrame | Dirichlet | None,
    sampling: pd.DataFrame | pd.Series | str | None,
    ratings: pd.DataFrame | pd.Series | str | None,
    choices: Mapping[str, Sequence[str]] | None,
    draws: int,
    seed: int,
) -> Model:
    """The scores, errors, weights (one row a draw) and rules that ``draw_scores`` and ``sensitivity`` draw from."""
    draws, seed = whole(draws, "draws", low=1), whole(seed, "seed")
    rules = _choices(choices)
    parts = score(evidence, framework)
    made = {m: leaf_matrices(parts, framework, missing=m) for m in dict.fromkeys(m for _, m in rules)}
    leaves = made[rules[0][1]]
    published = total_scores(framework, leaves, how=rules[0][0])
    keep = np.flatnonzero(np.isfinite(published))
    units = tuple(leaves.units[int(i)] for i in keep)
    streams = _streams(seed)
    leaf_weights, weight_source = _leaf_weights(framework, weights, int(draws), streams["weights"])
    errors: dict[str, Errors] = {}
    if sampling is not None:
        name = "survey sampling error"
        errors["sampling"] = Errors(
            evidence, framework, units, sampling, ("survey",), name, streams["sampling"]
        )
    if ratings is not None:
        name = "disagreement of raters"
        errors["ratings"] = Errors(
            evidence, framework, units, ratings, ("judged", "count"), name, streams["ratings"]
        )
    trees = {(h, m): Totals(framework, made[m], keep, h, list(errors.values())) for h, m in rules}
    base = pd.Series(published[keep], index=pd.Index(units, name="unit"), name="score")
    return Model(units, base, trees, errors, leaf_weights, weight_source, streams["choices"])


def _streams(seed: int) -> dict[str, np.random.Generator]:
    """A stream of random numbers for each source."""
    own = np.random.SeedSequence(seed).spawn(2 * len(SOURCES))[::2]
    return {name: np.random.Generator(np.random.SFC64(one)) for name, one in zip(SOURCES, own, strict=True)}


def _choices(choices: Mapping[str, Sequence[str]] | None) -> list[tuple[str, str]]:
    if choices is not None and not isinstance(choices, Mapping):
        raise ParameterError(f"choices map how and missing to lists of words, not {type(choices).__name__}")
    single = [k for k, v in (choices or {}).items() if isinstance(v, str) or not isinstance(v, Sequence)]
    if single:
        raise ParameterError(f"choices: {listing(single)} need a list of words each")
    given = {"how": ["arithmetic"], "missing": ["measured"]} | {
        k: list(v) for k, v in (choices or {}).items()
    }
    known = {"how": HOWS, "missing": MISSING}
    for key, values in given.items():
        if key not in known:
            raise ParameterError(f"choices has {key!r}; known are {', '.join(known)}")
        wrong = [v for v in values if v not in known[key]]
        if wrong or not values:
            raise ParameterError(
                f"choices {key}: {listing(wrong) or 'nothing'}; known are {', '.join(known[key])}"
            )
    return list(product(given["how"], given["missing"]))


def _leaf_weights(
    framework: Framework, weights: pd.DataFrame | Dirichlet | None, draws: int, rng: np.random.Generator
) -> tuple[np.ndarray, list[str]]:
    """Global leaf weights of every draw, draws x leaves, each row summing to 1."""
    base = framework.global_weights()
    if weights is None:
        return np.broadcast_to(base.to_numpy(), (draws, len(base))), []
    if isinstance(weights, Dirichlet):
        if not number(weights.concentration, "the concentration") > 0:
            raise ParameterError(f"the concentration is {weights.concentration}; it must be above 0")
        return _dirichlet(framework, weights.concentration, draws, rng), [
            f"weights (Dirichlet {weights.concentration:g})"
        ]
    if not isinstance(weights, pd.DataFrame):
        raise ParameterError(
            f"weights are a frame of draws x leaves or Dirichlet(k), not {type(weights).__name__}"
        )
    codes = [framework.code(str(c)) for c in weights.columns]
    lacking = [c for c in framework.leaves if c not in codes]
    if lacking or len(codes) != len(framework.leaves):
        raise DataError(
            f"the weight draws have {len(codes)} columns, not one for each leaf; missing {listing(lacking)}"
        )
    table = weights.set_axis(codes, axis=1)[list(framework.leaves)].to_numpy(float)
    if not len(table):
        raise DataError("there are no weight draws")
    if not np.isfinite(table).all() or (table < 0).any() or (table.sum(axis=1) <= 0).any():
        raise DataError(
            "the weight draws hold negative or missing weights, or a draw whose weights are all 0"
        )
    rows = np.resize(np.arange(len(table)), draws)
    return (table / table.sum(axis=1, keepdims=True))[rows], ["weights"]


def _dirichlet(framework: Framework, k: float, draws: int, rng: np.random.Generator) -> np.ndarray:
    local = framework.local_weights
    reach: dict[str | None, np.ndarray] = {None: np.ones(draws)}
    for parent in [None, *(n.code for n in framework.nodes if framework.children(n.code))]:
        group = framework.children(parent)
        w = local[list(group)].to_numpy()
        drawn = np.zeros((draws, len(group)))
        open_ = w > 0
        drawn[:, open_] = rng.dirichlet(k * len(group) * w[open_], size=draws)
        for j, c in enumerate(group):
            reach[c] = reach[parent] * drawn[:, j]
    return np.column_stack([reach[c] for c in framework.leaves])
