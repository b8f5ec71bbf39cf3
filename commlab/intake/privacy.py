"""Personal data leaves here: columns of identifiers are removed, identifiers inside text are masked, both
are counted.

A column is personal by its header (姓名, 联系电话, 来自IP, ...) or by its content (more than half of its
values are identifiers). Any other text is masked place by place (see ``identifiers``), and every name,
phone and address that stood in a personal column is scrubbed from the whole file's text. No value is ever
reported, only counts. For duplicates a keyed hash stays (HMAC-SHA256: a plain hash of a phone number can be
found by trying them all).

Names in free text cannot be removed reliably by any rule; that is why ``read_questionnaire`` keeps free
text behind intake and a quotation needs a person's approval.

>>> mask("我的电话是１３９ 1234 5678，住3栋2单元501室")
('我的电话是‹removed›，住‹removed›', {'mobile': 1, 'address': 1})
"""

from __future__ import annotations

import base64
import hmac
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from commlab.errors import ParameterError
from commlab.intake.identifiers import HAN, find, fold
from commlab.intake.ledger import REMOVED, Pad
from commlab.intake.names import squash

if TYPE_CHECKING:
    from commlab.intake.codebook import Codebook

__all__ = [
    "PERSON",
    "deidentify",
    "find",
    "keyed_hash",
    "keyed_hashes",
    "mask",
    "mask_column",
    "person_keys",
    "personal_column",
]

_HEADERS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("ip", r"^(?:来自)?ip(?:$|\(|地址|归属)|ipaddress|答题者ip|^remote_?addr"),
        ("email", r"邮箱|电子邮件|e-?mail"),
        ("id", r"身份证|证件号|护照|passport|社保号|医保号|idcard|idnumber"),
        ("bank", r"银行卡|银行账[号户]|卡号|bankaccount"),
        ("account", r"微信|qq|openid|unionid|昵称|nickname|wechat|用户名|username|头像|支付宝"),
        ("mobile", r"手机(?:号|电话)|^(?:您的|本人)?手机$|联系电话|电话号|联系方式|^电话$|您的电话|phone|"
            r"mobile|^tel"),
        ("landline", r"座机|固定电话|固话"),
        ("plate", r"车牌"),
        ("birth", r"出生(?:日期|年月日|年月)|生日|birth"),
        ("coordinate", r"经度|纬度|经纬|坐标|longitude|latitude|^(?:lng|lon|lat|gps)$|geolocation"),
        ("address", r"住址|(?:家庭|详细|通讯|居住|收货)地址|^地址$|您的地址|门牌|房号|楼栋号|homeaddress|"
            r"streetaddress"),
        ("name", r"姓名|名字|联系人|填表人|经办人|户主|被访者|^name$|fullname|firstname|lastname|"
            r"respondentname"),
        ("device", r"imei|设备(?:号|id|编号)|mac地址|deviceid"),
    )
)  # fmt: skip
# Which identifiers tell a person apart; an IP address does not (one for a whole building).
PERSON = ("id", "mobile", "account", "email")
_CONTENT_KINDS = {"email", "id", "bank", "mobile", "ip", "landline", "plate", "coordinate", "name"}
_CODE_HEADER = re.compile(r"代码|编码|编号|序号|code$|^id$|^_?uuid$|^no\.?$")
_CLOSED = 12  # a column of many rows with no more different values than this is a closed question
_MANY = 40
_LONGEST_HEADER = 30  # beyond, it is a question that only mentions a telephone or an e-mail
_NAME_VALUE = re.compile(rf"[{HAN}·]{{2,6}}")
_LONGEST_NAME = 4


def keyed_hash(key: str | bytes, *parts: object) -> str:
    """16 hex digits of HMAC-SHA256 over the parts; the same parts and key give the same hash.

    >>> keyed_hash("k", "a", "bc") == keyed_hash("k", "ab", "c")
    False

    Raises
    ------
    ParameterError
        If the key is empty, or neither text nor bytes.
    """
    secret = key.encode() if isinstance(key, str) else key
    if not secret or not isinstance(secret, bytes):
        raise ParameterError(
            "the de-identification key is empty or no text; give one of at least one character"
        )
    return hmac.digest(secret, "\x1f".join(str(p) for p in parts).encode(), "sha256").hex()[:16]


