"""Units of measure as headers and sheets print them, and what brings a value to its base unit.

A header's last bracket names its unit: ``经费(万元)`` counts in 10,000 yuan, so values are multiplied and
the header becomes ``经费(元)``; ``办结率(%)`` is divided by 100 and stays as printed. A unit that only an upper
level prints (``经费(万元)/财政``) holds for what stands below it, but not for counts, rates and words. ``单位:万元``
above a table holds for its columns of money that print no unit of their own.

>>> header_unit("经费(万元)")
Unit(name='元', times=10000.0, label='经费(元)')
>>> header_unit("办结率(%)")
Unit(name='%', times=0.01, label='办结率(%)')
>>> header_unit("社区总数(个)").times
1.0
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from commlab.intake.words import word_set

__all__ = [
    "MAGNITUDES",
    "Unit",
    "header_unit",
    "is_open",
    "is_unit",
    "of_other_kind",
    "scale",
    "sheet_units",
    "speaks_of",
    "suits",
    "upper_unit",
]

MAGNITUDES = {"十亿": 1e9, "亿": 1e8, "千万": 1e7, "百万": 1e6, "十万": 1e5, "万": 1e4, "千": 1e3, "百": 1e2}
"""Words for powers of ten that stand before a unit."""

_SHARES = {"%": 0.01, "百分比": 0.01, "‰": 0.001}
_UNITS = word_set(
    "元 人 户 个 次 件 人次 户次 场 场次 台 处 项 家 名 位 所 支 份 册 套 间 栋 幢 条 只 辆 吨 座 块 张 "
    "本 篇 期 批 组 对 门 部 "
    "平方米 平米 ㎡ m2 m² 立方米 平方公里 公里 km km2 米 m 亩 公顷 千克 公斤 kg 年 月 天 日 小时 分钟 "
    "秒 岁 分 级 例 起 宗 支队 "
    "元/月 元/年 元/人 元/户 个/社区 次/年 件/万人 人/户 户/个 平方米/百户 平方米/人"
)
_SCALED = _UNITS & word_set(
    "元 人 户 个 次 件 人次 户次 场 场次 台 处 项 家 名 份 册 套 平方米 平米 ㎡ m2 立方米"
)
# \uff08 and \uff09 are full-width brackets, \uff0c \uff1a \uff1b \uff0f the full-width , : ; /
_BRACKET = re.compile(r"^(.*)([(\uff08\[【〔])([^()\uff08\uff09\[\]【】〔〕]*)([)\uff09\]】〕])\s*$", re.S)
_TAIL = re.compile(r"^(.+?)([,\uff0c:\uff1a/\uff0f、\s]\s*)([^,\uff0c:\uff1a/\uff0f、\s]+)$", re.S)
_SPOKEN = re.compile(r"^(计量|金额|货币)?单位:?")
_SHEET_UNIT = re.compile(
    r"(?<![\u4e00-\u9fff])(?:计量|金额|货币)?单位\s*[:\uff1a]\s*([^\s)\uff09】\]。;\uff1b]+)"
)
_MONEY = re.compile(
    r"经费|资金|金额|预算|收入|支出|投入|补助|补贴|津贴|捐|款|费|工资|薪|成本|造价|产值|拨付|采购|奖金|奖补|财政|基金(?!会)|公益金|投资|营收|利润|资产|自筹"
)
_SUMS = r"预算|决算|执行|支出|收入|实际|计划|完成|到位|拨付|金额|调整|下达"
_OTHER_KIND = re.compile(
    r"率|占比|比例|比重|比$|数量|[人户项笔件次个家场处名]数|人次|户次|序号|编号|代码|年份|日期|时间|是否|名称|备注|说明|"
    rf"排名|名次|位次|等级|类型|类别|(?<!{')(?<!'.join(_SUMS.split('|'))})数$"
)
_ORIGIN = re.compile(
    r"(?:中央|国家|省|市|区县?|县|街道|乡镇|社区|上级|本级|自有|自筹|社会|其他|其它|合计|小计|总计|企业|个人|集体|单位|民间|慈善|20\d\d年?|第?[一二三四1-4]季度|\d{1,2}月|上年|本年|上期|本期)(?:级|投入|来源|部分|力量)?"
)
_PEOPLE = re.compile(r"人口|人数|户籍|常住|流动|人员")
_BY_KIND = {"元": _MONEY, "人": _PEOPLE, "户": re.compile(r"户"), "平方米": re.compile(r"面积")}


@dataclass(frozen=True)
class Unit:
    """A printed unit: its base unit, the factor to it and the label of a column in base units."""

    name: str
    times: float
    label: str


def _folded(text: str) -> str:
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).replace("％", "%")


def _parse(text: str) -> tuple[str, str, float] | None:
    """Printed magnitude, base unit and factor of a unit such as 万元 or 万元/年."""
    word = _SPOKEN.sub("", _folded(text).strip("()[]【】"))
    if word in _SHARES:
        return "", word, _SHARES[word]
    if word in _UNITS:
        return "", word, 1.0
    base, _, per = word.partition("/")
    for magnitude, factor in MAGNITUDES.items():
        rest = base.removeprefix(magnitude)
        if rest != base and rest in _SCALED:
            return magnitude, rest + (f"/{per}" if per else ""), factor
    return None


def is_unit(text: str) -> bool:
    """Whether a text is nothing but a unit.

    >>> is_unit("万元"), is_unit("(户)"), is_unit("五华区")
    (True, True, False)
    """
    return _parse(text) is not None


@lru_cache(maxsize=4096)
def header_unit(label: str) -> Unit | None:
    """The unit that a header prints, or None; of a joined header the last level, then those above it.

    >>> header_unit("社区名称") is None
    True
    >>> header_unit("2018年投入/万元").label, header_unit("经费(万元)/财政").label
    ('2018年投入/元', '经费(元)/财政')
    >>> header_unit("经费(万元)/项目数") is None
    True
    """
    if found := _printed(label):
        return found
    upper = upper_unit(label)
    return upper[0] if upper and not of_other_kind(upper[1]) else None


def upper_unit(label: str) -> tuple[Unit, str] | None:
    """The unit of another size that an upper level of a joined header prints, and what stands below it.

    >>> unit, below = upper_unit("经费(万元)/项目数")
    >>> unit.name, below
    ('元', '项目数')
    """
    at = label.rfind("/")
    while at > 0:
        if (found := _bracketed(label[:at])) and found.times != 1:
            return Unit(found.name, found.times, found.label + label[at:]), label[at + 1 :]
        at = label.rfind("/", 0, at)
    return None


def of_other_kind(label: str) -> bool:
    """Whether a label counts, compares or names something, so that a unit printed elsewhere is not its own.

    >>> of_other_kind("受益人数"), of_other_kind("占比"), of_other_kind("预算数"), of_other_kind("财政")
    (True, True, False, False)
    """
    return bool(_OTHER_KIND.search(label))


def _bracketed(label: str) -> Unit | None:
    bracket = _BRACKET.match(label)
    if bracket and (found := _parse(bracket.group(3))):
        inside = bracket.group(3).replace(found[0], "", 1) if found[0] else bracket.group(3)
        return Unit(
            found[1], found[2], "".join((bracket.group(1), bracket.group(2), inside, bracket.group(4)))
        )
    return None


def _printed(label: str) -> Unit | None:
    if unit := _bracketed(label):
        return unit
    tail = _TAIL.match(label)
    if tail and (found := _parse(tail.group(3))):
        inside = tail.group(3).replace(found[0], "", 1) if found[0] else tail.group(3)
        return Unit(found[1], found[2], tail.group(1) + tail.group(2) + inside)
    return None


def sheet_units(text: str) -> list[Unit]:
    """Units that a line above a table declares for it.

    >>> [u.name for u in sheet_units("填报单位:五华区  单位:万元、人")]
    ['元', '人']
    >>> sheet_units("填报单位:五华区")
    []
    """
    out = []
    for printed in _SHEET_UNIT.findall(text):
        for word in re.split(r"[、,\uff0c/和]", printed):
            if found := _parse(word):
                out.append(Unit(found[1], found[2], word))
    return out


def suits(unit: Unit, label: str) -> bool:
    """Whether a unit declared for the whole sheet is meant for a column.

    >>> suits(Unit("元", 1e4, "万元"), "社区工作经费"), suits(Unit("元", 1e4, "万元"), "社区数")
    (True, False)
    """
    words = _BY_KIND.get(unit.name)
    return bool(words and words.search(label) and not of_other_kind(label.rpartition("/")[2]))


def speaks_of(unit: Unit, text: str) -> bool:
    """Whether a title says that its table is about what a unit measures.

    >>> speaks_of(Unit("元", 1e4, "万元"), "五华区经费使用表"), speaks_of(Unit("元", 1e4, "万元"), "金额单位:万元")
    (True, False)
    """
    return suits(unit, _SHEET_UNIT.sub("", text))


def is_open(label: str) -> bool:
    """Whether nothing in a label says what is measured, so that it may have the unit of its table.

    >>> is_open("社会"), is_open("户数"), is_open("占地面积")
    (True, False, False)
    """
    last = label.rpartition("/")[2]
    return not of_other_kind(last) and not any(words.search(last) for words in _BY_KIND.values())


def is_origin(label: str) -> bool:
    """Whether the last level of a label says whose money it is, or of when.

    >>> is_origin("经费/社会"), is_origin("经费/2018年"), is_origin("投入/调解员")
    (True, True, False)
    """
    return bool(_ORIGIN.fullmatch(_folded(label.rpartition("/")[2])))


def scale(values: np.ndarray, times: float) -> np.ndarray:
    """Multiply by a unit's factor without leaving binary dust (0.07 x 10,000 is 700).

    >>> scale(np.array([0.07, 35.0]), 1e4).tolist(), scale(np.array([35.0]), 0.01).tolist()
    ([700.0, 350000.0], [0.35])
    """
    if times == 1:
        return values
    if times < 1:
        return values / round(1 / times)
    out = values * times
    small = np.abs(out) < 1e9
    return np.where(small, np.round(out, 6), out)
