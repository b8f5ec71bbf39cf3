"""Before the field work: how many to ask, how to share them out, and whom to draw.

size        (1) n0 = deff t^2 p (1 - p) / e^2, n = n0 / (1 + (n0 - 1) / N), issued = n / response
            (Cochran 1977, 4.4)
allocation  (2) proportional n_h ~ N_h; Neyman n_h ~ N_h S_h; power n_h ~ N_h^a (Bankier 1988)
draw        (3) systematic with probability proportional to size: a random start on the cumulated sizes
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import special

from commlab.errors import DataError, ParameterError, listing
from commlab.survey.intervals import checked_confidence
from commlab.survey.structure import FloatArray, column, generator

__all__ = ["allocate_sample", "draw_sample", "field_list", "quota_status", "sample_size"]

_DRAWN = ("probability", "weight", "drawn")


def sample_size(
    margin: float,
    *,
    p: float = 0.5,
    population: pd.Series | float | None = None,
    deff: float = 1.0,
    response_rate: float = 1.0,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Answers needed, and questionnaires to issue, for a margin of error of a share (1).

    Parameters
    ----------
    margin : float
        Half the width of the interval, as a share: 0.05 is five points.
    p : float
        Expected share; 0.5 is the safe side.
    population : Series or float, optional
        People per domain (Series), or in all; without it, very many.
    deff : float
        Design effect expected of clusters and weights.
    response_rate : float
        Valid answers per questionnaire issued.

    Returns
    -------
    DataFrame
        A row per domain: answers, issued (both rounded up; never more than the population).

    >>> sample_size(0.05).iloc[0].tolist()
    [385, 385]
    """
    for name, value, low, high in (
        ("margin", margin, 0, 0.5),
        ("p", p, 0, 1),
        ("response_rate", response_rate, 0, 1.0000001),
    ):
        if isinstance(value, str) or not low < value < high:
            raise ParameterError(f"{name}={value!r} must lie between {low} and {high:.4g}")
    if not deff > 0:
        raise ParameterError(f"deff={deff} must be above 0")
    z = special.ndtri(0.5 + checked_confidence(confidence) / 2)
    n0 = deff * z**2 * p * (1 - p) / margin**2
    people = population if isinstance(population, pd.Series) else pd.Series([population])
    people = people.fillna(np.inf) if population is None else people
    people = pd.to_numeric(people, errors="coerce").astype(float)
    bad = ~(people > 0)
    if bad.any():
        raise DataError(f"population must be above 0; it is not in {listing(people.index[bad])}")
    n = n0 / (1 + (n0 - 1) / people)  # (1)
    answers = np.ceil(np.minimum(n, people) - 1e-9).astype(np.int64)
    issued = np.minimum(np.ceil(answers / response_rate - 1e-9), np.floor(people.clip(upper=2**53)))
    return pd.DataFrame({"answers": answers, "issued": issued.astype(np.int64)})


