"""Protection: the rules one by one, and an attacker with a linear program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog
from scipy.sparse import csr_array

from commlab.errors import DataError, ParameterError
from commlab.survey import SurveyDesign, protect, satisfaction
from commlab.survey.bounds import FEW


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
    # 9, 0 and 1 of 10 have no option of ten to hide behind, nor have 30 and 5 of 35 another place.
    few = [("a", 1, 9, 10), ("a", 2, 0, 10), ("a", 3, 1, 10), ("b", 1, 30, 35), ("b", 2, 5, 35)]
    options = pd.DataFrame(few, columns=["unit", "option", "count", "n"]).assign(item="q")
    table, _ = protect(options.assign(estimate=options["count"] / options["n"]), k=10)
    assert (table["rule"] == "R3").all() and (table["bound"] == "").all()


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


def test_children_of_the_first_cell_hide_each_other():
    # One of a's 20 is dissatisfied: b's figures, which the city's would tell it by, are blank too.
    answers = {"a": [4] * 18 + [3, 1], "b": [4] * 13 + [2] * 7 + [1] * 10}
    data = pd.DataFrame([(q, unit) for unit, given in answers.items() for q in given], columns=["q", "unit"])
    design = SurveyDesign(data)
    parts = [
        satisfaction(design, "q").assign(unit="all"),
        satisfaction(design, "q", by="unit").assign(parent="all"),
    ]
    table, _ = protect(pd.concat(parts, ignore_index=True), k=10, parent="parent")
    told = table[table["statistic"].isin(["satisfied", "dissatisfied"])]
    assert told["rule"].tolist() == ["", "", "", "", "R3", "R3"]
    assert told["bound"].tolist() == ["", "", ">=", "<=", "", ""]


def test_the_audit_is_told_every_answer_and_dont_know_apart(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "commlab.survey.disclosure.secure", lambda *_, **options: seen.append(options["counts"])
    )
    given = {1: 1, 2: 2, 3: 9, 4: 20, 5: 8, 0: 7}
    counts = pd.DataFrame({"unit": "c0", "item": "q", "answer": list(given), "yes": list(given.values())})
    protect(children([40], [28]).assign(bound="", rule=""), k=10, counts=counts)
    assert seen[0].tolist() == [[1, 2, 9, 20, 8, 7]]


def test_crossed_tables_are_closed_both_ways():
    n = {("e", "f"): 40, ("e", "m"): 8, ("w", "f"): 40, ("w", "m"): 41, ("x", "f"): 50, ("x", "m"): 51}
    rows = [{"district": d, "sex": s, "item": "q", "estimate": 0.5, "n": v} for (d, s), v in n.items()]
    _, gone = protect(pd.DataFrame(rows), k=10, parent=["district", "sex"])
    cells = set(zip(gone["district"], gone["sex"], strict=True))
    assert ("e", "m") in cells and ("e", "f") in cells
    for axis in ("district", "sex"):
        assert (gone.groupby(axis).size() >= 2).all()
    assert ("x", "f") not in cells


def test_what_a_total_tells_anyway_is_no_reason_to_withhold_more():
    # Nobody of e/m, who are 6, was dissatisfied, and of e only 2: printed as a bound elsewhere, e leaves 0 to 2 of them.
    no = {("e", "f"): (40, 2), ("e", "m"): (6, 0), ("w", "f"): (60, 20), ("w", "m"): (8, 3)}
    no |= {(d, s): (50, 20) for d in "xyz" for s in "fm"}
    rows = [
        {
            "district": d,
            "sex": s,
            "item": "q",
            "statistic": "dissatisfied",
            "estimate": y / n,
            "n": n,
            "yes": y,
        }
        for (d, s), (n, y) in no.items()
    ]
    table, gone = protect(pd.DataFrame(rows), k=10, parent=["district", "sex"])
    assert gone["district"].tolist() == ["e", "e", "w", "w"]
    assert table["estimate"].notna().tolist() == [False] * 6 + [True] * 4


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


@dataclass
class Tree:
    """Answers of the lowest places of a tree, and what is printed of every place."""

    counts: np.ndarray
    """Counts of the answers 1 to ``points`` and "don't know", a row a lowest place."""
    inside: dict[str, list[int]]
    above: dict[str, str] | list[str] | None
    table: pd.DataFrame
    points: int
    k: int
    outside: dict[str, list[int]]
    """Places whose totals are printed elsewhere."""
    what: str


def forms(points: int) -> dict[str, np.ndarray]:
    """What each statistic says about the counts of the answers and "don't know"."""
    side = 2 if points > 3 else 1
    scale, one = np.r_[np.arange(points), 0.0], np.eye(points + 1)
    yes, no = one[points - side : points].sum(axis=0), one[:side].sum(axis=0)
    n = np.r_[np.ones(points), 0.0]
    out = {"n": n, "asked": n + one[-1], "mean": scale + n, "index": scale * 100 / (points - 1)}
    out |= {"satisfied": yes, "dissatisfied": no, "net": yes - no, "dont_know": one[-1]}
    return out | {f"option {i + 1}": one[i] for i in range(points)}


def rows_of(unit: str, counts: np.ndarray, told: Sequence[str], points: int) -> list[dict]:
    """The printed rows of one place, before protection."""
    rows, form = [], forms(points)
    alike = (counts[:points] > 0).sum() < 2
    for name in told:
        size = counts @ form["asked" if name == "dont_know" else "n"]
        people = name not in ("mean", "index", "net")
        statistic, _, option = name.partition(" ")
        rows.append(
            {
                "unit": unit,
                "statistic": statistic,
                "option": int(option or 0),
                "estimate": counts @ form[name] / size if size else np.nan,
                "se": 0.0 if alike else 0.1,
                "n": size,
                "yes": counts @ form[name] if people else np.nan,
            }
        )
    return rows


SIX = ("mean", "index", "satisfied", "dissatisfied", "net", "dont_know")
TOLD = (SIX, ("index", "satisfied"), ("mean", "satisfied", "dissatisfied"), ("satisfied",), ("index",))


def grown(seed: int) -> Tree:
    """A random tree: two to four levels, tiny to large places, some with answers of the upper place alone, or crossed."""
    rng = np.random.default_rng(seed)
    k, points = int(rng.choice([3, 5, 10, 30])), int(rng.choice([3, 4, 5, 5, 5, 7]))
    most = int(rng.choice([2, k, 3 * k, 12 * k]))
    kind = str(rng.choice(["two", "three", "four", "crossed", "elsewhere"]))
    options = tuple(f"option {i + 1}" for i in range(points)) if rng.random() < 0.3 else ()
    above: dict[str, str] = {}
    inside: dict[str, list[int]] = {}
    counts: list[np.ndarray] = []

    def leaf(name: str) -> None:
        shares = rng.dirichlet(np.where(rng.random(points + 1) < 0.4, 0.1, 2.0))
        inside[name] = [len(counts)]
        counts.append(rng.multinomial(int(rng.integers(0, most + 1)), shares).astype(float))

    def branch(name: str, depth: int) -> list[int]:
        if depth == 0:
            leaf(name)
            return inside[name]
        below = []
        for i in range(int(rng.integers(1, 6))):
            child = f"{name}.{i}"
            above[child] = name
            below += branch(child, depth - 1)
        if rng.random() < 0.2:  # answers that name the upper place only
            leaf(f"rest of {name}")
            below += inside.pop(f"rest of {name}")
        inside[name] = below
        return below

    outside: dict[str, list[int]] = {}
    if kind == "crossed":
        places, groups = int(rng.integers(2, 5)), int(rng.integers(2, 5))
        for p in range(places):
            for g in range(groups):
                leaf(f"p{p}/g{g}")
        for axis in (0, 1):
            for name in {u.split("/")[axis] for u in inside}:
                outside[name] = [i for u, at in inside.items() if name in u.split("/") for i in at]
    else:
        branch("city", {"two": 1, "three": 2, "four": 3, "elsewhere": 1}[kind])
        if kind == "elsewhere":
            outside["city"] = inside.pop("city")
            above = {}
    lowest = TOLD[int(rng.integers(len(TOLD)))]
    rows = []
    for unit, at in inside.items():
        is_low = unit not in above.values()
        rows += rows_of(
            unit,
            np.sum([counts[i] for i in at], axis=0),
            lowest if is_low and kind != "two" else (*SIX, *options),
            points,
        )
    table = pd.DataFrame(rows).assign(item="q")
    parent: dict[str, str] | list[str] | None = above or None
    if kind == "crossed":
        table[["place", "group"]] = table.pop("unit").str.split("/", expand=True).to_numpy()
        parent = ["place", "group"]
    return Tree(np.stack(counts), inside, parent, table, points, k, outside, kind)


def protected(tree: Tree) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The protected table, and what is printed elsewhere of the totals; ``unit`` in both."""
    printed, _ = protect(tree.table, k=tree.k, parent=tree.above, points=tree.points)
    if "unit" not in printed:
        printed["unit"] = printed["place"] + "/" + printed["group"]
    told = printed["statistic"] + np.where(printed["option"] > 0, " " + printed["option"].astype("str"), "")
    printed["told"] = told
    if not tree.outside:
        return printed, printed.iloc[:0]
    parts = []
    for letter in sorted({unit[0] for unit in tree.outside}):  # each way of adding up has a table of its own
        rows = [
            row
            for unit, at in tree.outside.items()
            if unit.startswith(letter)
            for row in rows_of(unit, tree.counts[at].sum(axis=0), list(dict.fromkeys(told)), tree.points)
        ]
        parts.append(protect(pd.DataFrame(rows).assign(item="q"), k=tree.k, points=tree.points)[0])
    totals = pd.concat(parts, ignore_index=True)
    totals["told"] = totals["statistic"] + np.where(
        totals["option"] > 0, " " + totals["option"].astype("str"), ""
    )
    return printed, totals


