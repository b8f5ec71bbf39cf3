"""Means of more answers than fit into memory: a few sums per community, batch by batch.

Per first-stage unit x domain the sums of ``moments`` are kept, whatever the number of answers; the
estimates and their errors are then those of ``SurveyDesign.mean`` on the whole (to rounding).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.survey import intervals
from commlab.survey.engine import variables_of
from commlab.survey.plan import Plan
from commlab.survey.structure import FloatArray, as_list, build

__all__ = ["stream_means"]

_SUMS = ("n", "s0", "s1", "q0", "q1", "q2")


def _batches(
    source: str | Path | Iterable[pd.DataFrame], columns: Sequence[str], rows: int
) -> Iterator[pd.DataFrame]:
    if not isinstance(source, (str, Path)):
        yield from source
        return
    import pyarrow.parquet as pq

    with pq.ParquetFile(source) as file:
        lacking = [c for c in columns if c not in file.schema_arrow.names]
        if lacking:
            raise ParameterError(
                f"{source} has no columns {listing(lacking)}; it has {listing(file.schema_arrow.names)}"
            )
        for batch in file.iter_batches(batch_size=rows, columns=list(columns)):
            yield batch.to_pandas()


def stream_means(
    source: str | Path | Iterable[pd.DataFrame],
    variables: str | Sequence[str],
    *,
    weights: str,
    strata: str | None = None,
    clusters: str,
    fpc: str | Sequence[str] | None = None,
    by: str | Sequence[str] | None = None,
    confidence: float = 0.95,
    rows: int = 500_000,
) -> pd.DataFrame:
    """Weighted means with design-based errors from a parquet file or from frames one after the other.

    Parameters
    ----------
    source : path, or iterable of DataFrame
    variables : str or list of str
        Numeric columns.
    weights, strata, clusters : str
        As for ``SurveyDesign``: clusters are the first-stage units.
    fpc : str or two str, optional
        Units in the stratum; and, to make each row a second-stage unit, people in the unit.
    by : str or list of str, optional
    rows : int
        Rows per batch of a parquet file: memory is bounded by it and by the number of units x domains.

    Returns
    -------
    DataFrame
        As of ``mean``, without deff.

    Raises
    ------
    DataError
        If a weight or design column is missing somewhere, a weight is negative, or a domain lies inside one
        unit of a one-stage design.
    """
    names, groups, sizes = (
        variables_of(variables),
        [str(g) for g in as_list(by)],
        [str(f) for f in as_list(fpc)],
    )
    if len(sizes) > 2:
        raise ParameterError("fpc takes one or two columns")
    keys = [*([strata] if strata else []), clusters, *groups]
    twice = [k for k in keys if keys.count(k) > 1 and k not in groups]
    frame_keys = list(dict.fromkeys(keys))
    if twice and not set(twice) <= set(groups):
        raise ParameterError(f"columns named twice: {listing(twice)}")
    cells: pd.DataFrame | None = None
    every: pd.DataFrame | None = None
    for batch in _batches(source, [*dict.fromkeys([*frame_keys, *sizes, weights, *names])], rows):
        part, counts = _sums(
            batch, names, weights, frame_keys, [*([strata] if strata else []), clusters], sizes
        )
        cells = part if cells is None else _add(cells, part)
        every = counts if every is None else _add(every, counts)
    if cells is None or every is None or not len(cells):
        raise DataError("there are no rows to estimate from")
    return _estimate(cells.reset_index(), every, names, strata, clusters, sizes, groups, confidence)


def _add(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    return a.add(b, fill_value=0.0)


def _sums(
    batch: pd.DataFrame,
    names: Sequence[str],
    weights: str,
    keys: Sequence[str],
    unit: Sequence[str],
    sizes: Sequence[str],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Sums per unit x domain, and rows and population sizes per unit (every row counts as drawn)."""
    w = pd.to_numeric(batch[weights], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    if not (np.isfinite(w) & (w >= 0)).all():
        raise DataError(
            f'weights "{weights}" must be numbers >= 0 in every row; {int((~(w >= 0)).sum())} are not'
        )
    for name in [*unit, *sizes]:
        if batch[name].isna().any():
            raise DataError(f'"{name}" is missing in {int(batch[name].isna().sum())} rows')
    counts = batch.groupby(list(unit), sort=False).size().astype(float).to_frame("rows")
    for name in sizes:  # sums, so that batches add up; divided by rows at the end
        counts[name] = batch.groupby(list(unit), sort=False)[name].sum().astype(float)
        counts[name + "^2"] = (
            (batch[name].astype(float) ** 2).groupby([batch[u] for u in unit], sort=False).sum()
        )
    used = w > 0
    grouped = batch.loc[used, list(keys)].groupby(list(keys), sort=False)
    code = grouped.ngroup().to_numpy()
    index = grouped.size().index
    inside = code >= 0  # rows without a value in ``by`` are in no domain
    code, w = code[inside], w[used][inside]
    out = {}
    for name in names:
        y = pd.to_numeric(batch[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan)[used][inside]
        valid = ~np.isnan(y)
        wv, yv = np.where(valid, w, 0.0), np.where(valid, y, 0.0)
        wy = wv * yv
        for label, values in zip(
            _SUMS, (valid.astype(float), wv, wy, wv * wv, wv * wy, wy * wy), strict=True
        ):
            out[f"{name}|{label}"] = np.bincount(code, values, len(index))
    return pd.DataFrame(out, index=index), counts


def _estimate(
    cells: pd.DataFrame,
    every: pd.DataFrame,
    names: Sequence[str],
    strata: str | None,
    clusters: str,
    sizes: Sequence[str],
    groups: Sequence[str],
    confidence: float,
) -> pd.DataFrame:
    units = every.reset_index()
    for name in sizes:
        mean = units[name] / units["rows"]
        if (units[name + "^2"] / units["rows"] - mean**2 > 1e-9 * mean**2).any():
            raise DataError(f'fpc "{name}" takes several values within a "{clusters}"')
        units[name] = mean.round(9)
    unit_keys = [*([strata] if strata else []), clusters]
    # Units without a case in any domain still count as drawn: every unit gets a row.
    table = units.merge(cells, on=unit_keys, how="left")
    structure = build(table, [strata], [clusters], sizes[:1])
    if structure.faults:
        raise DataError("; ".join(structure.faults), faults=structure.faults)
    if groups:
        complete = table[list(groups)].notna().all(axis=1).to_numpy()
        grouped = table.loc[complete, list(groups)].groupby(list(groups), sort=True)
        domain = np.full(len(table), -1, dtype=np.int64)
        domain[complete] = grouped.ngroup().to_numpy()
        domains = grouped.size().index.to_frame(index=False)
    else:
        domain, domains = np.zeros(len(table), dtype=np.int64), pd.DataFrame(index=range(1))
    g = len(domains)
    stage = structure.stages[0]
    deep = len(sizes) == 2
    plan = Plan(structure, table, domain, g, "fail", inside=deep and clusters in groups)
    d = plan.domain
    reach = stage.fraction[plan.take(stage.stratum)]
    people = plan.take(table[sizes[1]].to_numpy()) if deep else np.full(len(d), np.inf)
    drawn = plan.take(table["rows"].to_numpy())
    out = []
    for name in names:
        n, s0, s1, q0, q1, q2 = (plan.take(table[f"{name}|{label}"].fillna(0).to_numpy()) for label in _SUMS)
        size = np.bincount(d, s0, g)
        mean = np.divide(np.bincount(d, s1, g), size, out=np.full(g, np.nan), where=size > 0)
        centre, scale = np.nan_to_num(mean), np.divide(1.0, size, out=np.zeros(g), where=size > 0)
        t = (s1 - centre[d] * s0) * scale[d]
        squares = (q2 - 2 * centre[d] * q1 + centre[d] ** 2 * q0) * scale[d] ** 2
        count, n_units, df = _counts(plan, n, deep)
        alone = (n_units <= 1) & deep
        if not deep and ((n_units == 1) & (count > 1)).any():
            raise DataError(
                f'some domains lie inside one "{clusters}"; give fpc=[..., people in the unit] as well'
            )
        first = plan.variance(t, np.zeros(g, dtype=bool))[0] if not plan.inside else np.zeros(g)
        within = _within(squares, t, drawn, people) if deep else np.zeros(len(d))
        variance = np.where(
            alone, np.bincount(d, within, g), first + np.bincount(d, within * np.nan_to_num(reach), g)
        )
        se = np.where(count < 2, np.nan, np.sqrt(np.clip(variance, 0, None)))
        df = np.where(alone, np.bincount(d, np.clip(n - 1, 0, None), g), df).astype(np.int64)
        low, high = intervals.t_interval(mean, se, df, confidence)
        part = domains.copy()
        part["variable"] = pd.Series(name, index=part.index, dtype="str")
        part["estimate"], part["se"], part["ci_low"], part["ci_high"] = mean, se, low, high
        part["df"], part["n"], part["_domain"] = df, count, np.arange(g)
        out.append(part)
    told = pd.concat(out, ignore_index=True).sort_values("_domain", kind="stable")
    return told.drop(columns="_domain").reset_index(drop=True)


def _within(squares: FloatArray, t: FloatArray, drawn: FloatArray, people: FloatArray) -> FloatArray:
    """(1 - f) m / (m - 1) (sum e^2 - (sum e)^2 / m) per unit x domain."""
    factor = np.divide(drawn, drawn - 1, out=np.zeros_like(drawn), where=drawn > 1)
    return np.clip(1 - drawn / people, 0, None) * factor * np.clip(squares - t**2 / drawn, 0, None)


def _counts(plan: Plan, n: FloatArray, deep: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Answers, units with answers and degrees of freedom by domain."""
    g, d, stage = plan.n_domains, plan.domain, plan.structure.stages[0]
    has = n > 0
    count = np.bincount(d, n, g).astype(np.int64)
    units = np.bincount(d, has, g).astype(np.int64)
    stratum = plan.take(stage.stratum)
    certain = np.isclose(stage.fraction, 1)[stratum] & deep
    open_ = has & ~certain
    pairs = pd.unique(stratum[open_] * g + d[open_])
    df = np.bincount(d, open_, g) - np.bincount(pairs % g, minlength=g)
    return count, units, df + np.bincount(d, np.where(certain & has, n - 1, 0), g)
