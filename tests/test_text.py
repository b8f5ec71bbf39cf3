"""Numbers, dates and sentences in two languages."""

import datetime as dt
import re
from collections import Counter
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import commlab
from commlab.errors import ParameterError
from commlab.text import MISSING, Text, clean, untranslated

zh, en = Text("zh"), Text("en")


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [
        (81.25, 1, "81.3"),  # half up on the printed digits, as spreadsheets do
        (81.35, 1, "81.4"),
        (2.675, 2, "2.68"),
        (-0.04, 1, "0.0"),
        (-0.05, 1, "-0.1"),
        (1234567.891, 2, "1,234,567.89"),
        (0.1 + 0.2, 1, "0.3"),
        (12, 0, "12"),
        (np.int64(5), 1, "5.0"),
        (np.float32(0.5), 1, "0.5"),
        (1e300, 0, f"{10**300:,}"),
        (1e-300, 3, "0.000"),
        (None, 1, MISSING),
        (float("nan"), 1, MISSING),
        (pd.NA, 1, MISSING),
        (np.float64("nan"), 0, MISSING),
        (float("inf"), 1, "∞"),
        (float("-inf"), 1, "-∞"),
    ],
)
def test_numbers(value, digits, shown):
    assert zh.number(value, digits) == shown == en.number(value, digits)


@pytest.mark.parametrize("value", ["12", True, [1], object()])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(ParameterError, match="is not a number; print it as text"):
        zh.number(value)


@pytest.mark.parametrize(
    ("call", "shown"),
    [
        (lambda t: t.percent(0.285, 0), "29%"),
        (lambda t: t.percent(1), "100.0%"),
        (lambda t: t.percent(None), MISSING),
        (lambda t: t.points(-0.0312), "-3.1"),
        (lambda t: t.points(0.0), "0.0"),
        (lambda t: t.signed(2.34), "+2.3"),
        (lambda t: t.interval(72.14, 75.26), "[72.1, 75.3]"),
        (lambda t: t.interval(0.5, 0.75, percent=True), "[50.0%, 75.0%]"),
        (lambda t: t.interval(1, None), MISSING),
        (lambda t: t.p_value(0.0004), "<0.001"),
        (lambda t: t.p_value(1.0), "1.000"),
        (lambda t: t.date(pd.NaT), MISSING),
        (lambda t: t.integer(12012), "12,012"),
    ],
)
def test_other_formats(call, shown):
    assert call(zh) == shown == call(en)


@pytest.mark.parametrize(
    ("call", "chinese", "english"),
    [
        (lambda t: t.date("2019-12-31"), "2019年12月31日", "31 December 2019"),
        (lambda t: t.date(dt.date(2018, 9, 1)), "2018年9月1日", "1 September 2018"),
        (lambda t: t.period("2019"), "2019年", "2019"),
        (lambda t: t.period("2019H2"), "2019年下半年", "half 2 of 2019"),
        (lambda t: t.period("2019Q4"), "2019年第四季度", "Q4 2019"),
        (lambda t: t.period("2019M11"), "2019年11月", "month 11 of 2019"),
        (lambda t: t.listing(["a", "b"]), "a、b", "a, b"),
        (lambda t: t("Table {number}", number=3), "表3", "Table 3"),
    ],
)
def test_languages_differ(call, chinese, english):
    assert (call(zh), call(en)) == (chinese, english)


def test_fields_are_values_and_never_templates():
    assert en("{a} of {b}", a="{b.__class__}", b="x") == "{b.__class__} of x"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Text("fr"), "no language is called 'fr'; known: zh, en"),
        (lambda: zh("never translated"), "no zh translation of 'never translated'; add it to"),
        (lambda: en("{a}"), "names the field 'a' that was not given"),
        (lambda: zh.period("last year"), "is not a period; write 2019"),
    ],
)
def test_errors_say_what_to_do(call, message):
    with pytest.raises(ParameterError, match=re.escape(message)):
        call()


def test_clean_takes_out_what_no_page_may_print():
    dirty = "朝\u200b阳\x00\x08\x0b\u202e区\ufeff\ud800\uffff\x1b[2K"
    assert clean(dirty) == "朝阳区[2K"
    assert clean("a\r\nb\u2028c\td") == "a\nb\nc\td"


def _entries():
    from babel.messages.pofile import read_po

    with (resources.files("commlab") / "locale" / "zh.po").open("rb") as file:
        return [m for m in read_po(file, locale="zh", abort_invalid=True) if m.id]


def test_every_message_of_the_library_is_translated():
    assert untranslated(Path(commlab.__file__).parent) == []


def test_translations_keep_their_fields_and_come_once():
    fields = re.compile(r"\{[^}]*\}")
    for entry in _entries():
        assert Counter(fields.findall(entry.id)) == Counter(fields.findall(entry.string)), entry.id
        assert entry.string.strip() == entry.string != "", entry.id
    text = (resources.files("commlab") / "locale" / "zh.po").read_text(encoding="utf-8")
    again = [i for i, n in Counter(re.findall(r'^msgid "(.+)"$', text, re.M)).items() if n > 1]
    assert again == []


def test_the_scan_for_untranslated_messages_finds_one(tmp_path):
    (tmp_path / "page.py").write_text('t("Table {number}")\nt("no such message")\n', encoding="utf-8")
    assert untranslated(tmp_path) == ["page.py:2: no such message"]


@settings(deadline=None, max_examples=200)
@given(st.floats(-1e9, 1e9), st.integers(0, 4))
def test_a_printed_number_is_within_half_a_digit(value, digits):
    shown = float(zh.number(value, digits).replace(",", ""))
    assert abs(shown - value) <= 0.5 * 10**-digits + 1e-6


@settings(deadline=None, max_examples=200)
@given(st.text())
def test_cleaning_twice_is_cleaning_once(text):
    once = clean(text)
    assert clean(once) == once
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", once)
