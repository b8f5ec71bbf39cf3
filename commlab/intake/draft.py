"""A first codebook from an export: its questions, the options found with their counts, guesses to be checked.

    print(draft_codebook("居民问卷.xlsx"))        save it as data/register/codebooks/<name>.yaml and go through it

What looks personal goes under ``personal``, long texts under ``free_text``; neither they nor what was typed in
beside an option are quoted. Every guess is marked with ``?``.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from commlab.intake.codebook import Codebook
from commlab.intake.columns import Columns, place_of
from commlab.intake.export import Export, Levels, read_exports
from commlab.intake.forms import squash
from commlab.intake.ledger import Pad
from commlab.intake.likert import APART, guess, person_code, rank
from commlab.intake.platforms import BOOKKEEPING, PLACES, ROLE_HEADERS
from commlab.intake.privacy import find, personal_column
from commlab.intake.questions import FILL_IN, is_blank, option_key, question_key
from commlab.intake.together import repeats

__all__ = ["draft_codebook"]

_MOST, _FEW, _LONG, _SEVERAL, _LOOKED_AT = 15, 6, 60, 3, 5_000
"""A closed question has no more different answers; longer ones are quoted only where several people gave them; of no
more texts a column's kind is judged."""
_ALIKE = 0.5
"""Share of a sheet's columns, and of a column's cells, that must be as on another sheet to be answers like those."""
_IDENTIFIERS = {"email", "id", "bank", "mobile", "ip", "landline", "plate", "coordinate", "name", "account"}
_PERSONS = {
    "sex": r"性别|gender|\bsex\b",
    "age_band": r"年龄|\bage\b",
    "education": r"学历|文化程度|education",
    "tenure": r"住房|housing",
    "hukou": r"户口|户籍",
}
_LABELS = {
    "sex": ("性别", "sex"),
    "age_band": ("年龄", "age"),
    "education": ("学历", "education"),
    "tenure": ("住房", "housing tenure"),
    "hukou": ("户籍", "household registration"),
}
_UNITS = {"district": r"县\(市\)区|区县|县区|所在区", "community": r"(?:所在|居住)的?社区|社区名称"}
_STEMS = (
    re.compile(r"(?:第)?(?P<stem>\d+)(?:题|[、.](?:[^()（）]*[^()（）\s\d])?)?\s*[(（](?P<option>.*)[)）]$"),
    re.compile(r"[Qq]?(?P<stem>\d+)[.\-_]\d+[.、:)]\s*(?P<option>.+)$"),
    re.compile(r"(?P<stem>.+?)(?:::|[/:：])(?P<option>[^/:：]+)$"),
)
_WHOLE = re.compile(r"-?\d{1,3}")
_SPLIT = re.compile(r"[┋→;；]")


def draft_codebook(path: str | Path, *, by_number: str | Path | None = None) -> str:
    """Draft a codebook for an export of a survey platform.

    Parameters
    ----------
    path : path
        As for ``read_questionnaire``.
    by_number : path, optional
        The same answers exported by number of option: where each text has one number and each number one text, the
        draft says under ``order`` which, with ``null`` for a number that nobody chose.

    Returns
    -------
    str
        YAML with comments; it loads as it is where a closed question was found, and its guesses need a person.

    Raises
    ------
    DataError
        If the file cannot be read or holds no answers.
    """
    return _Draft(Path(path), None if by_number is None else Path(by_number)).text()


def _yaml(text: object) -> str:
    """A text as YAML reads it back."""
    return yaml.safe_dump(str(text), allow_unicode=True, width=10_000).split("\n...")[0].strip()


def _identifies(text: str) -> bool:
    return any(kind in _IDENTIFIERS for _, _, kind in find(text))


def _merged(counts: Counter[str]) -> Counter[str]:
    """Answers that read the same as one, spelt as most people's."""
    alike: dict[str, Counter[str]] = {}
    for text, n in counts.items():
        if option_key(text):
            alike.setdefault(option_key(text), Counter())[text] += n
    return Counter({min(own, key=lambda t: (-own[t], t)): own.total() for own in alike.values()})


