"""A published number back to the cells it came from: score -> rule -> evidence -> raw values -> file, sheet, cell.

A survey number ends at its files, the number of rows and the filter, never at one person's answers. What can be traced:
a node of the framework in any spelling, ``total``, an item of the questionnaire, a question about the person, a metric,
a problem, ``ledger``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from commlab.errors import ParameterError, listing

if TYPE_CHECKING:
    from commlab.study.period import Period

__all__ = ["Step", "Trace", "canonical", "trace"]

_MOST_VALUES = 12


@dataclass(frozen=True)
class Step:
    """One line of a trace: what it is, in words, the number, where it was read, and what it rests on.

    ``kind`` is ``node``, ``child``, ``part``, ``evidence``, ``weight``, ``compare`` (other districts), ``estimate``,
    ``value`` (as read) or ``ledger``.
    """

    kind: str
    text: str
    value: float | None = None
    source: str = ""
    below: tuple[Step, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        out: dict[str, Any] = {"kind": self.kind, "text": self.text}
        if self.value is not None:
            out["value"] = self.value
        if self.source:
            out["source"] = self.source
        if self.below:
            out["below"] = [s.to_dict() for s in self.below]
        return out


@dataclass(frozen=True)
class Trace:
    """The way back of one number; prints as a tree, ``to_dict`` gives all of it.

    ``top`` leads down to what the number was made from; ``beside`` holds what a score is told with: weight and origin,
    coverage, rank, the others it is compared with. Printed, a branch shows its children; ``to_dict`` all below them.

    Examples
    --------
    >>> trace = cl.open_study().period("2019Q4").trace("五华区", "Ⅱ-4.1")   # doctest: +SKIP
    >>> trace, trace.steps()[-1].source, trace.to_dict()                # doctest: +SKIP
    """

    period: str
    unit: str
    code: str
    top: Step
    beside: tuple[Step, ...] = ()
    _most: int = field(default=_MOST_VALUES, repr=False)

    def to_dict(self) -> dict[str, Any]:
        out = {"period": self.period, "unit": self.unit, "code": self.code, **self.top.to_dict()}
        return out | ({"beside": [s.to_dict() for s in self.beside]} if self.beside else {})

    def steps(self) -> list[Step]:
        """Every step, depth first; those beside the number come last."""
        out: list[Step] = []

        def walk(step: Step) -> None:
            out.append(step)
            for inner in step.below:
                walk(inner)

        for top in (self.top, *self.beside):
            walk(top)
        return out

    def __str__(self) -> str:
        lines: list[str] = []

        def walk(step: Step, indent: str) -> None:
            lines.append(indent + step.text + (f"  <- {step.source}" if step.source else ""))
            shown = () if step.kind == "child" else step.below
            values = [s for s in shown if s.kind == "value"]
            if len(values) > self._most:
                shown = (*[s for s in shown if s.kind != "value"], *values[: self._most])
            for inner in shown:
                walk(inner, indent + "  ")
            if len(values) > self._most:
                lines.append(f"{indent}  … {len(values) - self._most} (--format json)")

        walk(self.top, "")
        for step in self.beside:
            walk(step, "  ")
        return "\n".join(lines)


def canonical(period: Period, unit: str) -> str:
    """The register's name of a unit: as it stands there, of a place with that name only, or as districts are called.

    Raises
    ------
    ParameterError
        If nothing, or more than one unit, is called so.
    """
    register, text = period.study.register, unit.strip()
    if text in {*register.units["unit"], period.study.config.city}:
        return text
    same = register.units.loc[register.units["name"] == text, "unit"]
    if len(same) > 1:
        raise ParameterError(
            f"{len(same)} units are called {text!r}: {listing(same)}; name one of them whole"
        )
    return str(same.iloc[0]) if len(same) else period.study.district(text)


def trace(period: Period, unit: str, code: str) -> Trace:
    """The way from a number of ``unit`` down to raw cells.

    Parameters
    ----------
    period : Period
    unit : str
        A district, a candidate community as ``district/name``; for what residents or offices reported also the city
        or any community.
    code : str
        A node of the framework in any spelling, ``total``, a survey item (``q_service``), a question about the person
        (``sex``), a metric (``social_org_n``), a problem's number, or ``ledger``.

    Raises
    ------
    ParameterError
        If the unit has no score in this period, or nothing is called ``code``.
    """
    from commlab.study.trace_facts import fact
    from commlab.study.trace_scores import score_step

    found = fact(period, unit, code)
    if found is not None:
        return Trace(period.name, found[0], code, found[1])
    try:
        node = period.study.framework.code(code)
    except ParameterError as error:
        raise ParameterError(
            f"{error}; traced are its codes, survey items ({', '.join(list(period.items)[:3])}, ...), metrics,"
            " numbers of problems, and ledger"
        ) from None
    name, step, beside = score_step(period, unit, node)
    return Trace(period.name, name, node, step, beside)
