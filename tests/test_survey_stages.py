"""Two-stage samples with odd strata against R's survey package (reference/survey_stages.*)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from commlab.survey import ReplicateDesign, SurveyDesign, replicates

HERE = Path(__file__).parent / "reference"
R = json.loads((HERE / "survey_stages.json").read_text(encoding="utf-8"))
ALL = pd.read_csv(HERE / "survey_stages.csv")
EXACT = {"rtol": 1e-10, "atol": 1e-13}


def same(found: pd.DataFrame, expected: dict) -> None:
    np.testing.assert_allclose(found["estimate"], expected["est"], **EXACT)
    np.testing.assert_allclose(found["se"], expected["se"], **EXACT)


@pytest.mark.parametrize("lonely", ["remove", "adjust", "certainty"])
@pytest.mark.parametrize("sample", ["a", "b"])
@pytest.mark.parametrize("fast", [False, True])
def test_two_stages_with_certainties_and_lonely_units(sample, lonely, fast, monkeypatch):
    if fast:
        monkeypatch.setattr("commlab.survey.kernel.MANY", 0)
    data, r = ALL[ALL["sample"] == sample].reset_index(drop=True), R[sample][lonely]
    two = SurveyDesign(data, weights="w", strata="h", clusters=["u", "id"], fpc=["N", "M"], lonely=lonely)
    same(two.mean("y"), r["mean"])
    same(two.total("y"), r["total"])
    same(two.mean("q"), r["missing"])
    same(two.mean("y", by="s"), r["by"])
    sexes = data.groupby("s")["w"].sum() * [1.2, 0.9]
    post = two.post_stratify({"s": sexes})
    same(post.mean("y"), r["post"])
    same(post.mean("y", by="a"), r["post_by"])
    linear = two.calibrate({"s": sexes, "z": float(data["w"] @ data["z"]) * 1.1})
    same(linear.mean("y"), r["linear"])
    same(linear.mean("y", by="a"), r["linear_by"])
    same(post.trim(1.5, 4).mean("y"), r["trimmed"])
    same(post.trim(1.5, 4, strict=True).mean("y"), r["strict"])


@pytest.mark.parametrize("sample", ["a", "b"])
def test_jackknife(sample):
    data = ALL[ALL["sample"] == sample].reset_index(drop=True)
    units = data.groupby("h")["u"].transform("nunique")
    made: dict[str, ReplicateDesign] = {
        "JK1": replicates(SurveyDesign(data, weights="w", clusters="u"), method="JK1"),
        "JKn": replicates(
            SurveyDesign(data[units > 1], weights="w", strata="h", clusters="u", fpc="N"), method="JKn"
        ),
    }
    for method, design in made.items():
        same(design.mean("y"), R[sample][method])
        assert design.df == R[sample][method]["df"]
