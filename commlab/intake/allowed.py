"""The allow-list: which numbers and latin runs of a text are harmless. Every other one is hidden.

A number is harmless when its *context* says what it counts: a measure word behind it that fits its length (2000元, 3次,
1000、2000元), a quantity before it (共, 约, 收费, 血压), the form of a date, a time, an amount or a service (12345, 95598), a number
of one or two digits. One of three or four digits that could be a flat (502, 1203) needs a measure word that cannot
begin another word (502家的狗 is no count), and so does one of five or more (600283余额). A latin run is harmless as a word,
a standard (GB 50180), a version, a model behind the thing it belongs to (打印机M126nw), a train or a road (G56高速).
"""

from __future__ import annotations

import re

from commlab.intake.patterns import later

__all__ = ["FLAT", "MEASURED", "WORDS", "harmless_latin", "harmless_number", "is_flat"]

_UNITS = (
    "年|月|日|点|时|小时|分|秒|天|周|星期|岁|人|户|个|名|位|次|件|条|项|元|块|万|亿|千|百|%|‰|℃|°|度|毫安|毫米|毫升|毫克|米|厘米|公里|平|亩|吨|"
    "册|斤|公斤|克|升|瓦|台|辆|家|只|棵|盏|期|批|场|路|线|字|页|篇|本|份|类|种|级|型|倍|张|把|套|间|处|片|剂|例|起|支|盒|桌|幅|具|架|罐|盘|副|笔|声|分贝|公顷|千克|千瓦|首|匹|粒|头|捆|卷|轮|宗|档|"
    "组|班|多|[余来][人户个名次元件年平米家天块条只场份公]|左右|上下|以上|以下|以内|几|伏|兆|帕|赫|转|卡|像素|流明|栋|幢|座|弄|号|室|户|街|大街|村|团|营|票|毛|角|版|步|枚|箱|桶|袋|瓶|根|颗|株|"
    "门|口|队|遍|趟|回|年代|世纪|分钟|立方|方|单元|辆次|人次|车位|床|公园|国道|高速|工程|行动|㎡|m²|\\+|/月|/年|/人|/天|/户|/平|/吨|/次|km|m2|kg|cm|mm|kw|kwh|g|mb|gb|"
    "mah|db|hz|rpm|w|v|m|t|h|p|k"
)
# Measure words behind which no other word begins: 余额, 人工, 户主, 家里, 张阿姨, 把门 are none.
_SURE_UNITS = (
    "元|块|万|亿|千|百|%|‰|℃|°|小时|分钟|秒|天(?!天)|岁|年(?!轻|老|纪)|月|人次|人(?!工|家|民|员|行|说|反|在|来|不|很|都)|户(?!主|名|口|籍|型|号|的|人|家|反|说|漏|内)|个(?!人|体)|名(?!下|字|称)|位(?!于|置)|次|件|条|"
    "项|毫升|毫克|毫米|厘米|公里|里|米(?!线)|平(?!时|常|安|房)|亩|吨|册|斤|公斤|克|升|瓦|台(?!账|阶|湾)|辆|只(?!能|有|是|要|好|收|交)|棵|株|盏|字|页|篇|本(?!人|月|年|社|周|院|季|小区)|份|种|倍|路|号?线|"
    "多[人户元次年个天平块份名]|余[人户元次年个平份名]|左右|以上|以下|以内|伏|兆|像素|票|步|枚|箱|桶|袋|瓶|根|颗|立方|方(?!便|面|案|法)|度(?!假|过)|国道|高速|工程|期|届|批|场|套|剂|例|起(?=[,。;、)\\s]|$)|支(?=[,。;、)\\s]|$)|盒|桌|幅|具|架|罐|副|笔|分贝|公顷|千克|千瓦|首|[栋座家](?=[,。;、)\\s]|$|其中|\\d)|"
    "张(?=[,。;、)\\s]|$|[照证票卡床桌纸])|把(?=[,。;、)\\s]|$)|间(?=[,。;、)\\s]|$|房)|处(?!理|罚|置)|㎡|m²|/月|/年|/人|/天|/户|/平|/吨|/次|km|m2|kg|cm|mm|kw|kwh|g|mb|gb|mah|db|hz|rpm|w|v|m|教室|会议|医院|中学|大街"
)
_LIST = r"(?:\s?(?:[、,~/\-]|到|至|和|或|及)\s?\d[\d,.]*){0,6}"
MEASURED = later(rf"{_LIST}\s?(?:{_UNITS})|\s?[×x*]\s?\d", re.IGNORECASE)
_SURELY = later(rf"{_LIST}\s?(?:{_SURE_UNITS})|\s?[×x*]\s?\d", re.IGNORECASE)
_COUNTED = later(r"\s?(?:元|块|人|户|平|吨|亩|立方|字|kwh|度|次|票|期|万|亿|千)", re.IGNORECASE)
_QUANTITY = later(
    r"(?:[每一]年|[每一]个?月|[每一]天|应该|[共骗就约近超逾达至仅有才收交缴花罚扣欠差借贷赔补退付投筹捐奖涨降减增费价钱薪资租款金贴助偿励入出贵要剩占测]|测得|取号|排号|[从由比]|预算|成本|一共|总共|大概|"
    r"只要|需要|[合总共]计|[到了]?\D元的?|不足|不到|人口|[数量额摊击限分值赞]|每(?:[人户家平车辆次吨]|学[期年]|季度?)|得票|面积|得分|里程|市值|产量|步数|字数|标准|多达|高达|低于|高于|多于|少于|"
    r"第|国发|政发|〔|〕|\d[×x*]|[血气水油]压|血糖|心率|指数|读数|aqi|gdp|浓度|[高低][压値值]?|会议室|活动室|教室|诊室|包间|k\d{1,3}\+|[A-Za-z]\d+~|\+|Φ)\s?(?:是|到|到了|至|了|为|:|约|近|达|过)?\s?$",
    re.IGNORECASE,
)
# numbers that are names: 101医院, 119消防, 315晚会, 360软件
_NAMING = later(
    r"\s?(?:医院|智库|消防|急救|查号|世博|软件|热线|晚会|事件|加班|教室|文创|[联互]动|杀毒|浏览器|创意|艺术|路|大道|所|厂|团|队|地块|开头|打头|号段|街区|、双)"
)
_SERVICE = later(
    r"11[0459]|12[02]|1[12]\d{3}|100\d{2}|1008611|95\d{3}|96\d{3,4}|400-?\d{3}-?\d{4}|400\d-?\d{3}-?\d{3}"
)
_DATE_ONLY = later(
    r"(?:19|20)\d{2}[-/.]\d{1,2}(?:[-/.]\d{1,2})?|(?:19|20)\d{2}(?:[-~/](?:19|20)?\d{2})?|"
    r"\d{1,2}:\d{2}(?:[-~:]\d{1,2}(?::\d{2})?)*|\d{1,2}[./]\d{1,2}[-~]\d{1,2}[./]\d{1,2}"
)
_RANGE = later(r"\d{1,3}(?:[.\-~/:]\d{1,3})+|\d{1,2}(?:,\d{1,3}){2,}")
_AMOUNT = later(r"\d{1,6}\.\d{1,3}|\d{1,3}(?:,\d{3})+(?:\.\d+)?|1:\d{2,5}|\d{1,2}00+-\d{1,2}00+")
FLAT = r"(?:[1-9]|[1-3]\d)(?:0[1-9]|1[0-2])"  # the floor, then 01 to 12
_IS_FLAT = later(FLAT)
_LISTED = later(r"(?:\d{1,4}[、,/\-~]\s?)+$")
_PRODUCT = later(r"(?:批号|批次|货号|邮编|邮政编码|区号|条形?码)[是为:\s]{0,2}$")
_AT_HOME = later(r"(?:楼[上下]|隔壁|对[门面]|[住家房租栋幢座]|(?<![会议动教诊浴公])室)[的是在]?$")
_LIVED_IN = later(r"\s?的?(?:住户|租[户客]|业主|邻居|那[家户]|户主|房东|室)(?![数均])")
_ROUND = later(r"\d+0")
_FEW, _SOME, _MANY = 3, 5, 7  # digits from which a number is looked at, cannot be a flat, is hardly counted
_BEFORE = 7  # characters before a number in which a quantity is looked for

