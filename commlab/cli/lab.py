"""JupyterLab in a study: which notebook it opens, and with which kernel."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from commlab.errors import StudyError

if TYPE_CHECKING:
    from commlab.study import Study

__all__ = ["KERNEL", "kernel_command", "kernel_program", "lab_command_line", "lab_environment"]

KERNEL = "python3"
"""The kernel that the notebooks name."""
EXPLORE = "00-explore"


def lab_command_line(study: Study) -> list[str]:
    """The command that opens JupyterLab in a study, at the notebook for exploring.

    A study without that notebook gets a copy of it, set to its newest period: people change it.

    Raises
    ------
    StudyError
        If JupyterLab is not installed, or the kernel of the notebooks is another Python's.
    """
    from importlib.util import find_spec

    from commlab import store
    from commlab.batch.notebooks import find_notebook, read_parameters

    if find_spec("jupyterlab") is None:
        raise StudyError("JupyterLab is not installed here; run `make env`, or pip install jupyterlab")
    kernel_program()
    root = study.root
    notebook = root / "notebooks" / f"{EXPLORE}.ipynb"
    if not notebook.is_file():
        packaged = find_notebook(root, EXPLORE)
        usual = str(read_parameters(packaged)["period"].default)
        store.write_text(notebook, packaged.read_text(encoding="utf-8").replace(usual, study.newest))
    address = f"/lab/tree/notebooks/{EXPLORE}.ipynb"  # also in the address that is printed
    options = [f"--ServerApp.root_dir={root}", f"--LabApp.default_url={address}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")  # in a container; Jupyter refuses otherwise
    return [sys.executable, "-m", "jupyterlab", *options]


def kernel_command() -> list[str]:
    """What starts the notebooks' kernel, as JupyterLab will find it.

    Raises
    ------
    StudyError
        If there is no such kernel.
    """
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    from jupyter_core.paths import ENV_JUPYTER_PATH

    manager = KernelSpecManager()
    # As lab_environment has it: this environment's kernels come before those of the person's home folder.
    own = [str(Path(folder, "kernels")) for folder in ENV_JUPYTER_PATH]
    manager.kernel_dirs = [*own, *(d for d in manager.kernel_dirs if d not in own)]
    try:
        command = list(manager.get_kernel_spec(KERNEL).argv)
    except NoSuchKernel:
        raise StudyError(
            f"Jupyter has no kernel {KERNEL!r}; run: {sys.executable} -m ipykernel install --sys-prefix"
        ) from None
    # A bare name stands for the Python that starts the server.
    return [sys.executable if command[0] in ("python", "python3") else command[0], *command[1:]]


def kernel_program() -> str:
    """The Python that the notebooks' kernel starts; StudyError where it is not the one that commlab is installed in."""
    program = kernel_command()[0]
    if Path(program).resolve() != Path(sys.executable).resolve():
        raise StudyError(
            f"the Jupyter kernel {KERNEL!r} starts {program}, not {sys.executable}, where commlab is installed; "
            f"run: {sys.executable} -m ipykernel install --sys-prefix"
        )
    return program


def lab_environment() -> dict[str, str]:
    """The environment of the server: kernels of this Python come first."""
    return {**os.environ, "JUPYTER_PREFER_ENV_PATH": "1"}
