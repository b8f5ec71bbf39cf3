"""Survey engine: time and memory at a million answers, each beside the plain thing it is measured by.

Run `python benchmarks/survey.py [rows]`; both sides of a ratio are timed in the same run, best of three.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from commlab.survey import SurveyDesign, satisfaction, stream_means

DISTRICTS, COMMUNITIES, ITEMS, SEED = 18, 742, 20, 2019


def sample(rows: int) -> pd.DataFrame:
    """Answers of ``rows`` residents: 18 strata, 742 communities, 20 five-point items."""
    rng = np.random.default_rng(SEED)
    community = rng.integers(0, COMMUNITIES, rows)
    data = pd.DataFrame(
        {
            "unit": pd.Series([f"c{i:03d}" for i in range(COMMUNITIES)], dtype="str")
            .iloc[community]
            .to_numpy(),
            "weight": rng.uniform(0.5, 3, rows),
            "adults": 4000.0,
            "communities": 60.0,
            "id": np.arange(rows),
            "sex": rng.choice(["female", "male"], rows),
            "age": rng.choice(["18-24", "25-34", "35-44", "45-54", "55-64", "65+"], rows),
            "tenure": rng.choice(["own", "rent", "other"], rows),
        }
    )
    data["district"] = (
        pd.Series([f"d{i % DISTRICTS:02d}" for i in range(COMMUNITIES)]).iloc[community].to_numpy()
    )
    data["adults"] = data.groupby("unit")["id"].transform("size") * 3.0
    level = rng.normal(3.6, 0.4, COMMUNITIES)[community]
    for i in range(ITEMS):
        data[f"q{i:02d}"] = np.clip(np.rint(level + rng.normal(0, 1, rows)), 1, 5)
    return data


def best(what: Callable[[], object], times: int = 3) -> float:
    """Seconds of the fastest of several runs."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        what()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def plain(data: pd.DataFrame, items: list[str], by: str) -> pd.DataFrame:
    """Weighted means without errors, as one writes them in pandas."""
    sums = data[items].mul(data["weight"], axis=0).groupby(data[by]).sum()
    return sums.div(data["weight"].groupby(data[by]).sum(), axis=0)


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def streamed(data: pd.DataFrame, items: list[str]) -> None:
    """The same numbers from a parquet file, batch by batch."""
    spec = {"weights": "weight", "strata": "district", "fpc": ["communities", "adults"]}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answers.parquet"
        data.to_parquet(path)
        start = time.perf_counter()
        found = stream_means(path, items, clusters="unit", by="district", rows=200_000, **spec)
        seconds = time.perf_counter() - start
    whole = SurveyDesign(data, clusters=["unit", "id"], **spec).mean(items, by="district")
    off = max((found[c] / whole[c] - 1).abs().max() for c in ("estimate", "se"))
    print(f"stream of {len(items)} items by district: {seconds:.2f} s, largest relative difference {off:.1e}")


def main(rows: int) -> None:
    data = sample(rows)
    items = [c for c in data if c.startswith("q")]
    frame_mb = data.memory_usage(deep=True).sum() / 2**20
    print(f"{rows:,} rows, {len(items)} items, frame {frame_mb:.0f} MB")
    design = SurveyDesign(
        data, weights="weight", strata="district", clusters=["unit", "id"], fpc=["communities", "adults"]
    )
    clusters = SurveyDesign(data, weights="weight", strata="district", clusters="unit")
    before = peak_mb()
    for by, what, target in (
        ("district", clusters, 1.0),
        ("district", design, None),
        ("unit", design, 2.0),
    ):
        ours = best(lambda by=by, what=what: what.mean(items, by=by))
        theirs = best(lambda by=by: plain(data, items, by))
        stages = len(what.structure.stages)
        told = f" (target {target:g})" if target else ""
        print(f"mean by {by}, {stages} stages: {ours:.3f} s, plain groupby {theirs:.3f} s,", end=" ")
        print(f"ratio {ours / theirs:.2f}{told}")
    print(f"satisfaction by district: {best(lambda: satisfaction(clusters, items, by='district'), 1):.2f} s")
    margins = {v: data[v].value_counts() * 3.0 for v in ("sex", "age", "tenure")}
    print(f"raking on three margins: {best(lambda: clusters.rake(margins)):.3f} s")
    streamed(data, items[:5])
    print(f"peak memory {peak_mb():.0f} MB; estimates added {(peak_mb() - before) / frame_mb:.2f} frames")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
