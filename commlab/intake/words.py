"""Words by which the lines of an office's sheet are told apart: totals, notes, fill-in and signature lines.

>>> total_kind("五华区小计"), total_kind("合 计"), total_kind("全市平均"), total_kind("合计坊社区")
('sum', 'sum', 'mean', '')
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

__all__ = [
    "LEVELS",
    "are_groups",
    "folded",
    "is_fill_in",
    "is_note",
    "is_note_word",
    "is_part",
    "is_section",
    "is_serial",
    "level",
    "suffix",
    "total_group",
    "total_kind",
    "word_set",
]


def word_set(text: str) -> frozenset[str]:
    """The words of a text.

    >>> sorted(word_set("b a"))
    ['a', 'b']
    """
    return frozenset(text.split())


_WHOLE = word_set("全市 全区 全县 全州 全省 全国 全街道 全镇 全乡 全体 全辖区")
_SUM = _WHOLE | word_set(
    "总计 合计 小计 共计 总和 汇总 累计 总数 合计数 总计数 小计数 市辖区 省直辖县级行政区划 自治区直辖县级行政区划 总 计 σ ∑ "
    "total totals sum subtotal grandtotal sub-total totalsum"
)
_MEAN = word_set("平均 平均值 平均数 均值 均数 平均分 人均 mean average avg")
_OTHER = word_set(
    "最高 最低 最大 最小 最高分 最低分 最高值 最低值 最大值 最小值 中位数 中位值 标准差 方差 极差 max min median sd maximum minimum"
)
_MAY_TOTAL = re.compile(r"[最位差计均全总汇和辖Σσ∑]|^\s*[a-z]", re.I)
_MAY_FILL_IN = re.compile(r"[:\uff1a章名字]")
_SUM_END = re.compile(r"^(.{0,20}?)(?:总计|合计|小计|共计|汇总)$")
_MEAN_END = re.compile(r"^(.{0,20}?)(?:平均值|平均数|平均分|平均|均值)$")
_BEFORE = re.compile(r"^(?:总计|合计|小计|共计|平均值?)[(:](.+?)\)?$")
_PART = re.compile(r"^(?:其中|内含|#?of which):(.*)$")
_KEY = (
    r"(?:填报|填表|上报|报送|报告|制表|统计|编制|主管|负责|调查|单位|审核|审批|复核|经办|联系|分管|领导|部门|主要|项目)?"
    r"(?:单位|单位名称|部门|时间|日期|年月|人|人员|负责人|领导|电话|方式|期|口径|截止|签字|签章|签名|盖章|公章|地址|邮箱)"
)
_FILL_IN = re.compile(
    rf"^\(?(?:{_KEY}(?:\([^)]*\))?|表号|制定机关|批准机关|批准文号|文号|有效期至?|编号|审核|复核|制表|填表|填报|年度|季度|街道|区县|计量单位|金额单位|"
    r"科室|日期|统计时点)\s*:"
)
_FILL_WORD = re.compile(
    r"^(?:填报单位|填表单位|上报单位|报送单位|填报时间|填表时间|填报日期|填表日期|统计时间|报送时间|报告期|制表单位|制表时间|制表日期|统计日期|报送日期|填报单位\(盖章\)|单位\(盖章\)|填报人|填表人|审核人|"
    r"制表人|报送人|经办人|单位负责人|联系人|联系电话|统计负责人|计量单位|金额单位)$"
)
_FILL_PAIR = re.compile(
    r"^(?:(?:办公|移动|固定|联系)?电话|手机号?码?|电子邮箱|邮箱|传真|日期|时间|职务|地址|签名|签字)$"
)
_STAMP = re.compile(r"\((?:盖章|公章|签字|签章|签名)\):?$")
_NOTE = re.compile(
    r"^(?:注释?|备注|说明|附注|填表说明|填报说明|数据来源|资料来源|来源|注意|提示)\d*[:、.]"
    r"|^(?:[*※★]|#(?![A-Z/0!?]+$))[^\d*]{4,}|^(?:note|source)s?:",
    re.I,
)
_NOTE_WORD = re.compile(r"^(?:注释?|备注|说明|附注|填表说明|填报说明|数据来源|资料来源)$")
_SECTION = re.compile(
    r"^(?:[一二三四五六七八九十]+[、.]|\([一二三四五六七八九十]+\)|第[一二三四五六七八九十]+[部章])"
)
_GROUP = re.compile(
    r"(?:区|县|市|州|街道|镇|乡|片|片区|类|类别|大类|分类|组|组别|部门|单位|领域|板块|地区|项目|级指标|district|street|group)"
    r"(?:名称|\(.*\))?$",
    re.I,
)
_UNIT_END = re.compile(r"[区县旗州市镇乡片]$|街道(?:办事处|办)?$|社区$|委员?会$")
_ENDINGS = ("社区", "街道办事处", "街道办", "街道", "居委会", "村委会", "小区")
LEVELS = {
    "社区": 1,
    "居委会": 1,
    "村委会": 1,
    "村": 1,
    "小区": 1,
    "街道办事处": 2,
    "街道办": 2,
    "街道": 2,
    "镇": 2,
    "乡": 2,
}
LEVELS |= {"区": 3, "县": 3, "旗": 3, "市": 3, "州": 4, "省": 5}
_SERIAL = re.compile(r"^(?:序号?|编号|行次|no\.?|#|顺序号?)$", re.I)


def folded(text: object) -> str:
    """A text for comparing: NFKC, without any space."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", str(text)))


