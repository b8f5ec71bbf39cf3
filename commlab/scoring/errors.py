"""Errors of leaf scores: sampling of residents, disagreement of raters, drawn for many draws at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.framework import Framework

__all__ = ["Errors", "Noise"]


class Errors:
    """Errors of leaf scores from one source, as shares of full marks."""

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
        self.factor: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
        if isinstance(given, pd.Series):
            self.drawn = self._independent(given)
        elif isinstance(given, pd.DataFrame):
            self.drawn = self._joint(given)
        elif given == "evidence":
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
        parts = {
            (c, p.part): p for c in self.framework.leaves for p in self.framework.parts(c) if p.rule in rules
        }
        told: dict[tuple[int, int], float] = {}
        for unit, code, name, se in zip(
            *(main[c].tolist() for c in ("unit", "code", "part", "se")), strict=True
        ):
            part = parts.get((code, name))
            if part is not None and unit in self._unit:
                key = (self._unit[unit], self._leaf[code])
                # parts of one leaf that rest on the same judgement err together: their errors add up
                told[key] = told.get(key, 0.0) + part.share * se / 100
        for (i, j), se in told.items():
            self.variance[i, j] += se**2
        return bool(told)

    def _at(self, index: pd.Index) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if index.nlevels != 2:
            raise DataError("errors of scores are indexed by (unit, code)")
        codes = {c: self.framework.code(str(c)) for c in index.get_level_values(1).unique()}
        rows = np.array([self._unit.get(u, -1) for u in index.get_level_values(0)])
        columns = np.array([self._leaf.get(codes[c], -1) for c in index.get_level_values(1)])
        branches = sorted({c for c, j in zip(index.get_level_values(1), columns, strict=True) if j < 0})
        if branches:
            raise DataError(f"errors are given for codes that are no leaves: {listing(branches)}")
        return rows, columns, rows >= 0

    def _independent(self, given: pd.Series) -> bool:
        value = given.to_numpy(float)
        if not np.isfinite(value).all() or (value < 0).any():
            raise DataError("variances of scores must be finite and >= 0")
        rows, columns, keep = self._at(given.index)
        np.add.at(self.variance, (rows[keep], columns[keep]), value[keep] / 100**2)
        return bool(keep.any())

    def _joint(self, given: pd.DataFrame) -> bool:
        if not given.index.equals(given.columns):
            raise DataError(f"{self.name}: a covariance has the same (unit, code) in rows and columns")
        rows, columns, keep = self._at(given.index)
        matrix = given.to_numpy(float)[np.ix_(keep, keep)] / 100**2
        if not np.isfinite(matrix).all() or not np.allclose(matrix, matrix.T, rtol=1e-8, atol=1e-12):
            raise DataError(f"{self.name}: the covariance is not finite or not symmetric")
        values, vectors = np.linalg.eigh(matrix)
        if len(values) and values.min() < -1e-8 * max(values.max(), 1e-12):
            raise DataError(f"{self.name}: the covariance has a negative eigenvalue ({values.min():.3g})")
        self.factor = (rows[keep], columns[keep], vectors * np.sqrt(np.clip(values, 0, None)))
        return bool(keep.any())

    def fields(self, draws: int, cells: np.ndarray) -> dict[int, np.ndarray]:
        """Errors of single leaves, where ``cells`` (units x leaves) asks for them: leaf -> draws x units."""
        shape = (draws, len(self._unit))
        out: dict[int, np.ndarray] = {}
        if self.factor is not None:
            rows, columns, factor = self.factor
            joint = self.rng.standard_normal((draws, factor.shape[1])) @ factor.T
            for j in np.unique(columns):
                pick = columns == j
                out.setdefault(int(j), np.zeros(shape))[:, rows[pick]] += joint[:, pick]
        asked = (self.variance > 0) & cells
        for j in np.flatnonzero(asked.any(axis=0)):
            at = np.flatnonzero(asked[:, j])
            error = self.rng.standard_normal((draws, len(at)), dtype=np.float32)
            error *= np.sqrt(self.variance[at, j]).astype(np.float32)
            if len(at) == shape[1] and j not in out:
                out[int(j)] = error
            else:
                out.setdefault(int(j), np.zeros(shape))[:, at] += error
        return out


@dataclass(frozen=True)
class Noise:
    """Errors of one source in one block: leaf by leaf where they bend the score, else one number a unit.

    A weighted sum of independent normal errors is normal: its standard deviation follows from the drawn
    weights, so one number a draw and unit (``common``) stands for the errors of all leaves in ``variance``
    (units x leaves).
    """

    fields: dict[int, np.ndarray]
    variance: np.ndarray | None
    common: np.ndarray | None

    def take(self, rows: np.ndarray) -> Noise:
        common = None if self.common is None else self.common[rows]
        return Noise({j: e[rows] for j, e in self.fields.items()}, self.variance, common)
