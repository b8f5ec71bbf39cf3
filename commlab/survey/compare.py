"""Differences with their tests: between groups, between waves, between two questions.

difference (1) D = a - b, Var D from the influences of a minus those of b; t with the df of both domains together.
           (R's ``svyttest`` is the same statistic with one df less.)
change     (2) each wave has its own strata and population sizes; a unit in both waves enters with the sum of its
           two scaled totals, so Var D = V1 + V2 - 2 C with C from the shared units. Where all units are shared
           this is R's stacked design, where none is, V1 + V2.        Source: Kish (1965), ch. 12.4; Lumley (2010)
independence (3) X^2 / tr(Delta) ~ F(d, d nu), d = tr(Delta)^2 / tr(Delta^2): Rao & Scott (1984), second order;
           R: svychisq(statistic="F")
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from commlab.errors import DataError, ParameterError, listing
from commlab.survey import intervals, variance
from commlab.survey.estimate import influences, mean, spread, values_of
from commlab.survey.structure import FloatArray, IntArray, Structure, as_list, build, column

if TYPE_CHECKING:
    from commlab.survey.design import SurveyDesign

__all__ = ["Independence", "change", "compare", "holm", "independence"]


def holm(p_values: npt.ArrayLike) -> FloatArray:
    """Holm's (1979) adjusted p values; NaN stays and does not count.

    >>> holm([0.01, 0.04, 0.03]).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=float)
    out = np.full_like(p, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = p[order] * (len(order) - np.arange(len(order)))
    out[order] = np.minimum(np.maximum.accumulate(steps), 1) if len(order) else steps
    return out


def _two_sided(estimate: FloatArray, se: FloatArray, df: npt.NDArray) -> FloatArray:
    t = np.divide(np.abs(estimate), se, out=np.full_like(estimate, np.nan), where=se > 0)
    p = 2 * stats.t.sf(t, np.maximum(df, 1))
    return np.where(se == 0, np.where(estimate == 0, 1.0, 0.0), p)


def compare(
    design: SurveyDesign,
    variable: str,
    *,
    groups: str,
    reference: object | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Differences between the means of groups (1), every pair or each against one.

    Parameters
    ----------
    design : SurveyDesign
    variable : str
        Numeric column.
    groups : str
        Column of the groups.
    reference : optional
        A group to compare all others with. Default: every pair.

    Returns
    -------
    DataFrame
        A row per pair: group, versus, mean, mean_versus, estimate (mean - mean_versus), se, ci_low, ci_high, df,
        p_value, p_holm (Holm over the rows), n, n_versus.
    """
    design._sound()
    domain, domains = design.domains(groups)
    names = domains.iloc[:, 0].tolist()
    if len(names) < 2:
        raise DataError(f'"{groups}" has one group only ({names[0]}); there is nothing to compare')
    if reference is not None and reference not in names:
        raise ParameterError(f'reference={reference!r} is no group of "{groups}": {listing(names, most=20)}')
    y = values_of(design, variable)
    estimate, z, n, alone = influences(design, [y], domain, len(names))
    if len(design.structure.stages) == 1:
        mean(design, variable, by=groups)  # refuses groups inside one unit, by name
        alone = np.zeros_like(alone)
    inside = bool(alone.all())
    z = spread(design, z, alone)
    v = variance.covariance(design.structure, design.data, z, design.lonely, alone=alone, inside=inside)
    v[n < 2, :] = np.nan
    if reference is None:
        pairs = [(i, j) for i in range(len(names)) for j in range(i + 1, len(names))]
    else:
        pairs = [(i, names.index(reference)) for i in range(len(names)) if names[i] != reference]
    a, b = (np.array(side) for side in zip(*pairs, strict=True))
    difference = estimate[a] - estimate[b]
    se = np.sqrt(np.clip(v[a, a] + v[b, b] - v[a, b] - v[b, a], 0, None))
    df = _pair_df(design, domain, y, a, b, inside)
    low, high = intervals.t_interval(difference, se, df, confidence)
    p = _two_sided(difference, se, df)
    return pd.DataFrame(
        {
            "group": [names[i] for i in a],
            "versus": [names[i] for i in b],
            "mean": estimate[a],
            "mean_versus": estimate[b],
            "estimate": difference,
            "se": se,
            "ci_low": low,
            "ci_high": high,
            "df": df,
            "p_value": p,
            "p_holm": holm(p),
            "n": n[a],
            "n_versus": n[b],
        }
    )


def _pair_df(
    design: SurveyDesign, domain: IntArray, y: FloatArray, a: IntArray, b: IntArray, inside: bool
) -> IntArray:
    """Units minus strata of two domains taken together, pair by pair."""
    unit, stratum = _df_codes(design.structure, inside)
    rows = (domain >= 0) & ~np.isnan(y)
    triples = pd.DataFrame({"g": domain[rows], "u": unit[rows], "h": stratum[rows]}).drop_duplicates()
    by_group = {g: (set(t["u"]), set(t["h"])) for g, t in triples.groupby("g")}
    none: tuple[set, set] = (set(), set())
    out = []
    for i, j in zip(a, b, strict=True):
        (u1, h1), (u2, h2) = by_group.get(i, none), by_group.get(j, none)
        out.append(len(u1 | u2) - len(h1 | h2))
    return np.array(out, dtype=np.int64)


def _df_codes(structure: Structure, inside: bool) -> tuple[IntArray, IntArray]:
    """Unit and stratum of each row that degrees of freedom count: the next stage's inside certainties."""
    first = structure.stages[0]
    if len(structure.stages) == 1:
        return first.unit, first.stratum
    second = structure.stages[1]
    deep = structure.certain[first.stratum] | inside
    return (
        np.where(deep, second.unit + first.n_units, first.unit),
        np.where(deep, second.stratum + len(first.size), first.stratum),
    )


def change(
    design: SurveyDesign,
    variable: str,
    *,
    wave: str,
    by: str | Sequence[str] | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Change of a mean from the first wave to the second (2).

    Parameters
    ----------
    design : SurveyDesign
        Of both waves' rows stacked. Units bear the same names in both waves; a unit is the same if its name is
        (names that repeat between strata of one wave count within their stratum).
    variable : str
        Numeric or boolean column.
    wave : str
        Column with exactly two values; the smaller is "before".
    by : str or list of str, optional
        Domains; each must not be empty in both waves.

    Returns
    -------
    DataFrame
        A row per domain: [by...], before, after, estimate (after - before), se, ci_low, ci_high, df, p_value,
        n_before, n_after.

    Raises
    ------
    DataError
        If the column of waves has not two values.
    """
    waves, labels = pd.factorize(column(design.data, wave, "wave"), sort=True)
    if len(labels) != 2:
        raise DataError(
            f'"{wave}" has {len(labels)} values ({listing(labels)}); a change needs exactly two waves'
        )
    domain, domains = design.domains(by)
    g = len(domains)
    y = values_of(design, variable)
    domain = np.where(waves < 0, -1, domain)
    cell = np.where(domain >= 0, domain * 2 + waves, -1)
    means, z, n, alone = influences(design, [y], cell, 2 * g)
    several = len(design.structure.stages) > 1
    if not several:
        alone = np.zeros_like(alone)
    z = spread(design, z, alone)
    sign = np.where(np.arange(2 * g) % 2 == 1, 1.0, -1.0)
    d = (z * sign).reshape(len(z), g, 2).sum(axis=2)
    lone = alone.reshape(g, 2).all(axis=1)
    parts = [_Wave(design, waves == k) for k in (0, 1)]
    inside = (
        several and design.structure.clusters[0] is not None and design.structure.clusters[0] in as_list(by)
    )
    total = np.zeros(g)
    for s in range(len(design.structure.stages)):
        units = [part.units(d, design.lonely, s, lone, inside) for part in parts]
        total = total + (units[0] ** 2).sum(axis=0) + (units[1] ** 2).sum(axis=0)
        i, j = _shared(parts[0].names(s), parts[1].names(s))
        total = total + 2 * (units[0][i] * units[1][j]).sum(axis=0)
    se = np.sqrt(np.clip(total, 0, None))
    n = n.reshape(g, 2)
    se = np.where((n < 2).any(axis=1), np.nan, se)
    if not several and design.structure.clusters[0] is not None:
        _refuse_lone(design, parts, cell, y, domains, g)
    df = _change_df(parts, waves, domain, y, lone, g)
    before, after = means[0::2], means[1::2]
    low, high = intervals.t_interval(after - before, se, df, confidence)
    out = domains.copy()
    out["before"], out["after"], out["estimate"], out["se"] = before, after, after - before, se
    out["ci_low"], out["ci_high"], out["df"] = low, high, df
    out["p_value"] = _two_sided(after - before, se, df)
    out["n_before"], out["n_after"] = n[:, 0], n[:, 1]
    return out


class _Wave:
    """One wave's rows with a structure of their own, and the names under which units meet again."""

    def __init__(self, design: SurveyDesign, rows: npt.NDArray[np.bool_]) -> None:
        self.rows = rows
        self.data = design.data[rows]
        self.structure = build(self.data, **design._spec)
        if self.structure.faults:
            raise DataError("; ".join(self.structure.faults), faults=self.structure.faults)

    def units(
        self, d: FloatArray, lonely: str, stage: int, lone: npt.NDArray[np.bool_], inside: bool
    ) -> FloatArray:
        if stage >= variance.stages_needed(self.structure, bool(lone.any())):
            return np.zeros((self.structure.stages[stage].n_units, d.shape[1]))
        return variance.scaled_units(
            self.structure, self.data, d[self.rows], lonely, stage, alone=lone, inside=inside
        )

    def names(self, stage: int) -> pd.Index:
        """A name per unit that is the same in the other wave; empty where units have none."""
        columns = [c for c in self.structure.clusters[: stage + 1] if c is not None]
        if len(columns) <= stage:
            return pd.Index([])
        here = self.structure.stages[stage]
        first = np.zeros(here.n_units, dtype=np.int64)
        first[here.unit[::-1]] = np.arange(len(here.unit))[::-1]
        strata = [c for c in self.structure.strata[: stage + 1] if c is not None]
        names = pd.MultiIndex.from_frame(self.data[columns].iloc[first])
        if names.has_duplicates:  # names repeat between strata: they are names within a stratum
            names = pd.MultiIndex.from_frame(self.data[[*strata, *columns]].iloc[first])
        return names


def _shared(a: pd.Index, b: pd.Index) -> tuple[IntArray, IntArray]:
    """Places of the names that both waves have."""
    if not len(a) or not len(b) or a.nlevels != b.nlevels:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    at = b.get_indexer(a)
    return np.flatnonzero(at >= 0), at[at >= 0]


def _refuse_lone(
    design: SurveyDesign, parts: list[_Wave], cell: IntArray, y: FloatArray, domains: pd.DataFrame, g: int
) -> None:
    """The community trap in a one-stage sample."""
    trapped = np.zeros(g, dtype=bool)
    for k, part in enumerate(parts):
        stage = part.structure.stages[0]
        valid = (cell[part.rows] >= 0) & ~np.isnan(y[part.rows])
        d = cell[part.rows][valid] // 2
        units = np.bincount(pd.unique(stage.unit[valid] * g + d) % g, minlength=g)
        rows = np.bincount(d, minlength=g)
        open_ = np.bincount(d, (stage.fraction < 1)[stage.stratum[valid]], g) > 0
        trapped |= (units == 1) & (rows > 1) & open_ & (k >= 0)
    if trapped.any():
        from commlab.survey.estimate import _refuse_trap

        _refuse_trap(domains, trapped, str(design.structure.clusters[0]))


def _change_df(
    parts: list[_Wave], waves: IntArray, domain: IntArray, y: FloatArray, lone: npt.NDArray[np.bool_], g: int
) -> IntArray:
    """Distinct units minus strata, a stratum that both waves share by its units counted once."""
    frames = []
    for k, part in enumerate(parts):
        rows = part.rows
        usable = (domain[rows] >= 0) & ~np.isnan(y[rows])
        deep = lone[np.where(usable, domain[rows], 0)]
        unit, stratum = _df_codes(part.structure, False)
        if deep.any():
            inner_unit, inner_stratum = _df_codes(part.structure, True)
            unit, stratum = np.where(deep, inner_unit, unit), np.where(deep, inner_stratum, stratum)
        frame = pd.DataFrame({"g": domain[rows], "u": unit, "h": stratum, "wave": k})[usable]
        frames.append(frame.drop_duplicates())
    link = _links(parts)
    out = np.zeros(g, dtype=np.int64)
    split = [dict(list(f.groupby("g"))) for f in frames]
    blank = frames[0].iloc[:0]
    for i in range(g):
        a, b = split[0].get(i, blank), split[1].get(i, blank)
        there = dict(zip(b["u"], b["h"], strict=True))
        shared = [(h, there[link[u]]) for u, h in zip(a["u"], a["h"], strict=True) if link.get(u) in there]
        strata = a["h"].nunique() + b["h"].nunique()
        if shared:
            strata -= min(len({s[0] for s in shared}), len({s[1] for s in shared}))
        out[i] = a["u"].nunique() + b["u"].nunique() - len(shared) - strata
    return out


def _links(parts: list[_Wave]) -> dict[int, int]:
    """Unit code in the first wave -> code of the same unit in the second, as ``_df_codes`` numbers them."""
    link: dict[int, int] = {}
    offset = [0, 0]
    for s in range(min(2, len(parts[0].structure.stages))):
        i, j = _shared(parts[0].names(s), parts[1].names(s))
        link.update(zip((i + offset[0]).tolist(), (j + offset[1]).tolist(), strict=True))
        offset = [p.structure.stages[0].n_units for p in parts]
    return link


@dataclass(frozen=True)
class Independence:
    """Rao-Scott test that two columns are independent."""

    statistic: float
    df1: float
    df2: float
    p_value: float
    n: int
    table: pd.DataFrame
    """Weighted counts."""


def independence(design: SurveyDesign, a: str, b: str) -> Independence:
    """Test of independence in a weighted two-way table (3).

    Parameters
    ----------
    a, b : str
        Columns of categories; rows with both count.

    Returns
    -------
    Independence
        statistic, df1, df2, p_value (of F), n, table.

    Raises
    ------
    DataError
        If a column has fewer than two categories.
    """
    design._sound()
    if a == b:
        raise ParameterError(f'"{a}" is compared with itself; name two columns')
    rows, row_names = pd.factorize(column(design.data, a, "variable"), sort=True)
    columns, column_names = pd.factorize(column(design.data, b, "variable"), sort=True)
    both = (rows >= 0) & (columns >= 0) & (design.weights > 0)
    rows, columns = np.where(both, rows, 0), np.where(both, columns, 0)
    for name, codes in ((a, rows), (b, columns)):
        if len(np.unique(codes[both])) < 2:
            raise DataError(
                f'"{name}" has fewer than two categories among the {int(both.sum())} rows with both answers'
            )
    # Only categories that occur: empty ones would make empty rows of the table.
    used_r, rows = np.unique(rows[both], return_inverse=True)
    used_c, columns = np.unique(columns[both], return_inverse=True)
    r, c, n = len(used_r), len(used_c), int(both.sum())
    w = design.weights[both]
    cell = rows * c + columns
    p = np.bincount(cell, w, r * c) / w.sum()
    one_hot = (cell[:, None] == np.arange(r * c)) - p
    z = np.zeros((len(both), r * c))
    z[both] = one_hot * (w / w.sum())[:, None]
    z = spread(design, z, np.zeros(r * c, dtype=bool))
    v = variance.covariance(design.structure, design.data, z, design.lonely)
    expected = np.outer(p.reshape(r, c).sum(axis=1), p.reshape(r, c).sum(axis=0)).ravel()
    x2 = n * ((p - expected) ** 2 / expected).sum()
    contrasts = _interaction(r, c)
    inverse = np.divide(1.0, p, out=np.zeros_like(p), where=p > 0)
    denominator = contrasts.T @ (inverse[:, None] / n * contrasts)
    scaled = inverse[:, None] * contrasts
    delta = np.linalg.solve(denominator, scaled.T @ v @ scaled)
    trace = float(np.trace(delta))
    d = trace**2 / float(np.trace(delta @ delta))
    domain = np.where(both, 0, -1)
    nu = int(variance.Plan(design.structure, design.data, domain, 1, design.lonely).counts(None)[2][0])
    f = x2 / trace  # (3)
    table = pd.DataFrame(
        np.bincount(cell, w, r * c).reshape(r, c),
        index=pd.Index(row_names[used_r], name=a),
        columns=pd.Index(column_names[used_c], name=b),
    )
    return Independence(float(f), float(d), float(d * nu), float(stats.f.sf(f, d, d * nu)), n, table)


def _interaction(r: int, c: int) -> FloatArray:
    """Interaction columns with the main effects taken out, shape (r c, (r - 1)(c - 1))."""
    row, col = np.divmod(np.arange(r * c), c)
    rows = (row[:, None] == np.arange(1, r)).astype(float)
    cols = (col[:, None] == np.arange(1, c)).astype(float)
    main = np.column_stack([np.ones(r * c), rows, cols])
    inter = (rows[:, :, None] * cols[:, None, :]).reshape(r * c, -1)
    return inter - main @ np.linalg.lstsq(main, inter, rcond=None)[0]
