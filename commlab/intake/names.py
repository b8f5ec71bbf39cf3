"""Which unit of the register does a written name mean?

Offices write 石林彝族自治县 for 石林县, 翠湖社区居委会 for 翠湖社区, 官渡区(含大板桥街道) for 官渡区. Names
are tried in five steps, each only where it points to exactly one unit: ``code``, ``exact``, ``alias``,
``normalised`` (width, spaces, notes in brackets, endings, full forms of counties and parks, names of the
units above), ``fuzzy`` (rapidfuzz, at or above a declared certainty, clearly ahead of the second, and with
the same numerals and directions: 金星一社区 is never 金星二社区). What is left is ``none``, with the
nearest name as a suggestion for the person who reviews it; the answers given there come back as aliases.

>>> register = pd.DataFrame({"unit": ["石林县", "石林县/鹿阜社区"], "name": ["石林县", "鹿阜社区"],
...                          "level": ["district", "community"], "parent": ["昆明市", "石林县"]})
>>> match_names(["石林彝族自治县", "鹿阜居委会", "西街"], register)[["matched", "how"]].values.tolist()
[['石林县', 'normalised'], ['石林县/鹿阜社区', 'normalised'], [nan, 'none']]
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.intake.forms import marks, plain_form, squash, stem

__all__ = ["CERTAINTY", "Register", "match_names", "squash"]

CERTAINTY = 90.0
"""Similarity (0 to 100, as rapidfuzz counts) from which a fuzzy match is accepted."""
_AHEAD = 3.0
"""How far the best fuzzy match must be ahead of the second."""


@dataclass(frozen=True)
class _Index:
    """Look-ups among the candidates of one (parent, level): key -> units that answer to it."""

    exact: dict[str, list[str]]
    alias: dict[str, list[str]]
    plain: dict[str, list[str]]
    stem: dict[str, list[str]]
    code: dict[str, list[str]]


@dataclass(frozen=True)
class Register:
    """Units and their other names, ready for matching; build it once and pass it wherever units are expected.

    Parameters
    ----------
    units : DataFrame
        ``unit`` (or ``name``) and, where known, ``level``, ``parent``, ``name``, ``code``, ``aliases`` (a
        list, or a text with ``;``).
    aliases : DataFrame or mapping, optional
        ``alias`` (or ``found``) and ``unit``; also the answers that a person gave in the review table.

    changes : DataFrame, optional
        ``before, after`` (and ``kind``): the name of a unit that was renamed or merged means its successor; that of a
        unit that was split means none, and its successors are suggested.

    Raises
    ------
    DataError
        If ``units`` names no unit, repeats one, or an alias points to a unit that is not in the register.
    """

    units: pd.DataFrame
    aliases: pd.DataFrame | Mapping[str, str] | None = None
    changes: pd.DataFrame | None = None
    _table: pd.DataFrame = field(init=False, repr=False)
    _other: dict[str, list[str]] = field(init=False, repr=False)
    _made: dict[tuple[str | None, str | None], _Index] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        table = self._read_units()
        object.__setattr__(self, "_table", table)
        other: dict[str, list[str]] = defaultdict(list)
        known = set(table["unit"])
        strangers = []
        for alias, unit in self._read_aliases():
            if unit not in known:
                strangers.append(f"{alias} -> {unit}")
            elif alias not in other[unit]:
                other[unit].append(alias)
        if strangers:
            raise DataError(
                f"{len(strangers)} aliases point to units that are not in the register "
                f"({listing(strangers)});"
                " correct the unit, or add it to the register"
            )
        for former, unit in self._read_changes(known):
            if former not in other[unit]:
                other[unit].append(former)
        object.__setattr__(self, "_other", dict(other))

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
        for column in ("name", "code", "level", "parent"):
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

    def _read_aliases(self) -> Iterable[tuple[str, str]]:
        if "aliases" in self.units:
            for unit, names in zip(self._table["unit"], self.units["aliases"], strict=True):
                if isinstance(names, str):
                    names = re.split(r"[;；|]", names)
                elif not isinstance(names, list | tuple | set):
                    continue
                yield from ((str(name), unit) for name in names if str(name).strip())
        if self.aliases is None:
            return
        if isinstance(self.aliases, pd.DataFrame):
            column = next((c for c in ("alias", "found") if c in self.aliases), None)
            if column is None or "unit" not in self.aliases:
                raise DataError(
                    f'aliases need columns "alias" (or "found") and "unit" (found: '
                    f"{listing(self.aliases.columns)})"
                )
            pairs = self.aliases[[column, "unit"]].dropna().itertuples(index=False)
            yield from ((str(alias), str(unit)) for alias, unit in pairs)
        else:
            yield from ((str(alias), str(unit)) for alias, unit in self.aliases.items())

    def _read_changes(self, known: set[str]) -> Iterable[tuple[str, str]]:
        """Former names and what became of them, where that is in the register and the former is not."""
        if self.changes is None:
            return
        lacking = {"before", "after"} - set(self.changes)
        if lacking:
            raise DataError(f"unit changes need the columns {', '.join(sorted(lacking))}")
        for before, after in self.changes[["before", "after"]].dropna().itertuples(index=False):
            if after in known and before not in known:
                yield str(before).rpartition("/")[2], str(after)

    @classmethod
    def of(
        cls,
        register: pd.DataFrame | Register,
        aliases: pd.DataFrame | None = None,
        changes: pd.DataFrame | None = None,
    ) -> Register:
        """A register from units, or the register itself where it is one already."""
        return register if isinstance(register, cls) else cls(register, aliases, changes)  # type: ignore[arg-type]

    @property
    def parent(self) -> dict[str, str]:
        """Unit -> the unit above it ('' for the city)."""
        return dict(zip(self._table["unit"], self._table["parent"], strict=True))

    @property
    def level(self) -> dict[str, str]:
        return dict(zip(self._table["unit"], self._table["level"], strict=True))

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

    def index(self, within: str | None, level: str | None) -> _Index:
        """The look-ups among the units of ``level`` below ``within``."""
        if (within, level) in self._made:
            return self._made[within, level]
        table = self._table
        if within is not None:
            table = table[table["unit"].isin(self.below(within))]
        if level is not None:
            table = table[table["level"] == level]
        made = _Index({}, {}, {}, {}, {})
        for unit, name, code in table[["unit", "name", "code"]].itertuples(index=False):
            if code:
                _put(made.code, code, unit)
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
        """Every form of a city's, district's or street's name -> that unit, where the form means only one."""
        forms: dict[str, list[str]] = defaultdict(list)
        upper = self._table[self._table["level"].isin(["city", "district", "street"])]
        for unit, name, level in upper[["unit", "name", "level"]].itertuples(index=False):
            for written in (name, *self._other.get(unit, ())):
                plain = plain_form(squash(written))
                short = [stem(plain)] if level == "city" else []
                for form in (squash(written), plain, *short):
                    _put(forms, form, unit)
        return {form: units[0] for form, units in forms.items() if len(units) == 1 and len(form) >= 2}


