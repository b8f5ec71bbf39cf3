"""Protection: the rules one by one, and an attacker with a linear program."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from commlab.errors import DataError, ParameterError
from commlab.survey import SurveyDesign, protect, satisfaction
from commlab.survey.disclosure import FEW


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
