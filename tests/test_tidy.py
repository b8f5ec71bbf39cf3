"""Frames as files: what is read back is what was written; labels for SPSS; nothing that a spreadsheet runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from commlab.errors import ParameterError
from commlab.intake.codebook import Codebook
from commlab.intake.questions import Question
from commlab.report.tidy import save

FRAME = pd.DataFrame(
    {
        "unit": ["五华区", None, "=1+1"],
        "q_service": pd.array([5, 98, None], dtype="Int64"),
        "sex": ["male", None, "female"],
        "on": pd.to_datetime(["2019-12-31", None, "2019-10-01"]),
        "valid": [True, False, True],
        "estimate": [0.1, np.nan, -2.0],
    }
)
OPTIONS = {"非常满意": 5, "满意": 4, "一般": 3, "不满意": 2, "非常不满意": 1}
SERVICE = Question(
    "q_service", ("办事",), OPTIONS, {"zh": "办事服务", "en": "services"}, dont_know=("说不清",)
)
SEX = Question(
    "sex", ("性别",), {"男": "male", "女": "female", "不愿透露": None}, {"zh": "性别", "en": "sex"}
)


class Book:
    items = {"q_service": SERVICE}  # noqa: RUF012
    demographics = {"sex": SEX}  # noqa: RUF012


@pytest.fixture
def book() -> Codebook:
    return Book()  # type: ignore[return-value]


def test_csv_opens_in_a_spreadsheet_and_runs_nothing(tmp_path: Path) -> None:
    path = save(FRAME, tmp_path / "a b" / "表.csv")
    assert path.read_bytes()[:3] == b"\xef\xbb\xbf"
    back = pd.read_csv(path)
    assert back["unit"].fillna("").tolist() == ["五华区", "", "'=1+1"]
    assert back["estimate"].tolist()[::2] == [0.1, -2.0]
    told = save(pd.DataFrame({"change": ["-1.5", "+2", "@x", "-a", "\t=x"]}), tmp_path / "b.csv")
    assert pd.read_csv(told, dtype="str")["change"].tolist() == ["-1.5", "+2", "'@x", "'-a", "'\t=x"]


def test_parquet_keeps_types(tmp_path: Path) -> None:
    back = pd.read_parquet(save(FRAME, tmp_path / "x.parquet"))
    pd.testing.assert_frame_equal(back, FRAME)


def test_sav_has_labels_and_missing_codes(tmp_path: Path, book: Codebook) -> None:
    path = save(FRAME, tmp_path / "x.sav", codebook=book)
    back, meta = pyreadstat.read_sav(str(path), user_missing=True)
    assert meta.column_names_to_labels["q_service"] == "办事服务"
    assert meta.variable_value_labels["q_service"] == {5.0: "非常满意", 4.0: "满意", 3.0: "一般", 2.0: "不满意", 1.0: "非常不满意", 98.0: "说不清"}  # fmt: skip
    assert meta.variable_value_labels["sex"] == {1.0: "男", 2.0: "女"}
    assert back["q_service"].tolist()[:2] == [5.0, 98.0] and np.isnan(back["q_service"][2])
    assert meta.missing_ranges["q_service"] == [{"lo": 97.0, "hi": 98.0}]
    assert back["sex"].tolist()[0] == 1.0 and np.isnan(back["sex"][1]) and back["sex"][2] == 2.0
    assert back["unit"].tolist() == ["五华区", "", "=1+1"]
    plain, _ = pyreadstat.read_sav(str(path))
    assert np.isnan(plain["q_service"][1])
    _, english = pyreadstat.read_sav(str(save(FRAME, tmp_path / "e.sav", codebook=book, language="en")))
    assert english.column_names_to_labels["sex"] == "sex"


def test_any_frame_becomes_a_sav(tmp_path: Path) -> None:
    odd = pd.DataFrame({"green_violation/litter": [1.0], "Ⅱ-4.1": [2], "2019": ["x"], "empty": [None]})
    back, meta = pyreadstat.read_sav(str(save(odd, tmp_path / "odd.sav")))
    assert list(back.columns) == ["green_violation_litter", "v___4.1", "v_2019", "empty"]
    assert meta.column_labels == list(odd.columns)
    assert len(pyreadstat.read_sav(str(save(odd.iloc[:0], tmp_path / "none.sav")))[0]) == 0


@pytest.mark.parametrize(
    ("name", "frame", "message"),
    [
        ("x.xls", FRAME, "x.xls: a frame is saved as .csv, .parquet or .sav, not '.xls'"),
        ("x", FRAME, "not ''"),
        ("x.sav", pd.DataFrame({"a b": [1], "a/b": [2]}), "columns a b, a/b have one name in .sav"),
        ("x.sav", pd.DataFrame({"A": [1], "a": [2]}), "columns A, a have one name in .sav"),
    ],
)
def test_what_cannot_be_saved_is_said(tmp_path: Path, name: str, frame: pd.DataFrame, message: str) -> None:
    with pytest.raises(ParameterError) as caught:
        save(frame, tmp_path / name)
    assert message in str(caught.value)
    assert not (tmp_path / name).exists()
