"""The way to a name: places as printed, every stage of the evaluation side by side, questionnaires handed out at random.

What these chapters need beside the data stands under ``options: naming:`` in study.yaml: ``handout`` (``fixed``: points that every
community has; ``drawn``: a metric that counts the points to draw from, with its label; ``points`` to draw, ``per_day`` (labels), ``from``,
``to``). Without it no plan is made; ``quotas`` and ``stages`` need the study's ``quotas`` and candidates.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from commlab.errors import StudyError, listing
from commlab.report.chapters.base import Report
from commlab.report.finding import Col, Finding, Section
from commlab.survey import allocate_sample, draw_sample

__all__ = ["handout", "plan_of", "quotas", "stages"]

PER = 100
"""Communities that places are counted for."""
_STAGES = ("self", "district", "expert")


# ------------------------------------------------------------------------------------------- places as printed


def quotas(report: Report) -> Section | None:
    """The printed places of every district against its size and its kinds of communities."""
    spec, printed = report.study.config.quotas, report.study.register.quotas
    if spec is None or printed.empty:
        return None
    t = report.t
    kinds, now = list(spec.count), spec.places
    table = printed.assign(size=printed[kinds].sum(axis=1), now=printed[now])
    rest = [c for c in spec.columns if c not in (*kinds, now) and not table[c].equals(table["size"])]
    whole = rest[0] if len(rest) == 1 else now
    table["all"] = table[whole]
    table["per"] = table["all"] / table["size"] * PER
    table["alone"] = allocate_sample(table.set_index("unit")["size"], int(table["all"].sum())).to_numpy()
    table["difference"] = table["all"] - table["alone"]
    table["first"] = table["now"] / table["all"]
    later = table["all"].sum() - table["now"].sum()
    least, most = table.loc[table["per"].idxmin()], table.loc[table["per"].idxmax()]
    floor = table["all"].min()
    label = spec.label[report.language]
    counted = t.listing(
        f"{report.study.framework.type_label(k, report.language)} {t.integer(table[k].sum())}" for k in kinds
    )
    text = report.join(
        t("{n} communities ({kinds}) in {districts} districts have {all} places.", n=t.integer(table["size"].sum()), kinds=counted,
          districts=t.integer(len(table)), all=t.integer(table["all"].sum())),
        t("{round} has {now} of them; the document does not split the other {later} any further.",
          round=report.starting(label), now=t.integer(table["now"].sum()), later=t.integer(later)) if later else "",
        t("Places for {per} communities run from {low} ({a}) to {high} ({b}).", per=t.integer(PER), low=t.number(least["per"]), a=least["unit"],
          high=t.number(most["per"]), b=most["unit"]),
        t("{n} districts have the least number, {floor}: with that floor places do not follow size alone.", n=t.integer((table["all"] == floor).sum()),
          floor=t.integer(floor)) if (table["all"] == floor).sum() > 1 else "",
        _related(report, table, kinds),
    )  # fmt: skip
    columns = {"unit": Col(t("District"), width=1.5), "size": Col(t("Communities"), "integer")}
    columns |= {
        k: Col(report.starting(report.study.framework.type_label(k, report.language)), "integer")
        for k in kinds
    }
    columns |= {
        "all": Col(t("Quota places"), "integer"), "per": Col(t("For {n} communities", n=t.integer(PER)), "number"),
        "alone": Col(t("By size alone"), "integer"), "difference": Col(t("Difference"), "signed", digits=0),
    }  # fmt: skip
    if later:
        columns |= {
            "now": Col(report.starting(label), "integer"),
            "first": Col(t("Share of the places"), "percent"),
        }
    notes = [t("As printed ({source}); sums of rows and columns were checked. By size alone: places in proportion to communities, largest remainders; ours, for comparison only.",
               source=str(printed["source"].iloc[0]).partition("#")[0])]  # fmt: skip
    from commlab.figures import bars

    found = report.finding(
        table, text, title=t("Places of every district"), columns=columns, notes=notes,
        figure=bars(table.rename(columns={"unit": "label", "per": "value"})[["label", "value"]], xlabel=t("Places for {n} communities", n=t.integer(PER))),
        figure_title=t("Places against the number of communities"),
    )  # fmt: skip
    return Section(t("Places as printed, against size and kind"), 1, [found, *report.notes("quotas")])


def _related(report: Report, table: pd.DataFrame, kinds: list[str]) -> str:
    """Rank correlations of the places: with size, and per community with the share of the first kind."""
    t = report.t
    size = _related_ranks(table["all"], table["size"])
    kind = _related_ranks(table["per"], table[kinds[0]] / table["size"]) if kinds else np.nan
    if np.isnan(size) or np.isnan(kind):
        return ""
    return t("Rank correlation of places with the number of communities: {size}; of places per community with the share of {kind}: {share}.",
             size=t.number(size, 2), kind=report.study.framework.type_label(kinds[0], report.language), share=t.number(kind, 2))  # fmt: skip


def _related_ranks(one: pd.Series, other: pd.Series) -> float:
    """Spearman's rank correlation; missing where either is the same everywhere."""
    if one.nunique() < 2 or other.nunique() < 2:
        return float("nan")
    return float(one.corr(other, method="spearman"))


