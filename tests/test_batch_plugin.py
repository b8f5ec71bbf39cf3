"""papermill knows the fork engine by its installed name, whichever of the two is imported first."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "first", ["import papermill.engines", "import commlab.batch.engine.forked", "import papermill"]
)
def test_engine_is_found_under_its_name(first: str) -> None:
    code = (
        f"{first}\nfrom papermill.engines import papermill_engines as e\n"
        "engine = e.get_engine('commlab-fork')\n"
        "print(engine.nb_kernel_name({'metadata': {}}, 'python3'), engine.nb_language({'metadata': {}}, 'python'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["python3", "python"]