def attack_tree(
    tree: Tree, seen: tuple[pd.DataFrame, pd.DataFrame], *, rules: bool = False, most: int | None = None
) -> list[tuple[str, str, str, float, float]]:
    """What a linear program leaves open: place, figure, how it was hidden, width, and the width that is declared.

    ``seen`` is what ``protected`` lets pass. Declared is less where the totals that are printed elsewhere leave less by
    themselves.
    """
    printed, totals = seen
    form, m = forms(tree.points), len(tree.counts)
    inside = tree.inside | tree.outside

    def over(unit: str, name: str) -> np.ndarray:
        out = np.zeros((m, tree.points + 1))
        out[inside[unit]] = form[name]
        return out.ravel()

    def read(rows: pd.DataFrame) -> list[tuple[np.ndarray, float, bool]]:
        out = []
        for r in rows.itertuples():
            size = "asked" if r.told == "dont_know" else "n"
            if r.bound:
                few = over(r.unit, r.told)
                out.append((few if r.bound == "<=" else over(r.unit, size) - few, FEW - 1.0, False))
            elif r.rule == "" and r.n > 0:
                out.append((over(r.unit, r.told), r.estimate * r.n, True))
            if not np.isnan(r.n):
                out.append((over(r.unit, size), r.n, True))
        return out

    elsewhere = read(totals)
    known = read(printed) + elsewhere
    gone = printed[printed["n"].isna() & (printed["told"] != "dont_know")].drop_duplicates("unit")
    if rules and (gone["rule"] == "R1").any():  # who is told the rule knows on which side of k it lies
        for r in gone.itertuples():
            sign = 1 if r.rule == "R1" else -1
            known.append((sign * over(r.unit, "n"), sign * (tree.k - (sign > 0)), False))
    whole = set(gone["unit"])
    people = ("satisfied", "dissatisfied", "dont_know", "option")
    asks = [(u, "n", "withheld", 1.0 if rules else float(tree.k)) for u in sorted(whole)]
    for r in printed[(printed["rule"] != "") | (printed["bound"] != "")].itertuples():
        how = "withheld" if r.unit in whole else "bound" if r.bound else "blank"
        share = r.statistic in people
        width = (FEW if how == "withheld" else FEW - 1) if share else 0.5
        asks.append((r.unit, r.told, how, 0.5 if rules else float(width)))
    found = []
    if most is not None and len(asks) > most:
        asks = [asks[i] for i in np.random.default_rng(len(asks)).permutation(len(asks))[:most]]
    reader, alone = Reader(known), Reader(elsewhere)
    for unit, name, how, declared in asks:
        width = reader.width(over(unit, name))
        if elsewhere and width < declared:
            declared = min(declared, alone.width(over(unit, name)))
        found.append((unit, name, how, width, declared))
    return found


