"""A new study: a folder that works, made from a template that comes with commlab.

A template is a folder of ``commlab/templates``: a study without a period. In its texts ``{PERIOD}`` stands for the
first one. Packaged notebooks make the reports; the one for exploring is copied, because people change it.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import commlab
from commlab import store
from commlab.errors import ParameterError, StudyError
from commlab.periods import period_key

__all__ = ["STARTER", "init_study", "templates", "this_quarter"]

STARTER = "starter"
"""The template that is used where none is named."""

_FOLDER = Path(commlab.__file__).parent / "templates"
_PERIOD = "{PERIOD}"
_EXPLORE = "00-explore"


def templates() -> tuple[str, ...]:
    """Names of the templates that come with commlab."""
    return tuple(sorted(p.parent.name for p in _FOLDER.glob("*/study.yaml")))


def this_quarter(day: dt.date) -> str:
    """The quarter that a day lies in.

    >>> this_quarter(dt.date(2026, 11, 24))
    '2026Q4'
    """
    return f"{day.year}Q{(day.month + 2) // 3}"


def init_study(folder: str | Path, *, template: str = STARTER, period: str) -> list[Path]:
    """Make a study folder with its first period and blank workbooks for it.

    Parameters
    ----------
    folder : path
        A folder that does not exist yet, or an empty one.
    template : str
        One of ``templates()``.
    period : str
        The first period, for instance ``2026Q4``.

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
    period_key(period)
    if template not in templates():
        raise ParameterError(
            f"no template is called {template!r}; there is {', '.join(templates())} (templates for other cities are open work)"
        )
    root = Path(folder).resolve()
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        what = "is not empty" if root.is_dir() else "is a file"
        raise StudyError(f"{root} {what}; name a folder that does not exist yet")
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StudyError(f"{root} cannot be made ({error.strerror}); name another folder") from None
    source = _FOLDER / template
    for path in sorted(p for p in source.rglob("*") if p.is_file()):
        text = path.read_text(encoding="utf-8").replace(_PERIOD, period)
        store.write_text(root / path.relative_to(source), text)

    from commlab.batch.notebooks import find_notebook, read_parameters
    from commlab.cli.forms import write_forms
    from commlab.cli.new import new_period

    new_period(root, period)
    own = root / "notebooks" / f"{_EXPLORE}.ipynb"
    packaged = find_notebook(root, _EXPLORE)
    usual = read_parameters(packaged)["period"].default
    store.write_text(own, packaged.read_text(encoding="utf-8").replace(str(usual), period))
    return write_forms(commlab.open_study(root), period)
