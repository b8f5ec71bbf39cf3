"""Numbers taken apart: groups of digits and letters that are joined, and whatever stands behind a cue.

Two mechanisms that know no form. *Joined*: digits and single letters held together by spaces, dots, dashes or
words (杠, 空格, 后面是) are one number when they have enough digits and no unit follows. *Cue*: behind 电话, 微信,
车牌, 编号 all digits (also spoken ones) and letters up to the end of the clause are one identifier. What a pattern
has found already is a group of its own and is widened over its remainders.
"""

from __future__ import annotations

import itertools
import re

from commlab.intake.patterns import later

__all__ = ["widened"]

Place = tuple[int, int, str]

_TAKEN, _OTHER = "\x01", "\x02"  # found before; blanked as harmless (dates, standards)
_SAID = "零〇○洞幺一二三四五六七八九拐勾"
_FILLER = r"(?:横?杠|空格|然后是?|后面是?|接着是?|再是?|下划线|[小一]?圈|斜杠|减号?|艾特|中间是?|再后面是?|前面是?|最后是?|末尾是?)"
_GLUE = rf"(?:[\s.\-_/·|,、~()\[\]{{}}<>〔〕【】'\"“”。]{{1,3}}|[\s,、.]?(?:{_FILLER}|点)[\s,、.]?)"
_GROUP = (
    rf"(?:{_TAKEN}+|[A-Za-z0-9_]++(?={_TAKEN})|[A-Za-z]{{0,4}}+\d[\dA-Za-z]*+|[A-Za-z_](?![A-Za-z])|"
    r"[A-Za-z]{1,4}(?=[\s\-._(\[〔][A-Za-z]?[\d\x01]))"
)
_JOINED = later(
    rf"(?<![A-Za-z\d.%])(?<!\d:)(?:{_GROUP}(?:{_GLUE}?{_GROUP})+|[A-Za-z_](?:[\s.\-,、]{{1,2}}[A-Za-z\d_](?![A-Za-z])){{4,}})(?![:\d])"
)
_CUES = (
    r"电话|手机|号码|座机|固话|联系方式|传真|来电|[微威][❤\s]?信|卫星|[vV]信|(?<![A-Za-z])(?:[wW]?[vVxX]{1,2}|[qQ]\s?[qQ]?)(?=[\s:号是])|QQ|扣扣|企鹅|支付宝|抖音|快手|"
    r"邮[箱件]|[eE]-?mail|证[件号]|身份证|[护驾]照|驾驶证|户口[簿本]|[犬房]产?证|残疾证|社保卡?|医保卡?|准考证|通行证|"
    r"卡号|[账帐][号户]|车牌|牌照|号牌|车号|车架号?|发动机号?|住址|地址|门牌|房号|家住|定位|坐标|经度|纬度|点位|"
    r"(?<![A-Za-z])(?:ip|IP|mac|MAC|imei|IMEI)|(?:open|union|user)_?id|工单|受理|编号|[单案户表证学工]号|案卷|钢号|卡片|订单|尾号|查询码|取件码|验证码|会员|回执|协议书|号码牌|门禁|密码|单号"
)
_NAMED = later(r"信|卫星|[vVwWxX]|[qQ]|扣扣|企鹅|宝|音|快手|邮|mail|账|帐|会员|id")  # may be letters alone
_PIECE = rf"(?:{_TAKEN}+|[A-Za-z0-9_@*]++|[{_SAID}]+|[两二三四五六]个[{_SAID}])"
_WIDE = rf"(?:{_GLUE}|[:#=+→@\s]{{1,2}}|第|号(?=[A-Za-z\d]))"
_BEHIND_CUE = later(
    rf"(?:{_CUES})(?P<gap>[^,;。!?\n{_TAKEN}A-Za-z\d{_SAID}]{{0,8}})(?P<x>{_PIECE}(?:{_WIDE}?{_PIECE})*)"
)
_PLAIN_GAP = later(r"[\s:是为的填写成名叫加搜号码账帐群登记就改作做=→(\[“\"'<,]*")
_YEAR, _HAN = r"[(\[〔【](?:19|20)\d\d[)\]〕】]", r"[\u4e00-\u9fff]"
_CASE = later(  # (2020)云0102民初3817号, (2024)金碧民调字第36号, 昆信字〔2020〕17号, 昆官信〔2020〕0318号
    rf"{_YEAR}{_HAN}{{1,3}}(?:\d{{2,5}}|{_TAKEN}+){_HAN}{{1,4}}(?:\d+|{_TAKEN}+)号?|{_YEAR}{_HAN}{{1,8}}字第?\d+号|{_HAN}{{1,8}}(?:(?<![发办通规函令政]字)(?<=字){_YEAR}(?:第?\d+号|{_TAKEN}+)|{_YEAR}第?0\d{{2,4}}号|{_YEAR}{_HAN}{{1,6}}(?:第?\d{{3,}}号|{_TAKEN}++(?!{_HAN}{{1,4}}[\d{_TAKEN}])))"
)
# what belongs to a number and stands before it: 编号盘龙调2022-073, 昆公西(刑)受字〔2023〕2871号, 昆明A0K7731, 微信A小菊 xj_08
_STEMS = tuple(
    (frozenset(kinds.split()), later(pattern))
    for kinds, pattern in (
        ("number latin id bank address", rf"(?:编号|[证单案文表]号|号码|回执|协议书|证书|工单|护照|[证卡])(?:编号|号码?)?[为是:\s]{{0,3}}(?P<x>{_HAN}{{1,6}}(?:\({_HAN}{{1,2}}\))?{_HAN}{{0,5}}(?:[字调受证权罚决认鉴裁执诉访复用登建残农林][(\[〔]?|(?<=[市县区州])))$"),
        ("number latin id bank", rf"(?P<x>{_HAN}{{1,4}}(?<![汉数名签文红大打写刻认识])字(?:\d{{4}}第?)?)$"),
        ("number", rf"(?P<x>{_HAN}{{1,6}}\({_HAN}{{1,2}}\){_HAN}{{0,4}})$"),
        ("number latin plate", r"(?P<x>(?:昆明|曲靖|玉溪|大理|丽江|昭通|保山|楚雄|红河|文山|普洱|版纳|德宏|临沧|武汉|上海|成都|重庆|贵阳|南宁|杭州|广州|深圳|北京|长沙|西安)市?[·\s]?)$"),
        ("account latin number", r"(?:微信|[vV]信|wx|WX|昵称|网名|抖音|快手|账号)[号名搜叫为是:\s]{0,3}(?P<x>(?=[^A-Za-z\d]{0,8}[A-Za-z\d])[^,;。:\s]{1,10}\s?)$"),
    )
)  # fmt: skip
_TAIL = later(r"号(?![线楼文车厅门码院桌窗])")
_STEM = 24  # characters before a number in which they are looked for
_PIECES = later(_PIECE)
_HARMLESS_RUN = later(
    r"(?:\d{1,3}[、,/~\-]\s?)+\d{1,3}|[1-9]\d{0,2}0-[1-9]\d{0,2}0|(?:\d{1,3}\.\d{1,2}[\s,、/~\-]{1,2})*\d{1,3}\.\d{1,2}|"
    r"(?:(?:19|20)\d\d[\s、,/~\-]{1,2})*(?:19|20)\d\d|\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,2}(?:[.\-/]\d{1,2}){1,3}|[vV]?\d+(?:\.\d{1,2}){1,3}"
)
_SERVICES = later(
    r"(?<![\dA-Za-z])(?<!\d[\s\-])(?:1[12]\d{3}|100\d\d|1008611|95\d{3}|96\d{3,4}|400-?\d{3}-?\d{4}|400\d-?\d{3}-?\d{3})(?![\s\-]?[\dA-Za-z])"
)
_TAKEN_RUN = later(f"{_TAKEN}+")
_LETTERS_BY = later(
    rf"[A-Za-z_][\-._]?{_TAKEN}|{_TAKEN}[\-._]?[A-Za-z_]|(?<![A-Za-z])(?!QQ|[WV]X|IP|ID|NO)[A-Z]{{2,3}}\s{_TAKEN}"
)
_SHORT_CODE = later(r"[A-Za-z]{1,4}-?\d{1,3}")
_BEGINNING = later(r"\s?(?:开头|打头|起头|那个|号段|的号)")
_ENOUGH, _ENOUGH_JOINED, _ENOUGH_BEHIND, _ENOUGH_LETTERS = 7, 5, 3, 5
_FEW, _LEAST = 5, 4  # so few digits only directly behind the cue; so many characters at least
_LATIN, _SPOKEN = later(r"[A-Za-z\d_]"), later(f"[{_SAID}]")


