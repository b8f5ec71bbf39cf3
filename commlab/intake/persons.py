"""Names of persons in free text, as far as cues give them away.

Three kinds of cue: words that announce a name (我叫, 联系人:), roles before it (网格员马晓东), titles behind
it (李秀英阿姨); and the nicknames 老王, 小马. A name begins with a surname. No rule finds all names, which
is why free text stays behind intake.
"""

from __future__ import annotations

import re

__all__ = ["HAN", "SURNAMES", "find_names"]

HAN = r"\u3400-\u4dbf\u4e00-\u9fff"
# The commonest 200 or so (公安部 2020 name report) and those common in Yunnan.
_COMMON = (
    "王李张刘陈杨赵黄周吴徐孙胡朱郭何罗郑梁谢宋唐韩曹邓冯萧程蔡彭潘袁董余苏叶吕魏蒋田杜沈姜范傅钟卢汪戴崔任陆廖姚谭邹熊金郝孔白康毛邱秦史顾侯邵孟龙万段"
    "雷钱汤尹黎易武乔贺赖龚庞樊施倪颜殷邢岳芦宁聂尤裴阮鲍柴翟耿莫蓝穆柳普木刀纳"
)
_AMBIGUOUS = "马高林方石夏丁江洪薛阎温祁常安严牛向文童路左吉屈鲁伍季成车解符凌项翁甘房华焦葛牟柯冉关欧盛司戚喻梅游盘古和沙保虎尼岩查官单"
SURNAMES = _COMMON + _AMBIGUOUS
_DOUBLE = "欧阳|上官|司马|诸葛|司徒|夏侯|皇甫|尉迟|令狐|慕容"
_SURE = rf"(?:{_DOUBLE}|[{_COMMON}])"
_ANY = rf"(?:{_DOUBLE}|[{SURNAMES}])"
_TITLED = rf"(?:{_DOUBLE}|[{_COMMON}马高林方石夏丁江洪薛严童鲁葛华])"
_TITLES = (
    "先生|女士|小姐|老师|主任|书记|师傅|大爷|大妈|大叔|大姐|大哥|阿姨|奶奶|爷爷|医生|经理|站长|所长|队长|组长|警官|同志|老人|老板|"
    "大娘|大婶|叔叔|伯伯|校长|院长|科长|局长|处长|会长|委员|律师|护士|保安"
)
_ROLES = (
    "网格员|楼栋长|楼长|单元长|志愿者|社工|保安|保洁员?|邻居|房东|租客|租户|住户|居民|村民|业主|老公|老婆|丈夫|妻子|爱人|儿子|女儿|同事|工作人员|办事员|"
    "办事的|书记|主任|站长|经理|队长|组长|医生|老师|师傅|户主|患者|户籍警|片警|民警|辅警|党员|干部|负责人|男子|女子|本人"
)
_ANNOUNCED = (
    "我叫|名叫|叫做|名字是|名字叫|姓名|联系人|经办人|填表人|填报人|审核人|投诉人|反映人|举报人|申请人|当事人|责任人|受访人|被访人|户主|业主|居民|署名|签名|"
    "落款|法人"
)
_EDGE = r",。.;、:!?()\s\0"
_GOES_ON = rf"(?=[{_EDGE}]|$|[^{HAN}]|电|手|反|的|住|联|说|投|在|是|家|和|跟|也|都|不|没|去|来|今|很|给|帮|态|负|办|把|被|从|找|同|年|男|女|这|那)"
_NOTHING_MORE = rf"(?=[^{HAN}]|$)"
_NICK = "王李张刘陈杨赵黄周吴徐孙胡朱郭何罗郑梁谢宋唐韩曹邓冯马高林方石夏丁段普江"
# What begins like a name and is none.
_WORDS = (
    "马上|马路|马桶|高兴|高度|高峰|高层|高龄|高中|高级|高速|高温|高空|方便|方面|方案|方式|方向|安全|安静|安装|安排|周边|周围|周末|周[一二三四五六日天]|常常|"
    "常年|常态|平时|白天|白色|白发|金额|万一|万元|江边|解决|夏天|花园|洪水|石头|路[灯边面口上段]|井盖|毛病|成立|成为|程度|任何|任务|施工|单位|单元|单身|关于|"
    "关心|关系|温度|车[位辆库子主]|党员|文明|文化|文件|明显|易燃|易爆|相关|商店|商户|司机|安保|严重|严格|严禁|向上|向来|和谐|和睦|和平|保安|保洁|保证|"
    "保护|保持|官方|查询|查看|古城|古树|古镇|林立|林荫|房屋|房子|房东|房租|华侨|华丽|金秋|金融|田地|水田|沙发|沙土|柴火|钟点|汤面|黄色|黄昏|黄金|蓝色|"
    "白天|康复|康乐|宁可|宁静|幸福|乔迁|武术|万分|易于|顾客|顾问|任意|何时|何必|胡乱|胡同|余额|余下|于是|毛坯|木门|木材|木头|叶子|杨树|柳树|梁柱|"
    "唐突|程序|康养|全体|童年|文体|成员|成本|成都|成绩|吉祥|欧式|游客|游乐|梅花|盛大|季度|常住|左右|左边|左侧|伍佰|石板|石桥|江苏|夏季|丁字|雷雨|"
    "龙头|金属|白领|白血|陈旧|陈述|谢谢|温馨|何况|解释|施舍|都是|孔洞|史上|侯车|尤其|莫名|莫非|普通|普遍|普及|刀具|纳入|纳税|纳凉"
)
_NO_NAME = re.compile(rf"(?:{_WORDS})")

