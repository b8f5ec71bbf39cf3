"""What a personal identifier looks like in a text: patterns, then an allow-list of harmless numbers.

*Patterns* know the form: mobile and landline numbers, 18- and 15-digit IDs (with or without a valid
checksum), bank cards, e-mail, WeChat and QQ, number plates, addresses to the door, IP addresses, exact
birth dates, coordinates. The *allow-list* takes whatever number or run of latin letters is left and is not
followed by a harmless unit (2000元, 3次, 128路): it catches the form nobody thought of. ``runs`` widens both over
what is joined to them and looks behind cues; names come last (see ``persons``). Text is folded to NFKC character by character, so that
full-width, circled and Chinese digits are seen and places stay where they are; what cannot be seen
(zero-width characters, accents) is jumped over.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache, reduce
from itertools import repeat
from operator import or_

from commlab.intake.allowed import MEASURED, WORDS, harmless_latin, harmless_number, is_flat
from commlab.intake.doors import BARE_DOOR, BUILDING, CN, COUNTING, DOORS
from commlab.intake.patterns import later
from commlab.intake.persons import HAN, find_names
from commlab.intake.runs import widened

__all__ = ["HAN", "find", "fold", "valid_id"]

_DIGIT_WORDS = "零〇○洞一幺壹二贰貳两三叁參四肆五伍六陆陸七柒拐八捌九玖勾"
_CHINESE_DIGITS = str.maketrans(_DIGIT_WORDS, "00001112222333445566677788999"[: len(_DIGIT_WORDS)])
_SPOKEN = later(rf"(?:[{_DIGIT_WORDS}\d](?:[\s\-,.、/|;+*·。]|杠|然后|空格|后面是?){{0,2}}){{7,}}")
_ALIKE = later(
    r"(?<![A-Za-z\d])(?=(?:[OolI][\s\-.]{0,2})*\d)(?:[\dOolI][\s\-.]{0,2}){10,18}[\dOolIXx](?![A-Za-z\d])"
)
_LETTERS_ALIKE = str.maketrans("OolI", "0011")
_WHOLE, _SHORT = (11, 18), 8  # digits of a mobile number and of an ID; shorter runs are taken as they are
_INVISIBLE = later(
    "[\u00ad\u0300-\u036f\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u20d0-\u20f0\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]"
)
_S = r"(?:[\s\-._·/~|]|杠){0,3}"  # what people put between digits
_C = r"[\s\-._·/~|,、]{0,3}"  # also between groups of digits
# anything but letters, digits and what a pattern has taken: brackets, emoji, stars
_ANY = r"[\s!-/:-@\[-`{-~·、。《》【】「」“”‘’…×\u2010-\u2bff\ue000-\uf8ff\U0001f000-\U0001faff]{0,4}"
_STAR = r"[\d*x●•·×＊#]"
_CALENDAR = r"(?:(?:农|阴|旧|阳|公|新)历)?"
_MONTH_DAY = rf"{_CALENDAR}闰?(?:\d{{1,2}}|[{CN}正腊冬]{{1,2}})\s?[-/.月]\s?[初廿卅]?(?:\d{{1,2}}|[{CN}]{{1,3}})\s?[日号]?"
_DAY = (
    rf"{_CALENDAR}(?:(?:18|19|20)\d{{2}}|\d{{2}}|[零〇一二三四五六七八九]{{2,4}}|民国[{CN}\d]{{1,3}}|[甲乙丙丁戊己庚辛壬癸][子丑寅卯辰巳午未申酉戌亥])\s?[-/.、年]的?\s?{_CALENDAR}闰?"
    rf"(?:\d{{1,2}}|[{CN}正腊冬]{{1,2}})\s?[-/.、月]?\s?(?:[初廿卅]?(?:\d{{1,2}}|[{CN}]{{1,3}})\s?[日号]?)?"
)
_MONTHS = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_BORN = r"(?:出生|生于|生日|诞生|生辰|born|birth(?:day)?|dob)"
_BORN_IS = r"(?:日期?|时间|年月日?|月日|在|于|是|为|on|in|[:,的\s]){0,5}"
_FOUNDED = r"(?:成立|建[成立厂校区]|竣工|通车|回归|解放|施行|实施|生效|颁布|发布|印发|通过|开业|启用|投入|交房|交付|入住|开工|(?<=[日号\d])起)"
_DEGREES = r"\d{1,3}\s?[°度]\s?\d{1,2}(?:\.\d+)?\s?[′'分]\s?(?:\d{1,2}(?:\.\d+)?\s?(?:''|[″\"”秒])?)?\s?(?:[nsew北南东西](?![a-z经纬]))?"
_DECIMALS = r"-?\d{1,3}\.\d{4,}\s?[°度]?\s?[nsew]?"
_LATITUDE, _LONGITUDE = (
    r"(?:1[89]|[2-4]\d|5[0-4])\.\d{2,}",
    r"(?:7[3-9]|[89]\d|1[0-2]\d|13[0-5])\.\d{2,}",
)  # of China
_NAMED = "(?:东经|西经|北纬|南纬|经度|纬度)"
_WHERE = rf"(?:(?<![a-z])[nsew]|{_NAMED})"
_PROVINCES = "京津沪渝冀豫云滇辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使"
_AT = r"(?:\s?(?:@|[\[({<]at[\])}>]|[艾爱]特|圈a|小老鼠)\s?|\sat\s)"
_DOT = r"(?:\s?(?:[.。]|,(?=com|cn|net)|点|[\[({<]dot[\])}>])\s?|\sdot\s)"
_MAILERS = r"(?:163|126|139|189|qq|gmail|foxmail|yeah|sina|sohu|outlook|hotmail|aliyun|icloud)"
_MAIL = r"(?<![a-z0-9._%+\-])[a-z0-9._%+\-]{1,64}(?:(?:下划线|横?杠|点)[a-z0-9._%+\-]{1,64}){0,3}"
_EXTENSION = rf"(?:{_S}(?:转|ext\.?|分机号?){_S}\d{{1,6}}|[\-*]\d{{1,4}}(?!\d))?"
_NUMBERED = (  # words that announce a number which names a person or a thing of theirs
    r"(?:(?:学籍?|[工警户卡票表档床座铺摊]|证|账|帐|会员|车位|门牌|电表|水表)号|学号|工牌|胸牌|门牌|分机|车位|尾[号数]|(?:取件|验证|邀请|序列)[码号]|"
    r"[后末尾前头最]后?(?:[一二两三四五六七八]|\d)[位个]数?字?)"
)
_PAPERS = (
    r"(?:身份证|证件|护照|通行证|回乡证|台胞证|居住证|暂住证|社保|医保|就诊卡|病历|住院|准考证|学生证|[房产]权?产?证|不动产权?证?|土地证|户口[本簿]|"
    r"驾驶?[证照]|行驶证|残疾人?证|军官证|士兵证|退役证|优待证|低保证|老年证|出生证|结婚证|资格证|执业证|上岗证|工作证|执照|信用代码|存折|合同|档案)"
)
_IS = r"(?:号码?|卡|编|是|为|的|填|写|成|了|上|[:=\s\"“”#,]){0,6}"
_P = r"[\s·.。\-/【\[(]{0,2}"  # inside a number plate
_PAUSE = r"(?:[\s.,。、\-_/·()\[\]【】\"]|杠|点|空格|圈|然后|后面?是?){0,3}"  # inside one that is told
_TOLD = rf"[a-z0-9*{_DIGIT_WORDS}]"
_WEB = r"(?:https?://[\w.\-]+|(?<![a-z0-9_@.\-])(?:[a-z0-9\-]+\.)+(?:com|cn|net|org|top|cc|me|tv|io)(?![a-z]))(?::\d+)?"

# In this order; what one pattern takes the next no longer sees. A group named x narrows what is masked. The number says
# how many digits, the letters of which characters one, a text must have for the pattern to be tried at all.
_PATTERNS: tuple[tuple[str, int, frozenset[str], re.Pattern[str]], ...] = tuple(
    (kind, least, frozenset(needs), later(pattern, re.IGNORECASE))
    for kind, least, needs, pattern in (
        ("email", 0, "@", rf"(?<![a-z0-9._%+\-])(?:[a-z0-9_]+\s){{1,5}}@\s?[a-z0-9\-]+(?:{_DOT}[a-z0-9\-]+)+"),
        ("email", 0, "@aA艾爱鼠", rf"{_MAIL}{_AT}[a-z0-9\-]+(?:{_DOT}[a-z0-9\-]+)+"),
        ("email", 0, "@", rf"{_MAIL}@[a-z0-9\-]{{2,}}"),
        ("email", 0, "cC", rf"(?<![a-z0-9._\-])[a-z0-9._\-]{{2,64}}(?:[^\w.]{{1,3}}|[{HAN}]{{1,2}}a?)(?:vip\W)?{_MAILERS}(?:\W{{1,3}}|点)(?:com|cn|net|c0m)(?![a-z])"),
        ("email", 0, "#", r"(?<![a-z0-9._%+\-])[a-z0-9._%+\-]{2,64}#[a-z0-9\-]+\.(?:com|cn|net|org)[a-z.]*"),
        ("", 3, "eE", r"(?<![\w.])\d\.\d{1,6}e\+?\d{1,3}(?![\w.])"),  # 5.30102E+11: what a spreadsheet left of a code
        ("coordinate", 3, "°度", rf"{_WHERE}\D{{0,3}}{_DEGREES}(?:[\s,;、]{{0,2}}{_WHERE}?\s?{_DEGREES})?"),
        ("coordinate", 3, "°度", rf"{_DEGREES}(?:[\s,;]{{0,2}}{_DEGREES})?"),
        ("coordinate", 5, ".", rf"(?<![a-z\d.])(?:{_WHERE}\W{{0,2}})?(?<![\d.]){_DECIMALS}(?:[\s,;/]{{0,2}}(?:{_WHERE}\W{{0,2}})?{_DECIMALS})*(?![\d.])"),
        ("coordinate", 6, "nNeE经纬", rf"(?<![a-z\d.]){_WHERE}\W{{0,2}}\d{{1,3}}\.\d{{2,}}[\s,;/、]{{0,2}}{_WHERE}\W{{0,2}}\d{{1,3}}\.\d{{2,}}"),
        ("coordinate", 4, ". °度", r"(?:gps|坐标|定位|经纬度?|位置)(?:(?![nsew]\s?\d)\D){0,6}(?P<x>(?:[nsew]\s?)?\d{1,3}[.°度\s]\s?\d[\dnsew\s.,、;/°′″'\"]{3,}[\dnsew])"),
        ("coordinate", 2, "经纬", rf"{_NAMED}\D{{0,3}}\d{{1,3}}(?:[.°度]\s?\d+)*(?:[.′'分度°]\s?\d*)*(?:[″\"秒])?"),
        ("coordinate", 0, "经纬", rf"{_NAMED}[{CN}]{{1,6}}(?:点[{CN}]+)?度(?:[{CN}]{{1,4}}分)?(?:[{CN}]{{1,4}}秒)?"),
        ("coordinate", 8, ".", r"(?<![\d.])\d{2,3}\.\d{3,}\s?[,/;]\s?\d{2,3}\.\d{3,}(?![\d.])"),
        ("coordinate", 8, ".", rf"(?<![\d.])(?:{_LATITUDE}[\s,、/;]{{1,2}}{_LONGITUDE}|{_LONGITUDE}[\s,、/;]{{1,2}}{_LATITUDE})(?![\d.]|{COUNTING})"),
        ("coordinate", 5, "xXyY", r"(?<![a-z])[xy]\s?[=:]\s?\d{5,8}(?:\.\d+)?"),
        ("id", 17, "", rf"(?<![\da-z])[1-9](?:{_S}\d){{5}}{_S}(?:1{_S}[89]|2{_S}0){_S}\d{_S}\d{_S}(?:0{_S}\d|1{_S}[0-2]){_S}"
            rf"[0-3]{_S}\d(?:{_S}\d){{3}}{_S}[\dx*](?![\da-z])"),
        ("id", 15, "", r"(?<![\da-z])[1-9]\d{5}\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}(?![\da-z])"),
        ("id", 1, "*●•·×xX＊", r"(?<![\da-z])(?=[\d*●•·×x＊]{14,22}(?![\da-z*]))[1-9]\d{0,13}[*●•·×x＊]{4,18}\d{0,6}[\dx]?"),
        ("bank", 16, "", rf"(?<![\da-z])[3-9](?:{_S}\d){{15,18}}(?![\da-z])"),
        ("bank", 8, "*●•·×xX＊", rf"(?<![\da-z])[3-9]\d{{3}}(?:{_S}{_STAR}{{4}}){{3}}(?:{_S}\d{{1,3}})?(?![\da-z])"),
        ("mobile", 11, "", rf"(?<![\da-z])(?:\(?\+?(?:00)?86\)?{_S})?1{_S}[3-9](?:{_S}\d){{9}}{_EXTENSION}(?!\d)"),
        ("mobile", 11, "", rf"(?<![\da-z])(?:\(?\+?(?:00)?86{_ANY})?[(\[【]?1[3-9]\d{_ANY}\d{{4}}{_ANY}\d{{4}}[)\]】]?(?!\d)"),
        ("mobile", 11, "", rf"(?<![\da-z])1[3-9]\d(?:{_C}\d{{3}}{_C}\d{{5}}|{_ANY}\d{{8}})(?!\d)"),
        ("mobile", 11, "中后尾末", r"(?:前[头面]?[三3]?位?是?)?1[3-9]\d(?:[,、\s]|[然再接着当中间后末尾最头位四是]){1,8}\d{4}(?:[,、\s]|[然再接着当中间后末尾最头位四是]){1,8}\d{4}(?!\d)"),
        ("mobile", 11, "", rf"(?<![\da-z])1{_ANY}[3-9](?:{_ANY}\d){{9}}(?!{_C}\d)"),
        ("mobile", 4, "*●•·×xX＊", rf"(?<![\da-z])1[3-9*x](?:{_S}{_STAR}){{7,9}}(?![\da-z])"),
        ("ip", 4, ".。", r"(?<![\d.])(?:::(?:ffff:)?)?(?:\d{1,3}[.。]){3}(?:\d{1,3}|\*{1,3})(?::\d{2,5}|/\d{1,2})?(?![\d.])"),
        ("ip", 4, ".", r"ip(?:地址|是|为|[:\s])*(?P<x>(?:\d{1,3}\s?\.\s?){3}\d{1,3})(?!\d)"),
        ("ip", 2, ":", r"(?:ip(?:v6)?[:\s]{0,2}|(?<![\da-z])(?<![\da-f:]:))(?P<x>(?=[\da-f:]{0,40}(?:::|[a-f]|(?::[\da-f]+){5}))(?:[\da-f]{1,4}:{1,2}){2,7}[\da-f]{0,4})(?![\da-z:])"),
        ("ip", 1, ":", r"(?<![\da-z:])[\da-f]{1,4}::[\da-f]{0,4}(?![\da-z:])"),
        ("ip", 2, ":-", r"(?:mac|(?<![\da-z]))(?P<x>(?:[\da-f]{2}[:\-]){5}[\da-f]{2})(?![\da-z])"),
        ("landline", 9, "", rf"(?:tel|(?<![\da-z\-])(?<!\d\s))(?P<x>(?:\(?\+?(?:00)?86\)?{_S})?[(\[]?0\d{{2,3}}[)\]]?{_C}\d{{3,4}}{_C}\d{{4}}{_EXTENSION})(?!\d)"),
        ("landline", 9, "8", rf"(?<![\d\-])\(?\+?(?:00)?86\)?{_S}\d{{2,3}}{_S}\d{{3,4}}{_S}\d{{4}}{_EXTENSION}(?!\d)"),
        ("landline", 7, "电座固tTeE致传办值拨打转分", rf"(?:电话|座机|固话|tel|致电|传真|办公室|值班室?|拨|打)\D{{0,4}}(?P<x>[2-9](?:{_S}\d){{6,7}}{_EXTENSION})(?!\d)"),
        ("landline", 7, "转分eE", rf"(?<!\d)[2-9]\d{{2,3}}{_S}\d{{4}}{_S}(?:转|分机号?|ext\.?){_S}\d{{1,6}}(?!\d)"),
        ("account", 0, "微威薇徽卫vVwWqQ扣秋蔻企抖快小钉支账帐oOuU昵用加淘闲陌tTsS知网",
            r"(?:[微威薇徽]\s?信|卫星|微❤|加(?:我|个|一下)?(?:微|薇|威|v)信?|v信|vx|wx|wechat|weixin|(?<![a-z云京沪川贵渝])q(?!u[aeio]|_)\s?[q群]?|[扣秋蔻]{2}|加扣|企鹅|抖音|快手|小红书|微博|"
            r"知乎|淘宝|闲鱼|陌陌|钉钉|支付宝|账号|帐号|telegram|whatsapp|skype|openid|unionid|昵称|网名|用户名)(?:号码|账号|帐号|昵称|名|号|群|id|搜|就?是|为|[:=\s,+@\"“])*"
            r"(?P<x>(?!\d{1,7}\s?(?:[多余人户元次条个名块万年月天分步秒页]))(?:[a-z][a-z0-9_\-]*[:.])?(?:[a-z0-9_\-]{5,40}|\d(?:[\s\-,.]{0,2}\d){4,14}|[a-z0-9](?:\s[a-z0-9]){4,20}))(?![a-z0-9_])"),
        ("account", 2, "名称", rf"(?:微信名|昵称|网名|[名头]称)[是为叫:\s]*(?P<x>[{HAN}]{{1,8}}[a-z]+[\d_][a-z\d_]*|[{HAN}]{{1,8}}\d{{3,}})"),
        ("account", 1, "/", rf"{_WEB}(?P<x>/[^\s,。;、\"“”{HAN}]*\d[^\s,。;、\"“”{HAN}]*)"),
        ("", 0, ".", rf"{_WEB}(?:/[^\s,。;、{HAN}]*)?"),
        ("plate", 3, _PROVINCES, rf"(?:wj\s?)?[{_PROVINCES}]{_P}[a-z](?=(?:{_P}[a-z*])*{_P}\d)"
            rf"(?:{_P}[a-z0-9*]){{4,5}}{_P}[a-z0-9挂学警港澳领](?![a-z0-9])"),
        ("plate", 5, "wW使领", rf"(?<![a-z])wj\s?[{_PROVINCES}]?\s?\d{{4,5}}[a-z\d]?(?![a-z\d])|[使领]\d{{6}}(?!\d)"),
        ("plate", 0, _PROVINCES, rf"[{_PROVINCES}]{_PAUSE}[a-z](?=(?:{_PAUSE}[a-z]){{0,2}}{_PAUSE}(?:[\d{_DIGIT_WORDS}]|[两三四]个))"
            rf"(?:{_PAUSE}[两三四]个[\d{_DIGIT_WORDS}](?:{_PAUSE}{_TOLD}){{0,3}}|(?:{_PAUSE}[a-z0-9]){{5,6}}(?![a-z0-9])|(?:{_PAUSE}{_TOLD}){{5,6}})"),
        ("plate", 3, "挂学警", rf"[{_PROVINCES}][a-z]{_P}[挂学警]\d{{3,5}}"),
        ("plate", 1, "*", rf"[{_PROVINCES}][a-z][·\s]?(?=[a-z]*\*)[a-z0-9*]{{5,6}}"),
        ("plate", 1, "·", r"(?<![a-z0-9·])(?=[a-z0-9]{1,4}·)(?=[a-z·]*\d)[a-z][a-z0-9·]{6,7}(?![a-z0-9·])"),
        ("birth", 0, "生诞bBdD", rf"{_BORN}{_BORN_IS}(?P<x>\d{{1,2}}[/.\-]\d{{1,2}}[/.\-](?:19|20)?\d{{2}}|(?:19|20)\d{{2}}\s\d{{1,2}}\s\d{{1,2}}|{_MONTH_DAY}|"
            rf"(?:19|20)\d{{2}}(?:0[1-9]|1[0-2])|(?:0[1-9]|1[0-2])[0-3]\d|{_MONTHS}\s?(?:\d{{1,2}}[a-z]*,?\s?)?(?:19|20)\d{{2}}|\d{{1,2}}\s?{_MONTHS}\s?\d{{4}})(?!\d|{COUNTING})"),
        ("birth", 0, "生诞bBdD", rf"{_BORN}\D{{0,6}}?(?P<x>(?:19|20)\d{{6}}|{_DAY})"),
        ("birth", 0, "生诞", rf"(?P<x>(?:19|20)\d{{6}}|\d{{1,2}}[/.\-]\d{{1,2}}[/.\-]19\d{{2}}|{_DAY}|{_MONTH_DAY}(?=是?(?:我|他|她|老人|孩子|本人){{0,2}}的?(?:过生|生)日))\s?(?:的|是?(?:我|他|她|老人|孩子|本人){{0,2}}的?(?=生日))?(?:出生|生人|生的|生日|诞生|[降所]生|(?:\([农阴]历\)|过)?生(?=[,。.;、!?()\s日]|$))"),
        ("birth", 6, "", r"(?<!\d)19\d{2}\s?[-/.年]\s?\d{1,2}\s?[-/.月]\s?\d{1,2}\s?[日号]?(?!\d)"
            rf"(?![日号]?\D{{0,5}}{_FOUNDED})|(?<![\da-z])19\d{{2}}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d)"),
        ("birth", 0, "年", rf"(?<![{CN}\d])(?:一九|19)?[三四五六七八九3-9][{CN}\d]年{_CALENDAR}闰?(?:[{CN}正腊冬]{{1,2}}|\d{{1,2}})月[初廿卅]?[{CN}\d]{{1,3}}[日号]?(?!\d|\D{{0,6}}{_FOUNDED})"),
        ("birth", 4, "的", r"(?P<x>(?:19[2-9]|200|201)\d年\d{1,2}月(?:\d{1,2}[日号]?)?)的(?=[,。;]|$)"),
        ("birth", 0, "国", rf"民国[{CN}\d]{{1,3}}年(?:[{CN}正腊冬\d]{{1,2}}月[初廿卅]?[{CN}\d]{{1,3}}[日号]?)(?!\D{{0,6}}{_FOUNDED})"),
        ("birth", 4, "-./", rf"(?<![\d\-./:])[3-9]\d([\-./])(?:0?[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01]|[1-9])(?![\d\-./]|{COUNTING}|\D{{0,6}}{_FOUNDED})"),
        # dates and times are nobody's: taken out so that their digits join no number
        ("", 4, "", r"(?<![\da-z])(?<![a-z]-)(?:19|20)\d{2}\s?[-/.年]\s?\d{1,2}(?:\s?[-/.月]\s?\d{1,2}\s?[日号]?)?(?:[\s,t]{1,2}\d{1,2}:\d{2}(?::\d{2})?)?(?!\d|-\d{3})"),
        ("", 8, "", r"(?<![\w\-])20\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?![\w\-])"),
        # standards: GB/T 50180-2018
        ("", 3, "BbJjIi", r"(?<![a-z\d])(?:gb|db\d*|jgj|cjj|jtg|iso|iec|hj)(?:\s?/?\s?t)?[\s\-]?\d{2,6}(?:\.\d+)?(?:-\d{4})?(?!\d)"),
        *DOORS,
        ("number", 2, "第", r"(?:介绍信|[告通]知书|[证单票据函])号?(?P<x>第\s?\d{2,}\s?号)(?!令|文|公告)"),
        # papers: 昆房权证字第...号, 云(2019)昆明市不动产权第...号; what stands behind 护照, 工号, 尾号
        ("number", 3, "第", rf"(?:[{HAN}]{{1,6}}[字证权用](?:\([\d{HAN}]{{2,8}}\))?[{HAN}]{{0,14}}|[{HAN}]\(\d{{4}}\)[{HAN}]{{2,16}}[权证明字])第\s?\d{{3,}}\s?号"),
        ("number", 3, "第", r"第\s?0\d{2,}\s?号"),
        ("number", 4, "证照卡保历院产本簿码折同案", rf"{_PAPERS}{_IS}(?P<x>(?>[a-z]{{0,4}}[\-\s]?\d(?:[\da-z*]|[\-.\s(](?=[\da-z*(])|\)){{4,40}}))(?!{COUNTING})"),
        ("number", 2, "号牌机位码数", rf"{_NUMBERED}{_IS}(?P<x>(?>附?[a-z]{{0,4}}-?\d(?:[\da-z*]|[\-.](?=[\da-z*])){{1,24}}))(?!{COUNTING})"),
        ("number", 0, "号位码", rf"(?:尾号|位|工号|学号){_IS}(?P<x>[{_DIGIT_WORDS}]{{3,6}})(?![{HAN}])"),
        ("number", 11, "", rf"(?<![\da-z])[a-z]{{0,4}}-?(?:\d(?:{_S}\d){{12,}}|\d{{11,}}(?=[a-z*]))[\da-z*]*"),
    )
)  # fmt: skip

# The same as sets of bits: bit k stands for pattern k.
_MOST_DIGITS = max(least for _, least, _, _ in _PATTERNS)
_BY_DIGITS = tuple(
    sum(1 << k for k, (_, least, _, _) in enumerate(_PATTERNS) if least <= digits)
    for digits in range(_MOST_DIGITS + 1)
)
_NEEDS = tuple(needs for _, _, needs, _ in _PATTERNS)
_ANY_CHAR = sum(1 << k for k, needs in enumerate(_NEEDS) if not needs)
_BY_CHAR = {
    c: sum(1 << k for k, needs in enumerate(_NEEDS) if c in needs) for c in frozenset().union(*_NEEDS)
}

_NUMBER = later(r"(?<![A-Za-z0-9_])(?<![A-Za-z]-)\d[\d,]*+(?:[.\-:/~]\d++)*+(?![A-Za-z_])")
_LATIN = later(r"[A-Za-z0-9_][A-Za-z0-9_\-.]*[A-Za-z0-9_]")
_HAN_CHAR = later(f"[{HAN}]")
_ONES_OWN = frozenset(
    ("mobile", "id", "landline", "account", "email")
)  # a name stands beside these: 李秀英139...
_WORD, _NEAR, _SENTENCE_END = 6, 16, later(r"[。;!?\n]")
_FULL_DATE = later(
    r"(?<![\d.])(?:19|20)\d{2}(?:\s?[-/.年]\s?\d{1,2}\s?[-/.月]\s?\d{1,2}(?:\s?[日号])?|(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))(?![\d.])(?!\s?\d{1,2}:)"
)
_FIELD = later(r"(?:\([^()]{1,8}\))?(?:[,、;:\s(]?[男女]?(?:[\u4e00-\u9fff]{1,3}族)?[,、;:\s(]?)$")
_FIELD_END = later(r"\s?(?:[,。;)、\s]|$)")
_CHILD = later(
    r"(?:[一二三]胎|(?<![你们])我|老[伴公婆爸妈头]子?|[爸妈爷奶]{1,2}|岳[父母]|[父母]亲|本人|(?:身份证|户口[本簿]?)上?[写登]?[的是记为]{0,2}|[娃孩婴宝童]|孙[子女]|儿子|女儿|[老小][大二三]|[大小]的|[男女])[子是叫:,(]{0,2}$"
)
_OF_CHILD = later(r"\s?的?(?:那个|这个)?(?:娃|小孩|宝宝|婴儿|的孩子|的宝)")
_DIGIT = later(r"[0-9]")
_CUE = later(rf"[0-9A-Za-z{_DIGIT_WORDS}十甲乙丙丁戊]")


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
        inner = "".join(filter(str.isalnum, kept))
        start += kept[0] in _DIGIT_WORDS and inner[1:-1].isascii() and end > _SHORT
        end -= kept[-1] in _DIGIT_WORDS and inner[start:-1].isascii() and end > _SHORT
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
    dated = work
    found: list[tuple[int, int, str]] = []
    if _CUE.search(work):
        work = _ALIKE.sub(lambda run: run.group().translate(_LETTERS_ALIKE), work)
        for number in _worth_trying(work):
            kind, *_, pattern = _PATTERNS[number]
            work = _take(pattern, kind, work, found)
        if any(kind == "address" for *_, kind in found):
            work = _take(BARE_DOOR, "address", work, found)
        if free:
            found += _left_over(work, doors=any(kind == "address" for *_, kind in found))
            found = widened(work, sorted(found), MEASURED, WORDS)
            for start, end, kind in found:
                work = work[:start] + _blank(kind) * (end - start) + work[end:]
    names = find_names(work, free=free)
    if names and free:
        found += _buildings(work, names)
    if free:
        found += list(_births(dated, found, names))
    found += names
    found.sort()
    return found if seen is None else [(seen[a], seen[b - 1] + 1, kind) for a, b, kind in found]


def _worth_trying(work: str) -> Iterator[int]:
    """Numbers of the patterns for whose digits and characters a text has enough, in order."""
    needs = reduce(or_, map(_BY_CHAR.get, set(work), repeat(0)), _ANY_CHAR)
    left = needs & _BY_DIGITS[min(len(_DIGIT.findall(work)), _MOST_DIGITS)]
    while left:
        last = left & -left
        yield last.bit_length() - 1
        left ^= last


def _take(pattern: re.Pattern[str], kind: str, work: str, found: list[tuple[int, int, str]]) -> str:
    """Note the places of one pattern and blank them for the next."""
    group = "x" if "x" in pattern.groupindex else 0
    for match in pattern.finditer(work):
        start, end = match.span(group)
        while end > start and work[end - 1] in " ,.-_、/":
            end -= 1
        if work[start:end].lower() in WORDS:
            continue
        if kind and end > start:
            digits = "".join(filter(str.isdigit, work[start:end])) if kind in ("bank", "number") else ""
            found.append((start, end, "id" if valid_id(digits) else kind))
        work = work[:start] + _blank(kind) * (end - start) + work[end:]
    return work


def _blank(kind: str) -> str:
    return "\x01" if kind in _ONES_OWN else "\0"


def _left_over(work: str, *, doors: bool) -> Iterator[tuple[int, int, str]]:
    """Numbers and latin runs that no pattern took and no context makes harmless."""
    for match in _NUMBER.finditer(work):
        start = match.start()
        run = match.group().rstrip(",")
        if not harmless_number(work, start, start + len(run), doors=doors):
            yield start, start + len(run), "address" if is_flat(run) else "number"
    for match in _LATIN.finditer(work):
        if harmless_latin(work, *match.span()):
            continue
        run = match.group()
        if any(c.isdigit() or c == "_" for c in run) or (len(run) >= _WORD and _is_chinese(work)):
            yield match.start(), match.end(), "latin"


def _buildings(work: str, names: list[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
    """Bare buildings (11幢) in the same sentence as a name and near it."""
    for match in BUILDING.finditer(work):
        if any(start < match.end() and match.start() < end for start, end, _ in names):
            continue
        for start, end, _ in names:
            between = work[match.end() : start] if start >= match.end() else work[end : match.start()]
            if len(between) <= _NEAR and not _SENTENCE_END.search(between):
                yield match.start(), match.end(), "address"
                break


def _births(
    dated: str, found: list[tuple[int, int, str]], names: list[tuple[int, int, str]]
) -> Iterator[tuple[int, int, str]]:
    """Exact dates that stand for a child or beside a name as a field of their own."""
    ends = {end for _, end, _ in names}
    for match in _FULL_DATE.finditer(dated):
        start, end = match.span()
        between = _FIELD.search(dated, max(0, start - _NEAR), start)
        of_name = between and between.start() in ends
        child = _CHILD.search(dated, max(0, start - _NEAR), start) or _OF_CHILD.match(dated, end)
        if (child or (of_name and _FIELD_END.match(dated, end))) and not any(
            a < end and start < b for a, b, _ in found
        ):
            yield start, end, "birth"


def _is_chinese(work: str) -> bool:
    return len(_HAN_CHAR.findall(work)) > sum(c.isascii() and c.isalpha() for c in work)
