"""Delphi rounds: what experts think of each indicator, how far they agree, and how well they know it.

The statistics are the ones that Chinese evaluation papers print: mean, standard deviation, coefficient of
variation and full-score rate of each indicator; Kendall's W for each round and level; authority Cr = (Ca +
Cs) / 2; and the threshold method (界值法) that says which indicators stay.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.weights.agreement import kendall_w

__all__ = ["Delphi", "delphi"]

ALL = "all"
"""Level of every item where no levels are given."""
FULL_SCORE = 5.0
"""End of the scale where nothing says otherwise."""
CRITERIA = ("mean", "full_score_rate", "cv")
VERDICTS = ("keep", "discuss", "drop")
_NUMERAL = re.compile(r"(I{1,3})-\d+((?:\.\d+)*)")
REQUIRED = ("round", "expert", "code", "importance")


@dataclass(frozen=True, eq=False)
class Delphi:
    """Statistics of Delphi rounds.

    ``items``: round, code, level, n, mean, sd, cv, full_score_rate, failed (criteria missed), verdict (keep,
    discuss, drop), keep. ``thresholds``: round, mean, full_score_rate, cv. ``agreement``: round, level, w,
    chi2, df, p_value, raters, items, left_out. ``authority``: round, Ca, Cs, Cr, n. ``response``: round,
    issued, returned, rate. ``proposals``: round, code, verdict, proposal, as the experts wrote them, without their names.
    """

    items: pd.DataFrame
    thresholds: pd.DataFrame = field(repr=False)
    agreement: pd.DataFrame
    authority: pd.DataFrame
    response: pd.DataFrame
    proposals: pd.DataFrame = field(repr=False)
    full_score: Mapping[int, float] = field(repr=False)

    def lists(self, round: int | None = None) -> dict[str, list[str]]:
        """Codes to keep, to discuss (and reword) and to drop after a round; default: the last."""
        last = int(self.items["round"].max()) if round is None else round
        rows = self.items[self.items["round"] == last]
        if rows.empty:
            raise ParameterError(
                f"there is no round {round}; rounds: {listing(self.items['round'].unique())}"
            )
        return {v: rows.loc[rows["verdict"] == v, "code"].tolist() for v in VERDICTS}

    def side_by_side(self) -> pd.DataFrame:
        """Items x (statistic, round).

        Where rounds use different scales, means and sd stand as shares of the full score.
        """
        table = self.items.copy()
        if len(set(self.full_score.values())) > 1:
            full = table["round"].map(self.full_score).astype(float)
            table["mean"], table["sd"] = table["mean"] / full, table["sd"] / full
        wide = table.pivot(
            index="code", columns="round", values=["mean", "sd", "cv", "full_score_rate", "verdict"]
        )
        return wide.reindex(table["code"].drop_duplicates())

    @property
    def text(self) -> str:
        """The last round in one sentence."""
        last = self.lists()
        people = self.response["returned"].iloc[-1]
        counts = ", ".join(f"{len(codes)} {verdict}" for verdict, codes in last.items())
        items = sum(map(len, last.values()))
        return f"{len(self.response)} rounds; in the last, {people} experts and {items} items: {counts}"

    def __repr__(self) -> str:
        return f"Delphi({self.text})"

    def _repr_html_(self) -> str:
        look = {"index": False, "border": 0, "float_format": "{:.4f}".format}
        tables = {"items": self.items, "agreement": self.agreement, "authority": self.authority}
        return "".join(f"<h4>{name}</h4>{table.to_html(**look)}" for name, table in tables.items())


def delphi(
    opinions: pd.DataFrame,
    *,
    full_score: float | Mapping[int, float] | None = None,
    levels: Mapping[str, Any] | pd.Series | None = None,
    cv_limit: float | None = None,
    issued: int | Mapping[int, int] | None = None,
    min_experts: int = 2,
) -> Delphi:
    """Describe Delphi rounds and screen their indicators.

    Parameters
    ----------
    opinions : DataFrame
        The clean table: round, expert, code, importance; familiarity (Cs) and basis (Ca), 0 to 1, full_score and
        proposal are optional.
    full_score : float or mapping of round -> float, optional
        The highest score; rounds may use different scales. Default: what the table's ``full_score`` says, else 5.
    levels : mapping or Series of code -> level, optional
        For agreement by level. Default: a ``level`` column, else what codes such as Ⅱ-4.1 show, else all
        codes together.
    cv_limit : float, optional
        Drop every indicator with a CV of this much or more (0.25 is usual) instead of using the threshold
        method.
    issued : int or mapping of round -> int, optional
        Questionnaires sent out; gives the response rate.
    min_experts : int
        Fewer experts in a round are refused. With 1, a lone expert's round is described; its sd and W are NaN.

    Returns
    -------
    Delphi

    Raises
    ------
    DataError
        If columns lack, an answer is repeated, a score is negative or above the full score (round, expert,
        code named), or fewer than ``min_experts`` scored in a round.

    Notes
    -----
    Threshold method: over a round's items, a mean or full-score rate below (mean - sd of that statistic), or
    a CV above (mean + sd), misses the criterion. All three missed: drop; one or two: discuss; ``keep`` is
    false only for drop.
    (1) cv = sd / mean, sd with n - 1    (2) Cr = (Ca + Cs) / 2
    """
    if cv_limit is not None and not (isinstance(cv_limit, (int, float)) and cv_limit > 0):
        raise ParameterError(f"cv_limit must be a number above 0; found {cv_limit!r}")
    table = _checked(opinions)
    rounds = sorted(table["round"].unique().tolist())
    full = _full_scores(_told_scales(table, rounds) if full_score is None else full_score, rounds)
    high = table[table["importance"] > table["round"].map(full)]
    if len(high):
        cells = [
            f"round {r.round}, expert {r.expert}, code {r.code}: {r.importance:g}" for r in high.itertuples()
        ]
        raise DataError(
            f"scores above the full score: {listing(cells)}; mend them, or say how far the scale goes (full_score)"
        )
    table["level"] = _levels(table, levels)
    scored = table.dropna(subset=["importance"])
    for number, experts in scored.groupby("round")["expert"].unique().items():
        if len(experts) < min_experts:
            raise DataError(
                f"in round {number} only {listing(experts)} scored; a round needs at least {min_experts} experts: "
                "ask for more, or pass min_experts=1"
            )
    items = _items(scored, full)
    thresholds = _thresholds(items)
    items = _screened(items, thresholds, cv_limit)
    return Delphi(
        items=items,
        thresholds=thresholds,
        agreement=_agreement(table, rounds),
        authority=_authority(table, rounds),
        response=_response(table, rounds, issued),
        proposals=_proposals(table, items),
        full_score=full,
    )


def _checked(opinions: pd.DataFrame) -> pd.DataFrame:
    if not isinstance(opinions, pd.DataFrame):
        raise ParameterError(f"opinions must be the clean table; found {type(opinions).__name__}")
    absent = [c for c in REQUIRED if c not in opinions.columns]
    if absent:
        raise DataError(f"the opinions have no column {listing(absent)}; they need {', '.join(REQUIRED)}")
    if opinions.empty or opinions["importance"].isna().all():
        raise DataError("the opinions are empty: no expert has scored anything")
    table = opinions.reset_index(drop=True)
    blank = [c for c in REQUIRED[:-1] if table[c].isna().any()]
    if blank:
        raise DataError(f"the opinions have rows without {listing(blank)}; fill them or delete the rows")
    rounds = pd.to_numeric(table["round"], errors="coerce")
    odd = table.loc[~((rounds >= 1) & (rounds % 1 == 0)), "round"]
    if len(odd):
        raise DataError(f"rounds must be whole numbers from 1; found {listing(odd.unique())}")
    table["round"] = rounds.astype("int64")
    for c in ("importance", "familiarity", "basis"):
        table[c] = pd.to_numeric(table[c], errors="coerce").astype("float64") if c in table else np.nan
        given = opinions[c].notna().to_numpy() if c in opinions else np.zeros(len(table), dtype=bool)
        top, scale = (np.inf, "up") if c == "importance" else (1.0, "to 1")
        odd = table[given & ~(table[c].between(0, top) & np.isfinite(table[c]))]
        if len(odd):
            cells = [f"round {r.round}, expert {r.expert}, code {r.code}" for r in odd.itertuples()]
            raise DataError(f"{c} must be a number from 0 {scale}; mend {listing(cells)}")
    twice = table[table.duplicated(["round", "expert", "code"])]
    if len(twice):
        cells = [f"round {r.round}, expert {r.expert}, code {r.code}" for r in twice.itertuples()]
        raise DataError(f"opinions given more than once: {listing(cells)}; keep one of each")
    return table


def _told_scales(table: pd.DataFrame, rounds: list[int]) -> dict[int, float]:
    """The end of each round's scale, as the table says it."""
    if "full_score" not in table:
        return dict.fromkeys(rounds, FULL_SCORE)
    told = table.dropna(subset=["full_score"]).groupby("round")["full_score"].unique()
    several = [f"round {r}: {listing(ends)}" for r, ends in told.items() if len(ends) > 1]
    if several:
        raise DataError(
            f"opinions of one round are on several scales ({listing(several)}); convert them to one"
        )
    return {r: float(told[r][0]) if r in told else FULL_SCORE for r in rounds}