_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?:{_ANNOUNCED})\s?[:是为叫]\s?(?P<x>[{HAN}·]{{2,4}}){_NOTHING_MORE}",
        rf"(?:{_ANNOUNCED})(?:是|为|叫|[:\s])*(?P<x>{_ANY}[{HAN}]{{1,2}}){_GOES_ON}",
        rf"(?:我是|本人|俺是|我姓名)[:\s]*(?P<x>{_ANY}[{HAN}]{{1,2}})(?=[{_EDGE}]|$)",
        rf"(?P<x>{_TITLED}[{HAN}]{{0,2}}?)(?:{_TITLES})",
        rf"(?:{_ROLES})(?P<x>{_ANY}[{HAN}]{{1,2}}){_GOES_ON}",
        rf"(?<![{HAN}])(?P<x>[老小阿][{_NICK}])(?=[{_EDGE}]|$|的|说|家|来|去|在|他|她|和|跟|态|做|办|帮|很|是|也|就|都|把|被|给|人)",
        rf"(?<=[找叫让请问跟和对里给是])(?P<x>[老小阿][{_NICK}])(?=[{_EDGE}]|$|的|说|家|来|去|他|她|态|做|办|帮|很)",
        rf"(?:感谢|表扬|多亏|投诉|举报|点名)(?P<x>{_SURE}[{HAN}]{{1,2}}){_NOTHING_MORE}",
    )
)
_CUE = re.compile(
    rf"叫|名|人|主|民|长|员|者|本人|我是|公|婆|夫|妻|儿|邻|东|租|工|事|干部|[谢扬亏诉报]|[老小阿][{_NICK}]|{_TITLES}"
)


def find_names(work: str) -> list[tuple[int, int, str]]:
    """Places of names in a folded text."""
    found: list[tuple[int, int, str]] = []
    if not _CUE.search(work):
        return found
    for pattern in _PATTERNS:
        for match in pattern.finditer(work):
            start, end = match.span("x")
            if _NO_NAME.match(work, start) or "\0" in work[start:end]:
                continue
            found.append((start, end, "name"))
            work = work[:start] + "\0" * (end - start) + work[end:]
    return found
