"""Satisfaction from scaled answers: what share is satisfied, how much, and who could not say.

"Don't know" and "not applicable" are no points of a scale. Of an item, per domain:

asked       answers that are neither blank nor "not applicable"; dont_know is the share of asked
substantive answers on the scale; all other statistics are over these
mean        of the codes
index       of declared scores, 0-100 (default: linear over the scale)
satisfied, dissatisfied   shares of codes; net = satisfied - dissatisfied
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from commlab import tables
from commlab.errors import DataError, ParameterError, listing
from commlab.survey import intervals
from commlab.survey.columns import values_of, variables_of
from commlab.survey.engine import estimates
from commlab.survey.moments import Coded
from commlab.survey.structure import FloatArray

if TYPE_CHECKING:
    from commlab.survey.design import SurveyDesign

__all__ = [
    "STATISTICS",
    "Scale",
    "answer_shares",
    "linear_scores",
    "satisfaction",
    "satisfaction_change",
    "satisfaction_from_counts",
]

STATISTICS = ("mean", "index", "satisfied", "dissatisfied", "net", "dont_know")
_SHARES = ("satisfied", "dissatisfied", "dont_know")
_CODES = 256
"""Codes are whole numbers below this."""


def linear_scores(scale: tuple[int, int] = (1, 5)) -> dict[int, float]:
    """0-100 scores, evenly spaced from the lowest to the highest code.

    >>> linear_scores((1, 5))
    {1: 0.0, 2: 25.0, 3: 50.0, 4: 75.0, 5: 100.0}
    """
    low, high = scale
    if not (float(low).is_integer() and float(high).is_integer() and low < high):
        raise ParameterError(f"scale={scale!r} must be the lowest and the highest code, such as (1, 5)")
    return {code: 100 * (code - low) / (high - low) for code in range(int(low), int(high) + 1)}


class Scale:
    """Codes of an item and what they count for."""

    def __init__(
        self,
        satisfied: Sequence[int] = (4, 5),
        dissatisfied: Sequence[int] | None = None,
        scores: Mapping[int, float] | None = None,
        scale: tuple[int, int] = (1, 5),
    ) -> None:
        self.scores = dict(scores) if scores is not None else linear_scores(scale)
        codes = sorted(self.scores)
        if len(codes) < 2:
            raise ParameterError(f"scores must cover at least two codes, got {self.scores}")
        odd = [c for c in codes if not float(c).is_integer() or not 0 <= c < tables.NOT_APPLICABLE]
        clash = {tables.DONT_KNOW, tables.NOT_APPLICABLE} & set(codes)
        if clash:
            raise ParameterError(
                f"codes {sorted(clash)} stand for don't know and not applicable; they have no score"
            )
        if odd:
            raise ParameterError(f"codes {odd} are no whole numbers from 0 to {tables.NOT_APPLICABLE - 1}")
        wrong = {k: v for k, v in self.scores.items() if not 0 <= v <= 100}
        if wrong:
            raise ParameterError(f"scores must lie between 0 and 100; wrong: {wrong}")
        if dissatisfied is None:  # the mirror image of satisfied
            dissatisfied = [codes[0] + codes[-1] - c for c in satisfied]
        for role, given in (("satisfied", satisfied), ("dissatisfied", dissatisfied)):
            strange = [c for c in given if c not in self.scores]
            if strange:
                raise ParameterError(
                    f"{role}={tuple(given)} names codes outside the scale {codes}: {listing(strange)}"
                )
        if set(satisfied) & set(dissatisfied):
            raise ParameterError(
                f"codes {sorted(set(satisfied) & set(dissatisfied))} count as satisfied and as not"
            )
        self.codes, self.satisfied, self.dissatisfied = codes, list(satisfied), list(dissatisfied)

    @property
    def values(self) -> FloatArray:
        """What each place of ``coded`` counts for, shape (n_codes + 2, n_statistics); NaN = not counted."""
        code = np.array(self.codes, dtype=float)
        yes, no = np.isin(code, self.satisfied) * 1.0, np.isin(code, self.dissatisfied) * 1.0
        index = np.array([self.scores[c] for c in self.codes], dtype=float)
        on_scale = np.column_stack([code, index, yes, no, yes - no, np.zeros(len(code))])
        rest = np.full((2, len(STATISTICS)), np.nan)
        rest[0, STATISTICS.index("dont_know")] = 1.0
        return np.vstack([on_scale, rest])

    def coded(self, design: SurveyDesign, items: Sequence[str]) -> list[npt.NDArray[np.uint8]]:
        """Place of each answer: the codes of the scale, then "don't know", then no answer.

        Raises
        ------
        DataError
            If answers lie off the scale, all items at once.
        """
        blank = len(self.codes) + 1
        places = np.full(_CODES, blank + 1, dtype=np.uint8)
        places[np.array([*self.codes, tables.DONT_KNOW, tables.NOT_APPLICABLE], dtype=int)] = [
            *range(blank),
            blank,
        ]
        found, faults = [], []
        for item in items:
            y = values_of(design, item)
            with np.errstate(invalid="ignore"):  # missing answers, found out below
                whole = y.astype(np.uint8)
            place = places[whole]
            exact = whole == y
            if not exact.all():
                place[~exact] = np.where(np.isnan(y[~exact]), blank, blank + 1)
            off = place > blank
            if off.any():
                place[off & (design.weights == 0)] = blank
                off &= design.weights > 0
            if off.any():
                row = int(np.argmax(off))
                faults.append(
                    f'item "{item}" has answers outside its scale {self.codes[0]} to {self.codes[-1]}: '
                    f"{listing(np.unique(y[off]))} in {int(off.sum())} rows (first: row "
                    f"{design.data.index[row]})"
                )
            found.append(place)
        if faults:
            raise DataError("; ".join(faults) + "; mend the codebook or give scores=/scale=", faults=faults)
        return found

    def columns(self, design: SurveyDesign, items: Sequence[str]) -> list[Coded]:
        """An item's statistics, one column each."""
        return [Coded(place, self.values) for place in self.coded(design, items)]