def _whole(sheets: list[Export]) -> Export:
    """The longest sheet with the answers of the others that ask and are answered the same, each row once."""
    gone = repeats(sheets)
    sheets = [one for one in sheets if one.sheet not in gone]
    own = max(sheets, key=lambda one: len(one.rows))
    alike = [one for one in sheets if sorted(one.headers) == sorted(own.headers)]
    if len(alike) == 1 or len(set(own.headers)) < len(own.headers):
        return own
    said = [pd.DataFrame({h: one.text(one.headers.index(h)) for h in own.headers}) for one in alike]
    known = next(frame for frame, one in zip(said, alike, strict=True) if one is own)
    fits = [
        one is own or np.mean([frame[h].dropna().isin(known[h]).mean() > _ALIKE for h in frame]) > _ALIKE
        for frame, one in zip(said, alike, strict=True)
    ]
    whole = pd.concat([frame for frame, fit in zip(said, fits, strict=True) if fit])
    columns = [Levels(codes, found.tolist()) for codes, found in (pd.factorize(whole[h]) for h in whole)]
    return replace(own, columns=columns, rows=np.arange(len(whole)))


def _orders(texts: Export, numbers: Export) -> dict[str, list[str | None]]:
    """Header -> the options as the platform numbers them, from the same answers by text and by number."""
    ids = [
        next((k for k, h in enumerate(e.headers) if squash(h) in ROLE_HEADERS["id"]), None)
        for e in (texts, numbers)
    ]
    found: dict[str, list[str | None]] = {}
    if None in ids:
        return found
    by_id = [e.text(k).to_numpy() for e, k in zip((texts, numbers), ids, strict=True) if k is not None]
    if len(set(by_id[0])) < len(by_id[0]) or set(by_id[0]) != set(by_id[1]):
        return found
    places = {question_key(h): k for k, h in enumerate(numbers.headers)}
    for place, header in enumerate(texts.headers):
        other = places.get(question_key(header))
        if other is None:
            continue
        said = pd.Series(texts.text(place).to_numpy(), index=by_id[0])
        pairs = pd.DataFrame(
            {"text": said, "number": pd.Series(numbers.text(other).to_numpy(), index=by_id[1])}
        )
        pairs = pairs[~pairs.map(lambda cell: not isinstance(cell, str) or is_blank(cell)).any(axis=1)]
        pairs["text"] = pairs["text"].str.replace(FILL_IN, "", regex=True).str.strip()
        pairs = pairs.drop_duplicates()
        if not len(pairs) or not pairs["number"].str.fullmatch(r"[1-9]\d?").all() or len(pairs) > _MOST:
            continue
        if (
            pairs["text"].is_unique
            and pairs["number"].is_unique
            and not pairs["text"].equals(pairs["number"])
        ):
            own = dict(zip(pairs["number"].astype(int), pairs["text"], strict=True))
            found[header] = [own.get(n) for n in range(1, max(own) + 1)]
    return found