def _put(where: dict[str, list[str]], key: str, unit: str) -> None:
    if key and unit not in where.setdefault(key, []):
        where[key].append(unit)


def match_names(
    names: Iterable[object],
    register: pd.DataFrame | Register,
    *,
    aliases: pd.DataFrame | None = None,
    within: str | Sequence[object] | pd.Series | None = None,
    level: str | None = None,
    certainty: float = CERTAINTY,
) -> pd.DataFrame:
    """Match written names of units against the register.

    Parameters
    ----------
    names : iterable
        Names or codes as written; missing ones stay unmatched.
    register : DataFrame or Register
        Units (``unit``, and where known ``level, parent, name, code, aliases``).
    aliases : DataFrame, optional
        ``alias, unit``: other names, review answers included.
    within : str or one per name, optional
        Only units below this one (missing: no limit).
    level : str, optional
        Only units of this level.
    certainty : float, default 90
        Similarity from which a fuzzy match is accepted, 0 to 100.

    Returns
    -------
    DataFrame
        One row per name, in order: name, matched (unit; missing = none), code, how (``code exact alias
        normalised fuzzy none``), score (0 to 100), nearest (a suggestion where there is no match).

    Raises
    ------
    ParameterError
        If ``within`` has another length than ``names`` or ``certainty`` is not between 0 and 1.
    DataError
        If the register or the aliases contradict themselves.
    """
    if not 0 < certainty <= 100:
        raise ParameterError(f"certainty must be above 0 and at most 100, not {certainty}")
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise ParameterError(f"names must be a list of names, not {type(names).__name__} {names!r}")
    written = list(names)
    book = Register.of(register, aliases)
    if within is None or isinstance(within, str):
        parents: list[object] = [within] * len(written)
    else:
        parents = list(within)
        if len(parents) != len(written):
            raise ParameterError(
                f"within has {len(parents)} entries for {len(written)} names; give one for each"
            )
    matcher = _Matcher(book, level, certainty)
    codes = dict(zip(book._table["unit"], book._table["code"], strict=True))
    answers: dict[tuple[str, str | None], tuple[str | None, str, float, str | None]] = {}
    rows = []
    for name, parent in zip(written, parents, strict=True):
        text = "" if name is None or name is pd.NA or name != name else _as_name(name)
        ask = (text, None if parent is None or parent is pd.NA or parent != parent else str(parent))
        if ask not in answers:
            answers[ask] = matcher(*ask)
        matched, how, score, nearest = answers[ask]
        rows.append((text or None, matched, codes.get(matched or "") or None, how, score, nearest))
    out = pd.DataFrame(rows, columns=["name", "matched", "code", "how", "score", "nearest"])
    kinds = dict.fromkeys(("name", "matched", "code", "how", "nearest"), "str") | {"score": "float64"}
    return out.astype(kinds)


