"""Calibration: the weights closest to the design's that meet known totals of categories and of numbers.

With d the old weights, x_i the auxiliary variables and t their totals, w_i = d_i F(x_i' lambda), sum w x = t:

linear   (1) F(u) = 1 + u (the regression estimator; weights may turn negative)
raking   (2) F(u) = exp(u)
logit    (3) F(u) = (L (U - 1) + U (1 - L) exp(A u)) / (U - 1 + (1 - L) exp(A u)), so that L < w / d < U, with
             A = (U - L) / ((1 - L) (U - 1))        Source: Deville & Saerndal (1992), table 1; R: calibrate()
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from commlab.errors import DataError, ParameterError, listing
from commlab.survey.columns import values_of
from commlab.survey.margins import Sample, margins_check, margins_of
from commlab.survey.structure import FloatArray
from commlab.survey.weighting import Calibration, indicators_of_cells

if TYPE_CHECKING:
    from commlab.survey.design import SurveyDesign

__all__ = ["METHODS", "calibrate", "calibrated"]

METHODS = ("linear", "raking", "logit")
_ROUNDING = 1e-4
"""Share of the sum of a column without signs below which a total is not measured by its own size."""


def calibrate(
    design: SurveyDesign,
    totals: Mapping[Any, Any],
    *,
    method: str = "linear",
    bounds: tuple[float, float] | None = None,
    tolerance: float = 1e-12,
    iterations: int = 100,
) -> SurveyDesign:
    """Weights that meet totals of categories and of numeric variables.

    Parameters
    ----------
    design : SurveyDesign
    totals : mapping
        Variable (or tuple of variables) -> population totals of its cells, as for ``rake``; or numeric
        variable -> its population total, a number. The number of people follows from the cells.
    method : "linear", "raking" or "logit"
    bounds : (float, float), optional
        For "logit": smallest and largest ratio of new to old weight, around 1.
    tolerance : float
        Largest relative deviation from any total at the end.

    Returns
    -------
    SurveyDesign
        With calibrated standard errors.

    Raises
    ------
    DataError
        If cells differ, an auxiliary variable is missing in weighted rows, totals contradict each other, or
        no weights within the bounds meet them.
    """
    if method not in METHODS:
        raise ParameterError(f"method={method!r} is not one of {', '.join(METHODS)}")
    if (method == "logit") != (bounds is not None):
        raise ParameterError('bounds=(low, high) belong to method="logit", and it needs them')
    if bounds is not None and not 0 <= bounds[0] < 1 < bounds[1]:
        raise ParameterError(f"bounds={bounds} must lie around 1, such as (0.3, 3)")
    if not isinstance(totals, Mapping) or not totals:
        raise ParameterError("totals must be a mapping of variable -> totals, and not empty")
    if not 0 < tolerance < 1:
        raise ParameterError(f"tolerance={tolerance!r} must lie between 0 and 1, such as 1e-12")
    cells = {key: value for key, value in totals.items() if not np.isscalar(value)}
    if cells:
        margins_check(cells)
    sample = Sample(design, [v for key in totals for v in (key if isinstance(key, tuple) else (key,))])
    x, target, names = _auxiliary(sample, totals)
    factor = _factor(x, sample.mass, target, names, method, bounds or (0.0, np.inf), tolerance, iterations)
    negative = (factor < 0) & (sample.mass > 0)
    if negative.any():
        n, row = sample.first_row(negative)
        raise DataError(
            f"{n} weights turned negative (first: row {row}); "
            'use method="raking", or method="logit" with bounds'
        )
    calibration = Calibration(sample, x, factor, method, bounds or (0.0, np.inf))
    return design.reweighted(calibration.after, calibration)


def calibrated(calibration: Calibration, weights: FloatArray) -> FloatArray:
    """Other weights of the same sample, such as a replicate's, brought to the totals of a calibration."""
    c = calibration
    mass = np.bincount(c.cell, weights, minlength=len(c.mass)).astype(float)
    target = np.asarray(c.x.T @ (c.mass * c.factor))
    names = [f"total {i + 1}" for i in range(len(target))]
    return weights * _factor(c.x, mass, target, names, c.method, c.bounds, 1e-12, 100)[c.cell]


