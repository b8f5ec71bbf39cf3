"""Survey engine: time and memory at a million answers, each beside the plain thing it is measured by.

Run ``python benchmarks/survey.py [rows] [rows to stream]`` (1,000,000 and 10,000,000). Both sides of a ratio run
alternately in the same process; a ratio is that of their fastest runs in processor time, so that other work on the
machine does not decide it. Memory is measured in processes of their own. ipfn, the peer of raking, comes with
``pip install ipfn`` (extra ``bench``); without it that line says so.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from commlab.survey import SurveyDesign, satisfaction, stream_means

DISTRICTS, COMMUNITIES, ITEMS, SEED, RUNS = 18, 742, 20, 2019, 7
MARGINS = ("sex", "age", "tenure")
TWO_STAGES = {"weights": "weight", "strata": "district", "fpc": ["communities", "adults"]}


def sample(rows: int, seed: int = SEED) -> pd.DataFrame:
    """Answers of ``rows`` residents: 18 strata, 742 communities, 20 five-point items."""
    rng = np.random.default_rng(seed)
    community = rng.integers(0, COMMUNITIES, rows)
    names = pd.Series([f"c{i:03d}" for i in range(COMMUNITIES)], dtype="str")
    districts = pd.Series([f"d{i % DISTRICTS:02d}" for i in range(COMMUNITIES)], dtype="str")
    data = pd.DataFrame(
        {
            "unit": names.iloc[community].to_numpy(),
            "weight": rng.uniform(0.5, 3, rows),
            "communities": 60.0,
            "id": np.arange(rows),
            "sex": rng.choice(["female", "male"], rows),
            "age": rng.choice(["18-24", "25-34", "35-44", "45-54", "55-64", "65+"], rows),
            "tenure": rng.choice(["own", "rent", "other"], rows),
            "district": districts.iloc[community].to_numpy(),
        }
    )
    data["adults"] = data.groupby("unit")["id"].transform("size") * 3.0
    level = np.random.default_rng(SEED).normal(3.6, 0.4, COMMUNITIES)[community]
    for i in range(ITEMS):
        data[f"q{i:02d}"] = np.clip(np.rint(level + rng.normal(0, 1, rows)), 1, 5)
    return data


def items_of(data: pd.DataFrame) -> list[str]:
    return [c for c in data if c.startswith("q")]


def two_stages(data: pd.DataFrame) -> SurveyDesign:
    return SurveyDesign(data, clusters=["unit", "id"], **TWO_STAGES)


def plain(data: pd.DataFrame, items: list[str], by: str) -> pd.DataFrame:
    """Weighted means without errors, as one writes them in pandas."""
    sums = data[items].mul(data["weight"], axis=0).groupby(data[by]).sum()
    return sums.div(data["weight"].groupby(data[by]).sum(), axis=0)


def margins_of(data: pd.DataFrame) -> dict[str, pd.Series]:
    """Population totals some way off the sample's."""
    rng = np.random.default_rng(SEED)
    out = {}
    for name in MARGINS:
        share = data[name].value_counts() * rng.uniform(0.7, 1.3, data[name].nunique())
        out[name] = share / share.sum() * 3.0 * len(data)
    return out


def ipfn_on_cells(data: pd.DataFrame, margins: dict[str, pd.Series]) -> pd.Series:
    """Weights by ipfn: cells by groupby, their factors merged back to the rows."""
    from ipfn.ipfn import ipfn

    names = list(margins)
    cells = data.groupby(names)["weight"].sum().rename("total").reset_index()
    fitted = ipfn(cells.copy(), list(margins.values()), [[n] for n in names], convergence_rate=1e-10)
    both = cells.merge(fitted.iteration(), on=names, suffixes=("", "_new"))
    both["factor"] = both["total_new"] / both["total"]
    merged = data[[*names, "weight"]].merge(both[[*names, "factor"]], on=names, how="left")
    return merged["weight"] * merged["factor"]


def side_by_side(what: str, ours: Callable[[], object], theirs: Callable[[], object], target: float) -> None:
    """Print the ratio of the fastest runs, processor time; and of wall time."""
    seconds = np.full((RUNS, 2, 2), np.nan)
    ours(), theirs()
    for i in range(RUNS):
        for j, call in enumerate((ours, theirs)):
            wall, cpu = time.perf_counter(), time.process_time()
            call()
            seconds[i, j] = time.process_time() - cpu, time.perf_counter() - wall
    (cpu, wall), (peer_cpu, peer_wall) = seconds.min(axis=0)
    verdict = "met" if cpu / peer_cpu <= target else "MISSED"
    print(
        f"{what}: {cpu:.3f} s, peer {peer_cpu:.3f} s, ratio {cpu / peer_cpu:.2f} "
        f"(target {target:.2f}, {verdict}; wall {wall:.3f} / {peer_wall:.3f} = {wall / peer_wall:.2f})"
    )