class Reader:
    """Who knows statements: a form, its value, and whether it is equal or at most."""

    def __init__(self, known: Sequence[tuple[np.ndarray, float, bool]]) -> None:
        self.told = {}
        for same, (a, b) in {True: ("A_eq", "b_eq"), False: ("A_ub", "b_ub")}.items():
            mine = [(f, v) for f, v, equal in known if equal is same]
            if mine:
                self.told |= {a: csr_array(np.array([f for f, _ in mine])), b: np.array([v for _, v in mine])}

    def width(self, ask: np.ndarray) -> float:
        """Width of the interval left about a form."""
        ends = []
        for sign in (1, -1):
            answer = linprog(sign * ask, **self.told, bounds=(0, None))
            assert answer.status in (0, 3), answer.message
            ends.append(-sign * np.inf if answer.status == 3 else sign * answer.fun)
        return float(abs(ends[1] - ends[0]))


@pytest.mark.parametrize("seed", [3, 4, 6, 8, 16, 17, 21, 23])
def test_a_linear_program_over_a_whole_tree_recovers_nothing(seed):
    """Everything printed together, to readers with and without the rules: hidden figures stay as open as declared."""
    tree = grown(seed)
    seen = protected(tree)
    for rules in (False, True):
        for unit, name, how, width, declared in attack_tree(tree, seen, rules=rules, most=4):
            assert width > 0.4 and width >= declared - 1e-6, (tree.what, unit, name, how, width, declared)


