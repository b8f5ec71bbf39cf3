"""What ``commlab check`` prints: who sent what, what was found and what to do, in the study's language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd

from commlab.cli.show import columns, plain, width
from commlab.text import Text

if TYPE_CHECKING:
    from commlab.study import CheckResult, Study

__all__ = ["check_lines"]

_MOST = 40
"""Lines of findings that are printed for a period; the workbook has all."""
_ALIKE = 3
"""From this many files on, the same finding is printed once."""
_WIDEST = 28
_MOST_NAMES = 6
_UNIT = r"[(（][^()（）]*[)）]$"


def check_lines(study: Study, result: CheckResult, periods: list[str], language: str) -> Iterator[str]:
    """The answer of ``check``, line by line."""
    t = Text(language)
    if result.settled:
        told = "{n} names that people settled were taken into {path}."
        yield t(told, n=result.settled, path="data/register/review.csv")
    if result.decided:
        told = "{n} verdicts on answers keyed twice were taken into {path}."
        yield t(told, n=result.decided, path="data/register/verdicts.csv")
    for name in periods:
        yield from _period(study, result, name, t)


def _period(study: Study, result: CheckResult, name: str, t: Text) -> Iterator[str]:
    from commlab.study.advice import actions
    from commlab.study.sources import late_arrivals
    from commlab.study.verdicts import read_disagreements

    folder = f"data/processed/{name}"
    rows = result.table[result.table["period"] == name]
    ledger = result.ledger[result.ledger["period"] == name]
    counts = ledger["severity"].value_counts()
    sent = int(rows["state"].isin(["read", "carried"]).sum())
    numbers = {f"{s}s": int(counts.get(s, 0)) for s in ("error", "warning", "note")} | {
        "rounded": int(counts.get("rounding", 0))
    }
    yield t(
        "{period}: {sent} of {all} inputs read; {errors} errors, {warnings} warnings, {rounded} roundings, {notes} notes "
        "({path})",
        period=name, sent=sent, all=len(rows), path=f"{folder}/ledger.xlsx", **numbers,
    )  # fmt: skip
    yield from _inputs(rows, t)
    told = actions(
        ledger[~ledger["severity"].eq("note") & ~ledger["rule"].eq("outstanding")],
        t.language,
        study.framework,
    )
    yield from _findings(told, t, folder)
    n = len(study.period(name).questions)
    if n:
        yield t(
            "{n} names are open: write the unit beside each in {path} (column unit; - where it is none) and check again.",
            n=n, path=f"{folder}/review.csv",
        )  # fmt: skip
    n = len(read_disagreements(study.root, name))
    if n:
        yield t(
            "{n} answers keyed twice differ: look them up on paper, write what it says beside each in {path} (column verdict; "
            "(空) where it has no answer) and check again.",
            n=n, path=f"{folder}/disagreements.csv",
        )  # fmt: skip
    late = late_arrivals(study.root, name)
    if late:
        yield t(
            "{n} files came or changed after reports of {period} were made; make the reports again:",
            n=len(late),
            period=name,
        )
        yield columns([(f"  {t(what)}", file) for file, what in late.items()])


def _inputs(rows: pd.DataFrame, t: Text) -> Iterator[str]:
    """A line an input: how many sent it, who has not, whose cannot be used."""
    lines = []
    for _, own in rows.groupby("input", sort=False):
        expected = own[~own["unit"].duplicated()]
        here = int(expected["state"].isin(["read", "carried"]).sum())
        more = []
        for state, said in (("outstanding", "not sent: {names}"), ("failed", "with errors: {names}")):
            names = list(own.loc[own["state"] == state, "unit"].unique())
            if names:
                shown = t.listing(names[:_MOST_NAMES]) + ("…" if len(names) > _MOST_NAMES else "")
                more.append(t(said, names=shown))
        if (own["state"] == "carried").any():
            more.append(t("from an earlier period"))
        lines.append((f"  {own[f'label_{t.language}'].iloc[0]}", f"{here}/{len(expected)}", "; ".join(more)))
    yield columns(lines)


def _findings(told: pd.DataFrame, t: Text, folder: str) -> Iterator[str]:
    """What to act on, file by file, errors first; what many files share is said once."""
    if told.empty:
        return
    same = ["severity", "rule", "bare"]
    told = told.assign(bare=told["column"].str.rpartition("/")[2].str.replace(_UNIT, "", regex=True))
    shared = told.groupby(same, sort=False)["file"].transform("nunique") >= _ALIKE
    shared &= told["severity"].ne("error")
    lines: list[tuple[str, tuple[str, ...]]] = []
    for (file, sheet), own in told[~shared].groupby(["file", "sheet"], sort=False):
        head = f"{file} [{sheet}]" if sheet else str(file)
        lines += [(head, line) for line in _of_file(own, t)]
    for _, own in told[shared].groupby(same, sort=False):
        head = t("{n} files, the first {file}", n=own["file"].nunique(), file=own["file"].iloc[0])
        lines.append((head, _line(next(own.itertuples()), t)))
    shown = lines[:_MOST]
    heads = [t("level"), t("cell"), t("column"), t("found"), t("expected"), t("what is wrong; what to do")]
    table = columns([cells for _, cells in shown], heads).splitlines()
    yield f"  {table[0]}"
    last = ""
    for (head, _), line in zip(shown, table[1:], strict=True):
        if head != last:
            yield plain(head)
            last = head
        yield f"  {line}"
    if len(lines) > _MOST:
        yield "  " + t("... and {n} more, see {path}", n=len(lines) - _MOST, path=f"{folder}/ledger.xlsx")
    if (told["cells"] != "").any():
        yield t("Copies with the cells coloured: {path}", path=f"{folder}/marked/")


def _of_file(own: pd.DataFrame, t: Text) -> Iterator[tuple[str, ...]]:
    """A file's findings; of many of one kind the first few and how many more there are."""
    for _, kind in own.groupby(["severity", "rule"], sort=False):
        few = kind if len(kind) <= _ALIKE + 1 else kind.head(_ALIKE)
        yield from (_line(row, t) for row in few.itertuples())
        if len(kind) > len(few):
            yield (
                t(kind["severity"].iloc[0]),
                "",
                "",
                "",
                "",
                t("{n} more of this kind", n=len(kind) - len(few)),
            )


def _line(row: object, t: Text) -> tuple[str, ...]:
    get = lambda name: str(getattr(row, name))  # noqa: E731  a row of itertuples
    advice = get("advice")
    says = get("says") + (t("; {advice}", advice=advice) if advice else "")
    cells = get("cells").split(", ")
    where = ", ".join(cells[:2]) + (" …" if len(cells) > 2 else "")
    return (
        t(get("severity")),
        where,
        _short(get("column")),
        _short(get("found")),
        _short(get("expected")),
        plain(says),
    )


def _short(text: str) -> str:
    """A text of at most ``_WIDEST`` columns on a terminal."""
    text = plain(text)
    if width(text) <= _WIDEST:
        return text
    while width(text) > _WIDEST - 1:
        text = text[:-1]
    return f"{text}…"