def keyed_hashes(key: str | bytes, column: pd.Series, *parts: object) -> pd.Series:
    """16 hex digits for every text of a column, so fast that a million take a fraction of a second.

    SipHash-2-4 (Aumasson and Bernstein 2012) under a key that HMAC-SHA256 derives from ``key`` and ``parts``.
    """
    import pyarrow as pa

    keyed_hash(key, *parts)
    secret = key.encode() if isinstance(key, str) else key
    derived = hmac.digest(secret, "\x1f".join(str(p) for p in parts).encode(), "sha256")
    short = base64.b64encode(derived)[:16].decode()  # pandas wants 16 characters
    hashed = pd.util.hash_array(column.to_numpy(dtype=object), hash_key=short, categorize=False)
    offsets = np.arange(0, 16 * len(column) + 1, 16, dtype="int64")
    digits = hashed.astype(">u8").tobytes().hex().encode()
    texts = pa.LargeStringArray.from_buffers(len(column), pa.py_buffer(offsets), pa.py_buffer(digits))
    return pd.Series(texts.to_pandas(), index=column.index, dtype="str")


def mask(text: str, *, free: bool = True) -> tuple[str, dict[str, int]]:
    """Put ``‹removed›`` in the place of every identifier; also the counts by kind."""
    places = find(text, free=free)
    if not places:
        return text, {}
    parts, last = [], 0
    for start, end, _ in places:
        parts += [text[last:start], REMOVED]
        last = end
    return "".join((*parts, text[last:])), dict(Counter(kind for _, _, kind in places))


def personal_column(header: object) -> str | None:
    """The kind of identifier that a header announces, or None.

    >>> personal_column("3、您的联系电话 [填空题]"), personal_column("社区名称")
    ('mobile', None)
    """
    key = squash(header)
    if len(key) > _LONGEST_HEADER:
        return None
    return next((kind for kind, pattern in _HEADERS if pattern.search(key)), None)


def _texts(column: pd.Series) -> pd.Series:
    """Non-missing values as text; whole numbers without ``.0``."""
    have = column.dropna()
    if pd.api.types.is_float_dtype(have):
        whole = have == have.round()
        return have.map("{:g}".format).where(~whole, have.map("{:.0f}".format)) if len(have) else have
    texts = have.astype("str").str.strip()
    return texts[texts != ""]


def _content_kind(values: pd.Series) -> str | None:
    """The kind of identifier that more than half of the values consist of."""
    sample = values.head(2000)
    kinds: Counter[str] = Counter()
    for value, times in sample.value_counts().items():
        places = find(str(value), free=False)
        covered = sum(end - start for start, end, _ in places)
        if places and covered >= 0.8 * len(str(value)) and places[0][2] in _CONTENT_KINDS:
            kinds[places[0][2]] += int(times)
    best = kinds.most_common(1)
    return best[0][0] if best and sum(kinds.values()) > len(sample) / 2 else None


def _is_text(column: pd.Series) -> bool:
    return pd.api.types.is_string_dtype(column) or pd.api.types.is_object_dtype(column)


def mask_column(
    column: pd.Series, *, known: frozenset[str] = frozenset()
) -> tuple[pd.Series, dict[str, int]]:
    """Mask a text column, each different value once.

    Parameters
    ----------
    column : Series of text
    known : set of str
        Names and other values from personal columns, scrubbed wherever they stand.
    """
    values = column.dropna()
    values = values[values.map(lambda v: isinstance(v, str))]
    if values.empty:
        return column, {}
    # Columns of single tokens (codes, numbers as text) are judged by the patterns alone.
    tokens = values.str.fullmatch(r"\s*[0-9A-Za-z_.\-/]*\s*").mean()
    free = bool(tokens < 0.8 or (tokens < 1 and not _CODE_HEADER.search(squash(column.name))))
    counts: Counter[str] = Counter()
    changed: dict[str, str] = {}
    for value, times in values.value_counts().items():
        text, kinds = mask(str(value), free=free)
        if known:
            text, scrubbed = _scrub(text, known)
            kinds = Counter(kinds) + Counter({"name": scrubbed})
        if text != value:
            changed[str(value)] = text
            for kind, n in kinds.items():
                counts[kind] += n * int(times)
    if not changed:
        return column, {}
    return column.map(lambda v: changed.get(v, v) if isinstance(v, str) else v), dict(counts)


def _scrub(text: str, known: frozenset[str]) -> tuple[str, int]:
    """Blank every known value; short ones are looked up piece by piece, so that many names cost little."""
    n, start = 0, 0
    out = []
    while start < len(text):
        for length in range(min(_LONGEST_NAME, len(text) - start), 1, -1):
            if text[start : start + length] in known:
                out.append(REMOVED)
                start, n = start + length, n + 1
                break
        else:
            out.append(text[start])
            start += 1
    return "".join(out), n


