"""How the sample was drawn, as arrays: stages, strata, units and sampling fractions.

A design of S stages is S ``Stage`` objects over the same rows. Units are nested: a unit of stage s belongs to
one stratum of stage s, and each stratum of stage s > 1 lies in one unit of stage s - 1. Cluster names may
therefore repeat in different strata (R: ``nest=TRUE``; Stata nests always).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from commlab.errors import DataError, ParameterError, listing

__all__ = [
    "FloatArray",
    "IntArray",
    "Stage",
    "Structure",
    "as_list",
    "build",
    "codes_of",
    "column",
    "compact",
    "factorize",
    "generator",
    "repeated",
    "shown",
    "tally",
]

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Stage:
    """One stage of selection.

    Attributes
    ----------
    unit, stratum : int array, shape (n_rows,)
        Codes of the row's unit and stratum.
    unit_stratum : int array, shape (n_units,)
        Stratum of each unit.
    size, population : float array, shape (n_strata,)
        Units in the sample and in the population (inf: drawn with replacement, or so many that it is the
        same).
    reach : float array, shape (n_strata,)
        Product of the sampling fractions of all earlier stages; what a variance at this stage is multiplied
        by.
    beyond : float array, shape (n_strata,)
        The same without the first stage: the factor where a first-stage unit is looked at for itself.
    rows_are_units : bool
        Every row is a unit of its own.
    """

    unit: IntArray
    stratum: IntArray
    unit_stratum: IntArray
    size: FloatArray
    population: FloatArray
    reach: FloatArray
    beyond: FloatArray
    rows_are_units: bool

    @property
    def fraction(self) -> FloatArray:
        return self.size / self.population

    @property
    def n_units(self) -> int:
        return len(self.unit_stratum)


@dataclass(frozen=True)
class Structure:
    """The stages, and the faults that only matter once a variance is asked for."""

    stages: tuple[Stage, ...]
    faults: tuple[str, ...]
    strata: tuple[str | None, ...]
    clusters: tuple[str | None, ...]
    certain: npt.NDArray[np.bool_]
    """Per stratum of the first stage: all its units are in the sample and there is a next stage."""

    def stratum_label(self, data: pd.DataFrame, stage: int, stratum: int) -> str:
        """Name a stratum for a message: its value, or the unit it lies in."""
        row = int(np.flatnonzero(self.stages[stage].stratum == stratum)[0])
        name = self.strata[stage]
        own = str(data[name].iloc[row]) if name else ""
        if stage == 0:
            return own or "the whole sample"
        above = self.clusters[stage - 1]
        unit = str(data[above].iloc[row]) if above else f"row {data.index[row]}"
        return f"{unit}/{own}" if own else unit


def as_list(names: str | Sequence[str | None] | None) -> list[str | None]:
    """One name, several, or none, as a list.

    Raises
    ------
    ParameterError
        If it is neither text nor a sequence.
    """
    if names is None:
        return []
    if isinstance(names, str):
        return [names]
    if not isinstance(names, (Sequence, pd.Index)):
        raise ParameterError(f"give a column name or a list of them, not {type(names).__name__}: {names!r}")
    return list(names)


def shown(value: object) -> str:
    """A cell as a message prints it: text in quotes, numbers without their type."""
    return repr(value.item() if isinstance(value, np.generic) else value)


def generator(seed: int) -> np.random.Generator:
    """Random numbers from a seed.

    Raises
    ------
    ParameterError
        If it is no whole number.
    """
    if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool) or seed < 0:
        raise ParameterError(f"seed={seed!r} must be a whole number, 0 or more")
    return np.random.default_rng(int(seed))


def column(data: pd.DataFrame, name: str, role: str) -> pd.Series:
    """A column by name.

    Raises
    ------
    ParameterError
        If it is not there or is there twice.
    """
    if not isinstance(name, str):
        raise ParameterError(f"{role} must be a column name, got {type(name).__name__}: {name!r}")
    if name not in data.columns:
        raise ParameterError(f'{role} "{name}" is not a column; there are: {listing(data.columns, most=12)}')
    found = data[name]
    if isinstance(found, pd.DataFrame):
        raise ParameterError(f'{role} "{name}" is the name of {found.shape[1]} columns; rename them')
    return found


def factorize(values: pd.Series, *, sort: bool = False) -> tuple[IntArray, pd.Index]:
    """As ``pd.factorize``; long columns of few texts are looked up instead of hashed anew."""
    if len(values) >= 10 * _HEAD and getattr(values.dtype, "storage", None) == "pyarrow":
        import pyarrow as pa
        import pyarrow.compute as pc

        labels = pd.Index(values.iloc[:_HEAD].dropna().unique()).sort_values()
        text = pa.array(values.array)
        if 0 < len(labels) < _HEAD // 10:
            codes = pc.index_in(text, value_set=pa.array(labels.array).cast(text.type))
            if not codes.null_count:  # no blanks, and no text that the first rows did not have
                return codes.to_numpy().astype(np.int64), labels
    codes, labels = pd.factorize(values, sort=sort)
    return codes.astype(np.int64, copy=False), pd.Index(labels)


_HEAD = 10_000
"""Rows that are looked at for the texts of a column."""


def codes_of(values: pd.Series, role: str) -> tuple[IntArray, int]:
    """Codes of a complete column, and how many there are.

    Raises
    ------
    DataError
        If a value is missing.
    """
    numbers = values.to_numpy() if isinstance(values.dtype, np.dtype) and values.dtype.kind in "iu" else None
    if numbers is not None and len(numbers):
        low, high = int(numbers.min()), int(numbers.max())
        if high - low < 4 * len(numbers):  # whole numbers close together need no hashing
            found, codes = compact(numbers.astype(np.int64) - low)
            return codes, len(found)
    codes, labels = factorize(values)
    if (codes < 0).any():
        raise DataError(
            f'{role} "{values.name}" is missing in {int((codes < 0).sum())} rows '
            f"(first: row {values.index[int(np.argmax(codes < 0))]}); fill it in, or leave these rows out"
        )
    return codes, len(labels)


def tally(codes: IntArray, values: npt.NDArray, n: int) -> FloatArray:
    """Sum of the values of each code, shape (n,)."""
    return np.bincount(codes, values, n).astype(float, copy=False)


def compact(joint: IntArray) -> tuple[IntArray, IntArray]:
    """The codes >= 0 that occur, ascending, and every row's place among them (-1 stays)."""
    top = int(joint.max(initial=-1)) + 1
    if top <= max(1_000_000, 4 * len(joint)):
        whole = joint.min(initial=0) >= 0
        occurs = np.bincount(joint if whole else joint[joint >= 0], minlength=top) > 0
        if whole and occurs.all():
            return np.arange(top), joint
        place = np.append(np.where(occurs, np.cumsum(occurs) - 1, -1), -1)  # index -1 is the last
        return np.flatnonzero(occurs).astype(np.int64), place[joint].astype(np.int64)
    found, code = np.unique(joint, return_inverse=True)
    if found[0] == -1:
        found, code = found[1:], code - 1
    return found, code.astype(np.int64)


