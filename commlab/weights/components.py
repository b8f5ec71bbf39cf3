"""Weights from principal components of the indicators' correlation matrix."""

from __future__ import annotations

import numpy as np
import pandas as pd

from commlab.errors import DataError, ParameterError, listing
from commlab.weights.scores import FLAT, Directions, correlations, matrix_of, shares_of, signs_of, varies_of

__all__ = ["pca"]

PCA_HOW = ("loadings", "coefficients")


def pca(
    scores: pd.DataFrame,
    *,
    directions: Directions = None,
    how: str = "loadings",
    keep: int | None = None,
) -> pd.Series:
    """Weigh indicators by principal components of their correlation matrix.

    Parameters
    ----------
    scores : DataFrame, shape (n_units, n_indicators)
        In any units; standardised inside.
    directions : Series of +1/-1, optional
        A cost is turned round before standardising.
    how : str
        ``loadings``: the share of an indicator's variance that the kept components explain (squared loadings
        summed: never negative, and the same under rotation). ``coefficients``: loadings / sqrt(eigenvalue),
        averaged by explained variance, as SPSS users compute them by hand; each component points where most
        indicators point, and an indicator that points the other way is refused.
    keep : int, optional
        Components to keep. Default: those with an eigenvalue above 1, at least one (Kaiser 1960).

    Returns
    -------
    Series, shape (n_indicators,)
        A constant indicator weighs 0.

    Raises
    ------
    DataError
        If a value is missing or infinite, no indicator varies, there are fewer than three units, or a
        coefficient is negative.

    Notes
    -----
    (1) l_jk = v_jk sqrt(lambda_k)    (2) loadings: w_j ~ sum_k l_jk^2
    (3) coefficients: w_j ~ sum_k lambda_k (l_jk / sqrt(lambda_k)) / sum_k lambda_k
    Source: OECD/JRC, Handbook on Constructing Composite Indicators (2008), section 6.1.
    """
    what = "PCA weights"
    if how not in PCA_HOW:
        raise ParameterError(f"how must be one of {', '.join(PCA_HOW)}; found {how!r}")
    x, columns = matrix_of(scores, what, least=3)
    signs, varies = signs_of(columns, directions), varies_of(x)
    out = np.zeros(len(columns))
    if varies.any():
        rho, _ = correlations(x[:, varies] * signs[varies])
        values, vectors = np.linalg.eigh(rho)
        values, vectors = values[::-1], vectors[:, ::-1]
        # an eigenvalue of 1 + rounding, from uncorrelated indicators, is not above 1
        kept = max(int((values > 1 + FLAT).sum()), 1) if keep is None else keep
        if not 1 <= kept <= len(values):
            raise ParameterError(f"keep must be from 1 to {len(values)} (indicators that vary); found {keep}")
        values, vectors = values[:kept], vectors[:, :kept]
        if how == "loadings":
            out[varies] = (vectors**2 * values).sum(axis=1)  # (1), (2)
        else:
            vectors = vectors * np.where(vectors.sum(axis=0) < 0, -1.0, 1.0)
            w = vectors @ values / values.sum()  # (3)
            if (w < -FLAT).any():
                raise DataError(
                    f"{what}: {listing(columns[varies][w < -FLAT])} point against the others (negative "
                    f"coefficient); check "
                    "their directions, or use how='loadings'"
                )
            out[varies] = np.clip(w, 0.0, None)
    return shares_of(out, columns, what)
