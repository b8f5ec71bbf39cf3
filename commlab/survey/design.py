"""The design: which rows were drawn how, and with which weights. Everything else asks it.

>>> import pandas as pd
>>> data = pd.DataFrame({"unit": list("aabbcc"), "y": [1, 2, 3, 4, 5, 6], "communities": 30})
>>> SurveyDesign(data, clusters="unit", fpc="communities").mean("y")[["estimate", "n"]]
   estimate  n
0       3.5  6
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing, within_reach
from commlab.survey.structure import (
    FloatArray,
    IntArray,
    Structure,
    as_list,
    build,
    column,
    compact,
    factorize,
    repeated,
    shown,
)
from commlab.survey.variance import LONELY

__all__ = ["SurveyDesign"]


class SurveyDesign:
    """A complex sample, and design-based estimates from it.

    Parameters
    ----------
    data : DataFrame
        A row per respondent. It is not copied and never changed.
    weights : str, optional
        Column of sampling weights, >= 0 and complete (0 leaves a row out of every estimate). Without it: the
        product of N / n over the stages that have ``fpc``, else 1.
    strata, clusters, fpc : str or list of str, optional
        Columns by stage. ``clusters`` are the units drawn; without them each row is a unit. ``fpc`` is the
        number of units in the population of the row's stratum (for the second stage: of its first-stage
        unit). Strata of later stages lie in the units of the stage above. A unit's name may repeat in
        another stratum.
    lonely : str
        What a stratum with one unit in the sample and more in the population does: "fail" (refuse and name it
        when a variance is asked for), "remove" or "certainty" (adds nothing), "adjust" (deviation from the
        grand mean), "average" (the mean of the other strata). As R's ``survey.lonely.psu``.

    degrees : "units" or "satterthwaite"
        Degrees of freedom of estimates: units minus strata with cases (R, Stata), or those of the variance
        itself. They differ where few communities carry the variance beside many residents of certain ones;
        ``compare`` and ``independence`` always count units.

    Raises
    ------
    ParameterError
        If a column is unknown, or there are more strata or population sizes than stages.
    DataError
        If the data are empty, a design column has missing, negative or otherwise impossible values, or answers stand
        there twice.

    Notes
    -----
    A stratum whose first-stage units are all in the sample (fpc 1 of 1, say) is a *certainty*: between its
    units nothing varies and the next stage takes over, for the variance and for the degrees of freedom (its
    second-stage units minus their strata; R's ``degf`` still counts first-stage units there).

    A domain inside one first-stage unit (a community) has, by the usual formula, standard error 0. Here the
    unit becomes its own stratum and its second-stage units count, if the design has a second stage; else the
    request is refused.
    """

    def __init__(
        self,
        data: pd.DataFrame,
        *,
        weights: str | None = None,
        strata: str | Sequence[str | None] | None = None,
        clusters: str | Sequence[str | None] | None = None,
        fpc: str | Sequence[str | None] | None = None,
        lonely: str = "fail",
        degrees: str = "units",
    ) -> None:
        if not isinstance(data, pd.DataFrame):
            raise ParameterError(f"data must be a DataFrame, got {type(data).__name__}")
        if not len(data):
            raise DataError("the design has no rows; a survey needs at least one answer")
        if lonely not in LONELY:
            raise ParameterError(f"lonely={lonely!r} is not one of {', '.join(LONELY)}")
        if degrees not in ("units", "satterthwaite"):
            raise ParameterError(f'degrees={degrees!r} is not "units" or "satterthwaite"')
        self.data = data
        self.lonely, self.degrees = lonely, degrees
        self._spec: dict[str, Any] = {
            "strata": as_list(strata),
            "clusters": as_list(clusters),
            "fpc": as_list(fpc),
        }
        self.structure: Structure = build(data, **self._spec)
        twice = repeated(data, self.structure)
        if len(twice):
            name = self.structure.clusters[-1]
            raise DataError(
                f'{len(twice)} rows repeat the answer of another with the same "{name}" '
                f"({listing(data[name].iloc[twice].unique())}; first: row {data.index[twice[0]]}); drop them, or name "
                "the wave of a panel in a column wave or period"
            )
        if weights is None:
            self.weights = self._from_fpc()
        else:
            self.weights = _weights(column(data, weights, "weights"))
        self.calibrations: tuple[Any, ...] = ()

    def __repr__(self) -> str:
        s = self.structure
        units = " > ".join(
            f"{stage.n_units} {name or 'rows'}" for stage, name in zip(s.stages, s.clusters, strict=True)
        )
        done = f", {len(self.calibrations)} calibrations" if self.calibrations else ""
        return f"SurveyDesign({len(self.data)} rows; {len(s.stages[0].size)} strata; {units}{done})"

    def _from_fpc(self) -> FloatArray:
        self._sound()
        weights = np.ones(len(self.data))
        for stage in self.structure.stages:
            known = np.isfinite(stage.population)
            weights *= np.where(known, stage.population / stage.size, 1.0)[stage.stratum]
        return weights

    def _sound(self) -> None:
        """Refuse population sizes that contradict the sample."""
        if self.structure.faults:
            raise DataError("; ".join(self.structure.faults), faults=self.structure.faults)

    @property
    def df(self) -> int:
        """Degrees of freedom of the whole sample."""
        from commlab.survey.plan import Plan

        domain = np.where(self.weights > 0, 0, -1)
        return int(Plan(self.structure, self.data, domain, 1, self.lonely).counts(None)[2][0])

    @property
    def population(self) -> float:
        """Sum of the weights."""
        return float(self.weights.sum())

    def reweighted(self, weights: FloatArray, calibration: Any = None) -> SurveyDesign:
        """The same sample with other weights (and what they were calibrated on, for the standard errors)."""
        out = copy.copy(self)
        out.weights = weights
        if calibration is not None:
            out.calibrations = (*self.calibrations, calibration)
        return out

    def subset(self, rows: Any) -> SurveyDesign:
        """A domain of the sample: other rows weigh 0, but still count as drawn.

        Parameters
        ----------
        rows : boolean Series or array, shape (n_rows,)
        """
        keep = np.asarray(rows)
        if keep.shape != (len(self.data),) or keep.dtype != bool:
            raise ParameterError(
                f"rows must be {len(self.data)} booleans, one a row of the data; got {keep.dtype} of shape "
                f"{keep.shape}"
            )
        return self.reweighted(np.where(keep, self.weights, 0.0))

    def domains(self, by: str | Sequence[str] | None) -> tuple[IntArray, pd.DataFrame]:
        """Domain code of each row (-1: in none) and the domains, sorted, a row each."""
        active = self.weights > 0
        if not active.any():
            raise DataError("all weights are 0; there is nothing to estimate from")
        names = as_list(by)
        if not names:
            return np.where(active, 0, -1).astype(np.int64), pd.DataFrame(index=range(1))
        if len(set(names)) < len(names):
            raise ParameterError(f"by names a column twice: {listing(names)}")
        joint: IntArray = np.zeros(0, dtype=np.int64)
        levels: list[Any] = []
        for name in names:
            if name is None:
                raise ParameterError("by must be column names, not None among them")
            codes, labels = factorize(column(self.data, name, "by"), sort=True)
            if levels:
                joint = np.where((joint < 0) | (codes < 0), -1, joint * len(labels) + codes)
            else:
                joint = codes.astype(np.int64)
            levels.append(labels)
        if not active.all():
            joint = np.where(active, joint, -1)
        found, code = compact(joint)
        if not len(found):
            raise DataError(f"no row has a value in {listing(names)}; there is no group to estimate")
        where = np.unravel_index(found, [len(labels) for labels in levels])
        parts = [pd.Series(labels.take(i)) for labels, i in zip(levels, where, strict=True)]
        return code, pd.concat(parts, axis=1, keys=names)

    # -- estimates: each is a function of its own module, here under the design's name -------------------

    def mean(
        self,
        variables: str | Sequence[str],
        *,
        by: str | Sequence[str] | None = None,
        confidence: float = 0.95,
    ) -> pd.DataFrame:
        """Weighted means, see ``estimate.mean``."""
        from commlab.survey import estimate

        return estimate.mean(self, variables, by=by, confidence=confidence)

    def total(
        self,
        variables: str | Sequence[str],
        *,
        by: str | Sequence[str] | None = None,
        confidence: float = 0.95,
    ) -> pd.DataFrame:
        """Estimated population totals, see ``estimate.total``."""
        from commlab.survey import estimate

        return estimate.total(self, variables, by=by, confidence=confidence)

    def proportion(
        self,
        variable: str | Sequence[str],
        *,
        by: str | Sequence[str] | None = None,
        interval: str = "logit",
        confidence: float = 0.95,
    ) -> pd.DataFrame:
        """Share of each level, see ``estimate.proportion``."""
        from commlab.survey import estimate

        return estimate.proportion(self, variable, by=by, interval=interval, confidence=confidence)

    def ratio(
        self,
        numerator: str,
        denominator: str,
        *,
        by: str | Sequence[str] | None = None,
        confidence: float = 0.95,
    ) -> pd.DataFrame:
        """Ratio of two totals, see ``estimate.ratio``."""
        from commlab.survey import estimate

        return estimate.ratio(self, numerator, denominator, by=by, confidence=confidence)

    def covariance(
        self, variables: str | Sequence[str], *, by: str | Sequence[str] | None = None
    ) -> pd.DataFrame:
        """Covariance of the means of several variables and domains, see ``estimate.covariance_of_means``."""
        from commlab.survey import estimate

        return estimate.covariance_of_means(self, variables, by=by)

    def compare(
        self, variable: str, *, groups: str, reference: object | None = None, confidence: float = 0.95
    ) -> pd.DataFrame:
        """Differences between groups with their tests, see ``compare.compare``."""
        from commlab.survey import compare

        return compare.compare(self, variable, groups=groups, reference=reference, confidence=confidence)

    def change(
        self,
        variable: str,
        *,
        wave: str,
        by: str | Sequence[str] | None = None,
        confidence: float = 0.95,
    ) -> pd.DataFrame:
        """Change between two waves, see ``change.change``."""
        from commlab.survey import change

        return change.change(self, variable, wave=wave, by=by, confidence=confidence)

    def independence(self, a: str, b: str, *, statistic: str = "F") -> Any:
        """Rao-Scott or Wald test of independence, see ``compare.independence``."""
        from commlab.survey import compare

        return compare.independence(self, a, b, statistic=statistic)

    def quantile(
        self,
        variable: str,
        p: float | Sequence[float] = 0.5,
        *,
        by: str | Sequence[str] | None = None,
        rule: str = "math",
        interval: str = "mean",
        confidence: float = 0.95,
    ) -> pd.DataFrame:
        """Quantiles with Woodruff intervals, see ``quantile.quantile``."""
        from commlab.survey import quantile

        return quantile.quantile(
            self, variable, p, by=by, rule=rule, interval=interval, confidence=confidence
        )

    def regress(self, formula: str, *, family: str = "gaussian", confidence: float = 0.95) -> pd.DataFrame:
        """Coefficients of a linear or logistic regression, see ``regress.regression``."""
        from commlab.survey import regress

        return regress.regression(self, formula, family=family, confidence=confidence).table

    def calibrate(
        self,
        totals: Mapping[Any, Any],
        *,
        method: str = "linear",
        bounds: tuple[float, float] | None = None,
        tolerance: float = 1e-12,
    ) -> SurveyDesign:
        """Weights that meet totals of categories and numbers, see ``calibrate.calibrate``."""
        from commlab.survey import calibrate

        return calibrate.calibrate(self, totals, method=method, bounds=bounds, tolerance=tolerance)

    def post_stratify(self, margins: Any) -> SurveyDesign:
        """Weights that meet known cell totals, see ``weighting.post_stratify``."""
        from commlab.survey import weighting

        return weighting.post_stratify(self, margins)

    def rake(
        self, margins: Mapping[Any, Any], *, tolerance: float = 1e-10, iterations: int = 1000
    ) -> SurveyDesign:
        """Weights that meet several margins, see ``weighting.rake``."""
        from commlab.survey import weighting

        return weighting.rake(self, margins, tolerance=tolerance, iterations=iterations)

    def trim(self, lower: float = 0.0, upper: float = np.inf, *, strict: bool = False) -> SurveyDesign:
        """Weights kept within bounds, see ``weighting.trim``."""
        from commlab.survey import weighting

        return weighting.trim(self, lower, upper, strict=strict)


def _weights(values: pd.Series) -> FloatArray:
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    bad = ~(np.isfinite(numbers) & (numbers >= 0))
    if bad.any():
        row = int(np.argmax(bad))
        raise DataError(
            f'weights "{values.name}" must be numbers >= 0; {int(bad.sum())} of {len(values)} rows are '
            f"missing, negative or infinite (first: row {values.index[row]}: {shown(values.iloc[row])})"
        )
    if not numbers.any():
        raise DataError(f'weights "{values.name}" are all 0')
    within_reach(numbers, f'weight "{values.name}"')
    return numbers