def widened(work: str, found: list[Place], unit: re.Pattern[str], words: frozenset[str]) -> list[Place]:
    """The places with their remainders, and those that only a cue or the joining gives away.

    ``work`` is blanked where something was found; ``unit`` is what may stand behind a harmless number.
    """
    latin, said = len(_LATIN.findall(work)), len(_SPOKEN.findall(work))
    if latin + said < _LEAST and not (found and latin):
        return found
    work = _SERVICES.sub(lambda run: _OTHER * len(run.group()), work)
    marks = work.replace("\0", _OTHER).replace(_TAKEN, _OTHER)
    for start, end, _ in found:
        marks = marks[:start] + _TAKEN * (end - start) + marks[end:]
    new = [span for match in _JOINED.finditer(marks) if (span := _joined(match, unit))]
    for match in _BEHIND_CUE.finditer(marks):
        if span := _behind(match, unit, words):
            new.append(span)
    new += [match.span() for match in _CASE.finditer(marks)]
    return _merged([_with_stem(work, place) for place in _merged(found, new)], [])


def _with_stem(work: str, place: Place) -> Place:
    """A place with the words before it that belong to the number."""
    start, end, kind = place
    if kind in ("number", "latin") and end - start > _LEAST and _TAIL.match(work, end):
        end += 1
    for kinds, pattern in _STEMS:
        match = pattern.search(work, max(0, start - _STEM), start) if kind in kinds else None
        if match and "\0" not in match["x"] and "\x01" not in match["x"]:
            return match.start("x"), end, kind
    return start, end, kind


