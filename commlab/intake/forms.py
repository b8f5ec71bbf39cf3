"""The forms in which a name is compared: squashed, plain (short forms, no notes), stem (no ending), telling
marks."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

__all__ = ["is_office", "marks", "plain_form", "squash", "stem", "without_street"]

_INVISIBLE = re.compile(r"[\s\u200b-\u200f\u2060\ufeff\u00ad]+")
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−－﹣－", "-"))
_NOTE = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]|【([^【】]*)】|〔([^〔〕]*)〕|《([^《》]*)》")
# A bracket with only a numeral, a letter or a direction tells units apart: 翠湖(一)社区 and 翠湖(二)社区.
_TELLING = re.compile(
    r"(第?[0-9一二三四五六七八九十百]+|[a-z]|[东西南北中上下]+|[0-9一二三四五六七八九十]+期?)"
)
_PEOPLES = (
    "汉|蒙古|回|藏|维吾尔|苗|彝|壮|布依|朝鲜|满|侗|瑶|白|土家|哈尼|哈萨克|傣|黎|傈僳|佤|畲|高山|拉祜|水|"
    "东乡|纳西|景颇|柯尔克孜|土|"
    "达斡尔|仫佬|羌|布朗|撒拉|毛南|仡佬|锡伯|阿昌|普米|塔吉克|怒|乌孜别克|俄罗斯|鄂温克|德昂|保安|裕固|京|"
    "塔塔尔|独龙|鄂伦春|赫哲|门巴|珞巴|基诺"
)
_AUTONOMOUS = re.compile(rf"(?:(?:{_PEOPLES})族?)+自治(县|州|区|旗)")
_FULL_FORMS = (
    ("高新技术产业开发区", "高新区"),
    ("高新技术开发区", "高新区"),
    ("经济技术开发区", "经开区"),
    ("经济开发区", "经开区"),
    ("旅游度假区", "度假区"),
    ("风景名胜区", "风景区"),
    ("国家级", ""),
    ("国家", ""),
    ("管理委员会", ""),
    ("管委会", ""),
    ("街道办事处", "街道"),
    ("街道办", "街道"),
    ("人民政府", ""),
)
_COMMUNITY_END = re.compile(
    r"(社区(?:居民委员会|居委会|居委|党委|党总支|党支部|工作站|服务站|(?:党群|便民|公共)?服务(?:中心|站))?"
    r"|居民委员会|居委会|居委)$"
)
_NUMBERED = re.compile(r"^(?:\(\d{1,3}\)|\d{1,3}[.、)])(?=\D)")
_QUOTES = re.compile(r"[\"'\u2018\u2019\u201c\u201d*※★#]")
_STREET = re.compile(r"^[\u4e00-\u9fff]{2,6}?(?:街道|镇|乡)(?=.{2})")
_OFFICE = re.compile(r"(?:委|政府)?[\u4e00-\u9fff]{1,8}(?:局|部|委|办|办公室|中心|工作委员会)")
_VILLAGE_END = re.compile(r"(村民委员会|村委会)$")
_PLACE_END = re.compile(r"(自治区|区|县|市|街道|镇|乡)$")
_NUMERALS = str.maketrans("零〇一二两三四五六七八九", "001223456789")
_GUARD = re.compile(r"[0-9十百东西南北中上下前后左右大小新老旧内外甲乙丙丁]")


def squash(text: object) -> str:
    """A text as it is compared: NFKC, lower case, one kind of dash, without any spaces.

    >>> squash(" Ⅱ－４.１ ")
    'ii-4.1'
    """
    return _squash(str(text))


@lru_cache(maxsize=1 << 15)
def _squash(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).translate(_DASHES)
    return _INVISIBLE.sub("", folded).lower()


def _without_notes(text: str) -> str:
    def keep(match: re.Match[str]) -> str:
        inside = next(group for group in match.groups() if group is not None)
        return inside if _TELLING.fullmatch(inside) else ""

    return _NOTE.sub(keep, text)


def plain_form(text: str) -> str:
    """Without numbering, quotes and notes in brackets, in the short form of counties, parks and streets.

    >>> plain_form("1.石林彝族自治县(含园区)"), plain_form("“翠湖社区”*")
    ('石林县', '翠湖社区')
    """
    out = _without_notes(_NUMBERED.sub("", _QUOTES.sub("", text)))
    out = _AUTONOMOUS.sub(r"\1", out)
    for full, short in _FULL_FORMS:
        if out != full:
            out = out.replace(full, short)
    return out.strip("·.,、:;-_/ ") or text


def stem(text: str) -> str:
    """Without the ending that says what kind of unit it is.

    >>> stem("翠湖社区居委会"), stem("五华区"), stem("翠湖村民委员会"), stem("东区")
    ('翠湖', '五华', '翠湖村', '东区')
    """
    village = _VILLAGE_END.sub("村", text)
    community = _COMMUNITY_END.sub("", village)
    if community != village and community:
        return community
    place = _PLACE_END.sub("", village)
    return place if len(place) >= 2 else village


def is_office(rest: str) -> bool:
    """Whether what follows a district's name is one of its offices.

    >>> is_office("民政局"), is_office("委社会工作部"), is_office("翠湖社区")
    (True, True, False)
    """
    return bool(_OFFICE.fullmatch(rest))


def without_street(name: str) -> str:
    """A community's name without the street before it.

    >>> without_street("护国街道翠湖社区"), without_street("翠湖社区")
    ('翠湖社区', '翠湖社区')
    """
    return _STREET.sub("", name, count=1)


def marks(text: str) -> tuple[str, ...]:
    return tuple(sorted(_GUARD.findall(text.translate(_NUMERALS))))
