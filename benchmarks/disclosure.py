"""What protected tables leave open to a linear program: random trees, and everything that a quarter's reports print together.

Run it from the root of the study after ``commlab check``: ``python benchmarks/disclosure.py [PERIOD] [TREES]`` (2019Q4, 1000; about
10 minutes; 0 trees for the reports alone). The trees are those of tests/test_disclosure.py, attacked by readers with and without the rules.
The reader of the reports is given the unweighted count behind every printed share (see tests/test_shown.py). Printed:
figures, hidden ones by rule, the narrowest interval left about a hidden share, and how long the rules take.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import commlab as cl
from commlab.study import shown
from tests.test_disclosure import attack_tree, grown, protected
from tests.test_shown import FORMS, counts_of, width

EXACT = 1e-6


def forest(trees: int, asked_each: int = 10) -> None:
    """Attack random trees; print what was recovered exactly or more narrowly than declared."""
    asked, exact, narrow, slow, begun = 0, 0, 0, 0.0, time.process_time()
    kinds: dict[str, int] = {}
    for seed in range(trees):
        tree = grown(seed)
        kinds[tree.what] = kinds.get(tree.what, 0) + 1
        if seed and seed % 100 == 0:
            print(f"  {seed} trees, {time.process_time() - begun:.0f} s of the processor", flush=True)
        started = time.process_time()
        seen = protected(tree)
        slow = max(slow, time.process_time() - started)
        for rules in (False, True):
            for unit, told, how, wide, declared in attack_tree(tree, seen, rules=rules, most=asked_each):
                asked += 1
                exact += wide < EXACT
                if wide < declared - EXACT:
                    narrow += 1
                    print(f"  tree {seed} ({tree.what}): {unit} {told} {how} {wide:.2f} < {declared:.2f}")
    print(
        f"{trees} trees {kinds}: {asked} hidden figures attacked, {exact} exact, {narrow} narrower than declared"
    )
    print(f"  slowest protection {slow:.2f} s, all {time.process_time() - begun:.0f} s of the processor")


def main(name: str) -> None:
    study = cl.open_study(".")
    period = study.period(name)
    rows = period.result("satisfaction")
    told = rows[(rows["weighting"] == "design") & (rows["level"] != "community")]
    print(
        f"{name}: {len(rows)} figures stored, {int((rows['rule'] != '').sum())} blank, {int((rows['bound'] != '').sum())} bounds"
    )
    for level, part in rows.groupby("level"):
        print(
            f"  {level}: {len(part)} figures, {part['rule'].value_counts().drop('', errors='ignore').to_dict()}"
        )
    widths = []
    started = time.process_time()
    for item, counts in counts_of(period).items():
        for i, district in enumerate(period.districts):
            mine = told[(told["unit"] == district) & (told["item"] == item)].set_index("statistic")
            for form in ("satisfied", "dissatisfied", "dont_know"):
                if mine.loc[form, "rule"] or mine.loc[form, "bound"]:
                    ask = np.zeros((len(counts), 6))
                    ask[i] = FORMS[form]
                    widths.append(width(period, item, counts, ask))
    print(
        f"  attacked {len(widths)} hidden shares in {time.process_time() - started:.1f} s: narrowest {min(widths, default=np.inf):.2f} respondents"
    )
    started = time.process_time()
    config = study.config
    shown.decide(
        period.answers,
        period.items,
        k=config.disclosure["internal"],
        city=config.city,
        district_of=study.register.district_of,
    )
    print(f"  deciding on {len(period.answers)} answers: {time.process_time() - started:.2f} s")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "2019Q4")
    forest(int(sys.argv[2]) if len(sys.argv) > 2 else 1000)
