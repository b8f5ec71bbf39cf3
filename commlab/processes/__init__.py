"""What offices do with data beside scoring: one module a process, functions on frames.

``among_peers`` compares units with their like only.
``gap_list``, ``mean_norms``, ``mending_costs``, ``naming_order`` and ``training_windows`` hold units against printed norms.
"""

from commlab.processes.norms import gap_list, mean_norms, mending_costs, naming_order, training_windows
from commlab.processes.peers import among_peers

__all__ = ["among_peers", "gap_list", "mean_norms", "mending_costs", "naming_order", "training_windows"]
