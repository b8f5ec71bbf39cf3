"""Errors of leaf scores: sampling of residents, disagreement of raters, drawn for blocks of draws."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.framework import Framework

__all__ = ["Errors", "normals"]

_NEGATIVE = 1e-8
"""Eigenvalues this far below zero, relative to the largest, are rounding."""

_STEPS = 2**16
"""Normal errors take this many equally likely values: sixteen random bits each, read off a table."""


@cache
def _quantiles() -> np.ndarray:
    """Quantiles of the normal distribution in the middle of equal steps, scaled to variance 1."""
    from scipy.special import ndtri

    table = ndtri((np.arange(_STEPS) + 0.5) / _STEPS)
    out: np.ndarray = (table / table.std()).astype(np.float32)
    out.setflags(write=False)
    return out


def normals(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Standard normal numbers, narrow and quick: the errors of a draw are sums of many of them.

    Each is one of 65,536 equally likely quantiles (from -4.3 to 4.3); mean and variance are exactly 0 and 1.

    >>> x = normals(np.random.default_rng(1), (200_000,))
    >>> bool(abs(x.mean()) < 0.01 and abs(x.std() - 1) < 0.01)
    True
    """
    return np.take(_quantiles(), rng.integers(0, _STEPS, size=shape, dtype=np.uint16))


