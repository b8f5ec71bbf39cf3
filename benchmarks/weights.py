"""Weights: what commlab costs beside the plain thing, timed in the same run (CPU seconds, best of several).

Run `python benchmarks/weights.py`. AHPy (`pip install ahpy`) is a peer for this file only; without it, its
line says so.

- Entropy and CRITIC weights of 120,000 units x 51 indicators, beside the formulas in plain numpy with no check at
  all: at most 1.5 times as long.
- Group AHP of 1,000 experts x 25 matrices, beside a loop over AHPy: at least 50 times as fast from every form that
  judgements come in: the table (every expert's consistency read too), a frame an expert, an array of all. AHPy is
  timed on a part and scaled up; it weighs each matrix, the group's mean is not even counted. Frames that all bring
  labels of their own are timed too: comparing 50,000 separate indexes is then most of the work.
"""

from __future__ import annotations

import importlib.util

import numpy as np
import pandas as pd
from seconds import best

from commlab.framework import Framework, Node
from commlab.weights import ahp_group, ahp_tree, bootstrap_weights, critic, entropy

UNITS, INDICATORS = 120_000, 51
EXPERTS, NODES, ITEMS, SEED = 1_000, 25, 5, 2018
PART = 400
"""Matrices that AHPy is timed on."""
MOST_TIMES_NUMPY, LEAST_TIMES_AHPY = 1.5, 50.0


def plain(scores: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Both formulas as one writes them down, with no check at all."""
    x = scores.to_numpy()
    p = x / x.sum(axis=0)
    spread = 1 + (p * np.log(p)).sum(axis=0) / np.log(len(x))
    low, high = x.min(axis=0), x.max(axis=0)
    r = (x - low) / (high - low)
    contrast = r.std(axis=0, ddof=1) * (1 - np.corrcoef(r, rowvar=False)).sum(axis=0)
    return spread / spread.sum(), contrast / contrast.sum()


def judgements() -> tuple[list[dict[str, pd.DataFrame]], pd.DataFrame, Framework]:
    """Noisy judgements on the 1-9 scale: matrices by node and expert; as a table; the framework."""
    rng = np.random.default_rng(SEED)
    steps = np.log(np.concatenate([1 / np.arange(9, 1, -1), np.arange(1, 10)]))
    nodes, groups, tables = [], [], []
    rows, columns = np.triu_indices(ITEMS, 1)
    for k in range(NODES):
        items = pd.Index([f"n{k:02d}.{i}" for i in range(ITEMS)])
        nodes.append(Node(f"n{k:02d}", None, k, 1, "主"))
        nodes += [Node(c, f"n{k:02d}", i, 2, "次") for i, c in enumerate(items)]
        level = rng.normal(0, 0.7, ITEMS)
        logs = level[rows] - level[columns] + rng.normal(0, 0.4, (EXPERTS, len(rows)))
        value = np.exp(steps[np.abs(logs[..., None] - steps).argmin(axis=-1)])
        a = np.ones((EXPERTS, ITEMS, ITEMS))
        a[:, rows, columns], a[:, columns, rows] = value, 1 / value
        groups.append({f"e{e:03d}": pd.DataFrame(a[e], index=items, columns=items) for e in range(EXPERTS)})
        tables.append(
            pd.DataFrame(
                {
                    "expert": np.repeat([f"e{e:03d}" for e in range(EXPERTS)], len(rows)),
                    "node": f"n{k:02d}",
                    "row": np.tile(items[rows], EXPERTS),
                    "column": np.tile(items[columns], EXPERTS),
                    "value": value.ravel(),
                }
            )
        )
    return (
        groups,
        pd.concat(tables, ignore_index=True),
        Framework("bench", {"zh": "测"}, {}, {}, tuple(nodes)),
    )


def with_ahpy(groups: list[dict[str, pd.DataFrame]], table: pd.DataFrame) -> tuple[float, float]:
    """Seconds of a loop over AHPy for all matrices, from frames and from the table, scaled up from a part."""
    import ahpy

    frames = [m for group in groups for m in group.values()][:PART]
    rows = table.iloc[: PART * ITEMS * (ITEMS - 1) // 2]

    def from_frames() -> None:
        for m in frames:
            names, a = list(m.columns), m.to_numpy()
            judged = {(names[i], names[j]): a[i, j] for i in range(ITEMS) for j in range(i + 1, ITEMS)}
            ahpy.Compare("node", judged, precision=6, random_index="saaty")

    def from_table() -> None:
        for (_, node), part in rows.groupby(["expert", "node"]):
            judged = dict(zip(zip(part["row"], part["column"], strict=True), part["value"], strict=True))
            ahpy.Compare(node, judged, precision=6, random_index="saaty")

    scale = EXPERTS * NODES / PART
    return best(from_frames, 3) * scale, best(from_table, 3) * scale


def judged(ratio: float, *, most: float | None = None, least: float | None = None) -> str:
    """A ratio beside its target."""
    if most is None and least is None:
        return f"{ratio:.2f}"
    held = (most is None or ratio <= most) and (least is None or ratio >= least)
    target = f"at most {most:g}" if most is not None else f"at least {least:g}"
    return f"{ratio:.2f} (target: {target}; {'held' if held else 'MISSED'})"


def main() -> None:
    rng = np.random.default_rng(SEED)
    scores = pd.DataFrame(rng.uniform(1, 100, (UNITS, INDICATORS))).add_prefix("x")
    ours, bare = best(lambda: (entropy(scores), critic(scores))), best(lambda: plain(scores))
    print(f"entropy + critic, {UNITS:,} x {INDICATORS}: {ours:.3f} s, plain numpy {bare:.3f} s")
    print(f"  times plain numpy: {judged(ours / bare, most=MOST_TIMES_NUMPY)}")

    groups, table, framework = judgements()
    frames = [list(g.values()) for g in groups]
    stacks = [np.stack([m.to_numpy() for m in part]) for part in frames]
    own = [
        {e: pd.DataFrame(m.to_numpy(), list(m.index), list(m.columns)) for e, m in g.items()} for g in groups
    ]
    forms = {
        "table": best(lambda: ahp_tree(table, framework).experts),
        "frames": best(lambda: [ahp_group(g) for g in groups]),
        "arrays": best(lambda: [ahp_group(a) for a in stacks]),
        "frames with labels of their own": best(lambda: [ahp_group(g) for g in own]),
    }
    print(f"group AHP, {EXPERTS:,} experts x {NODES} matrices of {ITEMS}, consistency of each included:")
    print("  " + ", ".join(f"{seconds:.3f} s from {what}" for what, seconds in forms.items()))
    if importlib.util.find_spec("ahpy"):
        from_frames, from_table = with_ahpy(groups, table)
        print(f"  a loop over AHPy: {from_table:.1f} s from the table, {from_frames:.1f} s from frames")
        for what, seconds in forms.items():
            peer = from_table if what == "table" else from_frames
            least = None if "own" in what else LEAST_TIMES_AHPY
            print(f"  times as fast, from {what}: {judged(peer / seconds, least=least)}")
    else:
        print("  AHPy is not installed: no comparison")
    holed = table[np.arange(len(table)) % (ITEMS * (ITEMS - 1) // 2) != 0]
    print(f"  with a judgement missing in every matrix: {best(lambda: ahp_tree(holed, framework), 2):.2f} s")
    done = ahp_tree(table, framework)
    draws = best(lambda: bootstrap_weights(done, framework, draws=1_000, seed=SEED), 3)
    print(f"1,000 resamples of the experts: {draws:.2f} s")


if __name__ == "__main__":
    main()