WORDS = frozenset(
    re.findall(
        r"\S+",
        "account address airport alipay android app badminton basketball bilibili birthday bluetooth "
        "carrefour cctv-13 center centre china coffee community covid covid-19 covid19 douyin download email "
        "etcetera excel facebook football garden google government happy hello hotel huawei indoor internet "
        "iphone kfc kunming linux login macbook manager market mcdonald mobile number office office365 online "
        "open_id openid outdoor parking party password phone photoshop pingpong please powerpoint private property public "
        "python removed school security server service starbucks station street supermarket system taobao "
        "tennis thank thanks tiktok toilet twitter unionid update user_id userid version video vs walmart website wechat weixin wifi "
        "windows windows10 xiaomi youtube yunnan",
    )
)
_STANDARD = later(r"(?:gb|gbt|iso|iec|ieee|db|jgj|cjj|hj|yd|jtg|cecs)[\d\-.]*(?:/t)?[\d\-.]*", re.IGNORECASE)
# iPhone12, Office2016, v1.0.3: a product and its version
_VERSION = later(
    r"(?:iphone|ipad|ios|android|windows|win|office|word|excel|wps|app|mate|nova|reno|note|redmi|oppo|vivo|honor|galaxy|java|html|usb|hdmi|photoshop|"
    r"cctv|wifi|led|version|v|r)?[\-_]?\d{1,4}(?:\.\d{1,4}){0,3}(?:pro|plus|max|se|mini|s|x|p|e|i|w)?",
    re.IGNORECASE,
)
_COUNTED_CODE = later(r"[a-z]{1,4}\d{1,4}(?:\.\d+)?", re.IGNORECASE)  # 高铁G1234次, GDP6475.88亿
_CODE_UNIT = later(r"\s?(?:次|[路线](?![东西南北中一二三]?段?\d)|亿|万|元|%|人|倍|国道|高速|列车|航班|公交)")
_END_OF_ID = later(r"\d{3}[Xx]")
_MODEL = later(
    r"(?:(?:型号|规格|牌号|品牌)[是为:\s]*|(?<![手司车])(?:[机仪计泵屏阀]|电[视脑池]|[警扬]?[报播]?器|摄像头|探头|空调|冰箱)[A-Za-z统一款型\s:]{0,7})$"
)
_MODEL_SHAPE = later(r"[A-Za-z]{1,3}-?[A-Za-z]?\d{1,4}[A-Za-z\d]{0,6}", re.ASCII)
_SHORT_CODE = later(
    r"[A-Za-z]{1,4}-?\d{1,3}(?:\.\d{1,2})?|[A-Za-z]{2,4}-(?:[A-Za-z]\d{2}|\d{2}[A-Za-z]{1,3})|\d{1,4}(?:\.\d+)?[A-Za-z]{1,4}",
    re.ASCII,
)
_LOOK, _LONG = 12, 24