def allocate_sample(
    sizes: pd.Series,
    n: int,
    *,
    how: str = "proportional",
    sd: pd.Series | None = None,
    power: float = 0.5,
    minimum: int = 0,
) -> pd.Series:
    """Share out a sample over strata (2).

    Parameters
    ----------
    sizes : Series
        People (or units) per stratum.
    n : int
        Sample size in all.
    how : "proportional", "neyman", "power" or "equal"
    sd : Series, optional
        Standard deviation per stratum, for "neyman".
    power : float
        For "power": 1 is proportional, 0 equal.
    minimum : int
        Fewest per stratum (a stratum with fewer people is taken whole).

    Returns
    -------
    Series of int
        Adds up to n; no stratum gets more than it has.

    Raises
    ------
    ParameterError
        If n is too small for the minimum or larger than the population.

    >>> allocate_sample(pd.Series({"a": 100, "b": 300}), 8).tolist()
    [2, 6]
    """
    for name, value in (("n", n), ("minimum", minimum)):
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 0:
            raise ParameterError(f"{name}={value!r} must be a whole number, 0 or more")
    size = pd.to_numeric(sizes, errors="coerce").astype(float)
    if not len(size) or not (np.isfinite(size) & (size > 0)).all():
        bad = sizes.index[~(np.isfinite(size) & (size > 0))]
        raise DataError(f"sizes must be above 0 in every stratum; wrong: {listing(bad) or 'there are none'}")
    if how == "neyman":
        if sd is None or not sd.index.equals(sizes.index) or not (sd >= 0).all() or not (sd > 0).any():
            raise ParameterError('how="neyman" needs sd= >= 0 with the strata of sizes, not all 0')
        wanted = size * sd
    elif how in ("proportional", "power", "equal"):
        wanted = size ** {"proportional": 1.0, "power": power, "equal": 0.0}[how]
    else:
        raise ParameterError(f'how={how!r} is not "proportional", "neyman", "power" or "equal"')
    top = np.floor(size.to_numpy())
    floor = np.minimum(minimum, top)
    if not floor.sum() <= n <= top.sum():
        raise ParameterError(
            f"n={n} must lie between {floor.sum():.0f} (the minimum) and {top.sum():.0f} (all)"
        )
    exact = _bounded(wanted.to_numpy(dtype=float), float(n), floor, top)
    # Largest remainders, so that the whole numbers add up.
    whole = np.floor(exact + 1e-9)
    short = int(n - whole.sum())
    room = np.where(whole < top, exact - whole, -np.inf)
    whole[np.argsort(-room, kind="stable")[:short]] += 1
    return pd.Series(whole.astype(np.int64), index=sizes.index, name="n")


def _bounded(wanted: FloatArray, n: float, floor: FloatArray, top: FloatArray) -> FloatArray:
    """n shared out in proportion to ``wanted``, but for strata held at their floor or top."""
    low, high = np.zeros(len(wanted), dtype=bool), np.zeros(len(wanted), dtype=bool)
    while True:
        free = ~(low | high)
        left = n - floor[low].sum() - top[high].sum()
        base = wanted[free].sum()
        share = np.where(high, top, floor)
        share[free] = left * wanted[free] / base if base > 0 else left / max(free.sum(), 1)
        over, under = free & (share > top + 1e-9), free & (share < floor - 1e-9)
        if not (over.any() or under.any()):
            return share
        # The side that is further out is fixed first.
        if (share - top)[over].sum() >= (floor - share)[under].sum():
            high |= over
        else:
            low |= under