def _proposals(table: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """What experts would change, beside the verdict on each item, in the items' order."""
    if "proposal" not in table:
        return pd.DataFrame(columns=["round", "code", "verdict", "proposal"])
    written = table[table["proposal"].fillna("").astype(str).str.strip().ne("")]
    found = items[["round", "code", "verdict"]].merge(
        written[["round", "code", "proposal"]], on=["round", "code"]
    )
    return found.drop_duplicates(ignore_index=True)


def _full_scores(full_score: float | Mapping[int, float], rounds: list[int]) -> dict[int, float]:
    full = {r: full_score.get(r) if isinstance(full_score, Mapping) else full_score for r in rounds}
    odd = [r for r, score in full.items() if not isinstance(score, (int, float)) or not score > 0]
    if odd:
        raise ParameterError(f"full_score must give a number above 0 for round {listing(odd)}")
    return {r: float(score) for r, score in full.items() if score is not None}


def _levels(table: pd.DataFrame, levels: Mapping[str, Any] | pd.Series | None) -> pd.Series:
    if levels is None:
        if "level" in table.columns:
            return table["level"]
        depths = {c: _depth(c) for c in table["code"].unique()}
        return pd.Series(ALL, index=table.index) if None in depths.values() else table["code"].map(depths)
    known = dict(levels)
    lost = [c for c in table["code"].unique() if c not in known]
    if lost:
        raise DataError(
            f"levels has no entry for {listing(lost)}; the opinions name codes the framework lacks"
        )
    return table["code"].map(known)


def _depth(code: str) -> int | None:
    """Level that a code such as Ⅱ-4.1 shows by itself: its numeral, and one more for each dot."""
    found = _NUMERAL.fullmatch(unicodedata.normalize("NFKC", str(code)))
    return len(found[1]) + found[2].count(".") if found else None


def _items(scored: pd.DataFrame, full: Mapping[int, float]) -> pd.DataFrame:
    scored = scored.assign(top=scored["importance"] == scored["round"].map(full))
    groups = scored.groupby(["round", "code"], sort=False)
    out = groups.agg(
        level=("level", "first"),
        n=("importance", "size"),
        mean=("importance", "mean"),
        sd=("importance", "std"),
        full_score_rate=("top", "mean"),
    ).reset_index()
    out.insert(6, "cv", out["sd"] / out["mean"].where(out["mean"] > 0))
    return out.sort_values("round", kind="stable", ignore_index=True)


def _thresholds(items: pd.DataFrame) -> pd.DataFrame:
    groups = items.groupby("round")[list(CRITERIA)]
    centre, spread = groups.mean(), groups.std().fillna(0.0)
    sign = pd.Series({"mean": -1, "full_score_rate": -1, "cv": 1})
    return (centre + spread * sign).reset_index()


def _screened(items: pd.DataFrame, thresholds: pd.DataFrame, cv_limit: float | None) -> pd.DataFrame:
    at = thresholds.set_index("round").loc[items["round"]].reset_index(drop=True)
    # equal to the threshold passes; the slack keeps rounding from deciding where all items are alike
    slack = 1e-12
    missed = pd.DataFrame(
        {
            "mean": items["mean"] < at["mean"] - slack,
            "full_score_rate": items["full_score_rate"] < at["full_score_rate"] - slack,
            "cv": items["cv"] > at["cv"] + slack,
        }
    )
    failed = missed.apply(lambda row: ", ".join(row.index[row]), axis=1).astype("str")
    if cv_limit is None:
        count = missed.sum(axis=1)
        verdict = np.select([count == len(CRITERIA), count > 0], ["drop", "discuss"], "keep")
    else:
        verdict = np.where(items["cv"] >= cv_limit, "drop", "keep")
    return items.assign(
        failed=failed, verdict=pd.Series(verdict, index=items.index, dtype="str"), keep=verdict != "drop"
    )


def _agreement(table: pd.DataFrame, rounds: list[int]) -> pd.DataFrame:
    rows = []
    for r in rounds:
        in_round = table[table["round"] == r]
        for level in in_round["level"].drop_duplicates():
            wide = in_round[in_round["level"] == level].pivot(
                index="expert", columns="code", values="importance"
            )
            whole = wide.dropna()
            row: dict[str, Any] = {"round": r, "level": level, "raters": len(whole), "items": wide.shape[1]}
            row["left_out"] = ", ".join(map(str, wide.index.difference(whole.index)))
            flat = whole.nunique(axis=1).le(1).all()
            if len(whole) < 2 or wide.shape[1] < 2 or flat:
                row |= {"w": np.nan, "chi2": np.nan, "df": pd.NA, "p_value": np.nan}
            else:
                k = kendall_w(whole)
                row |= {"w": k.w, "chi2": k.chi2, "df": k.df, "p_value": k.p_value}
            rows.append(row)
    order = ["round", "level", "w", "chi2", "df", "p_value", "raters", "items", "left_out"]
    return pd.DataFrame(rows)[order].astype({"df": "Int64"})


def _authority(table: pd.DataFrame, rounds: list[int]) -> pd.DataFrame:
    rows = []
    for r in rounds:
        both = table.loc[table["round"] == r, ["expert", "basis", "familiarity"]].dropna()
        ca, cs = both["basis"].mean(), both["familiarity"].mean()
        rows.append({"round": r, "Ca": ca, "Cs": cs, "Cr": (ca + cs) / 2, "n": both["expert"].nunique()})
    return pd.DataFrame(rows)


def _response(table: pd.DataFrame, rounds: list[int], issued: int | Mapping[int, int] | None) -> pd.DataFrame:
    rows = []
    for r in rounds:
        sent = issued.get(r) if isinstance(issued, Mapping) else issued
        back = int(table.loc[(table["round"] == r) & table["importance"].notna(), "expert"].nunique())
        if sent is not None and not (isinstance(sent, (int, np.integer)) and sent >= 0):
            raise ParameterError(f"issued must be a whole number of questionnaires a round; found {sent!r}")
        if sent is not None and sent < back:
            raise ParameterError(
                f"round {r}: {back} experts answered, but only {sent} questionnaires were issued"
            )
        rate = np.nan if not sent else back / sent
        rows.append(
            {"round": r, "issued": pd.NA if sent is None else int(sent), "returned": back, "rate": rate}
        )
    return pd.DataFrame(rows).astype({"issued": "Int64"})
