"""The parts of ``tools/torture.py``: each has ``run(tally, seed)``."""
