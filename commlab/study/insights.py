"""What the answers say beyond the figures per item: the scale, the drivers, groups and districts compared, communities.

Everything rests on at least k respondents; communities' direct figures come from the protected table (R7), so that a
modelled figure of a withheld community is the model's alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from commlab.errors import DataError
from commlab.study.config import StudyConfig
from commlab.study.register import Register
from commlab.survey import (
    SurveyDesign,
    bartlett_sphericity,
    benchmark,
    cronbach_alpha,
    driver_odds,
    drivers,
    factor_analysis,
    fay_herriot,
    holm,
    importance_performance,
    kmo,
    linear_scores,
    mcdonald_omega,
    overall_index,
    parallel_analysis,
    split_half,
)
from commlab.tables import DONT_KNOW, NOT_APPLICABLE

__all__ = ["COLUMNS", "MOST_ANSWERS", "insights", "overall"]

DRAWS = 200
"""Bootstrap draws of the drivers' intervals."""
MOST_ANSWERS = 60
"""Answers above which a community's own estimate is left as it is."""
GROUPS = ("sex", "age_band", "education", "tenure", "hukou")
COLUMNS = {
    "scale": ["measure", "value", "low", "high", "df", "p_value", "n"],
    "scale_items": ["item", "alpha_if_deleted", "item_rest", "msa", "factor", "loading"],
    "drivers": [
        *(
            "level",
            "unit",
            "item",
            "importance",
            "importance_low",
            "importance_high",
            "performance",
            "ci_low",
        ),
        *("ci_high", "satisfied", "priority", "priority_low", "priority_high", "quadrant", "n", "r2"),
        *("odds_ratio", "odds_low", "odds_high", "p_holm"),
    ],
    "comparisons": [
        *("variable", "group", "versus", "mean", "mean_versus", "estimate", "se", "ci_low", "ci_high", "df"),
        *("p_value", "p_holm", "n", "n_versus"),
    ],
    "small_areas": [
        *("unit", "district", "n", "direct", "se", "modelled", "low", "high", "source", "rule"),
    ],
}
"""Result -> its columns."""


def overall(items: Mapping[str, int]) -> str:
    """The item that asks for the overall judgement: the first whose name says so, else the first of all."""
    return next((i for i in items if "overall" in i), next(iter(items)))


def insights(
    design: SurveyDesign,
    items: Mapping[str, int],
    decided: pd.DataFrame,
    satisfaction: pd.DataFrame,
    *,
    config: StudyConfig,
    register: Register,
    district_of: Mapping[str, str],
) -> dict[str, pd.DataFrame]:
    """The frames of ``COLUMNS``; one that cannot be computed is empty."""
    k = config.disclosure["internal"]
    target = overall(items)
    alike = [i for i, points in items.items() if points == items[target]]
    answers = design.data[alike].astype("float64")
    answers = answers.mask(answers.isin([DONT_KNOW, NOT_APPLICABLE]))
    scale, scale_items = _scale(answers, config, k)
    found = _drivers(design, alike, target, items[target], decided, config, k)
    if len(scale):
        scale = pd.concat([scale, _by_importance(design, alike, target, items[target], found, config)])
    out = {
        "scale": scale,
        "scale_items": scale_items,
        "drivers": found,
        "comparisons": _comparisons(design, answers[target], items[target], decided, config, target, k),
        "small_areas": _small_areas(design, satisfaction, target, config, register, district_of),
    }
    return {name: frame[COLUMNS[name]].reset_index(drop=True) for name, frame in out.items()}