def test_the_rest_of_a_place_is_a_child_of_it():
    # One of 61 named the district only: the district less its communities would be this person's answer.
    table = children([61, 30, 30], [31, 15, 15])
    table["unit"] = ["d", "c1", "c2"]
    printed, gone = protect(table, k=10, parent={"c1": "d", "c2": "d"})
    assert dict(zip(gone["unit"], gone["rule"], strict=True)) == {"c1": "R2"}
    assert len(printed) == 3
    _, none = protect(table.assign(n=[60, 30, 30], yes=[30, 15, 15]), k=10, parent={"c1": "d", "c2": "d"})
    assert none.empty


def test_single_answers_are_printed_all_or_none():
    rows = rows_of("a", np.array([1.0, 19, 20, 25, 15, 8]), (*SIX, *(f"option {i}" for i in range(1, 6))), 5)
    rows += rows_of("b", np.array([9.0, 11, 20, 25, 15, 8]), (*SIX, *(f"option {i}" for i in range(1, 6))), 5)
    table, gone = protect(pd.DataFrame(rows).assign(item="q"), k=10)
    hidden = table[table["rule"] != ""].groupby("unit")["option"].agg(list).to_dict()
    assert (
        hidden == {"a": [1, 2, 4, 5], "b": [1, 2, 4, 5]} and gone.empty
    )  # the middle one is told by both ends


@pytest.mark.parametrize("weighted", [False, True])
def test_weighted_figures_are_protected_by_their_counts(weighted):
    rng = np.random.default_rng(5)
    data = pd.DataFrame({"q": rng.choice([1, 2, 3, 4, 5, 98], 400), "unit": rng.choice(list("abcdef"), 400)})
    data["w"] = rng.uniform(0.2, 5, 400) if weighted else 1.0
    data.loc[data["unit"] == "a", "q"] = 5
    table, _ = protect(satisfaction(SurveyDesign(data, weights="w"), "q", by="unit"), k=10)
    first = table[table["unit"] == "a"].set_index("statistic")
    assert first.loc[["mean", "index"], "estimate"].isna().all() and first.loc["satisfied", "bound"] == ">="
    assert table.groupby("statistic")["rule"].agg(lambda r: (r != "").sum())["index"] >= 2