# ------------------------------------------------------------------------------------ the stages of evaluation


def stages(report: Report) -> Section | None:
    """Every candidate from its application to acceptance: three ratings, the residents' beside them, problems mended, the place."""
    t, register = report.t, report.study.register
    if register.candidates.empty or not report.has("ratings"):
        return None
    title = t("From application to naming")
    table = stage_table(report)
    if not report.is_city:
        table = table[table["district"] == report.unit].reset_index(drop=True)
    if table.empty:
        return Section(title, 1, [t("No community applies here.")])
    words = {
        "self": t("no self-check"), "district": t("no first review"), "expert": t("not rated by experts"),
        "residents": t("residents not asked"), "problems": t("problems not mended"),
    }  # fmt: skip
    table["state"] = [
        t.listing(words[w] for w in lacking) or t("ready for acceptance") for lacking in table["lacking"]
    ]
    table["residents"] = report.marked(table["satisfied"], table["rule"], table["bound"])
    parts = [_stage_rows(report, table)]
    if report.is_city:
        parts.insert(0, _stage_counts(report, table))
    return Section(title, 1, [*parts, *report.notes("stages")])


def stage_table(report: Report) -> pd.DataFrame:
    """A row a candidate: unit, name, district, applied_on, self, district_mean, expert (means over what all stages rated), satisfied
    (rule, bound), found, mended, rank, quota, lacking (what stands in the way of acceptance)."""
    register, period = report.study.register, report.period
    rows = register.candidates[["unit", "applied_on"]].drop_duplicates("unit").reset_index(drop=True)
    rows["district"] = rows["unit"].map(register.district_of)
    rows["name"] = rows["unit"].map(register.units.set_index("unit")["name"])
    rated = period.ratings[period.ratings["unit"].isin(rows["unit"])]
    wide = rated.groupby(["unit", "code", "stage"])["score"].mean().unstack().reindex(columns=list(_STAGES))
    used = [s for s in _STAGES if wide[s].notna().any()]
    means = wide.dropna(subset=used).groupby("unit")[list(_STAGES)].mean() if used else wide
    known = wide.notna().groupby("unit").any()
    for stage in _STAGES:
        rows[f"{stage}_mean"] = rows["unit"].map(means[stage]) if len(means) else np.nan
    asked = period.result("satisfaction")
    asked = asked[
        (asked["item"] == report.overall_item)
        & (asked["statistic"] == "satisfied")
        & (asked["weighting"] == "design")
    ]
    asked = asked.drop_duplicates("unit").set_index("unit")
    rows["satisfied"] = rows["unit"].map(asked["estimate"]).astype("float64")
    for name in ("rule", "bound"):
        rows[name] = rows["unit"].map(asked[name]).fillna("")
    problems = period.result("problem_states")
    own = problems[problems["unit"].isin(rows["unit"])].groupby("unit")["state"]
    rows["found"] = rows["unit"].map(own.size()).fillna(0).astype("int64")
    rows["mended"] = rows["unit"].map(own.agg(lambda s: (s == "closed").sum())).fillna(0).astype("int64")
    ranks = (
        period.ranks("candidate").set_index("unit")
        if len(period.ranks("candidate"))
        else pd.DataFrame(columns=["rank"])
    )
    rows["rank"] = rows["unit"].map(ranks["rank"])
    spec = report.study.config.quotas
    rows["quota"] = rows["district"].map(register.quotas.set_index("unit")[spec.places]) if spec else np.nan
    rows["lacking"] = [
        [*(s for s in used if r.unit not in known.index or not known.at[r.unit, s]),
         *(["residents"] if len(asked) and r.unit not in asked.index else []), *(["problems"] if r.found > r.mended else [])]
        for r in rows.itertuples()
    ]  # fmt: skip
    inside = rows["district"].isin(period.districts)
    order = {d: i for i, d in enumerate(register.districts)}
    return rows[inside].sort_values(
        ["district", "rank"], key=lambda c: c.map(order) if c.name == "district" else c, ignore_index=True
    )


