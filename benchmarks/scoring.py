"""Scoring: what commlab costs beside the plain thing, timed in the same run (CPU seconds, best of several).

Run `python benchmarks/scoring.py`. pymcdm (`pip install pymcdm`) is a peer for this file only; without it, its line
says so. BLAS runs on one thread, so that seconds compare.

- Rank bands from 10,000 weight draws over 742 units x 54 leaves, beside matmul + argsort + percentiles in plain
  numpy, and beside a loop over pymcdm's weighted sum with validation off.
- All sources of error together (weights, joint sampling errors of the survey, raters; then rule choices too), beside
  the run with weights only.
- 120,000 units carried up the tree from a wide table, beside the same means in plain numpy; and from the long table of
  evidence to the long table of nodes, beside plain numpy that knows the order of the rows and skips every check.
- Memory of all sources at the peak: draws come in blocks.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import importlib.util
import tracemalloc

import numpy as np
import pandas as pd
from seconds import best

from commlab.framework import Framework, load_framework
from commlab.scoring import aggregate, aggregate_wide, rank_uncertainty, score

UNITS, DRAWS, MANY, SEED = 742, 10_000, 120_000, 20191231
BAND = [2.5, 50, 97.5]
PART = 200
"""Draws that pymcdm is timed on."""
SURVEY_SE, RATER_SE = 3.0, 2.5
"""Standard errors of survey and expert scores, in points."""


def main_rows(framework: Framework, units: int) -> pd.DataFrame:
    """Evidence with a main row for every unit and part, as ``collect`` gives it."""
    rng = np.random.default_rng(SEED)
    names = np.array([f"区{i % 18:02d}/社区{i:06d}" for i in range(units)], dtype=object)
    frames = []
    for code in framework.leaves:
        for part in framework.parts(code):
            target = float(part.target) if part.target is not None else 1.0
            high = {"threshold": 2 * target, "growth": 0.08, "checklist": 1.0, "yes_no": 1.0}.get(
                part.rule, 100.0
            )
            se = SURVEY_SE if part.rule == "survey" else RATER_SE if high == 100.0 else np.nan
            frames.append(
                pd.DataFrame(
                    {
                        "unit": names,
                        "code": code,
                        "part": part.part,
                        "role": "main",
                        "value": np.round(rng.uniform(0, high, units), 4),
                        "numerator": np.nan,
                        "denominator": np.nan,
                        "per": 1.0,
                        "statistic": "share_meeting" if part.rule == "yes_no" else None,
                        "se": se,
                        "state": "observed",
                        "source": "",
                    }
                )
            )
    out = pd.concat(frames, ignore_index=True)
    return out.astype({c: "str" for c in ("unit", "code", "part", "role", "state", "source", "statistic")})


def survey_covariance(evidence: pd.DataFrame, framework: Framework) -> pd.DataFrame:
    """Errors of the survey leaves that go together within a unit (correlation 0.5), independent between units."""
    codes = [c for c in framework.leaves if framework.parts(c)[0].rule == "survey"]
    units = evidence["unit"].unique()
    inside = SURVEY_SE**2 * (0.5 + 0.5 * np.eye(len(codes)))
    cells = pd.MultiIndex.from_product([units, codes], names=["unit", "code"])
    return pd.DataFrame(np.kron(np.eye(len(units)), inside), index=cells, columns=cells)


def plain_bands(weights: np.ndarray, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rank and score bands as one writes them down."""
    drawn = weights @ shares.T
    order = np.argsort(-drawn, axis=1)
    placed = np.empty_like(order)
    np.put_along_axis(placed, order, np.arange(1, drawn.shape[1] + 1)[None, :], axis=1)
    return np.percentile(placed, BAND, axis=0), np.percentile(drawn, BAND[::2], axis=0)


def pymcdm_bands(weights: np.ndarray, shares: np.ndarray) -> np.ndarray:
    from pymcdm.helpers import rrankdata
    from pymcdm.methods import WSM

    method, types, shares = (
        WSM(),
        np.ones(shares.shape[1]),
        np.maximum(shares, 1e-9),
    )  # it wants positive values
    placed = [rrankdata(method(shares, w, types, validation=False)) for w in weights]
    return np.percentile(placed, BAND, axis=0)


def plain_tree(points: np.ndarray, framework: Framework) -> dict[str, np.ndarray]:
    """Every mean of the tree on wide arrays, with no gap and no check."""
    columns = dict(zip(framework.leaves, points.T, strict=True))
    return _carried(columns, framework)


def _carried(columns: dict[str, np.ndarray], framework: Framework) -> dict[str, np.ndarray]:
    local = framework.local_weights
    for node in sorted((n for n in framework.nodes if not n.parts), key=lambda n: -n.level):
        columns[node.code] = sum(local[c] * columns[c] for c in framework.children(node.code))
    columns["total"] = sum(local[c] * columns[c] for c in framework.children(None))
    return columns


def plain_tree_with_gaps(points: np.ndarray, framework: Framework) -> dict[str, np.ndarray]:
    """The same where scores are missing: what was not measured hands its weight to its siblings."""
    columns = dict(zip(framework.leaves, points.T, strict=True))
    local = framework.local_weights
    branches = sorted(
        (n.code for n in framework.nodes if not n.parts), key=lambda c: -framework.node(c).level
    )
    for code in [*branches, "total"]:
        below = framework.children(code)
        x = np.column_stack([columns[c] for c in below])
        w = np.where(np.isnan(x), 0.0, local[list(below)].to_numpy())
        with np.errstate(invalid="ignore"):
            columns[code] = (np.nan_to_num(x) * w).sum(axis=1) / w.sum(axis=1)
    return columns


