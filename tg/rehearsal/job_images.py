"""The images that jobs name."""

from __future__ import annotations

import time

from ..common._core.errors import EngineError
from ..common.delivery.docker.engine import DockerEngine
from ..common.delivery.docker.images import ImageRecord, ImageStore
from .registry import ImageRegistry

__all__ = ["JobImages"]

_PULL_SECONDS = 3_600.0
# an engine fails to pull, or to keep, what is removed under another name at the same moment
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
        self._store = ImageStore(engine)

    def id_of(self, reference: str) -> str:
        """Give an image's id.

        Raises
        ------
        EngineError
            There is none of that name.
        """
        host = self._registry.known_host
        if host and reference.startswith(f"{host}/"):
            image = self._pulled(reference)
        else:
            image = self._store.find(reference)
        if image is None:
            raise EngineError(
                f"there is no image {reference!r}", hint="Push it, or build it in this engine."
            )
        return image.id

    def _pulled(self, reference: str) -> ImageRecord | None:
        """Pull an image; nothing if it is gone each time that it was."""
        for pull in range(1, _PULLS + 1):
            if pull > 1:
                time.sleep(_PAUSE_SECONDS)
            try:
                self._pull(reference)
            except EngineError as exc:
                if pull == _PULLS or any(words in str(exc).lower() for words in _NOT_THERE):
                    raise
            else:
                # whoever removes the repository's last tag of it takes its digest along
                if image := self._store.find(reference):
                    return image
        return None

    def _pull(self, reference: str) -> None:
        self._engine.call(
            ["pull", "--quiet", reference],
            env={"DOCKER_CONFIG": str(self._registry.client_configuration())},
            timeout_seconds=_PULL_SECONDS,
        )