def _stage_counts(report: Report, table: pd.DataFrame) -> Finding:
    t = report.t
    by = table.assign(
        ready=table["lacking"].map(len) == 0, leads=table["rank"] <= table["quota"],
        mended_all=table["found"] == table["mended"],
    )  # fmt: skip
    by["both"] = by["ready"] & by["leads"]
    out = by.groupby("district", sort=False).agg(
        quota=("quota", "first"), applied=("unit", "size"), rated=("expert_mean", "count"), found=("found", "sum"), mended=("mended", "sum"),
        ready=("ready", "sum"), both=("both", "sum"),
    ).reset_index()  # fmt: skip
    out["open"] = out["quota"] - out["both"]
    text = t(
        "{n} communities apply; {ready} have passed every stage with all problems mended.",
        n=t.integer(len(table)),
        ready=t.integer(out["ready"].sum()),
    )
    columns = {"district": Col(t("District")), "applied": Col(t("Applied"), "integer"), "rated": Col(t("Rated by experts"), "integer"),
               "found": Col(t("Problems found"), "integer"), "mended": Col(t("Mended"), "integer"), "ready": Col(t("Ready for acceptance"), "integer")}  # fmt: skip
    if out["quota"].notna().all():
        columns |= {"quota": Col(t("Quota places"), "integer"), "both": Col(t("Ready and within the places by score"), "integer"), "open": Col(t("Places not filled so"), "integer")}  # fmt: skip
        text = report.join(
            text,
            t("Of {quota} places {both} fall by score to communities that are ready; {open} would go to one that still has to mend something, or stay open.",
              quota=t.integer(out["quota"].sum()), both=t.integer(out["both"].sum()), open=t.integer(out["open"].sum())),
        )  # fmt: skip
    return report.finding(out, text, title=t("Stages and places by district"), columns=columns)


def _stage_rows(report: Report, table: pd.DataFrame) -> Finding:
    t = report.t
    more = table["self_mean"] - table["expert_mean"]
    open_ = table[(table["rule"] == "") & (table["bound"] == "")]
    texts = []
    if more.notna().any():
        texts.append(
            t("On what every stage rated, self-checks lie {self} points and first reviews {district} points above the experts on average.",
              self=t.signed(more.mean()), district=t.signed((table["district_mean"] - table["expert_mean"]).mean()))
        )  # fmt: skip
    both = open_.dropna(subset=["expert_mean", "satisfied"])
    if len(both) > 2:
        texts.append(
            t("Experts and residents: rank correlation {rho} over {n} communities.",
              rho=t.number(_related_ranks(both["expert_mean"], both["satisfied"]), 2), n=t.integer(len(both)))
        )  # fmt: skip
    texts.append(
        t(
            "{n} of {all} are ready for acceptance.",
            n=t.integer((table["lacking"].map(len) == 0).sum()),
            all=t.integer(len(table)),
        )
    )
    columns = {
        "district": Col(t("District")), "name": Col(t("Community"), width=1.4), "applied_on": Col(t("Applied on"), "date"),
        "self_mean": Col(t("Self-check"), "number"), "district_mean": Col(t("First review"), "number"), "expert_mean": Col(t("Experts"), "number"),
        "residents": Col(t("Residents satisfied"), "percent"), "found": Col(t("Problems found"), "integer"), "mended": Col(t("Mended"), "integer"),
        "rank": Col(t("Rank"), "integer"), "state": Col(t("State"), "label", width=1.4),
    }  # fmt: skip
    if not report.is_city:
        columns.pop("district")
    return report.finding(
        table, report.join(*texts), title=t("Candidates stage by stage"), columns=columns,
        notes=[t("Means of the three stages over the standards that all of them rated; only the experts' count for the score. Naming is decided by the city."),
               *report.signs(table["residents"])],
    )  # fmt: skip


# --------------------------------------------------------------------------------- questionnaires handed out