def peak_mb() -> float:
    """Most memory that this process has held (on Linux; what it was started from does not count)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def _apart(work: Callable[..., object], *arguments: object) -> object:
    """The result of a call in a fresh process, whose memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def memory(rows: int) -> tuple[float, float, float]:
    """MB of the frame, of the process with it, and the peak of everything that the engine does with it."""
    data = sample(rows)
    path = Path(tempfile.mkdtemp()) / "answers.parquet"
    data.to_parquet(path)
    return _apart(_memory, str(path))  # type: ignore[return-value]


def _memory(path: str) -> tuple[float, float, float]:
    data = pd.read_parquet(path)
    Path("/proc/self/clear_refs").write_text(
        "5", encoding="ascii"
    )  # the peak starts anew: reading is not ours
    frame, before = data.memory_usage(deep=True).sum() / 2**20, peak_mb()
    items = items_of(data)
    design = two_stages(data)
    for by in ("district", "unit"):
        design.mean(items, by=by)
    satisfaction(design, items, by="district")
    raked = design.rake(margins_of(data))
    raked.mean(items, by="district")
    satisfaction(raked.trim(0.5, 20), items, by="district")
    return float(frame), before, peak_mb()


def write(path: str, rows: int, chunk: int = 1_000_000) -> None:
    """Answers in a parquet file, written piece by piece."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer = None
    for start in range(0, rows, chunk):
        data = sample(min(chunk, rows - start), SEED + start)
        data["id"] += start
        data["adults"] = 4.0 * rows / COMMUNITIES  # one size a community, whatever the chunk
        table = pa.Table.from_pandas(data, preserve_index=False)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _streamed(path: str) -> tuple[pd.DataFrame, float, float]:
    items = [f"q{i:02d}" for i in range(ITEMS)]
    start, cpu = time.perf_counter(), time.process_time()
    found = stream_means(path, items, clusters="unit", by="district", **TWO_STAGES)
    print(f"  {time.perf_counter() - start:.1f} s, processor {time.process_time() - cpu:.1f} s", end=", ")
    return found, time.perf_counter() - start, peak_mb()


def _in_memory(path: str) -> pd.DataFrame:
    data = pd.read_parquet(path)
    return two_stages(data).mean(items_of(data), by="district")


def stream(rows: int) -> None:
    """The same numbers from a parquet file, batch by batch, in memory that does not grow with it."""
    with tempfile.TemporaryDirectory() as folder:
        peaks = []
        for n in (rows // 10, rows):
            path = str(Path(folder) / f"{n}.parquet")
            write(path, n)
            print(f"stream of {ITEMS} items of {n:,} rows by district:", end="", flush=True)
            found, _, peak = _apart(_streamed, path)  # type: ignore[misc]
            peaks.append(peak)
            print(f"peak of the process {peak:.0f} MB")
        whole = _apart(_in_memory, path)
    off = max((found[c] / whole[c] - 1).abs().max() for c in ("estimate", "se"))  # type: ignore[index]
    verdict = "met" if off <= 1e-10 else "MISSED"
    print(f"  largest relative difference from memory {off:.1e} (target 1e-10, {verdict});", end=" ")
    print(f"ten times the rows took {peaks[1] / peaks[0]:.2f} times the memory")


def main(rows: int, streamed: int) -> None:
    data = sample(rows)
    items = items_of(data)
    print(f"{rows:,} rows, {len(items)} items, frame {data.memory_usage(deep=True).sum() / 2**20:.0f} MB")
    design = two_stages(data)
    clusters = SurveyDesign(data, weights="weight", strata="district", clusters="unit")
    for by, what, target in (("district", clusters, 1.0), ("district", design, 1.0), ("unit", design, 2.0)):
        side_by_side(
            f"mean and error of {len(items)} items by {by}, {len(what.structure.stages)} stages",
            lambda by=by, what=what: what.mean(items, by=by),
            lambda by=by: plain(data, items, by),
            target,
        )
    margins = margins_of(data)
    raked = design.rake(margins)
    try:
        weights = ipfn_on_cells(data, margins)
        side_by_side(
            "raking on three margins (peer: ipfn on cells, merged)",
            lambda: design.rake(margins),
            lambda: ipfn_on_cells(data, margins),
            1 / 3,
        )
        off = np.abs(weights.to_numpy() / raked.weights - 1).max()
        print(f"  largest relative difference of the weights {off:.1e}")
    except ModuleNotFoundError:
        print("raking on three margins: ipfn is not installed (pip install ipfn), no ratio")
    for name, what in (("plain weights", design), ("raked weights", raked)):
        start = time.process_time()
        satisfaction(what, items, by="district")
        print(f"satisfaction of {len(items)} items by district, {name}: {time.process_time() - start:.2f} s")
    frame, before, peak = memory(rows)
    verdict = "met" if peak - before + frame <= 2.5 * frame else "MISSED"
    print(f"peak memory {peak:.0f} MB, {before:.0f} MB of it before: frame and estimates", end=" ")
    print(f"{(peak - before + frame) / frame:.2f} times the frame (target 2.50, {verdict})")
    if streamed:
        stream(streamed)


if __name__ == "__main__":
    main(*[int(v) for v in [*sys.argv[1:3], *["1000000", "10000000"][len(sys.argv) - 1 :]]])
