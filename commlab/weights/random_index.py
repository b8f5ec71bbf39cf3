"""Named tables of the random index: the mean consistency index of random reciprocal matrices.

The tables differ, because their authors drew different numbers of matrices: for three items the index is 0.58
in Saaty (1980) and 0.49 in Donegan and Dodd (1991). A consistency ratio is therefore only comparable when the
table is named.
"""

from __future__ import annotations

from collections.abc import Mapping

from commlab.errors import ParameterError

__all__ = ["RANDOM_INDEX", "SOURCES", "random_index_of", "table_name"]

FIRST = 3
"""Smallest number of items whose judgements can contradict each other; every table starts there."""

RANDOM_INDEX: dict[str, tuple[float, ...]] = {
    # The Analytic Hierarchy Process (1980), table of most textbooks; checked against AHPSharp and a dozen other
    # public programs that print it to 15 items.
    "saaty": (0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49, 1.51, 1.48, 1.56, 1.57, 1.59),
    # Theory and Applications of the Analytic Network Process (2005), p. 31; checked against AHPy 2.1.
    "saaty_2005": (0.52, 0.89, 1.11, 1.25, 1.35, 1.40, 1.45, 1.49, 1.52, 1.54, 1.56, 1.58, 1.59),
    # A note on Saaty's random indexes, Math. Comput. Modelling 15(10), 1991, 135-137; checked against AHPy 2.1.
    "donegan_dodd": (
        *(0.4914, 0.8286, 1.0591, 1.1797, 1.2519, 1.3171, 1.3733, 1.4055, 1.4213),
        *(1.4497, 1.4643, 1.4822, 1.4969, 1.5078, 1.5153, 1.5262, 1.5313, 1.5371),
    ),
    # Consistency in the AHP: a new approach, Int. J. Uncertainty 14(4), 2006, 445-459: 100,000 matrices; checked
    # against an R program that prints it to 15 items.
    "alonso_lamata": (
        *(0.5245, 0.8815, 1.1086, 1.2479, 1.3417, 1.4056, 1.4499, 1.4854, 1.5141),
        *(1.5365, 1.5551, 1.5713, 1.5838),
    ),
    # R package ahpsurvey 0.4.1, ahp.cr: 500,000 matrices; checked against its vignette.
    "ahpsurvey": (
        *(0.5251686, 0.8836651, 1.1081014, 1.2492774, 1.3415514, 1.4048466, 1.4507197, 1.4857266),
        *(1.5141022, 1.5356638, 1.5545925, 1.5703498, 1.5839958),
    ),
}
"""Random indices by table; the first entry of each is for three items."""
SOURCES = {
    "saaty": "Saaty (1980)",
    "saaty_2005": "Saaty (2005)",
    "donegan_dodd": "Donegan & Dodd (1991)",
    "alonso_lamata": "Alonso & Lamata (2006)",
    "ahpsurvey": "ahpsurvey 0.4.1",
}
"""Who published each table, as it is printed."""


def table_name(table: str | float | Mapping[int, float]) -> str:
    """How a report names a random-index table: its author and year; one's own table by its values.

    >>> table_name("donegan_dodd"), table_name(1.12)
    ('Donegan & Dodd (1991)', '1.12')
    """
    if isinstance(table, Mapping):
        return ", ".join(f"{n}: {value:g}" for n, value in table.items())
    return SOURCES.get(table, table) if isinstance(table, str) else f"{table:g}"


def random_index_of(n: int, table: str | float | Mapping[int, float] = "saaty") -> float:
    """The random index of a matrix of ``n`` items.

    Parameters
    ----------
    n : int
        Number of items.
    table : str, float or mapping
        A name in ``RANDOM_INDEX``, the index itself, or a table of one's own (items -> index).

    Returns
    -------
    float
        0 for one or two items, whose judgements cannot contradict each other.

    Raises
    ------
    ParameterError
        If the table is unknown or does not reach ``n``.

    >>> random_index_of(5)
    1.12
    >>> random_index_of(5, "donegan_dodd")
    1.0591
    """
    if n < FIRST:
        return 0.0
    if isinstance(table, str):
        if table not in RANDOM_INDEX:
            raise ParameterError(
                f"no random-index table is called {table!r}; known: {', '.join(RANDOM_INDEX)}; "
                "or give the index as a number"
            )
        known = dict(enumerate(RANDOM_INDEX[table], start=FIRST))
    elif isinstance(table, Mapping):
        try:
            known = {int(k): float(v) for k, v in table.items()}
        except (TypeError, ValueError):
            raise ParameterError(
                f"a random-index table maps items to numbers, {{3: 0.58}}; found {table!r}"
            ) from None
    elif isinstance(table, (int, float)):
        known = {n: float(table)}
    else:
        raise ParameterError(f"random_index must be a table's name, a number or a mapping; found {table!r}")
    if n not in known:
        raise ParameterError(
            f"random-index table {table!r} has no value for {n} items (it has {min(known)} to {max(known)}): "
            "split the node, choose a longer table, or give the index as a number"
        )
    if not known[n] > 0:
        raise ParameterError(f"the random index for {n} items must be greater than 0; found {known[n]}")
    return known[n]
