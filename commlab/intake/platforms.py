"""The columns that survey platforms add of their own, by the headers they print.

问卷星 (序号, 提交答卷时间, 所用时间, 来自IP), 腾讯问卷 (编号, 开始答题时间, 结束答题时间, 答题时长, 用户标识, UA),
KoboToolbox (_id, _uuid, _submission_time, start, end, _validation_status) and what paper entry adds (编号,
录入员). A codebook's ``columns`` overrules them; of several that are there the first named is taken.
"""

from __future__ import annotations

import re

from commlab.intake.forms import squash

__all__ = ["BOOKKEEPING", "PLACES", "ROLE_HEADERS", "TRIALS", "is_wjx"]

ROLE_HEADERS: dict[str, tuple[str, ...]] = {
    "id": ("序号", "答题序号", "答卷编号", "问卷编号", "编号", "_id", "_uuid", "respondent", "respondent id", "response id",
           "responseid"),
    # Kobo's end is the interviewer's clock; _submission_time is that of the upload, in UTC.
    "submitted_at": ("提交答卷时间", "提交时间", "结束答题时间", "结束时间", "end", "end date", "enddate",
                     "_submission_time"),
    "started_at": ("开始答题时间", "开始时间", "start", "start date", "startdate"),
    "ended_at": ("结束答题时间", "结束时间", "end", "end date", "enddate"),
    "duration_s": ("所用时间", "答题时长", "答题时长(秒)", "用时", "duration", "duration (in seconds)"),
    "ip": ("来自ip", "ip", "答题者ip", "ip地址", "ip address"),
    "person": ("openid", "微信openid", "unionid", "用户id", "用户标识"),
    "interviewer": ("访问员", "调查员", "访问员编号"),
}  # fmt: skip
"""Role -> headers, by preference."""

BOOKKEEPING = (
    "来源", "来源详情", "总分", "答题渠道", "语言", "清洗数据结果", "智能清洗数据无效概率", "自定义字段", "用户类型",
    "地理位置国家和地区", "地理位置省", "地理位置市", "ua", "referrer",
    "_uuid", "_id", "_index", "_parent_index", "_parent_table_name", "_submission_time", "_validation_status", "_status",
    "_tags", "_notes", "_submitted_by", "_attachments", "_xform_id_string", "__version__", "start", "end", "today",
    "collector id", "deviceid", "formhub/uuid", "meta/instanceid", "meta/rootuuid", "meta/instancename",
)  # fmt: skip
"""Headers that no codebook needs to name: left out with a note."""

TRIALS = ("测试", "测试数据", "测试问卷", "试填", "试答", "test", "Test", "TEST", "testing")
"""Cells that say an answer was only a trial."""

PLACES = re.compile(r"_(?:latitude|longitude|altitude|precision)$")
"""Headers of the columns that KoboToolbox derives from a geopoint."""

_WJX = frozenset({"序号", "提交答卷时间", "所用时间", "来自ip"})


def is_wjx(headers: list[str]) -> bool:
    """Whether the platform is 问卷星, by its own columns.

    >>> is_wjx(["序号", "提交答卷时间", "所用时间", "来源", "1、您的性别"])
    True
    """
    return len(_WJX & {squash(header) for header in headers}) >= 3