def satisfaction(
    design: SurveyDesign,
    items: str | Sequence[str],
    *,
    by: str | Sequence[str] | None = None,
    satisfied: Sequence[int] = (4, 5),
    scores: Mapping[int, float] | None = None,
    scale: tuple[int, int] = (1, 5),
    dissatisfied: Sequence[int] | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Six statistics per item and domain, each with its design-based error.

    Parameters
    ----------
    design : SurveyDesign
    items : str or list of str
        Columns of integer codes; blank = not asked or not answered, 97 not applicable, 98 don't know.
    by : str or list of str, optional
        Domains.
    satisfied : sequence of int
        Codes that count as satisfied.
    scores : mapping of int to float, optional
        Score 0-100 of every code of the scale. Default: linear over ``scale``; 1..5 give 0, 25, 50, 75, 100.
    scale : (int, int)
        Lowest and highest code, where no scores are declared.
    dissatisfied : sequence of int, optional
        Default: the mirror image of ``satisfied`` on the scale.

    Returns
    -------
    DataFrame
        Long: [by...], item, statistic, estimate, se, ci_low, ci_high, df, n, n_effective. Shares have logit
        intervals, the others t intervals. ``n_effective`` = n / deff. Where nobody answered, estimates are
        NaN.

    Raises
    ------
    DataError
        If an answer lies outside the scale (item, values, rows named).
    """
    names = variables_of(items)
    codes = Scale(satisfied, dissatisfied, scores, scale)
    found = estimates(design, codes.columns(design, names), by=by)
    labels = pd.DataFrame(
        {"item": np.repeat(names, len(STATISTICS)), "statistic": list(STATISTICS) * len(names)}
    )
    labels = labels.astype("str")
    low, high = intervals.t_interval(found.estimate, found.se, found.df, confidence)
    share = labels["statistic"].isin(_SHARES).to_numpy()
    low[:, share], high[:, share] = intervals.proportion_interval(
        found.estimate[:, share],
        found.se[:, share],
        found.df[:, share],
        found.n[:, share],
        confidence=confidence,
    )
    frame = found.frame(labels, low, high)
    frame["n_effective"] = found.effective.ravel()
    return frame.drop(columns="deff")


def answer_shares(
    design: SurveyDesign,
    items: str | Sequence[str],
    *,
    by: str | Sequence[str] | None = None,
    scale: tuple[int, int] = (1, 5),
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Weighted distribution of the answers: the bars of a Likert chart.

    Returns
    -------
    DataFrame
        [by...], item, option (the codes of the scale, then 98 don't know), estimate (share of asked), se,
        ci_low, ci_high, df, deff, n (asked), count (respondents with this answer, unweighted).
    """
    names = variables_of(items)
    codes = Scale((scale[1],), None, None, scale)
    options = [*codes.codes, tables.DONT_KNOW]
    share = np.vstack([np.eye(len(options)), np.full((1, len(options)), np.nan)])
    placed = codes.coded(design, names)
    found = estimates(design, (Coded(place, share) for place in placed), by=by)
    labels = pd.DataFrame({"item": np.repeat(names, len(options)), "option": options * len(names)})
    low, high = intervals.proportion_interval(
        found.estimate, found.se, found.df, found.n, confidence=confidence
    )
    frame = found.frame(labels.astype({"item": "str"}), low, high)
    domain, domains = design.domains(by)
    inside = np.flatnonzero(domain >= 0)
    k = len(share)
    counts = [np.bincount(domain[inside] * k + p[inside], minlength=len(domains) * k) for p in placed]
    table = np.stack([c.reshape(-1, k)[:, :-1] for c in counts], axis=1)
    frame["count"] = table.ravel().astype(np.int64)
    return frame


def satisfaction_change(
    design: SurveyDesign,
    items: str | Sequence[str],
    *,
    wave: str,
    by: str | Sequence[str] | None = None,
    statistics: Sequence[str] = ("index", "satisfied"),
    satisfied: Sequence[int] = (4, 5),
    scores: Mapping[int, float] | None = None,
    scale: tuple[int, int] = (1, 5),
    dissatisfied: Sequence[int] | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Change of satisfaction between two waves, item by item; "don't know" is no answer here either.

    Returns
    -------
    DataFrame
        [by...], item, statistic, before, after, estimate, se, ci_low, ci_high, df, p_value, n_before,
        n_after; ``design.change`` says how the covariance of shared communities is kept.
    """
    from commlab.survey.change import change_of, unasked

    strange = [s for s in statistics if s not in STATISTICS]
    if strange or not len(statistics):
        raise ParameterError(f"statistics {listing(strange)} are not among {', '.join(STATISTICS)}")
    names = variables_of(items)
    codes = Scale(satisfied, dissatisfied, scores, scale)
    columns = dict(zip(names, codes.columns(design, names), strict=True))
    unasked(design, {item: column.column(0) for item, column in columns.items()}, wave)
    frames = []
    for item in names:
        for statistic in statistics:
            y = columns[item].column(STATISTICS.index(statistic))
            found = change_of(design, y, wave=wave, by=by, confidence=confidence)
            place = found.columns.get_loc("before")
            found.insert(place, "statistic", pd.Series(statistic, index=found.index, dtype="str"))
            found.insert(place, "item", pd.Series(item, index=found.index, dtype="str"))
            frames.append(found)
    return pd.concat(frames, ignore_index=True)


def satisfaction_from_counts(
    counts: pd.DataFrame,
    *,
    satisfied: Sequence[int] = (4, 5),
    scores: Mapping[int, float] | None = None,
    scale: tuple[int, int] = (1, 5),
    dissatisfied: Sequence[int] | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """The same six statistics from published tables of counts.

    Parameters
    ----------
    counts : DataFrame
        A row per unit (or unit and item; the index is kept), a column per code (98 = don't know, 97 ignored),
        whole numbers of answers. Codes of the scale without a column count as 0.

    Returns
    -------
    DataFrame
        As of ``satisfaction``, as if each row were a simple random sample from many (clusters and weights
        of the survey behind it are unknown, so intervals are rather too narrow); n_effective = n.

    Raises
    ------
    DataError
        If a column is no code of the scale, or a count is missing, negative or not whole.
    """
    codes = Scale(satisfied, dissatisfied, scores, scale)
    known = [*codes.codes, tables.DONT_KNOW, tables.NOT_APPLICABLE]
    strange = [c for c in counts if c not in known]
    if strange:
        raise DataError(
            f"columns {listing(strange)} are no codes of the scale {codes.codes[0]} to {codes.codes[-1]}"
        )
    numbers = counts.apply(pd.to_numeric, errors="coerce").astype(float)
    bad = ~((numbers >= 0) & (numbers % 1 == 0)).all(axis=1)
    if bad.any():
        raise DataError(f"counts must be whole numbers >= 0; they are not in {listing(counts.index[bad])}")
    numbers = numbers.reindex(columns=known, fill_value=0.0)
    on_scale = numbers[codes.codes].to_numpy()
    n = on_scale.sum(axis=1)
    value = np.array(codes.codes, dtype=float)
    yes, no = np.isin(value, codes.satisfied) * 1.0, np.isin(value, codes.dissatisfied) * 1.0
    points = {"mean": value, "index": np.array([codes.scores[c] for c in codes.codes]), "satisfied": yes}
    points |= {"dissatisfied": no, "net": yes - no}
    unsure = numbers[tables.DONT_KNOW].to_numpy()
    frames = []
    for statistic in STATISTICS:
        if statistic == "dont_know":
            size, first, second = n + unsure, unsure, unsure
        else:
            size, first, second = n, on_scale @ points[statistic], on_scale @ points[statistic] ** 2
        mean = np.divide(first, size, out=np.full(len(size), np.nan), where=size > 0)
        squares = np.clip(second - size * np.nan_to_num(mean) ** 2, 0, None)
        se = np.sqrt(np.divide(squares, size * (size - 1), out=np.full(len(size), np.nan), where=size > 1))
        df, whole = np.maximum(size - 1, 0).astype(np.int64), size.astype(np.int64)
        if statistic in _SHARES:
            low, high = intervals.proportion_interval(mean, se, df, whole, confidence=confidence)
        else:
            low, high = intervals.t_interval(mean, se, df, confidence)
        frames.append(
            pd.DataFrame(
                {
                    "statistic": pd.Series(statistic, index=range(len(size)), dtype="str"),
                    "estimate": mean,
                    "se": se,
                    "ci_low": low,
                    "ci_high": high,
                    "df": df,
                    "n": whole,
                    "n_effective": size,
                    "_row": np.arange(len(size)),
                }
            )
        )
    out = pd.concat(frames).sort_values("_row", kind="stable").reset_index(drop=True)
    labels = counts.index.to_frame(index=False).iloc[out["_row"]].reset_index(drop=True)
    labels.columns = [c if isinstance(c, str) else "unit" for c in labels.columns]
    return pd.concat([labels, out.drop(columns="_row")], axis=1)
