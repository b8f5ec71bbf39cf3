"""A result that shows itself: its sentence, and in a notebook a table of weights below it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import pandas as pd

__all__ = ["Told"]


class Told(ABC):
    """For results with ``text``, and their weights as the Series that ``_weights`` names."""

    _weights: ClassVar[tuple[str, str]] = ("weights", "weight")
    """Attribute, and how its column is headed."""

    @property
    @abstractmethod
    def text(self) -> str:
        """The result in one sentence."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.text})"

    def _repr_html_(self) -> str:
        from html import escape

        attribute, heading = self._weights
        weights: pd.Series = getattr(self, attribute)
        table = weights.rename(heading).to_frame().to_html(float_format="{:.4f}".format, border=0)
        return f"<p>{escape(self.text)}</p>{table}"