def plain_table(evidence: pd.DataFrame, framework: Framework) -> pd.DataFrame:
    """From the long table to one of nodes: rules and means on reshaped arrays, known order, no state, gap or check."""
    value = evidence["value"].to_numpy()
    units = evidence["unit"].iloc[:MANY].array
    columns: dict[str, np.ndarray] = {}
    k = 0
    for code in framework.leaves:
        total: np.ndarray = np.zeros(1)
        for part in framework.parts(code):
            x = value[k * MANY : (k + 1) * MANY]
            k += 1
            if part.rule in ("threshold", "growth"):
                goal = float(part.target)
                x = np.where(x >= goal, 1.0, np.clip(x / goal, 0, 1) if part.graded else 0.0)
            elif part.rule not in ("checklist", "yes_no"):
                x = x / 100
            total = total + part.share * x
        columns[code] = 100 * total
    scores = _carried(columns, framework)
    codes = ["total", *(n.code for n in framework.nodes)]
    weights = framework.local_weights
    share = {"total": 1.0}
    for node in framework.nodes:
        share[node.code] = weights[node.code] * share[node.parent or "total"]
    n, wide = len(codes), np.column_stack([scores[c] for c in codes])
    weight = np.tile([share[c] for c in codes], MANY)
    return pd.DataFrame(
        {
            "unit": units.take(np.repeat(np.arange(MANY), n)),
            "code": pd.array(codes, dtype="str").take(np.tile(np.arange(n), MANY)),
            "score": wide.ravel(),
            "state": pd.array(["scored"], dtype="str").take(np.zeros(MANY * n, dtype=int)),
            "coverage": np.ones(MANY * n),
            "weight": weight,
            "contribution": weight * wide.ravel(),
            "effective": weight,
            "leaf": np.tile([not framework.children(c) for c in codes], MANY),
        },
        copy=False,
    )


def told(what: str, seconds: float, against: float, target: str) -> None:
    print(f"{what}: {seconds:.2f} s, {seconds / against:.2f} times (target {target})")


def main() -> None:
    framework = load_framework("kunming_2018")
    evidence = main_rows(framework, UNITS)
    rng = np.random.default_rng(SEED)
    drawn = rng.dirichlet(np.full(len(framework.leaves), 40.0), DRAWS)
    weights = pd.DataFrame(drawn, columns=list(framework.leaves))
    leaves = aggregate(score(evidence, framework), framework)
    wide = leaves[leaves["leaf"]].pivot(index="unit", columns="code", values="score")
    shares = wide[list(framework.leaves)].to_numpy() / 100

    plain = best(lambda: plain_bands(drawn, shares))
    print(
        f"plain numpy: matmul + argsort + percentiles, {DRAWS:,} x {UNITS} x {shares.shape[1]}: {plain:.2f} s"
    )
    alone = best(
        lambda: rank_uncertainty(
            evidence, framework, weights=weights, sampling=None, ratings=None, draws=DRAWS
        )
    )
    told("rank_uncertainty, weights only", alone, plain, "at most 1.5 of plain numpy")
    if importlib.util.find_spec("pymcdm"):
        loop = best(lambda: pymcdm_bands(drawn[:PART], shares), 2) * DRAWS / PART
        print(f"a loop over pymcdm: {loop:.1f} s, {loop / alone:.0f} times ours (target at least 10)")
    else:
        print("pymcdm is not installed: no comparison")
    joint = survey_covariance(evidence, framework)
    sources = {"weights": weights, "sampling": joint, "draws": DRAWS, "seed": SEED}
    three = best(lambda: rank_uncertainty(evidence, framework, **sources), 2)
    told("  with sampling errors and raters", three, alone, "below 10 of weights only")
    choices = {"how": ["arithmetic", "geometric"], "missing": ["measured", "zero"]}
    four = best(lambda: rank_uncertainty(evidence, framework, choices=choices, **sources), 2)
    told("  and rule choices", four, alone, "below 10 of weights only")

    wide = pd.DataFrame(rng.uniform(20, 100, (MANY, len(framework.leaves))), columns=list(framework.leaves))
    bare = best(lambda: plain_tree(wide.to_numpy(), framework), 5)
    print(f"plain numpy: {MANY:,} units x {wide.shape[1]} leaves up the tree: {bare:.3f} s")
    told("aggregate_wide, checks included", best(lambda: aggregate_wide(wide, framework), 5), bare, "below 3")
    gaps = wide.mask(rng.uniform(size=wide.shape) < 0.02)
    bare = best(lambda: plain_tree_with_gaps(gaps.to_numpy(), framework), 3)
    told(
        "  with gaps, beside plain numpy with gaps",
        best(lambda: aggregate_wide(gaps, framework), 3),
        bare,
        "below 3",
    )
    many = main_rows(framework, MANY)
    # in turns: where memory is busy, both are slower for a while
    turns = [
        (
            best(lambda: plain_table(many, framework), 1),
            best(lambda: aggregate(score(many, framework), framework), 1),
        )
        for _ in range(6)
    ]
    bare, ours = map(min, zip(*turns, strict=True))
    print(
        f"plain numpy from the long table of {len(many):,} rows to one of nodes, no gap, no check: {bare:.2f} s"
    )
    told("score + aggregate", ours, bare, "below 3")

    tracemalloc.start()
    rank_uncertainty(evidence, framework, choices=choices, **sources)
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    size = UNITS * DRAWS * 8 / 2**20
    print(f"memory at the peak of all sources: {peak:.0f} MB (the drawn totals themselves: {size:.0f} MB)")


if __name__ == "__main__":
    main()