def total_kind(text: object) -> str:
    """``sum``, ``mean`` or ``other`` where a row's label says that it sums up other rows, else empty."""
    if isinstance(text, str) and not _MAY_TOTAL.search(text):
        return ""
    word = folded(text).lower().rstrip(":")
    if word in _SUM or word.strip("()") in _SUM:
        return "sum"
    if word in _MEAN:
        return "mean"
    if word in _OTHER:
        return "other"
    if not word or len(word) > 24:
        return ""
    if _MEAN_END.match(word) or word.startswith("平均("):
        return "mean"
    return "sum" if _SUM_END.match(word) or _BEFORE.match(word) else ""


def is_whole(text: object) -> bool:
    """Whether a cell names the whole, which in a list says how far an entry reaches and sums up nothing.

    >>> is_whole("全区"), is_whole("合计")
    (True, False)
    """
    return isinstance(text, str) and folded(text) in _WHOLE


def is_part(text: object) -> bool:
    """Whether a row below a total is a part of it, such as 其中:城市社区.

    >>> is_part("其中:城市社区"), is_part("其中村社区")
    (True, False)
    """
    return isinstance(text, str) and bool(_PART.match(folded(text)))


def total_group(text: object) -> str:
    """The group that a total's label names.

    >>> total_group("五华区小计"), total_group("小计(城市社区)"), total_group("其中:城市"), total_group("合计")
    ('五华区', '城市社区', '城市', '')
    """
    word = folded(text)
    for pattern in (_SUM_END, _MEAN_END, _BEFORE, _PART):
        if found := pattern.match(word):
            return found.group(1).strip("()-—")
    return ""


def is_fill_in(texts: Sequence[object]) -> bool:
    """Whether a row's cells are a line such as 填报单位:五华区 or 审核人:.

    >>> is_fill_in(["填报单位:五华区", "单位:万元"]), is_fill_in(["单位", "数量"])
    (True, False)
    """
    if not any(isinstance(t, str) and _MAY_FILL_IN.search(t) for t in texts):
        first = texts[0] if texts else None
        if not isinstance(first, str) or not _FILL_WORD.match(folded(first)):
            return False
    words = [folded(t) if isinstance(t, str) else "" for t in texts]
    marked = sum(1 for w in words if _FILL_IN.match(w) or _STAMP.search(w))
    if marked and (marked * 2 >= len(words) or _FILL_IN.match(words[0]) or len(words) <= 4):
        return True
    pairs = [bool(_FILL_WORD.match(w)) or (i > 0 and bool(_FILL_PAIR.match(w))) for i, w in enumerate(words)]
    return 2 <= len(words) <= 8 and pairs[0] and not any(pairs[1::2]) and all(pairs[0::2])


def is_note(text: object) -> bool:
    """Whether a cell begins a note.

    >>> is_note("注:本表不含行政村"), is_note("备注"), is_note("数据来源:区民政局")
    (True, False, True)
    """
    return isinstance(text, str) and bool(_NOTE.match(folded(text)))


def is_note_word(text: object) -> bool:
    """Whether a cell is nothing but the word that opens a note, which may go on in the next cell.

    >>> is_note_word("备注"), is_note_word("备注:无")
    (True, False)
    """
    return isinstance(text, str) and bool(_NOTE_WORD.match(folded(text)))


def is_section(text: object) -> bool:
    """Whether a cell is the heading of a part of a table.

    >>> is_section("一、主城区"), is_section("一心社区")
    (True, False)
    """
    return isinstance(text, str) and bool(_SECTION.match(folded(text)))


def are_groups(label: str, names: Sequence[object]) -> bool:
    """Whether a column names groups of rows: by its header, or by what its names end in.

    >>> are_groups("所属街道", ["a"]), are_groups("地区", ["五华区", "盘龙区"]), are_groups("负责人", ["张三"])
    (True, True, False)
    """
    last = folded(label.rpartition("/")[2])
    texts = [folded(name) for name in names]
    return bool(_GROUP.search(last)) or (bool(texts) and all(map(_UNIT_END.search, texts)))


def level(label: str) -> int:
    """How high a unit of a name stands, 0 where the name does not tell; a city may be a county's equal.

    >>> level("翠湖社区"), level("护国街道"), level("五华区"), level("合计坊")
    (1, 2, 3, 0)
    """
    return LEVELS.get(suffix(label), 0)


def suffix(label: str) -> str:
    """The ending of a name that says what kind of unit it is, else its last character."""
    for ending in _ENDINGS:
        if label.endswith(ending):
            return ending
    return label[-1:]


def is_serial(label: str) -> bool:
    """Whether a header names a running number."""
    return bool(_SERIAL.match(folded(label.rpartition("/")[2])))
