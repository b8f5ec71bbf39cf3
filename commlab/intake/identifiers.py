"""What a personal identifier looks like in a text: patterns, then an allow-list of harmless numbers.

*Patterns* know the form: mobile and landline numbers, 18- and 15-digit IDs (with or without a valid
checksum), bank cards, e-mail, WeChat and QQ, number plates, addresses to the door, IP addresses, exact
birth dates, coordinates. The *allow-list* takes whatever number or run of latin letters is left and is not
followed by a harmless unit (2000元, 3次, 128路): it catches the form nobody thought of. Names after 我叫 or
联系人 and before 女士 come last (see ``persons``). Text is folded to NFKC character by character, so that
full-width, circled and Chinese digits are seen and places stay where they are; what cannot be seen
(zero-width characters, accents) is jumped over.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from commlab.intake.persons import HAN, find_names

__all__ = ["HAN", "find", "fold", "valid_id"]

_DIGIT_WORDS = "零〇○洞一幺壹二贰貳两三叁參四肆五伍六陆陸七柒拐八捌九玖勾"
_CHINESE_DIGITS = str.maketrans(_DIGIT_WORDS, "00001112222333445566677788999"[: len(_DIGIT_WORDS)])
_SPOKEN = re.compile(rf"(?:[{_DIGIT_WORDS}\d][\s\-,.、/|]{{0,2}}){{7,}}")
_WHOLE, _SHORT = (11, 18), 8  # digits of a mobile number and of an ID; shorter runs are taken as they are
_INVISIBLE = re.compile(
    "[\u00ad\u0300-\u036f\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u20d0-\u20f0\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]"
)
_S = r"(?:[\s\-._·/~|]|杠){0,3}"  # what people put between digits
_C = r"[\s\-._·/~|,、]{0,3}"  # also between groups of digits
_CN = r"零〇一二三四五六七八九十百两"
_NUM = rf"(?:\d{{1,5}}|[A-Za-z](?=[栋幢座区])|[{_CN}]{{1,4}}|[甲乙丙丁戊])"
_DOOR = r"(?:号楼|号院|号房|号|栋|幢|座|单元|弄|室|房|层|楼|户|组)"
_SIDE = r"(?:\s?[东西南北中左右][南北]?(?:边?户|[边手侧](?:户|边|那户)?))?"
_ROOM = rf"(?:\d{{3,4}}|[{_CN}]{{3,4}})"
_DAY = (
    r"(?:(?:18|19|20)\d{2}|\d{2}|[零〇一二三四五六七八九]{2,4})\s?[-/.年]\s?"
    rf"(?:\d{{1,2}}|[{_CN}正腊冬]{{1,2}})\s?[-/.月]?\s?(?:初?(?:\d{{1,2}}|[{_CN}]{{1,3}})\s?[日号]?)?"
)
_DEGREES = r"\d{1,3}\s?[°度]\s?\d{1,2}\s?[′'分]\s?(?:\d{1,2}(?:\.\d+)?\s?(?:[″\"秒]|''))?\s?[nsew北南东西]?"
_DECIMALS = r"-?\d{1,3}\.\d{4,}\s?°?\s?[nsew]?"
_NAMED = "(?:东经|西经|北纬|南纬|经度|纬度)"
_WHERE = rf"(?:(?<![a-z])[nsew]|{_NAMED})"
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"

# In this order; what one pattern takes the next no longer sees. A group named x narrows what is masked.
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("email", r"(?<![a-z0-9._%+\-])[a-z0-9._%+\-]{1,64}\s?(?:@|\(at\)|\[at\]|艾特)\s?[a-z0-9\-]+(?:\s?(?:\.|点|\(dot\))\s?[a-z0-9\-]+)+"),
        ("email", r"(?<![a-z0-9._%+\-])[a-z0-9._%+\-]{2,64}#[a-z0-9\-]+\.(?:com|cn|net|org)[a-z.]*"),
        ("coordinate", rf"{_WHERE}\D{{0,3}}{_DEGREES}(?:[\s,;]{{0,2}}{_WHERE}?\s?{_DEGREES})?"),
        ("coordinate", rf"{_DEGREES}(?:[\s,;]{{0,2}}{_DEGREES})?"),
        ("coordinate", rf"(?<![a-z\d.]){_WHERE}?\s?(?<![\d.]){_DECIMALS}(?:[\s,;/]{{0,2}}{_WHERE}?\s?{_DECIMALS})*(?![\d.])"),
        ("coordinate", rf"{_NAMED}\D{{0,3}}(?P<x>\d{{1,3}}(?:[.°度]\s?\d+)*(?:[.′'分]\s?\d*)*(?:[″\"秒])?)"),
        ("id", rf"(?<![\da-z])[1-9](?:{_S}\d){{5}}{_S}(?:1{_S}[89]|2{_S}0){_S}\d{_S}\d{_S}(?:0{_S}\d|1{_S}[0-2]){_S}"
            rf"[0-3]{_S}\d(?:{_S}\d){{3}}{_S}[\dx*](?![\da-z])"),
        ("id", r"(?<![\da-z])[1-9]\d{5}\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}(?![\da-z])"),
        ("id", r"(?<![\da-z])[1-9]\d{1,5}[*●•×x]{6,14}\d{0,3}[\dx]?(?![\da-z])"),
        ("bank", rf"(?<![\da-z])[3-9](?:{_S}\d){{15,18}}(?![\da-z])"),
        ("mobile", rf"(?<![\da-z])(?:\(?\+?(?:00)?86\)?{_S})?1{_S}[3-9](?:{_S}\d){{9}}(?!\d)"),
        ("mobile", rf"(?<![\da-z])1[3-9]\d(?:{_C}\d{{4}}{_C}\d{{4}}|{_C}\d{{3}}{_C}\d{{5}}|{_C}\d{{8}})(?!\d)"),
        ("mobile", rf"(?<![\da-z])1[3-9](?:{_C}\d){{9}}(?!{_C}\d)"),
        ("mobile", r"(?<![\da-z])1[3-9]\d[\d*x●•×]{4}\d{2,4}(?!\d)"),
        ("ip", r"(?<![\d.])(?:\d{1,3}\.){3}(?:\d{1,3}|\*)(?![\d.])"),
        ("ip", r"(?<![\da-z:])(?=[\da-f:]{0,40}(?:::|[a-f]|(?::[\da-f]+){5}))(?:[\da-f]{1,4}:{1,2}){2,7}[\da-f]{0,4}(?![\da-z:])"),
        ("ip", r"(?<![\da-z])(?:[\da-f]{2}[:\-]){5}[\da-f]{2}(?![\da-z])"),
        ("landline", rf"(?<!\d)\(?0\d{{2,3}}\)?{_C}\d{{3,4}}{_C}\d{{4}}(?:{_S}(?:转|ext\.?|分机)?{_S}\d{{1,6}})?(?!\d)"),
        ("landline", rf"(?:电话|座机|固话|tel|致电|传真|办公室|值班室?|拨|打)\D{{0,4}}(?P<x>[2-9]\d{{2,3}}{_S}\d{{4}})(?!\d)"),
        ("account",
            r"(?:微信|威信|薇信|徽信|微❤|v信|vx|wx|wechat|weixin|q[q群]?|扣扣|企鹅|抖音|快手|小红书|微博|钉钉|支付宝|账号|帐号|"
            r"openid|unionid|昵称|用户名|加v|加我v)(?:号码|账号|帐号|号|群|id|就?是|为|[:=\s,+])*"
            r"(?P<x>(?!\d{1,7}\s?(?:[多余人户元次条个名块万年月]))(?:[a-z0-9_\-]{5,40}|\d(?:[\s\-]?\d){4,14}))(?![a-z0-9_])"),
        ("plate", rf"[{_PROVINCES}][\s·.\-]{{0,2}}[a-hj-np-z](?=(?:[\s·.\-]{{0,2}}[a-z])*[\s·.\-]{{0,2}}\d)"
            r"(?:[\s·.\-]{0,2}[a-z0-9]){4,5}[\s·.\-]{0,2}[a-z0-9挂学警港澳领](?![a-z0-9])"),
        ("birth", rf"(?:出生|生于|生日|诞生|生辰|born|birth)\D{{0,6}}?(?P<x>(?:19|20)\d{{6}}|{_DAY})"),
        ("birth", rf"(?P<x>(?:19|20)\d{{6}}|{_DAY})\s?(?:出生|生人|生的|生日|诞生|[降所]生|生(?=[,。;、!?\s]|$))"),
        ("birth", r"(?<!\d)19\d{2}\s?[-/.年]\s?\d{1,2}\s?[-/.月]\s?\d{1,2}\s?[日号]?(?!\d)|(?<!\d)19\d{2}(?:0[1-9]|1[0-2])"
            r"(?:0[1-9]|[12]\d|3[01])(?!\d)"),
        # dates and times are nobody's: taken out so that their digits join no number
        ("", r"(?<!\d)20\d{2}\s?[-/.年]\s?\d{1,2}(?:\s?[-/.月]\s?\d{1,2}\s?[日号]?)?(?:[\s,t]{1,2}\d{1,2}:\d{2}(?::\d{2})?)?(?!\d)"),
        ("", r"(?<![\w\-])20\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?![\w\-])"),
        # to the door: a chain of two, a building with a bare room, a room, a street number, 3-2-501
        ("address", rf"(?<![\d第]){_NUM}\s?{_DOOR}(?:[\s,\-]?{_NUM}\s?{_DOOR})+(?:[\s\-]?(?:{_ROOM}|\d{{1,2}})(?!\d|"
            rf"[元人个次年月平]))?{_SIDE}"),
        ("address", rf"(?<![\d第]){_NUM}\s?(?:号楼|栋|幢|座|单元|弄)[\s,\-]?{_ROOM}(?!\d|[元人户个次年月平多余])"),
        ("address", rf"(?<![\d第]){_NUM}\s?[楼层]\s?[东西南北中左右](?:边?户|手)"),
        ("address", rf"(?<!\d){_ROOM}\s?(?:室|号房|房间|房(?!价|租|产|子|屋))(?!\d)"),
        ("address", r"(?:门牌|房号|门号|家住|住在?|住址|地址|搬到|送到|我家)\D{0,6}?(?P<x>\d[\d\-#]{2,8})(?!\d|\s?[年月天多余元个人户])"),
        ("address", rf"(?<=[路街巷弄道里村苑园坡冲营坝])\s?(?P<x>(?:\d{{1,4}}|[{_CN}]{{2,4}})(?:[\-]\d{{1,4}})?\s?"
            r"(?:附\d+)?号(?:附\d+号?)?)(?!线|文|令|公交|桥)"),
        ("address", r"(?<![\d\-/.])\d{1,3}\s?[-#]\s?\d{1,2}\s?[-#]\s?\d{3,4}(?![\d\-])"),
        ("address", r"(?<![\d\-/.])(?:\d{1,3}|[a-z]\d{0,2})\s?#\s?\d{3,4}(?!\d)"),
        ("address", r"(?<![\d\-/.])(?:\d{1,3}|[a-z]\d{0,2})-[1-9]\d?0[1-9](?![\d\-]|\s?[元人户个次年月天平米])"),
        ("number", rf"(?<!\d)\d(?:{_S}\d){{12,}}(?!\d)"),
    )
)  # fmt: skip

_UNITS = (
    "年|月|日|点|时|小时|分|秒|天|周|星期|岁|人|户|个|名|位|次|件|条|项|元|块|万|亿|千|百|%|‰|℃|°|度|米|厘米|公里|平|亩|吨|"
    "斤|公斤|克|升|瓦|台|辆|家|只|棵|盏|层|楼|期|届|批|场|路|线|字|页|篇|本|份|类|种|级|星|型|倍|成|折|代|后|张|把|套|间|处|片|"
    "组|班|多|余|来|左右|上下|以上|以下|以内|几|伏|兆|栋|幢|座|弄|号|室|户|街|大街|村|团|营|票|毛|角|版|步|枚|箱|桶|袋|瓶|根|颗|"
    "门|口|队|遍|趟|回|年代|世纪|分钟|立方|方|单元|辆次|人次|车位|床|\\+|km|m2|kg|cm|mm|kw|kwh|g|mb|gb|w|v|m|t|h|p|k"
)
_UNIT = rf"\s?(?:{_UNITS})"
# 1000、2000元: the unit behind the last number of a list is everyone's
_HARMLESS_AFTER = re.compile(rf"(?:\s?(?:[、,~/\-]|到|至|和|或|及)\s?\d[\d,.]*){{0,6}}{_UNIT}", re.IGNORECASE)
_COUNTED = re.compile(r"\s?(?:元|块|人|户|平|吨|亩|立方|字|kwh|度|次|票|万|亿|千)", re.IGNORECASE)
_HARMLESS_BEFORE = re.compile(
    r"(?:[每一]年|[每一]个?月|[每一]天|[共约近超达至仅有才收交花罚涨降费价钱薪资租款金贴]|[从由]|预算|投资|一共|总共|大概|只要|需要|合计|增加了?|减少了?|[到了]?\D元的?|不足|不到|"
    r"第|国发|政发|〔|〕)\s?(?:是|到|到了|至|了|为|:|约)?\s?$"
)
_NUMBER = re.compile(r"(?<![A-Za-z0-9_])\d[\d,]*(?:[.\-:/~]\d+)*(?![A-Za-z_])")
_LATIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_\-.]*[A-Za-z0-9_]")
# Numbers of services, not of persons: emergency, government, carriers, banks, 400 lines.
_SERVICE = re.compile(
    r"1[12]\d|1[12][0-9]{3}|100\d{2}|1008611|95\d{3}|96\d{3,4}|400-?\d{3}-?\d{4}|400\d-?\d{3}-?\d{3}"
)
_WORDS = frozenset(
    re.findall(
        r"\S+",
        "account address airport alipay android app badminton basketball bilibili birthday bluetooth "
        "carrefour cctv-13 center centre china coffee community covid covid-19 covid19 douyin download email "
        "etcetera excel facebook football garden google government happy hello hotel huawei indoor internet "
        "iphone kfc kunming linux login macbook manager market mcdonald mobile number office office365 online "
        "outdoor parking party password phone photoshop pingpong please powerpoint private property public "
        "python removed school security server service starbucks station street supermarket system taobao "
        "tennis thank thanks tiktok toilet twitter update version video vs walmart website wechat weixin wifi "
        "windows windows10 xiaomi youtube yunnan",
    )
)
_STANDARD = re.compile(
    r"(?:gb|gbt|iso|iec|ieee|db|jgj|cjj|hj|yd|jtg|cecs)[\d\-.]*(?:/t)?[\d\-.]*", re.IGNORECASE
)
_SHORT_CODE = re.compile(r"[A-Za-z]{1,4}-?\d{1,3}(?:\.\d{1,2})?|\d{1,4}(?:\.\d+)?[A-Za-z]{1,4}", re.ASCII)
_DATE_ONLY = re.compile(
    r"(?:19|20)\d{2}[-/.]\d{1,2}(?:[-/.]\d{1,2})?|(?:19|20)\d{2}(?:[-~/](?:19|20)?\d{2})?|"
    r"\d{1,2}:\d{2}(?:[-~:]\d{1,2}(?::\d{2})?)*|\d{1,2}[./]\d{1,2}[-~]\d{1,2}[./]\d{1,2}"
)
_RANGE = re.compile(r"\d{1,3}(?:[.\-~/:]\d{1,3})*|\d{1,2}(?:,\d{1,3}){2,}")
_AMOUNT = re.compile(r"\d{1,6}\.\d{1,3}|\d{1,3}(?:,\d{3})+(?:\.\d+)?|1:\d{2,5}")
_HAN_CHAR = re.compile(f"[{HAN}]")
_CUE = re.compile(rf"[0-9A-Za-z{_DIGIT_WORDS}十甲乙丙丁戊]")


@lru_cache(maxsize=1 << 14)
def _plain(char: str) -> str:
    """One character as NFKC has it, digits of any script as 0-9 and dashes as one."""
    folded = unicodedata.normalize("NFKC", char)
    folded = folded if len(folded) == 1 else char
    digit = -1 if folded.isascii() else unicodedata.digit(folded, -1)
    if digit >= 0:
        return str(digit)
    if unicodedata.category(folded) == "Pd" or folded in "−～〜":
        return "-"
    return "·" if folded in "•・‧∙" else folded


def _spoken(match: re.Match[str]) -> str:
    """Chinese digits as digits; a single one at either end of others is a word: 张三139..., 65312244一直."""
    run = match.group()
    kept = run.rstrip(" -,.、/|")
    start, end = 0, len(kept)
    if sum(map(str.isalnum, kept)) not in _WHOLE:
        start += kept[0] in _DIGIT_WORDS and kept[1:-1].isascii() and end > _SHORT
        end -= kept[-1] in _DIGIT_WORDS and kept[start:-1].isascii() and end > _SHORT
    return run[:start] + run[start:end].translate(_CHINESE_DIGITS) + run[end:]


def fold(text: str) -> str:
    """NFKC, one character for one, and Chinese digits as digits where seven or more stand in a row.

    >>> fold("１３９，壹贰叁肆伍陆柒捌㎡")
    '139,12345678㎡'
    """
    return text if text.isascii() else _SPOKEN.sub(_spoken, "".join(map(_plain, text)))


def valid_id(digits: str) -> bool:
    """Whether 18 characters carry the check character of GB 11643-1999 (ISO 7064, mod 11-2).

    >>> valid_id("11010519491231002X"), valid_id("110105194912310021")
    (True, False)
    """
    if not re.fullmatch(r"\d{17}[\dXx]", digits):
        return False
    # sum of a_i * 2^(i-1) over the places from the right, X = 10, is 1 modulo 11
    values = [10 if c in "Xx" else int(c) for c in digits]
    return sum(v * pow(2, 17 - k, 11) for k, v in enumerate(values)) % 11 == 1


def find(text: str, *, free: bool = True) -> list[tuple[int, int, str]]:
    """Places of identifiers in a text: (start, end, kind), in order, without overlaps.

    ``free=False`` leaves the allow-list out: for columns that hold codes or numbers and nothing else.

    >>> find("打12345没用，打我电话0871-63112233")
    [(13, 26, 'landline')]
    """
    seen = [k for k, c in enumerate(text) if not _INVISIBLE.match(c)] if _INVISIBLE.search(text) else None
    work = fold(text if seen is None else "".join(text[k] for k in seen))
    found: list[tuple[int, int, str]] = []
    if _CUE.search(work):
        for kind, pattern in _PATTERNS:
            work = _take(pattern, kind, work, found)
        if free:
            found += _left_over(work)
    found += find_names(work)
    found.sort()
    return found if seen is None else [(seen[a], seen[b - 1] + 1, kind) for a, b, kind in found]


def _take(pattern: re.Pattern[str], kind: str, work: str, found: list[tuple[int, int, str]]) -> str:
    """Note the places of one pattern and blank them for the next."""
    group = "x" if "x" in pattern.groupindex else 0
    for match in pattern.finditer(work):
        start, end = match.span(group)
        while end > start and work[end - 1] in " ,.-_、/":
            end -= 1
        if work[start:end].lower() in _WORDS:
            continue
        if kind and end > start:
            digits = "".join(filter(str.isdigit, work[start:end])) if kind in ("bank", "number") else ""
            found.append((start, end, "id" if valid_id(digits) else kind))
        work = work[:start] + "\0" * (end - start) + work[end:]
    return work


def _left_over(work: str) -> Iterator[tuple[int, int, str]]:
    """Numbers and latin runs that no pattern took and no harmless unit follows."""
    for match in _NUMBER.finditer(work):
        run = match.group().rstrip(",")
        digits = sum(c.isdigit() for c in run)
        if digits < 4 or any(p.fullmatch(run) for p in (_SERVICE, _DATE_ONLY, _RANGE, _AMOUNT)):
            continue
        few = digits < 7 or run in "123456789"  # 一二三四五六七八号楼
        if (_HARMLESS_AFTER if few else _COUNTED).match(work, match.start() + len(run)):
            continue
        if digits <= 5 and _HARMLESS_BEFORE.search(work, max(0, match.start() - 6), match.start()):
            continue
        yield match.start(), match.start() + len(run), "number"
    chinese = len(_HAN_CHAR.findall(work)) > sum(c.isascii() and c.isalpha() for c in work)
    for match in _LATIN.finditer(work):
        run = match.group()
        letters = sum(c.isalpha() for c in run)
        if not letters or len(run) < 5 or run.lower() in _WORDS:
            continue
        if _SHORT_CODE.fullmatch(run) or _STANDARD.fullmatch(run):
            continue
        if any(c.isdigit() or c == "_" for c in run) or (chinese and len(run) >= 6):
            yield match.start(), match.end(), "latin"
