"""Change from one wave to the next, with the units that both waves share.

(1) Each wave has its own strata and population sizes; a unit in both waves enters with the sum of its two
    scaled totals, so Var D = V1 + V2 - 2 C with C from the shared units. Where all units are shared this is
    R's stacked design; where none is, V1 + V2.            Source: Kish (1965), ch. 12.4; Lumley (2010)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from commlab.errors import DataError, listing
from commlab.survey import intervals, variance
from commlab.survey.columns import values_of
from commlab.survey.compare import df_codes, two_sided
from commlab.survey.engine import influences, is_inside, refuse_trap, spread
from commlab.survey.structure import FloatArray, IntArray, build, column

if TYPE_CHECKING:
    from commlab.survey.design import SurveyDesign

__all__ = ["change", "change_of", "unasked"]


def change(
    design: SurveyDesign,
    variable: str,
    *,
    wave: str,
    by: str | Sequence[str] | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Change of a mean from the first wave to the second (1).

    Parameters
    ----------
    design : SurveyDesign
        Of both waves' rows stacked. Units bear the same names in both waves; a unit is the same if its name
        is (names that repeat between strata of one wave count within their stratum).
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
    y = values_of(design, variable)
    unasked(design, {variable: y}, wave)
    return change_of(design, y, wave=wave, by=by, confidence=confidence)


def unasked(design: SurveyDesign, columns: Mapping[str, FloatArray], wave: str) -> None:
    """Refuse variables without a single answer in a wave, all at once.

    Raises
    ------
    DataError
        Naming variable and wave.
    """
    waves = column(design.data, wave, "wave")
    faults = []
    for name, y in columns.items():
        lacking = set(waves.dropna().unique()) - set(
            waves[~np.isnan(y) & (design.weights > 0)].dropna().unique()
        )
        if lacking and not np.isnan(y).all():
            faults.append(f'"{name}" has no answers in {listing(sorted(lacking, key=str))}')
    if faults:
        raise DataError("; ".join(faults) + "; compare only what both waves asked", faults=faults)


def change_of(
    design: SurveyDesign, y: FloatArray, *, wave: str, by: str | Sequence[str] | None, confidence: float
) -> pd.DataFrame:
    """``change`` of a column given as an array, shape (n_rows,), NaN = missing."""
    waves, labels = pd.factorize(column(design.data, wave, "wave"), sort=True)
    if len(labels) != 2:
        raise DataError(
            f'"{wave}" has {len(labels)} values ({listing(labels)}); a change needs exactly two waves'
        )
    domain, domains = design.domains(by)
    g = len(domains)
    domain = np.where(waves < 0, -1, domain)
    cell = np.where(domain >= 0, domain * 2 + waves, -1)
    means, z, n, alone = influences(design, [y], cell, 2 * g)
    several = len(design.structure.stages) > 1
    if not several:
        alone = np.zeros_like(alone)
    z = spread(design, z, alone)
    # One column a domain: after minus before.
    pick = sp.csr_matrix(
        (np.tile([-1.0, 1.0], g), (np.arange(2 * g), np.arange(2 * g) // 2)), shape=(2 * g, g)
    )
    d = sp.csr_matrix(z @ pick)
    lone = np.asarray(alone.reshape(g, 2).all(axis=1))
    parts = [_Wave(design, waves == k) for k in (0, 1)]
    inside = is_inside(design, by)
    total, fourth = np.zeros(g), np.zeros(g)
    for s in range(max(variance.stages_needed(p.structure, bool(lone.any())) for p in parts)):
        first, second = (part.units(d, design.lonely, s, lone, inside) for part in parts)
        shared = _shared(parts[0].names(s), parts[1].names(s))
        strata, own = _joint_strata(first, second, *shared)
        total = total + _sums(strata)
        fourth = fourth + _sums(sp.diags(1 / np.maximum(own, 1)) @ strata.power(2))
    se = np.sqrt(np.clip(total, 0, None))
    n = n.reshape(g, 2)
    se = np.where((n < 2).any(axis=1), np.nan, se)
    if not several and design.structure.clusters[0] is not None:
        _refuse_lone(design, parts, cell, y, domains, g)
    df: npt.NDArray = _change_df(parts, waves, domain, y, lone, g)
    if design.degrees == "satterthwaite":
        df = np.divide(total**2, fourth, out=np.zeros(g), where=fourth > 0)
    before, after = means[0::2], means[1::2]
    low, high = intervals.t_interval(after - before, se, df, confidence)
    out = domains.copy()
    out["before"], out["after"], out["estimate"], out["se"] = before, after, after - before, se
    out["ci_low"], out["ci_high"], out["df"] = low, high, df
    out["p_value"] = two_sided(after - before, se, df)
    out["n_before"], out["n_after"] = n[:, 0], n[:, 1]
    return out


def _sums(matrix: sp.csr_matrix) -> FloatArray:
    return np.asarray(matrix.sum(axis=0)).ravel()


def _joint_strata(
    before: variance.UnitTotals, after: variance.UnitTotals, i: IntArray, j: IntArray
) -> tuple[sp.csr_matrix, FloatArray]:
    """Variance (1) per stratum and domain, and the strata's degrees of freedom.

    A stratum of the second wave counts with the one of the first with which it shares units.
    """
    n = len(before.size)
    first = before.by_stratum() + 2 * before.shared(after, i, j)
    second = after.by_stratum()
    home = np.arange(len(after.size)) + n
    home[after.of_unit[j]] = before.of_unit[i]
    move = sp.csr_matrix((np.ones(len(home)), (home, np.arange(len(home)))), shape=(n + len(home), len(home)))
    grow = sp.csr_matrix((np.ones(n), (np.arange(n), np.arange(n))), shape=(n + len(home), n))
    return sp.csr_matrix(grow @ first + move @ second), np.concatenate([before.size, after.size]) - 1


class _Wave:
    """One wave's rows with a structure of their own, and the names under which units meet again."""

    def __init__(self, design: SurveyDesign, rows: npt.NDArray[np.bool_]) -> None:
        self.rows = rows
        self.data = design.data[rows]
        self.structure = build(self.data, **design._spec)
        if self.structure.faults:
            raise DataError("; ".join(self.structure.faults), faults=self.structure.faults)

    def units(
        self, d: sp.csr_matrix, lonely: str, stage: int, lone: npt.NDArray[np.bool_], inside: bool
    ) -> variance.UnitTotals:
        return variance.unit_totals(
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
        refuse_trap(domains, trapped, str(design.structure.clusters[0]))


def _change_df(
    parts: list[_Wave], waves: IntArray, domain: IntArray, y: FloatArray, lone: npt.NDArray[np.bool_], g: int
) -> IntArray:
    """Distinct units minus strata, a stratum that both waves share by its units counted once."""
    frames = []
    for k, part in enumerate(parts):
        rows = part.rows
        usable = (domain[rows] >= 0) & ~np.isnan(y[rows])
        deep = lone[np.where(usable, domain[rows], 0)]
        unit, stratum = df_codes(part.structure, False)
        if deep.any():
            inner_unit, inner_stratum = df_codes(part.structure, True)
            unit, stratum = np.where(deep, inner_unit, unit), np.where(deep, inner_stratum, stratum)
        frame = pd.DataFrame({"g": domain[rows], "u": unit, "h": stratum, "wave": k})[usable]
        frames.append(frame.drop_duplicates())
    link = _links(parts)
    out = np.zeros(g, dtype=np.int64)
    split = [{key: part for key, part in f.groupby("g")} for f in frames]
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
    """Unit code in the first wave -> code of the same unit in the second, as ``df_codes`` numbers them."""
    link: dict[int, int] = {}
    offset = [0, 0]
    for s in range(min(2, len(parts[0].structure.stages))):
        i, j = _shared(parts[0].names(s), parts[1].names(s))
        link.update(zip((i + offset[0]).tolist(), (j + offset[1]).tolist(), strict=True))
        offset = [p.structure.stages[0].n_units for p in parts]
    return link
