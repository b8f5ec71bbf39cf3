"""The units of a study and every name they answer to, as look-ups.

A unit answers to its code, its name, its aliases, the answers that people gave in the review table, and to the
names of units that were renamed or merged into it. Units that have ended by a day answer no longer: their names
mean their successors, through any number of changes.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.intake.forms import plain_form, squash, stem

__all__ = ["Index", "Register", "successors"]


_DIGITS = 12
"""Digits of a full code: 530102 is 530102000000."""


@dataclass(frozen=True)
class Index:
    """Look-ups among the candidates of one (parent, level): key -> units that answer to it."""

    exact: dict[str, list[str]]
    alias: dict[str, list[str]]
    plain: dict[str, list[str]]
    stem: dict[str, list[str]]
    code: dict[str, list[str]]


def successors(changes: pd.DataFrame, living: Iterable[str]) -> dict[str, list[str]]:
    """Unit that is no more -> the living units that its changes lead to, through any number of steps.

    >>> changes = pd.DataFrame({"before": ["a", "b", "c", "c"], "after": ["b", "d", "d", "e"]})
    >>> successors(changes, ["d", "e"])
    {'a': ['d'], 'b': ['d'], 'c': ['d', 'e']}
    """
    lacking = {"before", "after"} - set(changes)
    if lacking:
        raise DataError(f"unit changes need the columns {', '.join(sorted(lacking))}")
    known = set(living)
    step: dict[str, list[str]] = {}
    for before, after in changes[["before", "after"]].dropna().astype("str").itertuples(index=False):
        step.setdefault(before, []).append(after)

    def ends(unit: str, seen: frozenset[str]) -> Iterator[str]:
        for after in step.get(unit, ()):
            if after in known:
                yield after
            elif after not in seen:
                yield from ends(after, seen | {after})

    found = {unit: list(dict.fromkeys(ends(unit, frozenset({unit})))) for unit in step if unit not in known}
    return {unit: after for unit, after in found.items() if after}


@dataclass(frozen=True)
class Register:
    """Units and their other names, ready for matching; build it once and pass it wherever units are expected.

    Parameters
    ----------
    units : DataFrame
        ``unit`` (or ``name``) and, where known, ``level``, ``parent``, ``name``, ``code``, ``valid_to``, ``aliases``
        (a list, or a text with ``;``).
    aliases : DataFrame or mapping, optional
        ``alias`` (or ``found``), ``unit`` and, where known, ``within``; also the answers that a person gave in the
        review table. Without a unit, the name (within ``within``, where given) is declared to be no unit.
    changes : DataFrame, optional
        ``before, after`` (and ``date``, ``kind``): the name of a unit that was renamed or merged means its successor;
        that of a unit that was split means none, and its successors are suggested.
    on : date, optional
        The day for which names are read: units with an earlier ``valid_to`` have ended.

    Raises
    ------
    DataError
        If ``units`` names no unit, repeats one, or an alias points to a unit that is not in the register.
    """

    units: pd.DataFrame
    aliases: pd.DataFrame | Mapping[str, str] | None = None
    changes: pd.DataFrame | None = None
    on: object = None
    _table: pd.DataFrame = field(init=False, repr=False)
    _other: dict[str, list[str]] = field(init=False, repr=False)
    _nothing: frozenset[tuple[str, str | None]] = field(init=False, repr=False)
    _made: dict[tuple[str | None, str | None], Index] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        every = self._read_units()
        table = every[~self._ended(every)]
        object.__setattr__(self, "_table", table)
        other: dict[str, list[str]] = defaultdict(list)
        living = set(table["unit"])
        after = {} if self.changes is None else successors(self.changes, living)
        strangers, nothing = [], set()
        for alias, unit, within in self._read_aliases(every):
            if unit is None:
                nothing.add((squash(alias), within))
            elif unit in living or unit in after:
                for one in (unit,) if unit in living else after[unit]:
                    _put(other, one, alias)
            elif unit not in set(every["unit"]):
                strangers.append(f"{alias} -> {unit}")
        if strangers:
            raise DataError(
                f"{len(strangers)} aliases point to units that are not in the register "
                f"({listing(strangers)});"
                " correct the unit, or add it to the register"
            )
        names = dict(zip(every["unit"], every["name"], strict=True))
        for former, units in after.items():
            for unit in units:
                _put(other, unit, names.get(former, former.rpartition("/")[2]))
        object.__setattr__(self, "_other", dict(other))
        object.__setattr__(self, "_nothing", frozenset(nothing))

    def _read_units(self) -> pd.DataFrame:
        if not isinstance(self.units, pd.DataFrame):
            raise ParameterError(
                f"the register must be a DataFrame of units, not {type(self.units).__name__}"
            )
        own = "unit" if "unit" in self.units else "name"
        if own not in self.units:
            raise DataError(
                f'the register has neither a column "unit" nor "name" (found: {listing(self.units.columns)})'
            )
        table = pd.DataFrame({"unit": self.units[own].astype("str")})
        for column in ("name", "code", "level", "parent", "type"):
            have = self.units[column] if column in self.units else pd.Series(pd.NA, index=self.units.index)
            table[column] = have.astype("object").where(have.notna(), "").astype("str")
        table["name"] = table["name"].where(table["name"] != "", table["unit"])
        table["code"] = table["code"].str.replace(r"\.0$", "", regex=True)
        repeated = table["unit"][table["unit"].duplicated() | table["unit"].isna()]
        if len(repeated):
            raise DataError(
                f"the register names {len(repeated)} units twice or not at all ({listing(repeated)})"
            )
        return table

    def _ended(self, table: pd.DataFrame) -> pd.Series:
        if self.on is None or "valid_to" not in self.units:
            return pd.Series(False, index=table.index)
        return pd.to_datetime(self.units["valid_to"]) < pd.Timestamp(self.on)  # type: ignore[arg-type]

    def _read_aliases(self, table: pd.DataFrame) -> Iterator[tuple[str, str | None, str | None]]:
        """Alias, its unit (None: declared to be no unit), and the unit that it is limited to."""
        if "aliases" in self.units:
            for unit, names in zip(table["unit"], self.units["aliases"], strict=True):
                if isinstance(names, str):
                    names = re.split(r"[;；|]", names)
                elif not isinstance(names, list | tuple | set):
                    continue
                yield from ((str(name), unit, None) for name in names if str(name).strip())
        if self.aliases is None:
            return
        if not isinstance(self.aliases, pd.DataFrame):
            yield from ((str(alias), str(unit), None) for alias, unit in self.aliases.items())
            return
        column = next((c for c in ("alias", "found") if c in self.aliases), None)
        if column is None or "unit" not in self.aliases:
            raise DataError(
                f'aliases need columns "alias" (or "found") and "unit" (found: '
                f"{listing(self.aliases.columns)})"
            )
        every = self.aliases.reindex(columns=[column, "unit", "within"]).dropna(subset=column)
        for alias, unit, within in every.itertuples(index=False):
            yield str(alias), None if pd.isna(unit) else str(unit), None if pd.isna(within) else str(within)

    @classmethod
    def of(
        cls,
        register: pd.DataFrame | Register,
        aliases: pd.DataFrame | None = None,
        changes: pd.DataFrame | None = None,
        on: object = None,
    ) -> Register:
        """A register from units, or the register itself where it is one already."""
        return register if isinstance(register, cls) else cls(register, aliases, changes, on)  # type: ignore[arg-type]

    @cached_property
    def parent(self) -> dict[str, str]:
        """Unit -> the unit above it ('' for the city)."""
        return dict(zip(self._table["unit"], self._table["parent"], strict=True))

    @cached_property
    def level(self) -> dict[str, str]:
        return dict(zip(self._table["unit"], self._table["level"], strict=True))

    @cached_property
    def code(self) -> dict[str, str]:
        return dict(zip(self._table["unit"], self._table["code"], strict=True))

    @cached_property
    def type(self) -> dict[str, str]:
        """Unit -> its type ('' where the register has none)."""
        return dict(zip(self._table["unit"], self._table["type"], strict=True))

    def declared_none(self, name: object, within: str | None = None) -> bool:
        """Whether a person declared that this name is no unit (a remark, a crossed-out line, "don't know")."""
        key = squash(name)
        return bool(self._nothing) and ((key, None) in self._nothing or (key, within) in self._nothing)

    def below(self, parent: str) -> set[str]:
        """All units below ``parent``, at any depth."""
        above = self.parent
        inside = {parent}
        grown = True
        while grown:
            more = {unit for unit, up in above.items() if up in inside and unit not in inside}
            inside |= more
            grown = bool(more)
        return inside - {parent}

    def index(self, within: str | None, level: str | None) -> Index:
        """The look-ups among the units of ``level`` below ``within``."""
        if (within, level) in self._made:
            return self._made[within, level]
        table = self._table
        if within is not None:
            table = table[table["unit"].isin(self.below(within))]
        if level is not None:
            table = table[table["level"] == level]
        made = Index({}, {}, {}, {}, {})
        for unit, name, code in table[["unit", "name", "code"]].itertuples(index=False):
            for written in dict.fromkeys((code, code.ljust(_DIGITS, "0") if code.isdigit() else code)):
                _put(made.code, squash(written), unit)
            for written in dict.fromkeys((unit, name)):
                _put(made.exact, squash(written), unit)
            # A path such as 五华区/翠湖社区 is its own exact name; its forms come from the short name.
            for written in (name, *self._other.get(unit, ())):
                if written != name:
                    _put(made.alias, squash(written), unit)
                plain = plain_form(squash(written))
                _put(made.plain, plain, unit)
                _put(made.stem, stem(plain), unit)
        self._made[within, level] = made
        return made

    @cached_property
    def above(self) -> dict[str, str]:
        """Every form of a city's, district's or street's name -> that unit, where the form means only one;
        longest first."""
        forms: dict[str, list[str]] = defaultdict(list)
        upper = self._table[self._table["level"].isin(["city", "district", "street"])]
        for unit, name, level in upper[["unit", "name", "level"]].itertuples(index=False):
            for written in (name, *self._other.get(unit, ())):
                plain = plain_form(squash(written))
                short = [stem(plain)] if level == "city" else []
                for form in (squash(written), plain, *short):
                    _put(forms, form, unit)
        sole = {form: units[0] for form, units in forms.items() if len(units) == 1 and len(form) >= 2}
        return dict(sorted(sole.items(), key=lambda item: -len(item[0])))


def _put(where: dict[str, list[str]], key: str, unit: str) -> None:
    if key and unit not in where.setdefault(key, []):
        where[key].append(unit)