def _as_name(name: object) -> str:
    if isinstance(name, float) and name.is_integer():
        return str(int(name))
    return str(name).strip()


class _Matcher:
    def __init__(self, book: Register, level: str | None, certainty: float) -> None:
        self.book, self.level, self.certainty = book, level, certainty
        self.upper = book.above

    def __call__(self, name: str, within: str | None) -> tuple[str | None, str, float, str | None]:
        if not name:
            return None, "none", 0.0, None
        index = self.book.index(within, self.level)
        key = squash(name)
        plain = plain_form(key)
        rest, inside = self._inside(plain)
        tries = [
            ("code", index.code, re.sub(r"\.0$", "", key)),
            ("exact", index.exact, key),
            ("alias", index.alias, key),
            ("normalised", index.plain, plain),
            ("normalised", index.stem, stem(plain)),
        ]
        several: list[str] = []
        for how, where, asked in tries:
            found = where.get(asked, [])
            if len(found) == 1:
                return found[0], how, 100.0, None
            several = several or found
        if inside is not None:
            scope = self._scope(within, inside)
            if scope is None:
                return None, "none", 0.0, None
            narrowed = self.book.index(scope, self.level)
            for where, asked in ((narrowed.plain, rest), (narrowed.stem, stem(rest))):
                found = where.get(asked, [])
                if len(found) == 1:
                    return found[0], "normalised", 100.0, None
                several = several or found
            index = narrowed
        if several:
            return None, "none", 0.0, " | ".join(several)
        return self._fuzzy(rest, index)

    def _scope(self, within: str | None, inside: str) -> str | None:
        """The narrower of what was asked for and what the name itself says; None where they contradict."""
        if within is None or inside == within or inside in self.book.below(within):
            return inside
        return within if within in self.book.below(inside) else None

    def _inside(self, plain: str) -> tuple[str, str | None]:
        """Cut the units above off the front: 昆明市五华区翠湖社区 is 翠湖社区 inside 五华区."""
        rest, inside = plain, None
        rest = re.sub(r"^[\u4e00-\u9fff]{2,3}省", "", rest)
        cut = True
        while cut:
            cut = False
            for form in sorted(self.upper, key=len, reverse=True):
                if rest.startswith(form) and len(rest) - len(form) >= 2:
                    rest, inside, cut = rest[len(form) :].lstrip("/-·,、_"), self.upper[form], True
                    break
        return rest, inside

    def _fuzzy(self, plain: str, index: _Index) -> tuple[str | None, str, float, str | None]:
        from rapidfuzz import fuzz, process

        best: dict[str, tuple[float, str]] = {}
        for form, score, _ in process.extract(plain, index.plain.keys(), scorer=fuzz.ratio, limit=8):
            for unit in index.plain[form]:
                if score > best.get(unit, (0.0, ""))[0]:
                    best[unit] = (score, form)
        if not best:
            return None, "none", 0.0, None
        order = sorted(best.items(), key=lambda item: (-item[1][0], item[0]))
        unit, (score, form) = order[0]
        second = order[1][1][0] if len(order) > 1 else 0.0
        sure = score >= self.certainty and score - second >= _AHEAD and marks(form) == marks(plain)
        return (unit, "fuzzy", score, None) if sure else (None, "none", score, unit)