def draw_sample(
    frame: pd.DataFrame,
    n: int | Mapping[object, int] | pd.Series,
    *,
    strata: str | None = None,
    size: str | None = None,
    how: str = "systematic",
    earlier: pd.Series | None = None,
    seed: int,
) -> pd.DataFrame:
    """Draw units from a list, with the probability and the weight of each.

    Points first, then households inside each point:

    >>> points = pd.DataFrame({"point": list("abcd"), "households": [100, 200, 300, 400]})
    >>> drawn = draw_sample(points, 2, size="households", seed=7).set_index("point")
    >>> homes = pd.DataFrame({"point": [p for p in drawn.index for _ in range(9)], "door": [*range(1, 10)] * 2})
    >>> each = {p: 3 for p in drawn.index}
    >>> len(draw_sample(homes, each, strata="point", earlier=drawn["probability"], seed=8))
    6

    Parameters
    ----------
    frame : DataFrame
        The list, in the order in which it is walked through (so that neighbours are not drawn together).
    n : int, mapping or Series
        Units to draw; with ``strata`` per stratum.
    strata : str, optional
        Column of strata.
    size : str, optional
        Column of sizes: drawn in proportion to size (3). A unit of more than one interval is taken for
        certain.
    how : "systematic" or "random"
        "random": simple random sampling without replacement (not with ``size``).
    earlier : Series, optional
        Probability of each stratum where the strata were drawn themselves (points): it multiplies.
    seed : int

    Returns
    -------
    DataFrame
        The drawn rows in list order, with ``probability`` and ``weight``, and ``drawn`` (1, 2, ... in the
        list).
    """
    if how not in ("systematic", "random") or (how == "random" and size is not None):
        raise ParameterError('how must be "systematic" or, without size=, "random"')
    if not len(frame):
        raise DataError("the list is empty")
    taken_names = [c for c in _DRAWN if c in frame]
    if taken_names:
        raise ParameterError(
            f"the list has columns {listing(taken_names)} already; rename them, or give the probability of an "
            "earlier stage as earlier="
        )
    group = pd.Series("", index=frame.index) if strata is None else column(frame, strata, "strata")
    if group.isna().any():
        raise DataError(f'strata "{strata}" is missing in {int(group.isna().sum())} rows of the list')
    levels = sorted(group.unique(), key=str)
    wanted = (
        {levels[0]: n} if strata is None else dict(n.items() if isinstance(n, (Mapping, pd.Series)) else {})
    )
    if strata is not None and set(wanted) != set(levels):
        unlike = set(wanted) ^ set(levels)
        raise ParameterError(
            f"n must give a number for every stratum and no other; differs in {listing(sorted(unlike, key=str))}"
        )
    before = _earlier(earlier, strata, levels)
    rng = generator(seed)
    parts = []
    for level in levels:
        rows = np.flatnonzero((group == level).to_numpy())
        count = wanted[level]
        if not isinstance(count, (int, np.integer)) or not 0 <= count <= len(rows):
            raise ParameterError(
                f"n={count!r} of {len(rows)} units cannot be drawn" + (f" in {level}" if level else "")
            )
        sizes = np.ones(len(rows)) if size is None else _sizes(frame, size, rows)
        if how == "random":
            taken = np.sort(rng.choice(len(rows), int(count), replace=False))
            probability = np.full(len(rows), count / len(rows))
        else:
            taken, probability = _systematic(sizes, int(count), rng)
        part = frame.iloc[rows[taken]].copy()
        part["probability"] = probability[taken] * before[level]
        parts.append((rows[taken], part))
    out = pd.concat([p for _, p in parts]).iloc[
        np.argsort(np.concatenate([r for r, _ in parts]), kind="stable")
    ]
    out["weight"] = 1 / out["probability"]
    out["drawn"] = np.arange(1, len(out) + 1)
    return out


def _earlier(earlier: pd.Series | None, strata: str | None, levels: list) -> dict[object, float]:
    """Probability of each stratum at the stage before."""
    if earlier is None:
        return dict.fromkeys(levels, 1.0)
    if strata is None or earlier.index.has_duplicates:
        raise ParameterError("earlier gives one probability for each stratum, so it needs strata=")
    known = pd.to_numeric(earlier.reindex(levels), errors="coerce")
    bad = known.index[~((known > 0) & (known <= 1))]
    if len(bad):
        raise DataError(f"earlier must be probabilities above 0, up to 1; it is not in {listing(bad)}")
    return known.to_dict()


def field_list(
    drawn: pd.DataFrame,
    columns: Sequence[str],
    *,
    by: str | None = None,
    blanks: Sequence[str] = ("visited", "result"),
) -> pd.DataFrame:
    """The drawn units as a list to print: numbered, with the columns that are needed and room to write.

    Parameters
    ----------
    drawn : DataFrame
        Of ``draw_sample``.
    columns : list of str
        What the interviewer needs to find the place.
    by : str, optional
        Column of points: each starts its own numbers (one sheet a point).
    blanks : sequence of str
        Columns left empty for the field work.

    Returns
    -------
    DataFrame
        [by], no, columns..., blanks...; in the order of the list, point by point.

    >>> field_list(pd.DataFrame({"street": ["a", "b"], "door": [3, 9]}), ["street", "door"]).columns.tolist()
    ['no', 'street', 'door', 'visited', 'result']
    """
    shown = [c for c in columns if c != by]
    clash = sorted({*blanks, "no"} & {*shown, *([by] if by else [])})
    if clash or len(set(shown)) < len(shown):
        raise ParameterError(f"columns of the list bear a name twice: {listing(clash or shown)}")
    parts = [column(drawn, name, "column") for name in shown]
    point = pd.Series("", index=drawn.index) if by is None else column(drawn, by, "by")
    out = pd.concat([point.rename("point"), *parts], axis=1)
    out.insert(1, "no", point.groupby(point, sort=False).cumcount() + 1)
    for name in blanks:
        out[name] = ""
    if by is None:
        return out.drop(columns="point").reset_index(drop=True)
    order = point.factorize()[0].argsort(kind="stable")
    return out.rename(columns={"point": by}).iloc[order].reset_index(drop=True)


