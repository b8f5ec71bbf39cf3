"""What a study calls its subject, its whole, the parts that reports are made for and their members.

The library's messages speak of community governance in a city, its districts and their communities, quarter by
quarter. Where study.yaml has other ``words``, or its periods are no quarters, the messages say so instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from commlab.errors import ParameterError
from commlab.text import Text

if TYPE_CHECKING:
    from commlab.study import Study

__all__ = ["Worded", "study_text"]

_ZH = {"subject": ("城乡社区治理",), "whole": ("全市",), "part": ("县区", "区县"), "member": ("社区",)}
_EN = {"subject": "community governance", "whole": "city", "part": "district", "member": "community"}
_OTHER_KINDS = {"H": "half-year", "M": "month", "": "year"}
_ZH_QUARTERS = {"上季度": "上期", "前一季度": "前一期", "两个季度": "两期", "本季度": "本期", "季度": "期"}


@dataclass(frozen=True)
class Worded(Text):
    """The sentences of one language in a study's own words."""

    replaced: Mapping[str, str] = field(default_factory=dict, hash=False)

    def template(self, message: str) -> str:
        given = super().template(message)
        if not self.replaced:
            return given
        # What stands in braces is the name of a field.
        known = sorted(map(re.escape, self.replaced), key=len, reverse=True)
        words = "|".join(known) if self.language == "zh" else rf"\b(?:{'|'.join(known)})\b"
        return re.sub(rf"\{{[^}}]*\}}|{words}", lambda m: self.replaced.get(m[0], m[0]), given)


def study_text(study: Study, language: str, period: str | None = None) -> Text:
    """The messages of a study in a language; of a period, where one is named.

    Raises
    ------
    ParameterError
        If the language is not known.
    """
    if language not in ("zh", "en"):
        raise ParameterError(f"language is zh or en, found {language!r}")
    words, replaced = study.config.words, dict[str, str]()
    kind = re.sub(r"\d", "", period or "Q")
    if language == "zh":
        replaced |= {old: words[key]["zh"] for key, olds in _ZH.items() if key in words for old in olds}
        if "member" in words and "subject" not in words:
            replaced |= {old: old for old in _ZH["subject"]}
        replaced |= _ZH_QUARTERS if kind != "Q" else {}
        return Worded(language, replaced)
    pairs = [(old, words[key]["en"]) for key, old in _EN.items() if key in words]
    if "member" in words and "subject" not in words:
        pairs.append((_EN["subject"], _EN["subject"]))
    pairs += [("quarter", _OTHER_KINDS[kind])] if kind != "Q" else []
    for old, new in pairs:
        for a, b in ((old, new), (_many(old), _many(new))):
            replaced |= {a: b, a[0].upper() + a[1:]: b[0].upper() + b[1:]}
    return Worded(language, replaced)


def _many(word: str) -> str:
    """The plural of an English word.

    >>> [_many(w) for w in ("community", "district", "branch", "day")]
    ['communities', 'districts', 'branches', 'days']
    """
    if re.search(r"[^aeiou]y$", word):
        return word[:-1] + "ies"
    return word + ("es" if re.search(r"(s|x|ch|sh)$", word) else "s")