def _scale(answers: pd.DataFrame, config: StudyConfig, k: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Whether the items measure one thing: reliability, adequacy, and the factors above chance."""
    none = pd.DataFrame(columns=COLUMNS["scale"]), pd.DataFrame(columns=COLUMNS["scale_items"])
    if answers.shape[1] < 3 or len(answers.dropna()) < k:
        return none
    try:
        alpha = cronbach_alpha(answers, confidence=config.choices.confidence)
        adequacy, spherical = kmo(answers), bartlett_sphericity(answers)
        parallel = parallel_analysis(answers, draws=DRAWS, seed=config.choices.seed)
    except DataError:
        return none
    rows = [
        {"measure": "alpha", "value": alpha.alpha, "low": alpha.ci_low, "high": alpha.ci_high},
        {"measure": "split_half", "value": split_half(answers)},
        {"measure": "kmo", "value": adequacy.overall},
        {"measure": "bartlett", "value": spherical.chi2, "df": spherical.df, "p_value": spherical.p_value},
        {"measure": "factors", "value": float(parallel["keep"].sum())},
    ]
    items = alpha.items[["item", "alpha_if_deleted", "item_rest"]].assign(
        msa=adequacy.items.to_numpy(), factor="", loading=np.nan
    )
    try:
        rows.insert(1, {"measure": "omega", "value": mcdonald_omega(answers).omega})
        m = max(1, int(parallel["keep"].sum()))
        found = factor_analysis(answers, m, rotation="oblimin").loadings
        items["factor"] = found.abs().idxmax(axis=1).to_numpy()
        items["loading"] = [found.loc[i, f] for i, f in zip(items["item"], items["factor"], strict=True)]
    except DataError:
        pass  # an improper solution: alpha and adequacy stand without it
    table = pd.DataFrame(rows, columns=COLUMNS["scale"]).assign(n=alpha.n)
    return table, items


def _drivers(
    design: SurveyDesign,
    items: list[str],
    target: str,
    points: int,
    decided: pd.DataFrame,
    config: StudyConfig,
    k: int,
) -> pd.DataFrame:
    """Importance and performance of the items, for the city and every district."""
    others = [i for i in items if i != target]
    empty = pd.DataFrame(columns=COLUMNS["drivers"])
    if len(others) < 2 or points < 2:
        return empty
    frames = []
    parts = [("city", config.city, design)]
    for district, rows in design.data.groupby("district", sort=False):
        parts.append(("district", str(district), _part(design, rows)))
    for level, unit, part in parts:
        try:
            found = drivers(
                part, target, others, method="johnson", draws=DRAWS, seed=config.choices.seed, scale=(1, points),
                confidence=config.choices.confidence,
            )  # fmt: skip
            table = importance_performance(
                part, others, importance=found, scale=(1, points), confidence=config.choices.confidence
            )
        except DataError:
            continue  # too few complete answers, or an item without variation
        if found["n"].iloc[0] < k:
            continue
        both = found.set_index("item").reindex(table["item"])
        table = table.assign(
            level=level,
            unit=unit,
            importance_low=both["ci_low"].to_numpy(),
            importance_high=both["ci_high"].to_numpy(),
            n=both["n"].to_numpy(),
            r2=both["r2"].to_numpy(),
        )
        frames.append(
            _without_hidden(table, decided, level, unit).merge(_odds(part, target, others, config), on="item")
        )
    return pd.concat(frames, ignore_index=True) if frames else empty


def _by_importance(
    design: SurveyDesign, items: list[str], target: str, points: int, found: pd.DataFrame, config: StudyConfig
) -> pd.DataFrame:
    """One index of all items over the city, each by its importance; none where an item's own may not be shown."""
    others = [i for i in items if i != target]
    of_city = found[found["level"] == "city"].set_index("item")
    if not others or set(of_city.index) != set(others):
        return pd.DataFrame(columns=COLUMNS["scale"])
    table = overall_index(
        design,
        others,
        importance=of_city["importance"],
        scale=(1, points),
        confidence=config.choices.confidence,
    )
    table = table.rename(columns={"estimate": "value", "ci_low": "low", "ci_high": "high"})
    return table.assign(measure="overall_index").reindex(columns=COLUMNS["scale"])


def _part(design: SurveyDesign, rows: pd.DataFrame) -> SurveyDesign:
    """The design of one district: districts are strata, so each is a sample of its own."""
    from commlab.study.estimates import design_of

    return design_of(rows.reset_index(drop=True), lonely=design.lonely)


def _without_hidden(table: pd.DataFrame, decided: pd.DataFrame, level: str, unit: str) -> pd.DataFrame:
    """Items whose index or share may not be shown leave the plane (R7)."""
    rows = decided[(decided["level"] == level) & (decided["unit"] == unit)]
    rows = rows[rows["statistic"].isin(["index", "satisfied"])]
    hidden = rows.loc[(rows["rule"] != "") | (rows["bound"] != ""), "item"]
    return table[~table["item"].isin(set(hidden))]


def _odds(design: SurveyDesign, target: str, items: list[str], config: StudyConfig) -> pd.DataFrame:
    blank = pd.DataFrame({"item": items}).assign(
        odds_ratio=np.nan, odds_low=np.nan, odds_high=np.nan, p_holm=np.nan
    )
    try:
        found = driver_odds(design, target, items, confidence=config.choices.confidence)
    except DataError:
        return blank  # too few answers for so many items
    found = found.rename(columns={"ci_low": "odds_low", "ci_high": "odds_high"})
    return found[["item", "odds_ratio", "odds_low", "odds_high", "p_holm"]]


def _comparisons(
    design: SurveyDesign,
    answers: pd.Series,
    points: int,
    decided: pd.DataFrame,
    config: StudyConfig,
    target: str,
    k: int,
) -> pd.DataFrame:
    """The overall index of every district against the rest of the city, and of groups of people, Holm in each set."""
    scores = linear_scores((1, points))
    data = design.data.assign(_index=answers.map(scores).to_numpy(dtype=float))
    frames = []
    rows = decided[
        (decided["level"] == "district") & (decided["item"] == target) & (decided["statistic"] == "index")
    ]
    known = rows.loc[rows["rule"] == "", "unit"]
    for district in known if len(known) > 1 else []:
        mark = np.where(data["district"] == district, district, config.city)
        table = _compared(design, data.assign(_group=mark), config, reference=config.city)
        frames.append(table.assign(variable="district"))
    if frames:
        of_districts = pd.concat(frames, ignore_index=True)
        frames = [of_districts.assign(p_holm=holm(of_districts["p_value"]))]
    for variable in [v for v in GROUPS if v in data]:
        sizes = data.loc[data["_index"].notna(), variable].value_counts()
        kept = data[variable].where(data[variable].isin(sizes.index[sizes >= k]))
        if kept.nunique() > 1:
            table = _compared(design, data.assign(_group=kept), config)
            frames.append(table.assign(variable=variable))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=COLUMNS["comparisons"])


