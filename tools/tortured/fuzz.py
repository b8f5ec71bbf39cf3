"""Files and settings that are broken at random: only DataError, StudyError and ParameterError may come out of a reader.

Seeds are files of every kind that is read, and the study's own YAML. A mutator changes bytes, the members of packages,
lines and values; Hypothesis makes tables up. Cases run in children with a limit of memory, time and output, so that a reader
in C that dies is found, too.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from commlab.errors import CommlabError
from tools.tortured.attacks import attacks
from tools.tortured.common import ROOT, Tally, environment

MINUTES = 3.0
BATCH = 20
SECONDS, PATIENCE = 60, 10
"""Seconds of the processor that one case may take; one that waits is ended after so many times as long."""
MEMORY = 3 << 30
"""Bytes of address space of a child."""
KEPT = "TORTURE_KEEP"
"""Environment variable: a folder in which inputs that found something are kept."""

_MAKE = "import sys; from pathlib import Path; from tools.tortured.fuzz import make; make(Path(sys.argv[1]))"

Reader = Callable[[Path], object]


def run(tally: Tally, seed: int, minutes: float = MINUTES) -> None:
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        # Made by another process: this one forks, and may have no threads.
        subprocess.run([sys.executable, "-c", _MAKE, folder], check=True, cwd=ROOT, env=environment())
        root = Path(folder) / "study"
        targets = list(_targets(root, Path(folder)))
        for number, (name, seeds, reader, mutator) in enumerate(targets):
            budget = minutes * 60 / (len(targets) + 1)
            _fuzzed(tally, name, seeds, reader, mutator, random.Random(f"{seed}:{number}"), budget)
        _made_up(tally, Path(folder), seed, minutes * 60 / (len(targets) + 1))


# ------------------------------------------------------------------------------------------------------ targets
Mutator = Callable[[bytes, random.Random], bytes]


def _targets(root: Path, folder: Path) -> Iterator[tuple[str, list[Path], Reader, Mutator]]:
    from commlab.framework import load_framework
    from commlab.intake import load_codebook, read_double, read_questionnaire
    from commlab.intake.table import read_tables

    codebook = root / "data/register/codebooks/resident.yaml"
    book = load_codebook(codebook)
    survey = sorted((root / "data/raw").rglob("居民满意度问卷_*.xlsx"))[:1]
    seeds = _seeds(root, folder)

    def answers(path: Path) -> object:
        return read_questionnaire(path, book)

    def twice(path: Path) -> object:
        return read_double(path, survey[0], book)

    for suffix in (".xlsx", ".ods", ".xls", ".csv", ".tsv", ".sav"):
        mutator = {".xlsx": _package, ".ods": _package, ".csv": _text, ".tsv": _text}.get(suffix, _bytes)
        yield f"read_table {suffix}", seeds[suffix], read_tables, mutator
    yield "read_questionnaire .xlsx", survey, answers, _package
    yield "read_questionnaire .csv", seeds["questionnaire"], answers, _text
    yield "read_double .xlsx", survey, twice, _package
    yield "codebook", [codebook], load_codebook, _yaml
    frameworks = sorted((ROOT / "commlab/frameworks").glob("*.yaml"))
    yield "framework", frameworks, load_framework, _yaml
    yield "study.yaml", [root / "study.yaml"], _opened(root), _yaml
    for name in ("units.csv", "aliases.csv", "survey_frame.csv", "unit_changes.csv", "margins.csv"):
        yield f"register {name}", [root / "data/register" / name], _registered(root, name), _text
    yield "a whole raw file", [root / "data/raw/2019Q4/社区统计/五华区.xlsx"], _checked(root), _package


def _seeds(root: Path, folder: Path) -> dict[str, list[Path]]:
    """A few files of every kind; those that nobody sends in the tiny study are made from its tables."""
    made = folder / "seeds"
    raw = sorted((root / "data/raw").rglob("*.xlsx"))
    out = {suffix: [ROOT / f"tests/data/office{suffix}"] for suffix in (".ods", ".xls")}
    out[".xlsx"] = [raw[i] for i in range(0, len(raw), max(1, len(raw) // 6))]
    out[".csv"] = sorted((root / "data/raw").rglob("*.csv"))
    return out | {
        "questionnaire": [made / "answers.csv"],
        ".tsv": [made / "table.tsv"],
        ".sav": [made / "answers.sav"],
    }


def make(folder: Path) -> None:
    """The tiny study, and its questionnaire in the formats that nobody sends it in."""
    import pandas as pd
    import pyreadstat

    from tools.sample_study import write_study

    root = write_study(folder / "study", size="tiny")
    (folder / "seeds").mkdir()
    book = next(p for p in sorted((root / "data/raw").rglob("*.xlsx")) if "居民" in p.parent.name)
    frame = pd.read_excel(book, engine="calamine")
    frame.head(40).to_csv(folder / "seeds/answers.csv", index=False)
    frame.head(20).to_csv(folder / "seeds/table.tsv", index=False, sep="\t")
    short = frame.iloc[:20, 5:10].set_axis([f"v{i}" for i in range(5)], axis=1).astype("str").astype(object)
    labels = {"v0": {1.0: "满意", 2.0: "不满意"}}
    answers = short.assign(v0=[float(1 + i % 2) for i in range(20)])
    pyreadstat.write_sav(answers, str(folder / "seeds/answers.sav"), variable_value_labels=labels)


def _opened(root: Path) -> Reader:
    def reader(path: Path) -> object:
        import commlab as cl

        with _in_place(root, "study.yaml", path):
            opened = cl.open_study(root)
            return opened.framework, opened.register, opened.period().design

    return reader


def _registered(root: Path, name: str) -> Reader:
    def reader(path: Path) -> object:
        import commlab as cl

        with _in_place(root, f"data/register/{name}", path):
            return cl.open_study(root).register

    return reader


def _checked(root: Path) -> Reader:
    def reader(path: Path) -> object:
        import commlab as cl

        with _in_place(root, "data/raw/2019Q4/社区统计/五华区.xlsx", path):
            return cl.open_study(root).check(["2019Q4"])

    return reader


@contextlib.contextmanager
def _in_place(root: Path, name: str, path: Path) -> Iterator[None]:
    """The file of a study replaced for a while."""
    target = root / name
    before = target.read_bytes()
    target.write_bytes(path.read_bytes())
    try:
        yield
    finally:
        target.write_bytes(before)


# ----------------------------------------------------------------------------------------------------- mutators
def _bytes(data: bytes, dice: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(dice.choice((1, 1, 2, 4, 16))):
        at, how = dice.randrange(len(out) or 1), dice.randrange(7)
        if how == 0 and out:
            out[at] ^= 1 << dice.randrange(8)
        elif how == 1 and out:
            out[at] = dice.choice((0, 1, 0x7F, 0x80, 0xFF))
        elif how == 2:
            del out[at : at + dice.choice((1, 2, 4, 64, 1024))]
        elif how == 3:
            out[at:at] = dice.randbytes(dice.choice((1, 2, 8, 64)))
        elif how == 4:
            out[at:at] = out[at : at + dice.choice((4, 64, 512))]
        elif how == 5:
            out[at : at + 4] = struct.pack("<I", dice.choice((0, 1, 0x7FFFFFFF, 0xFFFFFFFF, len(out))))
        else:
            del out[at:]
    return bytes(out)


_TOKENS = [a.text for a in attacks() if len(a.text) < 300] + [
    "\n",
    ",",
    '"',
    "\t",
    ";",
    "合计",
    "",
    "1e308",
    "\0",
]


def _text(data: bytes, dice: random.Random) -> bytes:
    """Bytes, or fields and lines of the text."""
    if dice.random() < 0.3:
        return _bytes(data, dice)
    try:
        code = "utf-8"
        text = data.decode(code)
    except UnicodeDecodeError:
        code = "gb18030"
        text = data.decode(code, "replace")
    lines = text.split("\n")
    for _ in range(dice.choice((1, 2, 5))):
        at, how = dice.randrange(len(lines)), dice.randrange(6)
        fields = lines[at].split(",")
        if how == 0:
            fields[dice.randrange(len(fields))] = dice.choice(_TOKENS)
            lines[at] = ",".join(fields)
        elif how == 1:
            fields[dice.randrange(len(fields))] = '"' + dice.choice(_TOKENS).replace('"', '""') + '"'
            lines[at] = ",".join(fields)
        elif how == 2:
            lines[at:at] = [lines[dice.randrange(len(lines))]]
        elif how == 3 and len(lines) > 1:
            del lines[at]
        elif how == 4:
            dice.shuffle(fields)
            lines[at] = ",".join(fields)
        else:
            lines[at] = lines[at] + "," * dice.choice((1, 50)) + dice.choice(_TOKENS)
    return "\n".join(lines).encode(code, "surrogatepass" if code == "utf-8" else "replace")


def _package(data: bytes, dice: random.Random) -> bytes:
    """A package with one of its members changed, or its own bytes."""
    if dice.random() < 0.2:
        return _bytes(data, dice)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        names = old.namelist()
        chosen = dice.choice([n for n in names if n.endswith((".xml", ".rels"))] or names)
        gone = dice.random() < 0.05
        for name in names:
            content = old.read(name)
            if name == chosen:
                if gone:
                    continue
                content = _xml(content, dice)
            new.writestr(name, content)
    return out.getvalue()


_XML = (
    b"<c r='XFD1048576'><v>1</v></c>", b"<c r='A0'/>", b"<c r=''/>", b"<c t='s'><v>99999</v></c>", b"<c t='s'><v>-1</v></c>", b"<v>1e999</v>",
    b"<v>NaN</v>", b"<mergeCell ref='A1:XFD1048576'/>", b"<mergeCell ref='B2:A1'/>", b"<row r='4294967295'/>", b"<f>1+1</f>", b"&#0;", b"&#xD800;",
    b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>", b"&e;", b"</sheetData>", b"<v>44197.999999</v>", b"<v>99999999999</v>", b"xmlns='x'",
)  # fmt: skip


def _xml(content: bytes, dice: random.Random) -> bytes:
    if dice.random() < 0.4:
        return _bytes(content, dice)
    out = content
    for _ in range(dice.choice((1, 2, 4))):
        ends = [i for i, b in enumerate(out) if b == 62]
        if not ends:
            break
        at = dice.choice(ends) + 1
        how = dice.randrange(4)
        if how == 0:
            out = out[:at] + dice.choice(_XML) + out[at:]
        elif how == 1:
            token = dice.choice(_TOKENS).encode("utf-8", "replace").replace(b"<", b"&lt;")
            out = out[:at] + token + out[at:]
        elif how == 2:
            start = out.rfind(b'="', 0, at)
            end = out.find(b'"', start + 2)
            if 0 <= start < end:
                value = dice.choice(
                    (b"", b"-1", b"0", b"4294967296", b"A1:B", b"x" * 3000, b"1e9", b"str", b"s", b"e", b"d")
                )
                out = out[: start + 2] + value + out[end:]
        else:
            upto = dice.choice(ends) + 1
            out = out[: min(at, upto)] + out[max(at, upto) :]
    return out


def _yaml(data: bytes, dice: random.Random) -> bytes:
    """The text's lines, or values of the tree."""
    if dice.random() < 0.35:
        return _text(data, dice)
    tree = yaml.load(
        data, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    )  # the C one: ten times faster
    for _ in range(dice.choice((1, 1, 2, 4))):
        spots = list(_spots(tree))
        if not spots:
            break
        holder, key = dice.choice(spots)
        how = dice.randrange(5)
        if how == 0:
            holder[key] = dice.choice(_VALUES)
        elif how == 1:
            holder[key] = dice.choice(_TOKENS)
        elif how == 2:
            other, place = dice.choice(spots)
            holder[key] = json.loads(json.dumps(other[place], default=str))
        elif how == 3:
            del holder[key]
        elif isinstance(holder, dict):
            holder[dice.choice(_TOKENS)] = holder.pop(key)
        else:
            holder.append(dice.choice(_VALUES))
    style = {"allow_unicode": True, "sort_keys": False}
    try:
        text = yaml.dump(tree, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), **style)
    except UnicodeEncodeError:  # half a character: the slow one spells it out
        text = yaml.dump(tree, Dumper=yaml.SafeDumper, **style)
    return text.encode("utf-8", "surrogatepass")


