"""What each command does: thin calls into the study and the batch, and what is printed."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from commlab.cli.show import columns
from commlab.errors import DataError, ParameterError, StudyError

if TYPE_CHECKING:
    import pandas as pd

    from commlab.batch import RunResult
    from commlab.batch.warm import Ahead
    from commlab.study import Period, Study


def _study(options: argparse.Namespace) -> Study:
    import commlab

    return commlab.open_study(options.study)


def _period(options: argparse.Namespace) -> Period:
    return _study(options).period(options.period)


# ---------------------------------------------------------------------------------------------------- check
def check_command(options: argparse.Namespace) -> int:
    """Read and clean; tell who sent what, what was found and what to do."""
    periods = [options.period] if options.period else None
    return _check(_study(options), periods, force=options.force, language=options.language)


def _check(
    study: Study,
    periods: list[str] | None,
    *,
    force: bool = False,
    language: str | None = None,
    reading: Callable[[], object] = bool,
) -> int:
    from commlab.cli.checked import check_lines
    from commlab.study.faults import in_language
    from commlab.text import Text

    t = Text(language or study.config.language)
    for name in periods or ():
        study.period(name)
    progress = lambda name: print(t("{period}: checking", period=name), file=sys.stderr)  # noqa: E731
    try:
        result = study.check(periods, progress=progress, reading=reading, force=force)
    except DataError as error:
        raise in_language(error, t) from None
    for line in check_lines(study, result, [*(periods or study.periods)], t.language):
        print(line)
    return result.exit_code


# --------------------------------------------------------------------------------------------------- report
def report_command(options: argparse.Namespace) -> int:
    """Bring the reports up to date; the status table at the end."""
    with _ahead(options) as ahead:
        return _report(_period(options), options, ahead)


def run_command(options: argparse.Namespace) -> int:
    """Check, then report; errors that check finds do not keep the reports from being made."""
    with _ahead(options) as ahead:
        study = _study(options)
        period = study.period(options.period)
        # What is read anew changes reports: the process they fork from gets ready beside it.
        checked = _check(study, None, language=options.language, reading=ahead.start)
        return max(checked, _report(period, options, ahead))


def _ahead(options: argparse.Namespace) -> Ahead:
    """The process that reports fork from, started before anything else where a glance says that they will be due."""
    from pathlib import Path

    from commlab.batch.warm import Ahead, nothing_made

    forks = options.engine != "kernel" and not options.scheduler and not options.dry_run
    ahead = Ahead(_formats(options), wanted=forks)
    if options.force or nothing_made(Path(options.study), options.period):
        ahead.start()
    return ahead


def _formats(options: argparse.Namespace) -> list[str]:
    return [f.strip() for f in options.formats.split(",") if f.strip()]


def _report(period: Period, options: argparse.Namespace, ahead: Ahead) -> int:
    from commlab import batch

    result = batch.run(
        period,
        units=options.units,
        formats=_formats(options),
        language=options.language,
        parameters=_parameters(options.parameters),
        workers=options.workers,
        force=options.force,
        dry_run=options.dry_run,
        engine=options.engine,
        scheduler=options.scheduler,
        timeout=options.timeout,
        memory=options.memory,
        ahead=ahead,
    )
    _print_run(result, period, dry=options.dry_run)
    return 0 if options.dry_run else result.exit_code


def _parameters(pairs: list[str]) -> dict[str, Any]:
    given = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.isidentifier():
            raise ParameterError(f"--parameter {pair!r}: write NAME=VALUE")
        try:
            given[name] = json.loads(value)
        except ValueError:
            given[name] = value
    return given


def _print_run(result: RunResult, period: Period, *, dry: bool) -> None:
    rows = result.statuses
    if dry:
        due = rows[rows["state"] != "fresh"]
        print(columns([(r.name, r.state, r.why) for r in due.itertuples()]) if len(due) else "nothing is due")
        return
    made = rows[rows["state"] == "done"]
    if len(rows) > int((rows["state"] == "fresh").sum()):
        told = [
            (r.name, r.state, f"{r.seconds:.1f} s" if r.seconds else "", r.why) for r in rows.itertuples()
        ]
        print(columns(told, ("report", "state", "took", "why")))
    there, wanted = result.coverage
    districts = f"{there} of {wanted} districts" if wanted else f"{len(rows)} reports"
    print(
        f"{period.name}: {districts} up to date, {len(made)} made now, {len(result.failed)} failed; "
        f"reports/{period.name}/index.html"
    )


# --------------------------------------------------------------------------------------------------- status
def status_command(options: argparse.Namespace) -> int:
    """State of every report; exit code 1 where one failed."""
    from commlab import batch

    period = _period(options)
    found = batch.status(period, language=options.language)
    if options.format == "json":
        print(json.dumps(found.to_dict("records"), ensure_ascii=False, indent=1))
    else:
        print(columns([(r.name, r.state, r.why) for r in found.itertuples()], ("report", "state", "why")))
        print(_counted(found))
    return int((found["state"] == "failed").any())


def _counted(found: pd.DataFrame) -> str:
    counts = found["state"].value_counts()
    return ", ".join(f"{counts[s]} {s}" for s in ("fresh", "stale", "failed", "missing") if s in counts)


# ---------------------------------------------------------------------------------------------------- trace
def trace_command(options: argparse.Namespace) -> int:
    """From a score to the cells it came from."""
    found = _period(options).trace(options.unit, options.code)
    if options.format == "json":
        print(json.dumps(found.to_dict(), ensure_ascii=False, indent=1))
    else:
        print(found)
    return 0


# -------------------------------------------------------------------------------------------------- release
def release_command(options: argparse.Namespace) -> int:
    """Build what the public may see; what stands in the way is one sentence."""
    from commlab.release import release

    period = _period(options)
    done = release(
        period,
        formats=[f.strip() for f in options.formats.split(",") if f.strip()],
        language=options.language,
        progress=lambda unit: print(f"{period.name}: {unit}", file=sys.stderr),
    )
    kept = ", ".join(f"{rule} {n}" for rule, n in done.withheld.items()) or "none"
    print(
        f"release/{period.name}/: release {done.number}{'' if done.new else ' (same figures as before)'}, {done.files} files, "
        f"{done.figures} figures; withheld: {kept}; restated: {done.restated}; scanner: nothing found"
    )
    return 0


# ------------------------------------------------------------------------------------------------------ new
def new_command(options: argparse.Namespace) -> int:
    """Prepare a period's folder; list what is expected in it."""
    from commlab.cli.new import expected, new_period

    study = _study(options)
    folder = new_period(study.root, options.period)
    print(f"{folder.relative_to(study.root).as_posix()}/ is ready; it expects:")
    print(columns(expected(study)))
    if options.forms:
        from commlab.cli.forms import write_forms

        made = write_forms(_study(options), options.period)
        print(
            f"{len(made)} blank workbooks written to forms/{options.period}/ (those that exist stay as they are)"
        )
    return 0


