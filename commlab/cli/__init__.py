"""The command line: ``commlab`` = ``python -m commlab``.

Exit codes: 0 done, 1 something failed or the data have errors, 2 bad request, 130 interrupted. An error that
commlab raises on purpose is one sentence on standard error; what a command answers goes to standard output.
Nothing heavy is imported before the request has been understood.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence

from commlab.errors import CommlabError, DataError

__all__ = ["build_parser", "main"]

_FORMATS = "html,docx,pdf,xlsx"


def build_parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    import commlab

    parser = argparse.ArgumentParser(
        prog="commlab",
        description="Evaluate how cities govern their communities: from raw files to reports people hand in.",
        epilog="Exit codes: 0 done; 1 something failed or the data have errors; 2 bad request.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"commlab {commlab.__version__}")
    parser.add_argument(
        "--study", metavar="PATH", default=".", help="a study folder, or a folder in it (default: here)"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, doing: str, *, period: bool = True) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=doing, description=doing, allow_abbrev=False)
        sub.add_argument("--study", metavar="PATH", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        if period:
            sub.add_argument(
                "period", nargs="?", metavar="PERIOD", help="2019Q4, for instance (default: the newest)"
            )
        return sub

    check = command("check", "read, clean and check the raw files (default: all periods)")
    check.add_argument("--force", action="store_true", help="read everything again")
    check.add_argument("--language", choices=("zh", "en"), help="default: the study's")
    _report_options(command("report", "bring a period's reports up to date"))
    run = command("run", "check all periods, then report; the worse exit code is returned")
    _report_options(run)
    status = command("status", "say which reports are fresh, stale, failed or missing, and why")
    status.add_argument("--format", choices=("text", "json"), default="text")
    status.add_argument("--language", choices=("zh", "en"), help="default: the study's")
    trace = command("trace", "follow a published score back to the cells it came from", period=False)
    trace.add_argument("period", metavar="PERIOD")
    trace.add_argument("unit", metavar="UNIT")
    trace.add_argument(
        "code",
        metavar="CODE",
        help="a framework's code (II-4.1, total), a survey item (q_service), a metric (social_org_n), a problem's number, or ledger",
    )
    trace.add_argument("--format", choices=("text", "json"), default="text")
    public = command(
        "release", "build release/PERIOD/ for the public: protected figures only, looked through"
    )
    public.add_argument("--formats", default="html,docx,pdf", help="of the reports (default: %(default)s)")
    public.add_argument("--language", choices=("zh", "en"), help="default: the study's")
    new = command("new", "prepare the folder of a new period and list what it expects", period=False)
    new.add_argument("period", metavar="PERIOD")
    new.add_argument("--forms", action="store_true", help="also write blank workbooks for the offices")
    init = command("init", "make a new study folder that works", period=False)
    init.add_argument("folder", metavar="DIR", help="a folder that does not exist yet, or an empty one")
    init.add_argument(
        "--from", dest="template", metavar="NAME", default="starter", help="a template (default: starter)"
    )
    init.add_argument("--period", metavar="PERIOD", help="the first period (default: this quarter)")
    draft = command("codebook", "draft a codebook from a questionnaire's export", period=False)
    draft.add_argument(
        "export", metavar="FILE", help="what the survey platform exports: .xls, .xlsx, .csv, .sav"
    )
    draft.add_argument(
        "--save", metavar="NAME", help="write data/register/codebooks/NAME.yaml (default: print it)"
    )
    draft.add_argument(
        "--by-number",
        metavar="FILE",
        help="the same answers exported by number of option: tells the options' order",
    )
    command("lab", "open JupyterLab in the study", period=False)
    command("doctor", "check that everything commlab needs is in place", period=False)
    return parser


def _report_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--unit",
        action="append",
        dest="units",
        metavar="NAME",
        help="a district, city or methods; may be repeated (default: all)",
    )
    add("--formats", default=_FORMATS, metavar="LIST", help=f"comma-separated (default: {_FORMATS})")
    add("--language", choices=("zh", "en"), help="default: the study's")
    add("--workers", type=int, metavar="N", help="reports at a time (default: one a core)")
    add(
        "--engine", choices=("fork", "kernel"), help="how notebooks run (default: fork on Linux, else kernel)"
    )
    add(
        "--scheduler",
        metavar="ADDRESS",
        help="make the reports on a Dask cluster: tcp://host:8786 (needs commlab[cluster])",
    )
    add("--timeout", type=float, metavar="SECONDS", help="what one cell may take (default: no limit)")
    add(
        "--memory",
        type=int,
        metavar="MIB",
        help="what one report may take, with --engine fork (default: no limit)",
    )
    add(
        "--parameter",
        action="append",
        dest="parameters",
        default=[],
        metavar="NAME=VALUE",
        help="one more notebook parameter, a JSON value or text; may be repeated",
    )
    add("--force", action="store_true", help="make reports again that are fresh (the city stage stays)")
    add("--dry-run", action="store_true", help="only say what would be made")


def _end_like_an_interrupt(number: int) -> None:
    """What cron, systemd or a cluster's job system sends leaves the same resumable state as Ctrl-C."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(number, signal.default_int_handler)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    parser = build_parser()
    try:
        options = parser.parse_args(arguments)
    except SystemExit as stop:  # --help, --version, or a request that argparse has explained
        return int(stop.code or 0)
    from commlab.cli import commands

    try:
        _end_like_an_interrupt(signal.SIGTERM)
        code = getattr(commands, f"{options.command}_command")(options)
        sys.stdout.flush()
    except CommlabError as error:
        print(f"commlab {options.command}: {error}", file=sys.stderr)
        return 1 if isinstance(error, DataError) else 2
    except BrokenPipeError:  # the reader has seen enough (`commlab status | head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # a full disk, a folder that cannot be written
        where = f"{error.filename}: " if error.filename else ""
        print(
            f"commlab {options.command}: {where}{error.strerror or error}; mend that and run the command again",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print(f"commlab {options.command}: interrupted", file=sys.stderr)
        return 130
    return int(code)