def deidentify(
    frame: pd.DataFrame,
    *,
    key: str | bytes,
    codebook: str | Path | Mapping[str, Any] | Codebook | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Take personal data out of a table.

    Parameters
    ----------
    frame : DataFrame
        Any table as read; it is not changed.
    key : str or bytes
        Secret for the keyed hash that finds duplicates; kept outside the repository.
    codebook : path, mapping or Codebook, optional
        Its ``personal`` and ``free_text`` columns are removed too, and its questions are known not to be
        personal.

    Returns
    -------
    frame : DataFrame
        The same rows; personal columns gone, identifiers in other text replaced by ``‹removed›``. Where a
        column told persons apart (ID, mobile, account, e-mail), ``person_key`` holds a keyed hash of them
        (missing: none given).
    ledger : DataFrame
        What was removed, with counts and without values.

    Raises
    ------
    ParameterError
        If the key is empty or ``frame`` is not a DataFrame.
    """
    if not isinstance(frame, pd.DataFrame):
        raise ParameterError(f"deidentify needs a DataFrame, not {type(frame).__name__}")
    keyed_hash(key, "")
    pad = Pad()
    kinds = _personal(frame, codebook)
    known = _known_values(frame, kinds)
    kept: dict[Any, pd.Series] = {}
    for place, name in enumerate(frame.columns):
        column = frame.iloc[:, place]
        if place in kinds:
            n = len(_texts(column))
            pad.add(
                "personal column",
                f"{n} values removed with their column ({kinds[place]})",
                column=str(name),
                before=REMOVED,
                action="changed",
                severity="note",
                n=n,
            )
            continue
        if _is_text(column):
            column, counts = mask_column(column, known=known)
            for kind, n in sorted(counts.items()):
                pad.add(
                    "personal data in text",
                    f"{n} places masked ({kind})",
                    column=str(name),
                    before=REMOVED,
                    after=REMOVED,
                    action="changed",
                    severity="note",
                    n=n,
                )
        kept[place] = column
    out = pd.concat(list(kept.values()), axis=1) if kept else pd.DataFrame(index=frame.index)
    persons = person_keys(frame, {p: k for p, k in kinds.items() if k in PERSON}, key)
    if persons is not None:
        out["person_key"] = persons
    return out, pad.frame()


def _personal(frame: pd.DataFrame, codebook: Any) -> dict[int, str]:
    """Position of each personal column -> kind."""
    claimed, announced = _from_codebook(codebook)
    out: dict[int, str] = {}
    for place, name in enumerate(frame.columns):
        column = frame.iloc[:, place]
        question = _question_key(name)
        if question in announced:
            out[place] = announced[question] or personal_column(name) or "personal"
            continue
        if question in claimed:
            continue
        values = _texts(column) if not pd.api.types.is_datetime64_any_dtype(column) else column.dropna()
        kind = personal_column(name)
        closed = len(values) >= _MANY and values.nunique() <= _CLOSED
        if kind and not closed:
            out[place] = kind
        elif not pd.api.types.is_datetime64_any_dtype(column) and not closed and len(values):
            kind = _content_kind(values)
            if kind and not (kind == "bank" and _CODE_HEADER.search(squash(name))):
                out[place] = kind
    return out


def _question_key(name: object) -> str:
    from commlab.intake.codebook import question_key

    return question_key(name)


def _from_codebook(codebook: Any) -> tuple[set[str], dict[str, str]]:
    if codebook is None:
        return set(), {}
    from commlab.intake.codebook import load_codebook, question_key

    book = load_codebook(codebook)
    announced = {question_key(w): "" for w in book.personal}
    announced |= {question_key(w): "free text" for w in book.free_text}
    for role in ("ip", "person"):
        announced |= {question_key(w): "" for w in book.columns.get(role, ())}
    claimed = {question_key(w) for q in book.questions.values() for w in q.wordings}
    claimed |= {question_key(w) for wordings in book.unit.values() for w in wordings}
    for role in ("id", "submitted_at", "started_at", "duration_s"):
        claimed |= {question_key(w) for w in book.columns.get(role, ())}
    return claimed - set(announced), announced


def _known_values(frame: pd.DataFrame, kinds: Mapping[int, str]) -> frozenset[str]:
    """Names that stood in personal columns, as far as they look like names."""
    known: set[str] = set()
    for place, kind in kinds.items():
        if kind == "name":
            values = _texts(frame.iloc[:, place]).drop_duplicates()
            known |= {v for v in values if len(v) <= _LONGEST_NAME and _NAME_VALUE.fullmatch(v)}
    return frozenset(known)


def person_keys(frame: pd.DataFrame, kinds: Mapping[int, str], key: str | bytes) -> pd.Series | None:
    """Keyed hash of the strongest identifier in each row; None where no column tells persons apart."""
    if not kinds:
        return None
    order: Iterable[int] = sorted(kinds, key=lambda place: (PERSON.index(kinds[place]), place))
    out = pd.Series(pd.NA, index=frame.index, dtype="object")
    for place in order:
        values = _texts(frame.iloc[:, place])
        hashed = {
            v: keyed_hash(key, kinds[place], re.sub(r"[\s\-]", "", fold(v)).lower()) for v in values.unique()
        }
        out = out.where(out.notna(), values.map(hashed).reindex(out.index))
    return out.astype("str")
