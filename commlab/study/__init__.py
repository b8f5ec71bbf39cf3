"""A study folder as objects: ``open_study`` -> Study -> Period.

- ``config``    study.yaml, checked
- ``register``  units, aliases, quotas, margins, survey frame
- ``clean``     raw files of a period -> clean tables, ledger, who sent what
- ``estimates`` ``standing`` ``stage``  the city-wide results, computed once a period
- ``trace``     a published number back to the cells it came from
- ``facade`` ``period``  Study and Period, what notebooks and the command line call
"""

from __future__ import annotations

from commlab.study.facade import CheckResult, Study, open_study
from commlab.study.period import Period
from commlab.study.trace import Trace

__all__ = ["CheckResult", "Period", "Study", "Trace", "open_study"]
