"""Notebooks stand beside the package in the repository and inside it in a wheel; all else is in pyproject.toml."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class WithNotebooks(build_py):
    """Copies ``notebooks/`` into the built package, where ``find_notebook`` looks for it."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib, "commlab", "notebooks")
        self.mkpath(str(target))
        for path in sorted(Path(__file__).parent.glob("notebooks/*.ipynb")):
            self.copy_file(str(path), str(target / path.name))


setup(cmdclass={"build_py": WithNotebooks})