class _Draft:
    def __init__(self, path: Path, by_number: Path | None) -> None:
        known = frozenset(question_key(header) for headers in ROLE_HEADERS.values() for header in headers)
        self.export, self.file = _whole(read_exports(path, known=known)), path.name
        self.columns = Columns(Codebook("draft", {}, {}, {}, {}, {}), self.export, Pad())
        self.taken = self.columns.all(BOOKKEEPING, parts=False)
        self.parts: dict[str, list[str]] = {}
        self.orders = (
            {} if by_number is None else _orders(self.export, _whole(read_exports(by_number, known=known)))
        )
        self.names: Counter[str] = Counter()
        self.remarks: list[str] = []

    def text(self) -> str:
        for role in ROLE_HEADERS:
            place = self.columns.role(role)
            if place is not None and all(
                str(place) != p.partition("#")[2] for p in self.parts.get("columns", [])
            ):
                self.taken.add(place)
                self._add("columns", f"  {role}: {_yaml(self.export.headers[place])}  #{place}")
        groups: dict[str, list[tuple[int, str]]] = {}
        for place, header in enumerate(self.export.headers):
            match = next((m for pattern in _STEMS if (m := pattern.match(header.strip()))), None)
            if match and place not in self.taken:
                groups.setdefault(match["stem"], []).append((place, match["option"].strip()))
        for stem, group in groups.items():
            ticks = {option: self._ticks(place) for place, option in group}
            ranked = self._ranked([place for place, _ in group])
            if len(group) > 1 and (ranked or (None not in ticks.values() and any(ticks.values()))):
                self.taken |= {place for place, _ in group}
                header = f"第{stem}题" if stem.isdecimal() else stem
                own = Counter({o: self._given(place) if ranked else ticks[o] or 0 for place, o in group})
                options = own if ranked != "place" else self._counted([place for place, _ in group])
                kind = "ranking" if ranked else "multiple"
                self._question(group[0][0], header, options, several=kind, listed=ranked != "place")
        seen: dict[str, int] = {}
        for place, header in enumerate(self.export.headers):
            first = seen.setdefault(squash(header), place)
            if not question_key(header) or first != place:
                twin = f"the header of column {self.columns.letter(first)}" if first != place else "no header"
                self.remarks.append(
                    f"# Column {self.columns.letter(place)} has {twin}: name it in the file.\n"
                )
            elif place not in self.taken:
                self._column(place, header)
        told = f"# Draft from {self.file}: {len(self.export.rows)} answers, {len(self.export.headers)} columns. Check every ?\n"
        order = ("columns", "unit", "demographics", "items", "personal", "free_text", "ignore")
        body = "".join(
            f"{part}:\n" + "\n".join(self.parts[part]) + "\n" for part in order if part in self.parts
        )
        return f"{told}{''.join(self.remarks)}instrument: resident  # ? a short name\n" + re.sub(
            r"  #\d+$", "", body, flags=re.MULTILINE
        )

    def _add(self, part: str, *lines: str) -> None:
        self.parts.setdefault(part, []).extend(lines)

    def _counts(self, place: int) -> Counter[str]:
        """Different answers of a column and how many gave them, without what was typed in."""
        column = self.export.columns[place]
        counts = np.bincount(column.codes[column.codes >= 0], minlength=column.size)
        found: Counter[str] = Counter()
        for text, n in zip(column.texts[:_LOOKED_AT], counts.tolist(), strict=False):
            plain = FILL_IN.sub("", text).strip()
            if n and not is_blank(plain):
                found[plain] += n
        return _merged(found)

    def _ticks(self, place: int) -> int | None:
        """How many ticks a column holds; None where it holds anything else."""
        counts = self._counts(place) if self.export.columns[place].size <= _MOST else Counter("?")
        marks = {option_key(text): n for text, n in counts.items()}
        return marks.get("1", 0) if set(marks) <= {"0", "1"} else None

    def _ranked(self, places: list[int]) -> str:
        """Whether columns hold the places of a ranking (``option``: of one option each; ``place``: the option of each)."""
        texts = [
            self.export.columns[p].texts if self.export.columns[p].size <= _MOST else ["?"] for p in places
        ]
        given = [[option_key(text) for text in own if not is_blank(text)] for own in texts]
        found = {int(key) if key.isdecimal() else 0 for own in given for key in own}
        if found and min(found) == 1 < max(found) <= len(places) and self._apart(places):
            return "option"
        named = [
            place_of(option_key(self.export.headers[p].rpartition("/")[2].rpartition("(")[2].rstrip(")")))
            for p in places
        ]
        return "place" if None not in named and 0 in found and self._apart(places) else ""

    def _apart(self, places: list[int]) -> bool:
        """Whether no row says the same in two of some columns."""
        frame = pd.DataFrame({k: self.export.text(p) for k, p in enumerate(places)})
        rows = frame.where(~frame.map(lambda text: isinstance(text, str) and is_blank(text))).stack().dropna()
        return not rows.groupby(level=0).apply(lambda own: own.duplicated().any()).any()

    def _given(self, place: int) -> int:
        return self.export.columns[place].count(is_blank)

    def _counted(self, places: list[int]) -> Counter[str]:
        return _merged(sum((self._counts(place) for place in places), Counter()))

    def _column(self, place: int, header: str) -> None:
        key, counts = squash(header), self._counts(place)
        numbers = all(_WHOLE.fullmatch(option_key(text)) for text in counts)
        unit = next((level for level, words in _UNITS.items() if re.search(words, key)), None)
        personal = personal_column(header) or PLACES.search(key)
        if unit:
            self._add("unit", f"  {unit}: {_yaml(header)}")
        elif personal or (not numbers and sum(map(_identifies, counts)) > len(counts) / 2):
            self._add("personal", f"  - {_yaml(header)}  # ? looks personal")
        elif not counts:
            self._add("ignore", f"  - {_yaml(header)}  # no answers")
        elif (parts := self._choices(counts)) and len(parts) <= 2 * _MOST:
            ranking = any("→" in text for text in counts)
            self._question(place, header, parts, several="ranking" if ranking else "multiple")
        elif len(counts) <= _MOST and self._closed(counts):
            self._question(place, header, counts)
        else:
            self._add("free_text", f"  - {_yaml(header)}  # ? {len(counts)} different texts, not quoted")

    @staticmethod
    def _choices(counts: Counter[str]) -> Counter[str]:
        """The choices of a multiple choice in one column; none where no cell holds several."""
        parts: Counter[str] = Counter()
        for text, n in counts.items() if any(map(_SPLIT.search, counts)) else ():
            for part in _SPLIT.split(text):
                parts[part.strip()] += n
        found = _merged(parts)
        listed = any("┋" in text or "→" in text for text in counts) or found.total() >= 2 * len(found)
        return found if listed and all(len(text) <= _LONG for text in found) else Counter()

    @staticmethod
    def _closed(counts: Counter[str]) -> bool:
        """Whether a few answers are those of a closed question: they repeat, or are a few words, or a scale."""
        if not any(
            len(t) <= _LONG or n >= _SEVERAL
            for t, n in counts.items()
            if not APART["refused"].search(t.lower())
        ):
            return False
        few = len(counts) <= _FEW and max(map(len, counts)) <= 2 * _FEW
        return counts.total() >= 2 * len(counts) or few or guess(counts) is not None

    def _question(
        self, place: int, header: str, counts: Counter[str], *, several: str = "", listed: bool = False
    ) -> None:
        number = self.columns.number(place)
        person = next(
            (n for n, words in _PERSONS.items() if not several and re.search(words, header.lower())), None
        )
        name = person or "q" + re.sub(
            r"\D",
            "_",
            number if not several or number.isdecimal() else number.split(".")[0] or str(place + 1),
        )
        name = name if name != "q" else f"q{place + 1}"
        self.names[name] += 1
        name += f"_{self.names[name]}" if self.names[name] > 1 else ""
        lines = [f"  {name}:", f"    question: {_yaml(header)}"]
        if person:
            zh, en = _LABELS[person]
            lines += [f"    zh: {zh}", f"    en: {en}"]
        if several:
            lines += [f"    {several}: true", *([f"    number: {number.split('.')[0]}"] if number else [])]
        numbers = [int(option_key(text)) for text in counts if _WHOLE.fullmatch(option_key(text))]
        bare = len(numbers) == len(counts)
        if bare and not person and not several:
            told = (
                "numbers of options: list them instead"
                if self.export.wjx
                else "answers, or numbers of options"
            )
            lines.append(f"    scale: [{min(1, *numbers)}, {max(2, *numbers)}]  # ? {told}")
        else:
            if bare and person:
                lines.append(
                    "    numbers: values  # ? numbers of options: list them instead, in the order of the form"
                )
            lines += self._options(counts, person or bool(several), listed)
            if header in self.orders and not several:
                told = yaml.safe_dump(
                    self.orders[header], allow_unicode=True, default_flow_style=True, width=10_000
                )
                lines.append(f"    order: {told.strip()}  # as the export by number has them")
        self._add("demographics" if person else "items", *lines)

    def _options(self, counts: Counter[str], words: str | bool | None, listed: bool) -> list[str]:
        """Options with their counts; don't know, not applicable and refusals apart (``words``: codes are words; ``listed``:
        in the order of the form)."""
        kinds = {t: next((k for k, w in APART.items() if w.search(t.lower())), "") for t in counts}
        if words:
            kinds = {t: k if k == "refused" else "" for t, k in kinds.items()}
        quoted = [t for t in kinds if len(t) <= _LONG or counts[t] >= _SEVERAL]
        plain = [t for t in quoted if not kinds[t]]
        guessed = None if words else guess(plain)
        ranked = plain if listed else rank({t: counts[t] for t in plain})
        codes = guessed or {t: k for k, t in enumerate(ranked, start=1)}
        told = "" if words else "  # ? in this order" if guessed else "  # ? no order known"
        lines = [f"    options:{told}"]
        for text in sorted(plain, key=lambda t: -codes[t] if guessed else codes[t]):
            code = _yaml(person_code(str(words), text)) if words else codes[text]
            lines.append(f"      {_yaml(text)}: {code}  # {counts[text]}")
        lines += [
            f"      {_yaml(t)}: null  # {counts[t]}; ? no answer"
            for t, kind in kinds.items()
            if kind == "refused"
        ]
        if len(quoted) < len(kinds):
            lines.append(f"      # {len(kinds) - len(quoted)} long texts of one or two people are not quoted")
        for kind in ("dont_know", "not_applicable"):
            own = [f"      - {_yaml(text)}  # {counts[text]}" for text, k in kinds.items() if k == kind]
            lines += [f"    {kind}:", *own] if own else []
        return lines