def is_flat(run: str) -> bool:
    """Whether a number could be that of a flat: floor and door."""
    return _IS_FLAT.fullmatch(run) is not None


def harmless_number(work: str, start: int, end: int, *, doors: bool = False) -> bool:
    """Whether the number at a place of a folded text names nobody and nothing of theirs; with ``doors``, beside a door."""
    run = work[start:end]
    digits = sum(c.isdigit() for c in run)
    if is_flat(run) and _LIVED_IN.match(work, end):
        return False
    if is_flat(run) and (doors or _AT_HOME.search(work, max(0, start - _BEFORE), start)):
        return _SURELY.match(work, end) is not None
    if digits < _FEW or any(p.fullmatch(run) for p in (_SERVICE, _DATE_ONLY, _RANGE, _AMOUNT)):
        return True
    if _PRODUCT.search(work, max(0, start - _BEFORE), start):
        return True
    if digits >= _MANY:  # 一二三四五六七八号楼
        return (MEASURED if run in "123456789" else _COUNTED).match(work, end) is not None
    strict = digits >= _SOME or is_flat(run)
    if (_SURELY if strict else MEASURED).match(work, end):
        return True
    if digits > _SOME:
        return False
    if digits < _SOME and (_NAMING.match(work, end) or (_ROUND.fullmatch(run) and not is_flat(run))):
        return True
    listed = _LISTED.search(work, max(0, start - _LONG), start)
    start = listed.start() if listed else start
    return _QUANTITY.search(work, max(0, start - _BEFORE), start) is not None


def harmless_latin(work: str, start: int, end: int) -> bool:
    """Whether a run of latin letters (and digits) is a word, a standard, a version, a model or too short."""
    run = work[start:end]
    letters = sum(c.isalpha() for c in run)
    if not letters or (len(run) < _SOME and not _END_OF_ID.fullmatch(run)) or run.lower() in WORDS:
        return True
    if len(run) >= _SOME and any(p.fullmatch(run) for p in (_SHORT_CODE, _STANDARD, _VERSION)):
        return True
    if _COUNTED_CODE.fullmatch(run) and _CODE_UNIT.match(work, end):
        return True
    model = _MODEL.search(work, max(0, start - _LOOK), start)
    return bool(model and (_MODEL_SHAPE.fullmatch(run) or model.group()[0] in "型规牌品"))
