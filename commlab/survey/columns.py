"""Columns of a design's data as numbers, checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing, within_reach
from commlab.survey.moments import Coded
from commlab.survey.structure import FloatArray, IntArray, as_list, column

if TYPE_CHECKING:
    from commlab.survey.design import SurveyDesign

__all__ = ["answered", "answers_of", "values_of", "variables_of"]


def variables_of(variables: str | Sequence[str]) -> list[str]:
    """Names of variables: at least one, none twice."""
    names = as_list(variables)
    if not names:
        raise ParameterError("name at least one variable")
    twice = sorted({str(v) for v in names if names.count(v) > 1})
    if twice:
        raise ParameterError(f"variables are named twice: {listing(twice)}")
    return [str(v) for v in names]


def values_of(design: SurveyDesign, name: str) -> FloatArray:
    """A numeric column, missing as NaN.

    Raises
    ------
    ParameterError
        If the column holds text.
    DataError
        If a value is infinite, or too large or small to calculate with.
    """
    values = column(design.data, name, "variable")
    if not pd.api.types.is_numeric_dtype(values):  # booleans are
        if not pd.api.types.is_string_dtype(values) and not pd.api.types.is_object_dtype(values):
            raise ParameterError(
                f'"{name}" is {values.dtype}, not a number; for shares of its levels use .proportion'
            )
        try:
            values = pd.to_numeric(values)
        except (TypeError, ValueError) as error:
            raise ParameterError(
                f'"{name}" is not a number ({error}); for shares of its levels use .proportion'
            ) from None
    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    if not np.isfinite(numbers.sum()) and np.isinf(numbers).any():
        row = int(np.argmax(np.isinf(numbers)))
        raise DataError(
            f'"{name}" is infinite in row {design.data.index[row]}; make it a number or leave it blank'
        )
    within_reach(numbers, f'"{name}"')
    return numbers


def answers_of(design: SurveyDesign, name: str) -> FloatArray | Coded:
    """As ``values_of``, but a column of few whole numbers stays coded and is never written out as floats."""
    values = column(design.data, name, "variable")
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "iub":
        coded = Coded.of_whole(values.to_numpy())
        if coded is not None:
            return coded
    return values_of(design, name)


def answered(names: Sequence[str], n: IntArray) -> None:
    """Refuse variables that nobody answered; ``n`` has a column a variable.

    Raises
    ------
    DataError
    """
    empty = [name for name, some in zip(names, n.sum(axis=0), strict=True) if not some]
    if empty:
        raise DataError(f"{listing(empty)}: no answers at all; there is nothing to estimate from")
