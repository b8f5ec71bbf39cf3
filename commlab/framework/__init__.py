"""A system of indicators as data: primary > secondary > standard > part, read from one YAML file.

``load_framework`` checks a file whole and reports every fault with its line; ``Framework`` is the frozen
result that weights, scoring and reports share.
"""

from commlab.framework.compare import compare
from commlab.framework.entries import Constant, Metric, Node, Note, Part
from commlab.framework.loader import bundled, load_framework
from commlab.framework.model import TOTAL, Framework
from commlab.framework.rules import RULES, exact

__all__ = [
    "RULES",
    "TOTAL",
    "Constant",
    "Framework",
    "Metric",
    "Node",
    "Note",
    "Part",
    "bundled",
    "compare",
    "exact",
    "load_framework",
]
