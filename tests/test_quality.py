"""Quality flags: each against a plain loop or a case worked by hand; nothing is hidden, nothing excluded by itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_twins import honest

from commlab.intake import read_questionnaire
from commlab.intake.quality import FLAGS, Limits, flag

ITEMS = [f"q{k}" for k in range(7)]


def made(n=20, **columns):
    """Answers of one unit, ten minutes apart."""
    rng = np.random.default_rng(7)
    items = {item: pd.array(rng.integers(1, 6, n), dtype="Int16") for item in ITEMS}
    at = pd.Timestamp("2019-11-05 08:00") + pd.to_timedelta(np.arange(n) * 10, unit="min")
    return pd.DataFrame(
        {"unit": "甲", "submitted_at": at, "duration_s": 120.0, **items, **columns}, index=range(n)
    )


def rows(name, frame, **more):
    got = flag(frame, **{"items": ITEMS, "best": dict.fromkeys(ITEMS, 5), **more})["flags"].fillna("")
    return {k for k, flags in enumerate(got) if name in flags.split(",")}


BEST, SAME = dict.fromkeys(ITEMS, 5), dict.fromkeys(ITEMS, 4)


@pytest.mark.parametrize(
    ("frame", "more", "name", "found"),
    [
        # clusters by interviewer, though the units are many
        (made(unit=[f"u{k}" for k in range(20)]).assign(**BEST), {}, "all_satisfied", set()),
        (made(unit=[f"u{k}" for k in range(20)]).assign(**BEST), {"interviewers": pd.Series([1.0] * 12 + [np.nan] * 8)},
         "all_satisfied", set(range(12))),
        (made(unit=[f"u{k}" for k in range(20)], submitted_at=pd.Timestamp("2019-11-05")),
         {"interviewers": pd.Series(["a"] * 15 + ["b"] * 5)}, "burst", set(range(15))),
        # 不满意 and 说不清 throughout: never a cluster of the satisfied, and 说不清 no straight line
        (made().assign(**dict.fromkeys(ITEMS, 1)), {}, "all_satisfied", set()),
        (made().assign(**dict.fromkeys(ITEMS, 98)), {}, "straightline", set()),
        (made().assign(**dict.fromkeys(ITEMS, 98)), {}, "all_satisfied", set()),
        (made().assign(**dict.fromkeys(ITEMS, 98)), {}, "duplicate", set()),
        # a reversed item: the same column of a grid is 4 and 2
        (made(2).assign(**SAME).assign(q6=[2, 4]), {"turned": {"q6": 6}}, "straightline", {0}),
        # items of no grid count as one; grids too short for a line are looked through together
        (made(1).assign(**SAME), {"grids": {"g": ITEMS[:1]}}, "straightline", {0}),
        (made(1).assign(**SAME), {"grids": {"g": ITEMS[:4], "h": ITEMS[4:]}}, "straightline", {0}),
        # two who tick 满意 throughout are no sign; under one number, or in the same second and pace, they are
        (made(4).assign(**SAME), {}, "duplicate", set()),
        (made(4, response_id=["a", "b", "a", "c"]).assign(**SAME), {}, "duplicate", {2}),
        (made(3, submitted_at=pd.Timestamp("2019-11-05 08:00:01")).assign(**SAME), {}, "duplicate", {1, 2}),
        (made(4).assign(**SAME), {"addresses": pd.Series([1.0, 1.0, 2.0, np.nan])}, "duplicate", {1}),
        # against the median of 120 s where the codebook says nothing, from thirty timed answers on
        (made(30, duration_s=[39.0, 41.0] + [120.0] * 28), {}, "fast", {0}),
        (made(29, duration_s=[39.0, 41.0] + [120.0] * 27), {}, "fast", set()),
        (made(30, duration_s=[39.0] + [120.0] * 29), {"limits": Limits(min_seconds=0)}, "fast", set()),
    ],
)  # fmt: skip
def test_flags(frame, more, name, found):
    assert rows(name, frame, **more) == found


def test_a_few_items_repeat_by_chance_and_flag_nobody():
    rng = np.random.default_rng(1)
    frame = made(400).assign(**{i: rng.integers(3, 5, 400) for i in ITEMS[:4]})
    few = {"items": ITEMS[:4], "best": dict.fromkeys(ITEMS[:4], 5)}
    assert rows("duplicate", frame, **few) == set(), "sixteen patterns among four hundred answers"
    assert rows("duplicate", pd.concat([made(), made().head(1)], ignore_index=True)) == {20}


@given(
    st.lists(st.tuples(st.sampled_from(["甲", "乙", None]), st.integers(0, 900)), max_size=40),
    st.integers(1, 5),
    st.integers(1, 200),
)
@settings(deadline=None, max_examples=40)
def test_bursts_are_what_a_plain_loop_finds(given_rows, n, seconds):
    units = pd.Series([u for u, _ in given_rows], dtype="str")
    at = pd.Timestamp("2019-11-05") + pd.to_timedelta([s for _, s in given_rows], unit="s")
    frame = made(len(given_rows)).assign(unit=units, submitted_at=at)
    expected = set()
    for k, (unit, _) in enumerate(given_rows):
        for start in {s for u, s in given_rows if u == unit}:
            inside = [j for j, (u, s) in enumerate(given_rows) if u == unit and start <= s <= start + seconds]
            if unit and len(inside) >= n and k in inside:
                expected.add(k)
    assert rows("burst", frame, limits=Limits(burst_n=n, burst_minutes=seconds / 60)) == expected


def survey(seed, n, units, days):
    """Honest people of several units who answer in the evening, at a pace of their own."""
    rng = np.random.default_rng(seed)
    frame, _ = honest(seed, n, 10)
    items = [f"q{k}" for k in range(10)]
    frame[items] = frame[items].astype("Int16")
    frame["unit"] = pd.Series([f"u{k}" for k in rng.integers(0, units, n)], dtype="str")
    passed = rng.integers(0, days, n) * 86_400 + np.clip(rng.normal(19.5, 2, n), 7, 23.5) * 3600
    at = pd.Timestamp("2019-11-01") + pd.to_timedelta(passed, unit="s")
    frame["submitted_at"], frame["duration_s"] = at.astype("datetime64[us]"), np.exp(rng.normal(5, 0.5, n))
    return frame, {"items": items, "best": dict.fromkeys(items, 5), "same": ["unit", "sex", "age"]}


@pytest.mark.parametrize(
    ("n", "units", "days"), [(6000, 400, 60), (6000, 18, 60), (20000, 1, 20), (800, 10, 5), (300, 300, 10)]
)
def test_false_alarms_on_honest_people(n, units, days):
    frame, arguments = survey(1, n, units, days)
    shares = flag(frame, **arguments)["flags"].fillna("").str.get_dummies(",").mean()
    assert (
        shares.get("fast", 0) < 0.02 and shares.get("burst", 0) < 0.01 and shares.get("duplicate", 0) < 0.001
    )
    assert "all_satisfied" not in shares and 0.08 < shares["straightline"] < 0.13, "a tenth ticks one column"


def test_a_burst_in_a_large_place_stands_out_from_its_busiest_hour():
    frame, arguments = survey(1, 20000, 1, 20)
    start = pd.Timestamp("2019-11-07 10:00")
    frame.loc[:199, "submitted_at"] = (start + pd.to_timedelta(np.arange(200) * 0.8, unit="s")).astype(
        "datetime64[us]"
    )
    got = flag(frame, **arguments)["flags"].fillna("").str.contains("burst")
    assert got[:200].all() and got[200:].mean() < 0.01


def test_only_the_study_excludes():
    frame = made(duration_s=1.0)
    arguments = {"items": ITEMS, "best": BEST, "limits": Limits(min_seconds=60)}
    assert flag(frame, **arguments)["valid"].all() and len(flag(frame, **arguments)) == len(frame)
    assert not flag(frame, exclude=["fast"], **arguments)["valid"].any()
    assert flag(frame, exclude=sorted(set(FLAGS) - {"fast"}), **arguments)["valid"].all()


def test_interviewers_make_clusters_and_go_no_further(tmp_path):
    path = tmp_path / "paper.csv"
    lines = [f"{k},王伟华,{'满意' if k else '一般'},请联系1391234567{k % 10}" for k in range(20)]
    path.write_text("序号,调查员,办事服务,意见\n" + "\n".join(lines), encoding="gb18030")
    book = {
        "instrument": "paper",
        "free_text": ["意见"],
        "items": {"q": {"question": "办事服务", "options": {"满意": 5, "一般": 3}}},
    }
    got = read_questionnaire(path, book)
    assert got.frame["flags"].fillna("").str.contains("all_satisfied").tolist() == [False] + [True] * 19
    assert got.frame["valid"].all() and got.frame["q"].tolist() == [3] + [5] * 19
    told = got.ledger.set_index("column")["message"]
    assert "mobile 10" in told["意见"] and "20 values removed" in told["调查员"]
    assert "王伟华" not in got.frame.to_csv() + got.ledger.to_csv()


def test_a_column_of_free_texts_taken_for_a_question_fills_no_ledger(tmp_path):
    path = tmp_path / "wrong.csv"
    path.write_text(
        "办事服务\n" + "\n".join(f"意见{k}" for k in range(300)) + "\n满意\n很好\n很好\n", encoding="utf-8"
    )
    book = {"instrument": "a", "items": {"q": {"question": "办事服务", "options": {"满意": 5}}}}
    told = read_questionnaire(path, book).ledger.query("rule == 'unknown option'")
    assert len(told) == 101 and told["n"].sum() == 302 and "“很好”" in set(told["before"])


def test_the_benchmark_runs_on_a_small_file():
    script = Path(__file__).parents[1] / "benchmarks" / "intake.py"
    command = [sys.executable, str(script), "--rows", "400", "--runs", "1"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "400 rows kept" in told and "(target 4)" in told and "(target 3)" in told
