"""A period as the public may see it: every survey figure decided anew with the public's k, and nothing stored.

Scores, ranks, changes and drivers are made again from what is left (R7), so no public number rests on a figure that is
withheld.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from commlab.study.facade import Study
from commlab.study.period import Period
from commlab.study.staged import computed

__all__ = ["PublicPeriod", "public_view"]


class PublicPeriod(Period):
    """A period whose results are computed in memory for the public; it writes nothing into the study."""

    def build(self, *, force: bool = False) -> bool:
        """Compute the results where that has not been done; True where it was."""
        if self._results and not force:
            return False
        self._results = computed(self)
        return True

    def result(self, name: str) -> pd.DataFrame:
        """A result for the public; nothing is read from what is stored for the offices."""
        self.build()
        return self._results[name] if name in self._results else super().result(name)


def public_view(period: Period) -> PublicPeriod:
    """The same period for the public: k is the larger of study.yaml's two.

    Parameters
    ----------
    period : Period
        Checked (``period.clean()``).
    """
    study = Study(period.study.root)
    k = max(study.config.disclosure.values())
    study.config = replace(study.config, disclosure={"internal": k, "public": k})
    return PublicPeriod(study, period.name)
