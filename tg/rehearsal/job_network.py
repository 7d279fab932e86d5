"""The private network of a job with several hosts."""

from __future__ import annotations

from collections.abc import Mapping

from ..common.delivery.docker.engine import DockerEngine

__all__ = ["JobNetwork"]


class JobNetwork:
    """A network of the engine, made when it is needed.

    Parameters
    ----------
    engine
        Where it is.
    name
        What it will be called.
    labels
        Its labels.
    is_isolated
        Whether it leads nowhere.
    """

    def __init__(
        self, engine: DockerEngine, name: str, labels: Mapping[str, str], *, is_isolated: bool
    ) -> None:
        self._engine = engine
        self._wanted = name
        self._labels = labels
        self._is_isolated = is_isolated
        self.name = ""

    def create(self) -> None:
        """Make it; its name is empty before that."""
        labels = [part for pair in self._labels.items() for part in ("--label", "=".join(pair))]
        isolated = ["--internal"] if self._is_isolated else []
        self._engine.call(["network", "create", *labels, *isolated, self._wanted])
        self.name = self._wanted

    def remove(self) -> None:
        """Remove it, if it was made."""
        name, self.name = self.name, ""
        if name:
            self._engine.call(["network", "rm", name])
