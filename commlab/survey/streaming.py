"""Means of more answers than fit into memory: a few sums per community, batch by batch.

Per first-stage unit x domain the sums of ``moments`` are kept, whatever the number of answers; ``kernel`` makes of
them what it makes of answers in memory, so that estimates and errors are those of ``SurveyDesign.mean`` on the
whole (to rounding).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.survey import intervals
from commlab.survey.columns import variables_of
from commlab.survey.engine import of_sums
from commlab.survey.kernel import Kernel
from commlab.survey.moments import Coded, Moments, Sums
from commlab.survey.plan import Plan
from commlab.survey.structure import (
    FloatArray,
    IntArray,
    Stage,
    Structure,
    as_list,
    build,
    column,
    compact,
    shown,
    tally,
)
from commlab.survey.variance import LONELY

__all__ = ["stream_means"]


def _batches(
    source: str | Path | Iterable[pd.DataFrame], columns: Sequence[str], rows: int
) -> Iterator[pd.DataFrame]:
    if not isinstance(source, (str, Path)):
        yield from source
        return
    import pyarrow.parquet as pq

    if not Path(source).is_file():
        raise ParameterError(f"{source} is no file; give the parquet file that holds the answers")
    with pq.ParquetFile(source) as file:
        lacking = [c for c in columns if c not in file.schema_arrow.names]
        if lacking:
            raise ParameterError(
                f"{source} has no columns {listing(lacking)}; it has {listing(file.schema_arrow.names)}"
            )
        for batch in file.iter_batches(batch_size=rows, columns=list(columns), use_threads=False):
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
    lonely: str = "fail",
    degrees: str = "units",
    confidence: float = 0.95,
    rows: int = 200_000,
) -> pd.DataFrame:
    """Weighted means with design-based errors from a parquet file or from frames one after the other.

    Parameters
    ----------
    source : path, or iterable of DataFrame
    variables : str or list of str
        Numeric columns.
    weights, strata, clusters, lonely, degrees
        As for ``SurveyDesign``: clusters are the first-stage units.
    fpc : str or two str, optional
        Units in the stratum; and, to make each row a second-stage unit, people in the unit.
    by : str or list of str, optional
    rows : int
        Rows per batch of a parquet file: memory is bounded by it and by the number of units x domains.

    Returns
    -------
    DataFrame
        As of ``SurveyDesign.mean``.

    Raises
    ------
    DataError
        If a weight or design column is missing somewhere, a weight is negative, a population size varies, or a
        domain lies inside one unit of a one-stage design.
    """
    names, groups, sizes = variables_of(variables), as_list(by), as_list(fpc)
    if len(sizes) > 2:
        raise ParameterError("fpc takes one or two columns")
    if lonely not in LONELY or degrees not in ("units", "satterthwaite"):
        raise ParameterError(f"lonely={lonely!r} or degrees={degrees!r} is not what SurveyDesign takes")
    if not isinstance(rows, int) or rows < 1:
        raise ParameterError(f"rows={rows!r} must be a whole number above 0")
    unit = [strata, clusters] if strata else [clusters]
    keys = [str(k) for k in dict.fromkeys([*unit, *groups])]
    cells = _Cells(keys, [str(s) for s in sizes], weights, names)
    for batch in _batches(source, list(dict.fromkeys([*keys, *map(str, sizes), weights, *names])), rows):
        cells.add(batch)
    if not cells.place:
        raise DataError("there are no rows to estimate from")
    table = cells.table([str(u) for u in unit])
    structure = _structure(table, cells.rows[0], strata, clusters, cells.sizes)
    if structure.faults:
        raise DataError("; ".join(structure.faults), faults=structure.faults)
    domain, domains = _domains(table, cells.rows[1], [str(g) for g in groups])
    inside = len(sizes) == 2 and clusters in groups
    plan = Plan(structure, table, domain, len(domains), lonely, inside=inside)
    kernel = Kernel(plan, np.zeros(len(plan.rows)), satterthwaite=degrees == "satterthwaite")
    found = of_sums(plan, domains, [cells.moments(kernel, name) for name in names])
    low, high = intervals.t_interval(found.estimate, found.se, found.df, confidence)
    return found.frame(pd.DataFrame({"variable": names}), low, high)


class _Cells:
    """Sums per cell (unit x domain), growing batch by batch."""

    def __init__(self, keys: list[str], sizes: list[str], weights: str, names: list[str]) -> None:
        self.keys, self.sizes, self.weights = keys, sizes, weights
        self.place: dict[tuple[Any, ...], int] = {}
        self.fpc: list[tuple[float, ...]] = []
        self.rows = np.zeros((2, 0))
        """Rows read, and those with a weight."""
        self.sums = {name: np.zeros((len(_SUMS), 0)) for name in names}
        self.shift: dict[str, float] = {}
        """What a variable's moments are taken about, so that no digits are lost."""
        self.read = 0

    def add(self, batch: pd.DataFrame) -> None:
        """Take in the next rows."""
        if not len(batch):
            return
        w = self._numbers(batch, self.weights, "weights")
        self._refuse(~(np.isfinite(w) & (w >= 0)), batch[self.weights], "weights", "numbers >= 0")
        joint: IntArray = np.zeros(len(batch), dtype=np.int64)
        for key in self.keys:
            codes, labels = pd.factorize(column(batch, key, "column"), use_na_sentinel=False)
            joint = compact(joint * len(labels) + codes)[1]
        n = int(joint.max()) + 1
        row = np.zeros(n, dtype=np.int64)
        row[joint[::-1]] = np.arange(len(batch))[::-1]
        fpc = np.zeros((n, 0))
        for name in self.sizes:
            size = self._numbers(batch, name, "fpc")
            self._refuse(~(size > 0), batch[name], "fpc", "a number of units above 0")
            self._refuse(size != size[row][joint], batch[name], "fpc", "the same in all rows of a unit")
            fpc = np.column_stack([fpc, size[row]])
        parts = [[None if pd.isna(v) else v for v in batch[key].iloc[row]] for key in self.keys]
        at = np.zeros(n, dtype=np.int64)
        for i, label in enumerate(zip(*parts, strict=True)):
            at[i] = self.place.setdefault(label, len(self.place))
            if at[i] == len(self.fpc):
                self.fpc.append(tuple(fpc[i]))
            elif self.fpc[at[i]] != tuple(fpc[i]):
                raise DataError(f"fpc {listing(self.sizes)} takes several values in {listing(label)}")
        active = w > 0
        grown = len(self.place)
        self.rows = _wide(self.rows, grown)
        self.rows[:, at] += np.stack([np.bincount(joint, minlength=n), tally(joint, active, n)])
        for name in self.sums:
            y = self._numbers(batch, name, "variable")
            self._refuse(np.isinf(y), batch[name], "variable", "finite")
            self._add(name, np.where(active, y, np.nan), w, joint, n, at)
        self.read += len(batch)

    def _add(self, name: str, y: FloatArray, w: FloatArray, cell: IntArray, n: int, at: IntArray) -> None:
        valid = ~np.isnan(y)
        if name not in self.shift and valid.any():
            self.shift[name] = float(y[valid].mean())
        shift = self.shift.get(name, 0.0)
        coded = Coded.of(y)
        if coded is not None:
            joint = np.multiply(coded.code, n, dtype=np.int64) + cell
            k = len(coded.values)
            answers, mass, squares = (np.bincount(joint, m, n * k).reshape(k, n) for m in (None, w, w * w))
            real = ~np.isnan(coded.values[:, 0])
            powers = np.vander(coded.values[real, 0] - shift, 3, increasing=True).T
            out = [answers[real].sum(axis=0), *powers @ mass[real], *powers @ squares[real]]
        else:
            y, w = np.where(valid, y - shift, 0.0), np.where(valid, w, 0.0)
            out = [tally(cell, valid, n)]
            out += [tally(cell, weight * y**power, n) for weight in (w, w * w) for power in range(3)]
        self.sums[name] = _wide(self.sums[name], len(self.place))
        self.sums[name][:, at] += np.stack(out)

    def _numbers(self, batch: pd.DataFrame, name: str, role: str) -> FloatArray:
        values = column(batch, name, role)
        try:
            return pd.to_numeric(values).to_numpy(dtype=float, na_value=np.nan)
        except (TypeError, ValueError) as error:
            raise ParameterError(f'{role} "{name}" is not a number ({error})') from None

    def _refuse(self, bad: npt.NDArray[np.bool_], values: pd.Series, role: str, must: str) -> None:
        if bad.any():
            row = int(np.argmax(bad))
            raise DataError(
                f'{role} "{values.name}" must be {must}; it is not in {int(bad.sum())} rows (first: row '
                f"{self.read + row} of all: {shown(values.iloc[row])})"
            )

    def table(self, complete: Sequence[str]) -> pd.DataFrame:
        """A row per cell: keys and population sizes."""
        out = pd.DataFrame(list(self.place), columns=self.keys)
        out[self.sizes] = np.array(self.fpc).reshape(len(out), len(self.sizes))
        for name in complete:
            if out[name].isna().any():
                raise DataError(f'"{name}" is missing in some rows; fill it in, or leave these rows out')
        return out

    def moments(self, kernel: Kernel, name: str) -> Moments:
        """What a variable comes to by domain."""
        rows = kernel.plan.rows
        sums = np.zeros((len(_SUMS), kernel.n_cells))
        sums[:, kernel.code] = _wide(self.sums[name], len(self.place))[:, rows]
        s, q = sums[1:4], sums[4:7]
        found = kernel.moments(Sums(sums[0].astype(np.int64), s, q, q, trusted=True), total=False)
        if found is None:
            raise DataError(f'"{name}" has lost its digits')
        return replace(found, estimate=found.estimate + self.shift.get(name, 0.0))


