"""commlab: evaluate how cities govern their communities, from raw files to reports people hand in.

>>> import commlab as cl
>>> study = cl.open_study()                      # doctest: +SKIP
>>> study.period("2019Q4").satisfaction(by="district")   # doctest: +SKIP

``open_study`` opens a study folder; ``load_framework`` a system of indicators. The tools behind them can be used
on any frames: ``cl.intake`` reads, ``cl.survey`` estimates, ``cl.weights`` weighs, ``cl.scoring`` scores and ranks,
``cl.figures`` draws, ``cl.report`` tells. Names are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from commlab import figures, framework, intake, report, scoring, survey, weights
    from commlab.errors import CommlabError, DataError, ParameterError, StudyError
    from commlab.framework import Framework, load_framework
    from commlab.study import Period, Study, open_study

__version__ = "0.1.0"

_HOMES = {
    "open_study": "commlab.study",
    "Study": "commlab.study",
    "Period": "commlab.study",
    "load_framework": "commlab.framework",
    "Framework": "commlab.framework",
    "CommlabError": "commlab.errors",
    "DataError": "commlab.errors",
    "ParameterError": "commlab.errors",
    "StudyError": "commlab.errors",
}
_PACKAGES = ("figures", "framework", "intake", "report", "scoring", "survey", "weights")

__all__ = [
    "CommlabError",
    "DataError",
    "Framework",
    "ParameterError",
    "Period",
    "Study",
    "StudyError",
    "__version__",
    "figures",
    "framework",
    "intake",
    "load_framework",
    "open_study",
    "report",
    "scoring",
    "survey",
    "weights",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in _PACKAGES:
        return import_module(f"commlab.{name}")
    raise AttributeError(f"module 'commlab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