def handout(report: Report, district: str = "") -> Section | None:
    """How the questionnaires of the period are handed out at random: points, half-days and numbers, community by community."""
    given = report.study.config.options.get("naming", {}).get("handout")
    frame = report.study.register.survey_frame
    if given is None or frame.empty:
        return None
    t = report.t
    title = t("Plan for handing out the questionnaires")
    plan = plan_of(report, given)
    if plan.empty:
        return Section(title, 1, [t("No community is on the list of {period}.", period=report.period_label)])
    wanted = report.period.district(district) if district else "" if report.is_city else report.unit
    by = (
        plan.groupby("district", sort=False)
        .agg(communities=("unit", "nunique"), points=("point", "size"), issued=("n", "sum"))
        .reset_index()
    )
    seed = report.study.config.choices.seed
    text = t(
        "{issued} questionnaires are handed out at {points} points of {communities} communities, between {start} and {end}.",
        issued=t.integer(plan["n"].sum()), points=t.integer(len(plan)), communities=t.integer(plan["unit"].nunique()), start=t.date(given["from"]), end=t.date(given["to"]),
    )  # fmt: skip
    notes = [t("Points and half-days were drawn with the seed {seed}: the same list is drawn again from the same files. Who passes is counted, every k-th adult is asked; k stands in the list.", seed=seed)]  # fmt: skip
    blocks: list[Any] = [
        report.finding(
            by, text, title=t("Questionnaires to hand out"), notes=notes,
            columns={"district": Col(t("District")), "communities": Col(t("Communities"), "integer"), "points": Col(t("Points of handing out"), "integer"), "issued": Col(t("Questionnaires"), "integer")},
        )
    ]  # fmt: skip
    own = plan[plan["district"] == wanted].reset_index(drop=True)
    if len(own):
        own["no"] = own.groupby("unit", sort=False).cumcount() + 1
        blocks.append(
            report.finding(
                own, t("{unit}: {n} points.", unit=wanted, n=t.integer(len(own))), title=t("Points of {unit}", unit=wanted),
                columns={"name": Col(t("Community")), "no": Col(t("No."), "integer"), "point": Col(t("Point"), width=1.4), "on": Col(t("Day"), "date"),
                         "half": Col(t("Half-day"), "label"), "n": Col(t("Questionnaires"), "integer"), "every": Col(t("Every k-th adult"), "integer")},
            )
        )  # fmt: skip
    return Section(title, 1, [*blocks, *report.notes("handout")])


_NEEDED = ("fixed", "drawn", "points", "half_days", "from", "to", "every")


def plan_of(report: Report, given: Mapping[str, Any]) -> pd.DataFrame:
    """A row a point: district, unit, name, point, on, half, n (questionnaires), every (k of every k-th adult).

    Raises
    ------
    StudyError
        If the options lack a key.
    """
    lacking = [k for k in _NEEDED if k not in given]
    if lacking:
        raise StudyError(f"study.yaml options: naming: handout: {listing(lacking)} is missing")
    language, register = report.language, report.study.register
    frame = register.survey_frame
    frame = frame[frame["period"] == report.period.name]
    if frame.empty:
        return pd.DataFrame(columns=["district", "unit", "name", "point", "on", "half", "n", "every"])
    facts = report.period.measures
    facts = (
        facts[facts["metric"] == given["drawn"]["metric"]]
        .drop_duplicates("unit", keep="last")
        .set_index("unit")["value"]
    )
    there = frame["unit"].map(facts).fillna(0).astype("int64").to_numpy()
    numbers = pd.DataFrame(
        {
            "unit": np.repeat(frame["unit"].to_numpy(), there),
            "no": np.concatenate([np.empty(0, dtype="int64"), *(np.arange(1, k + 1) for k in there)]),
        }
    )
    each = {u: min(int(given["points"]), int(k)) for u, k in zip(frame["unit"], there, strict=True) if k}
    seed = report.study.config.choices.seed
    label = str(given["drawn"][language])
    drawn = draw_sample(numbers, each, strata="unit", how="random", seed=seed) if each else numbers
    points = pd.concat([
        *(frame[["unit"]].assign(point=str(f[language])) for f in given["fixed"]),
        drawn[["unit"]].assign(point=[label.format(no=n) for n in drawn["no"]]),
    ], ignore_index=True)  # fmt: skip
    order = {u: i for i, u in enumerate(frame["unit"])}
    points = points.sort_values("unit", key=lambda u: u.map(order), kind="stable", ignore_index=True)
    days = pd.date_range(given["from"], given["to"], freq="D")
    dice = np.random.default_rng(seed)
    times = dice.integers(0, len(days) * len(given["half_days"]), size=len(points))
    points["on"] = days[times // len(given["half_days"])]
    points["half"] = [str(given["half_days"][i % len(given["half_days"])][language]) for i in times]
    issued = points["unit"].map(frame.set_index("unit")["issued"]).astype("int64")
    size, place = points.groupby("unit")["point"].transform("size"), points.groupby("unit").cumcount()
    points["n"] = issued // size + (place < issued % size)
    points["every"] = int(given["every"])
    points["district"] = points["unit"].map(register.district_of)
    points["name"] = points["unit"].map(register.units.set_index("unit")["name"])
    return points[points["n"] > 0].reset_index(drop=True)
