"""How many residents an answer stands for, from the survey's frame alone."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["weighted"]


def weighted(responses: pd.DataFrame, frame: pd.DataFrame, district_of: dict[str, str]) -> pd.DataFrame:
    """Valid answers with their design columns and base weights.

    A community's answers stand for its adults; the communities of a stratum that were reached stand for all of
    its communities: weight = (communities in stratum / communities reached) * (adults / valid answers).

    Parameters
    ----------
    responses : DataFrame
        Clean ``responses`` of one period.
    frame : DataFrame
        unit, stratum, communities, adults of that period (register's survey_frame).
    district_of : dict
        Community -> district.

    Returns
    -------
    DataFrame
        Valid responses inside the frame, with stratum, communities, adults, district, base_weight.
    """
    valid = responses[responses["valid"] & responses["unit"].notna()].drop(columns=["base_weight"])
    data = valid.merge(frame[["unit", "stratum", "communities", "adults"]], on="unit", how="inner")
    reached = data.groupby("stratum")["unit"].transform("nunique")
    answers = data.groupby("unit")["response_id"].transform("size")
    data["base_weight"] = data["communities"] / reached * data["adults"] / answers
    data["district"] = data["unit"].map(district_of).astype("str")
    # One line an answer: the hash alone may repeat between files.
    data["answer"] = np.arange(len(data)).astype("str")
    return data.reset_index(drop=True)
