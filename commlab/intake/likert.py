"""Guess the order of answers: 非常满意 ... 非常不满意, Strongly agree ... Strongly disagree, 经常 ... 从不.

An answer is taken apart into its strength (非常, 比较, somewhat), a denial (不, dis-, un-) and what is judged; where
all answers judge the same, strength and denial order them. The result is a guess for a person to check.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from commlab.intake.questions import option_key

__all__ = ["APART", "guess", "person_code", "rank"]

APART = {
    "refused": re.compile(r"不愿(?:意)?(?:透露|回答)|^拒绝回答|不便(?:透露|回答)|prefer ?not|refused?$"),
    "dont_know": re.compile(
        r"说不清|不清楚|不知道|不好说|没有看法|难以回答|don'?t ?know|not ?sure|unsure|no ?opinion|can'?t ?say"
    ),
    "not_applicable": re.compile(
        r"^(?:不适用|不涉及|没有物业|没有参加|没参加|未参加|未接触|无此)|not ?applicable|^n/?a$"
    ),
}
"""Answers that lie on no scale."""
_SEX = {"男": "male", "女": "female", "male": "male", "female": "female", "man": "male", "woman": "female"}
_BAND = re.compile(r"(\d+)\D{1,4}(\d+)\D*")
_OPEN = re.compile(r"\D*(\d+)\D*(以上|\+|over|older|以下|under|younger)\D*")
_STRONG, _PLAIN, _MILD = 3.0, 2.0, 1.0
_PARTS = (
    re.compile(
        r"(?P<strong>非常|十分|极其|极为|极|特别|完全|强烈|很)?(?P<mild>比较|较为|较|有些|有点|还算|基本|部分)?"
        r"(?P<deny>不太|不大|不够|不怎么|不)?(?P<core>.+)"
    ),
    re.compile(
        r"(?P<strong>strongly|very|extremely|completely|totally|highly)?"
        r"(?P<mild>somewhat|fairly|quite|mostly|slightly|rather|moderately)?"
        r"(?P<deny>notatall|notvery|not|dis|un)?(?P<core>.+)"
    ),
)
_WEAK_DENIALS, _STRONG_DENIALS = ("不太", "不大", "不够", "不怎么", "notvery"), ("notatall",)
_OPPOSITES = {
    "差": "好",
    "坏": "好",
    "困难": "容易",
    "难": "易",
    "反对": "同意",
    "poor": "good",
    "bad": "good",
    "difficult": "easy",
}
_NEUTRAL = re.compile(
    r"一般|中立|普通|尚可|无所谓|不好不坏|说不上|既不.*|neither.*|neutral|fair|average|undecided"
)
_LISTS = (
    ("总是", "经常", "有时", "很少", "从不"),
    ("经常", "有时", "偶尔", "很少", "从未"),
    ("always", "often", "sometimes", "rarely", "never"),
    ("excellent", "good", "fair", "poor", "verypoor"),
)
_SAME = {"从不": "从未", "从没": "从未", "从来没有": "从未", "frequently": "often", "seldom": "rarely"}


def guess(labels: Iterable[str]) -> dict[str, int] | None:
    """Codes of the answers of a scale, the best highest; None where they are none.

    >>> guess(["非常满意", "满意", "一般", "不满意"])
    {'非常满意': 5, '满意': 4, '一般': 3, '不满意': 2}
    >>> guess(["Agree", "Strongly Disagree", "Disagree", "Strongly Agree"])
    {'Agree': 3, 'Strongly Disagree': 1, 'Disagree': 2, 'Strongly Agree': 4}
    >>> guess(["男", "女"]) is None
    True
    """
    keys = {label: option_key(label) for label in labels}
    listed = _listed(keys)
    if listed:
        return listed
    for parts in _PARTS:
        found = {label: _strength(key, parts) for label, key in keys.items()}
        cores = {core for core, _ in found.values() if core}
        strengths = {label: strength for label, (_, strength) in found.items()}
        if (
            len(cores) == 1
            and len(set(strengths.values())) == len(strengths) >= 2
            and min(strengths.values()) <= 0
        ):
            return _codes(strengths)
    return None


def _listed(keys: dict[str, str]) -> dict[str, int] | None:
    for words in _LISTS:
        places: dict[str, int] = {}
        rests = set()
        for label, key in keys.items():
            plain = next(
                (key.replace(a, b, 1) for a, b in _SAME.items() if key.startswith(a) and b in words), key
            )
            word = next((w for w in sorted(words, key=len, reverse=True) if plain.startswith(w)), None)
            if word is None:
                break
            rests.add(plain.removeprefix(word))
            places[label] = len(words) - words.index(word)
        if len(places) == len(keys) >= 2 and len(rests) == 1 and len(set(places.values())) == len(places):
            return places
    return None


def _strength(key: str, parts: re.Pattern[str]) -> tuple[str | None, float]:
    """What is judged (None: a neutral answer), and how: above 0 in favour, below against."""
    if _NEUTRAL.fullmatch(key):
        return None, 0.0
    match = parts.fullmatch(key)
    if match is None:
        return key, 0.0
    core, deny = match["core"], match["deny"]
    size = (
        _STRONG
        if match["strong"] or deny in _STRONG_DENIALS
        else _MILD
        if match["mild"] or deny in _WEAK_DENIALS
        else _PLAIN
    )
    against = bool(deny) != (core in _OPPOSITES)
    return _OPPOSITES.get(core, core), -size if against else size


def _codes(strengths: dict[str, float]) -> dict[str, int]:
    """Of 5, 4 or 3 points, so that an answer that nobody gave leaves its gap; else ranks."""
    found = set(strengths.values())
    neutral, strong = 0.0 in found, bool(found & {_STRONG, -_STRONG})
    sides: tuple[Collection[float], ...] = (
        (-_STRONG,),
        (-_PLAIN, -_MILD),
        (0.0,),
        (_MILD, _PLAIN),
        (_STRONG,),
    )
    steps = [
        side
        for side in sides
        if (neutral or 0.0 not in side) and (strong or not {_STRONG, -_STRONG} & set(side))
    ]
    if any(len(found & set(step)) > 1 for step in steps):
        steps = [(value,) for value in sorted(found)]
    return {
        label: next(k for k, step in enumerate(steps, start=1) if s in step) for label, s in strengths.items()
    }


def rank(counts: Mapping[str, int]) -> list[str]:
    """Answers without a scale in an order that does not hang on the rows: by their first number, else by count.

    >>> rank({"500元以上": 9, "0-99元": 2, "100-499元": 5}), rank({"微信": 2, "报纸": 7})
    (['0-99元', '100-499元', '500元以上'], ['报纸', '微信'])
    """
    first = {text: match[0] for text in counts if (match := re.search(r"\d+", text))}
    numbered = 3 * len(first) >= 2 * len(counts)
    return sorted(counts, key=lambda t: (int(first[t]) if numbered and t in first else 10**9, -counts[t], t))


def person_code(question: str, text: str) -> str:
    """The code of an answer about the person: male, 18-24, 65+; otherwise the text itself.

    >>> person_code("age_band", "18~24岁"), person_code("age_band", "65岁及以上"), person_code("sex", "女")
    ('18-24', '65+', 'female')
    """
    if question == "sex":
        return _SEX.get(option_key(text), text)
    if question != "age_band":
        return text
    if band := _BAND.fullmatch(text):
        return f"{band[1]}-{band[2]}"
    if ended := _OPEN.fullmatch(text.lower()):
        return f"{ended[1]}+" if ended[2] in ("以上", "+", "over", "older") else f"<{ended[1]}"
    return text