def _joint(outer: IntArray, inner: IntArray, n_inner: int) -> IntArray:
    """Codes of the pairs that occur."""
    return compact(outer * n_inner + inner)[1]


def _first_of(codes: IntArray, n: int, values: npt.NDArray) -> npt.NDArray:
    out = np.empty(n, dtype=values.dtype)
    out[codes[::-1]] = values[::-1]
    return out


def build(
    data: pd.DataFrame,
    strata: Sequence[str | None],
    clusters: Sequence[str | None],
    fpc: Sequence[str | None],
) -> Structure:
    """Arrays for a design, see ``SurveyDesign`` for the meaning of the arguments.

    Raises
    ------
    ParameterError
        If a column is unknown, or there are more strata or population sizes than stages.
    DataError
        If a design column has missing values or a population size is not a positive number.
    """
    clusters = list(clusters) or [None]
    n_stages, n = len(clusters), len(data)
    for role, given in (("strata", strata), ("fpc", fpc)):
        if len(given) > n_stages:
            raise ParameterError(
                f"{role} names {len(given)} stages, clusters only {n_stages}; "
                "name the units of every stage in clusters (the last may be the row's own key)"
            )
    if None in clusters[:-1]:
        raise ParameterError("only the last stage may leave its cluster column out")
    strata = [*strata, *[None] * (n_stages - len(strata))]
    fpc = [*fpc, *[None] * (n_stages - len(fpc))]

    stages: list[Stage] = []
    faults: list[str] = []
    above = np.zeros(n, dtype=np.int64)
    for s in range(n_stages):
        stratum_name, cluster_name, fpc_name = strata[s], clusters[s], fpc[s]
        stratum = above
        if stratum_name is not None:
            own, n_own = codes_of(column(data, stratum_name, "strata"), "strata")
            stratum = _joint(above, own, n_own)
        unit = np.arange(n, dtype=np.int64)
        if cluster_name is not None:
            own, n_own = codes_of(column(data, cluster_name, "clusters"), "clusters")
            if n_own < n:
                unit = _joint(stratum, own, n_own)
        n_units, n_strata = int(unit.max(initial=-1)) + 1, int(stratum.max(initial=-1)) + 1
        if n_units == n:  # each row is a unit, whatever its name
            unit = np.arange(n, dtype=np.int64)
        unit_stratum = stratum if n_units == n else _first_of(unit, n_units, stratum)
        size = np.bincount(unit_stratum, minlength=n_strata).astype(float)
        population = np.full(n_strata, np.inf)
        if fpc_name is not None:
            sizes = _sizes(column(data, fpc_name, "fpc"))
            population = _first_of(stratum, n_strata, sizes)
            faults += _fpc_faults(
                data, stratum, sizes, population, size, fpc_name, stratum_name or "the sample"
            )
        if stages:
            last = stages[-1]
            parent = _first_of(stratum, n_strata, above)
            parent_stratum = last.unit_stratum[parent]
            reach = last.reach[parent_stratum] * last.fraction[parent_stratum]
            beyond = (
                np.ones(n_strata) if s == 1 else last.beyond[parent_stratum] * last.fraction[parent_stratum]
            )
        else:
            reach, beyond = np.ones(n_strata), np.ones(n_strata)
        stages.append(Stage(unit, stratum, unit_stratum, size, population, reach, beyond, n_units == n))
        above = unit
    certain = np.isclose(stages[0].fraction, 1) if n_stages > 1 else np.zeros(len(stages[0].size), dtype=bool)
    return Structure(tuple(stages), tuple(faults), tuple(strata), tuple(clusters), certain)


