"""The images that jobs name."""

from __future__ import annotations

import time

from ..common._core.errors import EngineError
from ..common.delivery.docker.engine import DockerEngine
from ..common.delivery.docker.images import ImageStore
from .registry import ImageRegistry

__all__ = ["JobImages"]

_PULL_SECONDS = 3_600.0
# an engine fails to pull what is being removed under another name at the same moment
_PULLS = 3
_PAUSE_SECONDS = 1.0
# what a registry says of an image that is not there (OCI Distribution Specification, Error Codes)
_NOT_THERE = ("manifest unknown", "name unknown", "not found", "denied", "unauthorized")


class JobImages:
    """Finds the image of a job in the rehearsal's registry, or else in the engine.

    Parameters
    ----------
    engine
        Where it will run.
    registry
        The registry; an image of it is pulled, so that what was not pushed does not run.
    """

    def __init__(self, engine: DockerEngine, registry: ImageRegistry) -> None:
        self._engine = engine
        self._registry = registry

    def id_of(self, reference: str) -> str:
        """Give an image's id.

        Raises
        ------
        EngineError
            There is none of that name.
        """
        host = self._registry.known_host
        if host and reference.startswith(f"{host}/"):
            self._pull(reference)
        image = ImageStore(self._engine).find(reference)
        if image is None:
            raise EngineError(
                f"there is no image {reference!r}", hint="Push it, or build it in this engine."
            )
        return image.id

    def _pull(self, reference: str) -> None:
        folder = self._registry.client_configuration()
        for pull in range(1, _PULLS + 1):
            try:
                self._engine.call(
                    ["pull", "--quiet", reference],
                    env={"DOCKER_CONFIG": str(folder)},
                    timeout_seconds=_PULL_SECONDS,
                )
            except EngineError as exc:
                if pull == _PULLS or any(words in str(exc).lower() for words in _NOT_THERE):
                    raise
                time.sleep(_PAUSE_SECONDS)
            else:
                return
