"""The labels by which we know what we made in the engine."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Kind", "Label"]


class Label(StrEnum):
    """A label's key."""

    KIND = "training-grounds.kind"
    NAME = "training-grounds.name"
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
