"""What offices do with data beside scoring: one module a process, functions on frames.

``among_peers`` compares units with their like only.
``gap_list``, ``mean_norms``, ``mending_costs``, ``naming_order`` and ``training_windows`` hold units against printed norms.
``early_warning`` charts counts with a stated false-alarm rate (``run_length``, ``alarm_probability`` where the rate is known);
``episodes``, ``handled``, ``kaplan_meier``, ``closing_times`` tell how problems are handled; ``join_sources``, ``data_quality``
put departments' tables side by side; ``covered`` counts places that have what every place should have.
"""

from commlab.processes.coverage import Coverage, covered
from commlab.processes.handling import Lifetimes, closing_times, episodes, handled, kaplan_meier
from commlab.processes.joins import Joined, data_quality, join_sources
from commlab.processes.norms import gap_list, mean_norms, mending_costs, naming_order, training_windows
from commlab.processes.peers import among_peers
from commlab.processes.warning import alarm_probability, early_warning, run_length

__all__ = [
    "Coverage",
    "Joined",
    "Lifetimes",
    "alarm_probability",
    "among_peers",
    "closing_times",
    "covered",
    "data_quality",
    "early_warning",
    "episodes",
    "gap_list",
    "handled",
    "join_sources",
    "kaplan_meier",
    "mean_norms",
    "mending_costs",
    "naming_order",
    "run_length",
    "training_windows",
]
