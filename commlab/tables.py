"""The shape of every clean table: one contract a table, checked before anything is stored.

A contract is data: its columns, what one row is, which columns identify a row. ``validate`` checks a frame
against it with pandera, collects *all* faults, and returns the frame with the contract's order and types.
Codes that stand for "don't know" and "not applicable" in answers are defined here, because intake writes them
and the survey engine reads them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.periods import GRAMMAR, period_key, previous_period

__all__ = [
    "CONTRACTS",
    "DONT_KNOW",
    "NOT_APPLICABLE",
    "STATES",
    "Column",
    "Contract",
    "empty",
    "period_key",
    "previous_period",
    "validate",
]

DONT_KNOW = 98
"""Code of "don't know" (说不清) in every item column of ``responses``."""
NOT_APPLICABLE = 97
"""Code of "not applicable" (不适用) in every item column of ``responses``."""

STATES = ("scored", "failed", "missing", "not_applicable", "vetoed")
LEVELS = ("city", "district", "street", "community", "compound", "department")
METHODS = ("field", "media", "questionnaire", "documents")
STAGES = ("self", "district", "expert")
ACTIONS = ("recognised", "changed", "rejected", "flagged")
CLASSES = ("open", "quasi", "sensitive", "identifier")  # quasi: with others it may tell who it is
SEVERITIES = ("note", "rounding", "warning", "error")


@dataclass(frozen=True)
class Column:
    """One column of a contract: ``kind`` is text, number, integer, date or flag, ``privacy`` one of ``CLASSES``."""

    name: str
    kind: str = "text"
    required: bool = True
    nullable: bool = True
    among: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    matches: str = ""
    privacy: str = "open"
    doc: str = ""

    def __post_init__(self) -> None:
        if self.privacy not in CLASSES:
            raise ParameterError(f"{self.name}: the class {self.privacy!r} is not one of {listing(CLASSES)}")


@dataclass(frozen=True)
class Contract:
    """What one row of a table is, and its columns. ``open_columns`` allows further columns (items, flags)."""

    name: str
    one_row: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    open_columns: bool = False

    @property
    def names(self) -> list[str]:
        return [c.name for c in self.columns]


def _key(name: str, **more: Any) -> Column:
    return Column(name, nullable=False, **more)


_WHEN = (_key("period", matches=GRAMMAR), Column("source", doc="file#sheet!cells the row was read from"))


def _contract(
    name: str, one_row: str, *columns: Column, key: tuple[str, ...] = (), open_columns: bool = False
) -> Contract:
    return Contract(name, one_row, (*columns, *_WHEN), key, open_columns)


CONTRACTS: dict[str, Contract] = {
    c.name: c
    for c in (
        _contract(
            "units",
            "a unit and its life",
            _key(
                "unit", doc="canonical name, unique within level and parent; a community's is district/name"
            ),
            _key("level", among=LEVELS),
            Column("parent", doc="unit above; empty for the city"),
            _key("name", doc="the short name that reports print"),
            _key("code", matches=r"[0-9A-Z]{6,12}", doc="12-digit text or study-made"),
            Column("type", doc="urban, converted, a housing type..."),
            Column("group", doc="peer group for comparison among equals"),
            Column("valid_from", "date"),
            Column("valid_to", "date"),
            key=("unit",),
        ),
        _contract(
            "unit_changes",
            "a merger, split, renaming or change of type",
            Column("date", "date", nullable=False),
            _key("kind", among=("merger", "split", "renaming", "type")),
            _key("before"),
            Column("after", doc="empty: no successor"),
            Column("share", "number", low=0, high=1, doc="share of `before` that goes to `after`"),
        ),
        _contract(
            "measures",
            "one fact about one unit",
            Column("as_of", "date", nullable=False),
            _key("unit"),
            _key("metric"),
            Column("item", doc="checked point, training... within a metric"),
            Column("value", "number", doc="in the metric's base unit"),
            _key("state", among=("observed", "missing", "not_applicable")),
            key=("period", "as_of", "unit", "metric", "item"),
        ),
        _contract(
            "responses",
            "one resident's questionnaire",
            _key("instrument"),
            _key("response_id", doc="keyed hash; only for duplicates, never in an output"),
            Column("unit", doc="community; empty: out of frame"),
            Column("submitted_at", "date", privacy="quasi"),
            Column("duration_s", "number", low=0),
            Column("sex", privacy="quasi"),
            Column("age_band", privacy="quasi"),
            Column("education", required=False, privacy="quasi"),
            Column("tenure", required=False, privacy="quasi"),
            Column("hukou", required=False, privacy="quasi"),
            Column("base_weight", "number", low=0),
            Column("flags", doc="quality flags, comma-separated: fast, straightline, duplicate, ..."),
            Column(
                "valid", "flag", nullable=False, doc="False where a flag that study.yaml lists excludes it"
            ),
            key=("instrument", "response_id", "source"),
            open_columns=True,
        ),
        _contract(
            "ratings",
            "one judgement",
            _key("stage", among=STAGES),
            _key("rater"),
            Column("method", doc="field, media, questionnaire, documents"),
            _key("unit"),
            _key("code"),
            Column("score", "number", low=0, high=100, doc="missing = not rated"),
            key=("period", "stage", "rater", "unit", "code"),
        ),
        _contract(
            "judgments",
            "one pairwise comparison",
            _key("expert"),
            _key("node", doc="code of the parent; `total` for the primary level"),
            _key("row"),
            _key("column"),
            Column(
                "value",
                "number",
                low=1e-9,
                doc="how many times `row` outweighs `column`; missing = not judged",
            ),
            key=("period", "expert", "node", "row", "column"),
        ),
        _contract(
            "opinions",
            "one Delphi answer",
            Column("round", "integer", nullable=False, low=1),
            _key("expert"),
            _key("code"),
            Column("importance", "number", low=0),
            Column("familiarity", "number", low=0, high=1, doc="Cs"),
            Column("basis", "number", low=0, high=1, doc="Ca"),
            Column(
                "full_score", "number", required=False, low=0, doc="end of the round's scale; 5 where none"
            ),
            Column("proposal", required=False, doc="what the expert would change, identifiers masked"),
            key=("period", "round", "expert", "code"),
        ),
        _contract(
            "mutual",
            "one body rating another",
            _key("rater"),
            _key("rater_level", among=LEVELS),
            _key("rated"),
            _key("rated_level", among=LEVELS),
            _key("aspect"),
            Column("score", "number", low=0, high=100),
            key=("period", "rater", "rated", "aspect"),
        ),
        _contract(
            "lists",
            "one need, resource or service",
            _key("list", among=("need", "resource", "service")),
            _key("scope", doc="a unit, a type, or `common`"),
            Column("topic"),
            _key("item"),
            key=("period", "list", "scope", "topic", "item"),
        ),
        _contract(
            "records",
            "one dated entry of a list that the study keeps (trainings, points of volunteers, ratings as they come)",
            _key("list", doc="what the list is called in study.yaml"),
            Column("unit"),
            Column("on", "date"),
            Column("key", doc="account, number or name of what the entry is about; personal data masked"),
            Column("category"),
            Column("value", "number"),
            Column("text", doc="personal data masked"),
        ),
        _contract(
            "problems",
            "one event of one problem",
            _key("problem"),
            _key("unit"),
            Column("code", doc="standard it falls under"),
            _key("event", among=("found", "due", "closed", "reopened", "verified")),
            Column("on", "date", nullable=False),
            Column("by"),
            Column("origin"),
            Column("responsible"),
            key=("problem", "event", "on"),
        ),
        _contract(
            "evidence",
            "what a score rests on",
            _key("unit"),
            _key("code"),
            Column("part"),
            Column("item"),
            Column("value", "number"),
            Column("numerator", "number"),
            Column("denominator", "number"),
            Column("n", "number", low=0),
            Column("se", "number", low=0),
            Column("df", "number", low=0),
            Column("stage"),
            Column("method"),
            _key("state", among=(*STATES, "observed", "inherited")),
            open_columns=True,
        ),
        Contract(
            "ledger",
            "one thing done to the data",
            (
                Column("period"),
                Column("file"),
                Column("sheet"),
                Column("table"),
                Column("column"),
                _key("rule"),
                Column("before", doc="‹removed› for personal columns"),
                Column("after"),
                _key("action", among=ACTIONS),
                _key("severity", among=SEVERITIES),
                Column("n", "integer", low=0, nullable=False),
                Column("first_cells"),
                _key("message"),
            ),
        ),
    )
}


_DTYPES = {
    "text": "str",
    "number": "float64",
    "integer": "Int64",
    "date": "datetime64[us]",
    "flag": "bool",
}


def _contract_named(table: str) -> Contract:
    try:
        return CONTRACTS[table]
    except KeyError:
        raise ParameterError(f"no table is called {table!r}; known: {', '.join(CONTRACTS)}") from None


@cache
def _blank(table: str) -> pd.DataFrame:
    contract = _contract_named(table)
    return pd.DataFrame({c.name: pd.Series(dtype=_DTYPES[c.kind]) for c in contract.columns if c.required})


def empty(table: str) -> pd.DataFrame:
    """A frame of no rows with the contract's columns and types.

    >>> list(empty("judgments").columns)
    ['expert', 'node', 'row', 'column', 'value', 'period', 'source']
    """
    return _blank(table).copy()


@cache
def _schema(table: str) -> Any:
    # pandera takes longer to import than pandas: only a reader of raw files pays for it.
    import pandera.pandas as pa

    contract = _contract_named(table)
    columns = {}
    for c in contract.columns:
        checks = []
        if c.among:
            checks.append(pa.Check.isin(c.among))
        if c.matches:
            checks.append(pa.Check.str_matches(f"^(?:{c.matches})$"))
        if c.low is not None:
            checks.append(pa.Check.ge(c.low))
        if c.high is not None:
            checks.append(pa.Check.le(c.high))
        columns[c.name] = pa.Column(
            _DTYPES[c.kind], checks, nullable=c.nullable, required=c.required, coerce=False
        )
    return pa.DataFrameSchema(columns, strict=not contract.open_columns)


def validate(table: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Check a frame against a table's contract.

    Parameters
    ----------
    table : str
        A name in ``CONTRACTS``.
    frame : DataFrame
        Missing optional columns are allowed; missing required columns, unknown columns (unless the table is
        open), wrong types, values out of range and repeated keys are faults.

    Returns
    -------
    DataFrame
        The same rows; the contract's columns first and in its order, with its types.

    Raises
    ------
    DataError
        With *all* faults: column, rule, number of rows, the first values and their sources.
    """
    import pandera.errors

    contract = _contract_named(table)
    faults: list[str] = []
    lacking = [c.name for c in contract.columns if c.required and c.name not in frame]
    if lacking:
        faults.append(f"columns are missing: {listing(lacking)}")
    out = frame.copy()
    for c in contract.columns:
        if c.name not in out:
            continue
        try:
            out[c.name] = out[c.name].astype(_DTYPES[c.kind])
        except (TypeError, ValueError) as error:
            faults.append(f'column "{c.name}" is not {c.kind}: {error}')
    if not faults:
        try:
            _schema(table).validate(out, lazy=True)
        except pandera.errors.SchemaErrors as errors:
            faults += _told(errors.failure_cases, out)
    if not faults and contract.key:
        again = out[out.duplicated(list(contract.key), keep=False)]
        if len(again):
            first = again.iloc[0]
            what = ", ".join(f"{k}={first[k]}" for k in contract.key)
            where = f" ({listing(again['source'].head(4))})" if "source" in again else ""
            faults.append(f"{len(again)} rows share a key, first {what}{where}; keep one of them")
    if faults:
        raise DataError(f'table "{table}": ' + "; ".join(faults), faults=faults)
    order = [c.name for c in contract.columns if c.name in out]
    return out[order + [c for c in out if c not in order]].reset_index(drop=True)


def _told(cases: pd.DataFrame, frame: pd.DataFrame) -> list[str]:
    told = []
    for (column, check), group in cases.groupby(["column", "check"], dropna=False, sort=False):
        rows = [i for i in group["index"] if i in frame.index] if group["index"].notna().any() else []
        where = f" at {listing(frame.loc[rows, 'source'], most=3)}" if rows and "source" in frame else ""
        told.append(
            f'column "{column}" breaks {check}: {listing(group["failure_case"].unique(), most=3)}'
            f" in {len(group)} rows{where}"
        )
    return told