_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 10**30, 0.5, -0.0, float("nan"), float("inf"), "", " ", "x", [], {}, [[]], [None], {"": ""}, {"zh": None}, {"zh": 3},
    {"zh": "x", "en": []}, ["a", "a"], {1: 2}, "2019-02-30", "2019Q5", "{district}", "{", "*", "[", "../../x", "0371",
)  # fmt: skip


def _spots(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every place of a tree: its holder and key."""
    if isinstance(tree, dict | list):
        for key in list(tree) if isinstance(tree, dict) else range(len(tree)):
            yield tree, key
            yield from _spots(tree[key])


# --------------------------------------------------------------------------------------------------------- runs
def _fuzzed(
    tally: Tally,
    name: str,
    seeds: list[Path],
    reader: Reader,
    mutator: Mutator,
    dice: random.Random,
    budget: float,
) -> None:
    until = time.monotonic() + budget
    outcomes: Counter[str] = Counter()
    slowest = [0.0]
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        while time.monotonic() < until:
            cases = []
            for k in range(BATCH):
                seed = dice.choice(seeds)
                path = Path(folder) / f"{k}{seed.suffix}"
                path.write_bytes(mutator(seed.read_bytes(), dice))
                cases.append(path)
            _told(tally, name, cases, _batch(cases, reader, until, slowest), outcomes)
    known = ", ".join(f"{n} {what}" for what, n in sorted(outcomes.items()))
    tally.tried += sum(outcomes.values())
    print(f"   {name}: {sum(outcomes.values())} files: {known}; slowest {slowest[0]:.1f} s", flush=True)


def _told(
    tally: Tally, name: str, cases: list[Path], results: dict[int, str], outcomes: Counter[str]
) -> None:
    for k, result in results.items():
        wrong = result.startswith("!")
        outcomes["WRONG" if wrong else result] += 1
        if not wrong:
            continue
        where = result.rpartition("\n")[2]
        known = any(where in old for old in tally.found)
        if keep := os.environ.get(KEPT):
            shutil.copy(
                cases[k], Path(keep) / f"{len(tally.found)}-{name.replace('/', '_')}{cases[k].suffix}"
            )
        if not known:
            tally.found.append(f"{name}: {result[1:]}")
            print(f"   FOUND {name}: {result[1:]}", flush=True)


def _batch(cases: list[Path], reader: Reader, until: float, slowest: list[float]) -> dict[int, str]:
    """What came of each case, in children: one that dies is followed by the next."""
    results: dict[int, str] = {}
    first = 0
    while first < len(cases) and time.monotonic() < until:
        for k, result in _child(cases, first, reader, until, slowest):
            results[k] = result
        first = max(results, default=first - 1) + 1
    return results


def _child(
    cases: list[Path], first: int, reader: Reader, until: float, slowest: list[float]
) -> list[tuple[int, str]]:
    inward, outward = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of Arrow that do nothing here
        pid = os.fork()
    if not pid:
        os.close(inward)
        try:
            _work(cases, first, reader, outward, until)
        finally:
            os._exit(0)
    os.close(outward)
    with os.fdopen(inward, encoding="utf-8", errors="replace") as pipe:
        lines = [json.loads(line) for line in pipe if line.strip()]
    _, status = os.waitpid(pid, 0)
    done = {k: result for k, result, _ in lines if result is not None}
    begun = [k for k, result, _ in lines if result is None]
    slowest[0] = max(slowest[0], *(took for *_, took in lines), 0.0)
    if os.WIFSIGNALED(status) and begun:
        number = os.WTERMSIG(status)
        told = (
            f"took more than {SECONDS} s of the processor, or hung"
            if number in (signal.SIGALRM, signal.SIGPROF)
            else f"the process died of signal {number}"
        )
        done[begun[-1]] = f"!{told}\n{cases[begun[-1]].name}"
    return sorted(done.items())


def _work(cases: list[Path], first: int, reader: Reader, pipe: int, until: float) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for ends in (signal.SIGALRM, signal.SIGPROF):
        signal.signal(ends, signal.SIG_DFL)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    for k in range(first, len(cases)):
        os.write(pipe, (json.dumps([k, None, 0]) + "\n").encode())
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        signal.alarm(SECONDS * PATIENCE)
        began = time.process_time()
        result = _outcome(reader, cases[k])
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
        os.write(pipe, (json.dumps([k, result, time.process_time() - began]) + "\n").encode())
        if time.monotonic() > until:
            return


def _outcome(reader: Reader, path: Path) -> str:
    """Read, refused by a named error, or what went wrong (``!``, its last line is where)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            reader(path)
    except CommlabError as error:
        return (
            f"!{type(error).__name__} without a message\n-"
            if not str(error).strip()
            else type(error).__name__
        )
    except BaseException as error:  # whatever else comes out is what is looked for
        frames = [
            f for f in traceback.extract_tb(error.__traceback__) if f"{os.sep}commlab{os.sep}" in f.filename
        ]
        where = " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames[-3:])) or "?"
        return f"!{type(error).__name__}: {ascii(str(error))[:160]}\n{where}"
    return "read"


# --------------------------------------------------------------------------------------------------- hypothesis
def _made_up(tally: Tally, folder: Path, seed: int, budget: float) -> None:
    """Tables of hostile cells that Hypothesis makes up, as CSV and as a workbook."""
    import hypothesis.strategies as st
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded

    cell = st.one_of(
        st.sampled_from(_TOKENS),
        st.text(max_size=12),
        st.integers(-(10**20), 10**20),
        st.floats(),
        st.none(),
        st.booleans(),
        st.datetimes(),
    )
    tables = st.lists(st.lists(cell, min_size=1, max_size=7), min_size=1, max_size=12)
    until = time.monotonic() + budget
    count, kinds = 0, {"csv": _as_csv, "xlsx": _as_workbook}
    from commlab.intake.table import read_tables

    @seeded(seed)
    @settings(
        max_examples=10**6,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(tables, st.sampled_from(sorted(kinds)))
    def example(rows: list[list[Any]], kind: str) -> None:
        nonlocal count
        if time.monotonic() > until:
            raise KeyboardInterrupt
        path = folder / f"made-up.{kind}"
        kinds[kind](path, rows)
        count += 1
        result = _outcome(read_tables, path)
        if result.startswith("!"):
            _told(tally, "made up", [path], {0: result}, Counter())

    with contextlib.suppress(KeyboardInterrupt):
        example()
    tally.tried += count
    print(f"   made up by hypothesis: {count} tables", flush=True)


def _as_csv(path: Path, rows: list[list[Any]]) -> None:
    import csv

    out = io.StringIO()
    csv.writer(out).writerows([["" if c is None else c for c in row] for row in rows])
    path.write_bytes(out.getvalue().encode("utf-8", "surrogatepass"))


def _as_workbook(path: Path, rows: list[list[Any]]) -> None:
    import math

    import xlsxwriter

    with xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd"}) as book:
        sheet = book.add_worksheet()
        for i, row in enumerate(rows):
            for j, cell in enumerate(row):
                if isinstance(cell, str):
                    sheet.write_string(i, j, cell.encode("utf-8", "replace").decode()[:32_000])
                elif isinstance(cell, float) and not math.isfinite(cell):
                    sheet.write_string(i, j, str(cell))
                elif cell is not None:
                    try:
                        sheet.write(i, j, cell)
                    except (OverflowError, ValueError):
                        sheet.write_string(i, j, str(cell))


if __name__ == "__main__":
    alone = Tally("fuzz")
    run(alone, int(sys.argv[1]), float(sys.argv[2]))
    sys.exit(bool(alone.found))