def _joined(match: re.Match[str], unit: re.Pattern[str]) -> tuple[int, int] | None:
    """A run without a cue: its place without what belongs to a unit, if it has enough digits."""
    start, end = match.span()
    marks = match.string
    taken = _TAKEN in match.group()
    if unit.match(marks, end):  # 1000、2000元: the unit is everyone's
        if not taken:
            return None
        end = marks.rfind(_TAKEN, start, end) + 1
    text = marks[start:end]
    raw = [c for c in text if c.isascii() and c.isalnum()]
    digits = sum(map(str.isdigit, raw))
    loose = "," in text or "、" in text
    if not raw and len(_TAKEN_RUN.findall(text)) > 1 and not loose:
        return start, end
    if not raw or ((loose or not taken) and _HARMLESS_RUN.fullmatch(text.strip(_TAKEN + " ,、"))):
        return None
    if taken:
        return (start, end) if digits or _LETTERS_BY.search(text) else None
    single = all(len(piece) == 1 for piece in re.findall(r"[A-Za-z\d]+", text))
    if single and len(raw) >= _ENOUGH_JOINED and not _counting(raw):
        return start, end
    return (start, end) if digits >= (_ENOUGH if loose else _ENOUGH_JOINED) else None


def _counting(raw: list[str]) -> bool:
    """1 2 3 4 5, a b c d e: a list."""
    return all(ord(b) - ord(a) == 1 for a, b in itertools.pairwise(raw))


def _behind(match: re.Match[str], unit: re.Pattern[str], words: frozenset[str]) -> tuple[int, int] | None:
    """A run behind a cue: its place without pieces that are counted, if anything of an identifier is left."""
    marks, (start, end) = match.string, match.span("x")
    pieces = [p.span() for p in _PIECES.finditer(marks, start, end)]
    while pieces and _is_counted(marks, pieces[-1], unit):
        pieces.pop()
    while pieces and _is_word(marks, pieces[0], words):
        pieces.pop(0)
    if not pieces:
        return None
    start, end = pieces[0][0], pieces[-1][1]
    text = marks[start:end]
    raw = [c for c in text if c.isalnum()]
    if _TAKEN in text or not raw:
        return (start, end) if raw else None
    if _HARMLESS_RUN.fullmatch(text.strip(" ,、")) and len(raw) < _ENOUGH:
        return None
    digits = sum(c.isdigit() or c in _SAID for c in raw)
    direct = bool(_PLAIN_GAP.fullmatch(match["gap"]))
    if len(raw) >= _LEAST and digits >= _ENOUGH_BEHIND and (direct or digits > _FEW):
        return None if _SHORT_CODE.fullmatch(text) or _BEGINNING.match(marks, end) else (start, end)
    named = direct and _NAMED.search(match.group()[: match.start("gap") - match.start()])
    return (start, end) if named and sum(c.isascii() for c in raw) - digits >= _ENOUGH_LETTERS else None


def _is_counted(marks: str, piece: tuple[int, int], unit: re.Pattern[str]) -> bool:
    text, end = marks[slice(*piece)], piece[1]
    counted = bool(unit.match(marks, end))
    if text[0] in _SAID:
        return (counted or len(text) < _ENOUGH_BEHIND) and marks[end : end + 1].isalpha()
    return text.isdigit() and counted and not (len(text) >= _FEW and marks[end] == "号")


def _is_word(marks: str, piece: tuple[int, int], words: frozenset[str]) -> bool:
    text = marks[slice(*piece)].lower()
    if marks[piece[1] : piece[1] + 1] in ("_", ".", "-", "@"):
        return False
    return text in words or (
        text.isalpha() and text.isascii() and 2 <= len(text) <= 3 and marks[piece[1] : piece[1] + 1].isalpha()
    )


def _merged(found: list[Place], new: list[tuple[int, int]]) -> list[Place]:
    """Places that overlap or touch as one, which keeps the kind of the first that was known."""
    out: list[Place] = []
    for start, end, kind in sorted([*found, *((a, b, "") for a, b in new)]):
        if out and (start < out[-1][1]):
            before = out.pop()
            start, end, kind = before[0], max(end, before[1]), before[2] or kind
        out.append((start, end, kind))
    return [(a, b, kind or "number") for a, b, kind in out]
