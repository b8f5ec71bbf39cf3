"""What papermill finds under the entry point ``commlab-fork``.

papermill loads its entry points while ``papermill.engines`` is being imported, and ``forked`` imports that module: the
class behind the name is therefore looked up only when it is used.
"""

from __future__ import annotations

from typing import Any

__all__ = ["ForkEngine"]


class ForkEngine:
    """The engine of ``forked``, imported on first use."""

    @classmethod
    def execute_notebook(cls, *given: Any, **named: Any) -> Any:
        from commlab.batch.engine.forked import ForkEngine as Real

        return Real.execute_notebook(*given, **named)

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> str:
        from commlab.batch.engine.forked import ForkEngine as Real

        return Real.nb_kernel_name(nb, name)

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> str:
        from commlab.batch.engine.forked import ForkEngine as Real

        return Real.nb_language(nb, language)