class Errors:
    """Errors of leaf scores from one source, as shares of full marks.

    ``variance`` (units x leaves) holds errors that are independent of each other; a covariance is kept as
    the groups of cells that move together (``joint``: cells and factors of all groups of one size).
    """

    def __init__(
        self,
        evidence: pd.DataFrame,
        framework: Framework,
        units: tuple[str, ...],
        given: pd.DataFrame | pd.Series | str,
        rules: tuple[str, ...],
        name: str,
        rng: np.random.Generator,
    ) -> None:
        self.name, self.rng, self.framework = name, rng, framework
        self._unit = {u: i for i, u in enumerate(units)}
        self._leaf = {c: j for j, c in enumerate(framework.leaves)}
        self.variance = np.zeros((len(units), len(framework.leaves)))
        self.joint: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        if isinstance(given, pd.Series):
            self.drawn = self._independent(given)
        elif isinstance(given, pd.DataFrame):
            self.drawn = self._joint(given)
        elif isinstance(given, str) and given == "evidence":
            self.drawn = self._from_evidence(evidence, rules)
        else:
            raise ParameterError(
                f"{name}: 'evidence', a Series, a DataFrame or None is expected, not {given!r}"
            )

    def _from_evidence(self, evidence: pd.DataFrame, rules: tuple[str, ...]) -> bool:
        if "se" not in evidence:
            return False
        main = evidence[evidence["role"] == "main"] if "role" in evidence else evidence
        main = main[main["se"].notna() & (main["se"] > 0)]
        told = np.zeros_like(self.variance)
        rows = main["unit"].map(self._unit).fillna(-1).to_numpy(dtype=int)
        parts = {
            (c, p.part): p for c in self.framework.leaves for p in self.framework.parts(c) if p.rule in rules
        }
        se = main["se"].to_numpy(float)
        for (code, name), at in main.groupby(["code", "part"], sort=False).indices.items():
            part = parts.get((code, name))
            if part is not None:
                inside = at[rows[at] >= 0]
                # parts of one leaf that rest on the same judgement err together: their errors add up
                told[rows[inside], self._leaf[code]] += part.share * se[inside] / 100
        self.variance += told**2
        return bool(told.any())

    def _at(self, index: pd.Index) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if index.nlevels != 2:
            raise DataError("errors of scores are indexed by (unit, code)")
        again = index[index.duplicated()]
        if len(again):
            raise DataError(f"{self.name}: {again[0][0]} {again[0][1]} is given more than once")
        codes = {c: self.framework.code(str(c)) for c in index.get_level_values(1).unique()}
        rows = np.array([self._unit.get(u, -1) for u in index.get_level_values(0)], dtype=int)
        columns = np.array([self._leaf.get(codes[c], -1) for c in index.get_level_values(1)], dtype=int)
        branches = sorted({c for c, j in zip(index.get_level_values(1), columns, strict=True) if j < 0})
        if branches:
            raise DataError(f"errors are given for codes that are no leaves: {listing(branches)}")
        return rows, columns, rows >= 0

    def _independent(self, given: pd.Series) -> bool:
        if pd.api.types.is_complex_dtype(given.dtype):
            raise DataError("variances of scores must be numbers that have an order")
        value = pd.to_numeric(given, errors="coerce").to_numpy(float)
        if not np.isfinite(value).all() or (value < 0).any():
            raise DataError("variances of scores must be finite and >= 0")
        rows, columns, keep = self._at(given.index)
        np.add.at(self.variance, (rows[keep], columns[keep]), value[keep] / 100**2)
        return bool(keep.any())

    def _joint(self, given: pd.DataFrame) -> bool:
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import connected_components

        if not given.index.equals(given.columns):
            raise DataError(f"{self.name}: a covariance has the same (unit, code) in rows and columns")
        rows, columns, keep = self._at(given.index)
        matrix = given.to_numpy(float)
        if not keep.all():
            matrix = matrix[np.ix_(keep, keep)]
        filled = csr_array(matrix)  # a covariance of many units is mostly zeros
        told, apart = np.abs(filled.data), np.abs((filled - filled.T).data)
        if not np.isfinite(told).all() or apart.max(initial=0) > 1e-8 * told.max(initial=0) + 1e-8:
            raise DataError(f"{self.name}: the covariance is not finite or not symmetric")
        rows, columns = rows[keep], columns[keep]
        # cells that share no error are drawn apart
        _, group = connected_components(filled, directed=False)
        order = np.argsort(group, kind="stable")
        size = np.bincount(group)
        starts = np.cumsum(size) - size
        for k in np.unique(size):
            cells = order[starts[size == k][:, None] + np.arange(k)]
            values, vectors = np.linalg.eigh(matrix[cells[:, :, None], cells[:, None, :]] / 100**2)
            low, high = values.min(initial=0), values.max(initial=1e-12)
            if low < -_NEGATIVE * high:
                raise DataError(f"{self.name}: the covariance has a negative eigenvalue ({low:.3g})")
            factor = vectors * np.sqrt(np.clip(values, 0, None))[:, None, :]
            moves = factor.any(axis=(1, 2))
            cells, factor = cells[moves], factor[moves]
            self.joint.append((rows[cells], columns[cells], factor.astype(np.float32)))
        return bool(keep.any())

    def joint_cells(self) -> np.ndarray:
        """Units x leaves: which cells take part in a covariance."""
        out = np.zeros(self.variance.shape, bool)
        for rows, columns, factor in self.joint:
            out[rows, columns] = np.abs(factor).sum(axis=2) > 0
        return out

    def together(self, draws: int) -> dict[int, list[tuple[np.ndarray, np.ndarray]]]:
        """Joint errors of a block, by leaf: units, and draws x those units."""
        out: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {}
        for rows, columns, factor in self.joint:
            groups, k = rows.shape
            z = normals(self.rng, (groups, draws, k))
            e = np.matmul(z, factor.transpose(0, 2, 1))
            for j in np.unique(columns):
                at, inside = np.nonzero(columns == j)
                out.setdefault(int(j), []).append((rows[at, inside], e[at, :, inside].T))
        return out

    def drawn_at_once(self, draws: int) -> np.ndarray:
        """All errors of all cells: draws x units x leaves."""
        out = normals(self.rng, (draws, *self.variance.shape))
        out *= np.sqrt(self.variance).astype(np.float32)
        for j, found in self.together(draws).items():
            for units, error in found:
                out[:, units, j] += error
        return out