_RARE = 0.05
"""Largest share of last units with several rows that are taken for one answer given twice, not for households."""


def repeated(data: pd.DataFrame, structure: Structure) -> IntArray:
    """Rows that repeat an earlier one where the last stage's units are respondents.

    A ``response_id`` stands for one answer of a wave (columns ``period`` or ``wave``); another key only where rows that
    share it are alike in every column and rare.
    """
    last, name = structure.stages[-1], structure.clusters[-1]
    if name is None or last.n_units == len(data):
        return np.zeros(0, dtype=np.int64)
    if name == "response_id":
        keys = [last.unit, *(codes_of(data[c].astype("str"), c)[0] for c in ("period", "wave") if c in data)]
        return np.flatnonzero(pd.DataFrame(dict(enumerate(keys))).duplicated())
    several = np.bincount(last.unit) > 1
    rows = np.flatnonzero(several[last.unit])
    if len(structure.stages) < 2 or several.mean() > _RARE:
        return np.zeros(0, dtype=np.int64)
    try:
        return rows[data.iloc[rows].duplicated().to_numpy()]
    except TypeError:  # columns of lists: nothing to compare
        return np.zeros(0, dtype=np.int64)


def _sizes(values: pd.Series) -> FloatArray:
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    bad = ~(numbers > 0)
    if bad.any():
        row = int(np.argmax(bad))
        raise DataError(
            f'fpc "{values.name}" must be a number of units above 0; {int(bad.sum())} rows are not '
            f"(first: row {values.index[row]}: {shown(values.iloc[row])})"
        )
    return numbers


def _fpc_faults(
    data: pd.DataFrame,
    stratum: IntArray,
    sizes: FloatArray,
    population: FloatArray,
    size: FloatArray,
    name: str,
    within: str,
) -> list[str]:
    faults = []
    varying = np.unique(stratum[sizes != population[stratum]])
    if len(varying):
        row = int(np.flatnonzero(stratum == varying[0])[0])
        faults.append(
            f'fpc "{name}" takes several values within {len(varying)} strata of "{within}" '
            f"(first: that of row {data.index[row]}); give one population size a stratum, "
            "or compare waves with .change(wave=...), which reads each wave's own"
        )
    short = np.flatnonzero(size > population * (1 + 1e-12))
    if len(short):
        row = int(np.flatnonzero(stratum == short[0])[0])
        faults.append(
            f'fpc "{name}": {len(short)} strata of "{within}" have more units in the sample than in the '
            f"population (first: that of row {data.index[row]}, {size[short[0]]:.0f} of "
            f"{population[short[0]]:g}); fpc is the number of units in the population, not a fraction"
        )
    return faults
