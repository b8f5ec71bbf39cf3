"""What everything that the sample quarter's reports print together leaves open: a linear program on every hidden share.

Run it from the root of the study after ``commlab check`` and ``commlab report``: ``python benchmarks/disclosure.py [PERIOD]``.
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
from tests.test_shown import FORMS, counts_of, width


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
