"""The labels and names by which we know what we made in the engine."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["DEPENDENCIES_REPOSITORY", "UV_CACHE", "UV_CACHE_PLACE", "Kind", "Label"]

# a name that no registry but this machine's could serve: nobody else's image is ever pulled for it
DEPENDENCIES_REPOSITORY = "localhost/training-grounds/dependencies"
# what installations download: a volume of this name, or BuildKit's mount at this place
UV_CACHE = "training-grounds-uv"
UV_CACHE_PLACE = "/run/tg/cache"


class Label(StrEnum):
    """A label's key."""

    KIND = "training-grounds.kind"
    NAME = "training-grounds.name"
    REFERENCE = "training-grounds.reference"
    VERSION = "training-grounds.version"
    CONTENT_HASH = "training-grounds.content-hash"
    DEPENDENCIES = "training-grounds.dependencies"
    COMMIT = "training-grounds.commit"
    RUN = "training-grounds.run"


class Kind(StrEnum):
    """What a labelled thing is."""

    IMAGE = "image"
    DEPENDENCIES = "dependencies"
    RUN = "run"
    BUILD = "build"
