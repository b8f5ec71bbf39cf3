"""What offices do with data beside scoring: one module a process, functions on frames.

``among_peers`` compares units with their like only.
"""

from commlab.processes.peers import among_peers

__all__ = ["among_peers"]
