"""Change the library a little, many times, and see whether its tests notice.

Usage: python tools/mutate.py [--sample N] [--seed N] [--only PACKAGE]... [--fresh] [--again]

A seeded sample of all mutants of commlab/weights, survey and scoring is tried, each in a copy of the suite against the
tests that run the changed line and then some that run its module; the first failure ends a trial. What was tried stays in
build/mutation/ and is not tried again while its function is the same (survivors: while the tests are too; ``--again``
tries them all the same, ``--fresh`` everything). tools/mutated/equivalent.csv names survivors that change nothing, with the
reason; they count neither way. Exit code 1 below 85 %.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:  # run as a script
    sys.path.insert(0, str(ROOT))

from tools.mutated import trial  # noqa: E402
from tools.mutated.mutants import Mutant, mutants_of  # noqa: E402

PACKAGES = ("weights", "survey", "scoring")
TESTS = (
    "tests/test_survey_*.py",
    "tests/test_satisfaction.py",
    "tests/test_disclosure.py",
    "tests/test_numbers*.py",
    "tests/test_weights_ahp.py",
    "tests/test_weights_data.py",
    "tests/test_weights_panel.py",
    "tests/test_scoring_*.py",
    "tests/test_laws_scoring.py",
    "tests/test_laws_weights.py",
)
"""Where the three packages are tested; their doctests too."""
STATE = ROOT / "build" / "mutation"
EQUIVALENT = ROOT / "tools" / "mutated" / "equivalent.csv"
ENOUGH = 0.85
FURTHER = 20.0
"""Seconds of tests that run the module but not the statement: a shared fixture may have run it for them."""
CONTROLLED = 20
"""Every so many trials the same tests run without a change, and must pass."""
PLUGIN = "tools.mutated.covered"


class Map:
    """Which tests run which line, and how long each takes."""

    def __init__(self, found: dict[str, dict]) -> None:
        self.seconds: dict[str, float] = found["seconds"]
        self.tests: dict[str, dict[str, list[int]]] = found["tests"]

    def of(self, mutant: Mutant) -> tuple[list[str], list[str]]:
        """Tests that run the changed statement, and the quickest others that run its module; quick ones first."""
        first, last = mutant.lines
        touching = [name for name, rows in self.tests.items() if mutant.path in rows]
        near = {
            name
            for name in touching
            if mutant.top or any(first <= row <= last for row in self.tests[name][mutant.path])
        }
        touching.sort(key=lambda name: (self.seconds[name], name))
        others, left = [], FURTHER
        for name in touching:
            if name not in near and (left := left - self.seconds[name]) > 0:
                others.append(name)
        return [n for n in touching if n in near], others

    def limit(self, tests: Iterable[str]) -> float:
        """Processor seconds after which a trial hangs."""
        return 20 + 2 * sum(self.seconds[name] for name in tests)


def digest(paths: Iterable[Path]) -> str:
    out = hashlib.sha256()
    for path in paths:
        out.update(path.read_bytes())
    return out.hexdigest()[:16]


def modules(root: Path) -> list[Path]:
    return [p for package in PACKAGES for p in sorted((root / "commlab" / package).rglob("*.py"))]


def test_files(root: Path) -> list[Path]:
    return sorted({p for pattern in TESTS for p in root.glob(pattern)})


def watched(copy: Path) -> Map:
    """The map, made by running every test once under a tracer; kept while tests and modules are the same."""
    kept = (
        STATE / f"map-{digest([*modules(copy), *test_files(copy), copy / 'tools/mutated/covered.py'])}.json"
    )
    if not kept.exists():
        print("running every test once to see which lines it runs ...", flush=True)
        tests = [p.relative_to(copy).as_posix() for p in test_files(copy)]
        tests += [f"commlab/{package}" for package in PACKAGES]
        kept.parent.mkdir(parents=True, exist_ok=True)
        for old in kept.parent.glob("map-*.json"):
            old.unlink()
        new = kept.with_suffix(".new")
        trial.run_tests(
            copy,
            tests,
            seconds=3000,
            plugins=[PLUGIN],
            keep_going=True,
            variables={"COMMLAB_COVERED": str(new)},
        )
        if not new.exists():
            raise SystemExit("the tests took too long to be watched")
        new.replace(kept)
    found = json.loads(kept.read_text(encoding="utf-8"))
    for name in found["left_out"]:
        print(f"   left out, does not pass: {name}", flush=True)
    return Map(found)


class Results:
    """What was tried, a line each, so that an interrupted run goes on where it was."""

    def __init__(self, path: Path, *, fresh: bool) -> None:
        self.path, self.new = path, 0
        path.parent.mkdir(parents=True, exist_ok=True)
        if fresh:
            path.unlink(missing_ok=True)
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self.known = {entry["name"]: entry for entry in map(json.loads, lines)}

    def verdict(self, mutant: Mutant, tests: str, *, again: bool) -> str | None:
        entry = self.known.get(mutant.name)
        if entry is None or entry["context"] != mutant.context:
            return None
        if entry["verdict"] in (trial.PASSED, "not run") and (again or entry["tests"] != tests):
            return None
        return str(entry["verdict"])

    def keep(self, **entry: object) -> None:
        self.known[str(entry["name"])] = entry
        self.new += 1
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")


def controlled(mutant: Mutant, copy: Path, covered: Map) -> None:
    """The tests of a mutant pass without it, run by themselves."""
    near, far = covered.of(mutant)
    tests = near or far
    if tests and trial.run_tests(copy, tests, seconds=covered.limit(tests)) != trial.PASSED:
        text = (copy / trial.LOG).read_text(encoding="utf-8", errors="replace")
        raise SystemExit(f"tests fail without any change, so they prove nothing:\n{text[-2000:]}")


def tried(mutant: Mutant, copy: Path, covered: Map) -> str:
    """The verdict on one mutant."""
    near, far = covered.of(mutant)
    if not near and not far:
        return "not run"
    module = copy / mutant.path
    source = module.read_bytes()
    module.write_bytes(mutant.applied(source))
    try:
        for tests in (near, far):
            if tests:
                verdict = trial.run_tests(copy, tests, seconds=covered.limit(tests))
                if verdict != trial.PASSED:
                    return verdict
        return trial.PASSED
    finally:
        module.write_bytes(source)


def equivalents() -> dict[str, str]:
    """Mutant -> why it changes nothing."""
    with EQUIVALENT.open(encoding="utf-8", newline="") as file:
        return {row["mutant"]: row["reason"] for row in csv.DictReader(file)}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sample", type=int, default=300, help="mutants tried (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=20191231, help="of the sample (default: %(default)s)")
    parser.add_argument("--only", action="append", choices=PACKAGES, help="this package (default: all three)")
    parser.add_argument("--fresh", action="store_true", help="forget what was tried before")
    parser.add_argument("--again", action="store_true", help="try survivors once more")
    options = parser.parse_args(arguments)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="mutate-") as folder:
        copy = Path(folder).resolve() / "suite"
        copy.mkdir()
        trial.copied(ROOT, copy)
        every = [m for p in modules(copy) for m in mutants_of(copy, p.relative_to(copy).as_posix())]
        chosen = [m for m in every if not options.only or m.path.split("/")[1] in options.only]
        sample = sorted(chosen, key=lambda m: m.rank(options.seed))[: options.sample]
        print(f"{len(sample)} of {len(chosen)} mutants, seed {options.seed}", flush=True)
        trial.warmed()
        covered = watched(copy)
        results = Results(STATE / "results.jsonl", fresh=options.fresh)
        tests = digest(test_files(copy))
        verdicts = {}
        for number, mutant in enumerate(sample, 1):
            verdict = results.verdict(mutant, tests, again=options.again)
            if verdict is None:
                if results.new % CONTROLLED == 0:
                    controlled(mutant, copy, covered)
                start = time.perf_counter()
                verdict = tried(mutant, copy, covered)
                took = round(time.perf_counter() - start, 1)
                results.keep(
                    name=mutant.name, context=mutant.context, tests=tests, verdict=verdict, seconds=took
                )
                if verdict != trial.FAILED:
                    print(f"   {number:3d} {verdict}: line {mutant.lines[0]} {mutant.name}", flush=True)
                elif number % 20 == 0:
                    print(f"   {number:3d} ...", flush=True)
            verdicts[mutant] = verdict
    names = {m.name for m in every}
    for name in equivalents():
        if name not in names:
            print(f"no longer there, take it out of {EQUIVALENT.name}: {name}")
    return told(verdicts, (time.perf_counter() - began) / 60)


def told(verdicts: dict[Mutant, str], minutes: float) -> int:
    """Print the score and the survivors; the exit code."""
    reasons = equivalents()
    lived = [m for m, v in verdicts.items() if v in (trial.PASSED, "not run")]
    same = [m for m in lived if m.name in reasons]
    gaps = [m for m in lived if m.name not in reasons]
    counted = len(verdicts) - len(same)
    killed = counted - len(gaps)
    for package in PACKAGES:
        mine = Counter(v for m, v in verdicts.items() if m.path.split("/")[1] == package)
        print(f"{package}: {', '.join(f'{n} {v}' for v, n in sorted(mine.items()))}")
    for mutant in gaps:
        print(f"survivor: line {mutant.lines[0]} {mutant.name}")
    for mutant in same:
        print(f"changes nothing: {mutant.name}: {reasons[mutant.name]}")
    score = killed / counted if counted else 1.0
    print(
        f"{len(verdicts)} mutants: {killed} noticed, {len(gaps)} survived, {len(same)} change nothing; "
        f"score {score:.1%} (enough: {ENOUGH:.0%}), {killed / max(len(verdicts), 1):.1%} of all; {minutes:.1f} minutes"
    )
    return int(score < ENOUGH)


if __name__ == "__main__":
    sys.exit(main())
