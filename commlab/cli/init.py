"""A new study: a folder that works, made from a template that comes with commlab.

A template is a folder of ``commlab/templates``: a whole study, with sample files for the periods that its study.yaml
names, or one without a period, in whose texts ``{PERIOD}`` stands for the first one. Packaged notebooks make the
reports; a template's own lie in its ``notebooks``, and the one for exploring is copied, because people change it.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import commlab
from commlab import store
from commlab.errors import ParameterError, StudyError
from commlab.framework.loader import read_yaml
from commlab.periods import period_key

__all__ = ["STARTER", "init_study", "templates", "this_quarter"]

STARTER = "starter"
"""The template that is used where none is named."""

_FOLDER = Path(commlab.__file__).parent / "templates"
_PERIOD = "{PERIOD}"
_EXPLORE = "00-explore"
_TEXTS = (".yaml", ".md", ".csv", ".ipynb", ".txt")


def templates() -> tuple[str, ...]:
    """Names of the templates that come with commlab."""
    return tuple(sorted(p.parent.name for p in _FOLDER.glob("*/study.yaml")))


def this_quarter(day: dt.date) -> str:
    """The quarter that a day lies in.

    >>> this_quarter(dt.date(2026, 11, 24))
    '2026Q4'
    """
    return f"{day.year}Q{(day.month + 2) // 3}"


def init_study(folder: str | Path, *, template: str = STARTER, period: str | None = None) -> list[Path]:
    """Make a study folder with its first period and blank workbooks for it.

    Parameters
    ----------
    folder : path
        A folder that does not exist yet, or an empty one.
    template : str
        One of ``templates()``.
    period : str, optional
        The first period, for instance ``2026Q4``; of a template with periods of its own, one more. Default: this
        quarter for a template that has none.

    Returns
    -------
    list of Path
        The blank workbooks, below ``forms/<period>/``.

    Raises
    ------
    ParameterError
        If there is no such template, or the text is not a period.
    StudyError
        If the folder holds anything, a file stands in its place, or it cannot be made.
    """
    if period is not None:
        period_key(period)
    if template not in templates():
        raise ParameterError(f"no template is called {template!r}; there is {', '.join(templates())}")
    root = Path(folder).resolve()
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        what = "is not empty" if root.is_dir() else "is a file"
        raise StudyError(f"{root} {what}; name a folder that does not exist yet")
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StudyError(f"{root} cannot be made ({error.strerror}); name another folder") from None
    source = _FOLDER / template
    own_periods = _periods(source)
    if period is None and not own_periods:
        period = this_quarter(dt.date.today())
    first = period or own_periods[-1]
    for path in sorted(p for p in source.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
        target = root / path.relative_to(source)
        if path.suffix in _TEXTS and not own_periods:
            store.write_text(target, path.read_text(encoding="utf-8").replace(_PERIOD, first))
        else:
            store.write_bytes(target, path.read_bytes())

    from commlab.batch.notebooks import find_notebook, read_parameters
    from commlab.cli.forms import write_forms
    from commlab.cli.new import new_period

    if period is not None:
        new_period(root, period)
    period = first
    own = root / "notebooks" / f"{_EXPLORE}.ipynb"
    if own.exists():
        return write_forms(commlab.open_study(root), period)
    packaged = find_notebook(root, _EXPLORE)
    usual = read_parameters(packaged)["period"].default
    store.write_text(own, packaged.read_text(encoding="utf-8").replace(str(usual), period))
    return write_forms(commlab.open_study(root), period)


def _periods(template: Path) -> list[str]:
    """The periods that a template has sample files for."""
    listed = read_yaml(template / "study.yaml").get("periods") or []
    return sorted((str(p) for p in listed), key=period_key)
