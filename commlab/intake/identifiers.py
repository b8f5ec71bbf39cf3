"""What a personal identifier looks like in a text: patterns, then an allow-list of harmless numbers.

*Patterns* know the form: mobile and landline numbers, 18- and 15-digit IDs (with or without a valid
checksum), bank cards, e-mail, WeChat and QQ, number plates, addresses to the door, IP addresses, exact
birth dates, coordinates, names after 我叫 or 联系人 and before 女士. The *allow-list* takes whatever number
or run of latin letters is left and is not followed by a harmless unit (2000元, 3次, 128路): it catches the
form nobody thought of. Text is folded to NFKC character by character, so that full-width and Chinese digits
are seen and places stay where they are.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

__all__ = ["HAN", "find", "fold"]

HAN = r"\u3400-\u4dbf\u4e00-\u9fff"
_DIGIT_WORDS = "零〇○一幺壹二贰两三叁四肆五伍六陆七柒八捌九玖"
_CHINESE_DIGITS = str.maketrans(_DIGIT_WORDS, "0001112223344556677889" + "9")
_SPOKEN = re.compile(rf"(?:[{_DIGIT_WORDS}\d][\s\-,.、]?){{7,}}")
_S = r"[\s\-,.·_、/]{0,2}"  # what people put between digits
_CN = r"零〇一二三四五六七八九十百"
_NUM = rf"(?:\d{{1,5}}|[A-Za-z](?=[栋幢座])|[{_CN}]{{1,4}}|[甲乙丙丁])"
_DOOR = r"(?:号楼|号院|栋|幢|座|单元|弄|号房|号|室|房|层|楼|户)"
_DATE = r"(?:(?:18|19|20)\d{2}|\d{2})\s?[-/.年]\s?\d{1,2}\s?[-/.月]?\s?(?:\d{1,2}\s?[日号]?)?"
_SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱郭何罗郑梁谢宋唐韩曹邓冯萧程蔡彭潘袁董余苏叶吕魏蒋田杜沈姜范傅钟卢汪戴崔任陆廖姚谭邹熊金郝孔白康毛邱秦史"
    "顾侯邵孟龙万段雷钱汤尹黎易武乔贺赖龚庞樊施倪颜殷邢岳芦宁聂尤裴阮鲍柴翟耿莫蓝穆柳普木李刀"
)
_DOUBLE = "欧阳|上官|司马|诸葛|司徒|夏侯|皇甫|尉迟|令狐|慕容"
_NAME = rf"(?:{_DOUBLE}|[{_SURNAMES}])"
_TITLES = (
    "先生|女士|小姐|老师|主任|书记|师傅|大爷|大妈|大叔|大姐|大哥|阿姨|奶奶|爷爷|医生|经理|站长|所长|"
    "队长|组长|警官|同志|老人|老板"
)
_NICK = "王李张刘陈杨赵黄周吴徐孙胡朱郭何罗郑梁谢宋唐韩曹邓冯"

# In this order; what one pattern takes the next no longer sees. A group named x narrows what is masked.
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("email", r"[a-z0-9._%+\-]+\s?(?:@|\(at\)|\[at\])\s?[a-z0-9\-]+(?:\s?\.\s?[a-z0-9\-]+)+"),
        ("coordinate", r"(?<![\d.])-?\d{1,3}\.\d{4,}(?:\s?[,;\s]\s?-?\d{1,3}\.\d{3,})?(?![\d.])"),
        (
            "id",
            rf"(?<![\d])[1-9](?:{_S}\d){{5}}{_S}(?:1{_S}[89]|2{_S}0){_S}\d{_S}\d{_S}(?:0{_S}\d|"
            rf"1{_S}[0-2]){_S}"
            rf"[0-3]{_S}\d(?:{_S}\d){{3}}{_S}[\dx*](?!\d)",
        ),
        ("id", r"(?<!\d)[1-9]\d{5}\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}(?!\d)"),
        ("id", r"(?<!\d)[1-9]\d{5}[\dx*●•]{6,11}\d{3}[\dx](?![\da-z])"),
        ("bank", rf"(?<!\d)[1-9](?:{_S}\d){{15,18}}(?!\d)"),
        ("mobile", rf"(?<!\d)(?:\+?(?:00)?86{_S})?1{_S}[3-9](?:{_S}\d){{9}}(?!\d)"),
        ("mobile", r"(?<!\d)1[3-9]\d[\d*x●•]{4}\d{4}(?!\d)"),
        ("ip", r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])"),
        ("ip", r"(?<![\da-f:])(?:[\da-f]{1,4}:){4,7}[\da-f]{0,4}(?![\da-f:])"),
        ("landline", rf"(?<!\d)\(?0\d{{2,3}}\)?{_S}\d{{3,4}}{_S}\d{{4}}(?:\s?(?:转|-|"
            rf"ext\.?)\s?\d{{1,6}})?(?!\d)"),
        ("landline", rf"(?:电话|座机|固话|tel|致电)\D{{0,4}}(?P<x>[2-9]\d{{2,3}}{_S}\d{{4}})(?!\d)"),
        (
            "account",
            r"(?:微信|威信|薇信|v信|vx|wx|wechat|weixin|qq|扣扣|企鹅|抖音|快手|钉钉|支付宝|账号|帐号|"
            r"openid|昵称)"
            r"(?:号码|账号|号|群|id)*(?:就?是|为|[:=\s,])*(?P<x>[a-z0-9_\-]{5,40})",
        ),
        (
            "plate",
            r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]\s?[a-hj-np-z]\s?[·.\-]?\s?"
            r"(?=[a-z]*\d)[a-z0-9]{4,5}[a-z0-9挂学警港澳领](?![a-z0-9])",
        ),
        ("coordinate",
        r"(?:东经|西经|北纬|南纬|经度|纬度)\D{0,3}(?P<x>\d{1,"
        r"3}(?:[.°度]\s?\d+)*(?:[.′'分]\s?\d*)*(?:[″\"秒])?)"),
        ("birth", rf"(?:出生|生于|生日|诞生|born)\D{{0,6}}?(?P<x>{_DATE})"),
        ("birth", rf"(?P<x>{_DATE})\s?(?:出生|生人|生的|生日|诞生|生(?=[,。;、\s]|$))"),
        # to the door: a chain of two, a building with a bare room, a room, a street number, 3-2-501
        ("address", rf"(?<![\d第]){_NUM}\s?{_DOOR}(?:[\s,\-]?{_NUM}\s?{_DOOR})+(?:\s?\d{{1,4}})?"),
        ("address", rf"(?<![\d第]){_NUM}\s?(?:号楼|栋|幢|座|单元|弄)[\s,\-]?[\d{_CN}]{{3,4}}(?!\d|"
            rf"[元人户个次年月平])"),
        ("address", rf"(?<!\d)(?:\d{{3,4}}|[{_CN}]{{3,4}})\s?(?:室|号房|房间)(?!\d)"),
        ("address", r"(?:门牌|房号|门号|家住)\D{0,4}?(?P<x>\d[\d\-]{0,8})"),
        (
            "address",
            rf"(?<=[路街巷弄道里村苑园])\s?(?P<x>(?:\d{{1,4}}|"
            rf"[{_CN}]{{2,4}})(?:[\-]\d{{1,4}})?\s?(?:附\d+)?号)(?!线|文|令|公交)",
        ),
        ("address", r"(?<![\d\-/.])\d{1,3}\s?[-#]\s?\d{1,2}\s?[-#]\s?\d{3,4}(?![\d\-])"),
        ("address", r"(?<![\d\-])\d{1,3}\s?#\s?\d{3,4}(?!\d)"),
        ("number", rf"(?<!\d)\d(?:{_S}\d){{12,}}(?!\d)"),
        ("name", rf"(?:我叫|名叫|叫做|姓名|联系人|经办人|填表人|审核人|投诉人|当事人|户主|业主|居民)(?:是|"
            rf"为|叫|[:\s])*(?P<x>{_NAME}[{HAN}]{{1,2}})(?=[,。.;、\s!()]|$|电|手|反|的|住|联|说|投|在|是|家)"),
        ("name", rf"(?:我是|本人)[:\s]*(?P<x>{_NAME}[{HAN}]{{1,2}})(?=[,。.;、\s!()]|$)"),
        ("name", rf"(?P<x>{_NAME}[{HAN}]{{0,2}}?)(?:{_TITLES})"),
        ("name", rf"(?<![{HAN}])(?P<x>[老小阿][{_NICK}])(?=[,。.;、\s的说家]|$)"),
    )
)  # fmt: skip

_UNITS = (
    "年|月|日|点|时|小时|分|秒|天|周|星期|岁|人|户|个|名|位|次|件|条|项|元|块|万|亿|千|百|%|‰|℃|°|度|米|"
    "厘米|公里|平|亩|吨|斤|公斤|克|升|瓦|台|辆|"
    "家|只|棵|盏|层|楼|期|届|批|场|路|线|字|页|篇|本|份|类|种|级|星|型|倍|成|折|代|后|张|把|套|间|处|片|"
    "组|班|多|余|来|左右|几|伏|兆|栋|幢|座|弄|"
    "号|室|户|街|大街|村|团|营|票|毛|角|版|步|枚|箱|桶|袋|瓶|根|颗|门|口|队|遍|趟|回|届|年代|世纪|分钟|km|"
    "m2|kg|cm|mm|kw|kwh|g|mb|gb|w|v|m|t|h|℃"
)
_HARMLESS_AFTER = re.compile(rf"\s?(?:{_UNITS})", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![A-Za-z0-9_])\d[\d,]*(?:[.\-:/~]\d+)*(?![A-Za-z_])")
_LATIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_\-.]*[A-Za-z0-9_]")
_HOTLINES = frozenset(
    [
        "110",
        "114",
        "119",
        "120",
        "122",
        "10000",
        "10010",
        "10086",
        "11185",
        "12110",
        "12122",
        "12123",
        "12315",
        "12319",
        "12320",
        "12329",
        "12333",
        "12338",
        "12345",
        "12348",
        "12355",
        "12356",
        "12358",
        "12366",
        "12369",
        "12388",
        "12393",
        "95338",
        "95598",
        "96128",
        "96302",
    ]
)
_WORDS = frozenset(
    [
        "app",
        "wifi",
        "wechat",
        "weixin",
        "office",
        "excel",
        "python",
        "online",
        "internet",
        "iphone",
        "android",
        "email",
        "video",
        "hello",
        "thank",
        "thanks",
        "covid",
        "party",
        "coffee",
        "market",
        "center",
        "centre",
        "street",
        "community",
        "service",
        "kfc",
        "mcdonald",
        "etcetera",
        "please",
        "parking",
        "bilibili",
        "douyin",
        "google",
        "twitter",
        "facebook",
        "toilet",
        "garden",
        "basketball",
        "football",
        "badminton",
        "pingpong",
        "tennis",
        "school",
        "kunming",
        "yunnan",
        "china",
        "covid-19",
        "covid19",
    ]
)
_DATE_ONLY = re.compile(
    r"(?:19|20)\d{2}[-/.]\d{1,2}(?:[-/.]\d{1,2})?|(?:19|20)\d{2}|\d{1,2}:\d{2}(?:[-~:]\d{1,2}(?::\d{2})?)*"
)
_RANGE = re.compile(r"\d{1,3}(?:[.\-~/:]\d{1,3})*|(?:19|20)\d{2}[-~](?:19|20)?\d{2}")
_HAN_CHAR = re.compile(f"[{HAN}]")
_CUE = re.compile(
    rf"[0-9A-Za-z{_DIGIT_WORDS}十甲乙丙丁]|叫|姓名|人|户主|业主|居民|本人|我是|[老小阿]|{_TITLES}"
)


def fold(text: str) -> str:
    """NFKC, one character for one, and Chinese digits as digits where seven or more stand in a row.

    >>> fold("１３９，壹贰叁肆伍陆柒捌㎡")
    '139,12345678㎡'
    """
    if text.isascii():
        return text
    folded = "".join(c if len(f := unicodedata.normalize("NFKC", c)) != 1 else f for c in text)
    return _SPOKEN.sub(lambda m: m.group().translate(_CHINESE_DIGITS), folded)


def find(text: str, *, free: bool = True) -> list[tuple[int, int, str]]:
    """Places of identifiers in a text: (start, end, kind), in order, without overlaps.

    ``free=False`` leaves the allow-list out: for columns that hold codes or numbers and nothing else.

    >>> find("打12345没用，打我电话0871-63112233")
    [(13, 26, 'landline')]
    """
    if not _CUE.search(text) and not any(ord(c) > 0xFF00 for c in text):
        return []
    work = fold(text)
    found: list[tuple[int, int, str]] = []
    for kind, pattern in _PATTERNS:
        taken = []
        for match in pattern.finditer(work):
            group = "x" if "x" in pattern.groupindex else 0
            start, end = match.span(group)
            while end > start and work[end - 1] in " ,.-_、/":
                end -= 1
            taken.append((start, end, kind))
        for start, end, _ in taken:
            work = work[:start] + "\0" * (end - start) + work[end:]
        found += taken
    if free:
        found += _left_over(work)
    return sorted(found)


def _left_over(work: str) -> Iterator[tuple[int, int, str]]:
    """Numbers and latin runs that no pattern took and no harmless unit follows."""
    for match in _NUMBER.finditer(work):
        run = match.group().rstrip(",")
        digits = sum(c.isdigit() for c in run)
        if digits < 4 or run in _HOTLINES or _DATE_ONLY.fullmatch(run) or _RANGE.fullmatch(run):
            continue
        if _HARMLESS_AFTER.match(work, match.end()):
            continue
        yield match.start(), match.start() + len(run), "number"
    chinese = len(_HAN_CHAR.findall(work)) > sum(c.isascii() and c.isalpha() for c in work)
    for match in _LATIN.finditer(work):
        run = match.group()
        letters = sum(c.isalpha() for c in run)
        if not letters or len(run) < 5 or run.lower() in _WORDS:
            continue
        mixed = any(c.isdigit() or c == "_" for c in run)
        measure = run.lstrip("0123456789.,")
        if measure != run and letters <= 3 and _HARMLESS_AFTER.fullmatch(measure):
            continue
        if mixed or (chinese and len(run) >= 6):
            yield match.start(), match.end(), "latin"
