"""Which columns are personal: by what their header announces, or by what more than half of their cells are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pandas as pd

from commlab.intake.forms import squash
from commlab.intake.identifiers import find
from commlab.intake.persons import HAN, SURNAMES

__all__ = [
    "CODE_HEADER", "as_texts", "content_kind", "is_name", "is_person", "kind_of", "personal_column", "spread"
]  # fmt: skip

_HEADERS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("ip", r"^(?:来自)?ip(?:$|\(|地址|归属)|ipaddress|答题者ip|^remote_?addr"),
        ("email", r"邮箱|电子邮件|e-?mail"),
        ("id", r"身份证|身份号|证件号|护照|passport|社保[卡号]|医保[卡号]|id(?:card|number|no)|^nationalid"),
        ("bank", r"银行卡|银行[账帐][号户]|卡号|bank(?:account|card)"),
        ("account", r"微信|qq|openid|unionid|昵称|nickname|wechat|用户名|username|头像|支付宝|抖音号"),
        ("mobile", r"手机(?:号|电话)|^(?:您的|本人)?手机$|联系电话|电话号|联系方式|^电话$|您的电话|phone|"
            r"mobile|^tel|^contact(?:no|number)$|shouji|dianhua"),
        ("landline", r"座机|固定电话|固话"),
        ("plate", r"车牌|plate(?:no|number)|licenseplate"),
        ("birth", r"出生(?:日期|年月日|年月)|出生时间|生日|birth|^dob$"),
        ("coordinate", r"经度|纬度|经纬|坐标|longitude|latitude|^(?:lng|lon|lat|gps)$|geolocation|^定位"),
        ("address", r"住址|(?:家庭|详细|通讯|居住|收货|现住|户籍|联系|具体)(?:地址|住址)|^地址$|您的地址|门牌|房间?号|楼栋号|^address$|"
            r"homeaddress|streetaddress|dizhi"),
        ("name", r"(?:姓名|名字|联系人|(?:填[表报]|经办|登记|记录|上报|受理|处理|值班|接[待访线]|提交|诉求|来[电访]|信访|求助)人|户主|[被受]访[者人]|负责人|审核人|申请人|投诉人|反映人|举报人|当事人|监护人|责任人|"
            r"录入[员人]|签名|签字)(?![数次均比占率])|^(?:网格员|楼栋?长|家长|称呼|法人|法人代表|法定代表人|name|surname|xingming|contact)$|"
            r"(?:full|first|last|given|family|respondent)name"),
        ("device", r"imei|设备(?:号|id|编号)|mac地址|deviceid"),
    )
)  # fmt: skip
_CONTENT_KINDS = {"email", "id", "bank", "mobile", "ip", "landline", "plate", "coordinate", "name"}
CODE_HEADER = re.compile(r"代码|编码|编号|序号|code$|^id$|^_?uuid$|^no\.?$|_key$")
_PLACE_HEADER = re.compile(
    r"社区|街道|村|小区|[区县市镇乡]$|单位|部门|机构|名称|项目|地点|类型|类别|unit|communit|district"
)
_CLOSED = 12  # a column of many rows with no more different values than this is a closed question
_MANY = 40
_NAMES = 5  # different values from which a column can be seen to hold names
_SAMPLE = 2000
_LONGEST_HEADER = 30  # beyond, it is a question that only mentions a telephone or an e-mail
_NAME_VALUE = re.compile(rf"[{HAN}·]{{2,4}}")
_OFFICE = re.compile(r"[区社村县市镇乡站所办局科处队委会司部室心院校道路组网门]$")


def is_name(text: str) -> bool:
    """Whether a value of a column of names looks like one."""
    return _NAME_VALUE.fullmatch(text) is not None


def is_person(text: str) -> bool:
    """Whether a cell is a person's name and nothing else: a surname first, and no office or place behind.

    >>> is_person("李秀英"), is_person("高新区"), is_person("物业")
    (True, False, False)
    """
    return is_name(text) and text[0] in SURNAMES and not _OFFICE.search(text)


def personal_column(header: object) -> str | None:
    """The kind of identifier that a header announces, or None.

    >>> personal_column("3、您的联系电话 [填空题]"), personal_column("社区名称")
    ('mobile', None)
    """
    key = squash(header)
    if len(key) > _LONGEST_HEADER:
        return None
    return next((kind for kind, pattern in _HEADERS if pattern.search(key)), None)


def as_texts(column: pd.Series) -> pd.Series:
    """Non-missing values as text; whole numbers without ``.0``."""
    have = column.dropna()
    if pd.api.types.is_float_dtype(have):
        whole = have == have.round()
        return have.map("{:g}".format).where(~whole, have.map("{:.0f}".format)) if len(have) else have
    texts = have.astype("str").str.strip()
    return texts[texts != ""]


def spread(items: Any, most: int) -> Any:
    """At most so many of a series or list, evenly spaced."""
    return items[:: max(1, -(-len(items) // most))]


def content_kind(values: pd.Series, header: object = "") -> str | None:
    """The kind of identifier that more than half of a column's texts consist of."""
    sample = spread(values, _SAMPLE)
    kinds: Counter[str] = Counter()
    different = sample.value_counts()
    for value, times in different.items():
        places = find(str(value), free=False)
        covered = sum(end - start for start, end, _ in places)
        if places and covered >= 0.8 * len(str(value)) and places[0][2] in _CONTENT_KINDS:
            kinds[places[0][2]] += int(times)
    best = kinds.most_common(1)
    if best and sum(kinds.values()) > len(sample) / 2:
        code = best[0][0] == "bank" and CODE_HEADER.search(squash(header))
        return None if code else best[0][0]
    names = len(different) >= _NAMES and len(different) > len(sample) / 2 and _are_names(different.index)
    return "name" if names and not _PLACE_HEADER.search(squash(header)) else None


def _are_names(values: Iterable[Any]) -> bool:
    """Whether nearly all values are two to four characters behind a surname."""
    hits = [is_name(v) and v[0] in SURNAMES for v in map(str, values)]
    return sum(hits) >= 0.9 * len(hits)


def kind_of(column: pd.Series, header: object) -> str | None:
    """The kind of identifier a column holds, by its header or its content."""
    dates = pd.api.types.is_datetime64_any_dtype(column)
    values = column.dropna().astype("str") if dates else as_texts(column)
    kind = personal_column(header)
    if kind in ("name", "address") and pd.api.types.is_numeric_dtype(column):
        kind = None
    different = values.unique()
    if (
        len(values) >= _MANY and len(different) <= _CLOSED
    ):  # a closed question, or a few persons again and again
        held = [v for v in different if find(str(v), free=False)]
        held = held or (list(different) if kind == "name" and _are_names(different) else [])
        return kind if len(held) > len(different) / 2 else None
    if kind or dates or values.empty:
        return kind
    return content_kind(values, header)