def _compared(
    design: SurveyDesign, data: pd.DataFrame, config: StudyConfig, reference: str | None = None
) -> pd.DataFrame:
    from commlab.study.estimates import LEAST_DF, design_of

    sample = design_of(data, lonely=design.lonely)
    table = sample.compare(
        "_index", groups="_group", reference=reference, confidence=config.choices.confidence
    )
    table["p_value"] = table["p_value"].where(table["df"] >= LEAST_DF)
    return table.assign(p_holm=holm(table["p_value"]))


def _small_areas(
    design: SurveyDesign,
    satisfaction: pd.DataFrame,
    target: str,
    config: StudyConfig,
    register: Register,
    district_of: Mapping[str, str],
) -> pd.DataFrame:
    """The overall index of every surveyed community: its own, or lent strength by a model and fitted to the district."""
    own = satisfaction[
        (satisfaction["weighting"] == "design")
        & (satisfaction["item"] == target)
        & (satisfaction["statistic"] == "index")
    ].set_index("unit")
    direct = own[own["level"] == "community"]
    table = direct[["n", "estimate", "se", "rule"]].rename(columns={"estimate": "direct"})
    table["district"] = pd.Series(table.index, index=table.index).map(district_of)
    kinds = register.units.set_index("unit")["type"].reindex(table.index).fillna("")
    names = sorted(kinds.unique())
    covariates = pd.DataFrame(
        {"one": 1.0} | {kind: (kinds == kind).astype(float) for kind in names[1:]}, index=table.index
    )
    usable = table["direct"].notna() & (table["se"] > 0)
    blank = table.reset_index().assign(modelled=np.nan, low=np.nan, high=np.nan, source="direct")
    try:
        fit = fay_herriot(table["direct"].where(usable), table["se"].where(usable) ** 2, covariates)
    except DataError:
        return blank  # too few communities for a model
    if (fit.estimates["mse"] <= 0).any():
        return blank
    totals = own.loc[own["level"] == "district", "estimate"]
    sizes = design.data.groupby("unit")["adults"].first().reindex(table.index).astype(float)
    fitted = benchmark(
        fit.estimates["eblup"], sizes, totals.reindex(table["district"].unique()), groups=table["district"]
    ).clip(0, 100)
    half = _normal(config.choices.confidence) * np.sqrt(fit.estimates["mse"])
    many = table["n"] > MOST_ANSWERS
    table["modelled"] = fitted.mask(many)
    table["low"], table["high"] = (
        (fitted - half).clip(lower=0).mask(many),
        (fitted + half).clip(upper=100).mask(many),
    )
    table["source"] = np.where(many, "direct", np.where(usable, "direct and model", "model"))
    return table.reset_index()


def _normal(confidence: float) -> float:
    from scipy import special

    return float(special.ndtri(0.5 + confidence / 2))
