"""How far raters agree: Kendall's coefficient of concordance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from commlab.errors import DataError, listing

__all__ = ["KendallW", "kendall_w"]


@dataclass(frozen=True)
class KendallW:
    """Concordance of raters: ``w`` from 0 (none) to 1 (all alike), its ``chi2``, ``df`` and ``p_value``.

    ``w_uncorrected`` leaves ties uncorrected; ``raters`` and ``items`` are their numbers.
    """

    w: float
    chi2: float
    df: int
    p_value: float
    w_uncorrected: float
    raters: int
    items: int

    @property
    def text(self) -> str:
        """The result in one sentence."""
        return (
            f"{self.raters} raters, {self.items} items: W = {self.w:.3f}, chi2 = {self.chi2:.2f}, df = "
            f"{self.df}, "
            f"p = {self.p_value:.4g}"
        )

    def _repr_html_(self) -> str:
        return f"<p>{self.text}</p>"


def kendall_w(matrix: pd.DataFrame) -> KendallW:
    """Kendall's W, corrected for ties.

    Parameters
    ----------
    matrix : DataFrame, shape (raters, items)
        Scores or ranks; only their order within a rater counts. No missing values.

    Returns
    -------
    KendallW

    Raises
    ------
    DataError
        If a score is missing (rater and item named), there are fewer than two raters or items, or every rater
        scores all items alike.

    Notes
    -----
    (1) W = 12 S / (m^2 (n^3 - n) - m T), S = sum_j (R_j - mean R)^2, T = sum over raters and ties of t^3 - t
    (2) chi2 = m (n - 1) W with n - 1 degrees of freedom
    Source: Kendall and Babington Smith (1939); Siegel (1956).

    >>> kendall_w(pd.DataFrame([[1, 2, 3], [1, 2, 3], [1, 3, 2]])).w.__round__(4)
    0.7778
    """
    from scipy.stats import chi2 as chi2_distribution
    from scipy.stats import rankdata

    frame = pd.DataFrame(matrix)
    try:
        scores = frame.to_numpy(dtype="float64", na_value=np.nan)
    except (TypeError, ValueError):
        raise DataError("scores must be numbers; found text: convert the columns first") from None
    m, n = scores.shape
    if m < 2 or n < 2:
        raise DataError(f"concordance needs at least two raters and two items; found {m} raters, {n} items")
    if not np.isfinite(scores).all():
        holes = [f"({frame.index[i]}, {frame.columns[j]})" for i, j in np.argwhere(~np.isfinite(scores))]
        raise DataError(f"no score in {listing(holes)}; drop the rater or the item")
    ranks = rankdata(scores, axis=1)
    s = ((ranks.sum(axis=0) - m * (n + 1) / 2) ** 2).sum()
    ties = 0.0
    for row in scores:
        counts = np.unique(row, return_counts=True)[1].astype(float)
        ties += (counts**3 - counts).sum()
    full = m**2 * (n**3 - n)
    if full == m * ties:
        raise DataError("every rater scores all items alike: concordance is undefined")
    w = float(12 * s / (full - m * ties))
    chi2 = m * (n - 1) * w
    return KendallW(
        w=w,
        chi2=float(chi2),
        df=n - 1,
        p_value=float(chi2_distribution.sf(chi2, n - 1)),
        w_uncorrected=float(12 * s / full),
        raters=m,
        items=n,
    )
