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
from collections.abc import Iterable, Sequence

import pandas as pd

from commlab.errors import ParameterError
from commlab.intake.forms import is_office, marks, plain_form, squash, stem, without_street
from commlab.intake.gazetteer import Index, Register

__all__ = ["CERTAINTY", "Register", "match_names", "nearest_names", "squash"]

CERTAINTY = 90.0
"""Similarity (0 to 100, as rapidfuzz counts) from which a fuzzy match is accepted."""
_AHEAD = 3.0
"""How far the best fuzzy match must be ahead of the second."""
_Answer = tuple[str | None, str, float, str | None]


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
        normalised fuzzy none``), score (0 to 100), nearest (a suggestion where there is no match). A name that a
        person declared to be no unit counts as not given: its name is missing.

    Raises
    ------
    ParameterError
        If ``within`` has another length than ``names`` or ``certainty`` is not above 0 and at most 100.
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
    answers: dict[tuple[str, str | None], _Answer] = {}
    rows = []
    for name, parent in zip(written, parents, strict=True):
        text = "" if name is None or name is pd.NA or name != name else _as_name(name)
        ask = (text, None if parent is None or parent is pd.NA or parent != parent else str(parent))
        if text and book.declared_none(*ask):
            text, ask = "", ("", ask[1])
        if ask not in answers:
            answers[ask] = matcher(*ask)
        matched, how, score, nearest = answers[ask]
        rows.append((text or None, matched, book.code.get(matched or "") or None, how, score, nearest))
    out = pd.DataFrame(rows, columns=["name", "matched", "code", "how", "score", "nearest"])
    kinds = dict.fromkeys(("name", "matched", "code", "how", "nearest"), "str") | {"score": "float64"}
    return out.astype(kinds)


def nearest_names(
    name: str, register: Register, *, within: str | None = None, level: str | None = None, most: int = 3
) -> list[tuple[str, float]]:
    """The units that a name is most like, best first, with their similarity: what a person chooses from.

    >>> units = pd.DataFrame({"unit": ["翠湖社区", "翠明社区", "大观社区"]})
    >>> nearest_names("翠湖小社区", Register(units), most=2)
    [('翠湖社区', 88.9), ('翠明社区', 66.7)]
    """
    matcher = _Matcher(register, level, CERTAINTY)
    rest, inside = matcher.split(plain_form(squash(name)))
    scope = within if inside is None else matcher.scope(within, inside)
    if inside is not None and scope is None:
        scope = within
    return [(unit, round(score, 1)) for unit, score, _ in _ranked(rest, register.index(scope, level))[:most]]


def _ranked(plain: str, index: Index) -> list[tuple[str, float, str]]:
    """Units by how much one of their forms is like the name: unit, similarity, form."""
    from rapidfuzz import fuzz, process

    best: dict[str, tuple[float, str]] = {}
    for form, score, _ in process.extract(plain, index.plain.keys(), scorer=fuzz.ratio, limit=8):
        for unit in index.plain[form]:
            if score > best.get(unit, (0.0, ""))[0]:
                best[unit] = (score, form)
    order = sorted(best.items(), key=lambda item: (-item[1][0], item[0]))
    return [(unit, score, form) for unit, (score, form) in order]


def _as_name(name: object) -> str:
    if isinstance(name, float) and name.is_integer():
        return str(int(name))
    return str(name).strip()


class _Matcher:
    def __init__(self, book: Register, level: str | None, certainty: float) -> None:
        self.book, self.level, self.certainty = book, level, certainty
        self.upper = book.above

    def __call__(self, name: str, within: str | None) -> _Answer:
        if not name:
            return None, "none", 0.0, None
        index = self.book.index(within, self.level)
        key = squash(name)
        plain = plain_form(key)
        rest, inside = self.split(plain)
        tries = [
            ("code", index.code, re.sub(r"^'|\.0$", "", key)),
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
            scope = self.scope(within, inside)
            if scope is None:
                return None, "none", 0.0, None
            if self.level == "district" == self.book.level.get(inside) and is_office(rest):
                return inside, "normalised", 100.0, None
            index = self.book.index(scope, self.level)
        for asked in dict.fromkeys((rest, without_street(rest) if self.level == "community" else rest)):
            for where, form in ((index.plain, asked), (index.stem, stem(asked))):
                found = where.get(form, [])
                if len(found) == 1:
                    return found[0], "normalised", 100.0, None
                several = several or found
        if several:
            return None, "none", 0.0, " | ".join(several)
        return self._fuzzy(rest, index)

    def scope(self, within: str | None, inside: str) -> str | None:
        """The narrower of what was asked for and what the name itself says; None where they contradict."""
        if within is None or inside == within or inside in self.book.below(within):
            return inside
        return within if within in self.book.below(inside) else None

    def split(self, plain: str) -> tuple[str, str | None]:
        """Cut the units above off the front: 昆明市五华区翠湖社区 is 翠湖社区 inside 五华区."""
        rest, inside = plain, None
        rest = re.sub(r"^[\u4e00-\u9fff]{2,3}省", "", rest)
        cut = True
        while cut and rest not in self.upper:  # 阳宗海风景区 is not 风景区 inside 阳宗海
            cut = False
            for form in self.upper:
                if rest.startswith(form) and len(rest) - len(form) >= 2:
                    rest, inside, cut = rest[len(form) :].lstrip("/-·,、_"), self.upper[form], True
                    break
        return rest, inside

    def _fuzzy(self, plain: str, index: Index) -> _Answer:
        order = _ranked(plain, index)
        if not order:
            return None, "none", 0.0, None
        unit, score, form = order[0]
        second = order[1][1] if len(order) > 1 else 0.0
        sure = score >= self.certainty and score - second >= _AHEAD and marks(form) == marks(plain)
        return (unit, "fuzzy", score, None) if sure else (None, "none", score, unit)
