"""The readers that ``inputs:`` in study.yaml names: a raw table and its entry -> one clean table.

All have one signature, and ``READERS`` holds them by name (``responses`` is not among them: it starts from
a file, see ``read_questionnaire``):

    mapped = READERS[entry.reader](raw, entry.spec, period="2019Q4", units=register, district="五华区",
                                   given={"expert": "专家01"}, codes={"Ⅱ-4.1": "社区社会组织", ...},
                                   metrics=[...])
    mapped.frame      the clean table (tables.CONTRACTS)
    mapped.ledger     this step's lines (those of reading the file are in raw.ledger)
    mapped.unmatched  unit names for the review table

``units`` is a ``Register`` (build it once) or the units frame with ``aliases`` beside it; ``given`` is what
the file's name said. A missing value stays a row with ``state`` missing (measures) or an empty score
(ratings); a row whose unit or code is unknown is rejected in the ledger with its cell. Nothing raises for a
bad cell.

Entries
    measures   ``unit``; ``columns: {metric or metric/item: {headers: [...], as_of: date, values: {是: 1},
               low: 0, high: 100, severity: note, sum_of: [metrics], part_of: metric}}`` or a list of these
               (severity: of a missing column; sum_of, part_of: checked); ``type``: headers of the column that
               names the unit's type, checked against the register
    ratings    columns ``unit, code, score``, or ``units_across: true`` (a column a unit), or ``codes_across:
               true``; ``stage``, or columns named by stage; ``rater``: ``unit``, ``district``, a name or a
               column, else the file's ``{rater}`` or ``{expert}``; ``district``: a column that limits units
    judgments  a square matrix (first column and header name the elements; the node is the sheet's name,
               ``node:``, or ``nodes: {sheet: code}``), or columns ``row, column, value`` (``node, expert``)
    opinions   columns ``code, importance, familiarity, basis``, ``expert``; ``round`` given, a column or in
               the file's name; ``values: {很熟悉: 1.0}``
    problems   columns ``problem, unit, code, found, due, closed, reopened, verified, by, origin,
               responsible``
    mutual     columns ``rater, rated, score`` (``aspect``), or ``aspects: {aspect: headers}``;
               ``rater_level, rated_level``
    lists      ``list, scope, topic, item`` as columns or fixed words
    records    ``list`` given; columns ``unit, on`` (a date), ``key, category, value, text``: rows as they come, repeats
               kept
    all        ``ignore``: columns to leave out without a warning; ``header: none`` for tables without labels, whose
               columns are named by their letters (``unit: A``, ``columns: {households: C}``)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pandas as pd

from commlab.intake import expert, facts, ratings
from commlab.intake.mapped import Context, Mapped
from commlab.intake.mapping import Table
from commlab.intake.names import CERTAINTY, Register
from commlab.intake.repeats import account, finish

__all__ = ["READERS"]


def _reader(name: str, make: Callable[[Table], pd.DataFrame]) -> Callable[..., Mapped]:
    def read(
        raw: Any,
        spec: Mapping[str, Any],
        *,
        period: str,
        units: pd.DataFrame | Register,
        aliases: pd.DataFrame | None = None,
        district: str | None = None,
        given: Mapping[str, str] | None = None,
        codes: Mapping[str, str] | Iterable[str] = (),
        metrics: Iterable[str] = (),
        certainty: float = CERTAINTY,
    ) -> Mapped:
        labels = dict(codes) if isinstance(codes, Mapping) else {str(c): str(c) for c in codes}
        told = {key: str(value) for key, value in (given or {}).items()}
        book = Register.of(units, aliases)
        district = district or told.get("district")
        context = Context(period, book, district, told, labels, tuple(metrics), certainty)
        table = Table(raw, spec, context, name)
        frame = make(table)
        if name != "judgments":  # whose rows are not those of the sheet
            account(table, frame)
        return finish(table, name, frame)

    read.__name__ = read.__qualname__ = f"read_{name}"
    read.__doc__ = f"Map a raw table to ``{name}``; see the module's docstring."
    return read


READERS: dict[str, Callable[..., Mapped]] = {
    name: _reader(name, make)
    for name, make in {
        "measures": facts.measures,
        "ratings": ratings.ratings,
        "judgments": expert.judgments,
        "opinions": expert.opinions,
        "problems": facts.problems,
        "mutual": ratings.mutual,
        "lists": facts.lists,
        "records": facts.records,
    }.items()
}
"""Reader name in study.yaml -> function ``(raw, spec, *, period, units, ...) -> Mapped``."""