_SUMS = ("n", "w", "wy", "wyy", "ww", "wwy", "wwyy")


def _wide(values: FloatArray, size: int) -> FloatArray:
    return np.pad(values, ((0, 0), (0, size - values.shape[1])))


def _structure(
    table: pd.DataFrame, drawn: FloatArray, strata: str | None, clusters: str, sizes: Sequence[str]
) -> Structure:
    """The design of the whole, from its cells; people are second-stage units that no row stands for."""
    structure = build(table, [strata], [clusters], sizes[:1])
    first = replace(structure.stages[0], rows_are_units=False)  # a row here is a unit's cell
    faults = list(structure.faults)
    if len(sizes) < 2:
        return replace(structure, stages=(first,))
    people = np.zeros(first.n_units)
    people[first.unit] = table[sizes[1]]
    size = tally(first.unit, drawn, first.n_units)
    for bad, what in (
        (people[first.unit] != table[sizes[1]], "takes several values"),
        ((size > people * (1 + 1e-12))[first.unit], "is smaller than the sample"),
    ):
        if bad.any():
            faults.append(f'fpc "{sizes[1]}" {what} in {listing(table.loc[bad, clusters].unique())}')
    second = Stage(
        np.arange(len(table)),
        first.unit,
        first.unit,
        size,
        people,
        first.fraction[first.unit_stratum],
        np.ones(first.n_units),
        True,
    )
    return Structure(
        (first, second), tuple(faults), (strata, None), (clusters, None), np.isclose(first.fraction, 1)
    )


def _domains(
    table: pd.DataFrame, weighted: FloatArray, groups: Sequence[str]
) -> tuple[IntArray, pd.DataFrame]:
    """Domain of each cell (-1: in none) and the domains, sorted."""
    inside = weighted > 0
    if not inside.any():
        raise DataError("all weights are 0; there is nothing to estimate from")
    if not groups:
        return np.where(inside, 0, -1).astype(np.int64), pd.DataFrame(index=range(1))
    inside &= table[list(groups)].notna().all(axis=1).to_numpy()
    if not inside.any():
        raise DataError(f"no row has a value in {listing(groups)}; there is no group to estimate")
    grouped = table.loc[inside, list(groups)].groupby(list(groups), sort=True)
    domain = np.full(len(table), -1, dtype=np.int64)
    domain[inside] = grouped.ngroup().to_numpy()
    return domain, grouped.size().index.to_frame(index=False)
