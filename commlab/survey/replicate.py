"""Replicate weights: the design re-run on parts of itself, for statistics without a formula.

JK1        (1) leave out one first-stage unit at a time, one stratum
JKn        (2) the same within each stratum; multiplier n_h / (n_h - 1), scale (n_h - 1) / n_h (1 - f_h)
bootstrap  (3) draw n_h - 1 units with replacement per stratum; multiplier n_h / (n_h - 1) x times drawn
           (Rao & Wu 1988)

V = sum_r c_r (theta_r - mean of the theta_r)^2, as R's ``mse=FALSE``, its default. For a total, (2) is the Taylor variance of the first stage exactly; later
stages are not replicated (a finite population correction, where given, shrinks the first stage's part only).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.survey import intervals
from commlab.survey.calibrate import calibrated
from commlab.survey.columns import values_of, variables_of
from commlab.survey.structure import FloatArray, IntArray, column, generator

if TYPE_CHECKING:
    from commlab.survey.design import SurveyDesign

__all__ = ["ReplicateDesign", "bootstrap_multipliers", "replicates"]

_METHODS = ("JK1", "JKn", "bootstrap")
_CELLS = 50_000_000
"""Most numbers that jackknife weights may take."""


def _units(design: SurveyDesign) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """Unit of each row, stratum of each unit, units and fraction per stratum; certainties go deeper."""
    first = design.structure.stages[0]
    unit, stratum, size = first.unit, first.unit_stratum, first.size
    fraction = np.where(np.isfinite(first.population), first.fraction, 0.0)
    if design.structure.certain.any():
        second = design.structure.stages[1]
        deep = design.structure.certain[first.stratum]
        unit = np.where(deep, second.unit + first.n_units, first.unit)
        codes, unit = np.unique(unit, return_inverse=True)
        stratum_of = np.concatenate([first.unit_stratum, second.unit_stratum + len(first.size)])[codes]
        used, stratum = np.unique(stratum_of, return_inverse=True)
        size = np.concatenate([first.size, second.size])[used]
        both = [np.where(np.isfinite(s.population), s.fraction, 0.0) for s in (first, second)]
        fraction = np.concatenate(both)[used]
    return unit.astype(np.int64), stratum.astype(np.int64), size, fraction


def bootstrap_multipliers(design: SurveyDesign, draws: int, seed: int) -> Iterator[FloatArray]:
    """Weight multipliers of each row, draw by draw (3); strata with one unit keep theirs."""
    unit, stratum, size, _ = _units(design)
    rng = generator(seed)
    members = [np.flatnonzero(stratum == h) for h in range(len(size))]
    for _ in range(draws):
        multiplier = np.ones(len(stratum))
        for inside in members:
            n = len(inside)
            if n > 1:
                times = np.bincount(rng.integers(0, n, n - 1), minlength=n)
                multiplier[inside] = times * n / (n - 1)
        yield multiplier[unit]


class ReplicateDesign:
    """A design with replicate weights.

    Attributes
    ----------
    weights : float array, shape (n_rows,)
    replicates : float array, shape (n_rows, n_replicates)
    scale : float array, shape (n_replicates,)
        c_r.
    """

    def __init__(
        self, data: pd.DataFrame, weights: FloatArray, replicates: FloatArray, scale: FloatArray, df: int
    ) -> None:
        if replicates.shape != (len(data), len(scale)) or len(weights) != len(data):
            raise DataError(
                f"replicates {replicates.shape} do not fit {len(data)} rows and {len(scale)} scales"
            )
        self.data, self.weights, self.replicates, self.scale, self.df = data, weights, replicates, scale, df

    def statistic(
        self, what: Callable[[pd.DataFrame, FloatArray], FloatArray | float], *, confidence: float = 0.95
    ) -> pd.DataFrame:
        """Any function of data and weights, with its replicate error.

        Parameters
        ----------
        what : function (data, weights) -> number or array

        Returns
        -------
        DataFrame
            estimate, se, ci_low, ci_high, df; a row per element.
        """
        theta = np.atleast_1d(np.asarray(what(self.data, self.weights), dtype=float))
        again = np.stack(
            [np.atleast_1d(what(self.data, self.replicates[:, r])) for r in range(len(self.scale))]
        )
        lost = int((~np.isfinite(again)).any(axis=tuple(range(1, again.ndim))).sum())
        if lost or not np.isfinite(theta).all():
            raise DataError(
                f"the statistic is no number in {'the whole sample' if not np.isfinite(theta).all() else f'{lost} replicates'}"
                "; leave out missing answers, and domains that lie in one unit"
            )
        return self._table(theta, again, confidence)

    def mean(
        self, variables: str | Sequence[str], *, by: str | None = None, confidence: float = 0.95
    ) -> pd.DataFrame:
        """Weighted means: [by], variable, estimate, se, ci_low, ci_high, df."""
        return self._linear(variables, by, confidence, total=False)

    def total(
        self, variables: str | Sequence[str], *, by: str | None = None, confidence: float = 0.95
    ) -> pd.DataFrame:
        """Totals: [by], variable, estimate, se, ci_low, ci_high, df."""
        return self._linear(variables, by, confidence, total=True)

    def _linear(
        self, variables: str | Sequence[str], by: str | None, confidence: float, *, total: bool
    ) -> pd.DataFrame:
        names = variables_of(variables)
        codes, labels = (
            pd.factorize(column(self.data, by, "by"), sort=True)
            if by is not None
            else (np.zeros(len(self.data), dtype=int), [None])
        )
        all_weights = np.column_stack([self.weights, self.replicates])
        parts = []
        for name in names:
            y = values_of(self, name)  # type: ignore[arg-type]
            for g in range(len(labels)):
                rows = (codes == g) & ~np.isnan(y)
                w = all_weights[rows]
                sums = y[rows] @ w
                parts.append(
                    sums
                    if total
                    else np.divide(
                        sums, w.sum(axis=0), out=np.full(len(sums), np.nan), where=w.sum(axis=0) > 0
                    )
                )
        values = np.array(parts)
        of = [f"{n} of {g}" if by is not None else n for n in names for g in labels]
        lost = np.isnan(values).any(axis=1) & ~np.isnan(values[:, 0])
        if lost.any():
            raise DataError(
                f"{int(lost.sum())} domains have no answers in some replicates "
                f"({listing([of[i] for i in np.flatnonzero(lost)])}): they lie in one unit, of which leaving it out "
                "leaves nothing; join domains, or use the design itself"
            )
        out = self._table(values[:, 0], values[:, 1:].T, confidence)
        out.insert(0, "variable", np.repeat(names, len(labels)))
        if by is not None:
            out.insert(0, by, list(labels) * len(names))
        return out

    def _table(self, theta: FloatArray, again: FloatArray, confidence: float) -> pd.DataFrame:
        se = np.sqrt(self.scale @ (again - again[self.scale > 0].mean(axis=0)) ** 2)
        low, high = intervals.t_interval(theta, se, np.full(len(theta), self.df), confidence)
        return pd.DataFrame({"estimate": theta, "se": se, "ci_low": low, "ci_high": high, "df": self.df})


def replicates(
    design: SurveyDesign, *, method: str = "JKn", draws: int = 500, seed: int = 2019
) -> ReplicateDesign:
    """Turn a design into one with replicate weights.

    Parameters
    ----------
    design : SurveyDesign
        Where it is calibrated, so is every replicate, to the same totals (R: calibrate or rake of as.svrepdesign).
    method : "JK1", "JKn" or "bootstrap"
    draws : int
        Bootstrap draws.

    Raises
    ------
    DataError
        If a stratum has one unit only, or a replicate cannot meet the totals (a cell lies in one unit).
    """
    if method not in _METHODS:
        raise ParameterError(f"method={method!r} is not one of {', '.join(_METHODS)}")
    if design.calibrations and not np.array_equal(design.weights, design.calibrations[-1].after):
        raise ParameterError(
            "the weights were trimmed or restricted after calibration, which a replicate cannot repeat; "
            "make replicates before that"
        )
    design._sound()
    base = design.calibrations[0].before if design.calibrations else design.weights
    unit, stratum, size, fraction = _units(design)
    df = int(np.clip(size - 1, 0, None)[fraction < 1].sum())  # R's degf: the rank of the replicates
    if method == "bootstrap":
        if not isinstance(draws, (int, np.integer)) or draws < 2:
            raise ParameterError(f"draws={draws!r} must be a whole number, 2 or more")
        made = np.column_stack([base * m for m in bootstrap_multipliers(design, draws, seed)])
        scale = np.full(draws, 1 / draws)
        return ReplicateDesign(design.data, design.weights, _again(design, made), scale, df)
    if method == "JK1" and len(size) > 1:
        raise ParameterError(f"JK1 is for one stratum, the design has {len(size)}; use JKn")
    alone = (size == 1) & (fraction < 1)
    if alone.any():
        rows = [int(np.argmax(stratum[unit] == h)) for h in np.flatnonzero(alone)]
        name = design.structure.strata[0]
        named = [design.data[name].iloc[r] if name else f"that of row {design.data.index[r]}" for r in rows]
        raise DataError(
            f"{len(rows)} strata have one unit only ({listing(named)}); leaving it out leaves nothing: merge them"
        )
    kept = np.flatnonzero(size[stratum] > 1)
    if len(kept) * len(design.data) > _CELLS:
        raise ParameterError(f'{len(kept)} jackknife replicates of {len(design.data)} rows; use "bootstrap"')
    factor = np.ones((len(stratum), len(kept)))
    for r, u in enumerate(kept):
        h = stratum[u]
        factor[stratum == h, r] = size[h] / (size[h] - 1)
        factor[u, r] = 0.0
    n = size[stratum[kept]]
    scale = (n - 1) / n * (1 - fraction[stratum[kept]])
    made = base[:, None] * factor[unit]
    return ReplicateDesign(design.data, design.weights, _again(design, made), scale, df)


def _again(design: SurveyDesign, made: FloatArray) -> FloatArray:
    """Every replicate calibrated as the design was, one calibration after the other."""
    for calibration in design.calibrations:
        for r in range(made.shape[1]):
            try:
                made[:, r] = calibrated(calibration, made[:, r])
            except DataError as error:
                raise DataError(
                    f"replicate {r + 1} cannot be calibrated as the design was: {error}"
                ) from error
    return made
