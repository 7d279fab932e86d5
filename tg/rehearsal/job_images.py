"""The images that jobs name."""

from __future__ import annotations

from ..common._core.errors import EngineError
from ..common.delivery.docker.engine import DockerEngine
from ..common.delivery.docker.images import ImageStore
from .registry import ImageRegistry

__all__ = ["JobImages"]

_PULL_SECONDS = 3_600.0


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
            folder = self._registry.client_configuration()
            self._engine.call(
                ["pull", "--quiet", reference],
                env={"DOCKER_CONFIG": str(folder)},
                timeout_seconds=_PULL_SECONDS,
            )
        image = ImageStore(self._engine).find(reference)
        if image is None:
            raise EngineError(
                f"there is no image {reference!r}", hint="Push it, or build it in this engine."
            )
        return image.id
