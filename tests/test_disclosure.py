"""Protection: the rules one by one, and an attacker with a linear program."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from commlab.errors import DataError, ParameterError
from commlab.survey import SurveyDesign, protect, satisfaction
from commlab.survey.bounds import FEW
from commlab.survey.satisfaction import STATISTICS


def children(n: list[int], yes: list[int] | None = None, item: str = "q") -> pd.DataFrame:
    """One row per community with its share of yes."""
    yes = [max(3, size // 2) for size in n] if yes is None else yes
    share = [s / size if size else np.nan for s, size in zip(yes, n, strict=True)]
    return pd.DataFrame(
        {
            "unit": [f"c{i}" for i in range(len(n))],
            "item": item,
            "statistic": "satisfied",
            "estimate": share,
            "se": 0.1,
            "n": n,
            "yes": yes,
        }
    )


@pytest.mark.parametrize(
    ("n", "withheld"),
    [
        ([40, 40, 40], {}),
        ([40, 40, 9], {"c2": "R1", "c0": "R2"}),  # one alone: the next smallest goes with it
        ([40, 6, 9], {"c1": "R1", "c2": "R1"}),  # two, together 15: enough
        ([40, 41, 3, 4], {"c2": "R1", "c3": "R1", "c0": "R2"}),  # two, together 7: not enough
        ([40, 0, 50], {"c1": "R1", "c0": "R2"}),  # nobody answered: withheld like few
        ([9], {"c0": "R1"}),
    ],
)
def test_small_domains_and_their_complements(n, withheld):
    table, gone = protect(children(n), k=10)
    assert dict(zip(gone["unit"], gone["rule"], strict=True)) == withheld
    blank = table["unit"].isin(list(withheld))
    assert table.loc[blank, ["estimate", "se", "n", "yes"]].isna().all(axis=None)
    assert table.loc[~blank, "n"].notna().all()
    assert (table.loc[~blank, "rule"] == "").all()
    assert "n" not in gone


@pytest.mark.parametrize(
    ("yes", "rules"),
    [
        ([20, 20, 4, 4], ["R1", "R1"]),
        ([20, 20, 0, 0], ["R1", "R1", "R3"]),  # all no
        ([20, 21, 8, 9], ["R1", "R1", "R3"]),  # all yes
    ],
)
def test_the_withheld_are_mixed(yes, rules):
    _, gone = protect(children([40, 41, 8, 9], yes), k=10)
    assert sorted(gone["rule"]) == rules


def test_a_rare_answer_does_not_withhold_everyone():
    # 8 and 9 answers are withheld; nobody there chose option 1, and that alone is no reason for more.
    options = pd.DataFrame({"option": [1, 2, 3], "count": [0, 0, 0]})
    counts = {"c0": [4, 20, 16], "c1": [3, 20, 20], "c2": [0, 4, 4], "c3": [0, 5, 4]}
    rows = [options.assign(unit=u, item="q", count=c, n=sum(c)) for u, c in counts.items()]
    table = pd.concat(rows).assign(estimate=lambda d: d["count"] / d["n"])
    assert protect(table, k=10)[1]["rule"].tolist() == ["R1", "R1"]
    alike = table.assign(count=table["count"].where(~table["unit"].isin(["c2", "c3"]), 0))
    alike.loc[alike["unit"].isin(["c2", "c3"]) & (alike["option"] == 2), "count"] = [8, 9]
    assert protect(alike, k=10)[1]["rule"].tolist() == ["R3", "R1", "R1"]


def test_shares_of_few_become_bounds():
    table, _ = protect(children([40, 40, 40], [2, 20, 38]), k=10)
    assert table["bound"].tolist() == ["<=", "", ">="]
    assert table["estimate"].tolist() == [FEW / 40, 0.5, 1 - FEW / 40]
    assert table["se"].isna().tolist() == [True, False, True]


def test_families_and_items_apart():
    data = pd.concat([children([40, 9, 40]), children([40, 40, 40], item="r")])
    parent = {"c0": "east", "c1": "east", "c2": "west"}
    _, gone = protect(data, k=10, parent=parent)
    assert gone.to_numpy().tolist() == [["c0", "q", "R2"], ["c1", "q", "R1"]]
    _, same = protect(data.assign(district=data["unit"].map(parent)), k=10, parent="district")
    assert same["unit"].tolist() == ["c0", "c1"]


def test_a_withheld_parent_is_covered_by_its_children():
    # District east is small and west goes with it, so the communities of west must not add up to it.
    data = children([9, 60, 80, 30, 31])
    data["unit"] = ["east", "west", "north", "w1", "w2"]
    parent = {"east": "city", "west": "city", "north": "city", "w1": "west", "w2": "west"}
    data["level"] = ["district"] * 3 + ["community"] * 2
    _, gone = protect(data, k=10, parent=parent)
    assert dict(zip(gone["unit"], gone["rule"], strict=True)) == {
        "east": "R1",
        "west": "R2",
        "w1": "R2",
        "w2": "R2",
    }


def test_a_change_needs_both_periods():
    change = pd.DataFrame(
        {
            "unit": ["c0", "c1"],
            "item": "q",
            "before": 0.5,
            "after": 0.6,
            "estimate": 0.1,
            "n_before": [40, 40],
            "n_after": 40,
        }
    )
    withheld = pd.DataFrame({"unit": ["c1"], "item": ["q"], "rule": ["R1"]})
    table, gone = protect(change, k=10, previous=withheld)
    assert gone["rule"].tolist() == ["R2", "R4"] and table["estimate"].isna().all()
    _, gone = protect(change.assign(n_before=[40, 9]), k=10)
    assert set(gone["unit"]) == {"c0", "c1"}


def test_a_corrected_release_does_not_tell_who_withdrew():
    before, _ = protect(children([40, 50, 60]), k=10)
    _, gone = protect(children([39, 50, 60]), k=10, previous=before)
    assert dict(zip(gone["unit"], gone["rule"], strict=True)) == {"c0": "R5", "c1": "R2"}
    _, gone = protect(children([30, 50, 60]), k=10, previous=before)
    assert gone.empty


def test_dont_know_does_not_leak_through_its_n():
    answers = [5] * 12 + [3] * 12 + [1] * 6 + [98]
    data = pd.DataFrame({"q": answers * 3, "unit": np.repeat(list("abc"), len(answers))})
    table, _ = protect(satisfaction(SurveyDesign(data), "q", by="unit"), k=10)
    unsure = table[table["statistic"] == "dont_know"]
    assert (unsure["bound"] == "<=").all() and unsure["n"].isna().all()
    assert unsure["estimate"].tolist() == [FEW / 30] * 3  # of the substantive n, which is printed anyway


def test_answers_all_alike_tell_no_level():
    data = pd.DataFrame({"q": [5] * 20 + [1, 3, 5, 4] * 5, "unit": ["a"] * 20 + ["b"] * 20})
    table, _ = protect(satisfaction(SurveyDesign(data), "q", by="unit"), k=10)
    first = table[table["unit"] == "a"].set_index("statistic")
    assert first.loc[["mean", "index", "net"], "estimate"].isna().all()
    assert first.loc["satisfied", "bound"] == ">="


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"k": 0}, ParameterError, "k=0 must be a whole number"),
        ({"k": True}, ParameterError, "k=True"),
        ({"k": 10, "parent": "street"}, ParameterError, 'parent "street" is no column'),
        ({"k": 10, "parent": {"c0": "east"}}, DataError, "2 domains have no parent: c1, c2"),
        ({"k": 10, "parent": 3}, ParameterError, "parent must be a column"),
    ],
)
def test_what_is_refused(options, error, says):
    with pytest.raises(error, match=says):
        protect(children([40, 40, 40]), **options)
    with pytest.raises(ParameterError, match='no column "n"'):
        protect(children([40]).drop(columns="n"), k=10)
    with pytest.raises(DataError, match="negative"):
        protect(children([-1]), k=10)


def test_an_empty_table_stays_empty():
    with pytest.raises(ParameterError, match="must be a DataFrame, got NoneType"):
        protect(None, k=10)  # type: ignore[arg-type]
    assert protect(pd.DataFrame({"n": []}), k=10)[0].empty
    table, gone = protect(children([]).astype({"n": "int64"}), k=10)
    assert table.empty and gone.empty and "rule" in table


def test_what_a_bound_hides_is_not_told_by_its_neighbours():
    # One district's 2 of 40: the city's total less the others' would be it, so another is blank.
    table, gone = protect(children([40, 40, 40, 40], [2, 20, 15, 30]), k=10)
    assert table["bound"].tolist() == ["<=", "", "", ""] and gone.empty
    assert table["rule"].tolist() == ["", "", "", "R3"] and np.isnan(
        table["estimate"][3]
    )  # min(30, 10) is least
    # Two that hide each other: 1 + 1 leaves each of them 0, 1 or 2.
    table, _ = protect(children([40, 40, 40], [1, 1, 20]), k=10)
    assert table["estimate"].notna().all()
    table, _ = protect(children([40, 40, 40], [0, 0, 20]), k=10)  # 0 + 0 is 0 and 0
    assert table["rule"].tolist() == ["", "", "R3"]


def test_options_of_one_question_hide_each_other():
    options = pd.DataFrame({"unit": "a", "item": "q", "option": [1, 2, 3], "count": [1, 20, 30], "n": 51})
    table, _ = protect(options.assign(estimate=options["count"] / 51), k=10)
    assert table["bound"].tolist() == ["<=", "", ""] and table["rule"].tolist() == ["", "R3", ""]


def test_net_is_no_way_round():
    answers = [5] * 20 + [3] * 15 + [1] * 2 + [98] * 9
    data = pd.DataFrame({"q": answers + [5, 4, 3, 2, 1, 98] * 8, "unit": ["a"] * len(answers) + ["b"] * 48})
    table, _ = protect(satisfaction(SurveyDesign(data), "q", by="unit"), k=10)
    a, b = (table[table["unit"] == u].set_index("statistic") for u in "ab")
    assert a.loc["dissatisfied", "bound"] == "<=" and a.loc["net", "rule"] == "R3"
    assert b.loc[["dissatisfied", "net"], "rule"].tolist() == ["R3", "R3"]  # covers a
    assert b.loc[["satisfied", "index", "mean"], "estimate"].notna().all()


def test_nearly_all_alike_tells_no_level():
    data = pd.DataFrame({"q": [5] * 29 + [4] + [1, 2, 3, 4, 5] * 12, "unit": ["a"] * 30 + ["b", "c"] * 30})
    table, _ = protect(satisfaction(SurveyDesign(data), "q", by="unit"), k=10)
    wide = table.pivot(index="unit", columns="statistic", values="estimate")
    assert np.isnan(wide.loc["a", "index"]) and np.isnan(wide.loc["a", "mean"])
    assert wide["index"].notna().sum() == 1  # a sibling goes too, or the whole would tell


def test_crossed_tables_are_closed_both_ways():
    n = {("e", "f"): 40, ("e", "m"): 8, ("w", "f"): 40, ("w", "m"): 41, ("x", "f"): 50, ("x", "m"): 51}
    rows = [{"district": d, "sex": s, "item": "q", "estimate": 0.5, "n": v} for (d, s), v in n.items()]
    _, gone = protect(pd.DataFrame(rows), k=10, parent=["district", "sex"])
    cells = set(zip(gone["district"], gone["sex"], strict=True))
    assert ("e", "m") in cells and ("e", "f") in cells
    for axis in ("district", "sex"):
        assert (gone.groupby(axis).size() >= 2).all()
    assert ("x", "f") not in cells


def attack(printed: pd.DataFrame, total_n: int, total_yes: int) -> list[tuple[float, float, float, float]]:
    """What a reader can find out about each withheld child: least and most respondents, least and most yes.

    The reader knows the parent's n and yes, and n and yes (or its bound) of every printed child.
    """
    m = len(printed)
    bounds: list[tuple[float, float | None]] = []
    for row in printed.itertuples():
        bounds.append((0, None) if np.isnan(row.n) else (row.n, row.n))
    for row in printed.itertuples():
        if np.isnan(row.n):
            bounds.append((0, None))
        elif row.bound == "<=":
            bounds.append((0, FEW - 1))
        elif row.bound == ">=":
            bounds.append((row.n - FEW + 1, row.n))
        else:
            bounds.append((row.yes, row.yes))
    sums = np.zeros((2, 2 * m))
    sums[0, :m] = sums[1, m:] = 1
    below = np.hstack([-np.eye(m), np.eye(m)])  # yes <= n
    found = []
    for i in np.flatnonzero(printed["n"].isna()):
        ends = []
        for column in (i, m + i):
            for sign in (1, -1):
                c = np.zeros(2 * m)
                c[column] = sign
                result = linprog(
                    c, A_ub=below, b_ub=np.zeros(m), A_eq=sums, b_eq=[total_n, total_yes], bounds=bounds
                )
                assert result.success
                ends.append(sign * result.fun)
        found.append(tuple(ends))
    return found


@pytest.mark.parametrize("k", [10, 30])
def test_a_linear_program_recovers_nothing(k):
    rng = np.random.default_rng(k)
    attacked = 0
    for _ in range(25):
        m = int(rng.integers(2, 12))
        n = rng.integers(2, 3 * k, m)
        yes = rng.binomial(n, rng.uniform(0.05, 0.95))
        printed, gone = protect(children(n.tolist(), yes.tolist()), k=k)
        if n.sum() < k or min(yes.sum(), n.sum() - yes.sum()) < FEW:
            continue  # the parent itself is withheld or printed as a bound
        for least_n, most_n, least_yes, most_yes in attack(printed, int(n.sum()), int(yes.sum())):
            assert most_n - least_n >= min(k, n.sum()) - 1e-6
            assert most_yes - least_yes >= FEW - 1e-6
            attacked += 1
        assert len(gone) == printed["n"].isna().sum()
    assert attacked > 20


CODES = np.arange(1, 6)


def places(rng: np.random.Generator, k: int) -> tuple[pd.DataFrame, dict[str, str]]:
    """Answers of a city of three districts with communities of few to many answers, and who lies where."""
    above, rows = {}, []
    for d in range(3):
        above[f"d{d}"] = "city"
        for c in range(int(rng.integers(2, 6))):
            name = f"d{d}c{c}"
            above[name] = f"d{d}"
            shares = rng.dirichlet(np.where(rng.random(6) < 0.4, 0.1, 2.0))
            rows.append({"unit": name, "counts": rng.multinomial(int(rng.integers(2, 3 * k)), shares)})
    return pd.DataFrame(rows), above


def figures(counts: dict[str, np.ndarray]) -> pd.DataFrame:
    """What is printed of each place: six statistics (of communities two) and the unweighted counts behind them."""
    rows = []
    for unit, c in counts.items():
        n, asked = c[:5].sum(), c.sum()
        level = {"mean": (CODES * c[:5]).sum(), "index": (25 * (CODES - 1) * c[:5]).sum()}
        yes = {"satisfied": c[3:5].sum(), "dissatisfied": c[:2].sum(), "dont_know": c[5]}
        alike = (c[:5] > 0).sum() < 2
        told = ("index", "satisfied") if "c" in unit[1:] and unit != "city" else tuple(STATISTICS)
        for statistic in told:
            size = asked if statistic == "dont_know" else n
            whole = level.get(statistic, yes.get(statistic, yes["satisfied"] - yes["dissatisfied"]))
            estimate, se = whole / max(size, 1), 0.0 if alike else 0.1
            rows.append((unit, "q", statistic, estimate, se, size, yes.get(statistic, np.nan)))
    return pd.DataFrame(rows, columns=["unit", "item", "statistic", "estimate", "se", "n", "yes"])


FORMS = {  # what each statistic says about the counts of the answers 1 to 5 and "don't know"
    "n": [1, 1, 1, 1, 1, 0],
    "mean": [1, 2, 3, 4, 5, 0],
    "index": [0, 25, 50, 75, 100, 0],
    "satisfied": [0, 0, 0, 1, 1, 0],
    "dissatisfied": [1, 1, 0, 0, 0, 0],
    "net": [-1, -1, 0, 1, 1, 0],
    "dont_know": [0, 0, 0, 0, 0, 1],
    "asked": [1, 1, 1, 1, 1, 1],
}


def known(printed: pd.DataFrame, inside: dict[str, list[int]], m: int) -> tuple[list, list, list, list]:
    """Equations and bounds that a reader of the table can write down, over m x 6 counts of the lowest places."""
    equal, right, below, least = [], [], [], []

    def row(unit: str, form: str) -> np.ndarray:
        out = np.zeros((m, 6))
        out[inside[unit]] = FORMS[form]
        return out.ravel()

    for r in printed.itertuples():
        if r.bound:
            few = row(r.unit, r.statistic)
            if r.bound == ">=":
                few = row(r.unit, "asked" if r.statistic == "dont_know" else "n") - few
            below.append(few)
            least.append(FEW - 1)
        elif r.rule == "":
            equal.append(row(r.unit, r.statistic))
            right.append(r.estimate * r.n)
        if not np.isnan(r.n):
            equal.append(row(r.unit, "asked" if r.statistic == "dont_know" else "n"))
            right.append(r.n)
    return equal, right, below, least


def spans(
    printed: pd.DataFrame, inside: dict[str, list[int]], m: int, asks: list[tuple[str, str]]
) -> list[float]:
    """Width of what a linear program leaves open about each asked figure."""
    equal, right, below, least = known(printed, inside, m)
    widths = []
    for unit, form in asks:
        c = np.zeros((m, 6))
        c[inside[unit]] = FORMS[form]
        ends = []
        for sign in (1, -1):
            found = linprog(
                sign * c.ravel(),
                A_ub=np.array(below) if below else None,
                b_ub=least or None,
                A_eq=np.array(equal),
                b_eq=right,
                bounds=(0, None),
            )
            ends.append(np.inf if found.status == 3 else sign * found.fun)
            assert found.status in (0, 3)
        widths.append(abs(ends[1] - ends[0]))
    return widths


@pytest.mark.parametrize("seed", range(8))
def test_a_linear_program_over_the_whole_tree_recovers_nothing(seed):
    """City, districts and communities printed together, six statistics each: every hidden figure stays open."""
    k = 10
    data, above = places(np.random.default_rng(seed), k)
    inside = {unit: [i] for i, unit in enumerate(data["unit"])}
    for d in ("d0", "d1", "d2"):
        inside[d] = [i for i, u in enumerate(data["unit"]) if above[u] == d]
    inside["city"] = list(range(len(data)))
    counts = np.stack(data["counts"].tolist())
    printed, gone = protect(figures({u: counts[i].sum(axis=0) for u, i in inside.items()}), k=k, parent=above)
    hidden = printed[
        (printed["bound"] != "") | (printed["rule"] == "R3") & ~printed["unit"].isin(gone["unit"])
    ]
    asks = [(r.unit, r.statistic) for r in hidden.itertuples() if r.statistic not in ("net", "mean")]
    asks += [(u, form) for u in gone["unit"] for form in ("n", "satisfied")]
    assert len(asks) > 3
    truth = {
        (u, form): float((counts[i].sum(axis=0) * FORMS[form]).sum())
        for u, i in inside.items()
        for form in FORMS
    }
    shares = printed[~printed["statistic"].isin(["mean", "index"])]
    narrow = spans(shares, inside, len(data), asks)
    for (unit, form), with_levels, width in zip(
        asks, spans(printed, inside, len(data), asks), narrow, strict=True
    ):
        whole = gone["unit"].eq(unit).any()
        least = min(k, truth[unit, "n"]) if whole and form == "n" else FEW - 1
        assert width >= least - 1e-6, (unit, form, width)
        assert with_levels > 0.5, (unit, form, with_levels)  # means on top narrow it down, never to one count