def _auxiliary(sample: Sample, totals: Mapping[Any, Any]) -> tuple[sp.csr_matrix, FloatArray, list[str]]:
    """Matrix (cells of the sample in rows), totals and names of the auxiliary variables."""
    blocks: list[sp.csr_matrix] = []
    target: list[float] = []
    names: list[str] = []
    for key, value in totals.items():
        if np.isscalar(value):
            y = values_of(sample.design, key)[sample.row]
            lacking = np.isnan(y) & (sample.mass > 0)
            if lacking.any():
                n, row = sample.first_row(lacking)
                raise DataError(f'"{key}" is missing in {n} rows (first: row {row}); fill it in first')
            blocks.append(sp.csr_matrix(np.nan_to_num(y)[:, None]))
            target.append(_number(key, value))
            names.append(str(key))
            continue
        ((variables, cells),) = margins_of({key: value})
        code, known = sample.match(variables, cells)
        blocks.append(indicators_of_cells([code], [len(known)]))
        target += known.tolist()
        names += [f"{'+'.join(variables)}={cell}" for cell in cells.index]
    return sp.csr_matrix(sp.hstack(blocks)), np.array(target), names


def _number(key: object, value: object) -> float:
    number = pd.to_numeric(pd.Series([value]), errors="coerce").iloc[0]
    if not np.isfinite(number):
        raise ParameterError(f'the total of "{key}" is {value!r}; give a number')
    return float(number)


def _functions(
    method: str, bounds: tuple[float, float]
) -> tuple[Callable[[FloatArray], FloatArray], Callable[[FloatArray], FloatArray]]:
    """F and its derivative."""
    if method == "linear":
        return lambda u: 1 + u, np.ones_like  # (1)
    if method == "raking":
        return np.exp, np.exp  # (2)
    low, high = bounds
    a = (high - low) / ((1 - low) * (high - 1))

    def f(u: FloatArray) -> FloatArray:
        e = np.exp(np.clip(a * u, -700, 700))
        return (low * (high - 1) + high * (1 - low) * e) / (high - 1 + (1 - low) * e)  # (3)

    def slope(u: FloatArray) -> FloatArray:
        g = f(u)
        return a * (g - low) * (high - g) / (high - low)

    return f, slope


def _factor(
    x: sp.csr_matrix,
    d: FloatArray,
    target: FloatArray,
    names: list[str],
    method: str,
    bounds: tuple[float, float],
    tolerance: float,
    iterations: int,
) -> FloatArray:
    """Newton's method for sum d F(x'l) x = t, halving steps that make it worse."""
    f, slope = _functions(method, bounds)
    # A total near 0 (of a centred number) is met as well as its summands' rounding lets it.
    summands = np.asarray(abs(x).T @ d)
    scale = np.maximum(np.maximum(np.abs(target), _ROUNDING * summands), np.finfo(float).tiny)
    multiplier = np.zeros(x.shape[1])
    off = target - x.T @ (d * f(x @ multiplier))
    for _ in range(iterations):
        if (np.abs(off) <= tolerance * scale).all():
            break
        u = x @ multiplier
        jacobian = (x.T @ sp.diags(d * slope(u)) @ x).toarray()
        # Margins overlap (each adds up to the population), so the system has rank below its size.
        unit = np.sqrt(np.maximum(np.diag(jacobian), np.finfo(float).tiny))
        step = np.linalg.lstsq(jacobian / np.outer(unit, unit), off / unit, rcond=1e-11)[0] / unit
        size = 1.0
        while size > 1e-6:
            with np.errstate(over="ignore", invalid="ignore"):  # a step too far is halved
                trial = target - x.T @ (d * f(x @ (multiplier + size * step)))
            if np.isfinite(trial).all() and np.abs(trial / scale).max() < np.abs(off / scale).max():
                break
            size /= 2
        else:
            break
        multiplier, off = multiplier + size * step, trial
    worst = np.abs(off / scale)
    if worst.max() > max(tolerance, 1e-9):
        named = [f"{names[i]} (off by {worst[i]:.2g})" for i in np.argsort(-worst)[:3]]
        raise DataError(
            f"no {method} weights meet all totals: {listing(named)}; totals contradict each other, or the "
            "bounds are too narrow: collapse cells, drop a total, or widen the bounds"
        )
    return f(x @ multiplier)