# ----------------------------------------------------------------------------------------------------- init
def init_command(options: argparse.Namespace) -> int:
    """Make a new study folder; say what to do next."""
    import commlab
    from commlab.cli.init import init_study

    forms = init_study(options.folder, template=options.template, period=options.period)
    study = commlab.open_study(options.folder)
    period, own = study.newest, study.config.framework
    described = f"study.yaml, {own}" if (study.root / own).is_file() else "study.yaml"  # else bundled
    print(f"{options.folder} is a study of {period}. Next:")
    told = [
        ("  data/register/units.csv", "your districts and communities"),
        (f"  {described}", "your files and your indicators"),
        (f"  forms/{period}/", f"{len(forms)} blank workbooks for the offices"),
        (f"  data/raw/{period}/", "put what they send there, then: commlab check, commlab report"),
    ]
    print(columns(told))
    return 0


# ------------------------------------------------------------------------------------------------- codebook
def codebook_command(options: argparse.Namespace) -> int:
    """Draft a codebook; what it guessed is for a person to go through."""
    from commlab import store
    from commlab.intake import draft_codebook

    if options.save is None:
        print(draft_codebook(options.export, by_number=options.by_number), end="")
        return 0
    if not re.fullmatch(r"[\w-]+", options.save):
        raise ParameterError(f"--save {options.save!r}: a codebook's name has letters, digits, _ and - only")
    study = _study(options)
    path = study.register.folder / "codebooks" / f"{options.save}.yaml"
    name = path.relative_to(study.root).as_posix()
    if path.exists():
        raise StudyError(f"{name} is there already; choose another name with --save, or remove it first")
    text = draft_codebook(options.export, by_number=options.by_number)
    text = text.replace("instrument: resident  # ? a short name", f"instrument: {options.save}")
    store.write_text(path, text)
    guesses = sum("?" in line.partition("#")[2] for line in text.splitlines()[1:])
    print(f"{name}: {guesses} guesses are marked with ?; go through them")
    return 0


# ------------------------------------------------------------------------------------------------------ lab
def lab_command(options: argparse.Namespace) -> int:
    """Start JupyterLab in the study's folder, at the notebook for exploring, and stay with it."""
    import subprocess

    from commlab.cli.lab import lab_command_line, lab_environment

    study = _study(options)
    return subprocess.call(lab_command_line(study), cwd=study.root, env=lab_environment())


# --------------------------------------------------------------------------------------------------- doctor
def doctor_command(options: argparse.Namespace) -> int:
    """One line a check; exit code 1 where something commlab needs is not in place."""
    from commlab.cli.doctor import examine

    found = examine(options.study)
    print(columns([("ok" if good else "!!", what, told) for good, what, told in found]))
    return int(not all(good for good, _, _ in found))