def _sizes(frame: pd.DataFrame, size: str, rows: np.ndarray) -> FloatArray:
    values = pd.to_numeric(column(frame, size, "size"), errors="coerce").to_numpy(dtype=float)[rows]
    if not (np.isfinite(values) & (values > 0)).all():
        bad = frame.index[rows][~(np.isfinite(values) & (values > 0))]
        raise DataError(f'size "{size}" must be above 0; it is not in rows {listing(bad)}')
    return values


def _systematic(sizes: FloatArray, n: int, rng: np.random.Generator) -> tuple[np.ndarray, FloatArray]:
    """Places drawn and everyone's probability (3)."""
    certain = np.zeros(len(sizes), dtype=bool)
    while n > certain.sum():
        interval = sizes[~certain].sum() / (n - certain.sum())
        large = ~certain & (sizes >= interval * (1 - 1e-12))
        if not large.any() or (certain | large).sum() > n:
            break
        certain |= large
    rest = np.flatnonzero(~certain)
    left = n - int(certain.sum())
    probability = np.ones(len(sizes))
    probability[rest] = 0.0
    taken = np.flatnonzero(certain)
    if left:
        interval = sizes[rest].sum() / left
        probability[rest] = sizes[rest] / interval
        points = (rng.uniform() + np.arange(left)) * interval
        picked = np.searchsorted(np.cumsum(sizes[rest]), points, side="right")
        taken = np.sort(np.concatenate([taken, rest[np.minimum(picked, len(rest) - 1)]]))
    return taken, probability


def quota_status(valid: pd.Series | pd.DataFrame, target: pd.Series) -> pd.DataFrame:
    """How far field work is: target, valid, missing, share, done per unit.

    Parameters
    ----------
    valid : Series or DataFrame
        Unit of each valid answer; a frame where quotas cross several columns (unit, sex, age band). Or the number of
        answers so far, by unit (index).
    target : Series
        Answers wanted per unit, or per combination of the frame's columns (a MultiIndex of their names).

    Returns
    -------
    DataFrame
        A row per unit of the target, those furthest behind first; answers from units without a target last.

    Raises
    ------
    DataError
        If a target is missing, negative or given twice, or a count of answers is no whole number.
    """
    wanted = pd.to_numeric(target, errors="coerce")
    bad = target.index[~(wanted >= 0) | target.index.duplicated()]
    if len(bad):
        raise DataError(f"targets must be numbers >= 0, one for each unit; they are not in {listing(bad)}")
    if isinstance(valid, pd.DataFrame):
        names = [str(n) for n in target.index.names]
        if target.index.nlevels < 2 or set(names) != set(map(str, valid.columns)):
            raise ParameterError(
                f"the target's index has {listing(names)}, the answers {listing(valid.columns)}; name them alike"
            )
        valid = valid[names]
    counts = _counted(valid, target.index)
    index = target.index.append(counts.index.difference(target.index))
    out = pd.DataFrame({"target": wanted.reindex(index, fill_value=0)})
    out["valid"] = counts.reindex(index, fill_value=0)
    out["missing"] = (out["target"] - out["valid"]).clip(lower=0)
    out["share"] = np.where(out["target"] > 0, out["valid"] / out["target"].where(out["target"] > 0), np.nan)
    out["done"] = out["valid"] >= out["target"]
    return out.sort_values(["share"], kind="stable", na_position="last")


def _counted(valid: pd.Series | pd.DataFrame, units: pd.Index) -> pd.Series:
    """Answers by unit, counted here or before."""
    if isinstance(valid, pd.DataFrame) or valid.isin(units).any() or not valid.index.isin(units).any():
        return valid.value_counts()
    counts = pd.to_numeric(valid, errors="coerce")
    bad = valid.index[~((counts >= 0) & (counts % 1 == 0)) | valid.index.duplicated()]
    if len(bad):
        raise DataError(f"answers so far must be whole numbers, one for each unit; wrong: {listing(bad)}")
    return counts.astype(np.int64)
