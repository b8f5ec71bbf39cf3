"""Before aggregation: denominators, gaps, outliers and a common scale, each step with its log.

``denominate`` -> ``impute`` -> ``treat`` -> ``normalise`` are separate, explicit steps on frames of units x
indicators.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing, within_reach
from commlab.scoring.given import by_label, number, number_columns, one_of, whole
from commlab.scoring.methods import signs, wordy

__all__ = ["denominate", "impute", "kurtosis", "normalise", "skewness", "treat"]

HOWS = (
    "minmax", "zscore", "rank", "borda", "percentile", "distance_to_max", "fraction_of_max", "vector", "sum",
    "goalposts", "target", "reference", "moderate", "interval",
)  # fmt: skip
MOST_WINSORISED = 5
"""Most values of one indicator that are capped before a logarithm is taken instead."""
SKEW_LIMIT, KURTOSIS_LIMIT = 2.0, 3.5
"""An indicator is treated where |skewness| and excess kurtosis both exceed these (COINr's rule)."""


def _numbers(X: pd.DataFrame, what: str) -> pd.DataFrame:
    if not isinstance(X, pd.DataFrame) or X.empty:
        raise DataError(f"{what} needs a frame of units x indicators with at least one of each")
    number_columns(X, what)
    try:
        out = X.astype("float64")
    except (TypeError, ValueError):
        raise DataError(f"{what}: the columns {listing(wordy(X))} are not numbers") from None
    infinite = out.columns[np.isinf(out.to_numpy()).any(axis=0)]
    if len(infinite):
        raise DataError(f"{what}: the columns {listing(infinite)} hold infinite values")
    within_reach(out.to_numpy(), f"{what}: a value")
    return out


def normalise(
    X: pd.DataFrame,
    *,
    how: str,
    directions: pd.Series | Mapping[str, int] | None = None,
    low: float | pd.Series = 0.0,
    high: float | pd.Series = 100.0,
    best: float | pd.Series | None = None,
    unit: str | None = None,
    clip: bool = True,
) -> pd.DataFrame:
    """Put indicators on a common scale; missing values stay missing.

    Parameters
    ----------
    X : DataFrame, shape (n_units, n_indicators)
    how : str
        ``minmax``: low + (x - min) / (max - min) * (high - low)
        ``zscore``: (x - mean) / sd, sd with n - 1
        ``rank``, ``borda``: rank from the worst (1, 2, ...), ties share the lower; ``borda`` = rank - 1
        ``percentile``: (rank - 1) / (n - 1)
        ``distance_to_max``: 1 - (max - x) / (max - min)
        ``fraction_of_max``: x / max (a cost: min / x)
        ``vector``, ``sum``: x / sqrt(sum x^2), x / sum x (a cost: 1 / x first)
        ``goalposts``: (x - low) / (high - low), ``low`` and ``high`` by indicator, kept in [0, 1] by ``clip``
        ``target``: (x - min) / (target - min), ``best`` = target, at most 1 (a cost turned round)
        ``reference``: x - x of ``unit`` (what it leads or trails by)
        ``moderate``: 1 - |x - best| / max |x - best|, an inner value is best
        ``interval``: 1 inside [low, high], outside falling to 0 at the farthest value
    directions : Series or mapping of +1/-1, optional
        -1: less is better; the result then rises with quality (``moderate`` and ``interval`` have none).
    low, high : float or Series by indicator
        For ``minmax`` the ends of the new scale; for ``goalposts`` and ``interval`` values of the indicator.
    best : float or Series by indicator
        For ``target`` and ``moderate``.
    unit : str
        For ``reference``.
    clip : bool
        Whether goalposts hold.

    Returns
    -------
    DataFrame
        Same shape. An indicator on which no unit differs is refused where the method would divide by zero.

    Examples
    --------
    >>> X = pd.DataFrame({"a": [1.0, 2.0, 5.0]}, index=list("xyz"))
    >>> normalise(X, how="minmax")["a"].tolist()
    [0.0, 25.0, 100.0]
    >>> normalise(X, how="minmax", directions={"a": -1})["a"].tolist()
    [100.0, 75.0, 0.0]
    """
    x = _numbers(X, "normalise")
    one_of(how, "how", HOWS)
    sign = pd.Series(signs(directions, x.columns), index=x.columns)
    if how in ("moderate", "interval") and directions is not None:
        raise ParameterError(f"{how} has no directions: its best values say what is better")
    bottom, top = _by_column(low, x.columns, "low"), _by_column(high, x.columns, "high")
    inner = None if best is None else _by_column(best, x.columns, "best")
    if how in ("target", "moderate") and inner is None:
        raise ParameterError(f"{how} needs best= (a value for each indicator)")
    if how in ("goalposts", "interval"):
        wrong = x.columns[~(top > bottom)] if how == "goalposts" else x.columns[~(top >= bottom)]
        if len(wrong):
            raise ParameterError(f"{how} needs low < high for every indicator; not so for {listing(wrong)}")
    if how == "reference":
        if not isinstance(unit, Hashable) or unit not in x.index:
            raise ParameterError(f"reference needs unit=, one of the units; {unit!r} is none")
        return (x - x.loc[unit]) * sign
    return _METHODS[how](x, sign, bottom, top, inner, clip)


def _by_column(value: float | pd.Series, columns: pd.Index, name: str) -> pd.Series:
    if not isinstance(value, pd.Series):
        return pd.Series(number(value, name), index=columns)
    numbers = pd.to_numeric(by_label(value, name), errors="coerce").astype("float64")
    lacking = [c for c in columns if not np.isfinite(numbers.get(c, np.nan))]
    if lacking:
        raise ParameterError(f"{name} has no value for {listing(lacking)}")
    return numbers[list(columns)]


def _spread(width: pd.Series, how: str) -> pd.Series:
    flat = width.index[~(width != 0).to_numpy() | width.isna().to_numpy()]
    if len(flat):
        raise DataError(f"{how} cannot scale {listing(flat)}: no two units differ; drop it or use goalposts")
    return width


_Method = Callable[[pd.DataFrame, pd.Series, pd.Series, pd.Series, "pd.Series | None", bool], pd.DataFrame]


def _minmax(x, sign, low, high, best, clip):  # type: ignore[no-untyped-def]
    y = x * sign
    return low + (y - y.min()) / _spread(y.max() - y.min(), "minmax") * (high - low)


def _zscore(x, sign, low, high, best, clip):  # type: ignore[no-untyped-def]
    return (x - x.mean()) / _spread(x.std(ddof=1), "zscore") * sign


def _rank(x, sign, low, high, best, clip):  # type: ignore[no-untyped-def]
    return (x * sign).rank(method="min")


def _borda(x, sign, low, high, best, clip):  # type: ignore[no-untyped-def]
    return _rank(x, sign, low, high, best, clip) - 1


def _percentile(x, sign, low, high, best, clip):  # type: ignore[no-untyped-def]
    return _borda(x, sign, low, high, best, clip) / _spread(x.notna().sum() - 1, "percentile")


def _distance_to_max(x, sign, low, high, best, clip):  # type: ignore[no-untyped-def]
    y = x * sign
    return 1 - (y.max() - y) / _spread(y.max() - y.min(), "distance_to_max")


def _positive(x: pd.DataFrame, how: str) -> pd.DataFrame:
    wrong = x.columns[(x <= 0).any()]
    if len(wrong):
        raise DataError(f"{how} needs values above 0; {listing(wrong)} have others")
    return x


def _fraction_of_max(x, sign, low, high, best, clip):  # type: ignore[no-untyped-def]
    gains, costs = x.columns[sign > 0], x.columns[sign < 0]
    _positive(x[list(costs)], "fraction_of_max of a cost") if len(costs) else None
    out = x / _spread(x.max(), "fraction_of_max")
    out[list(costs)] = x[list(costs)].min() / x[list(costs)]
    return out[list(x.columns)] if len(gains) or len(costs) else out


def _turned(x: pd.DataFrame, sign: pd.Series, how: str) -> pd.DataFrame:
    costs = list(x.columns[sign < 0])
    out = x.copy()
    if costs:
        out[costs] = 1 / _positive(x[costs], f"{how} of a cost")
    return out


def _vector(x, sign, low, high, best, clip):  # type: ignore[no-untyped-def]
    y = _turned(x, sign, "vector")
    return y / _spread(np.sqrt((y**2).sum()), "vector")


def _sum(x, sign, low, high, best, clip):  # type: ignore[no-untyped-def]
    y = _turned(x, sign, "sum")
    return y / _spread(y.sum(), "sum")


def _goalposts(x, sign, low, high, best, clip):  # type: ignore[no-untyped-def]
    y = (x - low) / (high - low)
    costs = list(y.columns[(sign < 0).to_numpy()])
    y[costs] = 1 - y[costs]
    return y.clip(0, 1) if clip else y


def _target(x, sign, low, high, best, clip):  # type: ignore[no-untyped-def]
    y, goal = x * sign, best * sign
    near = x.columns[(goal < y.min()).to_numpy()]
    if len(near):
        raise ParameterError(
            f"target: best= of {listing(near)} is worse than every unit; nothing is on the way to it"
        )
    return ((y - y.min()) / _spread(goal - y.min(), "target")).clip(upper=1)


def _moderate(x, sign, low, high, best, clip):  # type: ignore[no-untyped-def]
    return _near((x - best).abs())


def _interval(x, sign, low, high, best, clip):  # type: ignore[no-untyped-def]
    return _near((low - x).clip(lower=0) + (x - high).clip(lower=0))


def _near(away: pd.DataFrame) -> pd.DataFrame:
    """1 where nothing is missing to the best value, 0 at the farthest unit."""
    farthest = away.max()
    return 1 - away / farthest.where(farthest > 0, 1.0)


_METHODS: dict[str, _Method] = {
    "minmax": _minmax,
    "zscore": _zscore,
    "rank": _rank,
    "borda": _borda,
    "percentile": _percentile,
    "distance_to_max": _distance_to_max,
    "fraction_of_max": _fraction_of_max,
    "vector": _vector,
    "sum": _sum,
    "goalposts": _goalposts,
    "target": _target,
    "moderate": _moderate,
    "interval": _interval,
}


def denominate(X: pd.DataFrame, denominators: pd.DataFrame, by: Mapping[str, str]) -> pd.DataFrame:
    """Divide indicators by sizes: ``by`` maps an indicator to a column of ``denominators``; others stay.

    Where the size is missing, so is the quotient.

    Raises
    ------
    DataError
        If a denominator is 0 or negative where the indicator has a value (named by unit).
    """
    x, d = _numbers(X, "denominate"), _numbers(denominators, "denominate")
    again = d.index[d.index.duplicated()]
    if len(again):
        raise DataError(f"denominate: sizes of {listing(again.unique())} are listed more than once")
    d = d.reindex(x.index)
    strange = [c for c in by if c not in x] + [c for c in by.values() if c not in d]
    if strange:
        raise ParameterError(f"denominate: {listing(strange)} are no columns")
    out = x.copy()
    for column, base in by.items():
        wrong = x.index[(x[column].notna() & (d[base] <= 0)).to_numpy()]
        if len(wrong):
            raise DataError(f'denominate: "{base}" is not above 0 for {listing(wrong)}, needed by "{column}"')
        out[column] = x[column] / d[base]
    return out


def impute(
    X: pd.DataFrame, *, how: str = "mean", groups: pd.Series | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fill gaps by the ``mean`` or ``median`` of the indicator, within ``groups`` where given.

    Returns
    -------
    tuple
        The filled frame, and a log: unit, indicator, value, rule. A gap stays where its whole group is
        missing.
    """
    x = _numbers(X, "impute")
    one_of(how, "how", ("mean", "median"))
    if groups is None:
        fill = pd.DataFrame({c: x[c].agg(how) for c in x}, index=x.index)
    else:
        group = by_label(groups, "groups").reindex(x.index)
        if group.isna().any():
            raise DataError(f"units belong to no group: {listing(x.index[group.isna().to_numpy()])}")
        fill = x.groupby(group).transform(how)
    out = x.fillna(fill)
    filled = x.isna() & out.notna()
    rows = [(u, c, out.loc[u, c], how) for u, c in zip(*_where(filled), strict=True)]
    return out, pd.DataFrame(rows, columns=["unit", "indicator", "value", "rule"])


def _where(mask: pd.DataFrame) -> tuple[list[object], list[object]]:
    i, j = np.nonzero(mask.to_numpy())
    return [mask.index[k] for k in i], [mask.columns[k] for k in j]


def skewness(x: np.ndarray) -> float:
    """Sample skewness G1 (that of spreadsheets): g1 * sqrt(n (n - 1)) / (n - 2); missing for n < 3."""
    x = x[np.isfinite(x)]
    n = len(x)
    spread = x.std() if n else 0.0
    if n < 3 or spread == 0:
        return float("nan")
    g1 = float(((x - x.mean()) ** 3).mean() / spread**3)
    return g1 * float(np.sqrt(n * (n - 1))) / (n - 2)


def kurtosis(x: np.ndarray) -> float:
    """Sample excess kurtosis G2: (n - 1) / ((n - 2)(n - 3)) * ((n + 1) g2 + 6); missing for n < 4."""
    x = x[np.isfinite(x)]
    n = len(x)
    spread = x.std() if n else 0.0
    if n < 4 or spread == 0:
        return float("nan")
    g2 = float(((x - x.mean()) ** 4).mean() / spread**4) - 3
    return (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * g2 + 6)


def treat(
    X: pd.DataFrame,
    *,
    most: int = MOST_WINSORISED,
    skew_limit: float = SKEW_LIMIT,
    kurtosis_limit: float = KURTOSIS_LIMIT,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tame outliers: cap up to ``most`` values, or take a logarithm where that is not enough.

    Parameters
    ----------
    X : DataFrame, shape (n_units, n_indicators)
    most : int
        Values are capped one by one at the next one inside, on the side of the skew, until the indicator
        passes.
    skew_limit, kurtosis_limit : float
        It passes unless |skewness| and excess kurtosis both exceed these.

    Returns
    -------
    tuple
        The treated frame, and a log: indicator, skewness, kurtosis, action (``none winsorised logarithm``),
        n (values capped), skewness_after, kurtosis_after.

    Notes
    -----
    (1) logarithm: ln(x - min + 0.01 (max - min)), of the mirrored indicator where the skew is negative.
    Source: the treatment of COINr (Becker et al. 2022), whose ASEM example it reproduces.
    """
    x = _numbers(X, "treat")
    whole(most, "most")
    number(skew_limit, "skew_limit"), number(kurtosis_limit, "kurtosis_limit")
    out, log = x.copy(), []
    for column in x:
        values, n, action = x[column].to_numpy(float), 0, "none"
        before = skewness(values), kurtosis(values)

        def passes(v: np.ndarray) -> bool:
            return not (abs(skewness(v)) > skew_limit and kurtosis(v) > kurtosis_limit)

        treated = values
        while not passes(treated) and n < most:
            n += 1
            treated = _capped(values, n, above=before[0] > 0)
            action = "winsorised"
        if not passes(treated):
            n, action = 0, "logarithm"
            treated = _logarithm(values, mirrored=before[0] < 0)
        out[column] = treated
        log.append((column, *before, action, n, skewness(treated), kurtosis(treated)))
    names = ["indicator", "skewness", "kurtosis", "action", "n", "skewness_after", "kurtosis_after"]
    return out, pd.DataFrame(log, columns=names)


def _capped(values: np.ndarray, n: int, *, above: bool) -> np.ndarray:
    order = np.argsort(np.where(np.isnan(values), -np.inf if above else np.inf, values), kind="stable")
    outer = order[-n:] if above else order[:n]
    inner = np.delete(values, outer)
    out = values.copy()
    out[outer] = np.nanmax(inner) if above else np.nanmin(inner)
    return out


def _logarithm(values: np.ndarray, *, mirrored: bool) -> np.ndarray:
    low, high = np.nanmin(values), np.nanmax(values)
    if mirrored:
        return -np.log(high - values + 0.01 * (high - low))
    return np.asarray(np.log(values - low + 0.01 * (high - low)))
