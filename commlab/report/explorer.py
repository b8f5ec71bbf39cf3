"""Widgets to ask a study: pick, and see the table, the figure and the line of code that makes them.

What can be picked and what it answers is ``explore``; here is only what people touch.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from commlab.report.explore import Explore, Question

if TYPE_CHECKING:
    from commlab.figures import Figure
    from commlab.study import Study

__all__ = ["Explorer"]

ROWS = 60
"""Rows of a table that are shown at once; the line gives them all."""
_STYLE = "line-height:1.4;white-space:pre-wrap;font-family:monospace;padding:.4em .6em;background:#f3f5f7;user-select:all"


class Explorer:
    """Pick period, unit, item or metric or indicator, and group; filter by district, type, street and age.

    Parameters
    ----------
    study : Study
    period : str, optional
        What is picked at first; default: the newest.
    language : {"zh", "en"}, optional
        Of labels; default: the study's.

    Attributes
    ----------
    asked : Question
        What is picked.
    line, table, figure, note
        The answer: the code as text, the frame it gives, the picture of it (None where nothing may be drawn), and why
        figures are blank.
    """

    def __init__(self, study: Study, period: str | None = None, language: str | None = None) -> None:
        self._explore = Explore(study, language)
        self.asked = self._explore.first(**({"period": period} if period else {}))
        self._box: Any = None
        self._fields: dict[str, Any] = {}

    @property
    def line(self) -> str:
        return repr(self._explore.line(self.asked))

    @property
    def table(self) -> pd.DataFrame:
        return self._explore.table(self.asked)

    @property
    def figure(self) -> Figure | None:
        return self._explore.figure(self.asked)

    @property
    def note(self) -> str:
        return self._explore.note(self.asked)

    @property
    def box(self) -> Any:
        """The widgets."""
        if self._box is None:
            self._build()
        return self._box

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.box)

    def pick(self, **wanted: str) -> None:
        """Pick by name, as the widgets do; what no longer fits is set to its first choice."""
        self._show(self._explore.fitted(replace(self.asked, **wanted)))

    def _build(self) -> None:
        import ipywidgets as widgets

        t = self._explore.t
        labels = {
            "period": t("Period"),
            "kind": t("Data"),
            "name": t("Item or indicator"),
            "group": t("A row for each"),
            "statistic": t("Statistic"),
            "district": t("District"),
            "type": t("Type"),
            "street": t("Street"),
            "age": t("Age"),
        }
        wide = {"description_width": "8em"}
        for field in fields(Question):
            made = widgets.Dropdown(description=labels[field.name], style=wide)
            made.observe(self._picked, names="value")
            self._fields[field.name] = made
        self._code = widgets.HTML()
        self._rows = widgets.HTML()
        self._told = widgets.HTML()
        self._picture = widgets.HTML()
        left = [self._fields[n] for n in ("period", "kind", "name", "group", "statistic")]
        right = [self._fields[n] for n in ("district", "type", "street", "age")]
        wrap = widgets.Layout(flex_flow="row wrap")
        picks = widgets.HBox([widgets.VBox(left), widgets.VBox(right)], layout=wrap)
        self._box = widgets.VBox([picks, self._code, self._told, self._rows, self._picture])
        self._show(self.asked)

    def _picked(self, change: dict[str, Any]) -> None:
        name = next(n for n, w in self._fields.items() if w is change["owner"])
        if change["new"] is not None and change["new"] != getattr(self.asked, name):
            self.pick(**{name: change["new"]})

    def _show(self, asked: Question) -> None:
        self.asked = asked
        if self._box is None:
            return
        for name, made in self._fields.items():
            known = self._explore.choices(name, asked)
            options = [(label, value) for value, label in known.items()]
            if list(made.options) != options:
                # The value follows below; in between a widget may not tell of its own.
                made.unobserve(self._picked, names="value")
                made.options = options
                made.value = getattr(asked, name)
                made.observe(self._picked, names="value")
            else:
                made.value = getattr(asked, name)
            made.disabled = len(options) < 2
        self._answer()

    def _answer(self) -> None:
        from html import escape

        table, figure = self.table, self.figure
        title = escape(self._explore.title(self.asked))
        self._code.value = f'<div style="{_STYLE}">{escape(self.line)}</div>'
        self._told.value = f"<p><b>{title}</b></p><p>{escape(self.note)}</p>"
        rows = table.to_html(
            index=False, max_rows=ROWS, na_rep="", border=0, escape=True, float_format=_decimals
        )
        self._rows.value = f'<div class="jp-RenderedHTMLCommon">{rows}</div>'
        self._picture.value = "" if figure is None else _image(figure)


def _decimals(value: float) -> str:
    return f"{value:,.4f}".rstrip("0").rstrip(".")


def _image(figure: Figure) -> str:
    from base64 import b64encode
    from html import escape

    source = f"data:image/png;base64,{b64encode(figure.png).decode('ascii')}"
    return (
        f'<img src="{source}" alt="{escape(figure.alt)}" style="width:{figure.width_mm:g}mm;max-width:100%">'
    )
